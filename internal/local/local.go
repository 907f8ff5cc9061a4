// Package local tells whether a request comes straight from this machine. What
// must never answer anybody else, such as the test kit's playground, asks it.
package local

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Outsider says why r does not come straight from a program on this machine, ""
// if it does. Each check stops what the others cannot see: a proxy on this machine
// connects from loopback itself, and a page whose host name was rebound to
// 127.0.0.1 (DNS rebinding) is same-origin to the browser, but its requests still
// name that host.
//
// A proxy on this machine that sends the Host of its target and no forwarding
// header looks like a program, unless it speaks HTTP/1.0, as nginx does by
// default before 1.29.7: no browser does.
func Outsider(r *http.Request) string {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr == nil || !loopback(addr.String()) {
		return "the request reached it by an address that is not loopback"
	}
	if !loopback(r.RemoteAddr) {
		return "the request came from an address that is not loopback"
	}
	if !Host(r.Host) {
		return "the Host of the request is none of localhost, 127.0.0.1 and [::1]"
	}
	if !r.ProtoAtLeast(1, 1) {
		return "the request speaks HTTP/1.0, as proxies do"
	}
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return "a proxy passed the request on: it has a forwarding header, such as Via"
		}
	}
	return ""
}

// loopback reports whether an "address:port" is of this machine alone.
func loopback(address string) bool {
	a, _ := netip.ParseAddrPort(address) // on an error it is none, which is not loopback
	return a.Addr().Unmap().IsLoopback()
}

// Host reports whether a Host, with or without a port, names this machine,
// whatever DNS says.
func Host(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	a, _ := netip.ParseAddr(name) // on an error it is none, which is not loopback
	return a.IsLoopback()
}
