package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"reqps", 12.5, "12.5/s"},
		{"reqps", 0, "0/s"},
		{"reqps", 1234, "1234/s"},
		{"cpm", 30, "30/min"},
		{"percentunit", 0.01234, "1.23 %"},
		{"percentunit", 1, "100 %"},
		{"s", 0, "0 s"},
		{"s", 0.0000006, "0.6 µs"},
		{"s", 0.00001, "10 µs"},
		{"s", 0.001, "1 ms"},
		{"s", 1, "1 s"},
		{"s", 90, "90 s"},
		{"s", 120, "2 min"},
		{"s", 86400, "24 h"},
		{"s", math.NaN(), "–"},
	} {
		if got := number(test.unit, test.value); got != test.want {
			t.Errorf("number(%q, %v) is %q, want %q", test.unit, test.value, got, test.want)
		}
	}
}

func TestScales(t *testing.T) {
	for _, test := range []struct {
		high float64
		want []float64
	}{
		{0, []float64{0, 0.002, 0.004, 0.006, 0.008, 0.01}},
		{1, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{65, []float64{0, 20, 40, 60, 80}},
		{7, []float64{0, 2, 4, 6, 8}},
	} {
		got := steps(test.high).marks
		if !slices.EqualFunc(got, test.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("the marks up to %v are %v, want %v", test.high, got, test.want)
		}
	}
	if got := decades(0.000004, 0.003); got.low != 1e-6 || got.high != 1e-2 || len(got.marks) != 5 {
		t.Errorf("the decades from 4 µs to 3 ms are %v", got)
	}
	if got := decades(0.000004, 0.003).top(1e-4); math.Abs(got-500) > 1e-9 {
		t.Errorf("100 µs stands at %v between 1 µs and 10 ms, want the middle", got)
	}
}

// TestPath: a line has a gap where values are missing, and a value alone is a dot.
func TestPath(t *testing.T) {
	none := math.NaN()
	got := path([]float64{0, 1, none, 1, none}, scale{high: 1})
	if want := "M0.0 1000.0L250.0 0.0M750.0 0.0h4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSummary: the text that stands for the picture has every line.
func TestSummary(t *testing.T) {
	w := window{from: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), step: time.Minute, n: 3}
	p := panel{Title: "Requests"}
	p.FieldConfig.Defaults.Unit = "reqps"
	c := draw(p, w, []series{{"refused", []float64{1, 3, 2}}, {"let through", []float64{5, math.NaN(), math.NaN()}}})
	want := "Requests from 12:00:00 to 12:02:00: refused is 2/s, between 1/s and 3/s; let through is 5/s, between 5/s and 5/s."
	if c.Summary != want {
		t.Errorf("got %s\nwant %s", c.Summary, want)
	}
	if got := draw(p, w, nil).Summary; got != "Requests: no data." {
		t.Error(got)
	}
}
