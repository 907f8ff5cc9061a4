package corpus

import "strings"

// escaped writes each slash of a text without other escapes as \/.
func escaped(text string) string { return strings.ReplaceAll(text, "/", `\/`) }

// old is a recipe as Cognito wrote its tokens until 2025.
func old(r recipe) recipe {
	for _, o := range []*object{&r.header, &r.payload} {
		members := make(object, len(*o))
		for i, m := range *o {
			members[i] = member{escaped(m.name), escaped(m.value)}
		}
		*o = members
	}
	return r
}

// escapedSlashes are tokens whose escapes mean what the plain ones mean.
func escapedSlashes() []row {
	const slashed = "api/v1/read"
	grouped := access().claim("cognito:groups", `["eng/web","ops"]`)
	return []row{
		tok("access token with every slash escaped is accepted", "", stringsRFC, old(access()), accept).want(Want{Issuer: new(issuer), Scopes: []string{"aws.cognito.signin.user.admin", "api/read"}}),
		tok("ID token with every slash escaped is accepted", "", stringsRFC, old(identity()), accept).in("id").want(Want{Issuer: new(issuer), ClientID: new(clientID)}),
		tok("machine token with every slash escaped is accepted", "", stringsRFC, old(machine()), accept).want(Want{Issuer: new(issuer), Scopes: []string{"api/read"}, IsMachine: new(true)}),
		tok("scope with escaped slashes meets the rule", "", stringsRFC, old(access().claim("scope", quote(slashed))), accept).policy(scope(slashed)),
		tok("scope with an escaped slash too many does not meet the rule", "", stringsRFC, access().claim("scope", `"api\/\/read"`), reject("scope_missing")).policy(scope("api/read")),
		tok("group with an escaped slash is that group", "", stringsRFC, old(grouped), accept).want(Want{Groups: []string{"eng/web", "ops"}}),
		tok("audience with escaped slashes is that audience", "", stringsRFC, old(bound(quote(apiURL))), accept).in("audience").want(Want{Audience: []string{apiURL}}),
		tok("custom claim with escaped slashes in name and value is that claim", "", stringsRFC, old(access().claim("https://example.com/tier", `"a/b"`)), accept).want(Want{Strings: map[string]string{"https://example.com/tier": "a/b"}}),
		tok("escaped and plain slashes side by side are accepted", "", stringsRFC, access().claim("iss", `"https:\//cognito-idp.eu-west-1.amazonaws.com\/`+poolID+`"`), accept).want(Want{Issuer: new(issuer)}),
		tok("escaped slashes beside other escapes are accepted", "", stringsRFC, old(access()).claim("username", `"\u006aane\/\\\/\"\/"`), accept).want(Want{Username: new(`jane/\/"/`), Issuer: new(issuer)}),
		tok("escaped slashes between white space are accepted", "", grammar, old(access()).payloadIs(" %s "), accept).want(Want{Issuer: new(issuer)}),
		tok("escaped slashes beside nested values are accepted", "", grammar, old(access()).claim("note", `{"a\/b":["\/",{"c":"\/\/"}]}`), accept).want(Want{Issuer: new(issuer)}),
		tok("escaped slash as the name of a claim is accepted", "", stringsRFC, access().claim(`\/`, `"\/"`), accept).want(Want{Strings: map[string]string{"/": "/"}}),
	}
}

// lookalikeSlashes are texts in which a backslash before a slash escapes nothing,
// or in which the escape must not open what is closed.
func lookalikeSlashes() []row {
	return []row{
		tok("escaped backslash before a slash in iss is another issuer", "", stringsRFC, access().claim("iss", `"https:\\/\\/cognito-idp.eu-west-1.amazonaws.com\\/`+poolID+`"`), reject("issuer_mismatch")),
		tok("escaped backslash before an escaped slash is a backslash and a slash", "", stringsRFC, access().claim("username", `"a\\\/b"`), accept).want(Want{Username: new(`a\/b`)}),
		tok("escaped backslash before a plain slash is a backslash and a slash", "", stringsRFC, access().claim("username", `"a\\/b"`), accept).want(Want{Username: new(`a\/b`)}),
		tok("escaped backslash at the end of a string ends it there", "", stringsRFC, access().claim("username", `"a\\"`).claim("note", `"\/"`), accept).want(Want{Username: new(`a\`)}),
		tok("escaped and plain spelling of one name are malformed", "S31", uniqueClaims, access().claim("a/b", "1").also(`a\/b`, "2"), reject("claims_malformed")),
		tok("plain and escaped spelling of one name are malformed", "S31", uniqueClaims, access().before(`a\/b`, "1").also("a/b", "2"), reject("claims_malformed")),
		tok("escaped slash and the number of a slash in one name are malformed", "S31", uniqueClaims, access().claim(`a\/b`, "1").also(`a\u002fb`, "2"), reject("claims_malformed")),
		tok("escaped spelling of one name inside a claim is malformed", "S31", "RFC 8259, 4", access().claim("note", `{"a/b":1,"a\/b":2}`), reject("claims_malformed")),
		tok("escaped spelling of one name in the header is malformed", "S28", uniqueHeader, access().head("a/b", "1").headAlso(`a\/b`, "2"), reject("token_malformed")),
		tok("name with a backslash and name with a slash are two claims", "", stringsRFC, access().claim(`a\/b`, `"x"`).also(`a\\/b`, `"y"`), accept).want(Want{Strings: map[string]string{"a/b": "x", `a\/b`: "y"}}),
		tok("escaped slash outside a string is malformed", "", grammar, access().payloadIs(`%s\/`), reject("claims_malformed")),
		tok("escaped slash in front of the claims is malformed", "", grammar, access().payloadIs(`\/%s`), reject("claims_malformed")),
		tok("escaped slashes as a comment are malformed", "", grammar, access().payloadIs(`\/* *\/%s`), reject("claims_malformed")),
		tok("escaped slash as a value is malformed", "", grammar, access().claim("note", `\/`), reject("claims_malformed")),
		tok("backslash as the last byte is malformed", "", grammar, old(access()).payloadIs(`%s\`), reject("claims_malformed")),
		tok("raw control character behind an escaped slash is malformed", "", stringsRFC, access().claim("note", "\"\\/\n\""), reject("claims_malformed")),
		tok("invalid UTF-8 around an escaped slash is malformed", "", characters, access().claim("note", "\"\xe2\x82\\/\xac\""), reject("claims_malformed")),
		tok("escaped slash in alg is not RS256", "H15", algRule, access().head("alg", `"RS256\/"`), reject("algorithm_unsupported")),
		tok("kid with an escaped backslash before its slash is unknown", "", stringsRFC, access().head("kid", `"`+strings.ReplaceAll(accessKID, "/", `\\/`)+`"`), reject("key_unknown")),
	}
}
