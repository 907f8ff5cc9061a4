// Package kit is the door between the test kit and the library.
//
// The library keeps the constructor of verified claims and its context key to
// itself, so that no program can present claims that nobody verified. The test
// kit needs both; package cognitoauth hands them over here, where only this
// module can import them.
package kit

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// NewClaims builds a *cognitoauth.Claims from a payload as if a token with
// that payload had been verified for the pool poolID. The clock and leeway are
// those that time-based policies will use; implied is nil or comes from
// ImpliedScopes. It fails on what the validator's strict decoder refuses. Package
// cognitoauth sets it.
var NewClaims func(payload []byte, poolID string, now func() time.Time, leeway time.Duration, implied any) (any, error)

// ImpliedScopes checks what cognitoauth.Config.ImpliedScopes can be, and makes of
// it what NewClaims takes. The error is the one of cognitoauth.New. Package
// cognitoauth sets it.
var ImpliedScopes func(map[string][]string) (any, error)

// WithClaims returns a context that carries claims, a *cognitoauth.Claims, the
// way Wrap's handlers see it. Package cognitoauth sets it.
var WithClaims func(ctx context.Context, claims any) context.Context

// RouteOf says what a handler made by Wrap, WrapWith or WrapFunc does with a request,
// and false for any other handler, or one without a configuration. Package
// cognitoauth sets it.
var RouteOf func(wrapped http.Handler, r *http.Request) (Route, bool)

// Route is what a request meets.
type Route struct {
	Open    string // the name of the marker, or ProtectedResource where Wrap answers with that document; "" if the route is protected
	Policy  string // what a protected route demands, as a Go expression
	Exists  bool   // false: the router has no handler for the request, or redirects
	Mux     bool   // the last router that was asked is a http.ServeMux, so there is a Pattern
	Pattern string
}

// RoutePolicy is what a request needs: Open or Policy of its Route, "" if RouteOf
// knows none.
func RoutePolicy(wrapped http.Handler, r *http.Request) string {
	route, _ := RouteOf(wrapped, r)
	return cmp.Or(route.Open, route.Policy)
}
