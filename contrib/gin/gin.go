// Package cognitogin protects the routes of a gin engine by tokens of Amazon Cognito
// user pools. There are two forms.
//
// Around everything: [cognitoauth.Middleware.Wrap] stands around the engine, so its
// redirects, 404 and 405 need a token too. Gin cannot say which handler it would run,
// so open routes stand on a ServeMux in front of it, where they can be seen:
//
//	mux := http.NewServeMux()
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//	mux.Handle("/", engine)
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// On a group: [Middleware] protects the routes of the group, and nothing else. What is
// in no group is open, and so are the engine's redirects and its 404.
//
//	api := engine.Group("/api", cognitogin.Middleware(auth))
//
// In both forms, [Require] asks more of a route, and [Claims] says who calls.
package cognitogin

import (
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/gin-gonic/gin"
)

// Middleware returns a handler that admits only requests with a valid token that meet
// the fallback policy. It answers the others as [cognitoauth.Middleware.Wrap] does, and
// aborts, so that no handler after it runs. It has no open routes: register these
// outside of its group. With a nil auth, every request is answered 500.
//
// Give it to Group, because engine.Use and group.Use do not change the routes that were
// registered before. It is safe for concurrent use.
func Middleware(auth *cognitoauth.Middleware) gin.HandlerFunc {
	return ask(auth.Wrap(http.HandlerFunc(proceed)))
}

// Require returns a handler for one route, or a group, that demands p in addition to
// the fallback policy. It answers a refusal as [cognitoauth.Require] does, and aborts;
// without [Middleware] or Wrap before it, it answers 500. An Assert finds the path
// parameters in r.PathValue, each exactly as c.Param has it ("/file" for *path), and
// the full path of the route in r.Pattern. Require panics if p is the zero Policy. It is
// safe for concurrent use.
func Require(p cognitoauth.Policy) gin.HandlerFunc {
	return ask(cognitoauth.Require(p, http.HandlerFunc(proceed)))
}

// Claims returns the claims of the request, and whether there are any, as
// [cognitoauth.FromContext] does for c.Request.Context(). The gin.Context is a context
// too, but has no claims unless Engine.ContextWithFallback is set.
func Claims(c *gin.Context) (*cognitoauth.Claims, bool) {
	return cognitoauth.FromContext(c.Request.Context())
}

// ask returns the handler that goes on if h calls proceed, and aborts if it does not.
func ask(h http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if route := c.FullPath(); route != "" {
			c.Request.Pattern = route // for logs and metrics; on 404 it is that of a mux in front
		}
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		w := &writer{ResponseWriter: c.Writer, c: c}
		h.ServeHTTP(w, c.Request)
		if !w.admitted {
			c.Writer.WriteHeaderNow() // else a handler before us could change the status
			c.Abort()                 // to return is not enough: gin goes on to the next handler
		}
	}
}

// writer carries the gin.Context through a net/http handler.
type writer struct {
	http.ResponseWriter
	c        *gin.Context
	admitted bool
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// proceed runs the handlers that follow. They write to gin's own ResponseWriter.
func proceed(w http.ResponseWriter, r *http.Request) {
	next := w.(*writer)
	next.admitted = true
	next.c.Request = r
	next.c.Next()
}
