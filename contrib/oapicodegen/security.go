package cognitooapi

// This file holds what a security requirement of OpenAPI demands of a token. It is
// the same in contrib/huma, contrib/oapicodegen and contrib/ogen, and a test compares
// them.

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cognitoauth/cognitoauth"
)

// Schemes names the security schemes of the description whose credentials are
// Cognito tokens, and says what a name in their lists demands. That is
// [cognitoauth.Scope] for a scheme of type oauth2 or openIdConnect, whose lists have
// scopes. The lists of type http (scheme bearer) have roles, which OpenAPI does not
// define: [cognitoauth.Group], or a function of yours that returns the policy. A
// scheme of another type, or one that the description does not declare, is a mistake.
type Schemes map[string]func(name string) cognitoauth.Policy

// declared is a security scheme of the description.
type declared struct {
	Type, Scheme string
	Flows        struct {
		Implicit, Password, ClientCredentials, AuthorizationCode, DeviceAuthorization struct{ Scopes map[string]string }
	}
}

// declared reads components.securitySchemes, whose Go type differs by library, and
// checks that they have those of s.
func (s Schemes) declared(schemes any) (map[string]declared, error) {
	var all map[string]declared
	text, err := json.Marshal(schemes)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("components.securitySchemes of the description: %w", err)
	}
	return all, s.check(all)
}

func (d declared) kind() string { return strings.TrimSpace(d.Type + " " + strings.ToLower(d.Scheme)) }

// scopes returns the scopes of all flows, which only oauth2 has.
func (d declared) scopes() []string {
	f := d.Flows
	all := map[string]string{}
	for _, flow := range []struct{ Scopes map[string]string }{f.Implicit, f.Password, f.ClientCredentials, f.AuthorizationCode, f.DeviceAuthorization} {
		maps.Copy(all, flow.Scopes)
	}
	return slices.Sorted(maps.Keys(all))
}

// check reports what is wrong with s, given what the description declares.
func (s Schemes) check(schemes map[string]declared) error {
	names := slices.Sorted(maps.Keys(schemes))
	if len(s) == 0 {
		return fmt.Errorf("Schemes is empty, expected those of the description whose credentials are Cognito tokens, such as Schemes{\"cognito\": cognitoauth.Scope}; it declares %q", names)
	}
	var mistakes []error
	mistake := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(s)) {
		switch d, ok := schemes[name]; {
		case !ok:
			mistake("Schemes has %q, expected one of %q, which components.securitySchemes of the description declares", name, names)
		case !slices.Contains([]string{"oauth2", "openIdConnect", "http bearer"}, d.kind()):
			mistake("scheme %q has the type %q, expected oauth2, openIdConnect or http bearer, which a Cognito token can meet: change the description, or take it out of Schemes", name, d.kind())
		case s[name] == nil:
			mistake("Schemes[%q] is nil, expected what a name in its lists demands, such as cognitoauth.Scope", name)
		}
	}
	return errors.Join(mistakes...)
}

// marking returns what marks the handler of an operation that has this security, its
// own or that of the description. An empty list opens the operation.
func marking[R ~map[string][]string](s Schemes, security []R, schemes map[string]declared) (func(http.Handler) http.Handler, error) {
	if len(security) == 0 {
		return cognitoauth.AllowAnonymous, nil
	}
	p, err := policy(s, security, schemes)
	return func(h http.Handler) http.Handler { return cognitoauth.Require(p, h) }, err
}

// policy returns what security demands: one of its objects, and of an object all
// schemes and all names in their lists.
func policy[R ~map[string][]string](s Schemes, security []R, schemes map[string]declared) (_ cognitoauth.Policy, err error) {
	defer func() {
		if bad := recover(); bad != nil { // of Scope or Group, about a name that nothing meets
			err = fmt.Errorf("security: %v", bad)
		}
	}()
	var alternatives []cognitoauth.Policy
	for _, requirement := range security {
		if len(requirement) == 0 {
			return cognitoauth.Policy{}, errors.New("security has the empty object {}, which makes the token optional, expected a scheme: write \"security: []\" to open the operation, or drop {} to protect it")
		}
		var all []cognitoauth.Policy
		for _, scheme := range slices.Sorted(maps.Keys(requirement)) {
			demand := s[scheme]
			if demand == nil {
				return cognitoauth.Policy{}, fmt.Errorf("security names the scheme %q, expected one of %q: add it to Schemes if its credentials are Cognito tokens; otherwise nothing here checks it, so take it out of the description", scheme, slices.Sorted(maps.Keys(s)))
			}
			for _, name := range requirement[scheme] {
				if d := schemes[scheme]; d.Type == "oauth2" && !slices.Contains(d.scopes(), name) {
					return cognitoauth.Policy{}, fmt.Errorf("security names the scope %q of the scheme %q, expected one that its flows declare, %q: declare it there, or correct the name", name, scheme, d.scopes())
				}
				all = append(all, demand(name))
			}
		}
		if len(all) == 0 {
			all = append(all, cognitoauth.Authenticated())
		}
		alternatives = append(alternatives, join(cognitoauth.And, all))
	}
	return join(cognitoauth.Or, alternatives), nil
}

// join keeps a policy that stands alone as it is, for those who read its String.
func join(and func(...cognitoauth.Policy) cognitoauth.Policy, all []cognitoauth.Policy) cognitoauth.Policy {
	if len(all) == 1 {
		return all[0]
	}
	return and(all...)
}
