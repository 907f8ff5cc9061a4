// Package routing_test tests which route is open. It sends requests through raw
// sockets, since every client library cleans, escapes or refuses most of these
// requests itself, and to a real http.Server, since a recorder does not parse.
// Each handler leaves its name when it runs; those that must not run without a
// token have a name that begins with "secret".
package routing_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// siteOf is a program's mux with every kind of route. With catchAll there is no
// 404, 405 or redirect: another, protected, route takes the request.
func siteOf(o *lab.Origin, catchAll bool) *http.ServeMux {
	nested := http.NewServeMux()
	nested.Handle("GET /nested/open", o.Open("nested"))
	nested.Handle("/nested/", o.Handler("secret-nested"))
	stripped := http.NewServeMux()
	stripped.Handle("/open", o.Open("secret-stripped"))
	embedded := http.NewServeMux()
	embedded.Handle("/rewrite/", o.Open("rewrite"))
	embedded.Handle("/admin", o.Handler("secret-rewritten"))

	mux := http.NewServeMux()
	mux.Handle("GET /healthz", o.Open("healthz"))
	mux.Handle("GET /greet", cognitoauth.Optional(o.Handler("greet")))
	mux.Handle("/docs/", o.Open("docs"))
	mux.Handle("POST /docs/admin", o.Handler("secret-docs"))
	mux.Handle("/public/", o.Open("public"))
	mux.Handle("POST /public", o.Handler("secret-public"))
	mux.Handle("GET /p/{name}", o.Open("p"))
	mux.Handle("GET /files/{path...}", o.Open("files"))
	mux.Handle("GET /a(b)", o.Open("paren"))
	mux.Handle("GET /exact/{$}", o.Open("exact"))
	mux.Handle("/.well-known/", o.Open("well-known"))
	mux.Handle("/.well-knownprivate", o.Handler("secret-well-known"))
	mux.Handle("api.example.com/open", o.Open("open"))
	mux.Handle("/open", o.Handler("secret-open"))
	mux.Handle("/admin", o.Handler("secret-admin"))
	mux.Handle("/nested/", nested)
	mux.Handle("/static/", http.StripPrefix("/static", stripped))
	mux.Handle("/logged", lab.Passing(o.Open("secret-logged")))
	mux.Handle("/boxed", struct{ http.Handler }{o.Open("secret-boxed")})
	mux.Handle("/rewrite/", rewriting{embedded})
	if catchAll {
		mux.Handle("/{tenant}", o.Handler("secret-tenant"))
		mux.Handle("/", o.Handler("secret-root"))
	}
	return mux
}

// rewriting has the Handler method of the mux in it, which tells the truth
// about the mux and not about rewriting.
type rewriting struct{ *http.ServeMux }

func (m rewriting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.Method, r.URL.Path, r.URL.RawPath = "POST", "/admin", ""
	m.ServeMux.ServeHTTP(w, r)
}

var routes = []struct {
	name   string
	line   string
	header string // in place of Host: example.test
	status int
	ran    string
}{
	{"marked route is open", "GET /healthz", "", 200, "healthz"},
	{"HEAD of a route marked for GET is open", "HEAD /healthz", "", 200, "healthz"},
	{"query is not looked at", "GET /healthz?x=/../%2F%2e;\\", "", 200, "healthz"},
	{"optional route is open", "GET /greet", "", 200, "greet"},
	{"subtree is open at its root", "GET /docs/", "", 200, "docs"},
	{"subtree is open below", "DELETE /docs/a/b.html", "", 200, "docs"},
	{"subtree with a final slash is open", "GET /docs/a/", "", 200, "docs"},
	{"subtree answers OPTIONS", "OPTIONS /docs/", "", 200, "docs"},
	{"wildcard is open", "GET /p/x", "", 200, "p"},
	{"escaped space is open", "GET /p/a%20b", "", 200, "p"},
	{"escaped letter is open", "GET /%68ealthz", "", 200, "healthz"},
	{"escaped byte beyond ASCII is open", "GET /p/%C3%A9", "", 200, "p"},
	{"literal parenthesis, for which Go sets RawPath, is open", "GET /a(b)", "", 200, "paren"},
	{"literal quote, for which Go sets RawPath, is open", "GET /p/it's", "", 200, "p"},
	{"path with {$} is open", "GET /exact/", "", 200, "exact"},
	{"nested mux is asked", "GET /nested/open", "", 200, "nested"},
	{"dot in a name is open", "GET /.well-known/x", "", 200, "well-known"},
	{"three dots are a name", "GET /docs/...", "", 200, "docs"},

	{"unmarked route is protected", "GET /admin", "", 401, ""},
	{"HEAD of an unmarked route is protected", "HEAD /admin", "", 401, ""},
	{"unknown route is protected", "GET /nowhere", "", 401, ""},
	{"root is protected", "GET /", "", 401, ""},
	{"POST to a route marked for GET is protected", "POST /healthz", "", 401, ""},
	{"OPTIONS of a route marked for GET is protected", "OPTIONS /healthz", "", 401, ""},
	{"preflight of a route marked for GET is protected", "OPTIONS /healthz", lab.PlainHost + "Origin: https://app.test\r\nAccess-Control-Request-Method: GET\r\n", 401, ""},
	{"preflight of a protected route is protected", "OPTIONS /admin", lab.PlainHost + "Origin: https://app.test\r\nAccess-Control-Request-Method: POST\r\n", 401, ""},
	{"TRACE of a route marked for GET is protected", "TRACE /healthz", "", 401, ""},
	{"method in lower case is another method", "get /healthz", "", 401, ""},
	{"made-up method is protected", "GETX /healthz", "", 401, ""},
	{"path in upper case is another path", "GET /HEALTHZ", "", 401, ""},
	{"path with more behind it is another path", "GET /healthzz", "", 401, ""},
	{"final slash is another path", "GET /healthz/", "", 401, ""},
	{"fragment is part of the path", "GET /healthz#x", "", 401, ""},
	{"name that begins like a marked subtree is protected", "GET /.well-knownprivate", "", 401, ""},
	{"method override is not looked at", "POST /healthz", lab.PlainHost + "X-HTTP-Method-Override: GET\r\n", 401, ""},
	{"URL in a header is not looked at", "GET /admin", lab.PlainHost + "X-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz\r\nX-Forwarded-Uri: /healthz\r\n", 401, ""},
	{"more specific route in an open subtree is protected", "POST /docs/admin", "", 401, ""},
	{"other method of it is in the open subtree", "GET /docs/admin", "", 200, "docs"},

	{"redirect to a marked subtree is protected", "GET /docs", "", 401, ""},
	{"redirect to a marked subtree with query is protected", "GET /docs?x", "", 401, ""},
	{"route beside a marked subtree is protected (CVE-2025-47910)", "POST /public", "", 401, ""},
	{"redirect beside it is protected (CVE-2025-47910)", "GET /public", "", 401, ""},
	{"redirect to a marked {$} is protected", "GET /exact", "", 401, ""},
	{"double slash in front is protected", "GET //healthz", "", 401, ""},
	{"double slash before a subtree is protected", "GET //docs/", "", 401, ""},
	{"double slash in a subtree is protected", "GET /docs//x", "", 401, ""},
	{"double slash at the end is protected", "GET /docs//", "", 401, ""},
	{"literal dot is protected", "GET /./healthz", "", 401, ""},
	{"literal dot at the end is protected", "GET /docs/.", "", 401, ""},
	{"literal dots are protected", "GET /docs/../admin", "", 401, ""},
	{"literal dots that end in the open are protected", "GET /admin/../healthz", "", 401, ""},
	{"literal dots within a subtree are protected", "GET /docs/x/../y", "", 401, ""},
	{"literal dots above the root are protected", "GET /../docs/", "", 401, ""},
	{"encoded dot is protected", "GET /docs/%2e", "", 401, ""},
	{"encoded dot in a name is protected", "GET /docs/a%2eb", "", 401, ""},
	{"encoded dots are protected", "GET /docs/%2e%2e/admin", "", 401, ""},
	{"encoded dots in upper case are protected", "GET /docs/%2E%2E/admin", "", 401, ""},
	{"half encoded dots are protected", "GET /docs/.%2e/admin", "", 401, ""},
	{"encoded dots for a wildcard are protected", "GET /p/%2e%2e", "", 401, ""},
	{"encoded slash is protected", "GET /docs/a%2fb", "", 401, ""},
	{"encoded slash in upper case is protected", "GET /docs/a%2Fb", "", 401, ""},
	{"encoded slash for a wildcard is protected", "GET /p/a%2Fb", "", 401, ""},
	{"encoded slash for the separator is protected", "GET /docs%2Fintro", "", 401, ""},
	{"encoded slash in front is protected", "GET /%2Fhealthz", "", 401, ""},
	{"dots with an encoded slash are protected", "GET /docs/..%2fadmin", "", 401, ""},
	{"all of it encoded is protected", "GET /docs/%2e%2e%2fadmin", "", 401, ""},
	{"twice encoded dots are protected", "GET /docs/%252e%252e/admin", "", 401, ""},
	{"twice encoded slash is protected", "GET /docs/..%252fadmin", "", 401, ""},
	{"encoded percent sign is protected", "GET /p/100%25", "", 401, ""},
	{"semicolon is protected", "GET /docs/x;v=1", "", 401, ""},
	{"dots with a semicolon are protected", "GET /docs/..;/admin", "", 401, ""},
	{"encoded semicolon is protected", "GET /docs/x%3Bv=1", "", 401, ""},
	{"backslash is protected", `GET /docs/..\admin`, "", 401, ""},
	{"encoded backslash is protected", "GET /docs/..%5cadmin", "", 401, ""},
	{"encoded backslash in upper case is protected", "GET /p/%5C", "", 401, ""},
	{"encoded NUL is protected", "GET /docs/%00", "", 401, ""},
	{"encoded NUL in a name is protected", "GET /p/x%00.html", "", 401, ""},

	{"CONNECT to a marked subtree is protected", "CONNECT /docs/", "", 401, ""},
	{"CONNECT with dots is protected", "CONNECT /docs/../admin", "", 401, ""},
	{"CONNECT to a host is protected", "CONNECT example.test:443", "", 401, ""},
	{"CONNECT to a host with a pattern is protected", "CONNECT api.example.com:443", "Host: api.example.com:443\r\n", 401, ""},
	{"asterisk is protected", "GET *", "", 401, ""},
	{"OPTIONS * is answered by net/http itself, before Wrap", "OPTIONS *", "", 200, ""},

	{"marker in a nested mux behind StripPrefix is not seen", "GET /static/open", "", 401, ""},
	{"marker inside another middleware is not seen", "GET /logged", "", 401, ""},
	{"marker inside a struct is not seen", "GET /boxed", "", 401, ""},
	{"struct that embeds a mux and rewrites is not asked", "GET /rewrite/x", "", 401, ""},
	{"unmarked route of a nested mux is protected", "GET /nested/x", "", 401, ""},
	{"wrong method in a nested mux is protected", "POST /nested/open", "", 401, ""},

	{"host pattern is open on its host", "GET /open", "Host: api.example.com\r\n", 200, "open"},
	{"host pattern is open on its host with a port", "GET /open", "Host: api.example.com:8080\r\n", 200, "open"},
	{"host pattern is no matter on another host", "GET /open", "", 401, ""},
	{"host in upper case is another host", "GET /open", "Host: API.EXAMPLE.COM\r\n", 401, ""},
	{"host with a final dot is another host", "GET /open", "Host: api.example.com.\r\n", 401, ""},
	{"empty host is another host", "GET /open", "Host: \r\n", 401, ""},
	{"forwarded host is not looked at", "GET /open", lab.PlainHost + "X-Forwarded-Host: api.example.com\r\nForwarded: host=api.example.com\r\n", 401, ""},
	{"absolute form names the host", "GET http://api.example.com/open", "", 200, "open"},
	{"absolute form outdoes the Host header", "GET http://example.test/open", "Host: api.example.com\r\n", 401, ""},
	{"absolute form is open like the path", "GET http://example.test/healthz", "", 200, "healthz"},
	{"absolute form without a path is protected", "GET http://example.test", "", 401, ""},
	{"absolute form with dots is protected", "GET http://example.test/docs/../admin", "", 401, ""},
	{"absolute form with encoded dots is protected", "GET http://example.test/docs/%2e%2e/admin", "", 401, ""},
	{"absolute form with user info is open like the path", "GET http://me:pw@example.test/healthz", "", 200, "healthz"},
	{"opaque target is protected", "GET http:healthz", "", 401, ""},
	{"target with two slashes is a path, not a host", "GET //example.test/healthz", "", 401, ""},

	{"literal NUL is no request", "GET /docs/\x00", "", 400, ""},
	{"literal space is no request", "GET /docs/ /admin", "", 400, ""},
	{"bad escape is no request", "GET /docs/%zz", "", 400, ""},
	{"target without a slash is no request", "GET healthz", "", 400, ""},
	{"two hosts are no request", "GET /open", "Host: api.example.com\r\nHost: example.test\r\n", 400, ""},
	{"no host is no request", "GET /healthz", "Accept: */*\r\n", 400, ""},
}

func TestWrap_routes(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	for _, catchAll := range []bool{false, true} {
		o := new(lab.Origin)
		w := o.Serve(t, auth.Wrap(siteOf(o, catchAll)), nil)
		for _, tt := range routes {
			header := tt.header
			if header == "" {
				header = lab.PlainHost
			}
			if status, ran := w.Send(lab.RawRequest(tt.line, header)); status != tt.status || ran != tt.ran {
				t.Errorf("%s (catch-all %v): %q answered %d by %q, want %d by %q", tt.name, catchAll, tt.line, status, ran, tt.status, tt.ran)
			}
		}
	}
}

func TestWrap_routesOldProtocol(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap(siteOf(o, false)), nil)
	for _, tt := range []struct {
		name, raw string
		status    int
		ran       string
	}{
		{"HTTP/1.0 without a host reaches a marked route", "GET /healthz HTTP/1.0\r\n\r\n", 200, "healthz"},
		{"HTTP/1.0 without a host reaches no host pattern", "GET /open HTTP/1.0\r\n\r\n", 401, ""},
		{"HTTP/1.0 with a host reaches a host pattern", "GET /open HTTP/1.0\r\nHost: api.example.com\r\n\r\n", 200, "open"},
		{"HTTP/1.0 reaches no protected route", "GET /admin HTTP/1.0\r\n\r\n", 401, ""},
		{"HTTP/1.0 with dots reaches nothing", "GET /docs/%2e%2e/admin HTTP/1.0\r\n\r\n", 401, ""},
		{"HTTP/0.9 is no request", "GET /healthz\r\n\r\n", 400, ""},
	} {
		if status, ran := w.Send(tt.raw); status != tt.status || ran != tt.ran {
			t.Errorf("%s: answered %d by %q, want %d by %q", tt.name, status, ran, tt.status, tt.ran)
		}
		w.HangUp()
	}
}

// With a token the mux answers as if Wrap were not there.
func TestWrap_routesWithToken(t *testing.T) {
	auth, token := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap(siteOf(o, false)), nil)
	for _, tt := range []struct {
		line   string
		status int
		ran    string
	}{
		{"GET /admin", 200, "secret-admin"},
		{"GET /nowhere", 404, ""},
		{"POST /healthz", 405, ""},
		{"GET /docs", 307, ""},
		{"GET //docs/", 307, ""},
		{"GET /docs/../admin", 307, ""},
		{"GET /docs/%2e%2e/admin", 200, "docs"},
		{"POST /public", 200, "secret-public"},
		{"GET /static/open", 200, "secret-stripped"},
		{"GET /logged", 200, "secret-logged"},
		{"GET /boxed", 200, "secret-boxed"},
		{"GET /rewrite/x", 200, "secret-rewritten"},
		{"GET /nested/x", 200, "secret-nested"},
		{"POST /docs/admin", 200, "secret-docs"},
		{"GET /open", 200, "secret-open"},
		{"GET *", 400, ""},
	} {
		if status, ran := w.Send(lab.RawRequest(tt.line, lab.PlainHost, token)); status != tt.status || ran != tt.ran {
			t.Errorf("%s: answered %d by %q, want %d by %q", tt.line, status, ran, tt.status, tt.ran)
		}
	}
}

// OPTIONS * comes to Wrap only if the server is told so, and no route is "*".
func TestWrap_routesAsterisk(t *testing.T) {
	auth, token := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap(siteOf(o, true)), func(s *http.Server) { s.DisableGeneralOptionsHandler = true })
	if status, ran := w.Send(lab.RawRequest("OPTIONS *")); status != 401 || ran != "" {
		t.Errorf("without a token: %d by %q, want 401 by nobody", status, ran)
	}
	if status, ran := w.Send(lab.RawRequest("OPTIONS *", lab.PlainHost, token)); status != 400 || ran != "" {
		t.Errorf("with a token: %d by %q, want ServeMux's own 400", status, ran)
	}
}

// paths are those of the site, whole and in part.
var paths = []string{
	"/healthz", "/greet", "/docs/", "/docs/admin", "/public", "/public/", "/p/x", "/files/a/b", "/a(b)", "/open",
	"/admin", "/static/open", "/logged", "/.well-known/x", "/nested/open", "/rewrite/x", "/", "/nowhere",
}

// twists are what is done to them; %s is the path.
var twists = []string{
	"%s", "%s?x=..%%2f;", "%s#x", "%s/", "%s//", "%s/.", "%s/..", "%s/../admin", "%s/x/../y", "/%s", "/.%s", "/x/..%s", "/admin/..%s",
	"/%%2e%s", "/x/%%2e%%2e%s", "%s/%%2e%%2E/admin", "%s/..%%2fadmin", "%s%%2f..%%2Fadmin", "/admin%%2f..%s", "/%%2F%s",
	"%s%%00", "%s\x00", "%s;a=b", "%s%%3bx", "%s/..;/admin", `%s\..\admin`, "%s%%5c..%%5Cadmin", "%s%%252e%%252e%%252fadmin", "%s%%20",
	"http://example.test%s", "http://api.example.com%s", "http:%s", "//api.example.com%s",
}

// named is a target that names its path plainly: what a reader takes it for
// is what every program takes it for.
var named = regexp.MustCompile(`^(?:http:(?://(example\.test|api\.example\.com))?)?((?:/(?:\.well-known|(?:[a-z()#]|%20)+))*/?)(?:\?.*)?$`)

// plainly is the independent oracle: the marked handler that the request
// names in so many words, "" if it names none.
func plainly(method, target, host string) string {
	m := named.FindStringSubmatch(target)
	if m == nil || m[2] == "" || method == "CONNECT" {
		return ""
	}
	if m[1] != "" {
		host = m[1]
	}
	get := method == "GET" || method == "HEAD"
	switch p := m[2]; {
	case p == "/healthz" && get:
		return "healthz"
	case p == "/greet" && get:
		return "greet"
	case p == "/docs/admin" && method == "POST":
		return ""
	case strings.HasPrefix(p, "/docs/"):
		return "docs"
	case strings.HasPrefix(p, "/public/"):
		return "public"
	case (p == "/p/x" || p == "/p/x%20" || p == "/p/x#x") && get: // the fragment is part of the path
		return "p"
	case strings.HasPrefix(p, "/files/") && get:
		return "files"
	case p == "/a(b)" && get:
		return "paren"
	case p == "/nested/open" && get:
		return "nested"
	case strings.HasPrefix(p, "/.well-known/"):
		return "well-known"
	case p == "/open" && host == "api.example.com":
		return "open"
	}
	return ""
}

// No protected handler runs without a token, and what does run is what the
// request names in so many words, over all paths, twists, methods and hosts.
func TestWrap_opensWhatIsPlainlyNamed(t *testing.T) {
	t.Parallel()
	auth, _ := lab.Wrapped(t)
	for _, catchAll := range []bool{false, true} {
		o := new(lab.Origin)
		w := o.Serve(t, auth.Wrap(siteOf(o, catchAll)), nil)
		opened := map[string]bool{}
		eachRequest(func(method, target, host string) {
			status, ran := w.Send(lab.RawRequest(method+" "+target, "Host: "+host+"\r\n"))
			want := plainly(method, target, host)
			switch {
			case strings.Contains(ran, "secret"):
				t.Errorf("%s %q at %s: protected handler %q ran without a token", method, target, host, ran)
			case ran != want:
				t.Errorf("%s %q at %s: %q ran, the request names %q", method, target, host, ran, want)
			case want == "" && status != 401 && status != 400:
				t.Errorf("%s %q at %s: status %d, want 401, or 400 from the server", method, target, host, status)
			case want != "" && status != 200:
				t.Errorf("%s %q at %s: status %d from an open route", method, target, host, status)
			}
			opened[ran] = true
		})
		if len(opened) != 11 { // ten routes and nobody
			t.Errorf("the requests opened %d routes, expected 10: %v", len(opened)-1, opened)
		}
	}
}

func eachRequest(visit func(method, target, host string)) {
	for _, p := range paths {
		for _, twist := range twists {
			for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "CONNECT"} {
				for _, host := range []string{"example.test", "api.example.com"} {
					visit(method, fmt.Sprintf(twist, p), host)
				}
			}
		}
	}
}

// With a token, every request gets the status and the handler that it gets
// from the bare mux: Wrap decides, and does not route.
func TestWrap_doesNotRoute(t *testing.T) {
	t.Parallel()
	auth, token := lab.Wrapped(t)
	bare, guarded := new(lab.Origin), new(lab.Origin)
	plain := bare.Serve(t, siteOf(bare, false), nil)
	w := guarded.Serve(t, auth.Wrap(siteOf(guarded, false)), nil)
	ran := map[string]bool{}
	eachRequest(func(method, target, host string) {
		if host != "example.test" || method == "HEAD" || method == "OPTIONS" {
			return
		}
		line := method + " " + target
		wantStatus, wantRan := plain.Send(lab.RawRequest(line, lab.PlainHost))
		gotStatus, gotRan := w.Send(lab.RawRequest(line, lab.PlainHost, token))
		if gotStatus != wantStatus || gotRan != wantRan {
			t.Errorf("%q: %d by %q behind Wrap, %d by %q without", line, gotStatus, gotRan, wantStatus, wantRan)
		}
		ran[gotRan] = true
	})
	if len(ran) < 15 {
		t.Errorf("only %d handlers ran: %v", len(ran), ran)
	}
}

// deep is h below the given number of muxes or resolvers.
func deep(h http.Handler, levels int, resolvers bool) http.Handler {
	for range levels {
		inner := h
		if resolvers {
			h = lab.Resolver(func(*http.Request) http.Handler { return inner })
			continue
		}
		mux := http.NewServeMux()
		mux.Handle("/", inner)
		h = mux
	}
	return h
}

// unclean are requests that may use no open route, whatever their router makes
// of them: a resolver, unlike ServeMux, need not clean anything.
var unclean = []string{
	"GET //healthz", "GET /healthz//", "GET /./healthz", "GET /healthz/.", "GET /healthz/..", "GET /x/../healthz", "GET http://example.test",
	"GET /healthz/..%2f", "GET /healthz%2F", "GET /healthz%5c", "GET /%2ehealthz", "GET /healthz%00", "GET /healthz%25",
	"GET /healthz;x", "GET /healthz%3bx", `GET /healthz\x`, "CONNECT /healthz", "CONNECT example.test:443",
}

func TestWrap_follows(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	open, protected := o.Open("open"), o.Handler("secret")
	mux := http.NewServeMux()
	mux.Handle("/healthz", open)
	mux.Handle("/admin", protected)
	nilMux := http.NewServeMux()
	nilMux.Handle("/", (*http.ServeMux)(nil))
	var self lab.Resolver
	self = func(*http.Request) http.Handler { return self }
	is := func(h http.Handler) lab.Resolver { return func(*http.Request) http.Handler { return h } }
	for _, tt := range []struct {
		name string
		h    http.Handler
		open bool
	}{
		{"a marker itself is open", open, true},
		{"an Optional itself is open", cognitoauth.Optional(o.Handler("open")), true},
		{"a handler is protected", protected, false},
		{"a handler that hides a marker is protected", lab.Passing(open), false},
		{"a struct that hides a marker is protected", struct{ http.Handler }{open}, false},
		{"a mux is asked", mux, true},
		{"a struct with a promoted Handler method is not asked", rewriting{mux}, false},
		{"a pointer to it is not asked", &rewriting{mux}, false},
		{"a mux in a struct by value is not asked", &struct{ http.ServeMux }{}, false},
		{"it is not asked inside a mux either", deep(rewriting{mux}, 1, false), false},
		{"a mux inside StripPrefix is not asked", http.StripPrefix("/x", mux), false},
		{"a mux inside a timeout handler is not asked", http.TimeoutHandler(mux, time.Minute, ""), false},
		{"a nil mux is protected", (*http.ServeMux)(nil), false},
		{"a nil mux inside a mux is protected", nilMux, false},
		{"eight muxes are followed", deep(open, 8, false), true},
		{"nine muxes are not", deep(open, 9, false), false},
		{"eight resolvers are followed", deep(open, 8, true), true},
		{"nine resolvers are not", deep(open, 9, true), false},
		{"five muxes above four resolvers are not", deep(deep(open, 4, true), 5, false), false},
		{"a resolver that names a marker is believed", is(open), true},
		{"a resolver that names a handler is protected", is(protected), false},
		{"a resolver that names nothing is protected", is(nil), false},
		{"a resolver that names a nil mux is protected", is((*http.ServeMux)(nil)), false},
		{"a resolver that names a mux has it asked", is(mux), true},
		{"a resolver that names a struct around a mux has it not asked", is(rewriting{mux}), false},
		{"a resolver that names itself is protected", self, false},
		{"a resolver inside a mux is asked", deep(is(open), 1, false), true},
		{"a resolver inside another handler is not", lab.Passing(is(open)), false},
		{"a Require is protected", cognitoauth.Require(cognitoauth.Authenticated(), protected), false},
		{"another Wrap is protected", auth.Wrap(mux), false},
	} {
		followed(t, tt.name, o.Serve(t, auth.Wrap(tt.h), nil), tt.open)
	}
}

// followed checks whether a clean request finds an open route, and that no
// other does.
func followed(t *testing.T, name string, w *lab.Wire, open bool) {
	t.Helper()
	wantStatus, wantRan := 401, ""
	if open {
		wantStatus, wantRan = 200, "open"
	}
	if status, ran := w.Send(lab.RawRequest("GET /healthz")); status != wantStatus || ran != wantRan {
		t.Errorf("%s: answered %d by %q, want %d by %q", name, status, ran, wantStatus, wantRan)
	}
	for _, line := range unclean {
		if status, ran := w.Send(lab.RawRequest(line)); status != 401 || ran != "" {
			t.Errorf("%s: %s is answered %d by %q, want 401", name, line, status, ran)
		}
	}
}

func TestEndpointResolver_isAskedAtMostEightTimes(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	var asked atomic.Int32
	var a, b lab.Resolver
	a = func(*http.Request) http.Handler { asked.Add(1); return b }
	b = func(*http.Request) http.Handler { asked.Add(1); return a }
	w := o.Serve(t, auth.Wrap(a), nil)
	if status, _ := w.Send(lab.RawRequest("GET /")); status != 401 || asked.Load() != 8 {
		t.Errorf("two resolvers that name each other: status %d after %d questions, want 401 after 8", status, asked.Load())
	}
}

func TestEndpointResolver_panics(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	var broken atomic.Bool
	broken.Store(true)
	h := lab.Resolver(func(*http.Request) http.Handler {
		if broken.Load() {
			panic("resolver")
		}
		return o.Open("open")
	})
	w := o.Serve(t, auth.Wrap(h), nil)
	if status, ran := w.Send(lab.RawRequest("GET /")); status != 0 || ran != "" {
		t.Errorf("answered %d by %q, want the connection closed", status, ran)
	}
	broken.Store(false)
	if status, ran := w.Send(lab.RawRequest("GET /")); status != 200 || ran != "open" {
		t.Errorf("next request: %d by %q, want 200 by the open route", status, ran)
	}
}

// A nil mux fails where it is called, behind the decision.
func TestWrap_nilMuxWithToken(t *testing.T) {
	auth, token := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap((*http.ServeMux)(nil)), nil)
	if status, ran := w.Send(lab.RawRequest("GET /", lab.PlainHost, token)); status != 0 || ran != "" {
		t.Errorf("answered %d by %q, want the connection closed", status, ran)
	}
}

// StripPrefix outside of Wrap changes Path and RawPath before Wrap looks.
func TestWrap_prefixStrippedOutside(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, http.StripPrefix("/v1", auth.Wrap(siteOf(o, true))), nil)
	for _, tt := range []struct {
		line   string
		status int
		ran    string
	}{
		{"GET /v1/healthz", 200, "healthz"},
		{"GET /v1/docs/x", 200, "docs"},
		{"GET /v1%2fhealthz", 401, ""},
		{"GET /v1/docs/..%2fadmin", 401, ""},
		{"GET /v1//healthz", 401, ""},
		{"GET /v1healthz", 401, ""},
		{"GET /v1", 401, ""},
		{"GET /v1/admin", 401, ""},
		{"GET /healthz", 404, ""},
	} {
		if status, ran := w.Send(lab.RawRequest(tt.line)); status != tt.status || ran != tt.ran {
			t.Errorf("%s: answered %d by %q, want %d by %q", tt.line, status, ran, tt.status, tt.ran)
		}
	}
}

// Routes registered while others are served neither race nor open anything.
func TestWrap_registeringWhileServing(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	mux := siteOf(o, false)
	w := o.Serve(t, auth.Wrap(mux), nil)
	var registering sync.WaitGroup
	registering.Go(func() {
		for i := range 100 {
			mux.Handle(fmt.Sprintf("/late/%d", i), o.Handler("secret-late"))
		}
	})
	for i := range 100 {
		if status, ran := w.Send(lab.RawRequest(fmt.Sprintf("GET /late/%d", i))); status != 401 || ran != "" {
			t.Errorf("/late/%d: answered %d by %q, want 401", i, status, ran)
		}
	}
	registering.Wait()
}

const go121 = "httpmuxgo121=1"

var go121Routes = []struct {
	line   string
	status int
	ran    string
}{
	{"GET /healthz", 200, "healthz"},
	{"POST /healthz", 200, "healthz"},
	{"GET /docs/x", 200, "docs"},
	{"GET /docs/a%20b", 200, "docs"},
	{"GET /docs", 401, ""},
	{"GET /docs/../admin", 401, ""},
	{"GET /docs/%2e%2e/admin", 401, ""},
	{"GET /docs/..%2fadmin", 401, ""},
	{"GET /docs%2fx", 401, ""},
	{"GET /docs/..;/admin", 401, ""},
	{`GET /docs/..\admin`, 401, ""},
	{"GET /docs/%252e%252e/admin", 401, ""},
	{"GET /admin/..%2fhealthz", 401, ""},
	{"GET //healthz", 401, ""},
	{"GET /public", 401, ""},
	{"GET /admin", 401, ""},
	{"GET /nowhere", 401, ""},
	{"GET /greet", 401, ""},
	{"GET /packages/%7Bname%7D", 200, "packages"}, // no wildcard there
	{"GET /packages/a%2fb", 401, ""},
	{"GET /packages/%7Bname%7D%2fb", 401, ""},
	{"GET /%7Bx%7D%2fa/b", 401, ""},
	{"GET /%7Ba%7D%2f%7Bb%7D", 401, ""},
	{"CONNECT /healthz", 401, ""},
	{"CONNECT /docs/../admin", 401, ""},
	{"CONNECT example.test:443", 401, ""},
	{"OPTIONS *", 200, ""},
}

// The mux of Go 1.21, which GODEBUG can bring back, matches the decoded path
// and knows no methods. It is chosen when a program starts, so the test starts
// itself again.
func TestWrap_routesGo121(t *testing.T) {
	t.Parallel()
	if !slices.Contains(strings.Split(os.Getenv("GODEBUG"), ","), go121) {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe, "-test.run=^TestWrap_routesGo121$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+go121)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestWrap_routesGo121") {
			t.Errorf("with GODEBUG=%s: %v\n%s", go121, err, out)
		}
		return
	}
	auth, token := lab.Wrapped(t)
	o := new(lab.Origin)
	mux := http.NewServeMux()
	mux.Handle("/healthz", o.Open("healthz"))
	mux.Handle("/docs/", o.Open("docs"))
	mux.Handle("/public/", o.Open("public"))
	mux.Handle("/admin", o.Handler("secret-admin"))
	mux.Handle("GET /greet", o.Open("greet")) // a path of the host "GET "
	for pattern, name := range map[string]string{"/packages/{name}": "packages", "/{x}/": "secret-x", "/{a}/{b}": "secret-ab"} {
		mux.Handle(pattern, cognitoauth.AllowEscapedSlash(o.Open(name)))
	}
	w := o.Serve(t, auth.Wrap(mux), nil)
	for _, tt := range go121Routes {
		if status, ran := w.Send(lab.RawRequest(tt.line)); status != tt.status || ran != tt.ran {
			t.Errorf("%s: answered %d by %q, want %d by %q", tt.line, status, ran, tt.status, tt.ran)
		}
	}
	if status, ran := w.Send(lab.RawRequest("GET /greet", lab.PlainHost, token)); status != 404 || ran != "" {
		t.Errorf("GET /greet with a token: %d by %q; the mux of Go 1.21 answers 404", status, ran)
	}
	if status, ran := w.Send(lab.RawRequest("GET /admin", lab.PlainHost, token)); status != 200 || ran != "secret-admin" {
		t.Errorf("GET /admin with a token: %d by %q, want 200", status, ran)
	}
}
