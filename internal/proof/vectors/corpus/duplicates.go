package corpus

const (
	uniqueHeader = "RFC 7515, 4"
	uniqueClaims = "RFC 7519, 4"
	caseRule     = "RFC 7519, 7.3"
	kelvin       = "\u212A"
)

const evil = `"https://evil.example"`

func duplicates() []row {
	return []row{
		tok("alg none then RS256 is malformed", "S28", uniqueHeader, access().headBefore("alg", `"none"`), reject("token_malformed")),
		tok("alg RS256 then none is malformed", "S28", uniqueHeader, access().headAlso("alg", `"none"`), reject("token_malformed")),
		tok("alg RS256 twice is malformed", "S28", uniqueHeader, access().headAlso("alg", `"RS256"`), reject("token_malformed")),
		tok("alg and alg with an escape are malformed", "S28", uniqueHeader, access().headAlso(`\u0061lg`, `"none"`), reject("token_malformed")),
		tok("kid twice is malformed", "S28", uniqueHeader, access().headAlso("kid", `"foreign"`), reject("token_malformed")),
		tok("kid twice with the attacker's first is malformed", "S28", uniqueHeader, access().headBefore("kid", `"foreign"`), reject("token_malformed")),
		tok("typ twice is malformed", "S28", uniqueHeader, access().head("typ", `"JWT"`).headAlso("typ", `"dpop+jwt"`), reject("token_malformed")),
		tok("unknown header member twice is malformed", "S28", uniqueHeader, access().head("foo", "1").headAlso("foo", "1"), reject("token_malformed")),
		tok("member twice inside a header member is malformed", "S28", "RFC 8259, 4", access().head("foo", `{"a":1,"a":2}`), reject("token_malformed")),
		tok("three names for alg are malformed", "S28", uniqueHeader, access().headAlso(`al\u0067`, `"RS256"`).headAlso(`a\u006cg`, `"RS256"`), reject("token_malformed")),

		tok("iss evil then good is malformed", "S29", uniqueClaims, access().before("iss", evil), reject("claims_malformed")),
		tok("iss good then evil is malformed", "S29", uniqueClaims, access().also("iss", evil), reject("claims_malformed")),
		tok("iss good twice is malformed", "S29", uniqueClaims, access().also("iss", quote(issuer)), reject("claims_malformed")),
		tok("iss good then null is malformed", "S29", uniqueClaims, access().also("iss", "null"), reject("claims_malformed")),
		tok("exp expired then valid is malformed", "S30", uniqueClaims, access().before("exp", at(-3600)), reject("claims_malformed")),
		tok("exp valid then expired is malformed", "S30", uniqueClaims, access().also("exp", at(-3600)), reject("claims_malformed")),
		tok("exp twice the same is malformed", "S30", uniqueClaims, access().also("exp", at(3299)), reject("claims_malformed")),
		tok("token_use id then access is malformed", "S29", uniqueClaims, access().before("token_use", `"id"`), reject("claims_malformed")),
		tok("token_use access then id is malformed", "S29", uniqueClaims, access().also("token_use", `"id"`), reject("claims_malformed")),
		tok("client_id evil then good is malformed", "S29", uniqueClaims, access().before("client_id", `"evil"`), reject("claims_malformed")),
		tok("client_id good then evil is malformed", "S29", uniqueClaims, access().also("client_id", `"evil"`), reject("claims_malformed")),
		tok("sub twice is malformed", "S29", uniqueClaims, access().also("sub", `"someone-else"`), reject("claims_malformed")),
		tok("username twice is malformed", "S29", uniqueClaims, access().also("username", `"admin"`), reject("claims_malformed")),
		tok("scope twice is malformed", "S29", uniqueClaims, access().also("scope", `"api/write"`), reject("claims_malformed")),
		tok("cognito:groups twice is malformed", "S29", uniqueClaims, access().claim("cognito:groups", `["users"]`).also("cognito:groups", `["admin"]`), reject("claims_malformed")),
		tok("aud twice is malformed", "S29", uniqueClaims, access().claim("aud", quote(clientID)).also("aud", quote(apiURL)), reject("claims_malformed")),
		tok("nbf twice is malformed", "S29", uniqueClaims, access().claim("nbf", at(0)).also("nbf", at(3600)), reject("claims_malformed")),
		tok("origin_jti twice is malformed", "S29", uniqueClaims, access().also("origin_jti", `"x"`), reject("claims_malformed")),
		tok("claim nobody reads twice is malformed", "S29", uniqueClaims, access().claim("tenant", "1").also("tenant", "2"), reject("claims_malformed")),
		tok("member twice inside a claim is malformed", "S29", "RFC 8259, 4", access().claim("tenant", `{"id":1,"id":2}`), reject("claims_malformed")),
		tok("member twice deep inside a claim is malformed", "S29", "RFC 8259, 4", access().claim("tenant", `[[{"a":{"id":1,"id":1}}]]`), reject("claims_malformed")),
		tok("iss and iss with an escape are malformed", "S31", uniqueClaims, access().also(`\u0069ss`, evil), reject("claims_malformed")),
		tok("iss with an escape and iss are malformed", "S31", uniqueClaims, access().before(`\u0069ss`, evil), reject("claims_malformed")),
		tok("iss and a good iss with escapes are malformed", "S31", uniqueClaims, access().also(`\u0069\u0073\u0073`, quote(issuer)), reject("claims_malformed")),
		tok("escapes in capital and small digits name one claim", "S31", uniqueClaims, access().claim(`\u006Aoke`, "1").also(`\u006aoke`, "2"), reject("claims_malformed")),
		tok("escaped and plain name of a claim nobody reads are malformed", "S31", uniqueClaims, access().claim("café", "1").also(`caf\u00e9`, "2"), reject("claims_malformed")),
		tok("composed and decomposed names are two claims", "S31", "RFC 8259, 8.3", access().claim("caf\u00e9", "1").also("cafe\u0301", "2"), accept),
		tok("same member in two objects is no duplicate", "", "RFC 8259, 4", access().claim("a", `{"id":1}`).claim("b", `{"id":1,"iss":"x"}`), accept),
	}
}

// folding are names that a careless reader takes for the real ones: U+017F
// folds to s, U+212A to k.
func folding() []row {
	return []row{
		tok("CLIENT_ID in place of client_id is refused", "S33", caseRule, access().without("client_id").also("CLIENT_ID", quote(clientID)), reject("client_mismatch")),
		tok("Client_Id in place of client_id is refused", "S33", caseRule, access().without("client_id").also("Client_Id", quote(clientID)), reject("client_mismatch")),
		tok("clientId in place of client_id is refused", "S33", caseRule, access().without("client_id").also("clientId", quote(clientID)), reject("client_mismatch")),
		tok("client_id evil before CLIENT_ID good is refused", "S34", caseRule, access().claim("client_id", `"evil"`).also("CLIENT_ID", quote(clientID)), reject("client_mismatch")),
		tok("client_id evil after CLIENT_ID good is refused", "S34", caseRule, access().claim("client_id", `"evil"`).before("CLIENT_ID", quote(clientID)), reject("client_mismatch")),
		tok("client_id good before CLIENT_ID evil stays good", "S34", caseRule, access().also("CLIENT_ID", `"evil"`), accept).want(Want{ClientID: new(clientID)}),
		tok("client_id good after CLIENT_ID evil stays good", "S34", caseRule, access().before("CLIENT_ID", `"evil"`), accept).want(Want{ClientID: new(clientID)}),
		tok("iss with a long s in place of iss is refused", "S35", caseRule, access().without("iss").also("iſs", quote(issuer)), reject("issuer_mismatch")),
		tok("iss evil and iss with a long s good is refused", "S35", caseRule, access().claim("iss", evil).also("iſs", quote(issuer)), reject("issuer_mismatch")),
		tok("iss with a long s does not override iss", "S35", caseRule, access().also("iſs", evil), accept).want(Want{Issuer: new(issuer)}),
		tok("iss with two long s does not override iss", "S35", caseRule, access().also("iſſ", evil), accept).want(Want{Issuer: new(issuer)}),
		tok("ISS in place of iss is refused", "S35", caseRule, access().without("iss").also("ISS", quote(issuer)), reject("issuer_mismatch")),
		tok("token_use with a Kelvin sign in its place is refused", "S35", caseRule, access().without("token_use").also("to"+kelvin+"en_use", `"access"`), reject("token_use_mismatch")),
		tok("token_use id and a Kelvin sign with access is refused", "S35", caseRule, access().claim("token_use", `"id"`).also("to"+kelvin+"en_use", `"access"`), reject("token_use_mismatch")),
		tok("token_use with a Kelvin sign does not override token_use", "S35", caseRule, access().also("to"+kelvin+"en_use", `"id"`), accept).want(Want{TokenUse: new("access")}),
		tok("token_use with a long s in its place is refused", "S35", caseRule, access().without("token_use").also("token_uſe", `"access"`), reject("token_use_mismatch")),
		tok("Token_Use in place of token_use is refused", "S33", caseRule, access().without("token_use").also("Token_Use", `"access"`), reject("token_use_mismatch")),
		tok("EXP in place of exp is refused", "S33", caseRule, access().without("exp").also("EXP", at(3299)), reject("expiry_missing")),
		tok("Exp in the future does not mend an expired exp", "S34", caseRule, access().claim("exp", at(-3600)).also("Exp", at(3299)), reject("token_expired")),
		tok("EXP in the past does not expire a token", "S34", caseRule, access().also("EXP", at(-3600)), accept).want(Want{Expiry: new(int64(clock + 3299))}),
		tok("NBF in the future does not delay a token", "S34", caseRule, access().also("NBF", at(3600)), accept),
		tok("sub with a long s in its place is refused", "S35", caseRule, access().without("sub").also("ſub", quote(subject)), reject("subject_missing")),
		tok("sub with a long s does not override sub", "S35", caseRule, access().also("ſub", `"someone-else"`), accept).want(Want{Subject: new(subject)}),
		tok("SUB of another type is ignored", "S34", caseRule, access().also("SUB", "1"), accept).want(Want{Subject: new(subject)}),
		tok("AUD in place of a required aud is refused", "S33", caseRule, access().also("AUD", quote(apiURL)), reject("audience_mismatch")).in("audience"),
		tok("AUD of another API is ignored", "S34", caseRule, access().also("AUD", quote(apiURL)), accept).want(Want{Audience: []string{}}),
		tok("USERNAME does not make a user of a machine", "S34", caseRule, machine().also("USERNAME", `"admin"`), accept).want(Want{IsMachine: new(true), Username: new("")}),
		tok("username with a long s does not override username", "S35", caseRule, access().also("uſername", `"admin"`), accept).want(Want{Username: new(userName)}),
		tok("scope with a long s grants nothing", "S35", caseRule, access().without("scope").also("ſcope", `"api/read"`), reject("scope_missing")).policy(scope("api/read")),
		tok("SCOPE grants nothing", "S34", caseRule, access().also("SCOPE", `"api/write"`), reject("scope_missing")).policy(scope("api/write")),
		tok("cognito:groups with a long s grants nothing", "S35", caseRule, access().also("cognito:groupſ", `["admin"]`), reject("group_missing")).policy(group("admin")),
		tok("Cognito:Groups grants nothing", "S34", caseRule, access().also("Cognito:Groups", `["admin"]`), reject("group_missing")).policy(group("admin")),
		tok("full-width names are other claims", "S35", caseRule, access().also("ｉｓｓ", evil), accept).want(Want{Issuer: new(issuer)}),

		tok("ALG in place of alg is refused", "S36", "RFC 7515, 5.3", access().headWithout("alg").headAlso("ALG", `"RS256"`), reject("algorithm_unsupported")),
		tok("Alg in place of alg is refused", "S36", "RFC 7515, 5.3", access().headWithout("alg").headAlso("Alg", `"RS256"`), reject("algorithm_unsupported")),
		tok("alg none and ALG RS256 is refused", "S36", "RFC 7515, 5.3", access().head("alg", `"none"`).headAlso("ALG", `"RS256"`), reject("algorithm_unsupported")),
		tok("ALG none beside alg RS256 is ignored", "S36", "RFC 7515, 4", access().headAlso("ALG", `"none"`), accept),
		tok("kid with a Kelvin sign in its place is refused", "S36", "RFC 7515, 5.3", access().headWithout("kid").headAlso(kelvin+"id", quote(accessKID)), reject("key_id_invalid")),
		tok("kid with a Kelvin sign does not override kid", "S36", "RFC 7515, 4", access().headAlso(kelvin+"id", `"foreign"`), accept),
		tok("KID does not override kid", "S36", "RFC 7515, 4", access().headAlso("KID", `"foreign"`), accept),
		tok("CRIT is not crit", "S36", "RFC 7515, 4", access().headAlso("CRIT", `["foo"]`), accept),
		tok("TYP is not typ", "S36", "RFC 7515, 4", access().headAlso("TYP", `"dpop+jwt"`), accept),
	}
}
