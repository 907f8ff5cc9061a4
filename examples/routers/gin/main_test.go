package main

import (
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/cognitoauth/cognitoauth/examples/routers/internal/routertest"
)

func init() { gin.SetMode(gin.ReleaseMode) }

func TestTable(t *testing.T) {
	routertest.Run(t, newAPI, map[string]string{
		// Before gin has routed, nobody knows what the route demands.
		"policy without token": "401 token_missing",
		// It is open in front of gin, which does not know it.
		"wrong method on open": "404",
		// %2F is a slash like any other.
		"encoded slash in parameter": "404",
		"trailing slash":             "301",
	})
}

func TestPattern(t *testing.T) { routertest.Pattern(t, newAPI, "/", "/users/:name") }
