package cognitoauth_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// goodPool is a Pool without a mistake.
func goodPool() cognitoauth.Pool {
	return cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}
}

// mistake is something wrong with a Config: which field the message has to
// name, and a word of the cure.
type mistake struct {
	name   string
	field  string
	cure   string
	change func(*cognitoauth.Config)
}

// inPool is a mistake in Pools[0].
func inPool(name, field, cure string, change func(*cognitoauth.Pool)) mistake {
	return mistake{name, "Config.Pools[0]." + field, cure, func(c *cognitoauth.Config) { change(&c.Pools[0]) }}
}

func poolNamed(s string) func(*cognitoauth.Pool) { return func(p *cognitoauth.Pool) { p.ID = s } }
func keysAt(s string) func(*cognitoauth.Pool)    { return func(p *cognitoauth.Pool) { p.JWKSURL = s } }
func keysKnown(s string) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) { p.JWKS = []byte(s) }
}
func forClients(s ...string) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) { p.ClientIDs = s }
}
func forAudiences(s ...string) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) { p.Audiences = s }
}

func allOf(all ...func(*cognitoauth.Pool)) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) {
		for _, change := range all {
			change(p)
		}
	}
}

var configMistakes = []mistake{
	{"no pools", "Config.Pools", "name at least one user pool", func(c *cognitoauth.Config) { c.Pools = nil }},
	{"an empty list of pools", "Config.Pools", "name at least one user pool", func(c *cognitoauth.Config) { c.Pools = []cognitoauth.Pool{} }},
	{"negative leeway", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = -1 }},
	{"huge leeway", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = 5*time.Minute + 1 }},
	{"leeway beyond counting", "Config.Leeway", "0 (for 30s) to 5m0s", func(c *cognitoauth.Config) { c.Leeway = math.MaxInt64 }},
	{"negative size of tokens", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = -1 }},
	{"tokens too small for any", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = 1023 }},
	{"tokens too large for any", "Config.MaxTokenBytes", "0 (for 32768) or 1024 to 16777216", func(c *cognitoauth.Config) { c.MaxTokenBytes = 16<<20 + 1 }},
	{"a huge cache of tokens", "Config.TokenCache", "at most 10000000", func(c *cognitoauth.Config) { c.TokenCache = 10_000_001 }},
	{"a quote in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = `my "api"` }},
	{"a backslash in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = `a\b` }},
	{"a line break in the realm", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = "a\r\nb" }},
	{"a realm outside ASCII", "Config.Realm", "RFC 6750", func(c *cognitoauth.Config) { c.Realm = "café" }},
	{"a realm of 129 bytes", "Config.Realm", "at most 128", func(c *cognitoauth.Config) { c.Realm = strings.Repeat("r", 129) }},

	inPool("no ID", "ID", "eu-west-1_EXAMPLE01", poolNamed("")),
	inPool("no ID beside an issuer", "ID", "eu-west-1_EXAMPLE01", allOf(poolNamed(""), issuedBy("https://example.com"))),
	inPool("an identity pool's ID", "ID", "identity pool's, expected a user pool's", poolNamed("eu-west-1:2f5f4b2c-0000-1111-2222-333344445555")),
	inPool("an identity pool's ID beside an issuer", "ID", "identity pool's, expected a user pool's", allOf(poolNamed("eu-west-1:2f5f4b2c-0000-1111-2222-333344445555"), issuedBy("https://example.com"))),
	inPool("an ID without a region", "ID", "region_name", poolNamed("EXAMPLE01")),
	inPool("an ID without a name", "ID", "region_name", poolNamed("eu-west-1_")),
	inPool("an ID with a hyphen in the name", "ID", "region_name", poolNamed("eu-west-1_EXAM-PLE")),
	inPool("an ID with a space behind it", "ID", "region_name", poolNamed("eu-west-1_EXAMPLE01 ")),
	inPool("an ID with a line break behind it", "ID", "region_name", poolNamed("eu-west-1_EXAMPLE01\n")),
	inPool("an ID with capitals in the region", "ID", "region_name", poolNamed("EU-WEST-1_EXAMPLE01")),
	inPool("an ID without a region, with a replica", "ID", "region_name", allOf(poolNamed("EXAMPLE01"), replicatedTo("eu-west-2"))),
	inPool("an ID of a region that there is not", "ID", "set Issuer as well", poolNamed("mars-north-1_EXAMPLE01")),
	inPool("an emulator's ID without an issuer", "ID", "Issuer", poolNamed("local_2Ab4")),
	inPool("an ID in a secret partition", "ID", "set Issuer as well", poolNamed("us-iso-east-1_EXAMPLE01")),
	inPool("an ID of 56 characters", "ID", "eu-west-1", poolNamed("eu-west-1_"+strings.Repeat("A", 46))),
	inPool("the issuer as ID", "ID", "expected the user pool's ID", poolNamed("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01")),
	inPool("the ARN as ID", "ID", "expected the user pool's ID", poolNamed("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_EXAMPLE01")),
	inPool("the login domain as ID", "ID", "expected the user pool's ID", poolNamed("my-app.auth.eu-west-1.amazoncognito.com")),

	inPool("no clients", "ClientIDs", "name the app clients", forClients()),
	inPool("an empty list of clients", "ClientIDs", "name the app clients", forClients([]string{}...)),
	inPool("an empty client", "ClientIDs[0]", "drop it", forClients("")),
	inPool("an empty client behind another", "ClientIDs[1]", "drop it", forClients("a", "")),
	inPool("a client twice", "ClientIDs[2]", "drop one", forClients("a", "b", "a")),
	inPool("two clients in one string", "ClientIDs[0]", "one ID", forClients("a,b")),
	inPool("a client with a space", "ClientIDs[0]", "one ID", forClients("a ")),
	inPool("a client outside ASCII", "ClientIDs[0]", "one ID", forClients("é")),
	inPool("a client with DEL", "ClientIDs[0]", "one ID", forClients("a\x7f")),
	inPool("a client of 129 characters", "ClientIDs[0]", "at most 128", forClients(strings.Repeat("a", 129))),
	inPool("clients where any is allowed", "DangerouslyAllowAnyClient", "drop one", func(p *cognitoauth.Pool) { p.DangerouslyAllowAnyClient = true }),

	inPool("a token use that there is not", "TokenUse", "AccessToken, IDToken", func(p *cognitoauth.Pool) { p.TokenUse = "refresh" }),
	inPool("a token use in capitals", "TokenUse", "AccessToken, IDToken", func(p *cognitoauth.Pool) { p.TokenUse = "ACCESS" }),
	inPool("a negative lifetime", "MaxLifetime", "expected 0 (for 24h0m0s)", func(p *cognitoauth.Pool) { p.MaxLifetime = -1 }),
	inPool("a lifetime over 100 years", "MaxLifetime", "expected 0 (for 24h0m0s)", func(p *cognitoauth.Pool) { p.MaxLifetime = 100*365*24*time.Hour + 1 }),

	inPool("an empty audience", "Audiences[0]", "drop it", forAudiences("")),
	inPool("an audience twice", "Audiences[1]", "drop one", forAudiences("https://a.example", "https://a.example")),
	inPool("the app client as audience", "Audiences[0]", "leave it in ClientIDs", forAudiences("1example23456789")),
	inPool("audiences of ID tokens", "Audiences", "exclude each other", allOf(forAudiences("https://a.example"), func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken })),

	inPool("replicas beside an issuer", "ReplicaRegions", "exclude each other", allOf(replicatedTo("eu-west-2"), issuedBy("https://example.com"))),
	inPool("a replica that is no region", "ReplicaRegions[0]", "us-east-1", replicatedTo("Ireland")),
	inPool("an empty replica", "ReplicaRegions[0]", "us-east-1", replicatedTo("")),
	inPool("a replica in another partition", "ReplicaRegions[1]", "another partition", replicatedTo("eu-west-2", "cn-north-1")),
	inPool("a replica in GovCloud", "ReplicaRegions[0]", "another partition", replicatedTo("us-gov-west-1")),
	inPool("the pool's own region as replica", "ReplicaRegions[0]", "counts without being listed", replicatedTo("eu-west-1")),
	inPool("a replica twice", "ReplicaRegions[1]", "there already", replicatedTo("eu-west-2", "eu-west-2")),

	inPool("an issuer without a scheme", "Issuer", "leave it empty", issuedBy("cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01")),
	inPool("an issuer without a host", "Issuer", "leave it empty", issuedBy("https:///eu-west-1_EXAMPLE01")),
	inPool("an issuer that is no URL", "Issuer", "leave it empty", issuedBy("https://[")),
	inPool("an issuer with another scheme", "Issuer", "leave it empty", issuedBy("ftp://example.com")),
	inPool("an issuer with a query", "Issuer", "without query and fragment", issuedBy("https://example.com/?a=b")),
	inPool("an issuer with a fragment", "Issuer", "without query and fragment", issuedBy("https://example.com/#a")),
	inPool("an issuer with a user", "Issuer", "leave it empty", issuedBy("https://me@example.com/")),
	inPool("the login domain as issuer", "Issuer", "leave Issuer empty", issuedBy("https://my-app.auth.eu-west-1.amazoncognito.com")),
	inPool("the login domain in China as issuer", "Issuer", "leave Issuer empty", issuedBy("https://my-app.auth.cn-north-1.amazoncognito.com.cn")),
	inPool("the login domain with a port as issuer", "Issuer", "leave Issuer empty", issuedBy("https://my-app.auth.eu-west-1.amazoncognito.com:443/")),
	inPool("the login domain in capitals as issuer", "Issuer", "leave Issuer empty", issuedBy("https://My-App.auth.eu-west-1.AmazonCognito.com")),
	inPool("the identity pools' issuer", "Issuer", "leave it empty", issuedBy("https://cognito-identity.amazonaws.com")),
	inPool("the issuer of another pool", "Issuer", `is "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"`, issuedBy("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE02")),
	inPool("the issuer with a slash behind it", "Issuer", "/eu-west-1_EXAMPLE01", issuedBy("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01/")),
	inPool("the issuer without the pool", "Issuer", "/eu-west-1_EXAMPLE01", issuedBy("https://cognito-idp.eu-west-1.amazonaws.com")),
	inPool("the issuer of another region", "Issuer", "ReplicaRegions", issuedBy("https://cognito-idp.eu-west-2.amazonaws.com/eu-west-1_EXAMPLE01")),
	inPool("the updated issuer of another region", "Issuer", "ReplicaRegions", issuedBy("https://issuer-cognito-idp.eu-west-2.amazonaws.com/eu-west-1_EXAMPLE01")),
	inPool("the issuer in capitals", "Issuer", `is "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"`, issuedBy("https://COGNITO-IDP.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01")),
	inPool("an issuer in capitals that ID does not tell", "Issuer", `Cognito writes "https://cognito-idp.us-iso-east-1.c2s.ic.gov"`, allOf(poolNamed("us-iso-east-1_EXAMPLE01"), issuedBy("https://COGNITO-IDP.us-iso-east-1.c2s.ic.gov/us-iso-east-1_EXAMPLE01"))),
	inPool("an issuer of another pool that ID does not tell", "Issuer", `the path "/us-iso-east-1_EXAMPLE01"`, allOf(poolNamed("us-iso-east-1_EXAMPLE01"), issuedBy("https://cognito-idp.us-iso-east-1.c2s.ic.gov/us-iso-east-1_EXAMPLE02"))),
	inPool("an http issuer off loopback", "Issuer", "DangerouslyAllowHTTP", issuedBy("http://emulator.example:9229/eu-west-1_EXAMPLE01")),

	inPool("keys over http", "JWKSURL", "DangerouslyAllowHTTP", keysAt("http://keys.example/jwks.json")),
	inPool("keys over http from a private address", "JWKSURL", "DangerouslyAllowHTTP", keysAt("http://10.0.0.1/jwks.json")),
	inPool("keys over http from a host named like loopback", "JWKSURL", "DangerouslyAllowHTTP", keysAt("http://127.0.0.1.example/jwks.json")),
	inPool("keys over http from a user named like loopback", "JWKSURL", "https", keysAt("http://127.0.0.1@keys.example/jwks.json")),
	inPool("keys from localhost's neighbour", "JWKSURL", "DangerouslyAllowHTTP", keysAt("http://localhost.example/jwks.json")),
	inPool("keys from nowhere", "JWKSURL", "absolute https URL", keysAt("/.well-known/jwks.json")),
	inPool("keys from a file", "JWKSURL", "absolute https URL", keysAt("file:///etc/jwks.json")),
	inPool("keys by another scheme", "JWKSURL", "absolute https URL", keysAt("ftp://keys.example/jwks.json")),
	inPool("a key-set URL that is none", "JWKSURL", `"https://[" is not an absolute https URL`, keysAt("https://[")),
	inPool("a key-set URL without a host", "JWKSURL", "absolute https URL", keysAt("https:///jwks.json")),
	inPool("a key-set URL with a user", "JWKSURL", "without user", keysAt("https://me:secret@keys.example/jwks.json")),
	inPool("a key-set URL with a fragment", "JWKSURL", "fragment", keysAt("https://keys.example/jwks.json#a")),
	inPool("keys from the login domain", "JWKSURL", "leave it empty", keysAt("https://my-app.auth.eu-west-1.amazoncognito.com/.well-known/jwks.json")),
	inPool("keys both known and fetched", "JWKS", "drop one", allOf(keysKnown(`{"keys":[]}`), keysAt("https://keys.example/jwks.json"))),

	inPool("a static key set that is empty", "JWKS", `"keys"`, keysKnown("")),
	inPool("a static key set that is no JSON", "JWKS", `"keys"`, keysKnown("PEM")),
	inPool("a static key set of an empty object", "JWKS", `"keys"`, keysKnown("{}")),
	inPool("a static key set without keys", "JWKS", "usable", keysKnown(`{"keys":[]}`)),
	inPool("a static key set of other keys", "JWKS", "usable", keysKnown(`{"keys":[{"kty":"EC","kid":"x","crv":"P-256","x":"AA","y":"AA"}]}`)),
	inPool("a static key set with text behind it", "JWKS", `"keys"`, keysKnown(`{"keys":[]}x`)),
	inPool("a static key set that nests deeply", "JWKS", "too deeply", keysKnown(`{"keys":`+nested(100)+`}`)),
	inPool("a static key set of 101 keys", "JWKS", "100 keys", keysKnown(`{"keys":[`+strings.Repeat(`{},`, 100)+`{}]}`)),

	{"two entries alike", "Config.Pools[1].TokenUse", "Config.Pools[0]", func(c *cognitoauth.Config) { c.Pools = append(c.Pools, goodPool()) }},
	{"two entries alike, one spelled out", "Config.Pools[1].TokenUse", "differ in TokenUse", func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, goodPool())
		c.Pools[1].TokenUse, c.Pools[1].ClientIDs = cognitoauth.AccessToken, []string{"another"}
	}},
	{"two entries of one issuer", "Config.Pools[1].TokenUse", "merge", func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, goodPool())
		c.Pools[1].Issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"
	}},
	{"two entries of the updated issuer", "Config.Pools[1].TokenUse", "merge", func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, goodPool())
		c.Pools[1].Issuer = "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01"
	}},
	{"two emulators at one address", "Config.Pools[2].TokenUse", "Config.Pools[1]", func(c *cognitoauth.Config) {
		for _, id := range []string{"local_a", "local_b"} {
			c.Pools = append(c.Pools, cognitoauth.Pool{ID: id, Issuer: "http://localhost:9229/pool", ClientIDs: []string{"x"}})
		}
	}},
	{"a mistake in the last of three", "Config.Pools[2].ClientIDs", "name the app clients", func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, cognitoauth.Pool{ID: "eu-west-1_EXAMPLE02", ClientIDs: []string{"x"}}, cognitoauth.Pool{ID: "eu-west-1_EXAMPLE03"})
	}},
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
	for _, m := range configMistakes {
		all := mistakes(t, m.change)
		if !m.says(all) {
			t.Errorf("%s: %q, want %s and %q", m.name, all, m.field, m.cure)
		}
		// Two entries share two issuers, and a key set of no keys is a mistake of its own.
		if len(all) > 1 && !strings.HasPrefix(m.name, "two entries alike") && m.name != "keys both known and fetched" {
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
	named := func(name string) mistake {
		i := slices.IndexFunc(configMistakes, func(m mistake) bool { return m.name == name })
		if i < 0 {
			t.Fatalf("no mistake %q", name)
		}
		return configMistakes[i]
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

// An entry with a mistake of its own still takes part in the search for two
// entries alike.
func TestNew_mistakeAndTwoAlike(t *testing.T) {
	all := mistakes(t, func(c *cognitoauth.Config) {
		c.Pools = append(c.Pools, goodPool())
		c.Pools[1].ClientIDs = nil
	})
	for _, m := range []mistake{{field: "Config.Pools[1].ClientIDs", cure: "name the app clients"}, {field: "Config.Pools[1].TokenUse", cure: "Config.Pools[0]"}} {
		if !m.says(all) {
			t.Errorf("%s: not among %q", m.field, all)
		}
	}
}

// A message may quote what was configured, but not a password in a URL.
func TestNew_tellsNoPassword(t *testing.T) {
	for _, change := range []func(*cognitoauth.Pool){
		keysAt("https://me:s3cret@keys.example/jwks.json"), issuedBy("https://me:s3cret@example.com/"), keysAt("https://me:s3cret@["), issuedBy("https://me:s3cret@["),
	} {
		for _, s := range mistakes(t, func(c *cognitoauth.Config) { change(&c.Pools[0]) }) {
			if strings.Contains(s, "s3cret") {
				t.Errorf("%s", s)
			}
		}
	}
}

func TestNew_accepts(t *testing.T) {
	known := string(cognitotest.NewPool(t, cognitotest.Options{InProcess: true}).KeySet())
	pool := func(change func(*cognitoauth.Pool)) func(*cognitoauth.Config) {
		return func(c *cognitoauth.Config) { change(&c.Pools[0]) }
	}
	rows := []struct {
		name   string
		change func(*cognitoauth.Config)
	}{
		{"a pool and a client", func(*cognitoauth.Config) {}},
		{"the least leeway", func(c *cognitoauth.Config) { c.Leeway = 1 }},
		{"the most leeway", func(c *cognitoauth.Config) { c.Leeway = 5 * time.Minute }},
		{"the smallest tokens", func(c *cognitoauth.Config) { c.MaxTokenBytes = 1024 }},
		{"the largest tokens", func(c *cognitoauth.Config) { c.MaxTokenBytes = 16 << 20 }},
		{"no cache of tokens", func(c *cognitoauth.Config) { c.TokenCache = -1 }},
		{"a cache of one token", func(c *cognitoauth.Config) { c.TokenCache = 1 }},
		{"a realm of 128 bytes with all that is allowed", func(c *cognitoauth.Config) { c.Realm = " !#[]~" + strings.Repeat("r", 122) }},
		{"a client of 128 characters with a plus", pool(forClients(strings.Repeat("a", 127) + "+"))},
		{"any client", pool(allOf(forClients(), func(p *cognitoauth.Pool) { p.DangerouslyAllowAnyClient = true }))},
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
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: atNoon, InProcess: true})
	cfg := pool.Config()
	cfg.Pools[0].Audiences = []string{"https://api.example"}
	cfg.Pools[0].JWKS = pool.KeySet()
	auth := mustNew(t, cfg)
	token := pool.AccessToken().Set("aud", "https://api.example").String()
	clear(cfg.Pools[0].JWKS)
	cfg.Pools[0].Audiences[0], cfg.Pools[0].ClientIDs[0], cfg.Pools[0].ID = "x", "x", "x"
	cfg.Pools[0].MaxLifetime, cfg.Now, cfg.Leeway = 1, nil, -1
	if code := decide(t, auth, token); code != "" {
		t.Errorf("code %q", code)
	}
}

// New fetches nothing and starts nothing: mistakes in it cost nothing either.
func TestNew_doesNoIO(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: atNoon, InProcess: true})
	auth := mustNew(t, bothKinds(pool.Config()))
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
	names := []string{"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_AUDIENCES", "COGNITO_ISSUER", "COGNITO_JWKS_URL", "COGNITO_LEEWAY", "COGNITO_REGION"}
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
		{"everything at once", map[string]string{"COGNITO_USER_POOL_ID": "", "COGNITO_CLIENT_IDS": "", "COGNITO_TOKEN_USE": "x", "COGNITO_LEEWAY": "x"},
			[]string{"COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS", "COGNITO_TOKEN_USE", "COGNITO_LEEWAY"}},
	}
	for _, row := range rows {
		for _, name := range names {
			value, ok := row.set[name]
			if !ok {
				value = good[name]
			}
			t.Setenv(name, value)
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
