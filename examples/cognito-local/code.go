package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// callback is where the browser of an app is sent with its code. Nothing listens there.
const callback = "http://localhost:8090/"

// signInWithCode signs a user in as a browser does, with an authorization code and PKCE
// (RFC 7636): it fills in the form that /oauth2/authorize shows, and exchanges the
// code at /oauth2/token. The example spa has the page that goes with it.
func signInWithCode(ctx context.Context, endpoint, client, user string) (tokens, error) {
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	res, err := postForm(ctx, endpoint+"/oauth2/authorize", url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "state": {state}, "scope": {"openid"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"username": {user}, "password": {password},
	})
	if err != nil {
		return tokens{}, err
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") || back.Query().Get("state") != state {
		return tokens{}, fmt.Errorf("authorize answered %s, and sent the browser to %v (%v)", res.Status, back, err)
	}
	exchange := func(verifier string) (t tokens, status int, err error) {
		res, err := postForm(ctx, endpoint+"/oauth2/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {client}, "redirect_uri": {callback},
			"code": {back.Query().Get("code")}, "code_verifier": {verifier},
		})
		if err != nil {
			return tokens{}, 0, err
		}
		defer res.Body.Close()
		var body struct {
			Access  string `json:"access_token"`
			ID      string `json:"id_token"`
			Refresh string `json:"refresh_token"`
		}
		err = json.NewDecoder(res.Body).Decode(&body)
		return tokens{body.Access, body.ID, body.Refresh}, res.StatusCode, err
	}
	t, status, err := exchange(verifier)
	if err != nil || status != http.StatusOK {
		return tokens{}, fmt.Errorf("token answered %d (%v)", status, err)
	}
	if again, status, err := exchange(verifier); err != nil || status != http.StatusBadRequest || again.Access != "" {
		return tokens{}, fmt.Errorf("token answered %d to a code that was used (%v)", status, err)
	}
	return t, nil
}

func postForm(ctx context.Context, target string, form url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(req)
}
