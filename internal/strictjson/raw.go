package strictjson

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Member returns the value of a top-level member of doc, "" if there is none. doc
// must be "" or an object that [Members] has accepted, so quotes and brackets are
// all that we have to look for. It copies nothing: a policy may ask for many claims.
func Member(doc, name string) Raw {
	for p := doc; ; {
		i := strings.IndexByte(p, '"')
		if i < 0 {
			return ""
		}
		p = p[i:]
		n := valueBytes(p)
		found := Raw(p[:n]).Is(name)
		p = strings.TrimLeft(p[n:], ": \t\r\n")
		n = valueBytes(p)
		if found {
			return Raw(p[:n])
		}
		p = p[n:]
	}
}

// valueBytes returns the length of the value at the beginning of p, which is the
// rest of a JSON object.
func valueBytes(p string) int {
	depth := 0
	for i := 0; ; i++ {
		switch p[i] {
		case '"':
			for i++; p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 { // the end of a number or a literal
				return i
			}
			continue
		default:
			continue
		}
		if depth < 0 { // the end of the object itself
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// Raw is one value as it stands in a document that [Members] has accepted. ""
// stands for no value.
type Raw string

// IsText reports whether v is a string.
func (v Raw) IsText() bool { return strings.HasPrefix(string(v), `"`) }

// Text returns the text of v, "" if v is not a string. It copies only if there is
// an escape.
func (v Raw) Text() string {
	switch {
	case !v.IsText():
		return ""
	case strings.IndexByte(string(v), '\\') < 0:
		return string(v[1 : len(v)-1])
	}
	s, _ := jsontext.AppendUnquote(nil, v)
	return string(s)
}

// Is reports whether v is a string with the text s.
func (v Raw) Is(s string) bool {
	switch {
	case !v.IsText():
		return false
	// mutant: equivalent `strings.IndexByte(string(v), '\\') < 0 → false`, it is a shortcut
	case strings.IndexByte(string(v), '\\') < 0:
		return string(v[1:len(v)-1]) == s
	case len(v)-2 > longestEscape*len(s):
		return false
	}
	var room [scratchBytes]byte
	unquoted, _ := jsontext.AppendUnquote(room[:0], v)
	return string(unquoted) == s
}

// Folds reports whether v, which must be a string, is s but for the case of
// letters.
func (v Raw) Folds(s string) bool {
	switch {
	// mutant: equivalent `strings.IndexByte(string(v), '\\') < 0 → false`, it is a shortcut
	case strings.IndexByte(string(v), '\\') < 0:
		return strings.EqualFold(string(v[1:len(v)-1]), s)
	// mutant: equivalent `len(v)-2 > longestEscape*utf8.UTFMax*len(s) → false`, it is a shortcut
	case len(v)-2 > longestEscape*utf8.UTFMax*len(s):
		return false
	}
	var room, other [scratchBytes]byte
	unquoted, _ := jsontext.AppendUnquote(room[:0], v)
	return bytes.EqualFold(unquoted, append(other[:0], s...))
}

const (
	longestEscape = len(`\u0041`) // of one byte
	scratchBytes  = 512           // enough for the name of a group, on the stack
)
