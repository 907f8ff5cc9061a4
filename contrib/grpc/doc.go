// Package cognitogrpc protects a gRPC server of google.golang.org/grpc by tokens of
// Amazon Cognito user pools.
//
//	rules := cognitogrpc.Rules{
//		Policies: map[string]cognitoauth.Policy{pb.Orders_Create_FullMethodName: cognitoauth.Scope("orders/write")},
//		Open:     []string{healthpb.Health_Check_FullMethodName},
//	}
//	server := grpc.NewServer(cognitogrpc.ServerOptions(auth, rules)...)
//	pb.RegisterOrdersServer(server, orders{})
//	err := rules.Verify(server)
//
// # What a call meets
//
// A call of a method that is not open needs a valid token in the metadata
// "authorization", by the rules of [cognitoauth.FromAuthorization]: one value, the
// scheme Bearer in any case, the token. The token has to meet Config.Fallback and the
// policy of the method. [cognitoauth.Middleware.Admit] decides, so Config.Logger and
// Config.OnDecision are told, with the full method as Decision.Pattern. Of the metadata
// it gets "authorization" and what names the request, "x-request-id" and
// "x-amzn-trace-id". A Config.TokenSource that looks elsewhere finds nothing here: give
// gRPC a Middleware of its own then.
//
// Names are compared as a whole and byte by byte. A service that is registered under
// another name than that of its code goes by the registered one. Unknown methods need a
// token too. The Pattern of theirs is "", since the caller has made up the name. Handlers
// find the claims by [cognitoauth.FromContext].
//
// # What a refused caller gets
//
// The handler does not run, and the status is
//
//	InvalidArgument   the credentials are malformed or repeated
//	Unauthenticated   there is no token, or it is not valid, or the user has to log in again
//	PermissionDenied  a policy refuses
//	Unavailable       the keys, Pool.AllowClient or Config.Revoked are out of reach
//	Internal          New has not made the Middleware
//
// Its details have a google.rpc.ErrorInfo with [Domain], with the code of
// [cognitoauth.Error] as Metadata["code"] and in capitals as Reason, and with the
// challenge, where there is one, as Metadata["challenge"]. A google.rpc.RetryInfo says
// when to call again after Unavailable. The trailer has challenge and time as
// "www-authenticate" and "retry-after". All texts are fixed and public.
//
// # Streams
//
// The context of a stream ends when its token expires. From then on SendMsg and
// RecvMsg fail, also one that waits for the client, and the client gets Unauthenticated
// with token_expired, in the details alone. The message of the call that failed is not
// the handler's to use. A handler that waits for something else has to look at its
// context. A unary call is decided about when it begins. A token that is revoked does
// not end its streams.
//
// What SendMsg has handed over before is sent all the same, and the status after it, as
// soon as the client reads: 64 KiB and one message at most. Behind
// [grpc.Server.ServeHTTP] a write that waits ends by [net/http.Server.WriteTimeout] or
// with the client.
package cognitogrpc
