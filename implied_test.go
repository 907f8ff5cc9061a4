package cognitoauth_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// implying returns a configuration of the pool with these implications.
func implying(pool *cognitotest.Pool, scopes map[string][]string) cognitoauth.Config {
	cfg := pool.Config()
	cfg.ImpliedScopes = scopes
	return cfg
}

// admin is the map of most tests.
func admin() map[string][]string {
	return map[string][]string{"orders/admin": {"orders/read", "orders/write"}}
}

// graph is a set of implications between n scopes: has[i][j] if i implies j.
type graph [4][4]bool

func (g graph) names() [4]string { return [4]string{"a/a", "a/b", "b", "a"} }

// graphOf returns the graph whose edges are the bits of n; there are 4096.
func graphOf(n int) (g graph) {
	bit := 0
	for i := range g {
		for j := range g {
			if i != j {
				g[i][j] = n>>bit&1 == 1
				bit++
			}
		}
	}
	return g
}

func (g graph) scopes() map[string][]string {
	m := map[string][]string{}
	for i, from := range g.names() {
		for j, to := range g.names() {
			if g[i][j] {
				m[from] = append(m[from], to)
			}
		}
	}
	return m
}

// reach is Warshall's algorithm: which scope comes to which, along any number of
// implications.
func (g graph) reach() graph {
	for k := range g {
		for i := range g {
			for j := range g {
				g[i][j] = g[i][j] || g[i][k] && g[k][j]
			}
		}
	}
	return g
}

func (g graph) circular() bool { return g[0][0] || g[1][1] || g[2][2] || g[3][3] }

// Every set of implications between four scopes, with every set of scopes that a
// token can have: New refuses circles, and HasScope and Scope agree with the
// reachability in the graph, for a token that is new, for one that is remembered,
// and for claims of the test kit.
func TestImpliedScopes_truthTable(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	var tokens [16]*cognitotest.Token
	var signed, payloads [16]string
	for set := range tokens {
		var own []string
		for i, s := range (graph{}).names() {
			if set>>i&1 == 1 {
				own = append(own, s)
			}
		}
		tokens[set] = pool.AccessToken().Scopes(own...)
		signed[set] = tokens[set].String()
		payloads[set] = `{"sub":"x","client_id":"y","username":"z","token_use":"access","scope":"` + strings.Join(own, " ") + `"}`
	}
	circles := 0
	for n := range 4096 {
		g := graphOf(n)
		reach := g.reach()
		auth, err := cognitoauth.New(implying(pool, g.scopes()))
		implied, kitErr := kit.ImpliedScopes(g.scopes())
		if (err != nil) != reach.circular() || (kitErr != nil) != reach.circular() {
			t.Fatalf("%v: circular %v, New: %v, the test kit: %v", g.scopes(), reach.circular(), err, kitErr)
		}
		if err != nil {
			circles++
			continue
		}
		for set := range tokens {
			first, err := auth.Validate(t.Context(), signed[set])
			again, errAgain := auth.Validate(t.Context(), signed[set])
			made, errMade := kit.NewClaims([]byte(payloads[set]), "p", time.Now, 0, implied)
			if err != nil || errAgain != nil || errMade != nil {
				t.Fatal(err, errAgain, errMade)
			}
			for j, name := range g.names() {
				want := set>>j&1 == 1
				for i := range g {
					want = want || set>>i&1 == 1 && reach[i][j]
				}
				for _, c := range []*cognitoauth.Claims{first, again, made.(*cognitoauth.Claims)} {
					if c.HasScope(name) != want || (cognitoauth.Scope(name).Check(nil, c) == nil) != want {
						t.Fatalf("%v, token with %q: %q is %v, want %v", g.scopes(), c.Scopes(), name, !want, want)
					}
				}
			}
			if got := first.Scopes(); strings.Join(got, " ") != strings.Join(tokens[set].Claims().Scopes(), " ") {
				t.Fatalf("Scopes has %q", got)
			}
		}
	}
	// There are 543 acyclic graphs of four labelled nodes (OEIS A003024).
	if circles != 4096-543 {
		t.Errorf("%d graphs have a circle", circles)
	}
}

// New reports every mistake, all at once, and names what is wrong.
func TestImpliedScopes_mistakes(t *testing.T) {
	for _, row := range []struct {
		name   string
		scopes map[string][]string
		want   []string // one for each mistake, in any order
	}{
		{"nothing", nil, nil},
		{"an empty map", map[string][]string{}, nil},
		{"a chain and its end", map[string][]string{"a": {"b", "c"}, "b": {"c"}}, nil},
		{"two ways to one scope", map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}, nil},

		{"a key of two scopes", map[string][]string{"a b": {"c"}}, []string{`the key "a b", which is not one scope`}},
		{"an empty key", map[string][]string{"": {"c"}}, []string{`the key "", which is not one scope`}},
		{"a key with a quote", map[string][]string{`a"`: {"c"}}, []string{`the key "a\""`}},
		{"two scopes in one", map[string][]string{"a": {"b", "c d"}}, []string{`ImpliedScopes["a"][1] "c d" is not one scope`}},
		{"an empty scope", map[string][]string{"a": {""}}, []string{`ImpliedScopes["a"][0] "" is not one scope`}},
		{"no ASCII", map[string][]string{"a": {"é"}}, []string{`ImpliedScopes["a"][0] "é" is not one scope`}},
		{"an empty list", map[string][]string{"a": {}}, []string{`ImpliedScopes["a"] is empty`}},
		{"no list", map[string][]string{"a": nil}, []string{`ImpliedScopes["a"] is empty`}},
		{"itself", map[string][]string{"a": {"b", "a"}}, []string{`ImpliedScopes["a"][1] is that scope itself`}},
		{"twice", map[string][]string{"a": {"b", "b"}}, []string{`ImpliedScopes["a"][1] "b" is listed twice`}},
		{"a circle of two", map[string][]string{"b": {"a"}, "a": {"b"}}, []string{`a circle, "a" implies "b" implies "a":`}},
		{"a circle behind others", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}, []string{`a circle, "b" implies "c" implies "d" implies "b":`}},
		{"two circles", map[string][]string{"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}, []string{`"a" implies "b" implies "a"`, `"c" implies "d" implies "c"`}},
		{"many", map[string][]string{"a": {"b", "c d"}, "b": {"a"}, "e": {}, "f": {"f"}, " ": {"g"}},
			[]string{`ImpliedScopes["a"][1] "c d"`, `"a" implies "b" implies "a"`, `ImpliedScopes["e"] is empty`, `ImpliedScopes["f"][0] is that scope itself`, `the key " "`}},
	} {
		all := []string(nil)
		if row.want != nil {
			all = mistakes(t, func(cfg *cognitoauth.Config) { cfg.ImpliedScopes = row.scopes })
		} else if _, err := cognitoauth.New(implying(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}), row.scopes)); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if len(all) != len(row.want) {
			t.Errorf("%s: %q, want %q", row.name, all, row.want)
		}
		for _, want := range row.want {
			if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("%s: %q, want %q", row.name, all, want)
			}
		}
	}
}

// The implications of a configuration are bounded, those that follow included.
func TestImpliedScopes_limit(t *testing.T) {
	name := func(i int) string { return fmt.Sprintf("s/%d", i) }
	star := func(n int) map[string][]string {
		m := map[string][]string{}
		for i := range n {
			m["all"] = append(m["all"], name(i))
		}
		return m
	}
	row := func(n int) map[string][]string {
		m := map[string][]string{}
		for i := range n - 1 {
			m[name(i)] = []string{name(i + 1)}
		}
		return m
	}
	// two implies 5,000 scopes by one, which implies them itself: 10,001 pairs.
	stacked := star(5000)
	stacked["two"] = []string{"all"}
	for _, test := range []struct {
		name   string
		scopes map[string][]string
		good   bool
	}{
		{"one scope implies 10,000", star(10_000), true},
		{"one scope implies 10,001", star(10_001), false},
		{"a row of 141 scopes, 9,870 pairs", row(141), true},
		{"a row of 142 scopes, 10,011 pairs", row(142), false},
		{"a row of 10,000 scopes", row(10_000), false},
		{"5,000 pairs twice and one", stacked, false},
	} {
		_, err := kit.ImpliedScopes(test.scopes)
		if (err == nil) != test.good || err != nil && !strings.Contains(err.Error(), "more than 10000 pairs") {
			t.Errorf("%s: %.200v", test.name, err)
		}
	}
}

// A challenge names the scope that the route asks for, and keeps the scopes that
// the token has as the token has them: its client may not be allowed to ask for
// those that they imply.
func TestImpliedScopes_challenges(t *testing.T) {
	scope, and, or := cognitoauth.Scope, cognitoauth.And, cognitoauth.Or
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true, ImpliedScopes: map[string][]string{
		"orders/admin": {"orders/read", "orders/write"}, "root": {"orders/admin"},
	}})
	read, write, del := scope("orders/read"), scope("orders/write"), scope("orders/delete")
	for _, row := range []struct {
		name   string
		policy cognitoauth.Policy
		token  string
		want   string // the scopes in the challenge; "": met
	}{
		{"none", read, "", "orders/read"},
		{"the stronger one is not asked for", read, "orders/write", "orders/read"},
		{"implied", read, "orders/admin", ""},
		{"implied through another", read, "root", ""},
		{"behind another", read, "openid orders/admin", ""},
		{"not the other way", scope("orders/admin"), "orders/read orders/write", "orders/admin"},
		{"no prefix", scope("orders/read/all"), "orders/admin", "orders/read/all"},
		{"another server", scope("users/read"), "orders/admin", "users/read"},
		{"case", read, "orders/ADMIN", "orders/read"},

		{"all implied", and(read, write), "orders/admin", ""},
		{"one missing", and(read, del), "orders/admin", "orders/admin orders/delete"},
		{"one missing, the other as it is", and(read, del), "orders/read", "orders/read orders/delete"},
		{"its own name before one that implies it", and(read, del), "root orders/read", "orders/read orders/delete"},
		{"the first that implies it", and(read, write, del), "root orders/admin", "root orders/delete"},
		{"one scope for two", and(read, write, del), "orders/admin", "orders/admin orders/delete"},
		{"the alternative it has", and(or(write, scope("x/y")), del), "orders/admin", "orders/admin orders/delete"},
		{"all alternatives it has", and(or(write, scope("x/y")), del), "x/y orders/admin", "orders/admin x/y orders/delete"},
		{"no alternative", and(or(write, scope("x/y")), del), "openid", "orders/write orders/delete"},
	} {
		c := pool.AccessToken().Scopes(strings.Fields(row.token)...).Claims()
		err := row.policy.Check(nil, c)
		if row.want == "" {
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		e := lab.AsRefusal(t, err)
		if want := `error="insufficient_scope"`; !strings.Contains(e.Challenge(), want) || !strings.HasSuffix(e.Challenge(), ` scope="`+row.want+`"`) {
			t.Errorf("%s: %s, want the scopes %s", row.name, e.Challenge(), row.want)
		}
		// Whoever gets what the challenge asks for is admitted.
		if err := row.policy.Check(nil, pool.AccessToken().Scopes(strings.Fields(row.want)...).Claims()); err != nil {
			t.Errorf("%s: a token with %s: %v", row.name, row.want, err)
		}
	}
}

// Detail says which scopes would do by the configuration, and only if there are
// any.
func TestImpliedScopes_detail(t *testing.T) {
	const want = `; by Config.ImpliedScopes, "orders/admin" or "root" meets Scope("orders/read") as well`
	o := cognitotest.Options{InProcess: true, ImpliedScopes: map[string][]string{"orders/admin": {"orders/read"}, "root": {"orders/admin"}}}
	c := cognitotest.NewPool(t, o).AccessToken().Scopes("orders/write").Claims()
	for scope, want := range map[string]string{"orders/read": want, "root": ""} {
		detail := lab.AsRefusal(t, cognitoauth.Scope(scope).Check(nil, c)).Detail()
		if !strings.HasSuffix(detail, want) || want == "" && strings.Contains(detail, "ImpliedScopes") {
			t.Errorf("%s: %s", scope, detail)
		}
	}
}

// Wrap decides as Policy.Check does: on the first use of a token and on later
// ones, in the fallback and in a Require. Config.Revoked, also when Explain asks
// it, sees the same scopes.
func TestImpliedScopes_wrap(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := implying(pool, admin())
	cfg.Fallback = cognitoauth.Scope("orders/read")
	okay := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	seen := 0
	cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
		seen++
		return !c.HasScope("orders/write"), nil
	}
	auth := lab.MustNew(t, cfg)
	mux := http.NewServeMux()
	mux.Handle("GET /", okay)
	mux.Handle("GET /write", cognitoauth.Require(cognitoauth.Scope("orders/write"), okay))
	mux.Handle("GET /delete", cognitoauth.Require(cognitoauth.Scope("orders/delete"), okay))
	token := pool.AccessToken().Scopes("orders/admin").String()
	for range 3 {
		for path, want := range map[string]string{"/": "200 ", "/write": "200 ", "/delete": `403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/admin orders/delete"`} {
			w := lab.Ask(auth.Wrap(mux), lab.Call("GET "+path, "Authorization", "Bearer "+token))
			if got := fmt.Sprint(w.Code, " ", w.Header().Get("WWW-Authenticate")); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
	}
	checks := auth.Explain(t.Context(), token)
	if last := checks[len(checks)-1]; last.Name != "revocation" || last.Err != nil || last.Skipped || seen != 10 {
		t.Errorf("Explain: %+v, Revoked was asked %d times", last, seen)
	}
}

// Each Middleware has its own implications, also where one stands inside another
// and both have admitted the same token.
func TestImpliedScopes_twoMiddlewares(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken().Scopes("orders/admin").String()
	outer := lab.MustNew(t, implying(pool, map[string][]string{"orders/admin": {"orders/outer"}}))
	inner := lab.MustNew(t, implying(pool, map[string][]string{"orders/admin": {"orders/inner"}}))
	plain := lab.MustNew(t, pool.Config())
	var got string
	tell := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c, _ := cognitoauth.FromContext(r.Context())
		got += fmt.Sprint(c.HasScope("orders/outer"), c.HasScope("orders/inner"), c.HasScope("orders/admin"), " ")
	})
	for range 2 {
		for _, h := range []http.Handler{
			outer.Wrap(tell), inner.Wrap(tell), plain.Wrap(tell),
			outer.Wrap(cognitoauth.Require(cognitoauth.Scope("orders/outer"), inner.Wrap(cognitoauth.Require(cognitoauth.Scope("orders/inner"), tell)))),
			inner.Wrap(outer.Wrap(cognitoauth.Require(cognitoauth.Scope("orders/inner"), tell))), // refused
		} {
			lab.Ask(h, lab.Call("GET /", "Authorization", "Bearer "+token))
		}
	}
	once := "true false true false true true false false true false true true "
	if want := once + once; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// New keeps a copy: who changes the map or a list of it changes nothing, in the
// test kit neither.
func TestImpliedScopes_copied(t *testing.T) {
	scopes := admin()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ImpliedScopes: scopes})
	given := pool.Config()
	auth := lab.MustNew(t, given)
	change := func(m map[string][]string) {
		m["orders/admin"][0] = "orders/other"
		m["orders/admin"] = append(m["orders/admin"], "orders/more")
		m["orders/write"] = []string{"orders/delete"}
	}
	change(given.ImpliedScopes)
	change(scopes)
	token := pool.AccessToken().Scopes("orders/admin")
	verified, err := auth.Validate(t.Context(), token.String())
	if err != nil {
		t.Fatal(err)
	}
	again, err := lab.MustNew(t, pool.Config()).Validate(t.Context(), token.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"orders/read": true, "orders/write": true, "orders/other": false, "orders/more": false, "orders/delete": false} {
		for _, c := range []*cognitoauth.Claims{verified, again, token.Claims()} {
			if c.HasScope(name) != want {
				t.Errorf("%s: %v", name, !want)
			}
		}
	}
}

// HasScope allocates nothing, with implications or without.
func TestClaims_HasScope_allocatesNothing(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	for _, scopes := range []map[string][]string{nil, admin()} {
		c := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ImpliedScopes: scopes}).AccessToken().Scopes("openid", "orders/admin").Claims()
		if n := testing.AllocsPerRun(100, func() {
			if c.HasScope("orders/write") != (scopes != nil) || !c.HasScope("openid") || c.HasScope("x") || c.HasScope("") {
				t.Error("HasScope")
			}
		}); n != 0 {
			t.Errorf("%d implications: %v allocations", len(scopes), n)
		}
	}
}
