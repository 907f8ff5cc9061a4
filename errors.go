package cognitoauth

import (
	"fmt"
	"log/slog"
	"net/http"
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
	// keys, Pool.AllowClient or the revocation check cannot be had. 503.
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
	// Code is the stable reason ("token_expired"), one of a fixed set that
	// docs/reference.md lists. It is fit for metrics.
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
// of the request, so that http.Error(w, err.Error(), …) leaks nothing. That of a
// nil Error says that there is no refusal.
func (e *Error) Error() string {
	switch {
	case e == nil: // of an allowed Decision or a passed Check, printed by fmt
		return "cognitoauth: no refusal"
	case e.Description == "":
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

	stepUpRequired = reason{ErrStepUpRequired, "step_up_required", "a different authentication is required", detailStepUp}

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
	clientUnchecked       = reason{ErrUnavailable, "client_check_unavailable", "tokens cannot be verified at the moment", detailClientUnchecked}
	revocationUnavailable = reason{ErrUnavailable, "revocation_unavailable", "tokens cannot be verified at the moment", detailRevocation}

	notWired = reason{ErrMisconfigured, "not_wired", "the server is misconfigured", detailNotWired}
)
