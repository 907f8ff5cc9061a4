package faults_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestFetchSurvivesPanics: a panic on the fetch's side is a failed refresh.
func TestFetchSurvivesPanics(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"of the transport", func(l *lab.Keys) {
			afterPanic(l, 0, func(*http.Request) (*http.Response, error) { panic("transport") })
		}},
		{"of the body's Read", func(l *lab.Keys) {
			afterPanic(l, 0, func(*http.Request) (*http.Response, error) { return lab.Answer(200, panickyBody{}), nil })
		}},
		{"of the body's Close", func(l *lab.Keys) {
			afterPanic(l, 0, func(*http.Request) (*http.Response, error) {
				res := lab.Answer(200, nil)
				res.Body = panickyBody{bytes.NewReader(l.Pool.KeySet())}
				return res, nil
			})
		}},
		{"or the end of the transport's goroutine", func(l *lab.Keys) {
			afterPanic(l, lab.LongestWait, func(*http.Request) (*http.Response, error) {
				runtime.Goexit()
				return nil, nil
			})
		}},
	})
}

// panickyBody panics when it is read without a Reader, and when it is closed.
type panickyBody struct{ io.Reader }

func (b panickyBody) Read(p []byte) (int, error) {
	if b.Reader == nil {
		panic("body")
	}
	return b.Reader.Read(p)
}

func (b panickyBody) Close() error { panic("close") }

func afterPanic(l *lab.Keys, wait time.Duration, do func(*http.Request) (*http.Response, error)) {
	l.Wire.Answer(do)
	l.WantCrowd("while it panics", l.Crowd(20, l.Token()), map[string]int{lab.Unavailable: 20})
	if l.Slowest != wait {
		l.Errorf("the slowest waited %s, want %s", l.Slowest, wait)
	}
	time.Sleep(lab.LongestFetch - wait)
	synctest.Wait()
	if s := l.Status(); s.Err == nil || s.Fetches != 1 || s.Failures != 1 {
		l.Errorf("Status: %+v, want one failed fetch", s)
	}
	if lines := l.Logged.Taken(); len(lines) != 1 || !strings.HasPrefix(lines[0], "ERROR cognitoauth: key set fetch failed") {
		l.Errorf("logged %q, want one failure", lines)
	}
	l.Wire.Answer(nil)
	time.Sleep(2 * time.Second)
	l.Want("healed", l.Token(), lab.Okay)
}

// TestFetchSurvivesPanicOfNow: the clock panics when the fetch asks it for the
// time, which is when all requests wait.
func TestFetchSurvivesPanicOfNow(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var armed atomic.Bool
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if armed.CompareAndSwap(true, false) {
					panic("clock")
				}
				return time.Now()
			}
		})
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
			res, err := l.Wire.Next.RoundTrip(r)
			armed.Store(true)
			return res, err
		})
		l.WantCrowd("while it panics", l.Crowd(20, l.Token()), map[string]int{lab.Unavailable: 20})
		if s := l.Status(); armed.Load() || s.Err == nil || s.Failures != 1 {
			t.Errorf("Status: %+v, want one failed fetch because of the clock", s)
		}
		l.Wire.Answer(nil)
		time.Sleep(2 * time.Second)
		l.WantAfter(time.Second, "healed", l.Token(), lab.Okay)
	})
}

// TestPanicOfNow lets the clock panic at its first, second, … call, on whichever
// goroutine that is: a request that meets it ends, the others do not notice.
func TestPanicOfNow(t *testing.T) {
	panics := 0
	for n := range int64(12) {
		lab.InBubble(t, func(t *testing.T) {
			var left atomic.Int64
			l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
				cfg.Now = func() time.Time {
					if left.Add(-1) == 0 {
						panic("clock")
					}
					return time.Now()
				}
			})
			guarded := func(do func()) {
				defer func() {
					if recover() != nil {
						panics++
					}
				}()
				do()
			}
			for _, token := range []string{l.Token(), l.Stranger("a"), l.Token()} {
				left.Store(n + 1)
				guarded(func() { l.Send(token) })
				left.Store(n + 1)
				guarded(func() { l.Auth.Status() })
			}
			left.Store(0)
			time.Sleep(lab.FloorAfterSuccess)
			l.Want("afterwards", l.Token(), lab.Okay)
			l.Want("afterwards, unknown", l.Stranger("a"), lab.UnknownKey)
			if len(l.Status().KeyIDs) != 2 {
				t.Errorf("call %d: Status: %+v, want two keys", n+1, l.Status())
			}
		})
	}
	if panics < 5 {
		t.Errorf("the clock panicked %d times on a request's goroutine, want a few at least", panics)
	}
}

// panickyLog panics at each record about key sets.
type panickyLog struct{ slog.Handler }

func (panickyLog) WithAttrs([]slog.Attr) slog.Handler       { return panickyLog{slog.DiscardHandler} }
func (panickyLog) Enabled(context.Context, slog.Level) bool { return true }
func (panickyLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "cognitoauth: refused" {
		panic("log")
	}
	return nil
}

// TestFetchSurvivesPanicOfLogger: what was fetched does not depend on whether it
// can be told.
func TestFetchSurvivesPanicOfLogger(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"after a success", func(l *lab.Keys) {
			l.WantCrowd("cold", l.Crowd(20, l.Token()), map[string]int{lab.Okay: 20})
			l.WantFetches("cold", 1)
		}},
		{"after a failure", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Status: 500})
			l.WantCrowd("cold", l.Crowd(20, l.Token()), map[string]int{lab.Unavailable: 20})
			l.Pool.SetFault()
			time.Sleep(2 * time.Second)
			l.Want("healed", l.Token(), lab.Okay)
		}},
	}, func(cfg *cognitoauth.Config) { cfg.Logger = slog.New(panickyLog{}) })
}
