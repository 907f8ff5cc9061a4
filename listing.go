package cognitoauth

// This file holds what the test kit may ask about a route: what it demands.

import (
	"net/http"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

func init() {
	kit.RoutePolicy = func(handler http.Handler, r *http.Request) string {
		h, ok := handler.(*wrapped)
		if !ok {
			return ""
		}
		g, _, ok := h.guard(r)
		if !ok {
			return ""
		}
		return g.demands(r)
	}
}

// demands says what a request needs to reach its handler: the name of an open
// route's marker, "ProtectedResource" where Wrap answers with that document, or else
// the fallback policy and those of the Requires that stand directly in the route.
func (g *guard) demands(r *http.Request) string {
	if g.documents != nil && g.document(r) != nil {
		return "ProtectedResource"
	}
	endpoint, _ := resolve(g.next, r)
	if open, ok := endpoint.(*marker); ok && g.closed(open, r) == "" {
		return open.name()
	}
	all := []Policy{g.fallback}
	for route, ok := endpoint.(*require); ok; route, ok = route.next.(*require) {
		all = append(all, route.policy)
	}
	if len(all) == 1 {
		return g.fallback.String()
	}
	// Any valid token is what all policies ask for; it need not be said of them.
	if g.fallback.String() == Authenticated().String() {
		all = all[1:]
	}
	if len(all) == 1 {
		return all[0].String()
	}
	return And(all...).String()
}
