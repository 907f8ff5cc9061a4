package cognitolambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// kinds are the sources of events.
const (
	rest     = "REST API"
	httpAPI  = "HTTP API"
	function = "function URL"
	group    = "target group"
	single   = "target group without multi-value headers"
)

var kinds = []string{rest, httpAPI, function, group, single}

// sent is a request as a client sends it: what each source makes of it is in event.
type sent struct {
	method, path, query string
	header              http.Header
	body                []byte
}

// event is the event that AWS makes of a request: names, places and joins are those of
// the developer guides of API Gateway, Lambda and Elastic Load Balancing.
func event(kind string, s sent) []byte {
	if s.method == "" {
		s.method = http.MethodGet
	}
	body, binary := string(s.body), false
	h := s.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if h.Get("Host") == "" {
		h.Set("Host", "api.example.com")
	}
	last, joined := map[string]string{}, map[string]string{}
	for name, values := range h {
		last[name] = values[len(values)-1]
		joined[strings.ToLower(name)] = strings.Join(values, ",")
	}
	var v any
	switch kind {
	case rest:
		e := events.APIGatewayProxyRequest{Resource: "/{proxy+}", Path: s.path, HTTPMethod: s.method, Headers: last, MultiValueHeaders: h, Body: body, IsBase64Encoded: binary}
		e.MultiValueQueryStringParameters, _ = parse(s.query, true)
		e.RequestContext.APIID, e.RequestContext.Stage, e.RequestContext.DomainName = "gy415nuibc", "prod", "gy415nuibc.execute-api.us-east-1.amazonaws.com"
		e.RequestContext.Identity.SourceIP, e.RequestContext.Path = "192.0.2.1", "/prod"+s.path
		v = e
	case httpAPI:
		e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: "$default", RawPath: s.path, RawQueryString: s.query, Headers: joined, Body: body, IsBase64Encoded: binary}
		e.Cookies = cookies(h)
		delete(e.Headers, "cookie")
		e.RequestContext.APIID, e.RequestContext.Stage, e.RequestContext.DomainName = "sjzepsqsu5", "$default", "sjzepsqsu5.execute-api.us-west-2.amazonaws.com"
		e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.SourceIP = s.method, s.path, "192.0.2.1"
		v = e
	case function:
		e := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: s.path, RawQueryString: s.query, Headers: joined, Body: body, IsBase64Encoded: binary}
		e.Cookies = cookies(h)
		e.RequestContext.APIID, e.RequestContext.DomainName = "2cxn22odiwguak4f", "2cxn22odiwguak4f.lambda-url.us-west-2.on.aws"
		e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.SourceIP = s.method, s.path, "192.0.2.1"
		v = e
	case group, single:
		e := events.ALBTargetGroupRequest{HTTPMethod: s.method, Path: s.path, Body: body, IsBase64Encoded: binary}
		e.RequestContext.ELB.TargetGroupArn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/6d0ecf831eec9f09"
		many, one := parse(s.query, false)
		if kind == group {
			e.MultiValueHeaders, e.MultiValueQueryStringParameters = h, many
		} else {
			e.Headers, e.QueryStringParameters = last, one
		}
		v = e
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// parse takes a query apart, and decodes it for a REST API.
func parse(query string, decode bool) (many map[string][]string, last map[string]string) {
	many, last = map[string][]string{}, map[string]string{}
	if decode {
		u, err := http.NewRequest(http.MethodGet, "/?"+query, nil)
		if err != nil {
			panic(err)
		}
		return u.URL.Query(), nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" {
			many[name], last[name] = append(many[name], value), value
		}
	}
	return many, last
}

func cookies(h http.Header) (all []string) {
	for _, line := range h["Cookie"] {
		all = append(all, strings.Split(line, "; ")...)
	}
	return all
}

// got is an answer as the four kinds have it.
type got struct {
	StatusCode        int
	StatusDescription string
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

// values are the values of a header, wherever they stand.
func (g got) values(name string) []string {
	if v, ok := g.Headers[name]; ok {
		return []string{v}
	}
	return g.MultiValueHeaders[name]
}

// invoke sends an event through the handler as the runtime of aws-lambda-go does.
func invoke(t *testing.T, h http.Handler, payload []byte) got {
	t.Helper()
	out, err := lambda.NewHandler(cognitolambda.New(h)).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatalf("%v for %s", err, payload)
	}
	var g got
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&g); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return g
}

// seen is a handler that notes the request.
type seen struct {
	r     *http.Request
	body  []byte
	ctx   context.Context
	calls int
}

func (s *seen) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.calls++
	s.r, s.ctx = r, r.Context()
	s.body, _ = io.ReadAll(r.Body)
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
