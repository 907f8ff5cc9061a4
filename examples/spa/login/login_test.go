package login_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/spa/login"
)

const (
	client   = "1example23456789"
	home     = "http://localhost:8090/"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
)

// browser is one that signs in, with a clock that stands still until it is moved.
type browser struct {
	t       *testing.T
	pool    *cognitotest.Pool
	now     *time.Time
	handler http.Handler
	cookie  string
}

func newBrowser(t *testing.T) *browser {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	pool := cognitotest.NewPool(t, cognitotest.Options{ClientIDs: []string{client, "2other3456789012"}, Now: func() time.Time { return now }, InProcess: true})
	s := login.New(login.Config{Pool: pool, URL: "http://localhost:8091", AccessTokens: 5 * time.Minute, Clients: []login.Client{
		{ID: client, Callbacks: []string{home}, SignOuts: []string{home}, Scopes: []string{"openid", "profile", "orders/write"}, Origins: []string{"http://localhost:8090"}},
		{ID: "2other3456789012", Callbacks: []string{home}, Scopes: []string{"openid"}},
	}})
	return &browser{t: t, pool: pool, now: &now, handler: s.Handler()}
}

func (b *browser) do(method, target string, form url.Values, header ...string) *http.Response {
	b.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	return w.Result()
}

// request is an authorization request, with changes: name, value; "-" leaves it out.
func request(changes ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"response_type": {"code"}, "client_id": {client}, "redirect_uri": {home}, "scope": {"openid profile"}, "state": {"st&te"}, "nonce": {"n-0S6"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	return change(q, changes...)
}

func change(q url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "-" {
			q.Del(changes[i])
		}
	}
	return q
}

// authorize returns the path and the query to which the browser is sent.
func (b *browser) authorize(changes ...string) (string, url.Values) {
	b.t.Helper()
	return b.sent(b.do("GET", "/oauth2/authorize?"+request(changes...).Encode(), nil))
}

func (b *browser) sent(res *http.Response) (string, url.Values) {
	b.t.Helper()
	u, err := res.Location()
	if err != nil {
		b.t.Fatalf("%s: %v", res.Status, err)
	}
	return strings.TrimSuffix(u.String(), "?"+u.RawQuery), u.Query()
}

// signIn returns a code.
func (b *browser) signIn(changes ...string) string {
	b.t.Helper()
	_, q := b.sent(b.do("POST", "/login?"+request(changes...).Encode(), url.Values{"user": {"jane"}}))
	if q.Get("code") == "" || q.Get("state") != "st&te" {
		b.t.Fatalf("signed in with %v", q)
	}
	return q.Get("code")
}

type answer struct {
	Error   string `json:"error"`
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Seconds int    `json:"expires_in"`
}

func (b *browser) token(form url.Values) (a answer) {
	b.t.Helper()
	res := b.do("POST", "/oauth2/token", form)
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		b.t.Fatal(err)
	}
	if (res.StatusCode == http.StatusOK) != (a.Error == "") {
		b.t.Fatalf("%s with the error %q", res.Status, a.Error)
	}
	return a
}

func exchange(code string, changes ...string) url.Values {
	return change(url.Values{"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code}, "redirect_uri": {home}, "code_verifier": {verifier}}, changes...)
}

// claims verifies a token as an API does.
func (b *browser) claims(use cognitoauth.TokenUse, token string) *cognitoauth.Claims {
	b.t.Helper()
	cfg := b.pool.Config()
	cfg.Pools[0].TokenUse = use
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := auth.Validate(b.t.Context(), token)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestSignIn(t *testing.T) {
	b := newBrowser(t)
	if where, q := b.authorize(); where != "/login" || q.Get("nonce") != "n-0S6" {
		t.Fatalf("sent to %s with %v", where, q)
	}
	start := *b.now
	a := b.token(exchange(b.signIn()))
	access, id := b.claims(cognitoauth.AccessToken, a.Access), b.claims(cognitoauth.IDToken, a.ID)
	if access.Username != "jane" || access.ClientID != client || strings.Join(access.Scopes(), " ") != "openid profile" || access.String("nonce") != "" || a.Seconds != 300 {
		t.Errorf("access token %+v for %d s", access, a.Seconds)
	}
	if id.Username != "jane" || id.String("nonce") != "n-0S6" || !id.AuthTime.Equal(start) {
		t.Errorf("ID token %+v with nonce %q", id, id.String("nonce"))
	}

	*b.now = start.Add(10 * time.Minute)
	next := b.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {a.Refresh}})
	renewed := b.claims(cognitoauth.AccessToken, next.Access)
	if !renewed.AuthTime.Equal(start) || renewed.OriginID != access.OriginID || renewed.OriginID == "" || !renewed.Expiry.Equal(start.Add(15*time.Minute)) {
		t.Errorf("renewed %+v", renewed)
	}
	if n := b.claims(cognitoauth.IDToken, next.ID).String("nonce"); n != "" || next.Refresh != "" {
		t.Errorf("renewed with nonce %q and refresh token %q", n, next.Refresh)
	}

	b.do("POST", "/oauth2/revoke", url.Values{"client_id": {"2other3456789012"}, "token": {a.Refresh}})
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {a.Refresh}}
	if got := b.token(refresh).Error; got != "" {
		t.Errorf("another client revoked the token: %s", got)
	}
	b.do("POST", "/oauth2/revoke", url.Values{"client_id": {client}, "token": {a.Refresh}})
	if got := b.token(refresh).Error; got != "invalid_grant" {
		t.Errorf("revoked: %q", got)
	}
}

func TestToken_refuses(t *testing.T) {
	for name, changes := range map[string][]string{
		"invalid_grant: another verifier":       {"code_verifier", strings.Repeat("a", 43)},
		"invalid_grant: no verifier":            {"code_verifier", "-"},
		"invalid_grant: another redirect_uri":   {"redirect_uri", home + "x"},
		"invalid_grant: no such code":           {"code", "x"},
		"invalid_client: another client":        {"client_id", "2other3456789012"},
		"unsupported_grant_type: password":      {"grant_type", "password"},
		"invalid_grant: no such refresh token":  {"grant_type", "refresh_token"},
		"unsupported_grant_type: no grant_type": {"grant_type", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			want, _, _ := strings.Cut(name, ":")
			if a := b.token(exchange(b.signIn(), changes...)); a.Error != want || a.Access != "" {
				t.Errorf("%+v, want %s", a, want)
			}
		})
	}
	b := newBrowser(t)
	code := b.signIn()
	if a := b.token(exchange(code)); a.Access == "" {
		t.Fatal(a)
	}
	if a := b.token(exchange(code)); a.Error != "invalid_grant" {
		t.Errorf("used twice: %+v", a)
	}
	code = b.signIn()
	b.token(exchange(code, "code_verifier", strings.Repeat("a", 43)))
	if a := b.token(exchange(code)); a.Error != "invalid_grant" {
		t.Errorf("guessed, then used: %+v", a)
	}
	code = b.signIn()
	*b.now = b.now.Add(5*time.Minute + time.Second)
	if a := b.token(exchange(code)); a.Error != "invalid_grant" {
		t.Errorf("after 5 minutes: %+v", a)
	}
}

func TestAuthorize_errors(t *testing.T) {
	b := newBrowser(t)
	for _, changes := range [][]string{{"client_id", "3nobody"}, {"client_id", "-"}, {"redirect_uri", home + "x"}, {"redirect_uri", "-"}, {"redirect_uri", "https://evil.example/"}} {
		res := b.do("GET", "/oauth2/authorize?"+request(changes...).Encode(), nil)
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%v: %s to %q", changes, res.Status, res.Header.Get("Location"))
		}
	}
	for _, row := range []struct{ name, value, want string }{
		{"response_type", "token", "unsupported_response_type"},
		{"code_challenge", "-", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"scope", "openid admin/all", "invalid_scope"},
		{"max_age", "-5", "invalid_request"},
		{"max_age", "soon", "invalid_request"},
		{"prompt", "none", "login_required"},
	} {
		where, q := b.authorize(row.name, row.value)
		if where != home || q.Get("error") != row.want || q.Get("state") != "st&te" || q.Has("code") {
			t.Errorf("%s=%s: sent to %s with %v, want %s", row.name, row.value, where, q, row.want)
		}
	}
	_, q := b.sent(b.do("POST", "/login?"+request().Encode(), url.Values{"user": {""}}))
	if q.Get("error") != "access_denied" || q.Get("state") != "st&te" || b.cookie != "" {
		t.Errorf("cancelled: %v, cookie %q", q, b.cookie)
	}
}

func TestAuthorize_session(t *testing.T) {
	b := newBrowser(t)
	start := *b.now
	b.signIn()
	for _, row := range []struct {
		after   time.Duration
		changes []string
		want    string // code, login or an error
	}{
		{time.Minute, nil, "code"},
		{time.Minute, []string{"prompt", "none"}, "code"},
		{time.Minute, []string{"max_age", "60"}, "code"},
		{time.Minute, []string{"prompt", "login"}, "login"},
		{61 * time.Second, []string{"max_age", "60"}, "login"},
		{61 * time.Second, []string{"max_age", "60", "prompt", "none"}, "login_required"},
		{61 * time.Second, []string{"max_age", "0"}, "login"},
		{time.Hour, nil, "code"},
		{time.Hour + time.Second, nil, "login"},
		{time.Hour + time.Second, []string{"prompt", "none"}, "login_required"},
	} {
		*b.now = start.Add(row.after)
		where, q := b.authorize(row.changes...)
		got := q.Get("error")
		if where == "/login" {
			got = "login"
		} else if q.Has("code") {
			got = "code"
		}
		if got != row.want {
			t.Errorf("after %v with %v: %s, want %s", row.after, row.changes, got, row.want)
		}
	}
}

func TestAuthorize_keepsWhenTheUserSignedIn(t *testing.T) {
	b := newBrowser(t)
	start := *b.now
	b.signIn()
	*b.now = start.Add(20 * time.Minute)
	_, q := b.authorize()
	if c := b.claims(cognitoauth.AccessToken, b.token(exchange(q.Get("code"))).Access); !c.AuthTime.Equal(start) {
		t.Errorf("auth_time %v, want %v", c.AuthTime, start)
	}
}

func TestLogin_ofAnotherSite(t *testing.T) {
	b := newBrowser(t)
	res := b.do("POST", "/login?"+request().Encode(), url.Values{"user": {"jane"}}, "Sec-Fetch-Site", "cross-site")
	if res.StatusCode != http.StatusForbidden || b.cookie != "" {
		t.Errorf("%s, cookie %q", res.Status, b.cookie)
	}
}

func TestLogout(t *testing.T) {
	b := newBrowser(t)
	b.signIn()
	for _, q := range []url.Values{{"client_id": {client}, "logout_uri": {"https://evil.example/"}}, {"client_id": {"2other3456789012"}, "logout_uri": {home}}, {"logout_uri": {home}}, {}} {
		if res := b.do("GET", "/logout?"+q.Encode(), nil); res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%v: %s", q, res.Status)
		}
	}
	kept := b.cookie
	res := b.do("GET", "/logout?"+url.Values{"client_id": {client}, "logout_uri": {home}}.Encode(), nil)
	if where, _ := b.sent(res); where != home {
		t.Errorf("sent to %s", where)
	}
	b.cookie = kept // whoever copied it
	if _, q := b.authorize("prompt", "none"); q.Get("error") != "login_required" {
		t.Errorf("after the sign-out: %v", q)
	}
}

func TestDiscovery(t *testing.T) {
	b := newBrowser(t)
	var doc map[string]any
	res := b.do("GET", "/.well-known/openid-configuration", nil, "Origin", "http://localhost:8090")
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if doc["issuer"] != b.pool.Issuer() || doc["token_endpoint"] != "http://localhost:8091/oauth2/token" || res.Header.Get("Access-Control-Allow-Origin") != "http://localhost:8090" {
		t.Errorf("%v, %v", doc, res.Header)
	}
	if got := b.do("GET", "/.well-known/openid-configuration", nil, "Origin", "https://evil.example").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another origin may read it: %q", got)
	}
}
