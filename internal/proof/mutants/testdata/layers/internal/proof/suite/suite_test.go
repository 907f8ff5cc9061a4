package suite_test

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers"
)

func TestSuite(t *testing.T) {
	if layers.Check("odd") == nil {
		t.Error("odd is good")
	}
	if layers.Check("much too long") == nil {
		t.Error("a long text is good")
	}
}
