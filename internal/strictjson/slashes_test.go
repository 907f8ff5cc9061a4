package strictjson_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// RFC 8259, section 7: \/ stands for a slash, and \\ for a backslash.
func TestPlainSlashes(t *testing.T) {
	for _, row := range []struct{ name, doc, want string }{
		{"nothing to do", `{"a":"b/c"}`, `{"a":"b/c"}`},
		{"one", `"\/"`, `"/"`},
		{"every slash of an issuer", `{"iss":"https:\/\/a.example\/x"}`, `{"iss":"https://a.example/x"}`},
		{"in a name", `{"a\/b":1}`, `{"a/b":1}`},
		{"beside plain ones", `"\//\/"`, `"///"`},
		{"an escaped backslash before a slash", `"\\/"`, `"\\/"`},
		{"an escaped backslash before an escaped slash", `"\\\/"`, `"\\/"`},
		{"two escaped backslashes before a slash", `"\\\\/"`, `"\\\\/"`},
		{"an escaped backslash at the end of a string", `["\\","\/"]`, `["\\","/"]`},
		{"an escaped quote before a slash", `"\"/\/"`, `"\"//"`},
		{"the number of a slash", `"\u002f\/"`, `"\u002f/"`},
		{"a backslash at the end", `"\/\`, `"/\`},
		{"nothing but a backslash", `\`, `\`},
		{"nothing but an escaped slash", `\/`, `/`},
		{"nothing", ``, ``},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := string(strictjson.PlainSlashes([]byte(row.doc))); got != row.want {
				t.Errorf("%s becomes %s, want %s", row.doc, got, row.want)
			}
		})
	}
}

// quickly is what Members says of doc: each name with its text, or its value.
func quickly(doc []byte) (all map[string]string, ok bool) {
	all = map[string]string{}
	ok = strictjson.Members(doc, func(name []byte, value strictjson.Value, end int) bool {
		text, isText := strictjson.Text(value)
		if !isText {
			text = string(value)
		}
		all[string(name)] = text
		return bytes.HasSuffix(doc[:end], value)
	})
	return all, ok
}

// PlainSlashes takes nothing from the strictness of Members and changes no text,
// whatever short document it is. This tries every one of up to seven bytes of a
// string, and the same bytes outside of one.
func TestPlainSlashes_changesNoVerdict(t *testing.T) {
	accepted := 0
	var try func(text string)
	try = func(text string) {
		for _, doc := range []string{`{"` + text + `":"` + text + `","a/":1}`, text} {
			want, ok := quickly([]byte(doc))
			got, plainOK := quickly(strictjson.PlainSlashes([]byte(doc)))
			if ok != plainOK || ok && !maps.Equal(want, got) {
				t.Fatalf("%q: %t with %q, and with plain slashes %t with %q", doc, ok, want, plainOK, got)
			}
			if ok != strictly([]byte(doc)) {
				t.Fatalf("%q: accepted %t, jsontext disagrees", doc, ok)
			}
			if ok {
				accepted++
			}
		}
		if len(text) < 7 {
			for _, c := range []string{`\`, `/`, `"`, `a`} {
				try(text + c)
			}
		}
	}
	try("")
	if accepted < 500 {
		t.Errorf("%d of the documents are accepted: too few to show anything", accepted)
	}
}

// strictly reports whether jsontext, which by default refuses duplicate names,
// takes doc for an object.
func strictly(doc []byte) bool {
	v := jsontext.Value(slices.Clone(doc))
	return v.IsValid() && v.Kind() == '{'
}

// What Cognito wrote until 2025 is read on the quick path: without an allocation.
func TestMembers_plainSlashesAreQuick(t *testing.T) {
	doc := []byte(`{"iss":"https:\/\/cognito-idp.eu-west-1.amazonaws.com\/eu-west-1_EXAMPLE01","scope":"api\/read api\/write","exp":1}`)
	var names []string
	strictjson.Members(strictjson.PlainSlashes(bytes.Clone(doc)), func(name []byte, value strictjson.Value, _ int) bool {
		if names = append(names, string(name)); bytes.ContainsRune(value, '\\') {
			t.Errorf("%s: %s has an escape", name, value)
		}
		return true
	})
	if want := []string{"iss", "scope", "exp"}; !slices.Equal(names, want) {
		t.Errorf("members %q, want %q", names, want)
	}
	again := make([]byte, len(doc))
	n := testing.AllocsPerRun(100, func() {
		copy(again, doc)
		strictjson.Members(strictjson.PlainSlashes(again), func([]byte, strictjson.Value, int) bool { return true })
	})
	if n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzPlainSlashes: whatever comes, Members says the same of it with plain slashes,
// and encoding/json finds the same in it.
func FuzzPlainSlashes(f *testing.F) {
	for _, doc := range []string{`{"iss":"https:\/\/a.example\/x","a\/b":["\\\/"]}`, `{"a\/":1,"a/":2}`, `{"a":{"\/":"\\/","\u002f":1}} `, "\\", "{\"\\/\xff\":1}", `{"\/":1e999}`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		plain := strictjson.PlainSlashes(bytes.Clone(doc))
		_, ok := quickly(doc)
		if _, plainOK := quickly(plain); ok != plainOK {
			t.Fatalf("%q: accepted %t, with plain slashes %t", doc, ok, plainOK)
		}
		if !ok {
			return
		}
		want, got := decode(t, doc), decode(t, plain)
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if !bytes.Equal(a, b) || strings.Contains(strings.ReplaceAll(string(plain), `\\`, ""), `\/`) {
			t.Fatalf("%q becomes %q", doc, plain)
		}
	})
}

// decode keeps numbers as they are written: what no float64 holds is a number too.
func decode(t *testing.T, doc []byte) any {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	return v
}
