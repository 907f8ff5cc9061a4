package main

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, map[string]string{
		// Neither HEAD nor the decoded path is implied.
		"open, HEAD":                "401",
		"open, letter escaped":      "401 token_missing",
		"parameter, letter escaped": "403 assertion_denied",
	})
}

func TestPattern(t *testing.T) { routertest.Pattern(t, newAPI, "", "/users/{name}") }
