package main_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// Cognito wrote every slash as \/ until 2025. TestVectors_escapedSlashesChangeNothing
// writes each token of the vectors like that, signs it anew, and compares verdict
// and claims with those of the token as it was, signed anew by the same key.
func TestVectors_escapedSlashesChangeNothing(t *testing.T) {
	keys := []*rsa.PrivateKey{slashKey(t, "access"), slashKey(t, "id")}
	compared, accepted := 0, 0
	for name, f := range lab.Vectors(t) {
		shared := map[string]*vectorSubject{}
		for _, c := range f.Cases {
			token, ok, err := c.TokenText()
			if err != nil {
				t.Fatal(err)
			}
			plain, escaped, differ := slashForms(token)
			if !ok || !differ {
				continue
			}
			s, err := newVectorSubject(f, c, shared)
			if err != nil || s.err != nil {
				t.Fatalf("%s: %q: %v, %v", name, c.Name, err, s.err)
			}
			verdict := func(input string, key *rsa.PrivateKey) string {
				claims, err := s.m.Validate(context.Background(), slashSigned(t, input, key))
				if err == nil && c.Policy != nil {
					err = vectorPolicy(*c.Policy).Check(httptest.NewRequest("GET", "/", nil), claims)
				}
				return slashVerdict(claims, err)
			}
			key := keys[0]
			want := verdict(plain, key)
			if strings.Contains(want, "signature_invalid") {
				key = keys[1]
				want = verdict(plain, key)
			}
			if got := verdict(escaped, key); got != want {
				t.Errorf("%s: %q: %s\nwith escaped slashes: %s", name, c.Name, want, got)
			}
			compared++
			if strings.HasPrefix(want, "accepted") {
				accepted++
			}
		}
	}
	if compared < 1000 || accepted < 250 {
		t.Errorf("%d tokens compared, %d of them accepted: too few to show anything", compared, accepted)
	}
	t.Logf("%d tokens with escaped slashes compared, %d of them accepted", compared, accepted)
}

// slashForms are the signing inputs of a token as it is and with its slashes
// escaped, and whether they differ. A header that the escapes make longer than is
// allowed stays as it is.
func slashForms(token string) (plain, escaped string, differ bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", false
	}
	header, err1 := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	payload, err2 := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err1 != nil || err2 != nil || strings.ContainsAny(token, "\r\n") {
		return "", "", false
	}
	old := slashEscaped(header)
	if len(old) > 1<<10 {
		old = header
	}
	plain = parts[0] + "." + parts[1]
	escaped = base64.RawURLEncoding.EncodeToString(old) + "." + base64.RawURLEncoding.EncodeToString(slashEscaped(payload))
	return plain, escaped, plain != escaped && len(escaped) < 31<<10
}

// slashEscaped writes each slash that no backslash escapes as \/.
func slashEscaped(doc []byte) []byte {
	var out bytes.Buffer
	escaping := false
	for _, c := range doc {
		if c == '/' && !escaping {
			out.WriteByte('\\')
		}
		escaping = c == '\\' && !escaping
		out.WriteByte(c)
	}
	return out.Bytes()
}

// slashVerdict is all that a caller learns.
func slashVerdict(c *cognitoauth.Claims, err error) string {
	var e *cognitoauth.Error
	switch {
	case errors.As(err, &e):
		return fmt.Sprint("refused with ", e.Status, " ", e.Code, ": ", e.Detail())
	case err != nil:
		return "an error that is no *Error: " + err.Error()
	}
	var all map[string]any
	err = c.Decode(&all)
	return fmt.Sprintf("accepted with %q", []any{c.Subject, c.Username, c.ClientID, c.TokenUse, c.Issuer, c.PoolID, c.ID, c.OriginID, c.EventID, c.ACR,
		c.AuthTime, c.IssuedAt, c.NotBefore, c.Expiry, c.Scopes(), c.Groups(), c.Audience(), c.IsMachine(), all, err})
}

func slashKey(t *testing.T, name string) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(lab.Text(t, "testdata/keys/"+name+".pem")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func slashSigned(t *testing.T, input string, key *rsa.PrivateKey) string {
	t.Helper()
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}
