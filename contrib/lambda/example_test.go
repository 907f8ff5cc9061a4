package cognitolambda_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cognitoauth/cognitoauth"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// config is that of an API whose users log in at a Cognito user pool.
var config = cognitoauth.Config{
	Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
}

func ExampleNew() {
	auth, err := cognitoauth.New(config)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s\n", claims.Username)
	})

	// The init phase of a sandbox may take 10 s. Without keys the function starts
	// nevertheless, and its first request waits for them.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	if err := auth.Ready(ctx); err != nil {
		log.Print(err)
	}
	cancel()
	lambda.Start(cognitolambda.New(cognitolambda.Refreshed(auth, auth.Wrap(mux))))
}

// A Lambda authorizer of an HTTP API (payload format 2.0, simple responses). Do not let
// API Gateway cache its answers, or make $context.routeKey an identity source beside
// $request.header.Authorization: else what was decided about one route counts for all.
func Example_authorizer() {
	auth, err := cognitoauth.New(config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(authorizer(auth, map[string]cognitoauth.Policy{
		"GET /orders":  cognitoauth.Scope("orders/read"),
		"POST /orders": cognitoauth.Scope("orders/write"),
	}))
}

type (
	authorizerRequest  = events.APIGatewayV2CustomAuthorizerV2Request
	authorizerResponse = events.APIGatewayV2CustomAuthorizerSimpleResponse
)

// authorizer decides by the route key. That comes from the configuration of the API, so
// it may choose the policy and be a label of metrics. A route without a policy has the
// zero Policy, which denies.
func authorizer(auth *cognitoauth.Middleware, policies map[string]cognitoauth.Policy) func(context.Context, authorizerRequest) (authorizerResponse, error) {
	return func(ctx context.Context, e authorizerRequest) (out authorizerResponse, _ error) {
		header := http.Header{}
		for name, value := range e.Headers { // in lower case; several values are joined
			header.Set(name, value)
		}
		ctx, err := auth.Admit(ctx, header, e.RouteKey, policies[e.RouteKey])
		switch {
		case errors.Is(err, cognitoauth.ErrUnavailable), errors.Is(err, cognitoauth.ErrMisconfigured):
			return out, err // 500: it is no fault of the caller
		case err != nil:
			return out, nil // 403
		}
		claims, _ := cognitoauth.FromContext(ctx)
		out.IsAuthorized, out.Context = true, map[string]any{"sub": claims.Subject}
		return out, nil
	}
}

// A function that another program invokes directly, with the token of the user that it
// works for.
func Example_directInvocation() {
	auth, err := cognitoauth.New(config)
	if err != nil {
		log.Fatal(err)
	}
	type order struct{ Token, ID string }
	lambda.Start(func(ctx context.Context, in order) (string, error) {
		ctx, err := auth.Admit(ctx, http.Header{"Authorization": {"Bearer " + in.Token}}, "change order", cognitoauth.Scope("orders/write"))
		if err != nil {
			return "", err // its text is fit for the caller
		}
		claims, _ := cognitoauth.FromContext(ctx)
		return fmt.Sprintf("order %s is changed for %s", in.ID, claims.Username), nil
	})
}
