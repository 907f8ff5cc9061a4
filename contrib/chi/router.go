// Package cognitochi lets [cognitoauth.Middleware.Wrap] see the routes of a chi
// router, so that the markers of cognitoauth work on them:
//
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//	mux.Get("/me", me) // any valid token
//	http.ListenAndServe(":8080", auth.Wrap(cognitochi.New(mux)))
//
// A group with Use(auth.Wrap) needs no package; what is in no such group is open.
package cognitochi

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/cognitoauth/cognitoauth"
	"github.com/go-chi/chi/v5"
)

// Router is a chi router that can tell which handler it would run. It is a
// [cognitoauth.EndpointResolver], safe for concurrent use.
type Router struct {
	mux    *chi.Mux
	routes func() map[string]route // by method, and the patterns of all muxes on the way
}

// route has what was registered, and the same in the middleware of With and Group.
type route struct{ endpoint, handler http.Handler }

// New returns a Router that serves the routes of mux. It panics on nil.
//
// The first request reads the routes, so register all of them before. A later route
// is protected, and one that is registered again goes on with its first handler.
// Always protected, whatever marks them, are:
//
//   - Not found, method not allowed, and "/v1" and "/v1/" of a mount on "/v1".
//   - The routes of a mux with Use, and of what is mounted in it: such middleware
//     runs before chi routes, and can change the route. With and Group are fine.
//   - A mux or router under With, or in a Group with Use, for the same reason.
//   - A mount on a pattern that has another handler too.
func New(mux *chi.Mux) *Router {
	if mux == nil {
		panic("cognitochi: New: the mux is nil: give it what chi.NewRouter returned")
	}
	return &Router{mux, sync.OnceValue(func() map[string]route { return index(map[string]route{}, mux, "", 8) })}
}

// index adds the routes of mux whose handler is certain. A mux can be mounted below
// itself, so there is a limit to the depth.
func index(routes map[string]route, mux *chi.Mux, above string, depth int) map[string]route {
	if len(mux.Middlewares()) > 0 || depth < 0 {
		return routes
	}
	for _, rt := range mux.Routes() {
		key := above + "\x00" + rt.Pattern
		for method, h := range rt.Handlers {
			routes[method+key] = route{unchained(h), h}
		}
		chain, _ := rt.Handlers["*"].(*chi.ChainHandler)
		// A handler beside the mount's own was registered over it.
		if sub, ok := rt.SubRoutes.(*chi.Mux); ok && len(rt.Handlers) == 1 && (chain == nil || len(chain.Middlewares) == 0) {
			index(routes, sub, key, depth-1)
		}
	}
	return routes
}

// unchained returns what was registered, nil for a router behind middleware.
func unchained(h http.Handler) http.Handler {
	if chain, ok := h.(*chi.ChainHandler); ok {
		switch h = chain.Endpoint; h.(type) {
		case *http.ServeMux, cognitoauth.EndpointResolver:
			return nil
		}
	}
	return h
}

// find routes as chi does, by RawPath if there is one, and sets Pattern.
func (rt *Router) find(r *http.Request) (*chi.Context, route) {
	ctx := chi.NewRouteContext()
	if rt.mux.Find(ctx, r.Method, cmp.Or(r.URL.RawPath, r.URL.Path)) == "" {
		return nil, route{}
	}
	r.Pattern = ctx.RoutePattern()
	return ctx, rt.routes()[r.Method+"\x00"+strings.Join(ctx.RoutePatterns, "\x00")]
}

// ResolveEndpoint returns the handler registered for r, nil if it is not certain.
func (rt *Router) ResolveEndpoint(r *http.Request) http.Handler {
	_, found := rt.find(r)
	return found.endpoint
}

// ServeHTTP runs the very handler that ResolveEndpoint finds, with the context that
// chi would give it, and leaves all other requests to the mux. It routes by the whole
// path, inside of another chi router too, and sets Pattern on the request it gets.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, found := rt.find(r)
	if found.handler == nil {
		ctx, found.handler = chi.NewRouteContext(), rt.mux
		defer func(outer *http.Request) { outer.Pattern = ctx.RoutePattern() }(r)
	}
	ctx.RouteMethod, ctx.Routes = r.Method, rt.mux
	r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, ctx))
	keys, values := ctx.URLParams.Keys, ctx.URLParams.Values
	for i, key := range keys {
		// A mux has used up the wildcard that it is mounted on.
		if key == "*" && (i < len(keys)-1 || !strings.HasSuffix(ctx.RoutePatterns[len(ctx.RoutePatterns)-1], "*")) {
			values[i] = ""
		}
		r.SetPathValue(key, values[i])
	}
	found.handler.ServeHTTP(w, r)
}
