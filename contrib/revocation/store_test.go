package revocation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

func TestMemoryStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := new(revocation.MemoryStore)
		began := time.Now()
		took := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(began); got != want {
				t.Errorf("%s took %s, want %s", what, got, want)
			}
			began = time.Now()
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Append(ended, []string{"x"}); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %v", err)
		}
		page, err := m.Read(t.Context(), "", 0)
		if err != nil || len(page.Records) != 0 || page.Cursor == "" {
			t.Errorf("an empty store: %+v, %v", page, err)
		}
		took("a read that does not wait", 0)
		if page, err = m.Read(t.Context(), page.Cursor, time.Second); err != nil || len(page.Records) != 0 {
			t.Errorf("nothing came: %+v, %v", page, err)
		}
		took("a read that waits for nothing", time.Second)
		if _, err := m.Read(ended, page.Cursor, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("a read whose context ended: %v", err)
		}
		took("a read whose context ended", 0)
		if err := m.Append(t.Context(), []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		if page, err = m.Read(t.Context(), page.Cursor, time.Second); err != nil || len(page.Records) != 2 {
			t.Errorf("two records are there: %+v, %v", page, err)
		}
		took("a read of what is there", 0)
		for _, cursor := range []string{"nonsense", "3", "-1"} {
			if _, err := m.Read(t.Context(), cursor, 0); !errors.Is(err, revocation.ErrGap) {
				t.Errorf("cursor %q: %v, want a gap", cursor, err)
			}
		}
		if err := m.Trim(t.Context(), "nonsense", 0); err == nil {
			t.Error("nonsense is a cursor")
		}
		if err := m.Trim(t.Context(), "1", 0); err != nil {
			t.Fatal(err)
		}
		if page, err = m.Read(t.Context(), "", 0); err != nil || len(page.Records) != 1 || page.Records[0] != "b" {
			t.Errorf("after the trim: %+v, %v", page, err)
		}
		if _, err := m.Read(t.Context(), "0", 0); !errors.Is(err, revocation.ErrGap) {
			t.Errorf("a cursor before the trim: %v", err)
		}
	})
}
