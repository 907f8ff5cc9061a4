package cognitoauth_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// The request's context is the outer one in all but the claims, which a log that
// prints it must not show.
func TestWrap_context(t *testing.T) {
	type outer struct{}
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if c, _ := cognitoauth.FromContext(ctx); c == nil || ctx.Value(outer{}) != "kept" {
			t.Errorf("claims %v, outer value %v", c, ctx.Value(outer{}))
		}
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Hour {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, text := range []string{fmt.Sprint(ctx), fmt.Sprintf("%+v", ctx), fmt.Sprintf("%#v", ctx), fmt.Sprintf("%d", ctx), fmt.Sprintf("%x", ctx), fmt.Sprint(inner), fmt.Sprint(context.WithValue(ctx, outer{}, 1))} {
			if strings.Contains(text, "jane") {
				t.Errorf("a printed context shows the user: %.200s", text)
			}
		}
		// A request has its context in an unexported field, where fmt calls no method.
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t", "%c", "%e"} {
			if text := fmt.Sprintf(verb, r) + fmt.Sprintf(verb, *r) + fmt.Sprintf(verb, struct{ ctx context.Context }{ctx}); strings.Contains(text, "jane") {
				t.Errorf("a request printed by %s shows the user: %.2000s", verb, text)
			}
		}
		if ctx.Err() != nil {
			t.Error(ctx.Err())
		}
	}))
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), outer{}, "kept"), time.Hour)
	defer cancel()
	r := lab.BearerCall(g.Pool.AccessToken()).WithContext(ctx)
	if w := lab.Ask(h, r); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

// What a handler does to its claims no other request sees.
func TestWrap_claimsAreTheRequestsOwn(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := cognitoauth.FromContext(r.Context())
		again, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprint(w, c.Username, c.Subject, c.ClientID, c.PoolID, c.Expiry.IsZero(), c.Groups(), c.Scopes(), c.Audience(), c == again)
		for _, list := range [][]string{c.Groups(), c.Scopes(), c.Audience()} {
			for i := range list {
				list[i] = "changed"
			}
		}
		*c = cognitoauth.Claims{Username: "changed", Subject: "changed"}
	}))
	token := g.Pool.AccessToken().Set("sub", "s").Groups("a", "b").Set("aud", g.Pool.ClientID())
	want := fmt.Sprint("jane", "s", g.Pool.ClientID(), g.Pool.ID(), false, []string{"a", "b"}, []string{"aws.cognito.signin.user.admin"}, []string{g.Pool.ClientID()}, true)
	for range 3 {
		if got := lab.Ask(h, lab.BearerCall(token)).Body.String(); got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
	}
}

func TestFromContext_none(t *testing.T) {
	look := func(w http.ResponseWriter, r *http.Request) {
		if c, ok := cognitoauth.FromContext(r.Context()); c != nil || ok {
			t.Errorf("%s: %v, %v", r.URL, c, ok)
		}
	}
	look(nil, httptest.NewRequest("GET", "/outside", nil))
	mux := http.NewServeMux()
	mux.Handle("/optional", cognitoauth.Optional(http.HandlerFunc(look)))
	mux.Handle("/anonymous", cognitoauth.AllowAnonymous(http.HandlerFunc(look)))
	handler := newDesk(t).auth.Wrap(mux)
	for _, path := range []string{"/optional", "/anonymous"} {
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Where Wraps are nested, a route of the inner one that is open has no claims,
// whatever the outer one found: they may be of another pool.
func TestFromContext_nestedWraps(t *testing.T) {
	outer, inner := lab.NewGate(t, nil), lab.NewGate(t, lab.TokenSource(cognitoauth.FromHeader("X-Inner")))
	asked := map[string]string{}
	look := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, ok := cognitoauth.FromContext(r.Context())
			asked[name] = fmt.Sprint("nobody ", ok)
			if c != nil {
				asked[name] = c.Username
			}
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/anonymous", cognitoauth.AllowAnonymous(look("/anonymous")))
	mux.Handle("/optional", cognitoauth.Optional(look("/optional")))
	mux.Handle("/protected", look("/protected"))
	mux.Handle("/anonymous-required", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(cognitoauth.Authenticated(), look("/anonymous-required")))))
	mux.Handle("/optional-required", cognitoauth.Optional(lab.Passing(cognitoauth.Require(cognitoauth.Authenticated(), look("/optional-required")))))
	mux.Handle("/third", inner.Auth.Wrap(cognitoauth.AllowAnonymous(look("/third"))))
	h := outer.Auth.Wrap(lab.Passing(inner.Auth.Wrap(mux)))
	for _, tt := range []struct {
		path, inner string
		status      int
		who         string
	}{
		{"/anonymous", "", 200, "nobody false"},
		{"/anonymous", "jill", 200, "nobody false"},
		{"/optional", "", 200, "nobody false"},
		{"/optional", "jill", 200, "jill"},
		{"/protected", "", 401, ""},
		{"/protected", "jill", 200, "jill"},
		{"/anonymous-required", "", 500, ""},
		{"/anonymous-required", "jill", 500, ""},
		{"/optional-required", "", 401, ""},
		{"/optional-required", "jill", 200, "jill"},
		{"/third", "jill", 200, "nobody false"},
	} {
		clear(asked)
		r := lab.Call("GET "+tt.path, "Authorization", outer.Good())
		if tt.inner != "" {
			r.Header.Set("X-Inner", inner.Pool.AccessToken().User(tt.inner).String())
		}
		var w *httptest.ResponseRecorder
		defaultLog(t, func() { w = lab.Ask(h, r) })
		if w.Code != tt.status || asked[tt.path] != tt.who {
			t.Errorf("%s as %q: %d for %q, want %d for %q: %s", tt.path, tt.inner, w.Code, asked[tt.path], tt.status, tt.who, w.Body)
		}
		if tt.status == 200 && r.Pattern != tt.path {
			t.Errorf("%s: the outer request has pattern %q", tt.path, r.Pattern)
		}
	}
}

// The outer verdict does not count either where it is that there is no token.
func TestFromContext_nestedWrapsWithoutToken(t *testing.T) {
	outer, inner := lab.NewGate(t, nil), lab.NewGate(t, nil)
	required := lab.Passing(cognitoauth.Require(cognitoauth.Authenticated(), inner.Page()))
	open := inner.Auth.Wrap(cognitoauth.AllowAnonymous(required))
	var w *httptest.ResponseRecorder
	defaultLog(t, func() { w = lab.Ask(outer.Auth.Wrap(cognitoauth.Optional(open)), lab.Call("GET /")) })
	if w.Code != 500 || lab.CodeOf(t, w) != "not_wired" || inner.Ran() {
		t.Errorf("%d %s, want 500 as without a Wrap", w.Code, w.Body)
	}
}

// The same under claims of the test kit.
func TestFromContext_kitOutsideWrap(t *testing.T) {
	g := lab.NewGate(t, nil)
	r := cognitotest.WithClaims(lab.Call("GET /healthz"), g.Pool.AccessToken().Claims())
	if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r); w.Code != 200 || w.Body.String() != "nobody" {
		t.Errorf("%d %s, want 200 for nobody", w.Code, w.Body)
	}
}

// Claims written by hand look to a handler like those of a token; they use the
// machine's clock.
func TestFromContext_byHand(t *testing.T) {
	plain := cognitotest.WithClaims(httptest.NewRequest("GET", "/", nil), &cognitoauth.Claims{Subject: "s", Username: "jane"})
	if c, ok := cognitoauth.FromContext(plain.Context()); !ok || c.TokenUse != cognitoauth.AccessToken || !c.Expiry.After(time.Now()) || c.IsMachine() {
		t.Errorf("claims by hand are not those of a user's access token: %v, %v", c.TokenUse, c.Expiry)
	}
	mine := &cognitoauth.Claims{TokenUse: cognitoauth.IDToken, Subject: "s", AuthTime: time.Now()}
	r := cognitotest.WithClaims(httptest.NewRequest("GET", "/", nil), mine)
	c, ok := cognitoauth.FromContext(r.Context())
	if !ok || c.Subject != "s" {
		t.Fatalf("%v, %v", c, ok)
	}
	if err := cognitoauth.AuthenticatedWithin(time.Hour).Check(r, c); err != nil {
		t.Error(err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "cognitoauth: ") {
			t.Errorf("nil claims: panic %q", text)
		}
	}()
	cognitotest.WithClaims(r, nil)
}

func TestWithExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, Now: func() time.Time { return time.Now().Add(-24 * time.Hour) }})
		auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.Leeway = 10 * time.Second })
		claims, err := auth.Validate(t.Context(), pool.AccessToken().ExpiresIn(time.Minute).String())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := cognitoauth.WithExpiry(t.Context(), claims)
		defer cancel()
		time.Sleep(70*time.Second - 1)
		if ctx.Err() != nil {
			t.Error("ended too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if e := lab.AsRefusal(t, context.Cause(ctx)); e.Code != "token_expired" || ctx.Err() == nil {
			t.Errorf("%v, because of %s", ctx.Err(), e.Code)
		}
		early, cancel := cognitoauth.WithExpiry(t.Context(), claims)
		defer cancel()
		if e := lab.AsRefusal(t, context.Cause(early)); e.Code != "token_expired" {
			t.Errorf("of an expired token: %s", e.Code)
		}
		time.Sleep(10 * time.Second)
	})
	ctx, cancel := cognitoauth.WithExpiry(t.Context(), nil)
	defer cancel()
	if e := lab.AsRefusal(t, context.Cause(ctx)); e.Code != "token_missing" {
		t.Errorf("of no claims: %s", e.Code)
	}
	ctx, cancel = cognitoauth.WithExpiry(t.Context(), new(cognitoauth.Claims))
	defer cancel()
	if ctx.Err() == nil {
		t.Error("zero claims have not expired")
	}
	ctx, cancel = cognitoauth.WithExpiry(t.Context(), &cognitoauth.Claims{Expiry: time.Now().Add(time.Hour)})
	if ctx.Err() != nil {
		t.Error("an hour has passed")
	}
	if cancel(); ctx.Err() == nil {
		t.Error("cancel does not end it")
	}
}

// A handler that has hijacked its connection and returned has ended the context of
// its request. What goes on with context.WithoutCancel ends with the token.
func TestWithExpiry_hijack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var of struct{ request, stream context.Context }
		taken := make(chan net.Conn, 1)
		g := lab.NewGate(t, nil)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, _ := cognitoauth.FromContext(r.Context())
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			for into, ctx := range map[*context.Context]context.Context{&of.request: r.Context(), &of.stream: context.WithoutCancel(r.Context())} {
				c, cancel := cognitoauth.WithExpiry(ctx, claims)
				t.Cleanup(cancel)
				*into = c
			}
			taken <- conn
		})
		client, server := net.Pipe()
		listener := make(oneConn, 1)
		listener <- server
		srv := &http.Server{Handler: g.Auth.Wrap(h)}
		go srv.Serve(listener)
		defer client.Close()
		defer srv.Close()
		defer close(listener)
		fmt.Fprintf(client, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", g.Pool.AccessToken().ExpiresIn(time.Hour))
		defer (<-taken).Close()
		synctest.Wait() // the handler has returned
		if err := context.Cause(of.request); err != context.Canceled {
			t.Errorf("of the request: %v, want %v", err, context.Canceled)
		}
		const ends = time.Hour + 30*time.Second // with the leeway
		time.Sleep(ends - time.Second)
		if err := of.stream.Err(); err != nil {
			t.Errorf("of the stream, a second before the token ends: %v", err)
		}
		if _, ok := cognitoauth.FromContext(of.stream); !ok {
			t.Error("the claims are gone")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if e := lab.AsRefusal(t, context.Cause(of.stream)); e.Code != "token_expired" {
			t.Errorf("of the stream: %s", e.Code)
		}
	})
}
