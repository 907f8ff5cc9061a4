// Package record keeps a JSON document together with a table of where the values
// in it are that are asked for often. All of it is one string, so it takes one
// allocation, the garbage collector has nothing to follow in it, and a value is a
// part of it that costs no copy.
//
//	head                                  │ document          │ copies
//	document's length, texts, dates       │ {"sub":"...",...} │ of texts with an escape
//
// A text is two numbers, where it begins in the record and how long it is. They
// have two bytes each in a record of less than 64 KiB and four in a longer one.
package record

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

const (
	// Texts and Dates are how many a record has room for. Their indices begin at 0.
	Texts = 12
	Dates = 4
	// Drafts are how many texts more a [Builder] has room for, with the indices from
	// Texts on. They get into no record: of some texts it is known only at the end
	// which of them counts, and others matter only until then.
	Drafts = 3
)

// Record is a document with its table. It is never changed. "" is a record
// without a document and without values.
type Record string

// The parts of the head, in bytes: the number of the document's length, those of the texts
// and the dates, which have eight bytes each. narrow and wide are the sizes of a
// number in a short record and in a long one.
const (
	narrow, wide = 2, 4
	numbers      = 1 + 2*Texts
	dateBytes    = 8
	narrowHead   = narrow*numbers + dateBytes*Dates
	wideHead     = wide*numbers + dateBytes*Dates
)

// number returns the i-th number of the head. The size of the record tells the
// size of its numbers.
func (r Record) number(i int) int {
	if len(r) > math.MaxUint16 {
		i *= wide
		return int(uint32(r[i]) | uint32(r[i+1])<<8 | uint32(r[i+2])<<16 | uint32(r[i+3])<<24)
	}
	i *= narrow
	return int(uint16(r[i]) | uint16(r[i+1])<<8)
}

// head is the size of the head.
func (r Record) head() int {
	if len(r) > math.MaxUint16 {
		return wideHead
	}
	return narrowHead
}

// Document returns the document.
func (r Record) Document() string {
	if r == "" {
		return ""
	}
	return string(r[r.head():][:r.number(0)])
}

// Text returns the i-th text, "" if there is none.
func (r Record) Text(i int) string {
	if r == "" {
		return ""
	}
	return string(r[r.number(1+2*i):][:r.number(2+2*i)])
}

// Has reports whether the i-th text is there; it may be "".
func (r Record) Has(i int) bool { return r != "" && r.number(1+2*i) > 0 }

// Date returns the i-th date in UTC, the zero Time if there is none.
func (r Record) Date(i int) time.Time {
	if r == "" {
		return time.Time{}
	}
	at := r.head() - dateBytes*(Dates-i)
	low := uint32(r[at]) | uint32(r[at+1])<<8 | uint32(r[at+2])<<16 | uint32(r[at+3])<<24
	high := uint32(r[at+4]) | uint32(r[at+5])<<8 | uint32(r[at+6])<<16 | uint32(r[at+7])<<24
	return date(int64(uint64(low) | uint64(high)<<32))
}

// date is a date in seconds after the zero Time, so that 0 stands for none.
func date(seconds int64) time.Time { return time.Unix(seconds+yearOne, 0).UTC() }

// yearOne is the zero Time in seconds of Unix.
var yearOne = time.Time{}.Unix()

// Builder makes a record. Begin with [Builder.Start]; the next record uses the same
// memory.
type Builder struct {
	doc    []byte
	texts  [Texts + Drafts]span
	dates  [Dates]int64
	copies []byte
}

// span is a text in the document or in the copies behind it. A text is not set if it
// begins at 0, where the document has its brace; one that is set may be empty.
type span struct{ at, size uint32 }

// Start begins a record of doc, which must stay as it is until [Builder.Record].
func (b *Builder) Start(doc []byte) {
	b.Reset()
	b.doc = doc
	clear(b.texts[:])
	clear(b.dates[:])
}

// Reset takes the document out of b, and overwrites what b has copied of it. Where
// the values were stays in b until the next record begins.
func (b *Builder) Reset() {
	clear(b.copies)
	b.doc, b.copies = nil, b.copies[:0]
}

// SetText makes doc[begin:end] the i-th text.
func (b *Builder) SetText(i, begin, end int) { b.texts[i] = span{uint32(begin), uint32(end - begin)} }

// CopyText makes s the i-th text: one that does not stand in the document like
// that, because it has an escape there.
func (b *Builder) CopyText(i int, s string) {
	b.texts[i] = span{uint32(len(b.doc) + len(b.copies)), uint32(len(s))}
	b.copies = append(b.copies, s...)
}

// Draw makes the j-th text, or that there is none, the i-th text too.
func (b *Builder) Draw(i, j int) { b.texts[i] = b.texts[j] }

// DropText takes the i-th text out.
func (b *Builder) DropText(i int) { b.texts[i] = span{} }

// Text returns the i-th text, which is valid until the next call of a method.
func (b *Builder) Text(i int) []byte {
	t := b.texts[i]
	if from := int(t.at) - len(b.doc); from >= 0 {
		return b.copies[from:][:t.size]
	}
	return b.doc[t.at:][:t.size]
}

// Date returns the i-th date, the zero Time if there is none.
func (b *Builder) Date(i int) time.Time { return date(b.dates[i]) }

// Has reports whether the i-th text is there.
func (b *Builder) Has(i int) bool { return b.texts[i].at > 0 }

// SetDate makes t, which has whole seconds, the i-th date.
func (b *Builder) SetDate(i int, t time.Time) { b.dates[i] = t.Unix() - yearOne }

// Record returns the record.
func (b *Builder) Record() Record {
	var room [wideHead]byte
	head, size := room[:narrowHead], narrow
	if narrowHead+len(b.doc)+len(b.copies) > math.MaxUint16 {
		head, size = room[:], wide
	}
	putNumber(head, size, 0, uint32(len(b.doc)))
	for i, t := range b.texts[:Texts] {
		if t.at > 0 {
			putNumber(head, size, 1+2*i, t.at+uint32(len(head)))
			putNumber(head, size, 2+2*i, t.size)
		}
	}
	for i, d := range b.dates {
		binary.LittleEndian.PutUint64(head[len(head)-dateBytes*(Dates-i):], uint64(d))
	}
	var r strings.Builder // which needs no second copy to become a string
	r.Grow(len(head) + len(b.doc) + len(b.copies))
	r.Write(head)
	r.Write(b.doc)
	r.Write(b.copies)
	return Record(r.String())
}

func putNumber(head []byte, size, i int, n uint32) {
	if size == wide {
		binary.LittleEndian.PutUint32(head[wide*i:], n)
		return
	}
	binary.LittleEndian.PutUint16(head[narrow*i:], uint16(n))
}
