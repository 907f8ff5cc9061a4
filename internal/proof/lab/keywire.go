package lab

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// A KeyWire is the way to the key endpoint. It keeps the time and host of each
// request; do, if set, answers in place of the pool.
type KeyWire struct {
	Next http.RoundTripper

	mu    sync.Mutex
	do    func(*http.Request) (*http.Response, error)
	times []time.Time
	hosts []string
}

// RoundTrip implements [http.RoundTripper].
func (w *KeyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.times = append(w.times, time.Now())
	w.hosts = append(w.hosts, r.URL.Host)
	do := w.do
	w.mu.Unlock()
	if do == nil {
		do = w.Next.RoundTrip
	}
	return do(r)
}

// Answer lets do answer from now on, or the pool again if do is nil.
func (w *KeyWire) Answer(do func(*http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.do = do
}

// Asked returns when which hosts were asked, and forgets it.
func (w *KeyWire) Asked() (times []time.Time, hosts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	times, hosts = w.times, w.hosts
	w.times, w.hosts = nil, nil
	return times, hosts
}

// A KeyLog keeps the log records about key sets, as lines of level, message and
// attributes.
type KeyLog struct {
	attrs []slog.Attr
	lines *keyLines
	once  sync.Once
}

// keyLines are shared by a KeyLog and those that WithAttrs made of it.
type keyLines struct {
	sync.Mutex
	all []string
}

func (h *KeyLog) shared() *keyLines {
	h.once.Do(func() {
		if h.lines == nil {
			h.lines = &keyLines{}
		}
	})
	return h.lines
}

// Enabled implements [slog.Handler], as do the next methods.
func (h *KeyLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *KeyLog) WithGroup(string) slog.Handler            { return h }
func (h *KeyLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &KeyLog{attrs: slices.Concat(h.attrs, attrs), lines: h.shared()}
}

func (h *KeyLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "cognitoauth: refused" {
		return nil
	}
	line := r.Level.String() + " " + r.Message
	for _, a := range h.attrs {
		line += " " + a.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	lines := h.shared()
	lines.Lock()
	defer lines.Unlock()
	lines.all = append(lines.all, line)
	return nil
}

// Taken returns the records so far and forgets them.
func (h *KeyLog) Taken() []string {
	lines := h.shared()
	lines.Lock()
	defer lines.Unlock()
	all := lines.all
	lines.all = nil
	return all
}

// A KeyClock is the bubble's clock, off by what the test says.
type KeyClock struct{ off atomic.Int64 }

// Now is the time by the clock.
func (c *KeyClock) Now() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }

// Jump sets the clock ahead, or back.
func (c *KeyClock) Jump(d time.Duration) { c.off.Add(int64(d)) }

// Set makes it the clock of a Middleware.
func (c *KeyClock) Set(cfg *cognitoauth.Config) { cfg.Now = c.Now }
