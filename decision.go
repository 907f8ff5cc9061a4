package cognitoauth

// This file holds what the library tells about a decision: Decision, which
// Config.OnDecision gets, and the log record of a refusal, with its limit of
// ten a minute. It also answers what is refused.

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/codes"
)

// Decision is what the library decided about one request, for metrics and
// audit. Config.OnDecision gets every Decision. For a refusal, Config.Logger
// gets a record "cognitoauth: refused" with these fields, without those that
// are empty:
//
//	code, status  of the answer
//	pool          ID of the Pool entry that decided
//	client_id     app client, of verified tokens only
//	pattern       route, as the mux has it
//	kid           key ID, as the token has it
//	request_id    the caller's X-Request-Id or X-Amzn-Trace-Id
//	detail        what Error.Detail says
//	suppressed    how many refusals like this one were not logged
//
// client_id, kid and request_id stand there as they are if they are at most 64
// bytes of printable ASCII without quote and backslash; any other value is cut
// at 64 bytes and quoted in ASCII.
//
// The library logs at most ten refusals a minute with the same code, pool and
// pattern. The next record after that minute says how many were suppressed.
//
// The values in the first four rows come from your code and configuration, so
// they are good labels of metrics; but client_id can be any app client of the
// pool unless ClientListed is true. Callers can write the values in the other
// rows, or parts of them: do not use those as labels. The library copies neither
// the token nor its subject, user name or groups into a record.
type Decision struct {
	// Allowed is whether the request was let through.
	Allowed bool
	// Verified is whether Pool, ClientID and KeyID stand in a token whose
	// signature, claims and revocation were checked; if not, ClientID is "" and
	// KeyID is what the caller wrote.
	Verified bool
	// Code is the Code of Err; on an allowed request "authenticated" or
	// "anonymous".
	Code string
	// Pool is the ID of the Pool entry that decided, ClientID the app client,
	// KeyID the kid: "" where the token did not get that far. Pool comes from the
	// configuration and is fit for metrics, ClientID only if ClientListed is true;
	// KeyID is for logs.
	Pool, ClientID, KeyID string
	// ClientListed is whether ClientID is one of Pool.ClientIDs of that entry. Ask
	// it before you make ClientID a label of metrics: with RegisteredClients,
	// AllowClient or DangerouslyAllowAnyClient, ClientID can be any client of the
	// pool, and clients that register themselves would add labels without end. It
	// is false if ClientID is "", and for all with DangerouslyAllowAnyClient.
	ClientListed bool
	// Pattern is the pattern of the route as the mux has it, "" if there is no
	// mux or no match. For a document of
	// Config.ProtectedResources, which is answered without a token ("anonymous"), it
	// is the path of the document.
	Pattern string
	// RequestID is what the caller's side calls the request, by X-Request-Id or
	// X-Amzn-Trace-Id; "" if neither is there, or it is longer than 128 bytes or
	// not printable ASCII. Anybody can write it: it is for logs.
	RequestID string
	// Method is the request's method as the caller wrote it, which can be any word:
	// make one label of all that you do not know. It is "" for [Middleware.Admit].
	Method string
	// Duration is the time that the library took to decide: to find and validate the
	// token, to wait for keys, and to check the policies. It is real time, whatever
	// Config.Now says. What runs between Wrap and a Require does not count. That of a
	// second Decision about a request does not have the time of the first one in it.
	Duration time.Duration
	// Remembered is whether the token was verified before, so that no signature had
	// to be checked (see Config.TokenCache).
	Remembered bool
	// Claims are the claims of the token of an allowed request, or of one that a
	// policy refused; nil if there are none. They are a copy: a change is not visible
	// to the handler. They are made for OnDecision only, and are personal data:
	// Subject and Username name a person, an ID token has more. What you log of them
	// is up to you; none of it is fit for metrics.
	Claims *Claims
	// Policy is the policy that refused, as its String writes it: Config.Fallback, or
	// that of the Require, or what Admit or Authorize was given. It is "" if no policy
	// refused.
	Policy string
	// Err is the refusal, nil if Allowed. Compare it with nil as it is: stored in
	// a variable of type error, a nil *Error is an error that is not nil.
	Err *Error
	// Ignored is why the token of an Optional route counted as none, as
	// Config.IgnoreBadAmbientToken wants; Code is then "anonymous". Nil: it did not
	// happen.
	Ignored *Error
}

// hearing is what a Decision is about: a request, or what Admit was given.
type hearing struct {
	r          *http.Request // without a method if it stands for a call that is none
	ctx        context.Context
	method     string // of the request that is behind the call, "" if r has it
	pattern    string
	claims     *Claims // verified, nil if there are none
	remembered bool
	policy     *Policy       // that refused, nil if none did
	began      time.Time     // zero if nobody asks for the duration
	spent      time.Duration // before began
}

// start returns the time at which a call begins, if somebody asks for it.
func (s *state) start() time.Time {
	if s == nil || s.onDecision == nil {
		return time.Time{}
	}
	return time.Now()
}

// spentKey is the context key for the time.Duration that Wrap has spent on a
// request, if a Require has yet to decide about its admission.
type spentKey struct{ on *admission }

// context returns the context of the request, with what Wrap has spent if somebody
// asks for the duration and a Require has yet to decide.
func (c *hearing) context(a *admission) context.Context {
	if c.began.IsZero() || !a.pending.Load() {
		return c.ctx
	}
	return context.WithValue(c.ctx, spentKey{a}, time.Since(c.began))
}

// allow tells Config.OnDecision that a call was let in. Without claims it is
// anonymous, and ignored is why its token then counted as none.
func (s *state) allow(c hearing, ignored *Error) {
	if s.onDecision == nil {
		return
	}
	d := s.decision(&c)
	d.Allowed, d.Code, d.Ignored = true, codes.Anonymous, ignored
	if c.claims != nil {
		d.Code = codes.Authenticated
	}
	s.tell(&c, d)
}

// refuse logs a refusal, tells Config.OnDecision, and answers the request.
func (s *state) refuse(w http.ResponseWriter, c hearing, err *Error) {
	linger(w, c.r)
	// An access log outside of Wrap reads the route from its own request.
	c.r.Pattern = c.pattern
	if s == nil { // the claims come from the test kit, without a Middleware
		WriteError(w, c.r, err)
		return
	}
	s.report(c, err)
	w.Header().Set("Cache-Control", "no-store") // of an ErrorHandler's answer too
	s.errorHandler(w, c.r, err)
}

// report completes a refusal, logs it, and tells Config.OnDecision.
func (s *state) report(c hearing, err *Error) {
	err.realm = s.realm
	if c.r.Method != "" { // else it is no request, and has no address
		err.metadata = s.documents.challenge(c.r)
	}
	d := s.decision(&c)
	d.Code, d.Err = err.Code, err
	if c.claims == nil {
		d.Verified, d.KeyID = err.verified, err.kid
		if err.trust != nil {
			d.Pool = err.trust.id
			if err.verified {
				d.ClientID, d.ClientListed = err.client, err.trust.isListed(err.client)
			}
		}
	}
	s.record(c.ctx, d)
	if s.onDecision != nil {
		s.tell(&c, d)
	}
}

// decision returns what a Decision about c says whatever it is.
func (s *state) decision(c *hearing) Decision {
	d := Decision{Pattern: c.pattern, Remembered: c.remembered, Method: cmp.Or(c.r.Method, c.method), RequestID: requestID(c.r)}
	if c.claims != nil {
		d.Verified, d.Pool, d.ClientID, d.KeyID = true, c.claims.PoolID, c.claims.ClientID, c.claims.keyID()
		d.ClientListed = s.listed(c.claims)
	}
	return d
}

// tell calls Config.OnDecision with what costs something to find out.
func (s *state) tell(c *hearing, d Decision) {
	if c.claims != nil {
		own := *c.claims
		d.Claims = &own
	}
	if c.policy != nil {
		d.Policy = c.policy.String()
	}
	d.Duration = c.spent + time.Since(c.began)
	s.onDecision(c.ctx, d)
}

// record logs a refusal, unless it is one of many of its kind in a minute.
func (s *state) record(ctx context.Context, d Decision) {
	if !s.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	suppressed, ok := s.sample.take(refusalKind{d.Code, d.Pool, d.Pattern})
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("code", d.Code), slog.Int("status", d.Err.Status), slog.String("detail", d.Err.Detail()),
		slog.String("pool", d.Pool), slog.String("client_id", inLog(d.ClientID)), slog.String("kid", inLog(d.KeyID)),
		slog.String("pattern", d.Pattern), slog.String("request_id", inLog(d.RequestID)),
	}
	// We leave out what we do not know.
	attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Value.Equal(slog.StringValue("")) })
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", suppressed))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "cognitoauth: refused", attrs...)
}

// requestID returns the caller's name for the request: see Decision.RequestID.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		id = r.Header.Get("X-Amzn-Trace-Id")
	}
	if len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c > '~' }) {
		return ""
	}
	return id
}

// refusalKind is what two refusals of one kind have in common in the log. Its
// values come from the configuration, the routes and the table of answers, so
// the number of kinds is limited.
type refusalKind struct{ code, pool, pattern string }

// sampler limits how many refusals are logged. Of each kind the first ten in a
// minute are logged. The first one after that minute says how many were not.
type sampler struct {
	kinds sync.Map // of refusalKind to *tally
}

// tally counts the refusals of one kind until its minute ends.
type tally struct {
	mu          sync.Mutex
	until       time.Time
	logged, not int
}

const (
	samplePeriod = time.Minute
	sampleBurst  = 10
)

// take reports whether to log a refusal of this kind, and how many of its kind
// were not logged before it.
func (s *sampler) take(kind refusalKind) (suppressed int, ok bool) {
	found, _ := s.kinds.LoadOrStore(kind, &tally{})
	t := found.(*tally)
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.After(t.until) {
		suppressed, t.not = t.not, 0
		t.logged, t.until = 0, now.Add(samplePeriod)
	}
	if t.logged == sampleBurst {
		t.not++
		return 0, false
	}
	t.logged++
	return suppressed, true
}
