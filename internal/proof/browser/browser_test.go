//go:build browser

// Package browser_test looks at what the project shows in a browser, in a real
// Chromium. It needs Debian's packages chromium and prometheus, Node.js and npm; the tag
// keeps it out of go test ./...
package browser_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// run runs the tests of a script, at least as many as that, with the settings in env,
// and wants the screenshots to be there. They are kept if SHOTS is set to a folder.
func run(t *testing.T, script string, least int, env []string, pictures ...string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: install chromium (Debian: apt-get install chromium)", err)
	}
	if out, err := packages(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", script)
	cmd.Env = append(append(os.Environ(), "CHROMIUM="+chromium, "SHOTS="+shots), env...)
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^ok \d+ - (.*)$`).FindAllStringSubmatch(string(out), -1)
	if err != nil || len(passed) < least {
		t.Fatalf("%v, %d tests passed, want %d at least\n%s", err, len(passed), least, out)
	}
	for _, name := range pictures {
		if info, err := os.Stat(filepath.Join(shots, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("no screenshot %s: %v", name, err)
		}
	}
	t.Logf("%d tests of %s in Chromium passed", len(passed), script)
}

// packages installs what the scripts import, once.
var packages = sync.OnceValues(func() ([]byte, error) { return exec.Command("npm", "ci").CombinedOutput() })

// start starts a program in a folder, with no pool in its environment, and returns what
// it prints until a line that fits, without waiting for more.
func start(t *testing.T, dir, program string, last func(line string) bool, args ...string) (lines []string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
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
			t.Errorf("%s ended with %v\n%s", program, err, log.String())
		}
	})
	for s := bufio.NewScanner(stdout); s.Scan(); {
		lines = append(lines, s.Text())
		if last(s.Text()) {
			return lines
		}
	}
	t.Fatalf("%s did not print its address\n%s", program, log.String())
	return nil
}

func build(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), filepath.Base(dir))
	if out, err := exec.CommandContext(t.Context(), "go", "-C", dir, "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
