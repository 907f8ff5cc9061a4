package migration_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// The options of CognitoJwtVerifier.create are fields of Pool and Config.
// hydrate is Ready, and verify is Validate where no HTTP request is.
func Example_awsJwtVerify() {
	cfg := cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web", "2mobile"}}}}
	cfg.Leeway = time.Minute
	cfg.HTTPClient = &http.Client{Transport: transport}
	cfg.Now = now
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := auth.Ready(ctx); err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{
		pool.AccessToken().Client("2mobile").String(),
		pool.AccessToken().ExpiresIn(-30 * time.Second).String(), // within the leeway
		pool.AccessToken().Client("3stranger").String(),
		pool.IDToken().String(),
		pool.AccessToken().Delete("exp").String(),                             // good for ever, there
		pool.AccessToken().Set("aud", "https://billing.example.com").String(), // not looked at, there
	} {
		claims, err := auth.Validate(ctx, token)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(claims.Username, claims.ClientID)
	}
	// Output:
	// jane 2mobile
	// jane 1web
	// cognitoauth: the token was issued to another client
	// cognitoauth: this kind of token is not accepted
	// cognitoauth: the token does not expire
	// cognitoauth: the token is meant for another audience
}

// What create and verify are given as groups, scope and customJwtCheck is the
// policy of a route, or Config.Fallback for all of them. It is added to, never
// replaced.
func Example_awsJwtVerifyChecks() {
	acme := func(_ *http.Request, c *cognitoauth.Claims) bool { return c.String("custom:tenant") == "acme" }
	cfg := pool.Config()
	cfg.Fallback = cognitoauth.Assert("a user of acme", acme)
	auth := middleware(cfg)

	mux := http.NewServeMux()
	mux.Handle("/any-group", cognitoauth.Require(cognitoauth.Or(cognitoauth.Group("admins"), cognitoauth.Group("auditors")), hello))
	mux.Handle("/any-scope", cognitoauth.Require(cognitoauth.Or(cognitoauth.Scope("orders/write"), cognitoauth.Scope("orders/admin")), hello))
	mux.Handle("/all-scopes", cognitoauth.Require(cognitoauth.And(cognitoauth.Scope("orders/read"), cognitoauth.Scope("orders/write")), hello))
	api := auth.Wrap(mux)

	jane := pool.AccessToken().Set("custom:tenant", "acme").Groups("auditors").Scopes("orders/write")
	get(api, "/any-group", jane)
	get(api, "/any-scope", jane)
	get(api, "/all-scopes", jane)
	get(api, "/any-group", jane.Delete("custom:tenant"))
	get(api, "/any-group", jane.Set("cognito:groups", "auditors")) // a string, no list: matches there
	// Output:
	// 200 hello jane
	// 200 hello jane
	// 403 scope_missing
	// 403 assertion_denied
	// 401 claims_malformed
}

// clientId: null and tokenUse: null have to be asked for by name. A check that
// asks a database is Config.Revoked, which sees verified tokens alone.
func Example_awsJwtVerifyNull() {
	lookUp := func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
		if c.OriginID == "" {
			return false, errors.New("the list of logins is down")
		}
		return c.OriginID == "revoked-login", nil
	}
	access := cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", DangerouslyAllowAnyClient: true}
	id := access
	id.TokenUse = cognitoauth.IDToken
	cfg := cognitoauth.Config{Pools: []cognitoauth.Pool{access, id}}
	cfg.Revoked = lookUp
	api := middleware(cfg).Wrap(hello)

	get(api, "/", pool.AccessToken().Client("3stranger"))
	get(api, "/", pool.IDToken().Client("3stranger"))
	get(api, "/", pool.AccessToken().Set("token_use", "refresh"))
	get(api, "/", pool.AccessToken().Set("origin_jti", "revoked-login"))
	get(api, "/", pool.AccessToken().Delete("origin_jti"))
	// Output:
	// 200 hello jane
	// 200 hello jane
	// 401 token_use_mismatch
	// 401 token_revoked
	// 503 revocation_unavailable
}

// cacheJwks is Pool.JWKS, of each of several pools its own.
func Example_awsJwtVerifyCacheJwks() {
	other := cognitotest.NewPool(tb{}, cognitotest.Options{ID: "us-east-1_CUSTOMER1", InProcess: true, Now: now})
	keys := pool.KeySet()
	staff := cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web"}, JWKS: keys}
	customers := cognitoauth.Pool{ID: "us-east-1_CUSTOMER1", ClientIDs: []string{"1web"}, JWKS: other.KeySet()}
	api := middleware(cognitoauth.Config{Pools: []cognitoauth.Pool{staff, customers}}).Wrap(hello)

	get(api, "/", pool.AccessToken())
	get(api, "/", other.AccessToken().Client("1web"))
	get(api, "/", pool.AccessToken().Set("iss", other.Issuer())) // keys count for their own pool alone
	// Output:
	// 200 hello jane
	// 200 hello jane
	// 401 key_unknown
}

// A class for each error there is a sentinel and a code here. rawJwt is Detail,
// which quotes what helps and never the token.
func Example_awsJwtVerifyErrors() {
	auth := middleware(pool.Config())
	_, err := auth.Validate(context.Background(), pool.AccessToken().ExpiresIn(-time.Hour).String())
	fmt.Println(errors.Is(err, cognitoauth.ErrInvalidToken))
	var refusal *cognitoauth.Error
	if errors.As(err, &refusal) && refusal.Code == "token_expired" {
		fmt.Println(refusal.Detail())
	}
	// Output:
	// true
	// exp is 2026-03-01T11:00:00Z (unverified), now is 2026-03-01T12:00:00Z: expired 1h0m0s ago, Config.Leeway is 30s; the client has to get a new token, for a user with the refresh token
}

// The payload's fields have names, lists are lists, and Decode has the rest.
func Example_awsJwtVerifyPayload() {
	claims := pool.AccessToken().Groups("staff").Set("limits", map[string]int{"orders": 5}).Claims()
	var extra struct {
		Limits map[string]int `json:"limits"`
	}
	err := claims.Decode(&extra)
	fmt.Println(claims.Subject != "", claims.Groups(), claims.HasScope("orders/write"), extra.Limits["orders"], err)
	// Output: true [staff] false 5 <nil>
}

// AlbJwtVerifier checks what the load balancer signed. Here the access token is
// checked, which it passes on.
func Example_awsJwtVerifyALB() {
	cfg := pool.Config()
	cfg.TokenSource = cognitoauth.FromHeader("x-amzn-oidc-accesstoken")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("x-amzn-oidc-accesstoken", pool.AccessToken().String())
	send(middleware(cfg).Wrap(hello), r)
	// Output: 200 hello jane
}
