package corpus

import (
	"crypto"
	"crypto/rsa"
)

const (
	pinned   = "RFC 8725, 3.1"
	noneRule = "RFC 8725, 3.2"
	algRule  = "RFC 7515, 4.1.1"
)

// algorithms are the values that alg may not have. The signature is the genuine
// one, so that nothing else can refuse the token, or none at all, as RFC 7518,
// 3.6 has it.
func algorithms() []row {
	var rows []row
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "nonE", "none ", " none", "none\x00", "n\u043ene", ""} {
		o := reject("algorithm_unsupported")
		rows = append(rows,
			tok("alg "+quote(alg)+" over a genuine signature is refused", "H2", noneRule, access().head("alg", quote(alg)), o),
			tok("alg "+quote(alg)+" without a signature is refused", "H2", noneRule, access().head("alg", quote(alg)).by(octets()), o))
	}
	for _, alg := range []string{"rs256", "Rs256", "rS256", "RS256 ", " RS256", "RS256\x00", "RS256\n", "RS-256", "RSA256", "SHA256withRSA", "ＲＳ２５６", "RS256,none", "RS2560", "RS25", "R\u017f256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"} {
		rows = append(rows, tok("alg "+quote(alg)+" is not RS256", "H15", algRule, access().head("alg", quote(alg)), reject("algorithm_unsupported")))
	}
	for _, alg := range []string{"256", "null", "true", "false", `["RS256"]`, `[]`, `{"RS256":1}`, `{}`, `["none","RS256"]`} {
		rows = append(rows, tok("alg "+alg+" that is no string is refused", "H16", algRule, access().head("alg", alg), reject("algorithm_unsupported")))
	}
	for _, alg := range []string{"RSA-OAEP", "RSA1_5", "A128KW", "dir", "PBES2-HS256+A128KW", "ECDH-ES", "A256GCMKW", "ML-DSA-65", "ES256K", "RSA-PSS", "HS1", "RS1"} {
		rows = append(rows, tok("alg "+alg+" of another kind is refused", "", pinned, access().head("alg", quote(alg)), reject("algorithm_unsupported")))
	}
	return rows
}

// hmacs are tokens whose MAC has a secret that anybody can work out, under
// every reading of what the octets of a public key are.
func hmacs() []row {
	var rows []row
	for _, s := range []struct {
		name   string
		secret func(*rsa.PublicKey) []byte
	}{
		{"SubjectPublicKeyInfo in PEM", pkixPEM},
		{"SubjectPublicKeyInfo in PEM without its last line feed", trimmedPEM},
		{"SubjectPublicKeyInfo in PEM with CR LF", crlfPEM},
		{"SubjectPublicKeyInfo in DER", pkixDER},
		{"SubjectPublicKeyInfo in base64", base64DER},
		{"RSAPublicKey in PEM", pkcs1PEM},
		{"RSAPublicKey in DER", pkcs1DER},
		{"octets of the modulus", modulusOctets},
		{"base64url of the modulus", modulusText},
		{"decimal digits of the modulus", modulusDecimal},
		{"JWK", jwkText},
		{"JWK Set", jwksText},
		{"thumbprint of the JWK", thumbprint},
		{"kid", kidOctets},
		{"empty string", nothing},
	} {
		o := reject("algorithm_unsupported")
		r := access().head("alg", `"HS256"`).by(hs(crypto.SHA256, s.secret))
		rows = append(rows,
			tok("HS256 with the "+s.name+" as secret is refused", "H3", pinned, r, o),
			tok("HS256 with the "+s.name+" as secret is refused where keys have no alg", "H4", pinned, r, o).in("noalg"),
			tok("HMAC with the "+s.name+" as secret is no RS256 signature", "H3", "RFC 8017, 8.2.2", r.head("alg", `"RS256"`), reject("signature_invalid")))
	}
	return rows
}

// withKey is the pool's set and one key more.
func withKey(extra ...jwk) keySet { return set(append([]jwk{key("access"), key("id")}, extra...)...) }

func signedAs(alg, kid string, s signer) recipe {
	return access().head("alg", quote(alg)).head("kid", quote(kid)).by(s)
}

func confusion() []row {
	return []row{
		tok("alg none with a signature of junk is refused", "H1", noneRule, access().head("alg", `"none"`).by(filled(0x41, 256)), reject("algorithm_unsupported")),
		tok("alg none without a kid is refused", "H1", noneRule, access().headIs(`{"alg":"none"}`).by(octets(0)), reject("algorithm_unsupported")),
		tok("unsecured token as RFC 7519 shows it is refused", "H1", noneRule, access().headIs(`{"alg":"none"}`).by(octets()), reject("algorithm_unsupported")),
		tok("alg none in a header of its own is refused", "H1", noneRule, access().headIs(`{"alg":"none","typ":"JWT"}`), reject("algorithm_unsupported")),
		tok("alg missing is refused", "H14", algRule, access().headWithout("alg"), reject("algorithm_unsupported")),

		tok("HS256 with the public key and no kid is refused", "H3", pinned, access().headIs(`{"alg":"HS256","typ":"JWT"}`).by(hs(crypto.SHA256, pkixPEM)), reject("algorithm_unsupported")),
		tok("HS384 with the public key is refused", "H3", pinned, access().head("alg", `"HS384"`).by(hs(crypto.SHA384, pkixPEM)), reject("algorithm_unsupported")),
		tok("HS512 with the public key is refused", "H3", pinned, access().head("alg", `"HS512"`).by(hs(crypto.SHA512, pkixPEM)), reject("algorithm_unsupported")),
		tok("HS384 with the public key is refused where keys have no alg", "H4", pinned, access().head("alg", `"HS384"`).by(hs(crypto.SHA384, pkixPEM)), reject("algorithm_unsupported")).in("noalg"),
		tok("hs256 in lower case with the public key is refused", "H3", pinned, access().head("alg", `"hs256"`).by(hs(crypto.SHA256, pkixPEM)), reject("algorithm_unsupported")),

		tok("RS384 signed as such is refused", "H5", pinned, access().head("alg", `"RS384"`).by(rsaWith("access", crypto.SHA384)), reject("algorithm_unsupported")),
		tok("RS512 signed as such is refused", "H5", pinned, access().head("alg", `"RS512"`).by(rsaWith("access", crypto.SHA512)), reject("algorithm_unsupported")),
		tok("RS384 signed as such is refused where keys have no alg", "H6", pinned, access().head("alg", `"RS384"`).by(rsaWith("access", crypto.SHA384)), reject("algorithm_unsupported")).in("noalg"),
		tok("RS512 signed as such is refused where keys have no alg", "H6", pinned, access().head("alg", `"RS512"`).by(rsaWith("access", crypto.SHA512)), reject("algorithm_unsupported")).in("noalg"),
		tok("RS384 in the header over a genuine RS256 signature is refused", "H5", pinned, access().head("alg", `"RS384"`), reject("algorithm_unsupported")),
		tok("RS384 signature under an RS256 header does not verify", "H5", "RFC 8017, 8.2.2", access().by(rsaWith("access", crypto.SHA384)), reject("signature_invalid")),
		tok("RS512 signature under an RS256 header does not verify", "H5", "RFC 8017, 8.2.2", access().by(rsaWith("access", crypto.SHA512)), reject("signature_invalid")),
		tok("PS256 signed as such is refused", "H7", pinned, access().head("alg", `"PS256"`).by(pssWith("access", crypto.SHA256)), reject("algorithm_unsupported")),
		tok("PS384 signed as such is refused", "H7", pinned, access().head("alg", `"PS384"`).by(pssWith("access", crypto.SHA384)), reject("algorithm_unsupported")),
		tok("PS512 signed as such is refused", "H7", pinned, access().head("alg", `"PS512"`).by(pssWith("access", crypto.SHA512)), reject("algorithm_unsupported")),
		tok("PS256 signed as such is refused where keys have no alg", "H7", pinned, access().head("alg", `"PS256"`).by(pssWith("access", crypto.SHA256)), reject("algorithm_unsupported")).in("noalg"),
		tok("PS256 in the header over a genuine RS256 signature is refused", "H7", pinned, access().head("alg", `"PS256"`), reject("algorithm_unsupported")),
		tok("PSS signature under an RS256 header does not verify", "H7", "RFC 8017, 8.2.2", access().by(pssWith("access", crypto.SHA256)), reject("signature_invalid")),

		tok("ES256 header over an RSA signature is refused", "H8", pinned, access().head("alg", `"ES256"`), reject("algorithm_unsupported")).in("noalg"),
		tok("ES384 header over an RSA signature is refused", "H8", pinned, access().head("alg", `"ES384"`), reject("algorithm_unsupported")).in("noalg"),
		tok("EdDSA header over an RSA signature is refused", "H9", pinned, access().head("alg", `"EdDSA"`), reject("algorithm_unsupported")).in("noalg"),
		tok("Ed25519 header over an RSA signature is refused", "H9", pinned, access().head("alg", `"Ed25519"`), reject("algorithm_unsupported")).in("noalg"),
		tok("RS256 header over an ECDSA signature finds no key", "H10", "RFC 7517, 4.1", signedAs("RS256", "ec256", ecRaw("ec256", crypto.SHA256)), reject("key_unknown")).over(withKey(ecKey("ec256", "P-256"))),
		tok("RS256 header over an Ed25519 signature finds no key", "H10", "RFC 7517, 4.1", signedAs("RS256", "ed25519", edDSA), reject("key_unknown")).over(withKey(okpKey())),
		tok("RS256 header over an ECDSA signature does not verify under the RSA kid", "H10", "RFC 8017, 8.2.2", access().by(ecRaw("ec256", crypto.SHA256)), reject("signature_invalid")).over(withKey(ecKey("ec256", "P-256"))),
		tok("ES256 signed as such is refused", "H10", pinned, signedAs("ES256", "ec256", ecRaw("ec256", crypto.SHA256)), reject("algorithm_unsupported")).over(withKey(ecKey("ec256", "P-256"))),
		tok("ES384 signed as such is refused", "H10", pinned, signedAs("ES384", "ec384", ecRaw("ec384", crypto.SHA384)), reject("algorithm_unsupported")).over(withKey(ecKey("ec384", "P-384"))),
		tok("EdDSA signed as such is refused", "H9", pinned, signedAs("EdDSA", "ed25519", edDSA), reject("algorithm_unsupported")).over(withKey(okpKey())),
		tok("ES256 with a key on P-384 is refused", "H11", "RFC 7518, 3.4", signedAs("ES256", "ec384", ecRaw("ec384", crypto.SHA256)), reject("algorithm_unsupported")).over(withKey(ecKey("ec384", "P-384"))),
		tok("ES256 with a signature of zeros is refused", "H12", pinned, signedAs("ES256", "ec256", filled(0, 64)), reject("algorithm_unsupported")).over(withKey(ecKey("ec256", "P-256"))),
		tok("ES256 with a signature of zeros under the RSA kid is refused", "H12", pinned, signedAs("ES256", accessKID, filled(0, 64)), reject("algorithm_unsupported")),
		tok("ES256 with a signature in DER is refused", "H13", "RFC 7518, 3.4", signedAs("ES256", "ec256", ecDER("ec256", crypto.SHA256)), reject("algorithm_unsupported")).over(withKey(ecKey("ec256", "P-256"))),
		tok("HS256 with an oct key of the set is refused", "K13", pinned, signedAs("HS256", "oct", hs(crypto.SHA256, func(*rsa.PublicKey) []byte { return []byte("secret-secret-secret-secret-1234") })), reject("algorithm_unsupported")).over(withKey(octKey("oct"))),
		tok("RS256 header over the MAC of an oct key finds no key", "K13", "RFC 7517, 4.1", signedAs("RS256", "oct", hs(crypto.SHA256, func(*rsa.PublicKey) []byte { return []byte("secret-secret-secret-secret-1234") })), reject("key_unknown")).over(withKey(octKey("oct"))),
	}
}
