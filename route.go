package cognitoauth

// This file holds the routes: the markers AllowAnonymous and Optional, Require,
// and how Wrap finds out which handler a request would reach.

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime"
	"strconv"
	"time"
)

// AllowAnonymous marks a route that anybody may call. The library does not look
// at the token, so a health check does not depend on keys. The marker must be
// the outermost value that is registered, because Wrap does not look inside a
// handler:
//
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//
// It panics on nil, on a mux (also on its method mux.ServeHTTP) or
// [EndpointResolver], which would open a whole subtree, on another marker, and
// on [Require].
//
// It cannot panic on a mux that stands inside another handler, such as
// http.StripPrefix, and then opens all of its routes. For files that is what
// you want: AllowAnonymous(http.StripPrefix("/static/", http.FileServer(dir))).
// For a mux, mark each route by its whole path instead.
//
// "/docs/" and "/docs" are two routes: a marker on "/docs/" does not open the
// mux's redirect from "/docs". A marked route is protected like any other for a
// CONNECT request and for a path that is not clean or not valid UTF-8, has a
// backslash, a semicolon or NUL, or escapes a slash, backslash, dot, percent
// sign or NUL. [AllowEscapedSlash] makes an exception for the slash. Put CORS
// outside of Wrap, since a preflight has no token.
func AllowAnonymous(h http.Handler) http.Handler { return mark(&marker{next: h}) }

// Optional marks a route that may be called without a token. If there is a
// token, it must be valid, or the request is refused as anywhere else (see
// Config.IgnoreBadAmbientToken for stale cookies); [FromContext] then returns
// its claims. The fallback policy does not apply. A [Require] inside the route
// refuses requests without a token with 401. What [AllowAnonymous] says about
// the outermost value, panics and paths holds here too.
func Optional(h http.Handler) http.Handler { return mark(&marker{next: h, optional: true}) }

func mark(m *marker) http.Handler {
	must(!isNil(m.next), m.name(), "the handler is nil")
	switch h := m.next.(type) {
	case *http.ServeMux, EndpointResolver:
		panic(fmt.Sprintf("cognitoauth: %s of a mux or router (%T) would open every route below it: mark each route", m.name(), h))
	case *marker:
		panic("cognitoauth: " + m.name() + " of " + h.name() + ": a route has one marker")
	case http.HandlerFunc:
		if isMuxMethod(h) {
			panic("cognitoauth: " + m.name() + " of mux.ServeHTTP would open every route of the mux: mark each route")
		}
	case *require:
		panic("cognitoauth: " + m.name() + " of Require: a route is either open or protected: drop one (Optional alone admits requests without a token, and refuses bad tokens)")
	}
	return m
}

// marker is the handler that AllowAnonymous and Optional return.
type marker struct {
	next     http.Handler
	optional bool
	slash    bool // AllowEscapedSlash
}

func (m *marker) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.next.ServeHTTP(w, r) }

func (m *marker) name() string {
	if m.optional {
		return "Optional"
	}
	return "AllowAnonymous"
}

// isNil reports whether h is nil, or a nil http.HandlerFunc such as an unset
// variable holds.
func isNil(h http.Handler) bool {
	f, ok := h.(http.HandlerFunc)
	return h == nil || ok && f == nil
}

// Require protects h with a policy of its own, in addition to the fallback
// policy. The library checks it after routing, when path values are set. A
// Require can be nested in another, and can stand inside other handlers. It
// answers 500 if there is no Wrap around it, and inside an [AllowAnonymous]
// route; slog.Default() then gets at most ten records a minute about it. It
// panics on the zero Policy, a nil handler, and a marker.
func Require(p Policy, h http.Handler) http.Handler {
	must(p.rule != nil, "Require", "the Policy is zero: use Authenticated, Scope, Group, …")
	must(!isNil(h), "Require", "the handler is nil")
	if m, ok := h.(*marker); ok {
		panic("cognitoauth: Require of " + m.name() + ": a route is either open or protected")
	}
	return &require{policy: p, next: h}
}

// require is the handler that Require returns.
type require struct {
	policy Policy
	next   http.Handler
	sample sampler // of the records about missing wiring
}

// ServeHTTP checks the policy on the claims that Wrap put into the context.
func (q *require) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, _ := r.Context().Value(contextKey{}).(*admission)
	if a == nil || a.anonymous {
		q.notWired(w, r)
		return
	}
	// If a policy panics, nobody reports that the request was let in.
	first := a.pending.Swap(false)
	c := a.hearing(r, first)
	for more := true; more; {
		if err := q.policy.check(r, c.claims); err != nil {
			c.policy = &q.policy
			a.state.refuse(w, c, a.widen(c.ctx, err, q))
			return
		}
		var inner *require
		if inner, more = q.next.(*require); more {
			q = inner
		}
	}
	if first {
		a.state.allow(c, nil)
	}
	q.next.ServeHTTP(w, r)
}

// hearing returns what a Require decides about. first is whether Wrap has left the
// decision to it, so that its time counts too.
func (a *admission) hearing(r *http.Request, first bool) hearing {
	c := hearing{r: r, ctx: r.Context(), pattern: r.Pattern, claims: a.verified(), remembered: a.remembered, began: a.state.start()}
	if first && !c.began.IsZero() {
		c.spent, _ = c.ctx.Value(spentKey{a}).(time.Duration)
	}
	return c
}

// settle reports a request that was let in, but has not reached the Require of its
// route, since middleware before it has answered.
func (a *admission) settle(r *http.Request) {
	if a.pending.CompareAndSwap(true, false) {
		a.state.allow(a.hearing(r, true), nil)
	}
}

// notWired answers a request that no Wrap has prepared for q. There may be no
// Middleware to tell, so the record goes to slog.Default(). Anybody can make
// such a request, so all of them share one count of ten records a minute.
func (q *require) notWired(w http.ResponseWriter, r *http.Request) {
	route := ""
	if r.Pattern != "" {
		route = " of " + strconv.QuoteToASCII(r.Pattern)
	}
	e := refuse(&notWired, evidence{note: "Require(" + q.policy.String() + ", ...)" + route + " was reached without Wrap above it, or inside an AllowAnonymous route: " +
		"serve auth.Wrap(mux), or else take that marker away or make it Optional"})
	if suppressed, ok := q.sample.take(refusalKind{code: e.Code}); ok {
		attrs := []slog.Attr{slog.Any("err", e)}
		if suppressed > 0 {
			attrs = append(attrs, slog.Int("suppressed", suppressed))
		}
		slog.Default().LogAttrs(r.Context(), slog.LevelError, "cognitoauth: not wired", attrs...)
	}
	linger(w, r)
	WriteError(w, r, e)
}

// scopes returns the scopes that q and the Requires nested directly in it need.
func (q *require) scopes(c *Claims) []string {
	need := q.policy.scopes(c)
	if inner, ok := q.next.(*require); ok {
		need = union(need, inner.scopes(c))
	}
	return need
}

// EndpointResolver is a router other than [http.ServeMux] that can tell which
// handler it would run. It promises to run exactly the handler that
// ResolveEndpoint returns for a request; nil means that there is none. Wrap
// asks it before every request, so that [AllowAnonymous] and [Optional] work on
// its routes. Behind a router that Wrap cannot ask, every route is protected.
//
// ResolveEndpoint may set the Pattern of the request to that of the route, for
// Decision.Pattern and for logs outside of Wrap; it must not change anything else.
//
// A struct that embeds such a router has its ResolveEndpoint too, and so makes
// the same promise. The struct breaks it if its own ServeHTTP changes the
// request before the router gets it, or runs another handler. Then Wrap finds
// the marker of one route while the request reaches another, and a protected
// route stands open. Keep the router in a named field, or give the struct a
// ResolveEndpoint of its own.
type EndpointResolver interface {
	ResolveEndpoint(*http.Request) http.Handler
}

// resolve asks h which handler it would run for r, and under which pattern.
//
// It asks h only if h itself is a *http.ServeMux or an EndpointResolver. A
// struct that embeds a mux has the mux's Handler method too, but its ServeHTTP
// may run something else.
func resolve(h http.Handler, r *http.Request) (endpoint http.Handler, pattern string) {
	pattern = r.Pattern // set by a mux around Wrap, if there is one
	for range maxRouters {
		switch router := h.(type) {
		case *http.ServeMux:
			if router == nil {
				return nil, pattern
			}
			h, pattern = router.Handler(r)
			// For a CONNECT that it redirects, ServeMux returns the path of the
			// request as the pattern. The caller chooses that path, so we drop
			// it.
			if r.Method == http.MethodConnect && redirects(h) {
				pattern = ""
			}
		case EndpointResolver:
			before := r.Pattern
			if h = router.ResolveEndpoint(r); r.Pattern != before {
				pattern = r.Pattern
			}
		default:
			return h, pattern
		}
	}
	// Now h is an endpoint, or one router too many. A router is no marker, so all
	// its routes are protected.
	return h, pattern
}

// maxRouters is how many routers Wrap asks, one inside the other.
const maxRouters = 8

// redirects reports whether h is the handler that net/http redirects with.
func redirects(h http.Handler) bool { return fmt.Sprintf("%T", h) == "*http.redirectHandler" }

// notFound reports whether h is the function that ServeMux answers 404 with.
func notFound(h http.Handler) bool {
	return reflect.ValueOf(h).Pointer() == reflect.ValueOf(http.NotFound).Pointer()
}

// isMuxMethod reports whether f is the method value mux.ServeHTTP of a
// *http.ServeMux, which hides the mux.
func isMuxMethod(f http.HandlerFunc) bool {
	name, _ := source(f)
	return name == "net/http.(*ServeMux).ServeHTTP-fm"
}

// source returns the name that the compiler gave to f, and the file that f is
// from.
func source(f http.HandlerFunc) (name, file string) {
	pc := reflect.ValueOf(f).Pointer()
	if code := runtime.FuncForPC(pc); code != nil {
		name = code.Name()
		file, _ = code.FileLine(pc)
	}
	return name, file
}
