package main

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, map[string]string{
		// Before echo has routed, nobody knows what the route demands.
		"policy without token": "401 token_missing",
		// It is open in front of echo, which does not know it.
		"wrong method on open": "404",
		// The decoded path is not implied.
		"parameter, letter escaped": "403 assertion_denied",
	})
}

func TestPattern(t *testing.T) { routertest.Pattern(t, newAPI, "/", "/users/:name") }
