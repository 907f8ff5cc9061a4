package revocation

// This file holds the tables that a request looks into. Any number of goroutines
// read them without a lock while one writes.
//
// A table is open addressing with linear probing in a slice of slots. A slot's
// stamp is zero until its key is written, and the key never changes after that. So
// a reader that has loaded a stamp may read the key. A slot is not freed: what has
// ended is left out when the table is built anew, and readers of the old one finish
// there. Each kind has 64 tables, so that building one anew takes little memory and
// little time.

import (
	"math/bits"
	"sync/atomic"
)

const (
	shardBits = 6
	shardSize = 1 << shardBits
	leastSize = 8 // slots of a table
)

// stamp packs when an entry ends, whether the store is known to have it, and the
// bound of iat.
type stamp uint64

func stampOf(until, before uint32, stored bool) stamp {
	s := stamp(until)<<32 | stamp(before)
	if stored {
		s |= 1 << 31
	}
	return s
}

func (s stamp) until() uint32  { return uint32(s >> 32) }
func (s stamp) before() uint32 { return uint32(s) & always }
func (s stamp) stored() bool   { return s&(1<<31) != 0 }

type slot struct {
	stamp atomic.Uint64
	key   key
}

type table struct {
	slots []slot
	used  int // of the writer
}

// find returns the slot of a key, or the empty slot where it would be.
func (t *table) find(k key) (*slot, stamp) {
	n := uint64(len(t.slots))
	i, _ := bits.Mul64(k.lo, n)
	for {
		s := &t.slots[i]
		if st := stamp(s.stamp.Load()); st == 0 || s.key == k {
			return s, st
		}
		if i++; i == n {
			i = 0
		}
	}
}

// shards are the tables of one kind.
type shards [shardSize]atomic.Pointer[table]

// lists are the tables of all kinds. A nil pointer is a kind without entries.
// Writers hold the List's lock.
type lists struct {
	kinds [kinds]atomic.Pointer[shards]

	count  [kinds]int
	unseen int // entries that the store is not known to have
}

// holds reports whether an entry refuses a token that was issued at iat.
func (s *shards) holds(k key, now int64, iat uint32) bool {
	t := s[k.hi>>(64-shardBits)].Load()
	if t == nil {
		return false
	}
	_, st := t.find(k)
	return int64(st.until()) > now && iat <= st.before()
}

// known reports whether there is an entry with the record's key.
func (l *lists) known(r record) bool {
	set := l.kinds[r.kind].Load()
	return set != nil && set.holds(r.key, 0, 0)
}

// put adds an entry or extends the one that is there. read says that the record
// comes from the store.
func (l *lists) put(r record, read bool) {
	set := l.kinds[r.kind].Load()
	if set == nil {
		set = new(shards)
		l.kinds[r.kind].Store(set)
	}
	at := &set[r.key.hi>>(64-shardBits)]
	t := at.Load()
	if t == nil {
		t = &table{slots: make([]slot, leastSize)}
		at.Store(t)
	}
	s, old := t.find(r.key)
	if old != 0 {
		l.extend(s, old, r, read)
		return
	}
	if 4*(t.used+1) > 3*len(t.slots) {
		t = t.rebuilt(len(t.slots)+len(t.slots)/4+1, 0)
		at.Store(t)
		s, _ = t.find(r.key)
	}
	s.key = r.key
	s.stamp.Store(uint64(stampOf(r.until, r.before, read)))
	t.used++
	l.count[r.kind]++
	if !read {
		l.unseen++
	}
}

// extend merges a record into the entry of its key. The store has the entry only
// if one record in it covers both bounds.
func (l *lists) extend(s *slot, old stamp, r record, read bool) {
	until, before := max(old.until(), r.until), max(old.before(), r.before)
	covers := until == r.until && before == r.before
	unchanged := until == old.until() && before == old.before()
	has := read && covers || old.stored() && unchanged
	if unchanged && has == old.stored() {
		return
	}
	s.stamp.Store(uint64(stampOf(until, before, has)))
	switch {
	case old.stored() && !has:
		l.unseen++
	case has && !old.stored():
		l.unseen--
	}
}

// forget says that the store is not known to have any entry.
func (l *lists) forget() {
	l.unseen = 0
	for k := range l.kinds {
		l.unseen += l.count[k]
		set := l.kinds[k].Load()
		if set == nil {
			continue
		}
		for i := range set {
			if t := set[i].Load(); t != nil {
				t.forget()
			}
		}
	}
}

func (t *table) forget() {
	for i := range t.slots {
		s := &t.slots[i]
		if st := stamp(s.stamp.Load()); st.stored() {
			s.stamp.Store(uint64(stampOf(st.until(), st.before(), false)))
		}
	}
}

// rebuilt is a table of so many slots with the entries that end after now.
func (t *table) rebuilt(size int, now int64) *table {
	next := &table{slots: make([]slot, max(size, leastSize))}
	for i := range t.slots {
		old := &t.slots[i]
		st := stamp(old.stamp.Load())
		if int64(st.until()) <= now {
			continue // also an empty slot
		}
		s, _ := next.find(old.key)
		s.key = old.key
		s.stamp.Store(uint64(st))
		next.used++
	}
	return next
}

// purge drops the entries that have ended. A kind without any costs nothing again.
func (l *lists) purge(now int64) {
	for k := range l.kinds {
		set := l.kinds[k].Load()
		if set == nil {
			continue
		}
		for i := range set {
			if t := set[i].Load(); t != nil {
				set[i].Store(l.purged(Kind(k), t, now))
			}
		}
		if l.count[k] == 0 {
			l.kinds[k].Store(nil)
		}
	}
}

// purged is the table without what has ended, or the same if nothing has.
func (l *lists) purged(k Kind, t *table, now int64) *table {
	live, gone := 0, 0
	for i := range t.slots {
		switch st := stamp(t.slots[i].stamp.Load()); {
		case st == 0:
		case int64(st.until()) > now:
			live++
		default:
			gone++
			if !st.stored() {
				l.unseen--
			}
		}
	}
	l.count[k] -= gone
	if gone == 0 {
		return t
	}
	return t.rebuilt(live+live/2+1, now) // a third of it free
}

// missing returns up to n entries that the store is not known to have, from a
// place in the tables on, and the place to go on from; done after the last one.
func (l *lists) missing(from place, n int, now int64) (found []record, next place) {
	for ; from.kind < kinds; from = (place{kind: from.kind + 1}) {
		set := l.kinds[from.kind].Load()
		if set == nil {
			continue
		}
		for ; from.shard < shardSize; from.shard++ {
			if len(found) >= n {
				return found, from
			}
			if t := set[from.shard].Load(); t != nil {
				found = t.missing(found, from.kind, now)
			}
		}
	}
	return found, from
}

type place struct {
	kind  Kind
	shard int
}

func (p place) done() bool { return p.kind >= kinds }

func (t *table) missing(found []record, kind Kind, now int64) []record {
	for i := range t.slots {
		s := &t.slots[i]
		if st := stamp(s.stamp.Load()); int64(st.until()) > now && !st.stored() {
			found = append(found, record{kind, s.key, st.until(), st.before()})
		}
	}
	return found
}
