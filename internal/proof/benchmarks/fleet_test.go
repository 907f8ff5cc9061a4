package main

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// instances is a fleet that takes its keys from one pool, on a clock of its own.
type instances struct {
	t    *testing.T
	pool *cognitotest.Pool
	auth []*cognitoauth.Middleware
}

func newInstances(t *testing.T, n int) *instances {
	f := &instances{t: t, pool: cognitotest.NewPool(t, cognitotest.Options{InProcess: true})}
	for range n {
		auth, err := cognitoauth.New(f.pool.Config())
		if err != nil {
			t.Fatal(err)
		}
		f.auth = append(f.auth, auth)
	}
	f.accept(f.pool.AccessToken().String())
	return f
}

// accept sends a token to every instance.
func (f *instances) accept(token string) {
	for _, auth := range f.auth {
		if _, err := auth.Validate(f.t.Context(), token); err != nil {
			f.t.Fatal(err)
		}
	}
	synctest.Wait() // for fetches in the background
}

// during sends a good token to every instance each time step has passed, and
// tells how often the key set was fetched.
func (f *instances) during(d, step time.Duration) int {
	before := f.pool.Fetches()
	var token string
	for passed := time.Duration(0); passed < d; passed += step {
		if passed%(30*time.Minute) == 0 {
			token = f.pool.AccessToken().String()
		}
		time.Sleep(step)
		f.accept(token)
	}
	return f.pool.Fetches() - before
}

// attempts is how often the instances tried to fetch.
func (f *instances) attempts() (n int) {
	for _, auth := range f.auth {
		n += auth.Status()[0].Fetches
	}
	return n
}

func TestFleet(t *testing.T) {
	t.Run("as a rule an instance fetches once an hour", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newInstances(t, 20)
			got := float64(f.during(24*time.Hour, time.Minute)) / 24
			if want := fleetOf(20).hourly; math.Abs(got-want) > 0.05*want {
				t.Errorf("%.1f fetches an hour, expected %.1f", got, want)
			}
		})
	})
	t.Run("a rotation costs each instance one fetch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newInstances(t, 20)
			time.Sleep(10 * time.Minute)
			before := f.pool.Fetches()
			f.pool.Rotate()
			token := f.pool.AccessToken().String()
			f.accept(token)
			f.accept(token)
			if got, want := f.pool.Fetches()-before, fleetOf(20).rotation; got != want {
				t.Errorf("%d fetches, expected %d", got, want)
			}
		})
	})
	t.Run("unknown keys cost an instance a fetch in ten seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newInstances(t, 1)
			before := f.pool.Fetches()
			forged := f.pool.AccessToken().SignedWith(func([]byte) []byte { return make([]byte, 256) })
			for i := range 3600 {
				time.Sleep(time.Second)
				if _, err := f.auth[0].Validate(t.Context(), forged.SetHeader("kid", fmt.Sprint(i)).String()); err == nil {
					t.Fatal("accepted")
				}
			}
			if got, most := f.pool.Fetches()-before, int(fleetOf(1).flooded); got > most || got < most/2 {
				t.Errorf("%d fetches in an hour, expected at most %d and no fewer than half", got, most)
			}
		})
	})
	t.Run("while fetches fail an instance tries once a minute and serves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newInstances(t, 20)
			f.pool.SetFault(cognitotest.Fault{Status: 503})
			f.during(2*time.Hour, time.Minute) // everybody's set is due, and the pauses have grown
			attempts := -f.attempts()
			requests := f.during(time.Hour, time.Second)
			attempts += f.attempts()
			if want := fleetOf(20).outageHour; math.Abs(float64(attempts)-want) > 0.05*want {
				t.Errorf("%d attempts in an hour, expected %.0f", attempts, want)
			}
			if requests != 2*attempts {
				t.Errorf("%d requests in %d attempts, expected one to each host of the pool", requests, attempts)
			}
		})
	})
}
