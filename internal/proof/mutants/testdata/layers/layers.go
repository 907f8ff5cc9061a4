// Package layers is made of a mechanism package, and what the tests of either, or
// a suite, kill. The comments say which mutants are wanted on the line.
package layers

import (
	"errors"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers/internal/part"
)

var ErrBad = errors.New("bad")

func Check(s string) error {
	if fault := part.Look(s); fault != part.None { // want: fault != part.None → false
		return ErrBad
	}
	if !part.Small(s) { // want: part.Small(s) → true
		return ErrBad
	}
	var c part.Cell[string]
	if c.Put(s); !c.Full() { // want: c.Full() → true
		return ErrBad
	}
	return kit.Check(s)
}
