package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// bff is a backend for one frontend: it signs the browser in, keeps the tokens in
// cookies that no script can read, and calls the API with them.
type bff struct {
	*sealer
	setup *setup
	here  places
	api   http.Handler            // as auth.Wrap made it
	ids   *cognitoauth.Middleware // takes the ID token of a sign-in
	now   func() time.Time
	http  *http.Client
}

// newBFF serves what is below /bff/. Only sign-in and callback may be reached from
// elsewhere: people follow a link to the one, and managed login sends them to the other.
func newBFF(s *setup, here places, api http.Handler) (http.Handler, error) {
	sealer, err := newSealer()
	if err != nil {
		return nil, err
	}
	cfg := s.config
	cfg.Pools = []cognitoauth.Pool{cfg.Pools[0]}
	cfg.Pools[0].TokenUse, cfg.Pools[0].Audiences = cognitoauth.IDToken, nil
	ids, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	b := &bff{sealer: sealer, setup: s, here: here, api: api, ids: ids, now: time.Now, http: &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a secret is in the body
	}}
	if s.clock != nil {
		b.now = s.clock.Now
	}
	inside := http.NewServeMux()
	inside.HandleFunc("GET /bff/session", b.session)
	inside.HandleFunc("POST /bff/logout", b.logout)
	inside.HandleFunc("/bff/api/", b.call)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /bff/login", b.login)
	mux.HandleFunc("GET /bff/callback", b.callback)
	mux.Handle("/bff/", sameOrigin(here.api, inside))
	return mux, nil
}

// pending is a sign-in that has begun. Its cookie is Lax, because the browser comes back
// from another site.
type pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Wide     bool      `json:"wide"` // asks for the scope of POST /api/orders
	Until    time.Time `json:"until"`
}

const loginTimeout = 10 * time.Minute

func (b *bff) login(w http.ResponseWriter, r *http.Request) {
	in := b.load(r)
	wide := r.URL.Query().Get("scope") == b.setup.scope || in != nil && in.Wide // a session keeps its scopes
	p := pending{rand.Text(), rand.Text(), rand.Text() + rand.Text(), wide, time.Now().Add(loginTimeout)}
	value, err := b.seal(loginCookie, p)
	if err != nil {
		http.Error(w, "The sign-in could not begin.", http.StatusInternalServerError)
		return
	}
	challenge := sha256.Sum256([]byte(p.Verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {b.setup.clientID}, "redirect_uri": {b.here.api + "/bff/callback"},
		"scope": {"openid profile"}, "state": {p.State}, "nonce": {p.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	if wide {
		q.Set("scope", "openid profile "+b.setup.scope)
	}
	if age, err := strconv.Atoi(r.URL.Query().Get("max_age")); err == nil && age >= 0 {
		q.Set("max_age", strconv.Itoa(age))
	}
	setCookie(w, loginCookie, value, http.SameSiteLaxMode, int(loginTimeout.Seconds()))
	http.Redirect(w, r, b.setup.domain+"/oauth2/authorize?"+q.Encode(), http.StatusFound)
}

// callback ends at the page, which says what failed if something did.
func (b *bff) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	failed := func(how string) { http.Redirect(w, r, "/cookie?failed="+how, http.StatusSeeOther) }
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	var p pending
	c, err := r.Cookie(loginCookie)
	if err != nil || b.open(loginCookie, c.Value, &p) != nil || time.Now().After(p.Until) ||
		subtle.ConstantTimeCompare([]byte(p.State), []byte(q.Get("state"))) != 1 {
		failed("state") // the sign-in that has begun, if there is one, goes on
		return
	}
	setCookie(w, loginCookie, "", http.SameSiteLaxMode, -1)
	switch code := q.Get("error"); code {
	case "":
	case "access_denied", "invalid_scope":
		failed(code)
		return
	default:
		failed("error")
		return
	}
	t, err := b.exchange(r.Context(), url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {b.here.api + "/bff/callback"}, "code_verifier": {p.Verifier},
	})
	if err != nil {
		failed(reason(err))
		return
	}
	claims, err := b.ids.Validate(r.Context(), t.ID)
	if err != nil || claims.String("nonce") != p.Nonce {
		failed("nonce")
		return
	}
	in := &session{User: claims.Username, Access: t.Access, Refresh: t.Refresh, Wide: p.Wide, Expires: b.now().Add(time.Duration(t.Seconds) * time.Second)}
	if err := b.save(w, r, in); err != nil {
		failed("large")
		return
	}
	// Strict cookies are not sent on this redirect if it comes from another site, and
	// need not be: the page is for everybody, and asks for the session itself.
	http.Redirect(w, r, "/cookie", http.StatusSeeOther)
}

func (b *bff) session(w http.ResponseWriter, r *http.Request) {
	user := any(nil)
	if in := b.load(r); in != nil {
		user = in.User
	}
	answer(w, http.StatusOK, map[string]any{"user": user})
}

// logout revokes the refresh token and forgets the rest. Access tokens stay valid until
// they expire, but nobody has them any more. The page goes to the address in the
// answer, where managed login ends its own session.
func (b *bff) logout(w http.ResponseWriter, r *http.Request) {
	if in := b.load(r); in != nil && in.Refresh != "" {
		// A failure must not keep anybody signed in here.
		if res, err := b.post(r.Context(), "/oauth2/revoke", url.Values{"token": {in.Refresh}}); err == nil {
			res.Body.Close()
		}
	}
	forget(w, r)
	q := url.Values{"client_id": {b.setup.clientID}, "logout_uri": {b.here.api + "/cookie"}}
	answer(w, http.StatusOK, map[string]any{"next": b.setup.domain + "/logout?" + q.Encode()})
}

// call hands a request to the API, with the token of the session and without what the
// browser sent in its place.
func (b *bff) call(w http.ResponseWriter, r *http.Request) {
	in := b.load(r)
	if in != nil && !b.now().Before(in.Expires.Add(-10*time.Second)) {
		var err error
		if in, err = b.renew(w, r, in); err != nil {
			http.Error(w, "The token of the session could not be renewed.", http.StatusServiceUnavailable)
			return
		}
	}
	out := r.Clone(r.Context())
	out.URL.Path = strings.TrimPrefix(r.URL.Path, "/bff")
	out.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/bff")
	out.RequestURI = out.URL.RequestURI()
	out.Header.Del("Cookie")
	out.Header.Del("Authorization")
	if in != nil {
		out.Header.Set("Authorization", "Bearer "+in.Access)
	}
	b.api.ServeHTTP(w, out)
}

// renew fetches another access token, and returns no session if managed login does not
// want to know the refresh token any more. Of two requests at once both renew, which
// Cognito allows: without rotation always, with it during the grace period.
func (b *bff) renew(w http.ResponseWriter, r *http.Request, in *session) (*session, error) {
	t, err := b.exchange(r.Context(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {in.Refresh}})
	if errors.Is(err, errRefused) {
		forget(w, r)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next := *in
	next.Access, next.Expires = t.Access, b.now().Add(time.Duration(t.Seconds)*time.Second)
	if t.Refresh != "" { // with rotation
		next.Refresh = t.Refresh
	}
	return &next, b.save(w, r, &next)
}

// tokens is the answer of the token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Seconds int    `json:"expires_in"`
}

var (
	errRefused     = errors.New("managed login refused the code or the refresh token")
	errUnreachable = errors.New("managed login cannot be reached")
)

// reason is what the page is told.
func reason(err error) string {
	if errors.Is(err, errRefused) {
		return "invalid_grant"
	}
	return "unreachable"
}

func (b *bff) post(ctx context.Context, path string, form url.Values) (*http.Response, error) {
	form.Set("client_id", b.setup.clientID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.setup.domain+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.http.Do(req)
}

func (b *bff) exchange(ctx context.Context, form url.Values) (*tokens, error) {
	res, err := b.post(ctx, "/oauth2/token", form)
	if err != nil {
		return nil, errUnreachable
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusBadRequest {
		return nil, errRefused
	}
	t := new(tokens)
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(t); err != nil || res.StatusCode != http.StatusOK || t.Access == "" {
		return nil, fmt.Errorf("%w: it answered %d", errUnreachable, res.StatusCode)
	}
	return t, nil
}
