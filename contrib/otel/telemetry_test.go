package cognitootel_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/cognitoauth/cognitoauth"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

// Without a MeterProvider the instruments are those of the global one.
func TestNew_globalMeterProvider(t *testing.T) {
	before := otel.GetMeterProvider()
	defer otel.SetMeterProvider(before)
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	telemetry, err := cognitootel.New(cognitootel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	telemetry.OnDecision(nil)(t.Context(), cognitoauth.Decision{Allowed: true, Code: "anonymous", Method: "GET", Pattern: "/"})
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &rm); err != nil || len(rm.ScopeMetrics) != 1 || rm.ScopeMetrics[0].Scope.Name != cognitootel.ScopeName {
		t.Errorf("%v, %+v", err, rm.ScopeMetrics)
	}
}

// What a MeterProvider refuses is an error of New.
func TestNew_refusedInstrument(t *testing.T) {
	telemetry, err := cognitootel.New(cognitootel.Options{MeterProvider: refusing{}})
	if telemetry != nil || !errors.Is(err, errRefused) || !strings.HasPrefix(err.Error(), "cognitootel: ") {
		t.Errorf("%v, %v", telemetry, err)
	}
}

var errRefused = errors.New("no histogram of this name")

// refusing is a MeterProvider that makes no histogram.
type refusing struct{ noop.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

type refusingMeter struct{ noop.Meter }

func (refusingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, errRefused
}
