// Command echov5 protects a router of echo v5, which cannot be asked what it would
// run.
package main

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/cognitoauth/cognitoauth"
	cognitoecho "github.com/cognitoauth/cognitoauth/contrib/echo"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

func main() { demo.Main(newAPI) }

func newAPI(auth *cognitoauth.Middleware, record func(...any)) http.Handler {
	e := echo.New()
	e.GET("/me", answer(record, "me"))
	e.POST("/orders", answer(record, "order"), cognitoecho.Require(cognitoauth.Scope("orders/write")))
	e.GET("/users/:name", answer(record, "page"), cognitoecho.Require(ownPage))
	v1 := e.Group("/v1")
	v1.GET("/orders", answer(record, "orders"))

	// Wrap protects all of echo, its 404 and 405 included. The routes that are
	// open stand in front of it, where they can be seen.
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(open(record, "health")))
	mux.Handle("GET /v1/version", cognitoauth.AllowAnonymous(open(record, "version")))
	mux.Handle("/", e)
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
func answer(record func(...any), what string) echo.HandlerFunc {
	return func(c *echo.Context) error {
		claims, ok := cognitoecho.Claims(c)
		if !ok {
			return echo.ErrInternalServerError
		}
		record(what, " for ", claims.Username)
		return c.String(http.StatusOK, fmt.Sprintf("%s for %s\n", what, claims.Username))
	}
}

// open stands for a handler that anybody may call.
func open(record func(...any), what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		record(what, " for anybody")
		fmt.Fprintf(w, "%s for anybody\n", what)
	}
}
