//go:build browser

// Package browser_test looks at what the project shows in a browser, in a real
// Chromium. It needs Debian's package chromium, Node.js and npm; the tag keeps it
// out of go test ./...
package browser_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// SHOTS keeps the screenshots, if it is set to a folder.
func TestPlayground(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: install chromium (Debian: apt-get install chromium)", err)
	}
	if out, err := exec.CommandContext(t.Context(), "npm", "ci").CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "playground.mjs")
	cmd.Env = append(os.Environ(), "BASE="+quickstart(t), "CHROMIUM="+chromium, "SHOTS="+shots)
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^ok \d+ - (.*)$`).FindAllStringSubmatch(string(out), -1)
	if err != nil || len(passed) < 10 {
		t.Fatalf("%v, %d tests passed, want 10 at least\n%s", err, len(passed), out)
	}
	for _, name := range []string{"playground.png", "playground-light-360.png", "playground-dark-360.png"} {
		if info, err := os.Stat(filepath.Join(shots, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("no screenshot %s: %v", name, err)
		}
	}
	t.Logf("%d tests of the playground in Chromium passed", len(passed))
}

// quickstart starts the program, and returns the last line that it prints at its
// start: the address of the playground.
func quickstart(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../examples/quickstart").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:0")
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "COGNITO_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the quickstart ended with %v\n%s", err, log.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), "/playground/") {
			return lines.Text()
		}
	}
	t.Fatalf("the quickstart printed no address of a playground\n%s", log.String())
	return ""
}
