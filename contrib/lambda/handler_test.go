package cognitolambda_test

import (
	"testing"

	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// What AWS writes into each kind of event tells the kinds apart. An event that lacks one
// of these, or has one of another kind, is an error, and no handler runs.
func TestEvent_incomplete(t *testing.T) {
	const (
		one = `"httpMethod":"GET","path":"/"`
		two = `"version":"2.0","rawPath":"/"`
	)
	for name, payload := range map[string]string{
		"a REST API, the version a number": `{"version":1,` + one + `,"resource":"/","requestContext":{"apiId":"a"}}`,
		"a REST API, the body a number":    `{` + one + `,"body":1,"resource":"/","requestContext":{"apiId":"a"}}`,
		"a REST API without a method":      `{"path":"/","resource":"/","requestContext":{"apiId":"a"}}`,
		"a REST API without a resource":    `{` + one + `,"requestContext":{"apiId":"a"}}`,
		"a REST API without its ID":        `{` + one + `,"resource":"/","requestContext":{}}`,
		"a REST API at a load balancer":    `{` + one + `,"resource":"/","requestContext":{"apiId":"a","elb":{}}}`,

		"a target group without its ARN": `{` + one + `,"requestContext":{"elb":{}}}`,
		"a target group and a method":    `{"path":"/","requestContext":{"elb":{"targetGroupArn":"x"},"http":{"method":"GET"}}}`,

		"an HTTP API without a method":       `{` + two + `,"requestContext":{"apiId":"a"}}`,
		"an HTTP API without its ID":         `{` + two + `,"requestContext":{"http":{"method":"GET"}}}`,
		"an HTTP API at a load balancer":     `{` + two + `,"requestContext":{"apiId":"a","http":{"method":"GET"},"elb":{"targetGroupArn":"x"}}}`,
		"a function URL of another version":  `{"version":"3.0","rawPath":"/","requestContext":{"apiId":"a","domainName":"a.lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}}`,
		"a function URL without its ID":      `{` + two + `,"requestContext":{"domainName":".lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}}`,
		"a function URL at a load balancer":  `{` + two + `,"requestContext":{"apiId":"a","domainName":"a.lambda-url.eu-west-1.on.aws","http":{"method":"GET"},"elb":{"targetGroupArn":"x"}}}`,
		"a function URL and a method at top": `{` + two + `,"httpMethod":"GET","requestContext":{"apiId":"a","domainName":"a.lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}}`,
	} {
		var s seen
		out, err := cognitolambda.New(&s).Invoke(t.Context(), []byte(payload))
		if err == nil || out != nil || s.calls != 0 {
			t.Errorf("%s: %s, %v, the handler ran %d times", name, out, err, s.calls)
		}
	}
}
