package cognitogorilla_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
	"github.com/gorilla/mux"
)

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	routes := mux.NewRouter()
	routes.Handle("/healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health))).Methods("GET")
	routes.HandleFunc("/me", me).Methods("GET") // any valid token
	routes.Handle("/orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create))).Methods("POST")
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(cognitogorilla.New(routes))))
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
	routes := mux.NewRouter()
	routes.HandleFunc("/healthz", health).Methods("GET") // in no subrouter: open
	api := routes.PathPrefix("/api").Subrouter()
	api.Use(auth.Wrap)
	api.HandleFunc("/me", me).Methods("GET")
	api.Handle("/orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(create))).Methods("POST")
	log.Fatal(http.ListenAndServe(":8080", routes))
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
