//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/internal/redisserver"
)

// bound is how late a revocation may come in the soak.
const bound = 2 * time.Second

// trial is what a soak knows.
type trial struct {
	s   *redisserver.Server
	all []instance

	mu      sync.Mutex
	when    map[string]time.Time // when Revoke had returned without error
	wrong   error                // the first that was seen
	asked   int
	refused int // with 503

	restarts int
}

// soak revokes at random while the server is ended and started at random. No token
// may be admitted later than the bound after it was revoked, no other may be
// refused, and at the end an instance that comes anew must know them all.
func soak(d time.Duration) error {
	s, stop, err := server("--appendonly", "yes", "--appendfsync", "always")
	if err != nil {
		return err
	}
	defer stop()
	t := &trial{s: s, when: map[string]time.Time{}}
	for range 3 {
		i, err := followRedis(s, func(c *revocation.Config) { c.MaxStaleness = bound })
		if err != nil {
			return err
		}
		defer i.stop()
		if err := wait(i.loaded); err != nil {
			return err
		}
		t.all = append(t.all, i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { t.restart(ctx) })
	wg.Go(func() { t.revoke(ctx) })
	for _, i := range t.all {
		wg.Go(func() { t.ask(ctx, i) })
	}
	wg.Wait()
	if t.wrong != nil {
		return fmt.Errorf("soak: %w", t.wrong)
	}
	if err := t.know(); err != nil {
		return err
	}
	fmt.Printf("soak: %d revocations, %d restarts of the store, %d questions, %d answered by 503, nothing lost, none admitted later than %s, no other refused\n",
		len(t.when), t.restarts, t.asked, t.refused, bound)
	return nil
}

func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrong == nil {
		t.wrong = fmt.Errorf(format, args...)
	}
}

// restart ends the server and starts it again, often for longer than the bound.
func (t *trial) restart(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(rand.N(4 * time.Second))
		end := t.s.Stop
		if rand.N(2) == 0 {
			end = t.s.Kill
		}
		if err := end(); err != nil {
			t.fail("ending the server: %w", err)
		}
		time.Sleep(rand.N(4 * time.Second))
		if err := start(t.s); err != nil {
			t.fail("starting the server: %w", err)
			return
		}
		t.restarts++
	}
}

// revoke revokes a token after another, by any instance.
func (t *trial) revoke(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		jti := fmt.Sprint("revoked-", n)
		err := t.all[rand.N(len(t.all))].Revoke(ctx, revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: jti})
		if err == nil {
			t.mu.Lock()
			t.when[jti] = time.Now()
			t.mu.Unlock()
		}
		time.Sleep(rand.N(20 * time.Millisecond))
	}
}

// ask asks an instance about a revoked token and a good one, over and over.
func (t *trial) ask(ctx context.Context, i instance) {
	for n := 0; ctx.Err() == nil; n++ {
		t.mu.Lock()
		var jti string
		var at time.Time
		for jti, at = range t.when { // any
			break
		}
		t.mu.Unlock()
		began := time.Now()
		no, err := i.Revoked(ctx, claims(jti))
		if jti != "" && !no && err == nil && began.Sub(at) > bound+100*time.Millisecond {
			t.fail("%s was admitted %s after it was revoked", jti, began.Sub(at))
		}
		if no, _ := i.Revoked(ctx, claims(fmt.Sprint("good-", n))); no {
			t.fail("a good token was refused as revoked")
		}
		t.mu.Lock()
		t.asked += 2
		if err != nil {
			t.refused++
		}
		t.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

// know asks an instance that comes anew about all that was revoked.
func (t *trial) know() error {
	late, err := followRedis(t.s)
	if err != nil {
		return err
	}
	defer late.stop()
	if err := wait(late.loaded); err != nil {
		return err
	}
	for jti := range t.when {
		if no, _ := late.Revoked(context.Background(), claims(jti)); !no {
			return fmt.Errorf("soak: %s is lost", jti)
		}
	}
	return nil
}
