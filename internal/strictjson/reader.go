package strictjson

import (
	"bytes"
	"hash/maphash"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// walk is Members by the decoder of package jsontext.
func walk(doc []byte, strict bool, visit Visit) bool {
	r := read(doc, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(!strict))
	defer r.done()
	r.strict = strict
	// Room for all names at once: growing step by step takes a multiple. A member
	// has at least five bytes.
	r.names = slices.Grow(r.names, min(bytes.Count(doc, []byte(":")), len(doc)/5))
	if open, _ := r.dec.ReadToken(); open.Kind() != '{' {
		return false
	}
	r.begin()
	for r.dec.PeekKind() == '"' {
		name, err := r.name()
		// mutant: equivalent `err != nil → false`, a decoder that has failed fails again
		if err != nil {
			return false
		}
		value, err := r.value()
		// mutant: equivalent `err != nil`, a decoder that has failed fails again
		if err != nil || !visit(unquote(name), value, int(r.dec.InputOffset())) {
			return false
		}
	}
	_, _ = r.dec.ReadToken() // the brace; anything else fails again, and not by io.EOF
	_, err := r.dec.ReadToken()
	return err == io.EOF && r.unique()
}

// reader is a JSON decoder together with the memory that it works in, so that
// the next document uses all of it again.
type reader struct {
	dec jsontext.Decoder
	doc []byte
	buf bytes.Buffer

	// The decoder could look for duplicate names itself, but that takes 13 times
	// the memory of the document. We keep a hash of each name and its object.
	strict  bool // look for duplicate names
	names   []uint64
	text    []byte               // room for a name with escapes
	objects [MaxDepth + 1]uint64 // by depth: the number of the object that we are in
	count   uint64               // how many objects there were
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// read returns a reader of doc. The caller gives it back by done.
func read(doc []byte, opts ...jsontext.Options) *reader {
	r := readers.Get().(*reader)
	r.doc, r.buf = doc, *bytes.NewBuffer(doc)
	r.dec.Reset(&r.buf, opts...)
	return r
}

// done gives r back, unless that would keep the memory of a large document.
func (r *reader) done() {
	// mutant: equivalent `len(r.doc) <= maxKept → false`, the next one is made anew
	if len(r.doc) <= maxKept {
		r.doc, r.buf, r.names, r.count = nil, bytes.Buffer{}, r.names[:0], 0
		readers.Put(r)
	}
}

var nameSeed = maphash.MakeSeed()

// name reads a name of the object that r is in, and keeps its hash if r is strict.
func (r *reader) name() (Value, error) {
	name, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := r.dec.InputOffset()
	name = r.doc[end-int64(len(name)) : end] // what the decoder returns is good until it goes on
	if !r.strict {
		return name, nil
	}
	text := name[1 : len(name)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		r.text, _ = jsontext.AppendUnquote(r.text[:0], name)
		text = r.text
	}
	// The seed is random and stays in this process, so an attacker cannot find
	// two names with one hash.
	const odd = 0x9e3779b97f4a7c15
	r.names = append(r.names, maphash.Bytes(nameSeed, text)^r.objects[r.dec.StackDepth()]*odd)
	return name, nil
}

// value reads a value, with all names inside it.
func (r *reader) value() (Value, error) {
	depth, begin := r.dec.StackDepth(), r.dec.InputOffset()
	for {
		if kind, n := r.dec.StackIndex(r.dec.StackDepth()); kind == '{' && n%2 == 0 && r.dec.PeekKind() == '"' {
			if _, err := r.name(); err != nil {
				return nil, err
			}
			continue
		}
		token, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		if token.Kind() == '{' {
			r.begin()
		}
		if r.dec.StackDepth() == depth {
			return bytes.TrimLeft(r.doc[begin:r.dec.InputOffset()], " \t\r\n:"), nil
		}
	}
}

// begin gives a number to the object that has just begun.
func (r *reader) begin() {
	r.count++
	r.objects[r.dec.StackDepth()] = r.count
}

// unique reports whether no object that r has read had a name twice.
func (r *reader) unique() bool {
	slices.Sort(r.names)
	for i := 1; i < len(r.names); i++ {
		if r.names[i] == r.names[i-1] {
			return false
		}
	}
	return true
}

// maxKept is the size in bytes up to which memory is kept for the next document.
const maxKept = 16 << 10
