//go:build !jwx_goccy

package main

// fastJSON: jwx documents a build tag by which it decodes JSON faster.
const fastJSON = false
