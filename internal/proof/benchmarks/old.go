package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A process can hold several builds of one package only if their import paths
// differ. So the library of an older revision is copied out of git, twice, and
// each copy becomes a module of its own: its go.mod and the imports of its own
// packages name another module path, and nothing else is changed. This program
// is then compiled once more together with the copies. The copies and what
// joins them to the program are in a temporary folder; go build takes them from
// there by -modfile and -overlay, so that no file of this tree is touched.

const modulePath = "github.com/cognitoauth/cognitoauth"

// oldModules are the module paths of the two copies.
var oldModules = []string{"github.com/cognitoauth/old", "github.com/cognitoauth/old2"}

// tree is the text of files by their path from the root of the module.
type tree map[string][]byte

// readRevision reads all files of a revision from git, and gives the full name
// of the revision. dir is the root of the module.
func readRevision(ctx context.Context, dir, revision string) (files tree, commit string, err error) {
	git := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
		}
		return out, err
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, "", fmt.Errorf("found no git in PATH (%w), expected it, to read the revision %q that -old names; install git", err, revision)
	}
	out, err := git("rev-parse", "--verify", revision+"^{commit}")
	if err != nil {
		return nil, "", fmt.Errorf("found no revision %q in %s, expected a commit of this repository; "+
			"name another one with -old, or, if the clone is shallow, run git fetch --unshallow (%w)", revision, dir, err)
	}
	commit = string(bytes.TrimSpace(out))
	archive, err := git("archive", "--format=tar", commit)
	if err != nil {
		return nil, "", err
	}
	files, err = untar(archive)
	return files, commit, err
}

func untar(archive []byte) (tree, error) {
	files := tree{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				return nil, err
			}
		}
	}
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+(\S+)[ \t]*$`)

// library picks the root package and the packages of the module that it
// imports, directly or by another one, without tests, and go.mod.
func (t tree) library() (tree, error) {
	if m := moduleLine.FindSubmatch(t["go.mod"]); m == nil || string(m[1]) != modulePath {
		return nil, fmt.Errorf("found no go.mod of %s in the revision, expected one beside the library; name another revision with -old", modulePath)
	}
	picked, folders := tree{}, []string{"."}
	for i := 0; i < len(folders); i++ {
		for name, text := range t {
			if path.Dir(name) != folders[i] || strings.HasSuffix(name, "_test.go") {
				continue
			}
			picked[name] = text
			if path.Ext(name) != ".go" {
				continue
			}
			file, _, err := imports(name, text)
			if err != nil {
				return nil, err
			}
			for _, spec := range file.Imports {
				p, _ := strconv.Unquote(spec.Path.Value)
				if rest, ok := strings.CutPrefix(p, modulePath+"/"); ok && !slices.Contains(folders, rest) {
					folders = append(folders, rest)
				}
			}
		}
	}
	return picked, nil
}

func imports(name string, text []byte) (*ast.File, *token.FileSet, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ImportsOnly)
	return file, set, err
}

// rewriteImports makes a Go file import the packages of module as those of
// another module. Nothing else in the file changes, be it a comment or a text
// that looks like an import.
func rewriteImports(name string, text []byte, module string) ([]byte, error) {
	file, set, err := imports(name, text)
	if err != nil {
		return nil, err
	}
	var out []byte
	at := 0
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		rest, ok := strings.CutPrefix(p, modulePath)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		out = append(out, text[at:set.Position(spec.Path.Pos()).Offset]...)
		out = append(out, strconv.Quote(module+rest)...)
		at = set.Position(spec.Path.End()).Offset
	}
	return append(out, text[at:]...), nil
}

// under is the same library as another module.
func (t tree) under(module string) (tree, error) {
	out := maps.Clone(t)
	for name, text := range t {
		if path.Ext(name) == ".go" {
			var err error
			if out[name], err = rewriteImports(name, text, module); err != nil {
				return nil, err
			}
		}
	}
	out["go.mod"] = moduleLine.ReplaceAll(t["go.mod"], []byte("module "+module))
	return out, nil
}

func (t tree) write(dir string) error {
	for name, text := range t {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

var requirement = regexp.MustCompile(`(?m)^(?:require)?[ \t]+(\S+)[ \t]+(v\S+)`)

// otherVersions tells for each module that both files require, and in another
// version, which these are. One program has one version of a module, so both
// builds run with the higher one.
func otherVersions(this, old []byte) (all []string) {
	versions := map[string]string{}
	for _, m := range requirement.FindAllSubmatch(this, -1) {
		versions[string(m[1])] = string(m[2])
	}
	for _, m := range requirement.FindAllSubmatch(old, -1) {
		if v, ok := versions[string(m[1])]; ok && v != string(m[2]) {
			all = append(all, fmt.Sprintf("%s %s, before %s", m[1], v, m[2]))
		}
	}
	return all
}

// joined is the file that makes the copies contenders.
func joined(modules []string) []byte {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for i, m := range modules {
		fmt.Fprintf(&b, "\tbuild%d %q\n", i, m+"/build")
	}
	b.WriteString(")\n\nfunc init() {\n")
	for i := range modules {
		fmt.Fprintf(&b, "\tlibraries = append(libraries, library{build%d.Path(), build%[1]d.New, build%[1]d.Code})\n", i)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// noPeers stands in for peers.go: what peers keep in memory would make each
// garbage collection of the comparison longer.
const noPeers = `package main

import (
	"context"
	"errors"
	"net/http"
)

func (f *field) peers(context.Context) ([]contender, error) { return nil, nil }

func peerHandler(context.Context, string, place, http.Handler) (http.Handler, error) {
	return nil, errors.New("this program has no peers")
}
`

// compile makes this program with two copies of the library of files beside
// that of this tree, in scratch, and gives its name. It is to be called in the
// folder of this program. Peers are in it only where they are measured.
func compile(ctx context.Context, files tree, scratch string, peers bool) (program string, err error) {
	old, err := files.library()
	if err != nil {
		return "", err
	}
	if old["build/build.go"], err = os.ReadFile("build/build.go"); err != nil {
		return "", err
	}
	for _, module := range oldModules {
		copied, err := old.under(module)
		if err != nil {
			return "", err
		}
		if err := copied.write(filepath.Join(scratch, path.Base(module))); err != nil {
			return "", err
		}
	}
	joint, err := joining(scratch, old["go.sum"], peers)
	if err != nil {
		return "", err
	}
	if err := joint.write(scratch); err != nil {
		return "", err
	}
	program = filepath.Join(scratch, "benchmarks")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-mod=mod", "-modfile="+filepath.Join(scratch, "go.mod"),
		"-overlay="+filepath.Join(scratch, "overlay.json"), "-o", program, ".")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("this program does not compile with the revision that -old names: %w\n%s", err, bytes.TrimSpace(out))
	}
	return program, nil
}

// joining are the files by which go build finds the copies in scratch and takes
// them into this program.
func joining(scratch string, oldSum []byte, peers bool) (tree, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return nil, err
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		return nil, err
	}
	for _, module := range oldModules {
		mod = fmt.Appendf(mod, "\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, filepath.Join(scratch, path.Base(module)))
	}
	replace := map[string]string{filepath.Join(here, "joined.go"): filepath.Join(scratch, "joined.go")}
	if !peers {
		replace[filepath.Join(here, "peers.go")] = filepath.Join(scratch, "peers.go")
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	return tree{
		"go.mod": mod, "go.sum": append(sum, oldSum...), "overlay.json": overlay,
		"peers.go": []byte(noPeers), "joined.go": joined(oldModules),
	}, err
}
