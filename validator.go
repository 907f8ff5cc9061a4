package cognitoauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/jws"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// validator owns the order of the checks:
//
//	remembered token ─► its times and its key ──────────────────────┐
//	other token ─► form and header (jws) ─► payload (claims.go)     │
//	  ─► the Pool entry for iss and token_use ─► claims (check.go)  │
//	  ─► key (jwks.go) ─► signature ─► remember it ─────────────────┴─► Config.Revoked
//
// The checks of the claims come before the signature, as refusals only. So an
// expired token, or one meant for another API, costs neither a signature nor a
// fetch. The library does not act on, keep or hand out anything that a token says
// before its signature is verified.
type validator struct {
	issuers map[string]*issuer
	known   []string // the issuers, in the order of the configuration
	first   *trust   // the first Pool entry's
	headers jws.Headers
	spaces  sync.Pool                     // of *workspace
	tokens  *tokencache.Cache[remembered] // nil: off
	clock
	limit   int // bytes of a token
	revoked func(context.Context, *Claims) (bool, error)
}

// clock tells the time, and how far it may be off.
type clock struct {
	now    func() time.Time
	leeway time.Duration
}

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

// remembered is what the cache of tokens knows of a token that was verified. It
// is never changed.
type remembered struct {
	claims Claims
	trust  *trust
	key    *keyset.Key // the very key that verified it
}

// recall finds the claims of a token that was verified before, if that verdict
// still stands: its key is still in the key set, the set is not too old, and the
// token has not expired. Nothing else that could be wrong with it can have changed.
// If recall returns nil, the token has to be validated in full. The claims belong to
// the cache.
func (v *validator) recall(token string) (*trust, *Claims) {
	if v.tokens == nil || len(token) > v.limit {
		return nil, nil
	}
	known := v.tokens.Find(token)
	if known == nil {
		return nil, nil
	}
	now := v.now()
	k := known.trust.source.usable(now).find(known.claims.keyID)
	if k == nil || k != known.key || !known.current(now) {
		return nil, nil
	}
	return known.trust, &known.claims
}

// current reports whether the times of a token that was good still are. After the
// clock was set back, a token without iat may have too long to live. A token with
// iat in the future is then validated in full.
func (k *remembered) current(now time.Time) bool {
	c, leeway := &k.claims, k.claims.clock.leeway
	return now.Before(c.Expiry.Add(leeway)) &&
		!now.Before(c.NotBefore.Add(-leeway)) && !now.Before(c.IssuedAt.Add(-leeway)) &&
		c.Expiry.Sub(now) <= k.trust.maxLifetime+leeway
}

// verify makes every check of the workspace's token but that of its revocation.
// The trust is nil if the token did not get far enough to select one.
func (v *validator) verify(ctx context.Context, w *workspace) (*trust, *Error) {
	if len(w.token) > v.limit {
		return nil, refuse(&tokenTooLarge, evidence{size: len(w.token), limit: v.limit})
	}
	if fault := w.jws.Split(w.token, &v.headers); fault != jws.None {
		return nil, w.refuseForm(fault)
	}
	c := &w.claims
	c.keyID = w.jws.Header.KeyID
	err := c.decode(w.jws.Payload)
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

// admit makes the checks that come after the choice of the Pool entry, and
// remembers a token that passes.
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
	if waited { // the token may have expired meanwhile
		if now := v.now(); !now.Before(c.Expiry.Add(v.leeway)) {
			return refuse(&tokenExpired, evidence{now: now, at: c.Expiry, leeway: v.leeway, verified: true})
		}
	}
	v.headers.Remember(&w.jws)
	if v.tokens != nil {
		v.tokens.Add(w.token, remembered{*c, t, w.key}, c.bytes())
	}
	return nil
}

// workspace is what one validation works in. The next validation uses it again, so
// that a validation allocates little more than the claims that it hands out.
type workspace struct {
	token  string
	now    time.Time // the one reading of the clock that counts
	jws    jws.Token // the token taken apart
	claims Claims
	key    *keyset.Key // of the token's kid

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

// done gives w back to the pool that it came from, with neither token nor claims
// in it.
func (w *workspace) done(spaces *sync.Pool) {
	if w.jws.Reset() {
		*w = workspace{jws: w.jws, inTimes: w.inTimes}
		spaces.Put(w)
	}
}

// refuseForm is the refusal for a fault of the token's form or header.
func (w *workspace) refuseForm(fault jws.Fault) *Error {
	h := w.jws.Rejected()
	switch fault {
	case jws.Algorithm:
		return refuse(&algorithmUnsupported, evidence{found: h.Algorithm, kid: h.KeyID})
	case jws.KeyIDMissing, jws.KeyIDNotString, jws.KeyIDEmpty, jws.KeyIDTooLong:
		return refuse(&keyIDInvalid, evidence{found: h.KeyID, note: noteKeyID(fault, h)})
	case jws.ForbiddenMember:
		return refuse(&headerUnsupported, evidence{claim: h.Forbidden, kid: h.KeyID})
	case jws.Type:
		return refuse(&typeUnsupported, evidence{found: h.Type, kid: h.KeyID})
	}
	return refuse(&tokenMalformed, evidence{note: noteForm(fault, w.token)})
}

// findKey finds the key of the token's kid. It reports whether it had to wait for
// it.
func (t *trust) findKey(ctx context.Context, w *workspace) (waited bool, _ *Error) {
	k, waited, err := t.source.key(ctx, w.jws.Header.KeyID, w.now)
	if err == nil {
		w.key = k
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
	if jwt.SigningMethodRS256.Verify(w.jws.Signed, w.jws.Signature, w.key.Public) != nil {
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
