package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
)

// variables are those that cognitoauth.FromEnv reads.
var variables = []string{
	"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_AUDIENCES",
	"COGNITO_ISSUER", "COGNITO_JWKS_URL", "COGNITO_LEEWAY", "COGNITO_REGION",
}

// configure takes the pool that the environment names. Only if no COGNITO_
// variable is set at all does it start a pool of its own: whoever sets one means
// a real pool, and must not get one that signs a token for anybody who asks
// because of a typo. The embedded pool has the clock.
func configure(clock *playground.Clock) (cognitoauth.Config, *cognitotest.Pool, error) {
	set := cognitoVariables(os.Environ())
	if len(set) == 0 {
		pool, err := cognitotest.Start(cognitotest.Options{Now: clock.Now})
		if err != nil {
			return cognitoauth.Config{}, nil, err
		}
		return pool.Config(), pool, nil
	}
	err := strays(set)
	if err == nil {
		var cfg cognitoauth.Config
		if cfg, err = cognitoauth.FromEnv(); err == nil {
			return cfg, nil, nil
		}
	}
	return cognitoauth.Config{}, nil, fmt.Errorf("the environment does not name a user pool in full.\n%w\n"+
		"Mend that, or start without a pool of yours:\n  unset %s", err, strings.Join(set, " "))
}

// cognitoVariables returns the sorted names of those that are set. An empty
// value counts as not set, as it does for FromEnv.
func cognitoVariables(environ []string) (set []string) {
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "COGNITO_") && value != "" {
			set = append(set, name)
		}
	}
	slices.Sort(set)
	return set
}

// strays is an error that names the variables which are set but not read. Their
// values may be secrets and are not shown. Where a real pool is named, a
// variable that resembles none that is missing belongs to another program
// (COGNITO_DOMAIN, say) and is left alone.
func strays(set []string) error {
	named := slices.Contains(set, "COGNITO_USER_POOL_ID") || slices.Contains(set, "COGNITO_CLIENT_IDS")
	var found []error
	for _, name := range set {
		if slices.Contains(variables, name) {
			continue
		}
		meant := resembled(name)
		switch {
		case meant != "" && !slices.Contains(set, meant):
			found = append(found, fmt.Errorf("%s is set, but is not read: did you mean %s?", name, meant))
		case !named:
			found = append(found, fmt.Errorf("%s is set, but is not read: a pool is named by COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS", name))
		}
	}
	return errors.Join(found...)
}

// resembled returns the variable that a name was probably meant to be, or "".
func resembled(name string) string {
	best, least := "", 3 // up to two letters wrong is a typo
	for _, v := range variables {
		if d := distance(bare(name), bare(v)); d < least {
			best, least = v, d
		}
	}
	if best != "" {
		return best
	}
	for _, v := range variables { // POOL_ID, APP_CLIENT_ID, AWS_REGION
		if a, b := bare(name), bare(v); a != "" && (strings.Contains(a, b) || strings.Contains(b, a)) {
			return v
		}
	}
	return ""
}

// bare is what tells a variable from others: one ID or several, and underscores
// are what people get wrong.
func bare(variable string) string {
	s := strings.ReplaceAll(strings.TrimPrefix(variable, "COGNITO_"), "_", "")
	return strings.TrimSuffix(s, "S")
}

// distance is how many letters must be added, removed or changed to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from the letters of a so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
