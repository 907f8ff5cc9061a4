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

// rsaKey is a key with Cognito's members.
func rsaKey(kid string, n *big.Int) string {
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
	set, err := keyset.Parse(doc(rsaKey("a", good), `7`, rsaKey("b", odd(1024)), rsaKey("a", good), rsaKey("c", odd(2048)), rsaKey("c", odd(2048)), rsaKey("c", odd(2048))))
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

	many := []string{rsaKey("good", good)}
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

// TestReasons changes one thing about a key that stands behind a good one.
func TestReasons(t *testing.T) {
	n := odd(2048)
	whole := rsaKey("k", n)
	text := base64.RawURLEncoding.EncodeToString(n.Bytes())
	number := func(b ...byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	even := new(big.Int).Sub(n, big.NewInt(1))
	type skip = keyset.Skip
	for _, row := range []struct {
		from, to string
		want     skip // Position is 2; a zero Reason: it is used
	}{
		{`"sig"`, `"sig"`, skip{}},
		{`"use":"sig",`, ``, skip{}},
		{`"alg":"RS256",`, ``, skip{}},
		{`"use":"sig"`, `"key_ops":["sign","verify"]`, skip{}},
		{`"kid":"k"`, `"kid":"` + strings.Repeat("k", 256) + `"`, skip{}},
		{`"AQAB"`, `"` + number(0x7f, 0xff, 0xff, 0xff) + `"`, skip{}},

		{whole, `[]`, skip{Reason: keyset.NotObject}},
		{`"k"`, "\"k\",\"x\":\"\xff\"", skip{Reason: keyset.InvalidUTF8, KeyID: "k"}},
		{`"k"`, `"k","x":"\udc00"`, skip{Reason: keyset.LoneSurrogate, KeyID: "k"}},
		{`"k"`, `"k","x":1,"y":2,"y":3,"x":4`, skip{Reason: keyset.DuplicateMember, KeyID: "k", Member: "y"}},
		{`"k"`, `"k","kid":"l"`, skip{Reason: keyset.DuplicateMember, KeyID: "k", Member: "kid"}},
		{`"k"`, `"k","x":{"y":2,"y":3}`, skip{Reason: keyset.DuplicateMember, KeyID: "k"}},
		{`"kty":"RSA",`, ``, skip{Reason: keyset.Missing, KeyID: "k", Member: "kty"}},
		{`"kty":"RSA"`, `"kty":{}`, skip{Reason: keyset.NotText, KeyID: "k", Member: "kty"}},
		{`"RSA"`, `"rsa"`, skip{Reason: keyset.NotRSA, KeyID: "k", Found: "rsa"}},
		{`"sig"`, `""`, skip{Reason: keyset.WrongUse, KeyID: "k"}},
		{`"sig"`, `1`, skip{Reason: keyset.NotText, KeyID: "k", Member: "use"}},
		{`"RS256"`, `"PS256"`, skip{Reason: keyset.WrongAlgorithm, KeyID: "k", Found: "PS256"}},
		{`"RS256"`, `null`, skip{Reason: keyset.NotText, KeyID: "k", Member: "alg"}},
		{`"use":"sig"`, `"key_ops":["sign"]`, skip{Reason: keyset.WrongKeyOps, KeyID: "k"}},
		{`"use":"sig"`, `"key_ops":"verify"`, skip{Reason: keyset.WrongKeyOps, KeyID: "k"}},
		{`"use":"sig"`, `"key_ops":["verify",1]`, skip{Reason: keyset.WrongKeyOps, KeyID: "k"}},
		{`"kid":"k",`, ``, skip{Reason: keyset.Missing, Member: "kid"}},
		{`"k"`, `5`, skip{Reason: keyset.NotText, Member: "kid"}},
		{`"k"`, `""`, skip{Reason: keyset.EmptyKeyID}},
		{`"k"`, `"` + strings.Repeat("k", 257) + `"`, skip{Reason: keyset.LongKeyID, KeyID: strings.Repeat("k", 65), Size: 257}},
		{`"n":`, `"N":`, skip{Reason: keyset.Missing, KeyID: "k", Member: "n"}},
		{text, text + "==", skip{Reason: keyset.Padded, KeyID: "k", Member: "n"}},
		{text, text + "\\n", skip{Reason: keyset.NotBase64URL, KeyID: "k", Member: "n"}},
		{text, number(append([]byte{0}, n.Bytes()...)...), skip{Reason: keyset.LeadingZero, KeyID: "k", Member: "n"}},
		{text, number(odd(2047).Bytes()...), skip{Reason: keyset.ModulusSize, KeyID: "k", Size: 2047}},
		{text, number(odd(8193).Bytes()...), skip{Reason: keyset.ModulusSize, KeyID: "k", Size: 8193}},
		{text, number(even.Bytes()...), skip{Reason: keyset.EvenModulus, KeyID: "k"}},
		{`,"e":"AQAB"`, ``, skip{Reason: keyset.Missing, KeyID: "k", Member: "e"}},
		{`"AQAB"`, `65537`, skip{Reason: keyset.NotText, KeyID: "k", Member: "e"}},
		{`"AQAB"`, `"AQAB="`, skip{Reason: keyset.Padded, KeyID: "k", Member: "e"}},
		{`"AQAB"`, `"AAEAAQ"`, skip{Reason: keyset.LeadingZero, KeyID: "k", Member: "e"}},
		{`"AQAB"`, `"` + number(0xff, 0xff) + `"`, skip{Reason: keyset.SmallExponent, KeyID: "k"}},
		{`"AQAB"`, `"AQAC"`, skip{Reason: keyset.EvenExponent, KeyID: "k"}},
		{`"AQAB"`, `"` + number(0x80, 0, 0, 1) + `"`, skip{Reason: keyset.LargeExponent, KeyID: "k", Size: 32}},
		{`"AQAB"`, `"` + number(1, 0, 0, 0, 0, 0, 1, 0, 1) + `"`, skip{Reason: keyset.LargeExponent, KeyID: "k", Size: 65}},
	} {
		raw := strings.Replace(whole, row.from, row.to, 1)
		if raw == whole && row.from != row.to {
			t.Fatalf("there is no %s", row.from)
		}
		set, err := keyset.Parse([]byte(`{"keys":[` + rsaKey("good", odd(2048)) + "," + raw + `]}`))
		switch {
		case err != nil:
			t.Errorf("%s for %s: %v", row.to, row.from, err)
		case row.want.Reason == 0:
			if set.Skipped != 0 || len(set.Keys) != 2 {
				t.Errorf("%s for %s: skipped %+v, want it used", row.to, row.from, set.Skips)
			}
		default:
			row.want.Position = 2
			if len(set.Skips) != 1 || set.Skips[0] != row.want || set.Skipped != 1 || len(set.Keys) != 1 {
				t.Errorf("%s for %s: %+v, want %+v", row.to, row.from, set.Skips, row.want)
			}
		}
	}
}

// TestDocumentFaults: what people take for a key set is named.
func TestDocumentFaults(t *testing.T) {
	key := rsaKey("a", odd(2048))
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
		{"bad UTF-8 in a name beside the keys", "{\"\xff\":1," + set[1:], "beside the keys it is not valid UTF-8"},
		{"two lists", `{"keys":[` + key + `],"keys":[` + key + `]}`, `one member "keys"`},
		{"no list", `{"keys":1}`, `one member "keys"`},
		{"rubbish behind it", set + "x", `one member "keys"`},
		{"nested too deeply", strings.Repeat("[", 65), "too deeply"},
	} {
		_, err := keyset.Parse([]byte(row.doc))
		if err == nil || !strings.HasPrefix(err.Error(), "not a JWK set: ") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want in it %q", row.name, err, row.want)
		}
	}
}

// TestBounds: the size of a document, and how many keys it has.
func TestBounds(t *testing.T) {
	key := rsaKey("a", odd(2048))
	set := func(keys int) string { return `{"keys":[` + strings.Repeat("{},", keys-1) + key + `]}` }
	padded := func(size int) string { return strings.Repeat(" ", size-len(set(1))) + set(1) }
	for _, row := range []struct {
		name, doc, err string
	}{
		{"100 keys", set(100), ""},
		{"101 keys", set(101), "more than 100 keys"},
		{"other members beside the keys", `{"a":1,"a":[1],` + set(1)[1:], ""},
		{"256 KiB", padded(256 << 10), ""},
		{"256 KiB and a byte", padded(256<<10 + 1), "larger than 262144 bytes"},
	} {
		if _, err := keyset.Parse([]byte(row.doc)); (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: %v, want %q", row.name, err, row.err)
		}
	}
}

// TestKeep: a key with the same material keeps its pointer, another does not.
func TestKeep(t *testing.T) {
	same, other := odd(2048), odd(2048)
	parse := func(keys ...string) *keyset.Set {
		set, err := keyset.Parse([]byte(`{"keys":[` + strings.Join(keys, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	before := parse(rsaKey("same", same), rsaKey("changed", same))
	after := parse(rsaKey("same", same), rsaKey("changed", other), rsaKey("new", same))
	after.Keep(before)
	if after.Find("same") != before.Find("same") || after.Find("changed") == before.Find("changed") || after.Find("new") == before.Find("same") {
		t.Error("only the key of that kid and that material is to be kept")
	}
	after.Keep(nil)
	if (*keyset.Set)(nil).Find("same") != nil || after.Find("none") != nil {
		t.Error("a key was found where there is none")
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
		set, err := keyset.Parse([]byte(`{"keys":[` + rsaKey("n", n) + `]}`))
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
