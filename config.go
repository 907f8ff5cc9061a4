package cognitoauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
	"github.com/cognitoauth/cognitoauth/internal/tokencache"
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
	// Of more than 16 KiB no token is remembered. Tokens themselves are kept by
	// digest only.
	TokenCache int
	// TokenCacheBytes bounds the memory of TokenCache, in bytes: whichever of the two
	// is reached first. A token counts 1 KiB and its payload's length (twice, if that
	// has escapes other than \/), and at least TokenCacheBytes / TokenCache. Zero:
	// 32 MiB, or 3 KiB for each of TokenCache where that is more; 1 MiB to 64 GiB.
	// It makes no sense without a cache, and is a mistake then. Measured, a full
	// cache keeps at most a quarter more than this.
	TokenCacheBytes int
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
	}, client: keyfetch.Client(cfg.HTTPClient), log: cfg.Logger}
	b.defaults()
	if b.leeway < 0 || b.leeway > maxLeeway {
		b.mistake("Leeway is %s, expected 0 (for %s) to %s; a clock that is off by more has to be set", cfg.Leeway, defaultLeeway, maxLeeway)
	}
	if b.limit < minTokenBytes || b.limit > maxTokenBytes {
		b.mistake("MaxTokenBytes is %d, expected 0 (for %d) or %d to %d bytes", cfg.MaxTokenBytes, defaultMaxTokenBytes, minTokenBytes, maxTokenBytes)
	}
	b.checkTokenCache(cfg.TokenCache, cfg.TokenCacheBytes)
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
	b.headers.Most = headersPerSource * len(b.sources)
	if size := cmp.Or(cfg.TokenCache, defaultTokenCache); size > 0 {
		b.tokens = tokencache.New[remembered](size, tokenCacheBytes(size, cfg.TokenCacheBytes))
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
