package main

import (
	"context"
	"log"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cognitoauth/cognitoauth"
	cognitohuma "github.com/cognitoauth/cognitoauth/contrib/huma"
)

const pool = "eu-west-1_EXAMPLE01"

func main() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: pool, ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	register(newAPI(auth, mux))
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(mux)))
}

func newAPI(auth *cognitoauth.Middleware, mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("Orders", "1.0.0")
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"cognito": {Type: "openIdConnect", OpenIDConnectURL: "https://cognito-idp.eu-west-1.amazonaws.com/" + pool + "/.well-known/openid-configuration"},
	}
	config.Security = []map[string][]string{{"cognito": {}}} // of operations that say nothing
	return cognitohuma.New(auth, mux, config, cognitohuma.Options{
		Schemes: cognitohuma.Schemes{"cognito": cognitoauth.Scope},
	})
}

func register(api huma.API) {
	huma.Get(api, "/healthz", health, func(op *huma.Operation) { op.Security = open })
	huma.Get(api, "/me", me) // any valid token
	huma.Post(api, "/orders", create, func(op *huma.Operation) { op.Security = needs("orders/write") })
}

var open = []map[string][]string{} // not nil

func needs(scopes ...string) []map[string][]string { return []map[string][]string{{"cognito": scopes}} }

type answer struct{ Body string }

func health(context.Context, *struct{}) (*answer, error) { return &answer{"ok"}, nil }

func me(ctx context.Context, _ *struct{}) (*answer, error) {
	claims, _ := cognitoauth.FromContext(ctx)
	return &answer{"hello " + claims.Username}, nil
}

func create(context.Context, *struct{}) (*answer, error) { return &answer{"created"}, nil }
