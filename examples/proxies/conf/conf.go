// Package conf has the configurations of the proxies. They are templates: {{.Listen}},
// {{.API}} and {{.Auth}} are the addresses of the proxy, the program behind and the
// auth endpoint. Names that end in -through are of proxies that pass all requests on to
// a program with Wrap; nginx.conf, haproxy.cfg with auth.lua and Caddyfile ask the auth
// endpoint first; haproxy-jwt.cfg, apache-oidc.conf and apache-oauth2.conf decide alone.
// Those that end in -bare, -plain and -cache are there to be measured, not to be copied.
package conf

import "embed"

// Files are the configurations.
//
//go:embed *.conf *.cfg *.lua *.vcl *.yaml Caddyfile*
var Files embed.FS
