package keyset_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// The RSA key of RFC 7517, appendix A.1, which is also the example of RFC 7638.
const (
	rfcModulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAt" +
		"VT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W" +
		"-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQ" +
		"MicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdk" +
		"t-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-cs" +
		"FCur-kEgU8awapJzKnqDKgw"
	rfcRSA = `{"kty":"RSA","n":"` + rfcModulus + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	rfcEC  = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}`
	// rfcThumbprint is the SHA-256 thumbprint of rfcRSA by RFC 7638, section 3.1.
	rfcThumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
)

func TestParse_rfc7517(t *testing.T) {
	set := parse(t, `{"keys":[`+rfcEC+`,`+rfcRSA+`]}`)
	if len(set.Keys) != 1 || set.Skipped != 1 {
		t.Fatalf("%d keys, %d skipped; expected the RSA key alone", len(set.Keys), set.Skipped)
	}
	k := set.Find("2011-04-29")
	if k == nil || set.Find("1") != nil {
		t.Fatal("not the RSA key")
	}
	e := big.NewInt(int64(k.Public.E)).Bytes()
	canonical := fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, encode(e), encode(k.Public.N.Bytes()))
	if sum := sha256.Sum256([]byte(canonical)); encode(sum[:]) != rfcThumbprint {
		t.Errorf("the thumbprint of the key is %s, expected %s", encode(sum[:]), rfcThumbprint)
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is a key with the material of rfcRSA and the given kid. A change replaces,
// adds or, with nil, takes away one member.
type change map[string]any

func jwk(kid string, changes change) string {
	m := change{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": rfcModulus, "e": "AQAB"}
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// modulus is an odd number of that many bits, plus add.
func modulus(bits uint, add int64) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return encode(n.Add(n, big.NewInt(1+add)).Bytes())
}

func exponent(e int64) string { return encode(big.NewInt(e).Bytes()) }

func keys(all ...string) string { return `{"keys":[` + strings.Join(all, ",") + `]}` }

func parse(t *testing.T, doc string) *keyset.Set {
	t.Helper()
	set, err := keyset.Parse([]byte(doc))
	if err != nil {
		t.Fatalf("%.200s: %v", doc, err)
	}
	return set
}

// kids parses keys beside one good key, "beside", and returns the kids of the rest.
func kids(t *testing.T, all ...string) []string {
	t.Helper()
	set := parse(t, keys(append(all, jwk("beside", change{"n": modulus(2048, 1000)}))...))
	if set.Find("beside") == nil {
		t.Errorf("%.200s costs the key beside it", all)
	}
	if len(set.Keys)+set.Skipped != len(all)+1 {
		t.Errorf("%.200s: %d keys and %d skipped", all, len(set.Keys), set.Skipped)
	}
	return slices.Sorted(func(yield func(string) bool) {
		for kid := range set.Keys {
			if kid != "beside" && !yield(kid) {
				return
			}
		}
	})
}

func TestParse_usable(t *testing.T) {
	for name, key := range map[string]string{
		"as Cognito sends it":      jwk("k", nil),
		"without use":              jwk("k", change{"use": nil}),
		"without alg":              jwk("k", change{"alg": nil}),
		"to verify":                jwk("k", change{"key_ops": []string{"sign", "verify"}}),
		"members we do not know":   jwk("k", change{"x5c": []string{"x"}, "x": change{"kid": 1}, "KTY": "EC", "Alg": "none", "\u212aid": "j"}),
		"2048 bits":                jwk("k", change{"n": modulus(2048, 0)}),
		"8192 bits":                jwk("k", change{"n": modulus(8192, 0)}),
		"another exponent":         jwk("k", change{"e": exponent(1<<31 - 1)}),
		"names with escapes":       strings.Replace(jwk("k", nil), `"kid":"k"`, `"\u006bid":"\u006b"`, 1),
		"a private key, its parts": jwk("k", change{"d": "AQAB", "p": "AQ", "q": 7}),
	} {
		if got := kids(t, key); !slices.Equal(got, []string{"k"}) {
			t.Errorf("%s: skipped", name)
		}
	}
	if kid := strings.Repeat("k", 256); !slices.Equal(kids(t, jwk(kid, nil)), []string{kid}) {
		t.Error("a kid of 256 bytes: skipped")
	}
}

func TestParse_skips(t *testing.T) {
	for name, key := range map[string]string{
		"EC":                        rfcEC,
		"kty not RSA":               jwk("k", change{"kty": "oct"}),
		"kty in lower case":         jwk("k", change{"kty": "rsa"}),
		"no kty":                    jwk("k", change{"kty": nil}),
		"kty by a folded name":      jwk("k", change{"kty": nil, "Kty": "RSA"}),
		"kty not a string":          jwk("k", change{"kty": []string{"RSA"}}),
		"use enc":                   jwk("k", change{"use": "enc"}),
		"use empty":                 jwk("k", change{"use": ""}),
		"use not a string":          jwk("k", change{"use": 1}),
		"alg RS512":                 jwk("k", change{"alg": "RS512"}),
		"alg PS256":                 jwk("k", change{"alg": "PS256"}),
		"alg in lower case":         jwk("k", change{"alg": "rs256"}),
		"alg null":                  strings.Replace(jwk("k", nil), `"RS256"`, `null`, 1),
		"key_ops without verify":    jwk("k", change{"key_ops": []string{"sign"}}),
		"key_ops empty":             jwk("k", change{"key_ops": []string{}}),
		"key_ops not a list":        jwk("k", change{"key_ops": "verify"}),
		"key_ops not of strings":    jwk("k", change{"key_ops": []any{"verify", 1}}),
		"no kid":                    jwk("k", change{"kid": nil}),
		"kid empty":                 jwk("", nil),
		"kid not a string":          jwk("k", change{"kid": 1}),
		"kid too long":              jwk(strings.Repeat("k", 257), nil),
		"kid by a folded name":      jwk("k", change{"kid": nil, "\u212aid": "k"}),
		"no n":                      jwk("k", change{"n": nil}),
		"n not a string":            jwk("k", change{"n": 1}),
		"n of 2047 bits":            jwk("k", change{"n": modulus(2047, 0)}),
		"n of 8193 bits":            jwk("k", change{"n": modulus(8193, 0)}),
		"n even":                    jwk("k", change{"n": modulus(2048, 1)}),
		"n with a leading zero":     jwk("k", change{"n": encode(append([]byte{0}, new(big.Int).SetBit(big.NewInt(1), 2047, 1).Bytes()...))}),
		"n with padding":            jwk("k", change{"n": rfcModulus + "=="}),
		"n in base64":               jwk("k", change{"n": strings.NewReplacer("-", "+", "_", "/").Replace(rfcModulus)}),
		"n with a line feed":        jwk("k", change{"n": rfcModulus[:64] + "\n" + rfcModulus[64:]}),
		"n with spare bits":         jwk("k", change{"n": rfcModulus[:len(rfcModulus)-1] + "x"}),
		"no e":                      jwk("k", change{"e": nil}),
		"e empty":                   jwk("k", change{"e": ""}),
		"e 1":                       jwk("k", change{"e": exponent(1)}),
		"e 3":                       jwk("k", change{"e": exponent(3)}),
		"e 65535":                   jwk("k", change{"e": exponent(65535)}),
		"e even":                    jwk("k", change{"e": exponent(65538)}),
		"e of 32 bits":              jwk("k", change{"e": exponent(1<<31 + 1)}),
		"e of 65 bits":              jwk("k", change{"e": "AQAAAAAAAQAB"}),
		"e with a leading zero":     jwk("k", change{"e": "AAEAAQ"}),
		"e a number":                jwk("k", change{"e": 65537}),
		"a name twice":              strings.Replace(jwk("k", nil), `{`, `{"kid":"k",`, 1),
		"a name twice by an escape": strings.Replace(jwk("k", nil), `{`, `{"\u006bid":"k",`, 1),
		"a name twice inside":       strings.Replace(jwk("k", nil), `{`, `{"x":{"y":1,"y":1},`, 1),
		"invalid UTF-8":             strings.Replace(jwk("k", nil), `{`, "{\"x\":\"\xff\",", 1),
		"not an object":             `"k"`,
		"a list":                    `[` + jwk("k", nil) + `]`,
		"null":                      `null`,
		"empty":                     `{}`,
	} {
		if got := kids(t, key); len(got) != 0 {
			t.Errorf("%s: %q is taken", name, got)
		}
		if set, err := keyset.Parse([]byte(keys(key))); err == nil || set != nil {
			t.Errorf("%s: a set of this key alone is accepted", name)
		}
	}
}

// The same kid twice: the same material is one key. Different material leaves
// none, in any order.
func TestParse_sameKeyID(t *testing.T) {
	a, b, other := jwk("k", nil), jwk("k", change{"n": modulus(2048, 0)}), jwk("other", nil)
	unusable := jwk("k", change{"use": "enc"})
	for _, tt := range []struct {
		keys []string
		want []string
	}{
		{[]string{a, a}, []string{"k"}},
		{[]string{a, jwk("k", change{"alg": nil}), other}, []string{"k", "other"}},
		{[]string{unusable, a}, []string{"k"}},
		{[]string{a, unusable}, []string{"k"}},
		{[]string{a, b}, nil},
		{[]string{b, a}, nil},
		{[]string{a, jwk("k", change{"e": exponent(65539)})}, nil},
		{[]string{a, b, other}, []string{"other"}},
		{[]string{a, b, a, b, a}, nil},
		{[]string{a, a, b}, nil},
		{[]string{jwk("K", nil), a}, []string{"K", "k"}}, // case counts
	} {
		if got := kids(t, tt.keys...); !slices.Equal(got, tt.want) {
			t.Errorf("%.300s: %q, expected %q", tt.keys, got, tt.want)
		}
	}
}

func TestParse_notASet(t *testing.T) {
	good := jwk("k", nil)
	for name, doc := range map[string]string{
		"nothing":               ``,
		"a key":                 good,
		"a list":                `[` + good + `]`,
		"no keys":               `{"keys":[]}`,
		"keys by a folded name": `{"Keys":[` + good + `],"\u212aeys":[` + good + `]}`,
		"keys not a list":       `{"keys":` + good + `}`,
		"keys null":             `{"keys":null}`,
		"keys twice":            `{"keys":[` + good + `],"keys":[` + good + `]}`,
		"keys twice, an escape": `{"keys":[` + good + `],"\u006beys":[]}`,
		"cut off":               keys(good)[:len(keys(good))-1],
		"trailing data":         keys(good) + `{}`,
		"a comma too many":      `{"keys":[` + good + `,]}`,
		"a bad key behind":      `{"keys":[` + good + `,{"x":01}]}`,
		"invalid UTF-8 beside":  `{"keys":[` + good + `],"x":"` + "\xff" + `"}`,
		"a name of bad UTF-8":   `{"keys":[` + good + `],"` + "\xff" + `":1}`,
		"65 levels":             `{"keys":[` + good + `],"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
		"65 levels in a key":    keys(good, `{"x":`+strings.Repeat("[", 62)+strings.Repeat("]", 62)+`}`),
		"never closed":          `{"keys":` + strings.Repeat("[", 200<<10),
	} {
		if set, err := keyset.Parse([]byte(doc)); err == nil || set != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, doc := range map[string]string{
		"members beside":    `{"x":{"keys":1},"keys":[` + good + `],"y":"\u0000"}`,
		"keys by an escape": `{"\u006beys":[` + good + `]}`,
		"white space":       " \n{ \"keys\" : [ " + good + " ] } \n",
		"64 levels":         `{"keys":[` + good + `],"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
	} {
		if parse(t, doc).Find("k") == nil {
			t.Errorf("%s: the key is not found", name)
		}
	}
}

func TestParse_limits(t *testing.T) {
	doc := keys(jwk("k", nil))
	fill := func(n int) []byte { return []byte(doc + strings.Repeat(" ", n-len(doc))) }
	if _, err := keyset.Parse(fill(256 << 10)); err != nil {
		t.Errorf("256 KiB: %v", err)
	}
	if _, err := keyset.Parse(fill(256<<10 + 1)); err == nil {
		t.Error("256 KiB and a byte are accepted")
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = jwk(fmt.Sprint(i), nil)
	}
	if set := parse(t, keys(many[:100]...)); len(set.Keys) != 100 || set.Skipped != 0 {
		t.Errorf("100 keys: %d, %d skipped", len(set.Keys), set.Skipped)
	}
	if _, err := keyset.Parse([]byte(keys(many...))); err == nil || !strings.Contains(err.Error(), "more than 100 keys") {
		t.Errorf("101 keys: %v", err)
	}
	if _, err := keyset.Parse([]byte(keys(append(many[:1], slices.Repeat([]string{`{}`}, 100)...)...))); err == nil {
		t.Error("1 usable key and 100 others are accepted")
	}
}

// Every key that is used is prepared: of the least and the largest size and
// exponent too. Keep carries the prepared key along.
func TestParse_prepares(t *testing.T) {
	doc := keys(jwk("cognito", nil), jwk("least", change{"n": modulus(2048, 0)}), jwk("largest", change{"n": modulus(8192, 0), "e": exponent(1<<31 - 1)}))
	set := parse(t, doc)
	if len(set.Keys) != 3 {
		t.Fatalf("%d keys, want 3", len(set.Keys))
	}
	for kid, k := range set.Keys {
		if want := !lab.StandardRS256(); k.Verifier.Prepared() != want {
			t.Errorf("%s: prepared: %t, want %t", kid, k.Verifier.Prepared(), want)
		}
	}
	next := parse(t, doc)
	next.Keep(set)
	for kid, k := range set.Keys {
		if next.Keys[kid].Verifier != k.Verifier {
			t.Errorf("%s: prepared anew", kid)
		}
	}
}

func TestSet_Keep(t *testing.T) {
	before := parse(t, keys(jwk("same", nil), jwk("changed", nil), jwk("gone", nil)))
	set := parse(t, keys(jwk("same", change{"alg": nil}), jwk("changed", change{"n": modulus(2048, 0)}), jwk("new", nil)))
	changed, fresh := set.Find("changed"), set.Find("new")
	if set.Find("same") == before.Find("same") {
		t.Fatal("two sets share a key before Keep")
	}
	set.Keep(before)
	if set.Find("same") != before.Find("same") {
		t.Error("a key with unchanged material has another pointer")
	}
	if set.Find("changed") != changed || set.Find("new") != fresh || set.Find("gone") != nil || len(set.Keys) != 3 {
		t.Error("Keep took over more than keys with unchanged material")
	}
	set.Keep(nil)
	if len(set.Keys) != 3 {
		t.Error("Keep(nil) changed the set")
	}
}

func TestSet_Find(t *testing.T) {
	var none *keyset.Set
	if none.Find("k") != nil || new(keyset.Set).Find("k") != nil {
		t.Error("a key in no set")
	}
	set := parse(t, keys(jwk("k", nil)))
	if set.Find("k") == nil || set.Find("K") != nil || set.Find("") != nil || set.Find("k ") != nil {
		t.Error("a kid is found by its very bytes alone")
	}
}
