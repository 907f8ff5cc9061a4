package cognitootel

import (
	"context"
	"strconv"
	"testing"

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
