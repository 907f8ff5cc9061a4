package cognitoauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// What the log says of a missing token that the caller was not at fault for.
func TestWrap_detailOfMissingToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func(*cognitoauth.Config)
		line   string
		header []string
		says   []string
		not    string
	}{
		{"handler that is no marker", nil, "GET /me", nil, []string{"Authorization: Bearer", "http.HandlerFunc", "AllowAnonymous", "Optional"}, ""},
		{"marker in another handler", nil, "GET /logged", nil, []string{"http.HandlerFunc", "outermost"}, ""},
		{"Require", nil, "GET /orders", nil, []string{"Authorization: Bearer"}, "AllowAnonymous"},
		{"marked route, unclean path", nil, "GET /open/a%2Fb", nil, []string{"marked", "path"}, "register"},
		{"marked route, CONNECT", nil, "CONNECT /open/", nil, []string{"marked", "CONNECT"}, "register"},
		{"preflight", nil, "OPTIONS /me", []string{"Access-Control-Request-Method", "GET"}, []string{"preflight", "cors(auth.Wrap(mux))"}, ""},
		{"OPTIONS that is no preflight", nil, "OPTIONS /me", nil, []string{"Authorization: Bearer"}, "preflight"},
		{"preflight's header with another method", nil, "GET /me", []string{"Access-Control-Request-Method", "GET"}, nil, "preflight"},
		{"token without the scheme", nil, "GET /me", []string{"Authorization", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}, []string{"without the scheme", `"Bearer "`}, "eyJ"},
		{"another scheme", nil, "GET /me", []string{"Authorization", "Basic dTpw"}, []string{"another scheme"}, "dTpw"},
		{"no cookie", cookie, "GET /me", nil, []string{"Config.TokenSource"}, "Authorization: Bearer"},
	} {
		g := lab.NewGate(t, tt.config)
		mux := lab.NewSite(g)
		mux.Handle("/open/", cognitoauth.AllowAnonymous(g.Page()))
		mux.Handle("/logged", lab.Passing(cognitoauth.AllowAnonymous(g.Page())))
		lab.Ask(g.Auth.Wrap(mux), lab.Call(tt.line, tt.header...))
		if len(g.Decisions) != 1 || g.Decisions[0].Code != "token_missing" {
			t.Fatalf("%s: %+v", tt.name, g.Decisions)
		}
		detail := g.Decisions[0].Err.Detail()
		for _, part := range append(tt.says, "no token") {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: Detail does not say %q: %s", tt.name, part, detail)
			}
		}
		if tt.not != "" && strings.Contains(detail, tt.not) {
			t.Errorf("%s: Detail says %q: %s", tt.name, tt.not, detail)
		}
	}
}

// Detail is one line of ASCII, which names what was found, what was expected
// and which setting mends it. It tells nothing about the user, and calls what
// no signature vouches for unverified.
func TestError_detail(t *testing.T) {
	w := newWayside(t)
	for _, row := range allRefusals {
		w.forbidden = nil
		e := row.provoke(w)
		detail := e.Detail()
		for _, part := range row.detail {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: Detail lacks %q: %s", row.code, part, detail)
			}
		}
		if !printable(detail) {
			t.Errorf("%s: not ASCII: %q", row.code, detail)
		}
		if !row.verified && !strings.Contains(detail, "unverified") {
			t.Errorf("%s: not called unverified: %s", row.code, detail)
		}
		if again := e.Detail(); again != detail {
			t.Errorf("%s: Detail is %q and then %q", row.code, detail, again)
		}
		all := strings.Join([]string{detail, e.Error(), e.Challenge(), loggedError(e), writtenError(e)}, "\n")
		if strings.Contains(all, "SECRET") || strings.Contains(all, "SSSS") {
			t.Errorf("%s: tells a secret: %s", row.code, all)
		}
		for _, part := range w.forbidden {
			if len(part) > 8 && strings.Contains(all, part) {
				t.Errorf("%s: quotes the token: %s", row.code, all)
			}
		}
	}
}

func loggedError(e *cognitoauth.Error) string {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "err", e)
	return b.String()
}

func writtenError(e *cognitoauth.Error) string {
	w := httptest.NewRecorder()
	cognitoauth.WriteError(w, httptest.NewRequest("GET", "/", nil), e)
	return fmt.Sprint(w.Header(), w.Body)
}

// Whatever a token puts into what Detail quotes, it stays one short line of
// ASCII with at most 64 bytes of it.
func TestError_detailQuotes(t *testing.T) {
	w := newWayside(t)
	quoted := map[string]func(string) *cognitoauth.Error{
		"alg":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("alg", s)) },
		"typ":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("typ", s)) },
		"kid":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("kid", s)) },
		"iss":       func(s string) *cognitoauth.Error { return w.token(w.user.Set("iss", s)) },
		"token_use": func(s string) *cognitoauth.Error { return w.token(w.user.Set("token_use", s)) },
		"client_id": func(s string) *cognitoauth.Error { return w.token(w.user.Client(s)) },
		"aud":       func(s string) *cognitoauth.Error { return w.token(w.user.Set("aud", s)) },
		"holder": func(s string) *cognitoauth.Error {
			return w.token(w.user.Client(s), lab.MustNew(w, w.pool.Config(), func(c *cognitoauth.Config) {
				c.Pools[0].Audiences, c.Pools[0].RegisteredClients = []string{"https://api.example"}, true
			}))
		},
		"aud of ID": func(s string) *cognitoauth.Error { return w.token(w.id.Client(s)) },
		"client":    func(s string) *cognitoauth.Error { return w.policy(cognitoauth.ClientID("x"), w.user.Client(s)) },
		"scope":     func(s string) *cognitoauth.Error { return w.policy(cognitoauth.Scope("x"), w.user.Scopes(s)) },
	}
	marker := strings.Repeat("x", 62) + "YZ<" + strings.Repeat("x", 120)
	for name, provoke := range quoted {
		if detail := provoke(marker).Detail(); !strings.Contains(detail, marker[:64]) || strings.Contains(detail, marker[:65]) || !printable(detail) {
			t.Errorf("%s: %s", name, detail)
		}
		for _, evil := range []string{"a\nb", "a\r\n", "\x00", "\x1b[31m", "\u202e", "é", "a\"b", `a\b`, "\u2028", "😀", strings.Repeat("é", 60), "%s%d", "\x7f"} {
			if detail := provoke(evil).Detail(); !printable(detail) || len(detail) > 1500 {
				t.Errorf("%s, %q: %q", name, evil, detail)
			}
		}
	}
	many := w.policy(cognitoauth.Scope("x"), w.user.Scopes(strings.Split(strings.Repeat("scope ", 2000)+"last", " ")...)).Detail()
	if len(many) > 2000 || strings.Contains(many, "last") {
		t.Errorf("2001 scopes make a Detail of %d bytes", len(many))
	}
}

// The operator's own settings are not cut: they are what to compare with.
func TestError_detailExpected(t *testing.T) {
	const iss = "https://cognito-idp.ap-southeast-1.amazonaws.com/ap-southeast-1_AbCdEf123"
	pool := cognitotest.NewPool(t, cognitotest.Options{ID: "ap-southeast-1_AbCdEf123", Now: lab.AtNoon, InProcess: true})
	_, err := lab.MustNew(t, pool.Config()).Validate(t.Context(), pool.AccessToken().Set("iss", "x").String())
	if detail := lab.AsRefusal(t, err).Detail(); !strings.Contains(detail, iss) {
		t.Errorf("the expected issuer is cut: %s", detail)
	}
}

// lost is a router that has no handler for any request.
type lost struct{ http.Handler }

func (lost) ResolveEndpoint(*http.Request) http.Handler { return nil }

func TestDetail_noHandler(t *testing.T) {
	var refusal *cognitoauth.Error
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { refusal = e }
	})
	d.auth.Wrap(lost{http.NotFoundHandler()}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if text := refusal.Detail(); !strings.Contains(text, "names no handler") {
		t.Error(text)
	}
}

// A pattern is the operator's. For the redirect of a CONNECT net/http names the
// path of the request instead, which is the caller's, and there is no end to those.
func TestDetail_callersPath(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/users/{id}/", http.NotFoundHandler())
	for _, method := range []string{"GET", "CONNECT"} {
		var decided cognitoauth.Decision
		d := newDesk(t, func(c *cognitoauth.Config) {
			c.OnDecision = func(_ context.Context, d cognitoauth.Decision) { decided = d }
		})
		d.auth.Wrap(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/users/jane", nil))
		if text := decided.Err.Detail(); strings.Contains(text+decided.Pattern, "jane") || !strings.Contains(text, "redirect") {
			t.Errorf("%s: pattern %q: %s", method, decided.Pattern, text)
		}
	}
}

// Each claim that the library reads has its JSON type named. What another one
// is called is up to whoever wrote the token, and is not told.
func TestDetail_claimType(t *testing.T) {
	w := newWayside(t)
	for _, row := range []struct {
		want   string
		claims string
		wrong  any
	}{
		{"a string", "iss sub token_use client_id username cognito:username jti origin_jti acr event_id", 7},
		{"one string", "scope", []string{"a"}},
		{"a string or a list of strings", "aud", 7},
		{"a list of strings", "cognito:groups", "a"},
		{"a number of seconds", "exp nbf iat auth_time", "1772625600"},
	} {
		for name := range strings.FieldsSeq(row.claims) {
			detail := w.token(w.user.Set(name, row.wrong)).Detail()
			if _, expected, _ := strings.Cut(detail, "claim "+name+" has the wrong JSON type"); !strings.Contains(expected, "expected "+row.want) {
				t.Errorf("%s: %s", name, detail)
			}
		}
	}
	for _, name := range []string{"a\nlevel=ERROR", "\u202e", "SECRET", strings.Repeat("x", 1000)} {
		if e := w.token(w.user.Set(name, json.RawMessage("1e400"))); e.Code != "claims_malformed" || strings.Contains(e.Detail(), name) {
			t.Errorf("%s: Detail quotes the name of a claim: %q", e.Code, e.Detail())
		}
	}
}

// Of a long list the first eight are named and the others counted.
func TestError_longLists(t *testing.T) {
	w := newWayside(t)
	for n, end := range map[int]string{0: "none", 1: `"s0"`, 8: `"s7"`, 9: `"s7" and 1 more`, 11: `"s7" and 3 more`} {
		var scopes []string
		for i := range n {
			scopes = append(scopes, fmt.Sprint("s", i))
		}
		detail := w.policy(cognitoauth.Scope("a/b"), w.user.Scopes(scopes...)).Detail()
		if !strings.HasPrefix(detail, "the token has scopes ") || !strings.Contains(detail, end+`, the route needs "a/b"`) || strings.Contains(detail, "s8") {
			t.Errorf("%d scopes: %s", n, detail)
		}
	}
}
