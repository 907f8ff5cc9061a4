package cognitofiber_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cognitoauth/cognitoauth"
	cognitofiber "github.com/cognitoauth/cognitoauth/contrib/fiber"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/static"
)

const (
	noToken = "Unauthorized token_missing"
	broken  = "Unauthorized signature_invalid"
	wiring  = "Internal Server Error not_wired"
)

// What is in the group is protected, and what is in no group is open.
func TestMiddleware(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Get("/healthz", a.answer("health"))
	group := app.Group("/api", cognitofiber.Middleware(a.auth))
	group.Get("/me", a.answer("me"))
	group.Post("/orders", cognitofiber.Require(cognitoauth.Scope("orders/write")), a.answer("order"))
	group.Get("/users/:name", cognitofiber.Require(ownPage), a.answer("page"))
	app.Get("/late", a.answer("late"))
	a.serve(t, app)
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK health for anybody", "health"},
		{"open, token not looked at", "GET", "/healthz", "tampered", "OK health for anybody", "health"},
		{"open, registered after the group", "GET", "/late", "", "OK late for anybody", "late"},
		{"unknown, in no group", "GET", "/nope", "", "Not Found Not Found", ""},

		{"no token", "GET", "/api/me", "", noToken, ""},
		{"broken", "GET", "/api/me", "tampered", broken, ""},
		{"admitted", "GET", "/api/me", "jane", "OK me for jane", "me"},
		{"HEAD", "HEAD", "/api/me", "", "Unauthorized ", ""},
		{"HEAD, admitted", "HEAD", "/api/me", "jane", "OK ", "me"},
		{"OPTIONS", "OPTIONS", "/api/me", "", noToken, ""},
		{"other case", "GET", "/API/Me", "", noToken, ""},
		{"other case, admitted", "GET", "/API/Me", "jane", "OK me for jane", "me"},
		{"trailing slash", "GET", "/api/me/", "", noToken, ""},
		{"trailing slash, admitted", "GET", "/api/me/", "jane", "OK me for jane", "me"},
		{"unknown, in the group", "GET", "/api/nope", "", noToken, ""},
		{"unknown, in the group, admitted", "GET", "/api/nope", "jane", "Not Found Not Found", ""},
		{"wrong method", "PUT", "/api/me", "", noToken, ""},
		{"wrong method, admitted", "PUT", "/api/me", "jane", "Method Not Allowed Method Not Allowed", ""},
		{"letter escaped", "GET", "/%61pi/me", "", "Not Found Not Found", ""},
		{"escaped slash", "GET", "/api%2fme", "", "Not Found Not Found", ""},

		{"policy, no token", "POST", "/api/orders", "", noToken, ""},
		{"policy not met", "POST", "/api/orders", "jane", "Forbidden scope_missing", ""},
		{"policy met", "POST", "/api/orders", "writer", "OK order for jane", "order"},
		{"parameter not met", "GET", "/api/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"parameter met", "GET", "/api/users/jane", "jane", "OK page for jane", "page"},
	})
	if got := a.do(t, "POST", "/api/orders", a.pool.AccessToken().String()).header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="orders/write"`) {
		t.Errorf("challenge %s", got)
	}
}

// Use of "/*" protects everything that is registered after it.
func TestAround(t *testing.T) {
	a := newAPI(t, func(c *cognitoauth.Config) {
		c.Pools[0].Audiences = []string{"https://api.example.com/x"}
		c.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: "https://api.example.com/x"}}
	})
	app := fiber.New()
	app.Get("/healthz", a.answer("health"))
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.Get("/me", a.answer("me"))
	sub := fiber.New()
	sub.Get("/me", a.answer("sub"))
	app.Use("/sub", sub)
	a.serve(t, app)
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK health for anybody", "health"},
		{"open, HEAD, which fiber registers late", "HEAD", "/healthz", "", "Unauthorized ", ""},
		{"open, other case", "GET", "/HEALTHZ/", "", "OK health for anybody", "health"},
		{"other method on open", "POST", "/healthz", "", noToken, ""},
		{"no token", "GET", "/me", "", noToken, ""},
		{"HEAD", "HEAD", "/me", "", "Unauthorized ", ""},
		{"unknown", "GET", "/nope", "", noToken, ""},
		{"wrong method", "DELETE", "/me", "", noToken, ""},
		{"mounted", "GET", "/sub/me", "", noToken, ""},
	})
	token := a.pool.AccessToken().Set("aud", "https://api.example.com/x").String()
	for path, want := range map[string]string{"/me": "me", "/sub/me": "sub"} {
		if got := a.do(t, "GET", path, token); got.ran != want || got.body != want+" for jane" {
			t.Errorf("%s: %s, ran %q", path, got, got.ran)
		}
	}
	if got := a.do(t, "GET", "/.well-known/oauth-protected-resource/x", ""); got.status != http.StatusOK || !strings.Contains(got.body, "https://api.example.com/x") || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("document: %d %v %s", got.status, got.header, got.body)
	}
}

// A refusal is Wrap's, whatever stands before and after.
func TestMiddleware_answersAsWrap(t *testing.T) {
	for name, handler := range map[string]func(http.ResponseWriter, *http.Request, *cognitoauth.Error){
		"WriteError": nil,
		"own": func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", Path: "/"})
			w.Header().Add("WWW-Authenticate", "Basic")
			http.Error(w, e.Code, http.StatusTeapot)
		},
	} {
		a := newAPI(t, func(c *cognitoauth.Config) {
			c.ErrorHandler, c.TokenSource = handler, cognitoauth.FromHeader("X-Token") // which sets Vary
		})
		app := fiber.New(fiber.Config{ErrorHandler: func(_ fiber.Ctx, err error) error {
			a.record("error handler")
			return err
		}})
		app.Use("/*", func(c fiber.Ctx) error {
			c.Set("WWW-Authenticate", "Negotiate")
			c.Set("X-Outer", "1")
			c.SendString("not sent")
			return c.Next()
		}, cognitofiber.Middleware(a.auth))
		app.Get("/x", a.answer("x"))
		outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.Header().Set("X-Outer", "1")
			a.auth.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
		})
		for _, method := range []string{"GET", "POST"} {
			a.serveHTTP(t, outer)
			want := a.do(t, method, "/x", "")
			a.serve(t, app)
			got := a.do(t, method, "/x", "")
			for _, h := range []http.Header{want.header, got.header} {
				h.Del("Date")
				slices.Sort(h["Www-Authenticate"]) // fasthttp keeps no order
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s:\n%+q %v\nwant\n%+q %v", name, method, got.body, got.header, want.body, want.header)
			}
		}
	}
}

// What Wrap sets for an admitted request arrives. Handlers before and after Middleware may
// set their own.
func TestMiddleware_headers(t *testing.T) {
	a := newAPI(t, func(c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromHeader("X-Token") })
	app := fiber.New()
	app.Get("/before", func(c fiber.Ctx) error {
		c.Set("Cache-Control", "private")
		c.Set("Vary", "Origin")
		return c.Next()
	})
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.Get("/after", func(c fiber.Ctx) error {
		c.Set("Cache-Control", "max-age=1")
		return c.JSON("x")
	})
	app.Get("/*", a.answer("x"))
	a.serve(t, app)
	for path, want := range map[string][]string{"/x": {"no-store", "Cookie"}, "/before": {"private", "Cookie, Origin"}, "/after": {"max-age=1", "Cookie"}} {
		r, _ := http.NewRequest("GET", a.url+path, nil)
		r.Header.Set("X-Token", a.pool.AccessToken().String())
		got := a.send(t, r)
		vary := slices.Sorted(slices.Values(got.header.Values("Vary"))) // fasthttp keeps no order of values
		if h := []string{got.header.Get("Cache-Control"), strings.Join(vary, ", ")}; got.status != http.StatusOK || !reflect.DeepEqual(h, want) {
			t.Errorf("%s: %d %q, want %q", path, got.status, h, want)
		}
	}
}

// Fiber gives a file the type of its name only if nothing has set one. One that is set
// before Middleware stays.
func TestMiddleware_contentType(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Get("/set.css", func(c fiber.Ctx) error {
		c.Type("html")
		return c.Next()
	})
	app.Use("/*", cognitofiber.Middleware(a.auth))
	file := &fstest.MapFile{Data: []byte("x")}
	app.Get("/*", cognitofiber.Require(cognitoauth.Authenticated()), static.New("", static.Config{FS: fstest.MapFS{"x.css": file, "set.css": file}}))
	a.serve(t, app)
	for path, want := range map[string]string{"/x.css": "text/css", "/set.css": "text/html"} {
		got := a.do(t, "GET", path, a.pool.AccessToken().String())
		if kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";"); got.status != http.StatusOK || kind != want {
			t.Errorf("%s: %d %s, want %s", path, got.status, kind, want)
		}
	}
}

// An error of a handler reaches the ErrorHandler, a refusal does not.
func TestMiddleware_error(t *testing.T) {
	a := newAPI(t)
	sentinel := errors.New("sentinel")
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		if errors.Is(err, sentinel) {
			a.record("error")
		}
		return c.Status(http.StatusTeapot).SendString("handled")
	}})
	app.Group("/api", cognitofiber.Middleware(a.auth)).Get("/x", cognitofiber.Require(cognitoauth.UserToken()), func(fiber.Ctx) error { return sentinel })
	a.serve(t, app)
	a.run(t, []row{
		{"admitted", "GET", "/api/x", "jane", "I'm a teapot handled", "error"},
		{"refused", "GET", "/api/x", "", noToken, ""},
	})
}

// A path that a handler changes meets the rules of the new one if routing begins again. If
// the handler calls Next, fiber goes on in the routes of the new path, where Middleware may
// be past, wherever it stands. Require closes the route then.
func TestMiddleware_rewritten(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.DiscardHandler))
	a := newAPI(t)
	app := fiber.New()
	app.Get("/restart/*", func(c fiber.Ctx) error {
		c.Path("/api/" + c.Params("*"))
		return c.RestartRouting()
	})
	app.Use("/early", func(c fiber.Ctx) error {
		c.Path("/api/" + c.Query("to"))
		return c.Next()
	})
	group := app.Group("/api", cognitofiber.Middleware(a.auth))
	app.Use("/late", func(c fiber.Ctx) error {
		c.Path("/api/" + c.Query("to"))
		return c.Next()
	})
	group.Get("/me", a.answer("me"))
	group.Get("/closed", cognitofiber.Require(cognitoauth.Authenticated()), a.answer("closed"))
	group.Get("/users/:name", cognitofiber.Require(ownPage), a.answer("page"))
	a.serve(t, app)
	a.run(t, []row{
		{"restart", "GET", "/restart/me", "", noToken, ""},
		{"restart, admitted", "GET", "/restart/me", "jane", "OK me for jane", "me"},
		{"restart, policy", "GET", "/restart/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"restart, policy met", "GET", "/restart/users/jane", "jane", "OK page for jane", "page"},
		{"Next", "GET", "/early?to=me", "", "OK me for anybody", "me"},
		{"Next, Require", "GET", "/early?to=closed", "jane", wiring, ""},
		{"Next, after Middleware", "GET", "/late?to=me", "", "OK me for anybody", "me"},
		{"Next, after Middleware, Require", "GET", "/late?to=closed", "", wiring, ""},
	})
}

// Assert sees what fiber has.
func TestRequire_request(t *testing.T) {
	type key struct{}
	a := newAPI(t)
	for _, unescape := range []bool{false, true} {
		app := fiber.New(fiber.Config{UnescapePath: unescape})
		var seen, values []string
		policy := cognitoauth.Assert("any", func(r *http.Request, _ *cognitoauth.Claims) bool {
			seen = []string{r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.Pattern, r.Header.Get("User-Agent")}
			values = []string{r.PathValue("name"), r.PathValue("*1")}
			return r.Context().Value(key{}) == "value"
		})
		app.Use("/*", func(c fiber.Ctx) error {
			c.SetContext(context.WithValue(c.Context(), key{}, "value"))
			return c.Next()
		}, cognitofiber.Middleware(a.auth))
		app.All("/users/:name/*", cognitofiber.Require(policy), func(c fiber.Ctx) error {
			if c.Context().Value(key{}) != "value" {
				t.Error("the handler misses the value of an outer context")
			}
			return c.SendString(strings.Join([]string{c.Params("name"), c.Params("*")}, "|"))
		})
		a.serve(t, app)
		for _, path := range []string{"/users/jane/a/b", "/USERS/J%61ne/x%2Fy", "/users/a%20b/%41"} {
			got := a.do(t, "PUT", path+"?q=1", a.pool.AccessToken().String())
			if got.status != http.StatusOK || got.body != strings.Join(values, "|") {
				t.Errorf("%s: %s, Assert sees %q", path, got, values)
			}
			routed := path
			if unescape {
				routed = strings.NewReplacer("%61", "a", "%2F", "/", "%20", " ", "%41", "A").Replace(path)
			}
			if want := []string{"PUT", routed, "q=1", strings.TrimPrefix(a.url, "http://"), "/users/:name/*", "Go-http-client/1.1"}; !reflect.DeepEqual(seen, want) {
				t.Errorf("Assert sees %q, want %q", seen, want)
			}
		}
	}
}

// Metrics and logs name the route as fiber has it, never the path.
func TestPattern(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.Get("/api/users/:name", cognitofiber.Require(ownPage), a.answer("page"))
	a.serve(t, app)
	for _, test := range []struct{ path, token, code, pattern string }{
		{"/api/users/joe", "", "token_missing", "/*"},
		{"/api/users/joe", a.pool.AccessToken().String(), "assertion_denied", "/api/users/:name"},
		{"/nope/joe", "", "token_missing", "/*"},
	} {
		a.do(t, "GET", test.path, test.token)
		if d := a.last(); d.Code != test.code || d.Pattern != test.pattern {
			t.Errorf("%s: %s for %q, want %s for %q", test.path, d.Code, d.Pattern, test.code, test.pattern)
		}
	}
}

// Without Middleware, Require answers 500, and anybody who sends many such requests gets
// ten records a minute, not one each. Middleware at "/" answers 500, and says why once,
// also behind a route that goes on to it.
func TestNotWired(t *testing.T) {
	var log bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	a := newAPI(t)
	app := fiber.New()
	app.Get("/x", cognitofiber.Require(cognitoauth.Authenticated()), a.answer("x"))
	app.Get("/none", cognitofiber.Middleware(nil), a.answer("none"))
	app.Get("/", cognitofiber.Middleware(a.auth), a.answer("root"))
	app.Use(cognitofiber.Middleware(a.auth))
	app.Get("/y", a.answer("y"))
	a.serve(t, app)
	for range 20 {
		a.run(t, []row{{"Require", "GET", "/x", "jane", wiring, ""}})
	}
	before := newAPI(t)
	other := fiber.New()
	other.Get("/*", func(c fiber.Ctx) error { return c.Next() }) // as fiber's static does for what is no file
	other.Use(cognitofiber.Middleware(before.auth))
	other.Get("/*", before.answer("any"))
	before.serve(t, other)
	before.run(t, []row{
		{"at /, behind a route", "GET", "/y", "jane", wiring, ""},
		{"at /, behind a route, path /", "GET", "/", "", noToken, ""},
	})
	root := newAPI(t)
	at := fiber.New()
	at.Use(cognitofiber.Middleware(root.auth))
	at.Get("/", root.answer("root"))
	root.serve(t, at)
	root.run(t, []row{{"at /, before a route /", "GET", "/", "jane", wiring, ""}})
	a.run(t, []row{
		{"nil", "GET", "/none", "jane", wiring, ""},
		{"at /", "GET", "/y", "jane", wiring, ""},
		{"at /, again", "GET", "/y", "", wiring, ""},
		{"a route / is none", "GET", "/", "jane", "OK root for jane", "root"},
		{"a route / is none, no token", "GET", "/", "", noToken, ""},
	})
	if got := []int{strings.Count(log.String(), "not wired"), strings.Count(log.String(), "app.Use")}; !reflect.DeepEqual(got, []int{10, 3}) {
		t.Errorf("%d records of Require and Middleware, want 10 and 3:\n%s", got, &log)
	}
}

func TestRequire_zeroPolicy(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic at registration")
		}
	}()
	cognitofiber.Require(cognitoauth.Policy{})
}
