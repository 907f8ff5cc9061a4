package cognitoauth_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// TestRotation sends a thousand requests under a new key at once, an attacker
// with a kid of his own before them.
func TestRotation(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"nobody came before: all are accepted by one fetch", func(l *keyLab) {
			l.warm()
			l.pool.Rotate()
			l.newKeyCrowd(2, 200*time.Millisecond)
		}},
		{"an attacker's fetch is in flight, he has hung up: all are accepted by it", func(l *keyLab) {
			l.warm()
			l.pool.SetFault(cognitotest.Fault{Delay: 500 * time.Millisecond})
			l.hangUp(100 * time.Millisecond)
			l.pool.Rotate()
			l.newKeyCrowd(2, 400*time.Millisecond)
		}},
		{"an attacker's fetch has ended a floor ago: all are accepted by one fetch", func(l *keyLab) {
			l.warm()
			l.hangUp(0)
			l.pool.Rotate()
			time.Sleep(floorAfterSuccess)
			l.newKeyCrowd(3, 200*time.Millisecond)
		}},
		{"an attacker's fetch has ended inside the floor: refused at once until it is over", func(l *keyLab) {
			l.warm()
			l.hangUp(0)
			l.pool.Rotate()
			time.Sleep(floorAfterSuccess - time.Nanosecond)
			l.wantCrowd("inside the floor", l.crowd(1000, l.token()), map[string]int{unknownKey: 1000})
			l.wantFetches("inside the floor", 2)
			if l.slowest != 0 {
				l.Errorf("the slowest refusal took %s, want none to wait", l.slowest)
			}
			time.Sleep(time.Nanosecond)
			l.newKeyCrowd(3, 200*time.Millisecond)
		}},
		{"an attacker's fetch brings what was there before the rotation: as inside the floor", func(l *keyLab) {
			l.warm()
			l.pool.SetFault(cognitotest.Fault{Delay: 500 * time.Millisecond, Body: l.pool.KeySet()})
			l.hangUp(100 * time.Millisecond)
			l.pool.Rotate()
			l.wantCrowd("the old set", l.crowd(1000, l.token()), map[string]int{unknownKey: 1000})
			l.wantFetches("the old set", 2)
			time.Sleep(floorAfterSuccess)
			l.newKeyCrowd(3, 200*time.Millisecond)
		}},
		{"the key was published before it signed, and a refresh was due: nobody waits", func(l *keyLab) {
			l.warm()
			time.Sleep(latestRefresh)
			l.pool.PublishNext()
			l.want("the request that starts the refresh", l.token(), okay)
			synctest.Wait()
			l.pool.Activate()
			l.wantCrowd("the new key", l.crowd(1000, l.token()), map[string]int{okay: 1000})
			l.wantFetches("all", 2)
			if l.slowest != 0 {
				l.Errorf("the slowest waited %s, want none to wait", l.slowest)
			}
		}},
	})
}

// newKeyCrowd demands that a thousand requests under the new key are accepted
// after a wait, by that many fetches in all.
func (l *keyLab) newKeyCrowd(fetches int, wait time.Duration) {
	l.Helper()
	if l.status().Fetches < fetches {
		l.pool.SetFault(cognitotest.Fault{Delay: wait})
	}
	l.slowest = 0
	l.wantCrowd("the new key", l.crowd(1000, l.token()), map[string]int{okay: 1000})
	l.wantFetches("the new key", fetches)
	if l.slowest != wait {
		l.Errorf("the slowest waited %s, want %s", l.slowest, wait)
	}
}

// hangUp sends a token with an unknown kid, and gives up after a while.
func (l *keyLab) hangUp(after time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	l.sendCtx(ctx, l.stranger("attacker"))
	synctest.Wait()
}

// TestFlood lets a hundred clients send a thousand random kids each.
func TestFlood(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := newKeyLab(t)
		l.warm()
		l.pool.SetFault(cognitotest.Fault{Delay: 300 * time.Millisecond})
		known := l.pool.AccessToken().ExpiresIn(2 * time.Hour).String()
		l.stranger("") // what all of them share
		before, began := heapBytes(), time.Now()
		var waited atomic.Int64
		var all sync.WaitGroup
		for client := range 100 {
			all.Go(func() {
				for i := range 1000 {
					got := l.send(l.stranger(fmt.Sprintf("%d-%d", client, i)))
					if got.verdict != unknownKey || got.waited > 300*time.Millisecond {
						t.Errorf("random kid: %v, want %s, 300 ms later at most", got, unknownKey)
					}
					if got.waited > 0 {
						waited.Add(1)
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		all.Go(func() {
			for range 500 {
				l.want("known key", known, okay)
				time.Sleep(100 * time.Millisecond)
			}
		})
		all.Wait()
		fetches := l.status().Fetches - 1
		if most := 1 + int(time.Since(began)/floorAfterSuccess); fetches > most || fetches < 2 {
			t.Errorf("%d fetches in %s, want at most %d and the floor used", fetches, time.Since(began), most)
		}
		// Whoever comes during a fetch waits for it: 100 clients, each fetch.
		if most := int64(100 * fetches); waited.Load() > most {
			t.Errorf("%d refusals were not immediate, want %d at most", waited.Load(), most)
		}
		if grown := heapBytes() - before; grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		if ids := l.status().KeyIDs; len(ids) != 2 {
			t.Errorf("%d keys are kept, want the pool's 2", len(ids))
		}
	})
}

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestOutage: an endpoint that answers nothing good for hours.
func TestOutage(t *testing.T) {
	runKeyCases(t, outages)
	runKeyCases(t, []keyCase{{"of both of a pool's hosts", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Status: 503})
		for range 60 {
			l.want("down", l.token(), unavailable)
			time.Sleep(time.Second)
		}
		if n, requests := l.status().Fetches, l.pool.Fetches(); n > 8 || requests != 2*n {
			l.Errorf("%d fetches, %d requests in a minute; want some, and two requests each", n, requests)
		}
	}}}, twoHosts)
}

var outages = []keyCase{
	{"at the start", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Delay: 100 * time.Millisecond, Status: 503})
		l.wantCrowd("cold", l.crowd(1000, l.token()), map[string]int{unavailable: 1000})
		l.wantFetches("cold", 1)
		for range 600 {
			l.send(l.token())
			time.Sleep(time.Second)
		}
		if n := l.status().Fetches; n < 10 || n > 20 {
			l.Errorf("%d fetches in ten minutes, want 6 while the pause doubles and then one a minute", n)
		}
		l.pool.SetFault()
		time.Sleep(time.Minute)
		l.want("healed", l.token(), okay)
	}},
	{"mid-life", func(l *keyLab) {
		l.warm()
		l.pool.SetFault(cognitotest.Fault{Abort: true})
		before := l.status().Fetches
		for range 120 {
			token := l.token()
			l.want("known key", token, okay)
			l.want("unknown key", l.stranger("a"), unavailable)
			time.Sleep(30 * time.Second)
		}
		if n := l.status().Fetches - before; n < 40 || n > 70 {
			l.Errorf("%d fetches in an hour, want one a minute or so", n)
		}
		l.pool.Rotate()
		l.pool.SetFault()
		time.Sleep(time.Minute)
		l.want("healed, the new key", l.token(), okay)
	}},
	{"past the hard limit", func(l *keyLab) {
		l.warm()
		l.pool.SetFault(cognitotest.Fault{Abort: true})
		for l.status().Age < hardLimit {
			l.want("before", l.token(), okay)
			time.Sleep(10 * time.Minute)
		}
		time.Sleep(time.Minute)
		for range 120 {
			l.want("past it", l.token(), unavailable)
			time.Sleep(time.Second)
		}
		l.pool.SetFault()
		time.Sleep(time.Minute)
		l.want("healed", l.token(), okay)
	}},
	{"of all hosts that hang", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Hang: true})
		for range 20 {
			if got := l.send(l.token()); got.verdict != unavailable || got.waited > longestWait {
				l.Errorf("hanging: %v, want %s within %s", got, unavailable, longestWait)
			}
			time.Sleep(time.Second)
		}
	}},
}

// TestFlapping: every other answer is good.
func TestFlapping(t *testing.T) {
	runKeyCases(t, []keyCase{{"every other answer is good", func(l *keyLab) {
		l.warm()
		count := 0
		l.wire.answer(func(r *http.Request) (*http.Response, error) {
			if count++; count%2 == 1 {
				return answerOf(500, strings.NewReader("sorry")), nil
			}
			return l.wire.next.RoundTrip(r)
		})
		verdicts := map[string]int{}
		for range 3600 {
			got := l.send(l.stranger("a"))
			verdicts[got.verdict]++
			if failed := l.status().Err != nil; failed != (got.verdict == unavailable) || got.verdict != unavailable && got.verdict != unknownKey {
				l.Errorf("unknown key: %s after an attempt that failed: %t", got.verdict, failed)
			}
			time.Sleep(time.Second)
		}
		l.want("known key", l.token(), okay)
		s := l.status()
		if s.Fetches < 600 || s.Fetches > 720 || s.Failures != s.Fetches/2 {
			l.Errorf("%d fetches in an hour, %d failed; want two every 10 to 12 s, half of them failed", s.Fetches, s.Failures)
		}
		if verdicts[unavailable] == 0 || verdicts[unknownKey] == 0 {
			l.Errorf("an unknown key saw %v, want both", verdicts)
		}
	}}})
}

// TestBadAnswers: what a warm client sees while the endpoint answers badly. A
// good row says that the answer is good after all.
func TestBadAnswers(t *testing.T) {
	set := func(p *cognitotest.Pool) string { return string(p.KeySet()) }
	is := func(body string) func(*cognitotest.Pool) cognitotest.Fault {
		return func(*cognitotest.Pool) cognitotest.Fault { return cognitotest.Fault{Body: []byte(body)} }
	}
	around := func(before, after string) func(*cognitotest.Pool) cognitotest.Fault {
		return func(p *cognitotest.Pool) cognitotest.Fault {
			return cognitotest.Fault{Body: []byte(before + set(p) + after)}
		}
	}
	fault := func(f cognitotest.Fault) func(*cognitotest.Pool) cognitotest.Fault {
		return func(*cognitotest.Pool) cognitotest.Fault { return f }
	}
	for _, row := range []struct {
		name  string
		fault func(*cognitotest.Pool) cognitotest.Fault
		wait  time.Duration // of a request for an unknown kid
		err   string        // "": the answer is good
	}{
		{"slow is good", fault(cognitotest.Fault{Delay: 2900 * time.Millisecond}), 2900 * time.Millisecond, ""},
		{"slower than a request waits fails that request alone", fault(cognitotest.Fault{Delay: 4900 * time.Millisecond}), longestWait, ""},
		{"slower than a fetch may be fails", fault(cognitotest.Fault{Delay: 5100 * time.Millisecond}), longestWait, "GET https"},
		{"dripping fails", fault(cognitotest.Fault{Drip: 50 * time.Millisecond}), longestWait, "GET https"},
		{"hung fails", fault(cognitotest.Fault{Hang: true}), longestWait, "GET https"},
		{"broken off fails", fault(cognitotest.Fault{Abort: true}), 0, "connection broken"},

		{"empty fails", is(""), 0, "not a JWK set"},
		{"white space fails", is(" \n"), 0, "not a JWK set"},
		{"a web page fails", is("<!doctype html><title>Sorry</title>"), 0, "not a JWK set"},
		{"an empty object fails", is("{}"), 0, "not a JWK set"},
		{"an empty list fails", is(`{"keys":[]}`), 0, "none of them is usable"},
		{"keys that is no list fails", is(`{"keys":{"a":{}}}`), 0, "not a JWK set"},
		{"keys that is null fails", is(`{"keys":null}`), 0, "not a JWK set"},
		{"keys of numbers fail", is(`{"keys":[1,2]}`), 0, "the key set has 2 keys and none of them is usable"},
		{"a list fails", around("[", "]"), 0, "not a JWK set"},
		{"a document that ends early fails", is(`{"keys":[{"kty":"RSA"`), 0, "not a JWK set"},
		{"something behind the document fails", around("", "x"), 0, "not a JWK set"},
		{"two documents fail", around("", "{}"), 0, "not a JWK set"},
		{"a byte order mark fails", around("\xef\xbb\xbf", ""), 0, "not a JWK set"},
		{"white space around the document is good", around(" \r\n\t", " \r\n\t"), 0, ""},
		{"compressed without being asked fails", func(p *cognitotest.Pool) cognitotest.Fault {
			return cognitotest.Fault{Body: zipped(p.KeySet()), Header: http.Header{"Content-Encoding": {"gzip"}}}
		}, 0, "not a JWK set"},
		{"another content type is good", fault(cognitotest.Fault{ContentType: "text/plain"}), 0, ""},

		{"256 KiB are good", func(p *cognitotest.Pool) cognitotest.Fault { return padded(p, largestKeySet) }, 0, ""},
		{"a byte more fails", func(p *cognitotest.Pool) cognitotest.Fault { return padded(p, largestKeySet+1) }, 0, "larger than 262144 bytes"},

		{"a redirect fails", fault(cognitotest.Fault{Redirect: "https://elsewhere.example/"}), 0, "status 302"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) { badAnswer(newKeyLab(t), row.fault, row.wait, row.err) })
		})
	}
}

// TestBadStatus: whatever the body, only 200 is an answer.
func TestBadStatus(t *testing.T) {
	for _, status := range []int{201, 202, 203, 204, 206, 300, 301, 303, 304, 307, 308, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 504, 599} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				badAnswer(newKeyLab(t), func(p *cognitotest.Pool) cognitotest.Fault {
					return cognitotest.Fault{Status: status, Body: p.KeySet(), Redirect: p.JWKSURL()}
				}, 0, fmt.Sprintf("status %d, expected 200", status))
			})
		})
	}
}

func badAnswer(l *keyLab, fault func(*cognitotest.Pool) cognitotest.Fault, wait time.Duration, failure string) {
	l.warm()
	l.pool.Rotate()
	old := l.status().KeyIDs
	l.pool.SetFault(fault(l.pool))
	began, verdict := time.Now(), unavailable
	if failure == "" && wait < longestWait {
		verdict = okay
	}
	l.wantAfter(wait, "the new key", l.token(), verdict)
	time.Sleep(longestFetch - time.Since(began))
	synctest.Wait()
	s := l.status()
	if failure == "" {
		if s.Err != nil || s.Fetches != 2 {
			l.Errorf("Status: %d fetches, last error %v; want two and none", s.Fetches, s.Err)
		}
		return
	}
	if s.Err == nil || !strings.Contains(s.Err.Error(), failure) || !strings.Contains(s.Err.Error(), l.pool.JWKSURL()) {
		l.Errorf("Status: last error %v, want %q and the URL", s.Err, failure)
	}
	if s.Fetches != 2 || s.Failures != 1 || len(s.KeyIDs) != 2 || s.KeyIDs[0] != old[0] || s.KeyIDs[1] != old[1] {
		l.Errorf("Status: %+v, want a failed fetch and the last good set", s)
	}
	l.pool.SetFault()
	time.Sleep(time.Minute)
	l.want("healed, the new key", l.token(), okay)
}

// padded is the key set, made longer by white space.
func padded(p *cognitotest.Pool, size int) cognitotest.Fault {
	set := p.KeySet()
	return cognitotest.Fault{Body: append(bytes.Repeat([]byte(" "), size-len(set)), set...)}
}

func zipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// TestSockets is what only a connection shows: the library's own client against
// servers on loopback.
func TestSockets(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	set := pool.KeySet()
	for _, row := range []struct {
		name    string
		serve   http.HandlerFunc
		verdict string
		err     string
	}{
		{"a good answer is good", func(w http.ResponseWriter, r *http.Request) { w.Write(set) }, okay, ""},
		{"in chunks too", func(w http.ResponseWriter, r *http.Request) {
			for _, b := range set {
				w.Write([]byte{b})
				http.NewResponseController(w).Flush()
			}
		}, okay, ""},
		{"compressed as asked is good", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") == "gzip" {
				sends("Content-Encoding", "gzip", zipped(set))(w, r)
			}
		}, okay, ""},
		{"compressed beyond the limit fails", sends("Content-Encoding", "gzip", zipped(append(bytes.Repeat([]byte(" "), 8<<20), set...))), unavailable, "larger than 262144 bytes"},
		{"compressed in another way fails", sends("Content-Encoding", "br", []byte{0x0b, 0x02, 0x80}), unavailable, "not a JWK set"},
		{"broken off in chunks fails, although all keys are there", func(w http.ResponseWriter, r *http.Request) {
			w.Write(set)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, unavailable, "unexpected EOF"},
		{"shorter than it says fails, although all keys are there", sends("Content-Length", strconv.Itoa(len(set)+1), set), unavailable, "unexpected EOF"},
		{"longer than it says is read as far as it says", rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + string(set)), unavailable, "not a JWK set"},
		{"nothing at all fails", rawAnswer(""), unavailable, "EOF"},
		{"another protocol fails", rawAnswer("SSH-2.0-OpenSSH_9.9\r\n"), unavailable, "malformed HTTP response"},
		{"empty fails", func(w http.ResponseWriter, r *http.Request) {}, unavailable, "not a JWK set"},
		{"a long header fails", sends("X-Long", strings.Repeat("a", 128<<10), set), unavailable, "response headers exceeded"},
		{"a status other than 200 fails", rawAnswer("HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n" + string(set)), unavailable, "status 202"},
		{"an upgrade fails", rawAnswer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + string(set)), unavailable, "status 101"},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := httptest.NewServer(row.serve)
			defer srv.Close()
			l := socketLab(t, srv.URL+"/jwks.json")
			l.wantSoon("cold", pool.AccessToken().String(), row.verdict)
			err := l.status().Err
			if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("the fetch ended with %v, want %q", err, row.err)
			}
		})
	}
}

// pipes is a listener whose connections stay in the process, so that they can
// live in a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// TestSlowServers is what takes seconds, by net/http on both sides: what a
// server that takes its time does to a request, and that the client hangs up on
// it at the end of the fetch.
func TestSlowServers(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request, text []byte, pause time.Duration) {
		for _, b := range text {
			time.Sleep(pause)
			if _, err := w.Write([]byte{b}); err != nil || http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
				return
			}
		}
	}
	pause := func(r *http.Request, d time.Duration) {
		select {
		case <-r.Context().Done():
		case <-time.After(d):
		}
	}
	for _, row := range []struct {
		name    string
		serve   func(w http.ResponseWriter, r *http.Request, set []byte)
		verdict string
		wait    time.Duration // of the request
		gone    time.Duration // when the server is left
	}{
		{"slow is good", func(w http.ResponseWriter, r *http.Request, set []byte) { pause(r, 2*time.Second); w.Write(set) }, okay, 2 * time.Second, 2 * time.Second},
		{"dripping in time is good", func(w http.ResponseWriter, r *http.Request, set []byte) {
			drip(w, r, set, 2*time.Second/time.Duration(len(set)))
		}, okay, 0, 0},
		{"dripping fails", func(w http.ResponseWriter, r *http.Request, set []byte) { drip(w, r, set, 50*time.Millisecond) }, unavailable, longestWait, longestFetch},
		{"dripping white space fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			drip(w, r, bytes.Repeat([]byte(" "), 1000), time.Second)
		}, unavailable, longestWait, longestFetch},
		{"informing for ever fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
				pause(r, 100*time.Millisecond)
			}
		}, unavailable, longestWait, longestFetch},
		{"hung fails", func(w http.ResponseWriter, r *http.Request, set []byte) { pause(r, time.Hour) }, unavailable, longestWait, longestFetch},
		{"hung after the header fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			http.NewResponseController(w).Flush()
			pause(r, time.Hour)
		}, unavailable, longestWait, longestFetch},
		{"hung before the last byte fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			w.Write(set[:len(set)-1])
			http.NewResponseController(w).Flush()
			pause(r, time.Hour)
		}, unavailable, longestWait, longestFetch},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				listener := &pipes{make(chan net.Conn), make(chan struct{})}
				l := newKeyLab(t, func(cfg *cognitoauth.Config) {
					cfg.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}}
					cfg.Pools[0].JWKSURL = "http://localhost/jwks.json"
				})
				var left atomic.Int64
				began := time.Now()
				srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					row.serve(w, r, l.pool.KeySet())
					left.Store(int64(time.Since(began)))
				})}
				go srv.Serve(listener)
				defer srv.Close()
				got := l.send(l.token())
				if got.verdict != row.verdict || row.wait > 0 && got.waited != row.wait {
					t.Errorf("cold: %s after %s, want %s after %s", got.verdict, got.waited, row.verdict, row.wait)
				}
				time.Sleep(longestFetch + time.Second)
				synctest.Wait()
				if at := time.Duration(left.Load()); at == 0 || row.gone > 0 && (at < row.gone || at > row.gone+time.Second) {
					t.Errorf("the server is left after %s, want %s; 0: not at all", at, row.gone)
				}
				if err := l.status().Err; (err == nil) != (row.verdict == okay) {
					t.Errorf("the fetch ended with %v", err)
				}
			})
		})
	}
}

// sends answers with a header and a body.
func sends(name, value string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		w.Write(body)
	}
}

// rawAnswer answers a request by these bytes.
func rawAnswer(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, answer)
	}
}

// socketLab is a lab with the library's own client.
func socketLab(t *testing.T, address string) *keyLab {
	return newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient, cfg.Pools[0].JWKSURL = nil, address })
}

// wantSoon is want where the time is real.
func (l *keyLab) wantSoon(when, token, verdict string) {
	l.Helper()
	if got := l.send(token); got.verdict != verdict {
		l.Errorf("%s: %s, want %s", when, got.verdict, verdict)
	}
}

func TestSocketRedirect(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.RedirectHandler(pool.JWKSURL(), status))
		defer srv.Close()
		l := socketLab(t, srv.URL)
		l.wantSoon("redirected", pool.AccessToken().String(), unavailable)
	}
	if got := pool.Requests(); len(got) != 0 {
		t.Errorf("the redirects were followed to %q", got)
	}
}

// TestNobodyMissesTheFetch: a request looks for its key just before the fetch
// brings it, and asks for a fetch just after. Both wait for the lock, which
// Status holds while the clock blocks; the fetch comes first.
func TestNobodyMissesTheFetch(t *testing.T) {
	testLatecomer(t, 0, func(l *keyLab, token string) { l.want("the request that comes as the fetch ends", token, okay) })
	testLatecomer(t, 2*hardLimit, func(l *keyLab, _ string) { l.ready("as the fetch ends", 0, nil) })
}

// testLatecomer does that with a set of some age, and a token of the new key.
func testLatecomer(t *testing.T, age time.Duration, late func(l *keyLab, token string)) {
	inBubble(t, func(t *testing.T) {
		var looks atomic.Int64
		var armed atomic.Bool
		entered, release, answer := make(chan struct{}), make(chan struct{}), make(chan struct{})
		l := newKeyLab(t, func(cfg *cognitoauth.Config) {
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
		time.Sleep(pastEpoch)
		l.warm()
		l.pool.Rotate()
		time.Sleep(age)
		token := l.token()
		l.wire.answer(func(r *http.Request) (*http.Response, error) {
			<-answer
			return l.wire.next.RoundTrip(r)
		})
		var all sync.WaitGroup
		all.Go(func() { l.want("the request that fetches", l.stranger("a"), unknownKey) })
		synctest.Wait()
		armed.Store(true)
		all.Go(func() { l.auth.Status() })
		<-entered
		settle(func() { close(answer) })
		settle(func() { all.Go(func() { late(l, token) }) })
		close(release)
		all.Wait()
		l.wantFetches("both", 2)
	})
}

// TestPercentInURL: a URL is no format of an error message.
func TestPercentInURL(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const address = "https://keys.example/a%2Fb%20c%d0/keys?d=%73"
		l := newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.Pools[0].JWKSURL = address })
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		l.want("down", l.token(), unavailable)
		if err := l.status().Err; err == nil || !strings.Contains(err.Error(), address+": status 500, expected 200") {
			t.Errorf("the fetch ended with %v, want the URL and the status", err)
		}
	})
}

// TestSocketEndless: a server that never stops sending is not listened to.
func TestSocketEndless(t *testing.T) {
	const most = 64 << 20
	written := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := bytes.Repeat([]byte(" "), 64<<10)
		for written < most {
			n, err := w.Write(block)
			if written += n; err != nil {
				return
			}
		}
	}))
	l := socketLab(t, srv.URL)
	l.wantSoon("endless", l.token(), unavailable)
	srv.Close() // waits for the handler
	if written >= most {
		t.Errorf("the client took all %d bytes, want it to hang up after %d", written, largestKeySet)
	}
}

// TestSocketHung: a caller hangs up on a server that hangs. The fetch goes on,
// for whoever comes next.
func TestSocketHung(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-release
		w.Write(pool.KeySet())
	}))
	defer srv.Close()
	l := socketLab(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if got := l.sendCtx(ctx, pool.AccessToken().String()); got.verdict != unavailable {
			t.Errorf("the caller that hangs up: %v, want %s", got, unavailable)
		}
	})
	<-asked
	cancel()
	all.Wait()
	all.Go(func() { l.wantSoon("the next caller", pool.AccessToken().String(), okay) })
	close(release)
	all.Wait()
	l.wantFetches("both", 1)
}

// TestSocketCrowd: a thousand requests, one connection, and none that stays.
func TestSocketCrowd(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	opened, closed := make(chan struct{}, 10), make(chan struct{}, 10)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(pool.KeySet()) }))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened <- struct{}{}
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	srv.Start()
	defer srv.Close()
	l := socketLab(t, srv.URL)
	l.wantCrowd("cold", l.crowd(1000, pool.AccessToken().String()), map[string]int{okay: 1000})
	l.wantFetches("cold", 1)
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection is kept open")
	}
	if len(opened) != 1 {
		t.Errorf("%d connections, want one", len(opened))
	}
}

// TestSocketTLS: https is verified, by the roots of the client.
func TestSocketTLS(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(pool.KeySet()) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()

	l := socketLab(t, srv.URL)
	l.wantSoon("a certificate of nobody", pool.AccessToken().String(), unavailable)
	if err := l.status().Err; err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the fetch ended with %v, want a word about the certificate", err)
	}
	l = newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient, cfg.Pools[0].JWKSURL = srv.Client(), srv.URL })
	l.wantSoon("a certificate that the given client trusts", pool.AccessToken().String(), okay)
	srv.Client().CloseIdleConnections()
}

func TestSocketRefused(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	l := socketLab(t, srv.URL)
	l.wantSoon("nobody listens", l.token(), unavailable)
	if err := l.status().Err; err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the fetch ended with %v, want connection refused", err)
	}
}

// TestClock: ages are wall time by Config.Now, floors are not.
func TestClock(t *testing.T) {
	for _, c := range clockCases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				clock := &keyClock{}
				c.run(newKeyLab(t, clock.set), clock)
			})
		})
	}
}

var clockCases = []struct {
	name string
	run  func(*keyLab, *keyClock)
}{
	{"ahead by two hours: refreshed beside the requests", func(l *keyLab, c *keyClock) {
		l.warm()
		c.jump(2 * time.Hour)
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.want("after the jump", c.token(l), okay)
		time.Sleep(time.Second)
		l.want("refreshed", c.token(l), okay)
		l.wantFetches("after the jump", 2)
	}},
	{"ahead beyond the hard limit, inside the floor: 503 until it is over", func(l *keyLab, c *keyClock) {
		l.want("cold", c.token(l), okay)
		c.jump(hardLimit + time.Second)
		got := l.want("a key of the old set", c.token(l), unavailable)
		if got.retry != floorAfterSuccess {
			l.Errorf("Retry-After is %s, want what is left of the floor, %s", got.retry, floorAfterSuccess)
		}
		l.want("an unknown key", c.stranger(l), unavailable)
		l.wantFetches("inside the floor", 1)
		time.Sleep(floorAfterSuccess)
		l.want("after the floor", c.token(l), okay)
		l.want("an unknown key", c.stranger(l), unknownKey)
		l.wantFetches("after the floor", 2)
	}},
	{"back by an hour: due, once", func(l *keyLab, c *keyClock) {
		l.warm()
		c.jump(-time.Hour)
		l.want("after the jump", c.token(l), okay)
		synctest.Wait()
		l.wantFetches("after the jump", 2)
		for range 10 {
			time.Sleep(time.Minute)
			l.want("later", c.token(l), okay)
		}
		synctest.Wait()
		l.wantFetches("later", 2)
	}},
	{"back by a year inside the floor: due when it is over", func(l *keyLab, c *keyClock) {
		l.want("cold", c.token(l), okay)
		c.jump(-365 * 24 * time.Hour)
		for range 9 {
			time.Sleep(time.Second)
			l.want("inside the floor", c.token(l), okay)
		}
		synctest.Wait()
		l.wantFetches("inside the floor", 1)
		time.Sleep(time.Second)
		l.want("after the floor", c.token(l), okay)
		synctest.Wait()
		l.wantFetches("after the floor", 2)
	}},
	{"back and forth with every request: once per floor", func(l *keyLab, c *keyClock) {
		l.warm()
		began, jump := time.Now(), 30*24*time.Hour
		for range 1000 {
			jump = -jump
			c.jump(jump)
			l.send(c.token(l))
			time.Sleep(100 * time.Millisecond)
		}
		if most := 2 + int(time.Since(began)/floorAfterSuccess); l.status().Fetches > most {
			l.Errorf("%d fetches in %s, want at most %d", l.status().Fetches, time.Since(began), most)
		}
	}},
	{"back by a day does not stop fetches that are held up by a failure", func(l *keyLab, c *keyClock) {
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		l.want("down", c.token(l), unavailable)
		c.jump(-24 * time.Hour)
		l.pool.SetFault()
		time.Sleep(1250 * time.Millisecond)
		l.want("healed", c.token(l), okay)
	}},
	{"ahead during the fetch: the set is as old as it is when it comes", func(l *keyLab, c *keyClock) {
		l.pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
		time.AfterFunc(time.Second, func() { c.jump(time.Minute) })
		l.wantAfter(2*time.Second, "cold", c.token(l), okay)
		if age := l.status().Age; age != 0 {
			l.Errorf("the set is %s old, want 0", age)
		}
	}},
}

// token is a fresh token by the clock.
func (c *keyClock) token(l *keyLab) string { return c.fresh(l).String() }

func (c *keyClock) stranger(l *keyLab) string {
	return c.fresh(l).SetHeader("kid", "stranger").String()
}

func (c *keyClock) fresh(l *keyLab) *cognitotest.Token {
	return l.pool.AccessToken().Set("iat", c.now()).Set("exp", c.now().Add(time.Hour))
}

// TestClockJumpsAsSetArrives: what is too old by the time that it is looked at
// is not there; it does not make its keys unknown.
func TestClockJumpsAsSetArrives(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var calls atomic.Int64
		l := newKeyLab(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if n := calls.Load(); n > 0 && calls.Add(1) > 2 {
					return time.Now().Add(2 * hardLimit)
				}
				return time.Now()
			}
		})
		l.wire.answer(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			calls.Store(1) // the next one stamps the set
			return l.wire.next.RoundTrip(r)
		})
		l.wantAfter(time.Second, "the clock jumps as the set arrives", l.token(), unavailable)
	})
}

// TestFetchSurvivesPanics: a panic on the fetch's side is a failed refresh.
func TestFetchSurvivesPanics(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"of the transport", func(l *keyLab) {
			l.afterPanic(0, func(*http.Request) (*http.Response, error) { panic("transport") })
		}},
		{"of the body's Read", func(l *keyLab) {
			l.afterPanic(0, func(*http.Request) (*http.Response, error) { return answerOf(200, panickyBody{}), nil })
		}},
		{"of the body's Close", func(l *keyLab) {
			l.afterPanic(0, func(*http.Request) (*http.Response, error) {
				res := answerOf(200, nil)
				res.Body = panickyBody{bytes.NewReader(l.pool.KeySet())}
				return res, nil
			})
		}},
		{"or the end of the transport's goroutine", func(l *keyLab) {
			l.afterPanic(longestWait, func(*http.Request) (*http.Response, error) {
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

func (l *keyLab) afterPanic(wait time.Duration, do func(*http.Request) (*http.Response, error)) {
	l.wire.answer(do)
	l.wantCrowd("while it panics", l.crowd(20, l.token()), map[string]int{unavailable: 20})
	if l.slowest != wait {
		l.Errorf("the slowest waited %s, want %s", l.slowest, wait)
	}
	time.Sleep(longestFetch - wait)
	synctest.Wait()
	if s := l.status(); s.Err == nil || s.Fetches != 1 || s.Failures != 1 {
		l.Errorf("Status: %+v, want one failed fetch", s)
	}
	if lines := l.log.taken(); len(lines) != 1 || !strings.HasPrefix(lines[0], "ERROR cognitoauth: key set fetch failed") {
		l.Errorf("logged %q, want one failure", lines)
	}
	l.wire.answer(nil)
	time.Sleep(2 * time.Second)
	l.want("healed", l.token(), okay)
}

// TestFetchSurvivesPanicOfNow: the clock panics when the fetch asks it for the
// time, which is when all requests wait.
func TestFetchSurvivesPanicOfNow(t *testing.T) {
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
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.wire.answer(func(r *http.Request) (*http.Response, error) {
			res, err := l.wire.next.RoundTrip(r)
			armed.Store(true)
			return res, err
		})
		l.wantCrowd("while it panics", l.crowd(20, l.token()), map[string]int{unavailable: 20})
		if s := l.status(); armed.Load() || s.Err == nil || s.Failures != 1 {
			t.Errorf("Status: %+v, want one failed fetch because of the clock", s)
		}
		l.wire.answer(nil)
		time.Sleep(2 * time.Second)
		l.wantAfter(time.Second, "healed", l.token(), okay)
	})
}

// TestPanicOfNow lets the clock panic at its first, second, … call, on whichever
// goroutine that is: a request that meets it ends, the others do not notice.
func TestPanicOfNow(t *testing.T) {
	panics := 0
	for n := range int64(12) {
		inBubble(t, func(t *testing.T) {
			var left atomic.Int64
			l := newKeyLab(t, func(cfg *cognitoauth.Config) {
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
			for _, token := range []string{l.token(), l.stranger("a"), l.token()} {
				left.Store(n + 1)
				guarded(func() { l.send(token) })
				left.Store(n + 1)
				guarded(func() { l.auth.Status() })
			}
			left.Store(0)
			time.Sleep(floorAfterSuccess)
			l.want("afterwards", l.token(), okay)
			l.want("afterwards, unknown", l.stranger("a"), unknownKey)
			if len(l.status().KeyIDs) != 2 {
				t.Errorf("call %d: Status: %+v, want two keys", n+1, l.status())
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
	runKeyCases(t, []keyCase{
		{"after a success", func(l *keyLab) {
			l.wantCrowd("cold", l.crowd(20, l.token()), map[string]int{okay: 20})
			l.wantFetches("cold", 1)
		}},
		{"after a failure", func(l *keyLab) {
			l.pool.SetFault(cognitotest.Fault{Status: 500})
			l.wantCrowd("cold", l.crowd(20, l.token()), map[string]int{unavailable: 20})
			l.pool.SetFault()
			time.Sleep(2 * time.Second)
			l.want("healed", l.token(), okay)
		}},
	}, func(cfg *cognitoauth.Config) { cfg.Logger = slog.New(panickyLog{}) })
}

// TestTransportThatIgnoresItsContext: it holds up neither the requests nor the
// next fetch.
func TestTransportThatIgnoresItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := newKeyLab(t)
		release := make(chan struct{})
		l.wire.answer(func(r *http.Request) (*http.Response, error) {
			<-release
			return nil, errors.New("too late")
		})
		l.wantAfter(longestWait, "cold", l.token(), unavailable)
		l.wantAfter(longestFetch-longestWait, "until the fetch is given up", l.token(), unavailable)
		if err := l.status().Err; err == nil || !strings.Contains(err.Error(), "no answer within 5s") {
			t.Errorf("the fetch ended with %v, want no answer within 5s", err)
		}
		l.wire.answer(nil)
		time.Sleep(2 * time.Second)
		l.want("healed", l.token(), okay)
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
	inBubble(t, func(t *testing.T) {
		var got *http.Request
		given := &http.Client{
			Transport: keyRoundTripper(func(r *http.Request) (*http.Response, error) {
				got = r
				deadline, ok := r.Context().Deadline()
				if !ok || time.Until(deadline) != longestFetch {
					t.Errorf("the request's deadline is in %s (%t), want %s", time.Until(deadline), ok, longestFetch)
				}
				res := answerOf(302, strings.NewReader("elsewhere"))
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
		l := newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient = given })
		l.want("redirected", l.token(), unavailable)
		if got == nil || got.Method != "GET" || got.Header.Get("Authorization") != "" || got.Header.Get("Cookie") != "" {
			t.Errorf("the request was %+v, want a GET without credentials", got)
		}
		if err := l.status().Err; err == nil || !strings.Contains(err.Error(), "status 302") {
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
	clock := &keyClock{}
	l := newKeyLab(t, func(cfg *cognitoauth.Config) {
		cfg.Now = func() time.Time {
			if armed.CompareAndSwap(true, false) {
				close(entered)
				<-release
			}
			return clock.now()
		}
	})
	token := l.pool.AccessToken().ExpiresIn(3 * time.Hour).String()
	l.wantSoon("cold", token, okay)
	armed.Store(true)
	var all sync.WaitGroup
	all.Go(func() { l.auth.Status() })
	<-entered
	for _, jump := range []time.Duration{0, 2 * time.Hour} {
		clock.jump(jump)
		done := make(chan struct{})
		all.Go(func() {
			defer close(done)
			l.wantSoon("while Status holds the lock", token, okay)
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

// TestClockFlickers lets each of the next eight looks at the clock be right or
// two days ahead, in every combination: a known key may be out of date, but
// never unknown.
func TestClockFlickers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var ahead atomic.Int64 // a bit for each of the next looks
		l := newKeyLab(t, func(cfg *cognitoauth.Config) {
			cfg.Pools[0].MaxLifetime = 5 * hardLimit
			cfg.TokenCache = -1
			cfg.Now = func() time.Time {
				n := ahead.Load()
				ahead.Store(n >> 1)
				return time.Now().Add(time.Duration(n&1) * 2 * hardLimit)
			}
		})
		token := l.pool.AccessToken().ExpiresIn(4 * hardLimit).String()
		seen := map[string]int{}
		for looks := range int64(256) {
			ahead.Store(0)
			time.Sleep(floorAfterSuccess)
			l.send(l.stranger("a")) // a set that is fresh, by the clock without bits
			ahead.Store(looks)
			seen[l.send(token).verdict]++
			ahead.Store(looks)
			if err := l.auth.Ready(context.Background()); err != nil && !strings.Contains(err.Error(), "older than 24h") {
				t.Fatalf("looks %b: Ready: %v, want nil or that the set is too old", looks, err)
			}
		}
		if seen[okay] == 0 || seen[unavailable] == 0 || len(seen) != 2 {
			t.Errorf("a known key saw %v, want %s and %s", seen, okay, unavailable)
		}
	})
}
