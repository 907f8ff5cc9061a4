// Package cognitogorilla lets [cognitoauth.Middleware.Wrap] see the routes of a
// gorilla/mux router, so that the markers of cognitoauth work on them:
//
//	routes.Handle("/healthz", cognitoauth.AllowAnonymous(health)).Methods("GET")
//	routes.Handle("/me", me).Methods("GET") // any valid token
//	http.ListenAndServe(":8080", auth.Wrap(cognitogorilla.New(routes)))
//
// A subrouter with Use(auth.Wrap) works without this package, and all that stands in
// no such subrouter is open to everybody. The README compares the two forms.
package cognitogorilla

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	"github.com/gorilla/mux"
)

// Router is a gorilla router that can tell which handler it would run. It is a
// [cognitoauth.EndpointResolver], safe for concurrent use.
type Router struct{ routes *mux.Router }

// New returns a Router that serves routes. It panics on nil. Always protected,
// whatever marks them, are:
//
//   - Not found and method not allowed, also with handlers of your own.
//   - The routes of a router with Use, and of its subrouters: what runs is the
//     middleware.
//   - Paths that are not clean, and the redirects of StrictSlash.
//
// Each request is matched twice, first without claims, so a MatcherFunc should decide
// by the request alone. If it decides otherwise the second time, a request without a
// token reaches only routes with a marker. For one with a token that an Optional
// route has let in, use WrapWith, which asks again.
func New(routes *mux.Router) *Router {
	if routes == nil {
		panic("cognitogorilla: New: the router is nil: give it what mux.NewRouter returned")
	}
	return &Router{routes}
}

// match returns the route of r, nil if there is none, and sets Pattern. Gorilla redirects a path that
// is not clean before it matches, unless there is SkipClean.
func (rt *Router) match(r *http.Request) *mux.RouteMatch {
	clean := path.Clean("/" + r.URL.Path)
	if clean != "/" && strings.HasSuffix(r.URL.Path, "/") {
		clean += "/"
	}
	var found mux.RouteMatch
	if r.URL.Path != clean || !rt.routes.Match(r, &found) || found.MatchErr != nil { // mutant: equivalent `rt.routes.Match(r, &found) → true`, MatchErr says it too
		return nil
	}
	if template, err := found.Route.GetPathTemplate(); err == nil {
		r.Pattern = template
	}
	return &found
}

// ResolveEndpoint returns the handler that ServeHTTP would run for r, nil where
// that is not certain (see [New]).
func (rt *Router) ResolveEndpoint(r *http.Request) http.Handler {
	if found := rt.match(r); found != nil {
		return found.Handler
	}
	return nil
}

// ServeHTTP runs the handler that gorilla matches, with its variables. A request
// without claims reaches only routes with a marker, and else is answered 500, as
// if there were no Wrap. It sets Pattern on the request that it gets to the path
// template of the route, for logs and for an access log outside of Wrap.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := rt.match(r)
	if _, ok := cognitoauth.FromContext(r.Context()); !ok && (found == nil || !open(found.Handler, r)) {
		refused.ServeHTTP(w, r)
		return
	}
	if found == nil {
		rt.routes.ServeHTTP(w, r)
		return
	}
	dispatch.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), matched{}, found)))
}

// refused answers a request that has no claims.
var refused = cognitoauth.Require(cognitoauth.Authenticated(), http.NotFoundHandler())

var marker = reflect.TypeOf(cognitoauth.AllowAnonymous(http.NotFoundHandler()))

// open reports whether h, or the route that a router in its place has for r, has a
// marker.
func open(h http.Handler, r *http.Request) bool {
	for range 8 { // as deep as Wrap looks
		switch router := h.(type) {
		case *http.ServeMux:
			h, _ = router.Handler(r)
		case cognitoauth.EndpointResolver:
			h = router.ResolveEndpoint(r)
		default:
			return reflect.TypeOf(h) == marker
		}
	}
	return false
}

type matched struct{} // the context key of a *mux.RouteMatch

// dispatch runs the match in the context, with gorilla's variables and current route.
var dispatch = mux.NewRouter()

func init() {
	dispatch.MatcherFunc(func(r *http.Request, m *mux.RouteMatch) bool {
		*m = *r.Context().Value(matched{}).(*mux.RouteMatch)
		return true
	})
}
