package cognitoauth

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
)

// AllowAnonymous marks a route that anybody may call: the token is not looked
// at, so a health check does not depend on keys. It must be the outermost value
// that is registered, since Wrap goes by that value and by nothing else:
//
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//
// It panics on nil, on a mux or [EndpointResolver], which would open a whole
// subtree, on another marker, and on [Require].
//
// "/docs/" and "/docs" are two routes: the mux's redirect from one to the
// other is not exempt. Neither is a request whose path is not clean, has a
// backslash, a semicolon or NUL, or escapes a slash, backslash, dot, percent
// sign or NUL. CORS belongs outside of Wrap; a preflight has no token.
func AllowAnonymous(h http.Handler) http.Handler { return mark(&marker{next: h}) }

// Optional marks a route that may be called without a token. A token that is
// there must be good, or the request is refused as anywhere else; [FromContext]
// then has its claims. The fallback policy does not apply, and a [Require] further
// in refuses requests without a token with 401. What [AllowAnonymous] says of
// registering, of its panics and of paths holds here too.
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

// marker is what AllowAnonymous and Optional register.
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

// isNil reports whether h is nil, or the nil function that an unset variable is.
func isNil(h http.Handler) bool {
	f, ok := h.(http.HandlerFunc)
	return h == nil || ok && f == nil
}

// Require asks for more than the fallback policy does: the policy is checked
// in addition to it, after routing, when path values are set. It can be nested,
// and can stand inside other handlers; behind no Wrap, or inside an
// [AllowAnonymous] route, it answers 500. It panics on the zero Policy, a nil
// handler, and a marker.
func Require(p Policy, h http.Handler) http.Handler {
	must(p.rule != nil, "Require", "the Policy is zero: use Authenticated, Scope, Group, …")
	must(!isNil(h), "Require", "the handler is nil")
	if m, ok := h.(*marker); ok {
		panic("cognitoauth: Require of " + m.name() + ": a route is either open or protected")
	}
	return &require{p, h}
}

// require is what Require registers.
type require struct {
	policy Policy
	next   http.Handler
}

// ServeHTTP checks the policy on the claims that Wrap has left.
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
		a.mw.allow(r, r.Pattern, c)
	}
	q.next.ServeHTTP(w, r)
}

// scopes are those of all directly nested Requires.
func (q *require) scopes(c *Claims) []string {
	need := q.policy.scopes(c)
	if inner, ok := q.next.(*require); ok {
		need = union(need, inner.scopes(c))
	}
	return need
}

// EndpointResolver is a router other than [http.ServeMux] that can tell which
// handler it would run. It promises to run exactly that handler for that
// request; nil stands for none. Wrap asks it before every request, so that
// [AllowAnonymous] and [Optional] work on its routes; behind a router that
// cannot be asked every route is protected.
//
// A struct that embeds such a router has ResolveEndpoint promoted, and with it
// the promise. If its own ServeHTTP changes the request before it passes it on,
// or runs something else, the marker that Wrap finds is that of another route,
// and a protected one stands open. Keep the router in a named field, or give
// the struct a ResolveEndpoint of its own.
type EndpointResolver interface {
	ResolveEndpoint(*http.Request) http.Handler
}

// resolve asks h which handler it would run for r, and under which pattern.
//
// Only what is a *http.ServeMux itself, or promises to resolve, is asked. A
// struct that embeds a mux has its Handler method too, but may run something
// else in its ServeHTTP.
func resolve(h http.Handler, r *http.Request) (endpoint http.Handler, pattern string) {
	pattern = r.Pattern // of a mux around Wrap
	for range maxRouters {
		switch router := h.(type) {
		case *http.ServeMux:
			if router == nil {
				return nil, pattern
			}
			h, pattern = router.Handler(r)
			// For the redirect of a CONNECT it names the caller's path instead.
			if r.Method == http.MethodConnect && redirects(h) {
				pattern = ""
			}
		case EndpointResolver:
			h = router.ResolveEndpoint(r)
		default:
			return h, pattern
		}
	}
	// What is found after the last is an endpoint, or one router too many, which
	// is not a marker either.
	return h, pattern
}

// maxRouters is how many routers, one inside the other, are asked.
const maxRouters = 8

// uncanonical tells why a request may not use an open route, "" if it may. What
// different components read differently is not worth an exemption: encoded
// slashes, dots and percent signs, and paths that cleaning would change. That
// RawPath is empty would be too much to ask: Go sets it for a literal "(".
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
	// Escaped or not, a backslash and NUL have been seen in p.
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

// redirects reports whether h is what net/http redirects by.
func redirects(h http.Handler) bool { return fmt.Sprintf("%T", h) == "*http.redirectHandler" }

// notFound reports whether h is what ServeMux answers 404 by.
func notFound(h http.Handler) bool {
	return reflect.ValueOf(h).Pointer() == reflect.ValueOf(http.NotFound).Pointer()
}
