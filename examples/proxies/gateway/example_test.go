package gateway_test

import (
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/gateway"
)

func Example() {
	api := gateway.New(&url.URL{Scheme: "http", Host: "127.0.0.1:9000"}, gateway.Options{})
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(api))
	mux.Handle("GET /me", api) // any valid token
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), api))

	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Addr: ":8080", Handler: auth.Wrap(mux), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	log.Fatal(srv.ListenAndServe())
}
