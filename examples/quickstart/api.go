package main

import (
	"fmt"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
)

// newAPI is the real wiring. A program of yours has this function and a Config
// of its own; the other files of this example only show the API off.
func newAPI(cfg cognitoauth.Config) (*cognitoauth.Middleware, http.Handler, error) {
	mux := http.NewServeMux()

	// Open to anyone. The marker is the outermost value that is registered.
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))

	// Any valid token: that is what a route demands when nothing is said.
	mux.HandleFunc("GET /me", me)

	// A valid token, and more.
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(createOrder)))
	mux.Handle("GET /reports", cognitoauth.Require(cognitoauth.Group("admins"), http.HandlerFunc(reports)))

	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	return auth, auth.Wrap(mux), nil
}

func health(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "ok")
}

func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s, you came through app client %s\n", claims.Username, claims.ClientID)
}

func createOrder(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintln(w, "ordered")
}

func reports(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "reports for the groups %q\n", claims.Groups())
}
