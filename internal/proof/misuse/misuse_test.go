// Package misuse_test uses the library wrongly: with hooks that do not return,
// with nil and zero values, with a Config that changes after New, with handlers
// that change their claims. Nobody gets in by it.
package misuse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// failures are the ways in which a hook may not return: a panic with any value,
// the one that net/http takes for "say nothing", and the end of its goroutine.
var failures = map[string]func(){
	"panics with a text":      func() { panic("boom") },
	"panics with an error":    func() { panic(errors.New("boom")) },
	"panics with a refusal":   func() { panic(&cognitoauth.Error{Status: 200}) },
	"panics with ErrNoToken":  func() { panic(cognitoauth.ErrNoToken) },
	"panics as net/http does": func() { panic(http.ErrAbortHandler) },
	"panics by a nil pointer": func() { _ = (*cognitoauth.Claims)(nil).Subject },
	"ends the goroutine":      runtime.Goexit,
}

// brokenHooks set one hook to call fail, and otherwise to let everything through.
var brokenHooks = map[string]func(c *cognitoauth.Config, fail func()){
	"ErrorHandler": func(c *cognitoauth.Config, fail func()) {
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			fail()
			cognitoauth.WriteError(w, r, e)
		}
	},
	"Assert": func(c *cognitoauth.Config, fail func()) {
		c.Fallback = cognitoauth.Or(cognitoauth.Assert("x", func(*http.Request, *cognitoauth.Claims) bool { fail(); return true }), cognitoauth.Authenticated())
	},
	"OnDecision": func(c *cognitoauth.Config, fail func()) {
		c.OnDecision = func(context.Context, cognitoauth.Decision) { fail() }
	},
	"TokenSource": func(c *cognitoauth.Config, fail func()) {
		c.TokenSource = func(r *http.Request) (string, error) {
			fail()
			return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), nil
		}
	},
	"Revoked": func(c *cognitoauth.Config, fail func()) {
		c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { fail(); return false, nil }
	},
	"Logger": func(c *cognitoauth.Config, fail func()) { c.Logger = slog.New(brokenLog{fail}) },
	"Now": func(c *cognitoauth.Config, fail func()) {
		c.Now = func() time.Time { fail(); return time.Now() }
	},
}

// brokenLog fails at each record.
type brokenLog struct{ fail func() }

func (l brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (l brokenLog) Handle(context.Context, slog.Record) error { l.fail(); return nil }
func (l brokenLog) WithAttrs([]slog.Attr) slog.Handler        { return l }
func (l brokenLog) WithGroup(string) slog.Handler             { return l }

// However a hook fails, the handler does not run and nothing is answered, on any
// kind of route, for a token that is new or remembered; and the next request
// finds all in order.
func TestMisuse_hookThatDoesNotReturn(t *testing.T) {
	for hook, set := range brokenHooks {
		for how, fail := range failures {
			t.Run(hook+" "+how, func(t *testing.T) { hookFails(t, hook, set, fail) })
		}
	}
}

func hookFails(t *testing.T, hook string, set func(*cognitoauth.Config, func()), fail func()) {
	var armed atomic.Bool
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		set(c, func() {
			if armed.Load() {
				fail()
			}
		})
	})
	h, token := g.Auth.Wrap(lab.NewSite(g)), "Bearer "+g.Pool.AccessToken().Scopes("orders/read").String()
	paths, want := []string{"/me", "/greet", "/orders", "/me"}, 200
	switch hook {
	case "ErrorHandler", "Logger": // are asked about refusals
		paths, token, want = []string{"/me", "/orders"}, "", 401
	case "Assert": // stands in the fallback
		paths = []string{"/me", "/orders", "/me"}
	}
	for _, path := range paths {
		armed.Store(true)
		g.Forget()
		w, done := httptest.NewRecorder(), make(chan any)
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			h.ServeHTTP(w, lab.Call("GET "+path, "Authorization", token))
		}()
		<-done
		w.Header().Del("Cache-Control") // no-store, for whoever recovers and answers outside
		if g.Ran() || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: handler ran: %v, answer %q, header %v", path, g.Ran(), w.Body, w.Header())
		}
		armed.Store(false)
		g.Forget()
		if w := lab.Ask(h, lab.Call("GET "+path, "Authorization", token)); w.Code != want || g.Ran() != (want == 200) {
			t.Errorf("next request for %s: status %d, handler ran: %v; want %d", path, w.Code, g.Ran(), want)
		}
	}
}

// zeroValues show of each exported type that its nil and zero values let nobody
// in: what is wrong otherwise.
var zeroValues = map[string]func(t *testing.T, g *lab.Gate) error{
	"Check":  zeroCheck,
	"Claims": zeroClaims,
	"Config": zeroConfig,
	"Decision": func(*testing.T, *lab.Gate) error {
		return wrongIf(cognitoauth.Decision{}.Allowed || cognitoauth.Decision{}.Verified)
	},
	"EndpointResolver": zeroResolver,
	"Error":            zeroError,
	"Middleware":       zeroMiddleware,
	"Policy":           zeroPolicy,
	"Pool":             zeroPool,
	"PoolStatus":       func(*testing.T, *lab.Gate) error { return wrongIf(len(cognitoauth.PoolStatus{}.KeyIDs) > 0) },
	"ProtectedResource": func(_ *testing.T, g *lab.Gate) error {
		cfg := g.Pool.Config()
		cfg.ProtectedResources = []cognitoauth.ProtectedResource{{}}
		if auth, err := cognitoauth.New(cfg); auth != nil || !errors.Is(err, cognitoauth.ErrMisconfigured) {
			return fmt.Errorf("New returned %v, %v", auth, err)
		}
		return nil
	},
	"TokenSource": zeroSource,
	"TokenUse":    zeroTokenUse,
}

func wrongIf(wrong bool) error {
	if wrong {
		return errors.New("the zero value stands for something good")
	}
	return nil
}

// The list is complete: testdata/api.txt names every exported type.
func TestMisuse_zeroValues(t *testing.T) {
	var types []string
	for _, m := range regexp.MustCompile(`(?m)^type (\w+)`).FindAllStringSubmatch(lab.Text(t, "testdata/api.txt"), -1) {
		types = append(types, m[1])
	}
	if len(types) == 0 {
		t.Fatal("testdata/api.txt has no types")
	}
	for name := range zeroValues {
		if !slices.Contains(types, name) {
			t.Errorf("there is no type %s", name)
		}
	}
	for _, name := range types {
		t.Run(name, func(t *testing.T) {
			if zeroValues[name] == nil {
				t.Fatal("nothing is said of its zero value")
			}
			if err := zeroValues[name](t, lab.NewGate(t, nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

func zeroCheck(t *testing.T, g *lab.Gate) error {
	for _, auth := range []*cognitoauth.Middleware{nil, {}} {
		checks := auth.Explain(t.Context(), g.Pool.AccessToken().String())
		if len(checks) == 0 || checks[0].Err == nil {
			return fmt.Errorf("a Middleware not made by New explains %+v", checks)
		}
	}
	return nil
}

func zeroClaims(t *testing.T, g *lab.Gate) error {
	var wrong []error
	for _, p := range []cognitoauth.Policy{
		cognitoauth.Authenticated(), cognitoauth.UserToken(), cognitoauth.MachineToken(), cognitoauth.Scope("a"), cognitoauth.Group("a"),
		cognitoauth.ClientID("a"), cognitoauth.Claim("a", ""), cognitoauth.ACR("a"), cognitoauth.AuthenticatedWithin(time.Hour),
		cognitoauth.Assert("anybody", func(*http.Request, *cognitoauth.Claims) bool { return true }),
	} {
		for name, claims := range map[string]*cognitoauth.Claims{"nil": nil, "zero": {}} {
			if p.Check(nil, claims) == nil {
				wrong = append(wrong, fmt.Errorf("%s is met by %s Claims", p, name))
			}
		}
		w := lab.Ask(cognitoauth.Require(p, g.Page()), cognitotest.WithClaims(lab.Call("GET /"), &cognitoauth.Claims{}))
		if g.Ran() || w.Code == 200 {
			wrong = append(wrong, fmt.Errorf("Require(%s) lets zero Claims in: %d", p, w.Code))
		}
		g.Forget()
	}
	return errors.Join(wrong...)
}

func zeroConfig(*testing.T, *lab.Gate) error {
	if auth, err := cognitoauth.New(cognitoauth.Config{}); auth != nil || !errors.Is(err, cognitoauth.ErrMisconfigured) {
		return fmt.Errorf("New returned %v, %v", auth, err)
	}
	return nil
}

func zeroPool(_ *testing.T, g *lab.Gate) error {
	good := g.Pool.Config().Pools[0]
	for name, pools := range map[string][]cognitoauth.Pool{"alone": {{}}, "beside a good one": {good, {}}} {
		if auth, err := cognitoauth.New(cognitoauth.Config{Pools: pools}); auth != nil || !errors.Is(err, cognitoauth.ErrMisconfigured) {
			return fmt.Errorf("%s: New returned %v, %v", name, auth, err)
		}
	}
	return nil
}

func zeroResolver(_ *testing.T, g *lab.Gate) error {
	none := lab.Resolver(func(*http.Request) http.Handler { return nil })
	for name, h := range map[string]http.Handler{"that resolves to nothing": none, "inside a mux": muxWith(none)} {
		if w := lab.Ask(g.Auth.Wrap(h), lab.Call("GET /")); w.Code != 401 {
			return fmt.Errorf("one %s: %d", name, w.Code)
		}
	}
	return nil
}

func muxWith(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	return mux
}

func zeroError(t *testing.T, g *lab.Gate) error {
	for _, e := range []*cognitoauth.Error{nil, {}} {
		auth := lab.MustNew(t, g.Pool.Config(), lab.TokenSource(func(*http.Request) (string, error) { return g.Pool.AccessToken().String(), e }))
		for _, path := range []string{"/me", "/greet"} {
			if w := lab.Ask(auth.Wrap(lab.NewSite(g)), lab.Call("GET "+path)); w.Code < 400 || g.Ran() {
				return fmt.Errorf("a TokenSource that returns a good token and the Error %v: %d", e, w.Code)
			}
		}
	}
	return nil
}

func zeroMiddleware(t *testing.T, g *lab.Gate) error {
	for _, auth := range []*cognitoauth.Middleware{nil, {}} {
		w := lab.Ask(auth.Wrap(cognitoauth.AllowAnonymous(g.Page())), lab.Call("GET /", "Authorization", g.Good()))
		claims, err := auth.Validate(t.Context(), g.Pool.AccessToken().String())
		if w.Code != 500 || g.Ran() || claims != nil || !errors.Is(err, cognitoauth.ErrMisconfigured) {
			return fmt.Errorf("%v: status %d, claims %v, %v", auth, w.Code, claims, err)
		}
	}
	return nil
}

func zeroPolicy(t *testing.T, g *lab.Gate) error {
	claims := g.Pool.AccessToken().Claims()
	var zero cognitoauth.Policy
	lab.MustPanic(t, "Require", "the zero Policy", func() { cognitoauth.Require(zero, g.Page()) })
	for name, p := range map[string]cognitoauth.Policy{
		"zero": zero, "And()": cognitoauth.And(), "Or()": cognitoauth.Or(), "And of it": cognitoauth.And(zero), "Or of it": cognitoauth.Or(zero),
		"And of it and a good one": cognitoauth.And(cognitoauth.Authenticated(), zero), "And of nil": cognitoauth.And(nil...),
	} {
		if err := p.Check(nil, claims); !errors.Is(err, cognitoauth.ErrForbidden) {
			return fmt.Errorf("%s: %v", name, err)
		}
	}
	return nil
}

func zeroSource(t *testing.T, g *lab.Gate) error {
	for name, s := range map[string]cognitoauth.TokenSource{"nil": nil, "one that finds nothing": func(*http.Request) (string, error) { return "", nil }} {
		auth := lab.MustNew(t, g.Pool.Config(), lab.TokenSource(s))
		if w := lab.Ask(auth.Wrap(lab.NewSite(g)), lab.Call("GET /me")); w.Code != 401 || g.Ran() {
			return fmt.Errorf("%s: %d", name, w.Code)
		}
	}
	return nil
}

// The zero TokenUse of a Pool is AccessToken; a token has no such default.
func zeroTokenUse(t *testing.T, g *lab.Gate) error {
	for _, use := range []cognitoauth.TokenUse{"", cognitoauth.AccessToken, cognitoauth.IDToken} {
		auth := lab.MustNew(t, g.Pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].TokenUse = use })
		for _, token := range []*cognitotest.Token{g.Pool.AccessToken().Set("token_use", ""), g.Pool.IDToken().Set("token_use", ""), g.Pool.AccessToken().Delete("token_use")} {
			if code := lab.Decide(t, auth, token.String()); code != "token_use_mismatch" {
				return fmt.Errorf("Pool.TokenUse %q, none in the token: code %q", use, code)
			}
		}
	}
	return nil
}

// scramble overwrites everything that can be reached from v by exported fields,
// through pointers and in place: a slice keeps its array.
func scramble(v reflect.Value) {
	exported := false
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			scramble(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			scramble(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				exported = true
				scramble(v.Field(i))
			}
		}
	}
	if exported || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("changed")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	default:
		v.SetZero()
	}
}

// Not one thing that a Config refers to is looked at again after New: neither
// what it accepts nor what it refuses changes when all of it is overwritten.
func TestMisuse_configChangedAfterNew(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true, ClientIDs: []string{"1mine"}})
	known := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true, ID: "eu-west-1_Known0001"})
	cfg := pool.Config()
	cfg.Pools[0].Audiences, cfg.Pools[0].ReplicaRegions, cfg.Pools[0].MaxLifetime = []string{"https://mine.test"}, []string{"eu-west-2"}, 2*time.Hour
	cfg.Pools = append(cfg.Pools, known.Config().Pools[0])
	cfg.Pools[1].JWKS = known.KeySet()
	cfg.Realm, cfg.Leeway, cfg.MaxTokenBytes, cfg.Fallback = "mine", time.Minute, 8<<10, cognitoauth.ClientID("1mine")
	cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.ID == "revoked", nil }
	auth := lab.MustNew(t, cfg)
	scramble(reflect.ValueOf(&cfg).Elem())
	if cfg.Pools != nil || cfg.HTTPClient != nil {
		t.Fatal("the Config was not overwritten")
	}
	mine := pool.AccessToken().Set("aud", "https://mine.test")
	replica := "https://cognito-idp.eu-west-2.amazonaws.com/" + pool.ID()
	for name, tt := range map[string]struct {
		token fmt.Stringer
		code  string
	}{
		"mine": {mine, ""}, "by a replica": {mine.Set("iss", replica), ""}, "by a key known in advance": {known.AccessToken(), "client_denied"},
		"within the leeway": {mine.Set("exp", lab.Noon.Add(-30*time.Second)), ""}, "other client": {mine.Client("changed"), "client_mismatch"},
		"other resource": {mine.Set("aud", "changed"), "audience_mismatch"}, "other replica": {mine.Set("iss", "changed"), "issuer_mismatch"},
		"long-lived": {mine.Set("exp", lab.Noon.Add(3*time.Hour)), "lifetime_too_long"}, "revoked": {mine.Set("jti", "revoked"), "token_revoked"},
		"too large": {mine.Set("pad", strings.Repeat("x", 8<<10)), "token_too_large"}, "ID token": {pool.IDToken(), "token_use_mismatch"},
	} {
		w := lab.Ask(auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), lab.BearerCall(tt.token))
		code := ""
		if w.Code != 200 {
			code = lab.CodeOf(t, w)
		}
		if code != tt.code {
			t.Errorf("%s: code %q, want %q", name, code, tt.code)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); w.Code == 401 && !strings.Contains(challenge, `realm="mine"`) {
			t.Errorf("%s: challenge %q", name, challenge)
		}
	}
}

// Requests with one token that run at the same time each have claims of their
// own, whatever each of them does to its own.
func TestMisuse_claimsOfSimultaneousRequests(t *testing.T) {
	const requests = 8
	g := lab.NewGate(t, nil)
	var all sync.WaitGroup
	all.Add(requests)
	h := g.Auth.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := cognitoauth.FromContext(r.Context())
		scramble(reflect.ValueOf(c).Elem())
		c.Subject = r.Header.Get("X-Name")
		for _, list := range [][]string{c.Groups(), c.Scopes(), c.Audience()} {
			clear(list)
		}
		var mine struct {
			Groups []string `json:"cognito:groups"`
		}
		if err := c.Decode(&mine); err != nil {
			t.Error(err)
		}
		clear(mine.Groups)
		all.Done()
		all.Wait() // every request has changed its own
		again, _ := cognitoauth.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode([]any{again.Subject, again.Username, again.Groups(), again.Scopes(), again.Audience(), again.String("username"), again.Expiry.IsZero()})
	}))
	token := g.Pool.AccessToken().Groups("a", "b").Scopes("c").Set("aud", g.Pool.ClientID())
	var asking sync.WaitGroup
	for i := range requests {
		asking.Go(func() {
			r := lab.BearerCall(token)
			r.Header.Set("X-Name", fmt.Sprint("request-", i))
			want := fmt.Sprintf(`["request-%d","changed",["a","b"],["c"],["%s"],"jane",true]`+"\n", i, g.Pool.ClientID())
			if got := lab.Ask(h, r).Body.String(); got != want {
				t.Errorf("claims %s, want %s", got, want)
			}
		})
	}
	asking.Wait()
	claims, err := g.Auth.Validate(t.Context(), token.String())
	if err != nil || claims.Username != "jane" || claims.Subject == "" || claims.Expiry.IsZero() {
		t.Errorf("a later caller gets %+v, %v", claims, err)
	}
}

// What Revoked and an Assert do to the claims they are shown stays with that
// request: the next one has those of its token.
func TestMisuse_hooksThatChangeClaims(t *testing.T) {
	// The times stay: a token out of its time would not be taken from memory.
	ruin := func(c *cognitoauth.Claims) { c.Username, c.Subject, c.PoolID = "changed", "changed", "changed" }
	armed := true
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) {
			if armed {
				ruin(c)
			}
			return false, nil
		}
		c.Fallback = cognitoauth.Assert("x", func(_ *http.Request, c *cognitoauth.Claims) bool {
			if armed {
				ruin(c)
			}
			return true
		})
	})
	h, token := g.Auth.Wrap(lab.NewSite(g)), g.Good()
	for range 3 { // a token that is new, and one that is remembered
		lab.Ask(h, lab.Call("GET /me", "Authorization", token))
	}
	armed = false
	if w := lab.Ask(h, lab.Call("GET /me", "Authorization", token)); w.Body.String() != "jane" {
		t.Errorf("the next request is %q", w.Body)
	}
}
