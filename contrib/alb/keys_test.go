package cognitoalb_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// everyKey has a key under each kid, the region's under kid.
func everyKey(url string) (int, string) {
	if url == site+kid {
		return http.StatusOK, publicPEM(&signing.PublicKey)
	}
	return http.StatusOK, publicPEM(&other.PublicKey)
}

func down(string) (int, string) { return http.StatusInternalServerError, "" }

// What the endpoint may answer, and what follows. Nothing but one P-256 key as PEM is
// used.
func TestKeyEndpoint_misbehaves(t *testing.T) {
	mine := publicPEM(&signing.PublicKey)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		status int
		body   string
		code   string
	}{
		{"the key", 200, mine, ""},
		{"the key with white space around it", 200, "\n" + mine + "\r\n\n", ""},
		{"404", 404, "", "key_unknown"},
		{"403, as S3 says it", 403, "<Error><Code>AccessDenied</Code></Error>", "key_unknown"},
		{"404 with the key", 404, mine, "key_unknown"},
		{"500", 500, mine, "keys_unavailable"},
		{"204", 204, "", "keys_unavailable"},
		{"a redirect", 302, mine, "keys_unavailable"},
		{"an empty body", 200, "", "keys_unavailable"},
		{"a huge body", 200, mine + strings.Repeat("\n", 1<<20), "keys_unavailable"},
		{"two blocks", 200, mine + mine, "keys_unavailable"},
		{"another block first", 200, publicPEM(&other.PublicKey) + mine, "keys_unavailable"},
		{"text before the block", 200, "x\n" + mine, "keys_unavailable"},
		{"text behind the block", 200, mine + "x", "keys_unavailable"},
		{"a block with a header", 200, strings.Replace(mine, "\n", "\nx: y\n\n", 1), "keys_unavailable"},
		{"a block of another type", 200, strings.ReplaceAll(mine, "PUBLIC KEY", "EC PRIVATE KEY"), "keys_unavailable"},
		{"a block that is no key", 200, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "keys_unavailable"},
		{"P-224", 200, publicPEM(&curves[0].PublicKey), "keys_unavailable"},
		{"P-384", 200, publicPEM(&curves[1].PublicKey), "keys_unavailable"},
		{"P-521", 200, publicPEM(&curves[2].PublicKey), "keys_unavailable"},
		{"RSA", 200, publicPEM(&weak.PublicKey), "keys_unavailable"},
		{"Ed25519", 200, publicPEM(edwards), "keys_unavailable"},
		{"another P-256 key", 200, publicPEM(&other.PublicKey), "signature_invalid"},
	}
	for _, tt := range tests {
		e := newEndpoint()
		e.becomes(func(string) (int, string) { return tt.status, tt.body })
		_, err := verifier(t, e.config()).Verify(t.Context(), good(time.Now()).String())
		if code(err) != tt.code {
			t.Errorf("%s: %q, want %q", tt.name, code(err), tt.code)
		}
		if n := e.fetches(); n != 1 {
			t.Errorf("%s: %d fetches, want 1", tt.name, n)
		}
		if tt.code == "keys_unavailable" && (!errors.Is(err, cognitoauth.ErrUnavailable) || err.(*cognitoalb.Error).RetryAfter < time.Second) {
			t.Errorf("%s: %v without RetryAfter", tt.name, err)
		}
	}
}

// An endpoint that never answers holds a request for 3 s, and a fetch for 5 s. The
// caller's own context ends the wait, not the fetch.
func TestKeyEndpoint_hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.wait = func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }
		v := verifier(t, e.config())
		header := good(time.Now()).String()
		start := time.Now()
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" || time.Since(start) != 3*time.Second {
			t.Errorf("%q after %s, want 503 after 3 s", code(err), time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(ctx, header); code(err) != "keys_unavailable" || time.Since(start) != 4*time.Second {
			t.Errorf("%q after %s, want the end of the context", code(err), time.Since(start))
		}
		if n := e.fetches(); n != 1 {
			t.Errorf("%d fetches, want that of the first request", n)
		}
		time.Sleep(1500 * time.Millisecond) // the fetch has ended after 5 s
		start = time.Now()
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" || time.Since(start) != 0 {
			t.Errorf("after the failure: %q after %s, want an answer at once", code(err), time.Since(start))
		}
	})
}

// Requests that need one key share one fetch, and one that goes away does not end it.
func TestFetch_shared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.wait = func(*http.Request) error { time.Sleep(time.Second); return nil }
		v := verifier(t, e.config())
		header := good(time.Now()).String()
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := v.Verify(gone, header); code(err) != "keys_unavailable" {
				t.Errorf("the one that leaves: %q", code(err))
			}
		})
		synctest.Wait()
		for range 100 {
			all.Go(func() {
				if _, err := v.Verify(t.Context(), header); err != nil {
					t.Error(code(err))
				}
			})
		}
		synctest.Wait()
		leave()
		all.Wait()
		if n := e.fetches(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

// Somebody who sends a thousand kids a second cannot order more than the pace, and
// takes nothing from those whose key is remembered.
func TestFetch_flood(t *testing.T) {
	for name, answer := range map[string]func(string) (int, string){
		"kids that nobody has": newEndpoint().answer,
		"real kids":            everyKey,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint()
			e.becomes(answer)
			v := verifier(t, e.config())
			now := time.Now()
			g := good(now.Add(time.Hour))
			mine := g.String()
			if _, err := v.Verify(t.Context(), mine); err != nil {
				t.Fatal(code(err))
			}
			forged := g.by(other).signed() + mine[strings.LastIndex(mine, "."):]
			_, rest, _ := strings.Cut(forged, ".")
			for n := range 10_000 {
				d := g.with("kid", uuid(n))
				header := strings.Split(d.signed(), ".")[0] + "." + rest
				if _, err := v.Verify(t.Context(), header); err == nil {
					t.Fatal("a forged header was admitted")
				}
				time.Sleep(time.Millisecond)
			}
			// The first fetch, what is left of four at once, and one in each of ten seconds.
			if n := e.fetches(); n > 4+10 {
				t.Errorf("%s: %d fetches in 10 s, want 14 at most", name, n)
			} else if n < 10 {
				t.Errorf("%s: %d fetches in 10 s: the test does not flood", name, n)
			}
			for n := range 60 { // another minute, at the pace
				time.Sleep(time.Second)
				_, _ = v.Verify(t.Context(), g.with("kid", uuid(1<<20+n)).String())
			}
			if known, absent := v.Remembered(); known > 16 || absent > 14 {
				t.Errorf("%s: %d keys and %d unknown kids are remembered", name, known, absent)
			}
			before := e.fetches()
			if _, err := v.Verify(t.Context(), mine); err != nil || e.fetches() != before {
				t.Errorf("%s: a remembered key: %q, %d fetches", name, code(err), e.fetches()-before)
			}
		})
	}
}

// The memory for keys is bounded. Real kids of others push out each other, and none of
// ours that has verified a header.
func TestKeys_bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(everyKey)
		v := verifier(t, e.config())
		ask := func(d data) (string, int) {
			before := e.fetches()
			_, err := v.Verify(t.Context(), d.String())
			time.Sleep(time.Second) // the pace
			return code(err), e.fetches() - before
		}
		g := good(time.Now().Add(3 * time.Hour))
		if c, n := ask(g); c != "" || n != 1 {
			t.Fatal(c, n)
		}
		for n := range 60 {
			if c, _ := ask(g.with("kid", uuid(n))); c != "signature_invalid" {
				t.Fatalf("a kid of others: %q", c)
			}
		}
		if c, n := ask(g); c != "" || n != 0 {
			t.Errorf("our key after 60 others: %q, %d fetches", c, n)
		}
		time.Sleep(time.Hour)
		ask(g) // fetches it anew, unchanged
		for n := range 20 {
			ask(g.with("kid", uuid(200+n)))
		}
		if c, n := ask(g); c != "" || n != 0 {
			t.Errorf("our key, renewed, after 20 others: %q, %d fetches", c, n)
		}
		if _, n := ask(g.with("kid", uuid(0))); n != 1 {
			t.Errorf("the first of the others is still remembered")
		}
		// Ours that were in use the longest time ago go first.
		for n := 100; n < 120; n++ {
			if c, _ := ask(g.with("kid", uuid(n)).by(other)); c != "" {
				t.Fatalf("another key of ours: %q", c)
			}
		}
		if _, n := ask(g.with("kid", uuid(119)).by(other)); n != 0 {
			t.Error("the newest is not remembered")
		}
		if _, n := ask(g); n != 1 {
			t.Error("21 keys are remembered")
		}
	})
}

// A key that is fetched anew has its place already, also where all 16 are taken.
func TestKeys_renewedAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(everyKey)
		v := verifier(t, e.config())
		ask := func(n int) (fetched int) {
			before := e.fetches()
			d := good(time.Now().Add(time.Minute)).with("kid", uuid(n)).by(other)
			if _, err := v.Verify(t.Context(), d.String()); err != nil {
				t.Fatalf("key %d: %v", n, err)
			}
			time.Sleep(time.Second) // the pace
			return e.fetches() - before
		}
		ask(0)
		time.Sleep(50 * time.Minute)
		for n := 1; n < 16; n++ {
			ask(n)
		}
		ask(0) // so it is not the one that has to make room
		time.Sleep(10 * time.Minute)
		if n := ask(0); n != 1 {
			t.Fatalf("an hour later the first key was fetched %d times, want once", n)
		}
		for n := range 16 {
			if fetched := ask(n); fetched != 0 {
				t.Errorf("key %d was forgotten", n)
			}
		}
	})
}

// A kid that the endpoint does not have is not asked for again for 10 s.
func TestFetch_unknownKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(func(string) (int, string) { return http.StatusNotFound, "" })
		v := verifier(t, e.config())
		header := good(time.Now().Add(time.Hour)).String()
		for range 99 { // 9.9 s
			if _, err := v.Verify(t.Context(), header); code(err) != "key_unknown" {
				t.Fatal(code(err))
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := e.fetches(); n != 1 {
			t.Errorf("%d fetches in 9.9 s, want 1", n)
		}
		e.becomes(newEndpoint().answer)
		time.Sleep(100 * time.Millisecond)
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("a key that was published: %q", code(err))
		}
	})
}

// After a failure of the endpoint nobody asks it for 1 s, doubling to 10 s.
func TestFetch_backoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(down)
		v := verifier(t, e.config())
		start := time.Now()
		g := good(start.Add(time.Hour))
		headers := []string{g.String(), g.with("kid", uuid(1)).String()}
		for n := range 400 { // 40 s, two kids
			if _, err := v.Verify(t.Context(), headers[n%2]); code(err) != "keys_unavailable" {
				t.Fatal(code(err))
			}
			time.Sleep(100 * time.Millisecond)
		}
		var at []time.Duration
		for _, a := range e.at {
			at = append(at, a.Sub(start))
		}
		// 1, 2, 4 and 8 s after each other, then 10 s.
		want := []time.Duration{0, 1, 3, 7, 15, 25, 35}
		if len(at) != len(want) {
			t.Fatalf("fetches at %v, want %v s", at, want)
		}
		for i := range want {
			if at[i] != want[i]*time.Second {
				t.Errorf("fetches at %v, want %v s", at, want)
				break
			}
		}
		e.becomes(newEndpoint().answer)
		time.Sleep(10 * time.Second)
		if _, err := v.Verify(t.Context(), headers[0]); err != nil {
			t.Errorf("when the endpoint is back: %q", code(err))
		}
		e.becomes(down)
		_, err := v.Verify(t.Context(), headers[1])
		if refusal := err.(*cognitoalb.Error); refusal.Code != "keys_unavailable" || refusal.RetryAfter != time.Second {
			t.Errorf("the first failure after a success: %q, retry after %s", refusal.Code, refusal.RetryAfter)
		}
	})
}

// A remembered key is fetched anew after an hour, in the background. When the endpoint
// denies it then, it is not used any more; when the endpoint still denies it a minute
// later, it was withdrawn.
func TestKeys_withdrawn(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint()
			v := verifier(t, e.config())
			header := good(time.Now().Add(48 * time.Hour)).String()
			verify := func() string {
				_, err := v.Verify(t.Context(), header)
				synctest.Wait() // what is in the background
				return code(err)
			}
			verify()
			time.Sleep(59 * time.Minute)
			if c := verify(); c != "" || e.fetches() != 1 {
				t.Errorf("before the hour: %q, %d fetches", c, e.fetches())
			}
			time.Sleep(time.Minute)
			if c := verify(); c != "" || e.fetches() != 2 {
				t.Errorf("after it: %q, %d fetches", c, e.fetches())
			}
			e.becomes(func(string) (int, string) { return status, "" })
			time.Sleep(time.Hour)
			if c := verify(); c != "" || e.fetches() != 3 {
				t.Errorf("%d, the request that finds out: %q, %d fetches", status, c, e.fetches())
			}
			denied := time.Now()
			for time.Since(denied) < time.Minute {
				if c := verify(); c != "keys_unavailable" {
					t.Fatalf("%d, after %s: %q", status, time.Since(denied), c)
				}
				time.Sleep(100 * time.Millisecond)
			}
			// 1, 2, 4, 8 and 16 s after the denial, then each 10 s.
			if n := e.fetches(); n != 3+5+4 {
				t.Errorf("%d: %d fetches in the minute", status, n-3)
			}
			time.Sleep(10 * time.Second)
			if c := verify(); c != "key_unknown" {
				t.Errorf("%d, a key that is still denied after a minute: %q", status, c)
			}
			before := e.fetches()
			if c := verify(); c != "key_unknown" || e.fetches() != before {
				t.Errorf("%d, afterwards: %q, %d fetches", status, c, e.fetches()-before)
			}
		})
	}
}

// A proxy on the way out says 403 as well, for as long as it is restarted or misled. That
// is not the caller's fault: nobody gets 401, and a second later the key is good again,
// also while somebody uses up the pace.
func TestKeys_deniedForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		present := e.answer
		var log bytes.Buffer
		c := e.config()
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		v := verifier(t, c)
		g := good(time.Now().Add(48 * time.Hour))
		header := g.String()
		_, _ = v.Verify(t.Context(), header)
		time.Sleep(time.Hour)
		e.becomes(func(string) (int, string) { return http.StatusForbidden, "" })
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("the request that finds out: %q", code(err))
		}
		synctest.Wait()
		var refusal *cognitoalb.Error
		_, err := v.Verify(t.Context(), header)
		if !errors.As(err, &refusal) || !errors.Is(err, cognitoauth.ErrUnavailable) || refusal.RetryAfter != time.Second || !strings.Contains(refusal.Detail(), "proxy") {
			t.Errorf("in doubt: %+v", err)
		}
		if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "proxy") {
			t.Errorf("the log does not tell the operator: %s", got)
		}
		e.becomes(present)
		for n := range 20 {
			_, _ = v.Verify(t.Context(), g.with("kid", uuid(n)).String())
		}
		time.Sleep(time.Second - time.Millisecond)
		before := e.fetches()
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" || e.fetches() != before {
			t.Errorf("before the second is over: %q, %d fetches", code(err), e.fetches()-before)
		}
		time.Sleep(time.Millisecond)
		_, _ = v.Verify(t.Context(), g.with("kid", uuid(20)).String()) // takes the pace
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("when the proxy is well again: %q", code(err))
		}
		before = e.fetches()
		time.Sleep(59 * time.Minute)
		if _, err := v.Verify(t.Context(), header); err != nil || e.fetches() != before {
			t.Errorf("an hour has begun anew: %q, %d fetches", code(err), e.fetches()-before)
		}
	})
}

// A failure says nothing about a key that was denied: it is neither good again nor
// withdrawn. What the endpoint says next decides.
func TestKeys_deniedThenOutage(t *testing.T) {
	for name, tt := range map[string]struct {
		next func(string) (int, string)
		code string
	}{
		"there again":  {newEndpoint().answer, ""},
		"still denied": {func(string) (int, string) { return http.StatusNotFound, "" }, "key_unknown"},
		"replaced":     {func(string) (int, string) { return http.StatusOK, publicPEM(&other.PublicKey) }, "signature_invalid"},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint()
			v := verifier(t, e.config())
			header := good(time.Now().Add(48 * time.Hour)).String()
			_, _ = v.Verify(t.Context(), header)
			time.Sleep(time.Hour)
			e.becomes(func(string) (int, string) { return http.StatusForbidden, "" })
			_, _ = v.Verify(t.Context(), header)
			synctest.Wait()
			e.becomes(down)
			for range 200 {
				time.Sleep(time.Second)
				if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" {
					t.Fatalf("%s, in the outage: %q", name, code(err))
				}
			}
			if n := e.fetches(); n > 2+5+20 {
				t.Errorf("%s: %d fetches in 200 s", name, n)
			}
			e.becomes(tt.next)
			time.Sleep(10 * time.Second)
			if _, err := v.Verify(t.Context(), header); code(err) != tt.code {
				t.Errorf("%s: %q, want %q", name, code(err), tt.code)
			}
		})
	}
}

// A denied key is asked for again whatever the clock says meanwhile.
func TestKeys_deniedByAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		present := e.answer
		c := e.config()
		ahead := time.Duration(0)
		c.Now = func() time.Time { return time.Now().Add(ahead) }
		v := verifier(t, c)
		header := good(time.Now().Add(48 * time.Hour)).String()
		_, _ = v.Verify(t.Context(), header)
		e.becomes(func(string) (int, string) { return http.StatusForbidden, "" })
		ahead = time.Hour
		_, _ = v.Verify(t.Context(), header)
		synctest.Wait()
		e.becomes(present)
		ahead = 0
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" {
			t.Errorf("denied: %q", code(err))
		}
		time.Sleep(time.Second)
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("there again: %q", code(err))
		}
	})
}

// A key that has never verified a header is nothing to be in doubt about: real kids of
// others are no secret, and whoever sends them gets 401.
func TestKeys_deniedUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		v := verifier(t, e.config())
		forged := good(time.Now().Add(48 * time.Hour)).by(other).String()
		_, _ = v.Verify(t.Context(), forged)
		time.Sleep(time.Hour)
		e.becomes(func(string) (int, string) { return http.StatusForbidden, "" })
		if _, err := v.Verify(t.Context(), forged); code(err) != "signature_invalid" {
			t.Errorf("the request that finds out: %q", code(err))
		}
		synctest.Wait()
		if _, err := v.Verify(t.Context(), forged); code(err) != "key_unknown" {
			t.Errorf("afterwards: %q", code(err))
		}
	})
}

// Another key under the same kid takes the place of the old one.
func TestKeys_replaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		v := verifier(t, e.config())
		g := good(time.Now().Add(48 * time.Hour))
		_, _ = v.Verify(t.Context(), g.String())
		e.becomes(func(string) (int, string) { return http.StatusOK, publicPEM(&other.PublicKey) })
		time.Sleep(time.Hour)
		_, _ = v.Verify(t.Context(), g.String())
		synctest.Wait()
		if _, err := v.Verify(t.Context(), g.String()); code(err) != "signature_invalid" {
			t.Errorf("the old key: %q", code(err))
		}
		if _, err := v.Verify(t.Context(), g.by(other).String()); err != nil {
			t.Errorf("the new key: %q", code(err))
		}
	})
}

// While the endpoint is down, a remembered key is good for 24 h; it is tried once a
// minute at most. A clock that is set back does not make it last longer.
func TestKeys_outage(t *testing.T) {
	for name, back := range map[string]time.Duration{"clock right": 0, "clock set back by a day": 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			e := newEndpoint()
			c := e.config()
			start, set := time.Now(), time.Duration(0)
			c.Now = func() time.Time { return time.Now().Add(-set) }
			v := verifier(t, c)
			header := good(start.Add(48 * time.Hour)).String()
			_, _ = v.Verify(t.Context(), header)
			e.becomes(down)
			set = back
			for time.Since(start) < 24*time.Hour {
				time.Sleep(30 * time.Second)
				if _, err := v.Verify(t.Context(), header); err != nil {
					t.Fatalf("%s: %q after %s", name, code(err), time.Since(start))
				}
			}
			if n := e.fetches(); n > 1+24*60 {
				t.Errorf("%s: %d fetches", name, n)
			}
			time.Sleep(time.Second)
			if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" {
				t.Errorf("%s, after 24 h: %q", name, code(err))
			}
			synctest.Wait()
		})
	}
}

// A panic of the client is a failed fetch, and one of the clock goes to the caller. Both
// leave nothing locked.
func TestKeys_panics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.wait = func(*http.Request) error { panic("client") }
		c := e.config()
		broken := false
		c.Now = func() time.Time {
			if broken {
				panic("clock")
			}
			return time.Now()
		}
		v := verifier(t, c)
		header := good(time.Now().Add(time.Hour)).String()
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" {
			t.Errorf("%q", code(err))
		}
		broken = true
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic of the clock")
				}
			}()
			_, _ = v.Verify(t.Context(), header)
		}()
		broken, e.wait = false, nil
		time.Sleep(5 * time.Second) // net/http waits for its timeout
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("afterwards: %q", code(err))
		}
	})
}

// No more than 1024 requests wait for keys.
func TestKeys_crowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.wait = func(*http.Request) error { time.Sleep(2 * time.Second); return nil }
		v := verifier(t, e.config())
		header := good(time.Now()).String()
		var all sync.WaitGroup
		for range 1024 {
			all.Go(func() {
				if _, err := v.Verify(t.Context(), header); err != nil {
					t.Error(code(err))
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" || time.Since(start) != 0 {
			t.Errorf("one more: %q after %s", code(err), time.Since(start))
		}
		all.Wait()
	})
}

// Each region has an endpoint of its own: if that of one is down, the keys of another
// are fetched as ever.
func TestFetch_regions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const there = "https://public-keys.auth.elb.eu-central-1.amazonaws.com/"
		e := newEndpoint()
		here := e.answer
		e.becomes(func(url string) (int, string) {
			if strings.HasPrefix(url, there) {
				return down(url)
			}
			return here(url)
		})
		c := e.config()
		abroad := strings.Replace(arn, "eu-west-1", "eu-central-1", 1)
		c.LoadBalancers = append(c.LoadBalancers, abroad)
		v := verifier(t, c)
		g := good(time.Now())
		if _, err := v.Verify(t.Context(), g.with("signer", abroad).String()); code(err) != "keys_unavailable" {
			t.Errorf("a region whose endpoint is down: %q", code(err))
		}
		if _, err := v.Verify(t.Context(), g.String()); err != nil {
			t.Errorf("the other region: %q", code(err))
		}
	})
}
