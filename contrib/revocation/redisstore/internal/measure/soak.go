//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// soak revokes at random while the server is ended and started at random. No token
// may be admitted later than the bound after it was revoked, no other may be
// refused, and at the end an instance that comes anew must know them all.
func soak(d time.Duration) error {
	const bound = 2 * time.Second
	s, stop, err := server("--appendonly", "yes", "--appendfsync", "always")
	if err != nil {
		return err
	}
	defer stop()
	var all []instance
	for range 3 {
		i, err := followRedis(s, func(c *revocation.Config) { c.MaxStaleness = bound })
		if err != nil {
			return err
		}
		defer i.stop()
		if err := wait(i.loaded); err != nil {
			return err
		}
		all = append(all, i)
	}
	var (
		mu      sync.Mutex
		when    = map[string]time.Time{} // when Revoke had returned without error
		wrong   error
		asked   int
		refused int // with 503
	)
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if wrong == nil {
			wrong = fmt.Errorf(format, args...)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var wg sync.WaitGroup
	restarts := 0
	wg.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(rand.N(4 * time.Second))
			end := s.Stop
			if rand.N(2) == 0 {
				end = s.Kill
			}
			if err := end(); err != nil {
				fail("ending the server: %w", err)
			}
			time.Sleep(rand.N(4 * time.Second)) // often longer than the bound
			if err := start(s); err != nil {
				fail("starting the server: %w", err)
				return
			}
			restarts++
		}
	})
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			jti := fmt.Sprint("revoked-", n)
			err := all[rand.N(len(all))].Revoke(ctx, revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: jti})
			if err == nil {
				mu.Lock()
				when[jti] = time.Now()
				mu.Unlock()
			}
			time.Sleep(rand.N(20 * time.Millisecond))
		}
	})
	for _, i := range all {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				mu.Lock()
				var jti string
				var at time.Time
				for jti, at = range when { // any
					break
				}
				mu.Unlock()
				began := time.Now()
				no, err := i.Revoked(ctx, claims(jti))
				if jti != "" && !no && err == nil && began.Sub(at) > bound+100*time.Millisecond {
					fail("%s was admitted %s after it was revoked", jti, began.Sub(at))
				}
				if no, _ := i.Revoked(ctx, claims(fmt.Sprint("good-", n))); no {
					fail("a good token was refused as revoked")
				}
				mu.Lock()
				asked += 2
				if err != nil {
					refused++
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	if wrong != nil {
		return fmt.Errorf("soak: %w", wrong)
	}
	late, err := followRedis(s)
	if err != nil {
		return err
	}
	defer late.stop()
	if err := wait(late.loaded); err != nil {
		return err
	}
	for jti := range when {
		if no, _ := late.Revoked(context.Background(), claims(jti)); !no {
			return fmt.Errorf("soak: %s is lost", jti)
		}
	}
	fmt.Printf("soak: %d revocations, %d restarts of the store, %d questions, %d answered by 503, nothing lost, none admitted later than %s, no other refused\n",
		len(when), restarts, asked, refused, bound)
	return nil
}
