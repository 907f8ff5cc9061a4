#!/usr/bin/env bash
# github.com/modelcontextprotocol/go-sdk v1.8.0, the Go SDK of the Model Context
# Protocol: its client over streamable HTTP with its auth.AuthorizationCodeHandler.
#
# Behaviour: a call that the server answers with 403 is sent a second time, with the
# same token, when the 403 does not say insufficient_scope. The handler then has
# nothing to do and reports success, and the transport takes that for a new
# authorization. A server sees each refused call twice, and so do its audit log and
# its rate limit. Without a handler the call is sent once. The package's own
# auth.RequireBearerToken answers such a 403 for a missing scope.
#
# Seen on 2026-11-29 with Go 1.26.8, a server that is RequireBearerToken around a
# handler of MCP, and one call of a tool that needs another scope:
#   without a handler: 1 request, tokens: 1
#   with a handler: 2 requests, tokens: 1
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/twice

go 1.26
END
cat >main.go <<'END'
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

func main() {
	s := mcp.NewServer(&mcp.Implementation{Name: "server", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "write"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return nil, nil, errors.New("the call was admitted")
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil)
	verify := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) {
		return &auth.TokenInfo{Scopes: []string{"read"}, Expiration: time.Now().Add(time.Hour)}, nil
	}
	read := auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{Scopes: []string{"read"}})(handler)
	write := auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{Scopes: []string{"write"}})(handler)

	requests, tokens := 0, map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte(`"tools/call"`)) {
			read.ServeHTTP(w, r)
			return
		}
		requests++
		tokens[r.Header.Get("Authorization")] = true
		write.ServeHTTP(w, r)
	}))
	defer server.Close()

	token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	login, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: "client"},
		RedirectURL:         "http://127.0.0.1/callback",
		InitialTokenSource:  token,
		AuthorizationCodeFetcher: func(context.Context, *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			panic("a login began")
		},
	})
	if err != nil {
		panic(err)
	}
	call := func(transport *mcp.StreamableClientTransport) (int, int) {
		requests = 0
		clear(tokens)
		ctx := context.Background()
		transport.Endpoint = server.URL
		session, err := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, nil).Connect(ctx, transport, nil)
		if err != nil {
			panic(err)
		}
		defer session.Close()
		if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "write"}); err == nil {
			panic("the call was answered")
		}
		return requests, len(tokens)
	}
	n, t := call(&mcp.StreamableClientTransport{HTTPClient: oauth2.NewClient(context.Background(), token)})
	fmt.Printf("without a handler: %d request, tokens: %d\n", n, t)
	n, t = call(&mcp.StreamableClientTransport{OAuthHandler: login})
	fmt.Printf("with a handler: %d requests, tokens: %d\n", n, t)
}
END
go get github.com/modelcontextprotocol/go-sdk/{mcp,auth,oauthex}@v1.8.0 2>go.log || { cat go.log; exit 1; }
seen=$(go run .)
echo "$seen"
[[ $seen == 'without a handler: 1 request, tokens: 1
with a handler: 2 requests, tokens: 1' ]] || { echo 'this has changed'; exit 1; }
