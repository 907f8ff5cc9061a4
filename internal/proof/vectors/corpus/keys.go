package corpus

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	_ "crypto/sha1" // for a signature that must not verify
	_ "crypto/sha512"
)

// Key ids as Cognito makes them: the standard base64 of 32 bytes, which only
// compares right when it is left alone.
const (
	accessKID = "q3k+Zy7/Vb1nXo0RfS9dUwLmTc5eHgA2JiPxK8uB4rE="
	idKID     = "M9+dA4vQ/0sYhTz6kWcEjR2nLfGb7uXo3aPiK1xU5mI="
	otherKID  = "7Hs/Jt0+pYw4LqEaCk9ZfNbV1rXuD6iGm3oT8cRvS2w="
)

type keyring struct {
	rsa map[string]*rsa.PrivateKey
	ec  map[string]*ecdsa.PrivateKey
	ed  map[string]ed25519.PrivateKey
}

func readKeys(dir fs.FS) (*keyring, error) {
	k := &keyring{map[string]*rsa.PrivateKey{}, map[string]*ecdsa.PrivateKey{}, map[string]ed25519.PrivateKey{}}
	names, err := fs.Glob(dir, "*.pem")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		block, rest := pem.Decode(text)
		if block == nil || len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("%s: not one PEM block", name)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch name = strings.TrimSuffix(name, ".pem"); key := key.(type) {
		case *rsa.PrivateKey:
			k.rsa[name] = key
		case *ecdsa.PrivateKey:
			k.ec[name] = key
		case ed25519.PrivateKey:
			k.ed[name] = key
		}
	}
	return k, nil
}

// must serves calls that fail only if a table names a key that does not exist;
// [Build] turns the panic into an error that names the case.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A signer makes the signature octets for a signing input.
type signer func(k *keyring, input []byte) []byte

func digest(h crypto.Hash, input []byte) []byte {
	w := h.New()
	w.Write(input)
	return w.Sum(nil)
}

func rsaWith(key string, h crypto.Hash) signer {
	return func(k *keyring, input []byte) []byte {
		return must(rsa.SignPKCS1v15(nil, k.rsa[key], h, digest(h, input)))
	}
}

func rs256(key string) signer { return rsaWith(key, crypto.SHA256) }

// zeros stands in for randomness: with it the salt of PSS is fixed.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func pssWith(key string, h crypto.Hash) signer {
	return func(k *keyring, input []byte) []byte {
		return must(rsa.SignPSS(zeros{}, k.rsa[key], h, digest(h, input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	}
}

// ecDER signs as RFC 6979 does and leaves the signature in ASN.1, as no JWS
// may.
func ecDER(key string, h crypto.Hash) signer {
	return func(k *keyring, input []byte) []byte {
		return must(k.ec[key].Sign(nil, digest(h, input), h))
	}
}

// ecRaw is ecDER in the form of RFC 7518, 3.4: R and S side by side.
func ecRaw(key string, h crypto.Hash) signer {
	return func(k *keyring, input []byte) []byte {
		der := ecDER(key, h)(k, input)
		size := (k.ec[key].Curve.Params().BitSize + 7) / 8
		r := der[4 : 4+der[3]]
		s := der[6+der[3]:]
		out := make([]byte, 2*size)
		new(big.Int).SetBytes(r).FillBytes(out[:size])
		new(big.Int).SetBytes(s).FillBytes(out[size:])
		return out
	}
}

func edDSA(k *keyring, input []byte) []byte { return ed25519.Sign(k.ed["ed25519"], input) }

func octets(b ...byte) signer { return func(*keyring, []byte) []byte { return b } }

func filled(b byte, n int) signer { return octets(bytes.Repeat([]byte{b}, n)...) }

// sha256Info is the DER prefix of a SHA-256 DigestInfo, RFC 8017, 9.2 note 1.
const sha256Info = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// encoded signs a message block of its own making: with the private key
// whatever the padding rules of RFC 8017 forbid can still be signed.
func encoded(key string, block func(sum []byte, size int) []byte) signer {
	return func(k *keyring, input []byte) []byte {
		priv := k.rsa[key]
		m := new(big.Int).SetBytes(block(digest(crypto.SHA256, input), priv.Size()))
		return new(big.Int).Exp(m, priv.D, priv.N).FillBytes(make([]byte, priv.Size()))
	}
}

// padded is the block of EMSA-PKCS1-v1_5 around info, with a block type and a
// count of 0xFF octets (all that fit when it is negative); what remains is
// zero.
func padded(kind byte, count int, info func(sum []byte) []byte) func([]byte, int) []byte {
	return func(sum []byte, size int) []byte {
		body := info(sum)
		if count < 0 {
			count = size - 3 - len(body)
		}
		block := append([]byte{0, kind}, bytes.Repeat([]byte{0xff}, count)...)
		block = append(append(block, 0), body...)
		return append(block, make([]byte, size-len(block))...)
	}
}

func plainInfo(sum []byte) []byte { return append([]byte(sha256Info), sum...) }

// unsigned is the padded block itself: what a public exponent of 1 would
// verify.
func unsigned(key string) signer {
	return func(k *keyring, input []byte) []byte {
		return padded(1, -1, plainInfo)(digest(crypto.SHA256, input), k.rsa[key].Size())
	}
}

// plusModulus is a genuine signature s as s + n, which RFC 8017, 8.2.2 refuses
// although it is the same number modulo n; where it needs an octet more, it has
// one.
func plusModulus(key string) signer {
	return func(k *keyring, input []byte) []byte {
		s := new(big.Int).SetBytes(rs256(key)(k, input))
		return s.Add(s, k.rsa[key].N).Bytes()
	}
}

// hs signs with an HMAC whose secret is something public about a key.
func hs(h crypto.Hash, secret func(*rsa.PublicKey) []byte) signer {
	return func(k *keyring, input []byte) []byte {
		mac := hmac.New(h.New, secret(&k.rsa["access"].PublicKey))
		mac.Write(input)
		return mac.Sum(nil)
	}
}

func pkixDER(p *rsa.PublicKey) []byte  { return must(x509.MarshalPKIXPublicKey(p)) }
func pkcs1DER(p *rsa.PublicKey) []byte { return x509.MarshalPKCS1PublicKey(p) }
func pkixPEM(p *rsa.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkixDER(p)})
}
func pkcs1PEM(p *rsa.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1DER(p)})
}
func trimmedPEM(p *rsa.PublicKey) []byte { return bytes.TrimSpace(pkixPEM(p)) }
func crlfPEM(p *rsa.PublicKey) []byte {
	return bytes.ReplaceAll(pkixPEM(p), []byte("\n"), []byte("\r\n"))
}
func base64DER(p *rsa.PublicKey) []byte {
	return []byte(base64.StdEncoding.EncodeToString(pkixDER(p)))
}
func modulusOctets(p *rsa.PublicKey) []byte { return p.N.Bytes() }
func modulusText(p *rsa.PublicKey) []byte   { return []byte(b64(string(p.N.Bytes()))) }
func modulusDecimal(p *rsa.PublicKey) []byte {
	return []byte(p.N.String())
}
func jwkText(p *rsa.PublicKey) []byte {
	return []byte(`{"alg":"RS256","e":"AQAB","kid":"` + accessKID + `","kty":"RSA","n":"` + string(modulusText(p)) + `","use":"sig"}`)
}
func jwksText(p *rsa.PublicKey) []byte { return []byte(`{"keys":[` + string(jwkText(p)) + `]}`) }
func thumbprint(p *rsa.PublicKey) []byte {
	return digest(crypto.SHA256, []byte(`{"e":"AQAB","kty":"RSA","n":"`+string(modulusText(p))+`"}`))
}
func kidOctets(*rsa.PublicKey) []byte { return []byte(accessKID) }
func nothing(*rsa.PublicKey) []byte   { return nil }

// placeholder is how a table writes a value that only the keys know, such as
// @n:access, the modulus of access.pem as RFC 7518 writes it.
var placeholder = regexp.MustCompile(`@([a-z0-9]+):([a-z0-9]+)`)

func (k *keyring) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		return k.value(m[1], m[2])
	})
}

func (k *keyring) value(what, of string) string {
	switch what {
	case "n":
		return quote(b64(k.modulus(of)))
	case "nzero":
		return quote(b64("\x00" + k.modulus(of)))
	case "npad":
		return quote(base64.URLEncoding.EncodeToString([]byte(k.modulus(of))))
	case "nstd":
		return quote(base64.RawStdEncoding.EncodeToString([]byte(k.modulus(of))))
	case "nlines":
		n := b64(k.modulus(of))
		return quote(n[:100] + "\r\n" + n[100:])
	case "ntail":
		return quote(nextLetter(b64(k.modulus(of))))
	case "nhex":
		return quote(fmt.Sprintf("%x", k.modulus(of)))
	case "d":
		return quote(b64(string(k.rsa[of].D.Bytes())))
	case "p":
		return quote(b64(string(k.rsa[of].Primes[0].Bytes())))
	case "q":
		return quote(b64(string(k.rsa[of].Primes[1].Bytes())))
	case "x":
		return quote(b64(k.point(of)[0]))
	case "y":
		return quote(b64(k.point(of)[1]))
	case "okp":
		return quote(b64(string(k.ed[of].Public().(ed25519.PublicKey))))
	case "cert":
		return quote(base64.StdEncoding.EncodeToString(k.certificate(of)))
	case "odd":
		return quote(b64(synthetic(must(strconv.Atoi(of)), 1)))
	case "even":
		return quote(b64(synthetic(must(strconv.Atoi(of)), 0)))
	}
	panic("no placeholder @" + what)
}

// certificate is what anybody can make for a key of their own: signed by itself,
// with nothing in it that is not needed.
func (k *keyring) certificate(key string) []byte {
	own := k.rsa[key]
	t := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(clock-aDay, 0), NotAfter: time.Unix(clock+aDay, 0)}
	return must(x509.CreateCertificate(zeros{}, &t, &t, own.Public(), own))
}

func (k *keyring) modulus(key string) string { return string(k.rsa[key].N.Bytes()) }

func (k *keyring) point(key string) [2]string {
	raw := must(k.ec[key].PublicKey.Bytes())[1:]
	return [2]string{string(raw[:len(raw)/2]), string(raw[len(raw)/2:])}
}

// synthetic is a number of exactly so many bits that nobody has the factors of:
// enough where a key set is read and nothing is signed, and in no time.
func synthetic(bits int, last byte) string {
	var out []byte
	for i := byte(0); len(out) < (bits+7)/8; i++ {
		sum := sha256.Sum256([]byte{byte(bits >> 8), byte(bits), i})
		out = append(out, sum[:]...)
	}
	out = out[:(bits+7)/8]
	top := uint(bits-1) % 8
	out[0] = out[0]&(1<<top-1) | 1<<top
	out[len(out)-1] = out[len(out)-1]&^1 | last
	return string(out)
}
