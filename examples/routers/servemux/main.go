// Command servemux protects nested muxes of net/http.
package main

import (
	"fmt"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

func main() { demo.Main(newAPI) }

func newAPI(auth *cognitoauth.Middleware, record func(...any)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(answer(record, "health")))
	mux.Handle("GET /me", answer(record, "me"))
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), answer(record, "order")))
	mux.Handle("GET /users/{name}", cognitoauth.Require(ownPage, answer(record, "page")))

	// A mux inside a mux is asked too, if it is registered as it is.
	v1 := http.NewServeMux()
	v1.Handle("GET /v1/version", cognitoauth.AllowAnonymous(answer(record, "version")))
	v1.Handle("GET /v1/orders", answer(record, "orders"))
	mux.Handle("/v1/", v1)

	// Behind StripPrefix, as inside any other handler, it cannot be asked:
	// whatever it holds is protected, and a marker in it opens nothing.
	admin := http.NewServeMux()
	admin.Handle("GET /stats", cognitoauth.Require(cognitoauth.Group("admins"), answer(record, "stats")))
	mux.Handle("/admin/", http.StripPrefix("/admin", admin))

	return auth.Wrap(mux)
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
