package faults_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// restart gives the pool another key under the kid that its tokens have, as an
// emulator does that starts with a fixed kid and a fresh key. It returns a token
// of the old key and one of the new.
func restart(l *lab.Keys, fault cognitotest.Fault) (old, fresh string) {
	token := l.Pool.AccessToken().ExpiresIn(20 * time.Hour)
	other := cognitotest.NewPool(l.TB, cognitotest.Options{InProcess: true}).AccessToken().Key()
	fault.Body = lab.KeySet(lab.JWK(token.KeyID(), other))
	l.Pool.SetFault(fault)
	return token.String(), token.SignedBy(other).String()
}

// TestRestart: the same kid, another key. A token of the new key is accepted by one
// fetch once the set is not quite new, and by Refresh at once.
func TestRestart(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"the set is old enough: accepted by one fetch, for which the request waits", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			old, fresh := restart(l, cognitotest.Fault{Delay: time.Second})
			l.Want("the old key, which is still held", old, lab.Okay)
			l.WantAfter(time.Second, "the new key", fresh, lab.Okay)
			l.Want("the new key, again", fresh, lab.Okay)
			l.Want("the old key, remembered or not", old, lab.BadSignature)
			l.WantFetches("all", 2)
		}},
		{"a thousand requests share the fetch", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			_, fresh := restart(l, cognitotest.Fault{Delay: time.Second})
			l.WantCrowd("the new key", l.Crowd(1000, fresh), map[string]int{lab.Okay: 1000})
			l.WantFetches("all", 2)
		}},
		{"the set is new: refused at once, until it is old enough", func(l *lab.Keys) {
			l.Want("cold", l.Token(), lab.Okay)
			_, fresh := restart(l, cognitotest.Fault{})
			time.Sleep(lab.SuspectAge - time.Nanosecond)
			l.Want("before", fresh, lab.BadSignature)
			synctest.Wait()
			l.WantFetches("before", 1)
			time.Sleep(time.Nanosecond)
			l.Want("then", fresh, lab.Okay)
		}},
		{"the set is new: Refresh has it accepted at once", func(l *lab.Keys) {
			l.Want("cold", l.Token(), lab.Okay)
			_, fresh := restart(l, cognitotest.Fault{})
			l.Want("before", fresh, lab.BadSignature)
			if err := l.Auth.Refresh(context.Background()); err != nil {
				l.Errorf("Refresh: %v", err)
			}
			l.Want("then", fresh, lab.Okay)
		}},
		{"the set brings the same key: refused after one fetch, and then at once", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
			forged := l.Pool.AccessToken().Tampered().String()
			l.WantAfter(time.Second, "first", forged, lab.BadSignature)
			l.Want("then", forged, lab.BadSignature)
			l.Want("a good one", l.Token(), lab.Okay)
			l.WantFetches("all", 2)
		}},
		{"the kid is withdrawn: the signature is bad all the same", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			forged := l.Pool.AccessToken().Tampered().String()
			l.Pool.Rotate()
			l.Want("first", forged, lab.BadSignature)
			l.Want("then", forged, lab.UnknownKey)
		}},
		{"the endpoint is down or hangs: refused, and a good token of the old key is not held up", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			known, forged := l.Token(), l.Pool.AccessToken().Tampered().String()
			l.Pool.SetFault(cognitotest.Fault{Status: 500})
			l.Want("down", forged, lab.BadSignature)
			time.Sleep(lab.FloorAfterSuccess)
			l.Pool.SetFault(cognitotest.Fault{Hang: true})
			var beside sync.WaitGroup
			beside.Go(func() { l.WantAfter(lab.LongestWait, "hangs", forged, lab.BadSignature) })
			synctest.Wait()
			l.Want("a good one", known, lab.Okay)
			beside.Wait()
		}},
		{"the token has expired meanwhile", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.SuspectAge)
			token := l.Pool.AccessToken().ExpiresIn(time.Second)
			_, _ = restart(l, cognitotest.Fault{})
			other := cognitotest.NewPool(l.TB, cognitotest.Options{InProcess: true}).AccessToken().Key()
			l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second, Body: lab.KeySet(lab.JWK(token.KeyID(), other))})
			l.WantAfter(2*time.Second, "expired", token.SignedBy(other).String(), "401 token_expired")
		}},
	}, func(cfg *cognitoauth.Config) { cfg.Leeway = 1 })
}

// TestBadSignaturesFetchNoMore: an attacker who knows a kid of the pool gets no
// more fetches from bad signatures than from random kids, whether the endpoint is
// up or down, and holds no more requests.
func TestBadSignaturesFetchNoMore(t *testing.T) {
	flood := func(t *testing.T, fault cognitotest.Fault, token func(*lab.Keys) string) (fetches int) {
		lab.InBubble(t, func(t *testing.T) {
			l := lab.NewKeys(t)
			l.Warm()
			time.Sleep(lab.SuspectAge)
			l.Pool.SetFault(fault)
			bad, good := token(l), l.Pool.AccessToken().ExpiresIn(20*time.Hour).String()
			for range 4 * 1800 { // for half an hour
				l.Send(bad)
				l.Want("good token", good, lab.Okay)
				time.Sleep(250 * time.Millisecond)
			}
			fetches = l.Status().Fetches
		})
		return fetches
	}
	for name, fault := range map[string]cognitotest.Fault{"up": {}, "down": {Status: 500}} {
		random := flood(t, fault, func(l *lab.Keys) string { return l.Stranger("random") })
		bad := flood(t, fault, func(l *lab.Keys) string { return l.Pool.AccessToken().ExpiresIn(20 * time.Hour).Tampered().String() })
		t.Logf("endpoint %s: %d fetches by bad signatures, %d by random kids", name, bad, random)
		if name == "up" && bad > random/10 {
			t.Errorf("bad signatures made %d fetches in half an hour, want one in five minutes", bad)
		}
		if bad > random+random/10 { // the pauses after a failure vary
			t.Errorf("endpoint %s: bad signatures made %d fetches, random kids %d", name, bad, random)
		}
	}
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		time.Sleep(lab.SuspectAge)
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		forged := l.Pool.AccessToken().Tampered().String()
		var all sync.WaitGroup
		var mu sync.Mutex
		held := 0
		for range 3000 {
			all.Go(func() {
				got := l.Send(forged)
				mu.Lock()
				defer mu.Unlock()
				if got.Waited > 0 {
					held++
				}
				if got.Verdict != lab.BadSignature || got.Waited > lab.LongestWait {
					t.Errorf("bad signature while the endpoint hangs: %v", got)
				}
			})
		}
		all.Wait()
		if held != lab.MostWaiting {
			t.Errorf("%d requests were held, want %d", held, lab.MostWaiting)
		}
	})
}

// TestRestart_detail: Detail names what mends it, and only where that can happen.
func TestRestart_detail(t *testing.T) {
	detail := func(change func(*cognitoauth.Config)) string {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		cfg := pool.Config()
		change(&cfg)
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = auth.Validate(t.Context(), pool.AccessToken().Tampered().String())
		return lab.AsRefusal(t, err).Detail()
	}
	if s := detail(func(c *cognitoauth.Config) {
		c.Pools[0].JWKSURL = "http://localhost:9229/" + c.Pools[0].ID + "/.well-known/jwks.json"
	}); !strings.Contains(s, "Middleware.Refresh") || !strings.Contains(s, "5m0s old") {
		t.Errorf("an emulator: %q, want Refresh and when the library asks", s)
	}
	if s := detail(func(c *cognitoauth.Config) { c.Pools[0].JWKSURL = "" }); strings.Contains(s, "Refresh") {
		t.Errorf("Cognito, which gives no kid to another key: %q", s)
	}
}
