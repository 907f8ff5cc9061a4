#!/usr/bin/env bash
# github.com/gofiber/fiber/v3 v3.1.0, adaptor.HTTPMiddleware, on Go 1.26.8.
#
# Behaviour: middleware of net/http that puts a value into the request's context with
# context.WithValue finds it again in fiber's handler. If it hands on a context of a type
# of its own, whose method Value has the value, as context.Context allows, the value is
# lost, without an error: the adaptor looks into the fields of the standard library's
# type and never calls Value.
#
# Seen on 2026-11-30:
#   context.WithValue: ann
#   a type of its own: nobody
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/adaptor

go 1.26
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
)

type who struct{}

// known is a context that knows who calls.
type known struct {
	context.Context
	name string
}

func (k known) Value(key any) any {
	if key == (who{}) {
		return k.name
	}
	return k.Context.Value(key)
}

func main() {
	for _, way := range []struct {
		name    string
		derived func(context.Context) context.Context
	}{
		{"context.WithValue", func(ctx context.Context) context.Context { return context.WithValue(ctx, who{}, "ann") }},
		{"a type of its own", func(ctx context.Context) context.Context { return known{ctx, "ann"} }},
	} {
		app := fiber.New()
		app.Use(adaptor.HTTPMiddleware(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(way.derived(r.Context())))
			})
		}))
		app.Get("/", func(c fiber.Ctx) error {
			name, ok := c.Value(who{}).(string)
			if !ok {
				name = "nobody"
			}
			return c.SendString(name)
		})
		res, err := app.Test(httptest.NewRequest("GET", "/", nil))
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %s\n", way.name, body)
	}
}
END
go get github.com/gofiber/fiber/v3@v3.1.0 >get.log 2>&1 || { cat get.log; exit 1; }
go mod tidy >tidy.log 2>&1 || { cat tidy.log; exit 1; }
go run . >out
cat out
diff out - <<'END'
context.WithValue: ann
a type of its own: nobody
END
