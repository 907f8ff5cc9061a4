package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/benchmarks/build"
)

// contender is one way to verify a token, or to refuse one.
type contender struct {
	key     string   // in results.json
	name    string   // in tables
	modules []string // that are measured, none for ours
	version string   // where it is not one of modules
	as      string   // how it is called

	// worker makes a function that gives a verdict on a token: nil if it is
	// accepted. Each goroutine has one of its own. It has to be the same work
	// whatever the verdict.
	worker func(token string) func() error
	token  string // that is measured
	// refused is the code that token has to be refused with, "" if it is to be
	// accepted.
	refused string
	code    func(error) string // of a refusal; nil: build.Code, of this tree

	// loop verifies a token n times in another process and tells how long that took
	// there. nil: worker is run in a loop here.
	loop func(token string, n int) (time.Duration, error)

	oneCPU bool // measured on one CPU only
	// What it does not look at, because it cannot or because nothing in what
	// its documentation shows does.
	anyClient, anyIssuer, anyExpiry, anySignature bool

	fetches func() int // of the key set, so far
}

// measured is what is run in a loop: an error says that the figure would not be
// one of what it claims to be.
func (c contender) measured() func() error {
	try := c.worker(c.token)
	if c.refused == "" {
		return try
	}
	code := c.code
	if code == nil {
		code = build.Code
	}
	return func() error {
		if err := try(); code(err) != c.refused {
			return fmt.Errorf("refused with %v, expected %s", err, c.refused)
		}
		return nil
	}
}

// versions are those of what is measured.
func (c contender) versions() string {
	if c.version != "" {
		return c.version
	}
	return versions(c.modules)
}

// field is the pool, the token and everybody who is measured on them.
type field struct {
	pool       *cognitotest.Pool
	token      string
	stranger   *rsa.PrivateKey // that is not in the pool's key set
	contenders []contender
	node       *nodeInfo
	children   []*child
	close      func()
}

// newField starts the pool and makes all contenders; they have their keys when
// it returns.
func newField() (f *field, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	f, err = newPool()
	if err != nil {
		cancel()
		return nil, err
	}
	stop := f.close
	end := func() { stop(); cancel() } // stop lets the children end by themselves
	f.close = end
	defer func() {
		if err != nil { // and f is nil
			end()
		}
	}()
	floor, err := f.floor()
	if err != nil {
		return nil, err
	}
	ours, err := f.ours(ctx)
	if err != nil {
		return nil, err
	}
	peers, err := f.peers(ctx)
	if err != nil {
		return nil, err
	}
	elsewhere, err := f.nodePeers(ctx)
	if err != nil {
		return nil, err
	}
	refusals, err := f.refusals(ctx)
	if err != nil {
		return nil, err
	}
	f.contenders = slices.Concat([]contender{floor}, ours, peers, elsewhere, refusals)
	for i := range f.contenders {
		if f.contenders[i].token == "" {
			f.contenders[i].token = f.token
		}
		if err := f.contenders[i].measured()(); err != nil {
			return nil, fmt.Errorf("%s: %w", f.contenders[i].key, err)
		}
	}
	return f, nil
}

// newPool starts the pool and makes the token; there are no contenders yet.
func newPool() (*field, error) {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return nil, err
	}
	f := &field{pool: pool, token: tokenOf(pool).String()}
	f.close = func() {
		for _, c := range f.children {
			c.stop()
		}
		pool.Close()
	}
	if f.stranger, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// tokenOf is the token that everybody is measured on: an access token of a user
// with two scopes and two groups. Its aud names the app client, which a
// pre-token-generation trigger may add: without an aud no token passes
// auth0/go-jwt-middleware, and go-oidc only if it is told not to look.
func tokenOf(pool *cognitotest.Pool) *cognitotest.Token {
	return pool.AccessToken().Scopes("orders/read", "orders/write").Groups("staff", "admin").Set("aud", pool.ClientID())
}

// withClient makes the token one of another app client.
func withClient(t *cognitotest.Token, id string) *cognitotest.Token {
	return t.Client(id).Set("aud", id)
}

// publicKey is the key of that kid in the pool's key set.
func (f *field) publicKey(kid string) (*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kid, N string }
	}
	if err := json.Unmarshal(f.pool.KeySet(), &set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.Kid == kid {
			n, err := base64.RawURLEncoding.DecodeString(k.N)
			return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, err
		}
	}
	return nil, errors.New("the token's key is not in the key set")
}

// floor is SHA-256 over the signing input and one verification of an RSA-2048
// signature, with nothing around them: no verifier of RS256 that looks at the
// signature can do less.
func (f *field) floor() (contender, error) {
	key, err := f.publicKey(tokenOf(f.pool).KeyID())
	if err != nil {
		return contender{}, err
	}
	worker := func(token string) func() error {
		i := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[i+1:])
		input := []byte(token[:i])
		return func() error {
			sum := sha256.Sum256(input)
			return errors.Join(err, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature))
		}
	}
	return contender{key: "floor", name: "the floor", as: "SHA-256 and one RSA-2048 verification, bare", worker: worker,
		anyClient: true, anyIssuer: true, anyExpiry: true}, nil
}

// newAuth is a middleware of the pool that has its keys. cache is
// Config.TokenCache.
func (f *field) newAuth(ctx context.Context, cache int) (*cognitoauth.Middleware, error) {
	cfg := f.pool.Config()
	cfg.TokenCache = cache
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	return auth, auth.Ready(ctx)
}

const withoutCache, withCache = -1, 0

func validate(auth *cognitoauth.Middleware) func(token string) func() error {
	return func(token string) func() error {
		return func() error {
			_, err := auth.Validate(context.Background(), token)
			return err
		}
	}
}

// fetchesOf counts the fetches of the key set.
func fetchesOf(auth *cognitoauth.Middleware) func() int {
	return func() (n int) {
		for _, s := range auth.Status() {
			n += s.Fetches
		}
		return n
	}
}

func (f *field) ours(ctx context.Context) ([]contender, error) {
	full, err := f.newAuth(ctx, withoutCache)
	if err != nil {
		return nil, err
	}
	first, err := f.newAuth(ctx, withCache)
	if err != nil {
		return nil, err
	}
	second, err := f.newAuth(ctx, withCache)
	if err != nil {
		return nil, err
	}
	mux := routes()
	return []contender{
		{key: "full", name: "cognitoauth, in full", as: "`Validate`, no cache", worker: validate(full)},
		{key: "hit", name: "cognitoauth, token seen before", as: "`Validate`", worker: validate(first)},
		{key: "wrap-full", name: "cognitoauth, in full", as: "`Wrap` of 100 routes, no cache", worker: serve(full.Wrap(mux))},
		{key: "wrap-hit", name: "cognitoauth, token seen before", as: "`Wrap` of 100 routes", worker: serve(second.Wrap(mux))},
		{key: "mux", name: "no authentication", as: "the 100 routes alone", worker: serve(mux), anyClient: true, anyIssuer: true, anyExpiry: true, anySignature: true},
	}, nil
}

// routes is a mux of 100 routes that answer 204.
func routes() *http.ServeMux {
	mux := http.NewServeMux()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for i := range 99 {
		mux.Handle(fmt.Sprintf("GET /things%d/{id}", i), answer)
	}
	mux.Handle("GET /me", answer)
	return mux
}

// sink is an http.ResponseWriter that keeps the status alone.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// serve gives the verdict of a handler. Every request is one value, as
// net/http's server would hand it over; making it is not measured.
func serve(h http.Handler) func(token string) func() error {
	return func(token string) func() error {
		r := &http.Request{
			Method: http.MethodGet, Host: "api.example.com", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			URL:    &url.URL{Path: "/me"},
			Header: http.Header{"Authorization": {"Bearer " + token}},
		}
		w := &sink{header: http.Header{}}
		return func() error {
			w.status = 0
			h.ServeHTTP(w, r)
			if w.status != http.StatusNoContent {
				return fmt.Errorf("status %d", w.status)
			}
			return nil
		}
	}
}

// refusals are tokens that are turned away, by the middleware as it is unless
// configured otherwise, cache included.
func (f *field) refusals(ctx context.Context) ([]contender, error) {
	auth, err := f.newAuth(ctx, withCache)
	if err != nil {
		return nil, err
	}
	if _, err := auth.Validate(ctx, f.token); err != nil { // its header is known from now on
		return nil, err
	}
	tokens, err := f.refusedTokens()
	if err != nil {
		return nil, err
	}
	var all []contender
	for _, r := range tokens {
		all = append(all, contender{key: r.code, name: "cognitoauth, " + r.name, as: "`" + r.code + "`", worker: validate(auth),
			token: r.token, refused: r.code, oneCPU: true, fetches: fetchesOf(auth)})
	}
	return all, nil
}

// refusedToken is a token with one fault.
type refusedToken struct {
	before            string // which work the refusal spares, "" if none
	name, code, token string
}

// refusedTokens has one token for each reason to refuse, in the order in which
// the library looks for them.
func (f *field) refusedTokens() ([]refusedToken, error) {
	other, err := cognitotest.Start(cognitotest.Options{ID: "eu-west-1_Other0001", InProcess: true})
	if err != nil {
		return nil, err
	}
	defer other.Close()
	good := tokenOf(f.pool)
	dot := strings.IndexByte(f.token, '.')
	hs256 := base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"x","alg":"HS256"}`))
	const payload, signature = "payload", "signature"
	return []refusedToken{
		{payload, "over-long", "token_too_large", strings.Repeat("a", 40<<10)},
		{payload, "malformed", "token_malformed", f.token[:len(f.token)-1] + "!"},
		{payload, "another algorithm", "algorithm_unsupported", hs256 + f.token[dot:]},

		{signature, "another issuer", "issuer_mismatch", tokenOf(other).String()},
		{signature, "an ID token", "token_use_mismatch", f.pool.IDToken().String()},
		{signature, "expired", "token_expired", good.ExpiresIn(-time.Hour).String()},
		{signature, "another client", "client_mismatch", withClient(good, "another1client").String()},
		{signature, "unknown key", "key_unknown", good.SetHeader("kid", "unknown").String()},

		{"", "bad signature", "signature_invalid", good.Tampered().String()},
	}, nil
}
