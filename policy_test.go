package cognitoauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// answer is what a policy comes to.
type answer int

const (
	met    answer = iota
	plain         // 403 that nothing mends
	scopes        // 403 that more scopes mend
	stepUp        // 401 that a new login mends
)

func (a answer) String() string { return [...]string{"met", "plain", "scopes", "step-up"}[a] }

// readAnswer tells which answer err is, by its sentinel and status alone.
func readAnswer(tb testing.TB, err error) answer {
	tb.Helper()
	if err == nil {
		return met
	}
	e := lab.AsRefusal(tb, err)
	for _, row := range []struct {
		is     error
		status int
		as     answer
	}{
		{cognitoauth.ErrForbidden, 403, plain},
		{cognitoauth.ErrInsufficientScope, 403, scopes},
		{cognitoauth.ErrStepUpRequired, 401, stepUp},
	} {
		if errors.Is(err, row.is) && e.Status == row.status {
			return row.as
		}
	}
	tb.Errorf("a policy answered %s, status %d", e.Code, e.Status)
	return plain
}

// caller is a kind of caller that policies are tried on: the claims, and what
// each leaf comes to by the documentation of the leaf.
type caller struct {
	name   string
	claims *cognitoauth.Claims
	leaves map[string]answer
}

// leaf is a policy of one condition, and the expression that makes it.
type leaf struct {
	text   string
	policy cognitoauth.Policy
}

var leaves = []leaf{
	{`Scope("held")`, cognitoauth.Scope("held")},
	{`Scope("b")`, cognitoauth.Scope("b")},
	{`Scope("c")`, cognitoauth.Scope("c")},
	{`Group("mine")`, cognitoauth.Group("mine")},
	{`Group("other")`, cognitoauth.Group("other")},
	{`AuthenticatedWithin(1 * time.Hour)`, cognitoauth.AuthenticatedWithin(time.Hour)},
	{`ACR("high")`, cognitoauth.ACR("high")},
}

func callers(tb testing.TB) []caller {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user := pool.AccessToken().Scopes("held").Groups("mine").Set("auth_time", lab.Noon.Add(-2*time.Hour)).Set("acr", "low")
	machine := pool.MachineToken().Scopes("held", "b")
	id := pool.IDToken().Set("acr", "high").Groups("other")
	return []caller{
		{"a user who logged in long ago", user.Claims(), map[string]answer{
			`Scope("b")`: scopes, `Scope("c")`: scopes, `Group("other")`: plain, `AuthenticatedWithin(1 * time.Hour)`: stepUp, `ACR("high")`: stepUp}},
		{"a machine", machine.Claims(), map[string]answer{
			`Scope("c")`: scopes, `Group("mine")`: plain, `Group("other")`: plain, `AuthenticatedWithin(1 * time.Hour)`: plain, `ACR("high")`: plain}},
		{"an ID token", id.Claims(), map[string]answer{
			`Scope("held")`: plain, `Scope("b")`: plain, `Scope("c")`: plain, `Group("mine")`: plain}},
	}
}

// tree is a policy and how it is composed; a leaf has no op.
type tree struct {
	leaf
	op   string
	kids []*tree
}

func compose(op string, kids ...*tree) *tree {
	all, texts := make([]cognitoauth.Policy, len(kids)), make([]string, len(kids))
	for i, k := range kids {
		all[i], texts[i] = k.policy, k.text
	}
	join := map[string]func(...cognitoauth.Policy) cognitoauth.Policy{"And": cognitoauth.And, "Or": cognitoauth.Or}[op]
	return &tree{leaf: leaf{op + "(" + strings.Join(texts, ", ") + ")", join(all...)}, op: op, kids: kids}
}

// oracle is what the tree comes to: in an And what nothing mends comes first,
// then scopes, then a login; an Or that is not met answers as its first kid
// that scopes mend, else the first that a login mends.
func (n *tree) oracle(c caller) answer {
	if n.op == "" {
		return c.leaves[n.text]
	}
	var seen [4]bool
	for _, k := range n.kids {
		seen[k.oracle(c)] = true
	}
	order := []answer{plain, scopes, stepUp}
	if n.op == "Or" {
		order = []answer{met, scopes, stepUp}
	}
	for _, a := range order {
		if seen[a] {
			return a
		}
	}
	if n.op == "And" && len(n.kids) > 0 {
		return met
	}
	return plain
}

// trees are all compositions of one or two parts, two deep, of the leaves, and
// all of three leaves.
func trees(leaves []leaf) (all []*tree) {
	var single []*tree
	for _, l := range leaves {
		single = append(single, &tree{leaf: l})
	}
	both := func(from, with []*tree) (made []*tree) {
		for _, op := range []string{"And", "Or"} {
			for _, a := range from {
				for _, b := range with {
					made = append(made, compose(op, a, b))
				}
			}
		}
		return made
	}
	pairs := both(single, single)
	for _, op := range []string{"And", "Or"} {
		pairs = append(pairs, compose(op))
		for _, a := range single {
			pairs = append(pairs, compose(op, a))
			for _, b := range single {
				for _, c := range single {
					all = append(all, compose(op, a, b, c))
				}
			}
		}
	}
	all = slices.Concat(all, single, pairs, both(single, pairs), both(pairs, single))
	for i, a := range pairs {
		// Every pair meets every other in one order or the other.
		all = append(all, both([]*tree{a}, pairs[i:])...)
	}
	return all
}

func TestPolicy_truthTable(t *testing.T) {
	t.Parallel()
	all := trees(leaves)
	if len(all) < 15000 {
		t.Fatalf("only %d policies", len(all))
	}
	for _, c := range callers(t) {
		var seen [4]int
		for _, n := range all {
			want := n.oracle(c)
			seen[want]++
			if got := readAnswer(t, n.policy.Check(nil, c.claims)); got != want {
				t.Errorf("%s, %s: %s, want %s", c.name, n.text, got, want)
			}
		}
		if seen[met] == 0 || seen[plain] == 0 {
			t.Errorf("%s: %v", c.name, seen)
		}
	}
}

// Whoever comes back with exactly the scopes that the challenge names, is not
// sent for scopes again.
func TestPolicy_challengeNamesAllScopes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user := pool.AccessToken().Groups("mine").Set("auth_time", lab.Noon.Add(-2*time.Hour)).Set("acr", "low")
	before := user.Scopes("held").Claims()
	after := map[string]*cognitoauth.Claims{}
	asked := 0
	// A demand for a login can hide a scope until it is met: no such leaves.
	for _, n := range trees(leaves[:5]) {
		err := n.policy.Check(nil, before)
		if readAnswer(t, err) != scopes {
			continue
		}
		asked++
		need := scopeParam(t, lab.AsRefusal(t, err).Challenge())
		names := strings.Fields(need)
		if len(names) == 0 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Errorf("%s: scope=%q", n.text, need)
		}
		for _, name := range names {
			if !strings.Contains(n.text, strconv.Quote(name)) {
				t.Errorf("%s: scope=%q, which it does not mention", n.text, need)
			}
		}
		if after[need] == nil {
			after[need] = user.Scopes(names...).Claims()
		}
		if got := readAnswer(t, n.policy.Check(nil, after[need])); got == scopes {
			t.Errorf("%s: with scope=%q, as asked for, still %s", n.text, need, got)
		}
	}
	if asked < 500 {
		t.Errorf("only %d policies asked for scopes", asked)
	}
}

func scopeParam(tb testing.TB, challenge string) string {
	tb.Helper()
	_, rest, found := strings.Cut(challenge, `scope="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		tb.Errorf("no scope in %s", challenge)
	}
	return value
}

func TestPolicy_challenges(t *testing.T) {
	s, and, or := cognitoauth.Scope, cognitoauth.And, cognitoauth.Or
	within, acr, group := cognitoauth.AuthenticatedWithin, cognitoauth.ACR, cognitoauth.Group
	const more = `error="insufficient_scope"`
	const login = `error="insufficient_user_authentication"`
	rows := []struct {
		name   string
		policy cognitoauth.Policy
		want   []string // in the challenge; none: no challenge
		not    string
	}{
		{"one scope", s("b"), []string{more, `scope="b"`}, "max_age"},
		{"all scopes, held ones too", and(s("b"), s("held"), s("c")), []string{more, `scope="b held c"`}, ""},
		{"each scope once", and(s("b"), s("b"), and(s("b"))), []string{`scope="b"`}, ""},
		{"scopes of nested Ands", and(s("b"), and(s("c"), s("d"))), []string{`scope="b c d"`}, ""},
		{"scopes of the first alternative", or(and(s("b"), s("c")), s("d")), []string{`scope="b c"`}, ""},
		{"scopes of the alternative that scopes mend", or(group("x"), acr("high"), s("d")), []string{`scope="d"`}, ""},
		{"scopes of the alternative that is met", and(or(s("x"), s("held")), s("b")), []string{`scope="held b"`}, ""},
		{"no scopes of an alternative without any that is met", and(or(s("x"), group("mine")), s("b")), []string{`scope="b"`}, ""},
		{"scopes before a login", and(acr("high"), s("b")), []string{more, `scope="b"`}, "acr_values"},
		{"scopes of a part that demands a login too", and(and(s("held"), acr("high")), s("b")), []string{`scope="held b"`}, "acr_values"},
		{"no scopes beside a login", and(s("held"), acr("high")), []string{login, `acr_values="high"`}, "scope="},

		{"age in whole seconds", within(90*time.Second + 999*time.Millisecond), []string{login, `max_age="90"`}, "acr_values"},
		{"level", acr("urn:x:2"), []string{login, `acr_values="urn:x:2"`}, "max_age"},
		{"age and level at once", and(acr("high"), within(time.Hour)), []string{`acr_values="high"`, `max_age="3600"`}, ""},
		{"level and age at once", and(within(time.Hour), acr("high")), []string{`acr_values="high"`, `max_age="3600"`}, ""},
		{"the shorter of two ages", and(within(time.Hour), within(time.Minute)), []string{`max_age="60"`}, ""},
		{"the shorter of two ages, first", and(within(time.Minute), within(time.Hour)), []string{`max_age="60"`}, ""},
		{"the first of two logins", or(group("x"), acr("high"), within(time.Hour)), []string{`acr_values="high"`}, "max_age"},

		{"nothing for a group", group("x"), nil, ""},
		{"nothing where something else is denied for good", and(s("b"), group("x"), acr("high")), nil, ""},
		{"nothing for the zero Policy", cognitoauth.Policy{}, nil, ""},
		{"nothing for no alternative", or(), nil, ""},
		{"nothing for And of nothing", and(), nil, ""},
		{"nothing for an And that has one", and(s("b"), and()), nil, ""},
		{"scopes beside an Or of nothing", or(or(), s("b")), []string{`scope="b"`}, ""},
	}
	claims := callers(t)[0].claims
	for _, row := range rows {
		err := row.policy.Check(nil, claims)
		if err == nil {
			t.Errorf("%s: met", row.name)
			continue
		}
		challenge := lab.AsRefusal(t, err).Challenge()
		if (row.want == nil) != (challenge == "") || row.not != "" && strings.Contains(challenge, row.not) {
			t.Errorf("%s: challenge %s", row.name, challenge)
		}
		for _, part := range row.want {
			if !strings.Contains(challenge, part) {
				t.Errorf("%s: challenge %s, want %s", row.name, challenge, part)
			}
		}
	}
}

// An And stops at the first denial that nothing behind it can change, so that an
// Assert may rely on the parts before it. What scopes or a login would mend does
// not stop it: a later part can still turn the answer into a plain 403.
func TestAnd_stopsAtWhatNothingMends(t *testing.T) {
	claims := callers(t)[0].claims // in the group "mine", with the scope "held"
	and, or := cognitoauth.And, cognitoauth.Or
	for _, row := range []struct {
		name   string
		before cognitoauth.Policy
		runs   bool
		want   answer
	}{
		{"a group that is missing", cognitoauth.Group("other"), false, plain},
		{"a claim that differs", cognitoauth.Claim("username", "joe"), false, plain},
		{"an And that is denied", and(cognitoauth.Scope("held"), cognitoauth.MachineToken()), false, plain},
		{"an Or that is denied", or(cognitoauth.Group("other"), cognitoauth.Group("third")), false, plain},
		{"the zero Policy", cognitoauth.Policy{}, false, plain},
		{"a group", cognitoauth.Group("mine"), true, plain},
		{"a scope that is missing", cognitoauth.Scope("b"), true, plain},
		{"a login long ago", cognitoauth.AuthenticatedWithin(time.Hour), true, plain},
		{"another level", cognitoauth.ACR("high"), true, plain},
	} {
		ran := false
		denies := cognitoauth.Assert("never", func(*http.Request, *cognitoauth.Claims) bool { ran = true; return false })
		got := readAnswer(t, and(row.before, denies).Check(nil, claims))
		if got != row.want || ran != row.runs {
			t.Errorf("%s: %s, the Assert ran: %t; want %s, %t", row.name, got, ran, row.want, row.runs)
		}
	}
}

// Where the fallback already lacks a scope, the answer names those of the route
// as well, so that the client asks once.
func TestPolicy_fallbackAndRoute(t *testing.T) {
	s, or, and := cognitoauth.Scope, cognitoauth.Or, cognitoauth.And
	d := newDesk(t, func(c *cognitoauth.Config) { c.Fallback = s("f") })
	rows := []struct {
		route cognitoauth.Policy
		scope string
	}{
		{s("a"), "f a"},
		{and(s("held"), s("f"), s("a")), "f held a"},
		{or(s("a"), s("b")), "f a"},
		{or(s("b"), s("held")), "f held"},
		{or(s("b"), cognitoauth.Group("x")), "f"},
		{or(), "f"},
	}
	for _, row := range rows {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+d.pool.AccessToken().Scopes("held").String())
		d.auth.Wrap(cognitoauth.Require(row.route, http.NotFoundHandler())).ServeHTTP(w, r)
		if got := scopeParam(t, w.Header().Get("WWW-Authenticate")); w.Code != 403 || got != row.scope {
			t.Errorf("%s: %d, scope=%q, want %q", row.route, w.Code, got, row.scope)
		}
	}
}

// The 401 for no token lists the scopes of the first alternative; nil claims
// meet nothing.
func TestPolicy_nilClaims(t *testing.T) {
	s, and, or := cognitoauth.Scope, cognitoauth.And, cognitoauth.Or
	asked := 0
	asking := cognitoauth.Assert("asked", func(*http.Request, *cognitoauth.Claims) bool { asked++; return true })
	rows := []struct {
		policy cognitoauth.Policy
		scope  string // "": none
	}{
		{cognitoauth.Policy{}, ""},
		{cognitoauth.Authenticated(), ""},
		{cognitoauth.Group("x"), ""},
		{cognitoauth.ClientID("x"), ""},
		{cognitoauth.Claim("x", "y"), ""},
		{cognitoauth.UserToken(), ""},
		{cognitoauth.MachineToken(), ""},
		{cognitoauth.AuthenticatedWithin(time.Hour), ""},
		{cognitoauth.ACR("x"), ""},
		{asking, ""},
		{and(), ""},
		{or(), ""},
		{s("a"), "a"},
		{and(s("a"), asking, s("b"), s("a")), "a b"},
		{or(s("a"), s("b")), "a"},
		{or(and(s("a"), s("b")), s("c")), "a b"},
		{or(cognitoauth.Group("x"), s("b")), ""},
		{and(or(s("a"), s("b")), s("c")), "a c"},
		{and(cognitoauth.Policy{}, s("c")), "c"},
	}
	for _, row := range rows {
		e := lab.AsRefusal(t, row.policy.Check(nil, nil))
		challenge := e.Challenge()
		if e.Code != "token_missing" || e.Status != 401 || strings.Contains(challenge, "error") || !strings.HasPrefix(challenge, `Bearer realm="api"`) {
			t.Errorf("%s: code %s, challenge %s", row.policy, e.Code, challenge)
		}
		if strings.Contains(challenge, "scope=") != (row.scope != "") || row.scope != "" && scopeParam(t, challenge) != row.scope {
			t.Errorf("%s: challenge %s, want scope %q", row.policy, challenge, row.scope)
		}
	}
	if asked != 0 {
		t.Error("an assertion was asked about nil claims")
	}
}

// policyRow is a policy, a token and the code with which the one denies the
// other, "" if it does not.
type policyRow struct {
	name   string
	token  *cognitotest.Token
	policy cognitoauth.Policy
	code   string
}

func checkPolicies(t *testing.T, rows []policyRow) {
	t.Helper()
	for _, row := range rows {
		err, code := row.policy.Check(nil, row.token.Claims()), ""
		if err != nil {
			code = lab.AsRefusal(t, err).Code
		}
		if code != row.code {
			t.Errorf("%s, %s: code %q, want %q", row.name, row.policy, code, row.code)
		}
	}
}

func TestPolicy_scopesAndGroups(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user := pool.AccessToken().Scopes("orders/read", "openid").Groups("staff", "Élite", "a b")
	machine, id := pool.MachineToken(), pool.IDToken()
	checkPolicies(t, []policyRow{
		{"any token", user, cognitoauth.Authenticated(), ""},
		{"any machine's token", machine, cognitoauth.Authenticated(), ""},
		{"any ID token", id, cognitoauth.Authenticated(), ""},
		{"zero policy", user, cognitoauth.Policy{}, "policy_denies"},
		{"And of nothing", user, cognitoauth.And(), "policy_denies"},
		{"Or of nothing", user, cognitoauth.Or(), "policy_denies"},
		{"And of the zero policy", user, cognitoauth.And(cognitoauth.Policy{}), "policy_denies"},
		{"Or of the zero policy", user, cognitoauth.Or(cognitoauth.Policy{}), "policy_denies"},

		{"first scope", user, cognitoauth.Scope("orders/read"), ""},
		{"last scope", user, cognitoauth.Scope("openid"), ""},
		{"part of a scope", user, cognitoauth.Scope("orders"), "scope_missing"},
		{"end of a scope", user, cognitoauth.Scope("id"), "scope_missing"},
		{"longer scope", user, cognitoauth.Scope("orders/read/all"), "scope_missing"},
		{"scope in other case", user, cognitoauth.Scope("OpenID"), "scope_missing"},
		{"scope where there is none", user.Scopes(), cognitoauth.Scope("openid"), "scope_missing"},
		{"scope on a machine's token", machine.Scopes("a/b"), cognitoauth.Scope("a/b"), ""},
		{"scope missing on a machine's token", machine, cognitoauth.Scope("a/b"), "scope_missing"},
		{"scope on an ID token", id, cognitoauth.Scope("openid"), "scope_unattainable"},
		{"scope on an ID token that has a claim of that name", id.Set("scope", "openid"), cognitoauth.Scope("openid"), "scope_unattainable"},

		{"group", user, cognitoauth.Group("staff"), ""},
		{"group outside ASCII", user, cognitoauth.Group("Élite"), ""},
		{"group with a space", user, cognitoauth.Group("a b"), ""},
		{"part of a group", user, cognitoauth.Group("a"), "group_missing"},
		{"group in other case", user, cognitoauth.Group("Staff"), "group_missing"},
		{"group where there is none", user.Groups(), cognitoauth.Group("staff"), "group_missing"},
		{"group on a machine's token", machine, cognitoauth.Group("staff"), "group_missing"},

		{"client", user, cognitoauth.ClientID(pool.ClientID()), ""},
		{"client of an ID token", id, cognitoauth.ClientID(pool.ClientID()), ""},
		{"another client", user, cognitoauth.ClientID("another"), "client_denied"},
		{"client in other case", user.Client("abc"), cognitoauth.ClientID("ABC"), "client_denied"},
	})
}

func TestPolicy_claims(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user := pool.AccessToken().Set("custom:tenant", "acme").Set("yes", true).Set("no", false).Set("textual", "true").Set("custom:n", 1).
		Set("list", []string{"acme"}).Set("void", nil).Set("custom:plan", json.RawMessage(`"pr\u006f"`)).Set("custom:empty", "")
	checkPolicies(t, []policyRow{
		{"claim", user, cognitoauth.Claim("custom:tenant", "acme"), ""},
		{"claim with an escape", user, cognitoauth.Claim("custom:plan", "pro"), ""},
		{"empty claim", user, cognitoauth.Claim("custom:empty", ""), ""},
		{"another value", user, cognitoauth.Claim("custom:tenant", "ACME"), "claim_denied"},
		{"part of a value", user, cognitoauth.Claim("custom:tenant", "acm"), "claim_denied"},
		{"name in other case", user, cognitoauth.Claim("Custom:tenant", "acme"), "claim_denied"},
		{"claim missing", user, cognitoauth.Claim("custom:other", "acme"), "claim_denied"},
		{"claim missing, nothing wanted", user, cognitoauth.Claim("custom:other", ""), "claim_denied"},
		{"true", user, cognitoauth.Claim("yes", "true"), ""},
		{"false", user, cognitoauth.Claim("no", "false"), ""},
		{"text of true", user, cognitoauth.Claim("textual", "true"), ""},
		{"false for true", user, cognitoauth.Claim("no", "true"), "claim_denied"},
		{"true for false", user, cognitoauth.Claim("yes", "false"), "claim_denied"},
		{"true in capitals", user, cognitoauth.Claim("yes", "True"), "claim_denied"},
		{"number", user, cognitoauth.Claim("custom:n", "1"), "claim_denied"},
		{"null", user, cognitoauth.Claim("void", "null"), "claim_denied"},
		{"list", user, cognitoauth.Claim("list", "acme"), "claim_denied"},
	})
}

func TestPolicy_kindsAndLogins(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user, machine, id := pool.AccessToken().Set("acr", "urn:x:1"), pool.MachineToken(), pool.IDToken().Set("acr", "urn:x:1")
	yes := func(*http.Request, *cognitoauth.Claims) bool { return true }
	no := func(*http.Request, *cognitoauth.Claims) bool { return false }
	checkPolicies(t, []policyRow{
		{"user", user, cognitoauth.UserToken(), ""},
		{"user with an ID token", id, cognitoauth.UserToken(), ""},
		{"machine for a user", machine, cognitoauth.UserToken(), "user_required"},
		{"machine", machine, cognitoauth.MachineToken(), ""},
		{"user for a machine", user, cognitoauth.MachineToken(), "machine_required"},
		{"ID token for a machine", id.Delete("cognito:username"), cognitoauth.MachineToken(), "machine_required"},

		{"level", user, cognitoauth.ACR("urn:x:1"), ""},
		{"level of an ID token", id, cognitoauth.ACR("urn:x:1"), ""},
		{"higher level", user, cognitoauth.ACR("urn:x:2"), "acr_mismatch"},
		{"level in other case", user, cognitoauth.ACR("URN:x:1"), "acr_mismatch"},
		{"no level", user.Delete("acr"), cognitoauth.ACR("urn:x:1"), "acr_mismatch"},
		{"level on a machine's token", machine, cognitoauth.ACR("urn:x:1"), "acr_unattainable"},

		{"recent login", user, cognitoauth.AuthenticatedWithin(time.Second), ""},
		{"old login", user.Set("auth_time", lab.Noon.Add(-time.Hour)), cognitoauth.AuthenticatedWithin(time.Minute), "login_too_old"},
		{"login on a machine's token", machine, cognitoauth.AuthenticatedWithin(time.Hour), "login_unattainable"},

		{"assertion that holds", user, cognitoauth.Assert("always", yes), ""},
		{"assertion that does not", user, cognitoauth.Assert("never", no), "assertion_denied"},
	})
}

// The clock and the leeway are those of the Middleware that verified the token,
// not the machine's.
func TestPolicy_clockOfTheMiddleware(t *testing.T) {
	now := lab.Noon
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.Now, c.Leeway = func() time.Time { return now }, 2*time.Minute
	})
	claims, err := d.auth.Validate(t.Context(), d.pool.AccessToken().String())
	if err != nil {
		t.Fatal(err)
	}
	policy := cognitoauth.AuthenticatedWithin(time.Minute)
	for _, row := range []struct {
		late time.Duration
		met  bool
	}{{0, true}, {3 * time.Minute, true}, {3*time.Minute + 1, false}, {-2 * time.Minute, true}, {-2*time.Minute - 1, false}} {
		now = lab.Noon.Add(row.late)
		if err := policy.Check(nil, claims); (err == nil) != row.met {
			t.Errorf("%s late: %v", row.late, err)
		}
	}
	if err := policy.Check(nil, &cognitoauth.Claims{TokenUse: cognitoauth.IDToken, AuthTime: time.Now()}); err == nil {
		t.Error("claims that no Middleware verified are recent enough")
	}
}

func TestPolicy_zeroClaims(t *testing.T) {
	zero := new(cognitoauth.Claims)
	for _, l := range leaves {
		if err := l.policy.Check(nil, zero); err == nil {
			t.Errorf("%s is met by zero claims", l.text)
		}
	}
	if err := cognitoauth.Claim("x", "").Check(nil, zero); err == nil {
		t.Error("Claim is met by zero claims")
	}
}

func TestPolicy_panics(t *testing.T) {
	yes := func(*http.Request, *cognitoauth.Claims) bool { return true }
	rows := []struct {
		name string
		make func() cognitoauth.Policy
		ok   bool
	}{
		{"empty scope", func() cognitoauth.Policy { return cognitoauth.Scope("") }, false},
		{"two scopes", func() cognitoauth.Policy { return cognitoauth.Scope("a b") }, false},
		{"scope with a space behind it", func() cognitoauth.Policy { return cognitoauth.Scope("a ") }, false},
		{"scope with a quote", func() cognitoauth.Policy { return cognitoauth.Scope(`a"b`) }, false},
		{"scope with a backslash", func() cognitoauth.Policy { return cognitoauth.Scope(`a\b`) }, false},
		{"scope with a tab", func() cognitoauth.Policy { return cognitoauth.Scope("a\tb") }, false},
		{"scope with DEL", func() cognitoauth.Policy { return cognitoauth.Scope("a\x7f") }, false},
		{"scope outside ASCII", func() cognitoauth.Policy { return cognitoauth.Scope("é") }, false},
		{"scope of all that RFC 6749 allows", func() cognitoauth.Policy { return cognitoauth.Scope("!#[]~/:.%&'(") }, true},
		{"empty group", func() cognitoauth.Policy { return cognitoauth.Group("") }, false},
		{"group of one space", func() cognitoauth.Policy { return cognitoauth.Group(" ") }, true},
		{"empty client", func() cognitoauth.Policy { return cognitoauth.ClientID("") }, false},
		{"claim without a name", func() cognitoauth.Policy { return cognitoauth.Claim("", "x") }, false},
		{"claim scope", func() cognitoauth.Policy { return cognitoauth.Claim("scope", "x") }, false},
		{"claim cognito:groups", func() cognitoauth.Policy { return cognitoauth.Claim("cognito:groups", "x") }, false},
		{"claim with an empty value", func() cognitoauth.Policy { return cognitoauth.Claim("x", "") }, true},
		{"duration zero", func() cognitoauth.Policy { return cognitoauth.AuthenticatedWithin(0) }, false},
		{"negative duration", func() cognitoauth.Policy { return cognitoauth.AuthenticatedWithin(-time.Second) }, false},
		{"a second", func() cognitoauth.Policy { return cognitoauth.AuthenticatedWithin(time.Second) }, true},
		{"empty level", func() cognitoauth.Policy { return cognitoauth.ACR("") }, false},
		{"two levels", func() cognitoauth.Policy { return cognitoauth.ACR("a b") }, false},
		{"level with a quote", func() cognitoauth.Policy { return cognitoauth.ACR(`a"`) }, false},
		{"level outside ASCII", func() cognitoauth.Policy { return cognitoauth.ACR("é") }, false},
		{"assertion of nothing", func() cognitoauth.Policy { return cognitoauth.Assert("", yes) }, false},
		{"assertion without a function", func() cognitoauth.Policy { return cognitoauth.Assert("x", nil) }, false},
	}
	for _, row := range rows {
		func() {
			defer func() {
				p := recover()
				if text, _ := p.(string); (p == nil) != row.ok || p != nil && !strings.HasPrefix(text, "cognitoauth: ") {
					t.Errorf("%s: panic %v", row.name, p)
				}
			}()
			row.make()
		}()
	}
}

// String is a Go expression that makes an equal policy.
func TestPolicy_stringMakesThePolicy(t *testing.T) {
	yes := func(*http.Request, *cognitoauth.Claims) bool { return true }
	all := []cognitoauth.Policy{
		{},
		cognitoauth.Authenticated(),
		cognitoauth.UserToken(),
		cognitoauth.MachineToken(),
		cognitoauth.Group("a \"quoted\" \\ group\n\x00 é \u2028"),
		cognitoauth.ClientID("1example"),
		cognitoauth.Claim("custom:x", `y"`),
		cognitoauth.Scope("orders/write"),
		cognitoauth.ACR("urn:x:1"),
		cognitoauth.Assert("a \"tenant\"", yes),
		cognitoauth.And(),
		cognitoauth.Or(),
	}
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 15 * time.Minute, 36 * time.Hour, 1500 * time.Millisecond, time.Second + 1} {
		all = append(all, cognitoauth.AuthenticatedWithin(d))
	}
	all = append(all, cognitoauth.And(all...), cognitoauth.Or(cognitoauth.And(all[1], cognitoauth.Or(all[2:5]...)), all[6]))
	for _, p := range all {
		expr, err := parser.ParseExpr(p.String())
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		again, err := evaluate(expr)
		if err != nil {
			t.Errorf("%s: %v", p, err)
		} else if again.String() != p.String() {
			t.Errorf("%s makes %s", p, again)
		}
	}
	for _, n := range trees(leaves)[:400] {
		if n.policy.String() != n.text && !strings.Contains(n.text, "Within") {
			t.Errorf("%s, want %s", n.policy, n.text)
		}
	}
}

// evaluate makes the policy that a Go expression stands for.
func evaluate(e ast.Expr) (p cognitoauth.Policy, err error) {
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 && fmt.Sprint(lit.Type) == "Policy" {
		return p, nil
	}
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return p, fmt.Errorf("%T is not a call", e)
	}
	var policies []cognitoauth.Policy
	var texts []string
	var numbers []time.Duration
	for _, arg := range call.Args {
		switch lit, ok := arg.(*ast.BasicLit); {
		case ok && lit.Kind == token.STRING:
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				return p, err
			}
			texts = append(texts, s)
		case fmt.Sprint(call.Fun) == "AuthenticatedWithin":
			d, err := duration(arg)
			if err != nil {
				return p, err
			}
			numbers = append(numbers, d)
		default:
			inner, err := evaluate(arg)
			if err != nil {
				return p, err
			}
			policies = append(policies, inner)
		}
	}
	return makePolicy(fmt.Sprint(call.Fun), policies, texts, numbers)
}

func makePolicy(name string, policies []cognitoauth.Policy, texts []string, numbers []time.Duration) (p cognitoauth.Policy, err error) {
	yes := func(*http.Request, *cognitoauth.Claims) bool { return true }
	switch signature := fmt.Sprintf("%s%d%d", name, len(texts), len(numbers)); signature {
	case "And00":
		return cognitoauth.And(policies...), nil
	case "Or00":
		return cognitoauth.Or(policies...), nil
	case "Authenticated00":
		return cognitoauth.Authenticated(), nil
	case "UserToken00":
		return cognitoauth.UserToken(), nil
	case "MachineToken00":
		return cognitoauth.MachineToken(), nil
	case "Group10":
		return cognitoauth.Group(texts[0]), nil
	case "ClientID10":
		return cognitoauth.ClientID(texts[0]), nil
	case "Scope10":
		return cognitoauth.Scope(texts[0]), nil
	case "ACR10":
		return cognitoauth.ACR(texts[0]), nil
	case "Assert10":
		return cognitoauth.Assert(texts[0], yes), nil
	case "Claim20":
		return cognitoauth.Claim(texts[0], texts[1]), nil
	case "AuthenticatedWithin01":
		return cognitoauth.AuthenticatedWithin(numbers[0]), nil
	default:
		return p, fmt.Errorf("no leaf is made by %s", signature)
	}
}

// duration is the value of a constant expression such as 15 * time.Minute.
func duration(e ast.Expr) (time.Duration, error) {
	units := map[string]time.Duration{"Nanosecond": 1, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
		"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour}
	switch e := e.(type) {
	case *ast.BasicLit:
		n, err := strconv.ParseInt(e.Value, 10, 64)
		return time.Duration(n), err
	case *ast.SelectorExpr:
		if unit := units[e.Sel.Name]; unit != 0 && fmt.Sprint(e.X) == "time" {
			return unit, nil
		}
	case *ast.CallExpr:
		if fmt.Sprint(e.Fun) == "&{time Duration}" && len(e.Args) == 1 {
			return duration(e.Args[0])
		}
	case *ast.BinaryExpr:
		x, err1 := duration(e.X)
		y, err2 := duration(e.Y)
		if e.Op == token.MUL {
			return x * y, errors.Join(err1, err2)
		}
		if e.Op == token.ADD {
			return x + y, errors.Join(err1, err2)
		}
	}
	return 0, fmt.Errorf("%T is no duration", e)
}

// An assertion is asked at most once for a Check, wherever it stands, with the
// request and claims that Check was given.
func TestPolicy_asksOnce(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	claims := callers(t)[0].claims
	for _, holds := range []bool{true, false} {
		asked := 0
		ask := &tree{leaf: leaf{"Assert", cognitoauth.Assert("x", func(got *http.Request, c *cognitoauth.Claims) bool {
			asked++
			if got != r || c != claims {
				t.Error("the assertion got another request or other claims")
			}
			return holds
		})}}
		for _, l := range leaves {
			other := &tree{leaf: l}
			for _, ops := range [][2]string{{"And", "And"}, {"And", "Or"}, {"Or", "And"}, {"Or", "Or"}} {
				for _, n := range []*tree{compose(ops[0], ask, other), compose(ops[0], other, ask),
					compose(ops[0], other, compose(ops[1], ask, other)), compose(ops[0], compose(ops[1], other, ask), other)} {
					asked = 0
					_ = n.policy.Check(r, claims)
					if asked > 1 {
						t.Errorf("%s: asked %d times", n.text, asked)
					}
				}
			}
		}
		asked = 0
		if err := cognitoauth.Or(cognitoauth.Group("mine"), ask.policy).Check(r, claims); err != nil || asked != 0 {
			t.Errorf("asked %d times after an alternative that is met: %v", asked, err)
		}
		if err := cognitoauth.And(ask.policy).Check(r, claims); (err == nil) != holds || asked != 1 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	}
}

// Changing the slice that made a policy changes nothing.
func TestPolicy_keepsItsParts(t *testing.T) {
	claims := callers(t)[0].claims
	parts := []cognitoauth.Policy{cognitoauth.Group("other")}
	and, or := cognitoauth.And(parts...), cognitoauth.Or(parts...)
	parts[0] = cognitoauth.Authenticated()
	if and.Check(nil, claims) == nil || or.Check(nil, claims) == nil {
		t.Error("the policy has changed")
	}
}

// Two checks of one policy share no answer.
func TestPolicy_answersAreFresh(t *testing.T) {
	claims := callers(t)[0].claims
	policy := cognitoauth.And(cognitoauth.AuthenticatedWithin(time.Hour), cognitoauth.ACR("high"))
	first := lab.AsRefusal(t, policy.Check(nil, claims))
	first.Status = 0
	if again := lab.AsRefusal(t, policy.Check(nil, claims)); again == first || again.Status != 401 {
		t.Error("the second answer is the first")
	}
}

// Ten times the groups cost about ten times as much, to decode and to look
// through. A square law would cost a hundred times as much.
func TestPolicy_linearInGroups(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	token := func(n int) *cognitotest.Token {
		groups := make([]string, n)
		for i := range groups {
			groups[i] = fmt.Sprintf("group-%05d", i)
		}
		return pool.AccessToken().Groups(groups...)
	}
	few, many := token(1000), token(10000)
	if !grows(40, func() { few.Claims() }, func() { many.Claims() }) {
		t.Error("decoding ten times the groups costs more than forty times as much")
	}
	policy, fewClaims, manyClaims := cognitoauth.Group("none"), few.Claims(), many.Claims()
	if !grows(40, func() { _ = policy.Check(nil, fewClaims) }, func() { _ = policy.Check(nil, manyClaims) }) {
		t.Error("looking through ten times the groups costs more than forty times as much")
	}
	if err := cognitoauth.Group("group-09999").Check(nil, manyClaims); err != nil {
		t.Error(err)
	}
}

// A policy of many parts asks each of them once.
func TestPolicy_linearInParts(t *testing.T) {
	const n = 2000
	asked := 0
	meets := false
	parts := make([]cognitoauth.Policy, n)
	for i := range parts {
		parts[i] = cognitoauth.Assert("x", func(*http.Request, *cognitoauth.Claims) bool { asked++; return meets })
	}
	claims := callers(t)[0].claims
	and, or := cognitoauth.And(parts...), cognitoauth.Or(parts...)
	for _, row := range []struct {
		policy cognitoauth.Policy
		meets  bool
		want   answer
	}{{and, true, met}, {or, false, plain}, {cognitoauth.And(or), false, plain}} {
		asked, meets = 0, row.meets
		if got := readAnswer(t, row.policy.Check(nil, claims)); got != row.want || asked != n {
			t.Errorf("%s, asked %d times", got, asked)
		}
	}
}

// grows reports whether much costs at most limit times as much as little. Noise
// only ever lengthens a run, so the shortest of some counts, and of a few tries
// the best.
func grows(limit int, little, much func()) bool {
	fastest := func(work func()) time.Duration {
		best := time.Duration(1 << 62)
		for range 7 {
			start := time.Now()
			work()
			best = min(best, time.Since(start))
		}
		return max(best, time.Microsecond)
	}
	for range 5 {
		if short := fastest(little); fastest(much) <= time.Duration(limit)*short {
			return true
		}
	}
	return false
}
