package forwardauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
)

// newEndpoint makes one for a few routes. Tokens of the second pool are answered 503.
func newEndpoint(t *testing.T, o forwardauth.Options) (h http.Handler, pool, down *cognitotest.Pool) {
	t.Helper()
	pool = cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	down = cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Down00000"})
	down.SetFault(cognitotest.Fault{Status: 500})
	cfg := pool.Config()
	cfg.Pools = append(cfg.Pools, down.Config().Pools...)
	cfg.HTTPClient = cognitotest.Client(pool, down)
	cfg.ErrorHandler = forwardauth.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(forwardauth.Allow))
	mux.Handle("GET /me/", forwardauth.Allow)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), forwardauth.Allow))
	mux.Handle("GET admin.example.com/me/", cognitoauth.Require(cognitoauth.Group("admins"), forwardauth.Allow))
	mux.HandleFunc("GET /odd", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("secret")) })
	mux.HandleFunc("GET /mute", func(http.ResponseWriter, *http.Request) {})
	h, err = forwardauth.New(auth.Wrap(mux), o)
	if err != nil {
		t.Fatal(err)
	}
	return h, pool, down
}

// about makes the request that a proxy sends about an original one.
func about(method, uri, host, token string) *http.Request {
	r := httptest.NewRequest("GET", "http://auth/", nil)
	r.Header.Set("X-Original-Method", method)
	r.Header.Set("X-Original-Uri", uri)
	r.Header.Set("X-Original-Host", host)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func answer(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestEndpoint_decidesForTheOriginal(t *testing.T) {
	h, pool, down := newEndpoint(t, forwardauth.Options{Headers: forwardauth.XOriginal})
	token := pool.AccessToken()
	for _, c := range []struct {
		method, uri, host, token string
		status                   int
		code                     string
	}{
		{"GET", "/healthz", "a", "", 204, ""},
		{"HEAD", "/healthz", "a", "", 204, ""},
		{"GET", "/me/", "a", token.String(), 204, ""},
		{"GET", "/me/x?all=1", "a", token.String(), 204, ""},
		{"POST", "/orders", "a", token.Scopes("orders/write").String(), 204, ""},
		{"GET", "/me/", "admin.example.com", token.Groups("admins").String(), 204, ""},

		{"GET", "/me/", "a", "", 401, "token_missing"},
		{"GET", "/me/", "a", token.Tampered().String(), 401, "signature_invalid"},
		{"GET", "/me/", "a", "a b", 400, "credentials_malformed"},
		{"GET", "/me/", "a", down.AccessToken().String(), 503, "keys_unavailable"},
		{"POST", "/orders", "a", token.String(), 403, "scope_missing"},
		{"GET", "/me/", "admin.example.com", token.String(), 403, "group_missing"},

		{"POST", "/healthz", "a", "", 401, "token_missing"},
		{"POST", "/me/", "a", token.String(), 403, "no_such_route"},
		{"GET", "/other", "a", token.String(), 403, "no_such_route"},
		{"GET", "/me", "a", token.String(), 403, "no_such_route"}, // the mux redirects
		{"GET", "/odd", "a", token.String(), 403, "no_such_route"},
		{"GET", "/mute", "a", token.String(), 403, "no_such_route"},

		{"GET", "/me/../healthz", "a", token.String(), 403, "target_ambiguous"},
		{"get", "/healthz", "a", "", 403, "target_ambiguous"},
		{"CONNECT", "/healthz", "a", "", 403, "target_ambiguous"},
		{"GET", "", "a", "", 403, "target_ambiguous"},
		{"", "/healthz", "a", "", 403, "target_ambiguous"},
		{"GET", "/me/", "a", token.Set("sub", "ad\u00e4").String(), 403, "identity_unfit"},
	} {
		resp := answer(h, about(c.method, c.uri, c.host, c.token))
		if code := resp.Header.Get("X-Auth-Code"); resp.StatusCode != c.status || code != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.uri, resp.StatusCode, code, c.status, c.code)
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %s: Cache-Control is %q", c.method, c.uri, got)
		}
		subjects := resp.Header[forwardauth.Subject]
		if told := len(subjects) == 1; told != (c.status == 204) || told && (subjects[0] != "") != (c.token != "") {
			t.Errorf("%s %s: %d with the subject %q", c.method, c.uri, resp.StatusCode, subjects)
		}
	}
}

// A client can send no copy of these headers past a proxy that sets them; one that
// adds to them is found out, and one that sets none is told.
func TestEndpoint_wiring(t *testing.T) {
	h, pool, _ := newEndpoint(t, forwardauth.Options{Headers: forwardauth.XOriginal})
	for what, change := range map[string]func(h http.Header) int{
		"no method":     func(h http.Header) int { h.Del("X-Original-Method"); return 500 },
		"no target":     func(h http.Header) int { h.Del("X-Original-Uri"); return 500 },
		"no host":       func(h http.Header) int { h.Del("X-Original-Host"); return 500 },
		"two hosts":     func(h http.Header) int { h.Add("X-Original-Host", "b"); return 500 },
		"two methods":   func(h http.Header) int { h.Add("X-Original-Method", "GET"); return 403 },
		"two targets":   func(h http.Header) int { h.Add("X-Original-Uri", "/healthz"); return 403 },
		"other names":   func(h http.Header) int { h.Set("X-Forwarded-Uri", "/other"); return 204 },
		"underscores":   func(h http.Header) int { h["X_Original_Uri"] = []string{"/other"}; return 204 },
		"no CR in path": func(h http.Header) int { h.Set("X-Original-Uri", "/me/\r"); return 403 },
	} {
		r := about("GET", "/me/", "a", pool.AccessToken().String())
		want := change(r.Header)
		if got := answer(h, r).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
}

func TestEndpoint_badRequestAs401(t *testing.T) {
	h, _, down := newEndpoint(t, forwardauth.Options{Headers: forwardauth.XOriginal, BadRequestAs401: true})
	resp := answer(h, about("GET", "/me/", "a", "a b"))
	if challenge := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != 401 || !strings.Contains(challenge, `error="invalid_request"`) {
		t.Errorf("malformed: %d %s", resp.StatusCode, challenge)
	}
	resp = answer(h, about("GET", "/me/", "a", down.AccessToken().String()))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("no keys: %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

func TestNew_mistakes(t *testing.T) {
	if _, err := forwardauth.New(nil, forwardauth.Options{Headers: forwardauth.XOriginal}); err == nil || !strings.Contains(err.Error(), "auth.Wrap(mux)") {
		t.Errorf("without a handler: %v", err)
	}
	if _, err := forwardauth.New(http.NotFoundHandler(), forwardauth.Options{}); err == nil || !strings.Contains(err.Error(), "XForwarded") {
		t.Errorf("without headers: %v", err)
	}
}

func TestParseTarget(t *testing.T) {
	for _, target := range []string{"/", "/me", "/me/", "/a/b?x=1&y=%2F..", "/caf%C3%A9", "/a%20b", "/a+b", "/a:b@c", "/~a", "/a.b", "/..a", "/me?x=//"} {
		if u, err := forwardauth.ParseTarget(target); err != nil || u.RequestURI() != target {
			t.Errorf("%s: %v %v", target, u, err)
		}
	}
	for _, target := range []string{
		"", "me", "*", "http://a/me", "//", "//me", "/a//b", "/./me", "/me/.", "/me/..", "/a/../me", "/a/%2e%2e/me", "/a/.%2E/me", "/a%2fme", "/a%2Fme",
		"/a%5cme", "/a\\me", "/me;x", "/me%3Bx", "/me%00", "/me%0a", "/me%7f", "/me%", "/me%zz", "/me%252e", "/me#x", "/me?x#y", "/me%ff", "/me\x00", "/me\n", "/me x\x7f",
	} {
		if u, err := forwardauth.ParseTarget(target); err == nil {
			t.Errorf("%q is taken for %s", target, u.Path)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("/a/b?c=d")
	f.Add("/a/%2e%2e/b")
	f.Add("/a;b")
	f.Add("//")
	f.Fuzz(func(t *testing.T, target string) {
		u, err := forwardauth.ParseTarget(target)
		if err != nil {
			return
		}
		// A mux that gets the target itself serves the same path, without a redirect.
		mux := http.NewServeMux()
		seen := ""
		mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.Path })
		r := &http.Request{Method: "GET", URL: u, RequestURI: target, Host: "a", Header: http.Header{}}
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if seen != u.Path || strings.Contains(u.Path, "/../") || strings.Contains(u.EscapedPath(), "%2F") {
			t.Errorf("%q: path %q, served %q", target, u.Path, seen)
		}
	})
}
