package cognitoauth

// This file holds what a request's context carries from Wrap to the handlers,
// FromContext, which reads the claims from it, and WithExpiry.

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/record"
)

// FromContext returns the claims of the request that ctx belongs to, and
// whether there are any. Behind Wrap there are, except on AllowAnonymous
// routes, and on Optional routes without a token. Where one Wrap stands inside
// another, the inner one decides: such a route has no claims, even if the outer
// Wrap found some.
func FromContext(ctx context.Context) (*Claims, bool) {
	if a, ok := ctx.Value(contextKey{}).(*admission); ok && a.authenticated {
		return &a.claims, true
	}
	return nil, false
}

// NewContext returns a context that carries c, which [FromContext] then finds, as
// it does behind Wrap: for a program that gets its tokens elsewhere than from
// requests, and has validated one by [Middleware.Validate]. [Middleware.Admit] does
// both. Later changes of c are not visible in the context.
//
// Only claims that come from a token count. With others, nil included, the context
// has no claims, not even those of ctx; a test of a handler uses
// cognitotest.WithClaims. A [Require] that gets such a context checks its policy,
// but belongs to no Middleware: its refusals have the default realm and are not
// logged. NewContext panics on a nil ctx.
func NewContext(ctx context.Context, c *Claims) context.Context {
	must(ctx != nil, "NewContext", "the context is nil")
	a := new(admission)
	if outer, _ := ctx.Value(contextKey{}).(*admission); outer != nil {
		a.place = *outer.placed(ctx) // the route stays, whoever calls
		a.route = nil
	}
	if c != nil && c.key != nil {
		a.claims, a.authenticated = *c, true
	}
	return a.within(ctx)
}

// WithExpiry returns a context that ends when the token expires, for work that
// outlives the start of a request, such as a WebSocket or a stream of events.
// It ends at the instant from which Validate refuses the token: exp plus
// Config.Leeway by Config.Now. [context.Cause] is then an [*Error] with the
// code token_expired. Call cancel to release the context earlier. With nil
// claims the context has ended already.
//
// It ends with ctx, too, and the context of a request ends when its handler
// returns, even if the handler has hijacked the connection. For what goes on then,
// such as a goroutine that has the WebSocket, let ctx be
// [context.WithoutCancel](r.Context()). That the client has gone, the connection
// tells.
//
// The revocation of a token does not end the context.
func WithExpiry(ctx context.Context, c *Claims) (_ context.Context, cancel context.CancelFunc) {
	if c == nil {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(refuse(&tokenMissing, evidence{}))
		return ctx, func() {}
	}
	by := clock{now: time.Now}
	if c.terms != nil {
		by = c.terms.clock
	}
	ends := c.Expiry.Add(by.leeway)
	why := refuse(&tokenExpired, evidence{at: c.Expiry, now: ends, leeway: by.leeway, verified: true})
	return context.WithTimeoutCause(ctx, ends.Sub(by.now()), why)
}

// contextKey is the context key for the admission.
type contextKey struct{}

// admission is the result of Wrap's checks of a request, together with the
// context that carries it to the handlers. So one allocation holds the context
// and the request's own copy of the claims.
type admission struct {
	carrier carrier

	claims        Claims
	noStore       [1]string   // the answer's Cache-Control: a handler may change its own
	authenticated bool        // false on an Optional route without a token
	anonymous     bool        // an AllowAnonymous route, which hides an outer admission
	optional      bool        // the route is Optional, so the fallback does not apply
	remembered    bool        // the token was verified before
	pending       atomic.Bool // no Require of the route has begun to decide
	state         *state      // of the request; nil if the test kit made the claims
	place                     // as Wrap has found it, or as Admit was told
}

// place is the route that a request takes.
type place struct {
	route           *require // the route's handler, if it is a Require
	method, pattern string   // no method: the call is no HTTP request
}

// placed returns the route that a request takes: that which Wrap has found, unless
// middleware of WrapWith has changed the request since.
func (a *admission) placed(ctx context.Context) *place {
	if detour, changed := ctx.Value(detourKey{a}).(*place); changed {
		return detour
	}
	return &a.place
}

// carrier is the context that the handlers get. It only refers to the admission,
// because a log may print a request: http.Request has its context in an unexported
// field, for which package fmt calls no Format. With a verb that does not fit a
// pointer, such as %s, fmt prints what the pointer to the context refers to, but
// it follows no second pointer.
type carrier struct {
	context.Context // of the request that Wrap got

	admission *admission
}

// within returns the context that carries a, as a child of ctx.
func (a *admission) within(ctx context.Context) *carrier {
	a.carrier = carrier{ctx, a}
	return &a.carrier
}

func (c *carrier) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c.admission
	}
	return c.Context.Value(key)
}

// String is for a context around this one, which prints its parent by it.
func (*carrier) String() string { return "cognitoauth.Wrap" }

// Format is for logs that print a context, because fmt would print its parents.
func (*carrier) Format(f fmt.State, _ rune) { io.WriteString(f, "cognitoauth.Wrap") }

// verified returns the claims, nil if there are none.
func (a *admission) verified() *Claims {
	if !a.authenticated {
		return nil
	}
	return &a.claims
}

// widen adds to a refusal the scopes that the fallback, the route's Requires,
// and q with the Requires nested in it need, so that the client can ask for all
// of them at once. q is the Require that refused; Wrap may not have seen it. It
// is nil if the fallback refused.
func (a *admission) widen(ctx context.Context, err *Error, q *require) *Error {
	if err.reason != &tokenMissing && err.reason.sentinel != ErrInsufficientScope {
		return err
	}
	c := a.verified()
	if a.state != nil && !a.optional {
		err.scopes = union(a.state.fallback.scopes(c), err.scopes)
	}
	for _, route := range []*require{a.placed(ctx).route, q} {
		if route != nil {
			err.scopes = union(err.scopes, route.scopes(c))
		}
	}
	return err
}

func init() {
	kit.NewClaims = func(payload []byte, poolID string, now func() time.Time, leeway time.Duration, implied any) (any, error) {
		c := new(Claims)
		if err := c.decode(bytes.Clone(payload), new(record.Builder)); err != nil {
			return nil, err
		}
		in, _ := implied.(implications)
		c.PoolID, c.terms = poolID, &terms{clock{now, leeway}, in}
		return c, nil
	}
	kit.WithClaims = func(ctx context.Context, claims any) context.Context {
		c, _ := claims.(*Claims)
		must(c != nil, "WithClaims", "the claims are nil")
		a := &admission{claims: *c, authenticated: true}
		if a.claims.terms == nil {
			a.claims.terms = &terms{clock: clock{now: time.Now}}
		}
		// mutant: equivalent `c.record == "" → true`, the claims of a token have both
		if c.record == "" && c.Subject+c.Username+c.ClientID != "" {
			// Written by hand. No token that was admitted lacks these. The zero Claims
			// name nobody and stay without them, so that every policy denies them.
			a.claims.TokenUse = cmp.Or(a.claims.TokenUse, AccessToken)
			a.claims.Expiry = cmp.Or(a.claims.Expiry, a.claims.terms.now().Add(time.Hour))
		}
		return a.within(ctx)
	}
}
