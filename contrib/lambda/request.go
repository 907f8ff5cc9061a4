package cognitolambda

// This file makes an *http.Request of what the four kinds of events have in common.

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// call is a request as an event has it.
type call struct {
	method, path, query string
	decoded             bool // path has no escapes any more
	header              http.Header
	host                string // if there is no Host header
	source              string // the address of the client
	body                string
	base64              bool
}

// errBadRequest: net/http would answer 400.
var errBadRequest = errors.New("cognitolambda: bad request")

// request makes the request.
func (c call) request() (*http.Request, error) {
	target, err := c.url()
	if err != nil {
		return nil, err
	}
	body := []byte(c.body)
	if c.base64 {
		if body, err = base64.StdEncoding.DecodeString(c.body); err != nil {
			return nil, errors.New("cognitolambda: the body of the event is not base64, though isBase64Encoded is true")
		}
	}
	r := &http.Request{
		Method: c.method, URL: target, RequestURI: c.target(target),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.header, Host: c.host, RemoteAddr: remote(c.source),
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if hosts := c.header["Host"]; len(hosts) > 1 {
		return nil, errBadRequest
	} else if len(hosts) == 1 {
		r.Host = hosts[0]
	}
	delete(c.header, "Host") // as net/http does
	return r, nil
}

// url reads path and query. An encoded path is read by the function that net/http reads
// request lines with.
func (c call) url() (*url.URL, error) {
	if !strings.HasPrefix(c.path, "/") {
		return nil, errors.New("cognitolambda: the path of the event does not begin with a slash")
	}
	if c.decoded {
		return &url.URL{Path: c.path, RawQuery: c.query}, nil
	}
	if strings.Contains(c.path, "?") {
		return nil, errBadRequest // no encoded path has one
	}
	u, err := url.ParseRequestURI(c.path)
	if err != nil {
		return nil, errBadRequest
	}
	u.RawQuery = c.query
	return u, nil
}

// target returns the target of the request line: as it came, if that is known.
func (c call) target(u *url.URL) string {
	switch {
	case c.decoded:
		return u.RequestURI()
	case c.query != "":
		return c.path + "?" + c.query
	}
	return c.path
}

// unstaged removes the stage from the path of an HTTP API. The stage "$default" does
// not stand in it.
func unstaged(path, stage string) string {
	if rest, ok := strings.CutPrefix(path, "/"+stage); ok && stage != "" && stage != "$default" {
		if rest == "" {
			return "/"
		}
		if rest[0] == '/' {
			return rest
		}
	}
	return path
}

// headers returns the headers of an event. several has those of single too, with all
// values; it is nil where the source does not write it.
func headers(several map[string][]string, single map[string]string) http.Header {
	h := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(several)) {
		for _, v := range several[name] {
			h.Add(name, v)
		}
	}
	if several == nil {
		for _, name := range slices.Sorted(maps.Keys(single)) {
			h.Add(name, single[name])
		}
	}
	return h
}

// withCookies puts the cookies of payload format 2.0 into one header, as a client sends
// them. A function URL has them in its headers as well.
func withCookies(h http.Header, cookies []string) http.Header {
	if len(cookies) > 0 {
		h.Set("Cookie", strings.Join(cookies, "; "))
	}
	return h
}

// encoded encodes a query whose names and values are decoded.
func encoded(several map[string][]string, single map[string]string) string {
	return pairs(several, single, url.QueryEscape)
}

// raw puts a query together whose names and values are as the client wrote them.
func raw(several map[string][]string, single map[string]string) string {
	return pairs(several, single, func(s string) string { return s })
}

func pairs(several map[string][]string, single map[string]string, escape func(string) string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(several)) {
		for _, v := range several[name] {
			all = append(all, escape(name)+"="+escape(v))
		}
	}
	if several == nil {
		for _, name := range slices.Sorted(maps.Keys(single)) {
			all = append(all, escape(name)+"="+escape(single[name]))
		}
	}
	return strings.Join(all, "&")
}

// remote makes a RemoteAddr of an address, with port 0 if it has none, "" of what is no
// address.
func remote(source string) string {
	if a, err := netip.ParseAddr(source); err == nil {
		return net.JoinHostPort(a.String(), "0")
	}
	if a, err := netip.ParseAddrPort(source); err == nil {
		return a.String()
	}
	return ""
}

// lastForwarded returns what the load balancer itself has added to X-Forwarded-For.
func lastForwarded(h http.Header) string {
	all := h["X-Forwarded-For"]
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}
