package corpus

import (
	"strings"
	"unicode/utf16"
)

const (
	objectHeader = "RFC 7515, 5.2"
	objectClaims = "RFC 7519, 7.2"
	grammar      = "RFC 8259, 2"
	characters   = "RFC 8259, 8.1"
	surrogates   = "RFC 8259, 8.2"
	limits       = "RFC 8259, 9"
	numbersRFC   = "RFC 8259, 6"
	stringsRFC   = "RFC 8259, 7"
)

// nested are arrays inside one another; as the value of a claim, the object
// around them is one level more.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func nestedObjects(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }

func utf16Text(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u >> 8))
		b.WriteByte(byte(u))
	}
	return b.String()
}

// headSized is a genuine token whose header has exactly that many octets.
func headSized(n int) recipe {
	r := access().head("fill", `""`)
	return r.head("fill", quote(strings.Repeat("a", n-len(r.header.text()))))
}

func headerText() []row {
	return []row{
		tok("header null is malformed", "S19", objectHeader, access().headIs("null"), reject("token_malformed")),
		tok("header array is malformed", "S19", objectHeader, access().headIs("[%s]"), reject("token_malformed")),
		tok("header empty array is malformed", "S19", objectHeader, access().headIs("[]"), reject("token_malformed")),
		tok("header string is malformed", "S19", objectHeader, access().headIs(`"RS256"`), reject("token_malformed")),
		tok("header number is malformed", "S19", objectHeader, access().headIs("256"), reject("token_malformed")),
		tok("header true is malformed", "S19", objectHeader, access().headIs("true"), reject("token_malformed")),
		tok("header of white space is malformed", "S19", objectHeader, access().headIs("  "), reject("token_malformed")),
		tok("empty object as header names no algorithm", "S19", "RFC 7515, 4.1.1", access().headIs("{}"), reject("algorithm_unsupported")),
		tok("header followed by a letter is malformed", "", objectHeader, access().headIs("%sx"), reject("token_malformed")),
		tok("header followed by a second object is malformed", "", objectHeader, access().headIs(`%s{"alg":"none"}`), reject("token_malformed")),
		tok("header after a second object is malformed", "", objectHeader, access().headIs(`{"alg":"none"}%s`), reject("token_malformed")),
		tok("header followed by NUL is malformed", "", objectHeader, access().headIs("%s\x00"), reject("token_malformed")),
		tok("header followed by a closing brace is malformed", "", objectHeader, access().headIs("%s}"), reject("token_malformed")),
		tok("header with a byte order mark is malformed", "", characters, access().headIs("\uFEFF%s"), reject("token_malformed")),
		tok("header in UTF-16 is malformed", "", characters, access().headIs(utf16Text(access().header.text())), reject("token_malformed")),
		tok("header with invalid UTF-8 is malformed", "", characters, access().head("note", "\"\xff\""), reject("token_malformed")),
		tok("header with invalid UTF-8 in a name is malformed", "", characters, access().head("no\xffte", `"x"`), reject("token_malformed")),
		tok("header with an overlong slash is malformed", "", characters, access().head("note", "\"\xc0\xaf\""), reject("token_malformed")),
		tok("header with a lone surrogate is malformed", "", surrogates, access().head("note", `"\ud800"`), reject("token_malformed")),
		tok("header with a raw line feed in a string is malformed", "", stringsRFC, access().head("note", "\"a\nb\""), reject("token_malformed")),
		tok("header with a trailing comma is malformed", "", grammar, access().headIs(strings.TrimSuffix(access().header.text(), "}")+",}"), reject("token_malformed")),
		tok("header with a comment is malformed", "", grammar, access().headIs("/* */%s"), reject("token_malformed")),
		tok("header in single quotes is malformed", "", grammar, access().headIs(strings.ReplaceAll(access().header.text(), `"`, `'`)), reject("token_malformed")),
		tok("header without its last brace is malformed", "", grammar, access().headIs(strings.TrimSuffix(access().header.text(), "}")), reject("token_malformed")),
		tok("header with a number that begins with zero is malformed", "", numbersRFC, access().head("note", "01"), reject("token_malformed")),
		tok("header with NaN is malformed", "", numbersRFC, access().head("note", "NaN"), reject("token_malformed")),
		tok("header with a no-break space between members is malformed", "", grammar, access().headIs("\u00a0%s"), reject("token_malformed")),
		tok("header nested 70 deep is malformed", "S26", limits, access().head("note", nested(70)), reject("token_malformed")),
		tok("header of 1 KiB is accepted", "", limits, headSized(1024), accept),
		tok("header over 1 KiB is malformed", "", limits, headSized(1025), reject("token_malformed")),
		tok("header of 20 KiB is malformed", "", limits, headSized(20000), reject("token_malformed")),

		tok("white space and line feeds in the header are accepted", "S27", grammar, access().headIs("\n{ \"kid\" : \""+accessKID+"\",\r\n\t\"alg\" : \"RS256\" }\n"), accept),
		tok("header with its members the other way round is accepted", "S27", grammar, access().headIs(`{"alg":"RS256","kid":"`+accessKID+`"}`), accept),
		tok("header with an escaped name and value is accepted", "S27", stringsRFC, access().headIs(`{"\u0061lg":"\u0052S256","k\u0069d":"`+accessKID+`"}`), accept),
		tok("header with slashes of the kid escaped is accepted", "S27", stringsRFC, access().head("kid", `"`+strings.ReplaceAll(accessKID, "/", `\/`)+`"`), accept),
		tok("header with a number no double holds is malformed", "", numbersRFC, access().head("note", "1e400"), reject("token_malformed")),
		tok("header with nested values nobody reads is accepted", "H36", "RFC 7515, 4", access().head("note", `{"a":[1,{"b":null}]}`), accept),
	}
}

func payloadText() []row {
	return []row{
		tok("payload null is malformed", "S20", objectClaims, access().payloadIs("null"), reject("claims_malformed")),
		tok("payload empty array is malformed", "S20", objectClaims, access().payloadIs("[]"), reject("claims_malformed")),
		tok("payload array around the claims is malformed", "S20", objectClaims, access().payloadIs("[%s]"), reject("claims_malformed")),
		tok("payload string is malformed", "S20", objectClaims, access().payloadIs(`"x"`), reject("claims_malformed")),
		tok("payload number is malformed", "S20", objectClaims, access().payloadIs("1"), reject("claims_malformed")),
		tok("payload true is malformed", "S20", objectClaims, access().payloadIs("true"), reject("claims_malformed")),
		tok("payload of white space is malformed", "S20", objectClaims, access().payloadIs(" \n"), reject("claims_malformed")),
		tok("payload that is a string of JSON is malformed", "S20", objectClaims, access().payloadIs(quote(access().payload.text())), reject("claims_malformed")),
		tok("payload that is another token is malformed", "S20", objectClaims, access().payloadIs("eyJhbGciOiJub25lIn0.e30."), reject("claims_malformed")),
		tok("payload that is plain text is malformed", "S20", objectClaims, access().payloadIs("hello"), reject("claims_malformed")),
		tok("empty object as payload names no issuer", "S21", accessPage, access().payloadIs("{}"), reject("issuer_mismatch")),
		tok("payload followed by a letter is malformed", "S22", grammar, access().payloadIs("%sx"), reject("claims_malformed")),
		tok("payload followed by a second object is malformed", "S22", grammar, access().payloadIs(`%s{"iss":"https://evil.example"}`), reject("claims_malformed")),
		tok("payload after a second object is malformed", "S22", grammar, access().payloadIs(`{"iss":"https://evil.example"}%s`), reject("claims_malformed")),
		tok("payload followed by NUL is malformed", "S22", grammar, access().payloadIs("%s\x00"), reject("claims_malformed")),
		tok("payload followed by a closing brace is malformed", "S22", grammar, access().payloadIs("%s}"), reject("claims_malformed")),
		tok("payload followed by a comma is malformed", "S22", grammar, access().payloadIs("%s,"), reject("claims_malformed")),
		tok("payload after a record separator is malformed", "S22", grammar, access().payloadIs("\x1e%s"), reject("claims_malformed")),
		tok("payload followed by white space is accepted", "S22", grammar, access().payloadIs(" \t%s\r\n "), accept),
		tok("payload with a byte order mark is malformed", "S23", characters, access().payloadIs("\uFEFF%s"), reject("claims_malformed")),
		tok("payload in UTF-16 is malformed", "S23", characters, access().payloadIs(utf16Text(access().payload.text())), reject("claims_malformed")),
		tok("payload in UTF-16 with a byte order mark is malformed", "S23", characters, access().payloadIs("\xfe\xff"+utf16Text(access().payload.text())), reject("claims_malformed")),

		tok("invalid UTF-8 in sub is malformed", "S24", characters, access().claim("sub", "\"a\xffb\""), reject("claims_malformed")),
		tok("invalid UTF-8 in a claim nobody reads is malformed", "S24", characters, access().claim("note", "\"a\xffb\""), reject("claims_malformed")),
		tok("invalid UTF-8 in a nested value is malformed", "S24", characters, access().claim("note", "{\"a\":[\"\xfe\"]}"), reject("claims_malformed")),
		tok("invalid UTF-8 in a name is malformed", "S24", characters, access().claim("no\x80te", "1"), reject("claims_malformed")),
		tok("UTF-8 cut short is malformed", "S24", characters, access().claim("note", "\"\xe2\x82\""), reject("claims_malformed")),
		tok("overlong UTF-8 is malformed", "S24", characters, access().claim("note", "\"\xc0\xaf\""), reject("claims_malformed")),
		tok("surrogates in UTF-8 are malformed", "S24", characters, access().claim("note", "\"\xed\xa0\xbd\xed\xb8\x80\""), reject("claims_malformed")),
		tok("UTF-8 beyond U+10FFFF is malformed", "S24", characters, access().claim("note", "\"\xf4\x90\x80\x80\""), reject("claims_malformed")),
		tok("text in Latin-1 is malformed", "S24", characters, access().claim("username", "\"Jos\xe9\""), reject("claims_malformed")),
		tok("text in UTF-8 is accepted", "S24", characters, access().claim("username", `"José 日本 😀"`), accept).want(Want{Username: new("José 日本 😀")}),
		tok("replacement character as such is accepted", "S24", characters, access().claim("username", `"a\ufffdb"`), accept).want(Want{Username: new("a\ufffdb")}),
		tok("lone high surrogate in sub is malformed", "S25", surrogates, access().claim("sub", `"a\ud800b"`), reject("claims_malformed")),
		tok("lone low surrogate in sub is malformed", "S25", surrogates, access().claim("sub", `"a\udc00b"`), reject("claims_malformed")),
		tok("surrogates in the wrong order are malformed", "S25", surrogates, access().claim("sub", `"\udc00\ud800"`), reject("claims_malformed")),
		tok("two high surrogates are malformed", "S25", surrogates, access().claim("note", `"\ud800\ud800"`), reject("claims_malformed")),
		tok("lone surrogate in a name is malformed", "S25", surrogates, access().claim(`no\ud800te`, "1"), reject("claims_malformed")),
		tok("pair of surrogates is accepted", "S25", surrogates, access().claim("username", `"\ud83d\ude00"`), accept).want(Want{Username: new("😀")}),
		tok("escaped NUL is accepted as a character", "", stringsRFC, access().claim("username", `"a\u0000b"`), accept).want(Want{Username: new("a\x00b")}),

		tok("nesting of 10001 levels is malformed", "S26", limits, access().claim("note", nested(10000)), reject("claims_malformed")),
		tok("objects nested 1000 deep are malformed", "S26", limits, access().claim("note", nestedObjects(1000)), reject("claims_malformed")),
		tok("brackets that never close are malformed", "S26", limits, access().payloadIs(strings.Repeat("[", 20000)), reject("claims_malformed")),
		tok("nesting of 65 levels is malformed", "S26", limits, access().claim("note", nested(64)), reject("claims_malformed")),
		tok("objects nested to 65 levels are malformed", "S26", limits, access().claim("note", nestedObjects(64)), reject("claims_malformed")),
		tok("nesting of 64 levels is accepted", "S26", limits, access().claim("note", nested(63)), accept),
		tok("objects nested to 64 levels are accepted", "S26", limits, access().claim("note", nestedObjects(63)), accept),
		tok("thousand empty arrays side by side are accepted", "S26", limits, access().claim("note", "["+strings.Repeat("[],", 999)+"[]]"), accept),

		tok("claims named after members of JavaScript objects are accepted", "S32", "RFC 7519, 4", access().claim("__proto__", `{"client_id":"evil"}`).claim("constructor", `"x"`), accept).want(Want{ClientID: new(clientID)}),
		tok("claim without a name is accepted", "", grammar, access().claim("", "1"), accept),
		tok("unknown and nested claims and a new version are accepted", "C50", "RFC 7519, 4", access().claim("version", "3").claim("tenant", `{"id":7,"tags":["a",null,true]}`).claim("tier", `"gold"`), accept).want(Want{Strings: map[string]string{"tier": "gold"}}),
		tok("version that is a string is accepted", "C50", accessPage, access().claim("version", `"2"`), accept),
		tok("claims without a version are accepted", "C50", accessPage, access().without("version"), accept),

		tok("number no double holds in a claim nobody reads is malformed", "", numbersRFC, access().claim("note", "1e400"), reject("claims_malformed")),
		tok("number of 4800 digits in a claim nobody reads is malformed", "", numbersRFC, access().claim("note", strings.Repeat("123456789012", 400)), reject("claims_malformed")),
		tok("largest double in a claim nobody reads is accepted", "", numbersRFC, access().claim("note", "1.7976931348623157e308"), accept),
		tok("number that begins with zero is malformed", "", numbersRFC, access().claim("note", "01"), reject("claims_malformed")),
		tok("number with a plus sign is malformed", "", numbersRFC, access().claim("note", "+1"), reject("claims_malformed")),
		tok("number that ends with its point is malformed", "", numbersRFC, access().claim("note", "1."), reject("claims_malformed")),
		tok("number that begins with its point is malformed", "", numbersRFC, access().claim("note", ".5"), reject("claims_malformed")),
		tok("hexadecimal number is malformed", "", numbersRFC, access().claim("note", "0x10"), reject("claims_malformed")),
		tok("number with an empty exponent is malformed", "", numbersRFC, access().claim("note", "1e"), reject("claims_malformed")),
		tok("minus sign alone is malformed", "", numbersRFC, access().claim("note", "-"), reject("claims_malformed")),
		tok("NaN is malformed", "", numbersRFC, access().claim("note", "NaN"), reject("claims_malformed")),
		tok("Infinity is malformed", "", numbersRFC, access().claim("note", "-Infinity"), reject("claims_malformed")),
		tok("True with a capital is malformed", "", grammar, access().claim("note", "True"), reject("claims_malformed")),
		tok("undefined is malformed", "", grammar, access().claim("note", "undefined"), reject("claims_malformed")),
		tok("raw line feed in a string is malformed", "", stringsRFC, access().claim("note", "\"a\nb\""), reject("claims_malformed")),
		tok("raw NUL in a string is malformed", "", stringsRFC, access().claim("note", "\"a\x00b\""), reject("claims_malformed")),
		tok("escape that does not exist is malformed", "", stringsRFC, access().claim("note", `"\x41"`), reject("claims_malformed")),
		tok("escape with too few digits is malformed", "", stringsRFC, access().claim("note", `"\u41"`), reject("claims_malformed")),
		tok("single quotes are malformed", "", stringsRFC, access().claim("note", `'a'`), reject("claims_malformed")),
		tok("trailing comma is malformed", "", grammar, access().payloadIs(strings.TrimSuffix(access().payload.text(), "}")+",}"), reject("claims_malformed")),
		tok("comment is malformed", "", grammar, access().payloadIs("%s// end"), reject("claims_malformed")),
		tok("name without quotes is malformed", "", grammar, access().payloadIs(strings.Replace(access().payload.text(), `"iss"`, "iss", 1)), reject("claims_malformed")),
		tok("payload without its last brace is malformed", "", grammar, access().payloadIs(strings.TrimSuffix(access().payload.text(), "}")), reject("claims_malformed")),
		tok("form feed between members is malformed", "", grammar, access().payloadIs("\f%s"), reject("claims_malformed")),
		tok("no-break space between members is malformed", "", grammar, access().payloadIs("\u00a0%s"), reject("claims_malformed")),
		tok("names and values that are escaped are accepted", "", stringsRFC, access().without("iss").also(`\u0069ss`, `"https:\/\/cognito-idp.\u0065u-west-1.amazonaws.com\/`+poolID+`"`), accept).want(Want{Issuer: new(issuer)}),
		tok("line separator U+2028 in a string is accepted", "", stringsRFC, access().claim("note", "\"a\u2028b\""), accept),
	}
}
