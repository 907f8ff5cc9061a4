package rs256_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
	"github.com/cognitoauth/cognitoauth/internal/rs256"
)

// private is a key that signs any number: what no library lets one do.
type private struct {
	rsa.PublicKey
	p, q, d *big.Int
}

// privates are keys of 2048, 2050, 2056, 3072 and 4096 bits. The second has a
// modulus whose first byte is 2, the third one that fills no whole words.
var privates = sync.OnceValue(func() []*private {
	f, err := os.Open("testdata/primes.txt")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var all []*private
	for lines := bufio.NewScanner(f); lines.Scan(); {
		first, second, _ := strings.Cut(lines.Text(), " ")
		p, ok1 := new(big.Int).SetString(first, 16)
		q, ok2 := new(big.Int).SetString(second, 16)
		if !ok1 || !ok2 {
			panic("testdata/primes.txt")
		}
		k := &private{p: p, q: q}
		k.N = new(big.Int).Mul(p, q)
		all = append(all, k.withExponent(65537))
	}
	return all
})

// withExponent is a key with the same modulus and that exponent.
func (k *private) withExponent(e int) *private {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one))
	return &private{rsa.PublicKey{N: k.N, E: e}, k.p, k.q, new(big.Int).ModInverse(big.NewInt(int64(e)), phi)}
}

// sign is em^d mod n as a signature, by the Chinese remainder theorem.
func (k *private) sign(em []byte) []byte {
	m, one := new(big.Int).SetBytes(em), big.NewInt(1)
	part := func(p *big.Int) *big.Int {
		return new(big.Int).Exp(new(big.Int).Mod(m, p), new(big.Int).Mod(k.d, new(big.Int).Sub(p, one)), p)
	}
	s := part(k.q)
	h := new(big.Int).Sub(part(k.p), s)
	h.Mul(h, new(big.Int).ModInverse(k.q, k.p)).Mod(h, k.p)
	return k.fill(s.Add(s, h.Mul(h, k.q)))
}

// fill is n in as many bytes as the modulus has, if they are enough.
func (k *private) fill(n *big.Int) []byte {
	if len(n.Bytes()) > k.Size() {
		return n.Bytes()
	}
	return n.FillBytes(make([]byte, k.Size()))
}

// encoded is EMSA-PKCS1-v1_5 of text (RFC 8017, section 9.2) in size bytes.
func encoded(size int, text string) []byte {
	hash := sha256.Sum256([]byte(text))
	info := []byte{
		0x30, 0x31, // SEQUENCE
		0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, // id-sha256, NULL
		0x04, 0x20, // OCTET STRING
	}
	return wrapped(size, append(info, hash[:]...))
}

// wrapped puts block type 1 around info.
func wrapped(size int, info []byte) []byte {
	padding := bytes.Repeat([]byte{0xff}, size-len(info)-3)
	return bytes.Join([][]byte{{0, 1}, padding, {0}, info}, nil)
}

// standard is the verdict of crypto/rsa.
func standard(public *rsa.PublicKey, signed string, signature []byte) bool {
	hash := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], signature) == nil
}

// judge compares the verdict about a signature with want and with crypto/rsa's.
func judge(t *testing.T, public *rsa.PublicKey, signed string, signature []byte, want bool, what string, args ...any) {
	t.Helper()
	k := rs256.Prepare(public)
	err := rs256.SigningMethod{}.Verify(signed, signature, k)
	if (err == nil) != want {
		t.Errorf("%d bits, exponent %d: %s: %v, want accepted: %t", public.N.BitLen(), public.E, fmt.Sprintf(what, args...), err, want)
	}
	if ok := standard(public, signed, signature); ok != want {
		t.Errorf("%d bits, exponent %d: %s: accepted by crypto/rsa: %t", public.N.BitLen(), public.E, fmt.Sprintf(what, args...), ok)
	}
	if err != nil && !errors.Is(err, rsa.ErrVerification) {
		t.Errorf("%s: %v is not the error of crypto/rsa", fmt.Sprintf(what, args...), err)
	}
}

// The length crosses what sum hashes at once.
func TestVerify_accepts(t *testing.T) {
	for i, key := range privates() {
		lengths := []int{0, 1500}
		if i == 0 {
			lengths = []int{0, 1, 511, 512, 513, 1024, 1025, 8000}
		}
		for _, e := range []int{65537, 65539, 1<<31 - 1} {
			k := key.withExponent(e)
			for _, length := range lengths {
				text := strings.Repeat("x", length)
				judge(t, &k.PublicKey, text, k.sign(encoded(k.Size(), text)), true, "text of %d bytes", length)
			}
		}
	}
}

// golang-jwt's own signature.
func TestVerify_golangJWT(t *testing.T) {
	for _, key := range privates() {
		whole := &rsa.PrivateKey{PublicKey: key.PublicKey, D: key.d, Primes: []*big.Int{key.p, key.q}}
		if fips140.Enforced() && key.N.BitLen()%2 != 0 {
			continue
		}
		signature, err := jwt.SigningMethodRS256.Sign("head.body", whole)
		if err != nil {
			t.Fatal(err)
		}
		judge(t, &key.PublicKey, "head.body", signature, true, "signed by golang-jwt")
		judge(t, &key.PublicKey, "head.bodY", signature, false, "another text")
	}
}

// Whatever byte of the encoded message differs, the signature is bad, although the
// private key has made it.
func TestVerify_everyByteOfTheEncodedMessage(t *testing.T) {
	for i, key := range privates() {
		step := 1
		if i > 0 {
			step = 37 // the rest costs time and shows nothing new
		}
		for at := 0; at < key.Size(); at += step {
			em := encoded(key.Size(), "head.body")
			em[at] ^= byte(1 + at%255)
			if new(big.Int).SetBytes(em).Cmp(key.N) >= 0 {
				em = encoded(key.Size(), "head.body")
				em[at] ^= 1
			}
			if new(big.Int).SetBytes(em).Cmp(key.N) >= 0 {
				continue // no signature yields it
			}
			judge(t, &key.PublicKey, "head.body", key.sign(em), false, "byte %d of the encoded message", at)
		}
	}
}

// The forms that lenient parsers have taken for an encoded message.
func TestVerify_forms(t *testing.T) {
	const text = "head.body"
	hash := sha256.Sum256([]byte(text))
	info := func(prefix string) []byte { return append([]byte(prefix), hash[:]...) }
	const good = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	for _, key := range privates() {
		size := key.Size()
		short := wrapped(64, info(good)) // 8 bytes of padding and more, then what the forger likes
		for name, em := range map[string][]byte{
			"rubbish behind the hash (Bleichenbacher)": append(short, bytes.Repeat([]byte{0x5a}, size-len(short))...),
			"zeros behind the hash":                    append(short[:64:64], make([]byte, size-len(short))...),
			"no NULL":                                  wrapped(size, info("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20")),
			"rubbish in the parameters":                wrapped(size, info("\x30\x35\x30\x11\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x04abcd\x04\x20")),
			"a length in BER":                          wrapped(size, info("\x30\x81\x31"+good[2:])),
			"the hash alone":                           wrapped(size, hash[:]),
			"SHA-512/256 as the algorithm":             wrapped(size, info(strings.Replace(good, "\x02\x01\x05", "\x02\x06\x05", 1))),
			"block type 0":                             append([]byte{0, 0}, wrapped(size, info(good))[2:]...),
			"block type 2":                             append([]byte{0, 2}, wrapped(size, info(good))[2:]...),
			"one byte to the left":                     append(wrapped(size-1, info(good)), 0),
			"two zeros before DigestInfo":              wrapped(size, append([]byte{0}, info(good)...)),
			"all zero":                                 make([]byte, size),
		} {
			if new(big.Int).SetBytes(em).Cmp(key.N) < 0 {
				judge(t, &key.PublicKey, text, key.sign(em), false, "%s", name)
			}
		}
	}
}

func TestVerify_numbers(t *testing.T) {
	const text = "head.body"
	for _, key := range privates() {
		n, one := key.N, big.NewInt(1)
		s := new(big.Int).SetBytes(key.sign(encoded(key.Size(), text)))
		again := new(big.Int).Add(s, n)
		good := key.fill(s)
		for name, signature := range map[string][]byte{
			"s + n":              key.fill(again),
			"n - s":              key.fill(new(big.Int).Sub(n, s)),
			"0":                  key.fill(new(big.Int)),
			"1":                  key.fill(one),
			"n - 1":              key.fill(new(big.Int).Sub(n, one)),
			"n":                  key.fill(n),
			"n + 1":              key.fill(new(big.Int).Add(n, one)),
			"all ones":           bytes.Repeat([]byte{0xff}, key.Size()),
			"empty":              {},
			"nil":                nil,
			"a zero before it":   append([]byte{0}, good...),
			"zeros before it":    append(make([]byte, 2000), good...),
			"a zero behind it":   append(good[:len(good):len(good)], 0),
			"the last byte off":  good[:len(good)-1],
			"the first byte off": good[1:],
			"twice":              append(good[:len(good):len(good)], good...),
			"backwards":          reversed(good),
		} {
			judge(t, &key.PublicKey, text, signature, false, "%s", name)
		}
		judge(t, &key.PublicKey, text, good, true, "s")
	}
}

func reversed(b []byte) []byte {
	r := bytes.Clone(b)
	for i := range len(r) / 2 {
		r[i], r[len(r)-1-i] = r[len(r)-1-i], r[i]
	}
	return r
}

// s + n has as many bytes as n only where both are small, so here is a signature
// for which it has: only the comparison with n can refuse it.
func TestVerify_secondNumberForOneSignature(t *testing.T) {
	seen := 0
	for _, key := range privates() {
		for i := range 20 {
			text := fmt.Sprint(i)
			s := new(big.Int).SetBytes(key.sign(encoded(key.Size(), text)))
			if again := new(big.Int).Add(s, key.N).Bytes(); len(again) == key.Size() {
				seen++
				judge(t, &key.PublicKey, text, again, false, "s + n of the same length")
			}
		}
	}
	if seen == 0 {
		t.Error("no such signature")
	}
}

// A signature that begins with zero bytes is good with them and bad without.
func TestVerify_leadingZeros(t *testing.T) {
	key := privates()[1] // one signature in three, since the modulus begins with 2 or 3
	seen := 0
	for i := range 50 {
		text := fmt.Sprint(i)
		if s := key.sign(encoded(key.Size(), text)); s[0] == 0 {
			seen++
			judge(t, &key.PublicKey, text, s, true, "with a leading zero")
			judge(t, &key.PublicKey, text, s[1:], false, "without its leading zero")
		}
	}
	if seen == 0 {
		t.Error("no signature begins with a zero")
	}
}

// The keys that golang-jwt decides about, here as in every mode: too short, too
// long, even, negative, or with an exponent that crypto/rsa does not take.
func TestPrepare(t *testing.T) {
	odd := func(bits uint) *big.Int { n := new(big.Int).Lsh(big.NewInt(1), bits-1); return n.SetBit(n, 0, 1) }
	good := privates()[0].N
	tooLarge := 1 << 30 // doubled at run time, since int may have 32 bits
	tooLarge = 2*tooLarge + 1
	for _, c := range []struct {
		name string
		n    *big.Int
		e    int
		want bool
	}{
		{"as Cognito's", good, 65537, true},
		{"2048 bits", odd(2048), 65537, true},
		{"8192 bits", odd(8192), 65537, true},
		{"least exponent", good, 3, true},
		{"largest exponent", good, 1<<31 - 1, true},

		{"2047 bits", odd(2047), 65537, false},
		{"8193 bits", odd(8193), 65537, false},
		{"even modulus", new(big.Int).SetBit(good, 0, 0), 65537, false},
		{"negative modulus", new(big.Int).Neg(good), 65537, false},
		{"no modulus", nil, 65537, false},
		{"exponent 0", good, 0, false},
		{"exponent 1", good, 1, false},
		{"even exponent", good, 65536, false},
		{"negative exponent", good, -65537, false},
		{"exponent of 32 bits", good, tooLarge, false},
	} {
		k := rs256.Prepare(&rsa.PublicKey{N: c.n, E: c.e})
		if want := c.want && !lab.StandardRS256(); k.Prepared() != want {
			t.Errorf("%s: prepared: %t, want %t", c.name, k.Prepared(), want)
		}
		if err := (rs256.SigningMethod{}).Verify("head.body", make([]byte, 256), k); c.n != nil && c.n.Sign() > 0 && err == nil {
			t.Errorf("%s: a signature of zeros is good", c.name)
		}
	}
}

// In FIPS 140-3 mode no key is prepared. The mode is a setting of the whole program,
// so TestPrepare runs in another one.
func TestPrepare_fips140(t *testing.T) {
	if fips140.Enabled() || lab.StandardRS256() {
		return // TestPrepare has shown it, or BoringCrypto excludes the mode
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPrepare$", "-test.v")
	again.Env = append(os.Environ(), "GODEBUG=fips140=on")
	out, err := again.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPrepare ")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What golang-jwt decides is right too: for a key that is too short for us.
func TestVerify_unprepared(t *testing.T) {
	if fips140.Enforced() {
		return // crypto/rsa takes no such key
	}
	key := short()
	good := key.sign(encoded(key.Size(), "head.body"))
	judge(t, &key.PublicKey, "head.body", good, true, "a short key")
	judge(t, &key.PublicKey, "head.bodY", good, false, "a short key, another text")
	if rs256.Prepare(&key.PublicKey).Prepared() {
		t.Error("a short key is prepared")
	}
}

// short is a key of about 1536 bits, of primes of two sizes.
func short() *private {
	all := privates()
	p := new(big.Int).Rsh(all[3].p, 1024) // 512 bits
	for p.SetBit(p, 0, 1); !p.ProbablyPrime(20) || new(big.Int).Mod(p, big.NewInt(65537)).Int64() == 1; {
		p.Add(p, big.NewInt(2))
	}
	k := &private{p: all[0].p, q: p}
	k.N = new(big.Int).Mul(k.p, k.q)
	return k.withExponent(65537)
}

func TestSigningMethod(t *testing.T) {
	key := privates()[0]
	good := key.sign(encoded(key.Size(), "head.body"))
	m := rs256.SigningMethod{}
	if m.Alg() != "RS256" {
		t.Errorf("it is %s", m.Alg())
	}
	for _, k := range []any{nil, (*rs256.Key)(nil), &key.PublicKey, key.PublicKey, "key"} {
		if err := m.Verify("head.body", good, k); !errors.Is(err, jwt.ErrInvalidKeyType) {
			t.Errorf("key %T: %v", k, err)
		}
	}
	if signature, err := m.Sign("head.body", rs256.Prepare(&key.PublicKey)); err == nil || signature != nil {
		t.Error("it signs")
	}
	if jwt.GetSigningMethod("RS256") != jwt.SigningMethodRS256 {
		t.Error("golang-jwt's parsers have another RS256 now")
	}
}

// A key that has verified is as it was made. The race detector cannot show that
// alone: it does not look into the arithmetic of bigmod.
func TestVerify_leavesKeyAlone(t *testing.T) {
	key := privates()[0]
	good := key.sign(encoded(key.Size(), "head.body"))
	bad := bytes.Clone(good)
	bad[100] ^= 1
	k := rs256.Prepare(&key.PublicKey)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if (rs256.SigningMethod{}).Verify("head.body", good, k) != nil || (rs256.SigningMethod{}).Verify("head.body", bad, k) == nil ||
					(rs256.SigningMethod{}).Verify("head.body", key.fill(key.N), k) == nil {
					t.Error("another verdict")
				}
			}
		})
	}
	all.Wait()
	if !reflect.DeepEqual(k, rs256.Prepare(&key.PublicKey)) {
		t.Error("the key has changed")
	}
}

func TestVerify_allocatesNothing(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	if lab.StandardRS256() {
		return
	}
	key := privates()[0]
	for _, length := range []int{10, 1000, 10_000} {
		text := strings.Repeat("x", length)
		k, good := rs256.Prepare(&key.PublicKey), key.sign(encoded(key.Size(), text))
		if got := testing.AllocsPerRun(20, func() { _ = rs256.SigningMethod{}.Verify(text, good, k) }); got != 0 {
			t.Errorf("%d bytes: %v allocations", length, got)
		}
	}
}
