// Package cognitoalb verifies what an AWS Application Load Balancer says about the
// user whom it has logged in: the header x-amzn-oidc-data.
//
//	alb, err := cognitoalb.New(cognitoalb.Config{
//		LoadBalancers: []string{"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"},
//		Issuer:        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01",
//		ClientIDs:     []string{"1example23456789"},
//	})
//
// # Why the ARN
//
// The load balancers of every account in a region sign with keys from one endpoint. So
// a good signature says only that *some* load balancer signed. Anybody can make one,
// let it log users in at a provider of their own, and send the header that it makes
// to a program that checks no more. Here the header must name the signer, the issuer
// and the client of the configuration, and all three are compared before its key is
// fetched.
//
// # Two ways to use it
//
// [Verifier.Wrap] needs nothing else: every request has a valid header, and handlers
// find the user with [FromContext]. There are no scopes, groups or routes.
//
// [Verifier.Protect] stands beside the middleware of package cognitoauth, which
// verifies the access token that the load balancer passes on. Markers and policies
// work as ever; and where a route needs a token, the request needs the header too, of
// the same user and client: a token that was stolen elsewhere is no use without it.
//
// # Keys
//
// A key is fetched when a header needs it, and anew each hour; it is not used beyond
// 24 h. A key that has verified headers, and that its endpoint then denies (403 or 404),
// is not used from then on: AWS may have withdrawn it. But a proxy on the way out may
// have refused the program as well, which is no fault of the caller. So the answer is
// 503 until the endpoint has the key again, or until it denies it a minute after the
// first time or later: then it is 401.
//
// # What it cannot see
//
// The header is a bearer credential: whoever reads one can send it until it expires.
// Let only the load balancer reach the program (security group), and let every rule of
// its listeners that forwards to the program log users in: behind a rule that does
// not, the headers are whatever the client wrote. Both only narrow who can try; the
// verification does not depend on them.
package cognitoalb
