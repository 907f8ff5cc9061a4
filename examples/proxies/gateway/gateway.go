// Package gateway is a reverse proxy in Go that passes on who called, to be registered
// behind cognitoauth's Wrap. It deletes the headers by which a caller could claim to be
// somebody else.
package gateway

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
)

// Options of a gateway.
type Options struct {
	// KeepAuthorization passes the token on, for a program behind that validates it
	// again. Zero: the program behind gets the identity and no token, so it cannot lose
	// one. A token in a cookie is passed on in any case.
	KeepAuthorization bool
	// Transport carries the requests to the program behind. Zero:
	// http.DefaultTransport.
	Transport http.RoundTripper
}

// New returns a handler that passes requests on to upstream, with the headers of
// [forwardauth.Names] that say who called. It refuses a path that upstream may read in
// another way than the mux has (see [forwardauth.ParseTarget]). A WebSocket ends when
// the token expires. No other upgrade is passed on: in h2c, for one, the requests that
// follow on the connection would reach upstream without being asked for a token.
//
// Only the gateway may be able to reach upstream, which believes these headers.
func New(upstream *url.URL, o Options) http.Handler {
	return &gateway{&httputil.ReverseProxy{
		Transport: o.Transport,
		// Rewrite, and not Director: what Director sets is deleted again if the caller
		// names it in the header Connection.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = r.In.Host
			r.Out.Trailer = nil
			if upgrades := r.In.Header["Upgrade"]; len(upgrades) != 1 || !strings.EqualFold(upgrades[0], "websocket") {
				r.Out.Header.Del("Upgrade")
				r.Out.Header.Del("Connection")
			}
			for name := range r.Out.Header {
				if forgeable(name) {
					delete(r.Out.Header, name)
				}
			}
			if !o.KeepAuthorization {
				r.Out.Header.Del("Authorization")
			}
			r.SetXForwarded()
			forwardauth.Set(r.Out.Header, r.In)
			for _, name := range forwardauth.Names() {
				if r.Out.Header.Get(name) == "" {
					r.Out.Header.Del(name)
				}
			}
		},
	}}
}

type gateway struct{ proxy *httputil.ReverseProxy }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := forwardauth.ParseTarget(r.URL.RequestURI()); err != nil {
		http.Error(w, "the path is ambiguous", http.StatusBadRequest)
		return
	}
	if !forwardauth.Set(http.Header{}, r) {
		http.Error(w, "the identity does not fit into a header", http.StatusForbidden)
		return
	}
	if claims, ok := cognitoauth.FromContext(r.Context()); ok && r.Header.Get("Upgrade") != "" {
		ctx, cancel := cognitoauth.WithExpiry(r.Context(), claims)
		defer cancel()
		r = r.WithContext(ctx)
	}
	g.proxy.ServeHTTP(w, r)
}

// forgeable reports whether a program behind a proxy would believe a header of this
// name to be the proxy's. Many servers (CGI, WSGI, PHP) take X_Auth_Subject for
// X-Auth-Subject, so both count.
func forgeable(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	for _, prefix := range []string{"x-auth-", "x-forwarded-", "x-original-", "x-amzn-oidc-", "x-remote-", "x-real-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "forwarded" || name == "remote-user"
}
