#!/usr/bin/env bash
# github.com/ogen-go/ogen v1.25.0, a generator of servers from OpenAPI descriptions.
#
# Behaviour: a generated SecurityHandler gets the same scopes for an operation whose
# security is [{oauth: [a]}, {oauth: [b]}], a or b, as for one whose security is
# [{oauth: [a, b]}], a and b. It cannot tell which is meant: if it asks for all scopes,
# callers are refused that the description admits; if it asks for one of them, callers
# are admitted that the description refuses.
#
# Seen on 2026-11-29 with Go 1.26.8:
#   [a b] [a b]
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/scopes

go 1.26
END
cat >openapi.yaml <<'END'
openapi: 3.0.3
info: {title: Scopes, version: 1.0.0}
paths:
  /x:
    get:
      operationId: oneOf
      security: [{oauth: [a]}, {oauth: [b]}]
      responses: {'204': {description: Done.}}
    post:
      operationId: allOf
      security: [{oauth: [a, b]}]
      responses: {'204': {description: Done.}}
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: 'https://example.com/token', scopes: {a: A., b: B.}}}
END
cat >main.go <<'END'
package main

import (
	"fmt"

	"example.com/scopes/api"
)

func main() {
	fmt.Println(api.GetOAuth2ScopesForOAuth(api.OneOfOperation), api.GetOAuth2ScopesForOAuth(api.AllOfOperation))
}
END
{
  go get -tool github.com/ogen-go/ogen/cmd/ogen@v1.25.0
  go tool ogen -target api -package api openapi.yaml
  go mod tidy
} >go.log 2>&1 || { cat go.log; exit 1; }
seen=$(go run .)
echo "$seen"
[[ $seen == '[a b] [a b]' ]] || { echo 'this has changed'; exit 1; }
