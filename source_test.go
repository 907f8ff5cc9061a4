package cognitoauth_test

import (
	"bufio"
	"context"
	"crypto/fips140"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// M7: a token in a form is not read, and neither is the form.
func TestWrap_tokenInBody(t *testing.T) {
	g := lab.NewGate(t, nil)
	body := strings.NewReader("access_token=" + g.Pool.AccessToken().String())
	before := body.Len()
	r := httptest.NewRequest("POST", "/me", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r); w.Code != 401 || lab.CodeOf(t, w) != "token_missing" || body.Len() != before {
		t.Errorf("status %d, %d of %d bytes left", w.Code, body.Len(), before)
	}
}

// authorizations are values of Authorization; $T is a good token.
var authorizations = []struct {
	value  string
	status int
	code   string
}{
	{"Bearer $T", 200, ""},
	{"bearer $T", 200, ""},
	{"BEARER $T", 200, ""},
	{"bEaReR $T", 200, ""},
	{"Bearer        $T", 200, ""},

	{"", 401, "token_missing"},
	{"$T", 401, "token_missing"},
	{"B", 401, "token_missing"},
	{"Beare", 401, "token_missing"},
	{"Beare $T", 401, "token_missing"},
	{"Bearer$T", 401, "token_missing"},
	{"Bearer-v2 $T", 401, "token_missing"},
	{"Bearers $T", 401, "token_missing"},
	{"Basic dTpw", 401, "token_missing"},
	{"Basic dTpw, Bearer $T", 401, "token_missing"},
	{"DPoP $T", 401, "token_missing"},
	{"Digest $T", 401, "token_missing"},
	{"Digest", 401, "token_missing"},
	{"Bearex $T", 401, "token_missing"},
	{"Token $T", 401, "token_missing"},
	{"Negotiate", 401, "token_missing"},

	{"Bearer", 400, "credentials_malformed"},
	{"bearer", 400, "credentials_malformed"},
	{"Bearer ", 400, "credentials_malformed"},
	{"Bearer     ", 400, "credentials_malformed"},
	{"Bearer\t$T", 400, "credentials_malformed"},
	{"Bearer \t$T", 400, "credentials_malformed"},
	{"Bearer $T\t", 400, "credentials_malformed"},
	{"Bearer $T $T", 400, "credentials_malformed"},
	{"Bearer Bearer $T", 400, "credentials_malformed"},
	{"Bearer $T,", 400, "credentials_malformed"},
	{"Bearer $T,Bearer $T", 400, "credentials_malformed"},
	{"Bearer $T, Basic dTpw", 400, "credentials_malformed"},
	{`Bearer "$T"`, 400, "credentials_malformed"},
	{`Bearer token="$T"`, 400, "credentials_malformed"},
	{"Bearer: $T", 400, "credentials_malformed"},
	{"Bearer=$T", 400, "credentials_malformed"},
	{"Bearer,$T", 400, "credentials_malformed"},
	{"Bearer =", 400, "credentials_malformed"},
	{"Bearer a=b", 400, "credentials_malformed"},
	{"Bearer $T\u00e9", 400, "credentials_malformed"},
	{"Bearer \xff", 400, "credentials_malformed"},
	{"Bearer\u00a0$T", 400, "credentials_malformed"},

	{"Bearer a", 401, "token_malformed"},
	{"Bearer null", 401, "token_malformed"},
	{"Bearer $T=", 401, "token_malformed"},
	{"Bearer a.b", 401, "token_malformed"},
	{"Bearer a.b.c.d.e", 401, "token_malformed"},
}

// authorizationSources are the sources that read what a client writes in
// Authorization, each with the header that it reads. They have one set of rules.
var authorizationSources = []struct {
	name, header string
	source       cognitoauth.TokenSource
}{
	{"nil", "Authorization", nil},
	{"FromAuthorization", "Authorization", cognitoauth.FromAuthorization()},
	{"FromAuthorization, composed", "Authorization", func(r *http.Request) (string, error) { return cognitoauth.FromAuthorization()(r) }},
	{"FromForwardedAuthorization", "X-Forwarded-Authorization", cognitoauth.FromForwardedAuthorization("x-forwarded-authorization")},
}

func TestAuthorization(t *testing.T) {
	for _, by := range authorizationSources {
		g := lab.NewGate(t, lab.TokenSource(by.source))
		h := g.Auth.Wrap(g.Page())
		token := g.Pool.AccessToken().String()
		for _, tt := range authorizations {
			g.Forget()
			w := lab.Ask(h, lab.Call("GET /", by.header, strings.ReplaceAll(tt.value, "$T", token)))
			if code := lab.CodeOf(t, w); w.Code != tt.status || code != tt.code || g.Ran() != (tt.status == 200) {
				t.Errorf("%s, %q: %d %s, handler ran: %v; want %d %s", by.name, tt.value, w.Code, code, g.Ran(), tt.status, tt.code)
			}
		}
	}
}

// Which bytes go on with the name of a scheme (a tchar of RFC 9110, section
// 5.6.2) and which belong to a token68 (section 11.2), for every byte.
func TestAuthorization_bytes(t *testing.T) {
	for _, by := range authorizationSources {
		authorizationBytes(t, by.header, by.source)
	}
}

func authorizationBytes(t *testing.T, header string, source cognitoauth.TokenSource) {
	g := lab.NewGate(t, lab.TokenSource(source))
	h := g.Auth.Wrap(g.Page())
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for b := range 256 {
		c := string([]byte{byte(b)})
		afterScheme, inToken, atEnd := 400, 400, 400
		if strings.Contains(alphanumeric+"!#$%&'*+-.^_`|~", c) || c == " " {
			afterScheme = 401
		}
		if strings.Contains(alphanumeric+"-._~+/", c) {
			inToken, atEnd = 401, 401
		}
		if c == "=" {
			atEnd = 401
		}
		for value, want := range map[string]int{"Bearer" + c + "abc": afterScheme, "Bearer a" + c + "b": inToken, "Bearer ab" + c: atEnd} {
			w := lab.Ask(h, lab.Call("GET /", header, value))
			if w.Code != want {
				t.Errorf("%q: status %d, want %d", value, w.Code, want)
			}
			if want == 401 && c != " " && strings.HasPrefix(value, "Bearer"+c) != (lab.CodeOf(t, w) == "token_missing") {
				t.Errorf("%q: code %s", value, lab.CodeOf(t, w))
			}
		}
	}
}

func TestAuthorization_twice(t *testing.T) {
	for _, by := range authorizationSources {
		authorizationTwice(t, by.header, by.source)
	}
}

func authorizationTwice(t *testing.T, header string, source cognitoauth.TokenSource) {
	g := lab.NewGate(t, lab.TokenSource(source))
	h := g.Auth.Wrap(lab.NewSite(g))
	for _, values := range [][2]string{
		{g.Good(), g.Good()}, {g.Good(), "Basic dTpw"}, {"Basic dTpw", g.Good()}, {"", g.Good()}, {g.Good(), ""}, {"Basic dTpw", "Basic dTpw"}, {"", ""},
	} {
		for _, path := range []string{"/me", "/greet"} {
			w := lab.Ask(h, lab.Call("GET "+path, header, values[0], header, values[1]))
			if w.Code != 400 || lab.CodeOf(t, w) != "credentials_repeated" {
				t.Errorf("%s with %.10q and %.10q: %d %s, want 400", path, values[0], values[1], w.Code, w.Body)
			}
		}
	}
	// More headers than a token may have bytes do not make it too large.
	r := lab.Call("GET /me")
	r.Header[header] = slices.Repeat([]string{g.Good()}, tooLong)
	if w := lab.Ask(h, r); w.Code != 400 || lab.CodeOf(t, w) != "credentials_repeated" {
		t.Errorf("%d headers: %d %s, want 400", tooLong, w.Code, w.Body)
	}
}

// An over-long token is a token that is no good: 401, whatever is in it.
func TestAuthorization_tokenLength(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	good := pool.AccessToken().Set("custom:padding", strings.Repeat("x", 2000))
	for _, tt := range []struct {
		name  string
		limit int
		value func(token string) string
		code  string
	}{
		{"32 KiB are read", 0, func(string) string { return "Bearer " + strings.Repeat("a", 32<<10) }, "token_malformed"},
		{"a byte more is not", 0, func(string) string { return "Bearer " + strings.Repeat("a", tooLong) }, "token_too_large"},
		{"32 KiB that are no token are looked at", 0, func(string) string { return "Bearer " + strings.Repeat("\"", 32<<10) }, "credentials_malformed"},
		{"spaces do not count", 0, func(string) string { return "Bearer" + strings.Repeat(" ", 1000) + strings.Repeat("a", 32<<10) }, "token_malformed"},
		{"what is too long is not looked at", 0, func(string) string { return "Bearer " + strings.Repeat("\"", tooLong) }, "token_too_large"},
		{"nor where no space comes before it", 0, func(string) string { return "Bearer" + strings.Repeat("\"", tooLong) }, "token_too_large"},
		{"another scheme may be longer", 0, func(string) string { return "Basic " + strings.Repeat("a", tooLong) }, "token_missing"},
		{"a good token of the length of the limit passes", len(good.String()), func(s string) string { return "Bearer " + s }, ""},
		{"a good token that is longer does not", len(good.String()) - 1, func(s string) string { return "Bearer " + s }, "token_too_large"},
	} {
		want, status := tt.code, 401
		switch want {
		case "":
			status = 200
		case "credentials_malformed":
			status = 400
		}
		for _, by := range authorizationSources {
			auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.MaxTokenBytes, c.TokenSource = tt.limit, by.source })
			page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
			w := lab.Ask(auth.Wrap(page), lab.Call("GET /", by.header, tt.value(good.String())))
			if code := lab.CodeOf(t, w); w.Code != status || code != want {
				t.Errorf("%s, %s: %d %s, want %d %s", by.name, tt.name, w.Code, code, status, want)
			}
		}
	}
}

// ambient are requests with tokens that a browser or a proxy adds by itself.
var ambient = []struct {
	name   string
	method string
	count  int // of tokens
	header []string
	status int
	code   string
}{
	{"GET is safe", "GET", 1, nil, 200, ""},
	{"GET from anywhere is safe", "GET", 1, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 200, ""},
	{"HEAD from anywhere is safe", "HEAD", 1, []string{"Sec-Fetch-Site", "cross-site"}, 200, ""},
	{"OPTIONS from anywhere is safe", "OPTIONS", 1, []string{"Origin", "https://evil.test"}, 200, ""},
	{"POST without a word about its origin is no browser's", "POST", 1, nil, 200, ""},
	{"POST of the same origin passes", "POST", 1, []string{"Sec-Fetch-Site", "same-origin"}, 200, ""},
	{"POST by the user passes", "POST", 1, []string{"Sec-Fetch-Site", "none"}, 200, ""},
	{"POST with the origin of the host passes", "POST", 1, []string{"Origin", "https://example.com"}, 200, ""},
	{"POST of the same site is refused", "POST", 1, []string{"Sec-Fetch-Site", "same-site"}, 403, "cross_origin"},
	{"POST of another site is refused", "POST", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"POST of another site with the origin of the host is refused", "POST", 1, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com"}, 403, "cross_origin"},
	{"POST with another origin is refused", "POST", 1, []string{"Origin", "https://evil.test"}, 403, "cross_origin"},
	{"POST with a null origin is refused", "POST", 1, []string{"Origin", "null"}, 403, "cross_origin"},
	{"POST with another port is refused", "POST", 1, []string{"Origin", "https://example.com:8443"}, 403, "cross_origin"},
	{"PUT of another site is refused", "PUT", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"PATCH of another site is refused", "PATCH", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"DELETE of another site is refused", "DELETE", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"a made-up method of another site is refused", "FETCH", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"two tokens are refused", "GET", 2, nil, 400, "credentials_repeated"},
	{"two tokens of another site are refused", "POST", 2, []string{"Sec-Fetch-Site", "cross-site"}, 400, "credentials_repeated"},
	{"none is no token", "GET", 0, nil, 401, "token_missing"},
	{"none, from another site, is no token", "POST", 0, []string{"Sec-Fetch-Site", "cross-site"}, 401, "token_missing"},
	{"an empty one is no token", "GET", -1, nil, 401, "token_missing"},
	{"an empty one from another site is no token", "POST", -1, []string{"Sec-Fetch-Site", "cross-site"}, 401, "token_missing"},
	{"Authorization is not read", "GET", 0, []string{"Authorization", "$T"}, 401, "token_missing"},
}

// Cookies and proxies' headers are ambient: the rules of CrossOriginProtection.
func TestTokenSource_ambient(t *testing.T) {
	g := lab.NewGate(t, lab.TokenSource(cognitoauth.FromCookie("session")))
	byHeader := lab.NewGate(t, lab.TokenSource(cognitoauth.FromHeader("x-amzn-oidc-accesstoken")))
	for _, tt := range ambient {
		for _, g := range []*lab.Gate{g, byHeader} {
			for _, path := range []string{"/me", "/greet"} {
				r := lab.Call(tt.method + " " + path)
				for pair := range slices.Chunk(tt.header, 2) {
					r.Header.Add(pair[0], strings.ReplaceAll(pair[1], "$T", g.Good()))
				}
				offerAmbient(g, r, g == byHeader, tt.count)
				g.Forget()
				w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r)
				status, code := tt.status, tt.code
				if path == "/greet" && code == "token_missing" {
					status, code = 200, ""
				}
				got := ""
				if tt.method != "HEAD" {
					got = lab.CodeOf(t, w)
				}
				if w.Code != status || got != code || g.Ran() != (status == 200) {
					t.Errorf("%s (header %v, %s): %d %s, want %d %s", tt.name, g == byHeader, path, w.Code, got, status, code)
				}
			}
		}
	}
}

// offerAmbient adds count tokens to r, or an empty one for -1.
func offerAmbient(g *lab.Gate, r *http.Request, header bool, count int) {
	token := g.Pool.AccessToken().String()
	if count < 0 {
		token, count = "", 1
	}
	for range count {
		if header {
			r.Header.Add("X-Amzn-Oidc-Accesstoken", token)
		} else {
			r.Header.Add("Cookie", "theme=dark; session="+token)
		}
	}
}

func TestTokenSource_panics(t *testing.T) {
	lab.MustPanic(t, "FromCookie", "nothing", func() { cognitoauth.FromCookie("") })
	lab.MustPanic(t, "FromForwardedAuthorization", "nothing", func() { cognitoauth.FromForwardedAuthorization("") })
	lab.MustPanic(t, "FromForwardedAuthorization", "authorization", func() { cognitoauth.FromForwardedAuthorization("authorization") })
	lab.MustPanic(t, "FromHeader", "nothing", func() { cognitoauth.FromHeader("") })
	lab.MustPanic(t, "FromHeader", "Authorization", func() { cognitoauth.FromHeader("Authorization") })
	lab.MustPanic(t, "FromHeader", "authorization", func() { cognitoauth.FromHeader("authorization") })
}

func TestTokenSource_custom(t *testing.T) {
	forbidden := cognitoauth.Group("admin").Check(nil, &cognitoauth.Claims{TokenUse: cognitoauth.AccessToken})
	noToken := cognitoauth.Authenticated().Check(nil, nil)
	for _, tt := range []struct {
		name   string
		err    error
		status int // on /me
		open   int // on /greet
		code   string
	}{
		{"an error is 400", errors.New("broken"), 400, 400, "credentials_malformed"},
		{"ErrNoToken is no token", cognitoauth.ErrNoToken, 401, 200, "token_missing"},
		{"ErrCrossOrigin is 403", cognitoauth.ErrCrossOrigin, 403, 403, "cross_origin"},
		{"ErrInvalidRequest is 400", cognitoauth.ErrInvalidRequest, 400, 400, "credentials_malformed"},
		{"a wrapped sentinel is the sentinel", fmt.Errorf("source: %w", cognitoauth.ErrCrossOrigin), 403, 403, "cross_origin"},
		{"of two sentinels the stricter counts", errors.Join(cognitoauth.ErrNoToken, cognitoauth.ErrInvalidRequest, cognitoauth.ErrCrossOrigin), 403, 403, "cross_origin"},
		{"malformed is stricter than none", errors.Join(cognitoauth.ErrNoToken, cognitoauth.ErrInvalidRequest), 400, 400, "credentials_malformed"},
		{"another sentinel is an error like others", cognitoauth.ErrUnavailable, 400, 400, "credentials_malformed"},
		{"an Error answers for itself", forbidden, 403, 403, "group_missing"},
		{"an Error counts before a sentinel", errors.Join(cognitoauth.ErrNoToken, forbidden), 403, 403, "group_missing"},
		{"a wrapped Error answers for itself", fmt.Errorf("source: %w", forbidden), 403, 403, "group_missing"},
		{"an Error for no token is no token", noToken, 401, 200, "token_missing"},
		{"a nil Error is an error like others", (*cognitoauth.Error)(nil), 400, 400, "credentials_malformed"},
		{"an Error that the library did not make is a mistake of the program", &cognitoauth.Error{Status: 200, Code: "fine"}, 500, 500, "not_wired"},
	} {
		g := lab.NewGate(t, lab.TokenSource(func(*http.Request) (string, error) { return "", tt.err }))
		for path, want := range map[string]int{"/me": tt.status, "/greet": tt.open} {
			g.Forget()
			w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET "+path))
			if w.Code != want || want >= 400 && lab.CodeOf(t, w) != tt.code || g.Ran() != (want == 200) {
				t.Errorf("%s (%s): %d %s, want %d %s", tt.name, path, w.Code, w.Body, want, tt.code)
			}
		}
	}
	g := lab.NewGate(t, lab.TokenSource(func(r *http.Request) (string, error) { return r.Header.Get("X-Token"), nil }))
	for value, want := range map[string]int{"": 401, g.Pool.AccessToken().String(): 200, g.Good(): 401, "a b": 401, strings.Repeat("a", tooLong): 401} {
		if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /me", "X-Token", value)); w.Code != want {
			t.Errorf("token %.20q of a source of one's own: %d, want %d", value, w.Code, want)
		}
	}
	if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /me", "X-Token", "a\n.b.c")); w.Code != 401 || lab.CodeOf(t, w) != "token_malformed" {
		t.Errorf("a token with a newline: %d %s", w.Code, w.Body)
	}
}

// A source may return one Error for all requests: an Error does not change.
func TestTokenSource_errorIsNotChanged(t *testing.T) {
	shared := cognitoauth.Scope("a").Check(nil, nil)
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Realm = "other"
		c.TokenSource = func(*http.Request) (string, error) { return "", shared }
	})
	tell := func() string {
		var e *cognitoauth.Error
		errors.As(shared, &e)
		return e.Challenge() + e.Detail()
	}
	before := tell()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /orders")) })
	}
	asking.Wait()
	if after := tell(); after != before {
		t.Errorf("the Error was %q and is now %q", before, after)
	}
}

// What a proxy passes on of the client's Authorization is the client's own:
// another site cannot write it, so its origin does not count. A header that the
// proxy fills from a login cookie is ambient, with or without the scheme.
func TestTokenSource_scheme(t *testing.T) {
	forwarded := cognitoauth.FromForwardedAuthorization("X-Token")
	filled := cognitoauth.FromHeader("X-Token")
	const foreign = "cross-site"
	for _, tt := range []struct {
		source  cognitoauth.TokenSource
		name    string
		value   string
		site    string
		status  int
		code    string
		onGreet int
	}{
		{forwarded, "forwarded", "Bearer $T", foreign, 200, "", 200},
		{forwarded, "forwarded", "bearer $T", "", 200, "", 200},
		{forwarded, "forwarded", "$T", "", 401, "token_missing", 200},
		{forwarded, "forwarded", "Basic dTpw", "", 401, "token_missing", 200},
		{forwarded, "forwarded", "", "", 401, "token_missing", 200},
		{forwarded, "forwarded", "Bearer", "", 400, "credentials_malformed", 400},

		{filled, "filled", "Bearer $T", "", 200, "", 200},
		{filled, "filled", "bearer   $T", "same-origin", 200, "", 200},
		{filled, "filled", "$T", "", 200, "", 200},
		{filled, "filled", "Bearer $T", foreign, 403, "cross_origin", 403},
		{filled, "filled", "$T", foreign, 403, "cross_origin", 403},
		{filled, "filled", "", foreign, 401, "token_missing", 200},
		{filled, "filled", "Bearer", "", 400, "credentials_malformed", 400},
		{filled, "filled", "Bearer ", "", 400, "credentials_malformed", 400},
		{filled, "filled", "Bearer Bearer $T", "", 401, "token_malformed", 401},
		{filled, "filled", "Basic dTpw", "", 401, "token_malformed", 401},
	} {
		g := lab.NewGate(t, lab.TokenSource(tt.source))
		for path, want := range map[string]int{"/me": tt.status, "/greet": tt.onGreet} {
			r := lab.Call("POST "+path, "X-Token", strings.ReplaceAll(tt.value, "$T", g.Pool.AccessToken().String()))
			if tt.site != "" {
				r.Header.Set("Sec-Fetch-Site", tt.site)
			}
			g.Forget()
			w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r)
			if w.Code != want || want >= 400 && lab.CodeOf(t, w) != tt.code || g.Ran() != (want == 200) {
				t.Errorf("%s, %q (%s, %s): %d %s, want %d %s", tt.name, tt.value, tt.site, path, w.Code, w.Body, want, tt.code)
			}
		}
	}
}

// composed reads the header, else the cookie.
func composed(r *http.Request) (string, error) {
	if token, err := cognitoauth.FromAuthorization()(r); token != "" || err != nil {
		return token, err
	}
	return cognitoauth.FromCookie("session")(r)
}

// Header, else cookie: each part keeps its own rules.
func TestTokenSource_composed(t *testing.T) {
	g := lab.NewGate(t, lab.TokenSource(composed))
	token := g.Pool.AccessToken().String()
	for _, tt := range []struct {
		name   string
		header []string
		status int
		code   string
	}{
		{"header", []string{"Authorization", "Bearer " + token}, 200, ""},
		{"cookie", []string{"Cookie", "session=" + token}, 200, ""},
		{"both", []string{"Authorization", "Bearer " + token, "Cookie", "session=bad"}, 200, ""},
		{"neither", nil, 401, "token_missing"},
		{"header of another scheme and cookie", []string{"Authorization", "Basic dTpw", "Cookie", "session=" + token}, 200, ""},
		{"empty header and cookie", []string{"Authorization", "", "Cookie", "session=" + token}, 200, ""},
		{"bad header and cookie", []string{"Authorization", "Bearer bad", "Cookie", "session=" + token}, 401, "token_malformed"},
		{"malformed header and cookie", []string{"Authorization", "Bearer a b", "Cookie", "session=" + token}, 400, "credentials_malformed"},
		{"two headers and cookie", []string{"Authorization", "Bearer a", "Authorization", "Bearer b", "Cookie", "session=" + token}, 400, "credentials_repeated"},
		{"header of another site", []string{"Authorization", "Bearer " + token, "Sec-Fetch-Site", "cross-site"}, 200, ""},
		{"cookie of another site", []string{"Cookie", "session=" + token, "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	} {
		g.Forget()
		w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("POST /me", tt.header...))
		if code := lab.CodeOf(t, w); w.Code != tt.status || code != tt.code || g.Ran() != (tt.status == 200) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, code, tt.status, tt.code)
		}
	}
}

// handshake is the example of RFC 6455, section 1.3.
const (
	handshakeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	handshakeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// chat accepts any WebSocket without a look at its Origin, as a library may, and
// sends the user's name in a text frame.
func chat(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		io.WriteString(w, "page")
		return
	}
	claims, _ := cognitoauth.FromContext(r.Context())
	name := "nobody"
	if claims != nil {
		name = claims.Username
	}
	var sum [sha1.Size]byte
	// RFC 6455 wants SHA-1, which is no matter of security here.
	fips140.WithoutEnforcement(func() {
		sum = sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	})
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81%c%s",
		base64.StdEncoding.EncodeToString(sum[:]), len(name), name)
}

// handshakes are requests with an ambient token; the host is api.test.
var handshakes = []struct {
	name   string
	header string
	status int
}{
	{"of another origin", "Upgrade: websocket\nOrigin: https://evil.test", 403},
	{"of a sibling", "Upgrade: websocket\nOrigin: https://app.api.test", 403},
	{"of another port", "Upgrade: websocket\nOrigin: http://api.test:8080", 403},
	{"of a sandboxed frame", "Upgrade: websocket\nOrigin: null", 403},
	{"of another site", "Upgrade: websocket\nSec-Fetch-Site: cross-site\nOrigin: https://evil.test", 403},
	{"of the same site", "Upgrade: websocket\nSec-Fetch-Site: same-site\nOrigin: https://app.api.test", 403},
	{"in another case", "Upgrade: WebSocket\nOrigin: https://evil.test", 403},
	{"in a list", "Upgrade: h2c, websocket\nOrigin: https://evil.test", 403},
	{"in a second header", "Upgrade: h2c\nUpgrade: websocket\nOrigin: https://evil.test", 403},
	{"with a version", "Upgrade: websocket/13\nOrigin: https://evil.test", 403},

	{"of the same origin", "Upgrade: websocket\nOrigin: http://api.test", 101},
	{"of the same origin by Sec-Fetch-Site", "Upgrade: websocket\nSec-Fetch-Site: same-origin\nOrigin: http://api.test", 101},
	{"of a program that is no browser", "Upgrade: websocket", 101},

	{"none, but a GET of another origin", "Origin: https://evil.test\nSec-Fetch-Site: cross-site", 200},
	{"none, but a stream of events of another origin", "Accept: text/event-stream\nOrigin: https://evil.test\nSec-Fetch-Site: cross-site", 200},
}

// The handshake of a WebSocket is a GET, and CORS does not apply to it. So it
// takes an ambient token only from its own origin.
func TestTokenSource_webSocket(t *testing.T) {
	g := lab.NewGate(t, lab.TokenSource(cognitoauth.FromCookie("session")))
	byHeader := lab.NewGate(t, lab.TokenSource(cognitoauth.FromHeader("X-Amzn-Oidc-Accesstoken")))
	for i, g := range []*lab.Gate{g, byHeader} {
		mux := http.NewServeMux()
		mux.HandleFunc("/chat", chat)
		mux.Handle("/open-chat", cognitoauth.Optional(http.HandlerFunc(chat)))
		server := httptest.NewServer(g.Auth.Wrap(mux))
		defer server.Close()
		offer := []string{"Cookie: session=", "X-Amzn-Oidc-Accesstoken: "}[i] + g.Pool.AccessToken().String()
		for _, tt := range handshakes {
			for _, path := range []string{"/chat", "/open-chat"} {
				status, said := shakeHands(t, server.Listener.Addr().String(), path, tt.header+"\n"+offer)
				if status != tt.status || strings.Contains(said, "jane") != (status == 101) {
					t.Errorf("%s (%s, header: %v): %d %q, want %d", tt.name, path, i == 1, status, said, tt.status)
				}
			}
		}
	}
}

// shakeHands sends the opening handshake of a WebSocket and returns the status
// of the answer and what came next: the first frame, or the body.
func shakeHands(t *testing.T, addr, path, header string) (status int, said string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n\r\n",
		path, handshakeKey, strings.ReplaceAll(header, "\n", "\r\n"))
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	if got := answer.Header.Get("Sec-WebSocket-Accept"); got != handshakeAccept {
		t.Fatalf("Sec-WebSocket-Accept: %s", got)
	}
	frame, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(frame)
}

// Over HTTP/2 and 3 the handshake of a WebSocket (RFC 8441) and of WebTransport
// is a CONNECT, which is no safe method. A token in Authorization is not ambient:
// its handshake passes from anywhere.
func TestTokenSource_otherHandshakes(t *testing.T) {
	g := lab.NewGate(t, lab.TokenSource(composed))
	token := g.Pool.AccessToken().String()
	for _, tt := range []struct {
		line   string
		header []string
		status int
	}{
		{"CONNECT /chat", []string{":protocol", "websocket", "Cookie", "session=" + token, "Origin", "https://evil.test"}, 403},
		{"CONNECT /chat", []string{":protocol", "webtransport", "Cookie", "session=" + token, "Origin", "https://evil.test"}, 403},
		{"CONNECT /chat", []string{":protocol", "websocket", "Cookie", "session=" + token, "Origin", "https://example.com"}, 200},
		{"GET /chat", []string{"Upgrade", "websocket", "Authorization", "Bearer " + token, "Origin", "https://evil.test"}, 200},
	} {
		g.Forget()
		r := lab.Call(tt.line, tt.header...)
		r.Host = "example.com"
		if w := lab.Ask(g.Auth.Wrap(g.Page()), r); w.Code != tt.status || g.Ran() != (w.Code == 200) {
			t.Errorf("%s %.60q: %d %s, want %d", tt.line, tt.header, w.Code, w.Body, tt.status)
		}
	}
}

// ignoring makes bad ambient tokens of Optional routes count as none.
func ignoring(s cognitoauth.TokenSource) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) { c.TokenSource, c.IgnoreBadAmbientToken = s, true }
}

// On an Optional route, a bad token that the browser adds by itself counts as
// none. One that the client wrote does not, nor what is no 401 elsewhere.
func TestIgnoreBadAmbientToken(t *testing.T) {
	g := lab.NewGate(t, ignoring(composed))
	good, stale := g.Pool.AccessToken().String(), g.Pool.AccessToken().ExpiresIn(-time.Hour).String()
	other := g.Pool.AccessToken().Client("another1client").String()
	unknown := g.Pool.AccessToken().SetHeader("kid", "withdrawn").String()
	altered := g.Pool.AccessToken().Tampered().String()
	for _, tt := range []struct {
		name    string
		header  []string
		onMe    string // the code, "" for 200
		onGreet string
		ignored string // the code that was ignored on /greet
	}{
		{"stale cookie", []string{"Cookie", "session=" + stale}, "token_expired", "", "token_expired"},
		{"another client's cookie", []string{"Cookie", "session=" + other}, "client_mismatch", "", "client_mismatch"},
		{"cookie signed by an unknown key", []string{"Cookie", "session=" + unknown}, "key_unknown", "", "key_unknown"},
		{"altered cookie", []string{"Cookie", "session=" + altered}, "signature_invalid", "", "signature_invalid"},
		{"cookie that is no token", []string{"Cookie", "session=old"}, "token_malformed", "", "token_malformed"},
		{"cookie that is too large", []string{"Cookie", "session=" + strings.Repeat("a", tooLong)}, "token_too_large", "", "token_too_large"},
		{"stale cookie in chunks", []string{"Cookie", "session.0=" + stale[:99] + "; session.1=" + stale[99:]}, "token_expired", "", "token_expired"},
		{"good cookie", []string{"Cookie", "session=" + good}, "", "", ""},
		{"no cookie", nil, "token_missing", "", ""},

		{"stale header", []string{"Authorization", "Bearer " + stale}, "token_expired", "token_expired", ""},
		{"stale header and stale cookie", []string{"Authorization", "Bearer " + stale, "Cookie", "session=" + stale}, "token_expired", "token_expired", ""},
		{"header that is too large", []string{"Authorization", "Bearer " + strings.Repeat("a", tooLong)}, "token_too_large", "token_too_large", ""},
		{"malformed header", []string{"Authorization", "Bearer"}, "credentials_malformed", "credentials_malformed", ""},
		{"two cookies", []string{"Cookie", "session=" + stale + "; session=" + stale}, "credentials_repeated", "credentials_repeated", ""},
		{"malformed cookie", []string{"Cookie", "session=" + stale + `"`}, "credentials_malformed", "credentials_malformed", ""},
		{"stale cookie of another site", []string{"Cookie", "session=" + stale, "Sec-Fetch-Site", "cross-site"}, "cross_origin", "cross_origin", ""},
	} {
		for path, want := range map[string]string{"/me": tt.onMe, "/greet": tt.onGreet} {
			g.Forget()
			w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("POST "+path, tt.header...))
			if got := lab.CodeOf(t, w); got != want || g.Ran() != (want == "") {
				t.Errorf("%s (%s): %d %s, want %s", tt.name, path, w.Code, got, want)
			}
			ignored := ""
			if len(g.Decisions) != 1 {
				t.Fatalf("%s (%s): %d decisions", tt.name, path, len(g.Decisions))
			}
			d := g.Decisions[0]
			if d.Ignored != nil {
				ignored = d.Ignored.Code
			}
			if path == "/greet" && ignored != tt.ignored || path == "/me" && ignored != "" {
				t.Errorf("%s (%s): %q was ignored, want %q", tt.name, path, ignored, tt.ignored)
			}
			if ignored != "" && (!d.Allowed || d.Code != "anonymous" || d.Verified || d.Err != nil || w.Body.String() != "nobody") {
				t.Errorf("%s: the handler saw %s, and the decision is %+v", tt.name, w.Body, d)
			}
		}
	}
}

// FromHeader is ambient as FromCookie is; FromForwardedAuthorization and a source
// that says nothing are not.
func TestIgnoreBadAmbientToken_bySource(t *testing.T) {
	header := cognitoauth.FromHeader("X-Token")
	for _, tt := range []struct {
		name   string
		source cognitoauth.TokenSource
		status int // of a stale token on /greet
	}{
		{"FromHeader", header, 200},
		{"FromHeader inside another source", func(r *http.Request) (string, error) { return header(r) }, 200},
		{"FromHeader with a context of its own", func(r *http.Request) (string, error) {
			return header(r.WithContext(context.WithValue(r.Context(), struct{ name string }{"key"}, "value")))
		}, 200},
		{"FromForwardedAuthorization", cognitoauth.FromForwardedAuthorization("X-Token"), 401},
		{"a source of one's own", func(r *http.Request) (string, error) {
			return strings.TrimPrefix(r.Header.Get("X-Token"), "Bearer "), nil
		}, 401},
		{"FromHeader, of which another token was made", func(r *http.Request) (string, error) {
			token, err := header(r)
			return token + "x", err
		}, 401},
	} {
		g := lab.NewGate(t, ignoring(tt.source))
		stale := g.Pool.AccessToken().ExpiresIn(-time.Hour).String()
		if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /greet", "X-Token", "Bearer "+stale)); w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		off := lab.NewGate(t, lab.TokenSource(tt.source))
		stale = off.Pool.AccessToken().ExpiresIn(-time.Hour).String()
		if w := lab.Ask(off.Auth.Wrap(lab.NewSite(off)), lab.Call("GET /greet", "X-Token", "Bearer "+stale)); w.Code != 401 {
			t.Errorf("%s, not asked for: %d %s, want 401", tt.name, w.Code, w.Body)
		}
	}
}

// A token that cannot be judged now may be good, so it is not ignored; and a
// Require inside the route still needs a token.
func TestIgnoreBadAmbientToken_limits(t *testing.T) {
	cookie := cognitoauth.FromCookie("session")
	failing := lab.NewGate(t, func(c *cognitoauth.Config) {
		ignoring(cookie)(c)
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return false, errors.New("down") }
	})
	w := lab.Ask(failing.Auth.Wrap(lab.NewSite(failing)), lab.Call("GET /greet", "Cookie", "session="+failing.Pool.AccessToken().String()))
	if code := lab.CodeOf(t, w); w.Code != 503 || code != "revocation_unavailable" || failing.Ran() {
		t.Errorf("revocation unknown: %d %s, want 503", w.Code, code)
	}
	revoked := lab.NewGate(t, func(c *cognitoauth.Config) {
		ignoring(cookie)(c)
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return true, nil }
	})
	w = lab.Ask(revoked.Auth.Wrap(lab.NewSite(revoked)), lab.Call("GET /greet", "Cookie", "session="+revoked.Pool.AccessToken().String()))
	if w.Code != 200 || w.Body.String() != "nobody" {
		t.Errorf("revoked: %d %s, want the handler without claims", w.Code, w.Body)
	}
	g := lab.NewGate(t, ignoring(cookie))
	stale := g.Pool.AccessToken().ExpiresIn(-time.Hour).String()
	w = lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /greet-hidden", "Cookie", "session="+stale))
	if code := lab.CodeOf(t, w); w.Code != 401 || code != "token_missing" || g.Ran() {
		t.Errorf("Require inside an Optional route: %d %s, want 401 token_missing", w.Code, code)
	}
}
