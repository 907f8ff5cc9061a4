// Command allocations counts what the main paths of the library allocate, and
// compares that with table.txt. Time depends on the machine and on what else runs
// there; these counts do not, so a change that makes a path dearer shows:
//
//	go run ./internal/proof/allocations
//	go run ./internal/proof/allocations -update
//
// The first fails on each path that allocates more than the table says, and on each
// that allocates less: a table that lags behind would let the next change take the
// difference unseen. The second rewrites the table. The counts are those of one
// toolchain, which the table names.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

const (
	file    = "internal/proof/allocations/table.txt"
	rewrite = "go run ./internal/proof/allocations -update"

	warmUp = 200  // the headers are known, the workspaces made
	times  = 1000 // a path is run that often for one count
	rounds = 3    // the least count stands: what else allocates in the process only adds
)

// path is one way through the library. run ends with an error if it ended elsewhere.
type path struct {
	name string
	run  func() error
}

// cost is what one run of a path allocates.
type cost struct{ allocations, bytes int }

// differs reports whether two counts of bytes are not the same. The runtime spreads
// a few allocations of its own, such as those of a growing stack, over the runs.
func (c cost) differs(other cost) bool {
	off := c.bytes - other.bytes
	return c.allocations != other.allocations || max(off, -off) > max(8, other.bytes/100)
}

// measure counts. Nothing is collected meanwhile, since that would empty each
// sync.Pool, and one processor has one cache of each.
func measure(p path) (least cost, _ error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range warmUp {
		if err := p.run(); err != nil {
			return cost{}, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for range rounds {
		var before, after runtime.MemStats
		var err error
		runtime.ReadMemStats(&before)
		for range times {
			err = cmp.Or(err, p.run())
		}
		runtime.ReadMemStats(&after)
		if err != nil {
			return cost{}, fmt.Errorf("%s: %w", p.name, err)
		}
		// Rounded down, as testing.AllocsPerRun does.
		got := cost{int(after.Mallocs-before.Mallocs) / times, int(after.TotalAlloc-before.TotalAlloc) / times}
		if least == (cost{}) || got.bytes < least.bytes {
			least = got
		}
	}
	return least, nil
}

// toolchain is what the counts depend on.
func toolchain() string {
	version, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go1."), ".")
	return "go1." + version + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// table is what the paths cost, by name.
type table struct {
	toolchain string
	costs     map[string]cost
}

// text is the table as a file.
func (t table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What one run of a path allocates, counted with %s.\n# Rewrite it: %s\n\n", t.toolchain, rewrite)
	fmt.Fprintf(&b, "%-56s %11s %7s\n", "# path", "allocations", "bytes")
	names := make([]string, 0, len(t.costs))
	for name := range t.costs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%-56s %11d %7d\n", name, t.costs[name].allocations, t.costs[name].bytes)
	}
	return b.String()
}

// parse reads what text has written.
func parse(text string) (table, error) {
	t := table{costs: map[string]cost{}}
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			continue
		case fields[0] == "#":
			if _, with, ok := strings.Cut(line, " counted with "); ok {
				t.toolchain = strings.TrimSuffix(with, ".")
			}
			continue
		case len(fields) != 3:
			return t, fmt.Errorf("%s:%d: expected path, allocations and bytes", file, n+1)
		}
		allocations, err1 := strconv.Atoi(fields[1])
		bytes, err2 := strconv.Atoi(fields[2])
		if err := cmp.Or(err1, err2); err != nil {
			return t, fmt.Errorf("%s:%d: %w", file, n+1, err)
		}
		if _, twice := t.costs[fields[0]]; twice {
			return t, fmt.Errorf("%s:%d: %s is there twice", file, n+1, fields[0])
		}
		t.costs[fields[0]] = cost{allocations, bytes}
	}
	if len(t.costs) == 0 || t.toolchain == "" {
		return t, fmt.Errorf("%s has no paths or no toolchain", file)
	}
	return t, nil
}

// compare says how the counts differ from those of the table.
func compare(want, got table) (wrong []string) {
	names := map[string]bool{}
	for name := range want.costs {
		names[name] = true
	}
	for name := range got.costs {
		names[name] = true
	}
	for name := range names {
		w, known := want.costs[name]
		g, counted := got.costs[name]
		switch {
		case !known:
			wrong = append(wrong, name+" is not in the table")
		case !counted:
			wrong = append(wrong, name+" is in the table only")
		case g.differs(w):
			than := "less than"
			if g.allocations > w.allocations || g.allocations == w.allocations && g.bytes > w.bytes {
				than = "MORE than"
			}
			wrong = append(wrong, fmt.Sprintf("%s: %d allocations of %d bytes, %s the table's %d of %d", name, g.allocations, g.bytes, than, w.allocations, w.bytes))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func run(update bool) error {
	paths, err := allPaths(context.Background())
	if err != nil {
		return err
	}
	got := table{toolchain(), map[string]cost{}}
	for _, p := range paths {
		if got.costs[p.name], err = measure(p); err != nil {
			return err
		}
	}
	if update {
		return os.WriteFile(file, []byte(got.text()), 0o644)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want, err := parse(string(text))
	if err != nil {
		return err
	}
	if wrong := compare(want, got); wrong != nil {
		return fmt.Errorf("%s\nThe table is %s's, this is %s. If that is as it should be: %s", strings.Join(wrong, "\n"), want.toolchain, got.toolchain, rewrite)
	}
	full, hit := got.costs["Validate/full"], got.costs["Validate/hit"]
	fmt.Printf("%d paths allocate as the table says: in full %d (%d bytes), seen before %d (%d bytes)\n", len(paths), full.allocations, full.bytes, hit.allocations, hit.bytes)
	return nil
}

func main() {
	log.SetFlags(0)
	update := flag.Bool("update", false, "rewrite "+file)
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatal(errors.New("expected no arguments"))
	}
	if err := run(*update); err != nil {
		log.Fatal(err)
	}
}
