package cognitoauth

// This file finds the token in a request: in the Authorization header, or where
// a TokenSource looks for it (FromCookie, FromHeader, or one of your own).

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// TokenSource finds the token of a request. It returns "" and nil if the
// request offers none. If it returns an error, the request is refused: with 400
// or, if the error is an [*Error] of this package, such as another TokenSource
// returns, with the answer of that Error. Do not take a token from the query
// (OAuth 2.1 forbids it), because it ends in logs, histories and referrers.
type TokenSource func(*http.Request) (token string, err error)

// FromCookie takes the token from the cookie of that name. The browser adds a
// cookie by itself, so a request with an unsafe method must pass the check of
// [http.CrossOriginProtection], or it is refused with 403. Two cookies of that
// name are refused with 400. It panics on an empty name.
//
// The handshake of a WebSocket is a GET, which is a safe method. So it passes
// that check from any origin, and the browser adds the cookie. Check its Origin
// yourself before you accept it.
func FromCookie(name string) TokenSource {
	must(name != "", "FromCookie", "the name is empty")
	what := "cookie " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) {
		cookies := r.CookiesNamed(name)
		if len(cookies) == 0 {
			return "", nil
		}
		return ambient(r, what, cookies[0].Value, len(cookies))
	}
}

// FromHeader takes the bare token from a header that a proxy sets, such as
// x-amzn-oidc-accesstoken of an Application Load Balancer. The proxy recognizes
// the user by a cookie, so the rules of [FromCookie] apply here too. All
// requests must come through the proxy, or anybody can set the header. It
// panics on an empty name and on Authorization, which Config reads by default.
func FromHeader(name string) TokenSource {
	must(name != "", "FromHeader", "the name is empty")
	must(!strings.EqualFold(name, "Authorization"), "FromHeader", "leave Config.TokenSource nil to read Authorization: Bearer")
	what := "header " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) {
		values := r.Header.Values(name)
		if len(values) == 0 {
			return "", nil
		}
		return ambient(r, what, values[0], len(values))
	}
}

// sameOrigin has neither bypass patterns nor trusted origins.
var sameOrigin http.CrossOriginProtection

// ambient returns a token that the browser or a proxy added by itself, if the
// rules of FromCookie allow it. what names its cookie or header, and count says
// how many of that name came.
func ambient(r *http.Request, what, token string, count int) (string, error) {
	if count > 1 {
		return "", refuse(&credentialsRepeated, evidence{claim: what, size: count})
	}
	if token == "" {
		return "", nil
	}
	if sameOrigin.Check(r) != nil {
		return "", refuse(&crossOrigin, evidence{claim: what})
	}
	return token, nil
}

// bearer takes the token from the Authorization header (RFC 6750, section 2.1):
// one header, the scheme in any case, spaces, the token. The caller checks that
// the token is a token68, which is not empty. A token longer than limit is
// returned unread, so that the caller refuses it as too large.
func bearer(r *http.Request, limit int) (string, *Error) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", refuse(&tokenMissing, evidence{})
	}
	if len(values) > 1 {
		return "", refuse(&credentialsRepeated, evidence{size: len(values)})
	}
	const scheme = "Bearer"
	v := values[0]
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) || len(v) > len(scheme) && schemeByte(v[len(scheme)]) {
		note, name := hintScheme(v)
		return "", refuse(&tokenMissing, evidence{note: note, known: name})
	}
	token := strings.TrimLeft(v[len(scheme):], " ")
	if len(token) == len(v)-len(scheme) && len(token) <= limit {
		return "", refuse(&credentialsMalformed, evidence{note: hintCredentials(token)})
	}
	return token, nil
}

// schemeByte reports whether c can be part of a scheme's name: whether it is a
// tchar of RFC 9110, section 5.6.2.
func schemeByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// token68 reports whether s is a token68 of RFC 9110, section 11.2.
func token68(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		c := body[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return body != ""
}

// asError returns a copy of the *Error in err. If there is none, it refuses for
// the given reason. An Error that the library did not make is a wiring mistake.
func asError(err error, otherwise *reason) *Error {
	var e *Error
	switch {
	case !errors.As(err, &e) || e == nil: // mutant: equivalent `errors.As(err, &e)`, it leaves e nil
		return refuse(otherwise, evidence{cause: err})
	case e.reason == nil:
		return refuse(&notWired, evidence{note: "Config.TokenSource returned an Error that the library did not make"})
	}
	own := *e
	return &own
}
