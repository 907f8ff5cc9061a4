package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/proof/benchmarks/build"
)

// serveMain is a server that is measured, in a process of its own: a child, which
// says where it listens, and what it has taken of the CPU when it is asked for that.
func serveMain(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("serve is for this program alone, which names one server; found %q", args)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return fmt.Errorf("expected a place in JSON: %w", lines.Err())
	}
	var at place
	if err := json.Unmarshal(lines.Bytes(), &at); err != nil {
		return err
	}
	handler, err := handlerOf(ctx, args[0], at)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	defer func() { _ = server.Close() }()
	go func() { _ = server.Serve(listener) }()
	fmt.Println("listening", listener.Addr())
	for lines.Scan() { // each line is "cpu"
		used, err := cpuTime()
		if err != nil {
			return err
		}
		fmt.Println("cpu", used.Nanoseconds())
	}
	return lines.Err()
}

// handlerOf makes the handler of one server over the 100 routes, with its keys.
func handlerOf(ctx context.Context, key string, at place) (http.Handler, error) {
	mux := routes()
	of := func(l library, cache int) (http.Handler, error) {
		_, wrap, err := l.new(ctx, at.ID, at.ClientID, at.JWKSURL, cache)
		if err != nil {
			return nil, err
		}
		return wrap(mux), nil
	}
	ours := library{build.Path(), build.New, build.Code}
	switch key {
	case "server-mux":
		return mux, nil
	case "server-hit":
		return of(ours, withCache)
	case "server-full":
		return of(ours, withoutCache)
	}
	if len(libraries) > 1 {
		switch key {
		case "server-old-hit":
			return of(libraries[1], withCache)
		case "server-old-full":
			return of(libraries[1], withoutCache)
		}
	}
	return peerHandler(ctx, key, at, mux)
}

// bearer is the middleware that a reader of golang-jwt would write.
func bearer(check func(token string) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || check(token) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
