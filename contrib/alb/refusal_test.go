package cognitoalb_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// An Error that the package did not make is a mistake of the wiring, and is answered
// with 500.
func TestError_foreign(t *testing.T) {
	for _, e := range []*cognitoalb.Error{nil, {}} {
		if !errors.Is(e, cognitoauth.ErrMisconfigured) || e.Error() != "cognitoalb: refused" || e.Detail() != "cognitoalb: refused" {
			t.Errorf("%v, detail %q", e, e.Detail())
		}
		w := httptest.NewRecorder()
		cognitoalb.WriteError(w, httptest.NewRequest(http.MethodGet, "/", nil), e)
		checkAnswer(t, "a foreign error", w, http.StatusInternalServerError, "not_wired")
	}
	if v := (*cognitoalb.Error)(nil).LogValue(); !v.Equal(slog.Value{}) {
		t.Errorf("nil is logged as %v", v)
	}
}

// A challenge has a reason only where there was something to refuse (RFC 6750, section
// 3.1).
func TestWriteError_challenge(t *testing.T) {
	v := verifier(t, newEndpoint().config())
	for header, want := range map[string]bool{"": false, "x": true} {
		_, err := v.Verify(t.Context(), header)
		w := httptest.NewRecorder()
		cognitoalb.WriteError(w, httptest.NewRequest(http.MethodGet, "/", nil), err.(*cognitoalb.Error))
		challenge := w.Header().Get("WWW-Authenticate")
		if strings.Contains(challenge, `error="invalid_token"`) != want || !strings.HasPrefix(challenge, `Bearer realm="alb"`) {
			t.Errorf("header %q: %s", header, challenge)
		}
	}
}
