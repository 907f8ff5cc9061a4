package cognitomcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const callWrite = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write"}}`

// counting returns a server with one tool, and how often it has run.
func counting() (*sdk.Server, *int) {
	ran := new(int)
	s := sdk.NewServer(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s.AddTool(&sdk.Tool{Name: "write", InputSchema: map[string]any{"type": "object"}}, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		*ran++
		return &sdk.CallToolResult{}, nil
	})
	return s, ran
}

func post(h http.Handler, pool *cognitotest.Pool, scopes ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(callWrite))
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, cognitotest.WithClaims(r, pool.AccessToken().Scopes(scopes...).Claims()))
	return w
}

// The gate refuses by itself, in front of a server that refuses nothing.
func TestGate_alone(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	var bodies []string
	g := &gate{rules: rules{tools: map[string]cognitoauth.Policy{"write": cognitoauth.Scope("api/write")}}, limit: 1000,
		server: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body := make([]byte, 1000)
			n, _ := r.Body.Read(body)
			bodies = append(bodies, string(body[:n]))
		})}
	if w := post(g, pool, "api/read"); w.Code != http.StatusForbidden || len(bodies) != 0 {
		t.Errorf("without the scope: %d, the server got %q", w.Code, bodies)
	}
	if w := post(g, pool, "api/write"); w.Code != http.StatusOK || len(bodies) != 1 || bodies[0] != callWrite {
		t.Errorf("with it: %d, the server got %q", w.Code, bodies)
	}
}

// The second door refuses by itself, behind a gate that has let the call through.
func TestReceive_alone(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	server, ran := counting()
	r := rules{tools: map[string]cognitoauth.Policy{"write": cognitoauth.Scope("api/write")}}
	server.AddReceivingMiddleware(r.receive)
	open := &gate{rules: rules{others: cognitoauth.Authenticated()}, limit: 1000,
		server: sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true})}
	if w := post(open, pool, "api/read"); !strings.Contains(w.Body.String(), `"error":{"code":-32000,"message":"the token lacks a scope"}`) || *ran != 0 {
		t.Errorf("without the scope: %s, the tool ran %d times", w.Body, *ran)
	}
	if w := post(open, pool, "api/write"); !strings.Contains(w.Body.String(), `"result"`) || *ran != 1 {
		t.Errorf("with it: %s, the tool ran %d times", w.Body, *ran)
	}
}

// What did not come through the gate has no caller, even if somebody else has put a
// TokenInfo there.
func TestReceive_otherTransports(t *testing.T) {
	t.Run("in memory", func(t *testing.T) {
		server, ran := counting()
		if _, err := New(server, Options{Others: cognitoauth.Authenticated()}); err != nil {
			t.Fatal(err)
		}
		here, there := sdk.NewInMemoryTransports()
		if _, err := server.Connect(t.Context(), there, nil); err != nil {
			t.Fatal(err)
		}
		session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), here, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		_, err = session.CallTool(t.Context(), &sdk.CallToolParams{Name: "write"})
		var refusal *jsonrpc.Error
		if !errors.As(err, &refusal) || refusal.Code != codeForbidden || *ran != 0 {
			t.Errorf("error %v, the tool ran %d times", err, *ran)
		}
	})
	t.Run("the SDK's own bearer token", func(t *testing.T) {
		server, ran := counting()
		if _, err := New(server, Options{Others: cognitoauth.Authenticated()}); err != nil {
			t.Fatal(err)
		}
		any := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) {
			return &auth.TokenInfo{UserID: "ada", Extra: map[string]any{extraKey: "ada"}}, nil
		}
		h := auth.RequireBearerToken(any, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(
			sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
		r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(callWrite))
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer any")
		w := httptest.NewRecorder()
		// Not even claims help that the context has from another request.
		h.ServeHTTP(w, cognitotest.WithClaims(r, cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).AccessToken().Claims()))
		if !strings.Contains(w.Body.String(), `"code":-32000`) || *ran != 0 {
			t.Errorf("%s, the tool ran %d times", w.Body, *ran)
		}
	})
}

// A call whose params are of a type that we do not know is refused.
func TestReceive_otherParams(t *testing.T) {
	r := rules{others: cognitoauth.Authenticated()}
	request := cognitotest.WithClaims(httptest.NewRequest(http.MethodPost, "/", nil), cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).AccessToken().Claims())
	ran := false
	_, err := r.receive(func(context.Context, string, sdk.Request) (sdk.Result, error) {
		ran = true
		return nil, nil
	})(t.Context(), "tools/call", &sdk.ServerRequest[*sdk.CallToolParams]{
		Params: &sdk.CallToolParams{Name: "write"},
		Extra:  &sdk.RequestExtra{TokenInfo: &auth.TokenInfo{Extra: map[string]any{extraKey: caller{request}}}},
	})
	if err == nil || ran {
		t.Errorf("error %v, ran %t", err, ran)
	}
}

func TestCallContext(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	with := func(user string) context.Context {
		return cognitotest.WithClaims(httptest.NewRequest(http.MethodPost, "/", nil), pool.AccessToken().User(user).Claims()).Context()
	}
	type key struct{}
	old := context.WithValue(with("old"), key{}, "old")
	session, cancel := context.WithCancelCause(old)
	ctx := &callContext{session, context.WithValue(with("new"), key{}, "new")}

	if c, ok := cognitoauth.FromContext(ctx); !ok || c.Username != "new" {
		t.Error("the claims are not those of the call")
	}
	if got := ctx.Value(key{}); got != "old" {
		t.Errorf("another key has the value %v, want that of the session", got)
	}
	if ctx.Value(nil) != nil {
		t.Error("there is a value for nil")
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	why := errors.New("why")
	cancel(why)
	<-inner.Done()
	if got := context.Cause(inner); got != why {
		t.Errorf("cause %v, want that of the session", got)
	}
	// Package fmt prints a context that the one below it has in a field.
	if got := fmt.Sprintf("%v %+v %s %d", ctx, inner, inner, ctx); strings.Contains(got, "new") || strings.Contains(got, "old") {
		t.Errorf("printed as %s", got)
	}
}
