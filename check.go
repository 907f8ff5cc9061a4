package cognitoauth

// This file holds the checks of a token's claims that every token has to pass:
// times, lifetime, app client, subject, audience and binding. Validate runs them
// before it verifies the signature. So they can only refuse: a token that passes
// them all still needs a good signature. What a route asks for beyond them is a
// Policy.

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/record"
	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// issuer is one accepted value of iss: the Pool entry for its access tokens and
// the one for its ID tokens. At least one of the two is not nil.
type issuer struct {
	access, id *trust
}

// trust is one Pool entry together with the key source of one of its issuers. It is
// never changed.
type trust struct {
	*entry
	source *keySource
	*tenure
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

// checkClaims makes the checks of the claims that follow those of the times, and
// returns the first refusal. It reads what the record of the payload is made from: a
// token that is refused needs no record.
func checkClaims(t *trust, b *record.Builder) *Error {
	if err := checkClient(t, b); err != nil {
		return err
	}
	if err := checkSubject(b); err != nil {
		return err
	}
	if err := checkAudience(t, b); err != nil {
		return err
	}
	return checkUnbound(b)
}

// isMachine is Claims.IsMachine of a token that has no record yet.
func isMachine(b *record.Builder) bool {
	return string(b.Text(tokenUseText)) == string(AccessToken) && !b.Has(usernameText)
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
func (v *validator) checkTimes(w *workspace, exp, nbf, iat time.Time) *Error {
	w.times.exp.Time, w.times.nbf.Time, w.times.iat.Time = exp, nbf, iat
	err := w.inTimes.Validate(&w.times)
	if err == nil {
		return nil
	}
	ev := evidence{now: w.now, leeway: v.leeway}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired): // first, as most refused tokens have
		ev.at = exp
		return refuse(&tokenExpired, ev)
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse(&expiryMissing, ev)
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		ev.claim, ev.at = "nbf", nbf
		return refuse(&tokenNotYetValid, ev)
	}
	ev.claim, ev.at = "iat", iat
	return refuse(&tokenIssuedInFuture, ev)
}

// checkLifetime refuses a token that lives longer than Pool.MaxLifetime.
// Cognito issues no token for longer than a day, so a longer one is not from
// Cognito, or its times are in milliseconds.
func (v *validator) checkLifetime(t *trust, w *workspace, exp, iat time.Time) *Error {
	from, claim := iat, "iat"
	if from.IsZero() {
		from, claim = w.now, "now"
	}
	if exp.Sub(from) <= t.maxLifetime+v.leeway {
		return nil
	}
	return refuse(&lifetimeTooLong, evidence{claim: claim, at: exp, now: from})
}

// checkClient compares the app client that the token was issued to, because
// most access tokens of Cognito have no audience. It is in client_id on access
// tokens and in aud on ID tokens; we never accept one for the other. With
// Pool.RegisteredClients, checkAudience has the last word about a client that is
// not listed: its refusal names what the client can mend. With Pool.AllowClient,
// such a client has to wait for the signature.
func checkClient(t *trust, b *record.Builder) *Error {
	client, note := b.Text(clientIDText), ""
	switch {
	case len(client) == 0:
	case t.clients == nil, t.clients[string(client)]:
		return nil
	case t.registered && isMachine(b): // whatever AllowClient would say
		note = noteMachine
	case t.registered, t.allow != nil:
		return nil
	case bindsHere(t, b):
		note = noteRegistered
	}
	return refuse(&clientMismatch, evidence{claim: t.clientClaim(), found: string(client), note: note})
}

// bindsHere reports whether a user's token is refused for its client alone, as
// Pool.RegisteredClients would accept it.
func bindsHere(t *trust, b *record.Builder) bool {
	if isMachine(b) {
		return false
	}
	client := b.Text(clientIDText)
	for aud := range audience(b).All {
		if !bytes.Equal(aud, client) && t.takes(aud) {
			return true
		}
	}
	return false
}

// audience is Claims.audience of a token that has no record yet.
func audience(b *record.Builder) strictjson.Draft { return strictjson.Draft(b.Text(audienceText)) }

// takes reports whether aud is one of Pool.Audiences.
func (e *entry) takes(aud []byte) bool {
	for _, own := range e.audiences {
		if own == string(aud) {
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

func checkSubject(b *record.Builder) *Error {
	if len(b.Text(subjectText)) == 0 {
		return refuse(&subjectMissing, evidence{})
	}
	return nil
}

// checkAudience checks aud on access tokens. An API that aud does not name must
// refuse the token (RFC 7519, section 4.1.3). Cognito sets aud to the one
// resource that the token was requested for (RFC 8707). A trigger can set it to
// the token's own client_id, which says nothing about a resource, even if somebody
// has put it into Audiences: it must admit no client by Pool.RegisteredClients.
func checkAudience(t *trust, b *record.Builder) *Error {
	if t.use != AccessToken {
		return nil // aud is the app client, which checkClient checks
	}
	client := b.Text(clientIDText)
	own := len(t.audiences) == 0 || isMachine(b)
	if !b.Has(audienceText) {
		if own {
			return nil
		}
		return refuse(&audienceMismatch, evidence{client: string(client)})
	}
	met, first, empty := false, []byte(nil), false
	for aud := range audience(b).All {
		switch {
		case len(aud) == 0:
			empty = true
		case bytes.Equal(aud, client):
			met = met || own
		default:
			met = met || t.takes(aud)
		}
		if first == nil {
			first = aud
		}
	}
	switch {
	case empty, first == nil:
		return refuse(&audienceMismatch, evidence{note: " is an empty list or names an empty audience", client: string(client)})
	case !met:
		both := string(client) + string(first) // one allocation for the two
		return refuse(&audienceMismatch, evidence{found: both[len(client):], client: both[:len(client)]})
	}
	return nil
}

// checkUnbound refuses a token with cnf. It is bound to a key, and whoever sends it
// has to prove that the key is theirs (RFC 7800, section 3), by DPoP or a client
// certificate. We check no such proof. To take the token as a bearer token would
// let a thief use what the binding should make worthless. Cognito issues none; a
// pre token generation trigger can.
func checkUnbound(b *record.Builder) *Error {
	if b.Has(bindingDraft) {
		return refuse(&tokenBound, evidence{claim: "cnf"})
	}
	return nil
}
