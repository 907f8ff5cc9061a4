package cognitoauth

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// FromContext returns the claims of the request that ctx belongs to, and
// whether there are any: behind Wrap there are, except on AllowAnonymous
// routes, and on Optional routes called without a token.
func FromContext(ctx context.Context) (*Claims, bool) {
	if a, ok := ctx.Value(contextKey{}).(*admission); ok && a.authenticated {
		return &a.claims, true
	}
	return nil, false
}

// WithExpiry returns a context that ends when the token does, for what outlives
// a request's beginning: a WebSocket, a stream of events. It ends at the instant
// from which Validate refuses the token, exp plus Config.Leeway by Config.Now,
// and [context.Cause] then is an [*Error] with the code token_expired. Call
// cancel to release it earlier. With nil claims it has ended already.
//
// A token that is revoked in the meantime does not end it.
func WithExpiry(ctx context.Context, c *Claims) (_ context.Context, cancel context.CancelFunc) {
	if c == nil {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(refuse(&tokenMissing, evidence{}))
		return ctx, func() {}
	}
	by := clock{now: time.Now}
	if c.clock != nil {
		by = *c.clock
	}
	ends := c.Expiry.Add(by.leeway)
	why := refuse(&tokenExpired, evidence{at: c.Expiry, now: ends, leeway: by.leeway, verified: true})
	return context.WithTimeoutCause(ctx, ends.Sub(by.now()), why)
}

// contextKey is the key under which Wrap leaves its verdict.
type contextKey struct{}

// admission is the verdict that a request carries from Wrap to the handlers
// behind it, and the context that carries it. One allocation holds both and the
// request's own copy of the claims.
type admission struct {
	context.Context // the request's, from outside

	claims        Claims
	authenticated bool        // false: an Optional route without a token
	optional      bool        // the route is Optional: the fallback does not apply
	mw            *Middleware // nil: put there by the test kit
	route         *require    // the route's handler, if it is a Require
	pending       atomic.Bool // the decision has yet to be reported, by route
}

func (a *admission) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// String is for logs that print a context: fmt would print the claims.
func (*admission) String() string { return "cognitoauth.Wrap" }

func (*admission) GoString() string { return "cognitoauth.Wrap" }

// verified are the claims, nil if there are none.
func (a *admission) verified() *Claims {
	if !a.authenticated {
		return nil
	}
	return &a.claims
}

// widen completes a policy's demand for scopes by those that the fallback, the
// route's Requires, and those nested in q need, so that the client has to ask
// only once. q is the Require that denied, which Wrap may not have seen; nil if
// it was the fallback.
func (a *admission) widen(err *Error, q *require) *Error {
	if err.reason != &tokenMissing && err.reason.sentinel != ErrInsufficientScope {
		return err
	}
	c := a.verified()
	if a.mw != nil && !a.optional {
		err.scopes = union(a.mw.fallback.scopes(c), err.scopes)
	}
	for _, route := range []*require{a.route, q} {
		if route != nil {
			err.scopes = union(err.scopes, route.scopes(c))
		}
	}
	return err
}

func init() {
	kit.NewClaims = func(payload []byte, poolID string, now func() time.Time, leeway time.Duration) (any, error) {
		c := new(Claims)
		if err := c.decode(bytes.Clone(payload)); err != nil {
			return nil, err
		}
		c.PoolID, c.clock = poolID, &clock{now, leeway}
		return c, nil
	}
	kit.WithClaims = func(ctx context.Context, claims any) context.Context {
		c, _ := claims.(*Claims)
		must(c != nil, "WithClaims", "the claims are nil")
		a := &admission{Context: ctx, claims: *c, authenticated: true}
		if a.claims.clock == nil {
			a.claims.clock = &clock{now: time.Now}
		}
		return a
	}
}
