package cognitoauth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// oneConn is a listener that accepts one connection.
type oneConn chan net.Conn

func (l oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l oneConn) Close() error   { return nil }
func (l oneConn) Addr() net.Addr { return new(net.TCPAddr) }

// A refused client that may still be sending gets half a second from net/http,
// which is its own time for that, or 5 s for the rest of its body if net/http wants
// to read that, and no other client does. Each row is how long the client waited for
// its answer, and how long after it the connection ended, by virtual time. What a
// socket does meanwhile is in internal/proof/upload.
func TestWrap_lingers(t *testing.T) {
	const half, patience = 500 * time.Millisecond, 5 * time.Second
	for _, tt := range []struct {
		name, head string
		status     int
		waits      time.Duration
		ends       time.Duration
	}{
		{"body that nobody sends", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n", 401, 0, half},
		{"body of one byte", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 401, 0, half},
		{"HTTP/1.0", "POST /me HTTP/1.0\r\nContent-Length: 1\r\n\r\n", 401, 0, half},
		{"Require without Wrap", "POST /unwired HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 500, 0, half},

		{"kept, stalls", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart", 401, patience, 0},
		{"kept, stalls at once", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 401, patience, 0},
		{"kept, stalls under 256 KiB", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 262143\r\n\r\n", 401, patience, 0},
		{"kept, stalls at 256 KiB", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n\r\n", 401, 0, patience + half},
		{"kept, stalls above 256 KiB", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 262145\r\n\r\n", 401, 0, half},
		{"kept, stalls in a chunk", "POST /me HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf\r\npart", 401, patience, 0},
		{"kept, stalls before a chunk", "POST /me HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 401, patience, 0},
		{"kept, HTTP/1.0", "POST /me HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 10\r\n\r\n", 401, patience, 0},
		{"kept, Require", "POST /unwired HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", 500, patience, 0},
		{"to close, stalls in chunks", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nf\r\npart", 401, 0, patience},
		{"kept, stalls after it expected 100", "POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", 401, 0, patience},
		{"to close, stalls in chunks after it expected 100", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", 401, 0, patience},

		{"no body", "GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401, 0, 0},
		{"empty body", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 401, 0, 0},
		{"empty body in chunks", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 401, 0, 0},
		{"client that waits for 100", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", 401, 0, 0},
		{"admitted", "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 200, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var status int
				var waits, ends time.Duration
				defaultLog(t, func() {
					client := dial(t, new(http.Server), nil)
					status, waits, ends = client.refused(tt.head)
				})
				if tt.waits+tt.ends >= patience && ends == tt.ends+half {
					ends = tt.ends // Go 1.27 waits for half a second after such a body, too
				}
				if status != tt.status || waits != tt.waits || ends != tt.ends {
					t.Errorf("%d after %v, and the connection ended %v later; want %d, %v and %v", status, waits, ends, tt.status, tt.waits, tt.ends)
				}
			})
		})
	}
}

// oneClient is a client with one connection to a server.
type oneClient struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

// dial starts srv, whose handler refuses, inside around if that is not nil.
func dial(t *testing.T, srv *http.Server, around func(http.Handler) http.Handler) *oneClient {
	t.Helper()
	g := lab.NewGate(t, nil)
	mux := lab.NewSite(g)
	mux.Handle("POST /healthz", cognitoauth.AllowAnonymous(g.Page()))
	mux.Handle("POST /length", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})))
	mux.Handle("/unwired", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.ReadOrders, g.Page()))))
	if srv.Handler = g.Auth.Wrap(mux); around != nil {
		srv.Handler = around(srv.Handler)
	}
	client, server := net.Pipe()
	l := make(oneConn, 1)
	l <- server
	go srv.Serve(l)
	t.Cleanup(func() {
		close(l)
		srv.Close()
		client.Close()
		synctest.Wait()
	})
	return &oneClient{t, client, bufio.NewReader(client)}
}

func (c *oneClient) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer is the next answer, and how long it took to come.
func (c *oneClient) answer() (status int, body string, took time.Duration) {
	c.t.Helper()
	began := time.Now()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	took = time.Since(began)
	if resp.ContentLength >= 0 {
		all, _ := io.ReadAll(resp.Body)
		body = string(all)
	}
	return resp.StatusCode, body, took
}

// ends is how long it takes until the server closes the connection.
func (c *oneClient) ends() time.Duration {
	c.t.Helper()
	began := time.Now()
	if _, err := io.Copy(io.Discard, c.in); err != nil {
		c.t.Error(err)
	}
	return time.Since(began)
}

// refused sends head, and returns how long the answer took, and the end of the
// connection after it.
func (c *oneClient) refused(head string) (status int, waits, ends time.Duration) {
	c.t.Helper()
	c.send(head)
	status, _, waits = c.answer()
	return status, waits, c.ends()
}

// A refused client that sends its body in time keeps its connection: the deadline
// for that body is none for the next request, nor for the time before it.
func TestWrap_keepsTheConnectionAfterTheBody(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t, &http.Server{IdleTimeout: idle}, nil)
			for range 3 {
				c.send("POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\npa")
				time.Sleep(4 * time.Second)
				c.send("rt")
				if status, _, _ := c.answer(); status != 401 {
					t.Fatalf("status %d, want 401", status)
				}
				time.Sleep(50 * time.Second)
				c.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\npa")
				time.Sleep(time.Hour)
				c.send("rt")
				if status, body, _ := c.answer(); status != 200 || body != "4 <nil>" {
					t.Fatalf("%d %s, want 200 and all of the body", status, body)
				}
			}
			if idle > 0 {
				if took := c.ends(); took != idle {
					t.Errorf("the connection ended after %v, want %v", took, idle)
				}
			}
		})
	}
}

// hidden is a ResponseWriter that hides what is inside it.
type hidden struct{ http.ResponseWriter }

// Through a ResponseWriter that unwraps, the deadline is set; where one hides the
// server's, the server's own timeouts end the connection.
func TestWrap_deadlineThroughWriters(t *testing.T) {
	for _, tt := range []struct {
		name   string
		around func(http.ResponseWriter) http.ResponseWriter
		waits  time.Duration
	}{
		{"unwraps", func(w http.ResponseWriter) http.ResponseWriter { return unwrapping{unwrapping{w}} }, 5 * time.Second},
		{"hides", func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} }, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t, &http.Server{ReadTimeout: time.Minute}, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(tt.around(w), r) })
			})
			if status, waits, _ := c.refused("POST /me HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); status != 401 || waits != tt.waits {
				t.Errorf("%s: %d after %v, want 401 after %v", tt.name, status, waits, tt.waits)
			}
		})
	}
}

// unwrapping is a ResponseWriter as middleware makes them.
type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// selfish is a ResponseWriter that unwraps to itself.
type selfish struct{ http.ResponseWriter }

func (s selfish) Unwrap() http.ResponseWriter { return s }

// A ResponseWriter that unwraps to itself is a mistake of somebody else, and the
// request is refused all the same.
func TestWrap_writerThatUnwrapsToItself(t *testing.T) {
	g := lab.NewGate(t, nil)
	for _, closes := range []bool{true, false} {
		r := httptest.NewRequest("POST", "/orders", strings.NewReader("body"))
		r.Close = closes
		w := httptest.NewRecorder()
		g.Auth.Wrap(http.NewServeMux()).ServeHTTP(selfish{w}, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", w.Code)
		}
	}
}
