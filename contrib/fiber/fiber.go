// Package cognitofiber protects routes of a fiber v3 app by tokens of Amazon Cognito user
// pools. The order of registration decides: what stands before [Middleware] is open.
//
//	app.Get("/healthz", health)                              // open
//	app.Use("/*", cognitofiber.Middleware(auth))             // around all that follows
//	api := app.Group("/api", cognitofiber.Middleware(auth))  // or: around this group only
//
// In both forms, [Require] asks more of a route, and [Claims] says who calls. Markers open
// nothing: fiber cannot say which handler it would run. All is safe for concurrent use.
package cognitofiber

import (
	"bytes"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/cognitoauth/cognitoauth"
	"github.com/gofiber/fiber/v3"
)

// Middleware returns a handler that admits only requests with a valid token that meet the
// fallback policy. It answers the others as [cognitoauth.Middleware.Wrap] does; nothing
// after it runs, not even fiber's ErrorHandler. It answers 500 with a nil auth, and where
// Use or Group put it at "/", which fiber does not match for every request that reaches a
// handler. Write app.Use("/*", …).
func Middleware(auth *cognitoauth.Middleware) fiber.Handler {
	wrapped, misplaced := ask(auth.Wrap(http.HandlerFunc(proceed))), ask((*cognitoauth.Middleware)(nil).Wrap(http.HandlerFunc(proceed)))
	log := sync.OnceFunc(func() { slog.Error(`cognitofiber: Middleware at "/" misses some requests: write app.Use("/*", ...)`) })
	return func(c fiber.Ctx) error {
		if c.FullPath() == "/" && (!c.Matched() || c.Path() != "/") { // a route "/" has no other path
			log()
			return misplaced(c)
		}
		return wrapped(c)
	}
}

// Require returns a handler for one route that demands p in addition to the fallback
// policy. It answers a refusal as [cognitoauth.Require] does; without [Middleware] before
// it, it answers 500. An Assert finds the path parameters in r.PathValue, named as in
// c.Route().Params ("*1" for a *) and each as c.Params has it. The path of r.URL is
// c.Path(), r.Pattern is c.FullPath(), r has no body. It panics if p is the zero Policy.
func Require(p cognitoauth.Policy) fiber.Handler {
	return ask(cognitoauth.Require(p, http.HandlerFunc(proceed)))
}

// Claims returns the claims of the request, and whether there are any, as
// [cognitoauth.FromContext] does for c.Context(). They stay valid after the handler.
func Claims(c fiber.Ctx) (*cognitoauth.Claims, bool) { return cognitoauth.FromContext(c.Context()) }

// ask returns the handler that goes on if h calls proceed, and else answers as h does.
func ask(h http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		w := &writer{c: c, header: headers(c.Response().Header.All()), status: http.StatusOK}
		w.header.Del("Content-Type") // fiber's default, which hides the type of a file once it is set
		h.ServeHTTP(w, request(c))
		if w.admitted {
			return w.err
		}
		w.copyHeader()
		if c.Request().IsBodyStream() { // whose rest is still to come
			c.Response().SetConnectionClose()
		}
		return c.Status(w.status).Send(w.Bytes())
	}
}

// request copies what policies and token sources see: fiber uses its memory again.
func request(c fiber.Ctx) *http.Request {
	r := &http.Request{Method: c.Method(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Pattern: c.FullPath(),
		URL:  &url.URL{Path: strings.Clone(c.Path()), RawQuery: string(c.Request().URI().QueryString())},
		Host: string(c.Request().Host()), Header: headers(c.Request().Header.All()),
		RemoteAddr: c.RequestCtx().RemoteAddr().String(), TLS: c.RequestCtx().TLSConnectionState()}
	for _, name := range c.Route().Params {
		r.SetPathValue(name, strings.Clone(c.Params(name)))
	}
	return r.WithContext(c.Context())
}

func headers(all iter.Seq2[[]byte, []byte]) http.Header {
	h := http.Header{}
	for name, value := range all {
		h.Add(string(name), string(value))
	}
	return h
}

// writer keeps the answer of h until it is clear whether it is a refusal.
type writer struct {
	bytes.Buffer
	c        fiber.Ctx
	header   http.Header
	status   int
	admitted bool
	err      error // of the handlers that follow
}

func (w *writer) Header() http.Header    { return w.header }
func (w *writer) WriteHeader(status int) { w.status = status }
func (w *writer) copyHeader() {
	for name, values := range w.header {
		w.c.Response().Header.Del(name)
		for _, value := range values {
			w.c.Response().Header.Add(name, value)
		}
	}
}

// proceed runs the handlers that follow.
func proceed(w http.ResponseWriter, r *http.Request) {
	next := w.(*writer)
	next.admitted = true
	next.copyHeader()
	next.c.SetContext(r.Context())
	next.err = next.c.Next()
}
