package main

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// mutant is one condition that can be switched off.
type mutant struct {
	id     int
	file   *file
	node   ast.Node // the condition
	place  place
	to     bool // what the condition is switched to
	line   int
	column int
	source string
}

// place is what a condition is part of, which decides how it is rewritten.
type place int

const (
	operand       place = iota // an expression of type bool
	value                      // of a case of a switch with a tag
	dynamicType                // of a case of a type switch
	communication              // a case of a select that reads
	otherwise                  // a default clause
)

// finder looks for conditions until it finds no more: what one condition reads
// makes the conditions under which that is assigned conditions as well.
type finder struct {
	*source

	parents map[ast.Node]ast.Node
	current *file
	every   bool

	read      map[types.Object]bool // variables and fields that a condition reads
	reporters map[types.Object]bool // functions, and variables of them, that record an error
	makers    map[types.Object]bool // functions that return nothing but errors
	asserts   map[types.Object]bool // parameters that must have this value

	// answers are the answers of a function that its callers refuse upon.
	answers map[types.Object]map[bool]bool
	// reasons are, of a function that answers by a constant, what its callers
	// refuse upon.
	reasons map[types.Object]map[reason]bool
	// results are the functions whose last result a variable gets.
	results map[types.Object]map[types.Object]bool

	found map[site]*mutant
}

// reason is a result that is refused: what equals a constant, or anything else.
type reason struct {
	constant string
	equal    bool
}

// site identifies a mutant.
type site struct {
	node ast.Node
	to   bool
}

// find returns the mutants of the packages, by file and in the order of its text,
// numbered from 1; with every, those of every condition.
func find(s *source, every bool) []*mutant {
	f := &finder{
		source:    s,
		every:     every,
		parents:   map[ast.Node]ast.Node{},
		reporters: map[types.Object]bool{},
		makers:    map[types.Object]bool{},
		asserts:   map[types.Object]bool{},
		answers:   map[types.Object]map[bool]bool{},
		reasons:   map[types.Object]map[reason]bool{},
		results:   map[types.Object]map[types.Object]bool{},
	}
	for _, file := range s.files {
		f.link(file.ast)
	}
	for before := -1; before != f.learned(); {
		before = f.learned()
		f.search()
	}
	var all []*mutant
	for _, m := range f.found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *mutant) int {
		return cmp.Or(cmp.Compare(a.file.name, b.file.name), cmp.Compare(a.node.Pos(), b.node.Pos()),
			cmp.Compare(b.node.End(), a.node.End()), compareBool(a.to, b.to))
	})
	for i, m := range all {
		m.id = i + 1
	}
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// search finds all conditions, given what is known of functions.
func (f *finder) search() {
	f.found, f.read = map[site]*mutant{}, map[types.Object]bool{}
	for before := -1; before != len(f.found)+len(f.read)+f.learned(); {
		before = len(f.found) + len(f.read) + f.learned()
		f.pass()
	}
	f.found = map[site]*mutant{} // what looked like one before all was known
	f.pass()
}

func (f *finder) pass() {
	for _, f.current = range f.files {
		ast.Inspect(f.current.ast, f.visit)
	}
}

// learned grows with what is known of functions.
func (f *finder) learned() int {
	n := len(f.reporters) + len(f.makers) + len(f.asserts)
	for _, known := range f.answers {
		n += len(known)
	}
	for _, known := range f.reasons {
		n += len(known)
	}
	for _, known := range f.results {
		n += len(known)
	}
	return n
}

// link notes the parent of every node.
func (f *finder) link(root ast.Node) {
	var above []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		if len(above) > 0 {
			f.parents[n] = above[len(above)-1]
		}
		above = append(above, n)
		return true
	})
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		f.learn(f.info.Defs[n.Name], f.around(n.Body))
	case *ast.AssignStmt:
		f.assignment(n)
	case *ast.CallExpr:
		f.call(n)
	case *ast.IfStmt:
		f.branch(n)
	case *ast.CaseClause:
		f.clause(n)
	case *ast.CommClause:
		if received(n.Comm) != nil && f.refusesAny(n.Body, f.around(n)) {
			f.add(n, communication, false)
		}
	case *ast.ReturnStmt:
		f.result(n, f.around(n))
	}
	return true
}

// result finds the conditions in what a function returns, and learns that what
// it hands on is refused as what it returns itself.
func (f *finder) result(s *ast.ReturnStmt, fn function) {
	if len(s.Results) == 0 {
		return
	}
	last := s.Results[len(s.Results)-1]
	if fn.judges() && len(s.Results) == fn.sig.Results().Len() {
		f.verdict(last, fn)
	}
	for _, called := range f.called(last) {
		for r := range fn.reasons {
			remember(f.reasons, called, r)
		}
	}
}

// branch finds the conditions of an if statement.
func (f *finder) branch(s *ast.IfStmt) {
	fn := f.around(s)
	if fn.ambiguous() {
		f.either(s.Cond)
		return
	}
	off := f.refuses(s.Body, fn)
	if off {
		f.force(s.Cond, false)
	}
	if s.Else != nil && f.refuses(s.Else, fn) || !off && exits(s.Body.List) && f.refusesAfter(s, fn) {
		f.force(s.Cond, true)
	}
}

// clause finds the conditions of a case.
func (f *finder) clause(c *ast.CaseClause) {
	fn := f.around(c)
	body := f.parents[c].(*ast.BlockStmt)
	tagged, byType := false, false
	switch s := f.parents[body].(type) {
	case *ast.SwitchStmt:
		tagged = s.Tag != nil
	case *ast.TypeSwitchStmt:
		byType = true
	}
	off := fn.ambiguous() || f.refusesAny(c.Body, fn)
	on := !off && !byType && f.passes(c, body, fn)
	if c.List == nil && f.refusesAny(c.Body, fn) && !fn.ends(f.parents[body]) {
		f.add(c, otherwise, false)
	}
	for _, e := range c.List {
		switch {
		case byType && off:
			f.add(e, dynamicType, false)
		case tagged && off:
			f.add(e, value, false)
		case tagged && on:
			f.add(e, value, true)
		case !tagged && !byType && fn.ambiguous():
			f.either(e)
		case !tagged && off:
			f.force(e, false)
		case !tagged && on:
			f.force(e, true)
		}
	}
}

// passes tells whether a clause that refuses nothing keeps its switch, or the
// rest of the function, from refusing.
func (f *finder) passes(c *ast.CaseClause, body *ast.BlockStmt, fn function) bool {
	for _, other := range body.List[slices.Index(body.List, ast.Stmt(c))+1:] {
		if f.refusesAny(other.(*ast.CaseClause).Body, fn) {
			return true
		}
	}
	return exits(c.Body) && f.refusesAfter(f.parents[body].(ast.Stmt), fn)
}

// assignment finds the operands of && and || in what a condition will read, and
// learns the names of function literals, and which function a result is of.
func (f *finder) assignment(s *ast.AssignStmt) {
	if len(s.Rhs) == 1 {
		if to := f.object(s.Lhs[len(s.Lhs)-1]); to != nil {
			for _, called := range f.called(s.Rhs[0]) {
				remember(f.results, to, called)
			}
		}
	}
	if len(s.Lhs) != len(s.Rhs) {
		return
	}
	for i, e := range s.Rhs {
		to := f.object(s.Lhs[i])
		if lit, ok := e.(*ast.FuncLit); ok {
			f.learn(to, f.around(lit.Body))
		}
		if f.read[to] {
			f.operands(e)
			f.reads(e)
		}
	}
}

// call finds the conditions that a function is given to insist on, and learns
// which parameters are reporters.
func (f *finder) call(c *ast.CallExpr) {
	callee, ok := f.object(c.Fun).(*types.Func)
	if !ok || !f.own(callee) {
		return
	}
	params := callee.Signature().Params()
	for i, arg := range c.Args {
		if i >= params.Len() {
			break
		}
		if to, ok := f.asserts[params.At(i)]; ok {
			f.force(arg, to)
		}
		if f.reporters[f.object(arg)] {
			f.reporters[params.At(i)] = true
		}
	}
}

// force finds the conditions in e that stand between it and the value to. Where
// several can each cause the opposite, each is one. Where only all together
// can, the whole is one, and each is one that can be left out.
func (f *finder) force(e ast.Expr, to bool) {
	f.split(e, to, func(leaf ast.Expr, negated bool) { f.note(leaf, to == negated) }, false)
}

// note notes which result of a function under test is refused, if e is its answer,
// or a comparison of that with a constant, and refused where it is on.
func (f *finder) note(e ast.Expr, on bool) {
	if cmp, ok := e.(*ast.BinaryExpr); ok {
		if value := f.info.Types[cmp.Y].Value; value != nil && (cmp.Op == token.EQL || cmp.Op == token.NEQ) {
			for _, called := range f.called(cmp.X) {
				remember(f.reasons, called, reason{value.ExactString(), on == (cmp.Op == token.EQL)})
			}
		}
		return
	}
	for _, called := range f.called(e) {
		remember(f.answers, called, on)
	}
}

func remember[K comparable](all map[types.Object]map[K]bool, about types.Object, what K) {
	if all[about] == nil {
		all[about] = map[K]bool{}
	}
	all[about][what] = true
}

// called is the functions under test whose last result e is: the one that it is a
// call of, or those whose results are assigned to it.
func (f *finder) called(e ast.Expr) []types.Object {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		if o := f.object(call.Fun); f.own(o) {
			return []types.Object{o}
		}
		return nil
	}
	return slices.Collect(maps.Keys(f.results[f.object(e)]))
}

// split is force where note is told of each condition, and whether what lets
// through is the opposite of that.
func (f *finder) split(e ast.Expr, to bool, note func(leaf ast.Expr, negated bool), negated bool) {
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			f.split(x.X, !to, note, !negated)
			return
		}
	case *ast.BinaryExpr:
		if neutral := x.Op == token.LAND; neutral || x.Op == token.LOR {
			if neutral != to {
				f.add(x, operand, to)
			}
			f.split(x.X, neutral, note, negated)
			f.split(x.Y, neutral, note, negated)
			return
		}
	}
	note(ast.Unparen(e), negated)
	f.add(ast.Unparen(e), operand, to)
}

// either is force where nobody knows which value refuses.
func (f *finder) either(e ast.Expr) {
	if x := operation(e); x != nil {
		f.split(x, x.Op == token.LOR, unnoted, false)
		return
	}
	f.split(e, false, unnoted, false)
	f.split(e, true, unnoted, false)
}

func unnoted(ast.Expr, bool) {}

// operation is the && or || that e or its negation is, nil if it is none.
func operation(e ast.Expr) *ast.BinaryExpr {
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return operation(x.X)
		}
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			return x
		}
	}
	return nil
}

// verdict finds the conditions in what a function returns as a bool.
func (f *finder) verdict(e ast.Expr, fn function) {
	switch {
	case !fn.ambiguous():
		f.force(e, !fn.refusing[true])
	case operation(e) != nil:
		f.operands(e)
	default:
		f.either(e)
	}
}

// operands finds the operands of && and || in e.
func (f *finder) operands(e ast.Expr) {
	if x := operation(e); x != nil {
		f.split(x, x.Op == token.LAND, unnoted, false)
	}
}

// add notes a mutant, what it reads, and whether it makes a parameter one that
// is insisted on.
func (f *finder) add(n ast.Node, where place, to bool) {
	e, isExpr := n.(ast.Expr)
	if where == operand && f.info.Types[e].Value != nil {
		return // true and false are no conditions
	}
	if _, ok := f.found[site{n, to}]; ok {
		return
	}
	at := f.fset.PositionFor(n.Pos(), false)
	m := &mutant{file: f.current, node: n, place: where, to: to, line: at.Line, column: at.Column, source: f.describe(n)}
	f.found[site{n, to}] = m
	if !isExpr || where == dynamicType {
		return
	}
	if where == value {
		e = f.tag(e)
	}
	if id, ok := e.(*ast.Ident); ok {
		if v, ok := f.info.Uses[id].(*types.Var); ok && v.Kind() == types.ParamVar && isBool(v.Type()) {
			f.asserts[v] = to
		}
	}
	f.reads(e)
}

// reads notes the variables and fields that e is made of.
func (f *finder) reads(e ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := f.info.Uses[id].(*types.Var); ok {
				f.read[v.Origin()] = true
			}
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
}

// received is the channel that a case of a select reads from, nil if it does
// not.
func received(comm ast.Stmt) ast.Expr {
	var e ast.Expr
	switch comm := comm.(type) {
	case *ast.ExprStmt:
		e = comm.X
	case *ast.AssignStmt:
		e = comm.Rhs[0]
	}
	if read, ok := ast.Unparen(e).(*ast.UnaryExpr); ok {
		return read.X
	}
	return nil
}

// tag is the tag of the switch that has e as a value of a case.
func (f *finder) tag(e ast.Expr) ast.Expr {
	return f.parents[f.parents[f.parents[e]]].(*ast.SwitchStmt).Tag
}

// describe is the source of a condition.
func (f *finder) describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CommClause:
		return "case " + f.quote(f.current, n.Comm)
	case *ast.CaseClause:
		return "default"
	}
	return f.quote(f.current, n)
}
