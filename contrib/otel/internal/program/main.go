// Command program is the program of the README of contrib/otel.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/cognitoauth/cognitoauth"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

func main() {
	exporter, err := prometheus.New() // or any other exporter
	if err != nil {
		log.Fatal(err)
	}
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)))

	telemetry, err := cognitootel.New(cognitootel.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cfg := cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	}
	cfg.OnDecision = telemetry.OnDecision(cfg.OnDecision)
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer telemetry.Observe(auth)()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", me)
	go func() { // Prometheus scrapes another port than the one that callers reach
		log.Fatal(http.ListenAndServe("127.0.0.1:9464", promhttp.Handler()))
	}()
	api := otelhttp.NewHandler(auth.Wrap(mux), "", otelhttp.WithServerName("api.example.com:443"))
	log.Fatal(http.ListenAndServe(":8080", api))
}

func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s\n", claims.Username)
}
