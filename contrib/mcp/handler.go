package cognitomcp

// This file holds what a program configures (Options, New) and the first door: the
// handler that decides about an HTTP request before the SDK sees it. What the body
// asks for is read in message.go; the second door is in server.go.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Options say who may call which tool. Tools or Others is required.
type Options struct {
	_ [0]func() // keyed literals only

	// Tools are the policies of the tools, by the names that the server knows them
	// by. A call that does not meet the policy of its tool is refused, with 403
	// and the scopes of this tool if scopes are missing. The zero Policy is a
	// mistake, since nobody could call the tool.
	Tools map[string]cognitoauth.Policy
	// Others is the policy of all tools that are not in Tools, also of those that
	// the server does not have. Zero: nobody may call them. So a tool that is new,
	// or misspelled in Tools, is closed until somebody decides about it.
	Others cognitoauth.Policy
	// HTTP are the options of the SDK's handler. Its MaxRequestBodyBytes bounds the
	// body that we read before we decide; a longer one is answered with 413. Zero:
	// the SDK's default, 4 MiB. No limit at all (negative) is a mistake.
	HTTP sdk.StreamableHTTPOptions
}

// New returns the handler that serves server over streamable HTTP. Register it in
// the mux that [cognitoauth.Middleware.Wrap] protects. Without Wrap around it, it
// answers 500. To protect the whole server with one more policy, put it into a
// [cognitoauth.Require]; a challenge then asks for the scopes of both.
//
// New adds receiving middleware to server, so that a tool is refused as well if it
// is called over another transport. Call New once for each server. Middleware that
// changes the name of a called tool must be added before. The error lists every
// mistake; errors.Is reports it as [cognitoauth.ErrMisconfigured].
func New(server *sdk.Server, o Options) (http.Handler, error) {
	if err := o.check(server); err != nil {
		return nil, err
	}
	g := &gate{
		rules: rules{maps.Clone(o.Tools), o.Others},
		limit: cmp.Or(o.HTTP.MaxRequestBodyBytes, sdk.DefaultMaxRequestBodyBytes),
		json:  o.HTTP.JSONResponse,
	}
	server.AddReceivingMiddleware(g.rules.receive)
	g.server = sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &o.HTTP)
	// Require makes sure that there are claims, so that gate need not look.
	return cognitoauth.Require(cognitoauth.Authenticated(), g), nil
}

func (o Options) check(server *sdk.Server) error {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("cognitomcp: "+format, args...))
	}
	if server == nil {
		mistake("the server is nil")
	}
	if len(o.Tools) == 0 && zero(o.Others) {
		mistake("Tools and Others are empty, so no tool could be called: name a policy for each tool, or set Others")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Tools)) {
		if name == "" {
			mistake("Tools has an empty name, which no tool has")
		}
		if zero(o.Tools[name]) {
			mistake("Tools[%q] is the zero Policy, which nobody meets: use Authenticated, Scope, Group, …; leave the tool out to close it", name)
		}
	}
	if o.HTTP.MaxRequestBodyBytes < 0 {
		mistake("HTTP.MaxRequestBodyBytes is %d: the body is read before a call is decided, so it needs a limit; 0 stands for %d", o.HTTP.MaxRequestBodyBytes, sdk.DefaultMaxRequestBodyBytes)
	}
	if mistakes == nil {
		return nil
	}
	return fmt.Errorf("%w:\n%w", cognitoauth.ErrMisconfigured, errors.Join(mistakes...))
}

func zero(p cognitoauth.Policy) bool { return p == cognitoauth.Policy{} }

// rules say who may call which tool; both doors ask them.
type rules struct {
	tools  map[string]cognitoauth.Policy
	others cognitoauth.Policy
}

// of returns the policy of a tool. It may be the zero Policy, which denies.
func (r rules) of(tool string) cognitoauth.Policy {
	if p, ok := r.tools[tool]; ok {
		return p
	}
	return r.others
}

// all returns the policy of a message that calls these tools. A batch is one HTTP
// request and has one answer, so its caller has to meet the policies of all tools.
func (r rules) all(tools []string) cognitoauth.Policy {
	policies := make([]cognitoauth.Policy, len(tools))
	for i, name := range tools {
		policies[i] = r.of(name)
	}
	return cognitoauth.And(policies...)
}

// gate is the first door. It decides by the body, because the body is what the
// server acts on. The header Mcp-Name says the same in an honest request, but the
// SDK compares it with the body from protocol version 2026-07-28 on only.
type gate struct {
	rules  rules
	limit  int64 // bytes of a body
	json   bool  // StreamableHTTPOptions.JSONResponse
	server http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		// No body that we have not decided about reaches the server.
		g.forward(w, r, http.NoBody, true)
		return
	}
	m, err := g.read(w, r)
	if err != nil {
		refuse(w, err)
		return
	}
	forward := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// With JSONResponse the answer is no stream, apart from the one to listen.
		g.forward(w, r, io.NopCloser(bytes.NewReader(m.body)), !g.json || m.listens)
	})
	if len(m.tools) == 0 {
		forward(w, r)
		return
	}
	answer := &refusal{ResponseWriter: w, id: m.id}
	cognitoauth.Require(g.rules.all(m.tools), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		forward(w, r)
	})).ServeHTTP(answer, r)
	answer.send()
}

// read reads the body and what it asks for.
func (g *gate) read(w http.ResponseWriter, r *http.Request) (message, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.limit))
	if err != nil {
		return message{}, err
	}
	return parse(body)
}

// forward gives the request to the SDK, together with who calls. A stream ends when
// the token does.
func (g *gate) forward(w http.ResponseWriter, r *http.Request, body io.ReadCloser, stream bool) {
	claims, _ := cognitoauth.FromContext(r.Context())
	ctx := r.Context()
	if stream {
		var cancel context.CancelFunc
		ctx, cancel = cognitoauth.WithExpiry(ctx, claims)
		defer cancel()
	}
	inner := r.WithContext(ctx)
	inner.Body = body
	inner.ContentLength = -1 // it may be shorter than it came
	// The SDK reads the header once more and shows it to the tools. They get no
	// token: a server must not pass on the token that it was called with (MCP,
	// "Token Passthrough").
	inner.Header = r.Header.Clone()
	inner.Header.Set("Authorization", "Bearer verified")
	info := &auth.TokenInfo{
		Scopes:     claims.Scopes(),
		Expiration: claims.Expiry,
		UserID:     claims.PoolID + "|" + claims.Subject,
		Extra:      map[string]any{extraKey: caller{r}},
	}
	verified := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) { return info, nil }
	auth.RequireBearerToken(verified, &atAnyTime)(g.server).ServeHTTP(w, inner)
}

// atAnyTime leaves the time of the token to Wrap, which has just checked it by
// Config.Now and Config.Leeway. The SDK knows neither.
var atAnyTime = auth.RequireBearerTokenOptions{
	AllowMissingExpiration: true,
	ClockSkew:              100 * 365 * 24 * time.Hour,
}
