// Package diagnosis_test makes the mistakes that people make, and checks that
// what the library tells them of each names its cure.
package diagnosis_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// diagnosis is a mistake that people make, with the configuration and the
// request that they then have. What a row does not say is as it should be.
type diagnosis struct {
	mistake string
	// source is where somebody made it: an issue or pull request on GitHub, or
	// a page of the Cognito developer guide (DG) that warns of it.
	source string
	// answer is the status and code of the refusal, or "New", "FromEnv" or
	// "panic" where the mistake is reported before there is a request.
	answer string
	// cure says what mends it, written from the mistake and not from our text.
	// Each {word} of it, or one of {several|words}, stands in Detail; case
	// counts for words that have a capital letter.
	cure string
	// never has texts that would lead astray.
	never []string
	// mend and mended are the cure, where it is one of the program, in place of
	// what config and routes make: the request then passes.
	mend   diagnosisSet
	mended http.Handler

	env     string       // NAME=value …, for FromEnv
	wiring  func()       // panics
	config  diagnosisSet // zero: a good configuration
	token   diagnosisTok // zero: the access token of a user
	request string       // zero: GET /me
	header  []string     // zero: the token as Authorization; TOKEN stands for it
	routes  http.Handler // zero: a mux with GET /me
	bare    bool         // routes stand behind no Wrap
	fault   cognitotest.Fault
}

type (
	diagnosisSet func(*diagnosisLab, *cognitoauth.Config)
	diagnosisTok func(*diagnosisLab) *cognitotest.Token
)

// diagnosisLab is the user pool that the rows mean to use, and another one.
type diagnosisLab struct{ pool, other *cognitotest.Pool }

const (
	diagnosisIssuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	diagnosisClient = "1example23456789"
	diagnosisAPI    = "https://api.example.com"
	diagnosisLocal  = "http://localhost:9229/local_1AbCdEf"
)

var diagnosisConfigurations = []diagnosis{
	{mistake: "no app client is checked, as with ValidateAudience = false", source: "tokusumi/fastapi-cloudauth#76", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = []string{diagnosisClient} }),
		cure:   "list the {app clients} that may call in {ClientIDs}, or admit that you want any by {DangerouslyAllowAnyClient}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = nil })},
	{mistake: "issuer built without the host suffix", source: "Stack Overflow, \"Cognito JWT Authorize in ASP.NET Core 6 Web API\"", answer: "New",
		never:  []string{"https://cognito-idp.eu-west-1eu-west-1_abcdef123"},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "" }),
		cure:   "leave {Issuer} out, since it follows from {ID}; it would be {" + diagnosisIssuer + "}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "https://cognito-idp.eu-west-1eu-west-1_AbCdEf123" })},
	{mistake: "domain of the hosted UI as issuer", source: "nextauthjs/next-auth#2905", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "" }),
		cure:   "leave {Issuer} out: tokens name {" + diagnosisIssuer + "}, not the domain people log in at",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "https://shop.auth.eu-west-1.amazoncognito.com" })},
	{mistake: "slash at the end of the issuer", source: "authlib/joserfc#90", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "" }),
		cure:   "take the {slash} off {Issuer}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = diagnosisIssuer + "/" })},
	{mistake: "ID of an identity pool", source: "panva/openid-client#95", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1_AbCdEf123" }),
		cure:   "put the ID of the {user pool} into {ID}; this one is an {identity pool}'s",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1:12345678-abcd-4321-abcd-123456789012" })},
	{mistake: "ARN of the pool as its ID", source: "amazon-archives/amazon-cognito-identity-js#252", answer: "New",
		mend: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1_AbCdEf123" }),
		cure: "{ID} is {\"eu-west-1_AbCdEf123\"}, what stands behind the last slash of the {ARN}",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.ID = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf123"
		})},
	{mistake: "issuer as the pool's ID", source: "panva/openid-client#95", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1_AbCdEf123" }),
		cure:   "{ID} is {\"eu-west-1_AbCdEf123\"}, without the {URL|issuer} around it",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = diagnosisIssuer })},
	{mistake: "the pool's name as its ID", source: "anomalyco/guide#127", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1_AbCdEf123" }),
		cure:   "{ID} begins with the {region} and an {underscore|_}; a pool's name will not do",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "my-user-pool" })},
	{mistake: "blank before the pool's ID", source: "aws/aws-sdk-js#3344", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "eu-west-1_AbCdEf123" }),
		cure:   "take the {white space|whitespace|space|blank} off {ID}, so that {\"eu-west-1_AbCdEf123\"} is left",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = " eu-west-1_AbCdEf123" })},
	{mistake: "two app clients in one string", source: "labd/django-cognito-jwt#25", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = []string{diagnosisClient, "2mobile"} }),
		cure:   "the {comma} separates nothing: make two strings of it in {ClientIDs}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = []string{"1example23456789,2mobile"} })},
	{mistake: "key set of an emulator in another container, by http", source: "jagregory/cognito-local#398", answer: "New",
		mend: diagnosisPool(func(p *cognitoauth.Pool) { p.DangerouslyAllowHTTP = true }),
		cure: "{JWKSURL} must be {https}, or set {DangerouslyAllowHTTP}",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.ID, p.Issuer, p.JWKSURL = "local_1AbCdEf", diagnosisLocal, "http://cognito:9229/eu-west-1_AbCdEf123/.well-known/jwks.json"
		}), token: diagnosisClaim("iss", diagnosisLocal)},
	{mistake: "ten minutes of leeway", source: "dgrijalva/jwt-go#226", answer: "New",
		mend:   func(l *diagnosisLab, c *cognitoauth.Config) { c.Leeway = 5 * time.Minute },
		cure:   "{Leeway} goes up to {5m|5 min}; set the clock",
		config: func(_ *diagnosisLab, c *cognitoauth.Config) { c.Leeway = 10 * time.Minute }},
	{mistake: "audience of an ID token", source: "camunda/camunda#44650", answer: "New",
		mend: diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = nil }),
		cure: "leave {Audiences} out: the aud of an {ID token} is the app client, which {ClientIDs} compares",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.TokenUse, p.Audiences = cognitoauth.IDToken, []string{diagnosisClient}
		}), token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.IDToken() }},
	{mistake: "one entry for each app client of a pool", source: "markomirosavljev/fastapi-cognito#8", answer: "New",
		mend: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.Pools = c.Pools[:1]
			c.Pools[0].ClientIDs = []string{diagnosisClient, "2mobile"}
		},
		cure: "one entry with both in {ClientIDs}",
		config: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.Pools = append(c.Pools, cognitoauth.Pool{ID: l.pool.ID(), ClientIDs: []string{"2mobile"}})
		}},
	{mistake: "nothing in the environment", source: "anomalyco/guide#127", answer: "FromEnv",
		cure: "set {COGNITO_USER_POOL_ID} and {COGNITO_CLIENT_IDS}"},
	{mistake: "region of the environment is not the pool's", source: "amazon-archives/amazon-cognito-identity-js#153", answer: "FromEnv",
		cure: "{COGNITO_REGION} is {eu-west-1}, as in {COGNITO_USER_POOL_ID}, or not set at all; it says {us-east-1}",
		env:  "COGNITO_USER_POOL_ID=eu-west-1_AbCdEf123 COGNITO_CLIENT_IDS=1example23456789 COGNITO_REGION=us-east-1"},
	{mistake: "a whole mux is marked", source: "dotnet/aspnetcore#43550", answer: "panic",
		cure:   "put {AllowAnonymous} around each {handler|route}, not around the {mux}",
		wiring: func() { cognitoauth.AllowAnonymous(http.NewServeMux()) }},
	{mistake: "a route with marker and policy", source: "dotnet/aspnetcore#55093", answer: "panic",
		cure: "decide: {AllowAnonymous} or {Require}; {Optional} if a token is welcome",
		wiring: func() {
			cognitoauth.AllowAnonymous(cognitoauth.Require(cognitoauth.Authenticated(), http.NotFoundHandler()))
		}},
	{mistake: "two scopes in one string", source: "aspnet/Security#1760", answer: "panic",
		cure:   "one {Scope} for each, joined by {And} or {Or}",
		wiring: func() { cognitoauth.Scope("orders/read orders/write") }},
	{mistake: "groups compared as a claim", source: "getmoto/moto#3741", answer: "panic",
		cure:   "use {Group} for {cognito:groups}, which is a list",
		wiring: func() { cognitoauth.Claim("cognito:groups", "admins") }},
}

var diagnosisTokens = []diagnosis{
	{mistake: "audience validation on an access token", source: "Stack Overflow, \"Cognito JWT Authorize in ASP.NET Core 6 Web API\"", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = nil }),
		cure:   "take {" + diagnosisClient + "} out of {Audiences}: {ClientIDs} compares it, with client_id; the token has {no aud}",
		config: diagnosisAudience(diagnosisClient)},
	{mistake: "audience demanded that nobody asked Cognito for", source: "PrefectHQ/fastmcp#3739", answer: "401 audience_mismatch",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = nil }),
		cure:   "the app asks for it by the parameter {resource}; otherwise leave {Audiences} out, since the token has {no aud}",
		config: diagnosisAudience(diagnosisAPI)},
	{mistake: "token bound to this API, which does not know its own name", source: "DG, resource binding", answer: "401 audience_mismatch",
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = []string{diagnosisAPI} }),
		cure:  "add {" + diagnosisAPI + "} to {Audiences}",
		token: diagnosisClaim("aud", diagnosisAPI)},
	{mistake: "token bound to another API", source: "DG, resource binding", answer: "401 audience_mismatch",
		cure:   "the token is for {https://other.example.com}; ask for {" + diagnosisAPI + "} by the parameter {resource}, or change {Audiences}",
		config: diagnosisAudience(diagnosisAPI), token: diagnosisClaim("aud", "https://other.example.com")},
	{mistake: "resource with a slash at the end, as an MCP client writes it", source: "RFC 8707, section 2", answer: "401 audience_mismatch",
		never:  []string{"case of the host", "trigger"},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = append(p.Audiences, diagnosisAPI+"/") }),
		cure:   "{aud} has a {slash} more than {\"" + diagnosisAPI + "\"}: add it to {Audiences}, or have the client send the other {resource}",
		config: diagnosisAudience(diagnosisAPI), token: diagnosisClaim("aud", diagnosisAPI+"/")},
	{mistake: "resource without the slash that the API's own name has", source: "RFC 8707, section 2", answer: "401 audience_mismatch",
		never:  []string{"case of the host"},
		mend:   diagnosisAudience(diagnosisAPI),
		cure:   "{Audiences} says {\"" + diagnosisAPI + "/\"}, with a {slash}, and {aud} has none",
		config: diagnosisAudience(diagnosisAPI + "/"), token: diagnosisClaim("aud", diagnosisAPI)},
	{mistake: "resource with capitals in its host", source: "RFC 3986, section 6.2.2.1", answer: "401 audience_mismatch",
		never:  []string{"by a slash"},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = append(p.Audiences, "https://API.example.com") }),
		cure:   "{case} of the {host} differs, and the strings are compared {byte for byte}: {\"https://API.example.com\"} is not {\"" + diagnosisAPI + "\"}",
		config: diagnosisAudience(diagnosisAPI), token: diagnosisClaim("aud", "https://API.example.com")},
	{mistake: "aud that a trigger has set to the app client, taken for a resource", source: "DG, pre token generation trigger", answer: "401 audience_mismatch",
		never:  []string{"add that aud"},
		cure:   "{aud} is the {client_id}, which a {trigger} writes; ask for the resource by {resource}, which a pool on {Essentials} or {Plus} takes",
		config: diagnosisAudience(diagnosisAPI), token: diagnosisClaim("aud", diagnosisClient)},

	{mistake: "client that has registered itself, where clients are listed", source: "envoyproxy/ai-gateway#2048", answer: "401 client_mismatch",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.RegisteredClients = true }),
		cure:   "set {RegisteredClients} if clients {register} ({RFC 7591}, on {Essentials} and {Plus}), or add {2self} to {ClientIDs}",
		config: diagnosisAudience(diagnosisAPI), token: diagnosisRegistered(diagnosisAPI)},
	{mistake: "client that has registered itself and asks for no resource", source: "envoyproxy/ai-gateway#2048", answer: "401 audience_mismatch",
		never:  []string{"leave Audiences empty", "slash"},
		cure:   "the token has {no aud}, by which alone {RegisteredClients} admits {\"2self\"}: it sends {resource}, to a pool on {Essentials} or {Plus}",
		config: diagnosisOpen, token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Client("2self") }},
	{mistake: "client that has registered itself, with a token for another API", source: "envoyproxy/ai-gateway#2048", answer: "401 audience_mismatch",
		never:  []string{"slash"},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = append(p.Audiences, "https://other.example.com") }),
		cure:   "the token is for {https://other.example.com}, and {RegisteredClients} admits {\"2self\"} by {" + diagnosisAPI + "} alone: it sends {resource} for that",
		config: diagnosisOpen, token: diagnosisRegistered("https://other.example.com")},
	{mistake: "machine of a client that has registered itself", source: "DG, dynamic client registration: client credentials", answer: "401 client_mismatch",
		never:  []string{"resource="},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = append(p.ClientIDs, "2self") }),
		cure:   "a {machine} needs {ClientIDs}, where {\"2self\"} is not; {RegisteredClients} is for {users} only",
		config: diagnosisOpen, token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.MachineToken().Client("2self") }},
	{mistake: "ID token for access token", source: "aws-amplify/amplify-js#1772", answer: "401 token_use_mismatch",
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken }),
		cure:  "send the {access token} instead of the {ID token}; an API that wants those sets {TokenUse} to {IDToken}",
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.IDToken() }},
	{mistake: "access token for ID token", source: "ghdna/cognito-express#4", answer: "401 token_use_mismatch",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.AccessToken }),
		cure:   "send the {ID token} instead of the {access token}, or set {TokenUse} to {AccessToken}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken })},
	{mistake: "token of another app client", source: "awslabs/aws-support-tools#97", answer: "401 client_mismatch",
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.ClientIDs = append(p.ClientIDs, "2mobile") }),
		cure:  "add {2mobile}, which is its {client_id}, to {ClientIDs}",
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Client("2mobile") }},
	{mistake: "emulator that leaves client_id out", source: "floci-io/floci#228", answer: "401 client_mismatch",
		cure:  "there is {no client_id}, which Cognito never forgets: mend the {emulator}",
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Delete("client_id") }},
	{mistake: "pool in another region", source: "aws-amplify/aws-sdk-ios#447", answer: "401 issuer_mismatch",
		mend: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.Pools[0].ID, c.Pools[0].JWKS = "eu-central-1_ZyXwVu987", l.pool.KeySet()
		},
		cure:  "put {eu-central-1_ZyXwVu987} into {ID}, which is {eu-west-1_AbCdEf123}: the {region} differs",
		token: diagnosisClaim("iss", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_ZyXwVu987")},
	{mistake: "other pool of the same region", source: "dotnet/aspnetcore#28948", answer: "401 issuer_mismatch",
		mend: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.Pools[0].ID, c.Pools[0].JWKS = "eu-west-1_ZyXwVu987", l.pool.KeySet()
		},
		cure:  "put {eu-west-1_ZyXwVu987} into {ID}, which is {eu-west-1_AbCdEf123}",
		token: diagnosisClaim("iss", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ZyXwVu987")},
	{mistake: "replica of the pool in a second region", source: "awslabs/aws-jwt-verify#282", answer: "401 issuer_mismatch",
		never: []string{"Issuer", "emulator"},
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.ReplicaRegions = []string{"us-west-2"} }),
		cure:  "add {\"us-west-2\"} to {ReplicaRegions}",
		token: diagnosisClaim("iss", "https://cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123")},
	{mistake: "updated issuer, while the original is pinned", source: "awslabs/aws-jwt-verify#279", answer: "401 issuer_mismatch",
		never:  []string{"ReplicaRegions", "emulator"},
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "" }),
		cure:   "leave {Issuer} out, and both forms pass; the token has {https://issuer-cognito-idp.eu-west-1.amazonaws.com/}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = diagnosisIssuer }),
		token:  diagnosisClaim("iss", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123")},
	{mistake: "emulator that calls itself by another host", source: "jagregory/cognito-local#390", answer: "401 issuer_mismatch",
		never: []string{"ReplicaRegions"},
		mend: diagnosisPool(func(p *cognitoauth.Pool) {
			p.Issuer, p.JWKSURL = "http://cognito:9229/local_1AbCdEf", "http://localhost:9229/eu-west-1_AbCdEf123/.well-known/jwks.json"
		}),
		cure:   "put {http://cognito:9229/local_1AbCdEf} into {Issuer}, which is {" + diagnosisLocal + "}: the {host} differs",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID, p.Issuer = "local_1AbCdEf", diagnosisLocal }),
		token:  diagnosisClaim("iss", "http://cognito:9229/local_1AbCdEf")},
	{mistake: "slash at the end of an emulator's issuer", source: "authlib/joserfc#90", answer: "401 issuer_mismatch",
		mend: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.Pools[0].Issuer, c.Pools[0].JWKS = diagnosisLocal, l.pool.KeySet()
		},
		cure:   "take the {slash} off {Issuer}: the token has {\"" + diagnosisLocal + "\"}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID, p.Issuer = "local_1AbCdEf", diagnosisLocal+"/" }),
		token:  diagnosisClaim("iss", diagnosisLocal)},
	{mistake: "emulator that nobody configured", source: "localstack/localstack#13395", answer: "401 issuer_mismatch",
		never: []string{"ReplicaRegions"},
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = "http://localhost:4566/eu-west-1_AbCdEf123" }),
		cure:  "put {http://localhost:4566/eu-west-1_AbCdEf123} into {Issuer}; if its keys are elsewhere, say where by {JWKSURL}",
		token: diagnosisClaim("iss", "http://localhost:4566/eu-west-1_AbCdEf123")},
	{mistake: "token of an identity pool", source: "awslabs/aws-jwt-verify, README: identity pools", answer: "401 algorithm_unsupported",
		cure: "get a token of the {user pool}, which signs by {RS256}; this one has {RS512}",
		token: func(l *diagnosisLab) *cognitotest.Token {
			return l.pool.AccessToken().SetHeader("alg", "RS512").Set("iss", "https://cognito-identity.amazonaws.com")
		}},
	{mistake: "home-made token", source: "DG, verifying a JSON web token", answer: "401 algorithm_unsupported",
		cure:  "get a token of the {user pool}, which signs by {RS256}; this one has {HS256}",
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().SetHeader("alg", "HS256") }},
	{mistake: "refresh token", source: "awslabs/aws-jwt-verify#59", answer: "401 token_malformed",
		cure:   "send the {access token}, not the {refresh token}",
		header: []string{"Authorization: Bearer eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.QUJD.REVG.R0hJ.SktM"}},
	{mistake: "token that JavaScript did not have yet", source: "bcgov/issuer-kit#326", answer: "401 token_malformed",
		never:  []string{"client secret", "authorization code"},
		cure:   "the client sends the word {undefined}: it reads its {access token} too early or from the wrong place",
		header: []string{"Authorization: Bearer undefined"}},
	{mistake: "token that was cut off", source: "OpenNeuroOrg/openneuro#3102", answer: "401 token_malformed",
		cure:   "there are {two|2} segments and not {three|3}: the client sends the {access token} whole",
		header: []string{"Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJ4In0"}},
	{mistake: "token encoded once more", source: "auth0/auth0-spa-js#838", answer: "401 token_malformed",
		never:  []string{"client secret", "authorization code"},
		cure:   "it was put into {base64} once more: send the token as it was {issued|received}",
		header: []string{"Authorization: Bearer ZXlKaGJHY2lPaUpTVXpJMU5pSXNJbXRwWkNJNkluZ2lmUS5leUp6ZFdJaU9pSjRJbjAueA=="}},
	{mistake: "expired token", source: "aws-amplify/amplify-js#2987", answer: "401 token_expired",
		cure:  "it expired {2h} ago; the app gets another one by its {refresh token}",
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().ExpiresIn(-2 * time.Hour) }},
	{mistake: "clock of this machine is behind", source: "golang-jwt/jwt#98", answer: "401 token_issued_in_future",
		mend:  func(l *diagnosisLab, c *cognitoauth.Config) { c.Leeway = 3 * time.Minute },
		cure:  "{iat} is {2m} ahead: set the {clock}, or raise {Leeway}",
		token: diagnosisClaim("iat", diagnosisNoon.Add(2*time.Minute))},
	{mistake: "milliseconds for seconds in an emulator", source: "dwyl/learn-json-web-tokens#28", answer: "401 lifetime_too_long",
		never: []string{"MaxLifetime"},
		cure:  "{exp} is in {milliseconds} and should be in {seconds}",
		token: diagnosisClaim("exp", diagnosisNoon.Add(time.Hour).UnixMilli())},
	{mistake: "emulator whose tokens live for a year", source: "getmoto/moto#8477", answer: "401 lifetime_too_long",
		never: []string{"milliseconds"},
		mend:  diagnosisPool(func(p *cognitoauth.Pool) { p.MaxLifetime = 8760 * time.Hour }),
		cure:  "{MaxLifetime} has to be {8760h} or more, and is {24h}",
		token: diagnosisClaim("exp", diagnosisNoon.Add(365*24*time.Hour))},
	{mistake: "key set of another pool", source: "aws-amplify/amplify-js#2295", answer: "New",
		mend: diagnosisPool(func(p *cognitoauth.Pool) { p.JWKSURL = "" }),
		cure: "{JWKSURL} is {https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ZyXwVu987/.well-known/jwks.json}, of another pool than {ID}: leave it {out|empty}",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.JWKSURL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ZyXwVu987/.well-known/jwks.json"
		})},
	{mistake: "key set of another pool of an emulator", source: "aws-amplify/amplify-js#2295", answer: "401 key_unknown",
		mend: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.HTTPClient, c.Pools[0].JWKSURL = l.pool.Client(), "http://localhost:9229/eu-west-1_AbCdEf123/.well-known/jwks.json"
		},
		cure: "{JWKSURL} is {http://localhost:9229/eu-west-1_ZyXwVu987/.well-known/jwks.json}, which has no such {kid}: it is {another pool}'s",
		config: func(l *diagnosisLab, c *cognitoauth.Config) {
			c.HTTPClient = l.other.Client()
			c.Pools[0].Issuer, c.Pools[0].JWKSURL = diagnosisIssuer, "http://localhost:9229/eu-west-1_ZyXwVu987/.well-known/jwks.json"
		}},
	{mistake: "known keys from before a rotation", source: "fastly/compute-rust-auth#18", answer: "401 key_unknown",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.JWKS = nil }),
		cure:   "copy the key set into {JWKS} anew, or leave it out: no such {kid}",
		config: func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.other.KeySet() }},
	{mistake: "no way to the key set from the network of this machine", source: "awslabs/aws-jwt-verify#72", answer: "503 keys_unavailable",
		mend:  func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.pool.KeySet() },
		cure:  "let this machine reach {" + diagnosisIssuer + "/.well-known/jwks.json}, or give {JWKS}",
		fault: cognitotest.Fault{Abort: true}},
	{mistake: "interface endpoint of the VPC in the place of Cognito", source: "GachiSallim-UMC/backend#110", answer: "503 keys_unavailable",
		never: []string{"quota"},
		mend:  func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.pool.KeySet() },
		cure:  "{400}: a {VPC} endpoint ({PrivateLink}) with {private DNS} does not serve a pool that has a {domain}: copy the keys into {JWKS}, name a {proxy} by {JWKSURL}, or give the machine {egress}",
		fault: cognitotest.Fault{Status: 400}},
	{mistake: "interface endpoint of the VPC, whose policy forbids", source: "DG, interface VPC endpoints", answer: "503 keys_unavailable",
		mend:  func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.pool.KeySet() },
		cure:  "{403}: {PrivateLink}; give {JWKS}, {JWKSURL} or {egress}",
		fault: cognitotest.Fault{Status: 403}},
	{mistake: "fleet that fetches the key set too often", source: "DG, document history: quota of jwks.json, 2025-10-13", answer: "503 keys_unavailable",
		never: []string{"PrivateLink"},
		mend:  func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.pool.KeySet() },
		cure:  "{429}: there is a {quota} since {October 2025}; {share} one copy by {JWKS} or {JWKSURL}",
		fault: cognitotest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}},
	{mistake: "mistyped key set URL", source: "AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet#2469", answer: "New",
		mend:   diagnosisPool(func(p *cognitoauth.Pool) { p.JWKSURL = "" }),
		cure:   "{JWKSURL} ends in {jwks.json}; leave it {out|empty}, since it follows from {ID}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.JWKSURL = diagnosisIssuer + "/.well-known/jwks" })},
	{mistake: "mistyped key set URL of an emulator", source: "jagregory/cognito-local#398", answer: "503 keys_unavailable",
		mend: diagnosisPool(func(p *cognitoauth.Pool) {
			p.JWKSURL = "http://localhost:9229/eu-west-1_AbCdEf123/.well-known/jwks.json"
		}),
		cure: "{JWKSURL} is wrong, since at {http://localhost:9229/jwks} there is {404}; leave it {empty}, or write {/.well-known/jwks.json} behind the {Issuer}",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.ID, p.Issuer, p.JWKSURL = "local_1AbCdEf", diagnosisLocal, "http://localhost:9229/jwks"
		}), token: diagnosisClaim("iss", diagnosisLocal)},
	{mistake: "signed by another key of the same name, as an emulator does after it lost its data", source: "localstack/localstack#7741", answer: "401 signature_invalid",
		cure:   "the {key} of that {kid} is another one: copy the key set into {JWKS} anew",
		config: func(l *diagnosisLab, c *cognitoauth.Config) { c.Pools[0].JWKS = l.pool.KeySet() },
		token: func(l *diagnosisLab) *cognitotest.Token {
			return l.pool.AccessToken().SignedBy(l.other.AccessToken().Key())
		}},
	{mistake: "trigger that writes the groups as one string", source: "aws/aws-lambda-java-libs#516", answer: "401 claims_malformed",
		cure:  "{cognito:groups} is a {list|array} of strings: mend the pre token generation {trigger}",
		token: diagnosisClaim("cognito:groups", "admins")},
	{mistake: "trigger that writes the scopes as a list", source: "AzureAD/microsoft-identity-web#1707", answer: "401 claims_malformed",
		cure:  "{scope} is one {string} with spaces",
		token: diagnosisClaim("scope", []string{"orders/read", "orders/write"})},
	{mistake: "token larger than the limit", source: "DG, quotas: 100 groups per user", answer: "401 token_too_large",
		cure:   "it has {1501|1,501} bytes: {MaxTokenBytes} must be more than {1024|1,024}",
		config: func(_ *diagnosisLab, c *cognitoauth.Config) { c.MaxTokenBytes = 1024 },
		header: []string{"Authorization: Bearer " + strings.Repeat("a", 1501)}},
}

var diagnosisCredentials = []diagnosis{
	{mistake: "raw token without Bearer", source: "aws-amplify/amplify-js#5962", answer: "401 token_missing",
		never:  []string{"AllowAnonymous"},
		cure:   "write {Bearer} and a space before the token in {Authorization}",
		header: []string{"Authorization: TOKEN"}},
	{mistake: "Bearer twice", source: "googleapis/php-jwt#92", answer: "400 credentials_malformed",
		cure:   "{Bearer} stands there {twice}",
		header: []string{"Authorization: Bearer Bearer TOKEN"}},
	{mistake: "token with its quotes", source: "auth0/angular-storage#60", answer: "400 credentials_malformed",
		cure:   "take the {quotes|quotation marks} off",
		header: []string{`Authorization: Bearer "TOKEN"`}},
	{mistake: "Bearer with a colon", source: "realpython/flask-jwt-auth#9", answer: "400 credentials_malformed",
		cure:   "write {Bearer} with a space behind it, not with a {colon}",
		header: []string{"Authorization: Bearer: TOKEN"}},
	{mistake: "two headers joined by a proxy", source: "RFC 9110, section 5.3", answer: "400 credentials_malformed",
		cure:   "a {proxy} has {joined} two {Authorization} headers: send one",
		header: []string{"Authorization: Bearer TOKEN,Bearer TOKEN"}},
	{mistake: "an empty header", source: "RFC 9110, section 5.5", answer: "401 token_missing",
		never:  []string{"another scheme", "AllowAnonymous"},
		cure:   "the {Authorization} header is {empty}: the client has no token, or a proxy has cleared it",
		header: []string{"Authorization: "}},
	{mistake: "Bearer and nothing behind it", source: "yuchiu/Netflix-Clone#2", answer: "400 credentials_malformed",
		cure:   "there is {no token|empty|nothing} behind {Bearer}: the client has none yet",
		header: []string{"Authorization: Bearer "}},
	{mistake: "a proxy's credentials beside the token", source: "tobiasehlert/teslamateapi#481", answer: "400 credentials_repeated",
		cure:   "send {Authorization} once; it comes {2|two|twice}",
		header: []string{"Authorization: Basic amFuZTpwYXNz", "Authorization: Bearer TOKEN"}},
	{mistake: "a proxy's credentials instead of the token", source: "Tmeister/wp-api-jwt-auth#291", answer: "401 token_missing",
		never:  []string{"AllowAnonymous"},
		cure:   "the scheme is {Basic}, and should be {Bearer}",
		header: []string{"Authorization: Basic amFuZTpwYXNz"}},
	{mistake: "token in the query", source: "gogatekeeper/gatekeeper#421", answer: "401 token_missing",
		never:   []string{"AllowAnonymous"},
		cure:    "the {query} is never read: send the token in {Authorization}",
		request: "GET /me?access_token=TOKEN", header: []string{}},
	{mistake: "token in a cookie that nobody reads", source: "auth0/nginx-jwt#50", answer: "401 token_missing",
		never:  []string{"AllowAnonymous"},
		mend:   func(l *diagnosisLab, c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromCookie("access_token") },
		cure:   "set {TokenSource} to {FromCookie}",
		header: []string{"Cookie: access_token=TOKEN"}},
	{mistake: "token in Authorization, while a cookie is read", source: "tobiasehlert/teslamateapi#481", answer: "401 token_missing",
		never:  []string{"AllowAnonymous"},
		mend:   func(l *diagnosisLab, c *cognitoauth.Config) { c.TokenSource = nil },
		cure:   "{TokenSource} reads a cookie: leave it out, and {Authorization} is read",
		config: func(_ *diagnosisLab, c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromCookie("session") }},
	{mistake: "cookie on a form of another site", source: "vimalloc/flask-jwt-extended#385", answer: "403 cross_origin",
		cure:    "a {cookie} counts only from the same origin; other origins send {Authorization}",
		config:  func(_ *diagnosisLab, c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromCookie("session") },
		request: "POST /me", header: []string{"Cookie: session=TOKEN", "Sec-Fetch-Site: cross-site", "Origin: https://elsewhere.example"},
		routes: diagnosisMux("POST /me", diagnosisOK)},
}

var diagnosisRoutes = []diagnosis{
	{mistake: "preflight refused, since CORS sits inside", source: "dotnet/aspnetcore#20709", answer: "401 token_missing",
		never:   []string{"AllowAnonymous"},
		cure:    "a {preflight} has no token: {CORS} goes {outside}, {cors(auth.Wrap(mux))}",
		request: "OPTIONS /me", header: []string{"Origin: https://app.example", "Access-Control-Request-Method: GET"},
		routes: diagnosisLogged{diagnosisMux("GET /me", diagnosisOK)}},
	{mistake: "marker inside other middleware", source: "dotnet/aspnetcore#56789", answer: "401 token_missing",
		mended:  diagnosisMux("GET /healthz", cognitoauth.AllowAnonymous(diagnosisLogged{diagnosisOK})),
		cure:    "{AllowAnonymous} goes {outermost|outside}, around the {diagnosis_test.diagnosisLogged}",
		request: "GET /healthz", header: []string{},
		routes: diagnosisMux("GET /healthz", diagnosisLogged{cognitoauth.AllowAnonymous(diagnosisOK)})},
	{mistake: "marker on a mux behind StripPrefix", source: "dotnet/aspnetcore#24252", answer: "401 token_missing",
		mended:  diagnosisMux("/public/healthz", cognitoauth.AllowAnonymous(diagnosisOK)),
		cure:    "{AllowAnonymous} counts on the outer mux, which finds {http.StripPrefix} for {/public/}: register the {mux} inside by {whole|full} paths",
		request: "GET /public/healthz", header: []string{},
		routes: diagnosisMux("/public/", http.StripPrefix("/public", diagnosisMux("/healthz", cognitoauth.AllowAnonymous(diagnosisOK))))},
	{mistake: "marker in a router that cannot be asked", source: "gomods/athens#1307", answer: "401 token_missing",
		mended:  diagnosisResolver{diagnosisRouter{"/healthz": cognitoauth.AllowAnonymous(diagnosisOK)}},
		cure:    "let the {diagnosis_test.diagnosisRouter} implement {EndpointResolver}, which is {ResolveEndpoint}",
		request: "GET /healthz", header: []string{},
		routes: diagnosisRouter{"/healthz": cognitoauth.AllowAnonymous(diagnosisOK)}},
	{mistake: "redirect to a marked subtree", source: "swagger-api/swagger-ui#2126", answer: "401 token_missing",
		mended:  diagnosisMux("GET /docs", cognitoauth.AllowAnonymous(diagnosisOK)),
		cure:    "the {redirect} to {/docs/} is not marked: register /docs by {AllowAnonymous} too",
		request: "GET /docs", header: []string{},
		routes: diagnosisMux("GET /docs/", cognitoauth.AllowAnonymous(diagnosisOK))},
	{mistake: "escaped slash in the path of a marked route", source: "koseven/koseven#382", answer: "401 token_missing",
		cure:    "{AllowAnonymous} does not count for a path with an {escaped slash|%2F}: send {another path|no such path}, or a {token}",
		request: "GET /files/a%2Fb", header: []string{},
		routes: diagnosisMux("GET /files/{name}", cognitoauth.AllowAnonymous(diagnosisOK))},
	{mistake: "route that is not there", source: "dotnet/AspNetCore.Docs#15622", answer: "401 token_missing",
		never:   []string{"AllowAnonymous", "405", "method"},
		cure:    "{no route|no pattern|no handler} of the mux matches the {path}, which with a token would be {404}",
		request: "GET /mee", header: []string{}},
	{mistake: "method that a marked route does not have", source: "net/http, documentation of ServeMux", answer: "401 token_missing",
		never:   []string{"AllowAnonymous", "404"},
		cure:    "the {path} is there, but not for the {method}, which with a token would be {405}",
		request: "POST /healthz", header: []string{},
		routes: diagnosisMux("GET /healthz", cognitoauth.AllowAnonymous(diagnosisOK))},
	{mistake: "Wrap forgotten", source: "abpframework/abp#2228", answer: "500 not_wired",
		cure: "serve {Wrap}(mux): {Require} stands alone",
		bare: true, routes: diagnosisNeeds(cognitoauth.Authenticated())},
	{mistake: "policy inside a marked route", source: "dotnet/aspnetcore#56244", answer: "500 not_wired",
		mended: diagnosisMux("GET /me", diagnosisLogged{cognitoauth.Require(cognitoauth.Authenticated(), diagnosisOK)}),
		cure:   "on {GET /me} take {AllowAnonymous} away from around {Require}, or make it {Optional}",
		routes: diagnosisMux("GET /me", cognitoauth.AllowAnonymous(diagnosisLogged{cognitoauth.Require(cognitoauth.Authenticated(), diagnosisOK)}))},
}

var diagnosisPolicies = []diagnosis{
	{mistake: "scope without its resource server", source: "DG, scopes, M2M, and resource servers", answer: "403 scope_missing",
		mended: diagnosisNeeds(cognitoauth.Scope("orders/read")),
		cure:   "write {Scope(\"orders/read\")}: the name begins with the {resource server}",
		routes: diagnosisNeeds(cognitoauth.Scope("read")), token: diagnosisScopes("openid", "orders/read")},
	{mistake: "scope without its resource server, which is a URL", source: "DG, scopes, M2M, and resource servers", answer: "403 scope_missing",
		mended: diagnosisNeeds(cognitoauth.Scope("https://api.example.com/read")),
		cure:   "write {Scope(\"https://api.example.com/read\")}: the name begins with the {resource server}",
		routes: diagnosisNeeds(cognitoauth.Scope("read")), token: diagnosisScopes("openid", "https://api.example.com/read")},
	{mistake: "custom scope of a token from InitiateAuth", source: "DG, scopes, M2M, and resource servers", answer: "403 scope_missing",
		cure:   "{InitiateAuth} gives {aws.cognito.signin.user.admin} alone: log in by {authorization code|/oauth2/|OAuth|hosted UI|managed login}, or add the scope in a {pre token generation} trigger",
		routes: diagnosisNeeds(cognitoauth.Scope("orders/read")), token: diagnosisScopes("aws.cognito.signin.user.admin")},
	{mistake: "group used as scope", source: "AWS re:Post, restricting groups by scope", answer: "403 scope_missing",
		never:  []string{"InitiateAuth"},
		mended: diagnosisNeeds(cognitoauth.Group("admins")),
		cure:   "it is a group: {Group(\"admins\")}",
		routes: diagnosisNeeds(cognitoauth.Scope("admins")), token: diagnosisGroups("admins")},
	{mistake: "scope used as group", source: "AWS re:Post, restricting groups by scope", answer: "403 group_missing",
		mended: diagnosisNeeds(cognitoauth.Scope("orders/read")),
		cure:   "it is a scope: {Scope(\"orders/read\")}",
		routes: diagnosisNeeds(cognitoauth.Group("orders/read")), token: diagnosisScopes("orders/read")},
	{mistake: "scope with other capitals", source: "FastEndpoints/FastEndpoints#626", answer: "403 scope_missing",
		mended: diagnosisNeeds(cognitoauth.Scope("orders/read")),
		cure:   "write {orders/read} in the {Scope}; {case|capitals} count",
		routes: diagnosisNeeds(cognitoauth.Scope("Orders/Read")), token: diagnosisScopes("orders/read")},
	{mistake: "scope that the client may not ask for", source: "openchoreo/openchoreo#3217", answer: "403 scope_missing",
		cure:   "ask for {orders/write}; the token has {orders/read}",
		routes: diagnosisNeeds(cognitoauth.Scope("orders/write")), token: diagnosisScopes("orders/read")},
	{mistake: "scope asked of an ID token", source: "aws-amplify/aws-sdk-android#684", answer: "403 scope_unattainable",
		cure:   "an {ID token} has no scopes: send the {access token} and set {TokenUse} to {AccessToken}",
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken }),
		token:  func(l *diagnosisLab) *cognitotest.Token { return l.pool.IDToken() },
		routes: diagnosisNeeds(cognitoauth.Scope("orders/read"))},
	{mistake: "group asked of a machine", source: "indigo-iam/iam#681", answer: "403 group_missing",
		mended: diagnosisNeeds(cognitoauth.Scope("cognitotest/default")),
		cure:   "a {machine} has no groups: use {Scope}",
		token:  func(l *diagnosisLab) *cognitotest.Token { return l.pool.MachineToken() },
		routes: diagnosisNeeds(cognitoauth.Group("admins"))},
	{mistake: "group that the user joined after logging in", source: "aws-amplify/amplify-js#3730", answer: "403 group_missing",
		cure:   "the token names no group ({cognito:groups}): add the user to the one of {Group}, then get a {new token|fresh token|refresh}",
		routes: diagnosisNeeds(cognitoauth.Group("admins"))},
	{mistake: "group with other capitals", source: "DG, user groups", answer: "403 group_missing",
		mended: diagnosisNeeds(cognitoauth.Group("admins")),
		cure:   "{case|capitals} of the name in {Group} count",
		routes: diagnosisNeeds(cognitoauth.Group("Admins")), token: diagnosisGroups("admins")},
	{mistake: "machine where a person is asked for", source: "Lokicoule/nestjs-cognito#1400", answer: "403 user_required",
		cure:   "the token is a {machine}'s: take {UserToken} away, or have a user log in",
		token:  func(l *diagnosisLab) *cognitotest.Token { return l.pool.MachineToken() },
		routes: diagnosisNeeds(cognitoauth.UserToken())},
	{mistake: "person where a machine is asked for", source: "markomirosavljev/fastapi-cognito#30", answer: "403 machine_required",
		cure:   "the token is a {user}'s: take {MachineToken} away, or use {client credentials|client_credentials}",
		routes: diagnosisNeeds(cognitoauth.MachineToken())},
	{mistake: "custom attribute asked of an access token", source: "aws/aws-cdk#27717", answer: "403 claim_denied",
		cure:   "{custom:tenant} is in the {ID token} alone, unless a {pre token generation} trigger adds it",
		routes: diagnosisNeeds(cognitoauth.Claim("custom:tenant", "acme"))},
	{mistake: "number compared with a string", source: "DG, understanding the access token", answer: "403 claim_denied",
		cure:   "{version} is no {string}: use {Assert} and {Decode}",
		routes: diagnosisNeeds(cognitoauth.Claim("version", "2"))},
	{mistake: "another app client than the route wants", source: "awslabs/aws-support-tools#121", answer: "403 client_denied",
		mended: diagnosisNeeds(cognitoauth.ClientID(diagnosisClient)),
		cure:   "{ClientID} wants {2mobile}, the token has {" + diagnosisClient + "}",
		routes: diagnosisNeeds(cognitoauth.ClientID("2mobile"))},
	{mistake: "login that is too old, and is not made new by refreshing", source: "DG, understanding the access token: auth_time", answer: "401 login_too_old",
		cure:   "{auth_time} is {1h} ago, {AuthenticatedWithin} says {5m}: the user {logs in|log in|login} again, refreshing does not help",
		routes: diagnosisNeeds(cognitoauth.AuthenticatedWithin(5 * time.Minute)), token: diagnosisClaim("auth_time", diagnosisNoon.Add(-time.Hour))},
	{mistake: "assurance level asked of a pool that sends none", source: "DG, understanding the access token: acr", answer: "401 acr_mismatch",
		cure:   "the token has no {acr}; {ACR} wants {urn:cognito:loa:2}, which the client asks for by {acr_values} of a pool on {Essentials} or {Plus}",
		routes: diagnosisNeeds(cognitoauth.ACR("urn:cognito:loa:2"))},
}

// diagnosisLookalikes look like a mistake above, and are another or none: what
// is suggested there would be wrong here.
var diagnosisLookalikes = []diagnosis{
	{mistake: "two scopes could be meant", answer: "403 scope_missing", never: []string{"did you mean", "Group("},
		routes: diagnosisNeeds(cognitoauth.Scope("read")), token: diagnosisScopes("orders/read", "users/read")},
	{mistake: "scope that only begins alike", answer: "403 scope_missing", never: []string{"did you mean"},
		routes: diagnosisNeeds(cognitoauth.Scope("orders/read")), token: diagnosisScopes("orders/read.all")},
	{mistake: "scope of another resource server", answer: "403 scope_missing", never: []string{"did you mean", "Group("},
		routes: diagnosisNeeds(cognitoauth.Scope("orders/read")), token: diagnosisScopes("users/read")},
	{mistake: "scope of OpenID Connect", answer: "403 scope_missing", never: []string{"Group("},
		routes: diagnosisNeeds(cognitoauth.Scope("openid")), token: diagnosisScopes("orders/read")},
	{mistake: "login by the OAuth endpoints", answer: "403 scope_missing", never: []string{"InitiateAuth"},
		routes: diagnosisNeeds(cognitoauth.Scope("orders/read")), token: diagnosisScopes("openid", "aws.cognito.signin.user.admin")},
	{mistake: "user in another group", answer: "403 group_missing", never: []string{"Scope(", "machine", "case", "new token"},
		routes: diagnosisNeeds(cognitoauth.Group("admins")), token: diagnosisGroups("staff")},
	{mistake: "custom attribute with another value", answer: "403 claim_denied", never: []string{"ID token", "no such claim", "Assert"},
		routes: diagnosisNeeds(cognitoauth.Claim("custom:tenant", "acme")), token: diagnosisClaim("custom:tenant", "other")},
	{mistake: "claim that is no attribute", answer: "403 claim_denied", never: []string{"ID token"},
		routes: diagnosisNeeds(cognitoauth.Claim("tenant", "acme"))},
	{mistake: "custom attribute that the ID token has not", answer: "403 claim_denied", never: []string{"ID token"},
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.TokenUse = cognitoauth.IDToken }), token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.IDToken() },
		routes: diagnosisNeeds(cognitoauth.Claim("custom:tenant", "acme"))},

	{mistake: "audience that ends in a slash, of another API", answer: "401 audience_mismatch", never: []string{"by a slash", "case of the host", "trigger"},
		config: diagnosisAudience(diagnosisAPI), token: diagnosisClaim("aud", "https://other.example.com/")},
	{mistake: "audience with capitals in its path, which count", answer: "401 audience_mismatch", never: []string{"case of the host", "by a slash"},
		config: diagnosisAudience(diagnosisAPI + "/v1"), token: diagnosisClaim("aud", diagnosisAPI+"/V1")},
	{mistake: "client of another API of the pool, where clients are listed", answer: "401 client_mismatch", never: []string{"RegisteredClients"},
		config: diagnosisAudience(diagnosisAPI), token: diagnosisRegistered("https://other.example.com")},
	{mistake: "key set that is not there", answer: "503 keys_unavailable", never: []string{"PrivateLink", "quota"}, fault: cognitotest.Fault{Status: 404}},
	{mistake: "mirror that forbids", answer: "503 keys_unavailable", never: []string{"PrivateLink", "quota"}, fault: cognitotest.Fault{Status: 403},
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.JWKSURL = "https://mirror.example/eu-west-1_AbCdEf123/.well-known/jwks.json"
		})},

	{mistake: "issuer of somebody else", answer: "401 issuer_mismatch", never: []string{"Pool.ReplicaRegions", "Pool.Issuer", "slash", "emulator", "Pool.ID"},
		token: diagnosisClaim("iss", "https://idp.example.com/")},
	{mistake: "the pool in a region of another partition", answer: "401 issuer_mismatch", never: []string{"Pool.ReplicaRegions", "Pool.Issuer"},
		token: diagnosisClaim("iss", "https://cognito-idp.cn-north-1.amazonaws.com.cn/eu-west-1_AbCdEf123")},
	{mistake: "updated issuer with a replica's region", answer: "401 issuer_mismatch", never: []string{"Pool.ReplicaRegions", "Pool.Issuer"},
		token: diagnosisClaim("iss", "https://issuer-cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123")},
	{mistake: "slash at the end of an issuer that nobody configured", answer: "401 issuer_mismatch", never: []string{"take it off Pool.Issuer"},
		token: diagnosisClaim("iss", diagnosisIssuer+"/")},
	{mistake: "kind of token that there is not", answer: "401 token_use_mismatch", never: []string{"send the", "IDToken"},
		token: diagnosisClaim("token_use", "refresh")},
	{mistake: "token for two days", answer: "401 lifetime_too_long", never: []string{"milliseconds"},
		token: diagnosisClaim("exp", diagnosisNoon.Add(48*time.Hour))},
	{mistake: "signature altered, keys fetched", answer: "401 signature_invalid", never: []string{"Pool.JWKS"},
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Tampered() }},
	{mistake: "key that the pool's own key set has not", answer: "401 key_unknown", never: []string{"Pool.JWKS", "emulator"},
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().SetHeader("kid", "nobody's") }},
	{mistake: "algorithm of no pool", answer: "401 algorithm_unsupported", never: []string{"identity pools"},
		token: func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().SetHeader("alg", "ES256") }},
	{mistake: "four segments", answer: "401 token_malformed", never: []string{"refresh token"}, header: []string{"Authorization: Bearer a.b.c.d"}},
	{mistake: "opaque token", answer: "401 token_malformed", never: []string{"base64", "JavaScript"}, header: []string{"Authorization: Bearer undefinedness"}},

	{mistake: "two words behind Bearer", answer: "400 credentials_malformed", never: []string{"twice", "quotes", "colon", "no token behind"},
		header: []string{"Authorization: Bearer a b"}},
	{mistake: "scheme that begins like another", answer: "401 token_missing", never: []string{", Basic"}, header: []string{"Authorization: Basically x"}},
	{mistake: "OPTIONS that is no preflight", answer: "401 token_missing", never: []string{"preflight", "CORS"},
		request: "OPTIONS /me", header: []string{"Origin: https://app.example"}},
	{mistake: "query with another parameter", answer: "401 token_missing", never: []string{"in its query"}, request: "GET /me?my_access_token=x", header: []string{}},
	{mistake: "cookie that is no token", answer: "401 token_missing", never: []string{"FromCookie"}, header: []string{"Cookie: session=0123456789abcdef"}},
	{mistake: "cookie with an encrypted token", answer: "401 token_missing", never: []string{"FromCookie"}, header: []string{"Cookie: session=eyJ.a.b.c.d"}},
	{mistake: "path that is not clean", answer: "401 token_missing", never: []string{"no pattern of the mux"}, request: "GET /mee//you", header: []string{}},
	{mistake: "router that names no handler", answer: "401 token_missing", never: []string{"AllowAnonymous", "cannot be asked"}, header: []string{},
		routes: diagnosisResolver{}},
	{mistake: "route with a policy", answer: "401 token_missing", never: []string{"AllowAnonymous", "Optional"}, header: []string{},
		routes: diagnosisNeeds(cognitoauth.UserToken())},

	{mistake: "mirror of the key set", answer: "204",
		config: diagnosisPool(func(p *cognitoauth.Pool) {
			p.JWKSURL = "https://mirror.example/eu-west-1_AbCdEf123/.well-known/jwks.json"
		})},
	{mistake: "key set of a replica", answer: "204", config: diagnosisPool(func(p *cognitoauth.Pool) {
		p.JWKSURL = "https://cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json"
	})},
	{mistake: "emulator whose host begins like one of AWS", answer: "204", config: diagnosisPool(func(p *cognitoauth.Pool) {
		p.Issuer = "https://cognito-idp.eu-west-1.localhost.localstack.cloud:4566/eu-west-1_AbCdEf123"
	}), token: diagnosisClaim("iss", "https://cognito-idp.eu-west-1.localhost.localstack.cloud:4566/eu-west-1_AbCdEf123")},
	{mistake: "mirror whose host begins like one of AWS, and which is down", answer: "503 keys_unavailable", config: diagnosisPool(func(p *cognitoauth.Pool) {
		p.JWKSURL = "https://cognito-idp.corp.example/keys"
	})},
	{mistake: "issuer spelled out", answer: "204", config: diagnosisPool(func(p *cognitoauth.Pool) { p.Issuer = diagnosisIssuer })},
	{mistake: "URL without a pool's ID in it", answer: "New", never: []string{`expected the user pool's ID in it`},
		config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = "https://login.example.com/my_pool" })},
	{mistake: "white space around no ID", answer: "New", never: []string{"white space"}, config: diagnosisPool(func(p *cognitoauth.Pool) { p.ID = " my pool " })},
}

var diagnosisNoon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var diagnosisOK = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// diagnosisLogged is middleware as everybody has some: a handler with another
// one inside.
type diagnosisLogged struct{ http.Handler }

// diagnosisRouter is a router that is neither a ServeMux nor can be asked.
type diagnosisRouter map[string]http.Handler

// diagnosisResolver is the same router, which can be asked.
type diagnosisResolver struct{ diagnosisRouter }

func (d diagnosisResolver) ResolveEndpoint(r *http.Request) http.Handler {
	return d.diagnosisRouter[r.URL.Path]
}

func (d diagnosisRouter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d[r.URL.Path].ServeHTTP(w, r)
}

func diagnosisPool(change func(*cognitoauth.Pool)) diagnosisSet {
	return func(_ *diagnosisLab, c *cognitoauth.Config) { change(&c.Pools[0]) }
}

func diagnosisAudience(aud string) diagnosisSet {
	return diagnosisPool(func(p *cognitoauth.Pool) { p.Audiences = []string{aud} })
}

// diagnosisOpen admits clients that register themselves.
func diagnosisOpen(l *diagnosisLab, c *cognitoauth.Config) {
	c.Pools[0].Audiences, c.Pools[0].RegisteredClients = []string{diagnosisAPI}, true
}

// diagnosisRegistered is the token of a user of a client that is not listed.
func diagnosisRegistered(aud string) diagnosisTok {
	return func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Client("2self").Set("aud", aud) }
}

func diagnosisClaim(name string, v any) diagnosisTok {
	return func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Set(name, v) }
}

func diagnosisScopes(scopes ...string) diagnosisTok {
	return func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Scopes(scopes...) }
}

func diagnosisGroups(groups ...string) diagnosisTok {
	return func(l *diagnosisLab) *cognitotest.Token { return l.pool.AccessToken().Groups(groups...) }
}

func diagnosisMux(pattern string, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pattern, h)
	return mux
}

func diagnosisNeeds(p cognitoauth.Policy) http.Handler {
	return diagnosisMux("GET /me", cognitoauth.Require(p, diagnosisOK))
}

// TestDiagnosis makes each mistake, and expects that what the operator is told
// names the cure. It prints the whole table:
//
//	go test -run TestDiagnosis -v .
func TestDiagnosis(t *testing.T) {
	l, all := newDiagnosisLab(t), diagnosisAll()
	if len(all) < 30 {
		t.Fatalf("%d mistakes, expected 30 at least", len(all))
	}
	texts := map[string]string{} // what callers are told, by answer
	for i, row := range all {
		got := l.make(t, row)
		if testing.Verbose() {
			got.print(i+1, row)
		}
		if got.answer != row.answer {
			t.Errorf("%s: answer %q, want %q: %s", row.mistake, got.answer, row.answer, got.detail)
			continue
		}
		for _, words := range diagnosisWords(t, row.cure) {
			if !slices.ContainsFunc(words, func(w string) bool { return diagnosisSays(got.detail, w) }) {
				t.Errorf("%s: %q is not in Detail: %s", row.mistake, strings.Join(words, "|"), got.detail)
			}
		}
		for _, text := range row.never {
			if strings.Contains(got.detail, text) {
				t.Errorf("%s: %q leads astray: %s", row.mistake, text, got.detail)
			}
		}
		got.checkPrivate(t, row)
		l.checkMended(t, row)
		if before, ok := texts[got.answer]; ok && before != got.description {
			t.Errorf("%s: error_description %q, and %q for another mistake: it is not fixed", row.mistake, got.description, before)
		}
		texts[got.answer] = got.description
	}
}

// What is suggested is certain: it stands in no text of a lookalike.
func TestDiagnosis_certain(t *testing.T) {
	l := newDiagnosisLab(t)
	var suggestions strings.Builder
	for _, row := range diagnosisAll() {
		got := l.make(t, row)
		fmt.Fprintln(&suggestions, got.detail)
	}
	for _, row := range diagnosisLookalikes {
		got := l.make(t, row)
		if got.answer != row.answer {
			t.Errorf("%s: answer %q, want %q: %s", row.mistake, got.answer, row.answer, got.detail)
		}
		for _, text := range row.never {
			if strings.Contains(got.detail, text) {
				t.Errorf("%s: %q leads astray: %s", row.mistake, text, got.detail)
			}
			if !strings.Contains(suggestions.String(), text) {
				t.Errorf("%s: %q is said of no mistake, so that its absence says nothing", row.mistake, text)
			}
		}
		got.checkPrivate(t, row)
	}
}

func newDiagnosisLab(t *testing.T) *diagnosisLab {
	return &diagnosisLab{
		pool:  cognitotest.NewPool(t, cognitotest.Options{Now: func() time.Time { return diagnosisNoon }, InProcess: true}),
		other: cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_ZyXwVu987", InProcess: true}),
	}
}

func diagnosisAll() []diagnosis {
	return slices.Concat(diagnosisConfigurations, diagnosisTokens, diagnosisCredentials, diagnosisRoutes, diagnosisPolicies)
}

// checkMended fails if the cure of a mistake is none.
func (l *diagnosisLab) checkMended(t *testing.T, row diagnosis) {
	t.Helper()
	if row.mend == nil && row.mended == nil {
		return
	}
	config, mend := row.config, row.mend
	row.config = func(l *diagnosisLab, c *cognitoauth.Config) {
		for _, change := range []diagnosisSet{config, mend} {
			if change != nil {
				change(l, c)
			}
		}
	}
	if row.mended != nil {
		row.routes = row.mended
	}
	if got := l.make(t, row); got.answer != "204" {
		t.Errorf("%s: with the cure the answer is %s: %s", row.mistake, got.answer, got.detail)
	}
}

// diagnosed is what came of a mistake.
type diagnosed struct {
	answer      string
	description string // error_description of the challenge
	detail      string
	body        string
	secrets     []string
}

func (d *diagnosed) print(number int, row diagnosis) {
	fmt.Printf("\n%d. %s (%s)\n   %s", number, row.mistake, row.source, d.answer)
	if d.description != "" {
		fmt.Printf(", error_description=%q", d.description)
	}
	fmt.Printf("\n   %s\n", strings.ReplaceAll(strings.TrimSpace(d.detail), "\n", "\n   "))
}

// make makes the mistake.
func (l *diagnosisLab) make(t *testing.T, row diagnosis) (got diagnosed) {
	switch row.answer {
	case "panic":
		defer func() { got = diagnosed{answer: "panic", detail: fmt.Sprint(recover())} }()
		row.wiring()
		return
	case "FromEnv":
		for _, name := range os.Environ() {
			if name, _, _ := strings.Cut(name, "="); strings.HasPrefix(name, "COGNITO_") {
				t.Setenv(name, "")
			}
		}
		for _, v := range strings.Fields(row.env) {
			name, value, _ := strings.Cut(v, "=")
			t.Setenv(name, value)
		}
		if _, err := cognitoauth.FromEnv(); err != nil {
			return diagnosed{answer: "FromEnv", detail: err.Error()}
		}
		t.Fatal("FromEnv finds no mistake")
	}
	cfg := l.pool.Config()
	if row.config != nil {
		row.config(l, &cfg)
	}
	var refusal *cognitoauth.Error
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		if !d.Allowed {
			refusal = d.Err
		}
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return diagnosed{answer: "New", detail: err.Error()}
	}
	l.pool.SetFault()
	if row.fault.Abort || row.fault.Status != 0 {
		l.pool.SetFault(row.fault)
	}
	return l.call(t, row, auth, &refusal)
}

// call sends the request of a mistake.
func (l *diagnosisLab) call(t *testing.T, row diagnosis, auth *cognitoauth.Middleware, refusal **cognitoauth.Error) diagnosed {
	token := l.pool.AccessToken()
	if row.token != nil {
		token = row.token(l)
	}
	fill := strings.NewReplacer("TOKEN", token.String()).Replace
	method, target, _ := strings.Cut(cmp.Or(row.request, "GET /me"), " ")
	r := httptest.NewRequest(method, fill(target), nil)
	header := row.header
	if header == nil {
		header = []string{"Authorization: Bearer TOKEN"}
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, fill(value))
	}
	h := row.routes
	if h == nil {
		h = diagnosisMux("GET /me", diagnosisOK)
	}
	if !row.bare {
		h = auth.Wrap(h)
	}
	var log bytes.Buffer // where a Require without a Wrap complains
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)

	got := diagnosed{answer: fmt.Sprint(w.Code), body: w.Body.String()}
	if record := (struct{ Err struct{ Detail string } }{}); json.Unmarshal(log.Bytes(), &record) == nil {
		got.detail = record.Err.Detail
	}
	got.secrets = append(strings.Split(token.String(), "."), "jane", l.pool.AccessToken().Claims().Subject, "amFuZTpwYXNz")
	if m := diagnosisCode.FindStringSubmatch(got.body); m != nil {
		got.answer += " " + m[1]
	}
	if m := diagnosisDescription.FindStringSubmatch(w.Header().Get("WWW-Authenticate")); m != nil {
		got.description = m[1]
	}
	if *refusal != nil {
		got.detail = (*refusal).Detail()
	}
	return got
}

var (
	diagnosisCode        = regexp.MustCompile(`"code":"([a-z_]+)"`)
	diagnosisDescription = regexp.MustCompile(`error_description="([^"]*)"`)
	diagnosisBraces      = regexp.MustCompile(`\{([^{}]+)\}`)
)

// diagnosisWords are the words of a cure that Detail must have, each with its
// alternatives.
func diagnosisWords(t *testing.T, cure string) (all [][]string) {
	for _, m := range diagnosisBraces.FindAllStringSubmatch(cure, -1) {
		all = append(all, strings.Split(m[1], "|"))
	}
	if len(all) == 0 {
		t.Fatalf("the cure %q asks for no word", cure)
	}
	return all
}

// diagnosisSays tells whether a text has a word: not only as a part of another.
func diagnosisSays(text, word string) bool {
	if strings.ToLower(word) == word {
		text = strings.ToLower(text)
	}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, word)
		if !found {
			return false
		}
		if !diagnosisJoins(before[max(0, len(before)-1):]+word[:1]) && !diagnosisJoins(word[len(word)-1:]+after[:min(1, len(after))]) {
			return true
		}
		rest = after
	}
}

var diagnosisJoins = regexp.MustCompile(`^[A-Za-z]{2}$`).MatchString

// checkPrivate fails if one of the texts has what none may have.
func (d *diagnosed) checkPrivate(t *testing.T, row diagnosis) {
	t.Helper()
	for _, s := range d.secrets {
		for where, text := range map[string]string{"Detail": d.detail, "error_description": d.description, "the body": d.body} {
			if strings.Contains(text, s) {
				t.Errorf("%s: %s tells %q: %s", row.mistake, where, s, text)
			}
		}
	}
}
