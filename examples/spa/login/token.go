package login

// This file holds what a program asks: token, revoke and the discovery document.

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// refreshTime is how long a refresh token lasts.
const refreshTime = 24 * sessionTime

// allow lets the origins of the clients read an answer.
func (s *Server) allow(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if slices.ContainsFunc(s.Clients, func(c Client) bool { return slices.Contains(c.Origins, origin) }) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Headers", "content-type")
		w.Header().Set("Access-Control-Allow-Methods", "POST")
	}
}

func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	s.allow(w, r)
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refuse answers with an error of RFC 6749, section 5.2.
func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": code})
}

// token exchanges a code, or a refresh token, for tokens.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.allow(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		refuse(w, "invalid_request")
		return
	}
	f := r.PostForm
	var g *grant
	switch f.Get("grant_type") {
	case "authorization_code":
		g = s.take(f.Get("code"))
		if g == nil || g.redirect != f.Get("redirect_uri") || !verifies(f.Get("code_verifier"), g.challenge) {
			refuse(w, "invalid_grant")
			return
		}
	case "refresh_token":
		g = s.refreshed(f.Get("refresh_token"))
		if g == nil {
			refuse(w, "invalid_grant")
			return
		}
	default:
		refuse(w, "unsupported_grant_type")
		return
	}
	if g.client != f.Get("client_id") {
		refuse(w, "invalid_client")
		return
	}
	answer(w, http.StatusOK, s.tokens(g, f.Get("grant_type") == "authorization_code"))
}

// take returns what a code stands for, and makes the code worthless: it counts
// once, whatever comes of it (RFC 6749, section 4.1.2).
func (s *Server) take(code string) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.codes[code]
	delete(s.codes, code)
	if g == nil || s.Pool.Now().After(g.until) {
		return nil
	}
	return g
}

func (s *Server) refreshed(token string) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.refresh[token]
	if g == nil || s.Pool.Now().After(g.until) {
		return nil
	}
	return g
}

// verifies reports whether the verifier is that of the challenge (RFC 7636,
// section 4.6).
func verifies(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return len(verifier) >= 43 && subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// tokens makes the answer. A refresh keeps auth_time and origin_jti, and brings no
// new refresh token, as Cognito does without rotation.
func (s *Server) tokens(g *grant, first bool) map[string]any {
	out := map[string]any{"token_type": "Bearer", "expires_in": int(s.AccessTokens.Seconds())}
	access := s.claims(s.Pool.AccessToken(), g).Scopes(g.scopes...)
	out["access_token"] = access.String()
	if slices.Contains(g.scopes, "openid") {
		id := s.claims(s.Pool.IDToken(), g)
		if g.nonce != "" && first {
			id = id.Set("nonce", g.nonce)
		}
		out["id_token"] = id.String()
	}
	if first {
		name := rand.Text()
		next := *g
		next.until = s.Pool.Now().Add(refreshTime)
		s.mu.Lock()
		s.refresh[name] = &next
		s.mu.Unlock()
		out["refresh_token"] = name
	}
	return out
}

// claims fills in what all tokens of a grant share.
func (s *Server) claims(t *cognitotest.Token, g *grant) *cognitotest.Token {
	t = t.Client(g.client).User(g.user).ExpiresIn(s.AccessTokens).Set("auth_time", g.at).Set("origin_jti", g.origin)
	if s.Groups != nil {
		t = t.Groups(s.Groups(g.user)...)
	}
	return t
}

// revoke makes a refresh token worthless, and answers 200 for any other as well
// (RFC 7009, section 2.2).
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	s.allow(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.refresh[r.PostFormValue("token")]; g != nil && g.client == r.PostFormValue("client_id") {
		delete(s.refresh, r.PostFormValue("token"))
	}
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	s.allow(w, r)
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                s.Pool.Issuer(),
		"authorization_endpoint":                s.URL + "/oauth2/authorize",
		"token_endpoint":                        s.URL + "/oauth2/token",
		"revocation_endpoint":                   s.URL + "/oauth2/revoke",
		"end_session_endpoint":                  s.URL + "/logout",
		"jwks_uri":                              s.Pool.JWKSURL(),
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      strings.Fields("openid email phone profile"),
	})
}
