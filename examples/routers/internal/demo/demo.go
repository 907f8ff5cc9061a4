// Package demo runs the programs of this module: it starts a user pool in the
// process, serves the API on a free loopback port, and prints curl lines.
package demo

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// NewAPI builds the routes of one program. Each handler tells record that it
// ran, so that a test can say that it did not.
type NewAPI func(auth *cognitoauth.Middleware, record func(...any)) http.Handler

// Main serves the API until Ctrl-C.
func Main(newAPI NewAPI) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := Serve(ctx, os.Stdout, newAPI); err != nil {
		log.Fatal(err)
	}
}

// Serve prints what to paste, and serves the API until ctx ends.
func Serve(ctx context.Context, out io.Writer, newAPI NewAPI) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: newAPI(auth, log.Print), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { srv.Close() })
	printCalls(out, "http://"+l.Addr().String(), pool)
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

func printCalls(out io.Writer, base string, pool *cognitotest.Pool) {
	jane := pool.AccessToken()
	for _, call := range []struct {
		what, options, path string
		token               *cognitotest.Token
	}{
		{"200: open to anyone", "", "/healthz", nil},
		{"200: open, below a sub-router", "", "/v1/version", nil},
		{"401: no token", "", "/me", nil},
		{"200: any valid token", "", "/me", jane},
		{"200: a token with the scope orders/write", "-X POST ", "/orders", jane.Scopes("orders/write")},
		{"403: a token without it", "-X POST ", "/orders", jane},
		{"200: jane's own page", "", "/users/jane", jane},
		{"403: the page of somebody else", "", "/users/joe", jane},
		{"401: no such route, and no token", "", "/nope", nil},
		{"404: no such route", "", "/nope", jane},
	} {
		fmt.Fprintf(out, "# %s\ncurl -i %s%s%s", call.what, call.options, base, call.path)
		if call.token != nil {
			fmt.Fprintf(out, " -H 'Authorization: Bearer %s'", call.token)
		}
		fmt.Fprint(out, "\n\n")
	}
	fmt.Fprintf(out, "Serving on %s until Ctrl-C.\n", base)
}
