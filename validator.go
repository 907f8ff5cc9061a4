package cognitoauth

// This file holds Validate: the order of all checks of a token, the cache of
// tokens, the signature and the revocation. The diagram below names the files
// of the other checks.

import (
	"context"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/jws"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/rs256"
	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// validator makes all checks of a token, in this order:
//
//	remembered token ─► its times and its key ──────────────────────┐
//	other token ─► form and header (jws) ─► payload (claims.go)     │
//	  ─► the Pool entry for iss and token_use ─► claims (check.go)  │
//	  ─► key (jwks.go) ─► signature ─► remember it ─────────────────┤
//	                         Pool.AllowClient (clients.go) ─► Config.Revoked
//
// The checks of the claims come before the signature, but they can only refuse.
// So an expired token, or one for another API, costs neither the verification of
// a signature nor a fetch. The cache and the caller get the claims only after
// the signature is verified.
type validator struct {
	issuers map[string]*issuer
	known   []string // the issuers, in the order of the configuration
	first   *trust   // of the first Pool entry, for Explain
	headers jws.Headers
	spaces  sync.Pool                     // of *workspace
	tokens  *tokencache.Cache[remembered] // nil: off
	terms
	limit   int // of a token's length, in bytes
	revoked func(context.Context, *Claims) (bool, error)
}

// clock tells the time; leeway is how far it may be off.
type clock struct {
	now    func() time.Time
	leeway time.Duration
}

// Validate decides about one token without a request, for example in a gRPC
// interceptor, in a Lambda handler or for the ticket of a WebSocket. token is
// the compact form without "Bearer". Validate applies no policy: the caller
// checks its own with [Policy.Check]. The claims are the caller's own copy.
//
// A refusal is an [*Error]. If the key of the token must be fetched first,
// Validate waits for it until ctx ends, at most 3 s. Validate is safe for
// concurrent use. A zero Middleware refuses every token.
//
// [RFC 7519, section 7.2] lists the steps of validation, and [RFC 8725] the
// known attacks. The developer guide has what Cognito requires in addition,
// under "Verifying JSON web tokens".
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

// validate does what Validate does, and stores the claims in what place
// returns. It calls place for a verified token only: a refused one needs no
// memory for claims.
func (m *Middleware) validate(ctx context.Context, token string, place func() *Claims) *Error {
	if m == nil || m.validator == nil {
		return refuse(&notWired, evidence{})
	}
	if err := m.checkSize(token); err != nil {
		err.realm = m.realm
		return err
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
		// Config.Revoked may change its claims, so it must not get those of the
		// workspace or the cache.
		own := place()
		*own = *c
		if err = t.checkAllowed(ctx, own); err == nil {
			err = m.checkRevoked(ctx, own)
		}
		// mutant: equivalent, nobody looks at the claims of what is refused
		if err != nil {
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

// remembered is what the token cache has for a verified token. It is never
// changed.
type remembered struct {
	claims Claims
	trust  *trust
	key    *keyset.Key // that verified the token
}

// checkSize refuses a token that is too long before we read a byte of it.
func (v *validator) checkSize(token string) *Error {
	if len(token) > v.limit {
		return refuse(&tokenTooLarge, evidence{size: len(token), limit: v.limit})
	}
	return nil
}

// recall returns the claims of a token that was verified before, if its key is
// still in the key set, the set is not too old, and the token's times are still
// good. The other checks cannot have another result now. If recall returns nil,
// the token needs all checks. The claims belong to the cache: do not change
// them.
func (v *validator) recall(token string) (*trust, *Claims) {
	if v.tokens == nil {
		return nil, nil
	}
	known := v.tokens.Find(token)
	if known == nil {
		return nil, nil
	}
	now := v.now()
	k := known.trust.source.usable(now).find(known.claims.keyID)
	if k != known.key || !known.current(now) {
		return nil, nil
	}
	return known.trust, &known.claims
}

// current reports whether the times of a remembered token are still good. The
// last condition is for a token without iat after the clock was set back. A
// token with iat slightly in the future may fail it too, and then gets all
// checks.
func (k *remembered) current(now time.Time) bool {
	c, leeway := &k.claims, k.claims.terms.leeway
	return now.Before(c.Expiry.Add(leeway)) &&
		!now.Before(c.NotBefore.Add(-leeway)) && !now.Before(c.IssuedAt.Add(-leeway)) &&
		c.Expiry.Sub(now) <= k.trust.maxLifetime+leeway
}

// verify makes all checks of the token in the workspace except revocation. It
// returns no trust if the token is refused before choose finds one.
func (v *validator) verify(ctx context.Context, w *workspace) (*trust, *Error) {
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
		c.PoolID, c.terms, w.now = t.id, &v.terms, v.now()
		err = v.admit(ctx, t, w, c)
	}
	if err != nil {
		err.kid = c.keyID
	}
	return t, err
}

// admit makes the checks that follow the choice of the Pool entry. It remembers
// a token that passes them.
func (v *validator) admit(ctx context.Context, t *trust, w *workspace, c *Claims) *Error {
	if err := v.checkClaims(t, w, c); err != nil {
		return err
	}
	waited, err := t.findKey(ctx, w)
	if err != nil {
		return err
	}
	again, err := t.checkSignature(ctx, w)
	if err != nil {
		return err
	}
	if waited || again { // the token may have expired meanwhile
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

// workspace has the variables of one validation. The next validation uses it
// again, so that a validation allocates little more than the claims it returns.
type workspace struct {
	token  string
	now    time.Time // read once, so that all checks use the same time
	jws    jws.Token // the decoded parts of the token
	claims Claims
	key    *keyset.Key // for the token's kid

	times   times
	inTimes *jwt.Validator // uses the now above; the next validation keeps it
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

// done removes the token and its claims from w, and puts w back into the pool
// of workspaces.
func (w *workspace) done(spaces *sync.Pool) {
	if w.jws.Reset() {
		w.token, w.key = "", nil
		w.claims = Claims{}
		w.times = times{}
		spaces.Put(w)
	}
}

// refuseForm returns the refusal for a fault in the token's form or header.
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

// findKey finds the key for the token's kid, and reports whether it had to wait
// for a fetch.
func (t *trust) findKey(ctx context.Context, w *workspace) (waited bool, _ *Error) {
	k, waited, err := t.source.key(ctx, w.jws.Header.KeyID, w.now)
	if err == nil {
		w.key = k
		return waited, nil
	}
	var e *Error
	switch err := err.(type) {
	case *unavailableError:
		e = refuse(&keysUnavailable, evidence{cause: err.cause})
		e.RetryAfter = err.retry
	case *endedError:
		e = refuse(&requestEnded, evidence{cause: err.cause})
		e.RetryAfter = firstBackoff
	default:
		e = refuse(&keyUnknown, evidence{})
	}
	return waited, e
}

// checkSignature verifies the signature. If it is bad, checkSignature looks for
// another key that has the same kid by now, and reports that it has.
func (t *trust) checkSignature(ctx context.Context, w *workspace) (again bool, _ *Error) {
	if w.signed() {
		return false, nil
	}
	if k := t.source.replacement(ctx, w.jws.Header.KeyID, w.key, w.now); k != nil {
		if w.key = k; w.signed() {
			return true, nil
		}
	}
	return true, refuse(&signatureInvalid, evidence{})
}

// signed verifies the signature by the prepared key, or with RS256 of golang-jwt
// where package rs256 leaves it to that.
func (w *workspace) signed() bool {
	return rs256.SigningMethod{}.Verify(w.jws.Signed, w.jws.Signature, w.key.Verifier) == nil
}

// checkRevoked asks Config.Revoked. An error of Revoked refuses the token.
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
