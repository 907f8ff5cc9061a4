// Package rs256 verifies signatures with RS256, as golang-jwt does, by a key that
// is prepared once and not for every token.
//
// A third of what crypto/rsa takes for a verification with 2048 bits goes into
// the modulus: it computes the constants of Montgomery's multiplication anew
// each time, because an rsa.PublicKey has no room for them. [Prepare] computes
// them once, with filippo.io/bigmod, which is the arithmetic of crypto/rsa itself
// under another import path. prepared.go holds the verification.
//
// golang-jwt's RS256 stays the reference. It alone decides, and nothing of
// prepared.go runs, in FIPS 140-3 mode, where only the module of the standard
// library is validated; in builds with GOEXPERIMENT=boringcrypto, for the same
// reason and because BoringSSL is faster; and in builds with the tag
// cognitoauth_stdrsa (standard.go).
package rs256

import (
	"crypto/fips140"
	"crypto/rsa"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a public key, ready to verify. It is never changed, so any number of
// goroutines may use it at the same time.
type Key struct {
	public *rsa.PublicKey
	fast   *prepared // nil: golang-jwt's RS256 decides
}

// Prepare computes what every verification with the key needs. For a key that it
// does not take, see admitted, it computes nothing and golang-jwt decides. public
// must not be nil, and not be changed afterwards.
//
// For 2048 bits this takes about half as long as a verification, and what it
// computes takes about 700 bytes.
func Prepare(public *rsa.PublicKey) *Key {
	k := &Key{public: public}
	if !fips140.Enabled() && admitted(public) {
		k.fast = prepare(public)
	}
	return k
}

// The sizes of a modulus in bits that package keyset admits.
const minBits, maxBits = 2048, 8192

// admitted reports whether prepared.go can verify with the key. Beside the sizes
// these are the conditions of crypto/rsa. Package keyset is stricter about the
// exponent, but the published vectors have some with 3 that test the arithmetic
// at its limits.
func admitted(public *rsa.PublicKey) bool {
	n, e := public.N, public.E
	return n != nil && n.Sign() > 0 && n.BitLen() >= minBits && n.BitLen() <= maxBits && n.Bit(0) == 1 &&
		e >= 3 && e <= 1<<31-1 && e&1 == 1
}

// Prepared reports whether this package verifies with the key, and not
// golang-jwt.
func (k *Key) Prepared() bool { return k.fast != nil }

// SigningMethod is RS256 for a *[Key]: a [jwt.SigningMethod] that only verifies.
// It is not registered with golang-jwt, whose parsers keep their own RS256.
type SigningMethod struct{}

var _ jwt.SigningMethod = SigningMethod{}

// Alg returns RS256.
func (SigningMethod) Alg() string { return jwt.SigningMethodRS256.Alg() }

// Verify returns nil if signature is one of signed by key, a *[Key]. With a
// prepared key of 2048 bits it allocates nothing.
func (SigningMethod) Verify(signed string, signature []byte, key any) error {
	k, _ := key.(*Key)
	if k == nil {
		return jwt.ErrInvalidKeyType
	}
	if k.fast == nil {
		return jwt.SigningMethodRS256.Verify(signed, signature, k.public)
	}
	if !k.fast.verifies(signed, signature) {
		return rsa.ErrVerification
	}
	return nil
}

// Sign refuses: a Key is public.
func (SigningMethod) Sign(string, any) ([]byte, error) {
	return nil, errors.New("rs256: this method only verifies")
}
