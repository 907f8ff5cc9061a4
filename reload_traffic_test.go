package cognitoauth_test

// A Reload beside requests that have begun, and beside other Reloads.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// during makes a house in which a TokenSource, which Wrap calls when a request has
// begun, calls then; only the first request does.
func during(t *testing.T, then func(h *house), changes ...func(*cognitoauth.Config)) *house {
	t.Helper()
	var h *house
	var once sync.Once
	h = newHouse(t, append(changes, func(c *cognitoauth.Config) {
		c.TokenSource = func(r *http.Request) (string, error) {
			once.Do(func() { then(h) })
			return cognitoauth.FromAuthorization()(r)
		}
	})...)
	return h
}

// TestReload_begunRequest: a request that has begun ends with the configuration that
// it began with, whatever is remembered meanwhile, and the next one has the new one.
func TestReload_begunRequest(t *testing.T) {
	for _, row := range []struct {
		name          string
		before, after func(*cognitoauth.Config)
		old, new      string // codes of the answers
	}{
		{"a client more", first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"app"} }), first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"web"} }), "client_mismatch", ""},
		{"a client fewer", first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"web"} }), first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"app"} }), "", "client_mismatch"},
		{"a pool gone", unchanged, func(c *cognitoauth.Config) { c.Pools = []cognitoauth.Pool{newNeighbour(t)} }, "", "issuer_mismatch"},
		{"a pool come", func(c *cognitoauth.Config) { c.Pools = []cognitoauth.Pool{newNeighbour(t)} }, func(c *cognitoauth.Config) {
			c.Pools = newHouse(t).cfg.Pools
		}, "issuer_mismatch", ""},
		{"a fallback that is not met", unchanged, func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Group("staff") }, "", "group_missing"},
		{"a scope implied", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Scope("orders/read") }, func(c *cognitoauth.Config) {
			c.ImpliedScopes = map[string][]string{"aws.cognito.signin.user.admin": {"orders/read"}}
		}, "scope_missing", ""},
		{"AllowClient lets in", first(func(p *cognitoauth.Pool) { p.ClientIDs, p.AllowClient = []string{"app"}, answering(false) }), first(func(p *cognitoauth.Pool) { p.AllowClient = answering(true) }), "client_mismatch", ""},
		{"AllowClient blocks", first(func(p *cognitoauth.Pool) { p.ClientIDs, p.AllowClient = []string{"app"}, answering(true) }), first(func(p *cognitoauth.Pool) { p.AllowClient = answering(false) }), "", "client_mismatch"},
		{"Revoked", unchanged, func(c *cognitoauth.Config) {
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return true, nil }
		}, "", "token_revoked"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var token string
			h := during(t, func(h *house) {
				h.reload(row.after)
				// The new configuration remembers what it thinks of the token.
				_, _ = h.auth.Validate(t.Context(), token)
			}, row.before)
			token = h.pool.AccessToken().Scopes("aws.cognito.signin.user.admin").String()
			_, _ = h.auth.Validate(t.Context(), token) // and so has the old one
			door := h.auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for n, want := range []string{row.old, row.new, row.new} {
				w := lab.Ask(door, lab.Call("GET /", "Authorization", "Bearer "+token))
				if got := codeOf(t, w.Code, w.Body.Bytes()); got != want {
					t.Errorf("request %d: code %q, want %q", n, got, want)
				}
			}
		})
	}
}

// codeOf is the code of an answer, "" if it is 200.
func codeOf(t *testing.T, status int, body []byte) string {
	t.Helper()
	if status == http.StatusOK {
		return ""
	}
	_, code, _ := bytes.Cut(body, []byte(`"code":"`))
	code, _, _ = bytes.Cut(code, []byte(`"`))
	if len(code) == 0 {
		t.Fatalf("%d: %s", status, body)
	}
	return string(code)
}

// named is a change that makes all that a request meets in a configuration tell its
// name: each part calls say with it.
func named(name string, say func(part, name string)) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) {
		c.Realm = name
		c.Fallback = cognitoauth.And(cognitoauth.Assert(name, func(*http.Request, *cognitoauth.Claims) bool { say("Fallback", name); return true }), cognitoauth.Scope(name+"/a"))
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { say("Revoked", name); return false, nil }
		c.OnDecision = func(context.Context, cognitoauth.Decision) { say("OnDecision", name) }
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err *cognitoauth.Error) {
			say("ErrorHandler", name)
			cognitoauth.WriteError(w, r, err)
		}
	}
}

// A Require behind Wrap refuses in the name of the configuration by which Wrap has
// checked the request, also where the same Middleware has a Wrap between the two. A
// Wrap of another Middleware there refuses in its own name.
func TestReload_require(t *testing.T) {
	for _, row := range []struct {
		name  string
		inner func(*house, http.Handler) http.Handler
		want  [][2]string // realm and scopes: of the request that was there before the Reload, of the next
	}{
		{"Require alone", func(_ *house, h http.Handler) http.Handler { return h }, [][2]string{{"old", "old/a orders/read"}, {"new", "new/a orders/read"}}},
		{"the same Wrap again", func(h *house, next http.Handler) http.Handler { return h.auth.Wrap(next) }, [][2]string{{"old", "old/a orders/read"}, {"new", "new/a orders/read"}}},
		{"another Wrap", func(h *house, next http.Handler) http.Handler {
			cfg := h.with(func(c *cognitoauth.Config) { c.Realm, c.Fallback = "another", cognitoauth.UserToken() })
			another := lab.MustNew(t, cfg)
			if err := another.Reload(cfg); err != nil { // it has had other configurations, too
				t.Fatal(err)
			}
			return another.Wrap(next)
		}, [][2]string{{"another", "orders/read"}, {"another", "orders/read"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var said []string
			say := func(part, name string) { said = append(said, part+" "+name) }
			h := newHouse(t, named("old", say))
			reload := sync.OnceFunc(func() { h.reload(named("new", say)) })
			inner := row.inner(h, cognitoauth.Require(cognitoauth.Scope("orders/read"), http.NotFoundHandler()))
			door := h.auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reload()
				inner.ServeHTTP(w, r)
			}))
			for n, want := range row.want {
				said = nil
				w := lab.Ask(door, lab.BearerCall(h.pool.AccessToken().Scopes("old/a", "new/a")))
				challenge := fmt.Sprintf(`Bearer realm=%q, error="insufficient_scope", error_description="the token lacks a scope", scope=%q`, want[0], want[1])
				if got := w.Header().Get("WWW-Authenticate"); got != challenge {
					t.Errorf("request %d: the challenge is %s, want %s", n, got, challenge)
				}
				own := []string{"old", "new"}[n]
				if len(said) < 2 || slices.ContainsFunc(said, func(s string) bool { return !strings.HasSuffix(s, " "+own) && row.name != "another Wrap" }) {
					t.Errorf("request %d: %q, want all by %s", n, said, own)
				}
			}
		})
	}
}

// An anonymous route inside the same Wrap twice hides the claims, but not of which
// configuration the request is.
func TestReload_anonymousInside(t *testing.T) {
	h := newHouse(t)
	h.reload(func(c *cognitoauth.Config) { c.Realm = "old" })
	mux := http.NewServeMux()
	mux.Handle("/", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.reload(func(c *cognitoauth.Config) { c.Realm = "new" })
		r.Header.Del("Authorization")
		h.auth.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
	})))
	for n, want := range []string{`Bearer realm="old"`, `Bearer realm="new"`} {
		w := lab.Ask(h.auth.Wrap(h.auth.Wrap(mux)), lab.BearerCall(h.pool.AccessToken()))
		if got := w.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("request %d: the challenge is %s, want %s", n, got, want)
		}
	}
}

// Claims stay with the clock, the leeway and the implied scopes that they were
// verified by.
func TestReload_terms(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		h := newHouse(t, func(c *cognitoauth.Config) {
			c.Now, c.Leeway = nil, 5*time.Minute
			c.ImpliedScopes = map[string][]string{"orders/admin": {"orders/read"}}
		})
		token := h.pool.AccessToken().Scopes("orders/admin").Set("iat", time.Now()).Set("auth_time", time.Now()).Set("exp", time.Now().Add(time.Hour)).String()
		validate := func() *cognitoauth.Claims {
			c, err := h.auth.Validate(t.Context(), token)
			if err != nil {
				t.Fatal(lab.AsRefusal(t, err).Detail())
			}
			return c
		}
		old := validate()
		h.reload(func(c *cognitoauth.Config) { c.Leeway, c.ImpliedScopes = time.Second, nil })
		young := validate()
		for c, want := range map[*cognitoauth.Claims]time.Duration{old: 5 * time.Minute, young: time.Second} {
			ctx, cancel := cognitoauth.WithExpiry(t.Context(), c)
			if ends, _ := ctx.Deadline(); !ends.Equal(c.Expiry.Add(want)) {
				t.Errorf("WithExpiry ends %s after exp, want %s", ends.Sub(c.Expiry), want)
			}
			cancel()
			if got := c.HasScope("orders/read"); got != (c == old) {
				t.Errorf("leeway %s: orders/read: %v", want, got)
			}
		}
		time.Sleep(12 * time.Minute)
		recently := cognitoauth.AuthenticatedWithin(10 * time.Minute)
		if err := recently.Check(nil, old); err != nil {
			t.Errorf("12 minutes after the login, with 5 minutes of leeway: %v", err)
		}
		if err := recently.Check(nil, young); !errors.Is(err, cognitoauth.ErrStepUpRequired) {
			t.Errorf("12 minutes after the login, with a second of leeway: %v", err)
		}
	})
}

// TestReload_traffic: beside Reloads, each request is of one configuration, whatever
// part of it is asked, and so is what they leave.
func TestReload_traffic(t *testing.T) {
	type sayings struct{}
	told := func(ctx context.Context, name string) {
		if all, ok := ctx.Value(sayings{}).(*[]string); ok {
			*all = append(*all, name)
		}
	}
	house := newHouse(t, func(c *cognitoauth.Config) { c.Pools = append(c.Pools, newNeighbour(t)) })
	// In each configuration another app client is let in, by another policy.
	config := func(name, client string) cognitoauth.Config {
		return house.with(func(c *cognitoauth.Config) {
			c.Realm, c.Pools[0].ClientIDs = name, []string{client}
			c.Fallback = cognitoauth.Assert(name, func(r *http.Request, c *cognitoauth.Claims) bool {
				told(r.Context(), name)
				return c.ClientID == client
			})
			c.TokenSource = func(r *http.Request) (string, error) {
				told(r.Context(), name)
				return cognitoauth.FromAuthorization()(r)
			}
			c.Revoked = func(ctx context.Context, c *cognitoauth.Claims) (bool, error) { told(ctx, name); return false, nil }
			c.OnDecision = func(ctx context.Context, _ cognitoauth.Decision) { told(ctx, name) }
			c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err *cognitoauth.Error) {
				told(r.Context(), name)
				cognitoauth.WriteError(w, r, err)
			}
		})
	}
	configs := []cognitoauth.Config{config("web's", "web"), config("app's", "app")}
	if err := house.auth.Reload(configs[0]); err != nil {
		t.Fatal(err)
	}
	door := house.auth.Wrap(cognitoauth.Require(cognitoauth.Scope("nothing/at-all"), http.NotFoundHandler()))
	tokens := map[string]string{"web": house.pool.AccessToken().Client("web").String(), "app": house.pool.AccessToken().Client("app").String()}
	ctx, stop := context.WithCancel(t.Context())
	var reloads, all sync.WaitGroup
	for i := range 2 {
		reloads.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				if err := house.auth.Reload(configs[n%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]int{}
	var mu sync.Mutex
	for range 4 {
		all.Go(func() {
			for n := range 500 {
				client := []string{"web", "app"}[n%2]
				var names []string
				r := lab.Call("GET /", "Authorization", "Bearer "+tokens[client])
				w := lab.Ask(door, r.WithContext(context.WithValue(ctx, sayings{}, &names)))
				code := codeOf(t, w.Code, w.Body.Bytes())
				slices.Sort(names)
				one := slices.Compact(names)
				want := "scope_missing"
				if len(one) == 1 && one[0] != client+"'s" {
					want = "client_mismatch"
				}
				if len(one) != 1 || code != want || !strings.Contains(w.Header().Get("WWW-Authenticate"), fmt.Sprintf("realm=%q", one[0])) {
					t.Errorf("a token of %s: %s by %q, %s", client, code, one, w.Header().Get("WWW-Authenticate"))
				}
				mu.Lock()
				seen[client+code]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	stop()
	reloads.Wait()
	if len(seen) != 4 {
		t.Errorf("%v, want each client let in and refused", seen)
	}
	if s := house.auth.Status(); len(s) != 2 || s[0].Fetches != 1 || len(s[0].KeyIDs) != 2 || s[1].Fetches != 0 {
		t.Errorf("%+v, want the sources from before", s)
	}
}
