package cognitotest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// t stands for the *testing.T of a test.
var t = new(recordingTB)

func orders(w http.ResponseWriter, r *http.Request) {
	claims, _ := cognitoauth.FromContext(r.Context())
	fmt.Fprintf(w, "order of %s\n", claims.Username)
}

// The whole path: routes, markers and policies as in production, called with
// tokens that a pool in the process has signed.
func Example() {
	mux := http.NewServeMux()
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(orders)))

	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}
	h := auth.Wrap(mux)

	for _, row := range []struct {
		name  string
		token *cognitotest.Token
	}{
		{"with the scope", pool.AccessToken().Scopes("orders/write").User("joe")},
		{"without it", pool.AccessToken()},
		{"expired", pool.AccessToken().Scopes("orders/write").ExpiresIn(-time.Hour)},
		{"ID token", pool.IDToken()},
		{"machine", pool.MachineToken().Scopes("orders/read")},
	} {
		r := httptest.NewRequest("POST", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+row.token.String())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(row.name, w.Code)
	}

	// Output:
	// with the scope 200
	// without it 403
	// expired 401
	// ID token 401
	// machine 403
}

// A handler alone, without a token and without the middleware.
func ExampleWithClaims() {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})

	r := httptest.NewRequest("POST", "/orders", nil)
	r = cognitotest.WithClaims(r, pool.AccessToken().User("joe").Claims())
	w := httptest.NewRecorder()
	orders(w, r)
	fmt.Print(w.Body)

	// Output: order of joe
}

// An outage of the key endpoint is no fault of the token.
func ExamplePool_SetFault() {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}

	pool.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
	_, err = auth.Validate(context.Background(), pool.AccessToken().String())
	fmt.Println(errors.Is(err, cognitoauth.ErrUnavailable))

	// Output: true
}

// Start is for programs that show something, and for a TestMain: no test ends
// the pool, and its keys are nobody's but its own.
func ExampleStart() {
	pool, err := cognitotest.Start(cognitotest.Options{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web"}, InProcess: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer pool.Close()
	fmt.Println(pool.ID(), pool.ClientID())
	fmt.Println(pool.Issuer())
	fmt.Println(pool.JWKSURL())
	// Output:
	// eu-west-1_EXAMPLE01 1web
	// https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01
	// https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01/.well-known/jwks.json
}

// A pool with a clock of its own: tokens grow old without waiting.
func ExampleNewPool() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, Now: func() time.Time { return now }})
	auth, err := cognitoauth.New(pool.Config()) // goes by the clock of the pool
	if err != nil {
		t.Fatalf("%v", err)
	}

	token := pool.AccessToken().ExpiresIn(time.Hour).String()
	_, err = auth.Validate(context.Background(), token)
	fmt.Println(err)
	now = pool.Now().Add(2 * time.Hour)
	_, err = auth.Validate(context.Background(), token)
	fmt.Println(err)
	// Output:
	// <nil>
	// cognitoauth: the token has expired
}

// A program that trusts two pools gets the keys of both from one client.
func ExampleClient() {
	staff := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_STAFF0001", InProcess: true})
	customers := cognitotest.NewPool(t, cognitotest.Options{ID: "us-east-1_CUSTOMER1", InProcess: true})
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{
			{ID: staff.ID(), ClientIDs: []string{staff.ClientID()}},
			{ID: customers.ID(), ClientIDs: []string{customers.ClientID()}},
		},
		HTTPClient: cognitotest.Client(staff, customers),
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, pool := range []*cognitotest.Pool{staff, customers} {
		claims, err := auth.Validate(context.Background(), pool.AccessToken().String())
		fmt.Println(claims.PoolID, err)
	}
	// Output:
	// eu-west-1_STAFF0001 <nil>
	// us-east-1_CUSTOMER1 <nil>
}

// Where the program makes its own configuration, give it the client.
func ExamplePool_Client() {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	res, err := pool.Client().Get(pool.JWKSURL())
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer res.Body.Close()
	fmt.Println(res.StatusCode, pool.Fetches(), pool.Requests())
	// Output: 200 1 [https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json]
}

// The key set as a file: a program that has it needs no network.
func ExamplePool_KeySet() {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.Pools[0].JWKS = pool.KeySet()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatalf("%v", err)
	}
	_, err = auth.Validate(context.Background(), pool.AccessToken().String())
	fmt.Println(err, pool.Fetches())
	// Output: <nil> 0
}

// rotating is a pool, to be closed since t does not end, and a check of a token
// by a fresh instance of the program.
func rotating() (pool *cognitotest.Pool, check func(*cognitotest.Token) error) {
	pool = cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	return pool, func(token *cognitotest.Token) error {
		auth, err := cognitoauth.New(pool.Config())
		if err != nil {
			return err
		}
		_, err = auth.Validate(context.Background(), token.String())
		return err
	}
}

// The keys change at once. What the old ones have signed is good no longer.
func ExamplePool_Rotate() {
	pool, check := rotating()
	defer pool.Close()
	before := pool.AccessToken()
	pool.Rotate()
	fmt.Println(check(before))
	fmt.Println(check(pool.AccessToken()))
	// Output:
	// cognitoauth: the token's key is not known
	// <nil>
}

// The keys change in steps, and all tokens stay good until the last.
func ExamplePool_PublishNext() {
	pool, check := rotating()
	defer pool.Close()
	before := pool.AccessToken()
	pool.PublishNext()
	pool.Activate()
	after := pool.AccessToken()
	fmt.Println(before.KeyID() != after.KeyID(), check(before), check(after))
	pool.Retire()
	fmt.Println(check(before))
	fmt.Println(check(after))
	// Output:
	// true <nil> <nil>
	// cognitoauth: the token's key is not known
	// <nil>
}

// Each method returns a changed copy, so all rows can start from one token.
func ExampleToken() {
	pool, check := rotating()
	defer pool.Close()
	good := pool.AccessToken()
	for _, token := range []*cognitotest.Token{
		good,
		good.Tampered(),
		good.Client("another"),
		good.Delete("exp"),
		good.Set("nbf", pool.Now().Add(time.Hour)),
		good.SetHeader("alg", "none"),
		good.DeleteHeader("kid"),
		good.Payload([]byte(`{"iss":`)),
		good.Header([]byte(`[]`)),
	} {
		var refusal *cognitoauth.Error
		if errors.As(check(token), &refusal) {
			fmt.Println(refusal.Code)
			continue
		}
		fmt.Println("admitted")
	}
	// Output:
	// admitted
	// signature_invalid
	// client_mismatch
	// expiry_missing
	// token_not_yet_valid
	// algorithm_unsupported
	// key_id_invalid
	// claims_malformed
	// token_malformed
}

// Claims of a token are what policies and handlers see.
func ExampleToken_Claims() {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	admins := cognitoauth.Group("admins")
	fmt.Println(admins.Check(nil, pool.AccessToken().Groups("admins").Claims()))
	fmt.Println(admins.Check(nil, pool.MachineToken().Claims()))
	// Output:
	// <nil>
	// cognitoauth: the user is not in a permitted group
}

// A signature by somebody else, under the key id of the pool.
func ExampleToken_SignedBy() {
	pool, check := rotating()
	defer pool.Close()
	stranger := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	defer stranger.Close()
	fmt.Println(check(pool.AccessToken().SignedBy(stranger.AccessToken().Key())))
	// Output: cognitoauth: the token's signature is invalid
}

// An unsigned token, as an attacker would try it.
func ExampleToken_SignedWith() {
	pool, check := rotating()
	defer pool.Close()
	none := pool.AccessToken().SetHeader("alg", "none").SignedWith(func([]byte) []byte { return nil })
	fmt.Println(none.String()[len(none.String())-1:], check(none))
	// Output: . cognitoauth: the token's algorithm is not accepted
}

// A test that fails if a route is opened by mistake keeps the open routes in a golden
// file, and compares. All routes are registered from one table, whose patterns Routes
// is asked about.
func ExampleRoutes() {
	handler := http.HandlerFunc(orders)
	routes := map[string]http.Handler{
		"GET /healthz":     cognitoauth.AllowAnonymous(handler),
		"GET /docs/{page}": cognitoauth.Optional(handler),
		"/me":              handler,
		"POST /orders":     cognitoauth.Require(cognitoauth.Scope("orders/write"), handler),
	}
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.Handle(pattern, h)
	}
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{}).Config())
	if err != nil {
		t.Fatalf("%v", err)
	}

	table, err := cognitotest.Routes(auth.Wrap(mux), slices.Sorted(maps.Keys(routes))...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Print(table)
	fmt.Println()
	fmt.Print(table.Open()) // for testdata/open-routes.txt

	// Output:
	// protected  /me  Authenticated()
	// optional   GET /docs/{page}
	// anonymous  GET /healthz
	// protected  POST /orders  Scope("orders/write")
	//
	// optional   GET /docs/{page}
	// anonymous  GET /healthz
}
