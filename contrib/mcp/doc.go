// Package cognitomcp protects an MCP server that is built with the official Go SDK
// (github.com/modelcontextprotocol/go-sdk) by tokens of Amazon Cognito user pools,
// with a policy for each tool.
//
//	handler, err := cognitomcp.New(server, cognitomcp.Options{
//		Tools: map[string]cognitoauth.Policy{
//			"read_order":   cognitoauth.Scope("orders/read"),
//			"change_order": cognitoauth.Scope("orders/write"),
//		},
//	})
//	mux.Handle("/mcp", handler)
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// # What a caller meets
//
// [cognitoauth.Middleware.Wrap] validates the token once, and answers a bad one. A
// call of a tool whose policy the token does not meet is answered 403. If scopes are
// missing, the challenge is
//
//	WWW-Authenticate: Bearer realm="api", error="insufficient_scope", …, scope="orders/write", resource_metadata="…"
//
// with exactly the scopes that this tool needs, and a client asks its user for them
// (MCP, "Step-Up Authorization Flow"). The address of the metadata, and the metadata,
// come from Config.ProtectedResources. A tool without a policy is closed.
//
// All other methods (tools/list, resources/read, prompts/get and so on) need a token
// that meets Config.Fallback. To ask more of them, put the handler into a
// [cognitoauth.Require].
//
// # What a tool sees
//
// [cognitoauth.FromContext] returns the claims of the call, and the SDK's
// req.Extra.TokenInfo has scopes, expiry and the UserID. UserID is the pool and the
// subject, and the SDK lets only this user continue a session. A tool does not see a
// token in Authorization: that of req.Extra.Header is a placeholder. If
// Config.TokenSource finds tokens in another header, such as Cookie, tools see it.
//
// # How a call is decided
//
// The body of the request decides, never a header. It is read up to the limit of
// Options.HTTP. A batch needs the policies of all tools that it calls. A body that two
// JSON decoders could read differently is answered 400: one with a repeated name, a
// name in other case, text after the value, or invalid UTF-8. The server gets the body
// as we have read it. Then the same policies are checked inside the server, on the call
// as the server has decoded it. So the function of a [cognitoauth.Assert] runs twice for
// each call, the second time in another goroutine and with a body that is used up.
//
// # Streams
//
// A stream ends when the token of the request that opened it does: the event stream
// of a GET, a POST that is answered with events, subscriptions/listen. A tool may go
// on after that; its context does not end with the stream. To end it too, derive its
// context by [cognitoauth.WithExpiry]. With JSONResponse, the answer to a call is no
// stream and may be late.
//
// # Clients that refuse Cognito
//
// MCP clients have to refuse an authorization server whose metadata does not name
// the methods of PKCE, and Cognito's has not done so. [AuthorizationServer] publishes
// a document that does. It is off unless you register it.
package cognitomcp
