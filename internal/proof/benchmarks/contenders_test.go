package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// faults are the tokens on which a contender does not give the verdict that it
// is said to give. A figure of one that looked at nothing would be worth
// nothing.
func faults(pool *cognitotest.Pool, other *rsa.PrivateKey, c contender) (all []string) {
	good := tokenOf(pool)
	for _, row := range []struct {
		name     string
		token    *cognitotest.Token
		accepted bool
	}{
		{"good", good, true},
		{"one bit of the signature is wrong", good.Tampered(), c.anySignature},
		{"signed by another key", good.SignedBy(other), c.anySignature},
		{"a scope added after signing", good.Scopes("admin").SignedWith(func([]byte) []byte { return signatureOf(good) }), c.anySignature},
		{"expired", good.ExpiresIn(-time.Hour), c.anyExpiry},
		{"of another client", withClient(good, "another1client"), c.anyClient},
		{"of another issuer", good.Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0001"), c.anyIssuer},
		{"good, again", good, true},
	} {
		if err := c.worker(row.token.String())(); (err == nil) != row.accepted {
			all = append(all, fmt.Sprintf("%s: %v, expected accepted: %t", row.name, err, row.accepted))
		}
	}
	return all
}

func signatureOf(t *cognitotest.Token) []byte {
	token := t.String()
	signature, err := base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:])
	if err != nil {
		panic(err)
	}
	return signature
}

func TestContendersVerify(t *testing.T) {
	f, err := newField()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.contenders {
		t.Run(c.key, func(t *testing.T) {
			if c.refused != "" {
				if err := c.measured()(); err != nil {
					t.Error(err)
				}
				if err := c.worker(f.token)(); err != nil {
					t.Errorf("a good token: %v", err)
				}
				return
			}
			for _, fault := range faults(f.pool, other, c) {
				t.Error(fault)
			}
		})
	}
	if len(f.contenders) != 23 {
		t.Errorf("%d contenders", len(f.contenders))
	}

	t.Run("one that verifies nothing has faults", func(t *testing.T) {
		idle := contender{worker: func(string) func() error { return func() error { return nil } }}
		if got := faults(f.pool, other, idle); len(got) != 6 {
			t.Errorf("%d faults: %q", len(got), got)
		}
	})
	t.Run("one that refuses everything has faults", func(t *testing.T) {
		strict := contender{worker: func(string) func() error { return func() error { return http.ErrAbortHandler } }}
		if got := faults(f.pool, other, strict); len(got) != 2 {
			t.Errorf("%d faults: %q", len(got), got)
		}
	})
	t.Run("a refusal for another reason is an error", func(t *testing.T) {
		i := slices.IndexFunc(f.contenders, func(c contender) bool { return c.refused == "token_expired" })
		c := f.contenders[i]
		c.token = tokenOf(f.pool).Tampered().String()
		if err := c.measured()(); err == nil {
			t.Error("no error")
		}
	})
}

func TestTokenHasTheSizeOfARealOne(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	if n := len(tokenOf(pool).String()); n < 1000 || n > 1300 {
		t.Errorf("%d bytes", n)
	}
}

func TestMuxHas100Routes(t *testing.T) {
	mux := routes()
	paths := []string{"/me"}
	for i := range 100 {
		paths = append(paths, fmt.Sprintf("/things%d/1", i))
	}
	found := 0
	for _, path := range paths {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &sink{header: http.Header{}}
		mux.ServeHTTP(w, r)
		if w.status == http.StatusNoContent {
			found++
		}
	}
	if found != 100 {
		t.Errorf("%d routes", found)
	}
}
