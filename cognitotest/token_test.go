package cognitotest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/golang-jwt/jwt/v5"
)

// The sample payloads of the Cognito developer guide, member by member, in
// "Understanding the access token" and "Understanding the identity (ID) token".
var (
	guideAccess = []string{
		"sub", "device_key", "cognito:groups", "iss", "version", "client_id",
		"origin_jti", "event_id", "token_use", "scope", "auth_time", "exp",
		"iat", "jti", "username",
	}
	guideID = []string{
		"sub", "cognito:groups", "email_verified", "cognito:preferred_role",
		"iss", "cognito:username", "middle_name", "nonce", "origin_jti",
		"cognito:roles", "aud", "identities", "event_id", "token_use",
		"auth_time", "exp", "iat", "jti", "email",
	}
	// The members of those samples that the guide makes depend on more than a
	// sign-in: a remembered device, groups and their roles, an identity
	// provider, an optional attribute.
	guideConditional = []string{
		"device_key", "cognito:groups", "cognito:preferred_role",
		"cognito:roles", "middle_name", "nonce", "identities",
	}
	// The guide has no sample for machines. These are the members that users
	// post, none of which its table of claims gives to users alone, and sub.
	machine = []string{
		"sub", "token_use", "scope", "auth_time", "iss", "exp", "iat",
		"version", "jti", "client_id",
	}
)

func unconditional(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(guideConditional, n) })
}

func TestTokenHasMembersOfGuide(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for name, c := range map[string]struct {
		token *cognitotest.Token
		want  []string
	}{
		"access token":                {pool.AccessToken(), unconditional(guideAccess)},
		"access token with groups":    {pool.AccessToken().Groups("a"), append(unconditional(guideAccess), "cognito:groups")},
		"access token without groups": {pool.AccessToken().Groups("a").Groups(), unconditional(guideAccess)},
		"ID token":                    {pool.IDToken(), unconditional(guideID)},
		"machine token":               {pool.MachineToken(), machine},
	} {
		header, claims, _ := parts(t, c.token)
		if got := memberNames(t, claims); !slices.Equal(got, c.want) {
			t.Errorf("%s: claims %q, want %q", name, got, c.want)
		}
		if got := memberNames(t, header); !slices.Equal(got, []string{"kid", "alg"}) {
			t.Errorf("%s: header %q, want kid and alg", name, got)
		}
	}
}

func TestTokenValues(t *testing.T) {
	now := time.Date(2024, 2, 29, 12, 0, 0, 999, time.UTC)
	pool := cognitotest.NewPool(t, cognitotest.Options{
		ID:        "us-west-2_example",
		ClientIDs: []string{"57cbishk4j24pabc1234567890", "other"},
		Now:       func() time.Time { return now },
		InProcess: true,
	})
	access, id, m2m := pool.AccessToken(), pool.IDToken(), pool.MachineToken()
	for _, c := range []struct {
		name  string
		token *cognitotest.Token
		claim string
		want  string // JSON; empty: absent
	}{
		{"issuer of access token", access, "iss", `"https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example"`},
		{"issuer of ID token", id, "iss", `"https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example"`},
		{"issuer of machine token", m2m, "iss", `"https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example"`},
		{"use of access token", access, "token_use", `"access"`},
		{"use of ID token", id, "token_use", `"id"`},
		{"use of machine token", m2m, "token_use", `"access"`},
		{"client of access token", access, "client_id", `"57cbishk4j24pabc1234567890"`},
		{"client of ID token", id, "aud", `"57cbishk4j24pabc1234567890"`},
		{"client of machine token", m2m, "client_id", `"57cbishk4j24pabc1234567890"`},
		{"machine is its client", m2m, "sub", `"57cbishk4j24pabc1234567890"`},
		{"scope of sign-in", access, "scope", `"aws.cognito.signin.user.admin"`},
		{"version is a number", access, "version", `2`},
		{"verified e-mail is a boolean", id, "email_verified", `true`},
		{"iat in whole seconds", access, "iat", `1709208000`},
		{"auth_time is iat", access, "auth_time", `1709208000`},
		{"exp an hour later", access, "exp", `1709211600`},
		{"exp of ID token an hour later", id, "exp", `1709211600`},
		{"exp of machine token an hour later", m2m, "exp", `1709211600`},

		{"other client of access token", access.Client("x"), "client_id", `"x"`},
		{"other client leaves user", access.Client("x").User("a").Client("y"), "username", `"a"`},
		{"other client of ID token", id.Client("x"), "aud", `"x"`},
		{"other client of ID token has no client_id", id.Client("x"), "client_id", ``},
		{"other client of machine token", m2m.Client("x"), "sub", `"x"`},
		{"other user", access.User("Provider_1"), "username", `"Provider_1"`},
		{"other user of ID token", id.User("joe"), "cognito:username", `"joe"`},
		{"e-mail of other user", id.User("joe"), "email", `"joe@example.com"`},
		{"user named by e-mail", id.User("joe@example.org"), "email", `"joe@example.org"`},
		{"ID token has no username", id.User("joe"), "username", ``},
		{"scopes", access.Scopes("a/b", "c"), "scope", `"a/b c"`},
		{"no scopes", access.Scopes(), "scope", ``},
		{"groups", access.Groups("b", "a"), "cognito:groups", `["b","a"]`},
		{"deleted", access.Delete("exp"), "exp", ``},
		{"deleted where there is none", access.Delete("none"), "none", ``},
		{"set to time", access.Set("auth_time", now.Add(-time.Minute)), "auth_time", `1709207940`},
		{"set without HTML escapes", access.Set("custom:a", "<&>+/"), "custom:a", `"<&>+/"`},
		{"set to null", access.Set("sub", nil), "sub", `null`},
		{"set to number that Go has not", access.Set("exp", json.RawMessage("1e400")), "exp", `1e400`},
		{"expires in a day", access.ExpiresIn(24 * time.Hour), "exp", `1709294400`},
		{"issued now for a day", access.ExpiresIn(24 * time.Hour), "iat", `1709208000`},
		{"expired", access.ExpiresIn(-time.Minute), "exp", `1709207940`},
		{"issued an hour before it expired", access.ExpiresIn(-time.Minute), "iat", `1709204340`},
		{"signed in an hour before it expired", access.ExpiresIn(-time.Minute), "auth_time", `1709204340`},
		{"expired now, and beyond the leeway of 30 s", access.ExpiresIn(0), "exp", `1709207970`},
		{"expired just now", access.ExpiresIn(-29 * time.Second), "exp", `1709207970`},
	} {
		_, claims, _ := parts(t, c.token)
		var got map[string]json.RawMessage
		if err := json.Unmarshal(claims, &got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if string(got[c.claim]) != c.want {
			t.Errorf("%s: %s is %s, want %s", c.name, c.claim, got[c.claim], c.want)
		}
	}
}

func TestTokenIdentifiers(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	claim := func(tok *cognitotest.Token, name string) string {
		_, payload, _ := parts(t, tok)
		var all map[string]any
		if err := json.Unmarshal(payload, &all); err != nil {
			t.Fatal(err)
		}
		s, _ := all[name].(string)
		return s
	}
	a, b := pool.AccessToken(), pool.AccessToken()
	for _, name := range []string{"jti", "origin_jti", "event_id"} {
		if claim(a, name) == claim(b, name) || len(claim(a, name)) != 36 {
			t.Errorf("%s of two tokens: %q and %q, want two UUIDs", name, claim(a, name), claim(b, name))
		}
	}
	if got := claim(a, "sub"); got != claim(pool.IDToken(), "sub") || len(got) != 36 {
		t.Errorf("sub %q, want one UUID for access and ID token", got)
	}
	if claim(a.User("joe"), "sub") == claim(a, "sub") || claim(a.User("joe").User("jane"), "sub") != claim(a, "sub") {
		t.Error("sub does not go with the user name")
	}
}

func TestTokenNeverChanges(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	other := rsaKey(t)
	base := pool.AccessToken().Groups("a")
	before := base.String()
	for name, changed := range map[string]*cognitotest.Token{
		"Set":          base.Set("iss", "x"),
		"Set new":      base.Set("new", "x"),
		"Delete":       base.Delete("sub"),
		"SetHeader":    base.SetHeader("alg", "none"),
		"DeleteHeader": base.DeleteHeader("kid"),
		"Payload":      base.Payload([]byte("{}")),
		"Header":       base.Header([]byte("{}")),
		"Scopes":       base.Scopes("a"),
		"Groups":       base.Groups("b"),
		"User":         base.User("joe"),
		"Client":       base.Client("x"),
		"ExpiresIn":    base.ExpiresIn(time.Minute),
		"SignedBy":     base.SignedBy(other),
		"SignedWith":   base.SignedWith(func([]byte) []byte { return nil }),
		"Tampered":     base.Tampered(),
	} {
		if base.String() != before {
			t.Fatalf("%s changed the token that it was called on", name)
		}
		if changed.String() == before {
			t.Errorf("%s changed nothing", name)
		}
	}
	x, y := base.Set("x", 1), base.Set("y", 1)
	if _, claims, _ := parts(t, x); bytes.Contains(claims, []byte(`"y"`)) {
		t.Error("two tokens made from one share members")
	}
	if _, claims, _ := parts(t, y); !bytes.Contains(claims, []byte(`"y"`)) {
		t.Error("two tokens made from one share members")
	}
}

func TestTokenRawBytes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for _, raw := range []string{"", "{", `{"a":1,"a":2}`, "\xff \n"} {
		if _, got, _ := parts(t, pool.AccessToken().Payload([]byte(raw))); string(got) != raw {
			t.Errorf("payload %q, want %q", got, raw)
		}
		if got, _, _ := parts(t, pool.AccessToken().Header([]byte(raw))); string(got) != raw {
			t.Errorf("header %q, want %q", got, raw)
		}
	}
	for name, change := range map[string]func(){
		"claim set behind payload":      func() { pool.AccessToken().Payload(nil).Set("sub", "x") },
		"claim deleted behind payload":  func() { pool.AccessToken().Payload(nil).Delete("sub") },
		"member set behind header":      func() { pool.AccessToken().Header(nil).SetHeader("alg", "x") },
		"value that has no JSON form":   func() { pool.AccessToken().Set("sub", func() {}) },
		"claims that no one could read": func() { pool.AccessToken().Payload([]byte("[]")).Claims() },
	} {
		if !panics(change) {
			t.Errorf("%s does not panic", name)
		}
	}
}

// The verdicts are golang-jwt's, on the published key set: nothing of the
// middleware takes part.
func TestTokenVerifiesElsewhere(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	access, id := pool.AccessToken(), pool.IDToken()
	if access.KeyID() == id.KeyID() || access.Key().Equal(id.Key()) {
		t.Error("access and ID tokens are signed by one key")
	}
	rs384 := func(in []byte) []byte {
		sig, err := jwt.SigningMethodRS384.Sign(string(in), access.Key())
		if err != nil {
			t.Error(err)
		}
		return sig
	}
	for _, c := range []struct {
		name  string
		token *cognitotest.Token
		alg   string
		want  bool
	}{
		{"access token", access, "RS256", true},
		{"ID token", id, "RS256", true},
		{"machine token", pool.MachineToken(), "RS256", true},
		{"changed claims are signed", access.Set("sub", "x").Delete("exp"), "RS256", true},
		{"ID key signs access token", access.SetHeader("kid", id.KeyID()).SignedBy(id.Key()), "RS256", true},
		{"tampered twice is untouched", access.Tampered().Tampered(), "RS256", true},
		{"other algorithm, same key", access.SetHeader("alg", "RS384").SignedWith(rs384), "RS384", true},

		{"tampered", access.Tampered(), "RS256", false},
		{"signed by a key of nobody", access.SignedBy(rsaKey(t)), "RS256", false},
		{"kid of the ID key", access.SetHeader("kid", id.KeyID()), "RS256", false},
		{"kid missing", access.DeleteHeader("kid"), "RS256", false},
		{"signature of another token", access.Set("sub", "x").SignedWith(func([]byte) []byte { _, _, sig := parts(t, access); return sig }), "RS256", false},
		{"no signature", access.SignedWith(func([]byte) []byte { return nil }), "RS256", false},
		{"expired", access.ExpiresIn(-time.Second), "RS256", false},
	} {
		if err := verify(pool.KeySet(), c.token.String(), c.alg); (err == nil) != c.want {
			t.Errorf("%s: %v, want it to verify: %v", c.name, err, c.want)
		}
	}
}

// What the kit hands to a handler is what the middleware would.
func TestClaimsAreThoseOfMiddleware(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	access, id := pool.Config(), pool.Config()
	id.Pools[0].TokenUse = cognitoauth.IDToken
	for name, c := range map[string]struct {
		config cognitoauth.Config
		token  *cognitotest.Token
	}{
		"access token":  {access, pool.AccessToken().Groups("a", "b").Scopes("x", "y/z").Set("custom:a", "b")},
		"ID token":      {id, pool.IDToken().Groups("a").Set("acr", "urn:cognito:loa:2")},
		"machine token": {access, pool.MachineToken().Set("aud", pool.ClientID())},
	} {
		auth, err := cognitoauth.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		want, err := auth.Validate(t.Context(), c.token.String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := c.token.Claims()
		a, b := reflect.ValueOf(*got), reflect.ValueOf(*want)
		for i := range a.NumField() {
			field := a.Type().Field(i)
			if field.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				t.Errorf("%s: %s %v, want %v", name, field.Name, a.Field(i), b.Field(i))
			}
		}
		var payload, wantPayload map[string]any
		if err := errors.Join(got.Decode(&payload), want.Decode(&wantPayload)); err != nil {
			t.Fatal(err)
		}
		lists := []any{got.Scopes(), got.Groups(), got.Audience(), payload}
		wantLists := []any{want.Scopes(), want.Groups(), want.Audience(), wantPayload}
		if !reflect.DeepEqual(lists, wantLists) || got.IsMachine() != want.IsMachine() {
			t.Errorf("%s: %v, want %v", name, lists, wantLists)
		}
	}
	if got := pool.AccessToken().ExpiresIn(-time.Hour).Claims(); got.Username != "jane" {
		t.Errorf("claims of an expired token: %+v", got)
	}
}

// verify is the verdict of golang-jwt.
func verify(keySet []byte, token, alg string) error {
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(keySet, &set); err != nil {
		return err
	}
	_, err := jwt.Parse(token, func(tok *jwt.Token) (any, error) {
		for _, k := range set.Keys {
			if k["kid"] == tok.Header["kid"] {
				n, err := base64.RawURLEncoding.DecodeString(k["n"])
				return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, err
			}
		}
		return nil, jwt.ErrTokenUnverifiable
	}, jwt.WithValidMethods([]string{alg}), jwt.WithStrictDecoding())
	return err
}

// parts decodes the three parts of a token.
func parts(t *testing.T, tok *cognitotest.Token) (header, claims, signature []byte) {
	t.Helper()
	var out [3][]byte
	in := strings.Split(tok.String(), ".")
	if len(in) != 3 {
		t.Fatalf("%d parts", len(in))
	}
	for i, s := range in {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = b
	}
	return out[0], out[1], out[2]
}

// memberNames returns the names of an object in order.
func memberNames(t *testing.T, object []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
