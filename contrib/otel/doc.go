// Package cognitootel reports what cognitoauth does to OpenTelemetry: metrics, and
// attributes on the span of each request.
//
//	telemetry, err := cognitootel.New(cognitootel.Options{})
//	cfg.OnDecision = telemetry.OnDecision(cfg.OnDecision)
//	auth, err := cognitoauth.New(cfg)
//	telemetry.Observe(auth)
//	http.ListenAndServe(":8080", otelhttp.NewHandler(auth.Wrap(mux), "", otelhttp.WithServerName("api.example.com:443")))
//
// The metrics need an SDK with an exporter, the spans something outside of Wrap that
// starts them, such as otelhttp. With neither, this package costs a look-up and
// reports nothing.
//
// # Metrics
//
//	name                                 instrument        unit       attributes
//	cognitoauth.authentication.duration  histogram         s          A, remembered, error.type
//	cognitoauth.authorization.attempts   counter           {attempt}  method, route, Z, error.type, authenticated, pool, client, policy
//	cognitoauth.key_set.age              gauge             s          pool, host
//	cognitoauth.key.count                up-down counter   {key}      pool, host, state
//	cognitoauth.key_set.fetches          counter           {fetch}    pool, host
//	cognitoauth.key_set.fetch.failures   counter           {fetch}    pool, host
//
// Each decision is one measurement of the first two. A request has one decision, and one
// more for each refusal by [cognitoauth.Middleware.Authorize], or by a Require that Wrap
// cannot see because a handler or middleware calls it: such a request counts as let
// through and as refused. The share of remembered tokens is that of
// cognitoauth.token.remembered=true in the count of the duration. The last four are read
// from [cognitoauth.Middleware.Status]. There is no age before the first fetch and for a
// static key set, which has no fetches either.
//
// The share of answers 503 is that of error.type ending in _unavailable. The code
// request_ended has status 503 too, but nobody is there to see it.
//
// # Attributes
//
//	attribute                          values                                     on
//	http.request.method                known methods, else _OTHER                 metric
//	http.route                         the pattern from its first slash           metric, span
//	error.type                         the code of the refusal, on failure only   metric; span if the status is 5xx
//	server.address                     host of the key set                        metric
//	user.id, user.name                 subject and user name, by opt-in           span
//	cognitoauth.authentication.result  A: success, failure, none                  metric, span
//	cognitoauth.authorization.result   Z: success, failure                        metric, span
//	cognitoauth.authorization.policy   the policy that refused                    metric, span
//	cognitoauth.authenticated          whether A is success                       metric
//	cognitoauth.token.remembered       true, false; only if A is success          metric, span
//	cognitoauth.pool.id                ID of the Pool                             metric, span
//	cognitoauth.client.id              app client, if Pool.ClientIDs lists it     metric, span
//	cognitoauth.key.state              usable, skipped                            metric
//	cognitoauth.code                   Decision.Code                              span
//	cognitoauth.route                  route of Middleware.Admit, not HTTP        metric, span
//
// The first four are stable semantic conventions, user.id and user.name are in
// development; the version is that of the package semconv that this one imports. There
// are no conventions for tokens, so the rest has a prefix of its own.
//
// The result of authentication is none if there was no token to judge, and failure if
// the token is not valid or could not be checked. A policy refuses only valid tokens, so
// then it is success. A bad token that counts as none (Config.IgnoreBadAmbientToken) is a
// failure, and its request is authorized.
//
// No metric names a user, a key ID, a request ID, or an app client that is not in the
// configuration. The number of series is limited by your routes, policies, pools and app
// clients, and by the codes of the library; see Options.WithoutPools if you have hundreds.
// A policy that a handler gives to Authorize, and the route of Admit, should not be made
// of what callers write: the metrics tell 500 of each apart, and call the rest _OTHER.
//
// # Beside ASP.NET Core 10
//
//	there                                              here
//	aspnetcore.authentication.authenticate.duration    cognitoauth.authentication.duration
//	aspnetcore.authentication.result                   cognitoauth.authentication.result
//	aspnetcore.authentication.scheme                   -, see cognitoauth.pool.id
//	aspnetcore.authentication.challenges               attempts with a failure that has status 401
//	aspnetcore.authentication.forbids                  attempts with a failure and authenticated=true
//	aspnetcore.authentication.sign_ins, .sign_outs     -, the library logs nobody in
//	aspnetcore.authorization.attempts                  cognitoauth.authorization.attempts
//	aspnetcore.authorization.policy                    cognitoauth.authorization.policy, on refusals
//	aspnetcore.authorization.result                    cognitoauth.authorization.result
//	aspnetcore.user.is_authenticated                   cognitoauth.authenticated
//	error.type, the type of an exception               error.type, a code
//	-                                                  cognitoauth.key.*, cognitoauth.key_set.*
//
// There, a request to an open endpoint is no attempt, and the duration is that of one
// scheme, without the policies. Here each decision counts in both. The duration has
// other buckets than there, from 1 µs to 3 s, because a token that is remembered takes
// about a microsecond.
package cognitootel
