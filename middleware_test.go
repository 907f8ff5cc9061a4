package cognitoauth_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// gate is a Middleware over a pool in the process, with all that it tells its
// operator.
type gate struct {
	t    *testing.T
	pool *cognitotest.Pool
	auth *cognitoauth.Middleware

	level slog.LevelVar // of the log

	mu        sync.Mutex
	log       bytes.Buffer // JSON, a record a line
	decisions []cognitoauth.Decision
	events    []string
}

// newGate makes one whose keys are there already, if they can be had; change
// may be nil.
func newGate(t *testing.T, change func(*cognitoauth.Config)) *gate {
	t.Helper()
	g := &gate{t: t, pool: cognitotest.NewPool(t, cognitotest.Options{InProcess: true})}
	cfg := g.pool.Config()
	cfg.Logger = slog.New(slog.NewJSONHandler(g, &slog.HandlerOptions{Level: &g.level}))
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.decisions = append(g.decisions, d)
		g.events = append(g.events, "decision")
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if g.auth, err = cognitoauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := g.auth.Ready(t.Context()); err != nil && !errors.Is(err, cognitoauth.ErrUnavailable) {
		t.Fatal(err)
	}
	g.forget()
	return g
}

// Write takes what the logger writes.
func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.Write(b)
}

func (g *gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Reset()
	g.decisions, g.events = nil, nil
}

// written is the whole log.
func (g *gate) written() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

// records are the records of the log but those about key sets, which come when
// they like.
func (g *gate) records() (all []map[string]any) {
	g.t.Helper()
	for line := range strings.Lines(g.written()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			g.t.Fatal(err)
		}
		if record["url"] == nil {
			all = append(all, record)
		}
	}
	return all
}

// page is a handler that says that it ran, and for whom.
func (g *gate) page() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.events = append(g.events, "handler")
		g.mu.Unlock()
		who := "nobody"
		if c, ok := cognitoauth.FromContext(r.Context()); ok {
			who = c.Username
		}
		io.WriteString(w, who)
	})
}

func (g *gate) ran() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.events, "handler")
}

func (g *gate) good() string { return "Bearer " + g.pool.AccessToken().String() }

// ask sends a request through h.
func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// call is a request with header fields in pairs of name and value.
func call(line string, fields ...string) *http.Request {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for pair := range slices.Chunk(fields, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	return r
}

func bearerCall(token fmt.Stringer) *http.Request {
	return call("GET /", "Authorization", "Bearer "+token.String())
}

// problem is the body of a refusal (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) (p problem) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("body of %d: %v: %q", w.Code, err, w.Body)
	}
	return p
}

// codeOf is the code of a refusal, "" of a request that was let in.
func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code < 400 {
		return ""
	}
	return problemOf(t, w).Code
}

// parseChallenge reads one challenge strictly: RFC 9110, section 11, with what
// RFC 6750, section 3, and RFC 9470, section 3, say about its parameters.
func parseChallenge(s string) (map[string]string, error) {
	rest, ok := strings.CutPrefix(s, "Bearer ")
	if !ok {
		return nil, fmt.Errorf("%q: the scheme is not Bearer", s)
	}
	parameter := regexp.MustCompile(`^([a-z_]+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"(?:, |$)`)
	params := map[string]string{}
	for rest != "" || len(params) == 0 {
		m := parameter.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q: no parameter at %q", s, rest)
		}
		if _, twice := params[m[1]]; twice {
			return nil, fmt.Errorf("%q: %s is there twice", s, m[1])
		}
		params[m[1]], rest = m[2], rest[len(m[0]):]
	}
	if strings.HasSuffix(s, ", ") {
		return nil, fmt.Errorf("%q: a comma and nothing behind it", s)
	}
	for name, form := range map[string]string{
		"realm":             `^.+$`,
		"error":             `^(invalid_request|invalid_token|insufficient_scope|insufficient_user_authentication)$`,
		"error_description": `^.+$`,
		"scope":             `^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$`,
		"max_age":           `^(0|[1-9][0-9]*)$`,
		"acr_values":        `^[^ ]+( [^ ]+)*$`,
	} {
		if v, ok := params[name]; ok && !regexp.MustCompile(form).MatchString(v) {
			return nil, fmt.Errorf("%q: %s is %q", s, name, v)
		}
	}
	return params, nil
}

func TestParseChallenge_isStrict(t *testing.T) {
	for _, s := range []string{
		"", "Bearer", "Bearer ", `bearer realm="a"`, `Bearer realm=a`, `Bearer realm="a",error="invalid_token"`, `Bearer realm="a", `, `Bearer realm="a" error="invalid_token"`,
		`Bearer realm="a", realm="b"`, `Bearer realm="a\"b"`, "Bearer realm=\"a\x7f\"", `Bearer realm="é"`, `Bearer realm=""`, `Bearer realm="a", error="invalid"`,
		`Bearer realm="a", scope="b  c"`, `Bearer realm="a", scope=" b"`, `Bearer realm="a", max_age="-1"`, `Bearer realm="a", Basic realm="b"`,
	} {
		if params, err := parseChallenge(s); err == nil {
			t.Errorf("%q passes for a challenge: %v", s, params)
		}
	}
	params, err := parseChallenge(`Bearer realm="a b", error="insufficient_scope", scope="b c/d"`)
	want := map[string]string{"realm": "a b", "error": "insufficient_scope", "scope": "b c/d"}
	if err != nil || !maps.Equal(params, want) {
		t.Errorf("a good challenge is read as %v, %v", params, err)
	}
}

// secretive is a token whose every confidential value can be searched for.
func secretive(p *cognitotest.Pool) *cognitotest.Token {
	return p.AccessToken().Set("sub", "sub-confidential").Set("username", "user-confidential").
		Groups("group-confidential").Set("custom:tenant", "tenant-confidential").Set("email", "mail-confidential@example.com")
}

// refused is one way to be refused by Wrap.
type refused struct {
	name      string
	config    func(*cognitoauth.Config)            // nil: as the pool has it
	route     func(http.Handler) http.Handler      // nil: unmarked
	token     func(*cognitotest.Pool) fmt.Stringer // nil: none
	line      string                               // "": GET /
	header    []string
	status    int
	code      string
	challenge string // its parameters but realm and error_description, by name; "-": there is none
}

type literal string

func (l literal) String() string { return string(l) }

// secretly is a token full of confidential values, changed.
func secretly(change func(*cognitotest.Token) *cognitotest.Token) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return change(secretive(p)) }
}

func claimSet(name string, v any) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return secretive(p).Set(name, v) }
}

func claimIn(name string, d time.Duration) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return secretive(p).Set(name, p.Now().Add(d)) }
}

func claimless(name string) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return secretive(p).Delete(name) }
}

func headerSet(name string, v any) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return secretive(p).SetHeader(name, v) }
}

func scoped(scopes ...string) func(*cognitotest.Pool) fmt.Stringer {
	return func(p *cognitotest.Pool) fmt.Stringer { return secretive(p).Scopes(scopes...) }
}

func verbatim(s string) func(*cognitotest.Pool) fmt.Stringer {
	return func(*cognitotest.Pool) fmt.Stringer { return literal(s) }
}

func userToken(p *cognitotest.Pool) fmt.Stringer    { return secretive(p) }
func machineToken(p *cognitotest.Pool) fmt.Stringer { return p.MachineToken() }
func idToken(p *cognitotest.Pool) fmt.Stringer {
	return p.IDToken().Set("email", "mail-confidential@example.com")
}

func require(p cognitoauth.Policy) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler { return cognitoauth.Require(p, h) }
}

func requireBoth(outer, inner cognitoauth.Policy) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler { return cognitoauth.Require(outer, cognitoauth.Require(inner, h)) }
}

func fallback(p cognitoauth.Policy) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) { c.Fallback = p }
}

func source(s cognitoauth.TokenSource) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) { c.TokenSource = s }
}

func revocation(yes bool, err error) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) {
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return yes, err }
	}
}

func acceptIDTokens(c *cognitoauth.Config) { c.Pools[0].TokenUse = cognitoauth.IDToken }

func noKeys(c *cognitoauth.Config) {
	c.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no route to host")
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var (
	readOrders  = cognitoauth.Scope("orders/read")
	writeOrders = cognitoauth.Scope("orders/write")
	recently    = cognitoauth.AuthenticatedWithin(5 * time.Minute)
	never       = cognitoauth.Assert("the moon is full", func(*http.Request, *cognitoauth.Claims) bool { return false })
	cookie      = source(cognitoauth.FromCookie("session"))
)

const tooLong = 32<<10 + 1

// answers is DESIGN's table, and each code in it at least once.
var answers = []refused{
	{"no token", nil, nil, nil, "", nil, 401, "token_missing", ""},
	{"no token, the route needs a scope", nil, require(readOrders), nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"no token, the fallback needs a scope", fallback(readOrders), nil, nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"no token, fallback and route need scopes", fallback(readOrders), require(writeOrders), nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"no token, nested Requires need scopes", nil, requireBoth(readOrders, cognitoauth.And(writeOrders, readOrders)), nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"no token, the first of two scopes is named", nil, require(cognitoauth.Or(writeOrders, readOrders)), nil, "", nil, 401, "token_missing", "scope=orders/write"},
	{"no token, the route needs a group", nil, require(cognitoauth.Group("admin")), nil, "", nil, 401, "token_missing", ""},
	{"no cookie", cookie, require(readOrders), nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"preflight", nil, nil, nil, "OPTIONS /", []string{"Origin", "https://app.test", "Access-Control-Request-Method", "GET"}, 401, "token_missing", ""},
	{"marked route, unclean path", nil, cognitoauth.AllowAnonymous, nil, "GET /a%2Fb", nil, 401, "token_missing", ""},
	{"another scheme", nil, nil, nil, "", []string{"Authorization", "Basic dXNlcjpwdw=="}, 401, "token_missing", ""},

	{"malformed credentials", nil, nil, verbatim("a b"), "", nil, 400, "credentials_malformed", "error=invalid_request"},
	{"malformed credentials, the route needs a scope", nil, require(readOrders), verbatim("a b"), "", nil, 400, "credentials_malformed", "error=invalid_request"},
	{"two headers", nil, nil, nil, "", []string{"Authorization", "Bearer a", "Authorization", "Bearer b"}, 400, "credentials_repeated", "error=invalid_request"},
	{"two cookies", cookie, nil, nil, "", []string{"Cookie", "session=a; session=b"}, 400, "credentials_repeated", "error=invalid_request"},
	{"error of a token source", source(func(*http.Request) (string, error) { return "", errors.New("source-confidential") }), nil, nil, "", nil, 400, "credentials_malformed", "error=invalid_request"},

	{"token too large", nil, nil, verbatim(strings.Repeat("a", tooLong)), "", nil, 401, "token_too_large", "error=invalid_token"},
	{"token malformed", nil, nil, verbatim("abcdefgh"), "", nil, 401, "token_malformed", "error=invalid_token"},
	{"algorithm", nil, nil, headerSet("alg", "HS256"), "", nil, 401, "algorithm_unsupported", "error=invalid_token"},
	{"no kid", nil, nil, headerSet("kid", ""), "", nil, 401, "key_id_invalid", "error=invalid_token"},
	{"header with crit", nil, nil, headerSet("crit", []string{"b64"}), "", nil, 401, "header_unsupported", "error=invalid_token"},
	{"type", nil, nil, headerSet("typ", "dpop+jwt"), "", nil, 401, "type_unsupported", "error=invalid_token"},
	{"claims malformed", nil, nil, claimSet("exp", "soon"), "", nil, 401, "claims_malformed", "error=invalid_token"},
	{"issuer", nil, nil, claimSet("iss", "https://issuer.test/pool"), "", nil, 401, "issuer_mismatch", "error=invalid_token"},
	{"ID token", nil, nil, idToken, "", nil, 401, "token_use_mismatch", "error=invalid_token"},
	{"access token where an ID token is wanted", acceptIDTokens, nil, userToken, "", nil, 401, "token_use_mismatch", "error=invalid_token"},
	{"no expiry", nil, nil, claimless("exp"), "", nil, 401, "expiry_missing", "error=invalid_token"},
	{"expired", nil, nil, secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "", nil, 401, "token_expired", "error=invalid_token"},
	{"expired, the route needs a scope", nil, require(readOrders), secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "", nil, 401, "token_expired", "error=invalid_token"},
	{"not yet valid", nil, nil, claimIn("nbf", 10*time.Minute), "", nil, 401, "token_not_yet_valid", "error=invalid_token"},
	{"issued in the future", nil, nil, claimIn("iat", 10*time.Minute), "", nil, 401, "token_issued_in_future", "error=invalid_token"},
	{"lives too long", nil, nil, claimIn("exp", 48*time.Hour), "", nil, 401, "lifetime_too_long", "error=invalid_token"},
	{"client", nil, nil, claimSet("client_id", "2other"), "", nil, 401, "client_mismatch", "error=invalid_token"},
	{"no subject", nil, nil, claimless("sub"), "", nil, 401, "subject_missing", "error=invalid_token"},
	{"audience", nil, nil, claimSet("aud", "https://api.test"), "", nil, 401, "audience_mismatch", "error=invalid_token"},
	{"key unknown", nil, nil, headerSet("kid", "nobody"), "", nil, 401, "key_unknown", "error=invalid_token"},
	{"signature", nil, nil, secretly((*cognitotest.Token).Tampered), "", nil, 401, "signature_invalid", "error=invalid_token"},
	{"revoked", revocation(true, nil), nil, userToken, "", nil, 401, "token_revoked", "error=invalid_token"},

	{"scope", nil, require(readOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read"},
	{"one of two scopes", nil, require(cognitoauth.And(readOrders, writeOrders)), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of the fallback", fallback(readOrders), nil, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read"},
	{"scopes of fallback and route", fallback(readOrders), require(writeOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of the route, the fallback's is there", fallback(readOrders), require(writeOrders), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of a hidden Require, the fallback's is there", fallback(readOrders), func(h http.Handler) http.Handler { return passing(require(writeOrders)(h)) }, scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scopes of nested Requires", nil, requireBoth(readOrders, writeOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scopes of nested Requires inside another handler", nil, func(h http.Handler) http.Handler { return passing(requireBoth(readOrders, writeOrders)(h)) }, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"no token, nested Requires inside an Optional handler", nil, func(h http.Handler) http.Handler {
		return cognitoauth.Optional(passing(requireBoth(readOrders, writeOrders)(h)))
	}, nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"scope of an inner Require", nil, requireBoth(readOrders, writeOrders), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of an outer Require", nil, requireBoth(readOrders, writeOrders), scoped("orders/write"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope under Optional, to which no fallback applies", fallback(readOrders), func(h http.Handler) http.Handler { return cognitoauth.Optional(passing(require(writeOrders)(h))) }, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/write"},
	{"scope of an ID token", acceptIDTokens, require(readOrders), idToken, "", nil, 403, "scope_unattainable", "-"},
	{"group beside a scope of the fallback", fallback(cognitoauth.Or(readOrders, cognitoauth.Authenticated())), require(cognitoauth.Group("admin")), userToken, "", nil, 403, "group_missing", "-"},

	{"group", nil, require(cognitoauth.Group("admin")), userToken, "", nil, 403, "group_missing", "-"},
	{"group by the fallback", fallback(cognitoauth.Group("admin")), nil, userToken, "", nil, 403, "group_missing", "-"},
	{"client denied", nil, require(cognitoauth.ClientID("2other")), userToken, "", nil, 403, "client_denied", "-"},
	{"claim", nil, require(cognitoauth.Claim("custom:tenant", "acme")), userToken, "", nil, 403, "claim_denied", "-"},
	{"machine where a user is wanted", nil, require(cognitoauth.UserToken()), machineToken, "", nil, 403, "user_required", "-"},
	{"user where a machine is wanted", nil, require(cognitoauth.MachineToken()), userToken, "", nil, 403, "machine_required", "-"},
	{"assertion", nil, require(never), userToken, "", nil, 403, "assertion_denied", "-"},
	{"empty policy", nil, require(cognitoauth.And()), userToken, "", nil, 403, "policy_denies", "-"},
	{"login of a machine", nil, require(recently), machineToken, "", nil, 403, "login_unattainable", "-"},
	{"acr of a machine", nil, require(cognitoauth.ACR("gold")), machineToken, "", nil, 403, "acr_unattainable", "-"},

	{"old login", nil, require(recently), claimIn("auth_time", -time.Hour), "", nil, 401, "login_too_old", "error=insufficient_user_authentication max_age=300"},
	{"acr", nil, require(cognitoauth.ACR("urn:cognito:loa:2")), userToken, "", nil, 401, "acr_mismatch", "acr_values=urn:cognito:loa:2 error=insufficient_user_authentication"},
	{"login and acr", nil, require(cognitoauth.And(recently, cognitoauth.ACR("gold"))), claimIn("auth_time", -time.Hour), "", nil, 401, "login_too_old", "acr_values=gold error=insufficient_user_authentication max_age=300"},
	{"old login, the scopes are there", fallback(readOrders), requireBoth(readOrders, recently), func(p *cognitotest.Pool) fmt.Stringer {
		return secretive(p).Scopes("orders/read").Set("auth_time", p.Now().Add(-time.Hour))
	}, "", nil, 401, "login_too_old", "error=insufficient_user_authentication max_age=300"},
	{"login by the fallback", fallback(recently), nil, claimIn("auth_time", -time.Hour), "", nil, 401, "login_too_old", "error=insufficient_user_authentication max_age=300"},

	{"cross-origin cookie", cookie, nil, nil, "POST /", []string{"Cookie", "session=a", "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin", "-"},
	{"keys unavailable", noKeys, nil, userToken, "", nil, 503, "keys_unavailable", "-"},
	{"revocation unavailable", revocation(false, errors.New("list-confidential")), nil, userToken, "", nil, 503, "revocation_unavailable", "-"},
	{"revocation unavailable and yet revoked", revocation(true, errors.New("list-confidential")), nil, userToken, "", nil, 503, "revocation_unavailable", "-"},
}

// stage makes the gate, the handler and the request of a row.
func (tt *refused) stage(t *testing.T) (g *gate, h http.Handler, r func(more ...string) *http.Request, token string) {
	t.Helper()
	g = newGate(t, tt.config)
	mux := http.NewServeMux()
	page := g.page()
	if tt.route != nil {
		page = tt.route(page)
	}
	mux.Handle("/", page)
	header := tt.header
	if tt.token != nil {
		token = tt.token(g.pool).String()
		header = append([]string{"Authorization", "Bearer " + token}, header...)
	}
	line := cmp.Or(tt.line, "GET /")
	return g, g.auth.Wrap(mux), func(more ...string) *http.Request { return call(line, append(slices.Clone(header), more...)...) }, token
}

// described renders a challenge in the manner of refused.challenge, after
// checking realm and description.
func described(t *testing.T, challenges []string, p problem) string {
	t.Helper()
	if len(challenges) == 0 {
		return "-"
	}
	params, err := parseChallenge(challenges[0])
	if err != nil || len(challenges) > 1 {
		t.Fatalf("challenges %q: %v", challenges, err)
	}
	wantDescription := p.Detail
	if params["error"] == "" {
		wantDescription = ""
	}
	if params["realm"] != "api" || params["error_description"] != wantDescription {
		t.Errorf("challenge %q, want realm api and description %q", challenges, wantDescription)
	}
	delete(params, "realm")
	delete(params, "error_description")
	if scope, ok := params["scope"]; ok {
		params["scope"] = strings.Join(slices.Sorted(strings.SplitSeq(scope, " ")), " ")
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		all = append(all, name+"="+params[name])
	}
	return strings.Join(all, " ")
}

// Each answer whole: status, challenge, body and header, and one decision that
// agrees with it.
func TestWrap_answers(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			g, h, request, _ := tt.stage(t)
			r := request()
			w := ask(h, r)
			if w.Code != tt.status || g.ran() {
				t.Fatalf("status %d, handler ran: %v; want %d: %s", w.Code, g.ran(), tt.status, w.Body)
			}
			p := problemOf(t, w)
			if want := (problem{http.StatusText(tt.status), tt.status, p.Detail, tt.code}); p != want || p.Detail == "" {
				t.Errorf("body %+v, want %+v", p, want)
			}
			if got := described(t, w.Header().Values("WWW-Authenticate"), p); got != tt.challenge {
				t.Errorf("challenge %q, want %q", got, tt.challenge)
			}
			exposed := ""
			if r.Header.Get("Origin") != "" && tt.challenge != "-" {
				exposed = "WWW-Authenticate"
			}
			for name, value := range map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Access-Control-Expose-Headers": exposed} {
				if got := w.Header().Values(name); strings.Join(got, "|") != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if after := w.Header().Get("Retry-After"); (after != "") != (tt.status == 503) {
				t.Errorf("Retry-After: %q with status %d", after, tt.status)
			}
			last := g.decisions[len(g.decisions)-1]
			if last.Allowed || last.Code != tt.code || last.Err == nil || last.Err.Status != tt.status || last.Err.Code != tt.code {
				t.Errorf("decision %+v, want a refusal with %d %s", last, tt.status, tt.code)
			}
		})
	}
}

// Every code of the table has a row, and no row has another.
func TestWrap_answersAreComplete(t *testing.T) {
	codes := strings.Fields(`credentials_malformed credentials_repeated token_missing token_too_large token_malformed algorithm_unsupported
		key_id_invalid header_unsupported type_unsupported claims_malformed issuer_mismatch token_use_mismatch expiry_missing token_expired
		token_not_yet_valid token_issued_in_future lifetime_too_long client_mismatch audience_mismatch subject_missing key_unknown
		signature_invalid token_revoked login_too_old acr_mismatch scope_missing scope_unattainable group_missing client_denied claim_denied
		user_required machine_required assertion_denied acr_unattainable login_unattainable policy_denies cross_origin keys_unavailable
		revocation_unavailable`)
	tested := map[string]bool{}
	for _, tt := range answers {
		tested[tt.code] = true
	}
	if got := slices.Sorted(maps.Keys(tested)); !slices.Equal(got, slices.Sorted(slices.Values(codes))) {
		t.Errorf("the rows have the codes\n%v, want\n%v", got, codes)
	}
}

// The same refusals to HEAD, to a page of another origin, and inside a handler
// that has written header fields of its own.
func TestWrap_answersAdd(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			_, h, request, _ := tt.stage(t)
			outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", `Basic realm="outer"`)
				w.Header().Set("Access-Control-Expose-Headers", "X-Trace")
				w.Header().Set("Cache-Control", "max-age=60")
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Length", "3")
				h.ServeHTTP(w, r)
			})
			r := request()
			r.Header.Set("Origin", "https://app.test")
			if r.Method == http.MethodGet {
				r.Method = http.MethodHead
			}
			w := ask(outer, r)
			if w.Code != tt.status || (w.Body.Len() == 0) != (r.Method == http.MethodHead) {
				t.Errorf("%s: status %d and %d bytes of body", r.Method, w.Code, w.Body.Len())
			}
			challenges, exposed := w.Header().Values("WWW-Authenticate"), w.Header().Values("Access-Control-Expose-Headers")
			want := 1
			if tt.challenge != "-" {
				want = 2
			}
			if len(challenges) != want || challenges[0] != `Basic realm="outer"` || want == 2 && !strings.HasPrefix(challenges[1], "Bearer ") {
				t.Errorf("challenges %q, want the outer one and %d of ours", challenges, want-1)
			}
			if !slices.Equal(exposed, []string{"X-Trace", "WWW-Authenticate"}[:want]) {
				t.Errorf("Access-Control-Expose-Headers %q", exposed)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Content-Length") != "" {
				t.Errorf("header %v describes another answer", w.Header())
			}
		})
	}
}

// Nothing that anybody is told holds a part of the token, or a claim that is
// confidential.
func TestWrap_tellsNoSecret(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			g, h, request, token := tt.stage(t)
			w := ask(h, request("Origin", "https://app.test"))
			told := fmt.Sprint(w.Header(), w.Body, g.written())
			for _, d := range g.decisions {
				told += fmt.Sprintf("%+v", d)
				if err := d.Err; err != nil {
					told += fmt.Sprintf("%v %+v %q ", err, err, err.Error()) + err.Detail() + err.Challenge() + err.LogValue().String()
				}
			}
			secrets := []string{"confidential"}
			for segment := range strings.SplitSeq(token, ".") {
				if len(segment) > 3 {
					secrets = append(secrets, segment)
				}
			}
			for _, secret := range secrets {
				if strings.Contains(told, secret) {
					t.Errorf("somebody is told %.40q: %s", secret, told)
				}
			}
		})
	}
}

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
		g := newGate(t, tt.config)
		mux := newSite(g)
		mux.Handle("/open/", cognitoauth.AllowAnonymous(g.page()))
		mux.Handle("/logged", passing(cognitoauth.AllowAnonymous(g.page())))
		ask(g.auth.Wrap(mux), call(tt.line, tt.header...))
		if len(g.decisions) != 1 || g.decisions[0].Code != "token_missing" {
			t.Fatalf("%s: %+v", tt.name, g.decisions)
		}
		detail := g.decisions[0].Err.Detail()
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

// newSite is a mux with a route of each kind.
func newSite(g *gate) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(g.page()))
	mux.Handle("/greet", cognitoauth.Optional(g.page()))
	mux.Handle("/me", g.page())
	mux.Handle("/orders", cognitoauth.Require(readOrders, g.page()))
	mux.Handle("/nested", cognitoauth.Require(readOrders, cognitoauth.Require(writeOrders, g.page())))
	mux.Handle("/hidden", passing(cognitoauth.Require(readOrders, g.page())))
	mux.Handle("/greet-hidden", cognitoauth.Optional(passing(cognitoauth.Require(readOrders, g.page()))))
	return mux
}

// The HTTP layer, case by case; $T is a good token of jane's, $X an expired
// one. (Keys that cannot be had are in TestAnswers, path tricks in
// routing_test.go, panics in TestHooks_panic.)
func TestWrap_httpLayer(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	token := strings.NewReplacer("$T", g.pool.AccessToken().String(), "$X", g.pool.AccessToken().ExpiresIn(-time.Hour).String())
	for _, tt := range []struct {
		name   string
		line   string
		header []string
		status int
		answer string // code, or body
	}{
		{"M1 no credentials", "GET /me", nil, 401, "token_missing"},
		{"M2 another scheme", "GET /me", []string{"Authorization", "Basic dTpw"}, 401, "token_missing"},
		{"M3 scheme in lower case", "GET /me", []string{"Authorization", "bearer $T"}, 200, "jane"},
		{"M3 scheme in upper case", "GET /me", []string{"Authorization", "BEARER $T"}, 200, "jane"},
		{"M4 scheme alone", "GET /me", []string{"Authorization", "Bearer"}, 400, "credentials_malformed"},
		{"M4 two spaces", "GET /me", []string{"Authorization", "Bearer  $T"}, 200, "jane"},
		{"M4 two words", "GET /me", []string{"Authorization", "Bearer a b"}, 400, "credentials_malformed"},
		{"M5 two headers", "GET /me", []string{"Authorization", "Bearer $T", "Authorization", "Bearer $T"}, 400, "credentials_repeated"},
		{"M6 comma list", "GET /me", []string{"Authorization", "Bearer $T, Bearer $T"}, 400, "credentials_malformed"},
		{"M7 token in the query", "GET /me?access_token=$T", nil, 401, "token_missing"},
		{"M7 token in a cookie", "GET /me", []string{"Cookie", "Authorization=$T; access_token=$T"}, 401, "token_missing"},
		{"M8 expired", "GET /me", []string{"Authorization", "Bearer $X"}, 401, "token_expired"},
		{"M9 scope missing", "GET /orders", []string{"Authorization", "Bearer $T"}, 403, "scope_missing"},
		{"M11 anonymous route without token", "GET /healthz", nil, 200, "nobody"},
		{"M12 anonymous route with a good token, which is not read", "GET /healthz", []string{"Authorization", "Bearer $T"}, 200, "nobody"},
		{"M12 anonymous route with a bad token, which is not read", "GET /healthz", []string{"Authorization", "Bearer $X"}, 200, "nobody"},
		{"M12 anonymous route with malformed credentials, which are not read", "GET /healthz", []string{"Authorization", "Bearer", "Authorization", "x"}, 200, "nobody"},
		{"M12 optional route without token", "GET /greet", nil, 200, "nobody"},
		{"M12 optional route with another scheme", "GET /greet", []string{"Authorization", "Basic dTpw"}, 200, "nobody"},
		{"M12 optional route with a good token", "GET /greet", []string{"Authorization", "Bearer $T"}, 200, "jane"},
		{"M12 optional route with a bad token", "GET /greet", []string{"Authorization", "Bearer $X"}, 401, "token_expired"},
		{"M12 optional route with malformed credentials", "GET /greet", []string{"Authorization", "Bearer"}, 400, "credentials_malformed"},
		{"M13 unknown route", "GET /nowhere", nil, 401, "token_missing"},
		{"M13 wrong method", "POST /healthz", nil, 401, "token_missing"},
		{"M14 HEAD of an anonymous route", "HEAD /healthz", nil, 200, "nobody"},
		{"M14 OPTIONS", "OPTIONS /me", nil, 401, "token_missing"},
		{"M14 CONNECT", "CONNECT /greet", nil, 401, "token_missing"},
		{"M14 preflight", "OPTIONS /me", []string{"Origin", "https://app.test", "Access-Control-Request-Method", "GET"}, 401, "token_missing"},
		{"M18 headers that claim a user", "GET /me", []string{"X-Amzn-Oidc-Accesstoken", "$T", "X-Amzn-Oidc-Identity", "jane", "X-Forwarded-User", "jane", "Remote-User", "jane"}, 401, "token_missing"},
	} {
		g.forget()
		header := slices.Clone(tt.header)
		for i := 1; i < len(header); i += 2 {
			header[i] = token.Replace(header[i])
		}
		w := ask(h, call(token.Replace(tt.line), header...))
		answer := codeOf(t, w)
		if answer == "" {
			answer = w.Body.String()
		}
		if w.Code != tt.status || answer != tt.answer || g.ran() != (tt.status == 200) {
			t.Errorf("%s: %d %s, handler ran: %v; want %d %s", tt.name, w.Code, answer, g.ran(), tt.status, tt.answer)
		}
	}
}

// M7: a token in a form is not read, and neither is the form.
func TestWrap_tokenInBody(t *testing.T) {
	g := newGate(t, nil)
	body := strings.NewReader("access_token=" + g.pool.AccessToken().String())
	before := body.Len()
	r := httptest.NewRequest("POST", "/me", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := ask(g.auth.Wrap(newSite(g)), r); w.Code != 401 || codeOf(t, w) != "token_missing" || body.Len() != before {
		t.Errorf("status %d, %d of %d bytes left", w.Code, body.Len(), before)
	}
}

// authorizations are values of Authorization; $T is a good token.
var authorizations = []struct {
	value  string
	status int
	code   string
}{
	{"Bearer $T", 200, ""},
	{"bearer $T", 200, ""},
	{"BEARER $T", 200, ""},
	{"bEaReR $T", 200, ""},
	{"Bearer        $T", 200, ""},

	{"", 401, "token_missing"},
	{"$T", 401, "token_missing"},
	{"B", 401, "token_missing"},
	{"Beare", 401, "token_missing"},
	{"Beare $T", 401, "token_missing"},
	{"Bearer$T", 401, "token_missing"},
	{"Bearer-v2 $T", 401, "token_missing"},
	{"Bearers $T", 401, "token_missing"},
	{"Basic dTpw", 401, "token_missing"},
	{"Basic dTpw, Bearer $T", 401, "token_missing"},
	{"DPoP $T", 401, "token_missing"},
	{"Digest $T", 401, "token_missing"},
	{"Digest", 401, "token_missing"},
	{"Bearex $T", 401, "token_missing"},
	{"Token $T", 401, "token_missing"},
	{"Negotiate", 401, "token_missing"},

	{"Bearer", 400, "credentials_malformed"},
	{"bearer", 400, "credentials_malformed"},
	{"Bearer ", 400, "credentials_malformed"},
	{"Bearer     ", 400, "credentials_malformed"},
	{"Bearer\t$T", 400, "credentials_malformed"},
	{"Bearer \t$T", 400, "credentials_malformed"},
	{"Bearer $T\t", 400, "credentials_malformed"},
	{"Bearer $T $T", 400, "credentials_malformed"},
	{"Bearer Bearer $T", 400, "credentials_malformed"},
	{"Bearer $T,", 400, "credentials_malformed"},
	{"Bearer $T,Bearer $T", 400, "credentials_malformed"},
	{"Bearer $T, Basic dTpw", 400, "credentials_malformed"},
	{`Bearer "$T"`, 400, "credentials_malformed"},
	{`Bearer token="$T"`, 400, "credentials_malformed"},
	{"Bearer: $T", 400, "credentials_malformed"},
	{"Bearer=$T", 400, "credentials_malformed"},
	{"Bearer,$T", 400, "credentials_malformed"},
	{"Bearer =", 400, "credentials_malformed"},
	{"Bearer a=b", 400, "credentials_malformed"},
	{"Bearer $T\u00e9", 400, "credentials_malformed"},
	{"Bearer \xff", 400, "credentials_malformed"},
	{"Bearer\u00a0$T", 400, "credentials_malformed"},

	{"Bearer a", 401, "token_malformed"},
	{"Bearer null", 401, "token_malformed"},
	{"Bearer $T=", 401, "token_malformed"},
	{"Bearer a.b", 401, "token_malformed"},
	{"Bearer a.b.c.d.e", 401, "token_malformed"},
}

func TestAuthorization(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(g.page())
	token := g.pool.AccessToken().String()
	for _, tt := range authorizations {
		g.forget()
		w := ask(h, call("GET /", "Authorization", strings.ReplaceAll(tt.value, "$T", token)))
		if code := codeOf(t, w); w.Code != tt.status || code != tt.code || g.ran() != (tt.status == 200) {
			t.Errorf("%q: %d %s, handler ran: %v; want %d %s", tt.value, w.Code, code, g.ran(), tt.status, tt.code)
		}
	}
}

// Which bytes go on with the name of a scheme (a tchar of RFC 9110, section
// 5.6.2) and which belong to a token68 (section 11.2), for every byte.
func TestAuthorization_bytes(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(g.page())
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for b := range 256 {
		c := string([]byte{byte(b)})
		afterScheme, inToken, atEnd := 400, 400, 400
		if strings.Contains(alphanumeric+"!#$%&'*+-.^_`|~", c) || c == " " {
			afterScheme = 401
		}
		if strings.Contains(alphanumeric+"-._~+/", c) {
			inToken, atEnd = 401, 401
		}
		if c == "=" {
			atEnd = 401
		}
		for value, want := range map[string]int{"Bearer" + c + "abc": afterScheme, "Bearer a" + c + "b": inToken, "Bearer ab" + c: atEnd} {
			w := ask(h, call("GET /", "Authorization", value))
			if w.Code != want {
				t.Errorf("%q: status %d, want %d", value, w.Code, want)
			}
			if want == 401 && c != " " && strings.HasPrefix(value, "Bearer"+c) != (codeOf(t, w) == "token_missing") {
				t.Errorf("%q: code %s", value, codeOf(t, w))
			}
		}
	}
}

func TestAuthorization_twice(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	for _, values := range [][2]string{
		{g.good(), g.good()}, {g.good(), "Basic dTpw"}, {"Basic dTpw", g.good()}, {"", g.good()}, {g.good(), ""}, {"Basic dTpw", "Basic dTpw"}, {"", ""},
	} {
		for _, path := range []string{"/me", "/greet"} {
			w := ask(h, call("GET "+path, "Authorization", values[0], "Authorization", values[1]))
			if w.Code != 400 || codeOf(t, w) != "credentials_repeated" {
				t.Errorf("%s with %.10q and %.10q: %d %s, want 400", path, values[0], values[1], w.Code, w.Body)
			}
		}
	}
}

// An over-long token is a token that is no good: 401, whatever is in it.
func TestAuthorization_tokenLength(t *testing.T) {
	good := cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).AccessToken().Set("custom:padding", strings.Repeat("x", 2000))
	for _, tt := range []struct {
		name  string
		limit int
		value func(token string) string
		code  string
	}{
		{"32 KiB are read", 0, func(string) string { return "Bearer " + strings.Repeat("a", 32<<10) }, "token_malformed"},
		{"a byte more is not", 0, func(string) string { return "Bearer " + strings.Repeat("a", tooLong) }, "token_too_large"},
		{"32 KiB that are no token are looked at", 0, func(string) string { return "Bearer " + strings.Repeat("\"", 32<<10) }, "credentials_malformed"},
		{"spaces do not count", 0, func(string) string { return "Bearer" + strings.Repeat(" ", 1000) + strings.Repeat("a", 32<<10) }, "token_malformed"},
		{"what is too long is not looked at", 0, func(string) string { return "Bearer " + strings.Repeat("\"", tooLong) }, "token_too_large"},
		{"nor where no space comes before it", 0, func(string) string { return "Bearer" + strings.Repeat("\"", tooLong) }, "token_too_large"},
		{"another scheme may be longer", 0, func(string) string { return "Basic " + strings.Repeat("a", tooLong) }, "token_missing"},
		{"a good token of the length of the limit passes", len(good.String()), func(s string) string { return "Bearer " + s }, ""},
		{"a good token that is longer does not", len(good.String()) - 1, func(s string) string { return "Bearer " + s }, "token_too_large"},
	} {
		g := newGate(t, func(c *cognitoauth.Config) { c.MaxTokenBytes = tt.limit })
		token := g.pool.AccessToken().Set("custom:padding", strings.Repeat("x", 2000)).String()
		w := ask(g.auth.Wrap(g.page()), call("GET /", "Authorization", tt.value(token)))
		want, status := tt.code, 401
		switch want {
		case "":
			status = 200
		case "credentials_malformed":
			status = 400
		}
		if code := codeOf(t, w); w.Code != status || code != want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, code, status, want)
		}
	}
}

// ambient are requests with tokens that a browser or a proxy adds by itself.
var ambient = []struct {
	name   string
	method string
	count  int // of tokens
	header []string
	status int
	code   string
}{
	{"GET is safe", "GET", 1, nil, 200, ""},
	{"GET from anywhere is safe", "GET", 1, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, 200, ""},
	{"HEAD from anywhere is safe", "HEAD", 1, []string{"Sec-Fetch-Site", "cross-site"}, 200, ""},
	{"OPTIONS from anywhere is safe", "OPTIONS", 1, []string{"Origin", "https://evil.test"}, 200, ""},
	{"POST without a word about its origin is no browser's", "POST", 1, nil, 200, ""},
	{"POST of the same origin passes", "POST", 1, []string{"Sec-Fetch-Site", "same-origin"}, 200, ""},
	{"POST by the user passes", "POST", 1, []string{"Sec-Fetch-Site", "none"}, 200, ""},
	{"POST with the origin of the host passes", "POST", 1, []string{"Origin", "https://example.com"}, 200, ""},
	{"POST of the same site is refused", "POST", 1, []string{"Sec-Fetch-Site", "same-site"}, 403, "cross_origin"},
	{"POST of another site is refused", "POST", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"POST of another site with the origin of the host is refused", "POST", 1, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com"}, 403, "cross_origin"},
	{"POST with another origin is refused", "POST", 1, []string{"Origin", "https://evil.test"}, 403, "cross_origin"},
	{"POST with a null origin is refused", "POST", 1, []string{"Origin", "null"}, 403, "cross_origin"},
	{"POST with another port is refused", "POST", 1, []string{"Origin", "https://example.com:8443"}, 403, "cross_origin"},
	{"PUT of another site is refused", "PUT", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"PATCH of another site is refused", "PATCH", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"DELETE of another site is refused", "DELETE", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"a made-up method of another site is refused", "FETCH", 1, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	{"two tokens are refused", "GET", 2, nil, 400, "credentials_repeated"},
	{"two tokens of another site are refused", "POST", 2, []string{"Sec-Fetch-Site", "cross-site"}, 400, "credentials_repeated"},
	{"none is no token", "GET", 0, nil, 401, "token_missing"},
	{"none, from another site, is no token", "POST", 0, []string{"Sec-Fetch-Site", "cross-site"}, 401, "token_missing"},
	{"an empty one is no token", "GET", -1, nil, 401, "token_missing"},
	{"an empty one from another site is no token", "POST", -1, []string{"Sec-Fetch-Site", "cross-site"}, 401, "token_missing"},
	{"Authorization is not read", "GET", 0, []string{"Authorization", "$T"}, 401, "token_missing"},
}

// Cookies and proxies' headers are ambient: the rules of CrossOriginProtection.
func TestTokenSource_ambient(t *testing.T) {
	g := newGate(t, source(cognitoauth.FromCookie("session")))
	byHeader := newGate(t, source(cognitoauth.FromHeader("x-amzn-oidc-accesstoken")))
	for _, tt := range ambient {
		for _, g := range []*gate{g, byHeader} {
			for _, path := range []string{"/me", "/greet"} {
				r := call(tt.method + " " + path)
				for pair := range slices.Chunk(tt.header, 2) {
					r.Header.Add(pair[0], strings.ReplaceAll(pair[1], "$T", g.good()))
				}
				g.offer(r, g == byHeader, tt.count)
				g.forget()
				w := ask(g.auth.Wrap(newSite(g)), r)
				status, code := tt.status, tt.code
				if path == "/greet" && code == "token_missing" {
					status, code = 200, ""
				}
				got := ""
				if tt.method != "HEAD" {
					got = codeOf(t, w)
				}
				if w.Code != status || got != code || g.ran() != (status == 200) {
					t.Errorf("%s (header %v, %s): %d %s, want %d %s", tt.name, g == byHeader, path, w.Code, got, status, code)
				}
			}
		}
	}
}

// offer adds count tokens to r, or an empty one for -1.
func (g *gate) offer(r *http.Request, header bool, count int) {
	token := g.pool.AccessToken().String()
	if count < 0 {
		token, count = "", 1
	}
	for range count {
		if header {
			r.Header.Add("X-Amzn-Oidc-Accesstoken", token)
		} else {
			r.Header.Add("Cookie", "theme=dark; session="+token)
		}
	}
}

func TestTokenSource_panics(t *testing.T) {
	mustPanic(t, "FromCookie", "nothing", func() { cognitoauth.FromCookie("") })
	mustPanic(t, "FromHeader", "nothing", func() { cognitoauth.FromHeader("") })
	mustPanic(t, "FromHeader", "Authorization", func() { cognitoauth.FromHeader("Authorization") })
	mustPanic(t, "FromHeader", "authorization", func() { cognitoauth.FromHeader("authorization") })
}

// mustPanic checks that f panics with a text that says which function was
// called wrongly.
func mustPanic(t *testing.T, function, of string, f func()) {
	t.Helper()
	defer func() {
		if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "cognitoauth: "+function) {
			t.Errorf("%s of %s: panicked with %q, want a text that begins with cognitoauth: %s", function, of, text, function)
		}
	}()
	f()
}

func TestTokenSource_custom(t *testing.T) {
	forbidden := cognitoauth.Group("admin").Check(nil, &cognitoauth.Claims{TokenUse: cognitoauth.AccessToken})
	noToken := cognitoauth.Authenticated().Check(nil, nil)
	for _, tt := range []struct {
		name   string
		err    error
		status int // on /me
		open   int // on /greet
		code   string
	}{
		{"an error is 400", errors.New("broken"), 400, 400, "credentials_malformed"},
		{"a sentinel is an error like others", cognitoauth.ErrNoToken, 400, 400, "credentials_malformed"},
		{"an Error answers for itself", forbidden, 403, 403, "group_missing"},
		{"a wrapped Error answers for itself", fmt.Errorf("source: %w", forbidden), 403, 403, "group_missing"},
		{"an Error for no token is no token", noToken, 401, 200, "token_missing"},
		{"a nil Error is an error like others", (*cognitoauth.Error)(nil), 400, 400, "credentials_malformed"},
		{"an Error that the library did not make is a mistake of the program", &cognitoauth.Error{Status: 200, Code: "fine"}, 500, 500, "not_wired"},
	} {
		g := newGate(t, source(func(*http.Request) (string, error) { return "", tt.err }))
		for path, want := range map[string]int{"/me": tt.status, "/greet": tt.open} {
			g.forget()
			w := ask(g.auth.Wrap(newSite(g)), call("GET "+path))
			if w.Code != want || want >= 400 && codeOf(t, w) != tt.code || g.ran() != (want == 200) {
				t.Errorf("%s (%s): %d %s, want %d %s", tt.name, path, w.Code, w.Body, want, tt.code)
			}
		}
	}
	g := newGate(t, source(func(r *http.Request) (string, error) { return r.Header.Get("X-Token"), nil }))
	for value, want := range map[string]int{"": 401, g.pool.AccessToken().String(): 200, g.good(): 401, "a b": 401, strings.Repeat("a", tooLong): 401} {
		if w := ask(g.auth.Wrap(newSite(g)), call("GET /me", "X-Token", value)); w.Code != want {
			t.Errorf("token %.20q of a source of one's own: %d, want %d", value, w.Code, want)
		}
	}
	if w := ask(g.auth.Wrap(newSite(g)), call("GET /me", "X-Token", "a\n.b.c")); w.Code != 401 || codeOf(t, w) != "token_malformed" {
		t.Errorf("a token with a newline: %d %s", w.Code, w.Body)
	}
}

// A source may return one Error for all requests: an Error does not change.
func TestTokenSource_errorIsNotChanged(t *testing.T) {
	shared := cognitoauth.Scope("a").Check(nil, nil)
	g := newGate(t, func(c *cognitoauth.Config) {
		c.Realm = "other"
		c.TokenSource = func(*http.Request) (string, error) { return "", shared }
	})
	tell := func() string {
		var e *cognitoauth.Error
		errors.As(shared, &e)
		return e.Challenge() + e.Detail()
	}
	before := tell()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { ask(g.auth.Wrap(newSite(g)), call("GET /orders")) })
	}
	asking.Wait()
	if after := tell(); after != before {
		t.Errorf("the Error was %q and is now %q", before, after)
	}
}

func TestMarkers_panic(t *testing.T) {
	h, mux := http.NotFoundHandler(), http.NewServeMux()
	router := resolver(func(*http.Request) http.Handler { return nil })
	markers := map[string]func(http.Handler) http.Handler{"AllowAnonymous": cognitoauth.AllowAnonymous, "Optional": cognitoauth.Optional}
	for name, mark := range markers {
		for what, h := range map[string]http.Handler{
			"nil": nil, "a nil function": http.HandlerFunc(nil), "a mux": mux, "a nil mux": (*http.ServeMux)(nil), "a resolver": router,
			"AllowAnonymous": cognitoauth.AllowAnonymous(h), "Optional": cognitoauth.Optional(h), "Require": cognitoauth.Require(readOrders, h),
			"nested Requires": cognitoauth.Require(readOrders, cognitoauth.Require(writeOrders, h)),
		} {
			mustPanic(t, name, what, func() { mark(h) })
		}
		if mark(h) == nil {
			t.Errorf("%s of a handler is nil", name)
		}
		mustPanic(t, "Require", name, func() { cognitoauth.Require(readOrders, mark(h)) })
	}
	mustPanic(t, "Require", "nil", func() { cognitoauth.Require(readOrders, nil) })
	mustPanic(t, "Require", "a nil function", func() { cognitoauth.Require(readOrders, http.HandlerFunc(nil)) })
	mustPanic(t, "Require", "the zero Policy", func() { cognitoauth.Require(cognitoauth.Policy{}, h) })
	auth, _ := wrapped(t)
	mustPanic(t, "Wrap", "nil", func() { auth.Wrap(nil) })
	mustPanic(t, "Wrap", "a nil function", func() { auth.Wrap(http.HandlerFunc(nil)) })
	mustPanic(t, "Wrap", "nil by a nil Middleware", func() { (*cognitoauth.Middleware)(nil).Wrap(nil) })
	if cognitoauth.Require(readOrders, mux) == nil || cognitoauth.Require(cognitoauth.And(), h) == nil {
		t.Error("Require of a mux, and of a policy that is never met, is allowed")
	}
}

func TestMiddleware_notMadeByNew(t *testing.T) {
	g := newGate(t, nil)
	for name, auth := range map[string]*cognitoauth.Middleware{"nil": nil, "zero": {}} {
		h := auth.Wrap(newSite(g))
		for _, path := range []string{"/me", "/healthz", "/greet", "/nowhere", "/orders"} {
			w := ask(h, call("GET "+path, "Authorization", g.good()))
			if w.Code != 500 || codeOf(t, w) != "not_wired" || len(w.Header().Values("WWW-Authenticate")) > 0 || g.ran() {
				t.Errorf("%s Middleware, %s: %d %s", name, path, w.Code, w.Body)
			}
		}
		if _, err := auth.Validate(t.Context(), g.pool.AccessToken().String()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("%s Middleware: Validate returned %v", name, err)
		}
		if err := auth.Ready(t.Context()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("%s Middleware: Ready returned %v", name, err)
		}
		if status := auth.Status(); len(status) != 0 {
			t.Errorf("%s Middleware: Status returned %v", name, status)
		}
	}
}

// Require adds to the fallback, wherever it stands.
func TestRequire_adds(t *testing.T) {
	staff := cognitoauth.Group("staff")
	g := newGate(t, fallback(staff))
	mux := newSite(g)
	mux.Handle("/twice-hidden", passing(cognitoauth.Require(readOrders, passing(cognitoauth.Require(writeOrders, g.page())))))
	mux.Handle("/items/{id}", cognitoauth.Require(cognitoauth.Assert("id is 7", func(r *http.Request, _ *cognitoauth.Claims) bool { return r.PathValue("id") == "7" }), g.page()))
	h := g.auth.Wrap(mux)
	plain, inStaff := g.pool.AccessToken(), g.pool.AccessToken().Groups("staff")
	for _, tt := range []struct {
		name  string
		path  string
		token *cognitotest.Token
		want  int
	}{
		{"fallback met", "/me", inStaff, 200},
		{"fallback not met", "/me", plain, 403},
		{"fallback does not apply to Optional", "/greet", plain, 200},
		{"fallback does not apply to AllowAnonymous", "/healthz", plain, 200},
		{"fallback applies to unknown routes", "/nowhere", plain, 403},
		{"unknown route behind the fallback", "/nowhere", inStaff, 404},
		{"both met", "/orders", inStaff.Scopes("orders/read"), 200},
		{"Require alone met", "/orders", plain.Scopes("orders/read"), 403},
		{"fallback alone met", "/orders", inStaff, 403},
		{"nested, all met", "/nested", inStaff.Scopes("orders/read", "orders/write"), 200},
		{"nested, inner not met", "/nested", inStaff.Scopes("orders/read"), 403},
		{"nested, outer not met", "/nested", inStaff.Scopes("orders/write"), 403},
		{"hidden, met", "/hidden", inStaff.Scopes("orders/read"), 200},
		{"hidden, not met", "/hidden", inStaff, 403},
		{"hidden, fallback not met", "/hidden", plain.Scopes("orders/read"), 403},
		{"hidden twice, met", "/twice-hidden", inStaff.Scopes("orders/read", "orders/write"), 200},
		{"hidden twice, inner not met", "/twice-hidden", inStaff.Scopes("orders/read"), 403},
		{"path value is there", "/items/7", inStaff, 200},
		{"path value is another", "/items/8", inStaff, 403},
		{"hidden under Optional, met", "/greet-hidden", plain.Scopes("orders/read"), 200},
		{"hidden under Optional, not met", "/greet-hidden", plain, 403},
	} {
		g.forget()
		w := ask(h, call("GET "+tt.path, "Authorization", "Bearer "+tt.token.String()))
		if ran := tt.want == 200; w.Code != tt.want || g.ran() != ran {
			t.Errorf("%s: status %d, handler ran: %v; want %d", tt.name, w.Code, g.ran(), tt.want)
		}
	}
}

func TestRequire_underOptionalWithoutToken(t *testing.T) {
	g := newGate(t, nil)
	w := ask(g.auth.Wrap(newSite(g)), call("GET /greet-hidden"))
	params, err := parseChallenge(w.Header().Get("WWW-Authenticate"))
	if want := (map[string]string{"realm": "api", "scope": "orders/read"}); err != nil || w.Code != 401 || codeOf(t, w) != "token_missing" || !maps.Equal(params, want) || g.ran() {
		t.Errorf("%d %s %v %v, want 401 with the scope", w.Code, w.Body, params, err)
	}
}

// A Require that no Wrap has prepared the request for says so, once, where an
// operator will see it.
func TestRequire_notWired(t *testing.T) {
	g := newGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", cognitoauth.AllowAnonymous(passing(cognitoauth.Require(readOrders, g.page()))))
	for name, h := range map[string]http.Handler{"without Wrap": newSite(g), "under AllowAnonymous": g.auth.Wrap(mux)} {
		g.forget()
		var w *httptest.ResponseRecorder
		records := defaultLog(t, func() { w = ask(h, call("GET /orders", "Authorization", g.good())) })
		if w.Code != 500 || codeOf(t, w) != "not_wired" || len(w.Header().Values("WWW-Authenticate")) > 0 || g.ran() {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if len(records) != 1 || !strings.Contains(records[0], `"level":"ERROR"`) || !strings.Contains(records[0], "Wrap") || !strings.Contains(records[0], "orders/read") {
			t.Errorf("%s: records %q, want one error that names the Require and Wrap", name, records)
		}
	}
	records := defaultLog(t, func() { ask(g.auth.Wrap(newSite(g)), call("GET /orders", "Authorization", g.good())) })
	if len(records) > 0 {
		t.Errorf("a Require that is wired wrote %q", records)
	}
}

// defaultLog returns the records that f makes slog.Default() write.
func defaultLog(t *testing.T, f func()) []string {
	t.Helper()
	var out bytes.Buffer
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, nil)))
	f()
	return slices.Collect(strings.Lines(out.String()))
}

// With claims from the kit a Require works without a Middleware.
func TestRequire_inHandlerTest(t *testing.T) {
	g := newGate(t, nil)
	h := cognitoauth.Require(readOrders, cognitoauth.Require(writeOrders, g.page()))
	for scopes, want := range map[string]int{"orders/read orders/write": 200, "orders/read": 403, "orders/write": 403, "": 403} {
		g.forget()
		claims := g.pool.AccessToken().Set("scope", scopes).Claims()
		w := ask(h, cognitotest.WithClaims(call("GET /"), claims))
		if w.Code != want || g.ran() != (want == 200) {
			t.Errorf("scopes %q: status %d, handler ran: %v; want %d", scopes, w.Code, g.ran(), want)
		}
		if want == 403 {
			if params, err := parseChallenge(w.Header().Get("WWW-Authenticate")); err != nil || params["error"] != "insufficient_scope" || params["realm"] != "api" {
				t.Errorf("scopes %q: challenge %v, %v", scopes, params, err)
			}
		}
	}
}

const (
	poolID   = "eu-west-1_AbCdEf123"
	clientID = "1example23456789"
)

// letIn is the decision for a request with this token, nil for none.
func letIn(pattern string, token *cognitotest.Token) cognitoauth.Decision {
	d := cognitoauth.Decision{Allowed: true, Code: "anonymous", Pattern: pattern}
	if token != nil {
		d.Code, d.Verified, d.Pool, d.ClientID, d.KeyID = "authenticated", true, poolID, clientID, token.KeyID()
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

// decided is a request and the decisions about it, in order.
type decided struct {
	name  string
	line  string
	token fmt.Stringer // nil: none
	want  []cognitoauth.Decision
}

func (tt decided) check(t *testing.T, g *gate, h http.Handler) {
	t.Helper()
	g.forget()
	r := call(tt.line)
	if tt.token != nil {
		r.Header.Set("Authorization", "Bearer "+tt.token.String())
	}
	ask(h, r)
	for i := range g.decisions {
		d := &g.decisions[i]
		if d.Allowed != (d.Err == nil) || d.Err != nil && d.Err.Code != d.Code {
			t.Errorf("%s: decision %+v has error %v", tt.name, d, d.Err)
		}
		d.Err = nil
	}
	if !slices.Equal(g.decisions, tt.want) {
		t.Errorf("%s:\n got %+v\nwant %+v", tt.name, g.decisions, tt.want)
	}
}

// Once for each request, when the decision is final.
func TestOnDecision(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	good := g.pool.AccessToken()
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
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	good := g.pool.AccessToken()
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
	g := newGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.auth.Wrap(g.page()))
	mux.Handle("GET /orders", g.auth.Wrap(cognitoauth.Require(readOrders, g.page())))
	mux.Handle("GET /healthz", g.auth.Wrap(cognitoauth.AllowAnonymous(g.page())))
	good := g.pool.AccessToken()
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
		g := newGate(t, change)
		token := g.pool.AccessToken()
		ask(g.auth.Wrap(newSite(g)), bearerCall(token))
		if len(g.decisions) != 1 {
			t.Fatalf("%s: %d decisions", code, len(g.decisions))
		}
		d := g.decisions[0]
		want := cognitoauth.Decision{Code: code, Verified: true, Pool: g.pool.ID(), ClientID: g.pool.ClientID(), KeyID: token.KeyID(), Err: d.Err}
		if d != want {
			t.Errorf("%s: got %+v, want %+v", code, d, want)
		}
	}
}

// The decision is told before the handler runs or the refusal is answered, and
// with the request's context.
func TestOnDecision_order(t *testing.T) {
	var events []string
	type key struct{}
	g := newGate(t, func(c *cognitoauth.Config) {
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
	mux.Handle("/orders", cognitoauth.Require(readOrders, page))
	h := g.auth.Wrap(mux)
	for _, tt := range []struct {
		path, token string
		want        string
		status      int
	}{
		{"/me", g.good(), "decision true yes, handler", 200},
		{"/open", "", "decision true yes, handler", 200},
		{"/me", "", "decision false yes, answer token_missing yes", 418},
		{"/orders", g.good(), "decision false yes, answer scope_missing yes", 418},
		{"/orders", "Bearer " + g.pool.AccessToken().Scopes("orders/read").String(), "decision true yes, handler", 200},
	} {
		events = nil
		r := call("GET " + tt.path)
		if tt.token != "" {
			r.Header.Set("Authorization", tt.token)
		}
		w := ask(h, r.WithContext(context.WithValue(r.Context(), key{}, "yes")))
		if got := strings.Join(events, ", "); got != tt.want || w.Code != tt.status {
			t.Errorf("%s: %d after %q, want %d after %q", tt.path, w.Code, got, tt.status, tt.want)
		}
	}
}

// One record for a refusal, with what is known, and none for what is let in.
func TestLogger(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	token := g.pool.AccessToken()
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
		g.forget()
		r := call(tt.line)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		ask(h, r)
		records := g.records()
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
		want["detail"] = g.decisions[len(g.decisions)-1].Err.Detail()
		delete(got, "time")
		if !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", tt.line, got, want)
		}
		if told := asRecord(g.decisions[len(g.decisions)-1]); !maps.Equal(got, told) {
			t.Errorf("%s: logged is\n%v\nand OnDecision was told\n%v", tt.line, got, told)
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
	_, doc, _ := strings.Cut(readText(t, "decision.go"), "// Decision is what")
	doc, _, _ = strings.Cut(doc, "\ntype Decision struct {\n")
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z_, ]+?) {2,}`).FindAllStringSubmatch(doc, -1) {
		documented = append(documented, strings.Split(m[1], ", ")...)
	}
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, nil)
		h := g.auth.Wrap(newSite(g))
		for range 11 {
			r := call("GET /orders", "X-Request-Id", "r-1", "Authorization", "Bearer "+g.pool.AccessToken().String())
			ask(h, r)
		}
		time.Sleep(time.Minute + 1)
		g.forget()
		ask(h, call("GET /orders", "X-Request-Id", "r-1", "Authorization", "Bearer "+g.pool.AccessToken().String()))
		records := g.records()
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
		g := newGate(t, nil)
		mux := newSite(g)
		mux.Handle("/other", g.page())
		h := g.auth.Wrap(mux)
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
			g.forget()
			for range step.requests {
				if w := ask(h, call(step.line)); w.Code != 401 {
					t.Errorf("%s: status %d", step.name, w.Code)
				}
			}
			records := g.records()
			if len(records) != step.records || len(g.decisions) != step.requests {
				t.Errorf("%s: %d records and %d decisions for %d requests, want %d records", step.name, len(records), len(g.decisions), step.requests, step.records)
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
	g := newGate(t, nil)
	h := g.auth.Wrap(newSite(g))
	for _, step := range []struct {
		level   slog.Level
		records int
	}{{slog.LevelWarn, 0}, {slog.LevelInfo, 10}} {
		g.level.Set(step.level)
		for range 20 {
			ask(h, call("GET /me"))
		}
		if n := len(g.records()); n != step.records || strings.Contains(g.written(), "suppressed") {
			t.Errorf("level %s: %d records, want %d: %s", step.level, n, step.records, g.written())
		}
	}
}

// Other codes and pools are counted apart.
func TestLogger_samplesByCodeAndPool(t *testing.T) {
	other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Other"})
	g := newGate(t, func(c *cognitoauth.Config) { c.Pools = append(c.Pools, other.Config().Pools...) })
	h := g.auth.Wrap(newSite(g))
	for _, token := range []fmt.Stringer{g.pool.AccessToken().Client("x"), other.AccessToken().Client("x"), g.pool.AccessToken().Delete("sub")} {
		g.forget()
		for range 11 {
			ask(h, call("GET /me", "Authorization", "Bearer "+token.String()))
		}
		if n := len(g.records()); n != 10 {
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
		g := newGate(t, nil) // for its log to be fresh
		for _, path := range []string{"/me", "/healthz"} {
			g.forget()
			ask(g.auth.Wrap(newSite(g)), call("GET "+path, tt.header...))
			if len(g.decisions) != 1 || g.decisions[0].RequestID != tt.want {
				t.Errorf("%s, %s: decisions %+v, want request ID %q", tt.name, path, g.decisions, tt.want)
			}
			if path == "/healthz" {
				continue
			}
			if got, _ := g.records()[0]["request_id"].(string); got != tt.want {
				t.Errorf("%s: logged request_id %q, want %q", tt.name, got, tt.want)
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
			g := newGate(t, func(c *cognitoauth.Config) { c.Logger = logger })
			if w := ask(g.auth.Wrap(newSite(g)), call("GET /me")); w.Code != 401 {
				t.Errorf("status %d", w.Code)
			}
		}
	})
	if len(records) > 0 {
		t.Errorf("a Middleware without Logger wrote to slog.Default(): %q", records)
	}
}

func TestWrap_revoked(t *testing.T) {
	type key struct{}
	var asked []string
	var answer bool
	var fails error
	g := newGate(t, func(c *cognitoauth.Config) {
		c.Revoked = func(ctx context.Context, c *cognitoauth.Claims) (bool, error) {
			asked = append(asked, fmt.Sprint(c.Username, " ", c.OriginID, " ", ctx.Value(key{})))
			return answer, fails
		}
	})
	h := g.auth.Wrap(newSite(g))
	good := g.pool.AccessToken().Set("origin_jti", "family")
	for _, tt := range []struct {
		name   string
		path   string
		token  fmt.Stringer
		answer bool
		err    error
		status int
		asked  int
	}{
		{"not revoked", "/me", good, false, nil, 200, 1},
		{"revoked", "/me", good, true, nil, 401, 1},
		{"no answer", "/me", good, false, errors.New("down"), 503, 1},
		{"no answer, but yes", "/me", good, true, errors.New("down"), 503, 1},
		{"asked again for the same token", "/me", good, false, nil, 200, 1},
		{"revoked on an optional route", "/greet", good, true, nil, 401, 1},
		{"not asked about a bad signature", "/me", good.Tampered(), true, nil, 401, 0},
		{"not asked about an expired token", "/me", good.ExpiresIn(-time.Hour), true, nil, 401, 0},
		{"not asked on an anonymous route", "/healthz", good, true, errors.New("down"), 200, 0},
		{"not asked without a token", "/greet", nil, true, errors.New("down"), 200, 0},
		{"asked before policies", "/orders", good, true, nil, 401, 1},
	} {
		asked, answer, fails = nil, tt.answer, tt.err
		g.forget()
		r := call("GET " + tt.path)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		w := ask(h, r.WithContext(context.WithValue(r.Context(), key{}, "ctx")))
		if w.Code != tt.status || len(asked) != tt.asked || g.ran() != (tt.status == 200) {
			t.Errorf("%s: status %d, asked %d times, handler ran: %v; want %d, %d", tt.name, w.Code, len(asked), g.ran(), tt.status, tt.asked)
		}
		if len(asked) > 0 && asked[0] != "jane family ctx" {
			t.Errorf("%s: asked about %q", tt.name, asked[0])
		}
		if after := w.Header().Get("Retry-After"); tt.status == 503 && after != "1" {
			t.Errorf("%s: Retry-After %q, want 1", tt.name, after)
		}
	}
}

// Retry-After tells what the key endpoint asked for, and is never 0.
func TestWrap_retryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		auth, err := cognitoauth.New(pool.Config())
		if err != nil {
			t.Fatal(err)
		}
		h := auth.Wrap(http.NotFoundHandler())
		pool.SetFault(cognitotest.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}})
		for _, step := range []struct {
			sleep time.Duration
			want  string
		}{{0, "7"}, {2 * time.Second, "5"}, {1500 * time.Millisecond, "4"}, {3 * time.Second, "1"}} {
			time.Sleep(step.sleep)
			w := ask(h, bearerCall(pool.AccessToken()))
			if got := w.Header().Get("Retry-After"); w.Code != 503 || got != step.want {
				t.Errorf("after %s more: %d, Retry-After %q, want 503 and %q", step.sleep, w.Code, got, step.want)
			}
		}
	})
}

// The fields of an Error are the caller's to change in a copy; no byte of them
// breaks out of the challenge.
func TestChallenge_ofChangedError(t *testing.T) {
	g := newGate(t, nil)
	_, err := g.auth.Validate(t.Context(), "x")
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for b := range 256 {
		changed := *e
		changed.Description = "a" + string([]byte{byte(b)}) + "d"
		params, err := parseChallenge(changed.Challenge())
		if got := params["error_description"]; err != nil || len(params) != 3 || !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "d") {
			t.Errorf("byte %#x: challenge %q: %v", b, changed.Challenge(), err)
		}
		if plain := b >= 0x20 && b <= 0x7e && b != '"' && b != '\\'; plain && params["error_description"] != changed.Description {
			t.Errorf("byte %#x is allowed and became %q", b, params["error_description"])
		}
	}
}

// explosive is a hook that panics while it is armed.
type explosive struct{ armed atomic.Bool }

func (e *explosive) maybe() {
	if e.armed.Load() {
		panic("boom")
	}
}

func (e *explosive) Enabled(context.Context, slog.Level) bool  { return true }
func (e *explosive) Handle(context.Context, slog.Record) error { e.maybe(); return nil }
func (e *explosive) WithAttrs([]slog.Attr) slog.Handler        { return e }
func (e *explosive) WithGroup(string) slog.Handler             { return e }

var hooks = []struct {
	name string
	path string
	good bool // with a token
	set  func(*cognitoauth.Config, *explosive)
}{
	{"TokenSource", "/me", true, func(c *cognitoauth.Config, e *explosive) {
		c.TokenSource = func(r *http.Request) (string, error) {
			e.maybe()
			return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), nil
		}
	}},
	{"Revoked", "/me", true, func(c *cognitoauth.Config, e *explosive) {
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { e.maybe(); return false, nil }
	}},
	{"Assert in the fallback", "/me", true, func(c *cognitoauth.Config, e *explosive) { c.Fallback = e.assert() }},
	{"Assert in a Require", "/explosive", true, nil},
	{"OnDecision for an anonymous request", "/healthz", false, explosiveDecision},
	{"OnDecision for an optional request", "/greet", false, explosiveDecision},
	{"OnDecision for a request with a token", "/me", true, explosiveDecision},
	{"OnDecision in a Require", "/orders", true, explosiveDecision},
	{"OnDecision for a refusal", "/me", false, explosiveDecision},
	{"ErrorHandler", "/me", false, func(c *cognitoauth.Config, e *explosive) {
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err *cognitoauth.Error) {
			e.maybe()
			cognitoauth.WriteError(w, r, err)
		}
	}},
	{"Logger", "/me", false, func(c *cognitoauth.Config, e *explosive) { c.Logger = slog.New(e) }},
	{"Now", "/me", true, func(c *cognitoauth.Config, e *explosive) {
		c.Now = func() time.Time { e.maybe(); return time.Now() }
	}},
}

func explosiveDecision(c *cognitoauth.Config, e *explosive) {
	c.OnDecision = func(context.Context, cognitoauth.Decision) { e.maybe() }
}

func (e *explosive) assert() cognitoauth.Policy {
	return cognitoauth.Assert("it does not panic", func(*http.Request, *cognitoauth.Claims) bool { e.maybe(); return true })
}

// A hook that panics aborts its request: nothing is let through and nothing is
// answered, and the next request finds all in order.
func TestHooks_panic(t *testing.T) {
	for _, tt := range hooks {
		t.Run(tt.name, func(t *testing.T) {
			e := new(explosive)
			g := newGate(t, func(c *cognitoauth.Config) {
				if tt.set != nil {
					tt.set(c, e)
				}
			})
			mux := newSite(g)
			mux.Handle("/explosive", cognitoauth.Require(e.assert(), g.page()))
			h := g.auth.Wrap(mux)
			token := "Bearer " + g.pool.AccessToken().Scopes("orders/read").String()
			request := func() *http.Request {
				if tt.good {
					return call("GET "+tt.path, "Authorization", token)
				}
				return call("GET " + tt.path)
			}
			for range 2 {
				e.armed.Store(true)
				g.forget()
				w, value := httptest.NewRecorder(), any(nil)
				func() {
					defer func() { value = recover() }()
					h.ServeHTTP(w, request())
				}()
				if value != "boom" || g.ran() || w.Body.Len() > 0 {
					t.Errorf("panic value %v, handler ran: %v, answer %q; want the panic alone", value, g.ran(), w.Body)
				}
				e.armed.Store(false)
				g.forget()
				want := 200
				if !tt.good && tt.path == "/me" {
					want = 401
				}
				if w := ask(h, request()); w.Code != want || g.ran() != (want == 200) {
					t.Errorf("next request: status %d, handler ran: %v; want %d", w.Code, g.ran(), want)
				}
			}
		})
	}
}

// Through a server: the connection ends without an answer.
func TestHooks_panicAbortsRequest(t *testing.T) {
	e := new(explosive)
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.Fallback = e.assert()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o := new(origin)
	w := o.serve(t, auth.Wrap(o.handler("secret")), nil)
	raw := request("GET /", plainHost, "Authorization: Bearer "+pool.AccessToken().String()+"\r\n")
	e.armed.Store(true)
	if status, ran := w.send(raw); status != 0 || ran != "" {
		t.Errorf("answered %d by %q, want the connection closed", status, ran)
	}
	e.armed.Store(false)
	if status, ran := w.send(raw); status != 200 || ran != "secret" {
		t.Errorf("next request: %d by %q, want 200", status, ran)
	}
}

// An ErrorHandler that answers 200 shows what it likes, but not the page.
func TestErrorHandler_cannotLetIn(t *testing.T) {
	var got *cognitoauth.Error
	g := newGate(t, func(c *cognitoauth.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			got = e
			w.WriteHeader(200)
		}
	})
	for path, code := range map[string]string{"/me": "token_missing", "/nowhere": "token_missing"} {
		got = nil
		if w := ask(g.auth.Wrap(newSite(g)), call("GET "+path)); g.ran() || w.Body.Len() > 0 || got == nil || got.Code != code {
			t.Errorf("%s: handler ran: %v, body %q, error %v", path, g.ran(), w.Body, got)
		}
	}
	w := ask(g.auth.Wrap(newSite(g)), call("GET /orders", "Authorization", g.good()))
	if g.ran() || w.Body.Len() > 0 || got.Code != "scope_missing" {
		t.Errorf("/orders: handler ran: %v, body %q, error %v", g.ran(), w.Body, got)
	}
}

// The pattern comes back to the request of an outer handler, where an access
// log looks for it.
func TestWrap_patternIsCopiedBack(t *testing.T) {
	g := newGate(t, nil)
	mux := newSite(g)
	mux.Handle("/panics", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("page") }))
	nested := http.NewServeMux()
	nested.Handle("/api/items/{id}", g.page())
	mux.Handle("/api/", nested)
	h := g.auth.Wrap(mux)
	for path, want := range map[string]string{
		"/me": "/me", "/healthz": "GET /healthz", "/greet": "/greet", "/orders": "/orders", "/hidden": "/hidden",
		"/api/items/7": "/api/items/{id}", "/panics": "/panics", "/nowhere": "",
	} {
		r := call("GET "+path, "Authorization", g.good())
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if r.Pattern != want {
			t.Errorf("%s: the outer request has pattern %q, want %q", path, r.Pattern, want)
		}
	}
	outer := http.NewServeMux()
	outer.Handle("/me", g.auth.Wrap(g.page()))
	if r := call("GET /me", "Authorization", g.good()); ask(outer, r).Code != 200 || r.Pattern != "/me" {
		t.Errorf("Wrap inside a mux: pattern %q, want /me", r.Pattern)
	}
}

// Handlers get the very ResponseWriter that the server made.
func TestWrap_responseWriterIsPassedOn(t *testing.T) {
	g := newGate(t, nil)
	var got http.ResponseWriter
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })
	for name, h := range map[string]http.Handler{
		"unmarked": page, "AllowAnonymous": cognitoauth.AllowAnonymous(page), "Optional": cognitoauth.Optional(page),
		"Require": cognitoauth.Require(cognitoauth.Authenticated(), page),
	} {
		got = nil
		w := httptest.NewRecorder()
		g.auth.Wrap(h).ServeHTTP(w, call("GET /", "Authorization", g.good()))
		if got != http.ResponseWriter(w) {
			t.Errorf("%s: the handler got a %T", name, got)
		}
	}
}

// M20: flushing, deadlines and hijacking work behind Wrap.
func TestWrap_responseController(t *testing.T) {
	auth, token := wrapped(t)
	o := new(origin)
	mux := http.NewServeMux()
	mux.HandleFunc("/flush", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute)), c.EnableFullDuplex(), c.Flush())
		if err != nil {
			t.Error(err)
		}
		_, isFlusher := w.(http.Flusher)
		_, isReader := w.(io.ReaderFrom)
		o.handler(fmt.Sprint(isFlusher, isReader)).ServeHTTP(w, r)
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		o.handler("hijacked").ServeHTTP(httptest.NewRecorder(), r)
		io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	w := o.serve(t, auth.Wrap(mux), nil)
	if status, ran := w.send(request("GET /flush", plainHost, token)); status != 200 || ran != "true true" {
		t.Errorf("flush: %d by %q", status, ran)
	}
	if status, ran := w.send(request("GET /hijack", plainHost, token)); status != 299 || ran != "hijacked" {
		t.Errorf("hijack: %d by %q", status, ran)
	}
}

// net/http removes the files of an upload when a request ends, and looks for
// them in the request that it made, which is not the one behind Wrap.
func TestWrap_uploadsAreRemoved(t *testing.T) {
	auth, token := wrapped(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o := new(origin)
	parse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(dir)
		o.handler(fmt.Sprint(len(files), " file, ", err)).ServeHTTP(w, r)
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "a")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, 1<<10))
	form.Close()
	upload := request("POST /", plainHost, token, "Content-Type: "+form.FormDataContentType()+"\r\n", "Content-Length: "+strconv.Itoa(body.Len())+"\r\n") + body.String()
	for name, h := range map[string]http.Handler{"without Wrap": parse, "behind Wrap": auth.Wrap(parse)} {
		w := o.serve(t, h, nil)
		if status, ran := w.send(upload); status != 200 || ran != "1 file, <nil>" {
			t.Fatalf("%s: %d by %q", name, status, ran)
		}
		w.send("GET\r\n\r\n") // one connection is served in order: the upload is done with
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("%s: %d files are left of the upload, %v", name, len(files), err)
		}
	}
}

// What a handler does to its claims no other request sees.
// The request's context is the outer one in all but the claims, which a log that
// prints it must not show.
func TestWrap_context(t *testing.T) {
	type outer struct{}
	g := newGate(t, nil)
	h := g.auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if c, _ := cognitoauth.FromContext(ctx); c == nil || ctx.Value(outer{}) != "kept" {
			t.Errorf("claims %v, outer value %v", c, ctx.Value(outer{}))
		}
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Hour {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, text := range []string{fmt.Sprint(ctx), fmt.Sprintf("%+v", ctx), fmt.Sprintf("%#v", ctx), fmt.Sprint(inner), fmt.Sprint(context.WithValue(ctx, outer{}, 1))} {
			if strings.Contains(text, "jane") {
				t.Errorf("a printed context shows the user: %.200s", text)
			}
		}
		if ctx.Err() != nil {
			t.Error(ctx.Err())
		}
	}))
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), outer{}, "kept"), time.Hour)
	defer cancel()
	r := bearerCall(g.pool.AccessToken()).WithContext(ctx)
	if w := ask(h, r); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

func TestWrap_claimsAreTheRequestsOwn(t *testing.T) {
	g := newGate(t, nil)
	h := g.auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	token := g.pool.AccessToken().Set("sub", "s").Groups("a", "b").Set("aud", g.pool.ClientID())
	want := fmt.Sprint("jane", "s", g.pool.ClientID(), g.pool.ID(), false, []string{"a", "b"}, []string{"aws.cognito.signin.user.admin"}, []string{g.pool.ClientID()}, true)
	for range 3 {
		if got := ask(h, bearerCall(token)).Body.String(); got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
	}
}

// What happens to a Config after New changes nothing.
func TestNew_configIsFrozen(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ClientIDs: []string{"1mine", "2other"}})
	clients, resources := []string{"1mine"}, []string{"https://mine.test"}
	cfg := pool.Config()
	cfg.Pools[0].ClientIDs, cfg.Pools[0].Audiences = clients, resources
	cfg.Realm = "before"
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	clients[0], resources[0] = "2other", "https://other.test"
	cfg.HTTPClient.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("changed") })
	cfg.Pools[0] = cognitoauth.Pool{ID: "eu-west-1_Other", ClientIDs: clients}
	cfg.Pools, cfg.Realm, cfg.Fallback, cfg.Revoked = nil, "after", cognitoauth.Group("admin"), func(context.Context, *cognitoauth.Claims) (bool, error) { return true, nil }
	h := auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	mine := pool.AccessToken().Set("aud", "https://mine.test")
	for name, tt := range map[string]struct {
		token *cognitotest.Token
		want  int
	}{
		"client and audience as they were":          {mine, 200},
		"client put into the slice afterwards":      {mine.Client("2other"), 401},
		"audience put into the slice afterwards":    {mine.Set("aud", "https://other.test"), 401},
		"client and audience put in, both together": {mine.Client("2other").Set("aud", "https://other.test"), 401},
	} {
		w := ask(h, bearerCall(tt.token))
		if w.Code != tt.want || w.Code == 401 && !strings.Contains(w.Header().Get("WWW-Authenticate"), `realm="before"`) {
			t.Errorf("%s: status %d, want %d; challenge %q", name, w.Code, tt.want, w.Header().Get("WWW-Authenticate"))
		}
	}
}

// The client that fetches keys is a copy of the one given: it follows no
// redirect, has no cookies, and the one given stays as it is.
func TestNew_httpClientIsCopied(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := pool.Config()
	given := cfg.HTTPClient
	given.Jar = jar
	given.Timeout = time.Nanosecond
	given.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetFault(cognitotest.Fault{Redirect: pool.Issuer() + "/.well-known/jwks.json?again", Header: http.Header{"Set-Cookie": {"a=b"}}})
	if err := auth.Ready(t.Context()); !errors.Is(err, cognitoauth.ErrUnavailable) {
		t.Errorf("Ready returned %v, want ErrUnavailable", err)
	}
	for _, u := range pool.Requests() {
		if strings.HasSuffix(u, "?again") {
			t.Errorf("a redirect was followed to %s", u)
		}
	}
	if r := call("GET " + pool.Issuer()); len(jar.Cookies(r.URL)) > 0 || given.Jar != http.CookieJar(jar) || given.Timeout != time.Nanosecond || given.CheckRedirect == nil {
		t.Error("the client given was used or changed")
	}
	pool.SetFault()
	if auth, err = cognitoauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := auth.Ready(t.Context()); err != nil {
		t.Errorf("with a healthy endpoint Ready returned %v; the Timeout given must not count", err)
	}
}

func TestReady_namesPoolsThatAreDown(t *testing.T) {
	up, down := cognitotest.NewPool(t, cognitotest.Options{InProcess: true}), cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "eu-west-1_Down"})
	cfg := up.Config()
	cfg.Pools = append(cfg.Pools, down.Config().Pools...)
	cfg.HTTPClient = cognitotest.Client(up, down)
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(up.Requests()) + len(down.Requests()); n > 0 {
		t.Errorf("New made %d requests", n)
	}
	down.SetFault(cognitotest.Fault{Status: 500})
	err = auth.Ready(t.Context())
	if !errors.Is(err, cognitoauth.ErrUnavailable) || !strings.Contains(err.Error(), down.ID()) || strings.Contains(err.Error(), up.ID()) {
		t.Errorf("Ready returned %v, want one that names %s alone", err, down.ID())
	}
	status := auth.Status()
	if len(status) != 2 || status[0].PoolID != up.ID() || len(status[0].KeyIDs) != 2 || status[1].PoolID != down.ID() || status[1].Err == nil {
		t.Errorf("Status returned %+v", status)
	}
	h := auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if w := ask(h, bearerCall(up.AccessToken())); w.Code != 200 {
		t.Errorf("a token of the pool that is up: %d %s", w.Code, w.Body)
	}
	if w := ask(h, bearerCall(down.AccessToken())); w.Code != 503 {
		t.Errorf("a token of the pool that is down: %d %s", w.Code, w.Body)
	}
}

// Leeway counts where it is set, and is 30 s where it is not.
func TestNew_leeway(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, tt := range []struct {
		leeway  time.Duration
		expired time.Duration // ago
		want    int
	}{
		{0, 29 * time.Second, 200}, {0, 30 * time.Second, 401}, {time.Nanosecond, 0, 200}, {time.Nanosecond, time.Second, 401},
		{5 * time.Minute, 299 * time.Second, 200}, {5 * time.Minute, 300 * time.Second, 401},
	} {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, Now: func() time.Time { return now }})
		cfg := pool.Config()
		cfg.Leeway = tt.leeway
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		h := auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if w := ask(h, bearerCall(pool.AccessToken().Set("iat", now.Add(-time.Hour)).Set("exp", now.Add(-tt.expired)))); w.Code != tt.want {
			t.Errorf("leeway %s, expired %s ago: %d, want %d", tt.leeway, tt.expired, w.Code, tt.want)
		}
	}
}

// A token that is remembered is not decoded again, which costs many times the
// allocations. Their exact number means nothing under the race detector, which
// has sync.Pool drop some of what it is given; half of it is far from both.
func TestNew_tokenCache(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken().String()
	cost := func(size int) float64 {
		cfg := pool.Config()
		cfg.TokenCache = size
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatalf("TokenCache %d: %v", size, err)
		}
		return testing.AllocsPerRun(20, func() {
			if _, err := auth.Validate(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	off := cost(-1)
	for _, size := range []int{0, 1, 10_000_000} {
		if n := cost(size); n > off/2 {
			t.Errorf("TokenCache %d: %v allocations for a token used again, %v without a cache", size, n, off)
		}
	}
	if n := cost(-1000); n <= off/2 {
		t.Errorf("TokenCache -1000: %v allocations for a token used again, %v with -1", n, off)
	}
}

// A realm has the bytes that RFC 6750, section 3, allows, and stands in the
// challenge as it is.
func TestNew_realm(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	all := ""
	for b := range 256 {
		cfg := pool.Config()
		cfg.Realm = "a" + string([]byte{byte(b)}) + "b"
		_, err := cognitoauth.New(cfg)
		allowed := b >= 0x20 && b <= 0x7e && b != '"' && b != '\\'
		if allowed != (err == nil) {
			t.Errorf("realm %q: %v", cfg.Realm, err)
		}
		if allowed {
			all += string([]byte{byte(b)})
		}
	}
	g := newGate(t, func(c *cognitoauth.Config) { c.Realm = all })
	for path, header := range map[string][]string{"/me": nil, "/greet": {"Authorization", "Bearer x"}, "/orders": {"Authorization", g.good()}} {
		w := ask(g.auth.Wrap(newSite(g)), call("GET "+path, header...))
		if params, err := parseChallenge(w.Header().Get("WWW-Authenticate")); err != nil || params["realm"] != all {
			t.Errorf("%s: challenge %v, %v", path, params, err)
		}
	}
	_, err := g.auth.Validate(t.Context(), "x")
	if e := new(cognitoauth.Error); !errors.As(err, &e) || !strings.Contains(e.Challenge(), all) {
		t.Errorf("the error of Validate has the challenge %q", e.Challenge())
	}
}

var environment = []string{
	"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_AUDIENCES",
	"COGNITO_ISSUER", "COGNITO_JWKS_URL", "COGNITO_LEEWAY", "COGNITO_REGION",
}

// fromEnv is FromEnv with these variables set, separated by white space, and
// no other.
func fromEnv(t *testing.T, vars string) (cognitoauth.Config, error) {
	t.Helper()
	for _, name := range environment {
		t.Setenv(name, "")
	}
	for pair := range strings.FieldsSeq(vars) {
		name, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(environment, "COGNITO_"+name) {
			t.Fatalf("no variable COGNITO_%s", name)
		}
		t.Setenv("COGNITO_"+name, strings.ReplaceAll(value, "+", " "))
	}
	return cognitoauth.FromEnv()
}

func TestFromEnv(t *testing.T) {
	id := func(p cognitoauth.Pool) cognitoauth.Config {
		p.ID = "eu-west-1_EXAMPLE01"
		return cognitoauth.Config{Pools: []cognitoauth.Pool{p}}
	}
	late := id(cognitoauth.Pool{ClientIDs: []string{"1a"}})
	late.Leeway = 90 * time.Second
	for vars, want := range map[string]cognitoauth.Config{
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a":                                          id(cognitoauth.Pool{ClientIDs: []string{"1a"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a,+2b+,3c":                                  id(cognitoauth.Pool{ClientIDs: []string{"1a", "2b", "3c"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a,":                                         id(cognitoauth.Pool{ClientIDs: []string{"1a", ""}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a TOKEN_USE=access":                         id(cognitoauth.Pool{ClientIDs: []string{"1a"}, TokenUse: cognitoauth.AccessToken}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a TOKEN_USE=id":                             id(cognitoauth.Pool{ClientIDs: []string{"1a"}, TokenUse: cognitoauth.IDToken}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a AUDIENCES=https://a.test,urn:b":           id(cognitoauth.Pool{ClientIDs: []string{"1a"}, Audiences: []string{"https://a.test", "urn:b"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a ISSUER=http://localhost:9229/x":           id(cognitoauth.Pool{ClientIDs: []string{"1a"}, Issuer: "http://localhost:9229/x"}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a JWKS_URL=https://keys.test/jwks":          id(cognitoauth.Pool{ClientIDs: []string{"1a"}, JWKSURL: "https://keys.test/jwks"}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a LEEWAY=1m30s":                             late,
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a REGION=eu-west-1":                         id(cognitoauth.Pool{ClientIDs: []string{"1a"}}),
		"REGION=eu-west-1 LEEWAY=1m30s CLIENT_IDS=1a USER_POOL_ID=eu-west-1_EXAMPLE01 TOKEN_USE=": late,
	} {
		got, err := fromEnv(t, vars)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", vars, got, err, want)
		}
	}
}

// All at once, for the race detector.
func TestWrap_manyRequestsAtOnce(t *testing.T) {
	g := newGate(t, func(c *cognitoauth.Config) {
		c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.Username == "gone", nil }
		c.Fallback = cognitoauth.Assert("anybody", func(*http.Request, *cognitoauth.Claims) bool { return true })
	})
	h := g.auth.Wrap(newSite(g))
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			user := fmt.Sprint("user", i)
			token := g.pool.AccessToken().User(user).Scopes("orders/read")
			for range 5 {
				for _, tt := range []struct {
					path  string
					token fmt.Stringer
					code  int
					body  string
				}{
					{"/me", token, 200, user}, {"/orders", token, 200, user}, {"/hidden", token, 200, user}, {"/greet", token, 200, user},
					{"/nested", token, 403, ""}, {"/me", token.Tampered(), 401, ""}, {"/me", token.User("gone"), 401, ""}, {"/healthz", token, 200, "nobody"},
				} {
					w := ask(h, call("GET "+tt.path, "Authorization", "Bearer "+tt.token.String()))
					if w.Code != tt.code || tt.body != "" && w.Body.String() != tt.body {
						t.Errorf("%s as %s: %d %s, want %d %s", tt.path, user, w.Code, w.Body, tt.code, tt.body)
					}
				}
				if w := ask(h, call("GET /me")); w.Code != 401 {
					t.Errorf("/me without a token: %d", w.Code)
				}
			}
		})
	}
	asking.Wait()
}

// A handler may serve parts of one request in goroutines of its own, as one
// that answers batches does.
func TestWrap_oneRequestInManyGoroutines(t *testing.T) {
	g := newGate(t, nil)
	parts := http.NewServeMux()
	parts.Handle("/allowed", cognitoauth.Require(cognitoauth.Authenticated(), g.page()))
	parts.Handle("/denied", cognitoauth.Require(readOrders, g.page()))
	batch := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var serving sync.WaitGroup
		for range 4 {
			for path, want := range map[string]int{"/allowed": 200, "/denied": 403} {
				serving.Go(func() {
					if w := ask(parts, httptest.NewRequestWithContext(r.Context(), "GET", path, nil)); w.Code != want {
						t.Errorf("part %s: status %d, want %d", path, w.Code, want)
					}
				})
			}
		}
		serving.Wait()
	})
	for name, h := range map[string]http.Handler{"plain": batch, "behind Require": cognitoauth.Require(cognitoauth.Authenticated(), batch)} {
		g.forget()
		if w := ask(g.auth.Wrap(h), call("GET /", "Authorization", g.good())); w.Code != 200 {
			t.Errorf("%s: status %d", name, w.Code)
		}
		if len(g.decisions) != 5 {
			t.Errorf("%s: %d decisions, want 1 for the request and 4 for the Requires that refused", name, len(g.decisions))
		}
	}
}
