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
)

// source is the package under test, parsed and type-checked, without its tests.
type source struct {
	dir   string
	fset  *token.FileSet
	files []*file
	pkg   *types.Package
	info  *types.Info
}

// file is one source file.
type file struct {
	name string // its base name
	path string
	text []byte
	ast  *ast.File
}

// listed is what go list says of one package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	DepOnly    bool
}

// load reads the package in dir as the go command would build it here.
func load(ctx context.Context, dir string) (*source, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly", ".")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var target listed
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[l.ImportPath] = l.Export
		if !l.DepOnly {
			target = l
		}
	}
	return check(target, exports)
}

func check(target listed, exports map[string]string) (*source, error) {
	s := &source{dir: target.Dir, fset: token.NewFileSet(), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Defs:  map[*ast.Ident]types.Object{},
		Uses:  map[*ast.Ident]types.Object{},
	}}
	var trees []*ast.File
	for _, name := range target.GoFiles {
		f := &file{name: name, path: filepath.Join(target.Dir, name)}
		var err error
		if f.text, err = os.ReadFile(f.path); err != nil {
			return nil, err
		}
		if f.ast, err = parser.ParseFile(s.fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
		trees = append(trees, f.ast)
	}
	conf := types.Config{Importer: importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	var err error
	s.pkg, err = conf.Check(target.ImportPath, s.fset, trees, s.info)
	return s, err
}

// offset is the place of pos in its file's text.
func (s *source) offset(pos token.Pos) int { return s.fset.Position(pos).Offset }

// quote is the source of a node on one line.
func (s *source) quote(f *file, n ast.Node) string {
	return string(bytes.Join(bytes.Fields(f.text[s.offset(n.Pos()):s.offset(n.End())]), []byte(" ")))
}
