package cognitoauth

// This file holds StepUp, which turns the denial of any policy into a demand for
// another login.

import (
	"net/http"
	"strconv"
	"strings"
)

// stepUp is the rule of StepUp.
type stepUp struct {
	acr    string
	policy Policy
}

// StepUp is met if p is. Where p denies a user's token with 403
// ([ErrForbidden]), StepUp answers 401 and asks for another login instead, with
// acr as acr_values (RFC 9470): for a policy that the user meets after a login
// of another kind, such as
//
//	StepUp("mfa", Assert("has used a second factor", usedSecondFactor))
//
// acr is one value, or several in the order of preference with one space between
// them. p should demand only what a login can bring: a client that logs its user
// in again, and is asked again, goes in circles. A denial that is no 403 stays as
// it is, and so does the 403 for a machine's token, which no login can renew. It
// panics on a zero p and on a value that a challenge cannot carry: an empty one,
// or one with a quote, a backslash or a byte outside ASCII.
func StepUp(acr string, p Policy) Policy {
	must(p.rule != nil, "StepUp", "the Policy is zero: use Assert, Claim, Group, …")
	must(acr != "", "StepUp", "an empty value asks for no login in particular: name the acr that the client is to ask for")
	for value := range strings.SplitSeq(acr, " ") {
		must(value != "", "StepUp", strconv.Quote(acr)+": values are separated by one space (RFC 9470, section 3)")
	}
	for i := range len(acr) {
		must(challengeByte(acr[i]), "StepUp", strconv.Quote(acr)+" cannot be written into acr_values (RFC 9470, section 3)")
	}
	return Policy{&stepUp{acr, p}}
}

func (s *stepUp) check(r *http.Request, c *Claims) *Error {
	err := s.policy.check(r, c)
	if err == nil || err.reason.sentinel != ErrForbidden || c.IsMachine() {
		return err
	}
	e := refuse(&stepUpRequired, evidence{claim: s.acr, cause: err, verified: true})
	e.acr = s.acr
	return e
}

func (s *stepUp) scopes(c *Claims) []string { return s.policy.scopes(c) }

func (s *stepUp) String() string {
	return "StepUp(" + strconv.Quote(s.acr) + ", " + s.policy.String() + ")"
}

func detailStepUp(e *Error) string {
	return "the user has to log in again, with acr_values " + strconv.QuoteToASCII(e.claim) + ": " + e.cause.(*Error).Detail()
}
