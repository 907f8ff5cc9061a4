package migration_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/cognitoauth/cognitoauth"
)

// What the authorizer and the routes of an HTTP API say is Pool and Require.
func Example_apiGatewayHTTP() {
	auth := middleware(cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web"}}}})
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /orders", cognitoauth.Require(cognitoauth.Or(cognitoauth.Scope("orders/read"), cognitoauth.Scope("orders/write")), hello))
	api := auth.Wrap(mux)

	get(api, "/healthz", nil)
	get(api, "/orders", pool.AccessToken().Scopes("orders/write"))
	get(api, "/orders", pool.AccessToken())
	get(api, "/orders", pool.IDToken()) // its aud is the client: good there, where a route has no scopes
	get(api, "/no/such/route", nil)
	// Output:
	// 200 hello stranger
	// 200 hello jane
	// 403 scope_missing
	// 401 token_use_mismatch
	// 401 token_missing
}

// bare takes Authorization with and without the word Bearer. Callers that send
// the word need nothing of the kind.
func bare(r *http.Request) (string, error) {
	switch all := r.Header.Values("Authorization"); {
	case len(all) == 0:
		return "", nil
	case len(all) > 1:
		return "", fmt.Errorf("%d tokens", len(all))
	case len(all[0]) > 7 && (all[0][:7] == "Bearer " || all[0][:7] == "bearer "):
		return all[0][7:], nil
	default:
		return all[0], nil
	}
}

// A token without "Bearer" counts as none, unless a source of your own takes it.
func Example_apiGatewayIdentitySource() {
	cfg := pool.Config()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", pool.AccessToken().String())
	send(middleware(cfg).Wrap(hello), r)

	cfg.TokenSource = bare
	api := middleware(cfg).Wrap(hello)
	send(api, r)
	get(api, "/", pool.AccessToken())
	r.Header.Add("Authorization", pool.AccessToken().String())
	send(api, r)
	// Output:
	// 401 token_missing
	// 200 hello jane
	// 200 hello jane
	// 400 credentials_malformed
}

// asGateway answers with the bodies of API Gateway, for clients that read them.
func asGateway(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
	if challenge := e.Challenge(); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	fmt.Fprintf(w, "{\"message\":%q}\n", http.StatusText(e.Status))
}

func Example_apiGatewayBodies() {
	cfg := pool.Config()
	cfg.ErrorHandler = asGateway
	api := middleware(cfg).Wrap(cognitoauth.Require(cognitoauth.Scope("orders/read"), hello))

	get(api, "/", nil)
	get(api, "/", pool.AccessToken())
	// Output:
	// 401 {"message":"Unauthorized"}
	// 403 {"message":"Forbidden"}
}

// Claims are no longer strings throughout.
func Example_apiGatewayClaims() {
	api := middleware(pool.Config()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprintln(w, claims.Groups(), claims.Scopes(), claims.Expiry.Format("15:04"))
	}))
	get(api, "/", pool.AccessToken().Groups("admins", "staff").Scopes("orders/read"))
	// Output: 200 [admins staff] [orders/read] 13:00
}

// A Cognito authorizer takes ID tokens on methods without scopes, and access
// tokens on methods with scopes. Two entries take both; a policy tells them
// apart where it matters.
func Example_apiGatewayREST() {
	access := cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web", "2mobile"}}
	id := cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web"}, TokenUse: cognitoauth.IDToken}
	auth := middleware(cognitoauth.Config{Pools: []cognitoauth.Pool{access, id}})

	idOnly := cognitoauth.Claim("token_use", "id")
	mux := http.NewServeMux()
	mux.Handle("GET /profile", cognitoauth.Require(idOnly, hello))
	mux.Handle("GET /orders", cognitoauth.Require(cognitoauth.Scope("orders/read"), hello))
	api := auth.Wrap(mux)

	get(api, "/profile", pool.IDToken())
	get(api, "/profile", pool.AccessToken())
	get(api, "/orders", pool.AccessToken().Scopes("orders/read"))
	get(api, "/orders", pool.IDToken())
	get(api, "/profile", pool.IDToken().Client("2mobile"))
	// Output:
	// 200 hello jane
	// 403 claim_denied
	// 200 hello jane
	// 403 scope_unattainable
	// 401 client_mismatch
}

// A Cognito authorizer that lists pools takes every app client of each.
func Example_apiGatewayRESTPools() {
	cfg := cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", DangerouslyAllowAnyClient: true}}}
	get(middleware(cfg).Wrap(hello), "/", pool.AccessToken().Client("3stranger"))

	// The updated form of the issuer, which such an authorizer does not know.
	updated := "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"
	get(middleware(pool.Config()).Wrap(hello), "/", pool.AccessToken().Set("iss", updated))
	// Output:
	// 200 hello jane
	// 200 hello jane
}
