package cognitoauth

// This file holds what the test kit may ask about a route: what it demands, and
// which one it is.

import (
	"net/http"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

func init() {
	kit.RouteOf = func(handler http.Handler, r *http.Request) (kit.Route, bool) {
		h, ok := handler.(*wrapped)
		if !ok {
			return kit.Route{}, false
		}
		g, _, ok := h.guard(r)
		if !ok {
			return kit.Route{}, false
		}
		return g.route(r), true
	}
}

// route says what a request needs to reach its handler, and which handler that is.
func (g *guard) route(r *http.Request) (found kit.Route) {
	if g.documents != nil && g.document(r) != nil {
		return kit.Route{Open: "ProtectedResource", Exists: true}
	}
	endpoint, pattern := resolve(g.next, r)
	switch lastRouter(g.next, r).(type) {
	case *http.ServeMux:
		found.Mux, found.Pattern = true, pattern
		found.Exists = pattern != "" // it answers 404 and 405 without a pattern
	case EndpointResolver:
		found.Exists = endpoint != nil
	default:
		found.Exists = true
	}
	if open := g.opened(endpoint, r); open != nil {
		found.Open = open.name()
		return found
	}
	found.Policy = g.demands(endpoint).String()
	return found
}

// lastRouter returns the last router that resolve asks, nil if it asks none.
func lastRouter(h http.Handler, r *http.Request) (last any) {
	for range maxRouters {
		switch router := h.(type) {
		case *http.ServeMux:
			if last = router; router == nil {
				return last
			}
			h, _ = router.Handler(r)
		case EndpointResolver:
			last = router
			h = router.ResolveEndpoint(r)
		default:
			return last
		}
	}
	return last
}

// demands is the policy that a token must meet: the fallback, and those of the
// Requires that stand directly in the route.
func (g *guard) demands(endpoint http.Handler) Policy {
	all := []Policy{g.fallback}
	for route, ok := endpoint.(*require); ok; route, ok = route.next.(*require) {
		all = append(all, route.policy)
	}
	// Any valid token is what all policies ask for; it need not be said of them.
	if len(all) > 1 && g.fallback.String() == Authenticated().String() {
		all = all[1:]
	}
	if len(all) == 1 {
		return all[0]
	}
	return And(all...)
}
