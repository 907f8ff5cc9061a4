package main

// This file is what an API does to be seen on the dashboard.

import (
	"fmt"
	"net/http"

	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/cognitoauth/cognitoauth"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

// api is an API and the page that Prometheus reads. They belong on two ports:
// callers of the API have no business with its metrics.
type api struct {
	handler, metrics http.Handler
	auth             *cognitoauth.Middleware
}

func newAPI(cfg cognitoauth.Config) (*api, error) {
	registry := promclient.NewRegistry()
	// Without the scope, each series has three labels less.
	exporter, err := promexporter.New(promexporter.WithRegisterer(registry), promexporter.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	telemetry, err := cognitootel.New(cognitootel.Options{MeterProvider: meters})
	if err != nil {
		return nil, err
	}
	cfg.OnDecision = telemetry.OnDecision(cfg.OnDecision)
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	telemetry.Observe(auth)
	return &api{
		// otelhttp outside of Wrap sees the refusals, too, with their routes. Without a
		// name it would make series of whatever Host the callers write.
		handler: otelhttp.NewHandler(auth.Wrap(routes()), "", otelhttp.WithMeterProvider(meters), otelhttp.WithServerName("orders.example.com:443")),
		metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		auth:    auth,
	}, nil
}

func routes() *http.ServeMux {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(answer))
	mux.Handle("GET /orders", answer)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), answer))
	mux.Handle("DELETE /orders/{id}", cognitoauth.Require(cognitoauth.Group("admins"), answer))
	mux.Handle("GET /reports", cognitoauth.Require(cognitoauth.MachineToken(), answer))
	return mux
}
