//go:build jwx_goccy

package main

const fastJSON = true
