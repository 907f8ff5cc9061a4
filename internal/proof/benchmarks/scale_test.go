package main

import (
	"math"
	"slices"
	"testing"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

func TestTraffic(t *testing.T) {
	const tokens, n = 1000, 200_000
	count := func(kind string) []int {
		counts := make([]int, tokens)
		for _, i := range newTraffic(kind, tokens).next(0, 1, n) {
			counts[i]++
		}
		return counts
	}
	t.Run("uniform: each as often as any", func(t *testing.T) {
		for i, c := range count("uniform") {
			// 200 each; five standard deviations are 71.
			if c < 129 || c > 271 {
				t.Errorf("token %d came %d times", i, c)
			}
		}
	})
	t.Run("Zipf: the k-th 1/k as often as the first", func(t *testing.T) {
		counts := count("Zipf")
		harmonic := 0.0
		for i := range tokens {
			harmonic += 1 / float64(i+1)
		}
		for _, k := range []int{1, 2, 3, 10, 100} {
			want := n / harmonic / float64(k)
			if got := float64(counts[k-1]); math.Abs(got-want) > 5*math.Sqrt(want) {
				t.Errorf("token %d came %v times, expected %.0f", k, got, want)
			}
		}
	})
	t.Run("scan: two workers share one round", func(t *testing.T) {
		s := newTraffic("scan", 4)
		first, second := s.next(0, 2, 3), s.next(1, 2, 3)
		if !slices.Equal(first, []int32{0, 2, 0}) || !slices.Equal(second, []int32{1, 3, 1}) {
			t.Errorf("%v and %v", first, second)
		}
		if again := s.next(0, 2, 1); again[0] != 2 {
			t.Errorf("then %v", again)
		}
	})
}

func TestCounterTellsHits(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	tokens := mint(pool, 30)
	c, err := newCounter(t.Context(), pool, 1000, len(tokens))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name     string
		sequence []int32
		hits     int
	}{
		{"none was seen before", []int32{0, 1, 2, 3, 4}, 0},
		{"all were", []int32{4, 3, 2, 1, 0, 0}, 6},
		{"some were", []int32{4, 20, 21, 22, 3}, 2},
	} {
		c.hits.Store(0)
		if _, err := c.drive(tokens, [][]int32{row.sequence}); err != nil {
			t.Fatal(err)
		}
		if got := int(c.hits.Load()); got != row.hits {
			t.Errorf("%s: %d hits, expected %d", row.name, got, row.hits)
		}
	}
}

func TestMintedTokensAreDistinct(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	tokens := mint(pool, 50)
	slices.Sort(tokens)
	if n := len(slices.Compact(tokens)); n != 50 {
		t.Errorf("%d distinct tokens", n)
	}
}

// What is simulated where too few tokens are signed is what the middleware does.
func TestSimulationAgreesWithTheMiddleware(t *testing.T) {
	const cache, distinct = 60, 600
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	tokens := mint(pool, distinct)
	for _, kind := range []string{"uniform", "Zipf"} {
		r := scaleRow{Traffic: kind, CPUs: 1}
		if err := r.measure(t.Context(), pool, tokens, cache, 6); err != nil {
			t.Fatal(err)
		}
		simulated := simulate(newTraffic(kind, distinct), cache, warming*cache, 6*perRound)
		if math.Abs(r.HitRate-simulated) > 0.03 {
			t.Errorf("%s: hit rate %.3f, simulated %.3f", kind, r.HitRate, simulated)
		}
		// Uniform traffic finds a tenth whatever is kept; Zipf's more.
		if kind == "uniform" && math.Abs(simulated-0.1) > 0.03 || kind == "Zipf" && simulated < 0.3 {
			t.Errorf("%s: simulated %.3f", kind, simulated)
		}
	}
}

// Half the tokens need about half the heap: it is the tokens that are measured.
func TestMemoryIsThatOfTheTokens(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	tokens := mint(pool, 800)
	var total [2]int
	for i, n := range []int{400, 800} {
		m, err := measureMemory(t.Context(), pool, tokens[:n])
		if err != nil {
			t.Fatal(err)
		}
		if m.Tokens != n || m.Kept < n-10 {
			t.Errorf("%d tokens, %d kept, expected %d", m.Tokens, m.Kept, n)
		}
		total[i] = m.Kept * m.Bytes
	}
	// The payload alone, which is kept for Decode, has over 500 bytes.
	if grown := (total[1] - total[0]) / 400; grown < 500 || grown > 3000 {
		t.Errorf("%d bytes for each token more", grown)
	}
}
