package main

import (
	"context"
	"log"
	"net/http"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	cognitoogen "github.com/cognitoauth/cognitoauth/contrib/ogen"
	"github.com/cognitoauth/cognitoauth/contrib/ogen/internal/api"
)

func main() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	router, err := newRouter()
	if err != nil {
		log.Fatal(err) // lists every mistake in the description
	}
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(router)))
}

func newRouter() (http.Handler, error) {
	server, err := api.NewServer(orders{}, security{})
	if err != nil {
		return nil, err
	}
	return cognitoogen.New(server, api.SpecYAML(), cognitoogen.Options{
		Schemes: cognitoogen.Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group},
	})
}

// security has nothing to decide: the router has.
type security struct{}

func (security) HandleCognito(ctx context.Context, _ api.OperationName, _ api.Cognito) (context.Context, error) {
	return cognitoogen.Admitted(ctx)
}

func (security) HandleStaff(ctx context.Context, _ api.OperationName, _ api.Staff) (context.Context, error) {
	return cognitoogen.Admitted(ctx)
}

type orders struct{}

func (orders) Health(context.Context) (api.HealthOK, error) {
	return api.HealthOK{Data: strings.NewReader("ok")}, nil
}

func (orders) Me(ctx context.Context) (api.MeOK, error) {
	claims, _ := cognitoauth.FromContext(ctx)
	return api.MeOK{Data: strings.NewReader("hello " + claims.Username)}, nil
}

func (orders) ListOrders(context.Context) (api.ListOrdersOK, error) {
	return api.ListOrdersOK{Data: strings.NewReader("tea")}, nil
}

func (orders) CreateOrder(context.Context, *api.CreateOrderReq) (api.CreateOrderCreated, error) {
	return api.CreateOrderCreated{Data: strings.NewReader("created")}, nil
}

func (orders) DeleteOrder(context.Context, api.DeleteOrderParams) error { return nil }
