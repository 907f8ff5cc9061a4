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
	"github.com/cognitoauth/cognitoauth/internal/record"
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
	places  []*trust // by tenure.place
	known   []string // the issuers, in the order of the configuration
	first   *trust   // of the first Pool entry, for Explain
	headers jws.Headers
	spaces  sync.Pool                      // of *workspace
	tokens  *tokencache.Cache[*remembered] // nil: off
	terms
	lent    *terms // the same, for claims, which may outlive the configuration
	limit   int    // of a token's length, in bytes
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
	s := m.state()
	if s == nil {
		return nil, refuse(&notWired, evidence{})
	}
	var c *Claims
	if _, err := s.validate(ctx, token, func() *Claims { c = new(Claims); return c }); err != nil {
		return nil, err
	}
	return c, nil
}

// validate does what Validate does, and stores the claims in what place
// returns. It calls place for a verified token only: a refused one needs no
// memory for claims. remembered is whether the token was verified before.
func (s *state) validate(ctx context.Context, token string, place func() *Claims) (remembered bool, err *Error) {
	if err := s.checkSize(token); err != nil {
		err.realm = s.realm
		return false, err
	}
	good, remembered := s.recall(token)
	if !remembered {
		w := s.space(token)
		good, err = s.verify(ctx, w)
		w.done(&s.spaces)
	}
	if err == nil {
		// Config.Revoked may change its claims, and so may the caller. So each
		// validation has its own.
		own := place()
		good.claims(own, s.lent)
		if err = good.checkAllowed(ctx, own); err == nil {
			err = s.checkRevoked(ctx, own)
		}
		if err != nil {
			// A handler must not find the claims of what is refused.
			*own = Claims{}
			err.trust, err.kid = good.trust, good.key.ID
		}
	}
	if err != nil {
		err.realm = s.realm
	}
	return remembered, err
}

// verified is a token that has passed all checks of verify, now or before.
type verified struct {
	*trust

	key    *keyset.Key // that verified the token
	record record.Record
}

// remembered is what the token cache has of a token besides its record. Many tokens
// share it. It is never changed.
type remembered struct {
	*tenure

	key *keyset.Key // that verified the token
}

// with returns what is remembered of a token that k has verified. One key signs all
// tokens of a kind until it is rotated, so it is mostly the same as for the token
// before.
func (t *trust) with(k *keyset.Key) *remembered {
	r := t.latest.Load()
	if r == nil || r.key != k {
		r = &remembered{t.tenure, k}
		t.latest.Store(r)
	}
	return r
}

// claims stores the claims of the token in c.
func (t *verified) claims(c *Claims, by *terms) {
	c.fill(t.record)
	c.PoolID, c.key, c.terms = t.id, t.key, by
}

// checkSize refuses a token that is too long before we read a byte of it.
func (v *validator) checkSize(token string) *Error {
	if len(token) > v.limit {
		e := refusal(&tokenTooLarge)
		e.size, e.limit = len(token), int32(v.limit)
		return e
	}
	return nil
}

// recall finds a token that was verified before. It counts only if the Pool entry
// that admitted it is one of this configuration, its key is still in the key set,
// the set is not too old, and the token's times are still good. The other checks
// cannot have another result now. If recall returns false, the token needs all
// checks.
func (v *validator) recall(token string) (t verified, ok bool) {
	if v.tokens == nil {
		return t, false
	}
	text, known, ok := v.tokens.Find(token)
	if !ok {
		return t, false
	}
	t = verified{v.holder(known.tenure), known.key, record.Record(text)}
	if t.trust == nil {
		return t, false
	}
	now := v.now()
	return t, t.source.usable(now).find(t.key.ID) == t.key && t.current(now, v.leeway)
}

// current reports whether the times of a remembered token are still good. The
// last condition is for a token without iat after the clock was set back. A
// token with iat slightly in the future may fail it too, and then gets all
// checks.
func (t *verified) current(now time.Time, leeway time.Duration) bool {
	expiry := t.record.Date(expiryDate)
	return now.Before(expiry.Add(leeway)) &&
		!now.Before(t.record.Date(notBeforeDate).Add(-leeway)) && !now.Before(t.record.Date(issuedAtDate).Add(-leeway)) &&
		expiry.Sub(now) <= t.maxLifetime+leeway
}

// verify makes all checks of the token in the workspace except Pool.AllowClient
// and revocation.
func (v *validator) verify(ctx context.Context, w *workspace) (good verified, _ *Error) {
	if fault := w.jws.Split(w.token, &v.headers); fault != jws.None {
		return good, w.refuseForm(fault)
	}
	err := read(w.jws.Payload, &w.record)
	var t *trust
	if err == nil {
		t, err = v.choose(w.record.Text(issuerText), w.record.Text(tokenUseText))
	}
	if err == nil {
		w.now = v.now()
		err = v.admit(ctx, t, w)
	}
	if err != nil {
		err.trust, err.kid = t, w.jws.Header.KeyID
		return good, err
	}
	v.headers.Remember(&w.jws)
	good = verified{t, w.key, w.record.Record()}
	if v.tokens != nil {
		good.record = record.Record(v.tokens.Add(w.token, string(good.record), t.with(w.key)))
	}
	return good, nil
}

// admit makes the checks that follow the choice of the Pool entry.
func (v *validator) admit(ctx context.Context, t *trust, w *workspace) *Error {
	iat, exp := w.record.Date(issuedAtDate), w.record.Date(expiryDate)
	if err := v.checkTimes(w, exp, w.record.Date(notBeforeDate), iat); err != nil {
		return err
	}
	if err := v.checkLifetime(t, w, exp, iat); err != nil {
		return err
	}
	if err := checkClaims(t, &w.record); err != nil {
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
		if now := v.now(); !now.Before(exp.Add(v.leeway)) {
			return refuse(&tokenExpired, evidence{now: now, at: exp, leeway: v.leeway, verified: true})
		}
	}
	return nil
}

// workspace has the variables of one validation. The next validation uses it
// again, so that a validation allocates little more than the claims it returns.
type workspace struct {
	token  string
	now    time.Time      // read once, so that all checks use the same time
	jws    jws.Token      // the decoded parts of the token
	record record.Builder // of the payload, not yet verified
	key    *keyset.Key    // for the token's kid

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
	body := w.jws.Payload != nil
	if !w.jws.Reset() {
		return
	}
	w.token = ""
	// mutant: equivalent `body → false`, the next token overwrites it before it is read
	if body { // or there is nothing in them
		w.key, w.times = nil, times{}
		w.record.Reset()
	}
	spaces.Put(w)
}

// refuseForm returns the refusal for a fault in the token's form or header.
func (w *workspace) refuseForm(fault jws.Fault) *Error {
	h := w.jws.Rejected()
	switch fault {
	case jws.Algorithm:
		e := refusal(&algorithmUnsupported)
		e.found, e.kid = h.Algorithm, h.KeyID
		return e
	case jws.KeyIDMissing, jws.KeyIDNotString, jws.KeyIDEmpty, jws.KeyIDTooLong:
		return refuse(&keyIDInvalid, evidence{found: h.KeyID, note: noteKeyID(fault, h)})
	case jws.ForbiddenMember:
		return refuse(&headerUnsupported, evidence{claim: h.Forbidden, kid: h.KeyID})
	case jws.Type:
		return refuse(&typeUnsupported, evidence{found: h.Type, kid: h.KeyID})
	}
	e := refusal(&tokenMalformed)
	e.note = noteForm(fault, w.token, w.jws.Spaced() || fault != jws.Encoding && hasWhiteSpace(w.token))
	return e
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
