package cognitotest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
