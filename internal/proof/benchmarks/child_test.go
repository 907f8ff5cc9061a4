package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is also the program that a test starts: a server, as serveMain has it,
// or a child that answers every line with the text of its argument.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 2 && os.Args[1] == "serve":
		main()
		return
	case len(os.Args) > 2 && os.Args[1] == "parrot":
		parrot(os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// parrot says its texts, one for each line that it is sent, and ends after the
// last; "hang" is to say nothing more.
func parrot(texts []string) {
	line := make([]byte, 1<<16)
	for _, text := range texts {
		if _, err := os.Stdin.Read(line); err != nil {
			return
		}
		if text == "hang" {
			time.Sleep(time.Hour)
		}
		_, _ = os.Stdout.WriteString(text)
	}
	_, _ = os.Stderr.WriteString("I have nothing more to say\n")
}

func startParrot(t *testing.T, texts ...string) (*child, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, _, _, err := startChild(t.Context(), "parrot", exec.CommandContext(t.Context(), self, append([]string{"parrot"}, texts...)...), place{})
	if err == nil {
		t.Cleanup(c.stop)
	}
	return c, err
}

func TestParseAnswer(t *testing.T) {
	for _, row := range []struct {
		line, word, rest string
		ok               bool
	}{
		{"accepted\n", "accepted", "", true},
		{"refused the token has expired\n", "refused", "the token has expired", true},
		{"took 1200\n", "took", "1200", true},
		{"cpu 5\n", "cpu", "5", true},
		{"listening 127.0.0.1:80 {\"node\":\"20.0.0\"}\n", "listening", "127.0.0.1:80 {\"node\":\"20.0.0\"}", true},

		{"accepted", "", "", false}, // cut off
		{"\n", "", "", false},
		{"", "", "", false},
		{"Accepted\n", "", "", false},
		{"acceptedly\n", "", "", false},
		{"(node:1) Warning: took 5\n", "", "", false},
	} {
		word, rest, err := parseAnswer(row.line)
		if word != row.word || rest != row.rest || (err == nil) != row.ok {
			t.Errorf("%q: %q, %q, %v", row.line, word, rest, err)
		}
	}
}

func TestChildTellsNanoseconds(t *testing.T) {
	c, err := startParrot(t, "ready\n", "took 1500\n", "took -1\n", "took 1.5\n", "took\n", "cpu 5\n", "refused 5\n")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.nanoseconds(t.Context(), "time 1 x", "took"); d != 1500 || err != nil {
		t.Errorf("%v, %v", d, err)
	}
	for range 5 {
		if d, err := c.nanoseconds(t.Context(), "time 1 x", "took"); err == nil {
			t.Errorf("%v, no error", d)
		}
	}
}

func TestChildThatEndsHangsOrTalksIsAnError(t *testing.T) {
	t.Run("it ends: what it printed is said", func(t *testing.T) {
		c, err := startParrot(t, "ready\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ask(t.Context(), "verify x"); err == nil {
			t.Error("no error")
		}
		c.stop() // now all that it printed is there
		if _, _, err := c.ask(t.Context(), "verify x"); err == nil || !strings.Contains(err.Error(), "nothing more to say") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("it hangs: it is ended", func(t *testing.T) {
		c, err := startParrot(t, "ready\n", "hang")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.askWithin(t.Context(), 50*time.Millisecond, "verify x")
		if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("error %v", err)
		}
		c.stop()
		if c.cmd.ProcessState == nil {
			t.Error("the process is still there")
		}
	})
	t.Run("it says something else at the start", func(t *testing.T) {
		if _, err := startParrot(t, "hello\n"); err == nil || !strings.Contains(err.Error(), `"hello"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a process that has ended refuses nothing", func(t *testing.T) {
		f, err := newPool()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		c, err := startParrot(t, "ready\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := faults(f.pool, f.stranger, contender{worker: c.verdict(context.Background())}); len(got) != 8 {
			t.Errorf("%d faults: %q", len(got), got)
		}
	})
}

func TestTailKeepsTheLast(t *testing.T) {
	var said tail
	if said.err() != nil {
		t.Error("an error though nothing was said")
	}
	for range tailBytes {
		_, _ = said.Write([]byte("abc "))
	}
	_, _ = said.Write([]byte("end"))
	if text := said.err().Error(); !strings.HasSuffix(text, "abc end") || len(said.text) != tailBytes {
		t.Errorf("%d bytes, %q", len(said.text), text)
	}
}
