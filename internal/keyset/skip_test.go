package keyset_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
)

// jwk is a key with Cognito's members.
func jwk(kid string, n *big.Int) string {
	return fmt.Sprintf(`{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":"%s","e":"AQAB"}`, kid, base64.RawURLEncoding.EncodeToString(n.Bytes()))
}

// odd is a random odd number of exactly that many bits.
func odd(bits int) *big.Int {
	b := make([]byte, (bits+7)/8)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	n := new(big.Int).SetBytes(b)
	n.Rsh(n, uint(len(b)*8-bits))
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

// TestSkips: the reason of each key, in the order of the document, and of the first
// ten alone.
func TestSkips(t *testing.T) {
	good := odd(2048)
	doc := func(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }
	set, err := keyset.Parse(doc(jwk("a", good), `7`, jwk("b", odd(1024)), jwk("a", good), jwk("c", odd(2048)), jwk("c", odd(2048)), jwk("c", odd(2048))))
	if err != nil {
		t.Fatal(err)
	}
	want := []keyset.Skip{
		{Position: 2, Reason: keyset.NotObject},
		{Position: 3, KeyID: "b", Reason: keyset.ModulusSize, Size: 1024},
		{Position: 4, KeyID: "a", Reason: keyset.Repeated},
		{Position: 5, KeyID: "c", Reason: keyset.Ambiguous},
		{Position: 6, KeyID: "c", Reason: keyset.Ambiguous},
		{Position: 7, KeyID: "c", Reason: keyset.Ambiguous},
	}
	if !slices.Equal(set.Skips, want) || set.Skipped != len(want) {
		t.Errorf("%d skipped: %+v, want\n%+v", set.Skipped, set.Skips, want)
	}

	many := []string{jwk("good", good)}
	for range 60 {
		many = append(many, `{"kty":"`+strings.Repeat("x", 1000)+`"}`)
	}
	if set, err = keyset.Parse(doc(many...)); err != nil {
		t.Fatal(err)
	}
	if set.Skipped != 60 || len(set.Skips) != keyset.MaxSkips || len(set.Skips[0].Found) > 100 {
		t.Errorf("%d skipped, %d reasons, the first found %d bytes; want 60, %d and a cut", set.Skipped, len(set.Skips), len(set.Skips[0].Found), keyset.MaxSkips)
	}

	_, err = keyset.Parse(doc(many[1], many[2]))
	if none, ok := errors.AsType[*keyset.UnusableError](err); !ok || none.Keys != 2 || len(none.Skips) != 2 || none.Skips[1].Position != 2 {
		t.Errorf("no usable key: %#v, want two keys and their reasons", err)
	}
}

// TestDocumentFaults: what people take for a key set is named.
func TestDocumentFaults(t *testing.T) {
	key := jwk("a", odd(2048))
	set := `{"keys":[` + key + `]}`
	if _, err := keyset.Parse([]byte(set)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, doc, want string }{
		{"a byte order mark", "\ufeff" + set, "byte order mark"},
		{"a byte order mark after white space", "\n\ufeff" + set, "byte order mark"},
		{"UTF-16 with a mark", "\xff\xfe{\x00", "not UTF-8"},
		{"UTF-16 without one", "{\x00\"\x00", "not UTF-8"},
		{"a web page", "\n<!doctype html>", "HTML"},
		{"PEM", "-----BEGIN PUBLIC KEY-----\n", "PEM"},
		{"a key alone", key, "single key"},
		{"bad UTF-8 beside the keys", `{"a":"` + "\xff" + `",` + set[1:], "beside the keys it is not valid UTF-8"},
		{"something else", `[]`, `one member "keys"`},
		{"nothing", ``, `one member "keys"`},
	} {
		_, err := keyset.Parse([]byte(row.doc))
		if err == nil || !strings.HasPrefix(err.Error(), "not a JWK set: ") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want in it %q", row.name, err, row.want)
		}
	}
}

// TestWeakPrimes: a modulus that is a power of 65537 modulo every prime up to 167
// is skipped (CVE-2017-15361), and one that is not so modulo a single prime is
// used.
func TestWeakPrimes(t *testing.T) {
	m, primes := big.NewInt(1), []int64{}
	for p := int64(2); p <= 167; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			primes = append(primes, p)
			m.Mul(m, big.NewInt(p))
		}
	}
	if len(primes) != 39 { // as the paper has it for the smallest keys
		t.Fatalf("%d primes, want 39", len(primes))
	}
	reason := func(n *big.Int) keyset.Reason {
		set, err := keyset.Parse([]byte(`{"keys":[` + jwk("n", n) + `]}`))
		if none, ok := errors.AsType[*keyset.UnusableError](err); ok {
			return none.Skips[0].Reason
		}
		if err != nil || len(set.Keys) != 1 {
			t.Fatalf("%v, %v", set, err)
		}
		return 0
	}
	for range 10 {
		// k·m + (65537^a mod m), of 2048 bits.
		k := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 2047), m)
		n := k.Add(k, odd(1500)).Mul(k, m)
		n.Add(n, new(big.Int).Exp(big.NewInt(65537), big.NewInt(rand.Int64()), m))
		if got := reason(n); got != keyset.WeakPrimes {
			t.Fatalf("a modulus with the fingerprint: reason %d, want %d", got, keyset.WeakPrimes)
		}
		// With every other remainder modulo 151 and no other prime: the order of
		// 65537 modulo 151 is 50, since 65537 = 3 (modulo 151) and 3^50 = 1.
		step, weak := new(big.Int).Div(m, big.NewInt(151)), 0
		for range 151 {
			n.Add(n, step).Add(n, step) // twice: it stays odd
			if reason(n) == keyset.WeakPrimes {
				weak++
			}
		}
		if weak != 50 {
			t.Fatalf("with %d of the 151 remainders modulo 151 the modulus is skipped, want 50", weak)
		}
	}
	for range 1000 {
		if n := odd(2048 + rand.IntN(2048)); reason(n) != 0 {
			t.Fatalf("the random number %s is skipped for reason %d", n, reason(n))
		}
	}
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for _, token := range []*cognitotest.Token{pool.AccessToken(), pool.IDToken()} {
		if got := reason(token.Key().N); got != 0 {
			t.Errorf("a key of the test kit is skipped for reason %d", got)
		}
	}
}
