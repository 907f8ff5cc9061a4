package cognitoauth_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// desk is a pool at noon and a Middleware that accepts its access tokens and
// its ID tokens.
type desk struct {
	pool *cognitotest.Pool
	auth *cognitoauth.Middleware
}

func newDesk(tb testing.TB, changes ...func(*cognitoauth.Config)) desk {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	return desk{pool, lab.MustNew(tb, bothKinds(pool.Config()), changes...)}
}

// bothKinds lists the one Pool of cfg again, for ID tokens.
func bothKinds(cfg cognitoauth.Config) cognitoauth.Config {
	id := cfg.Pools[0]
	id.TokenUse = cognitoauth.IDToken
	cfg.Pools = append(cfg.Pools, id)
	return cfg
}

// rival is golang-jwt's own parser, set as strictly as it can be.
type rival struct {
	*jwt.Parser
	keys map[string]*rsa.PublicKey
}

func newRival(tb testing.TB, keySet []byte, now func() time.Time, leeway time.Duration) rival {
	tb.Helper()
	return rival{jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithStrictDecoding(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(now)), publicKeys(tb, keySet)}
}

// publicKeys reads a key set with the standard library alone.
func publicKeys(tb testing.TB, keySet []byte) map[string]*rsa.PublicKey {
	tb.Helper()
	var set struct{ Keys []struct{ Kid, N, E string } }
	if err := json.Unmarshal(keySet, &set); err != nil {
		tb.Fatal(err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		if err1 != nil || err2 != nil {
			tb.Fatal(err1, err2)
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys
}

func (r rival) accepts(token string) bool {
	_, err := r.ParseWithClaims(token, jwt.MapClaims{}, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key := r.keys[kid]; key != nil {
			return key, nil
		}
		return nil, errors.New("no such key")
	})
	return err == nil
}

// jsonValues are JSON texts by kind: a string, a number that fits a date, one
// that does not, one that no float64 holds, a list of strings, another list, an
// object, a literal, and text that is no JSON.
var jsonValues = map[string][]string{
	"string": {`""`, `"x"`, `" "`, `"0"`, `"1772625600"`, `"true"`, `"access"`, `"id"`, `"\u0000"`, `"\\\"\/\b\f\n\r\t"`, `"ü€😀"`, `"\ud83d\ude00"`, `"` + strings.Repeat("x", 5000) + `"`},
	"date":   {`0`, `-0`, `1`, `-1`, `1772625600`, `1772629200`, `1772629200.5`, `1.7726292e9`, `17726292E+2`, `0e400`, `1e-400`, `0e99999999999999999999`, `1e-99999999999999999999`, `9007199254740991`, `-9007199254740991`},
	"number": {`9007199254740993`, `-9007199254740993`, `9007199254740993.5`, `9223372036854775807`, `-9223372036854775808`, `9223372036854775808`, `1e18`, `1e19`, `1e300`, `-1e300`, `1` + strings.Repeat("0", 300)},
	"beyond": {`1e309`, `-1e309`, `1e400`, `1e99999999999`, `1e99999999999999999999`, `9` + strings.Repeat("0", 400), `[1e400]`, `{"a":{"b":[1,1e400]}}`},
	"list":   {`[]`, `["x"]`, `[""]`, `["x","y"]`, `[ "x" , "x" ]`, `["1e400"]`, `["\"1e400","\\","1e400"]`},
	"mixed":  {`[1]`, `[null]`, `[true]`, `["x",1]`, `[["x"]]`, `[{}]`, `["x",null]`},
	"object": {`{}`, `{"a":1}`, `{"sub":"x"}`, `{"a":{"a":[{"a":"a"}]}}`, `{"1e400":"1e400"}`, `{"a":[1,-2.5E+3,"1e400"]}`},
	"other":  {`null`, `true`, `false`},
	"broken": {``, `01`, `+1`, `.5`, `1.`, `1e`, `0x1`, `--1`, `NaN`, `Infinity`, `tru`, `True`, `nil`, `'x'`, `"`, `"x`, `"\x"`, `"\u12"`, `"\ud800"`, `"\udc00\ud800"`, "\"\x00\"", "\"\n\"", "\"\x80\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", `[`, `[1,]`, `[,]`, `{"a"}`, `{"a":1,}`, `{"a":1,"a":1}`, `{a:1}`, `1 2`, `1//`},
}

// jsonKinds are the kinds that the claims the library reads may have; any other
// claim may be whatever JSON there is.
var jsonKinds = map[string][]string{
	"iss": {"string"}, "sub": {"string"}, "token_use": {"string"}, "client_id": {"string"}, "username": {"string"},
	"cognito:username": {"string"}, "scope": {"string"}, "jti": {"string"}, "origin_jti": {"string"}, "acr": {"string"}, "event_id": {"string"},
	"exp": {"date"}, "nbf": {"date"}, "iat": {"date"}, "auth_time": {"date"},
	"aud": {"string", "list"}, "cognito:groups": {"list"},
	"version": anyKind, "custom:x": anyKind, "amr": anyKind, "ISS": anyKind, "": anyKind,
}

var anyKind = []string{"string", "date", "number", "list", "mixed", "object", "other"}

func TestValidate_everyClaimWithEveryValue(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	parser := newRival(t, d.pool.KeySet(), lab.AtNoon, 30*time.Second)
	accepted, refused := 0, 0
	for claim, kinds := range jsonKinds {
		for kind, values := range jsonValues {
			for _, value := range values {
				code, signed := offer(t, d, d.pool.AccessToken().Set(claim, json.RawMessage(value)))
				if fits := slices.Contains(kinds, kind); (code == "claims_malformed") == fits {
					t.Errorf("%q: %.60s: code %q", claim, value, code)
				}
				if code != "" {
					refused++
					continue
				}
				accepted++
				if !parser.accepts(signed) {
					t.Errorf("%q: %.60s: accepted, and refused by jwt.Parser", claim, value)
				}
			}
		}
	}
	if accepted < 300 || refused < 1000 {
		t.Errorf("accepted %d, refused %d: too few to tell", accepted, refused)
	}
}

// offer decides about a token under a signature that is none, and, where only
// that is wrong with it, under the good one, which takes time to make.
func offer(tb testing.TB, d desk, token *cognitotest.Token) (code, signed string) {
	tb.Helper()
	if code = lab.Decide(tb, d.auth, token.SignedWith(noSignature).String()); code != "signature_invalid" {
		return code, ""
	}
	signed = token.String()
	return lab.Decide(tb, d.auth, signed), signed
}

func noSignature([]byte) []byte { return make([]byte, 256) }

func TestValidate_noMoreThanParser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	parser := newRival(t, d.pool.KeySet(), lab.AtNoon, 30*time.Second)
	if bad := d.pool.AccessToken(); parser.accepts(bad.Tampered().String()) || parser.accepts(bad.ExpiresIn(-time.Hour).String()) || !parser.accepts(bad.String()) {
		t.Fatal("jwt.Parser refuses nothing")
	}
	accepted, refused := 0, 0
	for _, tokens := range []iter.Seq2[string, *cognitotest.Token]{headers(d.pool), payloads(d.pool)} {
		for name, token := range tokens {
			code, signed := offer(t, d, token)
			switch {
			case code != "":
				refused++
			case !parser.accepts(signed):
				t.Errorf("%s: accepted, and refused by jwt.Parser", name)
			default:
				accepted++
			}
		}
	}
	if accepted < 50 || refused < 500 {
		t.Errorf("accepted %d, refused %d: too few to tell", accepted, refused)
	}
}

// headers are tokens with each header member set to each JSON value, and with
// other values of its own.
func headers(pool *cognitotest.Pool) iter.Seq2[string, *cognitotest.Token] {
	own := map[string][]string{
		"alg": {`"none"`, `"None"`, `"rs256"`, `"RS256 "`, `"RS\u0032\u0035\u0036"`, `"RS384"`, `"HS256"`, `"PS256"`, `["RS256"]`},
		"typ": {`"JWT"`, `"jwt"`, `"at+jwt"`, `"application/at+JWT"`, `"application/"`, `"application/application/jwt"`, `"JOSE"`, `"dpop+jwt"`, `"jwt "`},
	}
	return func(yield func(string, *cognitotest.Token) bool) {
		for _, member := range []string{"alg", "kid", "typ", "cty", "crit", "b64", "enc", "zip", "jku", "ALG", ""} {
			values := own[member]
			for _, more := range jsonValues {
				values = append(values, more...)
			}
			for _, value := range values {
				token := pool.AccessToken().SetHeader(member, json.RawMessage(value))
				if !yield(fmt.Sprintf("header %q: %.40s", member, value), token) {
					return
				}
			}
		}
	}
}

// payloads are tokens whose payload or header is not the JSON that it was.
func payloads(pool *cognitotest.Pool) iter.Seq2[string, *cognitotest.Token] {
	token := pool.AccessToken()
	header, payload, _ := decodedParts(token.String())
	spoil := []func(string) string{
		func(s string) string { return s + s },
		func(s string) string { return s + " \t\r\n" },
		func(s string) string { return " \t\r\n" + s },
		func(s string) string { return "\ufeff" + s },
		func(s string) string { return s + "\x00" },
		func(s string) string { return s + "x" },
		func(s string) string { return s + "}" },
		func(s string) string { return "[" + s + "]" },
		func(s string) string { return s[1 : len(s)-1] },
		func(s string) string { return strings.TrimSuffix(s, "}") },
		func(s string) string { return strings.TrimSuffix(s, "}") + ",}" },
		func(s string) string { return "{" + s[1:len(s)-1] + "," + s[1:] },
		func(s string) string { return strings.ReplaceAll(s, `":`, `" : `) },
		func(s string) string { return strings.ReplaceAll(s, `,"`, `;"`) },
		func(string) string { return "" },
		func(string) string { return "{}" },
		func(string) string { return "null" },
		func(string) string { return "[]" },
		func(string) string { return `"{}"` },
		func(string) string { return "1" },
		func(s string) string { return strings.TrimSuffix(s, "}") + `,"x":` + nested(63) + "}" },
		func(s string) string { return strings.TrimSuffix(s, "}") + `,"x":` + nested(64) + "}" },
		func(s string) string { return strings.TrimSuffix(s, "}") + `,"x":` + nested(20000) + "}" },
	}
	return func(yield func(string, *cognitotest.Token) bool) {
		for i, change := range spoil {
			if !yield(fmt.Sprintf("payload %d", i), token.Payload([]byte(change(payload)))) ||
				!yield(fmt.Sprintf("header %d", i), token.Header([]byte(change(header)))) {
				return
			}
		}
	}
}

// nested is a list in a list, and so on, n deep.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func decodedParts(token string) (header, payload, signature string) {
	var out [3]string
	for i, part := range strings.SplitN(token, ".", 3) {
		raw, _ := base64.RawURLEncoding.DecodeString(part)
		out[i] = string(raw)
	}
	return out[0], out[1], out[2]
}

// A token is good as a whole or not at all: whatever is changed, left out or
// put in makes it another token, which nobody signed.
func TestValidate_everyByteCounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := d.pool.AccessToken().String()
	if code := lab.Decide(t, d.auth, token); code != "" {
		t.Fatal(code)
	}
	try := func(what string, at int, other string) {
		if code := lab.Decide(t, d.auth, other); code == "" {
			t.Errorf("%s at %d: accepted", what, at)
		}
	}
	for i := range len(token) {
		for _, c := range []byte{token[i] ^ 1, token[i] ^ 0x80, 'A', '-', '.', '=', '+', '/', '\n', '\r', ' ', 0} {
			if c != token[i] {
				try(fmt.Sprintf("%q", c), i, token[:i]+string([]byte{c})+token[i+1:])
			}
			if c == '\n' || c == '\r' || c == '=' || c == ' ' || c == '.' {
				try(fmt.Sprintf("put in %q", c), i, token[:i]+string([]byte{c})+token[i:])
			}
		}
		try("cut after", i, token[:i])
		try("cut before", i+1, token[i+1:])
		try("left out", i, token[:i]+token[i+1:])
	}
	for _, suffix := range []string{"\n", "\r", "\r\n", "=", "==", "A", ".", " ", "\x00"} {
		try("appended", len(token), token+suffix)
	}
}

// The last character of a segment whose length is not a multiple of four has
// bits that no byte needs; canonical base64 has them zero. So a token has one
// spelling.
func TestValidate_sparebits(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	d := newDesk(t)
	respelled := 0
	for pad := range 3 {
		token := d.pool.AccessToken().Set("x", strings.Repeat("x", pad)).SetHeader("x", strings.Repeat("x", pad)).String()
		parts := strings.Split(token, ".")
		for i, part := range parts {
			last := strings.IndexByte(alphabet, part[len(part)-1])
			for _, spare := range []int{1, 2, 3, 4, 8, 12, 15} {
				other := part[:len(part)-1] + alphabet[last^spare:][:1]
				if a, _ := base64.RawURLEncoding.DecodeString(part); string(a) != respelling(other) {
					continue
				}
				respelled++
				changed := slices.Clone(parts)
				changed[i] = other
				if code := lab.Decide(t, d.auth, strings.Join(changed, ".")); code != "token_malformed" {
					t.Errorf("segment %d, bits %04b: code %q", i, spare, code)
				}
			}
		}
	}
	if respelled < 6 {
		t.Errorf("only %d other spellings", respelled)
	}
}

func respelling(s string) string {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return string(b)
}

// floorHalf is n halves in whole numbers, rounded down.
func floorHalf(n int64) int64 { return n >> 1 }

// A fault is one thing that is wrong with a token.
type fault struct {
	code  string
	claim string // that it needs: two faults of one claim cannot meet
	build func(*cognitotest.Token) *cognitotest.Token
	after func(string) string
}

func setClaim(claim string, v any) func(*cognitotest.Token) *cognitotest.Token {
	return func(t *cognitotest.Token) *cognitotest.Token { return t.Set(claim, v) }
}

func setMember(name string, v any) func(*cognitotest.Token) *cognitotest.Token {
	return func(t *cognitotest.Token) *cognitotest.Token { return t.SetHeader(name, v) }
}

// faults are in the order in which they are looked for.
var faults = []fault{
	{code: "token_too_large", after: func(s string) string { return s + strings.Repeat("A", 32<<10) }},
	{code: "token_malformed", claim: "dots", after: func(s string) string { return s + ".x" }},
	{code: "token_malformed", claim: "JSON", build: setMember("noSignature", json.RawMessage(`1,`))},
	{code: "algorithm_unsupported", build: setMember("alg", "HS256")},
	{code: "key_id_invalid", claim: "kid", build: setMember("kid", "")},
	{code: "header_unsupported", build: setMember("crit", []string{"exp"})},
	{code: "type_unsupported", build: setMember("typ", "dpop+jwt")},
	{code: "token_malformed", claim: "dots", after: func(s string) string { return s + "=" }},
	{code: "token_malformed", claim: "dots", after: func(s string) string {
		header, payload, signature := lab.CutThree(s)
		return header + "." + payload + "~." + signature
	}},
	{code: "claims_malformed", build: setClaim("scope", 1)},
	{code: "issuer_mismatch", build: setClaim("iss", "https://example.com")},
	{code: "token_use_mismatch", build: setClaim("token_use", "refresh")},
	{code: "expiry_missing", claim: "exp", build: func(t *cognitotest.Token) *cognitotest.Token { return t.Delete("exp") }},
	{code: "token_expired", claim: "exp", build: setClaim("exp", lab.Noon.Add(-time.Hour))},
	{code: "token_not_yet_valid", build: setClaim("nbf", lab.Noon.Add(time.Hour))},
	{code: "token_issued_in_future", claim: "iat", build: setClaim("iat", lab.Noon.Add(time.Hour))},
	{code: "lifetime_too_long", claim: "iat", build: setClaim("iat", lab.Noon.Add(-48*time.Hour))},
	{code: "client_mismatch", build: setClaim("client_id", "another")},
	{code: "subject_missing", build: setClaim("sub", "")},
	{code: "audience_mismatch", build: setClaim("aud", "https://other.example")},
	{code: "key_unknown", claim: "kid", build: setMember("kid", "nobody's")},
	{code: "signature_invalid", build: func(t *cognitotest.Token) *cognitotest.Token { return t.Tampered() }},
	{code: "token_revoked", build: setClaim("jti", "revoked")},
}

func (f fault) meets(other fault) bool { return f.claim == "" || f.claim != other.claim }

// spoiled is the pool's access token with these faults. It has no signature
// where none is looked at before the first of them.
func spoiled(pool *cognitotest.Pool, all ...fault) string {
	token := pool.AccessToken()
	if all[0].code != "signature_invalid" && all[0].code != "token_revoked" {
		token = token.SignedWith(noSignature)
	}
	for _, f := range all {
		if f.build != nil {
			token = f.build(token)
		}
	}
	s := token.String()
	for _, f := range slices.Backward(all) {
		if f.after != nil {
			s = f.after(s)
		}
	}
	return s
}

// revoking makes Config.Revoked refuse the fault of that name.
func revoking(c *cognitoauth.Config) {
	c.Revoked = func(_ context.Context, claims *cognitoauth.Claims) (bool, error) { return claims.ID == "revoked", nil }
}

func TestValidate_firstFaultNamesTheRefusal(t *testing.T) {
	d := newDesk(t, revoking)
	for i, first := range faults {
		if code := lab.Decide(t, d.auth, spoiled(d.pool, first)); code != first.code {
			t.Errorf("%s alone: code %q", first.code, code)
		}
		for _, second := range faults[i+1:] {
			if !first.meets(second) {
				continue
			}
			if code := lab.Decide(t, d.auth, spoiled(d.pool, first, second)); code != first.code {
				t.Errorf("%s before %s: code %q", first.code, second.code, code)
			}
		}
		if first.code != "key_unknown" && d.pool.Fetches() > 0 && i < slices.IndexFunc(faults, isKeyUnknown) {
			t.Fatalf("%s cost a fetch", first.code)
		}
	}
	if d.pool.Fetches() == 0 {
		t.Error("no fetch at all: the count tells nothing")
	}
}

func isKeyUnknown(f fault) bool { return f.code == "key_unknown" }

func TestValidate_manyFaults(t *testing.T) {
	d := newDesk(t, revoking)
	for i, first := range faults {
		all := []fault{first}
		for _, f := range faults[i+1:] {
			if !slices.ContainsFunc(all, func(g fault) bool { return !f.meets(g) }) {
				all = append(all, f)
			}
		}
		if code := lab.Decide(t, d.auth, spoiled(d.pool, all...)); code != first.code {
			t.Errorf("%s and all after it: code %q", first.code, code)
		}
	}
}

// These are further ways to each of the codes that the table of faults has.
func TestValidate_refusesForm(t *testing.T) {
	d := newDesk(t)
	user := d.pool.AccessToken()
	text := user.String()
	header, payload, signature := lab.CutThree(text)
	checkCodes(t, d, []tokenRow{
		{"nothing", "", "token_malformed"},
		{"two dots alone", "..", "token_malformed"},
		{"no header", "." + payload + "." + signature, "token_malformed"},
		{"no payload", header + ".." + signature, "claims_malformed"},
		{"no signature", header + "." + payload + ".", "signature_invalid"},
		{"one dot", header + "." + payload, "token_malformed"},
		{"five parts", text + "." + payload + "." + signature, "token_malformed"},
		{"padding", text + "=", "token_malformed"},
		{"line break in the header", header[:4] + "\n" + header[4:] + "." + payload + "." + signature, "token_malformed"},
		{"line break in the payload", header + "." + payload[:4] + "\r\n" + payload[4:] + "." + signature, "token_malformed"},
		{"line break in the signature", text[:len(text)-4] + "\n" + text[len(text)-4:], "token_malformed"},
		{"the scheme before it", "Bearer " + text, "token_malformed"},

		{"header of 1025 bytes", headerOf(user, 1025).String(), "token_malformed"},
		{"header of two objects", user.Header([]byte(`{"alg":"RS256"}{}`)).String(), "token_malformed"},
		{"header that is null", user.Header([]byte(`null`)).String(), "token_malformed"},
		{"header nested 65 deep", user.SetHeader("x", json.RawMessage(nested(64))).String(), "token_malformed"},
		{"header with alg twice", user.Header([]byte(`{"kid":"x","alg":"RS256","\u0061lg":"RS256"}`)).String(), "token_malformed"},

		{"no alg", user.DeleteHeader("alg").String(), "algorithm_unsupported"},
		{"alg in a list", user.SetHeader("alg", []string{"RS256"}).String(), "algorithm_unsupported"},
		{"no kid", user.DeleteHeader("kid").String(), "key_id_invalid"},
		{"kid a number", user.SetHeader("kid", 1).String(), "key_id_invalid"},
		{"kid null", user.SetHeader("kid", nil).String(), "key_id_invalid"},
		{"kid of 257 bytes", user.SetHeader("kid", strings.Repeat("k", 257)).String(), "key_id_invalid"},
		{"typ null", user.SetHeader("typ", nil).String(), "type_unsupported"},
		{"typ empty", user.SetHeader("typ", "").String(), "type_unsupported"},
		{"typ of another family", user.SetHeader("typ", "applicatiom/JWT").String(), "type_unsupported"},
		{"typ of twice the family", user.SetHeader("typ", "application/application/JWT").String(), "type_unsupported"},
		{"typ application/ alone", user.SetHeader("typ", "application/").String(), "type_unsupported"},
		{"b64 true", user.SetHeader("b64", true).String(), "header_unsupported"},
		{"enc", user.SetHeader("enc", "A256GCM").String(), "header_unsupported"},
		{"zip", user.SetHeader("zip", "DEF").String(), "header_unsupported"},
		{"cty", user.SetHeader("cty", "JWT").String(), "header_unsupported"},
	})
}

// tokenRow is a token and the code that it is refused with.
type tokenRow struct{ name, token, code string }

func checkCodes(t *testing.T, d desk, rows []tokenRow) {
	t.Helper()
	for _, row := range rows {
		if code := lab.Decide(t, d.auth, row.token); code != row.code {
			t.Errorf("%s: code %q, want %q", row.name, code, row.code)
		}
	}
}

// headerOf makes the decoded header of a token n bytes long.
func headerOf(token *cognitotest.Token, n int) *cognitotest.Token {
	header, _, _ := decodedParts(token.SetHeader("x", "").String())
	return token.SetHeader("x", strings.Repeat("x", n-len(header)))
}

func TestValidate_accepts(t *testing.T) {
	d := newDesk(t)
	user, machine, id := d.pool.AccessToken(), d.pool.MachineToken(), d.pool.IDToken()
	lean := user
	for _, claim := range []string{"version", "origin_jti", "event_id", "scope", "auth_time", "iat", "jti", "username"} {
		lean = lean.Delete(claim)
	}
	rows := []struct {
		name  string
		token *cognitotest.Token
	}{
		{"a user's access token", user},
		{"a machine's", machine},
		{"a user's ID token", id},
		{"nothing but what is needed", lean},
		{"a machine without sub", machine.Delete("sub")},
		{"a machine with an empty sub", machine.Set("sub", "")},
		{"an ID token with a client_id of its own", id.Set("client_id", "another")},
		{"an access token with a cognito:username", user.Set("cognito:username", "x")},
		{"a header of 1024 bytes", headerOf(user, 1024)},
		{"a header nested 64 deep", user.SetHeader("x", json.RawMessage(nested(63)))},
		{"members that point to keys elsewhere", user.SetHeader("jku", "https://example.com").SetHeader("x5u", "https://example.com").SetHeader("jwk", map[string]any{}).SetHeader("x5c", nil)},
		{"typ JWT", user.SetHeader("typ", "JWT")},
		{"typ application/at+jwt in mixed case", user.SetHeader("typ", "Application/AT+jwt")},
		{"escapes in the header's names and values", user.Header([]byte(`{"\u0061lg":"RS\u0032\u0035\u0036","kid":"` + user.KeyID() + `"}`))},
		{"the other key of the pool", user.SetHeader("kid", id.KeyID()).SignedBy(id.Key())},
		{"expired within the leeway", user.Set("exp", lab.Noon.Add(-29*time.Second))},
		{"valid in the future within the leeway", user.Set("nbf", lab.Noon.Add(30*time.Second))},
		{"issued in the future within the leeway", user.Set("iat", lab.Noon.Add(30*time.Second))},
	}
	for _, row := range rows {
		if code := lab.Decide(t, d.auth, row.token.String()); code != "" {
			t.Errorf("%s: code %q", row.name, code)
		}
	}
	if all := d.pool.Requests(); !slices.Equal(all, []string{d.pool.Issuer() + "/.well-known/jwks.json"}) {
		t.Errorf("asked %s", all)
	}
}

// Without its memory the Middleware decides as with it.
func TestValidate_withoutCache(t *testing.T) {
	d := newDesk(t, revoking, func(c *cognitoauth.Config) { c.TokenCache = -1 })
	if code := lab.Decide(t, d.auth, d.pool.AccessToken().String()); code != "" {
		t.Errorf("code %q", code)
	}
	for _, f := range faults {
		if code := lab.Decide(t, d.auth, spoiled(d.pool, f)); code != f.code {
			t.Errorf("%s: code %q", f.code, code)
		}
	}
}

func TestValidate_kidOf256Bytes(t *testing.T) {
	d := newDesk(t)
	user := d.pool.AccessToken()
	kid := strings.Repeat("k", 256)
	auth := lab.MustNew(t, d.pool.Config(), func(c *cognitoauth.Config) {
		c.Pools[0].JWKS = []byte(strings.Replace(string(d.pool.KeySet()), user.KeyID(), kid, 1))
	})
	if code := lab.Decide(t, auth, user.SetHeader("kid", kid).String()); code != "" {
		t.Errorf("code %q", code)
	}
}

func TestValidate_tokenBytes(t *testing.T) {
	d := newDesk(t)
	for _, n := range []int{1 << 10, 4 << 10} {
		token := d.pool.AccessToken().Set("x", strings.Repeat("x", n)).String()
		for over, want := range []string{"", "token_too_large"} {
			auth := lab.MustNew(t, d.pool.Config(), func(c *cognitoauth.Config) { c.MaxTokenBytes = len(token) - over })
			if code := lab.Decide(t, auth, token); code != want {
				t.Errorf("%d bytes, limit %d: code %q", len(token), len(token)-over, code)
			}
		}
	}
	// A hundred groups with the longest names are a token that Cognito issues.
	var groups []string
	for i := range 100 {
		groups = append(groups, fmt.Sprintf("%0128d", i))
	}
	if code := lab.Decide(t, d.auth, d.pool.AccessToken().Groups(groups...).String()); code != "" {
		t.Errorf("100 groups: code %q", code)
	}
	if code := lab.Decide(t, d.auth, strings.Repeat(".", 32<<10+1)); code != "token_too_large" {
		t.Errorf("over the default limit: code %q", code)
	}
}

// An entry for ID tokens alone takes no access token.
func TestValidate_idTokensAlone(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].TokenUse = cognitoauth.IDToken })
	if code := lab.Decide(t, auth, pool.IDToken().String()); code != "" {
		t.Errorf("ID token: code %q", code)
	}
	for _, token := range []*cognitotest.Token{pool.AccessToken(), pool.MachineToken(), pool.IDToken().Set("token_use", "")} {
		if code := lab.Decide(t, auth, token.String()); code != "token_use_mismatch" {
			t.Errorf("code %q", code)
		}
	}
}

func TestValidate_staticKeys(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].JWKS = pool.KeySet() })
	old := pool.AccessToken()
	pool.Rotate()
	rows := []struct {
		name  string
		token *cognitotest.Token
		code  string
	}{
		{"a key of the set", old, ""},
		{"a key published later", pool.AccessToken(), "key_unknown"},
		{"a key of the set, kid changed", old.SetHeader("kid", "x"), "key_unknown"},
		{"kid of the set, another key", old.SignedBy(pool.AccessToken().Key()), "signature_invalid"},
	}
	for _, row := range rows {
		if code := lab.Decide(t, auth, row.token.String()); code != row.code {
			t.Errorf("%s: code %q, want %q", row.name, code, row.code)
		}
	}
	if n := len(pool.Requests()); n != 0 {
		t.Errorf("%d requests with a static key set", n)
	}
}

// Each static key set counts for its own pool.
func TestValidate_twoStaticKeySets(t *testing.T) {
	a := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_AAAAAAAAA", Now: lab.AtNoon, InProcess: true})
	b := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_BBBBBBBBB", Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, a.Config(), func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, b.Config().Pools...)
		c.Pools[0].JWKS, c.Pools[1].JWKS = a.KeySet(), b.KeySet()
	})
	for _, row := range []struct {
		token *cognitotest.Token
		code  string
	}{
		{a.AccessToken(), ""},
		{b.AccessToken(), ""},
		{a.AccessToken().Set("iss", b.Issuer()), "key_unknown"},
		{b.AccessToken().Set("iss", a.Issuer()), "key_unknown"},
	} {
		if code := lab.Decide(t, auth, row.token.String()); code != row.code {
			t.Errorf("code %q, want %q", code, row.code)
		}
	}
}

func TestValidate_keysUnavailable(t *testing.T) {
	d := newDesk(t)
	d.pool.SetFault(cognitotest.Fault{Status: 500})
	claims, err := d.auth.Validate(t.Context(), d.pool.AccessToken().String())
	e := lab.AsRefusal(t, err)
	if claims != nil || e.Code != "keys_unavailable" || e.Status != 503 || e.RetryAfter < time.Second || !errors.Is(err, cognitoauth.ErrUnavailable) {
		t.Errorf("%v: code %q, status %d, retry after %s", claims, e.Code, e.Status, e.RetryAfter)
	}
	if errors.Is(err, cognitoauth.ErrInvalidToken) {
		t.Error("our own outage is blamed on the token")
	}
}

// The times are looked at again once the keys are there.
func TestValidate_expiresWhileWaitingForKeys(t *testing.T) {
	rows := []struct {
		name string
		ago  time.Duration // that exp is; the leeway is 30 s
		code string
	}{
		{"expires before the keys come", 29 * time.Second, "token_expired"},
		{"expires the moment they come", 28 * time.Second, "token_expired"},
		{"expires after that", 27 * time.Second, ""},
	}
	for _, row := range rows {
		synctest.Test(t, func(t *testing.T) {
			pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
			pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
			auth := lab.MustNew(t, pool.Config())
			token := pool.AccessToken().Set("exp", time.Now().Add(-row.ago)).String()
			start := time.Now()
			_, err := auth.Validate(t.Context(), token)
			if row.code == "" && err != nil {
				t.Errorf("%s: %v", row.name, err)
			} else if row.code != "" {
				if e := lab.AsRefusal(t, err); e.Code != row.code || strings.Contains(e.Detail(), "unverified") {
					t.Errorf("%s: code %q, want %q: %s", row.name, e.Code, row.code, e.Detail())
				}
			}
			if waited := time.Since(start); waited != 2*time.Second {
				t.Errorf("%s: waited %s", row.name, waited)
			}
			time.Sleep(10 * time.Second) // for what is left of the fetch
		})
	}
}

func TestValidate_waitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
		auth := lab.MustNew(t, pool.Config())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		claims, err := auth.Validate(ctx, pool.AccessToken().String())
		if e := lab.AsRefusal(t, err); claims != nil || e.Code != "request_ended" {
			t.Errorf("code %q", e.Code)
		}
		time.Sleep(2 * time.Second)
		if code := lab.Decide(t, auth, pool.AccessToken().String()); code != "" {
			t.Errorf("the fetch ended with its first waiter: code %q", code)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestValidate_revoked(t *testing.T) {
	type key struct{}
	var seen []*cognitoauth.Claims
	answer := func() (bool, error) { return false, nil }
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.Revoked = func(ctx context.Context, claims *cognitoauth.Claims) (bool, error) {
			if ctx.Value(key{}) != "the caller's" {
				t.Error("Revoked got another context")
			}
			seen = append(seen, claims)
			return answer()
		}
	})
	ctx := context.WithValue(t.Context(), key{}, "the caller's")
	for _, f := range faults[:len(faults)-1] {
		if _, err := d.auth.Validate(ctx, spoiled(d.pool, f)); err == nil || len(seen) > 0 {
			t.Fatalf("%s: err %v, Revoked called %d times", f.code, err, len(seen))
		}
	}
	token := d.pool.AccessToken().Set("origin_jti", "login")
	rows := []struct {
		name   string
		answer func() (bool, error)
		code   string
		is     error
	}{
		{"not revoked", func() (bool, error) { return false, nil }, "", nil},
		{"revoked", func() (bool, error) { return true, nil }, "token_revoked", cognitoauth.ErrInvalidToken},
		{"unknown", func() (bool, error) { return false, errors.New("secret host down") }, "revocation_unavailable", cognitoauth.ErrUnavailable},
		{"revoked, with an error", func() (bool, error) { return true, errors.New("secret host down") }, "revocation_unavailable", cognitoauth.ErrUnavailable},
	}
	for _, row := range rows {
		answer, seen = row.answer, nil
		claims, err := d.auth.Validate(ctx, token.String())
		if len(seen) != 1 || seen[0].OriginID != "login" && row.code == "" {
			t.Fatalf("%s: Revoked saw %v", row.name, seen)
		}
		if row.code == "" {
			if err != nil || claims == nil {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		e := lab.AsRefusal(t, err)
		if !strings.Contains(e.Detail(), d.pool.ID()) || strings.Contains(e.Detail(), "secret") {
			t.Errorf("%s: Detail is %q", row.name, e.Detail())
		}
		if claims != nil || e.Code != row.code || !errors.Is(err, row.is) || (e.RetryAfter > 0) != (e.Status == 503) {
			t.Errorf("%s: code %q, status %d, retry after %s", row.name, e.Code, e.Status, e.RetryAfter)
		}
	}
}

// A panic of the hook reaches the caller, who gets no claims, and leaves
// nothing behind.
func TestValidate_revokedPanics(t *testing.T) {
	broken := true
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) {
			if broken {
				panic("broken")
			}
			return false, nil
		}
	})
	token := d.pool.AccessToken().String()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		claims, err := d.auth.Validate(t.Context(), token)
		t.Errorf("returned %v, %v", claims, err)
	}()
	broken = false
	if code := lab.Decide(t, d.auth, token); code != "" {
		t.Errorf("code %q after the panic", code)
	}
}

func TestValidate_notWired(t *testing.T) {
	token := newDesk(t).pool.AccessToken().String()
	for _, m := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
		claims, err := m.Validate(t.Context(), token)
		if e := lab.AsRefusal(t, err); claims != nil || e.Code != "not_wired" || e.Status != 500 || !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("code %q, status %d", e.Code, e.Status)
		}
	}
}

// A token that was verified before is looked at again in all that can have
// changed since.
func TestValidate_remembersNoMoreThanTheToken(t *testing.T) {
	now := lab.Noon
	d := newDesk(t, func(c *cognitoauth.Config) { c.Now = func() time.Time { return now } })
	token := d.pool.AccessToken().Set("nbf", lab.Noon.Add(-time.Minute)).String()
	late := d.pool.AccessToken().Set("nbf", lab.Noon).Set("iat", lab.Noon.Add(-time.Hour)).String()
	long := d.pool.AccessToken().Delete("iat").Set("exp", lab.Noon.Add(24*time.Hour)).String()
	rows := []struct {
		name  string
		token string
		at    time.Duration // from noon
		code  string
	}{
		{"good", token, 0, ""},
		{"before nbf, good", late, 0, ""},
		{"a moment before it expires", token, time.Hour + 30*time.Second - 1, ""},
		{"when it expires", token, time.Hour + 30*time.Second, "token_expired"},
		{"the clock set back by as much as the leeway", token, -30 * time.Second, ""},
		{"the clock set back before iat", token, -30*time.Second - 1, "token_issued_in_future"},
		{"the clock set back before nbf", late, -30*time.Second - 1, "token_not_yet_valid"},
		{"the clock put right", token, 0, ""},
		{"a day to live and no iat, good", long, 0, ""},
		{"the clock set back, a day and the leeway to live", long, -30 * time.Second, ""},
		{"the clock set back, more than that to live", long, -30*time.Second - 1, "lifetime_too_long"},
	}
	for _, row := range rows {
		now = lab.Noon.Add(row.at)
		if code := lab.Decide(t, d.auth, row.token); code != row.code {
			t.Errorf("%s: code %q, want %q", row.name, code, row.code)
		}
	}
}

// While there is room each token is remembered at once, then when it comes for
// the second time. What is remembered gives claims that share their text.
func TestValidate_remembersInAFullCache(t *testing.T) {
	const size = 50
	d := newDesk(t, func(c *cognitoauth.Config) { c.TokenCache = size })
	text := func(token string) *byte {
		c, err := d.auth.Validate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return unsafe.StringData(c.Subject)
	}
	for i := range size {
		token := d.pool.AccessToken().User(fmt.Sprint("user-", i)).String()
		if first, second := text(token), text(token); first != second {
			t.Errorf("token %d of %d is not remembered", i, size)
		}
	}
	token := d.pool.AccessToken().User("late").String()
	first, second, third := text(token), text(token), text(token)
	if first == second {
		t.Error("a token that came once is remembered, though there was no room")
	}
	if second != third {
		t.Error("a token that came twice is not remembered")
	}
}

// A token that was verified before is refused once its key is withdrawn, or
// has other material.
func TestValidate_remembersNoKey(t *testing.T) {
	swap := func(pool *cognitotest.Pool) cognitotest.Fault {
		a, b := pool.AccessToken().KeyID(), pool.IDToken().KeyID()
		return cognitotest.Fault{Body: []byte(strings.NewReplacer(a, b, b, a).Replace(string(pool.KeySet())))}
	}
	rows := []struct {
		name   string
		change func(*cognitotest.Pool)
		code   string
	}{
		{"nothing changed", func(*cognitotest.Pool) {}, ""},
		{"keys added", func(p *cognitotest.Pool) { p.PublishNext() }, ""},
		{"keys withdrawn", func(p *cognitotest.Pool) { p.Rotate() }, "key_unknown"},
		{"the kid given to another key", func(p *cognitotest.Pool) { p.SetFault(swap(p)) }, "signature_invalid"},
		{"a refresh that fails", func(p *cognitotest.Pool) { p.SetFault(cognitotest.Fault{Status: 500}) }, ""},
	}
	for _, row := range rows {
		synctest.Test(t, func(t *testing.T) {
			pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
			auth := lab.MustNew(t, pool.Config())
			token := pool.AccessToken().ExpiresIn(12 * time.Hour).String()
			if code := lab.Decide(t, auth, token); code != "" {
				t.Fatal(code)
			}
			row.change(pool)
			time.Sleep(2 * time.Hour)
			// This one starts the refresh, and may or may not be overtaken by it.
			if _, err := auth.Validate(t.Context(), token); err != nil && lab.AsRefusal(t, err).Code != row.code {
				t.Errorf("%s: %v as the refresh begins", row.name, err)
			}
			time.Sleep(time.Minute)
			if code := lab.Decide(t, auth, token); code != row.code {
				t.Errorf("%s: code %q, want %q", row.name, code, row.code)
			}
			time.Sleep(10 * time.Second)
		})
	}
}

// What a validation works in is used again, by others at the same time: no
// verdict may have a part of another token in it, now or later.
func TestValidate_keepsTokensApart(t *testing.T) {
	d := newDesk(t)
	type verdict struct {
		token, name string
		claims      *cognitoauth.Claims
		err         *cognitoauth.Error
	}
	work := func(n int) (all []verdict) {
		for i := range 60 {
			name := fmt.Sprintf("name-%d-%d-%s", n, i, strings.Repeat("x", i*n%50))
			token := d.pool.AccessToken().Set("jti", name).Groups(name, "g").SetHeader("x", name)
			switch i % 4 {
			case 1:
				token = token.Set("iss", name)
			case 2:
				token = token.SetHeader("kid", name).SignedWith(noSignature)
			case 3:
				token = token.SetHeader("alg", name).SignedWith(noSignature)
			}
			v := verdict{token: token.String(), name: name}
			var err error
			v.claims, err = d.auth.Validate(t.Context(), v.token)
			errors.As(err, &v.err)
			all = append(all, v)
		}
		return all
	}
	var results [4][]verdict
	var group sync.WaitGroup
	for n := range results {
		group.Go(func() { results[n] = work(n) })
	}
	group.Wait()
	for i, v := range slices.Concat(results[:]...) {
		switch {
		case (v.claims != nil) != (i%4 == 0) || (v.err != nil) != (i%4 != 0):
			t.Fatalf("%s: %v", v.name, v.err)
		case v.err != nil:
			if !strings.Contains(v.err.Detail(), v.name[:min(len(v.name), 60)]) {
				t.Errorf("%s: %s", v.name, v.err.Detail())
			}
		case v.claims.ID != v.name || !slices.Equal(v.claims.Groups(), []string{v.name, "g"}) || v.claims.String("jti") != v.name:
			t.Errorf("%s: %+v", v.name, v.claims)
		}
	}
}

// Two calls share nothing that one of them could change.
func TestValidate_claimsAreTheCallersOwn(t *testing.T) {
	d := newDesk(t)
	token := d.pool.AccessToken().Groups("staff").Set("aud", d.pool.ClientID()).String()
	one, err1 := d.auth.Validate(t.Context(), token)
	two, err2 := d.auth.Validate(t.Context(), token)
	if err1 != nil || err2 != nil || one == two {
		t.Fatal(err1, err2)
	}
	one.Subject, one.ClientID = "changed", "changed"
	one.Groups()[0], one.Audience()[0] = "changed", "changed"
	if two.Subject == "changed" || two.ClientID == "changed" || !two.HasGroup("staff") || two.Audience()[0] != d.pool.ClientID() {
		t.Errorf("%+v", two)
	}
}
