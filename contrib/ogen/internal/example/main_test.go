package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

func TestProgram(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	router, err := newRouter()
	if err != nil {
		t.Fatal(err)
	}
	writer := pool.AccessToken().Scopes("orders/read", "orders/write")
	for _, c := range []struct {
		method, path string
		token        *cognitotest.Token
		want         int
	}{
		{"GET", "/healthz", nil, 200},
		{"GET", "/me", nil, 401},
		{"GET", "/me", pool.AccessToken(), 200},
		{"POST", "/orders", nil, 401},
		{"POST", "/orders", pool.AccessToken(), 403},
		{"POST", "/orders", writer, 201},
		{"GET", "/nope", nil, 401},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"item":"tea"}`))
		r.Header.Set("Content-Type", "application/json")
		if c.token != nil {
			r.Header.Set("Authorization", "Bearer "+c.token.String())
		}
		w := httptest.NewRecorder()
		auth.Wrap(router).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s: got %d, want %d: %s", c.method, c.path, w.Code, c.want, w.Body)
		}
	}
}

func TestReadme(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(program), "github.com/cognitoauth/cognitoauth/contrib/ogen/internal/api", "example.com/orders/api", 1)
	if !strings.Contains(string(readme), "```go\n"+text+"```\n") {
		t.Error("README.md does not have the program main.go")
	}
}
