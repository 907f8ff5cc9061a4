// Command spa shows how a browser signs in with Cognito's managed login and calls
// an API that cognitoauth protects, in three variants: tokens in the page, the same
// with page and API on two origins, and tokens in a cookie that no script can read.
//
//	go -C examples/spa run .
//
// A user pool and a stub of managed login run in the process, unless the
// environment names a pool (see README.md). It needs Node.js and npm: the page is
// written with oidc-client-ts, and bundled by esbuild.
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
)

func main() {
	port := flag.Int("port", 8090, "the first of three `ports` in a row; 0 for any that are free, which suits the stub alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	if err := run(ctx, *port, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "spa:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, port int, stdout, stderr io.Writer) error {
	listeners, err := listen(port)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	here := places{origin(listeners[0]), origin(listeners[1]), origin(listeners[2])}
	s, err := configure(here)
	if err != nil {
		return err
	}
	if s.pool != nil {
		defer s.pool.Close()
	}
	script, err := bundle(ctx, stderr)
	if err != nil {
		return err
	}
	sites, err := newSites(ctx, s, here, script)
	if err != nil {
		return err
	}
	return serve(ctx, listeners, sites, func() { fmt.Fprint(stdout, welcome(s, here)) })
}

// places are the origins that the program serves. The callback URLs follow from
// them, and those stand in the settings of an app client: so the ports are fixed.
type places struct {
	api   string // page, API, and the variant with a cookie
	login string // the stub of managed login
	other string // the page once more, for the variant with two origins
}

func origin(l net.Listener) string {
	return "http://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// listen listens on three ports of loopback.
func listen(port int) (found []net.Listener, err error) {
	for i := range 3 {
		addr := "localhost:0"
		if port != 0 {
			addr = "localhost:" + strconv.Itoa(port+i)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			for _, l := range found {
				l.Close()
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fmt.Errorf("%s is in use by another program.\nStop that, or choose three other ports in a row, such as -port 9090", addr)
			}
			return nil, err
		}
		found = append(found, l)
	}
	return found, nil
}

// serve serves each site on its listener, calls ready, and shuts down when ctx ends.
func serve(ctx context.Context, listeners []net.Listener, sites []http.Handler, ready func()) error {
	ended := make(chan error, len(sites))
	var servers []*http.Server
	for i, site := range sites {
		srv := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, srv)
		go func() { ended <- srv.Serve(listeners[i]) }()
	}
	ready()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, srv := range servers {
		if late := srv.Shutdown(last); err == nil {
			err = late
		}
	}
	return err
}

// welcome ends with the address of the page.
func welcome(s *setup, here places) string {
	text := "The user pool and its managed login are stubs in this process; sign in as jane, omar or ada.\n"
	if s.pool == nil {
		text = "The user pool is that of the environment. Its app client needs\n" +
			"  the callback URLs " + here.api + "/, " + here.other + "/ and " + here.api + "/bff/callback\n" +
			"  the sign-out URLs " + here.api + "/, " + here.other + "/ and " + here.api + "/cookie\n"
	}
	return text + "Page and API on two origins:  " + here.other + "/\n" +
		"Tokens in a cookie:           " + here.api + "/cookie\n" +
		here.api + "/\n"
}
