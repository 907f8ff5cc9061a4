package cognitootel

// This file holds Observe and what is read from Middleware.Status whenever the
// metrics are collected.

import (
	"context"
	"net/url"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/cognitoauth/cognitoauth"
)

// observed is one call of Observe.
type observed struct{ auth *cognitoauth.Middleware }

// Observe reports the key sources of auth whenever the metrics are collected,
// until stop is called; further calls of stop do nothing. It starts no fetch.
// Several Middlewares can be observed; their sources of one pool and host are one
// in the metrics. It panics on nil.
func (t *Telemetry) Observe(auth *cognitoauth.Middleware) (stop func()) {
	if auth == nil {
		panic("cognitootel: Observe: the Middleware is nil, expected what cognitoauth.New returned")
	}
	one := &observed{auth}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observed = append(t.observed, one)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.observed = slices.DeleteFunc(t.observed, func(o *observed) bool { return o == one })
	}
}

// middlewares returns what is observed now, each once.
func (t *Telemetry) middlewares() (all []*cognitoauth.Middleware) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.observed {
		if !slices.Contains(all, o.auth) {
			all = append(all, o.auth)
		}
	}
	return all
}

// source is what the metrics tell key sources apart by.
type source struct{ pool, address string }

// sourceState is the state of the sources that the metrics do not tell apart.
type sourceState struct {
	fetched, remote   bool    // any of them
	age               float64 // of the oldest set, in seconds
	fetches, failures int
	usable, skipped   int
}

// observe is the callback of the instruments.
func (t *Telemetry) observe(_ context.Context, o metric.Observer) error {
	for of, s := range t.sources() {
		var all []attribute.KeyValue
		all = appendKnown(all, poolID.String(of.pool), semconv.ServerAddress(of.address))
		set := metric.WithAttributes(all...)
		o.ObserveInt64(t.keyCount, int64(s.usable), set, metric.WithAttributes(keyState.String("usable")))
		o.ObserveInt64(t.keyCount, int64(s.skipped), set, metric.WithAttributes(keyState.String("skipped")))
		if s.remote {
			o.ObserveInt64(t.fetches, int64(s.fetches), set)
			o.ObserveInt64(t.failures, int64(s.failures), set)
		}
		if s.fetched {
			o.ObserveFloat64(t.keyAge, s.age, set)
		}
	}
	return nil
}

// sources returns the state of all key sources. An observation replaces an
// earlier one of a gauge with the same attributes, so we put together what has the
// same.
func (t *Telemetry) sources() map[source]sourceState {
	all := make(map[source]sourceState)
	for _, auth := range t.middlewares() {
		for _, st := range auth.Status() {
			of := t.source(st)
			s := all[of]
			s.usable += len(st.KeyIDs)
			s.skipped += st.Skipped
			s.fetches += st.Fetches
			s.failures += st.Failures
			s.remote = s.remote || st.URL != ""
			s.fetched = s.fetched || !st.Fetched.IsZero()
			s.age = max(s.age, st.Age.Seconds())
			all[of] = s
		}
	}
	return all
}

func (t *Telemetry) source(st cognitoauth.PoolStatus) source {
	if t.options.WithoutPools {
		return source{}
	}
	of := source{pool: st.PoolID}
	if u, err := url.Parse(st.URL); err == nil {
		of.address = u.Hostname()
	}
	return of
}
