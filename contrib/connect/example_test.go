package cognitoconnect_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/cognitoauth/cognitoauth"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// With generated code, these two are ordersv1connect.OrdersCreateProcedure and a method.
const createOrder = "/orders.v1.Orders/Create"

func serveOrder(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	claims, _ := cognitoauth.FromContext(ctx)
	if err := stream.Receive(new(emptypb.Empty)); err != nil {
		return err
	}
	return stream.Send(wrapperspb.String("an order of " + claims.Username))
}

func Example() {
	server := connect.NewServer()
	// With generated code: ordersv1connect.RegisterOrdersHandler(server, &orders{})
	server.Register(connect.Method{Spec: connect.Spec{Procedure: createOrder}, Handler: serveOrder})

	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, server, cognitoconnect.Rules{ // in place of connecthttp.Mount
		Policies: map[string]cognitoauth.Policy{createOrder: cognitoauth.Scope("orders/write")},
	})
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools:        []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
		ErrorHandler: cognitoconnect.WriteError, // refuses in the caller's protocol
	})
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Addr: ":8443", Handler: auth.Wrap(mux), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(srv.ListenAndServeTLS("server.crt", "server.key"))
}
