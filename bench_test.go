package cognitoauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// bench is one pool with its keys fetched, and a token of it.
type bench struct {
	pool  *cognitotest.Pool
	auth  *cognitoauth.Middleware
	token string
}

// newBench makes one with a cache of so many tokens; -1: none.
func newBench(b testing.TB, tokenCache int) bench {
	b.Helper()
	return newBenchOf(b, tokenCache, cognitotest.Options{})
}

// newEscapedBench is newBench with tokens as Cognito wrote them until 2025.
func newEscapedBench(b testing.TB, tokenCache int) bench {
	b.Helper()
	return newBenchOf(b, tokenCache, cognitotest.Options{EscapedSlashes: true})
}

func newBenchOf(b testing.TB, tokenCache int, o cognitotest.Options) bench {
	b.Helper()
	o.InProcess = true
	pool := cognitotest.NewPool(b, o)
	cfg := pool.Config()
	cfg.TokenCache = tokenCache
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := auth.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	return bench{pool, auth, pool.AccessToken().Scopes("orders/read", "orders/write").Groups("staff", "admin").String()}
}

// verifier returns SHA-256 plus one RSA verification of the token, with nothing
// around it: the floor that every verifier of RS256 stands on.
func (f bench) verifier(b *testing.B) func() {
	b.Helper()
	signed, sig, _ := cutLast(f.token)
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		b.Fatal(err)
	}
	var set struct {
		Keys []struct{ Kid, N string }
	}
	var header struct{ Kid string }
	first, _, _ := strings.Cut(f.token, ".")
	doc, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(doc, &header); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(f.pool.KeySet(), &set); err != nil {
		b.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Kid != header.Kid {
			continue
		}
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			b.Fatal(err)
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		input := []byte(signed)
		return func() {
			sum := sha256.Sum256(input)
			if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Fatal("the token's key is not in the set")
	return nil
}

func cutLast(token string) (signed, signature string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:], i >= 0
}

// BenchmarkFloor is what the other figures are ratios to.
func BenchmarkFloor(b *testing.B) {
	verify := newBench(b, -1).verifier(b)
	b.ReportAllocs()
	for b.Loop() {
		verify()
	}
}

// BenchmarkValidate is a validation with the keys at hand: in full, and of a
// token that was verified before; of a token as Cognito writes it, and as Cognito
// wrote it until 2025, with every slash escaped.
//
// A full one allocates the claims, the record of the payload, and the list of errors in
// golang-jwt's validator; the signature nothing. Where crypto/rsa verifies it, see
// enforced, that makes nine allocations, and golang-jwt three. A remembered one
// allocates the caller's claims. What Wrap adds is the request, which nobody but
// net/http can put a context into without a copy: the context is a part of what has
// the claims.
func BenchmarkValidate(b *testing.B) {
	for _, run := range []struct {
		name string
		make func(testing.TB, int) bench
		size int
	}{
		{"cache=off", newBench, -1}, {"cache=hit", newBench, 0},
		{"cache=off,slashes=escaped", newEscapedBench, -1}, {"cache=hit,slashes=escaped", newEscapedBench, 0},
	} {
		b.Run(run.name, func(b *testing.B) {
			f := run.make(b, run.size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.auth.Validate(context.Background(), f.token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func hundredRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for i := range 98 {
		mux.Handle(fmt.Sprintf("GET /things%d/{id}", i), nothing)
	}
	mux.Handle("GET /me", nothing)
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(nothing))
	return mux
}

// BenchmarkWrap is a request through the middleware over a mux of 100 routes,
// authenticated and anonymous, and the bare mux.
func BenchmarkWrap(b *testing.B) {
	f, hit := newBench(b, -1), newBench(b, 0)
	mux := hundredRoutes()
	for _, run := range []struct {
		name    string
		handler http.Handler
		path    string
		token   string
	}{
		{"route=bare", mux, "/me", ""},
		{"route=authenticated", f.auth.Wrap(mux), "/me", f.token},
		{"route=authenticated,cache=hit", hit.auth.Wrap(mux), "/me", hit.token},
		{"route=anonymous", f.auth.Wrap(mux), "/healthz", ""},
	} {
		b.Run(run.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", run.path, nil)
			r.Header.Set("Authorization", "Bearer "+run.token)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				run.handler.ServeHTTP(w, r)
			}
			if w.Code != http.StatusOK {
				b.Fatalf("status %d", w.Code)
			}
		})
	}
}

// BenchmarkRoute is what Wrap adds to a mux of so many routes: the same request,
// of an anonymous route, with and without it. Wrap asks the mux once, which
// then asks itself again, so about twice the mux alone is to be expected, and
// nothing that grows beyond that with the routes.
func BenchmarkRoute(b *testing.B) {
	auth := newBench(b, -1).auth
	open := cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, size := range []int{10, 100, 1000} {
		for _, kind := range []struct{ name, pattern, path string }{
			{"static", "GET /things/%d", "/things/5"},
			{"wildcard", "GET /things%d/{id}/parts/{part}", "/things5/one/parts/two"},
			{"nested", "GET /api/v1/things/%d", "/api/v1/things/5"},
		} {
			mux := http.NewServeMux()
			for i := range size {
				mux.Handle(fmt.Sprintf(kind.pattern, i), open)
			}
			if kind.name == "nested" {
				for _, prefix := range []string{"/api/v1/", "/api/", "/"} {
					outer := http.NewServeMux()
					outer.Handle(prefix, mux)
					mux = outer
				}
			}
			for _, run := range []struct {
				name    string
				handler http.Handler
			}{{"mux", mux}, {"wrap", auth.Wrap(mux)}} {
				b.Run(fmt.Sprintf("%s/routes=%d/%s", kind.name, size, run.name), func(b *testing.B) {
					r := httptest.NewRequest("GET", kind.path, nil)
					w := httptest.NewRecorder()
					b.ReportAllocs()
					for b.Loop() {
						run.handler.ServeHTTP(w, r)
					}
					if w.Code != http.StatusOK {
						b.Fatalf("status %d", w.Code)
					}
				})
			}
		}
	}
}

// refusals are what BenchmarkRefuse and TestAllocations refuse, by code. Their
// headers are known, except where a header is the point.
func (f bench) refusals(tb testing.TB, o cognitotest.Options) map[string]string {
	o.InProcess, o.ID = true, "eu-west-1_Other0001"
	other := cognitotest.NewPool(tb, o)
	header := `{"kid":"x","alg":"HS256"}`
	return map[string]string{
		"token_too_large":       strings.Repeat("a", 40<<10),
		"token_malformed":       f.token[:len(f.token)-1] + "!",
		"algorithm_unsupported": base64.RawURLEncoding.EncodeToString([]byte(header)) + f.token[strings.IndexByte(f.token, '.'):],
		"issuer_mismatch":       other.AccessToken().String(),
		"token_use_mismatch":    f.pool.IDToken().String(),
		"token_expired":         f.pool.AccessToken().ExpiresIn(-time.Hour).String(),
		"client_mismatch":       f.pool.AccessToken().Client("another1client").String(),
		"key_unknown":           f.pool.AccessToken().SetHeader("kid", "unknown").String(),
		"signature_invalid":     f.pool.AccessToken().Tampered().String(),
	}
}

// BenchmarkRefuse is a refusal for each reason, as Validate returns it: an
// *Error whose Detail nobody has asked for.
func BenchmarkRefuse(b *testing.B) {
	for _, slashes := range []string{"", ",slashes=escaped"} {
		o := cognitotest.Options{EscapedSlashes: slashes != ""}
		f := newBenchOf(b, 0, o)
		if _, err := f.auth.Validate(b.Context(), f.token); err != nil { // its header is known now
			b.Fatal(err)
		}
		tokens := f.refusals(b, o)
		for _, code := range slices.Sorted(maps.Keys(tokens)) {
			b.Run("code="+code+slashes, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := f.auth.Validate(context.Background(), tokens[code])
					if e, ok := err.(*cognitoauth.Error); !ok || e.Code != code {
						b.Fatalf("%v", err)
					}
				}
			})
		}
	}
}

// TestAllocations holds the hot paths to the allocations that were settled on, for
// tokens as Cognito writes them and as it wrote them until 2025. crypto/rsa makes 9
// of those of a signature, golang-jwt three. Where FIPS 140-3 is enforced crypto/rsa
// makes a hash more, to see whether it is an approved one. A refusal makes one, its
// Error; the further ones are of a header that is not known the kid (1) and an alg that
// is not RS256 (1), the texts that the Error names, the error of golang-jwt about a
// time (2), and, where the times are good, its empty list (1).
func TestAllocations(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	t.Run("slashes=plain", func(t *testing.T) { testAllocations(t, cognitotest.Options{}) })
	t.Run("slashes=escaped", func(t *testing.T) { testAllocations(t, cognitotest.Options{EscapedSlashes: true}) })
}

// enforced is how many allocations a signature makes beyond those of TestAllocations.
func enforced() float64 {
	switch {
	case fips140.Enforced():
		return 13
	case lab.StandardRS256():
		return 12
	}
	return 0
}

func testAllocations(t *testing.T, o cognitotest.Options) {
	full, hit := newBenchOf(t, -1, o), newBenchOf(t, 0, o)
	ok := func(f bench) func() error {
		return func() error {
			_, err := f.auth.Validate(context.Background(), f.token)
			return err
		}
	}
	type row struct {
		name  string
		most  float64
		again func() error
	}
	rows := []row{
		{"in full", 3 + enforced(), ok(full)},
		{"seen before", 1, ok(hit)},
		{"in full, by Wrap", 4 + enforced(), full.request(t)},
		{"seen before, by Wrap", 2, hit.request(t)},
		{"anonymous, by Wrap", 0, hit.anonymous(t)},
	}
	tokens := hit.refusals(t, o)
	for code, most := range map[string]float64{
		"token_too_large": 1, "token_malformed": 1, "algorithm_unsupported": 2, "issuer_mismatch": 3, "token_use_mismatch": 3,
		"token_expired": 3, "client_mismatch": 3, "key_unknown": 3, "signature_invalid": 2 + enforced(),
	} {
		rows = append(rows, row{"refused with " + code, most, func() error {
			_, err := hit.auth.Validate(context.Background(), tokens[code])
			if e, ok := err.(*cognitoauth.Error); !ok || e.Code != code {
				return fmt.Errorf("%v, want %s", err, code)
			}
			return nil
		}})
	}
	for _, row := range rows {
		var err error
		got := testing.AllocsPerRun(100, func() { err = errors.Join(err, row.again()) })
		if err != nil || got > row.most {
			t.Errorf("%s: %v allocations, want %v at most; %v", row.name, got, row.most, err)
		}
	}
}

// Each validation allocates Claims, and a request through Wrap a little more, so a
// field more is paid on every hit: the next size of the allocator is 320 bytes.
func TestClaims_size(t *testing.T) {
	if got := unsafe.Sizeof(cognitoauth.Claims{}); unsafe.Sizeof(uintptr(0)) == 8 && got > 288 {
		t.Errorf("Claims have %d bytes, want 288 at most", got)
	}
}

// With the keys of 300 pools, each of which signs with two spellings of its header,
// a validation takes as many allocations as with one pool.
func TestAllocations_manyPools(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	const pools = 300
	mint := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	base := mint.AccessToken()
	cfg := cognitoauth.Config{TokenCache: -1}
	var tokens []string
	for i := range pools {
		id, kid := fmt.Sprintf("eu-west-1_Pool%05d", i), fmt.Sprintf("key/%05d", i)
		set := bytes.ReplaceAll(mint.KeySet(), []byte(base.KeyID()), []byte(kid))
		pool := mint.Config().Pools[0] // which may have the kit's keys
		pool.ID, pool.JWKS = id, set
		cfg.Pools = append(cfg.Pools, pool)
		token := base.Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/"+id)
		for _, header := range []string{`{"kid":"` + kid + `","alg":"RS256"}`, `{"kid":"` + strings.ReplaceAll(kid, "/", `\/`) + `","alg":"RS256"}`} {
			tokens = append(tokens, token.Header([]byte(header)).String())
		}
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// AllocsPerRun calls once before it counts: then every header is known.
	got := testing.AllocsPerRun(5, func() {
		for _, token := range tokens {
			if _, err := auth.Validate(context.Background(), token); err != nil {
				t.Fatal(err)
			}
		}
	})
	if got /= float64(len(tokens)); got > 3.5+enforced() { // a collection empties a sync.Pool
		t.Errorf("%.2f allocations for each validation, want %v as with one pool", got, 3+enforced())
	}
}

// request sends the token through Wrap over a mux of 100 routes.
func (f bench) request(tb testing.TB) func() error {
	tb.Helper()
	h := f.auth.Wrap(hundredRoutes())
	r := httptest.NewRequest("GET", "/me", nil)
	r.Header.Set("Authorization", "Bearer "+f.token)
	w := &httptest.ResponseRecorder{Code: http.StatusTeapot} // until somebody answers
	return func() error {
		if h.ServeHTTP(w, r); w.Code != http.StatusTeapot {
			return fmt.Errorf("status %d", w.Code)
		}
		return nil
	}
}

// anonymous asks for an open route of it.
func (f bench) anonymous(tb testing.TB) func() error {
	tb.Helper()
	h := f.auth.Wrap(hundredRoutes())
	r := httptest.NewRequest("GET", "/healthz", nil)
	w := &httptest.ResponseRecorder{Code: http.StatusTeapot}
	return func() error {
		if h.ServeHTTP(w, r); w.Code != http.StatusTeapot {
			return fmt.Errorf("status %d", w.Code)
		}
		return nil
	}
}
