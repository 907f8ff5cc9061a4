package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/gateway"
)

// site is a gateway in front of a program that keeps what arrives.
type site struct {
	t       *testing.T
	pool    *cognitotest.Pool
	addr    string
	arrived chan *http.Request
}

func newSite(t *testing.T, wire func(upstream *url.URL) http.Handler) *site {
	t.Helper()
	s := &site{t: t, pool: cognitotest.NewPool(t, cognitotest.Options{InProcess: true}), arrived: make(chan *http.Request, 1)}
	behind := httptest.NewServer(http.HandlerFunc(s.behind))
	t.Cleanup(behind.Close)
	upstream, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.pool.Config()
	cfg.Leeway = time.Nanosecond
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	api, mux := wire(upstream), http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(api))
	mux.Handle("/me/", api)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), api))
	server := httptest.NewServer(auth.Wrap(mux))
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	return s
}

func plain(upstream *url.URL) http.Handler { return gateway.New(upstream, gateway.Options{}) }

// behind is the program behind. It reads the body, because trailers come after it.
func (s *site) behind(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(conn, buffered)
		return
	}
	io.Copy(io.Discard, r.Body)
	s.arrived <- r
}

// send sends a request as it is written. It returns the answer and the request that
// arrived, nil if none has.
func (s *site) send(raw string) (*http.Response, *http.Request) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(conn, strings.ReplaceAll(raw, "\n", "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	select {
	case r := <-s.arrived:
		return resp, r
	default:
		return resp, nil
	}
}

func (s *site) token() string { return "Authorization: Bearer " + s.pool.AccessToken().String() + "\n" }

const forged = `X-Auth-Subject: mallory
x-auth-subject: mallory
X_Auth_Subject: mallory
X-Auth_Client: mallory
X-AUTH-ADMIN: mallory
X-Forwarded-User: mallory
X-Forwarded-For: mallory
X_Forwarded_Groups: mallory
Forwarded: for=mallory
X-Original-URI: /mallory
X-Amzn-Oidc-Data: mallory
X-Real-IP: mallory
Remote-User: mallory
REMOTE_USER: mallory
`

func TestGateway_passesIdentity(t *testing.T) {
	s := newSite(t, plain)
	want := s.pool.AccessToken().Claims()
	for name, more := range map[string]string{
		"forged":             forged,
		"forged, hop by hop": forged + "Connection: X-Auth-Subject, X-Auth-Client, X-Auth-Pool, X-Auth-Scopes, X-Forwarded-For\n",
		"connection alone":   "Connection: x-auth-subject\nConnection: close, x-auth-pool\n",
	} {
		resp, r := s.send("GET /me/?all=1 HTTP/1.1\nHost: api.example.com:8443\n" + s.token() + more + "\n")
		if resp.StatusCode != 200 || r == nil {
			t.Fatalf("%s: %d, %v", name, resp.StatusCode, r)
		}
		for header, value := range map[string]string{
			forwardauth.Subject: want.Subject, forwardauth.Client: want.ClientID, forwardauth.Pool: want.PoolID,
			forwardauth.Scopes: strings.Join(want.Scopes(), " "), "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "api.example.com:8443", "X-Forwarded-Proto": "http",
		} {
			if got := r.Header[http.CanonicalHeaderKey(header)]; !slices.Equal(got, []string{value}) {
				t.Errorf("%s: %s is %q, want %q", name, header, got, value)
			}
		}
		clean(t, name, r.Header)
		if r.Header.Get("Authorization") != "" || r.Host != "api.example.com:8443" || r.RequestURI != "/me/?all=1" {
			t.Errorf("%s: host %s, target %s, Authorization %q", name, r.Host, r.RequestURI, r.Header.Get("Authorization"))
		}
	}
}

// clean makes sure that nothing of a forged header arrives.
func clean(t *testing.T, name string, h http.Header) {
	t.Helper()
	for header, values := range h {
		if strings.Contains(strings.Join(values, " "), "mallory") {
			t.Errorf("%s: %s: %q has arrived", name, header, values)
		}
	}
}

func TestGateway_anonymous(t *testing.T) {
	s := newSite(t, plain)
	resp, r := s.send("GET /healthz HTTP/1.1\nHost: a\n" + s.token() + forged + "\n")
	if resp.StatusCode != 200 || r == nil {
		t.Fatalf("%d, %v", resp.StatusCode, r)
	}
	clean(t, "anonymous", r.Header)
	for _, name := range forwardauth.Names() {
		if got := r.Header[name]; got != nil {
			t.Errorf("%s is %q on a route without a caller", name, got)
		}
	}
}

func TestGateway_trailers(t *testing.T) {
	s := newSite(t, plain)
	resp, r := s.send("POST /me/ HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTrailer: X-Auth-Subject\n" + s.token() + "\n3\nabc\n0\nX-Auth-Subject: mallory\n\n")
	if resp.StatusCode != 200 || r == nil {
		t.Fatalf("%d, %v", resp.StatusCode, r)
	}
	if len(r.Trailer) != 0 || r.Header.Get("Trailer") != "" {
		t.Errorf("trailers %v, announced %q", r.Trailer, r.Header.Get("Trailer"))
	}
}

func TestGateway_keepsAuthorization(t *testing.T) {
	s := newSite(t, func(upstream *url.URL) http.Handler {
		return gateway.New(upstream, gateway.Options{KeepAuthorization: true})
	})
	if _, r := s.send("GET /me/ HTTP/1.1\nHost: a\n" + s.token() + "\n"); r == nil || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		t.Errorf("%v", r)
	}
}

// Nothing of these reaches the program behind.
func TestGateway_refuses(t *testing.T) {
	s := newSite(t, plain)
	for _, c := range []struct {
		request, more string
		status        int
	}{
		{"GET /me/", "", 401},
		{"GET /me/", forged, 401},
		{"POST /orders", s.token(), 403},
		{"GET /me/..%2fadmin", s.token(), 400},
		{"GET /me/%5cadmin", s.token(), 400},
		{"GET /me/%252e%252e/admin", s.token(), 400},
		{"GET /me/;x=1", s.token(), 400},
		{"GET /me/%00", s.token(), 400},
		{"GET /me/../healthz", s.token(), 307}, // by the mux
	} {
		resp, r := s.send(c.request + " HTTP/1.1\nHost: a\n" + c.more + "\n")
		if resp.StatusCode != c.status || r != nil {
			t.Errorf("%s: %d, want %d; arrived %v", c.request, resp.StatusCode, c.status, r)
		}
	}
}

func TestGateway_unfitIdentity(t *testing.T) {
	s := newSite(t, plain)
	token := s.pool.AccessToken().Set("sub", "ad\u00e4").String()
	if resp, r := s.send("GET /me/ HTTP/1.1\nHost: a\nAuthorization: Bearer " + token + "\n\n"); resp.StatusCode != 403 || r != nil {
		t.Errorf("%d, arrived %v", resp.StatusCode, r)
	}
}

// An upgraded connection carries bytes both ways, and ends with its token.
func TestGateway_upgrade(t *testing.T) {
	s := newSite(t, plain)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	token := s.pool.AccessToken().ExpiresIn(2 * time.Second)
	io.WriteString(conn, "GET /me/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer "+token.String()+"\r\n\r\n")
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	io.WriteString(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "hello\n" {
		t.Errorf("%q %v", line, err)
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("after the token has expired: %v, want the end", err)
	}
}

// Why the gateway has no Director: a caller can make httputil delete what it sets.
func TestDirector_losesIdentity(t *testing.T) {
	s := newSite(t, func(upstream *url.URL) http.Handler {
		proxy := httputil.NewSingleHostReverseProxy(upstream)
		//lint:ignore SA1019 it is what is shown
		direct := proxy.Director
		//lint:ignore SA1019 it is what is shown
		proxy.Director = func(r *http.Request) {
			direct(r)
			forwardauth.Set(r.Header, r)
		}
		return proxy
	})
	_, r := s.send("GET /me/ HTTP/1.1\nHost: a\n" + s.token() + "Connection: X-Auth-Subject\n\n")
	if r == nil || r.Header.Get(forwardauth.Subject) != "" || r.Header.Get(forwardauth.Client) == "" {
		t.Errorf("Director has kept the identity: %v", r)
	}
}

// What has been upgraded passes by the gateway, and so by Wrap: only a WebSocket may.
func TestGateway_noOtherUpgrade(t *testing.T) {
	s := newSite(t, plain)
	for _, upgrade := range []string{"Upgrade: other\n", "Upgrade: other, websocket\n", "Upgrade: websocket\nUpgrade: other\n", "Upgrade: websocket/13\n"} {
		resp, r := s.send("GET /me/ HTTP/1.1\nHost: a\nConnection: Upgrade\n" + s.token() + upgrade + "\n")
		if resp.StatusCode != 200 || r == nil || r.Header.Get("Upgrade") != "" || r.Header.Get("Connection") != "" {
			t.Errorf("%q: %d, %+v has arrived", upgrade, resp.StatusCode, r)
		}
	}
}
