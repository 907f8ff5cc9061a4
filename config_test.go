package cognitoauth_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// mistake is something wrong with a Config: which field the message has to
// name, and a word of the cure.
type mistake struct {
	name   string
	field  string
	cure   string
	change func(*cognitoauth.Config)
}

// largestCache is the limit of TokenCacheBytes, 64 GiB, or what an int of 32 bits can
// hold.
const largestCache = min(64<<30, math.MaxInt)

var configMistakes = []mistake{
	{"no pools", "Config.Pools", "name at least one user pool", func(c *cognitoauth.Config) { c.Pools = nil }},
	{"an empty list of pools", "Config.Pools", "name at least one user pool", func(c *cognitoauth.Config) { c.Pools = []cognitoauth.Pool{} }},
	{"negative leeway", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = -1 }},
	{"huge leeway", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = 5*time.Minute + 1 }},
	{"leeway beyond counting", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = math.MaxInt64 }},
	{"leeway without a unit", "Config.Leeway", "write 30 * time.Second", func(c *cognitoauth.Config) { c.Leeway = 30 }},
	{"leeway of 2 ns", "Config.Leeway", "1 ns stands for practically none", func(c *cognitoauth.Config) { c.Leeway = 2 }},
	{"leeway just under 1 ms", "Config.Leeway", "counts nanoseconds", func(c *cognitoauth.Config) { c.Leeway = time.Millisecond - 1 }},
	{"a fallback of no alternative", "Config.Fallback", "admits nobody", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Or() }},
	{"a fallback of no part", "Config.Fallback", "admits nobody", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.And() }},
	{"a fallback with a part that has none", "Config.Fallback", "admits nobody", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.And(cognitoauth.UserToken(), cognitoauth.Or()) }},
	{"a fallback of a login for nobody", "Config.Fallback", "admits nobody", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.StepUp("mfa", cognitoauth.And()) }},
	{"a fallback of empty alternatives", "Config.Fallback", "admits nobody", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Or(cognitoauth.And(), cognitoauth.Policy{}) }},
	{"negative size of tokens", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = -1 }},
	{"tokens too small for any", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = 1023 }},
	{"tokens too large for any", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = 16<<20 + 1 }},
	{"bad ambient tokens ignored without a TokenSource", "Config.IgnoreBadAmbientToken", "FromCookie", func(c *cognitoauth.Config) { c.IgnoreBadAmbientToken = true }},
	{"bad ambient tokens ignored in Authorization", "Config.IgnoreBadAmbientToken", "leave it out", func(c *cognitoauth.Config) {
		c.IgnoreBadAmbientToken, c.TokenSource = true, cognitoauth.FromAuthorization()
	}},
	{"trusted origins without a TokenSource", "Config.CrossOrigin", "FromCookie", func(c *cognitoauth.Config) { c.CrossOrigin = new(http.CrossOriginProtection) }},
	{"trusted origins for Authorization", "Config.CrossOrigin", "leave it out", func(c *cognitoauth.Config) {
		c.CrossOrigin, c.TokenSource = new(http.CrossOriginProtection), cognitoauth.FromAuthorization()
	}},
	{"a huge cache of tokens", "Config.TokenCache", "at most 10000000", func(c *cognitoauth.Config) { c.TokenCache = 10_000_001 }},
	{"a cache of too few bytes for a token", "Config.TokenCacheBytes", fmt.Sprint("or 1048576 to ", int64(largestCache), " bytes"), func(c *cognitoauth.Config) { c.TokenCacheBytes = 32 }},
	{"a cache of a byte less than the least", "Config.TokenCacheBytes", fmt.Sprint("or 1048576 to ", int64(largestCache), " bytes"), func(c *cognitoauth.Config) { c.TokenCacheBytes = 1<<20 - 1 }},
	{"a cache of a negative number of bytes", "Config.TokenCacheBytes", "expected 0 (for 33554432", func(c *cognitoauth.Config) { c.TokenCacheBytes = -1 }},
	{"a cache of too many bytes", "Config.TokenCacheBytes", fmt.Sprint("or 1048576 to ", int64(largestCache), " bytes"), func(c *cognitoauth.Config) { c.TokenCacheBytes = largestCache; c.TokenCacheBytes++ }},
	{"bytes of no cache", "Config.TokenCacheBytes", "TokenCache is negative, which means no cache: drop one", func(c *cognitoauth.Config) { c.TokenCache, c.TokenCacheBytes = -1, 32<<20 }},
	{"a negative time for keys", "Config.KeyTimeout", "0 (for 5s) or 1s to 1m0s", func(c *cognitoauth.Config) { c.KeyTimeout = -1 }},
	{"too little time for keys", "Config.KeyTimeout", "0 (for 5s) or 1s to 1m0s", func(c *cognitoauth.Config) { c.KeyTimeout = time.Second - 1 }},
	{"a millisecond for keys", "Config.KeyTimeout", "0 (for 5s) or 1s to 1m0s", func(c *cognitoauth.Config) { c.KeyTimeout = time.Millisecond }},
	{"too much time for keys", "Config.KeyTimeout", "0 (for 5s) or 1s to 1m0s", func(c *cognitoauth.Config) { c.KeyTimeout = time.Minute + 1 }},
	{"time for keys without a unit", "Config.KeyTimeout", "5 * time.Second", func(c *cognitoauth.Config) { c.KeyTimeout = 5 }},
	{"time of the client without a unit", "Config.HTTPClient.Timeout", "5 * time.Second", func(c *cognitoauth.Config) { c.HTTPClient = &http.Client{Timeout: 5} }},
	{"a quote in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = `my "api"` }},
	{"a backslash in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = `a\b` }},
	{"a line break in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = "a\r\nb" }},
	{"a realm outside ASCII", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = "café" }},
	{"a realm of 129 bytes", "Config.Realm", "at most 128", func(c *cognitoauth.Config) { c.Realm = strings.Repeat("r", 129) }},
}

// mistakes is what New says about a Config, one string for each.
func mistakes(tb testing.TB, change func(*cognitoauth.Config)) (all []string) {
	tb.Helper()
	cfg := cognitoauth.Config{Pools: []cognitoauth.Pool{goodPool()}}
	change(&cfg)
	m, err := cognitoauth.New(cfg)
	if err == nil {
		return nil
	}
	if m != nil {
		tb.Error("a Middleware beside an error")
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !errors.Is(err, cognitoauth.ErrMisconfigured) {
		tb.Fatalf("%T: %v", err, err)
	}
	for _, e := range joined.Unwrap() {
		if !errors.Is(e, cognitoauth.ErrMisconfigured) || !strings.HasPrefix(e.Error(), "cognitoauth: ") || strings.Contains(e.Error(), "\n") {
			tb.Errorf("%q", e)
		}
		all = append(all, e.Error())
	}
	return all
}

// says reports whether one of the messages names the field and the cure.
func (m mistake) says(all []string) bool {
	return slices.ContainsFunc(all, func(s string) bool {
		_, rest, found := strings.Cut(s, m.field)
		return found && strings.IndexAny(rest+" ", " :[") == 0 && strings.Contains(s, m.cure)
	})
}

func TestNew_mistakes(t *testing.T) {
	for _, m := range slices.Concat(configMistakes, poolMistakes) {
		all := mistakes(t, m.change)
		if !m.says(all) {
			t.Errorf("%s: %q, want %s and %q", m.name, all, m.field, m.cure)
		}
		// A key set of no keys is a mistake of its own.
		if len(all) > 1 && m.name != "keys both known and fetched" {
			t.Errorf("%s: one mistake, and %q", m.name, all)
		}
	}
}

// Every mistake is reported at once: those of all fields of one entry, and
// those of all entries.
func TestNew_allMistakes(t *testing.T) {
	general := []string{"negative leeway", "negative size of tokens", "a huge cache of tokens", "a quote in the realm", "a realm of 129 bytes"}
	entries := [][]string{
		{"an ID without a region", "no clients", "a token use that there is not", "a negative lifetime", "an empty audience", "keys over http"},
		{"an identity pool's ID", "an empty client behind another", "a lifetime over 100 years", "the login domain as issuer", "keys from a file"},
		{"a replica that is no region", "clients where any is allowed", "an audience twice", "a static key set that is no JSON"},
		{"two clients in one string", "an issuer with another scheme", "a static key set without keys"},
		{"no clients", "a static key set of an empty object"},
	}
	known := slices.Concat(configMistakes, poolMistakes)
	named := func(name string) mistake {
		i := slices.IndexFunc(known, func(m mistake) bool { return m.name == name })
		if i < 0 {
			t.Fatalf("no mistake %q", name)
		}
		return known[i]
	}
	var want []mistake
	all := mistakes(t, func(c *cognitoauth.Config) {
		for i, names := range entries {
			one := cognitoauth.Config{Pools: []cognitoauth.Pool{goodPool()}}
			one.Pools[0].ID = fmt.Sprint("eu-west-1_EXAMPLE1", i)
			for _, name := range names {
				m := named(name)
				m.change(&one)
				m.field = strings.Replace(m.field, "[0]", fmt.Sprintf("[%d]", i), 1)
				want = append(want, m)
			}
			c.Pools = append(c.Pools[:i], one.Pools[0])
		}
		for _, name := range general {
			realm := c.Realm
			m := named(name)
			m.change(c)
			c.Realm += realm
			want = append(want, m)
		}
	})
	for _, m := range want {
		if !m.says(all) {
			t.Errorf("%s: not reported", m.name)
		}
	}
	if t.Failed() {
		t.Logf("%q", all)
	}
}

// A message may quote what was configured, but not a password in a URL.
func TestNew_tellsNoPassword(t *testing.T) {
	for _, change := range []func(*cognitoauth.Pool){
		keysAt("https://me:s3cret@keys.example/jwks.json"), issuedBy("https://me:s3cret@example.com/"), keysAt("https://me:s3cret@["), issuedBy("https://me:s3cret@["),
		keysAt("me:s3cret@keys.example/jwks.json"), issuedBy("me:s3cret@example.com"), keysAt("https:me:s3cret@keys.example/jwks.json"), issuedBy("https:///me:s3cret@example.com"),
	} {
		for _, s := range mistakes(t, func(c *cognitoauth.Config) { change(&c.Pools[0]) }) {
			if strings.Contains(s, "s3cret") {
				t.Errorf("%s", s)
			}
		}
	}
}

func TestNew_accepts(t *testing.T) {
	fresh, err := cognitotest.Start(cognitotest.Options{InProcess: true}) // the keys of NewPool are not for a Pool of one's own
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	known := string(fresh.KeySet())
	pool := func(change func(*cognitoauth.Pool)) func(*cognitoauth.Config) {
		return func(c *cognitoauth.Config) { change(&c.Pools[0]) }
	}
	rows := []struct {
		name   string
		change func(*cognitoauth.Config)
	}{
		{"a pool and a client", func(*cognitoauth.Config) {}},
		{"the least leeway", func(c *cognitoauth.Config) { c.Leeway = 1 }},
		{"a leeway of 1 ms", func(c *cognitoauth.Config) { c.Leeway = time.Millisecond }},
		{"a lifetime of 1 ms", pool(func(p *cognitoauth.Pool) { p.MaxLifetime = time.Millisecond })},
		{"a fallback that asks for a login", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.StepUp("mfa", cognitoauth.UserToken()) }},
		{"a fallback with an alternative that is never met", func(c *cognitoauth.Config) { c.Fallback = cognitoauth.Or(cognitoauth.And(), cognitoauth.UserToken()) }},
		{"a client that an emulator has named", pool(forClients("my-app_1.local"))},
		{"an emulator that calls a client like its pool", pool(allOf(poolNamed("local_2Ab4"), issuedBy("http://localhost:9229/local_2Ab4"), forClients("local_2Ab5")))},
		{"the least time for keys", func(c *cognitoauth.Config) { c.KeyTimeout = time.Second }},
		{"the most time for keys", func(c *cognitoauth.Config) { c.KeyTimeout = time.Minute }},
		{"the least time of the client", func(c *cognitoauth.Config) { c.HTTPClient = &http.Client{Timeout: time.Millisecond} }},
		{"the most leeway", func(c *cognitoauth.Config) { c.Leeway = 5 * time.Minute }},
		{"the smallest tokens", func(c *cognitoauth.Config) { c.MaxTokenBytes = 1024 }},
		{"the largest tokens", func(c *cognitoauth.Config) { c.MaxTokenBytes = 16 << 20 }},
		{"no cache of tokens", func(c *cognitoauth.Config) { c.TokenCache = -1 }},
		{"a cache of one token", func(c *cognitoauth.Config) { c.TokenCache = 1 }},
		{"the smallest cache in bytes", func(c *cognitoauth.Config) { c.TokenCacheBytes = 1 << 20 }},
		{"the largest cache in bytes", func(c *cognitoauth.Config) { c.TokenCacheBytes = largestCache }},
		{"one token in the largest cache", func(c *cognitoauth.Config) { c.TokenCache, c.TokenCacheBytes = 1, largestCache }},
		{"the most tokens in the smallest cache", func(c *cognitoauth.Config) { c.TokenCache, c.TokenCacheBytes = 10_000_000, 1<<20 }},
		{"a realm of 128 bytes with all that is allowed", func(c *cognitoauth.Config) { c.Realm = " !#[]~" + strings.Repeat("r", 122) }},
		{"a client of 128 characters with a plus", pool(forClients(strings.Repeat("a", 127) + "+"))},
		{"any client", pool(allOf(forClients(), func(p *cognitoauth.Pool) { p.DangerouslyAllowAnyClient = true }))},
		{"a predicate alone", pool(allOf(forClients(), func(p *cognitoauth.Pool) {
			p.AllowClient = func(context.Context, string, bool) (bool, error) { return true, nil }
		}))},
		{"registered clients alone", pool(allOf(forClients(), forAudiences("https://a.example"), registered))},
		{"registered clients beside listed ones", pool(allOf(forAudiences("https://a.example"), registered))},
		{"registered clients and a predicate", pool(allOf(forAudiences("https://a.example"), registered, func(p *cognitoauth.Pool) {
			p.AllowClient = func(context.Context, string, bool) (bool, error) { return true, nil }
		}))},
		{"an ID of 55 characters", pool(poolNamed("eu-west-1_" + strings.Repeat("A", 45)))},
		{"the longest lifetime", pool(func(p *cognitoauth.Pool) { p.MaxLifetime = 100 * 365 * 24 * time.Hour })},
		{"audiences", pool(forAudiences("https://a.example", "https://b.example"))},
		{"replicas", pool(replicatedTo("eu-west-2", "us-east-1"))},
		{"China", pool(allOf(poolNamed("cn-northwest-1_EXAMPLE01"), replicatedTo("cn-north-1")))},
		{"GovCloud", pool(poolNamed("us-gov-east-1_EXAMPLE01"))},
		{"European Sovereign Cloud", pool(poolNamed("eusc-de-east-1_EXAMPLE01"))},
		{"Mexico", pool(poolNamed("mx-central-1_EXAMPLE01"))},
		{"ID tokens", pool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken })},
		{"both kinds of one pool", func(c *cognitoauth.Config) { *c = bothKinds(*c) }},
		{"one form pinned", pool(issuedBy("https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"))},
		{"one entry for each form", func(c *cognitoauth.Config) {
			c.Pools = append(c.Pools, goodPool())
			c.Pools[0].Issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"
			c.Pools[1].Issuer = "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"
		}},
		{"an emulator on loopback", pool(allOf(poolNamed("local_2Ab4"), issuedBy("http://localhost:9229/local_2Ab4")))},
		{"an emulator whose ID looks like nothing", pool(allOf(poolNamed("my pool"), issuedBy("http://[::1]:9229/my-pool")))},
		{"an emulator with a host like Cognito's", pool(allOf(poolNamed("mine"), issuedBy("https://cognito-idp.example/mine")))},
		{"an emulator elsewhere, its keys known", pool(allOf(issuedBy("http://emulator.example/p"), keysKnown(known)))},
		{"an emulator elsewhere, its keys on loopback", pool(allOf(issuedBy("http://emulator.example/p"), keysAt("http://127.9.9.9/jwks.json")))},
		{"an emulator elsewhere, on purpose", pool(allOf(issuedBy("http://emulator.example/p"), func(p *cognitoauth.Pool) { p.DangerouslyAllowHTTP = true }))},
		{"keys over http, on purpose", pool(allOf(keysAt("http://keys.example/jwks.json"), func(p *cognitoauth.Pool) { p.DangerouslyAllowHTTP = true }))},
		{"keys over http from IPv6 loopback", pool(keysAt("http://[::1]:1/jwks.json"))},
		{"keys with a query", pool(keysAt("https://keys.example/jwks?pool=1"))},
		{"a secret partition with its issuer", pool(allOf(poolNamed("us-iso-east-1_EXAMPLE01"), issuedBy("https://cognito-idp.us-iso-east-1.c2s.ic.gov/us-iso-east-1_EXAMPLE01")))},
		{"a static key set", pool(keysKnown(known))},
		{"a client of one's own", func(c *cognitoauth.Config) { c.HTTPClient = new(http.Client) }},
	}
	for _, row := range rows {
		if all := mistakes(t, row.change); all != nil {
			t.Errorf("%s: %q", row.name, all)
		}
	}
}

// What is changed after New changes nothing.
func TestNew_copiesItsConfig(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	cfg := pool.Config()
	cfg.Pools[0].Audiences = []string{"https://api.example"}
	cfg.Pools[0].JWKS = pool.KeySet()
	auth := lab.MustNew(t, cfg)
	token := pool.AccessToken().Set("aud", "https://api.example").String()
	clear(cfg.Pools[0].JWKS)
	cfg.Pools[0].Audiences[0], cfg.Pools[0].ClientIDs[0], cfg.Pools[0].ID = "x", "x", "x"
	cfg.Pools[0].MaxLifetime, cfg.Now, cfg.Leeway = 1, nil, -1
	if code := lab.Decide(t, auth, token); code != "" {
		t.Errorf("code %q", code)
	}
}

// New fetches nothing and starts nothing: mistakes in it cost nothing either.
func TestNew_doesNoIO(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, bothKinds(pool.Config()))
	if n := len(pool.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	for _, s := range auth.Status() {
		if s.Fetches != 0 || s.PoolID != pool.ID() {
			t.Errorf("%+v", s)
		}
	}
}

func TestFromEnv_mistakes(t *testing.T) {
	good := map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "a,b"}
	names := []string{"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_AUDIENCES", "COGNITO_ISSUER", "COGNITO_JWKS_URL", "COGNITO_LEEWAY", "COGNITO_REGION", "COGNITO_CLIENT_ID ", "COGNITO_AUDIENCE "}
	rows := []struct {
		name  string
		set   map[string]string
		wrong []string // the variables that are named; none: good
	}{
		{"what is required", nil, nil},
		{"no pool", map[string]string{"COGNITO_USER_POOL_ID": ""}, []string{"COGNITO_USER_POOL_ID"}},
		{"no clients", map[string]string{"COGNITO_CLIENT_IDS": ""}, []string{"COGNITO_CLIENT_IDS"}},
		{"a token use that there is not", map[string]string{"COGNITO_TOKEN_USE": "Access"}, []string{"COGNITO_TOKEN_USE"}},
		{"ID tokens", map[string]string{"COGNITO_TOKEN_USE": "id"}, nil},
		{"access tokens", map[string]string{"COGNITO_TOKEN_USE": "access"}, nil},
		{"a leeway without a unit", map[string]string{"COGNITO_LEEWAY": "30"}, []string{"COGNITO_LEEWAY"}},
		{"a leeway", map[string]string{"COGNITO_LEEWAY": "1m"}, nil},
		{"another region", map[string]string{"COGNITO_REGION": "us-east-1"}, []string{"COGNITO_REGION", "COGNITO_USER_POOL_ID"}},
		{"a region without a pool", map[string]string{"COGNITO_USER_POOL_ID": "", "COGNITO_REGION": "eu-west-1"}, []string{"COGNITO_USER_POOL_ID"}},
		{"the pool's region", map[string]string{"COGNITO_REGION": "eu-west-1"}, nil},
		{"an ARN, and a region", map[string]string{"COGNITO_USER_POOL_ID": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1-EXAMPLE01", "COGNITO_REGION": "eu-west-1"}, nil},
		{"one client, in the singular", map[string]string{"COGNITO_CLIENT_IDS": "", "COGNITO_CLIENT_ID ": "a"}, []string{"COGNITO_CLIENT_IDS", "COGNITO_CLIENT_ID "}},
		{"a client in the singular that is not in the list", map[string]string{"COGNITO_CLIENT_ID ": "c"}, []string{"COGNITO_CLIENT_IDS", "COGNITO_CLIENT_ID "}},
		{"a client in the singular that is in the list", map[string]string{"COGNITO_CLIENT_ID ": "b"}, nil},
		{"an audience in the singular", map[string]string{"COGNITO_AUDIENCE ": "https://a.example"}, []string{"COGNITO_AUDIENCES", "COGNITO_AUDIENCE "}},
		{"an audience in the singular that is in the list", map[string]string{"COGNITO_AUDIENCE ": "https://a.example", "COGNITO_AUDIENCES": "https://a.example"}, nil},
		{"everything at once", map[string]string{"COGNITO_USER_POOL_ID": "", "COGNITO_CLIENT_IDS": "", "COGNITO_TOKEN_USE": "x", "COGNITO_LEEWAY": "x"},
			[]string{"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_LEEWAY"}},
	}
	for _, row := range rows {
		for _, name := range names {
			value, ok := row.set[name]
			if !ok {
				value = good[name]
			}
			t.Setenv(strings.TrimSpace(name), value) // the space tells COGNITO_CLIENT_ID from COGNITO_CLIENT_IDS
		}
		cfg, err := cognitoauth.FromEnv()
		if row.wrong == nil {
			if err != nil || len(cfg.Pools) != 1 || !slices.Equal(cfg.Pools[0].ClientIDs, []string{"a", "b"}) {
				t.Errorf("%s: %+v, %v", row.name, cfg, err)
			}
			continue
		}
		if !errors.Is(err, cognitoauth.ErrMisconfigured) || cfg.Pools != nil {
			t.Errorf("%s: %+v, %v", row.name, cfg, err)
			continue
		}
		if row.set["COGNITO_CLIENT_ID "] != "" && strings.Contains(err.Error(), "COGNITO_CLIENT_IDS is not set") {
			t.Errorf("%s: one mistake is told twice: %v", row.name, err)
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "cognitoauth: ") {
				t.Errorf("%s: %q", row.name, line)
			}
		}
		for _, name := range names {
			if strings.Contains(err.Error(), name) != slices.Contains(row.wrong, name) {
				t.Errorf("%s: %s: %v", row.name, name, err)
			}
		}
	}
}

// What happens to a Config after New changes nothing.
func TestNew_configIsFrozen(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ClientIDs: []string{"1mine", "2other"}})
	clients, resources := []string{"1mine"}, []string{"https://mine.test"}
	cfg := pool.Config()
	cfg.Pools[0].ClientIDs, cfg.Pools[0].Audiences = clients, resources
	cfg.Realm = "before"
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	clients[0], resources[0] = "2other", "https://other.test"
	cfg.HTTPClient.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("changed") })
	cfg.Pools[0] = cognitoauth.Pool{ID: "eu-west-1_Other", ClientIDs: clients}
	cfg.Pools, cfg.Realm, cfg.Fallback, cfg.Revoked = nil, "after", cognitoauth.Group("admin"), func(context.Context, *cognitoauth.Claims) (bool, error) { return true, nil }
	h := auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	mine := pool.AccessToken().Set("aud", "https://mine.test")
	for name, tt := range map[string]struct {
		token *cognitotest.Token
		want  int
	}{
		"client and audience as they were":          {mine, 200},
		"client put into the slice afterwards":      {mine.Client("2other"), 401},
		"audience put into the slice afterwards":    {mine.Set("aud", "https://other.test"), 401},
		"client and audience put in, both together": {mine.Client("2other").Set("aud", "https://other.test"), 401},
	} {
		w := lab.Ask(h, lab.BearerCall(tt.token))
		if w.Code != tt.want || w.Code == 401 && !strings.Contains(w.Header().Get("WWW-Authenticate"), `realm="before"`) {
			t.Errorf("%s: status %d, want %d; challenge %q", name, w.Code, tt.want, w.Header().Get("WWW-Authenticate"))
		}
	}
}

// The client that fetches keys is a copy of the one given: it follows no
// redirect, has no cookies, and the one given stays as it is.
func TestNew_httpClientIsCopied(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := pool.Config()
	given := cfg.HTTPClient
	given.Jar = jar
	given.Timeout = time.Hour
	given.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetFault(cognitotest.Fault{Redirect: pool.Issuer() + "/.well-known/jwks.json?again", Header: http.Header{"Set-Cookie": {"a=b"}}})
	if err := auth.Ready(t.Context()); !errors.Is(err, cognitoauth.ErrUnavailable) {
		t.Errorf("Ready returned %v, want ErrUnavailable", err)
	}
	for _, u := range pool.Requests() {
		if strings.HasSuffix(u, "?again") {
			t.Errorf("a redirect was followed to %s", u)
		}
	}
	if r := lab.Call("GET " + pool.Issuer()); len(jar.Cookies(r.URL)) > 0 || given.Jar != http.CookieJar(jar) || given.Timeout != time.Hour || given.CheckRedirect == nil {
		t.Error("the client given was used or changed")
	}
	pool.SetFault()
	if auth, err = cognitoauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := auth.Ready(t.Context()); err != nil {
		t.Errorf("with a healthy endpoint Ready returned %v", err)
	}
}

// Leeway counts where it is set, and is 30 s where it is not.
func TestNew_leeway(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for _, tt := range []struct {
		leeway  time.Duration
		expired time.Duration // ago
		want    int
	}{
		{0, 29 * time.Second, 200}, {0, 30 * time.Second, 401}, {time.Nanosecond, 0, 200}, {time.Nanosecond, time.Second, 401},
		{5 * time.Minute, 299 * time.Second, 200}, {5 * time.Minute, 300 * time.Second, 401},
	} {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, Now: func() time.Time { return now }})
		cfg := pool.Config()
		cfg.Leeway = tt.leeway
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		h := auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if w := lab.Ask(h, lab.BearerCall(pool.AccessToken().Set("iat", now.Add(-time.Hour)).Set("exp", now.Add(-tt.expired)))); w.Code != tt.want {
			t.Errorf("leeway %s, expired %s ago: %d, want %d", tt.leeway, tt.expired, w.Code, tt.want)
		}
	}
}

// A token that is remembered is not decoded again, which costs many times the
// allocations. Their exact number means nothing under the race detector, which
// has sync.Pool drop some of what it is given; half of it is far from both.
func TestNew_tokenCache(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	token := pool.AccessToken().String()
	cost := func(size int) float64 {
		cfg := pool.Config()
		cfg.TokenCache = size
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatalf("TokenCache %d: %v", size, err)
		}
		return testing.AllocsPerRun(20, func() {
			if _, err := auth.Validate(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	off := cost(-1)
	for _, size := range []int{0, 1, 10_000_000} {
		if n := cost(size); n > off/2 {
			t.Errorf("TokenCache %d: %v allocations for a token used again, %v without a cache", size, n, off)
		}
	}
	if n := cost(-1000); n <= off/2 {
		t.Errorf("TokenCache -1000: %v allocations for a token used again, %v with -1", n, off)
	}
}

// A token with 100 groups keeps 11 kB. The memory of a cache that was offered four
// times as many as it has room for stays within a quarter more than its bound, and
// it remembers as many as there is room for.
func TestNew_tokenCacheBytes(t *testing.T) {
	const bound, offered = 2 << 20, 700
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.TokenCacheBytes = bound
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	groups := make([]string, 100)
	for i := range groups {
		groups[i] = fmt.Sprintf("%03d-%s", i, strings.Repeat("g", 100))
	}
	base, tokens := pool.AccessToken().Groups(groups...), make([]string, offered)
	for i := range tokens {
		tokens[i] = base.Set("jti", strconv.Itoa(i)).String()
	}
	validate := func(token string) {
		if _, err := auth.Validate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	validate(pool.AccessToken().String())
	before := heapInUse()
	for _, token := range tokens { // what comes twice at once is taken by a full cache
		validate(token)
		validate(token)
	}
	if grown := heapInUse() - before; grown > bound*5/4 || grown < bound*3/4 {
		t.Errorf("the heap has grown by %d bytes, want about %d and at most a quarter more", grown, bound)
	}
	runtime.KeepAlive(auth)
	runtime.KeepAlive(tokens)
}

// heapInUse is what the heap holds after a full collection.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what a sync.Pool holds survives one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A realm has the bytes that RFC 6750, section 3, allows, and stands in the
// challenge as it is.
func TestNew_realm(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	all := ""
	for b := range 256 {
		cfg := pool.Config()
		cfg.Realm = "a" + string([]byte{byte(b)}) + "b"
		_, err := cognitoauth.New(cfg)
		allowed := b >= 0x20 && b <= 0x7e && b != '"' && b != '\\'
		if allowed != (err == nil) {
			t.Errorf("realm %q: %v", cfg.Realm, err)
		}
		if allowed {
			all += string([]byte{byte(b)})
		}
	}
	g := lab.NewGate(t, func(c *cognitoauth.Config) { c.Realm = all })
	for path, header := range map[string][]string{"/me": nil, "/greet": {"Authorization", "Bearer x"}, "/orders": {"Authorization", g.Good()}} {
		w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET "+path, header...))
		if params, err := parseChallenge(w.Header().Get("WWW-Authenticate")); err != nil || params["realm"] != all {
			t.Errorf("%s: challenge %v, %v", path, params, err)
		}
	}
	_, err := g.Auth.Validate(t.Context(), "x")
	if e := new(cognitoauth.Error); !errors.As(err, &e) || !strings.Contains(e.Challenge(), all) {
		t.Errorf("the error of Validate has the challenge %q", e.Challenge())
	}
}

var environment = []string{
	"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_AUDIENCES",
	"COGNITO_ISSUER", "COGNITO_JWKS_URL", "COGNITO_LEEWAY", "COGNITO_REGION",
}

// fromEnv is FromEnv with these variables set, separated by white space, and
// no other.
func fromEnv(t *testing.T, vars string) (cognitoauth.Config, error) {
	t.Helper()
	for _, name := range environment {
		t.Setenv(name, "")
	}
	for pair := range strings.FieldsSeq(vars) {
		name, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(environment, "COGNITO_"+name) {
			t.Fatalf("no variable COGNITO_%s", name)
		}
		t.Setenv("COGNITO_"+name, strings.ReplaceAll(value, "+", " "))
	}
	return cognitoauth.FromEnv()
}

func TestFromEnv(t *testing.T) {
	id := func(p cognitoauth.Pool) cognitoauth.Config {
		p.ID = "eu-west-1_EXAMPLE01"
		return cognitoauth.Config{Pools: []cognitoauth.Pool{p}}
	}
	late := id(cognitoauth.Pool{ClientIDs: []string{"1a"}})
	late.Leeway = 90 * time.Second
	for vars, want := range map[string]cognitoauth.Config{
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a":                                          id(cognitoauth.Pool{ClientIDs: []string{"1a"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a,+2b+,3c":                                  id(cognitoauth.Pool{ClientIDs: []string{"1a", "2b", "3c"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a,":                                         id(cognitoauth.Pool{ClientIDs: []string{"1a", ""}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a TOKEN_USE=access":                         id(cognitoauth.Pool{ClientIDs: []string{"1a"}, TokenUse: cognitoauth.AccessToken}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a TOKEN_USE=id":                             id(cognitoauth.Pool{ClientIDs: []string{"1a"}, TokenUse: cognitoauth.IDToken}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a AUDIENCES=https://a.test,urn:b":           id(cognitoauth.Pool{ClientIDs: []string{"1a"}, Audiences: []string{"https://a.test", "urn:b"}}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a ISSUER=http://localhost:9229/x":           id(cognitoauth.Pool{ClientIDs: []string{"1a"}, Issuer: "http://localhost:9229/x"}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a JWKS_URL=https://keys.test/jwks":          id(cognitoauth.Pool{ClientIDs: []string{"1a"}, JWKSURL: "https://keys.test/jwks"}),
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a LEEWAY=1m30s":                             late,
		"USER_POOL_ID=eu-west-1_EXAMPLE01 CLIENT_IDS=1a REGION=eu-west-1":                         id(cognitoauth.Pool{ClientIDs: []string{"1a"}}),
		"REGION=eu-west-1 LEEWAY=1m30s CLIENT_IDS=1a USER_POOL_ID=eu-west-1_EXAMPLE01 TOKEN_USE=": late,
	} {
		got, err := fromEnv(t, vars)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", vars, got, err, want)
		}
	}
}
