package cognitoauth

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"math/bits"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/base64url"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"
)

// The validator. A token passes, in this order, its form, its header, its
// payload as JSON, the choice of the one Pool entry that iss and token_use
// select, the checks of its claims as refusals, its key, its signature, and
// Config.Revoked. An expired token, or one meant for somebody else, thereby
// costs neither a signature nor a fetch; and nothing that a token says is acted
// upon, kept or handed out before the signature vouches for it.
type validator struct {
	issuers map[string]*issuer
	known   []string // the issuers, in the order of the configuration
	first   *trust   // the first Pool entry's
	headers headers
	spaces  sync.Pool   // of *workspace
	tokens  *tokenCache // nil: off
	clock
	limit   int // bytes of a token
	revoked func(context.Context, *Claims) (bool, error)
}

// clock tells the time, and how far it may be off.
type clock struct {
	now    func() time.Time
	leeway time.Duration
}

// issuer is one accepted iss: which Pool entry takes which kind of token of
// it. At least one is not nil.
type issuer struct {
	access, id *trust
}

// trust is one Pool entry for one of its issuers, frozen.
type trust struct {
	*entry
	source *keySource
}

// entry is what a Pool entry demands of a token.
type entry struct {
	id          string
	use         TokenUse
	clients     map[string]bool // nil: any
	audiences   []string
	maxLifetime time.Duration
}

// maxHeaderBytes bounds the decoded header; Cognito's has about 80.
const maxHeaderBytes = 1 << 10

// Validate decides about one token, without a request: the second door, for a
// gRPC interceptor, a WebSocket's ticket or a Lambda handler. token is the
// compact form alone, without "Bearer". It applies no policy: the caller checks
// its own with [Policy.Check]. The claims are the caller's own copy.
//
// A refusal is an [*Error]. Where the key of the token has to be fetched first
// it waits for that, at most 3 s and until ctx ends. Safe for concurrent use; a
// zero Middleware refuses everything.
//
// [RFC 7519, section 7.2] lists what validating is, [RFC 8725] what goes wrong
// with it, and the developer guide, under "Verifying JSON web tokens", what
// Cognito asks for beyond them.
//
// [RFC 7519, section 7.2]: https://www.rfc-editor.org/rfc/rfc7519#section-7.2
// [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725
func (m *Middleware) Validate(ctx context.Context, token string) (*Claims, error) {
	var c *Claims
	if err := m.validate(ctx, token, func() *Claims { c = new(Claims); return c }); err != nil {
		return nil, err
	}
	return c, nil
}

// validate is Validate into Claims that place makes once the token is verified:
// what is refused costs no room for claims.
func (m *Middleware) validate(ctx context.Context, token string, place func() *Claims) *Error {
	if m == nil || m.validator == nil {
		return refuse(&notWired, evidence{})
	}
	t, c := m.recall(token)
	var err *Error
	if t == nil {
		w := m.space(token)
		defer w.done(&m.spaces)
		c = &w.claims
		t, err = m.verify(ctx, w)
	}
	if err == nil {
		// The workspace and the cache keep theirs: Config.Revoked gets the caller's.
		own := place()
		*own = *c
		// mutant: equivalent, nobody looks at the claims of what is refused
		if err = m.checkRevoked(ctx, own); err != nil {
			*own = Claims{}
		}
	}
	if err != nil {
		err.realm = m.realm
		if t != nil {
			err.trust, err.kid = t, c.keyID
		}
	}
	return err
}

// verify validates the workspace's token, which is not remembered, but for its
// revocation. The trust is nil if the token did not get so far as to select one.
func (v *validator) verify(ctx context.Context, w *workspace) (*trust, *Error) {
	if err := v.split(w); err != nil {
		return nil, err
	}
	c := &w.claims
	c.keyID = w.header.kid
	err := c.decode(w.payload)
	var t *trust
	if err == nil {
		t, err = v.choose(c)
	}
	if err == nil {
		c.PoolID, c.clock, w.now = t.id, &v.clock, v.now()
		err = v.admit(ctx, t, w, c)
	}
	if err != nil {
		err.kid = c.keyID
	}
	return t, err
}

// admit takes a token whose Pool entry is known through the rest.
func (v *validator) admit(ctx context.Context, t *trust, w *workspace, c *Claims) *Error {
	if err := v.checkClaims(t, w, c); err != nil {
		return err
	}
	waited, err := t.findKey(ctx, w)
	if err != nil {
		return err
	}
	if err := w.checkSignature(); err != nil {
		return err
	}
	if waited { // and the token's time may have run out
		if now := v.now(); !now.Before(c.Expiry.Add(v.leeway)) {
			return refuse(&tokenExpired, evidence{now: now, at: c.Expiry, leeway: v.leeway, verified: true})
		}
	}
	if w.header == &w.own {
		v.headers.remember(w)
	}
	if v.tokens != nil && len(w.token) <= maxPooledBytes {
		v.tokens.add(t, w)
	}
	return nil
}

// checkClaims is what a token's claims can be refused for; the first fault
// names the refusal.
func (v *validator) checkClaims(t *trust, w *workspace, c *Claims) *Error {
	if err := v.checkTimes(w, c); err != nil {
		return err
	}
	if err := v.checkLifetime(t, w, c); err != nil {
		return err
	}
	if err := checkClient(t, c); err != nil {
		return err
	}
	if err := checkSubject(c); err != nil {
		return err
	}
	return checkAudience(t, c)
}

// Check is one step of [Middleware.Explain].
type Check struct {
	// Name is the step: "form", "header", "payload", "issuer", "token_use",
	// "exp", "nbf", "iat", "lifetime", "client", "subject", "audience", "key",
	// "signature" or "revocation".
	Name string
	// Found is what the token says, and Expected what this API wants, for
	// people; they quote no more of the token than [Error.Detail] does.
	Found, Expected string
	// Err is the refusal that the step amounts to; nil if it passed, or could
	// not be made.
	Err *Error
	// Skipped says that an earlier step left nothing for this one to look at.
	Skipped bool
}

// Explain makes every check that [Middleware.Validate] makes, in the same
// order, but does not stop at the first that fails, and trusts none of it: it is
// for finding out why a token is refused. A token passes if and only if no Check
// has an Err or was skipped. Config.Revoked is asked only if all else has passed;
// where there is none, that check passes. It may fetch keys, within the limits that
// requests have. It takes its time and remembers nothing; do not decide about
// requests with it.
func (m *Middleware) Explain(ctx context.Context, token string) []Check {
	if m == nil || m.validator == nil {
		return []Check{{Name: "form", Err: refuse(&notWired, evidence{})}}
	}
	x := explanation{validator: m.validator, w: m.space(token), c: new(Claims)}
	x.w.now = m.now()
	x.form()
	x.claims()
	x.vouch(ctx)
	return x.checks
}

// explanation is what Explain works in.
type explanation struct {
	*validator

	w      *workspace
	c      *Claims
	trust  *trust
	checks []Check
}

func (x *explanation) add(name, found, expected string, err *Error) {
	if err != nil {
		err.trust = x.trust
		if x.w.header != nil {
			err.kid = x.w.header.kid
		}
	}
	x.checks = append(x.checks, Check{Name: name, Found: found, Expected: expected, Err: err})
}

func (x *explanation) skip(names ...string) {
	for _, name := range names {
		x.checks = append(x.checks, Check{Name: name, Skipped: true})
	}
}

func (x *explanation) form() {
	payload, signature, err := x.cut(x.w)
	x.add("form", strconv.Itoa(len(x.w.token))+" bytes", "three segments, at most "+strconv.Itoa(x.limit)+" bytes", err)
	if err != nil {
		x.skip("header", "payload")
		return
	}
	const want = "alg RS256, a kid, nothing critical or encrypted"
	if err = x.w.readHeader(); err == nil {
		x.w.header = &x.w.own
		x.add("header", "alg "+quote(x.w.header.alg)+", kid "+quote(x.w.header.kid), want, nil)
	} else {
		x.add("header", quote(err.found), want, err)
	}
	if err = x.w.readBody(payload, signature); err == nil {
		err = x.c.decode(x.w.payload)
	}
	x.add("payload", strconv.Itoa(len(x.w.payload))+" bytes", "base64url of one strict JSON object", err)
}

func (x *explanation) claims() {
	if x.checks[len(x.checks)-1].Err != nil || x.checks[len(x.checks)-1].Skipped {
		x.skip("issuer", "token_use", "exp", "nbf", "iat", "lifetime", "client", "subject", "audience")
		return
	}
	t, err := x.choose(x.c)
	if t == nil {
		x.add("issuer", quote(x.c.Issuer), settings(x.known), err)
		x.skip("token_use")
		t = x.first
	} else {
		x.trust = t
		x.add("issuer", quote(x.c.Issuer), settings(x.known), nil)
		x.add("token_use", quote(string(x.c.TokenUse)), quote(string(t.use)), err)
	}
	x.trust = t
	x.c.PoolID, x.c.clock = t.id, &x.clock
	x.times()
	clients, audience := "any client", "absent, or the client_id"
	if t.clients != nil {
		clients = settings(slices.Sorted(maps.Keys(t.clients)))
	}
	if len(t.audiences) > 0 {
		audience = settings(t.audiences)
	}
	x.add("client", quote(x.c.ClientID), clients, checkClient(t, x.c))
	x.add("subject", "", "a sub on a user's token", checkSubject(x.c))
	x.add("audience", list(x.c.Audience()), audience, checkAudience(t, x.c))
}

// times makes the checks of exp, nbf and iat one by one: each on claims that
// have nothing else wrong with their times.
func (x *explanation) times() {
	now := x.w.now
	good := Claims{Expiry: now.Add(time.Second)}
	exp, nbf, iat := good, good, good
	exp.Expiry, nbf.NotBefore, iat.IssuedAt = x.c.Expiry, x.c.NotBefore, x.c.IssuedAt
	clock := "now is " + stamp(now) + ", Config.Leeway is " + x.leeway.String()
	x.add("exp", stampOr(x.c.Expiry), "later: "+clock, x.checkTimes(x.w, &exp))
	x.add("nbf", stampOr(x.c.NotBefore), "absent or not later: "+clock, x.checkTimes(x.w, &nbf))
	x.add("iat", stampOr(x.c.IssuedAt), "absent or not later: "+clock, x.checkTimes(x.w, &iat))
	if x.c.Expiry.IsZero() {
		x.skip("lifetime")
		return
	}
	x.add("lifetime", x.c.Expiry.Sub(cmp.Or(x.c.IssuedAt, now)).String(), "at most "+x.trust.maxLifetime.String(), x.checkLifetime(x.trust, x.w, x.c))
}

func stampOr(t time.Time) string {
	if t.IsZero() {
		return "absent"
	}
	return stamp(t)
}

func (x *explanation) vouch(ctx context.Context) {
	if x.trust == nil || x.w.header == nil {
		x.skip("key", "signature", "revocation")
		return
	}
	_, err := x.trust.findKey(ctx, x.w)
	x.add("key", quote(x.w.header.kid), "a kid in the key set of pool "+x.trust.id, err)
	if err != nil {
		x.skip("signature", "revocation")
		return
	}
	err = x.w.checkSignature()
	x.add("signature", "", "RS256 by that key", err)
	for _, check := range x.checks {
		if check.Err != nil { // as what was skipped was skipped for
			// Revoked sees verified claims only.
			x.skip("revocation")
			return
		}
	}
	x.add("revocation", "", "not revoked, as Config.Revoked has it", x.checkRevoked(ctx, x.c))
}

// workspace is what one validation works in. It is used again, so that a
// validation allocates little but the claims that it hands out.
type workspace struct {
	token     string
	now       time.Time // the one reading of the clock that counts
	buf       []byte    // what header, payload and signature are decoded into
	encoded   string    // the header's segment
	header    *header   // a remembered one, or own
	own       header
	payload   []byte
	signed    string // the text that the signature is over
	signature []byte
	claims    Claims
	key       *rsa.PublicKey // of the kid

	times   times
	inTimes *jwt.Validator // by now; kept
}

// space returns a workspace for a token.
func (v *validator) space(token string) *workspace {
	w, ok := v.spaces.Get().(*workspace)
	if !ok {
		w = new(workspace)
		w.inTimes = jwt.NewValidator(jwt.WithLeeway(v.leeway), jwt.WithTimeFunc(func() time.Time { return w.now }),
			jwt.WithIssuedAt(), jwt.WithExpirationRequired())
	}
	w.token = token
	return w
}

// done gives w back to the pool that it came from, with neither token nor
// claims in it.
func (w *workspace) done(spaces *sync.Pool) {
	if cap(w.buf) <= maxPooledBytes {
		clear(w.buf)
		*w = workspace{buf: w.buf[:0], inTimes: w.inTimes}
		spaces.Put(w)
	}
}

// split takes the compact form apart (RFC 7515, section 7.1): three segments
// of canonical base64url. A header that is no good is refused before the rest
// is decoded.
func (v *validator) split(w *workspace) *Error {
	payload, signature, err := v.cut(w)
	if err != nil {
		return err
	}
	w.header = v.headers.find(w.encoded)
	if w.header == nil {
		if err = w.readHeader(); err != nil {
			return err
		}
		w.header = &w.own
	}
	return w.readBody(payload, signature)
}

// cut finds the three segments.
func (v *validator) cut(w *workspace) (payload, signature string, _ *Error) {
	token := w.token
	if len(token) > v.limit {
		return "", "", refuse(&tokenTooLarge, evidence{size: len(token), limit: v.limit})
	}
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(signature, '.') >= 0 {
		return "", "", refuse(&tokenMalformed, evidence{note: hintParts(token)})
	}
	w.encoded, w.signed = head, token[:len(head)+1+len(payload)]
	return payload, signature, nil
}

// readBody decodes the other two segments, the shorter one first.
func (w *workspace) readBody(payload, signature string) *Error {
	var ok1, ok2 bool
	n := len(w.buf)
	w.buf, ok1 = base64url.AppendDecode(w.buf, signature)
	w.signature = w.buf[n:]
	if ok1 {
		n = len(w.buf)
		w.buf, ok2 = base64url.AppendDecode(w.buf, payload)
		w.payload = w.buf[n:]
	}
	if !ok2 {
		return refuse(&tokenMalformed, evidence{note: noteBase64})
	}
	return nil
}

const noteBase64 = ": a segment is not canonical base64url without padding"

// readHeader decodes and checks the header's segment, into own.
func (w *workspace) readHeader() *Error {
	if len(w.encoded) > base64.RawURLEncoding.EncodedLen(maxHeaderBytes) {
		return refuse(&tokenMalformed, evidence{note: ": its header is longer than 1 KiB"})
	}
	n := len(w.buf)
	var ok bool
	if w.buf, ok = base64url.AppendDecode(w.buf, w.encoded); !ok {
		return refuse(&tokenMalformed, evidence{note: noteBase64})
	}
	return w.own.decode(w.buf[n:])
}

// tokenCache remembers the tokens that were verified. It is bounded by size
// alone; what expires is looked at on every hit. Expiry by otter would start a
// goroutine that nothing stops, and would not know Config.Now. Its upkeep runs
// on the goroutine that brought it about.
//
// A token is found by a quick keyed hash of its ends and recognised by its
// SHA-256, so that one that was never seen, as most of an attacker's are, costs
// no SHA-256. Two tokens of one quick hash take turns; nobody can bring that
// about who has neither the process's seed nor two signatures that end alike.
//
// When it is full, a token has to come twice to be remembered: with many more
// tokens than there is room for, keeping each one and dropping another costs more
// than the few that are found save.
type tokenCache struct {
	seed   maphash.Seed
	size   int
	tokens *otter.Cache[uint64, *verified]
	// once has the quick hashes of tokens that came while it was full, each in a
	// place of its own, until another takes that.
	once func() []atomic.Uint64
}

// verified is a token that was verified: what the cache holds. It is never
// changed. The bearer token itself does not stay in memory; two with one digest
// would take a collision of SHA-256.
type verified struct {
	digest [sha256.Size]byte
	claims Claims
	trust  *trust
	key    *rsa.PublicKey // the very key that verified it
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{
		seed: maphash.MakeSeed(),
		size: size,
		tokens: otter.Must(&otter.Options[uint64, *verified]{
			MaximumSize: size,
			Executor:    func(upkeep func()) { upkeep() },
		}),
		once: sync.OnceValue(func() []atomic.Uint64 { return make([]atomic.Uint64, size) }),
	}
}

// find returns what is known of a token, nil if nothing is.
func (c *tokenCache) find(token string) *verified {
	known, ok := c.tokens.GetIfPresent(c.quick(token))
	if !ok || known.digest != digest(token) {
		return nil
	}
	return known
}

// add remembers the workspace's token, which has just been verified.
func (c *tokenCache) add(t *trust, w *workspace) {
	quick := c.quick(w.token)
	if c.tokens.EstimatedSize() >= c.size {
		once := c.once()
		if once[quick%uint64(len(once))].Swap(quick) != quick {
			return
		}
	}
	c.tokens.Set(quick, &verified{digest(w.token), w.claims, t, w.key})
}

// quick hashes the header, which whoever has no key of the pool can choose, and
// the end of the signature, which nobody can.
func (c *tokenCache) quick(token string) uint64 {
	const head, tail = 128, 64
	if len(token) <= head+tail {
		return maphash.String(c.seed, token)
	}
	return maphash.String(c.seed, token[:head]) ^ bits.RotateLeft64(maphash.String(c.seed, token[len(token)-tail:]), 1)
}

// digest is the SHA-256 of a token. Its copy of the token is overwritten.
func digest(token string) [sha256.Size]byte {
	buf := copies.Get().(*[]byte)
	defer copies.Put(buf)
	*buf = append((*buf)[:0], token...)
	sum := sha256.Sum256(*buf)
	clear(*buf)
	return sum
}

// copies are buffers of no more than maxPooledBytes, since no longer token is
// remembered, or found.
var copies = sync.Pool{New: func() any { return new([]byte) }}

// recall finds the claims of a token that was verified before, if that verdict
// still stands: its key is still in the key set, which is not too old, and the
// time is within the token's. Whatever else could be wrong with it cannot have
// changed. Where it returns nil, the token is validated in full. The claims are
// the cache's.
func (v *validator) recall(token string) (*trust, *Claims) {
	if v.tokens == nil || len(token) > min(v.limit, maxPooledBytes) {
		return nil, nil
	}
	known := v.tokens.find(token)
	if known == nil {
		return nil, nil
	}
	now := v.now()
	k := known.trust.source.usable(now).find(known.claims.keyID)
	if k == nil || k.public != known.key || !known.current(now) {
		return nil, nil
	}
	return known.trust, &known.claims
}

// current reports whether a token that was good is so by the times in it. By a
// clock that was set back it may have too long to live, if it has no iat; if it
// has one, it is validated in full to see.
func (k *verified) current(now time.Time) bool {
	c, leeway := &k.claims, k.claims.clock.leeway
	return now.Before(c.Expiry.Add(leeway)) &&
		!now.Before(c.NotBefore.Add(-leeway)) && !now.Before(c.IssuedAt.Add(-leeway)) &&
		c.Expiry.Sub(now) <= k.trust.maxLifetime+leeway
}

// hintParts tells what a string with other than two dots most likely is.
func hintParts(token string) string {
	switch n := strings.Count(token, "."); {
	case n == 4:
		return ": it has five parts, as a refresh token of Cognito has; send the access token"
	case token == "undefined", token == "null":
		return ": it is the word " + token + ", which JavaScript writes for no value; the client has no access token yet, or looks in the wrong place"
	case strings.HasPrefix(token, "ZXlK"): // of eyJ
		return ": it is a token encoded in base64 once more, and has no dots where three parts are expected; send it as it was received"
	case n == 0:
		return ": it has no dots, expected three parts; is it a client secret or an authorization code?"
	default:
		return ": it has " + strconv.Itoa(n) + " dots, expected two, between three parts; send the access token whole"
	}
}

// header is what the validator reads of a JOSE header. A kind of zero means
// absent.
type header struct {
	alg, kid, typ    string
	kidKind, typKind jsontext.Kind
	forbidden        string
}

// decode reads the header strictly and refuses what cannot be a header of
// Cognito's. Members that point to keys elsewhere (jku, x5u, jwk, x5c) are
// ignored, as is whatever else Cognito does not send but RFC 7515, section 4,
// tells to ignore.
func (h *header) decode(doc []byte) *Error {
	ok := members(doc, func(name []byte, value jsontext.Value, _ int) bool { return h.set(name, value) })
	switch {
	case !ok:
		return refuse(&tokenMalformed, evidence{note: ": its header is not one strict JSON object"})
	case h.alg != "RS256":
		// RFC 8725, section 3.1: one algorithm, compared with case.
		return refuse(&algorithmUnsupported, evidence{found: h.alg, kid: h.kid})
	case h.kid == "" || len(h.kid) > maxKeyIDBytes:
		return refuse(&keyIDInvalid, evidence{found: h.kid, note: h.describeKeyID()})
	case h.forbidden != "":
		return refuse(&headerUnsupported, evidence{claim: h.forbidden, kid: h.kid})
	case !h.acceptableType():
		return refuse(&typeUnsupported, evidence{found: h.typ, kid: h.kid})
	}
	return nil
}

// headers remembers the headers of verified tokens by their encoded bytes: a
// pool has two, and decoding one costs more than all else that is not
// cryptography. Nothing unverified gets in, and never more than maxHeaders.
type headers struct {
	known atomic.Pointer[map[string]*header]
	mu    sync.Mutex // held while known is replaced
}

const maxHeaders = 256

func (hs *headers) find(encoded string) *header {
	if known := hs.known.Load(); known != nil {
		return (*known)[encoded]
	}
	return nil
}

// remember keeps the header of a token that has just been verified, and whose
// header was not known.
func (hs *headers) remember(w *workspace) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	next := map[string]*header{}
	if known := hs.known.Load(); known != nil && len(*known) < maxHeaders {
		next = maps.Clone(*known)
	}
	h := *w.header
	next[strings.Clone(w.encoded)] = &h // a clone: not to hold the token
	hs.known.Store(&next)
}

// set stores one member. It reports whether its numbers fit.
func (h *header) set(name []byte, value jsontext.Value) bool {
	switch string(name) {
	case "alg":
		if h.alg = "RS256"; string(value) != `"RS256"` { // spares the copy
			h.alg, _ = text(value)
		}
	case "kid":
		h.kidKind = value.Kind()
		h.kid, _ = text(value)
	case "typ":
		h.typKind = value.Kind()
		h.typ, _ = text(value)
	case "crit", "b64", "enc", "zip", "cty":
		// crit must be understood (RFC 7515, section 4.1.11) and b64 comes with
		// it (RFC 7797); enc and zip make a JWE, cty a nested token.
		h.forbidden = string(name)
	}
	return fits(value)
}

func (h *header) describeKeyID() string {
	switch {
	case h.kidKind == 0:
		return "missing"
	case h.kidKind != '"':
		return "not a string"
	case h.kid == "":
		return "empty"
	}
	return strconv.Itoa(len(h.kid)) + " bytes long"
}

// acceptableType: Cognito sends no typ; JWT and at+jwt say nothing that is
// wrong; another explicit type says that this is some other kind of token (RFC
// 8725, section 3.11).
func (h *header) acceptableType() bool {
	if h.typKind == 0 {
		return true
	}
	typ := h.typ
	if len(typ) > len("application/") && strings.EqualFold(typ[:len("application/")], "application/") {
		typ = typ[len("application/"):]
	}
	// EqualFold would fold U+212A too, but neither name has a letter for that.
	return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
}

// choose finds the one Pool entry whose settings count for the token.
func (v *validator) choose(c *Claims) (*trust, *Error) {
	iss := v.issuers[c.Issuer]
	if iss == nil {
		return nil, refuse(&issuerMismatch, evidence{found: c.Issuer, known: v.known})
	}
	t, other := iss.access, iss.id
	switch {
	case c.TokenUse == AccessToken && iss.access != nil:
		return iss.access, nil
	case c.TokenUse == IDToken && iss.id != nil:
		return iss.id, nil
	case t == nil:
		t, other = other, nil
	}
	known := []string{string(t.use)}
	if other != nil {
		known = append(known, string(other.use))
	}
	return t, refuse(&tokenUseMismatch, evidence{found: string(c.TokenUse), known: known})
}

// times lends exp, nbf and iat to golang-jwt's validator.
type times struct {
	jwt.Claims // the accessors that the validator, as configured, never calls

	exp, nbf, iat jwt.NumericDate
}

func (t *times) GetExpirationTime() (*jwt.NumericDate, error) { return present(&t.exp), nil }
func (t *times) GetNotBefore() (*jwt.NumericDate, error)      { return present(&t.nbf), nil }
func (t *times) GetIssuedAt() (*jwt.NumericDate, error)       { return present(&t.iat), nil }

func present(d *jwt.NumericDate) *jwt.NumericDate {
	if d.IsZero() {
		return nil
	}
	return d
}

// checkTimes: exp is required and not reached, nbf and iat are not in the
// future, each with the leeway (RFC 7519, sections 4.1.4 to 4.1.6).
func (v *validator) checkTimes(w *workspace, c *Claims) *Error {
	w.times.exp.Time, w.times.nbf.Time, w.times.iat.Time = c.Expiry, c.NotBefore, c.IssuedAt
	err := w.inTimes.Validate(&w.times)
	if err == nil {
		return nil
	}
	ev := evidence{now: w.now, leeway: v.leeway}
	switch {
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse(&expiryMissing, ev)
	case errors.Is(err, jwt.ErrTokenExpired):
		ev.at = c.Expiry
		return refuse(&tokenExpired, ev)
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		ev.claim, ev.at = "nbf", c.NotBefore
		return refuse(&tokenNotYetValid, ev)
	}
	ev.claim, ev.at = "iat", c.IssuedAt
	return refuse(&tokenIssuedInFuture, ev)
}

// checkLifetime: Cognito issues no token for longer than a day, so a longer
// one is not Cognito's, or has its times in milliseconds.
func (v *validator) checkLifetime(t *trust, w *workspace, c *Claims) *Error {
	from, claim := c.IssuedAt, "iat"
	if from.IsZero() {
		from, claim = w.now, "now"
	}
	if c.Expiry.Sub(from) <= t.maxLifetime+v.leeway {
		return nil
	}
	return refuse(&lifetimeTooLong, evidence{claim: claim, at: c.Expiry, now: from})
}

// checkClient is what Cognito access tokens have instead of an audience: the
// app client they were issued to. Neither claim stands in for the other.
func checkClient(t *trust, c *Claims) *Error {
	if c.ClientID != "" && (t.clients == nil || t.clients[c.ClientID]) {
		return nil
	}
	claim := "client_id"
	if t.use == IDToken {
		claim = "aud"
	}
	return refuse(&clientMismatch, evidence{claim: claim, found: c.ClientID})
}

func checkSubject(c *Claims) *Error {
	if c.Subject == "" {
		return refuse(&subjectMissing, evidence{})
	}
	return nil
}

// checkAudience: whoever is not named in a present aud must refuse the token
// (RFC 7519, section 4.1.3). Cognito sets aud on an access token to the one
// resource it was requested for (RFC 8707), and lets a trigger set it to the
// token's own client_id, which says nothing about a resource.
func checkAudience(t *trust, c *Claims) *Error {
	if t.use != AccessToken {
		return nil // aud is the client, checked as such
	}
	if c.audience == "" {
		if len(t.audiences) == 0 || c.IsMachine() {
			return nil
		}
		return refuse(&audienceMismatch, evidence{})
	}
	own := len(t.audiences) == 0 || c.IsMachine()
	met, found := false, c.audience.first()
	for aud := range c.audience.all {
		if aud == "" {
			found = ""
			break
		}
		met = met || own && aud == c.ClientID || slices.Contains(t.audiences, aud)
	}
	switch {
	case found == "":
		return refuse(&audienceMismatch, evidence{note: " is an empty list or names an empty audience"})
	case !met:
		return refuse(&audienceMismatch, evidence{found: found})
	}
	return nil
}

// findKey finds the key of the token's kid. It reports whether it had to wait for
// it.
func (t *trust) findKey(ctx context.Context, w *workspace) (waited bool, _ *Error) {
	k, waited, err := t.source.key(ctx, w.header.kid, w.now)
	if err == nil {
		w.key = k.public
		return waited, nil
	}
	u, ok := errors.AsType[*unavailableError](err)
	if !ok {
		return waited, refuse(&keyUnknown, evidence{})
	}
	e := refuse(&keysUnavailable, evidence{cause: u.cause})
	e.RetryAfter = u.retry
	return waited, e
}

// checkSignature verifies with golang-jwt's RS256.
func (w *workspace) checkSignature() *Error {
	if jwt.SigningMethodRS256.Verify(w.signed, w.signature, w.key) != nil {
		return refuse(&signatureInvalid, evidence{})
	}
	return nil
}

// checkRevoked asks Config.Revoked. Without an answer nobody is let in.
func (v *validator) checkRevoked(ctx context.Context, c *Claims) *Error {
	if v.revoked == nil {
		return nil
	}
	switch revoked, err := v.revoked(ctx, c); {
	case err != nil:
		e := refuse(&revocationUnavailable, evidence{cause: err, client: c.ClientID, verified: true})
		e.RetryAfter = firstBackoff
		return e
	case revoked:
		return refuse(&tokenRevoked, evidence{client: c.ClientID, verified: true})
	}
	return nil
}

// Pool is one user pool, or one kind of token of it, that is accepted, with the
// settings that count for its tokens.
type Pool struct {
	_ [0]func() // keyed literals only

	// ID is the user pool's ID, "eu-west-1_EXAMPLE01": a region, an underscore,
	// letters and digits, at most 55 characters. Region, issuers and key-set URL
	// follow from it, in the partitions aws, aws-cn, aws-us-gov and aws-eusc. For
	// another region, or an emulator, Issuer is needed, and ID may look as it
	// likes; entries of one ID are one pool to those who key data by PoolID.
	// Required.
	ID string
	// ClientIDs are the app clients whose tokens are accepted, compared with
	// client_id, on ID tokens with aud. Required, unless
	// DangerouslyAllowAnyClient. Each is at most 128 bytes of printable ASCII
	// without space and comma, and is there once.
	ClientIDs []string
	// TokenUse is the kind of token, AccessToken or IDToken. Empty: AccessToken.
	// To accept both, list the pool twice.
	TokenUse TokenUse
	// Audiences are the resource identifiers that this API answers to (RFC 8707),
	// compared byte for byte, each not empty and there once. With them, a user's token must name one of them in
	// aud. A machine's, which no client can bind to a resource, may as well have no
	// aud, or its own client_id there. None: a token with an aud that does not name
	// its own client_id is refused. Access tokens only: with TokenUse IDToken
	// they are a mistake, and so is an app client's ID among them.
	Audiences []string
	// ReplicaRegions are further regions of a multi-Region pool, whose original
	// form of the issuer is accepted too. The updated form always names the
	// primary region. None: that of ID alone. They are of its partition, each is
	// there once, without ID's own, and they exclude Issuer. Each has a key set of
	// its own, unless JWKSURL or JWKS says where all keys are.
	ReplicaRegions []string
	// MaxLifetime bounds exp - iat, or exp - now without iat; Config.Leeway is
	// added. Zero: 24 h, the longest that Cognito allows; an emulator may need
	// more. At most 100 years, not negative. A token that lives longer is refused
	// with 401 (lifetime_too_long).
	MaxLifetime time.Duration
	// Issuer replaces the issuers that follow from ID, for emulators and custom
	// endpoints, or to pin one form. It is compared byte for byte and is not
	// called, except for keys, if neither JWKSURL nor JWKS is there. Empty: the
	// original form, https://cognito-idp.{region}.amazonaws.com/{ID}, and the
	// updated one, https://issuer-cognito-idp.{region}.amazonaws.com/{ID}, with
	// the host suffix of the partition. An http or https URL without user, query
	// and fragment, whose last slash counts like any other byte, and on Cognito's
	// own hosts one of these forms for ID; excludes ReplicaRegions.
	Issuer string
	// JWKSURL is where keys are fetched, if elsewhere than at the issuer. Empty:
	// /.well-known/jwks.json below Issuer, or else below the original form of ID's
	// issuer and, where that fails or takes a second, below the updated one; for
	// tokens of a replica region below that region's. It has neither user
	// nor fragment and must be https, or http on loopback (localhost, 127.0.0.0/8,
	// ::1) unless DangerouslyAllowHTTP is set.
	JWKSURL string
	// JWKS is a key set known in advance (RFC 7517): nothing is fetched, and a
	// key that is not in it stays unknown. It does not age. Nil: keys are fetched.
	// At most 256 KiB and 100 keys, with one that is usable; an empty one is a
	// mistake. Excludes JWKSURL.
	JWKS []byte
	// DangerouslyAllowAnyClient accepts every app client of the pool, those that
	// somebody registers tomorrow included. False: ClientIDs alone. Excludes
	// ClientIDs.
	DangerouslyAllowAnyClient bool
	// DangerouslyAllowHTTP allows a key-set URL with http on any host. Whoever is
	// on the way can then replace the keys. False: on loopback alone. Where nothing
	// is fetched by http it changes nothing.
	DangerouslyAllowHTTP bool
}

const (
	defaultMaxLifetime = 24 * time.Hour
	maxMaxLifetime     = 100 * 365 * 24 * time.Hour
	wellKnownKeys      = "/.well-known/jwks.json"
	maxPoolIDBytes     = 55
)

// partitions are the endpoint suffixes by region.
var partitions = []struct {
	region *regexp.Regexp
	suffix string
}{
	{regexp.MustCompile(`^(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+$`), "amazonaws.com"},
	{regexp.MustCompile(`^us-gov-[a-z]+-[0-9]+$`), "amazonaws.com"},
	{regexp.MustCompile(`^cn-[a-z]+-[0-9]+$`), "amazonaws.com.cn"},
	{regexp.MustCompile(`^eusc-[a-z]+-[a-z]+-[0-9]+$`), "amazonaws.eu"},
}

// partition is the index of a region's partition, -1 if it is in none of them.
func partition(region string) int {
	for i, p := range partitions {
		if p.region.MatchString(region) {
			return i
		}
	}
	return -1
}

var (
	poolID       = regexp.MustCompile(`^([a-z0-9-]+)_[0-9a-zA-Z]+$`)
	identityPool = regexp.MustCompile(`^[a-z0-9-]+:[0-9a-fA-F-]{36}$`)
)

// pool checks the i-th Pool and adds what it accepts.
func (b *builder) pool(i int, p Pool) {
	field := "Pools[" + strconv.Itoa(i) + "]."
	fault := func(format string, args ...any) { b.mistake(field+format, args...) }
	e := &entry{id: p.ID, use: p.TokenUse, audiences: slices.Clone(p.Audiences), maxLifetime: p.MaxLifetime}
	if e.use == "" {
		e.use = AccessToken
	}
	if e.maxLifetime == 0 {
		e.maxLifetime = defaultMaxLifetime
	}
	region := p.checkID(fault)
	e.clients = p.checkClients(fault)
	p.checkRest(e, fault)
	p.checkIssuer(region, fault)
	p.checkURLs(fault)
	var static *keySet
	if p.JWKS != nil {
		var err error
		if static, err = parseKeySet(p.JWKS); err != nil {
			fault("JWKS: %v", err)
		}
	}
	for iss, source := range b.trusts(p, region, static) {
		b.accept(field, iss, &trust{e, source})
	}
}

// accept makes t responsible for the tokens of iss that are of its kind.
func (b *builder) accept(field, iss string, t *trust) {
	key := string(t.use) + " " + iss
	if other := b.uses[key]; other != "" {
		b.mistake("%sTokenUse: %s tokens of issuer %q are accepted by Config.%s already: merge the two, with the ClientIDs of both, or let them differ in TokenUse",
			field, t.use, iss, strings.TrimSuffix(other, "."))
		return
	}
	b.uses[key] = field
	if b.issuers[iss] == nil {
		b.issuers[iss] = &issuer{}
		b.known = append(b.known, iss)
	}
	b.first = cmp.Or(b.first, t)
	if t.use == IDToken {
		b.issuers[iss].id = t
	} else {
		b.issuers[iss].access = t
	}
}

// issuers are the values of iss that a Pool accepts: the one that is set, or
// the original and the updated form, and the original form of each replica.
func (p *Pool) issuers(region string) []string {
	if p.Issuer != "" {
		return []string{p.Issuer}
	}
	home := partition(region)
	if home < 0 {
		return nil
	}
	suffix := "." + partitions[home].suffix + "/" + p.ID
	all := []string{"https://cognito-idp." + region + suffix, "https://issuer-cognito-idp." + region + suffix}
	for _, replica := range p.ReplicaRegions {
		all = union(all, []string{"https://cognito-idp." + replica + suffix})
	}
	return all
}

// trusts are the issuers of a Pool, each with the source of its keys.
func (b *builder) trusts(p Pool, region string, static *keySet) iter.Seq2[string, *keySource] {
	return func(yield func(string, *keySource) bool) {
		issuers := p.issuers(region)
		var shared *keySource
		switch {
		case p.JWKS != nil:
			shared = b.source(p.ID)
			if static != nil {
				shared.publish(static, nil)
			}
		case p.JWKSURL != "":
			shared = b.source(p.ID, p.JWKSURL)
		case p.Issuer != "":
			shared = b.source(p.ID, p.Issuer+wellKnownKeys)
		}
		for i, iss := range issuers {
			source := shared
			switch {
			case source != nil:
			case i < 2: // the two forms for the primary region
				source = b.source(p.ID, issuers[0]+wellKnownKeys, issuers[1]+wellKnownKeys)
			default:
				source = b.source(p.ID, iss+wellKnownKeys)
			}
			if !yield(iss, source) {
				return
			}
		}
	}
}

// source is the key source for these URLs, one for all Pool entries.
func (b *builder) source(pool string, urls ...string) *keySource {
	for _, s := range b.sources {
		if len(urls) > 0 && slices.Equal(s.urls, urls) {
			return s
		}
	}
	s := newKeySource(pool, urls, b.client, b.now, b.log)
	b.sources = append(b.sources, s)
	return s
}

// checkID returns the region of the pool, "" if it has none that is known.
func (p *Pool) checkID(fault func(string, ...any)) (region string) {
	m := poolID.FindStringSubmatch(p.ID)
	if m != nil {
		region = m[1]
	}
	known := knownPool(p.ID)
	switch {
	case p.ID == "":
		fault("ID is empty, expected a user pool's ID such as %q", "eu-west-1_EXAMPLE01")
	case strings.TrimSpace(p.ID) != p.ID && knownPool(strings.TrimSpace(p.ID)):
		fault("ID %q is not of the form region_name, for the white space around it: expected %q", p.ID, strings.TrimSpace(p.ID))
	case identityPool.MatchString(p.ID):
		fault("ID %q is an identity pool's, expected a user pool's such as %q", p.ID, "eu-west-1_EXAMPLE01")
	case p.Issuer != "" || known:
		return region
	case strings.Contains(p.ID, "/") || strings.Contains(p.ID, "."):
		parts := strings.Split(p.ID, "/")
		if i := slices.IndexFunc(parts, knownPool); i >= 0 {
			fault("ID %q is a URL or ARN, expected the user pool's ID in it, %q", p.ID, parts[i])
			return ""
		}
		fault("ID %q is a URL, domain or ARN, expected the user pool's ID such as %q", p.ID, "eu-west-1_EXAMPLE01")
	case region != "":
		fault("ID %q: region %q is in none of the partitions aws, aws-cn, aws-us-gov and aws-eusc; set Issuer as well", p.ID, region)
	default:
		fault("ID %q is not of the form region_name, such as %q; an emulator's ID needs Issuer as well", p.ID, "eu-west-1_EXAMPLE01")
	}
	return ""
}

// checkClients returns the accepted app clients, nil for any.
func (p *Pool) checkClients(fault func(string, ...any)) map[string]bool {
	if p.DangerouslyAllowAnyClient {
		if len(p.ClientIDs) > 0 {
			fault("DangerouslyAllowAnyClient and ClientIDs exclude each other: drop one")
		}
		return nil
	}
	if len(p.ClientIDs) == 0 {
		fault("ClientIDs is empty: name the app clients that may call this API; a token of any other client of the pool is refused (DangerouslyAllowAnyClient admits them all)")
	}
	clients := map[string]bool{}
	for i, id := range p.ClientIDs {
		switch {
		case id == "":
			fault("ClientIDs[%d] is empty: drop it", i)
		case strings.Contains(id, ","):
			fault("ClientIDs[%d] %q: a comma separates nothing here, put one ID into each string", i, id)
		case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) || len(id) > 128:
			fault("ClientIDs[%d] %q is no app client's ID: one ID of at most 128 letters and digits each", i, id)
		case clients[id]:
			fault("ClientIDs[%d] %q is there twice: drop one", i, id)
		}
		clients[id] = true
	}
	return clients
}

func (p *Pool) checkRest(e *entry, fault func(string, ...any)) {
	if e.use != AccessToken && e.use != IDToken {
		fault("TokenUse is %q, expected AccessToken, IDToken or nothing", p.TokenUse)
	}
	if p.MaxLifetime < 0 || p.MaxLifetime > maxMaxLifetime {
		fault("MaxLifetime is %s, expected 0 (for %s) to %s", p.MaxLifetime, defaultMaxLifetime, maxMaxLifetime)
	}
	if len(p.Audiences) > 0 && e.use == IDToken {
		fault("Audiences and TokenUse IDToken exclude each other: the aud of an ID token is its app client, which ClientIDs checks")
	}
	for i, aud := range p.Audiences {
		switch {
		case aud == "":
			fault("Audiences[%d] is empty: drop it", i)
		case slices.Contains(p.Audiences[:i], aud):
			fault("Audiences[%d] %q is there twice: drop one", i, aud)
		case e.clients[aud]:
			fault("Audiences[%d] %q is an app client's ID: leave it in ClientIDs alone, which client_id is compared with; "+
				"access tokens have no aud, unless they are bound to the URL of an API, and those are Audiences", i, aud)
		}
	}
}

// checkIssuer checks Issuer and ReplicaRegions.
func (p *Pool) checkIssuer(region string, fault func(string, ...any)) {
	for i, replica := range p.ReplicaRegions {
		switch home := partition(region); {
		case p.Issuer != "":
			fault("ReplicaRegions and Issuer exclude each other: Issuer is the only one that is accepted")
			return
		case home < 0: // ID is at fault
		case partition(replica) < 0:
			fault("ReplicaRegions[%d] %q is not a region, such as %q", i, replica, "us-east-1")
		case partition(replica) != home:
			fault("ReplicaRegions[%d] %q is in another partition than the pool's region %q", i, replica, region)
		case replica == region || slices.Contains(p.ReplicaRegions[:i], replica):
			fault("ReplicaRegions[%d] %q is there already: the pool's own region %q counts without being listed", i, replica, region)
		}
	}
	if p.Issuer == "" {
		return
	}
	u, err := url.Parse(p.Issuer)
	if u != nil {
		u.Host = strings.ToLower(u.Host)
	}
	follows := "the issuer follows from ID"
	forms := (&Pool{ID: p.ID}).issuers(region) // none in a region that is not known
	if forms != nil {
		follows += ", and is " + strconv.Quote(forms[0])
	}
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		fault("Issuer %q is not an absolute http or https URL without query and fragment, nor user; leave it empty for a pool on AWS", redacted(p.Issuer))
	case hostedUI(u):
		fault("Issuer %q is the pool's login domain, which issues nothing: leave Issuer empty, %s", p.Issuer, follows)
	case strings.HasPrefix(u.Host, "cognito-identity."):
		fault("Issuer %q issues identity pools' tokens, which are not accepted: leave it empty, %s", p.Issuer, follows)
	case awsIssuer(u) && region != "" && u.Path == "/"+p.ID && !strings.HasPrefix(u.Host[strings.Index(u.Host, "cognito-idp."):], "cognito-idp."+region+"."):
		fault("Issuer %q is not in region %q of ID %q: leave Issuer empty, or use ReplicaRegions for a multi-Region pool", p.Issuer, region, p.ID)
	case strings.HasSuffix(p.Issuer, "/") && slices.Contains(forms, strings.TrimRight(p.Issuer, "/")):
		fault("Issuer %q ends in a slash, and issuers are compared byte for byte: leave Issuer empty, %s", p.Issuer, follows)
	case awsIssuer(u) && forms != nil && (u.Path != "/"+p.ID || !strings.HasPrefix(p.Issuer, "https://"+u.Host)):
		fault("Issuer %q is none of ID %q: leave Issuer empty, %s", p.Issuer, p.ID, follows)
	case awsIssuer(u) && !strings.HasPrefix(p.Issuer, "https://"+u.Host):
		fault("Issuer %q: Cognito writes %q, and issuers are compared byte for byte", p.Issuer, "https://"+u.Host)
	case awsIssuer(u) && u.Path != "/"+p.ID:
		fault("Issuer %q: expected the path %q, which is ID, on Cognito's own host", p.Issuer, "/"+p.ID)
	}
}

// redacted is a URL without the password in it.
func redacted(s string) string {
	u, err := url.Parse(s)
	switch {
	case err == nil && u.User != nil:
		return u.Redacted()
	case err != nil && strings.Contains(s, "@"):
		return "(not a URL)"
	}
	return s
}

func hostedUI(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".amazoncognito.com") || strings.HasSuffix(host, ".amazoncognito.com.cn")
}

func awsIssuer(u *url.URL) bool {
	return strings.HasPrefix(u.Host, "cognito-idp.") || strings.HasPrefix(u.Host, "issuer-cognito-idp.")
}

// onAWS reports whether u is on a host of AWS where the pool of that ID has its
// issuer or a replica's.
func onAWS(u *url.URL, id string) bool {
	region, _ := userPool("https://" + strings.ToLower(u.Host) + "/" + id)
	return region != ""
}

// checkURLs checks where keys come from.
func (p *Pool) checkURLs(fault func(string, ...any)) {
	where, address := "JWKSURL", p.JWKSURL
	switch {
	case p.JWKS != nil && p.JWKSURL != "":
		fault("JWKS and JWKSURL exclude each other: drop one")
		return
	case p.JWKS != nil:
		return
	case address == "":
		where, address = "Issuer", p.Issuer
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "":
		if where == "JWKSURL" { // Issuer has been checked, or is left to ID
			fault("JWKSURL %q is not an absolute https URL without user and fragment", redacted(address))
		}
	case where == "JWKSURL" && onAWS(u, p.ID) && u.Path != "/"+p.ID+wellKnownKeys:
		fault("JWKSURL %q: pool %q has its keys at the path %q; leave JWKSURL empty, the URL follows from ID", address, p.ID, "/"+p.ID+wellKnownKeys)
	case where == "JWKSURL" && hostedUI(u):
		fault("JWKSURL %q is on the pool's login domain, which has no keys: leave it empty, the URL follows from ID", address)
	case u.Scheme == "http" && !p.DangerouslyAllowHTTP && !loopback(u.Hostname()):
		fault("%s %q: keys are fetched over https, or http on loopback only; DangerouslyAllowHTTP allows it elsewhere", where, address)
	}
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback() // nil is none
}
