package main

import (
	"testing"

	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, map[string]string{
		// Methods("GET") is GET alone, and %2F is a slash like any other.
		"open, HEAD":                 "401",
		"encoded slash in parameter": "404",
	})
}

func TestPattern(t *testing.T) { routertest.Pattern(t, newAPI, "", "/users/{name}") }
