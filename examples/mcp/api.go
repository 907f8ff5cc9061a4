package main

// This file holds the MCP server and its protection: what you would copy.

import (
	"context"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	cognitomcp "github.com/cognitoauth/cognitoauth/contrib/mcp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// tools says who may call what.
var tools = map[string]cognitoauth.Policy{
	"read_order":   cognitoauth.Scope("orders/read"),
	"change_order": cognitoauth.Scope("orders/write"),
	"close_shop":   cognitoauth.And(cognitoauth.Group("admins"), cognitoauth.Scope("orders/write")),
}

// newServer makes an MCP server with one tool for each policy.
func newServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "orders", Version: "1.0.0"}, nil)
	for name := range tools {
		type input struct{}
		sdk.AddTool(s, &sdk.Tool{Name: name}, func(ctx context.Context, _ *sdk.CallToolRequest, _ input) (*sdk.CallToolResult, any, error) {
			caller, _ := cognitoauth.FromContext(ctx)
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: name + " for " + caller.Username}}}, nil, nil
		})
	}
	return s
}

// newAPI protects the server. origin is the address of this API, and domain that of
// managed login. config admits the tokens of a pool.
func newAPI(config cognitoauth.Config, origin, domain string) (http.Handler, error) {
	resource := origin + "/mcp"
	config.Pools[0].Audiences = []string{resource}
	config.ProtectedResources = []cognitoauth.ProtectedResource{{
		Resource: resource,
		// What a client asks for before it knows what it needs. The challenge of a
		// call names what this call needs.
		Scopes: []string{"orders/read"},
		// This API instead of the pool, because the document below is here.
		AuthorizationServers: []string{origin},
	}}
	auth, err := cognitoauth.New(config)
	if err != nil {
		return nil, err
	}
	orders, err := cognitomcp.New(newServer(), cognitomcp.Options{
		Tools: tools,
		HTTP:  sdk.StreamableHTTPOptions{Stateless: true}, // for protocol version 2026-07-28
	})
	if err != nil {
		return nil, err
	}
	// Clients want code_challenge_methods_supported, which Cognito's own document has
	// lacked.
	document, err := cognitomcp.AuthorizationServer{Issuer: origin, Domain: domain}.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	// Whoever uses this server at all may read. So the first challenge already names
	// a scope.
	mux.Handle("/mcp", cognitoauth.Require(cognitoauth.Scope("orders/read"), orders))
	mux.Handle(cognitomcp.AuthorizationServerPath, document)
	return auth.Wrap(mux), nil
}
