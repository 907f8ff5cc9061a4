package strictjson

import (
	"bytes"
	"strings"
)

// List is a list of strings, or a single string, as it stands in a document that
// [Members] has accepted. "" stands for no list.
type List string

// Each yields the members as they stand in the document.
func (l List) Each(yield func(Raw) bool) {
	for {
		i := strings.IndexByte(string(l), '"')
		if i < 0 {
			return
		}
		end := i + 1
		for ; l[end] != '"'; end++ {
			if l[end] == '\\' {
				end++
			}
		}
		if !yield(Raw(l[i : end+1])) {
			return
		}
		l = l[end+1:]
	}
}

// All yields the texts of the members.
func (l List) All(yield func(string) bool) {
	for member := range l.Each {
		if !yield(member.Text()) {
			return
		}
	}
}

// Contains reports whether s is one of the members.
func (l List) Contains(s string) bool {
	for member := range l.Each {
		if member.Is(s) {
			return true
		}
	}
	return false
}

// First returns the first member, "" if there is none.
func (l List) First() string {
	for s := range l.All {
		return s
	}
	return ""
}

// IsList reports whether l is a list, and not a single string.
func (l List) IsList() bool { return strings.HasPrefix(string(l), "[") }

// Draft is a [List] in a document that is not kept as a string.
type Draft []byte

// All yields the texts of the members. A text is valid only as long as the document:
// it is a copy only if there is an escape.
func (l Draft) All(yield func([]byte) bool) {
	for {
		i := bytes.IndexByte(l, '"')
		if i < 0 {
			return
		}
		end := i + 1
		for ; l[end] != '"'; end++ {
			if l[end] == '\\' {
				end++
			}
		}
		if !yield(unquote(Value(l[i : end+1]))) {
			return
		}
		l = l[end+1:]
	}
}

// IsTexts reports whether value, which must be valid JSON, is a list of strings.
func IsTexts(value Value) bool {
	if value.Kind() != '[' {
		return false
	}
	for i := 1; ; i++ {
		switch value[i] {
		case '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case ' ', '\t', '\r', '\n', ',':
		default:
			return value[i] == ']'
		}
	}
}
