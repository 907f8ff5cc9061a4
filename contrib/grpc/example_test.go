package cognitogrpc_test

import (
	"context"
	"log"
	"net"

	"github.com/cognitoauth/cognitoauth"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// server stands for a service of your own.
type server struct{ *health.Server }

func (s server) List(ctx context.Context, r *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	claims, _ := cognitoauth.FromContext(ctx)
	log.Printf("asked by %s", claims.ClientID)
	return s.Server.List(ctx, r)
}

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	rules := cognitogrpc.Rules{
		Policies: map[string]cognitoauth.Policy{
			healthpb.Health_List_FullMethodName: cognitoauth.Scope("ops/read"),
		},
		Open: []string{healthpb.Health_Check_FullMethodName}, // all others need a token
	}
	tls, err := credentials.NewServerTLSFromFile("server.crt", "server.key")
	if err != nil {
		log.Fatal(err)
	}
	options := append(cognitogrpc.ServerOptions(auth, rules),
		grpc.Creds(tls),                // without TLS, others can read the tokens
		grpc.MaxHeaderListSize(64<<10), // a token has at most 32 KiB
	)
	srv := grpc.NewServer(options...)
	healthpb.RegisterHealthServer(srv, server{health.NewServer()})
	if err := rules.Verify(srv); err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", ":8443")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.Serve(l))
}
