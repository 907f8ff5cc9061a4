package layers_test

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers"
)

func TestCheck(t *testing.T) {
	if err := layers.Check("good"); err != nil {
		t.Error(err)
	}
	if layers.Check("") == nil {
		t.Error("an empty text is good")
	}
	_ = layers.Check("bad") // nothing is asserted
}
