package cognitolambda_test

// This file has the events as the guides of AWS document them.

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// oldHTTPAPI is an HTTP API with payload format 1.0.
const oldHTTPAPI = "HTTP API, format 1.0"

// shapes are the events with all members that the guides document, also those that
// package events of aws-lambda-go does not know. documented fills in the request.
var shapes = map[string]string{
	httpAPI: `{
		"version": "2.0", "routeKey": "$default",
		"requestContext": {
			"accountId": "123456789012", "apiId": "sjzepsqsu5",
			"authentication": {"clientCert": {"clientCertPem": "x", "subjectDN": "www.example.com", "issuerDN": "Example issuer", "serialNumber": "a1:a1",
				"validity": {"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT"}}},
			"authorizer": {"jwt": {"claims": {"claim1": "value1"}, "scopes": ["scope1", "scope2"]}},
			"domainName": "sjzepsqsu5.execute-api.us-east-1.amazonaws.com", "domainPrefix": "sjzepsqsu5",
			"http": {"protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390
		},
		"pathParameters": {"parameter1": "value1"}, "stageVariables": {"stageVariable1": "value1"}
	}`,
	oldHTTPAPI: `{
		"version": "1.0", "resource": "/{proxy+}",
		"requestContext": {
			"accountId": "123456789012", "apiId": "sjzepsqsu5", "authorizer": {"claims": null, "scopes": null},
			"domainName": "sjzepsqsu5.execute-api.us-east-1.amazonaws.com", "domainPrefix": "sjzepsqsu5", "extendedRequestId": "request-id", "httpMethod": "GET",
			"identity": {"accessKey": null, "accountId": null, "caller": null, "sourceIp": "192.0.2.1", "user": null, "userAgent": "agent", "userArn": null},
			"path": "/", "protocol": "HTTP/1.1", "requestId": "id=", "requestTime": "04/Mar/2020:19:15:17 +0000", "requestTimeEpoch": 1583349317135,
			"resourceId": null, "resourcePath": "/{proxy+}", "stage": "$default"
		},
		"pathParameters": null, "stageVariables": null
	}`,
	function: `{
		"version": "2.0", "routeKey": "$default",
		"requestContext": {
			"accountId": "anonymous", "apiId": "2cxn22odiwguak4f", "authentication": null,
			"domainName": "2cxn22odiwguak4f.lambda-url.us-west-2.on.aws", "domainPrefix": "2cxn22odiwguak4f",
			"http": {"protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"},
			"requestId": "id", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390
		},
		"pathParameters": null, "stageVariables": null
	}`,
	rest: `{
		"resource": "/{proxy+}",
		"requestContext": {
			"accountId": "123456789012", "apiId": "gy415nuibc", "authorizer": {"principalId": "admin", "clientId": 1},
			"domainName": "gy415nuibc.execute-api.us-east-1.amazonaws.com", "domainPrefix": "gy415nuibc", "extendedRequestId": "request-id", "httpMethod": "GET",
			"identity": {"accessKey": null, "accountId": null, "caller": null, "clientCert": null, "sourceIp": "192.0.2.1", "user": null, "userAgent": "agent", "userArn": null},
			"path": "/prod/", "protocol": "HTTP/1.1", "requestId": "id=", "requestTime": "04/Mar/2020:19:15:17 +0000", "requestTimeEpoch": 1583349317135,
			"resourceId": "roq9wj", "resourcePath": "/{proxy+}", "stage": "prod"
		},
		"pathParameters": {"proxy": "a"}, "stageVariables": null
	}`,
	group:  `{"requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/6d0ecf831eec9f09"}}}`,
	single: `{"requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/6d0ecf831eec9f09"}}}`,
}

// documented is the event that a source makes of a request, as its guide documents it.
func documented(kind string, s sent) string {
	var e, filled map[string]any
	if err := json.Unmarshal([]byte(shapes[kind]), &e); err != nil {
		panic(err)
	}
	asSent := kind
	if kind == oldHTTPAPI {
		asSent = rest // the members are those of a REST API
	}
	s.header = maps.Clone(s.header)
	if s.header == nil {
		s.header = http.Header{}
	}
	for name, value := range map[string]string{"Host": "api.example.com", "User-Agent": "agent", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https", "X-Amzn-Trace-Id": trace} {
		s.header[name] = []string{value}
	}
	if err := json.Unmarshal(event(asSent, s), &filled); err != nil {
		panic(err)
	}
	for name, value := range filled {
		if _, ok := e[name]; !ok {
			e[name] = value
		}
	}
	if c := e["requestContext"].(map[string]any); c["http"] != nil {
		h := c["http"].(map[string]any)
		h["method"], h["path"] = filled["requestContext"].(map[string]any)["http"].(map[string]any)["method"], s.path
	}
	if kind == group || kind == single { // names are in lower case
		for _, member := range []string{"headers", "multiValueHeaders"} {
			lower := map[string]any{}
			named, ok := e[member].(map[string]any)
			for name, value := range named {
				lower[strings.ToLower(name)] = value
			}
			if ok {
				e[member] = lower
			}
		}
	}
	// Text is passed on as it is, other bodies in base64.
	if kind := s.header.Get("Content-Type"); len(s.body) > 0 && !strings.HasPrefix(kind, "text/") && kind != "application/json" {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(s.body), true
	}
	return marshal(e)
}
