package guard_test

import (
	"errors"
	"os"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/mutants/testdata/guard"
)

func TestGuard(t *testing.T) {
	for n := -1; n < 12; n++ {
		want := n != 0 && (n < 0 || n > 9 || n%2 == 0 || n == 3)
		if err := guard.Guard(n); (err != nil) != want {
			t.Errorf("Guard(%d) = %v", n, err)
		}
	}
}

// TestWait does not look at what comes back; without the error it would hang.
func TestWait(*testing.T) {
	failed := make(chan error, 1)
	failed <- guard.ErrBad
	_ = guard.Wait(nil, failed)
}

func TestType(t *testing.T) {
	for _, v := range []any{nil, 2, guard.ErrBad} {
		if guard.Type(v) == nil {
			t.Errorf("Type(%v) is good", v)
		}
	}
	if err := guard.Type("s"); err != nil {
		t.Error(err)
	}
}

func TestKind(t *testing.T) {
	for _, s := range []string{"a", "bc", "de", "e"} {
		if guard.Kind(s) == nil {
			t.Errorf("Kind(%q) is good", s)
		}
	}
	for _, s := range []string{"c", "d"} {
		if err := guard.Kind(s); err != nil {
			t.Errorf("Kind(%q) = %v", s, err)
		}
	}
}

func TestMust(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	guard.Must("bad")
}

// TestRun reaches what it does not look at.
func TestRun(t *testing.T) {
	if !errors.Is(guard.Run(7).Err, guard.ErrBad) {
		t.Error("seven is good")
	}
	guard.Run(8)
	if guard.Run(11).Err == nil {
		t.Error("eleven is good")
	}
	guard.Run(-101)
}

func TestBaseline(t *testing.T) {
	if os.Getenv("GUARD_FAILS") != "" {
		t.Error("told to fail")
	}
}
