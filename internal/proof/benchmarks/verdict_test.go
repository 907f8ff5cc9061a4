package main

import (
	"math"
	"strings"
	"testing"
)

func TestTimeHoldsWithinTwoPercentOrWhatCopiesDifferBy(t *testing.T) {
	for _, row := range []struct {
		name       string
		this, copy float64
		bound      float64
		holds      bool
	}{
		{"faster", 0.90, 1.00, 1.02, true},
		{"as fast", 1.00, 1.00, 1.02, true},
		{"2 % worse", 1.02, 1.00, 1.02, true},
		{"a little more than 2 % worse", 1.0201, 1.00, 1.02, false},
		{"copies differ by less than 2 %", 1.021, 1.015, 1.02, false},

		{"3 % worse, the copy is 3 % slower", 1.03, 1.03, 1.03, true},
		{"3 % worse, the copy is 4 % faster", 1.03, 0.96, 1.04, true},
		{"4 % worse, the copy is 3 % slower", 1.04, 1.03, 1.03, false},

		{"not measured", math.NaN(), 1.00, 1.02, false},
		{"the copy was not measured", 1.00, math.NaN(), math.NaN(), false},
	} {
		c := comparison{this: row.this, copy: row.copy}
		if got := c.bound(); math.Abs(got-row.bound) > 1e-12 || math.IsNaN(got) != math.IsNaN(row.bound) {
			t.Errorf("%s: at most %v, expected %v", row.name, got, row.bound)
		}
		if got := c.inTime(); got != row.holds {
			t.Errorf("%s: holds: %t", row.name, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	good := comparison{name: "good", this: 1.01, copy: 1.00, allocs: [3]int{15, 15, 15}}
	slow := comparison{name: "slow", this: 1.034, copy: 0.99, allocs: [3]int{1, 1, 1}}
	greedy := comparison{name: "greedy", this: 1.00, copy: 1.00, allocs: [3]int{3, 2, 2}}
	thrifty := comparison{name: "thrifty", this: 1.00, copy: 1.00, allocs: [3]int{1, 2, 2}}
	for _, row := range []struct {
		name   string
		all    []comparison
		rounds int
		line   string
		ok     bool
	}{
		{"all is well", []comparison{good, good}, 20,
			"verdict of 20 rounds: time holds on 2 of 2 workloads, allocations are no more on 2 of 2", true},
		{"one is slower", []comparison{good, slow}, 20,
			"verdict of 20 rounds: time holds on 1 of 2 workloads, allocations are no more on 2 of 2; slow takes 1.034 of the old build's time, at most 1.020", false},
		{"one allocates more, one less", []comparison{greedy, thrifty}, 25,
			"verdict of 25 rounds: time holds on 2 of 2 workloads, allocations are no more on 1 of 2; greedy makes 3 allocations, the old build 2", false},
		{"too few rounds", []comparison{good}, 19,
			"verdict of 19 rounds: time holds on 1 of 1 workloads, allocations are no more on 1 of 1 (a trial: a verdict takes at least 20 rounds, see -rounds)", true},
		{"nothing was measured", nil, 20,
			"verdict of 20 rounds: time holds on 0 of 0 workloads, allocations are no more on 0 of 0; nothing was measured", false},
	} {
		line, ok := verdict(row.all, row.rounds)
		if line != row.line || ok != row.ok {
			t.Errorf("%s:\n%s, %t\nexpected\n%s, %t", row.name, line, ok, row.line, row.ok)
		}
	}
}

func TestComparisonTable(t *testing.T) {
	got := comparisonTable([]comparison{
		{name: "one", times: [3]float64{33000, 30000, 30300}, ratios: [3]float64{1.1, 1, 1.01}, this: 1.1, copy: 1.01, aim: 0.66, allocs: [3]int{15, 15, 15}, bytes: [3]int{3264, 3264, 3200}},
		{name: "two", times: [3]float64{900, 1000, 950}, ratios: [3]float64{0.03, 0.033, 0.032}, this: 0.9, copy: 0.95, aim: 0.9, allocs: [3]int{2, 1, 1}, bytes: [3]int{352, 300, 300}},
	})
	for _, want := range []string{
		"| one | 1.100 (33000 ns) | 1.000 (30000 ns) | 1.010 (30300 ns) | 1.100 | 1.010 | 1.020 | **worse** | 0.66 **missed** | 15, 15, 15 | no more | 3264, 3264, 3200 |\n",
		"| two | 0.030 (900 ns) | 0.033 (1000 ns) | 0.032 (950 ns) | 0.900 | 0.950 | 1.050 | holds | 0.90 met | 2, 1, 1 | **more** | 352, 300, 300 |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no row\n%s in\n%s", want, got)
		}
	}
}

func TestAimsAreForOneBuildAndOfItsWorkloads(t *testing.T) {
	f, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	workloads, err := f.workloads(t.Context(), libraries[:1])
	if err != nil {
		t.Fatal(err)
	}
	of := func(commit string) (n int) {
		var all []comparison
		for _, w := range workloads {
			all = append(all, comparison{name: w.name})
		}
		for _, c := range withAims(all, commit) {
			if c.aim != 0 && c.aimed() != "" {
				n++
			}
		}
		return n
	}
	if n := of(oldRevision + "0123456789"); n != len(aims) {
		t.Errorf("%d of %d aims have a workload", n, len(aims))
	}
	if n := of("0123456789"); n != 0 {
		t.Errorf("%d aims for another build", n)
	}
}
