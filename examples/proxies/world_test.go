package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// world is all that stands behind a proxy.
type world struct {
	cfg     cognitoauth.Config
	pool    *cognitotest.Pool
	down    *cognitotest.Pool // its keys cannot be fetched
	wrapped string            // address of an API with Wrap
	plain   string            // address of an API that believes the proxy
	sockets map[forwardauth.Headers]string

	mu   sync.Mutex
	seen []arrival
}

// arrival is a request that reached an API.
type arrival struct {
	*http.Request
	size int64 // of the body
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		pool:    cognitotest.NewPool(t, cognitotest.Options{InProcess: true}),
		down:    cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Down00000"}),
		sockets: map[forwardauth.Headers]string{},
	}
	w.down.SetFault(cognitotest.Fault{Status: 500})
	w.cfg = w.pool.Config()
	w.cfg.Pools = append(w.cfg.Pools, w.down.Config().Pools...)
	w.cfg.HTTPClient = cognitotest.Client(w.pool, w.down)
	auth, err := cognitoauth.New(w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.wrapped = w.serve(t, auth.Wrap(routes(w)))
	w.plain = w.serve(t, w)
	for _, headers := range []forwardauth.Headers{forwardauth.XOriginal, forwardauth.XForwarded} {
		h, err := endpoint(w.cfg, forwardauth.Options{Headers: headers})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "auth")
		l, err := listenFor(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		w.sockets[headers] = path
		serveOn(t, l, h)
	}
	return w
}

// serve serves h on a loopback port.
func (w *world) serve(t *testing.T, h http.Handler) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, h)
	return l.Addr().String()
}

func serveOn(t *testing.T, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h}
	var running sync.WaitGroup
	running.Go(func() { server.Serve(l) })
	t.Cleanup(func() {
		server.Close()
		running.Wait()
	})
}

// ServeHTTP is the API: it keeps what arrives, and names the caller.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	size, _ := io.Copy(io.Discard, r.Body)
	w.mu.Lock()
	w.seen = append(w.seen, arrival{r, size})
	w.mu.Unlock()
	fmt.Fprintf(rw, "api: %s\n", r.Header.Get(forwardauth.Subject))
}

// arrived returns the requests that came since it was called last.
func (w *world) arrived() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// start starts the proxy of a wiring in front of the world.
func (w *world) start(t *testing.T, v wiring, s front.Site) (addr string) {
	t.Helper()
	if s.API == "" {
		s.API = w.wrapped
		if v.forward() {
			s.API = w.plain
		}
	}
	if s.Auth == "" {
		s.Auth = w.sockets[v.headers]
	}
	s.Dir = t.TempDir()
	reachable(t, s.Dir)
	server, err := front.Start(v.program, v.config, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server.Addr
}

// reachable opens a folder of the test to a proxy that drops root.
func reachable(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	for ; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

// closedAddr is one where nobody listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// reply is an answer with its body.
type reply struct {
	*http.Response
	body string
}

// send sends a request as it is written, and reads the answer. Lines end with \n; the
// header ends with an empty line.
func send(t *testing.T, addr, raw string) reply {
	t.Helper()
	header, body, _ := strings.Cut(raw, "\n\n")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	go io.WriteString(conn, strings.ReplaceAll(header, "\n", "\r\n")+"\r\n\r\n"+body)
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.40q: %v", raw, err)
	}
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%.40q: %v", raw, err)
	}
	return reply{resp, string(content)}
}
