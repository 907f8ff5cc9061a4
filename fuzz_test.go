package cognitoauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/golang-jwt/jwt/v5"
)

// fuzzSeeds calls seed with every token of the vectors that is written out, and
// with every key set.
func fuzzSeeds(f *testing.F, seed func(token string, keySet []byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var vectors struct {
			KeySets map[string]json.RawMessage
			Cases   []struct{ Token string }
		}
		if err := json.Unmarshal(doc, &vectors); err != nil {
			f.Fatal(err)
		}
		for _, c := range vectors.Cases {
			seed(c.Token, nil)
		}
		for _, set := range vectors.KeySets {
			seed("", set)
		}
	}
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

// fuzzPool is a pool of the vectors' ID and client in the process, with a
// Middleware that reports each decision.
func fuzzPool(f *testing.F) (*cognitotest.Pool, *cognitoauth.Middleware, *cognitoauth.Decision) {
	f.Helper()
	pool := cognitotest.NewPool(f, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	last := new(cognitoauth.Decision)
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { *last = d }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	if err := auth.Ready(f.Context()); err != nil {
		f.Fatal(err)
	}
	return pool, auth, last
}

// FuzzToken: whatever comes, Validate answers with claims or an *Error, and an
// accepted token is in its one canonical form.
func FuzzToken(f *testing.F) {
	pool, auth, _ := fuzzPool(f)
	fuzzSeeds(f, func(token string, keySet []byte) {
		if keySet == nil {
			f.Add(token)
		}
	})
	f.Add(pool.AccessToken().String())
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := auth.Validate(t.Context(), token)
		var e *cognitoauth.Error
		if (claims == nil) != errors.As(err, &e) {
			t.Fatalf("claims %v with error %v", claims, err)
		}
		if e != nil {
			if detail := e.Detail(); len(token) > 64 && strings.Contains(detail, token) {
				t.Fatalf("Detail quotes the token: %s", detail)
			}
			return
		}
		for part := range strings.SplitSeq(token, ".") {
			doc, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(doc) != part {
				t.Fatalf("accepted, but a segment is not canonical: %q", part)
			}
		}
	})
}

// FuzzHeader: a header that we accept is read the same by golang-jwt.
func FuzzHeader(f *testing.F) {
	pool, auth, last := fuzzPool(f)
	fuzzSeeds(f, func(token string, _ []byte) { f.Add(fuzzSegment(token, 0)) })
	_, rest, _ := strings.Cut(pool.AccessToken().String(), ".")
	handler := auth.Wrap(http.NotFoundHandler())
	f.Fuzz(func(t *testing.T, header []byte) {
		token := base64.RawURLEncoding.EncodeToString(header) + "." + rest
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if code := last.Code; code != "key_unknown" && code != "signature_invalid" && code != "authenticated" {
			return // refused because of the header
		}
		theirs, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
		if err != nil {
			t.Fatalf("accepted, but golang-jwt says %v: %q", err, header)
		}
		if theirs.Header["alg"] != "RS256" || theirs.Header["kid"] != last.KeyID {
			t.Fatalf("golang-jwt reads alg %v and kid %q, we read kid %q", theirs.Header["alg"], theirs.Header["kid"], last.KeyID)
		}
		for _, name := range []string{"crit", "b64", "enc", "zip", "cty"} {
			if _, ok := theirs.Header[name]; ok {
				t.Fatalf("accepted with %s: %q", name, header)
			}
		}
	})
}

// FuzzPayload: our decoder and encoding/json agree on every member that both
// accept, and the fields of Claims are what encoding/json finds. A space in front
// changes nothing, though it takes the payload off the quick path.
func FuzzPayload(f *testing.F) {
	fuzzSeeds(f, func(token string, _ []byte) { f.Add(fuzzSegment(token, 1)) })
	f.Fuzz(func(t *testing.T, payload []byte) {
		found, err := kit.NewClaims(payload, "eu-west-1_AbCdEf123", time.Now, 0)
		slow, slowErr := kit.NewClaims(append([]byte(" "), payload...), "eu-west-1_AbCdEf123", time.Now, 0)
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("%v, and %v with a space in front: %q", err, slowErr, payload)
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
			if !bytes.Equal(bytes.TrimSpace(ours[name]), bytes.TrimSpace(value)) {
				t.Fatalf("%q is %s, encoding/json finds %s", name, ours[name], value)
			}
		}
		fuzzFields(t, claims, theirs)
		fuzzFields(t, slow.(*cognitoauth.Claims), theirs)
	})
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
	want := map[string]string{"iss": c.Issuer, "token_use": string(c.TokenUse), "jti": c.ID, "origin_jti": c.OriginID, "event_id": c.EventID, "acr": c.ACR}
	if c.TokenUse != cognitoauth.IDToken {
		want["client_id"], want["username"] = c.ClientID, c.Username
	} else {
		want["cognito:username"] = c.Username
	}
	for name, got := range want {
		if text(name) != got {
			t.Fatalf("%s is %q, encoding/json finds %q", name, got, text(name))
		}
	}
	var groups []string
	if raw, ok := payload["cognito:groups"]; ok {
		if err := json.Unmarshal(raw, &groups); err != nil {
			t.Fatalf("accepted, but cognito:groups is %s", raw)
		}
	}
	if !slices.Equal(groups, c.Groups()) {
		t.Fatalf("groups %q, encoding/json finds %q", c.Groups(), groups)
	}
	for _, name := range []string{"exp", "nbf", "iat", "auth_time"} {
		if raw, ok := payload[name]; ok {
			if _, ok := new(big.Float).SetString(string(raw)); !ok {
				t.Fatalf("accepted, but %s is %s", name, raw)
			}
		}
	}
}

// FuzzChallenge: what we emit parses as a challenge of RFC 9110, section
// 11.6.1, each parameter once, with RFC 6750's bytes only.
func FuzzChallenge(f *testing.F) {
	f.Add("api", "orders/read", "orders/write", "urn:cognito:loa:2", "Bearer")
	f.Add("my \"api\"", "a b", "\\", "é", "Bearer a, Bearer b")
	f.Add("", "", "\x00", "x\r\nX-Evil: 1", "Basic x")
	f.Fuzz(func(t *testing.T, realm, scope1, scope2, acr, authorization string) {
		pool := cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}}
		auth, err := cognitoauth.New(cognitoauth.Config{Realm: realm, Pools: []cognitoauth.Pool{pool}})
		if err != nil {
			return
		}
		policy, ok := fuzzPolicy(scope1, scope2, acr)
		if !ok {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{authorization}
		w := httptest.NewRecorder()
		auth.Wrap(cognitoauth.Require(policy, http.NotFoundHandler())).ServeHTTP(w, r)
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

// FuzzKeySet: a key set never yields a key that is forbidden, by an independent
// reading of the set.
func FuzzKeySet(f *testing.F) {
	fuzzSeeds(f, func(_ string, keySet []byte) {
		if keySet != nil {
			f.Add(keySet)
		}
	})
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
		kids := auth.Status()[0].KeyIDs
		if len(kids) == 0 {
			t.Fatalf("accepted without a usable key: %q", doc)
		}
		var set map[string]json.RawMessage
		var keys []map[string]any
		if json.Unmarshal(doc, &set) != nil || json.Unmarshal(set["keys"], &keys) != nil || len(keys) > 100 {
			t.Fatalf("accepted, but no key set: %q", doc)
		}
		for _, kid := range kids {
			if !slices.ContainsFunc(keys, func(k map[string]any) bool { return k["kid"] == kid && fuzzUsable(k) }) {
				t.Fatalf("key %q is used and must not be: %q", kid, doc)
			}
		}
	})
}

// fuzzUsable is RFC 7517's and RFC 7518's word on whether a key may verify RS256.
func fuzzUsable(k map[string]any) bool {
	number := func(name string) *big.Int {
		s, _ := k[name].(string)
		raw, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(raw)
	}
	absentOr := func(name, want string) bool { v, ok := k[name]; return !ok || v == want }
	ops, limited := k["key_ops"].([]any)
	n, e := number("n"), number("e")
	return k["kty"] == "RSA" && absentOr("use", "sig") && absentOr("alg", "RS256") && (!limited || slices.Contains(ops, "verify")) &&
		n.BitLen() >= 2048 && n.BitLen() <= 8192 && n.Bit(0) == 1 && e.Bit(0) == 1 && e.BitLen() > 16 && k["kid"] != ""
}
