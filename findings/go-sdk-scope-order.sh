#!/usr/bin/env bash
# github.com/modelcontextprotocol/go-sdk v1.8.0, the Go SDK of the Model Context
# Protocol: its auth.AuthorizationCodeHandler.
#
# Behaviour: the scopes of the authorization request come in another order from login
# to login, whatever the challenge of the server says. A ScopeFilter, which by its
# documentation may put the scopes in order, has no influence on the order either:
# after it the scopes go through a map. The set is right, and OAuth gives the order no
# meaning, but a test or a log that compares authorization URLs sees a change.
#
# Seen on 2026-11-29 with Go 1.26.8: 100 logins with the challenge scope="a b c d",
# and a ScopeFilter that sorts, have
#   orders: 4, sets: 1
# (a b c d in some 60 of them, else b c d a, c d a b or d a b c).
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/order

go 1.26
END
cat >main.go <<'END'
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here := "http://" + r.Host
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/resource":
			fmt.Fprintf(w, `{"resource":"%s/mcp","authorization_servers":["%s"]}`, here, here)
		case "/.well-known/oauth-authorization-server":
			fmt.Fprintf(w, `{"issuer":"%s","authorization_endpoint":"%s/authorize","token_endpoint":"%s/token",
				"response_types_supported":["code"],"code_challenge_methods_supported":["S256"]}`, here, here, here)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()

	orders, sets := map[string]int{}, map[string]int{}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: "client"},
		RedirectURL:         "http://127.0.0.1/callback",
		ScopeFilter:         func(scopes []string) []string { return slices.Sorted(slices.Values(scopes)) },
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			u, err := url.Parse(args.URL)
			if err != nil {
				panic(err)
			}
			scopes := strings.Fields(u.Query().Get("scope"))
			orders[fmt.Sprint(scopes)]++
			slices.Sort(scopes)
			sets[fmt.Sprint(scopes)]++
			return nil, errors.New("the user turns back")
		},
	})
	if err != nil {
		panic(err)
	}
	for range 100 {
		req := httptest.NewRequest(http.MethodPost, server.URL+"/mcp", nil)
		challenge := `Bearer resource_metadata="` + server.URL + `/resource", scope="a b c d"`
		handler.Authorize(context.Background(), req, &http.Response{
			StatusCode: http.StatusUnauthorized,
			Header:     http.Header{"Www-Authenticate": {challenge}},
			Body:       http.NoBody,
		})
	}
	if sets["[a b c d]"] != 100 {
		panic(fmt.Sprint("scopes asked for: ", sets))
	}
	fmt.Printf("orders: %d, sets: %d\n", len(orders), len(sets))
}
END
go get github.com/modelcontextprotocol/go-sdk/{auth,oauthex}@v1.8.0 2>go.log || { cat go.log; exit 1; }
seen=$(go run .)
echo "$seen"
[[ $seen == 'orders: 4, sets: 1' ]] || { echo 'this has changed'; exit 1; }
