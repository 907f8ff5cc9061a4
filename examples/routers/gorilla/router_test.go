package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"
)

// witness makes endpoints that can be told apart, and knows which one ran.
type witness struct{ ran *endpoint }

type endpoint struct {
	name string
	by   *witness
}

func (e *endpoint) ServeHTTP(http.ResponseWriter, *http.Request) { e.by.ran = e }

func (w *witness) named(name string) *endpoint { return &endpoint{name, w} }

// maze has the ways in which what runs is not the handler of the route that a
// pattern suggests.
func maze(is func(string) *endpoint) *mux.Router {
	routes := mux.NewRouter()
	routes.NotFoundHandler = is("not found")
	routes.MethodNotAllowedHandler = is("method not allowed")
	routes.Handle("/a", is("a")).Methods("GET")
	routes.Handle("/a", is("post a")).Methods("POST")
	routes.Handle("/i/{id}/x", is("x")).Methods("GET")
	routes.Handle("/n/{n:[0-9]+}", is("number")).Methods("POST")
	routes.Handle("/n/{n}", is("any n")).Methods("GET")
	routes.Handle("/host", is("host")).Host("other.example")
	routes.Handle("/query", is("query")).Queries("q", "{q}")

	v1 := routes.PathPrefix("/v1").Subrouter()
	v1.NotFoundHandler = is("v1 not found")
	v1.Handle("/version", is("version")).Methods("GET")
	used := routes.PathPrefix("/used").Subrouter()
	used.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	})
	used.Handle("/x", is("used x"))
	strict := routes.PathPrefix("/strict").Subrouter().StrictSlash(true)
	strict.Handle("/x", is("strict x")) // "/strict/x/" is a redirect

	// The subrouter matches before the method is found to be wrong, and what it
	// has matched stays: it runs for GET, too.
	prefix := routes.PathPrefix("/stale")
	prefix.Subrouter().Handle("/x", is("stale x"))
	prefix.Methods("POST")
	routes.Handle("/stale/x", is("fresh x")).Methods("GET")
	return routes
}

var paths = []string{"/", "/a", "/a/", "/%61", "/i/1/x", "/i%2F1/x", "/i/1%2Fx", "/n/1", "/n/x", "/host", "/query", "/query?q=1", "/nope",
	"/v1", "/v1/", "/v1/version", "/v1/version/", "/v1%2Fversion", "/v1/nope", "/used/x", "/used/y",
	"/strict/x", "/strict/x/", "/stale", "/stale/x", "/stale/y"}

// What ResolveEndpoint names must be what runs, whatever the request; gorilla
// says what ran.
func TestResolvesWhatRuns(t *testing.T) {
	var w witness
	rt := router{maze(w.named)}
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "BREW"} {
		for _, path := range paths {
			r := httptest.NewRequest("GET", path, nil)
			r.Method = method
			named, _ := rt.ResolveEndpoint(r).(*endpoint)
			w.ran = nil
			rt.ServeHTTP(httptest.NewRecorder(), r)
			if named != nil && named != w.ran {
				t.Errorf("%s %s runs %v, named is %q", method, path, w.ran, named.name)
			}
		}
	}
}

// Naming nothing would be right always, and of no use.
func TestResolves(t *testing.T) {
	var w witness
	rt := router{maze(w.named)}
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/a", "a"},
		{"POST", "/a", "post a"},
		{"GET", "/i/1/x", "x"},
		{"GET", "/n/1", "any n"},
		{"POST", "/n/1", "number"},
		{"GET", "/query?q=1", "query"},
		{"GET", "/v1/version", "version"},
		{"GET", "/strict/x", "strict x"},

		{"GET", "/nope", ""},
		{"GET", "/v1/nope", ""},
		{"PUT", "/a", ""},
		{"POST", "/v1/version", ""},
		{"GET", "/used/x", ""},
		{"GET", "/strict/x/", ""},
	} {
		got := ""
		if e, ok := rt.ResolveEndpoint(httptest.NewRequest(c.method, c.path, nil)).(*endpoint); ok {
			got = e.name
		}
		if got != c.want {
			t.Errorf("%s %s: named is %q, want %q", c.method, c.path, got, c.want)
		}
	}
}
