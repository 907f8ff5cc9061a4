package cognitoauth

// This file holds the routes: the markers AllowAnonymous and Optional, Require,
// and how Wrap finds out which handler a request would reach.

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
)

// AllowAnonymous marks a route that anybody may call. The library does not look
// at the token, so a health check does not depend on keys. The marker must be
// the outermost value that is registered, because Wrap does not look inside a
// handler:
//
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//
// It panics on nil, on a mux or [EndpointResolver], which would open a whole
// subtree, on another marker, and on [Require].
//
// "/docs/" and "/docs" are two routes: a marker on "/docs/" does not open the
// mux's redirect from "/docs". A marked route is protected like any other for a
// CONNECT request and for a path that is not clean, has a backslash, a
// semicolon or NUL, or escapes a slash, backslash, dot, percent sign or NUL.
// Put CORS outside of Wrap, since a preflight has no token.
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
	case *require:
		panic("cognitoauth: " + m.name() + " of Require: a route is either open or protected: drop one (Optional alone admits requests without a token, and refuses bad tokens)")
	}
	return m
}

// marker is the handler that AllowAnonymous and Optional return.
type marker struct {
	next     http.Handler
	optional bool
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
// route. It panics on the zero Policy, a nil handler, and a marker.
func Require(p Policy, h http.Handler) http.Handler {
	must(p.rule != nil, "Require", "the Policy is zero: use Authenticated, Scope, Group, …")
	must(!isNil(h), "Require", "the handler is nil")
	if m, ok := h.(*marker); ok {
		panic("cognitoauth: Require of " + m.name() + ": a route is either open or protected")
	}
	return &require{p, h}
}

// require is the handler that Require returns.
type require struct {
	policy Policy
	next   http.Handler
}

// ServeHTTP checks the policy on the claims that Wrap put into the context.
func (q *require) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, _ := r.Context().Value(contextKey{}).(*admission)
	if a == nil {
		route := ""
		if r.Pattern != "" {
			route = " of " + strconv.QuoteToASCII(r.Pattern)
		}
		e := refuse(&notWired, evidence{note: "Require(" + q.policy.String() + ", ...)" + route + " was reached without Wrap above it, or inside an AllowAnonymous route: " +
			"serve auth.Wrap(mux), or else take that marker away or make it Optional"})
		slog.Default().ErrorContext(r.Context(), "cognitoauth: not wired", "err", e)
		WriteError(w, r, e)
		return
	}
	c := a.verified()
	if err := q.policy.check(r, c); err != nil {
		a.pending.Store(false)
		a.mw.refuse(w, r, r.Pattern, c, a.widen(err, q))
		return
	}
	if _, more := q.next.(*require); !more && a.pending.CompareAndSwap(true, false) {
		a.mw.allow(r, r.Pattern, c, nil)
	}
	q.next.ServeHTTP(w, r)
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
			h = router.ResolveEndpoint(r)
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

// uncanonical says why a request may not use an open route, "" if it may.
// Proxies, routers and handlers differ in how they read encoded slashes, dots
// and percent signs, and paths that cleaning would change, so no such request
// is exempt. We do not demand an empty RawPath, because Go sets RawPath even
// for a literal "(".
func uncanonical(r *http.Request) string {
	p := r.URL.Path
	switch {
	case r.Method == http.MethodConnect:
		return "the method is CONNECT"
	case strings.ContainsAny(p, "\\;\x00"):
		return "the path has a backslash, a semicolon or NUL"
	}
	clean := path.Clean(p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	if p != clean {
		return "the path has a dot segment or a slash too many"
	}
	// p is decoded, so an escaped backslash, semicolon or NUL was found above.
	const why = "the path has an escaped slash, dot or percent sign"
	escaped := r.URL.EscapedPath()
	for {
		_, rest, found := strings.Cut(escaped, "%")
		if !found {
			return ""
		}
		// mutant: equivalent, EscapedPath cuts no escape short
		if len(rest) < 2 {
			return why
		}
		switch strings.ToUpper(rest[:2]) {
		case "2F", "2E", "25":
			return why
		}
		escaped = rest
	}
}

// redirects reports whether h is the handler that net/http redirects with.
func redirects(h http.Handler) bool { return fmt.Sprintf("%T", h) == "*http.redirectHandler" }

// notFound reports whether h is the function that ServeMux answers 404 with.
func notFound(h http.Handler) bool {
	return reflect.ValueOf(h).Pointer() == reflect.ValueOf(http.NotFound).Pointer()
}
