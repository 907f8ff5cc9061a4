package cognitootel

// This file holds what a span gets: the span of the request's context, which is
// that of otelhttp or of whatever stands outside of Wrap.

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cognitoauth/cognitoauth"
)

// annotate sets the attributes of the span in ctx, if there is one that records.
func (t *Telemetry) annotate(ctx context.Context, d cognitoauth.Decision, o outcome) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	all := make([]attribute.KeyValue, 0, 12)
	all = append(all, code.String(d.Code), authenticationResult.String(o.result))
	if o.result == success {
		all = append(all, remembered.Bool(o.remembered))
	}
	all = append(all, o.verdict()[0])
	// A span of a server has an error.type only if the server failed: a 401 is what
	// the caller asked for (semantic conventions, HTTP spans, status).
	if d.Err != nil && d.Err.Status >= http.StatusInternalServerError {
		all = append(all, semconv.ErrorTypeKey.String(d.Code))
	}
	if o.method == "" {
		all = appendKnown(all, route.String(d.Pattern))
	} else {
		all = appendKnown(all, semconv.HTTPRoute(httpRoute(o.pattern)))
	}
	all = appendKnown(all, poolID.String(d.Pool), authorizationPolicy.String(d.Policy))
	if d.ClientListed {
		all = append(all, clientID.String(d.ClientID))
	}
	span.SetAttributes(t.appendUser(all, d.Claims)...)
}

// appendUser appends what names the user, as far as the options want it.
func (t *Telemetry) appendUser(all []attribute.KeyValue, c *cognitoauth.Claims) []attribute.KeyValue {
	if c == nil || c.IsMachine() {
		return all
	}
	if t.options.SpanUserID {
		all = appendKnown(all, semconv.UserID(c.Subject))
	}
	if t.options.SpanUserName {
		all = appendKnown(all, semconv.UserName(c.Username))
	}
	return all
}
