package cognitoauth_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// bench is one pool with its keys fetched, and a token of it.
type bench struct {
	pool  *cognitotest.Pool
	auth  *cognitoauth.Middleware
	token string
}

// newBench makes one with a cache of so many tokens; -1: none.
func newBench(b *testing.B, tokenCache int) bench {
	b.Helper()
	pool := cognitotest.NewPool(b, cognitotest.Options{InProcess: true})
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
// token that was verified before.
//
// Of the 17 allocations of a full one, crypto/rsa makes 9 and golang-jwt's RS256
// three (its copy of the signing input, hash and sum); one each are the claims,
// their payload, their groups, keyfunc's closure, and the list of errors in
// golang-jwt's validator. A remembered one allocates the caller's claims.
func BenchmarkValidate(b *testing.B) {
	for _, run := range []struct {
		name  string
		cache int
	}{{"cache=off", -1}, {"cache=hit", 0}} {
		b.Run(run.name, func(b *testing.B) {
			f := newBench(b, run.cache)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.auth.Validate(context.Background(), f.token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrap is a request through the middleware over a mux of 100 routes,
// authenticated and anonymous, and the bare mux.
func BenchmarkWrap(b *testing.B) {
	f, hit := newBench(b, -1), newBench(b, 0)
	mux := http.NewServeMux()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for i := range 98 {
		mux.Handle(fmt.Sprintf("GET /things%d/{id}", i), nothing)
	}
	mux.Handle("GET /me", nothing)
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(nothing))
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

// BenchmarkRefuse is a refusal for each reason, as Validate returns it: an
// *Error whose Detail nobody has asked for.
func BenchmarkRefuse(b *testing.B) {
	f := newBench(b, 0)
	if _, err := f.auth.Validate(b.Context(), f.token); err != nil { // its header is known now
		b.Fatal(err)
	}
	other := cognitotest.NewPool(b, cognitotest.Options{InProcess: true, ID: "eu-west-1_Other0001"})
	header := `{"kid":"x","alg":"HS256"}`
	for _, run := range []struct{ code, token string }{
		{"token_too_large", strings.Repeat("a", 40<<10)},
		{"token_malformed", f.token[:len(f.token)-1] + "!"},
		{"algorithm_unsupported", base64.RawURLEncoding.EncodeToString([]byte(header)) + f.token[strings.IndexByte(f.token, '.'):]},
		{"issuer_mismatch", other.AccessToken().String()},
		{"token_use_mismatch", f.pool.IDToken().String()},
		{"token_expired", f.pool.AccessToken().ExpiresIn(-time.Hour).String()},
		{"client_mismatch", f.pool.AccessToken().Client("another1client").String()},
		{"key_unknown", f.pool.AccessToken().SetHeader("kid", "unknown").String()},
		{"signature_invalid", f.pool.AccessToken().Tampered().String()},
	} {
		b.Run("code="+run.code, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := f.auth.Validate(context.Background(), run.token)
				if e, ok := err.(*cognitoauth.Error); !ok || e.Code != run.code {
					b.Fatalf("%v", err)
				}
			}
		})
	}
}
