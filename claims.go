package cognitoauth

// This file holds Claims, the claims of a verified token: its fields and
// accessors, and the strict decoding of a token's payload.

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

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

	scope            string
	groups, audience strictjson.List

	keyID   string
	payload string // the JSON object as the token has it, but for escaped slashes
	named   bool   // the token has a username
	bound   bool   // the token has cnf

	// clock is the clock of the Middleware that verified the token, for policies
	// about time. It is nil in Claims that come from no token.
	clock *clock
}

// Scopes returns the scopes in the order of the token; nil if there are none,
// as on ID tokens.
func (c *Claims) Scopes() []string {
	if c == nil || c.scope == "" {
		return nil
	}
	// Not strings.Fields: only the space separates scopes (RFC 6749, section 3.3).
	return strings.FieldsFunc(c.scope, func(r rune) bool { return r == ' ' })
}

// Groups returns the user's groups (cognito:groups) in the order of the token;
// nil if there are none. Cognito adds a user of a federated provider to a group
// that it names after the pool and the provider.
func (c *Claims) Groups() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.groups.All)
}

// Audience returns aud: nil on most access tokens, the app client on ID tokens,
// and the resource on tokens that are bound to one (RFC 8707).
func (c *Claims) Audience() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.audience.All)
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

// HasScope reports whether the token has exactly this scope. Case counts (RFC
// 6749, section 3.3).
func (c *Claims) HasScope(scope string) bool {
	if c == nil {
		return false
	}
	for rest := c.scope; rest != ""; {
		var s string
		if s, rest, _ = strings.Cut(rest, " "); s == scope && s != "" {
			return true
		}
	}
	return false
}

// HasGroup reports whether the user is in exactly this group. Case counts.
func (c *Claims) HasGroup(group string) bool { return c != nil && c.groups.Contains(group) }

// IsMachine reports whether an app client got the token for itself (client
// credentials grant). Such a token is an access token without a username.
func (c *Claims) IsMachine() bool {
	// Claims that a test has written by hand have a Username and are not named.
	return c != nil && c.TokenUse == AccessToken && !c.named && c.Username == ""
}

// String returns the named claim if it is a JSON string, else "". Cognito sends
// every custom attribute ("custom:tenant") as a string.
func (c *Claims) String(name string) string { return c.member(name).Text() }

// member returns the JSON value of a top-level claim as the payload has it.
func (c *Claims) member(name string) strictjson.Raw {
	if c == nil {
		return ""
	}
	return strictjson.Member(c.payload, name)
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
// decode may change doc, which the caller must not use afterwards.
func (c *Claims) decode(doc []byte) *Error {
	doc = strictjson.PlainSlashes(doc)
	c.payload = string(doc)
	var names usernames
	var mistyped bool
	var claim string
	ok := strictjson.Members(doc, func(name []byte, value strictjson.Value, end int) bool {
		if c.set(name, value, end, &names) {
			return true
		}
		mistyped, claim = true, string(name)
		return false
	})
	switch {
	case ok:
		c.settle(&names)
		return nil
	case mistyped:
		return refuse(&claimsMalformed, evidence{claim: claim, note: " (unverified)"})
	case strictjson.TooDeep(doc):
		return refuse(&claimsMalformed, evidence{note: ": it nests deeper than " + strconv.Itoa(strictjson.MaxDepth) + " levels"})
	default:
		return refuse(&claimsMalformed, evidence{note: ": names unique, UTF-8 valid, nothing behind it"})
	}
}

// usernames are the user names from username and cognito:username. settle
// chooses the one for the kind of token.
type usernames struct{ access, id string }

// set stores one member of the payload, whose value ends at the offset end. It
// reports whether the value has the type that Cognito gives the claim.
func (c *Claims) set(name []byte, value strictjson.Value, end int, names *usernames) (ok bool) {
	switch string(name) {
	case "sub":
		c.Subject, ok = c.text(value, end)
	case "iss":
		c.Issuer, ok = c.text(value, end)
	case "token_use":
		var use string
		use, ok = c.text(value, end)
		c.TokenUse = TokenUse(use)
	case "client_id":
		c.ClientID, ok = c.text(value, end)
	case "username":
		names.access, ok = c.text(value, end)
		c.named = ok
	case "cognito:username":
		names.id, ok = c.text(value, end)
	case "scope":
		c.scope, ok = c.text(value, end)
	case "jti":
		c.ID, ok = c.text(value, end)
	case "origin_jti":
		c.OriginID, ok = c.text(value, end)
	case "event_id":
		c.EventID, ok = c.text(value, end)
	case "acr":
		c.ACR, ok = c.text(value, end)
	case "exp":
		c.Expiry, ok = strictjson.NumericDate(value, false)
	case "nbf":
		c.NotBefore, ok = strictjson.NumericDate(value, true)
	case "iat":
		c.IssuedAt, ok = strictjson.NumericDate(value, true)
	case "auth_time":
		c.AuthTime, ok = strictjson.NumericDate(value, true)
	case "aud":
		if value.Kind() != '"' && !strictjson.IsTexts(value) {
			break
		}
		c.audience, ok = strictjson.List(c.payload[end-len(value):end]), true
	case "cognito:groups":
		c.groups, ok = strictjson.List(c.payload[end-len(value):end]), strictjson.IsTexts(value)
	case "cnf":
		// Whatever it holds: a check that we cannot make is no check that passes.
		c.bound, ok = true, strictjson.Fits(value)
	default:
		ok = strictjson.Fits(value)
	}
	return ok
}

// text returns the string in value. A string without an escape is a substring
// of the payload and costs no allocation; most are.
func (c *Claims) text(value strictjson.Value, end int) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return c.payload[end-len(value)+1 : end-1], true
	}
	return strictjson.Text(value)
}

// bytes is how much memory c refers to, at most: its texts are parts of the
// payload, or copies of parts that have an escape.
func (c *Claims) bytes() int {
	if strings.IndexByte(c.payload, '\\') < 0 {
		return len(c.payload)
	}
	return 2 * len(c.payload)
}

// settle fills the fields that depend on the kind of token.
func (c *Claims) settle(names *usernames) {
	if c.TokenUse == IDToken {
		// On an ID token, client_id and scope can only be attributes of the user.
		c.Username, c.ClientID, c.scope = names.id, "", ""
		if !c.audience.IsList() { // on Cognito's ID tokens aud is a string
			c.ClientID = c.audience.First()
		}
		return
	}
	c.Username = names.access
	if c.Subject == "" && c.IsMachine() {
		c.Subject = c.ClientID
	}
}
