package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/maypok86/otter/v2"
)

const (
	defaultCache  = 10_000 // Config.TokenCache where it is zero
	defaultTokens = 100_000
)

// mint signs n distinct tokens of n users, on all CPUs.
func mint(pool *cognitotest.Pool, n int) []string {
	tokens := make([]string, n)
	base := tokenOf(pool)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				tokens[i] = base.User(fmt.Sprintf("user-%07d", i)).String()
			}
		})
	}
	wg.Wait()
	return tokens
}

// counter is a middleware that can tell how many tokens it had in its cache:
// the claims of one that was there share the memory of the claims before, those
// of one that was validated in full do not. Looking at that costs alike with the
// cache and without.
type counter struct {
	auth *cognitoauth.Middleware
	seen []atomic.Pointer[byte] // where the text of each token's claims was last
	hits atomic.Int64
}

func newCounter(ctx context.Context, pool *cognitotest.Pool, cache, tokens int) (*counter, error) {
	c := &counter{seen: make([]atomic.Pointer[byte], tokens)}
	cfg := pool.Config()
	cfg.TokenCache = cache
	var err error
	if c.auth, err = cognitoauth.New(cfg); err != nil {
		return nil, err
	}
	return c, c.auth.Ready(ctx)
}

// validate validates the i-th token.
func (c *counter) validate(tokens []string, i int32) error {
	claims, err := c.auth.Validate(context.Background(), tokens[i])
	if err != nil {
		return err
	}
	text := unsafe.StringData(claims.Subject)
	if c.seen[i].Swap(text) == text {
		c.hits.Add(1)
	}
	return nil
}

// drive validates the tokens of each sequence on a goroutine of its own, and
// tells how long that took.
func (c *counter) drive(tokens []string, sequences [][]int32) (time.Duration, error) {
	errs := make([]error, len(sequences))
	var wg sync.WaitGroup
	start := time.Now()
	for worker, sequence := range sequences {
		wg.Go(func() {
			for _, i := range sequence {
				if errs[worker] = c.validate(tokens, i); errs[worker] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start), errors.Join(errs...)
}

// traffic makes sequences of tokens: the next n of one worker of several.
type traffic interface {
	next(worker, workers, n int) []int32
}

// uniform: every token is as likely as any other.
type uniform struct {
	tokens int
	rng    *rand.Rand
}

func (u uniform) next(_, _, n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(u.rng.IntN(u.tokens))
	}
	return s
}

// zipf: the second most frequent token comes half as often as the first, the
// third a third as often, and so on (exponent 1).
type zipf struct {
	sums []float64
	rng  *rand.Rand
}

func newZipf(tokens int, rng *rand.Rand) zipf {
	z := zipf{sums: make([]float64, tokens), rng: rng}
	sum := 0.0
	for i := range z.sums {
		sum += 1 / float64(i+1)
		z.sums[i] = sum
	}
	return z
}

func (z zipf) next(_, _, n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		at, _ := slices.BinarySearch(z.sums, z.rng.Float64()*z.sums[len(z.sums)-1])
		s[i] = int32(min(at, len(z.sums)-1))
	}
	return s
}

// scan: one token after the other, and again from the first. No cache that is
// smaller than the set can do well on it, and one that drops the oldest never
// finds any.
type scan struct {
	tokens int
	at     []int // of each worker
}

func (sc *scan) next(worker, workers, n int) []int32 {
	for len(sc.at) < workers {
		sc.at = append(sc.at, len(sc.at))
	}
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(sc.at[worker])
		sc.at[worker] = (sc.at[worker] + workers) % sc.tokens
	}
	return s
}

func newTraffic(kind string, tokens int) traffic {
	rng := rand.New(rand.NewPCG(1, uint64(tokens)))
	switch kind {
	case "uniform":
		return uniform{tokens, rng}
	case "Zipf":
		return newZipf(tokens, rng)
	}
	return &scan{tokens: tokens}
}

// scale is how the cache does with many tokens.
type scale struct {
	run
	Signed int        `json:"signed"`
	Cache  int        `json:"cache"`
	Memory []memory   `json:"memory"`
	Rows   []scaleRow `json:"rows"`
}

// scaleRow is one kind of traffic. What was not measured is zero.
type scaleRow struct {
	Tokens    int     `json:"tokens"`
	Traffic   string  `json:"traffic"`
	CPUs      int     `json:"cpus"`
	HitRate   float64 `json:"hit_rate,omitempty"`
	Simulated float64 `json:"simulated_hit_rate"`
	// Throughput is the requests in a second over those without a cache.
	Throughput float64 `json:"throughput,omitempty"`
}

// measureScale does everything with the tokens that were signed, and simulates
// the cache alone where there are not so many.
func measureScale(ctx context.Context, signed, rounds int, say func(format string, args ...any)) (*scale, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	say("signing %d tokens", signed)
	start := time.Now()
	tokens := mint(pool, signed)
	say("signed in %s", time.Since(start).Round(time.Second))
	command := "go run . scale -write"
	if signed != defaultTokens {
		command = fmt.Sprintf("go run . scale -tokens %d -write", signed)
	}
	s := &scale{run: newRun(command, rounds), Signed: signed, Cache: defaultCache}
	for _, n := range []int{1e3, 1e5, 1e6} {
		if n <= signed {
			m, err := measureMemory(ctx, pool, tokens[:n])
			if err != nil {
				return nil, err
			}
			say("%d tokens: %d kept, %d bytes each", n, m.Kept, m.Bytes)
			s.Memory = append(s.Memory, m)
		}
		for _, kind := range []string{"uniform", "Zipf", "scan"} {
			if kind == "scan" && n != 10*s.Cache {
				continue
			}
			simulated := simulate(newTraffic(kind, n), s.Cache, warming*s.Cache, 200_000)
			for _, cpus := range cpuCounts {
				r := scaleRow{Tokens: n, Traffic: kind, CPUs: cpus, Simulated: round4(simulated)}
				if n <= signed {
					if err := r.measure(ctx, pool, tokens[:n], s.Cache, rounds); err != nil {
						return nil, err
					}
				}
				say("%d tokens, %s, %d CPUs: hit rate %.3f, simulated %.3f, throughput %.2f", n, kind, cpus, r.HitRate, r.Simulated, r.Throughput)
				s.Rows = append(s.Rows, r)
			}
		}
	}
	return s, nil
}

const (
	warming  = 20   // times as many requests as the cache holds tokens come before a figure is taken
	perRound = 1000 // requests that each CPU serves in a round, with the cache and without
)

func (r *scaleRow) measure(ctx context.Context, pool *cognitotest.Pool, tokens []string, cache, rounds int) error {
	cached, err := newCounter(ctx, pool, cache, len(tokens))
	if err != nil {
		return err
	}
	bare, err := newCounter(ctx, pool, withoutCache, len(tokens))
	if err != nil {
		return err
	}
	t := newTraffic(r.Traffic, len(tokens))
	sequences := func(n int) (all [][]int32) {
		for worker := range r.CPUs {
			all = append(all, t.next(worker, r.CPUs, n))
		}
		return all
	}
	runtime.GOMAXPROCS(runtime.NumCPU())
	if _, err := cached.drive(tokens, sequences(warming*cache/r.CPUs)); err != nil {
		return err
	}
	runtime.GOMAXPROCS(r.CPUs)
	cached.hits.Store(0)
	var gains []float64
	for round := range rounds {
		order := []*counter{cached, bare}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		these, took := sequences(perRound), map[*counter]time.Duration{}
		for _, c := range order {
			if took[c], err = c.drive(tokens, these); err != nil {
				return err
			}
		}
		gains = append(gains, float64(took[bare])/float64(took[cached]))
	}
	n := rounds * perRound * r.CPUs
	r.HitRate = round4(float64(cached.hits.Load()) / float64(n))
	r.Throughput = round4(median(gains))
	return nil
}

// simulate drives the cache alone, set up as the library sets it up: what stays
// in it depends on the hashes and their order, not on what is kept with them.
// It returns the hit rate of the last n requests.
func simulate(t traffic, size, warm, n int) float64 {
	cache := otter.Must(&otter.Options[uint64, struct{}]{MaximumSize: size, Executor: func(f func()) { f() }})
	once := make([]uint64, size)
	seed, hits := maphash.MakeSeed(), 0
	for step, i := range t.next(0, 1, warm+n) {
		hash := maphash.Comparable(seed, i)
		place := &once[hash%uint64(size)]
		if _, ok := cache.GetIfPresent(hash); ok {
			if step >= warm {
				hits++
			}
		} else if cache.EstimatedSize() < size || *place == hash {
			cache.Set(hash, struct{}{})
		} else {
			*place = hash
		}
	}
	return float64(hits) / float64(n)
}

// measureMemory fills a cache that has room for all tokens and tells what the
// heap has grown by, the middleware with everything in it.
func measureMemory(ctx context.Context, pool *cognitotest.Pool, tokens []string) (memory, error) {
	before := heap()
	c, err := newCounter(ctx, pool, len(tokens), 0)
	if err != nil {
		return memory{}, err
	}
	for _, token := range tokens {
		// A clone: what the cache kept of the token itself would count.
		if _, err := c.auth.Validate(ctx, strings.Clone(token)); err != nil {
			return memory{}, err
		}
	}
	grown := heap() - before
	c.seen = make([]atomic.Pointer[byte], len(tokens))
	for range 2 { // the first time finds nothing to compare with
		c.hits.Store(0)
		for i := range tokens {
			if err := c.validate(tokens, int32(i)); err != nil {
				return memory{}, err
			}
		}
	}
	kept := int(c.hits.Load())
	return memory{Tokens: len(tokens), Kept: kept, Bytes: int(math.Round(grown / float64(max(kept, 1))))}, nil
}

// heap is what is in use. It takes two collections to empty a sync.Pool.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
