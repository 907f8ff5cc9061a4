package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// want is what a request must be answered with.
type want struct {
	name   string
	status int
	code   string // of the problem document
	reason string // error of the challenge; "-": a challenge without; "": none
	scope  string // of the challenge
	body   string // of a success
}

func TestTour(t *testing.T) {
	d, answers, err := tour(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("tokens", func(t *testing.T) { checkTokens(t, d) })

	const scope = "aws.cognito.signin.user.admin"
	ada := fmt.Sprintf("username=ada client=%s use=access groups=analysts scopes=%s", d.ClientID, scope)
	bob := fmt.Sprintf("username=bob client=%s use=access groups= scopes=%s", d.ClientID, scope)
	adaByID := fmt.Sprintf("username=ada client=%s use=id groups=analysts scopes=", d.ClientID)
	wants := []want{
		{name: "health, no token", status: 200, body: "ok"},
		{name: "me, no token", status: 401, code: "token_missing", reason: "-"},
		{name: "me, access token", status: 200, body: ada},
		{name: "me, ID token", status: 401, code: "token_use_mismatch", reason: "invalid_token"},
		{name: "me, refresh token", status: 401, code: "key_id_invalid", reason: "invalid_token"},
		{name: "me, refreshed access token", status: 200, body: ada},
		{name: "me, access token by authorization code", status: 200, body: ada},
		{name: "me, refreshed ID token", status: 401, code: "token_use_mismatch", reason: "invalid_token"},
		{name: "me, access token of the second app client", status: 401, code: "client_mismatch", reason: "invalid_token"},
		{name: "me, access token of another pool", status: 401, code: "issuer_mismatch", reason: "invalid_token"},
		{name: "me, access token with the signature of another", status: 401, code: "signature_invalid", reason: "invalid_token"},

		{name: "reports, member of the group", status: 200, body: ada},
		{name: "reports, not a member", status: 403, code: "group_missing"},
		{name: "account, scope granted", status: 200, body: bob},
		{name: "orders, scope not granted", status: 403, code: "scope_missing", reason: "insufficient_scope", scope: "orders/write"},

		{name: "ID tokens: me, ID token", status: 200, body: adaByID},
		{name: "ID tokens: me, ID token by authorization code", status: 200, body: adaByID},
		{name: "ID tokens: me, refreshed ID token", status: 200, body: adaByID},
		{name: "ID tokens: me, access token", status: 401, code: "token_use_mismatch", reason: "invalid_token"},
		{name: "ID tokens: me, refresh token", status: 401, code: "key_id_invalid", reason: "invalid_token"},
		{name: "ID tokens: me, ID token of the second app client", status: 401, code: "client_mismatch", reason: "invalid_token"},
		{name: "ID tokens: reports, member of the group", status: 200, body: adaByID},
		{name: "ID tokens: reports, not a member", status: 403, code: "group_missing"},
	}
	if len(answers) != len(wants) {
		t.Errorf("%d answers, want %d", len(answers), len(wants))
	}
	for i, w := range wants[:min(len(wants), len(answers))] {
		t.Run(w.name, func(t *testing.T) { w.check(t, answers[i]) })
	}
}

func (w want) check(t *testing.T, a answer) {
	t.Helper()
	if a.Name != w.name {
		t.Fatalf("the answer is that to %q", a.Name)
	}
	if a.Status != w.status {
		t.Errorf("status %d, want %d; body: %s", a.Status, w.status, a.Body)
	}
	w.checkChallenge(t, a.Header.Values("WWW-Authenticate"))
	if w.status == http.StatusOK {
		if a.Body != w.body {
			t.Errorf("body %q, want %q", a.Body, w.body)
		}
		return
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q, want application/problem+json", got)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
	var problem struct {
		Status int
		Code   string
	}
	if err := json.Unmarshal([]byte(a.Body), &problem); err != nil {
		t.Fatalf("body %q: %v", a.Body, err)
	}
	if problem.Status != w.status || problem.Code != w.code {
		t.Errorf("problem %d %s, want %d %s", problem.Status, problem.Code, w.status, w.code)
	}
}

var parameter = regexp.MustCompile(`(\w+)="([^"]*)"`)

func (w want) checkChallenge(t *testing.T, challenges []string) {
	t.Helper()
	if w.reason == "" {
		if len(challenges) != 0 {
			t.Errorf("challenges %q, want none", challenges)
		}
		return
	}
	if len(challenges) != 1 || !strings.HasPrefix(challenges[0], "Bearer ") {
		t.Fatalf("challenges %q, want one of Bearer", challenges)
	}
	got := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(challenges[0], -1) {
		got[m[1]] = m[2]
	}
	if got["realm"] != "api" {
		t.Errorf(`challenge %q, want realm="api"`, challenges[0])
	}
	if got["error"] != strings.TrimPrefix(w.reason, "-") {
		t.Errorf("challenge %q, want the error %q", challenges[0], w.reason)
	}
	if got["scope"] != w.scope {
		t.Errorf("challenge %q, want the scope %q", challenges[0], w.scope)
	}
}

// checkTokens asserts what the table takes for granted about the tokens: a
// refresh token that could not be read at all would be refused as well.
func checkTokens(t *testing.T, d *directory) {
	for _, row := range []struct{ name, token, kid, use, client string }{
		{"access token", d.Ada.Access, "CognitoLocal", "access", d.ClientID},
		{"ID token", d.Ada.ID, "CognitoLocal", "id", ""},
		{"refresh token", d.Ada.Refresh, "", "", ""},
		{"refreshed access token", d.Refreshed.Access, "CognitoLocal", "access", d.ClientID},
		{"access token of the second app client", d.Other.Access, "CognitoLocal", "access", d.OtherClientID},
	} {
		parts := strings.Split(row.token, ".")
		if len(parts) != 3 || parts[2] == "" {
			t.Errorf("%s: %q is not a signed JWT", row.name, row.token)
			continue
		}
		header, payload := decode(t, parts[0]), decode(t, parts[1])
		if header["alg"] != "RS256" || text(header["kid"]) != row.kid {
			t.Errorf("%s: header %v, want RS256 and the kid %q", row.name, header, row.kid)
		}
		if got, want := payload["iss"], issuerDomain+"/"+d.PoolID; got != want {
			t.Errorf("%s: iss %v, want %s", row.name, got, want)
		}
		if text(payload["token_use"]) != row.use || text(payload["client_id"]) != row.client {
			t.Errorf("%s: payload %v, want the token_use %q and the client_id %q", row.name, payload, row.use, row.client)
		}
	}
	if d.Refreshed.Access == d.Ada.Access || d.ClientID == d.OtherClientID {
		t.Error("the refreshed token or the second app client is the first")
	}
}

func decode(t *testing.T, segment string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// text returns v if it is a string, and "" for a member that is missing.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func TestStoppedEmulatorIsGone(t *testing.T) {
	if err := install(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, err := startEmulator(t.Context(), emulatorConfig, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(e.URL, "http://")
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		e.stop()
		t.Fatalf("the running emulator: %v", err)
	}
	conn.Close()
	e.stop()
	if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		conn.Close()
		t.Error("the stopped emulator still listens")
	}
}

func TestEmulatorThatFailsShowsItsOutput(t *testing.T) {
	if err := install(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := startEmulator(t.Context(), []byte(`{"ServerConfig":{"hostname":"127.0.0.1","port":-1}}`), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "ERR_SOCKET_BAD_PORT") {
		t.Errorf("error %v, want one with the emulator's ERR_SOCKET_BAD_PORT", err)
	}
}

func TestMissingNodeIsAnError(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := startEmulator(t.Context(), emulatorConfig, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "install Node.js") {
		t.Errorf("without node: %v, want an error that says what to install", err)
	}

	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), lock, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	err = install(t.Context())
	if err == nil || !strings.Contains(err.Error(), "install Node.js") {
		t.Errorf("without npm and node_modules: %v, want an error that says what to install", err)
	}
}
