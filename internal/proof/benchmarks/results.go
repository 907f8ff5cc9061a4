package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// results is results.json: what the tables are made of. Each of the commands
// replaces its own part.
type results struct {
	Speed   *speed   `json:"speed"`
	Servers *servers `json:"servers,omitempty"`
	Scale   *scale   `json:"scale"`
}

// run says where figures come from.
type run struct {
	Command string `json:"command"`
	Date    string `json:"date"`
	Machine string `json:"machine"`
	Rounds  int    `json:"rounds"`
}

func newRun(command string, rounds int) run {
	return run{command, time.Now().UTC().Format(time.DateOnly), machine(), rounds}
}

// speed is how fast each contender is.
type speed struct {
	run
	SlotMS     int    `json:"slot_ms"`
	TokenBytes int    `json:"token_bytes"`
	FloorNS    int    `json:"floor_ns"`
	Rows       []row  `json:"rows"`
	Memory     memory `json:"memory"`

	Node *nodeInfo `json:"node,omitempty"`
}

// row is one contender. Ratios are medians over the rounds.
type row struct {
	Key       string     `json:"key"`
	Name      string     `json:"name"`
	Version   string     `json:"version,omitempty"`
	As        string     `json:"as"`
	Ratio     float64    `json:"ratio"`    // to the floor, one CPU
	Quarters  [2]float64 `json:"quarters"` // of the rounds lie below, and above
	Ratio2    float64    `json:"ratio_2_cpus,omitempty"`
	Speedup   float64    `json:"two_cpus_over_one,omitempty"`
	Allocs    int        `json:"allocs"`
	Bytes     int        `json:"bytes"`
	AnyClient bool       `json:"any_client,omitempty"`
	AnyIssuer bool       `json:"any_issuer,omitempty"`
	Fetched   int        `json:"fetched,omitempty"`
	Elsewhere bool       `json:"elsewhere,omitempty"` // another process: its allocations are not counted
}

// memory is what so many tokens in the cache take of the heap.
type memory struct {
	Tokens int `json:"tokens"`
	Kept   int `json:"kept"`
	Bytes  int `json:"bytes_per_token"`
}

// perToken is NaN if nothing was measured.
func (m memory) perToken() float64 {
	if m.Kept == 0 {
		return math.NaN()
	}
	return float64(m.Bytes)
}

func round4(f float64) float64 { return math.Round(f*1e4) / 1e4 }

// rows makes the table of a measurement; the floor is the first contender.
func (m *measurement) rows(all []contender) ([]row, error) {
	var rows []row
	for i, c := range all {
		ratios := m.ratios(i, 0, 1)
		r := row{Key: c.key, Name: c.name, Version: c.versions(), As: c.as,
			Ratio: round4(median(ratios)), Quarters: [2]float64{round4(quantile(ratios, 0.25)), round4(quantile(ratios, 0.75))},
			AnyClient: c.anyClient, AnyIssuer: c.anyIssuer, Fetched: m.fetch[i]}
		if !c.oneCPU {
			r.Ratio2, r.Speedup = round4(median(m.ratios(i, 0, 2))), round4(median(m.speedup(i)))
		}
		var err error
		if r.Elsewhere = c.loop != nil; r.Elsewhere {
			// Nothing is counted.
		} else if r.Allocs, r.Bytes, err = allocations(c); err != nil {
			return nil, fmt.Errorf("%s: %w", c.key, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// row is the one of that contender, with NaN in it if there is none.
func (s *speed) row(key string) row {
	for _, r := range s.Rows {
		if r.Key == key {
			return r
		}
	}
	return row{Key: key, Ratio: math.NaN(), Ratio2: math.NaN(), Speedup: math.NaN()}
}

func (r row) count(n int) float64 {
	if math.IsNaN(r.Ratio) {
		return r.Ratio
	}
	return float64(n)
}

// versions are those that this program was built with.
func versions(modules []string) string {
	info, _ := debug.ReadBuildInfo()
	var all []string
	for _, path := range modules {
		for _, m := range info.Deps {
			if m.Path == path {
				all = append(all, m.Version)
			}
		}
	}
	return strings.Join(all, ", ")
}

// machine is the processor, its cores, the system and Go.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func loadResults(name string) (results, error) {
	var r results
	b, err := os.ReadFile(name)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

func (r results) save(name string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}
