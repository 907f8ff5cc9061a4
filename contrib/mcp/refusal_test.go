package cognitomcp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitomcp "github.com/cognitoauth/cognitoauth/contrib/mcp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A refused call is an error of JSON-RPC 2.0 that names the call, so that a client can
// tell which call has failed.
func TestRefusal(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools, HTTP: sessionless}, nil)
	const problem = `{"title":"Forbidden","status":403,"detail":"not permitted","code":"policy_denies"}`
	for _, test := range []struct{ name, body, contentType, want string }{
		{"string", `{"jsonrpc":"2.0","id":"a\"\u0062","method":"tools/call","params":{"name":"new"}}`, "application/json",
			`{"jsonrpc":"2.0","id":"a\"b","error":{"code":-32000,"message":"not permitted","data":` + problem + "}}\n"},
		{"number", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"new"}}`, "application/json",
			`{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"not permitted","data":` + problem + "}}\n"},
		{"null", `{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"new"}}`, "application/problem+json", problem + "\n"},
		{"none", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"new"}}`, "application/problem+json", problem + "\n"},
		{"neither", `{"jsonrpc":"2.0","id":[1],"method":"tools/call","params":{"name":"new"}}`, "application/problem+json", problem + "\n"},
		{"batch", `[{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"new"}}]`, "application/problem+json", problem + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := a.do(t, http.MethodPost, a.pool.AccessToken().String(), test.body)
			if got.status != http.StatusForbidden || got.body != test.want || got.header.Get("Content-Type") != test.contentType {
				t.Errorf("%d %s %s, want %s %s", got.status, got.header.Get("Content-Type"), got.body, test.contentType, test.want)
			}
			if cache := got.header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
		})
	}
}

// The SDK's client goes on after a refused call.
func TestRefusal_clientGoesOn(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools, HTTP: sessionless}, nil)
	token := a.pool.AccessToken().Scopes("api/read").String()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: a.url, HTTPClient: &http.Client{Transport: bearer(token)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "new"}); err == nil || !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("refused call: %v", err)
	}
	if _, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "read"}); err != nil || a.calls.Load() != 1 {
		t.Errorf("call after it: %v", err)
	}
}

// bearer is a transport that sends a token.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// The answer of an ErrorHandler stays as it is.
func TestRefusal_errorHandler(t *testing.T) {
	for name, test := range map[string]struct {
		handler func(http.ResponseWriter, *http.Request, *cognitoauth.Error)
		status  int
		body    string
	}{
		"text": {func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			http.NewResponseController(w).Flush() // must not send 200
			http.Error(w, e.Code, http.StatusTeapot)
		}, http.StatusTeapot, "policy_denies\n"},
		"no status": {func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			io.WriteString(w, e.Code)
		}, http.StatusOK, "policy_denies"},
		"no body": {func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			w.WriteHeader(e.Status)
		}, http.StatusForbidden, ""},
		"problem that is no JSON": {func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(e.Status)
			io.WriteString(w, "{")
		}, http.StatusForbidden, "{"},
	} {
		t.Run(name, func(t *testing.T) {
			pool := cognitotest.NewPool(t, cognitotest.Options{})
			config := pool.Config()
			config.ErrorHandler = test.handler
			auth, err := cognitoauth.New(config)
			if err != nil {
				t.Fatal(err)
			}
			var a api
			h, err := cognitomcp.New(a.newServer(), cognitomcp.Options{Tools: tools, HTTP: sessionless})
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(auth.Wrap(h))
			defer s.Close()
			a.url = s.URL
			got := a.do(t, http.MethodPost, pool.AccessToken().String(), call("new"))
			if got.status != test.status || got.body != test.body || a.calls.Load() != 0 {
				t.Errorf("%d %q, want %d %q", got.status, got.body, test.status, test.body)
			}
		})
	}
}
