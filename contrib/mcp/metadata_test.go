package cognitomcp_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitomcp "github.com/cognitoauth/cognitoauth/contrib/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// publish serves the document behind Wrap and returns its address, which is its
// issuer.
func publish(t *testing.T, a cognitomcp.AuthorizationServer) string {
	t.Helper()
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{}).Config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s := httptest.NewServer(auth.Wrap(mux))
	t.Cleanup(s.Close)
	a.Issuer = s.URL
	h, err := a.Handler()
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle(cognitomcp.AuthorizationServerPath, h)
	return s.URL
}

// The SDK's own client, which refuses a document without code_challenge_methods,
// takes this one. The endpoints are those of the Cognito developer guide, "User pool
// endpoints and managed login reference".
func TestAuthorizationServer(t *testing.T) {
	const domain = "https://example.auth.eu-west-1.amazoncognito.com"
	issuer := publish(t, cognitomcp.AuthorizationServer{Domain: domain, Scopes: []string{"api/read"}})
	m, err := oauthex.GetAuthServerMeta(t.Context(), issuer+"/.well-known/oauth-authorization-server", issuer, http.DefaultClient)
	if err != nil || m == nil {
		t.Fatalf("the client reads %v, error %v", m, err)
	}
	if m.Issuer != issuer || m.AuthorizationEndpoint != domain+"/oauth2/authorize" || m.TokenEndpoint != domain+"/oauth2/token" || m.RevocationEndpoint != domain+"/oauth2/revoke" {
		t.Errorf("endpoints %+v", m)
	}
	if !slices.Equal(m.CodeChallengeMethodsSupported, []string{"S256"}) || !slices.Equal(m.ScopesSupported, []string{"api/read"}) || !slices.Equal(m.ResponseTypesSupported, []string{"code"}) {
		t.Errorf("methods %+v", m)
	}
	if m.RegistrationEndpoint != "" {
		t.Error("registration is stated and off")
	}

	issuer = publish(t, cognitomcp.AuthorizationServer{Domain: domain, Registration: true})
	m, err = oauthex.GetAuthServerMeta(t.Context(), issuer+"/.well-known/oauth-authorization-server", issuer, http.DefaultClient)
	if err != nil || m == nil || m.RegistrationEndpoint != domain+"/oauth2/register" || m.ScopesSupported != nil {
		t.Errorf("with registration: %+v, error %v", m, err)
	}
}

func TestAuthorizationServer_methods(t *testing.T) {
	issuer := publish(t, cognitomcp.AuthorizationServer{Domain: "https://login.example"})
	for _, test := range []struct {
		method string
		status int
		header map[string]string
		body   bool
	}{
		{http.MethodGet, 200, map[string]string{"Content-Type": "application/json", "Cache-Control": "public, max-age=3600"}, true},
		{http.MethodHead, 200, map[string]string{"Content-Type": "application/json"}, false},
		{http.MethodOptions, 204, map[string]string{"Access-Control-Allow-Methods": "GET, HEAD", "Access-Control-Allow-Headers": "*"}, false},
		{http.MethodPost, 405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, false},
	} {
		r, err := http.NewRequest(test.method, issuer+cognitomcp.AuthorizationServerPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 4096)
		n, _ := res.Body.Read(body)
		res.Body.Close()
		if res.StatusCode != test.status || (n > 0) != test.body {
			t.Errorf("%s: %d with %d bytes", test.method, res.StatusCode, n)
		}
		if test.body && (strings.Contains(string(body), "evil") || !strings.Contains(string(body[:n]), `"issuer":"`+issuer+`"`)) {
			t.Errorf("the document follows Host: %s", body[:n])
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", test.method, got)
		}
		for name, want := range test.header {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", test.method, name, got, want)
			}
		}
	}
}

func TestAuthorizationServer_mistakes(t *testing.T) {
	for _, bad := range []string{"", "api.example.com", "https://", "https://api.example.com/", "https://api.example.com/mcp", "https://u@api.example.com", "https://api.example.com?x", "http://api.example.com", "http://127.example.com", "ftp://localhost", "https://a b"} {
		for field, a := range map[string]cognitomcp.AuthorizationServer{
			"Issuer": {Issuer: bad, Domain: "https://login.example"},
			"Domain": {Issuer: "https://api.example", Domain: bad},
		} {
			if _, err := a.Handler(); !errors.Is(err, cognitoauth.ErrMisconfigured) || !strings.Contains(err.Error(), "AuthorizationServer."+field) {
				t.Errorf("%s %q: error %v", field, bad, err)
			}
		}
	}
	for _, good := range []string{"https://api.example.com", "https://api.example.com:8443", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"} {
		if _, err := (cognitomcp.AuthorizationServer{Issuer: good, Domain: good}).Handler(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
