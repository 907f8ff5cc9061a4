package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-chi/jwtauth/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"

	jwxv2 "github.com/lestrrat-go/jwx/v2/jwt"
)

// peers are other libraries, each set up as its documentation shows for an API
// that gets its keys by URL, and where there are several ways, also by the
// fastest. What their documentation makes them compare with the token is
// configured: issuer, audience, algorithm.
func (f *field) peers(ctx context.Context) (all []contender, err error) {
	for _, peer := range []func(context.Context) ([]contender, error){f.golangJWT, f.auth0, f.goOIDC, f.jwx, f.jwtauth} {
		more, err := peer(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// golangJWT is keyfunc's README, which checks neither issuer nor client, and
// golang-jwt's example of a claims type with validation options and a Validate
// of its own.
func (f *field) golangJWT(ctx context.Context) ([]contender, error) {
	k, err := keyfunc.NewDefaultCtx(ctx, []string{f.pool.JWKSURL()})
	if err != nil {
		return nil, err
	}
	asShown := func(token string) func() error {
		return func() error {
			_, err := jwt.Parse(token, k.Keyfunc)
			return err
		}
	}
	check := placeOf(f.pool).golangJWT(k)
	atBest := func(token string) func() error {
		return func() error { return check(token) }
	}
	return []contender{
		{key: "golang-jwt", name: "golang-jwt, keyfunc", modules: golangJWTModules, as: "`jwt.Parse`, as keyfunc's README shows it", worker: asShown, anyClient: true, anyIssuer: true},
		{key: "golang-jwt-best", name: "golang-jwt, keyfunc", modules: golangJWTModules, as: "one `Parser` with options, a claims type with `Validate`", worker: atBest},
	}, nil
}

// golangJWT is the parser with options and the claims type, over these keys.
func (at place) golangJWT(k keyfunc.Keyfunc) func(token string) error {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(at.Issuer),
		jwt.WithExpirationRequired(), jwt.WithLeeway(30*time.Second))
	return func(token string) error {
		_, err := parser.ParseWithClaims(token, &cognitoClaims{wanted: at.ClientID}, k.Keyfunc)
		return err
	}
}

// cognitoClaims is a claims type of golang-jwt.
type cognitoClaims struct {
	TokenUse string   `json:"token_use"`
	ClientID string   `json:"client_id"`
	Username string   `json:"username"`
	Scope    string   `json:"scope"`
	Groups   []string `json:"cognito:groups"`
	jwt.RegisteredClaims

	wanted string
}

func (c *cognitoClaims) Validate() error {
	if c.TokenUse != "access" || c.ClientID != c.wanted {
		return errors.New("not an access token of this client")
	}
	return nil
}

// auth0 is the caching provider of the README's examples with the address of
// the key set, the validator, and the middleware.
func (f *field) auth0(context.Context) ([]contender, error) {
	v, err := placeOf(f.pool).auth0()
	if err != nil {
		return nil, err
	}
	check := func(token string) func() error {
		return func() error {
			_, err := v.ValidateToken(context.Background(), token)
			return err
		}
	}
	mux := routes()
	const name = "auth0/go-jwt-middleware"
	return []contender{
		{key: "auth0", name: name, modules: auth0Modules, as: "`ValidateToken`", worker: check},
		{key: "auth0-wrap", name: name, modules: auth0Modules, as: "`CheckJWT` of 100 routes", worker: serve(jwtmiddleware.New(v.ValidateToken).CheckJWT(mux))},
	}, nil
}

func (at place) auth0() (*validator.Validator, error) {
	issuer, err := url.Parse(at.Issuer)
	if err != nil {
		return nil, err
	}
	keys, err := url.Parse(at.JWKSURL)
	if err != nil {
		return nil, err
	}
	provider := jwks.NewCachingProvider(issuer, 5*time.Minute, jwks.WithCustomJWKSURI(keys))
	return validator.New(provider.KeyFunc, validator.RS256, at.Issuer, []string{at.ClientID},
		validator.WithAllowedClockSkew(30*time.Second))
}

// peerHandler is a whole server's handler by a peer.
func peerHandler(ctx context.Context, key string, at place, mux http.Handler) (http.Handler, error) {
	switch key {
	case "server-golang-jwt":
		k, err := keyfunc.NewDefaultCtx(ctx, []string{at.JWKSURL})
		if err != nil {
			return nil, err
		}
		return bearer(at.golangJWT(k), mux), nil
	case "server-auth0":
		v, err := at.auth0()
		if err != nil {
			return nil, err
		}
		return jwtmiddleware.New(v.ValidateToken).CheckJWT(mux), nil
	}
	return nil, fmt.Errorf("there is no server %q", key)
}

// goOIDC is the verifier for when the address of the key set is known. It has
// no middleware.
func (f *field) goOIDC(ctx context.Context) ([]contender, error) {
	keys := oidc.NewRemoteKeySet(ctx, f.pool.JWKSURL())
	v := oidc.NewVerifier(f.pool.Issuer(), keys, &oidc.Config{ClientID: f.pool.ClientID()})
	worker := func(token string) func() error {
		return func() error {
			_, err := v.Verify(context.Background(), token)
			return err
		}
	}
	return []contender{{key: "go-oidc", name: "coreos/go-oidc", modules: []string{"github.com/coreos/go-oidc/v3"}, as: "`Verify`, remote key set", worker: worker}}, nil
}

// jwx is jwt.Parse with a cached key set, and what its documentation has under
// "Performance": jws.Verify, and a plain struct to check oneself.
func (f *field) jwx(ctx context.Context) ([]contender, error) {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, err
	}
	if err := cache.Register(ctx, f.pool.JWKSURL()); err != nil {
		return nil, err
	}
	set, err := cache.CachedSet(f.pool.JWKSURL())
	if err != nil {
		return nil, err
	}
	issuer, client := f.pool.Issuer(), f.pool.ClientID()
	parse := func(token string) func() error {
		raw := []byte(token)
		return func() error {
			_, err := jwx.Parse(raw, jwx.WithKeySet(set), jwx.WithIssuer(issuer), jwx.WithAudience(client))
			return err
		}
	}
	plain := func(token string) func() error {
		raw := []byte(token)
		return func() error {
			payload, err := jws.Verify(raw, jws.WithKeySet(set))
			if err != nil {
				return err
			}
			var c plainClaims
			if err := json.Unmarshal(payload, &c); err != nil {
				return err
			}
			return c.check(issuer, client)
		}
	}
	const name = "lestrrat-go/jwx"
	modules := []string{"github.com/lestrrat-go/jwx/v3"}
	return []contender{
		{key: "jwx", name: name, modules: modules, as: "`jwt.Parse`, cached key set", worker: parse},
		{key: "jwx-best", name: name, modules: modules, as: "`jws.Verify` and a plain struct", worker: plain},
	}, nil
}

// plainClaims is the struct that jwx advises.
type plainClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	TokenUse string   `json:"token_use"`
	ClientID string   `json:"client_id"`
	Username string   `json:"username"`
	Scope    string   `json:"scope"`
	Groups   []string `json:"cognito:groups"`
	Expiry   int64    `json:"exp"`
}

func (c *plainClaims) check(issuer, client string) error {
	if c.Issuer != issuer || c.TokenUse != "access" || c.ClientID != client || time.Now().Unix() >= c.Expiry {
		return errors.New("not a current access token of this pool and client")
	}
	return nil
}

// jwtauth knows one key and no key set: it is given the one that verifies.
func (f *field) jwtauth(context.Context) ([]contender, error) {
	key, err := f.publicKey(tokenOf(f.pool).KeyID())
	if err != nil {
		return nil, err
	}
	auth := jwtauth.New("RS256", nil, key, jwxv2.WithIssuer(f.pool.Issuer()), jwxv2.WithAudience(f.pool.ClientID()))
	middlewares := []func(http.Handler) http.Handler{jwtauth.Verifier(auth), jwtauth.Authenticator(auth)}
	var h http.Handler = routes()
	for _, m := range slices.Backward(middlewares) {
		h = m(h)
	}
	return []contender{{key: "jwtauth", name: "go-chi/jwtauth", modules: []string{"github.com/go-chi/jwtauth/v5"}, as: "`Verifier`, `Authenticator` of 100 routes, one fixed key", worker: serve(h)}}, nil
}
