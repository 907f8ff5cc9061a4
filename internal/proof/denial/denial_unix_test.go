//go:build linux || darwin

package denial_test

import (
	"net/http"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// unreadable is a string of n bytes of which reading a single one faults: its
// memory is mapped and forbidden.
func unreadable(t *testing.T, n int) string {
	t.Helper()
	forbidden, err := syscall.Mmap(-1, 0, n, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(forbidden) })
	return unsafe.String(unsafe.SliceData(forbidden), n)
}

// segfaults reports whether work reads what is unreadable.
func segfaults(work func()) (faulted bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { faulted = recover() != nil }()
	work()
	return false
}

// A token over the limit is refused by its length alone: not one byte of it is
// read, whichever way it comes.
func TestDenial_tooLargeIsNotRead(t *testing.T) {
	f := newDenial(t)
	const limit = 32 << 10
	token := unreadable(t, limit+1)
	for name, auth := range map[string]*cognitoauth.Middleware{
		"with a cache":    f.middleware(t, limit),
		"without a cache": lab.MustNew(t, f.pool.Config(), func(c *cognitoauth.Config) { c.MaxTokenBytes, c.TokenCache = limit, -1 }),
		"by a source":     lab.MustNew(t, f.pool.Config(), func(c *cognitoauth.Config) { c.TokenSource = func(*http.Request) (string, error) { return token, nil } }),
	} {
		var byValidate, byExplain, bySource string
		if segfaults(func() { byValidate = lab.Decide(t, auth, token) }) || byValidate != "token_too_large" {
			t.Errorf("%s: Validate read it, or answered %q", name, byValidate)
		}
		if segfaults(func() { byExplain = auth.Explain(t.Context(), token)[0].Err.Code }) || byExplain != "token_too_large" {
			t.Errorf("%s: Explain read it, or answered %q", name, byExplain)
		}
		if name != "by a source" {
			continue
		}
		if segfaults(func() { bySource = lab.CodeOf(t, lab.Ask(auth.Wrap(http.NotFoundHandler()), lab.Call("GET /"))) }) || bySource != "token_too_large" {
			t.Errorf("%s: Wrap read it, or answered %q", name, bySource)
		}
	}
	if !segfaults(func() { lab.Decide(t, f.middleware(t, limit+1), token) }) {
		t.Error("a token within the limit can be judged without reading it: this test shows nothing")
	}
}
