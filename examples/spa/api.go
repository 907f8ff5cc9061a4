package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// loginTime is how recent a sign-in has to be for DELETE /api/account.
const loginTime = 5 * time.Minute

// addAPI registers the routes that need a token. Nothing in them knows whether the
// token came from the page or out of a cookie.
func addAPI(mux *http.ServeMux, scope string) {
	mux.HandleFunc("GET /api/me", me)
	mux.Handle("POST /api/orders", cognitoauth.Require(cognitoauth.Scope(scope), http.HandlerFunc(order)))
	mux.Handle("DELETE /api/account", cognitoauth.Require(cognitoauth.AuthenticatedWithin(loginTime), http.HandlerFunc(closeAccount)))
}

func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	answer(w, http.StatusOK, map[string]any{
		"user":     claims.Username,
		"scopes":   claims.Scopes(),
		"groups":   len(claims.Groups()),
		"signedIn": claims.AuthTime,
		"expires":  claims.Expiry,
	})
}

func order(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusCreated, map[string]any{"order": 7})
}

// closeAccount closes nothing.
func closeAccount(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	answer(w, http.StatusOK, map[string]any{"closed": claims.Username})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
