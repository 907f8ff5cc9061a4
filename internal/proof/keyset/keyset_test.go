// Package keyset_test shows which keys of one key set are used, and which key
// sets are refused: by tokens that a middleware accepts or refuses, and by what
// its Status says.
package keyset_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// modulus is an odd number of exactly that many bits, as n is written.
func modulus(bits int) string {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return base64.RawURLEncoding.EncodeToString(n.SetBit(n, 0, 1).Bytes())
}

// TestKeyObjects changes one thing about a key that stands beside a good one.
func TestKeyObjects(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	good, token := pool.IDToken(), pool.AccessToken()
	number := token.Key().N
	n := base64.RawURLEncoding.EncodeToString(number.Bytes())
	fill := strings.NewReplacer("{kid}", token.KeyID(), "{n}", n, "{head}", n[:64], "{tail}", n[64:], "{number}", number.String(),
		"{even}", base64.RawURLEncoding.EncodeToString(new(big.Int).Sub(number, big.NewInt(1)).Bytes()),
		"{zero}", base64.RawURLEncoding.EncodeToString(append([]byte{0}, number.Bytes()...)))
	for _, row := range keyObjects {
		t.Run(row.name, func(t *testing.T) {
			whole := lab.JWK(token.KeyID(), token.Key())
			raw := strings.Replace(whole, fill.Replace(row.from), fill.Replace(row.to), 1)
			if raw == whole && row.from != row.to {
				t.Fatalf("there is no %s to replace", row.from)
			}
			l := staticKeys(t, pool, raw, lab.JWK(good.KeyID(), good.Key()))
			l.WantSoon("signed by the key", token.String(), row.verdict)
			l.WantSoon("signed by the good key beside it", token.SignedBy(good.Key()).SetHeader("kid", good.KeyID()).String(), lab.Okay)
			if s := l.Status(); (s.Skipped == 1) != (row.verdict == lab.UnknownKey) || len(s.KeyIDs)+s.Skipped != 2 || !slices.Contains(s.KeyIDs, good.KeyID()) {
				t.Errorf("Status: kids %q, %d skipped; want the good one, and to be told of the other", s.KeyIDs, s.Skipped)
			}
		})
	}
}

// keyObjects says what becomes of a key of which one part is replaced: the
// verdict on a token that its private half has signed.
var keyObjects = []struct {
	name     string
	from, to string
	verdict  string
}{
	{"as it is", ``, ``, lab.Okay},

	{"kty of elliptic curves", `"kty":"RSA"`, `"kty":"EC"`, lab.UnknownKey},
	{"kty of a secret", `"kty":"RSA"`, `"kty":"oct","k":"AAAA"`, lab.UnknownKey},
	{"kty unknown", `"kty":"RSA"`, `"kty":"RSA2"`, lab.UnknownKey},
	{"kty in another case", `"kty":"RSA"`, `"kty":"rsa"`, lab.UnknownKey},
	{"kty missing", `"kty":"RSA",`, ``, lab.UnknownKey},
	{"kty null", `"kty":"RSA"`, `"kty":null`, lab.UnknownKey},
	{"kty a list", `"kty":"RSA"`, `"kty":["RSA"]`, lab.UnknownKey},
	{"kty under another name", `"kty":"RSA"`, `"KTY":"RSA"`, lab.UnknownKey},
	{"kty twice", `"kty":"RSA"`, `"kty":"RSA","kty":"RSA"`, lab.UnknownKey},
	{"kty beside another name", `"kty":"RSA"`, `"kty":"RSA","KTY":"EC"`, lab.Okay},

	{"use for encryption", `"use":"sig"`, `"use":"enc"`, lab.UnknownKey},
	{"use empty", `"use":"sig"`, `"use":""`, lab.UnknownKey},
	{"use in another case", `"use":"sig"`, `"use":"Sig"`, lab.UnknownKey},
	{"use null", `"use":"sig"`, `"use":null`, lab.UnknownKey},
	{"use missing", `"use":"sig",`, ``, lab.Okay},
	{"use twice", `"use":"sig"`, `"use":"enc","use":"sig"`, lab.UnknownKey},
	{"use escaped", `"use":"sig"`, `"use":"\u0073ig"`, lab.Okay},
	{"use beside another name", `"use":"sig"`, `"use":"sig","Use":"enc"`, lab.Okay},

	{"alg of another hash", `"alg":"RS256"`, `"alg":"RS512"`, lab.UnknownKey},
	{"alg of another padding", `"alg":"RS256"`, `"alg":"PS256"`, lab.UnknownKey},
	{"alg of a secret", `"alg":"RS256"`, `"alg":"HS256"`, lab.UnknownKey},
	{"alg none", `"alg":"RS256"`, `"alg":"none"`, lab.UnknownKey},
	{"alg in another case", `"alg":"RS256"`, `"alg":"rs256"`, lab.UnknownKey},
	{"alg empty", `"alg":"RS256"`, `"alg":""`, lab.UnknownKey},
	{"alg a number", `"alg":"RS256"`, `"alg":256`, lab.UnknownKey},
	{"alg missing", `"alg":"RS256",`, ``, lab.Okay},

	{"key_ops to verify", `"use":"sig"`, `"key_ops":["verify"]`, lab.Okay},
	{"key_ops to verify and more", `"use":"sig"`, `"key_ops":["sign","verify"]`, lab.Okay},
	{"key_ops to sign", `"use":"sig"`, `"key_ops":["sign"]`, lab.UnknownKey},
	{"key_ops to encrypt", `"use":"sig"`, `"use":"sig","key_ops":["encrypt"]`, lab.UnknownKey},
	{"key_ops empty", `"use":"sig"`, `"key_ops":[]`, lab.UnknownKey},
	{"key_ops a string", `"use":"sig"`, `"key_ops":"verify"`, lab.UnknownKey},
	{"key_ops with a number", `"use":"sig"`, `"key_ops":["verify",1]`, lab.UnknownKey},
	{"key_ops null", `"use":"sig"`, `"key_ops":null`, lab.UnknownKey},

	{"n of 1024 bits", `{n}`, modulus(1024), lab.UnknownKey},
	{"n of 2047 bits", `{n}`, modulus(2047), lab.UnknownKey},
	{"n of 2048 bits", `{n}`, modulus(2048), lab.BadSignature},
	{"n of 8192 bits", `{n}`, modulus(8192), lab.BadSignature},
	{"n of 8193 bits", `{n}`, modulus(8193), lab.UnknownKey},
	{"n of 16384 bits", `{n}`, modulus(16384), lab.UnknownKey},
	{"n even", `{n}`, `{even}`, lab.UnknownKey},
	{"n with a leading zero", `{n}`, `{zero}`, lab.UnknownKey},
	{"n with padding", `{n}`, `{n}==`, lab.UnknownKey},
	{"n in standard base64", `{n}`, base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 256)), lab.UnknownKey},
	{"n with a line break", `{n}`, `{head}\n{tail}`, lab.UnknownKey},
	{"n with a carriage return", `{n}`, `{head}\r{tail}`, lab.UnknownKey},
	{"n with a last digit that says more", `{n}`, modulus(2048)[:341] + "R", lab.UnknownKey},
	{"n with a foreign character far behind", `{n}`, strings.Repeat("_", 400) + "!AAA", lab.UnknownKey},
	{"n empty", `{n}`, ``, lab.UnknownKey},
	{"n missing", `"n":`, `"N":`, lab.UnknownKey},
	{"n a number", `"n":"{n}"`, `"n":{number}`, lab.UnknownKey},
	{"n twice", `"n":`, `"n":"` + modulus(2048) + `","n":`, lab.UnknownKey},

	{"e of 3", `"e":"AQAB"`, `"e":"Aw"`, lab.UnknownKey},
	{"e of 1", `"e":"AQAB"`, `"e":"AQ"`, lab.UnknownKey},
	{"e of 65535", `"e":"AQAB"`, `"e":"__8"`, lab.UnknownKey},
	{"e of 65536, even", `"e":"AQAB"`, `"e":"AQAA"`, lab.UnknownKey},
	{"e of 65538, even", `"e":"AQAB"`, `"e":"AQAC"`, lab.UnknownKey},
	{"e of 65539", `"e":"AQAB"`, `"e":"AQAD"`, lab.BadSignature},
	{"e of 2^31-1", `"e":"AQAB"`, `"e":"f____w"`, lab.BadSignature},
	{"e of 2^31+1", `"e":"AQAB"`, `"e":"gAAAAQ"`, lab.UnknownKey},
	{"e of 2^32+1, which an int32 takes for 1", `"e":"AQAB"`, `"e":"AQAAAAE"`, lab.UnknownKey},
	{"e of 2^32+65537", `"e":"AQAB"`, `"e":"AQABAAE"`, lab.UnknownKey},
	{"e of 2^64+65537, which an int64 takes for 65537", `"e":"AQAB"`, `"e":"AQAAAAAAAQAB"`, lab.UnknownKey},
	{"e of 2048 bits", `"e":"AQAB"`, `"e":"` + modulus(2048) + `"`, lab.UnknownKey},
	{"e with a leading zero", `"e":"AQAB"`, `"e":"AAEAAQ"`, lab.UnknownKey},
	{"e empty", `"e":"AQAB"`, `"e":""`, lab.UnknownKey},
	{"e missing", `,"e":"AQAB"`, ``, lab.UnknownKey},
	{"e a number", `"e":"AQAB"`, `"e":65537`, lab.UnknownKey},
	{"e with padding", `"e":"AQAB"`, `"e":"AQAB=="`, lab.UnknownKey},
	{"e with a line break", `"e":"AQAB"`, `"e":"AQAB\n"`, lab.UnknownKey},

	{"kid empty", `{kid}`, ``, lab.UnknownKey},
	{"kid missing", `"kid":`, `"KID":`, lab.UnknownKey},
	{"kid a number", `"kid":"{kid}"`, `"kid":1`, lab.UnknownKey},
	{"kid null", `"kid":"{kid}"`, `"kid":null`, lab.UnknownKey},
	{"kid twice", `"kid":`, `"kid":"x","kid":`, lab.UnknownKey},
	{"kid beside another name", `"kid":`, `"Kid":"x","kid":`, lab.Okay},

	{"private members that are none", `"e":"AQAB"`, `"e":"AQAB","d":5,"p":null,"q":"?","dp":[],"dq":{},"qi":false,"oth":""`, lab.Okay},
	{"a certificate of nothing", `"e":"AQAB"`, `"e":"AQAB","x5c":["AAAA"],"x5t":"AAAA","x5u":"https://elsewhere.example/"`, lab.Okay},
	{"a member that nobody knows", `"e":"AQAB"`, `"e":"AQAB","ext":{"a":[1,2,{}]}`, lab.Okay},
	{"a member twice that nobody knows", `"e":"AQAB"`, `"e":"AQAB","ext":1,"ext":2`, lab.UnknownKey},
	{"a member twice, escaped the second time", `"e":"AQAB"`, `"e":"AQAB","\u0065":"AQAB"`, lab.UnknownKey},
	{"bad UTF-8 in a name", `"e":"AQAB"`, `"e":"AQAB","` + "\xff" + `":1`, lab.UnknownKey},
	{"bad UTF-8 in a value", `"e":"AQAB"`, `"e":"AQAB","ext":"` + "\xc3(" + `"`, lab.UnknownKey},
	{"half a surrogate in a value", `"e":"AQAB"`, `"e":"AQAB","ext":"\ud800"`, lab.UnknownKey},
	{"bad UTF-8 in the kid", `"kid":"`, `"kid":"` + "\xff", lab.UnknownKey},
}

// TestKeyObjectIsPrivate: a private key in the set is read as its public half.
func TestKeyObjectIsPrivate(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken()
	key := token.Key()
	b64 := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	private := fmt.Sprintf(`,"d":"%s","p":"%s","q":"%s","dp":"%s","dq":"%s","qi":"%s"}`, b64(key.D), b64(key.Primes[0]), b64(key.Primes[1]),
		b64(key.Precomputed.Dp), b64(key.Precomputed.Dq), b64(key.Precomputed.Qinv))
	l := staticKeys(t, pool, strings.TrimSuffix(lab.JWK(token.KeyID(), key), "}")+private)
	l.WantSoon("a private key", token.String(), lab.Okay)
}

// staticKeys are Keys with a key set known in advance.
func staticKeys(t *testing.T, pool *cognitotest.Pool, jwks ...string) *lab.Keys {
	t.Helper()
	return lab.NewKeys(t, func(cfg *cognitoauth.Config) {
		cfg.Pools[0].JWKSURL, cfg.Pools[0].JWKS = "", lab.KeySet(jwks...)
	})
}

// TestKeyIDLength: a kid of 256 bytes is the longest, in the set as in a token.
func TestKeyIDLength(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	long, longer := strings.Repeat("k", 256), strings.Repeat("k", 257)
	l := staticKeys(t, pool, lab.JWK(long, token.Key()), lab.JWK(longer, other.Key()))
	l.WantSoon("256 bytes", token.SetHeader("kid", long).String(), lab.Okay)
	if s := l.Status(); !slices.Equal(s.KeyIDs, []string{long}) || s.Skipped != 1 {
		t.Errorf("Status: kids %q, %d skipped; want the one of 256 bytes, and one skipped", s.KeyIDs, s.Skipped)
	}
}

// TestKeyIDsAreOpaque: kids that look alike are different keys.
func TestKeyIDsAreOpaque(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	l := staticKeys(t, pool, lab.JWK("a+b/c=", token.Key()), lab.JWK("A+b/c=", other.Key()))
	for _, row := range []struct {
		name, kid, verdict string
	}{
		{"the very kid", "a+b/c=", lab.Okay},
		{"in another case, of the other key", "A+b/c=", lab.BadSignature},
		{"without padding", "a+b/c", lab.UnknownKey},
		{"in the URL's alphabet", "a-b_c=", lab.UnknownKey},
		{"escaped", "a%2Bb/c=", lab.UnknownKey},
		{"with a space", "a+b/c= ", lab.UnknownKey},
		{"with a NUL", "a+b/c=\x00", lab.UnknownKey},
		{"a path", "../a+b/c=", lab.UnknownKey},
	} {
		l.WantSoon(row.name, token.SetHeader("kid", row.kid).String(), row.verdict)
	}
}

// TestDuplicateKeyIDs: which of two keys verifies must not depend on their
// order.
func TestDuplicateKeyIDs(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	a, b, beside := lab.JWK("k", token.Key()), lab.JWK("k", other.Key()), lab.JWK("beside", other.Key())
	weak := strings.Replace(a, `"use":"sig"`, `"use":"enc"`, 1)
	for _, row := range []struct {
		name    string
		set     []string
		verdict string
		skipped int
	}{
		{"one", []string{a, beside}, lab.Okay, 0},
		{"the same twice counts once", []string{a, a, beside}, lab.Okay, 1},
		{"the same in other words counts once", []string{a, strings.Replace(a, `"alg":"RS256",`, "", 1), beside}, lab.Okay, 1},
		{"other material drops both", []string{a, b, beside}, lab.UnknownKey, 2},
		{"other material drops both, the other way round", []string{b, a, beside}, lab.UnknownKey, 2},
		{"a third does not bring it back", []string{a, b, a, beside}, lab.UnknownKey, 3},
		{"a third does not bring it back, wherever it stands", []string{beside, a, a, b}, lab.UnknownKey, 3},
		{"one that cannot be used does not count", []string{strings.Replace(b, `"use":"sig"`, `"use":"enc"`, 1), a, beside}, lab.Okay, 1},
		{"another exponent is other material", []string{a, strings.Replace(a, `"AQAB"`, `"AQAD"`, 1), beside}, lab.UnknownKey, 2},
		{"the same, once for encryption", []string{weak, a, beside}, lab.Okay, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := staticKeys(t, pool, row.set...)
			l.WantSoon("signed by the first", token.SetHeader("kid", "k").String(), row.verdict)
			l.WantSoon("beside it", token.SignedBy(other.Key()).SetHeader("kid", "beside").String(), lab.Okay)
			if s := l.Status(); s.Skipped != row.skipped {
				t.Errorf("Status: %d skipped, want %d", s.Skipped, row.skipped)
			}
		})
	}
}

// TestKeySetDocument: what stands around the keys.
func TestKeySetDocument(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken()
	key := lab.JWK(token.KeyID(), token.Key())
	many := func(n int) string { return `{"keys":[` + strings.Repeat("{},", n-1) + key + `]}` }
	nested := func(n int) string {
		return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `,"keys":[` + key + `]}`
	}
	for _, row := range []struct {
		name string
		doc  string
		err  string // "": it is good
	}{
		{"a list of one key is good", `{"keys":[` + key + `]}`, ""},
		{"other members are good", `{"a":1,"keys":[` + key + `],"Keys":[],"b":{"keys":[]}}`, ""},
		{"other members twice are good", `{"a":1,"a":2,"keys":[` + key + `]}`, ""},
		{"an escaped name is good", `{"\u006beys":[` + key + `]}`, ""},
		{"elements that are no objects are skipped", `{"keys":[1,"a",null,[],` + key + `]}`, ""},

		{"keys under another name", `{"Keys":[` + key + `]}`, "not a JWK set"},
		{"keys twice", `{"keys":[` + key + `],"keys":[` + key + `]}`, "not a JWK set"},
		{"keys twice, the second empty", `{"keys":[` + key + `],"keys":[]}`, "not a JWK set"},
		{"keys twice, the first no list", `{"keys":1,"keys":[` + key + `]}`, "not a JWK set"},
		{"keys and a comma", `{"keys":[` + key + `,]}`, "not a JWK set"},
		{"a comment", `{"keys":[` + key + `]/**/}`, "not a JWK set"},
		{"a key alone", key, "not a JWK set"},
		{"bad UTF-8 in a name beside the keys", "{\"\xff\":1,\"keys\":[" + key + "]}", "not a JWK set"},
		{"bad UTF-8 beside the keys", `{"a":"` + "\xff" + `","keys":[` + key + `]}`, "not a JWK set"},

		{"100 keys are good", many(100), ""},
		{"101 keys", many(101), "more than 100 keys"},
		{"nested 64 levels deep is good", nested(63), ""},
		{"nested 65 levels deep", nested(64), "nests too deeply"},
		{"no key that is usable", `{"keys":[` + strings.Replace(key, "sig", "enc", 1) + `]}`, "1 keys and none of them is usable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t)
				l.Pool.SetFault(cognitotest.Fault{Body: []byte(row.doc)})
				verdict := lab.Okay
				if row.err != "" {
					verdict = lab.Unavailable
				}
				l.Want("fetched", pool.AccessToken().String(), verdict)
				err := l.Status().Err
				if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
					t.Errorf("the fetch ended with %v, want %q", err, row.err)
				}
			})
			cfg := pool.Config()
			cfg.Pools[0].JWKS = []byte(row.doc)
			if _, err := cognitoauth.New(cfg); (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("New with the set as JWKS: %v, want %q", err, row.err)
			}
		})
	}
}

// TestStaticSetSize: a set known in advance is bounded like any other.
func TestStaticSetSize(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for size, want := range map[int]bool{lab.LargestKeySet: true, lab.LargestKeySet + 1: false} {
		cfg := pool.Config()
		cfg.Pools[0].JWKS = lab.Padded(pool, size).Body
		if _, err := cognitoauth.New(cfg); (err == nil) != want {
			t.Errorf("%d bytes: %v, want it to be good: %t", size, err, want)
		}
	}
}

// TestSkippedKeysKeepTheSet: a set of which nothing is usable any more is a
// failure, and the last good set stays.
func TestSkippedKeysKeepTheSet(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		l.Warm()
		bad := strings.ReplaceAll(string(l.Pool.KeySet()), `"use":"sig"`, `"use":"enc"`)
		l.Pool.SetFault(cognitotest.Fault{Body: []byte(bad)})
		l.Want("unknown key", l.Stranger("a"), lab.Unavailable)
		l.Want("known key", l.Token(), lab.Okay)
		if s := l.Status(); s.Err == nil || len(s.KeyIDs) != 2 || s.Skipped != 0 {
			t.Errorf("Status: %+v, want an error and the last good set", s)
		}
		time.Sleep(time.Minute)
		half := strings.Replace(string(l.Pool.KeySet()), `"use":"sig"`, `"use":"enc"`, 1)
		l.Pool.SetFault(cognitotest.Fault{Body: []byte(half)})
		l.Want("unknown key", l.Stranger("a"), lab.UnknownKey)
		if s := l.Status(); s.Err != nil || len(s.KeyIDs) != 1 || s.Skipped != 1 {
			t.Errorf("Status: %+v, want one key and one skipped", s)
		}
	})
}
