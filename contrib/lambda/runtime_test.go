package cognitolambda_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// With this variable, the test binary is a Lambda function.
const asFunction = "COGNITOLAMBDA_TEST_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		lambda.Start(cognitolambda.New(http.HandlerFunc(echo)))
	}
	os.Exit(m.Run())
}

func echo(w http.ResponseWriter, r *http.Request) {
	invocation, _ := lambdacontext.FromContext(r.Context())
	deadline, ok := r.Context().Deadline()
	fmt.Fprintf(w, "%s %s %s %t %s", r.Method, r.URL, invocation.AwsRequestID, ok && time.Until(deadline) > 0, r.Context().Value("x-amzn-trace-id"))
}

// The function runs in the real runtime of aws-lambda-go, as a process that asks the
// Runtime API for invocations. An event that it does not know fails that invocation,
// and the next one is served.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func TestRuntime(t *testing.T) {
	payloads := []string{
		string(event(rest, sent{path: "/a%2Fb", query: "x=1"})),
		`{"Records":[]}`,
		string(event(function, sent{method: "DELETE", path: "/a%2Fb", query: "x=1&x=2"})),
	}
	type result struct {
		kind string // response or error
		body []byte
	}
	results := make(chan result, len(payloads))
	next := 0
	done := make(chan struct{})
	api := http.NewServeMux()
	api.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if next == len(payloads) {
			select { // as the real one does: there is no further invocation
			case <-done:
			case <-r.Context().Done():
			}
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint("id-", next))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
		io.WriteString(w, payloads[next])
		next++
	})
	api.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		results <- result{r.PathValue("kind"), body}
	})
	server := httptest.NewServer(api)
	defer server.Close()
	defer close(done)

	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), asFunction+"=1", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"))
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	const trace = " true Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"
	wants := []string{"GET /a%2Fb?x=1 id-0" + trace, "", "DELETE /a%2Fb?x=1&x=2 id-2" + trace}
	for i, want := range wants {
		var got result
		select {
		case got = <-results:
		case <-time.After(time.Minute):
			t.Fatalf("no answer to invocation %d: %s", i, stderr.String())
		}
		var answer struct {
			StatusCode   int
			Body         string
			ErrorMessage string
		}
		if err := json.Unmarshal(got.body, &answer); err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "" && (got.kind != "error" || !strings.Contains(answer.ErrorMessage, "which source invokes this function?")):
			t.Errorf("invocation %d: %s %s, want an error", i, got.kind, got.body)
		case want != "" && (got.kind != "response" || answer.StatusCode != 200 || answer.Body != want):
			t.Errorf("invocation %d: %s %s, want %q", i, got.kind, got.body, want)
		}
	}
}
