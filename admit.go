package cognitoauth

// This file holds the doors of Wrap's decision for calls that are no requests
// (Admit), and for policies that a handler checks itself (Authorize).

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

// Admit decides about a call that does not come through Wrap, such as one of gRPC,
// the event of a Lambda function, or the first message of a WebSocket. header is what
// came with the call under names as of HTTP, in canonical form: Config.TokenSource
// finds the token in it, by default under Authorization. Of a call that has the
// bare token it is http.Header{"Authorization": {"Bearer " + token}}. Admit knows no
// host, so a token that [FromCookie] or [FromHeader] finds beside an Origin counts
// only if the header has Sec-Fetch-Site: same-origin, or Config.CrossOrigin trusts
// that origin.
//
// Admit validates the token, and checks Config.Fallback and then p. Use
// [Authenticated] as p to ask for no more than the fallback; the zero Policy denies.
// The context that it returns is ctx with the claims for [FromContext].
//
// Config.Logger and Config.OnDecision are told as by Wrap. route stands for the
// pattern of a mux: the full method of gRPC, say. It has to come from the program and
// not from the caller, since it is a label of metrics. The functions of [Assert] get
// a request that has the context, the header, and the route as its Pattern.
//
// A refusal is an [*Error] with the realm and the scopes of the policies; the
// context is then ctx itself. Admit waits for keys as [Middleware.Validate] does,
// and is safe for concurrent use.
func (m *Middleware) Admit(ctx context.Context, header http.Header, route string, p Policy) (context.Context, error) {
	s := m.stateFor(ctx)
	if s == nil {
		return ctx, refuse(&notWired, evidence{})
	}
	a := &admission{state: s, place: place{pattern: route}}
	c := hearing{r: bare(ctx, header, route), ctx: ctx, pattern: route, began: s.start()}
	if err := s.admitCall(&c, a, p); err != nil {
		s.report(c, err)
		return ctx, err
	}
	s.allow(c, nil)
	return a.within(ctx), nil
}

// admitCall makes the decision of Admit, and stores in c and a what it finds.
func (s *state) admitCall(c *hearing, a *admission, p Policy) *Error {
	_, err := s.authenticate(c.r, a)
	c.remembered = a.remembered
	if err != nil {
		switch err.reason.sentinel {
		case ErrNoToken:
			err.note = cmp.Or(err.note, noteNoCallToken)
			fallthrough
		case ErrInvalidToken:
			err.scopes = union(s.fallback.scopes(nil), p.scopes(nil))
		}
		return err
	}
	c.claims = &a.claims
	for _, policy := range []*Policy{&s.fallback, &p} {
		if err := policy.check(c.r, c.claims); err != nil {
			c.policy = policy
			if err.reason.sentinel == ErrInsufficientScope {
				err.scopes = union(union(s.fallback.scopes(c.claims), err.scopes), p.scopes(c.claims))
			}
			return err
		}
	}
	return nil
}

// bare returns the request that stands for a call that is none.
func bare(ctx context.Context, header http.Header, route string) *http.Request {
	r := &http.Request{URL: new(url.URL), Header: header, Body: http.NoBody, Pattern: route}
	return r.WithContext(ctx)
}

// Authorize checks p on the claims of ctx, in a handler that knows only by then what
// the caller wants: the owner of a record, a field of a GraphQL query. Unlike
// [Policy.Check], it tells Config.Logger and Config.OnDecision of a refusal, and the
// [*Error] has the realm of the Middleware and the scopes of the whole route, so
// that [WriteError] answers as Wrap does.
//
// ctx is the context of a request behind Wrap, or one from [Middleware.Admit] or
// [NewContext]. Without Wrap above, and on an [AllowAnonymous] route, the error is
// [ErrMisconfigured]; on an [Optional] route without a token it is [ErrNoToken].
//
// r is for the functions of [Assert], and may be nil. But then the Decision has no
// RequestID, its Method and Pattern are those that Wrap found, or the route that Admit
// was given, and the challenge names no document of Config.ProtectedResources.
//
// The text of p stands in the log and in Decision.Policy: write no data of a record or
// a caller into it. Compare those yourself, or in an Assert with a fixed text. Safe for
// concurrent use.
func (m *Middleware) Authorize(ctx context.Context, r *http.Request, p Policy) error {
	s := m.stateFor(ctx)
	if s == nil {
		return refuse(&notWired, evidence{})
	}
	c := hearing{r: r, ctx: ctx, began: s.start()}
	a, _ := ctx.Value(contextKey{}).(*admission)
	if r != nil {
		c.pattern = r.Pattern
	} else {
		if a != nil {
			at := a.placed(ctx)
			c.method, c.pattern = at.method, at.pattern
		}
		c.r = bare(ctx, nil, c.pattern)
	}
	if a == nil || a.anonymous {
		err := refuse(&notWired, evidence{note: "Authorize(" + p.String() + ") was called without Wrap or Admit above it, or inside an AllowAnonymous route: " +
			"serve auth.Wrap(mux), or make that marker Optional"})
		s.report(c, err)
		return err
	}
	c.claims, c.remembered, c.policy = a.verified(), a.remembered, &p
	if err := p.check(c.r, c.claims); err != nil {
		err = a.widen(ctx, err, nil)
		s.report(c, err)
		return err
	}
	return nil
}

const noteNoCallToken = "; the header that the program gave to Admit has none: take it from the metadata, the event or the message, as Authorization: Bearer"
