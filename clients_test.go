package cognitoauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// allowing makes Pool.AllowClient of every entry answer that.
func allowing(yes bool, err error) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) {
		for i := range c.Pools {
			c.Pools[i].AllowClient = func(context.Context, string, bool) (bool, error) { return yes, err }
		}
	}
}

// registry is a list of app clients that changes, and what it was asked.
type registry struct {
	allowed map[string]bool
	err     error
	asked   []string
}

func (r *registry) set(c *cognitoauth.Config) {
	for i := range c.Pools {
		c.Pools[i].AllowClient = func(ctx context.Context, id string, machine bool) (bool, error) {
			r.asked = append(r.asked, fmt.Sprint(id, " ", machine, " ", ctx.Value(registryKey{})))
			return r.allowed[id], r.err
		}
	}
}

type registryKey struct{}

// AllowClient decides about verified tokens of clients that are not listed, on
// each use, and about nothing else.
func TestAllowClient(t *testing.T) {
	for _, cache := range []int{0, -1} {
		var list registry
		var revoked []string
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			list.set(c)
			c.TokenCache = cache
			c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
				revoked = append(revoked, c.ClientID)
				return false, nil
			}
		})
		h := g.Auth.Wrap(lab.NewSite(g))
		user, machine := g.Pool.AccessToken().Client("2new"), g.Pool.MachineToken().Client("2new")
		down := errors.New("down")
		for _, tt := range []struct {
			name   string
			path   string
			token  fmt.Stringer
			known  bool // to the registry
			err    error
			code   string
			asked  string
			listed bool
		}{
			{"a user of a new client", "/me", user, true, nil, "", "2new false ctx", false},
			{"again", "/me", user, true, nil, "", "2new false ctx", false},
			{"a machine of a new client", "/me", machine, true, nil, "", "2new true ctx", false},
			{"withdrawn", "/me", user, false, nil, "client_mismatch", "2new false ctx", false},
			{"withdrawn, on an optional route", "/greet", user, false, nil, "client_mismatch", "2new false ctx", false},
			{"no answer", "/me", user, false, down, "client_check_unavailable", "2new false ctx", false},
			{"no answer, but yes", "/me", user, true, down, "client_check_unavailable", "2new false ctx", false},
			{"no answer, on an optional route", "/greet", user, true, down, "client_check_unavailable", "2new false ctx", false},
			{"back again", "/greet", user, true, nil, "", "2new false ctx", false},
			{"before policies", "/orders", user, false, nil, "client_mismatch", "2new false ctx", false},

			{"not asked about a client that is listed", "/me", g.Pool.AccessToken(), false, down, "", "", true},
			{"not asked about a bad signature", "/me", user.Tampered(), true, nil, "signature_invalid", "", false},
			{"not asked about an unknown key", "/me", user.SetHeader("kid", "nobody's"), true, nil, "key_unknown", "", false},
			{"not asked about an expired token", "/me", user.ExpiresIn(0), true, nil, "token_expired", "", false},
			{"not asked about another audience", "/me", user.Set("aud", "https://x.example"), true, nil, "audience_mismatch", "", false},
			{"not asked about no client", "/me", user.Delete("client_id"), true, nil, "client_mismatch", "", false},
			{"not asked on an anonymous route", "/healthz", user, false, down, "", "", false},
			{"not asked without a token", "/greet", nil, false, down, "", "", false},
		} {
			list, revoked = registry{allowed: map[string]bool{"2new": tt.known}, err: tt.err}, nil
			g.Forget()
			r := lab.Call("GET " + tt.path)
			if tt.token != nil {
				r.Header.Set("Authorization", "Bearer "+tt.token.String())
			}
			w := lab.Ask(h, r.WithContext(context.WithValue(r.Context(), registryKey{}, "ctx")))
			code := ""
			if w.Code != 200 {
				code = lab.CodeOf(t, w)
			}
			if code != tt.code || strings.Join(list.asked, "; ") != tt.asked || g.Ran() != (tt.code == "") {
				t.Errorf("cache %d, %s: %q, asked %q, handler ran: %t; want %q, %q", cache, tt.name, code, list.asked, g.Ran(), tt.code, tt.asked)
			}
			if want := tt.code == "" && (tt.asked != "" || tt.listed); (len(revoked) > 0) != want {
				t.Errorf("cache %d, %s: Revoked was asked about %q", cache, tt.name, revoked)
			}
			if after := w.Header().Get("Retry-After"); (after != "") != (w.Code == 503) {
				t.Errorf("cache %d, %s: Retry-After %q", cache, tt.name, after)
			}
			if d := g.Decisions[len(g.Decisions)-1]; tt.asked != "" && (!d.Verified || d.ClientID != "2new" || d.Pool != poolID) {
				t.Errorf("cache %d, %s: decision %+v", cache, tt.name, d)
			}
		}
	}
}

// On ID tokens the client is in aud, and no ID token is a machine's. Validate asks
// as Wrap does.
func TestAllowClient_idTokens(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	list := registry{allowed: map[string]bool{"2new": true}}
	auth := lab.MustNew(t, bothKinds(pool.Config()), list.set)
	for _, row := range []struct {
		token *cognitotest.Token
		code  string
		asked string
	}{
		{pool.IDToken().Client("2new"), "", "2new false <nil>"},
		{pool.IDToken().Client("3old"), "client_mismatch", "3old false <nil>"},
		{pool.IDToken().Set("aud", []string{"2new"}), "client_mismatch", ""},
		{pool.IDToken().Delete("aud").Set("client_id", "2new"), "client_mismatch", ""},
		{pool.AccessToken().Client("2new"), "", "2new false <nil>"},
		{pool.MachineToken().Client("3old"), "client_mismatch", "3old true <nil>"},
	} {
		list.asked = nil
		if code := lab.Decide(t, auth, row.token.String()); code != row.code || !slices.Equal(slices.Compact(list.asked), strings.Split(row.asked, "; ")) && row.asked != "" || row.asked == "" && list.asked != nil {
			t.Errorf("%q, asked %q; want %q, %q", code, list.asked, row.code, row.asked)
		}
	}
}

// Only the entry that iss and token_use choose is asked.
func TestAllowClient_oneEntry(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	var list registry
	auth := lab.MustNew(t, bothKinds(pool.Config()), func(c *cognitoauth.Config) {
		list = registry{allowed: map[string]bool{"2new": true}}
		list.set(c)
		c.Pools[1].AllowClient = nil
	})
	if code := lab.Decide(t, auth, pool.IDToken().Client("2new").String()); code != "client_mismatch" || list.asked != nil {
		t.Errorf("%q, asked %q", code, list.asked)
	}
	if code := lab.Decide(t, auth, pool.AccessToken().Client("2new").String()); code != "" {
		t.Errorf("%q", code)
	}
}

// Explain asks once all other checks have passed; before, nobody knows whether
// the client may call.
func TestAllowClient_explain(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	list := &registry{}
	auth := lab.MustNew(t, pool.Config(), list.set)
	for _, row := range []struct {
		name    string
		token   *cognitotest.Token
		allowed bool
		err     error
		codes   string
		skipped string
		asked   int
	}{
		{"allowed", pool.AccessToken().Client("2new"), true, nil, "", "", 1},
		{"not allowed", pool.AccessToken().Client("2new"), false, nil, "client_mismatch", "revocation", 1},
		{"no answer", pool.AccessToken().Client("2new"), true, errors.New("down"), "client_check_unavailable", "revocation", 1},
		{"listed", pool.AccessToken(), false, nil, "", "", 0},
		{"tampered with", pool.AccessToken().Client("2new").Tampered(), true, nil, "signature_invalid", "client revocation", 0},
		{"listed, tampered with", pool.AccessToken().Tampered(), true, nil, "signature_invalid", "revocation", 0},
		{"no client", pool.AccessToken().Delete("client_id"), true, nil, "client_mismatch", "revocation", 0},
		{"expired", pool.AccessToken().Client("2new").ExpiresIn(0), true, nil, "token_expired", "client revocation", 0},
	} {
		*list = registry{allowed: map[string]bool{"2new": row.allowed}, err: row.err}
		codes, skipped := explained(t, auth, row.token.String())
		if strings.Join(codes, " ") != row.codes || strings.Join(skipped, " ") != row.skipped || len(list.asked) != row.asked {
			t.Errorf("%s: codes %q, skipped %q, asked %q; want %s, %s", row.name, codes, skipped, list.asked, row.codes, row.skipped)
		}
	}
	for _, c := range auth.Explain(t.Context(), pool.AccessToken().String()) {
		if c.Name == "client" && !strings.Contains(c.Expected, "Pool.AllowClient") {
			t.Errorf("client: expected %s", c.Expected)
		}
	}
}

// A panic of the hook reaches the caller, who gets no claims, and leaves nothing
// behind.
func TestAllowClient_panics(t *testing.T) {
	broken := true
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.Pools[0].AllowClient = func(context.Context, string, bool) (bool, error) {
			if broken {
				panic("broken")
			}
			return true, nil
		}
	})
	token := d.pool.AccessToken().Client("2new").String()
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
