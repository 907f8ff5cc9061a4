package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
)

// TestGrafana reads dashboard.json by Grafana's own schema, which refuses fields
// that it does not know.
func TestGrafana(t *testing.T) {
	plugins.RegisterDefaultPlugins() // the schemas of panels and queries
	//lint:ignore SA1019 dashboard.json has the schema that every Grafana imports
	var d grafana.Dashboard
	// The SDK returns an error without an entry if all is well.
	if err := d.UnmarshalJSONStrict(dashboardJSON); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 || d.Templating.List[0].Name != "datasource" {
		t.Errorf("%d panels, and the first variable is %q, expected datasource", len(d.Panels), d.Templating.List[0].Name)
	}
}

// TestPanels: no panel covers another, and each asks the data source that the user
// chooses.
func TestPanels(t *testing.T) {
	type source struct{ Type, UID string }
	var d struct {
		Panels []struct {
			ID                       int
			Type, Title, Description string
			Datasource               source
			GridPos                  struct{ X, Y, W, H int }
			Targets                  []struct{ Datasource source }
		}
	}
	if err := json.Unmarshal(dashboardJSON, &d); err != nil {
		t.Fatal(err)
	}
	chosen := source{"prometheus", "${datasource}"}
	at := make(map[[2]int]string) // place in the grid, panel
	ids := make(map[int]bool)
	for _, p := range d.Panels {
		if p.Type != "timeseries" || p.Title == "" || p.Description == "" || ids[p.ID] || p.Datasource != chosen {
			t.Errorf("panel %d (id twice: %t): %+v", p.ID, ids[p.ID], p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if target.Datasource != chosen {
				t.Errorf("%s asks %v", p.Title, target.Datasource)
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := at[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s stands on %q or beside the grid", p.Title, other)
				}
				at[[2]int{x, y}] = p.Title
			}
		}
	}
}

// TestUnits: the page knows the units of the dashboard.
func TestUnits(t *testing.T) {
	d, err := readDashboard()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if unit := p.FieldConfig.Defaults.Unit; number(unit, 42) == number("", 42) {
			t.Errorf("%s: the page shows no unit for %q", p.Title, unit)
		}
	}
}

func TestLegend(t *testing.T) {
	of := target{Expr: "rate(x[$__rate_interval])", LegendFormat: "{{http_request_method}} {{ http_route }}"}
	if got := of.legend(model.Metric{"http_request_method": "GET", "http_route": "/me"}); got != "GET /me" {
		t.Error(got)
	}
	if got := of.legend(model.Metric{"http_request_method": "GET"}); got != "GET (none)" {
		t.Error(got)
	}
	if got := of.query(90 * time.Second); got != "rate(x[1m30s])" {
		t.Error(got)
	}
}

// TestREADMEHasEveryPanel: the README says of each panel what the dashboard says.
func TestREADMEHasEveryPanel(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDashboard()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if row := fmt.Sprintf("| %s | %s |\n", p.Title, p.Description); !strings.Contains(string(readme), row) {
			t.Errorf("README.md lacks this row:\n%s", row)
		}
	}
}

// TestEveryAlertIsTested: alerts_test.yml has for each alert a case in which it
// fires, and the README a row.
func TestEveryAlertIsTested(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil {
		t.Fatal(err)
	}
	var cases struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string `yaml:"alertname"`
				ExpAlerts []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	text, err := os.ReadFile("alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	var fire []string
	for _, test := range cases.Tests {
		for _, c := range test.AlertRuleTest {
			if len(c.ExpAlerts) > 0 {
				fire = append(fire, c.Alertname)
			}
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Groups) == 0 || len(rules.Groups[0].Rules) == 0 {
		t.Fatal("alerts.yml has no rules")
	}
	for _, r := range rules.Groups[0].Rules {
		if !slices.Contains(fire, r.Alert) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: fires in a test %t, summary %q, description %q", r.Alert, slices.Contains(fire, r.Alert), r.Annotations["summary"], r.Annotations["description"])
		}
		if !strings.Contains(string(readme), "| `"+r.Alert+"` |") {
			t.Errorf("README.md lacks a row of %s", r.Alert)
		}
	}
}
