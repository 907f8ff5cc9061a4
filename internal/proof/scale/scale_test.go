// Package scale measures how the library grows with what it is given: pools,
// tokens, routes and revocations, each at n, 10 n and 100 n. It prints times and
// asserts none; bytes and allocations, which do not depend on the machine, it
// asserts.
//
//	go test -v ./internal/proof/scale           # a sample
//	go test -v ./internal/proof/scale -whole    # up to a million tokens, minutes
package scale_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

var whole = flag.Bool("whole", false, "take all sizes, which takes minutes")

// sizes are three of them, the last of which is most with -whole and a part of that
// without.
func sizes(most, part int) []int {
	if !*whole {
		most /= part
	}
	return []int{most / 100, most / 10, most}
}

// heap is what lives on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what a sync.Pool held is gone with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// per is the time of one call of f, the best of ten rounds of n.
func per(n int, f func(i int)) time.Duration {
	var best time.Duration
	for range 10 {
		began := time.Now()
		for i := range n {
			f(i)
		}
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	return best / time.Duration(n)
}

// counted skips a test whose allocations the race detector would change.
func counted(t *testing.T) {
	t.Helper()
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// everywhere answers each URL with the same key set.
type everywhere []byte

func (e everywhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(e)), Request: r}, nil
}

// pools is a configuration of n pools that have the keys of one.
func pools(mint *cognitotest.Pool, n int) cognitoauth.Config {
	cfg := cognitoauth.Config{HTTPClient: &http.Client{Transport: everywhere(mint.KeySet())}}
	for i := range n {
		pool := mint.Config().Pools[0] // whose keys are good in a test
		pool.ID, pool.ClientIDs = poolID(i), []string{fmt.Sprintf("client%020d", i)}
		cfg.Pools = append(cfg.Pools, pool)
	}
	return cfg
}

func poolID(i int) string { return fmt.Sprintf("eu-west-1_Pool%05d", i) }

// mostBytes is what a pool may take after New, with its configuration, and also when
// its two keys have come.
const mostBytes = 4 << 10

func TestScale_pools(t *testing.T) {
	counted(t)
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := func(i int) string {
		return mint.AccessToken().Client(fmt.Sprintf("client%020d", i)).Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/"+poolID(i)).String()
	}
	stranger := mint.AccessToken().String() // of a pool that none of the configurations has
	one := must(cognitoauth.New(pools(mint, 1)))
	allocations := func(auth *cognitoauth.Middleware, token string) float64 {
		return testing.AllocsPerRun(100, func() { _, _ = auth.Validate(context.Background(), token) })
	}
	hit, refused := allocations(one, token(0)), allocations(one, stranger)
	for _, n := range sizes(10_000, 1) {
		empty := heap()
		cfg := pools(mint, n)
		began := time.Now()
		auth := must(cognitoauth.New(cfg))
		took := time.Since(began)
		cfg = cognitoauth.Config{}
		bare := (heap() - empty) / int64(n)
		if n >= 1000 && bare > mostBytes { // else the fixed part counts
			t.Errorf("pools=%d: %d bytes a pool after New, want %d at most", n, bare, mostBytes)
		}
		fetched := "not fetched in the sample"
		if *whole || n <= 1000 {
			began = time.Now()
			if err := auth.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			ready := time.Since(began)
			keyed := (heap() - empty) / int64(n)
			if n >= 1000 && keyed > mostBytes {
				t.Errorf("pools=%d: %d bytes a pool with its keys, want %d at most", n, keyed, mostBytes)
			}
			fetched = fmt.Sprintf("Ready %s, %d bytes with 2 keys", ready.Round(time.Millisecond), keyed)
		}
		tokens := make([]string, 100)
		for i := range tokens {
			tokens[i] = token(i * (n / 100))
			if _, err := auth.Validate(t.Context(), tokens[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := allocations(auth, tokens[99]); got != hit {
			t.Errorf("pools=%d: a hit allocates %v times, with one pool %v", n, got, hit)
		}
		if got := allocations(auth, stranger); got != refused {
			t.Errorf("pools=%d: a refused issuer allocates %v times, with one pool %v", n, got, refused)
		}
		_, err := auth.Validate(t.Context(), stranger)
		e := err.(*cognitoauth.Error)
		if len(e.Detail()) > 2<<10 || e.Code != "issuer_mismatch" {
			t.Errorf("pools=%d: %d bytes of Detail with code %s, want 2 KiB at most with issuer_mismatch: %.200s", n, len(e.Detail()), e.Code, e.Detail())
		}
		t.Logf("pools=%d: New %s, %d bytes a pool; %s; hit %s; refused issuer %s, its Detail %s; Status %s", n, took.Round(10*time.Microsecond), bare, fetched,
			per(2_000, func(i int) { _, _ = auth.Validate(context.Background(), tokens[i%len(tokens)]) }),
			per(2_000, func(int) { _, _ = auth.Validate(context.Background(), stranger) }),
			per(20, func(int) { _ = e.Detail() }), per(2, func(int) { _ = auth.Status() }))
	}
}

// TestScale_mistakes: an error about 10,000 pools costs no more than in proportion.
func TestScale_mistakes(t *testing.T) {
	counted(t)
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for _, n := range sizes(10_000, 10) {
		cfg := pools(mint, n)
		for i := range cfg.Pools {
			cfg.Pools[i].ID = poolID(0) // all the same
		}
		began := time.Now()
		_, err := cognitoauth.New(cfg)
		if !errors.Is(err, cognitoauth.ErrMisconfigured) || strings.Count(err.Error(), "merge the two entries") != n-1 {
			t.Errorf("pools=%d: want %d entries that clash", n, n-1)
		}
		t.Logf("pools=%d, all the same: New %s", n, time.Since(began).Round(10*time.Microsecond))
	}
}

// cacheBytes is the default bound of the cache of tokens; a full one keeps a quarter
// more at most, as Config.TokenCacheBytes says.
const cacheBytes = 32 << 20 * 5 / 4

func TestScale_tokens(t *testing.T) {
	counted(t)
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	key := newSigner()
	base := mint.AccessToken().SignedWith(key.sign)
	cfg := mint.Config()
	cfg.HTTPClient, cfg.Pools[0].JWKS = nil, key.keySet(base.KeyID())
	for _, n := range sizes(1_000_000, 500) {
		auth := must(cognitoauth.New(cfg))
		empty := heap()
		var last []string
		began, full := time.Now(), time.Duration(0)
		for i := range n {
			token := base.User(fmt.Sprintf("user-%07d", i)).String()
			from := time.Now()
			for range 2 { // a full cache takes a token on its second use
				if _, err := auth.Validate(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			}
			full += time.Since(from)
			if last = append(last, token); len(last) > 100 {
				last = slices.Delete(last, 0, 1)
			}
		}
		took, kept := time.Since(began), heap()-empty
		if kept > cacheBytes+1<<20 {
			t.Errorf("tokens=%d: %d bytes are kept, want %d at most", n, kept, cacheBytes)
		}
		t.Logf("tokens=%d: %.1f MiB kept, %s for the first two uses; a token of the last 100 then %s (all in %s, minting included)",
			n, float64(kept)/(1<<20), full/time.Duration(n), per(2_000, func(i int) { _, _ = auth.Validate(context.Background(), last[i%len(last)]) }), took.Round(time.Millisecond))
		runtime.KeepAlive(auth)
	}
}

func TestScale_routes(t *testing.T) {
	counted(t)
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth := must(cognitoauth.New(mint.Config()))
	token := mint.AccessToken().String()
	want := -1.0
	for _, n := range sizes(10_000, 1) {
		empty := heap()
		mux := http.NewServeMux()
		okay := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		for i := range n {
			mux.Handle(fmt.Sprintf("GET /things%d/{id}", i), cognitoauth.Require(cognitoauth.Authenticated(), okay))
		}
		mux.Handle("GET /bare/{id}", okay)
		door := auth.Wrap(mux)
		kept := (heap() - empty) / int64(n)
		bare := httptest.NewRequest("GET", "/bare/1", nil)
		requests := make([]*http.Request, 100)
		for i := range requests {
			requests[i] = httptest.NewRequest("GET", fmt.Sprintf("/things%d/1", i*(n/100)), nil)
			requests[i].Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		got := testing.AllocsPerRun(100, func() { door.ServeHTTP(w, requests[99]) })
		if want < 0 {
			want = got
		}
		if got != want || w.Code != http.StatusOK {
			t.Errorf("routes=%d: %v allocations and status %d, with fewer routes %v", n, got, w.Code, want)
		}
		t.Logf("routes=%d: %d bytes a route, the mux's included; bare mux %s, Wrap of a token seen before %s", n, kept,
			per(2_000, func(int) { mux.ServeHTTP(w, bare) }), per(2_000, func(i int) { door.ServeHTTP(w, requests[i%len(requests)]) }))
		runtime.KeepAlive(mux)
	}
}

func TestScale_revocations(t *testing.T) {
	counted(t)
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	good, bad := mint.AccessToken(), mint.AccessToken()
	want := -1.0
	for _, n := range sizes(100_000, 1) {
		empty := heap()
		list := make(map[string]bool, n)
		for i := range n - 1 {
			list[fmt.Sprintf("aaaaaaaa-bbbb-4ccc-8ddd-%012d", i)] = true
		}
		list[bad.Claims().OriginID] = true
		kept := (heap() - empty) / int64(n)
		cfg := mint.Config()
		cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return list[c.OriginID], nil }
		auth := must(cognitoauth.New(cfg))
		text, revoked := good.String(), bad.String()
		if _, err := auth.Validate(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		_, err := auth.Validate(t.Context(), revoked)
		if e, ok := err.(*cognitoauth.Error); !ok || e.Code != "token_revoked" {
			t.Errorf("revoked=%d: %v, want token_revoked", n, err)
		}
		got := testing.AllocsPerRun(100, func() { _, _ = auth.Validate(context.Background(), text) })
		if want < 0 {
			want = got
		}
		if got != want {
			t.Errorf("revoked=%d: a hit allocates %v times, with fewer %v", n, got, want)
		}
		t.Logf("revoked=%d: %d bytes an entry of the program's map; hit %s, refused %s", n, kept,
			per(2_000, func(int) { _, _ = auth.Validate(context.Background(), text) }), per(2_000, func(int) { _, _ = auth.Validate(context.Background(), revoked) }))
		runtime.KeepAlive(list)
	}
}
