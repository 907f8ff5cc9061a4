package cognitoauth

// This file holds the refusals: the sentinels, Error, the answer to the caller
// (Challenge, WriteError), and the table of answers. The texts of Detail are in
// detail.go and hint.go.

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/codes"
)

// The sentinels: one for each kind of answer. Branch on them with [errors.Is];
// [Error.Code] is the finer reason.
var (
	// ErrNoToken: the request offers no token, and the route needs one. 401.
	ErrNoToken error = &class{"no token", http.StatusUnauthorized, challenge{sent: true}}
	// ErrInvalidRequest: the credentials are malformed or repeated. 400.
	ErrInvalidRequest error = &class{"invalid request", http.StatusBadRequest, challenge{true, "invalid_request"}}
	// ErrInvalidToken: the token is not valid here. 401.
	ErrInvalidToken error = &class{"invalid token", http.StatusUnauthorized, challenge{true, "invalid_token"}}
	// ErrInsufficientScope: the policy needs scopes that the token does not
	// have. 403.
	ErrInsufficientScope error = &class{"insufficient scope", http.StatusForbidden, challenge{true, "insufficient_scope"}}
	// ErrForbidden: a policy denies this token, and asking for other scopes or
	// another login level does not help. 403.
	ErrForbidden error = &class{"forbidden", http.StatusForbidden, challenge{}}
	// ErrStepUpRequired: the user has to log in again, or differently. 401.
	ErrStepUpRequired error = &class{"step-up required", http.StatusUnauthorized, challenge{true, "insufficient_user_authentication"}}
	// ErrCrossOrigin: an unsafe request from another site came with a token
	// that the browser added by itself. 403.
	ErrCrossOrigin error = &class{"cross-origin request", http.StatusForbidden, challenge{}}
	// ErrUnavailable: we cannot tell now whether the token is valid, because we
	// have no keys, the request ended before they came, or Config.Revoked or
	// Pool.AllowClient failed. 503.
	ErrUnavailable error = &class{"unavailable", http.StatusServiceUnavailable, challenge{}}
	// ErrMisconfigured: the program is wired wrongly. Every error of [New] and
	// [FromEnv] is one, and a zero [Middleware] answers with one. 500.
	ErrMisconfigured error = &class{"misconfigured", http.StatusInternalServerError, challenge{}}
)

// class is the type of the sentinels: what all answers of one kind share.
type class struct {
	text      string
	status    int
	challenge challenge
}

func (c *class) Error() string { return "cognitoauth: " + c.text }

// challenge says whether an answer carries WWW-Authenticate, and with which
// error code of RFC 6750, section 3.1, or RFC 9470, section 3.
type challenge struct {
	sent bool
	code string
}

// reason is one row of the table of answers: what exactly was wrong.
type reason struct {
	sentinel error
	code     string
	text     string              // public and fixed: it goes into responses
	detail   func(*Error) string // nil: the text says it all
}

// Error is a refusal. Status, Code and Description are safe to show to the
// caller; [Error.Detail] is for the operator alone.
//
// An Error never holds the token or its signature. The library does not change
// an Error that it has handed out, so several goroutines may use it.
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
	realm    string
	scopes   []string
	metadata *document // of the resource, nil if there is none
	maxAge   time.Duration
	acr      string
}

// evidence is what Detail is built from. We keep the values as we found them,
// so that a refusal costs no formatting.
type evidence struct {
	claim    string // what was at fault: a header member, a claim, a cookie, a rule
	found    string // its value, "" if absent; if the token is missing, the route's pattern
	note     string // a hint for the operator, one of our own fixed texts
	trust    *trust // the Pool entry that decided; nil before iss selected one
	known    []string
	stronger map[string]bool // if a scope is missing, the scopes that imply it
	kid      string
	client   string       // verified if verified says so, else of a token whose aud was at fault
	endpoint http.Handler // if the token is missing, the handler of the route
	now, at  time.Time
	size     int // bytes of the token, or how many credentials came
	leeway   time.Duration
	limit    int32 // bytes that a token may have
	verified bool
	cause    error
}

// refuse makes an Error for one reason.
func refuse(why *reason, ev evidence) *Error {
	e := refusal(why)
	e.evidence = ev
	return e
}

// refusal makes an Error for one reason without evidence. Where anybody can bring
// about a refusal, it spares making the evidence elsewhere and copying it, which is
// a part of what such a refusal costs.
func refusal(why *reason) *Error {
	e := new(Error)
	e.Status, e.Code, e.Description, e.reason = why.sentinel.(*class).status, why.code, why.text, why
	return e
}

// Error returns the public text. It is fixed for each Code and quotes nothing
// of the request, so http.Error(w, err.Error(), …) leaks nothing. The text of a
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

// Unwrap returns the sentinel, so that [errors.Is] finds it.
func (e *Error) Unwrap() error {
	if e == nil || e.reason == nil {
		return ErrMisconfigured
	}
	return e.reason.sentinel
}

// Detail says for the operator's log what was found, what was expected and
// which setting mends it. The text is built when Detail is called. Of the token
// it quotes only iss, client_id, aud, token_use, alg, typ, kid, scope names and
// times, each in ASCII and cut at 64 bytes, and says "unverified" where no
// signature vouches for them. It never quotes the token, its subject, user
// name, groups or custom claims, and it quotes nothing of the request. What it
// suggests is certain, or it says on what it depends. The wording may change;
// branch on Code. Do not send it to the caller: it tells how the API is
// configured.
func (e *Error) Detail() string {
	switch {
	case e == nil || e.reason == nil:
		return e.Error()
	case e.reason.detail == nil:
		return e.Description + e.note
	}
	return e.reason.detail(e)
}

// LogValue returns the Error as a group of code, status and detail for package
// slog.
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

// Challenge returns the value of WWW-Authenticate for this Error, or "" if the
// answer carries none. It has only bytes that RFC 6750, section 3, allows.
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
	if e.reason.sentinel != ErrInvalidRequest { // a document does not help who wrote the header wrongly
		param("resource_metadata", e.metadata.where())
	}
	param("acr_values", e.acr)
	if e.maxAge > 0 {
		param("max_age", strconv.FormatInt(int64(e.maxAge/time.Second), 10))
	}
	return b.String()
}

// writeSafe writes s with "?" for each byte that RFC 6750, section 3, does not
// allow in a parameter: it allows %x20-21, %x23-5B and %x5D-7E. We do not
// escape such a byte, because the RFC allows no backslash either.
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

// WriteError writes the answer for e: its status, its challenge if it has one,
// Retry-After on a 503, and an application/problem+json body (RFC 9457) with
// the extra member code. It adds the challenge to those that an outer handler
// has set. If the request has an Origin, it lets the script that sent the
// request read the challenge. A HEAD request gets no body. An Error that the
// library did not make, nil included, is answered with 500.
//
// Config.ErrorHandler is WriteError by default. A handler of your own may call
// it at its end.
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
		// All four are fixed ASCII texts or numbers, so %q writes valid JSON.
		fmt.Fprintf(w, `{"title":%q,"status":%d,"detail":%q,"code":%q}`+"\n",
			http.StatusText(e.Status), e.Status, e.Description, e.Code)
	}
}

// The table of answers. A new refusal is a new row here and in the README.
var (
	tokenMissing = reason{ErrNoToken, codes.TokenMissing, "a bearer token is required", detailMissing}

	credentialsMalformed = reason{ErrInvalidRequest, codes.CredentialsMalformed, "the credentials are malformed", detailCredentials}
	credentialsRepeated  = reason{ErrInvalidRequest, codes.CredentialsRepeated, "the credentials are given more than once", detailRepeated}

	tokenTooLarge        = reason{ErrInvalidToken, codes.TokenTooLarge, "the token is too large", detailTooLarge}
	tokenMalformed       = reason{ErrInvalidToken, codes.TokenMalformed, "the token is malformed", detailNote}
	algorithmUnsupported = reason{ErrInvalidToken, codes.AlgorithmUnsupported, "the token's algorithm is not accepted", detailAlgorithm}
	keyIDInvalid         = reason{ErrInvalidToken, codes.KeyIDInvalid, "the token names no usable key", detailKeyID}
	headerUnsupported    = reason{ErrInvalidToken, codes.HeaderUnsupported, "the token's header is not accepted", detailHeader}
	typeUnsupported      = reason{ErrInvalidToken, codes.TypeUnsupported, "the token's type is not accepted", detailType}
	claimsMalformed      = reason{ErrInvalidToken, codes.ClaimsMalformed, "the token's claims are malformed", detailClaims}
	issuerMismatch       = reason{ErrInvalidToken, codes.IssuerMismatch, "the token's issuer is not accepted", detailIssuer}
	tokenUseMismatch     = reason{ErrInvalidToken, codes.TokenUseMismatch, "this kind of token is not accepted", detailTokenUse}
	expiryMissing        = reason{ErrInvalidToken, codes.ExpiryMissing, "the token does not expire", detailExpiryMissing}
	tokenExpired         = reason{ErrInvalidToken, codes.TokenExpired, "the token has expired", detailExpired}
	tokenNotYetValid     = reason{ErrInvalidToken, codes.TokenNotYetValid, "the token is not valid yet", detailFuture}
	tokenIssuedInFuture  = reason{ErrInvalidToken, codes.TokenIssuedInFuture, "the token was issued in the future", detailFuture}
	lifetimeTooLong      = reason{ErrInvalidToken, codes.LifetimeTooLong, "the token is valid for too long", detailLifetime}
	clientMismatch       = reason{ErrInvalidToken, codes.ClientMismatch, "the token was issued to another client", detailClient}
	subjectMissing       = reason{ErrInvalidToken, codes.SubjectMissing, "the token has no subject", detailSubject}
	audienceMismatch     = reason{ErrInvalidToken, codes.AudienceMismatch, "the token is meant for another audience", detailAudience}
	tokenBound           = reason{ErrInvalidToken, codes.TokenBound, "the token is bound to a key", detailBound}
	keyUnknown           = reason{ErrInvalidToken, codes.KeyUnknown, "the token's key is not known", detailKeyUnknown}
	signatureInvalid     = reason{ErrInvalidToken, codes.SignatureInvalid, "the token's signature is invalid", detailSignature}
	tokenRevoked         = reason{ErrInvalidToken, codes.TokenRevoked, "the token has been revoked", detailRevoked}

	scopeMissing = reason{ErrInsufficientScope, codes.ScopeMissing, "the token lacks a scope", detailScope}
	loginTooOld  = reason{ErrStepUpRequired, codes.LoginTooOld, "a more recent login is required", detailLogin}
	acrMismatch  = reason{ErrStepUpRequired, codes.ACRMismatch, "a different authentication is required", detailACR}

	stepUpRequired = reason{ErrStepUpRequired, codes.StepUpRequired, "a different authentication is required", detailStepUp}

	scopeUnattainable = reason{ErrForbidden, codes.ScopeUnattainable, "this kind of token is not permitted here", detailScopeOnID}
	loginUnattainable = reason{ErrForbidden, codes.LoginUnattainable, "this kind of token is not permitted here", detailNeverLogin}
	acrUnattainable   = reason{ErrForbidden, codes.ACRUnattainable, "this kind of token is not permitted here", detailNeverLogin}
	groupMissing      = reason{ErrForbidden, codes.GroupMissing, "the user is not in a permitted group", detailPolicy}
	clientDenied      = reason{ErrForbidden, codes.ClientDenied, "this client is not permitted here", detailClientDenied}
	claimDenied       = reason{ErrForbidden, codes.ClaimDenied, "the token does not permit this", detailPolicy}
	userRequired      = reason{ErrForbidden, codes.UserRequired, "a user's token is required", detailPolicy}
	machineRequired   = reason{ErrForbidden, codes.MachineRequired, "a machine's token is required", detailPolicy}
	assertionDenied   = reason{ErrForbidden, codes.AssertionDenied, "not permitted", detailPolicy}
	policyDenies      = reason{ErrForbidden, codes.PolicyDenies, "not permitted", detailEmptyPolicy}

	crossOrigin = reason{ErrCrossOrigin, codes.CrossOrigin, "cross-origin use of an ambient token", detailCrossOrigin}

	keysUnavailable       = reason{ErrUnavailable, codes.KeysUnavailable, "tokens cannot be verified at the moment", detailKeys}
	clientUnchecked       = reason{ErrUnavailable, codes.ClientCheckUnavailable, "tokens cannot be verified at the moment", detailClientUnchecked}
	requestEnded          = reason{ErrUnavailable, codes.RequestEnded, "the request ended before its token was verified", detailEnded}
	revocationUnavailable = reason{ErrUnavailable, codes.RevocationUnavailable, "tokens cannot be verified at the moment", detailRevocation}

	notWired = reason{ErrMisconfigured, codes.NotWired, "the server is misconfigured", detailNotWired}
)
