// Command quickstart is an API behind cognitoauth that runs without an AWS
// account: a user pool of the test kit lives in the process and signs tokens.
//
//	go run ./examples/quickstart
//
// starts it on loopback and prints curl lines to paste. With
// COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS set, the same API is protected by
// that pool instead. With -selfcheck it makes the calls itself, prints the
// answers, and fails if one is not what it should be.
//
// How the library is used is in api.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

const defaultAddr = "127.0.0.1:8080"

func main() {
	addr := flag.String("addr", "", "`address` to listen on (default "+defaultAddr+", or a free port if that is taken)")
	check := flag.Bool("selfcheck", false, "call the API with tokens of an embedded pool, print the answers, and stop")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	run := serve
	if *check {
		run = runSelfcheck
	}
	if err := run(ctx, *addr, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// serve runs the API until ctx ends.
func serve(ctx context.Context, addr string, stdout, stderr io.Writer) error {
	cfg, pool, err := configure()
	if err != nil {
		return err
	}
	if pool != nil {
		defer pool.Close()
	}
	// Each refusal is a line that tells what was found, what was expected, and
	// which setting mends it.
	cfg.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	auth, api, err := newAPI(cfg)
	if err != nil {
		return err
	}
	if pool == nil {
		// Keys come with the first token too; asking now finds a mistyped pool.
		if err := auth.Ready(ctx); err != nil {
			return err
		}
	}
	l, err := listen(addr, defaultAddr)
	if err != nil {
		return err
	}
	return serveOn(ctx, l, api, func(base string) error {
		_, err := io.WriteString(stdout, welcome(base, cfg, pool))
		return err
	})
}

// configure takes the pool that the environment names, or starts one.
func configure() (cognitoauth.Config, *cognitotest.Pool, error) {
	if os.Getenv("COGNITO_USER_POOL_ID") != "" || os.Getenv("COGNITO_CLIENT_IDS") != "" {
		cfg, err := cognitoauth.FromEnv()
		return cfg, nil, err
	}
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return cognitoauth.Config{}, nil, err
	}
	return pool.Config(), pool, nil
}

// runSelfcheck needs tokens of every kind, which only the embedded pool signs:
// the environment is not looked at.
func runSelfcheck(ctx context.Context, addr string, stdout, _ io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	_, api, err := newAPI(pool.Config())
	if err != nil {
		return err
	}
	l, err := listen(addr, "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	return serveOn(ctx, l, api, func(base string) error {
		defer stop()
		return selfcheck(ctx, stdout, base, calls(pool))
	})
}

// listen listens on addr; if that is empty on preferred, or on a free port.
func listen(addr, preferred string) (net.Listener, error) {
	if addr != "" {
		return net.Listen("tcp", addr)
	}
	l, err := net.Listen("tcp", preferred)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	return l, err
}

// serveOn serves h on l, calls ready with the URL of the server, and shuts down
// when ready fails or ctx ends.
func serveOn(ctx context.Context, l net.Listener, h http.Handler, ready func(base string) error) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	err := ready("http://" + l.Addr().String())
	if err == nil {
		select {
		case err = <-served:
			return err
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if late := srv.Shutdown(last); err == nil {
		err = late
	}
	return err
}

// welcome tells what to paste, and last, where it stays in sight, what runs.
func welcome(base string, cfg cognitoauth.Config, pool *cognitotest.Pool) string {
	var b strings.Builder
	p, all := cfg.Pools[0], realCalls()
	if pool != nil {
		all = calls(pool)
		fmt.Fprintf(&b, "An API behind cognitoauth. It trusts user pool %s, which lives in this process,\n", p.ID)
		fmt.Fprintf(&b, "and tokens of app client %s. Paste these lines into another terminal.\n", pool.ClientID())
	} else {
		fmt.Fprintf(&b, "An API behind cognitoauth. It trusts user pool %s\n", p.ID)
		fmt.Fprintf(&b, "and tokens of app client %s. Paste these lines into another terminal,\n", strings.Join(p.ClientIDs, " or "))
		fmt.Fprintf(&b, "where TOKEN is set to an %s token of the pool.\n", kind(p))
	}
	for _, c := range all {
		fmt.Fprintf(&b, "\n# %d: %s\n%s\n", c.status, c.what, c.curl(base))
	}
	if pool != nil {
		fmt.Fprintf(&b, "\n# why the last one is refused, check by check\n%s\n", doctor(cfg, all[len(all)-1].token))
	}
	fmt.Fprintf(&b, "\nThe API listens on %s until Ctrl-C. Why it refuses a request is logged here.\n", base)
	return b.String()
}

func kind(p cognitoauth.Pool) string {
	if p.TokenUse == cognitoauth.IDToken {
		return "ID"
	}
	return "access"
}
