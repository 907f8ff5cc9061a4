package cognitoalb_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

func TestVerify(t *testing.T) {
	e := newEndpoint()
	v := verifier(t, e.config())
	now := time.Now()
	for range 3 {
		id, err := v.Verify(t.Context(), good(now).String())
		if err != nil {
			t.Fatal(err.(*cognitoalb.Error).Detail())
		}
		if id.Subject != "s-jane" || id.Username != "jane" || id.LoadBalancer != arn || id.Issuer != issuer || id.ClientID != client || id.Expiry.Unix() != now.Add(2*time.Minute).Unix() {
			t.Errorf("identity %+v of %q", id, id.Subject)
		}
		var more struct {
			Email    string `json:"email"`
			Verified string `json:"email_verified"`
		}
		if err := id.Decode(&more); err != nil || more.Email != "jane@example.com" || more.Verified != "true" {
			t.Errorf("Decode: %+v, %v", more, err)
		}
	}
	if len(e.asked) != 1 || e.asked[0] != site+kid {
		t.Errorf("fetched %q, want the key once", e.asked)
	}
}

// typ says JWT in any case, or nothing: RFC 7519, section 5.1, leaves both to the writer.
func TestVerify_type(t *testing.T) {
	v := verifier(t, newEndpoint().config())
	for _, typ := range []any{"JWT", "jwt", nil} {
		if _, err := v.Verify(t.Context(), good(time.Now()).with("typ", typ).String()); err != nil {
			t.Errorf("typ %v: %q", typ, code(err))
		}
	}
}

// A header that a load balancer of AWS has written, which the tracker of
// aws-jwt-verify published: https://github.com/awslabs/aws-jwt-verify/issues/109. Its
// key is not known any more, so this shows that our reading of the form goes as far as
// the key.
func TestVerify_headerOfAWS(t *testing.T) {
	const header = "eyJ0eXAiOiJKV1QiLCJraWQiOiJhYmI4Mjg5Zi1lM2E0LTRhMzQtOTQ3Mi1jMjEwNWUyYjI0ODIiLCJhbGciOiJFUzI1NiIsImlzcyI6Imh0dHBzOi8vY29nbml0by1pZHAuZXUtd2VzdC0xLmFtYXpvbmF3cy5jb20vZXUtd2VzdC0xX2I5VmVRVWc2eSIsImNsaWVudCI6IjNhMzNhMDJyNWhuM29uaHR1MW1yMGRpdDIwIiwic2lnbmVyIjoiYXJuOmF3czplbGFzdGljbG9hZGJhbGFuY2luZzpldS13ZXN0LTE6MzczNTA4NTEzMzAyOmxvYWRiYWxhbmNlci9hcHAvQXdzSnd0LUFMQkFFLXFCd0Q4TzJRVGRjZC9hNGRmNDU2NDNjY2Y5OGFjIiwiZXhwIjoxNzM0OTYxNjQ0fQ==" +
		".eyJzdWIiOiI0YjViZWY5Yy1mMmI1LTQwZmYtYTQxMi00MTJjYmE5ZDA3MDIiLCJlbWFpbF92ZXJpZmllZCI6InRydWUiLCJuYW1lIjoiSm9obiBEb2UgKy89LV8iLCJlbWFpbCI6ImpvaG5kb2VAZXhhbXBsZS5jb20iLCJ1c2VybmFtZSI6IjRiNWJlZjljLWYyYjUtNDBmZi1hNDEyLTQxMmNiYTlkMDcwMiIsImV4cCI6MTczNDk2MTY0NCwiaXNzIjoiaHR0cHM6Ly9jb2duaXRvLWlkcC5ldS13ZXN0LTEuYW1hem9uYXdzLmNvbS9ldS13ZXN0LTFfYjlWZVFVZzZ5In0=" +
		".KrfibN6u7zOXUibDelkutd82MzoSvtCj38woXes0Fdo3o0ulcaBb2XAGouTxqjqWDhW8N-lSp0qpsSJfDCQgpQ=="
	e := newEndpoint()
	c := e.config()
	c.LoadBalancers = []string{"arn:aws:elasticloadbalancing:eu-west-1:373508513302:loadbalancer/app/AwsJwt-ALBAE-qBwD8O2QTdcd/a4df45643ccf98ac"}
	c.Issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_b9VeQUg6y"
	c.ClientIDs = []string{"3a33a02r5hn3onhtu1mr0dit20"}
	c.Now = func() time.Time { return time.Unix(1734961644, 0) }
	if _, err := verifier(t, c).Verify(t.Context(), header); code(err) != "key_unknown" {
		t.Errorf("refused with %q, want for the key alone", code(err))
	}
	if want := site + "abb8289f-e3a4-4a34-9472-c2105e2b2482"; len(e.asked) != 1 || e.asked[0] != want {
		t.Errorf("fetched %q, want %q", e.asked, want)
	}
	c.Now = func() time.Time { return time.Unix(1734961644+30, 0) }
	if _, err := verifier(t, c).Verify(t.Context(), header); code(err) != "data_expired" {
		t.Errorf("at exp and leeway: %q", code(err))
	}
}

// What is refused before a key is fetched, and so whatever the signature is.
func TestVerify_refusesWithoutFetch(t *testing.T) {
	now := time.Now()
	g := good(now)
	text := g.String()
	head, rest, _ := strings.Cut(text, ".")
	body, signature, _ := strings.Cut(rest, ".")
	unpadded := g
	unpadded.encode = base64.RawURLEncoding.EncodeToString
	standard := g.claims(`{"sub":"s-jane","x":"?~?~?~>>>"}`)
	standard.encode = base64.StdEncoding.EncodeToString
	raw := func(header string) string { d := g; d.raw = header; return d.String() }
	exp := now.Add(time.Minute).Unix()
	header := func(more string) string {
		return fmt.Sprintf(`{"typ":"JWT","kid":%q,"alg":"ES256","iss":%q,"client":%q,"signer":%q,"exp":%d%s}`, kid, issuer, client, arn, exp, more)
	}
	tests := []struct{ name, header, code string }{
		{"none", "", "data_missing"},

		{"a load balancer of another account", g.with("signer", strings.Replace(arn, "123456789012", "210987654321", 1)).String(), "signer_mismatch"},
		{"another load balancer of the account and region", g.with("signer", strings.Replace(arn, "50dc6c495c0c9188", "50dc6c495c0c9189", 1)).String(), "signer_mismatch"},
		{"another region", g.with("signer", strings.Replace(arn, "eu-west-1", "eu-west-2", 1)).String(), "signer_mismatch"},
		{"the ARN with more behind it", g.with("signer", arn+"/x").String(), "signer_mismatch"},
		{"the ARN in upper case", g.with("signer", strings.ToUpper(arn)).String(), "signer_mismatch"},
		{"no signer", g.with("signer", nil).String(), "signer_mismatch"},
		{"signer null", raw(strings.Replace(header(""), `"`+arn+`"`, "null", 1)), "signer_mismatch"},
		{"signer a list", g.with("signer", []string{arn}).String(), "data_malformed"},
		{"Signer, in other case", raw(strings.Replace(header(""), `"signer"`, `"Signer"`, 1)), "signer_mismatch"},
		{"another issuer", g.with("iss", issuer+"/").String(), "issuer_mismatch"},
		{"no issuer", g.with("iss", nil).String(), "issuer_mismatch"},
		{"another client", g.with("client", "2example").String(), "client_mismatch"},
		{"no client", g.with("client", nil).String(), "client_mismatch"},
		{"the client in the claims only", g.with("client", nil).claims(`{"sub":"s-jane","client":"` + client + `"}`).String(), "client_mismatch"},

		{"expired", g.with("exp", now.Add(-31*time.Second).Unix()).String(), "data_expired"},
		{"expired before time began", g.with("exp", int64(-1<<63)).String(), "data_expired"},
		{"no exp", g.with("exp", nil).String(), "expiry_missing"},
		{"exp in the claims only", g.with("exp", nil).claims(fmt.Sprintf(`{"sub":"s-jane","exp":%d}`, exp)).String(), "expiry_missing"},
		{"exp a string", g.with("exp", "4000000000").String(), "data_malformed"},
		{"exp a fraction", g.with("exp", 4e9+0.5).String(), "data_malformed"},
		{"exp too large", raw(strings.Replace(header(""), fmt.Sprint(exp), "99999999999999999999", 1)), "data_malformed"},

		{"kid with a slash", g.with("kid", "../"+kid).String(), "key_id_invalid"},
		{"kid with dots", g.with("kid", "..").String(), "key_id_invalid"},
		{"kid in upper case", g.with("kid", "ABCDEF78-1234-1234-1234-123456789012").String(), "key_id_invalid"},
		{"kid with a query", g.with("kid", kid+"?x").String(), "key_id_invalid"},
		{"kid and a line feed", g.with("kid", kid+"\n").String(), "key_id_invalid"},
		{"kid in braces", g.with("kid", "{"+kid+"}").String(), "key_id_invalid"},
		{"kid without hyphens", g.with("kid", strings.ReplaceAll(kid, "-", "")).String(), "key_id_invalid"},
		{"no kid", g.with("kid", nil).String(), "key_id_invalid"},

		{"alg none", g.with("alg", "none").String(), "algorithm_unsupported"},
		{"alg HS256", g.with("alg", "HS256").String(), "algorithm_unsupported"},
		{"alg RS256", g.with("alg", "RS256").String(), "algorithm_unsupported"},
		{"alg ES384", g.with("alg", "ES384").String(), "algorithm_unsupported"},
		{"alg es256", g.with("alg", "es256").String(), "algorithm_unsupported"},
		{"no alg", g.with("alg", nil).String(), "algorithm_unsupported"},
		{"typ at+jwt", g.with("typ", "at+jwt").String(), "header_unsupported"},
		{"crit", g.with("crit", []string{"exp"}).String(), "header_unsupported"},
		{"crit null", raw(header(`,"crit":null`)), "header_unsupported"},
		{"enc", g.with("enc", "A256GCM").String(), "header_unsupported"},
		{"cty", g.with("cty", "JWT").String(), "header_unsupported"},
		{"zip", g.with("zip", "DEF").String(), "header_unsupported"},
		{"b64", g.with("b64", false).String(), "header_unsupported"},

		{"signer twice", raw(header(`,"signer":"` + arn + `"`)), "data_malformed"},
		{"an unknown member twice", raw(header(`,"x":1,"x":1`)), "data_malformed"},
		{"text after the object", raw(header("") + " x"), "data_malformed"},
		{"no object", raw(`[]`), "data_malformed"},
		{"invalid UTF-8", raw(header(",\"x\":\"\xff\"")), "data_malformed"},
		{"a long first segment", raw(header(`,"x":"` + strings.Repeat("x", 2<<10) + `"`)), "data_malformed"},
		{"claims twice", g.claims(`{"sub":"s-jane","sub":"s-john"}`).String(), "claims_malformed"},
		{"a claim inside a claim twice", g.claims(`{"sub":"s-jane","a":{"b":1,"b":2}}`).String(), "claims_malformed"},
		{"no sub", g.claims(`{"email":"jane@example.com"}`).String(), "claims_malformed"},
		{"sub empty", g.claims(`{"sub":""}`).String(), "claims_malformed"},
		{"sub a number", g.claims(`{"sub":1}`).String(), "claims_malformed"},
		{"claims null", g.claims(`null`).String(), "claims_malformed"},

		{"no padding", unpadded.String(), "data_malformed"},
		{"a padding too many", head + "=." + rest, "data_malformed"},
		{"the alphabet of plain base64", standard.String(), "data_malformed"},
		{"a line feed in a segment", head + "." + body[:4] + "\n" + body[4:] + "." + signature, "data_malformed"},
		{"spare bits that are not zero", head + "." + body + "." + signature[:len(signature)-3] + string(signature[len(signature)-3]+1) + "==", "data_malformed"},
		{"an empty first segment", "." + rest, "data_malformed"},
		{"an empty second segment", head + ".." + signature, "claims_malformed"},
		{"two segments", head + "." + body, "data_malformed"},
		{"four segments", text + ".", "data_malformed"},
		{"an empty signature", head + "." + body + ".", "data_malformed"},
		{"a signature of 63 bytes", head + "." + body + "." + base64.URLEncoding.EncodeToString(make([]byte, 63)), "data_malformed"},
		{"a signature in ASN.1", head + "." + body + "." + base64.URLEncoding.EncodeToString(make([]byte, 70)), "data_malformed"},
		{"a space before it", " " + text, "data_malformed"},
		{"two in one", text + ", " + text, "data_malformed"},
		{"17 kB", g.claims(`{"sub":"s-jane","x":"` + strings.Repeat("x", 13<<10) + `"}`).String(), "data_too_large"},
	}
	for _, tt := range tests {
		e := newEndpoint()
		id, err := verifier(t, e.config()).Verify(t.Context(), tt.header)
		if code(err) != tt.code || id != nil {
			t.Errorf("%s: refused with %q, want %q", tt.name, code(err), tt.code)
		}
		if n := e.fetches(); n != 0 {
			t.Errorf("%s: %d fetches", tt.name, n)
		}
	}
}

// What only the key can tell.
func TestVerify_refusesBySignature(t *testing.T) {
	g := good(time.Now())
	text := g.String()
	i := strings.LastIndex(text, ".")
	zero := text[:i+1] + base64.URLEncoding.EncodeToString(make([]byte, 64))
	tests := []struct{ name, header string }{
		{"signed by another key", g.by(other).String()},
		{"the claims of another", g.claims(`{"sub":"s-john"}`).signed() + text[i:]},
		{"another signer that is ours too", g.with("signer", secondARN).signed() + text[i:]},
		{"r and s zero", zero},
		{"padding dropped from the signed text", strings.Replace(text, "=.", ".", 1)},
	}
	for _, tt := range tests {
		e := newEndpoint()
		c := e.config()
		c.LoadBalancers = append(c.LoadBalancers, secondARN)
		if _, err := verifier(t, c).Verify(t.Context(), tt.header); code(err) != "signature_invalid" && code(err) != "data_malformed" {
			t.Errorf("%s: %q", tt.name, code(err))
		}
	}
}

const secondARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/second/50dc6c495c0c9188"

// The errors are those of package cognitoauth, and their texts are what they promise.
func TestError(t *testing.T) {
	now := time.Now()
	g := good(now)
	e := newEndpoint()
	v := verifier(t, e.config())
	tests := []struct {
		header   string
		sentinel error
		status   int
		detail   string // a part
	}{
		{"", cognitoauth.ErrNoToken, 401, "the load balancer's header is required"},
		{"x", cognitoauth.ErrInvalidToken, 401, "fewer than three segments"},
		{g.with("signer", "arn:x").String(), cognitoauth.ErrInvalidToken, 401, `signer is "arn:x" (unverified), expected one of Config.LoadBalancers, "` + arn + `"`},
		{g.with("iss", "https://x").String(), cognitoauth.ErrInvalidToken, 401, `iss is "https://x" (unverified), expected Config.Issuer, "` + issuer + `"`},
		{g.with("client", "x").String(), cognitoauth.ErrInvalidToken, 401, `client is "x" (unverified), expected one of Config.ClientIDs, "` + client + `"`},
		{g.with("exp", 1).String(), cognitoauth.ErrInvalidToken, 401, "exp is 1 (unverified), now is "},
		{g.with("kid", uuid(1)).String(), cognitoauth.ErrInvalidToken, 401, "the key endpoint has no key"},
		{g.by(other).String(), cognitoauth.ErrInvalidToken, 401, "has not made the signature"},
	}
	for _, tt := range tests {
		_, err := v.Verify(t.Context(), tt.header)
		refusal, ok := errors.AsType[*cognitoalb.Error](err)
		if !ok || !errors.Is(err, tt.sentinel) || refusal.Status != tt.status || !strings.Contains(refusal.Detail(), tt.detail) {
			t.Errorf("%v: %v", tt.detail, err)
			continue
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("refused", "err", refusal)
		text := fmt.Sprint(err, refusal.Detail(), b.String())
		for _, secret := range []string{"s-jane", "jane", "eyJ"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
	}
}

// What an Identity prints is not personal.
func TestIdentity_printsNothingPersonal(t *testing.T) {
	id, err := verifier(t, newEndpoint().config()).Verify(t.Context(), good(time.Now()).String())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "pointer", id, "value", *id)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "pointer", id, "value", *id)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+verb, id, *id)
	}
	wrong := id.Decode(new(struct {
		Email int `json:"email"`
	}))
	fmt.Fprint(&b, wrong)
	if wrong == nil || strings.Contains(strings.ToLower(b.String()), "jane") {
		t.Errorf("%s", b.String())
	}
}

// A zero or nil Verifier refuses.
func TestVerifier_zero(t *testing.T) {
	for _, v := range []*cognitoalb.Verifier{nil, new(cognitoalb.Verifier)} {
		if _, err := v.Verify(t.Context(), good(time.Now()).String()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("%v", err)
		}
	}
}

// The curves that a key may not be on.
var curves = []*ecdsa.PrivateKey{newKey(elliptic.P224()), newKey(elliptic.P384()), newKey(elliptic.P521())}
