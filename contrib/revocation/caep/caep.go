// Package caep receives the event session-revoked of the OpenID Continuous Access
// Evaluation Profile 1.0 by push (RFC 8935), and revokes in a revocation list.
//
// A transmitter, such as an identity provider that federates into the user pool,
// POSTs a security event token (SET, RFC 8417) to a [Receiver]. It is verified, its
// subject (RFC 9493) is mapped to entries, and these are revoked. The answer 202
// says that the store has them.
//
// The transmitter is not Cognito: the refresh token that Cognito gave out brings new
// tokens after the event. Config.StopRefresh stops it, with AdminUserGlobalSignOut.
package caep

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// Types of events. Other events of a verified SET change nothing.
const (
	SessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	// Verification is sent to test a stream (Shared Signals Framework 1.0).
	Verification = "https://schemas.openid.net/secevent/ssf/event-type/verification"
)

// Config is the configuration of a [Receiver], for one transmitter.
type Config struct {
	// Issuer is the iss of the transmitter, and Audience the aud that it has for this
	// receiver. Both are needed and compared exactly.
	Issuer, Audience string
	// Keys returns the transmitter's public key with a key ID: nil if there is none,
	// which refuses the SET, or an error if that cannot be told now, which answers
	// 503. It is called after all that can be checked without a key. [StaticKeys]
	// serves a key set. Needed.
	Keys func(ctx context.Context, keyID string) (any, error)
	// Algorithms is which algorithms may sign: RS256, RS384, RS512, PS256, PS384,
	// PS512, ES256, ES384, ES512, EdDSA. Nil: RS256 alone, as the CAEP
	// interoperability profile asks for.
	Algorithms []string
	// Authorization is the value of the header Authorization that the transmitter
	// was configured to send, such as "Bearer " and a random text. Empty: none is
	// asked for, and the signature alone authenticates it.
	Authorization string
	// Window is how old a SET may be, by its iat. Zero: 1 h; 1 min to 7 days. For
	// as long, a jti is remembered on this instance, so that a SET does not count
	// twice. A SET of another instance that is sent again revokes once more: the user
	// has to sign in again. iat may be one minute in the future. exp is ignored.
	Window time.Duration
	// MaxRemembered bounds how many jti are remembered. Zero: 100,000. When there are
	// as many, the answer is 503.
	MaxRemembered int
	// Pools maps the issuer of subjects in the format iss_sub to the ID of a user
	// pool: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01" to
	// "eu-west-1_EXAMPLE01". The subject is then a User entry. Ignored if Map is set.
	Pools map[string]string
	// Map turns a subject into entries; none if it is not ours, which answers 202 and
	// counts in Status. Nil: the user of a subject, by Pools. A subject with a session
	// of which you know the origin_jti can become a SignIn entry. An error answers 503.
	Map func(context.Context, Subject) ([]revocation.Entry, error)
	// StopRefresh is called with the entries before they are revoked, to stop the
	// refresh tokens at Cognito. With an error, the entries are revoked all the same
	// and the answer is 503, so that the transmitter tries again. Nil: refresh tokens
	// go on, and their new tokens pass.
	StopRefresh func(context.Context, []revocation.Entry) error
	// Revoke takes the entries: List.Revoke. Needed.
	Revoke func(context.Context, ...revocation.Entry) error
	// Logger gets a record of each SET that is refused, without its content. Nil: none.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

const (
	maxBody    = 64 << 10
	maxID      = 1 << 10 // of a jti or kid that we remember or look up
	future     = time.Minute
	defaultAlg = "RS256"
)

// symmetric algorithms and "none" are not among them.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// Receiver is an http.Handler for the push endpoint. Safe for concurrent use. It
// stands outside of the library's Wrap, or is marked AllowAnonymous: a transmitter
// has no token of the user pool.
type Receiver struct {
	cfg Config

	mu     sync.Mutex
	seen   memory
	status Status
}

// New checks cfg and makes a Receiver. The error names every mistake.
func New(cfg Config) (*Receiver, error) {
	var mistakes []error
	mistake := func(wrong bool, text string) {
		if wrong {
			mistakes = append(mistakes, errors.New("caep: "+text))
		}
	}
	if cfg.Algorithms == nil {
		cfg.Algorithms = []string{defaultAlg}
	}
	cfg.Window = or(cfg.Window, time.Hour)
	cfg.MaxRemembered = or(cfg.MaxRemembered, 100_000)
	mistake(cfg.Issuer == "" || cfg.Audience == "", "Issuer and Audience are needed")
	mistake(cfg.Keys == nil, "Keys is nil: take StaticKeys, or look the key up")
	mistake(cfg.Revoke == nil, "Revoke is nil: take List.Revoke")
	mistake(cfg.Map == nil && len(cfg.Pools) == 0, "neither Pools nor Map says whose tokens a subject has")
	mistake(len(cfg.Algorithms) == 0, "Algorithms is empty; nil means RS256")
	mistake(cfg.Window < time.Minute || cfg.Window > 7*24*time.Hour, "Window must be 1 min to 7 days, or 0 for 1 h")
	mistake(cfg.MaxRemembered < 0, "MaxRemembered is negative")
	for _, alg := range cfg.Algorithms {
		mistake(!slices.Contains(algorithms, alg), fmt.Sprintf("Algorithms has %q, which is not a signature by a private key", alg))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Receiver{cfg: cfg, seen: memory{limit: cfg.MaxRemembered, window: cfg.Window + future, at: map[string]time.Time{}}}
	r.status.Refused = map[string]uint64{}
	if cfg.Map == nil {
		r.cfg.Map = r.byPool
	}
	return r, nil
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Status counts SETs.
type Status struct {
	// Revoked led to entries, Repeated were known by their jti, and Ignored had no
	// event or subject that is ours.
	Revoked, Repeated, Ignored uint64
	// Refused counts by the code of RFC 8935, section 2.4. Failed were answered with
	// 503, since keys, store or StopRefresh were out of reach.
	Refused map[string]uint64
	Failed  uint64
}

// Status returns the counts since New.
func (r *Receiver) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Refused = map[string]uint64{}
	for code, n := range r.status.Refused {
		s.Refused[code] = n
	}
	return s
}

// refusal is an answer of RFC 8935, section 2.3.
type refusal struct{ code, description string }

func (r *refusal) Error() string { return r.code + ": " + r.description }

// The codes of RFC 8935, section 2.4.
const (
	invalidRequest       = "invalid_request"
	invalidKey           = "invalid_key"
	invalidIssuer        = "invalid_issuer"
	invalidAudience      = "invalid_audience"
	authenticationFailed = "authentication_failed"
)

// ServeHTTP answers a push: 202 without a body if the SET was taken, 400 with a
// code of RFC 8935 if it is refused, 405, 413 and 415, and 503 with Retry-After if
// it has to be sent again.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); media != "application/secevent+jwt" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		err = &refusal{invalidRequest, "the body ended early"}
	} else if err = r.authenticate(req); err == nil {
		// A transmitter that hangs up does not stop a revocation half way.
		err = r.receive(context.WithoutCancel(req.Context()), string(body))
	}
	r.answer(w, err)
}

func (r *Receiver) answer(w http.ResponseWriter, err error) {
	no := (*refusal)(nil)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
	case errors.As(err, &no):
		r.count(func(s *Status) { s.Refused[no.code]++ })
		r.cfg.Logger.Warn("caep: event refused", "code", no.code, "description", no.description)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Language", "en") // section 2.3 asks for it
		w.WriteHeader(http.StatusBadRequest)
		// Both are constant texts without anything to escape.
		fmt.Fprintf(w, `{"err":%q,"description":%q}`, no.code, no.description)
	default:
		r.count(func(s *Status) { s.Failed++ })
		r.cfg.Logger.Error("caep: event not taken", "err", err)
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (r *Receiver) count(f func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.status)
}

func (r *Receiver) authenticate(req *http.Request) error {
	if r.cfg.Authorization == "" {
		return nil
	}
	got := req.Header.Values("Authorization")
	if len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(r.cfg.Authorization)) != 1 {
		return &refusal{authenticationFailed, "the header Authorization is not what was agreed on"}
	}
	return nil
}

// receive verifies a SET and acts on it.
func (r *Receiver) receive(ctx context.Context, token string) error {
	s, err := parse(token)
	if err != nil {
		return err
	}
	now := r.cfg.Now()
	if err := r.check(s, now); err != nil {
		return err
	}
	if err := r.verify(ctx, s); err != nil {
		return err
	}
	if known, err := r.remembered(s.claims.ID, now); known || err != nil {
		return err
	}
	if err := r.act(ctx, s); err != nil {
		return err // not remembered, so that it counts when it is sent again
	}
	r.remember(s.claims.ID, now)
	return nil
}

// check is what needs no key.
func (r *Receiver) check(s *set, now time.Time) error {
	issued := time.Unix(s.claims.IssuedAt, 0)
	switch {
	// RFC 8417, section 2.3: the type keeps other JWTs of the issuer out, such as
	// ID tokens and access tokens.
	case s.header.Type != "secevent+jwt" && s.header.Type != "application/secevent+jwt":
		return &refusal{invalidRequest, "typ is not secevent+jwt"}
	case s.header.Critical != nil:
		return &refusal{invalidRequest, "crit is not supported"}
	case !slices.Contains(r.cfg.Algorithms, s.header.Algorithm):
		return &refusal{invalidKey, "the algorithm is not one that was agreed on"}
	case s.claims.Issuer != r.cfg.Issuer:
		return &refusal{invalidIssuer, "iss is not a transmitter that is known here"}
	case !slices.Contains(s.claims.Audience, r.cfg.Audience):
		return &refusal{invalidAudience, "aud does not name this receiver"}
	case s.claims.ID == "" || len(s.claims.ID) > maxID:
		return &refusal{invalidRequest, "jti is missing or longer than 1 KiB"}
	case issued.After(now.Add(future)):
		return &refusal{invalidRequest, "iat is in the future"}
	case issued.Before(now.Add(-r.cfg.Window)):
		return &refusal{invalidRequest, "iat is missing or too long ago"}
	case len(s.claims.Events) == 0:
		return &refusal{invalidRequest, "there is no event"}
	case len(s.header.KeyID) > maxID:
		return &refusal{invalidKey, "kid is longer than 1 KiB"}
	}
	return nil
}

func (r *Receiver) verify(ctx context.Context, s *set) error {
	key, err := r.cfg.Keys(ctx, s.header.KeyID)
	if err != nil {
		return fmt.Errorf("caep: keys of the transmitter: %w", err)
	}
	switch err := jwt.GetSigningMethod(s.header.Algorithm).Verify(s.signed, s.signature, key); {
	case errors.Is(err, jwt.ErrInvalidKeyType): // also for nil
		return &refusal{invalidKey, "there is no key with this kid for this algorithm"}
	case err != nil:
		return &refusal{authenticationFailed, "the signature is not that of the transmitter"}
	}
	return nil
}

// act revokes what a verified SET names.
func (r *Receiver) act(ctx context.Context, s *set) error {
	subject, ours, err := s.subject()
	if err != nil {
		return err
	}
	var entries []revocation.Entry
	if ours {
		if entries, err = r.cfg.Map(ctx, subject); err != nil {
			return fmt.Errorf("caep: mapping the subject: %w", err)
		}
	}
	if len(entries) == 0 {
		r.count(func(s *Status) { s.Ignored++ })
		return nil
	}
	var stopped error
	if r.cfg.StopRefresh != nil {
		stopped = r.cfg.StopRefresh(ctx, entries)
	}
	if err := errors.Join(stopped, r.cfg.Revoke(ctx, entries...)); err != nil {
		return err
	}
	r.count(func(s *Status) { s.Revoked++ })
	return nil
}

// byPool is the Map of Config.Pools.
func (r *Receiver) byPool(_ context.Context, s Subject) ([]revocation.Entry, error) {
	user := &s
	if s.Format == "complex" {
		user = s.User
	}
	if user == nil || user.Format != "iss_sub" || user.Subject == "" {
		return nil, nil
	}
	pool, ok := r.cfg.Pools[user.Issuer]
	if !ok {
		return nil, nil
	}
	return []revocation.Entry{{Kind: revocation.User, PoolID: pool, ID: user.Subject}}, nil
}
