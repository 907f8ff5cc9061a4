package main

import (
	"os"
	"strings"
	"testing"
)

// The rows of a table stand between two comments.
func bounds(table string) (begin, end string) {
	return "<!-- " + table + ":begin -->\n", "<!-- " + table + ":end -->"
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines returns the rows of a table, without its two lines of heading.
func lines(t *testing.T, table string) []string {
	t.Helper()
	begin, end := bounds(table)
	_, rest, ok := strings.Cut(page(t), begin)
	text, _, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no table %s", table)
	}
	list := strings.Split(strings.TrimSpace(text), "\n")
	if len(list) < 2 {
		t.Fatalf("the table %s of README.md has no heading", table)
	}
	return list[2:]
}

// compare holds one row against the README. Another version may stand there, unless
// the whole is run: Debian mends faults without asking us.
func compare(t *testing.T, table, name, version, got string) {
	t.Helper()
	for _, want := range lines(t, table) {
		if !strings.HasPrefix(want, "| "+name+" | ") {
			continue
		}
		if !*whole {
			first, rest, _ := strings.Cut(strings.TrimPrefix(want, "| "+name+" | "), " |")
			want = "| " + name + " | " + version + " |" + rest
			if first != version {
				t.Logf("README.md tells of version %s, this is %s", first, version)
			}
		}
		if got != want {
			t.Errorf("table %s\nREADME %s\nseen   %s", table, want, got)
		}
		return
	}
	t.Errorf("table %s of README.md has no row for %s; seen\n%s", table, name, got)
}

// write puts the rows into the README, under the heading that is there.
func write(t *testing.T, table string, rows []string) {
	t.Helper()
	begin, end := bounds(table)
	before, rest, ok := strings.Cut(page(t), begin)
	old, after, closed := strings.Cut(rest, end)
	heading := strings.SplitN(strings.TrimSpace(old), "\n", 3)
	if !ok || !closed || len(heading) < 2 {
		t.Fatalf("README.md has no table %s with a heading", table)
	}
	text := before + begin + "\n" + strings.Join(heading[:2], "\n") + "\n" + strings.Join(rows, "\n") + "\n\n" + end + after
	if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every row of a table is one that a test can run.
func TestREADME_rows(t *testing.T) {
	for _, table := range []string{"answers", "upstream", "upload", "size", "cache"} {
		all := wirings
		switch table {
		case "upload":
			all = uploads()
		case "cache":
			all = caches
		}
		for _, row := range lines(t, table) {
			known := false
			for _, v := range all {
				known = known || strings.HasPrefix(row, "| "+v.name+" | ")
			}
			if !known {
				t.Errorf("table %s: nothing runs %s", table, row)
			}
		}
	}
}

// The program of the README is the example that is compiled.
func TestREADME_gateway(t *testing.T) {
	text, err := os.ReadFile("gateway/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "func Example() {\n")
	body, _, _ = strings.Cut(body, "\n}\n")
	if body = strings.ReplaceAll("\n"+body, "\n\t", "\n"); body == "\n" || !strings.Contains(page(t), "```go"+body+"\n```") {
		t.Errorf("README.md does not have\n%s", body)
	}
}
