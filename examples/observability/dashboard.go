package main

// This file reads dashboard.json, the dashboard in Grafana's format, as far as the
// page needs it.

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

//go:embed dashboard.json
var dashboardJSON []byte

// dashboard is what Grafana shows, and the page.
type dashboard struct {
	Title, Description string
	Panels             []panel
}

// panel is a diagram. Its description says what it tells and what to do.
type panel struct {
	ID                       int
	Type, Title, Description string
	FieldConfig              struct {
		Defaults struct {
			Unit   string
			Max    *float64
			Custom struct {
				ScaleDistribution struct{ Type string }
			}
		}
	}
	Targets []target
}

// target is one query of a panel.
type target struct{ Expr, LegendFormat string }

func readDashboard() (d dashboard, err error) {
	if err := json.Unmarshal(dashboardJSON, &d); err != nil {
		return d, fmt.Errorf("dashboard.json: %w", err)
	}
	return d, nil
}

// query returns the expression for Prometheus. Grafana fills in the interval of
// rates: four times that of the scrapes, so that two of them are always inside.
func (t target) query(rate time.Duration) string {
	return strings.ReplaceAll(t.Expr, "$__rate_interval", model.Duration(rate).String())
}

var placeholder = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend returns the name of a series of the target.
func (t target) legend(labels model.Metric) string {
	return placeholder.ReplaceAllStringFunc(t.LegendFormat, func(text string) string {
		name := placeholder.FindStringSubmatch(text)[1]
		if v := labels[model.LabelName(name)]; v != "" {
			return string(v)
		}
		return "(none)"
	})
}
