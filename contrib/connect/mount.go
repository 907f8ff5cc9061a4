package cognitoconnect

// This file holds Mount and the Rules that it registers procedures by.

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/cognitoauth/cognitoauth"
)

// Rules says which procedures ask for more, or for less, than Config.Fallback. The
// zero value says it of none. Procedures are named as the constants of the generated
// code name them: "/package.Service/Method".
type Rules struct {
	// Policies has what a procedure needs besides Config.Fallback. The zero
	// [cognitoauth.Policy] denies everybody.
	Policies map[string]cognitoauth.Policy
	// Open has the procedures that need no token. Theirs is not looked at, and
	// their calls have no claims.
	Open []string
}

// Mount does what [connecthttp.Mount] does, for a mux inside of
// [cognitoauth.Middleware.Wrap]. It registers the procedures of server with the
// markers that rules ask for, and gives each stream a context that ends when its
// token expires. options are those of connecthttp.Mount.
//
// Every procedure that is not open needs a valid token. So does an unknown procedure
// of a known service, also if server has an unknown handler. If the mux is served
// without Wrap, all of them answer 500.
//
// Register all procedures before, and call Mount before serving. It panics if rules
// name a procedure that server does not have, or one that is open and has a policy.
func Mount(mux connecthttp.ServeMux, server *connect.Server, rules Rules, options ...connecthttp.Option) {
	if faults := rules.faults(server); len(faults) > 0 {
		panic("cognitoconnect.Mount: " + strings.Join(faults, "; "))
	}
	connecthttp.Mount(&marking{mux, rules}, ending(server), options...)
}

// faults lists every mistake in the rules.
func (r Rules) faults(server *connect.Server) (faults []string) {
	known := make(map[string]bool)
	for spec := range server.Specs() {
		known[spec.Procedure] = true
	}
	for _, name := range slices.Concat(r.Open, slices.Sorted(maps.Keys(r.Policies))) {
		if !known[name] {
			faults = append(faults, fmt.Sprintf("Rules name %q, which the server does not have; take the name from the generated code, and register the service first", name))
		}
	}
	for _, name := range r.Open {
		if _, ok := r.Policies[name]; ok {
			faults = append(faults, fmt.Sprintf("%q is in Rules.Open and in Rules.Policies; leave it in one of them", name))
		}
	}
	return faults
}

// marking registers the handlers of procedures with their markers.
type marking struct {
	mux   connecthttp.ServeMux
	rules Rules
}

// Handle gets each procedure, and each "/package.Service/" for unknown ones. A handler
// without a rule is a Require too, because that answers 500 without Wrap.
func (m *marking) Handle(pattern string, h http.Handler) {
	h = deadlines(h)
	switch policy, ok := m.rules.Policies[pattern]; {
	case ok:
		h = cognitoauth.Require(policy, h)
	case slices.Contains(m.rules.Open, pattern):
		h = cognitoauth.AllowAnonymous(h)
	default:
		h = cognitoauth.Require(cognitoauth.Authenticated(), h)
	}
	m.mux.Handle(pattern, h)
}
