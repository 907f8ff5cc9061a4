package scale_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
)

// signer signs with RS256 in a fraction of the time that crypto/rsa takes, so that a
// million tokens take minutes: its modulus of 2048 bits has eight primes, and by the Chinese
// remainder theorem a signature is eight powers of 256 bits. For a verifier it is a
// key like others. Nobody should use such a key: its primes can be found.
type signer struct {
	n      *big.Int
	primes []*big.Int
	powers []*big.Int // the private exponent modulo each prime less one
	shares []*big.Int // 1 modulo the prime, 0 modulo the others
}

func newSigner() *signer {
	e := big.NewInt(65537)
	for {
		s := &signer{n: big.NewInt(1)}
		for len(s.primes) < 8 {
			p := prime()
			d := new(big.Int).ModInverse(e, new(big.Int).Sub(p, big.NewInt(1)))
			if d == nil {
				continue
			}
			s.primes, s.powers = append(s.primes, p), append(s.powers, d)
			s.n.Mul(s.n, p)
		}
		if s.n.BitLen() != 2048 {
			continue
		}
		for _, p := range s.primes {
			rest := new(big.Int).Div(s.n, p)
			s.shares = append(s.shares, rest.Mul(rest, new(big.Int).ModInverse(rest, p)))
		}
		return s
	}
}

// prime returns one of 256 bits. FIPS 140-3 mode does not allow rand.Prime.
func prime() *big.Int {
	b := make([]byte, 32)
	for {
		_, _ = rand.Read(b) // never fails
		b[0] |= 0xc0
		b[31] |= 1
		if p := new(big.Int).SetBytes(b); p.ProbablyPrime(20) {
			return p
		}
	}
}

// digestInfo is what stands before a SHA-256 digest (RFC 8017, section 9.2, note 1).
const digestInfo = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// sign returns the signature of RFC 8017, section 8.2.1.
func (s *signer) sign(input []byte) []byte {
	em := make([]byte, 256)
	sum := sha256.Sum256(input)
	copy(em[256-32:], sum[:])
	copy(em[256-32-len(digestInfo):], digestInfo)
	em[1] = 1
	for i := 2; i < 256-32-len(digestInfo)-1; i++ {
		em[i] = 0xff
	}
	m, sig := new(big.Int).SetBytes(em), new(big.Int)
	for i, p := range s.primes {
		part := new(big.Int).Exp(new(big.Int).Mod(m, p), s.powers[i], p)
		sig.Add(sig, part.Mul(part, s.shares[i]))
	}
	return sig.Mod(sig, s.n).FillBytes(em)
}

// keySet is the JWK set of the key.
func (s *signer) keySet(kid string) []byte {
	return fmt.Appendf(nil, `{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","e":"AQAB","kid":%q,"n":%q}]}`, kid, base64.RawURLEncoding.EncodeToString(s.n.Bytes()))
}
