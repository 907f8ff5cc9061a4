package main

// This file holds a stand-in for managed login of a user pool. It has the two
// endpoints of the authorization code grant, where Cognito has them, and it knows one
// user, who agrees to everything.

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// callback is the redirect URI of the clients. Nobody listens there: the clients of
// this example read the code from the redirect itself.
const callback = "http://127.0.0.1:1/callback"

// grant is what an authorization request asks for.
type grant struct{ scope, resource, challenge string }

type login struct {
	pool *cognitotest.Pool
	mux  http.ServeMux

	mu     sync.Mutex
	codes  map[string]grant
	grants []grant // in order
}

func newLogin(pool *cognitotest.Pool) *login {
	l := &login{pool: pool, codes: map[string]grant{}}
	l.mux.HandleFunc("GET /oauth2/authorize", l.authorize)
	l.mux.HandleFunc("POST /oauth2/token", l.token)
	return l
}

func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.mux.ServeHTTP(w, r) }

// authorize answers with a redirect that carries a code.
func (l *login) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != l.pool.ClientID() || q.Get("redirect_uri") != callback ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	g, code := grant{q.Get("scope"), q.Get("resource"), q.Get("code_challenge")}, rand.Text()
	l.mu.Lock()
	l.codes[code] = g
	l.grants = append(l.grants, g)
	l.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	http.Redirect(w, r, callback+"?"+back.Encode(), http.StatusFound)
}

// token exchanges a code for a token, once, and only with the verifier of PKCE (RFC
// 7636, section 4.6).
func (l *login) token(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	l.mu.Lock()
	g, ok := l.codes[code]
	delete(l.codes, code)
	l.mu.Unlock()
	hash := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	w.Header().Set("Content-Type", "application/json")
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != callback ||
		base64.RawURLEncoding.EncodeToString(hash[:]) != g.challenge {
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	json.NewEncoder(w).Encode(map[string]any{
		"access_token": l.accessToken(g).String(),
		"token_type":   "Bearer",
		"expires_in":   3600,
	})
}

// accessToken is the token that Cognito issues for a grant: aud is the resource that
// the client has asked for (RFC 8707).
func (l *login) accessToken(g grant) *cognitotest.Token {
	return l.pool.AccessToken().User("jane").Scopes(strings.Fields(g.scope)...).Set("aud", g.resource)
}

// taken returns the grants since the last call.
func (l *login) taken() []grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.grants
	l.grants = nil
	return all
}
