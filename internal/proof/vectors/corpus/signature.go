package corpus

import "crypto"

const verification = "RFC 8017, 8.2.2"

func flip(i int) func(string) string {
	return octetsOf(func(s string) string { return s[:i] + string([]byte{s[i] ^ 1}) + s[i+1:] })
}

// replay puts the payload of another token under the signature.
func replay(r recipe) func(string) string {
	return part(1, become(b64(r.payload.text())))
}

func signatures() []row {
	return []row{
		tok("payload with another sub does not verify", "K1", verification, access().then(replay(access().claim("sub", `"someone-else"`))), reject("signature_invalid")),
		tok("payload with another scope does not verify", "K1", verification, access().then(replay(access().claim("scope", `"api/write"`))), reject("signature_invalid")),
		tok("payload with a later exp does not verify", "K1", verification, access().then(replay(access().claim("exp", at(3300)))), reject("signature_invalid")),
		tok("payload with one space more does not verify", "K1", verification, access().then(part(1, octetsOf(suffix(" ")))), reject("signature_invalid")),
		tok("payload of a machine token under a user's signature does not verify", "K1", verification, access().then(replay(machine())), reject("signature_invalid")),
		tok("header with a member more does not verify", "K2", verification, access().then(part(0, become(b64(access().head("foo", "1").header.text())))), reject("signature_invalid")),
		tok("header with its members the other way round does not verify", "K2", verification, access().then(part(0, become(b64(`{"alg":"RS256","kid":"`+accessKID+`"}`)))), reject("signature_invalid")),
		tok("signature of an attacker's key under the pool's kid does not verify", "K3", verification, access().by(rs256("foreign")), reject("signature_invalid")),
		tok("signature of another pool's key under the pool's kid does not verify", "K3", verification, access().by(rs256("other")), reject("signature_invalid")),
		tok("signature of a 3072-bit key under the pool's kid does not verify", "K3", verification, access().by(rs256("rsa3072")), reject("signature_invalid")),
		tok("signature of a 1024-bit key under the pool's kid does not verify", "K3", verification, access().by(rs256("rsa1024")), reject("signature_invalid")),
		tok("access key's signature under the ID key's kid does not verify", "K4", verification, access().head("kid", quote(idKID)), reject("signature_invalid")),
		tok("ID key's signature under the access key's kid does not verify", "K4", verification, access().by(rs256("id")), reject("signature_invalid")),
		tok("access token under the ID key with its kid is accepted", "K5", verifyPage, access().head("kid", quote(idKID)).by(rs256("id")), accept),
		tok("ID token under the access key with its kid is accepted", "K5", verifyPage, identity().head("kid", quote(accessKID)).by(rs256("access")), accept).in("id"),
		tok("signature one octet short does not verify", "K6", verification, access().then(part(2, octetsOf(cut(1)))), reject("signature_invalid")),
		tok("signature without its first octet does not verify", "K6", verification, access().then(part(2, octetsOf(func(s string) string { return s[1:] }))), reject("signature_invalid")),
		tok("signature one octet long does not verify", "K6", verification, access().then(part(2, octetsOf(suffix("\x00")))), reject("signature_invalid")),
		tok("signature with a leading zero octet does not verify", "K6", verification, access().then(part(2, octetsOf(prefix("\x00")))), reject("signature_invalid")),
		tok("signature of one octet does not verify", "K6", verification, access().by(octets(1)), reject("signature_invalid")),
		tok("signature of 1024 octets does not verify", "K6", verification, access().by(filled(0x5a, 1024)), reject("signature_invalid")),
		tok("signature repeated does not verify", "K6", verification, access().then(part(2, octetsOf(func(s string) string { return s + s }))), reject("signature_invalid")),
		tok("signature plus the modulus does not verify", "K6", verification, access().by(plusModulus("access")), reject("signature_invalid")),
		tok("signature of zeros does not verify", "", verification, access().by(filled(0, 256)), reject("signature_invalid")),
		tok("signature of ones does not verify", "", verification, access().by(filled(0xff, 256)), reject("signature_invalid")),
		tok("signature that is the number one does not verify", "", verification, access().by(octets(append(make([]byte, 255), 1)...)), reject("signature_invalid")),
		tok("first bit of the signature changed does not verify", "", verification, access().then(part(2, flip(0))), reject("signature_invalid")),
		tok("middle bit of the signature changed does not verify", "", verification, access().then(part(2, flip(128))), reject("signature_invalid")),
		tok("last bit of the signature changed does not verify", "", verification, access().then(part(2, flip(255))), reject("signature_invalid")),
		tok("signature of another token does not verify", "", verification, access().claim("jti", `"x"`).then(replay(access())), reject("signature_invalid")),
		tok("signature over the payload alone does not verify", "", "RFC 7515, 5.2", access().by(func(k *keyring, in []byte) []byte { return rs256("access")(k, in[len(b64(access().header.text()))+1:]) }), reject("signature_invalid")),
		tok("signature over the JSON text does not verify", "", "RFC 7515, 5.2", access().by(func(k *keyring, _ []byte) []byte { return rs256("access")(k, []byte(access().payload.text())) }), reject("signature_invalid")),
		tok("signature over the SHA-1 digest does not verify", "", verification, access().by(rsaWith("access", crypto.SHA1)), reject("signature_invalid")),
		tok("signature over the SHA-224 digest does not verify", "", verification, access().by(rsaWith("access", crypto.SHA224)), reject("signature_invalid")),

		tok("block made by hand as RFC 8017 says is accepted", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, -1, plainInfo))), accept),
		tok("digest without its DigestInfo does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, -1, func(sum []byte) []byte { return sum }))), reject("signature_invalid")),
		tok("DigestInfo without NULL does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, -1, func(sum []byte) []byte {
			return append([]byte("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), sum...)
		}))), reject("signature_invalid")),
		tok("DigestInfo with a long form of length does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, -1, func(sum []byte) []byte {
			return append([]byte("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), sum...)
		}))), reject("signature_invalid")),
		tok("octets after the DigestInfo do not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, 8, plainInfo))), reject("signature_invalid")),
		tok("one octet after the DigestInfo does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, 201, plainInfo))), reject("signature_invalid")),
		tok("digest of zeros does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(1, -1, func(sum []byte) []byte { return plainInfo(make([]byte, len(sum))) }))), reject("signature_invalid")),
		tok("block type 0 does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(0, -1, plainInfo))), reject("signature_invalid")),
		tok("block type 2 does not verify", "", "RFC 8017, 9.2", access().by(encoded("access", padded(2, -1, plainInfo))), reject("signature_invalid")),
		tok("padded block that is not signed at all does not verify", "", verification, access().by(unsigned("access")), reject("signature_invalid")),
	}
}
