package cognitoauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// atOnce is how many fetches Ready and Refresh may have in flight.
const atOnce = 16

// tenants is a Middleware with many pools, which all have the keys of one, and
// the network that their key sets come over.
type tenants struct {
	testing.TB
	mint *cognitotest.Pool
	auth *cognitoauth.Middleware
	cfg  cognitoauth.Config

	mu     sync.Mutex
	answer func(i int) (time.Duration, error) // for the i-th pool, how long it takes, and how it fails; nil: at once
	maxAge string
	busy   int
	most   int // of busy, since it was read last
	asked  []question
}

// question is one fetch.
type question struct {
	pool int
	at   time.Time
}

func newTenants(tb testing.TB, pools int) *tenants {
	tb.Helper()
	n := &tenants{TB: tb, mint: cognitotest.NewPool(tb, cognitotest.Options{InProcess: true})}
	n.cfg = cognitoauth.Config{HTTPClient: &http.Client{Transport: n}}
	for i := range pools {
		pool := n.mint.Config().Pools[0] // whose keys are good in a test
		pool.ID = fmt.Sprintf("eu-west-1_Pool%05d", i)
		pool.JWKSURL = "https://cognito-idp.eu-west-1.amazonaws.com/" + pool.ID + "/.well-known/jwks.json"
		n.cfg.Pools = append(n.cfg.Pools, pool)
	}
	n.open()
	return n
}

// open starts another instance in place of the last one.
func (n *tenants) open() {
	n.Helper()
	var err error
	if n.auth, err = cognitoauth.New(n.cfg); err != nil {
		n.Fatal(err)
	}
}

func (n *tenants) RoundTrip(r *http.Request) (*http.Response, error) {
	var i int
	if _, err := fmt.Sscanf(r.URL.Path, "/eu-west-1_Pool%05d/", &i); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.busy++
	n.most = max(n.most, n.busy)
	n.asked = append(n.asked, question{i, time.Now()})
	answer, header := n.answer, http.Header{"Cache-Control": {n.maxAge}}
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.busy--
		n.mu.Unlock()
	}()
	if answer != nil {
		d, err := answer(i)
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		if err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(bytes.NewReader(n.mint.KeySet())), Request: r}, nil
}

// answers sets how long the fetches take from now on, and how they fail.
func (n *tenants) answers(f func(i int) (time.Duration, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = f
}

// take returns how many fetches there were at most at one time, and all of them,
// since it was called last.
func (n *tenants) take() (most int, asked []question) {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	most, asked = n.most, n.asked
	n.most, n.asked = n.busy, nil
	return most, asked
}

// token is one of the i-th pool.
func (n *tenants) token(i int) string {
	return n.mint.AccessToken().Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/"+n.cfg.Pools[i].ID).ExpiresIn(12 * time.Hour).String()
}

func taking(d time.Duration) func(int) (time.Duration, error) {
	return func(int) (time.Duration, error) { return d, nil }
}

// overlap says what is wrong with a wave of fetches: that they are not those of each
// pool once, or that there were more or fewer at one time than there should be.
func (n *tenants) overlap(when string, pools, want int) {
	n.Helper()
	most, asked := n.take()
	var order []int
	for _, q := range asked {
		order = append(order, q.pool)
	}
	slices.Sort(order)
	if most != want || len(order) != pools || len(slices.Compact(order)) != pools {
		n.Errorf("%s: %d fetches of %d pools, %d at a time; want one of each of %d, %d at a time", when, len(asked), len(order), most, pools, want)
	}
}

// TestReady_fewAtATime: 300 key sets are not fetched at once, whoever asks.
func TestReady_fewAtATime(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		n.answers(taking(100 * time.Millisecond))
		began := time.Now()
		if err := n.auth.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		// 19 rounds of 16 make 304. A fetch is put off by 50 ms at most.
		if took := time.Since(began); took < 1900*time.Millisecond || took > 19*150*time.Millisecond {
			t.Errorf("Ready took %s, want 19 rounds of 100 to 150 ms", took)
		}
		n.overlap("Ready", 300, atOnce)

		if err := n.auth.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		n.overlap("warm", 0, 0)

		time.Sleep(2 * time.Second) // a set is fetched once a second at most
		if err := n.auth.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		n.overlap("Refresh", 300, atOnce)

		n.open()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := n.auth.Ready(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		n.overlap("five at once", 300, atOnce)

		time.Sleep(2 * time.Second)
		for range 5 {
			all.Go(func() {
				if err := n.auth.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		// Who came when the first fetches had begun needs others, see TestRefresh.
		if most, asked := n.take(); most != atOnce || len(asked) < 300 || len(asked) > 300+atOnce {
			t.Errorf("five refreshes at once: %d fetches, %d at a time; want them shared, and %d at a time", len(asked), most, atOnce)
		}
	})
}

// TestReady_both: Ready and Refresh share the places.
func TestReady_both(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		n.answers(taking(100 * time.Millisecond))
		var all sync.WaitGroup
		all.Go(func() {
			if err := n.auth.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := n.auth.Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if most, _ := n.take(); most != atOnce {
			t.Errorf("%d fetches at a time, want %d", most, atOnce)
		}
	})
}

// TestReady_fewPools: up to 16 pools are asked at once, without a delay.
func TestReady_fewPools(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, atOnce)
		n.answers(taking(time.Second))
		for _, ask := range []func(context.Context) error{n.auth.Ready, n.auth.Refresh} {
			began := time.Now()
			if err := ask(t.Context()); err != nil || time.Since(began) != time.Second {
				t.Errorf("after %s: %v, want nil after a second", time.Since(began), err)
			}
			n.overlap("few pools", atOnce, atOnce)
			time.Sleep(time.Second)
		}
	})
}

// TestReady_slowEndpoint: pools whose endpoint hangs hold up no other, as long as
// they do not fill all places, and no request waits for a place.
func TestReady_slowEndpoint(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		n.answers(func(i int) (time.Duration, error) {
			if i < atOnce-1 {
				return time.Hour, nil
			}
			return 10 * time.Millisecond, nil
		})
		for _, ask := range []func(context.Context) error{n.auth.Ready, n.auth.Refresh} {
			ctx, cancel := context.WithTimeout(t.Context(), 285*60*time.Millisecond)
			err := ask(ctx)
			cancel()
			n.missing(err, atOnce-1, 0)
			n.overlap("slow", 300, atOnce)
			time.Sleep(lab.LongestFetch)
		}

		n.open()
		n.answers(func(i int) (time.Duration, error) {
			if i == 299 {
				return 0, nil
			}
			return time.Hour, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { n.auth.Ready(ctx) })
		// Ready begins with a pool at random. If the one that answers is among the
		// first, its place is filled again a little later.
		time.Sleep(time.Second)
		if most, _ := n.take(); most != atOnce {
			t.Errorf("%d fetches at a time, want all %d places filled", most, atOnce)
		}
		began := time.Now()
		if _, err := n.auth.Validate(t.Context(), n.token(299)); err != nil || time.Since(began) > 0 {
			t.Errorf("a request while all places are filled: %v after %s, want nil at once", err, time.Since(began))
		}
		cancel()
		all.Wait()
		time.Sleep(lab.LongestFetch)
	})
}

// missing demands an error about so many pools, of which some had no turn. Its text
// has the first ten in the order of the configuration, and the number of the rest.
func (n *tenants) missing(err error, pools, begun int) {
	n.Helper()
	var all interface{ Unwrap() []error }
	if !errors.Is(err, cognitoauth.ErrUnavailable) || !errors.As(err, &all) || len(all.Unwrap()) != pools {
		n.Errorf("%v, want an ErrUnavailable for each of %d pools", err, pools)
		return
	}
	for _, one := range all.Unwrap() {
		if !errors.Is(one, cognitoauth.ErrUnavailable) {
			n.Errorf("%v, want ErrUnavailable", one)
		}
	}
	lines := strings.Split(err.Error(), "\n")
	last := ""
	if pools > 10 {
		last = fmt.Sprintf("cognitoauth: and %d more key sets; Status tells of each", pools-10)
	}
	for i, line := range lines {
		switch {
		case i == 10 && line != last:
			n.Errorf("the text ends in %q, want %q", line, last)
		case i < 10 && (!strings.HasPrefix(line, "cognitoauth: ") || !strings.Contains(line, fmt.Sprintf("Pool%05d", i))):
			n.Errorf("line %d is %q, want that it names pool %d", i, line, i)
		}
	}
	if want := min(pools, 11); len(lines) != want {
		n.Errorf("%d lines, want %d:\n%v", len(lines), want, err)
	}
	unasked := 0
	for _, one := range all.Unwrap() {
		if strings.Contains(one.Error(), "the fetch had not begun: context deadline exceeded") {
			unasked++
		}
	}
	if begun > 0 && unasked != pools-begun {
		n.Errorf("of %d pools %d had no turn, want %d", pools, unasked, pools-begun)
	}
}

// TestReady_error: the text about many pools stays readable.
func TestReady_error(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		fault := errors.New("no route")
		for _, pools := range []int{1, 10, 11, 300} {
			n := newTenants(t, pools)
			n.answers(func(int) (time.Duration, error) { return 10 * time.Millisecond, fault })
			for _, ask := range []func(context.Context) error{n.auth.Ready, n.auth.Refresh} {
				err := ask(t.Context())
				n.missing(err, pools, 0)
				if !errors.Is(err, fault) {
					t.Errorf("%v, want that it wraps the cause", err)
				}
				n.overlap("failing", pools, min(pools, atOnce))
				time.Sleep(2 * time.Second)
			}
		}
	})
}

// TestReady_context: with its context the waiting ends, for a place too, and no
// fetch begins afterwards.
func TestReady_context(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		n.answers(taking(time.Hour))
		for _, ask := range []func(context.Context) error{n.auth.Ready, n.auth.Refresh} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			err := ask(ctx)
			cancel()
			if took := time.Since(began); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %s: %v, want the deadline after a second", took, err)
			}
			n.missing(err, 300, atOnce)
			time.Sleep(time.Minute)
			n.overlap("hanging", atOnce, atOnce)
		}
		// What has come by then counts, even if the context ends meanwhile.
		n.open()
		n.answers(taking(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		err := n.auth.Ready(ctx)
		var all interface{ Unwrap() []error }
		if !errors.As(err, &all) || len(all.Unwrap()) != 300-atOnce {
			t.Errorf("%v, want an error about all but the first %d", err, atOnce)
		}
		time.Sleep(time.Minute)
	})
}

// TestReady_fleet: instances that start at one moment do not ask in step.
func TestReady_fleet(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		n.answers(taking(100 * time.Millisecond))
		for _, ask := range []func(*cognitoauth.Middleware, context.Context) error{(*cognitoauth.Middleware).Ready, (*cognitoauth.Middleware).Refresh} {
			pools, delays := map[int]bool{}, map[time.Duration]bool{}
			for range 10 {
				n.open()
				began := time.Now()
				if err := ask(n.auth, t.Context()); err != nil {
					t.Fatal(err)
				}
				_, asked := n.take()
				pools[asked[0].pool], delays[asked[atOnce].at.Sub(began)] = true, true
			}
			if len(pools) < 2 || len(delays) < 2 {
				t.Errorf("10 instances began with %d different pools and asked the 17th after %d different times", len(pools), len(delays))
			}
		}
	})
}

// TestReady_unused: a pool whose tokens do not come costs no fetch, and sets that
// are due at one moment are fetched a few at a time, behind the requests.
func TestReady_unused(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 300)
		tokens := make([]string, 300)
		for i := range tokens {
			tokens[i] = n.token(i)
		}
		use := func(i int) {
			t.Helper()
			if _, err := n.auth.Validate(t.Context(), tokens[i]); err != nil {
				t.Error(err)
			}
		}
		use(7)
		n.overlap("one pool", 1, 1)
		if err := n.auth.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.take()
		time.Sleep(lab.LatestRefresh)
		n.overlap("nobody came", 0, 0)

		n.answers(taking(time.Second))
		for i := range tokens {
			use(i)
		}
		n.overlap("300 due", atOnce, atOnce)
		for range 300/atOnce + 1 {
			time.Sleep(time.Second)
			synctest.Wait()
			for i := range tokens {
				use(i)
			}
		}
		n.overlap("the others", 300-atOnce, atOnce)
	})
}

// TestReadyPools: a probe asks for the pools that it names, all of them, and for no
// other.
func TestReadyPools(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 5)
		n.answers(func(i int) (time.Duration, error) {
			if i == 3 {
				return 0, errors.New("no route to host")
			}
			return time.Second, nil
		})
		fetched := func(when string, want ...int) {
			t.Helper()
			_, asked := n.take()
			var pools []int
			for _, q := range asked {
				pools = append(pools, q.pool)
			}
			if slices.Sort(pools); !slices.Equal(pools, want) {
				t.Errorf("%s: the keys of pools %v are fetched, want %v", when, pools, want)
			}
		}
		id := func(i int) string { return n.cfg.Pools[i].ID }
		if err := n.auth.ReadyPools(t.Context(), id(2), id(0), id(2)); err != nil {
			t.Error(err)
		}
		fetched("two that are up", 0, 2)
		err := n.auth.ReadyPools(t.Context(), id(4), id(3), id(2))
		if want := "cognitoauth: unavailable: no key set of pool " + id(3) + ": "; !errors.Is(err, cognitoauth.ErrUnavailable) || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("one of three is down: %v, want %s…", err, want)
		}
		fetched("one of three is down", 3, 4)

		err = n.auth.ReadyPools(t.Context(), "eu-west-1_Gone", id(1), "")
		if want := "cognitoauth: misconfigured: ReadyPools: no entry of Config.Pools has the ID \"eu-west-1_Gone\"\n" +
			"cognitoauth: misconfigured: ReadyPools: no entry of Config.Pools has the ID \"\""; err == nil || !errors.Is(err, cognitoauth.ErrMisconfigured) || err.Error() != want {
			t.Errorf("unknown ones: %v, want %s", err, want)
		}
		if err := n.auth.ReadyPools(t.Context()); !errors.Is(err, cognitoauth.ErrMisconfigured) || !strings.Contains(err.Error(), "no ID") {
			t.Errorf("none: %v", err)
		}
		fetched("unknown ones and none")

		cfg := n.cfg
		cfg.Pools = n.cfg.Pools[1:]
		if err := n.auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if err := n.auth.ReadyPools(t.Context(), id(0)); !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("gone by a Reload: %v", err)
		}
		if err := n.auth.ReadyPools(t.Context(), id(2)); err != nil {
			t.Error(err)
		}
		fetched("after a Reload")
		for _, m := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
			if code := lab.AsRefusal(t, m.ReadyPools(t.Context(), id(1))).Code; code != "not_wired" {
				t.Errorf("code %q, want not_wired", code)
			}
		}
	})
}

// A pool with replica regions has a key set for each region, and both kinds of its
// tokens have the same.
func TestReadyPools_allSources(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := bothKinds(pool.Config())
	cfg.Pools[0].ReplicaRegions = []string{"us-east-1"}
	cfg.Pools = append(cfg.Pools, newNeighbour(t))
	auth := lab.MustNew(t, cfg)
	if err := auth.ReadyPools(t.Context(), pool.ID()); err != nil {
		t.Fatal(err)
	}
	var fetched []int
	for _, s := range auth.Status() {
		fetched = append(fetched, s.Fetches)
	}
	if !slices.Equal(fetched, []int{1, 1, 0}) {
		t.Errorf("fetches %v, want those of both regions and not the neighbour's", fetched)
	}
}
