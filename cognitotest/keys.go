package cognitotest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	randv2 "math/rand/v2"
	"strings"
	"sync"
)

//go:embed testkeys.pem
var testKeys []byte

// shelf holds the keys that no open pool has. Making a key takes about a tenth
// of a second, and several times that under the race detector, so [NewPool]
// takes keys from here and Close puts them back.
var shelf = struct {
	sync.Mutex
	unread []byte // the rest of testKeys
	keys   []*rsa.PrivateKey
}{unread: testKeys}

// borrowKey returns a key that no other open pool has: one put back, else the
// next fixed one, else a new one.
func borrowKey() *rsa.PrivateKey {
	shelf.Lock()
	defer shelf.Unlock()
	if n := len(shelf.keys); n > 0 {
		key := shelf.keys[n-1]
		shelf.keys = shelf.keys[:n-1]
		return key
	}
	block, rest := pem.Decode(shelf.unread)
	if block == nil {
		return generateKey()
	}
	shelf.unread = rest
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		panic("cognitotest: testkeys.pem: " + err.Error())
	}
	return key
}

func returnKeys(keys []*rsa.PrivateKey) {
	shelf.Lock()
	defer shelf.Unlock()
	shelf.keys = append(shelf.keys, keys...)
}

func generateKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("cognitotest: " + err.Error())
	}
	return key
}

// signingKey is a key with the id under which the pool publishes it.
type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

// keyPair is what Cognito signs with at any one time: one key for each kind of
// token. The key set does not say which is which.
type keyPair struct {
	idToken, accessToken signingKey
}

// newKeyID returns 32 random bytes in standard base64, the form of Cognito's
// own. It always has a '+', a '/' and the final '=', so that code which decodes
// or escapes a kid instead of comparing it fails on the first token and not on
// every other one.
func newKeyID() string {
	for {
		id := base64.StdEncoding.EncodeToString(randomBytes(32))
		if strings.Contains(id, "+") && strings.Contains(id, "/") {
			return id
		}
	}
}

// randomBytes returns n bytes of an identifier, which is no secret. They are not
// from crypto/rand, whose first use in FIPS mode fails inside a bubble of
// testing/synctest on Go 1.26.
func randomBytes(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.NativeEndian.AppendUint64(b, randv2.Uint64())
	}
	return b[:n]
}

// jwk is one member of the key set, with Cognito's members in Cognito's order.
type jwk struct {
	Alg string `json:"alg"`
	E   string `json:"e"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n"`
	Use string `json:"use"`
}

// keySet returns the key set document for pairs.
func keySet(pairs []keyPair) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, pair := range pairs {
		for _, k := range []signingKey{pair.idToken, pair.accessToken} {
			set.Keys = append(set.Keys, jwk{
				Alg: "RS256",
				E:   base64url(big.NewInt(int64(k.key.E)).Bytes()),
				Kid: k.id,
				Kty: "RSA",
				N:   base64url(k.key.N.Bytes()),
				Use: "sig",
			})
		}
	}
	return mustJSON(set)
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
