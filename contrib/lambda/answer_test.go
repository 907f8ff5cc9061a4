package cognitolambda_test

import (
	"encoding/base64"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdaurl"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// The handler's answer is what a server would send.
func TestAnswer(t *testing.T) {
	write := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			if status != 0 {
				w.WriteHeader(status)
			}
			io.WriteString(w, body)
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"text", write(200, "hello")},
		{"HTML that JSON would escape", write(200, "<p>&</p>")},
		{"no status", write(0, "hello")},
		{"nothing", func(http.ResponseWriter, *http.Request) {}},
		{"not found", write(404, "gone\n", "Content-Type", "text/plain")},
		{"no content", write(204, "")},
		{"no content, and a body", write(204, "x")},
		{"not modified", write(304, "", "Etag", `"1"`)},
		{"not modified, and a body", write(304, "x", "Etag", `"1"`)},
		{"bytes", write(200, "\xff\x00\x01")},
		{"compressed", write(200, "not really", "Content-Encoding", "gzip", "Content-Type", "text/plain")},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusSeeOther) }},
		{"headers set too late", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(201)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(500)
		}},
		{"an informational answer first", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(201)
		}},
		{"a trailer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
			io.WriteString(w, "hello")
		}},
		{"no type wanted", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "hello")
		}},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			status, header, body := served(t, tt.handler, method)
			for _, kind := range kinds {
				g := invoke(t, tt.handler, event(kind, sent{method: method, path: "/"}))
				if g.StatusCode != status {
					t.Errorf("%s, %s %s: %d, a server sends %d", kind, method, tt.name, g.StatusCode, status)
				}
				text := g.Body
				if g.IsBase64Encoded {
					raw, err := base64.StdEncoding.DecodeString(text)
					if err != nil {
						t.Errorf("%s, %s %s: %v", kind, method, tt.name, err)
					}
					text = string(raw)
				}
				if header.Get("Content-Encoding") != "" && !g.IsBase64Encoded {
					t.Errorf("%s, %s %s: not in base64", kind, method, tt.name)
				}
				if text != body {
					t.Errorf("%s, %s %s: %q, a server sends %q", kind, method, tt.name, text, body)
				}
				for _, name := range []string{"Content-Type", "Location", "Etag", "X-Late", "Content-Encoding", "X-Sum", http.TrailerPrefix + "X-Sum"} {
					if name == "Content-Type" && method == http.MethodHead {
						continue // net/http guesses from a body that it does not send
					}
					if got := strings.Join(g.values(name), ", "); got != header.Get(name) {
						t.Errorf("%s, %s %s: %s %q, a server sends %q", kind, method, tt.name, name, got, header.Get(name))
					}
				}
			}
		}
	}
}

// served is what a real server sends.
func served(t *testing.T, h http.Handler, method string) (int, http.Header, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// The fields that each source reads an answer from, by its developer guide.
func TestAnswer_fields(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.WriteHeader(http.StatusAccepted)
	})
	both := []string{"a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}
	for _, kind := range []string{httpAPI, function} {
		g := invoke(t, h, event(kind, sent{path: "/"}))
		if !slices.Equal(g.Cookies, both) || g.Headers["Vary"] != "Origin, Accept" || g.Headers["Set-Cookie"] != "" || g.MultiValueHeaders != nil {
			t.Errorf("%s: %+v", kind, g)
		}
	}
	for _, kind := range []string{rest, group} {
		g := invoke(t, h, event(kind, sent{path: "/"}))
		if !slices.Equal(g.MultiValueHeaders["Set-Cookie"], both) || !slices.Equal(g.MultiValueHeaders["Vary"], []string{"Origin", "Accept"}) || g.Headers != nil || g.Cookies != nil {
			t.Errorf("%s: %+v", kind, g)
		}
		if want := map[string]string{group: "202 Accepted"}[kind]; g.StatusDescription != want {
			t.Errorf("%s: statusDescription %q", kind, g.StatusDescription)
		}
	}
	_, err := cognitolambda.New(h).Invoke(t.Context(), event(single, sent{path: "/"}))
	if err == nil || !strings.Contains(err.Error(), "lambda.multi_value_headers.enabled") {
		t.Errorf("two cookies where one can be sent: %v", err)
	}
}

// A refusal arrives whole: status, challenge and code.
func TestAnswer_refusal(t *testing.T) {
	api, _ := protected(t)
	for _, kind := range kinds {
		g := invoke(t, api, event(kind, sent{path: "/admin"}))
		challenge := g.values("Www-Authenticate")
		if g.StatusCode != 401 || len(challenge) != 1 || challenge[0] != `Bearer realm="api"` || !strings.Contains(g.Body, `"code":"token_missing"`) || g.IsBase64Encoded {
			t.Errorf("%s: %+v", kind, g)
		}
	}
}

// http.ErrAbortHandler is an error of the invocation; another panic is the runtime's.
func TestPanic(t *testing.T) {
	abort := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := cognitolambda.New(abort).Invoke(t.Context(), event(rest, sent{path: "/"})); err == nil {
		t.Error("no error")
	}
	for name, h := range map[string]http.HandlerFunc{
		"its own":           func(http.ResponseWriter, *http.Request) { panic("x") },
		"an invalid status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) },
		"a status too high": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(1000) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			_, _ = cognitolambda.New(h).Invoke(t.Context(), event(rest, sent{path: "/"}))
		}()
	}
	for name, f := range map[string]func(){"New": func() { cognitolambda.New(nil) }, "Refreshed": func() { cognitolambda.Refreshed(nil, nil) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s(nil) did not panic", name)
				}
			}()
			f()
		}()
	}
}

// What is not one of the four is an error, and no handler runs.
func TestEvent_unknown(t *testing.T) {
	payloads := map[string]string{
		"nothing": "", "null": "null", "an object": "{}", "a list": "[]", "a text": `"x"`, "garbage": "{",
		"S3":                  `{"Records":[{"eventSource":"aws:s3"}]}`,
		"a direct invocation": `{"httpMethod":"GET","path":"/admin"}`,
		"both formats":        `{"version":"2.0","httpMethod":"GET","path":"/","resource":"/","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"}}}`,
		"two sources":         `{"httpMethod":"GET","path":"/","resource":"/","requestContext":{"apiId":"a","elb":{"targetGroupArn":"x"},"http":{"method":"GET"}}}`,
		"a version to come":   `{"version":"3.0","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"}}}`,
		"no slash":            `{"version":"2.0","rawPath":"admin","requestContext":{"apiId":"a","http":{"method":"GET"}}}`,
		"no path":             `{"httpMethod":"GET","resource":"/","requestContext":{"apiId":"a"}}`,
		"a path of a number":  `{"httpMethod":"GET","path":1,"resource":"/","requestContext":{"apiId":"a"}}`,
	}
	type authorizerV1 = events.APIGatewayCustomAuthorizerRequestTypeRequest
	v1 := authorizerV1{Type: "REQUEST", MethodArn: "arn", Resource: "/x", Path: "/x", HTTPMethod: "GET"}
	v1.RequestContext.APIID = "a"
	v2 := events.APIGatewayV2CustomAuthorizerV2Request{Version: "2.0", Type: "REQUEST", RawPath: "/x"}
	v2.RequestContext.APIID, v2.RequestContext.HTTP.Method = "a", "GET"
	socket := events.APIGatewayWebsocketProxyRequest{Resource: "/x", Path: "/x", HTTPMethod: "GET"}
	socket.RequestContext.APIID, socket.RequestContext.ConnectionID = "a", "L0SM9cOFvHcCIhw="
	for name, e := range map[string]any{"an authorizer of a REST API": v1, "an authorizer of an HTTP API": v2, "a WebSocket": socket, "a token authorizer": events.APIGatewayCustomAuthorizerRequest{Type: "TOKEN"}} {
		payloads[name] = marshal(e)
	}
	payloads["payload format 1.0"] = strings.Replace(string(event(rest, sent{path: "/"})), "{", `{"version":"1.0",`, 1)
	for name, payload := range payloads {
		var s seen
		out, err := cognitolambda.New(&s).Invoke(t.Context(), []byte(payload))
		if err == nil || out != nil || s.calls != 0 {
			t.Errorf("%s: %s, %v, the handler ran %d times", name, out, err, s.calls)
		}
		if name == "payload format 1.0" && !strings.Contains(err.Error(), "payloadFormatVersion") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The README's advice for streams: the handler of aws-lambda-go decides as this one does.
func TestLambdaURL(t *testing.T) {
	api, pool := protected(t)
	h := lambdaurl.Wrap(api)
	for _, tt := range []struct {
		path, authorization string
		status              int
	}{
		{"/public/a", "", 200},
		{"/public/..%2fadmin", "", 401},
		{"/admin", "", 401},
		{"/admin", "Bearer " + pool.AccessToken().String(), 200},
	} {
		e := events.LambdaFunctionURLRequest{RawPath: tt.path}
		if tt.authorization != "" {
			e.Headers = map[string]string{"authorization": tt.authorization}
		}
		e.RequestContext.HTTP.Method, e.RequestContext.DomainName = "GET", "a.lambda-url.eu-west-1.on.aws"
		out, err := h(t.Context(), &e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out); err != nil || out.StatusCode != tt.status || (out.Headers["Www-Authenticate"] != "") != (tt.status == 401) {
			t.Errorf("%s: %d %v, %v", tt.path, out.StatusCode, out.Headers, err)
		}
	}
}

// Of the names of headers those arrive that a server sends (RFC 9110, section 5.6.2).
func TestAnswer_names(t *testing.T) {
	names := []string{"", "X-9", "X-0", "X_a!", "X-Az", "X-{", "X-[", "X-/", "X-:", "X-@", "X-`", "X-\x7f", "X-\u00e4"}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range names {
			w.Header()[name] = []string{"1"}
		}
	})
	_, header, _ := served(t, h, http.MethodGet)
	if header["X-9"] == nil || header["X-["] != nil {
		t.Fatalf("a server sends %v", header)
	}
	for _, kind := range kinds {
		g := invoke(t, h, event(kind, sent{path: "/"}))
		for _, name := range names {
			if got, want := len(g.values(name)), len(header[http.CanonicalHeaderKey(name)]); got != want {
				t.Errorf("%s: %q is there %d times, a server sends %d", kind, name, got, want)
			}
		}
	}
}

// A handler that puts what callers write into a header does not give them a header of
// their own: line breaks become spaces, and what is no name is left out.
func TestAnswer_lineBreaks(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Note"] = []string{"a\r\nX-Evil: 1", "\nb "}
		w.Header()["X-Evil Name"] = []string{"1"}
		w.Header()["X-Evil\r\nX-Other"] = []string{"1"}
		w.Header()["Set-Cookie"] = []string{"a=1\r\nX-Evil: 1"}
	})
	_, header, _ := served(t, h, http.MethodGet)
	for _, kind := range kinds {
		g := invoke(t, h, event(kind, sent{path: "/"}))
		for _, name := range []string{"X-Note", "X-Evil Name", "X-Evil\r\nX-Other"} {
			if got, want := strings.Join(g.values(name), ", "), strings.Join(header.Values(name), ", "); got != want {
				t.Errorf("%s: %q is %q, a server sends %q", kind, name, got, want)
			}
		}
		if got, want := append(g.Cookies, g.values("Set-Cookie")...), header.Values("Set-Cookie"); !slices.Equal(got, want) {
			t.Errorf("%s: the cookies are %q, a server sends %q", kind, got, want)
		}
	}
}
