package cognitogorilla_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gorilla/mux"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
)

// A matcher that changes its mind can lead Wrap to the open route, and the request
// to the protected one. However it answers, that one does not run.
func TestMatcherThatChangesItsMindOpensNothing(t *testing.T) {
	auth := newAuth(t)
	for name, marked := range map[string]func(http.Handler) http.Handler{
		"AllowAnonymous": cognitoauth.AllowAnonymous,
		"Optional":       cognitoauth.Optional,
	} {
		for answers := range 16 {
			var w witness
			calls := 0
			routes := mux.NewRouter()
			routes.Handle("/x", marked(w.named("open"))).MatcherFunc(func(*http.Request, *mux.RouteMatch) bool {
				calls++
				return answers>>(calls-1)&1 == 1
			})
			routes.Handle("/x", w.named("protected"))
			rec := call(auth.Wrap(cognitogorilla.New(routes)), &w, "/x", "")
			if w.name() == "protected" || (w.name() == "open") != (rec.Code == 200) {
				t.Errorf("%s: matched %04b, answered %d, ran %q", name, answers, rec.Code, w.name())
			}
			if answers == 15 && w.name() != "open" {
				t.Errorf("%s: matched always, answered %d", name, rec.Code)
			}
		}
	}
}

// A matcher that reads the claims sees none when Wrap asks. WrapWith asks again,
// with claims.
func TestMatcherThatReadsClaims(t *testing.T) {
	pool := newPool(t)
	cfg := pool.Config()
	cfg.Fallback = cognitoauth.Group("staff")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var w witness
	routes := mux.NewRouter()
	routes.Handle("/x", w.named("staff only")).MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool {
		_, ok := cognitoauth.FromContext(r.Context())
		return ok
	})
	routes.Handle("/x", cognitoauth.Optional(w.named("landing")))
	h := auth.WrapWith(cognitogorilla.New(routes), func(next http.Handler) http.Handler { return next })
	for _, c := range []struct {
		token, want string
		status      int
	}{
		{"", "landing", 200},
		{pool.AccessToken().Groups("staff").String(), "staff only", 200},
		{pool.AccessToken().String(), "", 403},
	} {
		rec := call(h, &w, "/x", c.token)
		if rec.Code != c.status || w.name() != c.want {
			t.Errorf("answered %d, ran %q; want %d and %q", rec.Code, w.name(), c.status, c.want)
		}
	}
}

// Without Wrap only routes with a marker run, as with Require.
func TestWithoutWrap(t *testing.T) {
	var w witness
	inner := http.NewServeMux()
	inner.Handle("GET /sub/open", cognitoauth.AllowAnonymous(w.named("sub open")))
	inner.Handle("GET /sub/protected", w.named("sub protected"))
	routes := mux.NewRouter()
	routes.Handle("/open", cognitoauth.AllowAnonymous(w.named("open")))
	routes.Handle("/protected", w.named("protected"))
	routes.PathPrefix("/sub/").Handler(inner)
	deeper := mux.NewRouter()
	deeper.Handle("/deeper/open", cognitoauth.AllowAnonymous(w.named("deeper open")))
	deeper.Handle("/deeper/protected", w.named("deeper protected"))
	routes.PathPrefix("/deeper/").Handler(cognitogorilla.New(deeper))
	routes.NotFoundHandler = w.named("not found")
	rt := cognitogorilla.New(routes)
	for _, c := range []struct {
		path, want string
		status     int
	}{
		{"/open", "open", 200},
		{"/sub/open", "sub open", 200},
		{"/deeper/open", "deeper open", 200},
		{"/deeper/protected", "", 500},
		{"/protected", "", 500},
		{"/sub/protected", "", 500},
		{"/nope", "", 500},
	} {
		if rec := call(rt, &w, c.path, ""); rec.Code != c.status || w.name() != c.want {
			t.Errorf("%s: answered %d, ran %q; want %d and %q", c.path, rec.Code, w.name(), c.status, c.want)
		}
	}
}

// A route that is registered while the Router is there counts at once, with the
// marker that it has.
func TestRegistrationAfterNew(t *testing.T) {
	var w witness
	routes := mux.NewRouter()
	h := newAuth(t).Wrap(cognitogorilla.New(routes))
	routes.Handle("/protected", w.named("protected"))
	routes.Handle("/open", cognitoauth.AllowAnonymous(w.named("open")))
	for path, want := range map[string]string{"/protected": "", "/open": "open"} {
		call(h, &w, path, "")
		if w.name() != want {
			t.Errorf("%s: ran %q, want %q", path, w.name(), want)
		}
	}
	route := routes.NewRoute().Path("/late").Handler(cognitoauth.AllowAnonymous(w.named("late")))
	if call(h, &w, "/late", ""); w.name() != "late" {
		t.Errorf("ran %q, want late", w.name())
	}
	route.Handler(w.named("late, protected"))
	if rec := call(h, &w, "/late", ""); w.name() != "" || rec.Code != http.StatusUnauthorized {
		t.Errorf("ran %q after it was replaced", w.name())
	}
}

func TestUseClosesEverything(t *testing.T) {
	var w witness
	routes := mux.NewRouter()
	routes.Handle("/open", cognitoauth.AllowAnonymous(w.named("open")))
	routes.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	})
	if rec := call(newAuth(t).Wrap(cognitogorilla.New(routes)), &w, "/open", ""); rec.Code != http.StatusUnauthorized || w.ran != nil {
		t.Errorf("answered %d, ran %q; want 401", rec.Code, w.name())
	}
}

// call makes a GET request, with a token if there is one.
func call(h http.Handler, w *witness, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.ran = nil
	h.ServeHTTP(rec, r)
	return rec
}

// Each marked route answers at its own path, so that the refusals say something.
func TestStaysProtected(t *testing.T) {
	auth := newAuth(t)
	for _, c := range []struct {
		what      string
		configure func(*mux.Router)
		path      string
		status    int
	}{
		{"its own path", func(r *mux.Router) {}, "/tree/x", 200},
		{"not clean", func(r *mux.Router) {}, "/tree//x", 401},
		{"not clean, SkipClean", func(r *mux.Router) { r.SkipClean(true) }, "/tree//x", 401},
		{"dots, SkipClean", func(r *mux.Router) { r.SkipClean(true) }, "/tree/../tree/x", 401},
		{"escaped slash", func(r *mux.Router) {}, "/tree%2Fx", 401},
		{"escaped slash, UseEncodedPath", func(r *mux.Router) { r.UseEncodedPath() }, "/tree/a%2Fx", 401},
		{"StrictSlash, its own path", func(r *mux.Router) { r.StrictSlash(true) }, "/strict", 200},
		{"StrictSlash, redirect", func(r *mux.Router) { r.StrictSlash(true) }, "/strict/", 401},
		{"marked NotFoundHandler", func(r *mux.Router) {}, "/nope", 401},
		{"marked MethodNotAllowedHandler", func(r *mux.Router) {}, "/post", 401},
	} {
		var w witness
		open := cognitoauth.AllowAnonymous(w.named("open"))
		routes := mux.NewRouter()
		c.configure(routes)
		routes.NotFoundHandler, routes.MethodNotAllowedHandler = open, open
		routes.PathPrefix("/tree").Handler(open)
		routes.Handle("/strict", open)
		routes.Handle("/post", open).Methods("POST")
		if rec := call(auth.Wrap(cognitogorilla.New(routes)), &w, c.path, ""); rec.Code != c.status {
			t.Errorf("%s: %s: answered %d, ran %q; want %d", c.what, c.path, rec.Code, w.name(), c.status)
		}
	}
}

// Gorilla redirects what has no slash in front, even if a route without a path
// matches.
func TestPathWithoutSlash(t *testing.T) {
	var w witness
	routes := mux.NewRouter()
	routes.Queries("any", "1").Handler(w.named("any"))
	rt := cognitogorilla.New(routes)
	for path, want := range map[string]bool{"/a": true, "*": false, "": false, "a": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = &url.URL{Path: path, RawQuery: "any=1"}
		if h := rt.ResolveEndpoint(r); (h != nil) != want {
			t.Errorf("%q: named is %v", path, h)
		}
	}
}
