package corpus

const (
	exclusive    = "RFC 8725, 3.12"
	audienceRule = "RFC 7519, 4.1.3"
	resourceRule = "RFC 8707, 2"
	subjectRule  = "RFC 7519, 4.1.2"
	bindingRule  = "RFC 7800, 3.1"
)

func tokenUses() []row {
	return []row{
		tok("ID token where access tokens are asked for is refused", "C10", exclusive, identity(), reject("token_use_mismatch")),
		tok("token_use id with the claims of an access token is refused", "C10", exclusive, access().claim("token_use", `"id"`), reject("token_use_mismatch")),
		tok("access token where ID tokens are asked for is refused", "C11", exclusive, access(), reject("token_use_mismatch")).in("id"),
		tok("token_use access with the claims of an ID token is refused", "C11", exclusive, identity().claim("token_use", `"access"`), reject("token_use_mismatch")).in("id"),
		tok("machine token where ID tokens are asked for is refused", "C11", exclusive, machine(), reject("token_use_mismatch")).in("id"),
		tok("token_use missing is refused", "C12", accessPage, access().without("token_use"), reject("token_use_mismatch")),
		tok("token_use missing on an ID token is refused", "C12", idPage, identity().without("token_use"), reject("token_use_mismatch")).in("id"),
		tok("token_use missing is refused where both kinds are taken", "C12", exclusive, access().without("token_use"), reject("token_use_mismatch")).in("both"),
		tok("token_use Access is refused", "C13", accessPage, access().claim("token_use", `"Access"`), reject("token_use_mismatch")),
		tok("token_use ACCESS is refused", "C13", accessPage, access().claim("token_use", `"ACCESS"`), reject("token_use_mismatch")),
		tok("token_use refresh is refused", "C13", tokensPage, access().claim("token_use", `"refresh"`), reject("token_use_mismatch")),
		tok("token_use empty is refused", "C13", accessPage, access().claim("token_use", `""`), reject("token_use_mismatch")),
		tok("token_use with a trailing space is refused", "C13", accessPage, access().claim("token_use", `"access "`), reject("token_use_mismatch")),
		tok("token_use with both kinds is refused", "C13", accessPage, access().claim("token_use", `"access id"`), reject("token_use_mismatch")),
		tok("token_use with a trailing NUL is refused", "C13", accessPage, access().claim("token_use", `"access\u0000"`), reject("token_use_mismatch")),
		tok("token_use with a long s is refused", "C13", accessPage, access().claim("token_use", `"acceſs"`), reject("token_use_mismatch")),
		tok("access token is accepted where both kinds are taken", "", exclusive, access(), accept).in("both").want(Want{TokenUse: new("access")}),
		tok("ID token is accepted where both kinds are taken", "", exclusive, identity().claim("aud", `"webclient"`), accept).in("both").want(Want{TokenUse: new("id"), ClientID: new("webclient")}),
		tok("access token of the client of the ID entry is refused", "", exclusive, access().claim("client_id", `"webclient"`), reject("client_mismatch")).in("both"),
		tok("ID token of the client of the access entry is refused", "", exclusive, identity(), reject("client_mismatch")).in("both"),
	}
}

func clients() []row {
	return []row{
		tok("client_id wrong is refused", "C14", accessPage, access().claim("client_id", `"2other23456789"`), reject("client_mismatch")),
		tok("client_id missing is refused", "C14", accessPage, access().without("client_id"), reject("client_mismatch")),
		tok("client_id empty is refused", "C14", accessPage, access().claim("client_id", `""`), reject("client_mismatch")),
		tok("client_id missing on a machine token is refused", "C14", accessPage, machine().without("client_id"), reject("client_mismatch")),
		tok("client_id missing is refused where aud names the client", "C15", accessPage, access().without("client_id").claim("aud", quote(clientID)), reject("client_mismatch")),
		tok("client_id wrong is refused where aud names the client", "C15", accessPage, access().claim("client_id", `"2other23456789"`).claim("aud", quote(clientID)), reject("client_mismatch")),
		tok("client_id missing is refused where azp names the client", "C15", accessPage, access().without("client_id").claim("azp", quote(clientID)).claim("cid", quote(clientID)), reject("client_mismatch")),
		tok("client_id with a trailing space is refused", "C16", accessPage, access().claim("client_id", quote(clientID+" ")), reject("client_mismatch")),
		tok("client_id with a leading space is refused", "C16", accessPage, access().claim("client_id", quote(" "+clientID)), reject("client_mismatch")),
		tok("client_id with a trailing NUL is refused", "C16", accessPage, access().claim("client_id", quote(clientID+"\x00")), reject("client_mismatch")),
		tok("client_id with a trailing line feed is refused", "C16", accessPage, access().claim("client_id", quote(clientID+"\n")), reject("client_mismatch")),
		tok("client_id in capitals is refused", "C16", accessPage, access().claim("client_id", `"1EXAMPLE23456789"`), reject("client_mismatch")),
		tok("client_id with a prefix of the right one is refused", "C16", accessPage, access().claim("client_id", quote(clientID[:8])), reject("client_mismatch")),
		tok("client_id that begins with the right one is refused", "C16", accessPage, access().claim("client_id", quote(clientID+"0")), reject("client_mismatch")),
		tok("client_id with two clients is refused", "C16", accessPage, access().claim("client_id", quote("anotherclient "+clientID)), reject("client_mismatch")).in("clients"),
		tok("client_id with a wildcard is refused", "C16", accessPage, access().claim("client_id", `"*"`), reject("client_mismatch")),
		tok("client_id with full-width digits is refused", "C16", accessPage, access().claim("client_id", `"１example23456789"`), reject("client_mismatch")),
		tok("second of two clients is accepted", "C17", accessPage, access(), accept).in("clients"),
		tok("first of two clients is accepted", "C17", accessPage, access().claim("client_id", `"anotherclient"`), accept).in("clients").want(Want{ClientID: new("anotherclient")}),
		tok("third client beside two is refused", "C17", accessPage, access().claim("client_id", `"third"`), reject("client_mismatch")).in("clients"),
		tok("client of the other pool is refused in this one", "C17", issuerRule, access().claim("client_id", `"otherclient"`), reject("client_mismatch")).in("two pools"),
		tok("any client is accepted where that is configured", "", accessPage, access().claim("client_id", `"2other23456789"`), accept).in("any client").want(Want{ClientID: new("2other23456789")}),
		tok("client_id missing is refused where any client is accepted", "C14", accessPage, access().without("client_id"), reject("client_mismatch")).in("any client"),
		tok("client_id empty is refused where any client is accepted", "C14", accessPage, access().claim("client_id", `""`), reject("client_mismatch")).in("any client"),

		tok("ID token with aud in an array of two is refused", "C20", idPage, identity().claim("aud", "["+quote(clientID)+`,"2other23456789"]`), reject("client_mismatch")).in("id"),
		tok("ID token with aud in an array of one is refused", "C20", idPage, identity().claim("aud", "["+quote(clientID)+"]"), reject("client_mismatch")).in("id"),
		tok("ID token with aud in an empty array is refused", "C20", idPage, identity().claim("aud", "[]"), reject("client_mismatch")).in("id"),
		tok("ID token with another aud is refused", "C21", idPage, identity().claim("aud", `"2other23456789"`), reject("client_mismatch")).in("id"),
		tok("ID token without aud is refused", "C21", idPage, identity().without("aud"), reject("client_mismatch")).in("id"),
		tok("ID token with an empty aud is refused", "C21", idPage, identity().claim("aud", `""`), reject("client_mismatch")).in("id"),
		tok("ID token with an API as aud is refused", "C21", idPage, identity().claim("aud", quote(apiURL)), reject("client_mismatch")).in("id"),
		tok("ID token without aud is refused where client_id names the client", "C21", idPage, identity().without("aud").claim("client_id", quote(clientID)), reject("client_mismatch")).in("id"),
		tok("ID token with another aud is refused where client_id names the client", "C21", idPage, identity().claim("aud", `"2other23456789"`).claim("client_id", quote(clientID)), reject("client_mismatch")).in("id"),
		tok("ID token takes its client from aud and not from client_id", "C21", idPage, identity().claim("client_id", `"2other23456789"`), accept).in("id").want(Want{ClientID: new(clientID)}),
	}
}

func bound(aud string) recipe { return access().claim("aud", aud) }

func audiences() []row {
	return []row{
		tok("aud of an API is refused where none is configured", "C22", audienceRule, bound(quote(apiURL)), reject("audience_mismatch")),
		tok("aud of an API in an array is refused where none is configured", "C22", audienceRule, bound("["+quote(apiURL)+"]"), reject("audience_mismatch")),
		tok("aud of an API on a machine token is refused where none is configured", "C22", audienceRule, machine().claim("aud", quote(apiURL)), reject("audience_mismatch")),
		tok("aud of another client is refused where none is configured", "C22", audienceRule, bound(`"anotherclient"`), reject("audience_mismatch")).in("clients"),
		tok("aud of another client is refused where any client is accepted", "C22", audienceRule, bound(`"anotherclient"`), reject("audience_mismatch")).in("any client"),
		tok("aud of the configured API is accepted", "C23", resourceRule, bound(quote(apiURL)), accept).in("audience").want(Want{Audience: []string{apiURL}}),
		tok("aud of the first of two configured APIs is accepted", "C23", resourceRule, bound(`"https://other.example.com"`), accept).in("audience"),
		tok("aud of the configured API in an array is accepted", "C23", resourceRule, bound("["+quote(apiURL)+"]"), accept).in("audience").want(Want{Audience: []string{apiURL}}),
		tok("aud of the configured API among others is accepted", "C23", audienceRule, bound(`["https://third.example.com",`+quote(apiURL)+"]"), accept).in("audience").want(Want{Audience: []string{"https://third.example.com", apiURL}}),
		tok("aud of another API is refused", "C24", audienceRule, bound(`"https://third.example.com"`), reject("audience_mismatch")).in("audience"),
		tok("aud of two other APIs is refused", "C24", audienceRule, bound(`["https://third.example.com","https://fourth.example.com"]`), reject("audience_mismatch")).in("audience"),
		tok("aud of the API with a slash is refused", "C24", resourceRule, bound(quote(apiURL+"/")), reject("audience_mismatch")).in("audience"),
		tok("aud of the API in capitals is refused", "C24", resourceRule, bound(`"https://API.example.com"`), reject("audience_mismatch")).in("audience"),
		tok("aud of the API with a path is refused", "C24", resourceRule, bound(quote(apiURL+"/v1")), reject("audience_mismatch")).in("audience"),
		tok("aud of the API with its port is refused", "C24", resourceRule, bound(quote(apiURL+":443")), reject("audience_mismatch")).in("audience"),
		tok("aud of the API over http is refused", "C24", resourceRule, bound(`"http://api.example.com"`), reject("audience_mismatch")).in("audience"),
		tok("aud that begins with the API is refused", "C24", resourceRule, bound(quote(apiURL+".evil.example")), reject("audience_mismatch")).in("audience"),
		tok("aud of both APIs in one string is refused", "C24", audienceRule, bound(quote(apiURL+" https://other.example.com")), reject("audience_mismatch")).in("audience"),
		tok("aud absent is refused for a user where an API is configured", "C25", resourceRule, access(), reject("audience_mismatch")).in("audience"),
		tok("aud of the own client is refused for a user where an API is configured", "C25", triggerPage, bound(quote(clientID)), reject("audience_mismatch")).in("audience"),
		tok("aud absent is accepted for a machine where an API is configured", "C25", scopesPage, machine(), accept).in("audience"),
		tok("aud of the own client is accepted for a machine where an API is configured", "C25", triggerPage, machine().claim("aud", quote(clientID)), accept).in("audience"),
		tok("aud of the API is accepted for a machine", "C25", resourceRule, machine().claim("aud", quote(apiURL)), accept).in("audience"),
		tok("aud of another API is refused for a machine", "C25", audienceRule, machine().claim("aud", `"https://third.example.com"`), reject("audience_mismatch")).in("audience"),
		tok("aud of the own client is accepted where none is configured", "C26", triggerPage, bound(quote(clientID)), accept).want(Want{Audience: []string{clientID}}),
		tok("aud of the own client in an array is accepted where none is configured", "C26", triggerPage, bound("["+quote(clientID)+"]"), accept),
		tok("aud of the own client is accepted for a machine where none is configured", "C26", triggerPage, machine().claim("aud", quote(clientID)), accept),
		tok("aud of the own client and an API is accepted where none is configured", "C26", audienceRule, bound("["+quote(clientID)+","+quote(apiURL)+"]"), accept),
		tok("aud empty array is refused", "C28", audienceRule, bound("[]"), reject("audience_mismatch")),
		tok("aud empty array is refused where an API is configured", "C28", audienceRule, bound("[]"), reject("audience_mismatch")).in("audience"),
		tok("aud empty array on a machine token is refused", "C28", audienceRule, machine().claim("aud", "[]"), reject("audience_mismatch")).in("audience"),
		tok("aud empty string is refused", "C28", audienceRule, bound(`""`), reject("audience_mismatch")),
		tok("aud empty string on a machine token is refused", "C28", audienceRule, machine().claim("aud", `""`), reject("audience_mismatch")),
		tok("aud array of an empty string is refused", "C28", audienceRule, bound(`[""]`), reject("audience_mismatch")),
		tok("aud array with an empty string beside the API is refused", "C28", audienceRule, bound("["+quote(apiURL)+`,""]`), reject("audience_mismatch")).in("audience"),
		tok("aud array with an empty string beside the client is refused", "C28", audienceRule, bound("["+quote(clientID)+`,""]`), reject("audience_mismatch")),
		tok("audience is not asked of an ID token", "", idPage, identity(), accept).under(pools(with(func(p *Pool) { p.Audiences = []string{apiURL} }), with(func(p *Pool) { p.TokenUse = "id" }))),
	}
}

// bindings are tokens with cnf. The examples are those of RFC 9449, 6.1, and RFC
// 8705, 3.1.
func bindings() []row {
	const jkt, x5t = `{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}`, `{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}`
	return []row{
		tok("token bound to a DPoP key is refused", "", bindingRule, access().claim("cnf", jkt), reject("token_bound")),
		tok("token bound to a client certificate is refused", "", bindingRule, access().claim("cnf", x5t), reject("token_bound")),
		tok("machine token bound to a client certificate is refused", "", bindingRule, machine().claim("cnf", x5t), reject("token_bound")),
		tok("ID token bound to a key is refused", "", bindingRule, identity().claim("cnf", jkt), reject("token_bound")).in("id"),
		tok("cnf of no members is refused", "", bindingRule, access().claim("cnf", "{}"), reject("token_bound")),
		tok("cnf null is refused", "", bindingRule, access().claim("cnf", "null"), reject("token_bound")),
		tok("cnf empty string is refused", "", bindingRule, access().claim("cnf", `""`), reject("token_bound")),
		tok("cnf with an escape in its name is refused", "", bindingRule, access().also(`\u0063nf`, jkt), reject("token_bound")),
		tok("cnf below another claim binds nothing", "", bindingRule, access().claim("act", `{"cnf":`+jkt+`}`), accept),
		tok("CNF is another claim", "", bindingRule, access().claim("CNF", jkt), accept),
	}
}

func subjects() []row {
	return []row{
		tok("sub missing on a user token is refused", "C47", accessPage, access().without("sub"), reject("subject_missing")),
		tok("sub empty on a user token is refused", "C47", accessPage, access().claim("sub", `""`), reject("subject_missing")),
		tok("sub missing beside an empty username is refused", "C47", accessPage, access().without("sub").claim("username", `""`), reject("subject_missing")),
		tok("sub missing on an ID token is refused", "C47", idPage, identity().without("sub"), reject("subject_missing")).in("id"),
		tok("sub empty on an ID token is refused", "C47", idPage, identity().claim("sub", `""`), reject("subject_missing")).in("id"),
		tok("sub missing on an ID token without a name is refused", "C47", idPage, identity().without("sub", "cognito:username"), reject("subject_missing")).in("id"),
		tok("sub missing on a machine token falls back to the client", "C47", scopesPage, machine().without("sub"), accept).want(Want{Subject: new(clientID), IsMachine: new(true)}),
		tok("sub empty on a machine token falls back to the client", "C47", scopesPage, machine().claim("sub", `""`), accept).want(Want{Subject: new(clientID), IsMachine: new(true)}),
		tok("sub that is no UUID is accepted", "C47", subjectRule, access().claim("sub", `"user 1"`), accept).want(Want{Subject: new("user 1")}),
		tok("machine token is accepted", "C49", scopesPage, machine(), accept).want(Want{Subject: new(clientID), Username: new(""), ClientID: new(clientID), IsMachine: new(true), Scopes: []string{"api/read"}, Groups: []string{}}),
		tok("machine token with its own sub is accepted", "C49", scopesPage, machine().claim("sub", `"service"`), accept).want(Want{Subject: new("service"), IsMachine: new(true)}),
		tok("machine token of little more than its client is accepted", "C49", scopesPage, machine().without("sub", "scope", "auth_time", "version", "jti"), accept).want(Want{Subject: new(clientID), IsMachine: new(true)}),
		tok("user whose sub is the client is a user", "C49", accessPage, access().claim("sub", quote(clientID)), accept).want(Want{IsMachine: new(false)}),
		tok("ID token without a name is no machine token", "C49", idPage, identity().without("cognito:username"), accept).in("id").want(Want{IsMachine: new(false), Username: new("")}),
		tok("cognito:username does not name the user of an access token", "C49", accessPage, access().claim("cognito:username", `"admin"`), accept).want(Want{Username: new(userName)}),
		tok("username does not name the user of an ID token", "C49", idPage, identity().claim("username", `"admin"`), accept).in("id").want(Want{Username: new(userName)}),
		tok("cognito:username does not make a user of a machine", "C49", accessPage, machine().claim("cognito:username", `"admin"`), accept).want(Want{IsMachine: new(true), Username: new("")}),

		tok("token whose origin_jti is revoked is refused", "C54", revokePage, access(), reject("token_revoked")).in("revocation"),
		tok("token of another session is accepted", "C54", revokePage, access().claim("origin_jti", `"another"`), accept).in("revocation"),
		tok("ID token of a revoked session is refused", "C54", revokePage, identity(), reject("token_revoked")).under(Config{Pools: []Pool{with(func(p *Pool) { p.TokenUse = "id" })}, Revoked: []string{"5b1c9000-aaaa-4bbb-8ccc-000000000001"}}),
		tok("revocation is not asked about a forged token", "Z18", revokePage, access().by(rs256("foreign")), reject("signature_invalid")).in("revocation"),
		tok("revocation is not asked about an expired token", "Z18", revokePage, expiring(at(-3600)), reject("token_expired")).in("revocation"),
		tok("revocation is not asked about another client's token", "Z18", revokePage, access().claim("client_id", `"2other23456789"`), reject("client_mismatch")).in("revocation"),
		tok("rule is not asked about a forged token", "Z18", "RFC 8725, 3.3", access().by(rs256("foreign")), reject("signature_invalid")).policy(scope("api/read")),
		tok("rule is not asked about an ID token in place of an access token", "Z18", exclusive, identity(), reject("token_use_mismatch")).policy(group("admin")),
	}
}
