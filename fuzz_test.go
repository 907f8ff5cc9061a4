package cognitoauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
	"github.com/cognitoauth/cognitoauth/internal/proof/vectors/corpus"
)

// fuzzSeeds are the vectors that are short enough to be worth changing. No
// vectors are an error.
type fuzzSeeds struct {
	tokens   []string
	keySets  [][]byte
	policies []corpus.Policy
	pool     []byte // the key set that most tokens are signed by
}

func newFuzzSeeds(f *testing.F) (seeds fuzzSeeds) {
	f.Helper()
	const most = 8 << 10
	files := lab.Vectors(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, c := range files[name].Cases {
			token, ok, err := c.TokenText()
			if err != nil {
				f.Fatal(err)
			}
			if ok && len(token) <= most {
				seeds.tokens = append(seeds.tokens, token)
			}
			if c.Policy != nil {
				seeds.policies = append(seeds.policies, *c.Policy)
			}
		}
		for id, set := range files[name].KeySets {
			doc, err := set.Document()
			if err != nil {
				f.Fatal(err)
			}
			if id == "pool" {
				seeds.pool = doc
			}
			if len(doc) <= most {
				seeds.keySets = append(seeds.keySets, doc)
			}
		}
	}
	if len(seeds.tokens) < 400 || len(seeds.keySets) < 100 || len(seeds.policies) < 100 || seeds.pool == nil {
		f.Fatalf("%d tokens, %d key sets, %d policies: too few to begin with", len(seeds.tokens), len(seeds.keySets), len(seeds.policies))
	}
	return seeds
}

// fuzzSegment is the n-th segment of a token, decoded as far as it goes.
func fuzzSegment(token string, n int) []byte {
	parts := strings.Split(token, ".")
	if n >= len(parts) {
		return nil
	}
	doc, _ := base64.RawURLEncoding.DecodeString(parts[n])
	return doc
}

// fuzzDesk is where the vectors are at home: their clock and keys, so that those
// that have to be accepted are, the private keys included, so that what a target
// makes of one can be signed again.
type fuzzDesk struct {
	fuzzSeeds

	auth  *cognitoauth.Middleware
	last  cognitoauth.Decision
	rival rival
	keys  []*rsa.PrivateKey
}

func newFuzzDesk(f *testing.F) *fuzzDesk {
	f.Helper()
	now := func() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }
	d := &fuzzDesk{fuzzSeeds: newFuzzSeeds(f)}
	d.rival = newRival(f, d.pool, now, 30*time.Second)
	for _, name := range []string{"access", "id"} {
		text, err := os.ReadFile("testdata/keys/" + name + ".pem")
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			f.Fatal(err)
		}
		d.keys = append(d.keys, key.(*rsa.PrivateKey))
	}
	pool := cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}, JWKS: d.pool}
	d.auth = lab.MustNew(f, bothKinds(cognitoauth.Config{
		Pools: []cognitoauth.Pool{pool}, Now: now,
		OnDecision: func(_ context.Context, last cognitoauth.Decision) { d.last = last },
	}))
	return d
}

// signed is the token with its signature made anew by one of the pool's keys.
func (d *fuzzDesk) signed(token string, key *rsa.PrivateKey) string {
	input := token[:strings.LastIndexByte(token, '.')]
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // a key of 2048 bits can do that
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// decide is the code with which the token is refused, "" if it is not; the
// properties that hold for every token are looked at on the way.
func (d *fuzzDesk) decide(t *testing.T, token string) string {
	t.Helper()
	claims, err := d.auth.Validate(t.Context(), token)
	var e *cognitoauth.Error
	if (claims == nil) != errors.As(err, &e) {
		t.Fatalf("claims %v with error %v", claims, err)
	}
	first, passes := "", true
	for _, check := range d.auth.Explain(t.Context(), token) {
		passes = passes && check.Err == nil && !check.Skipped
		if check.Err != nil && first == "" {
			first = check.Err.Code
		}
	}
	if e != nil {
		if detail := e.Detail(); len(token) > 64 && strings.Contains(detail, token) || strings.ContainsFunc(detail, unprintable) {
			t.Fatalf("Detail quotes the token, or is not printable ASCII: %q", detail)
		}
		if first != e.Code || passes {
			t.Fatalf("refused with %s, Explain has %q", e.Code, first)
		}
		return e.Code
	}
	if !passes {
		t.Fatalf("accepted, and Explain finds %q or skips a check", first)
	}
	parts := 0
	for part := range strings.SplitSeq(token, ".") {
		parts++
		doc, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(doc) != part {
			t.Fatalf("accepted, but a segment is not canonical: %q", part)
		}
	}
	if parts != 3 || !d.rival.accepts(token) {
		t.Fatalf("accepted, but refused by jwt.Parser, or of %d segments: %q", parts, token)
	}
	return ""
}

func unprintable(c rune) bool { return c < ' ' || c > '~' }

// FuzzToken: whatever comes, Validate answers with claims or an *Error, and
// Explain with the same verdict; an accepted token is in its one canonical form,
// and jwt.Parser accepts it too. Nearly nothing that is made of a token has a
// signature: what lacks nothing else is given one.
func FuzzToken(f *testing.F) {
	d := newFuzzDesk(f)
	for _, token := range d.tokens {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if d.decide(t, token) != "signature_invalid" {
			return
		}
		for _, key := range d.keys {
			if d.decide(t, d.signed(token, key)) == "" {
				return
			}
		}
		t.Fatalf("refused for its signature, and under every other: %q", token)
	})
}

// FuzzHeader: a header that we accept is read the same by golang-jwt.
func FuzzHeader(f *testing.F) {
	d := newFuzzDesk(f)
	for _, token := range d.tokens {
		header := fuzzSegment(token, 0)
		f.Add(header)
		if bytes.IndexByte(header, '/') >= 0 {
			f.Add(escapedSlashes(header))
		}
	}
	// All else is good, or it would not be the header that decides.
	good := slices.IndexFunc(d.tokens, func(token string) bool {
		_, err := d.auth.Validate(f.Context(), token)
		return err == nil
	})
	if good < 0 {
		f.Fatal("no vector is accepted")
	}
	_, rest, _ := strings.Cut(d.tokens[good], ".")
	handler := d.auth.Wrap(http.NotFoundHandler())
	f.Fuzz(func(t *testing.T, header []byte) {
		token := base64.RawURLEncoding.EncodeToString(header) + "." + rest
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if code := d.last.Code; code != "key_unknown" && code != "signature_invalid" && code != "authenticated" {
			return // refused because of the header
		}
		theirs, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
		if err != nil {
			t.Fatalf("accepted, but golang-jwt says %v: %q", err, header)
		}
		if theirs.Header["alg"] != "RS256" || theirs.Header["kid"] != d.last.KeyID {
			t.Fatalf("golang-jwt reads alg %v and kid %q, we read kid %q", theirs.Header["alg"], theirs.Header["kid"], d.last.KeyID)
		}
		if typ, ok := theirs.Header["typ"]; ok && !slices.Contains([]any{"jwt", "at+jwt", "application/jwt", "application/at+jwt"}, lower(typ)) {
			t.Fatalf("accepted with typ %v: %q", typ, header)
		}
		for _, name := range []string{"crit", "b64", "enc", "zip", "cty"} {
			if _, ok := theirs.Header[name]; ok {
				t.Fatalf("accepted with %s: %q", name, header)
			}
		}
	})
}

// lower is v with the letters of ASCII in lower case, if it is a string.
func lower(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}

// FuzzPayload: our decoder and encoding/json agree on every member that both
// accept, and the fields of Claims are what encoding/json finds. Neither a space in
// front changes anything, though it takes the payload off the quick path, nor do
// slashes that are escaped.
func FuzzPayload(f *testing.F) {
	for _, token := range newFuzzSeeds(f).tokens {
		f.Add(fuzzSegment(token, 1))
	}
	for _, token := range newFuzzSeeds(f).tokens {
		if doc := fuzzSegment(token, 1); bytes.IndexByte(doc, '/') >= 0 {
			f.Add(escapedSlashes(doc))
		}
	}
	f.Add([]byte("{ \"a\" :\t{ \"b\" : [ \"]}\\\"\" , 1 ] } ,\r\n\"c\\u0064\" : \"x\\u0079\" , \"\":true,\"f\" :\tfalse , \"n\" : -1e1 }"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		found, err := kit.NewClaims(payload, "eu-west-1_AbCdEf123", time.Now, 0, nil)
		slow, slowErr := kit.NewClaims(append([]byte(" "), payload...), "eu-west-1_AbCdEf123", time.Now, 0, nil)
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("%v, and %v with a space in front: %q", err, slowErr, payload)
		}
		old, oldErr := kit.NewClaims(escapedSlashes(payload), "eu-west-1_AbCdEf123", time.Now, 0, nil)
		if (err == nil) != (oldErr == nil) {
			t.Fatalf("%v, and %v with escaped slashes: %q", err, oldErr, payload)
		}
		if err != nil {
			return
		}
		claims := found.(*cognitoauth.Claims)
		var ours, theirs map[string]json.RawMessage
		if err := json.Unmarshal(payload, &theirs); err != nil {
			t.Fatalf("accepted, but encoding/json says %v: %q", err, payload)
		}
		if err := claims.Decode(&ours); err != nil {
			t.Fatalf("Decode: %v: %q", err, payload)
		}
		if len(ours) != len(theirs) {
			t.Fatalf("%d members, encoding/json finds %d: %q", len(ours), len(theirs), payload)
		}
		for name, value := range theirs {
			if !bytes.Equal(bytes.TrimSpace(ours[name]), plainSlashes(bytes.TrimSpace(value))) {
				t.Fatalf("%q is %s, encoding/json finds %s", name, ours[name], value)
			}
			fuzzMember(t, claims, name, value)
		}
		fuzzFields(t, claims, theirs)
		fuzzFields(t, slow.(*cognitoauth.Claims), theirs)
		fuzzFields(t, old.(*cognitoauth.Claims), theirs)
	})
}

// escapedSlashes writes each slash of a document that no backslash escapes as \/,
// as Cognito did until 2025.
func escapedSlashes(doc []byte) []byte {
	return slashes.ReplaceAllFunc(doc, func(found []byte) []byte {
		if found[0] == '/' {
			return []byte(`\/`)
		}
		return found
	})
}

// plainSlashes undoes that: Decode may show a slash as it is.
func plainSlashes(doc []byte) []byte {
	return slashes.ReplaceAllFunc(doc, func(found []byte) []byte {
		if string(found) == `\/` {
			return []byte("/")
		}
		return found
	})
}

// slashes are plain slashes, and backslashes with what they escape.
var slashes = regexp.MustCompile(`(?s)/|\\.`)

// fuzzMember compares what is read of one member with what encoding/json finds.
func fuzzMember(t *testing.T, c *cognitoauth.Claims, name string, value json.RawMessage) {
	t.Helper()
	var text string
	isText := value[0] == '"' && json.Unmarshal(value, &text) == nil
	if got := c.String(name); got != text {
		t.Fatalf("String(%q) is %q, encoding/json finds %s", name, got, value)
	}
	if got := c.Bool(name); got != (string(value) == "true" || text == "true") {
		t.Fatalf("Bool(%q) is %t, encoding/json finds %s", name, got, value)
	}
	if c.TokenUse == "" || name == "" || name == "scope" || name == "cognito:groups" {
		return // for which there is no such policy
	}
	if met := cognitoauth.Claim(name, text).Check(nil, c) == nil; met != isText {
		t.Fatalf("Claim(%q, %q) is met: %t, encoding/json finds %s", name, text, met, value)
	}
}

// fuzzFields compares fields with what encoding/json finds in the payload.
func fuzzFields(t *testing.T, c *cognitoauth.Claims, payload map[string]json.RawMessage) {
	t.Helper()
	text := func(name string) (s string) {
		if raw, ok := payload[name]; ok {
			if err := json.Unmarshal(raw, &s); err != nil || string(raw) == "null" {
				t.Fatalf("accepted, but %s is %s", name, raw)
			}
		}
		return s
	}
	texts := func(name string) (all []string) {
		if raw, ok := payload[name]; ok && json.Unmarshal(raw, &all) != nil {
			t.Fatalf("accepted, but %s is %s", name, raw)
		}
		return all
	}
	want := map[string]string{"iss": c.Issuer, "token_use": string(c.TokenUse), "jti": c.ID, "origin_jti": c.OriginID, "event_id": c.EventID, "acr": c.ACR}
	if c.Subject != c.ClientID || !c.IsMachine() {
		want["sub"] = c.Subject
	}
	scopes := []string(nil)
	if c.TokenUse != cognitoauth.IDToken {
		want["client_id"], want["username"] = c.ClientID, c.Username
		scopes = strings.FieldsFunc(text("scope"), func(r rune) bool { return r == ' ' })
	} else {
		want["cognito:username"] = c.Username
	}
	for name, got := range want {
		if text(name) != got {
			t.Fatalf("%s is %q, encoding/json finds %q", name, got, text(name))
		}
	}
	audience := []string(nil)
	if raw := payload["aud"]; len(raw) > 0 && raw[0] == '"' {
		audience = []string{text("aud")}
	} else {
		audience = texts("aud")
	}
	if !slices.Equal(scopes, c.Scopes()) || !slices.Equal(texts("cognito:groups"), c.Groups()) || !slices.Equal(audience, c.Audience()) {
		t.Fatalf("scopes %q, groups %q, audience %q, encoding/json finds %q, %q, %q", c.Scopes(), c.Groups(), c.Audience(), scopes, texts("cognito:groups"), audience)
	}
	fuzzDate(t, "exp", payload["exp"], c.Expiry, false)
	fuzzDate(t, "nbf", payload["nbf"], c.NotBefore, true)
	fuzzDate(t, "iat", payload["iat"], c.IssuedAt, true)
	fuzzDate(t, "auth_time", payload["auth_time"], c.AuthTime, true)
}

// fuzzDate compares a time with the number that it was rounded from, up or down
// to the second.
func fuzzDate(t *testing.T, name string, raw json.RawMessage, got time.Time, up bool) {
	t.Helper()
	if raw == nil {
		if !got.IsZero() {
			t.Fatalf("%s is %v, encoding/json finds none", name, got)
		}
		return
	}
	if _, exponent, _ := strings.Cut(strings.ToLower(string(raw)), "e"); len(exponent) > len("-999") {
		return // too much for a fraction
	}
	exact, ok := new(big.Rat).SetString(string(raw))
	if !ok {
		t.Fatalf("accepted, but %s is %s", name, raw)
	}
	// Rounded, it is less than a second away, on the side that is asked for.
	away := new(big.Rat).Sub(new(big.Rat).SetInt64(got.Unix()), exact)
	if !up {
		away.Neg(away)
	}
	if away.Sign() < 0 || away.Cmp(big.NewRat(1, 1)) >= 0 || got.Nanosecond() != 0 {
		t.Fatalf("%s is %d, encoding/json finds %s", name, got.Unix(), raw)
	}
}

// FuzzChallenge: what we emit parses as a challenge of RFC 9110, section
// 11.6.1, each parameter once, with RFC 6750's bytes only.
func FuzzChallenge(f *testing.F) {
	const api = "https://api.example.com/mcp"
	f.Add("api", "orders/read", "orders/write", "urn:cognito:loa:2", "Bearer", api)
	for _, identifier := range []string{"https://api.example.com", "https://api.example.com/", "https://api.example.com/a%2Fb/?c=/d?e", "http://[::1]:8080?x=y", "https://a%2eb/(c)'d,e;f=g!$*+@:~", "https://a%eb2/(c)'d,e;f=g!$*+@:~", "https://api.example.com/a\"b", "https://é.example"} {
		f.Add("api", "orders/read", "orders/write", "urn:cognito:loa:2", "Bearer", identifier)
	}
	for _, odd := range []string{"a\"b", "a\\b", "a b", "é", "a\x00", "a\x7f", "x\r\nX-Evil: 1", ""} {
		f.Add(odd, "orders/read", "orders/write", "urn:cognito:loa:2", "Bearer a, Bearer b", api)
		f.Add("api", odd, "orders/write", "urn:cognito:loa:2", "Basic x", api)
		f.Add("api", "orders/read", "orders/write", odd, "Bearer "+odd, api+odd)
	}
	last := "orders/read"
	for _, p := range newFuzzSeeds(f).policies {
		switch {
		case p.Scope != nil:
			f.Add("api", *p.Scope, last, "urn:cognito:loa:2", "Bearer", api)
			last = *p.Scope
		case p.ACR != nil:
			f.Add("api", "orders/read", last, *p.ACR, "Bearer", api)
		}
	}
	f.Fuzz(func(t *testing.T, realm, scope1, scope2, acr, authorization, resource string) {
		pool := cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}, Audiences: []string{resource}}
		cfg := cognitoauth.Config{Realm: realm, Pools: []cognitoauth.Pool{pool}, ProtectedResources: []cognitoauth.ProtectedResource{{Resource: resource}}}
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			return
		}
		policy, ok := fuzzPolicy(scope1, scope2, acr)
		if !ok {
			return
		}
		// A client calls the resource, and finds in the challenge where it is described.
		u, err := url.Parse(resource)
		if err != nil {
			t.Fatalf("New takes %q: %v", resource, err)
		}
		r := httptest.NewRequest("GET", u.RequestURI(), nil)
		r.Header["Authorization"] = []string{authorization}
		w := httptest.NewRecorder()
		h := auth.Wrap(cognitoauth.Require(policy, http.NotFoundHandler()))
		h.ServeHTTP(w, r)
		if w.Code == 401 {
			fuzzMetadata(t, h, u, w.Header().Get("WWW-Authenticate"))
		}
		var denied *cognitoauth.Error
		if !errors.As(policy.Check(r, &cognitoauth.Claims{TokenUse: cognitoauth.AccessToken}), &denied) {
			t.Fatal("claims without scopes pass")
		}
		for _, challenge := range append(w.Header().Values("WWW-Authenticate"), denied.Challenge()) {
			if challenge != "" {
				fuzzChallenge(t, challenge)
			}
		}
	})
}

// fuzzMetadata reads the document that a challenge names: it must be the one about
// the resource that the client has called, on the same host (RFC 9728, section
// 3.3).
func fuzzMetadata(t *testing.T, h http.Handler, resource *url.URL, challenge string) {
	t.Helper()
	_, address, _ := strings.Cut(challenge, `resource_metadata="`)
	address, _, _ = strings.Cut(address, `"`)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != resource.Scheme || u.Host != resource.Host {
		t.Fatalf("%s: the challenge names %q: %v", resource, address, err)
	}
	// Not by u.Host, which has escapes decoded.
	_, target, _ := strings.Cut(address, "://")
	target = target[strings.IndexByte(target, '/'):]
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	var doc struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); w.Code != 200 || err != nil || doc.Servers == nil {
		t.Fatalf("%s: %s is answered %d %s", resource, address, w.Code, w.Body)
	}
	if again, err := url.Parse(doc.Resource); err != nil || *again != *resource {
		t.Fatalf("%s: %s is about %q", resource, address, doc.Resource)
	}
}

// fuzzPolicy makes a policy, unless it cannot be made of these.
func fuzzPolicy(scope1, scope2, acr string) (p cognitoauth.Policy, ok bool) {
	defer func() { _ = recover() }()
	p = cognitoauth.And(cognitoauth.Scope(scope1), cognitoauth.Scope(scope2), cognitoauth.ACR(acr))
	return p, true
}

// fuzzChallenge parses one challenge, strictly and by hand.
func fuzzChallenge(t *testing.T, challenge string) {
	t.Helper()
	rest, ok := strings.CutPrefix(challenge, "Bearer ")
	seen := map[string]bool{}
	for ok && rest != "" {
		name, after, found := strings.Cut(rest, `="`)
		value, tail, closed := strings.Cut(after, `"`)
		if !found || !closed || seen[name] || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Fatalf("not a challenge: %q", challenge)
		}
		seen[name] = true
		if strings.ContainsFunc(value, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '\\' }) {
			t.Fatalf("%s has a byte that RFC 6750 keeps out: %q", name, challenge)
		}
		if name == "scope" && slices.Contains(strings.Split(value, " "), "") {
			t.Fatalf("an empty scope: %q", challenge)
		}
		if rest = tail; rest != "" {
			rest, ok = strings.CutPrefix(rest, ", ")
		}
	}
	if !ok || !seen["realm"] {
		t.Fatalf("not a challenge with a realm: %q", challenge)
	}
}

// FuzzKeySet: a key set yields the keys that an independent reading of it finds
// usable, and no other.
func FuzzKeySet(f *testing.F) {
	for _, set := range newFuzzSeeds(f).keySets {
		f.Add(set)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if doc == nil {
			return // no static key set at all
		}
		auth, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{
			{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}, JWKS: doc},
		}})
		if err != nil {
			return
		}
		var set map[string]json.RawMessage
		var keys []json.RawMessage
		if json.Unmarshal(doc, &set) != nil || json.Unmarshal(set["keys"], &keys) != nil || len(keys) > 100 || len(doc) > 256<<10 {
			t.Fatalf("accepted, but no key set: %q", doc)
		}
		want, got := fuzzUsable(keys), auth.Status()[0].KeyIDs
		if len(got) == 0 || !slices.Equal(got, want) {
			t.Fatalf("the keys %q are used, want %q: %q", got, want, doc)
		}
	})
}

// fuzzUsable are the kids of the keys that may verify RS256, by the word of RFC
// 7517 and RFC 7518: of each kid one key, however often it is there.
func fuzzUsable(keys []json.RawMessage) []string {
	material := map[string]string{}
	for _, raw := range keys {
		var k map[string]any
		// By default jsontext refuses names that are there twice, and bad UTF-8.
		if !jsontext.Value(raw).IsValid() || json.Unmarshal(raw, &k) != nil || !fuzzVerifies(k) {
			continue
		}
		kid, own := k["kid"].(string), fmt.Sprint(k["n"], " ", k["e"])
		if other, ok := material[kid]; ok && other != own {
			own = "ambiguous"
		}
		material[kid] = own
	}
	maps.DeleteFunc(material, func(_, m string) bool { return m == "ambiguous" })
	return slices.Sorted(maps.Keys(material))
}

// fuzzVerifies is whether one key may verify RS256.
func fuzzVerifies(k map[string]any) bool {
	number := func(name string) *big.Int {
		s, _ := k[name].(string)
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") || len(raw) == 0 || raw[0] == 0 {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(raw)
	}
	absentOr := func(name, want string) bool { v, ok := k[name]; return !ok || v == want }
	listed, limited := k["key_ops"]
	ops, _ := listed.([]any)
	odd := func(op any) bool { _, ok := op.(string); return !ok }
	verifies := !limited || slices.Contains(ops, "verify") && !slices.ContainsFunc(ops, odd)
	kid, _ := k["kid"].(string)
	n, e := number("n"), number("e")
	return k["kty"] == "RSA" && absentOr("use", "sig") && absentOr("alg", "RS256") && verifies && kid != "" && len(kid) <= 256 &&
		n.BitLen() >= 2048 && n.BitLen() <= 8192 && n.Bit(0) == 1 && e.Bit(0) == 1 && e.BitLen() > 16 && e.BitLen() < 32
}
