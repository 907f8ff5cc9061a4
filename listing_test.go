package cognitoauth_test

import (
	"net/http"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// The test kit learns of a route only from a handler that decides. What it makes of
// the routes is tested in package cognitotest.
func TestRouteOf(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := lab.NewSite(g)
	for name, tt := range map[string]struct {
		handler http.Handler
		want    kit.Route
		known   bool
	}{
		"wrapped":           {g.Auth.Wrap(mux), kit.Route{Policy: "Authenticated()", Exists: true, Mux: true, Pattern: "/me"}, true},
		"not wrapped":       {mux, kit.Route{}, false},
		"nil":               {nil, kit.Route{}, false},
		"without New":       {new(cognitoauth.Middleware).Wrap(mux), kit.Route{}, false},
		"a nil mux":         {g.Auth.Wrap((*http.ServeMux)(nil)), kit.Route{Policy: "Authenticated()", Mux: true}, true},
		"WrapFunc with nil": {g.Auth.WrapFunc(func() http.Handler { return nil }), kit.Route{}, false},
	} {
		got, known := kit.RouteOf(tt.handler, lab.Call("GET /me"))
		if got != tt.want || known != tt.known {
			t.Errorf("%s: %+v, %v, want %+v, %v", name, got, known, tt.want, tt.known)
		}
		if policy := kit.RoutePolicy(tt.handler, lab.Call("GET /me")); policy != tt.want.Policy {
			t.Errorf("%s: RoutePolicy %q, want %q", name, policy, tt.want.Policy)
		}
	}
}
