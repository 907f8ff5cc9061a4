package cognitoconnect_test

import (
	"errors"
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/cognitoauth/cognitoauth/codes"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// A client reads the code of a refusal, and how long to wait, in any protocol.
func Example_client() {
	onError := func(err error) {
		var e *connect.Error
		if !errors.As(err, &e) {
			return
		}
		for _, detail := range e.Details() {
			message, _ := connectproto.UnmarshalErrorDetail(detail)
			switch d := message.(type) {
			case *errdetails.ErrorInfo:
				if d.Domain == cognitoconnect.Domain && d.Metadata["code"] == codes.TokenExpired {
					fmt.Println("get a new token, then call again")
				}
			case *errdetails.RetryInfo:
				fmt.Println("call again after", d.RetryDelay.AsDuration())
			}
		}
	}
	info, _ := connectproto.NewErrorDetail(
		&errdetails.ErrorInfo{Reason: "TOKEN_EXPIRED", Domain: cognitoconnect.Domain, Metadata: map[string]string{"code": "token_expired"}})
	onError(connect.NewError(connect.CodeUnauthenticated, "the token has expired (token_expired)").WithDetail(info)) // what a call returns
	// Output: get a new token, then call again
}
