package main

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

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
	if len(f.contenders) != 26 {
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
