package tokencache_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// known is as large as what the validator knows of a token besides its text.
type known struct{ _ *int }

// token is the i-th token of about so many bytes.
func longToken(i, size int) string {
	return fmt.Sprintf("%08d.%s.%08d", i, strings.Repeat("p", size), i)
}

// fill adds tokens of n bytes of payload, each twice, since a full cache takes a
// token when it comes for the second time.
func fillWith(c *tokencache.Cache[known], tokens, n int) {
	for i := range tokens {
		token, text := longToken(i, n/3*4), strings.Repeat("x", n)
		c.Add(token, text, known{})
		c.Add(token, text, known{})
	}
}

func found(c *tokencache.Cache[known], tokens, n int) (count int) {
	for i := range tokens {
		if _, _, ok := c.Find(longToken(i, n/3*4)); ok {
			count++
		}
	}
	return count
}

// heap is what is in use after a full collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what a sync.Pool holds survives one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// 10,000 tokens with 100 groups, 11 kB each, would take 108 MiB.
func TestCache_memoryStaysWithinItsBytes(t *testing.T) {
	const size, bytes, offered = 10_000, 32 << 20, 10_500
	for _, n := range []int{0, 500, 3 << 10, 11_000} {
		t.Run(fmt.Sprint("payload=", n), func(t *testing.T) {
			before := heap()
			c := tokencache.New[known](size, bytes)
			fillWith(c, offered, n)
			grown := heap() - before
			count := found(c, offered, n)
			if grown > bytes*5/4 {
				t.Errorf("it keeps %d tokens in %d bytes, want at most a quarter more than %d", count, grown, bytes)
			}
			if each := grown / int64(count); each > int64(n)*9/8+180 {
				t.Errorf("a token with a text of %d bytes takes %d, want at most an eighth and 180 bytes more", n, each)
			}
			if count > size {
				t.Errorf("it keeps %d tokens, want at most %d", count, size)
			}
			// It keeps what there is room for: a cache that is empty is bounded too.
			if want := min(size, bytes/(n+256)) * 9 / 10; count < want {
				t.Errorf("it keeps %d tokens in %d bytes, want %d at least", count, grown, want)
			}
			t.Logf("%d tokens, %d bytes, %.2f of the bound", count, grown, float64(grown)/bytes)
			runtime.KeepAlive(c)
		})
	}
}

// A token that is added again takes the room of the first time, and one that is
// evicted gives its room back.
func TestCache_roomIsGivenBack(t *testing.T) {
	c, text := tokencache.New[known](100, 1<<20), strings.Repeat("x", 500)
	for range 10_000 {
		c.Add("the same one", text, known{})
	}
	c.Add("another one", text, known{})
	_, _, same := c.Find("the same one")
	_, _, another := c.Find("another one")
	if !same || !another {
		t.Error("a token that was added often takes the room of others")
	}
	for i := range 3 {
		fillWith(c, 1000*(i+1), 11_000)
		if n := found(c, 1000*(i+1), 11_000); n < 40 {
			t.Errorf("%d tokens after %d evictions, want 80 or so: there is no room left", n, 1000*(i+1))
		}
	}
}

// One large token more than there is room for has to come twice, as one more than
// the number does.
func TestCache_fullOfBytesTakesWhatComesTwice(t *testing.T) {
	const n = 11_000
	c := tokencache.New[known](1000, 1<<20)
	room := (1 << 20) / (n + 256)
	text := strings.Repeat("x", n)
	for i := range 2 * room {
		c.Add(longToken(i, n), text, known{})
		if _, _, ok := c.Find(longToken(i, n)); ok != (i < room) {
			t.Fatalf("token %d comes for the first time, and is remembered: %v; there is room for %d", i, ok, room)
		}
	}
}
