package cognitoauth

// This file holds Policy and its rules (Group, Scope, And, Or and others; those
// that ask for another login are in stepup.go, ClaimContains in listclaim.go). If
// several rules deny, And and Or choose the one refusal that stands for all.

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Policy says which verified claims may pass. Policies are values without
// state, safe to share. The zero Policy denies everything.
//
// Each rule takes one name; [And] and [Or] combine rules, so nobody has to
// guess whether a list means any or all. A rule whose name can never be met (an
// empty one, a malformed scope) panics where it is written, as a bad pattern
// does in net/http.
type Policy struct {
	rule rule
}

// rule is a node of a policy.
type rule interface {
	// check returns nil if the claims, which are not nil, meet the rule.
	check(r *http.Request, c *Claims) *Error
	// scopes returns the scopes that a client has to ask for to meet the rule.
	// c are the claims that it has now, nil if it has none.
	scopes(c *Claims) []string
	// String returns the Go expression that makes the rule.
	String() string
}

// Check reports whether the claims meet the policy. It returns nil or an
// [*Error] that says which part they do not meet. Nil claims never meet a
// policy, nor do claims without a TokenUse, since every token has one. Check
// passes r to the functions of [Assert]; r may be nil if the policy has none.
// Safe for concurrent use.
func (p Policy) Check(r *http.Request, c *Claims) error {
	if err := p.check(r, c); err != nil {
		return err
	}
	return nil
}

func (p Policy) check(r *http.Request, c *Claims) *Error {
	switch {
	case c == nil || c.TokenUse == "":
		e := refuse(&tokenMissing, evidence{})
		if c != nil {
			e.note = "; the Claims have no TokenUse, as those of every token have"
		}
		e.scopes = p.scopes(nil)
		return e
	case p.rule == nil:
		return refuse(&policyDenies, evidence{})
	}
	return p.rule.check(r, c)
}

func (p Policy) scopes(c *Claims) []string {
	if p.rule == nil {
		return nil
	}
	return p.rule.scopes(c)
}

// String returns the policy as the Go expression that makes it, for logs and
// route listings.
func (p Policy) String() string {
	if p.rule == nil {
		return "Policy{}"
	}
	return p.rule.String()
}

// leaf is a rule with one condition.
type leaf struct {
	text  string
	why   *reason // of a denial
	meets func(*http.Request, *Claims) bool
	hint  func(*Claims) string // for the Detail of a denial; nil: none
}

func (l *leaf) check(r *http.Request, c *Claims) *Error {
	if l.meets(r, c) {
		return nil
	}
	ev := evidence{claim: l.text, found: c.ClientID, verified: true}
	if l.hint != nil {
		ev.note = l.hint(c)
	}
	return refuse(l.why, ev)
}

func (*leaf) scopes(*Claims) []string { return nil }

func (l *leaf) String() string { return l.text }

// Authenticated is met by any valid token. It is the fallback policy unless
// Config.Fallback says otherwise.
func Authenticated() Policy {
	return Policy{&leaf{text: "Authenticated()", why: &policyDenies, meets: func(*http.Request, *Claims) bool { return true }}}
}

// Group is met if the user is in exactly this group, by cognito:groups of the
// token. Case counts, and groups do not nest. A user who has joined the group
// since logging in gets it with a new token. It panics on an empty name.
func Group(name string) Policy {
	must(name != "", "Group", "an empty name matches no group")
	return Policy{&leaf{call("Group", name), &groupMissing, func(_ *http.Request, c *Claims) bool { return c.HasGroup(name) }, hintGroup(name)}}
}

// ClientID is met if the token was issued to exactly this app client. It
// narrows Pool.ClientIDs for a route. It panics on an empty ID.
func ClientID(id string) Policy {
	must(id != "", "ClientID", "an empty ID matches no client")
	return Policy{&leaf{text: call("ClientID", id), why: &clientDenied, meets: func(_ *http.Request, c *Claims) bool { return c.ClientID == id }}}
}

// Claim is met if the top-level claim is a JSON string equal to value. A value
// of "true" or "false" is met by that JSON boolean too, since Cognito sends
// booleans both ways. It panics on an empty name, and on scope and
// cognito:groups, which are lists: use [Scope] and [Group].
func Claim(name, value string) Policy {
	must(name != "", "Claim", "an empty name matches no claim")
	must(name != "scope", "Claim", `"scope" is a list of scopes: use Scope`)
	must(name != "cognito:groups", "Claim", `"cognito:groups" is a list of groups: use Group`)
	return Policy{&leaf{call("Claim", name, value), &claimDenied, func(_ *http.Request, c *Claims) bool {
		found := c.member(name)
		return (value == "true" || value == "false") && string(found) == value || found.Is(value)
	}, func(c *Claims) string { return hintClaim(c, name) }}}
}

// UserToken is met by a user's token: one that a user has logged in for.
func UserToken() Policy {
	return Policy{&leaf{"UserToken()", &userRequired, func(_ *http.Request, c *Claims) bool { return !c.IsMachine() }, func(*Claims) string {
		return ": this is a machine's token (client credentials grant), and no user has logged in"
	}}}
}

// MachineToken is met by a token that an app client got for itself (client
// credentials grant).
func MachineToken() Policy {
	return Policy{&leaf{"MachineToken()", &machineRequired, func(_ *http.Request, c *Claims) bool { return c.IsMachine() }, func(*Claims) string {
		return ": this is a user's token; an app client gets its own by the client credentials grant"
	}}}
}

// Assert is met if meets returns true. desc appears in String and in
// [Error.Detail]. It panics on an empty desc or a nil function. Each Check
// calls meets at most once, with the request's own copy of the claims; many
// goroutines may call it at a time. If it panics, the request is aborted, and
// the handler does not run.
//
// In a [Require] it sees the request after routing, with path values. In
// Config.Fallback it runs before routing, where r.PathValue is empty.
func Assert(desc string, meets func(*http.Request, *Claims) bool) Policy {
	must(desc != "", "Assert", "say what is asserted")
	must(meets != nil, "Assert", "the function is nil")
	return Policy{&leaf{text: call("Assert", desc), why: &assertionDenied, meets: meets}}
}

// scope is the rule of Scope.
type scope string

// Scope is met if the token has exactly this scope, or one that implies it by
// Config.ImpliedScopes. Case counts. A custom scope of Cognito begins with its
// resource server: "orders/write". It panics on a string that is no scope-token
// of RFC 6749, section 3.3, such as two scopes in one string.
//
// An ID token has no scopes and is answered with 403 without a challenge.
func Scope(name string) Policy {
	must(isScope(name), "Scope", strconv.Quote(name)+" is not one scope (RFC 6749, section 3.3); And and Or join several")
	return Policy{scope(name)}
}

func (s scope) check(_ *http.Request, c *Claims) *Error {
	if c.HasScope(string(s)) {
		return nil
	}
	ev := evidence{claim: s.String(), found: c.scope(), verified: true}
	if c.TokenUse == IDToken {
		return refuse(&scopeUnattainable, ev)
	}
	e := refuse(&scopeMissing, ev)
	e.scopes, e.stronger = s.scopes(c), c.stronger(string(s))
	return e
}

// scopes returns the scope by which the claims have s, which is the one that the
// client can ask for again: its app client may not be allowed to ask for s.
func (s scope) scopes(c *Claims) []string { return []string{cmp.Or(c.holder(string(s)), string(s))} }

func (s scope) String() string { return call("Scope", string(s)) }

// and is the rule of And.
type and []Policy

// And is met if all of the policies are met. And() of nothing is never met.
//
// If several are not met, the answer is an [ErrForbidden], if one of them gives
// that. Otherwise it asks for all scopes that the And needs
// ([ErrInsufficientScope]) or, if none is missing, for a new login
// ([ErrStepUpRequired]).
//
// And checks them in order. The first ErrForbidden ends the check, because
// nothing behind it can change the answer: in And(Group("staff"), Assert(...)) the
// function runs for staff only. After a missing scope or a login that is too old,
// And still checks the others.
func And(all ...Policy) Policy { return Policy{and(slices.Clone(all))} }

func (a and) check(r *http.Request, c *Claims) *Error {
	if len(a) == 0 {
		return refuse(&policyDenies, evidence{})
	}
	var worst *Error
	denials := make(map[int]*Error) // by index; while empty, it costs nothing
	for i, p := range a {
		if err := p.check(r, c); err != nil {
			denials[i] = err
			worst = worse(worst, err)
			if mendable(worst) == 0 {
				return worst
			}
		}
	}
	if worst == nil || mendable(worst) != 1 {
		return worst
	}
	var need []string
	for i, p := range a {
		if err := denials[i]; err != nil && err.scopes != nil {
			need = union(need, err.scopes)
		} else {
			need = union(need, p.scopes(c))
		}
	}
	worst.scopes = need
	return worst
}

// worse returns which of two denials And answers with: the one that mendable
// ranks lower. Two demands for a login become one.
func worse(a, b *Error) *Error {
	if a == nil {
		return b
	}
	if ra, rb := mendable(a), mendable(b); ra != rb {
		if ra < rb {
			return a
		}
		return b
	}
	if a.maxAge == 0 || b.maxAge != 0 && b.maxAge < a.maxAge {
		a.maxAge = b.maxAge
	}
	if a.acr == "" {
		a.acr = b.acr
	} else if both := common(a.acr, b.acr); both != "" {
		a.acr = both
	}
	return a
}

// common returns the acr values of a that b has too, in the order of a.
func common(a, b string) string {
	values := strings.Split(b, " ")
	return strings.Join(slices.DeleteFunc(strings.Split(a, " "), func(s string) bool { return !slices.Contains(values, s) }), " ")
}

// mendable ranks denials by what the answer can ask the client for: 0 is
// nothing, 1 is other scopes, 2 is a new login.
func mendable(e *Error) int {
	switch e.reason.sentinel {
	case ErrInsufficientScope:
		return 1
	case ErrStepUpRequired:
		return 2
	}
	return 0
}

func (a and) scopes(c *Claims) []string {
	var all []string
	for _, p := range a {
		all = union(all, p.scopes(c))
	}
	return all
}

func union(all, more []string) []string {
	for _, s := range more {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func (a and) String() string { return join("And", a) }

// or is the rule of Or.
type or []Policy

// Or is met if at least one of the policies is met. Or() of nothing is never
// met. They are checked in order, and none after the first that is met.
//
// If none is met, the answer is the first [ErrInsufficientScope], else the
// first [ErrStepUpRequired], else the first denial. Where alternatives ask for
// levels of a login, the answer names those of all of them as acr_values, in the
// order as written: put the one that you prefer, such as the highest, first.
//
// Group, Scope and the others take one name each. Or says that any one of several
// is enough, as in Or(Group("admin"), Group("support")), and And that all are
// needed. The alternatives may be policies of different kinds.
func Or(alternatives ...Policy) Policy { return Policy{or(slices.Clone(alternatives))} }

func (o or) check(r *http.Request, c *Claims) *Error {
	best := (*Error)(nil)
	for _, p := range o {
		err := p.check(r, c)
		if err == nil {
			return nil
		}
		switch {
		case best == nil || easier(err) < easier(best):
			best = err
		case best.acr != "" && err.acr != "" && best.maxAge == err.maxAge:
			best.acr = strings.Join(union(strings.Split(best.acr, " "), strings.Split(err.acr, " ")), " ")
		}
	}
	if best == nil {
		return refuse(&policyDenies, evidence{})
	}
	return best
}

// easier ranks the denials of an Or: other scopes, a new login, nothing.
func easier(e *Error) int {
	if m := mendable(e); m > 0 {
		return m
	}
	return math.MaxInt
}

// scopes returns the scopes of the first alternative if there are no claims
// yet. If the claims have all scopes of one alternative, they may meet it
// already. Then it returns those scopes of all alternatives that the claims
// have: a token that keeps them still meets what it meets now. Otherwise it
// returns the scopes of the first alternative that needs any.
func (o or) scopes(c *Claims) []string {
	if len(o) == 0 {
		return nil
	}
	if c == nil {
		return o[0].scopes(nil)
	}
	var held, first []string
	met := false
	for _, p := range o {
		need := p.scopes(c)
		have := slices.DeleteFunc(slices.Clone(need), func(s string) bool { return !c.HasScope(s) })
		held = union(held, have)
		met = met || len(have) == len(need)
		if first == nil {
			first = need
		}
	}
	if met {
		return held
	}
	return first
}

func (o or) String() string { return join("Or", o) }

func join(name string, all []Policy) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.String()
	}
	return name + "(" + strings.Join(texts, ", ") + ")"
}

// call returns the Go expression name("arg", …).
func call(name string, args ...string) string {
	for i, arg := range args {
		args[i] = strconv.Quote(arg)
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// must panics if ok is false. where names the function that was called wrongly.
func must(ok bool, where, why string) {
	if !ok {
		panic("cognitoauth: " + where + ": " + why)
	}
}
