package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestCompare: more is told, less as well, and a path that only one side knows.
func TestCompare(t *testing.T) {
	is := func(costs map[string]cost) table { return table{"go1.26 linux/amd64", costs} }
	want := is(map[string]cost{"a": {2, 800}, "b": {0, 0}})
	for _, row := range []struct {
		name string
		got  map[string]cost
		want []string
	}{
		{"the same", map[string]cost{"a": {2, 800}, "b": {0, 0}}, nil},
		{"a few bytes are the runtime's", map[string]cost{"a": {2, 808}, "b": {0, 8}}, nil},
		{"bytes", map[string]cost{"a": {2, 816}, "b": {0, 9}}, []string{"a: 2 allocations of 816 bytes, MORE than", "b: 0 allocations of 9 bytes, MORE than"}},
		{"an allocation", map[string]cost{"a": {3, 800}, "b": {1, 0}}, []string{"a: 3 allocations of 800 bytes, MORE than", "b: 1 allocations of 0 bytes, MORE than"}},
		{"an allocation of fewer bytes", map[string]cost{"a": {3, 400}, "b": {0, 0}}, []string{"a: 3 allocations of 400 bytes, MORE than"}},
		{"less", map[string]cost{"a": {1, 800}, "b": {0, 0}}, []string{"a: 1 allocations of 800 bytes, less than"}},
		{"fewer bytes", map[string]cost{"a": {2, 784}, "b": {0, 0}}, []string{"a: 2 allocations of 784 bytes, less than"}},
		{"a new path", map[string]cost{"a": {2, 800}, "b": {0, 0}, "c": {0, 0}}, []string{"c is not in the table"}},
		{"no path", nil, []string{"a is in the table only", "b is in the table only"}},
	} {
		got := compare(want, is(row.got))
		if !slices.EqualFunc(got, row.want, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// TestTable: the committed table is as the program writes it.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("table.txt")
	if err != nil {
		t.Fatal(err)
	}
	is, err := parse(string(text))
	if err != nil || is.text() != string(text) {
		t.Errorf("%v; want the text\n%s", err, is.text())
	}
	for _, bad := range []string{"", "# counted with go1.26 linux/amd64.\n", "a 1 2\n", "# counted with go1.\na 1\n", "# counted with go1.\na 1 x\n", "# counted with go1.\na 1 2\na 1 2\n"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
