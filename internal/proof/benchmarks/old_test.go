package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRewriteImports(t *testing.T) {
	for _, row := range []struct{ name, source, want string }{
		{"the root",
			"package p\nimport \"github.com/cognitoauth/cognitoauth\"\n",
			"package p\nimport \"example.com/old\"\n"},
		{"a package below, and others in the group",
			"package p\nimport (\n\t\"fmt\"\n\t\"github.com/cognitoauth/cognitoauth/internal/kit\" // why\n\t\"net/http\"\n)\nvar x = 1\n",
			"package p\nimport (\n\t\"fmt\"\n\t\"example.com/old/internal/kit\" // why\n\t\"net/http\"\n)\nvar x = 1\n"},
		{"two, with names",
			"package p\nimport a \"github.com/cognitoauth/cognitoauth\"\nimport _ \"github.com/cognitoauth/cognitoauth/b\"\n",
			"package p\nimport a \"example.com/old\"\nimport _ \"example.com/old/b\"\n"},
		{"in back quotes",
			"package p\nimport `github.com/cognitoauth/cognitoauth`\n",
			"package p\nimport \"example.com/old\"\n"},
		{"another module whose path begins alike",
			"package p\nimport \"github.com/cognitoauth/cognitoauth2/b\"\n",
			"package p\nimport \"github.com/cognitoauth/cognitoauth2/b\"\n"},
		{"comments and texts stay",
			"// Package p: import \"github.com/cognitoauth/cognitoauth\"\npackage p\nconst x = \"github.com/cognitoauth/cognitoauth\"\n",
			"// Package p: import \"github.com/cognitoauth/cognitoauth\"\npackage p\nconst x = \"github.com/cognitoauth/cognitoauth\"\n"},
	} {
		got, err := rewriteImports("p.go", []byte(row.source), "example.com/old")
		if err != nil || string(got) != row.want {
			t.Errorf("%s: %v\n%s\nexpected\n%s", row.name, err, got, row.want)
		}
	}
	if _, err := rewriteImports("p.go", []byte("no Go"), "example.com/old"); err == nil {
		t.Error("a file that is no Go is no error")
	}
}

// small is a repository with a library in it.
func small() tree {
	return tree{
		"go.mod":                    []byte("module github.com/cognitoauth/cognitoauth\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n"),
		"root.go":                   []byte("package cognitoauth\nimport _ \"github.com/cognitoauth/cognitoauth/internal/one\"\n"),
		"root_test.go":              []byte("package cognitoauth_test\nimport _ \"github.com/cognitoauth/cognitoauth/cognitotest\"\n"),
		"internal/one/one.go":       []byte("package one\nimport _ \"github.com/cognitoauth/cognitoauth/internal/two\"\n"),
		"internal/one/sub/sub.go":   []byte("package sub\n"),
		"internal/two/two.go":       []byte("package two\n"),
		"internal/two/table.txt":    []byte("embedded, perhaps\n"),
		"internal/three/three.go":   []byte("package three\nimport _ \"github.com/cognitoauth/cognitoauth\"\n"),
		"cognitotest/pool.go":       []byte("package cognitotest\n"),
		"testdata/vectors/iss.json": []byte("{}\n"),
	}
}

func TestLibraryIsWhatTheRootImports(t *testing.T) {
	got, err := small().library()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"go.mod", "internal/one/one.go", "internal/two/table.txt", "internal/two/two.go", "root.go"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("files %q\nexpected %q", names, want)
	}
	for _, mod := range []string{"", "module github.com/cognitoauth/other\n"} {
		other := small()
		other["go.mod"] = []byte(mod)
		if _, err := other.library(); err == nil || !strings.Contains(err.Error(), "-old") {
			t.Errorf("go.mod %q: error %v", mod, err)
		}
	}
}

func TestUnderAnotherModule(t *testing.T) {
	library, err := small().library()
	if err != nil {
		t.Fatal(err)
	}
	got, err := library.under("github.com/cognitoauth/old2")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"go.mod":  "module github.com/cognitoauth/old2\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n",
		"root.go": "package cognitoauth\nimport _ \"github.com/cognitoauth/old2/internal/one\"\n",
	} {
		if string(got[name]) != want {
			t.Errorf("%s:\n%s\nexpected\n%s", name, got[name], want)
		}
	}
	if !strings.HasPrefix(string(library["go.mod"]), "module "+modulePath+"\n") {
		t.Error("the library itself has changed")
	}
}

// repository has one commit with the small library and a tag on it, first, and
// another one without it.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=Jane", "-c", "user.email=jane@example.com"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	if err := small().write(dir); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")
	git("tag", "first")
	if err := os.WriteFile(filepath.Join(dir, "root.go"), []byte("package changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git("commit", "--quiet", "--all", "--message", "second")
	return dir
}

func TestReadRevisionIsNotTheTree(t *testing.T) {
	files, commit, err := readRevision(t.Context(), repository(t), "first")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(files, small(), func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("files %q", files)
	}
	if len(commit) != 40 {
		t.Errorf("commit %q", commit)
	}
}

func TestReadRevisionSaysWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		name, dir, revision, path string
		says                      []string
	}{
		{"no such revision", repository(t), "0123abc", os.Getenv("PATH"),
			[]string{`found no revision "0123abc"`, "expected a commit", "-old", "--unshallow"}},
		{"a folder without a repository", t.TempDir(), "0123abc", os.Getenv("PATH"),
			[]string{`found no revision "0123abc"`, "not a git repository", "-old"}},
		{"no git", t.TempDir(), "0123abc", "",
			[]string{"found no git in PATH", "expected it", "-old", "install git"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("PATH", row.path)
			t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(row.dir))
			t.Setenv("LC_ALL", "C")
			_, _, err := readRevision(t.Context(), row.dir, row.revision)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range row.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestOtherVersions(t *testing.T) {
	this := "module m\n\nrequire (\n\texample.com/a v1.2.0\n\texample.com/b v1.0.0\n\texample.com/new v1.0.0\n)\n\nrequire example.com/c v0.2.0 // indirect\n"
	old := "module m\n\nrequire (\n\texample.com/a v1.1.0\n\texample.com/b v1.0.0\n\texample.com/gone v1.0.0\n)\n\nrequire example.com/c v0.1.0\n"
	want := []string{"example.com/a v1.2.0, before v1.1.0", "example.com/c v0.2.0, before v0.1.0"}
	if got := otherVersions([]byte(this), []byte(old)); !slices.Equal(got, want) {
		t.Errorf("%q\nexpected %q", got, want)
	}
}

// TestCompareRuns compares this tree with itself as if it were an old one: that
// it runs shows that the copies compile, that there are three builds and that
// each gives its verdicts. What it takes is not looked at.
func TestCompareRuns(t *testing.T) {
	files := tree{}
	root := os.DirFS("../../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "examples", "internal/proof", "testdata"}, name) {
			return fs.SkipDir
		}
		if ext := path.Ext(name); d.Type().IsRegular() && (ext == ".go" || ext == ".mod" || ext == ".sum") {
			files[name], err = fs.ReadFile(root, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	program, err := compile(t.Context(), files, t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "compare", "-rounds", "1", "-slot", "1ms", "-old", "a copy of it")
	out, err := cmd.Output() // it fails if a millisecond was not enough
	if want := "allocations are no more on 13 of 13"; !strings.Contains(string(out), want) {
		t.Errorf("%v, no %q in\n%s", err, want, out)
	}
}

func TestJoinedIsAFileOfThisProgram(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "joined.go", joined([]string{"example.com/a", "example.com/b"}), 0)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range file.Imports {
		paths = append(paths, spec.Path.Value)
	}
	if want := []string{`"example.com/a/build"`, `"example.com/b/build"`}; file.Name.Name != "main" || !slices.Equal(paths, want) {
		t.Errorf("package %s, imports %q", file.Name.Name, paths)
	}
}
