package faults_test

import (
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

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
