package cognitoauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// asItIs hands requests on as they are.
func asItIs(next http.Handler) http.Handler { return next }

// changing hands on a request that change has made of another one.
func changing(change func(*http.Request) *http.Request) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, change(r)) })
	}
}

// to is what changes the line of a request, as a rewriting middleware does: in
// place, or in a copy.
func to(method, target string, inPlace bool) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		if !inPlace {
			r = r.Clone(r.Context())
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			panic(err)
		}
		r.Method, r.URL.Path, r.URL.RawPath = method, u.Path, u.RawPath
		return r
	}
}

// maze is a mux with routes of each kind, whose handlers say their name.
func maze() *http.ServeMux {
	is := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := cognitoauth.FromContext(r.Context()); ok {
				name += " with claims"
			}
			fmt.Fprint(w, name)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /open", cognitoauth.AllowAnonymous(is("open")))
	mux.Handle("GET /open2", cognitoauth.AllowAnonymous(is("open2")))
	mux.Handle("GET /files/{name}", cognitoauth.AllowAnonymous(is("file")))
	mux.Handle("GET /greet", cognitoauth.Optional(is("greet")))
	mux.Handle("POST /open", is("posted"))
	mux.Handle("/me", is("me"))
	mux.Handle("/orders", cognitoauth.Require(lab.ReadOrders, is("orders")))
	mux.Handle("/writes", cognitoauth.Require(lab.WriteOrders, is("writes")))
	return mux
}

// What is admitted to one route without a token, or without the fallback, reaches
// no other route without them, whatever middleware between Wrap and the mux makes
// of the request.
func TestWrapWith_rewrites(t *testing.T) {
	const none, bad, plain, reader = "", "bad", "plain", "reader"
	g := lab.NewGate(t, nil)
	good := g.Pool.AccessToken()
	tokens := map[string]string{none: "", bad: good.Tampered().String(), plain: good.String(), reader: good.Scopes("orders/read").String()}
	for _, tt := range []struct {
		name, line string
		method, to string
		token      string
		want       string // status and code, or what ran
		codes      string // of the decisions
	}{
		{"open to itself", "GET /open", "GET", "/open", none, "200 open", "anonymous"},
		{"open to itself by HEAD", "GET /open", "HEAD", "/open", none, "200 open", "anonymous"},
		{"open to protected", "GET /open", "GET", "/me", none, "401 token_missing", "anonymous token_missing"},
		{"open to protected by the method", "GET /open", "POST", "/open", none, "401 token_missing", "anonymous token_missing"},
		{"open to protected, bad token", "GET /open", "GET", "/me", bad, "401 signature_invalid", "anonymous signature_invalid"},
		{"open to protected, good token", "GET /open", "GET", "/me", plain, "200 me with claims", "anonymous authenticated"},
		{"open to Require", "GET /open", "GET", "/orders", none, "401 token_missing", "anonymous token_missing"},
		{"open to Require, scope missing", "GET /open", "GET", "/orders", plain, "403 scope_missing", "anonymous scope_missing"},
		{"open to Require, good token", "GET /open", "GET", "/orders", reader, "200 orders with claims", "anonymous authenticated"},
		{"open to open", "GET /open", "GET", "/open2", none, "401 token_missing", "anonymous token_missing"},
		{"open to optional", "GET /open", "GET", "/greet", none, "401 token_missing", "anonymous token_missing"},
		{"open to nothing", "GET /open", "GET", "/nowhere", none, "401 token_missing", "anonymous token_missing"},
		{"open to no method", "GET /open", "PUT", "/open", none, "401 token_missing", "anonymous token_missing"},
		{"open to a redirect", "GET /open", "GET", "/x/../open", none, "401 token_missing", "anonymous token_missing"},
		{"open to an escape of itself", "GET /files/a", "GET", "/files/a%2Fb", none, "401 token_missing", "anonymous token_missing"},
		{"open to another value of itself", "GET /files/a", "GET", "/files/b", none, "200 file", "anonymous"},
		{"optional to itself", "GET /greet", "GET", "/greet", none, "200 greet", "anonymous"},
		{"optional to itself with a token", "GET /greet", "GET", "/greet", plain, "200 greet with claims", "authenticated"},
		{"optional to protected", "GET /greet", "GET", "/me", none, "401 token_missing", "anonymous token_missing"},
		{"optional to open", "GET /greet", "GET", "/open", none, "401 token_missing", "anonymous token_missing"},
		{"optional to protected, good token", "GET /greet", "GET", "/me", plain, "200 me with claims", "authenticated authenticated"},
		{"protected to open", "GET /me", "GET", "/open", plain, "200 open with claims", "authenticated"},
		{"protected to open, no token", "GET /me", "GET", "/open", none, "401 token_missing", "token_missing"},
		{"protected to Require", "GET /me", "GET", "/orders", plain, "403 scope_missing", "authenticated scope_missing"},
		{"Require to Require", "GET /writes", "GET", "/orders", reader, "200 orders with claims", "authenticated"},
		{"Require to Require, scope missing", "GET /orders", "GET", "/writes", reader, "403 scope_missing", "scope_missing"},
		{"Require to protected", "GET /orders", "GET", "/me", plain, "200 me with claims", "authenticated"},
		{"Require to nothing", "GET /orders", "GET", "/nowhere", plain, "404", "authenticated"},
	} {
		for _, inPlace := range []bool{true, false} {
			g.Forget()
			r := lab.Call(tt.line)
			if token := tokens[tt.token]; token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := lab.Ask(g.Auth.WrapWith(maze(), changing(to(tt.method, tt.to, inPlace))), r)
			got := fmt.Sprint(w.Code, " ", w.Body)
			if w.Code == 401 || w.Code == 403 {
				got = fmt.Sprint(w.Code, " ", lab.CodeOf(t, w))
			}
			if w.Code == 404 {
				got = "404"
			}
			var codes []string
			for _, d := range g.Decisions {
				codes = append(codes, d.Code)
			}
			if got != tt.want || strings.Join(codes, " ") != tt.codes {
				t.Errorf("%s, in place %t: %s after decisions %q, want %s after %s", tt.name, inPlace, got, codes, tt.want, tt.codes)
			}
		}
	}
}

// The log of such a refusal says what to change.
func TestWrapWith_rewriteIsExplained(t *testing.T) {
	g := lab.NewGate(t, nil)
	lab.Ask(g.Auth.WrapWith(maze(), changing(to("GET", "/open2", false))), lab.Call("GET /open"))
	if detail := g.Decisions[1].Err.Detail(); !strings.Contains(detail, "WrapWith") || !strings.Contains(detail, "rewritten(auth.Wrap(mux))") {
		t.Errorf("Detail: %s", detail)
	}
}

// Middleware may hand a request on more than once, changed or not; the decision is
// told once.
func TestWrapWith_handsOnTwice(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.WrapWith(maze(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			next.ServeHTTP(w, to("GET", "/me", false)(r))
		})
	})
	token := g.Pool.AccessToken().Scopes("orders/read").String()
	w := lab.Ask(h, lab.Call("GET /orders", "Authorization", "Bearer "+token))
	if w.Body.String() != "orders with claimsme with claims" || len(g.Decisions) != 1 {
		t.Errorf("%s, %d decisions", w.Body, len(g.Decisions))
	}
}

// Optional admits without the fallback, so a route that is not optional asks for it.
func TestWrapWith_rewritesAskTheFallback(t *testing.T) {
	g := lab.NewGate(t, fallback(cognitoauth.Group("staff")))
	h := g.Auth.WrapWith(maze(), changing(to("GET", "/me", false)))
	for group, want := range map[string]string{"staff": "", "guests": "group_missing"} {
		token := g.Pool.AccessToken().Groups(group).String()
		if got := lab.CodeOf(t, lab.Ask(h, lab.Call("GET /greet", "Authorization", "Bearer "+token))); got != want {
			t.Errorf("group %s: %q, want %q", group, got, want)
		}
	}
}

// The middleware runs for admitted requests only, with their claims, and its
// changes of the context arrive.
func TestWrapWith(t *testing.T) {
	type key struct{}
	g := lab.NewGate(t, nil)
	var ran []string
	mux := http.NewServeMux()
	page := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ran = append(ran, fmt.Sprint("handler ", r.Context().Value(key{})))
	})
	mux.Handle("GET /me", page)
	mux.Handle("GET /open", cognitoauth.AllowAnonymous(page))
	mux.Handle("GET /greet", cognitoauth.Optional(page))
	mux.Handle("GET /orders", cognitoauth.Require(lab.ReadOrders, page))
	h := g.Auth.WrapWith(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := "nobody"
			if c, ok := cognitoauth.FromContext(r.Context()); ok {
				who = c.Username
			}
			ran = append(ran, who)
			if r.URL.Path != "/nowhere" && r.Pattern != "GET "+r.URL.Path {
				t.Errorf("%s: the middleware sees pattern %q", r.URL.Path, r.Pattern)
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "between")))
		})
	})
	ann := g.Pool.AccessToken().User("ann")
	for _, tt := range []struct {
		path, token string
		status      int
		want        string
		challenge   string // a part of it
	}{
		{"/me", ann.String(), 200, "ann, handler between", ""},
		{"/me", "", 401, "", `realm="api"`},
		{"/me", ann.Tampered().String(), 401, "", `error="invalid_token"`},
		{"/open", "", 200, "nobody, handler between", ""},
		{"/open", ann.String(), 200, "nobody, handler between", ""},
		{"/greet", "", 200, "nobody, handler between", ""},
		{"/greet", ann.String(), 200, "ann, handler between", ""},
		{"/orders", "", 401, "", `scope="orders/read"`},
		{"/orders", ann.String(), 403, "ann", `error="insufficient_scope"`},
		{"/orders", ann.Scopes("orders/read").String(), 200, "ann, handler between", ""},
		{"/nowhere", "", 401, "", `realm="api"`},
	} {
		ran = nil
		r := lab.Call("GET " + tt.path)
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		w := lab.Ask(h, r)
		if got := strings.Join(ran, ", "); got != tt.want || w.Code != tt.status || !strings.Contains(w.Header().Get("WWW-Authenticate"), tt.challenge) {
			t.Errorf("%s: %d %q after %q, want %d %q after %q", tt.path, w.Code, w.Header(), got, tt.status, tt.challenge, tt.want)
		}
		if pattern := "GET " + tt.path; tt.path != "/nowhere" && r.Pattern != pattern {
			t.Errorf("%s: the outer request has pattern %q", tt.path, r.Pattern)
		}
	}
}

// limiting answers requests itself, as a rate limit does.
type limiting struct{ inner http.Handler }

func (limiting) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusTooManyRequests)
}

func (l limiting) ResolveEndpoint(r *http.Request) (h http.Handler) {
	h, r.Pattern = l.inner.(*http.ServeMux).Handler(r)
	return h
}

// Middleware that answers by itself is the end of the request, and the decision is
// told once, also if a Require was to tell it. So it is in a router.
func TestWrapWith_answersItself(t *testing.T) {
	g := lab.NewGate(t, nil)
	bearer := "Bearer " + g.Pool.AccessToken().User("ann").String()
	for name, h := range map[string]http.Handler{
		"WrapWith": g.Auth.WrapWith(maze(), func(next http.Handler) http.Handler { return limiting{next} }),
		"a router": g.Auth.Wrap(limiting{maze()}),
	} {
		for _, path := range []string{"/me", "/orders"} {
			g.Forget()
			w := lab.Ask(h, lab.Call("GET "+path, "Authorization", bearer))
			if w.Code != 429 || len(g.Decisions) != 1 {
				t.Errorf("%s, %s: %d, %d decisions", name, path, w.Code, len(g.Decisions))
				continue
			}
			if d := g.Decisions[0]; !d.Allowed || d.Pattern != path || d.Claims == nil || d.Claims.Username != "ann" || d.Duration <= 0 {
				t.Errorf("%s, %s: %+v", name, path, d)
			}
		}
	}
}

// A policy that panics has not let the request in, even if middleware recovers.
func TestWrapWith_policyPanics(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/x", cognitoauth.Require(cognitoauth.Assert("panics", func(*http.Request, *cognitoauth.Claims) bool { panic("policy") }), g.Page()))
	h := g.Auth.WrapWith(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() == nil {
					t.Error("the policy has not panicked")
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
	if lab.Ask(h, lab.Call("GET /x", "Authorization", g.Good())); g.Ran() || len(g.Decisions) != 0 {
		t.Errorf("ran %t, decisions %+v", g.Ran(), g.Decisions)
	}
}

// The decision of a request that middleware rewrites before its Require tells it
// names the route that the request takes.
func TestWrapWith_rewrittenPattern(t *testing.T) {
	g := lab.NewGate(t, nil)
	bearer := "Bearer " + g.Pool.AccessToken().Scopes("orders/read").String()
	for path, want := range map[string]string{"/me": "/me", "/open": "GET /open", "/orders": "/orders", "/nowhere": ""} {
		g.Forget()
		r := lab.Call("GET /writes", "Authorization", bearer)
		lab.Ask(g.Auth.WrapWith(maze(), changing(to("GET", path, true))), r)
		if len(g.Decisions) != 1 || g.Decisions[0].Pattern != want || r.Pattern != want {
			t.Errorf("%s: the outer request has pattern %q, decisions %+v, want %q", path, r.Pattern, g.Decisions, want)
		}
	}
}

// unnamed is a router without patterns.
type unnamed map[string]http.Handler

func (u unnamed) ResolveEndpoint(r *http.Request) http.Handler     { return u[r.URL.Path] }
func (u unnamed) ServeHTTP(w http.ResponseWriter, r *http.Request) { u[r.URL.Path].ServeHTTP(w, r) }

// Where routes have no pattern, the challenge has the scopes of the new route, too.
func TestWrapWith_rewritesWithoutPatterns(t *testing.T) {
	g := lab.NewGate(t, nil)
	routes := unnamed{"/orders": cognitoauth.Require(lab.ReadOrders, g.Page()), "/writes": cognitoauth.Require(lab.WriteOrders, g.Page())}
	w := lab.Ask(g.Auth.WrapWith(routes, changing(to("GET", "/writes", false))), lab.Call("GET /orders", "Authorization", g.Good()))
	if _, has, _ := strings.Cut(w.Header().Get("WWW-Authenticate"), ` lacks a scope", `); w.Code != 403 || has != `scope="orders/write"` {
		t.Errorf("%d %q", w.Code, w.Header())
	}
}

// Middleware may hand on several requests at a time, to several routes. Each
// challenge has the scopes of its own route.
func TestWrapWith_handsOnAtOnce(t *testing.T) {
	g := lab.NewGate(t, nil)
	paths := []string{"/writes", "/me", "/open", "/orders"}
	h := g.Auth.WrapWith(maze(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got := make([]*httptest.ResponseRecorder, len(paths))
			var all sync.WaitGroup
			for i, path := range paths {
				all.Go(func() { got[i] = lab.Ask(next, to("GET", path, false)(r)) })
			}
			all.Wait()
			for i, scope := range []string{`scope="orders/write"`, "", "", `scope="orders/read"`} {
				if _, has, _ := strings.Cut(got[i].Header().Get("WWW-Authenticate"), ` lacks a scope", `); has != scope {
					t.Errorf("%s: %q, want %s", paths[i], got[i].Header(), scope)
				}
			}
		})
	})
	for range 20 {
		lab.Ask(h, lab.Call("GET /orders", "Authorization", g.Good()))
	}
}

// Without the context of Wrap nobody knows what was admitted.
func TestWrapWith_contextLost(t *testing.T) {
	for name, between := range map[string]func(http.Handler) http.Handler{
		"another context": changing(func(r *http.Request) *http.Request { return r.WithContext(context.Background()) }),
		"another request": changing(func(*http.Request) *http.Request { return httptest.NewRequest("GET", "/open", nil) }),
	} {
		for _, line := range []string{"GET /open", "GET /me", "GET /greet"} {
			g := lab.NewGate(t, nil)
			mux := maze()
			w := lab.Ask(g.Auth.WrapWith(mux, between), lab.Call(line, "Authorization", g.Good()))
			if w.Code != 500 || lab.CodeOf(t, w) != "not_wired" {
				t.Errorf("%s, %s: %d %s", name, line, w.Code, w.Body)
			}
			last := g.Decisions[len(g.Decisions)-1]
			if last.Code != "not_wired" || !strings.Contains(last.Err.Detail(), "r.Context()") {
				t.Errorf("%s, %s: %+v, %s", name, line, last, last.Err.Detail())
			}
		}
	}
}

// What another WrapWith has admitted does not count, and middleware may bring a
// Wrap or claims of its own.
func TestWrapWith_nested(t *testing.T) {
	g, other := lab.NewGate(t, nil), lab.NewGate(t, nil)
	var leaked http.Handler
	first := g.Auth.WrapWith(maze(), func(next http.Handler) http.Handler { leaked = next; return next })
	if w := lab.Ask(first, lab.Call("GET /open")); w.Code != 200 {
		t.Fatalf("GET /open: %d", w.Code)
	}
	second := other.Auth.WrapWith(maze(), func(http.Handler) http.Handler { return leaked })
	if w := lab.Ask(second, lab.Call("GET /open")); w.Code != 500 {
		t.Errorf("the inside of another WrapWith: %d", w.Code)
	}

	third := g.Auth.WrapWith(maze(), other.Auth.Wrap)
	if w := lab.Ask(third, lab.Call("GET /open")); w.Code != 401 {
		t.Errorf("another Wrap in between, no token: %d", w.Code)
	}
	ctx := cognitoauth.NewContext
	fourth := g.Auth.WrapWith(maze(), changing(func(r *http.Request) *http.Request { return r.WithContext(ctx(r.Context(), nil)) }))
	if w := lab.Ask(fourth, lab.Call("GET /me", "Authorization", g.Good())); w.Code != 200 || w.Body.String() != "me" {
		t.Errorf("claims taken away: %d %s", w.Code, w.Body)
	}
}

type contextName struct{}

// Its context prints no claims.
func TestWrapWith_tellsNoSecret(t *testing.T) {
	g := lab.NewGate(t, nil)
	var printed string
	h := g.Auth.WrapWith(maze(), changing(func(r *http.Request) *http.Request {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			printed += fmt.Sprintf(verb, r.Context()) + fmt.Sprintf(verb, context.WithValue(r.Context(), contextName{}, 1)) + fmt.Sprintf(verb, r)
		}
		return r.WithContext(r.Context())
	}))
	lab.Ask(h, lab.Call("GET /me", "Authorization", "Bearer "+g.Pool.AccessToken().User("ann-the-user").String()))
	if !strings.Contains(printed, "cognitoauth.Wrap") || strings.Contains(printed, "ann-the-user") {
		t.Errorf("printed %s", printed)
	}
}

func TestWrapWith_panics(t *testing.T) {
	g := lab.NewGate(t, nil)
	lab.MustPanic(t, "WrapWith", "nil", func() { g.Auth.WrapWith(nil, asItIs) })
	lab.MustPanic(t, "WrapWith", "no function", func() { g.Auth.WrapWith(maze(), nil) })
	lab.MustPanic(t, "WrapWith", "nil middleware", func() { g.Auth.WrapWith(maze(), func(http.Handler) http.Handler { return nil }) })
	lab.MustPanic(t, "WrapFunc", "nil", func() { g.Auth.WrapFunc(nil) })
}

// Whatever WrapFunc's function returned decides and serves: of two muxes, one with
// the route open and one with it protected, the open one never lends its verdict
// to the other.
func TestWrapFunc(t *testing.T) {
	g := lab.NewGate(t, nil)
	before, after := http.NewServeMux(), http.NewServeMux()
	before.Handle("/x", cognitoauth.AllowAnonymous(g.Page()))
	secret := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") })
	after.Handle("/x", secret)
	calls := 0
	h := g.Auth.WrapFunc(func() http.Handler {
		calls++
		return []http.Handler{after, before}[calls%2] // another one each time
	})
	for i := range 10 {
		w := lab.Ask(h, lab.Call("GET /x"))
		if want := []int{200, 401}[i%2]; w.Code != want || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("request %d: %d %s, want %d", i, w.Code, w.Body, want)
		}
	}
	if calls != 10 {
		t.Errorf("the function was called %d times for 10 requests", calls)
	}
}

// Muxes and configurations are replaced while requests come, in which the route is
// now open and now protected. What is protected never answers a caller without a token.
func TestWrapFunc_whileServing(t *testing.T) {
	g := lab.NewGate(t, nil)
	cfg := g.Pool.Config()
	open, closed := http.NewServeMux(), http.NewServeMux()
	open.Handle("/x", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	closed.Handle("/x", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := cognitoauth.FromContext(r.Context()); !ok {
			t.Error("a protected route was reached without a token")
		}
	}))
	var current atomic.Pointer[http.ServeMux]
	current.Store(closed)
	h := g.Auth.WrapFunc(func() http.Handler { return current.Load() })
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 2000 {
				if w := lab.Ask(h, lab.Call("GET /x")); w.Code != 200 && w.Code != 401 {
					t.Errorf("status %d", w.Code)
				}
			}
		})
	}
	for i := range 2000 {
		current.Store([]*http.ServeMux{open, closed}[i%2])
		if i%100 == 0 {
			if err := g.Auth.Reload(cfg); err != nil {
				t.Error(err)
			}
		}
	}
	asking.Wait()
}

// A handler that is no mux has no open routes, and serves.
func TestWrapFunc_noMux(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.WrapFunc(func() http.Handler { return g.Page() })
	if w := lab.Ask(h, lab.Call("GET /x", "Authorization", g.Good())); w.Code != 200 || !g.Ran() {
		t.Errorf("%d, ran %t", w.Code, g.Ran())
	}
}

// Handlers of types of a program's own. A nil pages serves, the other two do not.
type (
	compass  struct{ name string }
	function func() string
	pages    map[string]string
)

func (h *compass) ServeHTTP(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, h.name) }
func (h *compass) ResolveEndpoint(*http.Request) http.Handler       { return pages{"/x": h.name} }
func (h function) ServeHTTP(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, h()) }
func (h pages) ServeHTTP(w http.ResponseWriter, r *http.Request)    { fmt.Fprint(w, h[r.URL.Path]) }

// What was never set is answered, with one record, and does not panic, whatever its
// type; a nil that can serve does.
func TestWrapFunc_nothingThere(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"nil": nil, "nil mux": (*http.ServeMux)(nil), "nil func": http.HandlerFunc(nil), "nil router": (*compass)(nil), "nil function": function(nil),
	} {
		for _, token := range []bool{true, false} {
			g := lab.NewGate(t, nil)
			r := lab.Call("GET /x")
			if token {
				r.Header.Set("Authorization", g.Good())
			}
			w := lab.Ask(g.Auth.WrapFunc(func() http.Handler { return h }), r)
			if w.Code != 500 || len(g.Decisions) != 1 || !strings.Contains(g.Decisions[0].Err.Detail(), "WrapFunc") || g.Decisions[0].Duration > time.Hour || len(g.Records()) != 1 {
				t.Errorf("%s, token %t: %d, %+v, log %s", name, token, w.Code, g.Decisions, g.Written())
			}
		}
	}
	for name, h := range map[string]http.Handler{
		"router": &compass{"ok"}, "function": function(func() string { return "ok" }), "pages": pages{"/x": "ok"}, "nil pages": pages(nil), "func": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	} {
		g := lab.NewGate(t, nil)
		if w := lab.Ask(g.Auth.WrapFunc(func() http.Handler { return h }), lab.Call("GET /x", "Authorization", g.Good())); w.Code != 200 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	var zero cognitoauth.Middleware
	if w := lab.Ask(zero.WrapFunc(func() http.Handler { return maze() }), lab.Call("GET /open")); w.Code != 500 {
		t.Errorf("zero Middleware: %d", w.Code)
	}
	if w := lab.Ask(zero.WrapWith(maze(), asItIs), lab.Call("GET /open")); w.Code != 500 {
		t.Errorf("zero Middleware: %d", w.Code)
	}
}
