package migration_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// Provider, validator and middleware are one Config.
func Example_goJWTMiddleware() {
	client := &http.Client{Transport: transport}
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools:      []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1web"}}},
		Leeway:     time.Minute,
		HTTPClient: client,
		Now:        now,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(hello))
	mux.Handle("GET /catalog", cognitoauth.Optional(hello))
	mux.Handle("GET /me", hello)
	api := cors(auth.Wrap(mux))

	get(api, "/healthz", nil)
	get(api, "/catalog", nil)
	get(api, "/catalog", pool.AccessToken().Tampered())
	get(api, "/me", nil)
	get(api, "/me", pool.AccessToken())                     // has no aud
	get(api, "/me", pool.AccessToken().Client("3stranger")) // nor has this
	get(api, "/me", pool.AccessToken().Delete("exp"))
	preflight := httptest.NewRequest("OPTIONS", "/me", nil)
	preflight.Header.Set("Origin", "https://app.example.com")
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	send(api, preflight)
	send(api, httptest.NewRequest("OPTIONS", "/me", nil)) // is no preflight
	// Output:
	// 200 hello stranger
	// 200 hello stranger
	// 401 signature_invalid
	// 401 token_missing
	// 200 hello jane
	// 401 client_mismatch
	// 401 expiry_missing
	// 204
	// 401 token_missing
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

// An audience that names the API, not an app client, goes into Audiences. The
// keys may lie elsewhere.
func Example_goJWTMiddlewareAudience() {
	api := middleware(cognitoauth.Config{Pools: []cognitoauth.Pool{{
		ID:        "eu-west-1_EXAMPLE01",
		ClientIDs: []string{"1web"},
		Audiences: []string{"https://orders.example.com"},
		JWKSURL:   "https://keys.example.com/eu-west-1_EXAMPLE01/.well-known/jwks.json",
	}}}).Wrap(hello)

	get(api, "/", pool.AccessToken().Set("aud", "https://orders.example.com"))
	get(api, "/", pool.AccessToken().Set("aud", "https://orders.example.com").Client("3stranger"))
	get(api, "/", pool.AccessToken())
	// Output:
	// 200 hello jane
	// 401 client_mismatch
	// 401 audience_mismatch
}

// custom are the claims that a trigger adds.
type custom struct {
	Plan string `json:"plan"`
}

// export shows what a handler finds.
func export(w http.ResponseWriter, r *http.Request) {
	claims, ok := cognitoauth.FromContext(r.Context())
	if !ok {
		http.Error(w, "nobody", http.StatusInternalServerError)
		return
	}
	var extra custom
	err := claims.Decode(&extra)
	fmt.Fprintln(w, claims.Subject != "", extra.Plan, err)
}

// The Validate method of custom claims is a policy, their fields are Decode.
func Example_goJWTMiddlewareCustomClaims() {
	paying := cognitoauth.Assert("a paying customer", func(_ *http.Request, c *cognitoauth.Claims) bool {
		var extra custom
		return c.Decode(&extra) == nil && extra.Plan == "paid"
	})
	mux := http.NewServeMux()
	mux.Handle("GET /export", cognitoauth.Require(paying, http.HandlerFunc(export)))
	api := middleware(pool.Config()).Wrap(mux)

	get(api, "/export", pool.AccessToken().Set("plan", "paid"))
	get(api, "/export", pool.AccessToken().Set("plan", "free"))
	// Output:
	// 200 true paid <nil>
	// 403 assertion_denied
}

// A cookie is a token source as there, and guarded against other sites.
func Example_goJWTMiddlewareCookie() {
	cfg := pool.Config()
	cfg.TokenSource = cognitoauth.FromCookie("access_token")
	api := middleware(cfg).Wrap(hello)

	for _, site := range []string{"same-origin", "cross-site"} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.AddCookie(&http.Cookie{Name: "access_token", Value: pool.AccessToken().String()})
		send(api, r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// headerElseCookie takes the token of a program from Authorization, and that of
// a browser from its cookie.
func headerElseCookie(r *http.Request) (string, error) {
	if token, err := cognitoauth.FromAuthorization()(r); token != "" || err != nil {
		return token, err
	}
	return cognitoauth.FromCookie("access_token")(r)
}

// Two sources, one after the other; the cookie alone is guarded.
func Example_goJWTMiddlewareSources() {
	cfg := pool.Config()
	cfg.TokenSource = headerElseCookie
	api := middleware(cfg).Wrap(hello)

	for _, header := range []string{"Authorization: Bearer ", "Cookie: access_token="} {
		name, value, _ := strings.Cut(header, ": ")
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set(name, value+pool.AccessToken().String())
		send(api, r)
	}
	// Output:
	// 200 hello jane
	// 403 cross_origin
}

// answer is an ErrorHandler that looks at what kind of refusal it is.
func answer(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
	switch {
	case errors.Is(e, cognitoauth.ErrNoToken):
		http.Error(w, "log in first", e.Status)
	case errors.Is(e, cognitoauth.ErrInvalidToken):
		http.Error(w, "log in again", e.Status)
	default:
		cognitoauth.WriteError(w, r, e)
	}
}

// An error handler answers; it cannot let a request through.
func Example_goJWTMiddlewareErrors() {
	cfg := pool.Config()
	cfg.ErrorHandler = answer
	auth := middleware(cfg)
	get(auth.Wrap(hello), "/", nil)
	get(auth.Wrap(hello), "/", pool.AccessToken().Tampered())

	cfg.HTTPClient = &http.Client{Transport: outage{}}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	get(auth.Wrap(hello), "/", pool.AccessToken()) // is not the token's fault
	// Output:
	// 401 log in first
	// 401 log in again
	// 503 keys_unavailable
}

// outage is a network that is down.
type outage struct{}

func (outage) RoundTrip(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }
