// Package sample is a program that uses package layers. Its conditions are its own.
package sample

import (
	"errors"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers"
)

func Run(s string) error {
	if s == "sample" {
		return errors.New("sample")
	}
	return layers.Check(s)
}
