package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/proof/benchmarks/build"
)

// library is one build of the library.
type library struct {
	path string // of its import
	new  func(ctx context.Context, id, clientID, jwksURL string, cache int) (validate func(context.Context, string) error, wrap func(http.Handler) http.Handler, err error)
	code func(error) string
}

// libraries are all builds that this program has: this tree's, and in the
// program that compile makes also the old one and its second copy.
var libraries = []library{{build.Path(), build.New, build.Code}}

// errReported is the error of a run whose own process has said what it is.
var errReported = errors.New("reported")

func compareMain(args []string) error {
	flags := flag.NewFlagSet("benchmarks compare", flag.ExitOnError)
	old := flags.String("old", oldRevision, "git `revision` of the build to compare with")
	rounds := flags.Int("rounds", leastVerdict, "rounds")
	length := flags.Duration("slot", 100*time.Millisecond, "time of each contender in a round")
	_ = flags.Parse(args)
	if flags.NArg() > 0 || *rounds < 1 {
		flags.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(libraries) == 1 {
		return compareWith(ctx, *old, args)
	}
	all, err := measureBuilds(ctx, *rounds, *length)
	if err != nil {
		return err
	}
	fmt.Printf("`go run . compare`, this tree and %s, %s.\n%d rounds of %s; medians over the rounds: ratio to the floor, and time in brackets.\n\n%s\n",
		*old, machine(), *rounds, *length, comparisonTable(withAims(all, *old)))
	line, ok := verdict(all, *rounds)
	fmt.Println(line)
	if !ok {
		return errors.New("this tree is not as good as the build that it was compared with")
	}
	return nil
}

// compareWith runs this command in a program that has the old build as well.
func compareWith(ctx context.Context, revision string, args []string) error {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return err
	}
	files, commit, err := readRevision(ctx, root, revision)
	if err != nil {
		return err
	}
	// Of a flag that comes twice the last value counts.
	return runWith(ctx, files, false, append(append([]string{"compare"}, args...), "-old", commit))
}

// runWith makes a program that has the library of files as well, with the peers or
// without, and runs it in this folder.
func runWith(ctx context.Context, files tree, peers bool, args []string) error {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	program, err := compile(ctx, files, scratch, peers)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	for _, other := range otherVersions(mod, files["go.mod"]) {
		fmt.Fprintf(os.Stderr, "both builds run with the higher of two versions of a dependency: %s\n", other)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return errReported
	}
	return err
}

// workload is what is compared: the same work by each build, and the floor.
type workload struct {
	name   string
	floor  contender
	builds []contender
}

// workloads makes one for each way through the library, for these builds.
func (f *field) workloads(ctx context.Context, libraries []library) ([]workload, error) {
	floor, err := f.floor()
	if err != nil {
		return nil, err
	}
	floor.token = f.token
	refused, err := f.refusedTokens()
	if err != nil {
		return nil, err
	}
	var all []workload
	for i, l := range libraries {
		contenders, err := f.of(ctx, l, refused)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.path, err)
		}
		for n, c := range contenders {
			if i == 0 {
				all = append(all, workload{name: c.name, floor: floor})
			}
			all[n].builds = append(all[n].builds, c)
		}
	}
	return all, nil
}

// of makes one contender for each workload, all of one build, and tries each once.
func (f *field) of(ctx context.Context, l library, refused []refusedToken) ([]contender, error) {
	// Each has a cache of its own, if it has one, so that none finds what another has left.
	var all []contender
	for _, kind := range []struct {
		name  string
		cache int
		wrap  bool
	}{
		{"`Validate` in full", withoutCache, false},
		{"`Wrap` of 100 routes in full", withoutCache, true},
		{"`Validate` of a token seen before", withCache, false},
		{"`Wrap` of 100 routes, token seen before", withCache, true},
	} {
		validate, wrap, err := l.new(ctx, f.pool.ID(), f.pool.ClientID(), f.pool.JWKSURL(), kind.cache)
		if err != nil {
			return nil, err
		}
		c := contender{name: kind.name, worker: called(validate), token: f.token}
		if kind.wrap {
			c.worker = serve(wrap(routes()))
		}
		all = append(all, c)
	}
	validate, _, err := l.new(ctx, f.pool.ID(), f.pool.ClientID(), f.pool.JWKSURL(), withCache)
	if err != nil {
		return nil, err
	}
	if err := validate(ctx, f.token); err != nil { // its header is known from now on
		return nil, err
	}
	for _, r := range refused {
		name := "refusal of a " + r.name
		if r.before != "" {
			name = "refusal before the " + r.before + ": " + r.name
		}
		all = append(all, contender{name: name, worker: called(validate), token: r.token, refused: r.code, code: l.code})
	}
	for i := range all {
		all[i].key = l.path + ", " + all[i].name
		if err := all[i].measured()(); err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
	}
	return all, nil
}

func called(validate func(context.Context, string) error) func(token string) func() error {
	return func(token string) func() error {
		return func() error { return validate(context.Background(), token) }
	}
}

// measureBuilds compares this tree with the two copies of the old build.
func measureBuilds(ctx context.Context, rounds int, slot time.Duration) ([]comparison, error) {
	if err := distinct(libraries); err != nil {
		return nil, err
	}
	f, err := newPool()
	if err != nil {
		return nil, err
	}
	defer f.close()
	workloads, err := f.workloads(ctx, libraries)
	if err != nil {
		return nil, err
	}
	m, err := measureWorkloads(ctx, workloads, rounds, slot, rand.Perm, func(done int) {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", done, rounds)
	})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return nil, err
	}
	return m.comparisons(workloads)
}

// distinct makes sure that this is a comparison of three builds, and not of one
// with itself.
func distinct(libraries []library) error {
	var found []string
	for _, l := range libraries {
		found = append(found, l.path)
	}
	if want := append([]string{modulePath}, oldModules...); !slices.Equal(found, want) {
		return fmt.Errorf("found the builds %q, expected %q", found, want)
	}
	return nil
}

// measureWorkloads measures in rounds, on one CPU. In a round the workloads follow
// each other in random order, and within a workload the floor and the builds do,
// so that what is compared is measured in the same half second and nobody always
// follows the same neighbour. All builds do the same number of operations in a
// slot. order makes a permutation. In the measurement, the contenders of a
// workload come one after another: the floor, then each build.
func measureWorkloads(ctx context.Context, workloads []workload, rounds int, slot time.Duration, order func(int) []int, progress func(done int)) (*measurement, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	m := &measurement{slot: slot, rounds: rounds, times: map[int][][]float64{}}
	var all []contender
	for _, w := range workloads {
		for i, c := range append([]contender{w.floor}, w.builds...) {
			if i > 1 {
				m.ops = append(m.ops, m.ops[len(m.ops)-1])
			} else if n, err := calibrate(c, slot); err != nil {
				return nil, fmt.Errorf("%s: %w", c.key, err)
			} else {
				m.ops = append(m.ops, n)
			}
			all = append(all, c)
		}
	}
	m.times[1], m.fetch = make([][]float64, len(all)), make([]int, len(all))
	size := len(all) / len(workloads)
	for round := range rounds {
		for _, w := range order(len(workloads)) {
			for _, i := range order(size) {
				i += w * size
				if err := errors.Join(ctx.Err(), m.run(all[i], i, 1)); err != nil {
					return nil, fmt.Errorf("%s: %w", all[i].key, err)
				}
			}
		}
		progress(round + 1)
	}
	return m, nil
}

// comparisons are what measureWorkloads found, of three builds, and what each
// allocates.
func (m *measurement) comparisons(workloads []workload) (all []comparison, err error) {
	for n, w := range workloads {
		floor := n * (1 + len(w.builds))
		this, old, second := floor+1, floor+2, floor+3
		c := comparison{name: w.name, this: median(m.ratios(this, old, 1)), copy: median(m.ratios(second, old, 1))}
		for i, b := range w.builds {
			c.times[i], c.ratios[i] = median(m.times[1][this+i]), median(m.ratios(this+i, floor, 1))
			if c.allocs[i], c.bytes[i], err = allocations(b); err != nil {
				return nil, fmt.Errorf("%s: %w", b.key, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}
