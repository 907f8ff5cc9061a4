// Package exceptions has exceptions, good and bad ones.
package exceptions

import "errors"

var errBad = errors.New("bad")

func Check(n int) error {
	if n == 1 { // mutant: equivalent, one is never given
		return errBad
	}
	// mutant: equivalent, two is never given,
	// for reasons that need a second line
	if n == 2 {
		return errBad
	}
	if n == 3 { // mutant: equivalent
		return errBad
	}
	if n == 4 { // mutant: equivalent,
		return errBad
	}
	if n == 5 || n == 6 { // mutant: equivalent, which of them?
		return errBad
	}
	if n == 7 || n == 8 { // mutant: equivalent `n == 9`, not on this line
		return errBad
	}
	n++                     // mutant: equivalent, there is no condition
	if n == 10 || n == 11 { // mutant: equivalent `n == 11`, eleven is never given
		return errBad
	}
	return nil
}
