package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// forged are headers with which a client claims to be somebody else, or to have asked
// for something else.
const forged = `X-Auth-Subject: mallory
X-Auth-Subject: mallory2
x-auth-scopes: orders/write
X_Auth_Subject: mallory
X-Auth_Subject: mallory
X-Forwarded-User: mallory
X-Forwarded-For: 192.0.2.1
X-Forwarded-Method: GET
X-Forwarded-Uri: /healthz
X-Original-Method: GET
X-Original-Uri: /healthz
X-Original-Uri: /healthz
X_Original_Uri: /healthz
`

// What the API gets of a good request with forged headers.
func TestUpstream(t *testing.T) {
	w := newWorld(t)
	each(t, "upstream", wirings, func(t *testing.T, v wiring) (cells []string) {
		site := w.start(t, v, front.Site{})
		token := w.pool.AccessToken()
		for _, connection := range []string{"", "Connection: X-Auth-Subject, X-Auth-Client, x-auth-pool\n"} {
			got := send(t, site, "GET /me?all=1 HTTP/1.1\nHost: api.example.com:8443\nAuthorization: Bearer "+token.String()+"\n"+forged+connection+"\n")
			seen := w.arrived()
			if got.StatusCode != 200 || len(seen) != 1 {
				t.Fatalf("%d, %d requests reached the API", got.StatusCode, len(seen))
			}
			r := seen[0].Request
			if v.forward() && !v.bare {
				identified(t, r, token.Claims())
			}
			if connection == "" {
				cells = arrivals(r)
			}
		}
		return cells
	})
}

// arrivals tells what has become of the headers.
func arrivals(r *http.Request) (cells []string) {
	host := "changed"
	if r.Host == "api.example.com:8443" {
		host = "kept"
	}
	cells = append(cells, host)
	for _, name := range []string{"Authorization", "X-Auth-Subject", "X_Auth_Subject", "X-Forwarded-User", "X-Original-Uri", "X-Forwarded-Uri"} {
		values := r.Header[http.CanonicalHeaderKey(name)]
		switch {
		case values == nil:
			cells = append(cells, "–")
		case name == "Authorization":
			cells = append(cells, "kept")
		case strings.Contains(strings.Join(values, " "), "mallory") || strings.Contains(strings.Join(values, " "), "/healthz"):
			cells = append(cells, "**forged**")
		default:
			cells = append(cells, "ours")
		}
	}
	from := strings.Join(r.Header.Values("X-Forwarded-For"), ", ")
	return append(cells, strings.ReplaceAll(from, "127.0.0.1", "peer"))
}

// identified makes sure that the API is told who called, and by nobody but the auth
// endpoint.
func identified(t *testing.T, r *http.Request, c *cognitoauth.Claims) {
	t.Helper()
	want := map[string][]string{
		forwardauth.Subject: {c.Subject}, forwardauth.Client: {c.ClientID}, forwardauth.Pool: {c.PoolID}, forwardauth.Scopes: {strings.Join(c.Scopes(), " ")},
	}
	for name, values := range r.Header {
		folded := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		if slices.Contains(forwardauth.Names(), folded) && (name != folded || !slices.Equal(values, want[name])) {
			t.Errorf("%s: %q", name, values)
		}
		if strings.Contains(strings.Join(values, " "), "mallory") || folded == "X-Original-Uri" || folded == "Authorization" {
			t.Errorf("%s: %q has arrived", name, values)
		}
	}
	for name, values := range want {
		if !slices.Equal(r.Header[name], values) {
			t.Errorf("%s: %q, want %q", name, r.Header[name], values)
		}
	}
}

// recipes are the wirings to copy that ask the auth endpoint.
func recipes() (list []wiring) {
	for _, v := range wirings {
		if v.forward() && !v.bare {
			list = append(list, v)
		}
	}
	return sampled(list)
}

// The endpoint decides about the request that the API would get, whatever the client
// says about it, and about none whose path can be read in two ways.
func TestRecipes_refuse(t *testing.T) {
	w := newWorld(t)
	token := "Authorization: Bearer " + w.pool.AccessToken().String() + "\n"
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{})
			for name, raw := range map[string]string{
				"forged target":                "GET /me HTTP/1.1\nHost: a\n" + forged,
				"forged target, hop by hop":    "GET /me HTTP/1.1\nHost: a\n" + forged + "Connection: X-Original-Uri, X-Original-Method, X-Forwarded-Uri, X-Forwarded-Method\n",
				"forged method":                "POST /healthz HTTP/1.1\nHost: a\nContent-Length: 0\n" + forged,
				"method of another route":      "POST /orders HTTP/1.1\nHost: a\nContent-Length: 0\nX-HTTP-Method-Override: GET\n" + token,
				"unknown route":                "GET /other HTTP/1.1\nHost: a\n" + token,
				"unknown method":               "PUT /me HTTP/1.1\nHost: a\nContent-Length: 0\n" + token,
				"escaped slash":                "GET /healthz%2fme HTTP/1.1\nHost: a\n" + token,
				"escaped dots":                 "GET /healthz/%2e%2e/admin HTTP/1.1\nHost: a\n" + token,
				"dots":                         "GET /healthz/../me HTTP/1.1\nHost: a\n" + token,
				"two slashes":                  "GET //me HTTP/1.1\nHost: a\n" + token,
				"parameter":                    "GET /me;x HTTP/1.1\nHost: a\n" + token,
				"backslash":                    "GET /me\\x HTTP/1.1\nHost: a\n" + token,
				"fragment":                     "GET /me#x HTTP/1.1\nHost: a\n" + token,
				"escape that is none":          "GET /me%zz HTTP/1.1\nHost: a\n" + token,
				"two tokens":                   "GET /me HTTP/1.1\nHost: a\n" + token + token,
				"token in a forwarded header":  "GET /me HTTP/1.1\nHost: a\nX-Forwarded-" + token,
				"token of a header hop by hop": "GET /me HTTP/1.1\nHost: a\nConnection: close, Authorization\n",
			} {
				got := send(t, site, raw+"\n")
				if n := len(w.arrived()); n != 0 || got.StatusCode < 400 {
					t.Errorf("%s: %d, %d requests reached the API", name, got.StatusCode, n)
				}
			}
		})
	}
}

// Where nobody is known, the API is told of nobody.
func TestRecipes_anonymous(t *testing.T) {
	w := newWorld(t)
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{})
			got := send(t, site, "GET /healthz HTTP/1.1\nHost: a\nAuthorization: Bearer "+w.pool.AccessToken().String()+"\n"+forged+"\n")
			seen := w.arrived()
			if got.StatusCode != 200 || len(seen) != 1 {
				t.Fatalf("%d, %d requests reached the API", got.StatusCode, len(seen))
			}
			for name, values := range seen[0].Header {
				if told := strings.Join(values, ""); told != "" && strings.HasPrefix(strings.ReplaceAll(name, "_", "-"), "X-Auth-") || strings.Contains(told, "mallory") {
					t.Errorf("%s: %q", name, values)
				}
			}
		})
	}
}

// An endpoint that does not answer refuses, after five seconds; HAProxy asks four
// times. Only with -whole.
func TestRecipes_hang(t *testing.T) {
	if !*whole {
		return
	}
	w := newWorld(t)
	socket := t.TempDir() + "/auth"
	l, err := listenFor(socket, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	serveOn(t, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(func() { close(released) })
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{Auth: socket})
			got := send(t, site, call{line: "GET /me", auth: "Bearer " + w.pool.AccessToken().String()}.raw())
			if n := len(w.arrived()); got.StatusCode < 500 || n != 0 {
				t.Errorf("%d, %d requests reached the API", got.StatusCode, n)
			}
		})
	}
}

// Only 204 with the identity is a yes. nginx takes any 2xx for one; then the API is told
// of nobody.
func TestRecipes_oddAnswers(t *testing.T) {
	w := newWorld(t)
	status := 0
	socket := t.TempDir() + "/auth"
	l, err := listenFor(socket, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", "/elsewhere")
		rw.WriteHeader(status)
	}))
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{Auth: socket})
			for _, status = range []int{200, 204, 206, 299, 302, 404, 429} {
				got := send(t, site, "GET /me HTTP/1.1\nHost: a\n"+forged+"\n")
				seen := w.arrived()
				switch {
				case len(seen) == 0 && got.StatusCode >= 400:
				case len(seen) == 1 && seen[0].Header.Get(forwardauth.Subject) == "" && v.program == front.Nginx:
				default:
					t.Errorf("%d of the endpoint: %d, %d requests reached the API", status, got.StatusCode, len(seen))
				}
			}
		})
	}
}

// Squid passes Authorization on only if it is told to.
func TestSquid_dropsAuthorization(t *testing.T) {
	w := newWorld(t)
	for _, v := range sampled([]wiring{{program: front.Squid, config: "squid-bare.conf"}}) {
		site := w.start(t, v, front.Site{})
		got := send(t, site, call{line: "GET /me", auth: "Bearer " + w.pool.AccessToken().String()}.raw())
		if got.StatusCode != 401 || code(got.body) != "token_missing" {
			t.Errorf("without login=PASSTHRU: %d %s", got.StatusCode, got.body)
		}
	}
}

// A WebSocket handshake is decided like any request. The API sees the host and port of
// the client, with which WebSocket libraries compare Origin.
func TestRecipes_upgrade(t *testing.T) {
	w := newWorld(t)
	api := w.serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Host != "api.example.com:8443" {
			http.Error(rw, fmt.Sprintf("no upgrade: %q, host %s", r.Header, r.Host), 400)
			return
		}
		conn, buffered, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		line, _ := buffered.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	}))
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{API: api})
			const handshake = "GET /me HTTP/1.1\nHost: api.example.com:8443\nConnection: Upgrade\nUpgrade: websocket\n" +
				"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n" // RFC 6455, section 1.3
			if got := send(t, site, handshake+"\n"); got.StatusCode != 401 {
				t.Errorf("without a token: %d", got.StatusCode)
			}
			conn, err := net.Dial("tcp", site)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute))
			io.WriteString(conn, strings.ReplaceAll(handshake+"Authorization: Bearer "+w.pool.AccessToken().String()+"\n\n", "\n", "\r\n"))
			reader := bufio.NewReader(conn)
			resp, err := http.ReadResponse(reader, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatalf("%v %v", resp, err)
			}
			io.WriteString(conn, "hello\n")
			if line, err := reader.ReadString('\n'); line != "echo hello\n" {
				t.Errorf("%q %v", line, err)
			}
		})
	}
}

// What has been upgraded passes by the proxy, and so by the auth endpoint: only a
// WebSocket may. Connection names no header of the proxy's to the API.
func TestRecipes_noOtherUpgrade(t *testing.T) {
	w := newWorld(t)
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{})
			for _, upgrade := range []string{"Upgrade: other\nConnection: Upgrade\n", "Connection: X-Auth-Subject\nUpgrade:\n"} {
				got := send(t, site, "GET /healthz HTTP/1.1\nHost: a\n"+upgrade+"\n")
				seen := w.arrived()
				if got.StatusCode != 200 || len(seen) != 1 {
					t.Fatalf("%q: %d, %d requests reached the API", upgrade, got.StatusCode, len(seen))
				}
				if h := seen[0].Header; h.Get("Upgrade") != "" || h.Get("Connection") != "" {
					t.Errorf("%q: Upgrade %q and Connection %q have arrived", upgrade, h["Upgrade"], h["Connection"])
				}
			}
		})
	}
}

// Fields behind a body do not become headers. HAProxy passes them on as what they are.
func TestRecipes_trailers(t *testing.T) {
	w := newWorld(t)
	token := w.pool.AccessToken().Scopes("orders/write")
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			got := send(t, w.start(t, v, front.Site{}), "POST /orders HTTP/1.1\nHost: a\nAuthorization: Bearer "+token.String()+
				"\nTransfer-Encoding: chunked\nTrailer: X-Auth-Subject\n\n1\r\nx\r\n0\r\nX-Auth-Subject: mallory\r\n\r\n")
			seen := w.arrived()
			if got.StatusCode != 200 || len(seen) != 1 {
				t.Fatalf("%d, %d requests reached the API", got.StatusCode, len(seen))
			}
			identified(t, seen[0].Request, token.Claims())
			if passed := seen[0].Trailer.Get("X-Auth-Subject") != ""; passed != (v.program == front.HAProxy) {
				t.Errorf("the API gets %v behind the body", seen[0].Trailer)
			}
		})
	}
}
