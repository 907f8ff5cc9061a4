package main

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// busy is a contender that takes its time, and tells when a slot begins.
func busy(key string, begins func(key string)) contender {
	return contender{key: key, worker: func(string) func() error {
		begins(key)
		return func() error {
			for end := time.Now().Add(100 * time.Microsecond); time.Now().Before(end); {
			}
			return nil
		}
	}}
}

func TestMeasureInterleaves(t *testing.T) {
	var log []string
	begins := func(key string) { log = append(log, key) }
	all := []contender{busy("a", begins), busy("b", begins), busy("c", begins)}
	all[2].oneCPU = true
	rounds := 0
	m, err := measure(all, 3, time.Millisecond, func(int) {
		if rounds++; rounds == 3 {
			return
		}
		log = append(log, "|")
	})
	if err != nil {
		t.Fatal(err)
	}
	// Calibration comes first: all of a, then of b, then of c. With two CPUs
	// each has two workers.
	log = log[len(log)-len("abcaabb|bcabbaa|cabaabb"):]
	want := []string{
		"a", "b", "c", "a", "a", "b", "b", "|",
		"b", "c", "a", "b", "b", "a", "a", "|",
		"c", "a", "b", "a", "a", "b", "b",
	}
	if !slices.Equal(log, want) {
		t.Errorf("slots %q\nexpected %q", log, want)
	}
	if n := len(m.times[1][2]); n != 3 {
		t.Errorf("%d rounds of c on one CPU", n)
	}
	if n := len(m.times[2][2]); n != 0 {
		t.Errorf("%d rounds of c on two CPUs", n)
	}
}

func TestMeasureFailsWithAContender(t *testing.T) {
	left := atomic.Int64{}
	left.Store(200)
	broken := contender{key: "broken", worker: func(string) func() error {
		return func() error {
			if left.Add(-1) < 0 {
				return errors.New("refused")
			}
			return nil
		}
	}}
	if _, err := measure([]contender{broken}, 1000, time.Millisecond, func(int) {}); err == nil || err.Error() != "broken: refused" {
		t.Errorf("error %v", err)
	}
}

func TestSlotRunsOnEachCPU(t *testing.T) {
	for _, cpus := range cpuCounts {
		var ops atomic.Int64
		c := contender{worker: func(string) func() error { return func() error { ops.Add(1); return nil } }}
		if _, err := slot(c, 1000, cpus); err != nil {
			t.Fatal(err)
		}
		if got := ops.Load(); got != int64(1000*cpus) {
			t.Errorf("%d CPUs: %d operations", cpus, got)
		}
	}
}

var kept *[64]byte

func TestAllocationsAreCounted(t *testing.T) {
	c := contender{worker: func(string) func() error {
		return func() error { kept = new([64]byte); return nil }
	}}
	count, bytes, err := allocations(c)
	if count != 1 || bytes != 64 || err != nil {
		t.Errorf("%d allocations, %d bytes, %v", count, bytes, err)
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	m := &measurement{times: map[int][][]float64{
		1: {{10, 20, 40}, {11, 24, 20}},
		2: {{5, 10, 20}, {11, 12, 8}},
	}}
	if got := fmt.Sprint(m.ratios(1, 0, 1)); got != "[1.1 1.2 0.5]" {
		t.Errorf("on one CPU %s", got)
	}
	if got := fmt.Sprint(m.ratios(1, 0, 2)); got != "[2.2 1.2 0.4]" {
		t.Errorf("on two CPUs %s", got)
	}
	if got := fmt.Sprint(m.speedup(1)); got != "[1 2 2.5]" {
		t.Errorf("two against one %s", got)
	}
}

func TestMedianAndQuarters(t *testing.T) {
	for _, row := range []struct {
		name                string
		all                 []float64
		lower, middle, uppr float64
	}{
		{"one", []float64{3}, 3, 3, 3},
		{"two: the mean", []float64{4, 2}, 2, 3, 2},
		{"odd", []float64{5, 1, 4, 2, 3}, 2, 3, 4},
		{"an outlier moves nothing", []float64{1, 1, 1, 1, 1000}, 1, 1, 1},
	} {
		if got := median(row.all); got != row.middle {
			t.Errorf("%s: median %v, expected %v", row.name, got, row.middle)
		}
		if low, high := quantile(row.all, 0.25), quantile(row.all, 0.75); low != row.lower || high != row.uppr {
			t.Errorf("%s: quarters %v and %v", row.name, low, high)
		}
	}
}
