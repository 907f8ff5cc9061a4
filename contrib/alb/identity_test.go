package cognitoalb_test

import (
	"strings"
	"testing"

	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// An Identity that a program made itself, or took where there is none, has no claims.
func TestIdentity_Decode_nothing(t *testing.T) {
	for _, id := range []*cognitoalb.Identity{nil, {Subject: "s-jane"}} {
		var claims map[string]any
		if err := id.Decode(&claims); err == nil || !strings.Contains(err.Error(), "that no header carried") {
			t.Errorf("%v", err)
		}
	}
}
