// Command observability shows a dashboard of an API that cognitoauth protects. It
// starts the API with a user pool of the test kit, sends requests of all kinds to
// it, starts Prometheus, and draws what Prometheus has:
//
//	go -C examples/observability run .
//
// It needs prometheus in the PATH (Debian: apt-get install prometheus) and no AWS
// account, and goes on until Ctrl-C.
//
// api.go has what an API needs. dashboard.json is for Grafana, alerts.yml for
// Prometheus; both work with any API that uses contrib/otel.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` of the dashboard")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		os.Exit(1)
	}
}

// scrapeInterval is how often Prometheus asks. In production it is 15 s or more.
const scrapeInterval = time.Second

func run(ctx context.Context, addr string, out io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{ClientIDs: clients})
	if err != nil {
		return err
	}
	defer pool.Close()
	s, err := startStack(ctx, pool, scrapeInterval, nil)
	if err != nil {
		return err
	}
	defer s.stop()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	page, err := newPage(s.prometheus.url, 5*scrapeInterval, 5*time.Minute)
	if err != nil {
		return err
	}
	defer serve(l, page)()
	fmt.Fprintf(out, "dashboard   http://%s/\nPrometheus  %s/\nAPI         %s/orders\nmetrics     %s\n\n", l.Addr(), s.prometheus.url, s.apiURL, s.metricsURL)
	return perform(ctx, s, out)
}

// stack is everything but the dashboard.
type stack struct {
	api                *api
	apiURL, metricsURL string
	load               *load
	prometheus         *prometheus
	stops              []func()
}

// startStack starts the API and Prometheus, and waits until Prometheus has asked for
// the metrics. scraped is called after each time that it asks, unless it is nil.
func startStack(ctx context.Context, pool *cognitotest.Pool, interval time.Duration, scraped func()) (*stack, error) {
	a, err := newAPI(pool.Config())
	if err != nil {
		return nil, err
	}
	s := &stack{api: a}
	fail := func(err error) (*stack, error) {
		s.stop()
		return nil, err
	}
	asked, once := make(chan struct{}), sync.Once{}
	metrics := observed(a.metrics, func() {
		once.Do(func() { close(asked) })
		if scraped != nil {
			scraped()
		}
	})
	for url, h := range map[*string]http.Handler{&s.apiURL: a.handler, &s.metricsURL: metrics} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fail(err)
		}
		s.stops = append(s.stops, serve(l, h))
		*url = "http://" + l.Addr().String()
	}
	s.load = newLoad(pool, s.apiURL)
	if s.prometheus, err = startPrometheus(ctx, s.metricsURL, interval); err != nil {
		return fail(err)
	}
	s.stops = append(s.stops, s.prometheus.stop)
	select {
	case <-asked:
		return s, nil
	case err := <-s.prometheus.ended:
		return fail(err)
	case <-ctx.Done():
		return fail(ctx.Err())
	}
}

// stop ends everything, what was started last first.
func (s *stack) stop() {
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		s.stops[last]()
		s.stops = s.stops[:last]
	}
}

// observed calls done after each request.
func observed(h http.Handler, done func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		done()
	})
}

// serve serves h until stop is called.
func serve(l net.Listener, h http.Handler) (stop func()) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // ends by Close
	return func() { _ = s.Close() }
}
