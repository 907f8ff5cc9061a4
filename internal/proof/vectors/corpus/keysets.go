package corpus

import (
	"crypto"
	"strconv"
	"strings"
)

const (
	useRule   = "RFC 7517, 4.2"
	opsRule   = "RFC 7517, 4.3"
	jwkAlg    = "RFC 7517, 4.4"
	jwkKID    = "RFC 7517, 4.5"
	ktyRule   = "RFC 7517, 4.1"
	setRule   = "RFC 7517, 5"
	rsaSize   = "RFC 7518, 3.3"
	rsaNumber = "RFC 7518, 6.3.1"
	rsaText   = "RFC 7518, 2"
	exponents = "RFC 8017, 3.1"
)

// beside is a set of one key under test and the pool's ID key, which can always
// be used.
func beside(j jwk) keySet { return set(j, key("id")) }

// kept says that the key under test can be used, dropped that only the other.
func kept(name, id, ref string, j jwk) row { return keys(name, id, ref, beside(j), accessKID, idKID) }

func dropped(name, id, ref string, j jwk) row { return keys(name, id, ref, beside(j), idKID) }

func keyAttributes() []row {
	return []row{
		kept("key as Cognito publishes it is kept", "K10", verifyPage, key("access")),
		kept("key without use is kept", "K10", useRule, key("access").without("use")),
		kept("key without alg is kept", "K10", jwkAlg, key("access").without("alg")),
		kept("key with verify among key_ops is kept", "K10", opsRule, key("access").set("key_ops", `["verify"]`)),
		kept("key with verify and sign among key_ops is kept", "K10", opsRule, key("access").set("key_ops", `["sign","verify"]`)),
		kept("key with unknown members is kept", "K10", "RFC 7517, 4", key("access").set("foo", `{"bar":[1]}`).set("exp", "1")),
		kept("key with its members the other way round is kept", "K10", "RFC 7517, 4", jwk{{"use", `"sig"`}, {"n", "@n:access"}, {"kty", `"RSA"`}, {"kid", quote(accessKID)}, {"e", `"AQAB"`}, {"alg", `"RS256"`}}),
		kept("key with escaped names is kept", "K10", "RFC 8259, 7", key("access").without("kty").set(`k\u0074y`, `"\u0052SA"`)),
		dropped("key for encryption is dropped", "K9", useRule, key("access").set("use", `"enc"`)),
		dropped("key for encryption without alg is dropped", "K9", useRule, key("access").set("use", `"enc"`).without("alg")),
		dropped("use SIG is dropped", "K9", useRule, key("access").set("use", `"SIG"`)),
		dropped("use signing is dropped", "K9", useRule, key("access").set("use", `"signing"`)),
		dropped("use empty is dropped", "K9", useRule, key("access").set("use", `""`)),
		dropped("use sig and enc in one string is dropped", "K9", useRule, key("access").set("use", `"sig enc"`)),
		dropped("use array is dropped", "K9", useRule, key("access").set("use", `["sig"]`)),
		dropped("use number is dropped", "K9", useRule, key("access").set("use", "1")),
		dropped("use null is dropped", "K9", useRule, key("access").set("use", "null")),
		dropped("key_ops sign alone is dropped", "K11", opsRule, key("access").set("key_ops", `["sign"]`)),
		dropped("key_ops sign alone without use is dropped", "K11", opsRule, key("access").set("key_ops", `["sign"]`).without("use")),
		dropped("key_ops empty is dropped", "K11", opsRule, key("access").set("key_ops", "[]")),
		dropped("key_ops for encryption is dropped", "K11", opsRule, key("access").set("key_ops", `["encrypt","wrapKey"]`)),
		dropped("key_ops VERIFY is dropped", "K11", opsRule, key("access").set("key_ops", `["VERIFY"]`)),
		dropped("key_ops string is dropped", "K11", opsRule, key("access").set("key_ops", `"verify"`)),
		dropped("key_ops object is dropped", "K11", opsRule, key("access").set("key_ops", `{"verify":true}`)),
		dropped("key_ops null is dropped", "K11", opsRule, key("access").set("key_ops", "null")),
		dropped("key_ops with a number is dropped", "K11", opsRule, key("access").set("key_ops", `["verify",1]`)),
		dropped("alg ES256 on an RSA key is dropped", "K12", jwkAlg, key("access").set("alg", `"ES256"`)),
		dropped("alg RS384 is dropped", "K12", jwkAlg, key("access").set("alg", `"RS384"`)),
		dropped("alg RS512 is dropped", "K12", jwkAlg, key("access").set("alg", `"RS512"`)),
		dropped("alg PS256 is dropped", "K12", jwkAlg, key("access").set("alg", `"PS256"`)),
		dropped("alg RSA-OAEP is dropped", "K12", jwkAlg, key("access").set("alg", `"RSA-OAEP"`)),
		dropped("alg HS256 on an RSA key is dropped", "K12", jwkAlg, key("access").set("alg", `"HS256"`)),
		dropped("alg none is dropped", "K12", jwkAlg, key("access").set("alg", `"none"`)),
		dropped("alg rs256 in lower case is dropped", "K12", jwkAlg, key("access").set("alg", `"rs256"`)),
		dropped("alg empty is dropped", "K12", jwkAlg, key("access").set("alg", `""`)),
		dropped("alg number is dropped", "K12", jwkAlg, key("access").set("alg", "256")),
		dropped("alg null is dropped", "K12", jwkAlg, key("access").set("alg", "null")),
		dropped("kty EC with the members of RSA is dropped", "K12", ktyRule, key("access").set("kty", `"EC"`)),
		dropped("kty oct with the members of RSA is dropped", "K13", ktyRule, key("access").set("kty", `"oct"`)),
		dropped("kty rsa in lower case is dropped", "", ktyRule, key("access").set("kty", `"rsa"`)),
		dropped("kty missing is dropped", "", ktyRule, key("access").without("kty")),
		dropped("kty null is dropped", "", ktyRule, key("access").set("kty", "null")),
		dropped("kty KTY is dropped", "", ktyRule, key("access").without("kty").set("KTY", `"RSA"`)),
		dropped("kty with a Kelvin sign is dropped", "", ktyRule, key("access").without("kty").set(kelvin+"ty", `"RSA"`)),
		dropped("kid missing is dropped", "", jwkKID, key("access").without("kid")),
		dropped("kid empty is dropped", "", jwkKID, key("access").kid("")),
		dropped("kid number is dropped", "", jwkKID, key("access").set("kid", "1")),
		dropped("kid null is dropped", "", jwkKID, key("access").set("kid", "null")),
		dropped("kid of 257 octets is dropped", "", jwkKID, key("access").kid(strings.Repeat("k", 257))),
		keys("kid of 256 octets is kept", "", jwkKID, beside(key("access").kid(strings.Repeat("k", 256))), strings.Repeat("k", 256), idKID),
		dropped("KID in place of kid is dropped", "", jwkKID, key("access").without("kid").set("KID", quote(accessKID))),
		kept("USE enc beside use sig is ignored", "", "RFC 7517, 4", key("access").also("USE", `"enc"`)),
		kept("use with a long s is ignored", "", "RFC 7517, 4", key("access").also("uſe", `"enc"`)),
		kept("ALG beside alg is ignored", "", "RFC 7517, 4", key("access").also("ALG", `"ES256"`)),
		kept("KTY beside kty is ignored", "", "RFC 7517, 4", key("access").also("KTY", `"oct"`)),
		kept("kid with a Kelvin sign does not rename a key", "", "RFC 7517, 4", key("access").also(kelvin+"id", `"foreign"`)),
		dropped("kid twice in one key is dropped", "", "RFC 7517, 4", key("access").also("kid", `"foreign"`)),
		dropped("n twice in one key is dropped", "", "RFC 7517, 4", key("access").also("n", "@n:foreign")),
		dropped("n twice with an escape is dropped", "", "RFC 7517, 4", key("access").also(`\u006e`, "@n:foreign")),
		dropped("use twice the same in one key is dropped", "", "RFC 7517, 4", key("access").also("use", `"sig"`)),
		dropped("unknown member twice in one key is dropped", "", "RFC 7517, 4", key("access").also("foo", "1").also("foo", "2")),
		kept("key with its private members is used for its public part", "K14", "RFC 7518, 6.3.2", key("access").set("d", "@d:access").set("p", "@p:access").set("q", "@q:access")),
		kept("key with a private exponent alone is used for its public part", "K14", "RFC 7518, 6.3.2", key("access").set("d", "@d:access")),
		kept("key with a private exponent of another key is used for its public part", "K14", "RFC 7518, 6.3.2", key("access").set("d", "@d:foreign")),
		dropped("key on P-256 under the same kid is dropped", "K17", ktyRule, ecKey("ec256", "P-256").kid(accessKID)),
		dropped("key on Ed25519 under the same kid is dropped", "K17", ktyRule, okpKey().kid(accessKID)),
		dropped("oct key is dropped", "K13", ktyRule, octKey(accessKID)),
		dropped("oct key that says RS256 is dropped", "K13", ktyRule, octKey(accessKID).set("alg", `"RS256"`).set("use", `"sig"`)),
		dropped("key of a kind still unknown is dropped", "K17", setRule, jwk{{"kid", quote(accessKID)}, {"kty", `"AKP"`}, {"alg", `"ML-DSA-44"`}, {"pub", `"AAAA"`}, {"use", `"sig"`}}),
		dropped("key on a curve nobody has is dropped", "K17", setRule, ecKey("ec256", "secp256k1").kid(accessKID)),
		dropped("key without members is dropped", "K16", setRule, jwk{}),
	}
}

func keyNumbers() []row {
	return []row{
		kept("key of 2048 bits is kept", "K7", rsaSize, numbered(accessKID, "@odd:2048")),
		kept("key of 3072 bits is kept", "K7", rsaSize, numbered(accessKID, "@n:rsa3072")),
		kept("key of 4096 bits is kept", "K7", rsaSize, numbered(accessKID, "@odd:4096")),
		kept("key of 8192 bits is kept", "K7", rsaSize, numbered(accessKID, "@odd:8192")),
		dropped("key of 2047 bits is dropped", "K7", rsaSize, numbered(accessKID, "@odd:2047")),
		dropped("key of 2040 bits is dropped", "K7", rsaSize, numbered(accessKID, "@odd:2040")),
		dropped("key of 1024 bits is dropped", "K7", rsaSize, numbered(accessKID, "@n:rsa1024")),
		dropped("key of 512 bits is dropped", "K7", rsaSize, numbered(accessKID, "@odd:512")),
		dropped("modulus 15 is dropped", "K7", rsaSize, numbered(accessKID, `"Dw"`)),
		dropped("modulus 0 is dropped", "K7", rsaSize, numbered(accessKID, `"AA"`)),
		dropped("modulus 1 is dropped", "K7", rsaSize, numbered(accessKID, `"AQ"`)),
		dropped("key of 8193 bits is dropped", "K8", rsaSize, numbered(accessKID, "@odd:8193")),
		dropped("key of 8200 bits is dropped", "K8", rsaSize, numbered(accessKID, "@odd:8200")),
		dropped("key of 16384 bits is dropped", "K8", rsaSize, numbered(accessKID, "@odd:16384")),
		dropped("key of 65536 bits is dropped", "K8", rsaSize, numbered(accessKID, "@odd:65536")),
		dropped("even modulus is dropped", "K8", exponents, numbered(accessKID, "@even:2048")),
		dropped("exponent 0 is dropped", "K8", exponents, key("access").set("e", `"AA"`)),
		dropped("exponent 1 is dropped", "K8", exponents, key("access").set("e", `"AQ"`)),
		dropped("exponent 2 is dropped", "K8", exponents, key("access").set("e", `"Ag"`)),
		dropped("exponent 3 is dropped", "K8", "FIPS 186-5, A.1.1", key("access").set("e", `"Aw"`)),
		dropped("exponent 65536 is dropped", "K8", exponents, key("access").set("e", `"AQAA"`)),
		dropped("exponent 65538 is dropped", "K8", exponents, key("access").set("e", `"AQAC"`)),
		kept("exponent 65539 is kept", "K8", exponents, key("access").set("e", `"AQAD"`)),
		dropped("exponent of 33 bits is dropped", "K8", exponents, key("access").set("e", `"AQAAAAE"`)),
		dropped("exponent of 64 bits is dropped", "K8", exponents, key("access").set("e", `"_________w8"`)),
		dropped("exponent 2^64+65537 is dropped", "K8", exponents, key("access").set("e", `"AQAAAAAAAQAB"`)),
		dropped("exponent of 2048 bits is dropped", "K8", exponents, key("access").set("e", "@odd:2048")),
		dropped("exponent of 16384 bits is dropped", "K8", exponents, key("access").set("e", "@odd:16384")),
		dropped("modulus with a leading zero octet is dropped", "K18", rsaNumber, numbered(accessKID, "@nzero:access")),
		dropped("modulus with padding is dropped", "K18", rsaText, numbered(accessKID, "@npad:access")),
		dropped("modulus in the standard alphabet is dropped", "K18", rsaText, numbered(accessKID, "@nstd:access")),
		dropped("modulus with CR LF inside is dropped", "K18", rsaText, numbered(accessKID, "@nlines:access")),
		dropped("modulus with unused bits set is dropped", "K18", canonical, numbered(accessKID, "@ntail:access")),
		dropped("exponent with a leading zero octet is dropped", "K18", rsaText, key("access").set("e", `"AAEAAQ"`)),
		dropped("exponent with padding is dropped", "K18", rsaText, key("access").set("e", `"AQAB===="`)),
		dropped("exponent in decimal digits is dropped", "K16", rsaText, key("access").set("e", `"65537"`)),
		dropped("exponent with unused bits set is dropped", "K18", canonical, key("access").set("e", `"AQAAAR"`)),
		dropped("exponent number is dropped", "K16", rsaNumber, key("access").set("e", "65537")),
		dropped("exponent null is dropped", "K16", rsaNumber, key("access").set("e", "null")),
		dropped("exponent empty is dropped", "K16", rsaNumber, key("access").set("e", `""`)),
		dropped("exponent missing is dropped", "K16", rsaNumber, key("access").without("e")),
		dropped("exponent E in place of e is dropped", "K16", "RFC 7517, 4", key("access").without("e").set("E", `"AQAB"`)),
		dropped("modulus missing is dropped", "K16", rsaNumber, key("access").without("n")),
		dropped("modulus empty is dropped", "K16", rsaNumber, key("access").set("n", `""`)),
		dropped("modulus null is dropped", "K16", rsaNumber, key("access").set("n", "null")),
		dropped("modulus number is dropped", "K16", rsaNumber, key("access").set("n", "123456789")),
		dropped("modulus array is dropped", "K16", rsaNumber, key("access").set("n", "[@n:access]")),
		dropped("modulus of other letters is dropped", "K16", rsaText, key("access").set("n", `"!!!!"`)),
		dropped("modulus N in place of n is dropped", "K16", "RFC 7517, 4", key("access").without("n").set("N", "@n:access")),
	}
}

func keyDuplicates() []row {
	return []row{
		keys("kid twice with other material drops that kid", "K15", jwkKID, set(key("access"), key("foreign").kid(accessKID), key("id")), idKID),
		keys("kid twice with the attacker's key first drops that kid", "K15", jwkKID, set(key("foreign").kid(accessKID), key("access"), key("id")), idKID),
		keys("kid thrice with other material drops that kid", "K15", jwkKID, set(key("access"), key("foreign").kid(accessKID), key("access"), key("id")), idKID),
		keys("kid thrice with other material last drops that kid", "K15", jwkKID, set(key("access"), key("access"), key("foreign").kid(accessKID), key("id")), idKID),
		keys("kid thrice with three keys drops that kid", "K15", jwkKID, set(key("access"), key("foreign").kid(accessKID), key("other").kid(accessKID), key("id")), idKID),
		keys("kid twice far apart drops that kid", "K15", jwkKID, set(key("access"), key("id"), key("other"), key("foreign").kid(accessKID)), idKID, otherKID),
		keys("kid twice with the same modulus and another exponent drops that kid", "K15", jwkKID, set(key("access"), key("access").set("e", `"AQAD"`), key("id")), idKID),
		keys("kid twice with an escape drops that kid", "K15", jwkKID, set(key("access"), key("foreign").set("kid", `"\u0071`+accessKID[1:]+`"`), key("id")), idKID),
		keys("only kid twice with other material leaves nothing", "K15", jwkKID, set(key("access"), key("foreign").kid(accessKID))),
		keys("kid twice with the same material is one key", "K15", jwkKID, set(key("access"), key("access"), key("id")), accessKID, idKID),
		keys("kid twice with the same material and fewer members is one key", "K15", jwkKID, set(key("access"), key("access").without("alg", "use"), key("id")), accessKID, idKID),
		keys("one key under two kids is two keys", "", jwkKID, set(key("access"), key("access").kid("second")), accessKID, "second"),
		keys("kids that differ by case are two keys", "", jwkKID, set(key("access").kid("abc"), key("foreign").kid("ABC")), "abc", "ABC"),
		keys("EC key after the RSA key under its kid leaves the RSA key", "K15", jwkKID, set(key("access"), ecKey("ec256", "P-256").kid(accessKID), key("id")), accessKID, idKID),
		keys("EC key before the RSA key under its kid leaves the RSA key", "K15", jwkKID, set(ecKey("ec256", "P-256").kid(accessKID), key("access"), key("id")), accessKID, idKID),
		keys("oct key under the RSA key's kid leaves the RSA key", "K15", jwkKID, set(octKey(accessKID), key("access"), key("id")), accessKID, idKID),
		keys("key for encryption under the same kid leaves the other", "K15", setRule, set(key("foreign").kid(accessKID).set("use", `"enc"`), key("access"), key("id")), accessKID, idKID),
		keys("weak key under the same kid leaves the other", "K15", setRule, set(numbered(accessKID, "@n:rsa1024"), key("access"), key("id")), accessKID, idKID),
	}
}

// many are keys enough to reach the limit of a set.
func many(n int) keySet {
	list := make([]jwk, n)
	for i := range list {
		list[i] = key("access").kid("k" + strconv.Itoa(i))
	}
	return set(list...)
}

func manyKIDs(n int) []string {
	kids := make([]string, n)
	for i := range kids {
		kids[i] = "k" + strconv.Itoa(i)
	}
	return kids
}

func keyDocuments() []row {
	return []row{
		keys("set of one key is enough", "", setRule, set(key("access")), accessKID),
		keys("set of a hundred keys is used", "", limits, many(100), manyKIDs(100)...),
		keys("set of a hundred and one keys is refused", "", limits, many(101)),
		keys("set of more than 256 KiB is refused", "", limits, document(`{"keys":[%s],"fill":"`+strings.Repeat("a", 1<<18)+`"}`, key("access"))),
		keys("set with unknown members is used", "", setRule, document(`{"foo":[{}],"keys":[%s],"bar":null}`, key("access")), accessKID),
		keys("set with white space around it is used", "", grammar, document("\n {\"keys\" :\t[ %s ] }\r\n", key("access")), accessKID),
		keys("malformed key beside a good one is dropped", "K16", setRule, set(key("access").set("n", `"!"`), key("id")), idKID),
		keys("null beside a good key is dropped", "K16", setRule, document(`{"keys":[null,%s]}`, key("id")), idKID),
		keys("string beside a good key is dropped", "K16", setRule, document(`{"keys":["x",%s]}`, key("id")), idKID),
		keys("array beside a good key is dropped", "K16", setRule, document(`{"keys":[%s,[]]}`, key("id")), idKID),
		keys("set without a usable key is refused", "K16", setRule, set(ecKey("ec256", "P-256"), octKey("oct"))),
		keys("set with weak keys alone is refused", "K7", rsaSize, set(numbered(accessKID, "@n:rsa1024"))),
		keys("set with a key for encryption alone is refused", "K9", useRule, set(key("access").set("use", `"enc"`))),
		keys("empty list is refused", "", setRule, document(`{"keys":[]}`)),
		keys("keys null is refused", "", setRule, document(`{"keys":null}`)),
		keys("keys object is refused", "", setRule, document(`{"keys":{"0":%s}}`, key("access"))),
		keys("keys that is one key is refused", "", setRule, document(`{"keys":%s}`, key("access"))),
		keys("keys string is refused", "", setRule, document(`{"keys":"x"}`)),
		keys("empty object is refused", "", setRule, document(`{}`)),
		keys("error message in place of a set is refused", "", setRule, document(`{"message":"Forbidden"}`)),
		keys("document null is refused", "", setRule, document(`null`)),
		keys("list without its object is refused", "", setRule, document(`[%s]`, key("access"))),
		keys("key without its set is refused", "", setRule, document(`%s`, key("access"))),
		keys("document string is refused", "", setRule, document(`"keys"`)),
		keys("document number is refused", "", setRule, document(`1`)),
		keys("document of white space is refused", "", setRule, document(" \n")),
		keys("page of HTML is refused", "", setRule, document(`<html><body>503</body></html>`)),
		keys("KEYS in place of keys is refused", "", setRule, document(`{"KEYS":[%s]}`, key("access"))),
		keys("keys with a long s is refused", "", setRule, document(`{"keyſ":[%s]}`, key("access"))),
		keys("keys with a Kelvin sign is refused", "", setRule, document(`{"`+kelvin+`eys":[%s]}`, key("access"))),
		keys("KEYS beside keys is ignored", "", setRule, document(`{"keys":[%s],"KEYS":[]}`, key("access")), accessKID),
		keys("keys twice is refused", "", "RFC 8259, 4", document(`{"keys":[],"keys":[%s]}`, key("access"))),
		keys("keys twice with an escape is refused", "", "RFC 8259, 4", document(`{"keys":[%s],"\u006beys":[]}`, key("access"))),
		keys("text after the set is refused", "", grammar, document(`{"keys":[%s]}}<html>`, key("access"))),
		keys("second set after the set is refused", "", grammar, document(`{"keys":[%s]}{"keys":[]}`, key("access"))),
		keys("set cut short is refused", "", grammar, document(`{"keys":[%s]`, key("access"))),
		keys("comma after the last key is refused", "", grammar, document(`{"keys":[%s,]}`, key("access"))),
		keys("comment in the set is refused", "", grammar, document(`{"keys":[/**/%s]}`, key("access"))),
		keys("set with a byte order mark is refused", "", characters, document("\uFEFF{\"keys\":[%s]}", key("access"))),
		keys("set with invalid UTF-8 is refused", "", characters, document("{\"keys\":[%s],\"foo\":\"\xff\"}", key("access"))),
		keys("key with invalid UTF-8 beside a good key is dropped", "K16", characters, document(`{"keys":[%s]}`, key("access").set("foo", "\"\xff\""), key("id")), idKID),
		keys("key with a lone surrogate beside a good key is dropped", "K16", surrogates, set(key("access").set("foo", `"\ud800"`), key("id")), idKID),
		keys("set in UTF-16 is refused", "", characters, document(utf16Text(`{"keys":[]}`))),
		keys("set nested without an end is refused", "", limits, document(`{"keys":`+strings.Repeat("[", 20000))),
	}
}

func keyTokens() []row {
	return []row{
		tok("token under a key without use is accepted", "K10", useRule, access(), accept).over(beside(key("access").without("use"))),
		tok("token under a key without alg is accepted", "K10", jwkAlg, access(), accept).over(beside(key("access").without("alg"))),
		tok("token under a key of 3072 bits is accepted", "K7", rsaSize, signedAs("RS256", "rsa3072", rs256("rsa3072")), accept).over(beside(key("rsa3072"))),
		tok("token under a key of 1024 bits finds no key", "K7", rsaSize, signedAs("RS256", "rsa1024", rs256("rsa1024")), reject("key_unknown")).over(beside(key("rsa1024"))),
		tok("block under a key with exponent 1 finds no key", "K8", exponents, access().by(unsigned("access")), reject("key_unknown")).over(beside(key("access").set("e", `"AQ"`))),
		tok("token under a key of 16384 bits finds no key", "K8", rsaSize, access().by(filled(1, 2048)), reject("key_unknown")).over(beside(numbered(accessKID, "@odd:16384"))),
		tok("token under a key for encryption finds no key", "K9", useRule, access(), reject("key_unknown")).over(beside(key("access").set("use", `"enc"`))),
		tok("token under a key for encryption without alg finds no key", "K9", useRule, access(), reject("key_unknown")).over(beside(key("access").set("use", `"enc"`).without("alg"))),
		tok("token under a key that only signs finds no key", "K11", opsRule, access(), reject("key_unknown")).over(beside(key("access").set("key_ops", `["sign"]`))),
		tok("RS256 token under an RSA key with alg ES256 finds no key", "K12", jwkAlg, access(), reject("key_unknown")).over(beside(key("access").set("alg", `"ES256"`))),
		tok("ES256 header over RSA under an RSA key with alg ES256 is refused", "K12", pinned, access().head("alg", `"ES256"`), reject("algorithm_unsupported")).over(beside(key("access").set("alg", `"ES256"`))),
		tok("RS384 token under a key with alg RS384 is refused", "K12", pinned, access().head("alg", `"RS384"`).by(rsaWith("access", crypto.SHA384)), reject("algorithm_unsupported")).over(beside(key("access").set("alg", `"RS384"`))),
		tok("RS256 token under a key with alg RS384 finds no key", "K12", jwkAlg, access(), reject("key_unknown")).over(beside(key("access").set("alg", `"RS384"`))),
		tok("token under a key with private members is accepted", "K14", "RFC 7518, 6.3.2", access(), accept).over(beside(key("access").set("d", "@d:access").set("p", "@p:access").set("q", "@q:access"))),
		tok("token under a kid of two keys finds no key, signed by the first", "K15", jwkKID, access(), reject("key_unknown")).over(set(key("access"), key("foreign").kid(accessKID), key("id"))),
		tok("token under a kid of two keys finds no key, signed by the second", "K15", jwkKID, access(), reject("key_unknown")).over(set(key("foreign").kid(accessKID), key("access"), key("id"))),
		tok("token under a kid that EC and RSA share is accepted", "K15", jwkKID, access(), accept).over(set(ecKey("ec256", "P-256").kid(accessKID), key("access"), key("id"))),
		tok("token beside a malformed key is accepted", "K16", setRule, access(), accept).over(set(key("id").set("n", `"!"`), key("access"))),
		tok("token beside a key of an unknown kind is accepted", "K17", setRule, access(), accept).over(withKey(jwk{{"kid", `"pq"`}, {"kty", `"AKP"`}, {"alg", `"ML-DSA-44"`}, {"pub", `"AAAA"`}})),
		tok("token under a modulus with a leading zero octet finds no key", "K18", rsaNumber, access(), reject("key_unknown")).over(beside(numbered(accessKID, "@nzero:access"))),
		tok("token under a modulus with padding finds no key", "K18", rsaText, access(), reject("key_unknown")).over(beside(numbered(accessKID, "@npad:access"))),
		tok("token signed by n is accepted beside another N", "", "RFC 7517, 4", access(), accept).over(beside(key("access").also("N", "@n:foreign"))),
		tok("token signed by N does not verify", "", "RFC 7517, 4", access().by(rs256("foreign")), reject("signature_invalid")).over(beside(key("access").also("N", "@n:foreign"))),
		tok("token signed by N does not verify where N comes first", "", "RFC 7517, 4", access().by(rs256("foreign")), reject("signature_invalid")).over(beside(key("access").first("N", "@n:foreign"))),
		tok("token under a kid that only KID names finds no key", "", "RFC 7517, 4", access().head("kid", `"foreign"`), reject("key_unknown")).over(beside(key("access").also("KID", `"foreign"`))),
		tok("token under a key that is dropped as a duplicate of members finds no key", "", "RFC 7517, 4", access(), reject("key_unknown")).over(beside(key("access").also("n", "@n:foreign"))),
	}
}
