package revocation

// How instances share the work of healing, and how one goes on with its own. It changes
// only how often an entry is written, which no reader sees, so this test stands inside
// the package.

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// Whoever has not begun lets others do it, though not for ever.
func TestState_yield(t *testing.T) {
	now := time.Now()
	due := now.Add(-time.Hour)
	for name, test := range map[string]struct {
		s    state
		puts bool // it off
	}{
		"it has not begun":           {state{}, true},
		"it has begun":               {state{heal: place{shard: 1}}, false},
		"it has put it off for long": {state{yields: mostYields}, false},
	} {
		s := test.s
		s.healAt = due
		s.yield(now)
		if off := !s.healAt.Before(now); off != test.puts || !off && !s.healAt.Equal(due) {
			t.Errorf("%s: due at %v, was %v at %v", name, s.healAt, due, now)
		}
	}
}

// appended is a store that keeps what it is given.
type appended struct{ records []string }

func (a *appended) Append(_ context.Context, records []string) error {
	a.records = append(a.records, records...)
	return nil
}
func (*appended) Read(context.Context, string, time.Duration) (Page, error) { return Page{}, ErrGap }
func (*appended) Trim(context.Context, string, time.Duration) error         { return nil }

// Healing goes on where it was, so that a round writes each entry once.
func TestHealOnce_goesOn(t *testing.T) {
	var store appended
	l, err := New(Config{Namespace: "test", Secret: []byte("0123456789abcdef0123456789abcdef"), Store: &store})
	if err != nil {
		t.Fatal(err)
	}
	const entries = 3*healBatch + 1
	now := time.Now()
	for range entries {
		l.lists.put(record{kind: Token, key: key{rand.Uint64(), rand.Uint64()}, until: uint32(now.Unix()) + 3600}, false)
	}
	f := &follower{List: l}
	for range entries { // more than enough
		f.healOnce(t.Context(), now)
	}
	once := map[string]bool{}
	for _, r := range store.records {
		once[r] = true
	}
	if len(once) != entries || len(store.records) != entries {
		t.Errorf("%d entries were written as %d records, want %d", len(once), len(store.records), entries)
	}
	if !l.state.healAt.After(now) {
		t.Errorf("it looks again at %v, now is %v", l.state.healAt, now)
	}
}
