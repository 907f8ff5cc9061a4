package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// call is a request to the API and the answer that it must get.
type call struct {
	what         string
	method, path string
	token        string // "": none
	status       int
	challenge    string // the whole WWW-Authenticate; "": there must be none
}

// calls is what can be shown with a pool that signs whatever it is asked to.
func calls(pool *cognitotest.Pool) []call {
	const invalid = `Bearer realm="api", error="invalid_token", error_description=`
	user := pool.AccessToken()
	return []call{
		{"no token, open to anyone", "GET", "/healthz", "",
			200, ``},
		{"no token", "GET", "/me", "",
			401, `Bearer realm="api"`},
		{"any valid token", "GET", "/me", user.String(),
			200, ``},
		{"token with the scope orders/write", "POST", "/orders", user.Scopes("orders/write").String(),
			201, ``},
		{"token without that scope", "POST", "/orders", user.String(),
			403, `Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`},
		{"token of a user in the group admins", "GET", "/reports", user.Groups("admins").String(),
			200, ``},
		{"token of a user outside that group", "GET", "/reports", user.String(),
			403, ``},
		{"expired token", "GET", "/me", user.ExpiresIn(-time.Hour).String(),
			401, invalid + `"the token has expired"`},
		{"ID token", "GET", "/me", pool.IDToken().String(),
			401, invalid + `"this kind of token is not accepted"`},
		{"token of another app client", "GET", "/me", user.Client("7otherclient98765").String(),
			401, invalid + `"the token was issued to another client"`},
	}
}

// realCalls is what can be shown with a pool whose tokens the user has to get.
func realCalls() []call {
	const token = "$TOKEN"
	return []call{
		{what: "no token, open to anyone", method: "GET", path: "/healthz", status: 200},
		{what: "no token", method: "GET", path: "/me", status: 401},
		{what: "any valid token", method: "GET", path: "/me", token: token, status: 200},
		{what: "unless the token has the scope orders/write", method: "POST", path: "/orders", token: token, status: 403},
		{what: "unless the user is in the group admins", method: "GET", path: "/reports", token: token, status: 403},
	}
}

// curl is the call as a line for a shell, the token last: it is a long one.
func (c call) curl(base string) string {
	line := "curl -i "
	if c.method != "GET" {
		line += "-X " + c.method + " "
	}
	line += base + c.path
	if c.token != "" {
		line += ` -H "Authorization: Bearer ` + c.token + `"`
	}
	return line
}

// doctor is a line that asks the doctor why a token is refused. The token goes
// through a pipe: it is no argument of a process.
func doctor(cfg cognitoauth.Config, token string) string {
	p := cfg.Pools[0]
	line := fmt.Sprintf(`echo "%s" | go run ./examples/doctor -pool %s -client %s`, token, p.ID, strings.Join(p.ClientIDs, ","))
	if p.JWKSURL != "" {
		line += " -jwks " + p.JWKSURL
	}
	return line
}

// do makes the call.
func (c call) do(ctx context.Context, client *http.Client, base string) (status int, challenge string, err error) {
	r, err := http.NewRequestWithContext(ctx, c.method, base+c.path, nil)
	if err != nil {
		return 0, "", err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, "", err
	}
	return res.StatusCode, strings.Join(res.Header.Values("WWW-Authenticate"), ", "), nil
}

// selfcheck makes every call over HTTP, prints what came, and returns an error
// that lists each answer that should have been another.
func selfcheck(ctx context.Context, out io.Writer, base string, all []call) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var wrong []error
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REQUEST\tWITH\tSTATUS\tCHALLENGE")
	for _, c := range all {
		status, challenge, err := c.do(ctx, client, base)
		if err == nil && (status != c.status || challenge != c.challenge) {
			err = fmt.Errorf("answered %d %s, expected %d %s", status, orNone(challenge), c.status, orNone(c.challenge))
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s %s (%s): %w", c.method, c.path, c.what, err))
		}
		fmt.Fprintf(t, "%s %s\t%s\t%d\t%s\n", c.method, c.path, c.what, status, orNone(challenge))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d of %d answers as expected\n", len(all)-len(wrong), len(all))
	return errors.Join(wrong...)
}

func orNone(challenge string) string {
	if challenge == "" {
		return "none"
	}
	return challenge
}
