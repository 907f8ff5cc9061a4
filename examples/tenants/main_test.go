package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// The story ends as the README tells it.
func TestDemonstration(t *testing.T) {
	var out bytes.Buffer
	if err := demonstrate(t.Context(), t.TempDir(), &out); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(readme), "```text\n")
	want, _, _ = strings.Cut(want, "```")
	if got := out.String(); got != want {
		t.Errorf("the output is\n%s\nwant that of the README\n%s", got, want)
	}
}

func newSmallWorld(t *testing.T, tenants int) *world {
	t.Helper()
	w, err := newWorld(t.TempDir(), tenants, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.signer.Close)
	return w
}

// status is what the API answers the user of a tenant with.
func (w *world) status(tenant int) int {
	r := httptest.NewRequest("GET", "/whoami", nil)
	r.Header.Set("Authorization", "Bearer "+w.token(tenant).String())
	got := httptest.NewRecorder()
	w.api.ServeHTTP(got, r)
	return got.Code
}

// A file that cannot be read, or that says what nobody understands, changes nothing.
func TestReload_brokenFiles(t *testing.T) {
	w := newSmallWorld(t, 2)
	for _, row := range []struct{ name, text, want string }{
		{"half of it", `{"tenants": [{"pool": "eu-west-1_Tenant0000", `, "unexpected EOF"},
		{"a misspelt setting", `{"tenants": [{"pool": "eu-west-1_Tenant0000", "client": ["a"]}]}`, `unknown field "client"`},
		{"two files in one", `{"tenants": []} {"tenants": []}`, "something stands behind the end"},
		{"an entry without clients", `{"tenants": [{"pool": "eu-west-1_Tenant0000"}]}`, "Config.Pools[0].ClientIDs is empty"},
		{"no file", "", "tenants.json"},
	} {
		if row.text == "" {
			if err := os.Remove(w.file); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(w.file, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.reg.reload(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
		if a, b := w.status(0), w.status(1); a != http.StatusOK || b != http.StatusOK {
			t.Errorf("%s: the tenants are answered with %d and %d, want 200", row.name, a, b)
		}
	}
}

// Without tenants the operators can still call, and name some.
func TestReload_noTenants(t *testing.T) {
	w := newSmallWorld(t, 1)
	for _, n := range []int{0, 1} {
		if err := w.write(numbered(0, n)); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/admin/reload", nil)
		r.Header.Set("Authorization", "Bearer "+w.signer.AccessToken().Scopes("tenants/reload").String())
		got := httptest.NewRecorder()
		w.api.ServeHTTP(got, r)
		if got.Code != http.StatusOK {
			t.Errorf("%d tenants: %d %s", n, got.Code, got.Body)
		}
		if want := []int{http.StatusUnauthorized, http.StatusOK}[n]; w.status(0) != want {
			t.Errorf("%d tenants: tenant 0 is answered with another status than %d", n, want)
		}
	}
}

// The file that was written last counts, however many reload at a time.
func TestReload_atOnce(t *testing.T) {
	w := newSmallWorld(t, 1)
	for n := range 20 {
		if err := w.write(numbered(n, n+1)); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := w.reg.reload(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := w.status(n); got != http.StatusOK {
			t.Fatalf("tenant %d, who is in the file, is answered with %d", n, got)
		}
	}
}

// The keys of tenants do not make the API ready, and those of the operators do.
func TestReady(t *testing.T) {
	w := newSmallWorld(t, 1)
	ready := func() int {
		got := httptest.NewRecorder()
		w.api.ServeHTTP(got, httptest.NewRequest("GET", "/readyz", nil))
		return got.Code
	}
	w.keys.down.Store(true)
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("without keys: %d, want 503", got)
	}
	w = newSmallWorld(t, 1)
	if got := ready(); got != http.StatusOK {
		t.Errorf("with keys: %d, want 200", got)
	}
	if got := w.keys.asks.Load(); got != 1 {
		t.Errorf("%d key sets were fetched, want the operators' alone", got)
	}
}
