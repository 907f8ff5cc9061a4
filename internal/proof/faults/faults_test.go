// Package faults_test lets the key endpoint fail in every way that was thought
// of, and looks at what clients of the middleware see meanwhile. Each test prints
// what that was.
package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestRotation sends a thousand requests under a new key at once, an attacker
// with a kid of his own before them.
func TestRotation(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"nobody came before: all are accepted by one fetch", func(l *lab.Keys) {
			l.Warm()
			l.Pool.Rotate()
			newKeyCrowd(l, 2, 200*time.Millisecond)
		}},
		{"an attacker's fetch is in flight, he has hung up: all are accepted by it", func(l *lab.Keys) {
			l.Warm()
			l.Pool.SetFault(cognitotest.Fault{Delay: 500 * time.Millisecond})
			hangUp(l, 100*time.Millisecond)
			l.Pool.Rotate()
			newKeyCrowd(l, 2, 400*time.Millisecond)
		}},
		{"an attacker's fetch has ended a floor ago: all are accepted by one fetch", func(l *lab.Keys) {
			l.Warm()
			hangUp(l, 0)
			l.Pool.Rotate()
			time.Sleep(lab.FloorAfterSuccess)
			newKeyCrowd(l, 3, 200*time.Millisecond)
		}},
		{"an attacker's fetch has ended inside the floor: refused at once until it is over", func(l *lab.Keys) {
			l.Warm()
			hangUp(l, 0)
			l.Pool.Rotate()
			time.Sleep(lab.FloorAfterSuccess - time.Nanosecond)
			l.WantCrowd("inside the floor", l.Crowd(1000, l.Token()), map[string]int{lab.UnknownKey: 1000})
			l.WantFetches("inside the floor", 2)
			if l.Slowest != 0 {
				l.Errorf("the slowest refusal took %s, want none to wait", l.Slowest)
			}
			time.Sleep(time.Nanosecond)
			newKeyCrowd(l, 3, 200*time.Millisecond)
		}},
		{"an attacker's fetch brings what was there before the rotation: as inside the floor", func(l *lab.Keys) {
			l.Warm()
			l.Pool.SetFault(cognitotest.Fault{Delay: 500 * time.Millisecond, Body: l.Pool.KeySet()})
			hangUp(l, 100*time.Millisecond)
			l.Pool.Rotate()
			l.WantCrowd("the old set", l.Crowd(1000, l.Token()), map[string]int{lab.UnknownKey: 1000})
			l.WantFetches("the old set", 2)
			time.Sleep(lab.FloorAfterSuccess)
			newKeyCrowd(l, 3, 200*time.Millisecond)
		}},
		{"the key was published before it signed, and a refresh was due: nobody waits", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.LatestRefresh)
			l.Pool.PublishNext()
			l.Want("the request that starts the refresh", l.Token(), lab.Okay)
			synctest.Wait()
			l.Pool.Activate()
			l.WantCrowd("the new key", l.Crowd(1000, l.Token()), map[string]int{lab.Okay: 1000})
			l.WantFetches("all", 2)
			if l.Slowest != 0 {
				l.Errorf("the slowest waited %s, want none to wait", l.Slowest)
			}
		}},
	})
}

// newKeyCrowd demands that a thousand requests under the new key are accepted
// after a wait, by that many fetches in all.
func newKeyCrowd(l *lab.Keys, fetches int, wait time.Duration) {
	l.Helper()
	if l.Status().Fetches < fetches {
		l.Pool.SetFault(cognitotest.Fault{Delay: wait})
	}
	l.Slowest = 0
	l.WantCrowd("the new key", l.Crowd(1000, l.Token()), map[string]int{lab.Okay: 1000})
	l.WantFetches("the new key", fetches)
	if l.Slowest != wait {
		l.Errorf("the slowest waited %s, want %s", l.Slowest, wait)
	}
}

// hangUp sends a token with an unknown kid, and gives up after a while.
func hangUp(l *lab.Keys, after time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	l.SendCtx(ctx, l.Stranger("attacker"))
	synctest.Wait()
}

// TestFlood lets a hundred clients send a thousand random kids each.
func TestFlood(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Delay: 300 * time.Millisecond})
		known := l.Pool.AccessToken().ExpiresIn(2 * time.Hour).String()
		l.Stranger("") // what all of them share
		before, began := heapBytes(), time.Now()
		var waited atomic.Int64
		var all sync.WaitGroup
		for client := range 100 {
			all.Go(func() {
				for i := range 1000 {
					got := l.Send(l.Stranger(fmt.Sprintf("%d-%d", client, i)))
					if got.Verdict != lab.UnknownKey || got.Waited > 300*time.Millisecond {
						t.Errorf("random kid: %v, want %s, 300 ms later at most", got, lab.UnknownKey)
					}
					if got.Waited > 0 {
						waited.Add(1)
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		all.Go(func() {
			for range 500 {
				l.Want("known key", known, lab.Okay)
				time.Sleep(100 * time.Millisecond)
			}
		})
		all.Wait()
		fetches := l.Status().Fetches - 1
		if most := 1 + int(time.Since(began)/lab.FloorAfterSuccess); fetches > most || fetches < 2 {
			t.Errorf("%d fetches in %s, want at most %d and the floor used", fetches, time.Since(began), most)
		}
		// Whoever comes during a fetch waits for it: 100 clients, each fetch.
		if most := int64(100 * fetches); waited.Load() > most {
			t.Errorf("%d refusals were not immediate, want %d at most", waited.Load(), most)
		}
		if grown := heapBytes() - before; grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		if ids := l.Status().KeyIDs; len(ids) != 2 {
			t.Errorf("%d keys are kept, want the pool's 2", len(ids))
		}
	})
}

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestOutage: an endpoint that answers nothing good for hours.
func TestOutage(t *testing.T) {
	lab.RunKeyCases(t, outages)
	lab.RunKeyCases(t, []lab.KeyCase{{"of both of a pool's hosts", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Status: 503})
		for range 60 {
			l.Want("down", l.Token(), lab.Unavailable)
			time.Sleep(time.Second)
		}
		if n, requests := l.Status().Fetches, l.Pool.Fetches(); n > 8 || requests != 2*n {
			l.Errorf("%d fetches, %d requests in a minute; want some, and two requests each", n, requests)
		}
	}}}, lab.TwoHosts)
}

var outages = []lab.KeyCase{
	{"at the start", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Delay: 100 * time.Millisecond, Status: 503})
		l.WantCrowd("cold", l.Crowd(1000, l.Token()), map[string]int{lab.Unavailable: 1000})
		l.WantFetches("cold", 1)
		for range 600 {
			l.Send(l.Token())
			time.Sleep(time.Second)
		}
		if n := l.Status().Fetches; n < 10 || n > 20 {
			l.Errorf("%d fetches in ten minutes, want 6 while the pause doubles and then one a minute", n)
		}
		l.Pool.SetFault()
		time.Sleep(time.Minute)
		l.Want("healed", l.Token(), lab.Okay)
	}},
	{"mid-life", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Abort: true})
		before := l.Status().Fetches
		for range 120 {
			token := l.Token()
			l.Want("known key", token, lab.Okay)
			l.Want("unknown key", l.Stranger("a"), lab.Unavailable)
			time.Sleep(30 * time.Second)
		}
		if n := l.Status().Fetches - before; n != 120 {
			l.Errorf("%d fetches in an hour, want one for each unknown key, 30 s apart: the pause is at most the floor while there are keys", n)
		}
		l.Pool.Rotate()
		l.Pool.SetFault()
		time.Sleep(lab.FloorAfterSuccess)
		l.Want("healed, the new key", l.Token(), lab.Okay)
	}},
	{"past the hard limit", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Abort: true})
		for l.Status().Age < lab.HardLimit {
			l.Want("before", l.Token(), lab.Okay)
			time.Sleep(10 * time.Minute)
		}
		time.Sleep(time.Minute)
		for range 120 {
			l.Want("past it", l.Token(), lab.Unavailable)
			time.Sleep(time.Second)
		}
		l.Pool.SetFault()
		time.Sleep(time.Minute)
		l.Want("healed", l.Token(), lab.Okay)
	}},
	{"of all hosts that hang", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		for range 20 {
			if got := l.Send(l.Token()); got.Verdict != lab.Unavailable || got.Waited > lab.LongestWait {
				l.Errorf("hanging: %v, want %s within %s", got, lab.Unavailable, lab.LongestWait)
			}
			time.Sleep(time.Second)
		}
	}},
}

// TestFlapping: every other answer is good.
func TestFlapping(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{{"every other answer is good", func(l *lab.Keys) {
		l.Warm()
		count := 0
		l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
			if count++; count%2 == 1 {
				return lab.Answer(500, strings.NewReader("sorry")), nil
			}
			return l.Wire.Next.RoundTrip(r)
		})
		verdicts := map[string]int{}
		for range 3600 {
			got := l.Send(l.Stranger("a"))
			verdicts[got.Verdict]++
			if failed := l.Status().Err != nil; failed != (got.Verdict == lab.Unavailable) || got.Verdict != lab.Unavailable && got.Verdict != lab.UnknownKey {
				l.Errorf("unknown key: %s after an attempt that failed: %t", got.Verdict, failed)
			}
			time.Sleep(time.Second)
		}
		l.Want("known key", l.Token(), lab.Okay)
		s := l.Status()
		if s.Fetches < 600 || s.Fetches > 720 || s.Failures != s.Fetches/2 {
			l.Errorf("%d fetches in an hour, %d failed; want two every 10 to 12 s, half of them failed", s.Fetches, s.Failures)
		}
		if verdicts[lab.Unavailable] == 0 || verdicts[lab.UnknownKey] == 0 {
			l.Errorf("an unknown key saw %v, want both", verdicts)
		}
	}}})
}
