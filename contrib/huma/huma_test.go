package cognitohuma_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/autopatch"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitohuma "github.com/cognitoauth/cognitoauth/contrib/huma"
)

type requirements = []map[string][]string

var schemes = cognitohuma.Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group}

func config() huma.Config {
	c := huma.DefaultConfig("Orders", "1.0.0")
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"cognito": {Type: "oauth2", Flows: &huma.OAuthFlows{AuthorizationCode: &huma.OAuthFlow{
			AuthorizationURL: "https://example.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
			TokenURL:         "https://example.auth.eu-west-1.amazoncognito.com/oauth2/token",
			Scopes:           map[string]string{"orders/read": "Read.", "orders/write": "Change.", "orders/admin": "Everything."},
		}}},
		"staff": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"key":   {Type: "apiKey", In: "header", Name: "X-Key"},
	}
	c.Security = requirements{{"cognito": {}}}
	return c
}

type nothing struct{}

type text struct {
	Body struct {
		Who string `json:"who"`
	}
}

// underTest is an API on a loopback port. Its handlers append to ran.
type underTest struct {
	base      string
	tokens    map[string]*cognitotest.Token
	ran       []string
	decisions int
}

func (u *underTest) handler(name string) func(context.Context, *nothing) (*text, error) {
	return func(ctx context.Context, _ *nothing) (*text, error) {
		who := "anybody"
		if c, ok := cognitoauth.FromContext(ctx); ok {
			who = c.Username
		}
		u.ran = append(u.ran, name+" for "+who)
		out := &text{}
		out.Body.Who = who
		return out, nil
	}
}

func (u *underTest) register(api huma.API) {
	for _, op := range []huma.Operation{
		{Method: "GET", Path: "/healthz", Security: requirements{}},
		{Method: "GET", Path: "/", Security: requirements{}},
		{Method: "GET", Path: "/hidden", Security: requirements{}, Hidden: true},
		{Method: "GET", Path: "/me"},
		{Method: "GET", Path: "/orders", Security: requirements{{"cognito": {"orders/read"}}, {"cognito": {"orders/admin"}}}},
		{Method: "POST", Path: "/orders", Security: requirements{{"cognito": {"orders/read", "orders/write"}}}},
		{Method: "DELETE", Path: "/orders/{id}", Security: requirements{{"cognito": {"orders/write"}, "staff": {"admins"}}}},
	} {
		huma.Register(api, op, u.handler(op.Method+" "+op.Path))
	}
	group := huma.NewGroup(api, "/v1")
	group.UseSimpleModifier(func(op *huma.Operation) { op.Security = requirements{{"cognito": {"orders/admin"}}} })
	huma.Get(group, "/report", u.handler("report"))
}

func serve(t *testing.T, o cognitohuma.Options, more func(huma.API, *http.ServeMux)) *underTest {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	u := &underTest{tokens: map[string]*cognitotest.Token{
		"jane":     pool.AccessToken(),
		"reader":   pool.AccessToken().Scopes("orders/read"),
		"writer":   pool.AccessToken().Scopes("orders/read", "orders/write"),
		"admin":    pool.AccessToken().Scopes("orders/admin"),
		"boss":     pool.AccessToken().Scopes("orders/write").Groups("admins"),
		"tampered": pool.AccessToken().Tampered(),
	}}
	cfg := pool.Config()
	cfg.OnDecision = func(context.Context, cognitoauth.Decision) { u.decisions++ }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.Schemes = schemes
	mux := http.NewServeMux()
	api := cognitohuma.New(auth, mux, config(), o)
	u.register(api)
	if more != nil {
		more(api, mux)
	}
	srv := httptest.NewServer(auth.Wrap(mux))
	t.Cleanup(srv.Close)
	u.base = srv.URL
	return u
}

var scope = regexp.MustCompile(`, scope="[^"]*"`)

// call says what came of a request: the status, the scopes of the challenge, and
// which handlers ran.
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
		r.Header.Set("Content-Type", "application/merge-patch+json")
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
	u := serve(t, cognitohuma.Options{}, nil)
	for _, c := range []struct{ method, path, token, want string }{
		{"GET", "/healthz", "", "200; GET /healthz for anybody"},
		{"GET", "/healthz", "tampered", "200; GET /healthz for anybody"},
		{"GET", "/", "", "200; GET / for anybody"},

		{"GET", "/me", "", "401"},
		{"GET", "/me", "tampered", "401"},
		{"GET", "/me", "jane", "200; GET /me for jane"},
		{"GET", "/hidden", "", "401"},
		{"GET", "/hidden", "jane", "200; GET /hidden for jane"},

		{"GET", "/orders", "", `401, scope="orders/read"`},
		{"GET", "/orders", "jane", `403, scope="orders/read"`},
		{"GET", "/orders", "reader", "200; GET /orders for jane"},
		{"GET", "/orders", "admin", "200; GET /orders for jane"},
		{"POST", "/orders", "", `401, scope="orders/read orders/write"`},
		{"POST", "/orders", "reader", `403, scope="orders/read orders/write"`},
		{"POST", "/orders", "admin", `403, scope="orders/read orders/write"`},
		{"POST", "/orders", "writer", "200; POST /orders for jane"},
		{"DELETE", "/orders/7", "", `401, scope="orders/write"`},
		{"DELETE", "/orders/7", "writer", "403"},
		{"DELETE", "/orders/7", "boss", "200; DELETE /orders/{id} for jane"},

		{"GET", "/v1/report", "", `401, scope="orders/admin"`},
		{"GET", "/v1/report", "reader", `403, scope="orders/admin"`},
		{"GET", "/v1/report", "admin", "200; report for jane"},

		{"GET", "/nope", "", "401"},
		{"GET", "/nope", "jane", "404"},
		{"PUT", "/healthz", "", "401"},
		{"PUT", "/healthz", "jane", "405"},
		{"GET", "/healthz/", "", "401"},
		{"GET", "/v1/../healthz", "", "401"},
	} {
		if got := u.call(t, c.method, c.path, c.token, ""); got != c.want {
			t.Errorf("%s %s with token %q: got %s, want %s", c.method, c.path, c.token, got, c.want)
		}
	}
}

// These are the six routes that huma v2.37.2 adds to every API.
var pages = []string{"/docs", "/openapi.json", "/openapi-3.0.json", "/openapi.yaml", "/openapi-3.0.yaml", "/schemas/Text.json"}

func TestDocs(t *testing.T) {
	for _, open := range []bool{false, true} {
		u := serve(t, cognitohuma.Options{OpenDocs: open}, nil)
		without := map[bool]string{false: "401", true: "200"}[open]
		for _, page := range pages {
			if got := u.call(t, "GET", page, "", ""); got != without {
				t.Errorf("OpenDocs %v: GET %s without token: got %s, want %s", open, page, got, without)
			}
			if got := u.call(t, "GET", page, "jane", ""); got != "200" {
				t.Errorf("OpenDocs %v: GET %s: got %s, want 200", open, page, got)
			}
		}
		if got := u.call(t, "GET", "/me", "", ""); got != "401" {
			t.Errorf("OpenDocs %v: GET /me without token: got %s, want 401", open, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	u := serve(t, cognitohuma.Options{Prefix: "/api"}, nil)
	for _, c := range []struct{ path, want string }{
		{"/api/healthz", "200; GET /healthz for anybody"},
		{"/api/", "200; GET / for anybody"},
		{"/api/me", "401"},
		{"/api/docs", "401"},
		{"/healthz", "401"},
	} {
		if got := u.call(t, "GET", c.path, "", ""); got != c.want {
			t.Errorf("GET %s: got %s, want %s", c.path, got, c.want)
		}
	}
}

// Routes of the mux that are not huma's are marked as everywhere.
func TestOtherRoutes(t *testing.T) {
	u := serve(t, cognitohuma.Options{}, func(_ huma.API, mux *http.ServeMux) {
		answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux.Handle("GET /closed", answer)
		mux.Handle("GET /open", cognitoauth.AllowAnonymous(answer))
	})
	if got := u.call(t, "GET", "/closed", "", ""); got != "401" {
		t.Errorf("GET /closed: got %s, want 401", got)
	}
	if got := u.call(t, "GET", "/open", "", ""); got != "200" {
		t.Errorf("GET /open: got %s, want 200", got)
	}
}

// Autopatch calls the GET and the PUT of a resource by requests of its own.
func TestAutopatch(t *testing.T) {
	var u *underTest // the routes need it before serve returns
	u = serve(t, cognitohuma.Options{}, func(api huma.API, _ *http.ServeMux) {
		type body struct {
			Body struct {
				Who string `json:"who"`
			}
		}
		huma.Register(api, huma.Operation{OperationID: "get-thing", Method: "GET", Path: "/thing", Security: requirements{{"cognito": {"orders/read"}}}},
			func(ctx context.Context, in *nothing) (*text, error) { return u.handler("get")(ctx, in) })
		huma.Register(api, huma.Operation{OperationID: "put-thing", Method: "PUT", Path: "/thing", Security: requirements{{"cognito": {"orders/write"}}}},
			func(ctx context.Context, _ *body) (*text, error) { return u.handler("put")(ctx, nil) })
		autopatch.AutoPatch(api)
	})
	for _, c := range []struct{ token, want string }{
		{"", `401, scope="orders/write"`},
		{"reader", `403, scope="orders/write"`},
		{"boss", `403, scope="orders/read"`}, // the GET's own refusal
		{"writer", "200; get for jane; put for jane"},
	} {
		u.decisions = 0
		if got := u.call(t, "PATCH", "/thing", c.token, `{"who":"joe"}`); got != c.want {
			t.Errorf("PATCH with token %q: got %s, want %s", c.token, got, c.want)
		}
		if c.token == "writer" && u.decisions != 3 {
			t.Errorf("%d decisions about a PATCH, want 3", u.decisions)
		}
	}
}

// What the description says later does not count, neither way.
func TestLaterChanges(t *testing.T) {
	u := serve(t, cognitohuma.Options{}, func(api huma.API, _ *http.ServeMux) {
		api.OpenAPI().Security = requirements{}
		api.OpenAPI().Paths["/orders"].Get.Security = requirements{}
	})
	for _, path := range []string{"/me", "/orders"} {
		if got := u.call(t, "GET", path, "", ""); !strings.HasPrefix(got, "401") {
			t.Errorf("GET %s: got %s, want 401", path, got)
		}
	}
}

// An API whose own security is an empty list is open where operations do not say
// otherwise; one without any, by a change behind New, is not.
func TestSecurityOfTheAPI(t *testing.T) {
	for _, c := range []struct {
		security requirements
		want     int
	}{{requirements{}, 200}, {nil, 401}} {
		auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
		if err != nil {
			t.Fatal(err)
		}
		api := cognitohuma.New(auth, http.NewServeMux(), config(), cognitohuma.Options{Schemes: schemes})
		api.OpenAPI().Security = c.security
		(&underTest{}).register(api)
		w := httptest.NewRecorder()
		api.Adapter().ServeHTTP(w, httptest.NewRequest("GET", "/me", nil))
		if w.Code != c.want {
			t.Errorf("security %v: got %d, want %d", c.security, w.Code, c.want)
		}
	}
}

// An operation that the description does not show has its own security all the same.
func TestHidden(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	u := &underTest{}
	api := cognitohuma.New(auth, mux, config(), cognitohuma.Options{Schemes: schemes})
	huma.Register(api, huma.Operation{Method: "GET", Path: "/x", Hidden: true, Security: requirements{{"cognito": {"orders/admin"}}}}, u.handler("x"))
	for token, want := range map[*cognitotest.Token]int{pool.AccessToken(): 403, pool.AccessToken().Scopes("orders/admin"): 200} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Authorization", "Bearer "+token.String())
		w := httptest.NewRecorder()
		auth.Wrap(mux).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("got %d, want %d", w.Code, want)
		}
	}
}

// The description says below which path the operations are, as that of
// humago.NewWithPrefix does, unless the program has said it.
func TestPrefix_servers(t *testing.T) {
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		prefix string
		own    []*huma.Server
		want   string
	}{
		{"", nil, ""},
		{"/v1", nil, "</v1>"},
		{"/v1", []*huma.Server{{URL: "https://api.example.com/v1"}}, "<https://api.example.com/v1>"},
	} {
		cfg := config()
		cfg.Servers = c.own
		api := cognitohuma.New(auth, http.NewServeMux(), cfg, cognitohuma.Options{Schemes: schemes, Prefix: c.prefix})
		var got string
		for _, s := range api.OpenAPI().Servers {
			got += "<" + s.URL + ">"
		}
		if got != c.want {
			t.Errorf("prefix %q: servers %q, want %q", c.prefix, got, c.want)
		}
	}
}

func TestWithoutWrap(t *testing.T) {
	auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	u := &underTest{}
	api := cognitohuma.New(auth, mux, config(), cognitohuma.Options{Schemes: schemes})
	u.register(api)
	for h, want := range map[http.Handler]int{mux: 500, api.Adapter(): 401} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/me", nil))
		if w.Code != want || len(u.ran) > 0 {
			t.Errorf("%T: got %d, ran %q, want %d", h, w.Code, u.ran, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name     string
		config   func(*huma.Config)
		schemes  cognitohuma.Schemes
		security requirements
		want     string
	}{
		{"no schemes", nil, cognitohuma.Schemes{}, nil, `Schemes is empty, expected those of the description whose credentials are Cognito tokens, such as Schemes{"cognito": cognitoauth.Scope}; it declares ["cognito" "key" "staff"]`},
		{"undeclared scheme", nil, cognitohuma.Schemes{"cognita": cognitoauth.Scope}, nil, `Schemes has "cognita", expected one of ["cognito" "key" "staff"]`},
		{"scheme of another type", nil, cognitohuma.Schemes{"key": cognitoauth.Scope}, nil, `scheme "key" has the type "apiKey", expected oauth2, openIdConnect or http bearer`},
		{"nil function", nil, cognitohuma.Schemes{"cognito": nil}, nil, `Schemes["cognito"] is nil, expected`},
		{"neither schemes nor security of the API", func(c *huma.Config) { c.Security = nil }, nil, nil, `Schemes is empty`},
		{"a scheme that is no JSON", func(c *huma.Config) {
			c.Components.SecuritySchemes["key"].Extensions = map[string]any{"x-key": func() {}}
		}, schemes, nil, `components.securitySchemes of the description: `},
		{"no security of the API", func(c *huma.Config) { c.Security = nil }, schemes, nil, `config.Security is nil`},
		{"security by another scheme", nil, schemes, requirements{{"cognito": {}}, {"key": {}}}, `operation GET /x: security names the scheme "key", expected one of ["cognito" "staff"]`},
		{"security by another scheme too", nil, schemes, requirements{{"cognito": {}, "key": {}}}, `operation GET /x: security names the scheme "key"`},
		{"security of the API by another scheme", func(c *huma.Config) { c.Security = requirements{{"key": {}}} }, schemes, nil, `operation GET /x: security names the scheme "key"`},
		{"optional", nil, schemes, requirements{{"cognito": {}}, {}}, `operation GET /x: security has the empty object {}`},
		{"optional alone", nil, schemes, requirements{{}}, `operation GET /x: security has the empty object {}`},
		{"undeclared scope", nil, schemes, requirements{{"cognito": {"orders/raed"}}}, `operation GET /x: security names the scope "orders/raed" of the scheme "cognito", expected one that its flows declare, ["orders/admin" "orders/read" "orders/write"]`},
		{"empty role", nil, schemes, requirements{{"staff": {""}}}, `operation GET /x: security: cognitoauth: Group: an empty name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "cognitohuma: "+c.want) {
					t.Errorf("panics with %q, want %q", got, "cognitohuma: "+c.want)
				}
			}()
			auth, err := cognitoauth.New(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).Config())
			if err != nil {
				t.Fatal(err)
			}
			cfg := config()
			if c.config != nil {
				c.config(&cfg)
			}
			api := cognitohuma.New(auth, http.NewServeMux(), cfg, cognitohuma.Options{Schemes: c.schemes})
			huma.Register(api, huma.Operation{Method: "GET", Path: "/x", Security: c.security}, (&underTest{}).handler("x"))
		})
	}
}

func TestSecurityIsTheSameInThreeModules(t *testing.T) {
	rest := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\n")
		return rest
	}
	for _, name := range []string{"security.go", "security_test.go"} {
		own := rest(name)
		for _, module := range []string{"../oapicodegen/", "../ogen/"} {
			if own == "" || rest(module+name) != own {
				t.Errorf("%s differs from %s: copy it, and keep its package clause", module+name, name)
			}
		}
	}
}
