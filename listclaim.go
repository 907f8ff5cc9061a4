package cognitoauth

// This file holds ClaimContains, the policy about claims that are lists.

import (
	"net/http"
)

// ClaimContains is met if the top-level claim is a list that has value: a JSON
// list of strings, or a string whose text is such a list, because Cognito writes
// every custom attribute as a string ("custom:roles": "[\"editor\",\"author\"]").
// Case counts. A list in another form, as one with commas, does not meet it:
// split that in an [Assert]. It panics on an empty name, and on scope and
// cognito:groups, which have [Scope] and [Group].
func ClaimContains(name, value string) Policy {
	must(name != "", "ClaimContains", "an empty name matches no claim")
	must(name != "scope", "ClaimContains", `"scope" is a list of scopes: use Scope`)
	must(name != "cognito:groups", "ClaimContains", `"cognito:groups" is a list of groups: use Group`)
	return Policy{&leaf{call("ClaimContains", name, value), &claimDenied, func(_ *http.Request, c *Claims) bool {
		has, _ := c.member(name).ListHas(value)
		return has
	}, func(c *Claims) string { return hintList(c, name, value) }}}
}

// hintList tells why a claim is no list that has value, without naming what it
// has.
func hintList(c *Claims, name, value string) string {
	found := c.member(name)
	_, isList := found.ListHas(value)
	switch {
	case isList:
		return ": the token's list does not have it"
	case found == "":
		return hintClaim(c, name)
	case found.Is(value):
		return ": it is that value itself and no list, which is what Claim compares"
	case found.IsText():
		return ": it is a string whose text is no JSON list of strings; other forms are not guessed: Assert(...) can split what Claims.String gives"
	}
	return ": it is no list of strings; Assert(...) with Claims.Decode can look at it"
}
