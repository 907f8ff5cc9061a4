// Package tokencache remembers what is known of verified tokens. It is generic
// over what that is.
//
// We find a token by a quick keyed hash of its ends, and recognise it by a tag of
// the whole token (mark.go). So a token that was never seen, as most of an
// attacker's are, costs no tag, and no bearer token stays in memory. Tokens with
// the same quick hash evict each other. An attacker cannot cause that without the
// random seed of the process.
//
// The cache is bounded by the number of tokens and by the bytes that they take. It
// does not know when a token expires: on every hit, the caller checks the times.
// The cache is built on the library otter. We do not use otter's own expiry, which
// would start a goroutine that nothing stops and would not know the caller's clock.
// otter cleans up on the goroutine that adds a token, not on one of its own.
package tokencache

import (
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// MaxTokenBytes is the length of the longest token that is remembered.
const MaxTokenBytes = 16 << 10

// Cache remembers a text and a T for each of a bounded number of tokens. Safe for
// concurrent use; nothing has to be closed.
//
// Admission: while there is room, every token is remembered. When the cache is
// full, a token has to be added twice to be remembered. With many more tokens than
// there is room for, keeping each one and dropping another costs more than the few
// hits save.
//
// otter has one bound, of weight, for both of ours: an entry weighs what it takes,
// but at least its share of all bytes. So no more than size entries fit, and no
// more than bytes.
type Cache[T any] struct {
	seed   maphash.Seed
	marks  marker
	share  int64 // of one of size tokens in bytes
	most   int64 // weight of all entries
	tokens *otter.Cache[uint64, entry[T]]
	weight atomic.Int64 // of the entries in tokens
	// once has the quick hashes of tokens that were added while the cache was
	// full. Each stands in a place of its own until another takes that place.
	once func() []atomic.Uint64
}

// entry is what the cache holds. It is never changed. otter keeps it inside its own
// node, so it takes two allocations: the node and the marked text.
type entry[T any] struct {
	marked string // the mark of the token (mark.go) and, behind it, the text
	known  T
}

// entryBytes is what an entry with a pointer for a T takes besides its text: 64
// bytes for otter's node with the entry in it, 18 or 34 for the mark, some 40 to 80
// for its places in otter's tables, and what the allocator rounds up, a tenth.
// TestCache_memoryStaysWithinItsBytes measures it.
const entryBytes = 256

// weigh is what an entry with a text of so many bytes weighs.
func (c *Cache[T]) weigh(text int) int64 {
	return min(max(c.share, int64(entryBytes+text)), math.MaxUint32)
}

// New returns a cache for up to size tokens that together take up to bytes. size
// must be positive, and bytes at least a few times MaxTokenBytes.
func New[T any](size, bytes int) *Cache[T] { return newCache[T](size, bytes, newMarker()) }

func newCache[T any](size, bytes int, marks marker) *Cache[T] {
	// One token never takes maxShare: a larger share would be no other bound.
	const maxShare = 1 << 20
	c := &Cache[T]{seed: maphash.MakeSeed(), marks: marks, share: min((int64(bytes)+int64(size)-1)/int64(size), maxShare)}
	c.most = c.share * int64(size)
	c.tokens = otter.Must(&otter.Options[uint64, entry[T]]{
		MaximumWeight: uint64(c.most),
		Weigher:       func(_ uint64, e entry[T]) uint32 { return uint32(c.weigh(len(e.marked) - marks.size)) },
		OnAtomicDeletion: func(gone otter.DeletionEvent[uint64, entry[T]]) {
			c.weight.Add(-c.weigh(len(gone.Value.marked) - marks.size))
		},
		Executor: func(upkeep func()) { upkeep() },
	})
	// More tokens than these never fit.
	places := min(size, max(1, bytes/entryBytes))
	c.once = sync.OnceValue(func() []atomic.Uint64 { return make([]atomic.Uint64, places) })
	return c
}

// Find returns what is known of a token, and false if it is not remembered.
func (c *Cache[T]) Find(token string) (text string, known T, ok bool) {
	// mutant: equivalent, Add keeps no such token
	if len(token) > MaxTokenBytes {
		return "", known, false
	}
	e, ok := c.tokens.GetIfPresent(c.quick(token))
	if !ok || !c.marks.fit(e.marked, token) {
		return "", known, false
	}
	return e.marked[c.marks.size:], e.known, true
}

// Add remembers a token that was just verified, unless it is too long or the cache
// is full and has not seen it before. It returns the text that [Cache.Find] will
// return: the cache's own copy, or the given one if the token is not remembered.
func (c *Cache[T]) Add(token, text string, known T) string {
	if len(token) > MaxTokenBytes {
		return text
	}
	quick, weight := c.quick(token), c.weigh(len(text))
	if c.weight.Load()+weight > c.most {
		once := c.once()
		if once[quick%uint64(len(once))].Swap(quick) != quick {
			return text
		}
	}
	var marked strings.Builder // which needs no second copy to become a string
	marked.Grow(c.marks.size + len(text))
	c.marks.write(&marked, token)
	marked.WriteString(text)
	c.weight.Add(weight)
	c.tokens.Set(quick, entry[T]{marked.String(), known})
	return marked.String()[c.marks.size:]
}

// quick hashes the header, which anyone without a key of the pool can choose, and
// the end of the signature, which nobody can choose.
func (c *Cache[T]) quick(token string) uint64 {
	const head, tail = 128, 64
	if len(token) <= head+tail {
		return maphash.String(c.seed, token)
	}
	return maphash.String(c.seed, token[:head]) ^ bits.RotateLeft64(maphash.String(c.seed, token[len(token)-tail:]), 1)
}
