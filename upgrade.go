package cognitoauth

// This file keeps a request from turning its connection into one of HTTP/2
// behind Wrap.

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// withoutH2C returns r, or a copy without its offer to change to HTTP/2
// (RFC 7540, section 3.2). A handler behind Wrap that takes the offer, such as
// that of golang.org/x/net/http2/h2c, serves all later requests of the
// connection itself with the context of the first one, and so with its claims,
// whatever tokens they carry. A server may ignore the offer (RFC 9110, section
// 7.8), so the client is answered in HTTP/1.1. Other upgrades stay.
func withoutH2C(r *http.Request) *http.Request {
	upgrade, settings := r.Header["Upgrade"], r.Header["Http2-Settings"]
	if settings == nil && !slices.ContainsFunc(upgrade, offersH2C) {
		return r
	}
	plain := r.WithContext(r.Context())
	plain.Header = r.Header.Clone() // the caller's stays as it is
	delete(plain.Header, "Http2-Settings")
	gone := []string{"HTTP2-Settings"}
	if !keepMembers(plain.Header, "Upgrade", "h2c") {
		gone = append(gone, "Upgrade")
	}
	keepMembers(plain.Header, "Connection", gone...)
	return plain
}

// offersH2C reports whether a line of the Upgrade header has h2c in its list.
func offersH2C(line string) bool {
	for member := range strings.SplitSeq(line, ",") {
		if strings.EqualFold(textproto.TrimString(member), "h2c") {
			return true
		}
	}
	return false
}

// keepMembers takes the given members out of a header that is a list, and the
// header away if none is left. It reports whether one is left.
func keepMembers(h http.Header, name string, gone ...string) bool {
	var lines []string
	for _, line := range h[name] {
		var kept []string
		for member := range strings.SplitSeq(line, ",") {
			member = textproto.TrimString(member)
			if member != "" && !slices.ContainsFunc(gone, func(s string) bool { return strings.EqualFold(s, member) }) {
				kept = append(kept, member)
			}
		}
		if kept != nil {
			lines = append(lines, strings.Join(kept, ", "))
		}
	}
	if lines == nil {
		delete(h, name)
		return false
	}
	h[name] = lines
	return true
}
