package cognitoalb

// This file decides when a key is fetched, who waits for it, and which keys are
// remembered. One fetch is in fetch.go.
//
// There is no key set: each key has a URL of its own, made of a kid that anybody can
// write into a header. signer, iss and client, which are compared before, are no
// secrets. So an attacker who reaches the program past the load balancer can ask for
// keys, and we bound what that does. Each endpoint has bounds of its own, so that one
// which is down does not hold up the keys of another region:
//
//   - A key is fetched once at a time, and all fetches together keep a pace: 4, then
//     one a second. Below it the answer is 503 at once.
//   - A kid that the endpoint does not have is remembered for 10 s, so the pace bounds
//     how many. It says nothing about the endpoint, and does not make others wait.
//   - A failure of the endpoint stops all fetches for 1 s, doubling to 10 s.
//   - 16 keys are remembered. Real kids are no secret either, so a key that has not
//     verified a header yet gives its place to the next one. A key that has gives its
//     place only if all 16 have: then that which was in use the longest time ago goes.
//   - A remembered key is fetched anew in the background when it is an hour old, out of
//     the pace: nobody can order that. It is not used beyond 24 h.
//
// If that fetch is answered with 403 or 404, AWS has withdrawn the key, or something on
// the way out has refused us: a proxy says 403 as well. Nobody can tell at once whose
// fault it is. So the key is not used from then on, but if it has verified headers until
// now, it is denied for the time being only. The answer is 503, and the endpoint is asked
// again after 1 s, then at times that double, each 10 s at most. If it has the key again,
// all is as before. If it still denies it a minute after the first time or later, the key
// was withdrawn: it is forgotten, and the answer is 401, as for any kid that is unknown.
// We refused two other ways. To go on using the key until then would let in whoever has
// stolen what AWS withdraws. To forget it at once would tell users to log in again, for a
// fault that is ours.

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	pace         = time.Second // between fetches for keys that are not remembered
	paceBurst    = 4           // of them may come at once
	maxKeys      = 16
	absentFor    = 10 * time.Second
	firstBackoff = time.Second
	lastBackoff  = 10 * time.Second
	refreshAge   = time.Hour
	refreshPause = time.Minute // between tries to fetch a key anew
	confirmAfter = time.Minute // from the first denial of a key to the one that counts
	hardLimit    = 24 * time.Hour
	maxWait      = 3 * time.Second // how long a request waits for a fetch
	maxWaiting   = 1024            // requests that wait
)

// keyring remembers the keys of one endpoint, by their URL.
type keyring struct {
	client  *http.Client
	now     func() time.Time
	log     *slog.Logger
	waiting atomic.Int32

	mu       sync.Mutex // guards the fields below
	known    map[string]*key
	absent   map[string]time.Time // until when we do not ask again
	flights  map[string]*flight
	pace     *rate.Limiter
	quiet    time.Time // no fetch before, after a failure
	failures int       // in a row
	why      error     // of the last failure
}

// key is a remembered key. public never changes.
type key struct {
	public  *ecdsa.PublicKey
	fetched time.Time // by Config.Now
	landed  time.Time // by the machine, monotonic
	used    atomic.Int64

	// guarded by keyring.mu
	renewal time.Time // the next try to fetch it anew
	denied  time.Time // since when the endpoint denies it; zero: it does not
}

// vouched notes that the key has verified a header.
func (k *key) vouched(now time.Time) { k.used.Store(now.UnixNano()) }

// pause returns how long to wait between two tries to fetch the key anew.
func (k *key) pause(now time.Time) time.Duration {
	if k.denied.IsZero() {
		return refreshPause
	}
	return min(max(now.Sub(k.denied), firstBackoff), lastBackoff)
}

// age returns how old the key is by the clock that says more: the monotonic one stands
// still while a machine is suspended, and wall time can be set back.
func (k *key) age(now time.Time) time.Duration {
	return max(now.Sub(k.fetched), time.Since(k.landed))
}

// flight is one fetch. When it ends, it closes done, and its waiters read key and err.
type flight struct {
	done chan struct{}
	key  *key
	err  error
}

// laterError: we cannot tell now whether there is such a key.
type laterError struct {
	after time.Duration
	cause error
}

func (e *laterError) Error() string { return e.cause.Error() }

func (e *laterError) Unwrap() error { return e.cause }

var (
	errPaced   = errors.New("too many other keys were asked for just now")
	errWaited  = fmt.Errorf("the fetch has taken longer than %s", maxWait)
	errCrowded = fmt.Errorf("%d requests wait for keys already", maxWaiting)
	errDenied  = errors.New("the key endpoint denies a key that has verified headers until now (403 or 404): AWS has withdrawn it, or a proxy on the way out refuses us; we ask again")
	errEnded   = errors.New("the request ended while it waited for the key")
)

func newKeyring(client *http.Client, now func() time.Time, log *slog.Logger) *keyring {
	return &keyring{
		client:  fetchClient(client),
		now:     now,
		log:     log,
		known:   map[string]*key{},
		absent:  map[string]time.Time{},
		flights: map[string]*flight{},
		pace:    rate.NewLimiter(rate.Every(pace), paceBurst),
	}
}

// find returns the key at a URL, waiting for a fetch if need be. Its errors are
// errAbsent, errEnded, and those of a *laterError.
func (r *keyring) find(ctx context.Context, url string) (*key, error) {
	wall := r.now() // may panic, so not under the lock
	f, k, err := r.join(url, wall)
	if f == nil {
		return k, err
	}
	if err := r.wait(ctx, f); err != nil {
		return nil, err
	}
	return f.key, f.err
}

// join returns the key if it is remembered, else the flight to wait for, or an error.
func (r *keyring) join(url string, wall time.Time) (*flight, *key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if k := r.known[url]; k != nil {
		age := k.age(wall)
		due := age >= refreshAge || wall.Before(k.fetched) || !k.denied.IsZero()
		if due && r.flights[url] == nil && !now.Before(k.renewal) {
			k.renewal = now.Add(k.pause(now))
			r.launch(url)
		}
		if age <= hardLimit && k.denied.IsZero() {
			return nil, k, nil
		}
	}
	if f := r.flights[url]; f != nil {
		return f, nil, nil
	}
	if k := r.known[url]; k != nil && !k.denied.IsZero() {
		return nil, nil, &laterError{k.renewal.Sub(now), errDenied}
	}
	if now.Before(r.absent[url]) {
		return nil, nil, errAbsent
	}
	if pause := r.quiet.Sub(now); pause > 0 {
		return nil, nil, &laterError{pause, r.why}
	}
	if !r.pace.AllowN(now, 1) {
		return nil, nil, &laterError{pace, errPaced}
	}
	return r.launch(url), nil, nil
}

// launch starts a flight. The caller holds r.mu.
func (r *keyring) launch(url string) *flight {
	f := &flight{done: make(chan struct{})}
	r.flights[url] = f
	go r.run(url, f)
	return f
}

// run makes one fetch, on a context of its own: a client that hangs up cannot stop it.
// Whatever happens in it, it releases the waiters.
func (r *keyring) run(url string, f *flight) {
	public, wall, err := r.ask(url)
	r.land(url, f, public, wall, err)
	defer func() { _ = recover() }() // a panic of the logger must not end the program
	if f.err != nil && !errors.Is(f.err, errAbsent) {
		r.log.Warn("cognitoalb: key fetch failed", "url", url, "err", f.err)
	}
}

// ask fetches a key. A panic of the client or the clock is an error.
func (r *keyring) ask(url string) (public *ecdsa.PublicKey, wall time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the fetch panicked (%T)", p)
		}
	}()
	public, err = fetch(r.client, url)
	return public, r.now(), err
}

// land publishes what a flight brought and releases its waiters.
func (r *keyring) land(url string, f *flight, public *ecdsa.PublicKey, wall time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		r.failures = 0
		f.key = &key{public: public, fetched: wall.Round(0), landed: now}
		if before := r.known[url]; before != nil && before.public.Equal(public) {
			f.key.used.Store(before.used.Load())
		}
		r.remember(url, f.key)
	case errors.Is(err, errAbsent):
		f.err = r.deny(url, now)
	default:
		r.why = err
		r.quiet = now.Add(min(firstBackoff<<min(r.failures, 10), lastBackoff))
		r.failures++
		f.err = &laterError{r.quiet.Sub(now), err}
	}
	delete(r.flights, url)
	close(f.done)
}

// deny notes that the endpoint does not have a key, and returns what its waiters are
// told: of one that has verified headers, that we ask again, until confirmAfter is over.
func (r *keyring) deny(url string, now time.Time) error {
	k := r.known[url]
	if k == nil || k.used.Load() == 0 || !k.denied.IsZero() && now.Sub(k.denied) >= confirmAfter {
		delete(r.known, url)
		r.miss(url, now)
		return errAbsent
	}
	if k.denied.IsZero() {
		k.denied = now
		k.renewal = now.Add(k.pause(now))
	}
	return &laterError{k.renewal.Sub(now), errDenied}
}

// remember makes room for a key: that which has not verified a header for the longest
// time goes, one that never has before all others.
func (r *keyring) remember(url string, k *key) {
	if r.known[url] == nil && len(r.known) >= maxKeys {
		var oldest string
		for u, other := range r.known {
			if oldest == "" || other.used.Load() < r.known[oldest].used.Load() {
				oldest = u
			}
		}
		delete(r.known, oldest)
	}
	delete(r.absent, url)
	r.known[url] = k
}

// miss notes that the endpoint does not have a key, and forgets the kids whose time is
// over.
func (r *keyring) miss(url string, now time.Time) {
	maps.DeleteFunc(r.absent, func(_ string, until time.Time) bool { return !now.Before(until) })
	r.absent[url] = now.Add(absentFor)
}

// wait waits for the flight to end, for maxWait at most and while ctx lasts.
func (r *keyring) wait(ctx context.Context, f *flight) error {
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > maxWaiting {
		return &laterError{pace, errCrowded}
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return errEnded
	case <-timer.C:
		return &laterError{pace, errWaited}
	}
}
