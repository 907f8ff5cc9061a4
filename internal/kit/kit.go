// Package kit is the door between the test kit and the library.
//
// The library keeps the constructor of verified claims and its context key to
// itself, so that no program can present claims that nobody verified. The test
// kit needs both; package cognitoauth hands them over here, where only this
// module can import them.
package kit

import (
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

// RoutePolicy says what a handler made by Wrap demands of a request: the marker of
// its route, "ProtectedResource" where Wrap answers with that document, or the
// policies as Go expressions. It is "" for any other handler. Package cognitoauth
// sets it.
var RoutePolicy func(wrapped http.Handler, r *http.Request) string
