package cognitoauth

// This file holds the policies that ask for another login (RFC 9470):
// AuthenticatedWithin, ACR and StepUp.

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// within is the rule of AuthenticatedWithin.
type within time.Duration

// AuthenticatedWithin is met if the user logged in no longer than d ago. It
// compares auth_time, which refreshing a token does not change, by the clock
// and leeway of the Middleware that verified the token. A missing or future
// auth_time does not meet it. The answer asks for a new login (RFC 9470), in
// whole seconds. A machine has no login to renew and is answered with 403. It
// panics if d is less than 1 s.
func AuthenticatedWithin(d time.Duration) Policy {
	must(d >= time.Second, "AuthenticatedWithin", d.String()+" is shorter than a second: write a duration such as 15 * time.Minute, since a number without a unit counts nanoseconds")
	return Policy{within(d)}
}

func (d within) check(_ *http.Request, c *Claims) *Error {
	ev := evidence{claim: d.String(), at: c.AuthTime, verified: true}
	if c.IsMachine() {
		return refuse(&loginUnattainable, ev)
	}
	if c.terms != nil && !c.AuthTime.IsZero() {
		ev.now = c.terms.now()
		ago := ev.now.Sub(c.AuthTime)
		if ago >= -c.terms.leeway && ago-c.terms.leeway <= time.Duration(d) {
			return nil
		}
	}
	e := refuse(&loginTooOld, ev)
	e.maxAge = time.Duration(d)
	return e
}

func (within) scopes(*Claims) []string { return nil }

func (d within) String() string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"Hour", time.Hour}, {"Minute", time.Minute}, {"Second", time.Second}, {"Millisecond", time.Millisecond}, {"Nanosecond", 1}} {
		if n := time.Duration(d) / unit.size; n*unit.size == time.Duration(d) {
			return "AuthenticatedWithin(" + strconv.FormatInt(int64(n), 10) + "*time." + unit.name + ")"
		}
	}
	panic("unreachable")
}

// acr is the rule of ACR.
type acr string

// ACR is met if the token's acr is exactly this value. Levels have no order here,
// so list the stronger ones with [Or], the highest first: the answer asks for a
// login at one of them, in this order (RFC 9470). Cognito has four levels,
// urn:cognito:loa:1 to urn:cognito:loa:4, or names that the pool gives them; an
// app can ask for a level on the plans Essentials and Plus. A machine's token is
// answered with 403. It panics on a value that a challenge cannot carry: empty,
// or with a space, a quote, a backslash, or a byte outside printable ASCII.
func ACR(value string) Policy {
	must(value != "", "ACR", "an empty value matches no acr")
	for i := range len(value) {
		must(challengeByte(value[i]) && value[i] != ' ', "ACR", strconv.Quote(value)+" is not one acr value, which has no space, quote or backslash (RFC 9470, section 3); Or joins several")
	}
	return Policy{acr(value)}
}

func (a acr) check(_ *http.Request, c *Claims) *Error {
	ev := evidence{claim: a.String(), verified: true, note: "another"}
	if c.ACR == "" {
		ev.note = "missing"
	}
	switch {
	case c.ACR == string(a):
		return nil
	case c.IsMachine():
		return refuse(&acrUnattainable, ev)
	}
	e := refuse(&acrMismatch, ev)
	e.acr = string(a)
	return e
}

func (acr) scopes(*Claims) []string { return nil }

func (a acr) String() string { return call("ACR", string(a)) }

// StepUp is met if p is. Where p denies a user's token with 403
// ([ErrForbidden]), StepUp answers 401 and asks for another login instead, with
// acr as acr_values (RFC 9470): for a policy that the user meets after a login
// of another kind, such as
//
//	StepUp("urn:cognito:loa:3", ClaimContains("amr", "mfa"))
//
// acr is one value, such as urn:cognito:loa:3 (see [ACR]), or several in the order
// of preference, with one space between them. p should demand only what a login
// can bring. Otherwise the client logs its user in, is asked again, and goes in
// circles. Any other denial of p stays as it is, such as that of a missing scope.
// So does the 403 for a machine, which has no login to renew. StepUp panics on a
// zero p and on an acr that a challenge cannot carry: an empty one, or one with a
// quote, a backslash or a byte outside ASCII.
func StepUp(acr string, p Policy) Policy {
	must(p.rule != nil, "StepUp", "the Policy is zero: use Assert, Claim, Group, …")
	for value := range strings.SplitSeq(acr, " ") {
		must(value != "", "StepUp", strconv.Quote(acr)+": name the acr values that the client is to ask for, with one space between two (RFC 9470, section 3)")
	}
	for i := range len(acr) {
		must(challengeByte(acr[i]), "StepUp", strconv.Quote(acr)+" cannot be written into acr_values (RFC 9470, section 3)")
	}
	return Policy{&stepUp{acr, p}}
}

// stepUp is the rule of StepUp.
type stepUp struct {
	acr    string
	policy Policy
}

func (s *stepUp) check(r *http.Request, c *Claims) *Error {
	err := s.policy.check(r, c)
	if err == nil || err.reason.sentinel != ErrForbidden || c.IsMachine() {
		return err
	}
	e := refuse(&stepUpRequired, evidence{cause: err, verified: true})
	e.acr = s.acr
	return e
}

func (s *stepUp) scopes(c *Claims) []string { return s.policy.scopes(c) }

func (s *stepUp) String() string {
	return "StepUp(" + strconv.Quote(s.acr) + ", " + s.policy.String() + ")"
}

func detailStepUp(e *Error) string {
	return "the user has to log in again, with acr_values " + strconv.QuoteToASCII(e.acr) + ": " + e.cause.(*Error).Detail()
}
