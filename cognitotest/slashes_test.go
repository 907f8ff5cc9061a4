package cognitotest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// segments are the JSON texts of header and payload.
func segments(t *testing.T, token *cognitotest.Token) (header, payload string) {
	t.Helper()
	parts := strings.Split(token.String(), ".")
	texts := make([]string, 2)
	for i := range texts {
		doc, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || !json.Valid(doc) {
			t.Fatalf("segment %d: %q (%v)", i, doc, err)
		}
		texts[i] = string(doc)
	}
	return texts[0], texts[1]
}

// Until 2025 Cognito wrote a token's issuer as "https:\/\/cognito-idp…\/…", and the
// slashes of kid and scopes like that. The middleware reads such a token as any.
func TestOptions_escapedSlashes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, EscapedSlashes: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	token := pool.AccessToken().Scopes("orders/read").Set("a/b", `\/`)
	header, payload := segments(t, token)
	for text, want := range map[string]string{
		header:  `"kid":"` + strings.ReplaceAll(pool.AccessToken().KeyID(), "/", `\/`) + `"`,
		payload: `"iss":"https:\/\/cognito-idp.eu-west-1.amazonaws.com\/eu-west-1_AbCdEf123"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	for _, want := range []string{`"scope":"orders\/read"`, `"a\/b":"\\\/"`} {
		if !strings.Contains(payload, want) {
			t.Errorf("%s is not in %s", want, payload)
		}
	}
	verified, err := auth.Validate(t.Context(), token.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*cognitoauth.Claims{"Validate": verified, "Token.Claims": token.Claims()} {
		if c.Issuer != pool.Issuer() || !c.HasScope("orders/read") || c.String("a/b") != `\/` {
			t.Errorf("%s: issuer %q, scopes %q, a/b %q", name, c.Issuer, c.Scopes(), c.String("a/b"))
		}
	}
}

// Whatever is escaped already, and whatever is fixed, stays as it is.
func TestOptions_escapedSlashesChangeNoText(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, EscapedSlashes: true})
	_, payload := segments(t, pool.AccessToken().Set("raw", json.RawMessage(`["\/","\\/","/"]`)))
	if !strings.Contains(payload, `"raw":["\/","\\\/","\/"]`) {
		t.Errorf("the escapes in %s are not those of the same texts", payload)
	}
	fixed := []byte(`{"iss":"https://a.example\/x"}`)
	if _, payload := segments(t, pool.AccessToken().Payload(fixed)); payload != string(fixed) {
		t.Errorf("Payload has become %s", payload)
	}
	if !bytes.Equal(fixed, []byte(`{"iss":"https://a.example\/x"}`)) {
		t.Error("the caller's bytes were changed")
	}
	token := pool.AccessToken().Payload([]byte(`{"iss":"https:\/\/a.example","token_use":"access","exp":1}`))
	before := token.String()
	token.Claims()
	if token.String() != before {
		t.Error("Claims has changed the token")
	}
}

// Without the option no slash is escaped, as in the tokens of today.
func TestOptions_slashesStandAsTheyAre(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	if header, payload := segments(t, pool.AccessToken().Scopes("orders/read")); strings.Contains(header+payload, `\`) {
		t.Errorf("a backslash in %s or %s", header, payload)
	}
}
