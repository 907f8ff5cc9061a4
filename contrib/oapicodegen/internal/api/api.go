// Package api is generated from openapi.yaml, for the tests.
package api

//go:generate go tool oapi-codegen -config config.yaml openapi.yaml
