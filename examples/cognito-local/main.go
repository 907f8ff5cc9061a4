// Command cognito-local holds the library against tokens that it had no part
// in making. It starts cognito-local, an emulator of Amazon Cognito, fills it
// by means of the AWS SDK, signs users in, calls two protected APIs with the
// tokens it got, and prints each answer:
//
//	go run .
//
// It needs Node.js and installs the emulator on its first run.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	_, answers, err := tour(ctx)
	stop()
	if err == nil {
		err = printTable(os.Stdout, answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answer is what one request was answered with.
type answer struct {
	Name   string // what was called with what
	Status int
	Header http.Header
	Body   string
}

// tour starts the emulator, fills it, makes every call and ends the emulator.
func tour(ctx context.Context) (d *directory, answers []answer, err error) {
	if err := install(ctx); err != nil {
		return nil, nil, err
	}
	state, err := os.MkdirTemp("", "cognito-local-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(state)
	e, err := startEmulator(ctx, emulatorConfig, state)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		e.stop()
		if err != nil {
			err = fmt.Errorf("%w; cognito-local printed:\n%s", err, e.transcript)
		}
	}()
	if d, err = fill(ctx, e.URL); err != nil {
		return nil, nil, err
	}
	answers, err = callAPIs(ctx, e.URL, d)
	return d, answers, err
}

// callAPIs starts one API that takes access tokens and one that takes ID
// tokens, and sends them what a client might.
func callAPIs(ctx context.Context, emulatorURL string, d *directory) ([]answer, error) {
	// The tokens live for 24 hours unless the app client says otherwise, just
	// what MaxLifetime allows by default.
	pool := cognitoauth.Pool{
		ID:        d.PoolID,
		ClientIDs: []string{d.ClientID},
		Issuer:    issuerDomain + "/" + d.PoolID,
		JWKSURL:   emulatorURL + "/" + d.PoolID + "/.well-known/jwks.json",
	}
	access, err := newAPI(pool)
	if err != nil {
		return nil, err
	}
	pool.TokenUse = cognitoauth.IDToken
	id, err := newAPI(pool)
	if err != nil {
		return nil, err
	}
	accessAPI, idAPI := httptest.NewServer(access), httptest.NewServer(id)
	defer accessAPI.Close()
	defer idAPI.Close()

	var answers []answer
	for _, c := range []struct{ name, method, url, token string }{
		{"health, no token", "GET", accessAPI.URL + "/healthz", ""},
		{"me, no token", "GET", accessAPI.URL + "/me", ""},
		{"me, access token", "GET", accessAPI.URL + "/me", d.Ada.Access},
		{"me, ID token", "GET", accessAPI.URL + "/me", d.Ada.ID},
		{"me, refresh token", "GET", accessAPI.URL + "/me", d.Ada.Refresh},
		{"me, refreshed access token", "GET", accessAPI.URL + "/me", d.Refreshed.Access},
		{"me, access token by authorization code", "GET", accessAPI.URL + "/me", d.Coded.Access},
		{"me, refreshed ID token", "GET", accessAPI.URL + "/me", d.Refreshed.ID},
		{"me, access token of the second app client", "GET", accessAPI.URL + "/me", d.Other.Access},
		{"me, access token of another pool", "GET", accessAPI.URL + "/me", d.Foreign.Access},
		{"me, access token with the signature of another", "GET", accessAPI.URL + "/me", resigned(d.Ada.Access, d.Bob.Access)},

		{"reports, member of the group", "GET", accessAPI.URL + "/reports", d.Ada.Access},
		{"reports, not a member", "GET", accessAPI.URL + "/reports", d.Bob.Access},
		{"account, scope granted", "GET", accessAPI.URL + "/account", d.Bob.Access},
		{"orders, scope not granted", "POST", accessAPI.URL + "/orders", d.Ada.Access},

		{"ID tokens: me, ID token", "GET", idAPI.URL + "/me", d.Ada.ID},
		{"ID tokens: me, ID token by authorization code", "GET", idAPI.URL + "/me", d.Coded.ID},
		{"ID tokens: me, refreshed ID token", "GET", idAPI.URL + "/me", d.Refreshed.ID},
		{"ID tokens: me, access token", "GET", idAPI.URL + "/me", d.Ada.Access},
		{"ID tokens: me, refresh token", "GET", idAPI.URL + "/me", d.Ada.Refresh},
		{"ID tokens: me, ID token of the second app client", "GET", idAPI.URL + "/me", d.Other.ID},
		{"ID tokens: reports, member of the group", "GET", idAPI.URL + "/reports", d.Ada.ID},
		{"ID tokens: reports, not a member", "GET", idAPI.URL + "/reports", d.Bob.ID},
	} {
		a, err := call(ctx, c.method, c.url, c.token)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		a.Name = c.name
		answers = append(answers, a)
	}
	return answers, nil
}

// resigned returns token under the signature of other.
func resigned(token, other string) string {
	return token[:strings.LastIndexByte(token, '.')] + other[strings.LastIndexByte(other, '.'):]
}

func call(ctx context.Context, method, url, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{Status: res.StatusCode, Header: res.Header, Body: string(body)}, err
}

// printTable writes the answers as a table: the body of a success, the code and the
// challenge of a refusal.
func printTable(w io.Writer, answers []answer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REQUEST\tSTATUS\tANSWER")
	for _, a := range answers {
		fmt.Fprintf(t, "%s\t%d\t%s\n", a.Name, a.Status, a.summary())
	}
	return t.Flush()
}

func (a answer) summary() string {
	if a.Status == http.StatusOK {
		return a.Body
	}
	var problem struct{ Code string }
	if err := json.Unmarshal([]byte(a.Body), &problem); err != nil {
		return a.Body
	}
	return strings.TrimSpace(problem.Code + "  " + a.Header.Get("WWW-Authenticate"))
}
