package corpus

import (
	"strings"
)

const (
	kidRule  = "RFC 7515, 4.1.4"
	critRule = "RFC 7515, 4.1.11"
	typRule  = "RFC 8725, 3.11"
	jkuRule  = "RFC 8725, 3.10"
)

const attackerJWK = `{"kty":"RSA","alg":"RS256","use":"sig","e":"AQAB","kid":"foreign","n":@n:foreign}`

func keyIDs() []row {
	return []row{
		tok("kid missing is refused", "H17", verifyPage, access().headWithout("kid"), reject("key_id_invalid")),
		tok("kid missing is refused over a set of one key", "H17", verifyPage, access().headWithout("kid"), reject("key_id_invalid")).over(set(key("access"))),
		tok("kid empty is refused", "H18", verifyPage, access().head("kid", `""`), reject("key_id_invalid")),
		tok("kid number is refused", "H19", kidRule, access().head("kid", "1"), reject("key_id_invalid")),
		tok("kid null is refused", "H19", kidRule, access().head("kid", "null"), reject("key_id_invalid")),
		tok("kid true is refused", "H19", kidRule, access().head("kid", "true"), reject("key_id_invalid")),
		tok("kid array is refused", "H19", kidRule, access().head("kid", "["+quote(accessKID)+"]"), reject("key_id_invalid")),
		tok("kid object is refused", "H19", kidRule, access().head("kid", `{"kid":`+quote(accessKID)+"}"), reject("key_id_invalid")),
		tok("kid unknown is refused", "H20", verifyPage, access().head("kid", `"unknown"`), reject("key_unknown")),
		tok("kid of an attacker's key is unknown", "H20", verifyPage, access().head("kid", `"foreign"`).by(rs256("foreign")), reject("key_unknown")),
		tok("kid with a path is unknown", "H21", jkuRule, access().head("kid", `"../../../../dev/null"`), reject("key_unknown")),
		tok("kid with a quote of SQL is unknown", "H21", jkuRule, access().head("kid", `"x' UNION SELECT 'key"`), reject("key_unknown")),
		tok("kid with a command is unknown", "H21", jkuRule, access().head("kid", `"x|/usr/bin/id"`), reject("key_unknown")),
		tok("kid with a URL is unknown", "H21", jkuRule, access().head("kid", `"https://evil.example/jwks.json"`), reject("key_unknown")),
		tok("kid with a line feed and a header is unknown", "H21", jkuRule, access().head("kid", `"x\r\nSet-Cookie: a=b"`), reject("key_unknown")),
		tok("kid of 256 octets that is not in the set is unknown", "H21", kidRule, access().head("kid", quote(strings.Repeat("k", 256))), reject("key_unknown")),
		tok("kid of 257 octets is refused", "H21", kidRule, access().head("kid", quote(strings.Repeat("k", 257))), reject("key_id_invalid")),
		tok("kid of 129 characters and 258 octets is refused", "H21", kidRule, access().head("kid", quote(strings.Repeat("é", 129))), reject("key_id_invalid")),
		tok("kid of 10 kB is malformed with its header", "H21", kidRule, access().head("kid", quote(strings.Repeat("k", 10000))), reject("token_malformed")),
		tok("kid of 256 octets that is in the set is accepted", "H21", kidRule, access().head("kid", quote(strings.Repeat("k", 256))), accept).over(set(key("access").kid(strings.Repeat("k", 256)))),
		tok("kid in another script that is in the set is accepted", "H21", kidRule, access().head("kid", `"schlüssel-鍵"`), accept).over(set(key("access").kid("schlüssel-鍵"))),
		tok("kid with its padding cut is unknown", "H22", kidRule, access().head("kid", quote(strings.TrimSuffix(accessKID, "="))), reject("key_unknown")),
		tok("kid with padding more is unknown", "H22", kidRule, access().head("kid", quote(accessKID+"=")), reject("key_unknown")),
		tok("kid in the url alphabet is unknown", "H22", kidRule, access().head("kid", quote(strings.NewReplacer("+", "-", "/", "_").Replace(accessKID))), reject("key_unknown")),
		tok("kid percent-encoded is unknown", "H22", kidRule, access().head("kid", quote(strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(accessKID))), reject("key_unknown")),
		tok("kid with its plus read as a space is unknown", "H22", kidRule, access().head("kid", quote(strings.ReplaceAll(accessKID, "+", " "))), reject("key_unknown")),
		tok("kid in upper case is unknown", "H22", kidRule, access().head("kid", quote(strings.ToUpper(accessKID))), reject("key_unknown")),
		tok("kid with a trailing space is unknown", "H22", kidRule, access().head("kid", quote(accessKID+" ")), reject("key_unknown")),
		tok("kid with a trailing NUL is unknown", "H22", kidRule, access().head("kid", quote(accessKID+"\x00")), reject("key_unknown")),
		tok("kid decomposed where the set has it composed is unknown", "H22", kidRule, access().head("kid", `"cle\u0301"`), reject("key_unknown")).over(set(key("access").kid("cl\u00e9"))),
		tok("kid of the other pool with its signature is unknown to this pool", "H23", "RFC 8725, 3.8", access().head("kid", quote(otherKID)).by(rs256("other")), reject("key_unknown")).in("two pools"),
		tok("token of the other pool under its own key is accepted", "H23", "RFC 8725, 3.8", access().head("kid", quote(otherKID)).claim("iss", `"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_OtherPool"`).claim("client_id", `"otherclient"`).by(rs256("other")), accept).in("two pools").want(Want{PoolID: new("eu-west-1_OtherPool")}),
		tok("token of the other pool under this pool's key is unknown", "H23", "RFC 8725, 3.8", access().claim("iss", `"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_OtherPool"`).claim("client_id", `"otherclient"`), reject("key_unknown")).in("two pools"),
	}
}

// members are header members besides alg, kid and typ.
func members() []row {
	return []row{
		tok("crit with a member that is there is refused", "H24", critRule, access().head("crit", `["foo"]`).head("foo", "1"), reject("header_unsupported")),
		tok("crit with a member that is missing is refused", "H24", critRule, access().head("crit", `["foo"]`), reject("header_unsupported")),
		tok("crit with exp is refused", "H24", critRule, access().head("crit", `["exp"]`).head("exp", at(3299)), reject("header_unsupported")),
		tok("crit with a registered name is refused", "H24", critRule, access().head("crit", `["alg"]`), reject("header_unsupported")),
		tok("crit with a name twice is refused", "H24", critRule, access().head("crit", `["foo","foo"]`).head("foo", "1"), reject("header_unsupported")),
		tok("crit empty is refused", "H25", critRule, access().head("crit", "[]"), reject("header_unsupported")),
		tok("crit null is refused", "H25", critRule, access().head("crit", "null"), reject("header_unsupported")),
		tok("crit string is refused", "H25", critRule, access().head("crit", `"foo"`).head("foo", "1"), reject("header_unsupported")),
		tok("crit number is refused", "H25", critRule, access().head("crit", "1"), reject("header_unsupported")),
		tok("crit object is refused", "H25", critRule, access().head("crit", "{}"), reject("header_unsupported")),
		tok("crit false is refused", "H25", critRule, access().head("crit", "false"), reject("header_unsupported")),
		tok("crit with an empty name is refused", "H25", critRule, access().head("crit", `[""]`), reject("header_unsupported")),
		tok("crit with a number in it is refused", "H25", critRule, access().head("crit", "[1]"), reject("header_unsupported")),
		tok("crit with its name escaped is refused", "H24", critRule, access().headAlso(`\u0063rit`, `["foo"]`), reject("header_unsupported")),
		tok("b64 false under crit is refused", "H26", "RFC 7797, 6", access().head("crit", `["b64"]`).head("b64", "false"), reject("header_unsupported")),
		tok("b64 true under crit is refused", "H26", "RFC 7797, 6", access().head("crit", `["b64"]`).head("b64", "true"), reject("header_unsupported")),
		tok("b64 false without crit is refused", "H26", "RFC 7797, 6", access().head("b64", "false"), reject("header_unsupported")),
		tok("b64 true without crit is refused", "H26", "RFC 7797, 7", access().head("b64", "true"), reject("header_unsupported")),
		tok("b64 null is refused", "H26", "RFC 7797, 3", access().head("b64", "null"), reject("header_unsupported")),
		tok("b64 false over a payload that is not encoded is refused", "H26", "RFC 7797, 6", access().head("crit", `["b64"]`).head("b64", "false").payloadCoded(become("payloads")), reject("header_unsupported")),

		tok("embedded key of an attacker under its kid is not used", "H27", jkuRule, access().head("kid", `"foreign"`).head("jwk", attackerJWK).by(rs256("foreign")), reject("key_unknown")),
		tok("embedded key of an attacker without a kid is not used", "H27", jkuRule, access().headWithout("kid").head("jwk", attackerJWK).by(rs256("foreign")), reject("key_id_invalid")),
		tok("embedded key of an attacker under a known kid is not used", "H28", jkuRule, access().head("jwk", attackerJWK).by(rs256("foreign")), reject("signature_invalid")),
		tok("embedded key with the known kid is not used", "H28", jkuRule, access().head("jwk", strings.Replace(attackerJWK, `"foreign"`, quote(accessKID), 1)).by(rs256("foreign")), reject("signature_invalid")),
		tok("jku of an attacker is not followed", "H29", jkuRule, access().head("jku", `"https://evil.example/jwks.json"`).by(rs256("foreign")), reject("signature_invalid")),
		tok("jku of an attacker under an unknown kid is not followed", "H29", jkuRule, access().head("kid", `"foreign"`).head("jku", `"https://evil.example/jwks.json"`).by(rs256("foreign")), reject("key_unknown")),
		tok("jku that begins like the issuer is not followed", "H29", jkuRule, access().head("kid", `"foreign"`).head("jku", quote(issuer+"@evil.example/jwks.json")).by(rs256("foreign")), reject("key_unknown")),
		tok("x5u of an attacker is not followed", "H29", jkuRule, access().head("x5u", `"https://evil.example/cert.pem"`).by(rs256("foreign")), reject("signature_invalid")),
		tok("x5c of an attacker is not used", "H29", jkuRule, access().head("x5c", "[@cert:foreign]").by(rs256("foreign")), reject("signature_invalid")),
		tok("x5c of an attacker under an unknown kid is not used", "H29", jkuRule, access().head("kid", `"foreign"`).head("x5c", "[@cert:foreign]").by(rs256("foreign")), reject("key_unknown")),
		tok("x5c that is no certificate is not used", "H29", jkuRule, access().head("x5c", `["AAAA"]`).by(rs256("foreign")), reject("signature_invalid")),
		tok("jku over a genuine signature is ignored", "H30", "RFC 7515, 4", access().head("jku", `"https://evil.example/jwks.json"`), accept),
		tok("jku with a loopback address over a genuine signature is ignored", "H30", "RFC 7515, 4", access().head("jku", `"http://127.0.0.1:1/jwks.json"`), accept),
		tok("x5u over a genuine signature is ignored", "H30", "RFC 7515, 4", access().head("x5u", `"https://evil.example/cert.pem"`), accept),
		tok("x5c over a genuine signature is ignored", "H30", "RFC 7515, 4", access().head("x5c", `["AAAA"]`).head("x5t", `"AAAA"`).head("x5t#S256", `"AAAA"`), accept),
		tok("jwk over a genuine signature is ignored", "H30", "RFC 7515, 4", access().head("jwk", attackerJWK), accept),
		tok("cty JWT is refused", "H34", "RFC 7519, 5.2", access().head("cty", `"JWT"`), reject("header_unsupported")),
		tok("cty json is refused", "H34", "RFC 7519, 5.2", access().head("cty", `"json"`), reject("header_unsupported")),
		tok("cty empty is refused", "H34", "RFC 7519, 5.2", access().head("cty", `""`), reject("header_unsupported")),
		tok("cty null is refused", "H34", "RFC 7519, 5.2", access().head("cty", "null"), reject("header_unsupported")),
		tok("cty JWT over a nested token is refused", "H34", "RFC 7519, 5.2", access().head("cty", `"JWT"`).payloadIs("eyJhbGciOiJub25lIn0.e30."), reject("header_unsupported")),
		tok("enc is refused", "H35", "RFC 7516, 9", access().head("enc", `"A256GCM"`), reject("header_unsupported")),
		tok("enc null is refused", "H35", "RFC 7516, 9", access().head("enc", "null"), reject("header_unsupported")),
		tok("zip is refused", "H35", "RFC 7516, 4.1.3", access().head("zip", `"DEF"`), reject("header_unsupported")),
		tok("zip null is refused", "H35", "RFC 7516, 4.1.3", access().head("zip", "null"), reject("header_unsupported")),
		tok("unknown member is ignored", "H36", "RFC 7515, 4", access().head("foo", `"bar"`), accept),
		tok("count of PBES2 rounds is ignored", "H36", "RFC 7515, 4", access().head("p2c", "2147483647"), accept),
		tok("claims repeated in the header are ignored", "H36", "RFC 7519, 5.3", access().head("iss", `"https://evil.example"`).head("aud", `"x"`), accept).want(Want{Issuer: new(issuer)}),
	}
}

func types() []row {
	return []row{
		tok("typ absent is accepted", "H31", accessPage, access(), accept),
		tok("typ JWT is accepted", "H31", "RFC 7519, 5.1", access().head("typ", `"JWT"`), accept),
		tok("typ jwt is accepted", "H31", "RFC 7515, 4.1.9", access().head("typ", `"jwt"`), accept),
		tok("typ Jwt is accepted", "H31", "RFC 7515, 4.1.9", access().head("typ", `"Jwt"`), accept),
		tok("typ at+jwt is accepted", "H31", "RFC 9068, 2.1", access().head("typ", `"at+jwt"`), accept),
		tok("typ AT+JWT is accepted", "H31", "RFC 9068, 2.1", access().head("typ", `"AT+JWT"`), accept),
		tok("typ application/at+jwt is accepted", "H31", "RFC 9068, 2.1", access().head("typ", `"application/at+jwt"`), accept),
		tok("typ application/jwt is accepted", "H31", "RFC 7515, 4.1.9", access().head("typ", `"application/jwt"`), accept),
		tok("typ APPLICATION/JWT is accepted", "H31", "RFC 7515, 4.1.9", access().head("typ", `"APPLICATION/JWT"`), accept),
		tok("typ dpop+jwt is refused", "H32", typRule, access().head("typ", `"dpop+jwt"`), reject("type_unsupported")),
		tok("typ logout+jwt is refused", "H32", typRule, access().head("typ", `"logout+jwt"`), reject("type_unsupported")),
		tok("typ secevent+jwt is refused", "H32", typRule, access().head("typ", `"secevent+jwt"`), reject("type_unsupported")),
		tok("typ application/logout+jwt is refused", "H32", typRule, access().head("typ", `"application/logout+jwt"`), reject("type_unsupported")),
		tok("typ entity-statement+jwt is refused", "H32", typRule, access().head("typ", `"entity-statement+jwt"`), reject("type_unsupported")),
		tok("typ JOSE is refused", "H32", typRule, access().head("typ", `"JOSE"`), reject("type_unsupported")),
		tok("typ JWS is refused", "H32", typRule, access().head("typ", `"JWS"`), reject("type_unsupported")),
		tok("typ JWE is refused", "H32", typRule, access().head("typ", `"JWE"`), reject("type_unsupported")),
		tok("typ empty is refused", "H32", typRule, access().head("typ", `""`), reject("type_unsupported")),
		tok("typ application/ alone is refused", "H32", typRule, access().head("typ", `"application/"`), reject("type_unsupported")),
		tok("typ application/application/jwt is refused", "H32", typRule, access().head("typ", `"application/application/jwt"`), reject("type_unsupported")),
		tok("typ text/jwt is refused", "H32", typRule, access().head("typ", `"text/jwt"`), reject("type_unsupported")),
		tok("typ with a trailing space is refused", "H32", typRule, access().head("typ", `"JWT "`), reject("type_unsupported")),
		tok("typ with a parameter is refused", "H32", typRule, access().head("typ", `"JWT;charset=utf-8"`), reject("type_unsupported")),
		tok("typ with letters that look alike is refused", "H32", typRule, access().head("typ", `"ЈWT"`), reject("type_unsupported")),
		tok("typ number is refused", "H33", "RFC 7515, 4.1.9", access().head("typ", "1"), reject("type_unsupported")),
		tok("typ null is refused", "H33", "RFC 7515, 4.1.9", access().head("typ", "null"), reject("type_unsupported")),
		tok("typ array is refused", "H33", "RFC 7515, 4.1.9", access().head("typ", `["JWT"]`), reject("type_unsupported")),
		tok("typ true is refused", "H33", "RFC 7515, 4.1.9", access().head("typ", "true"), reject("type_unsupported")),
		tok("typ object is refused", "H33", "RFC 7515, 4.1.9", access().head("typ", "{}"), reject("type_unsupported")),
	}
}
