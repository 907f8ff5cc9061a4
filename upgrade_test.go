package cognitoauth_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// What arrives behind Wrap of a request that offers to change its protocol: on
// each kind of route nothing of h2c, and all of anything else. Nobody is refused
// for it, and the caller's header stays as it was.
func TestWrap_h2c(t *testing.T) {
	g := lab.NewGate(t, nil)
	var got http.Header
	look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	mux := http.NewServeMux()
	mux.Handle("/protected", look)
	mux.Handle("/required", cognitoauth.Require(cognitoauth.Authenticated(), look))
	mux.Handle("/optional", cognitoauth.Optional(look))
	mux.Handle("/open", cognitoauth.AllowAnonymous(look))
	h := g.Auth.Wrap(mux)
	for _, tt := range []struct {
		name                                 string
		upgrade, connection, settings        []string
		wantUpgrade, wantConnection, wantSet []string
	}{
		{"h2c as RFC 7540 has it", []string{"h2c"}, []string{"Upgrade, HTTP2-Settings"}, []string{"AAMAAABk"}, nil, nil, nil},
		{"in other cases", []string{"H2C"}, []string{"upgrade,http2-settings"}, []string{"AAMAAABk"}, nil, nil, nil},
		{"without settings", []string{"h2c"}, []string{"Upgrade"}, nil, nil, nil, nil},
		{"without Connection", []string{"h2c"}, nil, []string{"AAMAAABk"}, nil, nil, nil},
		{"settings without an offer", nil, []string{"keep-alive, HTTP2-Settings"}, []string{"AAMAAABk"}, nil, []string{"keep-alive"}, nil},
		{"settings twice", []string{"h2c"}, []string{"Upgrade, HTTP2-Settings"}, []string{"a", "b"}, nil, nil, nil},
		{"on several lines", []string{"h2c", "h2c"}, []string{"keep-alive", "Upgrade", "X-Hop, HTTP2-Settings"}, []string{""}, nil, []string{"keep-alive", "X-Hop"}, nil},
		{"beside a WebSocket", []string{"websocket, h2c"}, []string{"Upgrade, HTTP2-Settings, close"}, []string{"AAMAAABk"}, []string{"websocket"}, []string{"Upgrade, close"}, nil},
		{"behind a WebSocket's line", []string{"websocket", "\th2c "}, []string{"Upgrade"}, nil, []string{"websocket"}, []string{"Upgrade"}, nil},
		{"among empty members", []string{", h2c ,,"}, []string{",Upgrade,"}, nil, nil, nil, nil},

		{"WebSocket alone", []string{"websocket"}, []string{"keep-alive, Upgrade"}, nil, []string{"websocket"}, []string{"keep-alive, Upgrade"}, nil},
		{"a protocol that begins like it", []string{"h2c-14"}, []string{"Upgrade,X"}, nil, []string{"h2c-14"}, []string{"Upgrade,X"}, nil},
		{"TLS", []string{"TLS/1.0"}, []string{"Upgrade"}, nil, []string{"TLS/1.0"}, []string{"Upgrade"}, nil},
	} {
		for _, path := range []string{"/protected", "/required", "/optional", "/open"} {
			name := fmt.Sprint(tt.name, ", ", path)
			r := lab.Call("GET "+path, "Authorization", g.Good(), "X-Other", "kept")
			for field, lines := range map[string][]string{"Upgrade": tt.upgrade, "Connection": tt.connection, "Http2-Settings": tt.settings} {
				if lines != nil {
					r.Header[field] = lines
				}
			}
			before, own := r.Header.Clone(), r.Header
			got = nil
			if w := lab.Ask(h, r); w.Code != 200 || got == nil {
				t.Errorf("%s: status %d", name, w.Code)
				continue
			}
			for field, want := range map[string][]string{"Upgrade": tt.wantUpgrade, "Connection": tt.wantConnection, "Http2-Settings": tt.wantSet, "X-Other": {"kept"}} {
				if _, there := got[field]; !slices.Equal(got[field], want) || there != (want != nil) {
					t.Errorf("%s: %s is %q behind Wrap, want %q", name, field, got[field], want)
				}
			}
			if !maps.EqualFunc(own, before, slices.Equal) {
				t.Errorf("%s: the caller's header is %v, was %v", name, own, before)
			}
		}
	}
}

// An access log outside of Wrap finds the route of such a request too.
func TestWrap_h2cHandsBack(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	for path, want := range map[string]string{"/healthz": "GET /healthz", "/me": "/me"} {
		r := lab.Call("GET "+path, "Authorization", g.Good(), "Upgrade", "h2c")
		if lab.Ask(h, r); r.Pattern != want {
			t.Errorf("%s: pattern %q, want %q", path, r.Pattern, want)
		}
	}
	// Nothing is refused for the offer, and nothing admitted.
	if w := lab.Ask(h, lab.Call("GET /me", "Upgrade", "h2c", "Connection", "Upgrade, HTTP2-Settings", "Http2-Settings", "AAMAAABk")); w.Code != 401 {
		t.Errorf("without a token: %d, want 401", w.Code)
	}
}
