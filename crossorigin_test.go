package cognitoauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// protection trusts https://app.example.com, and any origin on two paths.
func protection(t testing.TB) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if err := p.AddTrustedOrigin("https://app.example.com"); err != nil {
		t.Fatal(err)
	}
	p.AddInsecureBypassPattern("POST /hook")
	p.AddInsecureBypassPattern("GET /hook-chat")
	p.AddInsecureBypassPattern("/open-hook-chat")
	p.SetDenyHandler(http.RedirectHandler("/", http.StatusFound)) // nobody calls it
	return p
}

// strangers are requests with a cookie to https://api.example.com, and the status of
// each where only its own origin is trusted, and where Config.CrossOrigin is set.
var strangers = []struct {
	name    string
	line    string
	header  []string
	nowhere int
	trusted int
}{
	{"trusted sibling", "POST /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, 403, 200},
	{"trusted sibling, old browser", "POST /me", []string{"Origin", "https://app.example.com"}, 403, 200},
	{"trusted, as another site", "DELETE /me", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com"}, 403, 200},
	{"trusted, handshake over HTTP/2", "CONNECT /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, 403, 200},
	{"trusted, WebSocket", "GET /me", []string{"Upgrade", "websocket", "Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, 403, 200},
	{"trusted, WebSocket of an old browser", "GET /me", []string{"Upgrade", "WebSocket", "Origin", "https://app.example.com"}, 403, 200},

	{"untrusted sibling", "POST /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://blog.example.com"}, 403, 403},
	{"untrusted sibling, old browser", "POST /me", []string{"Origin", "https://blog.example.com"}, 403, 403},
	{"untrusted sibling, WebSocket", "GET /me", []string{"Upgrade", "websocket", "Sec-Fetch-Site", "same-site", "Origin", "https://blog.example.com"}, 403, 403},
	{"the sibling without TLS", "POST /me", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://app.example.com"}, 403, 403},
	{"the sibling on another port", "POST /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com:8443"}, 403, 403},
	{"below the sibling", "POST /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://x.app.example.com"}, 403, 403},
	{"another site", "POST /me", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403, 403},
	{"the same site, which one it does not say", "POST /me", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
	{"a sandboxed frame", "POST /me", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, 403, 403},

	{"any origin by a pattern", "POST /hook", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403, 200},
	{"another method than the pattern's", "PUT /hook", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403, 403},
	{"a path that the pattern is for once it is clean", "POST /x/../hook", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403, 403},
	{"a WebSocket by a pattern", "GET /open-hook-chat", []string{"Upgrade", "websocket", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 403, 200},
	{"a WebSocket by a pattern for POST", "GET /hook", []string{"Upgrade", "websocket", "Origin", "https://evil.test"}, 403, 200},
	{"a WebSocket by a pattern for GET, which it is not matched as", "GET /hook-chat", []string{"Upgrade", "websocket", "Origin", "https://evil.test"}, 403, 403},

	{"its own origin", "POST /me", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://api.example.com"}, 200, 200},
	{"no browser", "POST /me", nil, 200, 200},
	{"a GET of anybody", "GET /me", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 200, 200},
}

// askStranger sends the request, in which offer is the header that brings the token.
func askStranger(t testing.TB, g *lab.Gate, line string, header []string, offer string) (status int, code string, ran bool) {
	g.Forget()
	r := lab.Call(line, header...)
	r.Host = "api.example.com"
	name, before, _ := strings.Cut(offer, ":")
	r.Header.Set(name, before+g.Pool.AccessToken().String())
	w := httptest.NewRecorder()
	g.Auth.Wrap(g.Page()).ServeHTTP(w, r)
	return w.Code, lab.CodeOf(t, w), g.Ran()
}

func TestCrossOrigin(t *testing.T) {
	cookie, header := cognitoauth.FromCookie("session"), cognitoauth.FromHeader("X-Amzn-Oidc-Accesstoken")
	type derived struct{}
	for name, source := range map[string]struct {
		of    cognitoauth.TokenSource
		offer string
	}{
		"cookie":   {cookie, "Cookie:session="},
		"header":   {header, "X-Amzn-Oidc-Accesstoken:"},
		"composed": {composed, "Cookie:session="},
		"derived": {func(r *http.Request) (string, error) {
			return cookie(r.Clone(context.WithValue(r.Context(), derived{}, 1)))
		}, "Cookie:session="},
	} {
		alone := lab.NewGate(t, lab.TokenSource(source.of))
		trusting := lab.NewGate(t, func(c *cognitoauth.Config) { c.TokenSource, c.CrossOrigin = source.of, protection(t) })
		empty := lab.NewGate(t, func(c *cognitoauth.Config) { c.TokenSource, c.CrossOrigin = source.of, new(http.CrossOriginProtection) })
		for _, tt := range strangers {
			for _, by := range []struct {
				name   string
				gate   *lab.Gate
				status int
			}{{"without", alone, tt.nowhere}, {"with", trusting, tt.trusted}, {"with an empty one", empty, tt.nowhere}} {
				status, code, ran := askStranger(t, by.gate, tt.line, tt.header, source.offer)
				if status != by.status || ran != (by.status == 200) || (code == "cross_origin") != (by.status == 403) {
					t.Errorf("%s, %s, %s: %d %s, want %d", name, tt.name, by.name, status, code, by.status)
				}
			}
		}
	}
}

// A source that asks another with a request of its own has lost the protection, and
// so trusts nobody.
func TestCrossOrigin_lostContext(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.CrossOrigin = protection(t)
		c.TokenSource = func(r *http.Request) (string, error) {
			return cognitoauth.FromCookie("session")(r.Clone(t.Context()))
		}
	})
	if status, code, _ := askStranger(t, g, "POST /me", []string{"Origin", "https://app.example.com"}, "Cookie:session="); code != "cross_origin" {
		t.Errorf("%d %s, want 403 cross_origin", status, code)
	}
	if status, _, _ := askStranger(t, g, "POST /me", nil, "Cookie:session="); status != 200 {
		t.Errorf("status %d, want 200", status)
	}
}

// What is added later counts at once, and what Reload brings from the next request on.
func TestCrossOrigin_changes(t *testing.T) {
	p := new(http.CrossOriginProtection)
	var cfg cognitoauth.Config
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.TokenSource, c.CrossOrigin = cognitoauth.FromCookie("session"), p
		cfg = *c
	})
	want := func(when string, want int) {
		t.Helper()
		if status, code, _ := askStranger(t, g, "POST /me", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, "Cookie:session="); status != want {
			t.Errorf("%s: %d %s, want %d", when, status, code, want)
		}
	}
	reload := func(p *http.CrossOriginProtection) {
		t.Helper()
		cfg.CrossOrigin = p
		if err := g.Auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
	}
	want("at first", 403)
	if err := p.AddTrustedOrigin("https://app.example.com"); err != nil {
		t.Fatal(err)
	}
	want("after AddTrustedOrigin", 200)
	reload(nil)
	want("after a Reload without it", 403)
	reload(p)
	want("after a Reload with it", 200)
}

// A stale cookie counts as none on an Optional route, but not that of a stranger, and
// CrossOrigin alone ignores no bad token.
func TestCrossOrigin_badToken(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			c.TokenSource, c.CrossOrigin, c.IgnoreBadAmbientToken = cognitoauth.FromCookie("session"), protection(t), ignore
		})
		for origin, want := range map[string]int{"https://app.example.com": map[bool]int{false: 401, true: 200}[ignore], "https://blog.example.com": 403} {
			r := lab.Call("POST /greet", "Origin", origin, "Cookie", "session="+g.Pool.AccessToken().Tampered().String())
			if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r); w.Code != want {
				t.Errorf("ignore %v, %s: %d %s, want %d", ignore, origin, w.Code, w.Body, want)
			}
		}
	}
}

// A token in Authorization needs no trust, with a CrossOrigin or without.
func TestCrossOrigin_authorization(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) { c.TokenSource, c.CrossOrigin = composed, protection(t) })
	if status, code, _ := askStranger(t, g, "POST /me", []string{"Origin", "https://evil.test"}, "Authorization:Bearer "); status != 200 {
		t.Errorf("%d %s, want 200", status, code)
	}
}

// The detail of the refusal names what mends it.
func TestCrossOrigin_detail(t *testing.T) {
	var told string
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.TokenSource = cognitoauth.FromCookie("session")
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			told = e.Detail()
			cognitoauth.WriteError(w, r, e)
		}
	})
	askStranger(t, g, "POST /me", []string{"Origin", "https://app.example.com"}, "Cookie:session=")
	for _, want := range []string{`cookie "session"`, "AddTrustedOrigin of Config.CrossOrigin", "from one origin", "Authorization: Bearer"} {
		if !strings.Contains(told, want) {
			t.Errorf("the detail does not mention %s: %s", want, told)
		}
	}
}

// The handshake of a WebSocket, to a real server.
func TestCrossOrigin_webSocket(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.TokenSource, c.CrossOrigin = cognitoauth.FromCookie("session"), protection(t)
	})
	server := httptest.NewServer(g.Auth.Wrap(http.HandlerFunc(chat)))
	defer server.Close()
	for origin, want := range map[string]int{"https://app.example.com": 101, "https://blog.example.com": 403, "http://api.test": 101} {
		header := "Upgrade: websocket\nOrigin: " + origin + "\nCookie: session=" + g.Pool.AccessToken().String()
		status, said := shakeHands(t, server.Listener.Addr().String(), "/chat", header)
		if status != want || strings.Contains(said, "jane") != (want == 101) {
			t.Errorf("%s: %d %q, want %d", origin, status, said, want)
		}
	}
}

// Without a host no origin is the request's own, not even null, which a sandboxed
// page of any site sends.
func TestCrossOrigin_noHost(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.TokenSource = cognitoauth.FromCookie("access_token")
		c.CrossOrigin = http.NewCrossOriginProtection()
		if err := c.CrossOrigin.AddTrustedOrigin("https://app.example.com"); err != nil {
			t.Fatal(err)
		}
	})
	cookie := "access_token=" + g.Pool.AccessToken().String()
	for origin, want := range map[string]string{
		"": "", "https://app.example.com": "",
		"null": "cross_origin", "https://evil.example": "cross_origin", "https:": "cross_origin", "file://": "cross_origin", "?": "cross_origin", "//?": "cross_origin", "https://?": "cross_origin",
	} {
		r := lab.Call("POST /me", "Cookie", cookie)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		_, err := g.Auth.Admit(t.Context(), r.Header, "route", cognitoauth.Authenticated())
		if e := refusalIn(t, err); (e == nil) != (want == "") || e != nil && e.Code != want {
			t.Errorf("Admit, Origin %q: %v, want %q", origin, err, want)
		}
		r.Host = ""
		if w := lab.Ask(g.Auth.Wrap(g.Page()), r); w.Code == 200 && want != "" || w.Code != 200 && lab.CodeOf(t, w) != want {
			t.Errorf("Wrap, Origin %q: %d %s, want %q", origin, w.Code, w.Body, want)
		}
	}
}
