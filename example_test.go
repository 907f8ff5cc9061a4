package cognitoauth_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// demo is the user pool that signs the tokens of the examples. Its clock stands
// at noon. A program names its pool in Config.Pools, where demo.Config() stands.
var demo = cognitotest.NewPool(demoTB{}, cognitotest.Options{
	ID:        "eu-west-1_EXAMPLE01",
	InProcess: true,
	Now:       func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
})

// demoTB stands for the *testing.T of a test.
type demoTB struct{}

func (demoTB) Helper()                        {}
func (demoTB) Cleanup(func())                 {}
func (demoTB) Fatalf(format string, a ...any) { log.Panicf(format, a...) }

// protect wraps h by the demo pool.
func protect(h http.Handler) http.Handler {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	return auth.Wrap(h)
}

// show sends a request, with a token unless it is nil, and prints the answer:
// the body of a success, the challenge or the code of a refusal.
func show(h http.Handler, method, path string, token *cognitotest.Token) {
	r := httptest.NewRequest(method, path, nil)
	if token != nil {
		r.Header.Set("Authorization", "Bearer "+token.String())
	}
	showAnswer(h, r)
}

func showAnswer(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text := w.Header().Get("WWW-Authenticate")
	if _, code, refused := strings.Cut(w.Body.String(), `"code":"`); text == "" && refused {
		text, _, _ = strings.Cut(code, `"`)
	} else if text == "" {
		text = w.Body.String()
	}
	fmt.Println(w.Code, strings.TrimSpace(text))
}

// hello is a handler that greets whoever calls.
var hello http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if claims, ok := cognitoauth.FromContext(r.Context()); ok {
		name = claims.Username
	}
	fmt.Fprintln(w, "hello", name)
})

// A mux is wrapped once. What is not marked needs a token.
func Example() {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /me", hello)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), hello))

	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Fatal(err)
	}
	api := auth.Wrap(mux)

	jane := demo.AccessToken().User("jane")
	show(api, "GET", "/healthz", nil)
	show(api, "GET", "/me", nil)
	show(api, "GET", "/me", jane)
	show(api, "POST", "/orders", jane)
	show(api, "POST", "/orders", jane.Scopes("orders/write"))
	show(api, "GET", "/no/such/route", nil)
	// Output:
	// 200 hello stranger
	// 401 Bearer realm="api"
	// 200 hello jane
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"
	// 200 hello jane
	// 401 Bearer realm="api"
}

// A client that knows nothing but the address of the API finds out where to get a
// token: a challenge leads it to the document about the API.
func ExampleProtectedResource() {
	cfg := demo.Config()
	cfg.Pools[0].Audiences = []string{"https://api.example.com/mcp"}
	cfg.ProtectedResources = []cognitoauth.ProtectedResource{{
		Resource: "https://api.example.com/mcp",
		Scopes:   []string{"orders/read"},
		Name:     "Orders",
	}}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	api := auth.Wrap(hello)
	show(api, "POST", "/mcp", nil)
	show(api, "GET", "/.well-known/oauth-protected-resource/mcp", nil)
	// Output:
	// 401 Bearer realm="api", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"
	// 200 {"resource":"https://api.example.com/mcp","authorization_servers":["https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"],"scopes_supported":["orders/read"],"bearer_methods_supported":["header"],"resource_name":"Orders"}
}

// New finds every mistake at once, without asking the network.
func ExampleNew() {
	_, err := cognitoauth.New(cognitoauth.Config{
		Pools:  []cognitoauth.Pool{{ID: "https://auth.example.com", ClientIDs: []string{""}}},
		Leeway: time.Hour,
	})
	fmt.Println(errors.Is(err, cognitoauth.ErrMisconfigured))
	for line := range strings.Lines(err.Error()) {
		field, _, _ := strings.Cut(strings.TrimPrefix(line, "cognitoauth: misconfigured: "), " ")
		fmt.Println(field)
	}
	// Output:
	// true
	// Config.Leeway
	// Config.Pools[0].ID
	// Config.Pools[0].ClientIDs[0]
}

// The client ID is no audience: a Cognito access token has none. What other
// middleware calls the valid audience goes into ClientIDs.
func ExampleNew_incorrect() {
	_, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", Audiences: []string{"1example23456789"}}},
	})
	fmt.Println(err)
	// Output: cognitoauth: misconfigured: Config.Pools[0].ClientIDs is empty: name the app clients that may call this API, or set RegisteredClients if they register themselves, or AllowClient if your program looks them up (DangerouslyAllowAnyClient admits all clients of the pool)
}

func ExampleFromEnv() {
	os.Setenv("COGNITO_USER_POOL_ID", "eu-west-1_EXAMPLE01")
	os.Setenv("COGNITO_CLIENT_IDS", "1web,2mobile")
	defer os.Unsetenv("COGNITO_USER_POOL_ID")
	defer os.Unsetenv("COGNITO_CLIENT_IDS")

	cfg, err := cognitoauth.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	cfg.Leeway = time.Minute // everything else is yours to add
	fmt.Printf("%s %q\n", cfg.Pools[0].ID, cfg.Pools[0].ClientIDs)
	// Output: eu-west-1_EXAMPLE01 ["1web" "2mobile"]
}

// Each entry of Pools counts for its own tokens alone.
func ExamplePool() {
	cfg := cognitoauth.Config{Pools: []cognitoauth.Pool{
		{ID: "eu-west-1_STAFF0001", ClientIDs: []string{"1backoffice"}},
		{ID: "us-east-1_CUSTOMER1", ClientIDs: []string{"2web", "3mobile"}},
		{ID: "us-east-1_CUSTOMER1", ClientIDs: []string{"2web"}, TokenUse: cognitoauth.IDToken},
	}}

	staff := cognitotest.NewPool(demoTB{}, cognitotest.Options{ID: "eu-west-1_STAFF0001", InProcess: true})
	customers := cognitotest.NewPool(demoTB{}, cognitotest.Options{ID: "us-east-1_CUSTOMER1", InProcess: true})
	cfg.HTTPClient = cognitotest.Client(staff, customers) // instead of the network
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []*cognitotest.Token{
		staff.AccessToken().Client("1backoffice"),
		customers.AccessToken().Client("3mobile"),
		customers.IDToken().Client("2web"),
		customers.IDToken().Client("3mobile"),
		staff.AccessToken().Client("2web"),
	} {
		claims, err := auth.Validate(context.Background(), token.String())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(claims.PoolID, claims.ClientID, claims.TokenUse)
	}
	// Output:
	// eu-west-1_STAFF0001 1backoffice access
	// us-east-1_CUSTOMER1 3mobile access
	// us-east-1_CUSTOMER1 2web id
	// cognitoauth: the token was issued to another client
	// cognitoauth: the token was issued to another client
}

// With Audiences the API takes only tokens that a client asked for on its
// behalf (RFC 8707).
func ExamplePool_audiences() {
	cfg := demo.Config()
	cfg.Pools[0].Audiences = []string{"https://orders.example.com"}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []*cognitotest.Token{
		demo.AccessToken().Set("aud", "https://orders.example.com"),
		demo.AccessToken().Set("aud", "https://billing.example.com"),
		demo.AccessToken(),
	} {
		_, err := auth.Validate(context.Background(), token.String())
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// cognitoauth: the token is meant for another audience
	// cognitoauth: the token is meant for another audience
}

// cors answers preflights, as any CORS package does.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func preflight(path string) *http.Request {
	r := httptest.NewRequest("OPTIONS", path, nil)
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "GET")
	return r
}

// CORS goes outside: a preflight carries no token, and a browser hides from the
// page an answer without Access-Control-Allow-Origin, refusals included.
func ExampleMiddleware_Wrap() {
	mux := http.NewServeMux()
	mux.Handle("GET /me", hello)

	showAnswer(cors(protect(mux)), preflight("/me"))
	// Output: 204
}

// CORS inside of Wrap never sees the preflight.
func ExampleMiddleware_Wrap_incorrect() {
	mux := http.NewServeMux()
	mux.Handle("GET /me", hello)

	showAnswer(protect(cors(mux)), preflight("/me"))
	// Output: 401 Bearer realm="api"
}

// The second door, for callers that are not HTTP requests.
// A rate limit by subject stands between Wrap and the mux, where it knows who
// calls. The open route stays open.
func ExampleMiddleware_WrapWith() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /me", hello)

	var seen sync.Map // a real limit forgets: see golang.org/x/time/rate
	api := auth.WrapWith(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if claims, ok := cognitoauth.FromContext(r.Context()); ok {
				if _, again := seen.LoadOrStore(claims.PoolID+claims.Subject, true); again {
					http.Error(w, "too many requests", http.StatusTooManyRequests)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	})
	show(api, "GET", "/me", demo.AccessToken().User("ann"))
	show(api, "GET", "/me", demo.AccessToken().User("ann"))
	show(api, "GET", "/me", nil)
	show(api, "GET", "/healthz", nil)
	// Output:
	// 200 hello ann
	// 429 too many requests
	// 401 Bearer realm="api"
	// 200 hello stranger
}

// The mux is replaced while the program serves.
func ExampleMiddleware_WrapFunc() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	routes := func(beta http.Handler) *http.ServeMux {
		mux := http.NewServeMux()
		mux.Handle("GET /beta", beta)
		return mux
	}
	var current atomic.Pointer[http.ServeMux]
	current.Store(routes(hello))
	api := auth.WrapFunc(func() http.Handler { return current.Load() })
	show(api, "GET", "/beta", nil)

	current.Store(routes(cognitoauth.AllowAnonymous(hello)))
	show(api, "GET", "/beta", nil)
	// Output:
	// 401 Bearer realm="api"
	// 200 hello stranger
}

// swapped hides its mux behind a pointer, and tells the routes of the mux of now.
type swapped struct {
	current *atomic.Pointer[http.ServeMux]
}

func (s swapped) ResolveEndpoint(r *http.Request) http.Handler {
	h, _ := s.current.Load().Handler(r)
	return h
}

func (s swapped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.current.Load().ServeHTTP(w, r)
}

// A mux that is replaced inside of Wrap opens what it must not: Wrap asks the old
// mux, in which /report is open, and the new one serves the request.
func ExampleMiddleware_WrapFunc_incorrect() {
	before, after := http.NewServeMux(), http.NewServeMux()
	before.Handle("/report", cognitoauth.AllowAnonymous(hello))
	after.Handle("/report", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") }))
	var current atomic.Pointer[http.ServeMux]
	current.Store(before)
	wrong := swapped{&current}
	open := wrong.ResolveEndpoint(httptest.NewRequest("GET", "/report", nil)) // what Wrap asks
	current.Store(after)                                                      // and now somebody reloads
	w := httptest.NewRecorder()
	wrong.ServeHTTP(w, httptest.NewRequest("GET", "/report", nil)) // what Wrap then calls
	fmt.Printf("admitted because of %T, answered: %s\n", open, w.Body)
	// Output:
	// admitted because of *cognitoauth.marker, answered: secret
}

// An interceptor of gRPC, or a Lambda handler, has credentials and no request.
func ExampleMiddleware_Admit() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	intercept := func(ctx context.Context, metadata map[string][]string, method string) {
		header := http.Header{"Authorization": metadata["authorization"]}
		ctx, err := auth.Admit(ctx, header, method, cognitoauth.Scope("orders/write"))
		if err != nil {
			fmt.Println(method, err)
			return
		}
		claims, _ := cognitoauth.FromContext(ctx)
		fmt.Println(method, "by", claims.Username)
	}
	for _, token := range []*cognitotest.Token{demo.AccessToken().User("ann").Scopes("orders/write"), demo.AccessToken()} {
		intercept(context.Background(), map[string][]string{"authorization": {"Bearer " + token.String()}}, "/shop.Orders/Create")
	}
	intercept(context.Background(), nil, "/shop.Orders/Create")
	// Output:
	// /shop.Orders/Create by ann
	// /shop.Orders/Create cognitoauth: the token lacks a scope
	// /shop.Orders/Create cognitoauth: a bearer token is required
}

// The handler knows only when it has found the order who may see it.
func ExampleMiddleware_Authorize() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		if owner := "ann"; claims.Username != owner {
			// Refusals of Authorize are logged and counted as those of Require are.
			if err := auth.Authorize(r.Context(), r, cognitoauth.Group("support")); err != nil {
				cognitoauth.WriteError(w, r, err.(*cognitoauth.Error))
				return
			}
		}
		fmt.Fprint(w, "order ", r.PathValue("id"))
	})
	api := auth.Wrap(mux)
	show(api, "GET", "/orders/7", demo.AccessToken().User("ann"))
	show(api, "GET", "/orders/7", demo.AccessToken().User("bob"))
	show(api, "GET", "/orders/7", demo.AccessToken().User("eve").Groups("support"))
	// Output:
	// 200 order 7
	// 403 group_missing
	// 200 order 7
}

func ExampleNewContext() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Panic(err)
	}
	// The first message of a GraphQL subscription brings the token.
	claims, err := auth.Validate(context.Background(), demo.AccessToken().User("ann").String())
	if err != nil {
		log.Panic(err)
	}
	ctx := cognitoauth.NewContext(context.Background(), claims)
	resolver := func(ctx context.Context) {
		claims, ok := cognitoauth.FromContext(ctx)
		fmt.Println(claims.Username, ok)
	}
	resolver(ctx)
	// Output: ann true
}

// An access log outside of Wrap says who called. It puts a place for the decision
// into the request's context, and OnDecision, which gets that context, fills it.
func ExampleDecision_accessLog() {
	type key struct{}
	cfg := demo.Config()
	cfg.OnDecision = func(ctx context.Context, d cognitoauth.Decision) {
		if place, ok := ctx.Value(key{}).(*atomic.Pointer[cognitoauth.Decision]); ok {
			place.Store(&d) // of several decisions, the last one counts; Authorize may tell some at a time
		}
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", cognitoauth.Require(cognitoauth.Group("support"), hello))
	logged := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var place atomic.Pointer[cognitoauth.Decision]
			r = r.WithContext(context.WithValue(r.Context(), key{}, &place))
			next.ServeHTTP(w, r)
			d, who := cmp.Or(place.Load(), &cognitoauth.Decision{}), "-" // nil if a handler in between has answered
			if d.Claims != nil {
				who = d.Claims.Subject // personal data: keep it as your rules say
			}
			fmt.Printf("%s %s %s %q\n", r.Pattern, d.Code, who, d.Policy)
		})
	}
	api := logged(auth.Wrap(mux))
	for _, token := range []*cognitotest.Token{nil, demo.AccessToken().Set("sub", "5ab0"), demo.AccessToken().Set("sub", "7f31").Groups("support")} {
		r := httptest.NewRequest("GET", "/orders/7", nil)
		if token != nil {
			r.Header.Set("Authorization", "Bearer "+token.String())
		}
		api.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// GET /orders/{id} token_missing - ""
	// GET /orders/{id} group_missing 5ab0 "Group(\"support\")"
	// GET /orders/{id} authenticated 7f31 ""
}

func ExampleMiddleware_Validate() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Fatal(err)
	}
	policy := cognitoauth.Scope("orders/write")

	claims, err := auth.Validate(context.Background(), demo.AccessToken().Scopes("orders/read").String())
	if err == nil {
		err = policy.Check(nil, claims)
	}
	fmt.Println(err)
	// Output: cognitoauth: the token lacks a scope
}

// Validate applies no policy, not even Config.Fallback.
func ExampleMiddleware_Validate_incorrect() {
	cfg := demo.Config()
	cfg.Fallback = cognitoauth.Group("staff")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	claims, err := auth.Validate(context.Background(), demo.AccessToken().User("mallory").String())
	if err == nil { // is not enough
		fmt.Println("let in:", claims.Username, claims.Groups())
	}
	// Output: let in: mallory []
}

// Ready belongs before ListenAndServe or into a readiness probe. Without it the
// keys come with the first token.
func ExampleMiddleware_Ready() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(auth.Ready(ctx))
	// Output: <nil>
}

// Refresh belongs behind a door for operators, or on a signal. With it a key that
// the pool has withdrawn is refused at once, and not only after the next refresh.
func ExampleMiddleware_Refresh() {
	pool, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		log.Fatal(err)
	}
	token := pool.AccessToken().String()
	show := func() {
		if _, err := auth.Validate(context.Background(), token); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("accepted")
	}
	show()
	pool.Rotate() // withdraws the key of that token
	show()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := auth.Refresh(ctx); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// accepted
	// accepted
	// cognitoauth: the token's key is not known
}

// A probe that asks for all tenants takes the program out of service because the keys
// of one of them cannot be had. Name those that it cannot serve without.
func ExampleMiddleware_ReadyPools() {
	cfg := demo.Config()
	cfg.Pools = append(cfg.Pools, cognitoauth.Pool{ID: "eu-west-1_Tenant", ClientIDs: []string{"1example23456789"}, JWKSURL: "http://127.0.0.1:1/keys"})
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(auth.ReadyPools(ctx, demo.ID()))
	fmt.Println(auth.ReadyPools(ctx, "eu-west-1_Gone"))
	// Output:
	// <nil>
	// cognitoauth: misconfigured: ReadyPools: no entry of Config.Pools has the ID "eu-west-1_Gone"
}

// Reload belongs behind a signal, or behind a route that only an operator may call.
// The handlers that Wrap has made stay; a mistake changes nothing.
func ExampleMiddleware_Reload() {
	tenant, err := cognitotest.Start(cognitotest.Options{ID: "eu-west-1_Tenant", InProcess: true, Now: demo.Now})
	if err != nil {
		log.Fatal(err)
	}
	defer tenant.Close()
	cfg := demo.Config()
	cfg.HTTPClient = cognitotest.Client(demo, tenant)
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	api := auth.Wrap(hello)

	show(api, "GET", "/", tenant.AccessToken())
	cfg.Pools = append(cfg.Pools, tenant.Config().Pools...) // one more tenant
	fmt.Println(auth.Reload(cfg))
	show(api, "GET", "/", tenant.AccessToken())

	broken := cfg
	broken.Pools = []cognitoauth.Pool{{ID: "eu-west-1_Tenant"}}
	fmt.Println(auth.Reload(broken))
	show(api, "GET", "/", tenant.AccessToken())
	// Output:
	// 401 Bearer realm="api", error="invalid_token", error_description="the token's issuer is not accepted"
	// <nil>
	// 200 hello jane
	// cognitoauth: misconfigured: Config.Pools[0].ClientIDs is empty: name the app clients that may call this API, or set RegisteredClients if they register themselves, or AllowClient if your program looks them up (DangerouslyAllowAnyClient admits all clients of the pool)
	// 200 hello jane
}

func ExampleMiddleware_Status() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Fatal(err)
	}
	print := func() {
		for _, s := range auth.Status() {
			fmt.Printf("%s: %d keys, %s old, %d fetches\n", s.PoolID, len(s.KeyIDs), s.Age.Round(time.Second), s.Fetches)
		}
	}
	print()
	_ = auth.Ready(context.Background())
	print()
	// Output:
	// eu-west-1_EXAMPLE01: 0 keys, 0s old, 0 fetches
	// eu-west-1_EXAMPLE01: 2 keys, 0s old, 1 fetches
}

func ExampleAllowAnonymous() {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /docs/", cognitoauth.AllowAnonymous(hello))
	api := protect(mux)

	show(api, "GET", "/healthz", nil)
	show(api, "GET", "/healthz", demo.AccessToken().Tampered()) // not looked at
	show(api, "GET", "/docs/install", nil)
	show(api, "GET", "/docs", nil) // the mux's redirect to /docs/: not the marked handler
	// Output:
	// 200 hello stranger
	// 200 hello stranger
	// 200 hello stranger
	// 401 Bearer realm="api"
}

// logged stands for any middleware of a single route.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

// Wrap goes by the value that was registered, here a logger. The marker inside
// of it is not seen, and the route stays closed. Write
// AllowAnonymous(logged(hello)).
func ExampleAllowAnonymous_incorrect() {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", logged(cognitoauth.AllowAnonymous(hello)))

	show(protect(mux), "GET", "/healthz", nil)
	// Output: 401 Bearer realm="api"
}

// A mux inside another handler cannot be asked, so its markers are not seen.
// Register the routes by their full paths, or mount what is open outside of
// Wrap.
func ExampleAllowAnonymous_incorrectPrefix() {
	v1 := http.NewServeMux()
	v1.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux := http.NewServeMux()
	mux.Handle("/v1/", http.StripPrefix("/v1", v1))

	show(protect(mux), "GET", "/v1/healthz", nil)
	// Output: 401 Bearer realm="api"
}

// A marker around StripPrefix opens all that is inside. That is right for files,
// and wrong for a mux: here it opens /v1/admin as well.
func ExampleAllowAnonymous_incorrectMux() {
	v1 := http.NewServeMux()
	v1.Handle("GET /healthz", hello)
	v1.Handle("GET /admin", hello)
	mux := http.NewServeMux()
	mux.Handle("/v1/", cognitoauth.AllowAnonymous(http.StripPrefix("/v1", v1)))

	show(protect(mux), "GET", "/v1/admin", nil)
	// Output: 200 hello stranger
}

// The name of a package may have a slash, which its URL escapes.
func ExampleAllowEscapedSlash() {
	mux := http.NewServeMux()
	mux.Handle("GET /packages/{name}", cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PathValue("name")) }))))
	api := protect(mux)

	show(api, "GET", "/packages/@types%2fnode", nil)
	show(api, "GET", "/packages/@types/node", nil)     // another route: {name} takes one segment
	show(api, "GET", "/packages/..%2fadmin", nil)      // would leave the segment
	show(api, "GET", "/packages%2f@types%2fnode", nil) // not in the wildcard
	// Output:
	// 200 @types/node
	// 401 Bearer realm="api"
	// 401 Bearer realm="api"
	// 401 Bearer realm="api"
}

// No token is fine, a bad one is not.
func ExampleOptional() {
	mux := http.NewServeMux()
	mux.Handle("GET /catalog", cognitoauth.Optional(hello))
	api := protect(mux)

	show(api, "GET", "/catalog", nil)
	show(api, "GET", "/catalog", demo.AccessToken())
	show(api, "GET", "/catalog", demo.AccessToken().ExpiresIn(-time.Hour))
	// Output:
	// 200 hello stranger
	// 200 hello jane
	// 401 Bearer realm="api", error="invalid_token", error_description="the token has expired"
}

// Require adds to the fallback policy.
func ExampleRequire() {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", hello)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), hello))

	cfg := demo.Config()
	cfg.Fallback = cognitoauth.Group("staff")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	api := auth.Wrap(mux)

	staff := demo.AccessToken().Groups("staff")
	show(api, "GET", "/orders", staff)
	show(api, "POST", "/orders", staff)
	show(api, "POST", "/orders", staff.Scopes("orders/write"))
	show(api, "POST", "/orders", demo.AccessToken().Scopes("orders/write"))
	// Output:
	// 200 hello jane
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"
	// 200 hello jane
	// 403 group_missing
}

// A marker and a Require on one route contradict each other, which is found
// when the route is registered.
func ExampleRequire_incorrect() {
	defer func() { fmt.Println(recover()) }()
	cognitoauth.AllowAnonymous(cognitoauth.Require(cognitoauth.Group("staff"), hello))
	// Output: cognitoauth: AllowAnonymous of Require: a route is either open or protected: drop one (Optional alone admits requests without a token, and refuses bad tokens)
}

// Without Wrap nobody has looked at the token, and Require cannot: it answers
// 500 and says so on slog.Default.
func ExampleRequire_incorrectWrap() {
	mux := http.NewServeMux()
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Group("staff"), hello))

	show(mux, "POST", "/orders", demo.AccessToken().Groups("staff"))
	// Output: 500 not_wired
}

// router is a router other than ServeMux.
type router map[string]http.Handler

func (rt router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := rt.ResolveEndpoint(r); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// ResolveEndpoint names the handler that ServeHTTP runs, by the same look-up.
func (rt router) ResolveEndpoint(r *http.Request) http.Handler {
	return rt[r.Method+" "+r.URL.Path]
}

// Wrap sees the markers of a router that tells which handler it would run.
func ExampleEndpointResolver() {
	api := protect(router{
		"GET /healthz": cognitoauth.AllowAnonymous(hello),
		"GET /me":      hello,
	})
	show(api, "GET", "/healthz", nil)
	show(api, "GET", "/me", nil)
	// Output:
	// 200 hello stranger
	// 401 Bearer realm="api"
}

func ExamplePolicy() {
	mux := http.NewServeMux()
	remove := hello.ServeHTTP

	admin := cognitoauth.And(
		cognitoauth.Group("admins"),
		cognitoauth.AuthenticatedWithin(15*time.Minute), // else: log in again
	)
	mux.Handle("DELETE /orders/{id}", cognitoauth.Require(admin, http.HandlerFunc(remove)))

	api, token := protect(mux), demo.AccessToken().Groups("admins")
	show(api, "DELETE", "/orders/7", token)
	show(api, "DELETE", "/orders/7", token.Set("auth_time", demo.Now().Add(-time.Hour)))
	show(api, "DELETE", "/orders/7", demo.AccessToken())
	// Output:
	// 200 hello jane
	// 401 Bearer realm="api", error="insufficient_user_authentication", error_description="a more recent login is required", max_age="900"
	// 403 group_missing
}

// verdict prints whether the claims of each token meet a policy.
func verdict(p cognitoauth.Policy, tokens ...*cognitotest.Token) {
	for _, token := range tokens {
		fmt.Println(p.Check(nil, token.Claims()))
	}
}

// Claims can be checked anywhere, a request is needed for Assert alone.
func ExamplePolicy_Check() {
	policy := cognitoauth.Group("admins")
	err := policy.Check(nil, demo.AccessToken().Claims())
	fmt.Println(err, errors.Is(err, cognitoauth.ErrForbidden))
	fmt.Println(policy.Check(nil, nil))
	// Output:
	// cognitoauth: the user is not in a permitted group true
	// cognitoauth: a bearer token is required
}

// A policy prints as the expression that makes it.
func ExamplePolicy_String() {
	fmt.Println(cognitoauth.Or(cognitoauth.Group("admins"), cognitoauth.And(
		cognitoauth.MachineToken(), cognitoauth.Scope("orders/write"),
	)))
	// Output: Or(Group("admins"), And(MachineToken(), Scope("orders/write")))
}

func ExampleAuthenticated() {
	verdict(cognitoauth.Authenticated(), demo.AccessToken(), demo.MachineToken())
	// Output:
	// <nil>
	// <nil>
}

// A scope is compared whole: it implies no other.
func ExampleScope() {
	verdict(cognitoauth.Scope("orders/write"),
		demo.AccessToken().Scopes("orders/read", "orders/write"),
		demo.AccessToken().Scopes("orders/writer"),
		demo.IDToken(), // has no scopes, whatever it is asked for
	)
	// Output:
	// <nil>
	// cognitoauth: the token lacks a scope
	// cognitoauth: this kind of token is not permitted here
}

// A group is no scope. This asks clients to request a scope that no resource
// server has; write Group("admins").
func ExampleScope_incorrect() {
	verdict(cognitoauth.Scope("admins"), demo.AccessToken().Groups("admins"))
	// Output: cognitoauth: the token lacks a scope
}

func ExampleGroup() {
	verdict(cognitoauth.Group("admins"), demo.AccessToken().Groups("staff", "admins"), demo.AccessToken().Groups("Admins"))
	// Output:
	// <nil>
	// cognitoauth: the user is not in a permitted group
}

// ClientID narrows Pool.ClientIDs for a route.
func ExampleClientID() {
	verdict(cognitoauth.ClientID("1backoffice"), demo.AccessToken().Client("1backoffice"), demo.AccessToken().Client("2web"))
	// Output:
	// <nil>
	// cognitoauth: this client is not permitted here
}

func ExampleClaim() {
	verdict(cognitoauth.Claim("custom:tenant", "acme"), demo.IDToken().Set("custom:tenant", "acme"), demo.IDToken())
	// Output:
	// <nil>
	// cognitoauth: the token does not permit this
}

// A list is not compared as one string.
func ExampleClaim_incorrect() {
	defer func() { fmt.Println(recover()) }()
	cognitoauth.Claim("cognito:groups", "admins")
	// Output: cognitoauth: Claim: "cognito:groups" is a list of groups: use Group
}

func ExampleUserToken() {
	verdict(cognitoauth.UserToken(), demo.AccessToken(), demo.MachineToken())
	// Output:
	// <nil>
	// cognitoauth: a user's token is required
}

func ExampleMachineToken() {
	verdict(cognitoauth.MachineToken(), demo.MachineToken(), demo.AccessToken())
	// Output:
	// <nil>
	// cognitoauth: a machine's token is required
}

// Refreshing a token does not count as a login.
func ExampleAuthenticatedWithin() {
	verdict(cognitoauth.AuthenticatedWithin(15*time.Minute),
		demo.AccessToken(),
		demo.AccessToken().Set("auth_time", demo.Now().Add(-time.Hour)),
		demo.MachineToken(), // nobody can log in for it
	)
	// Output:
	// <nil>
	// cognitoauth: a more recent login is required
	// cognitoauth: this kind of token is not permitted here
}

// There is no order between levels: the stronger ones are listed too.
func ExampleACR() {
	verdict(cognitoauth.Or(cognitoauth.ACR("urn:cognito:loa:2"), cognitoauth.ACR("urn:cognito:loa:3")),
		demo.AccessToken().Set("acr", "urn:cognito:loa:3"),
		demo.AccessToken().Set("acr", "urn:cognito:loa:1"),
	)
	// Output:
	// <nil>
	// cognitoauth: a different authentication is required
}

// Assert is for what the other policies cannot say, such as a comparison of the
// path with the token.
// A list in an attribute of one's own, which Cognito writes as a string.
func ExampleClaimContains() {
	editors := cognitoauth.ClaimContains("custom:roles", "editor")
	for _, roles := range []any{`["author","editor"]`, []string{"editor"}, `["author"]`, "author,editor"} {
		err := editors.Check(nil, demo.IDToken().Set("custom:roles", roles).Claims())
		fmt.Println(roles, err == nil)
	}
	// Output:
	// ["author","editor"] true
	// [editor] true
	// ["author"] false
	// author,editor false
}

// The whole round of a step-up (RFC 9470). The API says which levels would do and
// how old the login may be; the client passes both on to the authorize endpoint of
// the pool as they are, and sends the request again with the new token.
func Example_stepUp() {
	pay := cognitoauth.Require(cognitoauth.And(
		cognitoauth.Or(cognitoauth.ACR("urn:cognito:loa:4"), cognitoauth.ACR("urn:cognito:loa:3")),
		cognitoauth.AuthenticatedWithin(5*time.Minute),
	), hello)
	api := protect(pay)

	// managedLogin stands for the login pages of the pool. Cognito takes the first
	// level that it knows, and asks the user for the factors of that level.
	managedLogin := func(authorize url.Values) *cognitotest.Token {
		fmt.Println("login:", authorize.Encode())
		level, _, _ := strings.Cut(authorize.Get("acr_values"), " ")
		return demo.AccessToken().Set("acr", level).Set("amr", []string{"pwd", "otp", "mfa"}).Set("auth_time", demo.Now())
	}

	token := demo.AccessToken().Set("acr", "urn:cognito:loa:1").Set("auth_time", demo.Now().Add(-time.Hour))
	for range 2 { // a client that is asked again after a login gives up
		r := httptest.NewRequest("POST", "/payments", nil)
		r.Header.Set("Authorization", "Bearer "+token.String())
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code)
		challenge := w.Header().Get("WWW-Authenticate")
		if !strings.Contains(challenge, `error="insufficient_user_authentication"`) {
			break
		}
		authorize := url.Values{"response_type": {"code"}, "client_id": {demo.ClientID()}} // and PKCE, state, redirect_uri
		for _, name := range []string{"acr_values", "max_age"} {
			if _, value, found := strings.Cut(challenge, name+`="`); found {
				value, _, _ = strings.Cut(value, `"`)
				authorize.Set(name, value)
			}
		}
		token = managedLogin(authorize)
	}
	// Output:
	// 401
	// login: acr_values=urn%3Acognito%3Aloa%3A4+urn%3Acognito%3Aloa%3A3&client_id=1example23456789&max_age=300&response_type=code
	// 200
}

// Payments need a second factor, which a pre token generation trigger writes into
// the claim amr. A user who logged in without one is sent to log in again.
func ExampleStepUp() {
	api := protect(cognitoauth.Require(cognitoauth.StepUp("urn:example:mfa", cognitoauth.ClaimContains("amr", "mfa")), hello))
	show(api, "POST", "/payments", demo.AccessToken().Set("amr", []string{"pwd", "mfa"}))
	show(api, "POST", "/payments", demo.AccessToken().Set("amr", []string{"pwd"}))
	show(api, "POST", "/payments", demo.MachineToken())
	// Output:
	// 200 hello jane
	// 401 Bearer realm="api", error="insufficient_user_authentication", error_description="a different authentication is required", acr_values="urn:example:mfa"
	// 403 claim_denied
}

func ExampleAssert() {
	own := cognitoauth.Assert("the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
		return r.PathValue("user") == c.Username
	})
	mux := http.NewServeMux()
	mux.Handle("GET /users/{user}", cognitoauth.Require(own, hello))
	api := protect(mux)

	show(api, "GET", "/users/jane", demo.AccessToken().User("jane"))
	show(api, "GET", "/users/jane", demo.AccessToken().User("joe"))
	// Output:
	// 200 hello jane
	// 403 assertion_denied
}

// The fallback runs before the mux has split the path: there are no path values
// yet, and nobody gets in.
func ExampleAssert_incorrect() {
	cfg := demo.Config()
	cfg.Fallback = cognitoauth.Assert("the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
		return r.PathValue("user") == c.Username
	})
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /users/{user}", hello)

	show(auth.Wrap(mux), "GET", "/users/jane", demo.AccessToken().User("jane"))
	// Output: 403 assertion_denied
}

// All of them; the challenge names every scope that is needed, so that the
// client asks once.
func ExampleAnd() {
	policy := cognitoauth.And(cognitoauth.Scope("orders/read"), cognitoauth.Scope("orders/write"))
	var refusal *cognitoauth.Error
	if errors.As(policy.Check(nil, demo.AccessToken().Scopes("orders/read").Claims()), &refusal) {
		fmt.Println(refusal.Challenge())
	}
	// Output: Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/read orders/write"
}

// Any of them.
func ExampleOr() {
	policy := cognitoauth.Or(cognitoauth.Group("admins"), cognitoauth.MachineToken())
	verdict(policy, demo.AccessToken().Groups("admins"), demo.MachineToken(), demo.AccessToken())
	// Output:
	// <nil>
	// <nil>
	// cognitoauth: the user is not in a permitted group
}

func ExampleFromContext() {
	api := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := cognitoauth.FromContext(r.Context())
		fmt.Fprintln(w, ok, claims.Username, claims.ClientID, claims.Scopes(), claims.Groups())
	}))
	show(api, "GET", "/", demo.AccessToken().Scopes("orders/read", "orders/write").Groups("staff"))
	// Output: 200 true jane 1example23456789 [orders/read orders/write] [staff]
}

// Decode is for claims that a trigger or an attribute adds.
func ExampleClaims_Decode() {
	claims := demo.IDToken().Set("custom:tenant", "acme").Set("limits", map[string]int{"orders": 5}).Claims()
	var extra struct {
		Tenant string         `json:"custom:tenant"`
		Limits map[string]int `json:"limits"`
	}
	err := claims.Decode(&extra)
	fmt.Println(extra.Tenant, extra.Limits["orders"], err)
	// Output: acme 5 <nil>
}

// Printed, Claims say what a log may have: nothing about the user.
func ExampleClaims_Format() {
	claims := cognitoauth.Claims{Subject: "8f2b", Username: "jane", PoolID: "eu-west-1_EXAMPLE01", ClientID: "1example23456789", TokenUse: cognitoauth.AccessToken}
	fmt.Printf("%+v\n", claims)
	// Output: cognitoauth.Claims{pool: "eu-west-1_EXAMPLE01", client_id: "1example23456789", token_use: "access", scopes: 0, groups: 0}
}

func ExampleClaims_LogValue() {
	claims := demo.AccessToken().Scopes("orders/read", "orders/write").Delete("auth_time").Delete("iat").Set("exp", 1772629200).Claims()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("called", "claims", claims)
	// Output: level=INFO msg=called claims.pool=eu-west-1_EXAMPLE01 claims.client_id=1example23456789 claims.token_use=access claims.exp=2026-03-04T13:00:00.000Z claims.scopes=2 claims.groups=0
}

// As JSON, Claims are personal data, for the user's own eyes.
func ExampleClaims_MarshalJSON() {
	me := func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		json.NewEncoder(w).Encode(claims)
	}
	w := httptest.NewRecorder()
	claims := demo.AccessToken().User("jane").Scopes("orders/read").Groups("staff").Claims()
	me(w, cognitotest.WithClaims(httptest.NewRequest("GET", "/me", nil), claims))
	var got struct {
		Username, Scope string
		Groups          []string `json:"cognito:groups"`
	}
	fmt.Println(json.Unmarshal(w.Body.Bytes(), &got), got.Username, got.Scope, got.Groups)
	// Output: <nil> jane orders/read [staff]
}

// The lists are the caller's own, in the token's order.
func ExampleClaims_Groups() {
	claims := demo.AccessToken().Groups("staff", "admins").Claims()
	fmt.Println(claims.Groups())
	fmt.Println(demo.AccessToken().Claims().Groups() == nil) // in no group
	// Output:
	// [staff admins]
	// true
}

func ExampleClaims_HasGroup() {
	claims := demo.AccessToken().Groups("staff").Claims()
	fmt.Println(claims.HasGroup("staff"), claims.HasGroup("Staff"))
	// Output: true false
}

// How the user has logged in, in the token's order.
func ExampleClaims_AMR() {
	fmt.Println(demo.AccessToken().Set("amr", []string{"pwd", "otp", "mfa"}).Claims().AMR())
	fmt.Println(demo.AccessToken().Claims().AMR() == nil) // Cognito sends none for this pool
	// Output:
	// [pwd otp mfa]
	// true
}

func ExampleClaims_Scopes() {
	fmt.Println(demo.AccessToken().Scopes("orders/read", "orders/write").Claims().Scopes())
	fmt.Println(demo.AccessToken().Claims().Scopes()) // after a login by API
	fmt.Println(demo.IDToken().Claims().Scopes())
	// Output:
	// [orders/read orders/write]
	// [aws.cognito.signin.user.admin]
	// []
}

// A scope that implies others: who has orders/admin need not ask for the rest.
func ExampleConfig_impliedScopes() {
	cfg := demo.Config()
	cfg.ImpliedScopes = map[string][]string{"orders/admin": {"orders/read", "orders/write"}}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Panic(err)
	}
	api := auth.Wrap(cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprint(w, claims.HasScope("orders/read"), " ", claims.Scopes())
	})))
	show(api, "POST", "/orders", demo.AccessToken().Scopes("orders/admin"))
	show(api, "POST", "/orders", demo.AccessToken().Scopes("orders/read"))
	// Output:
	// 200 true [orders/admin]
	// 403 Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"
}

// A handler that does more for those who may, and the rest for all.
func ExampleClaims_HasScope() {
	claims := demo.AccessToken().Scopes("orders/read").Claims()
	fmt.Println(claims.HasScope("orders/read"), claims.HasScope("orders"))
	// Output: true false
}

func ExampleClaims_Audience() {
	fmt.Println(demo.AccessToken().Claims().Audience())
	fmt.Println(demo.AccessToken().Set("aud", "https://orders.example.com").Claims().Audience())
	fmt.Println(demo.IDToken().Claims().Audience())
	// Output:
	// []
	// [https://orders.example.com]
	// [1example23456789]
}

func ExampleClaims_String() {
	claims := demo.IDToken().Set("custom:tenant", "acme").Claims()
	fmt.Printf("%q %q\n", claims.String("custom:tenant"), claims.String("custom:none"))
	// Output: "acme" ""
}

// Cognito sends booleans as such and, in places, as strings.
func ExampleClaims_Bool() {
	fmt.Println(demo.IDToken().Set("email_verified", true).Claims().Bool("email_verified"))
	fmt.Println(demo.IDToken().Set("email_verified", "true").Claims().Bool("email_verified"))
	fmt.Println(demo.IDToken().Set("email_verified", "yes").Claims().Bool("email_verified"))
	// Output:
	// true
	// true
	// false
}

// A machine has no user name, and its subject is its app client.
func ExampleClaims_IsMachine() {
	for _, token := range []*cognitotest.Token{demo.AccessToken(), demo.MachineToken()} {
		c := token.Claims()
		fmt.Printf("%t %q %t\n", c.IsMachine(), c.Username, c.Subject == c.ClientID)
	}
	// Output:
	// false "jane" false
	// true "" true
}

// The browser sends a cookie whoever made it send the request, so an unsafe one
// must not come from another site.
func ExampleFromCookie() {
	cfg := demo.Config()
	cfg.TokenSource = cognitoauth.FromCookie("access_token")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, site := range []string{"same-origin", "cross-site"} {
		r := httptest.NewRequest("POST", "/orders", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.AddCookie(&http.Cookie{Name: "access_token", Value: demo.AccessToken().String()})
		showAnswer(auth.Wrap(hello), r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// The pages are on one host and the API on another one of the same site, so that the
// browser sends the cookie. The API trusts the pages' origin, and no other host of
// the site.
func ExampleFromCookie_siblingOrigin() {
	cfg := demo.Config()
	cfg.TokenSource = cognitoauth.FromCookie("access_token")
	cfg.CrossOrigin = http.NewCrossOriginProtection()
	if err := cfg.CrossOrigin.AddTrustedOrigin("https://app.example.com"); err != nil {
		log.Fatal(err)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, page := range []string{"https://app.example.com", "https://blog.example.com"} {
		r := httptest.NewRequest("POST", "https://api.example.com/orders", nil)
		r.Header.Set("Sec-Fetch-Site", "same-site")
		r.Header.Set("Origin", page)
		r.AddCookie(&http.Cookie{Name: "access_token", Value: demo.AccessToken().String()})
		showAnswer(auth.Wrap(hello), r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// Behind an Application Load Balancer that logs users in.
func ExampleFromHeader() {
	cfg := demo.Config()
	cfg.TokenSource = cognitoauth.FromHeader("x-amzn-oidc-accesstoken")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/me", nil)
	r.Header.Set("x-amzn-oidc-accesstoken", demo.AccessToken().String())
	showAnswer(auth.Wrap(hello), r)
	// Output: 200 hello jane
}

// Programs send the header, browsers the cookie. The first source that returns a
// token or an error decides, and each keeps its rules.
func ExampleFromAuthorization() {
	header, cookie := cognitoauth.FromAuthorization(), cognitoauth.FromCookie("access_token")
	cfg := demo.Config()
	cfg.TokenSource = func(r *http.Request) (string, error) {
		if token, err := header(r); token != "" || err != nil {
			return token, err
		}
		return cookie(r)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	byHeader := httptest.NewRequest("POST", "/orders", nil)
	byHeader.Header.Set("Authorization", "Bearer "+demo.AccessToken().String())
	byCookie := httptest.NewRequest("POST", "/orders", nil)
	byCookie.AddCookie(&http.Cookie{Name: "access_token", Value: demo.AccessToken().String()})
	for _, r := range []*http.Request{byHeader, byCookie} {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		showAnswer(auth.Wrap(hello), r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// Behind a gateway that puts credentials of its own into Authorization, and what
// the client wrote there into another header.
func ExampleFromForwardedAuthorization() {
	cfg := demo.Config()
	cfg.TokenSource = cognitoauth.FromForwardedAuthorization("X-Forwarded-Authorization")
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/me", nil)
	r.Header.Set("Authorization", "Bearer the-gateway's-own")
	r.Header.Set("X-Forwarded-Authorization", "Bearer "+demo.AccessToken().String())
	showAnswer(auth.Wrap(hello), r)
	// Output: 200 hello jane
}

// The Authorization header is read by default, and not bare.
func ExampleFromHeader_incorrect() {
	defer func() { fmt.Println(recover()) }()
	cognitoauth.FromHeader("Authorization")
	// Output: cognitoauth: FromHeader: leave Config.TokenSource nil to read Authorization: Bearer
}

// A source of your own. Whoever reads a token that the browser sends by itself
// has to look at the origin too, as FromCookie does.
func ExampleTokenSource() {
	cfg := demo.Config()
	cfg.TokenSource = func(r *http.Request) (string, error) {
		switch tokens := r.Header.Values("X-Access-Token"); len(tokens) {
		case 0:
			return "", nil
		case 1:
			return tokens[0], nil
		default:
			return "", errors.New("two tokens")
		}
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/me", nil)
	for range 3 {
		showAnswer(auth.Wrap(hello), r)
		r.Header.Add("X-Access-Token", demo.AccessToken().String())
	}
	// Output:
	// 401 Bearer realm="api"
	// 200 hello jane
	// 400 Bearer realm="api", error="invalid_request", error_description="the credentials are malformed"
}

// AWS Amplify with cookie storage names a cookie after the app client and the
// user, and says in another who that is. It encodes names as js-cookie does:
// jane@example.com is jane%40example.com. Detail does not quote the user's name.
func ExampleTokenSource_amplify() {
	prefix := "CognitoIdentityServiceProvider." + demo.Config().Pools[0].ClientIDs[0] + "."
	lastUser := cognitoauth.FromCookie(prefix + "LastAuthUser")
	cfg := demo.Config()
	cfg.TokenSource = func(r *http.Request) (string, error) {
		user, err := lastUser(r)
		if user == "" || err != nil {
			return "", err
		}
		if plain, err := url.PathUnescape(user); err == nil {
			user = plain
		}
		user = strings.ReplaceAll(url.QueryEscape(user), "%2B", "+")
		return cognitoauth.FromCookie(prefix + user + ".accessToken")(r)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/me", nil)
	showAnswer(auth.Wrap(hello), r)
	r.AddCookie(&http.Cookie{Name: prefix + "LastAuthUser", Value: "jane@example.com"})
	r.AddCookie(&http.Cookie{Name: prefix + "jane%40example.com.accessToken", Value: demo.AccessToken().String()})
	showAnswer(auth.Wrap(hello), r)
	// Output:
	// 401 Bearer realm="api"
	// 200 hello jane
}

// A source that checks the origin itself answers 403 for it. This one is for a
// proxy that turns its login cookie into an Authorization header.
func ExampleTokenSource_crossOrigin() {
	var origin http.CrossOriginProtection
	if err := origin.AddTrustedOrigin("https://app.example.com"); err != nil {
		log.Fatal(err)
	}
	cfg := demo.Config()
	cfg.TokenSource = func(r *http.Request) (string, error) {
		if err := origin.Check(r); err != nil {
			return "", fmt.Errorf("%w: %v", cognitoauth.ErrCrossOrigin, err)
		}
		return cognitoauth.FromAuthorization()(r)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, site := range []string{"https://app.example.com", "https://evil.example"} {
		r := httptest.NewRequest("POST", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+demo.AccessToken().String())
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", site)
		showAnswer(auth.Wrap(hello), r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// Branch on the sentinel, count by the code, log the detail.
func ExampleError() {
	auth, err := cognitoauth.New(demo.Config())
	if err != nil {
		log.Fatal(err)
	}
	_, err = auth.Validate(context.Background(), demo.AccessToken().Client("2web").String())

	fmt.Println(errors.Is(err, cognitoauth.ErrInvalidToken))
	var refusal *cognitoauth.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Status, refusal.Code)
		fmt.Println(refusal.Challenge())
		fmt.Println(refusal.Detail())
	}
	// Output:
	// true
	// 401 client_mismatch
	// Bearer realm="api", error="invalid_token", error_description="the token was issued to another client"
	// client_id "2web" (unverified) is not among ClientIDs of pool eu-west-1_EXAMPLE01; Cognito access tokens name the app client in client_id and as a rule have no aud; add the client to Pool.ClientIDs if it may call this API
}

// The detail names settings and belongs into the log. What the caller may see
// is Error.
func ExampleError_Detail() {
	cfg := demo.Config()
	cfg.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
		fmt.Println("log:", e.Detail())
		http.Error(w, e.Error(), e.Status)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	show(auth.Wrap(hello), "GET", "/", demo.AccessToken().ExpiresIn(-time.Hour))
	// Output:
	// log: exp is 2026-03-01T11:00:00Z (unverified), now is 2026-03-01T12:00:00Z: expired 1h0m0s ago, Config.Leeway is 30s; the client has to get a new token, for a user with the refresh token
	// 401 cognitoauth: the token has expired
}

// For an answer in a form of your own. Where another token would not help there
// is no challenge.
func ExampleError_Challenge() {
	for _, policy := range []cognitoauth.Policy{cognitoauth.Scope("orders/write"), cognitoauth.Group("admins")} {
		var refusal *cognitoauth.Error
		if errors.As(policy.Check(nil, demo.AccessToken().Claims()), &refusal) {
			fmt.Printf("%d %q\n", refusal.Status, refusal.Challenge())
		}
	}
	// Output:
	// 403 "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"the token lacks a scope\", scope=\"orders/write\""
	// 403 ""
}

// The public text is safe to show: it quotes nothing of the request.
func ExampleError_Error() {
	err := cognitoauth.Scope("orders/write").Check(nil, demo.AccessToken().Claims())
	fmt.Println(err)
	// Output: cognitoauth: the token lacks a scope
}

// errors.Is looks at what Unwrap returns: one sentinel for each kind of answer.
func ExampleError_Unwrap() {
	err := cognitoauth.Scope("orders/write").Check(nil, demo.AccessToken().Claims())
	fmt.Println(errors.Is(err, cognitoauth.ErrInsufficientScope), errors.Is(err, cognitoauth.ErrForbidden))
	// Output: true false
}

// In a record of package slog a refusal is a group, detail included. With
// Config.Logger set the middleware writes such records itself.
func ExampleError_LogValue() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	err := cognitoauth.ClientID("1backoffice").Check(nil, demo.AccessToken().Client("2web").Claims())
	log.Warn("refused", "err", err)
	// Output: level=WARN msg=refused err.code=client_denied err.status=403 err.detail="client_id \"2web\" is denied by ClientID(\"1backoffice\")"
}

// A handler that decides by itself answers in the same form.
func ExampleWriteError() {
	staff := cognitoauth.Group("staff")
	api := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		if refusal := (*cognitoauth.Error)(nil); errors.As(staff.Check(r, claims), &refusal) {
			cognitoauth.WriteError(w, r, refusal)
			return
		}
		fmt.Fprintln(w, "hello staff")
	}))
	show(api, "GET", "/", demo.AccessToken())
	show(api, "GET", "/", demo.AccessToken().Groups("staff"))
	// Output:
	// 403 group_missing
	// 200 hello staff
}

// Code, Pool and Pattern take few values and are fit for metrics.
func ExampleDecision() {
	cfg := demo.Config()
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		fmt.Printf("%t %s %q\n", d.Allowed, d.Code, d.Pattern)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /users/{user}", hello)
	api := auth.Wrap(mux)
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/healthz", nil),
		httptest.NewRequest("GET", "/users/jane", nil),
	} {
		api.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// true anonymous "GET /healthz"
	// false token_missing "GET /users/{user}"
}

// Config says all there is to say; what is left out has a default.
func ExampleConfig() {
	cfg := cognitoauth.Config{
		Pools: []cognitoauth.Pool{{
			ID:        "eu-west-1_EXAMPLE01",
			ClientIDs: []string{"1web", "2mobile"},
		}},
		Fallback: cognitoauth.UserToken(),
		Realm:    "orders",
		Leeway:   time.Minute,
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	show(auth.Wrap(hello), "GET", "/", nil)
	// Output: 401 Bearer realm="orders"
}

// A key set that is known in advance, from a file say: no network at all, and
// no key beside it.
func ExamplePool_keySet() {
	keys := demo.KeySet() // os.ReadFile("jwks.json")
	cfg := demo.Config()
	cfg.Pools[0].JWKS = keys
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	_, err = auth.Validate(context.Background(), demo.AccessToken().String())
	fmt.Println(err)
	// Output: <nil>
}

// All tokens of one login share origin_jti.
func ExampleConfig_revoked() {
	loggedOut := map[string]bool{"0b1d4cf8-2d5f-4c2e-9a55-7d1c6f0b9a11": true}

	cfg := demo.Config()
	cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
		return loggedOut[c.OriginID], nil
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	show(auth.Wrap(hello), "GET", "/me", demo.AccessToken())
	show(auth.Wrap(hello), "GET", "/me", demo.AccessToken().Set("origin_jti", "0b1d4cf8-2d5f-4c2e-9a55-7d1c6f0b9a11"))
	// Output:
	// 200 hello jane
	// 401 Bearer realm="api", error="invalid_token", error_description="the token has been revoked"
}

// App clients that tenants register while the program runs. ClientIDs has those
// that never change.
func ExamplePool_allowClient() {
	tenants := map[string]bool{"2tenant": true} // a table of the program's own
	cfg := demo.Config()
	cfg.Pools[0].AllowClient = func(_ context.Context, clientID string, machine bool) (bool, error) {
		return machine && tenants[clientID], nil
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Panic(err)
	}
	api := auth.Wrap(hello)
	show(api, "GET", "/", demo.MachineToken().Client("2tenant"))
	delete(tenants, "2tenant")
	show(api, "GET", "/", demo.MachineToken().Client("2tenant"))
	show(api, "GET", "/", demo.AccessToken())
	// Output:
	// 200 hello
	// 401 Bearer realm="api", error="invalid_token", error_description="the token was issued to another client"
	// 200 hello jane
}

// App clients that register themselves, as those of an MCP server do. Their
// users' tokens count if they are bound to this API, and their names are no
// labels of metrics.
func ExamplePool_registeredClients() {
	const api = "https://api.example.com"
	cfg := demo.Config()
	cfg.Pools[0].Audiences, cfg.Pools[0].RegisteredClients = []string{api}, true
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		client := "unlisted"
		if d.ClientListed {
			client = d.ClientID
		}
		fmt.Print(client, ": ")
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Panic(err)
	}
	h := auth.Wrap(hello)
	show(h, "GET", "/", demo.AccessToken().Set("aud", api))
	show(h, "GET", "/", demo.AccessToken().Client("3registered").Set("aud", api))
	show(h, "GET", "/", demo.AccessToken().Client("3registered"))
	show(h, "GET", "/", demo.MachineToken().Client("3registered").Set("aud", api))
	// Output:
	// 1example23456789: 200 hello jane
	// unlisted: 200 hello jane
	// unlisted: 401 Bearer realm="api", error="invalid_token", error_description="the token is meant for another audience"
	// unlisted: 401 Bearer realm="api", error="invalid_token", error_description="the token was issued to another client"
}

// What is wrong with a token, check by check: for a tool, not for requests.
func ExampleMiddleware_Explain() {
	pool, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		log.Fatal(err)
	}
	token := pool.AccessToken().Client("another1client").ExpiresIn(-time.Hour).String()
	for _, check := range auth.Explain(context.Background(), token) {
		if check.Err != nil {
			fmt.Println(check.Name, check.Err.Code)
		}
	}
	// Output:
	// exp token_expired
	// client client_mismatch
}

// A stream must not outlive the token that opened it.
func ExampleWithExpiry() {
	pool, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	claims := pool.AccessToken().ExpiresIn(-time.Hour).Claims()
	ctx, cancel := cognitoauth.WithExpiry(context.Background(), claims)
	defer cancel()
	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	// Output: cognitoauth: the token has expired
}

// The handler takes the connection over, leaves it to a goroutine, and returns. That
// ends the context of the request, so the goroutine gets one that only the token ends.
func ExampleWithExpiry_hijack() {
	token := demo.AccessToken()
	cfg := demo.Config()
	cfg.Now = func() time.Time { return token.Claims().Expiry.Add(-10 * time.Millisecond) } // so that it ends soon
	cfg.Leeway = 1
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	returned := make(chan bool)
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context())
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			log.Fatal(err)
		}
		ctx, cancel := cognitoauth.WithExpiry(context.WithoutCancel(r.Context()), claims)
		go func() {
			defer conn.Close()
			defer cancel()
			<-returned
			<-r.Context().Done()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\nthe request: %v\n", r.Context().Err())
			<-ctx.Done()
			fmt.Fprintln(conn, "the stream:", context.Cause(ctx))
		}()
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth.Wrap(stream).ServeHTTP(w, r)
		close(returned)
	}))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.String())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(os.Stdout, resp.Body)
	// Output:
	// the request: context canceled
	// the stream: cognitoauth: the token has expired
}
