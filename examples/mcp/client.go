package main

// This file holds the client: the one of the SDK, with a transport that notes what
// goes over the wire.

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// wire is the HTTP transport of a client.
type wire struct {
	mu      sync.Mutex
	answers []string
	// ended is closed when the stream of subscriptions/listen has ended.
	ended chan struct{}
}

// RoundTrip notes each answer that is not just a result.
func (c *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Mcp-Method") == methodListen && res.StatusCode == http.StatusOK {
		res.Body = &stream{res.Body, sync.OnceFunc(func() { close(c.ended) })}
	}
	if r.Method == http.MethodGet || res.StatusCode >= 400 {
		c.mu.Lock()
		c.answers = append(c.answers, strings.TrimSpace(fmt.Sprintf("%d %s %s", res.StatusCode, r.URL.Path, res.Header.Get("WWW-Authenticate"))))
		c.mu.Unlock()
	}
	return res, nil
}

// taken returns the answers since the last call.
func (c *wire) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.answers
	c.answers = nil
	return all
}

// stream tells when its end has been read.
type stream struct {
	io.ReadCloser

	ended func()
}

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	if err == io.EOF {
		s.ended()
	}
	return n, err
}

// browse does what the user does in a browser: it opens the authorization URL, agrees,
// and comes back to the client with a code.
func browse(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultTransport.RoundTrip(r) // it follows no redirect
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("managed login: %s, redirect to %q: %v", res.Status, res.Header.Get("Location"), err)
	}
	q := back.Query()
	return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
}

// connect connects a client that logs in when it has to.
func connect(ctx context.Context, c *wire, endpoint, clientID string) (*sdk.ClientSession, error) {
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient:      &oauthex.ClientCredentials{ClientID: clientID},
		RedirectURL:              callback,
		AuthorizationCodeFetcher: browse,
		Client:                   &http.Client{Transport: c},
	})
	if err != nil {
		return nil, err
	}
	return newClient(nil).Connect(ctx, &sdk.StreamableClientTransport{
		Endpoint: endpoint, HTTPClient: &http.Client{Transport: c}, OAuthHandler: handler,
	}, nil)
}

// connectWith connects a client that has a token and cannot get another. If changed is
// not nil, it listens to the server.
func connectWith(ctx context.Context, c *wire, endpoint, token string, changed func(context.Context, *sdk.ToolListChangedRequest)) (*sdk.ClientSession, error) {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	return newClient(changed).Connect(ctx, &sdk.StreamableClientTransport{
		Endpoint: endpoint, HTTPClient: &http.Client{Transport: &oauth2.Transport{Source: source, Base: c}},
	}, nil)
}

func newClient(changed func(context.Context, *sdk.ToolListChangedRequest)) *sdk.Client {
	return sdk.NewClient(&sdk.Implementation{Name: "example", Version: "1.0.0"}, &sdk.ClientOptions{ToolListChangedHandler: changed})
}
