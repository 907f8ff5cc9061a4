package cognitoalb_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The statements of the README's program are those of the example, which compiles.
func TestREADME_program(t *testing.T) {
	lines := func(file string) (all []string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			all = append(all, strings.TrimSpace(line))
		}
		return all
	}
	_, program, _ := strings.Cut(strings.Join(lines("README.md"), "\n"), "func main() {\n")
	program, _, found := strings.Cut(program, "```")
	if !found {
		t.Fatal("the README has no program")
	}
	example := lines("example_test.go")
	own := regexp.MustCompile(`ListenAndServe|HandleFunc\("GET /me"|Handle\("GET /healthz"|^func |^}|// every mistake`)
	for line := range strings.SplitSeq(program, "\n") {
		if line != "" && !own.MatchString(line) && !slices.Contains(example, line) {
			t.Errorf("the example does not have %q", line)
		}
	}
}

// The README lists every code, with its status.
func TestREADME_codes(t *testing.T) {
	source, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]string{"BadRequest": "400", "Unauthorized": "401", "Forbidden": "403", "ServiceUnavailable": "503", "InternalServerError": "500"}
	rows := regexp.MustCompile(`http\.Status(\w+), "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(rows) != 19 {
		t.Fatalf("%d codes in refusal.go: mend this test", len(rows))
	}
	for _, row := range rows {
		if !regexp.MustCompile(`(?m)^\| ` + status[row[1]] + `.*` + "`" + row[2] + "`").Match(readme) {
			t.Errorf("the README does not list %s under %s", row[2], status[row[1]])
		}
	}
}
