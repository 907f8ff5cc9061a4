// Package revocation refuses Cognito tokens that were signed out, on every
// instance of an API and within about a second, without I/O on the request path.
//
// A token that an API verifies offline passes until it expires, up to a day, also
// when its user has signed out: Cognito tells nobody (developer guide, "Revoking
// refresh tokens"). Here each instance holds a [List] of what was revoked, and
// follows a store that all instances share. Package redisstore keeps it in Redis
// or Valkey, and [MemoryStore] serves one process.
//
//	list, err := revocation.New(revocation.Config{
//		Namespace: "orders", Secret: secret, Store: store,
//	})
//	go list.Run(ctx)
//	auth, err := cognitoauth.New(cognitoauth.Config{
//		Revoked: list.Revoked, // one look-up in memory
//		...
//	})
//	// in the handler of POST /signout:
//	result, err := list.SignOut(r.Context(), claims, stopRefreshing)
//
// # What it covers
//
// An entry stops tokens that were issued before it. It does not stop the refresh
// token, which lives for up to ten years and brings new tokens with the same
// origin_jti. Cognito has to do that: RevokeToken, GlobalSignOut or
// AdminUserGlobalSignOut. When the entry has ended, a token that was refreshed
// later passes.
//
// # When the store is out of reach
//
// The list goes on for Config.MaxStaleness, 30 s by default. After that, Revoked
// returns an error and the library answers 503, since a revocation may have been
// missed. A revocation that the store did not take is in force on its own instance
// at once, and is written when the store is back.
package revocation
