// Package tokencache remembers what is known of verified tokens. It is generic
// over what that is.
//
// A token is found by a quick keyed hash of its ends and recognised by the SHA-256
// of the whole of it. A token that was never seen, as most of an attacker's are,
// therefore costs no SHA-256, and no bearer token stays in memory. Tokens with the
// same quick hash evict each other. An attacker cannot cause that without the
// random seed of the process.
//
// The cache is bounded by the number of tokens alone. The caller looks at what
// expires on every hit: expiry by otter would start a goroutine that nothing
// stops, and would not know the caller's clock. otter does its upkeep on the
// goroutine that makes it necessary.
package tokencache

import (
	"crypto/sha256"
	"hash/maphash"
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
type Cache[T any] struct {
	seed   maphash.Seed
	size   int
	tokens *otter.Cache[uint64, *entry[T]]
	// once has the quick hashes of tokens that were added while the cache was
	// full. Each stands in a place of its own until another takes that place.
	once func() []atomic.Uint64
}

// entry is what the cache holds. It is never changed.
type entry[T any] struct {
	digest [sha256.Size]byte
	known  T
}

// New returns a cache for up to size tokens, which must be positive.
func New[T any](size int) *Cache[T] {
	return &Cache[T]{
		seed: maphash.MakeSeed(),
		size: size,
		tokens: otter.Must(&otter.Options[uint64, *entry[T]]{
			MaximumSize: size,
			Executor:    func(upkeep func()) { upkeep() },
		}),
		once: sync.OnceValue(func() []atomic.Uint64 { return make([]atomic.Uint64, size) }),
	}
}

// Find returns what is known of a token, nil if it is not remembered. The caller
// must not change it.
func (c *Cache[T]) Find(token string) *T {
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
// is full and has not seen it before.
func (c *Cache[T]) Add(token string, known T) {
	if len(token) > MaxTokenBytes {
		return
	}
	quick := c.quick(token)
	if c.tokens.EstimatedSize() >= c.size {
		once := c.once()
		if once[quick%uint64(len(once))].Swap(quick) != quick {
			return
		}
	}
	c.tokens.Set(quick, &entry[T]{digest(token), known})
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
