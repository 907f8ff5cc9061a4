package jws_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/jws"
)

// compact is a token with the key ID that belongs to it, and a payload and a
// signature that nobody verifies.
type compact struct{ kid, text string }

func manyTokens(n int) []compact {
	encode := base64.RawURLEncoding.EncodeToString
	tokens := make([]compact, n)
	for i := range tokens {
		kid := fmt.Sprintf("key-%04d", i)
		tokens[i] = compact{kid, encode([]byte(`{"kid":"`+kid+`","alg":"RS256"}`)) + "." + encode([]byte("{}")) + "." + encode([]byte("s"))}
	}
	return tokens
}

// pass splits each token once and remembers its header if it is verified. It
// returns how many allocations a token took: a remembered header takes none.
func pass(t *testing.T, known *jws.Headers, w *jws.Token, tokens []compact, verified bool) float64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, token := range tokens {
		if fault := w.Split(token.text, known); fault != jws.None {
			t.Fatalf("fault %v", fault)
		}
		if w.Header.KeyID != token.kid {
			t.Fatalf("kid %q, want %q", w.Header.KeyID, token.kid)
		}
		if verified {
			known.Remember(w)
		}
		if !w.Reset() {
			t.Fatal("the memory of a short token is not kept")
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(len(tokens))
}

// However many headers there may be, remembering them is done after one pass, and
// what is remembered is found without an allocation.
func TestHeaders_remembersAllOfManyPools(t *testing.T) {
	for _, n := range []int{1, 2, 255, 256, 257, 1200} {
		known, tokens := &jws.Headers{Most: n}, manyTokens(n)
		var w jws.Token
		pass(t, known, &w, tokens, true)
		for range 3 {
			// A few objects of the runtime's own may come between.
			if got := pass(t, known, &w, tokens, true); got*float64(n) > 5 {
				t.Errorf("%d headers: %.2f allocations for each that is known", n, got)
			}
		}
	}
}

// Of more headers than Most some are read anew, but the memory stays bounded and
// none is copied again and again: each costs about what it takes itself.
func TestHeaders_moreThanMostCostNoMoreThanThemselves(t *testing.T) {
	known, tokens := &jws.Headers{Most: 600}, manyTokens(1200)
	var w jws.Token
	pass(t, known, &w, tokens, true)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 5
	for range rounds {
		if got := pass(t, known, &w, tokens, true); got > 5 {
			t.Errorf("%.2f allocations for each header, want those of its reading, itself and its encoded form", got)
		}
	}
	runtime.ReadMemStats(&after)
	if got := float64(after.TotalAlloc-before.TotalAlloc) / float64(rounds*len(tokens)); got > 700 {
		t.Errorf("%.0f bytes for each header, want a few hundred", got)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	runtime.KeepAlive(known)
	*known = jws.Headers{}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(before.HeapAlloc) - int64(after.HeapAlloc); kept > 600*700 {
		t.Errorf("%d bytes are kept for at most 600 headers", kept)
	}
}

// What no verified token carried is not kept: two passes cost the same.
func TestHeaders_keepNothingOfUnverifiedTokens(t *testing.T) {
	known, tokens := &jws.Headers{Most: 600}, manyTokens(500)
	var w jws.Token
	for range 2 {
		if got := pass(t, known, &w, tokens, false); got < 1 {
			t.Errorf("%.2f allocations: a header of a token that nobody verified is remembered", got)
		}
	}
}

// A header is found or not, never another one, while others are remembered and the
// table is replaced. The race detector looks at the rest.
func TestHeaders_concurrently(t *testing.T) {
	known, tokens := &jws.Headers{Most: 300}, manyTokens(700)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var w jws.Token
			for range 5 {
				for _, token := range tokens {
					if fault := w.Split(token.text, known); fault != jws.None || w.Header.KeyID != token.kid {
						t.Errorf("fault %v, kid %q of the token of %q", fault, w.Header.KeyID, token.kid)
						return
					}
					known.Remember(&w)
					w.Reset()
				}
			}
		})
	}
	wg.Wait()
}
