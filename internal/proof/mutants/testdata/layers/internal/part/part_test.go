package part_test

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers/internal/part"
)

func TestSmall(t *testing.T) {
	if part.Small("much too long") {
		t.Error("a long text is small")
	}
}
