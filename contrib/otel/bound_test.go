package cognitootel

import (
	"context"
	"strconv"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/cognitoauth/cognitoauth"
)

// TestBound: a program whose routes have no limit takes no more memory for them
// here, and is still counted right.
func TestBound(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	telemetry, err := New(Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithCardinalityLimit(0))})
	if err != nil {
		t.Fatal(err)
	}
	report := telemetry.OnDecision(nil)
	for i := range maxSets + 100 {
		for range 2 {
			report(context.Background(), cognitoauth.Decision{Allowed: true, Code: "anonymous", Method: "GET", Pattern: "/" + strconv.Itoa(i)})
		}
	}
	if got := len(telemetry.sets.seen); got != maxSets {
		t.Errorf("%d sets are kept, want %d", got, maxSets)
	}
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		if m.Name != "cognitoauth.authorization.attempts" {
			continue
		}
		points := m.Data.(metricdata.Sum[int64]).DataPoints
		for _, p := range points {
			if p.Value != 2 {
				t.Errorf("%v is %d, want 2", p.Attributes, p.Value)
			}
		}
		if len(points) != maxSets+100 {
			t.Errorf("%d series, want %d", len(points), maxSets+100)
		}
	}
}

// TestBound_names: a policy or a route of Admit that is made of what callers write
// takes no more than its share of the series.
func TestBound_names(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	telemetry, err := New(Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithCardinalityLimit(0))})
	if err != nil {
		t.Fatal(err)
	}
	report := telemetry.OnDecision(nil)
	for i := range 1000 {
		n := strconv.Itoa(i)
		report(context.Background(), cognitoauth.Decision{Code: "scope_missing", Method: "GET", Pattern: "/tenants/{id}", Policy: `Scope("tenant/` + n + `")`})
		report(context.Background(), cognitoauth.Decision{Allowed: true, Verified: true, Code: "ok", Pattern: "/made.up/" + n})
	}
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		if m.Name != "cognitoauth.authorization.attempts" {
			continue
		}
		series, others, total := map[attribute.Key]int{}, map[attribute.Key]int64{}, int64(0)
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			total += p.Value
			for _, name := range []attribute.Key{authorizationPolicy, route} {
				if v, ok := p.Attributes.Value(name); ok {
					series[name]++
					if v.AsString() == "_OTHER" {
						others[name] = p.Value
					}
				}
			}
		}
		for _, name := range []attribute.Key{authorizationPolicy, route} {
			if series[name] != maxNames+1 || others[name] != 1000-maxNames {
				t.Errorf("%s: %d series, %d in _OTHER, want %d and %d", name, series[name], others[name], maxNames+1, 1000-maxNames)
			}
		}
		if total != 2000 {
			t.Errorf("%d attempts, want 2000", total)
		}
	}
}
