package revocation_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// An API that signs its users out on every instance. With redisstore.New instead of
// a MemoryStore, other processes see it too.
func Example() {
	list, err := revocation.New(revocation.Config{
		Namespace: "orders",
		Secret:    []byte("32 random bytes, from a secret store"),
		Store:     new(revocation.MemoryStore),
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = list.Run(ctx) }()

	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools:   []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
		Revoked: list.Revoked,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		_, err := list.SignOut(r.Context(), claims, func(ctx context.Context) error {
			return nil // call RevokeToken or GlobalSignOut of Cognito here
		})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
	operators := cognitoauth.Group("operators")
	mux.Handle("POST /admin/revocations", cognitoauth.Require(operators, list.Admin()))
	_ = auth.Wrap(mux)
}

// A user is disabled: all tokens that were issued to him before now are refused.
func ExampleList_Revoke() {
	list, err := revocation.New(revocation.Config{
		Namespace: "orders", Secret: make([]byte, 32), Store: new(revocation.MemoryStore),
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	claims := &cognitoauth.Claims{PoolID: "eu-west-1_EXAMPLE01", Subject: "90d1f7c8"}

	_, err = list.Revoked(ctx, claims)
	fmt.Println(err) // Run has not loaded the list

	err = list.Revoke(ctx, revocation.Entry{Kind: revocation.User, PoolID: "eu-west-1_EXAMPLE01", ID: "90d1f7c8"})
	fmt.Println(err)

	fmt.Println(list.Revoked(ctx, claims))
	// Output:
	// revocation: the list is not loaded yet
	// <nil>
	// true <nil>
}

// A machine's token belongs to no login.
func ExampleForSignIn() {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	_, err = revocation.ForSignIn(pool.MachineToken().Claims())
	fmt.Println(err)
	// Output:
	// revocation: the token has no origin_jti: revoke the token, its user or its client
}
