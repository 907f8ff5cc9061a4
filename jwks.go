package cognitoauth

// This file holds the key cache: when keys are fetched, who waits for them, and
// how old they may be. How one fetch works is in internal/keyfetch, and what
// a key set is, in internal/keyset.
//
// Each key source has one immutable key set behind an atomic pointer, and at
// most one fetch in flight. Take a token whose kid is not in the set. Right
// after a rotation all tokens are like that. Its request starts a fetch, and
// every other request that needs the same fetch waits for it too. The fetch
// runs on a context of its own, so a client that hangs up cannot stop it. When
// the fetch ends, it publishes the new set, and all requests look again. After
// each fetch there is a pause, in which no other fetch begins and a request
// with an unknown kid is refused at once. So an attacker with random kids
// causes at most one fetch per pause.
//
// We do not use the HTTP storage of jwkset. It forgets every key when the
// endpoint answers 200 {}, turns away all but one of the requests that meet at
// a rotation, lets a request wait for a minute, follows redirects, and reads
// bodies of any size.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
)

const (
	hardLimit    = 24 * time.Hour   // we do not use a set that is older
	maxWait      = 3 * time.Second  // how long a request waits for a fetch
	fetchFloor   = 10 * time.Second // the pause between a success and the next fetch
	firstBackoff = time.Second      // the pause after a failure; it doubles with each
	lastBackoff  = time.Minute      // the longest pause after a failure
)

// keySource is the cache of one key set.
type keySource struct {
	pool   string
	urls   []string // none: a static set; a second one is on the updated issuer's host
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	testKeys bool // the keys that cognitotest ships are trusted

	current atomic.Pointer[heldSet]
	// quietUntil is when the next fetch may begin, in nanoseconds after epoch.
	// It is monotonic time: a clock that is set back must not stop fetches, and
	// one that jumps must not allow more. Requests read it without the lock.
	quietUntil atomic.Int64

	mu       sync.Mutex // guards the fields below, and the start of a flight
	flight   *flight
	lastErr  error // of the last fetch; nil: it succeeded, or there was none
	failures int   // in a row
	fetches  int
	failed   int
}

// heldSet is a key set of the cache. It is never changed once it is published.
type heldSet struct {
	*keyset.Set

	fetched    time.Time     // by Config.Now, wall time only; zero on a static set
	refreshAge time.Duration // the age at which it is fetched anew
}

// flight is one fetch. When it ends, it closes done, and its waiters read err.
type flight struct {
	done chan struct{}
	err  error
}

var epoch = time.Now()

// errKeyUnknown: the key set is fresh and has no key of that kid.
var errKeyUnknown = errors.New("cognitoauth: key unknown")

// unavailableError: we cannot tell now whether there is a key of that kid.
type unavailableError struct {
	cause error
	retry time.Duration
}

func (e *unavailableError) Error() string { return "cognitoauth: key set unavailable" }

func (e *unavailableError) Unwrap() error { return e.cause }

var errTooOld = fmt.Errorf("the key set is older than %s", hardLimit)

var errWaited = fmt.Errorf("the fetch has taken longer than %s", maxWait)

func newKeySource(pool string, urls []string, client *http.Client, now func() time.Time, log *slog.Logger) *keySource {
	return &keySource{pool: pool, urls: urls, client: client, now: now, log: log}
}

// key returns the key of that kid. If the set does not have it, key waits for a
// fetch that is in flight or may begin, and reports that it has waited. Its
// errors are errKeyUnknown and *unavailableError.
func (s *keySource) key(ctx context.Context, kid string, now time.Time) (_ *keyset.Key, waited bool, _ error) {
	// We read the clock once, since a set can become too old between two
	// readings.
	if k := s.usable(now).find(kid); k != nil {
		return k, false, nil
	}
	if len(s.urls) == 0 {
		return nil, false, errKeyUnknown
	}
	f, k, err := s.join(kid, now)
	if f == nil {
		return k, false, err
	}
	if err := f.wait(ctx); err != nil {
		return nil, true, err
	}
	set := s.fresh(s.now())
	switch k := set.find(kid); {
	case k != nil:
		return k, true, nil
	case f.err != nil:
		return nil, true, s.unavailable(f.err)
	case set == nil:
		return nil, true, s.unavailable(errTooOld)
	}
	return nil, true, errKeyUnknown
}

// find returns the key with that kid, nil if there is none or set is nil.
func (set *heldSet) find(kid string) *keyset.Key {
	if set == nil {
		return nil
	}
	return set.Set.Find(kid)
}

// usable returns the current set, nil if there is none or it is too old. It
// starts the refresh of a set that is due, without waiting for it.
func (s *keySource) usable(now time.Time) *heldSet {
	set := s.current.Load()
	if set == nil || len(s.urls) == 0 {
		return set
	}
	if age := now.Sub(set.fetched); age < 0 || age >= set.refreshAge {
		s.refresh()
	}
	return s.fresh(now)
}

// fresh returns the current set, nil if there is none or it is too old.
func (s *keySource) fresh(now time.Time) *heldSet {
	set := s.current.Load()
	// fetched has no monotonic reading, so we compare wall time: the monotonic
	// clock stands still while a machine is suspended.
	if set == nil || now.Sub(set.fetched) > hardLimit {
		return nil
	}
	return set
}

// refresh starts a fetch, unless one is in flight or a pause is not over.
func (s *keySource) refresh() {
	if s.quietFor() > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
}

// quietFor returns how long no fetch may begin, a very long time during a
// fetch.
func (s *keySource) quietFor() time.Duration {
	until := s.quietUntil.Load()
	if until == 0 {
		return 0
	}
	return time.Duration(until) - time.Since(epoch)
}

// begin returns the flight in progress. If there is none, it starts one, or
// returns nil if none may start yet. The caller holds s.mu.
func (s *keySource) begin() *flight {
	if s.flight == nil && s.quietFor() <= 0 {
		s.flight = &flight{done: make(chan struct{})}
		s.fetches++
		s.quietUntil.Store(math.MaxInt64)
		go s.run(s.flight)
	}
	return s.flight
}

// join returns the flight that a request for kid has to wait for. If there is
// none, it returns the key, if a fetch has brought it meanwhile, or an error.
func (s *keySource) join(kid string, now time.Time) (*flight, *keyset.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.begin(); f != nil {
		return f, nil, nil
	}
	set := s.fresh(now)
	switch k := set.find(kid); {
	case k != nil:
		return nil, k, nil
	case s.lastErr != nil:
		return nil, nil, s.unavailable(s.lastErr)
	case set == nil:
		return nil, nil, s.unavailable(errTooOld)
	}
	return nil, nil, errKeyUnknown
}

// unavailable returns the error for a request that gets no answer now. It says
// how long to wait: until the next fetch may begin, but at least 1 s.
func (s *keySource) unavailable(cause error) error {
	retry := s.quietFor()
	if retry > lastBackoff { // a fetch is in flight
		retry = firstBackoff
	}
	return &unavailableError{cause, max(retry, firstBackoff)}
}

// wait waits for the flight to end, for maxWait at most and while ctx lasts.
func (f *flight) wait(ctx context.Context) error {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return &unavailableError{context.Cause(ctx), firstBackoff}
	case <-timer.C:
		return &unavailableError{errWaited, firstBackoff}
	}
}

// run makes one fetch from beginning to end, on a context of its own. Whatever
// happens in it, even a panic of the client or the logger, it releases the
// waiters.
func (s *keySource) run(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), keyfetch.Timeout)
	defer cancel()
	got := keyfetch.Answer{Err: errors.New("the fetch panicked")}
	var set, before *heldSet
	func() {
		defer func() {
			if p := recover(); p != nil {
				got = keyfetch.Answer{Err: fmt.Errorf("the fetch panicked (%T)", p)}
			}
			before = s.land(f, set, got)
		}()
		got = s.screen(keyfetch.Fetch(ctx, s.client, s.urls))
		if got.Set != nil {
			set = &heldSet{got.Set, s.now().Round(0), got.RefreshAge}
		}
	}()
	defer func() { _ = recover() }() // a panic of the logger must not end the program
	s.report(before, got)
}

// land publishes what a flight brought and releases its waiters. set is nil if
// got has an error. It returns the set that was current before.
func (s *keySource) land(f *flight, set *heldSet, got keyfetch.Answer) (before *heldSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.current.Load()
	pause := fetchFloor
	if s.lastErr = got.Err; got.Err == nil {
		s.failures = 0
		s.publish(set, before)
	} else {
		s.failed++
		pause = backoff(s.failures, got.RetryAfter)
		s.failures++
	}
	f.err = got.Err
	s.flight = nil
	s.quietUntil.Store(int64(time.Since(epoch) + pause))
	close(f.done)
	return before
}

// publish makes set the current one. A key that has not changed keeps its
// pointer, because a remembered token is good only with the very key that
// verified it.
func (s *keySource) publish(set, before *heldSet) {
	if before != nil {
		set.Keep(before.Set)
	}
	s.current.Store(set)
}

// backoff returns the pause after a failure. before counts the failures in a
// row that came before it. If the server asked for a pause, it is that, between
// 1 s and 60 s. Otherwise it is 1 s, doubling up to 60 s. We vary it by 25 % at
// random, so that the servers of a fleet do not fetch at the same time.
func backoff(before int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, firstBackoff), lastBackoff)
	}
	d := min(firstBackoff<<min(before, 10), lastBackoff)
	return min(d*3/4+rand.N(d/2), lastBackoff)
}

// report logs how a flight ended.
func (s *keySource) report(before *heldSet, got keyfetch.Answer) {
	log := s.log.With("pool", s.pool, "url", got.URL)
	if got.Err != nil {
		if before == nil {
			log.Error("cognitoauth: key set fetch failed, there are no keys", "err", got.Err)
			return
		}
		now := s.now()
		level, text := slog.LevelWarn, "cognitoauth: key set fetch failed, the stale set stays"
		if s.fresh(now) == nil {
			level, text = slog.LevelError, "cognitoauth: key set fetch failed, the last one is too old to be used"
		}
		log.Log(context.Background(), level, text, "err", got.Err, "age", now.Sub(before.fetched).Round(time.Second))
		return
	}
	log.Info("cognitoauth: key set fetched", "keys", len(got.Set.Keys), "skipped", got.Set.Skipped)
	for _, key := range got.Set.Rejected {
		log.Warn("cognitoauth: key skipped", "kid", inLog(key.KeyID), "reason", key.Why)
	}
	for kid, k := range got.Set.Keys {
		if before.find(kid) != k {
			log.Info("cognitoauth: key added", "kid", inLog(kid))
		}
	}
	if before != nil {
		for kid, k := range before.Keys {
			if got.Set.Keys[kid] != k {
				log.Warn("cognitoauth: key withdrawn", "kid", inLog(kid))
			}
		}
	}
}

// PoolStatus is the state of one key source. A pool with replica regions has
// several. Pools with the same key-set URLs share one.
type PoolStatus struct {
	// PoolID is the ID of the first Pool that uses the source.
	PoolID string
	// URL is where we look for the keys first, "" for a static key set.
	URL string
	// KeyIDs are the kids of the usable keys, sorted; none if the set is too old.
	KeyIDs []string
	// Skipped is how many keys of the set we cannot use (not RSA, for another
	// use or algorithm, too weak, ambiguous).
	Skipped int
	// Fetched is when the set was fetched, by Config.Now, and Age is how old it
	// is. Both are zero for a static set, and before the first success.
	Fetched time.Time
	Age     time.Duration
	// Err is why the last fetch failed, nil if it did not.
	Err error
	// Fetches and Failures count since New.
	Fetches, Failures int
}

func (s *keySource) status() PoolStatus {
	set := s.current.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PoolStatus{PoolID: s.pool, Err: s.lastErr, Fetches: s.fetches, Failures: s.failed}
	if len(s.urls) > 0 {
		st.URL = s.urls[0]
	}
	if set == nil {
		return st
	}
	st.Skipped = set.Skipped
	if len(s.urls) > 0 {
		st.Fetched, st.Age = set.fetched, s.now().Sub(set.fetched)
	}
	if st.Age <= hardLimit {
		st.KeyIDs = slices.Sorted(maps.Keys(set.Keys))
	}
	return st
}

// start starts the fetch of a source without a usable set, if one may begin. It
// returns the flight to wait for, or the error if there is none. It returns
// neither if there is a usable set.
func (s *keySource) start() (*flight, error) {
	now := s.now()
	if s.usable(now) != nil {
		return nil, nil
	}
	f, _, err := s.join("", now)
	if err == errKeyUnknown { // a set has come meanwhile
		return nil, nil
	}
	return f, s.unready(err)
}

// ready waits for a flight that start returned.
func (s *keySource) ready(ctx context.Context, f *flight) error {
	select {
	case <-f.done:
		return s.unready(f.err)
	case <-ctx.Done():
		return s.unready(context.Cause(ctx))
	}
}

func (s *keySource) unready(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: no key set of pool %s: %w", ErrUnavailable, s.pool, cause(err))
}

// cause returns what an unavailableError wraps, and any other error as it is.
func cause(err error) error {
	var u *unavailableError
	if errors.As(err, &u) {
		return u.cause
	}
	return err
}
