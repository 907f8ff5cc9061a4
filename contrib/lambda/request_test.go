package cognitolambda_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// parsed is the request that net/http makes of a request line.
func parsed(t *testing.T, line string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + " HTTP/1.1\r\nHost: api.example.com\r\n\r\n")))
	if err != nil {
		return nil
	}
	r.RemoteAddr = "192.0.2.1:0"
	return r
}

// paths are what clients write to get around rules about paths.
var paths = []string{
	"/", "/public/", "/public/a", "/public", "/public/a%20b", "/public/%C3%A4", "/public/a+b", "/public/(a)", "/public/'a'",
	"/public/../admin", "/public/%2e%2e/admin", "/public/%2E./admin", "/public/..%2fadmin", "/public%2fa", "/public/a%2Fb", "/public/a%252Fb",
	"//public/a", "/public//a", "/./public/a", "/public/./a", "/public/a/", "/public/a;b", "/public/a%3bb", "/public/a%5cb", "/public/a%00b",
	"/public/%", "/public/%2", "/public/%zz", "/public/%25", "/public/%3F", "/public/%23", "/public/%ff", "/public/%c0%ae%c0%ae/admin",
	"/admin", "/ADMIN", "/%61dmin", "/admin%2f", "/public/a@b:c", "/%70ublic/a", "//example.com/public/a", "/public/a\u00e4b", "/public/a#b", "/public/ä%2fadmin",
}

// protected is an API with an open folder.
func protected(t *testing.T) (http.Handler, *cognitotest.Pool) {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	ok := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", name, r.URL.Path) })
	}
	mux := http.NewServeMux()
	mux.Handle("/public/", cognitoauth.AllowAnonymous(ok("public")))
	mux.Handle("/admin", ok("admin"))
	mux.Handle("/", ok("rest"))
	return auth.Wrap(mux), pool
}

// REST APIs, function URLs and target groups pass on the path as it came. So the
// handler sees what it would see on a server, and a marker opens what it would open
// there: net/http itself is the oracle.
func TestPath_asOnAServer(t *testing.T) {
	api, _ := protected(t)
	for _, kind := range []string{rest, function, group, single} {
		for _, path := range paths {
			want := parsed(t, "GET "+path)
			var s seen
			answer := invoke(t, &s, event(kind, sent{path: path}))
			if want == nil {
				if answer.StatusCode != http.StatusBadRequest || s.calls != 0 {
					t.Errorf("%s, %q: %d, want 400 as net/http", kind, path, answer.StatusCode)
				}
				continue
			}
			if s.r == nil || *s.r.URL != *want.URL || s.r.RequestURI != want.RequestURI {
				t.Errorf("%s, %q: %+v, want %+v", kind, path, s.r, want)
				continue
			}
			w := httptest.NewRecorder()
			api.ServeHTTP(w, want)
			answer = invoke(t, api, event(kind, sent{path: path}))
			if answer.StatusCode != w.Code || answer.Body != w.Body.String() {
				t.Errorf("%s, %q: %d %q, want %d %q as on a server", kind, path, answer.StatusCode, answer.Body, w.Code, w.Body)
			}
		}
	}
}

// A question mark in a path that should be encoded is no path.
func TestPath_questionMark(t *testing.T) {
	for _, kind := range []string{rest, function, group} {
		var s seen
		if g := invoke(t, &s, event(kind, sent{path: "/public/?/admin"})); g.StatusCode != 400 || s.calls != 0 {
			t.Errorf("%s: %d", kind, g.StatusCode)
		}
	}
}

// An HTTP API decodes the path, twice, and cuts it at a "?". sent and event were
// captured at the service in 2026 (github.com/hotsock/voker, ingress-paths.json).
func TestPath_ofHTTPAPI(t *testing.T) {
	tests := []struct {
		sent, event string
		status      int    // of an open folder, without a token
		path        string // that the handler sees
	}{
		{"/public/plain", "/public/plain", 200, "/public/plain"},
		{"/public/space%20value", "/public/space value", 200, "/public/space value"},
		{"/public/question%3Fvalue", "/public/question", 200, "/public/question"},
		{"/public/hash%23value", "/public/hash#value", 200, "/public/hash#value"},
		{"/public/slash%2Fvalue", "/public/slash/value", 200, "/public/slash/value"},
		{"/public/unicode-%CE%BB", "/public/unicode-λ", 200, "/public/unicode-λ"},
		{"/public/literal%253Fvalue", "/public/literal?value", 200, "/public/literal?value"},
		{"/public/literal%2525value", "/public/literal%value", 401, ""},
		// What would be ambiguous is protected.
		{"/public/%25252e%25252e/admin", "/public/%2e%2e/admin", 401, ""},
		{"/public/a%25252Fb", "/public/a%2Fb", 401, ""},
		{"/public/%2e%2e/admin", "/public/../admin", 401, ""},
		{"/public/%2F%2Fadmin", "/public///admin", 401, ""},
		{"/public%5cadmin", "/public\\admin", 401, ""},
		{"/public/a%3Bb", "/public/a;b", 401, ""},
		{"/public/%00", "/public/\x00", 401, ""},
		{"/admin", "/admin", 401, ""},
		{"//admin", "//admin", 401, ""},
	}
	api, pool := protected(t)
	for _, tt := range tests {
		answer := invoke(t, api, event(httpAPI, sent{path: tt.event}))
		if answer.StatusCode != tt.status || tt.status == 200 && answer.Body != "public "+tt.path {
			t.Errorf("%s: %d %q", tt.sent, answer.StatusCode, answer.Body)
		}
	}
	answer := invoke(t, api, event(httpAPI, sent{path: "/public/literal%value", header: http.Header{"Authorization": {"Bearer " + pool.AccessToken().String()}}}))
	if answer.StatusCode != 200 || answer.Body != "public /public/literal%value" {
		t.Errorf("with a token: %d %q", answer.StatusCode, answer.Body)
	}
}

// The stage of an HTTP API is no part of the path.
func TestPath_stage(t *testing.T) {
	tests := []struct{ stage, path, want string }{
		{"$default", "/orders", "/orders"},
		{"$default", "/$default/orders", "/$default/orders"},
		{"prod", "/prod/orders", "/orders"},
		{"prod", "/prod", "/"},
		{"prod", "/prod/", "/"},
		{"prod", "/prod/prod/orders", "/prod/orders"},
		{"prod", "/production", "/production"},
		{"prod", "/orders", "/orders"},
		{"", "//orders", "//orders"},
	}
	for _, tt := range tests {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event(httpAPI, sent{path: tt.path}), &e); err != nil {
			t.Fatal(err)
		}
		e.RequestContext.Stage = tt.stage
		payload, _ := json.Marshal(e)
		var s seen
		invoke(t, &s, payload)
		if s.r.URL.Path != tt.want || s.r.URL.RawPath != "" || s.r.RequestURI != tt.want {
			t.Errorf("stage %q, %s: %+v, want %s", tt.stage, tt.path, s.r.URL, tt.want)
		}
	}
}

// Queries arrive with the same values as on a server.
func TestQuery(t *testing.T) {
	const query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb%3Fc%26d&literalPlus=a+b&encodedPlus=a%2Bb&empty=&%C3%A4=%C3%B6&a%5B%5D=1"
	want, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		var s seen
		invoke(t, &s, event(kind, sent{path: "/", query: query}))
		values := maps.Clone(want)
		if kind == single {
			values["repeat"] = []string{"two"} // the source has dropped the first
		}
		if got := s.r.URL.Query(); !maps.EqualFunc(got, values, slices.Equal) {
			t.Errorf("%s: %v, want %v", kind, got, values)
		}
		if exact := s.r.URL.RawQuery == query; exact != (kind == httpAPI || kind == function) {
			t.Errorf("%s: %s, kept exactly: %t", kind, s.r.URL.RawQuery, exact)
		}
		if s.r.RequestURI != "/?"+s.r.URL.RawQuery {
			t.Errorf("%s: RequestURI %s", kind, s.r.RequestURI)
		}
	}
	var s seen
	invoke(t, &s, event(rest, sent{path: "/"}))
	if s.r.RequestURI != "/" {
		t.Errorf("without a query: %s", s.r.RequestURI)
	}
}

// The rest of a request.
func TestRequest(t *testing.T) {
	for _, kind := range kinds {
		var s seen
		invoke(t, &s, event(kind, sent{method: "PUT", path: "/x", body: []byte(`{"a":"ä"}`), header: http.Header{
			"X-Amzn-Trace-Id": {"Root=1-5e9f0c65-1de4d666d4dd26aced652b6c"}, "X-Forwarded-For": {"203.0.113.9, 192.0.2.1"}, "Accept": {"a", "b"}, "Host": {"shop.example.com"},
		}}))
		r := s.r
		if r.Method != "PUT" || r.Host != "shop.example.com" || r.Header["Host"] != nil || r.Proto != "HTTP/1.1" || !r.ProtoAtLeast(1, 1) {
			t.Errorf("%s: %+v", kind, r)
		}
		if string(s.body) != `{"a":"ä"}` || r.ContentLength != 10 {
			t.Errorf("%s: body %q, length %d", kind, s.body, r.ContentLength)
		}
		if r.RemoteAddr != "192.0.2.1:0" {
			t.Errorf("%s: RemoteAddr %q", kind, r.RemoteAddr)
		}
		if r.Header.Get("X-Amzn-Trace-Id") != "Root=1-5e9f0c65-1de4d666d4dd26aced652b6c" {
			t.Errorf("%s: trace %v", kind, r.Header)
		}
		want := map[string]string{rest: "a|b", group: "a|b", httpAPI: "a,b", function: "a,b", single: "b"}[kind]
		if got := strings.Join(r.Header["Accept"], "|"); got != want {
			t.Errorf("%s: Accept %q, want %q", kind, got, want)
		}
	}
}

// The address of the client, as the sources write it.
func TestRemoteAddr(t *testing.T) {
	for forwarded, want := range map[string]string{
		"192.0.2.1":                 "192.0.2.1:0",
		"evil, 192.0.2.1":           "192.0.2.1:0",
		"192.0.2.1:4711":            "192.0.2.1:4711",
		"2001:db8::1":               "[2001:db8::1]:0",
		"192.0.2.7,[2001:db8::1]:9": "[2001:db8::1]:9",
		"unknown":                   "",
		"":                          "",
	} {
		var s seen
		invoke(t, &s, event(group, sent{path: "/", header: http.Header{"X-Forwarded-For": {forwarded}}}))
		if s.r.RemoteAddr != want {
			t.Errorf("%q: %q, want %q", forwarded, s.r.RemoteAddr, want)
		}
	}
	var s seen
	invoke(t, &s, event(group, sent{path: "/", header: http.Header{"X-Forwarded-For": {"203.0.113.9", "192.0.2.1"}}}))
	if s.r.RemoteAddr != "192.0.2.1:0" {
		t.Errorf("two headers: %q", s.r.RemoteAddr)
	}
	invoke(t, &s, event(group, sent{path: "/"}))
	if s.r.RemoteAddr != "" {
		t.Errorf("without the header: %q", s.r.RemoteAddr)
	}
}

// A binary body comes in base64, and an event whose body is not is an error.
func TestBody_base64(t *testing.T) {
	for _, kind := range kinds {
		var m map[string]any
		if err := json.Unmarshal(event(kind, sent{path: "/"}), &m); err != nil {
			t.Fatal(err)
		}
		m["isBase64Encoded"], m["body"] = true, base64.StdEncoding.EncodeToString([]byte{0, 255, 1})
		payload, _ := json.Marshal(m)
		var s seen
		invoke(t, &s, payload)
		if !bytes.Equal(s.body, []byte{0, 255, 1}) || s.r.ContentLength != 3 {
			t.Errorf("%s: %v", kind, s.body)
		}
		m["body"] = "ä"
		payload, _ = json.Marshal(m)
		s = seen{}
		if _, err := cognitolambda.New(&s).Invoke(t.Context(), payload); err == nil || s.calls != 0 {
			t.Errorf("%s: not base64: %v", kind, err)
		}
	}
}

// A token is where it always is, and two of them are refused, however the source passes
// them on.
func TestAuthorization(t *testing.T) {
	api, pool := protected(t)
	token := "Bearer " + pool.AccessToken().String()
	for _, kind := range kinds {
		send := func(values ...string) got {
			return invoke(t, api, event(kind, sent{path: "/admin", header: http.Header{"Authorization": values}}))
		}
		if g := send(token); g.StatusCode != 200 || g.Body != "admin /admin" {
			t.Errorf("%s: %d %s", kind, g.StatusCode, g.Body)
		}
		if kind == single {
			continue // the source passes on the last one alone
		}
		if g := send(token, token); g.StatusCode != 400 {
			t.Errorf("%s, twice: %d %s", kind, g.StatusCode, g.Body)
		}
		if g := send("Basic eA==", token); g.StatusCode == 200 {
			t.Errorf("%s, Basic and Bearer: %d", kind, g.StatusCode)
		}
	}
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(event(rest, sent{path: "/admin"}), &e); err != nil {
		t.Fatal(err)
	}
	e.MultiValueHeaders["Authorization"], e.MultiValueHeaders["authorization"] = []string{token}, []string{token}
	payload, _ := json.Marshal(e)
	if g := invoke(t, api, payload); g.StatusCode != 400 {
		t.Errorf("in two cases: %d %s", g.StatusCode, g.Body)
	}
	delete(e.MultiValueHeaders, "authorization")
	payload, _ = json.Marshal(e)
	if g := invoke(t, api, payload); g.StatusCode != 200 {
		t.Errorf("in one case: %d %s", g.StatusCode, g.Body)
	}
	e.MultiValueHeaders["Host"] = []string{"a", "b"}
	payload, _ = json.Marshal(e)
	if g := invoke(t, api, payload); g.StatusCode != 400 {
		t.Errorf("two hosts: %d", g.StatusCode)
	}
}

// Cookies are one header, also where the source has them in two places: a token in a
// cookie would else count as given twice.
func TestCookies(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	config := pool.Config()
	config.TokenSource = cognitoauth.FromCookie("token")
	auth, err := cognitoauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		var s seen
		g := invoke(t, auth.Wrap(&s), event(kind, sent{path: "/", header: http.Header{"Cookie": {"theme=dark; token=" + pool.AccessToken().String()}}}))
		if g.StatusCode != 200 || len(s.r.Header["Cookie"]) != 1 || len(s.r.Cookies()) != 2 {
			t.Errorf("%s: %d %s", kind, g.StatusCode, g.Body)
		}
	}
}

// The context is that of the invocation, with its deadline, and ends with the handler.
// It has the event.
func TestContext(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	has := map[string]func(context.Context) bool{
		rest: is[events.APIGatewayProxyRequest], httpAPI: is[events.APIGatewayV2HTTPRequest], function: is[events.LambdaFunctionURLRequest],
		group: is[events.ALBTargetGroupRequest], single: is[events.ALBTargetGroupRequest],
	}
	for _, kind := range kinds {
		var s seen
		alive := false
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.ServeHTTP(w, r)
			alive = r.Context().Err() == nil
		})
		if _, err := lambda.NewHandler(cognitolambda.New(h)).Invoke(ctx, event(kind, sent{path: "/"})); err != nil {
			t.Fatal(err)
		}
		if d, ok := s.ctx.Deadline(); !ok || !d.Equal(deadline) || !alive || s.ctx.Err() == nil {
			t.Errorf("%s: deadline %v, alive %t, afterwards %v", kind, d, alive, s.ctx.Err())
		}
		for other, is := range has {
			same := other == kind || other == group && kind == single || other == single && kind == group
			if is(s.ctx) != same {
				t.Errorf("%s: has the event of a %s: %t", kind, other, !same)
			}
		}
	}
}

func is[E any](ctx context.Context) bool {
	_, ok := cognitolambda.Event[E](ctx)
	return ok
}
