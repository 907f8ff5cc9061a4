package cognitoauth

// This file describes the API to OAuth clients (RFC 9728): ProtectedResource, its
// checks, the documents that Wrap answers with, and which of them a challenge
// names.

// ProtectedResource describes this API, or a part of it, to OAuth clients (RFC
// 9728, OAuth 2.0 Protected Resource Metadata). A client that knows nothing but
// the address of the API learns from it where to get a token and for which scopes.
// All that stands in it becomes public.
//
// [Middleware.Wrap] answers GET, HEAD and CORS preflights at the address that
// follows from Resource, without a token: /.well-known/oauth-protected-resource,
// with the path and query of Resource behind it. If there is one resource alone,
// Wrap answers with it at the address without a path too, where older MCP clients
// look. Nothing else is open there, and no request for it reaches the wrapped
// handler, unless that is a [http.ServeMux] with a pattern that begins with this
// path: that route then counts. A pattern such as "/" or "/.well-known/" does not.
//
// A challenge (401, or 403 for a missing scope) names the document as
// resource_metadata: of the resource whose path covers most segments of the path
// that the client sent. /mcp covers /mcp and /mcp/x, but not /mcpx. Requests that
// no resource covers get none. The address of the document follows from Resource
// and never from the request's Host, which anybody can write.
type ProtectedResource struct {
	_ [0]func() // keyed literals only

	// Resource is the resource identifier: the URL that clients call, such as
	// "https://api.example.com/mcp". Required. It must be one of the Audiences of a
	// Pool, byte for byte, since it becomes aud of the tokens. It has the scheme
	// https, or http on loopback for development, no user and no fragment, and
	// should have no query (RFC 9728, section 1.2). No two resources have the same
	// path, a slash at the end aside: for two hosts, make two Middlewares.
	Resource string
	// Scopes are the scopes that a client may ask for (scopes_supported), such as
	// "orders/read". A client asks for all of them if the challenge has no scope,
	// so list the few that most need. Each is a scope-token (RFC 6749, section 3.3)
	// and is listed once; offline_access is a mistake. None: left out.
	Scopes []string
	// AuthorizationServers are the issuers where clients get tokens
	// (authorization_servers). Each is an https URL without query and fragment (RFC
	// 8414, section 2), or http on loopback, and is listed once. None: the issuers
	// of the pools that have Resource in Audiences: Pool.Issuer, or the original
	// form of the issuer.
	AuthorizationServers []string
	// Name is a name of the API for people (resource_name), at most 256 bytes.
	// Empty: left out.
	Name string
	// Documentation, Policy and TermsOfService are addresses of pages for
	// developers, about the use of data and about terms (resource_documentation,
	// resource_policy_uri, resource_tos_uri): https or http URLs without user.
	// Empty: left out.
	Documentation, Policy, TermsOfService string
}
