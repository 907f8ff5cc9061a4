package cognitoalb

// This file holds the refusals: Error, the answer to the caller, the log record, and
// the table of answers.

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"golang.org/x/time/rate"
)

// Error is a refusal. Status, Code and Description are safe to show to the caller;
// [Error.Detail] is for the operator. It never holds the header or a claim of the user.
//
// [errors.Is] reports which sentinel of package cognitoauth it is: ErrNoToken (401, no
// header), ErrInvalidRequest (400), ErrInvalidToken (401), ErrForbidden and
// ErrCrossOrigin (403), ErrUnavailable (503) or ErrMisconfigured (500).
type Error struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code is the stable reason, one of a fixed set; the README lists it.
	Code string
	// Description is a short fixed text for the caller. It quotes nothing.
	Description string
	// RetryAfter is when to try again. Only 503 answers have it.
	RetryAfter time.Duration

	reason *reason
	detail func() string
}

// reason is one row of the table of answers.
type reason struct {
	sentinel error
	status   int
	code     string
	text     string // public and fixed
}

var (
	dataMissing  = reason{cognitoauth.ErrNoToken, http.StatusUnauthorized, "data_missing", "the load balancer's header is required"}
	dataRepeated = reason{cognitoauth.ErrInvalidRequest, http.StatusBadRequest, "data_repeated", "a header of the load balancer is given more than once"}

	dataTooLarge         = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "data_too_large", "the load balancer's header is too large"}
	dataMalformed        = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "data_malformed", "the load balancer's header is malformed"}
	algorithmUnsupported = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "algorithm_unsupported", "the header's algorithm is not accepted"}
	headerUnsupported    = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "header_unsupported", "the header's form is not accepted"}
	keyIDInvalid         = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "key_id_invalid", "the header names no usable key"}
	claimsMalformed      = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "claims_malformed", "the header's claims are malformed"}
	signerMismatch       = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "signer_mismatch", "another load balancer signed the header"}
	issuerMismatch       = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "issuer_mismatch", "the header's issuer is not accepted"}
	clientMismatch       = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "client_mismatch", "the header was made for another client"}
	expiryMissing        = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "expiry_missing", "the header does not expire"}
	dataExpired          = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "data_expired", "the header has expired"}
	keyUnknown           = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "key_unknown", "the header's key is not known"}
	signatureInvalid     = reason{cognitoauth.ErrInvalidToken, http.StatusUnauthorized, "signature_invalid", "the header's signature is invalid"}

	subjectMismatch = reason{cognitoauth.ErrForbidden, http.StatusForbidden, "subject_mismatch", "the headers do not belong together"}
	crossOrigin     = reason{cognitoauth.ErrCrossOrigin, http.StatusForbidden, "cross_origin", "cross-origin use of a login"}

	keysUnavailable = reason{cognitoauth.ErrUnavailable, http.StatusServiceUnavailable, "keys_unavailable", "headers cannot be verified at the moment"}
	notWired        = reason{cognitoauth.ErrMisconfigured, http.StatusInternalServerError, "not_wired", "the server is misconfigured"}
)

// refuse makes an Error. detail is called when somebody asks for it; nil: the text says
// it all.
func refuse(why *reason, detail func() string) *Error {
	return &Error{Status: why.status, Code: why.code, Description: why.text, reason: why, detail: detail}
}

func malformed(what string) *Error {
	return refuse(&dataMalformed, sayf("x-amzn-oidc-data is malformed: %s", what))
}

// sayf formats a detail when it is asked for.
func sayf(format string, args ...any) func() string {
	return func() string { return fmt.Sprintf(format, args...) }
}

// quote quotes in ASCII at most 160 bytes, so that an ARN fits.
func quote(s string) string {
	if len(s) > 160 {
		return strconv.QuoteToASCII(s[:160]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// quoteAll quotes up to 8 strings of the configuration and counts the others.
func quoteAll(all []string) string {
	var quoted []string
	for _, s := range all[:min(len(all), 8)] {
		quoted = append(quoted, quote(s))
	}
	text := strings.Join(quoted, " or ")
	if more := len(all) - len(quoted); more > 0 {
		text += fmt.Sprintf(" or %d more", more)
	}
	return text
}

func (v *Verifier) balancers() []string {
	all := make([]string, 0, len(v.endpoints))
	for arn := range v.endpoints {
		all = append(all, arn)
	}
	slices.Sort(all)
	return all
}

// Error returns the public text. It is fixed for each Code and quotes nothing.
func (e *Error) Error() string {
	if e == nil || e.Description == "" {
		return "cognitoalb: refused"
	}
	return "cognitoalb: " + e.Description
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error {
	if e == nil || e.reason == nil {
		return cognitoauth.ErrMisconfigured
	}
	return e.reason.sentinel
}

// Detail says for the operator's log what was found, what was expected and which
// setting mends it. Of the header it quotes only signer, iss, client, exp, kid, alg and
// typ, in ASCII and cut. It tells how the program is configured, so do not send it to
// the caller.
func (e *Error) Detail() string {
	if e == nil || e.detail == nil {
		return e.Error()
	}
	return e.detail()
}

// LogValue is a group of code, status and detail, for package slog.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	return slog.GroupValue(slog.String("code", e.Code), slog.Int("status", e.Status), slog.String("detail", e.Detail()))
}

// WriteError writes the answer for e: its status, a Bearer challenge on 401 (RFC 9110
// wants one), Retry-After on 503, and an application/problem+json body (RFC 9457) with
// the extra member code. A HEAD request gets no body. An Error that the package did not
// make, nil included, is answered with 500.
func WriteError(w http.ResponseWriter, r *http.Request, e *Error) {
	if e == nil || e.reason == nil {
		e = refuse(&notWired, nil)
	}
	h := w.Header()
	switch {
	case e.reason == &dataMissing:
		h.Add("WWW-Authenticate", `Bearer realm="alb"`)
	case e.Status == http.StatusUnauthorized:
		h.Add("WWW-Authenticate", fmt.Sprintf(`Bearer realm="alb", error="invalid_token", error_description=%q`, e.reason.text))
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Length")
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead {
		// All four are fixed ASCII texts or numbers, so %q writes valid JSON.
		fmt.Fprintf(w, `{"title":%q,"status":%d,"detail":%q,"code":%q}`+"\n", http.StatusText(e.Status), e.Status, e.Description, e.Code)
	}
}

// sampler bounds the log records of refusals, which anybody can bring about: of each
// code the first ten, then one each six seconds.
type sampler struct{ codes sync.Map } // string to *rate.Limiter

func (s *sampler) take(code string) bool {
	limit, ok := s.codes.Load(code)
	if !ok { // mutant: equivalent `ok → false`, LoadOrStore finds it too, and only wastes a limiter
		limit, _ = s.codes.LoadOrStore(code, rate.NewLimiter(rate.Every(6*time.Second), 10))
	}
	return limit.(*rate.Limiter).Allow()
}
