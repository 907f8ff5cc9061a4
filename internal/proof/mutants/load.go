package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is the packages under test, parsed and type-checked, without their tests.
type source struct {
	dir    string // of the main package
	path   string // its import path
	fset   *token.FileSet
	files  []*file
	pkgs   map[string]*types.Package // by import path
	info   *types.Info
	judges []listed // the packages whose tests judge
}

// file is one source file.
type file struct {
	name string // relative to the main package
	path string
	text []byte
	ast  *ast.File
	pkg  *types.Package
}

// listed is what go list says of one package.
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	Export     string
	GoFiles    []string
	DepOnly    bool
	Deps       []string
}

// load reads the package in dir, and the mechanism packages under its internal
// folder, as the go command would build them here, in the module that dir is in.
func load(ctx context.Context, dir string) (*source, error) {
	all, err := list(ctx, dir, "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly,Deps", "./...")
	if err != nil {
		return nil, err
	}
	s := &source{fset: token.NewFileSet(), pkgs: map[string]*types.Package{}, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Defs:  map[*ast.Ident]types.Object{},
		Uses:  map[*ast.Ident]types.Object{},
	}}
	exports := map[string]string{}
	for _, l := range all {
		exports[l.ImportPath] = l.Export
		if !l.DepOnly && (s.path == "" || len(l.ImportPath) < len(s.path)) {
			s.dir, s.path = l.Dir, l.ImportPath
		}
	}
	used := map[string]bool{} // by what is not internal
	for _, l := range all {
		for _, dep := range l.Deps {
			used[dep] = used[dep] || !l.DepOnly && !strings.Contains(strings.TrimPrefix(l.ImportPath, s.path), "/internal/")
		}
	}
	imports := mixed{s.pkgs, importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	for _, l := range all { // what a package depends on stands before it
		if l.ImportPath == s.path || used[l.ImportPath] && s.mechanism(l.ImportPath) {
			if err := s.check(l, imports); err != nil {
				return nil, err
			}
		}
	}
	tests, err := list(ctx, dir, "-test", "-json=ImportPath,Name,Dir,Deps", "./...")
	s.judge(tests)
	return s, err
}

func list(ctx context.Context, dir string, args ...string) (all []listed, _ error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, args...)...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
}

// mechanism tells whether a package is one of those under internal that others are
// made of: all but proof, which has the tests, and kit, which has no conditions.
// Examples, servers for tests and what is generated for them are used by nothing
// that is not internal.
func (s *source) mechanism(path string) bool {
	below, found := strings.CutPrefix(path, s.path+"/internal/")
	room, _, _ := strings.Cut(below, "/")
	return found && room != "proof" && room != "kit"
}

// judge notes the packages whose tests judge: those under test, and those under
// internal whose tests depend on one of them. The tests of soak do, but they try the
// soak itself and take a third of the time of all others together.
func (s *source) judge(tests []listed) {
	for _, l := range tests {
		path, found := strings.CutSuffix(l.ImportPath, ".test")
		if !found || l.Name != "main" {
			continue
		}
		depends := slices.ContainsFunc(l.Deps, func(dep string) bool {
			dep, _, _ = strings.Cut(dep, " ") // one rebuilt for the test has that behind it
			return s.pkgs[dep] != nil
		})
		suite := strings.HasPrefix(path, s.path+"/internal/") && path != s.path+"/internal/proof/soak"
		if s.pkgs[path] != nil || depends && suite {
			s.judges = append(s.judges, listed{ImportPath: path, Dir: l.Dir})
		}
	}
}

// mixed imports the packages under test as they were checked from source, so that
// one speaks of the functions of another as the same objects, and all others from
// what the compiler wrote of them.
type mixed struct {
	own   map[string]*types.Package
	other types.Importer
}

func (m mixed) Import(path string) (*types.Package, error) {
	if p := m.own[path]; p != nil {
		return p, nil
	}
	return m.other.Import(path)
}

// check parses one package and checks its types.
func (s *source) check(l listed, imports types.Importer) error {
	var files []*file
	var trees []*ast.File
	for _, name := range l.GoFiles {
		f := &file{path: filepath.Join(l.Dir, name)}
		var err error
		if f.name, err = filepath.Rel(s.dir, f.path); err != nil {
			return err
		}
		if f.text, err = os.ReadFile(f.path); err != nil {
			return err
		}
		if f.ast, err = parser.ParseFile(s.fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		files, trees = append(files, f), append(trees, f.ast)
	}
	conf := types.Config{Importer: imports}
	pkg, err := conf.Check(l.ImportPath, s.fset, trees, s.info)
	for _, f := range files {
		f.pkg = pkg
	}
	s.pkgs[l.ImportPath], s.files = pkg, append(s.files, files...)
	return err
}

// own tells whether o is declared in a package under test.
func (s *source) own(o types.Object) bool {
	return o != nil && o.Pkg() != nil && s.pkgs[o.Pkg().Path()] == o.Pkg()
}

// offset is the place of pos in its file's text.
func (s *source) offset(pos token.Pos) int { return s.fset.Position(pos).Offset }

// quote is the source of a node on one line.
func (s *source) quote(f *file, n ast.Node) string {
	return string(bytes.Join(bytes.Fields(f.text[s.offset(n.Pos()):s.offset(n.End())]), []byte(" ")))
}
