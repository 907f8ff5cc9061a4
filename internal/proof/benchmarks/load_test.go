package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Nearest rank: the values of Wikipedia's worked examples, "Percentile", 15, 20,
// 35, 40, 50.
func TestPercentile(t *testing.T) {
	five := []time.Duration{15, 20, 35, 40, 50}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, row := range []struct {
		all  []time.Duration
		p    float64
		want time.Duration
	}{
		{five, 0.05, 15},
		{five, 0.30, 20},
		{five, 0.40, 20},
		{five, 0.50, 35},
		{five, 1.00, 50},
		{five, 0, 15},
		{hundred, 0.50, 50},
		{hundred, 0.99, 99},
		{hundred, 0.991, 100},
		{[]time.Duration{7}, 0.99, 7},
		{nil, 0.50, 0},
	} {
		if got := percentile(row.all, row.p); got != row.want {
			t.Errorf("%v of %d values: %d, expected %d", row.p, len(row.all), got, row.want)
		}
	}
}

func none() error { return nil }

func target(t *testing.T, h http.HandlerFunc) (addr string, request []byte) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	addr = s.Listener.Addr().String()
	return addr, fmt.Appendf(nil, "GET /me HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
}

func TestGenerateCountsWhatTheServerAnswered(t *testing.T) {
	var served, atStart, atEnd atomic.Int64
	addr, request := target(t, func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})
	const conns = 3
	l, err := generate(t.Context(), addr, request, http.StatusNoContent, conns, 20*time.Millisecond,
		func() error { atStart.Store(served.Load()); return nil },
		func() error { atEnd.Store(served.Load()); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if n := atStart.Load(); n != conns*warmRequests {
		t.Errorf("%d requests before it began, expected %d", n, conns*warmRequests)
	}
	if n := int(atEnd.Load() - atStart.Load()); n == 0 || len(l.latencies) != n {
		t.Errorf("%d latencies of %d requests", len(l.latencies), n)
	}
	if !slices.IsSorted(l.latencies) || l.latencies[0] <= 0 {
		t.Error("latencies are not sorted, or not positive")
	}
	if want := float64(len(l.latencies)) / l.took.Seconds(); l.perSecond() != want {
		t.Errorf("%v a second, expected %v", l.perSecond(), want)
	}
}

func TestGenerateLooksAtEveryAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		says    string
	}{
		{"another status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "HTTP/1.1 401 Unauthorized"},
		{"a body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = w.Write([]byte("ok"))
		}, "expected"},
		{"a head without an end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 5000))
			w.WriteHeader(http.StatusNoContent)
		}, "more than 4096 bytes"},
		{"none", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "after 0 bytes"},
	} {
		addr, request := target(t, row.handler)
		if _, err := generate(t.Context(), addr, request, http.StatusNoContent, 1, time.Millisecond, none, none); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: error %v", row.name, err)
		}
	}
	t.Run("only the tenth after the warming", func(t *testing.T) {
		var n atomic.Int64
		addr, request := target(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) > warmRequests+10 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		if _, err := generate(t.Context(), addr, request, http.StatusNoContent, 1, time.Minute, none, none); err == nil {
			t.Error("no error")
		}
	})
	t.Run("what is asked before", func(t *testing.T) {
		wrong := errors.New("wrong")
		addr, request := target(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		for _, ask := range [][2]func() error{{func() error { return wrong }, none}, {none, func() error { return wrong }}} {
			if _, err := generate(t.Context(), addr, request, http.StatusNoContent, 1, time.Millisecond, ask[0], ask[1]); !errors.Is(err, wrong) {
				t.Errorf("error %v", err)
			}
		}
	})
}
