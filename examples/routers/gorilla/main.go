// Command gorilla protects a gorilla/mux router, which tells what it would run.
package main

import (
	"fmt"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

func main() { demo.Main(newAPI) }

func newAPI(auth *cognitoauth.Middleware, record func(...any)) http.Handler {
	routes := mux.NewRouter()
	routes.Handle("/healthz", cognitoauth.AllowAnonymous(answer(record, "health"))).Methods("GET")
	routes.Handle("/me", answer(record, "me")).Methods("GET")
	routes.Handle("/orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), answer(record, "order"))).Methods("POST")
	routes.Handle("/users/{name}", cognitoauth.Require(ownPage, answer(record, "page"))).Methods("GET")
	v1 := routes.PathPrefix("/v1").Subrouter()
	v1.Handle("/version", cognitoauth.AllowAnonymous(answer(record, "version"))).Methods("GET")
	v1.Handle("/orders", answer(record, "orders")).Methods("GET")

	// What gorilla's Use would take goes around Wrap: logged(auth.Wrap(…)).
	return auth.Wrap(cognitogorilla.New(routes))
}

// ownPage lets a user see the page that bears the user's name. Gorilla does not
// set path values; its own variables are there.
var ownPage = cognitoauth.And(
	cognitoauth.UserToken(),
	cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
		return mux.Vars(r)["name"] == c.Username
	}),
)

// answer stands for a handler of yours: it says what ran, and for whom.
func answer(record func(...any), what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := "anybody"
		if claims, ok := cognitoauth.FromContext(r.Context()); ok {
			who = claims.Username
		}
		record(what, " for ", who)
		fmt.Fprintf(w, "%s for %s\n", what, who)
	}
}
