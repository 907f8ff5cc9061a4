package cognitotest_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"go/build"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/kit"
)

func TestIssuerFollowsID(t *testing.T) {
	for id, want := range map[string]string{
		"":                     "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
		"us-gov-west-1_Ab1":    "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Ab1",
		"cn-north-1_Ab1":       "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1",
		"eusc-de-east-1_Ab1":   "https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_Ab1",
		"ap-southeast-2_XyZ09": "https://cognito-idp.ap-southeast-2.amazonaws.com/ap-southeast-2_XyZ09",
	} {
		pool := cognitotest.NewPool(t, cognitotest.Options{ID: id, InProcess: true})
		if pool.Issuer() != want || !strings.HasSuffix(want, "/"+pool.ID()) {
			t.Errorf("pool %q: issuer %q, want %q", pool.ID(), pool.Issuer(), want)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	for name, o := range map[string]cognitotest.Options{
		"id without region":  {ID: "AbCdEf123", InProcess: true},
		"id with a slash":    {ID: "eu-west-1_a/b", InProcess: true},
		"id with a newline":  {ID: "eu-west-1_a\n", InProcess: true},
		"identity pool":      {ID: "eu-west-1:00000000-0000-0000-0000-000000000000", InProcess: true},
		"an empty client id": {ClientIDs: []string{"a", ""}, InProcess: true},
	} {
		if _, err := cognitotest.Start(o); err == nil || !strings.HasPrefix(err.Error(), "cognitotest: ") {
			t.Errorf("%s: error %v, want one of cognitotest", name, err)
		}
		tb := new(recordingTB)
		if cognitotest.NewPool(tb, o) != nil || tb.fatal == "" || len(tb.cleanups) > 0 {
			t.Errorf("%s: NewPool went on", name)
		}
	}
}

func TestNewPoolEndsWithTest(t *testing.T) {
	tb := new(recordingTB)
	pool := cognitotest.NewPool(tb, cognitotest.Options{})
	u, err := url.Parse(pool.JWKSURL())
	if err != nil || !strings.HasPrefix(u.Host, "127.0.0.1:") {
		t.Fatalf("key set at %s, want it on loopback", pool.JWKSURL())
	}
	// A body that never comes keeps the server from seeing that the client
	// left.
	pool.SetFault(cognitotest.Fault{Hang: true})
	const many = 32
	hung := make([]net.Conn, many)
	for i := range hung {
		if hung[i], err = net.Dial("tcp", u.Host); err != nil {
			t.Fatal(err)
		}
		defer hung[i].Close()
		fmt.Fprintf(hung[i], "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", u.Path)
	}
	for pool.Fetches() < many {
		runtime.Gosched()
	}
	if got := answering(); got != many {
		t.Fatalf("%d requests hang, want %d", got, many)
	}

	for _, end := range tb.cleanups {
		end()
	}
	// A goroutine that has ended its work may need a moment to be gone.
	for tries := 0; answering() != 0 && tries < 10_000; tries++ {
		runtime.Gosched()
	}
	if got := answering(); got != 0 {
		t.Errorf("%d requests outlived the pool", got)
	}
	for _, conn := range hung {
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("a request that hung got %q", answer)
		}
	}
	if conn, err := net.Dial("tcp", u.Host); err == nil {
		conn.Close()
		t.Error("the listener outlived the pool")
	}
	if _, err := pool.Client().Get(pool.JWKSURL()); err == nil {
		t.Error("the in-process endpoint outlived the pool")
	}
	if err := verify(pool.KeySet(), pool.AccessToken().String(), "RS256"); err != nil {
		t.Errorf("token of a closed pool: %v", err)
	}
	pool.Close()
}

// answering counts the requests that a pool is answering over a socket.
func answering() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return bytes.Count(stacks, []byte("cognitotest.(*Pool).serve("))
}

func TestInProcessPoolHasNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	get(t, pool.Client(), pool.JWKSURL())
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestKeySetHasMembersOfCognito(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	var set map[string][]json.RawMessage
	if err := json.Unmarshal(pool.KeySet(), &set); err != nil || len(set) != 1 {
		t.Fatalf("key set %s: %v, want an object of keys alone", pool.KeySet(), err)
	}
	if len(set["keys"]) != 2 {
		t.Fatalf("%d keys, want 2", len(set["keys"]))
	}
	for _, raw := range set["keys"] {
		if got := memberNames(t, raw); !slices.Equal(got, []string{"alg", "e", "kid", "kty", "n", "use"}) {
			t.Errorf("members %q", got)
		}
		var k map[string]string
		if err := json.Unmarshal(raw, &k); err != nil {
			t.Fatal(err)
		}
		if k["alg"] != "RS256" || k["e"] != "AQAB" || k["kty"] != "RSA" || k["use"] != "sig" {
			t.Errorf("key %s", raw)
		}
		if n, err := base64.RawURLEncoding.DecodeString(k["n"]); err != nil || len(n) != 256 || n[0] < 0x80 {
			t.Errorf("modulus of %d bytes, %v, want 2048 bits", len(n), err)
		}
		// Cognito's own: 32 bytes in the standard alphabet, padded.
		kid := k["kid"]
		if b, err := base64.StdEncoding.Strict().DecodeString(kid); err != nil || len(b) != 32 || len(kid) != 44 {
			t.Errorf("kid %q: %d bytes, %v", kid, len(b), err)
		}
		if !strings.Contains(kid, "+") || !strings.Contains(kid, "/") || !strings.HasSuffix(kid, "=") {
			t.Errorf("kid %q lacks one of + / =", kid)
		}
	}
}

func TestRotation(t *testing.T) {
	for _, way := range []struct {
		name  string
		steps []func(*cognitotest.Pool)
		keys  int
		old   bool // a token from before still verifies
		fresh bool // a token from afterwards has another key
	}{
		{"none", nil, 2, true, false},
		{"published", steps((*cognitotest.Pool).PublishNext), 4, true, false},
		{"published twice is once", steps((*cognitotest.Pool).PublishNext, (*cognitotest.Pool).PublishNext), 4, true, false},
		{"published and active", steps((*cognitotest.Pool).PublishNext, (*cognitotest.Pool).Activate), 4, true, true},
		{"active without notice", steps((*cognitotest.Pool).Activate), 4, true, true},
		{"active, old ones withdrawn", steps((*cognitotest.Pool).Activate, (*cognitotest.Pool).Retire), 2, false, true},
		{"nothing to withdraw", steps((*cognitotest.Pool).Retire), 2, true, false},
		{"next ones are not withdrawn", steps((*cognitotest.Pool).PublishNext, (*cognitotest.Pool).Retire), 4, true, false},
		{"active twice", steps((*cognitotest.Pool).Activate, (*cognitotest.Pool).Activate), 6, true, true},
		{"rotated", steps((*cognitotest.Pool).Rotate), 2, false, true},
		{"published and rotated", steps((*cognitotest.Pool).PublishNext, (*cognitotest.Pool).Rotate), 2, false, true},
		{"rotated twice", steps((*cognitotest.Pool).Rotate, (*cognitotest.Pool).Rotate), 2, false, true},
	} {
		t.Run(way.name, func(t *testing.T) {
			pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
			before := []*cognitotest.Token{pool.AccessToken(), pool.IDToken()}
			for _, step := range way.steps {
				step(pool)
			}
			set := get(t, pool.Client(), pool.JWKSURL())
			if got := bytes.Count(set, []byte(`"kid"`)); got != way.keys {
				t.Errorf("%d keys published, want %d", got, way.keys)
			}
			for i, after := range []*cognitotest.Token{pool.AccessToken(), pool.IDToken()} {
				if err := verify(set, before[i].String(), "RS256"); (err == nil) != way.old {
					t.Errorf("old token: %v, want it to verify: %v", err, way.old)
				}
				if err := verify(set, after.String(), "RS256"); err != nil {
					t.Errorf("new token: %v", err)
				}
				if got := after.KeyID() != before[i].KeyID(); got != way.fresh {
					t.Errorf("new key id: %v, want %v", got, way.fresh)
				}
				if got := !after.Key().Equal(before[i].Key()); got != way.fresh {
					t.Errorf("new key: %v, want %v", got, way.fresh)
				}
			}
		})
	}
}

func TestNextKeysSignOnceActive(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	pool.PublishNext()
	published := pool.KeySet()
	if pool.PublishNext(); !bytes.Equal(pool.KeySet(), published) {
		t.Error("publishing again changed the key set")
	}
	pool.Activate()
	for _, tok := range []*cognitotest.Token{pool.AccessToken(), pool.IDToken()} {
		if err := verify(published, tok.String(), "RS256"); err != nil {
			t.Errorf("signed by another key than the one announced: %v", err)
		}
	}
}

func steps(s ...func(*cognitotest.Pool)) []func(*cognitotest.Pool) { return s }

func TestOpenPoolsShareNoKey(t *testing.T) {
	// More than the fixed keys suffice for.
	seen := make(map[string]string)
	for i := range 9 {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		for kind, tok := range map[string]*cognitotest.Token{"access": pool.AccessToken(), "ID": pool.IDToken()} {
			who := fmt.Sprint(kind, " of pool ", i)
			for _, unique := range []string{tok.Key().N.String(), tok.KeyID()} {
				if seen[unique] != "" {
					t.Errorf("key or key id of %s is that of %s", who, seen[unique])
				}
				seen[unique] = who
			}
		}
	}
}

func TestStartHasFreshKeys(t *testing.T) {
	public, err := os.ReadFile("testkeys.pem")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(public, []byte("TEST ONLY")) {
		t.Error("testkeys.pem does not say what it is")
	}
	pool, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	mine := []*cognitotest.Token{pool.AccessToken(), pool.IDToken()}
	pool.Rotate()
	mine = append(mine, pool.AccessToken(), pool.IDToken())

	n := 0
	for block, rest := pem.Decode(public); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(mine, func(m *cognitotest.Token) bool { return m.Key().Equal(key) }) {
			t.Error("Start uses a key that everybody has")
		}
		n++
	}
	if n < 8 {
		t.Errorf("%d keys in testkeys.pem", n)
	}
}

func TestConfig(t *testing.T) {
	const original = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	now := func() time.Time { return time.Unix(1, 0) }
	clients := []string{"a", "b"}

	listening := cognitotest.NewPool(t, cognitotest.Options{ClientIDs: clients})
	c := listening.Config()
	if p := c.Pools[0]; len(c.Pools) != 1 || p.ID != "eu-west-1_AbCdEf123" || !slices.Equal(p.ClientIDs, clients) || p.Issuer != "" {
		t.Errorf("pool %+v", p)
	}
	if c.Pools[0].JWKSURL != listening.JWKSURL() || c.HTTPClient != nil || c.Now != nil {
		t.Error("configuration of a pool with a listener has another key source or clock")
	}
	c.Pools[0].ClientIDs[0] = "changed"
	if listening.Config().Pools[0].ClientIDs[0] != "a" || listening.ClientID() != "a" {
		t.Error("two configurations share memory")
	}

	for _, row := range []struct{ name, issuer, want string }{
		{"original form is known", original, ""},
		{"updated form is known", strings.Replace(original, "cognito-idp", "issuer-cognito-idp", 1), ""},
		{"emulator's is not", "http://localhost:9229/eu-west-1_AbCdEf123", "http://localhost:9229/eu-west-1_AbCdEf123"},
		{"one with another path is not", "https://tokens.example/pools/1", "https://tokens.example/pools/1"},
		{"replica region's is not", strings.Replace(original, "idp.eu-west-1", "idp.us-east-1", 1), "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbCdEf123"},
	} {
		pool := cognitotest.NewPool(t, cognitotest.Options{Issuer: row.issuer, Now: now, InProcess: true})
		c := pool.Config()
		if c.Pools[0].Issuer != row.want || c.Pools[0].JWKSURL != "" || pool.Issuer() != row.issuer {
			t.Errorf("%s: pool %+v", row.name, c.Pools[0])
		}
		if c.Now == nil || !c.Now().Equal(now()) || !pool.Now().Equal(now()) {
			t.Errorf("%s: the clock is lost", row.name)
		}
		if got := get(t, c.HTTPClient, row.issuer+"/.well-known/jwks.json"); !bytes.Equal(got, pool.KeySet()) {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

func TestConfigAdmitsTokensOfPool(t *testing.T) {
	const updated = "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	past := func() time.Time { return time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC) }
	stranger := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	for name, o := range map[string]cognitotest.Options{
		"socket":                      {},
		"process":                     {InProcess: true},
		"clock":                       {InProcess: true, Now: past},
		"updated issuer":              {InProcess: true, Issuer: updated},
		"issuer of emulator":          {Issuer: "http://localhost:9229/eu-west-1_AbCdEf123"},
		"issuer of emulator, process": {InProcess: true, Issuer: "http://localhost:9229/eu-west-1_AbCdEf123"},
	} {
		pool := cognitotest.NewPool(t, o)
		auth, err := cognitoauth.New(pool.Config())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for kind, tok := range map[string]*cognitotest.Token{"access": pool.AccessToken(), "machine": pool.MachineToken()} {
			if _, err := auth.Validate(t.Context(), tok.String()); err != nil {
				t.Errorf("%s: %s token: %v", name, kind, err)
			}
		}
		if pool.Fetches() == 0 {
			t.Errorf("%s: the keys came from elsewhere", name)
		}
		forged := stranger.AccessToken().Set("iss", pool.Issuer()).Set("exp", pool.Now().Add(time.Hour)).Set("iat", pool.Now())
		if _, err := auth.Validate(t.Context(), forged.String()); !errors.Is(err, cognitoauth.ErrInvalidToken) {
			t.Errorf("%s: token of another pool: %v", name, err)
		}
	}
}

func TestWithClaims(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	r := httptest.NewRequest("GET", "/", nil)
	for name, want := range map[string]*cognitoauth.Claims{
		"claims of a token": pool.AccessToken().User("joe").Claims(),
		"hand-made claims":  {Username: "joe"},
	} {
		got, ok := cognitoauth.FromContext(cognitotest.WithClaims(r, want).Context())
		if !ok || got.Username != "joe" {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	if _, ok := cognitoauth.FromContext(r.Context()); ok {
		t.Error("the request given has claims now")
	}
}

// A token that has expired is refused by the middleware of the pool's own Config,
// whatever that forgives, and one that has not is let in.
func TestExpiresInIsWhatTheMiddlewareSees(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[time.Duration]string{
		time.Minute: "", time.Second: "", 0: "token_expired", -1: "token_expired", -29 * time.Second: "token_expired", -30 * time.Second: "token_expired", -time.Hour: "token_expired",
	} {
		code := ""
		if _, err := auth.Validate(t.Context(), pool.AccessToken().ExpiresIn(d).String()); err != nil {
			code = err.(*cognitoauth.Error).Code
		}
		if code != want {
			t.Errorf("ExpiresIn(%s): code %q, want %q", d, code, want)
		}
	}
}

// Claims that a test writes by hand are those of a token: they meet the policies
// that their fields meet, and WithExpiry has not ended.
func TestWithClaimsByHand(t *testing.T) {
	for _, row := range []struct {
		name   string
		claims cognitoauth.Claims
		policy cognitoauth.Policy
		status int
	}{
		{"a subject alone", cognitoauth.Claims{Subject: "s"}, cognitoauth.Authenticated(), 200},
		{"a user", cognitoauth.Claims{Subject: "s", Username: "jane"}, cognitoauth.UserToken(), 200},
		{"a user with a token use", cognitoauth.Claims{Subject: "s", Username: "jane", TokenUse: cognitoauth.AccessToken}, cognitoauth.UserToken(), 200},
		{"a user is no machine", cognitoauth.Claims{Subject: "s", Username: "jane"}, cognitoauth.MachineToken(), 403},
		{"a machine", cognitoauth.Claims{Subject: "1client", ClientID: "1client"}, cognitoauth.MachineToken(), 200},
		{"an ID token", cognitoauth.Claims{Subject: "s", TokenUse: cognitoauth.IDToken}, cognitoauth.UserToken(), 200},
		{"nobody", cognitoauth.Claims{}, cognitoauth.Authenticated(), 401},
		{"a client", cognitoauth.Claims{ClientID: "1client"}, cognitoauth.ClientID("1client"), 200},
		{"another client", cognitoauth.Claims{ClientID: "1client"}, cognitoauth.ClientID("2client"), 403},
		{"a login of a minute ago", cognitoauth.Claims{Username: "jane", AuthTime: time.Now().Add(-time.Minute)}, cognitoauth.AuthenticatedWithin(time.Hour), 200},
	} {
		before, after := row.claims, (*cognitoauth.Claims)(nil)
		h := cognitoauth.Require(row.policy, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			after, _ = cognitoauth.FromContext(r.Context())
			if ctx, cancel := cognitoauth.WithExpiry(r.Context(), after); ctx.Err() != nil {
				t.Errorf("%s: the context has ended", row.name)
			} else {
				cancel()
			}
		}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, cognitotest.WithClaims(httptest.NewRequest("GET", "/", nil), &row.claims))
		if w.Code != row.status || w.Code == 200 && (after.TokenUse == "" || after.Subject != before.Subject) {
			t.Errorf("%s: status %d, want %d; claims %v", row.name, w.Code, row.status, after)
		}
		if row.claims.TokenUse != before.TokenUse || !row.claims.Expiry.IsZero() {
			t.Errorf("%s: the test's own claims were changed", row.name)
		}
	}
}

// Any ID that a pool can have makes a Config that New accepts.
func TestConfigIsReadyForNew(t *testing.T) {
	for _, id := range []string{"eu-west-1_AbCdEf123", "cn-north-1_AbCdEf123", "local_AbCdEf123", "us-iso-east-1_AbCdEf123", "eu-west-1_" + strings.Repeat("A", 60)} {
		for _, inProcess := range []bool{false, true} {
			pool := cognitotest.NewPool(t, cognitotest.Options{ID: id, InProcess: inProcess})
			auth, err := cognitoauth.New(pool.Config())
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			if _, err := auth.Validate(t.Context(), pool.AccessToken().String()); err != nil {
				t.Errorf("%s, in process %t: %s", id, inProcess, err.(*cognitoauth.Error).Detail())
			}
		}
	}
}

func TestPoolIsSafeForConcurrentUse(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	shared := pool.AccessToken()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				pool.PublishNext()
				if err := verify(pool.KeySet(), shared.Set("a", 1).String(), "RS256"); err != nil {
					t.Error(err)
				}
				pool.SetFault(cognitotest.Fault{Status: 503}, cognitotest.Fault{})
				res, err := http.Get(pool.JWKSURL())
				if err != nil {
					t.Error(err)
					return
				}
				res.Body.Close()
				pool.SetFault()
				get2, err := pool.Client().Get(pool.JWKSURL())
				if err != nil {
					t.Error(err)
					return
				}
				get2.Body.Close()
				pool.IDToken().Claims()
			}
		})
	}
	wg.Wait()
	if pool.Fetches() != 40 || len(pool.Requests()) != 40 {
		t.Errorf("%d fetches, %d requests, want 40", pool.Fetches(), len(pool.Requests()))
	}
}

// A program that embeds the kit must not inherit the flags of package testing.
func TestKitDoesNotImportTesting(t *testing.T) {
	kit, err := build.ImportDir(".", 0)
	if err != nil || !slices.Contains(kit.Imports, "net/http") {
		t.Fatalf("imports %q, %v", kit.Imports, err)
	}
	for _, name := range kit.Imports {
		if name == "testing" || strings.HasPrefix(name, "testing/") || name == "net/http/httptest" {
			t.Errorf("cognitotest imports %s", name)
		}
	}
}

// recordingTB is a test that can be ended by hand.
type recordingTB struct {
	cleanups []func()
	fatal    string
}

func (r *recordingTB) Helper()                      {}
func (r *recordingTB) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recordingTB) Fatalf(form string, a ...any) { r.fatal = fmt.Sprintf(form, a...) }

var _ cognitotest.TB = testing.TB(nil)

// Every key of testkeys.pem, and no other, is one that the library skips.
func TestShippedKeysAreListed(t *testing.T) {
	rest, err := os.ReadFile("testkeys.pem")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		count++
		if !kit.Shipped(&key.PublicKey) {
			t.Errorf("key %d is not listed in internal/kit", count)
		}
		other := key.PublicKey
		if other.E = 3; !kit.Shipped(&other) {
			t.Errorf("key %d with another exponent is not skipped", count)
		}
	}
	if count == 0 {
		t.Error("no keys")
	}
	fresh, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if key := fresh.AccessToken().Key(); kit.Shipped(&key.PublicKey) {
		t.Error("a fresh key is taken for a shipped one")
	}
}

// The implications are those of the configuration and of the claims without it;
// a mistake in them is one of Start, as it is one of New.
func TestOptions_impliedScopes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ImpliedScopes: map[string][]string{"orders/admin": {"orders/read"}}})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	token := pool.AccessToken().Scopes("orders/admin")
	verified, err := auth.Validate(t.Context(), token.String())
	if err != nil {
		t.Fatal(err)
	}
	r := cognitotest.WithClaims(httptest.NewRequest("GET", "/", nil), token.Claims())
	carried, _ := cognitoauth.FromContext(r.Context())
	for _, c := range []*cognitoauth.Claims{verified, token.Claims(), carried} {
		if !c.HasScope("orders/read") || c.HasScope("orders/write") || cognitoauth.Scope("orders/read").Check(r, c) != nil {
			t.Errorf("%v, %v", c.HasScope("orders/read"), c.HasScope("orders/write"))
		}
	}
	if _, err := cognitotest.Start(cognitotest.Options{InProcess: true, ImpliedScopes: map[string][]string{"a": {"a"}}}); err == nil || !strings.Contains(err.Error(), "that scope itself") {
		t.Errorf("a scope that implies itself: %v", err)
	}
}
