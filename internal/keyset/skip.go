package keyset

// This file holds which members a key must have, and why a key is skipped.

import (
	"bytes"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cognitoauth/cognitoauth/internal/base64url"
	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

const (
	// MaxSkips is how many keys a set gives the reason of. An endpoint must not
	// fill a log.
	MaxSkips = 10

	// MaxKeyIDBytes is how long a kid may be.
	MaxKeyIDBytes = 256

	// MinBits and MaxBits bound the modulus.
	MinBits = 2048
	MaxBits = 8192

	minExponent = 1<<16 + 1 // FIPS 186-5, section A.1.1; Cognito's own
	maxExponent = 31        // bits, as crypto/rsa takes them
	maxFound    = 65        // bytes that a Skip keeps of a value: one more than anybody prints
)

// Skip is one key that cannot be used, and why.
type Skip struct {
	Position int    // of the key in the document, from 1
	KeyID    string // "" if there is none that can be read
	Reason   Reason
	Member   string // which member is at fault, where the Reason fits several
	Found    string // the text of the member at fault, where the Reason has one
	Size     int    // of a modulus or exponent in bits, of a kid in bytes
}

// Reason is why a key cannot be used.
type Reason uint8

// The reasons. What stands behind a reason is what Skip has besides it.
const (
	NotObject       Reason = iota + 1 // the key is not a JSON object
	InvalidUTF8                       // somewhere in the key
	LoneSurrogate                     // somewhere in the key, an escape such as \ud800
	DuplicateMember                   // Member, "" if it is within a member
	Missing                           // Member
	NotText                           // Member
	NotRSA                            // Found: kty
	WrongUse                          // Found: use
	WrongAlgorithm                    // Found: alg
	WrongKeyOps                       // key_ops is not a list of texts, or has no verify
	EmptyKeyID
	LongKeyID     // Size
	Padded        // Member, which would be base64url without its padding
	NotBase64URL  // Member
	LeadingZero   // Member
	ModulusSize   // Size
	EvenModulus   //
	WeakPrimes    // the modulus has the ROCA fingerprint
	SmallExponent //
	EvenExponent  //
	LargeExponent // Size
	Repeated      // the same key stands in the document before
	Ambiguous     // another key has the same kid
	Unresolved    // jwkset or keyfunc refuses it
	Shipped       // its private half is public: the caller rejects it
)

func (set *Set) skip(position int, why Skip) {
	set.Skipped++
	if len(set.Skips) < MaxSkips {
		why.Position = position
		why.KeyID, why.Member, why.Found = clip(why.KeyID), clip(why.Member), clip(why.Found)
		set.Skips = append(set.Skips, why)
	}
}

// clip cuts a text, and copies what it keeps: the rest must not stay in memory.
func clip(s string) string { return strings.Clone(s[:min(len(s), maxFound)]) }

// member is one member of a key, as far as it is a text.
type member struct {
	found, isText bool
	text          string
}

func (m *member) set(value strictjson.Value) {
	m.found = true
	m.text, m.isText = strictjson.Text(value)
}

// fault is Missing or NotText, 0 if m is a text.
func (m *member) fault() Reason {
	switch {
	case !m.found:
		return Missing
	case !m.isText:
		return NotText
	}
	return 0
}

// members are the members of a key that count.
type members struct {
	kty, use, alg, kid, n, e member
	keyOps, verify           bool // key_ops is there, and lists verify
}

// read takes one member; it never ends the reading, so that the kid is known
// whatever else is wrong.
func (m *members) read(name []byte, value strictjson.Value, _ int) bool {
	switch string(name) {
	case "kty":
		m.kty.set(value)
	case "use":
		m.use.set(value)
	case "alg":
		m.alg.set(value)
	case "kid":
		m.kid.set(value)
	case "n":
		m.n.set(value)
	case "e":
		m.e.set(value)
	case "key_ops":
		ops, ok := strictjson.Texts(value)
		m.keyOps, m.verify = true, ok && slices.Contains(ops, "verify")
	}
	return true
}

// judge returns why the key cannot be used. The Reason is 0 if it can.
func (m *members) judge() Skip {
	if why := m.judgePurpose(); why.Reason != 0 {
		return why
	}
	if why := m.kid.fault(); why != 0 {
		return Skip{Reason: why, Member: "kid"}
	}
	switch size := len(m.kid.text); {
	case size == 0:
		return Skip{Reason: EmptyKeyID}
	case size > MaxKeyIDBytes:
		return Skip{Reason: LongKeyID, Size: size}
	}
	n, why := number("n", &m.n)
	if why.Reason == 0 {
		why = judgeModulus(n)
	}
	if why.Reason != 0 {
		return why
	}
	e, why := number("e", &m.e)
	if why.Reason == 0 {
		why = judgeExponent(e)
	}
	return why
}

// judgePurpose checks that the key is an RSA key for RS256 signatures. use, alg
// and key_ops may be absent (RFC 7517, section 4).
func (m *members) judgePurpose() Skip {
	if why := m.kty.fault(); why != 0 {
		return Skip{Reason: why, Member: "kty"}
	}
	if m.kty.text != "RSA" {
		return Skip{Reason: NotRSA, Found: m.kty.text}
	}
	for _, optional := range []struct {
		name string
		*member
		want string
		why  Reason
	}{{"use", &m.use, "sig", WrongUse}, {"alg", &m.alg, "RS256", WrongAlgorithm}} {
		switch optional.fault() {
		case Missing:
		case NotText:
			return Skip{Reason: NotText, Member: optional.name}
		default:
			if optional.text != optional.want {
				return Skip{Reason: optional.why, Found: optional.text}
			}
		}
	}
	if m.keyOps && !m.verify {
		return Skip{Reason: WrongKeyOps}
	}
	return Skip{}
}

// number decodes n or e: canonical base64url without a leading zero byte (RFC
// 7518, sections 2 and 6.3.1).
func number(name string, m *member) (*big.Int, Skip) {
	if why := m.fault(); why != 0 {
		return nil, Skip{Reason: why, Member: name}
	}
	octets, ok, _ := base64url.AppendDecode(nil, m.text)
	switch {
	case !ok:
		if _, ok, _ := base64url.AppendDecode(nil, strings.TrimRight(m.text, "=")); ok {
			return nil, Skip{Reason: Padded, Member: name}
		}
		return nil, Skip{Reason: NotBase64URL, Member: name}
	case bytes.HasPrefix(octets, []byte{0}):
		return nil, Skip{Reason: LeadingZero, Member: name}
	}
	return new(big.Int).SetBytes(octets), Skip{}
}

// judgeModulus checks the size (RFC 7518, section 3.3) and what gives a bad
// modulus away.
func judgeModulus(n *big.Int) Skip {
	switch bits := n.BitLen(); {
	case bits < MinBits || bits > MaxBits:
		return Skip{Reason: ModulusSize, Size: bits}
	case n.Bit(0) == 0:
		return Skip{Reason: EvenModulus}
	case weakPrimes(n):
		return Skip{Reason: WeakPrimes}
	}
	return Skip{}
}

// judgeExponent wants an exponent that is odd, not tiny, and not larger than
// crypto/rsa takes.
func judgeExponent(e *big.Int) Skip {
	switch bits := e.BitLen(); {
	case bits > maxExponent:
		return Skip{Reason: LargeExponent, Size: bits}
	case e.Int64() < minExponent:
		return Skip{Reason: SmallExponent}
	case e.Bit(0) == 0:
		return Skip{Reason: EvenExponent}
	}
	return Skip{}
}

// unreadable says why strictjson refuses a key. The document around it is JSON, so
// it is one of four things.
func unreadable(raw strictjson.Value) Skip {
	if raw.Kind() != '{' {
		return Skip{Reason: NotObject}
	}
	var why Skip
	seen := map[string]bool{}
	strictjson.SloppyMembers(raw, func(name []byte, value strictjson.Value, _ int) bool {
		if string(name) == "kid" && why.KeyID == "" {
			why.KeyID, _ = strictjson.Text(value)
		}
		if seen[string(name)] && why.Member == "" {
			why.Member = string(name)
		}
		seen[string(name)] = true
		return true
	})
	switch {
	case !utf8.Valid(raw):
		return Skip{KeyID: why.KeyID, Reason: InvalidUTF8}
	case strictjson.HasLoneSurrogate(raw):
		return Skip{KeyID: why.KeyID, Reason: LoneSurrogate}
	}
	why.Reason = DuplicateMember
	return why
}
