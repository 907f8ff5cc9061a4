package main

import (
	"context"
	"log"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"

	"github.com/cognitoauth/cognitoauth"
	cognitooapi "github.com/cognitoauth/cognitoauth/contrib/oapicodegen"
	"github.com/cognitoauth/cognitoauth/contrib/oapicodegen/internal/api"
)

func main() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := register(mux); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(mux)))
}

func register(mux *http.ServeMux) error {
	description, err := api.GetSpec()
	if err != nil {
		return err
	}
	router, err := cognitooapi.New(mux, description, cognitooapi.Options{
		Schemes: cognitooapi.Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group},
	})
	if err != nil {
		return err // lists every mistake in the description
	}
	validate := nethttpmiddleware.OapiRequestValidatorWithOptions(description, &nethttpmiddleware.Options{
		Options: openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
	api.HandlerWithOptions(api.NewStrictHandler(server{}, nil), api.StdHTTPServerOptions{
		BaseRouter:  router,
		Middlewares: []api.MiddlewareFunc{validate},
	})
	return nil
}

type server struct{}

func (server) Health(context.Context, api.HealthRequestObject) (api.HealthResponseObject, error) {
	return api.Health200TextResponse("ok"), nil
}

func (server) Me(ctx context.Context, _ api.MeRequestObject) (api.MeResponseObject, error) {
	claims, _ := cognitoauth.FromContext(ctx)
	return api.Me200TextResponse("hello " + claims.Username), nil
}

func (server) ListOrders(context.Context, api.ListOrdersRequestObject) (api.ListOrdersResponseObject, error) {
	return api.ListOrders200TextResponse("tea"), nil
}

func (server) CreateOrder(context.Context, api.CreateOrderRequestObject) (api.CreateOrderResponseObject, error) {
	return api.CreateOrder201TextResponse("created"), nil
}

func (server) DeleteOrder(context.Context, api.DeleteOrderRequestObject) (api.DeleteOrderResponseObject, error) {
	return api.DeleteOrder204Response{}, nil
}
