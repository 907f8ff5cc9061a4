// Command mutants tests the tests of the library: it switches off every condition
// that leads to an error or a refusal, one at a time, and fails if the tests
// still pass.
//
//	go run ./internal/proof/mutants [-dir contrib/alb] [-every] [-changed] [-budget 3m] [-thorough] [-list] [-v] [-run regexp]
//
// The conditions are those of the package in -dir, which may be in a nested module,
// and of the packages under its internal folder, except kit, proof, and what nothing
// outside of that folder is built of. A mutant is killed if a test fails of the
// package itself, of another one of these packages, or of a package under internal,
// except internal/proof/soak, that depends on one of them. All mutants are in the
// test binaries at once, and an environment variable switches one of them on, so
// that nothing is compiled per mutant. README.md says why no other mutation tester
// is used.
//
// # What is a mutant
//
// A condition leads to a refusal if what it decides about
//
//   - returns an error that is not nil, or panics,
//   - returns the answer of a bool that refuses: false beside other results,
//     else what the callers refuse upon, else, where that cannot be seen, both,
//   - returns what a caller refuses upon by comparing it with a constant, as a
//     text that is not empty, or hands on what another function returns so,
//   - returns, where the function returns neither, nil instead of a pointer or
//     an interface, or a negative number: what was looked for is not there, or
//     is no good,
//   - stores an error, hands one to a function that takes it, or calls a
//     function that stores one, such as one that lists mistakes,
//   - assigns a variable or field on which another such condition depends.
//
// Where it is the other way round, and a condition lets something through that
// the rest of the function would refuse, it is switched to what lets through
// always.
//
// Conditions are looked for in if and case (of every kind of switch, and of
// select where it reads), in what is returned as a bool, in the operands of &&
// and || that are assigned to a variable on which a condition depends, and in
// what is given to a parameter that a function insists on, as in must(cond, …).
//
// In "if a || b { refuse }" a and b are a mutant each: without it the other
// one remains. In "if a && b { refuse }" the whole is one, which refuses no
// longer, and so are a and b, each left out, so that too much is refused. In
// "if a && b { return nil }; refuse", a and b are one each. And so on inwards.
//
// A condition is evaluated even when it is switched off, so that its side
// effects remain. A test can kill a mutant only if it reaches a point where the
// condition would have made a difference; only such tests are run, the fast
// ones first. A crash or a timeout counts as killed.
//
// # Every condition
//
// An adapter for a router refuses by not running the next handler, or by running
// another one, and that looks like anything else that a program does. So with -every
// each condition of an if and each case counts, and is switched off both ways, as far
// as it has two.
//
// # Exceptions
//
// A mutant that changes nothing which a test could see is excepted by a comment
// on its line, or above it:
//
//	// mutant: equivalent, the decoder has refused it already
//	// mutant: equivalent `len(s) > 64`, quoting less is no error
//	// mutant: equivalent `len(s) > 64 → false`, quoting less is no error
//
// The other forms are for a line that has several. An exception is an error if
// there is no such mutant, no reason, or if a test kills it after all. Because
// trying all tests on what none of them can kill takes longest, only the fast
// ones are tried, unless -thorough says otherwise.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

type options struct {
	dir      string
	every    bool
	changed  bool
	run      string
	budget   time.Duration
	list     bool
	verbose  bool
	thorough bool
	grace    time.Duration
	workers  int
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.dir, "dir", ".", "the package, which is tested with those under its internal folder")
	flag.BoolVar(&o.every, "every", false, "every condition of if and case, not only one that is seen to lead to a refusal")
	flag.BoolVar(&o.changed, "changed", false, "only files changed since the last tag, all if there is none")
	flag.StringVar(&o.run, "run", "", "only mutants whose line in -list matches this regular expression")
	flag.DurationVar(&o.budget, "budget", 0, "run no more mutants after this time, and fail if there was none (0: run all)")
	flag.BoolVar(&o.list, "list", false, "list the mutants and run none")
	flag.BoolVar(&o.verbose, "v", false, "say for each mutant which test kills it")
	flag.BoolVar(&o.thorough, "thorough", false, "try all tests on the excepted mutants, too")
	flag.DurationVar(&o.grace, "grace", 5*time.Second, "beyond four times what it takes without a mutant, after which a run has failed")
	flag.IntVar(&o.workers, "p", runtime.NumCPU(), "mutants that run at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := mutate(ctx, o, os.Stdout)
	stop()
	if err != nil {
		log.Fatal("mutants: ", err)
	}
}
