// Command grpc protects a gRPC server and shows what it answers.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// newServer is the wiring: every method needs a token, except for those in Open.
func newServer(auth *cognitoauth.Middleware) (*grpc.Server, error) {
	rules := cognitogrpc.Rules{
		Policies: map[string]cognitoauth.Policy{
			healthpb.Health_List_FullMethodName: cognitoauth.Scope("ops/read"),
		},
		Open: []string{healthpb.Health_Check_FullMethodName},
	}
	options := append(cognitogrpc.ServerOptions(auth, rules), grpc.MaxHeaderListSize(64<<10))
	srv := grpc.NewServer(options...)
	healthpb.RegisterHealthServer(srv, health.NewServer())
	return srv, rules.Verify(srv)
}

// run serves, calls itself, and writes what it is answered.
func run(ctx context.Context, out io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	cfg := pool.Config()
	cfg.Leeway = time.Millisecond // 30 s by default, and a stream lives as much longer
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv, err := newServer(auth)
	if err != nil {
		return err
	}
	defer srv.Stop()
	go srv.Serve(l)

	// Loopback only: without TLS anybody on the way can read the token.
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	return show(ctx, out, conn, pool)
}

func show(ctx context.Context, out io.Writer, conn *grpc.ClientConn, pool *cognitotest.Pool) error {
	client := healthpb.NewHealthClient(conn)
	report := func(what string, answer any, err error) {
		s := status.Convert(err)
		if err == nil {
			s = status.New(codes.OK, fmt.Sprint(answer))
		}
		fmt.Fprintf(out, "%-37s %s: %s\n", what, s.Code(), s.Message())
	}
	check, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
	report("Check, open", check.GetStatus(), err)
	for _, c := range []struct {
		what string
		ctx  context.Context
	}{
		{"List without token", ctx},
		{"List without the scope ops/read", with(ctx, pool.AccessToken())},
		{"List with the scope", with(ctx, pool.AccessToken().Scopes("ops/read"))},
	} {
		list, err := client.List(c.ctx, &healthpb.HealthListRequest{})
		report(c.what, fmt.Sprintf("%d service", len(list.GetStatuses())), err)
	}
	report("Unknown method without token", "", conn.Invoke(ctx, "/nope.Nope/Nope", &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{}))

	watch, err := client.Watch(with(ctx, pool.AccessToken().ExpiresIn(2*time.Second)), &healthpb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	first, err := watch.Recv()
	report("Watch with a token that lives for 2 s", first.GetStatus(), err)
	second, err := watch.Recv()
	report("Watch, 2 s later", second.GetStatus(), err)
	return nil
}

func with(ctx context.Context, token *cognitotest.Token) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.String())
}
