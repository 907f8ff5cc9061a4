package cognitoauth

// This file holds the texts of Error.Detail, which are for the operator's log. Each
// reason for a refusal (errors.go lists them) has a function here that says what was
// found, what was expected and which setting mends it. Guesses at what the caller
// did wrong are in hint.go.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/jws"
	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
)

func detailNote(e *Error) string { return e.Description + e.note }

// noteForm says what is wrong with the form of a token. spaced is whether it has
// white space in it.
//
// The token must not get into the Error, so this cannot wait until Detail is
// called.
func noteForm(fault jws.Fault, token string, spaced bool) string {
	if note := hintWrapped(token, spaced); note != "" {
		return note
	}
	switch fault {
	case jws.Parts:
		return hintParts(token)
	case jws.LongHeader:
		return ": its header is longer than 1 KiB"
	case jws.HeaderJSON:
		return ": its header is not one strict JSON object"
	}
	return ": a segment is not canonical base64url without padding"
}

func detailMissing(e *Error) string {
	s := "no token: expected \"Authorization: Bearer <token>\""
	if e.claim != "" {
		s = "no token: " + e.claim
	}
	switch e.endpoint.(type) {
	case nil, *marker, *require:
		return s + e.note + strings.Join(e.known, "")
	}
	switch kind := fmt.Sprintf("%T", e.endpoint); {
	case e.note == noteUnasked:
		return s + cmp.Or(hintUnasked(e.endpoint), strings.Replace(e.note, "%T", kind, 1))
	case e.note != "": // the note says why there is no token or no route
		return s + e.note + strings.Join(e.known, "")
	case redirects(e.endpoint):
		s += "; the answer would be a redirect"
		if e.found != "" {
			s += " for " + strconv.QuoteToASCII(e.found)
		}
		return s + ", which has no marker (a mux's own redirect, which adds a slash or cleans the path, never has one): " +
			"to open it, register the path that it redirects with AllowAnonymous(...) or Optional(...) as well"
	case e.found != "":
		s += "; the handler of " + strconv.QuoteToASCII(e.found) + " is a " + kind
	default:
		s += "; the route's handler is a " + kind
	}
	if hidden := hintHidden(e.endpoint); hidden != "" {
		return s + hidden
	}
	return s + ", not a marker: only AllowAnonymous(...) or Optional(...) as the outermost handler of its pattern opens a route"
}

// These notes say why Wrap knows no route for a request without a token.
const (
	notePath    = "; no pattern of the mux matches the path: with a token the answer is 404"
	noteMethod  = "; the mux has patterns for the path, but none for the method: with a token the answer is 405"
	noteUnnamed = "; the router names no handler for this request, so no marker can open it"
	noteUnasked = "; Wrap was given a %T, which cannot be asked for its routes, so none of them is open: " +
		"if it is middleware, put it outside of Wrap; if it is a router, let it implement EndpointResolver, ResolveEndpoint(*http.Request) http.Handler"
)

func detailCredentials(e *Error) string {
	if e.cause != nil {
		return fmt.Sprintf("Config.TokenSource returned an error (%T), which makes the request malformed", e.cause)
	}
	s := "expected the scheme Bearer once, a space and one token of the characters that RFC 6750, section 2.1, allows"
	switch {
	case strings.HasPrefix(e.claim, "cookie"):
		s = e.claim + ", which Config.TokenSource reads,"
	case e.claim != "":
		s = e.claim + ", which Config.TokenSource reads: " + s
	}
	return s + e.note
}

func detailRepeated(e *Error) string {
	switch {
	case e.claim == "":
		return fmt.Sprintf("one Authorization header is allowed, but %d came: a proxy that adds credentials of its own has to use another header", e.size)
	case strings.HasPrefix(e.claim, "cookie"):
		return fmt.Sprintf("Config.TokenSource reads one %s, but %d came: a browser sends one for each path and domain that set it; delete all but one%s", e.claim, e.size, e.note)
	}
	return fmt.Sprintf("Config.TokenSource reads one %s, but %d came: the proxy has to replace the caller's, not to add its own to it", e.claim, e.size)
}

func detailTooLarge(e *Error) string {
	return fmt.Sprintf("the token has %d bytes, the limit is %d; Config.MaxTokenBytes raises it", e.size, e.limit)
}

func detailAlgorithm(e *Error) string {
	s := e.value("alg") + " is not RS256, the only algorithm with which a user pool of Cognito signs"
	if e.found == "RS512" {
		return s + ": identity pools sign with RS512; send the user pool's token"
	}
	return s + ": send a token that the user pool has issued"
}

func detailKeyID(e *Error) string {
	s := "kid is " + e.note + ", expected a string of 1 to " + strconv.Itoa(jws.MaxKeyIDBytes) + " bytes"
	if e.found == "" {
		s += "; every token that Cognito signs names its key (an emulator's refresh token does not: send the access token)"
	}
	return s
}

// noteKeyID says what is wrong with the kid of a header.
func noteKeyID(fault jws.Fault, h *jws.Header) string {
	switch fault {
	case jws.KeyIDMissing:
		return "missing"
	case jws.KeyIDNotString:
		return "not a string"
	case jws.KeyIDEmpty:
		return "empty"
	}
	return strconv.Itoa(len(h.KeyID)) + " bytes long"
}

func detailHeader(e *Error) string {
	return "header member " + quote(e.claim) + " is present: Cognito sends none of crit, b64, enc, zip, cty"
}

func detailType(e *Error) string {
	return e.value("typ") + " is neither JWT nor at+jwt"
}

func detailClaims(e *Error) string {
	if e.claim == "" {
		return "the payload is not one strict JSON object" + e.note
	}
	want := claimType(e.claim)
	if want == "" {
		return "a claim is a number that no double can hold" + e.note
	}
	return "claim " + e.claim + " has the wrong JSON type or does not fit" + e.note + ", expected " + want
}

// claimType returns the JSON type of a claim that the library reads, and "" for
// any other claim.
func claimType(name string) string {
	const trigger = "; if a pre token generation trigger writes it, mend that"
	switch name {
	case "exp", "nbf", "iat", "auth_time":
		return "a number of seconds"
	case "aud":
		return "a string or a list of strings"
	case "cognito:groups":
		return "a list of strings" + trigger
	case "scope":
		return "one string with a space between two scopes" + trigger
	case "iss", "sub", "token_use", "client_id", "username", "cognito:username", "jti", "origin_jti", "acr", "event_id":
		return "a string"
	}
	return ""
}

func detailIssuer(e *Error) string {
	return e.value("iss") + " is not an issuer of this API; expected " + settings(e.known) +
		hintIssuer(e.found, e.known) + "; Config.Pools decides"
}

func detailTokenUse(e *Error) string {
	want := settings(e.known)
	s := e.value("token_use") + ", but pool " + e.trust.id + " accepts " + want + " here"
	switch TokenUse(e.found) {
	case IDToken:
		return s + ": send the access token, not the ID token, or set Pool.TokenUse to IDToken"
	case AccessToken:
		return s + ": send the ID token, not the access token, or set Pool.TokenUse to AccessToken"
	}
	return s + " (Pool.TokenUse decides)"
}

func detailExpiryMissing(e *Error) string {
	return "the token has no exp; every token of Cognito has one" + e.mark()
}

func detailExpired(e *Error) string {
	return fmt.Sprintf("exp is %s%s, now is %s: expired %s ago, Config.Leeway is %s; the client has to get a new token, for a user with the refresh token",
		stamp(e.at), e.mark(), stamp(e.now), e.now.Sub(e.at).Round(time.Second), e.leeway)
}

func detailFuture(e *Error) string {
	return fmt.Sprintf("%s is %s%s, now is %s: %s ahead, Config.Leeway is %s; set this machine's clock if it is behind the issuer's",
		e.claim, stamp(e.at), e.mark(), stamp(e.now), e.at.Sub(e.now).Round(time.Second), e.leeway)
}

func detailLifetime(e *Error) string {
	if n := e.at.Unix(); n > 1e11 && n < 1e13 { // the years 1973 to 2286 in milliseconds, 5138 to 318857 in seconds
		return fmt.Sprintf("exp is %d%s: these are milliseconds, and a token counts seconds (RFC 7519, section 2)", n, e.mark())
	}
	return fmt.Sprintf("exp is %s%s, %s after %s; the limit is %s and Cognito's own maximum is 24h0m0s; Pool.MaxLifetime raises the limit",
		stamp(e.at), e.mark(), e.at.Sub(e.now), e.claim, e.trust.maxLifetime)
}

// inPlans are the feature plans of a pool without which Cognito takes no request
// for a resource, a level or a registration. The plan Lite has none of them.
const inPlans = "the plans Essentials and Plus"

func detailSubject(e *Error) string {
	return "a user's token has no sub" + e.mark() + "; Cognito always sends one"
}

func detailBound(e *Error) string {
	return "the token has cnf" + e.mark() + ", so it is bound to a key (RFC 7800), and this library checks no proof of one: Cognito binds no tokens, so look for cnf in the pre token generation trigger of the pool"
}

func detailAudience(e *Error) string {
	pool := e.trust.id
	switch {
	case e.note != "":
		return "aud" + e.mark() + e.note
	case len(e.trust.audiences) == 0:
		return e.value("aud") + " but pool " + pool + " has no Audiences; a resource-bound token (RFC 8707) is accepted only " +
			"where Pool.Audiences names this API; Cognito access tokens otherwise have no aud, or their own client_id"
	}
	const bind = ": have the client send resource= for this API to the authorize endpoint of managed login (resource binding, RFC 8707, in " + inPlans + ")"
	s, or := "the token has no aud"+e.mark()+", but Pool.Audiences of pool "+pool+" demands one of "+settings(e.trust.audiences), ", or leave Audiences empty"
	if e.found != "" {
		s = e.value("aud") + " names none of Audiences " + settings(e.trust.audiences) + " of pool " + pool + hintAudience(e.found, e.trust.audiences)
		or = ", or add that aud to Pool.Audiences if this API answers to it as well"
	}
	if e.found != "" && e.found == e.client {
		s, or = s+"; it is the token's own client_id, which a pre token generation trigger sets and which names no resource", ""
	}
	switch {
	case !e.trust.registered:
		return s + bind + or
	case !e.trust.isListed(e.client):
		s += "; client_id " + quote(e.client) + e.mark() + " is not among ClientIDs, and Pool.RegisteredClients admits such a client by its aud alone"
	}
	if e.found == "" {
		or = "" // RegisteredClients needs Audiences
	}
	return s + bind + or
}

func detailKeyUnknown(e *Error) string {
	s := "kid " + quote(e.kid) + " (unverified) is not in the key set of pool " + e.trust.id
	urls := e.trust.source.urls
	if len(urls) == 0 {
		return s + ", Pool.JWKS, which the library never updates: copy the pool's key set there again, or leave it empty"
	}
	when := " after the token came or at most " + fetchFloor.String() + " before: "
	if onCognito(urls[0], e.trust.id) {
		return s + ", which was fetched from AWS" + when + "another signer wrote this pool's issuer into the token, or the pool has withdrawn the key"
	}
	return s + ", which was fetched from " + keyfetch.Shown(urls[0]) + when + "either Pool.JWKSURL names the key set of another pool, or the token was signed by another pool or emulator run"
}

// onCognito reports whether a key-set URL is Cognito's own for that pool.
func onCognito(address, pool string) bool {
	_, id := userPool(strings.TrimSuffix(address, wellKnownKeys))
	return id == pool
}

func detailSignature(e *Error) string {
	s := "the signature does not match the key of kid " + quote(e.kid) + e.mark() + " of pool " + e.trust.id + ": the token was altered or signed by another key"
	const other = "if the pool has another key of that kid by now, as an emulator may have after a restart, "
	switch urls := e.trust.source.urls; {
	case len(urls) == 0:
		s += "; the library never updates Pool.JWKS: " + other + "copy it there"
	case !onCognito(urls[0], e.trust.id): // Cognito never gives a kid to another key
		s += "; " + other + "Middleware.Refresh fetches it; without that, a bad signature asks for it once the key set is " + suspectAge.String() + " old"
	}
	return s
}

func detailRevoked(e *Error) string { return "Config.Revoked refused a token of pool " + e.trust.id }

func detailScope(e *Error) string {
	s := "the token has scopes " + join8(strings.FieldsSeq(e.found), " and ", quote) + ", the route needs " + list(e.scopes)
	s += cmp.Or(hintScope(e.found, e.scopes), "; the client has to ask for them, and its app client needs permission to")
	if len(e.stronger) > 0 {
		s += "; by Config.ImpliedScopes, " + join8(slices.Values(slices.Sorted(maps.Keys(e.stronger))), " or ", quote) + " meets " + e.claim + " as well"
	}
	return s
}

func detailLogin(e *Error) string {
	if e.at.IsZero() {
		return fmt.Sprintf("the token has no auth_time; AuthenticatedWithin(%s) needs one", e.maxAge)
	}
	if e.at.After(e.now) {
		return fmt.Sprintf("auth_time %s lies %s ahead of this machine's clock", stamp(e.at), e.at.Sub(e.now).Round(time.Second))
	}
	return fmt.Sprintf("auth_time is %s, %s ago; AuthenticatedWithin(%s) demands a more recent login, and refreshing the token does not count as one",
		stamp(e.at), e.now.Sub(e.at).Round(time.Second), e.maxAge)
}

func detailACR(e *Error) string {
	return "the token's acr is " + e.note + ", but " + e.claim + " asks for a level: refreshing keeps acr as it is, so the user has to log in with acr_values " + quote(e.acr) +
		", which managed login takes in " + inPlans + ", if the pool has such a level"
}

func detailScopeOnID(e *Error) string {
	return "an ID token has no scopes, so it cannot meet a Scope rule: send the access token, with Pool.TokenUse AccessToken, or use Group or Claim"
}

func detailNeverLogin(*Error) string {
	return "a machine's token cannot be stepped up (RFC 9470), because no user logged in; put UserToken() into the policy to say so"
}

func detailPolicy(e *Error) string { return "denied by " + e.claim + e.note }

func detailClientDenied(e *Error) string {
	return "client_id " + quote(e.found) + " is denied by " + e.claim
}

func detailEmptyPolicy(*Error) string {
	return "the policy is empty (the zero Policy, And() or Or()) and denies everything"
}

func detailCrossOrigin(e *Error) string {
	what := e.claim
	if what == "" {
		what = "a token that the browser adds by itself"
	}
	return what + ", which Config.TokenSource reads, came with an unsafe cross-origin request or the handshake of a WebSocket from another origin, as http.CrossOriginProtection sees it " +
		"(by Sec-Fetch-Site, else Origin and Host). A cookie's SameSite does not stop requests of a sibling subdomain: serve page and API from one origin, " +
		"trust the page's origin by AddTrustedOrigin of Config.CrossOrigin, or send Authorization: Bearer, which FromAuthorization reads"
}

func detailKeys(e *Error) string {
	s := "no key set for kid " + quote(e.kid) + " (unverified) of pool " + e.trust.id + e.note
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	if urls := e.trust.source.urls; len(urls) == 1 && !strings.HasSuffix(urls[0], wellKnownKeys) {
		s += "; Cognito and its emulators have the keys at {Issuer}" + wellKnownKeys + ", where the library looks for them if Pool.JWKSURL is empty"
	}
	return s + "; the key set must be reachable from this machine (Pool.JWKSURL, Config.HTTPClient, or a static Pool.JWKS)"
}

func detailEnded(e *Error) string {
	why := "the client hung up, or the caller of Validate canceled,"
	if errors.Is(e.cause, context.DeadlineExceeded) {
		why = "the deadline of the request's context passed"
	}
	return why + " while the key set of pool " + e.trust.id + " was fetched; that says nothing about the keys"
}

func detailRevocation(e *Error) string {
	return fmt.Sprintf("Config.Revoked failed for a token of pool %s (%T)", e.trust.id, e.cause)
}

func detailNotWired(e *Error) string {
	if e.note != "" {
		return e.note
	}
	return "the Middleware was not made by New"
}

// value returns the name and the value of what was at fault, and says so if no
// signature vouches for it.
func (e *Error) value(name string) string {
	if e.found == "" {
		return name + " is missing, empty or not a string" + e.mark()
	}
	return name + " " + quote(e.found) + e.mark()
}

func (e *Error) mark() string {
	if e.verified {
		return ""
	}
	return " (unverified)"
}

// quote returns s as Detail may show it: in ASCII, cut at 64 bytes.
func quote(s string) string {
	if len(s) > 64 {
		return strconv.QuoteToASCII(s[:64]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// inLog is s as an attribute of a log record may have it: as it is if that is
// plain text, else quoted, so that no two values look alike.
func inLog(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e || !challengeByte(byte(r)) }) {
		return quote(s)
	}
	return s
}

// list quotes a few strings of a token.
func list(all []string) string { return join8(slices.Values(all), " and ", quote) }

// settings quotes a few strings of the configuration, in full.
func settings(all []string) string { return join8(slices.Values(all), " or ", strconv.QuoteToASCII) }

// join8 quotes up to 8 strings and counts the others.
func join8(all iter.Seq[string], word string, quote func(string) string) string {
	var b strings.Builder
	n := 0
	for s := range all {
		switch n++; {
		case n > 8: // only counted
			continue
		case n > 1:
			b.WriteString(word)
		}
		b.WriteString(quote(s))
	}
	switch {
	case n == 0:
		return "none"
	case n > 8:
		fmt.Fprintf(&b, " and %d more", n-8)
	}
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
