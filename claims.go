package cognitoauth

// This file holds Claims, the claims of a verified token: its fields and
// accessors, and the strict decoding of a token's payload.

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/record"
	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// TokenUse is the kind of a Cognito token: the value of its claim token_use.
type TokenUse string

const (
	// AccessToken is the kind for calling an API. It has the app client in
	// client_id, and scopes.
	AccessToken TokenUse = "access"
	// IDToken is the kind that tells an app who logged in. It has the app client
	// in aud, and the user's attributes, but no scopes.
	IDToken TokenUse = "id"
)

// Claims are the verified claims of one token. They are the caller's own copy:
// a change is not visible to any other request. Any number of goroutines may
// read them at once. The zero value and a nil pointer have no claims, and every
// policy denies them.
//
// The Cognito developer guide lists the claims of each kind of token, under
// "Understanding the access token" and "Understanding the identity token".
type Claims struct {
	_ [0]func() // not comparable

	// Subject is sub, the stable identifier of the user within the pool. On a
	// machine's token without sub it is the ClientID.
	Subject string
	// Username is username on access tokens and cognito:username on ID tokens; ""
	// on a machine's token. A user name can be an e-mail address, and another user
	// can get it later, so key your data by Subject.
	Username string
	// ClientID is the app client: client_id on access tokens, aud on ID tokens.
	ClientID string
	// TokenUse is token_use.
	TokenUse TokenUse
	// Issuer is iss. PoolID is the ID of the Pool entry that accepted the token.
	Issuer, PoolID string
	// ID is jti. OriginID is origin_jti, which all tokens of one login share. Both
	// are "" if token revocation is switched off for the app client.
	ID, OriginID string
	// EventID is event_id; "" on most machine tokens.
	EventID string
	// ACR is acr, the authentication context class; "" if Cognito sends none.
	ACR string
	// AuthTime is auth_time, when the user last logged in; refreshing a token does
	// not change it. IssuedAt, NotBefore and Expiry are iat, nbf and exp. All are
	// in UTC and in whole seconds. Each is zero if the token does not have it;
	// Expiry is never zero.
	AuthTime, IssuedAt, NotBefore, Expiry time.Time

	// What is not asked for often enough to be a field is found in the record, which
	// all Claims of a token share: a validation allocates Claims and little else, so
	// their size is a large part of what the garbage collector has to do.
	record record.Record
	key    *keyset.Key // that verified the token; nil in Claims that come from no token

	// terms are those of the Middleware that verified the token: its clock, for
	// policies about time, and what its scopes imply. It is nil in Claims that come
	// from no token.
	terms *terms
}

// The texts and dates in the record of a payload.
const (
	subjectText = iota
	usernameText
	clientIDText
	tokenUseText
	issuerText
	idText
	originIDText
	eventIDText
	acrText
	scopeText
	groupsText   // the JSON list
	audienceText // the JSON list or string
	// Which of these counts depends on token_use, which may stand behind them.
	idUsernameDraft
	audienceDraft // the text of aud, if it is a string
	bindingDraft  // cnf, which no accepted token has
)

const (
	authTimeDate = iota
	issuedAtDate
	notBeforeDate
	expiryDate
)

// fill stores what the record of a payload has. The record stays as it is, and so
// do the texts, which are parts of it.
func (c *Claims) fill(r record.Record) {
	c.Subject, c.Username, c.ClientID = r.Text(subjectText), r.Text(usernameText), r.Text(clientIDText)
	c.TokenUse, c.Issuer = TokenUse(r.Text(tokenUseText)), r.Text(issuerText)
	c.ID, c.OriginID, c.EventID, c.ACR = r.Text(idText), r.Text(originIDText), r.Text(eventIDText), r.Text(acrText)
	c.AuthTime, c.IssuedAt, c.NotBefore, c.Expiry = r.Date(authTimeDate), r.Date(issuedAtDate), r.Date(notBeforeDate), r.Date(expiryDate)
	c.record = r
}

func (c *Claims) scope() string { return c.record.Text(scopeText) }

func (c *Claims) groups() strictjson.List { return strictjson.List(c.record.Text(groupsText)) }

func (c *Claims) audience() strictjson.List { return strictjson.List(c.record.Text(audienceText)) }

// payload is the JSON object as the token has it, but for escaped slashes.
func (c *Claims) payload() string { return c.record.Document() }

// keyID is the kid of the key that verified the token, "" if there is none.
func (c *Claims) keyID() string {
	if c.key == nil {
		return ""
	}
	return c.key.ID
}

// Scopes returns the scopes in the order of the token, without those that they
// imply (see Config.ImpliedScopes); nil if there are none, as on ID tokens.
func (c *Claims) Scopes() []string {
	if c == nil || c.scope() == "" {
		return nil
	}
	// Not strings.Fields: only the space separates scopes (RFC 6749, section 3.3).
	return strings.FieldsFunc(c.scope(), func(r rune) bool { return r == ' ' })
}

// Groups returns the user's groups (cognito:groups) in the order of the token;
// nil if there are none. Cognito adds a user of a federated provider to a group
// that it names after the pool and the provider.
func (c *Claims) Groups() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.groups().All)
}

// Audience returns aud: nil on most access tokens, the app client on ID tokens,
// and the resource on tokens that are bound to one (RFC 8707).
func (c *Claims) Audience() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.audience().All)
}

// AMR returns amr, the methods of the user's login in the order of the token
// (RFC 8176), such as "pwd" and "otp"; nil if it is not there, or is not an array
// of strings.
func (c *Claims) AMR() []string {
	methods := c.member("amr")
	if !strictjson.IsTexts(strictjson.Value(methods)) {
		return nil
	}
	return slices.Collect(strictjson.List(methods).All)
}

// HasScope reports whether the token has exactly this scope, or one that implies
// it by Config.ImpliedScopes of the Middleware that verified the token. Case
// counts (RFC 6749, section 3.3).
func (c *Claims) HasScope(scope string) bool { return c.holder(scope) != "" }

// HasGroup reports whether the user is in exactly this group. Case counts.
func (c *Claims) HasGroup(group string) bool { return c != nil && c.groups().Contains(group) }

// IsMachine reports whether an app client got the token for itself (client
// credentials grant). Such a token is an access token without a username.
func (c *Claims) IsMachine() bool {
	// Claims that a test has written by hand have a Username and no record.
	return c != nil && c.TokenUse == AccessToken && !c.record.Has(usernameText) && c.Username == ""
}

// String returns the named claim if it is a JSON string, else "". Cognito sends
// every custom attribute ("custom:tenant") as a string.
func (c *Claims) String(name string) string { return c.member(name).Text() }

// member returns the JSON value of a top-level claim as the payload has it.
func (c *Claims) member(name string) strictjson.Raw {
	if c == nil {
		return ""
	}
	return strictjson.Member(c.payload(), name)
}

// Bool returns true if the named claim is the JSON boolean true or the string
// "true". Cognito sends email_verified as a string in some places.
func (c *Claims) Bool(name string) bool {
	v := c.member(name)
	return v == "true" || v.Is("true")
}

// decode reads a payload strictly. It must be one JSON object of valid UTF-8
// and bounded depth, without two members of one name. Every claim that the
// library knows must have the JSON type that Cognito gives it.
//
// encoding/json is less strict. It stores Client_ID, and even ſub, in the field
// of client_id or sub, takes the last of two members with the same name, and
// replaces invalid UTF-8 by U+FFFD. In each case two programs can read two
// different callers from the same token (RFC 8725, section 2.7).
//
// decode may change doc, which the caller must not use afterwards. b is memory for
// it, which still holds parts of the claims when decode returns.
func (c *Claims) decode(doc []byte, b *record.Builder) *Error {
	err := read(doc, b)
	if err == nil {
		c.fill(b.Record())
	}
	return err
}

// read finds the values that the record of a payload needs.
func read(doc []byte, b *record.Builder) *Error {
	escapes := bytes.IndexByte(doc, '\\') >= 0
	if escapes {
		doc = strictjson.PlainSlashes(doc)
		// That none is left spares a search in each text.
		escapes = bytes.IndexByte(doc, '\\') >= 0
	}
	b.Start(doc)
	p := payload{b, escapes}
	var mistyped bool
	var claim string
	ok := strictjson.Members(doc, func(name []byte, value strictjson.Value, end int) bool {
		if p.set(name, value, end) {
			return true
		}
		mistyped, claim = true, string(name)
		return false
	})
	switch {
	case ok:
		settle(b)
		return nil
	case mistyped:
		return refuse(&claimsMalformed, evidence{claim: claim, note: " (unverified)"})
	case strictjson.TooDeep(doc):
		return refuse(&claimsMalformed, evidence{note: ": it nests deeper than " + strconv.Itoa(strictjson.MaxDepth) + " levels"})
	default:
		return refuse(&claimsMalformed, evidence{note: ": names unique, UTF-8 valid, nothing behind it"})
	}
}

// payload is a payload while its values are stored. escapes is whether a text in it
// may have an escape.
type payload struct {
	*record.Builder

	escapes bool
}

// set stores one member of the payload, whose value ends at the offset end. It
// reports whether the value has the type that Cognito gives the claim.
func (p payload) set(name []byte, value strictjson.Value, end int) (ok bool) {
	switch string(name) {
	case "sub":
		ok = p.setText(subjectText, value, end)
	case "iss":
		ok = p.setText(issuerText, value, end)
	case "token_use":
		ok = p.setText(tokenUseText, value, end)
	case "client_id":
		ok = p.setText(clientIDText, value, end)
	case "username":
		ok = p.setText(usernameText, value, end)
	case "cognito:username":
		ok = p.setText(idUsernameDraft, value, end)
	case "scope":
		ok = p.setText(scopeText, value, end)
	case "jti":
		ok = p.setText(idText, value, end)
	case "origin_jti":
		ok = p.setText(originIDText, value, end)
	case "event_id":
		ok = p.setText(eventIDText, value, end)
	case "acr":
		ok = p.setText(acrText, value, end)
	case "exp":
		ok = setDate(p.Builder, expiryDate, value, false)
	case "nbf":
		ok = setDate(p.Builder, notBeforeDate, value, true)
	case "iat":
		ok = setDate(p.Builder, issuedAtDate, value, true)
	case "auth_time":
		ok = setDate(p.Builder, authTimeDate, value, true)
	case "aud":
		p.SetText(audienceText, end-len(value), end)
		ok = strictjson.IsTexts(value) || p.setText(audienceDraft, value, end)
	case "cognito:groups":
		p.SetText(groupsText, end-len(value), end)
		ok = strictjson.IsTexts(value)
	case "cnf":
		// Whatever it holds: a check that we cannot make is no check that passes.
		p.SetText(bindingDraft, end-len(value), end)
		ok = strictjson.Fits(value)
	default:
		ok = strictjson.Fits(value)
	}
	return ok
}

// setText stores the string in value. A string without an escape stands in the
// payload as it is; most do.
func (p payload) setText(i int, value strictjson.Value, end int) bool {
	if value.Kind() != '"' {
		return false
	}
	// mutant: equivalent `p.escapes → true`, it spares a search
	// mutant: equivalent `bytes.IndexByte(value, '\\') < 0 → false`, it spares a copy
	if !p.escapes || bytes.IndexByte(value, '\\') < 0 {
		p.SetText(i, end-len(value)+1, end-1)
		return true
	}
	text, ok := strictjson.Text(value)
	p.CopyText(i, text)
	return ok // mutant: equivalent `ok → true`, Members has read the string
}

func setDate(b *record.Builder, i int, value strictjson.Value, up bool) bool {
	at, ok := strictjson.NumericDate(value, up)
	b.SetDate(i, at)
	return ok
}

// settle chooses the texts for the kind of token.
func settle(b *record.Builder) {
	if string(b.Text(tokenUseText)) == string(IDToken) {
		// On an ID token, client_id and scope can only be attributes of the user. On
		// Cognito's, aud is a string; in a list it names no client.
		b.Draw(usernameText, idUsernameDraft)
		b.Draw(clientIDText, audienceDraft)
		b.DropText(scopeText)
		return
	}
	machine := string(b.Text(tokenUseText)) == string(AccessToken) && !b.Has(usernameText)
	if machine && len(b.Text(subjectText)) == 0 {
		b.Draw(subjectText, clientIDText)
	}
}
