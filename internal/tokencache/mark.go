package tokencache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
)

// marker makes the marks by which a cache recognises its tokens: a tag, which is
// GHASH of the whole token under a random key, or SHA-256 where GHASH is not to be
// had, and the token's length.
//
// GHASH is the hash of AES-GCM (NIST SP 800-38D, section 6.4), which the processor
// computes several times as fast as SHA-256. It is a keyed universal hash: it
// promises that two tokens have the same tag for few keys only, and so it is
// enough as long as nobody outside sees a tag or learns the key. A tag is nothing
// but an operand of a comparison in this process.
//
// We get GHASH by sealing an empty plaintext with the token as additional data. A
// nonce must come only once under a key where tags are sent (section 8); ours are
// not, and the nonce is fixed, so that a token has one tag. With H and M, two
// blocks of AES under the random key that are fixed like it, the tag of a token
// with the 16-byte blocks T1 ... Tm, the last one filled up with zeros, is
//
//	T1·H^(m+1) + T2·H^m + ... + Tm·H^2 + L·H + M
//
// in the field of 2^128 elements, where L has the token's length. The difference
// of the tags of two tokens is a polynomial in H. It is not the zero polynomial,
// since the tokens differ in a block or in L, and its degree is m+1 of the longer
// one, so it has at most m+1 roots. A token has at most MaxTokenBytes = 2^14 bytes,
// which are 2^10 blocks. So whatever two tokens an attacker has chosen, they have
// the same tag for at most 2^10 + 1 of the 2^128 keys H: with a probability below
// 2^-117.
//
// All that an attacker ever learns is that a token of theirs was taken for another
// one, or was not, and the first time it was, they have won already. So what they
// have learned before does not help to choose the next token: with q attempts
// against n entries they succeed with a probability of at most q·n·2^-117. With
// 2^40 attempts, which is a million a second for twelve days, against the 10^7
// entries of the largest cache, that is below 2^-53. In fact an attempt meets one
// entry, the one with the same quick hash, so that n is 1 there, and 2^-77 is left.
// To this comes what AES under a random key differs from a random permutation.
// Every cache has a key of its own, so what is true of one says nothing of another.
type marker struct {
	size  int         // of a mark, in bytes
	gcm   cipher.AEAD // nil: SHA-256
	nonce []byte
}

// lengthBytes is the size of a length in a mark: of at most MaxTokenBytes.
const lengthBytes = 2

// newMarker tries what there is. In FIPS 140-3 mode it is SHA-256. A nonce of the
// caller's own choice is not approved there, and where the mode is enforced NewGCM
// returns an error. Besides, the random key would come from a generator that panics
// inside a testing/synctest bubble before Go 1.27 (https://go.dev/issue/78557), and
// programs call New in their tests.
func newMarker() marker {
	if !hasCLMUL() || fips140.Enabled() {
		return sha256Marker()
	}
	random := make([]byte, 16+12) // for AES-128, and the nonce of 96 bits
	rand.Read(random)             // which never fails
	block, err := aes.NewCipher(random[:16])
	if err != nil {
		return sha256Marker()
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return sha256Marker()
	}
	return marker{size: gcm.Overhead() + lengthBytes, gcm: gcm, nonce: random[16:]}
}

// sha256Marker needs no key: nobody finds a second token with the SHA-256 of a
// given one.
func sha256Marker() marker { return marker{size: sha256.Size + lengthBytes} }

// fit reports whether marked begins with the mark of token. How long the comparison
// takes may tell whether half of two tags agree. For tokens that an attacker has
// chosen, that comes with a probability of 2^-53.
func (m *marker) fit(marked, token string) bool {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	return string(m.mark(s, token)) == marked[:m.size]
}

// write appends the mark of token.
func (m *marker) write(b *strings.Builder, token string) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	b.Write(m.mark(s, token))
}

// mark returns the mark of a token, in memory of s. It overwrites its copy of the
// token.
func (m *marker) mark(s *scratch, token string) []byte {
	s.token = append(s.token[:0], token...)
	defer clear(s.token)
	mark := binary.LittleEndian.AppendUint16(s.mark[:0], uint16(len(token)))
	if m.gcm == nil {
		sum := sha256.Sum256(s.token)
		return append(mark, sum[:]...)
	}
	return m.gcm.Seal(mark, m.nonce, nil, s.token)
}

// scratch is the memory for one mark, which would be allocated otherwise.
type scratch struct {
	mark  [lengthBytes + sha256.Size]byte
	token []byte // at most MaxTokenBytes
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}
