#!/usr/bin/env bash
# connectrpc.com/connect/v2 v2.0.2, the Go library of the Connect protocol.
#
# Behaviour: a handler sets a response trailer that net/http does not send as a trailer
# field, such as WWW-Authenticate (it logs "ignoring invalid trailer"). A client gets it
# over Connect and over gRPC-Web, whose trailers are no HTTP trailers, and does not get it
# over gRPC. The call succeeds, and the handler gets no error. A trailer of another name
# reaches all three.
#
# Seen on 2026-11-29 with Go 1.26.8, for the trailers WWW-Authenticate and X-Left:
#   connect: "Bearer" "3"
#   grpc: "" "3"
#   grpcweb: "Bearer" "3"
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/trailer

go 1.26
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	spec := connect.Spec{Procedure: "/a.v1.A/Get"}
	server := connect.NewServer()
	server.Register(connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, s connect.ServerStream) error {
		if err := s.Receive(new(emptypb.Empty)); err != nil {
			return err
		}
		info, _ := connect.CallInfoForServerContext(ctx)
		info.ResponseTrailer().Set("WWW-Authenticate", "Bearer")
		info.ResponseTrailer().Set("X-Left", "3")
		return s.Send(new(emptypb.Empty))
	}})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	go (&http.Server{Handler: mux, Protocols: protocols}).Serve(l)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	for _, p := range []struct {
		name    string
		options []connecthttp.Option
	}{
		{"connect", nil},
		{"grpc", []connecthttp.Option{connecthttp.WithGRPC()}},
		{"grpcweb", []connecthttp.Option{connecthttp.WithGRPCWeb()}},
	} {
		ctx, info := connect.NewClientContext(context.Background())
		c := connect.NewClient(connecthttp.NewTransport(client, "http://"+l.Addr().String(), p.options...))
		if err := c.CallUnary(ctx, spec, new(emptypb.Empty), new(emptypb.Empty)); err != nil {
			panic(err)
		}
		fmt.Printf("%s: %q %q\n", p.name, info.ResponseTrailer().Get("WWW-Authenticate"), info.ResponseTrailer().Get("X-Left"))
	}
}
END
go get connectrpc.com/connect/v2@v2.0.2 google.golang.org/protobuf@v1.36.12 2>go.log || { cat go.log; exit 1; }
seen=$(go run . 2>run.log) || { cat run.log; exit 1; }
echo "$seen"
[[ $seen == $'connect: "Bearer" "3"\ngrpc: "" "3"\ngrpcweb: "Bearer" "3"' ]] || { echo 'this has changed'; exit 1; }
