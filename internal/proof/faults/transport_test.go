package faults_test

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestNobodyMissesTheFetch: a request looks for its key just before the fetch
// brings it, and asks for a fetch just after. Both wait for the lock, which
// Status holds while the clock blocks; the fetch comes first.
func TestNobodyMissesTheFetch(t *testing.T) {
	testLatecomer(t, 0, func(l *lab.Keys, token string) { l.Want("the request that comes as the fetch ends", token, lab.Okay) })
	testLatecomer(t, 2*lab.HardLimit, func(l *lab.Keys, _ string) { l.Ready("as the fetch ends", 0, nil) })
}

// testLatecomer does that with a set of some age, and a token of the new key.
func testLatecomer(t *testing.T, age time.Duration, late func(l *lab.Keys, token string)) {
	lab.InBubble(t, func(t *testing.T) {
		var looks atomic.Int64
		var armed atomic.Bool
		entered, release, answer := make(chan struct{}), make(chan struct{}), make(chan struct{})
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				looks.Add(1)
				if armed.CompareAndSwap(true, false) {
					close(entered)
					<-release
				}
				return time.Now()
			}
		})
		// Who waits for a lock is seen by nobody, but looks at the clock before.
		settle := func(do func()) {
			before := looks.Load()
			for do(); looks.Load() == before; {
				runtime.Gosched()
			}
			for calm, before := 0, looks.Load(); calm < 10_000; calm++ {
				runtime.Gosched()
				if now := looks.Load(); now != before {
					calm, before = 0, now
				}
			}
		}
		time.Sleep(lab.PastEpoch)
		l.Warm()
		l.Pool.Rotate()
		time.Sleep(age)
		token := l.Token()
		l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
			<-answer
			return l.Wire.Next.RoundTrip(r)
		})
		var all sync.WaitGroup
		all.Go(func() { l.Want("the request that fetches", l.Stranger("a"), lab.UnknownKey) })
		synctest.Wait()
		armed.Store(true)
		all.Go(func() { l.Auth.Status() })
		<-entered
		settle(func() { close(answer) })
		settle(func() { all.Go(func() { late(l, token) }) })
		close(release)
		all.Wait()
		l.WantFetches("both", 2)
	})
}

// TestTransportThatIgnoresItsContext: it holds up neither the requests nor the
// next fetch.
func TestTransportThatIgnoresItsContext(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		release := make(chan struct{})
		l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
			<-release
			return nil, errors.New("too late")
		})
		l.WantAfter(lab.LongestWait, "cold", l.Token(), lab.Unavailable)
		l.WantAfter(lab.LongestFetch-lab.LongestWait, "until the fetch is given up", l.Token(), lab.Unavailable)
		if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), "no answer within 5s") {
			t.Errorf("the fetch ended with %v, want no answer within 5s", err)
		}
		l.Wire.Answer(nil)
		time.Sleep(2 * time.Second)
		l.Want("healed", l.Token(), lab.Okay)
		close(release)
	})
}

// unusedJar fails the test when the client uses it.
type unusedJar struct{ *testing.T }

func (j unusedJar) SetCookies(u *url.URL, _ []*http.Cookie) { j.Errorf("cookies of %s were stored", u) }
func (j unusedJar) Cookies(u *url.URL) []*http.Cookie {
	j.Errorf("cookies were sent to %s", u)
	return nil
}

// TestGivenClient: the client that is given is copied and made safe.
func TestGivenClient(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var got *http.Request
		given := &http.Client{
			Transport: keyRoundTripper(func(r *http.Request) (*http.Response, error) {
				got = r
				deadline, ok := r.Context().Deadline()
				if !ok || time.Until(deadline) != lab.LongestFetch {
					t.Errorf("the request's deadline is in %s (%t), want %s", time.Until(deadline), ok, lab.LongestFetch)
				}
				res := lab.Answer(302, strings.NewReader("elsewhere"))
				res.Header = http.Header{"Location": {"https://elsewhere.example/"}, "Set-Cookie": {"a=b"}}
				return res, nil
			}),
			CheckRedirect: func(r *http.Request, _ []*http.Request) error {
				t.Errorf("the redirect to %s was considered", r.URL)
				return nil
			},
			Jar:     unusedJar{t},
			Timeout: time.Hour,
		}
		before := *given
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient = given })
		l.Want("redirected", l.Token(), lab.Unavailable)
		if got == nil || got.Method != "GET" || got.Header.Get("Authorization") != "" || got.Header.Get("Cookie") != "" {
			t.Errorf("the request was %+v, want a GET without credentials", got)
		}
		if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), "status 302") {
			t.Errorf("the fetch ended with %v, want status 302", err)
		}
		function := func(f any) uintptr { return reflect.ValueOf(f).Pointer() }
		if given.Timeout != before.Timeout || given.Jar != before.Jar || function(given.CheckRedirect) != function(before.CheckRedirect) || function(given.Transport) != function(before.Transport) {
			t.Error("the caller's client was changed")
		}
	})
}

type keyRoundTripper func(*http.Request) (*http.Response, error)

func (f keyRoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestKnownKeyTakesNoLock: Status holds the source's lock while the clock, of
// all things, blocks; a known key must not care, not even when a refresh is due.
func TestKnownKeyTakesNoLock(t *testing.T) {
	var armed atomic.Bool
	entered, release := make(chan struct{}), make(chan struct{})
	clock := &lab.KeyClock{}
	l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
		cfg.Now = func() time.Time {
			if armed.CompareAndSwap(true, false) {
				close(entered)
				<-release
			}
			return clock.Now()
		}
	})
	token := l.Pool.AccessToken().ExpiresIn(3 * time.Hour).String()
	l.WantSoon("cold", token, lab.Okay)
	armed.Store(true)
	var all sync.WaitGroup
	all.Go(func() { l.Auth.Status() })
	<-entered
	for _, jump := range []time.Duration{0, 2 * time.Hour} {
		clock.Jump(jump)
		done := make(chan struct{})
		all.Go(func() {
			defer close(done)
			l.WantSoon("while Status holds the lock", token, lab.Okay)
		})
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Errorf("a known key waits for the lock, %s after the fetch", jump)
		}
	}
	close(release)
	all.Wait()
}
