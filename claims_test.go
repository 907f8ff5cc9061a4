package cognitoauth_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// parseClaims reads a payload as the validator does, nil if it refuses it.
func parseClaims(payload string) *cognitoauth.Claims {
	c, err := kit.NewClaims([]byte(payload), "eu-west-1_AbCdEf123", lab.AtNoon, 30*time.Second)
	if err != nil {
		return nil
	}
	return c.(*cognitoauth.Claims)
}

func TestClaims_fields(t *testing.T) {
	d := newDesk(t)
	iss, client := d.pool.Issuer(), d.pool.ClientID()
	common := `"iss":"` + iss + `","jti":"j","origin_jti":"o","event_id":"e","acr":"urn:x:1","auth_time":1772622000,"iat":1772625600,"nbf":1772625599,"exp":1772629200`
	want := cognitoauth.Claims{
		Subject: "s", Username: "jane", ClientID: client, TokenUse: cognitoauth.AccessToken, Issuer: iss, PoolID: d.pool.ID(), ID: "j", OriginID: "o",
		EventID: "e", ACR: "urn:x:1", AuthTime: lab.Noon.Add(-time.Hour), IssuedAt: lab.Noon, NotBefore: lab.Noon.Add(-time.Second), Expiry: lab.Noon.Add(time.Hour),
	}
	id, machine, other, lean := want, want, want, want
	other.Username = ""
	id.TokenUse = cognitoauth.IDToken
	machine.Subject, machine.Username = client, ""
	lean.ID, lean.OriginID, lean.EventID, lean.ACR, lean.Username = "", "", "", "", ""
	lean.AuthTime, lean.IssuedAt, lean.NotBefore = time.Time{}, time.Time{}, time.Time{}
	rows := []struct {
		name    string
		payload string
		want    cognitoauth.Claims
		machine bool
		lists   [3][]string // scopes, groups, audience
	}{
		{"access token of a user", `{"sub":"s","username":"jane","client_id":"` + client + `","token_use":"access","scope":"a b","cognito:groups":["g","h"],` + common + `}`, want, false, [3][]string{{"a", "b"}, {"g", "h"}, nil}},
		{"with an audience and the other spelling of the name", `{"sub":"s","username":"jane","cognito:username":"joe","client_id":"` + client + `","token_use":"access","aud":["` + client + `"],` + common + `}`, want, false, [3][]string{{}, nil, {client}}},
		{"ID token", `{"sub":"s","cognito:username":"jane","username":"joe","aud":"` + client + `","client_id":"x","token_use":"id","cognito:groups":["g"],` + common + `}`, id, false, [3][]string{nil, {"g"}, {client}}},
		{"access token of a machine", `{"sub":"` + client + `","client_id":"` + client + `","token_use":"access","scope":"r/w",` + common + `}`, machine, true, [3][]string{{"r/w"}, nil, nil}},
		{"of a machine with a sub of its own", `{"sub":"s","client_id":"` + client + `","token_use":"access",` + common + `}`, other, true, [3][]string{{}, nil, nil}},
		{"of a machine without sub", `{"client_id":"` + client + `","token_use":"access",` + common + `}`, machine, true, [3][]string{{}, nil, nil}},
		{"of a machine with empty sub", `{"sub":"","client_id":"` + client + `","token_use":"access",` + common + `}`, machine, true, [3][]string{{}, nil, nil}},
		{"an empty username, still a user's", `{"sub":"s","username":"","client_id":"` + client + `","token_use":"access","iss":"` + iss + `","exp":1772629200}`, lean, false, [3][]string{{}, nil, nil}},
	}
	for _, row := range rows {
		got, err := d.auth.Validate(t.Context(), d.pool.AccessToken().Payload([]byte(row.payload)).String())
		if err != nil {
			t.Errorf("%s: %v", row.name, lab.AsRefusal(t, err).Detail())
			continue
		}
		for i := range reflect.TypeOf(row.want).NumField() {
			f := reflect.TypeOf(row.want).Field(i)
			if !f.IsExported() {
				continue
			}
			if g, w := reflect.ValueOf(got).Elem().Field(i).Interface(), reflect.ValueOf(row.want).Field(i).Interface(); g != w {
				t.Errorf("%s: %s is %v, want %v", row.name, f.Name, g, w)
			}
		}
		if got.IsMachine() != row.machine {
			t.Errorf("%s: IsMachine is %v", row.name, got.IsMachine())
		}
		for i, list := range [3][]string{got.Scopes(), got.Groups(), got.Audience()} {
			if !slices.Equal(list, row.lists[i]) || row.lists[i] == nil && list != nil {
				t.Errorf("%s: list %d is %#v, want %#v", row.name, i, list, row.lists[i])
			}
		}
	}
}

func TestClaims_scopes(t *testing.T) {
	rows := []struct {
		scope string
		want  []string
	}{
		{"", nil},
		{" ", nil},
		{"a", []string{"a"}},
		{"a b", []string{"a", "b"}},
		{"  a   b  ", []string{"a", "b"}},
		{"b a b", []string{"b", "a", "b"}},
		{"a\tb", []string{"a\tb"}},
		{"a\u00a0b\nc", []string{"a\u00a0b\nc"}},
		{"orders/read orders/write", []string{"orders/read", "orders/write"}},
	}
	for _, row := range rows {
		scope, _ := json.Marshal(row.scope)
		c := parseClaims(`{"token_use":"access","scope":` + string(scope) + `}`)
		if got := c.Scopes(); !slices.Equal(got, row.want) {
			t.Errorf("%q: %q", row.scope, got)
		}
		for _, s := range row.want {
			if !c.HasScope(s) {
				t.Errorf("%q has no %q", row.scope, s)
			}
		}
		for _, s := range []string{"", " ", "A", "a ", " a", "a b", "b a", "orders", "orders/", "orders/rea", "rders/read", "orders/read orders/write", "x"} {
			if c.HasScope(s) != slices.Contains(row.want, s) {
				t.Errorf("%q: HasScope(%q) is %v", row.scope, s, c.HasScope(s))
			}
		}
	}
}

func TestClaims_listsAreFresh(t *testing.T) {
	c := parseClaims(`{"token_use":"access","scope":"a b","cognito:groups":["g","h"],"aud":["x","y"]}`)
	for name, list := range map[string]func() []string{"Scopes": c.Scopes, "Groups": c.Groups, "Audience": c.Audience} {
		first := list()
		want := slices.Clone(first)
		first[0] = "changed"
		_ = append(first[:1], "changed")
		if !slices.Equal(list(), want) {
			t.Errorf("%s: %q, after a caller changed its own", name, list())
		}
	}
	if !c.HasGroup("g") || c.HasGroup("changed") || c.HasGroup("G") || c.HasGroup("") || c.HasGroup("g h") {
		t.Error("HasGroup")
	}
}

// Names are matched exactly: encoding/json would fold case, and even ſ to s.
func TestClaims_decode(t *testing.T) {
	c := parseClaims(`{"Tenant":"folded","tenant":"exact","ſub":"folded","plan":{"name":"pro","Seats":3},"n":12345678901234567890,"list":[1,"x",null]}`)
	var got struct {
		Tenant string `json:"tenant"`
		Sub    string `json:"sub"`
		Plan   struct {
			Name  string `json:"name"`
			Seats int    `json:"seats"`
		} `json:"plan"`
		N    uint64 `json:"n"`
		List []any  `json:"list"`
	}
	if err := c.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Tenant != "exact" || got.Sub != "" || got.Plan.Name != "pro" || got.Plan.Seats != 0 || got.N != 12345678901234567890 || len(got.List) != 3 {
		t.Errorf("%+v", got)
	}
	var all map[string]any
	if err := c.Decode(&all); err != nil || len(all) != 6 {
		t.Errorf("%v: %v", all, err)
	}
	all["tenant"] = "changed"
	if c.String("tenant") != "exact" {
		t.Error("the claims have changed")
	}
}

func TestClaims_decodeFails(t *testing.T) {
	const secret = "s3cret"
	c := parseClaims(`{"tenant":"` + secret + `"}`)
	var number struct {
		Tenant int `json:"tenant"`
	}
	for _, v := range []any{&number, number, nil, (*int)(nil), new(chan int), new(int), "x"} {
		err := c.Decode(v)
		if err == nil {
			t.Errorf("%T: no error", v)
			continue
		}
		if !strings.HasPrefix(err.Error(), "cognitoauth: ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%T: %v", v, err)
		}
	}
	if err := new(cognitoauth.Claims).Decode(&number); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("zero claims: %v", err)
	}
}

func TestClaims_stringAndBool(t *testing.T) {
	c := parseClaims(`{"s":"x","empty":"","t":true,"f":false,"ts":"true","fs":"false","T":"True","te":"\u0074rue","one":1,"ones":"1","null":null,
		"list":["x"],"object":{"s":"inner","deep":"inner"},"odd":[{"]":"}","deep":"\"]"},["[",{"deep":{}}]],"n\u0061me":"escaped name","v":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","é":"ü","":"no name","a\"b":"quoted","spaced" : "x" ,"last":7}`)
	rows := []struct {
		name   string
		text   string
		isTrue bool
	}{
		{"s", "x", false},
		{"empty", "", false},
		{"t", "", true},
		{"f", "", false},
		{"ts", "true", true},
		{"te", "true", true},
		{"fs", "false", false},
		{"T", "True", false},
		{"one", "", false},
		{"ones", "1", false},
		{"null", "", false},
		{"list", "", false},
		{"object", "", false},
		{"odd", "", false},
		{"deep", "", false},
		{"name", "escaped name", false},
		{`n\u0061me`, "", false},
		{"v", "\"\\/\b\f\n\r\té😀", false},
		{"é", "ü", false},
		{"", "no name", false},
		{`a"b`, "quoted", false},
		{`a\"b`, "", false},
		{"spaced", "x", false},
		{"last", "", false},
		{"S", "", false},
		{"missing", "", false},
	}
	for _, row := range rows {
		if got := c.String(row.name); got != row.text {
			t.Errorf("String(%q) is %q, want %q", row.name, got, row.text)
		}
		if got := c.Bool(row.name); got != row.isTrue {
			t.Errorf("Bool(%q) is %v", row.name, got)
		}
	}
}

// Escapes in names and values of the claims that the library reads are undone
// as well, without one reading shifting another.
func TestClaims_escapes(t *testing.T) {
	c := parseClaims(`{ "s\u0075b" : "\u0073-\"1\"" ,"\u0069ss":"i\/s","username":"j\u00e4ne","token_use":"a\u0063cess","scope":"a\u0020b","cognito:gr\u006fups":[ "\u0067" , "h","\"" ],` +
		"\t\"aud\":\r\n[ \"x\" ,\"\\u0079\"] , \"jti\"\n:\t\"j\" }\n")
	if c == nil {
		t.Fatal("refused")
	}
	if c.Subject != `s-"1"` || c.Issuer != "i/s" || c.Username != "jäne" || c.TokenUse != "access" || c.ID != "j" {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.Scopes(), []string{"a", "b"}) || !slices.Equal(c.Groups(), []string{"g", "h", `"`}) || !slices.Equal(c.Audience(), []string{"x", "y"}) {
		t.Errorf("%q %q %q", c.Scopes(), c.Groups(), c.Audience())
	}
}

// Strict JSON (RFC 8259 and RFC 7493): what two readers could read differently
// is refused.
func TestClaims_strictJSON(t *testing.T) {
	rows := []struct {
		name    string
		payload string
		ok      bool
	}{
		{"an empty object", `{}`, true},
		{"white space around it", " \t\r\n{ } \n", true},
		{"white space in a list", "{\"aud\":[\t\"a\"\r,\n\"b\" ]}", true},
		{"a surrogate pair", `{"x":"\ud83d\ude00"}`, true},
		{"U+FFFD itself", `{"x":"\ufffd` + "\ufffd" + `"}`, true},
		{"non-characters", `{"x":"\uffff"}`, true},
		{"one name in two cases", `{"sub":"a","Sub":"b","SUB":"c"}`, true},
		{"one name in two objects", `{"a":{"sub":"a"},"b":{"sub":"b"},"sub":"c"}`, true},
		{"a lone high surrogate", `{"x":"\ud800"}`, false},
		{"a lone low surrogate", `{"x":"\udc00"}`, false},
		{"two high surrogates", `{"x":"\ud800\ud800"}`, false},
		{"a surrogate before text", `{"x":"\ud800x"}`, false},
		{"a lone surrogate in a name", `{"\ud800":1}`, false},
		{"a lone surrogate deep inside", `{"x":[{"y":"\udfff"}]}`, false},
		{"a lone surrogate in a name deep inside", `{"x":[{"\udfff":1}]}`, false},
		{"invalid UTF-8", "{\"x\":\"\xff\"}", false},
		{"overlong UTF-8", "{\"x\":\"\xc0\x80\"}", false},
		{"a surrogate in UTF-8", "{\"x\":\"\xed\xa0\x80\"}", false},
		{"invalid UTF-8 in a name", "{\"\xff\":1}", false},
		{"a control character", "{\"x\":\"\x1f\"}", false},
		{"a name twice", `{"sub":"a","sub":"a"}`, false},
		{"a name twice, once escaped", `{"sub":"a","\u0073ub":"b"}`, false},
		{"an unknown name twice", `{"x":1,"y":1,"x":1}`, false},
		{"an empty name twice", `{"":1,"":2}`, false},
		{"a name twice deep inside", `{"x":[{"y":{"z":1,"z":2}}]}`, false},
		{"two objects", `{}{}`, false},
		{"text behind it", `{}x`, false},
		{"a byte order mark", "\ufeff{}", false},
		{"a comment", `{/**/}`, false},
		{"a comma at the end", `{"x":1,}`, false},
		{"a comma at the beginning", `{,"x":1}`, false},
		{"no comma", `{"x":1 "y":2}`, false},
		{"no colon", `{"x" 1}`, false},
		{"no value", `{"x":}`, false},
		{"a name that is no string", `{1:1}`, false},
		{"not closed", `{"x":1`, false},
		{"closed by a bracket", `{"x":1]`, false},
		{"opened by a bracket", `["x":1}`, false},
		{"a number of 1 KiB", `{"x":1.` + strings.Repeat("0", 1022) + `}`, true},
		{"a number of a byte more", `{"x":1.` + strings.Repeat("0", 1023) + `}`, false},
		{"a list", `[]`, false},
		{"a string", `"{}"`, false},
		{"null", `null`, false},
		{"nothing", ``, false},
		{"white space", ` `, false},
	}
	for _, row := range rows {
		if c := parseClaims(row.payload); (c != nil) != row.ok {
			t.Errorf("%s: accepted is %v", row.name, c != nil)
		}
	}
}

// 64 levels are allowed, the object that the payload is included. Brackets in
// strings, and side by side, are no levels.
func TestClaims_depth(t *testing.T) {
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	rows := []struct {
		name  string
		value string
		ok    bool
	}{
		{"64 levels of lists", nested(63), true},
		{"65 levels of lists", nested(64), false},
		{"64 levels of objects", objects(63), true},
		{"65 levels of objects", objects(64), false},
		{"64 levels behind others", nested(40) + `,"y":` + nested(63), true},
		{"65 levels behind others", nested(40) + `,"y":` + nested(64), false},
		{"9000 levels", nested(9000), false},
		{"a million levels that never close", strings.Repeat("[", 1<<20), false},
		{"brackets in a string", `"` + strings.Repeat("[{", 100) + `"`, true},
		{"brackets behind a quote in a string", `"\"` + strings.Repeat("[", 100) + `\\"`, true},
		{"brackets behind a string that ends in a backslash", `["\\",` + nested(63) + `]`, false},
		{"brackets behind an escaped quote", `["\"",` + nested(63) + `]`, false},
		{"one level less behind it", `["\\\"",` + nested(62) + `]`, true},
		{"lists side by side", "[" + strings.Repeat("[],", 1000) + "[]]", true},
		{"objects side by side", "[" + strings.Repeat("{},", 1000) + "{}]", true},
	}
	for _, row := range rows {
		if c := parseClaims(`{"x":` + row.value + `}`); (c != nil) != row.ok {
			t.Errorf("%s: accepted is %v", row.name, c != nil)
		}
	}
}

// Dates are exact: exp is rounded down to the second, the others up, and what
// has more than 2^53 seconds does not fit. The oracle counts in fractions.
func TestClaims_dates(t *testing.T) {
	limit := new(big.Rat).SetInt64(1 << 53)
	mantissas := []string{"0", "1", "9", "10", "17726256", "1772625600", "9007199254740991", "9007199254740993", "90071992547409930", "0.5", "0.0", "1.0", "1.5", "1772625600.5",
		"1772625600.0000000000000000000001", "1772625600.9999999999999999999999", "9007199254740991.5", "9007199254740990.999999999", "0.17726256005", "0.00000001", "123456789012345678901234567890", "1.50", "4.35"}
	exponents := []string{"", "e0", "e1", "E+2", "e-1", "e-2", "e9", "e-9", "e15", "e17", "e20", "e-17", "e-30", "e40", "e-60"}
	fit, not := 0, 0
	for _, m := range mantissas {
		for _, e := range exponents {
			for _, sign := range []string{"", "-"} {
				text := sign + m + e
				exact, ok := new(big.Rat).SetString(text)
				if !ok {
					t.Fatal(text)
				}
				if abs := new(big.Rat).Abs(exact); abs.Cmp(limit) == 0 {
					continue
				} else if abs.Cmp(limit) > 0 {
					not++
					if parseClaims(`{"exp":`+text+`}`) != nil || parseClaims(`{"nbf":`+text+`}`) != nil {
						t.Errorf("%s: accepted", text)
					}
					continue
				}
				fit++
				c := parseClaims(fmt.Sprintf(`{"token_use":"access","exp":%s,"nbf":%[1]s,"iat":%[1]s,"auth_time":%[1]s}`, text))
				down, up := floorRat(exact), -floorRat(new(big.Rat).Neg(exact))
				if c == nil || c.Expiry.Unix() != down || c.NotBefore.Unix() != up || c.IssuedAt.Unix() != up || c.AuthTime.Unix() != up {
					t.Errorf("%s: %+v, want %d and %d", text, c, down, up)
				}
			}
		}
	}
	if fit < 200 || not < 50 {
		t.Errorf("%d fit, %d do not", fit, not)
	}
}

func floorRat(r *big.Rat) int64 {
	return new(big.Int).Div(r.Num(), r.Denom()).Int64() // Euclidean: floors, as the denominator is positive
}

// A number has 1,024 bytes at most, dates included, whatever it amounts to.
func TestClaims_dateOf1024Bytes(t *testing.T) {
	const second = "1772625600."
	for _, row := range []struct {
		bytes int
		fits  bool
	}{{1024, true}, {1025, false}} {
		text := second + strings.Repeat("0", row.bytes-len(second))
		if c := parseClaims(`{"exp":` + text + `}`); (c != nil) != row.fits {
			t.Errorf("%d bytes: %v, want %v", len(text), c != nil, row.fits)
		}
	}
}

func TestClaims_datesAreUTC(t *testing.T) {
	c := parseClaims(`{"exp":1772625600,"nbf":0,"iat":-1,"auth_time":253402300799}`)
	for _, at := range []time.Time{c.Expiry, c.NotBefore, c.IssuedAt, c.AuthTime} {
		if at.Location() != time.UTC || at.IsZero() || at.Nanosecond() != 0 {
			t.Errorf("%v", at)
		}
	}
	// The zero time.Time stands for a claim that is absent, so it must not come from one that is there.
	if c := parseClaims(`{"exp":-62135596800}`); c != nil && c.Expiry.IsZero() {
		t.Error("exp in the year one looks absent")
	}
}

func TestClaims_zero(t *testing.T) {
	c := new(cognitoauth.Claims)
	if len(c.Scopes())+len(c.Groups())+len(c.Audience()) > 0 || c.HasScope("") || c.HasScope("x") || c.HasGroup("") || c.HasGroup("x") || c.IsMachine() || c.String("sub") != "" || c.Bool("x") {
		t.Errorf("%+v has claims", c)
	}
	if err := c.Decode(new(any)); err == nil {
		t.Error("Decode of no claims")
	}
	none := (*cognitoauth.Claims)(nil)
	if none.String("sub") != "" || none.Bool("x") || none.HasScope("") || none.HasGroup("") || none.IsMachine() ||
		none.Scopes() != nil || none.Groups() != nil || none.Audience() != nil || none.Decode(new(any)) == nil {
		t.Error("nil has claims")
	}
}

// A token from the ordinary to the largest costs in proportion to its length,
// whatever it is full of. A square law would cost sixteen times as much for
// four times the length.
func TestClaims_linearInLength(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%06d":0,`, i)
		}
		return b.String()
	}
	fills := map[string]func(n int) string{
		"members":   names,
		"groups":    func(n int) string { return `"cognito:groups":["` + strings.Repeat(`x","`, n) + `"],` },
		"escapes":   func(n int) string { return `"custom:x":"` + strings.Repeat(`\u0041`, n) + `",` },
		"empties":   func(n int) string { return `"x":[` + strings.Repeat(`[],`, n) + `0],` },
		"objects":   func(n int) string { return `"x":[` + strings.Repeat(`{"a":{}},`, n) + `0],` },
		"audiences": func(n int) string { return `"aud":["` + strings.Repeat(`x","`, n) + `x"],` },
		"backslash": func(n int) string { return `"x":"` + strings.Repeat(`\\`, n) + `",` },
	}
	auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.MaxTokenBytes = 4 << 20 })
	for name, fill := range fills {
		token := func(n int) string {
			return pool.AccessToken().Payload([]byte(`{` + fill(n) + `"iss":"x"}`)).SignedWith(noSignature).String()
		}
		short, long := token(5000), token(20000)
		if code := lab.Decide(t, auth, long); code != "issuer_mismatch" {
			t.Errorf("%s: code %q", name, code)
		}
		if !grows(12, func() { auth.Validate(t.Context(), short) }, func() { auth.Validate(t.Context(), long) }) {
			t.Errorf("%s: 20000 cost more than twelve times as much as 5000", name)
		}
	}
}

// amr is a JSON array of strings (OpenID Connect Core, section 2; RFC 8176), and
// what is none has no methods: it refuses no token, since no check is made of it.
func TestClaims_AMR(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth := lab.MustNew(t, pool.Config())
	for _, tt := range []struct {
		amr  any
		want []string
	}{
		{[]string{"pwd", "otp", "mfa"}, []string{"pwd", "otp", "mfa"}},
		{[]string{"mfa", "pwd", "mfa"}, []string{"mfa", "pwd", "mfa"}},
		{[]string{""}, []string{""}},
		{[]string{"a\"b\\", "\u00e9,]"}, []string{"a\"b\\", "é,]"}},
		{[]string{}, nil},
		{nil, nil},
		{"pwd", nil},
		{"[\"pwd\"]", nil},
		{[]any{"pwd", 1}, nil},
		{[]any{[]string{"pwd"}}, nil},
		{map[string]string{"pwd": "otp"}, nil},
		{1, nil},
	} {
		c, err := auth.Validate(t.Context(), pool.AccessToken().Set("amr", tt.amr).String())
		if err != nil {
			t.Errorf("%v: %v", tt.amr, err)
		} else if got := c.AMR(); !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("%v: AMR is %q, want %q", tt.amr, got, tt.want)
		}
	}
	var none *cognitoauth.Claims
	if got := none.AMR(); got != nil || new(cognitoauth.Claims).AMR() != nil {
		t.Errorf("no claims: AMR is %q", got)
	}
	c := pool.AccessToken().Set("amr", []string{"pwd"}).Claims()
	c.AMR()[0] = "changed"
	if got := c.AMR()[0]; got != "pwd" {
		t.Errorf("AMR is %q after a change of what it returned", got)
	}
}
