package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWorkloadsVerify(t *testing.T) {
	f, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := f.workloads(t.Context(), []library{libraries[0], libraries[0]})
	if err != nil {
		t.Fatal(err)
	}
	wrong := libraries[0]
	wrong.code = func(error) string { return "of another build" }
	if _, err := f.workloads(t.Context(), []library{libraries[0], wrong}); err == nil {
		t.Error("a build that refuses with another code is no error")
	}
	var refused []string
	for _, w := range workloads {
		if len(w.builds) != 2 {
			t.Errorf("%s: %d builds", w.name, len(w.builds))
		}
		for _, fault := range faults(f.pool, other, w.floor) {
			t.Errorf("%s: the floor: %s", w.name, fault)
		}
		for _, c := range w.builds {
			for _, fault := range faults(f.pool, other, c) {
				t.Errorf("%s: %s", w.name, fault)
			}
			if err := c.measured()(); err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
		}
		if c := w.builds[0]; c.refused != "" {
			refused = append(refused, c.refused)
			c.token = f.token
			if err := c.measured()(); err == nil {
				t.Errorf("%s: a good token is no error", w.name)
			}
			c.token, c.code = w.builds[0].token, func(error) string { return "" }
			if err := c.measured()(); err == nil {
				t.Errorf("%s: the refusal of another build is no error", w.name)
			}
		}
	}
	want := []string{"token_too_large", "token_malformed", "algorithm_unsupported",
		"issuer_mismatch", "token_use_mismatch", "token_expired", "client_mismatch", "key_unknown", "signature_invalid"}
	if !slices.Equal(refused, want) || len(workloads) != 4+len(want) {
		t.Errorf("%d workloads, refused with %q", len(workloads), refused)
	}
}

// byWorkload makes two workloads of three builds that note when a slot begins.
func byWorkload(begins func(string)) (all []workload) {
	for _, name := range []string{"a", "b"} {
		w := workload{name: name, floor: busy(name+"-floor", begins)}
		for _, build := range []string{"this", "old", "copy"} {
			w.builds = append(w.builds, busy(name+"-"+build, begins))
		}
		all = append(all, w)
	}
	return all
}

func TestMeasureWorkloadsInterleaves(t *testing.T) {
	var log []string
	begins := func(key string) { log = append(log, key) }
	workloads := byWorkload(begins)
	// One that takes no time would do many more operations than the others.
	workloads[0].builds[1].worker = func(string) func() error {
		begins("a-old")
		return func() error { return nil }
	}
	// The first round is in order, the second one backwards.
	round := 0
	order := func(n int) (p []int) {
		for i := range n {
			p = append(p, i)
		}
		if round == 1 {
			slices.Reverse(p)
		}
		return p
	}
	m, err := measureWorkloads(t.Context(), workloads, 2, time.Millisecond, order, func(done int) { round = done })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a-floor", "a-this", "a-old", "a-copy", "b-floor", "b-this", "b-old", "b-copy",
		"b-copy", "b-old", "b-this", "b-floor", "a-copy", "a-old", "a-this", "a-floor",
	}
	if len(log) < len(want) || !slices.Equal(log[len(log)-len(want):], want) { // calibration comes first
		t.Errorf("slots %q\nexpected at the end %q", log, want)
	}
	for i, times := range m.times[1] {
		if len(times) != 2 {
			t.Errorf("contender %d: %d rounds", i, len(times))
		}
	}
	for i := range m.ops {
		if first := i/4*4 + 1; i >= first && m.ops[i] != m.ops[first] {
			t.Errorf("operations %d: the builds of a workload differ", m.ops)
		}
	}
}

func TestMeasureWorkloadsEnds(t *testing.T) {
	inOrder := func(n int) []int { return make([]int, n) }
	t.Run("when it is told to", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := measureWorkloads(ctx, byWorkload(func(string) {}), 1000, time.Millisecond, inOrder, func(int) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("with a build that fails", func(t *testing.T) {
		workloads := byWorkload(func(string) {})
		workloads[1].builds[0].worker = func(string) func() error {
			return func() error { return errors.New("refused") }
		}
		_, err := measureWorkloads(t.Context(), workloads, 1, time.Millisecond, inOrder, func(int) {})
		if err == nil || err.Error() != "b-this: refused" {
			t.Errorf("error %v", err)
		}
	})
}

func TestComparisonsAreToTheOldBuildOfTheSameRound(t *testing.T) {
	allocating := func(n int) contender {
		return contender{worker: func(string) func() error {
			return func() error {
				for range n {
					kept = new([64]byte)
				}
				return nil
			}
		}}
	}
	w := workload{name: "one", builds: []contender{allocating(3), allocating(2), allocating(1)}}
	m := &measurement{times: map[int][][]float64{1: {
		{100, 200, 50}, // the floor
		{110, 330, 66}, // this: of the floor 1.1, 1.65, 1.32
		{100, 300, 55}, // old: 1, 1.5, 1.1
		{105, 330, 44}, // its copy: 1.05, 1.65, 0.88
	}}}
	all, err := m.comparisons([]workload{w})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d comparisons, %v", len(all), err)
	}
	c := all[0]
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, expected %v", what, got, want)
		}
	}
	near("this to old: 1.1, 1.1, 1.2", c.this, 1.1)
	near("copy to old: 1.05, 1.1, 0.8", c.copy, 1.05)
	for i, want := range []float64{1.32, 1.1, 1.05} {
		near("to the floor", c.ratios[i], want)
	}
	if got := fmt.Sprint(c.name, c.times, c.allocs, c.bytes); got != "one[110 100 105] [3 2 1] [192 128 64]" {
		t.Errorf("comparison %s", got)
	}
}

func TestNoBuildIsComparedWithItself(t *testing.T) {
	this, old, second := library{path: "github.com/cognitoauth/cognitoauth"}, library{path: "github.com/cognitoauth/old"}, library{path: "github.com/cognitoauth/old2"}
	if err := distinct([]library{this, old, second}); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][]library{{this}, {this, old}, {this, this, this}, {this, old, old}} {
		if err := distinct(wrong); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%d builds: error %v", len(wrong), err)
		}
	}
	if libraries[0].path != this.path {
		t.Errorf("this tree is %q", libraries[0].path)
	}
}
