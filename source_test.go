package cognitoauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

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

func TestAuthorization(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(g.Page())
	token := g.Pool.AccessToken().String()
	for _, tt := range authorizations {
		g.Forget()
		w := lab.Ask(h, lab.Call("GET /", "Authorization", strings.ReplaceAll(tt.value, "$T", token)))
		if code := lab.CodeOf(t, w); w.Code != tt.status || code != tt.code || g.Ran() != (tt.status == 200) {
			t.Errorf("%q: %d %s, handler ran: %v; want %d %s", tt.value, w.Code, code, g.Ran(), tt.status, tt.code)
		}
	}
}

// Which bytes go on with the name of a scheme (a tchar of RFC 9110, section
// 5.6.2) and which belong to a token68 (section 11.2), for every byte.
func TestAuthorization_bytes(t *testing.T) {
	g := lab.NewGate(t, nil)
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
			w := lab.Ask(h, lab.Call("GET /", "Authorization", value))
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
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	for _, values := range [][2]string{
		{g.Good(), g.Good()}, {g.Good(), "Basic dTpw"}, {"Basic dTpw", g.Good()}, {"", g.Good()}, {g.Good(), ""}, {"Basic dTpw", "Basic dTpw"}, {"", ""},
	} {
		for _, path := range []string{"/me", "/greet"} {
			w := lab.Ask(h, lab.Call("GET "+path, "Authorization", values[0], "Authorization", values[1]))
			if w.Code != 400 || lab.CodeOf(t, w) != "credentials_repeated" {
				t.Errorf("%s with %.10q and %.10q: %d %s, want 400", path, values[0], values[1], w.Code, w.Body)
			}
		}
	}
}

// An over-long token is a token that is no good: 401, whatever is in it.
func TestAuthorization_tokenLength(t *testing.T) {
	good := cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).AccessToken().Set("custom:padding", strings.Repeat("x", 2000))
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
		g := lab.NewGate(t, func(c *cognitoauth.Config) { c.MaxTokenBytes = tt.limit })
		token := g.Pool.AccessToken().Set("custom:padding", strings.Repeat("x", 2000)).String()
		w := lab.Ask(g.Auth.Wrap(g.Page()), lab.Call("GET /", "Authorization", tt.value(token)))
		want, status := tt.code, 401
		switch want {
		case "":
			status = 200
		case "credentials_malformed":
			status = 400
		}
		if code := lab.CodeOf(t, w); w.Code != status || code != want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, code, status, want)
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
		{"a sentinel is an error like others", cognitoauth.ErrNoToken, 400, 400, "credentials_malformed"},
		{"an Error answers for itself", forbidden, 403, 403, "group_missing"},
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
