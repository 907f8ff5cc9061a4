// Package cognitoconnect protects services of connectrpc.com/connect/v2 by tokens of
// Amazon Cognito user pools, for callers of the protocols Connect, gRPC and gRPC-Web.
//
//	cognitoconnect.Mount(mux, server, cognitoconnect.Rules{
//		Policies: map[string]cognitoauth.Policy{ordersv1connect.OrdersCreateProcedure: cognitoauth.Scope("orders/write")},
//		Open:     []string{healthv1connect.HealthCheckProcedure},
//	})
//	auth, err := cognitoauth.New(cognitoauth.Config{
//		Pools:        …,
//		ErrorHandler: cognitoconnect.WriteError,
//	})
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// # Why not an interceptor
//
// [cognitoauth.Middleware.Wrap] refuses before anything of the body is read, and before
// connect answers a wrong method, content type, compression or timeout by itself. It
// protects unknown services and all other routes of the mux. Decision.Pattern is the
// procedure, and markers, step-up logins, Config.TokenSource and Reload work as for
// any other route. An interceptor of connect v2 also runs before the message is read,
// but it does not see unknown procedures, unless the server has a handler for them, and
// it cannot end a Receive that waits over HTTP/1.1.
//
// # What a refused caller gets
//
// The handler does not run. A client of any protocol sees a connect.Error with
//
//	invalid_argument    400: the credentials are malformed or repeated
//	unauthenticated     401: there is no token, or it is not valid, or the user has to log in again
//	permission_denied   403: a policy refuses
//	unavailable         503: the keys, Pool.AllowClient or Config.Revoked are out of reach
//	internal            500: there is no Wrap, or New has not made the Middleware
//
// Its details have a google.rpc.ErrorInfo with [Domain], with the code of
// [cognitoauth.Error] as Metadata["code"] and in capitals as Reason, and with the
// challenge, where there is one, as Metadata["challenge"]. A google.rpc.RetryInfo says
// when to call again after unavailable. The header of the answer has challenge and
// time as WWW-Authenticate and Retry-After. All texts are fixed and public.
//
// # Streams
//
// The context of a stream ends when its token expires. From then on Send and Receive
// fail, also a Receive that waits for the client, and the client gets unauthenticated
// with token_expired, in the details alone. It has 10 s to read that: then a Send that
// still waits fails, and the stream is reset (HTTP/2) or the connection broken
// (HTTP/1.1). A handler that waits for something else has to look at its context. A
// unary call is decided about when it begins. A token that is revoked does not end its
// streams.
package cognitoconnect
