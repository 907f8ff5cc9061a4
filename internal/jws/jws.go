// Package jws takes the compact form of a JWS apart (RFC 7515, section 7.1) and
// reads its JOSE header. It verifies nothing.
//
//	header.payload.signature
//	   │       │       │
//	   │       └───────┴── canonical base64url without padding
//	   └── alg is RS256, kid is there, nothing critical, encrypted or nested
//
// What is wrong with a token is a [Fault]. The package knows no texts for people
// and no HTTP: its caller turns a Fault into an answer.
package jws

import (
	"encoding/base64"
	"strings"

	"github.com/cognitoauth/cognitoauth/internal/base64url"
)

// Fault is what is wrong with the form or the header of a token.
type Fault uint8

// The faults, in the order in which we look for them: first Parts, then those of
// the header, last the Encoding of the other two segments.
const (
	None            Fault = iota
	Parts                 // it has other than three segments
	LongHeader            // its header has more than MaxHeaderBytes
	Encoding              // a segment is not canonical base64url without padding
	HeaderJSON            // its header is not one strict JSON object
	Algorithm             // alg is not RS256
	KeyIDMissing          // there is no kid
	KeyIDNotString        // kid is not a string
	KeyIDEmpty            // kid is ""
	KeyIDTooLong          // kid has more than MaxKeyIDBytes
	ForbiddenMember       // one of crit, b64, enc, zip and cty is there
	Type                  // typ is neither JWT nor at+jwt
)

const (
	// MaxHeaderBytes bounds the decoded header. Cognito's has about 80 bytes.
	MaxHeaderBytes = 1 << 10
	// MaxKeyIDBytes bounds kid. Cognito's has 44 bytes.
	MaxKeyIDBytes = 256
)

// Token is one token taken apart, and the memory for it. After [Token.Reset] the
// next token uses the same memory. Its slices are valid until then.
type Token struct {
	// Header is the JOSE header: the Token's own, or one that Headers remember.
	Header *Header
	// Signed is the text that the signature is over: header and payload as they
	// were sent, with the dot between them.
	Signed string
	// Payload and Signature are decoded.
	Payload, Signature []byte

	encoded string // the segment of the header
	spaced  bool   // the segment that is not base64url has white space in it
	own     Header
	buf     []byte // what all segments are decoded into
}

// Split takes a compact token apart. It looks the header up among the remembered
// ones first. A header that is no good is refused before the rest is decoded.
func (t *Token) Split(compact string, known *Headers) Fault {
	payload, signature, fault := t.Cut(compact)
	if fault != None {
		return fault
	}
	if t.Header = known.find(t.encoded); t.Header == nil {
		if fault = t.ReadHeader(); fault != None {
			return fault
		}
	}
	return t.ReadBody(payload, signature)
}

// Cut finds the three segments.
func (t *Token) Cut(compact string) (payload, signature string, _ Fault) {
	head, rest, _ := strings.Cut(compact, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(signature, '.') >= 0 {
		return "", "", Parts
	}
	t.encoded, t.Signed = head, compact[:len(head)+1+len(payload)]
	return payload, signature, None
}

// ReadHeader decodes and checks the header's segment. With a fault, Header is nil
// and [Token.Rejected] has what was read.
func (t *Token) ReadHeader() Fault {
	if len(t.encoded) > base64.RawURLEncoding.EncodedLen(MaxHeaderBytes) {
		return LongHeader
	}
	n := len(t.buf)
	var ok bool
	if t.buf, ok, t.spaced = base64url.AppendDecode(t.buf, t.encoded); !ok {
		return Encoding
	}
	fault := t.own.decode(t.buf[n:])
	if fault == None {
		t.Header = &t.own
	}
	return fault
}

// Rejected is the header that [Token.ReadHeader] found a fault in.
func (t *Token) Rejected() *Header { return &t.own }

// ReadBody decodes the other two segments, the shorter one first.
func (t *Token) ReadBody(payload, signature string) Fault {
	const slack = 8 // that the decoder may write beyond what it returns
	t.grow(base64.RawURLEncoding.DecodedLen(len(payload)) + base64.RawURLEncoding.DecodedLen(len(signature)) + slack)
	var ok bool
	n := len(t.buf)
	if t.buf, ok, t.spaced = base64url.AppendDecode(t.buf, signature); !ok {
		return Encoding
	}
	t.Signature = t.buf[n:]
	n = len(t.buf)
	if t.buf, ok, t.spaced = base64url.AppendDecode(t.buf, payload); !ok {
		return Encoding
	}
	t.Payload = t.buf[n:]
	return None
}

// Spaced reports whether the segment for which the fault is Encoding has white
// space in it.
func (t *Token) Spaced() bool { return t.spaced }

// grow makes room for n more bytes, and overwrites the memory that it leaves. If
// the decoder grew it, header and signature would stay behind.
func (t *Token) grow(n int) {
	if cap(t.buf)-len(t.buf) >= n {
		return
	}
	grown := append(make([]byte, 0, len(t.buf)+n), t.buf...)
	clear(t.buf)
	t.buf = grown
}

// maxKept is the size in bytes up to which the memory is kept for the next token.
const maxKept = 16 << 10

// Reset takes the token out of t and overwrites its memory. It reports whether t
// is worth keeping for the next token.
func (t *Token) Reset() bool {
	if cap(t.buf) > maxKept {
		return false
	}
	clear(t.buf)
	// Field by field: one assignment of a whole Token would be built elsewhere and
	// copied, which is a part of what a refusal costs.
	t.Header, t.own = nil, Header{}
	t.Signed, t.encoded, t.spaced = "", "", false
	t.Payload, t.Signature, t.buf = nil, nil, t.buf[:0]
	return true
}
