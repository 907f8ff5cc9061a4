package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

var errBudget = errors.New("the budget is used up")

// mutate is the program. Its last line on out is the sum.
func mutate(ctx context.Context, o options, out io.Writer) error {
	r := report{out: out, start: time.Now()}
	if o.budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.budget, errBudget)
		defer cancel()
	}
	s, err := load(ctx, o.dir)
	if err != nil {
		return err
	}
	all := find(s, o.every)
	if len(all) == 0 && !o.every {
		return fmt.Errorf("%s has no condition that leads to a refusal", s.path)
	}
	allowed, faults := exceptions(s, all)
	chosen, err := choose(ctx, s, all, o)
	if err != nil {
		return err
	}
	if o.list {
		for _, v := range chosen {
			fmt.Fprintln(out, v.mutant)
		}
		fmt.Fprintf(out, "mutants: %d\n", len(chosen))
		return complain(out, faults)
	}
	r.verdicts, r.faults = chosen, faults
	for _, v := range chosen {
		for _, e := range allowed {
			if slices.Contains(e.mutants, v.mutant) {
				v.excepted = e
			}
		}
	}
	if len(chosen) > 0 {
		if err := r.try(ctx, s, all, o); err != nil {
			return err
		}
	}
	return r.print(o.verbose)
}

func complain(out io.Writer, faults []string) error {
	for _, fault := range faults {
		fmt.Fprintln(out, fault)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d wrong exceptions", len(faults))
	}
	return nil
}

// String is the line of a mutant.
func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.file.name, m.line, m.column, m.change())
}

// change is the condition and what it is switched to.
func (m *mutant) change() string {
	words := map[bool]string{false: "false", true: "true"}
	if m.place != operand {
		words = map[bool]string{false: "never", true: "always"}
	}
	return m.source + " → " + words[m.to]
}

// choose returns the mutants that the flags ask for.
func choose(ctx context.Context, s *source, all []*mutant, o options) ([]*verdict, error) {
	pattern, err := regexp.Compile(o.run)
	if err != nil {
		return nil, err
	}
	files := func(string) bool { return true }
	if o.changed {
		if files, err = changed(ctx, s.dir); err != nil {
			return nil, err
		}
	}
	var chosen []*verdict
	for _, m := range all {
		if files(m.file.name) && pattern.MatchString(m.String()) {
			chosen = append(chosen, &verdict{mutant: m})
		}
	}
	if len(chosen) == 0 && len(all) > 0 && !o.changed {
		return nil, errors.New("no mutant fits the flags")
	}
	return chosen, nil
}

// changed tells of a file in dir whether it differs from what it was at the
// last tag. Without a tag, or outside of a repository, all do.
func changed(ctx context.Context, dir string) (func(name string) bool, error) {
	git := func(args ...string) (string, error) {
		// Whoever owns the checkout, nothing in it is run.
		cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "safe.directory=*"}, args...)...)
		cmd.Dir = dir
		text, err := cmd.Output()
		return string(text), err
	}
	tag, err := git("describe", "--tags", "--abbrev=0")
	if err != nil {
		return func(string) bool { return true }, ctx.Err()
	}
	differ, err := git("diff", "--name-only", "--relative", strings.TrimSpace(tag), "--", ".")
	if err != nil {
		return nil, fmt.Errorf("git diff: %w", err)
	}
	fresh, err := git("ls-files", "--others", "--exclude-standard", ".")
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	names := map[string]bool{}
	for _, name := range strings.Split(differ+fresh, "\n") {
		names[name] = true
	}
	return func(name string) bool { return names[name] }, nil
}

// report is what came of the mutants.
type report struct {
	out      io.Writer
	verdicts []*verdict
	faults   []string
	suite    *suite
	start    time.Time
	ready    time.Duration // when the mutants could begin
	missed   int           // mutants that the budget did not suffice for
}

// try builds, measures, and runs the mutants. That time runs out on the way is
// left to print.
func (r *report) try(ctx context.Context, s *source, all []*mutant, o options) error {
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if r.suite, err = build(ctx, s, all, o, scratch); err == nil {
		err = r.suite.measure(ctx)
	}
	r.ready = time.Since(r.start)
	if err == nil {
		order := rand.Perm(len(r.verdicts)) // or the budget would always end before the same ones
		err = r.suite.each(ctx, len(order), func(ctx context.Context, i int) error {
			return r.suite.kill(ctx, r.verdicts[order[i]])
		})
	}
	for _, v := range r.verdicts {
		if !v.done {
			r.missed++
		}
	}
	if context.Cause(ctx) == errBudget {
		return nil
	}
	return err
}

// print writes what needs attention, and the sum as the last line.
func (r *report) print(verbose bool) error {
	killed, survived, excepted, late := 0, 0, 0, 0
	for _, v := range r.verdicts {
		switch {
		case !v.done:
		case v.killer != "":
			killed++
			if v.late {
				late++
			}
			if v.excepted != nil {
				r.faults = append(r.faults, fmt.Sprintf("%s: not equivalent: %s kills %s", v.excepted.at, v.killer, v.change()))
			}
			if verbose {
				fmt.Fprintf(r.out, "%v: killed by %s\n", v, v.killer)
			}
		case v.excepted != nil:
			excepted++
			fmt.Fprintf(r.out, "%v: excepted: %s\n", v, v.excepted.reason)
		default:
			survived++
			fmt.Fprintf(r.out, "%v: SURVIVED, %s\n", v, v.reach())
		}
	}
	err := complain(r.out, r.faults)
	if survived > 0 {
		err = fmt.Errorf("%d conditions can be switched off without a test failing", survived)
	}
	if r.missed > 0 {
		fmt.Fprintf(r.out, "mutants: the budget ended the run before %d more\n", r.missed)
	}
	run := killed + survived + excepted
	if r.missed > 0 && run == 0 {
		err = errors.Join(err, errBudget)
	}
	if r.suite != nil {
		fmt.Fprintf(r.out, "mutants: %d tests of %d packages, %.1fs without a mutant and %dms to launch; ready after %.0fs; %d killed by the time limit\n",
			len(r.suite.tests), len(r.suite.binaries), r.suite.total.Seconds(), r.suite.launch.Milliseconds(), r.ready.Seconds(), late)
	}
	fmt.Fprintf(r.out, "mutants: %d of %d run, %d killed, %d survived, %d excepted, in %.0fs\n",
		run, run+r.missed, killed, survived, excepted, time.Since(r.start).Seconds())
	return err
}

// reach tells which tests could have killed the mutant.
func (v *verdict) reach() string {
	if len(v.covering) == 0 {
		return "no test gets to where it would make a difference"
	}
	return "though reached by " + strings.Join(v.covering, ", ")
}
