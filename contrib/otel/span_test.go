package cognitootel_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

// traced is a service behind otelhttp.
type traced struct {
	*service
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader // of otelhttp
	otel   http.Handler
}

func startTraced(t *testing.T, o cognitootel.Options, change func(*cognitoauth.Config), more ...otelhttp.Option) *traced {
	t.Helper()
	s := &traced{service: start(t, o, change), spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	s.otel = otelhttp.NewHandler(s.handler(), "", append(more,
		otelhttp.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))),
		otelhttp.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader))))...)
	return s
}

// span returns the span of one request.
func (s *traced) span(method, target, token string) tracetest.SpanStub {
	s.t.Helper()
	s.spans.Reset()
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("X-Request-Id", "request-77")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	s.otel.ServeHTTP(httptest.NewRecorder(), r)
	all := s.spans.GetSpans()
	if len(all) != 1 {
		s.t.Fatalf("%d spans, want that of otelhttp", len(all))
	}
	return all[0]
}

// ours are the attributes of a span that are not otelhttp's, sorted.
func ours(span tracetest.SpanStub) string {
	var some []attribute.KeyValue
	for _, a := range span.Attributes {
		name := string(a.Key)
		if strings.HasPrefix(name, "cognitoauth.") || strings.HasPrefix(name, "user.") && name != "user_agent.original" || name == "http.route" || name == "error.type" {
			some = append(some, a)
		}
	}
	set := attribute.NewSet(some...)
	return set.Encoded(attribute.DefaultEncoder())
}

// TestSpans: the span is named by the route and has http.route, also where Wrap
// refuses; the metrics of otelhttp have the route, too. A refusal leaves the status
// of the span unset, and error.type out, unless it is ours (semantic conventions,
// HTTP spans: 4xx of a server is no error).
func TestSpans(t *testing.T) {
	const known = "cognitoauth.client.id=1web,"
	const pool = "cognitoauth.pool.id=eu-west-1_AbCdEf123"
	tests := []struct {
		name, method, target string
		token                func(*cognitotest.Pool) string
		code                 int
		span, ours           string
		status               codes.Code
	}{
		{"200", "GET", "/me", access, 200, "GET /me",
			"cognitoauth.authentication.result=success,cognitoauth.authorization.result=success," + known + "cognitoauth.code=authenticated," + pool + ",cognitoauth.token.remembered=false,http.route=/me", codes.Unset},
		{"200, open", "GET", "/healthz", nothing, 200, "GET /healthz",
			"cognitoauth.authentication.result=none,cognitoauth.authorization.result=success,cognitoauth.code=anonymous,http.route=/healthz", codes.Unset},
		{"401", "DELETE", "/orders/7", nothing, 401, "DELETE /orders/{id}",
			"cognitoauth.authentication.result=none,cognitoauth.authorization.result=failure,cognitoauth.code=token_missing,http.route=/orders/{id}", codes.Unset},
		{"403", "DELETE", "/orders/7", access, 403, "DELETE /orders/{id}",
			"cognitoauth.authentication.result=success,cognitoauth.authorization.policy=Group(\"admins\"),cognitoauth.authorization.result=failure," + known + "cognitoauth.code=group_missing," + pool + ",cognitoauth.token.remembered=false,http.route=/orders/{id}", codes.Unset},
		{"503", "GET", "/me", func(p *cognitotest.Pool) string {
			p.SetFault(cognitotest.Fault{Status: 500})
			return access(p)
		}, 503, "GET /me",
			"cognitoauth.authentication.result=failure,cognitoauth.authorization.result=failure,cognitoauth.code=keys_unavailable," + pool + ",error.type=keys_unavailable,http.route=/me", codes.Error},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := startTraced(t, cognitootel.Options{}, nil)
			span := s.span(test.method, test.target, test.token(s.pool))
			if span.Name != test.span || span.Status.Code != test.status {
				t.Errorf("the span is %q, %v, want %q, %v", span.Name, span.Status.Code, test.span, test.status)
			}
			if got := ours(span); got != test.ours {
				t.Errorf("attributes\n got %s\nwant %s", got, test.ours)
			}
			_, path, _ := strings.Cut(test.span, " ")
			if got := s.requests(); got != fmt.Sprintf("%s %d", path, test.code) {
				t.Errorf("http.server.request.duration counts %q", got)
			}
		})
	}
}

// requests returns route and status of the one request that otelhttp has measured.
func (s *traced) requests() string {
	s.t.Helper()
	for _, p := range s.durations() {
		route, _ := p.Attributes.Value("http.route")
		status, _ := p.Attributes.Value("http.response.status_code")
		return route.AsString() + " " + status.String()
	}
	return ""
}

// durations are the series of http.server.request.duration.
func (s *traced) durations() []metricdata.HistogramDataPoint[float64] {
	s.t.Helper()
	var rm metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &rm); err != nil {
		s.t.Fatal(err)
	}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		if m.Name == "http.server.request.duration" {
			return m.Data.(metricdata.Histogram[float64]).DataPoints
		}
	}
	return nil
}

// TestHostsAddNoSeries: otelhttp has the Host of the request as server.address and
// server.port, unless WithServerName names both, as the README has it. Without the
// port, that of the caller counts.
func TestHostsAddNoSeries(t *testing.T) {
	for name, want := range map[string]int{"": 9, "api.example.com": 9, "api.example.com:443": 1} {
		s := startTraced(t, cognitootel.Options{}, nil, otelhttp.WithServerName(name))
		for i := range 9 {
			s.span("GET", fmt.Sprintf("http://h%d.example:%d/me", i, 1000+i), "")
		}
		if got := len(s.durations()); got != want {
			t.Errorf("%q: http.server.request.duration has %d series, want %d", name, got, want)
		}
	}
}

// TestPersonalDataIsOptIn sends personal data in every place where it can stand.
func TestPersonalDataIsOptIn(t *testing.T) {
	const subject = "1f0e7a52-90a1-70cd-0000-5c1d2e3f4a5b"
	for _, test := range []struct {
		name    string
		options cognitootel.Options
		want    string
	}{
		{"no option", cognitootel.Options{}, ""},
		{"subject", cognitootel.Options{SpanUserID: true}, "user.id=" + subject},
		{"user name", cognitootel.Options{SpanUserName: true}, "user.name=jane@example.com"},
		{"both", cognitootel.Options{SpanUserID: true, SpanUserName: true}, "user.id=" + subject + ",user.name=jane@example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startTraced(t, test.options, nil)
			token := s.pool.AccessToken().User("jane@example.com").Set("sub", subject)
			for _, method := range []string{"GET", "DELETE"} { // allowed, and refused by a policy
				target := map[string]string{"GET": "/me", "DELETE": "/orders/7"}[method]
				var users []string
				for a := range strings.SplitSeq(ours(s.span(method, target, token.String())), ",") {
					if strings.HasPrefix(a, "user.") {
						users = append(users, a)
					}
				}
				if got := strings.Join(users, ","); got != test.want {
					t.Errorf("%s: the span has %q, want %q", method, got, test.want)
				}
			}
			for name, m := range s.collect() {
				text := fmt.Sprint(points(m))
				for _, secret := range []string{subject, "jane", "request-77", token.KeyID(), token.String()[:20]} {
					if strings.Contains(text, secret) {
						t.Errorf("%s has %q: %s", name, secret, text)
					}
				}
			}
		})
	}
}

// TestMachinesHaveNoUser: the subject of a machine's token is its app client.
func TestMachinesHaveNoUser(t *testing.T) {
	s := startTraced(t, cognitootel.Options{SpanUserID: true, SpanUserName: true}, nil)
	if got := ours(s.span("GET", "/me", s.pool.MachineToken().String())); strings.Contains(got, "user.") {
		t.Errorf("the span has %s", got)
	}
}

// TestAllocations: what an observed decision costs without a span. The first
// decision of a kind makes its attributes, all later ones look them up.
func TestAllocations(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	report := s.telemetry.OnDecision(nil)
	d := cognitoauth.Decision{
		Allowed: true, Verified: true, Code: "authenticated", Pool: "eu-west-1_AbCdEf123", ClientID: "1web",
		ClientListed: true, Pattern: "GET /orders/{id}", Method: "GET", Duration: 1200, Remembered: true,
	}
	ctx := context.Background()
	report(ctx, d)
	if got := testing.AllocsPerRun(100, func() { report(ctx, d) }); got > 0 {
		t.Errorf("%v allocations a decision, want none", got)
	}
}
