// Package keyset reads a JWK set (RFC 7517, section 5) and keeps the keys that can
// verify a token of Cognito: RSA keys for signatures with RS256.
//
// A key that we cannot use costs that key and not the set. Each key is read
// strictly and by exact names, then jwkset parses it and keyfunc resolves it, as
// it would for a token. Why a key is not used is in skip.go.
package keyset

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/rs256"
	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

const (
	// MaxBytes bounds the document, MaxKeys the keys in it.
	MaxBytes = 256 << 10
	MaxKeys  = 100
)

// Set is one key set. It is never changed once Parse and Keep are done.
type Set struct {
	// Keys are the usable keys by kid.
	Keys map[string]*Key
	// Skipped is how many keys of the document cannot be used. Skips say why, of
	// the first MaxSkips of them, in the order of the document.
	Skipped int
	Skips   []Skip
}

// Key is one usable key. A pointer to it stands for the very key: [Set.Keep]
// carries it over to the next set if the material is the same.
type Key struct {
	// ID is its kid.
	ID string
	// Public is what keyfunc resolves a token with the key's kid to.
	Public *rsa.PublicKey
	// Verifier is Public, prepared to verify with rs256.SigningMethod.
	Verifier *rs256.Key

	jwk      *jwkset.JWK // nil once Parse is done: it holds all members as texts
	position int         // in the document, from 1
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

// UnusableError is the error for a set without a usable key.
type UnusableError struct {
	Keys  int    // in the document
	Skips []Skip // why they cannot be used, as in Set
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("the key set has %d keys and none of them is usable: expected RSA keys of %d to %d bits, for use sig and alg RS256, each with a kid",
		e.Keys, MinBits, MaxBits)
}

// Parse reads a JWK set: the whole document, at most MaxBytes and MaxKeys. It
// skips keys that cannot be used. A set without a usable key is an
// *UnusableError.
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
			set.add(count, raw, ambiguous)
			// mutant: equivalent `count <= MaxKeys → true`, it is counted afterwards too
			return count <= MaxKeys
		})
	})
	set.resolve()
	slices.SortStableFunc(set.Skips, func(a, b Skip) int { return cmp.Compare(a.Position, b.Position) })
	switch {
	case count > MaxKeys:
		return nil, fmt.Errorf("the key set has more than %d keys", MaxKeys)
	case !ok || lists != 1:
		return nil, errors.New("not a JWK set: " + documentFault(doc))
	case len(set.Keys) == 0:
		return nil, &UnusableError{count, set.Skips}
	}
	return set, nil
}

// documentFault says what is wrong with a document that is not a JWK set.
func documentFault(doc []byte) string {
	const want = `expected one JSON object with one member "keys", a list`
	begins := func(s string) bool { return bytes.HasPrefix(bytes.TrimSpace(doc), []byte(s)) }
	switch {
	case begins("\ufeff"):
		return "it begins with a byte order mark, which JSON text does not have (RFC 8259, section 8.1)"
	case begins("\xff\xfe"), begins("\xfe\xff"), bytes.IndexByte(doc, 0) >= 0:
		return "it is not UTF-8 (RFC 8259, section 8.1)"
	case begins("<"):
		return "it is HTML or XML; " + want
	case begins("-----BEGIN "):
		return "it is PEM; " + want
	}
	key := false
	whole := strictjson.SloppyMembers(doc, func(name []byte, _ strictjson.Value, _ int) bool {
		key = key || string(name) == "kty"
		return true
	})
	switch {
	case whole && !utf8.Valid(doc):
		return "beside the keys it is not valid UTF-8"
	case whole && key:
		return "it is a single key; " + want
	}
	return want
}

// add takes one key into the set, or skips it. Two keys with the same kid and
// different material are both skipped: which of them verifies a token must not
// depend on their order.
func (set *Set) add(position int, raw strictjson.Value, ambiguous map[string]bool) {
	k, why := parseKey(raw)
	if k == nil {
		set.skip(position, why)
		return
	}
	k.position = position
	kid := k.ID
	old := set.Keys[kid]
	switch {
	case ambiguous[kid]:
		set.skip(position, Skip{KeyID: kid, Reason: Ambiguous})
	case old == nil:
		set.Keys[kid] = k
	case old.Public.Equal(k.Public):
		set.skip(position, Skip{KeyID: kid, Reason: Repeated})
	default:
		set.skip(old.position, Skip{KeyID: kid, Reason: Ambiguous})
		set.skip(position, Skip{KeyID: kid, Reason: Ambiguous})
		ambiguous[kid] = true
		delete(set.Keys, kid)
	}
}

// resolve has keyfunc resolve each kid once, and prepares what that gives. The
// result depends on the key alone, and to ask for every token would cost an
// allocation and a walk through the set.
// We always give keyfunc a kid: without one it would try all keys.
func (set *Set) resolve() {
	all := make([]jwkset.JWK, 0, len(set.Keys))
	for _, k := range set.Keys {
		all = append(all, *k.jwk)
		k.jwk = nil
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
			set.skip(k.position, Skip{KeyID: kid, Reason: Unresolved})
			continue
		}
		k.Verifier = rs256.Prepare(k.Public)
	}
}

// parseKey reads one key strictly; it returns nil and the reason if the key cannot
// be used. It reads the members that count by their exact names and hands only
// those to jwkset, which would fold names. Private members never get there.
func parseKey(raw strictjson.Value) (*Key, Skip) {
	var m members
	if !strictjson.Members(raw, m.read) {
		return nil, unreadable(raw)
	}
	if why := m.judge(); why.Reason != 0 {
		why.KeyID = m.kid.text
		return nil, why
	}
	marshal := jwkset.JWKMarshal{KTY: jwkset.KtyRSA, ALG: jwkset.AlgRS256, USE: jwkset.UseSig, KID: m.kid.text, N: m.n.text, E: m.e.text}
	jwk, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	public, isRSA := jwk.Key().(*rsa.PublicKey)
	// mutant: equivalent `err != nil`, judge is stricter than jwkset
	// mutant: equivalent `isRSA`, kty is RSA
	if err != nil || !isRSA {
		return nil, Skip{KeyID: m.kid.text, Reason: Unresolved}
	}
	return &Key{ID: m.kid.text, Public: public, jwk: &jwk}, Skip{}
}
