package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// witness makes endpoints that can be told apart, and knows which one ran.
type witness struct{ ran *endpoint }

type endpoint struct {
	name string
	by   *witness
}

func (e *endpoint) ServeHTTP(http.ResponseWriter, *http.Request) { e.by.ran = e }

func (w *witness) named(name string) *endpoint { return &endpoint{name, w} }

// maze has every way to register a route, and those where what a pattern
// suggests is not what runs.
func maze(is func(string) *endpoint) *chi.Mux {
	through := func(next http.Handler) http.Handler { return next }
	asGet := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			chi.RouteContext(r.Context()).RouteMethod = "GET"
			next.ServeHTTP(w, r)
		})
	}
	mux := chi.NewRouter()
	mux.NotFound(is("not found").ServeHTTP)
	mux.MethodNotAllowed(is("method not allowed").ServeHTTP)
	mux.Handle("GET /a", is("a"))
	mux.Handle("/any", is("any"))
	mux.Handle("PUT /any", is("put any"))
	mux.Handle("GET /{id}/x", is("get x"))
	mux.Handle("POST /{name}/x", is("post x"))
	mux.Handle("GET /files/*", is("files"))
	mux.Handle("GET /files/secret", is("secret file"))
	mux.Handle("GET /n/{n:[0-9]+}", is("number"))
	mux.Handle("GET /n/{n}", is("no number"))
	mux.With(through).Handle("GET /with", is("with"))
	mux.Group(func(r chi.Router) {
		r.Use(through)
		r.Handle("GET /group", is("group"))
	})
	mux.Route("/v1", func(r chi.Router) {
		r.Handle("GET /", is("v1 root"))
		r.Handle("GET /version", is("version"))
		r.Handle("GET /{id}", is("v1 id"))
		r.Route("/deep", func(r chi.Router) { r.Handle("GET /er", is("deeper")) })
	})
	mux.Handle("GET /v1/direct", is("direct"))
	mux.Route("/t/{tenant}", func(r chi.Router) { r.Handle("GET /version", is("tenant version")) })

	used := chi.NewRouter() // "/used/x/" runs "used x"
	used.Use(middleware.StripSlashes)
	used.Handle("GET /*", is("used rest"))
	used.Handle("GET /x", is("used x"))
	mux.Mount("/used", used)
	chained := chi.NewRouter() // POST runs "chained get"
	chained.Handle("POST /x", is("chained post"))
	chained.Handle("GET /x", is("chained get"))
	mux.With(asGet).Mount("/chained", chained)
	covered := chi.NewRouter() // never runs for GET
	covered.Handle("GET /x", is("covered x"))
	mux.Mount("/over", covered)
	mux.Handle("GET /over/*", is("over"))
	handled := chi.NewRouter() // routes the whole path
	handled.Handle("GET /x", is("handled x"))
	handled.Handle("GET /handled/x", is("handled whole x"))
	mux.Handle("/handled/*", handled)
	return mux
}

var paths = []string{"/", "/a", "/a/", "//a", "/%61", "/any", "/1/x", "/1%2Fx", "/a%2F..%2Fa/x", "/with", "/group", "/nope",
	"/files/", "/files/x", "/files/secret", "/files/secret/", "/files/%73ecret", "/files%2Fsecret", "/n/1", "/n/x", "/n/%31", "/n/",
	"/v1", "/v1/", "/v1/version", "/v1/version/", "/v1%2Fversion", "/v1/%76ersion", "/v1/7", "/v1/direct", "/v1/deep", "/v1/deep/er", "/v1/nope/er",
	"/t/1/version", "/t/a%2Fb/version", "/t//version", "/used/x", "/used/x/", "/used/y", "/used/", "/chained/x",
	"/over", "/over/", "/over/x", "/over/y", "/handled/x", "/handled/", "/handled/handled/x", "/../a", "/v1/../a"}

// What ResolveEndpoint names must be what runs, whatever the request; chi says
// what ran.
func TestResolvesWhatRuns(t *testing.T) {
	var w witness
	rt := newRouter(maze(w.named))
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "BREW"} {
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
	rt := newRouter(maze(w.named))
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/a", "a"},
		{"POST", "/any", "any"},
		{"PUT", "/any", "put any"},
		{"GET", "/1/x", "get x"},
		{"POST", "/1/x", "post x"},
		{"GET", "/files/x", "files"},
		{"GET", "/files/secret", "secret file"},
		{"GET", "/n/1", "number"},
		{"GET", "/n/x", "no number"},
		{"GET", "/with", "with"},
		{"GET", "/group", "group"},
		{"GET", "/v1/version", "version"},
		{"GET", "/v1/7", "v1 id"},
		{"GET", "/v1/direct", "direct"},
		{"GET", "/v1/deep/er", "deeper"},
		{"GET", "/t/1/version", "tenant version"},

		{"GET", "/nope", ""},
		{"POST", "/a", ""},
		{"BREW", "/a", ""},
		{"GET", "/v1", ""},
		{"GET", "/used/x/", ""},
		{"GET", "/used/x", ""},
		{"POST", "/chained/x", ""},
		{"GET", "/over/x", ""},
		{"GET", "/handled/x", ""},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Method = c.method
		got := ""
		if e, ok := rt.ResolveEndpoint(r).(*endpoint); ok {
			got = e.name
		}
		if got != c.want {
			t.Errorf("%s %s: named is %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func TestUseAtTheTopClosesEverything(t *testing.T) {
	var w witness
	mux := chi.NewRouter()
	mux.Use(middleware.StripSlashes)
	mux.Handle("GET /a", w.named("a"))
	if h := newRouter(mux).ResolveEndpoint(httptest.NewRequest("GET", "/a", nil)); h != nil {
		t.Errorf("named is %v, want nothing", h)
	}
}

func TestLaterRouteIsClosed(t *testing.T) {
	var w witness
	mux := chi.NewRouter()
	mux.Handle("GET /a", w.named("a"))
	rt := newRouter(mux)
	mux.Handle("GET /b", w.named("b"))
	if h := rt.ResolveEndpoint(httptest.NewRequest("GET", "/b", nil)); h != nil {
		t.Errorf("named is %v, want nothing", h)
	}
}

// Mounted in another chi router, "/open" is what is left of the path to match.
func TestInsideAnotherChi(t *testing.T) {
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
	if err != nil {
		t.Fatal(err)
	}
	var w witness
	inner := chi.NewRouter()
	inner.Handle("GET /api/open", cognitoauth.AllowAnonymous(w.named("open")))
	inner.Handle("GET /open", w.named("protected"))
	outer := chi.NewRouter()
	outer.Mount("/api", auth.Wrap(newRouter(inner)))
	outer.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/open", nil))
	if w.ran == nil || w.ran.name != "open" {
		t.Errorf("ran %v, want open", w.ran)
	}
}
