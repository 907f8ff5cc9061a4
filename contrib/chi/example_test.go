package cognitochi_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
	"github.com/go-chi/chi/v5"
)

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := chi.NewRouter()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))
	mux.Get("/me", me) // any valid token
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create)))
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(cognitochi.New(mux))))
}

func health(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }

func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s\n", claims.Username)
}

func create(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) }

// A group that is given Use(auth.Wrap). What is in no such group is open.
func Example_group() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := chi.NewRouter()
	mux.Get("/healthz", health) // in no group: open
	mux.Group(func(r chi.Router) {
		r.Use(auth.Wrap)
		r.Get("/me", me)
		r.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create)))
	})
	log.Fatal(http.ListenAndServe(":8080", mux))
}

// The README's code is this file's.
func TestREADME(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if _, body, ok := strings.Cut(block, "\nfunc main() {\n"); ok {
			block = "func Example() {\n" + body
		}
		if !strings.Contains(string(file), block) {
			t.Errorf("this is not in example_test.go:\n%s", block)
		}
	}
	if len(blocks) != 2 {
		t.Errorf("the page has %d pieces of Go, want 2", len(blocks))
	}
}
