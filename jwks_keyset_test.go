package cognitoauth_test

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
			whole := jwkOf(token.KeyID(), token.Key())
			raw := strings.Replace(whole, fill.Replace(row.from), fill.Replace(row.to), 1)
			if raw == whole && row.from != row.to {
				t.Fatalf("there is no %s to replace", row.from)
			}
			l := staticLab(t, pool, raw, jwkOf(good.KeyID(), good.Key()))
			l.wantSoon("signed by the key", token.String(), row.verdict)
			l.wantSoon("signed by the good key beside it", token.SignedBy(good.Key()).SetHeader("kid", good.KeyID()).String(), okay)
			if s := l.status(); (s.Skipped == 1) != (row.verdict == unknownKey) || len(s.KeyIDs)+s.Skipped != 2 || !slices.Contains(s.KeyIDs, good.KeyID()) {
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
	{"as it is", ``, ``, okay},

	{"kty of elliptic curves", `"kty":"RSA"`, `"kty":"EC"`, unknownKey},
	{"kty of a secret", `"kty":"RSA"`, `"kty":"oct","k":"AAAA"`, unknownKey},
	{"kty unknown", `"kty":"RSA"`, `"kty":"RSA2"`, unknownKey},
	{"kty in another case", `"kty":"RSA"`, `"kty":"rsa"`, unknownKey},
	{"kty missing", `"kty":"RSA",`, ``, unknownKey},
	{"kty null", `"kty":"RSA"`, `"kty":null`, unknownKey},
	{"kty a list", `"kty":"RSA"`, `"kty":["RSA"]`, unknownKey},
	{"kty under another name", `"kty":"RSA"`, `"KTY":"RSA"`, unknownKey},
	{"kty twice", `"kty":"RSA"`, `"kty":"RSA","kty":"RSA"`, unknownKey},
	{"kty beside another name", `"kty":"RSA"`, `"kty":"RSA","KTY":"EC"`, okay},

	{"use for encryption", `"use":"sig"`, `"use":"enc"`, unknownKey},
	{"use empty", `"use":"sig"`, `"use":""`, unknownKey},
	{"use in another case", `"use":"sig"`, `"use":"Sig"`, unknownKey},
	{"use null", `"use":"sig"`, `"use":null`, unknownKey},
	{"use missing", `"use":"sig",`, ``, okay},
	{"use twice", `"use":"sig"`, `"use":"enc","use":"sig"`, unknownKey},
	{"use escaped", `"use":"sig"`, `"use":"\u0073ig"`, okay},
	{"use beside another name", `"use":"sig"`, `"use":"sig","Use":"enc"`, okay},

	{"alg of another hash", `"alg":"RS256"`, `"alg":"RS512"`, unknownKey},
	{"alg of another padding", `"alg":"RS256"`, `"alg":"PS256"`, unknownKey},
	{"alg of a secret", `"alg":"RS256"`, `"alg":"HS256"`, unknownKey},
	{"alg none", `"alg":"RS256"`, `"alg":"none"`, unknownKey},
	{"alg in another case", `"alg":"RS256"`, `"alg":"rs256"`, unknownKey},
	{"alg empty", `"alg":"RS256"`, `"alg":""`, unknownKey},
	{"alg a number", `"alg":"RS256"`, `"alg":256`, unknownKey},
	{"alg missing", `"alg":"RS256",`, ``, okay},

	{"key_ops to verify", `"use":"sig"`, `"key_ops":["verify"]`, okay},
	{"key_ops to verify and more", `"use":"sig"`, `"key_ops":["sign","verify"]`, okay},
	{"key_ops to sign", `"use":"sig"`, `"key_ops":["sign"]`, unknownKey},
	{"key_ops to encrypt", `"use":"sig"`, `"use":"sig","key_ops":["encrypt"]`, unknownKey},
	{"key_ops empty", `"use":"sig"`, `"key_ops":[]`, unknownKey},
	{"key_ops a string", `"use":"sig"`, `"key_ops":"verify"`, unknownKey},
	{"key_ops with a number", `"use":"sig"`, `"key_ops":["verify",1]`, unknownKey},
	{"key_ops null", `"use":"sig"`, `"key_ops":null`, unknownKey},

	{"n of 1024 bits", `{n}`, modulus(1024), unknownKey},
	{"n of 2047 bits", `{n}`, modulus(2047), unknownKey},
	{"n of 2048 bits", `{n}`, modulus(2048), badSig},
	{"n of 8192 bits", `{n}`, modulus(8192), badSig},
	{"n of 8193 bits", `{n}`, modulus(8193), unknownKey},
	{"n of 16384 bits", `{n}`, modulus(16384), unknownKey},
	{"n even", `{n}`, `{even}`, unknownKey},
	{"n with a leading zero", `{n}`, `{zero}`, unknownKey},
	{"n with padding", `{n}`, `{n}==`, unknownKey},
	{"n in standard base64", `{n}`, base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 256)), unknownKey},
	{"n with a line break", `{n}`, `{head}\n{tail}`, unknownKey},
	{"n with a carriage return", `{n}`, `{head}\r{tail}`, unknownKey},
	{"n with a last digit that says more", `{n}`, modulus(2048)[:341] + "R", unknownKey},
	{"n with a foreign character far behind", `{n}`, strings.Repeat("_", 400) + "!AAA", unknownKey},
	{"n empty", `{n}`, ``, unknownKey},
	{"n missing", `"n":`, `"N":`, unknownKey},
	{"n a number", `"n":"{n}"`, `"n":{number}`, unknownKey},
	{"n twice", `"n":`, `"n":"` + modulus(2048) + `","n":`, unknownKey},

	{"e of 3", `"e":"AQAB"`, `"e":"Aw"`, unknownKey},
	{"e of 1", `"e":"AQAB"`, `"e":"AQ"`, unknownKey},
	{"e of 65535", `"e":"AQAB"`, `"e":"__8"`, unknownKey},
	{"e of 65536, even", `"e":"AQAB"`, `"e":"AQAA"`, unknownKey},
	{"e of 65538, even", `"e":"AQAB"`, `"e":"AQAC"`, unknownKey},
	{"e of 65539", `"e":"AQAB"`, `"e":"AQAD"`, badSig},
	{"e of 2^31-1", `"e":"AQAB"`, `"e":"f____w"`, badSig},
	{"e of 2^31+1", `"e":"AQAB"`, `"e":"gAAAAQ"`, unknownKey},
	{"e of 2^32+1, which an int32 takes for 1", `"e":"AQAB"`, `"e":"AQAAAAE"`, unknownKey},
	{"e of 2^32+65537", `"e":"AQAB"`, `"e":"AQABAAE"`, unknownKey},
	{"e of 2^64+65537, which an int64 takes for 65537", `"e":"AQAB"`, `"e":"AQAAAAAAAQAB"`, unknownKey},
	{"e of 2048 bits", `"e":"AQAB"`, `"e":"` + modulus(2048) + `"`, unknownKey},
	{"e with a leading zero", `"e":"AQAB"`, `"e":"AAEAAQ"`, unknownKey},
	{"e empty", `"e":"AQAB"`, `"e":""`, unknownKey},
	{"e missing", `,"e":"AQAB"`, ``, unknownKey},
	{"e a number", `"e":"AQAB"`, `"e":65537`, unknownKey},
	{"e with padding", `"e":"AQAB"`, `"e":"AQAB=="`, unknownKey},
	{"e with a line break", `"e":"AQAB"`, `"e":"AQAB\n"`, unknownKey},

	{"kid empty", `{kid}`, ``, unknownKey},
	{"kid missing", `"kid":`, `"KID":`, unknownKey},
	{"kid a number", `"kid":"{kid}"`, `"kid":1`, unknownKey},
	{"kid null", `"kid":"{kid}"`, `"kid":null`, unknownKey},
	{"kid twice", `"kid":`, `"kid":"x","kid":`, unknownKey},
	{"kid beside another name", `"kid":`, `"Kid":"x","kid":`, okay},

	{"private members that are none", `"e":"AQAB"`, `"e":"AQAB","d":5,"p":null,"q":"?","dp":[],"dq":{},"qi":false,"oth":""`, okay},
	{"a certificate of nothing", `"e":"AQAB"`, `"e":"AQAB","x5c":["AAAA"],"x5t":"AAAA","x5u":"https://elsewhere.example/"`, okay},
	{"a member that nobody knows", `"e":"AQAB"`, `"e":"AQAB","ext":{"a":[1,2,{}]}`, okay},
	{"a member twice that nobody knows", `"e":"AQAB"`, `"e":"AQAB","ext":1,"ext":2`, unknownKey},
	{"a member twice, escaped the second time", `"e":"AQAB"`, `"e":"AQAB","\u0065":"AQAB"`, unknownKey},
	{"bad UTF-8 in a name", `"e":"AQAB"`, `"e":"AQAB","` + "\xff" + `":1`, unknownKey},
	{"bad UTF-8 in a value", `"e":"AQAB"`, `"e":"AQAB","ext":"` + "\xc3(" + `"`, unknownKey},
	{"half a surrogate in a value", `"e":"AQAB"`, `"e":"AQAB","ext":"\ud800"`, unknownKey},
	{"bad UTF-8 in the kid", `"kid":"`, `"kid":"` + "\xff", unknownKey},
}

// TestKeyObjectIsPrivate: a private key in the set is read as its public half.
func TestKeyObjectIsPrivate(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken()
	key := token.Key()
	b64 := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	private := fmt.Sprintf(`,"d":"%s","p":"%s","q":"%s","dp":"%s","dq":"%s","qi":"%s"}`, b64(key.D), b64(key.Primes[0]), b64(key.Primes[1]),
		b64(key.Precomputed.Dp), b64(key.Precomputed.Dq), b64(key.Precomputed.Qinv))
	l := staticLab(t, pool, strings.TrimSuffix(jwkOf(token.KeyID(), key), "}")+private)
	l.wantSoon("a private key", token.String(), okay)
}

// staticLab is a lab with a key set known in advance.
func staticLab(t *testing.T, pool *cognitotest.Pool, jwks ...string) *keyLab {
	t.Helper()
	return newKeyLab(t, func(cfg *cognitoauth.Config) {
		cfg.Pools[0].JWKSURL, cfg.Pools[0].JWKS = "", keysOf(jwks...)
	})
}

// TestKeyIDLength: a kid of 256 bytes is the longest, in the set as in a token.
func TestKeyIDLength(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	long, longer := strings.Repeat("k", 256), strings.Repeat("k", 257)
	l := staticLab(t, pool, jwkOf(long, token.Key()), jwkOf(longer, other.Key()))
	l.wantSoon("256 bytes", token.SetHeader("kid", long).String(), okay)
	if s := l.status(); !slices.Equal(s.KeyIDs, []string{long}) || s.Skipped != 1 {
		t.Errorf("Status: kids %q, %d skipped; want the one of 256 bytes, and one skipped", s.KeyIDs, s.Skipped)
	}
}

// TestKeyIDsAreOpaque: kids that look alike are different keys.
func TestKeyIDsAreOpaque(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	l := staticLab(t, pool, jwkOf("a+b/c=", token.Key()), jwkOf("A+b/c=", other.Key()))
	for _, row := range []struct {
		name, kid, verdict string
	}{
		{"the very kid", "a+b/c=", okay},
		{"in another case, of the other key", "A+b/c=", badSig},
		{"without padding", "a+b/c", unknownKey},
		{"in the URL's alphabet", "a-b_c=", unknownKey},
		{"escaped", "a%2Bb/c=", unknownKey},
		{"with a space", "a+b/c= ", unknownKey},
		{"with a NUL", "a+b/c=\x00", unknownKey},
		{"a path", "../a+b/c=", unknownKey},
	} {
		l.wantSoon(row.name, token.SetHeader("kid", row.kid).String(), row.verdict)
	}
}

// TestDuplicateKeyIDs: which of two keys verifies must not depend on their
// order.
func TestDuplicateKeyIDs(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token, other := pool.AccessToken(), pool.IDToken()
	a, b, beside := jwkOf("k", token.Key()), jwkOf("k", other.Key()), jwkOf("beside", other.Key())
	weak := strings.Replace(a, `"use":"sig"`, `"use":"enc"`, 1)
	for _, row := range []struct {
		name    string
		set     []string
		verdict string
		skipped int
	}{
		{"one", []string{a, beside}, okay, 0},
		{"the same twice counts once", []string{a, a, beside}, okay, 1},
		{"the same in other words counts once", []string{a, strings.Replace(a, `"alg":"RS256",`, "", 1), beside}, okay, 1},
		{"other material drops both", []string{a, b, beside}, unknownKey, 2},
		{"other material drops both, the other way round", []string{b, a, beside}, unknownKey, 2},
		{"a third does not bring it back", []string{a, b, a, beside}, unknownKey, 3},
		{"a third does not bring it back, wherever it stands", []string{beside, a, a, b}, unknownKey, 3},
		{"one that cannot be used does not count", []string{strings.Replace(b, `"use":"sig"`, `"use":"enc"`, 1), a, beside}, okay, 1},
		{"another exponent is other material", []string{a, strings.Replace(a, `"AQAB"`, `"AQAD"`, 1), beside}, unknownKey, 2},
		{"the same, once for encryption", []string{weak, a, beside}, okay, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := staticLab(t, pool, row.set...)
			l.wantSoon("signed by the first", token.SetHeader("kid", "k").String(), row.verdict)
			l.wantSoon("beside it", token.SignedBy(other.Key()).SetHeader("kid", "beside").String(), okay)
			if s := l.status(); s.Skipped != row.skipped {
				t.Errorf("Status: %d skipped, want %d", s.Skipped, row.skipped)
			}
		})
	}
}

// TestKeySetDocument: what stands around the keys.
func TestKeySetDocument(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken()
	key := jwkOf(token.KeyID(), token.Key())
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
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t)
				l.pool.SetFault(cognitotest.Fault{Body: []byte(row.doc)})
				verdict := okay
				if row.err != "" {
					verdict = unavailable
				}
				l.want("fetched", pool.AccessToken().String(), verdict)
				err := l.status().Err
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
	for size, want := range map[int]bool{largestKeySet: true, largestKeySet + 1: false} {
		cfg := pool.Config()
		cfg.Pools[0].JWKS = padded(pool, size).Body
		if _, err := cognitoauth.New(cfg); (err == nil) != want {
			t.Errorf("%d bytes: %v, want it to be good: %t", size, err, want)
		}
	}
}

// TestSkippedKeysKeepTheSet: a set of which nothing is usable any more is a
// failure, and the last good set stays.
func TestSkippedKeysKeepTheSet(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := newKeyLab(t)
		l.warm()
		bad := strings.ReplaceAll(string(l.pool.KeySet()), `"use":"sig"`, `"use":"enc"`)
		l.pool.SetFault(cognitotest.Fault{Body: []byte(bad)})
		l.want("unknown key", l.stranger("a"), unavailable)
		l.want("known key", l.token(), okay)
		if s := l.status(); s.Err == nil || len(s.KeyIDs) != 2 || s.Skipped != 0 {
			t.Errorf("Status: %+v, want an error and the last good set", s)
		}
		time.Sleep(time.Minute)
		half := strings.Replace(string(l.pool.KeySet()), `"use":"sig"`, `"use":"enc"`, 1)
		l.pool.SetFault(cognitotest.Fault{Body: []byte(half)})
		l.want("unknown key", l.stranger("a"), unknownKey)
		if s := l.status(); s.Err != nil || len(s.KeyIDs) != 1 || s.Skipped != 1 {
			t.Errorf("Status: %+v, want one key and one skipped", s)
		}
	})
}
