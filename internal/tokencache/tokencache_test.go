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

// cache remembers of each token a text and the token itself.
type cache struct{ *tokencache.Cache[string] }

// both runs a test with either kind of tag.
func both(t *testing.T, test func(t *testing.T, empty func(size int) cache)) {
	t.Helper()
	const bytes = 1 << 20
	t.Run("GHASH", func(t *testing.T) {
		test(t, func(size int) cache { return cache{tokencache.New[string](size, bytes)} })
	})
	t.Run("SHA-256", func(t *testing.T) {
		test(t, func(size int) cache { return cache{tokencache.NewSHA256[string](size, bytes)} })
	})
}

func (c cache) add(token string) { c.Add(token, "text of "+token, token) }

// find returns the token of which something is known, and false if nothing is.
func (c cache) find(token string) (string, bool) {
	text, known, ok := c.Find(token)
	if ok && text != "text of "+known || !ok && text+known != "" {
		return fmt.Sprintf("%q with the text %q", known, text), true
	}
	return known, ok
}

// fill adds so many tokens, once each. There is room for all of them.
func (c cache) fill(t *testing.T, size int) {
	t.Helper()
	for i := range size {
		c.add(token(i))
		if got, ok := c.find(token(i)); !ok || got != token(i) {
			t.Fatalf("token %d of %d: %q, %v", i, size, got, ok)
		}
	}
}

func TestCache_whileThereIsRoom(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(100)
		if _, ok := c.find(token(0)); ok {
			t.Error("an empty cache knows a token")
		}
		c.fill(t, 100)
		for i := range 100 {
			if got, ok := c.find(token(i)); !ok || got != token(i) {
				t.Errorf("token %d: %q, %v", i, got, ok)
			}
		}
		for _, other := range []string{"", "header.payload.", "Header.payload.1", token(1) + " ", token(100)} {
			if got, ok := c.find(other); ok {
				t.Errorf("%q is known as %q", other, got)
			}
		}
	})
}

// What was added last counts.
func TestCache_addsAgain(t *testing.T) {
	c := tokencache.New[string](10, 1<<20)
	for _, what := range []string{"old", "new", "newest"} {
		if kept := c.Add("token", "text, "+what, what); kept != "text, "+what {
			t.Errorf("%s: kept %q", what, kept)
		}
		if text, known, ok := c.Find("token"); !ok || known != what || text != "text, "+what {
			t.Errorf("%s: found %q, %q, %v", what, text, known, ok)
		}
	}
}

// The cache is bounded by the number of tokens. Which of them stay is for otter
// to decide.
func TestCache_bounded(t *testing.T) {
	const size = 50
	c := cache{tokencache.New[string](size, 1<<20)}
	for i := range 10 * size {
		c.add(token(i))
		c.add(token(i))
	}
	known := 0
	for i := range 10 * size {
		got, ok := c.find(token(i))
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
	c := cache{tokencache.New[string](size, 1<<20)}
	c.fill(t, size)
	for i := size; i < size+news; i++ {
		if kept := c.Add(token(i), "text", token(i)); kept != "text" {
			t.Errorf("of what is not remembered Add returns the text %q", kept)
		}
		if _, ok := c.find(token(i)); ok {
			t.Fatalf("the cache is full and remembers token %d at once", i)
		}
	}
	// Whether a token that was added twice stays is for otter to decide. It does
	// not refuse all of them.
	admitted := 0
	for i := size; i < size+news; i++ {
		c.add(token(i))
		c.add(token(i))
		if got, ok := c.find(token(i)); ok && got == token(i) {
			admitted++
		}
	}
	if admitted == 0 {
		t.Errorf("none of %d tokens that were added twice is remembered", news)
	}
}

func TestCache_longest(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(10)
		longest := strings.Repeat("x", 16<<10)
		c.add(longest)
		c.add(longest + "x")
		if got, _ := c.find(longest); got != longest {
			t.Errorf("a token of 16 KiB is known as one of %d bytes", len(got))
		}
		if got, ok := c.find(longest + "x"); ok {
			t.Errorf("a longer one is known as %q", got)
		}
		if kept := c.Add(longest+"x", "text", ""); kept != "text" {
			t.Errorf("of a longer one Add returns the text %q", kept)
		}
	})
}

// These tokens have the same 128 bytes in front and the same 64 at the end, which
// is all that the quick hash sees. They may evict each other, but none is taken
// for another.
func TestCache_sameEnds(t *testing.T) {
	head, tail := strings.Repeat("h", 128), strings.Repeat("t", 64)
	all := []string{head + tail, head + "." + tail, head + "a" + tail, head + "b" + tail, head + "ab" + tail, head + "ba" + tail,
		head + strings.Repeat("\x00", 15) + tail, head + strings.Repeat("\x00", 16) + tail, head + strings.Repeat("\x00", 17) + tail, // GHASH fills blocks up with zeros
		head + strings.Repeat("a", 5000) + tail, head + strings.Repeat("a", 5000) + "b" + tail}
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(100)
		for round, added := range append(all, all...) {
			c.add(added)
			if got, ok := c.find(added); !ok || got != added {
				t.Errorf("round %d: what was just added is not remembered", round)
			}
			for i, token := range all {
				if got, ok := c.find(token); ok && got != token {
					t.Errorf("round %d: token %d is known as another", round, i)
				}
			}
		}
		// If they did not evict each other, the above would show nothing.
		c.add(all[2])
		c.add(all[3])
		if _, ok := c.find(all[2]); ok {
			t.Error("the quick hash sees more than the ends: make tokens that it confuses")
		}
	})
}

// One byte makes another token, wherever it stands.
func TestCache_everyByteCounts(t *testing.T) {
	const length = 400
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(10)
		known := strings.Repeat("x", length)
		c.add(known)
		for i := range length {
			for _, other := range []string{"y", "\x00", "X"} {
				if _, ok := c.find(known[:i] + other + known[i+1:]); ok {
					t.Errorf("a token with another byte at %d is known", i)
				}
			}
		}
		for _, other := range []string{known[1:], known + "x", known + "\x00"} {
			if _, ok := c.find(other); ok {
				t.Errorf("a token of %d bytes is known as one of %d", len(other), length)
			}
		}
	})
}

// Nothing has to be closed: a bubble ends only when no goroutine is left in it.
func TestCache_startsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache{tokencache.New[string](10, 1<<20)}
		for i := range 100 {
			c.add(token(i))
			c.add(token(i))
			c.find(token(i))
		}
	})
}

// Tokens with the same ends, more than there is room for, on four goroutines. The
// race detector sees the rest.
func TestCache_concurrent(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(20)
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
					if got, ok := c.find(tok); ok && got != tok {
						t.Errorf("a token is known as another")
						return
					}
					c.add(tok)
				}
			})
		}
		wg.Wait()
	})
}
