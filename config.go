package cognitoauth

// This file holds what a program configures: Config with its defaults and limits,
// New, which checks it and builds the Middleware, and FromEnv. Pool and its checks
// are in pool.go.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
)

// Config has all settings of a [Middleware]. [New] copies it, so a later change
// has no effect; [Middleware.Reload] takes another one. Only Pools is required.
type Config struct {
	_ [0]func() // keyed literals only

	// Pools are the user pools whose tokens are accepted. Required: one or more.
	// No two entries may accept the same issuer with the same TokenUse. There may
	// be thousands: one takes about 1.3 kB, and 4.0 kB once it has two keys, which
	// are fetched when its first token comes or in [Middleware.Ready].
	Pools []Pool
	// Fallback is the policy of every route that is not marked by AllowAnonymous
	// or Optional. Zero: Authenticated(), which every valid token of a user or a
	// machine meets. A policy that no token meets because of an And() or Or()
	// without arguments is a mistake.
	Fallback Policy
	// Leeway is how far the clock of this machine may be off, in the checks of
	// exp, nbf, iat, Pool.MaxLifetime and AuthenticatedWithin. Zero: 30 s; at most
	// 5 min, not negative. Set 1 ns for practically none; any other positive
	// duration under 1 ms is a mistake.
	Leeway time.Duration
	// ImpliedScopes says which scopes a scope implies: a token with the key counts
	// as one with every scope of the list, and what those imply, wherever Scope and
	// HasScope ask. So "orders/admin": {"orders/read", "orders/write"} opens the
	// routes of all three. Nothing is implied by the form of a name. A circle is a
	// mistake, as is an empty list, what is not one scope (RFC 6749, section 3.3),
	// or more than 10,000 pairs. A challenge asks for the scope that Scope names.
	// Cognito knows nothing of it. Nil: no scope implies another.
	ImpliedScopes map[string][]string
	// TokenSource finds the token of a request. Nil: [FromAuthorization], the
	// Authorization header with the scheme Bearer; a request with another scheme
	// counts as one without a token. It must be safe for concurrent use.
	TokenSource TokenSource
	// IgnoreBadAmbientToken lets a bad token count as none on Optional routes if
	// [FromCookie] or [FromHeader] found it. Without it a stale HttpOnly cookie,
	// which no script can delete, closes these routes to the user. It holds for
	// what is answered with 401 elsewhere; 400, 403 and 503 stay. The request is
	// then anonymous, and Decision.Ignored says why. False: refuse it. New refuses
	// true if TokenSource is nil, since a token in Authorization is not ambient.
	IgnoreBadAmbientToken bool
	// MaxTokenBytes is the maximum length of a token, in bytes. A longer token is
	// refused with 401 (token_too_large), before it is parsed. Zero: 32 KiB; 1 KiB
	// to 16 MiB. A token with 100 groups, each with a name of 128 characters, has
	// about 17 KB. The server's MaxHeaderBytes, 1 MiB by default, must be larger.
	MaxTokenBytes int
	// TokenCache is how many verified tokens the library remembers. A remembered
	// token is not decoded or verified again, but its times, its key, its
	// revocation and the policies are checked on each use. Zero: 10,000; negative:
	// none; at most 10,000,000. A full cache takes a token on its second use and
	// evicts the least used one. A token over 16 KiB is not remembered. The cache
	// holds a hash of the token instead of the token: GHASH (of AES-GCM) under a
	// random key, or SHA-256 where FIPS 140-only mode or the processor rules that out.
	TokenCache int
	// TokenCacheBytes bounds the memory of TokenCache, in bytes. The cache is full
	// when it reaches either bound. A token counts 340 bytes plus the length
	// of its payload, of texts with escapes other than \/ twice, and at least
	// TokenCacheBytes / TokenCache. Zero: 32 MiB, or 3 KiB for each of TokenCache if
	// that is more; 1 MiB to 64 GiB. It is a mistake if TokenCache is negative. A
	// full cache keeps at most a quarter more than this, as measured.
	TokenCacheBytes int
	// Realm is the realm of a challenge. Empty: "api". At most 128 bytes of
	// printable ASCII without quote and backslash (RFC 6750, section 3).
	Realm string
	// ProtectedResources describe this API to OAuth clients, such as MCP clients
	// (RFC 9728): see [ProtectedResource]. Wrap then answers at their well-known
	// addresses without a token, and challenges name them as resource_metadata.
	// None: there are no such documents.
	ProtectedResources []ProtectedResource
	// HTTPClient fetches key sets. Nil: a client of the library, which uses the
	// proxy of the environment. The library copies the client, but not its
	// Transport. The copy follows no redirect and sends no cookie. Its Timeout
	// bounds one request if it is shorter than KeyTimeout; one under 1 ms is a
	// mistake. The library reads at most 256 KiB of an answer.
	HTTPClient *http.Client
	// KeyTimeout is how long one fetch of a key set may take. Zero: 5 s; 1 s to
	// 1 min. A request waits for a fetch for 3 s at most, whatever KeyTimeout is:
	// then it gets 503, and the fetch goes on, so that a later request finds the
	// keys. Raise it if the key endpoint is slow.
	KeyTimeout time.Duration
	// ErrorHandler answers a refused request, also one that a Require refuses.
	// Nil: [WriteError]. It cannot admit a request, and it must write an answer:
	// if it writes none, net/http sends 200 without a body. It must be safe for
	// concurrent use. If a request calls it or another function of Config, and
	// that panics, net/http aborts the request and the handler does not run. A
	// panic in Validate reaches the caller.
	ErrorHandler func(http.ResponseWriter, *http.Request, *Error)
	// Logger gets a record of each refused request (Info, see [Decision]), but
	// none of an admitted request or of a call of Validate. It also gets records
	// about key sets, with pool and url: "cognitoauth: key set fetched" (Info,
	// with keys and skipped, and why if keys are), "key added" (Info, with kid),
	// "key withdrawn" (Warn, with kid) and "key set fetch failed" (with err; Warn
	// while the last set is in use, else Error; with its age). Nil: none.
	Logger *slog.Logger
	// OnDecision is called with the [Decision] about each request, before the
	// handler runs or the refusal is answered, with the request's context: an access
	// log outside of Wrap can leave a place for the Decision in it (see the example
	// of Decision). It is called a second time if a Require refuses that Wrap cannot
	// see, because it stands inside another handler, or if Authorize refuses.
	// Validate does not call it. Nil: none. It must be safe for concurrent use.
	OnDecision func(context.Context, Decision)
	// Revoked reports whether a verified token is revoked. The library calls it on
	// each use of a token, also of a remembered one. True refuses the token with
	// 401, an error with 503. A Cognito token is valid until it expires, even if
	// it was revoked (developer guide, "Revoking refresh tokens"); a list of
	// Claims.OriginID closes that gap for tokens that have one. Nil: none. It gets
	// the context of the request or of Validate, which has no added time limit,
	// and the caller's copy of the claims. It must be safe for concurrent use.
	Revoked func(context.Context, *Claims) (bool, error)
	// Now is the clock for the times of tokens and the age of key sets. Time
	// limits use the clock of the machine. Nil: time.Now. It may be set back: a
	// key set whose fetch is then in the future is fetched again, and none is used
	// for more than 24 h by the machine's monotonic clock either. It must be safe
	// for concurrent use.
	Now func() time.Time
}

// New checks cfg and makes a Middleware of it. It does no I/O: the library
// fetches keys when the first token comes, or in [Middleware.Ready]. The error
// lists every mistake in cfg; each names the field and what to put there.
// errors.Is reports the error as [ErrMisconfigured].
func New(cfg Config) (*Middleware, error) {
	s, err := build(cfg, nil)
	if err != nil {
		return nil, err
	}
	m := new(Middleware)
	m.install(s)
	return m, nil
}

// build checks cfg and makes a state of it. before is the state that it is to
// follow on, nil if there is none; build does not change it.
func build(cfg Config, before *state) (*state, error) {
	b := builder{state: &state{validator: validator{
		issuers: map[string]*issuer{},
		terms:   terms{clock: clock{cfg.Now, cfg.Leeway}},
		limit:   cfg.MaxTokenBytes,
		revoked: cfg.Revoked,
	}, realm: cmp.Or(cfg.Realm, defaultRealm), fallback: cfg.Fallback, source: ownSource(cfg.TokenSource), ignoreAmbient: cfg.IgnoreBadAmbientToken,
		errorHandler: cfg.ErrorHandler, log: cfg.Logger, onDecision: cfg.OnDecision}, keyTimeout: cfg.KeyTimeout}
	b.defaults()
	b.keys(cfg)
	switch {
	case b.leeway > 1 && b.leeway < time.Millisecond:
		b.mistake("Leeway is %s: a number without a unit counts nanoseconds, write %d * time.Second; 1 ns stands for practically none", b.leeway, b.leeway)
	case b.leeway < 0 || b.leeway > maxLeeway:
		b.mistake("Leeway is %s, expected 0 (for %s) to %s; if the clock of the machine is off by more, set the clock", cfg.Leeway, defaultLeeway, maxLeeway)
	}
	if b.limit < minTokenBytes || b.limit > maxTokenBytes {
		b.mistake("MaxTokenBytes is %d, expected 0 (for %d) or %d to %d bytes", cfg.MaxTokenBytes, defaultMaxTokenBytes, minTokenBytes, maxTokenBytes)
	}
	b.imply(cfg.ImpliedScopes)
	b.checkTokenCache(cfg.TokenCache, cfg.TokenCacheBytes)
	b.keep(cfg, before)
	for i := range len(cfg.Realm) {
		if !challengeByte(cfg.Realm[i]) {
			b.mistake("Realm %q has a byte at %d that a challenge cannot carry (RFC 6750, section 3)", cfg.Realm, i)
			break
		}
	}
	if len(cfg.Realm) > maxRealmBytes {
		b.mistake("Realm has %d bytes, expected at most %d", len(cfg.Realm), maxRealmBytes)
	}
	if cfg.IgnoreBadAmbientToken && ownSource(cfg.TokenSource) == nil {
		b.mistake("IgnoreBadAmbientToken is true, but TokenSource reads the Authorization header, whose token is never ambient: set TokenSource to FromCookie(...) or FromHeader(...), or leave it out")
	}
	if cfg.Fallback.rule != nil && cfg.Fallback.unmeetable() {
		b.mistake("Fallback %s admits nobody: And(), Or() and the zero Policy inside them are met by no token; leave it empty to admit every valid token", cfg.Fallback)
	}
	if len(cfg.Pools) == 0 {
		b.mistake("Pools is empty: name at least one user pool, Pool{ID: …, ClientIDs: …}")
	}
	for i, p := range cfg.Pools {
		b.pool(i, p)
	}
	b.state.documents = b.documents(cfg)
	if b.mistakes != nil {
		return nil, errors.Join(b.mistakes...)
	}
	b.finish()
	return b.state, nil
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
	minKeyTimeout        = time.Second
	maxKeyTimeout        = time.Minute

	// headersPerSource is how many headers are remembered for each key source: of
	// eight rotations, two keys each, spelled with escaped slashes and without.
	headersPerSource = 8 * 2 * 2

	defaultTokenCacheBytes = 32 << 20
	defaultBytesPerToken   = 3 << 10
	minTokenCacheBytes     = 1 << 20
	maxTokenCacheBytes     = min(64<<30, math.MaxInt) // an int of 32 bits holds less
)

func (b *builder) checkTokenCache(size, bytes int) {
	if size > maxTokenCache {
		b.mistake("TokenCache is %d, expected a negative number (for none), 0 (for %d) or at most %d", size, defaultTokenCache, maxTokenCache)
	}
	switch {
	case bytes != 0 && size < 0:
		b.mistake("TokenCacheBytes is %d, but TokenCache is negative, which means no cache: drop one", bytes)
	case bytes != 0 && (bytes < minTokenCacheBytes || bytes > maxTokenCacheBytes):
		b.mistake("TokenCacheBytes is %d, expected 0 (for %d, or more with a large TokenCache) or %d to %d bytes",
			bytes, defaultTokenCacheBytes, minTokenCacheBytes, int64(maxTokenCacheBytes))
	}
}

// tokenCacheBytes is the bound for a cache of size tokens, where n is what the
// configuration says.
func tokenCacheBytes(size, n int) int {
	if n != 0 {
		return n
	}
	return int(min(max(defaultTokenCacheBytes, int64(size)*defaultBytesPerToken), maxTokenCacheBytes))
}

// builder holds what New builds, and every mistake that New has found.
type builder struct {
	*state

	client     *http.Client
	keyTimeout time.Duration
	shared     map[sharing]*keySource // the sources
	before     *state                 // nil in New
	living     map[sharing]*keySource // those of before
	fetching   *fetching
	added      []*trust          // those without a place
	uses       map[string]string // from token_use and issuer to the field that accepts them
	clashes    map[string]bool   // pairs of such fields that are reported
	mistakes   []error
}

func (b *builder) mistake(format string, args ...any) {
	b.mistakes = append(b.mistakes, fmt.Errorf("%w: Config."+format, append([]any{ErrMisconfigured}, args...)...))
}

func (b *builder) defaults() {
	b.uses, b.clashes, b.shared = map[string]string{}, map[string]bool{}, map[sharing]*keySource{}
	if b.now == nil {
		b.now, b.machine = time.Now, true
	}
	if b.keyTimeout == 0 {
		b.keyTimeout = keyfetch.DefaultTimeout
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
	if b.fallback.rule == nil {
		b.fallback = Authenticated()
	}
	if b.errorHandler == nil {
		b.errorHandler = WriteError
	}
}

// unmeetable reports whether no claims meet the policy, because an And or Or in
// it has nothing that they could meet.
func (p Policy) unmeetable() bool {
	switch rule := p.rule.(type) {
	case nil:
		return true
	case and:
		return len(rule) == 0 || slices.ContainsFunc(rule, Policy.unmeetable)
	case *stepUp:
		return rule.policy.unmeetable()
	case or:
		return !slices.ContainsFunc(rule, func(p Policy) bool { return !p.unmeetable() })
	}
	return false
}

// keys checks how keys are fetched.
func (b *builder) keys(cfg Config) {
	const unit = ": a number alone counts nanoseconds; write its unit, as in 5 * time.Second"
	switch d := cfg.KeyTimeout; {
	case d > 0 && d < time.Millisecond:
		b.mistake("KeyTimeout is %s%s", d, unit)
	case b.keyTimeout < minKeyTimeout || b.keyTimeout > maxKeyTimeout:
		b.mistake("KeyTimeout is %s, expected 0 (for %s) or %s to %s", d, keyfetch.DefaultTimeout, minKeyTimeout, maxKeyTimeout)
	}
	if c := cfg.HTTPClient; c != nil && c.Timeout > 0 && c.Timeout < time.Millisecond {
		b.mistake("HTTPClient.Timeout is %s%s", c.Timeout, unit)
	}
	b.client = keyfetch.Client(cfg.HTTPClient, b.keyTimeout)
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
//	COGNITO_CLIENT_ID     if set, must be one of COGNITO_CLIENT_IDS
//	COGNITO_AUDIENCE      if set, must be one of COGNITO_AUDIENCES
//
// The error lists every variable that is missing or cannot be read. [New]
// checks the rest. COGNITO_LEEWAY=0s is a Leeway of zero, which means the
// default of 30 s; set 1ns for practically none. No variable sets
// DangerouslyAllowAnyClient or DangerouslyAllowHTTP: a setting that weakens a
// check belongs in the program, where a review sees it.
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
	if !singular("COGNITO_CLIENT_ID", p.ClientIDs, mistake) && p.ClientIDs == nil {
		mistake("COGNITO_CLIENT_IDS is not set: expected the IDs of the app clients that may call, separated by commas")
	}
	singular("COGNITO_AUDIENCE", p.Audiences, mistake)
	if p.TokenUse != "" && p.TokenUse != AccessToken && p.TokenUse != IDToken {
		mistake("COGNITO_TOKEN_USE is %q, expected access or id", p.TokenUse)
	}
	region, _, found := strings.Cut(p.ID, "_") // New reports an ID without a region
	if want := os.Getenv("COGNITO_REGION"); want != "" && found && want != region {
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

// singular reports it as a mistake, and returns true, if the variable name has a
// value that is not in list, which is what the variable with an S behind its name
// has. Who sets it believes that it counts.
func singular(name string, list []string, mistake func(string, ...any)) bool {
	s := strings.TrimSpace(os.Getenv(name))
	if s == "" || slices.Contains(list, s) {
		return false
	}
	mistake("%s is set, but only the list in %sS counts, and the value is not in it: add it there, or unset %s", name, name, name)
	return true
}

// commas splits a list at its commas. It keeps empty members, and New reports
// them.
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
