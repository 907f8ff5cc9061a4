package cognitoauth_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateAPI = flag.Bool("update-api", false, "write testdata/api.txt anew")

// TestAPI compares the exported surface with testdata/api.txt. A difference is
// a decision: it belongs into CHANGELOG.md. Then run
//
//	go test -run TestAPI . -update-api
func TestAPI(t *testing.T) {
	got, count := exported(t)
	if count > 87 {
		t.Errorf("%d exported identifiers, at most 87 are wanted", count)
	}
	const file = "testdata/api.txt"
	if *updateAPI {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	frozen, now := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for _, line := range frozen {
		if !slices.Contains(now, line) {
			t.Errorf("no longer there: %s", line)
		}
	}
	for _, line := range now {
		if !slices.Contains(frozen, line) {
			t.Errorf("new: %s", line)
		}
	}
	t.Error("the exported surface differs from testdata/api.txt")
}

// exported lists the exported declarations of the root package, one a line,
// struct fields included, and counts them, struct fields excluded.
func exported(t *testing.T) (text string, count int) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var lines []string
	add := func(n any) {
		var b bytes.Buffer
		if err := format.Node(&b, set, n); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Join(strings.Fields(b.String()), " "))
		count++
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(f)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil || ast.IsExported(strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")) {
					d.Body = nil
					add(d)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, name := range v.Names {
							lines = append(lines, d.Tok.String()+" "+name.Name)
							count++
						}
						continue
					}
					add(&ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{spec}})
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n", count
}
