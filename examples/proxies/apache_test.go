package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// What Apache's modules decide alone, and what arrives. Only with -whole.
func TestApacheModules(t *testing.T) {
	if !*whole {
		return
	}
	for _, m := range []struct{ name, config, prefix, token, groups string }{
		{"mod_auth_openidc", "apache-oidc.conf", "OIDC_CLAIM_", "OIDC_access_token", "admins,staff"},
		{"mod_oauth2", "apache-oauth2.conf", "OAUTH2_CLAIM_", "OAUTH2_CLAIM_access_token", `["admins", "staff"]`},
	} {
		t.Run(m.name, func(t *testing.T) {
			w := newWorld(t)
			var fetches atomic.Int32
			keys := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				fetches.Add(1)
				rw.Write(w.pool.KeySet())
			}))
			s := front.Site{API: w.plain, Issuer: w.pool.Issuer(), Client: w.pool.ClientID()}
			if m.name == "mod_oauth2" {
				keys.Start()
			} else { // it fetches over TLS alone
				keys.StartTLS()
				s.Key = certificate(t, keys)
			}
			t.Cleanup(keys.Close)
			s.Keys = keys.URL + "/.well-known/jwks.json"
			site := w.start(t, wiring{program: front.Apache, config: m.config}, s)
			w.decidesAlone(t, site)
			if m.name == "mod_auth_openidc" { // the other has no way to find a scope among several
				w.decideScopes(t, site)
			}

			token := w.pool.AccessToken().Groups("admins", "staff")
			dashed := strings.ReplaceAll(m.prefix, "_", "-")
			got := send(t, site, "GET /admin HTTP/1.1\nHost: a\nAuthorization: Bearer "+token.String()+"\n"+
				m.prefix+"sub: mallory\n"+dashed+"sub: mallory\n"+m.prefix+"email: mallory\n"+dashed+"email: mallory\nX-Auth-Subject: mallory\n\n")
			seen := w.arrived()
			if got.StatusCode != 200 || len(seen) != 1 {
				t.Fatalf("a good token: %d, %d requests reached the API", got.StatusCode, len(seen))
			}
			h := seen[0].Header
			if h.Get(m.prefix+"sub") != token.Claims().Subject || h.Get(m.prefix+"cognito-groups") != m.groups {
				t.Errorf("the API gets %q", h)
			}
			if h.Get("Authorization") != "" || h.Get(m.token) != "" || h.Get("X-Auth-Subject") != "mallory" {
				t.Errorf("Authorization %d bytes, %s %d bytes, X-Auth-Subject %q", len(h.Get("Authorization")), m.token, len(h.Get(m.token)), h.Get("X-Auth-Subject"))
			}
			for name, values := range h {
				if strings.Contains(strings.Join(values, " "), "mallory") && name != "X-Auth-Subject" {
					t.Errorf("%s: %q has arrived", name, values)
				}
			}
			w.looksForKeys(t, site, &fetches)
		})
	}
}

// decidesAlone sends what has to pass and what must not.
func (w *world) decidesAlone(t *testing.T, site string) {
	t.Helper()
	token := w.pool.AccessToken()
	other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Other0000"})
	w.answers(t, site, []alone{
		{call{"access token", "GET /me", "Bearer " + token.String(), 200}, false},
		{call{"machine", "GET /me", "Bearer " + w.pool.MachineToken().String(), 200}, false},
		{call{"group", "GET /admin", "Bearer " + token.Groups("staff", "admins").String(), 200}, false},

		{call{"none", "GET /me", "", 401}, true},
		{call{"malformed", "GET /me", "Bearer a b", 401}, true},
		{call{"tampered", "GET /me", "Bearer " + token.Tampered().String(), 401}, true},
		{call{"expired", "GET /me", "Bearer " + token.ExpiresIn(-time.Hour).String(), 401}, true},
		{call{"another pool", "GET /me", "Bearer " + other.AccessToken().String(), 401}, true},
		{call{"no algorithm", "GET /me", "Bearer " + token.SetHeader("alg", "none").String(), 401}, true},
		{call{"no subject", "GET /me", "Bearer " + w.pool.MachineToken().Delete("sub").String(), 401}, true},

		{call{"another client", "GET /me", "Bearer " + token.Client("2other").String(), 401}, false},
		{call{"another issuer", "GET /me", "Bearer " + token.Set("iss", other.Issuer()).String(), 401}, false},
		{call{"ID token", "GET /me", "Bearer " + w.pool.IDToken().String(), 401}, false},
		{call{"another use", "GET /me", "Bearer " + token.Set("token_use", "id").String(), 401}, false},
		{call{"no group", "GET /admin", "Bearer " + token.Groups("admins2").String(), 401}, false},
	})
}

// looksForKeys makes sure that a module fetches the key set for each kid that it does
// not know, the new one of the pool among them.
func (w *world) looksForKeys(t *testing.T, site string, fetches *atomic.Int32) {
	t.Helper()
	before := fetches.Load()
	for i := range 5 {
		token := w.pool.AccessToken().SetHeader("kid", fmt.Sprint("unknown", i))
		if got := send(t, site, call{line: "GET /me", auth: "Bearer " + token.String()}.raw()); got.StatusCode != 401 {
			t.Errorf("an unknown kid: %d", got.StatusCode)
		}
	}
	if n := fetches.Load() - before; n != 5 {
		t.Errorf("%d fetches for 5 unknown kids: the README says that each costs one", n)
	}
	w.pool.Rotate()
	if got := send(t, site, call{line: "GET /me", auth: "Bearer " + w.pool.AccessToken().String()}.raw()); got.StatusCode != 200 {
		t.Errorf("a new key: %d", got.StatusCode)
	}
}

func (w *world) decideScopes(t *testing.T, site string) {
	t.Helper()
	token := w.pool.AccessToken()
	w.answers(t, site, []alone{
		{call{"scope", "POST /orders", "Bearer " + token.Scopes("orders/read", "orders/write").String(), 200}, false},
		{call{"no scope", "POST /orders", "Bearer " + token.Scopes("orders/write2").String(), 401}, false},
	})
}

// alone is a request that a module answers by itself, and whether with a challenge.
type alone struct {
	call
	challenge bool
}

func (w *world) answers(t *testing.T, site string, calls []alone) {
	t.Helper()
	for _, c := range calls {
		got := send(t, site, c.raw())
		if n := len(w.arrived()); got.StatusCode != c.status || (header(got, "Www-Authenticate") != "") != c.challenge || (n == 1) != (c.status == 200) || n > 1 {
			t.Errorf("%s: %d %q, %d requests reached the API, want %d", c.what, got.StatusCode, header(got, "Www-Authenticate"), n, c.status)
		}
	}
}

// certificate writes what a client has to trust to speak with a test server.
func certificate(t *testing.T, server *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	reachable(t, filepath.Dir(file))
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
