// Package keyset reads a JWK set (RFC 7517, section 5) and keeps the keys that can
// verify a token of Cognito: RSA keys for signatures with RS256.
//
// A key that we cannot use costs that key and not the set. Each key is read
// strictly and by exact names, then jwkset parses it and keyfunc resolves it, as
// it would for a token.
package keyset

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/base64url"
	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

const (
	// MaxBytes bounds the document, MaxKeys the keys in it.
	MaxBytes = 256 << 10
	MaxKeys  = 100

	maxKeyIDBytes = 256
	minBits       = 2048
	maxBits       = 8192
	minExponent   = 1<<16 + 1 // FIPS 186-5, section A.1.1; Cognito's own
)

// Set is one key set. It is never changed once Parse and Keep are done.
type Set struct {
	// Keys are the usable keys by kid.
	Keys map[string]*Key
	// Skipped is how many keys of the document cannot be used.
	Skipped int
	// Rejected are those among them that Reject has taken out.
	Rejected []Rejected
}

// Key is one usable key. A pointer to it stands for the very key: [Set.Keep]
// carries it over to the next set if the material is the same.
type Key struct {
	// Public is what keyfunc resolves a token with the key's kid to.
	Public *rsa.PublicKey

	jwk jwkset.JWK
}

// Find returns the key with that kid, nil if there is none or set is nil.
func (set *Set) Find(kid string) *Key {
	if set == nil {
		return nil
	}
	return set.Keys[kid]
}

// Keep takes over the pointers of before, the set that came before this one, for
// keys with unchanged material. before may be nil.
func (set *Set) Keep(before *Set) {
	for kid, k := range set.Keys {
		if old := before.Find(kid); old != nil && old.Public.Equal(k.Public) {
			set.Keys[kid] = old
		}
	}
}

// Parse reads a JWK set: the whole document, at most MaxBytes and MaxKeys. It
// skips keys that cannot be used. A set without a usable key is an error.
func Parse(doc []byte) (*Set, error) {
	if len(doc) > MaxBytes {
		return nil, fmt.Errorf("the key set is larger than %d bytes", MaxBytes)
	}
	if strictjson.TooDeep(doc) {
		return nil, errors.New("not a JWK set: it nests too deeply")
	}
	// A name that occurs twice within one key costs that key, not the set. So we
	// allow it here, and look for it in each key.
	set := &Set{Keys: map[string]*Key{}}
	var count, lists int
	ambiguous := map[string]bool{}
	ok := strictjson.SloppyMembers(doc, func(name []byte, value strictjson.Value, _ int) bool {
		if string(name) != "keys" {
			return utf8.Valid(name) && utf8.Valid(value)
		}
		lists++
		return strictjson.SloppyElements(value, func(raw strictjson.Value) bool {
			count++
			set.add(raw, ambiguous)
			// mutant: equivalent `count <= MaxKeys → true`, it is counted afterwards too
			return count <= MaxKeys
		})
	})
	set.resolve()
	switch {
	case count > MaxKeys:
		return nil, fmt.Errorf("the key set has more than %d keys", MaxKeys)
	case !ok || lists != 1:
		return nil, errors.New(`not a JWK set: expected one JSON object with one member "keys", a list`)
	case len(set.Keys) == 0:
		return nil, fmt.Errorf("the key set has %d keys and none of them is usable: expected RSA keys of %d to %d bits, for use sig and alg RS256, each with a kid",
			count, minBits, maxBits)
	}
	return set, nil
}

// add takes one key into the set, or counts it as skipped. Two keys with the same
// kid and different material are both skipped: which of them verifies a token must
// not depend on their order.
func (set *Set) add(raw strictjson.Value, ambiguous map[string]bool) {
	k, kid := parseKey(raw)
	if k == nil || ambiguous[kid] {
		set.Skipped++
		return
	}
	if old := set.Keys[kid]; old != nil {
		set.Skipped++
		if !old.Public.Equal(k.Public) {
			set.Skipped++
			ambiguous[kid] = true
			delete(set.Keys, kid)
		}
		return
	}
	set.Keys[kid] = k
}

// resolve has keyfunc resolve each kid once. The result depends on the key alone,
// and to ask for every token would cost an allocation and a walk through the set.
// We always give keyfunc a kid: without one it would try all keys.
func (set *Set) resolve() {
	all := make([]jwkset.JWK, 0, len(set.Keys))
	for _, k := range set.Keys {
		all = append(all, k.jwk)
	}
	storage := jwkset.NewMemoryStorage()
	_ = storage.KeyReplaceAll(context.Background(), all) // in memory: cannot fail
	// New fails only without a storage.
	keys, _ := keyfunc.New(keyfunc.Options{Storage: storage, UseWhitelist: []jwkset.USE{jwkset.UseSig}})
	for kid, k := range set.Keys {
		found, _ := keys.Keyfunc(&jwt.Token{Header: map[string]any{"alg": "RS256", "kid": kid}})
		var ok bool
		// mutant: equivalent, parseKey is stricter than keyfunc
		if k.Public, ok = found.(*rsa.PublicKey); !ok {
			delete(set.Keys, kid)
			set.Skipped++
		}
	}
}

// parseKey reads one key strictly, nil if it cannot be used. It reads the members
// that count by their exact names and hands only those to jwkset, which would fold
// names. Private members never get there.
func parseKey(raw strictjson.Value) (*Key, string) {
	m := jwkset.JWKMarshal{KTY: jwkset.KtyRSA, ALG: jwkset.AlgRS256, USE: jwkset.UseSig}
	is := func(value strictjson.Value, want string) bool {
		got, _ := strictjson.Text(value)
		return got == want
	}
	rsaKey := false
	ok := strictjson.Members(raw, func(name []byte, value strictjson.Value, _ int) (ok bool) {
		ok = true
		switch string(name) {
		case "kty":
			rsaKey = is(value, "RSA")
			ok = rsaKey
		case "use":
			ok = is(value, "sig")
		case "alg":
			ok = is(value, "RS256")
		case "key_ops":
			var ops []string
			ops, ok = strictjson.Texts(value)
			ok = ok && slices.Contains(ops, "verify")
		case "kid":
			m.KID, ok = strictjson.Text(value)
		case "n":
			m.N, ok = strictjson.Text(value)
		case "e":
			m.E, ok = strictjson.Text(value)
		}
		return ok
	})
	if !ok || !rsaKey || m.KID == "" || len(m.KID) > maxKeyIDBytes || !usableRSA(m.N, m.E) {
		return nil, ""
	}
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	public, isRSA := jwk.Key().(*rsa.PublicKey)
	// mutant: equivalent `err != nil`, usableRSA is stricter than jwkset
	// mutant: equivalent `isRSA`, kty is RSA
	if err != nil || !isRSA {
		return nil, ""
	}
	return &Key{Public: public, jwk: jwk}, m.KID
}

// usableRSA checks modulus and exponent (RFC 7518, sections 3.3 and 6.3.1):
// canonical base64url, no leading zero, 2048 to 8192 bits, both odd, and an
// exponent that is neither tiny nor over the 31 bits that crypto/rsa takes.
func usableRSA(n, e string) bool {
	// What is not canonical comes out empty, which has too few bits.
	modulus, _ := base64url.AppendDecode(nil, n)
	exponent, _ := base64url.AppendDecode(nil, e)
	if bytes.HasPrefix(modulus, []byte{0}) || bytes.HasPrefix(exponent, []byte{0}) {
		return false
	}
	N, E := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	return N.BitLen() >= minBits && N.BitLen() <= maxBits && N.Bit(0) == 1 &&
		// mutant: equivalent `E.BitLen() <= 31`, the jwkset that is required refuses more, another need not
		E.BitLen() <= 31 && E.Int64() >= minExponent && E.Bit(0) == 1
}
