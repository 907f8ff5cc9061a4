package cognitoauth

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The sentinels: one for each kind of answer. Branch on them with [errors.Is];
// the finer reason is [Error.Code].
var (
	// ErrNoToken: the request offers no token and the route demands one. 401.
	ErrNoToken error = &class{"no token", http.StatusUnauthorized, challenge{sent: true}}
	// ErrInvalidRequest: the credentials are malformed or given twice. 400.
	ErrInvalidRequest error = &class{"invalid request", http.StatusBadRequest, challenge{true, "invalid_request"}}
	// ErrInvalidToken: the token is no good here, for whatever reason. 401.
	ErrInvalidToken error = &class{"invalid token", http.StatusUnauthorized, challenge{true, "invalid_token"}}
	// ErrInsufficientScope: a token with more scopes would be let in. 403.
	ErrInsufficientScope error = &class{"insufficient scope", http.StatusForbidden, challenge{true, "insufficient_scope"}}
	// ErrForbidden: a policy says no, and asking for more scopes or another login
	// would not change that. 403.
	ErrForbidden error = &class{"forbidden", http.StatusForbidden, challenge{}}
	// ErrStepUpRequired: the user has to log in again, or more strongly. 401.
	ErrStepUpRequired error = &class{"step-up required", http.StatusUnauthorized, challenge{true, "insufficient_user_authentication"}}
	// ErrCrossOrigin: a token that the browser added by itself came with an
	// unsafe request of another site. 403.
	ErrCrossOrigin error = &class{"cross-origin request", http.StatusForbidden, challenge{}}
	// ErrUnavailable: whether the token is good cannot be said now, because the
	// keys or the revocation check cannot be had. 503.
	ErrUnavailable error = &class{"unavailable", http.StatusServiceUnavailable, challenge{}}
	// ErrMisconfigured: the program is wired wrongly. Every error of [New] and
	// [FromEnv] is one, and so is the answer of a zero [Middleware]. 500.
	ErrMisconfigured error = &class{"misconfigured", http.StatusInternalServerError, challenge{}}
)

// class is what a sentinel stands for: a row of the table of answers.
type class struct {
	text      string
	status    int
	challenge challenge
}

func (c *class) Error() string { return "cognitoauth: " + c.text }

// challenge tells whether an answer carries WWW-Authenticate, and with which
// error code of RFC 6750, section 3.1, or RFC 9470, section 3.
type challenge struct {
	sent bool
	code string
}

// reason is one row of the finer table: what exactly was wrong.
type reason struct {
	sentinel error
	code     string
	text     string              // public and fixed: it goes into responses
	detail   func(*Error) string // nil: the text says it all
}

// Error is a refusal. Status, Code and Description are safe to show to the
// caller; what only the operator may see is [Error.Detail].
//
// An Error never holds the token or its signature. It is not changed after it
// was made, so it may be used by several goroutines.
type Error struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code is the stable reason ("token_expired"), one of a fixed set, which the
	// README lists, and therefore fit for metrics.
	Code string
	// Description is a short fixed text for the caller; it quotes nothing.
	Description string
	// RetryAfter is how long the caller should wait before it tries again; zero
	// where waiting does not help. Only 503 answers have it.
	RetryAfter time.Duration

	reason *reason
	evidence
	realm  string
	scopes []string
	maxAge time.Duration
	acr    string
}

// evidence is what Detail is built from, kept as it was found so that refusing
// costs no formatting.
type evidence struct {
	claim    string // the header member, claim or cookie that was at fault
	found    string // its value, "" if absent; of a missing token the route's pattern
	note     string // a hint for the operator, one of our own fixed texts
	trust    *trust // whose settings decided; nil before iss selected one
	known    []string
	kid      string
	client   string       // verified
	endpoint http.Handler // of the route that a missing token was wanted for
	now, at  time.Time
	size     int // bytes of the token, and limit of them; how many credentials came
	limit    int
	leeway   time.Duration
	verified bool
	cause    error
}

// refuse makes the Error of one reason.
func refuse(why *reason, ev evidence) *Error {
	return &Error{
		Status:      why.sentinel.(*class).status,
		Code:        why.code,
		Description: why.text,
		reason:      why,
		evidence:    ev,
	}
}

// Error returns the public text. It is fixed for each Code and quotes nothing
// of the request, so that http.Error(w, err.Error(), …) leaks nothing.
func (e *Error) Error() string {
	if e == nil || e.Description == "" {
		return "cognitoauth: refused"
	}
	return "cognitoauth: " + e.Description
}

// Unwrap returns the sentinel of the Error's kind of answer.
func (e *Error) Unwrap() error {
	if e == nil || e.reason == nil {
		return ErrMisconfigured
	}
	return e.reason.sentinel
}

// Detail says for the operator's log what was found, what was expected and
// which setting mends it. It is built when called. Of the token it quotes only
// iss, client_id, aud, token_use, alg, typ, kid, scope names and times, each in
// ASCII and cut at 64 bytes, and says "unverified" where no signature vouches
// for them; never the token, its subject, user name, groups or custom claims. Of
// the request it quotes nothing. What it suggests is certain, or says on what it
// depends. The wording may change; branch on Code.
// Do not send it to the caller: it tells how the API is configured.
func (e *Error) Detail() string {
	switch {
	case e == nil || e.reason == nil:
		return e.Error()
	case e.reason.detail == nil:
		return e.Description + e.note
	}
	return e.reason.detail(e)
}

// LogValue is the Error as a group of code, status and detail for package slog.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	return slog.GroupValue(
		slog.String("code", e.Code),
		slog.Int("status", e.Status),
		slog.String("detail", e.Detail()),
	)
}

// Challenge is the value of WWW-Authenticate for this Error, "" if the answer
// carries none. It holds only the bytes that RFC 6750, section 3, allows.
func (e *Error) Challenge() string {
	if e == nil || e.reason == nil || !e.reason.sentinel.(*class).challenge.sent {
		return ""
	}
	var b strings.Builder
	b.WriteString("Bearer")
	param := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > len("Bearer") {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(name)
		b.WriteString(`="`)
		writeSafe(&b, value)
		b.WriteByte('"')
	}
	realm := e.realm
	if realm == "" {
		realm = defaultRealm
	}
	param("realm", realm)
	if code := e.reason.sentinel.(*class).challenge.code; code != "" {
		param("error", code)
		param("error_description", e.Description)
	}
	param("scope", strings.Join(e.scopes, " "))
	param("acr_values", e.acr)
	if e.maxAge > 0 {
		param("max_age", strconv.FormatInt(int64(e.maxAge/time.Second), 10))
	}
	return b.String()
}

// writeSafe writes s without the bytes that RFC 6750, section 3, keeps out of
// its parameters: all but %x20-21, %x23-5B and %x5D-7E. What is left out is
// replaced, never escaped: clients read the set literally.
func writeSafe(b *strings.Builder, s string) {
	for i := range len(s) {
		if c := s[i]; challengeByte(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('?')
		}
	}
}

func challengeByte(c byte) bool {
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'
}

// WriteError writes the answer for e: its status, the challenge if it has one,
// Retry-After on a 503, and an application/problem+json body (RFC 9457) with
// the member code. The challenge is added to what an outer handler has set; if
// the request names an Origin, the script that made it may read the challenge.
// A HEAD request gets no body. An Error that the library did not make, nil
// included, is answered 500.
//
// It is what Config.ErrorHandler is by default, and what a handler of your own
// may end with.
func WriteError(w http.ResponseWriter, r *http.Request, e *Error) {
	if e == nil || e.reason == nil {
		e = refuse(&notWired, evidence{})
	}
	h := w.Header()
	if c := e.Challenge(); c != "" {
		h.Add("WWW-Authenticate", c)
		if r.Header.Get("Origin") != "" {
			h.Add("Access-Control-Expose-Headers", "WWW-Authenticate")
		}
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Length")
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead {
		// Status text, code and description are our own fixed ASCII texts.
		fmt.Fprintf(w, `{"title":%q,"status":%d,"detail":%q,"code":%q}`+"\n",
			http.StatusText(e.Status), e.Status, e.Description, e.Code)
	}
}

// The table of answers. A new refusal is a new row here and in the README.
var (
	tokenMissing = reason{ErrNoToken, "token_missing", "a bearer token is required", detailMissing}

	credentialsMalformed = reason{ErrInvalidRequest, "credentials_malformed", "the credentials are malformed", detailCredentials}
	credentialsRepeated  = reason{ErrInvalidRequest, "credentials_repeated", "the credentials are given more than once", detailRepeated}

	tokenTooLarge        = reason{ErrInvalidToken, "token_too_large", "the token is too large", detailTooLarge}
	tokenMalformed       = reason{ErrInvalidToken, "token_malformed", "the token is malformed", detailNote}
	algorithmUnsupported = reason{ErrInvalidToken, "algorithm_unsupported", "the token's algorithm is not accepted", detailAlgorithm}
	keyIDInvalid         = reason{ErrInvalidToken, "key_id_invalid", "the token names no usable key", detailKeyID}
	headerUnsupported    = reason{ErrInvalidToken, "header_unsupported", "the token's header is not accepted", detailHeader}
	typeUnsupported      = reason{ErrInvalidToken, "type_unsupported", "the token's type is not accepted", detailType}
	claimsMalformed      = reason{ErrInvalidToken, "claims_malformed", "the token's claims are malformed", detailClaims}
	issuerMismatch       = reason{ErrInvalidToken, "issuer_mismatch", "the token's issuer is not accepted", detailIssuer}
	tokenUseMismatch     = reason{ErrInvalidToken, "token_use_mismatch", "this kind of token is not accepted", detailTokenUse}
	expiryMissing        = reason{ErrInvalidToken, "expiry_missing", "the token does not expire", detailExpiryMissing}
	tokenExpired         = reason{ErrInvalidToken, "token_expired", "the token has expired", detailExpired}
	tokenNotYetValid     = reason{ErrInvalidToken, "token_not_yet_valid", "the token is not valid yet", detailFuture}
	tokenIssuedInFuture  = reason{ErrInvalidToken, "token_issued_in_future", "the token was issued in the future", detailFuture}
	lifetimeTooLong      = reason{ErrInvalidToken, "lifetime_too_long", "the token is valid for too long", detailLifetime}
	clientMismatch       = reason{ErrInvalidToken, "client_mismatch", "the token was issued to another client", detailClient}
	subjectMissing       = reason{ErrInvalidToken, "subject_missing", "the token has no subject", detailSubject}
	audienceMismatch     = reason{ErrInvalidToken, "audience_mismatch", "the token is meant for another audience", detailAudience}
	keyUnknown           = reason{ErrInvalidToken, "key_unknown", "the token's key is not known", detailKeyUnknown}
	signatureInvalid     = reason{ErrInvalidToken, "signature_invalid", "the token's signature is invalid", detailSignature}
	tokenRevoked         = reason{ErrInvalidToken, "token_revoked", "the token has been revoked", detailRevoked}

	scopeMissing = reason{ErrInsufficientScope, "scope_missing", "the token lacks a scope", detailScope}
	loginTooOld  = reason{ErrStepUpRequired, "login_too_old", "a more recent login is required", detailLogin}
	acrMismatch  = reason{ErrStepUpRequired, "acr_mismatch", "a different authentication is required", detailACR}

	scopeUnattainable = reason{ErrForbidden, "scope_unattainable", "this kind of token is not permitted here", detailScopeOnID}
	loginUnattainable = reason{ErrForbidden, "login_unattainable", "this kind of token is not permitted here", detailNeverLogin}
	acrUnattainable   = reason{ErrForbidden, "acr_unattainable", "this kind of token is not permitted here", detailNeverLogin}
	groupMissing      = reason{ErrForbidden, "group_missing", "the user is not in a permitted group", detailPolicy}
	clientDenied      = reason{ErrForbidden, "client_denied", "this client is not permitted here", detailClientDenied}
	claimDenied       = reason{ErrForbidden, "claim_denied", "the token does not permit this", detailPolicy}
	userRequired      = reason{ErrForbidden, "user_required", "a user's token is required", detailPolicy}
	machineRequired   = reason{ErrForbidden, "machine_required", "a machine's token is required", detailPolicy}
	assertionDenied   = reason{ErrForbidden, "assertion_denied", "not permitted", detailPolicy}
	policyDenies      = reason{ErrForbidden, "policy_denies", "not permitted", detailEmptyPolicy}

	crossOrigin = reason{ErrCrossOrigin, "cross_origin", "cross-origin use of an ambient token", detailCrossOrigin}

	keysUnavailable       = reason{ErrUnavailable, "keys_unavailable", "tokens cannot be verified at the moment", detailKeys}
	revocationUnavailable = reason{ErrUnavailable, "revocation_unavailable", "tokens cannot be verified at the moment", detailRevocation}

	notWired = reason{ErrMisconfigured, "not_wired", "the server is misconfigured", detailNotWired}
)

// The rest of the file is what Detail says, a function for each reason.

func detailNote(e *Error) string { return e.Description + e.note }

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
		return s + strings.Replace(e.note, "%T", kind, 1)
	case e.note != "": // why there is none is known
		return s + e.note + strings.Join(e.known, "")
	case redirects(e.endpoint):
		s += "; the answer would be a redirect"
		if e.found != "" {
			s += " for " + strconv.QuoteToASCII(e.found)
		}
		return s + ", which is no marker (a mux's own redirect, which adds a slash or cleans the path, never is): " +
			"to open it, register the path that it comes from by AllowAnonymous(...) or Optional(...) as well"
	case e.found != "":
		s += "; the handler of " + strconv.QuoteToASCII(e.found) + " is a " + kind
	default:
		s += "; the route's handler is a " + kind
	}
	return s + ", not a marker: only AllowAnonymous(...) or Optional(...) as the outermost handler of its pattern opens a route"
}

// Where a request without a token would have ended, if not at a route.
const (
	notePath    = "; no pattern of the mux matches the path: with a token the answer is 404"
	noteMethod  = "; the mux has patterns for the path, but none for the method: with a token the answer is 405"
	noteUnnamed = "; the router names no handler for this request, so that no marker can open it"
	noteUnasked = "; Wrap was given a %T, which cannot be asked for its routes, so that none of them is open: " +
		"if it is middleware, put it outside of Wrap; if it is a router, let it implement EndpointResolver, ResolveEndpoint(*http.Request) http.Handler"
)

// redirects reports whether h is what net/http redirects by.
func redirects(h http.Handler) bool { return fmt.Sprintf("%T", h) == "*http.redirectHandler" }

// notFound reports whether h is what ServeMux answers 404 by.
func notFound(h http.Handler) bool {
	return reflect.ValueOf(h).Pointer() == reflect.ValueOf(http.NotFound).Pointer()
}

// misplaced tells where a request that offers no token seems to have one, "" if
// nowhere. custom says that there is a Config.TokenSource.
func misplaced(r *http.Request, custom bool) string {
	query := r.URL.RawQuery
	switch {
	case custom && r.Header["Authorization"] != nil:
		return "; the request has an Authorization header, which is read only where Config.TokenSource is nil"
	case custom:
		return ""
	case strings.HasPrefix(query, "access_token=") || strings.Contains(query, "&access_token="):
		return "; the request has an access_token in its query, which is never read"
	}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if _, value, _ := strings.Cut(pair, "="); strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2 {
				return "; a cookie of the request looks like a token: Config.TokenSource FromCookie(...) reads it"
			}
		}
	}
	return ""
}

// hintScheme tells what an Authorization header with another scheme than Bearer
// has instead, and its name if it is a usual one. What else stands there may be a
// secret.
func hintScheme(v string) (note string, name []string) {
	if strings.HasPrefix(v, "eyJ") {
		return `; the Authorization header looks like a token without the scheme: put "Bearer " before it`, nil
	}
	for i, name := range schemes {
		if len(v) > len(name) && strings.EqualFold(v[:len(name)], name) && v[len(name)] == ' ' {
			return "; the Authorization header has another scheme, ", schemes[i : i+1]
		}
	}
	return "; the Authorization header has another scheme", nil
}

var schemes = []string{"Basic", "Digest", "Negotiate", "DPoP", "AWS4-HMAC-SHA256", "Token", "JWT"}

// hintCredentials tells what is wrong with what stands behind Bearer and spaces.
func hintCredentials(token string) string {
	switch {
	case token == "":
		return "; there is no token behind Bearer: the client has none to send"
	case token[0] == ':':
		return "; there is a colon behind Bearer"
	case token[0] == '"' || token[0] == '\'':
		return "; the token stands in quotes: take them off"
	case strings.EqualFold(token[:min(len(token), len("Bearer "))], "Bearer "):
		return "; Bearer stands there twice"
	}
	return ""
}

func detailCredentials(e *Error) string {
	if e.cause != nil {
		return fmt.Sprintf("Config.TokenSource returned an error (%T), which means a malformed request", e.cause)
	}
	return "expected one scheme Bearer, a space and one token of the characters that RFC 6750, section 2.1, allows" + e.note
}

func detailRepeated(e *Error) string {
	switch {
	case e.claim == "":
		return fmt.Sprintf("one Authorization header is allowed, %d came: a proxy that adds credentials of its own has to use another header", e.size)
	case strings.HasPrefix(e.claim, "cookie"):
		return fmt.Sprintf("one %s is allowed, which Config.TokenSource reads, %d came: a browser sends each that was set for another path or domain, delete all but one", e.claim, e.size)
	}
	return fmt.Sprintf("one %s is allowed, which Config.TokenSource reads, %d came: the proxy has to replace what the caller sends, not to add to it", e.claim, e.size)
}

func detailTooLarge(e *Error) string {
	return fmt.Sprintf("the token has %d bytes, the limit is %d; Config.MaxTokenBytes raises it", e.size, e.limit)
}

func detailAlgorithm(e *Error) string {
	s := e.value("alg") + " is not RS256, the only algorithm with which a user pool of Cognito signs"
	if e.found == "RS512" {
		return s + ": identity pools sign with RS512, send the user pool's token"
	}
	return s + ": send a token that the user pool has issued"
}

func detailKeyID(e *Error) string {
	s := "kid is " + e.note + ", expected a string of 1 to " + strconv.Itoa(maxKeyIDBytes) + " bytes"
	if e.found == "" {
		s += "; every token that Cognito signs names its key (an emulator's refresh token does not: send the access token)"
	}
	return s
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

// claimType is the JSON type of a claim that the library reads.
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
	return fmt.Sprintf("exp is %s%s, now is %s: expired %s ago, Config.Leeway is %s; the client has to get a new one, a user's by the refresh token",
		stamp(e.at), e.mark(), stamp(e.now), e.now.Sub(e.at).Round(time.Second), e.leeway)
}

func detailFuture(e *Error) string {
	return fmt.Sprintf("%s is %s%s, now is %s: %s ahead, Config.Leeway is %s; set this machine's clock if it is behind the issuer's",
		e.claim, stamp(e.at), e.mark(), stamp(e.now), e.at.Sub(e.now).Round(time.Second), e.leeway)
}

func detailLifetime(e *Error) string {
	if n := e.at.Unix(); n > 1e11 && n < 1e13 { // the years 1973 to 2286, and nobody means 5138 to 318857
		return fmt.Sprintf("exp is %d%s: these are milliseconds, and a token counts seconds (RFC 7519, section 2)", n, e.mark())
	}
	return fmt.Sprintf("exp is %s%s, %s after %s; the limit is %s and Cognito's own maximum 24h0m0s: Pool.MaxLifetime raises the limit",
		stamp(e.at), e.mark(), e.at.Sub(e.now), e.claim, e.trust.maxLifetime)
}

func detailClient(e *Error) string {
	if e.found == "" {
		s := "the token has no " + e.claim
		if e.claim == "aud" {
			s += " that is one string"
		}
		return s + e.mark() + ": not a Cognito " + string(e.trust.use) + " token, or an emulator's gap. Pool.ClientIDs is compared with that claim alone, " +
			"and DangerouslyAllowAnyClient demands it too: mend what issues the token"
	}
	s := e.value(e.claim) + " is not among ClientIDs of pool " + e.trust.id
	if e.claim == "client_id" {
		s += "; Cognito access tokens name the app client in client_id and have no aud"
	}
	return s + "; add it to Pool.ClientIDs if that client may call this API"
}

func detailSubject(e *Error) string {
	return "a user's token without sub" + e.mark() + "; Cognito always sends one"
}

func detailAudience(e *Error) string {
	pool := e.trust.id
	switch {
	case e.note != "":
		return "aud" + e.mark() + e.note
	case len(e.trust.audiences) == 0:
		return e.value("aud") + " but pool " + pool + " has no Audiences; a resource-bound token (RFC 8707) is accepted only " +
			"where Pool.Audiences names this API; Cognito access tokens otherwise have no aud, or their own client_id"
	case e.found == "":
		return "the token has no aud" + e.mark() + ", but Pool.Audiences of pool " + pool + " demands one of " + settings(e.trust.audiences) +
			": have the client send resource= to the authorize endpoint, or leave Audiences empty"
	}
	return e.value("aud") + " names none of Audiences " + settings(e.trust.audiences) + " of pool " + pool +
		": have the client send resource= for this API, or add to Pool.Audiences what it answers to as well"
}

func detailKeyUnknown(e *Error) string {
	s := "kid " + quote(e.kid) + " (unverified) is not in the key set of pool " + e.trust.id
	urls := e.trust.source.urls
	if len(urls) == 0 {
		return s + ", Pool.JWKS, which is never fetched anew: copy the pool's key set there again, or leave it empty"
	}
	when := " after the token came or at most " + fetchFloor.String() + " before: "
	if _, id := userPool(strings.TrimSuffix(urls[0], wellKnownKeys)); id == e.trust.id {
		return s + ", which was fetched from AWS" + when + "another signer has written this pool's issuer into it, or the key has been withdrawn since"
	}
	return s + ", which was fetched from " + urls[0] + when + "either Pool.JWKSURL names the key set of another pool, or the token was signed by another pool or emulator run"
}

func detailSignature(e *Error) string {
	s := "the signature does not match the key of kid " + quote(e.kid) + e.mark() + " of pool " + e.trust.id + ": the token was altered or signed by another key"
	if len(e.trust.source.urls) == 0 {
		s += "; Pool.JWKS is never fetched anew: if the pool has a new key of that kid, as emulators do, copy it there"
	}
	return s
}

func detailRevoked(e *Error) string { return "Config.Revoked refused a token of pool " + e.trust.id }

func detailScope(e *Error) string {
	s := "the token has scopes " + join8(strings.FieldsSeq(e.found), " and ", quote) + ", the route needs " + list(e.scopes)
	return s + cmp.Or(hintScope(e.found, e.scopes), "; the client has to ask for them, and its app client to be allowed them")
}

func detailLogin(e *Error) string {
	if e.at.IsZero() {
		return fmt.Sprintf("the token has no auth_time; AuthenticatedWithin(%s) needs one", e.maxAge)
	}
	if e.at.After(e.now) {
		return fmt.Sprintf("auth_time %s lies %s ahead of this machine's clock", stamp(e.at), e.at.Sub(e.now).Round(time.Second))
	}
	return fmt.Sprintf("auth_time is %s, %s ago; AuthenticatedWithin(%s) demands a more recent login, and refreshing the token is none",
		stamp(e.at), e.now.Sub(e.at).Round(time.Second), e.maxAge)
}

func detailACR(e *Error) string {
	return "the token's acr is " + e.note + ", and " + call("ACR", e.acr) + " wants that level: refreshing keeps acr as it is, so the user has to log in at that level, if the pool has it"
}

func detailScopeOnID(e *Error) string {
	return "a Scope rule cannot be met by an ID token, which has no scopes: send the access token, with Pool.TokenUse AccessToken, or use Group or Claim"
}

func detailNeverLogin(*Error) string {
	return "a machine's token cannot be stepped up: no user logged in (RFC 9470); put UserToken() in the policy to say so"
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
	return what + ", which Config.TokenSource reads, came with an unsafe cross-origin request, as http.CrossOriginProtection sees it " +
		"(by Sec-Fetch-Site, else Origin and Host). A cookie's SameSite does not stop a sibling subdomain: serve page and API from one origin, " +
		"or send Authorization: Bearer, which is read where Config.TokenSource is nil"
}

func detailKeys(e *Error) string {
	s := "no key set for kid " + quote(e.kid) + " (unverified) of pool " + e.trust.id + e.note
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	if urls := e.trust.source.urls; len(urls) == 1 && !strings.HasSuffix(urls[0], wellKnownKeys) {
		s += "; Cognito and its emulators have the keys at {Issuer}" + wellKnownKeys + ", where they are looked for if Pool.JWKSURL is empty"
	}
	return s + "; the key set must be reachable from this machine (Pool.JWKSURL, Config.HTTPClient, or a static Pool.JWKS)"
}

func detailRevocation(e *Error) string {
	return fmt.Sprintf("Config.Revoked failed for a token of pool %s (%T)", e.trust.id, e.cause)
}

func detailNotWired(e *Error) string {
	if e.note != "" {
		return e.note
	}
	return "the Middleware is not made by New"
}

// value is a member and what it was found to be, marked if no signature
// vouches for it.
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

// quote is s as Detail may show it: ASCII, at most 64 bytes of it.
func quote(s string) string {
	if len(s) > 64 {
		return strconv.QuoteToASCII(s[:64]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// list quotes a few strings of a token.
func list(all []string) string { return join8(slices.Values(all), " and ", quote) }

// settings quotes a few strings of the configuration, in full.
func settings(all []string) string { return join8(slices.Values(all), " or ", strconv.QuoteToASCII) }

func join8(all iter.Seq[string], word string, quote func(string) string) string {
	var b strings.Builder
	n := 0
	for s := range all {
		switch n++; {
		case n > 8: // is counted
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

// hintIssuer names the difference between an issuer and the expected ones
// where there is only one way to read it.
func hintIssuer(found string, known []string) string {
	if strings.HasPrefix(found, "https://cognito-identity.") {
		return " (an identity pool's token: send the user pool's)"
	}
	for _, want := range known {
		switch {
		case found != "" && strings.TrimRight(found, "/") == strings.TrimRight(want, "/"):
			if strings.HasSuffix(want, "/") {
				return " (it differs only by a trailing slash: take it off Pool.Issuer)"
			}
			return " (it differs only by a trailing slash, and issuers are compared byte for byte)"
		case strings.EqualFold(found, want):
			return " (it differs only in case, and issuers are compared byte for byte)"
		}
	}
	region, id := userPool(found)
	for _, want := range known {
		if samePool(found, want) {
			return hintHost(found, region, want)
		}
	}
	if id != "" {
		return " (that is user pool " + quote(id) + " of region " + quote(region) + ", which no Pool.ID names)"
	}
	return ""
}

// hintHost tells why two issuers that end in the same pool ID differ; region is
// that of found, "" if it is not on AWS.
func hintHost(found, region, want string) string {
	home, _ := userPool(want)
	switch {
	case region == "":
		return " (the same pool under another host: if that is your emulator, put it into Pool.Issuer, and into Pool.JWKSURL where its keys are, unless below it)"
	case home == "":
		return " (the same pool on AWS: leave Pool.Issuer empty if you mean that one)"
	case region == home:
		return " (the other form of the same pool's issuer: leave Pool.Issuer empty, and both are accepted)"
	case strings.HasPrefix(found, "https://cognito-idp.") && partition(region) == partition(home):
		return " (the same pool in another region: add " + quote(region) + " to Pool.ReplicaRegions if it has a replica there)"
	}
	return ""
}

// samePool tells whether two issuers end in the same pool ID.
func samePool(a, b string) bool {
	i, j := strings.LastIndexByte(a, '/'), strings.LastIndexByte(b, '/')
	return i >= 0 && len(a)-i > 1 && a[i:] == b[max(j, 0):]
}

// hintScope explains the mistakes that a list of scopes gives away. Custom
// scopes of Cognito are resource-server/name; the first part may have slashes,
// the second has none.
func hintScope(have string, need []string) string {
	for _, name := range need {
		held, meant, count := false, "", 0
		for scope := range strings.FieldsSeq(have) {
			held = held || scope == name
			if scope[strings.LastIndexByte(scope, '/')+1:] == name || strings.EqualFold(scope, name) {
				meant = scope
				count++
			}
		}
		switch {
		case held:
		case count == 1:
			return "; did you mean Scope(" + quote(meant) + ")? Case counts, and a custom scope of Cognito begins with its resource server: server/name"
		case count == 0 && !strings.Contains(name, "/") && !slices.Contains(standardScopes, name):
			return "; a custom scope of Cognito begins with its resource server, as in server/name: if " + quote(name) + " is a group, ask for it by " + call("Group", name)
		}
	}
	if have == "aws.cognito.signin.user.admin" {
		return "; aws.cognito.signin.user.admin alone is what InitiateAuth gives, which cannot grant custom scopes: " +
			"log in by the OAuth endpoints, or add them in a pre token generation trigger"
	}
	return ""
}

// knownPool reports whether s is the ID of a pool in a region that is known.
func knownPool(s string) bool {
	m := poolID.FindStringSubmatch(s)
	return m != nil && len(s) <= maxPoolIDBytes && partition(m[1]) >= 0
}

// userPool is the region and the ID in an issuer of the two forms of AWS, "" and
// "" if iss is not one.
func userPool(iss string) (region, id string) {
	host, id, _ := strings.Cut(strings.TrimPrefix(iss, "https://"), "/")
	host, found := strings.CutPrefix(strings.TrimPrefix(host, "issuer-"), "cognito-idp.")
	region, suffix, _ := strings.Cut(host, ".")
	if i := partition(region); !found || i < 0 || partitions[i].suffix != suffix || !knownPool(id) {
		return "", ""
	}
	return region, id
}

// standardScopes are the scopes of Cognito that have no resource server.
var standardScopes = []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}

// asError returns a copy of the *Error that err is, or the given reason.
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
