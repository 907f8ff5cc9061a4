// Command chi protects a chi router, which tells what it would run.
package main

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/cognitoauth/cognitoauth"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

func main() { demo.Main(newAPI) }

func newAPI(auth *cognitoauth.Middleware, record func(...any)) http.Handler {
	mux := chi.NewRouter()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(answer(record, "health")))
	mux.Get("/me", answer(record, "me"))
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), answer(record, "order")))
	mux.Handle("GET /users/{name}", cognitoauth.Require(ownPage, answer(record, "page")))
	mux.Route("/v1", func(v1 chi.Router) {
		v1.Handle("GET /version", cognitoauth.AllowAnonymous(answer(record, "version")))
		v1.Get("/orders", answer(record, "orders"))
	})

	// What chi's Use would take goes around Wrap:
	//	chi.Chain(middleware.Logger, auth.Wrap).Handler(cognitochi.New(mux))
	return auth.Wrap(cognitochi.New(mux))
}

// ownPage lets a user see the page that bears the user's name.
var ownPage = cognitoauth.And(
	cognitoauth.UserToken(),
	cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
		return r.PathValue("name") == c.Username
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
