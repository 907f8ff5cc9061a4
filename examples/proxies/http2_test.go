package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// send2 sends a request over HTTP/2 without TLS, with prior knowledge, and reads the
// answer. It returns an error if the proxy ends the stream or the connection; that it
// does nothing fails the test.
func send2(t *testing.T, site, line string, h http.Header) (reply, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	method, target, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(ctx, method, "http://"+site+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Header = h.Get("Host"), h.Clone()
	r.Header["User-Agent"] = nil // so that Go adds none
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &only, DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if ctx.Err() != nil {
		t.Fatalf("%s: no answer: %v", line, err)
	}
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Fatalf("%s: the answer is %s", line, resp.Proto)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(body)}, nil
}

// Over HTTP/2, the recipes refuse and admit the same, and the API is told the same.
func TestRecipes_http2(t *testing.T) {
	w := newWorld(t)
	token := w.pool.AccessToken()
	for _, v := range recipes() {
		t.Run(v.program.Name, func(t *testing.T) {
			site := w.start(t, v, front.Site{HTTP2: true})
			for _, c := range w.calls() {
				h := http.Header{"Host": {"api.example.com:8443"}}
				if c.auth != "" {
					h.Set("Authorization", c.auth)
				}
				direct := send(t, w.wrapped, c.raw())
				got, err := send2(t, site, c.line, h)
				if err != nil {
					t.Fatalf("%s: %v", c.what, err)
				}
				if got.StatusCode != c.status || header(got, "Www-Authenticate") != header(direct, "Www-Authenticate") || len(w.arrived()) != 0 {
					t.Errorf("%s: %d %s, want %d %s, and nothing at the API", c.what, got.StatusCode, header(got, "Www-Authenticate"), c.status, header(direct, "Www-Authenticate"))
				}
			}
			h := http.Header{"Host": {"api.example.com:8443"}, "Authorization": {"Bearer " + token.String()}}
			for _, line := range strings.Split(strings.TrimSpace(forged), "\n") {
				name, value, _ := strings.Cut(line, ": ")
				h[name] = append(h[name], value)
			}
			got, err := send2(t, site, "GET /me?all=1", h)
			seen := w.arrived()
			if err != nil || got.StatusCode != 200 || len(seen) != 1 {
				t.Fatalf("%d %v, %d requests reached the API", got.StatusCode, err, len(seen))
			}
			identified(t, seen[0].Request, token.Claims())
			if seen[0].Host != "api.example.com:8443" || seen[0].RequestURI != "/me?all=1" {
				t.Errorf("the API saw %s of %s", seen[0].RequestURI, seen[0].Host)
			}
		})
	}
}
