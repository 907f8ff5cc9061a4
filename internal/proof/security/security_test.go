// Package security_test keeps SECURITY.md true: each test that it names is there,
// and each dependency has its reason.
package security_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// cellsUnder returns the cells of all tables under a heading of a Markdown text,
// without their heads.
func cellsUnder(text, heading string) (rows [][]string) {
	_, text, _ = strings.Cut(text, "\n"+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	head := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "|") {
			head = 0
			continue
		}
		if head++; head <= 2 {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

var markdownLink = regexp.MustCompile(`\[([^]]+)\]\(([^)]+)\)`)

// wrongAttack is what is wrong with a row of the table of attacks: it has to name
// an attack, a check, and at least one test that exists in the file it links to.
func wrongAttack(cells []string) error {
	if len(cells) != 3 || slices.Contains(cells, "") {
		return fmt.Errorf("the row has the cells %q, want three that say something", cells)
	}
	tests, vectors := 0, 0
	var wrong []error
	for _, m := range markdownLink.FindAllStringSubmatch(cells[2], -1) {
		name, file := m[1], filepath.FromSlash(m[2])
		if strings.HasSuffix(file, ".json") {
			vectors++
			wrong = append(wrong, wrongVectors(file))
			continue
		}
		tests++
		wrong = append(wrong, wrongTest(name, file))
	}
	if tests == 0 {
		wrong = append(wrong, errors.New("no test is linked"))
	}
	if vectors > 0 && !strings.Contains(cells[2], "[TestVectors](") {
		wrong = append(wrong, errors.New("vectors are linked without the test that runs them"))
	}
	return errors.Join(wrong...)
}

func wrongVectors(file string) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var vectors struct{ Cases []struct{ Name string } }
	if err := json.Unmarshal(doc, &vectors); err != nil || len(vectors.Cases) == 0 {
		return fmt.Errorf("%s has no cases: %v", file, err)
	}
	return nil
}

// wrongTest is nil if the file declares a test or a fuzz target of that name,
// with the parameter that makes go test run it, and something in it.
func wrongTest(name, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(file, "_test.go") {
		return fmt.Errorf("%s is no test file", file)
	}
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != name || f.Recv != nil {
			continue
		}
		for prefix, parameter := range map[string]string{"Test": "T", "Fuzz": "F"} {
			if strings.HasPrefix(name, prefix) && takes(f, parameter) && len(f.Body.List) > 0 {
				return nil
			}
		}
		return fmt.Errorf("%s in %s is no test", name, file)
	}
	return fmt.Errorf("%s has no %s", file, name)
}

// takes reports whether f has the one parameter *testing.name.
func takes(f *ast.FuncDecl, name string) bool {
	if f.Type.Params.NumFields() != 1 {
		return false
	}
	star, _ := f.Type.Params.List[0].Type.(*ast.StarExpr)
	if star == nil {
		return false
	}
	sel, _ := star.X.(*ast.SelectorExpr)
	return sel != nil && sel.Sel.Name == name
}

// Each row of the table of attacks links a test that exists.
func TestSecurity_attacks(t *testing.T) {
	t.Chdir(lab.Path(t, ".")) // where the links of SECURITY.md begin
	rows := cellsUnder(lab.Text(t, "SECURITY.md"), "## Attacks")
	if len(rows) < 60 {
		t.Errorf("%d rows found, want at least 60", len(rows))
	}
	seen := map[string]bool{}
	for _, cells := range rows {
		if err := wrongAttack(cells); err != nil {
			t.Errorf("%s: %v", cells[0], err)
		}
		if seen[cells[0]] {
			t.Errorf("%s is there twice", cells[0])
		}
		seen[cells[0]] = true
	}
}

// Whatever can be wrong with a row is found.
func TestSecurity_wrongAttacks(t *testing.T) {
	t.Chdir(lab.Path(t, "."))
	const good = "[TestSecurity_attacks](internal/proof/security/security_test.go)"
	if err := wrongAttack([]string{"attack", "check", good + ", [TestVectors](internal/proof/vectors/vectors_test.go) [json](testdata/vectors/json.json)"}); err != nil {
		t.Fatal(err)
	}
	for name, cells := range map[string][]string{
		"two cells":                  {"attack", good},
		"no check":                   {"attack", "", good},
		"no link":                    {"attack", "check", "TestSecurity_attacks"},
		"a test that is not there":   {"attack", "check", "[TestSecurity_none](internal/proof/security/security_test.go)"},
		"a test of another file":     {"attack", "check", "[TestSecurity_attacks](internal/proof/misuse/misuse_test.go)"},
		"a file that is not there":   {"attack", "check", "[TestSecurity_attacks](internal/proof/security/none_test.go)"},
		"a function that is none":    {"attack", "check", "[wrongAttack](internal/proof/security/security_test.go)"},
		"a benchmark":                {"attack", "check", "[BenchmarkFloor](bench_test.go)"},
		"one good and one bad":       {"attack", "check", good + " [TestSecurity_none](internal/proof/security/security_test.go)"},
		"vectors alone":              {"attack", "check", "[json](testdata/vectors/json.json)"},
		"vectors that nobody runs":   {"attack", "check", good + " [json](testdata/vectors/json.json)"},
		"vectors that are not there": {"attack", "check", "[TestVectors](internal/proof/vectors/vectors_test.go) [x](testdata/vectors/x.json)"},
		"a file that is no vectors":  {"attack", "check", "[TestVectors](internal/proof/vectors/vectors_test.go) [x](testdata/vectors/../api.json)"},
	} {
		if wrongAttack(cells) == nil {
			t.Errorf("%s is found good", name)
		}
	}
}

// requirement is a line of go.mod.
type requirement struct {
	module   string
	indirect bool
}

func requirements(mod string) (all []requirement) {
	for _, m := range regexp.MustCompile(`(?m)^(?:require |\t)(\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(mod, -1) {
		all = append(all, requirement{m[1], m[2] != ""})
	}
	return all
}

// wrongDependencies is how the rows of a table differ from the requirements: of
// each there is one row, with its module, whether this module imports it or
// another one does, and a reason.
func wrongDependencies(mod string, rows [][]string) (wrong []string) {
	left := requirements(mod)
	for _, cells := range rows {
		if len(cells) != 3 || len(cells[2]) < 20 {
			wrong = append(wrong, fmt.Sprintf("%q: want a module, who imports it, and a reason", cells))
			continue
		}
		row := requirement{strings.Trim(cells[0], "`"), cells[1] != "this module"}
		i := slices.Index(left, row)
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("%s is not required, or not as said", row.module))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, r := range left {
		wrong = append(wrong, r.module+" is required, and nothing says why")
	}
	return wrong
}

// Each module that go.mod requires has its reason, and none has one too many.
func TestSecurity_dependencies(t *testing.T) {
	mod := lab.Text(t, "go.mod")
	rows := cellsUnder(lab.Text(t, "SECURITY.md"), "## Dependencies")
	if len(requirements(mod)) == 0 || len(rows) == 0 {
		t.Fatalf("%d requirements, %d rows", len(requirements(mod)), len(rows))
	}
	for _, wrong := range wrongDependencies(mod, rows) {
		t.Error(wrong)
	}
}

func TestSecurity_wrongDependencies(t *testing.T) {
	const mod = "module m\n\ngo 1.26\n\nrequire (\n\ta.test/a v1.0.0\n\ta.test/b v1.0.0\n)\n\nrequire a.test/c v0.1.0 // indirect\n"
	a, b, c := []string{"`a.test/a`", "this module", "a reason that is long enough"}, []string{"`a.test/b`", "this module", "a reason that is long enough"}, []string{"`a.test/c`", "a", "a reason that is long enough"}
	if wrong := wrongDependencies(mod, [][]string{a, b, c}); wrong != nil {
		t.Fatal(wrong)
	}
	for name, rows := range map[string][][]string{
		"one is missing":         {a, b},
		"one is there twice":     {a, b, c, a},
		"one is not required":    {a, b, c, {"`a.test/d`", "this module", "a reason that is long enough"}},
		"one has no reason":      {a, b, {"`a.test/c`", "a", ""}},
		"an indirect one is not": {a, b, {"`a.test/c`", "this module", "a reason that is long enough"}},
		"a direct one is not":    {a, {"`a.test/b`", "a", "a reason that is long enough"}, c},
	} {
		if wrongDependencies(mod, rows) == nil {
			t.Errorf("%s: nothing is found wrong", name)
		}
	}
}

// What checks this repository is required by exact version in a module of its
// own, and go.sum has the content of each.
func TestSecurity_toolsArePinned(t *testing.T) {
	mod, sum := lab.Text(t, "internal/proof/tools/go.mod"), lab.Text(t, "internal/proof/tools/go.sum")
	if !regexp.MustCompile(`(?m)^toolchain go\d+\.\d+\.\d+$`).MatchString(mod) {
		t.Error("no toolchain is named")
	}
	tools := regexp.MustCompile(`(?m)^\t(\S+)$`).FindAllStringSubmatch(mod, -1)
	if len(tools) < 2 {
		t.Fatalf("%d tools found", len(tools))
	}
	for _, m := range tools {
		module := ""
		for _, r := range requirements(mod) {
			if strings.HasPrefix(m[1], r.module+"/") {
				module = r.module
			}
		}
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(module) + ` v\S+ h1:`).MatchString(sum) {
			t.Errorf("%s: no module of it is required, or go.sum has no hash", m[1])
		}
	}
}
