package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestContendersVerify has their verdicts.
func TestNodePeersTellTheirTimeAndVersions(t *testing.T) {
	f, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	peers, err := f.nodePeers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !f.node.measured() {
		t.Fatal(f.node)
	}
	before := f.pool.Fetches()
	for _, c := range peers {
		if took, err := c.loop(f.token, 10); took <= 0 || err != nil {
			t.Errorf("%s: %v, %v", c.key, took, err)
		}
		if _, err := c.loop(tokenOf(f.pool).SignedBy(f.stranger).String(), 10); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: a token of another key was timed as if it were good: %v", c.key, err)
		}
		lock, err := os.ReadFile(filepath.Join(nodeFolder, "package.json"))
		if name := strings.TrimSuffix(c.key, "-cache"); err != nil || !strings.Contains(string(lock), `"`+name+`": "`+strings.TrimPrefix(c.versions(), "v")+`"`) {
			t.Errorf("%s: version %q, %v", c.key, c.versions(), err)
		}
	}
	if n := f.pool.Fetches() - before; n != 0 {
		t.Errorf("%d fetches, expected that the key set came with the place", n)
	}
	text := f.node.String()
	for _, name := range []string{"node", "openssl"} {
		version, err := exec.CommandContext(t.Context(), "node", "--print", "process.versions."+name).Output()
		if v := strings.TrimSpace(string(version)); err != nil || v == "" || !strings.Contains(text, v) {
			t.Errorf("%s %q is not in %q, %v", name, v, text, err)
		}
	}
}

func TestRunGoesOnWithoutNode(t *testing.T) {
	t.Run("no node", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		f, err := newPool()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		peers, err := f.nodePeers(t.Context())
		if len(peers) > 0 || err != nil {
			t.Errorf("%d peers, %v", len(peers), err)
		}
		if text := (&speed{Node: f.node}); !strings.Contains(results{Speed: text}.speedBlock(), "left out: found no node in PATH, install Node.js") {
			t.Errorf("the table says %s", f.node)
		}
		if _, err := sample(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "found no node") {
			t.Errorf("the sample passes without the peers: %v", err)
		}
	})
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "package-lock.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("no npm, and nothing is installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		err := install(t.Context(), folder)
		if _, is := errors.AsType[missing](err); !is || !strings.Contains(err.Error(), "install npm") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("npm fails", func(t *testing.T) {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\necho no network\nexit 1\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
		err := install(t.Context(), folder)
		if _, is := errors.AsType[missing](err); !is || !strings.Contains(err.Error(), "no network") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("another folder is a mistake", func(t *testing.T) {
		err := install(t.Context(), t.TempDir())
		if _, is := errors.AsType[missing](err); is || err == nil {
			t.Errorf("error %v", err)
		}
	})
}

func TestAboutIsWhole(t *testing.T) {
	const good = `{"node":"20.19.0","openssl":"3.0.15","versions":["5.2.1"]}`
	if who, err := aboutOf("ready", good, "ready", 1); err != nil || who.Node != "20.19.0" || who.OpenSSL != "3.0.15" || who.Versions[0] != "5.2.1" {
		t.Errorf("%+v, %v", who, err)
	}
	for _, row := range [][2]string{
		{"listening", good},
		{"ready", ""},
		{"ready", `{"node":"20.19.0","openssl":"3.0.15","versions":[]}`},
		{"ready", `{"openssl":"3.0.15","versions":["5.2.1"]}`},
		{"ready", `{"node":"20.19.0","versions":["5.2.1"]}`},
	} {
		if _, err := aboutOf(row[0], row[1], "ready", 1); err == nil {
			t.Errorf("%q: no error", row)
		}
	}
}
