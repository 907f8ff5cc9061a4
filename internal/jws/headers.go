package jws

import (
	"encoding/base64"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// Headers remember the headers of verified tokens by their encoded bytes. A pool
// has a header for each of its keys, and decoding one costs more than all else
// that is not cryptography. Only what a verified token carried gets in, and never
// more than Most. The zero value is empty. Safe for concurrent use.
//
// It is a hash table with open addressing whose slots are only ever filled, so
// that a reader takes no lock. A full table is replaced by one of twice the size,
// and one that has Most headers by an empty one: keys rotate, and what is still in
// use comes back with the next token. Remembering a header so costs, over all of
// them, a constant. (A sync.Map would allocate for the key of each lookup.)
type Headers struct {
	// Most is how many headers are remembered at most. Less than leastHeaders
	// stands for leastHeaders. It must be set before the first use.
	Most int

	table atomic.Pointer[headerTable]
	mu    sync.Mutex // held while a header is remembered
	count int        // headers in table; guarded by mu
}

// leastHeaders are enough for one key set of 100 keys, each spelled in two ways.
const leastHeaders = 256

// headerTable is a table of which at most half is filled.
type headerTable []atomic.Pointer[rememberedHeader]

// rememberedHeader is never changed.
type rememberedHeader struct {
	Header

	encoded string
}

// headerSeed is random and stays in this process, so nobody can choose a header
// that takes long to look up.
var headerSeed = maphash.MakeSeed()

// slot is where encoded is, or where it has to be put. t must not be empty.
func (t headerTable) slot(encoded string) *atomic.Pointer[rememberedHeader] {
	mask := uint64(len(t) - 1) // the length is a power of two
	for i := maphash.String(headerSeed, encoded); ; i++ {
		slot := &t[i&mask]
		if h := slot.Load(); h == nil || h.encoded == encoded {
			return slot
		}
	}
}

var maxEncodedHeader = base64.RawURLEncoding.EncodedLen(MaxHeaderBytes)

func (hs *Headers) find(encoded string) *Header {
	t := hs.table.Load()
	// mutant: equivalent `len(encoded) > maxEncodedHeader → false`, it is a shortcut
	if t == nil || len(encoded) > maxEncodedHeader {
		return nil
	}
	if h := t.slot(encoded).Load(); h != nil {
		return &h.Header
	}
	return nil
}

// Remember keeps the header of t, a token that was just verified. A header that
// is known already is not kept again.
func (hs *Headers) Remember(t *Token) {
	if t.Header != &t.own {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	slot := hs.room().slot(t.encoded)
	if slot.Load() == nil { // or another token has brought it meanwhile
		// A clone, so as not to hold the token.
		slot.Store(&rememberedHeader{t.own, strings.Clone(t.encoded)})
		hs.count++
	}
}

// room returns the table, with room for one header more.
func (hs *Headers) room() headerTable {
	const fewest = 16
	old := hs.table.Load()
	var next headerTable
	switch {
	case old == nil || hs.count >= max(hs.Most, leastHeaders):
		next, hs.count = make(headerTable, fewest), 0
	case 2*hs.count < len(*old):
		return *old
	default:
		next = make(headerTable, 2*len(*old))
		for i := range *old {
			if h := (*old)[i].Load(); h != nil {
				next.slot(h.encoded).Store(h)
			}
		}
	}
	hs.table.Store(&next)
	return next
}
