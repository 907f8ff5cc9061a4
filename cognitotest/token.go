package cognitotest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// Token is a token in the making: header, claims and the key that signs it. Key
// and times are those of the moment when the pool made it.
//
// A Token never changes: every method returns a changed copy, so that all rows
// of a table can start from one token and goroutines can share it. A value that
// has no JSON form panics.
type Token struct {
	pool     *Pool
	kind     kind
	key      signingKey
	header   object
	claims   object
	sign     func(input []byte) []byte
	tampered bool
}

type kind int

const (
	accessToken kind = iota
	idToken
	machineToken
)

// lifetime is the one that an app client of Cognito has unless told otherwise.
const lifetime = time.Hour

// leeway is what a Config forgives unless told otherwise.
const leeway = 30 * time.Second

// AccessToken returns the access token of a user, jane, who has signed in just
// now. It has the members that Cognito issues, lives for an hour, is in no
// group and carries the scope that a sign-in through the API gives,
// aws.cognito.signin.user.admin. It has no aud: Set("aud", resource) makes the token
// of a client that asked for a resource (RFC 8707), for an API with Pool.Audiences.
// Set("acr", "urn:cognito:loa:3") gives it the level of a login.
func (p *Pool) AccessToken() *Token {
	now := p.Now().Unix()
	return p.token(accessToken, newObject(
		"sub", p.subject("jane"),
		"iss", p.issuer,
		"version", 2,
		"client_id", p.ClientID(),
		"origin_jti", newUUID(),
		"event_id", newUUID(),
		"token_use", "access",
		"scope", "aws.cognito.signin.user.admin",
		"auth_time", now,
		"exp", now+int64(lifetime/time.Second),
		"iat", now,
		"jti", newUUID(),
		"username", "jane",
	))
}

// IDToken returns the ID token of the user of [Pool.AccessToken]: it names the
// app client in aud and the user in cognito:username, and has a verified e-mail
// address.
func (p *Pool) IDToken() *Token {
	now := p.Now().Unix()
	return p.token(idToken, newObject(
		"sub", p.subject("jane"),
		"email_verified", true,
		"iss", p.issuer,
		"cognito:username", "jane",
		"origin_jti", newUUID(),
		"aud", p.ClientID(),
		"event_id", newUUID(),
		"token_use", "id",
		"auth_time", now,
		"exp", now+int64(lifetime/time.Second),
		"iat", now,
		"jti", newUUID(),
		"email", "jane@example.com",
	))
}

// MachineToken returns the access token of a client-credentials grant. It has
// no username and no groups, its sub is the app client, and its scope, which
// Cognito limits to custom ones, is "cognitotest/default".
func (p *Pool) MachineToken() *Token {
	now := p.Now().Unix()
	return p.token(machineToken, newObject(
		"sub", p.ClientID(),
		"token_use", "access",
		"scope", "cognitotest/default",
		"auth_time", now,
		"iss", p.issuer,
		"exp", now+int64(lifetime/time.Second),
		"iat", now,
		"version", 2,
		"jti", newUUID(),
		"client_id", p.ClientID(),
	))
}

func (p *Pool) token(k kind, claims object) *Token {
	p.mu.Lock()
	key := p.current.accessToken
	if k == idToken {
		key = p.current.idToken
	}
	p.mu.Unlock()
	header := newObject("kid", key.id, "alg", "RS256")
	return &Token{pool: p, kind: k, key: key, header: header, claims: claims, sign: rs256(key.key)}
}

// subject returns the sub of a user, the same for the same name.
func (p *Pool) subject(name string) string {
	sum := sha256.Sum256([]byte(p.id + "/" + name))
	return formatUUID(sum[:])
}

// Set gives a claim a value, in the place of the old one or after all others. A
// [time.Time] becomes a whole number of seconds; a [json.RawMessage] stands as
// it is.
func (t *Token) Set(claim string, v any) *Token {
	return t.with(func(t *Token) { t.claims = t.claims.set(claim, v) })
}

// Delete leaves a claim out.
func (t *Token) Delete(claim string) *Token {
	return t.with(func(t *Token) { t.claims = t.claims.delete(claim) })
}

// SetHeader is [Token.Set] for a member of the header.
func (t *Token) SetHeader(name string, v any) *Token {
	return t.with(func(t *Token) { t.header = t.header.set(name, v) })
}

// DeleteHeader is [Token.Delete] for a member of the header.
func (t *Token) DeleteHeader(name string) *Token {
	return t.with(func(t *Token) { t.header = t.header.delete(name) })
}

// Payload replaces all claims by these bytes, whatever they are. Methods that
// change a claim panic afterwards.
func (t *Token) Payload(raw []byte) *Token {
	return t.with(func(t *Token) { t.claims = object{raw: append([]byte{}, raw...)} })
}

// Header replaces the header, the key id included, by these bytes, whatever
// they are. Methods that change a member of it panic afterwards.
func (t *Token) Header(raw []byte) *Token {
	return t.with(func(t *Token) { t.header = object{raw: append([]byte{}, raw...)} })
}

// Scopes replaces the scopes; none leaves out the claim.
func (t *Token) Scopes(scopes ...string) *Token {
	if len(scopes) == 0 {
		return t.Delete("scope")
	}
	return t.Set("scope", strings.Join(scopes, " "))
}

// Groups replaces the groups; none leaves out the claim, as Cognito does.
func (t *Token) Groups(groups ...string) *Token {
	if len(groups) == 0 {
		return t.Delete("cognito:groups")
	}
	return t.Set("cognito:groups", groups)
}

// User makes the token one of another user: username, or cognito:username and
// the e-mail address on an ID token, and a sub that goes with the name.
func (t *Token) User(name string) *Token {
	t = t.Set("sub", t.pool.subject(name))
	if t.kind != idToken {
		return t.Set("username", name)
	}
	email := name
	if !strings.Contains(name, "@") {
		email += "@example.com"
	}
	return t.Set("cognito:username", name).Set("email", email)
}

// Client makes the token one of another app client: client_id, also the sub of
// a machine token, or the aud of an ID token.
func (t *Token) Client(id string) *Token {
	switch t.kind {
	case idToken:
		return t.Set("aud", id)
	case machineToken:
		t = t.Set("sub", id)
	}
	return t.Set("client_id", id)
}

// ExpiresIn makes the token expire at this distance from the present of the
// pool. Zero or less makes one that is refused as expired: it was issued, and its
// user signed in, an hour before that. Since the middleware forgives 30 s (the
// default of Config.Leeway), exp is at least that long ago. For a token within
// the leeway, Set exp; with a longer Leeway, make d as long. More than 24 h makes
// a token that Cognito does not issue and Pool.MaxLifetime refuses.
func (t *Token) ExpiresIn(d time.Duration) *Token {
	if d <= 0 {
		d = min(d, -leeway)
	}
	exp := t.pool.Now().Add(d)
	if d <= 0 {
		issued := exp.Add(-lifetime)
		t = t.Set("iat", issued).Set("auth_time", issued)
	}
	return t.Set("exp", exp)
}

// KeyID returns the id of the key that the pool chose for the token, even if
// the header was changed.
func (t *Token) KeyID() string { return t.key.id }

// Key returns the private key that the pool chose for the token, for tests that
// sign by it in their own way.
func (t *Token) Key() *rsa.PrivateKey { return t.key.key }

// SignedBy signs the token with another key, RS256, leaving the header alone.
func (t *Token) SignedBy(key *rsa.PrivateKey) *Token { return t.SignedWith(rs256(key)) }

// SignedWith makes the signature what sign returns for the signing input,
// header and payload as they stand in the token: for other algorithms, a
// signature of another token, or none at all. It leaves the header alone.
func (t *Token) SignedWith(sign func(input []byte) []byte) *Token {
	return t.with(func(t *Token) { t.sign = sign })
}

// Tampered changes one bit of the signature. Twice, it changes the bit back.
func (t *Token) Tampered() *Token {
	return t.with(func(t *Token) { t.tampered = !t.tampered })
}

// String returns the token as it is sent. The same Token gives the same string
// every time.
func (t *Token) String() string {
	input := base64url(t.text(t.header)) + "." + base64url(t.text(t.claims))
	sig := bytes.Clone(t.sign([]byte(input)))
	if t.tampered && len(sig) > 0 {
		sig[len(sig)-1] ^= 1
	}
	return input + "." + base64url(sig)
}

// Claims returns the claims as a handler finds them behind
// [cognitoauth.Middleware.Wrap], for [WithClaims] and for a policy's Check.
// They are not verified, and neither are issuer, client and times; it panics
// only on claims that the middleware cannot read.
func (t *Token) Claims() *cognitoauth.Claims {
	c, err := kit.NewClaims(t.text(t.claims), t.pool.id, t.pool.Now, leeway, t.pool.implied)
	if err != nil {
		panic(fmt.Sprintf("cognitotest: %v", err))
	}
	return c.(*cognitoauth.Claims)
}

func (t *Token) with(change func(*Token)) *Token {
	c := *t
	change(&c)
	return &c
}

func rs256(key *rsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			panic("cognitotest: " + err.Error())
		}
		return sig
	}
}

// object is a JSON object with its members in order, or, where raw is not nil,
// bytes in its place. Its methods leave it as it is and return a new one.
type object struct {
	members []member
	raw     []byte
}

type member struct {
	name  string
	value []byte
}

// newObject returns an object of name, value, name, value, and so on.
func newObject(pairs ...any) (o object) {
	for p := range slices.Chunk(pairs, 2) {
		o.members = append(o.members, member{p[0].(string), jsonValue(p[1])})
	}
	return o
}

func (o object) set(name string, v any) object {
	m := member{name, jsonValue(v)}
	if i := o.index(name); i >= 0 {
		return object{members: slices.Concat(o.members[:i], []member{m}, o.members[i+1:])}
	}
	return object{members: append(slices.Clip(o.members), m)}
}

func (o object) delete(name string) object {
	if i := o.index(name); i >= 0 {
		return object{members: slices.Concat(o.members[:i], o.members[i+1:])}
	}
	return o
}

func (o object) index(name string) int {
	if o.raw != nil {
		panic("cognitotest: " + name + " changed after Payload or Header has fixed the bytes")
	}
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

func (o object) json() []byte {
	if o.raw != nil {
		return o.raw
	}
	list := make([][]byte, len(o.members))
	for i, m := range o.members {
		list[i] = slices.Concat(mustJSON(m.name), []byte(":"), m.value)
	}
	return slices.Concat([]byte("{"), bytes.Join(list, []byte(",")), []byte("}"))
}

// text is the JSON of a part of the token, as the pool writes it.
func (t *Token) text(o object) []byte {
	if o.raw == nil && t.pool.escaped {
		return escapeSlashes(o.json())
	}
	return o.json()
}

// escapeSlashes writes each slash of doc as \/. What is escaped stays as it is.
func escapeSlashes(doc []byte) []byte {
	var b bytes.Buffer
	for i := 0; i < len(doc); i++ {
		switch {
		case doc[i] == '/':
			b.WriteByte('\\')
		case doc[i] == '\\' && i+1 < len(doc):
			b.WriteByte(doc[i])
			i++
		}
		b.WriteByte(doc[i])
	}
	return b.Bytes()
}

func jsonValue(v any) []byte {
	switch v := v.(type) {
	case time.Time:
		return mustJSON(v.Unix())
	case json.RawMessage:
		return bytes.Clone(v)
	}
	return mustJSON(v)
}

// mustJSON encodes without the escapes for HTML, which Cognito does not have.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("cognitotest: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func newUUID() string {
	return formatUUID(randomBytes(16))
}

// formatUUID writes the first 16 bytes of b as a version 4 UUID.
func formatUUID(b []byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
