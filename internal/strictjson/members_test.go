package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// member is what Members tells of one member.
type member struct {
	name, value string
	end         int
}

// members is what the last round of visits saw: the decoder begins again where
// the quick path gave up.
func members(doc []byte) (all []member, ok bool) {
	ok = strictjson.Members(doc, func(name []byte, value strictjson.Value, end int) bool {
		if len(all) > 0 && end <= all[len(all)-1].end {
			all = nil
		}
		all = append(all, member{string(name), string(value), end})
		return true
	})
	return all, ok
}

// oracle is Members by encoding/json, which knows the grammar. It is lax about
// names, UTF-8 and depth, so the oracle looks for those itself.
func oracle(doc []byte) (all []member, ok bool) {
	if !json.Valid(doc) || !utf8.Valid(doc) || loneSurrogate(doc) || !oracleValue(json.NewDecoder(bytes.NewReader(doc)), 0) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	if open, _ := dec.Token(); open != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, _ := dec.Token()
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			panic(err)
		}
		all = append(all, member{name.(string), string(value), int(dec.InputOffset())})
	}
	return all, true
}

// oracleValue reads one valid value inside depth others. It reports whether names
// are unique in it, and whether it does not nest too deeply.
func oracleValue(dec *json.Decoder, depth int) bool {
	dec.UseNumber()
	token, err := dec.Token()
	if err != nil {
		panic(err)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return true
	}
	ok, names := depth < 64, map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, _ := dec.Token()
			ok = ok && !names[name.(string)]
			names[name.(string)] = true
		}
		ok = oracleValue(dec, depth+1) && ok
	}
	_, _ = dec.Token()
	return ok
}

// loneSurrogate reports whether valid JSON has half of a surrogate pair, which
// stands for no character (RFC 8259, section 8.2).
func loneSurrogate(doc []byte) bool {
	unit := func(i int) rune {
		if i+6 > len(doc) || doc[i] != '\\' || doc[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(doc[i+2:i+6]), 16, 16)
		return rune(n)
	}
	for i := 0; i < len(doc); i++ {
		if doc[i] != '\\' {
			continue
		}
		if r := unit(i); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, unit(i+6)) == utf8.RuneError {
				return true
			}
			i += 6
		}
		i++
	}
	return false
}

// agree compares Members with the oracle, for doc and for doc with one byte of
// white space behind the brace. The quick path leaves the latter to the decoder,
// so this also compares the quick path with the decoder.
func agree(t *testing.T, doc []byte) (ok bool) {
	t.Helper()
	want, wantOK := oracle(doc)
	got, ok := members(doc)
	if ok != wantOK || ok && !slices.Equal(got, want) {
		t.Errorf("%.200q: %v, %v; expected %v, %v", doc, got, ok, want, wantOK)
	}
	if len(doc) == 0 || doc[0] != '{' {
		return ok
	}
	for i := range want {
		want[i].end++
	}
	for _, space := range " \t\r\n" {
		spaced := fmt.Appendf(nil, "{%c%s", space, doc[1:])
		if got, ok := members(spaced); ok != wantOK || ok && !slices.Equal(got, want) {
			t.Errorf("%.200q: %v, %v; expected %v, %v as without the space", spaced, got, ok, want, wantOK)
		}
	}
	return ok
}

// many is an object with the names m0, m1 and so on, and those in last.
func many(n int, last ...string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":%d,`, i, i)
	}
	for _, name := range last {
		fmt.Fprintf(&b, `"%s":0,`, name)
	}
	return "{" + strings.TrimSuffix(b.String(), ",") + "}"
}

// nest is an object with that many levels, its own included.
func nest(levels int, open, inner, end string) string {
	return `{"a":` + strings.Repeat(open, levels-1) + inner + strings.Repeat(end, levels-1) + "}"
}

var accepted = []string{
	// What the quick path reads.
	`{"a":1}`, `{"":""}`, `{"a":true}`, `{"a":false}`, `{"a":null}`, `{"a":"b","c":["d","e"],"f":true,"g":false,"h":null,"i":-1,"j":0,"k":-0}`,
	`{"a":"é€😀"}`, `{"ab":1,"ba":2,"aXb":3,"aYb":4}`, "{\"a\":\"\x7f\"}", `{"a":"}"}`, `{"a":"]","b":["]",","]}`,
	many(31), many(32),

	// What it leaves to the decoder.
	`{}`, `{"a":[]}`, `{"a":{}}`, `{"a":[1]}`, `{"a":["b",1]}`, `{"a":{"b":{"c":[{}]}}}`, many(33), many(100),
	" \t\r\n{ \"a\" : [ \"b\" , \"c\" ] , \"d\" : 1 } \t\r\n",

	// Numbers: RFC 8259, section 6.
	`{"a":1.5}`, `{"a":-1.5e+3}`, `{"a":1E-3}`, `{"a":0.0}`, `{"a":0e0}`, `{"a":1e400}`, `{"a":123456789012345678901234567890}`,

	// Strings: section 7.
	`{"a":"\"\\\/\b\f\n\r\t"}`, `{"\u0061":"\u00e9\uFFFF\u0000"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\\ud83d"}`,

	// Names that another reader would fold or mix up are different ones.
	`{"sub":1,"Sub":2,"ſub":3,"\u017fUB":4}`, `{"a":{"a":{"a":1}},"b":{"a":1}}`, `{"a":[{"b":1},{"b":1}]}`, `{"é":1,"e\u0301":2}`,

	nest(64, `[`, ``, `]`), nest(64, `{"a":`, `1`, `}`), `{"a":"` + strings.Repeat("[", 100) + `"}`,
}

var refused = []string{
	// Not an object, or more than one.
	``, ` `, `{`, `}`, `[]`, `[{"a":1}]`, `1`, `"a"`, `null`, `{}{}`, `{"a":1}{"b":2}`, `{"a":1}}`, `{"a":1} x`, `{"a":1}` + "\x00", "\ufeff" + `{"a":1}`,

	`{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a" 1}`, `{"a"::1}`, `{"a":1 "b":2}`, `{a:1}`, `{'a':1}`, `{1:2}`, `{null:1}`, `{"a":1;"b":2}`,
	`{"a":[}`, `{"a":["b"}`, `{"a":["b",]}`, `{"a":[,"b"]}`, `{"a":["b""c"]}`, `{"a":["b";"c"]}`, `{"a":[1}]`, `{"a":{]}`, `{"a`, `{"a":"}`, `{"}`, `{"a":[",}`, `{"a":1/**/}`,

	// Literals and numbers.
	`{"a":tru}`, `{"a":True}`, `{"a":nulL}`, `{"a":truefalse}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":undefined}`,
	`{"a":01}`, `{"a":-01}`, `{"a":-}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x1}`, `{"a":1_0}`, `{"a":--1}`,

	// Strings.
	"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"1234567\x1f\"}", "{\"a\x1f\":1}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u123g"}`, `{"a":"\"}`, "{\"a\":\u00a01}", "{\v\"a\":1}",

	// Invalid UTF-8: RFC 8259, section 8.1.
	"{\"a\":\"\xff\"}", "{\"\xff\":1}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":{\"b\":\"\xff\"}}",
	`{"a":"\ud83d"}`, `{"a":"\ude00"}`, `{"a":"\ude00\ud83d"}`, `{"a":"\ud83dx\ude00"}`, `{"a":"\ud83d\u0041"}`, `{"\ud83d":1}`, `{"a":["\ud83d"]}`,

	// Names that occur twice: RFC 8725, section 2.7.
	`{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"a":1,"b":2,"a":3}`, `{"":1,"":2}`, `{"a":{"b":1,"b":2}}`, `{"a":{"b":1,"\u0062":2}}`, `{"a":[{"b":1,"c":{},"b":2}]}`, `{"é":1,"\u00e9":2}`, `{"😀":1,"\ud83d\ude00":2}`,
	many(31, "m0"), many(31, "m30"), many(32, "m0"), many(33, "m32"), many(100, "m50"), many(1, "a", "a"),

	nest(65, `[`, ``, `]`), nest(65, `{"a":`, `1`, `}`), strings.Repeat(`{"a":`, 1_000_000), `{"a":` + strings.Repeat(`[`, 1_000_000),
}

func TestMembers(t *testing.T) {
	for _, doc := range accepted {
		if !agree(t, []byte(doc)) {
			t.Errorf("%.200q is refused", doc)
		}
	}
	for _, doc := range refused {
		if agree(t, []byte(doc)) {
			t.Errorf("%.200q is accepted", doc)
		}
	}
}

// TestMembers_oneByteAway changes each short document in one place. Most of the
// results are no longer JSON.
func TestMembers_oneByteAway(t *testing.T) {
	for _, doc := range slices.Concat(accepted, refused) {
		if len(doc) > 40 {
			continue
		}
		for i := range len(doc) {
			agree(t, []byte(doc[:i]+doc[i+1:]))
			for _, c := range "{}[]\",:\\ 0e-\x1fa\xff" {
				agree(t, []byte(doc[:i]+string([]byte{byte(c)})+doc[i+1:]))
			}
		}
	}
}

func TestMembers_visitorRefuses(t *testing.T) {
	for _, doc := range []string{`{"a":1,"b":2,"c":3}`, `{ "a":1,"b":2,"c":3}`} {
		var seen []string
		ok := strictjson.Members([]byte(doc), func(name []byte, _ strictjson.Value, _ int) bool {
			seen = append(seen, string(name))
			return string(name) != "b"
		})
		if ok || !slices.Equal(seen, []string{"a", "b"}) {
			t.Errorf("%s: %v after %q; expected false after a and b", doc, ok, seen)
		}
	}
}

// A document that was refused half-way leaves nothing to the next one, which may
// use its memory.
func TestMembers_nextDocument(t *testing.T) {
	for range 100 {
		if _, ok := members([]byte(`{"a": {"b":1, "c": {"d":`)); ok {
			t.Fatal("half a document is accepted")
		}
		agree(t, []byte(`{ "b":1,"c":{"a":{"d":1}},"a":{"b":1}}`))
	}
}

func TestSloppyMembers(t *testing.T) {
	var got []string
	visit := func(name []byte, value strictjson.Value, _ int) bool {
		got = append(got, string(name)+"="+string(value))
		return true
	}
	// Each member is visited, whatever its name and its bytes.
	doc := "{\"a\":1,\"\\u0061\": 2,\"b\":\"\xff\",\"c\":{\"d\":1,\"d\":2}}"
	want := []string{"a=1", "a=2", "b=\"\xff\"", `c={"d":1,"d":2}`}
	if ok := strictjson.SloppyMembers([]byte(doc), visit); !ok || !slices.Equal(got, want) {
		t.Errorf("%q: %v, %q; expected %q", doc, ok, got, want)
	}
	for _, doc := range []string{``, `[]`, `{"a":1,}`, `{"a":1}x`, `{"a":01}`, `{"a":1}{}`, "{\"a\":\"\n\"}", `{"a":`} {
		if strictjson.SloppyMembers([]byte(doc), visit) {
			t.Errorf("%q is accepted", doc)
		}
	}
	if strictjson.SloppyMembers([]byte(`{"a":1}`), func([]byte, strictjson.Value, int) bool { return false }) {
		t.Error("the visitor refused, SloppyMembers did not")
	}
}

func TestSloppyElements(t *testing.T) {
	var got []string
	keep := func(v strictjson.Value) bool { got = append(got, string(v)); return string(v) != "0" }
	list := strictjson.Value("[ {\"a\":1,\"a\":2} , \"\xff\",[1],2 ]")
	if ok := strictjson.SloppyElements(list, keep); !ok || !slices.Equal(got, []string{`{"a":1,"a":2}`, "\"\xff\"", `[1]`, `2`}) {
		t.Errorf("%v, %q", ok, got)
	}
	for value, want := range map[string]bool{`[]`: true, `[1]`: true, `[1,0,1]`: false, `{}`: false, `{"a":1}`: false, `"a"`: false, `1`: false, `null`: false} {
		if ok := strictjson.SloppyElements(strictjson.Value(value), keep); ok != want {
			t.Errorf("%s: %v", value, ok)
		}
	}
}

func TestTooDeep(t *testing.T) {
	for doc, want := range map[string]bool{
		``:                                false,
		strings.Repeat("[", 64):           false,
		strings.Repeat("[", 65):           true,
		strings.Repeat(`{"a":[`, 33):      true,
		strings.Repeat("[]", 1000):        false,
		strings.Repeat("{}", 1000):        false,
		strings.Repeat("[", 65) + "]":     true,
		strings.Repeat(`["\"[",`, 64):     false,
		strings.Repeat(`["\"[\\",`, 65):   true,
		`"` + strings.Repeat("[", 65):     false,
		`"\""` + strings.Repeat("[", 65):  true,
		`"\\"` + strings.Repeat("{", 65):  true,
		`"\\\"` + strings.Repeat("{", 65): false,
	} {
		if got := strictjson.TooDeep([]byte(doc)); got != want {
			t.Errorf("%.40q: %v", doc, got)
		}
	}
}

// FuzzMembers also asks Member, Raw and List about what is accepted.
func FuzzMembers(f *testing.F) {
	for _, doc := range slices.Concat(accepted, refused) {
		if len(doc) < 1000 {
			f.Add([]byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !agree(t, doc) {
			return
		}
		all, _ := oracle(doc)
		for _, m := range all {
			checkMember(t, string(doc), m)
		}
	})
}
