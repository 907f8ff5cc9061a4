package cognitoauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// wayside is what refusals are provoked with: a Middleware for each kind of
// them, and tokens full of what must not be told.
type wayside struct {
	testing.TB
	pool      *cognitotest.Pool
	auth      *cognitoauth.Middleware // both kinds of token
	bound     *cognitoauth.Middleware // access tokens for one API
	ids       *cognitoauth.Middleware // ID tokens alone
	user      *cognitotest.Token
	machine   *cognitotest.Token
	id        *cognitotest.Token
	revoking  *cognitoauth.Middleware
	unsure    *cognitoauth.Middleware
	offline   *cognitoauth.Middleware
	forbidden []string
}

func newWayside(tb testing.TB) *wayside {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{Now: atNoon, InProcess: true})
	stuff := func(t *cognitotest.Token) *cognitotest.Token {
		return t.Set("jti", "SECRET-jti").Set("origin_jti", "SECRET-origin").Set("event_id", "SECRET-event").Set("acr", "SECRET-acr").
			Set("cognito:groups", []string{"SECRET-group"}).Set("email", "SECRET@example.com").Set("custom:x", "SECRET-custom").Set("sub", "SECRET-sub")
	}
	w := &wayside{TB: tb, pool: pool,
		user: stuff(pool.AccessToken()).Set("username", "SECRET-user"), machine: stuff(pool.MachineToken()), id: stuff(pool.IDToken()).Set("cognito:username", "SECRET-user")}
	w.auth = mustNew(tb, bothKinds(pool.Config()))
	w.bound = mustNew(tb, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].Audiences = []string{"https://api.example"} })
	w.ids = mustNew(tb, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].TokenUse = cognitoauth.IDToken })
	revoked := func(yes bool, err error) *cognitoauth.Middleware {
		return mustNew(tb, pool.Config(), func(c *cognitoauth.Config) {
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return yes, err }
		})
	}
	w.revoking, w.unsure = revoked(true, nil), revoked(false, errors.New("SECRET host"))
	down := cognitotest.NewPool(tb, cognitotest.Options{Now: atNoon, InProcess: true})
	down.SetFault(cognitotest.Fault{Status: 500, Body: []byte("SECRET body")})
	w.offline = mustNew(tb, down.Config())
	return w
}

// token is the refusal of a token, by the first of the middlewares if given.
func (w *wayside) token(t *cognitotest.Token, by ...*cognitoauth.Middleware) *cognitoauth.Error {
	w.Helper()
	return w.raw(t.String(), by...)
}

func (w *wayside) raw(token string, by ...*cognitoauth.Middleware) *cognitoauth.Error {
	w.Helper()
	_, err := append(by, w.auth)[0].Validate(w.Context(), token)
	if err == nil {
		w.Fatal("accepted")
	}
	w.forbidden = append(w.forbidden, strings.Split(token, ".")...)
	return asRefusal(w, err)
}

// policy is the refusal of a user's token by a policy.
func (w *wayside) policy(p cognitoauth.Policy, t *cognitotest.Token) *cognitoauth.Error {
	w.Helper()
	return asRefusal(w, p.Check(nil, t.Claims()))
}

// request is the refusal of a request by Wrap.
func (w *wayside) request(change func(*cognitoauth.Config, *http.Request)) *cognitoauth.Error {
	w.Helper()
	r := httptest.NewRequest("POST", "/", nil)
	var got *cognitoauth.Error
	m := mustNew(w, w.pool.Config(), func(c *cognitoauth.Config) {
		change(c, r)
		c.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { got = e }
	})
	m.Wrap(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	if got == nil {
		w.Fatal("not refused")
	}
	return got
}

// refusalCase is one way to be refused.
type refusalCase struct {
	code     string
	is       error
	status   int
	auth     string   // of the challenge: "-" none, "" without an error, else its error
	detail   []string // what was found, what was expected, which setting mends it
	provoke  func(w *wayside) *cognitoauth.Error
	verified bool // Detail need not say "unverified"
}

// ofNoToken to ofWiring are the columns that go together in the table of
// answers.
var (
	ofNoToken     = refusalCase{is: cognitoauth.ErrNoToken, status: 401, verified: true}
	ofCredentials = refusalCase{is: cognitoauth.ErrInvalidRequest, status: 400, auth: "invalid_request", verified: true}
	ofToken       = refusalCase{is: cognitoauth.ErrInvalidToken, status: 401, auth: "invalid_token"}
	ofDenial      = refusalCase{is: cognitoauth.ErrForbidden, status: 403, auth: "-", verified: true}
	ofScope       = refusalCase{is: cognitoauth.ErrInsufficientScope, status: 403, auth: "insufficient_scope", verified: true}
	ofLogin       = refusalCase{is: cognitoauth.ErrStepUpRequired, status: 401, auth: "insufficient_user_authentication", verified: true}
	ofOrigin      = refusalCase{is: cognitoauth.ErrCrossOrigin, status: 403, auth: "-", verified: true}
	ofOutage      = refusalCase{is: cognitoauth.ErrUnavailable, status: 503, auth: "-", verified: true}
	ofWiring      = refusalCase{is: cognitoauth.ErrMisconfigured, status: 500, auth: "-", verified: true}
)

// as is a row of that kind.
func (r refusalCase) as(code string, provoke func(*wayside) *cognitoauth.Error, detail ...string) refusalCase {
	r.code, r.provoke, r.detail = code, provoke, detail
	return r
}

// known marks that Detail quotes nothing of the token, or what was verified.
func (r refusalCase) known() refusalCase {
	r.verified = true
	return r
}

const euw = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"

// allRefusals are all codes, each in at least one way.
var allRefusals = []refusalCase{
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return w.request(func(*cognitoauth.Config, *http.Request) {})
	}, "Authorization: Bearer"),
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return w.request(func(_ *cognitoauth.Config, r *http.Request) { r.Header.Set("Authorization", "Basic SECRET") })
	}, "Authorization: Bearer", "another scheme"),
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return asRefusal(w, cognitoauth.Scope("a").Check(nil, nil))
	}),
	ofCredentials.as("credentials_malformed", func(w *wayside) *cognitoauth.Error {
		return w.request(func(_ *cognitoauth.Config, r *http.Request) { r.Header.Set("Authorization", "Bearer SECRET SECRET") })
	}, "Bearer", "RFC 6750"),
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, _ *http.Request) { c.TokenSource = cognitoauth.FromCookie("x") })
	}, "Config.TokenSource found none"),
	ofCredentials.as("credentials_malformed", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, _ *http.Request) {
			c.TokenSource = func(*http.Request) (string, error) { return "", (*cognitoauth.Error)(nil) }
		})
	}, "Config.TokenSource"),
	ofWiring.as("not_wired", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, _ *http.Request) {
			c.TokenSource = func(*http.Request) (string, error) { return "", new(cognitoauth.Error) }
		})
	}, "Config.TokenSource"),
	ofCredentials.as("credentials_malformed", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, _ *http.Request) {
			c.TokenSource = func(*http.Request) (string, error) { return "", errors.New("SECRET") }
		})
	}, "Config.TokenSource"),
	ofCredentials.as("credentials_repeated", func(w *wayside) *cognitoauth.Error {
		return w.request(func(_ *cognitoauth.Config, r *http.Request) { r.Header["Authorization"] = []string{"SECRET", "SECRET"} })
	}, "2", "one Authorization header"),
	ofCredentials.as("credentials_repeated", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, r *http.Request) {
			c.TokenSource = cognitoauth.FromCookie("token")
			r.Header.Set("Cookie", "token=SECRET; token=SECRET")
		})
	}, `cookie "token"`, "2", "Config.TokenSource", "path", "domain"),
	ofCredentials.as("credentials_repeated", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, r *http.Request) {
			c.TokenSource = cognitoauth.FromHeader("X-Token")
			r.Header["X-Token"] = []string{"SECRET", "SECRET", "SECRET"}
		})
	}, `header "X-Token"`, "3", "Config.TokenSource", "proxy"),
	ofOrigin.as("cross_origin", func(w *wayside) *cognitoauth.Error {
		return w.request(func(c *cognitoauth.Config, r *http.Request) {
			c.TokenSource = cognitoauth.FromCookie("token")
			r.AddCookie(&http.Cookie{Name: "token", Value: "SECRET"})
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		})
	}, "CrossOriginProtection", `cookie "token"`, "Config.TokenSource", "SameSite", "Authorization: Bearer"),

	ofToken.as("token_too_large", func(w *wayside) *cognitoauth.Error { return w.raw(strings.Repeat("S", 32<<10+1)) }, "32769", "32768", "Config.MaxTokenBytes").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw("SECRET") }, "no dots", "three parts").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw("SECRET.SECRET") }, "1 dots", "expected two").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw("SECRET.SECRET.S.S.S") }, "five parts", "refresh token", "send the access token").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw("SE=.SE.SE") }, "base64url").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw(w.user.String() + "=") }, "base64url").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.token(headerOf(w.user, 1025)) }, "1 KiB").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Header([]byte(`["SECRET"]`))) }, "header", "JSON object").known(),
	ofToken.as("algorithm_unsupported", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("alg", "HS256")) }, `"HS256"`, "RS256"),
	ofToken.as("algorithm_unsupported", func(w *wayside) *cognitoauth.Error { return w.token(w.user.DeleteHeader("alg")) }, "alg", "missing", "RS256"),
	ofToken.as("key_id_invalid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.DeleteHeader("kid")) }, "kid", "missing", "256 bytes", "send the access token").known(),
	ofToken.as("key_id_invalid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("kid", "")) }, "kid", "empty", "256 bytes").known(),
	ofToken.as("key_id_invalid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("kid", 7)) }, "kid", "not a string", "256 bytes").known(),
	ofToken.as("key_id_invalid", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.SetHeader("kid", strings.Repeat("k", 300)))
	}, "kid", "300 bytes", "256 bytes").known(),
	ofToken.as("header_unsupported", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("crit", []string{"SECRET"})) }, `"crit"`, "none of crit").known(),
	ofToken.as("type_unsupported", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("typ", "logout+jwt")) }, `"logout+jwt"`, "JWT", "at+jwt"),
	ofToken.as("claims_malformed", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Payload([]byte(`["SECRET"]`))) }, "payload", "JSON object").known(),
	ofToken.as("claims_malformed", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("cognito:groups", "SECRET")) }, "cognito:groups", "wrong JSON type"),
	ofToken.as("claims_malformed", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("x", json.RawMessage(nested(100)))) }, "64 levels").known(),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("iss", "https://other.example")) }, `"https://other.example"`, euw, "Config.Pools"),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("iss")) }, "iss is missing", euw, "Config.Pools"),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("iss", euw+"/")) }, "trailing slash"),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("iss", strings.ToUpper(euw))) }, "only in case"),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Set("iss", "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbCdEf123"))
	}, "Pool.ReplicaRegions", `"us-east-1"`),
	ofToken.as("issuer_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Set("iss", "https://cognito-identity.amazonaws.com"))
	}, "identity pool"),
	ofToken.as("token_use_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.ids) }, `"access"`, `"id"`, "eu-west-1_AbCdEf123", "send the ID token", "Pool.TokenUse"),
	ofToken.as("token_use_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.id, w.bound) }, `"id"`, `"access"`, "send the access token", "Pool.TokenUse"),
	ofToken.as("token_use_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("token_use", "refresh")) }, `"refresh"`, `"access"`, `"id"`, "Pool.TokenUse"),
	ofToken.as("expiry_missing", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("exp")) }, "exp"),
	ofToken.as("token_expired", func(w *wayside) *cognitoauth.Error { return w.token(w.user.ExpiresIn(-time.Minute)) },
		"2026-03-04T11:59:00Z", "2026-03-04T12:00:00Z", "1m0s", "30s", "Config.Leeway"),
	ofToken.as("token_not_yet_valid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("nbf", noon.Add(time.Minute))) },
		"nbf", "2026-03-04T12:01:00Z", "2026-03-04T12:00:00Z", "1m0s", "Config.Leeway"),
	ofToken.as("token_issued_in_future", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("iat", noon.Add(time.Minute))) },
		"iat", "2026-03-04T12:01:00Z", "2026-03-04T12:00:00Z", "clock", "Config.Leeway"),
	ofToken.as("lifetime_too_long", func(w *wayside) *cognitoauth.Error { return w.token(w.user.ExpiresIn(48 * time.Hour)) },
		"2026-03-06T12:00:00Z", "48h0m0s", "24h0m0s", "iat", "Pool.MaxLifetime"),
	ofToken.as("lifetime_too_long", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.ExpiresIn(48 * time.Hour).Delete("iat"))
	}, "48h0m0s after now", "Pool.MaxLifetime"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Client("abc")) },
		`client_id "abc"`, "is not among ClientIDs of pool eu-west-1_AbCdEf123", "Cognito access tokens name the app client in client_id and have no aud", "Pool.ClientIDs"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.id.Client("abc")) }, `aud "abc"`, "is not among ClientIDs", "Pool.ClientIDs"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("client_id")) }, "no client_id", "access token"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.id.Delete("aud")) }, "no aud", "id token"),
	ofToken.as("subject_missing", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("sub")) }, "sub"),
	ofToken.as("audience_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("aud", "https://x.example")) },
		`aud "https://x.example"`, "eu-west-1_AbCdEf123", "no Audiences", "Pool.Audiences"),
	ofToken.as("audience_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Set("aud", "https://x.example"), w.bound)
	}, `aud "https://x.example"`, `"https://api.example"`, "eu-west-1_AbCdEf123"),
	ofToken.as("audience_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.bound) },
		"no aud", `"https://api.example"`, "resource=", "Pool.Audiences"),
	ofToken.as("audience_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Set("aud", []string{}), w.bound)
	}, "aud", "empty list"),
	ofToken.as("key_unknown", func(w *wayside) *cognitoauth.Error { return w.token(w.user.SetHeader("kid", "nobody's")) },
		`"nobody's"`, "eu-west-1_AbCdEf123", "from AWS", "another signer"),
	ofToken.as("key_unknown", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.SetHeader("kid", "nobody's").Set("iss", "http://localhost:9229/local_1"), mustNew(w, w.pool.Config(), func(c *cognitoauth.Config) {
			c.Pools[0].ID, c.Pools[0].Issuer, c.Pools[0].JWKSURL = "local_1", "http://localhost:9229/local_1", euw+"/.well-known/jwks.json"
		}))
	}, "from "+euw, "Pool.JWKSURL", "another pool"),
	ofToken.as("signature_invalid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Tampered()) }, "signature", "eu-west-1_AbCdEf123"),
	ofToken.as("token_revoked", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.revoking) }, "Config.Revoked", "eu-west-1_AbCdEf123").known(),

	ofOutage.as("keys_unavailable", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.offline) },
		"eu-west-1_AbCdEf123", "status 500", "Pool.JWKSURL", "Config.HTTPClient", "unverified"),
	ofOutage.as("revocation_unavailable", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.unsure) }, "Config.Revoked", "eu-west-1_AbCdEf123"),

	ofScope.as("scope_missing", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.And(cognitoauth.Scope("orders/read"), cognitoauth.Scope("orders/write")), w.user.Scopes("openid"))
	}, `"openid"`, `"orders/read" and "orders/write"`),
	ofScope.as("scope_missing", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.Scope("read"), w.user.Scopes("orders/read"))
	}, `Scope("orders/read")`),
	ofScope.as("scope_missing", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.Scope("a/b"), w.user.Scopes("aws.cognito.signin.user.admin"))
	}, "InitiateAuth"),
	ofScope.as("scope_missing", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.Scope("a"), w.user.Scopes()) }, "none", `"a"`),
	ofLogin.as("login_too_old", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Set("auth_time", noon.Add(-time.Hour)))
	}, "2026-03-04T11:00:00Z", "1h0m0s ago", "AuthenticatedWithin(1m0s)"),
	ofLogin.as("login_too_old", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Delete("auth_time"))
	}, "no auth_time", "AuthenticatedWithin(1m0s)"),
	ofLogin.as("login_too_old", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Set("auth_time", noon.Add(time.Hour)))
	}, "2026-03-04T13:00:00Z", "1h0m0s ahead", "clock"),
	ofLogin.as("acr_mismatch", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.ACR("urn:x:2"), w.user) }, "acr is another", `ACR("urn:x:2")`),
	ofLogin.as("acr_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.ACR("urn:x:2"), w.user.Delete("acr"))
	}, "acr is missing", `ACR("urn:x:2")`),
	ofDenial.as("scope_unattainable", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.Scope("a"), w.id) }, "ID token", "send the access token"),
	ofDenial.as("login_unattainable", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.machine)
	}, "machine", "UserToken()"),
	ofDenial.as("acr_unattainable", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.ACR("x"), w.machine) }, "machine", "UserToken()"),
	ofDenial.as("group_missing", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.Group("staff"), w.user) }, `Group("staff")`),
	ofDenial.as("client_denied", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.ClientID("web"), w.user.Client("abc"))
	}, `client_id "abc"`, `ClientID("web")`),
	ofDenial.as("claim_denied", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.Claim("custom:x", "y"), w.user) }, `Claim("custom:x", "y")`),
	ofDenial.as("user_required", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.UserToken(), w.machine) }, "UserToken()"),
	ofDenial.as("machine_required", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.MachineToken(), w.user) }, "MachineToken()"),
	ofDenial.as("assertion_denied", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.Assert("owns the order", func(*http.Request, *cognitoauth.Claims) bool { return false }), w.user)
	}, `Assert("owns the order"`),
	ofDenial.as("policy_denies", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.Policy{}, w.user) }, "And()", "Or()", "Policy"),

	ofWiring.as("not_wired", func(w *wayside) *cognitoauth.Error {
		_, err := new(cognitoauth.Middleware).Validate(w.Context(), "SECRET")
		return asRefusal(w, err)
	}, "New"),
	ofWiring.as("not_wired", func(w *wayside) *cognitoauth.Error {
		return asRefusal(w, (*cognitoauth.Middleware)(nil).Ready(w.Context()))
	}, "New"),
}

func TestError_table(t *testing.T) {
	sentinels := []error{cognitoauth.ErrNoToken, cognitoauth.ErrInvalidRequest, cognitoauth.ErrInvalidToken, cognitoauth.ErrInsufficientScope, cognitoauth.ErrForbidden,
		cognitoauth.ErrStepUpRequired, cognitoauth.ErrCrossOrigin, cognitoauth.ErrUnavailable, cognitoauth.ErrMisconfigured}
	w := newWayside(t)
	texts := map[string]string{}
	for _, row := range allRefusals {
		e := row.provoke(w)
		if e.Code != row.code || e.Status != row.status {
			t.Errorf("%s: code %s, status %d: %s", row.code, e.Code, e.Status, e.Detail())
		}
		for _, s := range sentinels {
			if errors.Is(e, s) != (s == row.is) {
				t.Errorf("%s: errors.Is %v is %v", row.code, s, errors.Is(e, s))
			}
		}
		if e.Error() != "cognitoauth: "+e.Description || len(e.Description) > 60 || strings.ContainsAny(e.Description, "\"\\0123456789%") || !printable(e.Description) {
			t.Errorf("%s: Error is %q", row.code, e.Error())
		}
		if before := texts[row.code]; before != "" && before != e.Error() {
			t.Errorf("%s: Error is %q, and was %q", row.code, e.Error(), before)
		}
		texts[row.code] = e.Error()
		if retry := e.RetryAfter >= time.Second; retry != (row.status == 503) || e.RetryAfter < 0 {
			t.Errorf("%s: retry after %s", row.code, e.RetryAfter)
		}
		checkChallenge(t, row, e.Challenge())
	}
	documented := strings.Fields(`credentials_malformed credentials_repeated token_missing token_too_large token_malformed algorithm_unsupported key_id_invalid
		header_unsupported type_unsupported claims_malformed issuer_mismatch token_use_mismatch expiry_missing token_expired token_not_yet_valid token_issued_in_future
		lifetime_too_long client_mismatch audience_mismatch subject_missing key_unknown signature_invalid token_revoked login_too_old acr_mismatch scope_missing
		scope_unattainable group_missing client_denied claim_denied user_required machine_required assertion_denied acr_unattainable login_unattainable policy_denies
		cross_origin keys_unavailable revocation_unavailable not_wired`)
	if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, slices.Sorted(slices.Values(documented))) {
		t.Errorf("codes %q", got)
	}
}

// checkChallenge reads a challenge the way RFC 6750 and RFC 9470 write it.
func checkChallenge(tb testing.TB, row refusalCase, challenge string) {
	tb.Helper()
	if row.auth == "-" {
		if challenge != "" {
			tb.Errorf("%s: challenge %s", row.code, challenge)
		}
		return
	}
	rest, found := strings.CutPrefix(challenge, "Bearer ")
	params := map[string]string{}
	for part := range strings.SplitSeq(rest, ", ") {
		name, quoted, _ := strings.Cut(part, "=")
		value := strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`)
		if `"`+value+`"` != quoted || strings.ContainsAny(value, `"\`) || !printable(value) || params[name] != "" {
			tb.Errorf("%s: challenge %s", row.code, challenge)
		}
		params[name] = value
	}
	if !found || params["realm"] != "api" || params["error"] != row.auth || (params["error_description"] != "") != (row.auth != "") {
		tb.Errorf("%s: challenge %s", row.code, challenge)
	}
	if scoped := row.auth == "insufficient_scope"; row.auth != "" && (params["scope"] != "") != scoped {
		tb.Errorf("%s: challenge %s", row.code, challenge)
	}
	if login := row.auth == "insufficient_user_authentication"; (params["max_age"]+params["acr_values"] != "") != login {
		tb.Errorf("%s: challenge %s", row.code, challenge)
	}
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Detail is one line of ASCII, which names what was found, what was expected
// and which setting mends it. It tells nothing about the user, and calls what
// no signature vouches for unverified.
func TestError_detail(t *testing.T) {
	w := newWayside(t)
	for _, row := range allRefusals {
		w.forbidden = nil
		e := row.provoke(w)
		detail := e.Detail()
		for _, part := range row.detail {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: Detail lacks %q: %s", row.code, part, detail)
			}
		}
		if !printable(detail) {
			t.Errorf("%s: not ASCII: %q", row.code, detail)
		}
		if !row.verified && !strings.Contains(detail, "unverified") {
			t.Errorf("%s: not called unverified: %s", row.code, detail)
		}
		if again := e.Detail(); again != detail {
			t.Errorf("%s: Detail is %q and then %q", row.code, detail, again)
		}
		all := strings.Join([]string{detail, e.Error(), e.Challenge(), loggedError(e), writtenError(e)}, "\n")
		if strings.Contains(all, "SECRET") || strings.Contains(all, "SSSS") {
			t.Errorf("%s: tells a secret: %s", row.code, all)
		}
		for _, part := range w.forbidden {
			if len(part) > 8 && strings.Contains(all, part) {
				t.Errorf("%s: quotes the token: %s", row.code, all)
			}
		}
	}
}

func loggedError(e *cognitoauth.Error) string {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "err", e)
	return b.String()
}

func writtenError(e *cognitoauth.Error) string {
	w := httptest.NewRecorder()
	cognitoauth.WriteError(w, httptest.NewRequest("GET", "/", nil), e)
	return fmt.Sprint(w.Header(), w.Body)
}

// Whatever a token puts into what Detail quotes, it stays one short line of
// ASCII with at most 64 bytes of it.
func TestError_detailQuotes(t *testing.T) {
	w := newWayside(t)
	quoted := map[string]func(string) *cognitoauth.Error{
		"alg":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("alg", s)) },
		"typ":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("typ", s)) },
		"kid":       func(s string) *cognitoauth.Error { return w.token(w.user.SetHeader("kid", s)) },
		"iss":       func(s string) *cognitoauth.Error { return w.token(w.user.Set("iss", s)) },
		"token_use": func(s string) *cognitoauth.Error { return w.token(w.user.Set("token_use", s)) },
		"client_id": func(s string) *cognitoauth.Error { return w.token(w.user.Client(s)) },
		"aud":       func(s string) *cognitoauth.Error { return w.token(w.user.Set("aud", s)) },
		"aud of ID": func(s string) *cognitoauth.Error { return w.token(w.id.Client(s)) },
		"client":    func(s string) *cognitoauth.Error { return w.policy(cognitoauth.ClientID("x"), w.user.Client(s)) },
		"scope":     func(s string) *cognitoauth.Error { return w.policy(cognitoauth.Scope("x"), w.user.Scopes(s)) },
	}
	marker := strings.Repeat("x", 62) + "YZ<" + strings.Repeat("x", 120)
	for name, provoke := range quoted {
		if detail := provoke(marker).Detail(); !strings.Contains(detail, marker[:64]) || strings.Contains(detail, marker[:65]) || !printable(detail) {
			t.Errorf("%s: %s", name, detail)
		}
		for _, evil := range []string{"a\nb", "a\r\n", "\x00", "\x1b[31m", "\u202e", "é", "a\"b", `a\b`, "\u2028", "😀", strings.Repeat("é", 60), "%s%d", "\x7f"} {
			if detail := provoke(evil).Detail(); !printable(detail) || len(detail) > 1500 {
				t.Errorf("%s, %q: %q", name, evil, detail)
			}
		}
	}
	many := w.policy(cognitoauth.Scope("x"), w.user.Scopes(strings.Split(strings.Repeat("scope ", 2000)+"last", " ")...)).Detail()
	if len(many) > 2000 || strings.Contains(many, "last") {
		t.Errorf("2001 scopes make a Detail of %d bytes", len(many))
	}
}

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

// Explain tells no more than Detail does.
func TestExplain_quotes(t *testing.T) {
	w := newWayside(t)
	const evil = "\x1b[31mé\n\u202e"
	long := evil + strings.Repeat("x", 300)
	for name, token := range map[string]*cognitotest.Token{
		"nothing": w.user, "alg": w.user.SetHeader("alg", long), "typ": w.user.SetHeader("typ", long), "kid": w.user.SetHeader("kid", long),
		"short kid": w.user.SetHeader("kid", evil), "crit": w.user.SetHeader("crit", long), "iss": w.user.Set("iss", long), "token_use": w.user.Set("token_use", long),
		"client": w.user.Client(long), "aud": w.user.Set("aud", long), "ID": w.id.Client(long), "JSON": w.user.Set("cognito:groups", long),
	} {
		for _, c := range w.auth.Explain(t.Context(), token.String()) {
			text := c.Found + c.Expected
			if c.Err != nil {
				text += c.Err.Detail()
			}
			if !printable(text) || strings.Contains(text, "SECRET") || strings.Contains(text, strings.Repeat("x", 65)) {
				t.Errorf("%s, step %s: %q, %q", name, c.Name, c.Found, text)
			}
		}
	}
}

// The operator's own settings are not cut: they are what to compare with.
func TestError_detailExpected(t *testing.T) {
	const iss = "https://cognito-idp.ap-southeast-1.amazonaws.com/ap-southeast-1_AbCdEf123"
	pool := cognitotest.NewPool(t, cognitotest.Options{ID: "ap-southeast-1_AbCdEf123", Now: atNoon, InProcess: true})
	_, err := mustNew(t, pool.Config()).Validate(t.Context(), pool.AccessToken().Set("iss", "x").String())
	if detail := asRefusal(t, err).Detail(); !strings.Contains(detail, iss) {
		t.Errorf("the expected issuer is cut: %s", detail)
	}
}

func TestError_logValue(t *testing.T) {
	e := newWayside(t).policy(cognitoauth.Group("staff"), newDesk(t).pool.AccessToken())
	var got struct {
		Err struct {
			Code   string
			Status int
			Detail string
		}
	}
	if err := json.Unmarshal([]byte(loggedError(e)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Err.Code != "group_missing" || got.Err.Status != 403 || got.Err.Detail != e.Detail() {
		t.Errorf("%+v", got)
	}
	if text := loggedError(nil); strings.Contains(text, "panic") {
		t.Error(text)
	}
}

// An Error that the library did not make says nothing, and is answered 500.
func TestError_zero(t *testing.T) {
	for _, e := range []*cognitoauth.Error{nil, {}, {Status: 200, Code: "fine", Description: "made by hand"}} {
		if !strings.HasPrefix(e.Error(), "cognitoauth: ") || len(e.Error()) < 15 || e.Challenge() != "" || e.Detail() == "" || !errors.Is(e, cognitoauth.ErrMisconfigured) {
			t.Errorf("%q, %q, %q, %v", e.Error(), e.Challenge(), e.Detail(), e.Unwrap())
		}
		_ = e.LogValue()
		w := httptest.NewRecorder()
		cognitoauth.WriteError(w, httptest.NewRequest("GET", "/", nil), e)
		if w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"not_wired"`) || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	}
}

func TestSentinels(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRefusals {
		if text := r.is.Error(); !strings.HasPrefix(text, "cognitoauth: ") || len(text) < 15 {
			t.Errorf("%q", text)
		}
		seen[r.is.Error()] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d texts for 9 sentinels", len(seen))
	}
}

func TestWriteError(t *testing.T) {
	w := newWayside(t)
	for _, row := range allRefusals {
		e := row.provoke(w)
		rec := httptest.NewRecorder()
		rec.Header().Set("Content-Length", "7")
		rec.Header().Set("WWW-Authenticate", "Negotiate")
		rec.Header().Set("Cache-Control", "public")
		cognitoauth.WriteError(rec, httptest.NewRequest("GET", "/", nil), e)
		var body struct {
			Title, Detail, Code string
			Status              int
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v: %s", row.code, err, rec.Body)
		}
		if rec.Code != row.status || body.Status != row.status || body.Code != row.code || body.Title != http.StatusText(row.status) || body.Detail != e.Description {
			t.Errorf("%s: %d %s", row.code, rec.Code, rec.Body)
		}
		h := rec.Header()
		challenges := []string{"Negotiate"}
		if c := e.Challenge(); c != "" {
			challenges = append(challenges, c)
		}
		if !slices.Equal(h.Values("WWW-Authenticate"), challenges) || h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" ||
			h.Get("Content-Length") != "" || h.Get("Access-Control-Expose-Headers") != "" || (h.Get("Retry-After") != "") != (row.status == 503) {
			t.Errorf("%s: %v", row.code, h)
		}
	}
}

func TestWriteError_request(t *testing.T) {
	e := newWayside(t).policy(cognitoauth.Scope("a"), newDesk(t).pool.AccessToken())
	rows := []struct {
		name, method, origin string
		err                  *cognitoauth.Error
		exposed, body        bool
	}{
		{"with an Origin", "GET", "https://app.example", e, true, true},
		{"without", "GET", "", e, false, true},
		{"with an Origin and nothing to expose", "GET", "https://app.example", nil, false, true},
		{"HEAD", "HEAD", "", e, false, false},
		{"HEAD with an Origin", "HEAD", "null", e, true, false},
	}
	for _, row := range rows {
		r, w := httptest.NewRequest(row.method, "/", nil), httptest.NewRecorder()
		if row.origin != "" {
			r.Header.Set("Origin", row.origin)
		}
		w.Header().Set("Access-Control-Expose-Headers", "X-Mine")
		cognitoauth.WriteError(w, r, row.err)
		want := []string{"X-Mine"}
		if row.exposed {
			want = append(want, "WWW-Authenticate")
		}
		if got := w.Header().Values("Access-Control-Expose-Headers"); !slices.Equal(got, want) || (w.Body.Len() > 0) != row.body {
			t.Errorf("%s: %v, %d bytes", row.name, got, w.Body.Len())
		}
	}
}

// Retry-After is in whole seconds, rounded up.
func TestWriteError_retryAfter(t *testing.T) {
	e := *newWayside(t).token(cognitotest.NewPool(t, cognitotest.Options{Now: atNoon, InProcess: true}).AccessToken().Tampered())
	for d, want := range map[time.Duration]string{0: "", 1: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60"} {
		e.RetryAfter = d
		w := httptest.NewRecorder()
		cognitoauth.WriteError(w, httptest.NewRequest("GET", "/", nil), &e)
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// The realm of the configuration stands in every challenge of its Middleware.
func TestError_realm(t *testing.T) {
	d := newDesk(t, func(c *cognitoauth.Config) { c.Realm = "orders & more" })
	_, err := d.auth.Validate(t.Context(), d.pool.AccessToken().Tampered().String())
	if c := asRefusal(t, err).Challenge(); !strings.HasPrefix(c, `Bearer realm="orders & more", `) {
		t.Error(c)
	}
}

// Two issuers that both end in a slash have no pool in common.
func TestDetail_issuersWithoutPool(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.Pools[0].Issuer, cfg.Pools[0].JWKS = "http://localhost:9229/", pool.KeySet()
	_, err := mustNew(t, cfg).Validate(t.Context(), pool.AccessToken().Set("iss", "http://other/").String())
	if detail := asRefusal(t, err).Detail(); strings.Contains(detail, "same pool") {
		t.Errorf("Detail suggests what is not certain: %s", detail)
	}
}

// lost is a router that has no handler for any request.
type lost struct{ http.Handler }

func (lost) ResolveEndpoint(*http.Request) http.Handler { return nil }

func TestDetail_noHandler(t *testing.T) {
	var refusal *cognitoauth.Error
	d := newDesk(t, func(c *cognitoauth.Config) {
		c.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, e *cognitoauth.Error) { refusal = e }
	})
	d.auth.Wrap(lost{http.NotFoundHandler()}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if text := refusal.Detail(); !strings.Contains(text, "names no handler") {
		t.Error(text)
	}
}

// A pattern is the operator's. For the redirect of a CONNECT net/http names the
// path of the request instead, which is the caller's, and there is no end to those.
func TestDetail_callersPath(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/users/{id}/", http.NotFoundHandler())
	for _, method := range []string{"GET", "CONNECT"} {
		var decided cognitoauth.Decision
		d := newDesk(t, func(c *cognitoauth.Config) {
			c.OnDecision = func(_ context.Context, d cognitoauth.Decision) { decided = d }
		})
		d.auth.Wrap(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/users/jane", nil))
		if text := decided.Err.Detail(); strings.Contains(text+decided.Pattern, "jane") || !strings.Contains(text, "redirect") {
			t.Errorf("%s: pattern %q: %s", method, decided.Pattern, text)
		}
	}
}

// Each claim that the library reads has its JSON type named. What another one
// is called is up to whoever wrote the token, and is not told.
func TestDetail_claimType(t *testing.T) {
	w := newWayside(t)
	for _, row := range []struct {
		want   string
		claims string
		wrong  any
	}{
		{"a string", "iss sub token_use client_id username cognito:username jti origin_jti acr event_id", 7},
		{"one string", "scope", []string{"a"}},
		{"a string or a list of strings", "aud", 7},
		{"a list of strings", "cognito:groups", "a"},
		{"a number of seconds", "exp nbf iat auth_time", "1772625600"},
	} {
		for name := range strings.FieldsSeq(row.claims) {
			detail := w.token(w.user.Set(name, row.wrong)).Detail()
			if _, expected, _ := strings.Cut(detail, "claim "+name+" has the wrong JSON type"); !strings.Contains(expected, "expected "+row.want) {
				t.Errorf("%s: %s", name, detail)
			}
		}
	}
	for _, name := range []string{"a\nlevel=ERROR", "\u202e", "SECRET", strings.Repeat("x", 1000)} {
		if e := w.token(w.user.Set(name, json.RawMessage("1e400"))); e.Code != "claims_malformed" || strings.Contains(e.Detail(), name) {
			t.Errorf("%s: Detail quotes the name of a claim: %q", e.Code, e.Detail())
		}
	}
}

// Of a long list the first eight are named and the others counted.
func TestError_longLists(t *testing.T) {
	w := newWayside(t)
	for n, end := range map[int]string{0: "none", 1: `"s0"`, 8: `"s7"`, 9: `"s7" and 1 more`, 11: `"s7" and 3 more`} {
		var scopes []string
		for i := range n {
			scopes = append(scopes, fmt.Sprint("s", i))
		}
		detail := w.policy(cognitoauth.Scope("a/b"), w.user.Scopes(scopes...)).Detail()
		if !strings.HasPrefix(detail, "the token has scopes ") || !strings.Contains(detail, end+`, the route needs "a/b"`) || strings.Contains(detail, "s8") {
			t.Errorf("%d scopes: %s", n, detail)
		}
	}
}
