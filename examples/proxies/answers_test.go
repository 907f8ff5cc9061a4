package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// call is a request of the table of answers.
type call struct {
	what   string
	line   string // method and path
	auth   string // credentials, "" if none
	status int    // of the library's own answer
}

func (c call) raw() string {
	raw := c.line + " HTTP/1.1\nHost: api.example.com:8443\n"
	if c.auth != "" {
		raw += "Authorization: " + c.auth + "\n"
	}
	if strings.HasPrefix(c.line, "POST") {
		return raw + "Content-Length: 5\n\nhello"
	}
	return raw + "\n"
}

func (w *world) calls() []call {
	token := w.pool.AccessToken()
	return []call{
		{"malformed", "GET /me", "Bearer a b", 400},
		{"no token", "GET /me", "", 401},
		{"expired", "GET /me", "Bearer " + token.ExpiresIn(-time.Hour).String(), 401},
		{"scope", "POST /orders", "Bearer " + token.String(), 403},
		{"group", "GET /admin", "Bearer " + token.String(), 403},
		{"no keys", "GET /me", "Bearer " + w.down.AccessToken().String(), 503},
	}
}

// What the client gets for each of our refusals. A row says "same" where status,
// challenge, Retry-After and body are those of the library.
func TestAnswers(t *testing.T) {
	w := newWorld(t)
	each(t, "answers", wirings, func(t *testing.T, v wiring) (cells []string) {
		site := w.start(t, v, front.Site{})
		for _, c := range w.calls() {
			direct := send(t, w.wrapped, c.raw())
			if direct.StatusCode != c.status {
				t.Fatalf("%s: the library itself answers %d, want %d", c.what, direct.StatusCode, c.status)
			}
			got := send(t, site, c.raw())
			if n := len(w.arrived()); n != 0 {
				t.Errorf("%s: %d requests reached the API", c.what, n)
			}
			if !v.bare && (got.StatusCode != direct.StatusCode || header(got, "Www-Authenticate") != header(direct, "Www-Authenticate")) {
				t.Errorf("%s: %d %s, want %d %s", c.what, got.StatusCode, header(got, "Www-Authenticate"), direct.StatusCode, header(direct, "Www-Authenticate"))
			}
			if store := header(got, "Cache-Control"); !v.bare && !strings.Contains(store, "no-store") {
				t.Errorf("%s: Cache-Control is %q", c.what, store)
			}
			if c.what != "expired" { // as "no token"
				cells = append(cells, tell(got, direct))
			}
		}
		w.admits(t, v, site)
		return append(cells, w.outage(t, v))
	})
}

// admits sends what has to pass.
func (w *world) admits(t *testing.T, v wiring, site string) {
	t.Helper()
	token := "Bearer " + w.pool.AccessToken().Scopes("orders/write").Groups("admins").String()
	for _, c := range []call{
		{"open", "GET /healthz", "", 200},
		{"token", "GET /me?all=1", token, 200},
		{"scope", "POST /orders", token, 200},
		{"group", "GET /admin", token, 200},
	} {
		got := send(t, site, c.raw())
		seen := w.arrived()
		if got.StatusCode != 200 || len(seen) != 1 {
			t.Errorf("%s: %d, %d requests reached the API\n%s", c.what, got.StatusCode, len(seen), got.body)
			continue
		}
		method, target, _ := strings.Cut(c.line, " ")
		if r := seen[0]; r.Method != method || r.RequestURI != target || strings.HasPrefix(c.line, "POST") && r.size != 5 {
			t.Errorf("%s: the API saw %s %s with %d bytes", c.line, r.Method, r.RequestURI, r.size)
		}
	}
}

// outage tells what a client with a good token gets while what decides is down.
func (w *world) outage(t *testing.T, v wiring) string {
	t.Helper()
	s := front.Site{API: closedAddr(t)}
	if v.forward() {
		s = front.Site{Auth: filepath.Join(t.TempDir(), "nobody")}
	}
	site := w.start(t, v, s)
	c := call{line: "GET /me", auth: "Bearer " + w.pool.AccessToken().String()}
	got := send(t, site, c.raw())
	if n := len(w.arrived()); n != 0 || got.StatusCode < 500 {
		t.Errorf("nobody decides: %d, %d requests reached the API", got.StatusCode, n)
	}
	return fmt.Sprint(got.StatusCode)
}

// tell says how an answer differs from the library's own.
func tell(got, direct reply) string {
	challenge, wait := header(direct, "Www-Authenticate"), header(direct, "Retry-After") != ""
	var parts []string
	switch c := header(got, "Www-Authenticate"); {
	case challenge == c:
	case c == "":
		parts = append(parts, "no challenge")
	default:
		parts = append(parts, "another challenge")
	}
	if wait && header(got, "Retry-After") == "" {
		parts = append(parts, "no Retry-After")
	}
	switch {
	case got.body == direct.body:
	case code(got.body) != "" && code(got.body) == code(direct.body):
		parts = append(parts, "short body")
	default:
		parts = append(parts, "its own body")
	}
	if got.StatusCode == direct.StatusCode && parts == nil {
		return "same"
	}
	return strings.Join(append([]string{fmt.Sprint(got.StatusCode)}, parts...), ", ")
}

// header returns all values of a header.
func header(r reply, name string) string { return strings.Join(r.Header.Values(name), " / ") }

// code finds the code in a problem body.
func code(body string) string {
	_, rest, _ := strings.Cut(body, `"code":"`)
	found, _, _ := strings.Cut(rest, `"`)
	return found
}
