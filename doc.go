// Package cognitoauth is net/http middleware that lets only requests with a
// valid Amazon Cognito user-pool token reach your handlers.
//
//	auth, err := cognitoauth.New(cognitoauth.Config{
//		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
//	})
//	// err lists every mistake in the Config
//	mux.Handle("GET /me", me) // any valid token
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), create))
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// # What happens to a request
//
// [Middleware.Wrap] asks the mux which handler it would run. If that handler is
// marked by [AllowAnonymous], it runs at once. At the address of the metadata of a
// [ProtectedResource], Wrap answers by itself. Every other request goes through
// these steps, and the first step that fails decides the answer:
//
//  1. Config.TokenSource finds the token. Without a token, a handler marked by
//     [Optional] runs without claims; any other request is answered 401.
//  2. The form of the token, its header and its JSON are checked.
//  3. iss and token_use select one [Pool] entry. Only its settings count.
//  4. exp, nbf, iat and the lifetime are checked.
//  5. client_id (on ID tokens aud) is in Pool.ClientIDs, or AllowClient is set,
//     or RegisteredClients is set and the token is a user's.
//  6. aud of an access token is absent or the token's own client_id. With
//     Pool.Audiences, aud of a user's token has to name one of them, and that of
//     a machine's token may. There is no cnf, which binds a token to a key.
//  7. The pool has the key that kid names, and the RS256 signature is valid.
//  8. If the client is not in ClientIDs, Pool.AllowClient allows it, if set.
//     Config.Revoked, if set, does not report the token.
//  9. The token meets Config.Fallback. A handler marked by Optional skips this.
//  10. The mux routes the request, and the token meets the route's [Require].
//
// Then the handler runs, and [FromContext] gives it the [Claims] of the token.
//
// # Cognito in one screen
//
// A user's login yields an access token, which is for APIs, and an ID token,
// which is for the app. A machine is an app client that gets an access token for
// itself, by the client credentials grant. The table says which claim is in
// which token. Parentheses mean that some tokens of this kind do not have it.
//
//	claim             access token  ID token      machine       in Claims
//	iss               issuer        issuer        issuer        Issuer, PoolID
//	token_use         "access"      "id"          "access"      TokenUse
//	client_id         app client    -             app client    ClientID
//	aud               (resource)    app client    -             Audience(), ClientID
//	sub               user          user          (app client)  Subject
//	username          user name     -             -             Username
//	cognito:username  -             user name     -             Username
//	scope             (granted)     -             (granted)     Scopes(), HasScope()
//	cognito:groups    (groups)      (groups)      -             Groups(), HasGroup()
//	auth_time         login         login         (set)         AuthTime
//	iat, exp          issue, end    issue, end    issue, end    IssuedAt, Expiry
//	jti               (unique)      (unique)      (unique)      ID
//	origin_jti        (login)       (login)       (login)       OriginID
//	event_id          (request)     (request)     (request)     EventID
//	acr, amr          (level)       (level)       -             ACR, AMR()
//	version           (2)           -             (2)           Decode()
//	email             -             (attribute)   -             String()
//	email_verified    -             (attribute)   -             Bool()
//	custom:tenant     -             (attribute)   -             String()
//
// More about some of these claims:
//
//   - As a rule an access token has no aud. It has one if the client asked for a
//     resource (RFC 8707), or if a pre token generation trigger set it to client_id.
//   - A login through the InitiateAuth API grants one scope only,
//     aws.cognito.signin.user.admin. A machine gets custom scopes only.
//   - A user who has just joined a group needs a new token to show it.
//   - That trigger may change scopes and groups and add claims. It cannot change
//     the user, the client, token_use or the times.
//   - All tokens of one login share origin_jti, also refreshed ones. Tokens have
//     jti and origin_jti if revocation is on for the app client, which is the default.
//
// # Routes
//
// AllowAnonymous and Optional are called markers. A marker must be the outermost
// handler that is registered for its route. CORS goes outside of Wrap, because
// a preflight request carries no token. Middleware that needs the claims goes inside
// the marker or Require, or between Wrap and the mux by [Middleware.WrapWith]: Wrap
// itself cannot see routes through other middleware, so all of them stay protected.
//
// If there are several pools, every route admits the tokens of all of them. An
// [Assert] on Claims.PoolID limits a route to one pool. A Subject is unique
// within its pool only, so store data under PoolID and Subject together.
//
// # Refusals
//
// A refusal is an [*Error]. It has a sentinel for errors.Is, a stable code, and
// a fixed text that is safe to show. Its Detail is for your log and names what
// was found, what was expected and which setting to change. Status 400, 401 and
// 403 report a fault of the caller. 503 says that the keys, Pool.AllowClient or
// Config.Revoked are out of reach. 500 says that the program is wired wrongly.
// [Middleware.Explain] shows every check of one token.
//
// # Keys
//
// The library fetches the keys of a pool when it first needs them, or when you
// call [Middleware.Ready]. It fetches them again in the background after about
// an hour, and it uses no keys that it fetched more than 24 h ago. There is no
// timer: a request starts each fetch. [Middleware.Refresh] fetches at once.
//
// A token whose kid is unknown starts a fetch at once, and its request waits up
// to 3 s for the result. After a successful fetch the library waits 10 s before
// the next, so a token with a key that Cognito has just published may be answered
// 401 until the 10 s are over. After a failed fetch the pause is 1 s, and it
// doubles up to 10 s, or to 60 s without usable keys. The keys of the last good
// fetch stay in use, and a token with any other kid is answered 503.
//
// # Verified tokens
//
// The library remembers verified tokens by a keyed hash of the whole token, see
// Config.TokenCache. A remembered token needs no decoding and no signature
// check. Its times, its key, Pool.AllowClient, Config.Revoked and the policies are
// checked on every use. A token is checked when its request begins; [WithExpiry]
// ends a stream when the token expires.
package cognitoauth
