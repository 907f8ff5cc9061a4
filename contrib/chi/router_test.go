package cognitochi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
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
	mux.Handle("GET /over", is("over itself")) // not the mount's
	mux.Group(func(r chi.Router) {
		r.Route("/plain", func(r chi.Router) { r.Handle("GET /x", is("plain x")) })
	})
	mux.Group(func(r chi.Router) {
		r.Use(asGet)
		r.Route("/grouped", func(r chi.Router) {
			r.Handle("POST /x", is("grouped post"))
			r.Handle("GET /x", is("grouped get"))
		})
	})
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
	"/plain/x", "/plain/", "/grouped/x", "", "*",
	"/over", "/over/", "/over/x", "/over/y", "/handled/x", "/handled/", "/handled/handled/x", "/../a", "/v1/../a"}

// request has the path as it stands, also one that no client sends.
func request(method, path string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Method, r.URL.Path, r.URL.RawPath = method, path, ""
	if u, err := url.ParseRequestURI(path); err == nil {
		r.URL = u
	}
	return r
}

// What ResolveEndpoint names must be what runs, whatever the request; chi says
// what ran.
func TestResolvesWhatRuns(t *testing.T) {
	var w witness
	mux := maze(w.named)
	rt := cognitochi.New(mux)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "BREW"} {
		for _, path := range paths {
			r := request(method, path)
			named, _ := rt.ResolveEndpoint(r).(*endpoint)
			w.ran = nil
			rt.ServeHTTP(httptest.NewRecorder(), r)
			ran := w.ran
			if named != nil && named != ran {
				t.Errorf("%s %s runs %v, named is %q", method, path, ran, named.name)
			}
			w.ran = nil
			mux.ServeHTTP(httptest.NewRecorder(), request(method, path))
			if ran != w.ran {
				t.Errorf("%s %s runs %v, in chi alone %v", method, path, ran, w.ran)
			}
		}
	}
}

// Naming nothing would be right always, and of no use.
func TestResolves(t *testing.T) {
	var w witness
	rt := cognitochi.New(maze(w.named))
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
		{"GET", "/over", "over itself"},
		{"GET", "/plain/x", "plain x"},

		{"GET", "/nope", ""},
		{"POST", "/a", ""},
		{"BREW", "/a", ""},
		{"GET", "/v1", ""},
		{"GET", "/used/x/", ""},
		{"GET", "/used/x", ""},
		{"POST", "/chained/x", ""},
		{"POST", "/grouped/x", ""},
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
	if h := cognitochi.New(mux).ResolveEndpoint(httptest.NewRequest("GET", "/a", nil)); h != nil {
		t.Errorf("named is %v, want nothing", h)
	}
}

// Whatever is registered after New, and whenever: a protected handler never runs
// for a request without a token.
func TestRegistrationAfterNew(t *testing.T) {
	var w witness
	mux := chi.NewRouter()
	mux.Handle("GET /replaced", cognitoauth.AllowAnonymous(w.named("first")))
	mux.Handle("GET /again", cognitoauth.AllowAnonymous(w.named("first")))
	rt := cognitochi.New(mux)
	auth := newAuth(t)
	call := func(path, want string) {
		t.Helper()
		w.ran = nil
		auth.Wrap(rt).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if w.name() != want {
			t.Errorf("%s without a token runs %q, want %q", path, w.name(), want)
		}
	}
	mux.Handle("GET /replaced", w.named("second"))
	mux.Handle("GET /early", cognitoauth.AllowAnonymous(w.named("early")))
	call("/replaced", "")
	call("/early", "early")
	call("/again", "first")

	mux.Handle("GET /again", w.named("second"))
	mux.Handle("GET /late", cognitoauth.AllowAnonymous(w.named("late")))
	call("/again", "first")
	call("/late", "")
}

// The middleware of With strips the prefix: the request reaches "/open" of the
// inner mux, while the whole path is that of the open route.
func TestRouterBehindMiddlewareIsClosed(t *testing.T) {
	strip := func(next http.Handler) http.Handler { return http.StripPrefix("/api", next) }
	for name, routerOf := range map[string]func(*witness) http.Handler{
		"ServeMux": func(w *witness) http.Handler {
			inner := http.NewServeMux()
			inner.Handle("GET /api/open", cognitoauth.AllowAnonymous(w.named("open")))
			inner.Handle("GET /open", w.named("protected"))
			return inner
		},
		"Router": func(w *witness) http.Handler {
			inner := chi.NewRouter()
			inner.Handle("GET /api/open", cognitoauth.AllowAnonymous(w.named("open")))
			inner.Handle("GET /open", w.named("protected"))
			return cognitochi.New(inner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w witness
			mux := chi.NewRouter()
			mux.With(strip).Handle("GET /api/*", routerOf(&w))
			rec := httptest.NewRecorder()
			newAuth(t).Wrap(cognitochi.New(mux)).ServeHTTP(rec, httptest.NewRequest("GET", "/api/open", nil))
			if w.ran != nil || rec.Code != http.StatusUnauthorized {
				t.Errorf("answered %d, ran %q; want 401, and nothing", rec.Code, w.name())
			}
		})
	}
}

// Wrap does not see a marker inside of another handler.
func TestHiddenMarkersOpenNothing(t *testing.T) {
	var w witness
	open := cognitoauth.AllowAnonymous(w.named("open"))
	mux := chi.NewRouter()
	mux.Get("/method", open.ServeHTTP)
	mux.Mount("/mounted", open)
	mux.Handle("/twice", chi.Chain(middleware.NoCache).Handler(chi.Chain(middleware.NoCache).Handler(open)))
	mux.NotFound(open.ServeHTTP)
	h := newAuth(t).Wrap(cognitochi.New(mux))
	for _, path := range []string{"/method", "/mounted", "/mounted/x", "/twice", "/nope"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != http.StatusUnauthorized || w.ran != nil {
			t.Errorf("%s: answered %d, ran %q; want 401", path, rec.Code, w.name())
		}
	}
}

// A router registered as it is gets the path that Wrap asks it about.
func TestRouterInside(t *testing.T) {
	var w witness
	inner := chi.NewRouter()
	inner.Handle("GET /api/open", cognitoauth.AllowAnonymous(w.named("open")))
	mux := chi.NewRouter()
	mux.Handle("/api/*", cognitochi.New(inner))
	newAuth(t).Wrap(cognitochi.New(mux)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/open", nil))
	if w.name() != "open" {
		t.Errorf("ran %q, want open", w.name())
	}
}

// A mux that is mounted below itself has no end.
func TestMountedBelowItself(t *testing.T) {
	var w witness
	mux, sub := chi.NewRouter(), chi.NewRouter()
	mux.Handle("GET /x", w.named("x"))
	mux.Mount("/sub", sub)
	sub.Mount("/mux", mux)
	rt := cognitochi.New(mux)
	for path, want := range map[string]bool{"/x": true, "/sub/mux/x": true, strings.Repeat("/sub/mux", 9) + "/x": false} {
		if h := rt.ResolveEndpoint(httptest.NewRequest("GET", path, nil)); (h != nil) != want {
			t.Errorf("%s: named is %v", path, h)
		}
	}
}

func TestNewOfNil(t *testing.T) {
	defer func() {
		if message, _ := recover().(string); !strings.HasPrefix(message, "cognitochi: New: ") {
			t.Errorf("panics with %q", message)
		}
	}()
	cognitochi.New(nil)
}

// Mounted in another chi router, "/open" is what is left of the path to match.
func TestInsideAnotherChi(t *testing.T) {
	var w witness
	inner := chi.NewRouter()
	inner.Handle("GET /api/open", cognitoauth.AllowAnonymous(w.named("open")))
	inner.Handle("GET /open", w.named("protected"))
	outer := chi.NewRouter()
	outer.Mount("/api", newAuth(t).Wrap(cognitochi.New(inner)))
	outer.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/open", nil))
	if w.name() != "open" {
		t.Errorf("ran %q, want open", w.name())
	}
}
