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
)

// call is a request to the API and the answer that it must get.
type call struct {
	what         string
	method, path string
	token        string // the name of it, as in /token/jane; "": none
	status       int
	challenge    string // the whole WWW-Authenticate; "": there must be none
}

const invalid = `Bearer realm="api", error="invalid_token", error_description=`

// calls is what can be shown with a pool that signs whatever it is asked to.
var calls = []call{
	{"no token, open to anyone", "GET", "/healthz", "",
		200, ``},
	{"no token", "GET", "/me", "",
		401, `Bearer realm="api"`},
	{"any valid token", "GET", "/me", "jane",
		200, ``},
	{"token without the scope orders/write", "POST", "/orders", "jane",
		403, `Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`},
	{"token of a user outside the group admins", "GET", "/reports", "jane",
		403, ``},
	{"token with the scope orders/write", "POST", "/orders", "omar",
		201, ``},
	{"token of a user in the group admins", "GET", "/reports", "ada",
		200, ``},
	{"expired token", "GET", "/me", "jane-expired",
		401, invalid + `"the token has expired"`},
	{"ID token", "GET", "/me", "jane-id",
		401, invalid + `"this kind of token is not accepted"`},
	{"token of another app client", "GET", "/me", "jane-other-client",
		401, invalid + `"the token was issued to another client"`},
}

// yours stands for a token that the user has to get.
const yours = "yours"

// realCalls is what can be shown with a pool that signs elsewhere.
var realCalls = []call{
	{what: "no token, open to anyone", method: "GET", path: "/healthz", status: 200},
	{what: "no token", method: "GET", path: "/me", status: 401},
	{what: "any valid token", method: "GET", path: "/me", token: yours, status: 200},
	{what: "unless the token has the scope orders/write", method: "POST", path: "/orders", token: yours, status: 403},
	{what: "unless the user is in the group admins", method: "GET", path: "/reports", token: yours, status: 403},
}

// do makes the call as the printed commands do: it asks for the token first.
func (c call) do(ctx context.Context, client *http.Client, base string) (status int, challenge string, err error) {
	r, err := http.NewRequestWithContext(ctx, c.method, base+c.path, nil)
	if err != nil {
		return 0, "", err
	}
	if c.token != "" {
		token, err := fetchToken(ctx, client, base, c.token)
		if err != nil {
			return 0, "", err
		}
		r.Header.Set("Authorization", "Bearer "+token)
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

func fetchToken(ctx context.Context, client *http.Client, base, name string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/token/"+name, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("/token/%s answered %d: %s", name, res.StatusCode, strings.TrimSpace(string(body)))
	}
	return strings.TrimSuffix(string(body), "\n"), err
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
