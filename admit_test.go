package cognitoauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// refusalIn returns the refusal that an error is, nil for nil.
func refusalIn(t *testing.T, err error) *cognitoauth.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*cognitoauth.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	return e
}

// bearing is a header with a token.
func bearing(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// What Admit decides is what Wrap decides about the same token under the same
// policies, challenge included.
func TestMiddleware_Admit(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Realm = "orders"
		c.Fallback = cognitoauth.Scope("api")
	})
	need := cognitoauth.Or(cognitoauth.And(cognitoauth.Group("staff"), cognitoauth.Scope("orders/all")), cognitoauth.Scope("orders/read"))
	h := g.Auth.Wrap(cognitoauth.Require(need, g.Page()))
	good := g.Pool.AccessToken()
	for name, token := range map[string]*cognitotest.Token{
		"good": good.Scopes("api", "orders/read"), "fallback not met": good.Scopes("orders/read"), "policy not met": good.Scopes("api"),
		"expired": good.ExpiresIn(-time.Hour), "tampered": good.Tampered(), "other client": good.Client("2other"), "ID token": g.Pool.IDToken(),
	} {
		g.Forget()
		w := lab.Ask(h, lab.BearerCall(token))
		want := g.Decisions
		g.Forget()
		ctx, err := g.Auth.Admit(t.Context(), bearing(token.String()), "the.Service/Method", need)
		e := refusalIn(t, err)
		if (e == nil) != (w.Code == 200) || e != nil && (e.Status != w.Code || e.Challenge() != w.Header().Get("WWW-Authenticate")) {
			t.Errorf("%s: %v, Wrap answers %d %v", name, err, w.Code, w.Header())
		}
		claims, ok := cognitoauth.FromContext(ctx)
		if ok != (e == nil) || ok && claims.Username != good.Claims().Username {
			t.Errorf("%s: claims %v %t", name, claims, ok)
		}
		if len(g.Decisions) != 1 {
			t.Fatalf("%s: %d decisions", name, len(g.Decisions))
		}
		got := g.Decisions[0]
		if got.Pattern != "the.Service/Method" || got.Method != "" || got.Duration <= 0 || got.Policy != want[0].Policy || (got.Claims == nil) != (want[0].Claims == nil) || got.Err != e {
			t.Errorf("%s: decision %+v, want that of Wrap %+v", name, got, want[0])
		}
		got.Pattern = ""
		if verdictOf(got) != verdictOf(want[0]) {
			t.Errorf("%s: decision %+v, want that of Wrap %+v", name, got, want[0])
		}
		if logged := len(g.Records()); logged != map[bool]int{true: 0, false: 1}[e == nil] {
			t.Errorf("%s: %d records", name, logged)
		}
	}
}

func TestMiddleware_Admit_noToken(t *testing.T) {
	g := lab.NewGate(t, fallback(cognitoauth.Scope("api")))
	ctx, err := g.Auth.Admit(t.Context(), nil, "route", lab.ReadOrders)
	e := refusalIn(t, err)
	if e == nil || e.Code != "token_missing" || e.Challenge() != `Bearer realm="api", scope="api orders/read"` || !strings.Contains(e.Detail(), "Admit") {
		t.Fatalf("%v, %q, %q", err, e.Challenge(), e.Detail())
	}
	if ctx != t.Context() {
		t.Error("the context of a refusal is another")
	}
}

// Where the token is, and how it is written, is decided as for a request.
func TestMiddleware_Admit_credentials(t *testing.T) {
	for name, tt := range map[string]struct {
		header http.Header // %s is the token
		source cognitoauth.TokenSource
		code   string
	}{
		"bearer":           {http.Header{"Authorization": {"bearer  %s"}}, nil, ""},
		"bare":             {http.Header{"Authorization": {"%s"}}, nil, "token_missing"},
		"other scheme":     {http.Header{"Authorization": {"Basic %s"}}, nil, "token_missing"},
		"nothing":          {http.Header{}, nil, "token_missing"},
		"twice":            {http.Header{"Authorization": {"Bearer %s", "Bearer %s"}}, nil, "credentials_repeated"},
		"malformed":        {http.Header{"Authorization": {"Bearer %s,"}}, nil, "credentials_malformed"},
		"lower case":       {http.Header{"authorization": {"Bearer %s"}}, nil, "token_missing"},
		"cookie, not read": {http.Header{"Cookie": {"token=%s"}}, nil, "token_missing"},
		"cookie":           {http.Header{"Cookie": {"token=%s"}}, cognitoauth.FromCookie("token"), ""},
		"cookie of another origin": {http.Header{"Cookie": {"token=%s"}, "Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
			cognitoauth.FromCookie("token"), "cross_origin"},
	} {
		g := lab.NewGate(t, lab.TokenSource(tt.source))
		for _, values := range tt.header {
			for i := range values {
				values[i] = strings.ReplaceAll(values[i], "%s", g.Pool.AccessToken().String())
			}
		}
		_, err := g.Auth.Admit(t.Context(), tt.header, "route", cognitoauth.Authenticated())
		if e := refusalIn(t, err); (e == nil) != (tt.code == "") || e != nil && e.Code != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
		if len(g.Decisions) != 1 || tt.code != "" && g.Decisions[0].Code != tt.code {
			t.Errorf("%s: decisions %+v", name, g.Decisions)
		}
	}
}

// A call may name itself, and an API that describes itself to OAuth clients does so
// to those that come by HTTP.
func TestMiddleware_Admit_requestID(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: "https://api.example.com"}}
		c.Pools[0].Audiences = []string{"https://api.example.com"}
	})
	_, err := g.Auth.Admit(t.Context(), http.Header{"X-Request-Id": {"r-1"}}, "route", cognitoauth.Authenticated())
	if d := g.Decisions[0]; d.RequestID != "r-1" || strings.Contains(refusalIn(t, err).Challenge(), "resource_metadata") {
		t.Errorf("%+v, challenge %s", d, refusalIn(t, err).Challenge())
	}
}

func TestMiddleware_Admit_policies(t *testing.T) {
	g := lab.NewGate(t, nil)
	token := g.Pool.AccessToken().String()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "yes")
	asked := cognitoauth.Assert("sees the route", func(r *http.Request, _ *cognitoauth.Claims) bool {
		return r.Pattern == "route" && r.Context().Value(key{}) == "yes" && r.URL.Path == "" && r.Header.Get("Authorization") != "" && r.Body != nil
	})
	for name, tt := range map[string]struct {
		p    cognitoauth.Policy
		code string
	}{
		"zero":          {cognitoauth.Policy{}, "policy_denies"},
		"authenticated": {cognitoauth.Authenticated(), ""},
		"assert":        {asked, ""},
		"group":         {cognitoauth.Group("staff"), "group_missing"},
	} {
		_, err := g.Auth.Admit(ctx, bearing(token), "route", tt.p)
		if e := refusalIn(t, err); (e == nil) != (tt.code == "") || e != nil && e.Code != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
	}
	var zero cognitoauth.Middleware
	if _, err := zero.Admit(ctx, bearing(token), "route", cognitoauth.Authenticated()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
		t.Errorf("zero Middleware: %v", err)
	}
}

// A remembered token is told as one, and keys that are out of reach are no fault of
// the caller's.
func TestMiddleware_Admit_remembered(t *testing.T) {
	g := lab.NewGate(t, nil)
	token := g.Pool.AccessToken().String()
	for _, want := range []bool{false, true} {
		g.Forget()
		if _, err := g.Auth.Admit(t.Context(), bearing(token), "route", cognitoauth.Authenticated()); err != nil || g.Decisions[0].Remembered != want {
			t.Errorf("remembered %t (%v), want %t", g.Decisions[0].Remembered, err, want)
		}
	}
	down := lab.NewGate(t, noKeys)
	if _, err := down.Auth.Admit(t.Context(), bearing(token), "route", cognitoauth.Authenticated()); !errors.Is(err, cognitoauth.ErrUnavailable) || refusalIn(t, err).RetryAfter == 0 {
		t.Errorf("no keys: %v", err)
	}
}

// A policy that a handler checks by hand answers as Require does.
func TestMiddleware_Authorize(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Realm = "orders"
		c.Fallback = cognitoauth.Scope("api")
	})
	byHand := func(p cognitoauth.Policy, named bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked := r
			if !named {
				asked = nil
			}
			if err := g.Auth.Authorize(r.Context(), asked, p); err != nil {
				cognitoauth.WriteError(w, r, refusalIn(t, err))
				return
			}
			g.Page().ServeHTTP(w, r)
		})
	}
	for name, p := range map[string]cognitoauth.Policy{"met": cognitoauth.Scope("api"), "scope": lab.WriteOrders, "group": cognitoauth.Group("staff"), "zero": {}} {
		mux := http.NewServeMux()
		mux.Handle("/by-hand", byHand(p, true))
		mux.Handle("/unnamed", byHand(p, false))
		mux.Handle("/greet", cognitoauth.Optional(byHand(p, true)))
		mux.Handle("/open", cognitoauth.AllowAnonymous(byHand(p, true)))
		if name != "zero" {
			mux.Handle("/required", cognitoauth.Require(p, g.Page()))
		}
		h := g.Auth.Wrap(mux)
		bearer := "Bearer " + g.Pool.AccessToken().Scopes("api").String()
		ask := func(path, credentials string) (code int, challenge string, last cognitoauth.Decision) {
			g.Forget()
			r := lab.Call("GET "+path, "X-Request-Id", "r-7")
			if credentials != "" {
				r.Header.Set("Authorization", credentials)
			}
			w := lab.Ask(h, r)
			return w.Code, w.Header().Get("WWW-Authenticate"), g.Decisions[len(g.Decisions)-1]
		}
		code, challenge, d := ask("/by-hand", bearer)
		if name == "zero" {
			if code != 403 || d.Code != "policy_denies" || d.Policy != "Policy{}" {
				t.Errorf("zero: %d %+v", code, d)
			}
			continue
		}
		wantCode, wantChallenge, want := ask("/required", bearer)
		if code != wantCode || challenge != wantChallenge || d.Code != want.Code || d.Policy != want.Policy || d.Pattern != "/by-hand" || d.Method != want.Method || d.RequestID != "r-7" {
			t.Errorf("%s: %d %q %+v; Require answers %d %q %+v", name, code, challenge, d, wantCode, wantChallenge, want)
		}
		if logged := len(g.Records()); logged != map[bool]int{true: 0, false: 1}[name == "met"] {
			t.Errorf("%s: %d records", name, logged)
		}
		unnamed := map[string]string{"met": "r-7"}[name] // the decision of Wrap has it
		if got, _, d := ask("/unnamed", bearer); got != wantCode || d.Pattern != "/unnamed" || d.Method != want.Method || d.RequestID != unnamed {
			t.Errorf("%s, no request: %d %+v", name, got, d)
		}
		if got, challenge, _ := ask("/greet", ""); got != 401 || !strings.HasPrefix(challenge, `Bearer realm="orders"`) {
			t.Errorf("%s, optional without a token: %d %q", name, got, challenge)
		}
		if got, _, d := ask("/open", bearer); got != 500 || !strings.Contains(d.Err.Detail(), "Authorize(") {
			t.Errorf("%s, anonymous: %d %+v", name, got, d)
		}
	}
}

// Without a request, method and route are those of the context: what the request took
// at last, if middleware has changed it, and the one around claims that are replaced.
func TestMiddleware_Authorize_knowsTheRoute(t *testing.T) {
	g := lab.NewGate(t, nil)
	byHand := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = g.Auth.Authorize(r.Context(), nil, cognitoauth.Group("staff"))
	})
	mux := http.NewServeMux()
	mux.Handle("GET /plain", byHand)
	mux.Handle("POST /plain", byHand)
	mux.Handle("/any", byHand)
	mux.Handle("GET /orders/{id}", cognitoauth.Require(lab.ReadOrders, byHand))
	mux.Handle("GET /greet", cognitoauth.Optional(byHand))
	mux.Handle("GET /open", cognitoauth.AllowAnonymous(byHand))
	mux.Handle("GET /other", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		_ = g.Auth.Authorize(cognitoauth.NewContext(r.Context(), claims), nil, cognitoauth.Group("staff"))
	}))
	token := "Bearer " + g.Pool.AccessToken().Scopes("orders/read").String()
	for _, tt := range []struct{ line, method, path, want string }{
		{"GET /plain", "GET", "/plain", "GET /plain"},
		{"GET /orders/7", "GET", "/orders/7", "GET /orders/{id}"},
		{"GET /greet", "GET", "/greet", "GET /greet"},
		{"GET /other", "GET", "/other", "GET /other"},
		{"GET /open", "GET", "/open", "GET /open"}, // not wired, but told
		{"GET /plain", "POST", "/plain", "POST /plain"},
		{"GET /plain", "GET", "/orders/7", "GET /orders/{id}"},
		{"GET /orders/7", "GET", "/plain", "GET /plain"},
		{"GET /greet", "GET", "/plain", "GET /plain"},
		{"GET /plain", "GET", "/other", "GET /other"},
		{"GET /any", "GET", "/any", "/any"},
		{"GET /any", "POST", "/any", "/any"},
	} {
		g.Forget()
		lab.Ask(g.Auth.WrapWith(mux, changing(to(tt.method, tt.path, false))), lab.Call(tt.line, "Authorization", token))
		if last := g.Decisions[len(g.Decisions)-1]; last.Allowed || last.Pattern != tt.want || last.Method != tt.method {
			t.Errorf("%s to %s %s: %+v, want the pattern %q and that method", tt.line, tt.method, tt.path, last, tt.want)
		}
	}
	// Without WrapWith, an anonymous route has a context if another Wrap is outside.
	g.Forget()
	lab.Ask(g.Auth.WrapFunc(func() http.Handler { return g.Auth.Wrap(mux) }), lab.Call("GET /open", "Authorization", token))
	if last := g.Decisions[len(g.Decisions)-1]; last.Code != "not_wired" || last.Pattern != "GET /open" || last.Method != "GET" {
		t.Errorf("anonymous inside of another Wrap: %+v", last)
	}
}

func TestMiddleware_Authorize_withoutWrap(t *testing.T) {
	g := lab.NewGate(t, nil)
	var zero cognitoauth.Middleware
	token := g.Pool.AccessToken()
	claims, err := g.Auth.Validate(t.Context(), token.String())
	if err != nil {
		t.Fatal(err)
	}
	admitted, err := g.Auth.Admit(t.Context(), bearing(token.String()), "the.Service/Method", cognitoauth.Authenticated())
	if err != nil {
		t.Fatal(err)
	}
	own := cognitoauth.NewContext(t.Context(), claims)
	for _, tt := range []struct {
		name  string
		m     *cognitoauth.Middleware
		ctx   context.Context
		code  string
		route string
	}{
		{"no claims", g.Auth, t.Context(), "not_wired", ""},
		{"Admit", g.Auth, admitted, "group_missing", "the.Service/Method"},
		{"NewContext", g.Auth, own, "group_missing", ""},
		{"NewContext around Admit", g.Auth, cognitoauth.NewContext(admitted, claims), "group_missing", "the.Service/Method"},
		{"NewContext of nil", g.Auth, cognitoauth.NewContext(own, nil), "token_missing", ""},
		{"zero Middleware", &zero, own, "not_wired", ""},
	} {
		g.Forget()
		e := refusalIn(t, tt.m.Authorize(tt.ctx, nil, cognitoauth.Group("staff")))
		if e == nil || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, e, tt.code)
			continue
		}
		if tt.m == g.Auth && (len(g.Decisions) != 1 || g.Decisions[0].Pattern != tt.route || g.Decisions[0].Err != e) {
			t.Errorf("%s: decisions %+v", tt.name, g.Decisions)
		}
	}
	// An anonymous route inside of another Wrap has no claims to check.
	var inside error
	open := cognitoauth.AllowAnonymous(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inside = g.Auth.Authorize(r.Context(), r, cognitoauth.Authenticated())
	}))
	lab.Ask(g.Auth.Wrap(g.Auth.Wrap(open)), lab.Call("GET /", "Authorization", g.Good()))
	if !errors.Is(inside, cognitoauth.ErrMisconfigured) {
		t.Errorf("anonymous inside of another Wrap: %v", inside)
	}
	if err := g.Auth.Authorize(own, nil, cognitoauth.Authenticated()); err != nil {
		t.Errorf("met: %v", err)
	}
}

// The claims of the second door are found by the first one's key.
func TestNewContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGate(t, nil)
		claims, err := g.Auth.Validate(t.Context(), g.Pool.AccessToken().Scopes("orders/read").String())
		if err != nil {
			t.Fatal(err)
		}
		name := claims.Username
		ctx := cognitoauth.NewContext(t.Context(), claims)
		claims.Username = "changed"
		got, ok := cognitoauth.FromContext(ctx)
		if !ok || got.Username != name || !got.HasScope("orders/read") {
			t.Errorf("FromContext: %v %t", got, ok)
		}
		until, cancel := cognitoauth.WithExpiry(ctx, got)
		defer cancel()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if refusalIn(t, context.Cause(until)).Code != "token_expired" {
			t.Errorf("after the expiry: %v", context.Cause(until))
		}
		if w := lab.Ask(cognitoauth.Require(lab.ReadOrders, g.Page()), lab.Call("GET /").WithContext(ctx)); w.Code != 200 {
			t.Errorf("Require: %d", w.Code)
		}
		if w := lab.Ask(cognitoauth.Require(lab.WriteOrders, g.Page()), lab.Call("GET /").WithContext(ctx)); w.Code != 403 {
			t.Errorf("Require, not met: %d", w.Code)
		}
	})
}

// Like package context, NewContext does not take a nil context, which would panic later.
func TestNewContext_nilContext(t *testing.T) {
	var none context.Context
	lab.MustPanic(t, "NewContext", "the context is nil", func() { cognitoauth.NewContext(none, nil) })
}

// Claims that nobody has verified name nobody.
func TestNewContext_unverified(t *testing.T) {
	g := lab.NewGate(t, nil)
	ok, err := g.Auth.Admit(t.Context(), bearing(g.Pool.AccessToken().String()), "route", cognitoauth.Authenticated())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*cognitoauth.Claims{
		"nil": nil, "zero": {}, "by hand": {Subject: "s", Username: "u", ClientID: "c", TokenUse: cognitoauth.AccessToken},
		"of the test kit": g.Pool.AccessToken().Claims(),
	} {
		ctx := cognitoauth.NewContext(ok, c)
		if got, found := cognitoauth.FromContext(ctx); found {
			t.Errorf("%s: found %v", name, got)
		}
		if w := lab.Ask(cognitoauth.Require(cognitoauth.Authenticated(), g.Page()), lab.Call("GET /").WithContext(ctx)); w.Code != 401 || g.Ran() {
			t.Errorf("%s: Require answers %d", name, w.Code)
		}
	}
}
