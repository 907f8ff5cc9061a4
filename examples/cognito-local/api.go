package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/cognitoauth/cognitoauth"
)

// newAPI returns an API that takes the tokens of pool. Every handler but
// health answers with what it read from the claims.
func newAPI(pool cognitoauth.Pool) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))
	mux.HandleFunc("GET /me", whoami)
	mux.Handle("GET /reports", cognitoauth.Require(cognitoauth.Group("analysts"), http.HandlerFunc(whoami)))
	mux.Handle("GET /account", cognitoauth.Require(cognitoauth.Scope("aws.cognito.signin.user.admin"), http.HandlerFunc(whoami)))
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(whoami)))

	auth, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{pool}})
	if err != nil {
		return nil, err
	}
	return auth.Wrap(mux), nil
}

func health(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "ok")
}

func whoami(w http.ResponseWriter, r *http.Request) {
	claims, ok := cognitoauth.FromContext(r.Context())
	if !ok {
		http.Error(w, "no claims", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "username=%s client=%s use=%s groups=%s scopes=%s",
		claims.Username, claims.ClientID, claims.TokenUse,
		strings.Join(claims.Groups(), ","), strings.Join(claims.Scopes(), ","))
}
