package main

// This file is the page: each panel of dashboard.json, drawn from what Prometheus
// answers to its expressions, and the state of the alerts.

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

//go:embed page.html page.css page.js
var files embed.FS

// page serves the dashboard.
type page struct {
	api       promv1.API
	dashboard dashboard
	template  *template.Template
	rate      time.Duration // what $__rate_interval is
	span      time.Duration // how much time the diagrams show, at most
	began     time.Time     // before which there is nothing to show
}

func newPage(prometheusURL string, rate, span time.Duration) (http.Handler, error) {
	client, err := promapi.NewClient(promapi.Config{Address: prometheusURL})
	if err != nil {
		return nil, err
	}
	p := &page{api: promv1.NewAPI(client), rate: rate, span: span, began: time.Now()}
	if p.dashboard, err = readDashboard(); err != nil {
		return nil, err
	}
	if p.template, err = template.ParseFS(files, "page.html"); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", p)
	mux.Handle("GET /page.css", http.FileServerFS(files))
	mux.Handle("GET /page.js", http.FileServerFS(files))
	return guarded(mux), nil
}

// guarded sets the headers that keep a page of another site from showing this one in
// a frame, and the names of series from becoming a script.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view is what page.html shows.
type view struct {
	Title, Description, Time string
	Alerts                   []alert
	Charts                   []chart
}

// alert is a rule of alerts.yml and what it says now.
type alert struct{ Name, State, Text string }

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	v, err := p.view(ctx, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = p.template.Execute(w, v) // the browser has gone
}

func (p *page) view(ctx context.Context, now time.Time) (v view, err error) {
	v = view{Title: p.dashboard.Title, Description: p.dashboard.Description, Time: now.Format("15:04:05")}
	if v.Alerts, err = p.alerts(ctx); err != nil {
		return v, err
	}
	for _, panel := range p.dashboard.Panels {
		c, err := p.chart(ctx, panel, now)
		if err != nil {
			return v, fmt.Errorf("%s: %w", panel.Title, err)
		}
		v.Charts = append(v.Charts, c)
	}
	return v, nil
}

// chart asks Prometheus for the series of a panel.
func (p *page) chart(ctx context.Context, of panel, now time.Time) (chart, error) {
	const n = 151
	span := max(30*time.Second, min(p.span, now.Sub(p.began)))
	w := window{step: span / (n - 1), n: n}
	w.from = now.Add(-w.step * (n - 1))
	var all []series
	for _, t := range of.Targets {
		value, _, _, err := p.api.QueryRange(ctx, t.query(p.rate), promv1.Range{Start: w.from, End: now, Step: w.step})
		if err != nil {
			return chart{}, err
		}
		matrix, ok := value.(model.Matrix)
		if !ok {
			return chart{}, fmt.Errorf("the answer is a %s, expected a matrix", value.Type())
		}
		for _, s := range matrix {
			all = append(all, series{t.legend(s.Metric), values(s.Values, w)})
		}
	}
	if len(of.Targets) == 1 {
		slices.SortFunc(all, func(a, b series) int { return cmp.Compare(a.name, b.name) })
	}
	return draw(of, w, all), nil
}

// values puts the samples in their places in the window.
func values(samples []model.SamplePair, w window) []float64 {
	all := make([]float64, w.n)
	for i := range all {
		all[i] = math.NaN()
	}
	for _, s := range samples {
		if i := int(math.Round(float64(s.Timestamp.Time().Sub(w.from)) / float64(w.step))); i >= 0 && i < w.n {
			all[i] = float64(s.Value)
		}
	}
	return all
}

// alerts asks Prometheus for the state of the rules.
func (p *page) alerts(ctx context.Context) (all []alert, err error) {
	rules, err := p.api.Rules(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			r, ok := rule.(promv1.AlertingRule)
			if !ok {
				continue
			}
			a := alert{Name: r.Name, State: r.State, Text: "nothing to report"}
			if len(r.Alerts) > 0 {
				a.Text = string(r.Alerts[0].Annotations["summary"])
			}
			all = append(all, a)
		}
	}
	return all, nil
}
