package faults_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// strangers sends n tokens of unknown kids at once, and counts those that waited
// and those that were answered at once.
func strangers(l *lab.Keys, n int) (held, atOnce int) {
	l.Helper()
	var all sync.WaitGroup
	var waited, not atomic.Int64
	for i := range n {
		token := l.Stranger(fmt.Sprint("kid ", i))
		all.Go(func() {
			got := l.Send(token)
			switch {
			case got.Verdict != lab.Unavailable || got.Waited > lab.LongestWait:
				l.Errorf("unknown kid: %v, want %s within %s", got, lab.Unavailable, lab.LongestWait)
			case got.Waited > 0:
				waited.Add(1)
			default:
				not.Add(1)
			}
		})
	}
	all.Wait()
	return int(waited.Load()), int(not.Load())
}

// TestCrowdIsBounded: while the endpoint hangs, so many requests wait and no more;
// the others are told at once when to come back, and a known key never waits.
func TestCrowdIsBounded(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		known := l.Pool.AccessToken().ExpiresIn(2 * time.Hour).String()
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		for round := range 3 {
			var beside sync.WaitGroup
			beside.Go(func() {
				for range 20 {
					l.Want("known key", known, lab.Okay)
					time.Sleep(100 * time.Millisecond)
				}
			})
			held, atOnce := strangers(l, 5000)
			beside.Wait()
			if held != lab.MostWaiting || atOnce != 5000-lab.MostWaiting {
				t.Errorf("round %d: of 5,000 unknown kids %d waited and %d did not, want %d and the others", round, held, atOnce, lab.MostWaiting)
			}
			time.Sleep(lab.LongestFetch + time.Minute) // the fetch, and the pause after it
		}
	})
}

// TestCrowdLeavesRoom: those who hang up, and those whose fetch has ended, no
// longer count.
func TestCrowdLeavesRoom(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
		ctx, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range lab.MostWaiting {
			token := l.Stranger("a")
			all.Go(func() { l.SendCtx(ctx, token) })
		}
		synctest.Wait()
		l.Want("one too many", l.Stranger("b"), lab.Unavailable)
		hangUp()
		all.Wait()
		l.WantAfter(2*time.Second, "after they have hung up", l.Stranger("c"), lab.UnknownKey)
		time.Sleep(lab.FloorAfterSuccess)
		l.WantAfter(2*time.Second, "the next fetch", l.Stranger("d"), lab.UnknownKey)
	})
}

// TestRotationUnderFlood floods with random kids, a thousand a second and five
// thousand at the moment of the rotation, and counts what good tokens get: those of
// the old key are accepted at once, always; those of the new key at the latest when
// they come back after the time that Retry-After names.
func TestRotationUnderFlood(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		old := l.Pool.AccessToken().ExpiresIn(2 * time.Hour).String()
		l.Pool.PublishNext()
		l.Pool.Activate()
		fresh := l.Token()
		l.Pool.SetFault(cognitotest.Fault{Delay: 500 * time.Millisecond})
		for i := range lab.MostWaiting - 100 { // the attacker comes first, and leaves little room
			token := l.Stranger(fmt.Sprint("first ", i))
			go l.Send(token)
		}
		synctest.Wait()
		var mu sync.Mutex
		seen := map[string]int{}
		count := func(key string) { mu.Lock(); defer mu.Unlock(); seen[key]++ }
		var all sync.WaitGroup
		for i := range 5000 {
			token := l.Stranger(fmt.Sprint("kid ", i))
			all.Go(func() { l.Send(token) })
			if i%10 != 0 {
				continue
			}
			all.Go(func() {
				if got := l.Send(old); got.Verdict == lab.Okay && got.Waited == 0 {
					count("old key, at once")
				}
			})
			all.Go(func() {
				got := l.Send(fresh)
				if got.Verdict == lab.Unavailable {
					time.Sleep(got.Retry)
					if got = l.Send(fresh); got.Verdict == lab.Okay {
						count("new key, when it came back")
					}
				} else if got.Verdict == lab.Okay {
					count("new key, by the fetch")
				}
			})
		}
		all.Wait()
		t.Log(seen)
		if seen["old key, at once"] != 500 {
			t.Errorf("of 500 tokens of the old key %d were accepted at once", seen["old key, at once"])
		}
		if n := seen["new key, by the fetch"] + seen["new key, when it came back"]; n != 500 || seen["new key, when it came back"] == 0 {
			t.Errorf("tokens of the new key: %v, want 500 that are accepted, some of them the second time", seen)
		}
		l.WantFetches("rotation", 2)
	})
}

// TestBackoffUnderFlood: an endpoint is down for a while, and an attacker sends a
// random kid each second. Once it is back, a new key is taken after the floor; the
// attacker has not made the pause longer.
func TestBackoffUnderFlood(t *testing.T) {
	for _, down := range []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, 2 * time.Hour} {
		t.Run(down.String(), func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t)
				l.Warm()
				l.Pool.SetFault(cognitotest.Fault{Status: 500})
				l.Wire.Asked()
				for i := range int(down / time.Second) {
					if got := l.Send(l.Stranger(fmt.Sprint(i))); got.Verdict != lab.Unavailable || got.Retry > lab.FloorAfterSuccess {
						t.Fatalf("random kid: %v, want %s, to come back within the floor", got, lab.Unavailable)
					}
					time.Sleep(time.Second)
				}
				times, _ := l.Wire.Asked()
				if most := 4 + int(down/(lab.FloorAfterSuccess*3/4)); len(times) > most {
					t.Errorf("%d fetches in %s, want at most %d", len(times), down, most)
				}
				l.Pool.SetFault()
				l.Pool.Rotate()
				time.Sleep(lab.FloorAfterSuccess)
				l.Want("a new key, a floor after the endpoint is back", l.Token(), lab.Okay)
			})
		})
	}
}

// TestBackoffWithoutKeys: where no set is held, or one that is too old, any
// request asks for a fetch, and the pause grows to a minute.
func TestBackoffWithoutKeys(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{{"too old", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		time.Sleep(lab.HardLimit)
		for range 600 {
			l.Send(l.Token())
			time.Sleep(time.Second)
		}
		l.Wire.Asked()
		for range 600 {
			l.Send(l.Token())
			time.Sleep(time.Second)
		}
		if times, _ := l.Wire.Asked(); len(times) < 9 || len(times) > 15 {
			l.Errorf("%d fetches in ten minutes, want one a minute or so", len(times))
		}
	}}})
}

// TestHangUp: a client that goes while a healthy fetch goes on is no failure of
// the keys, in Status, in the log or in its answer.
func TestHangUp(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
		var all sync.WaitGroup
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			all.Go(func() {
				if got := l.SendCtx(ctx, l.Token()); got.Verdict != lab.Ended || got.Waited != time.Second {
					t.Errorf("client that hangs up: %v, want %s", got, lab.Ended)
				}
			})
		}
		all.Wait()
		l.WantAfter(time.Second, "one that stays", l.Token(), lab.Okay)
		synctest.Wait()
		if s := l.Status(); s.Failures != 0 || s.Err != nil || s.Fetches != 1 {
			t.Errorf("Status: %+v, want one fetch without a failure", s)
		}
		if all := strings.Join(l.Logged.Taken(), "\n"); strings.Contains(all, "failed") {
			t.Errorf("logged a failure:\n%s", all)
		}
	})
}
