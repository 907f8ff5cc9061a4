package rs256_test

import (
	"compress/gzip"
	"crypto/fips140"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
	"github.com/cognitoauth/cognitoauth/internal/rs256"
)

// TestWycheproof runs all of Wycheproof's vectors for RSASSA-PKCS1-v1_5 with
// SHA-256 and a modulus that package keyset admits. Acceptable to Wycheproof is one
// encoding for each key, a DigestInfo without its NULL, which a verifier may
// accept. RFC 8017, section 9.2 has the NULL, and crypto/rsa refuses the others.
func TestWycheproof(t *testing.T) {
	const wantAll, wantAcceptable = 1034, 4
	var all, valid, acceptable int
	for _, file := range wycheproof(t) {
		for _, group := range file.TestGroups {
			public := group.public(t)
			if public.E < 1<<16 && fips140.Enforced() {
				all += len(group.Tests) // crypto/rsa refuses the key itself
				continue
			}
			k := rs256.Prepare(public)
			if k.Prepared() == lab.StandardRS256() {
				t.Errorf("%s: a key of %d bits with exponent %d: prepared: %t", file.File, public.N.BitLen(), public.E, k.Prepared())
			}
			for _, v := range group.Tests {
				all++
				signed, signature := string(decode(t, v.Msg)), decode(t, v.Sig)
				accepted := rs256.SigningMethod{}.Verify(signed, signature, k) == nil
				if want := v.Result == "valid"; accepted != want {
					t.Errorf("%s, %d %s: accepted: %t, want %t", file.File, v.TcID, v.Comment, accepted, want)
				}
				if want := standard(public, signed, signature); accepted != want {
					t.Errorf("%s, %d %s: accepted: %t, by crypto/rsa: %t", file.File, v.TcID, v.Comment, accepted, want)
				}
				if accepted {
					valid++
				}
				if v.Result == "acceptable" {
					acceptable++
					if !slices.Equal(v.Flags, []string{"MissingNull"}) {
						t.Errorf("%s, %d %s is acceptable for %s", file.File, v.TcID, v.Comment, v.Flags)
					}
				}
			}
		}
	}
	t.Logf("%d vectors, %d valid, %d acceptable", all, valid, acceptable)
	if all != wantAll || valid < 25 || acceptable != wantAcceptable {
		t.Errorf("%d vectors, %d valid, %d acceptable; want %d, some, %d", all, valid, acceptable, wantAll, wantAcceptable)
	}
}

// vectors is one file of Wycheproof, as far as the test needs it.
type vectors struct {
	File       string
	TestGroups []group
}

type group struct {
	PublicKey struct{ Modulus, PublicExponent string }
	Tests     []struct {
		TcID             int
		Comment          string
		Flags            []string
		Msg, Sig, Result string
	}
}

func (g group) public(t *testing.T) *rsa.PublicKey {
	e := new(big.Int).SetBytes(decode(t, g.PublicKey.PublicExponent))
	return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, g.PublicKey.Modulus)), E: int(e.Int64())}
}

func wycheproof(t *testing.T) []vectors {
	t.Helper()
	f, err := os.Open("testdata/wycheproof/rsa_signature_sha256.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var files []vectors
	for d := json.NewDecoder(plain); d.More(); {
		var file vectors
		if err := d.Decode(&file); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
