// Command mcp runs an MCP server with three tools behind cognitoauth, and calls it with
// the client of the MCP Go SDK: discovery, login with PKCE, a call, a step-up to
// another scope, and refusals. User pool and login are in the process.
//
//	go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	w, err := start()
	if err != nil {
		log.Fatal(err)
	}
	defer w.stop()
	if err := w.tour(context.Background(), func(l line) { fmt.Println(l) }); err != nil {
		log.Fatal(err)
	}
}

// world is all that runs: the pool, managed login, and the API.
type world struct {
	pool     *cognitotest.Pool
	login    *login
	endpoint string
	servers  []*http.Server
	// ahead is what the clock of pool and API is ahead of that of the machine, so
	// that nobody has to wait for a token to expire.
	ahead atomic.Int64
	// expiry is when the last token of reader expires, in seconds.
	expiry atomic.Int64
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// reader returns a token that may read.
func (w *world) reader() string {
	token := w.login.accessToken(grant{scope: "orders/read", resource: w.endpoint})
	w.expiry.Store(token.Claims().Expiry.Unix())
	return token.String()
}

// hurry sets the clock, when a client begins to listen, to a second before the token of
// reader expires.
func (w *world) hurry(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Method") == methodListen {
			w.ahead.Store(int64(time.Until(time.Unix(w.expiry.Load(), 0)) - time.Second))
		}
		h.ServeHTTP(rw, r)
	})
}

const methodListen = "subscriptions/listen"

func start() (*world, error) {
	w := &world{}
	pool, err := cognitotest.Start(cognitotest.Options{Now: w.now})
	if err != nil {
		return nil, err
	}
	w.pool, w.login = pool, newLogin(pool)
	domain, serveLogin, err := listen()
	if err != nil {
		return nil, err
	}
	origin, serveAPI, err := listen()
	if err != nil {
		return nil, err
	}
	config := pool.Config()
	config.Leeway = time.Millisecond // so that a stream ends when its token expires, not 30 s later
	api, err := newAPI(config, origin, domain)
	if err != nil {
		return nil, err
	}
	w.endpoint = origin + "/mcp"
	w.servers = append(w.servers, serveLogin(w.login), serveAPI(w.hurry(api)))
	return w, nil
}

// listen opens a port on loopback, and returns its address and what serves on it.
func listen() (string, func(http.Handler) *http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	return "http://" + l.Addr().String(), func(h http.Handler) *http.Server {
		s := &http.Server{Handler: h}
		go s.Serve(l)
		return s
	}, nil
}

func (w *world) stop() {
	for _, s := range w.servers {
		s.Close()
	}
	w.pool.Close()
}

// line is what has come of one step, or what went over the wire for it.
type line struct{ Step, Result string }

func (l line) String() string { return fmt.Sprintf("%-17s %s", l.Step, l.Result) }

// tour makes the calls and tells what comes of each.
func (w *world) tour(ctx context.Context, tell func(line)) error {
	c := &wire{}
	step := func(name, result string) {
		w.tellWire(c, tell)
		tell(line{name, result})
	}
	session, err := connect(ctx, c, w.endpoint, w.pool.ClientID())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer session.Close()
	step("connect", session.InitializeResult().ProtocolVersion)
	// The client goes on after the refusal of close_shop.
	for _, tool := range []string{"read_order", "change_order", "close_shop", "read_order"} {
		step(tool, outcome(session.CallTool(ctx, &sdk.CallToolParams{Name: tool})))
	}
	other := w.login.accessToken(grant{scope: "orders/read", resource: otherResource}).String()
	_, err = connectWith(ctx, c, w.endpoint, other, nil)
	step("another resource", outcome(nil, err))
	return w.stream(ctx, tell)
}

// otherResource is another API, which the pool issues tokens for as well.
const otherResource = "https://billing.example.com/mcp"

// tellWire tells what went over the wire, and which logins there were.
func (w *world) tellWire(c *wire, tell func(line)) {
	for _, answer := range c.taken() {
		tell(line{"  wire", answer})
	}
	for _, g := range w.login.taken() {
		scopes := strings.Fields(g.scope)
		slices.Sort(scopes) // the SDK sends them in any order
		tell(line{"  login with PKCE", fmt.Sprintf("scope %q, resource %s", strings.Join(scopes, " "), g.resource)})
	}
}

// stream listens to the server until the token expires, which hurry makes soon.
func (w *world) stream(ctx context.Context, tell func(line)) error {
	c := &wire{ended: make(chan struct{})}
	session, err := connectWith(ctx, c, w.endpoint, w.reader(), func(context.Context, *sdk.ToolListChangedRequest) {})
	if err != nil {
		return fmt.Errorf("connect to listen: %w", err)
	}
	defer session.Close()
	select {
	case <-c.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.now().Before(time.Unix(w.expiry.Load(), 0)) {
		return errors.New("the stream ended before its token")
	}
	tell(line{"stream", "ended when its token expired"})
	res, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "read_order"})
	w.tellWire(c, tell)
	tell(line{"after it", outcome(res, err)})
	return nil
}

// outcome is what a call has come to, in one line.
func outcome(res *sdk.CallToolResult, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var texts []string
	for _, c := range res.Content {
		if t, ok := c.(*sdk.TextContent); ok {
			texts = append(texts, t.Text)
		}
	}
	return strings.Join(texts, " ")
}
