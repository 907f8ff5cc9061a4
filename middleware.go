package cognitoauth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Middleware admits requests with a valid token. Make one with [New]; the zero
// value and nil refuse every request with 500. It is safe for concurrent use
// and there is nothing to close.
type Middleware struct {
	*validator

	realm        string
	fallback     Policy
	source       TokenSource
	errorHandler func(http.ResponseWriter, *http.Request, *Error)
	log          *slog.Logger
	sample       sampler
	onDecision   func(context.Context, Decision)
	sources      []*keySource
}

// Wrap protects h, as a rule the program's mux: every request must carry a
// valid token and meet the fallback policy, unless the handler that h has for
// it is marked by [AllowAnonymous] or [Optional]. A request that Wrap refuses
// never reaches h, not even where h would answer 404, 405 or a redirect; what
// [Require] asks for beyond that it checks itself, inside h.
//
// Which handler that is, Wrap asks h itself: h is followed while it is a
// *http.ServeMux or an [EndpointResolver], at most 8 deep; what is deeper is
// protected. A mux inside another handler (http.StripPrefix, or middleware of your
// own) cannot be asked, so what it holds is protected, markers or not: put that
// middleware outside, logged(auth.Wrap(mux)). Register all routes before serving.
//
// Handlers find the claims by [FromContext]. The ResponseWriter is passed on
// as it is, so flushing, hijacking and deadlines work.
func (m *Middleware) Wrap(h http.Handler) http.Handler {
	must(!isNil(h), "Wrap", "the handler is nil")
	return &guard{m, h}
}

// guard is what Wrap returns.
type guard struct {
	*Middleware
	next http.Handler
}

// ServeHTTP decides, and calls next only if the decision allows it.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.Middleware == nil || g.validator == nil {
		WriteError(w, r, refuse(&notWired, evidence{}))
		return
	}
	endpoint, pattern := resolve(g.next, r)
	open, _ := endpoint.(*marker)
	// mutant: equivalent `open != nil → true`, without a marker there is none to take away
	if open != nil && uncanonical(r) != "" {
		open = nil
	}
	if open != nil && !open.optional {
		g.allow(r, pattern, nil)
		g.next.ServeHTTP(w, r)
		return
	}
	a := &admission{mw: g.Middleware, optional: open != nil}
	a.route, _ = endpoint.(*require)
	a.pending.Store(a.route != nil)
	if err := g.authenticate(r, a); err != nil {
		if open == nil || err.reason != &tokenMissing {
			g.refuse(w, r, pattern, nil, g.explain(err, r, endpoint, pattern))
			return
		}
	} else if open == nil {
		if err := g.fallback.check(r, &a.claims); err != nil {
			g.refuse(w, r, pattern, &a.claims, a.widen(err, nil))
			return
		}
	}
	g.serve(w, r, pattern, a)
}

// serve passes an admitted request on.
func (g *guard) serve(w http.ResponseWriter, r *http.Request, pattern string, a *admission) {
	if !a.pending.Load() {
		g.allow(r, pattern, a.verified())
	}
	a.Context = r.Context()
	inner := r.WithContext(a)
	defer func() {
		// Access logs outside of Wrap read the route from their own request, and
		// the server removes the files of an upload that its own request names.
		r.Pattern = inner.Pattern
		if r.MultipartForm == nil {
			r.MultipartForm = inner.MultipartForm
		}
	}()
	g.next.ServeHTTP(w, inner)
}

// authenticate finds the request's token and puts its claims into a.
func (m *Middleware) authenticate(r *http.Request, a *admission) *Error {
	var token string
	if m.source == nil {
		var err *Error
		if token, err = bearer(r, m.limit); err != nil {
			return err
		}
	} else {
		var err error
		if token, err = m.source(r); err != nil {
			return asError(err, &credentialsMalformed)
		}
		if token == "" {
			return refuse(&tokenMissing, evidence{claim: "Config.TokenSource found none in the request"})
		}
	}
	if err := m.validate(r.Context(), token, func() *Claims { return &a.claims }); err != nil {
		// Base64url and dots are a token68, so no such token gets any further than
		// its form, and a good one need not be looked at twice.
		if m.source == nil && len(token) <= m.limit && !token68(token) {
			return refuse(&credentialsMalformed, evidence{note: hintCredentials(token)})
		}
		return err
	}
	a.authenticated = true
	return nil
}

// explain adds to a missing token what the route would have needed, and why it
// was not open, as far as that can be told.
func (g *guard) explain(err *Error, r *http.Request, endpoint http.Handler, pattern string) *Error {
	if err.reason != &tokenMissing {
		return err
	}
	err.scopes = g.fallback.scopes(nil)
	err.endpoint, err.found = endpoint, pattern
	switch h := endpoint.(type) {
	case *require:
		err.scopes = union(err.scopes, h.scopes(nil))
	case *marker:
		err.note += "; the route is marked by " + h.name() + ", which does not count here: " + uncanonical(r) + "; send another path, or a token"
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		err.note = "; this is a CORS preflight, which never carries one: the CORS handler belongs outside, cors(auth.Wrap(mux))"
	}
	if err.note == "" {
		err.note = cmp.Or(misplaced(r, g.source != nil), g.unrouted(endpoint, pattern))
	}
	return err
}

// unrouted tells why Wrap knows no route for a request, "" if it knows one.
func (g *guard) unrouted(endpoint http.Handler, pattern string) string {
	switch g.next.(type) {
	case *http.ServeMux:
		// ServeMux answers 404 and 405 by functions, a path to clean by a redirect.
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

// allow reports that a request was let in; c is nil for an anonymous one.
func (m *Middleware) allow(r *http.Request, pattern string, c *Claims) {
	if m == nil || m.onDecision == nil {
		return
	}
	d := Decision{Allowed: true, Code: "anonymous", Pattern: pattern, RequestID: requestID(r)}
	if c != nil {
		d.Code, d.Verified, d.Pool, d.ClientID, d.KeyID = "authenticated", true, c.PoolID, c.ClientID, c.keyID
	}
	m.onDecision(r.Context(), d)
}

// refuse reports a refusal and answers it; c are the verified claims, if any.
func (m *Middleware) refuse(w http.ResponseWriter, r *http.Request, pattern string, c *Claims, err *Error) {
	if m == nil { // claims from the test kit
		WriteError(w, r, err)
		return
	}
	err.realm = m.realm
	d := Decision{Code: err.Code, Pattern: pattern, Verified: err.verified, ClientID: err.client, KeyID: err.kid, Err: err}
	if err.trust != nil {
		d.Pool = err.trust.id
	}
	if c != nil { // of a policy: the token was good
		d.Verified, d.Pool, d.ClientID, d.KeyID = true, c.PoolID, c.ClientID, c.keyID
	}
	d.RequestID = requestID(r)
	m.record(r.Context(), d)
	if m.onDecision != nil {
		m.onDecision(r.Context(), d)
	}
	m.errorHandler(w, r, err)
}

// Ready reports whether every pool has usable keys: nil at once, without I/O,
// while they have. Else it starts the fetches that may start and waits for those in
// flight, until ctx ends (each fetch takes 5 s at most). Its error is an
// [ErrUnavailable] for every source that has no keys. Call it before serving,
// or from a readiness probe.
func (m *Middleware) Ready(ctx context.Context) error {
	if m == nil || m.validator == nil {
		return refuse(&notWired, evidence{})
	}
	// All fetches are started before the first is waited for. The clock is the
	// caller's: it is asked on the caller's goroutine, where a panic is his.
	flights, down := make([]*flight, len(m.sources)), make([]error, len(m.sources))
	for i, s := range m.sources {
		flights[i], down[i] = s.start()
	}
	for i, s := range m.sources {
		if flights[i] != nil {
			down[i] = s.ready(ctx, flights[i])
		}
	}
	return errors.Join(down...)
}

// Status tells how each key source stands, for a dashboard; it does no I/O and
// starts no fetch.
func (m *Middleware) Status() []PoolStatus {
	if m == nil {
		return nil
	}
	all := make([]PoolStatus, len(m.sources))
	for i, s := range m.sources {
		all[i] = s.status()
	}
	return all
}
