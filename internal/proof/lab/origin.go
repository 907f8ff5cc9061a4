package lab

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// An Origin is a server and the names of the handlers that have run. Requests
// reach it through a [Wire].
type Origin struct {
	addr string

	mu  sync.Mutex
	ran []string
}

// Handler leaves the name when it runs.
func (o *Origin) Handler(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.ran = append(o.ran, name)
		o.mu.Unlock()
		io.WriteString(w, name)
	})
}

// Open is such a handler on a route that needs no token.
func (o *Origin) Open(name string) http.Handler {
	return cognitoauth.AllowAnonymous(o.Handler(name))
}

// Since returns who has run since it was called last.
func (o *Origin) Since() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	names := strings.Join(o.ran, " ")
	o.ran = nil
	return names
}

// Serve starts the server; configure may be nil.
func (o *Origin) Serve(t testing.TB, h http.Handler, configure func(*http.Server)) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadTimeout: 30 * time.Second}
	if configure != nil {
		configure(srv)
	}
	var running sync.WaitGroup
	running.Go(func() { srv.Serve(l) })
	w := &Wire{t: t, origin: o}
	t.Cleanup(func() {
		w.HangUp()
		srv.Close()
		running.Wait()
	})
	return w
}

// Addr is where the server listens.
func (o *Origin) Addr() string { return o.addr }

// A Wire is a client that sends what it is told, byte for byte.
type Wire struct {
	t      testing.TB
	origin *Origin
	conn   net.Conn
	in     *bufio.Reader
}

// HangUp closes the connection; the next request opens another.
func (w *Wire) HangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// Send sends one request and returns the status of the answer, 0 if the
// connection was closed without one, and who ran.
func (w *Wire) Send(raw string) (status int, ran string) {
	w.t.Helper()
	w.origin.Since()
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.origin.addr)
		if err != nil {
			w.t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		w.conn, w.in = conn, bufio.NewReader(conn)
	}
	if _, err := io.WriteString(w.conn, raw); err != nil {
		w.t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		w.HangUp()
		return 0, w.origin.Since()
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close || method == http.MethodConnect {
		w.HangUp()
	}
	return resp.StatusCode, w.origin.Since()
}

// PlainHost is the Host header of [RawRequest].
const PlainHost = "Host: example.test\r\n"

// RawRequest is a whole HTTP/1.1 request for "METHOD TARGET". Header lines given
// replace the Host header.
func RawRequest(line string, header ...string) string {
	if header == nil {
		header = []string{PlainHost}
	}
	return line + " HTTP/1.1\r\n" + strings.Join(header, "") + "\r\n"
}

// Wrapped returns a Middleware over a pool in the process, and a header line
// with a good token of it.
func Wrapped(t testing.TB) (auth *cognitoauth.Middleware, authorization string) {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	return auth, "Authorization: Bearer " + pool.AccessToken().String() + "\r\n"
}

// Passing is a middleware that does nothing.
func Passing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
}

// A Resolver is a router that is a function.
type Resolver func(*http.Request) http.Handler

// ResolveEndpoint implements [cognitoauth.EndpointResolver].
func (f Resolver) ResolveEndpoint(r *http.Request) http.Handler { return f(r) }

func (f Resolver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := f(r)
	if h == nil {
		h = http.NotFoundHandler()
	}
	h.ServeHTTP(w, r)
}
