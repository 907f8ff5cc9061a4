// Package api is generated from openapi.yaml, for the tests.
package api

//go:generate go tool ogen -target . -package api -config config.yaml openapi.yaml
