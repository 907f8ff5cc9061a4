package playground_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
)

// site is an API with its playground, on a loopback port.
type site struct {
	url  string
	pool *cognitotest.Pool
	log  *strings.Builder
}

func routes() []playground.Route {
	return []playground.Route{
		{Method: "GET", Path: "/healthz", About: "Says that the API runs"},
		{Method: "GET", Path: "/me"},
		{Method: "POST", Path: "/orders"},
		{Method: "GET", Path: "/broken"},
		{Method: "GET", Path: "/long"},
	}
}

func kinds() []playground.Token {
	return []playground.Token{
		{Name: "jane", About: "an access token of jane", Issue: (*cognitotest.Pool).AccessToken},
		{Name: "buyer", Issue: func(p *cognitotest.Pool) *cognitotest.Token { return p.AccessToken().Scopes("orders/write") }},
		{Name: "other", Issue: func(p *cognitotest.Pool) *cognitotest.Token { return p.AccessToken().Client("7otherclient98765") }},
	}
}

// start serves one. change may be nil.
func start(t *testing.T, change func(*playground.Config)) site {
	t.Helper()
	clock := new(playground.Clock)
	s := site{pool: cognitotest.NewPool(t, cognitotest.Options{Now: clock.Now}), log: new(strings.Builder)}
	cfg := s.pool.Config()
	cfg.OnDecision = playground.Watch
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "well") })))
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		c, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprintf(w, "<b>hello %s</b>\n", c.Username)
	})
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })))
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, strings.Repeat("z", 1<<20)) })
	api := auth.Wrap(mux)
	c := playground.Config{Auth: auth, API: api, Routes: routes(), Pool: s.pool, Tokens: kinds(), Clock: clock}
	if change != nil {
		change(&c)
	}
	page, err := playground.New(c)
	if err != nil {
		t.Fatal(err)
	}
	front := http.NewServeMux()
	front.Handle("/playground/", page)
	srv := httptest.NewServer(front)
	t.Cleanup(srv.Close)
	s.url = srv.URL + "/playground/"
	return s
}

// ask sends a request, and returns the answer and its body.
func (s site) ask(t *testing.T, method, name string, form url.Values, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+name, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func (s site) post(t *testing.T, name string, form url.Values) string {
	t.Helper()
	res, body := s.ask(t, "POST", name, form, nil)
	if res.StatusCode != 200 {
		t.Fatalf("POST %s: %d %s", name, res.StatusCode, body)
	}
	return answerOf(body)
}

func (s site) call(t *testing.T, route, token string) string {
	t.Helper()
	return s.post(t, "call", url.Values{"route": {route}, "token": {token}})
}

// answerOf is the text of the page's result, without tags and with single spaces.
func answerOf(page string) string {
	_, page, _ = strings.Cut(page, `<section id="result"`)
	_, page, _ = strings.Cut(page, ">")
	page, _, _ = strings.Cut(page, "</section>")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	text = strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(text)
	return strings.Join(strings.Fields(text), " ")
}

func has(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}

func TestPage_routesAndPolicies(t *testing.T) {
	s := start(t, nil)
	res, body := s.ask(t, "GET", "", nil, nil)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	policy := res.Header.Get("Content-Security-Policy")
	has(t, "the policy", policy, "default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'")
	if strings.Contains(policy, "unsafe") || regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>`).MatchString(body) {
		t.Errorf("something inline: %s", policy)
	}
	for i, want := range []string{"AllowAnonymous", "Authenticated()", `Scope(&#34;orders/write&#34;)`} {
		part := strings.Split(body, `class="route"`)[i+1]
		has(t, routes()[i].Path, part, routes()[i].Path, "<code>"+want+"</code>", `value="jane"`, ">no token<")
	}
	for _, name := range []string{"style.css", "script.js", "icon.svg", "state"} {
		if res, _ := s.ask(t, "GET", name, nil, nil); res.StatusCode != 200 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	for _, name := range []string{"page.html", "x", "style.css/x"} {
		if res, _ := s.ask(t, "GET", name, nil, nil); res.StatusCode != 404 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if res, _ := s.ask(t, "GET", "call", nil, nil); res.StatusCode != 303 || res.Header.Get("Location") != "/playground/" {
		t.Errorf("a reload of an answer: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestCall_whatCallerAndOperatorSee(t *testing.T) {
	s := start(t, nil)
	has(t, "no token", s.call(t, "1", ""), "GET /me without a token", "401 Unauthorized", `WWW-Authenticate: Bearer realm="api"`, "token_missing")
	text := s.call(t, "1", "jane")
	has(t, "jane", text, "200 OK", "<b>hello jane</b>", "Code authenticated", "signature passed", "policy passed")
	if strings.Contains(text, "failed") || strings.Contains(text, "eyJ") {
		t.Errorf("jane: %s", text)
	}
	has(t, "a missing scope", s.call(t, "2", "jane"), "403 Forbidden", `scope="orders/write"`, "signature passed", "policy failed", "scope_missing")
	has(t, "the scope", s.call(t, "2", "buyer"), "201 Created", "policy passed")
	// Which check, what was found, and which setting mends it.
	has(t, "another client", s.call(t, "1", "other"), "401 Unauthorized", "client failed", `Found "7otherclient98765" Expected "1example23456789"`, "Pool.ClientIDs", "policy not checked")
	has(t, "an open route", s.call(t, "0", "other"), "200 OK", "nobody looks at the token", "Code anonymous")
	has(t, "a panic", s.call(t, "3", "jane"), "The handler panicked")
	has(t, "a long body", s.call(t, "4", "jane"), "200 OK", "this is its beginning")
	has(t, "no such route", s.call(t, "9", "jane"), "There is no such route")
	has(t, "no such token", s.call(t, "1", "nobody"), "There is no such token")
	if raw, body := s.ask(t, "POST", "call", url.Values{"route": {"1"}, "token": {"jane"}}, nil); raw.StatusCode != 200 || strings.Contains(body, "<b>hello") {
		t.Error("the API's answer is markup on the page")
	}
}

// Wrap answers at the address of the metadata (RFC 9728, section 3.1) without a
// token, so the page must not show it as protected.
func TestPage_resourceMetadata(t *testing.T) {
	const resource = "https://api.example.com/mcp"
	s := start(t, func(c *playground.Config) {
		cfg := c.Pool.Config()
		cfg.Pools[0].Audiences = []string{resource}
		cfg.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: resource}}
		cfg.OnDecision = playground.Watch
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.Auth, c.API = auth, auth.Wrap(http.NewServeMux())
		const address = "/.well-known/oauth-protected-resource/mcp"
		c.Routes = []playground.Route{{Method: "GET", Path: address}, {Method: "POST", Path: address}}
	})
	_, body := s.ask(t, "GET", "", nil, nil)
	for _, policy := range []string{"ProtectedResource", "Authenticated()"} {
		if !strings.Contains(body, "Policy: <code>"+policy+"</code>") {
			t.Errorf("the page has no policy %s", policy)
		}
	}
	text := s.call(t, "0", "other")
	has(t, "the metadata", text, "200 OK", resource, "nobody looks at the token", "Code anonymous")
	if strings.Contains(text, "failed") {
		t.Errorf("checks that nobody makes: %s", text)
	}
	has(t, "another method", s.call(t, "1", ""), "401 Unauthorized")
}

// A pasted text is markup for nobody, and stands nowhere afterwards.
func TestPaste(t *testing.T) {
	s := start(t, nil)
	const secret = "Tr0ub4dor"
	good := s.pool.AccessToken().Set("custom:secret", secret).String()
	has(t, "a good token", s.post(t, "explain", url.Values{"pasted": {"\n " + good + "\n"}}), "The token is valid here", "revocation passed")
	has(t, "another client's", s.post(t, "explain", url.Values{"pasted": {s.pool.AccessToken().Client("7otherclient98765").String()}}), "client failed", "Pool.ClientIDs")
	has(t, "no token", s.post(t, "explain", url.Values{"pasted": {"hello"}}), "form failed", "The token is refused")
	has(t, "nothing", s.post(t, "explain", url.Values{"pasted": {" \n"}}), "The box was empty")
	has(t, "2 MB", s.post(t, "explain", url.Values{"pasted": {strings.Repeat("a", 2<<20)}}), "more than 1 MiB, and was not read")
	has(t, "a broken form", s.post(t, "explain", nil), "The box was empty")

	markup := s.pool.AccessToken().Set("iss", `<script>alert(1)</script>`).Set("client_id", `"><img src=x onerror=alert(2)>`).String()
	_, body := s.ask(t, "POST", "explain", url.Values{"pasted": {markup}}, nil)
	if strings.Contains(body, "<script>") || strings.Contains(body, "<img") {
		t.Error("claims become markup")
	}
	has(t, "markup", answerOf(body), "issuer failed", "script")
	_, body = s.ask(t, "GET", "", nil, nil)
	if strings.Contains(body, good[:40]) || strings.Contains(body, secret) || strings.Contains(s.log.String(), good[len(good)-40:]) || strings.Contains(s.log.String(), secret) {
		t.Error("a pasted token was kept")
	}
}

// One sees the outage of the key endpoint, and the recovery.
func TestKeys_outageAndRecovery(t *testing.T) {
	s := start(t, nil)
	press := func(what string) string { return s.post(t, "keys", url.Values{"do": {what}}) }
	has(t, "at first", s.call(t, "1", "jane"), "200 OK")
	has(t, "break", press("break"), "answers 503 from now on")
	has(t, "with its keys", s.call(t, "1", "jane"), "200 OK")
	has(t, "age", press("age"), "25 hours have passed")
	has(t, "the outage", s.call(t, "1", "jane"), "503 Service Unavailable", "Retry-After: ", "keys_unavailable", "key failed")
	_, state := s.ask(t, "GET", "state", nil, nil)
	has(t, "the state", state, "The key endpoint is broken", "none that may be used", "25h0m0s ahead")
	has(t, "fetch", press("fetch"), "could not be fetched", "503")
	has(t, "mend", press("mend"), "works again")
	has(t, "fetch", press("fetch"), "The keys were fetched")
	has(t, "the recovery", s.call(t, "1", "jane"), "200 OK")
	old := s.pool.AccessToken().KeyID()
	has(t, "rotate", press("rotate"), "The keys were rotated")
	press("fetch")
	has(t, "new keys", s.call(t, "1", "jane"), "200 OK")
	if _, state := s.ask(t, "GET", "state", nil, nil); strings.Contains(state, old) {
		t.Error("the old key is still there")
	}
	has(t, "no such button", press("explode"), "no such button")
}

// With a real pool there is nothing that mints or breaks.
func TestPage_realPool(t *testing.T) {
	s := start(t, func(c *playground.Config) { c.Pool, c.Tokens, c.Clock = nil, nil, nil })
	_, body := s.ask(t, "GET", "", nil, nil)
	has(t, "the page", body, "a real user pool", "Authenticated()", "Paste a token")
	for _, part := range []string{"Rotate", "Break", "25 hours", `value="jane"`} {
		if strings.Contains(body, part) {
			t.Errorf("there is %s", part)
		}
	}
	for _, what := range []string{"rotate", "break", "mend", "age"} {
		has(t, what, s.post(t, "keys", url.Values{"do": {what}}), "out of reach")
	}
	has(t, "jane", s.call(t, "1", "jane"), "There is no such token")
	if s.pool.Fetches() != 0 {
		t.Error("the keys were fetched")
	}
	has(t, "the ladder", s.post(t, "explain", url.Values{"pasted": {s.pool.AccessToken().String()}}), "signature passed")
}

func TestPage_answersThisMachineOnly(t *testing.T) {
	s := start(t, nil)
	for _, tt := range []struct {
		name   string
		method string
		change func(*http.Request)
		status int
	}{
		{"the page", "GET", func(r *http.Request) {}, 200},
		{"by name", "GET", func(r *http.Request) { r.Host = "localhost:1" }, 200},
		{"a form of the page", "POST", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Origin", "http://localhost:1")
			r.Host = "localhost:1"
		}, 200},

		{"foreign Host", "GET", func(r *http.Request) { r.Host = "rebound.example" }, 403},
		{"Forwarded", "GET", func(r *http.Request) { r.Header.Set("Forwarded", "for=127.0.0.1") }, 403},
		{"X-Forwarded-For", "GET", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") }, 403},
		{"X-Forwarded-Proto", "GET", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "http") }, 403},
		{"Via", "GET", func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, 403},
		{"X-Real-IP", "GET", func(r *http.Request) { r.Header.Set("X-Real-IP", "127.0.0.1") }, 403},
		{"cross-site form", "POST", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"cross-site form of an old browser", "POST", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"same-site form", "POST", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		{"another port", "POST", func(r *http.Request) { r.Header.Set("Origin", "http://localhost:1") }, 403},
		{"sandboxed", "POST", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		{"a proxy that rewrites Host", "POST", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Origin", "https://dev.example")
		}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := map[string]string{"GET": "", "POST": "keys"}[tt.method]
			res, body := s.ask(t, tt.method, name, url.Values{"do": {"break"}}, tt.change)
			if res.StatusCode != tt.status {
				t.Errorf("%d, want %d: %.300s", res.StatusCode, tt.status, body)
			}
			_, state := s.ask(t, "GET", "state", nil, nil)
			if broken := strings.Contains(state, "is broken"); broken != (tt.method == "POST" && tt.status == 200) {
				t.Errorf("broken: %t", broken)
			}
			s.post(t, "keys", url.Values{"do": {"mend"}})
		})
	}
}

// A reverse proxy on the same machine connects from loopback.
func TestPage_throughProxy(t *testing.T) {
	s := start(t, nil)
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
	}})
	defer proxy.Close()
	res, body := site{url: proxy.URL + "/playground/"}.ask(t, "GET", "", nil, nil)
	if res.StatusCode != 403 || !strings.Contains(body, "a proxy passed the request on") {
		t.Errorf("%d %.200s", res.StatusCode, body)
	}
	// As nginx connects by default before 1.29.7.
	conn, err := net.Dial("tcp", target.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /playground/ HTTP/1.0\r\nHost: %s\r\n\r\n", target.Host)
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 403 ") {
		t.Errorf("HTTP/1.0: %v %.100s", err, answer)
	}
}

func TestPage_addresses(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	page, err := playground.New(playground.Config{Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		local, remote string
		status        int
	}{
		{"127.0.0.1", "127.0.0.1:5000", 200},
		{"::1", "[::1]:5000", 200},
		{"192.0.2.1", "127.0.0.1:5000", 403},
		{"127.0.0.1", "192.0.2.1:5000", 403},
		{"", "127.0.0.1:5000", 403},
	} {
		r := httptest.NewRequest("GET", "http://localhost:8080/", nil)
		r.RemoteAddr = tt.remote
		if tt.local != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(tt.local), Port: 8080}))
		}
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("at %q from %s: %d, want %d", tt.local, tt.remote, w.Code, tt.status)
		}
	}
}

func TestNew_mistakes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	_, err = playground.New(playground.Config{
		Routes: []playground.Route{{Method: "GET", Path: "me"}, {Method: "G T", Path: "/"}},
		Tokens: []playground.Token{{Name: "a", Issue: (*cognitotest.Pool).AccessToken}, {Name: "a", Issue: (*cognitotest.Pool).IDToken}, {Name: "b"}},
		Clock:  new(playground.Clock),
	})
	if err == nil {
		t.Fatal("no error")
	}
	has(t, "the error", err.Error(), "Config.Auth is nil", "Config.API is nil", `Routes[0] is "GET" "me"`, "Routes[1]", "there is no Pool", "Clock is set without a Pool", `Tokens[1] is "a"`, `Tokens[2] is "b"`)
	// What is served must be what Wrap made, or the policies are unknown.
	page, err := playground.New(playground.Config{Auth: auth, API: http.NotFoundHandler(), Routes: routes()[:1]})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(page)
	defer srv.Close()
	_, body := site{url: srv.URL + "/"}.ask(t, "GET", "", nil, nil)
	has(t, "the page", body, "Config.API is not what Wrap returned")
}
