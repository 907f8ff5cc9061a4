package main

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/Yiling-J/theine-go"
	"github.com/dgraph-io/ristretto/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/maypok86/otter/v2"
)

// remembered is a value like the library's, held by a pointer.
type remembered struct{ _ [32]byte }

// store is a cache that the library could use.
type store interface {
	get(uint64) bool
	set(uint64, *remembered)
	settle() // what was set is there from now on
}

type otterStore struct {
	c *otter.Cache[uint64, *remembered]
}

func (s otterStore) get(k uint64) bool           { _, ok := s.c.GetIfPresent(k); return ok }
func (s otterStore) set(k uint64, v *remembered) { s.c.Set(k, v) }
func (s otterStore) settle()                     { s.c.CleanUp() }

type lruStore struct {
	*lru.Cache[uint64, *remembered]
}

func (s lruStore) get(k uint64) bool           { _, ok := s.Get(k); return ok }
func (s lruStore) set(k uint64, v *remembered) { s.Add(k, v) }
func (lruStore) settle()                       {}

type ristrettoStore struct {
	c *ristretto.Cache[uint64, *remembered]
}

func (s ristrettoStore) get(k uint64) bool           { _, ok := s.c.Get(k); return ok }
func (s ristrettoStore) set(k uint64, v *remembered) { s.c.Set(k, v, 1) }
func (s ristrettoStore) settle()                     { s.c.Wait() }

type theineStore struct {
	c *theine.Cache[uint64, *remembered]
}

func (s theineStore) get(k uint64) bool           { _, ok := s.c.Get(k); return ok }
func (s theineStore) set(k uint64, v *remembered) { s.c.Set(k, v, 1) }
func (s theineStore) settle()                     { s.c.Wait() }

// stores are the candidates for the cache of tokens, each of so many entries and
// otherwise as its documentation sets it up.
var stores = []struct {
	name string
	make func(size int) (store, func(), error)
}{
	{"otter", func(size int) (store, func(), error) {
		c, err := otter.New(&otter.Options[uint64, *remembered]{MaximumSize: size, Executor: func(f func()) { f() }})
		return otterStore{c}, func() {}, err
	}},
	{"golang-lru", func(size int) (store, func(), error) {
		c, err := lru.New[uint64, *remembered](size)
		return lruStore{c}, func() {}, err
	}},
	{"ristretto", func(size int) (store, func(), error) {
		c, err := ristretto.NewCache(&ristretto.Config[uint64, *remembered]{NumCounters: int64(10 * size), MaxCost: int64(size), BufferItems: 64, IgnoreInternalCost: true})
		return ristrettoStore{c}, c.Close, err
	}},
	{"theine", func(size int) (store, func(), error) {
		c, err := theine.NewBuilder[uint64, *remembered](int64(size)).Build()
		return theineStore{c}, c.Close, err
	}},
}

// BenchmarkCaches is why the cache of tokens is otter: a look-up that hits, on
// one goroutine and on one for each CPU, and the hit rate of Zipf traffic over
// ten times as many keys as there is room for, each miss filled. goroutines is
// how many the cache keeps for itself.
func BenchmarkCaches(b *testing.B) {
	const size = defaultCache
	keys := make([]uint64, size)
	for i := range keys {
		keys[i] = rand.Uint64()
	}
	for _, s := range stores {
		start := func(b *testing.B) store {
			before := runtime.NumGoroutine()
			c, stop, err := s.make(size)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(stop)
			for k := range slices.Values(keys) {
				c.set(k, new(remembered))
			}
			c.settle()
			b.ReportMetric(float64(runtime.NumGoroutine()-before), "goroutines")
			b.ReportAllocs()
			return c
		}
		b.Run(s.name+"/hit", func(b *testing.B) {
			c := start(b)
			for i := 0; b.Loop(); i++ {
				c.get(keys[i%1000])
			}
		})
		b.Run(s.name+"/hit-parallel", func(b *testing.B) {
			c := start(b)
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					c.get(keys[i%1000])
				}
			})
		})
		b.Run(s.name+"/zipf", func(b *testing.B) {
			c := start(b)
			traffic := newTraffic("Zipf", 10*size).next(0, 1, 1<<20)
			hits, n := 0, 0
			for b.Loop() {
				k := uint64(traffic[n%len(traffic)])
				if c.get(k) {
					hits++
				} else {
					c.set(k, new(remembered))
				}
				n++
			}
			b.ReportMetric(float64(hits)/float64(n), "hits/op")
		})
	}
}
