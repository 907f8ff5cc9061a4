package cognitomcp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	cognitomcp "github.com/cognitoauth/cognitoauth/contrib/mcp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

func ExampleNew() {
	server := sdk.NewServer(&sdk.Implementation{Name: "orders", Version: "1.0.0"}, nil)
	sdk.AddTool(server, &sdk.Tool{Name: "read_order"}, func(ctx context.Context, req *sdk.CallToolRequest, in struct{ ID string }) (*sdk.CallToolResult, any, error) {
		caller, _ := cognitoauth.FromContext(ctx) // of this call
		text := fmt.Sprintf("order %s for %s", in.ID, caller.Subject)
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil, nil
	})

	handler, err := cognitomcp.New(server, cognitomcp.Options{
		Tools: map[string]cognitoauth.Policy{"read_order": cognitoauth.Scope("orders/read")},
		HTTP:  sdk.StreamableHTTPOptions{Stateless: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{
			ID:        "eu-west-1_EXAMPLE01",
			ClientIDs: []string{"1example23456789"},
			Audiences: []string{"https://api.example.com/mcp"},
		}},
		ProtectedResources: []cognitoauth.ProtectedResource{{
			Resource: "https://api.example.com/mcp",
			Scopes:   []string{"orders/read"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	_ = auth.Wrap(mux) // serve it
}

func ExampleAuthorizationServer() {
	document, err := cognitomcp.AuthorizationServer{
		Issuer: "https://api.example.com", // also in ProtectedResource.AuthorizationServers
		Domain: "https://example.auth.eu-west-1.amazoncognito.com",
	}.Handler()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(cognitomcp.AuthorizationServerPath, document)
}
