package jws

import (
	"strings"

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
// Cognito's. doc belongs to it: it may change it. It ignores members that point to keys elsewhere (jku, x5u, jwk, x5c),
// and, as RFC 7515, section 4, demands, all that it does not know.
func (h *Header) decode(doc []byte) Fault {
	ok := strictjson.Members(strictjson.PlainSlashes(doc), func(name []byte, value strictjson.Value, _ int) bool { return h.set(name, value) })
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
