package strictjson

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// quickMembers is Members for an object as Cognito writes it: without white
// space and escapes, with integers, literals, strings and lists of strings, and
// with at most maxQuick members. Reading the payload is a third of a validation
// besides the signature, and nearly all of a refusal. If done is false, the
// document is not of that kind, valid or not, and the decoder has to judge it;
// visit may have seen some members by then.
func quickMembers(doc []byte, visit Visit) (ok, done bool) {
	if !quickText(doc) {
		return false, false
	}
	var names [maxQuick]struct{ from, to uint32 } // slices would take three times as long to clear
	var seen uint64                               // a bit for each name, which few names share
	for i, n := 1, 0; n < maxQuick; i, n = i+1, n+1 {
		begin := quickString(doc, i)
		if doc[begin] != ':' { // nor is the brace at 0, where there is no string
			return false, false
		}
		name := doc[i+1 : begin-1]
		if bit := nameBit(name); seen&bit == 0 {
			seen |= bit
		} else if slices.ContainsFunc(names[:n], func(other struct{ from, to uint32 }) bool { return string(doc[other.from:other.to]) == string(name) }) {
			return false, true
		}
		names[n].from, names[n].to = uint32(i+1), uint32(begin-1)
		begin++
		// mutant: equivalent `doc[i] != ',' → true`, what is not quick is for the decoder
		if i = quickValue(doc, begin); doc[i] != ',' && i != len(doc)-1 {
			return false, false
		}
		if !visit(name, doc[begin:i], i) {
			return false, true
		}
		if i == len(doc)-1 {
			return true, true
		}
	}
	return false, false
}

const maxQuick = 32

// nameBit is one bit of a small filter: equal names have the same bit, and most
// different names have different ones.
func nameBit(name []byte) uint64 {
	if len(name) == 0 {
		return 1
	}
	return 1 << (uint(len(name)+5*int(name[0])+3*int(name[len(name)-1])) % 64)
}

// quickText reports whether doc stands in braces, is valid UTF-8, and has neither
// a backslash nor a control character. Then the text of a string is its bytes, and
// the brace at the end stops every scan.
func quickText(doc []byte) bool {
	if len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}' || bytes.IndexByte(doc, '\\') >= 0 {
		return false
	}
	doc = doc[plainBytes(doc):] // mostly nothing is left
	if !utf8.Valid(doc) {
		return false
	}
	for len(doc) >= 8 {
		// This sets the high bit of every byte below 0x20. It may set others too,
		// but none if no byte is below 0x20.
		word := binary.LittleEndian.Uint64(doc)
		if (word-0x2020202020202020)&^word&0x8080808080808080 != 0 {
			return false
		}
		doc = doc[8:]
	}
	for _, c := range doc {
		if c < 0x20 {
			return false
		}
	}
	return true
}

// plainBytes returns how many bytes at the beginning of doc are ASCII and no control
// characters, less up to seven that are too.
func plainBytes(doc []byte) (n int) {
	for len(doc)-n >= 8 {
		// In such bytes the high bit is neither set nor borrowed by the subtraction.
		word := binary.LittleEndian.Uint64(doc[n:])
		if (word-0x2020202020202020|word)&0x8080808080808080 != 0 {
			break
		}
		n += 8
	}
	return n
}

// quickString returns the offset behind the string that begins at i, and 0 if
// there is none.
func quickString(doc []byte, i int) int {
	if doc[i] != '"' {
		return 0
	}
	n := bytes.IndexByte(doc[i+1:], '"')
	if n < 0 {
		return 0
	}
	return i + 1 + n + 1
}

// quickValue returns the offset behind the value that begins at i, and 0 if
// quickMembers does not read such a value. The caller looks at what follows.
func quickValue(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return quickString(doc, i)
	case '[':
		return quickList(doc, i)
	}
	digits := i
	if doc[i] == '-' {
		digits++
	}
	end := digits
	for doc[end] >= '0' && doc[end] <= '9' {
		end++
	}
	switch {
	case end > digits && (doc[digits] != '0' || end == digits+1):
		return end
	case bytes.HasPrefix(doc[i:], []byte("true")), bytes.HasPrefix(doc[i:], []byte("null")):
		return i + len("true")
	case bytes.HasPrefix(doc[i:], []byte("false")):
		return i + len("false")
	}
	return 0
}

// quickList returns the offset behind the list of strings that begins at i, and 0
// if there is none or it is empty.
func quickList(doc []byte, i int) int {
	for {
		if i = quickString(doc, i+1); i == 0 {
			return 0
		}
		switch doc[i] {
		case ',':
		case ']':
			return i + 1
		default:
			return 0
		}
	}
}
