package strictjson

import (
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// ListHas reports whether v is a list of strings, and whether s is one of them. v
// is also such a list if it is a string whose text is one: Cognito writes every
// custom attribute as a string.
func (v Raw) ListHas(s string) (has, isList bool) {
	if !v.IsText() {
		return textsHave(string(v), s)
	}
	// A text without an escape has no strings in it, so it can only be "[]".
	// mutant: equivalent, it spares the copy
	if strings.IndexByte(string(v), '\\') < 0 {
		text := strings.Trim(string(v[1:len(v)-1]), whiteSpace)
		inner, open := strings.CutPrefix(text, "[")
		inner, closed := strings.CutSuffix(inner, "]")
		return false, open && closed && strings.Trim(inner, whiteSpace) == ""
	}
	buf := texts.Get().(*[]byte)
	defer func() {
		clear(*buf)
		if cap(*buf) <= maxTexts {
			texts.Put(buf)
		}
	}()
	*buf, _ = jsontext.AppendUnquote((*buf)[:0], v)
	text := *buf
	for len(text) > 0 && strings.IndexByte(whiteSpace, text[0]) >= 0 {
		text = text[1:]
	}
	// The decoder recurses, but no list of strings nests.
	// mutant: equivalent `TooDeep(text) → false`, it spares the stack
	if TooDeep(text) || !Value(text).IsValid() {
		return false, false
	}
	return textsHave(text, s)
}

const whiteSpace = " \t\r\n"

// texts has memory for the texts of strings, which several rules of one policy
// may look into.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// maxTexts is the size in bytes up to which that memory is kept. A token has
// 32 KiB at most by default.
const maxTexts = 32 << 10

// textsHave reports whether list, which must be valid JSON, is a list of strings,
// and whether s is one of them.
func textsHave[T string | []byte](list T, s string) (has, isList bool) {
	if len(list) == 0 || list[0] != '[' {
		return false, false
	}
	for i := 1; ; i++ {
		switch list[i] {
		case '"':
			begin, escaped := i, false
			for i++; list[i] != '"'; i++ {
				if list[i] == '\\' {
					escaped = true
					i++
				}
			}
			if !has && textIs(list, begin, i+1, escaped, s) {
				has = true
			}
		case ' ', '\t', '\r', '\n', ',':
		case ']':
			return has, true
		default:
			return false, false
		}
	}
}

// textIs reports whether the string at list[begin:end] has the text s.
func textIs[T string | []byte](list T, begin, end int, escaped bool, s string) bool {
	// mutant: equivalent `escaped → true`, it spares the copy
	if !escaped {
		return string(list[begin+1:end-1]) == s
	}
	// mutant: equivalent `end-begin-2 > longestEscape*len(s) → false`, no text of s has so many bytes
	if end-begin-2 > longestEscape*len(s) {
		return false
	}
	var room [scratchBytes]byte
	unquoted, _ := jsontext.AppendUnquote(room[:0], list[begin:end])
	return string(unquoted) == s
}
