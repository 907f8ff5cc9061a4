// Package cognitoecho protects the routes of an echo v5 router by tokens of Amazon
// Cognito user pools. (Package cognitoechov4 is for echo v4.) There are two forms.
//
// Around everything: [cognitoauth.Middleware.Wrap] stands around the router, so its 404
// and 405 need a token too, and so does all that e.Pre rewrites. Echo cannot say which
// handler it would run, so open routes stand on a ServeMux in front of it, where they
// can be seen:
//
//	mux := http.NewServeMux()
//	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(health))
//	mux.Handle("/", e)
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// On a group: [Middleware] protects the routes of the group, and nothing else. What is
// in no group is open.
//
//	api := e.Group("/api", cognitoecho.Middleware(auth))
//
// In both forms, [Require] asks more of a route, and [Claims] says who calls.
package cognitoecho

import (
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/labstack/echo/v5"
)

// Middleware returns middleware that admits only requests with a valid token that meet
// the fallback policy. It answers the others as [cognitoauth.Middleware.Wrap] does, and
// returns nil: no handler after it runs, and echo's HTTPErrorHandler adds nothing. It
// has no open routes: register these outside of its group. With a nil auth, every
// request is answered 500.
//
// Give it to Group, because group.Use does not change the routes that were registered
// before. e.Use is for all routes of e, its 404 and 405 included. Middleware is safe for
// concurrent use.
func Middleware(auth *cognitoauth.Middleware) echo.MiddlewareFunc {
	return ask(auth.Wrap(http.HandlerFunc(proceed)))
}

// Require returns middleware for one route, or a group, that demands p in addition to
// the fallback policy. It answers a refusal as [cognitoauth.Require] does, and returns
// nil; without [Middleware] or Wrap before it, it answers 500. An Assert finds the path
// parameters in r.PathValue, each exactly as c.Param has it (named "*" for a *), and the
// path of the route in r.Pattern. Require panics if p is the zero Policy. It is safe for
// concurrent use.
func Require(p cognitoauth.Policy) echo.MiddlewareFunc {
	return ask(cognitoauth.Require(p, http.HandlerFunc(proceed)))
}

// Claims returns the claims of the request, and whether there are any, as
// [cognitoauth.FromContext] does for c.Request().Context().
func Claims(c *echo.Context) (*cognitoauth.Claims, bool) {
	return cognitoauth.FromContext(c.Request().Context())
}

// ask returns middleware that goes on if h calls proceed. If h does not, h has answered.
func ask(h http.Handler) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			r := c.Request()
			for _, p := range c.PathValues() {
				r.SetPathValue(p.Name, p.Value)
			}
			w := &writer{ResponseWriter: c.Response(), c: c, next: next}
			h.ServeHTTP(w, r)
			return w.err
		}
	}
}

// writer carries the echo.Context through a net/http handler.
type writer struct {
	http.ResponseWriter
	c    *echo.Context
	next echo.HandlerFunc
	err  error // of next
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// proceed runs the handlers that follow. They write to echo's own response.
func proceed(w http.ResponseWriter, r *http.Request) {
	on := w.(*writer)
	on.c.SetRequest(r)
	on.err = on.next(on.c)
}
