package cognitochi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/cognitoauth/cognitoauth"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
)

// A handler finds behind a Router what it finds in chi alone: parameters, path
// values, the pattern, and the route context.
func TestHandlersSeeWhatChiSays(t *testing.T) {
	var seen string
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := chi.RouteContext(r.Context())
		seen = fmt.Sprintf("%s %q, %q %q %q %q, values", ctx.RoutePattern(), r.Pattern, ctx.RouteMethod, ctx.RoutePath, ctx.RoutePatterns, ctx.URLParams)
		for _, key := range []string{"a", "b", "*", "none"} {
			seen += fmt.Sprintf(" %q %q", chi.URLParam(r, key), r.PathValue(key))
		}
		if next := chi.NewRouteContext(); !ctx.Routes.Match(next, "GET", "/a") {
			seen += ", and other routes"
		}
	})
	mux := chi.NewRouter()
	mux.Handle("/a", look)
	mux.Handle("/p/{a}/{b}", look)
	mux.Handle("/p/{a}-{b:[0-9]+}.x", look)
	mux.Handle("/w/{a}/*", look)
	mux.Mount("/handler/{b}", look)
	mux.Route("/v1/{a}", func(r chi.Router) {
		r.Handle("/", look)
		r.Handle("/x", look)
		r.Handle("/{b}", look)
		r.Handle("/rest/*", look)
		r.Route("/deep/{a}", func(r chi.Router) {
			r.Handle("/x", look)
			r.Handle("/rest/{b}/*", look)
			r.With(func(next http.Handler) http.Handler { return next }).Handle("/with/{b}", look)
		})
	})
	rt := cognitochi.New(mux)
	for _, path := range []string{"/a", "/p/1/2", "/p/1-2.x", "/p/%61/b%2Fc", "/w/1/2/3", "/w/1/", "/handler/1/2/3", "/handler/1",
		"/v1/1", "/v1/1/", "/v1/1/x", "/v1/1/2", "/v1/1/rest/2/3", "/v1/1/deep/2/x", "/v1/1/deep/2/rest/3/4", "/v1/1/deep/2/with/3"} {
		for _, method := range []string{"GET", "QUERY"} {
			seen = ""
			mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
			want := seen
			seen = ""
			rt.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
			if seen != want || want == "" {
				t.Errorf("%s: a handler sees\n%s, and in chi alone\n%s", path, seen, want)
			}
		}
	}
}

// What an access log outside of Wrap finds in r.Pattern. Chi sets it on a request
// of its own; behind a Router it gets outside.
func TestPatternOutside(t *testing.T) {
	// What chi does not find keeps the pattern of a mux in front, as with any resolver.
	front := httptest.NewRequest("GET", "/nope", nil)
	front.Pattern = "/"
	if h := cognitochi.New(chi.NewRouter()).ResolveEndpoint(front); h != nil || front.Pattern != "/" {
		t.Errorf("not found: %v, pattern %q", h, front.Pattern)
	}

	pool := newPool(t)
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := chi.NewRouter()
	mux.Handle("GET /users/{name}", cognitoauth.Require(cognitoauth.Scope("users/read"), ok))
	mux.Handle("GET /open/{name}", cognitoauth.AllowAnonymous(ok))
	mux.Route("/v1", func(r chi.Router) {
		r.Use(middleware.StripSlashes)
		r.Handle("GET /orders/{id}", ok)
	})
	plain := pool.AccessToken()
	for _, c := range []struct {
		path   string
		token  string
		status int
		want   string
	}{
		{"/users/jane", plain.Scopes("users/read").String(), 200, "/users/{name}"},
		{"/users/jane", plain.String(), 403, "/users/{name}"},
		{"/open/jane", "", 200, "/open/{name}"},
		{"/v1/orders/7", plain.String(), 200, "/v1/orders/{id}"},  // found by chi itself
		{"/v1/orders/7/", plain.String(), 200, "/v1/orders/{id}"}, // found behind the middleware only
		{"/nope", plain.String(), 404, ""},
		{"/users/jane", "", 401, "/users/{name}"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		authOf(t, pool).Wrap(cognitochi.New(mux)).ServeHTTP(w, r)
		if w.Code != c.status || r.Pattern != c.want {
			t.Errorf("%s: %d with the pattern %q outside, want %d with %q", c.path, w.Code, r.Pattern, c.status, c.want)
		}
	}
}
