package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// api is a Middleware with its keys at hand, and a token that it has seen.
type api struct {
	pool  *cognitotest.Pool
	auth  *cognitoauth.Middleware
	token string
}

// newAPI makes one; a cache of -1 remembers nothing.
func newAPI(ctx context.Context, pool *cognitotest.Pool, cache int) (*api, error) {
	cfg := pool.Config()
	cfg.TokenCache = cache
	return newAPIFrom(ctx, pool, cfg)
}

func newAPIFrom(ctx context.Context, pool *cognitotest.Pool, cfg cognitoauth.Config) (*api, error) {
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := auth.Ready(ctx); err != nil {
		return nil, err
	}
	a := &api{pool, auth, pool.AccessToken().Scopes("orders/read", "orders/write").Groups("staff", "admin").String()}
	_, err = auth.Validate(ctx, a.token)
	return a, err
}

// allPaths are the paths of the table, for tokens as Cognito writes them and as it
// wrote them until 2025.
func allPaths(ctx context.Context) (all []path, _ error) {
	for suffix, escaped := range map[string]bool{"": false, ",slashes=escaped": true} {
		pool, err := cognitotest.Start(cognitotest.Options{InProcess: true, EscapedSlashes: escaped})
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		full, err := newAPI(ctx, pool, -1)
		if err != nil {
			return nil, err
		}
		hit, err := newAPI(ctx, pool, 0)
		if err != nil {
			return nil, err
		}
		cfg := pool.Config()
		cfg.OnDecision = func(context.Context, cognitoauth.Decision) {}
		told, err := newAPIFrom(ctx, pool, cfg)
		if err != nil {
			return nil, err
		}
		between := hit.auth.WrapWith(routes(), func(next http.Handler) http.Handler { return next })
		paths := []path{
			{"Admit/hit", hit.admits(ctx)},
			{"WrapWith/hit", asks(between, "GET", "/me", "Bearer "+hit.token, http.StatusOK, "")},
			{"WrapWith/anonymous", asks(between, "GET", "/healthz", "", http.StatusOK, "")},
			{"Wrap/hit,OnDecision", told.serves("GET", "/me", "Bearer "+told.token, http.StatusOK, "")},
			{"Wrap/hit,policy,OnDecision", told.serves("GET", "/orders", "Bearer "+told.token, http.StatusOK, "")},
			{"Validate/full", full.validates(ctx, full.token, "")},
			{"Validate/hit", hit.validates(ctx, hit.token, "")},
			{"Wrap/full", full.serves("GET", "/me", "Bearer "+full.token, http.StatusOK, "")},
			{"Wrap/hit", hit.serves("GET", "/me", "Bearer "+hit.token, http.StatusOK, "")},
			{"Wrap/hit,wildcards", hit.serves("GET", "/things7/one", "Bearer "+hit.token, http.StatusOK, "")},
			{"Wrap/hit,policy", hit.serves("GET", "/orders", "Bearer "+hit.token, http.StatusOK, "")},
			{"Wrap/anonymous", hit.serves("GET", "/healthz", "", http.StatusOK, "")},
			{"Wrap/optional,none", hit.serves("GET", "/start", "", http.StatusOK, "")},
			{"Wrap/optional,hit", hit.serves("GET", "/start", "Bearer "+hit.token, http.StatusOK, "")},
			{"Wrap/refused,token_missing", hit.serves("GET", "/me", "", 401, "token_missing")},
			{"Wrap/refused,credentials_malformed", hit.serves("GET", "/me", "Bearer a b", 400, "credentials_malformed")},
			{"Wrap/refused,scope_missing", hit.serves("GET", "/refunds", "Bearer "+hit.token, 403, "scope_missing")},
			{"Wrap/refused,group_missing", hit.serves("GET", "/audit", "Bearer "+hit.token, 403, "group_missing")},
			{"Wrap/refused,not_found", hit.serves("GET", "/nowhere", "", 401, "token_missing")},
		}
		tokens, err := hit.refusals(escaped)
		if err != nil {
			return nil, err
		}
		for code, token := range tokens {
			paths = append(paths, path{"Validate/refused," + code, hit.validates(ctx, token, code)})
		}
		for _, code := range []string{"token_expired", "signature_invalid"} {
			paths = append(paths, path{"Wrap/refused," + code, hit.serves("GET", "/me", "Bearer "+tokens[code], 401, code)})
		}
		for _, p := range paths {
			all = append(all, path{p.name + suffix, p.run})
		}
	}
	return all, nil
}

// refusals are tokens that are refused, by code. Their headers are known, except
// where a header is the point.
func (a *api) refusals(escaped bool) (map[string]string, error) {
	other, err := cognitotest.Start(cognitotest.Options{InProcess: true, EscapedSlashes: escaped, ID: "eu-west-1_Other0001"})
	if err != nil {
		return nil, err
	}
	defer other.Close()
	good, rest := a.pool.AccessToken(), a.token[strings.IndexByte(a.token, '.'):]
	header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) + rest }
	return map[string]string{
		"token_too_large":        strings.Repeat("a", 40<<10),
		"token_malformed":        a.token[:len(a.token)-1] + "!",
		"algorithm_unsupported":  header(`{"kid":"x","alg":"HS256"}`),
		"key_id_invalid":         header(`{"alg":"RS256"}`),
		"header_unsupported":     header(`{"kid":"x","alg":"RS256","crit":["exp"]}`),
		"type_unsupported":       header(`{"kid":"x","alg":"RS256","typ":"JOSE"}`),
		"claims_malformed":       good.Set("exp", "soon").String(),
		"issuer_mismatch":        other.AccessToken().String(),
		"token_use_mismatch":     a.pool.IDToken().String(),
		"expiry_missing":         good.Delete("exp").String(),
		"token_expired":          good.ExpiresIn(-time.Hour).String(),
		"token_not_yet_valid":    good.Set("nbf", time.Now().Add(time.Hour).Unix()).String(),
		"token_issued_in_future": good.Set("iat", time.Now().Add(time.Hour).Unix()).String(),
		"lifetime_too_long":      good.Set("exp", time.Now().Add(48*time.Hour).Unix()).String(),
		"client_mismatch":        good.Client("another1client").String(),
		"subject_missing":        good.Delete("sub").String(),
		"audience_mismatch":      good.Set("aud", "https://api.example").String(),
		"key_unknown":            good.SetHeader("kid", "unknown").String(),
		"signature_invalid":      good.Tampered().String(),
	}, nil
}

// validates is a path through Validate that ends with a code, "" for admitted.
func (a *api) validates(ctx context.Context, token, code string) func() error {
	return func() error {
		_, err := a.auth.Validate(ctx, token)
		e, _ := err.(*cognitoauth.Error)
		switch {
		case err == nil && code == "", e != nil && e.Code == code:
			return nil
		}
		return fmt.Errorf("%v, expected %q", err, code)
	}
}

// admits is a path through Admit.
func (a *api) admits(ctx context.Context) func() error {
	header := http.Header{"Authorization": {"Bearer " + a.token}}
	return func() error {
		_, err := a.auth.Admit(ctx, header, "/shop.Orders/List", cognitoauth.Authenticated())
		return err
	}
}

// serves is a path through Wrap that ends with a status, and with a code if it
// refuses.
func (a *api) serves(method, target, authorization string, status int, code string) func() error {
	return asks(a.auth.Wrap(routes()), method, target, authorization, status, code)
}

// asks is a path through a handler.
func asks(h http.Handler, method, target, authorization string, status int, code string) func() error {
	r := httptest.NewRequest(method, target, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := &answer{header: http.Header{}}
	return func() error {
		clear(w.header)
		w.status, w.refused = 0, w.refused[:0]
		h.ServeHTTP(w, r)
		if w.status != status || code != "" && !strings.Contains(string(w.refused), `"`+code+`"`) {
			return errors.New("status " + fmt.Sprint(w.status) + " " + string(w.refused) + ", expected " + fmt.Sprint(status) + " " + code)
		}
		return nil
	}
}

// routes is a mux of 100 routes.
func routes() *http.ServeMux {
	mux := http.NewServeMux()
	okay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for i := range 94 {
		mux.Handle(fmt.Sprintf("GET /things%d/{id}", i), okay)
	}
	mux.Handle("GET /me", okay)
	mux.Handle("GET /orders", cognitoauth.Require(cognitoauth.Scope("orders/read"), okay))
	mux.Handle("GET /refunds", cognitoauth.Require(cognitoauth.Scope("refunds/write"), okay))
	mux.Handle("GET /audit", cognitoauth.Require(cognitoauth.Group("auditors"), okay))
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(okay))
	mux.Handle("GET /start", cognitoauth.Optional(okay))
	return mux
}

// answer is a ResponseWriter that allocates nothing from the second answer on.
type answer struct {
	header  http.Header
	status  int
	refused []byte
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.refused = append(w.refused, b...)
	return len(b), nil
}
