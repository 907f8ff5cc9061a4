package cognitootel_test

import (
	"os"
	"strings"
	"testing"
)

// TestREADME holds the program of the README equal to one that compiles.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("internal/program/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(program), "\n") // without the comment of the command
	if !strings.Contains(string(readme), "```go\n"+body+"```\n") {
		t.Error("the program of README.md is not that of internal/program/main.go")
	}
}
