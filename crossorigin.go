package cognitoauth

// This file keeps pages of other origins from using a token that the browser, or a
// proxy, adds to a request by itself.

import (
	"cmp"
	"context"
	"net/http"
	"strings"
)

// ambient returns a token that the browser or a proxy added by itself, if the
// rules of FromCookie allow it. what names its cookie or header.
func ambient(r *http.Request, what, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	protection, _ := r.Context().Value(protectionKey{}).(*http.CrossOriginProtection)
	if foreign(r, cmp.Or(protection, &sameOrigin)) {
		return "", refuse(&crossOrigin, evidence{claim: what})
	}
	if q, ok := r.Context().Value(inquiryKey{}).(*inquiry); ok {
		q.ambient = token
	}
	return token, nil
}

// sameOrigin has neither bypass patterns nor trusted origins.
var sameOrigin http.CrossOriginProtection

type protectionKey struct{}

// protectedBy returns s, with Config.CrossOrigin for the ambient sources in it. They
// are plain functions that may be part of another, so the context takes it there. It
// is nil: s as it is.
func (s TokenSource) protectedBy(protection *http.CrossOriginProtection) TokenSource {
	if s == nil || protection == nil {
		return s
	}
	return func(r *http.Request) (string, error) {
		return s(r.WithContext(context.WithValue(r.Context(), protectionKey{}, protection)))
	}
}

// foreign reports whether an origin that by does not trust sent r and it is unsafe.
// CrossOriginProtection takes a GET for safe, because CORS keeps the answer from
// the page that sent it. The handshake of a WebSocket is a GET too, but CORS
// does not apply to it (RFC 6455, section 10.2), so we check it like a POST.
// Over HTTP/2 and 3 the handshake of a WebSocket, and that of WebTransport, is a
// CONNECT (RFC 8441), which is unsafe already.
//
// It takes an Origin for the request's own if both have the same host. Null, which a
// sandboxed page sends, has none, and neither has what Admit gets, or a request of
// HTTP/1.0. So these get a host that no origin has.
func foreign(r *http.Request, by *http.CrossOriginProtection) bool {
	if upgrade := upgrades(r); upgrade || r.Host == "" {
		asked := *r
		if upgrade {
			asked.Method = http.MethodPost
		}
		asked.Host = cmp.Or(r.Host, "?")
		r = &asked
	}
	return by.Check(r) != nil
}

// upgrades reports whether r asks for a WebSocket. We do not parse the list in
// Upgrade, since a library that accepts the WebSocket may parse it leniently.
func upgrades(r *http.Request) bool {
	for _, v := range r.Header["Upgrade"] {
		if strings.Contains(strings.ToLower(v), "websocket") {
			return true
		}
	}
	return false
}
