package corpus

const (
	steps     = "RFC 7519, 7.2"
	elsewhere = "https://evil.example/pool"
)

// order has two faults in every token. The faults come in the order of the
// checks: form, header, claims as JSON, issuer and kind, times, client,
// subject, audience, binding, key, signature.
func order() []row {
	return []row{
		tok("length comes before form", "", limits, text(string(make([]byte, 40000))), reject("token_too_large")),
		tok("algorithm comes before padding behind the signature", "", steps, access().head("alg", `"none"`).then(suffix("=")), reject("algorithm_unsupported")),
		tok("algorithm comes before the encoding of the signature", "", steps, access().head("alg", `"none"`).then(nextLetter), reject("algorithm_unsupported")),
		tok("algorithm comes before the encoding of the payload", "", steps, leaving(1).head("alg", `"none"`).payloadCoded(nextLetter), reject("algorithm_unsupported")),
		tok("algorithm comes before the claims", "", steps, access().head("alg", `"none"`).payloadIs("null"), reject("algorithm_unsupported")),
		tok("algorithm comes before the expiry", "", steps, expiring(at(-3600)).head("alg", `"HS256"`), reject("algorithm_unsupported")),
		tok("crit comes before the claims", "", steps, access().head("crit", `["exp"]`).payloadIs("null"), reject("header_unsupported")),
		tok("typ comes before the issuer", "", steps, from(elsewhere).head("typ", `"logout+jwt"`), reject("type_unsupported")),
		tok("kid missing comes before the issuer", "", steps, from(elsewhere).headWithout("kid"), reject("key_id_invalid")),
		tok("claims as JSON come before the issuer", "", steps, from(elsewhere).payloadIs("%s{}"), reject("claims_malformed")),
		tok("claims as JSON come before the signature", "", steps, access().payloadIs("%sx").by(rs256("foreign")), reject("claims_malformed")),
		tok("issuer comes before the kind", "", steps, from(elsewhere).claim("token_use", `"id"`), reject("issuer_mismatch")),
		tok("issuer comes before the expiry", "", steps, from(elsewhere).claim("exp", at(-3600)), reject("issuer_mismatch")),
		tok("issuer comes before the key", "", steps, from(elsewhere).head("kid", `"foreign"`), reject("issuer_mismatch")),
		tok("issuer comes before the signature", "", steps, from(elsewhere).by(rs256("foreign")), reject("issuer_mismatch")),
		tok("kind comes before the expiry", "", steps, access().claim("token_use", `"id"`).claim("exp", at(-3600)), reject("token_use_mismatch")),
		tok("kind comes before the client", "", steps, access().claim("token_use", `"id"`).claim("client_id", `"x"`), reject("token_use_mismatch")),
		tok("expiry missing comes before nbf", "", steps, access().without("exp").claim("nbf", at(3600)), reject("expiry_missing")),
		tok("expiry missing comes before the client", "", steps, access().without("exp", "client_id"), reject("expiry_missing")),
		tok("expiry comes before nbf", "", steps, expiring(at(-3600)).claim("nbf", at(3600)), reject("token_expired")),
		tok("expiry comes before the lifetime", "", steps, expiring(at(-3600)).claim("iat", "0"), reject("token_expired")),
		tok("expiry comes before the client", "", steps, expiring(at(-3600)).claim("client_id", `"x"`), reject("token_expired")),
		tok("expiry comes before the key", "", steps, expiring(at(-3600)).head("kid", `"unknown"`), reject("token_expired")),
		tok("expiry comes before the signature", "", steps, expiring(at(-3600)).by(rs256("foreign")), reject("token_expired")),
		tok("nbf comes before iat", "", steps, access().claim("nbf", at(3000)).claim("iat", at(3000)), reject("token_not_yet_valid")),
		tok("nbf comes before the client", "", steps, access().claim("nbf", at(3000)).claim("client_id", `"x"`), reject("token_not_yet_valid")),
		tok("iat comes before the lifetime", "", steps, access().claim("iat", at(100)).claim("exp", at(3*aDay)), reject("token_issued_in_future")),
		tok("iat comes before the client", "", steps, access().claim("iat", at(100)).claim("client_id", `"x"`), reject("token_issued_in_future")),
		tok("lifetime comes before the client", "", steps, expiring(at(3*aDay)).claim("client_id", `"x"`), reject("lifetime_too_long")),
		tok("client comes before the subject", "", steps, access().claim("client_id", `"x"`).without("sub"), reject("client_mismatch")),
		tok("client comes before the audience", "", steps, access().claim("client_id", `"x"`).claim("aud", quote(apiURL)), reject("client_mismatch")),
		tok("client comes before the key", "", steps, access().claim("client_id", `"x"`).head("kid", `"unknown"`), reject("client_mismatch")),
		tok("client comes before the signature", "", steps, access().claim("client_id", `"x"`).by(rs256("foreign")), reject("client_mismatch")),
		tok("subject comes before the audience", "", steps, access().without("sub").claim("aud", quote(apiURL)), reject("subject_missing")),
		tok("subject comes before the key", "", steps, access().without("sub").head("kid", `"unknown"`), reject("subject_missing")),
		tok("audience comes before the key", "", steps, bound(quote(apiURL)).head("kid", `"unknown"`), reject("audience_mismatch")),
		tok("audience comes before the signature", "", steps, bound(quote(apiURL)).by(rs256("foreign")), reject("audience_mismatch")),
		tok("audience comes before the binding", "", steps, bound(quote(apiURL)).claim("cnf", "{}"), reject("audience_mismatch")),
		tok("binding comes before the key", "", steps, access().claim("cnf", "{}").head("kid", `"unknown"`), reject("token_bound")),
		tok("binding comes before the signature", "", steps, access().claim("cnf", "{}").by(rs256("foreign")), reject("token_bound")),
		tok("key comes before the signature", "", steps, access().head("kid", `"unknown"`).by(rs256("foreign")), reject("key_unknown")),
		tok("signature comes before revocation", "", steps, access().then(part(2, flip(9))), reject("signature_invalid")).in("revocation"),
		tok("revocation comes before the rules", "", steps, access(), reject("token_revoked")).in("revocation").policy(scope("api/write")),
	}
}
