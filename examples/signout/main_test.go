package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// The test binary is also the program of an instance.
func TestMain(m *testing.M) {
	if text := os.Getenv(variable); text != "" {
		if err := serveChild(text); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	for name, tt := range map[string]struct {
		choice choice
		says   string
	}{
		"Redis":    {choice{}, "each a process, and Redis"},
		"embedded": {choice{embedded: true}, "a store in memory"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			began := time.Now()
			if err := run(t.Context(), tt.choice, false, &out); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if text := out.String(); !strings.Contains(text, tt.says) || strings.Count(text, "401, ") != 2 {
				t.Errorf("it printed\n%s", text)
			}
			t.Logf("%s\n%s", time.Since(began), &out)
		})
	}
}
