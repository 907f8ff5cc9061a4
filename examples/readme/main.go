package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

func main() {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))
	mux.HandleFunc("GET /me", me) // any valid token
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create)))

	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Addr: ":8080", Handler: auth.Wrap(mux), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	log.Fatal(srv.ListenAndServe())
}

func health(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }

func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s\n", claims.Username)
}

func create(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) }
