#!/usr/bin/env bash
# github.com/danielgtaylor/huma/v2 v2.37.2, its adapter humago for http.ServeMux.
#
# Behaviour: an operation with the path "/" answers every path that no other operation
# has, since humago registers it at the mux as "GET /", a pattern for the whole tree.
# In the description that huma makes, "/" is one path. With its adapter humachi the
# same operation answers "/" alone.
#
# Seen on 2026-11-29 with Go 1.26.8: statuses of GET /, GET /nope, GET /a/b
#   humago: 204 204 204
#   humachi: 204 404 404
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/root

go 1.26
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-chi/chi/v5"
)

func main() {
	mux, router := http.NewServeMux(), chi.NewRouter()
	for _, c := range []struct {
		name string
		api  huma.API
		h    http.Handler
	}{
		{"humago", humago.New(mux, huma.DefaultConfig("Root", "1.0.0")), mux},
		{"humachi", humachi.New(router, huma.DefaultConfig("Root", "1.0.0")), router},
	} {
		huma.Get(c.api, "/", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		fmt.Print(c.name, ":")
		for _, path := range []string{"/", "/nope", "/a/b"} {
			w := httptest.NewRecorder()
			c.h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			fmt.Print(" ", w.Code)
		}
		fmt.Println()
	}
}
END
{
  go get github.com/danielgtaylor/huma/v2@v2.37.2 github.com/go-chi/chi/v5@v5.2.3
  go mod tidy
} >go.log 2>&1 || { cat go.log; exit 1; }
seen=$(go run .)
echo "$seen"
[[ $seen == $'humago: 204 204 204\nhumachi: 204 404 404' ]] || { echo 'this has changed'; exit 1; }
