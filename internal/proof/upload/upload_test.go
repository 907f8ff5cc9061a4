// Package upload_test refuses clients that are still sending a body, and looks
// at what arrives: by raw sockets here, through a real nginx in nginx_test.go.
package upload_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// api is a mux that refuses in each way, behind Wrap.
func api(t *testing.T, o *lab.Origin, change func(*cognitoauth.Config)) (h http.Handler, authorization string) {
	t.Helper()
	g := lab.NewGate(t, change)
	mux := http.NewServeMux()
	mux.Handle("/", o.Handler("secret"))
	mux.Handle("/orders", cognitoauth.Require(lab.ReadOrders, o.Handler("secret")))
	mux.Handle("/hidden", lab.Passing(cognitoauth.Require(lab.ReadOrders, o.Handler("secret"))))
	mux.Handle("/unwired", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.ReadOrders, o.Handler("secret")))))
	return g.Auth.Wrap(mux), "Authorization: " + g.Good() + "\r\n"
}

// serve starts a server that waits for a body as long as it takes.
func serve(t *testing.T, o *lab.Origin, h http.Handler) {
	t.Helper()
	o.Serve(t, h, func(s *http.Server) { s.ReadTimeout = 0 })
}

// exchange sends all of it, then reads all that comes.
func exchange(t *testing.T, o *lab.Origin, sent []byte) (answer []byte, err error) {
	t.Helper()
	conn, err := net.Dial("tcp", o.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second)) // it only fails
	if _, err := conn.Write(sent); err != nil {
		return nil, err
	}
	return io.ReadAll(conn)
}

// unwrapping is a middleware that wraps the ResponseWriter as loggers do.
type unwrapping struct{ http.ResponseWriter }

func (w unwrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A body in chunks net/http reads in part before it closes, and a connection
// that only the answer closes it closes slowly, so both need nothing of us.
func TestRefusal_whatNetHTTPDoes(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	serve(t, o, closing(h))
	for name, header := range map[string]string{
		"chunked":                  "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n",
		"closed by the answer":     "Content-Length: 1000000\r\n\r\n",
		"chunked, by the answer":   "Transfer-Encoding: chunked\r\n\r\nf4240\r\n",
		"wholly sent, all at once": "Connection: close\r\nContent-Length: 400000\r\n\r\n",
	} {
		answer, err := exchange(t, o, []byte("POST / HTTP/1.1\r\nHost: x\r\n"+header+strings.Repeat("a", 400_000)))
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 401 ")) {
			t.Errorf("%s: %v, %.200q; want 401", name, err, answer)
		}
	}
}

// The client has sent a part of its body that the server has not read. If the
// server closed now, the system would reset the connection, so that the client
// reads an error in place of the answer, or behind it.
func TestRefusal_arrives(t *testing.T) {
	custom := func(c *cognitoauth.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { http.Error(w, e.Error(), e.Status) }
	}
	part := strings.Repeat("a", 100_000)
	for _, tt := range []struct {
		name, line, header string
		change             func(*cognitoauth.Config)
		around             func(http.Handler) http.Handler
		token              bool
		status             int
	}{
		{"Wrap, Connection: close", "POST / HTTP/1.1", "Connection: close\r\n", nil, nil, false, 401},
		{"Wrap, Connection: close among others", "PUT / HTTP/1.1", "Connection: X-Hop, Close\r\n", nil, nil, false, 401},
		{"Wrap, HTTP/1.0, as nginx asks", "POST / HTTP/1.0", "Connection: close\r\n", nil, nil, false, 401},
		{"Wrap, HTTP/1.0", "POST / HTTP/1.0", "", nil, nil, false, 401},
		{"Wrap, bad token", "POST / HTTP/1.1", "Connection: close\r\nAuthorization: Bearer x\r\n", nil, nil, false, 401},
		{"Wrap, malformed credentials", "POST / HTTP/1.1", "Connection: close\r\nAuthorization: Bearer\r\n", nil, nil, false, 400},
		{"Wrap, ErrorHandler", "POST / HTTP/1.1", "Connection: close\r\n", custom, nil, false, 401},
		{"Wrap, wrapped ResponseWriter", "POST / HTTP/1.1", "Connection: close\r\n", nil, loggedTwice, false, 401},
		{"Wrap without New", "POST / HTTP/1.1", "Connection: close\r\n", nil, new(cognitoauth.Middleware).Wrap, false, 500},
		{"fallback", "POST / HTTP/1.1", "Connection: close\r\n", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Group("staff") }, nil, true, 403},
		{"Require", "POST /orders HTTP/1.1", "Connection: close\r\n", nil, nil, true, 403},
		{"Require, ErrorHandler", "POST /orders HTTP/1.1", "Connection: close\r\n", custom, nil, true, 403},
		{"Require inside another handler", "POST /hidden HTTP/1.1", "Connection: close\r\n", nil, nil, true, 403},
		{"Require without Wrap", "POST /unwired HTTP/1.1", "Connection: close\r\n", nil, nil, true, 500},
	} {
		o := new(lab.Origin)
		h, authorization := api(t, o, tt.change)
		if tt.around != nil {
			h = tt.around(h)
		}
		serve(t, o, h)
		if tt.token {
			tt.header += authorization
		}
		answer, err := exchange(t, o, []byte(tt.line+"\r\nHost: x\r\nContent-Length: 1000000\r\n"+tt.header+"\r\n"+part))
		if err != nil || !bytes.HasPrefix(answer, fmt.Appendf(nil, "%s %d ", tt.line[len(tt.line)-8:], tt.status)) || o.Since() != "" {
			t.Errorf("%s: %v, %.200q; want %d", tt.name, err, answer, tt.status)
		}
	}
}

func closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		h.ServeHTTP(w, r)
	})
}

func loggedTwice(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unwrapping{unwrapping{w}}, r) })
}

// A client that announces a body and sends none gets its answer, for nobody
// waits for the body.
func TestRefusal_withoutTheBody(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	serve(t, o, h)
	for name, head := range map[string]string{
		"Connection: close": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n",
		"HTTP/1.0":          "POST / HTTP/1.0\r\nContent-Length: 1000000\r\n\r\n",
		"small":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
	} {
		if answer, err := exchange(t, o, []byte(head)); err != nil || !bytes.Contains(answer, []byte(" 401 ")) {
			t.Errorf("%s: %v, %q; want 401", name, err, answer)
		}
	}
}

// A client that waits for 100 (Continue) is not asked for its body.
func TestRefusal_expectContinue(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	serve(t, o, h)
	answer, err := exchange(t, o, []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"))
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 401 ")) {
		t.Errorf("%v, %q; want 401 and no 100", err, answer)
	}
}

// A client that stops sending holds its connection for a bounded time, on a server
// that has no timeout itself, and has its answer by then.
func TestRefusal_stalled(t *testing.T) {
	o := new(lab.Origin)
	h, authorization := api(t, o, nil)
	serve(t, o, h)
	part := strings.Repeat("a", 100_000)
	conns := map[string]net.Conn{}
	for name, sent := range map[string]string{
		"small":                       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na",
		"under 256 KiB":               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + part,
		"large":                       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + part,
		"chunked":                     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" + part,
		"chunked, large":              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" + part + part + part + part,
		"by Require":                  "POST /orders HTTP/1.1\r\nHost: x\r\n" + authorization + "Content-Length: 1000\r\n\r\na",
		"HTTP/1.0":                    "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1000\r\n\r\na",
		"Connection: close":           "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n" + part,
		"Connection: close, chunked":  "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" + part,
		"Expect: 100-continue":        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
		"Expect, chunked, then close": "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", o.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second)) // it only fails
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(name, err)
		}
		conns[name] = conn
	}
	for name, conn := range conns { // which all stall meanwhile
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.Contains(answer[:min(len(answer), 13)], []byte(" 40")) {
			t.Errorf("%s: %v, %.200q; want 401 or 403", name, err, answer)
		}
	}
}

// In HTTP/2 a refused body that stalls holds neither the answer nor the connection.
func TestRefusal_stalledHTTP2(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	var speaks http.Protocols
	speaks.SetUnencryptedHTTP2(true)
	o.Serve(t, h, func(s *http.Server) { s.ReadTimeout, s.Protocols = 0, &speaks })
	transport := &http.Transport{Protocols: &speaks}
	defer transport.CloseIdleConnections()
	var reused []bool
	for range 3 {
		body, stalls := io.Pipe()
		defer stalls.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // it only fails
		defer cancel()
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(c httptrace.GotConnInfo) { reused = append(reused, c.Reused) },
		}), "POST", "http://"+o.Addr()+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 401 || resp.ProtoMajor != 2 {
			t.Errorf("%s %d, %v; want HTTP/2.0 401", resp.Proto, resp.StatusCode, err)
		}
	}
	if !slices.Equal(reused, []bool{false, true, true}) {
		t.Errorf("connection reused: %v, want the same one three times", reused)
	}
}

// A connection that need not close stays open after a refusal.
func TestRefusal_keepsTheConnection(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	serve(t, o, h)
	conn, err := net.Dial("tcp", o.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	for i, request := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 100_000),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 401 {
			t.Errorf("request %d: %d, %v; want 401", i, resp.StatusCode, err)
		}
	}
}
