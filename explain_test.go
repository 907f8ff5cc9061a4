package cognitoauth_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// Explain makes the same checks in the same order, and each of them: it names
// two faults where Validate names the first.
func TestExplain(t *testing.T) {
	d := newDesk(t, revoking)
	const claims = "issuer token_use exp nbf iat lifetime client subject audience cnf "
	skips := map[string]string{ // what cannot be looked at after that fault; revocation alone, if not listed
		"token_too_large": "header payload " + claims + "key signature revocation", "algorithm_unsupported": "key signature revocation",
		"key_id_invalid": "key signature revocation", "header_unsupported": "key signature revocation", "type_unsupported": "key signature revocation",
		"claims_malformed": claims + "key signature revocation", "issuer_mismatch": "token_use revocation", "expiry_missing": "lifetime revocation",
		"key_unknown": "signature revocation", "token_revoked": "",
	}
	for i, first := range faults {
		token := spoiled(d.pool, first)
		codes, skipped := explained(t, d.auth, token)
		if len(codes) == 0 || codes[0] != first.code || len(codes) > 1 && !slices.Equal(codes[1:], []string{"signature_invalid"}) {
			t.Errorf("%s: Explain has %q", first.code, codes)
		}
		want, listed := skips[first.code]
		if !listed {
			want = "revocation"
		}
		if got := strings.Join(skipped, " "); got != want && first.code != "token_malformed" {
			t.Errorf("%s: Explain skips %s, want %s", first.code, got, want)
		}
		for _, second := range faults[i+1:] {
			if !first.meets(second) || second.code == "token_revoked" {
				continue
			}
			token := spoiled(d.pool, first, second)
			codes, skipped := explained(t, d.auth, token)
			if code := lab.Decide(t, d.auth, token); len(codes) == 0 || codes[0] != code {
				t.Errorf("%s and %s: Validate has %s, Explain %q", first.code, second.code, code, codes)
			}
			if len(skipped) == 1 && !slices.Contains(codes, second.code) {
				t.Errorf("%s and %s: Explain has %q", first.code, second.code, codes)
			}
		}
	}
	for _, token := range []*cognitotest.Token{d.pool.AccessToken(), d.pool.IDToken(), d.pool.MachineToken()} {
		if codes, skipped := explained(t, d.auth, token.String()); codes != nil || skipped != nil {
			t.Errorf("a good token: %q, skipped %v", codes, skipped)
		}
	}
	for _, c := range d.auth.Explain(t.Context(), d.pool.AccessToken().Delete("iat").String()) {
		if timed := map[string]string{"exp": "2026-03-04T13:00:00Z", "nbf": "absent", "iat": "absent", "lifetime": "1h0m0s"}; timed[c.Name] != "" && c.Found != timed[c.Name] {
			t.Errorf("%s: found %s", c.Name, c.Found)
		}
	}
	for _, m := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
		if checks := m.Explain(t.Context(), "x"); len(checks) != 1 || checks[0].Err == nil || checks[0].Err.Code != "not_wired" {
			t.Errorf("%+v", checks)
		}
	}
}

// explained is the codes of the checks that fail, and the names of those that
// were skipped.
func explained(tb testing.TB, m *cognitoauth.Middleware, token string) (codes, skipped []string) {
	tb.Helper()
	var names []string
	for _, c := range m.Explain(tb.Context(), token) {
		names = append(names, c.Name)
		if c.Skipped {
			skipped = append(skipped, c.Name)
		}
		if c.Skipped && (c.Err != nil || c.Found != "" || c.Expected != "") {
			tb.Errorf("skipped, and yet %+v", c)
		}
		if c.Err != nil {
			codes = append(codes, lab.AsRefusal(tb, c.Err).Code)
			if c.Name == "key" && !strings.Contains(c.Err.Detail(), strconv.Quote("nobody's")) {
				tb.Errorf("Detail names no kid: %s", c.Err.Detail())
			}
		}
	}
	want := "form header payload issuer token_use exp nbf iat lifetime client subject audience cnf key signature revocation"
	if got := strings.Join(names, " "); got != want {
		tb.Errorf("the checks are %s", got)
	}
	return codes, skipped
}

// A header that is no base64url is a fault of the form, and the payload can be
// looked at all the same. Whether payload and signature are is asked after the
// header, as Validate does.
func TestExplain_form(t *testing.T) {
	d := newDesk(t)
	header, payload, signature := lab.CutThree(d.pool.AccessToken().Client("2other").String())
	for _, row := range []struct{ name, token, failed, skipped string }{
		{"padding behind the header", header + "=." + payload + "." + signature, "form client", "header key signature revocation"},
		{"quotes around it", `"` + header + "." + payload + "." + signature, "form client", "header key signature revocation"},
		{"no header", "." + payload + "." + signature, "header client", "key signature revocation"},
		{"padding behind the payload", header + "." + payload + "=." + signature, "payload", "issuer token_use exp nbf iat lifetime client subject audience cnf key signature revocation"},
	} {
		var failed, skipped []string
		for _, c := range d.auth.Explain(t.Context(), row.token) {
			if c.Err != nil {
				failed = append(failed, c.Name)
			}
			if c.Skipped {
				skipped = append(skipped, c.Name)
			}
		}
		if strings.Join(failed, " ") != row.failed || strings.Join(skipped, " ") != row.skipped {
			t.Errorf("%s: failed %q, skipped %q; want %s and %s", row.name, failed, skipped, row.failed, row.skipped)
		}
	}
}

// Only an access token is a machine's: an ID token without a user name is none, so
// the step client does not refuse it as one.
func TestExplain_idTokenIsNoMachines(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, pool.Config(), func(cfg *cognitoauth.Config) {
		cfg.Pools[0].RegisteredClients, cfg.Pools[0].Audiences = true, []string{"https://api.example.com"}
	})
	for _, c := range auth.Explain(t.Context(), pool.IDToken().Client("2other").Delete("cognito:username").String()) {
		if c.Name == "client" && (c.Err != nil || c.Skipped) {
			t.Errorf("%+v", c)
		}
	}
}

// Explain tells no more than Detail does.
func TestExplain_quotes(t *testing.T) {
	w := newWayside(t)
	const evil = "\x1b[31mé\n\u202e"
	long := evil + strings.Repeat("x", 300)
	for name, token := range map[string]*cognitotest.Token{
		"nothing": w.user, "alg": w.user.SetHeader("alg", long), "typ": w.user.SetHeader("typ", long), "kid": w.user.SetHeader("kid", long),
		"short kid": w.user.SetHeader("kid", evil), "crit": w.user.SetHeader("crit", long), "iss": w.user.Set("iss", long), "token_use": w.user.Set("token_use", long),
		"client": w.user.Client(long), "aud": w.user.Set("aud", long), "ID": w.id.Client(long), "JSON": w.user.Set("cognito:groups", long),
	} {
		for _, c := range w.auth.Explain(t.Context(), token.String()) {
			text := c.Found + c.Expected
			if c.Err != nil {
				text += c.Err.Detail()
			}
			if !printable(text) || strings.Contains(text, "SECRET") || strings.Contains(text, strings.Repeat("x", 65)) {
				t.Errorf("%s, step %s: %q, %q", name, c.Name, c.Found, text)
			}
		}
	}
}
