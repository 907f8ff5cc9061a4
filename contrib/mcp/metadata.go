package cognitomcp

// This file publishes metadata of the authorization server in place of Cognito.

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/cognitoauth/cognitoauth"
)

// AuthorizationServer is metadata of an OAuth authorization server (RFC 8414) that
// your API publishes on behalf of a Cognito domain.
//
// Use it only if your clients refuse Cognito's own metadata. MCP clients have to
// refuse metadata without code_challenge_methods_supported (MCP 2026-07-28,
// "Authorization Code Protection"), and that of Cognito has lacked it, although
// Cognito supports PKCE. Name Issuer in ProtectedResource.AuthorizationServers, so
// that clients find this document.
//
// It makes your API name itself as the issuer. The tokens still name the pool, and
// only the pool is trusted. If Cognito begins to send iss in authorization responses
// (RFC 9207), clients will refuse it, since it differs: then stop using this.
type AuthorizationServer struct {
	_ [0]func() // keyed literals only

	// Issuer is the address of your API, without a path: "https://api.example.com".
	// Required. http is for loopback only.
	Issuer string
	// Domain is the address of the pool's domain, without a path:
	// "https://login.example.com" or
	// "https://example.auth.eu-west-1.amazoncognito.com". Required. The endpoints
	// are those that Cognito has there: /oauth2/authorize, /oauth2/token and
	// /oauth2/revoke. http is for loopback only.
	Domain string
	// Scopes are what clients may ask for (scopes_supported). None: left out.
	Scopes []string
	// Registration says that clients may register themselves in the pool, at
	// /oauth2/register. Set it only if dynamic client registration is on there, and
	// see Pool.RegisteredClients. False: left out.
	Registration bool
}

// AuthorizationServerPath is where [AuthorizationServer.Handler] belongs in a mux.
const AuthorizationServerPath = "/.well-known/oauth-authorization-server"

// Handler returns a handler that anybody may call, for [AuthorizationServerPath]:
//
//	mux.Handle(cognitomcp.AuthorizationServerPath, h)
//
// It answers GET, HEAD and CORS preflights with a fixed document, which browsers may
// read from any site and caches may keep for an hour. Nothing is fetched. The error
// lists every mistake; errors.Is reports it as [cognitoauth.ErrMisconfigured].
func (a AuthorizationServer) Handler() (http.Handler, error) {
	mistakes := errors.Join(checkOrigin("Issuer", a.Issuer), checkOrigin("Domain", a.Domain))
	if mistakes != nil {
		return nil, fmt.Errorf("%w:\n%w", cognitoauth.ErrMisconfigured, mistakes)
	}
	document, _ := json.Marshal(a.document()) // it has strings alone, so there is no error
	return cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		publish(w, r, document)
	})), nil
}

// checkOrigin returns an error unless s is a scheme and a host.
func checkOrigin(field, s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || s != u.Scheme+"://"+u.Host:
		return fmt.Errorf("cognitomcp: AuthorizationServer.%s is %q, expected a URL without path, such as https://example.com", field, s)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return fmt.Errorf("cognitomcp: AuthorizationServer.%s is %q, expected https; http is for loopback only", field, s)
	}
	return nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// metadata has the members of RFC 8414, section 2, that we know of Cognito. It has
// no jwks_uri: the member is optional, and an MCP client verifies no token.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	Scopes                []string `json:"scopes_supported,omitempty"`
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
}

func (a AuthorizationServer) document() metadata {
	m := metadata{
		Issuer:                a.Issuer,
		AuthorizationEndpoint: a.Domain + "/oauth2/authorize",
		TokenEndpoint:         a.Domain + "/oauth2/token",
		RevocationEndpoint:    a.Domain + "/oauth2/revoke",
		Scopes:                a.Scopes,
		ResponseTypes:         []string{"code"},
		GrantTypes:            []string{"authorization_code", "refresh_token"},
		AuthMethods:           []string{"none", "client_secret_basic", "client_secret_post"},
		ChallengeMethods:      []string{"S256"},
	}
	if a.Registration {
		m.RegistrationEndpoint = a.Domain + "/oauth2/register"
	}
	return m
}

// publish answers with a public document.
func publish(w http.ResponseWriter, r *http.Request, document []byte) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		w.Write(document)
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		// MCP clients send MCP-Protocol-Version with each request.
		h.Set("Access-Control-Allow-Headers", "*")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}
