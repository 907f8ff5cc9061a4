package cognitolambda_test

import (
	"errors"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// The authorizer of the example admits what it should, denies what it should, and fails
// where it cannot tell.
func TestExample_authorizer(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	decide := authorizer(auth, map[string]cognitoauth.Policy{"GET /orders": cognitoauth.Scope("orders/read")})
	token := "Bearer " + pool.AccessToken().Scopes("orders/read").String()
	tests := []struct {
		name, route, header string
		admitted            bool
	}{
		{"a good token", "GET /orders", token, true},
		{"no token", "GET /orders", "", false},
		{"another scheme", "GET /orders", "Basic eA==", false},
		{"two tokens, joined", "GET /orders", token + "," + token, false},
		{"a forged token", "GET /orders", "Bearer " + pool.AccessToken().Scopes("orders/read").Tampered().String(), false},
		{"without the scope", "GET /orders", "Bearer " + pool.AccessToken().String(), false},
		{"a route without a policy", "DELETE /orders", token, false},
	}
	for _, tt := range tests {
		out, err := decide(t.Context(), authorizerRequest{RouteKey: tt.route, Headers: map[string]string{"authorization": tt.header}})
		if tt.header == "" {
			out, err = decide(t.Context(), authorizerRequest{RouteKey: tt.route})
		}
		if err != nil || out.IsAuthorized != tt.admitted || (out.Context["sub"] == pool.AccessToken().Claims().Subject) != tt.admitted {
			t.Errorf("%s: %+v, %v", tt.name, out, err)
		}
	}
	pool.SetFault(cognitotest.Fault{Status: 500})
	other, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	out, err := authorizer(other, nil)(t.Context(), authorizerRequest{Headers: map[string]string{"authorization": token}})
	if !errors.Is(err, cognitoauth.ErrUnavailable) || out.IsAuthorized {
		t.Errorf("without keys: %+v, %v", out, err)
	}
}
