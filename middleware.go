package cognitoauth

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config is what [New] makes a [Middleware] of. It is copied: changing it later
// changes nothing. Only Pools is required.
type Config struct {
	_ [0]func() // keyed literals only

	// Pools are the user pools, or the kinds of token of one, that are accepted.
	// Required: one or more. No two may accept the same issuer with the same
	// TokenUse.
	Pools []Pool
	// Fallback is what every route demands that is not marked by AllowAnonymous
	// or Optional. Zero: Authenticated(), which users and machines with a good
	// token meet. And() and Or() of nothing are not zero: they admit nobody.
	Fallback Policy
	// Leeway is how far this machine's clock may be off. It is granted on exp,
	// nbf, iat, Pool.MaxLifetime and AuthenticatedWithin. Zero: 30 s; at most
	// 5 min, not negative. For next to none say 1 ns.
	Leeway time.Duration
	// TokenSource is where the token is. Nil: the Authorization header, scheme
	// Bearer in any case, and nothing else; another scheme counts as no token. It
	// runs on the requests' goroutines, many at a time.
	TokenSource TokenSource
	// MaxTokenBytes bounds the length of a token, in bytes; a longer one is
	// refused with 401 (token_too_large) before a byte of it is read. Zero: 32 KiB
	// (100 groups with names of 128 characters make 17 KB); 1 KiB to 16 MiB. A
	// server needs its MaxHeaderBytes, 1 MiB by default, above that.
	MaxTokenBytes int
	// TokenCache is how many verified tokens are remembered, so that a token
	// used again costs neither its decoding nor a signature: its time, its key,
	// its revocation and the policies are checked all the same. Zero: 10,000;
	// negative: none; at most 10,000,000. When it is full, a token has to come
	// twice to be remembered, and what is used least goes.
	// A token takes about 1 kB with a payload of 500 bytes, and one byte more for
	// each further byte of it; of more than 16 KiB none is remembered. Tokens
	// themselves are kept by digest only.
	TokenCache int
	// Realm stands in challenges. Empty: "api". At most 128 bytes of printable
	// ASCII without quote and backslash (RFC 6750, section 3).
	Realm string
	// HTTPClient fetches key sets. Nil: one of our own, which uses the proxy of
	// the environment. It is copied, its Transport is not; redirects are never
	// followed, cookies never sent, its Timeout becomes 5 s whatever it was, and
	// at most 256 KiB are read.
	HTTPClient *http.Client
	// ErrorHandler answers refused requests, those that a Require refuses
	// included. Nil: [WriteError]. It cannot let a request through, but it has to
	// write an answer: net/http sends 200 and no body for it if it does not. It
	// runs on the requests' goroutines, many at a time; if it, or any other hook
	// of Config that a request calls, panics, the request is aborted and the
	// handler does not run; a panic under Validate is its caller's.
	ErrorHandler func(http.ResponseWriter, *http.Request, *Error)
	// Logger gets a record for each request that is refused (Info) and for what
	// happens to key sets, and nothing for what is let in, nor for what Validate
	// refuses: that has its error. Nil: none. "cognitoauth: refused" has
	// what is known of these, and [Decision] tells OnDecision all but the last:
	//
	//	code, status  of the answer
	//	pool          ID of the Pool entry that decided
	//	client_id     app client, of verified tokens alone
	//	pattern       route, as the mux has it
	//	kid           key ID, as the token has it
	//	request_id    the caller's X-Request-Id or X-Amzn-Trace-Id
	//	detail        what Error.Detail says
	//	suppressed    how many like this were not logged
	//
	// The first four rows take no more values than your code and configuration
	// have, and make good labels of metrics; with DangerouslyAllowAnyClient a
	// pool's clients are as many as it has. The other texts are, or quote, what
	// any caller may write: for reading, not for labels. No token, subject, user
	// name or group is read out of a token for them. Of refusals with the same
	// code, pool and pattern no more than ten a minute are logged; OnDecision is
	// told of each.
	//
	// Key sets have a record each, whose message begins with "cognitoauth: " and
	// then "key set fetched" (Info, with keys and skipped), "key added" (Info) or
	// "key withdrawn" (Warn, both with kid), or "key set fetch failed" (with err;
	// Warn while the last set serves, with its age, Error when none does), all with
	// pool and url, however many there are.
	Logger *slog.Logger
	// OnDecision is told of each request once its decision is final: before the
	// handler runs, or before the refusal is answered. A refusal by a Require
	// that Wrap cannot see, because it stands inside another handler, is told in
	// a second call. Validate tells it nothing. Nil: none. It runs on the requests'
	// goroutines, many at a time. Do not look for claims in its context: those of a
	// refusal are not there.
	OnDecision func(context.Context, Decision)
	// Revoked is asked about each token after it has been verified: true refuses
	// it with 401, an error with 503. Cognito tokens stay good until they expire,
	// whatever is revoked (developer guide, "Revoking refresh tokens"); a list
	// of Claims.OriginID closes that gap for tokens that have one. It is asked on
	// each use of a token, a remembered one too. Nil: none. It gets the request's
	// context, or that of Validate, and no other time limit; its Claims are the
	// caller's own. It must be safe for concurrent use.
	Revoked func(context.Context, *Claims) (bool, error)
	// Now is the clock, for expiry and for the age of key sets; time limits go by
	// the machine's own. Nil: time.Now. It may be set back: a key set from the
	// future is fetched anew. It must be safe for concurrent use.
	Now func() time.Time
}

// New checks cfg and makes a Middleware of it. It does no I/O: keys are fetched
// when the first token comes, or by [Middleware.Ready]. Its error lists every
// mistake there is, each with the field and what to put there; errors.Is
// reports it as [ErrMisconfigured].
func New(cfg Config) (*Middleware, error) {
	b := builder{validator: &validator{
		issuers: map[string]*issuer{},
		clock:   clock{cfg.Now, cfg.Leeway},
		limit:   cfg.MaxTokenBytes,
		revoked: cfg.Revoked,
	}, client: keyClient(cfg.HTTPClient), log: cfg.Logger}
	b.defaults()
	if b.leeway < 0 || b.leeway > maxLeeway {
		b.mistake("Leeway is %s, expected 0 (for %s) to %s; a clock that is off by more has to be set", cfg.Leeway, defaultLeeway, maxLeeway)
	}
	if b.limit < minTokenBytes || b.limit > maxTokenBytes {
		b.mistake("MaxTokenBytes is %d, expected 0 (for %d) or %d to %d bytes", cfg.MaxTokenBytes, defaultMaxTokenBytes, minTokenBytes, maxTokenBytes)
	}
	if cfg.TokenCache > maxTokenCache {
		b.mistake("TokenCache is %d, expected a negative number (for none), 0 (for %d) or at most %d", cfg.TokenCache, defaultTokenCache, maxTokenCache)
	}
	for i := range len(cfg.Realm) {
		if !challengeByte(cfg.Realm[i]) {
			b.mistake("Realm %q has a byte at %d that a challenge cannot carry (RFC 6750, section 3)", cfg.Realm, i)
			break
		}
	}
	if len(cfg.Realm) > maxRealmBytes {
		b.mistake("Realm has %d bytes, expected at most %d", len(cfg.Realm), maxRealmBytes)
	}
	if len(cfg.Pools) == 0 {
		b.mistake("Pools is empty: name at least one user pool, Pool{ID: …, ClientIDs: …}")
	}
	for i, p := range cfg.Pools {
		b.pool(i, p)
	}
	if b.mistakes != nil {
		return nil, errors.Join(b.mistakes...)
	}
	if size := cmp.Or(cfg.TokenCache, defaultTokenCache); size > 0 {
		b.tokens = newTokenCache(size)
	}
	m := &Middleware{validator: b.validator, realm: cmp.Or(cfg.Realm, defaultRealm), fallback: cfg.Fallback, source: cfg.TokenSource,
		errorHandler: cfg.ErrorHandler, log: b.log, onDecision: cfg.OnDecision, sources: b.sources}
	if m.fallback.rule == nil {
		m.fallback = Authenticated()
	}
	if m.errorHandler == nil {
		m.errorHandler = WriteError
	}
	return m, nil
}

const (
	defaultRealm         = "api"
	maxRealmBytes        = 128
	defaultLeeway        = 30 * time.Second
	maxLeeway            = 5 * time.Minute
	defaultMaxTokenBytes = 32 << 10
	minTokenBytes        = 1 << 10
	maxTokenBytes        = 16 << 20
	defaultTokenCache    = 10_000
	maxTokenCache        = 10_000_000
)

// builder gathers what New makes, and every mistake on the way.
type builder struct {
	*validator

	client   *http.Client
	log      *slog.Logger
	sources  []*keySource
	uses     map[string]string // issuer and token_use to the field that accepts them
	mistakes []error
}

func (b *builder) mistake(format string, args ...any) {
	b.mistakes = append(b.mistakes, fmt.Errorf("%w: Config."+format, append([]any{ErrMisconfigured}, args...)...))
}

func (b *builder) defaults() {
	b.uses = map[string]string{}
	if b.now == nil {
		b.now = time.Now
	}
	if b.leeway == 0 {
		b.leeway = defaultLeeway
	}
	if b.limit == 0 {
		b.limit = defaultMaxTokenBytes
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
}

// keyClient is the client that fetches key sets, made of the one given.
func keyClient(given *http.Client) *http.Client {
	c := http.Client{Transport: keyTransport}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	c.Timeout = fetchTimeout
	return &c
}

// keyTransport keeps no connection, and therefore no goroutine, between
// fetches: they are an hour apart.
var keyTransport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DisableKeepAlives:      true,
	TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	MaxResponseHeaderBytes: 64 << 10,
}

// FromEnv makes a Config with one Pool from the environment:
//
//	COGNITO_USER_POOL_ID  Pool.ID, required
//	COGNITO_CLIENT_IDS    Pool.ClientIDs, separated by commas, required
//	COGNITO_TOKEN_USE     Pool.TokenUse: access (the default) or id
//	COGNITO_AUDIENCES     Pool.Audiences, separated by commas
//	COGNITO_ISSUER        Pool.Issuer
//	COGNITO_JWKS_URL      Pool.JWKSURL
//	COGNITO_LEEWAY        Config.Leeway, such as 30s
//	COGNITO_REGION        if set, must be the region of the pool's ID
//
// Its error lists every variable that is missing or cannot be read; what [New]
// checks is left to New. COGNITO_LEEWAY=0s is a Leeway of zero, which stands
// for the default of 30 s; for next to none say 1ns. No variable sets
// DangerouslyAllowAnyClient or DangerouslyAllowHTTP: what weakens a check
// stands in the program, where a review sees it.
func FromEnv() (Config, error) {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%w: "+format, append([]any{ErrMisconfigured}, args...)...))
	}
	p := Pool{
		ID:        os.Getenv("COGNITO_USER_POOL_ID"),
		ClientIDs: commas(os.Getenv("COGNITO_CLIENT_IDS")),
		TokenUse:  TokenUse(os.Getenv("COGNITO_TOKEN_USE")),
		Audiences: commas(os.Getenv("COGNITO_AUDIENCES")),
		Issuer:    os.Getenv("COGNITO_ISSUER"),
		JWKSURL:   os.Getenv("COGNITO_JWKS_URL"),
	}
	if p.ID == "" {
		mistake("COGNITO_USER_POOL_ID is not set: expected the user pool's ID, such as eu-west-1_EXAMPLE01")
	}
	if p.ClientIDs == nil {
		mistake("COGNITO_CLIENT_IDS is not set: expected the IDs of the app clients that may call, separated by commas")
	}
	if p.TokenUse != "" && p.TokenUse != AccessToken && p.TokenUse != IDToken {
		mistake("COGNITO_TOKEN_USE is %q, expected access or id", p.TokenUse)
	}
	region, _, _ := strings.Cut(p.ID, "_")
	if want := os.Getenv("COGNITO_REGION"); want != "" && p.ID != "" && want != region {
		mistake("COGNITO_REGION is %q, but COGNITO_USER_POOL_ID %q is of region %q: unset it, or name that pool's region", want, p.ID, region)
	}
	cfg := Config{Pools: []Pool{p}}
	if s := os.Getenv("COGNITO_LEEWAY"); s != "" {
		var err error
		if cfg.Leeway, err = time.ParseDuration(s); err != nil {
			mistake("COGNITO_LEEWAY is %q, expected a duration such as 30s", s)
		}
	}
	if mistakes != nil {
		return Config{}, errors.Join(mistakes...)
	}
	return cfg, nil
}

// commas splits a list; empty members stay, for New to complain about.
func commas(s string) []string {
	if s == "" {
		return nil
	}
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

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

// Decision is what was decided about one request, for metrics and audit.
type Decision struct {
	// Allowed is whether the request was let through.
	Allowed bool
	// Verified is whether Pool, ClientID and KeyID stand in a token whose
	// signature, claims and revocation were checked; if not, ClientID is "" and
	// KeyID is what the caller wrote.
	Verified bool
	// Code is the Code of Err; on an allowed request "authenticated" or
	// "anonymous".
	Code string
	// Pool is the ID of the Pool entry that decided, ClientID the app client,
	// KeyID the kid: "" where the token did not get that far. Pool and ClientID
	// come from the configuration and are fit for metrics, except for ClientID
	// under DangerouslyAllowAnyClient; KeyID is for logs.
	Pool, ClientID, KeyID string
	// Pattern is the pattern of the route as the mux has it, "" if there is no
	// mux or no match.
	Pattern string
	// RequestID is what the caller's side calls the request, by X-Request-Id or
	// X-Amzn-Trace-Id; "" if neither is there, or it is longer than 128 bytes or
	// not printable ASCII. Anybody can write it: it is for logs.
	RequestID string
	// Err is the refusal, nil if Allowed.
	Err *Error
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

// isNil reports whether h is nil, or the nil function that an unset variable is.
func isNil(h http.Handler) bool {
	f, ok := h.(http.HandlerFunc)
	return h == nil || ok && f == nil
}

// require is what Require registers.
type require struct {
	policy Policy
	next   http.Handler
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

// scopes are those of all directly nested Requires.
func (q *require) scopes(c *Claims) []string {
	need := q.policy.scopes(c)
	if inner, ok := q.next.(*require); ok {
		need = union(need, inner.scopes(c))
	}
	return need
}

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

// record logs a refusal, unless there have been many of its kind lately.
func (m *Middleware) record(ctx context.Context, d Decision) {
	if !m.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	suppressed, ok := m.sample.take(refusalKind{d.Code, d.Pool, d.Pattern})
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("code", d.Code), slog.Int("status", d.Err.Status), slog.String("detail", d.Err.Detail()),
		slog.String("pool", d.Pool), slog.String("client_id", d.ClientID), slog.String("kid", d.KeyID),
		slog.String("pattern", d.Pattern), slog.String("request_id", d.RequestID),
	}
	// What is not known is left out.
	attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Value.Equal(slog.StringValue("")) })
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", suppressed))
	}
	m.log.LogAttrs(ctx, slog.LevelInfo, "cognitoauth: refused", attrs...)
}

// requestID is the caller's name for the request.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		id = r.Header.Get("X-Amzn-Trace-Id")
	}
	if len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c > '~' }) {
		return ""
	}
	return id
}

// refusalKind is what makes two refusals the same to the log. All of it comes
// from the configuration and the table of answers, so there are only so many.
type refusalKind struct{ code, pool, pattern string }

// sampler thins out records: of each kind the first few in a minute are logged,
// and the first after it tells how many were not.
type sampler struct {
	kinds sync.Map // of refusalKind to *tally
}

type tally struct {
	mu          sync.Mutex
	until       time.Time
	logged, not int
}

const (
	samplePeriod = time.Minute
	sampleBurst  = 10
)

// take reports whether a record of this kind is to be logged, and how many were
// suppressed before it.
func (s *sampler) take(kind refusalKind) (suppressed int, ok bool) {
	found, _ := s.kinds.LoadOrStore(kind, &tally{})
	t := found.(*tally)
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.After(t.until) {
		suppressed, t.not = t.not, 0
		t.logged, t.until = 0, now.Add(samplePeriod)
	}
	if t.logged == sampleBurst {
		t.not++
		return 0, false
	}
	t.logged++
	return suppressed, true
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

// TokenSource finds the token of a request. "" and nil say that none is
// offered, which is an answer of its own; an error refuses the request, with
// 400, or is answered as it is if it is an [*Error] of this package, such as
// another TokenSource returns. The query is no place for a token (OAuth 2.1
// forbids it): it ends in logs, histories and referrers.
type TokenSource func(*http.Request) (token string, err error)

// FromCookie takes the token from the cookie of that name. The browser adds a
// cookie by itself, so on an unsafe method the request must pass the check of
// [http.CrossOriginProtection], or it is refused with 403; two cookies of that
// name are 400. It panics on an empty name.
//
// The handshake of a WebSocket is a GET, which is no unsafe method: it passes
// that check from any origin, with the cookie. Check its Origin yourself before
// you accept it.
func FromCookie(name string) TokenSource {
	must(name != "", "FromCookie", "the name is empty")
	what := "cookie " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) {
		cookies := r.CookiesNamed(name)
		if len(cookies) == 0 {
			return "", nil
		}
		return ambient(r, what, cookies[0].Value, len(cookies))
	}
}

// FromHeader takes the bare token from a header that a proxy fills, such as
// x-amzn-oidc-accesstoken of an Application Load Balancer. The proxy knows the
// caller by a cookie of its own, so the rules of [FromCookie] apply; and the
// proxy must be the only way in, or anybody can set the header. It panics on an
// empty name and on Authorization, which Config reads by default.
func FromHeader(name string) TokenSource {
	must(name != "", "FromHeader", "the name is empty")
	must(!strings.EqualFold(name, "Authorization"), "FromHeader", "leave Config.TokenSource nil to read Authorization: Bearer")
	what := "header " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) {
		values := r.Header.Values(name)
		if len(values) == 0 {
			return "", nil
		}
		return ambient(r, what, values[0], len(values))
	}
}

// sameOrigin has no bypass patterns and no trusted origins.
var sameOrigin http.CrossOriginProtection

func ambient(r *http.Request, what, token string, count int) (string, error) {
	if count > 1 {
		return "", refuse(&credentialsRepeated, evidence{claim: what, size: count})
	}
	if token == "" {
		return "", nil
	}
	if sameOrigin.Check(r) != nil {
		return "", refuse(&crossOrigin, evidence{claim: what})
	}
	return token, nil
}

// bearer takes the token from the Authorization header (RFC 6750, section
// 2.1): one header, the scheme in any case, spaces, the token. Whether that is a
// token68, and not nothing, is for the caller to see. What is longer than a token
// may be is passed on unread, to be refused as too large.
func bearer(r *http.Request, limit int) (string, *Error) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", refuse(&tokenMissing, evidence{})
	}
	if len(values) > 1 {
		return "", refuse(&credentialsRepeated, evidence{size: len(values)})
	}
	const scheme = "Bearer"
	v := values[0]
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) || len(v) > len(scheme) && schemeByte(v[len(scheme)]) {
		note, name := hintScheme(v)
		return "", refuse(&tokenMissing, evidence{note: note, known: name})
	}
	token := strings.TrimLeft(v[len(scheme):], " ")
	if len(token) == len(v)-len(scheme) && len(token) <= limit {
		return "", refuse(&credentialsMalformed, evidence{note: hintCredentials(token)})
	}
	return token, nil
}

// schemeByte reports whether c can continue the name of a scheme: whether it
// is a tchar of RFC 9110, section 5.6.2.
func schemeByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// token68 reports whether s is a token68 of RFC 9110, section 11.2.
func token68(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		c := body[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return body != ""
}
