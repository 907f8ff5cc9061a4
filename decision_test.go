package cognitoauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

const (
	poolID   = "eu-west-1_AbCdEf123"
	clientID = "1example23456789"
)

// letIn is the decision for a request with this token, nil for none.
func letIn(pattern string, token *cognitotest.Token) cognitoauth.Decision {
	d := cognitoauth.Decision{Allowed: true, Code: "anonymous", Pattern: pattern}
	if token != nil {
		d.Code, d.Verified, d.Pool, d.ClientID, d.ClientListed, d.KeyID = "authenticated", true, poolID, clientID, true, token.KeyID()
	}
	return d
}

// turnedAway is the decision for a request whose token, nil for none, was good.
func turnedAway(code, pattern string, token *cognitotest.Token) cognitoauth.Decision {
	d := letIn(pattern, token)
	d.Allowed, d.Code = false, code
	return d
}

// unverified is the decision for a token that was not, found by the entry of
// this pool, "" for none.
func unverified(code, pattern, pool, kid string) cognitoauth.Decision {
	return cognitoauth.Decision{Code: code, Pattern: pattern, Pool: pool, KeyID: kid}
}

// verdictOf is a decision without what TestDecision_whoCalled is about.
func verdictOf(d cognitoauth.Decision) cognitoauth.Decision {
	d.Err, d.Method, d.Duration, d.Remembered, d.Claims, d.Policy = nil, "", 0, false, nil, ""
	return d
}

// decided is a request and the decisions about it, in order.
type decided struct {
	name  string
	line  string
	token fmt.Stringer // nil: none
	want  []cognitoauth.Decision
}

func (tt decided) check(t *testing.T, g *lab.Gate, h http.Handler) {
	t.Helper()
	g.Forget()
	r := lab.Call(tt.line)
	if tt.token != nil {
		r.Header.Set("Authorization", "Bearer "+tt.token.String())
	}
	lab.Ask(h, r)
	for i := range g.Decisions {
		d := &g.Decisions[i]
		if d.Allowed != (d.Err == nil) || d.Err != nil && d.Err.Code != d.Code {
			t.Errorf("%s: decision %+v has error %v", tt.name, d, d.Err)
		}
		if d.Method != strings.Fields(tt.line)[0] || d.Duration <= 0 {
			t.Errorf("%s: decision %+v, want the method of %q and a duration", tt.name, d, tt.line)
		}
		g.Decisions[i] = verdictOf(*d)
	}
	if !slices.Equal(g.Decisions, tt.want) {
		t.Errorf("%s:\n got %+v\nwant %+v", tt.name, g.Decisions, tt.want)
	}
}

// Once for each request, when the decision is final.
func TestOnDecision(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	good := g.Pool.AccessToken()
	kid := good.KeyID()
	type list = []cognitoauth.Decision
	for _, tt := range []decided{
		{"let in", "GET /me", good, list{letIn("/me", good)}},
		{"let in, unknown route", "GET /nowhere", good, list{letIn("", good)}},
		{"let in, wrong method", "POST /healthz", good, list{letIn("", good)}},
		{"anonymous", "GET /healthz", nil, list{letIn("GET /healthz", nil)}},
		{"anonymous with a token", "HEAD /healthz", good, list{letIn("GET /healthz", nil)}},
		{"optional without a token", "GET /greet", nil, list{letIn("/greet", nil)}},
		{"optional with a token", "GET /greet", good, list{letIn("/greet", good)}},
		{"optional with a bad token", "GET /greet", literal("a"), list{unverified("token_malformed", "/greet", "", "")}},
		{"no token", "GET /me", nil, list{unverified("token_missing", "/me", "", "")}},
		{"no token, unknown route", "GET /nowhere", nil, list{unverified("token_missing", "", "", "")}},
		{"no token, Require", "GET /orders", nil, list{unverified("token_missing", "/orders", "", "")}},
		{"malformed credentials", "GET /me", literal(""), list{unverified("credentials_malformed", "/me", "", "")}},
		{"header not read", "GET /me", good.DeleteHeader("kid"), list{unverified("key_id_invalid", "/me", "", "")}},
		{"header read", "GET /me", good.SetHeader("typ", "x"), list{unverified("type_unsupported", "/me", "", kid)}},
		{"claims not read", "GET /me", good.Set("exp", "x"), list{unverified("claims_malformed", "/me", "", kid)}},
		{"issuer not known", "GET /me", good.Set("iss", "x"), list{unverified("issuer_mismatch", "/me", "", kid)}},
		{"claims refused", "GET /me", good.Client("2other"), list{unverified("client_mismatch", "/me", poolID, kid)}},
		{"signature refused", "GET /me", good.Tampered(), list{unverified("signature_invalid", "/me", poolID, kid)}},
	} {
		tt.check(t, g, h)
	}
}

// A Require that Wrap can see decides within the one decision; one that it
// cannot see, in a second.
func TestOnDecision_require(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	good := g.Pool.AccessToken()
	type list = []cognitoauth.Decision
	for _, tt := range []decided{
		{"met", "GET /orders", good.Scopes("orders/read"), list{letIn("/orders", good)}},
		{"not met", "GET /orders", good, list{turnedAway("scope_missing", "/orders", good)}},
		{"nested, met", "GET /nested", good.Scopes("orders/read", "orders/write"), list{letIn("/nested", good)}},
		{"nested, outer not met", "GET /nested", good.Scopes("orders/write"), list{turnedAway("scope_missing", "/nested", good)}},
		{"nested, inner not met", "GET /nested", good.Scopes("orders/read"), list{turnedAway("scope_missing", "/nested", good)}},
		{"hidden, met", "GET /hidden", good.Scopes("orders/read"), list{letIn("/hidden", good)}},
		{"hidden, not met", "GET /hidden", good, list{letIn("/hidden", good), turnedAway("scope_missing", "/hidden", good)}},
		{"hidden, no token", "GET /greet-hidden", nil, list{letIn("/greet-hidden", nil), turnedAway("token_missing", "/greet-hidden", nil)}},
	} {
		tt.check(t, g, h)
	}
}

// Where a mux outside of Wrap has found the route, its pattern is told.
func TestOnDecision_wrapInsideMux(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.Auth.Wrap(g.Page()))
	mux.Handle("GET /orders", g.Auth.Wrap(cognitoauth.Require(lab.ReadOrders, g.Page())))
	mux.Handle("GET /healthz", g.Auth.Wrap(cognitoauth.AllowAnonymous(g.Page())))
	good := g.Pool.AccessToken()
	type list = []cognitoauth.Decision
	for _, tt := range []decided{
		{"let in", "GET /me", good, list{letIn("GET /me", good)}},
		{"no token", "GET /me", nil, list{unverified("token_missing", "GET /me", "", "")}},
		{"Require, no token", "GET /orders", nil, list{unverified("token_missing", "GET /orders", "", "")}},
		{"Require not met", "GET /orders", good, list{turnedAway("scope_missing", "GET /orders", good)}},
		{"anonymous", "GET /healthz", nil, list{letIn("GET /healthz", nil)}},
	} {
		tt.check(t, g, mux)
	}
}

func TestOnDecision_fallbackAndRevocation(t *testing.T) {
	for code, change := range map[string]func(*cognitoauth.Config){
		"group_missing":          fallback(cognitoauth.Group("admin")),
		"token_revoked":          revocation(true, nil),
		"revocation_unavailable": revocation(false, errors.New("down")),
	} {
		g := lab.NewGate(t, change)
		token := g.Pool.AccessToken()
		lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.BearerCall(token))
		if len(g.Decisions) != 1 {
			t.Fatalf("%s: %d decisions", code, len(g.Decisions))
		}
		d := verdictOf(g.Decisions[0])
		want := cognitoauth.Decision{Code: code, Verified: true, Pool: g.Pool.ID(), ClientID: g.Pool.ClientID(), ClientListed: true, KeyID: token.KeyID()}
		if d != want {
			t.Errorf("%s: got %+v, want %+v", code, d, want)
		}
	}
}

// Who called is told of every request that was let in with a token, and of every
// one that a policy refused; of no other. The claims are the decision's own.
func TestDecision_whoCalled(t *testing.T) {
	g := lab.NewGate(t, fallback(cognitoauth.Scope("api")))
	h := g.Auth.Wrap(lab.NewSite(g))
	ann := g.Pool.AccessToken().User("ann")
	for _, tt := range []struct {
		line   string
		token  *cognitotest.Token
		code   string
		who    string
		policy string
	}{
		{"GET /me", ann.Scopes("api"), "authenticated", "ann", ""},
		{"POST /me", ann.Scopes("api"), "authenticated", "ann", ""},
		{"GET /greet", ann, "authenticated", "ann", ""},
		{"GET /greet", nil, "anonymous", "", ""},
		{"GET /healthz", ann, "anonymous", "", ""},
		{"GET /me", ann.Scopes("other"), "scope_missing", "ann", `Scope("api")`},
		{"GET /orders", ann.Scopes("api", "orders/read"), "authenticated", "ann", ""},
		{"GET /orders", ann.Scopes("api"), "scope_missing", "ann", `Scope("orders/read")`},
		{"GET /nested", ann.Scopes("api", "orders/read"), "scope_missing", "ann", `Scope("orders/write")`},
		{"GET /greet-hidden", nil, "token_missing", "", `Scope("orders/read")`},
		{"GET /me", nil, "token_missing", "", ""},
		{"GET /me", ann.Tampered(), "signature_invalid", "", ""},
	} {
		g.Forget()
		r := lab.Call(tt.line)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		lab.Ask(h, r)
		if len(g.Decisions) == 0 {
			t.Fatalf("%s: no decision", tt.line)
		}
		d := g.Decisions[len(g.Decisions)-1]
		who := ""
		if d.Claims != nil {
			who = d.Claims.Username
		}
		if d.Code != tt.code || who != tt.who || (d.Claims != nil) != (tt.who != "") || d.Policy != tt.policy || d.Method != r.Method {
			t.Errorf("%s: %+v by %q, want %s by %q, policy %q", tt.line, d, who, tt.code, tt.who, tt.policy)
		}
	}
}

// A token that was verified before is told as remembered, whatever is decided then.
func TestDecision_remembered(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	good := g.Pool.AccessToken()
	for _, tt := range []struct {
		line  string
		token *cognitotest.Token
		again bool
	}{
		{"GET /me", good.User("a"), true},
		{"GET /greet", good.User("b"), true},
		{"GET /orders", good.User("c").Scopes("orders/read"), true},
		{"GET /orders", good.User("d"), true}, // refused by a policy
		{"GET /hidden", good.User("e"), true}, // and by one that Wrap cannot see
		{"GET /me", good.User("f").Tampered(), false},
		{"GET /me", nil, false},
		{"GET /healthz", good, false},
	} {
		r := lab.Call(tt.line)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		for _, want := range []bool{false, tt.again} {
			g.Forget()
			lab.Ask(h, r)
			for _, d := range g.Decisions {
				if d.Remembered != want {
					t.Errorf("%s: %s, remembered %t, want %t", tt.line, d.Code, d.Remembered, want)
				}
			}
		}
	}
}

// What OnDecision does to the claims is not seen by the handler, nor by the next
// request.
func TestDecision_claimsAreACopy(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
			d.Claims.Username, d.Claims.Subject = "mallory", "mallory"
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/me", g.Page())
	mux.Handle("/orders", cognitoauth.Require(lab.ReadOrders, g.Page()))
	h := g.Auth.Wrap(mux)
	bearer := "Bearer " + g.Pool.AccessToken().User("ann").Scopes("orders/read").String()
	for _, path := range []string{"/me", "/me", "/orders"} {
		if w := lab.Ask(h, lab.Call("GET "+path, "Authorization", bearer)); w.Body.String() != "ann" {
			t.Errorf("%s: the handler sees %s", path, w.Body)
		}
	}
}

// The duration is that of the library alone, and has the wait for keys in it.
func TestDecision_duration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []time.Duration
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		cfg := pool.Config()
		cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { got = append(got, d.Duration) }
		cfg.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) {
			time.Sleep(2 * time.Second)
			return false, nil
		}
		auth := lab.MustNew(t, cfg)
		slow := func(d time.Duration, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(d)
				next.ServeHTTP(w, r)
			})
		}
		policy := cognitoauth.Assert("slow", func(*http.Request, *cognitoauth.Claims) bool { time.Sleep(time.Second); return true })
		nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux := http.NewServeMux()
		mux.Handle("/me", slow(time.Minute, nothing))
		mux.Handle("/slow", cognitoauth.Require(policy, slow(time.Minute, nothing)))
		mux.Handle("/open", cognitoauth.AllowAnonymous(slow(time.Minute, nothing)))
		mux.Handle("/nested", cognitoauth.Require(policy, cognitoauth.Require(policy, nothing)))
		mux.Handle("/within", cognitoauth.Require(policy, slow(time.Minute, cognitoauth.Require(cognitoauth.And(policy, cognitoauth.Group("staff")), nothing))))
		h := auth.WrapWith(mux, func(next http.Handler) http.Handler { return slow(time.Hour, next) })
		const second = time.Second
		for path, want := range map[string][]time.Duration{"/me": {2 * second}, "/slow": {3 * second}, "/open": {0}, "/nested": {4 * second}, "/within": {3 * second, second}} {
			got = nil
			lab.Ask(h, lab.Call("GET "+path, "Authorization", "Bearer "+pool.AccessToken().ExpiresIn(9*time.Hour).String()))
			if !slices.Equal(got, want) {
				t.Errorf("%s: took %v, want %v", path, got, want)
			}
		}
	})
}

// The decision is told before the handler runs or the refusal is answered, and
// with the request's context.
func TestOnDecision_order(t *testing.T) {
	var events []string
	type key struct{}
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.OnDecision = func(ctx context.Context, d cognitoauth.Decision) {
			events = append(events, fmt.Sprint("decision ", d.Allowed, " ", ctx.Value(key{})))
		}
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			events = append(events, fmt.Sprint("answer ", e.Code, " ", r.Context().Value(key{})))
			w.WriteHeader(http.StatusTeapot)
		}
	})
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { events = append(events, "handler") })
	mux := http.NewServeMux()
	mux.Handle("/me", page)
	mux.Handle("/open", cognitoauth.AllowAnonymous(page))
	mux.Handle("/orders", cognitoauth.Require(lab.ReadOrders, page))
	h := g.Auth.Wrap(mux)
	for _, tt := range []struct {
		path, token string
		want        string
		status      int
	}{
		{"/me", g.Good(), "decision true yes, handler", 200},
		{"/open", "", "decision true yes, handler", 200},
		{"/me", "", "decision false yes, answer token_missing yes", 418},
		{"/orders", g.Good(), "decision false yes, answer scope_missing yes", 418},
		{"/orders", "Bearer " + g.Pool.AccessToken().Scopes("orders/read").String(), "decision true yes, handler", 200},
	} {
		events = nil
		r := lab.Call("GET " + tt.path)
		if tt.token != "" {
			r.Header.Set("Authorization", tt.token)
		}
		w := lab.Ask(h, r.WithContext(context.WithValue(r.Context(), key{}, "yes")))
		if got := strings.Join(events, ", "); got != tt.want || w.Code != tt.status {
			t.Errorf("%s: %d after %q, want %d after %q", tt.path, w.Code, got, tt.status, tt.want)
		}
	}
}

// One record for a refusal, with what is known, and none for what is let in.
func TestLogger(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	token := g.Pool.AccessToken()
	for _, tt := range []struct {
		line  string
		token fmt.Stringer
		code  string // "": let in
		want  map[string]any
	}{
		{"GET /healthz", nil, "", nil},
		{"GET /greet", nil, "", nil},
		{"GET /me", token, "", nil},
		{"GET /orders", token.Scopes("orders/read"), "", nil},
		{"GET /nowhere", nil, "token_missing", map[string]any{"status": 401.0}},
		{"GET /me", nil, "token_missing", map[string]any{"status": 401.0, "pattern": "/me"}},
		{"GET /me", literal("a b"), "credentials_malformed", map[string]any{"status": 400.0, "pattern": "/me"}},
		{"GET /me", token.Client("2other"), "client_mismatch", map[string]any{"status": 401.0, "pattern": "/me", "pool": poolID, "kid": token.KeyID()}},
		{"GET /orders", token, "scope_missing", map[string]any{"status": 403.0, "pattern": "/orders", "pool": poolID, "kid": token.KeyID(), "client_id": clientID}},
		{"GET /hidden", token, "scope_missing", map[string]any{"status": 403.0, "pattern": "/hidden", "pool": poolID, "kid": token.KeyID(), "client_id": clientID}},
	} {
		g.Forget()
		r := lab.Call(tt.line)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		lab.Ask(h, r)
		records := g.Records()
		if tt.code == "" {
			if len(records) > 0 {
				t.Errorf("%s was let in and logged: %v", tt.line, records)
			}
			continue
		}
		if len(records) != 1 {
			t.Fatalf("%s: %d records: %v", tt.line, len(records), records)
		}
		got, want := records[0], tt.want
		want["level"], want["msg"], want["code"] = "INFO", "cognitoauth: refused", tt.code
		want["detail"] = g.Decisions[len(g.Decisions)-1].Err.Detail()
		delete(got, "time")
		if !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", tt.line, got, want)
		}
		if told := asRecord(g.Decisions[len(g.Decisions)-1]); !maps.Equal(got, told) {
			t.Errorf("%s: logged is\n%v\nand OnDecision was told\n%v", tt.line, got, told)
		}
	}
}

// What a caller writes into a record is ASCII, 64 bytes of it at most, and cannot
// be taken for something else.
func TestLogger_quotesWhatCallersWrite(t *testing.T) {
	const marks = "\u202egnp.exe"
	for _, tt := range []struct{ name, kid, requestID, wantKid, wantID string }{
		{"plain", "abc+/=", "Root=1-67891233", "abc+/=", "Root=1-67891233"},
		{"64 bytes", strings.Repeat("k", 64), strings.Repeat("r", 64), strings.Repeat("k", 64), strings.Repeat("r", 64)},
		{"longer", strings.Repeat("k", 200), strings.Repeat("r", 128), `"` + strings.Repeat("k", 64) + `"...`, `"` + strings.Repeat("r", 64) + `"...`},
		{"a direction mark", marks, "r-1", `"\u202egnp.exe"`, "r-1"},
		{"a line break", "a\nb", "r-1", `"a\nb"`, "r-1"},
		{"quotes of the caller's own", `"abc"`, `"r"`, `"\"abc\""`, `"\"r\""`},
		{"a backslash", `a\nb`, `r\n`, `"a\\nb"`, `"r\\n"`},
	} {
		g := lab.NewGate(t, nil)
		// Every refusal behind the header knows the kid, before the signature and after it.
		for _, token := range []*cognitotest.Token{g.Pool.AccessToken().Client("2other"), g.Pool.AccessToken()} {
			g.Forget()
			lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /me", "X-Request-Id", tt.requestID, "Authorization", "Bearer "+token.SetHeader("kid", tt.kid).String()))
			records := g.Records()
			if len(records) != 1 || records[0]["kid"] != tt.wantKid || records[0]["request_id"] != tt.wantID {
				t.Errorf("%s: %v, want kid %s and request_id %s", tt.name, records, tt.wantKid, tt.wantID)
			}
		}
	}
}

// asRecord is what a record of a decision has.
func asRecord(d cognitoauth.Decision) map[string]any {
	record := map[string]any{"level": "INFO", "msg": "cognitoauth: refused", "status": float64(d.Err.Status)}
	for name, value := range map[string]string{
		"code": d.Code, "detail": d.Err.Detail(), "pool": d.Pool, "client_id": d.ClientID, "kid": d.KeyID, "pattern": d.Pattern, "request_id": d.RequestID,
	} {
		if value != "" {
			record[name] = value
		}
	}
	return record
}

// Whoever reads the log finds each field explained, and no other.
func TestLogger_documented(t *testing.T) {
	var doc string
	for _, name := range lab.Sources(t) {
		if _, rest, found := strings.Cut(lab.Text(t, name), "// Decision is what"); found {
			doc, _, _ = strings.Cut(rest, "\ntype Decision struct {\n")
		}
	}
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z_, ]+?) {2,}`).FindAllStringSubmatch(doc, -1) {
		documented = append(documented, strings.Split(m[1], ", ")...)
	}
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGate(t, nil)
		h := g.Auth.Wrap(lab.NewSite(g))
		for range 11 {
			r := lab.Call("GET /orders", "X-Request-Id", "r-1", "Authorization", "Bearer "+g.Pool.AccessToken().String())
			lab.Ask(h, r)
		}
		time.Sleep(time.Minute + 1)
		g.Forget()
		lab.Ask(h, lab.Call("GET /orders", "X-Request-Id", "r-1", "Authorization", "Bearer "+g.Pool.AccessToken().String()))
		records := g.Records()
		if len(records) != 1 {
			t.Fatalf("%d records", len(records))
		}
		logged := slices.Sorted(maps.Keys(records[0]))
		logged = slices.DeleteFunc(logged, func(name string) bool { return name == "time" || name == "level" || name == "msg" })
		if !slices.Equal(logged, slices.Sorted(slices.Values(documented))) {
			t.Errorf("logged are %q, documented %q", logged, documented)
		}
	})
}

// Of refusals of one code, pool and pattern ten a minute are logged, and the
// next record tells how many were not.
func TestLogger_samples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGate(t, nil)
		mux := lab.NewSite(g)
		mux.Handle("/other", g.Page())
		h := g.Auth.Wrap(mux)
		for _, step := range []struct {
			name       string
			sleep      time.Duration
			line       string
			requests   int
			records    int
			suppressed float64 // of the first record
		}{
			{"the first ten", 0, "GET /me", 10, 10, 0},
			{"no more", 0, "GET /me", 5, 0, 0},
			{"another pattern", 0, "GET /other", 12, 10, 0},
			{"no more at the end of the minute", time.Minute, "GET /me", 2, 0, 0},
			{"ten after it", 1, "GET /me", 11, 10, 7},
			{"the other pattern", 0, "GET /other", 1, 1, 2},
			{"after a long time", time.Hour, "GET /me", 1, 1, 1},
			{"in the minute of that", 59 * time.Second, "GET /me", 9, 9, 0},
			{"no more of it", 0, "GET /me", 1, 0, 0},
		} {
			time.Sleep(step.sleep)
			g.Forget()
			for range step.requests {
				if w := lab.Ask(h, lab.Call(step.line)); w.Code != 401 {
					t.Errorf("%s: status %d", step.name, w.Code)
				}
			}
			records := g.Records()
			if len(records) != step.records || len(g.Decisions) != step.requests {
				t.Errorf("%s: %d records and %d decisions for %d requests, want %d records", step.name, len(records), len(g.Decisions), step.requests, step.records)
			}
			for i, record := range records {
				suppressed, told := record["suppressed"].(float64)
				if want := step.suppressed > 0 && i == 0; told != want || told && suppressed != step.suppressed {
					t.Errorf("%s: record %d has suppressed %v, want %v", step.name, i, record["suppressed"], step.suppressed)
				}
			}
		}
	})
}

// What the log is not interested in counts for nothing once it is.
func TestLogger_samplesWhatItWrites(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	for _, step := range []struct {
		level   slog.Level
		records int
	}{{slog.LevelWarn, 0}, {slog.LevelInfo, 10}} {
		g.Level.Set(step.level)
		for range 20 {
			lab.Ask(h, lab.Call("GET /me"))
		}
		if n := len(g.Records()); n != step.records || strings.Contains(g.Written(), "suppressed") {
			t.Errorf("level %s: %d records, want %d: %s", step.level, n, step.records, g.Written())
		}
	}
}

// Other codes and pools are counted apart.
func TestLogger_samplesByCodeAndPool(t *testing.T) {
	other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Other"})
	g := lab.NewGate(t, func(c *cognitoauth.Config) { c.Pools = append(c.Pools, other.Config().Pools...) })
	h := g.Auth.Wrap(lab.NewSite(g))
	for _, token := range []fmt.Stringer{g.Pool.AccessToken().Client("x"), other.AccessToken().Client("x"), g.Pool.AccessToken().Delete("sub")} {
		g.Forget()
		for range 11 {
			lab.Ask(h, lab.Call("GET /me", "Authorization", "Bearer "+token.String()))
		}
		if n := len(g.Records()); n != 10 {
			t.Errorf("%d records, want 10", n)
		}
	}
}

func TestRequestID(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		want   string
	}{
		{"none", nil, ""},
		{"request id", []string{"X-Request-Id", "r-1 ~"}, "r-1 ~"},
		{"trace id", []string{"X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"}, "Root=1-67891233-abcdef012345678912345678"},
		{"request id before trace id", []string{"X-Amzn-Trace-Id", "Root=1", "X-Request-Id", "r-1"}, "r-1"},
		{"longest", []string{"X-Request-Id", strings.Repeat("r", 128)}, strings.Repeat("r", 128)},
		{"too long", []string{"X-Request-Id", strings.Repeat("r", 129)}, ""},
		{"control character", []string{"X-Request-Id", "r\x1b[31m"}, ""},
		{"tab", []string{"X-Request-Id", "r\t1"}, ""},
		{"delete", []string{"X-Request-Id", "r\x7f"}, ""},
		{"beyond ASCII", []string{"X-Request-Id", "r\u00e9"}, ""},
		{"no UTF-8", []string{"X-Request-Id", "r\xff"}, ""},
	} {
		g := lab.NewGate(t, nil) // for its log to be fresh
		for _, path := range []string{"/me", "/healthz"} {
			g.Forget()
			lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET "+path, tt.header...))
			if len(g.Decisions) != 1 || g.Decisions[0].RequestID != tt.want {
				t.Errorf("%s, %s: decisions %+v, want request ID %q", tt.name, path, g.Decisions, tt.want)
			}
			if path == "/healthz" {
				continue
			}
			logged := tt.want
			if len(logged) > 64 { // TestLogger_quotesWhatCallersWrite
				logged = `"` + logged[:64] + `"...`
			}
			if got, _ := g.Records()[0]["request_id"].(string); got != logged {
				t.Errorf("%s: logged request_id %q, want %q", tt.name, got, logged)
			}
		}
	}
}

// disabled is a slog.Handler for which nothing is important enough.
type disabled struct{ slog.Handler }

func (disabled) Enabled(context.Context, slog.Level) bool { return false }

// Without a Logger, or below its level, nothing is written anywhere.
func TestLogger_silent(t *testing.T) {
	records := defaultLog(t, func() {
		for _, logger := range []*slog.Logger{nil, slog.New(disabled{})} {
			g := lab.NewGate(t, func(c *cognitoauth.Config) { c.Logger = logger })
			if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /me")); w.Code != 401 {
				t.Errorf("status %d", w.Code)
			}
		}
	})
	if len(records) > 0 {
		t.Errorf("a Middleware without Logger wrote to slog.Default(): %q", records)
	}
}

// What a token says before its signature is checked is not called verified,
// and names no client.
func TestDecision_verified(t *testing.T) {
	var got []cognitoauth.Decision
	d := newDesk(t, revoking, func(c *cognitoauth.Config) {
		c.OnDecision = func(_ context.Context, d cognitoauth.Decision) { got = append(got, d) }
	})
	handler := d.auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func(token string) cognitoauth.Decision {
		got = nil
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if len(got) != 1 {
			t.Fatalf("%d decisions", len(got))
		}
		return got[0]
	}
	for i, f := range faults {
		dec := ask(spoiled(d.pool, f))
		verified, client := f.code == "token_revoked", ""
		if verified {
			client = d.pool.ClientID()
		}
		if dec.Allowed || dec.Code != f.code || dec.Verified != verified || dec.ClientID != client || dec.Err == nil || dec.Err.Code != f.code {
			t.Errorf("%s: %+v", f.code, dec)
		}
		if selected := i > slices.IndexFunc(faults, func(f fault) bool { return f.code == "issuer_mismatch" }); (dec.Pool != "") != selected {
			t.Errorf("%s: pool %q", f.code, dec.Pool)
		}
		if f.code == "key_unknown" && dec.KeyID != "nobody's" {
			t.Errorf("kid %q", dec.KeyID)
		}
		if read := i >= slices.IndexFunc(faults, func(f fault) bool { return f.code == "claims_malformed" }); (dec.KeyID != "") != read && read {
			t.Errorf("%s: no kid", f.code)
		}
	}
	token := d.pool.AccessToken()
	if dec := ask(token.String()); !dec.Allowed || !dec.Verified || dec.Code != "authenticated" || dec.Pool != d.pool.ID() ||
		dec.ClientID != d.pool.ClientID() || dec.KeyID != token.KeyID() || dec.Err != nil {
		t.Errorf("%+v", dec)
	}
}
