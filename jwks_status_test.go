package cognitoauth_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// TestStatus: Status before, between and after fetches.
func TestStatus(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"before the first fetch", func(l *keyLab) {
			want := cognitoauth.PoolStatus{PoolID: l.pool.ID(), URL: l.pool.JWKSURL()}
			if s := l.status(); !reflect.DeepEqual(s, want) {
				l.Errorf("Status: %+v, want %+v", s, want)
			}
			synctest.Wait()
			l.wantFetches("Status itself", 0)
		}},
		{"after a success", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
			access, id := l.pool.AccessToken(), l.pool.IDToken()
			l.wantAfter(time.Second, "cold", access.String(), okay)
			fetched := time.Now()
			time.Sleep(time.Minute)
			kids := []string{access.KeyID(), id.KeyID()}
			slices.Sort(kids)
			s := l.status()
			if !slices.Equal(s.KeyIDs, kids) || !s.Fetched.Equal(fetched) || s.Age != time.Minute || s.Fetches != 1 || s.Failures != 0 || s.Err != nil || s.Skipped != 0 {
				l.Errorf("Status: %+v, want kids %q, fetched %s", s, kids, fetched)
			}
		}},
		{"after a failure", func(l *keyLab) {
			fault := errors.New("no route")
			l.wire.answer(func(*http.Request) (*http.Response, error) { return nil, fault })
			l.want("cold", l.token(), unavailable)
			s := l.status()
			if !errors.Is(s.Err, fault) || s.Fetches != 1 || s.Failures != 1 || !s.Fetched.IsZero() || s.Age != 0 || s.KeyIDs != nil {
				l.Errorf("Status: %+v, want the transport's error and nothing fetched", s)
			}
			l.wire.answer(nil)
			time.Sleep(2 * time.Second)
			l.want("healed", l.token(), okay)
			if s := l.status(); s.Err != nil || s.Fetches != 2 || s.Failures != 1 {
				l.Errorf("Status: %+v, want no error after a success", s)
			}
		}},
		{"its set is the caller's own", func(l *keyLab) {
			l.warm()
			clear(l.status().KeyIDs)
			if slices.Contains(l.status().KeyIDs, "") {
				l.Error("changing a PoolStatus has changed the next one")
			}
		}},
		{"a set that is due is not fetched by it", func(l *keyLab) {
			l.warm()
			time.Sleep(2 * hardLimit)
			if s := l.status(); len(s.KeyIDs) != 0 || s.Age <= 2*hardLimit {
				l.Errorf("Status: %+v, want no keys and the age", s)
			}
			synctest.Wait()
			l.wantFetches("Status itself", 1)
		}},
	})
}

// TestReady: Ready tells whether there are usable keys, and sees to it that
// there will be.
func TestReady(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"cold, it waits for the fetch, longer than a request does", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Delay: 4 * time.Second})
			l.ready("cold", 4*time.Second, nil)
			l.want("afterwards", l.token(), okay)
			l.wantFetches("both", 1)
		}},
		{"it shares the fetch with requests", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
			var all sync.WaitGroup
			all.Go(func() { l.wantAfter(time.Second, "request", l.token(), okay) })
			for range 5 {
				all.Go(func() { l.ready("beside it", time.Second, nil) })
			}
			all.Wait()
			l.wantFetches("all", 1)
		}},
		{"warm, it asks nobody", func(l *keyLab) {
			l.warm()
			l.pool.SetFault(cognitotest.Fault{Hang: true})
			l.ready("warm", 0, nil)
			l.wantFetches("warm", 1)
			time.Sleep(latestRefresh)
			l.ready("due", 0, nil)
		}},
		{"a failure is its error at once, and not repeated", func(l *keyLab) {
			fault := errors.New("no route")
			l.wire.answer(func(*http.Request) (*http.Response, error) { return nil, fault })
			l.ready("cold", 0, fault)
			l.ready("while no fetch may begin", 0, fault)
			l.wantFetches("both", 1)
		}},
		{"it ends with its context", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			err := l.auth.Ready(ctx)
			if !errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				l.Errorf("Ready: %v, want ErrUnavailable because of the deadline", err)
			}
			l.ready("the fetch went on", time.Second, nil)
			l.wantFetches("both", 1)
		}},
		{"it gives up with the fetch", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Hang: true})
			l.ready("hanging", longestFetch, cognitoauth.ErrUnavailable)
		}},
	})
}

func (l *keyLab) ready(when string, wait time.Duration, cause error) {
	l.Helper()
	began := time.Now()
	err := l.auth.Ready(context.Background())
	switch {
	case time.Since(began) != wait:
		l.Errorf("%s: Ready took %s, want %s", when, time.Since(began), wait)
	case cause == nil && err != nil:
		l.Errorf("%s: Ready: %v, want nil", when, err)
	case cause != nil && (!errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, cause) || !strings.Contains(err.Error(), l.pool.ID()) || !strings.Contains(err.Error(), cause.Error())):
		l.Errorf("%s: Ready: %v, want ErrUnavailable of pool %s because of %v", when, err, l.pool.ID(), cause)
	}
}

// TestReadyBesideFetch: a set that comes just after Ready has found the old one
// too old is good enough. The clock is where the test can step in between.
func TestReadyBesideFetch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var armed atomic.Bool
		var l *keyLab
		l = newKeyLab(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if armed.CompareAndSwap(true, false) {
					l.want("in between", l.token(), okay)
				}
				return time.Now()
			}
		})
		l.warm()
		time.Sleep(2 * hardLimit)
		armed.Store(true)
		l.ready("old set, new set", 0, nil)
		l.wantFetches("old set, new set", 2)
	})
}

// TestRetryAfterBesideFetch: a request whose fetch failed answers late, when the
// next fetch is in flight; it still names a time that somebody can wait for,
// which sendCtx checks.
func TestRetryAfterBesideFetch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var slow atomic.Int64 // at this time the clock takes two seconds
		l := newKeyLab(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if time.Now().UnixNano() == slow.Load() {
					time.Sleep(2 * time.Second)
				}
				return time.Now()
			}
		})
		time.Sleep(pastEpoch)
		l.warm()
		slow.Store(time.Now().Add(time.Second).UnixNano())
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second, Status: 500})
		var all sync.WaitGroup
		all.Go(func() { l.wantAfter(3*time.Second, "the slow one", l.stranger("a"), unavailable) })
		time.Sleep(2500 * time.Millisecond)
		l.pool.SetFault(cognitotest.Fault{Hang: true})
		all.Go(func() { l.wantAfter(longestWait, "the next one", l.stranger("a"), unavailable) })
		all.Wait()
		l.wantFetches("both", 3)
	})
}

// TestKeyLog: each thing that happens to a key set is one record.
func TestKeyLog(t *testing.T) {
	runKeyCases(t, []keyCase{{"a life", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		l.want("down", l.token(), unavailable)
		l.wantLog("cold and down", "ERROR cognitoauth: key set fetch failed, there are no keys pool=eu-west-1_AbCdEf123 url="+l.pool.JWKSURL(), "status 500")
		l.pool.SetFault()
		time.Sleep(2 * time.Second)
		access, id := l.pool.AccessToken(), l.pool.IDToken()
		l.want("up", access.String(), okay)
		l.wantLog("first set", "INFO cognitoauth: key set fetched pool=eu-west-1_AbCdEf123 url="+l.pool.JWKSURL(), "keys=2", "skipped=0",
			"INFO cognitoauth: key added", "kid="+access.KeyID(), "INFO cognitoauth: key added", "kid="+id.KeyID())
		time.Sleep(floorAfterSuccess)
		l.want("same set", l.stranger("a"), unknownKey)
		synctest.Wait()
		if lines := l.log.taken(); len(lines) != 1 || !strings.HasPrefix(lines[0], "INFO cognitoauth: key set fetched") {
			l.Errorf("same set: logged %q, want that it was fetched", lines)
		}
		time.Sleep(floorAfterSuccess)
		l.pool.Rotate()
		l.want("rotated", l.token(), okay)
		l.wantLog("rotated", "INFO cognitoauth: key set fetched", "kid="+l.pool.AccessToken().KeyID(), "kid="+l.pool.IDToken().KeyID(),
			"WARN cognitoauth: key withdrawn", "kid="+access.KeyID(), "kid="+id.KeyID())
		time.Sleep(floorAfterSuccess)
		l.pool.SetFault(cognitotest.Fault{Body: []byte("{}")})
		l.want("bad document", l.stranger("a"), unavailable)
		l.wantLog("bad document", "WARN cognitoauth: key set fetch failed, the stale set stays", "not a JWK set", "age=10s")
		time.Sleep(hardLimit)
		l.want("a day later", l.token(), unavailable)
		l.wantLog("a day later", "ERROR cognitoauth: key set fetch failed, the last one is too old to be used", "not a JWK set", "age=24h0m10s")
	}}})
}

// wantLog demands that the records about key sets contain each of the parts.
func (l *keyLab) wantLog(when string, parts ...string) {
	l.Helper()
	synctest.Wait()
	all := strings.Join(l.log.taken(), "\n")
	for _, part := range parts {
		if !strings.Contains(all, part) {
			l.Errorf("%s: nothing is logged of %q in\n%s", when, part, all)
		}
	}
}

// TestReadyPanicOfNow: a panic of the caller's clock is the caller's, as on a
// request; on a goroutine of ours nobody could recover it.
func TestReadyPanicOfNow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var armed atomic.Bool
		l := newKeyLab(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if armed.CompareAndSwap(true, false) {
					panic("clock")
				}
				return time.Now()
			}
		})
		l.warm()
		armed.Store(true)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Ready has swallowed the clock's panic")
				}
			}()
			l.auth.Ready(context.Background())
		}()
		l.ready("afterwards", 0, nil)
	})
}
