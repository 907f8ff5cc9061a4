package cognitoauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

func TestAllowEscapedSlash_panics(t *testing.T) {
	h := http.NotFoundHandler()
	open := cognitoauth.AllowAnonymous(h)
	for what, h := range map[string]http.Handler{
		"nil": nil, "a handler": h, "a mux": http.NewServeMux(), "Require": cognitoauth.Require(lab.ReadOrders, h),
		"a handler around a marker": lab.Passing(open), "AllowEscapedSlash": cognitoauth.AllowEscapedSlash(open),
	} {
		lab.MustPanic(t, "AllowEscapedSlash", what, func() { cognitoauth.AllowEscapedSlash(h) })
	}
	// What it returns is a marker like any other.
	slash := cognitoauth.AllowEscapedSlash(cognitoauth.Optional(h))
	lab.MustPanic(t, "AllowAnonymous", "AllowEscapedSlash", func() { cognitoauth.AllowAnonymous(slash) })
	lab.MustPanic(t, "Optional", "AllowEscapedSlash", func() { cognitoauth.Optional(slash) })
	lab.MustPanic(t, "Require", "AllowEscapedSlash", func() { cognitoauth.Require(lab.ReadOrders, slash) })
}

// The marker that it was given stays as it is.
func TestAllowEscapedSlash_isOneRoutes(t *testing.T) {
	g := lab.NewGate(t, nil)
	open := cognitoauth.AllowAnonymous(g.Page())
	mux := http.NewServeMux()
	mux.Handle("/with/{name}", cognitoauth.AllowEscapedSlash(open))
	mux.Handle("/without/{name}", open)
	for path, want := range map[string]int{"/with/a%2fb": 200, "/without/a%2fb": 401, "/without/a": 200} {
		if w := lab.Ask(g.Auth.Wrap(mux), lab.Call("GET "+path)); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// It is one wildcard's value that may have the slash, of a ServeMux's pattern. The
// whole list of paths is in internal/proof/routing.
func TestAllowEscapedSlash_inOneWildcard(t *testing.T) {
	g := lab.NewGate(t, nil)
	slash := cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(g.Page()))
	inner := http.NewServeMux()
	inner.Handle("/tree/{name}", slash)
	inner.Handle("/both/{name}", slash)
	mux := http.NewServeMux()
	mux.Handle("/p/{name}", slash)
	mux.Handle("/p/{name}/v/{version}", slash)
	mux.Handle("/literal/x", slash)
	mux.Handle("/li%2Fteral/{name}", slash)
	mux.Handle("/rest/{name...}", slash)
	mux.Handle("/sub/", slash)
	mux.Handle("/tree/", inner)
	mux.Handle("/both/{any}", inner)
	mux.Handle("/resolved/{name}", lab.Resolver(func(*http.Request) http.Handler { return slash }))
	for path, want := range map[string]int{
		"/p/a%2fb": 200, "/p/a%2fb/v/c%2fd": 200, "/both/a%2fb": 200, "/rest/a": 200, "/sub/a/b": 200, "/tree/a": 200, "/resolved/a": 200,
		"/p/a%2f": 401, "/p/a%2F": 401, "/p/a%2f/v/1": 401, "/p/%2fa": 401, "/p/a%2f..": 401, "/p/a%2f%2eb": 401, "/p/a%2fb|": 401,
		"/literal%2fx": 401, "/li%2Fteral/a": 401, "/rest/a%2fb": 401, "/rest/a/b%2fc": 401, "/sub/a%2fb": 401, "/sub/a/b%2fc": 401,
		"/tree/a%2fb": 401, "/resolved/a%2fb": 401,
	} {
		if w := lab.Ask(g.Auth.Wrap(mux), lab.Call("GET "+path)); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	for name, h := range map[string]http.Handler{"the marker itself": slash, "a resolver": lab.Resolver(func(*http.Request) http.Handler { return slash })} {
		if w := lab.Ask(g.Auth.Wrap(h), lab.Call("GET /a%2fb")); w.Code != 401 {
			t.Errorf("%s: %d, want 401", name, w.Code)
		}
	}
}

// An Optional route still checks a token that is there.
func TestAllowEscapedSlash_optional(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/p/{name}", cognitoauth.AllowEscapedSlash(cognitoauth.Optional(g.Page())))
	h := g.Auth.Wrap(mux)
	for _, tt := range []struct {
		path, token string
		status      int
		body        string
	}{
		{"/p/a%2fb", "", 200, "nobody"},
		{"/p/a%2fb", g.Good(), 200, "jane"},
		{"/p/a%2fb", "Bearer " + g.Pool.AccessToken().Tampered().String(), 401, ""},
		{"/p/a%2f..%2fb", "", 401, ""},
		{"/p/a%2f..%2fb", g.Good(), 200, "jane"},
	} {
		r := lab.Call("GET " + tt.path)
		if tt.token != "" {
			r.Header.Set("Authorization", tt.token)
		}
		if w := lab.Ask(h, r); w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body {
			t.Errorf("%s: %d %s, want %d %s", tt.path, w.Code, w.Body, tt.status, tt.body)
		}
	}
}

// This is why it is safe: the mux splits the path at plain slashes alone, so a
// value with a slash is the value of one wildcard, and no other pattern matches
// that has the slash as its own.
func TestAllowEscapedSlash_whatTheMuxDoes(t *testing.T) {
	mux := http.NewServeMux()
	name := func(pattern string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, pattern+" name="+r.PathValue("name")+" rest="+r.PathValue("rest"))
		})
	}
	name("/p/{name}")
	name("/p/@types/node")
	name("/p/{name}/meta")
	name("/files/{rest...}")
	for target, want := range map[string]string{
		"/p/@types%2fnode":      "/p/{name} name=@types/node rest=",
		"/p/@types%2Fnode":      "/p/{name} name=@types/node rest=",
		"/p/@types/node":        "/p/@types/node name= rest=",
		"/p/@types%2fnode/meta": "/p/{name}/meta name=@types/node rest=",
		"/p/x%2fmeta":           "/p/{name} name=x/meta rest=",
		"/p/..%2fadmin":         "/p/{name} name=../admin rest=", // which Wrap keeps out
		"/files/a%2fb":          "/files/{rest...} name= rest=a/b",
		"/p%2fx":                "404 page not found\n",
	} {
		if got := lab.Ask(mux, httptest.NewRequest("GET", target, nil)).Body.String(); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// A request that something outside of Wrap has rewritten carries what it likes
// in Path and RawPath.
func TestWrap_rewrittenPath(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/p/{name}", cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(g.Page())))
	mux.Handle("/docs/", cognitoauth.AllowAnonymous(g.Page()))
	h := g.Auth.Wrap(mux)
	for _, tt := range []struct {
		name, path, raw string
		status          int
	}{
		{"plain", "/docs/a", "", 200},
		{"RawPath that agrees", "/docs/(a)", "/docs/(a)", 200},
		{"RawPath of an older path", "/docs/a", "/other", 200},
		{"RawPath of an older path with an escaped slash", "/docs/a", "/docs%2Fa%2Fb", 401},
		{"RawPath of an older path with an escaped dot", "/docs/a", "/docs/%2e%2E/a", 401},
		{"RawPath of an older path with an escaped backslash", "/docs/a", "/docs/x%5c", 401},
		{"RawPath of an older path with an escaped NUL", "/docs/a", "/docs/x%00", 401},
		{"RawPath of an older path with an escaped percent sign", "/docs/a", "/docs/x%25", 401},
		{"RawPath that ends within an escape", "/docs/a", "/docs/a%2", 401},
		{"RawPath that ends with a percent sign", "/docs/a", "/docs/a%", 401},
		{"wildcard whose RawPath agrees", "/p/a/b", "/p/a%2Fb", 200},
		{"wildcard whose RawPath is of another path", "/p/a", "/p/a%2Fb", 401},
		{"wildcard whose RawPath has no slash in front", "/p/a/b", "p/a%2Fb", 401},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.URL.RawPath = tt.path, tt.raw
		if w := lab.Ask(h, r); w.Code != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.status)
		}
	}
}

// Detail says what is wrong with the path of a marked route.
func TestWrap_saysWhyThePathIsClosed(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/p/{name}", cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(g.Page())))
	mux.Handle("/docs/{name...}", cognitoauth.AllowAnonymous(g.Page()))
	mux.Handle("/files/{name...}", cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(g.Page())))
	h := g.Auth.Wrap(mux)
	for path, want := range map[string]string{
		"/docs/a%2fb":   "an escaped slash (AllowEscapedSlash(",
		"/files/a%2fb":  "an escaped slash that does not lie within one {wildcard}",
		"/docs/a%2eb":   "an escaped dot, percent sign, backslash or NUL; send",
		"/p/a%2fb%2e":   "an escaped dot, percent sign, backslash or NUL; send",
		"/docs/a%FF":    "not valid UTF-8",
		"/docs/..%2fb":  "a dot segment or a slash too many",
		"/docs/%c0%af":  "not valid UTF-8",
		"/docs/x%3b":    "a backslash, a semicolon or NUL",
		"/p/a%2f%2f..b": "a dot segment or a slash too many",
	} {
		g.Forget()
		r := httptest.NewRequest("GET", path, strings.NewReader(""))
		if w := lab.Ask(h, r); w.Code != 401 || g.Ran() {
			t.Errorf("%s: %d, handler ran: %v", path, w.Code, g.Ran())
			continue
		}
		if detail := g.Decisions[0].Err.Detail(); !strings.Contains(detail, want) {
			t.Errorf("%s: %s; want %q", path, detail, want)
		}
	}
}
