// Package tokencache remembers what is known of verified tokens. It is generic
// over what that is.
//
// We find a token by a quick keyed hash of its ends, and recognise it by the
// SHA-256 of the whole token. So a token that was never seen, as most of an
// attacker's are, costs no SHA-256, and no bearer token stays in memory. Tokens
// with the same quick hash evict each other. An attacker cannot cause that
// without the random seed of the process.
//
// The cache is bounded by the number of tokens and by the bytes that they take. It
// does not know when a token expires: on every hit, the caller checks the times.
// The cache is built on the library otter. We do not use otter's own expiry, which
// would start a goroutine that nothing stops and would not know the caller's clock.
// otter cleans up on the goroutine that adds a token, not on one of its own.
package tokencache

import (
	"crypto/sha256"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// MaxTokenBytes is the length of the longest token that is remembered.
const MaxTokenBytes = 16 << 10

// Cache remembers a T for each of a bounded number of tokens. Safe for concurrent
// use; nothing has to be closed.
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
	share  int64 // of one of size tokens in bytes
	most   int64 // weight of all entries
	tokens *otter.Cache[uint64, *entry[T]]
	weight atomic.Int64 // of the entries in tokens
	// once has the quick hashes of tokens that were added while the cache was
	// full. Each stands in a place of its own until another takes that place.
	once func() []atomic.Uint64
}

// entry is what the cache holds. It is never changed.
type entry[T any] struct {
	digest [sha256.Size]byte
	weight uint32
	known  T
}

// entryBytes is what an entry takes besides what the caller tells: the entry with a
// T of half a kilobyte, otter's node for it, and its places in the tables.
const entryBytes = 1 << 10

// New returns a cache for up to size tokens that together take up to bytes. size
// must be positive, and bytes at least a few times MaxTokenBytes.
func New[T any](size, bytes int) *Cache[T] {
	// One token never takes maxShare: a larger share would be no other bound.
	const maxShare = 1 << 20
	c := &Cache[T]{seed: maphash.MakeSeed(), share: min((int64(bytes)+int64(size)-1)/int64(size), maxShare)}
	c.most = c.share * int64(size)
	c.tokens = otter.Must(&otter.Options[uint64, *entry[T]]{
		MaximumWeight:    uint64(c.most),
		Weigher:          func(_ uint64, e *entry[T]) uint32 { return e.weight },
		OnAtomicDeletion: func(gone otter.DeletionEvent[uint64, *entry[T]]) { c.weight.Add(-int64(gone.Value.weight)) },
		Executor:         func(upkeep func()) { upkeep() },
	})
	// More tokens than these never fit.
	places := min(size, max(1, bytes/entryBytes))
	c.once = sync.OnceValue(func() []atomic.Uint64 { return make([]atomic.Uint64, places) })
	return c
}

// Find returns what is known of a token, nil if it is not remembered. The caller
// must not change it.
func (c *Cache[T]) Find(token string) *T {
	// mutant: equivalent, Add keeps no such token
	if len(token) > MaxTokenBytes {
		return nil
	}
	e, ok := c.tokens.GetIfPresent(c.quick(token))
	if !ok || e.digest != digest(token) {
		return nil
	}
	return &e.known
}

// Add remembers a token that was just verified, unless it is too long or the cache
// is full and has not seen it before. bytes is how much memory known refers to that
// nothing else keeps alive.
func (c *Cache[T]) Add(token string, known T, bytes int) {
	if len(token) > MaxTokenBytes {
		return
	}
	quick, weight := c.quick(token), min(max(c.share, int64(entryBytes+bytes)), math.MaxUint32)
	if c.weight.Load()+weight > c.most {
		once := c.once()
		if once[quick%uint64(len(once))].Swap(quick) != quick {
			return
		}
	}
	c.weight.Add(weight)
	c.tokens.Set(quick, &entry[T]{digest(token), uint32(weight), known})
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

// digest is the SHA-256 of a token. It overwrites its copy of the token.
func digest(token string) [sha256.Size]byte {
	buf := copies.Get().(*[]byte)
	defer copies.Put(buf)
	*buf = append((*buf)[:0], token...)
	sum := sha256.Sum256(*buf)
	clear(*buf)
	return sum
}

// copies are buffers of at most MaxTokenBytes.
var copies = sync.Pool{New: func() any { return new([]byte) }}
