package cognitogorilla_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
)

// ownPage reads the parameter where gorilla puts it.
var ownPage = cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
	return mux.Vars(r)["name"] == c.Username
})

// grouped is the second form: auth.Wrap is given to Use, in a subrouter.
func grouped(auth *cognitoauth.Middleware, is func(string) *endpoint) *mux.Router {
	routes := mux.NewRouter()
	routes.Handle("/healthz", is("health")).Methods("GET")
	routes.Handle("/api", is("the prefix itself"))
	api := routes.PathPrefix("/api/").Subrouter()
	api.Use(auth.Wrap)
	api.Handle("/me", is("me")).Methods("GET")
	api.Handle("/users/{name}", cognitoauth.Require(ownPage, is("page"))).Methods("GET")
	api.Handle("/marked", cognitoauth.AllowAnonymous(is("marked")))
	api.Handle("/optional", cognitoauth.Optional(is("optional")))
	below := api.PathPrefix("/below").Subrouter()
	below.Handle("/x", is("below"))
	below.Handle("/marked", cognitoauth.AllowAnonymous(is("below marked")))
	routes.Handle("/api/mistake", is("mistake")) // of the router, not of api

	logged := routes.PathPrefix("/logged").Subrouter()
	logged.Use(auth.Wrap, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	})
	logged.Handle("/x", is("logged"))
	logged.Handle("/marked", cognitoauth.AllowAnonymous(is("logged marked")))

	own := routes.PathPrefix("/own").Subrouter()
	own.Use(auth.Wrap)
	own.NotFoundHandler = is("own not found")
	own.MethodNotAllowedHandler = is("own method not allowed")
	own.Handle("/x", is("own")).Methods("GET")
	return routes
}

func TestGroup(t *testing.T) {
	pool := newPool(t)
	var w witness
	routes := grouped(authOf(t, pool), w.named)
	jane := pool.AccessToken().User("jane").String()
	for _, c := range []struct{ what, path, token, want string }{ // path: GET unless it names a method
		{"outside of all subrouters", "/healthz", "", "200 health"},
		{"outside of all subrouters, bad token", "/healthz", "x", "200 health"},
		{"of the router, below the prefix", "/api/mistake", "", "200 mistake"},
		{"the prefix without its slash", "/api", "", "200 the prefix itself"},
		{"not found", "/nope", "", "404 "},
		{"not found below the prefix", "/api/nope", "", "404 "},
		{"method not allowed below the prefix", "POST /api/me", "", "404 "}, // gorilla/mux issue 739
		{"redirect of a path that is not clean", "/api//me", "", "301 "},
		{"NotFoundHandler of a subrouter", "/own/nope", "", "200 own not found"},
		{"MethodNotAllowedHandler of a subrouter", "POST /own/x", "", "200 own method not allowed"},

		{"subrouter", "/api/me", "", "401 "},
		{"subrouter, bad token", "/api/me", jane + "x", "401 "},
		{"subrouter, good token", "/api/me", jane, "200 me"},
		{"policy, with variables", "/api/users/jane", jane, "200 page"},
		{"policy, not met", "/api/users/joe", jane, "403 "},
		{"policy, no token", "/api/users/jane", "", "401 "},
		{"subrouter of a subrouter", "/api/below/x", "", "401 "},
		{"subrouter of a subrouter, token", "/api/below/x", jane, "200 below"},
		{"more middleware", "/logged/x", "", "401 "},
		{"more middleware, token", "/logged/x", jane, "200 logged"},

		{"marker, the last middleware is Wrap", "/api/marked", "", "200 marked"},
		{"marker, Optional", "/api/optional", "", "200 optional"},
		{"marker, Optional, bad token", "/api/optional", jane + "x", "401 "},
		{"marker in a subrouter of a subrouter", "/api/below/marked", "", "200 below marked"},
		{"marker, another middleware is the last", "/logged/marked", "", "401 "},
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
		routes.ServeHTTP(rec, r)
		if got := fmt.Sprintf("%d %s", rec.Code, w.name()); got != c.want {
			t.Errorf("%s: %s: got %q, want %q", c.what, c.path, got, c.want)
		}
	}
}

// What an access log outside finds in r.Pattern: gorilla never sets it, a Router does.
func TestPatternOutside(t *testing.T) {
	pool := newPool(t)
	auth := authOf(t, pool)
	var w witness
	routes := mux.NewRouter()
	routes.Handle("/users/{name}", cognitoauth.Require(ownPage, w.named("page")))
	routes.Handle("/open/{name}", cognitoauth.AllowAnonymous(w.named("open")))
	v1 := routes.PathPrefix("/v1").Subrouter()
	v1.Handle("/orders/{id}", w.named("order"))
	routes.Host("hostonly.example").Handler(w.named("host"))
	front := httptest.NewRequest("GET", "http://hostonly.example/x", nil)
	front.Pattern = "/" // of a mux in front; a route without a path has no better one
	if h := cognitogorilla.New(routes).ResolveEndpoint(front); h == nil || front.Pattern != "/" {
		t.Errorf("a route without a path: %v, pattern %q", h, front.Pattern)
	}
	jane := pool.AccessToken().User("jane").String()
	for _, c := range []struct {
		h           http.Handler
		path, token string
		status      int
		want        string
	}{
		{auth.Wrap(cognitogorilla.New(routes)), "/users/jane", jane, 200, "/users/{name}"},
		{auth.Wrap(cognitogorilla.New(routes)), "/users/joe", jane, 403, "/users/{name}"},
		{auth.Wrap(cognitogorilla.New(routes)), "/open/jane", "", 200, "/open/{name}"},
		{auth.Wrap(cognitogorilla.New(routes)), "/v1/orders/7", jane, 200, "/v1/orders/{id}"},
		{auth.Wrap(cognitogorilla.New(routes)), "http://hostonly.example/x", jane, 200, ""},
		{auth.Wrap(cognitogorilla.New(routes)), "/nope", jane, 404, ""},
		{auth.Wrap(cognitogorilla.New(routes)), "/users/jane", "", 401, "/users/{name}"},

		{grouped(auth, w.named), "/api/users/jane", jane, 200, ""},
		{grouped(auth, w.named), "/api/users/jane", "", 401, ""},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		rec := httptest.NewRecorder()
		c.h.ServeHTTP(rec, r)
		if rec.Code != c.status || r.Pattern != c.want {
			t.Errorf("%s: %d with the pattern %q outside, want %d with %q", c.path, rec.Code, r.Pattern, c.status, c.want)
		}
	}
}

// In a group, middleware that is given to Use before Wrap finds the route by
// gorilla's CurrentRoute, of a refusal too.
func TestRouteOfGroup(t *testing.T) {
	var w witness
	template := ""
	routes := mux.NewRouter()
	routes.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			template, _ = mux.CurrentRoute(r).GetPathTemplate()
		})
	}, newAuth(t).Wrap)
	routes.Handle("/users/{name}", w.named("page"))
	if rec := call(routes, &w, "/users/jane", ""); rec.Code != http.StatusUnauthorized || template != "/users/{name}" {
		t.Errorf("answered %d with the template %q", rec.Code, template)
	}
}

// A handler finds behind a Router what it finds in gorilla alone.
func TestHandlersSeeWhatGorillaSays(t *testing.T) {
	var seen string
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = fmt.Sprint(mux.Vars(r), mux.CurrentRoute(r).GetName(), r.URL)
	})
	routes := mux.NewRouter()
	routes.Handle("/users/{name}", look).Name("users").Queries("q", "{q}")
	routes.PathPrefix("/v1/{v}").Subrouter().Handle("/x/{name}", look).Name("sub")
	rt := cognitogorilla.New(routes)
	for _, path := range []string{"/users/jane?q=1", "/v1/2/x/j%61ne"} {
		routes.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		want := seen
		seen = ""
		rt.ServeHTTP(httptest.NewRecorder(), admitted(httptest.NewRequest("GET", path, nil)))
		if seen != want || want == "" {
			t.Errorf("%s: a handler sees %s, in gorilla alone %s", path, seen, want)
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
	for want, use := range map[string][]mux.MiddlewareFunc{
		`Bearer realm="api", scope="orders/write"`: {through, auth.Wrap},
		`Bearer realm="api"`:                       {auth.Wrap, through},
	} {
		routes := mux.NewRouter()
		routes.Use(use...)
		routes.Handle("/orders", write)
		rec := call(routes, &w, "/orders", "")
		if got := rec.Header().Get("WWW-Authenticate"); rec.Code != http.StatusUnauthorized || got != want {
			t.Errorf("%d with %s, want 401 with %s", rec.Code, got, want)
		}
	}
}

// Why the README says that matchers go before Subrouter: gorilla keeps the handler
// that the subrouter has found, drops the middleware of the router around it, and
// runs it for the next route that matches. In the first form it stays protected.
func TestMatcherAfterSubrouter(t *testing.T) {
	auth := newAuth(t)
	var w witness
	routes := mux.NewRouter()
	api := routes.PathPrefix("/api").Subrouter()
	users := api.PathPrefix("/users")
	users.Subrouter().Handle("/x", w.named("user"))
	users.Methods("POST")
	routes.PathPrefix("/").Handler(cognitoauth.AllowAnonymous(w.named("rest")))
	if rec := call(auth.Wrap(cognitogorilla.New(routes)), &w, "/api/users/x", ""); rec.Code != http.StatusUnauthorized || w.ran != nil {
		t.Errorf("around everything: answered %d, ran %q; want 401", rec.Code, w.name())
	}
	api.Use(auth.Wrap)
	if rec := call(routes, &w, "/api/users/x", ""); rec.Code != http.StatusOK || w.name() != "user" {
		t.Errorf("answered %d, ran %q: gorilla has changed, so change the README", rec.Code, w.name())
	}
}
