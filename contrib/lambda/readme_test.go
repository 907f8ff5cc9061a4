package cognitolambda_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The statements of the README's program are those of ExampleNew, which compiles.
func TestREADME_program(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	_, program, _ := strings.Cut(read("README.md"), "	mux := http.NewServeMux()\n")
	program, _, found := strings.Cut(program, "```")
	_, example, _ := strings.Cut(read("example_test.go"), "func ExampleNew() {\n")
	if !found || example == "" {
		t.Fatal("there is no program")
	}
	lines := strings.Split(example, "\n")
	for line := range strings.SplitSeq(program, "\n") {
		if !slices.Contains(lines, line) {
			t.Errorf("the example does not have %q", line)
		}
	}
}
