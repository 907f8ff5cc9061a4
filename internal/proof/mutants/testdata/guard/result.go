package guard

// Result is an answer with an error in it.
type Result struct {
	N   int
	Err error
}

func Run(n int) Result {
	fail := func(err error) Result { return Result{Err: err} }
	if n == 7 { // want: n == 7 → false
		return fail(ErrBad)
	}
	// mutant: equivalent, nothing is done with a small number
	if n < -100 { // want: n < -100 → false
		return fail(nil)
	}
	if n == 8 || n == 11 { // mutant: equivalent `n == 11`, a test shows that it is not // want: n == 8 → false; n == 11 → false
		return Result{Err: ErrBad}
	}
	return Result{N: n}
}

// Handle hands an error on.
func Handle(n int, failed func(error)) {
	if n == 1 { // want: n == 1 → false
		failed(ErrBad)
	}
	if n == 2 {
		failed(nil)
	}
	for i := 0; ; i++ {
		if i > 3 && n < 0 { // want: i > 3 && n < 0 → false; i > 3 → true; n < 0 → true
			failed(ErrBad)
			return
		}
		if i == n { // want: i == n → true
			break
		}
	}
}
