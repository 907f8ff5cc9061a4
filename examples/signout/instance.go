package main

// This file starts instances of the API: each in a process of its own with Redis
// between them, or both in this one.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/redisstore"
)

// settings are what an instance is told. They reach a process of its own by the
// environment, which other users of the machine cannot read.
type settings struct {
	Pool, Client, JWKS string
	Redis              string // address; "" in one process
	Secret             []byte
}

const variable = "SIGNOUT_INSTANCE"

// serve runs an instance until ctx ends, and tells its URL when it answers.
func serve(ctx context.Context, s settings, store revocation.Store, tell func(url string)) error {
	list, err := revocation.New(revocation.Config{Namespace: "signout", Secret: s.Secret, Store: store})
	if err != nil {
		return err
	}
	api, err := newAPI(cognitoauth.Config{Pools: []cognitoauth.Pool{{
		ID: s.Pool, ClientIDs: []string{s.Client}, JWKSURL: s.JWKS,
	}}}, list, stopRefresh)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	followed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { followed <- list.Run(ctx) }()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	tell("http://" + l.Addr().String())
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	cancel()
	_ = server.Close()
	<-followed
	return err
}

// stopRefresh stands for Cognito's RevokeToken or GlobalSignOut, with the AWS SDK.
func stopRefresh(context.Context) error { return nil }

// serveChild is the main function of an instance in a process of its own. It ends
// when its parent ends, which closes its standard input.
func serveChild(text string) error {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	store, err := redisstore.New(redisstore.Options{Client: rueidis.ClientOption{InitAddress: []string{s.Redis}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return serve(ctx, s, store, func(url string) { fmt.Println(url) })
}

// startChild starts an instance in a process of its own and returns its URL.
func startChild(ctx context.Context, s settings) (url string, stop func(), err error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), variable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, errors.New("an instance did not start")
	}
	return strings.TrimSpace(line), stop, nil
}

// startHere starts an instance in this process.
func startHere(ctx context.Context, s settings, store revocation.Store) (url string, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	told, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- serve(ctx, s, store, func(url string) { told <- url }) }()
	select {
	case url = <-told:
		return url, func() { cancel(); <-done }, nil
	case err = <-done:
		cancel()
		return "", nil, err
	}
}
