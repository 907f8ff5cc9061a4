package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9]*m")

func TestWelcomeIsReadable(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	real := cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "ap-southeast-1_AbCdEf123", TokenUse: cognitoauth.IDToken,
		ClientIDs: []string{"1example23456789abcdefghij", "2example23456789abcdefghij"}}}}
	const base = "http://127.0.0.1:65535"
	colour := styleOf(true, func(string) string { return "" })
	for name, text := range map[string][2]string{
		"embedded pool": {welcome(base, pool.Config(), pool, style{}), welcome(base, pool.Config(), pool, colour)},
		"real pool":     {welcome(base, real, nil, style{}), welcome(base, real, nil, colour)},
	} {
		plain, coloured := text[0], text[1]
		if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b") {
			t.Errorf("%s: colour where there must be none, or none where it belongs", name)
		}
		if stripped := escapes.ReplaceAllString(coloured, ""); stripped != plain {
			t.Errorf("%s: in colour the text is another:\n%s", name, stripped)
		}
		comments := 0
		for line := range strings.Lines(plain) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > 100 {
				t.Errorf("%s: %d columns: %s", name, len(line), line)
			}
			if strings.HasPrefix(line, "#") {
				comments++
				// zsh runs it as a command with arguments.
				if !regexp.MustCompile(`^# [\w ,:/-]+$`).MatchString(line) {
					t.Errorf("%s: a shell reads more than words: %s", name, line)
				}
			}
		}
		if commands := strings.Count(plain, "\ncurl ") + strings.Count(plain, "TOKEN="); comments < commands {
			t.Errorf("%s: %d lines of what to expect beside %d commands", name, comments, commands)
		}
	}
	if !strings.Contains(welcome(base, real, nil, style{}), "To get an ID token") {
		t.Error("does not name the kind of token that the pool's configuration wants")
	}
}

func TestStyleOf(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		{true, nil, true},
		{true, map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true},
		{false, nil, false},
		{true, map[string]string{"NO_COLOR": "1"}, false},
		{true, map[string]string{"TERM": "dumb"}, false},
	} {
		got := styleOf(tt.terminal, func(name string) string { return tt.env[name] })
		if (got != style{}) != tt.want {
			t.Errorf("%+v: %+q", tt, got)
		}
	}
}

func TestTerminal_none(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if terminal(file) || terminal(null) || terminal(w) || terminal(&bytes.Buffer{}) {
		t.Errorf("a terminal: file %t, null %t, pipe %t, buffer %t", terminal(file), terminal(null), terminal(w), terminal(&bytes.Buffer{}))
	}
}

func TestWrapped(t *testing.T) {
	short, long := "a line\n", strings.Repeat("words ", 40)+strings.Repeat("x", 150)+" end\n"
	var b bytes.Buffer
	for _, s := range []string{short, long} {
		if n, err := (wrapped{&b}).Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("%d of %d, %v", n, len(s), err)
		}
	}
	if got := strings.Join(strings.Fields(b.String()), " ") + "\n"; got != short[:len(short)-1]+" "+long {
		t.Errorf("other words:\n%s", b.String())
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if lines[0] != "a line" || strings.HasPrefix(lines[1], " ") {
		t.Errorf("a record begins in the middle:\n%s", b.String())
	}
	for _, line := range lines[2:] {
		if !strings.HasPrefix(line, "    ") {
			t.Errorf("not indented: %s", line)
		}
	}
	for _, line := range lines {
		if len(line) > 100 && strings.TrimLeft(line, " x") != "" {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}

	broken := errors.New("broken")
	if n, err := (wrapped{brokenWriter{broken}}).Write([]byte(short)); n != 0 || !errors.Is(err, broken) {
		t.Errorf("%d, %v", n, err)
	}
}

// What is no terminal gets a record a line, the date included.
func TestLogTo(t *testing.T) {
	var b bytes.Buffer
	logTo(&b).Info(strings.Repeat("words ", 40), slog.Int("n", 1))
	if strings.Count(b.String(), "\n") != 1 || !regexp.MustCompile(`^time=\d{4}-`).MatchString(b.String()) {
		t.Errorf("%s", b.String())
	}
}
