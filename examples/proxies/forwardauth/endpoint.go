// Package forwardauth is an auth endpoint for a proxy that asks before it passes a
// request on: nginx auth_request, Caddy forward_auth, Traefik ForwardAuth, HAProxy
// with a few lines of Lua.
//
// The proxy tells the method and the URI of the original request in headers. New
// makes a request of them and hands it to what cognitoauth's Wrap returned, so the
// routes, their markers and policies are those of an ordinary program:
//
//	mux := http.NewServeMux()
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(forwardauth.Allow))
//	mux.Handle("GET /me", forwardauth.Allow)
//	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), forwardauth.Allow))
//	cfg.ErrorHandler = forwardauth.WriteError
//	endpoint, err := forwardauth.New(auth.Wrap(mux), forwardauth.Options{Headers: forwardauth.XOriginal})
//
// The headers are believed because only the proxy can reach the endpoint. Let it
// listen on a Unix socket that the proxy's user may open, or on loopback if nobody
// else works on the machine. The proxy has to set each of them itself, in place of
// what the client sent.
package forwardauth

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// Headers names the headers in which the proxy tells about the original request.
type Headers struct {
	// Method and URI are required: the method, and the path with the query, as the
	// client sent it.
	Method, URI string
	// Host is the host of the original request, for mux patterns with a host. If it
	// is "", the request has the Host that the proxy sends.
	Host string
}

var (
	// XOriginal is what conf/nginx.conf and conf/auth.lua set.
	XOriginal = Headers{Method: "X-Original-Method", URI: "X-Original-Uri", Host: "X-Original-Host"}
	// XForwarded is what Caddy and Traefik set.
	XForwarded = Headers{Method: "X-Forwarded-Method", URI: "X-Forwarded-Uri", Host: "X-Forwarded-Host"}
)

// Options of an endpoint.
type Options struct {
	// Headers is required: XOriginal, XForwarded, or names of your own. Headers of
	// other names are not looked at.
	Headers Headers
	// BadRequestAs401 answers 401 where the library answers 400, for a proxy that
	// knows no refusals but 401 and 403. The challenge still says invalid_request, and
	// the body 400. Zero: 400 stays, which nginx makes a 500 unless its configuration
	// does something about it.
	//
	// A 503 stays in any case. Where nginx makes it a 500, the client still sees that
	// it is not at fault; a 401 would send it to a new login in each outage.
	BadRequestAs401 bool
}

// New returns the endpoint. guarded is what Wrap returned for a mux whose routes run
// [Allow]; it gets each request with the original's method, URI and host.
//
// The endpoint answers 204 with the identity, or 401, 403, 400 or 503 as the library
// does. What the mux answers by itself (404, 405, a redirect to a cleaner path) is
// answered 403, and so is a URI that programs read in several ways (see
// [ParseTarget]). A request without the headers is a mistake of the wiring: 500. No
// answer may be cached.
func New(guarded http.Handler, o Options) (http.Handler, error) {
	if guarded == nil {
		return nil, fmt.Errorf("forwardauth: guarded is nil: pass what auth.Wrap(mux) returns")
	}
	if o.Headers.Method == "" || o.Headers.URI == "" {
		return nil, fmt.Errorf("forwardauth: Options.Headers is %+v: set Method and URI, or use XOriginal or XForwarded", o.Headers)
	}
	return &endpoint{guarded: guarded, Options: o}, nil
}

type endpoint struct {
	guarded http.Handler
	Options
	unwired sync.Once
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	original, why := e.original(r)
	switch why {
	case "":
		answer := &answer{ResponseWriter: w, badAs401: e.BadRequestAs401}
		e.guarded.ServeHTTP(answer, original)
		answer.WriteHeader(http.StatusNotFound) // if nobody has answered
	case notTold:
		e.unwired.Do(func() {
			slog.Error("forwardauth: a request without the headers of the original one", "method", e.Headers.Method, "uri", e.Headers.URI,
				"mend", "let the proxy set both")
		})
		refuse(w, http.StatusInternalServerError, why)
	default:
		refuse(w, http.StatusForbidden, why)
	}
}

// original makes the request that the proxy tells about. It has no body, and no
// header that only tells about it.
func (e *endpoint) original(r *http.Request) (_ *http.Request, why string) {
	method, uri := r.Header.Values(e.Headers.Method), r.Header.Values(e.Headers.URI)
	if len(method) == 0 || len(uri) == 0 {
		return nil, notTold
	}
	if len(method) > 1 || len(uri) > 1 || !isMethod(method[0]) {
		return nil, ambiguous
	}
	target, err := ParseTarget(uri[0])
	if err != nil {
		return nil, ambiguous
	}
	out := r.Clone(r.Context())
	out.Method, out.URL, out.RequestURI, out.Pattern = method[0], target, uri[0], ""
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	if e.Headers.Host != "" {
		host := r.Header.Values(e.Headers.Host)
		if len(host) != 1 {
			return nil, notTold
		}
		out.Host = host[0]
		out.Header.Del(e.Headers.Host)
	}
	out.Header.Del(e.Headers.Method)
	out.Header.Del(e.Headers.URI)
	return out, ""
}

// isMethod reports whether s is a method that a route can have. CONNECT has no
// path. Anything else, such as "get", is no method of the registry, and routers
// differ about it.
func isMethod(s string) bool {
	return s != "" && s != http.MethodConnect && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}
