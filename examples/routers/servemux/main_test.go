package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, nil,
		routertest.Own("mux behind StripPrefix without token", "GET", "/admin/stats", "", "401 token_missing"),
		routertest.Own("mux behind StripPrefix, not in the group", "GET", "/admin/stats", "jane", "403 group_missing"),
		routertest.Own("mux behind StripPrefix, in the group", "GET", "/admin/stats", "admin", "200 stats for jane"),
		routertest.Own("redirect to the nested mux without token", "GET", "/v1", "", "401 token_missing"),
		routertest.Own("redirect to the nested mux", "GET", "/v1", "jane", "307"),
	)
}

func TestPattern(t *testing.T) {
	routertest.Pattern(t, newAPI, "GET /users/{name}", "GET /users/{name}")
}

// The comment in newAPI says so.
func TestMarkerBehindStripPrefixOpensNothing(t *testing.T) {
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
	if err != nil {
		t.Fatal(err)
	}
	inner, mux := http.NewServeMux(), http.NewServeMux()
	inner.Handle("GET /ping", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler ran")
	})))
	mux.Handle("/admin/", http.StripPrefix("/admin", inner))
	w := httptest.NewRecorder()
	auth.Wrap(mux).ServeHTTP(w, httptest.NewRequest("GET", "/admin/ping", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("answered %d, want 401", w.Code)
	}
}
