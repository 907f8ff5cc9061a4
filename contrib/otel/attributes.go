package cognitootel

// This file holds what a decision says in attributes. Values on metrics come from
// the program or its configuration, so their number is limited; what callers can
// write (key ID, request ID, an app client that registered itself) is left out. A
// program can make policies for Authorize and routes for Admit of anything, so of
// these we keep the first maxNames apart.

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/cognitoauth/cognitoauth"
)

// The attributes that have no stable semantic convention. doc.go lists them.
const (
	authenticationResult = attribute.Key("cognitoauth.authentication.result")
	authorizationResult  = attribute.Key("cognitoauth.authorization.result")
	authorizationPolicy  = attribute.Key("cognitoauth.authorization.policy")
	authenticated        = attribute.Key("cognitoauth.authenticated")
	remembered           = attribute.Key("cognitoauth.token.remembered")
	poolID               = attribute.Key("cognitoauth.pool.id")
	clientID             = attribute.Key("cognitoauth.client.id")
	route                = attribute.Key("cognitoauth.route")
	code                 = attribute.Key("cognitoauth.code")
	keyState             = attribute.Key("cognitoauth.key.state")
)

// The results of authentication and authorization.
const (
	success = "success"
	failure = "failure"
	none    = "none"
)

// other stands for what the metrics do not tell apart, as http.request.method has it.
var other = semconv.HTTPRequestMethodOther.Value.AsString()

// knownMethods are the methods that http.request.method has by default: those of
// RFC 9110, PATCH (RFC 5789) and QUERY.
var knownMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace, http.MethodPatch, "QUERY",
}

// outcome is what two decisions have in common that count as one in the metrics.
type outcome struct {
	method, pattern      string // of the request
	result, failed       string // of the authentication, and its code if it failed
	refused              string // code of the refusal, "" if there is none
	pool, client, policy string
	remembered           bool
}

func (t *Telemetry) outcome(d cognitoauth.Decision) outcome {
	o := outcome{method: t.method(d.Method), pattern: d.Pattern, policy: t.policies.keep(d.Policy), remembered: d.Remembered}
	if o.method == "" {
		o.pattern = t.routes.keep(d.Pattern)
	}
	o.result, o.failed = authentication(d)
	if !d.Allowed {
		o.refused = d.Code
	}
	if !t.options.WithoutPools {
		o.pool = d.Pool
	}
	if d.ClientListed && !t.options.WithoutClients {
		o.client = d.ClientID
	}
	return o
}

// method returns the value of http.request.method, "" for a call that is no HTTP
// request.
func (t *Telemetry) method(name string) string {
	if name == "" || slices.Contains(t.methods, name) {
		return name
	}
	return other
}

// maxNames is how many policies and how many routes of Admit the metrics tell apart.
const maxNames = 500

// names are the first maxNames that were seen.
type names struct {
	mu   sync.RWMutex
	seen map[string]struct{}
}

// keep returns the name if it is one of those, else "_OTHER".
func (n *names) keep(name string) string {
	if name == "" {
		return ""
	}
	n.mu.RLock()
	_, known := n.seen[name]
	full := len(n.seen) >= maxNames
	n.mu.RUnlock()
	if known {
		return name
	}
	if full {
		return other
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = make(map[string]struct{})
	}
	if _, known := n.seen[name]; !known && len(n.seen) >= maxNames {
		return other
	}
	n.seen[name] = struct{}{}
	return name
}

// authentication returns the result of the authentication, and the code if it
// failed. A policy refuses only tokens that are valid, so then it succeeded.
func authentication(d cognitoauth.Decision) (result, code string) {
	switch {
	case d.Ignored != nil:
		return failure, d.Ignored.Code
	case d.Allowed && d.Verified:
		return success, ""
	case d.Allowed, errors.Is(d.Err, cognitoauth.ErrNoToken):
		return none, ""
	case errors.Is(d.Err, cognitoauth.ErrForbidden),
		errors.Is(d.Err, cognitoauth.ErrInsufficientScope),
		errors.Is(d.Err, cognitoauth.ErrStepUpRequired):
		return success, ""
	}
	return failure, d.Code
}

// httpRoute returns the path of a pattern, as otelhttp does: http.route has
// neither method nor host.
func httpRoute(pattern string) string {
	if i := strings.IndexByte(pattern, '/'); i >= 0 {
		return pattern[i:]
	}
	return ""
}

// routeAttributes are method and route. A call that is no HTTP request, such as
// one of gRPC, has a route of its own kind.
func (o outcome) routeAttributes() (all []attribute.KeyValue) {
	if o.method == "" {
		if o.pattern != "" {
			all = append(all, route.String(o.pattern))
		}
		return all
	}
	all = append(all, semconv.HTTPRequestMethodKey.String(o.method))
	if path := httpRoute(o.pattern); path != "" {
		all = append(all, semconv.HTTPRoute(path))
	}
	return all
}

func (o outcome) durationAttributes() []attribute.KeyValue {
	all := []attribute.KeyValue{authenticationResult.String(o.result)}
	switch o.result {
	case success:
		all = append(all, remembered.Bool(o.remembered))
	case failure:
		all = append(all, semconv.ErrorTypeKey.String(o.failed))
	}
	return all
}

func (o outcome) attemptAttributes() []attribute.KeyValue {
	all := append(o.routeAttributes(), authenticated.Bool(o.result == success))
	all = append(all, o.verdict()...)
	return appendKnown(all, poolID.String(o.pool), clientID.String(o.client), authorizationPolicy.String(o.policy))
}

// verdict is the result of the authorization.
func (o outcome) verdict() []attribute.KeyValue {
	if o.refused == "" {
		return []attribute.KeyValue{authorizationResult.String(success)}
	}
	return []attribute.KeyValue{authorizationResult.String(failure), semconv.ErrorTypeKey.String(o.refused)}
}

// appendKnown appends the attributes that are not empty.
func appendKnown(all []attribute.KeyValue, some ...attribute.KeyValue) []attribute.KeyValue {
	for _, a := range some {
		if a.Value.AsString() != "" {
			all = append(all, a)
		}
	}
	return all
}

// options are what the instruments get for one outcome.
type options struct {
	duration []metric.RecordOption
	attempt  []metric.AddOption
}

// sets keeps the options of the outcomes that were seen, because making them
// costs more than the measurement. It keeps at most maxSets, as many as the
// SDK keeps series for an instrument by default; further ones are made anew.
type sets struct {
	mu   sync.RWMutex
	seen map[outcome]*options
}

const maxSets = 2000

func (s *sets) find(o outcome) *options {
	s.mu.RLock()
	found := s.seen[o]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	made := &options{
		duration: []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(o.durationAttributes()...))},
		attempt:  []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(o.attemptAttributes()...))},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[outcome]*options)
	}
	if len(s.seen) < maxSets {
		s.seen[o] = made
	}
	return made
}
