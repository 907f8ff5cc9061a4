package cognitoauth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// A hint stands only where it fits.
func TestError_hints(t *testing.T) {
	w := newWayside(t)
	issuer := func(iss string) *cognitoauth.Error { return w.token(w.user.Set("iss", iss)) }
	scope := func(need, have string) *cognitoauth.Error {
		return w.policy(cognitoauth.Scope(need), w.user.Scopes(have))
	}
	hints := []string{"trailing slash", "only in case", "same pool", "identity pool", "did you mean", "InitiateAuth"}
	rows := []struct {
		name string
		err  *cognitoauth.Error
		hint string // the only one; "": none
	}{
		{"another issuer", issuer("https://other.example"), ""},
		{"another pool of the region", issuer("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0000"), ""},
		{"an issuer that ends in a slash", issuer("https://other.example/"), ""},
		{"no issuer", issuer(""), ""},
		{"no URL", issuer("x"), ""},
		{"a slash too many", issuer(euw + "/"), "trailing slash"},
		{"the same in capitals", issuer(strings.ToUpper(euw)), "only in case"},
		{"the same pool elsewhere", issuer("http://localhost:9229/eu-west-1_AbCdEf123"), "same pool"},
		{"an identity pool", issuer("https://cognito-identity.amazonaws.com"), "identity pool"},
		{"an identity pool in China", issuer("https://cognito-identity.cn-north-1.amazonaws.com.cn"), "identity pool"},
		{"another scope", scope("x", "orders/read"), ""},
		{"another scope without a resource server", scope("x", "openid"), ""},
		{"the scope without its resource server", scope("read", "orders/read"), "did you mean"},
		{"two scopes that it may be", scope("read", "orders/read users/read"), ""},
		{"the scope of a sign-in through the API", scope("a/b", "aws.cognito.signin.user.admin"), "InitiateAuth"},
	}
	for _, row := range rows {
		for _, hint := range hints {
			if strings.Contains(row.err.Detail(), hint) != (hint == row.hint) {
				t.Errorf("%s: %s", row.name, row.err.Detail())
			}
		}
	}
}

// Who looks for a session by the name that OpenID Connect gives it (Front-Channel
// Logout 1.0, section 3) learns which plans have sessions, and what there is without.
// Nothing is said to who has it.
func TestPolicy_sessionHints(t *testing.T) {
	w := newWayside(t)
	for _, row := range []struct {
		name  string
		token *cognitotest.Token
		says  bool
	}{
		{"sid", w.user, true},
		{"session_id", w.user, true},
		{"sid", w.id, true},
		{"sid", w.user.Set("sid", "another"), false},
		{"session", w.user, false},
	} {
		detail := w.policy(cognitoauth.Claim(row.name, "tkn1"), row.token).Detail()
		if strings.Contains(detail, "Essentials and Plus") != row.says || strings.Contains(detail, "origin_jti") != row.says {
			t.Errorf("%s: %s", row.name, detail)
		}
	}
}

// White space inside a token is recognised where no segment of it is decoded, too.
func TestError_hintsOfWhiteSpace(t *testing.T) {
	w := newWayside(t)
	for _, token := range []string{"eyJ x.y", "eyJx.\ty", "eyJ\rx.y", "eyJx\n.y"} {
		if detail := w.raw(token).Detail(); !strings.Contains(detail, "white space inside it") {
			t.Errorf("%q: %s", token, detail)
		}
	}
	if detail := w.raw("eyJx.y").Detail(); strings.Contains(detail, "white space") {
		t.Errorf("without any: %s", detail)
	}
}

// An audience that means the same resource is recognised, and no other.
func TestError_hintsOfAudience(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	for _, row := range []struct {
		want, found string
		says        string // "": nothing
	}{
		{"https://a.example/v1", "https://a.example/v1/", "only by a slash at the end,"},
		{"https://a.example/v1/", "https://a.example/v1", "only by a slash at the end,"},
		{"https://a.example", "https://A.Example", "only by the case of the host,"},
		{"https://a.example", "HTTPS://a.example", "only by the case of the host,"},
		{"https://a.example/v1", "https://A.example/v1", "only by the case of the host,"},
		{"https://a.example?x=Y", "https://A.example?x=Y", "only by the case of the host,"},
		{"https://a.example#Y", "https://A.example#Y", "only by the case of the host,"},
		{"https://a.example/v1", "https://A.example/v1/", "only by a slash at the end and by the case of the host,"},
		{"https://a.example/v1/", "https://A.example/v1", "only by a slash at the end and by the case of the host,"},
		{"app:orders", "app:orders/", "only by a slash at the end,"},

		{"https://a.example/v1", "https://a.example/v1//", ""},
		{"https://a.example/v1", "https://a.example/V1", ""},
		{"https://a.example?x=Y", "https://A.example?x=y", ""},
		{"https://a.example#Y", "https://A.example#y", ""},
		{"https://a.example/v1", "https://a.example/v2/", ""},
		{"https://a.example", "http://a.example", ""},
		{"https://a.example", "https://a.example:443", ""},
		{"app:orders", "app:Orders", ""},
	} {
		auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].Audiences = []string{"https://first.example", row.want} })
		_, err := auth.Validate(t.Context(), pool.AccessToken().Set("aud", row.found).String())
		detail := lab.AsRefusal(t, err).Detail()
		if strings.Contains(detail, "it differs from") != (row.says != "") || !strings.Contains(detail, row.says) {
			t.Errorf("%s where %s is wanted: %s", row.found, row.want, detail)
		}
		if row.says != "" && !strings.Contains(detail, "it differs from \""+row.want+"\"") {
			t.Errorf("%s where %s is wanted: another one is named: %s", row.found, row.want, detail)
		}
	}
}

// Two issuers that both end in a slash have no pool in common.
func TestDetail_issuersWithoutPool(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.Pools[0].Issuer, cfg.Pools[0].JWKS = "http://localhost:9229/", pool.KeySet()
	_, err := lab.MustNew(t, cfg).Validate(t.Context(), pool.AccessToken().Set("iss", "http://other/").String())
	if detail := lab.AsRefusal(t, err).Detail(); strings.Contains(detail, "same pool") {
		t.Errorf("Detail suggests what is not certain: %s", detail)
	}
}

// What a denial says of the groups that a user is in does not depend on how the
// token spells them.
func TestPolicy_groupHints(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	const capitals, other, none = "differs from it only in case", "in other groups", "no cognito:groups"
	long := strings.Repeat("x", 600) // more than a name is likely to have
	for name, tt := range map[string]struct{ groups, asked, hint string }{
		"capitals":                       {`["a","STAFF"]`, "staff", capitals},
		"capitals, by escapes":           {`["a","\u0053taf\u0046"]`, "staff", capitals},
		"capitals beside a quote":        {`["a\"B"]`, `A"b`, capitals},
		"capitals of many, by escapes":   {`["` + strings.Repeat(`\u0058`, 600) + `"]`, long, capitals},
		"another script, by escapes":     {`["\u00e9T\u00c9"]`, "Été", capitals},
		"fewer octets, by escapes":       {`["\u212aing"]`, "king", capitals},
		"another group":                  {`["guests"]`, "staff", other},
		"another group, by escapes":      {`["gu\u0065sts"]`, "staff", other},
		"one that begins like it":        {`["STAFF\u0020"]`, "staff", other},
		"one that is longer, by escapes": {`["` + strings.Repeat(`\u0053`, 600) + `"]`, "s", other},
		"none":                           {`[]`, "staff", none},
	} {
		claims := pool.AccessToken().Set("cognito:groups", json.RawMessage(tt.groups)).Claims()
		var e *cognitoauth.Error
		if !errors.As(cognitoauth.Group(tt.asked).Check(nil, claims), &e) || !strings.Contains(e.Detail(), tt.hint) {
			t.Errorf("%s: %v", name, e.Detail())
		}
	}
}

// What is wrong with an Authorization header has a cure, and the Detail names it.
func TestAuthorization_cures(t *testing.T) {
	for _, by := range authorizationSources {
		g := lab.NewGate(t, lab.TokenSource(by.source))
		h := g.Auth.Wrap(g.Page())
		token := g.Pool.AccessToken().String()
		for _, tt := range []struct{ value, cure string }{
			{`Bearer "$T"`, "quotes: take them off"},
			{`Bearer '$T'`, "quotes: take them off"},
			{`Bearer $T"`, "quotes: take them off"},
			{`Bearer "$T`, "quotes: take them off"},
			{"Bearer “$T”", "quotes: take them off"},
			{"Bearer $T ", "white space"},
			{"Bearer $T\n", "newline"},
			{"Bearer $T\r\n", "newline"},
			{`Bearer $T\n`, "newline"},
			{"Bearer \t$T", "white space"},
			{"Bearer\t$T", "one space behind Bearer"},
			{"Bearer: $T", "colon behind Bearer"},
			{"Bearer=$T", "equals sign behind Bearer"},
			{"Bearer Bearer $T", "twice"},
			{"Bearer", "no token behind Bearer"},
			{"Bearer $T,Bearer $T", "a proxy has joined two"},
			{"Bearer $T, bearer $T", "a proxy has joined two"},
			{"Bearer $T, Basic dTpw", "a proxy has joined two"},
			{"Bearer <token>", "placeholder"},
			{"Bearer {{token}}", "placeholder"},
			{"Bearer ${TOKEN}", "placeholder"},
			{"Bearer [object Object]", "placeholder"},
			{"Bearer a b", "one token"},
			{"Bearer $T,$T", "one token"},
		} {
			g.Forget()
			lab.Ask(h, lab.Call("GET /", by.header, strings.ReplaceAll(tt.value, "$T", token)))
			if len(g.Decisions) != 1 || g.Decisions[0].Code != "credentials_malformed" {
				t.Fatalf("%s, %q: %+v", by.name, tt.value, g.Decisions)
			}
			detail := g.Decisions[0].Err.Detail()
			if !strings.Contains(detail, tt.cure) || strings.Contains(detail, token) {
				t.Errorf("%s, %q: Detail does not say %q: %s", by.name, tt.value, tt.cure, detail)
			}
			if tt.cure == "one token" && strings.Contains(detail, ";") {
				t.Errorf("%s, %q: Detail guesses: %s", by.name, tt.value, detail)
			}
		}
	}
	g := lab.NewGate(t, nil)
	for value, says := range map[string]string{
		"": "header is empty", "  ": "header is empty", "\t": "header is empty",
		"Basic dTpw, Bearer x": "joined", "Basic dTpw": "another scheme, Basic", "Basic dTpw, x": "another scheme, Basic", "x": "another scheme",
	} {
		g.Forget()
		lab.Ask(g.Auth.Wrap(g.Page()), lab.Call("GET /", "Authorization", value))
		detail := g.Decisions[0].Err.Detail()
		if !strings.Contains(detail, says) || says == "header is empty" == strings.Contains(detail, "another scheme") ||
			says != "joined" && strings.Contains(detail, "joined") {
			t.Errorf("Authorization: %q: Detail does not say %q: %s", value, says, detail)
		}
	}
}

// TestHintIssuer_manyPools: a hint about an issuer is sought among the first 1,000,
// and what would need a look at all of them is not claimed.
func TestHintIssuer_manyPools(t *testing.T) {
	const stranger = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Stranger1"
	for _, row := range []struct {
		pools     int // each has two issuers
		iss, want string
	}{
		{500, stranger, "which no Pool.ID names"},
		{500, "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool00499/", "only by a trailing slash"},
		{501, stranger, "and 994 more; Config.Pools decides"},
		{501, "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool00499/", "only by a trailing slash"},
		{501, "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool00500/", "and 994 more; Config.Pools decides"},
	} {
		n := newTenants(t, row.pools)
		for i := range n.cfg.Pools {
			n.cfg.Pools[i].JWKSURL = ""
		}
		n.open()
		_, err := n.auth.Validate(t.Context(), n.mint.AccessToken().Set("iss", row.iss).String())
		e, ok := err.(*cognitoauth.Error)
		if !ok || !strings.Contains(e.Detail(), row.want) { // a hint stands before "; Config.Pools"
			t.Errorf("%d pools, %s: %v, want %s", row.pools, row.iss, e.Detail(), row.want)
		}
	}
}
