package cognitoauth_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
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
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

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
	recently = cognitoauth.AuthenticatedWithin(5 * time.Minute)
	never    = cognitoauth.Assert("the moon is full", func(*http.Request, *cognitoauth.Claims) bool { return false })
	cookie   = lab.TokenSource(cognitoauth.FromCookie("session"))
)

const tooLong = 32<<10 + 1

// answers is DESIGN's table, and each code in it at least once.
var answers = []refused{
	{"no token", nil, nil, nil, "", nil, 401, "token_missing", ""},
	{"no token, the route needs a scope", nil, require(lab.ReadOrders), nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"no token, the fallback needs a scope", fallback(lab.ReadOrders), nil, nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"no token, fallback and route need scopes", fallback(lab.ReadOrders), require(lab.WriteOrders), nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"no token, nested Requires need scopes", nil, requireBoth(lab.ReadOrders, cognitoauth.And(lab.WriteOrders, lab.ReadOrders)), nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"no token, the first of two scopes is named", nil, require(cognitoauth.Or(lab.WriteOrders, lab.ReadOrders)), nil, "", nil, 401, "token_missing", "scope=orders/write"},
	{"no token, the route needs a group", nil, require(cognitoauth.Group("admin")), nil, "", nil, 401, "token_missing", ""},
	{"no cookie", cookie, require(lab.ReadOrders), nil, "", nil, 401, "token_missing", "scope=orders/read"},
	{"preflight", nil, nil, nil, "OPTIONS /", []string{"Origin", "https://app.test", "Access-Control-Request-Method", "GET"}, 401, "token_missing", ""},
	{"marked route, unclean path", nil, cognitoauth.AllowAnonymous, nil, "GET /a%2Fb", nil, 401, "token_missing", ""},
	{"another scheme", nil, nil, nil, "", []string{"Authorization", "Basic dXNlcjpwdw=="}, 401, "token_missing", ""},

	{"malformed credentials", nil, nil, verbatim("a b"), "", nil, 400, "credentials_malformed", "error=invalid_request"},
	{"malformed credentials, the route needs a scope", nil, require(lab.ReadOrders), verbatim("a b"), "", nil, 400, "credentials_malformed", "error=invalid_request"},
	{"two headers", nil, nil, nil, "", []string{"Authorization", "Bearer a", "Authorization", "Bearer b"}, 400, "credentials_repeated", "error=invalid_request"},
	{"two cookies", cookie, nil, nil, "", []string{"Cookie", "session=a; session=b"}, 400, "credentials_repeated", "error=invalid_request"},
	{"error of a token source", lab.TokenSource(func(*http.Request) (string, error) { return "", errors.New("source-confidential") }), nil, nil, "", nil, 400, "credentials_malformed", "error=invalid_request"},

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
	{"expired, the route needs a scope", nil, require(lab.ReadOrders), secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "", nil, 401, "token_expired", "error=invalid_token scope=orders/read"},
	{"expired, fallback and route need scopes", fallback(lab.ReadOrders), requireBoth(lab.WriteOrders, lab.ReadOrders), secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "", nil, 401, "token_expired", "error=invalid_token scope=orders/read orders/write"},
	{"expired, an Optional route, to which the fallback does not apply", fallback(lab.ReadOrders), cognitoauth.Optional, secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "", nil, 401, "token_expired", "error=invalid_token"},
	{"expired, a marked route, unclean path", fallback(lab.ReadOrders), cognitoauth.AllowAnonymous, secretly(func(t *cognitotest.Token) *cognitotest.Token { return t.ExpiresIn(-time.Hour) }), "GET /a%2Fb", nil, 401, "token_expired", "error=invalid_token scope=orders/read"},
	{"malformed, the route needs a scope", nil, require(lab.ReadOrders), verbatim("abcdefgh"), "", nil, 401, "token_malformed", "error=invalid_token scope=orders/read"},
	{"revoked, the route needs a scope", revocation(true, nil), require(lab.ReadOrders), userToken, "", nil, 401, "token_revoked", "error=invalid_token scope=orders/read"},
	{"bound to a key", nil, nil, claimSet("cnf", map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), "", nil, 401, "token_bound", "error=invalid_token"},
	{"not yet valid", nil, nil, claimIn("nbf", 10*time.Minute), "", nil, 401, "token_not_yet_valid", "error=invalid_token"},
	{"issued in the future", nil, nil, claimIn("iat", 10*time.Minute), "", nil, 401, "token_issued_in_future", "error=invalid_token"},
	{"lives too long", nil, nil, claimIn("exp", 48*time.Hour), "", nil, 401, "lifetime_too_long", "error=invalid_token"},
	{"client", nil, nil, claimSet("client_id", "2other"), "", nil, 401, "client_mismatch", "error=invalid_token"},
	{"no subject", nil, nil, claimless("sub"), "", nil, 401, "subject_missing", "error=invalid_token"},
	{"audience", nil, nil, claimSet("aud", "https://api.test"), "", nil, 401, "audience_mismatch", "error=invalid_token"},
	{"key unknown", nil, nil, headerSet("kid", "nobody"), "", nil, 401, "key_unknown", "error=invalid_token"},
	{"signature", nil, nil, secretly((*cognitotest.Token).Tampered), "", nil, 401, "signature_invalid", "error=invalid_token"},
	{"revoked", revocation(true, nil), nil, userToken, "", nil, 401, "token_revoked", "error=invalid_token"},

	{"scope", nil, require(lab.ReadOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read"},
	{"one of two scopes", nil, require(cognitoauth.And(lab.ReadOrders, lab.WriteOrders)), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of the fallback", fallback(lab.ReadOrders), nil, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read"},
	{"scopes of fallback and route", fallback(lab.ReadOrders), require(lab.WriteOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of the route, the fallback's is there", fallback(lab.ReadOrders), require(lab.WriteOrders), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of a hidden Require, the fallback's is there", fallback(lab.ReadOrders), func(h http.Handler) http.Handler { return lab.Passing(require(lab.WriteOrders)(h)) }, scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scopes of nested Requires", nil, requireBoth(lab.ReadOrders, lab.WriteOrders), userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scopes of nested Requires inside another handler", nil, func(h http.Handler) http.Handler { return lab.Passing(requireBoth(lab.ReadOrders, lab.WriteOrders)(h)) }, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"no token, nested Requires inside an Optional handler", nil, func(h http.Handler) http.Handler {
		return cognitoauth.Optional(lab.Passing(requireBoth(lab.ReadOrders, lab.WriteOrders)(h)))
	}, nil, "", nil, 401, "token_missing", "scope=orders/read orders/write"},
	{"scope of an inner Require", nil, requireBoth(lab.ReadOrders, lab.WriteOrders), scoped("orders/read"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope of an outer Require", nil, requireBoth(lab.ReadOrders, lab.WriteOrders), scoped("orders/write"), "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/read orders/write"},
	{"scope under Optional, to which no fallback applies", fallback(lab.ReadOrders), func(h http.Handler) http.Handler {
		return cognitoauth.Optional(lab.Passing(require(lab.WriteOrders)(h)))
	}, userToken, "", nil, 403, "scope_missing", "error=insufficient_scope scope=orders/write"},
	{"scope of an ID token", acceptIDTokens, require(lab.ReadOrders), idToken, "", nil, 403, "scope_unattainable", "-"},
	{"group beside a scope of the fallback", fallback(cognitoauth.Or(lab.ReadOrders, cognitoauth.Authenticated())), require(cognitoauth.Group("admin")), userToken, "", nil, 403, "group_missing", "-"},

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
	{"a policy of one's own that a login mends", nil, require(cognitoauth.StepUp("gold silver", never)), userToken, "", nil, 401, "step_up_required", "acr_values=gold silver error=insufficient_user_authentication"},
	{"a policy of one's own and a machine", nil, require(cognitoauth.StepUp("gold", never)), machineToken, "", nil, 403, "assertion_denied", "-"},
	{"login and acr", nil, require(cognitoauth.And(recently, cognitoauth.ACR("gold"))), claimIn("auth_time", -time.Hour), "", nil, 401, "login_too_old", "acr_values=gold error=insufficient_user_authentication max_age=300"},
	{"old login, the scopes are there", fallback(lab.ReadOrders), requireBoth(lab.ReadOrders, recently), func(p *cognitotest.Pool) fmt.Stringer {
		return secretive(p).Scopes("orders/read").Set("auth_time", p.Now().Add(-time.Hour))
	}, "", nil, 401, "login_too_old", "error=insufficient_user_authentication max_age=300"},
	{"login by the fallback", fallback(recently), nil, claimIn("auth_time", -time.Hour), "", nil, 401, "login_too_old", "error=insufficient_user_authentication max_age=300"},

	{"cross-origin cookie", cookie, nil, nil, "POST /", []string{"Cookie", "session=a", "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin", "-"},
	{"keys unavailable", noKeys, nil, userToken, "", nil, 503, "keys_unavailable", "-"},
	{"a client that is not allowed", allowing(false, nil), nil, claimSet("client_id", "2other"), "", nil, 401, "client_mismatch", "error=invalid_token"},
	{"client check unavailable", allowing(false, errors.New("list-confidential")), nil, claimSet("client_id", "2other"), "", nil, 503, "client_check_unavailable", "-"},
	{"client check unavailable and yet allowed", allowing(true, errors.New("list-confidential")), nil, claimSet("client_id", "2other"), "", nil, 503, "client_check_unavailable", "-"},
	{"client check unavailable, optional route", allowing(true, errors.New("list-confidential")), cognitoauth.Optional, claimSet("client_id", "2other"), "", nil, 503, "client_check_unavailable", "-"},
	{"revocation unavailable", revocation(false, errors.New("list-confidential")), nil, userToken, "", nil, 503, "revocation_unavailable", "-"},
	{"revocation unavailable and yet revoked", revocation(true, errors.New("list-confidential")), nil, userToken, "", nil, 503, "revocation_unavailable", "-"},
}

// stage makes the gate, the handler and the request of a row.
func (tt *refused) stage(t *testing.T) (g *lab.Gate, h http.Handler, r func(more ...string) *http.Request, token string) {
	t.Helper()
	g = lab.NewGate(t, tt.config)
	mux := http.NewServeMux()
	page := g.Page()
	if tt.route != nil {
		page = tt.route(page)
	}
	mux.Handle("/", page)
	header := tt.header
	if tt.token != nil {
		token = tt.token(g.Pool).String()
		header = append([]string{"Authorization", "Bearer " + token}, header...)
	}
	line := cmp.Or(tt.line, "GET /")
	return g, g.Auth.Wrap(mux), func(more ...string) *http.Request { return lab.Call(line, append(slices.Clone(header), more...)...) }, token
}

// described renders a challenge in the manner of refused.challenge, after
// checking realm and description.
func described(t *testing.T, challenges []string, p lab.Problem) string {
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
			w := lab.Ask(h, r)
			if w.Code != tt.status || g.Ran() {
				t.Fatalf("status %d, handler ran: %v; want %d: %s", w.Code, g.Ran(), tt.status, w.Body)
			}
			p := lab.ProblemOf(t, w)
			if want := (lab.Problem{Title: http.StatusText(tt.status), Status: tt.status, Detail: p.Detail, Code: tt.code}); p != want || p.Detail == "" {
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
			last := g.Decisions[len(g.Decisions)-1]
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
		token_not_yet_valid token_issued_in_future lifetime_too_long client_mismatch audience_mismatch subject_missing token_bound key_unknown
		signature_invalid token_revoked login_too_old acr_mismatch step_up_required scope_missing scope_unattainable group_missing client_denied claim_denied
		user_required machine_required assertion_denied acr_unattainable login_unattainable policy_denies cross_origin keys_unavailable
		client_check_unavailable revocation_unavailable`)
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
			w := lab.Ask(outer, r)
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

// An answer that depends on a token is not for caches, unless its handler, or
// something outside of Wrap, says more about it.
func TestWrap_noStore(t *testing.T) {
	g := lab.NewGate(t, nil)
	says := func(value string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if value != "" {
				w.Header().Set("Cache-Control", value)
			}
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/open", cognitoauth.AllowAnonymous(says("")))
	mux.Handle("/open-private", cognitoauth.AllowAnonymous(says("private")))
	mux.Handle("/optional", cognitoauth.Optional(says("")))
	mux.Handle("/me", says(""))
	mux.Handle("/me-private", says("private, max-age=60"))
	mux.Handle("/orders", cognitoauth.Require(cognitoauth.Authenticated(), says("")))
	mux.Handle("/orders-private", cognitoauth.Require(cognitoauth.Authenticated(), says("private")))
	mux.Handle("/adds", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Add("Cache-Control", "private") }))
	mux.Handle("/deletes", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Del("Cache-Control") }))
	mux.Handle("/overwrites", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header()["Cache-Control"][0] = "public" }))
	h := g.Auth.Wrap(mux)
	for _, tt := range []struct {
		path, token, outer, want string
	}{
		{"/open", "", "", ""}, {"/open", g.Good(), "", ""}, {"/open-private", "", "", "private"}, {"/open", "", "public", "public"},
		{"/overwrites", g.Good(), "", "public"}, // before the others: none of them sees it
		{"/optional", "", "", "no-store"}, {"/optional", g.Good(), "", "no-store"}, {"/optional", g.Good(), "private", "private"},
		{"/me", g.Good(), "", "no-store"}, {"/me-private", g.Good(), "", "private, max-age=60"}, {"/me", g.Good(), "private", "private"},
		{"/orders", g.Good(), "", "no-store"}, {"/orders-private", g.Good(), "", "private"},
		{"/adds", g.Good(), "", "no-store|private"}, {"/me", g.Good(), "", "no-store"},
		{"/deletes", g.Good(), "", ""}, {"/nowhere", g.Good(), "", "no-store"},
		{"/me", "", "", "no-store"}, {"/me", "", "public", "no-store"}, {"/optional", "Bearer x", "public", "no-store"},
	} {
		w := httptest.NewRecorder()
		if tt.outer != "" {
			w.Header().Set("Cache-Control", tt.outer)
		}
		r := lab.Call("GET " + tt.path)
		if tt.token != "" {
			r.Header.Set("Authorization", tt.token)
		}
		h.ServeHTTP(w, r)
		if got := strings.Join(w.Header().Values("Cache-Control"), "|"); got != tt.want {
			t.Errorf("%s with %.10q, outside %q: %d with Cache-Control %q, want %q", tt.path, tt.token, tt.outer, w.Code, got, tt.want)
		}
	}
}

// So is a refusal that another ErrorHandler answers, unless that says otherwise.
func TestWrap_noStoreByErrorHandler(t *testing.T) {
	for own, want := range map[string]string{"": "no-store", "private": "private"} {
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
				if own != "" {
					w.Header().Set("Cache-Control", own)
				}
				http.Error(w, e.Error(), e.Status)
			}
		})
		for path, token := range map[string]string{"/me": "", "/orders": g.Good(), "/hidden": g.Good()} {
			w := httptest.NewRecorder()
			w.Header().Set("Cache-Control", "max-age=60")
			g.Auth.Wrap(lab.NewSite(g)).ServeHTTP(w, lab.Call("GET "+path, "Authorization", token))
			if got := w.Header().Values("Cache-Control"); w.Code < 400 || !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %d with Cache-Control %q, want %q", path, w.Code, got, want)
			}
		}
	}
}

// Nothing that anybody is told holds a part of the token, or a claim that is
// confidential.
func TestWrap_tellsNoSecret(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			g, h, request, token := tt.stage(t)
			w := lab.Ask(h, request("Origin", "https://app.test"))
			told := fmt.Sprint(w.Header(), w.Body, g.Written())
			for _, d := range g.Decisions {
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

// The HTTP layer, case by case; $T is a good token of jane's, $X an expired
// one. (Keys that cannot be had are in TestWrap_answers, path
// tricks in internal/proof/routing, panics in TestHooks_panic.)
func TestWrap_httpLayer(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	token := strings.NewReplacer("$T", g.Pool.AccessToken().String(), "$X", g.Pool.AccessToken().ExpiresIn(-time.Hour).String())
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
		g.Forget()
		header := slices.Clone(tt.header)
		for i := 1; i < len(header); i += 2 {
			header[i] = token.Replace(header[i])
		}
		w := lab.Ask(h, lab.Call(token.Replace(tt.line), header...))
		answer := lab.CodeOf(t, w)
		if answer == "" {
			answer = w.Body.String()
		}
		if w.Code != tt.status || answer != tt.answer || g.Ran() != (tt.status == 200) {
			t.Errorf("%s: %d %s, handler ran: %v; want %d %s", tt.name, w.Code, answer, g.Ran(), tt.status, tt.answer)
		}
	}
}

func TestMiddleware_notMadeByNew(t *testing.T) {
	g := lab.NewGate(t, nil)
	for name, auth := range map[string]*cognitoauth.Middleware{"nil": nil, "zero": {}} {
		h := auth.Wrap(lab.NewSite(g))
		for _, path := range []string{"/me", "/healthz", "/greet", "/nowhere", "/orders"} {
			w := lab.Ask(h, lab.Call("GET "+path, "Authorization", g.Good()))
			if w.Code != 500 || lab.CodeOf(t, w) != "not_wired" || len(w.Header().Values("WWW-Authenticate")) > 0 || g.Ran() {
				t.Errorf("%s Middleware, %s: %d %s", name, path, w.Code, w.Body)
			}
		}
		if _, err := auth.Validate(t.Context(), g.Pool.AccessToken().String()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
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

func TestWrap_revoked(t *testing.T) {
	type key struct{}
	var asked []string
	var answer bool
	var fails error
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Revoked = func(ctx context.Context, c *cognitoauth.Claims) (bool, error) {
			asked = append(asked, fmt.Sprint(c.Username, " ", c.OriginID, " ", ctx.Value(key{})))
			return answer, fails
		}
	})
	h := g.Auth.Wrap(lab.NewSite(g))
	good := g.Pool.AccessToken().Set("origin_jti", "family")
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
		g.Forget()
		r := lab.Call("GET " + tt.path)
		if tt.token != nil {
			r.Header.Set("Authorization", "Bearer "+tt.token.String())
		}
		w := lab.Ask(h, r.WithContext(context.WithValue(r.Context(), key{}, "ctx")))
		if w.Code != tt.status || len(asked) != tt.asked || g.Ran() != (tt.status == 200) {
			t.Errorf("%s: status %d, asked %d times, handler ran: %v; want %d, %d", tt.name, w.Code, len(asked), g.Ran(), tt.status, tt.asked)
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
			w := lab.Ask(h, lab.BearerCall(pool.AccessToken()))
			if got := w.Header().Get("Retry-After"); w.Code != 503 || got != step.want {
				t.Errorf("after %s more: %d, Retry-After %q, want 503 and %q", step.sleep, w.Code, got, step.want)
			}
		}
	})
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
	{"AllowClient", "/me", true, func(c *cognitoauth.Config, e *explosive) {
		c.Pools[0].ClientIDs = nil
		c.Pools[0].AllowClient = func(context.Context, string, bool) (bool, error) { e.maybe(); return true, nil }
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
			g := lab.NewGate(t, func(c *cognitoauth.Config) {
				if tt.set != nil {
					tt.set(c, e)
				}
			})
			mux := lab.NewSite(g)
			mux.Handle("/explosive", cognitoauth.Require(e.assert(), g.Page()))
			h := g.Auth.Wrap(mux)
			token := "Bearer " + g.Pool.AccessToken().Scopes("orders/read").String()
			request := func() *http.Request {
				if tt.good {
					return lab.Call("GET "+tt.path, "Authorization", token)
				}
				return lab.Call("GET " + tt.path)
			}
			for range 2 {
				e.armed.Store(true)
				g.Forget()
				w, value := httptest.NewRecorder(), any(nil)
				func() {
					defer func() { value = recover() }()
					h.ServeHTTP(w, request())
				}()
				if value != "boom" || g.Ran() || w.Body.Len() > 0 {
					t.Errorf("panic value %v, handler ran: %v, answer %q; want the panic alone", value, g.Ran(), w.Body)
				}
				e.armed.Store(false)
				g.Forget()
				want := 200
				if !tt.good && tt.path == "/me" {
					want = 401
				}
				if w := lab.Ask(h, request()); w.Code != want || g.Ran() != (want == 200) {
					t.Errorf("next request: status %d, handler ran: %v; want %d", w.Code, g.Ran(), want)
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
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap(o.Handler("secret")), nil)
	raw := lab.RawRequest("GET /", lab.PlainHost, "Authorization: Bearer "+pool.AccessToken().String()+"\r\n")
	e.armed.Store(true)
	if status, ran := w.Send(raw); status != 0 || ran != "" {
		t.Errorf("answered %d by %q, want the connection closed", status, ran)
	}
	e.armed.Store(false)
	if status, ran := w.Send(raw); status != 200 || ran != "secret" {
		t.Errorf("next request: %d by %q, want 200", status, ran)
	}
}

// An ErrorHandler that answers 200 shows what it likes, but not the page.
func TestErrorHandler_cannotLetIn(t *testing.T) {
	var got *cognitoauth.Error
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			got = e
			w.WriteHeader(200)
		}
	})
	for path, code := range map[string]string{"/me": "token_missing", "/nowhere": "token_missing"} {
		got = nil
		if w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET "+path)); g.Ran() || w.Body.Len() > 0 || got == nil || got.Code != code {
			t.Errorf("%s: handler ran: %v, body %q, error %v", path, g.Ran(), w.Body, got)
		}
	}
	w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /orders", "Authorization", g.Good()))
	if g.Ran() || w.Body.Len() > 0 || got.Code != "scope_missing" {
		t.Errorf("/orders: handler ran: %v, body %q, error %v", g.Ran(), w.Body, got)
	}
}

// The pattern comes back to the request of an outer handler, where an access
// log looks for it.
func TestWrap_patternIsCopiedBack(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := lab.NewSite(g)
	mux.Handle("/panics", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("page") }))
	nested := http.NewServeMux()
	nested.Handle("/api/items/{id}", g.Page())
	mux.Handle("/api/", nested)
	h := g.Auth.Wrap(mux)
	for path, want := range map[string]string{
		"/me": "/me", "/healthz": "GET /healthz", "/greet": "/greet", "/orders": "/orders", "/hidden": "/hidden",
		"/api/items/7": "/api/items/{id}", "/panics": "/panics", "/nowhere": "",
	} {
		r := lab.Call("GET "+path, "Authorization", g.Good())
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if r.Pattern != want {
			t.Errorf("%s: the outer request has pattern %q, want %q", path, r.Pattern, want)
		}
	}
	// A refusal has its route as well: that of the mux inside, or else outside.
	for path, want := range map[string]string{"/me": "/me", "/orders": "/orders", "/api/items/7": "/api/items/{id}", "/nowhere": ""} {
		for _, credentials := range []string{"", "Bearer bad", "Bearer"} {
			r := lab.Call("GET " + path)
			if credentials != "" {
				r.Header.Set("Authorization", credentials)
			}
			if w := lab.Ask(h, r); w.Code < 400 || r.Pattern != want {
				t.Errorf("%s, refused with %d: the outer request has pattern %q, want %q", path, w.Code, r.Pattern, want)
			}
		}
	}
	if r := lab.Call("GET /me", "HTTP2-Settings", "", "Upgrade", "h2c"); lab.Ask(h, r).Code != 401 || r.Pattern != "/me" {
		t.Errorf("refused with an offer of h2c: pattern %q, want /me", r.Pattern)
	}
	outer := http.NewServeMux()
	outer.Handle("/me", g.Auth.Wrap(g.Page()))
	if r := lab.Call("GET /me", "Authorization", g.Good()); lab.Ask(outer, r).Code != 200 || r.Pattern != "/me" {
		t.Errorf("Wrap inside a mux: pattern %q, want /me", r.Pattern)
	}
}

// Handlers get the very ResponseWriter that the server made.
func TestWrap_responseWriterIsPassedOn(t *testing.T) {
	g := lab.NewGate(t, nil)
	var got http.ResponseWriter
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })
	for name, h := range map[string]http.Handler{
		"unmarked": page, "AllowAnonymous": cognitoauth.AllowAnonymous(page), "Optional": cognitoauth.Optional(page),
		"Require": cognitoauth.Require(cognitoauth.Authenticated(), page),
	} {
		got = nil
		w := httptest.NewRecorder()
		g.Auth.Wrap(h).ServeHTTP(w, lab.Call("GET /", "Authorization", g.Good()))
		if got != http.ResponseWriter(w) {
			t.Errorf("%s: the handler got a %T", name, got)
		}
	}
}

// M20: flushing, deadlines and hijacking work behind Wrap.
func TestWrap_responseController(t *testing.T) {
	auth, token := lab.Wrapped(t)
	o := new(lab.Origin)
	mux := http.NewServeMux()
	mux.HandleFunc("/flush", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute)), c.EnableFullDuplex(), c.Flush())
		if err != nil {
			t.Error(err)
		}
		_, isFlusher := w.(http.Flusher)
		_, isReader := w.(io.ReaderFrom)
		o.Handler(fmt.Sprint(isFlusher, isReader)).ServeHTTP(w, r)
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		o.Handler("hijacked").ServeHTTP(httptest.NewRecorder(), r)
		io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	w := o.Serve(t, auth.Wrap(mux), nil)
	if status, ran := w.Send(lab.RawRequest("GET /flush", lab.PlainHost, token)); status != 200 || ran != "true true" {
		t.Errorf("flush: %d by %q", status, ran)
	}
	if status, ran := w.Send(lab.RawRequest("GET /hijack", lab.PlainHost, token)); status != 299 || ran != "hijacked" {
		t.Errorf("hijack: %d by %q", status, ran)
	}
}

// net/http removes the files of an upload when a request ends, and looks for
// them in the request that it made, which is not the one behind Wrap.
func TestWrap_uploadsAreRemoved(t *testing.T) {
	auth, token := lab.Wrapped(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o := new(lab.Origin)
	parse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(dir)
		o.Handler(fmt.Sprint(len(files), " file, ", err)).ServeHTTP(w, r)
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "a")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, 1<<10))
	form.Close()
	upload := lab.RawRequest("POST /", lab.PlainHost, token, "Content-Type: "+form.FormDataContentType()+"\r\n", "Content-Length: "+strconv.Itoa(body.Len())+"\r\n") + body.String()
	for name, h := range map[string]http.Handler{"without Wrap": parse, "behind Wrap": auth.Wrap(parse)} {
		w := o.Serve(t, h, nil)
		if status, ran := w.Send(upload); status != 200 || ran != "1 file, <nil>" {
			t.Fatalf("%s: %d by %q", name, status, ran)
		}
		w.Send("GET\r\n\r\n") // one connection is served in order: the upload is done with
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("%s: %d files are left of the upload, %v", name, len(files), err)
		}
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
	if w := lab.Ask(h, lab.BearerCall(up.AccessToken())); w.Code != 200 {
		t.Errorf("a token of the pool that is up: %d %s", w.Code, w.Body)
	}
	if w := lab.Ask(h, lab.BearerCall(down.AccessToken())); w.Code != 503 {
		t.Errorf("a token of the pool that is down: %d %s", w.Code, w.Body)
	}
}

// All at once, for the race detector.
func TestWrap_manyRequestsAtOnce(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.Username == "gone", nil }
		c.Fallback = cognitoauth.Assert("anybody", func(*http.Request, *cognitoauth.Claims) bool { return true })
	})
	h := g.Auth.Wrap(lab.NewSite(g))
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			user := fmt.Sprint("user", i)
			token := g.Pool.AccessToken().User(user).Scopes("orders/read")
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
					w := lab.Ask(h, lab.Call("GET "+tt.path, "Authorization", "Bearer "+tt.token.String()))
					if w.Code != tt.code || tt.body != "" && w.Body.String() != tt.body {
						t.Errorf("%s as %s: %d %s, want %d %s", tt.path, user, w.Code, w.Body, tt.code, tt.body)
					}
				}
				if w := lab.Ask(h, lab.Call("GET /me")); w.Code != 401 {
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
	g := lab.NewGate(t, nil)
	parts := http.NewServeMux()
	parts.Handle("/allowed", cognitoauth.Require(cognitoauth.Authenticated(), g.Page()))
	parts.Handle("/denied", cognitoauth.Require(lab.ReadOrders, g.Page()))
	batch := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var serving sync.WaitGroup
		for range 4 {
			for path, want := range map[string]int{"/allowed": 200, "/denied": 403} {
				serving.Go(func() {
					if w := lab.Ask(parts, httptest.NewRequestWithContext(r.Context(), "GET", path, nil)); w.Code != want {
						t.Errorf("part %s: status %d, want %d", path, w.Code, want)
					}
				})
			}
		}
		serving.Wait()
	})
	for name, h := range map[string]http.Handler{"plain": batch, "behind Require": cognitoauth.Require(cognitoauth.Authenticated(), batch)} {
		g.Forget()
		if w := lab.Ask(g.Auth.Wrap(h), lab.Call("GET /", "Authorization", g.Good())); w.Code != 200 {
			t.Errorf("%s: status %d", name, w.Code)
		}
		if len(g.Decisions) != 5 {
			t.Errorf("%s: %d decisions, want 1 for the request and 4 for the Requires that refused", name, len(g.Decisions))
		}
	}
}
