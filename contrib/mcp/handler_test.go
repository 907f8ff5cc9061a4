package cognitomcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitomcp "github.com/cognitoauth/cognitoauth/contrib/mcp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// tools are the policies of most tests. The server has a tool "new" besides.
var tools = map[string]cognitoauth.Policy{
	"read":  cognitoauth.Scope("api/read"),
	"write": cognitoauth.Scope("api/write"),
	"admin": cognitoauth.And(cognitoauth.Group("admins"), cognitoauth.Scope("api/write")),
}

// seen is what a tool has seen of its caller.
type seen struct {
	Tool          string
	Subject       string
	Scopes        string // of the claims
	TokenScopes   string // of the TokenInfo
	UserID        string
	Expiry        time.Time // of the TokenInfo
	Authorization []string
}

// api is a protected server with its pool.
type api struct {
	pool  *cognitotest.Pool
	url   string
	mcp   *sdk.Server
	calls atomic.Int64 // that reached a tool
	// verified counts the tokens that the API has verified.
	verified atomic.Int64
	// ahead is what the clock of the API is ahead of that of the machine.
	ahead atomic.Int64
	// ended is told about each end of a GET, cancelled about each cancelled call.
	ended, cancelled chan struct{}
}

func (a *api) now() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

// serve starts an API. wrap may put something between Wrap and the handler.
func serve(t *testing.T, o cognitomcp.Options, wrap func(http.Handler) http.Handler) *api {
	t.Helper()
	a := &api{ended: make(chan struct{}, 10), cancelled: make(chan struct{}, 10)}
	a.pool = cognitotest.NewPool(t, cognitotest.Options{Now: a.now})
	config := a.pool.Config()
	config.Leeway = time.Nanosecond
	config.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) {
		a.verified.Add(1) // it is asked once for each
		return false, nil
	}
	auth, err := cognitoauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	a.mcp = a.newServer()
	h, err := cognitomcp.New(a.mcp, o)
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		h = wrap(h)
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", h)
	guarded := auth.Wrap(mux)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			defer func() { a.ended <- struct{}{} }()
		}
		a.hurry(r)
		guarded.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	a.url = s.URL + "/mcp"
	return a
}

func (a *api) newServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	for _, name := range []string{"read", "write", "admin", "new"} {
		s.AddTool(&sdk.Tool{Name: name, InputSchema: map[string]any{"type": "object"}}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			a.calls.Add(1)
			got := seen{Tool: name}
			if c, ok := cognitoauth.FromContext(ctx); ok {
				got.Subject, got.Scopes = c.Subject, strings.Join(c.Scopes(), " ")
			}
			if info := req.Extra.TokenInfo; info != nil {
				got.TokenScopes, got.UserID, got.Expiry = strings.Join(info.Scopes, " "), info.UserID, info.Expiration
			}
			got.Authorization = req.Extra.Header.Values("Authorization")
			text, err := json.Marshal(got)
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(text)}}}, err
		})
	}
	// hang answers when its caller cancels it.
	s.AddTool(&sdk.Tool{Name: "hang", InputSchema: map[string]any{"type": "object"}}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		<-ctx.Done()
		a.cancelled <- struct{}{}
		return nil, ctx.Err()
	})
	// late answers when the token has expired.
	s.AddTool(&sdk.Tool{Name: "late", InputSchema: map[string]any{"type": "object"}}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		claims, _ := cognitoauth.FromContext(ctx)
		ctx, cancel := cognitoauth.WithExpiry(ctx, claims)
		defer cancel()
		<-ctx.Done()
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "late"}}}, nil
	})
	return s
}

// answer is what the API has answered.
type answer struct {
	status    int
	challenge string
	header    http.Header
	body      string
}

func (a *api) do(t *testing.T, method, token, body string, header ...string) answer {
	t.Helper()
	res := a.start(t, method, token, body, header...)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, strings.Join(res.Header.Values("WWW-Authenticate"), "\n"), res.Header, string(all)}
}

// start sends a request whose answer may be a stream.
func (a *api) start(t *testing.T, method, token, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// open begins a session and returns its id.
func (a *api) open(t *testing.T, token string) string {
	t.Helper()
	got := a.do(t, http.MethodPost, token, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	id := got.header.Get("Mcp-Session-Id")
	if got.status != http.StatusOK || id == "" {
		t.Fatalf("initialize: %d %s", got.status, got.body)
	}
	if got := a.do(t, http.MethodPost, token, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Mcp-Session-Id", id); got.status != http.StatusAccepted {
		t.Fatalf("initialized: %d %s", got.status, got.body)
	}
	return id
}

var textOf = regexp.MustCompile(`"text":("(?:[^"\\]|\\.)*")`)

// saw returns what the tools have seen that the answer is from.
func (a answer) saw(t *testing.T) (all []seen) {
	t.Helper()
	for _, m := range textOf.FindAllStringSubmatch(a.body, -1) {
		var text string
		var s seen
		if err := errors.Join(json.Unmarshal([]byte(m[1]), &text), json.Unmarshal([]byte(text), &s)); err != nil {
			t.Fatalf("%s: %v", a.body, err)
		}
		all = append(all, s)
	}
	return all
}

// code returns the code of the problem document that the answer is or has, "" if there
// is none.
func (a answer) code(t *testing.T) string {
	t.Helper()
	type document struct{ Code string }
	var one struct {
		document
		Error struct{ Data document }
	}
	if strings.HasPrefix(a.body, "{") {
		if err := json.Unmarshal([]byte(a.body), &one); err != nil {
			t.Fatalf("%s: %v", a.body, err)
		}
	}
	return one.Code + one.Error.Data.Code
}

func call(tool string) string {
	return `{"jsonrpc":"2.0","id":"` + tool + `","method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
}

// sessionless is a server that answers each request by itself, in plain JSON.
var sessionless = sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}

func TestNew_tools(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools, HTTP: sessionless}, nil)
	reader := a.pool.AccessToken().Scopes("api/read")
	writer := a.pool.AccessToken().Scopes("api/read", "api/write")
	for _, test := range []struct {
		name   string
		token  *cognitotest.Token
		body   string
		header []string
		status int
		code   string // of the problem document
		scope  string // of the challenge; empty: no challenge
		ran    int    // tools
	}{
		{name: "read", token: reader, body: call("read"), status: 200, ran: 1},
		{name: "write, only read granted", token: reader, body: call("write"), status: 403, code: "scope_missing", scope: "api/write"},
		{name: "write", token: writer, body: call("write"), status: 200, ran: 1},
		{name: "admin, not in the group", token: writer, body: call("admin"), status: 403, code: "group_missing"},
		{name: "admin, in the group without scope", token: reader.Groups("admins"), body: call("admin"), status: 403, code: "scope_missing", scope: "api/write"},
		{name: "admin", token: writer.Groups("admins"), body: call("admin"), status: 200, ran: 1},

		{name: "tool without a policy", token: writer.Groups("admins"), body: call("new"), status: 403, code: "policy_denies"},
		{name: "tool that the server does not have", token: writer, body: call("none"), status: 403, code: "policy_denies"},
		{name: "name in other case is another tool", token: reader, body: call("Read"), status: 403, code: "policy_denies"},

		{name: "list of tools", token: a.pool.AccessToken(), body: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, status: 200},

		{name: "header names what is allowed", token: reader, body: call("write"), header: []string{"Mcp-Method", "tools/call", "Mcp-Name", "read"}, status: 403, code: "scope_missing", scope: "api/write"},
		{name: "header names what is not a call", token: reader, body: call("write"), header: []string{"Mcp-Method", "tools/list"}, status: 403, code: "scope_missing", scope: "api/write"},
		{name: "header names what is not allowed", token: reader, body: call("read"), header: []string{"Mcp-Name", "write"}, status: 200, ran: 1},
		{name: "header in base64", token: reader, body: call("write"), header: []string{"Mcp-Name", "=?base64?cmVhZA==?="}, status: 403, code: "scope_missing", scope: "api/write"},

		{name: "batch, all allowed", token: writer, body: "[" + call("read") + "," + call("write") + "]", status: 200, ran: 2},
		{name: "batch, the last is not", token: reader, body: "[" + call("read") + "," + call("write") + "]", status: 403, code: "scope_missing", scope: "api/read api/write"},
		{name: "batch, the first is not", token: reader, body: "[" + call("write") + "," + call("read") + "]", status: 403, code: "scope_missing", scope: "api/write api/read"},
		{name: "batch, one without a policy", token: writer, body: "[" + call("read") + "," + call("new") + "]", status: 403, code: "policy_denies"},

		{name: "expired", token: writer.ExpiresIn(0), body: call("read"), status: 401, code: "token_expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := a.calls.Load()
			got := a.do(t, http.MethodPost, test.token.String(), test.body, test.header...)
			if ran := a.calls.Load() - before; got.status != test.status || ran != int64(test.ran) {
				t.Errorf("status %d, %d tools ran, want %d and %d; %s", got.status, ran, test.status, test.ran, got.body)
			}
			if code := got.code(t); code != test.code {
				t.Errorf("code %q, want %q", code, test.code)
			}
			if test.status != http.StatusForbidden {
				return
			}
			if test.scope == "" {
				if got.challenge != "" {
					t.Errorf("challenge %s, want none: another token does not help", got.challenge)
				}
				return
			}
			// RFC 6750, section 3.1, and MCP 2026-07-28, "Runtime Insufficient Scope Errors".
			for _, want := range []string{`error="insufficient_scope"`, `scope="` + test.scope + `"`} {
				if !strings.Contains(got.challenge, want) {
					t.Errorf("challenge %s, want %s", got.challenge, want)
				}
			}
		})
	}
}

func TestNew_others(t *testing.T) {
	a := serve(t, cognitomcp.Options{Others: cognitoauth.Scope("api/read"), HTTP: sessionless}, nil)
	if got := a.do(t, http.MethodPost, a.pool.AccessToken().Scopes("api/read").String(), call("new")); got.status != http.StatusOK || a.calls.Load() != 1 {
		t.Errorf("with the scope: %d %s", got.status, got.body)
	}
	if got := a.do(t, http.MethodPost, a.pool.AccessToken().String(), call("new")); got.status != http.StatusForbidden || a.calls.Load() != 1 {
		t.Errorf("without: %d %s", got.status, got.body)
	}
}

// A Require around the handler counts as well, and the challenge has the scopes that
// the whole operation needs.
func TestNew_require(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools, HTTP: sessionless}, func(h http.Handler) http.Handler {
		return cognitoauth.Require(cognitoauth.Scope("api/use"), h)
	})
	got := a.do(t, http.MethodPost, a.pool.AccessToken().Scopes("api/use").String(), call("write"))
	if got.status != http.StatusForbidden || !strings.Contains(got.challenge, `scope="api/write api/use"`) {
		t.Errorf("%d %s", got.status, got.challenge)
	}
}

func TestNew_bodies(t *testing.T) {
	o := cognitomcp.Options{Tools: tools, HTTP: sessionless}
	o.HTTP.MaxRequestBodyBytes = 200
	a := serve(t, o, nil)
	token := a.pool.AccessToken().Scopes("api/read").String()
	exact := call("read") + strings.Repeat(" ", 200-len(call("read")))
	for _, test := range []struct {
		name, body string
		status     int
		want       string // of the body
	}{
		{"as long as allowed", exact, 200, `"result"`},
		{"one byte more", exact + " ", 413, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the body is too large"}}` + "\n"},
		{"no JSON", "{", 400, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"the body is not one JSON value in UTF-8 without repeated names"}}` + "\n"},
		{"name twice", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"write"}}`, 400, `-32700`},
		{"name in other case", `{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"write"}}`, 400, `-32600`},
		{"call without a name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, 400, `-32602`},
		{"empty", "", 400, `-32700`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := a.do(t, http.MethodPost, token, test.body)
			if got.status != test.status || !strings.Contains(got.body, test.want) {
				t.Errorf("%d %s, want %d %s", got.status, got.body, test.status, test.want)
			}
			if test.status != http.StatusOK && (got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store") {
				t.Errorf("header %v", got.header)
			}
		})
	}
	if n := a.calls.Load(); n != 1 {
		t.Errorf("%d tools ran, want 1", n)
	}
}

// A body of another method is not read, so it must not reach the server either.
func TestNew_methods(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools}, nil)
	token := a.pool.AccessToken().Scopes("api/read").String()
	id := a.open(t, token)
	for _, method := range []string{http.MethodPut, http.MethodPatch, "post", "QUERY"} {
		if got := a.do(t, method, token, call("write"), "Mcp-Session-Id", id); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", method, got.status, got.body)
		}
	}
	if got := a.do(t, http.MethodDelete, token, "", "Mcp-Session-Id", id); got.status != http.StatusNoContent {
		t.Errorf("DELETE: %d %s", got.status, got.body)
	}
	if n := a.calls.Load(); n != 0 {
		t.Errorf("%d tools ran", n)
	}
}

func TestNew_tellsToolsWhoCalls(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools, HTTP: sessionless}, nil)
	token := a.pool.AccessToken().User("ada").Scopes("api/read").ExpiresIn(time.Hour)
	claims := token.Claims()
	got := a.do(t, http.MethodPost, token.String(), call("read")).saw(t)
	if len(got) != 1 {
		t.Fatalf("%d tools answered", len(got))
	}
	if n := a.verified.Load(); n != 1 {
		t.Errorf("the token was verified %d times", n)
	}
	s := got[0]
	if s.Subject != claims.Subject || s.Scopes != "api/read" {
		t.Errorf("FromContext: %+v", s)
	}
	if s.TokenScopes != "api/read" || !s.Expiry.Equal(claims.Expiry) || s.UserID != a.pool.ID()+"|"+claims.Subject {
		t.Errorf("TokenInfo: %+v", s)
	}
	if len(s.Authorization) != 1 || strings.Contains(s.Authorization[0], ".") {
		t.Errorf("the tool sees the token: %q", s.Authorization)
	}
}

// The token need not be in Authorization, which is where the SDK looks.
func TestNew_tokenSource(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	config := pool.Config()
	config.TokenSource = cognitoauth.FromHeader("X-Token")
	auth, err := cognitoauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	var a api
	h, err := cognitomcp.New(a.newServer(), cognitomcp.Options{Tools: tools, HTTP: sessionless})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(auth.Wrap(h))
	defer s.Close()
	a.url = s.URL
	if got := a.do(t, http.MethodPost, "none", call("read"), "X-Token", pool.AccessToken().Scopes("api/read").String()); got.status != http.StatusOK || a.calls.Load() != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestNew_session(t *testing.T) {
	a := serve(t, cognitomcp.Options{Tools: tools}, nil)
	ada := a.pool.AccessToken().User("ada").Scopes("api/read")
	id := a.open(t, ada.String())

	t.Run("another user is refused", func(t *testing.T) {
		bob := a.pool.AccessToken().User("bob").Scopes("api/read").String()
		if got := a.do(t, http.MethodPost, bob, call("read"), "Mcp-Session-Id", id); got.status != http.StatusForbidden || a.calls.Load() != 0 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("each call has its own claims", func(t *testing.T) {
		// The session was opened with a token that may only read.
		if got := a.do(t, http.MethodPost, ada.String(), call("write"), "Mcp-Session-Id", id); got.status != http.StatusForbidden || a.calls.Load() != 0 {
			t.Fatalf("before: %d %s", got.status, got.body)
		}
		both := ada.Scopes("api/read", "api/write").String()
		got := a.do(t, http.MethodPost, both, call("write"), "Mcp-Session-Id", id).saw(t)
		if len(got) != 1 || got[0].Scopes != "api/read api/write" || got[0].TokenScopes != got[0].Scopes {
			t.Errorf("after the step-up: %+v", got)
		}
		got = a.do(t, http.MethodPost, ada.String(), call("read"), "Mcp-Session-Id", id).saw(t)
		if len(got) != 1 || got[0].Scopes != "api/read" {
			t.Errorf("with the first token again: %+v", got)
		}
	})
}

// soon asks the API to set its clock, when it gets the request, to a second before the
// token expires.
const soon = "X-Soon"

func (a *api) hurry(r *http.Request) {
	expiry, err := time.Parse(time.RFC3339, r.Header.Get(soon))
	if err == nil {
		a.ahead.Store(int64(time.Until(expiry) - time.Second))
	}
}

func end(token *cognitotest.Token) string { return token.Claims().Expiry.Format(time.RFC3339) }

// atEnd fails unless the stream ends, and ends cleanly.
func atEnd(t *testing.T, res *http.Response) {
	t.Helper()
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	if _, err := io.Copy(io.Discard, bufio.NewReader(res.Body)); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
}

// Nothing but the end of the token ends these streams; if it did not, the tests
// would run into the time limit of the test binary.
func TestNew_streams(t *testing.T) {
	all := map[string]cognitoauth.Policy{"hang": cognitoauth.Authenticated()}
	t.Run("GET", func(t *testing.T) {
		t.Parallel()
		a := serve(t, cognitomcp.Options{Tools: all}, nil)
		token := a.pool.AccessToken()
		id := a.open(t, token.String())
		atEnd(t, a.start(t, http.MethodGet, token.String(), "", "Mcp-Session-Id", id, soon, end(token)))
		<-a.ended
		if got := a.do(t, http.MethodGet, token.String(), "", "Mcp-Session-Id", id); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "token_expired") {
			t.Errorf("again: %d %s", got.status, got.body)
		}
		<-a.ended
		// A new token of the same user goes on with the session.
		res := a.start(t, http.MethodGet, a.pool.AccessToken().String(), "", "Mcp-Session-Id", id)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("with a new token: %d", res.StatusCode)
		}
	})
	t.Run("POST", func(t *testing.T) {
		t.Parallel()
		a := serve(t, cognitomcp.Options{Tools: all}, nil)
		token := a.pool.AccessToken()
		id := a.open(t, token.String())
		atEnd(t, a.start(t, http.MethodPost, token.String(), call("hang"), "Mcp-Session-Id", id, soon, end(token)))
		// The session goes on with a new token; a server with an EventStore could
		// hand out the result later. So the tool runs on until it is cancelled.
		if got := a.do(t, http.MethodPost, a.pool.AccessToken().String(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"hang"}}`, "Mcp-Session-Id", id); got.status != http.StatusAccepted {
			t.Errorf("cancel: %d %s", got.status, got.body)
		}
		<-a.cancelled
	})
	t.Run("an answer in JSON is no stream", func(t *testing.T) {
		t.Parallel()
		a := serve(t, cognitomcp.Options{Others: cognitoauth.Authenticated(), HTTP: sessionless}, nil)
		token := a.pool.AccessToken()
		if got := a.do(t, http.MethodPost, token.String(), call("late"), soon, end(token)); got.status != http.StatusOK || !strings.Contains(got.body, `"text":"late"`) {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("subscriptions/listen, also with JSONResponse", func(t *testing.T) {
		t.Parallel()
		a := serve(t, cognitomcp.Options{Tools: all, HTTP: sessionless}, nil)
		token := a.pool.AccessToken()
		atEnd(t, a.start(t, http.MethodPost, token.String(), `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`,
			"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "subscriptions/listen", soon, end(token)))
	})
}

func TestNew_withoutWrap(t *testing.T) {
	var a api
	h, err := cognitomcp.New(a.newServer(), cognitomcp.Options{Tools: tools, HTTP: sessionless})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(call("read"))))
	if w.Code != http.StatusInternalServerError || a.calls.Load() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	defer func() {
		if recover() == nil {
			t.Error("AllowAnonymous takes the handler")
		}
	}()
	cognitoauth.AllowAnonymous(h)
}

func TestNew_mistakes(t *testing.T) {
	negative := sdk.StreamableHTTPOptions{MaxRequestBodyBytes: -1}
	_, err := cognitomcp.New(nil, cognitomcp.Options{Tools: map[string]cognitoauth.Policy{"": cognitoauth.Authenticated(), "read": {}}, HTTP: negative})
	if !errors.Is(err, cognitoauth.ErrMisconfigured) {
		t.Fatalf("error %v, want ErrMisconfigured", err)
	}
	for _, want := range []string{"server is nil", "empty name", `Tools["read"] is the zero Policy`, "MaxRequestBodyBytes is -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	var a api
	if _, err := cognitomcp.New(a.newServer(), cognitomcp.Options{}); err == nil || !strings.Contains(err.Error(), "Tools and Others are empty") {
		t.Errorf("no policy at all: %v", err)
	}
}

// What the caller changes after New has no effect.
func TestNew_copiesOptions(t *testing.T) {
	mine := map[string]cognitoauth.Policy{"read": cognitoauth.Scope("api/read")}
	a := serve(t, cognitomcp.Options{Tools: mine, HTTP: sessionless}, nil)
	mine["write"] = cognitoauth.Authenticated()
	if got := a.do(t, http.MethodPost, a.pool.AccessToken().String(), call("write")); got.status != http.StatusForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
}
