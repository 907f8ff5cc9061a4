package cognitoauth

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// TokenUse is the kind of a Cognito token, the value of its claim token_use.
type TokenUse string

const (
	// AccessToken is what an API is called with; it names the app client in
	// client_id and carries scopes.
	AccessToken TokenUse = "access"
	// IDToken tells an app who logged in; it names the app client in aud and
	// carries the user's attributes, but no scopes.
	IDToken TokenUse = "id"
)

// Claims are the verified claims of one token, the caller's own copy: no other
// request sees a change made to them. Claims are read by any number of
// goroutines at once. The zero value and a nil pointer have no claims; every
// policy denies both.
//
// Which token carries what is in the Cognito developer guide, under
// "Understanding the access token" and "Understanding the identity token".
type Claims struct {
	_ [0]func() // not comparable

	// Subject is sub, the user's stable identifier within the pool; on a machine's
	// token without sub it is the ClientID.
	Subject string
	// Username is username on access tokens and cognito:username on ID tokens;
	// "" on a machine's token. A user name can be an e-mail address and can be
	// given to another user later: key your data by Subject.
	Username string
	// ClientID is the app client: client_id on access tokens, aud on ID tokens.
	ClientID string
	// TokenUse is token_use.
	TokenUse TokenUse
	// Issuer is iss, and PoolID the ID of the Pool whose settings accepted it.
	Issuer, PoolID string
	// ID is jti, and OriginID origin_jti, which all tokens of one login share;
	// "" where the app client has token revocation switched off.
	ID, OriginID string
	// EventID is event_id, "" on most machine tokens.
	EventID string
	// ACR is acr, the authentication context class, "" where Cognito sends none.
	ACR string
	// AuthTime is when the user last logged in (refreshing does not move it),
	// IssuedAt, NotBefore and Expiry are iat, nbf and exp. All are in UTC, whole
	// seconds, and zero where the token does not say. Expiry is never zero.
	AuthTime, IssuedAt, NotBefore, Expiry time.Time

	scope            string
	groups, audience strictjson.List

	keyID   string
	payload string // the JSON object, verbatim but for the slashes that were escaped
	named   bool   // it has a username

	// clock is that of the Middleware that verified the token, for policies about
	// time. It is nil in Claims that no token carried.
	clock *clock
}

// Scopes returns the token's scopes in its order; nil if there are none, as on
// ID tokens.
func (c *Claims) Scopes() []string {
	if c == nil || c.scope == "" {
		return nil
	}
	// Not strings.Fields: only the space separates scopes (RFC 6749, section 3.3).
	return strings.FieldsFunc(c.scope, func(r rune) bool { return r == ' ' })
}

// Groups returns the user's groups (cognito:groups) in the token's order; nil
// if there are none. A user of a federated provider also is in a group that
// Cognito names after the pool and the provider.
func (c *Claims) Groups() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.groups.All)
}

// Audience returns aud: nil on most access tokens, the app client on ID
// tokens, the resource on tokens bound to one (RFC 8707).
func (c *Claims) Audience() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.audience.All)
}

// HasScope reports whether the token has exactly this scope; case counts
// (RFC 6749, section 3.3).
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

// HasGroup reports whether the user is in exactly this group; case counts.
func (c *Claims) HasGroup(group string) bool { return c != nil && c.groups.Contains(group) }

// IsMachine reports whether the token was issued to an app client for itself
// (client credentials grant): an access token without a username.
func (c *Claims) IsMachine() bool { return c != nil && c.TokenUse == AccessToken && !c.named }

// Decode decodes the whole verified payload into v, a pointer, for claims that
// have no field here. Names match exactly and case counts, unlike in
// encoding/json; tags are written the same way. The rules are those of
// github.com/go-json-experiment/json, the code behind encoding/json/v2. Of tags it
// promises plain names alone: options such as embed, inline, unknown and format mean
// different things, or nothing, from one toolchain to another.
func (c *Claims) Decode(v any) error {
	if c == nil || c.payload == "" {
		return errors.New("cognitoauth: Decode of Claims that no token carried")
	}
	if err := json.Unmarshal([]byte(c.payload), v); err != nil {
		// The cause is not in the text, because it can quote the payload.
		return &decodeError{err}
	}
	return nil
}

type decodeError struct{ cause error }

func (e *decodeError) Error() string {
	return fmt.Sprintf("cognitoauth: the claims do not fit the value given to Decode (%T)", e.cause)
}

func (e *decodeError) Unwrap() error { return e.cause }

// String returns the named claim if it is a JSON string, and "" if it is
// anything else or absent. Cognito sends every custom attribute
// ("custom:tenant") as a string.
func (c *Claims) String(name string) string { return c.member(name).Text() }

// member is the value of a top-level claim as it stands in the payload.
func (c *Claims) member(name string) strictjson.Raw {
	if c == nil {
		return ""
	}
	return strictjson.Member(c.payload, name)
}

// Bool returns whether the named claim is true: the JSON boolean, or the
// string "true", which Cognito sends for email_verified in some places.
func (c *Claims) Bool(name string) bool {
	v := c.member(name)
	return v == "true" || v.Is("true")
}

// decode reads a payload strictly: one JSON object with exact, unique names,
// valid UTF-8 and bounded depth, in which every claim that the library knows
// has the JSON type that Cognito gives it.
//
// encoding/json would accept Client_ID, and even ſub, for the field it folds
// to, take the last of two members of one name, and turn invalid UTF-8 into
// U+FFFD; with each, two readers of one token can see two different callers
// (RFC 8725, section 2.7).
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

// usernames are the two spellings of the user name, of which settle takes the
// one that belongs to the kind of token.
type usernames struct{ access, id string }

// set stores one member; end is the offset of the value's end in the payload.
// It reports whether the value has the type that Cognito gives the claim.
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
	default:
		ok = strictjson.Fits(value)
	}
	return ok
}

// text is the string that value holds. Without an escape in it, which is the
// rule, it is a part of the payload and costs no allocation.
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

// settle fills the fields whose source depends on the kind of token.
func (c *Claims) settle(names *usernames) {
	if c.TokenUse == IDToken {
		// Whatever else is called client_id or scope here is an attribute.
		c.Username, c.ClientID, c.scope = names.id, "", ""
		if !c.audience.IsList() { // which aud never is on Cognito's ID tokens
			c.ClientID = c.audience.First()
		}
		return
	}
	c.Username = names.access
	if c.Subject == "" && c.IsMachine() {
		c.Subject = c.ClientID
	}
}
