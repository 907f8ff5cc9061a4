package cognitoconnect_test

import (
	"os"
	"strings"
	"testing"
)

// The program in the README is the compiled example.
func TestREADMEProgram(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := strings.NewReplacer("package cognitoconnect_test", "package main", "func Example()", "func main()").Replace(string(example))
	if !strings.Contains(string(readme), "```go\n"+program+"```\n") {
		t.Error("README.md does not have the program of example_test.go")
	}
}
