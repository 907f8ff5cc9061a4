#!/usr/bin/env bash
# github.com/lestrrat-go/jwx/v3 v3.4.0, JWT for Go, and the encoding/json of Go 1.27.
#
# Behaviour: a third of what jwt.Parse allocates is encoding/json's. The build tag
# jwx_goccy, which puts github.com/goccy/go-json in its place, avoids it, and so does
# the encoding/json of Go 1.27 (GOEXPERIMENT=jsonv2 before), without the dependency:
# the tag takes away 57 allocations from a build with Go 1.26, and 7 with Go 1.27.
# A comparison of the two decoders has to say which Go it was.
#
# Seen on 2026-11-29: allocations of jwt.Parse for one HS256 token of six claims
#   go1.26.8: 156, with jwx_goccy: 99
#   go1.27.4: 103, with jwx_goccy: 96
# Go 1.26.8 with GOEXPERIMENT=jsonv2 has the figures of Go 1.27.4, and that with
# GOEXPERIMENT=nojsonv2 those of Go 1.26.8.
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
unset GOEXPERIMENT
cd "$dir"
cat >go.mod <<'END'
module example.com/parse

go 1.26
END
cat >main.go <<'END'
package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

func main() {
	key, err := jwk.Import(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		panic(err)
	}
	token := jwt.New()
	for name, value := range map[string]any{
		"iss": "https://issuer.example", "sub": "ada", "iat": 1790000000, "exp": 4102444800,
		"scope": "read write", "groups": []string{"one", "two"},
	} {
		if err := token.Set(name, value); err != nil {
			panic(err)
		}
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.HS256(), key))
	if err != nil {
		panic(err)
	}
	fmt.Print(testing.AllocsPerRun(1000, func() {
		if _, err := jwt.Parse(signed, jwt.WithKey(jwa.HS256(), key)); err != nil {
			panic(err)
		}
	}))
}
END
{ go get github.com/lestrrat-go/jwx/v3@v3.4.0 && go mod tidy; } 2>go.log || { cat go.log; exit 1; }
seen=$(for version in go1.26.8 go1.27.4; do
  export GOTOOLCHAIN=$version
  echo "$version: $(go run .), with jwx_goccy: $(go run -tags jwx_goccy .)"
done)
echo "$seen"
[[ $seen == 'go1.26.8: 156, with jwx_goccy: 99
go1.27.4: 103, with jwx_goccy: 96' ]] || { echo 'this has changed'; exit 1; }
