package cognitofiber_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitofiber "github.com/cognitoauth/cognitoauth/contrib/fiber"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
)

func TestPitfall_head(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Get("/healthz", a.answer("health"))
	app.Head("/healthz", a.answer("head"))
	app.Use("/*", cognitofiber.Middleware(a.auth))
	a.serve(t, app)
	a.run(t, []row{{"open", "HEAD", "/healthz", "", "OK ", "head"}})
}

// Handlers of net/http find the claims in fiber's context. Around fiber's own handler of
// net/http, Wrap protects, but its claims do not get in.
func TestPitfall_netHTTP(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.DiscardHandler))
	a := newAPI(t)
	app := fiber.New()
	app.Group("/in", cognitofiber.Middleware(a.auth)).Get("/x", adaptor.HTTPHandlerWithContext(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx, ok := adaptor.LocalContextFromHTTPRequest(r); ok {
			io.WriteString(w, "x for "+caller(ctx))
		}
	})))
	app.Get("/y", a.answer("y"))
	app.Get("/z", cognitofiber.Require(cognitoauth.Authenticated()), a.answer("z"))
	a.serve(t, app)
	a.run(t, []row{{"handler", "GET", "/in/x", "jane", "OK x for jane", ""}})
	a.serveHTTP(t, a.auth.Wrap(adaptor.FiberApp(app)))
	a.run(t, []row{
		{"no token", "GET", "/y", "", noToken, ""},
		{"no claims", "GET", "/y", "jane", "OK y for anybody", "y"},
		{"Require", "GET", "/z", "jane", wiring, ""},
	})
}

// fiber's own adaptor protects, and loses the claims: see findings/fiber-adaptor-context.sh
// for the reason.
func TestPitfall_adaptor(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", adaptor.HTTPMiddleware(a.auth.Wrap))
	app.Get("/y", a.answer("y"))
	a.serve(t, app)
	a.run(t, []row{
		{"no token", "GET", "/y", "", noToken, ""},
		{"no claims", "GET", "/y", "jane", "OK y for anybody", "y"},
	})
}
