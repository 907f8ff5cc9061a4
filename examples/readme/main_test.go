package main

import (
	"context"
	"expvar"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// routes stands for the function that makes a program's mux.
func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create)))
	return mux
}

func TestCreate(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+pool.AccessToken().Scopes("orders/write").String())
	w := httptest.NewRecorder()
	auth.Wrap(routes()).ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Errorf("status %d, want 201", w.Code)
	}
}

func TestMe(t *testing.T) { // one handler, no token
	w := httptest.NewRecorder()
	me(w, cognitotest.WithClaims(httptest.NewRequest("GET", "/me", nil), &cognitoauth.Claims{Username: "jane"}))
	if got := w.Body.String(); got != "hello jane\n" {
		t.Errorf("body %q", got)
	}
}

func TestHealth(t *testing.T) {
	w := httptest.NewRecorder()
	health(w, httptest.NewRequest("GET", "/healthz", nil))
	if got := w.Body.String(); got != "ok\n" {
		t.Errorf("body %q", got)
	}
}

func TestDecisions(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	decisions := new(expvar.Map)
	cfg := pool.Config()
	cfg.Logger = slog.Default()
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		decisions.Add(d.Code+" "+d.Pattern, 1) // an expvar.Map, or a counter of your metrics library
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth.Wrap(routes()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/orders", nil))
	if got := decisions.String(); got != `{"token_missing POST /orders": 1}` {
		t.Errorf("counted %s", got)
	}
}
