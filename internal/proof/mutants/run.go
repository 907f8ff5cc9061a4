package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// suite is the test binaries and what their tests reach.
type suite struct {
	binaries []*binary
	scratch  string
	workers  int
	tests    []*test
	launch   time.Duration // what every run takes, whatever it tests
	total    time.Duration // what all tests take beyond that
	// grace is what a run may take beyond a multiple of what it takes without a
	// mutant.
	grace time.Duration
	// thorough tries all tests on an excepted mutant, too.
	thorough bool
}

// binary is the tests of one package.
type binary struct {
	path  string
	dir   string // where the tests run
	room  string // the package as a report names it, with a dot behind it: "" for the main package
	names []string
}

// test is one function of the suite.
type test struct {
	*binary

	name    string
	took    time.Duration // beyond the launch
	reached []int
}

// String is the name of a test in a report.
func (t *test) String() string { return t.room + t.name }

// verdict is what became of one mutant.
type verdict struct {
	*mutant
	covering []string
	done     bool
	killer   string // "" if it survived
	late     bool   // killed by the time limit
	excepted *exception
}

// build makes the test binaries, in which all packages under test are rewritten.
func build(ctx context.Context, s *source, all []*mutant, o options, scratch string) (*suite, error) {
	replace, err := overlay(s, all, scratch)
	if err != nil {
		return nil, err
	}
	t := &suite{scratch: scratch, workers: o.workers, grace: o.grace, thorough: o.thorough}
	for i, l := range s.judges {
		b := &binary{path: filepath.Join(scratch, strconv.Itoa(i)+".test"), dir: l.Dir}
		if l.ImportPath != s.path {
			b.room = strings.TrimPrefix(l.ImportPath, s.path+"/") + "."
		}
		t.binaries = append(t.binaries, b)
	}
	err = t.each(ctx, len(t.binaries), func(ctx context.Context, i int) error { return t.binaries[i].build(ctx, replace) })
	for _, b := range t.binaries {
		for _, name := range b.names {
			t.tests = append(t.tests, &test{binary: b, name: name})
		}
	}
	return t, err
}

// build makes the binary and lists its tests.
func (b *binary) build(ctx context.Context, replace string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", replace, "-o", b.path, ".")
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	out, _, err := b.exec(ctx, nil, time.Minute, "-test.list=^(Test|Fuzz|Example)")
	if err != nil {
		return fmt.Errorf("listing the tests: %w\n%s", err, out)
	}
	b.names = strings.Fields(string(out))
	return nil
}

// exec runs the binary once. A failing test is no error of exec's.
func (b *binary) exec(ctx context.Context, env []string, limit time.Duration, args ...string) (out []byte, passed bool, err error) {
	// The binary ends itself at the limit; the context is for one that cannot.
	own, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(own, b.path, append(args, "-test.timeout="+limit.String())...)
	cmd.Dir = b.dir
	cmd.Env = append(append(os.Environ(), mutantEnv+"=", reachedEnv+"="), env...)
	cmd.WaitDelay = time.Second
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out, true, nil
	case ctx.Err() != nil:
		return out, false, context.Cause(ctx)
	case errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) || own.Err() != nil:
		return out, false, nil
	}
	return out, false, err
}

// firstLimit bounds a test of which nobody knows how long it takes.
const firstLimit = 5 * time.Minute

// measure runs each test alone, without a mutant: all pass, and each says which
// mutants it reaches.
func (s *suite) measure(ctx context.Context) error {
	err := s.each(ctx, len(s.tests), func(ctx context.Context, i int) error {
		t := s.tests[i]
		log := filepath.Join(s.scratch, fmt.Sprintf("reached.%d", i))
		start := time.Now()
		out, passed, err := t.exec(ctx, []string{reachedEnv + "=" + log}, firstLimit, "-test.run=^"+t.name+"$")
		t.took = time.Since(start)
		switch {
		case err != nil:
			return err
		case !passed:
			return fmt.Errorf("%v fails without a mutant:\n%s", t, out)
		}
		t.reached, err = readNumbers(log)
		return err
	})
	if len(s.tests) > 0 {
		s.launch = slices.MinFunc(s.tests, byTime).took
	}
	for _, t := range s.tests {
		t.took -= s.launch
		s.total += t.took
	}
	return err
}

func byTime(a, b *test) int { return cmp.Compare(a.took, b.took) }

// readNumbers reads what a run has reached; no file if that was nothing.
func readNumbers(name string) ([]int, error) {
	doc, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var all []int
	for _, line := range strings.Fields(string(doc)) {
		n, err := strconv.Atoi(line)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// each calls do for 0 to n-1, a few at a time. The first error ends it.
func (s *suite) each(ctx context.Context, n int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for range s.workers {
		running.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// kill runs the tests that reach a mutant, the fast ones first, several at a
// time, until one fails. An excepted mutant, which none is expected to kill,
// gets only the fastest unless the suite is thorough.
func (s *suite) kill(ctx context.Context, v *verdict) error {
	tests := s.covering(v.mutant)
	for _, t := range tests {
		v.covering = append(v.covering, t.String())
	}
	for share := 100 * time.Millisecond; len(tests) > 0 && v.killer == ""; share *= 2 {
		n, sum := 1, tests[0].took
		for n < len(tests) && sum+tests[n].took <= share {
			n, sum = n+1, sum+tests[n].took
		}
		if err := s.try(ctx, v, tests[:n], 4*(s.launch+sum)+s.grace); err != nil {
			return err
		}
		tests = tests[n:]
		if v.excepted != nil && !s.thorough {
			break
		}
	}
	v.done = true
	return nil
}

// try runs some tests on a mutant, those of one package at a time.
func (s *suite) try(ctx context.Context, v *verdict, tests []*test, limit time.Duration) error {
	for _, b := range s.binaries {
		var names []string
		for _, t := range tests {
			if t.binary == b {
				names = append(names, t.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		out, passed, err := b.exec(ctx, []string{mutantEnv + "=" + strconv.Itoa(v.id)}, limit,
			"-test.failfast", "-test.run=^("+strings.Join(names, "|")+")$")
		if err != nil {
			return err
		}
		if !passed {
			v.killer, v.late = blame(out, names)
			v.killer = b.room + v.killer
			return nil
		}
	}
	return nil
}

// covering is the tests that reach a mutant, the fastest first.
func (s *suite) covering(m *mutant) []*test {
	var tests []*test
	for _, t := range s.tests {
		if slices.Contains(t.reached, m.id) {
			tests = append(tests, t)
		}
	}
	slices.SortStableFunc(tests, byTime)
	return tests
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// blame reads from the output of a run which test failed, and whether it was
// the time limit that ended it.
func blame(out []byte, names []string) (killer string, late bool) {
	late = bytes.Contains(out, []byte("panic: test timed out"))
	if m := failure.FindSubmatch(out); m != nil {
		return string(m[1]), late
	}
	return strings.Join(names, " or "), late
}
