package login

// This file holds what the browser sees: authorize, the sign-in page, and logout.

import (
	"crypto/rand"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cookie names the session of the browser. Other ports of localhost get it too, but
// it is good for nothing there.
const cookie = "login-stub"

// sessionTime is how long a sign-in lasts, as managed login has it.
const sessionTime = time.Hour

// request is a checked authorization request.
type request struct {
	client                            *Client
	redirect, state, nonce, challenge string
	prompt                            string
	scopes                            []string
	maxAge                            time.Duration // negative: any
}

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) // of SHA-256 in base64url

// read checks an authorization request. Until the client and its callback are known
// to belong together, nothing may be sent to the callback: then page is the
// sentence for the person. After that, code is the error for the client (RFC 6749,
// section 4.1.2.1).
func (s *Server) read(q url.Values) (_ *request, page, code string) {
	r := &request{redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), prompt: q.Get("prompt"), maxAge: -1}
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == q.Get("client_id") })
	if i < 0 {
		return nil, "There is no app client of that client_id.", ""
	}
	r.client = &s.Clients[i]
	if !slices.Contains(r.client.Callbacks, r.redirect) {
		return nil, "The redirect_uri is not among the callback URLs of the app client.", ""
	}
	if q.Get("response_type") != "code" {
		return r, "", "unsupported_response_type"
	}
	if q.Get("code_challenge_method") != "S256" || !challengeForm.MatchString(r.challenge) {
		return r, "", "invalid_request"
	}
	r.scopes = r.client.Scopes
	if q.Has("scope") {
		r.scopes = strings.Fields(q.Get("scope"))
	}
	for _, scope := range r.scopes {
		if !slices.Contains(r.client.Scopes, scope) {
			return r, "", "invalid_scope"
		}
	}
	if q.Has("max_age") {
		n, err := strconv.Atoi(q.Get("max_age"))
		if err != nil || n < 0 {
			return r, "", "invalid_request"
		}
		r.maxAge = time.Duration(n) * time.Second
	}
	return r, "", ""
}

// authorize answers with a code if the browser has a session that is young enough,
// and else with the sign-in page.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ask, page, code := s.read(q)
	if page != "" {
		http.Error(w, page, http.StatusBadRequest)
		return
	}
	if code != "" {
		ask.back(w, r, url.Values{"error": {code}})
		return
	}
	in := s.session(r)
	fresh := in != nil && (ask.maxAge < 0 || s.Pool.Now().Sub(in.at) <= ask.maxAge)
	switch {
	case fresh && ask.prompt != "login":
		ask.back(w, r, url.Values{"code": {s.issue(ask, in)}})
	case ask.prompt == "none":
		ask.back(w, r, url.Values{"error": {"login_required"}})
	default:
		http.Redirect(w, r, "/login?"+q.Encode(), http.StatusFound)
	}
}

// back sends the browser to the callback.
func (ask *request) back(w http.ResponseWriter, r *http.Request, q url.Values) {
	if ask.state != "" {
		q.Set("state", ask.state)
	}
	http.Redirect(w, r, ask.redirect+"?"+q.Encode(), http.StatusFound)
}

// session returns the browser's session, nil if it has none that lasts.
func (s *Server) session(r *http.Request) *session {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.sessions[c.Value]
	if in == nil || s.Pool.Now().Sub(in.at) > sessionTime {
		return nil
	}
	return in
}

// issue returns a code for a grant, and forgets what has run out.
func (s *Server) issue(ask *request, in *session) string {
	code, now := rand.Text(), s.Pool.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.codes, func(_ string, g *grant) bool { return now.After(g.until) })
	maps.DeleteFunc(s.refresh, func(_ string, g *grant) bool { return now.After(g.until) })
	maps.DeleteFunc(s.sessions, func(_ string, in *session) bool { return now.Sub(in.at) > sessionTime })
	s.codes[code] = &grant{client: ask.client.ID, redirect: ask.redirect, challenge: ask.challenge, nonce: ask.nonce, scopes: ask.scopes,
		user: in.user, origin: rand.Text(), at: in.at, until: now.Add(codeTime)}
	return code
}

// Users can sign in, without a password.
var Users = []string{"jane", "omar", "ada"}

// page is the sign-in page.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if _, page, code := s.read(r.URL.Query()); page != "" || code != "" {
		http.Error(w, "This page is reached through /oauth2/authorize.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; frame-ancestors 'none'; base-uri 'none'")
	_ = signInPage.Execute(w, map[string]any{"Users": Users, "Action": template.URL("/login?" + r.URL.Query().Encode()), "Style": template.CSS(style)})
}

// signIn starts a session and goes on with the authorization request, or cancels it.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ask, page, code := s.read(q)
	if page != "" || code != "" {
		http.Error(w, "This form belongs to an authorization request.", http.StatusBadRequest)
		return
	}
	user := r.PostFormValue("user")
	if user == "" {
		ask.back(w, r, url.Values{"error": {"access_denied"}, "error_description": {"The sign-in was cancelled."}})
		return
	}
	if !slices.Contains(Users, user) {
		http.Error(w, "There is no such user.", http.StatusBadRequest)
		return
	}
	in := &session{user, s.Pool.Now()}
	name := rand.Text()
	s.mu.Lock()
	s.sessions[name] = in
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	ask.back(w, r, url.Values{"code": {s.issue(ask, in)}})
}

// logout ends the session of the browser. It does not end tokens.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == q.Get("client_id") })
	if i < 0 || !slices.Contains(s.Clients[i].SignOuts, q.Get("logout_uri")) {
		http.Error(w, "The logout_uri is not among the sign-out URLs of the app client of that client_id.", http.StatusBadRequest)
		return
	}
	if c, err := r.Cookie(cookie); err == nil {
		s.mu.Lock()
		delete(s.sessions, c.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1})
	http.Redirect(w, r, q.Get("logout_uri"), http.StatusFound)
}
