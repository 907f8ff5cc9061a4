package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// function is a declared function or a literal.
type function struct {
	node ast.Node
	body *ast.BlockStmt
	sig  *types.Signature

	// refusing has the answers of a function that judges which its callers
	// refuse upon. Where nobody can tell it is empty or has both.
	refusing map[bool]bool
	// reasons are the same of a function that answers by a constant.
	reasons map[reason]bool
	// every says that every condition counts, whatever is done upon it.
	every bool
}

// around is the innermost function that n is in.
func (f *finder) around(n ast.Node) function {
	for ; n != nil; n = f.parents[n] {
		switch fn := n.(type) {
		case *ast.FuncDecl:
			name := f.info.Defs[fn.Name]
			return function{fn, fn.Body, name.Type().(*types.Signature), f.answers[name], f.reasons[name], f.every}.conventional()
		case *ast.FuncLit:
			return function{fn, fn.Body, f.info.Types[fn].Type.(*types.Signature), nil, nil, f.every}.conventional()
		}
	}
	return function{sig: types.NewSignatureType(nil, nil, nil, nil, nil, false)}
}

// conventional: of several results of which the last is a bool, false says that
// there is nothing in the others.
func (fn function) conventional() function {
	if fn.judges() && fn.sig.Results().Len() > 1 {
		fn.refusing = map[bool]bool{false: true}
	}
	return fn
}

// fails tells whether the function's last result is an error.
func (fn function) fails() bool { return isError(fn.last()) }

// judges tells whether the function's last result is a bool.
func (fn function) judges() bool { return isBool(fn.last()) }

// ambiguous tells whether nobody knows what in the function refuses: which of its
// answers, if it judges.
func (fn function) ambiguous() bool { return fn.every || fn.judges() && len(fn.refusing) != 1 }

func isBool(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Bool
}

func (fn function) last() types.Type {
	if n := fn.sig.Results().Len(); n > 0 {
		return fn.sig.Results().At(n - 1).Type()
	}
	return types.Typ[types.Invalid]
}

// ends tells whether s is the function's last statement, from which it has to
// return a result.
func (fn function) ends(s ast.Node) bool {
	return fn.sig.Results().Len() > 0 && fn.body.List[len(fn.body.List)-1] == s
}

// exits tells whether a block leaves for good.
func exits(block []ast.Stmt) bool {
	if len(block) == 0 {
		return false
	}
	switch s := block[len(block)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok != token.FALLTHROUGH
	}
	return false
}

// refusesAfter tells whether what can run after s, in the same call, refuses.
func (f *finder) refusesAfter(s ast.Stmt, fn function) bool {
	for n := ast.Node(s); n != fn.node; n = f.parents[n] {
		var list []ast.Stmt
		switch above := f.parents[n].(type) {
		case *ast.BlockStmt:
			list = above.List
			if loop := f.parents[above]; isLoop(loop) && f.refusesAny(list[:slices.Index(list, n.(ast.Stmt))], fn) {
				return true
			}
		case *ast.CaseClause:
			list = above.Body
		case *ast.CommClause:
			list = above.Body
		default:
			continue
		}
		switch n.(type) {
		case *ast.CaseClause, *ast.CommClause:
			continue // its siblings are alternatives
		}
		if f.refusesAny(list[slices.Index(list, n.(ast.Stmt))+1:], fn) {
			return true
		}
	}
	return false
}

func isLoop(n ast.Node) bool {
	switch n.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
		return true
	}
	return false
}

func (f *finder) refusesAny(list []ast.Stmt, fn function) bool {
	return slices.ContainsFunc(list, func(s ast.Stmt) bool { return f.refuses(s, fn) })
}

// refuses tells whether an error or a refusal is in n. What a function literal
// in it does is done when that is called.
func (f *finder) refuses(n ast.Node, fn function) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = found || f.refusingReturn(n, fn)
		case *ast.AssignStmt:
			found = found || f.refusingAssignment(n)
		case *ast.IncDecStmt:
			found = found || f.read[f.object(n.X)]
		case *ast.ExprStmt:
			call, ok := n.X.(*ast.CallExpr)
			found = found || ok && f.refusingCall(call)
		}
		return !found
	})
	return found
}

// refusingReturn tells whether s returns an error, a bool that refuses or may,
// or nil or a negative index instead of what was looked for.
func (f *finder) refusingReturn(s *ast.ReturnStmt, fn function) bool {
	switch {
	case len(s.Results) == 0:
		return false
	case fn.judges():
		answer := f.info.Types[s.Results[len(s.Results)-1]].Value
		return fn.ambiguous() || answer == nil || fn.refusing[constant.BoolVal(answer)]
	case fn.fails() && len(s.Results) < fn.sig.Results().Len():
		return true // what another function returns
	case fn.fails() || f.makesError(s.Results[len(s.Results)-1]):
		return f.makesError(s.Results[len(s.Results)-1])
	}
	if fn.reasons != nil {
		return fn.refuses(f.info.Types[s.Results[len(s.Results)-1]].Value)
	}
	switch fn.sig.Results().At(0).Type().Underlying().(type) {
	case *types.Pointer, *types.Interface:
		return f.isNil(s.Results[0])
	}
	index := f.info.Types[s.Results[0]].Value
	return index != nil && index.Kind() == constant.Int && constant.Sign(index) < 0
}

// refuses tells whether the callers refuse upon a result, which is nil where it
// is no constant.
func (fn function) refuses(result constant.Value) bool {
	for r := range fn.reasons {
		if result == nil && !r.equal || result != nil && r.equal == (result.ExactString() == r.constant) {
			return true
		}
	}
	return false
}

// refusingAssignment tells whether s stores an error, or what a condition reads.
func (f *finder) refusingAssignment(s *ast.AssignStmt) bool {
	for i, to := range s.Lhs {
		if f.read[f.object(to)] {
			return true
		}
		if id, ok := to.(*ast.Ident); ok && id.Name == "_" || s.Tok == token.DEFINE && len(s.Lhs) > len(s.Rhs) {
			continue
		}
		if len(s.Lhs) > len(s.Rhs) {
			if isError(f.typeOf(to)) {
				return true
			}
		} else if f.makesError(s.Rhs[i]) || holdsErrors(f.typeOf(to)) && !f.isNil(s.Rhs[i]) {
			return true
		}
	}
	return false
}

// refusingCall tells whether a call whose results are dropped refuses: a panic,
// a reporter, or a function that is given an error to act upon.
func (f *finder) refusingCall(c *ast.CallExpr) bool {
	switch callee := f.object(c.Fun).(type) {
	case *types.Builtin:
		return callee.Name() == "panic" || callee.Name() == "delete" && f.read[f.object(c.Args[0])]
	default:
		if f.reporters[callee] {
			return true
		}
	}
	sig, ok := f.typeOf(c.Fun).Underlying().(*types.Signature)
	if !ok {
		return false // a conversion
	}
	for i, arg := range c.Args {
		if i < sig.Params().Len() && isError(sig.Params().At(i).Type()) && !f.isNil(arg) {
			return true
		}
	}
	return false
}

// makesError tells whether e is an error, or a struct or list with one in it.
func (f *finder) makesError(e ast.Expr) bool {
	e = ast.Unparen(e)
	if isError(f.typeOf(e)) {
		return !f.isNil(e)
	}
	if addressed, ok := e.(*ast.UnaryExpr); ok && addressed.Op == token.AND {
		e = addressed.X
	}
	switch e := e.(type) {
	case *ast.CallExpr:
		return f.makers[f.object(e.Fun)]
	case *ast.CompositeLit:
		return slices.ContainsFunc(e.Elts, func(member ast.Expr) bool {
			if pair, ok := member.(*ast.KeyValueExpr); ok {
				member = pair.Value
			}
			return f.makesError(member)
		})
	}
	return false
}

// learn notes whether the function that the name stands for is a reporter or a
// maker of errors.
func (f *finder) learn(name types.Object, fn function) {
	if name == nil || fn.body == nil {
		return
	}
	returns, makes := 0, 0
	ast.Inspect(fn.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			returns++
			if len(n.Results) == 1 && f.makesError(n.Results[0]) {
				makes++
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if o := f.object(to); o != nil && (o.Pos() < fn.node.Pos() || o.Pos() > fn.node.End()) && (isError(o.Type()) || holdsErrors(o.Type())) {
					f.reporters[name] = true
				}
			}
		case *ast.ExprStmt:
			if call, ok := n.X.(*ast.CallExpr); ok && f.reporters[f.object(call.Fun)] {
				f.reporters[name] = true
			}
		}
		return true
	})
	if returns > 0 && returns == makes {
		f.makers[name] = true
	}
}

// object is the variable, field, function or method that e names or, for an
// element, the container; nil if it names none.
func (f *finder) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return origin(f.info.ObjectOf(e))
	case *ast.SelectorExpr:
		return origin(f.info.ObjectOf(e.Sel))
	case *ast.IndexExpr:
		return f.object(e.X)
	case *ast.StarExpr:
		return f.object(e.X)
	}
	return nil
}

// origin is what is declared, where o is an instance of that.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

func (f *finder) typeOf(e ast.Expr) types.Type {
	if t := f.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

func (f *finder) isNil(e ast.Expr) bool { return f.info.Types[ast.Unparen(e)].IsNil() }

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func isError(t types.Type) bool {
	return t != types.Typ[types.Invalid] && t != types.Typ[types.UntypedNil] && types.Implements(t, errorType)
}

// holdsErrors tells whether t is a list or map of errors.
func holdsErrors(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Slice:
		return isError(t.Elem())
	case *types.Map:
		return isError(t.Elem())
	}
	return false
}
