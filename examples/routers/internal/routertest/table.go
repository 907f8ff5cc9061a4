// Package routertest is the one table that every program of this module has to
// meet, over real HTTP.
package routertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

// Row is one request and what has to come of it: the status, the code of a
// refusal, the scope that its challenge names, and last what the handlers
// recorded, which is nothing at all unless the status is 200.
type Row struct {
	name, method, path, token, want string
}

// Own is a row that only one router has.
func Own(name, method, path, token, want string) Row { return Row{name, method, path, token, want} }

// rows hold for every router, except where its test says otherwise.
var rows = []Row{
	{"open", "GET", "/healthz", "", "200 health for anybody"},
	{"open, token not looked at", "GET", "/healthz", "tampered", "200 health for anybody"},
	{"open below a sub-router", "GET", "/v1/version", "", "200 version for anybody"},
	{"open, HEAD", "HEAD", "/healthz", "", "200 health for anybody"},
	{"open, letter escaped", "GET", "/%68ealthz", "", "200 health for anybody"},

	{"protected without token", "GET", "/me", "", "401 token_missing"},
	{"protected, signature broken", "GET", "/me", "tampered", "401 signature_invalid"},
	{"protected, expired", "GET", "/me", "expired", "401 token_expired"},
	{"protected", "GET", "/me", "jane", "200 me for jane"},
	{"protected below a sub-router without token", "GET", "/v1/orders", "", "401 token_missing"},
	{"protected below a sub-router", "GET", "/v1/orders", "jane", "200 orders for jane"},

	{"policy without token", "POST", "/orders", "", "401 token_missing orders/write"},
	{"policy not met", "POST", "/orders", "jane", "403 scope_missing orders/write"},
	{"policy met", "POST", "/orders", "writer", "200 order for jane"},

	{"parameter, not met", "GET", "/users/joe", "jane", "403 assertion_denied"},
	{"parameter, met", "GET", "/users/jane", "jane", "200 page for jane"},
	{"parameter, machine", "GET", "/users/", "machine", "404"},
	{"parameter, machine, somebody's", "GET", "/users/jane", "machine", "403 user_required"},
	{"parameter without token", "GET", "/users/jane", "", "401 token_missing"},
	{"parameter, letter escaped", "GET", "/users/j%61ne", "jane", "200 page for jane"},

	{"unknown without token", "GET", "/nope", "", "401 token_missing"},
	{"unknown", "GET", "/nope", "jane", "404"},
	{"unknown below a sub-router without token", "GET", "/v1/nope", "", "401 token_missing"},
	{"unknown below a sub-router", "GET", "/v1/nope", "jane", "404"},
	{"below an open route", "GET", "/healthz/x", "", "401 token_missing"},

	{"wrong method without token", "DELETE", "/me", "", "401 token_missing"},
	{"wrong method", "DELETE", "/me", "jane", "405"},
	{"wrong method on open without token", "POST", "/healthz", "", "401 token_missing"},
	{"wrong method on open", "POST", "/healthz", "jane", "405"},
	{"OPTIONS on open", "OPTIONS", "/healthz", "", "401 token_missing"},
	{"unheard-of method on open", "BREW", "/healthz", "", "401 token_missing"},

	{"encoded slash before open", "GET", "/%2Fhealthz", "", "401 token_missing"},
	{"encoded slash after open", "GET", "/healthz%2F", "", "401 token_missing"},
	{"encoded slash within open", "GET", "/v1%2fversion", "", "401 token_missing"},
	{"encoded way out of open", "GET", "/v1/version%2f..%2forders", "", "401 token_missing"},
	{"encoded dots into open", "GET", "/v1/%2e%2e/healthz", "", "401 token_missing"},
	{"encoded slash without token", "GET", "/users%2Fjane", "", "401 token_missing"},
	{"encoded slash in parameter", "GET", "/users/jane%2Fx", "jane", "403 assertion_denied"},

	{"trailing slash on open", "GET", "/healthz/", "", "401 token_missing"},
	{"trailing slash on open with token", "GET", "/healthz/", "jane", "404"},
	{"trailing slash without token", "GET", "/me/", "", "401 token_missing"},
	{"trailing slash", "GET", "/me/", "jane", "404"},
	{"two slashes before open", "GET", "//healthz", "", "401 token_missing"},
}

// Run holds the API against the table. differs has, by name, what this router
// answers differently, and more are rows of its own.
func Run(t *testing.T, newAPI demo.NewAPI, differs map[string]string, more ...Row) {
	t.Helper()
	a := newAPIUnderTest(t, newAPI)
	for _, row := range append(rows[:len(rows):len(rows)], more...) {
		if want, ok := differs[row.name]; ok {
			if want == row.want {
				t.Errorf("%s: %q is no difference", row.name, want)
			}
			delete(differs, row.name)
			row.want = want
		}
		if got := a.call(t, row); got != row.want {
			t.Errorf("%s: %s %s: got %q, want %q", row.name, row.method, row.path, got, row.want)
		}
	}
	for name := range differs {
		t.Errorf("there is no row %q", name)
	}
	testPrintedCalls(t, newAPI)
}

// Pattern holds what Config.Logger and Config.OnDecision call the route of a
// page that is refused, without a token and by the route's policy, against what
// is wanted.
func Pattern(t *testing.T, newAPI demo.NewAPI, withoutToken, byPolicy string) {
	t.Helper()
	a := newAPIUnderTest(t, newAPI)
	for _, c := range []struct{ token, code, pattern string }{
		{"", "token_missing", withoutToken},
		{"jane", "assertion_denied", byPolicy},
	} {
		a.call(t, Own("", "GET", "/users/joe", c.token, ""))
		var last cognitoauth.Decision
		for len(a.decisions) > 0 {
			last = <-a.decisions
		}
		if last.Code != c.code || last.Pattern != c.pattern {
			t.Errorf("decided was %s for the pattern %q, want %s for %q", last.Code, last.Pattern, c.code, c.pattern)
		}
	}
}

// underTest is a program's API on a loopback port.
type underTest struct {
	base      string
	client    *http.Client
	tokens    map[string]*cognitotest.Token
	records   chan string
	decisions chan cognitoauth.Decision
}

func newAPIUnderTest(t *testing.T, newAPI demo.NewAPI) *underTest {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	decisions := make(chan cognitoauth.Decision, 1000)
	cfg := pool.Config()
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { decisions <- d }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := &underTest{records: make(chan string, 100), decisions: decisions, tokens: map[string]*cognitotest.Token{
		"jane":     pool.AccessToken(),
		"writer":   pool.AccessToken().Scopes("orders/write"),
		"admin":    pool.AccessToken().Groups("admins"),
		"machine":  pool.MachineToken(),
		"expired":  pool.AccessToken().ExpiresIn(-time.Hour),
		"tampered": pool.AccessToken().Tampered(),
	}}
	srv := httptest.NewServer(newAPI(auth, func(what ...any) { a.records <- fmt.Sprint(what...) }))
	t.Cleanup(srv.Close)
	a.base, a.client = srv.URL, srv.Client()
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return a
}

var scope = regexp.MustCompile(`scope="([^"]*)"`)

// call makes the request of a row and says what came of it. A handler records
// before it answers, so after the answer there is nothing to wait for.
func (a *underTest) call(t *testing.T, row Row) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), row.method, a.base+row.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if row.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.tokens[row.token].String())
	}
	res, err := a.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{strconv.Itoa(res.StatusCode)}
	if res.Header.Get("Content-Type") == "application/problem+json" && len(body) > 0 {
		var problem struct{ Code string }
		if err := json.Unmarshal(body, &problem); err != nil {
			problem.Code = fmt.Sprintf("with more than a problem in its body: %s", body)
		}
		got = append(got, problem.Code)
	}
	if m := scope.FindStringSubmatch(res.Header.Get("WWW-Authenticate")); m != nil {
		got = append(got, m[1])
	}
	for len(a.records) > 0 {
		got = append(got, <-a.records)
	}
	return strings.Join(got, " ")
}

var curl = regexp.MustCompile(`^curl -i (?:-X ([A-Z]+) )?(\S+)(?: -H 'Authorization: (.*)')?$`)

// testPrintedCalls runs the program and pastes what it prints: "# 200: what",
// and in the next line curl.
func testPrintedCalls(t *testing.T, newAPI demo.NewAPI) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := demo.Serve(ctx, in, newAPI)
		in.Close()
		ended <- err
	}()
	var printed []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed = append(printed, lines.Text())
		if strings.HasPrefix(lines.Text(), "Serving on ") {
			break
		}
	}
	calls := 0
	for i, line := range printed {
		m := curl.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		calls++
		if got := paste(t, m[1], m[2], m[3]); !strings.HasPrefix(printed[i-1], "# "+got+": ") {
			t.Errorf("%s %s is answered %s, but announced is %q", m[1], m[2], got, printed[i-1])
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if calls != 10 {
		t.Errorf("the program printed %d calls, want 10", calls)
	}
}

func paste(t *testing.T, method, url, authorization string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return strconv.Itoa(res.StatusCode)
}
