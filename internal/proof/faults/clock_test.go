package faults_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestClock: ages are wall time by Config.Now, floors are not.
func TestClock(t *testing.T) {
	for _, c := range clockCases {
		t.Run(c.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				clock := &lab.KeyClock{}
				c.run(lab.NewKeys(t, clock.Set), clock)
			})
		})
	}
}

var clockCases = []struct {
	name string
	run  func(*lab.Keys, *lab.KeyClock)
}{
	{"ahead by two hours: refreshed beside the requests", func(l *lab.Keys, c *lab.KeyClock) {
		l.Warm()
		c.Jump(2 * time.Hour)
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.Want("after the jump", clockToken(c, l), lab.Okay)
		time.Sleep(time.Second)
		l.Want("refreshed", clockToken(c, l), lab.Okay)
		l.WantFetches("after the jump", 2)
	}},
	{"ahead beyond the hard limit, inside the floor: 503 until it is over", func(l *lab.Keys, c *lab.KeyClock) {
		l.Want("cold", clockToken(c, l), lab.Okay)
		c.Jump(lab.HardLimit + time.Second)
		got := l.Want("a key of the old set", clockToken(c, l), lab.Unavailable)
		if got.Retry != lab.FloorAfterSuccess {
			l.Errorf("Retry-After is %s, want what is left of the floor, %s", got.Retry, lab.FloorAfterSuccess)
		}
		l.Want("an unknown key", clockStranger(c, l), lab.Unavailable)
		l.WantFetches("inside the floor", 1)
		time.Sleep(lab.FloorAfterSuccess)
		l.Want("after the floor", clockToken(c, l), lab.Okay)
		l.Want("an unknown key", clockStranger(c, l), lab.UnknownKey)
		l.WantFetches("after the floor", 2)
	}},
	{"back by an hour: due, once", func(l *lab.Keys, c *lab.KeyClock) {
		l.Warm()
		c.Jump(-time.Hour)
		l.Want("after the jump", clockToken(c, l), lab.Okay)
		synctest.Wait()
		l.WantFetches("after the jump", 2)
		for range 10 {
			time.Sleep(time.Minute)
			l.Want("later", clockToken(c, l), lab.Okay)
		}
		synctest.Wait()
		l.WantFetches("later", 2)
	}},
	{"back by a year inside the floor: due when it is over", func(l *lab.Keys, c *lab.KeyClock) {
		l.Want("cold", clockToken(c, l), lab.Okay)
		c.Jump(-365 * 24 * time.Hour)
		for range 9 {
			time.Sleep(time.Second)
			l.Want("inside the floor", clockToken(c, l), lab.Okay)
		}
		synctest.Wait()
		l.WantFetches("inside the floor", 1)
		time.Sleep(time.Second)
		l.Want("after the floor", clockToken(c, l), lab.Okay)
		synctest.Wait()
		l.WantFetches("after the floor", 2)
	}},
	{"back and forth with every request: once per floor", func(l *lab.Keys, c *lab.KeyClock) {
		l.Warm()
		began, jump := time.Now(), 30*24*time.Hour
		for range 1000 {
			jump = -jump
			c.Jump(jump)
			l.Send(clockToken(c, l))
			time.Sleep(100 * time.Millisecond)
		}
		if most := 2 + int(time.Since(began)/lab.FloorAfterSuccess); l.Status().Fetches > most {
			l.Errorf("%d fetches in %s, want at most %d", l.Status().Fetches, time.Since(began), most)
		}
	}},
	{"back by a day does not stop fetches that are held up by a failure", func(l *lab.Keys, c *lab.KeyClock) {
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("down", clockToken(c, l), lab.Unavailable)
		c.Jump(-24 * time.Hour)
		l.Pool.SetFault()
		time.Sleep(1250 * time.Millisecond)
		l.Want("healed", clockToken(c, l), lab.Okay)
	}},
	{"ahead during the fetch: the set is as old as it is when it comes", func(l *lab.Keys, c *lab.KeyClock) {
		l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
		time.AfterFunc(time.Second, func() { c.Jump(time.Minute) })
		l.WantAfter(2*time.Second, "cold", clockToken(c, l), lab.Okay)
		if age := l.Status().Age; age != 0 {
			l.Errorf("the set is %s old, want 0", age)
		}
	}},
}

// clockToken is a fresh token by the clock.
func clockToken(c *lab.KeyClock, l *lab.Keys) string { return freshAt(c, l).String() }

func clockStranger(c *lab.KeyClock, l *lab.Keys) string {
	return freshAt(c, l).SetHeader("kid", "stranger").String()
}

func freshAt(c *lab.KeyClock, l *lab.Keys) *cognitotest.Token {
	return l.Pool.AccessToken().Set("iat", c.Now()).Set("exp", c.Now().Add(time.Hour))
}

// TestClockJumpsAsSetArrives: what is too old by the time that it is looked at
// is not there; it does not make its keys unknown.
func TestClockJumpsAsSetArrives(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var calls atomic.Int64
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if n := calls.Load(); n > 0 && calls.Add(1) > 2 {
					return time.Now().Add(2 * lab.HardLimit)
				}
				return time.Now()
			}
		})
		l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			calls.Store(1) // the next one stamps the set
			return l.Wire.Next.RoundTrip(r)
		})
		l.WantAfter(time.Second, "the clock jumps as the set arrives", l.Token(), lab.Unavailable)
	})
}

// TestClockFlickers lets each of the next eight looks at the clock be right or
// two days ahead, in every combination: a known key may be out of date, but
// never unknown.
func TestClockFlickers(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var ahead atomic.Int64 // a bit for each of the next looks
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Pools[0].MaxLifetime = 5 * lab.HardLimit
			cfg.TokenCache = -1
			cfg.Now = func() time.Time {
				n := ahead.Load()
				ahead.Store(n >> 1)
				return time.Now().Add(time.Duration(n&1) * 2 * lab.HardLimit)
			}
		})
		token := l.Pool.AccessToken().ExpiresIn(4 * lab.HardLimit).String()
		seen := map[string]int{}
		for looks := range int64(256) {
			ahead.Store(0)
			time.Sleep(lab.FloorAfterSuccess)
			l.Send(l.Stranger("a")) // a set that is fresh, by the clock without bits
			ahead.Store(looks)
			seen[l.Send(token).Verdict]++
			ahead.Store(looks)
			if err := l.Auth.Ready(context.Background()); err != nil && !strings.Contains(err.Error(), "older than 24h") {
				t.Fatalf("looks %b: Ready: %v, want nil or that the set is too old", looks, err)
			}
		}
		if seen[lab.Okay] == 0 || seen[lab.Unavailable] == 0 || len(seen) != 2 {
			t.Errorf("a known key saw %v, want %s and %s", seen, lab.Okay, lab.Unavailable)
		}
	})
}
