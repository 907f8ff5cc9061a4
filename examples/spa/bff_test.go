package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// world is the whole program without its page's script, on ports of its own.
type world struct {
	t     *testing.T
	here  places
	clock *clock
	// cookies are those of one browser, by name, for all ports as browsers have it. A
	// cookiejar would not send Secure cookies by http.
	cookies map[string]*http.Cookie
	// stopLogin ends managed login.
	stopLogin func() error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	listeners, err := listen(0)
	if err != nil {
		t.Fatal(err)
	}
	here := places{origin(listeners[0]), origin(listeners[1]), origin(listeners[2])}
	c := new(clock)
	pool := cognitotest.NewPool(t, cognitotest.Options{ClientIDs: []string{stubClient}, Now: c.Now})
	s := &setup{config: pool.Config(), pool: pool, clock: c, clientID: stubClient, domain: here.login, scope: "orders/write"}
	sites, err := newSites(t.Context(), s, here, []byte("// no script"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, here: here, clock: c, cookies: map[string]*http.Cookie{}}
	for i, site := range sites {
		srv := &http.Server{Handler: site}
		if i == 1 {
			w.stopLogin = srv.Close
		}
		go func() { _ = srv.Serve(listeners[i]) }()
		t.Cleanup(func() { srv.Close() })
	}
	return w
}

var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// do sends a request with the cookies and these header fields.
func (w *world) do(method, target string, form url.Values, header ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range w.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		w.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(w.cookies, c.Name)
		}
	}
	return res, string(body)
}

// page sends a request of the page itself.
func (w *world) page(method, path string) (*http.Response, string) {
	w.t.Helper()
	return w.do(method, w.here.api+path, nil, "Sec-Fetch-Site", "same-origin")
}

// sent returns where a response sends the browser.
func (w *world) sent(res *http.Response) *url.URL {
	w.t.Helper()
	u, err := res.Location()
	if err != nil {
		w.t.Fatalf("%s: %v", res.Status, err)
	}
	return u
}

// begin goes as far as the callback URL, which it returns.
func (w *world) begin(user, query string) *url.URL {
	w.t.Helper()
	res, _ := w.do("GET", w.here.api+"/bff/login"+query, nil)
	res, _ = w.do("GET", w.sent(res).String(), nil)
	if next := w.sent(res); next.Path == "/login" {
		res, _ = w.do("POST", next.String(), url.Values{"user": {user}})
	}
	return w.sent(res)
}

// signIn returns where the callback sends the browser.
func (w *world) signIn(user, query string) string {
	w.t.Helper()
	res, _ := w.do("GET", w.begin(user, query).String(), nil)
	return strings.TrimPrefix(w.sent(res).String(), w.here.api)
}

func (w *world) want(status int, method, path string) string {
	w.t.Helper()
	res, body := w.page(method, path)
	if res.StatusCode != status {
		w.t.Errorf("%s %s: %s, want %d: %s", method, path, res.Status, status, body)
	}
	return body
}

func (w *world) sessionCookies() (found []*http.Cookie) {
	for name, c := range w.cookies {
		if strings.HasPrefix(name, "__Host-") {
			found = append(found, c)
		}
	}
	return found
}

func TestBFF_keepsTheTokensOfAUserIn100Groups(t *testing.T) {
	w := newWorld(t)
	if where := w.signIn("ada", ""); where != "/cookie" {
		t.Fatalf("the sign-in ended at %s", where)
	}
	cookies := w.sessionCookies()
	if len(cookies) < 3 {
		t.Errorf("%d cookies", len(cookies))
	}
	for _, c := range cookies {
		if n := len(c.Raw); n >= 4096 {
			t.Errorf("%s has %d bytes", c.Name, n)
		}
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %s", c.Name, c.Raw[len(c.Name)+1+len(c.Value):])
		}
	}
	var me struct {
		User   string
		Groups int
	}
	if err := json.Unmarshal([]byte(w.want(200, "GET", "/bff/api/me")), &me); err != nil || me.User != "ada" || me.Groups != 100 {
		t.Errorf("%+v, %v", me, err)
	}
	// A shorter session takes back what the longer one has left.
	delete(w.cookies, "login-stub")
	w.signIn("jane", "")
	if got := w.want(200, "GET", "/bff/session"); len(w.sessionCookies()) != 1 || !strings.Contains(got, `"jane"`) {
		t.Errorf("%s in %d cookies", got, len(w.sessionCookies()))
	}
}

func TestBFF_goesThroughTheAPIsPolicies(t *testing.T) {
	w := newWorld(t)
	w.want(401, "GET", "/bff/api/me")
	w.signIn("jane", "")
	w.want(200, "GET", "/bff/api/me")
	w.want(403, "POST", "/bff/api/orders")
	w.signIn("jane", "?scope=orders/write")
	w.want(201, "POST", "/bff/api/orders")
	w.want(200, "DELETE", "/bff/api/account")

	w.clock.ahead.Add(int64(10 * time.Minute))
	before := w.cookies[chunkName(0)].Value
	w.want(200, "GET", "/bff/api/me")
	if w.cookies[chunkName(0)].Value == before {
		t.Error("an expired token was not renewed")
	}
	res, _ := w.page("DELETE", "/bff/api/account")
	if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != 401 || !strings.Contains(got, `error="insufficient_user_authentication"`) || !strings.Contains(got, `max_age="300"`) {
		t.Errorf("%s, %s", res.Status, got)
	}
	w.signIn("jane", "?max_age=300")
	w.want(200, "DELETE", "/bff/api/account")
	w.want(201, "POST", "/bff/api/orders") // the scope is still there

	// What the browser says in place of the session does not count.
	res, _ = w.do("GET", w.here.api+"/bff/api/me", nil, "Sec-Fetch-Site", "same-origin", "Authorization", "Bearer x")
	if res.StatusCode != 200 {
		t.Errorf("an Authorization of the browser's: %s", res.Status)
	}
	w.want(404, "GET", "/bff/api/nothing")
	w.want(404, "GET", "/bff/config.json") // below /bff is the API alone
}

func TestBFF_logout(t *testing.T) {
	w := newWorld(t)
	w.signIn("jane", "")
	stolen := *w.cookies[chunkName(0)]
	var out struct{ Next string }
	if err := json.Unmarshal([]byte(w.want(200, "POST", "/bff/logout")), &out); err != nil || !strings.HasPrefix(out.Next, w.here.login+"/logout?client_id=") {
		t.Errorf("%+v, %v", out, err)
	}
	if got := w.sessionCookies(); len(got) > 0 {
		t.Errorf("%d cookies are left", len(got))
	}
	w.want(401, "GET", "/bff/api/me")
	// The refresh token is worthless.
	w.clock.ahead.Add(int64(10 * time.Minute))
	w.cookies[stolen.Name] = &stolen
	w.want(401, "GET", "/bff/api/me")
	if got := w.sessionCookies(); len(got) > 0 {
		t.Errorf("%d cookies are left of a session that has ended", len(got))
	}
}

func TestBFF_refusesOtherPages(t *testing.T) {
	w := newWorld(t)
	w.signIn("jane", "")
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for _, row := range []struct {
		name, method string
		header       []string
		want         int
	}{
		{"the page", "GET", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"the page, with Origin", "GET", []string{"Sec-Fetch-Site", "same-origin", "Origin", w.here.api}, 200},
		{"an older browser", "GET", []string{"Origin", w.here.api}, 200},
		{"handshake of the page, as Chromium has it", "GET", append([]string{"Origin", w.here.api}, upgrade...), 200},

		{"another site", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another site, form", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://evil.example"}, 403},
		{"another port", "GET", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another port, form", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", w.here.other}, 403},
		{"the address bar", "GET", []string{"Sec-Fetch-Site", "none"}, 403},
		{"an older browser, another port", "GET", []string{"Origin", w.here.other}, 403},
		{"an older browser, sandbox", "POST", []string{"Origin", "null"}, 403},
		{"the two disagree", "GET", []string{"Sec-Fetch-Site", "same-origin", "Origin", w.here.other}, 403},
		{"neither", "GET", nil, 403},
		{"handshake of another port", "GET", append([]string{"Origin", w.here.other}, upgrade...), 403},
		{"handshake of another site", "GET", append([]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, upgrade...), 403},
		{"handshake without Origin", "GET", upgrade, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := "/bff/api/me"
			if row.method == "POST" {
				path = "/bff/logout"
			}
			res, body := w.do(row.method, w.here.api+path, nil, row.header...)
			if res.StatusCode != row.want || (row.want == 403) == strings.Contains(body, "jane") {
				t.Errorf("%s, want %d: %s", res.Status, row.want, body)
			}
		})
	}
	w.want(200, "GET", "/bff/api/me") // nobody was signed out
}

func TestBFF_callback(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct {
		change func(*url.URL, url.Values)
		want   string
	}{
		"cancelled":     {func(_ *url.URL, q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, "access_denied"},
		"another state": {func(_ *url.URL, q url.Values) { q.Set("state", "x") }, "state"},
		"no state":      {func(_ *url.URL, q url.Values) { q.Del("state") }, "state"},
		"another code":  {func(_ *url.URL, q url.Values) { q.Set("code", "x") }, "invalid_grant"},
		"unknown error": {func(_ *url.URL, q url.Values) { q.Set("error", "<b>") }, "error"},
		"no cookie":     {func(*url.URL, url.Values) { delete(w.cookies, loginCookie) }, "state"},
		"a cookie that is a session": {func(*url.URL, url.Values) {
			s, err := newSealer()
			if err != nil {
				t.Fatal(err)
			}
			w.cookies[loginCookie].Value, _ = s.seal(loginCookie, pending{})
		}, "state"},
	} {
		t.Run(name, func(t *testing.T) {
			u := w.begin("jane", "")
			// Managed login is another site: a Strict cookie would not come back with this.
			if c := w.cookies[loginCookie]; !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
				t.Error(c.Raw)
			}
			q := u.Query()
			row.change(u, q)
			u.RawQuery = q.Encode()
			res, _ := w.do("GET", u.String(), nil)
			if got := w.sent(res).Query().Get("failed"); got != row.want {
				t.Errorf("failed=%s, want %s", got, row.want)
			}
			if _, found := w.cookies[chunkName(0)]; found {
				t.Error("a session was kept")
			}
		})
	}
}

func TestBFF_comparesTheNonce(t *testing.T) {
	w := newWorld(t)
	res, _ := w.do("GET", w.here.api+"/bff/login", nil)
	u := w.sent(res)
	q := u.Query()
	q.Set("nonce", "of another sign-in")
	u.RawQuery = q.Encode()
	res, _ = w.do("GET", u.String(), nil)
	res, _ = w.do("POST", w.sent(res).String(), url.Values{"user": {"jane"}})
	res, _ = w.do("GET", w.sent(res).String(), nil)
	if got := w.sent(res).Query().Get("failed"); got != "nonce" || len(w.sessionCookies()) > 0 {
		t.Errorf("failed=%s, %d cookies", got, len(w.sessionCookies()))
	}
}

func TestBFF_managedLoginIsOutOfReach(t *testing.T) {
	w := newWorld(t)
	w.signIn("jane", "")
	kept := w.cookies[chunkName(0)]
	callback := w.begin("jane", "")
	if err := w.stopLogin(); err != nil {
		t.Fatal(err)
	}
	res, _ := w.do("GET", callback.String(), nil)
	if got := w.sent(res).Query().Get("failed"); got != "unreachable" {
		t.Errorf("failed=%s", got)
	}
	w.want(200, "GET", "/bff/api/me")
	w.clock.ahead.Add(int64(10 * time.Minute))
	w.want(503, "GET", "/bff/api/me")
	if w.cookies[chunkName(0)] != kept { // it may work again in a moment
		t.Error("the session is gone")
	}
	w.want(200, "POST", "/bff/logout") // signing out works all the same
	if n := len(w.sessionCookies()); n > 0 {
		t.Errorf("%d cookies are left", n)
	}
}
