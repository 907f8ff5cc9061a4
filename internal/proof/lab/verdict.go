package lab

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// TokenSource sets Config.TokenSource.
func TokenSource(s cognitoauth.TokenSource) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) { c.TokenSource = s }
}

// MustPanic checks that f panics with a text that says which function was
// called wrongly.
func MustPanic(t testing.TB, function, of string, f func()) {
	t.Helper()
	defer func() {
		if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "cognitoauth: "+function) {
			t.Errorf("%s of %s: panicked with %q, want a text that begins with cognitoauth: %s", function, of, text, function)
		}
	}()
	f()
}

// Noon is what the clock shows in tests that do not move it.
var Noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// AtNoon is a clock that shows [Noon].
func AtNoon() time.Time { return Noon }

// MustNew makes a Middleware by New, after these changes of its Config.
func MustNew(tb testing.TB, cfg cognitoauth.Config, changes ...func(*cognitoauth.Config)) *cognitoauth.Middleware {
	tb.Helper()
	for _, change := range changes {
		change(&cfg)
	}
	m, err := cognitoauth.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// Decide is the code with which m refuses a token, "" if it does not. It sees
// to it that no verdict has both claims and an error, or neither, and that
// asking again brings the same.
func Decide(tb testing.TB, m *cognitoauth.Middleware, token string) string {
	tb.Helper()
	claims, err := m.Validate(tb.Context(), token)
	if err == nil {
		again, err := m.Validate(tb.Context(), token)
		if err != nil {
			tb.Fatalf("accepted, and then refused: %v", err)
		}
		if claims == again || facts(claims) != facts(again) {
			tb.Errorf("the same token gives %s and then %s", facts(claims), facts(again))
		}
		return ""
	}
	if claims != nil {
		tb.Errorf("claims beside the error %q", err)
	}
	return AsRefusal(tb, err).Code
}

// facts are what claims say, as text.
func facts(c *cognitoauth.Claims) string {
	var all map[string]any
	err := c.Decode(&all)
	return fmt.Sprintf("%q", []any{c.Subject, c.Username, c.ClientID, c.TokenUse, c.Issuer, c.PoolID, c.ID, c.OriginID, c.EventID, c.ACR,
		c.AuthTime, c.IssuedAt, c.NotBefore, c.Expiry, c.Scopes(), c.Groups(), c.Audience(), c.IsMachine(), all, err})
}

// AsRefusal is the *Error that every refusal is.
func AsRefusal(tb testing.TB, err error) *cognitoauth.Error {
	tb.Helper()
	var e *cognitoauth.Error
	if !errors.As(err, &e) || e == nil {
		tb.Fatalf("%v (%T) is not an *Error", err, err)
	}
	if e.Detail() == "" {
		tb.Errorf("%s has no Detail", e.Code)
	}
	return e
}

// CutThree cuts a token at its first two dots.
func CutThree(token string) (header, payload, signature string) {
	parts := strings.SplitN(token, ".", 3)
	return parts[0], parts[1], parts[2]
}
