package cognitoauth

// This file holds Explain, which makes every check of one token to find out why
// it is refused. The checks are those of validator.go and check.go.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/jws"
)

// Check is one step of [Middleware.Explain].
type Check struct {
	// Name is the step: "form", "header", "payload", "issuer", "token_use",
	// "exp", "nbf", "iat", "lifetime", "client", "subject", "audience", "cnf",
	// "key", "signature" or "revocation".
	Name string
	// Found is what the token has, and Expected what this API requires, both for
	// people to read. They quote no more of the token than [Error.Detail] does.
	Found, Expected string
	// Err is the refusal if the step failed; nil if it passed or was skipped.
	// Compare it with nil as it is: in a variable of type error, a nil *Error is
	// an error that is not nil.
	Err *Error
	// Skipped says that the step was not made, because an earlier one failed.
	Skipped bool
}

// Explain makes every check that [Middleware.Validate] makes, in the same
// order, but does not stop at the first failure. Use it to find out why a token
// is refused. A token passes if and only if no Check has an Err or was skipped.
// Explain calls Pool.AllowClient, which belongs to the check "client", and then
// Config.Revoked only if all other checks passed. What is nil passes.
//
// Explain may fetch keys, within the limits for requests. It is slow and does
// not use the cache of tokens: do not decide about requests with it.
func (m *Middleware) Explain(ctx context.Context, token string) []Check {
	s := m.state()
	if s == nil {
		return []Check{{Name: "form", Err: refuse(&notWired, evidence{})}}
	}
	x := explanation{validator: &s.validator, w: s.space(token), c: new(Claims)}
	x.w.now = s.now()
	x.form()
	x.claims()
	x.vouch(ctx)
	x.hooks(ctx)
	return x.checks
}

// explanation has the variables of one call of Explain.
type explanation struct {
	*validator

	w      *workspace
	c      *Claims
	trust  *trust
	checks []Check
}

func (x *explanation) add(name, found, expected string, err *Error) {
	x.checks = append(x.checks, Check{Name: name, Found: found, Expected: expected, Err: x.placed(err)})
}

// placed adds to a refusal, if there is one, whose settings decided.
func (x *explanation) placed(err *Error) *Error {
	if err != nil {
		err.trust = x.trust
		if x.w.jws.Header != nil {
			err.kid = x.w.jws.Header.KeyID
		}
	}
	return err
}

func (x *explanation) skip(names ...string) {
	for _, name := range names {
		x.checks = append(x.checks, Check{Name: name, Skipped: true})
	}
}

func (x *explanation) form() {
	payload, signature, err := x.cut()
	fault := jws.None
	if err == nil {
		// That the header's segment is base64url belongs to the form. Whether the other
		// two are, Validate asks after the header, and so does the step payload.
		if fault = x.w.jws.ReadHeader(); fault == jws.Encoding {
			err = x.w.refuseForm(fault)
		}
	}
	x.add("form", strconv.Itoa(len(x.w.token))+" bytes", "three segments, the header in base64url, at most "+strconv.Itoa(x.limit)+" bytes", err)
	if err != nil && fault == jws.None {
		x.skip("header", "payload")
		return
	}
	const want = "alg RS256, a kid, nothing critical or encrypted"
	switch fault {
	case jws.None:
		h := x.w.jws.Header
		x.add("header", "alg "+quote(h.Algorithm)+", kid "+quote(h.KeyID), want, nil)
	case jws.Encoding:
		x.skip("header")
	default:
		err := x.w.refuseForm(fault)
		x.add("header", quote(err.found), want, err)
	}
	if fault := x.w.jws.ReadBody(payload, signature); fault != jws.None {
		err = x.w.refuseForm(fault)
	} else {
		err = x.c.decode(x.w.jws.Payload, &x.w.record)
	}
	x.add("payload", strconv.Itoa(len(x.w.jws.Payload))+" bytes", "base64url of one strict JSON object", err)
}

func (x *explanation) cut() (payload, signature string, _ *Error) {
	if err := x.checkSize(x.w.token); err != nil {
		return "", "", err
	}
	payload, signature, fault := x.w.jws.Cut(x.w.token)
	if fault != jws.None {
		return "", "", x.w.refuseForm(fault)
	}
	return payload, signature, nil
}

func (x *explanation) claims() {
	if x.checks[len(x.checks)-1].Err != nil || x.checks[len(x.checks)-1].Skipped {
		x.skip("issuer", "token_use", "exp", "nbf", "iat", "lifetime", "client", "subject", "audience", "cnf")
		return
	}
	t, err := x.choose([]byte(x.c.Issuer), []byte(x.c.TokenUse))
	if t == nil {
		x.add("issuer", quote(x.c.Issuer), settings(x.known), err)
		x.skip("token_use")
		t = x.first
	} else {
		x.trust = t
		x.add("issuer", quote(x.c.Issuer), settings(x.known), nil)
		x.add("token_use", quote(string(x.c.TokenUse)), quote(string(t.use)), err)
	}
	x.trust = t
	x.c.PoolID, x.c.terms = t.id, &x.terms
	x.times()
	clients, audience := "any client", "absent, or the client_id"
	if t.clients != nil {
		clients = settings(slices.Sorted(maps.Keys(t.clients)))
	}
	if t.registered {
		clients += ", or any other client if a user's token has the right aud (Pool.RegisteredClients)"
	}
	switch {
	case t.allow != nil && t.registered:
		clients += " and Pool.AllowClient allows the client"
	case t.allow != nil:
		clients += ", or what Pool.AllowClient allows"
	}
	if len(t.audiences) > 0 {
		audience = settings(t.audiences)
		if x.c.IsMachine() {
			audience += ", or as without Audiences on a machine's token"
		}
	}
	x.add("client", quote(x.c.ClientID), clients, checkClient(t, &x.w.record))
	x.add("subject", "", "a sub on a user's token", checkSubject(&x.w.record))
	x.add("audience", list(x.c.Audience()), audience, checkAudience(t, &x.w.record))
	cnf := "absent"
	if x.w.record.Has(bindingDraft) {
		cnf = "present"
	}
	x.add("cnf", cnf, "absent, since a bearer token is bound to no key", checkUnbound(&x.w.record))
}

// times checks exp, nbf and iat one by one. In each check no other time is wrong.
func (x *explanation) times() {
	now := x.w.now
	later, none := now.Add(time.Second), time.Time{}
	clock := "now is " + stamp(now) + ", Config.Leeway is " + x.leeway.String()
	x.add("exp", stampOr(x.c.Expiry), "later: "+clock, x.checkTimes(x.w, x.c.Expiry, none, none))
	x.add("nbf", stampOr(x.c.NotBefore), "absent or not later: "+clock, x.checkTimes(x.w, later, x.c.NotBefore, none))
	x.add("iat", stampOr(x.c.IssuedAt), "absent or not later: "+clock, x.checkTimes(x.w, later, none, x.c.IssuedAt))
	if x.c.Expiry.IsZero() {
		x.skip("lifetime")
		return
	}
	x.add("lifetime", x.c.Expiry.Sub(cmp.Or(x.c.IssuedAt, now)).String(), "at most "+x.trust.maxLifetime.String(), x.checkLifetime(x.trust, x.w, x.c.Expiry, x.c.IssuedAt))
}

func stampOr(t time.Time) string {
	if t.IsZero() {
		return "absent"
	}
	return stamp(t)
}

func (x *explanation) vouch(ctx context.Context) {
	if x.trust == nil || x.w.jws.Header == nil {
		x.skip("key", "signature")
		return
	}
	_, err := x.trust.findKey(ctx, x.w)
	x.add("key", quote(x.w.jws.Header.KeyID), "a kid in the key set of pool "+x.trust.id, err)
	if err != nil {
		x.skip("signature")
		return
	}
	_, err = x.trust.checkSignature(ctx, x.w)
	x.add("signature", "", "RS256 by that key", err)
}

// hooks asks Pool.AllowClient and Config.Revoked, which get verified claims only.
func (x *explanation) hooks(ctx context.Context) {
	client := slices.IndexFunc(x.checks, func(c Check) bool { return c.Name == "client" })
	// A step is skipped only if another one failed.
	failed := slices.ContainsFunc(x.checks, func(c Check) bool { return c.Err != nil })
	switch {
	case failed && x.trust != nil && x.checks[client].Err == nil && x.trust.asks(x.c):
		x.checks[client] = Check{Name: "client", Skipped: true}
	case !failed:
		err := x.trust.checkAllowed(ctx, x.c)
		x.checks[client].Err = x.placed(err)
		failed = err != nil
	}
	if failed {
		x.skip("revocation")
		return
	}
	x.add("revocation", "", "not revoked, as Config.Revoked has it", x.checkRevoked(ctx, x.c))
}
