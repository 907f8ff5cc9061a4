package cognitootel

// This file holds Telemetry: its options, its instruments, and what happens at a
// decision. Which attributes a decision has is in attributes.go, what the key
// sources report in keys.go.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/cognitoauth/cognitoauth"
)

// ScopeName is the name of the meter, for views and filters.
const ScopeName = "github.com/cognitoauth/cognitoauth/contrib/otel"

// Options says what is measured. The zero value is good for most programs: it
// has no personal data.
type Options struct {
	_ [0]func() // keyed literals only

	// MeterProvider makes the instruments. Nil: otel.GetMeterProvider().
	MeterProvider metric.MeterProvider
	// SpanUserID puts the subject of a user's token on spans, as user.id. It is
	// personal data, so whoever can read the traces can follow a user. It is never
	// on a metric, and a machine's token has none. Zero: no.
	SpanUserID bool
	// SpanUserName puts the user name on spans, as user.name. It is personal data,
	// in many pools an e-mail address. It is never on a metric. Zero: no.
	SpanUserName bool
	// WithoutPools leaves cognitoauth.pool.id and server.address out of the
	// metrics. All key sources are then one: its age is that of the oldest set. Set
	// it with hundreds of pools, because each one adds five series for its keys, and
	// the SDK keeps 2,000 for an instrument by default. Zero: metrics tell pools
	// apart.
	WithoutPools bool
	// WithoutClients leaves cognitoauth.client.id out of the metrics. Set it with
	// hundreds of app clients. Zero: metrics tell apart the app clients that are
	// in Pool.ClientIDs; any other client is never named.
	WithoutClients bool
	// KnownMethods are the values of http.request.method, compared with their
	// case. Any other method becomes _OTHER. Nil: those of RFC 9110, PATCH and
	// QUERY, as the semantic conventions say. An empty one is an error of New.
	KnownMethods []string
}

// Telemetry turns decisions and the state of the key sources into metrics and
// span attributes. Make one with [New]. It is safe for concurrent use, and there
// is nothing to close.
type Telemetry struct {
	options  Options
	methods  []string
	duration metric.Float64Histogram
	attempts metric.Int64Counter

	keyAge   metric.Float64ObservableGauge
	keyCount metric.Int64ObservableUpDownCounter
	fetches  metric.Int64ObservableCounter
	failures metric.Int64ObservableCounter

	sets     sets
	policies names
	routes   names // of Admit

	mu       sync.Mutex
	observed []*observed
}

// boundaries are those of the buckets of the duration, in seconds. A remembered
// token takes about a microsecond, a signature check tens of them, and a request
// that waits for keys up to 3 s. The boundaries that the semantic conventions have for HTTP
// requests begin at 5 ms, so there all but the last would be one bucket.
var boundaries = []float64{
	0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5,
	0.001, 0.005, 0.025, 0.1, 0.5, 1, 3,
}

// New makes the instruments. The error lists every mistake in the options, and
// what the MeterProvider refuses.
func New(o Options) (*Telemetry, error) {
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	t := &Telemetry{options: o, methods: knownMethods}
	if o.KnownMethods != nil {
		t.methods = slices.Clone(o.KnownMethods)
	}
	if i := slices.Index(t.methods, ""); i >= 0 {
		return nil, fmt.Errorf("cognitootel: Options.KnownMethods[%d] is empty, expected the name of an HTTP method", i)
	}
	if err := t.instruments(o.MeterProvider.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL))); err != nil {
		return nil, fmt.Errorf("cognitootel: %w", err)
	}
	return t, nil
}

func (t *Telemetry) instruments(m metric.Meter) error {
	var errs [7]error
	t.duration, errs[0] = m.Float64Histogram("cognitoauth.authentication.duration", metric.WithUnit("s"),
		metric.WithDescription("How long it took to authenticate and authorize a request."),
		metric.WithExplicitBucketBoundaries(boundaries...))
	t.attempts, errs[1] = m.Int64Counter("cognitoauth.authorization.attempts", metric.WithUnit("{attempt}"),
		metric.WithDescription("Decisions that let a request through or refused it."))
	t.keyAge, errs[2] = m.Float64ObservableGauge("cognitoauth.key_set.age", metric.WithUnit("s"),
		metric.WithDescription("How long ago the key set was fetched. It is not used after 24 hours."))
	t.keyCount, errs[3] = m.Int64ObservableUpDownCounter("cognitoauth.key.count", metric.WithUnit("{key}"),
		metric.WithDescription("Keys of the key set, usable or skipped."))
	t.fetches, errs[4] = m.Int64ObservableCounter("cognitoauth.key_set.fetches", metric.WithUnit("{fetch}"),
		metric.WithDescription("Fetches of the key set that have begun."))
	t.failures, errs[5] = m.Int64ObservableCounter("cognitoauth.key_set.fetch.failures", metric.WithUnit("{fetch}"),
		metric.WithDescription("Fetches of the key set that have failed."))
	_, errs[6] = m.RegisterCallback(t.observe, t.keyAge, t.keyCount, t.fetches, t.failures)
	return errors.Join(errs[:]...)
}

// OnDecision returns a function for Config.OnDecision. It measures the decision,
// puts it on the span in the context, and then calls next, which may be nil.
//
//	cfg.OnDecision = telemetry.OnDecision(cfg.OnDecision)
func (t *Telemetry) OnDecision(next func(context.Context, cognitoauth.Decision)) func(context.Context, cognitoauth.Decision) {
	return func(ctx context.Context, d cognitoauth.Decision) {
		o := t.outcome(d)
		s := t.sets.find(o)
		t.duration.Record(ctx, d.Duration.Seconds(), s.duration...)
		t.attempts.Add(ctx, 1, s.attempt...)
		t.annotate(ctx, d, o)
		if next != nil {
			next(ctx, d)
		}
	}
}
