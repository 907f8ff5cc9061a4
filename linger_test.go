package cognitoauth_test

import (
	"bufio"
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
// which is its own time for that, and no other client does: each row is how long
// after its answer the connection ended, by virtual time. What a socket does
// meanwhile is in internal/proof/upload.
func TestWrap_lingers(t *testing.T) {
	const half = 500 * time.Millisecond
	for _, tt := range []struct {
		name, head string
		status     int
		want       time.Duration
	}{
		{"body that nobody sends", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n", 401, half},
		{"body of one byte", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 401, half},
		{"HTTP/1.0", "POST /me HTTP/1.0\r\nContent-Length: 1\r\n\r\n", 401, half},
		{"Require without Wrap", "POST /unwired HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 500, half},

		{"no body", "GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401, 0},
		{"empty body", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 401, 0},
		{"empty body in chunks", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 401, 0},
		{"client that waits for 100", "POST /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", 401, 0},
		{"admitted", "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 200, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := lab.NewGate(t, nil)
				mux := lab.NewSite(g)
				mux.Handle("POST /healthz", cognitoauth.AllowAnonymous(g.Page()))
				mux.Handle("/unwired", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.ReadOrders, g.Page()))))
				var status int
				var took time.Duration
				defaultLog(t, func() { status, took = ends(t, g.Auth.Wrap(mux), tt.head) })
				if status != tt.status || took != tt.want {
					t.Errorf("%d, and the connection ended %v later; want %d and %v", status, took, tt.status, tt.want)
				}
			})
		})
	}
}

// ends sends head and returns the status of the answer, and how long after it
// the server closed the connection.
func ends(t *testing.T, h http.Handler, head string) (status int, took time.Duration) {
	t.Helper()
	client, server := net.Pipe()
	l := make(oneConn, 1)
	l <- server
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	defer func() {
		close(l)
		srv.Close()
		client.Close()
		synctest.Wait()
	}()
	if _, err := io.WriteString(client, head); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(client)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ContentLength >= 0 {
		io.Copy(io.Discard, resp.Body)
	}
	began := time.Now()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, time.Since(began)
}

// selfish is a ResponseWriter that unwraps to itself.
type selfish struct{ http.ResponseWriter }

func (s selfish) Unwrap() http.ResponseWriter { return s }

// A ResponseWriter that unwraps to itself is a mistake of somebody else, and the
// request is refused all the same.
func TestWrap_writerThatUnwrapsToItself(t *testing.T) {
	g := lab.NewGate(t, nil)
	r := httptest.NewRequest("POST", "/orders", strings.NewReader("body"))
	r.Close = true
	w := httptest.NewRecorder()
	g.Auth.Wrap(http.NewServeMux()).ServeHTTP(selfish{w}, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}
