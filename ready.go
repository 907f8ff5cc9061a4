package cognitoauth

// This file holds what concerns the key sets of all pools at once: Ready, Refresh,
// the gate that lets a few fetches through at a time, and the error about many
// pools. When the keys of one pool are fetched is in jwks.go.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchesAtOnce = 16
	// maxDelay is how long a fetch is put off at most if it is not among the first
	// fetchesAtOnce of a call. The delay is random: instances that start at one
	// moment with the same pools would else knock in step.
	maxDelay = 50 * time.Millisecond
	// shownErrors is how many errors the text about many key sets has.
	shownErrors = 10
)

// Ready reports whether every pool has usable keys. If so, it returns nil at
// once. Otherwise it starts a fetch for each key source without usable keys,
// unless the pause after an earlier fetch forbids that, and waits for the
// fetches in flight until ctx ends; each takes Config.KeyTimeout at most. Call it
// before serving, or from a readiness probe.
//
// Ready, Refresh and the refreshes of keys that are due have at most 16 fetches
// in flight together. Ready begins with a pool at random, and puts off each fetch
// beyond the first 16 by up to 50 ms, so that a fleet does not fetch in step. So
// 10,000 pools take about a minute if a fetch takes 70 ms. A request whose pool
// has no keys does not wait for that: it starts the fetch for itself.
//
// The error has an [ErrUnavailable] for each source that still has no keys, also
// for those whose turn did not come before ctx ended. Its text has the first 10,
// in the order of Config.Pools, and the number of the others. Unwrap() []error
// returns all. [Middleware.ReadyPools] asks for some pools alone.
func (m *Middleware) Ready(ctx context.Context) error {
	s := m.state()
	if s == nil {
		return refuse(&notWired, evidence{})
	}
	return ready(ctx, s.sources)
}

// ReadyPools is [Middleware.Ready] for the pools with these IDs alone: those that
// the program cannot serve without. With many pools, a probe that asks for all of
// them takes the program out of service because one tenant's key endpoint is down.
// Every key source of each of these pools must have usable keys.
//
// An ID that is in no Pool of the configuration of now is an [ErrMisconfigured], as
// is no ID at all, and then nothing is fetched: after a [Middleware.Reload] that
// has removed such a pool, the probe fails and says so.
func (m *Middleware) ReadyPools(ctx context.Context, ids ...string) error {
	s := m.state()
	if s == nil {
		return refuse(&notWired, evidence{})
	}
	sources, err := s.sourcesOf(ids)
	if err != nil {
		return err
	}
	return ready(ctx, sources)
}

// sourcesOf returns the key sources of the pools with these IDs, in the order of the
// configuration.
func (s *state) sourcesOf(ids []string) (all []*keySource, _ error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: ReadyPools has got no ID: name the pools that the program cannot serve without, or call Ready for all", ErrMisconfigured)
	}
	known, wanted := map[string]bool{}, map[*keySource]bool{}
	for _, id := range ids {
		known[id] = false
	}
	for _, t := range s.places {
		if t == nil {
			continue
		}
		if _, ok := known[t.id]; ok {
			known[t.id], wanted[t.source] = true, true
		}
	}
	var unknown []error
	for _, id := range ids {
		if !known[id] {
			unknown = append(unknown, fmt.Errorf("%w: ReadyPools: no entry of Config.Pools has the ID %s", ErrMisconfigured, quote(id)))
		}
	}
	for _, source := range s.sources {
		if wanted[source] {
			all = append(all, source)
		}
	}
	return all, errors.Join(unknown...)
}

// ready waits until all of these sources have a usable set.
func ready(ctx context.Context, sources []*keySource) error {
	// We start all fetches before we wait for the first. start calls
	// Config.Now, so it runs on the goroutine of Ready's caller, who can
	// recover its panic.
	flights, down := make([]*flight, len(sources)), make([]error, len(sources))
	first, begun := rand.N(len(sources)), 0
	for n := range sources {
		i := (first + n) % len(sources)
		if flights[i], down[i] = sources[i].start(ctx, delay(begun)); flights[i] != nil {
			begun++
		}
	}
	for i, s := range sources {
		if flights[i] != nil {
			down[i] = s.ready(ctx, flights[i])
		}
	}
	return unavailable(down)
}

// Refresh fetches all key sets now, and waits until they have come or ctx ends.
// Call it after a key was withdrawn from a pool, or when an emulator has other
// keys after a restart: when Refresh returns nil, only keys that the sets had
// after the call are used, and no token that another key has verified is
// remembered. Otherwise that takes until the next refresh, 66 minutes at most.
//
// Its error has an [ErrUnavailable] for each source whose fetch failed, as that of
// Ready; the set from before stays in use there. Refresh leaves out static key
// sets, and ignores the pause that follows other fetches, also one that the
// endpoint asks for. It fetches 16 sets at a time, as Ready does, and one set once
// a second at most, however many callers there are; more calls wait and share a
// fetch. It is for operators: do not let a request of somebody else call it.
func (m *Middleware) Refresh(ctx context.Context) error {
	now := m.state()
	if now == nil {
		return refuse(&notWired, evidence{})
	}
	sources := now.sources
	failed, before := make([]error, len(sources)), make([]int, len(sources))
	for i, s := range sources {
		before[i] = s.count()
	}
	first := rand.N(len(sources))
	var begun atomic.Int64
	var all sync.WaitGroup
	for range min(fetchesAtOnce, len(sources)) {
		all.Go(func() {
			for n := int(begun.Add(1)) - 1; n < len(sources); n = int(begun.Add(1)) - 1 {
				i := (first + n) % len(sources)
				if s := sources[i]; len(s.urls) > 0 {
					failed[i] = s.renew(ctx, before[i], delay(n))
				}
			}
		})
	}
	all.Wait()
	return unavailable(failed)
}

// gate has a place for each fetch that may be in flight, of all pools together. A
// request with a token does not pass it: an attacker could fill it, and it is
// better to ask 10,000 endpoints than to keep users waiting.
type gate chan struct{}

// try takes a place if one is free.
func (g gate) try() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

// enter waits for a place and takes it.
func (g gate) enter(ctx context.Context) error {
	if g.try() {
		return nil
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the fetch had not begun: %w", context.Cause(ctx))
	}
}

func (g gate) leave() { <-g }

// delay is how long the fetch that follows on n others is put off.
func delay(n int) time.Duration {
	if n < fetchesAtOnce {
		return 0
	}
	return rand.N(maxDelay)
}

// start starts the fetch of a source without a usable set, if one may begin, to ask
// after delay. It returns the flight to wait for, or the error if there is none. It
// returns neither if there is a usable set.
func (s *keySource) start(ctx context.Context, delay time.Duration) (*flight, error) {
	for {
		now := s.now()
		if s.usable(now) != nil {
			return nil, nil
		}
		if f, done, err := s.started(now); done {
			return f, err
		}
		if err := s.gate.enter(ctx); err != nil {
			return nil, s.unready(err)
		}
		s.mu.Lock()
		if s.mayBegin() {
			s.launch(flight{gated: true, delay: delay})
			f := s.flight
			s.mu.Unlock()
			return f, nil
		}
		s.mu.Unlock()
		s.gate.leave() // somebody else has started it meanwhile
	}
}

// started returns what start returns if no fetch may begin. Else it is not done.
func (s *keySource) started(now time.Time) (_ *flight, done bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mayBegin():
		return nil, false, nil
	case s.flight != nil:
		return s.flight, true, nil
	}
	_, err := s.landed("", now)
	if err == errKeyUnknown { // a set has come meanwhile
		return nil, true, nil
	}
	return nil, true, s.unready(err)
}

// ready waits for a flight that start returned.
func (s *keySource) ready(ctx context.Context, f *flight) error {
	select {
	case <-f.done: // even if ctx has ended since
		return s.unready(f.err)
	default:
	}
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
	return fmt.Errorf("%w: no key set of pool %s: %w", ErrUnavailable, s.by.Load().pool, cause(err))
}

// cause returns what an unavailableError wraps, and any other error as it is.
func cause(err error) error {
	var u *unavailableError
	if errors.As(err, &u) {
		return u.cause
	}
	return err
}

// count is how many flights have begun.
func (s *keySource) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// renew fetches the set anew after delay, whatever the pause is, and waits until ctx
// ends. The first flights, as many as before says, do not count, even one that is
// still in progress: it may have read the set before the caller changed it.
func (s *keySource) renew(ctx context.Context, before int, delay time.Duration) error {
	for {
		f, pause, err := s.force(ctx, before, delay)
		switch {
		case err != nil:
			return s.unrenewed(err)
		case f == nil:
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
				return s.unrenewed(context.Cause(ctx))
			}
		}
		select {
		case <-f.done:
			if f.number > before {
				return s.unrenewed(f.err)
			}
		case <-ctx.Done():
			return s.unrenewed(context.Cause(ctx))
		}
	}
}

// force returns what following does, and starts a flight if that is neither.
func (s *keySource) force(ctx context.Context, n int, delay time.Duration) (f *flight, pause time.Duration, _ error) {
	if err := s.gate.enter(ctx); err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, pause = s.following(n); f != nil || pause > 0 {
		s.gate.leave()
		return f, pause, nil
	}
	s.launch(flight{gated: true, delay: delay})
	return s.flight, 0, nil
}

// following returns the flight in progress, else the last one if it began after
// the first n. It returns none if the last one ended less than refreshFloor ago,
// and what is left of that, and neither if a flight may start. The caller holds
// s.mu.
func (s *keySource) following(n int) (_ *flight, pause time.Duration) {
	switch last := s.last; {
	case s.flight != nil:
		return s.flight, 0
	case last != nil && last.number > n:
		return last, 0
	case last != nil:
		return nil, refreshFloor - time.Since(last.ended)
	}
	return nil, 0
}

func (s *keySource) unrenewed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: the key set of pool %s is not refreshed: %w", ErrUnavailable, s.by.Load().pool, err)
}

// unavailableSets is an error about one or more key sets. errors.Join would print
// a line for each, 10,000 of them in an outage of the network.
type unavailableSets struct{ all []error }

// unavailable returns an error about those of all that are not nil, nil if all are.
func unavailable(all []error) error {
	down := slices.DeleteFunc(all, func(err error) bool { return err == nil })
	if len(down) == 0 {
		return nil
	}
	return &unavailableSets{down}
}

func (u *unavailableSets) Error() string {
	var b strings.Builder
	for i, err := range u.all[:min(len(u.all), shownErrors)] {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(err.Error())
	}
	if more := len(u.all) - shownErrors; more > 0 {
		fmt.Fprintf(&b, "\ncognitoauth: and %d more key sets; Status tells of each", more)
	}
	return b.String()
}

func (u *unavailableSets) Unwrap() []error { return u.all }
