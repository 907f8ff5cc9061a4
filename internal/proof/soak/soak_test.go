package main

import (
	"context"
	"crypto/rsa"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// shortPlan is a run short enough for a test, by keys that need not be made.
func shortPlan(t *testing.T) plan {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	keys := []*rsa.PrivateKey{pool.AccessToken().Key(), pool.IDToken().Key()}
	made := 0
	return plan{
		duration: 300 * time.Millisecond, mark: 150 * time.Millisecond,
		clients: 24, rate: 30, every: 5 * time.Second, lead: 15 * time.Second, failEvery: 3, unknown: true,
		pool:   pool,
		other:  cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Stranger1"}),
		newKey: func() *rsa.PrivateKey { made++; return keys[made%len(keys)] },
		wrap:   (*cognitoauth.Middleware).Wrap,
	}
}

func soaked(t *testing.T, p plan) *result {
	t.Helper()
	r, err := p.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// In so short a run nothing can be told about the heap, which has not settled.
func TestSoak(t *testing.T) {
	p := shortPlan(t)
	r := soaked(t, p)
	if faults := r.answers(p); len(faults) > 0 {
		t.Errorf("%q\n%s", faults, r)
	}
	if more := r.atEnd.goroutines - r.atMark.goroutines; more > moreGoroutines {
		t.Errorf("%d goroutines more at the end", more)
	}
	if r.atMark.heap == 0 || r.atEnd.heap == 0 || r.fetches != 1 {
		t.Errorf("not measured: %s", r)
	}
	if line := r.figure(); strings.Contains(line, "\n") || !strings.Contains(line, "none refused") {
		t.Errorf("figure %q", line)
	}
}

// wrapper is how a test replaces the middleware by one that is broken.
type wrapper func(*cognitoauth.Middleware, http.Handler) http.Handler

// seldom lets one of ten requests that are bad (or good) go to odd, and all
// others to usual.
func seldom(bad bool, odd, usual http.Handler) http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Header.Get(kindHeader) != "") == bad && n.Add(1)%10 == 0 {
			odd.ServeHTTP(w, r)
			return
		}
		usual.ServeHTTP(w, r)
	})
}

func answering(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"code":"keys_unavailable"}`))
}

// othersClaims gives all good requests the claims of the first.
func othersClaims(auth *cognitoauth.Middleware, next http.Handler) http.Handler {
	var first atomic.Pointer[context.Context]
	return auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		first.CompareAndSwap(nil, &ctx)
		next.ServeHTTP(w, r.WithContext(*first.Load()))
	}))
}

// ranThenRefused runs the handler of a bad request before it is refused.
func ranThenRefused(auth *cognitoauth.Middleware, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(kindHeader) == "no token" {
			next.ServeHTTP(discard{}, r)
		}
		auth.Wrap(next).ServeHTTP(w, r)
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// A middleware that is broken, however seldom, fails the soak, and by the fault
// that it has.
func TestSoak_brokenMiddleware(t *testing.T) {
	for _, tt := range []struct {
		name, fault string
		wrap        wrapper
	}{
		{"one of ten bad ones is let in", "bad requests admitted", func(m *cognitoauth.Middleware, h http.Handler) http.Handler { return seldom(true, h, m.Wrap(h)) }},
		{"a bad one is let in and then refused", "bad requests admitted", ranThenRefused},
		{"one of ten good ones is refused", "good requests refused", func(m *cognitoauth.Middleware, h http.Handler) http.Handler {
			return seldom(false, answering(401), m.Wrap(h))
		}},
		{"one of ten good ones is put off", "good requests answered 503", func(m *cognitoauth.Middleware, h http.Handler) http.Handler {
			return seldom(false, http.HandlerFunc(unavailable), m.Wrap(h))
		}},
		{"a good one gets another's claims", "good requests not answered as such", othersClaims},
		{"one of ten bad ones is refused for nothing", "another reason than their own", func(m *cognitoauth.Middleware, h http.Handler) http.Handler {
			return seldom(true, answering(401), m.Wrap(h))
		}},
		{"a bad one is answered 503", "another reason than their own", func(m *cognitoauth.Middleware, h http.Handler) http.Handler {
			return seldom(true, http.HandlerFunc(unavailable), m.Wrap(h))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := shortPlan(t)
			p.wrap = tt.wrap
			faults := soaked(t, p).answers(p)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.fault) }) {
				t.Errorf("faults %q, want one that says %q", faults, tt.fault)
			}
		})
	}
}

// A key that signs at once is unknown until the library may fetch again, 10 s
// after it last did: the lead is what the soak needs, and that it is missing shows.
func TestSoak_withoutLead(t *testing.T) {
	p := shortPlan(t)
	p.every, p.lead = 200*time.Millisecond, 0
	r := soaked(t, p)
	if faults := r.answers(p); r.refused == 0 || len(faults) == 0 {
		t.Errorf("%d good requests refused, faults %q", r.refused, faults)
	}
}

// A goroutine or memory that stays behind with each request is found.
func TestSoak_leaks(t *testing.T) {
	stop := t.Context().Done()
	var mu sync.Mutex
	var kept [][]byte
	for name, leak := range map[string]func(){
		"goroutines": func() { go func() { <-stop }() },
		"live heap": func() {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, make([]byte, 64<<10))
		},
	} {
		p := shortPlan(t)
		p.wrap = func(m *cognitoauth.Middleware, h http.Handler) http.Handler {
			h = m.Wrap(h)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				leak()
				h.ServeHTTP(w, r)
			})
		}
		faults := soaked(t, p).leaks()
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, name) }) {
			t.Errorf("%s leaked, faults %q", name, faults)
		}
	}
	runtime.KeepAlive(kept)
}

func TestResult_leaks(t *testing.T) {
	for _, tt := range []struct {
		name          string
		atMark, atEnd figures
		faults        int
	}{
		{"nothing changed", figures{100, 1000}, figures{100, 1000}, 0},
		{"two goroutines more, a tenth more heap", figures{100, 1000}, figures{102, 1100}, 0},
		{"a tenth less heap, fewer goroutines", figures{100, 1000}, figures{50, 900}, 0},
		{"three goroutines more", figures{100, 1000}, figures{103, 1000}, 1},
		{"more than a tenth more heap", figures{100, 1000}, figures{100, 1101}, 1},
		{"more than a tenth less heap", figures{100, 1000}, figures{100, 899}, 1},
		{"both", figures{100, 1000}, figures{103, 1101}, 2},
	} {
		if faults := (&result{atMark: tt.atMark, atEnd: tt.atEnd}).leaks(); len(faults) != tt.faults {
			t.Errorf("%s: %q, want %d", tt.name, faults, tt.faults)
		}
	}
}

// A run in which something was not tried has shown nothing about it.
func TestResult_untried(t *testing.T) {
	p := plan{unknown: true}
	if faults := newResult().answers(p); len(faults) != 1+len(kinds)+1 {
		t.Errorf("%q", faults)
	}
}

func TestPlan_check(t *testing.T) {
	good := plan{duration: 2, mark: 1, clients: 1, rate: 1, every: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*plan){
		"no mark": func(p *plan) { p.mark = 0 }, "a mark at the end": func(p *plan) { p.duration = 1 }, "no clients": func(p *plan) { p.clients = 0 },
		"no rate": func(p *plan) { p.rate = 0 }, "no interval": func(p *plan) { p.every = 0 }, "a negative lead": func(p *plan) { p.lead = -1 },
	} {
		p := good
		if change(&p); p.check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestSoak_interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := shortPlan(t)
	p.wrap = func(m *cognitoauth.Middleware, h http.Handler) http.Handler { cancel(); return m.Wrap(h) }
	if _, err := p.run(ctx); err == nil {
		t.Error("no error")
	}
}
