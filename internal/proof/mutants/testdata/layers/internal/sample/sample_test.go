package sample_test

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/layers/internal/sample"
)

func TestSample(t *testing.T) {
	if sample.Run("bad") == nil {
		t.Error("bad is good")
	}
}
