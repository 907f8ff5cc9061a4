package cognitoauth

// This file holds the checks of a token's claims that every token has to pass:
// times, lifetime, app client, subject, audience and binding. Validate runs them
// before it verifies the signature. So they can only refuse: a token that passes
// them all still needs a good signature. What a route asks for beyond them is a
// Policy.

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is one accepted value of iss: the Pool entry for its access tokens and
// the one for its ID tokens. At least one of the two is not nil.
type issuer struct {
	access, id *trust
}

// trust is one Pool entry together with the key source of one of its issuers. But
// for latest it is never changed.
type trust struct {
	*entry
	source *keySource
	latest atomic.Pointer[remembered] // of the key that verified a token last
}

// entry is what a Pool entry demands of a token.
type entry struct {
	id          string
	use         TokenUse
	clients     map[string]bool // nil: any
	registered  bool            // also users' tokens of clients that are not listed, if aud names one of audiences
	allow       func(ctx context.Context, clientID string, machine bool) (bool, error)
	audiences   []string
	maxLifetime time.Duration
}

// choose returns the Pool entry for the token's iss and token_use. If only its
// token_use is wrong, it returns an entry of that issuer together with the
// refusal. It copies nothing but what it refuses.
func (v *validator) choose(issuer, use []byte) (*trust, *Error) {
	iss := v.issuers[string(issuer)]
	switch {
	case iss == nil:
		return nil, refuse(&issuerMismatch, evidence{found: string(issuer), known: v.known})
	case string(use) == string(AccessToken) && iss.access != nil:
		return iss.access, nil
	case string(use) == string(IDToken) && iss.id != nil:
		return iss.id, nil
	}
	t, known := iss.access, tokenUses
	switch {
	case iss.access == nil:
		t, known = iss.id, tokenUses[1:]
	case iss.id == nil:
		known = tokenUses[:1]
	}
	return t, refuse(&tokenUseMismatch, evidence{found: string(use), known: known})
}

// tokenUses are the values of token_use, in the order in which Detail names them.
var tokenUses = []string{string(AccessToken), string(IDToken)}

// checkClaims makes the checks of the claims that follow those of the times, but for
// cnf, and returns the first refusal.
func checkClaims(t *trust, c *Claims) *Error {
	if err := checkClient(t, c); err != nil {
		return err
	}
	if err := checkSubject(c); err != nil {
		return err
	}
	return checkAudience(t, c)
}

// times passes exp, nbf and iat to the validator of golang-jwt.
type times struct {
	jwt.Claims // for the accessors that the validator, as we configure it, never calls

	exp, nbf, iat jwt.NumericDate
}

func (t *times) GetExpirationTime() (*jwt.NumericDate, error) { return present(&t.exp), nil }

func (t *times) GetNotBefore() (*jwt.NumericDate, error) { return present(&t.nbf), nil }

func (t *times) GetIssuedAt() (*jwt.NumericDate, error) { return present(&t.iat), nil }

func present(d *jwt.NumericDate) *jwt.NumericDate {
	if d.IsZero() {
		return nil
	}
	return d
}

// checkTimes requires exp, which must be in the future. nbf and iat are
// optional and must not be in the future. Each check allows the leeway (RFC
// 7519, sections 4.1.4 to 4.1.6).
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

// checkLifetime refuses a token that lives longer than Pool.MaxLifetime.
// Cognito issues no token for longer than a day, so a longer one is not from
// Cognito, or its times are in milliseconds.
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

// checkClient compares the app client that the token was issued to, because
// most access tokens of Cognito have no audience. It is in client_id on access
// tokens and in aud on ID tokens; we never accept one for the other. With
// Pool.RegisteredClients, checkAudience has the last word about a client that is
// not listed: its refusal names what the client can mend. With Pool.AllowClient,
// such a client has to wait for the signature.
func checkClient(t *trust, c *Claims) *Error {
	note := ""
	switch {
	case c.ClientID == "":
	case t.clients == nil, t.isListed(c.ClientID):
		return nil
	case t.registered && c.IsMachine(): // whatever AllowClient would say
		note = noteMachine
	case t.registered, t.allow != nil:
		return nil
	case bindsHere(t, c):
		note = noteRegistered
	}
	return refuse(&clientMismatch, evidence{claim: t.clientClaim(), found: c.ClientID, note: note})
}

// bindsHere reports whether a user's token is refused for its client alone, as
// Pool.RegisteredClients would accept it.
func bindsHere(t *trust, c *Claims) bool {
	if c.IsMachine() {
		return false
	}
	for aud := range c.audience().All {
		if aud != c.ClientID && slices.Contains(t.audiences, aud) {
			return true
		}
	}
	return false
}

// clientClaim is the claim that has the app client.
func (e *entry) clientClaim() string {
	if e.use == IDToken {
		return "aud"
	}
	return "client_id"
}

func checkSubject(c *Claims) *Error {
	if c.Subject == "" {
		return refuse(&subjectMissing, evidence{})
	}
	return nil
}

// checkAudience checks aud on access tokens. An API that aud does not name must
// refuse the token (RFC 7519, section 4.1.3). Cognito sets aud to the one
// resource that the token was requested for (RFC 8707). A trigger can set it to
// the token's own client_id, which says nothing about a resource, even if somebody
// has put it into Audiences: it must admit no client by Pool.RegisteredClients.
func checkAudience(t *trust, c *Claims) *Error {
	if t.use != AccessToken {
		return nil // aud is the app client, which checkClient checks
	}
	if c.audience() == "" {
		if len(t.audiences) == 0 || c.IsMachine() {
			return nil
		}
		return refuse(&audienceMismatch, evidence{holder: c.ClientID})
	}
	own := len(t.audiences) == 0 || c.IsMachine()
	met, found := false, c.audience().First()
	for aud := range c.audience().All {
		if aud == "" {
			found = ""
			break
		}
		if aud == c.ClientID {
			met = met || own
		} else {
			met = met || slices.Contains(t.audiences, aud)
		}
	}
	switch {
	case found == "":
		return refuse(&audienceMismatch, evidence{note: " is an empty list or names an empty audience", holder: c.ClientID})
	case !met:
		return refuse(&audienceMismatch, evidence{found: found, holder: c.ClientID})
	}
	return nil
}

// checkUnbound refuses a token with cnf; bound is whether it has one. Such a token is
// bound to a key, and whoever sends it has to prove that the key is theirs (RFC 7800,
// section 3), by DPoP or a client certificate. We check no such proof. To take the
// token as a bearer token would let a thief use what the binding should make
// worthless. Cognito issues none; a pre token generation trigger can.
func checkUnbound(bound bool) *Error {
	if bound {
		return refuse(&tokenBound, evidence{claim: "cnf"})
	}
	return nil
}
