package main

// This file is what an API does to sign its users out on every instance.

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// newAPI returns an API that asks list about each token. stopRefresh calls Cognito.
func newAPI(cfg cognitoauth.Config, list *revocation.List, stopRefresh func(context.Context) error) (http.Handler, error) {
	cfg.Revoked = list.Revoked
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode(map[string]string{"user": claims.Username})
	})
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		out, err := list.SignOut(r.Context(), claims, stopRefresh)
		if err != nil {
			// In force here at once, and on the others when the store is back.
			http.Error(w, "signed out on this instance only, try again", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"signedOut": out.Entry.Kind.String(), "refreshStopped": out.RefreshStopped})
	})
	operators := cognitoauth.Group("operators")
	mux.Handle("POST /admin/revocations", cognitoauth.Require(operators, list.Admin()))
	return auth.Wrap(mux), nil
}
