package cognitogrpc_test

import (
	"fmt"

	"github.com/cognitoauth/cognitoauth/codes"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A client reads the code of a refusal, and how long to wait.
func Example_client() {
	onError := func(err error) {
		for _, detail := range status.Convert(err).Details() {
			switch d := detail.(type) {
			case *errdetails.ErrorInfo:
				if d.Domain == cognitogrpc.Domain && d.Metadata["code"] == codes.TokenExpired {
					fmt.Println("get a new token, then call again")
				}
			case *errdetails.RetryInfo:
				fmt.Println("call again after", d.RetryDelay.AsDuration())
			}
		}
	}
	expired, _ := status.New(grpccodes.Unauthenticated, "the token has expired (token_expired)").WithDetails(
		&errdetails.ErrorInfo{Reason: "TOKEN_EXPIRED", Domain: cognitogrpc.Domain, Metadata: map[string]string{"code": "token_expired"}})
	onError(expired.Err()) // what a call returns
	// Output: get a new token, then call again
}
