package cognitoauth

// This file holds the two forms of Wrap for programs whose mux does not stand
// directly inside: WrapWith, with middleware in between, and WrapFunc, with a mux
// that is replaced.
//
// Wrap lets a request to an open route in because of the handler that its mux would
// run. If something changes the request or the mux after that, another handler runs,
// and nobody has looked at its token. So WrapWith asks the mux again when the
// middleware hands the request on, and WrapFunc gets the mux once for each request.

import (
	"context"
	"net/http"
	"reflect"
)

// WrapWith is [Middleware.Wrap] with middleware of the program between Wrap and h:
// between gets what calls h, and returns what Wrap calls. So the middleware finds
// the claims by [FromContext] and the route in r.Pattern, and runs for admitted
// requests only. A rate limit by subject belongs there, a tenant's database, error
// reports with the caller.
//
//	auth.WrapWith(mux, func(next http.Handler) http.Handler { return limited(logged(next)) })
//
// The markers of h count as in Wrap. When the middleware hands the request on, h
// is asked for its route again. A marker lets a request in for its own route only:
// if the request would now reach another one, marked or not, it needs a valid token
// that meets the fallback, or is refused. OnDecision gets a second Decision then. For
// a request to a route without a marker, the fallback has decided before the
// middleware runs: an [Assert] in it sees the request as it came. If the middleware
// answers a request itself whose Decision a [Require] was to tell, it is told when the
// middleware has returned. Middleware that replaces the request's context by one that
// does not come from it is a wiring mistake: the answer is 500.
//
// WrapWith panics on nil, and if between returns nil.
func (m *Middleware) WrapWith(h http.Handler, between func(http.Handler) http.Handler) http.Handler {
	must(!isNil(h), "WrapWith", "the handler is nil")
	must(between != nil, "WrapWith", "the function is nil")
	in := &inner{mw: m, next: h}
	in.between = between(in)
	must(!isNil(in.between), "WrapWith", "the function returned nil")
	return &wrapped{mw: m, next: h, inner: in}
}

// WrapFunc is [Middleware.Wrap] for a mux that the program replaces while it
// serves, as it may when it calls [Middleware.Reload]. handler is called once for each
// request, and what it returns decides and serves: a request that has begun ends
// with the mux that it began with. It must be safe for concurrent use, and what it
// returns must have all its routes.
//
//	var current atomic.Pointer[http.ServeMux]
//	current.Store(routes(cfg))
//	api := auth.WrapFunc(func() http.Handler { return current.Load() })
//
// Do not replace the mux inside of a handler that Wrap got, such as an
// [EndpointResolver] with a pointer. It is asked for the route before it serves the
// request; if it is replaced in between, a request without a token can reach a
// protected route. A handler that is not asked is safe, but has no open routes.
// For middleware as in [Middleware.WrapWith], use no WrapFunc: replace all that WrapWith
// returned, in a handler of your own that calls it.
//
// A request for which handler returns nil, or a nil pointer or function such as a mux
// that was never set, is answered with 500. WrapFunc panics on nil.
func (m *Middleware) WrapFunc(handler func() http.Handler) http.Handler {
	must(handler != nil, "WrapFunc", "the function is nil")
	return &wrapped{mw: m, load: func() http.Handler {
		h := handler()
		if unset(h) {
			return nil
		}
		return h
	}}
}

// unset reports whether h is a nil pointer or function, as a variable has it that was
// never set. To ask or call one panics as a rule. A nil map or slice may well serve.
func unset(h http.Handler) bool {
	v := reflect.ValueOf(h)
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}

// inner is the handler that the middleware of WrapWith calls.
type inner struct {
	mw      *Middleware
	next    http.Handler // the handler that WrapWith got
	between http.Handler // the middleware around this one
}

// passage is the context of a request on its way through the middleware of WrapWith.
// It prints as the carrier does.
type passage struct {
	*carrier

	to   *inner
	open *marker // that admitted the request, nil if the token did
}

type passageKey struct{ to *inner }

func (p *passage) Value(key any) any {
	if k, ok := key.(passageKey); ok && k.to == p.to {
		return p
	}
	return p.carrier.Value(key)
}

// pass hands a request to the middleware, which may ask it for the route. open is
// the marker that admitted it, nil if the token did.
func (in *inner) pass(w http.ResponseWriter, r *http.Request, ctx *carrier, open *marker, pattern string) {
	passing := r.WithContext(&passage{ctx, in, open})
	passing.Pattern = pattern
	defer handBack(r, passing)
	defer ctx.admission.settle(passing)
	in.between.ServeHTTP(w, passing)
}

// ServeHTTP gets the request from the middleware.
func (in *inner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, _ := r.Context().Value(passageKey{in}).(*passage)
	if p == nil {
		s := in.mw.state()
		s.refuse(w, hearing{r: r, ctx: r.Context(), pattern: r.Pattern, began: s.start()}, refuse(&notWired, evidence{note: noteContextLost}))
		return
	}
	g := guard{state: p.admission.state, next: in.next}
	endpoint, pattern := resolve(in.next, r)
	if p.open != nil && g.opened(endpoint, r) != p.open {
		g.moved = true
		g.decide(w, r, nil, endpoint, pattern)
		return
	}
	route, _ := endpoint.(*require)
	if to := (place{route, r.Method, pattern}); to != p.admission.place {
		moved := p.admission.reroute(r, to)
		defer handBack(r, moved)
		r = moved
	}
	in.next.ServeHTTP(w, r)
}

// detourKey is the context key for the *place of a request that middleware has changed.
// The admission cannot have it: middleware may hand on several requests at a time.
type detourKey struct{ on *admission }

// reroute returns the request with its new route. If the Require of the first one
// was to report the decision, and there is none now, it is reported here.
func (a *admission) reroute(r *http.Request, to place) *http.Request {
	if to.route == nil && a.pending.CompareAndSwap(true, false) {
		c := a.hearing(r, true)
		c.pattern = to.pattern
		a.state.allow(c, nil)
	}
	return r.WithContext(context.WithValue(r.Context(), detourKey{a}, &to))
}

const (
	noteMoved = "; middleware between Wrap and the mux (WrapWith) has changed the request, which was let in without a token to another route: " +
		"if such callers are meant to reach this one, put that middleware outside, rewritten(auth.Wrap(mux))"
	noteContextLost = "middleware of WrapWith handed on a request without the context that it got: derive contexts from r.Context()"
	noteNoHandler   = "the function of WrapFunc returned no handler, or a nil pointer or function: store the mux before you serve"
)
