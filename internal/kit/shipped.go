package kit

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
)

// Shipped reports whether the private half of a key is in the source of package
// cognitotest, so that no running program may trust it. Only the modulus counts,
// because whoever knows its factors can sign for every exponent.
func Shipped(key *rsa.PublicKey) bool {
	n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	sum := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + n + `"}`))
	return shipped[base64.RawURLEncoding.EncodeToString(sum[:])]
}

// Door is what only this module can name. The transport of the test kit has the
// method [Opener], by which the library knows it.
type Door struct{}

// Opener is a transport that may bring the keys that are Shipped.
type Opener interface {
	BringsShipped(Door) bool
}

// TrustShipped lets a *cognitoauth.Pool trust the keys that are Shipped, in a
// configuration that the test kit hands out. Package cognitoauth sets it.
var TrustShipped func(pool any)

// shipped are the thumbprints (RFC 7638) of the keys in testkeys.pem, as if their
// exponent was 65537. A test of package cognitotest compares the two.
var shipped = map[string]bool{
	"MsDHiZ2eaQwpHqFw1iw9qqQT3LqELtq9d0TD5cFbCuQ": true,
	"cFRweMbAGLuASVaoHHCXNqYKLNvWD6NVOdNxZYOwLZg": true,
	"W1rmRoO-2nzXSChXNh8NVIyOk68k3-uJsD5XuIm2_wM": true,
	"sYK6mkBRPbWUioRcoX0FIrhIDIET-HuqPOTVv1OT7_U": true,
	"Zyg6J1TMtCYMv7TP3ifNFgfb5CD9XakNWoBt-Np1Rgo": true,
	"PQTR170MB5NTUcZY2lU-DeQYVCZBXK08hDZsY1YFCN0": true,
	"xuL0ktTlFQWXgz8KHKysifOjR54-0BEKmTXj_5LKwmM": true,
	"bsPFc9v-oMXRa7fdTD9jmfQrCMNKS7JhuZNn5Tc9nvg": true,
	"BcMAHv3BrbATaI0Vue6O9WAh5uyelE-2o8TDxGyikNY": true,
	"NvM1Y6uTLjQKbB_7kWlclzP52Kt3Hjf5yHKP7v_uo3E": true,
	"6qy-Ir_PaLN0YF8skFQPaG1xwnvz1rdo7hfGu1adKzE": true,
	"3hV6IuIMDSeLSSABC3kG-zt0SCzhM4aGMNUjpDymyrY": true,
	"Up4yFX-pMBMMhC4fUxgYMXMe6lOauRrQJszC0HsDOYo": true,
	"9xG4NXNWsoapXmM8sIjR77arzexf-cSMiNHk-A9l5gY": true,
	"d_6Li1X5Y89Bw6QFBuRr9M9Lu7yDZtzL5grqcDEBVZM": true,
	"_laRTIojtzOogvds112SqYiRuJ0ZsSXSVH9oHNJeZi0": true,
}
