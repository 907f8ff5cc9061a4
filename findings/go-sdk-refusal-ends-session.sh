#!/usr/bin/env bash
# github.com/modelcontextprotocol/go-sdk v1.8.0, the Go SDK of the Model Context
# Protocol: its client over streamable HTTP.
#
# Behaviour: whether a client's session outlives the refusal of one call depends on
# the body of the refusal. After a 403 the session goes on only if the body is a
# JSON-RPC error that names the ID of the call. With any other body (plain text, or a
# JSON-RPC error whose ID is null, as of a gateway that does not read requests) the
# session is over: the next call is not even sent, although the server would answer
# it. After a 500 with plain text the session goes on.
#
# Seen on 2026-11-29 with Go 1.26.8:
#   403, text: next call: connection closed: calling "tools/call": client is closing: sending "tools/call": Forbidden
#   403, error with the ID: next call: answered
#   403, error with null: next call: connection closed: calling "tools/call": client is closing: sending "tools/call": Forbidden
#   500, text: next call: answered
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/refusal

go 1.26
END
cat >main.go <<'END'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// serve answers as an MCP server with one tool. It refuses the first call of the tool.
func serve(status int, contentType, body string) *httptest.Server {
	refused := false
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage
			Method string
		}
		json.NewDecoder(r.Body).Decode(&m)
		var answer string
		switch {
		case r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case m.ID == nil:
			w.WriteHeader(http.StatusAccepted)
			return
		case m.Method == "initialize":
			answer = `"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"server","version":"1"}}`
		case m.Method != "tools/call":
			answer = `"error":{"code":-32601,"message":"no such method"}`
		case refused:
			answer = `"result":{"content":[]}`
		default:
			refused = true
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, strings.ReplaceAll(body, "ID", string(m.ID)))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,%s}`, m.ID, answer)
	}))
}

func main() {
	ctx := context.Background()
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"403, text", "text/plain", "not permitted", 403},
		{"403, error with the ID", "application/json", `{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"not permitted"}}`, 403},
		{"403, error with null", "application/json", `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"not permitted"}}`, 403},
		{"500, text", "text/plain", "out of order", 500},
	} {
		server := serve(c.status, c.contentType, c.body)
		session, err := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, nil).
			Connect(ctx, &mcp.StreamableClientTransport{Endpoint: server.URL}, nil)
		if err != nil {
			panic(err)
		}
		call := &mcp.CallToolParams{Name: "tool"}
		if _, err := session.CallTool(ctx, call); err == nil {
			panic("the first call was answered")
		}
		next := "answered"
		if _, err := session.CallTool(ctx, call); err != nil {
			next = err.Error()
		}
		fmt.Printf("%s: next call: %s\n", c.name, next)
		session.Close()
		server.Close()
	}
}
END
go get github.com/modelcontextprotocol/go-sdk/mcp@v1.8.0 2>go.log || { cat go.log; exit 1; }
seen=$(go run .)
echo "$seen"
over='connection closed: calling "tools/call": client is closing: sending "tools/call": Forbidden'
[[ $seen == "403, text: next call: $over
403, error with the ID: next call: answered
403, error with null: next call: $over
500, text: next call: answered" ]] || { echo 'this has changed'; exit 1; }
