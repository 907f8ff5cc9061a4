package cognitoogen_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoogen "github.com/cognitoauth/cognitoauth/contrib/ogen"
	"github.com/cognitoauth/cognitoauth/contrib/ogen/internal/api"
)

var schemes = cognitoogen.Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group}

// handler implements the operations; it appends to ran.
type handler struct{ ran []string }

func (h *handler) note(ctx context.Context, what string) *strings.Reader {
	who := "anybody"
	if c, ok := cognitoauth.FromContext(ctx); ok {
		who = c.Username
	}
	h.ran = append(h.ran, what+" for "+who)
	return strings.NewReader(who)
}

func (h *handler) Health(ctx context.Context) (api.HealthOK, error) {
	return api.HealthOK{Data: h.note(ctx, "health")}, nil
}

func (h *handler) Me(ctx context.Context) (api.MeOK, error) {
	return api.MeOK{Data: h.note(ctx, "me")}, nil
}

func (h *handler) ListOrders(ctx context.Context) (api.ListOrdersOK, error) {
	return api.ListOrdersOK{Data: h.note(ctx, "list")}, nil
}

func (h *handler) CreateOrder(ctx context.Context, _ *api.CreateOrderReq) (api.CreateOrderCreated, error) {
	return api.CreateOrderCreated{Data: h.note(ctx, "create")}, nil
}

func (h *handler) DeleteOrder(ctx context.Context, p api.DeleteOrderParams) error {
	h.note(ctx, "delete "+p.ID)
	return nil
}

// security is the generated SecurityHandler. It keeps the scopes that it got.
type security struct {
	scopes map[api.OperationName][]string
}

func (s security) HandleCognito(ctx context.Context, op api.OperationName, t api.Cognito) (context.Context, error) {
	s.scopes[op] = t.Scopes
	return cognitoogen.Admitted(ctx)
}

func (security) HandleStaff(ctx context.Context, _ api.OperationName, _ api.Staff) (context.Context, error) {
	return cognitoogen.Admitted(ctx)
}

// underTest is a generated server on a loopback port.
type underTest struct {
	handler
	scopes map[api.OperationName][]string
	base   string
	tokens map[string]*cognitotest.Token
}

type wrapping func(auth *cognitoauth.Middleware, router, server http.Handler) http.Handler

func wrapRouter(auth *cognitoauth.Middleware, router, _ http.Handler) http.Handler {
	return auth.Wrap(router)
}

func wrapMux(auth *cognitoauth.Middleware, router, _ http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", router)
	mux.Handle("GET /docs/", cognitoauth.AllowAnonymous(http.StripPrefix("/docs", api.SpecHandler())))
	return auth.Wrap(mux)
}

func serve(t *testing.T, description []byte, wrap wrapping, options ...api.ServerOption) *underTest {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	u := &underTest{scopes: map[api.OperationName][]string{}, tokens: map[string]*cognitotest.Token{
		"jane":     pool.AccessToken(),
		"reader":   pool.AccessToken().Scopes("orders/read"),
		"writer":   pool.AccessToken().Scopes("orders/read", "orders/write"),
		"admin":    pool.AccessToken().Scopes("orders/admin"),
		"boss":     pool.AccessToken().Scopes("orders/write").Groups("admins"),
		"tampered": pool.AccessToken().Tampered(),
	}}
	server, err := api.NewServer(u, security{u.scopes}, options...)
	if err != nil {
		t.Fatal(err)
	}
	router, err := cognitoogen.New(server, description, cognitoogen.Options{Schemes: schemes})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(wrap(auth, router, server))
	t.Cleanup(srv.Close)
	u.base = srv.URL
	return u
}

var scope = regexp.MustCompile(`, scope="[^"]*"`)

// call says what came of a request: the status, the scopes of the challenge, and
// which operations ran.
func (u *underTest) call(t *testing.T, method, path, token, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, u.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+u.tokens[token].String())
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	u.ran = nil
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got := strings.Split(res.Status, " ")[0] + scope.FindString(res.Header.Get("WWW-Authenticate"))
	return strings.Join(append([]string{got}, u.ran...), "; ")
}

func TestOperations(t *testing.T) {
	for _, wrap := range []wrapping{wrapRouter, wrapMux} {
		u := serve(t, api.SpecYAML(), wrap)
		for _, c := range []struct{ method, path, token, body, want string }{
			{"GET", "/healthz", "", "", "200; health for anybody"},
			{"GET", "/healthz", "tampered", "", "200; health for anybody"},

			{"GET", "/me", "", "", "401"},
			{"GET", "/me", "tampered", "", "401"},
			{"GET", "/me", "jane", "", "200; me for jane"},

			{"GET", "/orders", "", "", `401, scope="orders/read"`},
			{"GET", "/orders", "jane", "", `403, scope="orders/read"`},
			{"GET", "/orders", "reader", "", "200; list for jane"},
			{"GET", "/orders", "admin", "", "200; list for jane"},
			{"POST", "/orders", "", `{"item":"tea"}`, `401, scope="orders/read orders/write"`},
			{"POST", "/orders", "reader", `{"item":"tea"}`, `403, scope="orders/read orders/write"`},
			{"POST", "/orders", "admin", `{"item":"tea"}`, `403, scope="orders/read orders/write"`},
			{"POST", "/orders", "writer", `{"item":"tea"}`, "201; create for jane"},
			{"POST", "/orders", "writer", `{"item":""}`, "400"},
			{"POST", "/orders", "", `{"item":""}`, `401, scope="orders/read orders/write"`},
			{"DELETE", "/orders/7", "", "", `401, scope="orders/write"`},
			{"DELETE", "/orders/7", "writer", "", "403"},
			{"DELETE", "/orders/7", "boss", "", "204; delete 7 for jane"},
			{"DELETE", "/orders/a%2Fb", "writer", "", "403"},
			{"DELETE", "/orders/a%2Fb", "boss", "", "204; delete a/b for jane"},

			{"GET", "/nope", "", "", "401"},
			{"GET", "/nope", "jane", "", "404"},
			{"PUT", "/healthz", "", "", "401"},
			{"PUT", "/healthz", "jane", "", "405"},
			{"HEAD", "/healthz", "", "", "401"},
			{"OPTIONS", "/healthz", "", "", "401"},
			{"GET", "/healthz/", "", "", "401"},
			{"GET", "/orders%2F..%2Fhealthz", "", "", "401"},
		} {
			if got := u.call(t, c.method, c.path, c.token, c.body); got != c.want {
				t.Errorf("%s %s with token %q: got %s, want %s", c.method, c.path, c.token, got, c.want)
			}
		}
		// What the package documentation says of a SecurityHandler.
		if got := u.scopes["ListOrders"]; !slices.Equal(got, []string{"orders/read", "orders/admin"}) {
			t.Errorf("ogen hands the scopes %q of two alternatives to a SecurityHandler", got)
		}
	}
}

// What the router marks must be what the server runs, however the path is written.
func TestResolvesWhatRuns(t *testing.T) {
	named := map[string]string{"GET /healthz": "health", "GET /me": "me", "GET /orders": "list", "POST /orders": "create", "DELETE /orders/{id}": "delete"}
	h := &handler{}
	server, err := api.NewServer(h, admitAll{})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, path := range []string{"/", "/healthz", "/healthz/", "//healthz", "/%68ealthz", "/healthz%2F", "/me", "/me%2F..%2Fhealthz", "/orders", "/orders/",
		"/orders/7", "/orders/healthz", "/orders/a%2Fb", "/orders%2F7", "/orders/../healthz", "/orders/%2e%2e/healthz", "/orders/7/", "/HEALTHZ", "/healthz;x", "/nope"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW", "get"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(`{"item":"tea"}`))
			r.Method = method
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer x")
			want := ""
			if route, ok := server.FindPath(method, r.URL); ok {
				want = named[method+" "+route.PathPattern()]
			}
			h.ran = nil
			server.ServeHTTP(httptest.NewRecorder(), r)
			got, _, _ := strings.Cut(strings.Join(h.ran, ""), " ")
			if got != "" && got != want {
				t.Errorf("%s %s runs %q, named is %q", method, path, got, want)
			}
			ran += len(h.ran)
		}
	}
	if ran < 8 {
		t.Errorf("%d requests ran an operation, want 8 at least", ran)
	}
}

type admitAll struct{}

func (admitAll) HandleCognito(ctx context.Context, _ api.OperationName, _ api.Cognito) (context.Context, error) {
	return ctx, nil
}

func (admitAll) HandleStaff(ctx context.Context, _ api.OperationName, _ api.Staff) (context.Context, error) {
	return ctx, nil
}

// Logs outside of Wrap have the operation.
func TestPattern(t *testing.T) {
	patterns := make(chan string, 1)
	u := serve(t, api.SpecYAML(), func(auth *cognitoauth.Middleware, router, _ http.Handler) http.Handler {
		wrapped := auth.Wrap(router)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wrapped.ServeHTTP(w, r)
			patterns <- r.Pattern
		})
	})
	for _, c := range []struct{ method, path, token, want string }{
		{"GET", "/healthz", "", "GET /healthz"},
		{"DELETE", "/orders/7", "boss", "DELETE /orders/{id}"},
		{"DELETE", "/orders/7", "reader", "DELETE /orders/{id}"},
		{"DELETE", "/orders/7", "", "DELETE /orders/{id}"},
		{"GET", "/nope", "boss", ""},
	} {
		u.call(t, c.method, c.path, c.token, "")
		if got := <-patterns; got != c.want {
			t.Errorf("%s %s with token %q: Pattern is %q, want %q", c.method, c.path, c.token, got, c.want)
		}
	}
}

// What the package documentation says of tokens in a cookie.
func TestCookie(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.TokenSource = cognitoauth.FromCookie("token")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &handler{}
	server, err := api.NewServer(h, security{map[api.OperationName][]string{}})
	if err != nil {
		t.Fatal(err)
	}
	router, err := cognitoogen.New(server, api.SpecYAML(), cognitoogen.Options{Schemes: schemes})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/me", nil)
	r.AddCookie(&http.Cookie{Name: "token", Value: pool.AccessToken().String()})
	w := httptest.NewRecorder()
	auth.Wrap(router).ServeHTTP(w, r)
	if w.Code != 401 || h.ran != nil || r.Pattern != "GET /me" {
		t.Errorf("got %d at %q, ran %q; want 401 by the server itself", w.Code, r.Pattern, h.ran)
	}
}

func TestPathPrefix(t *testing.T) {
	u := serve(t, api.SpecJSON(), wrapRouter, api.WithPathPrefix("/v1"))
	for _, c := range []struct{ path, token, want string }{
		{"/v1/healthz", "", "200; health for anybody"},
		{"/v1/orders", "", `401, scope="orders/read"`},
		{"/healthz", "", "401"},
		{"/healthz", "jane", "404"},
	} {
		if got := u.call(t, "GET", c.path, c.token, ""); got != c.want {
			t.Errorf("GET %s with token %q: got %s, want %s", c.path, c.token, got, c.want)
		}
	}
}

// The documentation that the server itself serves is protected. A mux opens it.
func TestDocs(t *testing.T) {
	u := serve(t, api.SpecYAML(), wrapRouter, api.WithDocs("/docs"))
	if got := u.call(t, "GET", "/docs/openapi.json", "", ""); got != "401" {
		t.Errorf("got %s, want 401", got)
	}
	if got := u.call(t, "GET", "/docs/openapi.json", "jane", ""); got != "200" {
		t.Errorf("with a token: got %s, want 200", got)
	}
	u = serve(t, api.SpecYAML(), wrapMux)
	if got := u.call(t, "GET", "/docs/openapi.json", "", ""); got != "200" {
		t.Errorf("at the mux: got %s, want 200", got)
	}
}

func TestOperationThatTheDescriptionLacks(t *testing.T) {
	older := bytes.ReplaceAll(api.SpecYAML(), []byte("/healthz:"), []byte("/health:"))
	u := serve(t, older, wrapRouter)
	if got := u.call(t, "GET", "/healthz", "", ""); got != "401" {
		t.Errorf("without token: got %s, want 401", got)
	}
	if got := u.call(t, "GET", "/healthz", "boss", ""); got != "403" {
		t.Errorf("got %s, want 403", got)
	}
}

// Where the server is reached around the router, the SecurityHandler still refuses.
func TestWithoutWrap(t *testing.T) {
	u := serve(t, api.SpecYAML(), func(_ *cognitoauth.Middleware, _, server http.Handler) http.Handler { return server })
	if got := u.call(t, "GET", "/me", "jane", ""); got != "401" {
		t.Errorf("server alone: got %s, want 401", got)
	}
	u = serve(t, api.SpecYAML(), func(_ *cognitoauth.Middleware, router, _ http.Handler) http.Handler { return router })
	if got := u.call(t, "GET", "/me", "jane", ""); got != "500" {
		t.Errorf("router alone: got %s, want 500", got)
	}
}

// edited returns the file that the server is generated from, with a change.
func edited(t *testing.T, old, with string) []byte {
	t.Helper()
	text, err := os.ReadFile("internal/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("the description has no %q", old)
	}
	return bytes.Replace(text, []byte(old), []byte(with), 1)
}

// other is a server whose router knows nothing.
type other struct{ http.Handler }

type route struct{}

func (route) PathPattern() string { return "" }

func (other) FindPath(string, *url.URL) (route, bool) { return route{}, false }

func TestMistakes(t *testing.T) {
	edit := func(old, with string) []byte { return edited(t, old, with) }
	const me = "operationId: me\n"
	ofMe := func(security string) []byte { return edit(me, me+"      security: "+security+"\n") }
	for _, c := range []struct {
		name        string
		description []byte
		schemes     cognitoogen.Schemes
		want        []string
	}{
		{"no description", nil, schemes, []string{`Schemes has "cognito", expected one of []`}},
		{"no components", []byte("openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\n"), schemes, []string{`Schemes has "cognito", expected one of []`}},
		{"no YAML", []byte("{"), schemes, []string{"the description: "}},
		{"no schemes", api.SpecYAML(), nil, []string{`Schemes is empty, expected those of the description`, `it declares ["cognito" "staff"]`}},
		{"undeclared scheme", api.SpecYAML(), cognitoogen.Schemes{"cognita": cognitoauth.Scope}, []string{`Schemes has "cognita", expected one of ["cognito" "staff"]`}},
		{"scheme of another type", edit("scheme: bearer", "scheme: basic"), schemes, []string{`scheme "staff" has the type "http basic", expected oauth2, openIdConnect or http bearer`}},
		{"a scheme that Schemes lacks", api.SpecYAML(), cognitoogen.Schemes{"cognito": cognitoauth.Scope}, []string{`operation DELETE /orders/{id}: security names the scheme "staff", expected one of ["cognito"]`}},
		{"security by another scheme", ofMe("[{cognito: []}, {key: []}]"), schemes, []string{`operation GET /me: security names the scheme "key"`}},
		{"optional", ofMe("[{cognito: []}, {}]"), schemes, []string{`operation GET /me: security has the empty object {}`}},
		{"undeclared scope", ofMe("[{cognito: [orders/raed]}]"), schemes, []string{`operation GET /me: security names the scope "orders/raed" of the scheme "cognito"`}},
		{"two mistakes", bytes.Replace(ofMe(`[{staff: [""]}]`), []byte("orders/admin"), []byte("orders/all"), 1), schemes, []string{
			`operation GET /me: security: cognitoauth: Group: an empty name`, `operation GET /orders: security names the scope "orders/all"`}},
		{"path without operations", edit("paths:\n", "paths:\n  /null:\n"), cognitoogen.Schemes{"cognito": cognitoauth.Scope}, []string{`operation DELETE /orders/{id}: security names the scheme "staff"`}},
		{"path in another document", edit("paths:\n", "paths:\n  /else:\n    $ref: other.yaml\n"), schemes, []string{`path /else is the reference "other.yaml", expected its operations`}},
		{"nothing protected", []byte("openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {/x: {get: {responses: {'200': {description: OK}}}}}\ncomponents: {securitySchemes: {cognito: {type: http, scheme: bearer}}}"),
			cognitoogen.Schemes{"cognito": cognitoauth.Scope}, []string{"no operation has security, so that all would be open"}},
	} {
		_, err := cognitoogen.New(other{http.NotFoundHandler()}, c.description, cognitoogen.Options{Schemes: c.schemes})
		if !errors.Is(err, cognitoauth.ErrMisconfigured) || slices.ContainsFunc(c.want, func(s string) bool { return !strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// One operation with security is enough, wherever it stands.
func TestProtectedFirst(t *testing.T) {
	const text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\ncomponents: {securitySchemes: {cognito: {type: http, scheme: bearer}}}\n" +
		"paths:\n  /a: {get: {security: [{cognito: []}], responses: {'200': {description: OK}}}}\n  /b: {get: {responses: {'200': {description: OK}}}}\n"
	_, err := cognitoogen.New(other{http.NotFoundHandler()}, []byte(text), cognitoogen.Options{Schemes: cognitoogen.Schemes{"cognito": cognitoauth.Scope}})
	if err != nil {
		t.Error(err)
	}
}

// What the server does not have keeps the pattern of a mux in front.
func TestPattern_unknown(t *testing.T) {
	const text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\nsecurity: [{cognito: []}]\ncomponents: {securitySchemes: {cognito: {type: http, scheme: bearer}}}\n" +
		"paths: {/a: {get: {responses: {'200': {description: OK}}}}}\n"
	h, err := cognitoogen.New(other{http.NotFoundHandler()}, []byte(text), cognitoogen.Options{Schemes: cognitoogen.Schemes{"cognito": cognitoauth.Scope}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/b", nil)
	r.Pattern = "/"
	if found := h.(cognitoauth.EndpointResolver).ResolveEndpoint(r); found != nil || r.Pattern != "/" {
		t.Errorf("%v, pattern %q", found, r.Pattern)
	}
}

// An operation without security in a description without security is open; others
// keep their own.
func TestSecurityOfOperationsOnly(t *testing.T) {
	u := serve(t, edited(t, "security:\n  - cognito: []\npaths", "paths"), wrapRouter)
	if got := u.call(t, "GET", "/orders", "", ""); got != `401, scope="orders/read"` {
		t.Errorf("GET /orders: got %s", got)
	}
	// The router lets it pass; the server was generated with security for it.
	if got := u.call(t, "GET", "/me", "", ""); got != "401" {
		t.Errorf("GET /me: got %s", got)
	}
}

// The committed code is what the generator of go.mod makes.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	generate := exec.CommandContext(t.Context(), "go", "tool", "ogen", "-target", dir, "-package", "api", "-config", "internal/api/config.yaml", "internal/api/openapi.yaml")
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		made, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		committed, err := os.ReadFile(filepath.Join("internal/api", name))
		if !bytes.Equal(made, committed) {
			t.Errorf("internal/api/%s is not what go generate makes: %v", name, err)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("compared %d files: %v", files, err)
	}
}
