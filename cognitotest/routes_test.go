package cognitotest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// page is a handler that nobody calls.
var page = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("Routes served a request") })

// scope is a route for tokens with a scope.
func scope(s string) http.Handler { return cognitoauth.Require(cognitoauth.Scope(s), page) }

// muxOf is a mux with these routes.
func muxOf(routes map[string]http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.Handle(pattern, h)
	}
	return mux
}

// middleware is one with these changes to its configuration.
func middleware(t *testing.T, changes ...func(*cognitoauth.Config)) *cognitoauth.Middleware {
	t.Helper()
	cfg := cognitotest.NewPool(t, cognitotest.Options{}).Config()
	for _, change := range changes {
		change(&cfg)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// shop has a route of each kind.
var shop = map[string]http.Handler{
	"GET /healthz":         cognitoauth.AllowAnonymous(page),
	"/greet":               cognitoauth.Optional(page),
	"/me":                  page,
	"POST /orders":         scope("orders/write"),
	"GET /orders/{id}":     scope("orders/read"),
	"GET /orders/sample":   cognitoauth.AllowAnonymous(page),
	"/files/{rest...}":     cognitoauth.AllowAnonymous(page),
	"GET /files/sample":    page,
	"/docs/":               cognitoauth.Optional(page),
	"/docs/{$}":            page,
	"api.example.com/v1/x": cognitoauth.AllowAnonymous(page),
	"/v1/x":                page,
	"/mixed":               page,
	"GET /mixed":           cognitoauth.AllowAnonymous(page),
	"DELETE /mixed":        scope("orders/write"),
	"GET /{$}":             cognitoauth.AllowAnonymous(page),
	"/old":                 cognitoauth.AllowAnonymous(http.RedirectHandler("/new", http.StatusMovedPermanently)),
	"/plain-old":           http.RedirectHandler("/new", http.StatusMovedPermanently),
	"/twice":               cognitoauth.Require(cognitoauth.Group("staff"), scope("orders/write")),
	"/hidden":              http.StripPrefix("/x", cognitoauth.AllowAnonymous(page)),
	"/semicolon;a":         cognitoauth.AllowAnonymous(page),
	"/caf\u00e9":           cognitoauth.AllowAnonymous(page),
	"/100%25/{x}":          page,
	"/a%2Fb":               cognitoauth.AllowAnonymous(page),
	"/sub/":                inner,
}

// inner is a mux inside the mux.
var inner = muxOf(map[string]http.Handler{"GET /sub/open": cognitoauth.AllowAnonymous(page), "/sub/": page})

const authenticated = "Authenticated()"

func TestRoutes(t *testing.T) {
	site := middleware(t).Wrap(muxOf(shop))
	for _, tt := range []struct {
		pattern string
		want    []string // Access, Methods, Runs, Policy
	}{
		{"GET /healthz", []string{"anonymous", "", "", ""}},
		{"GET  /healthz", []string{"anonymous", "", "", ""}},
		{"/greet", []string{"optional", "", "", ""}},
		{"/me", []string{"protected", "", "", authenticated}},
		{"POST /orders", []string{"protected", "", "", `Scope("orders/write")`}},
		{"GET /orders/{id}", []string{"protected", "", "", `Scope("orders/read")`}},
		{"GET /orders/sample", []string{"anonymous", "", "", ""}},
		{"/files/{rest...}", []string{"anonymous", "", "", ""}},
		{"GET /files/sample", []string{"protected", "", "", authenticated}},
		{"/docs/", []string{"optional", "", "", ""}},
		{"/docs/{$}", []string{"protected", "", "", authenticated}},
		{"api.example.com/v1/x", []string{"anonymous", "", "", ""}},
		{"/v1/x", []string{"protected", "", "", authenticated}},
		{"/mixed", []string{
			"anonymous", "GET, HEAD", "GET /mixed", "",
			"protected", "POST, PUT, PATCH, OPTIONS", "", authenticated,
			"protected", "DELETE", "DELETE /mixed", `Scope("orders/write")`,
		}},
		{"GET /{$}", []string{"anonymous", "", "", ""}},
		{"/old", []string{"anonymous", "", "", ""}},
		{"/plain-old", []string{"protected", "", "", authenticated}},
		{"/twice", []string{"protected", "", "", `And(Group("staff"), Scope("orders/write"))`}},
		{"/hidden", []string{"protected", "", "", authenticated}},
		{"/semicolon;a", []string{"protected", "", "", authenticated}}, // its marker does not count
		{"/caf\u00e9", []string{"anonymous", "", "", ""}},
		{"/100%25/{x}", []string{"protected", "", "", authenticated}},
		{"/a%2Fb", []string{"protected", "", "", authenticated}}, // nor does this one
		{"GET /sub/open", []string{"anonymous", "", "", ""}},
		{"/sub/", []string{"protected", "", "", authenticated}},
	} {
		got, err := cognitotest.Routes(site, tt.pattern)
		var want cognitotest.RouteTable
		for w := range slices.Chunk(tt.want, 4) {
			want = append(want, cognitotest.Route{Pattern: tt.pattern, Access: cognitotest.Access(w[0]), Methods: w[1], Runs: w[2], Policy: w[3]})
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %+v, want %+v", tt.pattern, err, got, want)
		}
	}
}

// A route that Routes would list as what it is not is an error.
func TestRoutes_errors(t *testing.T) {
	auth := middleware(t)
	site := auth.Wrap(muxOf(map[string]http.Handler{
		"/docs/":           cognitoauth.AllowAnonymous(page),
		"GET /only":        cognitoauth.AllowAnonymous(page),
		"GET /a/{x}":       cognitoauth.AllowAnonymous(page),
		"GET /a/sample":    page,
		"GET /a/1":         page,
		"/b/{x}":           page,
		"GET /b/sample":    cognitoauth.AllowAnonymous(page),
		"GET /b/1":         cognitoauth.AllowAnonymous(page),
		"/unclean/../path": cognitoauth.AllowAnonymous(page),
		"/sub/":            muxOf(map[string]http.Handler{"GET /sub/x": page}),
	}))
	for _, tt := range []struct {
		name    string
		wrapped http.Handler
		pattern string
		want    []string
	}{
		{"no route", site, "GET /nothing", []string{`pattern "GET /nothing"`, "no route", "GET"}},
		{"no route of any method", site, "/nothing", []string{"no route", "middleware"}},
		{"a mux inside another", site, "/sub/", []string{`pattern "/sub/"`, "no route", "a mux inside another one"}},
		{"another method", site, "POST /only", []string{"no route", "POST"}},
		{"a pattern with a method, asked without", site, "/only", []string{"no route", "OPTIONS"}},
		{"a redirect to a tree", site, "GET /docs", []string{`runs the route of "/docs/"`}},
		{"a part of a tree", site, "GET /docs/x", []string{`runs the route of "/docs/"`}},
		{"a tree with a method that it is not registered with", site, "GET /docs/", []string{`runs the route of "/docs/"`}},
		{"other routes for each sample", site, "GET /a/{x}", []string{`"GET /a/1" for GET /a/1`}},
		{"other routes for each sample, of one method", site, "/b/{x}", []string{`"GET /b/1" for GET /b/1`}},
		{"a path that is not clean", site, "/unclean/../path", []string{"/unclean/../path"}},
		{"no pattern", site, "", []string{"invalid pattern"}},
		{"a pattern that is none", site, "/{x", []string{"bad wildcard"}},
		{"a path without a slash", site, "GET x", []string{`pattern "GET x"`}},

		{"a mux that is not wrapped", muxOf(shop), "GET /healthz", []string{"*http.ServeMux", "Wrap"}},
		{"middleware around Wrap", http.StripPrefix("/x", site), "GET /only", []string{"http.HandlerFunc", "without middleware around it"}},
		{"nil", nil, "GET /only", []string{"<nil>"}},
		{"a Middleware that New has not made", new(cognitoauth.Middleware).Wrap(muxOf(shop)), "GET /healthz", []string{"not from New"}},
	} {
		table, err := cognitotest.Routes(tt.wrapped, tt.pattern)
		if err == nil || table != nil {
			t.Errorf("%s: %v, %v", tt.name, table, err)
			continue
		}
		for _, want := range append(tt.want, "cognitotest: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", tt.name, want, err)
			}
		}
	}
	if table, err := cognitotest.Routes(site); table != nil || err != nil {
		t.Errorf("of no patterns: %v, %v", table, err)
	}
	_, err := cognitotest.Routes(site, "GET /x", "GET /only", "GET /y")
	if err == nil || strings.Count(err.Error(), "no route") != 2 {
		t.Errorf("the error names not all patterns, or too many: %v", err)
	}
}

// router has a handler for each path and method, and no patterns.
type router map[string]http.Handler

func (r router) ResolveEndpoint(req *http.Request) http.Handler {
	return r[req.Method+" "+req.URL.Path]
}

func (r router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.ResolveEndpoint(req).ServeHTTP(w, req)
}

func TestRoutes_otherRouters(t *testing.T) {
	of := router{
		"GET /healthz":     cognitoauth.AllowAnonymous(page),
		"GET /orders/1":    scope("orders/read"), // a router may want a number
		"DELETE /orders/1": scope("orders/write"),
		"GET /files/":      cognitoauth.Optional(page),
	}
	outer := muxOf(map[string]http.Handler{"/": of})
	for name, wrapped := range map[string]http.Handler{"alone": middleware(t).Wrap(of), "inside a mux": middleware(t).Wrap(outer)} {
		table, err := cognitotest.Routes(wrapped, "GET /healthz", "/orders/{id}", "/files/{rest...}")
		const want = `anonymous  GET /healthz
protected  /orders/{id} (GET)  Scope("orders/read")
protected  /orders/{id} (DELETE)  Scope("orders/write")
optional   /files/{rest...} (GET)
`
		if err != nil || table.String() != want {
			t.Errorf("%s: %v\n%s", name, err, table)
		}
		for _, pattern := range []string{"GET /nothing", "/nothing", "POST /healthz"} {
			if table, err := cognitotest.Routes(wrapped, pattern); err == nil || !strings.Contains(err.Error(), "no route") {
				t.Errorf("%s, %s: %v, %v", name, pattern, table, err)
			}
		}
	}
	if table, err := cognitotest.Routes(middleware(t).Wrap(page), "/x"); err != nil || table.String() != "protected  /x  Authenticated()\n" {
		t.Errorf("no router: %v, %v", table, err)
	}
}

// What Wrap and its relatives return is all the same, with the configuration of now.
func TestRoutes_doors(t *testing.T) {
	cfg := cognitotest.NewPool(t, cognitotest.Options{}).Config()
	cfg.Fallback = cognitoauth.UserToken()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := muxOf(shop)
	as := func(policy string) string {
		return "anonymous  GET /healthz\nprotected  /me  " + policy + "\nprotected  POST /orders  And(" + policy + `, Scope("orders/write"))` + "\n"
	}
	doors := map[string]http.Handler{
		"Wrap":     auth.Wrap(mux),
		"WrapWith": auth.WrapWith(mux, func(next http.Handler) http.Handler { return http.StripPrefix("", next) }),
		"WrapFunc": auth.WrapFunc(func() http.Handler { return mux }),
	}
	for _, policy := range []cognitoauth.Policy{cognitoauth.UserToken(), cognitoauth.Group("staff")} {
		cfg.Fallback = policy
		if err := auth.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		for name, wrapped := range doors {
			if table, err := cognitotest.Routes(wrapped, "GET /healthz", "/me", "POST /orders"); err != nil || table.String() != as(policy.String()) {
				t.Errorf("%s: %v\n%s\nwant\n%s", name, err, table, as(policy.String()))
			}
		}
	}
	none := auth.WrapFunc(func() http.Handler { return nil })
	if table, err := cognitotest.Routes(none, "/me"); err == nil {
		t.Errorf("WrapFunc without a handler: %v", table)
	}
}

// The documents that the library answers with are open, unless a route of the
// program's own replaces them.
func TestRoutes_protectedResources(t *testing.T) {
	const path = "/.well-known/oauth-protected-resource"
	auth := middleware(t, func(c *cognitoauth.Config) {
		c.Pools[0].Audiences = []string{"https://api.example.com"}
		c.ProtectedResources = []cognitoauth.ProtectedResource{{Resource: "https://api.example.com"}}
	})
	for _, tt := range []struct {
		routes  map[string]http.Handler
		pattern string
		want    string
	}{
		{nil, "GET " + path, "anonymous  GET " + path + " (by Config.ProtectedResources)\n"},
		{nil, path, "anonymous  " + path + " (GET, HEAD, by Config.ProtectedResources)\n"},
		{map[string]http.Handler{"GET " + path: page}, "GET " + path, "protected  GET " + path + "  Authenticated()\n"},
	} {
		if table, err := cognitotest.Routes(auth.Wrap(muxOf(tt.routes)), tt.pattern); err != nil || table.String() != tt.want {
			t.Errorf("%s: %v, %q, want %q", tt.pattern, err, table, tt.want)
		}
	}
}

// A route that is opened by mistake changes the list of open routes, and one that is
// protected does not.
func TestRouteTable_Open(t *testing.T) {
	routes := map[string]http.Handler{"GET /healthz": cognitoauth.AllowAnonymous(page), "GET /me": page, "GET /docs/{page}": cognitoauth.Optional(page)}
	patterns := []string{"GET /docs/{page}", "GET /healthz", "GET /me"}
	auth := middleware(t)
	list := func() string {
		table, err := cognitotest.Routes(auth.Wrap(muxOf(routes)), patterns...)
		if err != nil {
			t.Fatal(err)
		}
		if len(table) != len(patterns) {
			t.Errorf("%d rows", len(table))
		}
		return table.Open().String()
	}
	const golden = "optional   GET /docs/{page}\nanonymous  GET /healthz\n"
	if got := list(); got != golden {
		t.Errorf("open: %q", got)
	}
	routes["GET /me"] = scope("profile")
	if got := list(); got != golden {
		t.Errorf("with a policy more: %q", got)
	}
	routes["GET /me"] = cognitoauth.AllowAnonymous(page)
	if got := list(); got != golden+"anonymous  GET /me\n" {
		t.Errorf("opened by mistake: %q", got)
	}
	routes["GET /healthz"], routes["GET /me"] = page, page
	if got := list(); got != "optional   GET /docs/{page}\n" {
		t.Errorf("closed: %q", got)
	}
}
