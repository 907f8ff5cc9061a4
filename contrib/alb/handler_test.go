package cognitoalb_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// app is a handler that tells whom it has seen.
func app(ran *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*ran++
		if id, ok := cognitoalb.FromContext(r.Context()); ok {
			fmt.Fprint(w, id.Subject)
		}
	})
}

// Wrap runs the handler for requests with one valid header alone.
func TestWrap(t *testing.T) {
	now := time.Now()
	g := good(now)
	one := func(d data) http.Header { return http.Header{cognitoalb.DataHeader: {d.String()}} }
	with := func(h http.Header, name string, values ...string) http.Header { h[name] = values; return h }
	post := func(h http.Header) http.Header { h["X-Method"] = []string{http.MethodPost}; return h }
	tests := []struct {
		name   string
		header http.Header
		status int
		code   string
	}{
		{"valid", one(g), 200, ""},
		{"with the subject", with(one(g), cognitoalb.IdentityHeader, "s-jane"), 200, ""},
		{"no header", http.Header{}, 401, "data_missing"},
		{"an empty header", http.Header{cognitoalb.DataHeader: {""}}, 401, "data_missing"},
		{"the subject alone", http.Header{cognitoalb.IdentityHeader: {"s-jane"}}, 401, "data_missing"},
		{"two headers", http.Header{cognitoalb.DataHeader: {g.String(), g.String()}}, 400, "data_repeated"},
		{"a valid header and another one", http.Header{cognitoalb.DataHeader: {g.String(), ""}}, 400, "data_repeated"},
		{"two subjects", with(one(g), cognitoalb.IdentityHeader, "s-jane", "s-jane"), 400, "data_repeated"},
		{"the subject of another", with(one(g), cognitoalb.IdentityHeader, "s-john"), 403, "subject_mismatch"},
		{"expired", one(g.with("exp", now.Add(-time.Minute).Unix())), 401, "data_expired"},
		{"another load balancer", one(g.with("signer", secondARN)), 401, "signer_mismatch"},
		{"forged", one(g.by(other)), 401, "signature_invalid"},
		{"POST of the own origin", with(post(one(g)), "Sec-Fetch-Site", "same-origin"), 200, ""},
		{"POST without a browser", post(one(g)), 200, ""},
		{"POST of another site", with(post(one(g)), "Sec-Fetch-Site", "cross-site"), 403, "cross_origin"},
		{"POST of another origin", with(post(one(g)), "Origin", "https://evil.example"), 403, "cross_origin"},
		{"POST of a trusted origin", with(post(one(g)), "Origin", "https://admin.example.com"), 200, ""},
		{"GET of another site", with(one(g), "Sec-Fetch-Site", "cross-site"), 200, ""},
		{"a WebSocket of another site", with(with(one(g), "Sec-Fetch-Site", "cross-site"), "Upgrade", "WebSocket"), 403, "cross_origin"},
	}
	trusted := http.NewCrossOriginProtection()
	if err := trusted.AddTrustedOrigin("https://admin.example.com"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		c := newEndpoint().config()
		c.CrossOrigin = trusted
		ran := 0
		method := tt.header.Get("X-Method")
		r := httptest.NewRequest(method, "https://app.example.com/", nil)
		r.Header = tt.header
		w := httptest.NewRecorder()
		verifier(t, c).Wrap(app(&ran)).ServeHTTP(w, r)
		checkAnswer(t, tt.name, w, tt.status, tt.code)
		if (ran == 1) != (tt.status == 200) {
			t.Errorf("%s: the handler ran %d times", tt.name, ran)
		}
		if tt.status == 200 && w.Body.String() != "s-jane" {
			t.Errorf("%s: the handler saw %q", tt.name, w.Body)
		}
	}
}

// Without Config.CrossOrigin nobody else is trusted.
func TestWrap_crossOrigin(t *testing.T) {
	v := verifier(t, newEndpoint().config())
	for site, status := range map[string]int{"same-origin": 200, "same-site": 403, "cross-site": 403} {
		ran := 0
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set(cognitoalb.DataHeader, good(time.Now()).String())
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		v.Wrap(app(&ran)).ServeHTTP(w, r)
		checkAnswer(t, site, w, status, "cross_origin")
		if (ran == 1) != (status == 200) {
			t.Errorf("%s: the handler ran %d times", site, ran)
		}
	}
}

// A mistake of the wiring shows when the program starts.
func TestWrap_nothing(t *testing.T) {
	v := verifier(t, newEndpoint().config())
	defer func() {
		if recover() == nil {
			t.Error("Wrap(nil) does not panic")
		}
	}()
	v.Wrap(nil)
}

// checkAnswer checks status, code and the headers that RFC 9110 asks for.
func checkAnswer(t *testing.T, name string, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("%s: %d, want %d: %s", name, w.Code, status, w.Body)
	}
	if status == 200 {
		return
	}
	var problem struct {
		Status int
		Code   string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Status != status || problem.Code != code {
		t.Errorf("%s: %s, want code %q", name, w.Body, code)
	}
	challenge := w.Header().Get("WWW-Authenticate")
	if (status == 401) != strings.HasPrefix(challenge, "Bearer realm=") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: header %v", name, w.Header())
	}
}

// Without keys the answer is 503 and says when to come back. HEAD gets no body.
func TestWrap_unavailable(t *testing.T) {
	e := newEndpoint()
	e.becomes(down)
	ran := 0
	r := httptest.NewRequest(http.MethodHead, "/", nil)
	r.Header.Set(cognitoalb.DataHeader, good(time.Now()).String())
	w := httptest.NewRecorder()
	verifier(t, e.config()).Wrap(app(&ran)).ServeHTTP(w, r)
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header().Get("WWW-Authenticate") != "" || w.Body.Len() != 0 || ran != 0 {
		t.Errorf("%d %v %q, the handler ran %d times", w.Code, w.Header(), w.Body, ran)
	}
}

// A zero or nil Verifier refuses with 500.
func TestWrap_zero(t *testing.T) {
	for _, v := range []*cognitoalb.Verifier{nil, new(cognitoalb.Verifier)} {
		ran := 0
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(cognitoalb.DataHeader, good(time.Now()).String())
		w := httptest.NewRecorder()
		v.Wrap(app(&ran)).ServeHTTP(w, r)
		if w.Code != 500 || ran != 0 {
			t.Errorf("%d, the handler ran %d times", w.Code, ran)
		}
	}
}

// A log has refusals also where WriteError answers.
func TestWrap_log(t *testing.T) {
	var b bytes.Buffer
	c := newEndpoint().config()
	c.Logger = slog.New(slog.NewTextHandler(&b, nil))
	ran := 0
	w := httptest.NewRecorder()
	verifier(t, c).Wrap(app(&ran)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	checkAnswer(t, "no header", w, 401, "data_missing")
	if !strings.Contains(b.String(), "code=data_missing") {
		t.Errorf("the log has %q", b.String())
	}
}

// An ErrorHandler answers in its own way, and a log has the detail, ten times a minute.
func TestWrap_hooks(t *testing.T) {
	var b bytes.Buffer
	c := newEndpoint().config()
	c.Logger = slog.New(slog.NewTextHandler(&b, nil))
	c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoalb.Error) {
		http.Error(w, e.Code, http.StatusTeapot)
	}
	ran := 0
	h := verifier(t, c).Wrap(app(&ran))
	for range 50 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(cognitoalb.DataHeader, good(time.Now()).with("signer", secondARN).String())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusTeapot || w.Body.String() != "signer_mismatch\n" || ran != 0 {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 10 || !strings.Contains(b.String(), "code=signer_mismatch status=401") || !strings.Contains(b.String(), arn) {
		t.Errorf("%d records: %s", n, b.String())
	}
	for _, secret := range []string{"jane", "eyJ"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// Protect needs the access token and the header, of one user and one client. Routes
// and policies stay those of the middleware.
func TestProtect(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ClientIDs: []string{client, "2example"}})
	config := pool.Config()
	config.TokenSource = cognitoauth.FromHeader(cognitoalb.AccessTokenHeader)
	auth, err := cognitoauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(app(&ran)))
	mux.Handle("GET /news", cognitoauth.Optional(app(&ran)))
	mux.Handle("/me", app(&ran))
	mux.Handle("GET /admin", cognitoauth.Require(cognitoauth.Group("admins"), app(&ran)))
	c := newEndpoint().config()
	c.ClientIDs = []string{client, "2example"}
	h := verifier(t, c).Protect(auth, mux)

	token := pool.AccessToken()
	mine := good(time.Now()).claims(`{"sub":"` + token.Claims().Subject + `"}`)
	theirs := good(time.Now())
	tests := []struct {
		name, route, token, data string
		status                   int
		code                     string
	}{
		{"both", "GET /me", token.String(), mine.String(), 200, ""},
		{"the token alone", "GET /me", token.String(), "", 401, "data_missing"},
		{"the header alone", "GET /me", "", mine.String(), 401, "token_missing"},
		{"neither", "GET /me", "", "", 401, "token_missing"},
		{"the header of another user", "GET /me", token.String(), theirs.String(), 403, "subject_mismatch"},
		{"the header of another client", "GET /me", token.String(), mine.with("client", "2example").String(), 403, "subject_mismatch"},
		{"the token of another client", "GET /me", token.Client("2example").String(), mine.String(), 403, "subject_mismatch"},
		{"a machine's token", "GET /me", pool.MachineToken().String(), mine.String(), 403, "subject_mismatch"},
		{"another load balancer", "GET /me", token.String(), mine.with("signer", secondARN).String(), 401, "signer_mismatch"},
		{"a forged header", "GET /me", token.String(), mine.by(other).String(), 401, "signature_invalid"},
		{"an expired token", "GET /me", token.ExpiresIn(-time.Second).String(), mine.String(), 401, "token_expired"},
		{"POST of another site", "POST /me", token.String(), mine.String(), 403, "cross_origin"},

		{"a health check", "GET /healthz", "", "", 200, ""},
		{"an optional route, nobody", "GET /news", "", "", 200, ""},
		{"an optional route, both", "GET /news", token.String(), mine.String(), 200, ""},
		{"an optional route, the token alone", "GET /news", token.String(), "", 401, "data_missing"},

		{"a policy that is not met", "GET /admin", token.String(), mine.String(), 403, "group_missing"},
		{"a policy that is met", "GET /admin", token.Groups("admins").String(), mine.String(), 200, ""},
		{"a policy that is met, without the header", "GET /admin", token.Groups("admins").String(), "", 401, "data_missing"},
		{"no route", "GET /none", token.String(), "", 401, "data_missing"},
	}
	for _, tt := range tests {
		ran = 0
		method, path, _ := strings.Cut(tt.route, " ")
		r := httptest.NewRequest(method, path, nil)
		if method == http.MethodPost {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		for name, value := range map[string]string{cognitoalb.AccessTokenHeader: tt.token, cognitoalb.DataHeader: tt.data} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		checkAnswer(t, tt.name, w, tt.status, tt.code)
		if (ran == 1) != (tt.status == 200) {
			t.Errorf("%s: the handler ran %d times", tt.name, ran)
		}
	}
}

// A page of somebody is for nobody else, so a cache before the load balancer keeps it
// only if the handler says so.
func TestWrap_noStore(t *testing.T) {
	v := verifier(t, newEndpoint().config())
	for _, own := range []string{"", "private, max-age=60"} {
		h := v.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if own != "" {
				w.Header().Set("Cache-Control", own)
			}
		}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(cognitoalb.DataHeader, good(time.Now()).String())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got, want := w.Header().Get("Cache-Control"), cmp.Or(own, "no-store"); w.Code != 200 || got != want {
			t.Errorf("%d, Cache-Control %q, want %q", w.Code, got, want)
		}
	}
}
