package cognitoauth_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

const metadataPath = "/.well-known/oauth-protected-resource"

// resources puts ProtectedResources into a Config, and their identifiers into
// Audiences of its first pool.
func resources(all ...cognitoauth.ProtectedResource) func(*cognitoauth.Config) {
	return func(c *cognitoauth.Config) {
		for _, p := range all {
			c.Pools[0].Audiences = append(c.Pools[0].Audiences, p.Resource)
		}
		c.ProtectedResources = all
	}
}

func identified(identifiers ...string) func(*cognitoauth.Config) {
	var all []cognitoauth.ProtectedResource
	for _, s := range identifiers {
		all = append(all, cognitoauth.ProtectedResource{Resource: s})
	}
	return resources(all...)
}

// metadataOf is the resource_metadata of the one challenge of an answer.
func metadataOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	challenges := w.Header().Values("WWW-Authenticate")
	if len(challenges) != 1 {
		t.Fatalf("%d: challenges %q", w.Code, challenges)
	}
	params, err := parseChallenge(challenges[0])
	if err != nil {
		t.Fatal(err)
	}
	return params["resource_metadata"]
}

// resourceOf is the member resource of a document, "" of any other answer.
func resourceOf(w *httptest.ResponseRecorder) string {
	var doc struct{ Resource string }
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || json.Unmarshal(w.Body.Bytes(), &doc) != nil {
		return ""
	}
	return doc.Resource
}

// The examples of RFC 9728, sections 3.1, 3.2 and 5.1. The one difference is that
// this library never reads a token from a body.
func TestProtectedResource_examplesOfTheRFC(t *testing.T) {
	g := lab.NewGate(t, resources(cognitoauth.ProtectedResource{
		Resource:             "https://resource.example.com",
		AuthorizationServers: []string{"https://as1.example.com", "https://as2.example.net"},
		Scopes:               []string{"profile", "email", "phone"},
		Documentation:        "https://resource.example.com/resource_documentation.html",
	}))
	h := g.Auth.Wrap(g.Page())
	w := lab.Ask(h, lab.Call("GET /.well-known/oauth-protected-resource", "Host", "resource.example.com"))
	const example = `{
		"resource": "https://resource.example.com",
		"authorization_servers": ["https://as1.example.com", "https://as2.example.net"],
		"bearer_methods_supported": ["header"],
		"scopes_supported": ["profile", "email", "phone"],
		"resource_documentation": "https://resource.example.com/resource_documentation.html"
	}`
	var got, want any
	if err := errors.Join(json.Unmarshal(w.Body.Bytes(), &got), json.Unmarshal([]byte(example), &want)); err != nil {
		t.Fatal(err, w.Body)
	}
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %v\n%v, want\n%v", w.Code, w.Header(), got, want)
	}
	if got := metadataOf(t, lab.Ask(h, lab.Call("GET /"))); got != "https://resource.example.com/.well-known/oauth-protected-resource" {
		t.Errorf("resource_metadata is %q", got)
	}
	if g.Ran() {
		t.Error("the handler ran")
	}
}

// Every member has the name of RFC 9728, section 2, and what has no value is left
// out (section 3.2).
func TestProtectedResource_members(t *testing.T) {
	full := cognitoauth.ProtectedResource{Resource: "https://api.example.com/a?b=c&d", Scopes: []string{"orders/read"}, AuthorizationServers: []string{"http://127.0.0.1:9000/pool"},
		Name: "Örders <API>", Documentation: "https://docs.example.com/a?b&c", Policy: "https://example.com/policy", TermsOfService: "http://example.com/terms"}
	for _, tt := range []struct {
		name   string
		p      cognitoauth.ProtectedResource
		change func(*cognitoauth.Config)
		want   map[string]any
	}{
		{"all", full, nil, map[string]any{"resource": "https://api.example.com/a?b=c&d", "scopes_supported": []any{"orders/read"}, "authorization_servers": []any{"http://127.0.0.1:9000/pool"},
			"bearer_methods_supported": []any{"header"}, "resource_name": "Örders <API>", "resource_documentation": "https://docs.example.com/a?b&c", "resource_policy_uri": "https://example.com/policy", "resource_tos_uri": "http://example.com/terms"}},
		{"the least", cognitoauth.ProtectedResource{Resource: "https://api.example.com", AuthorizationServers: []string{"https://as.example.com"}}, nil,
			map[string]any{"resource": "https://api.example.com", "authorization_servers": []any{"https://as.example.com"}, "bearer_methods_supported": []any{"header"}}},
		{"tokens from a cookie", cognitoauth.ProtectedResource{Resource: "https://api.example.com", AuthorizationServers: []string{"https://as.example.com"}}, lab.TokenSource(cognitoauth.FromCookie("session")),
			map[string]any{"resource": "https://api.example.com", "authorization_servers": []any{"https://as.example.com"}}},
	} {
		g := lab.NewGate(t, func(c *cognitoauth.Config) {
			resources(tt.p)(c)
			if tt.change != nil {
				tt.change(c)
			}
		})
		w := lab.Ask(g.Auth.Wrap(g.Page()), lab.Call("GET "+metadataPath))
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v %v, want %v", tt.name, err, got, tt.want)
		}
	}
}

// Where no authorization servers are named, they are the issuers of the pools
// that have the resource: one for each pool.
func TestProtectedResource_issuers(t *testing.T) {
	const api = "https://api.example.com"
	pool := func(p cognitoauth.Pool) cognitoauth.Pool { p.ClientIDs = []string{"1example23456789"}; return p }
	m := lab.MustNew(t, cognitoauth.Config{Pools: []cognitoauth.Pool{
		pool(cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", Audiences: []string{api}, ReplicaRegions: []string{"eu-central-1"}}),
		pool(cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", TokenUse: cognitoauth.IDToken}),
		pool(cognitoauth.Pool{ID: "cn-north-1_Other1", Audiences: []string{"https://other.example.com", api}}),
		pool(cognitoauth.Pool{ID: "eu-west-1_Another", Audiences: []string{"https://other.example.com"}}),
		pool(cognitoauth.Pool{ID: "local", Issuer: "http://localhost:9229/local", Audiences: []string{api}}),
	}, ProtectedResources: []cognitoauth.ProtectedResource{{Resource: api}}})
	var doc struct {
		Servers []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal(lab.Ask(m.Wrap(http.NotFoundHandler()), lab.Call("GET "+metadataPath)).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	want := "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123 https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Other1 http://localhost:9229/local"
	if got := strings.Join(doc.Servers, " "); got != want {
		t.Errorf("authorization servers %s, want %s", got, want)
	}
}

// Each identifier with the address that RFC 9728, section 3.1, derives from it.
// The document is there and at no address like it.
func TestProtectedResource_addresses(t *testing.T) {
	for _, tt := range []struct{ resource, origin, path string }{
		{"https://resource.example.com", "https://resource.example.com", ""},
		{"https://resource.example.com/", "https://resource.example.com", ""},
		{"https://resource.example.com/resource1", "https://resource.example.com", "/resource1"},
		{"https://resource.example.com/a/b", "https://resource.example.com", "/a/b"},
		{"https://resource.example.com/mcp/", "https://resource.example.com", "/mcp/"},
		{"https://resource.example.com:8443/mcp", "https://resource.example.com:8443", "/mcp"},
		{"https://resource.example.com?x=y", "https://resource.example.com", "?x=y"},
		{"https://resource.example.com/?x=y", "https://resource.example.com", "?x=y"},
		{"https://resource.example.com/mcp?x=/y?z", "https://resource.example.com", "/mcp?x=/y?z"},
		{"https://resource.example.com/a%2Fb", "https://resource.example.com", "/a%2Fb"},
		{"https://resource.example.com/caf%C3%A9", "https://resource.example.com", "/caf%C3%A9"},
		{"https://[2001:db8::1]/mcp", "https://[2001:db8::1]", "/mcp"},
		{"http://localhost:8080/mcp", "http://localhost:8080", "/mcp"},
		{"http://127.0.0.1/mcp", "http://127.0.0.1", "/mcp"},
		{"http://[::1]:8080", "http://[::1]:8080", ""},
	} {
		const other = "https://other.example.com/other"
		g := lab.NewGate(t, identified(tt.resource, other))
		h := g.Auth.Wrap(cognitoauth.AllowAnonymous(g.Page())) // an open catch-all
		if got := resourceOf(lab.Ask(h, lab.Call("GET "+metadataPath+tt.path))); got != tt.resource {
			t.Errorf("%s: the document at its address is of %q", tt.resource, got)
		}
		way, _, _ := strings.Cut(tt.path, "?")
		r := lab.Call("GET " + way + "/x")
		r.Header.Set("Authorization", "Bearer x.y.z") // malformed: 401 even where anybody may call
		if got := metadataOf(t, lab.Ask(g.Auth.Wrap(g.Page()), r)); got != tt.origin+metadataPath+tt.path {
			t.Errorf("%s: the challenge names %q", tt.resource, got)
		}
		for _, near := range []string{metadataPath + tt.path + "/", metadataPath + tt.path + "x", metadataPath + "/" + tt.path, "/" + metadataPath + tt.path, metadataPath + tt.path + "?", metadataPath + tt.path + "&a",
			metadataPath + tt.path + "?a=b", metadataPath + "/." + tt.path, "/.well-known/x/../oauth-protected-resource" + tt.path, "/.well-known%2Foauth-protected-resource" + tt.path, "/%2Ewell-known/oauth-protected-resource" + tt.path,
			"/.WELL-KNOWN/oauth-protected-resource" + tt.path, "/v1" + metadataPath + tt.path, "/.well-known/oauth-protected-resourc%65" + tt.path, "/.well-known/oauth-authorization-server" + tt.path} {
			if got := resourceOf(lab.Ask(h, lab.Call("GET "+near))); got != "" {
				t.Errorf("%s: GET %s is answered with the document of %q", tt.resource, near, got)
			}
		}
	}
}

// A resource that is the only one has its document at the root too; where there
// are more, only the resource without a path has it there.
func TestProtectedResource_root(t *testing.T) {
	for _, tt := range []struct {
		identifiers []string
		root        string
	}{
		{[]string{"https://api.example.com/mcp"}, "https://api.example.com/mcp"},
		{[]string{"https://api.example.com/mcp", "https://api.example.com/x"}, ""},
		{[]string{"https://api.example.com/mcp", "https://api.example.com/"}, "https://api.example.com/"},
	} {
		g := lab.NewGate(t, identified(tt.identifiers...))
		h := g.Auth.Wrap(g.Page())
		for _, path := range []string{"", "/mcp"} {
			want := tt.root
			if path != "" {
				want = "https://api.example.com/mcp"
			}
			if got := resourceOf(lab.Ask(h, lab.Call("GET "+metadataPath+path))); got != want {
				t.Errorf("%q: the document at %q is of %q, want %q", tt.identifiers, path, got, want)
			}
		}
	}
}

// Only GET, HEAD and a preflight are answered, without a token, with a bad one
// and with a good one alike. Everything else is protected as ever, and the
// handler behind Wrap runs for nothing of it.
func TestProtectedResource_methods(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com/mcp"))
	mux := http.NewServeMux()
	mux.Handle("/", g.Page())
	mux.Handle("/.well-known/", g.Page())
	h := g.Auth.Wrap(mux)
	asks := []string{"Access-Control-Request-Method", "GET"}
	for _, tt := range []struct {
		line   string
		header []string
		status int
	}{
		{"GET ", nil, 200},
		{"HEAD ", nil, 200},
		{"GET ", []string{"Authorization", "Bearer x"}, 200},
		{"GET ", []string{"Authorization", g.Good()}, 200},
		{"GET ", []string{"Cookie", "session=x", "Origin", "https://evil.example"}, 200},
		{"OPTIONS ", append([]string{"Origin", "https://app.example"}, asks...), 204},
		{"OPTIONS ", asks, 204},
		{"OPTIONS ", []string{"Origin", "https://app.example"}, 401},
		{"POST ", nil, 401},
		{"PUT ", nil, 401},
		{"DELETE ", asks, 401},
		{"TRACE ", nil, 401},
		{"get ", nil, 401},
		{"PROPFIND ", nil, 401},
	} {
		for _, path := range []string{metadataPath, metadataPath + "/mcp"} {
			g.Forget()
			w := lab.Ask(h, lab.Call(tt.line+path, tt.header...))
			if w.Code != tt.status || g.Ran() {
				t.Errorf("%s%s %q: status %d, handler ran: %v; want %d", tt.line, path, tt.header, w.Code, g.Ran(), tt.status)
			}
			if last := g.Decisions[0]; len(g.Decisions) != 1 || last.Allowed != (tt.status < 400) || last.Allowed && (last.Code != "anonymous" || last.Pattern != path) {
				t.Errorf("%s%s: decisions %+v", tt.line, path, g.Decisions)
			}
			if strings.HasPrefix(tt.line, "HEAD") != (w.Body.Len() == 0) && tt.status == 200 {
				t.Errorf("%s%s: body %q", tt.line, path, w.Body)
			}
		}
	}
	// With a token, what is no question for the document reaches the handler.
	g.Forget()
	r := lab.Call("POST "+metadataPath, "Authorization", "Bearer "+g.Pool.AccessToken().Set("aud", "https://api.example.com/mcp").String())
	if w := lab.Ask(h, r); w.Code != 200 || !g.Ran() {
		t.Errorf("POST with a token: %d", w.Code)
	}
}

// A script of any origin may read the document, also with a header of its own
// (Fetch, section 3.2.5), and caches may keep it.
func TestProtectedResource_headers(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com/mcp"))
	h := g.Auth.Wrap(g.Page())
	has := func(w *httptest.ResponseRecorder, want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if got := strings.Join(w.Header().Values(want[i]), "|"); got != want[i+1] {
				t.Errorf("%s: %q, want %q", want[i], got, want[i+1])
			}
		}
	}
	w := lab.Ask(h, lab.Call("OPTIONS "+metadataPath, "Origin", "https://app.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "mcp-protocol-version"))
	has(w, "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET, HEAD", "Access-Control-Allow-Headers", "*", "Access-Control-Allow-Credentials", "", "WWW-Authenticate", "")
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("preflight: %d %q", w.Code, w.Body)
	}
	w = lab.Ask(h, lab.Call("GET "+metadataPath, "Origin", "https://app.example"))
	etag := w.Header().Get("ETag")
	has(w, "Access-Control-Allow-Origin", "*", "Cache-Control", "public, max-age=3600", "Vary", "", "Set-Cookie", "")
	if !strings.HasPrefix(etag, `"`) || len(etag) < 10 {
		t.Errorf("ETag %q", etag)
	}
	w = lab.Ask(h, lab.Call("GET "+metadataPath, "If-None-Match", etag))
	has(w, "Access-Control-Allow-Origin", "*", "ETag", etag)
	if w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("the same document: %d %q", w.Code, w.Body)
	}
	changed := lab.NewGate(t, resources(cognitoauth.ProtectedResource{Resource: "https://api.example.com/mcp", Name: "changed"}))
	if w := lab.Ask(changed.Auth.Wrap(g.Page()), lab.Call("GET "+metadataPath, "If-None-Match", etag)); w.Code != 200 {
		t.Errorf("another document: %d", w.Code)
	}
}

// A mux that has a route of its own for the address keeps it, and its markers
// count as ever. A pattern that is made for more than these addresses is no such
// route.
func TestProtectedResource_ownRoute(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		own     bool // the address without path is the mux's
		inserts bool // the one with the path is
	}{
		{"/", false, false},
		{"GET /{path...}", false, false},
		{"/.well-known/", false, false},
		{"/.well-known/{name}", false, false},
		{"/{$}", false, false},
		{metadataPath, true, false},
		{"GET " + metadataPath, true, false},
		{"example.com" + metadataPath, true, false},
		{"GET example.com" + metadataPath, true, false},
		{"other.example.com" + metadataPath, false, false},
		{"POST " + metadataPath, false, false},
		{metadataPath + "/mcp", false, true},
		{metadataPath + "/", false, true}, // the mux redirects the address without the slash
		{metadataPath + "/{path...}", false, true},
		{metadataPath + "/other", false, false},
	} {
		g := lab.NewGate(t, identified("https://api.example.com/mcp"))
		mux := http.NewServeMux()
		mux.Handle(tt.pattern, cognitoauth.AllowAnonymous(g.Page()))
		within := http.NewServeMux()
		within.Handle("/", mux)
		outside := http.NewServeMux() // the pattern of the inner mux is no longer for the address
		if tt.own {
			outside.Handle(tt.pattern, innerMux(g.Page()))
		}
		for name, h := range map[string]http.Handler{"mux": mux, "nested": within, "outer": outside} {
			if name == "outer" && !tt.own {
				continue
			}
			for path, own := range map[string]bool{"": tt.own, "/mcp": tt.inserts} {
				for _, method := range []string{"GET ", "HEAD ", "OPTIONS "} {
					g.Forget()
					w := lab.Ask(g.Auth.Wrap(h), lab.Call(method+metadataPath+path, "Access-Control-Request-Method", "GET"))
					if answered := w.Header().Get("Access-Control-Allow-Origin") == "*"; answered == own || answered && g.Ran() {
						t.Errorf("%s %q: %s%s: %d, answered by the library: %v, handler ran: %v", name, tt.pattern, method, path, w.Code, answered, g.Ran())
					}
					if own && method == "GET " && name != "outer" && !g.Ran() {
						t.Errorf("%s %q: %s%s: the mux's own route did not run: %d", name, tt.pattern, method, path, w.Code)
					}
				}
			}
		}
	}
}

// A route of the mux for one method keeps that method, and leaves the others to the
// library.
func TestProtectedResource_ownRouteOfOneMethod(t *testing.T) {
	for _, own := range []string{"GET", "HEAD", "OPTIONS"} {
		g := lab.NewGate(t, identified("https://api.example.com/mcp"))
		mux := http.NewServeMux()
		mux.Handle(own+" "+metadataPath+"/mcp", cognitoauth.AllowAnonymous(g.Page()))
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			g.Forget()
			w := lab.Ask(g.Auth.Wrap(mux), lab.Call(method+" "+metadataPath+"/mcp", "Access-Control-Request-Method", "GET"))
			answered := w.Header().Get("Access-Control-Allow-Origin") == "*"
			// A pattern for GET is one for HEAD as well, and takes the preflight away.
			if want := own != method && own != "GET"; answered != want || g.Ran() != (own == method || own == "GET" && method == "HEAD") {
				t.Errorf("own route for %s: %s: %d, answered by the library: %v, handler ran: %v", own, method, w.Code, answered, g.Ran())
			}
		}
	}
}

func innerMux(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	return mux
}

// Behind a router that cannot say which pattern it has, the library answers.
func TestProtectedResource_otherRouters(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com/mcp"))
	var none *http.ServeMux
	open := cognitoauth.AllowAnonymous(g.Page())
	for name, h := range map[string]http.Handler{
		"a handler": g.Page(), "an open handler": open, "StripPrefix": http.StripPrefix("/v1", g.Page()), "a resolver": lab.Resolver(func(*http.Request) http.Handler { return open }),
		"a mux in a handler": lab.Passing(http.NewServeMux()), "a nil mux": none,
	} {
		g.Forget()
		if got := resourceOf(lab.Ask(g.Auth.Wrap(h), lab.Call("GET "+metadataPath+"/mcp"))); got != "https://api.example.com/mcp" || g.Ran() {
			t.Errorf("%s: the document is of %q, handler ran: %v", name, got, g.Ran())
		}
	}
}

// exchange sends bytes to a server, and returns its answer and the whole body.
func exchange(t *testing.T, addr, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// Nothing of the request, its Host above all, gets into a document or a
// challenge. Each route's challenge names the resource with the longest path, as
// a real server gets the paths.
func TestProtectedResource_overTheWire(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com", "https://api.example.com/mcp", "https://api.example.com/mcp/admin", "https://api.example.com/caf%C3%A9/"))
	var o lab.Origin
	o.Serve(t, g.Auth.Wrap(o.Handler("page")), nil)
	for _, host := range []string{"api.example.com", "evil.example", "evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example;proto=http", "evil.example:1", "api.example.com.evil.example"} {
		resp, body := exchange(t, o.Addr(), lab.RawRequest("GET "+metadataPath+"/mcp", "Host: "+host+"\r\n"))
		challenged, _ := exchange(t, o.Addr(), lab.RawRequest("GET /mcp", "Host: "+host+"\r\n"))
		if resp.StatusCode != 200 || !strings.Contains(body, `"resource":"https://api.example.com/mcp"`) || strings.Contains(body, "evil") {
			t.Errorf("Host %q: %d %s", host, resp.StatusCode, body)
		}
		if got := challenged.Header.Get("WWW-Authenticate"); got != `Bearer realm="api", resource_metadata="https://api.example.com`+metadataPath+`/mcp"` {
			t.Errorf("Host %q: challenge %s", host, got)
		}
	}
	for _, tt := range []struct{ target, path string }{
		{"/", ""},
		{"/mcp", "/mcp"},
		{"/mcp/", "/mcp"},
		{"/mcp/x", "/mcp"},
		{"/mcp?/admin", "/mcp"},
		{"/mcp/admin?x", "/mcp/admin"},
		{"/mcp/admin/x/y", "/mcp/admin"},
		{"/mcp/administrator", "/mcp"},
		{"/mcpx", ""},
		{"/mcpx/mcp", ""},
		{"/x/mcp", ""},
		{"/MCP", ""},
		{"/%6dcp", "/mcp"},
		{"/mcp/%61dmin", "/mcp/admin"},
		{"/mcp%2Fadmin", ""},
		{"/mcp%2fx", ""},
		{"/mcp/admin%2Fx", "/mcp"},
		{"/mcp%3F", ""},
		{"/mcp%20", ""},
		{"/mcp%00", ""},
		{"//mcp", "/mcp"},
		{"/mcp//admin", "/mcp/admin"},
		{"/mcp/./admin", "/mcp/admin"},
		{"/mcp/../x", ""},
		{"/mcp/%2E%2e/x", ""},
		{"/../mcp", "/mcp"},
		{"/mcp/admin/x/y/../..", "/mcp/admin"},
		{"/mcp/admin/x/y/../../..", "/mcp"},
		{"/mcp/x/y/z/../../../admin", "/mcp/admin"},
		{"/x/y/z/../../../mcp/admin", "/mcp/admin"},
		{"/x/../../mcp/x", "/mcp"},
		{"/caf%C3%A9", "/caf%C3%A9/"},
		{"/caf%c3%a9/x", "/caf%C3%A9/"},
		{"/caf\xc3\xa9/x", "/caf%C3%A9/"},
		{"/cafe", ""},
		{"http://evil.example/mcp/x", "/mcp"},
		{"*", ""},
	} {
		method := "GET "
		if tt.target == "*" {
			method = "OPTIONS "
		}
		resp, _ := exchange(t, o.Addr(), lab.RawRequest(method+tt.target, "Host: api.example.com\r\n"))
		if tt.target == "*" && resp.StatusCode == 200 {
			continue // net/http answers it
		}
		params, err := parseChallenge(resp.Header.Get("WWW-Authenticate"))
		if want := "https://api.example.com" + metadataPath + tt.path; err != nil || resp.StatusCode != 401 || params["resource_metadata"] != want {
			t.Errorf("%s: %d, %v, the challenge names %q, want %q", tt.target, resp.StatusCode, err, params["resource_metadata"], want)
		}
	}
	if ran := o.Since(); ran != "" {
		t.Errorf("handlers ran: %s", ran)
	}
}

// What no resource covers gets a challenge without resource_metadata. Hosts do
// not count, and neither does the order of the configuration.
func TestProtectedResource_covers(t *testing.T) {
	for _, identifiers := range [][]string{
		{"https://a.example.com/a", "https://b.example.com/a/b", "https://c.example.com/c?tenant=x"},
		{"https://c.example.com/c?tenant=x", "https://b.example.com/a/b", "https://a.example.com/a"},
	} {
		g := lab.NewGate(t, identified(identifiers...))
		h := g.Auth.Wrap(g.Page())
		for target, want := range map[string]string{
			"/": "", "/b": "", "/a": "https://a.example.com" + metadataPath + "/a", "/a/b/c": "https://b.example.com" + metadataPath + "/a/b",
			"/c/d?tenant=y": "https://c.example.com" + metadataPath + "/c?tenant=x",
		} {
			if got := metadataOf(t, lab.Ask(h, lab.Call("GET "+target))); got != want {
				t.Errorf("%s: %q, want %q", target, got, want)
			}
		}
	}
}

// Which answers carry resource_metadata: a 401, and a 403 for a missing scope (RFC
// 9728, section 5.1; RFC 6750, section 3.1).
func TestProtectedResource_challenges(t *testing.T) {
	const api, url = "https://api.example.com/mcp", "https://api.example.com" + metadataPath + "/mcp"
	var seen *cognitoauth.Error
	g := lab.NewGate(t, func(c *cognitoauth.Config) {
		identified(api)(c)
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			seen = e
			cognitoauth.WriteError(w, r, e)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/mcp/scope", cognitoauth.Require(lab.ReadOrders, g.Page()))
	mux.Handle("/mcp/deep/", http.StripPrefix("/mcp/deep", cognitoauth.Require(lab.ReadOrders, g.Page())))
	mux.Handle("/mcp/moved/", lab.Passing(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path, r.URL.RawPath = "/elsewhere", ""
		cognitoauth.Require(lab.ReadOrders, g.Page()).ServeHTTP(w, r)
	})))
	mux.Handle("/mcp/both", cognitoauth.Require(cognitoauth.Authenticated(), cognitoauth.Require(lab.ReadOrders, g.Page())))
	mux.Handle("/mcp/group", cognitoauth.Require(cognitoauth.Group("staff"), g.Page()))
	mux.Handle("/mcp/level", cognitoauth.Require(cognitoauth.ACR("urn:cognito:loa:3"), g.Page()))
	mux.Handle("/mcp/stepup", cognitoauth.Require(cognitoauth.StepUp("mfa", cognitoauth.Group("staff")), g.Page()))
	mux.Handle("/mcp/optional", cognitoauth.Optional(lab.Passing(cognitoauth.Require(lab.ReadOrders, g.Page()))))
	mux.Handle("/scope", cognitoauth.Require(lab.ReadOrders, g.Page()))
	h := g.Auth.Wrap(mux)
	good := g.Pool.AccessToken().Set("aud", api)
	for _, tt := range []struct {
		line, token string
		status      int
		want        string // "-": no challenge
	}{
		{"GET /mcp/scope", "", 401, url},
		{"GET /mcp/scope", "x.y.z", 401, url},
		{"GET /mcp/scope", "a b", 400, ""},
		{"GET /mcp/scope", good.ExpiresIn(-time.Hour).String(), 401, url},
		{"GET /mcp/scope", good.String(), 403, url},
		{"GET /mcp/deep/x", good.String(), 403, url},
		{"GET /mcp/moved/x", good.String(), 403, url},
		{"GET /mcp/both", good.String(), 403, url},
		{"GET /mcp/level", good.String(), 401, url},
		{"GET /mcp/stepup", good.String(), 401, url},
		{"GET /mcp/optional", "", 401, url},
		{"GET /mcp/optional", good.Tampered().String(), 401, url},
		{"GET /mcp/group", good.String(), 403, "-"},
		{"GET /scope", "", 401, ""},
		{"GET /scope", good.String(), 403, ""},
	} {
		seen = nil
		r := lab.Call(tt.line)
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		w := lab.Ask(h, r)
		if w.Code != tt.status || g.Ran() {
			t.Fatalf("%s: status %d, want %d: %s", tt.line, w.Code, tt.status, w.Body)
		}
		if got := w.Header().Get("WWW-Authenticate"); seen == nil || got != seen.Challenge() || tt.want == "-" && got != "" {
			t.Errorf("%s: challenge %q, of the Error %v", tt.line, got, seen)
		}
		if tt.want != "-" {
			if got := metadataOf(t, w); got != tt.want {
				t.Errorf("%s: %d with %q, want %q", tt.line, w.Code, got, tt.want)
			}
		}
	}
}

// Without a request there is no resource to name: neither Validate nor the claims
// of the test kit, which no Middleware has made, name one.
func TestProtectedResource_withoutWrap(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com"))
	_, err := g.Auth.Validate(t.Context(), "x.y.z")
	if got := lab.AsRefusal(t, err).Challenge(); strings.Contains(got, "resource_metadata") {
		t.Errorf("Validate: %s", got)
	}
	r := cognitotest.WithClaims(lab.Call("GET /"), g.Pool.AccessToken().Claims())
	if got := metadataOf(t, lab.Ask(cognitoauth.Require(lab.ReadOrders, g.Page()), r)); got != "" {
		t.Errorf("WithClaims: %s", got)
	}
}

// Where one Wrap stands inside another, the one that refuses names its own
// resource, and the outer one answers at the addresses of both it knows first.
func TestProtectedResource_nestedWraps(t *testing.T) {
	outer := lab.NewGate(t, identified("https://api.example.com"))
	inner := lab.NewGate(t, identified("https://api.example.com/mcp"))
	mux := http.NewServeMux()
	mux.Handle("/mcp", inner.Auth.Wrap(inner.Page()))
	mux.Handle(metadataPath+"/mcp", cognitoauth.AllowAnonymous(inner.Auth.Wrap(inner.Page())))
	h := outer.Auth.Wrap(mux)
	token := outer.Pool.AccessToken().Set("aud", "https://api.example.com")
	if got := metadataOf(t, lab.Ask(h, lab.Call("GET /mcp"))); got != "https://api.example.com"+metadataPath {
		t.Errorf("the outer refusal names %q", got)
	}
	if got := metadataOf(t, lab.Ask(h, lab.Call("GET /mcp", "Authorization", "Bearer "+token.String()))); got != "https://api.example.com"+metadataPath+"/mcp" {
		t.Errorf("the inner refusal names %q", got)
	}
	for path, want := range map[string]string{"": "https://api.example.com", "/mcp": "https://api.example.com/mcp"} {
		if got := resourceOf(lab.Ask(h, lab.Call("GET "+metadataPath+path))); got != want {
			t.Errorf("%q: the document is of %q, want %q", path, got, want)
		}
	}
}

// A request that the program makes has no RequestURI, and one that an outer
// handler has moved keeps the one that the client sent.
func TestProtectedResource_targets(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com/v1/mcp"))
	h := g.Auth.Wrap(g.Page())
	made := &http.Request{Method: "GET", URL: &url.URL{Path: metadataPath + "/v1/mcp"}, Header: http.Header{}}
	if got := resourceOf(lab.Ask(h, made)); got != "https://api.example.com/v1/mcp" {
		t.Errorf("made by the program: the document is of %q", got)
	}
	made = &http.Request{Method: "GET", URL: &url.URL{Path: "/v1/mcp/x"}, Header: http.Header{}}
	if got := metadataOf(t, lab.Ask(h, made)); got != "https://api.example.com"+metadataPath+"/v1/mcp" {
		t.Errorf("made by the program: the challenge names %q", got)
	}
	stripped := http.StripPrefix("/v1", h)
	if got := metadataOf(t, lab.Ask(stripped, lab.Call("GET /v1/mcp/x"))); got != "https://api.example.com"+metadataPath+"/v1/mcp" {
		t.Errorf("behind StripPrefix: the challenge names %q", got)
	}
	if got := resourceOf(lab.Ask(stripped, lab.Call("GET /v1"+metadataPath+"/v1/mcp"))); got != "" {
		t.Errorf("behind StripPrefix another address has the document of %q", got)
	}
}

// A Middleware without ProtectedResources, and one that New has not made, answer
// at no such address.
func TestProtectedResource_none(t *testing.T) {
	g := lab.NewGate(t, func(c *cognitoauth.Config) { c.ProtectedResources = []cognitoauth.ProtectedResource{} })
	for name, auth := range map[string]*cognitoauth.Middleware{"none": g.Auth, "zero": {}, "nil": nil} {
		w := lab.Ask(auth.Wrap(g.Page()), lab.Call("GET "+metadataPath))
		if w.Code < 400 || g.Ran() || strings.Contains(w.Header().Get("WWW-Authenticate"), "resource_metadata") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
}

func TestNew_protectedResources(t *testing.T) {
	const api = "https://api.example.com/mcp"
	p := func(change func(*cognitoauth.ProtectedResource)) []cognitoauth.ProtectedResource {
		one := cognitoauth.ProtectedResource{Resource: api}
		change(&one)
		return []cognitoauth.ProtectedResource{one}
	}
	is := func(s string) []cognitoauth.ProtectedResource {
		return []cognitoauth.ProtectedResource{{Resource: s}}
	}
	for _, tt := range []struct {
		name string
		all  []cognitoauth.ProtectedResource
		aud  []string
		want string // in the error; "": none
	}{
		{"good", is(api), []string{api}, ""},
		{"another audience beside it", is(api), []string{"orders", api}, ""},
		{"no resource", is(""), []string{api}, "ProtectedResources[0].Resource is empty"},
		{"no audiences", is(api), nil, "ProtectedResources[0].Resource \"https://api.example.com/mcp\" is in Audiences of no Pool"},
		{"another audience", is(api), []string{"https://other.example.com"}, "Pools[0] (eu-west-1_AbCdEf123) has [\"https://other.example.com\"]"},
		{"a slash more", is(api + "/"), []string{api}, "Pools[0] has \"https://api.example.com/mcp\", which differs by a slash at the end or by case"},
		{"a slash less", is(api), []string{api + "/"}, "differs by a slash"},
		{"case of the host", is(api), []string{"https://API.example.com/mcp"}, "differs by a slash at the end or by case"},
		{"another path is not near", is(api), []string{"https://api.example.com"}, "is in Audiences of no Pool"},
		{"http", is("http://api.example.com"), []string{"http://api.example.com"}, "expected the scheme https"},
		{"http on a name like localhost", is("http://localhost.example.com"), []string{"http://localhost.example.com"}, "expected the scheme https"},
		{"another scheme", is("urn:api"), []string{"urn:api"}, "is not an absolute https URL"},
		{"another scheme with a host", is("ftp://localhost/mcp"), []string{"ftp://localhost/mcp"}, "is not an absolute https URL"},
		{"no URL", is("orders"), []string{"orders"}, "is not an absolute https URL"},
		{"no host", is("https:///mcp"), []string{"https:///mcp"}, "is not an absolute https URL"},
		{"a fragment", is(api + "#x"), []string{api + "#x"}, "is not an absolute https URL without user and fragment"},
		{"an empty fragment", is(api + "#"), []string{api + "#"}, "is not an absolute https URL without user and fragment"},
		{"a user", is("https://u:hunter2@api.example.com"), []string{"https://u:hunter2@api.example.com"}, "https://u:xxxxx@api.example.com"},
		{"a space", is("https://api.example.com/a b"), []string{"https://api.example.com/a b"}, "is not an absolute https URL"},
		{"a quote", is("https://api.example.com/a\"b"), []string{"https://api.example.com/a\"b"}, "is not an absolute https URL"},
		{"a backslash", is("https://api.example.com/a\\b"), []string{"https://api.example.com/a\\b"}, "is not an absolute https URL"},
		{"beyond ASCII", is("https://api.example.com/é"), []string{"https://api.example.com/é"}, "is not an absolute https URL"},
		{"DEL", is("https://api.example.com/\x7f"), []string{"https://api.example.com/\x7f"}, "is not an absolute https URL"},
		{"a broken escape", is("https://api.example.com/%zz"), []string{"https://api.example.com/%zz"}, "is not an absolute https URL"},
		{"an empty query", is(api + "?"), []string{api + "?"}, "has an empty query"},
		{"the address of the document", is("https://api.example.com" + metadataPath), []string{"https://api.example.com" + metadataPath}, "is the address of the document"},
		{"a dot segment", is("https://api.example.com/a/../b"), []string{"https://api.example.com/a/../b"}, "has a dot segment"},
		{"an escaped dot segment", is("https://api.example.com/a/%2e%2e/b"), []string{"https://api.example.com/a/%2e%2e/b"}, "has a dot segment"},
		{"two slashes", is("https://api.example.com//a"), []string{"https://api.example.com//a"}, "has a dot segment or a slash too many"},
		{"two slashes at the end", is("https://api.example.com/a//"), []string{"https://api.example.com/a//"}, "has a dot segment or a slash too many"},
		{"a slash at the end", is(api + "/"), []string{api + "/"}, ""},
		{"twice", append(is(api), is(api)...), []string{api}, "ProtectedResources[1].Resource \"https://api.example.com/mcp\" has the path of \"https://api.example.com/mcp\""},
		{"the same path on two hosts", append(is(api), is("https://b.example.com/mcp")...), []string{api, "https://b.example.com/mcp"}, "make a Middleware for each host"},
		{"paths that differ by a slash", append(is(api), is(api+"/")...), []string{api, api + "/"}, "has the path of"},
		{"three, the last like the second", append(append(is(api), is("https://b.example.com")...), is("https://c.example.com/")...), []string{api, "https://b.example.com", "https://c.example.com/"}, "ProtectedResources[2].Resource \"https://c.example.com/\" has the path of \"https://b.example.com\""},
		{"good beside a bad one", append(is("orders"), is(api)...), []string{api}, "ProtectedResources[0].Resource"},

		{"an empty scope", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{""} }), []string{api}, "ProtectedResources[0].Scopes[0] \"\" is not one scope"},
		{"two scopes in one", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{"a", "b c"} }), []string{api}, "Scopes[1] \"b c\" is not one scope"},
		{"a scope with a quote", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{"a\"b"} }), []string{api}, "is not one scope"},
		{"a scope beyond ASCII", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{"š"} }), []string{api}, "is not one scope"},
		{"the same scope twice", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{"a", "a"} }), []string{api}, "Scopes[1] \"a\" is listed twice"},
		{"scopes in URL form", p(func(p *cognitoauth.ProtectedResource) {
			p.Scopes = []string{"https://api.example.com/mcp/read", "a{b}"}
		}), []string{api}, ""},
		{"offline_access", p(func(p *cognitoauth.ProtectedResource) { p.Scopes = []string{"offline_access"} }), []string{api}, "offline_access"},

		{"a server over http", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"http://as.example.com"} }), []string{api}, "AuthorizationServers[0] \"http://as.example.com\" is not an https URL"},
		{"a server on loopback", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"http://localhost:8080"} }), []string{api}, ""},
		{"a server of another scheme", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"ftp://localhost"} }), []string{api}, "is not an https URL"},
		{"a server without a host", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"https://"} }), []string{api}, "is not an https URL"},
		{"a server with a query", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"https://as.example.com?x"} }), []string{api}, "is not an https URL"},
		{"a server with a user", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"https://u@as.example.com"} }), []string{api}, "is not an https URL"},
		{"a server with a space", p(func(p *cognitoauth.ProtectedResource) { p.AuthorizationServers = []string{"https://as.example.com/ "} }), []string{api}, "is not an https URL"},
		{"a server that is no URL", p(func(p *cognitoauth.ProtectedResource) {
			p.AuthorizationServers = []string{"https://as.example.com/%zz"}
		}), []string{api}, "is not an https URL"},
		{"the login domain", p(func(p *cognitoauth.ProtectedResource) {
			p.AuthorizationServers = []string{"https://x.auth.eu-west-1.amazoncognito.com"}
		}), []string{api}, "is the pool's login domain"},
		{"the same server twice", p(func(p *cognitoauth.ProtectedResource) {
			p.AuthorizationServers = []string{"https://as.example.com", "https://as.example.com"}
		}), []string{api}, "AuthorizationServers[1] \"https://as.example.com\" is listed twice"},

		{"a long name", p(func(p *cognitoauth.ProtectedResource) { p.Name = strings.Repeat("n", 257) }), []string{api}, "Name has 257 bytes"},
		{"the longest name", p(func(p *cognitoauth.ProtectedResource) { p.Name = strings.Repeat("n", 256) }), []string{api}, ""},
		{"a name that is not UTF-8", p(func(p *cognitoauth.ProtectedResource) { p.Name = "\xff" }), []string{api}, "valid UTF-8"},
		{"documentation that is no URL", p(func(p *cognitoauth.ProtectedResource) { p.Documentation = "/docs" }), []string{api}, "Documentation \"/docs\" is not an absolute https or http URL"},
		{"documentation without a host", p(func(p *cognitoauth.ProtectedResource) { p.Documentation = "https:///docs" }), []string{api}, "Documentation"},
		{"a policy of another scheme", p(func(p *cognitoauth.ProtectedResource) { p.Policy = "javascript://example.com/%0Aalert(1)" }), []string{api}, "Policy \"javascript:"},
		{"terms with a user", p(func(p *cognitoauth.ProtectedResource) { p.TermsOfService = "https://u:hunter2@example.com/" }), []string{api}, "TermsOfService \"https://u:xxxxx@example.com/\""},
		{"terms with a space", p(func(p *cognitoauth.ProtectedResource) { p.TermsOfService = "https://example.com/a b" }), []string{api}, "TermsOfService"},
		{"terms that cannot be parsed", p(func(p *cognitoauth.ProtectedResource) { p.TermsOfService = "https://example.com/%zz" }), []string{api}, "TermsOfService"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}, Audiences: tt.aud}}, ProtectedResources: tt.all})
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (!errors.Is(err, cognitoauth.ErrMisconfigured) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %s", err, tt.want)
			case err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "\n") != 0):
				t.Errorf("error %v", err)
			}
		})
	}
}

// A path of very many segments costs a refusal no memory for each of them.
func TestProtectedResource_longPaths(t *testing.T) {
	g := lab.NewGate(t, identified("https://api.example.com/a/b/c"))
	h := g.Auth.Wrap(g.Page())
	allocations := func(path string) float64 {
		r := lab.Call("GET " + path)
		w := httptest.NewRecorder()
		return testing.AllocsPerRun(10, func() {
			clear(w.Header())
			w.Body.Reset()
			h.ServeHTTP(w, r)
		})
	}
	short, long := allocations("/a/b/c/d"), allocations("/a/b/c"+strings.Repeat("/d", 100_000))
	if long > short+5 {
		t.Errorf("%.0f allocations for a long path, %.0f for a short one", long, short)
	}
}

// What is admitted costs as much memory with ProtectedResources as without.
func TestProtectedResource_admitsAtNoCost(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	const api = "https://api.example.com/mcp"
	allocations := func(change func(*cognitoauth.Config)) float64 {
		g := lab.NewGate(t, func(c *cognitoauth.Config) { change(c); c.OnDecision = nil })
		h := g.Auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := lab.Call("GET /mcp", "Authorization", "Bearer "+g.Pool.AccessToken().Set("aud", api).String())
		w := httptest.NewRecorder()
		return testing.AllocsPerRun(100, func() { clear(w.Header()); h.ServeHTTP(w, r) })
	}
	without := allocations(func(c *cognitoauth.Config) { c.Pools[0].Audiences = []string{api} })
	if with := allocations(identified(api)); with != without {
		t.Errorf("%.0f allocations with ProtectedResources, %.0f without", with, without)
	}
}
