package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	oldRevision  = "6450a8c" // that this tree is compared with unless -old names another
	mayBeWorse   = 0.02      // of the old build's time
	leastVerdict = 20        // rounds
)

// comparison is one workload of this tree, the old build and its second copy, in
// this order.
type comparison struct {
	name  string
	times [3]float64 // nanoseconds
	// Medians over the rounds of the ratio to the floor, and to the old build.
	ratios     [3]float64
	this, copy float64
	aim        float64 // for this tree's, 0: none
	allocs     [3]int
	bytes      [3]int
}

// bound is what this tree may take of the time of the old build: as much more
// as the second copy differs from it, and 2 % in any case.
func (c comparison) bound() float64 { return 1 + max(mayBeWorse, math.Abs(c.copy-1)) }

// inTime fails if a figure is NaN.
func (c comparison) inTime() bool { return c.this <= c.bound() }

// inAllocs tells whether this tree allocates no more often than the old build does.
func (c comparison) inAllocs() bool { return c.allocs[0] <= c.allocs[1] }

// aims are what this tree is to take of the time of oldRevision. They are printed,
// and no part of the verdict.
var aims = map[string]float64{
	"`Validate` in full":                      0.66,
	"`Wrap` of 100 routes in full":            0.70,
	"`Validate` of a token seen before":       0.57,
	"`Wrap` of 100 routes, token seen before": 0.70,
	"refusal of a bad signature":              0.67,
}

// withAims sets the aims, if the old build is the one that they are for.
func withAims(all []comparison, commit string) []comparison {
	if strings.HasPrefix(commit, oldRevision) {
		for i := range all {
			all[i].aim = aims[all[i].name]
		}
	}
	return all
}

// aimed is the aim, and whether it is met.
func (c comparison) aimed() string {
	if c.aim == 0 {
		return ""
	}
	return strconv.FormatFloat(c.aim, 'f', 2, 64) + word(c.this <= c.aim, " met", " **missed**")
}

func comparisonTable(all []comparison) string {
	t := newTable("", "this", "old", "old, copy", "this / old", "copy / old", "at most", "time", "aim", "allocations", "", "bytes")
	for _, c := range all {
		cells := []string{c.name}
		for i, ns := range c.times {
			cells = append(cells, fmt.Sprintf("%.3f (%.0f ns)", c.ratios[i], ns))
		}
		for _, v := range []float64{c.this, c.copy, c.bound()} {
			cells = append(cells, strconv.FormatFloat(v, 'f', 3, 64))
		}
		t.row(append(cells, word(c.inTime(), "holds", "**worse**"), c.aimed(), three(c.allocs), word(c.inAllocs(), "no more", "**more**"), three(c.bytes))...)
	}
	return t.String()
}

func word(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

func three(n [3]int) string { return fmt.Sprintf("%d, %d, %d", n[0], n[1], n[2]) }

// verdict says in one line what the table comes to, and whether it is good.
func verdict(all []comparison, rounds int) (line string, ok bool) {
	var faults []string
	timed, allocated := 0, 0
	for _, c := range all {
		if c.inTime() {
			timed++
		} else {
			faults = append(faults, fmt.Sprintf("%s takes %.3f of the old build's time, at most %.3f", c.name, c.this, c.bound()))
		}
		if c.inAllocs() {
			allocated++
		} else {
			faults = append(faults, fmt.Sprintf("%s makes %d allocations, the old build %d", c.name, c.allocs[0], c.allocs[1]))
		}
	}
	line = fmt.Sprintf("verdict of %d rounds: time holds on %d of %d workloads, allocations are no more on %d of %[3]d",
		rounds, timed, len(all), allocated)
	if rounds < leastVerdict {
		line += fmt.Sprintf(" (a trial: a verdict takes at least %d rounds, see -rounds)", leastVerdict)
	}
	if len(all) == 0 {
		faults = append(faults, "nothing was measured")
	}
	return strings.Join(append([]string{line}, faults...), "; "), len(faults) == 0
}
