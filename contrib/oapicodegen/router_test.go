package cognitooapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitooapi "github.com/cognitoauth/cognitoauth/contrib/oapicodegen"
	"github.com/cognitoauth/cognitoauth/contrib/oapicodegen/internal/api"
)

var schemes = cognitooapi.Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group}

// server is the strict server; it appends to ran.
type server struct{ ran []string }

func (s *server) note(ctx context.Context, what string) string {
	who := "anybody"
	if c, ok := cognitoauth.FromContext(ctx); ok {
		who = c.Username
	}
	s.ran = append(s.ran, what+" for "+who)
	return who
}

func (s *server) Health(ctx context.Context, _ api.HealthRequestObject) (api.HealthResponseObject, error) {
	return api.Health200TextResponse(s.note(ctx, "health")), nil
}

func (s *server) Me(ctx context.Context, _ api.MeRequestObject) (api.MeResponseObject, error) {
	return api.Me200TextResponse(s.note(ctx, "me")), nil
}

func (s *server) ListOrders(ctx context.Context, _ api.ListOrdersRequestObject) (api.ListOrdersResponseObject, error) {
	return api.ListOrders200TextResponse(s.note(ctx, "list")), nil
}

func (s *server) CreateOrder(ctx context.Context, _ api.CreateOrderRequestObject) (api.CreateOrderResponseObject, error) {
	return api.CreateOrder201TextResponse(s.note(ctx, "create")), nil
}

func (s *server) DeleteOrder(ctx context.Context, _ api.DeleteOrderRequestObject) (api.DeleteOrderResponseObject, error) {
	s.note(ctx, "delete")
	return api.DeleteOrder204Response{}, nil
}

func description(t *testing.T) *openapi3.T {
	t.Helper()
	d, err := api.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// validator is nethttp-middleware behind the checks of the token.
func validator(d *openapi3.T) api.MiddlewareFunc {
	return nethttpmiddleware.OapiRequestValidatorWithOptions(d, &nethttpmiddleware.Options{
		Options: openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

// underTest is a generated server on a loopback port.
type underTest struct {
	*server
	base   string
	tokens map[string]*cognitotest.Token
}

func serve(t *testing.T, d *openapi3.T, baseURL string, handler func(auth *cognitoauth.Middleware, mux *http.ServeMux, generated http.Handler) http.Handler) *underTest {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	router, err := cognitooapi.New(mux, d, cognitooapi.Options{Schemes: schemes, BaseURL: baseURL})
	if err != nil {
		t.Fatal(err)
	}
	u := &underTest{server: &server{}, tokens: map[string]*cognitotest.Token{
		"jane":     pool.AccessToken(),
		"reader":   pool.AccessToken().Scopes("orders/read"),
		"writer":   pool.AccessToken().Scopes("orders/read", "orders/write"),
		"admin":    pool.AccessToken().Scopes("orders/admin"),
		"boss":     pool.AccessToken().Scopes("orders/write").Groups("admins"),
		"tampered": pool.AccessToken().Tampered(),
	}}
	o := api.StdHTTPServerOptions{BaseRouter: router, BaseURL: baseURL}
	if baseURL == "" {
		o.Middlewares = []api.MiddlewareFunc{validator(d)}
	}
	generated := api.HandlerWithOptions(api.NewStrictHandler(u.server, nil), o)
	srv := httptest.NewServer(handler(auth, mux, generated))
	t.Cleanup(srv.Close)
	u.base = srv.URL
	return u
}

func aroundMux(auth *cognitoauth.Middleware, mux *http.ServeMux, _ http.Handler) http.Handler {
	return auth.Wrap(mux)
}

func aroundGenerated(auth *cognitoauth.Middleware, _ *http.ServeMux, generated http.Handler) http.Handler {
	return auth.Wrap(generated)
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
	for _, handler := range []func(*cognitoauth.Middleware, *http.ServeMux, http.Handler) http.Handler{aroundMux, aroundGenerated} {
		u := serve(t, description(t), "", handler)
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
			{"DELETE", "/orders/7", "", "", `401, scope="orders/write"`},
			{"DELETE", "/orders/7", "writer", "", "403"},
			{"DELETE", "/orders/7", "boss", "", "204; delete for jane"},

			{"POST", "/orders", "writer", `{"item":""}`, "400"},
			{"POST", "/orders", "reader", `{"item":""}`, `403, scope="orders/read orders/write"`},
			{"POST", "/orders", "", `{"item":""}`, `401, scope="orders/read orders/write"`},

			{"GET", "/nope", "", "", "401"},
			{"GET", "/nope", "jane", "", "404"},
			{"PUT", "/healthz", "", "", "401"},
			{"PUT", "/healthz", "jane", "", "405"},
			{"GET", "/healthz/", "", "", "401"},
			{"GET", "/orders%2F..%2Fhealthz", "", "", "401"},
		} {
			if got := u.call(t, c.method, c.path, c.token, c.body); got != c.want {
				t.Errorf("%s %s with token %q: got %s, want %s", c.method, c.path, c.token, got, c.want)
			}
		}
	}
}

func TestBaseURL(t *testing.T) {
	u := serve(t, description(t), "/v1", aroundMux)
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

// The routes of the mux that are not the server's, such as its documentation, are
// marked as everywhere.
func TestOtherRoutes(t *testing.T) {
	u := serve(t, description(t), "", func(auth *cognitoauth.Middleware, mux *http.ServeMux, _ http.Handler) http.Handler {
		answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux.Handle("GET /openapi.json", answer)
		mux.Handle("GET /docs", cognitoauth.AllowAnonymous(answer))
		return auth.Wrap(mux)
	})
	if got := u.call(t, "GET", "/openapi.json", "", ""); got != "401" {
		t.Errorf("GET /openapi.json: got %s, want 401", got)
	}
	if got := u.call(t, "GET", "/docs", "", ""); got != "200" {
		t.Errorf("GET /docs: got %s, want 200", got)
	}
}

// What README and the package documentation say about a validator around the mux.
func TestValidatorAroundMux(t *testing.T) {
	d := description(t)
	u := serve(t, d, "", func(auth *cognitoauth.Middleware, mux *http.ServeMux, _ http.Handler) http.Handler {
		return auth.Wrap(validator(d)(mux))
	})
	if got := u.call(t, "GET", "/healthz", "", ""); got != "401" {
		t.Errorf("GET /healthz: got %s, want 401", got)
	}
	if got := u.call(t, "GET", "/orders", "jane", ""); got != `403, scope="orders/read"` {
		t.Errorf("GET /orders: got %s, want 403", got)
	}
}

// Without this module, Wrap as a middleware of the generated server protects all of
// its operations.
func TestWrapAsMiddleware(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	h := api.HandlerWithOptions(api.NewStrictHandler(s, nil), api.StdHTTPServerOptions{Middlewares: []api.MiddlewareFunc{auth.Wrap}})
	r := httptest.NewRequest("GET", "/healthz", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 401 || s.ran != nil {
		t.Errorf("without token: got %d, ran %q", w.Code, s.ran)
	}
	r.Header.Set("Authorization", "Bearer "+pool.AccessToken().String())
	h.ServeHTTP(httptest.NewRecorder(), r)
	if !slices.Equal(s.ran, []string{"health for jane"}) {
		t.Errorf("ran %q", s.ran)
	}
}

// What README says of servers in the description.
func TestServersOfTheDescription(t *testing.T) {
	for _, host := range []string{"api.example.com", "127.0.0.1"} {
		d := description(t)
		d.Servers = openapi3.Servers{{URL: "https://api.example.com"}}
		validate := nethttpmiddleware.OapiRequestValidatorWithOptions(d, &nethttpmiddleware.Options{SilenceServersWarning: true})
		r := httptest.NewRequest("GET", "https://"+host+"/healthz", nil)
		w := httptest.NewRecorder()
		validate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if want := map[string]int{"api.example.com": 200, "127.0.0.1": 404}[host]; w.Code != want {
			t.Errorf("%s: got %d, want %d", host, w.Code, want)
		}
	}
}

func TestWithoutWrap(t *testing.T) {
	u := serve(t, description(t), "", func(_ *cognitoauth.Middleware, mux *http.ServeMux, _ http.Handler) http.Handler { return mux })
	if got := u.call(t, "GET", "/me", "jane", ""); got != "500" {
		t.Errorf("got %s, want 500", got)
	}
}

// Names that are no identifiers, and a slash at the end, which oapi-codegen changes.
func TestPatternsOfTheGenerator(t *testing.T) {
	d := description(t)
	d.Paths.Set("/users/{user-id}/posts/{post.id}", &openapi3.PathItem{Get: &openapi3.Operation{}})
	d.Paths.Set("/files/", &openapi3.PathItem{Get: &openapi3.Operation{Security: &openapi3.SecurityRequirements{}}})
	mux := http.NewServeMux()
	router, err := cognitooapi.New(mux, d, cognitooapi.Options{Schemes: schemes})
	if err != nil {
		t.Fatal(err)
	}
	router.HandleFunc("GET /users/{user_id}/posts/{post_id}", func(http.ResponseWriter, *http.Request) {})
	router.HandleFunc("GET /files/{$}", func(http.ResponseWriter, *http.Request) {})
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/users/1/posts/2": 401, "/files/": 200, "/files/x": 401} {
		w := httptest.NewRecorder()
		auth.Wrap(mux).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("GET %s: got %d, want %d", path, w.Code, want)
		}
	}
}

func TestUnknownPatternPanics(t *testing.T) {
	for _, c := range []struct{ pattern, baseURL string }{
		{"GET /nope", ""}, {"PUT /healthz", ""}, {"/healthz", ""}, {"GET /healthz", "/v1"}, {"GET /v1/healthz", ""}, {"GET /healthz/{rest...}", ""},
	} {
		router, err := cognitooapi.New(http.NewServeMux(), description(t), cognitooapi.Options{Schemes: schemes, BaseURL: c.baseURL})
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, `cognitooapi: pattern "`+c.pattern+`"`) {
					t.Errorf("%q with BaseURL %q panics with %q", c.pattern, c.baseURL, got)
				}
			}()
			router.HandleFunc(c.pattern, nil)
		}()
	}
}

func TestMistakes(t *testing.T) {
	security := func(all ...openapi3.SecurityRequirement) func(*openapi3.T) {
		return func(d *openapi3.T) { d.Paths.Find("/me").Get.Security = (*openapi3.SecurityRequirements)(&all) }
	}
	key := func(d *openapi3.T) {
		d.Components.SecuritySchemes["key"] = &openapi3.SecuritySchemeRef{Value: openapi3.NewCSRFSecurityScheme()}
	}
	for _, c := range []struct {
		name    string
		change  func(*openapi3.T)
		schemes cognitooapi.Schemes
		want    []string
	}{
		{"no schemes", nil, nil, []string{`Schemes is empty, expected those of the description`, `it declares ["cognito" "staff"]`}},
		{"undeclared scheme", nil, cognitooapi.Schemes{"cognita": cognitoauth.Scope}, []string{`Schemes has "cognita", expected one of ["cognito" "staff"]`}},
		{"scheme of another type", key, cognitooapi.Schemes{"key": cognitoauth.Scope}, []string{`scheme "key" has the type "apiKey", expected oauth2, openIdConnect or http bearer`}},
		{"nothing declared", func(d *openapi3.T) { d.Components = nil }, schemes, []string{`Schemes has "cognito", expected one of []`, `Schemes has "staff"`}},
		{"a scheme that Schemes lacks", nil, cognitooapi.Schemes{"cognito": cognitoauth.Scope}, []string{`operation DELETE /orders/{id}: security names the scheme "staff", expected one of ["cognito"]`}},
		{"security by another scheme", security(openapi3.SecurityRequirement{"cognito": {}}, openapi3.SecurityRequirement{"key": {}}), schemes, []string{`operation GET /me: security names the scheme "key"`}},
		{"optional", security(openapi3.SecurityRequirement{"cognito": {}}, openapi3.SecurityRequirement{}), schemes, []string{`operation GET /me: security has the empty object {}`}},
		{"optional everywhere", func(d *openapi3.T) { d.Security = openapi3.SecurityRequirements{{}} }, schemes, []string{`operation GET /me: security has the empty object {}`}},
		{"undeclared scope", security(openapi3.SecurityRequirement{"cognito": {"orders/raed"}}), schemes, []string{`operation GET /me: security names the scope "orders/raed" of the scheme "cognito"`}},
		{"two mistakes", func(d *openapi3.T) {
			security(openapi3.SecurityRequirement{"staff": {""}})(d)
			d.Paths.Find("/orders").Get.Security = &openapi3.SecurityRequirements{{}}
		}, schemes, []string{`operation GET /me: security: cognitoauth: Group: an empty name`, `operation GET /orders: security has the empty object`}},
		{"nothing protected", func(d *openapi3.T) {
			d.Security = nil
			for _, item := range d.Paths.Map() {
				for _, op := range item.Operations() {
					op.Security = nil
				}
			}
		}, schemes, []string{"no operation has security, so that all would be open"}},
	} {
		d := description(t)
		if c.change != nil {
			c.change(d)
		}
		_, err := cognitooapi.New(http.NewServeMux(), d, cognitooapi.Options{Schemes: c.schemes})
		if !errors.Is(err, cognitoauth.ErrMisconfigured) || slices.ContainsFunc(c.want, func(s string) bool { return !strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// One operation with security is enough, wherever it stands.
func TestProtectedFirst(t *testing.T) {
	d := &openapi3.T{
		Components: &openapi3.Components{SecuritySchemes: openapi3.SecuritySchemes{"cognito": {Value: openapi3.NewJWTSecurityScheme()}}},
		Paths: openapi3.NewPaths(
			openapi3.WithPath("/a", &openapi3.PathItem{Get: &openapi3.Operation{Security: &openapi3.SecurityRequirements{{"cognito": {}}}}}),
			openapi3.WithPath("/b", &openapi3.PathItem{Get: &openapi3.Operation{}}),
		),
	}
	if _, err := cognitooapi.New(http.NewServeMux(), d, cognitooapi.Options{Schemes: cognitooapi.Schemes{"cognito": cognitoauth.Scope}}); err != nil {
		t.Error(err)
	}
}

// An operation without security in a description without security is open; others
// keep their own.
func TestSecurityOfOperationsOnly(t *testing.T) {
	d := description(t)
	d.Security = nil
	u := serve(t, d, "", aroundMux)
	if got := u.call(t, "GET", "/me", "", ""); got != "200; me for anybody" {
		t.Errorf("GET /me: got %s", got)
	}
	if got := u.call(t, "GET", "/orders", "", ""); got != `401, scope="orders/read"` {
		t.Errorf("GET /orders: got %s", got)
	}
}

// The committed code is what the generator of go.mod makes.
func TestGenerated(t *testing.T) {
	out := filepath.Join(t.TempDir(), "api.gen.go")
	config, err := os.ReadFile("internal/api/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(elsewhere, bytes.ReplaceAll(config, []byte("api.gen.go"), []byte(out)), 0o600); err != nil {
		t.Fatal(err)
	}
	generate := exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-config", elsewhere, "internal/api/openapi.yaml")
	generate.Stderr = io.Discard
	if err := generate.Run(); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("internal/api/api.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, committed) {
		t.Error("internal/api/api.gen.go is not what go generate makes")
	}
}
