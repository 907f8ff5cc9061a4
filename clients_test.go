package cognitoauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// allowing makes Pool.AllowClient of every entry answer that.
func allowing(yes bool, err error) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) {
		for i := range c.Pools {
			c.Pools[i].AllowClient = func(context.Context, string, bool) (bool, error) { return yes, err }
		}
	}
}

// registry is a list of app clients that changes, and what it was asked.
type registry struct {
	allowed map[string]bool
	err     error
	asked   []string
}

func (r *registry) set(c *cognitoauth.Config) {
	for i := range c.Pools {
		c.Pools[i].AllowClient = func(ctx context.Context, id string, machine bool) (bool, error) {
			r.asked = append(r.asked, fmt.Sprint(id, " ", machine, " ", ctx.Value(registryKey{})))
			return r.allowed[id], r.err
		}
	}
}

type registryKey struct{}

// AllowClient decides about verified tokens of clients that are not listed, on
// each use, and about nothing else.
func TestAllowClient(t *testing.T) {
	for _, cache := range []int{0, -1} {
		var list registry
		var revoked []string
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			list.set(c)
			c.TokenCache = cache
			c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
				revoked = append(revoked, c.ClientID)
				return false, nil
			}
		})
		h := g.Auth.Wrap(lab.NewSite(g))
		user, machine := g.Pool.AccessToken().Client("2new"), g.Pool.MachineToken().Client("2new")
		down := errors.New("down")
		for _, tt := range []struct {
			name   string
			path   string
			token  fmt.Stringer
			known  bool // to the registry
			err    error
			code   string
			asked  string
			listed bool
		}{
			{"a user of a new client", "/me", user, true, nil, "", "2new false ctx", false},
			{"again", "/me", user, true, nil, "", "2new false ctx", false},
			{"a machine of a new client", "/me", machine, true, nil, "", "2new true ctx", false},
			{"withdrawn", "/me", user, false, nil, "client_mismatch", "2new false ctx", false},
			{"withdrawn, on an optional route", "/greet", user, false, nil, "client_mismatch", "2new false ctx", false},
			{"no answer", "/me", user, false, down, "client_check_unavailable", "2new false ctx", false},
			{"no answer, but yes", "/me", user, true, down, "client_check_unavailable", "2new false ctx", false},
			{"no answer, on an optional route", "/greet", user, true, down, "client_check_unavailable", "2new false ctx", false},
			{"back again", "/greet", user, true, nil, "", "2new false ctx", false},
			{"before policies", "/orders", user, false, nil, "client_mismatch", "2new false ctx", false},

			{"not asked about a client that is listed", "/me", g.Pool.AccessToken(), false, down, "", "", true},
			{"not asked about a bad signature", "/me", user.Tampered(), true, nil, "signature_invalid", "", false},
			{"not asked about an unknown key", "/me", user.SetHeader("kid", "nobody's"), true, nil, "key_unknown", "", false},
			{"not asked about an expired token", "/me", user.ExpiresIn(0), true, nil, "token_expired", "", false},
			{"not asked about another audience", "/me", user.Set("aud", "https://x.example"), true, nil, "audience_mismatch", "", false},
			{"not asked about no client", "/me", user.Delete("client_id"), true, nil, "client_mismatch", "", false},
			{"not asked on an anonymous route", "/healthz", user, false, down, "", "", false},
			{"not asked without a token", "/greet", nil, false, down, "", "", false},
		} {
			list, revoked = registry{allowed: map[string]bool{"2new": tt.known}, err: tt.err}, nil
			g.Forget()
			r := lab.Call("GET " + tt.path)
			if tt.token != nil {
				r.Header.Set("Authorization", "Bearer "+tt.token.String())
			}
			w := lab.Ask(h, r.WithContext(context.WithValue(r.Context(), registryKey{}, "ctx")))
			code := ""
			if w.Code != 200 {
				code = lab.CodeOf(t, w)
			}
			if code != tt.code || strings.Join(list.asked, "; ") != tt.asked || g.Ran() != (tt.code == "") {
				t.Errorf("cache %d, %s: %q, asked %q, handler ran: %t; want %q, %q", cache, tt.name, code, list.asked, g.Ran(), tt.code, tt.asked)
			}
			if want := tt.code == "" && (tt.asked != "" || tt.listed); (len(revoked) > 0) != want {
				t.Errorf("cache %d, %s: Revoked was asked about %q", cache, tt.name, revoked)
			}
			if after := w.Header().Get("Retry-After"); (after != "") != (w.Code == 503) {
				t.Errorf("cache %d, %s: Retry-After %q", cache, tt.name, after)
			}
			if d := g.Decisions[len(g.Decisions)-1]; tt.asked != "" && (!d.Verified || d.ClientID != "2new" || d.Pool != poolID) {
				t.Errorf("cache %d, %s: decision %+v", cache, tt.name, d)
			}
		}
	}
}

// On ID tokens the client is in aud, and no ID token is a machine's. Validate asks
// as Wrap does.
func TestAllowClient_idTokens(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	list := registry{allowed: map[string]bool{"2new": true}}
	auth := lab.MustNew(t, bothKinds(pool.Config()), list.set)
	for _, row := range []struct {
		token *cognitotest.Token
		code  string
		asked string
	}{
		{pool.IDToken().Client("2new"), "", "2new false <nil>"},
		{pool.IDToken().Client("3old"), "client_mismatch", "3old false <nil>"},
		{pool.IDToken().Set("aud", []string{"2new"}), "client_mismatch", ""},
		{pool.IDToken().Delete("aud").Set("client_id", "2new"), "client_mismatch", ""},
		{pool.AccessToken().Client("2new"), "", "2new false <nil>"},
		{pool.MachineToken().Client("3old"), "client_mismatch", "3old true <nil>"},
	} {
		list.asked = nil
		if code := lab.Decide(t, auth, row.token.String()); code != row.code || !slices.Equal(slices.Compact(list.asked), strings.Split(row.asked, "; ")) && row.asked != "" || row.asked == "" && list.asked != nil {
			t.Errorf("%q, asked %q; want %q, %q", code, list.asked, row.code, row.asked)
		}
	}
}

// Only the entry that iss and token_use choose is asked.
func TestAllowClient_oneEntry(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	var list registry
	auth := lab.MustNew(t, bothKinds(pool.Config()), func(c *cognitoauth.Config) {
		list = registry{allowed: map[string]bool{"2new": true}}
		list.set(c)
		c.Pools[1].AllowClient = nil
	})
	if code := lab.Decide(t, auth, pool.IDToken().Client("2new").String()); code != "client_mismatch" || list.asked != nil {
		t.Errorf("%q, asked %q", code, list.asked)
	}
	if code := lab.Decide(t, auth, pool.AccessToken().Client("2new").String()); code != "" {
		t.Errorf("%q", code)
	}
}

// Explain asks once all other checks have passed; before, nobody knows whether
// the client may call.
func TestAllowClient_explain(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	list := &registry{}
	auth := lab.MustNew(t, pool.Config(), list.set)
	for _, row := range []struct {
		name    string
		token   *cognitotest.Token
		allowed bool
		err     error
		codes   string
		skipped string
		asked   int
	}{
		{"allowed", pool.AccessToken().Client("2new"), true, nil, "", "", 1},
		{"not allowed", pool.AccessToken().Client("2new"), false, nil, "client_mismatch", "revocation", 1},
		{"no answer", pool.AccessToken().Client("2new"), true, errors.New("down"), "client_check_unavailable", "revocation", 1},
		{"listed", pool.AccessToken(), false, nil, "", "", 0},
		{"tampered with", pool.AccessToken().Client("2new").Tampered(), true, nil, "signature_invalid", "client revocation", 0},
		{"listed, tampered with", pool.AccessToken().Tampered(), true, nil, "signature_invalid", "revocation", 0},
		{"no client", pool.AccessToken().Delete("client_id"), true, nil, "client_mismatch", "revocation", 0},
		{"expired", pool.AccessToken().Client("2new").ExpiresIn(0), true, nil, "token_expired", "client revocation", 0},
	} {
		*list = registry{allowed: map[string]bool{"2new": row.allowed}, err: row.err}
		codes, skipped := explained(t, auth, row.token.String())
		if strings.Join(codes, " ") != row.codes || strings.Join(skipped, " ") != row.skipped || len(list.asked) != row.asked {
			t.Errorf("%s: codes %q, skipped %q, asked %q; want %s, %s", row.name, codes, skipped, list.asked, row.codes, row.skipped)
		}
	}
	for _, c := range auth.Explain(t.Context(), pool.AccessToken().String()) {
		if c.Name == "client" && !strings.Contains(c.Expected, "Pool.AllowClient") {
			t.Errorf("client: expected %s", c.Expected)
		}
	}
}

// A panic of the hook reaches the caller, who gets no claims, and leaves nothing
// behind.
func TestAllowClient_panics(t *testing.T) {
	broken := true
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.Pools[0].AllowClient = func(context.Context, string, bool) (bool, error) {
			if broken {
				panic("broken")
			}
			return true, nil
		}
	})
	token := d.pool.AccessToken().Client("2new").String()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		claims, err := d.auth.Validate(t.Context(), token)
		t.Errorf("returned %v, %v", claims, err)
	}()
	broken = false
	if code := lab.Decide(t, d.auth, token); code != "" {
		t.Errorf("code %q after the panic", code)
	}
}

const (
	ownAPI   = "https://api.example.com"
	listedBy = "1example23456789" // in ClientIDs
)

// clientSettings are the settings that decide about app clients.
var clientSettings = map[string]func(*cognitoauth.Pool){
	"listed alone": func(*cognitoauth.Pool) {},
	"listed, with an audience": func(p *cognitoauth.Pool) {
		p.Audiences = []string{ownAPI}
	},
	"listed and registered": func(p *cognitoauth.Pool) {
		p.Audiences, p.RegisteredClients = []string{ownAPI}, true
	},
	"registered alone": func(p *cognitoauth.Pool) {
		p.ClientIDs, p.Audiences, p.RegisteredClients = nil, []string{ownAPI}, true
	},
	"allowed": func(p *cognitoauth.Pool) {
		p.Audiences, p.AllowClient = []string{ownAPI}, func(context.Context, string, bool) (bool, error) { return true, nil }
	},
	"registered, none blocked": func(p *cognitoauth.Pool) {
		p.Audiences, p.RegisteredClients = []string{ownAPI}, true
		p.AllowClient = func(context.Context, string, bool) (bool, error) { return true, nil }
	},
	"registered, all blocked": func(p *cognitoauth.Pool) {
		p.Audiences, p.RegisteredClients = []string{ownAPI}, true
		p.AllowClient = func(context.Context, string, bool) (bool, error) { return false, nil }
	},
	"any": func(p *cognitoauth.Pool) { p.ClientIDs, p.DangerouslyAllowAnyClient = nil, true },
	"any, with an audience": func(p *cognitoauth.Pool) {
		p.ClientIDs, p.Audiences, p.DangerouslyAllowAnyClient = nil, []string{ownAPI}, true
	},
}

// clientVerdicts are what has to become of a token, by the meaning of its claims:
// client_id names who asked for the token (Cognito guide, "Understanding the access
// token"); an API that a present aud does not name must refuse (RFC 7519, section
// 4.1.3); only a user's token can be bound to a resource (Cognito guide, "Resource
// binding"); a trigger can set aud to the client_id alone (Cognito guide, "Pre token
// generation"), which names no resource; and audiences are strings that are
// compared as they are (RFC 7519, section 2, StringOrURI).
//
// The columns are aud: none, the token's own client, our resource, our resource
// with a slash, another resource. + is accepted, c client_mismatch, a
// audience_mismatch.
var clientVerdicts = []struct{ settings, listedUser, listedMachine, otherUser, otherMachine string }{
	{"listed alone", "++aaa", "++aaa", "ccccc", "ccccc"},
	{"listed, with an audience", "aa+aa", "+++aa", "ccccc", "ccccc"},
	{"listed and registered", "aa+aa", "+++aa", "aa+aa", "ccccc"},
	{"registered alone", "aa+aa", "ccccc", "aa+aa", "ccccc"},
	{"allowed", "aa+aa", "+++aa", "aa+aa", "+++aa"},
	{"registered, none blocked", "aa+aa", "+++aa", "aa+aa", "ccccc"},
	{"registered, all blocked", "aa+aa", "+++aa", "aacaa", "ccccc"},
	{"any", "++aaa", "++aaa", "++aaa", "++aaa"},
	{"any, with an audience", "aa+aa", "+++aa", "aa+aa", "+++aa"},
}

// Nothing in a token tells whether its client has registered itself, so the table
// has one verdict for such a client and for another one that is not listed.
func TestRegisteredClients(t *testing.T) {
	codes := map[rune]string{'+': "", 'c': "client_mismatch", 'a': "audience_mismatch"}
	seen := map[string]bool{}
	for _, row := range clientVerdicts {
		set := clientSettings[row.settings]
		seen[row.settings] = true
		g := lab.NewGate(t, func(c *cognitoauth.Config) { set(&c.Pools[0]) })
		h := g.Auth.Wrap(lab.NewSite(g))
		user, machine := g.Pool.AccessToken(), g.Pool.MachineToken()
		for _, who := range []struct {
			kind  string
			token *cognitotest.Token
			id    string
			want  string
		}{
			{"a user of a listed client", user, listedBy, row.listedUser},
			{"a machine of a listed client", machine, listedBy, row.listedMachine},
			{"a user of a client that registered itself", user, "2registereditself", row.otherUser},
			{"a machine of a client that registered itself", machine, "2registereditself", row.otherMachine},
			{"a user of another team's client", user, "3otherteam", row.otherUser},
			{"a machine of another team's client", machine, "3otherteam", row.otherMachine},
		} {
			for i, aud := range []any{nil, who.id, ownAPI, ownAPI + "/", "https://other.example.com"} {
				token := who.token.Client(who.id)
				if aud != nil {
					token = token.Set("aud", aud)
				}
				want := codes[rune(who.want[i])]
				name := fmt.Sprintf("%s: %s, aud %v", row.settings, who.kind, aud)
				listed := who.id == listedBy && row.listedMachine[0] == '+' && !strings.HasPrefix(row.settings, "any")
				for _, again := range []string{"", ", again"} {
					checkClientVerdict(t, g, h, name+again, token.String(), want, listed)
				}
			}
		}
	}
	if len(seen) != len(clientSettings) {
		t.Errorf("%d settings have verdicts, of %d", len(seen), len(clientSettings))
	}
}

// checkClientVerdict asks Validate, Explain and Wrap about one token.
func checkClientVerdict(t *testing.T, g *lab.Gate, h http.Handler, name, token, want string, listed bool) {
	t.Helper()
	if code := lab.Decide(t, g.Auth, token); code != want {
		t.Errorf("%s: Validate says %q, want %q", name, code, want)
	}
	if codes, _ := explained(t, g.Auth, token); len(codes) > 0 != (want != "") || want != "" && codes[0] != want {
		t.Errorf("%s: Explain says %q, want %q", name, codes, want)
	}
	g.Forget()
	r := lab.Call("GET /me")
	r.Header.Set("Authorization", "Bearer "+token)
	code := ""
	if w := lab.Ask(h, r); w.Code != 200 {
		code = lab.CodeOf(t, w)
	}
	if code != want || g.Ran() != (want == "") {
		t.Errorf("%s: Wrap says %q, handler ran: %t; want %q", name, code, g.Ran(), want)
	}
	if d := g.Decisions[0]; d.ClientListed != (listed && d.Verified) || d.Allowed && !d.Verified {
		t.Errorf("%s: listed should be %t: %+v", name, listed, d)
	}
}

// A trigger can set aud to the token's own client_id. That opens nothing, even
// where somebody has put that client into Audiences and not into ClientIDs.
func TestRegisteredClients_ownClientIsNoResource(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
		c.Pools[0].Audiences, c.Pools[0].RegisteredClients = []string{ownAPI, "2self"}, true
	})
	anyone := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
		c.Pools[0].ClientIDs, c.Pools[0].Audiences, c.Pools[0].DangerouslyAllowAnyClient = nil, []string{ownAPI, "2self"}, true
	})
	for _, row := range []struct {
		name   string
		client string
		aud    any
		code   string
	}{
		{"itself", "2self", "2self", "audience_mismatch"},
		{"itself in a list", "2self", []string{"2self"}, "audience_mismatch"},
		{"itself and our resource", "2self", []string{"2self", ownAPI}, ""},
		{"our resource and itself", "2self", []string{ownAPI, "2self"}, ""},
		{"itself and no resource", "2self", []string{"2self", ""}, "audience_mismatch"},
		{"what another client is called", "3other", "2self", ""},
	} {
		for setting, auth := range map[string]*cognitoauth.Middleware{"registered": auth, "any": anyone} {
			if code := lab.Decide(t, auth, pool.AccessToken().Client(row.client).Set("aud", row.aud).String()); code != row.code {
				t.Errorf("%s, %s: code %q, want %q", setting, row.name, code, row.code)
			}
		}
	}
}

// Each refusal of a client that is not listed says which setting mends it.
func TestRegisteredClients_detail(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	open := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
		c.Pools[0].Audiences, c.Pools[0].RegisteredClients = []string{ownAPI}, true
	})
	closed := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].Audiences = []string{ownAPI, "2self"} })
	user, machine := pool.AccessToken().Client("2self"), pool.MachineToken().Client("2self")
	for _, row := range []struct {
		name  string
		auth  *cognitoauth.Middleware
		token *cognitotest.Token
		says  []string
		never string
	}{
		{"the wrong audience", open, user.Set("aud", "https://other.example"),
			[]string{`aud "https://other.example"`, `client_id "2self" (unverified)`, "not among ClientIDs", "Pool.RegisteredClients", "resource=", ownAPI, "Essentials and Plus", "add that aud to Pool.Audiences"}, "slash"},
		{"a slash too many", open, user.Set("aud", ownAPI+"/"), []string{"slash at the end", `client_id "2self"`, "Pool.RegisteredClients"}, "case"},
		{"no audience", open, user, []string{"no aud", `client_id "2self"`, "Pool.RegisteredClients", "resource=", "Essentials and Plus"}, "leave Audiences empty"},
		{"its own client", open, user.Set("aud", "2self"), []string{"own client_id", "trigger", "names no resource", "resource="}, "add that aud"},
		{"a machine", open, machine.Set("aud", ownAPI), []string{`client_id "2self"`, "machine", "Pool.RegisteredClients admits users' tokens only", "add the client to Pool.ClientIDs"}, "or set"},
		{"a listed client without audience", open, pool.AccessToken(), []string{"no aud", "resource="}, "Pool.RegisteredClients admits"},

		{"not registered, but for this API", closed, user.Set("aud", ownAPI),
			[]string{`client_id "2self"`, "add the client to Pool.ClientIDs", "or set Pool.RegisteredClients if clients register themselves", "RFC 7591", "Essentials and Plus"}, "machine"},
		{"not registered, for another API", closed, user.Set("aud", "https://other.example"), []string{"add the client to Pool.ClientIDs"}, "RegisteredClients"},
		{"not registered, for itself", closed, user.Set("aud", "2self"), []string{"add the client to Pool.ClientIDs"}, "RegisteredClients"},
		{"not registered, a machine", closed, machine.Set("aud", ownAPI), []string{"add the client to Pool.ClientIDs"}, "RegisteredClients"},
		{"no audience where one is wanted", closed, pool.AccessToken(), []string{"no aud", "or leave Audiences empty", "Essentials and Plus"}, "RegisteredClients"},
	} {
		_, err := row.auth.Validate(t.Context(), row.token.String())
		detail := lab.AsRefusal(t, err).Detail()
		for _, part := range row.says {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: Detail does not say %q: %s", row.name, part, detail)
			}
		}
		if strings.Contains(detail, row.never) {
			t.Errorf("%s: Detail says %q: %s", row.name, row.never, detail)
		}
	}
}

// Explain names the rule, and what Pool.AllowClient has to do with it.
func TestRegisteredClients_explain(t *testing.T) {
	for _, row := range []struct {
		settings string
		expected string
	}{
		{"listed, with an audience", `"1example23456789"`},
		{"listed and registered", `"1example23456789", or any other client if a user's token has the right aud (Pool.RegisteredClients)`},
		{"registered, none blocked", `"1example23456789", or any other client if a user's token has the right aud (Pool.RegisteredClients) and Pool.AllowClient allows the client`},
		{"allowed", `"1example23456789", or what Pool.AllowClient allows`},
	} {
		pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
		auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { clientSettings[row.settings](&c.Pools[0]) })
		for _, c := range auth.Explain(t.Context(), pool.AccessToken().String()) {
			if c.Name == "client" && c.Expected != row.expected {
				t.Errorf("%s: expected %s, want %s", row.settings, c.Expected, row.expected)
			}
		}
	}
}

// ClientListed is right whoever refuses, and for a client that the hook admits.
func TestDecision_clientListed(t *testing.T) {
	for _, row := range []struct {
		settings string
		client   string
		listed   bool
	}{
		{"listed alone", listedBy, true},
		{"listed and registered", listedBy, true},
		{"listed and registered", "2self", false},
		{"registered, all blocked", "2self", false},
		{"allowed", listedBy, true},
		{"allowed", "2self", false},
		{"any", listedBy, false},
	} {
		revoked, fail := false, error(nil)
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			clientSettings[row.settings](&c.Pools[0])
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return revoked, fail }
		})
		h := g.Auth.Wrap(lab.NewSite(g))
		token := g.Pool.AccessToken().Client(row.client)
		if row.settings != "listed alone" && row.settings != "any" {
			token = token.Set("aud", ownAPI)
		}
		ask := func(line string) cognitoauth.Decision {
			g.Forget()
			r := lab.Call(line)
			r.Header.Set("Authorization", "Bearer "+token.String())
			lab.Ask(h, r)
			return g.Decisions[len(g.Decisions)-1]
		}
		for _, line := range []string{"GET /me", "GET /me", "GET /greet", "GET /orders"} { // the last is refused by its policy
			if d := ask(line); !d.Verified || d.ClientID != row.client || d.ClientListed != row.listed {
				t.Errorf("%s: %s: %+v", row.settings, line, d)
			}
		}
		revoked = true
		if d := ask("GET /me"); !d.Verified || d.ClientListed != row.listed {
			t.Errorf("%s: revoked: %+v", row.settings, d)
		}
		fail = errors.New("down")
		if d := ask("GET /me"); !d.Verified || d.ClientListed != row.listed {
			t.Errorf("%s: no answer about revocation: %+v", row.settings, d)
		}
		token = token.ExpiresIn(0)
		if d := ask("GET /me"); d.Verified || d.ClientID != "" || d.ClientListed {
			t.Errorf("%s: unverified: %+v", row.settings, d)
		}
	}
}

// Config.Revoked may write into the claims that it gets. What a decision then says
// of the client is not taken for a name of the configuration.
func TestDecision_clientListedOfChangedClaims(t *testing.T) {
	for name, change := range map[string]func(*cognitoauth.Claims){
		"another issuer": func(c *cognitoauth.Claims) { c.Issuer = "https://other.example" },
		"another use":    func(c *cognitoauth.Claims) { c.TokenUse = cognitoauth.IDToken },
		"another client": func(c *cognitoauth.Claims) { c.ClientID = "2self" },
	} {
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { change(c); return false, nil }
		})
		r := lab.Call("GET /me")
		r.Header.Set("Authorization", g.Good())
		lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r)
		if d := g.Decisions[0]; !d.Allowed || d.ClientListed {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
