package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// field is measured in rounds. In each, every contender has a slot of some tens
// of milliseconds on one CPU, then on two; a machine that is slower for a second
// is slower for all of them, and what is reported are ratios to the floor of the
// same round. Each slot begins with a heap that was just collected, and is long
// enough for several collections more. The order moves on by one with each round.
type measurement struct {
	slot   time.Duration
	rounds int
	ops    []int // of each contender in a slot of one CPU
	// times has nanoseconds per operation by CPUs, contender and round.
	times map[int][][]float64
	fetch []int // that a contender caused
}

var cpuCounts = []int{1, 2}

func measure(all []contender, rounds int, slot time.Duration, progress func(done int)) (*measurement, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	m := &measurement{slot: slot, rounds: rounds, times: map[int][][]float64{}, fetch: make([]int, len(all))}
	runtime.GOMAXPROCS(1)
	for _, c := range all {
		n, err := calibrate(c, slot)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.key, err)
		}
		m.ops = append(m.ops, n)
	}
	for _, cpus := range cpuCounts {
		m.times[cpus] = make([][]float64, len(all))
	}
	for round := range rounds {
		for _, cpus := range cpuCounts {
			runtime.GOMAXPROCS(cpus)
			for i := range all {
				i = (i + round) % len(all)
				if cpus > 1 && all[i].oneCPU {
					continue
				}
				if err := m.run(all[i], i, cpus); err != nil {
					return nil, fmt.Errorf("%s: %w", all[i].key, err)
				}
			}
		}
		progress(round + 1)
	}
	return m, nil
}

// run is one slot.
func (m *measurement) run(c contender, i, cpus int) error {
	before := 0
	if c.fetches != nil {
		before = c.fetches()
	}
	runtime.GC() // nobody pays for the garbage of a neighbour
	took, err := slot(c, m.ops[i], cpus)
	if c.fetches != nil {
		m.fetch[i] += c.fetches() - before
	}
	m.times[cpus][i] = append(m.times[cpus][i], float64(took.Nanoseconds())/float64(cpus*m.ops[i]))
	return err
}

// slot lets one goroutine for each CPU do n operations, and tells how long they
// took together. Another process does them on one CPU.
func slot(c contender, n, cpus int) (time.Duration, error) {
	if c.loop != nil {
		return c.loop(c.token, n)
	}
	loop := func(op func() error) error {
		for range n {
			if err := op(); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, cpus)
	workers := make([]func() error, cpus)
	for cpu := range cpus {
		workers[cpu] = c.measured()
	}
	var wg sync.WaitGroup
	start := time.Now()
	for cpu := 1; cpu < cpus; cpu++ {
		wg.Go(func() { errs[cpu] = loop(workers[cpu]) })
	}
	errs[0] = loop(workers[0])
	wg.Wait()
	return time.Since(start), errors.Join(errs...)
}

// calibrate finds how many operations fill a slot.
func calibrate(c contender, d time.Duration) (int, error) {
	for n := 1; ; {
		took, err := slot(c, n, 1)
		if err != nil {
			return 0, err
		}
		if took >= d/4 {
			return max(1, int(float64(n)*float64(d)/float64(took))), nil
		}
		n *= 2
	}
}

// allocations counts what one operation allocates, in numbers and bytes.
func allocations(c contender) (count, bytes int, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const n = 2000
	op := c.measured()
	if err := op(); err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		err = errors.Join(err, op())
	}
	runtime.ReadMemStats(&after)
	round := func(from, to uint64) int { return int(math.Round(float64(to-from) / n)) }
	return round(before.Mallocs, after.Mallocs), round(before.TotalAlloc, after.TotalAlloc), err
}

// ratios are the times of a contender over another's, round by round.
func (m *measurement) ratios(i, over, cpus int) []float64 {
	all := slices.Clone(m.times[cpus][i])
	for round := range all {
		all[round] /= m.times[cpus][over][round]
	}
	return all
}

// speedup is how much more a contender does on two CPUs than on one, round by
// round.
func (m *measurement) speedup(i int) []float64 {
	all := slices.Clone(m.times[2][i])
	for round := range all {
		all[round] = m.times[1][i][round] / all[round]
	}
	return all
}

// quantile is the value that this part of all lies below, the lower of two.
func quantile(all []float64, q float64) float64 {
	return slices.Sorted(slices.Values(all))[int(q*float64(len(all)-1))]
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
