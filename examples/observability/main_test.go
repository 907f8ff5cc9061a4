package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// rate is what $__rate_interval is in the tests: long, so that both rounds of
// requests are inside on a slow machine, too.
const rate = time.Minute

// started is a stack that has had two rounds of requests of all kinds, each with an
// outage, and whose Prometheus has the counts of both.
func started(t *testing.T) *stack {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{ClientIDs: clients})
	scraped := make(chan struct{})
	s, err := startStack(t.Context(), pool, 100*time.Millisecond, func() {
		select {
		case scraped <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	for range 2 {
		round(t, s, pool)
		// The first scrape may have begun before the round ended. The third one begins
		// when the second one is stored.
		for range 3 {
			select {
			case <-scraped:
			case err := <-s.prometheus.ended:
				t.Fatal(err)
			case <-time.After(20 * time.Second):
				t.Fatal("Prometheus does not ask for the metrics")
			}
		}
	}
	return s
}

// round is an outage with new keys, its end, and good times.
func round(t *testing.T, s *stack, pool *cognitotest.Pool) {
	t.Helper()
	pool.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
	pool.Rotate()
	if err := s.api.auth.Refresh(t.Context()); err == nil {
		t.Fatal("the endpoint of the keys did not fail")
	}
	if err := s.load.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	pool.SetFault()
	if err := s.api.auth.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, tokens are remembered
		if err := s.load.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDashboard asks a running Prometheus every expression of dashboard.json, and
// then draws the page.
func TestDashboard(t *testing.T) {
	t.Parallel() // Prometheus takes five seconds to begin
	s := started(t)
	d, err := readDashboard()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]map[string]float64) // panel, series, value
	for _, p := range d.Panels {
		got[p.Title] = make(map[string]float64)
		for _, target := range p.Targets {
			vector := ask(t, s, target.query(rate))
			if len(vector) == 0 {
				t.Errorf("%s: no series for %s", p.Title, target.Expr)
			}
			for _, sample := range vector {
				if math.IsNaN(float64(sample.Value)) {
					t.Errorf("%s: not a number: %s", p.Title, target.Expr)
				}
				got[p.Title][target.legend(sample.Metric)] = float64(sample.Value)
			}
		}
	}
	t.Run("series", func(t *testing.T) { checkSeries(t, got) })
	t.Run("alerts", func(t *testing.T) { checkAlerts(t, s) })
	t.Run("page", func(t *testing.T) { checkPage(t, s, d, got) })
}

func client(t *testing.T, s *stack) promv1.API {
	t.Helper()
	c, err := promapi.NewClient(promapi.Config{Address: s.prometheus.url})
	if err != nil {
		t.Fatal(err)
	}
	return promv1.NewAPI(c)
}

func ask(t *testing.T, s *stack, query string) model.Vector {
	t.Helper()
	value, warnings, _, err := client(t, s).Query(t.Context(), query, time.Now())
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%s: %v %v", query, err, warnings)
	}
	return value.(model.Vector)
}

// checkSeries compares the series with what load.go sends.
func checkSeries(t *testing.T, got map[string]map[string]float64) {
	for title, want := range map[string][]string{
		"Requests":            {"let through, with a token", "let through, open route", "refused"},
		"Refusals by code":    {"token_missing", "token_expired", "scope_missing", "group_missing", "keys_unavailable"},
		"Answers 503":         {"answers 503"},
		"Token failures":      {"tokens that failed"},
		"Time to decide":      {"median, remembered token", "median, new token", "99 of 100 requests"},
		"Remembered tokens":   {"remembered"},
		"Age of the keys":     {"eu-west-1_AbCdEf123"},
		"Fetches of keys":     {"fetches", "of these failed"},
		"Refused app clients": {web, legacy, batch},
		"Refusals by route":   {"GET /orders", "POST /orders", "DELETE /orders/{id}", "GET /reports"},
	} {
		for _, name := range want {
			if v, ok := got[title][name]; !ok || !(v > 0) && name != batch {
				t.Errorf("%s: %s is %v (there: %t), want more than zero", title, name, v, ok)
			}
		}
	}
	if v := got["Refused app clients"]; v[legacy] != 1 || v[batch] != 0 {
		t.Errorf("%s is refused %v and %s %v of the time, want always and never", legacy, v[legacy], batch, v[batch])
	}
	if v := got["Answers 503"]["answers 503"]; v >= 0.5 {
		t.Errorf("%v of the answers are 503, want less than half: one round of three is an outage", v)
	}
	if v := got["Remembered tokens"]["remembered"]; v >= 1 {
		t.Errorf("%v of the tokens are remembered", v)
	}
}

// checkAlerts: Prometheus has loaded the rules, and can evaluate them.
func checkAlerts(t *testing.T, s *stack) {
	rules, err := client(t, s).Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			rule := r.(promv1.AlertingRule)
			names = append(names, rule.Name)
			ask(t, s, rule.Query)
		}
	}
	want := []string{"CognitoClientRefused", "CognitoKeyFetchesFail", "CognitoKeysMissing", "CognitoKeysTooOld", "CognitoTokenFailuresRise", "CognitoUnavailable"}
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("alerts %q, want %q", names, want)
	}
}

// checkPage: the page has every panel with every series, as a line, in words and as
// numbers.
func checkPage(t *testing.T, s *stack, d dashboard, got map[string]map[string]float64) {
	h, err := newPage(s.prometheus.url, rate, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	sections := strings.Split(w.Body.String(), `<section class="panel"`)[1:]
	if len(sections) != len(d.Panels) {
		t.Fatalf("the page has %d panels, the dashboard %d", len(sections), len(d.Panels))
	}
	for i, p := range d.Panels {
		html := sections[i]
		if lines := strings.Count(html, `<path class="line`); lines != len(got[p.Title]) || !strings.Contains(html, p.Title) || !strings.Contains(html, `role="img" aria-label="`+p.Title) {
			t.Errorf("%s has %d lines, want %d\n%s", p.Title, lines, len(got[p.Title]), html)
		}
		for name := range got[p.Title] {
			if rows := strings.Count(html, name+"</th>"); rows != 2 {
				t.Errorf("%s: %s stands in %d rows, want one of the values now and one of those over time", p.Title, name, rows)
			}
		}
	}
	if !strings.Contains(w.Body.String(), "CognitoKeysTooOld") {
		t.Error("the page has no alerts")
	}
	for _, file := range []string{"/page.css", "/page.js"} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", file, nil)); w.Code != http.StatusOK {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
}

// TestRun starts the program as main does, opens the page, and presses Ctrl-C.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, "127.0.0.1:0", in)
		_ = in.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "dashboard") {
		t.Log(lines.Text())
	}
	url := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "dashboard"))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), "Age of the keys") {
		t.Errorf("%d: %s", res.StatusCode, body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPerform_ended: Prometheus that ends by itself is an error. Ctrl-C ends it as
// well, maybe sooner than the play, and then it is none.
func TestPerform_ended(t *testing.T) {
	gone := errors.New("gone")
	play := func(ctx context.Context) error {
		s := &stack{prometheus: &prometheus{ended: make(chan error, 1)}}
		s.prometheus.ended <- gone
		return perform(ctx, s, io.Discard)
	}
	if err := play(t.Context()); err != gone {
		t.Errorf("Prometheus is gone: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // select takes any channel that is ready
		if err := play(ctx); err != nil {
			t.Fatalf("after Ctrl-C: %v", err)
		}
	}
}

// TestAlertRules runs alerts_test.yml by Prometheus's own tool.
func TestAlertRules(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", "alerts_test.yml").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SUCCESS") {
		t.Errorf("%v\n%s", err, out)
	}
}
