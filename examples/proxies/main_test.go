package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the program prints, with nginx and with the gateway in front.
func TestRun(t *testing.T) {
	for own, want := range map[bool][]string{
		false: {"200", "401", "200", "403", "200", "401", "403"},
		true:  {"200", "401", "200", "403", "200", "401", "404"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), own, false, &out); err != nil {
			t.Fatal(err)
		}
		if got := regexp.MustCompile(`(?m)^  \d+`).FindAllString(out.String(), -1); !slices.Equal(got, prefixed(want)) {
			t.Errorf("gateway %v: %v, want %v\n%s", own, got, want, out.String())
		}
		if text := out.String(); strings.Contains(text, "mallory") || !strings.Contains(text, `error="insufficient_scope"`) || !strings.Contains(text, "GET /healthz by nobody") {
			t.Errorf("gateway %v:\n%s", own, text)
		}
	}
}

func prefixed(list []string) (all []string) {
	for _, s := range list {
		all = append(all, "  "+s)
	}
	return all
}
