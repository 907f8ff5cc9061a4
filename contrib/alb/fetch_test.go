package cognitoalb_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// What is wrong at the endpoint stands in the detail, by which an operator mends it.
func TestFetch_detail(t *testing.T) {
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, body, detail string }{
		{"no key", "", "expected one PEM block PUBLIC KEY and nothing else"},
		{"a block that is no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "the PEM block is no public key"},
		{"RSA", publicPEM(&own.PublicKey), "the key is a *rsa.PublicKey, expected ECDSA on the curve P-256"},
	}
	for _, tt := range tests {
		e := newEndpoint()
		e.becomes(func(string) (int, string) { return http.StatusOK, tt.body })
		checkDetail(t, tt.name, e.config(), tt.detail)
	}
	e := newEndpoint()
	e.wait = func(*http.Request) error { return errors.New("no route to the endpoint") }
	checkDetail(t, "no answer", e.config(), "no route to the endpoint")
}

func checkDetail(t *testing.T, name string, c cognitoalb.Config, want string) {
	t.Helper()
	_, err := verifier(t, c).Verify(t.Context(), good(time.Now()).String())
	if code(err) != "keys_unavailable" {
		t.Fatalf("%s: %q", name, code(err))
	}
	if detail := err.(*cognitoalb.Error).Detail(); !strings.Contains(detail, want) {
		t.Errorf("%s: %s, want %q", name, detail, want)
	}
}

// An answer that breaks off is not used, even if a whole key has come.
func TestFetch_breaksOff(t *testing.T) {
	c := newEndpoint().config()
	c.HTTPClient = &http.Client{Transport: breaksOff(publicPEM(&signing.PublicKey))}
	checkDetail(t, "an answer that breaks off", c, io.ErrUnexpectedEOF.Error())
}

// breaksOff is what comes of an answer.
type breaksOff string

func (b breaksOff) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(string(b)), failing{})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
