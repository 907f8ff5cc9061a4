// Package cognitoauth is net/http middleware that admits only requests with a
// valid Amazon Cognito user-pool token.
//
//	request
//	   │  Wrap: which handler would the mux run?
//	   ├── AllowAnonymous ───────────────────────────────► handler, no claims
//	   │
//	   ▼  TokenSource                no token ─ Optional ► handler, no claims
//	 token     two, or no token68: 400  └─ else 401
//	   ▼  form, header, JSON, iss + token_use,     401
//	   │  exp nbf iat, client, subject, audience
//	   ▼  kid: the key cache                       401 no such key, 503 no answer
//	  key
//	   ▼  RS256 signature, Config.Revoked          401, 503
//	 claims
//	   ▼  Config.Fallback                          401, 403
//	   ▼  Require, after routing                   401, 403
//	handler, FromContext has the claims
//
// # What is checked
//
// Cognito's access tokens have no aud as a rule, so middleware that checks the audience
// refuses them all, and middleware told not to check it admits the tokens of
// every app client of the pool, ID tokens included. This package checks what
// they have instead. In this order, and the first fault names the refusal:
//
//   - The form: length, three segments of canonical base64url.
//   - The header: alg is RS256, kid is there, nothing critical or encrypted.
//   - The payload: one strict JSON object, claims of the right types.
//   - iss and token_use select the one [Pool] entry whose settings count.
//   - exp, nbf and iat with [Config].Leeway, and Pool.MaxLifetime.
//   - client_id (aud on ID tokens) is among Pool.ClientIDs; a user has a sub.
//   - aud on an access token is absent, or names its own client_id or one of
//     Pool.Audiences; a user's must name one of those if there are any.
//   - The key of that kid from that pool, and the signature.
//   - [Config].Revoked.
//   - The fallback policy, then the route's own.
//
// # Cognito in one screen
//
// Which token carries what, and where it is found. In parentheses: not on every
// token. An API is called with access tokens; a machine is an app client that
// got one for itself (client credentials).
//
//	claim             access token  ID token      machine       in Claims
//	iss               issuer        issuer        issuer        Issuer, PoolID
//	token_use         "access"      "id"          "access"      TokenUse
//	client_id         app client    -             app client    ClientID
//	aud               (resource)    app client    -             Audience, ClientID
//	sub               user          user          (app client)  Subject
//	username          user name     -             -             Username
//	cognito:username  -             user name     -             Username
//	scope             (granted)     -             (granted)     Scopes, HasScope
//	cognito:groups    (groups)      (groups)      -             Groups, HasGroup
//	auth_time         login         login         (set)         AuthTime
//	iat, exp          issue, end    issue, end    issue, end    IssuedAt, Expiry
//	jti               (unique)      (unique)      (unique)      ID
//	origin_jti        (login)       (login)       (login)       OriginID
//	event_id          (request)     (request)     (request)     EventID
//	acr               (level)       (level)       -             ACR
//	version           (2)           -             (2)           Decode
//	email             -             (attribute)   -             String
//	email_verified    -             (attribute)   -             Bool
//	custom:tenant     -             (attribute)   -             String
//
// In detail:
//
//   - aud is on an access token if the client asked for a resource (RFC 8707),
//     see Pool.Audiences; a trigger can set it to the client_id and nothing else.
//   - scope after a login by API (InitiateAuth) is aws.cognito.signin.user.admin
//     alone; a machine has custom scopes alone.
//   - jti and origin_jti need token revocation, on by default for new app
//     clients. All tokens of one login share origin_jti, refreshed ones too.
//   - A pre-token-generation trigger may change scope and groups and add claims,
//     to access tokens as well; not who, which client, which kind, and when.
//   - The header is kid and alg, RS256; expect no typ. ID and access tokens are
//     signed by different keys of one set.
//   - Refresh tokens are for Cognito alone. Nobody else can read them.
//
// # Wiring
//
//	auth, err := cognitoauth.New(cognitoauth.Config{
//		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
//	})
//	// every mistake in it is in err
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), create))
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// Every route is protected unless the value registered for it is
// [AllowAnonymous] or [Optional], so the marker is the outermost handler. CORS
// goes outside: cors(auth.Wrap(mux)), since a preflight carries no token. Nothing
// goes between Wrap and the mux, since Wrap cannot see the routes behind it and does
// not guess which are open; middleware that needs the claims goes around a route's
// own handler, inside its marker or Require. Unknown routes and redirects are
// answered 401 like any other without a token.
//
// With several pools every route admits the tokens of all of them; a route for
// one has Require with an [Assert] on Claims.PoolID. Key your data by PoolID
// together with Subject then, since a Subject is unique in its pool only.
//
// # Refusals
//
// A refusal is an [*Error]: a sentinel to branch on, a stable code, a fixed
// public text, and Detail for the log, which names what was found, what was
// expected and which setting mends it. The fault of a caller is 400, 401 or
// 403; keys that cannot be fetched are 503, a wiring mistake 500.
// [Middleware.Explain] makes every check of one token, to find out why it is
// refused.
//
// # Keys
//
// Keys are fetched on first use or by [Middleware.Ready], kept for 24 h at
// most, and fetched anew in the background after about an hour, or when a token
// names an unknown key. Then requests wait up to 3 s for the one fetch, and get
// 503 if it has brought nothing by then. Within 10 s after a successful fetch
// there is no other, whatever kids are asked for: a key published within that time
// is unknown, 401, until it is over. After a failure the pause is 1 s, doubling to
// 60 s, and a kid that the last good set does not have is answered 503; those
// that it has serve on. There is no timer: a fetch begins with a request, and
// after a day without any the first one waits.
//
// # Remembered tokens
//
// A token that was verified is remembered by its SHA-256 (Config.TokenCache), once
// there is no more room, in number or in bytes (Config.TokenCacheBytes), when it
// comes for the second time. Used again it costs neither decoding nor a signature;
// but its time, its key's presence in the current key set, Config.Revoked and the
// policies are checked on every use.
//
// # Limits
//
// A token has at most 32 KiB (Config.MaxTokenBytes), its header 1 KiB, its kid
// 256 bytes, its JSON 64 levels. A key set has at most 256 KiB and 100 keys,
// RSA of 2048 to 8192 bits. Whether a token was revoked after it was issued is
// not in the token: see Config.Revoked. A token is judged when the request
// begins; [WithExpiry] ends what outlives that, such as a stream.
package cognitoauth
