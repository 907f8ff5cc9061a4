package cognitolambda_test

// This file runs functions in the real runtime of aws-lambda-go.

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// With this variable, the test binary is a Lambda function: one of functions.
const asFunction = "COGNITOLAMBDA_TEST_FUNCTION"

// With this variable, the function "api" has the key set of a pool.
const keySet = "COGNITOLAMBDA_TEST_JWKS"

var functions = map[string]func() http.Handler{
	"echo": func() http.Handler { return http.HandlerFunc(echo) },
	"meet": meet,
	"api":  func() http.Handler { return api(os.Getenv(keySet)) },
}

func TestMain(m *testing.M) {
	if name := os.Getenv(asFunction); name != "" {
		lambda.Start(cognitolambda.New(functions[name]()))
	}
	os.Exit(m.Run())
}

func echo(w http.ResponseWriter, r *http.Request) {
	invocation, _ := lambdacontext.FromContext(r.Context())
	deadline, ok := r.Context().Deadline()
	fmt.Fprintf(w, "%s %s %s %t %s", r.Method, r.URL, invocation.AwsRequestID, ok && time.Until(deadline) > 0, r.Context().Value("x-amzn-trace-id"))
}

// meet returns a handler whose requests wait for each other, two by two.
func meet() http.Handler {
	here := make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case here <- struct{}{}:
		case <-here:
		case <-r.Context().Done():
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		io.WriteString(w, r.URL.Path)
	})
}

// process is a function in the real runtime of aws-lambda-go: a process that asks the
// Runtime API, which the test serves, for invocations.
type process struct {
	t        *testing.T
	payloads chan string
	results  chan result
	stderr   string // a file
}

// result is what the process sends back: a response or an error.
type result struct {
	kind string
	body []byte
}

const trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"

func start(t *testing.T, function string, env ...string) *process {
	t.Helper()
	p := &process{t, make(chan string), make(chan result), filepath.Join(t.TempDir(), "stderr")}
	var n atomic.Int64
	runtime := http.NewServeMux()
	runtime.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select { // as the real one, it waits for the next invocation
		case payload := <-p.payloads:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint("id-", n.Add(1)))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Trace-Id", trace)
			io.WriteString(w, payload)
		case <-r.Context().Done():
		}
	})
	runtime.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		select {
		case p.results <- result{r.PathValue("kind"), body}:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(runtime)
	t.Cleanup(server.Close)

	stderr, err := os.Create(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), asFunction+"="+function, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"))
	command.Env = append(command.Env, env...)
	command.Stderr = stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = stderr.Close()
	})
	return p
}

func (p *process) invoke(payload string) result {
	p.t.Helper()
	p.send(payload)
	return p.receive()
}

func (p *process) send(payload string) {
	p.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case p.payloads <- payload:
	case <-late.C:
		p.fatal("the process asks for no invocation")
	}
}

func (p *process) receive() result {
	p.t.Helper()
	late := time.NewTimer(2 * time.Minute) // an invocation may take a minute
	defer late.Stop()
	select {
	case r := <-p.results:
		return r
	case <-late.C:
		p.fatal("the process does not answer")
	}
	panic("not reached")
}

func (p *process) fatal(what string) {
	p.t.Helper()
	stderr, _ := os.ReadFile(p.stderr)
	p.t.Fatalf("%s: %s", what, stderr)
}

// The context is that of the invocation. An event that the function does not know fails
// that invocation, and the next one is served.
func TestRuntime(t *testing.T) {
	p := start(t, "echo")
	for i, tt := range []struct{ payload, want, err string }{
		{string(event(rest, sent{path: "/a%2Fb", query: "x=1"})), "GET /a%2Fb?x=1 id-1 true " + trace, ""},
		{`{"Records":[]}`, "", "which source invokes this function?"},
		{string(event(function, sent{method: "DELETE", path: "/a%2Fb", query: "x=1&x=2"})), "DELETE /a%2Fb?x=1&x=2 id-3 true " + trace, ""},
		{documented(oldHTTPAPI, sent{path: "/a"}), "", `set payloadFormatVersion of the integration to "2.0"`},
		{documented(httpAPI, sent{path: "/a/b", query: "x=1&x=2"}), "GET /a/b?x=1&x=2 id-5 true " + trace, ""},
		{documented(group, sent{path: "/a%2Fb", query: "x=1&x=2"}), "GET /a%2Fb?x=1&x=2 id-6 true " + trace, ""},
		{documented(single, sent{path: "/a%2Fb", query: "x=1"}), "GET /a%2Fb?x=1 id-7 true " + trace, ""},
	} {
		got := p.invoke(tt.payload)
		var answer struct {
			StatusCode   int
			Body         string
			ErrorMessage string
		}
		if err := json.Unmarshal(got.body, &answer); err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.err != "" && (got.kind != "error" || !strings.Contains(answer.ErrorMessage, tt.err)):
			t.Errorf("invocation %d: %s %s, want the error %q", i, got.kind, got.body, tt.err)
		case tt.err == "" && (got.kind != "response" || answer.StatusCode != 200 || answer.Body != tt.want):
			t.Errorf("invocation %d: %s %s, want %q", i, got.kind, got.body, tt.want)
		}
	}
}

// A sandbox may take several invocations at once: each has an answer of its own.
func TestRuntime_concurrency(t *testing.T) {
	p := start(t, "meet", "AWS_LAMBDA_MAX_CONCURRENCY=2")
	p.send(documented(httpAPI, sent{path: "/first"}))
	p.send(documented(group, sent{path: "/second"}))
	var paths []string
	for range 2 {
		r := p.receive()
		var answer got
		if err := json.Unmarshal(r.body, &answer); err != nil || r.kind != "response" || answer.StatusCode != 200 {
			t.Fatalf("%s %s, %v", r.kind, r.body, err)
		}
		paths = append(paths, answer.Body)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"/first", "/second"}) {
		t.Errorf("answers for %q", paths)
	}
}
