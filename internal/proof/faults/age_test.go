package faults_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestKeysAge: whatever the clock does, no key is used for more than a day after
// it was fetched. Without the machine's own clock, a clock that is set back would
// make a set young again, for as long as the endpoint is down.
func TestKeysAge(t *testing.T) {
	const day = 24 * time.Hour
	wall := map[string]func(c *lab.KeyClock) func() time.Time{
		"a clock with monotonic readings": func(c *lab.KeyClock) func() time.Time { return c.Now },
		"a clock of wall time alone":      func(c *lab.KeyClock) func() time.Time { return func() time.Time { return c.Now().Round(0) } },
	}
	for name, now := range wall {
		for _, row := range []struct {
			name   string
			jumps  []time.Duration // one after the other, the endpoint down
			usable time.Duration   // how long the keys are used afterwards
		}{
			{"as it is", nil, day},
			{"set back by 30 days", []time.Duration{-30 * day}, day},
			{"set back by an hour", []time.Duration{-time.Hour}, day},
			{"set back again and again", []time.Duration{-day, -day, -day, -day}, day},
			{"set ahead by an hour", []time.Duration{time.Hour}, day - time.Hour},
			{"set ahead and back", []time.Duration{20 * time.Hour, -20 * time.Hour}, day},
			{"set back and ahead", []time.Duration{-30 * day, 30*day + 20*time.Hour}, 4 * time.Hour},
		} {
			for _, cache := range []int{0, -1} {
				title := name + ", " + row.name + ", tokens remembered"
				if cache < 0 {
					title = name + ", " + row.name + ", no token remembered"
				}
				t.Run(title, func(t *testing.T) {
					lab.InBubble(t, func(t *testing.T) {
						clock := &lab.KeyClock{}
						l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
							cfg.Now, cfg.TokenCache = now(clock), cache
							cfg.Pools[0].MaxLifetime = 200 * day
						})
						// One token that is good before and after all jumps.
						token := l.Pool.AccessToken().Set("iat", clock.Now().Add(-90*day)).Set("exp", clock.Now().Add(90*day)).String()
						began := time.Now()
						l.Want("cold", token, lab.Okay)
						l.Pool.Rotate() // withdraws the token's key
						l.Pool.SetFault(cognitotest.Fault{Status: 500})
						for _, jump := range row.jumps {
							time.Sleep(time.Second)
							clock.Jump(jump)
							l.Want("after a jump", token, lab.Okay)
						}
						time.Sleep(row.usable - time.Since(began))
						synctest.Wait()
						l.Want("at the hard limit", token, lab.Okay)
						time.Sleep(time.Nanosecond)
						l.Want("past it", token, lab.Unavailable)
						if s := l.Status(); len(s.KeyIDs) != 0 || s.Age <= 24*time.Hour {
							t.Errorf("Status: kids %q, %s old; want no kid and more than a day", s.KeyIDs, s.Age)
						}
						time.Sleep(29 * day)
						l.Want("a month later", token, lab.Unavailable)
						l.Pool.SetFault()
						time.Sleep(time.Minute)
						l.Want("healed: the key is withdrawn", token, lab.UnknownKey)
					})
				})
			}
		}
	}
}

// TestKeysAge_machine is the same by the clock that a program has without
// Config.Now.
func TestKeysAge_machine(t *testing.T) {
	for _, cache := range []int{0, -1} {
		lab.InBubble(t, func(t *testing.T) {
			l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
				cfg.Now, cfg.TokenCache = nil, cache
				cfg.Pools[0].MaxLifetime = 200 * lab.HardLimit
			})
			token := l.Pool.AccessToken().ExpiresIn(90 * lab.HardLimit).String()
			l.Want("cold", token, lab.Okay)
			l.Pool.SetFault(cognitotest.Fault{Status: 500})
			time.Sleep(lab.HardLimit)
			l.Want("at the hard limit", token, lab.Okay)
			synctest.Wait()
			time.Sleep(time.Nanosecond)
			l.Want("past it", token, lab.Unavailable)
		})
	}
}
