// Command gin protects a gin engine, which cannot be asked what it would run.
package main

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cognitoauth/cognitoauth"
	cognitogin "github.com/cognitoauth/cognitoauth/contrib/gin"
	"github.com/cognitoauth/cognitoauth/examples/routers/internal/demo"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	demo.Main(newAPI)
}

func newAPI(auth *cognitoauth.Middleware, record func(...any)) http.Handler {
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.GET("/me", answer(record, "me"))
	engine.POST("/orders", cognitogin.Require(cognitoauth.Scope("orders/write")), answer(record, "order"))
	engine.GET("/users/:name", cognitogin.Require(ownPage), answer(record, "page"))
	v1 := engine.Group("/v1")
	v1.GET("/orders", answer(record, "orders"))

	// Wrap protects all of the engine, its redirects and its 404 included. The
	// routes that are open stand in front of it, where they can be seen.
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(open(record, "health")))
	mux.Handle("GET /v1/version", cognitoauth.AllowAnonymous(open(record, "version")))
	mux.Handle("/", engine)
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
func answer(record func(...any), what string) gin.HandlerFunc {
	return func(c *gin.Context) {
		claims, ok := cognitogin.Claims(c)
		if !ok {
			c.AbortWithStatus(http.StatusInternalServerError)
			return
		}
		record(what, " for ", claims.Username)
		c.String(http.StatusOK, "%s for %s\n", what, claims.Username)
	}
}

// open stands for a handler that anybody may call.
func open(record func(...any), what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		record(what, " for anybody")
		fmt.Fprintf(w, "%s for anybody\n", what)
	}
}
