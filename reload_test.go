package cognitoauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// house is a Middleware that remembers tokens, its configuration, and the pool
// behind it, whose keys are to be had at any address.
type house struct {
	testing.TB
	pool *cognitotest.Pool
	auth *cognitoauth.Middleware
	cfg  cognitoauth.Config
}

func newHouse(tb testing.TB, changes ...func(*cognitoauth.Config)) *house {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{ID: "eu-west-1_Own", ClientIDs: []string{"web", "app"}, Now: lab.AtNoon, InProcess: true})
	h := &house{TB: tb, pool: pool, cfg: pool.Config()}
	h.cfg.TokenCache, h.cfg.HTTPClient = 100, &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return lab.Answer(http.StatusOK, bytes.NewReader(pool.KeySet())), nil
	})}
	for _, change := range changes {
		h.cfg = h.with(change)
	}
	h.auth = lab.MustNew(tb, h.cfg)
	return h
}

// with is the house's configuration after a change of a copy. Behind white space in
// JWKS it puts the keys of the pool.
func (h *house) with(change func(*cognitoauth.Config)) cognitoauth.Config {
	cfg := h.cfg
	cfg.Pools = slices.Clone(cfg.Pools)
	change(&cfg)
	if p := &cfg.Pools[0]; len(bytes.TrimSpace(p.JWKS)) == 0 && p.JWKS != nil {
		p.JWKS = append(slices.Clone(p.JWKS), h.pool.KeySet()...)
	}
	return cfg
}

func (h *house) reload(change func(*cognitoauth.Config)) {
	h.Helper()
	if err := h.auth.Reload(h.with(change)); err != nil {
		h.Fatal(err)
	}
}

// first is a change of the first Pool.
func first(change func(*cognitoauth.Pool)) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) { change(&c.Pools[0]) }
}

func unchanged(*cognitoauth.Config) {}

// text is where the claims of a token have their subject: tokens that are remembered
// share it, and one that is verified anew has its own.
func (h *house) text(token string) *byte {
	h.Helper()
	c, err := h.auth.Validate(h.Context(), token)
	if err != nil {
		h.Fatal(lab.AsRefusal(h, err).Detail())
	}
	return unsafe.StringData(c.Subject)
}

func answering(answer bool) func(context.Context, string, bool) (bool, error) {
	return func(context.Context, string, bool) (bool, error) { return answer, nil }
}

func registering(p *cognitoauth.Pool) {
	p.ClientIDs, p.RegisteredClients, p.Audiences = nil, true, []string{"https://a.example", "https://b.example"}
}

// TestReload_remembered: what is remembered of a token lives on exactly where its Pool
// entry and the leeway are the same, and where they are not, the token is checked by
// the new ones.
func TestReload_remembered(t *testing.T) {
	const kept, anew = "kept", "verified anew"
	other := newNeighbour(t)
	anyClient := func(c *cognitoauth.Config) {
		c.Pools[0].ClientIDs, c.Pools[0].DangerouslyAllowAnyClient = nil, true
	}
	static := func(space string) func(*cognitoauth.Config) {
		return first(func(p *cognitoauth.Pool) { p.JWKS = []byte(space) })
	}
	issuer := func(id string) func(*cognitoauth.Config) {
		return first(func(p *cognitoauth.Pool) { p.Issuer, p.ID = "https://issuer.example", id })
	}
	rows := []struct {
		name          string
		before, after func(*cognitoauth.Config)
		want          string // or the code of the refusal
	}{
		{"nothing changed", unchanged, unchanged, kept},
		{"the realm", unchanged, func(c *cognitoauth.Config) { c.Realm = "other" }, kept},
		{"the fallback", unchanged, func(c *cognitoauth.Config) { c.Fallback = cognitoauth.UserToken() }, kept},
		{"the timeout of a fetch", unchanged, func(c *cognitoauth.Config) { c.KeyTimeout = time.Minute }, kept},
		{"the log", unchanged, func(c *cognitoauth.Config) { c.Logger = slog.New(slog.DiscardHandler) }, kept},
		{"a pool before it", unchanged, func(c *cognitoauth.Config) { c.Pools = append([]cognitoauth.Pool{other}, c.Pools...) }, kept},
		{"a pool before it gone", func(c *cognitoauth.Config) { c.Pools = append([]cognitoauth.Pool{other}, c.Pools...) }, func(c *cognitoauth.Config) { c.Pools = c.Pools[1:] }, kept},
		{"clients in another order", unchanged, first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"app", "web"} }), kept},
		{"audiences in another order", first(registering), first(func(p *cognitoauth.Pool) { p.Audiences = []string{"https://b.example", "https://a.example"} }), kept},
		{"the default lifetime written out", unchanged, first(func(p *cognitoauth.Pool) { p.MaxLifetime = 24 * time.Hour }), kept},
		{"another AllowClient", first(func(p *cognitoauth.Pool) { p.ClientIDs, p.AllowClient = []string{"app"}, answering(true) }), first(func(p *cognitoauth.Pool) { p.AllowClient = answering(true) }), kept},
		{"the same static keys", static(" "), static(" "), kept},

		{"a client more", first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"web"} }), first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"web", "app"} }), anew},
		{"any client, then those listed", anyClient, first(func(p *cognitoauth.Pool) {
			p.ClientIDs, p.DangerouslyAllowAnyClient = []string{"web"}, false
		}), anew},
		{"more leeway", unchanged, func(c *cognitoauth.Config) { c.Leeway = time.Minute }, anew},
		{"a longer lifetime", unchanged, first(func(p *cognitoauth.Pool) { p.MaxLifetime = 48 * time.Hour }), anew},
		{"an audience more", first(registering), first(func(p *cognitoauth.Pool) { p.Audiences = append(slices.Clone(p.Audiences), "https://c.example") }), anew},
		{"AllowClient where there was none", unchanged, first(func(p *cognitoauth.Pool) { p.AllowClient = answering(false) }), anew},
		{"other static keys with the token's among them", static(" "), static("  "), anew},
		{"another address of the keys", unchanged, first(func(p *cognitoauth.Pool) { p.JWKSURL = "https://keys.example/?tenant=1" }), anew},
		{"another name", issuer("before"), issuer("after"), anew},

		{"the client gone", unchanged, first(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"app"} }), "client_mismatch"},
		{"any client gone", anyClient, first(func(p *cognitoauth.Pool) {
			p.ClientIDs, p.DangerouslyAllowAnyClient = []string{"app"}, false
		}), "client_mismatch"},
		{"registered clients gone", first(registering), first(func(p *cognitoauth.Pool) { p.ClientIDs, p.RegisteredClients = []string{"app"}, false }), "client_mismatch"},
		{"registered clients gone, the list the same", first(func(p *cognitoauth.Pool) { registering(p); p.ClientIDs = []string{"app"} }), first(func(p *cognitoauth.Pool) { p.RegisteredClients = false }), "client_mismatch"},
		{"AllowClient gone", first(func(p *cognitoauth.Pool) { p.ClientIDs, p.AllowClient = []string{"app"}, answering(true) }), first(func(p *cognitoauth.Pool) { p.AllowClient = nil }), "client_mismatch"},
		{"an AllowClient that allows none", first(func(p *cognitoauth.Pool) { p.ClientIDs, p.AllowClient = []string{"app"}, answering(true) }), first(func(p *cognitoauth.Pool) { p.AllowClient = answering(false) }), "client_mismatch"},
		{"the audience gone", first(registering), first(func(p *cognitoauth.Pool) { p.Audiences = p.Audiences[1:] }), "audience_mismatch"},
		{"a shorter lifetime", unchanged, first(func(p *cognitoauth.Pool) { p.MaxLifetime = time.Minute }), "lifetime_too_long"},
		{"less leeway, for a lifetime", func(c *cognitoauth.Config) { c.Leeway, c.Pools[0].MaxLifetime = 3*time.Minute, 58*time.Minute }, func(c *cognitoauth.Config) { c.Leeway = time.Minute }, "lifetime_too_long"},
		{"the other kind of token", unchanged, first(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken }), "token_use_mismatch"},
		{"the pool gone", unchanged, func(c *cognitoauth.Config) { c.Pools = []cognitoauth.Pool{other} }, "issuer_mismatch"},
		{"a smaller limit of bytes", unchanged, func(c *cognitoauth.Config) { c.MaxTokenBytes = 1 << 10 }, "token_too_large"},
		{"a revocation", unchanged, func(c *cognitoauth.Config) {
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return true, nil }
		}, "token_revoked"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t, row.before)
			token := h.pool.AccessToken().ExpiresIn(time.Hour-time.Second).Set("iat", lab.Noon.Add(-time.Second)).Groups(strings.Repeat("g", 1000))
			if h.cfg.Pools[0].Audiences != nil {
				token = token.Set("aud", "https://a.example")
			}
			if iss := h.cfg.Pools[0].Issuer; iss != "" {
				token = token.Set("iss", iss)
			}
			held := h.text(token.String())
			h.reload(row.after)
			c, err := h.auth.Validate(t.Context(), token.String())
			switch {
			case row.want != kept && row.want != anew:
				if err == nil || lab.AsRefusal(t, err).Code != row.want {
					t.Fatalf("%v, want %s", err, row.want)
				}
				if c != nil {
					t.Error("claims beside an error")
				}
				// And back: what the first configuration admits is admitted again.
				h.reload(unchanged)
				h.text(token.String())
			case err != nil:
				t.Fatal(lab.AsRefusal(t, err).Detail())
			case row.want == kept != (unsafe.StringData(c.Subject) == held):
				t.Errorf("the token was not %s", row.want)
			}
		})
	}
}

// newNeighbour is the Pool of somebody else.
func newNeighbour(tb testing.TB) cognitoauth.Pool {
	return cognitotest.NewPool(tb, cognitotest.Options{ID: "eu-west-1_Neighbour", InProcess: true}).Config().Pools[0]
}

// A pool that the new configuration has is admitted at once by the handlers that are
// there already, and one that it no longer has is refused, wherever a token is shown.
func TestReload_pools(t *testing.T) {
	h := newHouse(t)
	next := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_Next", Now: lab.AtNoon, InProcess: true})
	h.cfg.HTTPClient = cognitotest.Client(h.pool, next)
	h.auth = lab.MustNew(t, h.cfg)
	door := h.auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	tokens := map[*cognitotest.Pool]*cognitotest.Token{h.pool: h.pool.AccessToken(), next: next.AccessToken()}
	want := func(when string, own, neighbours int) {
		t.Helper()
		for p, want := range map[*cognitotest.Pool]int{h.pool: own, next: neighbours} {
			token := tokens[p]
			if got := lab.Ask(door, lab.BearerCall(token)).Code; got != want {
				t.Errorf("%s: Wrap answers a token of %s with %d, want %d", when, p.ID(), got, want)
			}
			if _, err := h.auth.Validate(t.Context(), token.String()); (err == nil) != (want == 200) {
				t.Errorf("%s: Validate of a token of %s: %v", when, p.ID(), err)
			}
			failed := func(c cognitoauth.Check) bool { return c.Name == "issuer" && c.Err != nil }
			if slices.ContainsFunc(h.auth.Explain(t.Context(), token.String()), failed) != (want == 401) {
				t.Errorf("%s: Explain says another thing of a token of %s", when, p.ID())
			}
		}
	}
	want("before", 200, 401)
	h.reload(func(c *cognitoauth.Config) { c.Pools = append(c.Pools, next.Config().Pools...) })
	want("with both", 200, 200)
	h.reload(func(c *cognitoauth.Config) { c.Pools = next.Config().Pools })
	want("without the first", 401, 200)
	h.reload(unchanged)
	want("as before", 200, 401)
}

// The documents about the API are those of the configuration of now.
func TestReload_documents(t *testing.T) {
	const resource = "https://api.example/mcp"
	h := newHouse(t, first(func(p *cognitoauth.Pool) {
		p.Audiences = []string{resource}
		p.ReplicaRegions = []string{"us-east-1"}
	}))
	door := h.auth.Wrap(http.NotFoundHandler())
	get := func() (int, string) {
		w := lab.Ask(door, lab.Call("GET /.well-known/oauth-protected-resource/mcp"))
		return w.Code, w.Body.String()
	}
	if code, _ := get(); code != http.StatusUnauthorized {
		t.Errorf("without a resource: %d, want 401", code)
	}
	described := func(c *cognitoauth.Config) {
		c.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: resource}}
	}
	h.reload(described)
	// The issuers of a pool are one server, also if a reload has brought some of them.
	want := fmt.Sprintf(`"authorization_servers":[%q]`, h.pool.Issuer())
	if code, body := get(); code != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("%d %s, want %s", code, body, want)
	}
	h.reload(func(c *cognitoauth.Config) {
		described(c)
		c.Pools[0].ReplicaRegions = []string{"us-west-2", "us-east-1"}
	})
	if code, body := get(); code != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("with one more region: %d %s, want %s", code, body, want)
	}
}

// A reload while the key endpoint is down loses neither keys nor the pause that spares
// the endpoint, and Status goes on counting. Another Middleware has no keys.
func TestReload_keepsKeys(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 2)
		down := func(int) (time.Duration, error) { return 0, errors.New("no route to host") }
		decide := func(when string, i int, want string) {
			t.Helper()
			if code := lab.Decide(t, n.auth, n.token(i)); code != want {
				t.Errorf("%s, pool %d: code %q, want %q", when, i, code, want)
			}
		}
		counts := func(when, want string) {
			t.Helper()
			var got []string
			for _, s := range n.auth.Status() {
				got = append(got, fmt.Sprintf("%s: %d keys, %d fetches, %d failed", s.PoolID, len(s.KeyIDs), s.Fetches, s.Failures))
			}
			if all := strings.Join(got, "; "); all != want {
				t.Errorf("%s: %s, want %s", when, all, want)
			}
		}
		decide("up", 0, "")
		n.answers(down)
		decide("down", 1, "keys_unavailable")
		n.take()

		cfg := n.cfg
		cfg.Realm, cfg.Pools = "other", []cognitoauth.Pool{n.cfg.Pools[1], n.cfg.Pools[0]}
		if err := n.auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		decide("reloaded", 0, "")
		decide("reloaded", 1, "keys_unavailable")
		if _, asked := n.take(); len(asked) != 0 {
			t.Errorf("%d fetches in the pause, which goes on", len(asked))
		}
		counts("reloaded", "eu-west-1_Pool00001: 0 keys, 1 fetches, 1 failed; eu-west-1_Pool00000: 2 keys, 1 fetches, 0 failed")

		kept := n.auth
		n.open()
		decide("another Middleware", 0, "keys_unavailable")
		n.auth = kept

		n.answers(nil)
		time.Sleep(time.Minute)
		decide("up again", 1, "")
		counts("up again", "eu-west-1_Pool00001: 2 keys, 2 fetches, 1 failed; eu-west-1_Pool00000: 2 keys, 1 fetches, 0 failed")

		// A pool that is gone is forgotten: when it comes again, so do its keys.
		cfg.Pools = n.cfg.Pools[:1]
		if err := n.auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		counts("one gone", "eu-west-1_Pool00000: 2 keys, 1 fetches, 0 failed")
		if err := n.auth.Reload(n.cfg); err != nil {
			t.Fatal(err)
		}
		decide("there again", 1, "")
		counts("there again", "eu-west-1_Pool00000: 2 keys, 1 fetches, 0 failed; eu-west-1_Pool00001: 2 keys, 1 fetches, 0 failed")
	})
}

// A source that several pools share goes by the name of the first that is left. Its
// fetches are made as the configuration of now says.
func TestReload_upkeep(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 2)
		const mirror = "https://mirror.example/eu-west-1_Pool00000/keys"
		n.cfg.Pools[0].JWKSURL, n.cfg.Pools[1].JWKSURL = mirror, mirror
		n.open()
		if code := lab.Decide(t, n.auth, n.token(1)); code != "" {
			t.Fatal(code)
		}
		var log bytes.Buffer
		later := n.cfg
		later.Pools, later.KeyTimeout, later.Logger = n.cfg.Pools[1:], 2*time.Second, slog.New(slog.NewTextHandler(&log, nil))
		later.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		if err := n.auth.Reload(later); err != nil {
			t.Fatal(err)
		}
		if s := n.auth.Status(); len(s) != 1 || s[0].PoolID != "eu-west-1_Pool00001" || s[0].Fetches != 1 {
			t.Errorf("%+v, want one source by the name of the second pool", s)
		}
		time.Sleep(2 * time.Second) // a set is fetched once a second at most
		began := time.Now()
		err := n.auth.Refresh(t.Context())
		if took := time.Since(began); err == nil || took != 2*time.Second || !strings.Contains(err.Error(), "eu-west-1_Pool00001") {
			t.Errorf("%v after %s, want the failure of the second pool after its new timeout of 2 s", err, took)
		}
		synctest.Wait()
		if s := log.String(); !strings.Contains(s, "key set fetch failed") || !strings.Contains(s, "pool=eu-west-1_Pool00001") {
			t.Errorf("the new logger has %q, want the failure of the second pool", s)
		}
	})
}

// A fetch for a pool that is gone ends as any other: whoever waits for it is answered
// by the configuration that they began with, and its place is free again.
func TestReload_inFlight(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		n := newTenants(t, 1+atOnce)
		n.answers(taking(time.Second))
		var all sync.WaitGroup
		all.Go(func() {
			if err := n.auth.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for i := range n.cfg.Pools[:atOnce] {
			all.Go(func() {
				if _, err := n.auth.Validate(t.Context(), n.token(i)); err != nil {
					t.Errorf("pool %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		cfg := n.cfg
		cfg.Pools = n.cfg.Pools[atOnce:]
		if err := n.auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if code := lab.Decide(t, n.auth, n.token(0)); code != "issuer_mismatch" {
			t.Errorf("a pool that is gone: %q", code)
		}
		all.Wait()
		if err := n.auth.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if err := n.auth.Reload(n.cfg); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		n.take()
		if err := n.auth.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		n.overlap("afterwards", atOnce, atOnce)
	})
}

// Every mistake in the new configuration is reported, and nothing changes.
func TestReload_mistakes(t *testing.T) {
	h := newHouse(t)
	h.cfg.TokenCacheBytes = 32 << 20
	h.auth = lab.MustNew(t, h.cfg)
	token := h.pool.AccessToken().String()
	held := h.text(token)
	wrong := h.with(func(c *cognitoauth.Config) {
		c.Realm, c.Leeway, c.MaxTokenBytes, c.KeyTimeout, c.Fallback = "\"", -1, 1, 1, cognitoauth.And()
		c.ImpliedScopes = map[string][]string{"a": nil}
		c.Pools = []cognitoauth.Pool{newNeighbour(t), {ID: "nonsense"}, {ID: "eu-west-1_Own"}, {ID: "eu-west-1_Own", JWKS: []byte("{}"), ClientIDs: []string{"web"}}}
	})
	_, want := cognitoauth.New(wrong)
	got := h.auth.Reload(wrong)
	if want == nil || got == nil || got.Error() != want.Error() || !errors.Is(got, cognitoauth.ErrMisconfigured) {
		t.Errorf("Reload:\n%v\nNew:\n%v", got, want)
	}
	wrong.TokenCache, wrong.TokenCacheBytes, wrong.Now = 200, 64<<20, nil
	got = h.auth.Reload(wrong)
	if got == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(got.Error(), "\n")
	for _, line := range strings.Split(want.Error(), "\n") {
		if !slices.Contains(lines, line) {
			t.Errorf("no longer there: %s", line)
		}
	}
	for _, part := range []string{"Config.TokenCache was 100 and is 200: ", "Config.TokenCacheBytes was 33554432 and is 67108864", "Config.Now was a function and is nil: "} {
		if !strings.Contains(got.Error(), part) {
			t.Errorf("%q is not in\n%v", part, got)
		}
	}
	if h.text(token) != held {
		t.Error("the token is forgotten")
	}
	w := lab.Ask(h.auth.Wrap(http.NotFoundHandler()), lab.BearerCall(h.pool.AccessToken().Tampered()))
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer realm="api"`) {
		t.Errorf("the challenge is %s, want the realm from before", got)
	}
	if s := h.auth.Status(); len(s) != 1 || s[0].PoolID != "eu-west-1_Own" || s[0].Fetches != 1 {
		t.Errorf("%+v, want the one source from before", s)
	}
}

// What stays the same by its default, or means the same, is no change.
func TestReload_fixedSettings(t *testing.T) {
	clocks := func(c *cognitoauth.Config) { c.Now = nil }
	for _, row := range []struct {
		name          string
		before, after func(*cognitoauth.Config)
		want          string // part of the error
	}{
		{"the bytes by default, then written out", unchanged, func(c *cognitoauth.Config) { c.TokenCacheBytes = 32 << 20 }, ""},
		{"no cache", func(c *cognitoauth.Config) { c.TokenCache = -1 }, func(c *cognitoauth.Config) { c.TokenCache = -7 }, ""},
		{"the clock of the machine", clocks, clocks, ""},
		{"another function for the clock", unchanged, func(c *cognitoauth.Config) { c.Now = func() time.Time { return lab.Noon } }, ""},

		{"a larger cache", unchanged, func(c *cognitoauth.Config) { c.TokenCache = 20_000 }, "TokenCache was 100 and is 20000"},
		{"its bytes, by its size", unchanged, func(c *cognitoauth.Config) { c.TokenCache = 20_000 }, "TokenCacheBytes was 33554432 and is 61440000"},
		{"a cache where there was none", func(c *cognitoauth.Config) { c.TokenCache = -1 }, func(c *cognitoauth.Config) { c.TokenCache = 100 }, "TokenCache was 0 and is 100"},
		{"no cache where there was one", unchanged, func(c *cognitoauth.Config) { c.TokenCache = -1 }, "TokenCache was 100 and is 0"},
		{"fewer bytes", unchanged, func(c *cognitoauth.Config) { c.TokenCacheBytes = 1 << 20 }, "TokenCacheBytes was 33554432 and is 1048576"},
		{"a clock where there was none", clocks, func(c *cognitoauth.Config) { c.Now = lab.AtNoon }, "Now was nil and is a function"},
	} {
		h := newHouse(t, row.before)
		err := h.auth.Reload(h.with(row.after))
		if row.want == "" && err != nil || row.want != "" && (!errors.Is(err, cognitoauth.ErrMisconfigured) || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

func TestReload_notWired(t *testing.T) {
	for _, m := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
		if code := lab.AsRefusal(t, m.Reload(newHouse(t).cfg)).Code; code != "not_wired" {
			t.Errorf("code %q, want not_wired", code)
		}
		if m != nil && lab.Decide(t, m, "token") != "not_wired" {
			t.Error("a zero Middleware that was reloaded does not refuse")
		}
	}
}

// A token that was remembered before costs after a Reload what it cost before.
func TestReload_allocations(t *testing.T) {
	h := newHouse(t)
	token := h.pool.AccessToken().String()
	door := h.auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, w := lab.Call("GET /", "Authorization", "Bearer "+token), httptest.NewRecorder()
	cost := func() float64 { return testing.AllocsPerRun(100, func() { door.ServeHTTP(w, r) }) }
	before := cost()
	h.reload(func(c *cognitoauth.Config) { c.Pools = append([]cognitoauth.Pool{newNeighbour(t)}, c.Pools...) })
	if after := cost(); after != before {
		t.Errorf("%v allocations after a Reload, %v before", after, before)
	}
}

// Where tenants come and go, what is counted of their refusals goes with them.
func TestReload_forgetsRefusals(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, newNeighbour(t))
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	door := h.auth.Wrap(http.NotFoundHandler())
	logged := func(token *cognitotest.Token) int {
		log.Reset()
		for range 11 {
			lab.Ask(door, lab.BearerCall(token))
		}
		return strings.Count(log.String(), "cognitoauth: refused")
	}
	own, nobodys := h.pool.AccessToken().Client("stranger"), h.pool.AccessToken().Set("iss", "https://nobody.example")
	if a, b := logged(own), logged(nobodys); a != 10 || b != 10 {
		t.Fatalf("%d and %d refusals are logged, want 10 of each kind in a minute", a, b)
	}
	h.reload(unchanged)
	if a, b := logged(own), logged(nobodys); a != 0 || b != 0 {
		t.Errorf("%d and %d more refusals are logged in that minute after a Reload", a, b)
	}
	h.reload(func(c *cognitoauth.Config) { c.Pools = c.Pools[1:] })
	h.reload(unchanged)
	if a, b := logged(own), logged(nobodys); a != 10 || b != 0 {
		t.Errorf("%d and %d more refusals are logged, want 10 of the pool that was gone", a, b)
	}
}

// What follows is a Reload beside requests that have begun, and beside other Reloads.

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
	// Which configuration a request meets is up to the scheduler, so the requests go on
	// until each has been met by each client.
	complete := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == 4
	}
	for range 4 {
		all.Go(func() {
			for n := 0; n < 500 || n < 200_000 && !complete(); n++ {
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
