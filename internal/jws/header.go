package jws

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

// Header is what we read of a JOSE header (RFC 7515, section 4). Each string is ""
// if the member is absent or not a string.
type Header struct {
	Algorithm, KeyID, Type string
	// Forbidden is the member that makes the fault ForbiddenMember.
	Forbidden string

	hasKeyID, keyIDIsText, hasType bool
}

// decode reads the header strictly and finds what cannot stand in a header of
// Cognito's. It ignores members that point to keys elsewhere (jku, x5u, jwk, x5c),
// and, as RFC 7515, section 4, demands, all that it does not know.
func (h *Header) decode(doc []byte) Fault {
	ok := strictjson.Members(doc, func(name []byte, value strictjson.Value, _ int) bool { return h.set(name, value) })
	switch {
	case !ok:
		return HeaderJSON
	case h.Algorithm != "RS256":
		// RFC 8725, section 3.1: one algorithm, and case counts.
		return Algorithm
	case !h.hasKeyID:
		return KeyIDMissing
	case !h.keyIDIsText:
		return KeyIDNotString
	case h.KeyID == "":
		return KeyIDEmpty
	case len(h.KeyID) > MaxKeyIDBytes:
		return KeyIDTooLong
	case h.Forbidden != "":
		return ForbiddenMember
	case !h.acceptableType():
		return Type
	}
	return None
}

// set stores one member. It reports whether its numbers fit.
func (h *Header) set(name []byte, value strictjson.Value) bool {
	switch string(name) {
	case "alg":
		if h.Algorithm = "RS256"; string(value) != `"RS256"` { // spares the copy
			h.Algorithm, _ = strictjson.Text(value)
		}
	case "kid":
		h.hasKeyID = true
		h.KeyID, h.keyIDIsText = strictjson.Text(value)
	case "typ":
		h.hasType = true
		h.Type, _ = strictjson.Text(value)
	case "crit", "b64", "enc", "zip", "cty":
		// We would have to understand crit (RFC 7515, section 4.1.11), and b64
		// comes with it (RFC 7797). enc and zip make a JWE, cty a nested token.
		h.Forbidden = string(name)
	}
	return strictjson.Fits(value)
}

// acceptableType: Cognito sends no typ, and JWT and at+jwt say nothing wrong. Any
// other explicit type names another kind of token (RFC 8725, section 3.11).
func (h *Header) acceptableType() bool {
	if !h.hasType {
		return true
	}
	const prefix = "application/"
	typ := h.Type
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	// EqualFold also folds U+212A, the Kelvin sign, to k. Neither name has a k.
	return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
}

// Headers remember the headers of verified tokens by their encoded bytes. A pool
// has two headers, and decoding one costs more than all else that is not
// cryptography. Only what a verified token carried gets in, and never more than
// maxHeaders. The zero value is empty. Safe for concurrent use.
type Headers struct {
	known atomic.Pointer[map[string]*Header]
	mu    sync.Mutex // held while known is replaced
}

const maxHeaders = 256

func (hs *Headers) find(encoded string) *Header {
	if known := hs.known.Load(); known != nil {
		return (*known)[encoded]
	}
	return nil
}

// Remember keeps the header of t, a token that was just verified. A header that
// is known already is not kept again.
func (hs *Headers) Remember(t *Token) {
	if t.Header != &t.own {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	next := map[string]*Header{}
	if known := hs.known.Load(); known != nil && len(*known) < maxHeaders {
		next = maps.Clone(*known)
	}
	h := t.own
	next[strings.Clone(t.encoded)] = &h // a clone, so as not to hold the token
	hs.known.Store(&next)
}
