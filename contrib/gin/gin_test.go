package cognitogin_test

import (
	"bytes"
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
	cognitogin "github.com/cognitoauth/cognitoauth/contrib/gin"
	"github.com/gin-gonic/gin"
)

const (
	noToken = "Unauthorized token_missing"
	broken  = "Unauthorized signature_invalid"
)

// Middleware before ours tells by IsAborted who was refused, and by nothing else: a
// request that was let through ends as gin lets it end.
func TestMiddleware_aborts(t *testing.T) {
	a := newAPI(t)
	var aborted, written []bool
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		c.Next()
		aborted, written = append(aborted, c.IsAborted()), append(written, c.Writer.Written())
	})
	group := engine.Group("/api", cognitogin.Middleware(a.auth), cognitogin.Require(cognitoauth.UserToken()))
	group.GET("/me", func(c *gin.Context) { c.Status(http.StatusAccepted) })
	for _, token := range []string{"", a.pool.AccessToken().String(), a.pool.MachineToken().String()} {
		r := httptest.NewRequest(http.MethodGet, "/api/me", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		engine.ServeHTTP(httptest.NewRecorder(), r)
	}
	if want := []bool{true, false, true}; !reflect.DeepEqual(aborted, want) || !reflect.DeepEqual(written, want) {
		t.Errorf("aborted %v, written %v, want %v of no token, a user's and a machine's", aborted, written, want)
	}
}

// What is in the group is protected, and what is in no group is open.
func TestMiddleware(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.GET("/healthz", a.answer("health"))
	group := engine.Group("/api", cognitogin.Middleware(a.auth))
	group.GET("/me", a.answer("me"))
	group.POST("/orders", cognitogin.Require(cognitoauth.Scope("orders/write")), a.answer("order"))
	group.GET("/users/:name", cognitogin.Require(ownPage), a.answer("page"))
	group.GET("/files/*name", cognitogin.Require(ownPage), a.answer("file"))
	a.serve(t, engine)
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK health for anybody", "health"},
		{"open, token not looked at", "GET", "/healthz", "tampered", "OK health for anybody", "health"},
		{"unknown is in no group", "GET", "/api/nope", "", "Not Found 404 page not found", ""},
		{"wrong method is in no group", "POST", "/api/me", "", "Method Not Allowed 405 method not allowed", ""},
		{"redirect is in no group", "POST", "/api/orders/", "", "Temporary Redirect ", ""},

		{"no token", "GET", "/api/me", "", noToken, ""},
		{"broken", "GET", "/api/me", "tampered", broken, ""},
		{"admitted", "GET", "/api/me", "jane", "OK me for jane", "me"},
		{"letter escaped, no token", "GET", "/%61pi/me", "", noToken, ""},
		{"letter escaped", "GET", "/%61pi/me", "jane", "OK me for jane", "me"},
		{"escaped slash, no token", "GET", "/api%2fme", "", noToken, ""},

		{"policy, no token", "POST", "/api/orders", "", noToken, ""},
		{"policy not met", "POST", "/api/orders", "jane", "Forbidden scope_missing", ""},
		{"policy met", "POST", "/api/orders", "writer", "OK order for jane", "order"},
		{"parameter not met", "GET", "/api/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"parameter met", "GET", "/api/users/jane", "jane", "OK page for jane", "page"},
		{"parameter, letter escaped", "GET", "/api/users/j%61ne", "jane", "OK page for jane", "page"},
		{"parameter of several segments", "GET", "/api/files/jane", "jane", "Forbidden assertion_denied", ""}, // it is "/jane"
	})
	if got := a.do(t, "POST", "/api/orders", a.pool.AccessToken().String()).header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="orders/write"`) {
		t.Errorf("challenge %s", got)
	}
}

// Use does not change the routes that stand before it.
func TestMiddleware_order(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.GET("/before", a.answer("before"))
	engine.Use(cognitogin.Middleware(a.auth))
	engine.GET("/after", a.answer("after"))
	a.serve(t, engine)
	a.run(t, []row{
		{"before", "GET", "/before", "", "OK before for anybody", "before"},
		{"after", "GET", "/after", "", noToken, ""},
		{"unknown", "GET", "/nope", "", noToken, ""},
		{"redirect", "GET", "/after/", "", "Moved Permanently <a href=\"/after\">Moved Permanently</a>.\n\n", ""},
	})
}

// A refusal is Wrap's, byte for byte, whatever stands before and after.
func TestMiddleware_answersAsWrap(t *testing.T) {
	teapot := func(w http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { w.WriteHeader(http.StatusTeapot) }
	for name, handler := range map[string]func(http.ResponseWriter, *http.Request, *cognitoauth.Error){
		"WriteError": nil, "no body": teapot, "nothing": func(http.ResponseWriter, *http.Request, *cognitoauth.Error) {},
	} {
		a := newAPI(t, func(c *cognitoauth.Config) {
			c.ErrorHandler, c.TokenSource = handler, cognitoauth.FromHeader("X-Token") // which sets Vary
		})
		engine := gin.New()
		engine.Use(func(c *gin.Context) {
			c.Next()
			c.Status(http.StatusAccepted) // as some loggers and error handlers do
		})
		group := engine.Group("/", cognitogin.Middleware(a.auth))
		group.Handle("GET", "/x", func(c *gin.Context) { c.String(http.StatusOK, "second") }, a.answer("third"))
		group.Handle("HEAD", "/x", a.answer("head"))
		for _, method := range []string{"GET", "HEAD"} {
			a.serve(t, a.auth.Wrap(http.NotFoundHandler()))
			want := a.do(t, method, "/x", "")
			a.serve(t, engine)
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
	engine := gin.New()
	group := engine.Group("/", cognitogin.Middleware(a.auth))
	group.GET("/x", a.answer("x"))
	group.GET("/y", func(c *gin.Context) { c.Header("Cache-Control", "private") })
	a.serve(t, engine)
	for path, want := range map[string]string{"/x": "no-store", "/y": "private"} {
		r, _ := http.NewRequest("GET", a.url+path, nil)
		r.Header.Set("X-Token", a.pool.AccessToken().String())
		got := a.send(t, r)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != want || got.header.Get("Vary") != "Cookie" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

func TestClaims(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	ask := func(c *gin.Context) {
		claims, ok := cognitogin.Claims(c)
		direct, directOK := cognitoauth.FromContext(c)
		if ok {
			a.record(claims.Username)
		}
		if directOK || direct != nil {
			a.record("from the gin.Context")
		}
	}
	engine.GET("/open", ask)
	engine.Group("/", cognitogin.Middleware(a.auth)).GET("/x", ask)
	a.serve(t, engine)
	for path, want := range map[string]string{"/open": "", "/x": "jane"} {
		if got := a.do(t, "GET", path, a.pool.AccessToken().String()); got.ran != want || got.status != http.StatusOK {
			t.Errorf("%s: %d, claims of %q, want %q", path, got.status, got.ran, want)
		}
	}
}

// Wrap around everything: the engine's own answers need a token too.
func TestAround(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.GET("/me", a.answer("me"))
	engine.GET("/users/:name", cognitogin.Require(ownPage), a.answer("page"))
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a.record("health") })))
	mux.Handle("/", engine)
	a.serve(t, a.auth.Wrap(mux))
	a.run(t, []row{
		{"open", "GET", "/healthz", "", "OK ", "health"},
		{"open, HEAD", "HEAD", "/healthz", "", "OK ", "health"},
		{"other method on open", "POST", "/healthz", "", noToken, ""},
		{"no token", "GET", "/me", "", noToken, ""},
		{"broken", "GET", "/me", "tampered", broken, ""},
		{"admitted", "GET", "/me", "jane", "OK me for jane", "me"},
		{"unknown", "GET", "/nope", "", noToken, ""},
		{"wrong method", "DELETE", "/me", "", noToken, ""},
		{"redirect", "GET", "/me/", "", noToken, ""},
		{"other case", "GET", "/ME", "", noToken, ""},
		{"parameter not met", "GET", "/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"parameter met", "GET", "/users/jane", "jane", "OK page for jane", "page"},
		{"encoded slash", "GET", "/%2fhealthz", "", noToken, ""},
	})
	if d := a.last(); d.Pattern != "/" {
		t.Errorf("a request that gin has not routed has the pattern %q, want that of the mux", d.Pattern)
	}
}

// Middleware of net/http between Wrap and the mux has the claims, and open routes stay open.
func TestAround_between(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.GET("/me", a.answer("me"))
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a.record("health") })))
	mux.Handle("/", engine)
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

// Metrics and logs name the route as gin has it, never the path.
func TestPattern(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	group := engine.Group("/api", cognitogin.Middleware(a.auth))
	group.GET("/users/:name", cognitogin.Require(ownPage), a.answer("page"))
	engine.NoRoute(cognitogin.Middleware(a.auth))
	mux := http.NewServeMux()
	mux.Handle("/", engine)
	a.serve(t, mux)
	for _, test := range []struct{ path, token, code, pattern string }{
		{"/api/users/joe", "", "token_missing", "/api/users/:name"},
		{"/api/users/joe", a.pool.AccessToken().String(), "assertion_denied", "/api/users/:name"},
		{"/api/users/jane", a.pool.AccessToken().String(), "authenticated", "/api/users/:name"},
		{"/nope/joe", "", "token_missing", "/"}, // gin knows no route, so it is that of the mux
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
	engine := gin.New()
	engine.GET("/x", cognitogin.Require(cognitoauth.Authenticated()), a.answer("x"))
	none := engine.Group("/none", cognitogin.Middleware(nil))
	none.GET("/x", a.answer("none"))
	a.serve(t, engine)
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
	cognitogin.Require(cognitoauth.Policy{})
}

// A context that is sent into the engine again meets the rules of the new route.
func TestHandleContext(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.GET("/old/*path", func(c *gin.Context) {
		c.Request.URL.Path = c.Param("path")
		engine.HandleContext(c)
		c.Abort() // gin goes on with the handlers of the old route
	}, a.answer("rest of old"))
	group := engine.Group("/api", cognitogin.Middleware(a.auth))
	group.GET("/me", a.answer("me"))
	group.GET("/users/:name", cognitogin.Require(ownPage), a.answer("page"))
	a.serve(t, engine)
	a.run(t, []row{
		{"no token", "GET", "/old/api/me", "", noToken, ""},
		{"admitted", "GET", "/old/api/me", "jane", "OK me for jane", "me"},
		{"policy", "GET", "/old/api/users/joe", "jane", "Forbidden assertion_denied", ""},
		{"policy met", "GET", "/old/api/users/jane", "jane", "OK page for jane", "page"},
	})
}

// Handlers behind both forms can flush and hijack.
func TestResponseWriter(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	group := engine.Group("/", cognitogin.Middleware(a.auth), cognitogin.Require(cognitoauth.Authenticated()))
	release := make(chan bool)
	group.GET("/flush", func(c *gin.Context) {
		c.Writer.WriteString("first")
		c.Writer.Flush()
		<-release
	})
	group.GET("/hijack", func(c *gin.Context) {
		conn, _, err := http.NewResponseController(c.Writer).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	a.serve(t, engine)
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
	engine := gin.New()
	engine.Group("/", cognitogin.Middleware(a.auth)).POST("/x", a.answer("x"))
	a.serve(t, engine)
	if got := a.do(t, "POST", "/x", ""); got.String() != noToken || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// The server removes the files of an upload that a handler has parsed.
func TestUploadIsRemoved(t *testing.T) {
	a := newAPI(t)
	engine := gin.New()
	engine.MaxMultipartMemory = 1
	var file string
	engine.Group("/", cognitogin.Middleware(a.auth)).POST("/x", func(c *gin.Context) {
		form, err := c.MultipartForm()
		if err != nil {
			t.Error(err)
			return
		}
		f, err := form.File["f"][0].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		on, ok := f.(*os.File)
		if !ok {
			t.Errorf("the upload is a %T, not a file", f)
			return
		}
		file = on.Name()
	})
	a.serve(t, engine)
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

// A panic of a handler reaches gin's Recovery, and a panic before the decision admits
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
	engine := gin.New()
	engine.Use(gin.RecoveryWithWriter(io.Discard))
	group := engine.Group("/", cognitogin.Middleware(a.auth))
	group.GET("/source", a.answer("source"))
	group.GET("/handler", func(*gin.Context) { panic("handler") }, a.answer("next"))
	for _, path := range []string{"/source", "/handler"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("X-Token", a.pool.AccessToken().String())
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError || len(a.ran) != 0 {
			t.Errorf("%s: %d, ran %v", path, w.Code, a.ran)
		}
	}
}
