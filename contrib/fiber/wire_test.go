package cognitofiber_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitofiber "github.com/cognitoauth/cognitoauth/contrib/fiber"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// conn is one connection to the server, for requests that net/http would not send.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (a *api) dial(t *testing.T) *conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &conn{c, bufio.NewReader(c)}
}

// do sends a request line and headers, and returns the answer.
func (c *conn) do(t *testing.T, line string, header ...string) result {
	t.Helper()
	fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: api.example.com\r\n%s\r\n", line, strings.Join(append(header, ""), "\r\n"))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return result{status: res.StatusCode, header: res.Header, body: string(body)}
}

// Fiber uses the memory of a request for the next one on the connection. What the library
// and handlers may keep must not change then.
func TestMemory(t *testing.T) {
	var kept []*http.Request
	var claims []*cognitoauth.Claims
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.Get("/:name", cognitofiber.Require(cognitoauth.Assert("keeps", func(r *http.Request, _ *cognitoauth.Claims) bool {
		kept = append(kept, r)
		return true
	})), func(c fiber.Ctx) error {
		c1, _ := cognitofiber.Claims(c)
		claims = append(claims, c1)
		return c.SendString(c1.Username)
	})
	a.serve(t, app)
	c := a.dial(t)
	var want []string
	for i, user := range []string{"aaaa", "bbbb", "cccc"} {
		for range 2 { // the second time, the token is remembered
			token := a.pool.AccessToken().User(user).String()
			id := strings.Repeat(user, 4)
			got := c.do(t, "GET /"+user+"?"+user, "Authorization: Bearer "+token, "X-Request-Id: "+id, "User-Agent: "+user, "X-"+user+": "+user, "Cookie: "+user+"="+user)
			if got.status != http.StatusOK || got.body != user {
				t.Fatalf("%d: %s is answered %d %s", i, user, got.status, got.body)
			}
			want = append(want, strings.Join([]string{user, "/" + user, user, id, user, user, user + "=" + user, "api.example.com", "GET"}, " "))
		}
		c.do(t, "GET /"+user, "X-Request-Id: "+strings.Repeat(user, 4), "Authorization: Bearer "+a.pool.AccessToken().SetHeader("kid", user).String())
	}
	var got []string
	for i, r := range kept {
		got = append(got, strings.Join([]string{r.PathValue("name"), r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Request-Id"),
			r.UserAgent(), r.Header.Get("X-" + claims[i].Username), r.Header.Get("Cookie"), r.Host, r.Method}, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("kept are\n%q, want\n%q", got, want)
	}
	var ids, kids []string
	for _, d := range a.decisions {
		if !d.Allowed {
			kids = append(kids, d.KeyID)
		}
		ids = append(ids, d.RequestID)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); !slices.Equal(ids, []string{"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"}) || !slices.Equal(kids, []string{"aaaa", "bbbb", "cccc"}) {
		t.Errorf("decisions keep the requests %q and the keys %q", ids, kids)
	}
}

// Credentials mean behind fiber what they mean behind net/http.
func TestCredentials(t *testing.T) {
	for name, source := range map[string]cognitoauth.TokenSource{"header": nil, "cookie": cognitoauth.FromCookie("t")} {
		a := newAPI(t, func(c *cognitoauth.Config) { c.TokenSource = source })
		good, bad := a.pool.AccessToken().String(), a.pool.AccessToken().Tampered().String()
		app := fiber.New()
		app.Use("/*", cognitofiber.Middleware(a.auth), a.answer("x"))
		plain := newPlain(a)
		seen := map[string]bool{}
		for _, header := range [][]string{
			{"Authorization: Bearer " + good},
			{"authorization: bearer   " + good},
			{"Authorization: Bearer " + good, "Authorization: Bearer " + good},
			{"Authorization: Bearer " + bad, "Authorization: Bearer " + good},
			{"Authorization: Bearer " + good, "Authorization: Bearer " + bad},
			{"Authorization: Bearer " + good, "AUTHORIZATION: Basic x"},
			{"Authorization: Bearer"},
			{"Authorization:"},
			{"Authorization: Bearer " + good + ", Bearer " + good},
			{"X_Authorization: Bearer " + good},
			{"Cookie: t=" + good},
			{"Cookie: t=" + good + "; t=" + good},
			{"Cookie: t=" + good + "; t=" + bad},
			{"Cookie: t=" + bad, "Cookie: t=" + good},
			{"Cookie: t=" + good, "Cookie: t=" + bad},
			{"Cookie: T=" + good},
			{"Cookie: a=b; t=" + good + "; c=d"},
			{"Cookie: t=\"" + good + "\""},
			{"Cookie: t=" + good, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"},
			{"Cookie: t=" + good, "Origin: http://api.example.com"},
			{"Cookie: t=" + good, "Origin: https://evil.example"},
		} {
			header = append(header, "Content-Length: 0")
			a.serveHTTP(t, plain)
			want := a.dial(t).do(t, "POST /x", header...).String()
			a.serve(t, app)
			got := a.dial(t).do(t, "POST /x", header...).String()
			if got != want {
				t.Errorf("%s, %q: %s, net/http: %s", name, header, got, want)
			}
			seen[want] = true
		}
		if len(seen) < 3 {
			t.Errorf("%s: only the answers %v", name, seen)
		}
	}
}

// newPlain is the same API without fiber.
func newPlain(a *api) http.Handler {
	return a.auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x for "+caller(r.Context()))
	}))
}

// No path, however strange, reaches a handler without a token.
func TestEveryPath(t *testing.T) {
	paths := []string{"/", "", "*", "foo", "me", "api/me", "h:443", "?x", "//me", "///", "http://h", "http://h?x", "http://h/api/me", "/%2f", "\\x",
		"/api", "/api/", "/API", "/api/me", "/api/ME", "/Api/me/", "//api/me", "/api//me", "/api//", "/api/me//", "/%61pi/me", "/api%2fme", "/api/%6de",
		"/a", "/a/", "/a/b/c", "/a/b/c/me", "/x", "/x/", "/x/y", "/x/y/me", "/apime", "/api-1", "/api-1/me", "/api-/me", "/api-1-x", "/api/1", "/api/1/me", "/api/1/2/3",
		"/t/me", "/t//me", "/a-b/me", "/a.json/me", "/.json/me", "/api?x", "/api;x", "/api/me;x", "/api\\me", "/api/../api/me", "/-/me", "/--"}
	a := newAPI(t)
	guard := cognitofiber.Middleware(a.auth)
	token := "Bearer " + a.pool.AccessToken().String()
	ran := false
	handler := func(fiber.Ctx) error { ran = true; return nil }
	mounted := func(app *fiber.App, prefix, end string) {
		sub := fiber.New(app.Config())
		sub.All(end, handler)
		app.Use(prefix, sub)
	}
	for name, register := range map[string]func(app *fiber.App, prefix, end string){
		"around":          func(app *fiber.App, p, e string) { app.Use("/*", guard); app.Group(p).All(e, handler) },
		"around, mounted": func(app *fiber.App, p, e string) { app.Use("/*", guard); mounted(app, p, e) },
		"group":           func(app *fiber.App, p, e string) { app.Group(p, guard).All(e, handler) },
		"group, Use":      func(app *fiber.App, p, e string) { g := app.Group(p); g.Use(guard); g.All(e, handler) },
		"mounted":         func(app *fiber.App, p, e string) { app.Use(p, guard); mounted(app, p, e) },
		"route":           func(app *fiber.App, p, e string) { app.Group(p).All(e, guard, handler) },
	} {
		reached := 0
		for _, config := range []int{0, 2, 7} {
			for _, prefix := range []string{"/api", "/a", "/a/b/c", "/:tenant", "/:tenant?", "/api/:v", "/api-:v", "/:a-:b", "/:a.json", "/x/*", "/+", "/*"} {
				for _, end := range []string{"", "/", "/me", "/:id", "/:id?", "/*", "/+", "/:a/:b", "/:a?/:b?"} {
					app := fiber.New(fiber.Config{CaseSensitive: config&1 > 0, StrictRouting: config&2 > 0, UnescapePath: config&4 > 0})
					register(app, prefix, end)
					serve := app.Handler()
					for _, path := range paths {
						for _, with := range []string{"", token} {
							if with != "" && config > 0 {
								continue // the one configuration shows that the routes are there
							}
							var ctx fasthttp.RequestCtx
							ctx.Request.SetRequestURI(path)
							ctx.Request.Header.SetHost("h")
							ctx.Request.Header.Set("Authorization", with)
							ran = false
							serve(&ctx)
							switch {
							case ran && with == "":
								t.Errorf("%s: %q reaches %q in %q without a token (config %03b)", name, path, end, prefix, config)
							case ran:
								reached++
							}
						}
					}
				}
			}
		}
		if reached < 500 {
			t.Errorf("%s: only %d requests with a token reach a handler", name, reached)
		}
	}
}

// Every form of a request target is protected (RFC 9112, section 3.2).
func TestAround_noPath(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.All("/*", a.answer("any"))
	a.serve(t, app)
	for _, line := range []string{"OPTIONS *", "GET http://h", "GET http://h?x", "CONNECT h:443", "GET //x"} {
		if got := a.dial(t).do(t, line); got.String() != noToken || len(a.ran) > 0 {
			t.Errorf("%s: %s, ran %q", line, got, a.ran)
		}
	}
}

// With StreamRequestBody, fiber does not read the body of a refused request. So the
// connection ends with the answer.
func TestStreamedBody(t *testing.T) {
	a := newAPI(t)
	app := fiber.New(fiber.Config{StreamRequestBody: true, ReadBufferSize: 16 << 10})
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.All("/*", a.answer("x"))
	a.serve(t, app)
	for name, request := range map[string]string{
		"length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", 8<<10, strings.Repeat("x", 8<<10)),
		"chunks": "Transfer-Encoding: chunked\r\n\r\n4\r\nxxxx\r\n0\r\n\r\n",
	} {
		c := a.dial(t)
		fmt.Fprintf(c, "POST /x HTTP/1.1\r\nHost: api.example.com\r\n%s", request)
		answers, err := io.ReadAll(c.r) // until the server closes
		if n := strings.Count(string(answers), "HTTP/1.1 "); n != 1 || !strings.Contains(string(answers), "token_missing") ||
			!strings.Contains(string(answers), "Connection: close\r\n") || len(a.ran) > 0 {
			t.Errorf("%s: %d answers, ran %q, %v:\n%s", name, n, a.ran, err, answers)
		}
	}
	if got := a.dial(t).do(t, "GET /x"); got.String() != noToken || got.header.Get("Connection") != "" {
		t.Errorf("no body: %s, Connection: %s", got, got.header.Get("Connection"))
	}
}

// For headers that are too long, fiber runs Middleware once more, on a request that may
// lack its credentials. No handler runs, and the caller gets 431.
func TestLongHeaders(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(a.auth))
	app.Get("/me", a.answer("me"))
	a.serve(t, app)
	token := "Authorization: Bearer " + a.pool.AccessToken().String()
	c := a.dial(t)
	if got := c.do(t, "GET /me", token); got.String() != "OK me for jane" {
		t.Fatal(got)
	}
	a.ran = nil
	for _, header := range [][]string{{token, "X: " + strings.Repeat("x", 5000)}, {"X: " + strings.Repeat("x", 5000)}} {
		got := c.do(t, "GET /me", header...)
		if got.status != http.StatusRequestHeaderFieldsTooLarge || len(a.ran) > 0 {
			t.Errorf("%d %s, ran %q", got.status, got.body, a.ran)
		}
		c = a.dial(t)
	}
	for _, d := range a.decisions[1:] {
		if d.Allowed {
			t.Errorf("a request that fiber could not read was let in: %v", d)
		}
	}
}

// Streams go on after the handler, with the claims. A connection can be hijacked.
func TestStream(t *testing.T) {
	a := newAPI(t)
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(a.auth))
	release := make(chan bool)
	app.Get("/stream", func(c fiber.Ctx) error {
		claims, _ := cognitofiber.Claims(c)
		ctx, cancel := cognitoauth.WithExpiry(context.WithoutCancel(c.Context()), claims)
		return c.SendStreamWriter(func(w *bufio.Writer) {
			defer cancel()
			fmt.Fprint(w, "first ")
			w.Flush()
			<-release
			fmt.Fprint(w, caller(ctx), " ", ctx.Err())
		})
	})
	app.Get("/hijack", func(c fiber.Ctx) error {
		c.RequestCtx().HijackSetNoResponse(true)
		c.RequestCtx().Hijack(func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n") })
		return nil
	})
	a.serve(t, app)
	r, _ := http.NewRequest("GET", a.url+"/stream", nil)
	r.Header.Set("Authorization", "Bearer "+a.pool.AccessToken().String())
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, len("first "))); err != nil {
		t.Errorf("flushed: %v", err)
	}
	close(release)
	if rest, err := io.ReadAll(res.Body); string(rest) != "jane <nil>" || err != nil {
		t.Errorf("rest %q, %v", rest, err)
	}
	if got := a.dial(t).do(t, "GET /hijack", "Authorization: Bearer "+a.pool.AccessToken().String()); got.status != http.StatusNoContent {
		t.Errorf("hijacked: %d", got.status)
	}
	if got := a.dial(t).do(t, "GET /hijack"); got.String() != noToken {
		t.Errorf("hijack without a token: %s", got)
	}
}

// Of a Middleware in another, both have to admit, and the claims are those of the
// inner one.
func TestMiddleware_twice(t *testing.T) {
	outer, inner := newAPI(t), newAPI(t, func(c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromHeader("X-Token") })
	app := fiber.New()
	app.Use("/*", cognitofiber.Middleware(outer.auth))
	app.Group("/in", cognitofiber.Middleware(inner.auth)).Get("/x", inner.answer("x"))
	inner.serve(t, app)
	bearer := "Authorization: Bearer " + outer.pool.AccessToken().User("outer").String()
	own := "X-Token: " + inner.pool.AccessToken().User("inner").String()
	var got []string
	for _, header := range [][]string{{bearer}, {own}, {bearer, own}} {
		got = append(got, inner.dial(t).do(t, "GET /in/x", header...).String())
	}
	if want := []string{noToken, noToken, "OK x for inner"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
