package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, map[string]string{
		// Neither HEAD nor the decoded path is implied.
		"open, HEAD":                "401",
		"open, letter escaped":      "401 token_missing",
		"parameter, letter escaped": "403 assertion_denied",
	})
}

func TestPattern(t *testing.T) { routertest.Pattern(t, newAPI, "/users/{name}", "/users/{name}") }

// Use hands the inside of the router to Wrap, which cannot be asked. Detail says
// so by name.
func TestUseOpensNothing(t *testing.T) {
	var detail string
	cfg := cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config()
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { detail = d.Err.Detail() }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := chi.NewRouter()
	mux.Use(auth.Wrap)
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler ran")
	})))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != http.StatusUnauthorized || !strings.Contains(detail, "chi") || !strings.Contains(detail, "Use(auth.Wrap)") {
		t.Errorf("answered %d, %q; want 401, and Use(auth.Wrap) named", w.Code, detail)
	}
}
