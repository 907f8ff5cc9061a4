package local_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/local"
)

func TestHost(t *testing.T) {
	for _, host := range []string{"localhost", "localhost:8080", "LocalHost", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"} {
		if !local.Host(host) {
			t.Errorf("%s is not this machine", host)
		}
	}
	for _, host := range []string{"", "localhost.", "xlocalhost", "localhost.example", "127.0.0.1.example", "0.0.0.0", "[::]:1", "10.0.0.1", "127.1", "0x7f000001", "[localhost", "::1]", "x::1]", "[::1x"} {
		if local.Host(host) {
			t.Errorf("%s is this machine", host)
		}
	}
}

func TestOutsider(t *testing.T) {
	const mine = "127.0.0.1"
	for _, tt := range []struct {
		name          string
		local, remote string
		change        func(*http.Request)
		outside       bool
	}{
		{"this machine", mine, mine, func(*http.Request) {}, false},
		{"IPv4 in IPv6", "::ffff:127.0.0.1", "::ffff:127.0.0.1", func(*http.Request) {}, false},
		{"other headers", mine, mine, func(r *http.Request) { r.Header.Set("X-Request-Id", "1") }, false},

		{"no local address", "", mine, func(*http.Request) {}, true},
		{"local address", "192.0.2.1", mine, func(*http.Request) {}, true},
		{"remote address", mine, "192.0.2.1", func(*http.Request) {}, true},
		{"host", mine, mine, func(r *http.Request) { r.Host = "rebound.example" }, true},
		{"HTTP/1.0", mine, mine, func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }, true},
		{"Forwarded", mine, mine, func(r *http.Request) { r.Header.Set("Forwarded", "") }, true},
		{"Via", mine, mine, func(r *http.Request) { r.Header.Set("Via", "1.1 x") }, true},
		{"X-Real-IP", mine, mine, func(r *http.Request) { r.Header.Set("X-Real-IP", mine) }, true},
		{"X-Forwarded-Tomorrow", mine, mine, func(r *http.Request) { r.Header.Set("X-Forwarded-Tomorrow", "1") }, true},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.RemoteAddr = net.JoinHostPort(tt.remote, "1234")
		if tt.local != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(tt.local), Port: 80}))
		}
		tt.change(r)
		if why := local.Outsider(r); (why != "") != tt.outside {
			t.Errorf("%s: %q", tt.name, why)
		}
	}
}
