package cognitoecho_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitoecho "github.com/cognitoauth/cognitoauth/contrib/echo"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

const (
	noToken  = "Unauthorized token_missing"
	broken   = "Unauthorized signature_invalid"
	notFound = "Not Found "
)

// What is in the group is protected, and what is in no group is open.
func TestMiddleware(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	e.GET("/healthz", a.answer("health"))
	group := e.Group("/api", cognitoecho.Middleware(a.auth))
	group.GET("/me", a.answer("me"))
	group.POST("/orders", a.answer("order"), cognitoecho.Require(cognitoauth.Scope("orders/write")))
	group.GET("/users/:name", a.answer("page"), cognitoecho.Require(ownPage))
	a.serve(t, e)
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK health for anybody", "health"},
		{"open, token not looked at", "GET", "/healthz", "tampered", "OK health for anybody", "health"},
		{"unknown, in no group", "GET", "/nope", "", notFound, ""},

		{"no token", "GET", "/api/me", "", noToken, ""},
		{"broken", "GET", "/api/me", "tampered", broken, ""},
		{"admitted", "GET", "/api/me", "jane", "OK me for jane", "me"},
		{"unknown, in the group", "GET", "/api/nope", "", noToken, ""},
		{"unknown, in the group, admitted", "GET", "/api/nope", "jane", notFound, ""},
		{"wrong method", "POST", "/api/me", "", noToken, ""},
		{"the group itself", "GET", "/api", "", noToken, ""},
		{"trailing slash", "GET", "/api/me/", "", noToken, ""},
		{"letter escaped", "GET", "/%61pi/me", "", notFound, ""},
		{"escaped slash", "GET", "/api%2fme", "", notFound, ""},

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

// group.Use does not change the routes that stand before it; e.Use does.
func TestMiddleware_order(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	group := e.Group("/api")
	group.GET("/before", a.answer("before"))
	group.Use(cognitoecho.Middleware(a.auth))
	group.GET("/after", a.answer("after"))
	a.serve(t, e)
	a.run(t, []row{
		{"before", "GET", "/api/before", "", "OK before for anybody", "before"},
		{"after", "GET", "/api/after", "", noToken, ""},
	})
	e.Use(cognitoecho.Middleware(a.auth))
	a.run(t, []row{
		{"before", "GET", "/api/before", "", noToken, ""},
		{"unknown", "GET", "/nope", "", noToken, ""},
		{"admitted", "GET", "/api/before", "jane", "OK before for jane", "before"},
	})
}

// A refusal is Wrap's, byte for byte, whatever stands before and after.
func TestMiddleware_answersAsWrap(t *testing.T) {
	teapot := func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { w.WriteHeader(http.StatusTeapot) }
	for name, handler := range map[string]func(http.ResponseWriter, *http.Request, *cognitoauth.Error){"WriteError": nil, "no body": teapot} {
		a := newAPI(t, func(c *cognitoauth.Config) {
			c.ErrorHandler, c.TokenSource = handler, cognitoauth.FromHeader("X-Token") // which sets Vary
		})
		e := echo.New()
		e.HTTPErrorHandler = func(c *echo.Context, err error) { a.record(err.Error()) }
		group := e.Group("", cognitoecho.Middleware(a.auth))
		group.GET("/x", a.answer("x"))
		group.HEAD("/x", a.answer("head"))
		for _, method := range []string{"GET", "HEAD"} {
			a.serve(t, a.auth.Wrap(http.NotFoundHandler()))
			want := a.do(t, method, "/x", "")
			a.serve(t, e)
			got := a.do(t, method, "/x", "")
			want.header.Del("Date")
			got.header.Del("Date")
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s:\n%v\nwant\n%v", name, method, got, want)
			}
		}
	}
}

// What Wrap sets for an admitted request arrives, and the handler may replace it.
func TestMiddleware_headers(t *testing.T) {
	a := newAPI(t, func(c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromHeader("X-Token") })
	e := echo.New()
	group := e.Group("", cognitoecho.Middleware(a.auth))
	group.GET("/x", a.answer("x"))
	group.GET("/y", func(c *echo.Context) error {
		c.Response().Header().Set("Cache-Control", "private")
		return c.NoContent(http.StatusOK)
	})
	a.serve(t, e)
	for path, want := range map[string]string{"/x": "no-store", "/y": "private"} {
		r, _ := http.NewRequest("GET", a.url+path, nil)
		r.Header.Set("X-Token", a.pool.AccessToken().String())
		got := a.send(t, r)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != want || got.header.Get("Vary") != "Cookie" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

// An error of a handler reaches the HTTPErrorHandler, once.
func TestMiddleware_error(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	sentinel := errors.New("sentinel")
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		if errors.Is(err, sentinel) {
			a.record("error")
		}
		c.String(http.StatusTeapot, "handled")
	}
	e.Group("", cognitoecho.Middleware(a.auth)).GET("/x", func(c *echo.Context) error { return sentinel }, cognitoecho.Require(cognitoauth.UserToken()))
	a.serve(t, e)
	a.run(t, []row{
		{"admitted", "GET", "/x", "jane", "I'm a teapot handled", "error"},
		{"refused", "GET", "/x", "", noToken, ""},
	})
}

func TestClaims(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	ask := func(c *echo.Context) error {
		if claims, ok := cognitoecho.Claims(c); ok {
			a.record(claims.Username)
		}
		return c.NoContent(http.StatusOK)
	}
	e.GET("/open", ask)
	e.Group("", cognitoecho.Middleware(a.auth)).GET("/x", ask)
	a.serve(t, e)
	for path, want := range map[string]string{"/open": "", "/x": "jane"} {
		if got := a.do(t, "GET", path, a.pool.AccessToken().String()); got.ran != want || got.status != http.StatusOK {
			t.Errorf("%s: %d, claims of %q, want %q", path, got.status, got.ran, want)
		}
	}
}

// Wrap around everything: echo's own answers need a token too, and so does what Pre
// rewrites.
func TestAround(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	e.Pre(middleware.Rewrite(map[string]string{"/old/*": "/$1", "/healthz": "/me"}))
	e.GET("/me", a.answer("me"))
	e.GET("/users/:name", a.answer("page"), cognitoecho.Require(ownPage))
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a.record("health") })))
	mux.Handle("/", e)
	a.serve(t, a.auth.Wrap(mux))
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK ", "health"},
		{"open, HEAD", "HEAD", "/healthz", "", "OK ", "health"},
		{"other method on open", "POST", "/healthz", "", noToken, ""},
		{"no token", "GET", "/me", "", noToken, ""},
		{"broken", "GET", "/me", "tampered", broken, ""},
		{"admitted", "GET", "/me", "jane", "OK me for jane", "me"},
		{"rewritten, no token", "GET", "/old/me", "", noToken, ""},
		{"rewritten", "GET", "/old/me", "jane", "OK me for jane", "me"},
		{"rewritten, policy", "GET", "/old/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"unknown", "GET", "/nope", "", noToken, ""},
		{"wrong method", "DELETE", "/me", "", noToken, ""},
		{"parameter not met", "GET", "/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"parameter met", "GET", "/users/jane", "jane", "OK page for jane", "page"},
		{"encoded slash", "GET", "/%2fhealthz", "", noToken, ""},
	})
}

// Pre runs before routing, so a group meets the rewritten path.
func TestMiddleware_rewritten(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	e.Pre(middleware.Rewrite(map[string]string{"/old/*": "/api/$1"}))
	e.GET("/old/me", a.answer("never"))
	e.Group("/api", cognitoecho.Middleware(a.auth)).GET("/me", a.answer("me"))
	a.serve(t, e)
	a.run(t, []row{
		{"no token", "GET", "/old/me", "", noToken, ""},
		{"admitted", "GET", "/old/me", "jane", "OK me for jane", "me"},
	})
}

// Assert sees a parameter exactly as the handler does.
func TestRequire_parameters(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	var seen string
	policy := cognitoauth.Assert("any", func(r *http.Request, _ *cognitoauth.Claims) bool {
		seen = r.PathValue("name") + r.PathValue("*")
		return true
	})
	group := e.Group("", cognitoecho.Middleware(a.auth))
	for path, param := range map[string]string{"/users/:name": "name", "/files/*": "*"} {
		group.GET(path, func(c *echo.Context) error { return c.String(http.StatusOK, c.Param(param)) }, cognitoecho.Require(policy))
	}
	a.serve(t, e)
	for path, want := range map[string]string{"/users/jane": "jane", "/users/j%20e": "j e", "/users/j%61ne": "j%61ne", "/users/a%2fb": "a%2fb", "/files/a/b": "a/b", "/files/a%2fb": "a%2fb"} {
		got := a.do(t, "GET", path, a.pool.AccessToken().String())
		if got.status != http.StatusOK || got.body != want || seen != want {
			t.Errorf("%s: %d, the handler sees %q and Assert %q, want %q", path, got.status, got.body, seen, want)
		}
	}
}

// Use serves the documents of protected resources, without a token.
func TestDocuments(t *testing.T) {
	a := newAPI(t, func(c *cognitoauth.Config) {
		c.Pools[0].Audiences = []string{"https://api.example.com/x"}
		c.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: "https://api.example.com/x"}}
	})
	e := echo.New()
	e.Use(cognitoecho.Middleware(a.auth))
	a.serve(t, e)
	if got := a.do(t, "GET", "/.well-known/oauth-protected-resource/x", ""); got.status != http.StatusOK || !strings.Contains(got.body, "https://api.example.com/x") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Middleware of net/http between Wrap and the mux has the claims, and open routes stay open.
func TestAround_between(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	e.GET("/me", a.answer("me"))
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a.record("health") })))
	mux.Handle("/", e)
	a.serve(t, a.auth.WrapWith(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.record("between:" + caller(r.Context()))
			next.ServeHTTP(w, r)
		})
	}))
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK ", "between:anybody health"},
		{"no token", "GET", "/me", "", noToken, ""},
		{"admitted", "GET", "/me", "jane", "OK me for jane", "between:jane me"},
	})
}

// Metrics and logs name the route as echo has it, never the path.
func TestPattern(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	e.Use(cognitoecho.Middleware(a.auth))
	e.GET("/api/users/:name", a.answer("page"), cognitoecho.Require(ownPage))
	mux := http.NewServeMux()
	mux.Handle("/", e)
	a.serve(t, mux)
	for _, test := range []struct{ path, token, code, pattern string }{
		{"/api/users/joe", "", "token_missing", "/api/users/:name"},
		{"/api/users/joe", a.pool.AccessToken().String(), "assertion_denied", "/api/users/:name"},
		{"/api/users/jane", a.pool.AccessToken().String(), "authenticated", "/api/users/:name"},
		{"/nope/joe", "", "token_missing", "/"}, // echo knows no route, so it is that of the mux
	} {
		a.do(t, "GET", test.path, test.token)
		if d := a.last(); d.Code != test.code || d.Pattern != test.pattern {
			t.Errorf("%s: %s for %q, want %s for %q", test.path, d.Code, d.Pattern, test.code, test.pattern)
		}
	}
}

// Without Middleware or Wrap, Require answers 500, and anybody who sends many such
// requests gets ten records a minute, not one each.
func TestRequire_notWired(t *testing.T) {
	var log bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	a := newAPI(t)
	e := echo.New()
	e.GET("/none/x", a.answer("none"), cognitoecho.Middleware(nil))
	e.Group("/x", cognitoecho.Require(cognitoauth.Authenticated())).GET("", a.answer("x"))
	a.serve(t, e)
	for range 20 {
		if got := a.do(t, "GET", "/x", a.pool.AccessToken().String()); got.String() != "Internal Server Error not_wired" || got.ran != "" {
			t.Fatalf("%s, ran %q", got, got.ran)
		}
	}
	if got := a.do(t, "GET", "/none/x", a.pool.AccessToken().String()); got.String() != "Internal Server Error not_wired" || got.ran != "" {
		t.Errorf("nil Middleware: %s, ran %q", got, got.ran)
	}
	a.stop()
	if n := strings.Count(log.String(), "not wired"); n != 10 {
		t.Errorf("%d records, want 10:\n%s", n, &log)
	}
}

func TestRequire_zeroPolicy(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic at registration")
		}
	}()
	cognitoecho.Require(cognitoauth.Policy{})
}

// Handlers behind both forms can flush and hijack.
func TestResponseWriter(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	group := e.Group("", cognitoecho.Middleware(a.auth), cognitoecho.Require(cognitoauth.Authenticated()))
	release := make(chan bool)
	group.GET("/flush", func(c *echo.Context) error {
		io.WriteString(c.Response(), "first")
		http.NewResponseController(c.Response()).Flush()
		<-release
		return nil
	})
	group.GET("/hijack", func(c *echo.Context) error {
		conn, _, err := http.NewResponseController(c.Response()).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		return err
	})
	a.serve(t, e)
	r, _ := http.NewRequest("GET", a.url+"/flush", nil)
	r.Header.Set("Authorization", "Bearer "+a.pool.AccessToken().String())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, len("first"))); err != nil {
		t.Errorf("flushed: %v", err)
	}
	close(release)
	res.Body.Close()
	if got := a.do(t, "GET", "/hijack", a.pool.AccessToken().String()); got.status != http.StatusNoContent {
		t.Errorf("hijacked: %d", got.status)
	}
}

// Whoever answers a refusal can reach net/http's own ResponseWriter. Wrap needs it, so
// that the answer to an upload arrives while the client is still sending.
func TestResponseWriter_ofRefusal(t *testing.T) {
	var err error
	a := newAPI(t, func(c *cognitoauth.Config) {
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			err = http.NewResponseController(w).EnableFullDuplex()
			cognitoauth.WriteError(w, r, e)
		}
	})
	e := echo.New()
	e.Group("", cognitoecho.Middleware(a.auth)).POST("/x", a.answer("x"))
	a.serve(t, e)
	if got := a.do(t, "POST", "/x", ""); got.String() != noToken || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// The server removes the files of an upload that a handler has parsed.
func TestUploadIsRemoved(t *testing.T) {
	a := newAPI(t)
	e := echo.New()
	var file string
	e.Group("", cognitoecho.Middleware(a.auth)).POST("/x", func(c *echo.Context) error {
		if err := c.Request().ParseMultipartForm(1); err != nil {
			return err
		}
		f, err := c.Request().MultipartForm.File["f"][0].Open()
		if err != nil {
			return err
		}
		defer f.Close()
		on, ok := f.(*os.File)
		if !ok {
			t.Errorf("the upload is a %T, not a file", f)
			return nil
		}
		file = on.Name()
		return c.NoContent(http.StatusOK)
	})
	a.serve(t, e)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("f", "f.bin")
	part.Write(make([]byte, 11<<20))
	form.Close()
	r, _ := http.NewRequest("POST", a.url+"/x", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+a.pool.AccessToken().String())
	if got := a.send(t, r); got.status != http.StatusOK {
		t.Fatal(got)
	}
	a.stop() // waits for what the server does after the answer
	if _, err := os.Stat(file); file == "" || !os.IsNotExist(err) {
		t.Errorf("file %q: %v", file, err)
	}
}

// A panic of a handler reaches echo's Recover, and a panic before the decision admits
// nobody.
func TestPanic(t *testing.T) {
	a := newAPI(t, func(c *cognitoauth.Config) {
		c.TokenSource = func(r *http.Request) (string, error) {
			if r.URL.Path == "/source" {
				panic("source")
			}
			return r.Header.Get("X-Token"), nil
		}
	})
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, _ error) { c.NoContent(http.StatusInternalServerError) }
	e.Use(middleware.Recover())
	group := e.Group("", cognitoecho.Middleware(a.auth))
	group.GET("/source", a.answer("source"))
	group.GET("/handler", func(*echo.Context) error { panic("handler") })
	for _, path := range []string{"/source", "/handler"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("X-Token", a.pool.AccessToken().String())
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError || len(a.ran) != 0 {
			t.Errorf("%s: %d, ran %v", path, w.Code, a.ran)
		}
	}
}
