package cognitogorilla_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
)

// witness makes endpoints that can be told apart, and knows which one ran.
type witness struct{ ran *endpoint }

type endpoint struct {
	name string
	by   *witness
}

func (e *endpoint) ServeHTTP(http.ResponseWriter, *http.Request) { e.by.ran = e }

func (w *witness) named(name string) *endpoint { return &endpoint{name, w} }

// name is the name of the endpoint that ran, "" if none did.
func (w *witness) name() string {
	if w.ran == nil {
		return ""
	}
	return w.ran.name
}

func newPool(tb testing.TB) *cognitotest.Pool {
	tb.Helper()
	return cognitotest.NewPool(tb, cognitotest.Options{InProcess: true})
}

func authOf(tb testing.TB, pool *cognitotest.Pool) *cognitoauth.Middleware {
	tb.Helper()
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		tb.Fatal(err)
	}
	return auth
}

func newAuth(tb testing.TB) *cognitoauth.Middleware {
	tb.Helper()
	return authOf(tb, newPool(tb))
}

// request has the path as it stands, also one that no client sends, and a query if
// there is one.
func request(method, target string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Method, r.URL.Path, r.URL.RawPath = method, target, ""
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	}
	return r
}

// admitted has the claims of some user, as behind Wrap.
func admitted(r *http.Request) *http.Request {
	return cognitotest.WithClaims(r, &cognitoauth.Claims{Subject: "jane"})
}

// maze has the ways in which what runs is not the handler of the route that a
// pattern suggests.
func maze(is func(string) *endpoint) *mux.Router {
	routes := mux.NewRouter()
	fill(routes, is)
	return routes
}

func fill(routes *mux.Router, is func(string) *endpoint) {
	routes.NotFoundHandler = is("not found")
	routes.MethodNotAllowedHandler = is("method not allowed")
	routes.Handle("/a", is("a")).Methods("GET")
	routes.Handle("/a", is("post a")).Methods("POST")
	routes.Handle("/i/{id}/x", is("x")).Methods("GET")
	routes.Handle("/n/{n:[0-9]+}", is("number")).Methods("POST")
	routes.Handle("/n/{n}", is("any n")).Methods("GET")
	routes.Handle("/host", is("host")).Host("other.example")
	routes.Handle("/query", is("query")).Queries("q", "{q}")
	routes.Handle("/header", is("header")).Headers("X-Kind", "a")
	routes.Handle("/header", is("no header"))
	routes.Handle("/tls", is("tls")).Schemes("https")
	routes.Handle("/matcher", is("matcher")).MatcherFunc(func(r *http.Request, m *mux.RouteMatch) bool { return r.URL.RawQuery == "yes" })
	routes.NewRoute().Path("/chosen").MatcherFunc(func(r *http.Request, m *mux.RouteMatch) bool {
		m.Handler = is("chosen by the matcher")
		return true
	}).Handler(is("not chosen"))
	routes.NewRoute().Path("/nothing")
	routes.PathPrefix("/tree").Handler(is("tree"))
	routes.PathPrefix("/cors").Subrouter().Use(mux.CORSMethodMiddleware(routes))

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
}

var paths = []string{"/", "/a", "/a/", "/%61", "/i/1/x", "/i%2F1/x", "/i/1%2Fx", "/n/1", "/n/x", "/host", "/query", "/query?q=1", "/nope", "", "*", "//a", "/a//", "/tree", "/tree/x", "/tree//x", "/tree/../a", "/tree/%2e%2e/a",
	"/header", "/tls", "/matcher", "/matcher?yes", "/chosen", "/nothing", "/cors", "/cors/x",
	"/v1", "/v1/", "/v1/version", "/v1/version/", "/v1%2Fversion", "/v1/nope", "/used/x", "/used/y",
	"/strict/x", "/strict/x/", "/stale", "/stale/x", "/stale/y"}

// What ResolveEndpoint names must be what runs, whatever the request; gorilla
// says what ran.
func TestResolvesWhatRuns(t *testing.T) {
	for name, configure := range map[string]func(*mux.Router){
		"default":        func(*mux.Router) {},
		"UseEncodedPath": func(r *mux.Router) { r.UseEncodedPath() },
		"SkipClean":      func(r *mux.Router) { r.SkipClean(true) },
		"StrictSlash":    func(r *mux.Router) { r.StrictSlash(true) },
	} {
		var w witness
		routes := mux.NewRouter()
		configure(routes)
		fill(routes, w.named)
		rt := cognitogorilla.New(routes)
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "BREW"} {
			for _, path := range paths {
				named := rt.ResolveEndpoint(request(method, path))
				w.ran = nil
				alone := httptest.NewRecorder()
				routes.ServeHTTP(alone, request(method, path))
				want := w.name()
				if e, ok := named.(*endpoint); ok && e.name != want {
					t.Errorf("%s: %s %s: named is %q, in gorilla alone runs %q", name, method, path, e.name, want)
				}
				w.ran = nil
				rec := httptest.NewRecorder()
				rt.ServeHTTP(rec, admitted(request(method, path)))
				if got := w.name(); got != want || rec.Code != alone.Code || rec.Header().Get("Location") != alone.Header().Get("Location") {
					t.Errorf("%s: %s %s: %d, runs %q, in gorilla alone %d, %q", name, method, path, rec.Code, got, alone.Code, want)
				}
			}
		}
	}
}

// Naming nothing would be right always, and of no use.
func TestResolves(t *testing.T) {
	var w witness
	rt := cognitogorilla.New(maze(w.named))
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/a", "a"},
		{"POST", "/a", "post a"},
		{"GET", "/i/1/x", "x"},
		{"GET", "/n/1", "any n"},
		{"POST", "/n/1", "number"},
		{"GET", "/query?q=1", "query"},
		{"GET", "/v1/version", "version"},
		{"GET", "/strict/x", "strict x"},
		{"GET", "/tree/x", "tree"},
		{"GET", "/tree/", "tree"},
		{"GET", "/header", "no header"},
		{"GET", "/matcher?yes", "matcher"},
		{"GET", "/chosen", "chosen by the matcher"},

		{"GET", "/nope", ""},
		{"GET", "/v1/nope", ""},
		{"PUT", "/a", ""},
		{"POST", "/v1/version", ""},
		{"GET", "/used/x", ""},
		{"GET", "/strict/x/", ""},
		{"GET", "/tree//x", ""},
		{"GET", "/nothing", ""},
	} {
		got := ""
		if e, ok := rt.ResolveEndpoint(request(c.method, c.path)).(*endpoint); ok {
			got = e.name
		}
		if got != c.want {
			t.Errorf("%s %s: named is %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func TestNewOfNil(t *testing.T) {
	defer func() {
		if message, _ := recover().(string); !strings.HasPrefix(message, "cognitogorilla: New: ") {
			t.Errorf("panics with %q", message)
		}
	}()
	cognitogorilla.New(nil)
}
