package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// These lines are the same for both clients; ORIGIN stands for the address of the API.
// The challenges are those that RFC 6750, section 3, RFC 9728, section 5.1, and MCP
// 2026-07-28, "Authorization", ask for.
const (
	metadata  = `resource_metadata="ORIGIN/.well-known/oauth-protected-resource/mcp"`
	noToken   = `401 /mcp Bearer realm="api", scope="orders/read", ` + metadata
	needWrite = `403 /mcp Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write orders/read", ` + metadata
	notOurs   = `401 /mcp Bearer realm="api", error="invalid_token", error_description="the token is meant for another audience", scope="orders/read", ` + metadata
	expired   = `401 /mcp Bearer realm="api", error="invalid_token", error_description="the token has expired", scope="orders/read", ` + metadata
	forbidden = `403 /mcp`

	fetchResource = `200 /.well-known/oauth-protected-resource/mcp`
	fetchServer   = `200 /.well-known/oauth-authorization-server`
)

func begin(t *testing.T) *world {
	t.Helper()
	w, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

// check compares what a client has told.
func (w *world) check(t *testing.T, got, want []line) {
	t.Helper()
	origin := strings.TrimSuffix(w.endpoint, "/mcp")
	for i := range want {
		want[i].Result = strings.ReplaceAll(want[i].Result, "ORIGIN", origin)
	}
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("too much: %s", got[i])
		case got[i] != want[i]:
			t.Errorf("line %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

func TestTour(t *testing.T) {
	w := begin(t)
	var got []line
	if err := w.tour(t.Context(), func(l line) { got = append(got, line{strings.TrimSpace(l.Step), l.Result}) }); err != nil {
		t.Fatal(err)
	}
	w.check(t, got, []line{
		// Discovery, then PKCE.
		{"wire", noToken},
		{"wire", fetchResource},
		{"wire", fetchServer},
		{"login with PKCE", `scope "orders/read", resource ORIGIN/mcp`},
		{"connect", "2026-07-28"},

		{"read_order", "read_order for jane"},

		// Step-up from read to write.
		{"wire", needWrite},
		{"wire", fetchResource},
		{"wire", fetchServer},
		{"login with PKCE", `scope "orders/read orders/write", resource ORIGIN/mcp`},
		{"change_order", "change_order for jane"},

		// No login helps here. The client tries once more all the same.
		{"wire", forbidden},
		{"wire", forbidden},
		{"close_shop", `error: calling "tools/call": sending "tools/call": the user is not in a permitted group: rejected by transport: Forbidden`},
		{"read_order", "read_order for jane"},

		// The client asks for server/discover, then for initialize.
		{"wire", notOurs},
		{"wire", notOurs},
		{"another resource", `error: calling "initialize": sending "initialize": Unauthorized`},

		{"stream", "ended when its token expired"},
		{"wire", expired},
		{"after it", `error: calling "tools/call": sending "tools/call": Unauthorized`},
	})
}

func TestTypeScript(t *testing.T) {
	install(t)
	// finishAuth of these clients fetches the metadata again.
	discovery := []line{{"wire", fetchResource}, {"wire", fetchServer}, {"wire", fetchResource}, {"wire", fetchServer}}
	calls := slices.Concat(
		[]line{{"read_order", "read_order for jane"}, {"wire", needWrite}}, discovery,
		[]line{{"change_order", "change_order for jane"}, {"wire", forbidden}, {"close_shop", "error: 403"}, {"read_order", "read_order for jane"}, {"wire", notOurs}, {"another resource", "error: 401"}})
	for _, test := range []struct {
		version, protocol string
		after             []line
	}{
		{"1", "2025-11-25", nil},
		{"2", "2026-07-28", []line{{"stream", "ended"}, {"wire", expired}, {"after it", "error: 401"}}},
	} {
		t.Run("version "+test.version, func(t *testing.T) {
			w := begin(t)
			other := w.login.accessToken(grant{scope: "orders/read", resource: otherResource}).String()
			got := w.script(t, test.version, other, w.reader())
			w.check(t, got, slices.Concat([]line{{"wire", noToken}}, discovery, []line{{"connect", test.protocol}}, calls, test.after))
			var scopes []string
			for _, g := range w.login.taken() {
				if g.resource != w.endpoint || g.challenge == "" {
					t.Errorf("login for the resource %q, challenge %q", g.resource, g.challenge)
				}
				words := strings.Fields(g.scope)
				slices.Sort(words)
				scopes = append(scopes, strings.Join(words, " "))
			}
			if !slices.Equal(scopes, []string{"orders/read", "orders/read orders/write"}) {
				t.Errorf("logins for the scopes %q", scopes)
			}
		})
	}
}

// script runs the client of the TypeScript SDK and returns what it tells.
func (w *world) script(t *testing.T, version string, tokens ...string) (all []line) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"client.js", version, w.endpoint, w.pool.ClientID()}, tokens...)...)
	cmd.Dir = "typescript"
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s%s", err, out, &stderr)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		all = append(all, l)
	}
	return all
}

// install installs the packages of package-lock.json, unless they are there.
func install(t *testing.T) {
	t.Helper()
	// npm writes this file last.
	if _, err := os.Stat(filepath.Join("typescript", "node_modules", ".package-lock.json")); err == nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = "typescript"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci (it needs Node.js 20.19 or newer): %v\n%s", err, out)
	}
}
