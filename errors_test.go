package cognitoauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
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
	hanging   *cognitoauth.Middleware
	forbidden []string
}

func newWayside(tb testing.TB) *wayside {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	stuff := func(t *cognitotest.Token) *cognitotest.Token {
		return t.Set("jti", "SECRET-jti").Set("origin_jti", "SECRET-origin").Set("event_id", "SECRET-event").Set("acr", "SECRET-acr").
			Set("cognito:groups", []string{"SECRET-group"}).Set("email", "SECRET@example.com").Set("custom:x", "SECRET-custom").Set("sub", "SECRET-sub")
	}
	w := &wayside{TB: tb, pool: pool,
		user: stuff(pool.AccessToken()).Set("username", "SECRET-user"), machine: stuff(pool.MachineToken()), id: stuff(pool.IDToken()).Set("cognito:username", "SECRET-user")}
	w.auth = lab.MustNew(tb, bothKinds(pool.Config()))
	w.bound = lab.MustNew(tb, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].Audiences = []string{"https://api.example"} })
	w.ids = lab.MustNew(tb, pool.Config(), func(c *cognitoauth.Config) { c.Pools[0].TokenUse = cognitoauth.IDToken })
	revoked := func(yes bool, err error) *cognitoauth.Middleware {
		return lab.MustNew(tb, pool.Config(), func(c *cognitoauth.Config) {
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return yes, err }
		})
	}
	w.revoking, w.unsure = revoked(true, nil), revoked(false, errors.New("SECRET host"))
	down := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	down.SetFault(cognitotest.Fault{Status: 500, Body: []byte("SECRET body")})
	w.offline = lab.MustNew(tb, down.Config())
	slow := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	slow.SetFault(cognitotest.Fault{Hang: true})
	w.hanging = lab.MustNew(tb, slow.Config())
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
	return lab.AsRefusal(w, err)
}

// policy is the refusal of a user's token by a policy.
func (w *wayside) policy(p cognitoauth.Policy, t *cognitotest.Token) *cognitoauth.Error {
	w.Helper()
	return lab.AsRefusal(w, p.Check(nil, t.Claims()))
}

// request is the refusal of a request by Wrap.
func (w *wayside) request(change func(*cognitoauth.Config, *http.Request)) *cognitoauth.Error {
	w.Helper()
	r := httptest.NewRequest("POST", "/", nil)
	var got *cognitoauth.Error
	m := lab.MustNew(w, w.pool.Config(), func(c *cognitoauth.Config) {
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

// wrapped is the refusal of a good token with text before and behind it.
func wrapped(before, behind string, detail ...string) refusalCase {
	return ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw(before + w.user.String() + behind) }, detail...).known()
}

// allRefusals are all codes, each in at least one way.
var allRefusals = []refusalCase{
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return w.request(func(*cognitoauth.Config, *http.Request) {})
	}, "Authorization: Bearer"),
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return w.request(func(_ *cognitoauth.Config, r *http.Request) { r.Header.Set("Authorization", "Basic SECRET") })
	}, "Authorization: Bearer", "another scheme"),
	ofNoToken.as("token_missing", func(w *wayside) *cognitoauth.Error {
		return lab.AsRefusal(w, cognitoauth.Scope("a").Check(nil, nil))
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
	wrapped("Bearer ", "", "it begins with Bearer", "pass only what stands behind it"),
	wrapped("bEARER ", "", "it begins with Bearer"),
	wrapped("Authorization: Bearer ", "", "a whole header line"),
	wrapped("", "\n", "white space around it", "strings.TrimSpace"),
	wrapped(" ", "", "white space around it"),
	wrapped("\t", "\r\n", "white space around it"),
	wrapped(`"`, `"`, "it stands in quotes"),
	wrapped("'", "'", "it stands in quotes"),
	wrapped("\ufeff", "", "a byte order mark"),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw("") }, "it is empty").known(),
	ofToken.as("token_malformed", func(w *wayside) *cognitoauth.Error { return w.raw(w.user.String()[:60] + "\n" + w.user.String()[60:]) }, "white space inside it").known(),
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
	ofToken.as("token_not_yet_valid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("nbf", lab.Noon.Add(time.Minute))) },
		"nbf", "2026-03-04T12:01:00Z", "2026-03-04T12:00:00Z", "1m0s", "Config.Leeway"),
	ofToken.as("token_issued_in_future", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Set("iat", lab.Noon.Add(time.Minute))) },
		"iat", "2026-03-04T12:01:00Z", "2026-03-04T12:00:00Z", "clock", "Config.Leeway"),
	ofToken.as("lifetime_too_long", func(w *wayside) *cognitoauth.Error { return w.token(w.user.ExpiresIn(48 * time.Hour)) },
		"2026-03-06T12:00:00Z", "48h0m0s", "24h0m0s", "iat", "Pool.MaxLifetime"),
	ofToken.as("lifetime_too_long", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.ExpiresIn(48 * time.Hour).Delete("iat"))
	}, "48h0m0s after now", "Pool.MaxLifetime"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Client("abc")) },
		`client_id "abc"`, "is not among ClientIDs of pool eu-west-1_AbCdEf123", "Cognito access tokens name the app client in client_id and as a rule have no aud", "Pool.ClientIDs"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.id.Client("abc")) }, `aud "abc"`, "is not among ClientIDs", "Pool.ClientIDs"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("client_id")) }, "no client_id", "access token"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error { return w.token(w.id.Delete("aud")) }, "no aud", "id token"),
	ofToken.as("subject_missing", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Delete("sub")) }, "sub"),
	ofToken.as("token_bound", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Set("cnf", map[string]string{"jkt": "SECRET-jkt"}))
	},
		"cnf", "unverified", "pre token generation trigger"),
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
		return w.token(w.user.SetHeader("kid", "nobody's").Set("iss", "http://localhost:9229/local_1"), lab.MustNew(w, w.pool.Config(), func(c *cognitoauth.Config) {
			c.Pools[0].ID, c.Pools[0].Issuer, c.Pools[0].JWKSURL = "local_1", "http://localhost:9229/local_1", euw+"/.well-known/jwks.json"
		}))
	}, "from "+euw, "Pool.JWKSURL", "another pool"),
	ofToken.as("signature_invalid", func(w *wayside) *cognitoauth.Error { return w.token(w.user.Tampered()) }, "signature", "eu-west-1_AbCdEf123"),
	ofToken.as("token_revoked", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.revoking) }, "Config.Revoked", "eu-west-1_AbCdEf123").known(),

	ofOutage.as("keys_unavailable", func(w *wayside) *cognitoauth.Error { return w.token(w.user, w.offline) },
		"eu-west-1_AbCdEf123", "status 500", "Pool.JWKSURL", "Config.HTTPClient", "unverified"),
	ofOutage.as("client_check_unavailable", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Client("abc"), lab.MustNew(w, w.pool.Config(), allowing(true, errors.New("SECRET host"))))
	}, "Pool.AllowClient", `"abc"`, "eu-west-1_AbCdEf123"),
	ofToken.as("client_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.token(w.user.Client("abc"), lab.MustNew(w, w.pool.Config(), allowing(false, nil)))
	}, `client_id "abc" is not among ClientIDs of pool eu-west-1_AbCdEf123, and Pool.AllowClient does not allow it`).known(),
	ofOutage.as("request_ended", func(w *wayside) *cognitoauth.Error {
		ctx, cancel := context.WithCancelCause(w.Context())
		cancel(errors.New("SECRET cause"))
		_, err := w.hanging.Validate(ctx, w.user.String())
		return lab.AsRefusal(w, err)
	}, "eu-west-1_AbCdEf123", "hung up", "nothing about the keys"),
	ofOutage.as("request_ended", func(w *wayside) *cognitoauth.Error {
		ctx, cancel := context.WithTimeout(w.Context(), 0)
		defer cancel()
		_, err := w.hanging.Validate(ctx, w.user.String())
		return lab.AsRefusal(w, err)
	}, "eu-west-1_AbCdEf123", "deadline", "nothing about the keys"),
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
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Set("auth_time", lab.Noon.Add(-time.Hour)))
	}, "2026-03-04T11:00:00Z", "1h0m0s ago", "AuthenticatedWithin(1m0s)"),
	ofLogin.as("login_too_old", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Delete("auth_time"))
	}, "no auth_time", "AuthenticatedWithin(1m0s)"),
	ofLogin.as("login_too_old", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.AuthenticatedWithin(time.Minute), w.user.Set("auth_time", lab.Noon.Add(time.Hour)))
	}, "2026-03-04T13:00:00Z", "1h0m0s ahead", "clock"),
	ofLogin.as("acr_mismatch", func(w *wayside) *cognitoauth.Error { return w.policy(cognitoauth.ACR("urn:x:2"), w.user) }, "acr is another", `ACR("urn:x:2")`),
	ofLogin.as("acr_mismatch", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.ACR("urn:x:2"), w.user.Delete("acr"))
	}, "acr is missing", `ACR("urn:x:2")`),
	ofLogin.as("step_up_required", func(w *wayside) *cognitoauth.Error {
		return w.policy(cognitoauth.StepUp("urn:x:3 urn:x:2", cognitoauth.Claim("custom:x", "y")), w.user)
	}, `acr_values "urn:x:3 urn:x:2"`, `denied by Claim("custom:x", "y")`),
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
		return lab.AsRefusal(w, err)
	}, "New"),
	ofWiring.as("not_wired", func(w *wayside) *cognitoauth.Error {
		return lab.AsRefusal(w, (*cognitoauth.Middleware)(nil).Ready(w.Context()))
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
		lifetime_too_long client_mismatch audience_mismatch subject_missing token_bound key_unknown signature_invalid token_revoked login_too_old acr_mismatch step_up_required scope_missing
		scope_unattainable group_missing client_denied claim_denied user_required machine_required assertion_denied acr_unattainable login_unattainable policy_denies
		cross_origin keys_unavailable request_ended client_check_unavailable revocation_unavailable not_wired`)
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

// What fmt prints for the Err of an allowed request or of a passed check does not
// claim that anything was refused.
func TestError_nil(t *testing.T) {
	var none *cognitoauth.Error
	for _, text := range []string{
		none.Error(), none.Detail(), fmt.Sprint(none), fmt.Sprintf("%v", cognitoauth.Decision{Allowed: true}), fmt.Sprintf("%+v", cognitoauth.Check{Name: "form"}),
	} {
		if strings.Contains(text, "refused") || !strings.Contains(text, "no refusal") {
			t.Errorf("%q", text)
		}
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
	e := *newWayside(t).token(cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true}).AccessToken().Tampered())
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
	if c := lab.AsRefusal(t, err).Challenge(); !strings.HasPrefix(c, `Bearer realm="orders & more", `) {
		t.Error(c)
	}
}

// parseChallenge reads one challenge strictly: RFC 9110, section 11, with what
// RFC 6750, section 3, and RFC 9470, section 3, say about its parameters.
func parseChallenge(s string) (map[string]string, error) {
	rest, ok := strings.CutPrefix(s, "Bearer ")
	if !ok {
		return nil, fmt.Errorf("%q: the scheme is not Bearer", s)
	}
	parameter := regexp.MustCompile(`^([a-z_]+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"(?:, |$)`)
	params := map[string]string{}
	for rest != "" || len(params) == 0 {
		m := parameter.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q: no parameter at %q", s, rest)
		}
		if _, twice := params[m[1]]; twice {
			return nil, fmt.Errorf("%q: %s is there twice", s, m[1])
		}
		params[m[1]], rest = m[2], rest[len(m[0]):]
	}
	if strings.HasSuffix(s, ", ") {
		return nil, fmt.Errorf("%q: a comma and nothing behind it", s)
	}
	for name, form := range map[string]string{
		"realm":             `^.+$`,
		"error":             `^(invalid_request|invalid_token|insufficient_scope|insufficient_user_authentication)$`,
		"error_description": `^.+$`,
		"scope":             `^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$`,
		"max_age":           `^(0|[1-9][0-9]*)$`,
		"acr_values":        `^[^ ]+( [^ ]+)*$`,
	} {
		if v, ok := params[name]; ok && !regexp.MustCompile(form).MatchString(v) {
			return nil, fmt.Errorf("%q: %s is %q", s, name, v)
		}
	}
	return params, nil
}

func TestParseChallenge_isStrict(t *testing.T) {
	for _, s := range []string{
		"", "Bearer", "Bearer ", `bearer realm="a"`, `Bearer realm=a`, `Bearer realm="a",error="invalid_token"`, `Bearer realm="a", `, `Bearer realm="a" error="invalid_token"`,
		`Bearer realm="a", realm="b"`, `Bearer realm="a\"b"`, "Bearer realm=\"a\x7f\"", `Bearer realm="é"`, `Bearer realm=""`, `Bearer realm="a", error="invalid"`,
		`Bearer realm="a", scope="b  c"`, `Bearer realm="a", scope=" b"`, `Bearer realm="a", max_age="-1"`, `Bearer realm="a", Basic realm="b"`,
	} {
		if params, err := parseChallenge(s); err == nil {
			t.Errorf("%q passes for a challenge: %v", s, params)
		}
	}
	params, err := parseChallenge(`Bearer realm="a b", error="insufficient_scope", scope="b c/d"`)
	want := map[string]string{"realm": "a b", "error": "insufficient_scope", "scope": "b c/d"}
	if err != nil || !maps.Equal(params, want) {
		t.Errorf("a good challenge is read as %v, %v", params, err)
	}
}

// The fields of an Error are the caller's to change in a copy; no byte of them
// breaks out of the challenge.
func TestChallenge_ofChangedError(t *testing.T) {
	g := lab.NewGate(t, nil)
	_, err := g.Auth.Validate(t.Context(), "x")
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for b := range 256 {
		changed := *e
		changed.Description = "a" + string([]byte{byte(b)}) + "d"
		params, err := parseChallenge(changed.Challenge())
		if got := params["error_description"]; err != nil || len(params) != 3 || !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "d") {
			t.Errorf("byte %#x: challenge %q: %v", b, changed.Challenge(), err)
		}
		if plain := b >= 0x20 && b <= 0x7e && b != '"' && b != '\\'; plain && params["error_description"] != changed.Description {
			t.Errorf("byte %#x is allowed and became %q", b, params["error_description"])
		}
	}
}
