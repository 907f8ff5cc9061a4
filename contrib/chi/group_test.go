package cognitochi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/cognitoauth/cognitoauth"
)

// grouped is the second form: auth.Wrap is given to Use, in a group, in a
// subrouter and by With.
func grouped(auth *cognitoauth.Middleware, is func(string) *endpoint) *chi.Mux {
	own := cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
		return r.PathValue("name") == c.Username && chi.URLParam(r, "name") == c.Username
	})
	through := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	mux := chi.NewRouter()
	mux.Handle("GET /healthz", is("health"))
	mux.Group(func(r chi.Router) {
		r.Use(auth.Wrap)
		r.Handle("GET /me", is("me"))
		r.Handle("GET /users/{name}", cognitoauth.Require(own, is("page")))
		r.Handle("GET /marked", cognitoauth.AllowAnonymous(is("marked")))
		r.Handle("GET /optional", cognitoauth.Optional(is("optional")))
		r.Route("/below", func(r chi.Router) {
			r.Handle("GET /x", is("below"))
			r.Handle("GET /marked", cognitoauth.AllowAnonymous(is("below marked")))
		})
		mux.Handle("GET /mistake", is("mistake")) // of the mux, not of r
	})
	mux.Group(func(r chi.Router) {
		r.Use(auth.Wrap, through)
		r.Handle("GET /logged", is("logged"))
		r.Handle("GET /logged/marked", cognitoauth.AllowAnonymous(is("logged marked")))
	})
	mux.Route("/v1", func(r chi.Router) {
		r.Use(auth.Wrap)
		r.Handle("GET /orders", is("orders"))
		r.Handle("GET /marked", cognitoauth.AllowAnonymous(is("v1 marked")))
	})
	mux.With(auth.Wrap).Handle("GET /with", is("with"))
	return mux
}

func TestGroup(t *testing.T) {
	pool := newPool(t)
	var w witness
	mux := grouped(authOf(t, pool), w.named)
	jane := pool.AccessToken().User("jane").String()
	for _, c := range []struct{ what, path, token, want string }{ // path: GET unless it names a method
		{"outside of all groups", "/healthz", "", "200 health"},
		{"outside of all groups, bad token", "/healthz", "x", "200 health"},
		{"of the mux, in the function of the group", "/mistake", "", "200 mistake"},
		{"not found", "/nope", "", "404 "},
		{"method not allowed", "POST /me", "", "405 "},

		{"group", "/me", "", "401 "},
		{"group, bad token", "/me", jane + "x", "401 "},
		{"group, good token", "/me", jane, "200 me"},
		{"policy, with path values", "/users/jane", jane, "200 page"},
		{"policy, not met", "/users/joe", jane, "403 "},
		{"policy, no token", "/users/jane", "", "401 "},

		{"subrouter of a group", "/below/x", "", "401 "},
		{"subrouter of a group, token", "/below/x", jane, "200 below"},
		{"subrouter of a group, not found", "/below/nope", "", "401 "},
		{"group with more middleware", "/logged", "", "401 "},
		{"group with more middleware, token", "/logged", jane, "200 logged"},
		{"subrouter", "/v1/orders", "", "401 "},
		{"subrouter, token", "/v1/orders", jane, "200 orders"},
		{"subrouter, not found", "/v1/nope", "", "401 "},
		{"subrouter, method not allowed", "POST /v1/orders", "", "401 "},
		{"With", "/with", "", "401 "},
		{"With, token", "/with", jane, "200 with"},

		{"marker, the last middleware is Wrap", "/marked", "", "200 marked"},
		{"marker, Optional", "/optional", "", "200 optional"},
		{"marker, Optional, bad token", "/optional", jane + "x", "401 "},
		{"marker, another middleware is the last", "/logged/marked", "", "401 "},
		{"marker in a subrouter", "/v1/marked", "", "401 "},
		{"marker in a subrouter of a group", "/below/marked", "", "401 "},
	} {
		method, path, ok := strings.Cut(c.path, " ")
		if !ok {
			method, path = "GET", c.path
		}
		r := httptest.NewRequest(method, path, nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		rec := httptest.NewRecorder()
		w.ran = nil
		mux.ServeHTTP(rec, r)
		if got := fmt.Sprintf("%d %s", rec.Code, w.name()); got != c.want {
			t.Errorf("%s: %s: got %q, want %q", c.what, c.path, got, c.want)
		}
	}
}

// What middleware of the mux, such as an access log, finds after the call: chi
// routes before Wrap, so a refusal has its route too. Behind Use in a subrouter it
// is the pattern that the subrouter is mounted on.
func TestPatternOfGroup(t *testing.T) {
	pool := newPool(t)
	var pattern, inContext string
	var w witness
	mux := chi.NewRouter()
	mux.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			pattern, inContext = r.Pattern, chi.RouteContext(r.Context()).RoutePattern()
		})
	})
	mux.Mount("/", grouped(authOf(t, pool), w.named))
	for _, c := range []struct {
		path, token, pattern, inContext string
		status                          int
	}{
		{"/users/jane", "", "/users/{name}", "/users/{name}", 401},
		{"/users/joe", pool.AccessToken().String(), "/users/{name}", "/users/{name}", 403},
		{"/v1/orders", "", "/v1/*", "/v1/*", 401},
		{"/v1/orders", pool.AccessToken().String(), "/v1/orders", "/v1/orders", 200},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		if rec.Code != c.status || pattern != c.pattern || inContext != c.inContext {
			t.Errorf("%s: %d with the pattern %q, in the route context %q; want %d with %q, %q",
				c.path, rec.Code, pattern, inContext, c.status, c.pattern, c.inContext)
		}
	}
}

// The challenge names the scope where Wrap gets the Require itself.
func TestScopeInChallengeOfGroup(t *testing.T) {
	auth := newAuth(t)
	var w witness
	write := cognitoauth.Require(cognitoauth.Scope("orders/write"), w.named("write"))
	through := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	mux := chi.NewRouter()
	mux.With(auth.Wrap).Handle("/last", write)
	mux.With(through, auth.Wrap).Handle("/through/last", write)
	mux.With(auth.Wrap, through).Handle("/first", write)
	mux.Route("/v1", func(r chi.Router) {
		r.Use(auth.Wrap)
		r.Handle("/orders", write)
	})
	for path, want := range map[string]string{
		"/last":         `Bearer realm="api", scope="orders/write"`,
		"/through/last": `Bearer realm="api", scope="orders/write"`,
		"/first":        `Bearer realm="api"`,
		"/v1/orders":    `Bearer realm="api"`,
	} {
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if got := rec.Header().Get("WWW-Authenticate"); rec.Code != http.StatusUnauthorized || got != want {
			t.Errorf("%s: %d with %s, want 401 with %s", path, rec.Code, got, want)
		}
	}
}
