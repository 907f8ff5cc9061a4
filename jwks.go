package cognitoauth

// This file holds the key cache: when keys are fetched, who waits for them, and
// how old they may be. How one fetch works is in internal/keyfetch, what a key
// set is, in internal/keyset, and what a program sees of its key sets, in
// status.go.
//
// Each key source has one immutable key set behind an atomic pointer, and at
// most one fetch in flight. Take a token whose kid is not in the set. Right
// after a rotation all tokens are like that. Its request starts a fetch, and
// every other request that needs the same fetch waits for it too. The fetch
// runs on a context of its own, so a client that hangs up cannot stop it. When
// the fetch ends, it publishes the new set, and all requests look again. After
// each fetch there is a pause, in which no other fetch begins and a request
// with an unknown kid is refused at once. So an attacker with random kids
// causes at most one fetch per pause, and cannot make the pause longer than
// fetchFloor while we have keys.
//
// We do not use the HTTP storage of jwkset. It forgets every key when the
// endpoint answers 200 {}, turns away all but one of the requests that meet at
// a rotation, lets a request wait for a minute, follows redirects, and reads
// bodies of any size.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
)

const (
	hardLimit    = 24 * time.Hour   // we do not use a set that is older
	suspectAge   = 5 * time.Minute  // from then on a bad signature asks for a refresh
	maxWait      = 3 * time.Second  // how long a request waits for a fetch
	fetchFloor   = 10 * time.Second // the pause between a success and the next fetch
	refreshFloor = time.Second      // the same, where the program asks for the fetch
	firstBackoff = time.Second      // the pause after a failure; it doubles with each
	lastBackoff  = time.Minute      // the longest pause after a failure

	// maxWaiting is how many requests wait for one fetch. Anybody can send
	// unknown kids, and while the key endpoint hangs, each such request costs
	// its goroutine and the buffers of its connection for maxWait: with net/http
	// and a short token about 30 kB (measured), so 30 MB in all. Right after a
	// rotation good requests have to wait too, so the number must not be small.
	maxWaiting = 1024
)

// keySource is the cache of one key set.
type keySource struct {
	same    sharing
	urls    []string // none: a static set; a second one is on the updated issuer's host
	machine bool     // upkeep.now is time.Now, whose readings are monotonic ones too
	gate    gate     // of the Middleware; nobody waits here for a token

	by atomic.Pointer[upkeep] // set by New, and again by each Reload

	current atomic.Pointer[heldSet]
	// quietUntil is when the next fetch may begin, in nanoseconds after epoch.
	// It is monotonic time: a clock that is set back must not stop fetches, and
	// one that jumps must not allow more. Requests read it without the lock.
	quietUntil atomic.Int64
	// staleUntil is when a set that is due may be fetched anew after a failure. It
	// is never before quietUntil: unknown kids need a fetch more urgently.
	staleUntil atomic.Int64
	waiting    atomic.Int32 // requests that wait for a flight

	mu       sync.Mutex // guards the fields below, and the start of a flight
	flight   *flight    // in progress; nil: none
	last     *flight    // the last one that ended; nil: none
	failures int        // in a row
	fetches  int
	failed   int
}

func (s *keySource) now() time.Time { return s.by.Load().now() }

// heldSet is a key set of the cache. It is never changed once it is published.
type heldSet struct {
	*keyset.Set

	fetched    time.Time     // by Config.Now, wall time only; zero on a static set
	landed     time.Time     // by the machine, with its monotonic reading
	refreshAge time.Duration // the age at which it is fetched anew
}

// flight is one fetch. When it ends, it closes done, and its waiters read err.
type flight struct {
	number int // counts from 1
	done   chan struct{}
	gated  bool          // it has a place in keySource.gate
	delay  time.Duration // before it asks
	err    error
	ended  time.Time // by the machine
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

// endedError: the request ended while it waited for a fetch. That says nothing
// about the keys.
type endedError struct{ cause error }

func (e *endedError) Error() string { return "cognitoauth: request ended" }

var errTooOld = fmt.Errorf("the key set is older than %s", hardLimit)

var errWaited = fmt.Errorf("the fetch has taken longer than %s", maxWait)

var errCrowded = fmt.Errorf("%d requests wait for the fetch already", maxWaiting)

// key returns the key of that kid. If the set does not have it, key waits for a
// fetch that is in flight or may begin, and reports that it has waited. Its
// errors are errKeyUnknown, *unavailableError and *endedError.
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
	if err := s.wait(ctx, f); err != nil {
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

// replacement returns the key that has taken the place of k, nil if none has. We
// ask for it when a signature is bad: an emulator that restarts may have another
// key under the same kid. If the set is old enough for that, replacement waits for
// a fetch that is in flight or may begin, as an unknown kid does. So an attacker
// with bad signatures gets no more fetches, and holds no more requests, than with
// random kids.
func (s *keySource) replacement(ctx context.Context, kid string, k *keyset.Key, now time.Time) *keyset.Key {
	if len(s.urls) == 0 {
		return nil
	}
	set := s.current.Load()
	if set.find(kid) == k {
		if _, age := s.age(set, now); age < suspectAge {
			return nil
		}
		s.mu.Lock()
		f := s.begin()
		s.mu.Unlock()
		if f == nil {
			return nil
		}
		_ = s.wait(ctx, f) // however that ends, the set tells
	}
	// mutant: equivalent, the same key would refuse the signature once more
	if other := s.fresh(s.now()).find(kid); other != k {
		return other
	}
	return nil
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
	wall, age := s.age(set, now)
	if wall >= 0 && age < set.refreshAge {
		return set
	}
	s.refresh()
	return s.fresh(now)
}

// fresh returns the current set, nil if there is none or it is too old.
func (s *keySource) fresh(now time.Time) *heldSet {
	set := s.current.Load()
	if set == nil {
		return nil
	}
	if _, age := s.age(set, now); age > hardLimit {
		return nil
	}
	return set
}

// age returns how old set is by wall time, and by the clock that says more, wall
// or monotonic. The monotonic clock stands still while a machine is suspended, and
// wall time goes back when the clock is set back: with either alone, a withdrawn
// key could be used for longer than hardLimit.
func (s *keySource) age(set *heldSet, now time.Time) (wall, most time.Duration) {
	wall = now.Sub(set.fetched) // fetched has no monotonic reading
	if s.machine {
		return wall, max(wall, now.Sub(set.landed)) // both have one
	}
	return wall, max(wall, time.Since(set.landed))
}

// refresh starts a fetch, unless one is in flight, a pause is not over or the gate
// is full. Nobody waits for it, and the next request tries again: so the sets of
// many pools that are due at one moment are fetched a few at a time.
func (s *keySource) refresh() {
	if s.quietFor() > 0 || time.Duration(s.staleUntil.Load()) > time.Since(epoch) || !s.gate.try() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mayBegin() {
		s.launch(flight{gated: true})
	} else {
		s.gate.leave()
	}
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
	if s.mayBegin() {
		s.launch(flight{})
	}
	return s.flight
}

// mayBegin reports whether a flight may start: there is none, and no pause. The
// caller holds s.mu.
func (s *keySource) mayBegin() bool { return s.flight == nil && s.quietFor() <= 0 }

// launch starts f. There is no flight in progress, and the caller holds s.mu.
func (s *keySource) launch(f flight) {
	s.fetches++
	f.number, f.done = s.fetches, make(chan struct{})
	s.flight = &f
	s.quietUntil.Store(math.MaxInt64)
	go s.run(s.flight)
}

// join returns the flight that a request for kid has to wait for. If there is
// none, it returns the key, if a fetch has brought it meanwhile, or an error.
func (s *keySource) join(kid string, now time.Time) (*flight, *keyset.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.begin(); f != nil {
		return f, nil, nil
	}
	k, err := s.landed(kid, now)
	return nil, k, err
}

// landed returns the key, if the last flight has brought it, or an error. There was
// a flight, and the caller holds s.mu.
func (s *keySource) landed(kid string, now time.Time) (*keyset.Key, error) {
	set := s.fresh(now)
	switch k := set.find(kid); {
	case k != nil:
		return k, nil
	case s.last.err != nil:
		return nil, s.unavailable(s.last.err)
	case set == nil:
		return nil, s.unavailable(errTooOld)
	}
	return nil, errKeyUnknown
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

// wait waits for the flight to end, for maxWait at most and while ctx lasts. It
// does not wait if maxWaiting requests do already.
func (s *keySource) wait(ctx context.Context, f *flight) error {
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		select {
		case <-f.done: // the others are about to leave
			return nil
		default:
			return &unavailableError{errCrowded, firstBackoff}
		}
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return &endedError{context.Cause(ctx)}
	case <-timer.C:
		return &unavailableError{errWaited, firstBackoff}
	}
}

// run makes one fetch from beginning to end, on a context of its own. Whatever
// happens in it, even a panic of the client or the logger, it releases the
// waiters.
func (s *keySource) run(f *flight) {
	time.Sleep(f.delay)
	by := s.by.Load()
	got := keyfetch.Answer{Err: errors.New("the fetch panicked")}
	var set, before *heldSet
	func() {
		defer func() {
			if p := recover(); p != nil {
				got = keyfetch.Answer{Err: fmt.Errorf("the fetch panicked (%T)", p)}
			}
			before = s.land(f, set, got)
		}()
		got = s.screen(keyfetch.Fetch(by.client, s.urls, by.timeout))
		got.Err = s.withHint(got.Err)
		got.Err = withReasons(got.Err)
		if got.Set != nil {
			set = &heldSet{Set: got.Set, fetched: by.now().Round(0), landed: time.Now(), refreshAge: got.RefreshAge}
		}
	}()
	defer func() { _ = recover() }() // a panic of the logger must not end the program
	s.report(by, before, got)
}

// land publishes what a flight brought and releases its waiters. set is nil if
// got has an error. It returns the set that was current before.
//
// After a failure, unknown kids are what asks for fetches while we hold a set that
// is not too old, and anybody can send them. So the pause is at most that after a
// success: nobody can keep a new key out for longer once the endpoint is back. A
// set that is merely due waits for the longer pause, to spare the endpoint.
func (s *keySource) land(f *flight, set *heldSet, got keyfetch.Answer) (before *heldSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.current.Load()
	pause, stale := fetchFloor, fetchFloor
	if got.Err == nil {
		s.failures = 0
		s.publish(set, before)
	} else {
		s.failed++
		stale = s.backoff(got.RetryAfter)
		pause = stale
		if got.RetryAfter == 0 && before != nil && time.Since(before.landed) <= hardLimit { // not by Config.Now, which may panic
			pause = min(stale, fetchFloor)
		}
		s.failures++
	}
	f.err, f.ended = got.Err, time.Now()
	s.flight, s.last = nil, f
	ended := time.Since(epoch)
	s.quietUntil.Store(int64(ended + pause))
	s.staleUntil.Store(int64(ended + stale))
	if f.gated {
		s.gate.leave()
	}
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

// backoff returns the pause after a failure; s.failures came before it in a row.
// If the server asked for a pause, it is that, between 1 s and 60 s. Otherwise it
// is 1 s, doubling up to 60 s. We vary it by 25 % at random, so that the servers
// of a fleet do not fetch at the same time.
func (s *keySource) backoff(asked time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, firstBackoff), lastBackoff)
	}
	d := min(firstBackoff<<min(s.failures, 10), lastBackoff)
	return min(d*3/4+rand.N(d/2), lastBackoff)
}
