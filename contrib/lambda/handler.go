package cognitolambda

// This file holds the handler: which kind of event it has got, and what each kind
// needs. How a request is made of an event is in request.go, how an answer, in
// answer.go.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// New returns the handler to give to lambda.Start. h is what a server would serve,
// normally what [cognitoauth.Middleware.Wrap] returned. It panics on nil.
//
// An event that is none of the four kinds is an error, and so is an answer that the
// event's source cannot take; h has not run in the first case. A request that net/http
// would answer with 400 is answered so. A panic of h ends the sandbox, as in any Lambda
// function; [http.ErrAbortHandler] is an error. Where a sandbox takes several
// invocations at once, h runs in several goroutines, as on a server.
func New(h http.Handler) lambda.Handler {
	if h == nil {
		panic("cognitolambda: New of a nil handler")
	}
	return &handler{h}
}

type handler struct{ next http.Handler }

// shape is what tells the kinds of events apart. AWS writes all of it.
type shape struct {
	Version        string `json:"version"`
	Type           string `json:"type"` // of an authorizer's event
	HTTPMethod     string `json:"httpMethod"`
	Resource       string `json:"resource"`
	RequestContext struct {
		ELB *struct {
			TargetGroupArn string `json:"targetGroupArn"`
		} `json:"elb"`
		HTTP *struct {
			Method string `json:"method"`
		} `json:"http"`
		APIID        string `json:"apiId"`
		DomainName   string `json:"domainName"`
		ConnectionID string `json:"connectionId"` // of a WebSocket API
	} `json:"requestContext"`
}

// Invoke serves one event. It is what lambda.Start calls.
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var s shape
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, errors.New("cognitolambda: the event is not the JSON of an HTTP event")
	}
	c := s.RequestContext
	first := s.Version == "" && s.HTTPMethod != "" && c.HTTP == nil // the method is at the top
	second := s.Version == "2.0" && s.HTTPMethod == "" && c.HTTP != nil && c.ELB == nil && c.APIID != ""
	switch {
	case s.Type != "" || c.ConnectionID != "":
	case first && c.ELB != nil && c.ELB.TargetGroupArn != "":
		return serve(ctx, h.next, payload, targetGroup)
	case first && c.ELB == nil && s.Resource != "" && c.APIID != "":
		return serve(ctx, h.next, payload, restAPI)
	case second && strings.HasPrefix(c.DomainName, c.APIID+".lambda-url."):
		return serve(ctx, h.next, payload, functionURL)
	case second:
		return serve(ctx, h.next, payload, httpAPI)
	case s.Version == "1.0":
		return nil, errors.New(`cognitolambda: the event is that of an HTTP API with payload format 1.0: set payloadFormatVersion of the integration to "2.0"`)
	}
	return nil, fmt.Errorf("cognitolambda: the event (version %.20q, type %.20q) is none of a REST API, an HTTP API, a function URL or a target group: which source invokes this function?", s.Version, s.Type)
}

// source is one kind of event: how its request is read, and its answer written.
type source[E any] struct {
	read  func(E) call
	write func(E, *answer) (any, error)
}

// serve decodes an event, runs h and encodes the answer.
func serve[E any](ctx context.Context, h http.Handler, payload []byte, s source[E]) ([]byte, error) {
	var event E
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("cognitolambda: the event is no %T", event)
	}
	c := s.read(event)
	w := newAnswer(c.method)
	r, err := c.request()
	switch {
	case errors.Is(err, errBadRequest):
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
	case err != nil:
		return nil, err
	default:
		ctx, cancel := context.WithCancel(context.WithValue(ctx, eventKey[E]{}, event))
		defer cancel() // as net/http does when the handler ends
		if err := run(h, w, r.WithContext(ctx)); err != nil {
			return nil, err
		}
	}
	w.end()
	out, err := s.write(event, w)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // an answer may have 6 MB at most
	err = encoder.Encode(out)
	return b.Bytes(), err
}

// run runs h. A handler that aborts its answer must not end the sandbox.
func run(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = errors.New("cognitolambda: the handler aborted the answer")
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

type eventKey[E any] struct{}

// Event returns the event that the request was made of, if it is of type E: an
// [events.APIGatewayProxyRequest], an [events.APIGatewayV2HTTPRequest], an
// [events.LambdaFunctionURLRequest] or an [events.ALBTargetGroupRequest]. It has the
// headers with the token, so do not log it.
func Event[E any](ctx context.Context) (E, bool) {
	event, ok := ctx.Value(eventKey[E]{}).(E)
	return event, ok
}

var restAPI = source[events.APIGatewayProxyRequest]{
	read: func(e events.APIGatewayProxyRequest) call {
		return call{
			method: e.HTTPMethod, path: e.Path, query: encoded(e.MultiValueQueryStringParameters, e.QueryStringParameters),
			header: headers(e.MultiValueHeaders, e.Headers), host: e.RequestContext.DomainName, source: e.RequestContext.Identity.SourceIP,
			body: e.Body, base64: e.IsBase64Encoded,
		}
	},
	write: func(_ events.APIGatewayProxyRequest, w *answer) (any, error) {
		body, binary := w.text()
		return events.APIGatewayProxyResponse{StatusCode: w.status, MultiValueHeaders: w.sent, Body: body, IsBase64Encoded: binary}, nil
	},
}

var httpAPI = source[events.APIGatewayV2HTTPRequest]{
	read: func(e events.APIGatewayV2HTTPRequest) call {
		return call{
			method: e.RequestContext.HTTP.Method, path: unstaged(e.RawPath, e.RequestContext.Stage), decoded: true, query: e.RawQueryString,
			header: withCookies(headers(nil, e.Headers), e.Cookies), host: e.RequestContext.DomainName, source: e.RequestContext.HTTP.SourceIP,
			body: e.Body, base64: e.IsBase64Encoded,
		}
	},
	write: func(_ events.APIGatewayV2HTTPRequest, w *answer) (any, error) {
		body, binary := w.text()
		cookies := w.cookies()
		return events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: w.joined(), Body: body, IsBase64Encoded: binary, Cookies: cookies}, nil
	},
}

var functionURL = source[events.LambdaFunctionURLRequest]{
	read: func(e events.LambdaFunctionURLRequest) call {
		return call{
			method: e.RequestContext.HTTP.Method, path: e.RawPath, query: e.RawQueryString,
			header: withCookies(headers(nil, e.Headers), e.Cookies), host: e.RequestContext.DomainName, source: e.RequestContext.HTTP.SourceIP,
			body: e.Body, base64: e.IsBase64Encoded,
		}
	},
	write: func(_ events.LambdaFunctionURLRequest, w *answer) (any, error) {
		body, binary := w.text()
		cookies := w.cookies()
		return events.LambdaFunctionURLResponse{StatusCode: w.status, Headers: w.joined(), Body: body, IsBase64Encoded: binary, Cookies: cookies}, nil
	},
}

var targetGroup = source[events.ALBTargetGroupRequest]{
	read: func(e events.ALBTargetGroupRequest) call {
		h := headers(e.MultiValueHeaders, e.Headers)
		return call{
			method: e.HTTPMethod, path: e.Path, query: raw(e.MultiValueQueryStringParameters, e.QueryStringParameters),
			header: h, source: lastForwarded(h), body: e.Body, base64: e.IsBase64Encoded,
		}
	},
	write: func(e events.ALBTargetGroupRequest, w *answer) (any, error) {
		body, binary := w.text()
		out := events.ALBTargetGroupResponse{
			StatusCode: w.status, StatusDescription: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
			Body: body, IsBase64Encoded: binary,
		}
		if e.MultiValueHeaders != nil {
			out.MultiValueHeaders = w.sent
			return out, nil
		}
		if n := len(w.sent["Set-Cookie"]); n > 1 {
			return nil, fmt.Errorf("cognitolambda: the answer sets %d cookies, and this target group can take one: set its attribute lambda.multi_value_headers.enabled", n)
		}
		out.Headers = w.joined()
		return out, nil
	},
}
