//go:build !boringcrypto && !cognitoauth_stdrsa

package rs256

// This file holds the verification with a prepared key: an operation with a
// public key on a public token. Nothing in it is secret, so it does not matter how
// long it takes for which input.

import (
	"crypto/rsa"
	"crypto/sha256"

	"filippo.io/bigmod"
)

// prepared is a public key (n, e) with the constants of its modulus.
type prepared struct {
	n *bigmod.Modulus
	e uint
}

// prepare takes an admitted key.
func prepare(public *rsa.PublicKey) *prepared {
	n, err := bigmod.NewModulus(public.N.Bytes())
	// mutant: equivalent, it fails for 0 and 1 only
	if err != nil {
		return nil
	}
	return &prepared{n, uint(public.E)}
}

// verifies makes the steps of RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2). It
// parses nothing. It builds the one encoded message that is right, and compares
// all of it with what the signature yields, as two numbers below n: a parser that
// skips a byte is what forgeries of these signatures rest on (CVE-2006-4339).
func (p *prepared) verifies(signed string, signature []byte) bool {
	if len(signature) != p.n.Size() {
		return false
	}
	s, err := bigmod.NewNat().SetBytes(signature, p.n)
	if err != nil { // not below n, which section 5.2.2 refuses
		return false
	}
	var buf [maxBits / 8]byte
	em := buf[:len(signature)]
	encode(em, signed)
	want, err := bigmod.NewNat().SetBytes(em, p.n)
	// mutant: equivalent, em begins with a zero byte and n does not
	if err != nil {
		return false
	}
	return bigmod.NewNat().ExpShortVarTime(s, p.e, p.n).Equal(want) == 1
}

// digestInfo is the DER of a DigestInfo for SHA-256, up to the hash (RFC 8017,
// section 9.2, note 1).
const digestInfo = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// encode fills em, which is all zero, with EMSA-PKCS1-v1_5 of signed (RFC 8017,
// section 9.2):
//
//	00 01 ff … ff 00 DigestInfo
func encode(em []byte, signed string) {
	rest := em[copy(em, "\x00\x01"):]
	for len(rest) > 1+len(digestInfo)+sha256.Size {
		rest[0], rest = 0xff, rest[1:]
	}
	rest = rest[1:]
	sum(rest[copy(rest, digestInfo):], signed)
}

// sum puts the SHA-256 hash of text into out. It goes through a small buffer,
// because []byte(text) would allocate a copy as long as the token.
func sum(out []byte, text string) {
	h := sha256.New()
	var buf [512]byte
	for text != "" {
		n := copy(buf[:], text)
		h.Write(buf[:n])
		text = text[n:]
	}
	h.Sum(out[:0])
}
