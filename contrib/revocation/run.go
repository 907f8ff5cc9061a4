package revocation

// This file holds the follower: it reads the store from the beginning, then waits
// for what is new, and keeps the store and the tables small.
//
// How stale is a list? A read that found nothing more proves that the list had
// all that the store had when the read was sent. But the store itself may be cut
// off, a primary that nobody else writes to any more. So something must also have
// come from the store lately, and if nobody revokes anything, heartbeats do. The
// older of the two proofs counts.
//
// What if the store loses records? No entry is ever taken back, so instances only
// add: to the list what the store has, and to the store what the list has. A
// follower that meets a gap reads all records again and notes which of its entries
// it met. It appends the others. It waits at random first, so that in a fleet the
// first few do the work and the others see it done.

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	readWait   = time.Second // of one blocking read
	pause      = 50 * time.Millisecond
	longPause  = time.Second
	healAfter  = 3 * time.Second // for what was appended to come back
	healBatch  = 512
	purgeTime  = time.Minute
	mostYields = 20
	// A store that never gives back what it took is not filled quickly.
	longestHeal = 5 * time.Minute
)

// state is what the follower knows, under List.mu.
type state struct {
	proof, heard time.Time // see above: sent times of reads
	loaded       time.Time // the last snapshot
	gaps         uint64
	failures     uint64
	lastError    error
	failing      bool
	unknown      uint64
	unknownError error
	unknownLog   time.Time
	blindSince   time.Time // what could not be understood, or did not fit,
	blindUntil   time.Time // may have been a revocation until then
	healed       uint64
	heal         place     // where healing goes on
	healAt       time.Time // when it begins or goes on; zero: there is no need
	healPause    time.Duration
	yields       int
}

// healBy makes sure that healing begins by then.
func (s *state) healBy(t time.Time) {
	if s.healAt.IsZero() {
		s.heal, s.healAt, s.healPause, s.yields = place{}, t, healAfter, 0
	}
}

// yield puts healing off, since another instance seems to be at it: the store has
// just brought entries that it did not have. Not for ever, as they may be our own.
func (s *state) yield(now time.Time) {
	if s.heal == (place{}) && s.yields < mostYields {
		s.yields++
		s.healAt = later(s.healAt, now.Add(rand.N(longPause)))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Run loads the list and follows the store until ctx ends, whose error it returns.
// It goes on through every failure of the store. When it returns, no goroutine of
// it is left, and it has closed the Store if that has a method Close. A List runs
// once.
func (l *List) Run(ctx context.Context) error {
	if !l.running.CompareAndSwap(false, true) {
		return errors.New("revocation: Run was called before")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.beat(ctx) })
	l.follow(ctx)
	cancel(nil)
	wg.Wait()
	if c, ok := l.store.(io.Closer); ok {
		if err := c.Close(); err != nil {
			l.log.Warn("revocation: store not closed", "err", err)
		}
	}
	return ctx.Err()
}

// follower is the state of the loop alone.
type follower struct {
	*List
	cursor   string
	snapshot bool // reading from the beginning
	wait     time.Duration
	purged   time.Time
	horizon  uint32 // when everything that was read so far has ended
	marks    []mark // oldest first
}

// mark is a place in the log, before which everything ends at a known time.
type mark struct {
	cursor string
	ends   uint32
	at     time.Time
}

func (l *List) follow(ctx context.Context) {
	f := &follower{List: l, purged: l.now()}
	f.restart(false)
	for retry := pause; ctx.Err() == nil; {
		sent := l.now()
		page, err := l.store.Read(ctx, f.cursor, f.wait)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrGap):
			f.restart(true)
		case err != nil:
			l.failed(ctx, err)
			sleep(ctx, retry/2+rand.N(retry))
			retry = min(2*retry, longPause)
		default:
			retry = pause
			f.take(page, sent)
			f.tend(ctx)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// restart reads all again. The list stays, and answers as long as it is fresh.
func (f *follower) restart(gap bool) {
	f.cursor, f.snapshot, f.wait = "", true, 0
	f.horizon, f.marks = 0, nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists.forget()
	if gap {
		f.state.gaps++
		f.log.Warn("revocation: records are gone from the store, reading all of it again", "gaps", f.state.gaps)
	}
}

// take adds a page to the list.
func (f *follower) take(page Page, sent time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.state
	if s.failing {
		s.failing = false
		f.log.Info("revocation: store is back")
	}
	unseen := f.lists.unseen
	for _, text := range page.Records {
		f.learn(text, sent)
	}
	if f.lists.unseen < unseen {
		s.yield(f.now())
	}
	f.cursor = page.Cursor
	if len(page.Records) > 0 {
		s.heard = sent
	}
	f.mark(sent)
	f.wait = 0
	if page.More {
		return
	}
	s.proof = sent
	if f.snapshot {
		f.snapshot = false
		s.loaded, s.heard = sent, sent
		s.healAt = time.Time{}
		s.healBy(sent.Add(rand.N(healAfter)))
		f.log.Info("revocation: list loaded", "entries", f.lists.total())
	}
	f.wait = readWait
	if !s.healAt.IsZero() { // each instance at its own time, and not when a record wakes all of them
		f.wait = min(readWait, max(s.healAt.Sub(f.now()), time.Millisecond))
	}
	f.publish()
}

// learn adds one record. What is not understood may be a revocation, so the list
// counts as stale from now until a usual entry would have ended.
func (f *follower) learn(text string, sent time.Time) {
	r, err := f.keys.decode(text)
	switch {
	case err != nil:
	case r.kind == 0:
		return
	case f.lists.total() >= f.limit && !f.lists.known(r):
		err = ErrFull
	}
	if err != nil {
		f.horizon = max(f.horizon, uint32(sent.Add(f.lifetime).Unix()))
		f.missed(err, sent)
		return
	}
	f.horizon = max(f.horizon, r.until)
	if int64(r.until) > sent.Unix() {
		f.lists.put(r, true)
	}
}

// missed counts a record that the list does not have. The lock is held.
func (l *List) missed(err error, now time.Time) {
	s := &l.state
	s.unknown++
	s.unknownError = err
	if !now.Before(s.blindUntil) {
		s.blindSince = now
	}
	s.blindUntil = now.Add(l.lifetime)
	if now.Sub(s.unknownLog) >= time.Minute {
		s.unknownLog = now
		l.log.Error("revocation: a record was not understood", "err", err, "records", s.unknown)
	}
}

// publish tells the requests how fresh the list is. The lock is held.
func (l *List) publish() {
	s := &l.state
	fresh := s.proof
	if s.heard.Before(fresh) {
		fresh = s.heard
	}
	if s.proof.Before(s.blindUntil) && s.blindSince.Before(fresh) {
		fresh = s.blindSince
	}
	l.fresh.Store(int64(fresh.Sub(l.start)))
}

// failed notes what became of a call of the store. The end of Run is no failure.
func (l *List) failed(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.state
	s.failures++
	s.lastError = err
	if !s.failing {
		s.failing = true
		l.log.Warn("revocation: store failed", "err", err)
	}
}

// mark notes a place that the log can be trimmed to later, at most 256 in the life
// of an entry. Only our clock and the records decide, so that a store whose clock
// jumps loses nothing.
func (f *follower) mark(now time.Time) {
	if n := len(f.marks); n > 0 && now.Sub(f.marks[n-1].at) < f.lifetime/256 {
		return
	}
	f.marks = append(f.marks, mark{f.cursor, f.horizon, now})
}

// tend does what has to be done now and then.
func (f *follower) tend(ctx context.Context) {
	now := f.now()
	if now.Sub(f.purged) >= purgeTime || now.Before(f.purged) {
		f.purged = now
		f.mu.Lock()
		f.lists.purge(now.Unix())
		f.mu.Unlock()
	}
	if !f.snapshot {
		f.healOnce(ctx, now)
		f.trim(ctx, now)
	}
}

// trim drops what has ended from the store.
func (f *follower) trim(ctx context.Context, now time.Time) {
	n := 0
	for n < len(f.marks) && int64(f.marks[n].ends) <= now.Unix() && now.Sub(f.marks[n].at) > f.lifetime {
		n++
	}
	if n == 0 {
		return
	}
	last := f.marks[n-1]
	f.marks = f.marks[n:]
	f.failed(ctx, f.store.Trim(ctx, last.cursor, f.lifetime))
}

// healOnce appends some of the entries that the store does not have, if it is time.
func (f *follower) healOnce(ctx context.Context, now time.Time) {
	f.mu.Lock()
	s := &f.state
	if now.Before(s.healAt) {
		f.mu.Unlock()
		return
	}
	if f.lists.unseen == 0 {
		s.heal, s.healAt = place{}, time.Time{}
		f.mu.Unlock()
		return
	}
	found, next := f.lists.missing(s.heal, healBatch, now.Unix())
	f.mu.Unlock()

	var err error
	if len(found) > 0 {
		err = f.store.Append(ctx, f.encode(found))
		f.failed(ctx, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		s.healAt = now.Add(longPause)
	case next.done(): // look once more later whether all came back
		pause := max(s.healPause, healAfter)
		s.heal, s.healAt = place{}, now.Add(pause+rand.N(pause))
		s.healPause = min(2*pause, longestHeal)
	default:
		s.heal = next
		f.wait = 0 // what others have healed meanwhile comes first
	}
	if err == nil && len(found) > 0 {
		s.healed += uint64(len(found))
		f.log.Info("revocation: entries written that the store did not have", "entries", len(found))
	}
}

func (l *List) encode(records []record) []string {
	texts := make([]string, len(records))
	for i, r := range records {
		texts[i] = l.keys.encode(r)
	}
	return texts
}

// beat writes a heartbeat when nothing has come for a time. The time is random for
// each instance, so that as a rule one of them writes and the others hear it.
func (l *List) beat(ctx context.Context) {
	interval := l.bound / 10
	for ctx.Err() == nil {
		quiet := interval + rand.N(interval)
		l.mu.Lock()
		heard := l.state.heard
		l.mu.Unlock()
		sleep(ctx, min(quiet, quiet-l.now().Sub(heard))) // the clock may be set back
		l.mu.Lock()
		again := !l.state.heard.Equal(heard)
		l.mu.Unlock()
		if again {
			continue
		}
		r := record{key: key{rand.Uint64(), rand.Uint64()}}
		l.failed(ctx, l.store.Append(ctx, []string{l.keys.encode(r)}))
		sleep(ctx, interval/2+rand.N(interval)) // for it to come back
	}
}
