package cognitoauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// goodPool is a Pool without a mistake.
func goodPool() cognitoauth.Pool {
	return cognitoauth.Pool{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}
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
func registered(p *cognitoauth.Pool) { p.RegisteredClients = true }

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

// poolMistakes are those in Config.Pools.
var poolMistakes = []mistake{
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
	inPool("a client with a line break", "ClientIDs[0]", `expected one ID, "a"`, forClients("a\n")),
	inPool("a quoted client", "ClientIDs[0]", `without them, "abc"`, forClients(`"abc"`)),
	inPool("a client in single quotes", "ClientIDs[1]", `without them, "abc"`, forClients("a", "'abc'")),
	inPool("the pool's ID as client", "ClientIDs[0]", "is a user pool's ID", forClients("eu-west-1_EXAMPLE01")),
	inPool("another pool's ID as client", "ClientIDs[1]", "is a user pool's ID", forClients("a", "us-east-1_AbCdEf123")),
	inPool("an emulator's pool as client", "ClientIDs[0]", "is a user pool's ID", allOf(poolNamed("local_2Ab4"), issuedBy("http://localhost:9229/local_2Ab4"), forClients("local_2Ab4"))),
	inPool("a client's URL", "ClientIDs[0]", "is a URL or ARN", forClients("https://app.example")),
	inPool("a placeholder as client", "ClientIDs[0]", "is a placeholder", forClients("<client-id>")),
	inPool("a variable as client", "ClientIDs[0]", "is a placeholder", forClients("${CLIENT_ID}")),
	inPool("pool and client swapped", "ID", "swap the two", allOf(poolNamed("1example23456789"), forClients("eu-west-1_EXAMPLE01"))),
	inPool("a pool's ID as the client of an emulator", "ClientIDs[0]", "is a user pool's ID", allOf(poolNamed("local"), issuedBy("http://localhost:9229/local"), forClients("eu-west-1_EXAMPLE01"))),
	inPool("an ARN as a client", "ClientIDs[0]", "is a URL or ARN", forClients("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/x")),
	inPool("a space inside a client", "ClientIDs[0]", "is not an app client's ID", forClients("a b")),
	inPool("pool and one of the clients swapped", "ID", `ClientIDs[1] "eu-west-1_EXAMPLE01" is the pool's`, allOf(poolNamed("1example23456789"), forClients("a", "eu-west-1_EXAMPLE01"))),
	inPool("a client of 129 characters", "ClientIDs[0]", "at most 128", forClients(strings.Repeat("a", 129))),
	inPool("clients where any is allowed", "DangerouslyAllowAnyClient", "drop one", func(p *cognitoauth.Pool) { p.DangerouslyAllowAnyClient = true }),

	inPool("a predicate where any client is allowed", "DangerouslyAllowAnyClient", "AllowClient exclude each other", allOf(forClients(), func(p *cognitoauth.Pool) {
		p.DangerouslyAllowAnyClient = true
		p.AllowClient = func(context.Context, string, bool) (bool, error) { return true, nil }
	})),
	inPool("an empty client beside a predicate", "ClientIDs[0]", "drop it", allOf(forClients(""), func(p *cognitoauth.Pool) {
		p.AllowClient = func(context.Context, string, bool) (bool, error) { return true, nil }
	})),

	inPool("registered clients without an audience", "RegisteredClients", "put the resource identifier of this API there", registered),
	inPool("registered clients alone, without an audience", "RegisteredClients", "needs Audiences", allOf(forClients(), registered)),
	inPool("registered clients with ID tokens", "RegisteredClients", "list the clients in ClientIDs", allOf(registered, func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken })),
	inPool("registered clients where any is allowed", "RegisteredClients", "drop DangerouslyAllowAnyClient", allOf(forClients(), forAudiences("https://a.example"), registered, func(p *cognitoauth.Pool) {
		p.DangerouslyAllowAnyClient = true
	})),
	inPool("an empty client beside registered ones", "ClientIDs[0]", "drop it", allOf(forClients(""), forAudiences("https://a.example"), registered)),

	inPool("a token use that there is not", "TokenUse", "AccessToken, IDToken", func(p *cognitoauth.Pool) { p.TokenUse = "refresh" }),
	inPool("a token use in capitals", "TokenUse", "AccessToken, IDToken", func(p *cognitoauth.Pool) { p.TokenUse = "ACCESS" }),
	inPool("a negative lifetime", "MaxLifetime", "expected 0 (for 24h0m0s)", func(p *cognitoauth.Pool) { p.MaxLifetime = -1 }),
	inPool("a lifetime without a unit", "MaxLifetime", "write 3600 * time.Second", func(p *cognitoauth.Pool) { p.MaxLifetime = 3600 }),
	inPool("a lifetime of 1 ns", "MaxLifetime", "counts nanoseconds", func(p *cognitoauth.Pool) { p.MaxLifetime = 1 }),
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
	inPool("an issuer with an empty query", "Issuer", "without query and fragment", issuedBy("https://example.com/p?")),
	inPool("an issuer with an empty fragment", "Issuer", "without query and fragment", issuedBy("https://example.com/p#")),
	inPool("an issuer with a space behind it", "Issuer", "compared byte for byte", issuedBy("https://example.com/p ")),
	inPool("an issuer with a quote behind it", "Issuer", "compared byte for byte", issuedBy(`https://example.com/p"`)),
	inPool("the key set as issuer", "Issuer", `expected "https://example.com/p"`, issuedBy("https://example.com/p/.well-known/jwks.json")),
	inPool("the discovery document as issuer", "Issuer", `expected "https://example.com/p"`, issuedBy("https://example.com/p/.well-known/openid-configuration")),
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
	inPool("a key-set URL with an empty fragment", "JWKSURL", "fragment", keysAt("https://keys.example/jwks.json#")),
	inPool("a key-set URL with a space behind it", "JWKSURL", "absolute https URL", keysAt("https://keys.example/jwks.json ")),
	inPool("the discovery document as key set", "JWKSURL", "jwks_uri", keysAt("https://keys.example/.well-known/openid-configuration")),
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
	{"two entries for ID tokens alike", "Config.Pools[1].TokenUse", "Config.Pools[0]", func(c *cognitoauth.Config) {
		c.Pools[0].TokenUse = cognitoauth.IDToken
		c.Pools = append(c.Pools, c.Pools[0])
	}},
	{"two entries alike, with replicas", "Config.Pools[1].TokenUse", "merge", func(c *cognitoauth.Config) {
		c.Pools[0].ReplicaRegions = []string{"eu-west-2", "eu-west-3"}
		c.Pools = append(c.Pools, c.Pools[0])
	}},
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

func replicatedTo(regions ...string) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) { p.ReplicaRegions = regions }
}

func issuedBy(s string) func(*cognitoauth.Pool) {
	return func(p *cognitoauth.Pool) { p.Issuer = s }
}

// Only the settings of the entry that iss and token_use select count.
func TestValidate_selectsOneEntry(t *testing.T) {
	a := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_AAAAAAAAA", Now: lab.AtNoon, InProcess: true})
	b := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_BBBBBBBBB", Now: lab.AtNoon, InProcess: true})
	auth := lab.MustNew(t, cognitoauth.Config{
		Now: lab.AtNoon, HTTPClient: cognitotest.Client(a, b),
		Pools: []cognitoauth.Pool{
			{ID: a.ID(), ClientIDs: []string{"web"}, Audiences: []string{"https://api.example"}},
			{ID: a.ID(), ClientIDs: []string{"app"}, TokenUse: cognitoauth.IDToken, MaxLifetime: time.Minute},
			{ID: b.ID(), DangerouslyAllowAnyClient: true},
		},
	})
	web := a.AccessToken().Client("web").Set("aud", "https://api.example")
	app := a.IDToken().Client("app").ExpiresIn(time.Minute)
	any := b.AccessToken().Client("any")
	rows := []struct {
		name  string
		token *cognitotest.Token
		code  string
	}{
		{"access token of the first entry", web, ""},
		{"ID token of the second entry", app, ""},
		{"access token of the third entry", any, ""},
		{"client of the ID tokens on an access token", web.Client("app"), "client_mismatch"},
		{"client of the access tokens on an ID token", app.Client("web"), "client_mismatch"},
		{"no client where any is allowed", any.Delete("client_id"), "client_mismatch"},
		{"audience that only the other pool demands", any.Set("aud", "https://api.example"), "audience_mismatch"},
		{"no audience where one is demanded", web.Delete("aud"), "audience_mismatch"},
		{"lifetime that only the other entry allows", app.ExpiresIn(time.Hour), "lifetime_too_long"},
		{"ID token where only access tokens are taken", b.IDToken(), "token_use_mismatch"},
		{"ID token dressed as access token", b.IDToken().Set("token_use", "access"), "client_mismatch"},

		{"issuer of one, key of the other", web.SetHeader("kid", any.KeyID()).SignedBy(any.Key()), "key_unknown"},
		{"issuer and kid of one, key of the other", web.SignedBy(any.Key()), "signature_invalid"},
		{"issuer changed to the other", web.Set("iss", b.Issuer()).Delete("aud"), "key_unknown"},
		{"issuer changed to the other, and back with its kid", any.Set("iss", a.Issuer()).Client("web").Set("aud", "https://api.example"), "key_unknown"},
	}
	for _, row := range rows {
		if code := lab.Decide(t, auth, row.token.String()); code != row.code {
			t.Errorf("%s: code %q, want %q", row.name, code, row.code)
		}
	}
	claims, err := auth.Validate(t.Context(), any.String())
	if err != nil || claims.PoolID != b.ID() || claims.ClientID != "any" {
		t.Errorf("third entry: %v, %v", claims, err)
	}
}

// A token use that there is not is one mistake, also in two entries.
func TestNew_tokenUseInTwoEntries(t *testing.T) {
	p := goodPool()
	p.TokenUse = "refresh"
	_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{p, p}})
	if err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), "already") {
		t.Errorf("expected one mistake for each entry: %v", err)
	}
}

// An ID that no client could have is not swapped with one.
func TestNew_noIDIsNotSwapped(t *testing.T) {
	p := goodPool()
	p.ID, p.ClientIDs = "", []string{"eu-west-1_EXAMPLE01"}
	_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{p}})
	if err == nil || strings.Contains(err.Error(), "swap") || !strings.Contains(err.Error(), "ID is empty") {
		t.Errorf("%v", err)
	}
}
