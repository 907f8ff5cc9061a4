package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// keyFile writes the public key of a kid from the pool's key set, as PEM.
func keyFile(t *testing.T, pool *cognitotest.Pool, kid string) string {
	t.Helper()
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.Unmarshal(pool.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if key.Kid != kid {
			continue
		}
		n, err := base64.RawURLEncoding.DecodeString(key.N)
		if err != nil {
			t.Fatal(err)
		}
		e, err := base64.RawURLEncoding.DecodeString(key.E)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Fatalf("the key set has no %s", kid)
	return ""
}

// What HAProxy's own jwt_verify decides, and what it cannot.
func TestHAProxyJWT(t *testing.T) {
	w := newWorld(t)
	token := w.pool.AccessToken()
	v := wiring{program: front.HAProxy, config: "haproxy-jwt.cfg"}
	site := w.start(t, v, front.Site{API: w.plain, Issuer: w.pool.Issuer(), Client: w.pool.ClientID(), Key: keyFile(t, w.pool, token.KeyID())})
	other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Other0000"})
	for _, c := range []call{
		{"access token", "GET /me", "Bearer " + token.String(), 200},
		{"none", "GET /me", "", 401},
		{"tampered", "GET /me", "Bearer " + token.Tampered().String(), 401},
		{"expired", "GET /me", "Bearer " + token.ExpiresIn(-time.Hour).String(), 401},
		{"no exp", "GET /me", "Bearer " + token.Delete("exp").String(), 401},
		{"another client", "GET /me", "Bearer " + token.Client("2other").String(), 401},
		{"ID token", "GET /me", "Bearer " + w.pool.IDToken().String(), 401},
		{"another use", "GET /me", "Bearer " + token.Set("token_use", "id").String(), 401},
		{"another pool", "GET /me", "Bearer " + other.AccessToken().String(), 401},
		{"no algorithm", "GET /me", "Bearer " + token.SetHeader("alg", "none").String(), 401},
	} {
		if got := send(t, site, c.raw()).StatusCode; got != c.status || len(w.arrived()) > 1 {
			t.Errorf("%s: %d, want %d", c.what, got, c.status)
		}
	}
	// It cannot read a list: the header stays empty for a user with groups.
	send(t, site, call{line: "GET /me", auth: "Bearer " + token.Groups("admins", "staff").String()}.raw())
	seen := w.arrived()
	if len(seen) != 1 || seen[0].Header.Get("X-Auth-Subject") != token.Claims().Subject {
		t.Fatalf("with groups: %v", seen)
	}
	if got := seen[0].Header.Get("X-Auth-Groups"); got != "" {
		t.Errorf("groups are %q: the README says that HAProxy cannot read them", got)
	}
}
