// Package cognitolambda runs an [http.Handler] as an AWS Lambda function, so that a
// mux behind [cognitoauth.Middleware.Wrap] is the same on Lambda as on a server:
//
//	lambda.Start(cognitolambda.New(auth.Wrap(mux)))
//
// # Events
//
// It knows the events of API Gateway's REST APIs, of its HTTP APIs (payload format
// 2.0), of function URLs, and of target groups of an Application Load Balancer. Which
// of them an event is, follows from what AWS writes into it. Any other event, such as
// one of a WebSocket API, of an authorizer or of an HTTP API with payload format 1.0,
// is an error: the function fails, and no handler runs.
//
// # What the handler sees
//
// The request is what it would be on a server, as far as the event has it. Markers and
// policies decide about the path that the mux sees, so the path is what matters most:
//
//   - REST APIs, function URLs and target groups pass on the path as the client wrote
//     it, escapes included. It is read as net/http reads a request line.
//   - An HTTP API decodes the path, twice, and cuts it at a decoded "?": a client's
//     /a%2Fb and /a%252Fb both arrive as /a/b. What arrives is taken as a decoded path,
//     so a "%" that is left in it is a percent sign, and no open route takes it. What
//     stands before the API and has rules about paths may have seen another one.
//   - The prefix of the stage, which an HTTP API leaves in, is removed if it is there.
//     The base path of a custom domain stays: use [http.StripPrefix].
//
// The query of an HTTP API and of a function URL is as the client wrote it. REST APIs
// decode it, so it is encoded anew, sorted by name; target groups do not. Of headers
// and query parameters given more than once, REST APIs pass on all, and HTTP APIs and
// function URLs join headers with commas: two Authorization headers are refused in any
// case. A target group passes on the last one alone, unless
// lambda.multi_value_headers.enabled is set for it: set it.
//
// Host is the Host header. RemoteAddr has the address of the client and port 0; of a
// target group, the address is the last one in X-Forwarded-For, which the load
// balancer writes, unless it is told to preserve what came. [Event] gives a handler
// the event. The context is that of the invocation, with its deadline.
//
// # What the client sees
//
// The answer is collected and returned when the handler ends: there are no streams and
// no WebSockets. A body that is not UTF-8, or that has a Content-Encoding, is sent in
// base64; a REST API decodes it only if its binaryMediaTypes say so. REST APIs and
// function URLs rename the challenge of an answer to x-amzn-Remapped-WWW-Authenticate,
// and nothing that a function does avoids it.
//
// # Keys
//
// Key sets stay in memory between invocations. Between them the sandbox is frozen, and
// with it a refresh in the background: so it may fail again and again, until the keys
// are 24 h old and a request waits for new ones. [Refreshed] refreshes them within an
// invocation. Call [cognitoauth.Middleware.Ready] before lambda.Start, so that the
// first request need not wait.
package cognitolambda
