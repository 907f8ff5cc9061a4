package revocation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// trust is the error of Revoked for a token that no entry refuses.
func trust(l *revocation.List) error {
	_, err := l.Revoked(context.Background(), claims())
	return err
}

func TestRun_beforeTheFirstSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore), down: true}
		l := newList(t, store, func(c *revocation.Config) { c.DangerouslyGoOnFor = 1000 * time.Hour })
		if err := trust(l); !errors.Is(err, revocation.ErrNotLoaded) {
			t.Errorf("before Run: %v", err)
		}
		run(t, l)
		time.Sleep(time.Hour)
		if err := trust(l); !errors.Is(err, revocation.ErrNotLoaded) {
			t.Errorf("the store was never there: %v", err)
		}
		if s := l.Status(); s.Failures == 0 || !errors.Is(s.LastError, errDown) || s.Trusted {
			t.Errorf("status %+v", s)
		}
		store.set(func(f *faulty) { f.down = false })
		time.Sleep(3 * time.Second)
		if err := trust(l); err != nil {
			t.Errorf("the store is there: %v", err)
		}
	})
}

// A quiet store is no stale one: heartbeats come for days.
func TestRun_quietForDays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &counting{Store: new(revocation.MemoryStore)}
		const instances = 20
		var lists []*revocation.List
		for range instances {
			l := newList(t, store)
			run(t, l)
			lists = append(lists, l)
		}
		time.Sleep(time.Minute)
		store.appends.Store(0)
		for range 2000 {
			time.Sleep(1700 * time.Millisecond)
			for _, l := range lists {
				if err := trust(l); err != nil {
					t.Fatal(err)
				}
				if n := l.Status().Failures; n != 0 {
					t.Fatalf("%d failures", n)
				}
			}
		}
		// One in 3 s would be 1133, for all instances together; each alone writes 755 or so.
		if n := store.appends.Load(); n < 500 || n > 1300 {
			t.Errorf("%d heartbeats of %d instances in 3400 s, want about one in 3 s together", n, instances)
		}
	})
}

func TestRun_staleness(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault func(*faulty)
	}{
		{"the store fails", func(f *faulty) { f.down = true }},
		// Reads find nothing and writes succeed, as on a primary that is cut off.
		{"the store is cut off", func(f *faulty) { f.deaf = true }},
	} {
		for _, goOn := range []time.Duration{0, time.Minute} {
			t.Run(fmt.Sprintf("%s, go on for %s", tt.name, goOn), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					store := &faulty{in: new(revocation.MemoryStore)}
					l := newList(t, store, func(c *revocation.Config) { c.DangerouslyGoOnFor = goOn })
					run(t, l)
					known := revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: "known"}
					if err := l.Revoke(t.Context(), known); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					store.set(tt.fault)
					time.Sleep(20 * time.Second)
					if err := trust(l); err != nil {
						t.Errorf("after 20 s: %v", err)
					}
					time.Sleep(11 * time.Second)
					if err := trust(l); (err == nil) != (goOn > 0) {
						t.Errorf("after 31 s: %v", err)
					}
					if went := l.Status().WentOn; (went > 0) != (goOn > 0) {
						t.Errorf("%d answers went on", went)
					}
					time.Sleep(time.Minute)
					if err := trust(l); !errors.Is(err, revocation.ErrStale) {
						t.Errorf("after 91 s: %v", err)
					}
					// What is revoked is refused as such all the same.
					token := claims()
					token.ID = "known"
					if got, err := l.Revoked(t.Context(), token); !got || err != nil {
						t.Errorf("a revoked token: %t, %v", got, err)
					}
					store.set(func(f *faulty) { f.down, f.deaf = false, false })
					time.Sleep(10 * time.Second)
					if err := trust(l); err != nil {
						t.Errorf("the store is back: %v", err)
					}
				})
			})
		}
	}
}

// What the store did not take is in force here at once, and there when it is back.
func TestRevoke_whileTheStoreIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := new(revocation.MemoryStore)
		store := &faulty{in: memory}
		here, there := newList(t, store), newList(t, memory)
		run(t, here)
		run(t, there)
		time.Sleep(time.Hour)
		store.set(func(f *faulty) { f.down = true })
		err := here.Revoke(t.Context(), revocation.Entry{Kind: revocation.SignIn, PoolID: pool, ID: "origin-1"})
		if !errors.Is(err, errDown) {
			t.Errorf("Revoke: %v", err)
		}
		if !revoked(t, here, claims()) {
			t.Error("not in force where it was revoked")
		}
		time.Sleep(10 * time.Second)
		if revoked(t, there, claims()) {
			t.Error("how did it get there?")
		}
		store.set(func(f *faulty) { f.down = false })
		time.Sleep(10 * time.Second)
		if !revoked(t, there, claims()) {
			t.Error("it did not get there when the store was back")
		}
		time.Sleep(time.Minute)
		if s := here.Status(); s.Unwritten != 0 || s.Healed != 1 {
			t.Errorf("%d entries unwritten, %d healed, want 0 and 1", s.Unwritten, s.Healed)
		}
	})
}

// What fails only while it is written is not written again at once: it may be on its
// way.
func TestRevoke_healsAfterATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore)}
		l := newList(t, store)
		run(t, l)
		time.Sleep(time.Minute)
		store.set(func(f *faulty) { f.full = true })
		if err := l.Revoke(t.Context(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: "x"}); !errors.Is(err, errDown) {
			t.Errorf("Revoke: %v", err)
		}
		store.set(func(f *faulty) { f.full = false })
		time.Sleep(2500 * time.Millisecond)
		if n := l.Status().Healed; n != 0 {
			t.Errorf("after 2.5 s %d entries were written again", n)
		}
		time.Sleep(7 * time.Second)
		if n := l.Status().Healed; n != 1 {
			t.Errorf("after 10 s %d entries were written again, want 1", n)
		}
	})
}

// A store that takes nothing for long, or loses what it takes, gets it when it is well.
func TestRevoke_storeUnwellForLong(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  func(*faulty)
		within time.Duration
	}{
		"it is full":               {func(f *faulty) { f.full = true }, 10 * time.Second},
		"it loses what it reports": {func(f *faulty) { f.deaf = true }, 11 * time.Minute}, // we do not fill it quickly
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				memory := new(revocation.MemoryStore)
				store := &faulty{in: memory}
				here, there := newList(t, store), newList(t, memory)
				run(t, here)
				run(t, there)
				time.Sleep(time.Minute)
				store.set(tt.fault)
				_ = here.Revoke(t.Context(), revocation.Entry{Kind: revocation.SignIn, PoolID: pool, ID: "origin-1"})
				time.Sleep(20 * time.Minute)
				store.set(func(f *faulty) { f.full, f.deaf = false, false })
				time.Sleep(tt.within)
				if !revoked(t, there, claims()) {
					t.Error("it did not get there")
				}
			})
		})
	}
}

// An instance that revokes all the time still writes what the store did not take.
func TestRevoke_healsWhileBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := new(revocation.MemoryStore)
		store := &faulty{in: memory}
		here, there := newList(t, store), newList(t, memory)
		run(t, here)
		run(t, there)
		time.Sleep(time.Minute)
		store.set(func(f *faulty) { f.full = true })
		_ = here.Revoke(t.Context(), revocation.Entry{Kind: revocation.SignIn, PoolID: pool, ID: "origin-1"})
		store.set(func(f *faulty) { f.full = false })
		for i := range 300 {
			time.Sleep(100 * time.Millisecond)
			if err := here.Revoke(t.Context(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if !revoked(t, there, claims()) {
			t.Error("after 30 s it did not get there")
		}
	})
}

// A store that lost everything gets it back from the instances, and not a hundred
// times over.
func TestRun_storeBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore)}
		var lists []*revocation.List
		for range 60 {
			l := newList(t, store)
			run(t, l)
			lists = append(lists, l)
		}
		time.Sleep(time.Minute)
		var entries []revocation.Entry
		for i := range 3000 {
			entries = append(entries, revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: fmt.Sprint(i)})
		}
		if err := lists[0].Revoke(t.Context(), entries...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		anew := slow{new(revocation.MemoryStore)} // so that others could begin meanwhile
		store.set(func(f *faulty) { f.in = anew })
		time.Sleep(time.Minute)
		late := newList(t, store)
		run(t, late)
		time.Sleep(time.Second)
		if n := late.Status().Entries[revocation.Token]; n != 3000 {
			t.Errorf("an instance that came later has %d entries, want 3000", n)
		}
		var healed uint64
		for i, l := range lists {
			s := l.Status()
			if s.Gaps == 0 {
				t.Errorf("instance %d saw no gap", i)
			}
			if s.Unwritten != 0 {
				t.Errorf("instance %d holds %d entries unwritten", i, s.Unwritten)
			}
			healed += s.Healed
		}
		t.Logf("%d entries were written again", healed)
		if healed < 3000 || healed > 6*3000 {
			t.Errorf("%d entries were written again, want 3000 or little more", healed)
		}
	})
}

// slow takes a while for each Append.
type slow struct{ *revocation.MemoryStore }

func (s slow) Append(ctx context.Context, records []string) error {
	time.Sleep(50 * time.Millisecond)
	return s.MemoryStore.Append(ctx, records)
}

// A follower that was away while the log was trimmed takes all of it anew.
func TestRun_trimmedWhileAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := new(revocation.MemoryStore)
		store := &faulty{in: memory}
		away, here := newList(t, store), newList(t, memory)
		run(t, away)
		run(t, here)
		time.Sleep(time.Minute)
		store.set(func(f *faulty) { f.down = true })
		long := revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: "jti-1"}
		time.Sleep(time.Minute)
		page, err := memory.Read(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := memory.Trim(t.Context(), page.Cursor, 0); err != nil {
			t.Fatal(err)
		}
		if err := here.Revoke(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		store.set(func(f *faulty) { f.down = false })
		time.Sleep(5 * time.Second)
		if s := away.Status(); s.Gaps != 1 {
			t.Errorf("%d gaps noticed, want 1", s.Gaps)
		}
		if !revoked(t, away, claims()) {
			t.Error("an entry from after the gap is missing")
		}
	})
}

// Bad input: what cannot be understood changes nothing, is counted and logged, and
// may have been a revocation.
func TestRun_unknownRecords(t *testing.T) {
	foreign := func(change func(*revocation.Config)) string {
		other := new(revocation.MemoryStore)
		l := newList(t, other, change)
		if err := l.Revoke(t.Context(), revocation.Entry{Kind: revocation.SignIn, PoolID: pool, ID: "origin-1"}); err != nil {
			t.Fatal(err)
		}
		page, err := other.Read(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return page.Records[0]
	}
	own := foreign(func(*revocation.Config) {})
	if len(own) != 34 || strings.Contains(own, "origin-1") {
		t.Fatalf("a record is %q", own)
	}
	changed := func(i int) string {
		b := []byte(own)
		b[i] ^= 0x40
		return string(b)
	}
	for _, tt := range []struct{ name, record, says string }{
		{"nothing", "", "damaged"},
		{"nonsense", "hello", "damaged"},
		{"a record cut short", own[:33], "damaged"},
		{"a record with a byte too many", own + "x", "damaged"},
		{"another kind", changed(1), "damaged"},
		{"another hash", changed(9), "damaged"},
		{"another end", changed(18), "damaged"},
		{"another bound", changed(23), "damaged"},
		{"another tag", changed(33), "damaged"},
		{"version 0", "\x00" + own[1:], "damaged"},
		{"another secret", foreign(func(c *revocation.Config) { c.Secret = []byte("fedcba9876543210") }), "another Secret or Namespace"},
		{"another namespace", foreign(func(c *revocation.Config) { c.Namespace = "other" }), "another Secret or Namespace"},
		{"a newer version", "\x02" + own[1:] + "more", "version 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var log bytes.Buffer
				store := new(revocation.MemoryStore)
				l := newList(t, store, func(c *revocation.Config) {
					c.Logger, c.MaxLifetime = slog.New(slog.NewTextHandler(&log, nil)), time.Hour
				})
				stop := run(t, l)
				time.Sleep(time.Minute)
				for range 100 {
					if err := store.Append(t.Context(), []string{tt.record}); err != nil {
						t.Fatal(err)
					}
				}
				settle()
				if revoked(t, l, claims()) {
					t.Error("a token is refused by it")
				}
				s := l.Status()
				if s.Unknown != 100 || s.UnknownError == nil || !strings.Contains(s.UnknownError.Error(), tt.says) || len(s.Entries) != 0 {
					t.Errorf("status %+v", s)
				}
				time.Sleep(31 * time.Second)
				if err := trust(l); !errors.Is(err, revocation.ErrStale) {
					t.Errorf("after 31 s: %v, though it may have been a revocation", err)
				}
				// By then, an entry of the usual lifetime has ended.
				time.Sleep(time.Hour + 90*time.Second)
				if err := trust(l); err != nil {
					t.Errorf("after the time of an entry: %v", err)
				}
				stop()
				if n := strings.Count(log.String(), "not understood"); n != 1 {
					t.Errorf("%d log records of 100 bad ones, want 1:\n%s", n, &log)
				}
			})
		})
	}
}

func TestRevoke_full(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := new(revocation.MemoryStore)
		large, small := newList(t, store), newList(t, store, func(c *revocation.Config) { c.MaxEntries = 10 })
		run(t, large)
		run(t, small)
		settle()
		entry := func(i int) revocation.Entry {
			return revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: fmt.Sprint(i)}
		}
		for i := range 10 {
			if err := small.Revoke(t.Context(), entry(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := small.Revoke(t.Context(), entry(10)); !errors.Is(err, revocation.ErrFull) {
			t.Errorf("the eleventh of ten: %v", err)
		}
		time.Sleep(time.Minute)
		if err := trust(small); err != nil {
			t.Errorf("full, and nothing was missed: %v", err)
		}
		if err := large.Revoke(t.Context(), entry(11)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := trust(small); !errors.Is(err, revocation.ErrStale) {
			t.Errorf("an entry did not fit: %v", err)
		}
		if err := large.Revoke(t.Context(), revocation.Entry{Kind: revocation.User, PoolID: pool, ID: "sub-1"}); err != nil {
			t.Fatal(err)
		}
		settle()
		if s := small.Status(); !errors.Is(s.UnknownError, revocation.ErrFull) || s.Unknown != 2 {
			t.Errorf("status %+v", s)
		}
	})
}

// When Run returns, nothing of it is left, and it does not run twice.
func TestRun_returns(t *testing.T) {
	before := runtime.NumGoroutine()
	bubble(t, func(t *testing.T) { // synctest fails if a goroutine of the bubble is left
		store := &closing{Store: new(revocation.MemoryStore)}
		l := newList(t, store)
		stop := run(t, l)
		settle()
		stop()
		if !store.closed {
			t.Error("the store is not closed")
		}
		if err := l.Run(t.Context()); err == nil {
			t.Error("it ran twice")
		}
	})
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, before %d", runtime.NumGoroutine(), before)
		}
	}
}

// The end of Run is no failure of the store.
func TestRun_endIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &endless{MemoryStore: new(revocation.MemoryStore)}
		l := newList(t, store)
		stop := run(t, l)
		time.Sleep(10 * time.Second) // a heartbeat is being written
		stop()
		if s := l.Status(); s.Failures != 0 || s.LastError != nil {
			t.Errorf("status %+v", s)
		}
	})
}

// endless takes records until the context ends.
type endless struct{ *revocation.MemoryStore }

func (endless) Append(ctx context.Context, _ []string) error {
	<-ctx.Done()
	return ctx.Err()
}

// A trim that fails is a failure, and the list goes on.
func TestRun_trimFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newList(t, untrimmed{new(revocation.MemoryStore)}, func(c *revocation.Config) { c.MaxLifetime = time.Hour })
		run(t, l)
		time.Sleep(3 * time.Hour)
		settle()
		if s := l.Status(); s.Failures == 0 || !errors.Is(s.LastError, errDown) || !s.Trusted {
			t.Errorf("status %+v", s)
		}
	})
}

type untrimmed struct{ *revocation.MemoryStore }

func (untrimmed) Trim(context.Context, string, time.Duration) error { return errDown }

type closing struct {
	revocation.Store
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}
