// Package strictjson reads the JSON of tokens and key sets so that any two
// readers of one document see the same thing.
//
// encoding/json takes Client_ID, and even ſub, for the field that the name folds
// to. It takes the last of two members with one name, and turns invalid UTF-8
// into U+FFFD. With each of these, two readers of one token can see two
// different callers (RFC 8725, section 2.7). This package compares names byte
// for byte and refuses the rest.
//
// There are two readers behind [Members]. The quick path reads a document as
// Cognito writes it. Every other document goes to the decoder of package
// jsontext.
//
// The package also reads single values. [NumericDate] reads exp, nbf and iat and
// rounds them, and [Fits] looks for numbers that are too large. [Member], [Raw] and
// [List] look into a document that Members has accepted, which is kept as a string.
// They allocate only when the caller asks for a value as text.
package strictjson

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is one JSON value as it stands in a document.
type Value = jsontext.Value

// Visit is called for one member of an object: its unescaped name, its value as
// it stands in the document, and the offset at which the value ends.
type Visit = func(name []byte, value Value, end int) bool

// Members reads doc as one JSON object and calls visit for each of its members,
// with the unescaped name, the value as it stands in doc, and the offset at which
// the value ends. name and value are valid during the call only.
//
// Members reports whether doc is an object with unique names at every level,
// valid UTF-8, at most [MaxDepth] levels and nothing but white space around it,
// and whether visit returned true every time. Where the quick path gives up,
// visit sees the first members a second time.
func Members(doc []byte, visit Visit) bool {
	if ok, done := quickMembers(doc, visit); done {
		return ok
	}
	// The decoder would recurse.
	return !TooDeep(doc) && walk(doc, true, visit)
}

// SloppyMembers is [Members] for a document in which names may occur twice and
// UTF-8 may be invalid. The caller must have asked [TooDeep] before.
func SloppyMembers(doc []byte, visit Visit) bool {
	return walk(doc, false, visit)
}

// MaxDepth is how many levels of objects and lists a document may have. Cognito's
// own claims have two; a pre token generation trigger may write a few more.
const MaxDepth = 64

// TooDeep reports whether doc nests deeper than [MaxDepth]. doc need not be valid
// JSON: the decoder recurses, so we have to look before it does.
func TooDeep(doc []byte) bool {
	// Nearly every document has fewer brackets in all than it may have levels.
	if bytes.Count(doc, []byte("["))+bytes.Count(doc, []byte("{")) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '\\': // in a string, or it is no JSON
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// HasLoneSurrogate reports whether value, which must be valid JSON in valid UTF-8,
// has an escape such as \ud800 that is half of a surrogate pair and no character.
func HasLoneSurrogate(value Value) bool {
	return !value.IsValid(jsontext.AllowDuplicateNames(true))
}

// unquote returns the text of a JSON string. It copies only if there is an escape.
func unquote(value Value) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	s, _ := jsontext.AppendUnquote(nil, value)
	return s
}

// Text returns the text of value, and false if value is not a string.
func Text(value Value) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	return string(unquote(value)), true
}

// Texts returns the strings in value, and false if value is not a list of strings.
func Texts(value Value) (all []string, ok bool) {
	ok = elements(value, func(member Value) bool {
		s, ok := Text(member)
		all = append(all, s)
		return ok
	})
	return all, ok
}

// SloppyElements calls visit for each element of a list in a document that
// [SloppyMembers] has read. It reports whether value is a list, and whether visit
// returned true every time.
func SloppyElements(value Value, visit func(Value) bool) bool {
	return elements(value, visit, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func elements(value Value, visit func(Value) bool, opts ...jsontext.Options) bool {
	r := read(value, opts...)
	defer r.done()
	_, _ = r.dec.ReadToken()
	for r.dec.PeekKind() != ']' {
		element, err := r.dec.ReadValue()
		if err != nil || !visit(element) {
			return false
		}
	}
	return true
}
