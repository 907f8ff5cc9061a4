package cognitoauth

// This file finds the token in a request: in the Authorization header, or where
// a TokenSource looks for it (FromHeader, FromForwardedAuthorization, FromCookie
// in cookie.go, or one of your own).

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// TokenSource finds the token of a request. It returns "" and nil if the
// request offers none, so a source of your own can ask others in turn: the
// first that returns a token or an error decides.
//
// If it returns an error, the request is refused. An [*Error] of this package,
// such as another TokenSource returns, answers for itself. An error for which
// [errors.Is] reports [ErrCrossOrigin] is answered with 403 (cross_origin), one
// for [ErrNoToken] counts as no token, and any other, [ErrInvalidRequest]
// included, is answered with 400 (credentials_malformed).
//
// It must be safe for concurrent use and must not change the request. Whoever
// reads a token that the browser adds by itself has to look at the origin, as
// [FromCookie] does. A source that asks others hands them the request that it got,
// or one with a context derived from it: else they do not know
// Config.CrossOrigin, and trust no other origin. Do not take a token from the
// query (OAuth 2.1 forbids it), because it ends in logs, histories and referrers.
//
// With a TokenSource other than [FromAuthorization], every answer carries Vary:
// Cookie, except on [AllowAnonymous] routes: a source that finds the token in a
// header now may look into the cookies of the next request, and a proxy's
// header comes from a login cookie. A handler that varies by more should add to
// that header, not set it. Authorization needs no Vary (RFC 9111, section 3.5).
type TokenSource func(*http.Request) (token string, err error)

// FromAuthorization reads the Authorization header by the rules of RFC 6750,
// section 2.1: one header, the scheme Bearer in any case, spaces, the token. A
// request with another scheme counts as one without a token. It is the default
// of Config.TokenSource; use it to compose a source of your own, such as header
// first, cookie else.
//
// The token of an Authorization header is not ambient, so its origin is not
// checked. A proxy that turns its login cookie into an Authorization header
// (oauth2-proxy with pass_authorization_header) makes it ambient: then let your
// source return [ErrCrossOrigin] if [http.CrossOriginProtection] refuses.
func FromAuthorization() TokenSource { return authorization }

func authorization(r *http.Request) (string, error) {
	return credentials(r.Header["Authorization"], "")
}

// FromForwardedAuthorization reads a header in which a proxy passes on what the
// client wrote in Authorization, scheme included, such as
// X-Forwarded-Authorization. The rules are those of [FromAuthorization]: the
// client wrote the token, so its origin is not checked.
//
// A header that a proxy fills from its login cookie belongs to [FromHeader],
// even if its value begins with Bearer: the browser adds that cookie to requests
// of any site. Caches do not know that such a header stands for Authorization,
// so put none between that proxy and the program. It panics on an empty name and
// on Authorization.
func FromForwardedAuthorization(name string) TokenSource {
	must(name != "", "FromForwardedAuthorization", "the name is empty")
	must(!strings.EqualFold(name, "Authorization"), "FromForwardedAuthorization", "use FromAuthorization to read Authorization: Bearer")
	what := "header " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) { return credentials(r.Header.Values(name), what) }
}

// FromHeader takes the token from a header that a proxy sets, such as
// x-amzn-oidc-accesstoken of an Application Load Balancer. The value is the bare
// token, or Bearer, a space and the token. The proxy recognizes the user by a
// cookie, so the rules of [FromCookie] apply here too, with Config.CrossOrigin. All
// requests must come through the proxy, or anybody can set the header. It panics
// on an empty name and on Authorization, which Config reads by default.
func FromHeader(name string) TokenSource {
	must(name != "", "FromHeader", "the name is empty")
	must(!strings.EqualFold(name, "Authorization"), "FromHeader", "leave Config.TokenSource nil to read Authorization: Bearer")
	what := "header " + strconv.QuoteToASCII(name)
	return func(r *http.Request) (string, error) {
		values := r.Header.Values(name)
		switch len(values) {
		case 0:
			return "", nil
		case 1:
		default:
			return "", refuse(&credentialsRepeated, evidence{claim: what, size: len(values)})
		}
		token := values[0]
		if scheme, rest, _ := strings.Cut(token, " "); strings.EqualFold(scheme, "Bearer") {
			if token = strings.TrimLeft(rest, " "); token == "" {
				return "", malformed(token, what)
			}
		}
		return ambient(r, what, token)
	}
}

// inquiry is the context in which Wrap asks a source if it wants to know
// whether the token is ambient. The source is a plain function that can be part
// of another, so it cannot tell by its result.
type inquiry struct {
	context.Context
	ambient string // the last token that an ambient source returned
}

type inquiryKey struct{}

func (q *inquiry) Value(key any) any {
	if _, ok := key.(inquiryKey); ok {
		return q
	}
	return q.Context.Value(key)
}

// find returns the request's token. ambient is whether it came from FromCookie
// or FromHeader; we ask only if it matters, on an Optional route with
// Config.IgnoreBadAmbientToken.
func (s *state) find(r *http.Request, optional bool) (token string, ambient bool, _ *Error) {
	if s.source == nil {
		token, err := bearer(r.Header["Authorization"], "")
		return token, false, s.sized(err)
	}
	var q *inquiry
	if optional && s.ignoreAmbient {
		q = &inquiry{Context: r.Context()}
		r = r.WithContext(q)
	}
	token, err := s.source(r)
	switch {
	case err != nil:
		return "", false, s.sized(sourceError(err))
	case token == "":
		return "", false, refuse(&tokenMissing, evidence{claim: noSuchToken})
	}
	return token, q != nil && token == q.ambient, nil
}

// sized makes token_too_large of malformed credentials that are longer than a
// token may be: what is too long is not looked at. A TokenSource does not know
// the limit.
func (s *state) sized(err *Error) *Error {
	if err != nil && err.reason == &credentialsMalformed && err.size > s.limit {
		return refuse(&tokenTooLarge, evidence{size: err.size, limit: int32(s.limit)})
	}
	return err
}

// noSuchToken is what Detail says of a request in which a source finds nothing.
const noSuchToken = "Config.TokenSource found none in the request"

// ownSource returns nil for FromAuthorization, so that it is the same as a nil
// Config.TokenSource in every respect.
func ownSource(s TokenSource) TokenSource {
	if s != nil && reflect.ValueOf(s).Pointer() == reflect.ValueOf(authorization).Pointer() {
		return nil
	}
	return s
}

// credentials is bearer for a TokenSource: no token is "" and nil, and the token
// that it returns is a token68.
func credentials(values []string, what string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	token, err := bearer(values, what)
	switch {
	case err != nil && err.reason == &tokenMissing:
		return "", nil
	case err != nil:
		return "", err
	case !token68(token):
		return "", malformed(token, what)
	}
	return token, nil
}

// bearer takes the token from the values of an Authorization header (RFC 6750,
// section 2.1): one header, the scheme in any case, spaces, the token. The
// caller checks that the token is a token68, which is not empty. what names the
// header, "" for Authorization.
func bearer(values []string, what string) (string, *Error) {
	if len(values) == 0 {
		return "", refuse(&tokenMissing, evidence{})
	}
	if len(values) > 1 {
		return "", refuse(&credentialsRepeated, evidence{claim: what, size: len(values)})
	}
	const scheme = "Bearer"
	v := values[0]
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) || len(v) > len(scheme) && schemeByte(v[len(scheme)]) {
		note, name := hintScheme(v)
		return "", refuse(&tokenMissing, evidence{note: note, known: name})
	}
	token := strings.TrimLeft(v[len(scheme):], " ")
	if len(token) == len(v)-len(scheme) {
		return "", malformed(token, what)
	}
	return token, nil
}

// malformed refuses what follows Bearer. what names the header, "" for
// Authorization.
func malformed(token, what string) *Error {
	return refuse(&credentialsMalformed, evidence{claim: what, size: len(token), note: hintCredentials(token)})
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

// sourceError returns the refusal for the error of a TokenSource: a copy of the
// *Error in it, or one for the sentinel in it, the strictest first. An Error that
// the library did not make is a wiring mistake.
func sourceError(err error) *Error {
	var e *Error
	switch {
	case !errors.As(err, &e) || e == nil: // mutant: equivalent `errors.As(err, &e)`, it leaves e nil
	case e.reason == nil:
		return refuse(&notWired, evidence{note: "Config.TokenSource returned an Error that the library did not make"})
	default:
		own := *e
		return &own
	}
	switch {
	case errors.Is(err, ErrCrossOrigin):
		return refuse(&crossOrigin, evidence{cause: err})
	case errors.Is(err, ErrNoToken) && !errors.Is(err, ErrInvalidRequest):
		return refuse(&tokenMissing, evidence{claim: noSuchToken, cause: err})
	}
	return refuse(&credentialsMalformed, evidence{cause: err})
}
