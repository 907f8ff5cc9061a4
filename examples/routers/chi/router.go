package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// router is a chi router that tells which handler it would run, a
// cognitoauth.EndpointResolver. Where it cannot promise that, it names none,
// and the route stays protected:
//
//   - Not found and method not allowed.
//   - A mux with Use, and what is mounted in it: such middleware runs before
//     routing, and can change it, as chi's StripSlashes does. With and Group
//     are fine.
//   - What is mounted under With, for the same reason.
//   - "/v1" and "/v1/" of something mounted on "/v1".
type router struct {
	mux       *chi.Mux
	endpoints map[string]http.Handler // by method, and the patterns of all muxes on the way
}

// newRouter is called when all routes are registered: a later one stays
// protected, and must not replace another.
func newRouter(mux *chi.Mux) *router {
	rt := &router{mux, map[string]http.Handler{}}
	rt.index(mux, "")
	return rt
}

func (rt *router) index(mux *chi.Mux, above string) {
	if len(mux.Middlewares()) > 0 {
		return
	}
	for _, route := range mux.Routes() {
		key := above + "\x00" + route.Pattern
		if route.SubRoutes != nil {
			sub, ok := route.SubRoutes.(*chi.Mux)
			// A handler beside the mount's own was registered over it.
			if _, chained := route.Handlers["*"].(*chi.ChainHandler); ok && !chained && len(route.Handlers) == 1 {
				rt.index(sub, key)
			}
			continue
		}
		for method, h := range route.Handlers {
			if chain, ok := h.(*chi.ChainHandler); ok {
				h = chain.Endpoint
			}
			rt.endpoints[method+key] = h
		}
	}
}

// ResolveEndpoint finds the route as chi does: by RawPath if there is one.
func (rt *router) ResolveEndpoint(r *http.Request) http.Handler {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	found := chi.NewRouteContext()
	if rt.mux.Find(found, r.Method, path) == "" {
		return nil
	}
	return rt.endpoints[r.Method+"\x00"+strings.Join(found.RoutePatterns, "\x00")]
}

// ServeHTTP routes by the request alone, as ResolveEndpoint does: inside of
// another chi router, what that one has matched must not count.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if chi.RouteContext(r.Context()) != nil {
		r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, nil))
	}
	rt.mux.ServeHTTP(w, r)
}
