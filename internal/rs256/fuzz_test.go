package rs256_test

import (
	"crypto/fips140"
	"math/big"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/rs256"
)

// The ways in which FuzzVerify departs from a good signature. Each has its seeds.
const (
	changedEncoding  = iota // signed by the key: the encoded message with changes
	changedSignature        // a good signature with changes
	anyEncoding             // signed by the key: any number
	anySignature
	withAddition // a good signature plus n, or plus any number
	cut          // a good signature without its first or last bytes
	extended     // a good signature with more bytes around it
	ways
)

// FuzzVerify compares the verdict with that of crypto/rsa, and knows of a good
// signature that it is good. selector chooses the key, the exponent and the way.
func FuzzVerify(f *testing.F) {
	exponents := []int{65537, 3, 65539, 1<<31 - 1}
	if fips140.Enforced() {
		exponents[1] = 65537 // crypto/rsa takes no 3
	}
	var keys []*private
	for _, key := range privates() {
		for _, e := range exponents {
			keys = append(keys, key.withExponent(e))
		}
	}
	for way := range ways {
		for i, key := range keys {
			if i%len(exponents) != i/len(exponents)%len(exponents) {
				continue // one exponent for each modulus
			}
			places := []int{0, key.Size() - 1}
			if i == 0 {
				places = append(places, 1, 2, key.Size()-53, key.Size()-52, key.Size()-51, key.Size()-32)
			}
			for _, at := range places {
				f.Add(uint8(way), uint8(i), "head.body", uint16(at), []byte{1})
			}
			f.Add(uint8(way), uint8(i), "", uint16(2), []byte{})
			f.Add(uint8(way), uint8(i), "head.body", uint16(0), encoded(key.Size(), "head.body"))
			f.Add(uint8(way), uint8(i), "head.body", uint16(0), key.N.Bytes())
			f.Add(uint8(way), uint8(i), "head.body", uint16(0), make([]byte, key.Size()))
		}
	}
	f.Fuzz(func(t *testing.T, way, choice uint8, text string, at uint16, data []byte) {
		key := keys[int(choice)%len(keys)]
		signature := depart(key, int(way)%ways, text, int(at), data)
		want := standard(&key.PublicKey, text, signature)
		if got := (rs256.SigningMethod{}).Verify(text, signature, rs256.Prepare(&key.PublicKey)) == nil; got != want {
			t.Errorf("%d bits, exponent %d: accepted: %t, by crypto/rsa: %t; text %q, signature %x", key.N.BitLen(), key.E, got, want, text, signature)
		}
		good := key.sign(encoded(key.Size(), text))
		if same := string(signature) == string(good); same != want {
			t.Errorf("%d bits, exponent %d: accepted: %t, and the good signature: %t", key.N.BitLen(), key.E, want, same)
		}
	})
}

// depart makes a signature of text that is good, or not, by the way and the data.
func depart(key *private, way int, text string, at int, data []byte) []byte {
	em := encoded(key.Size(), text)
	switch way {
	case changedEncoding:
		change(em, at, data)
		return key.sign(em)
	case anyEncoding:
		return key.sign(data)
	case anySignature:
		return data
	}
	good := key.sign(em)
	switch way {
	case changedSignature:
		change(good, at, data)
	case withAddition:
		add := key.N
		if len(data) > 0 {
			add = new(big.Int).SetBytes(data)
		}
		return key.fill(new(big.Int).Add(new(big.Int).SetBytes(good), add))
	case cut:
		if n := min(len(data), len(good)); at%2 == 0 {
			return good[n:]
		} else {
			return good[:len(good)-n]
		}
	case extended:
		n := min(at, len(data))
		return append(append(data[:n:n], good...), data[n:]...)
	}
	return good
}

// change combines data with the bytes from at on.
func change(b []byte, at int, data []byte) {
	for i, c := range data {
		if at+i < len(b) {
			b[at+i] ^= c
		}
	}
}
