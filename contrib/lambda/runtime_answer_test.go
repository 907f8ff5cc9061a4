package cognitolambda_test

// This file compares what reaches a client through the real runtime with what a server
// sends.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// api is an API behind the middleware, whose answers have everything that an event may
// lose on its way back. Nothing listens where the keys of /unavailable are.
func api(keys string) http.Handler {
	pool := cognitoauth.Pool{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"1example23456789"}, JWKS: []byte(keys)}
	auth, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{pool}})
	if err != nil {
		panic(err)
	}
	pool.JWKS, pool.JWKSURL = nil, "http://127.0.0.1:1/jwks.json"
	down, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{pool}})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "well") })))
	mux.HandleFunc("GET /cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		claims, _ := cognitoauth.FromContext(r.Context())
		fmt.Fprintf(w, "<p>%s & %v</p>", claims.Username, r.URL.Query()["x"])
	})
	mux.HandleFunc("GET /cookies", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
		w.Header().Add("Set-Cookie", "b=2; Path=/")
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /links", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", `</a, b>; rel="prev"`)
		w.Header().Add("Link", `</c>; rel="next"`)
		http.Redirect(w, r, "/elsewhere?x=1", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /bytes", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Write([]byte{0x89, 'P', 'N', 'G', 0, 0xff})
	})
	mux.HandleFunc("GET /compressed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "ASCII that stands for brotli")
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %x", r.Header.Get("Content-Type"), r.ContentLength, body)
	})
	mux.HandleFunc("GET /busy", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "120")
		http.Error(w, "busy", http.StatusTooManyRequests)
	})
	mux.Handle("GET /admin", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.HandlerFunc(echo)))
	outer := http.NewServeMux()
	outer.Handle("/", auth.Wrap(mux))
	outer.Handle("/unavailable", down.Wrap(http.HandlerFunc(echo)))
	return outer
}

// freshPool has keys of its own: another process would skip those of NewPool.
func freshPool(t *testing.T) *cognitotest.Pool {
	t.Helper()
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// What reaches the client is what a server would send, from each source: status,
// challenge, Retry-After, cookies, headers with several values, and the bytes of the
// body. The server is net/http with the same handler; the function is a process.
func TestRuntime_asAServer(t *testing.T) {
	pool := freshPool(t)
	keys := string(pool.KeySet())
	server := httptest.NewServer(api(keys))
	defer server.Close()
	p := start(t, "api", keySet+"="+keys)

	token := http.Header{"Authorization": {"Bearer " + pool.AccessToken().User("jane").String()}}
	with := func(name, value string) http.Header {
		h := token.Clone()
		h.Set(name, value)
		return h
	}
	binary := []byte{0, 0xff, 0xfe, '\n'}
	tests := []struct {
		name   string
		sent   sent
		status int
		has    string // a header that must be there
	}{
		{"the health check", sent{path: "/healthz"}, 200, ""},
		{"one cookie", sent{path: "/cookie", query: "x=a%20b", header: token}, 200, "Set-Cookie"},
		{"two cookies", sent{path: "/cookies", header: token}, 202, "Set-Cookie"},
		{"a header twice", sent{path: "/links", header: token}, 303, "Link"},
		{"a binary body", sent{path: "/bytes", header: token}, 200, ""},
		{"a compressed body", sent{path: "/compressed", header: token}, 200, "Content-Encoding"},
		{"without a body", sent{method: "HEAD", path: "/bytes", header: token}, 200, ""},
		{"an upload of bytes", sent{method: "POST", path: "/upload", header: with("Content-Type", "application/octet-stream"), body: binary}, 200, ""},
		{"an upload of JSON", sent{method: "POST", path: "/upload", header: with("Content-Type", "application/json"), body: []byte(`{"a":"ä"}`)}, 200, ""},
		{"Retry-After of a handler", sent{path: "/busy", header: token}, 429, "Retry-After"},

		{"no token", sent{path: "/cookie"}, 401, "Www-Authenticate"},
		{"a token that is none", sent{path: "/cookie", header: http.Header{"Authorization": {"Bearer x"}}}, 401, "Www-Authenticate"},
		{"a scope is missing", sent{path: "/admin", header: token}, 403, "Www-Authenticate"},
		{"no keys", sent{path: "/unavailable", header: token}, 503, "Retry-After"},
		{"another method", sent{method: "PUT", path: "/upload", header: token}, 405, "Allow"},
		{"no such route", sent{path: "/nowhere", header: token}, 404, ""},
	}
	for _, tt := range tests {
		want := ask(t, server.URL, tt.sent)
		if want.status != tt.status || tt.has != "" && want.header.Get(tt.has) == "" {
			t.Fatalf("%s: a server sends %d %v", tt.name, want.status, want.header)
		}
		for _, kind := range kinds {
			r := p.invoke(documented(kind, tt.sent))
			if kind == single && tt.name == "two cookies" {
				if r.kind != "error" || !strings.Contains(string(r.body), "lambda.multi_value_headers.enabled") {
					t.Errorf("%s, %s: %s %s, want an error", kind, tt.name, r.kind, r.body)
				}
				continue
			}
			if r.kind != "response" {
				t.Errorf("%s, %s: %s %s", kind, tt.name, r.kind, r.body)
				continue
			}
			got := delivered(t, kind, r.body)
			if got.status != want.status || string(got.body) != string(want.body) {
				t.Errorf("%s, %s: %d %q, a server sends %d %q", kind, tt.name, got.status, got.body, want.status, want.body)
			}
			expected := maps.Clone(want.header)
			if n, err := strconv.Atoi(got.header.Get("Retry-After")); tt.status == 503 && err == nil && n > 0 {
				expected["Retry-After"] = got.header["Retry-After"] // it grows with each failure
			}
			if challenge, ok := expected["Www-Authenticate"]; ok && (kind == rest || kind == function) {
				delete(expected, "Www-Authenticate")
				expected["X-Amzn-Remapped-Www-Authenticate"] = challenge
			}
			if !maps.EqualFunc(got.header, expected, func(a, b []string) bool {
				return slices.Equal(a, b) || kind != rest && kind != group && strings.Join(a, ", ") == strings.Join(b, ", ")
			}) {
				t.Errorf("%s, %s: %v, a server sends %v", kind, tt.name, got.header, expected)
			}
			if len(got.header["Set-Cookie"]) != len(want.header["Set-Cookie"]) {
				t.Errorf("%s, %s: cookies %q", kind, tt.name, got.header["Set-Cookie"])
			}
		}
	}
}

// A load balancer's health check has no Host and no address, and its function answers it.
func TestRuntime_healthCheck(t *testing.T) {
	pool := freshPool(t)
	p := start(t, "api", keySet+"="+string(pool.KeySet()))
	for kind, header := range map[string]string{group: `"multiValueHeaders":{"user-agent":["ELB-HealthChecker/2.0"]}`, single: `"headers":{"user-agent":"ELB-HealthChecker/2.0"}`} {
		r := p.invoke(`{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/6d0ecf831eec9f09"}},
			"httpMethod":"GET","path":"/healthz","queryStringParameters":{},` + header + `,"body":"","isBase64Encoded":false}`)
		if r.kind != "response" {
			t.Errorf("%s: %s %s", kind, r.kind, r.body)
			continue
		}
		if got := delivered(t, kind, r.body); got.status != 200 || string(got.body) != "well" {
			t.Errorf("%s: %d %q", kind, got.status, got.body)
		}
	}
}

// wire is what a client gets.
type wire struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request to a server, and leaves out what a source writes itself.
func ask(t *testing.T, url string, s sent) wire {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), s.method, url+s.path+"?"+s.query, strings.NewReader(string(s.body)))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range s.header {
		r.Header[name] = values
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
	for _, name := range []string{"Date", "Content-Length", "Connection"} {
		resp.Header.Del(name)
	}
	return wire{resp.StatusCode, resp.Header, body}
}

// delivered is what a source makes of a function's response: which members it reads, and
// what it renames. See the guides of API Gateway (proxy integrations), Lambda (function
// URLs) and Elastic Load Balancing (Lambda functions as targets).
func delivered(t *testing.T, kind string, response []byte) wire {
	t.Helper()
	var r struct {
		StatusCode        int                 `json:"statusCode"`
		StatusDescription string              `json:"statusDescription"`
		Headers           map[string]string   `json:"headers"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
		Cookies           []string            `json:"cookies"`
		Body              string              `json:"body"`
		IsBase64Encoded   bool                `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatal(err)
	}
	w := wire{r.StatusCode, http.Header{}, []byte(r.Body)}
	if kind != group {
		for name, value := range r.Headers {
			w.header.Add(name, value)
		}
	}
	if kind == rest || kind == group {
		for name, values := range r.MultiValueHeaders {
			w.header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if kind == httpAPI || kind == function {
		for _, cookie := range r.Cookies {
			w.header.Add("Set-Cookie", cookie)
		}
	}
	if challenge, ok := w.header["Www-Authenticate"]; ok && (kind == rest || kind == function) {
		delete(w.header, "Www-Authenticate")
		w.header["X-Amzn-Remapped-Www-Authenticate"] = challenge
	}
	if want := fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)); (kind == group || kind == single) && r.StatusDescription != want {
		t.Errorf("%s: statusDescription is %q, want %q", kind, r.StatusDescription, want)
	}
	if r.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		w.body = body
	}
	return w
}
