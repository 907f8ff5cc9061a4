package tokencache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// token is a token of its own for each i.
func token(i int) string { return fmt.Sprintf("header.payload.%d", i) }

// find returns what is known of a token, and false if it is not remembered.
func find(c *tokencache.Cache[string], token string) (string, bool) {
	known := c.Find(token)
	if known == nil {
		return "", false
	}
	return *known, true
}

// fill adds so many tokens, once each. There is room for all of them.
func fill(t *testing.T, c *tokencache.Cache[string], size int) {
	t.Helper()
	for i := range size {
		c.Add(token(i), token(i), 1)
		if got, ok := find(c, token(i)); !ok || got != token(i) {
			t.Fatalf("token %d of %d: %q, %v", i, size, got, ok)
		}
	}
}

func TestCache_whileThereIsRoom(t *testing.T) {
	c := tokencache.New[string](100, 1<<20)
	if _, ok := find(c, token(0)); ok {
		t.Error("an empty cache knows a token")
	}
	fill(t, c, 100)
	for i := range 100 {
		if got, ok := find(c, token(i)); !ok || got != token(i) {
			t.Errorf("token %d: %q, %v", i, got, ok)
		}
	}
	for _, other := range []string{"", "header.payload.", "Header.payload.1", token(1) + " ", token(100)} {
		if got, ok := find(c, other); ok {
			t.Errorf("%q is known as %q", other, got)
		}
	}
}

// What was added last counts, and what is found stays as it was found.
func TestCache_addsAgain(t *testing.T) {
	c := tokencache.New[string](10, 1<<20)
	c.Add("token", "old", 1)
	old := c.Find("token")
	c.Add("token", "new", 1)
	if got, _ := find(c, "token"); got != "new" || *old != "old" {
		t.Errorf("found %q, and the one before became %q", got, *old)
	}
}

// The cache is bounded by the number of tokens. Which of them stay is for otter
// to decide.
func TestCache_bounded(t *testing.T) {
	const size = 50
	c := tokencache.New[string](size, 1<<20)
	for i := range 10 * size {
		c.Add(token(i), token(i), 1)
		c.Add(token(i), token(i), 1)
	}
	known := 0
	for i := range 10 * size {
		got, ok := find(c, token(i))
		if ok && got != token(i) {
			t.Errorf("token %d is known as %q", i, got)
		}
		if ok {
			known++
		}
	}
	if known == 0 || known > size {
		t.Errorf("%d tokens are known, expected at most %d", known, size)
	}
}

func TestCache_admission(t *testing.T) {
	const size, news = 50, 1000
	c := tokencache.New[string](size, 1<<20)
	fill(t, c, size)
	for i := size; i < size+news; i++ {
		if c.Add(token(i), token(i), 1); c.Find(token(i)) != nil {
			t.Fatalf("the cache is full and remembers token %d at once", i)
		}
	}
	// Whether a token that was added twice stays is for otter to decide. It does
	// not refuse all of them.
	admitted := 0
	for i := size; i < size+news; i++ {
		c.Add(token(i), token(i), 1)
		c.Add(token(i), token(i), 1)
		if got, ok := find(c, token(i)); ok && got == token(i) {
			admitted++
		}
	}
	if admitted == 0 {
		t.Errorf("none of %d tokens that were added twice is remembered", news)
	}
}

func TestCache_longest(t *testing.T) {
	c := tokencache.New[string](10, 1<<20)
	longest := strings.Repeat("x", 16<<10)
	c.Add(longest, "longest", 1)
	c.Add(longest+"x", "longer", 1)
	if got, _ := find(c, longest); got != "longest" {
		t.Errorf("a token of 16 KiB: %q", got)
	}
	if got, ok := find(c, longest+"x"); ok {
		t.Errorf("a longer one is known as %q", got)
	}
}

// These tokens have the same 128 bytes in front and the same 64 at the end, which
// is all that the quick hash sees. They may evict each other, but none is taken
// for another.
func TestCache_sameEnds(t *testing.T) {
	head, tail := strings.Repeat("h", 128), strings.Repeat("t", 64)
	all := []string{head + tail, head + "." + tail, head + "a" + tail, head + "b" + tail, head + "ab" + tail, head + "ba" + tail, head + strings.Repeat("a", 5000) + tail, head + strings.Repeat("a", 5000) + "b" + tail}
	c := tokencache.New[string](100, 1<<20)
	for round, added := range append(all, all...) {
		c.Add(added, added, 1)
		if got, ok := find(c, added); !ok || got != added {
			t.Errorf("round %d: what was just added is not remembered", round)
		}
		for i, token := range all {
			if got, ok := find(c, token); ok && got != token {
				t.Errorf("round %d: token %d is known as another", round, i)
			}
		}
	}
	// If they did not evict each other, the above would show nothing.
	c.Add(all[2], all[2], 1)
	c.Add(all[3], all[3], 1)
	if c.Find(all[2]) != nil {
		t.Error("the quick hash sees more than the ends: make tokens that it confuses")
	}
}

// One byte makes another token, wherever it stands.
func TestCache_everyByteCounts(t *testing.T) {
	const length = 400
	c := tokencache.New[string](10, 1<<20)
	known := strings.Repeat("x", length)
	c.Add(known, known, 1)
	for i := range length {
		if c.Find(known[:i]+"y"+known[i+1:]) != nil {
			t.Errorf("a token with another byte at %d is known", i)
		}
	}
	for _, other := range []string{known[1:], known + "x", known + "\x00"} {
		if c.Find(other) != nil {
			t.Errorf("a token of %d bytes is known as one of %d", len(other), length)
		}
	}
}

// Nothing has to be closed: a bubble ends only when no goroutine is left in it.
func TestCache_startsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tokencache.New[string](10, 1<<20)
		for i := range 100 {
			c.Add(token(i), token(i), 1)
			c.Add(token(i), token(i), 1)
			c.Find(token(i))
		}
	})
}

// Tokens with the same ends, more than there is room for, on four goroutines. The
// race detector sees the rest.
func TestCache_concurrent(t *testing.T) {
	c := tokencache.New[string](20, 1<<20)
	head, tail := strings.Repeat("h", 128), strings.Repeat("t", 64)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				n := (g*7 + i) % 60
				tok := fmt.Sprint(head, n, tail)
				if n%2 == 0 {
					tok = token(n)
				}
				if got, ok := find(c, tok); ok && got != tok {
					t.Errorf("a token is known as another")
					return
				}
				c.Add(tok, tok, 1)
			}
		})
	}
	wg.Wait()
}
