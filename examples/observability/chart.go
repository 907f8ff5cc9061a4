package main

// This file turns series into what the page draws: lines in a square of 1,000 by
// 1,000 units, which the browser stretches, ticks in percent, and numbers as text.
// So text keeps its size on every screen.

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// chart is a panel with its data.
type chart struct {
	ID                          int
	Title, Description, Summary string
	Lines                       []line
	Rows, Columns               []tick
	Times                       []string // of the values of each line
}

// tick is a mark at an axis, in percent from the left or from the top.
type tick struct {
	At   float64
	Text string
}

// line is a series.
type line struct {
	Name          string
	Style         int // 1 to 8: its colour and its dashes
	Path          string
	Now, Min, Max string
	Values        []string // at the times of the chart
}

// series is what Prometheus has: a value for each step, NaN where there is none.
type series struct {
	name   string
	values []float64
}

// window is the time that a chart shows.
type window struct {
	from time.Time
	step time.Duration
	n    int // values of a series
}

func (w window) at(i int) time.Time { return w.from.Add(time.Duration(i) * w.step) }

// draw makes the chart of a panel.
func draw(p panel, w window, all []series) chart {
	c := chart{ID: p.ID, Title: p.Title, Description: p.Description}
	unit := p.FieldConfig.Defaults.Unit
	axis := newScale(p, all)
	for _, v := range axis.marks {
		c.Rows = append(c.Rows, tick{axis.top(v) / 10, number(unit, v)})
	}
	const columns = 5
	for i := range columns {
		at := i * (w.n - 1) / (columns - 1)
		c.Columns = append(c.Columns, tick{100 * float64(i) / (columns - 1), w.at(at).Format("15:04:05")})
		c.Times = append(c.Times, w.at(at).Format("15:04:05"))
	}
	for i, s := range all {
		l := line{Name: s.name, Style: i%8 + 1, Path: path(s.values, axis)}
		low, high, last := extent(s.values)
		l.Now, l.Min, l.Max = number(unit, last), number(unit, low), number(unit, high)
		for k := range columns {
			l.Values = append(l.Values, number(unit, s.values[k*(w.n-1)/(columns-1)]))
		}
		c.Lines = append(c.Lines, l)
	}
	c.Summary = summary(c, w)
	return c
}

// summary says in words what the lines show.
func summary(c chart, w window) string {
	if len(c.Lines) == 0 {
		return c.Title + ": no data."
	}
	parts := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		parts[i] = fmt.Sprintf("%s is %s, between %s and %s", l.Name, l.Now, l.Min, l.Max)
	}
	return fmt.Sprintf("%s from %s to %s: %s.", c.Title, w.at(0).Format("15:04:05"), w.at(w.n-1).Format("15:04:05"), strings.Join(parts, "; "))
}

// extent returns the smallest, the largest and the last value, NaN if there is none.
func extent(values []float64) (low, high, last float64) {
	low, high, last = math.NaN(), math.NaN(), math.NaN()
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if !(low <= v) {
			low = v
		}
		if !(high >= v) {
			high = v
		}
		last = v
	}
	return low, high, last
}

// path is the attribute d of the line: it is interrupted where values are missing.
func path(values []float64, axis scale) string {
	var b strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, 1000*float64(i)/float64(len(values)-1), axis.top(v))
		if pen == "M" && (i+1 == len(values) || math.IsNaN(values[i+1])) {
			b.WriteString("h4") // a value alone is a dot
		}
		pen = "L"
	}
	return b.String()
}

// scale is the vertical axis.
type scale struct {
	low, high float64
	log       bool
	marks     []float64
}

func newScale(p panel, all []series) scale {
	low, high := math.NaN(), math.NaN()
	for _, s := range all {
		l, h, _ := extent(s.values)
		low, high = smaller(low, l), -smaller(-high, -h)
	}
	if p.FieldConfig.Defaults.Custom.ScaleDistribution.Type == "log" && low > 0 {
		return decades(low, high)
	}
	if top := p.FieldConfig.Defaults.Max; top != nil {
		high = *top
	}
	return steps(high)
}

// smaller returns the smaller of two numbers, of which one may be NaN.
func smaller(a, b float64) float64 {
	if a <= b || math.IsNaN(b) {
		return a
	}
	return b
}

// decades is a logarithmic scale with a mark at each power of ten.
func decades(low, high float64) scale {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if first == last {
		last++
	}
	s := scale{low: math.Pow(10, first), high: math.Pow(10, last), log: true}
	for e := first; e <= last; e++ {
		s.marks = append(s.marks, math.Pow(10, e))
	}
	return s
}

// steps is a scale from zero, with marks at multiples of 1, 2 or 5.
func steps(high float64) scale {
	if !(high > 0) {
		high = 0.01
	}
	size := math.Pow(10, math.Floor(math.Log10(high/4)))
	for _, f := range []float64{1, 2, 5, 10} {
		if high <= 5*f*size {
			size *= f
			break
		}
	}
	s := scale{}
	for i := 0.0; s.high < high*0.999; i++ {
		s.high = i * size
		s.marks = append(s.marks, s.high)
	}
	return s
}

// top returns how far from the top a value stands, of 1,000.
func (s scale) top(v float64) float64 {
	if s.log {
		return 1000 * (1 - math.Log10(v/s.low)/math.Log10(s.high/s.low))
	}
	return 1000 * (1 - v/s.high)
}

// number is a value with its unit, which has Grafana's name.
func number(unit string, v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case unit == "percentunit":
		return short(100*v) + " %"
	case unit == "s":
		return duration(v)
	case unit == "reqps":
		return short(v) + "/s"
	case unit == "cpm":
		return short(v) + "/min"
	}
	return short(v)
}

// short is a number with three digits.
func short(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size < 0.005:
		return "0"
	case size >= 10:
		return trim(fmt.Sprintf("%.1f", v))
	}
	return trim(fmt.Sprintf("%.2f", v))
}

func trim(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

// duration is a number of seconds in a unit that fits.
func duration(s float64) string {
	if s == 0 {
		return "0 s"
	}
	for _, u := range []struct {
		size float64
		name string
	}{{3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if s >= u.size*0.9995 && (u.size <= 1 || s >= 2*u.size) {
			return short(s/u.size) + " " + u.name
		}
	}
	return short(s*1e6) + " µs"
}
