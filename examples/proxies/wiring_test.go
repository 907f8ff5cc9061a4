package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

var (
	whole  = flag.Bool("whole", false, "run all proxies, not only nginx and HAProxy")
	update = flag.Bool("update", false, "with -whole: write the tables of the README anew")
)

// wiring is one way to put one proxy in front.
type wiring struct {
	name    string // its row in the tables
	program *front.Program
	config  string
	headers forwardauth.Headers // zero: the proxy asks nobody
	bare    bool                // it is no recipe
}

func (v wiring) forward() bool { return v.headers.URI != "" }

var wirings = []wiring{
	{name: "nginx, `auth_request` as [nginx.conf](conf/nginx.conf) has it", program: front.Nginx, config: "nginx.conf", headers: forwardauth.XOriginal},
	{name: "nginx, [nothing but `auth_request`](conf/nginx-bare.conf)", program: front.Nginx, config: "nginx-bare.conf", headers: forwardauth.XOriginal, bare: true},
	{name: "HAProxy, with [auth.lua](conf/auth.lua)", program: front.HAProxy, config: "haproxy.cfg", headers: forwardauth.XOriginal},
	{name: "Caddy, `forward_auth` written out in [Caddyfile](conf/Caddyfile)", program: front.Caddy, config: "Caddyfile", headers: forwardauth.XForwarded},
	{name: "Caddy, [nothing but `forward_auth`](conf/Caddyfile-bare)", program: front.Caddy, config: "Caddyfile-bare", headers: forwardauth.XForwarded, bare: true},

	{name: "nginx", program: front.Nginx, config: "nginx-through.conf"},
	{name: "HAProxy", program: front.HAProxy, config: "haproxy-through.cfg"},
	{name: "Caddy", program: front.Caddy, config: "Caddyfile-through"},
	{name: "Apache", program: front.Apache, config: "apache-through.conf"},
	{name: "lighttpd", program: front.Lighttpd, config: "lighttpd-through.conf"},
	{name: "Varnish", program: front.Varnish, config: "varnish-through.vcl"},
	{name: "Squid", program: front.Squid, config: "squid-through.conf"},
	{name: "h2o", program: front.H2O, config: "h2o-through.yaml"},
}

// sampled are the wirings that a test takes: all with -whole.
func sampled(all []wiring) (list []wiring) {
	for _, v := range all {
		if *whole || v.program == front.Nginx || v.program == front.HAProxy {
			list = append(list, v)
		}
	}
	return list
}

// each runs f for every wiring that the test takes, and compares the row that it
// returns with that of the README's table of this name.
func each(t *testing.T, table string, all []wiring, f func(t *testing.T, v wiring) []string) {
	var rows []string
	for _, v := range sampled(all) {
		t.Run(strings.ReplaceAll(v.name, "/", "|"), func(t *testing.T) {
			version, err := v.program.Version()
			if err != nil {
				t.Fatal(err)
			}
			row := "| " + strings.Join(append([]string{v.name, version}, f(t, v)...), " | ") + " |"
			rows = append(rows, row)
			if !*update && !t.Failed() {
				compare(t, table, v.name, version, row)
			}
		})
	}
	if *update && *whole && !t.Failed() {
		write(t, table, rows)
	}
}
