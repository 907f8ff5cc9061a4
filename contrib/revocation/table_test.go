package revocation

// The tables against a map, which is slow and plain. They are not exported, so this
// test stands inside the package.

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// plain is what the tables should hold.
type plain struct {
	until, before uint32
	stored        bool
}

type oracle map[Kind]map[key]*plain

func (o oracle) put(r record, read bool) {
	if o[r.kind] == nil {
		o[r.kind] = map[key]*plain{}
	}
	e := o[r.kind][r.key]
	if e == nil {
		e = &plain{}
		o[r.kind][r.key] = e
	}
	grown := r.until > e.until || r.before > e.before
	e.until, e.before = max(e.until, r.until), max(e.before, r.before)
	// The store has it if the last record that was read has both bounds.
	if grown {
		e.stored = false
	}
	if read && r.until == e.until && r.before == e.before {
		e.stored = true
	}
}

func (o oracle) check(t *testing.T, l *lists, now int64) {
	t.Helper()
	unseen, want := 0, map[record]bool{}
	for kind := Token; kind < kinds; kind++ {
		if l.count[kind] != len(o[kind]) {
			t.Fatalf("%d entries of kind %s, want %d", l.count[kind], kind, len(o[kind]))
		}
		set := l.kinds[kind].Load()
		if (set == nil) != (len(o[kind]) == 0) {
			t.Fatalf("%d entries of kind %s, and a table is %v", len(o[kind]), kind, set != nil)
		}
		for k, e := range o[kind] {
			if !e.stored {
				unseen++
				if int64(e.until) > now {
					want[record{kind, k, e.until, e.before}] = true
				}
			}
			live := int64(e.until) > now
			if set.holds(k, now, e.before) != live || set.holds(k, now, e.before+1) || !l.known(record{kind: kind, key: k}) {
				t.Fatalf("%s: an entry that ends at %d is not held as it should be at %d", kind, e.until, now)
			}
			if other := (key{k.hi, k.lo + 1}); set.holds(other, 0, 0) || l.known(record{kind: kind, key: other}) {
				t.Fatal("an entry that was never put is held")
			}
		}
	}
	if l.unseen != unseen {
		t.Fatalf("%d entries are unseen, want %d", l.unseen, unseen)
	}
	got := map[record]bool{}
	for from := (place{}); !from.done(); {
		var found []record
		found, from = l.missing(from, 10, now)
		for _, r := range found {
			if got[r] {
				t.Fatal("an entry is missing twice")
			}
			got[r] = true
		}
	}
	if fmt.Sprint(len(got)) != fmt.Sprint(len(want)) {
		t.Fatalf("%d entries are missing from the store, want %d", len(got), len(want))
	}
	for r := range want {
		if !got[r] {
			t.Fatalf("%+v is not among the missing", r)
		}
	}
}

func TestLists_againstAMap(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		l, o, now := new(lists), oracle{}, int64(1000)
		for step := range 1500 {
			switch random.IntN(200) {
			case 0:
				l.forget()
				for _, entries := range o {
					for _, e := range entries {
						e.stored = false
					}
				}
			case 1:
				now += random.Int64N(200)
				l.purge(now)
				for _, entries := range o {
					for k, e := range entries {
						if int64(e.until) <= now {
							delete(entries, k)
						}
					}
				}
			default:
				// Few keys, so that entries are extended, in few shards, so that these grow.
				r := record{
					kind: Token + Kind(random.IntN(5)),
					key:  key{random.Uint64N(3) << 62, random.Uint64N(200) << 56},
					// Not all ended, not all alive.
					until: uint32(now + random.Int64N(300)), before: uint32(random.IntN(4)),
				}
				read := random.IntN(2) == 0
				l.put(r, read)
				o.put(r, read)
			}
			if step%50 == 0 {
				o.check(t, l, now)
			}
		}
		o.check(t, l, now)
		now += 1000
		l.purge(now)
		clear(o)
		o.check(t, l, now) // nothing is left
	}
}

// Readers see each entry from when put has returned, while tables are built anew.
func TestLists_readersNeedNoLock(t *testing.T) {
	l := new(lists)
	const n = 20_000
	var put [n]chan struct{}
	for i := range put {
		put[i] = make(chan struct{})
	}
	k := func(i int) key { return key{uint64(i) * 0x9e3779b97f4a7c15, uint64(i) * 0xbf58476d1ce4e5b9} }
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := range n {
				<-put[i]
				if set := l.kinds[Token].Load(); set == nil || !set.holds(k(i), 1, 0) || !set.holds(k(i/2), 1, 0) {
					t.Errorf("entry %d is not held", i)
					return
				}
			}
		})
	}
	for i := range n {
		l.put(record{Token, k(i), 1000, always}, i%2 == 0)
		close(put[i])
		if i%5000 == 0 {
			l.forget()
			l.purge(1)
		}
	}
	wg.Wait()
}

// A record that carries our tag was written by our version, or by a mistake.
func TestKeys_decode(t *testing.T) {
	k := deriveKeys([]byte("0123456789abcdef"), "test")
	good := record{User, key{1, 2}, 3, 4}
	if got, err := k.decode(k.encode(good)); err != nil || got != good {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, r := range map[string]record{
		"an unknown kind":  {kinds, key{1, 2}, 3, 4},
		"an unknown bound": {User, key{1, 2}, 3, always + 1},
	} {
		if _, err := k.decode(k.encode(r)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// The pool and the ID do not run into each other, and kinds are apart.
	if k.of(Token, "a", "bc") == k.of(Token, "ab", "c") || k.of(Token, "a", "b") == k.of(SignIn, "a", "b") {
		t.Error("two entries have one hash")
	}
}
