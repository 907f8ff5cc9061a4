package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// switches is the file that each rewritten package gets in addition.
//
//go:embed switches.go.txt
var switches string

const (
	switchesName = "mutants_switches.go"
	// mutantEnv is the number of the mutant that is active.
	mutantEnv = "COGNITOAUTH_MUTANT"
	// reachedEnv is a file that gets the number of every mutant that would have
	// made a difference, once each.
	reachedEnv = "COGNITOAUTH_MUTANT_REACHED"
)

// overlay writes the packages as rewritten into dir, and the file that -overlay
// wants, whose path it returns.
func overlay(s *source, all []*mutant, dir string) (string, error) {
	replace := map[string]string{}
	write := func(path string, text []byte) error {
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		return os.WriteFile(replace[path], text, 0o600)
	}
	for _, file := range s.files {
		w := rewriter{source: s, file: file, mutants: map[ast.Node][]*mutant{}}
		for _, m := range all {
			if m.file == file {
				w.mutants[m.node] = append(w.mutants[m.node], m)
			}
		}
		if len(w.mutants) == 0 {
			continue
		}
		text, err := w.rewrite()
		if err != nil {
			return "", fmt.Errorf("%s: %w", file.name, err)
		}
		if err := write(file.path, text); err != nil {
			return "", err
		}
		added := filepath.Join(filepath.Dir(file.path), switchesName)
		if replace[added] != "" {
			continue
		}
		text = []byte(strings.NewReplacer("PACKAGE", file.pkg.Name(), "COUNT", fmt.Sprint(len(all)+1),
			"MUTANT_ENV", mutantEnv, "REACHED_ENV", reachedEnv).Replace(switches))
		if err := write(added, text); err != nil {
			return "", err
		}
	}
	doc, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, doc, 0o600)
}

// rewriter builds the text of one file in which every mutant is a call: a
// condition X becomes (X && mutantOff(7)) or (X || mutantOn(7)). X is evaluated
// in any case, so what it does besides stays; and the call is reached only
// where its answer counts, which tells the tests that could see a difference.
type rewriter struct {
	*source

	file    *file
	mutants map[ast.Node][]*mutant
	edits   []*edit
	tags    int
}

// edit replaces the text between two offsets, which may be none. Of several at
// one offset the lowest rank comes first.
type edit struct {
	from, to, rank int
	text           func() string
}

func (w *rewriter) rewrite() ([]byte, error) {
	var failed error
	depth := 0
	ast.Inspect(w.file.ast, func(n ast.Node) bool {
		if n == nil {
			depth--
			return true
		}
		depth++
		switch n := n.(type) {
		case *ast.LabeledStmt:
			switch n.Stmt.(type) {
			case *ast.SwitchStmt, *ast.TypeSwitchStmt:
				failed = fmt.Errorf("line %d: a switch with a label cannot be rewritten", w.fset.Position(n.Pos()).Line)
			}
		case *ast.SwitchStmt:
			w.tagged(n, depth)
		case *ast.TypeSwitchStmt:
			w.typeSwitch(n)
		case *ast.CommClause:
			w.channel(n, depth)
		case *ast.CaseClause:
			for _, m := range w.mutants[n] {
				w.insert(n.Colon+1, 0, fmt.Sprintf(" if mutantOn(%d) { break };", m.id))
			}
		case ast.Expr:
			if all := w.mutants[n]; len(all) > 0 && all[0].place == operand {
				w.wrap(n, depth, strings.Repeat("(", len(all)), operations(all))
			}
		}
		return true
	})
	if failed != nil {
		return nil, failed
	}
	slices.SortStableFunc(w.edits, func(a, b *edit) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.rank, b.rank))
	})
	return format.Source([]byte(w.text(0, len(w.file.text), nil)))
}

// text is the file's text between two offsets with the edits made, except skip.
func (w *rewriter) text(from, to int, skip *edit) string {
	var b strings.Builder
	for _, e := range w.edits {
		if e == skip || e.from < from || e.to > to {
			continue
		}
		b.Write(w.file.text[from:e.from])
		b.WriteString(e.text())
		from = e.to
	}
	b.Write(w.file.text[from:to])
	return b.String()
}

// between is text between two positions.
func (w *rewriter) between(from, to token.Pos, skip *edit) string {
	return w.text(w.offset(from), w.offset(to), skip)
}

func (w *rewriter) insert(at token.Pos, rank int, text string) {
	w.edits = append(w.edits, &edit{w.offset(at), w.offset(at), rank, func() string { return text }})
}

// wrap puts n into parentheses and text around them. What is deeper in the tree
// comes inside.
func (w *rewriter) wrap(n ast.Node, depth int, before, after string) {
	w.insert(n.Pos(), depth, before+"(")
	w.insert(n.End(), -depth, ")"+after)
}

// operations is what comes behind a condition that can be switched off.
func operations(all []*mutant) string {
	var b strings.Builder
	for _, m := range all {
		if m.to {
			fmt.Fprintf(&b, " || mutantOn(%d))", m.id)
		} else {
			fmt.Fprintf(&b, " && mutantOff(%d))", m.id)
		}
	}
	return b.String()
}

// tagged makes a switch with a tag one without, because the values of its cases
// are constants and nothing else can be put in their place:
//
//	switch x := f(); x.kind {      { x := f(); switch mutantTag1 := (x.kind); {
//	case 'a', 'b':             →   case (mutantTag1 == ('a')) && mutantOff(7), …
func (w *rewriter) tagged(s *ast.SwitchStmt, depth int) {
	var values []ast.Expr
	found := false
	for _, c := range s.Body.List {
		for _, e := range c.(*ast.CaseClause).List {
			values = append(values, e)
			found = found || len(w.mutants[e]) > 0
		}
	}
	if s.Tag == nil || !found {
		return
	}
	w.tags++
	name := fmt.Sprintf("mutantTag%d", w.tags)
	if s.Init == nil {
		w.wrap(s.Tag, depth, name+" := ", ";")
	} else {
		from := w.offset(s.Switch)
		w.edits = append(w.edits, &edit{from, from + len("switch"), 0, func() string { return "{" }})
		w.wrap(s.Tag, depth, "switch "+name+" := ", ";")
		w.insert(s.End(), -depth, "}")
	}
	for _, e := range values {
		all := w.mutants[e]
		w.wrap(e, depth, strings.Repeat("(", len(all))+"("+name+" == ", ")"+operations(all))
	}
}

// channel makes the channel of a select's case one that is never ready.
func (w *rewriter) channel(c *ast.CommClause, depth int) {
	for _, m := range w.mutants[c] {
		w.insert(c.Colon+1, 0, fmt.Sprintf(" mutantReached(%d);", m.id))
		w.wrap(received(c.Comm), depth, fmt.Sprintf("mutantChannel(%d, ", m.id), ")")
	}
}

// typeSwitch repeats the switch for each of its mutants with another type in
// the place of the one that is switched off, since there is no condition that
// something could be added to.
func (w *rewriter) typeSwitch(s *ast.TypeSwitchStmt) {
	all := []*mutant{}
	for _, c := range s.Body.List {
		for _, e := range c.(*ast.CaseClause).List {
			all = append(all, w.mutants[e]...)
		}
	}
	if len(all) == 0 {
		return
	}
	e := &edit{from: w.offset(s.Pos()), to: w.offset(s.End())}
	e.text = func() string {
		var b strings.Builder
		for _, m := range all {
			fmt.Fprintf(&b, "if mutantActive == %d {\n%s} else ", m.id, w.variant(s, m.node, e))
		}
		return b.String() + "{\n" + w.variant(s, nil, e) + "}"
	}
	w.edits = append(w.edits, e)
}

// variant is the text of a type switch without one of its types, or, without
// any such, with a note in each case of the mutants that it reaches.
func (w *rewriter) variant(s *ast.TypeSwitchStmt, without ast.Node, skip *edit) string {
	var b strings.Builder
	b.WriteString(w.between(s.Pos(), s.Body.Lbrace+1, skip))
	for i, stmt := range s.Body.List {
		c, end := stmt.(*ast.CaseClause), s.Body.Rbrace
		if i+1 < len(s.Body.List) {
			end = s.Body.List[i+1].Pos()
		}
		body := w.between(c.Colon+1, end, skip)
		gone := slices.IndexFunc(c.List, func(e ast.Expr) bool { return e == without })
		if gone < 0 {
			b.WriteString(w.between(c.Pos(), c.Colon+1, skip))
			for _, e := range c.List {
				for _, m := range w.mutants[e] {
					if without == nil {
						fmt.Fprintf(&b, " mutantReached(%d);", m.id)
					}
				}
			}
			b.WriteString(body)
			continue
		}
		if len(c.List) == 1 { // what is bound has the type that is gone
			body = "\npanic(\"unreachable\")\n"
			if bound, ok := s.Assign.(*ast.AssignStmt); ok {
				body = "\n_ = " + bound.Lhs[0].(*ast.Ident).Name + body
			}
		}
		b.WriteString(w.between(c.Pos(), c.List[gone].Pos(), skip) + "interface{ mutantNever() }" +
			w.between(c.List[gone].End(), c.Colon+1, skip) + body)
	}
	return b.String() + "}\n"
}
