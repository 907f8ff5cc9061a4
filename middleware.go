package cognitoauth

// This file holds the Middleware: the handler that Wrap returns, and how it decides
// about a request. How a token is judged is in validator.go, which handler a request
// would reach in route.go, middleware between Wrap and the mux in between.go, what is
// told of a decision in decision.go, what concerns all key sets in ready.go and
// status.go.

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
)

// Middleware admits requests with a valid token. Make one with [New]; the zero
// value and nil refuse every request with 500. It is safe for concurrent use,
// and there is nothing to close.
type Middleware struct {
	current atomic.Pointer[state] // nil in the zero value
	reloads sync.Mutex            // held by Reload
	sample  sampler
}

// state is what a Middleware has made of one Config. It is never changed. Whoever
// serves a request loads it once, and hands it on: so a request sees one
// configuration from beginning to end, however often Reload comes meanwhile.
type state struct {
	validator

	realm    string
	fallback Policy
	source   TokenSource // nil: FromAuthorization
	// ignoreAmbient is Config.IgnoreBadAmbientToken.
	ignoreAmbient bool
	errorHandler  func(http.ResponseWriter, *http.Request, *Error)
	log           *slog.Logger
	sample        *sampler // of the Middleware
	onDecision    func(context.Context, Decision)
	sources       []*keySource
	documents     *documents // of Config.ProtectedResources, nil if there are none
	reloaded      bool       // Reload has made it
	kept                     // what Reload takes over
}

// state returns the state of now, nil if there is none.
func (m *Middleware) state() *state {
	if m == nil {
		return nil
	}
	return m.current.Load()
}

// stateFor returns the state for a request with this context, nil if there is
// none: that of the Wrap around this one, if the same Middleware has made it, else
// that of now.
func (m *Middleware) stateFor(ctx context.Context) *state {
	s := m.state()
	if s != nil && s.reloaded { // else there is no other
		if outer, _ := ctx.Value(contextKey{}).(*admission); outer != nil && outer.state != nil && outer.state.sample == s.sample {
			return outer.state
		}
	}
	return s
}

// Wrap protects h, which is usually the program's mux. Every request needs a
// valid token and has to meet the fallback policy, unless [AllowAnonymous] or
// [Optional] marks the handler that h has for it. A request that Wrap refuses
// never reaches h, even where h would answer 404, 405 or a redirect. A
// [Require] inside h checks its own policy when the request reaches it.
//
// To learn which handler h has for a request, Wrap asks h, if h is a
// *http.ServeMux or an [EndpointResolver]. If that handler is one of these too,
// Wrap asks it in turn, down to a depth of 8; what is deeper is protected. Wrap
// cannot ask any other handler, such as http.StripPrefix or middleware of your
// own, so all routes inside it are protected, markers or not. Put such
// middleware outside: logged(auth.Wrap(mux)). Register all routes before
// serving.
//
// Handlers get the claims from [FromContext]. Wrap passes the ResponseWriter on
// as it is, so flushing, hijacking and deadlines work. Unless something outside
// has set Cache-Control, Wrap sets it to no-store before it calls h, which may
// replace it; on [AllowAnonymous] routes it does not. An offer to change to
// HTTP/2 (Upgrade: h2c) does not reach h. Wrap itself answers at the addresses of
// Config.ProtectedResources. It panics on nil.
func (m *Middleware) Wrap(h http.Handler) http.Handler {
	must(!isNil(h), "Wrap", "the handler is nil")
	return &wrapped{mw: m, next: h}
}

// wrapped is the handler that Wrap, WrapFunc and WrapWith return.
type wrapped struct {
	mw    *Middleware
	next  http.Handler        // of Wrap and WrapWith
	load  func() http.Handler // of WrapFunc
	inner *inner              // of WrapWith, whose next it is
}

// guard is what serves one request: a wrapped handler with the state that the
// Middleware had when the request came.
type guard struct {
	*state

	next  http.Handler // is asked for the route, and called unless inner is there
	inner *inner       // nil: no middleware stands before next
	moved bool         // the request was admitted to another route without a token
}

// guard returns the guard for a request, and whether there is one; why says what
// is missing otherwise.
func (h *wrapped) guard(r *http.Request) (g guard, why string, ok bool) {
	g = guard{state: h.mw.stateFor(r.Context()), next: h.next, inner: h.inner}
	if g.state == nil {
		return g, "", false
	}
	if h.load != nil {
		if g.next = h.load(); g.next == nil {
			return g, noteNoHandler, false
		}
	}
	return g, "", true
}

// ServeHTTP decides, and calls next only if the decision allows it.
func (h *wrapped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g, why, ok := h.guard(r)
	if !ok {
		g.refuse(w, hearing{r: r, ctx: r.Context(), pattern: r.Pattern, began: g.start()}, refuse(&notWired, evidence{note: why}))
		return
	}
	g.serveHTTP(w, r)
}

func (g *guard) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if g.documents != nil && g.serveDocument(w, r) {
		return
	}
	if plain := withoutH2C(r); plain != r {
		defer handBack(r, plain)
		r = plain
	}
	endpoint, pattern := resolve(g.next, r)
	open := g.opened(endpoint, r)
	if open != nil && !open.optional {
		g.serveAnonymous(w, r, open, pattern)
		return
	}
	g.decide(w, r, open, endpoint, pattern)
}

// opened returns the marker that opens the endpoint to a request, nil if none does.
func (g *guard) opened(endpoint http.Handler, r *http.Request) *marker {
	if open, ok := endpoint.(*marker); ok && g.closed(open, r) == "" {
		return open
	}
	return nil
}

// decide serves a request that needs a token, or may have one if open is there.
func (g *guard) decide(w http.ResponseWriter, r *http.Request, open *marker, endpoint http.Handler, pattern string) {
	c := hearing{r: r, ctx: r.Context(), pattern: pattern, began: g.start()}
	a := &admission{state: g.state, optional: open != nil, place: place{method: r.Method, pattern: pattern}}
	a.route, _ = endpoint.(*require)
	a.pending.Store(a.route != nil)
	ignored, err := g.authenticate(r, a)
	if g.source != nil {
		w.Header().Add("Vary", "Cookie") // see TokenSource; nothing is set if it panics
	}
	c.remembered = a.remembered
	if err != nil {
		if open == nil || err.reason != &tokenMissing {
			g.refuse(w, c, g.explain(err, r, open, endpoint, pattern))
			return
		}
	} else if c.claims = &a.claims; open == nil {
		if err := g.fallback.check(r, c.claims); err != nil {
			c.policy = &g.fallback
			g.refuse(w, c, a.widen(c.ctx, err, nil))
			return
		}
	}
	g.serve(w, c, a, open, ignored)
}

// serveAnonymous passes a request on to an AllowAnonymous route. It has no
// claims, so it must not carry those that another Middleware's Wrap outside of
// this one has found.
func (g *guard) serveAnonymous(w http.ResponseWriter, r *http.Request, open *marker, pattern string) {
	g.allow(hearing{r: r, ctx: r.Context(), pattern: pattern, began: g.start()}, nil)
	if outer, _ := r.Context().Value(contextKey{}).(*admission); outer != nil || g.inner != nil {
		a := &admission{state: g.state, anonymous: true, place: place{method: r.Method, pattern: pattern}}
		g.pass(w, r, a.within(r.Context()), open, pattern)
		return
	}
	g.next.ServeHTTP(w, r)
}

// serve passes an admitted request on to the wrapped handler. The answer
// depends on the token, so no cache may keep it unless the handler says so: nginx
// gives an answer that it stored for one Authorization to all other callers.
func (g *guard) serve(w http.ResponseWriter, c hearing, a *admission, open *marker, ignored *Error) {
	if !a.pending.Load() {
		g.allow(c, ignored)
	}
	if h := w.Header(); h["Cache-Control"] == nil {
		a.noStore[0] = "no-store"
		h["Cache-Control"] = a.noStore[:]
	}
	g.pass(w, c.r, a.within(c.context(a)), open, c.pattern)
}

// pass calls the wrapped handler, or the middleware before it, with ctx. open is
// the marker that admitted the request, nil if the token did.
func (g *guard) pass(w http.ResponseWriter, r *http.Request, ctx *carrier, open *marker, pattern string) {
	if g.inner != nil {
		g.inner.pass(w, r, ctx, open, pattern)
		return
	}
	inner := r.WithContext(ctx)
	defer handBack(r, inner)
	defer ctx.admission.settle(inner)
	g.next.ServeHTTP(w, inner)
}

// handBack copies to the request that Wrap got what others look for in it. An
// access log outside of Wrap reads the route from its own request, and the
// server removes the files of an upload that its own request names. Neither
// knows inner.
func handBack(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}

// authenticate finds the request's token, validates it and puts its claims into
// a. ignored is why an ambient token counts as none, nil if it does not.
func (s *state) authenticate(r *http.Request, a *admission) (ignored, _ *Error) {
	token, ambient, err := s.find(r, a.optional)
	if err != nil {
		return nil, err
	}
	if a.remembered, err = s.validate(r.Context(), token, func() *Claims { return &a.claims }); err != nil {
		// A valid token has only base64url and dots, which are all characters
		// of a token68, so we check only a token that failed. If it is no
		// token68, the credentials are malformed (400).
		if s.source == nil && len(token) <= s.limit && !token68(token) {
			return nil, malformed(token, "")
		}
		if ambient && err.reason.sentinel == ErrInvalidToken {
			return err, refuse(&tokenMissing, evidence{claim: noSuchToken})
		}
		return nil, err
	}
	a.authenticated = true
	return nil, nil
}

// explain completes the refusal of a request without a valid token. It adds the
// scopes that the route needs, because the client has to get a token in any case.
// If there is no token, it says, as far as we can tell, why the route is not open.
// On an Optional route (open) the fallback does not apply.
func (g *guard) explain(err *Error, r *http.Request, open *marker, endpoint http.Handler, pattern string) *Error {
	if open != nil || err.reason.sentinel != ErrNoToken && err.reason.sentinel != ErrInvalidToken {
		return err
	}
	err.scopes = g.fallback.scopes(nil)
	if h, ok := endpoint.(*require); ok {
		err.scopes = union(err.scopes, h.scopes(nil))
	}
	if err.reason != &tokenMissing {
		return err
	}
	err.endpoint, err.found = endpoint, pattern
	if g.moved {
		err.note = noteMoved
		return err
	}
	if h, ok := endpoint.(*marker); ok {
		err.note += "; the route is marked by " + h.name() + ", which does not count here: " + g.closed(h, r) + "; send another path, or a token"
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		err.note = "; this is a CORS preflight, which never carries one: the CORS handler belongs outside, cors(auth.Wrap(mux))"
	}
	if err.note == "" {
		err.note = cmp.Or(misplaced(r, g.source != nil), g.unrouted(endpoint, pattern))
	}
	return err
}

// unrouted says why Wrap knows no route for a request, "" if it knows one.
func (g *guard) unrouted(endpoint http.Handler, pattern string) string {
	switch g.next.(type) {
	case *http.ServeMux:
		// ServeMux answers 404 and 405 with an http.HandlerFunc and no pattern.
		// Where it cleans a path, it answers with a redirect handler of another
		// type.
		if _, ok := endpoint.(http.HandlerFunc); ok && pattern == "" {
			if notFound(endpoint) {
				return notePath
			}
			return noteMethod
		}
	case EndpointResolver:
		if endpoint == nil {
			return noteUnnamed
		}
	default:
		return noteUnasked
	}
	return ""
}
