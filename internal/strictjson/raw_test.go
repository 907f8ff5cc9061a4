package strictjson_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// checkMember asks everything about one member of an accepted document, and
// compares the answers with those of encoding/json.
func checkMember(t *testing.T, doc string, m member) {
	t.Helper()
	raw := strictjson.Member(doc, m.name)
	if string(raw) != m.value {
		t.Errorf("%.200q: %q is %q, expected %q", doc, m.name, raw, m.value)
		return
	}
	var text string
	isText := m.value[0] == '"' && json.Unmarshal([]byte(m.value), &text) == nil
	if raw.IsText() != isText || raw.Text() != text {
		t.Errorf("%s: %q, %v; expected %q, %v", raw, raw.Text(), raw.IsText(), text, isText)
	}
	if got, ok := strictjson.Text(strictjson.Value(m.value)); got != text || ok != isText {
		t.Errorf("Text(%s): %q, %v; expected %q, %v", m.value, got, ok, text, isText)
	}
	for _, s := range []string{"", "a", "sub", text, text + "x", m.name} {
		if got := raw.Is(s); got != (isText && text == s) {
			t.Errorf("%s is %q: %v", raw, s, got)
		}
		if isText && raw.Folds(s) != strings.EqualFold(text, s) {
			t.Errorf("%s folds to %q: %v", raw, s, raw.Folds(s))
		}
	}
	checkList(t, m.value, text, isText)
}

// checkList compares what a value is as a list with what encoding/json says.
func checkList(t *testing.T, value, text string, isText bool) {
	t.Helper()
	var all []string
	isTexts := value[0] == '[' && !slices.ContainsFunc(elements(value), func(e any) bool { _, ok := e.(string); return !ok })
	if got := strictjson.IsTexts(strictjson.Value(value)); got != isTexts {
		t.Errorf("IsTexts(%s): %v", value, got)
	}
	if isTexts {
		_ = json.Unmarshal([]byte(value), &all)
	}
	if got, ok := strictjson.Texts(strictjson.Value(value)); ok != isTexts || ok && !slices.Equal(got, all) {
		t.Errorf("Texts(%s): %q, %v; expected %q, %v", value, got, ok, all, isTexts)
	}
	if isText {
		all = []string{text}
	}
	if !isText && !isTexts {
		return
	}
	l := strictjson.List(value)
	if got := slices.Collect(l.All); !slices.Equal(got, all) || l.IsList() != isTexts || l.First() != first(all) {
		t.Errorf("%s: %q, a list: %v, first %q; expected %q", l, got, l.IsList(), l.First(), all)
	}
	var texts []string
	for text := range strictjson.Draft(value).All {
		texts = append(texts, string(text))
	}
	if !slices.Equal(texts, all) {
		t.Errorf("%s as a draft: %q; expected %q", l, texts, all)
	}
	for _, s := range append([]string{"", "a", `"`, "nobody"}, all...) {
		if got := l.Contains(s); got != slices.Contains(all, s) {
			t.Errorf("%s contains %q: %v", l, s, got)
		}
	}
}

func elements(list string) (all []any) {
	dec := json.NewDecoder(strings.NewReader(list))
	dec.UseNumber() // which may be too large
	_ = dec.Decode(&all)
	return all
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

func TestMember(t *testing.T) {
	docs := append([]string{
		`{"s\u0075b":"\u017fub","ſub":"SUB","x":"\\u0073ub"}`,
		`{"a":{"sub":"inner"},"sub":"outer","b":["sub","x"]}`,
		`{"x":"sub","sub":"y","\"":"\\","\\":"\"","":"empty"}`,
		`{"g":["\"","\\","]",",","[","\ud83d\ude00","a\/b"],"h":[ ],"i": [ "x" , "y" ]	,"j":"k" }`,
		`{"long":"\u0041` + strings.Repeat("b", 2000) + `","list":["\u0041` + strings.Repeat("b", 600) + `"]}`,
		"{\"a\":[\t\"b\"\r\n,\t\"c\"\r\n]\t,\"d\":\t1\r\n}",
	}, accepted...)
	for _, doc := range docs {
		all, ok := oracle([]byte(doc))
		if !ok {
			t.Fatalf("%q is no document to ask about", doc)
		}
		for _, m := range all {
			checkMember(t, doc, m)
		}
		for _, absent := range []string{"nobody", "inner", "b\"", `\u0061`, "sUb"} {
			if got := strictjson.Member(doc, absent); got != "" {
				t.Errorf("%.200q: %q is %q", doc, absent, got)
			}
		}
	}
}

// "" stands for no document, no value and no list.
func TestMember_nothing(t *testing.T) {
	v, l := strictjson.Member("", "a"), strictjson.List("")
	if v != "" || v.IsText() || v.Text() != "" || v.Is("") {
		t.Errorf("%q is a text", v)
	}
	if l.Contains("") || l.First() != "" || l.IsList() || len(slices.Collect(l.All)) != 0 {
		t.Errorf("%q has members", l)
	}
}

// The strings fold as those of package strings do, however they are spelled.
func TestRaw_folds(t *testing.T) {
	values := []string{
		`"sub"`, `"SUB"`, `"ſub"`, `"\u017fub"`, `"\u0053\u0055\u0042"`, `"s\\ub"`, `"k"`, `"\u212a"`, `"\u212A\u212A\u212A"`, `""`, `"\u0000"`,
		`"` + strings.Repeat(`\u212a`, 300) + `"`, `"\ud83d\ude00"`, `"straße"`, `"STRASSE"`,
	}
	texts := []string{"sub", "SUB", "ſub", `s\ub`, "k", "K", "\u212a", "kkk", "", "\x00", strings.Repeat("k", 300), strings.Repeat("k", 299), "😀", "strasse"}
	for _, value := range values {
		var text string
		if err := json.Unmarshal([]byte(value), &text); err != nil {
			t.Fatal(err)
		}
		for _, s := range texts {
			if got := strictjson.Raw(value).Folds(s); got != strings.EqualFold(text, s) {
				t.Errorf("%s folds to %q: %v", value, s, got)
			}
			if got := strictjson.Raw(value).Is(s); got != (text == s) {
				t.Errorf("%s is %q: %v", value, s, got)
			}
		}
	}
}

func TestList_stops(t *testing.T) {
	for s := range strictjson.List(`["a","b"]`).All {
		if s != "a" {
			t.Fatalf("%q after the loop has ended", s)
		}
		break
	}
	for s := range strictjson.Draft(`["a","b"]`).All {
		if string(s) != "a" {
			t.Fatalf("%q after the loop has ended", s)
		}
		break
	}
}

// A policy may ask for many claims of each request.
func TestMember_doesNotAllocate(t *testing.T) {
	doc := `{"x":{"y":["z"]},"n":1.5, "s\u0075b":"\u0061bc","groups":["a","\u0062","` + strings.Repeat("c", 100) + `\u0063"]}`
	if _, ok := oracle([]byte(doc)); !ok {
		t.Fatal("no document to ask about")
	}
	long := strings.Repeat("c", 101)
	found := true
	for name, f := range map[string]func(){
		"Member":   func() { found = found && strictjson.Member(doc, "sub") != "" && strictjson.Member(doc, "nobody") == "" },
		"Is":       func() { found = found && strictjson.Member(doc, "sub").Is("abc") },
		"Folds":    func() { found = found && strictjson.Member(doc, "sub").Folds("ABC") },
		"Contains": func() { found = found && strictjson.List(strictjson.Member(doc, "groups")).Contains(long) },
	} {
		if n := testing.AllocsPerRun(20, f); n != 0 || !found {
			t.Errorf("%s: %v allocations, found: %v", name, n, found)
		}
	}
}
