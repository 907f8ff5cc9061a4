package cognitoauth_test

import (
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

func TestClaimContains(t *testing.T) {
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, row := range []struct {
		name  string
		claim string // as it stands in the token; "": none
		met   bool
		hint  string // of a denial
	}{
		{"a list", `["author","editor"]`, true, ""},
		{"a list with white space", "[ \"author\" ,\n\t\"editor\" ]", true, ""},
		{"an escaped member", `["\u0065ditor"]`, true, ""},
		{"a string of a list", quoted(`["author","editor"]`), true, ""},
		{"a string of a list, with white space", quoted(" [\n\"editor\" , \"author\"]\t"), true, ""},
		{"a string of a list, escaped otherwise", `"\u005b\u0022editor\u0022\u005d"`, true, ""},
		{"a string of a list with an escape inside", quoted(`["\u0065ditor"]`), true, ""},

		{"another list", `["author"]`, false, "the token's list does not have it"},
		{"an empty list", `[]`, false, "the token's list does not have it"},
		{"a string of another list", quoted(`["author","editors"," editor","Editor"]`), false, "the token's list does not have it"},
		{"a string of an empty list", `"[]"`, false, "the token's list does not have it"},
		{"an opening bracket", `"["`, false, "Assert(...) can split"},
		{"a closing bracket", `"]"`, false, "Assert(...) can split"},
		{"white space in a string", `"\t"`, false, "Assert(...) can split"},
		{"a string of an empty list with white space", `" [ ] "`, false, "the token's list does not have it"},
		{"the value alone", `"editor"`, false, "which is what Claim compares"},
		{"commas", `"author,editor"`, false, "Assert(...) can split"},
		{"spaces", `"author editor"`, false, "Assert(...) can split"},
		{"brackets without quotes", `"[editor]"`, false, "Assert(...) can split"},
		{"an empty string", `""`, false, "Assert(...) can split"},
		{"single quotes", `"['editor']"`, false, "Assert(...) can split"},
		{"text behind the list", quoted(`["editor"] `) + "", true, ""},
		{"a second list behind the list", quoted(`["editor"]["author"]`), false, "Assert(...) can split"},
		{"a comma too many", quoted(`["editor",]`), false, "Assert(...) can split"},
		{"no comma", quoted(`["editor" "author"]`), false, "Assert(...) can split"},
		{"no end", quoted(`["editor"`), false, "Assert(...) can split"},
		{"no end of a member", quoted(`["editor`), false, "Assert(...) can split"},
		{"a bad escape", quoted(`["editor","\x"]`), false, "Assert(...) can split"},
		{"half of a surrogate pair", quoted(`["editor","\ud800"]`), false, "Assert(...) can split"},
		{"a control character", quoted("[\"editor\",\"\x01\"]"), false, "Assert(...) can split"},
		{"an object in a string", quoted(`{"editor":["editor"]}`), false, "Assert(...) can split"},
		{"a string in a string", quoted(`"editor"`), false, "Assert(...) can split"},
		{"a list in a list in a string", quoted(`[["editor"]]`), false, "Assert(...) can split"},
		{"a mixed list in a string", quoted(`["editor",1]`), false, "Assert(...) can split"},
		{"a deep list in a string", quoted(deep + `"`), false, "Assert(...) can split"},
		{"a mixed list", `["editor",1]`, false, "no list of strings"},
		{"a list in a list", `[["editor"]]`, false, "no list of strings"},
		{"an object", `{"editor":true}`, false, "no list of strings"},
		{"null", `null`, false, "no list of strings"},
		{"a number", `1`, false, "no list of strings"},
		{"true", `true`, false, "no list of strings"},
		{"no claim", ``, false, "Cognito writes users' attributes into the ID token only"},
	} {
		payload := `{"token_use":"access","username":"jane"}`
		if row.claim != "" {
			payload = `{"token_use":"access","username":"jane","custom:roles":` + row.claim + `}`
		}
		claims := parseClaims(payload)
		if claims == nil {
			t.Errorf("%s: no claims", row.name)
			continue
		}
		err := cognitoauth.ClaimContains("custom:roles", "editor").Check(nil, claims)
		if (err == nil) != row.met {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil {
			continue
		}
		if e := lab.AsRefusal(t, err); e.Code != "claim_denied" || !strings.Contains(e.Detail(), row.hint) || strings.Contains(e.Detail(), "author") {
			t.Errorf("%s: %s, %s; want %q", row.name, e.Code, e.Detail(), row.hint)
		}
	}
}

// A string counts as the list that encoding/json reads in it, if it is a list of
// strings, for texts made of what a list is made of.
func TestClaimContains_readsAsJSON(t *testing.T) {
	parts := []string{`[`, `]`, `"`, `,`, ` `, "\n", `a`, `b`, `"a"`, `"b"`, `\`, `\"`, `\u0061`, `\\`, `1`, `null`, `{`, `}`, `é`, "\x01"}
	rnd := rand.New(rand.NewPCG(1, 2))
	lists, met := 0, 0
	for range 200_000 {
		var b strings.Builder
		b.WriteString(`[`)
		for range rnd.IntN(6) {
			b.WriteString(parts[rnd.IntN(len(parts))])
		}
		b.WriteString(`]`)
		var list []*string
		isList := json.Unmarshal([]byte(b.String()), &list) == nil && !slices.Contains(list, nil)
		want := isList && slices.ContainsFunc(list, func(s *string) bool { return *s == "a" })
		claim, _ := json.Marshal(b.String())
		claims := parseClaims(`{"token_use":"access","username":"jane","roles":` + string(claim) + `}`)
		err := cognitoauth.ClaimContains("roles", "a").Check(nil, claims)
		if (err == nil) != want {
			t.Fatalf("%q: %v, want %t", b.String(), err, want)
		}
		if err != nil && strings.Contains(lab.AsRefusal(t, err).Detail(), "does not have it") != isList {
			t.Fatalf("%q: %s", b.String(), lab.AsRefusal(t, err).Detail())
		}
		if isList {
			lists++
		}
		if want {
			met++
		}
	}
	if lists < 1000 || met < 100 || !utf8.ValidString(parts[18]) {
		t.Errorf("%d lists, %d met", lists, met)
	}
}

// Rules about a large claim share its memory.
func TestClaimContains_allocations(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	list, _ := json.Marshal(slices.Repeat([]string{"author"}, 2000))
	claim, _ := json.Marshal(string(list))
	claims := parseClaims(`{"token_use":"access","username":"jane","roles":` + string(claim) + `,"list":` + string(list) + `}`)
	for _, name := range []string{"roles", "list"} {
		policy := cognitoauth.Or(slices.Repeat([]cognitoauth.Policy{cognitoauth.ClaimContains(name, "x")}, 8)...)
		const runs = 50
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			_ = policy.Check(nil, claims)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > uint64(len(claim)) {
			t.Errorf("%s: %d bytes for eight rules about %d", name, got, len(claim))
		}
	}
}

func TestClaimContains_panics(t *testing.T) {
	for _, name := range []string{"", "scope", "cognito:groups"} {
		lab.MustPanic(t, "ClaimContains", name, func() { cognitoauth.ClaimContains(name, "x") })
	}
	if got, want := cognitoauth.ClaimContains("custom:roles", `a"b`).String(), `ClaimContains("custom:roles", "a\"b")`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
