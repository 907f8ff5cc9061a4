package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// newSite is what the port serves: the API, and tokens in front of it.
func newSite(t *testing.T, pool *cognitotest.Pool) http.Handler {
	t.Helper()
	auth, api, err := newAPI(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	site, err := withFront(auth, api, pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// answer is what came; its header and body are checked for what must be in
// every answer of the token endpoint, and for a token where there must be none.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) check(t *testing.T, name string, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d: %s", name, a.status, status, a.body)
	}
	for header, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", name, header, got, want)
		}
	}
	for header := range a.header {
		if strings.HasPrefix(header, "Access-Control-") {
			t.Errorf("%s: permits CORS by %s", name, header)
		}
	}
	if hasToken := strings.Contains(a.body, "eyJ"); hasToken != (status == 200) {
		t.Errorf("%s: status %d with the body %q", name, status, a.body)
	}
}

// send makes a request to the server at base, changed as the test needs.
func send(t *testing.T, base, method, path string, change func(*http.Request)) answer {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// A page whose host name was rebound to 127.0.0.1 sends that name as its Host.
func TestTokens_host(t *testing.T) {
	srv := httptest.NewServer(newSite(t, cognitotest.NewPool(t, cognitotest.Options{})))
	defer srv.Close()
	for status, hosts := range map[int][]string{
		200: {"", "localhost", "localhost:8080", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080", "127.9.9.9:1", "[::1]", "[::1]:8080"},
		403: {"rebound.example", "rebound.example:8080", "localhost.example", "127.0.0.1.example", "localhost.", "xlocalhost",
			"0.0.0.0:8080", "[::]:8080", "192.0.2.1", "10.0.0.1:8080", "[2001:db8::1]:8080", "128.0.0.1", "127.1", "0x7f000001"},
	} {
		for _, host := range hosts {
			a := send(t, srv.URL, "GET", "/token/jane", func(r *http.Request) { r.Host = host })
			a.check(t, "Host "+host, status)
			if status == 403 && !strings.Contains(a.body, "Host") {
				t.Errorf("Host %s: does not say why: %s", host, a.body)
			}
		}
	}
}

func TestTokens_headers(t *testing.T) {
	srv := httptest.NewServer(newSite(t, cognitotest.NewPool(t, cognitotest.Options{})))
	defer srv.Close()
	for _, tt := range []struct {
		name, value string
		status      int
		why         string
	}{
		{"Forwarded", "for=127.0.0.1", 403, "proxy"},
		{"X-Forwarded-For", "127.0.0.1", 403, "proxy"},
		{"X-Forwarded-Host", "localhost", 403, "proxy"},
		{"X-Forwarded-Proto", "http", 403, "proxy"},
		{"X-Forwarded-Anything", "1", 403, "proxy"},
		{"x-forwarded-for", "127.0.0.1", 403, "proxy"},
		{"X-Forwarded-For", "", 403, "proxy"},
		{"Via", "1.1 proxy", 403, "proxy"},
		{"X-Real-IP", "127.0.0.1", 403, "proxy"},

		{"Sec-Fetch-Site", "cross-site", 403, "Sec-Fetch-Site"},
		{"Sec-Fetch-Site", "same-site", 403, "Sec-Fetch-Site"},
		{"Sec-Fetch-Site", "of tomorrow", 403, "Sec-Fetch-Site"},
		{"Sec-Fetch-Site", "", 403, "Sec-Fetch-Site"},
		{"Sec-Fetch-Site", "same-origin", 200, ""},
		{"Sec-Fetch-Site", "none", 200, ""},

		{"Origin", "https://page.example", 200, ""}, // the page cannot read it
		{"User-Agent", "curl/8", 200, ""},
	} {
		name := tt.name + ": " + tt.value
		a := send(t, srv.URL, "GET", "/token/jane", func(r *http.Request) { r.Header[tt.name] = []string{tt.value} })
		a.check(t, name, tt.status)
		if !strings.Contains(a.body, tt.why) {
			t.Errorf("%s: does not say why: %s", name, a.body)
		}
	}
	a := send(t, srv.URL, "GET", "/token/jane", func(r *http.Request) { r.Header["Sec-Fetch-Site"] = []string{"none", "cross-site"} })
	a.check(t, "two of Sec-Fetch-Site", 403)
}

func TestTokens_addresses(t *testing.T) {
	h := newSite(t, cognitotest.NewPool(t, cognitotest.Options{}))
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080} }
	for _, tt := range []struct {
		local  net.Addr
		remote string
		status int
	}{
		{tcp("127.0.0.1"), "127.0.0.1:1234", 200},
		{tcp("127.0.0.1"), "[::ffff:127.0.0.1]:1234", 200},
		{tcp("::1"), "[::1]:1234", 200},

		{tcp("127.0.0.1"), "192.0.2.1:1234", 403},
		{tcp("127.0.0.1"), "[2001:db8::1]:1234", 403},
		{tcp("127.0.0.1"), "[::ffff:192.0.2.1]:1234", 403},
		{tcp("127.0.0.1"), "localhost:1234", 403}, // a name is no address
		{tcp("127.0.0.1"), "@", 403},              // a Unix socket
		{tcp("127.0.0.1"), "", 403},
		{tcp("192.0.2.1"), "127.0.0.1:1234", 403},
		{tcp("2001:db8::1"), "[::1]:1234", 403},
		{&net.UnixAddr{Name: "socket", Net: "unix"}, "127.0.0.1:1234", 403},
		{nil, "127.0.0.1:1234", 403},
	} {
		r := httptest.NewRequest("GET", "http://localhost:8080/token/jane", nil)
		r.RemoteAddr = tt.remote
		if tt.local != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tt.local))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		answer{w.Code, w.Header(), w.Body.String()}.check(t, fmt.Sprintf("%v from %q", tt.local, tt.remote), tt.status)
	}
}

func TestTokens_methods(t *testing.T) {
	srv := httptest.NewServer(newSite(t, cognitotest.NewPool(t, cognitotest.Options{})))
	defer srv.Close()
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
		a := send(t, srv.URL, method, "/token/jane", func(r *http.Request) {
			r.Header.Set("Origin", "https://page.example")
			r.Header.Set("Access-Control-Request-Method", "GET")
		})
		a.check(t, method, 405)
		if allow := a.header.Get("Allow"); allow != "GET" {
			t.Errorf("%s: Allow %q", method, allow)
		}
	}
}

func TestTokens_unknownName(t *testing.T) {
	srv := httptest.NewServer(newSite(t, cognitotest.NewPool(t, cognitotest.Options{})))
	defer srv.Close()
	a := send(t, srv.URL, "GET", "/token/Nobody%0A7", nil)
	a.check(t, "unknown name", 404)
	for _, name := range []string{"jane", "omar", "ada", "jane-expired", "jane-id", "jane-other-client"} {
		if !strings.Contains(a.body, "/token/"+name+" ") {
			t.Errorf("does not name %s:\n%s", name, a.body)
		}
		send(t, srv.URL, "GET", "/token/"+name, nil).check(t, name, 200)
	}
	if strings.Contains(a.body, "Nobody") {
		t.Errorf("repeats what was asked:\n%s", a.body)
	}
}

// Paths that only look like the endpoint's are the API's, which knows none of
// them, and it answers its own as if there were no endpoint.
func TestTokens_onlyTheirPath(t *testing.T) {
	srv := httptest.NewServer(newSite(t, cognitotest.NewPool(t, cognitotest.Options{})))
	defer srv.Close()
	for _, path := range []string{"/token", "/token/", "/token/jane/", "/token/jane/me", "/TOKEN/jane", "/me", "//me", "/x/../me", "/"} {
		if a := send(t, srv.URL, "GET", path, nil); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// A token works however long the quickstart has been running.
func TestTokens_areFresh(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().Unix())
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	srv := httptest.NewServer(newSite(t, pool))
	defer srv.Close()
	me := func(token string) int {
		return send(t, srv.URL, "GET", "/me", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		}).status
	}
	early := send(t, srv.URL, "GET", "/token/jane", nil).body
	if status := me(early); status != 200 {
		t.Errorf("token of now: %d", status)
	}
	now.Add(3 * 60 * 60)
	if status := me(early); status != 401 {
		t.Errorf("token of three hours ago: %d", status)
	}
	if status := me(send(t, srv.URL, "GET", "/token/jane", nil).body); status != 200 {
		t.Errorf("token of three hours later: %d", status)
	}
}
