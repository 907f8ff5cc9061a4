// Command quickstart is an API behind cognitoauth that runs without an AWS
// account: a user pool of the test kit lives in the process and signs tokens.
//
//	go run ./examples/quickstart
//
// starts it on loopback, prints curl commands to paste, and serves a page with
// buttons for the same calls. With
// COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS set, the same API is protected by
// that pool instead. With -selfcheck it makes the calls itself, prints the
// answers, and fails if one is not what it should be.
//
// How the library is used is in api.go. Around it, environment.go chooses the
// pool, tokens.go hands out tokens of the embedded one, front.go serves them and
// the page, calls.go has the calls and welcome.go prints them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
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
	clock := new(playground.Clock)
	cfg, pool, err := configure(clock)
	if err != nil {
		return err
	}
	if pool != nil {
		defer pool.Close()
	} else {
		clock = nil
	}
	cfg.OnDecision = playground.Watch
	// Each refusal is a record that tells what was found, what was expected, and
	// which setting mends it.
	cfg.Logger = logTo(stderr)
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
	if pool != nil && !givesTokens(l.Addr()) {
		l.Close()
		return fmt.Errorf("-addr %s is not loopback, and the embedded pool gives no tokens elsewhere.\n"+
			"Choose an address such as %s, or name a pool of yours", addr, defaultAddr)
	}
	site, err := withFront(auth, api, pool, clock)
	if err != nil {
		l.Close()
		return err
	}
	return serveOn(ctx, l, site, func(base string) error {
		text := welcome(base, cfg, pool, styleOf(terminal(stdout), os.Getenv))
		if addr == "" && l.Addr().String() != defaultAddr {
			text = "(" + defaultAddr + " is in use by another program. To choose the port, start with -addr.)\n\n" + text
		}
		_, err := io.WriteString(stdout, text)
		return err
	})
}

// runSelfcheck needs tokens of every kind, which only the embedded pool signs:
// the environment is not looked at.
func runSelfcheck(ctx context.Context, addr string, stdout, _ io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	auth, api, err := newAPI(pool.Config())
	if err != nil {
		return err
	}
	site, err := withFront(auth, api, pool, nil)
	if err != nil {
		return err
	}
	l, err := listen(addr, "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	return serveOn(ctx, l, site, func(base string) error {
		defer stop()
		return selfcheck(ctx, stdout, base, calls)
	})
}

// listen listens on addr; if that is empty on preferred, or on a free port.
func listen(addr, preferred string) (net.Listener, error) {
	if addr != "" {
		l, err := net.Listen("tcp", addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%s is in use by another program.\nStop that, or choose another address, such as -addr 127.0.0.1:0 for any free port", addr)
		}
		return l, err
	}
	l, err := net.Listen("tcp", preferred)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	return l, err
}

// givesTokens reports whether a command on this machine can reach a listener
// over loopback, where alone tokens are given.
func givesTokens(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && (tcp.IP.IsLoopback() || tcp.IP.IsUnspecified())
}

// baseURL is where commands on this machine reach a listener. A listener on all
// addresses is reached over loopback, and IPv6's loopback by name: zsh would
// take [::1] for a pattern of file names.
func baseURL(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		port := strconv.Itoa(tcp.Port)
		switch {
		case tcp.IP.IsUnspecified():
			return "http://127.0.0.1:" + port
		case tcp.IP.Equal(net.IPv6loopback):
			return "http://localhost:" + port
		}
	}
	return "http://" + a.String()
}

// serveOn serves h on l, calls ready with the URL of the server, and shuts down
// when ready fails or ctx ends.
func serveOn(ctx context.Context, l net.Listener, h http.Handler, ready func(base string) error) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	err := ready(baseURL(l.Addr()))
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
