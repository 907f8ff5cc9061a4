package faults_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

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
		{"a good answer is good", func(w http.ResponseWriter, r *http.Request) { w.Write(set) }, lab.Okay, ""},
		{"in chunks too", func(w http.ResponseWriter, r *http.Request) {
			for _, b := range set {
				w.Write([]byte{b})
				http.NewResponseController(w).Flush()
			}
		}, lab.Okay, ""},
		{"compressed as asked is good", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") == "gzip" {
				sends("Content-Encoding", "gzip", zipped(set))(w, r)
			}
		}, lab.Okay, ""},
		{"compressed beyond the limit fails", sends("Content-Encoding", "gzip", zipped(append(bytes.Repeat([]byte(" "), 8<<20), set...))), lab.Unavailable, "larger than 262144 bytes"},
		{"compressed in another way fails", sends("Content-Encoding", "br", []byte{0x0b, 0x02, 0x80}), lab.Unavailable, "not a JWK set"},
		{"broken off in chunks fails, although all keys are there", func(w http.ResponseWriter, r *http.Request) {
			w.Write(set)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, lab.Unavailable, "unexpected EOF"},
		{"shorter than it says fails, although all keys are there", sends("Content-Length", strconv.Itoa(len(set)+1), set), lab.Unavailable, "unexpected EOF"},
		{"longer than it says is read as far as it says", rawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + string(set)), lab.Unavailable, "not a JWK set"},
		{"nothing at all fails", rawAnswer(""), lab.Unavailable, "EOF"},
		{"another protocol fails", rawAnswer("SSH-2.0-OpenSSH_9.9\r\n"), lab.Unavailable, "malformed HTTP response"},
		{"empty fails", func(w http.ResponseWriter, r *http.Request) {}, lab.Unavailable, "not a JWK set"},
		{"a long header fails", sends("X-Long", strings.Repeat("a", 128<<10), set), lab.Unavailable, "response headers exceeded"},
		{"a status other than 200 fails", rawAnswer("HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n" + string(set)), lab.Unavailable, "status 202"},
		{"an upgrade fails", rawAnswer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + string(set)), lab.Unavailable, "status 101"},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := httptest.NewServer(row.serve)
			defer srv.Close()
			l := socketKeys(t, srv.URL+"/jwks.json")
			l.WantSoon("cold", pool.AccessToken().String(), row.verdict)
			err := l.Status().Err
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
		{"slow is good", func(w http.ResponseWriter, r *http.Request, set []byte) { pause(r, 2*time.Second); w.Write(set) }, lab.Okay, 2 * time.Second, 2 * time.Second},
		{"dripping in time is good", func(w http.ResponseWriter, r *http.Request, set []byte) {
			drip(w, r, set, 2*time.Second/time.Duration(len(set)))
		}, lab.Okay, 0, 0},
		{"dripping fails", func(w http.ResponseWriter, r *http.Request, set []byte) { drip(w, r, set, 50*time.Millisecond) }, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
		{"dripping white space fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			drip(w, r, bytes.Repeat([]byte(" "), 1000), time.Second)
		}, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
		{"informing for ever fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
				pause(r, 100*time.Millisecond)
			}
		}, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
		{"hung fails", func(w http.ResponseWriter, r *http.Request, set []byte) { pause(r, time.Hour) }, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
		{"hung after the header fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			http.NewResponseController(w).Flush()
			pause(r, time.Hour)
		}, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
		{"hung before the last byte fails", func(w http.ResponseWriter, r *http.Request, set []byte) {
			w.Write(set[:len(set)-1])
			http.NewResponseController(w).Flush()
			pause(r, time.Hour)
		}, lab.Unavailable, lab.LongestWait, lab.LongestFetch},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				listener := &pipes{make(chan net.Conn), make(chan struct{})}
				l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
					cfg.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}}
					cfg.Pools[0].JWKSURL = "http://localhost/jwks.json"
				})
				var left atomic.Int64
				began := time.Now()
				srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					row.serve(w, r, l.Pool.KeySet())
					left.Store(int64(time.Since(began)))
				})}
				go srv.Serve(listener)
				defer srv.Close()
				got := l.Send(l.Token())
				if got.Verdict != row.verdict || row.wait > 0 && got.Waited != row.wait {
					t.Errorf("cold: %s after %s, want %s after %s", got.Verdict, got.Waited, row.verdict, row.wait)
				}
				time.Sleep(lab.LongestFetch + time.Second)
				synctest.Wait()
				if at := time.Duration(left.Load()); at == 0 || row.gone > 0 && (at < row.gone || at > row.gone+time.Second) {
					t.Errorf("the server is left after %s, want %s; 0: not at all", at, row.gone)
				}
				if err := l.Status().Err; (err == nil) != (row.verdict == lab.Okay) {
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

// socketKeys are Keys with the library's own client.
func socketKeys(t *testing.T, address string) *lab.Keys {
	return lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient, cfg.Pools[0].JWKSURL = nil, address })
}

func TestSocketRedirect(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.RedirectHandler(pool.JWKSURL(), status))
		defer srv.Close()
		l := socketKeys(t, srv.URL)
		l.WantSoon("redirected", pool.AccessToken().String(), lab.Unavailable)
	}
	if got := pool.Requests(); len(got) != 0 {
		t.Errorf("the redirects were followed to %q", got)
	}
}

// TestPercentInURL: a URL is no format of an error message.
func TestPercentInURL(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		const address = "https://keys.example/a%2Fb%20c%d0/keys"
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.Pools[0].JWKSURL = address + "?d=%73" })
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("down", l.Token(), lab.Unavailable)
		if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), address+"?redacted: status 500, expected 200") {
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
	l := socketKeys(t, srv.URL)
	l.WantSoon("endless", l.Token(), lab.Unavailable)
	srv.Close() // waits for the handler
	if written >= most {
		t.Errorf("the client took all %d bytes, want it to hang up after %d", written, lab.LargestKeySet)
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
	l := socketKeys(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if got := l.SendCtx(ctx, pool.AccessToken().String()); got.Verdict != lab.Ended {
			t.Errorf("the caller that hangs up: %v, want %s", got, lab.Ended)
		}
	})
	<-asked
	cancel()
	all.Wait()
	all.Go(func() { l.WantSoon("the next caller", pool.AccessToken().String(), lab.Okay) })
	close(release)
	all.Wait()
	l.WantFetches("both", 1)
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
	l := socketKeys(t, srv.URL)
	l.WantCrowd("cold", l.Crowd(1000, pool.AccessToken().String()), map[string]int{lab.Okay: 1000})
	l.WantFetches("cold", 1)
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

	l := socketKeys(t, srv.URL)
	l.WantSoon("a certificate of nobody", pool.AccessToken().String(), lab.Unavailable)
	if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the fetch ended with %v, want a word about the certificate", err)
	}
	l = lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.HTTPClient, cfg.Pools[0].JWKSURL = srv.Client(), srv.URL })
	l.WantSoon("a certificate that the given client trusts", pool.AccessToken().String(), lab.Okay)
	srv.Client().CloseIdleConnections()
}

func TestSocketRefused(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	l := socketKeys(t, srv.URL)
	l.WantSoon("nobody listens", l.Token(), lab.Unavailable)
	if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the fetch ended with %v, want connection refused", err)
	}
}
