// Command benchmarks measures the library and its peers on the same token, the
// same key and in the same run:
//
//	go run -tags jwx_goccy . [-rounds N] [-slot D] [-write] [-report]
//	go run . servers [-old REVISION] [-rounds N] [-slot D] [-conns N] [-write] [-report]
//	go run . scale [-rounds N] [-tokens N] [-write]
//	go run . compare [-old REVISION] [-rounds N] [-slot D]
//	go run . sample
//	go run . render
//
// It prints a table, and beside it the figures that the library is held to;
// with -write it keeps the results in results.json and puts the tables into the
// README files, which render does again without measuring. It fails if a figure
// is missed, unless -report is given. servers measures whole servers. compare measures this tree beside an older build of the library, and
// fails if this tree is worse. sample takes seconds: it shows that every peer in
// another process and every server gives its verdicts. Nothing else should run on the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

const resultsFile = "results.json"

// speedCommand is what is printed as the command.
const speedCommand = "go run -tags jwx_goccy . -write"

func main() {
	log.SetFlags(0)
	log.SetPrefix("benchmarks: ")
	command, args := "", os.Args[1:]
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "":
		err = speedMain(args)
	case "servers":
		err = serversMain(args)
	case "serve":
		err = serveMain(args)
	case "sample":
		err = sampleMain(args)
	case "scale":
		err = scaleMain(args)
	case "compare":
		err = compareMain(args)
	case "render":
		err = render()
	default:
		err = fmt.Errorf("there is no command %q", command)
	}
	if errors.Is(err, errReported) {
		os.Exit(1)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func render() error {
	r, err := loadResults(resultsFile)
	if err != nil {
		return err
	}
	return r.rewrite()
}

func speedMain(args []string) error {
	flags := flag.NewFlagSet("benchmarks", flag.ExitOnError)
	rounds := flags.Int("rounds", 30, "rounds")
	length := flags.Duration("slot", 100*time.Millisecond, "time of each contender in a round, for each number of CPUs")
	write := flags.Bool("write", false, "keep the results")
	report := flags.Bool("report", false, "a figure that is missed is no failure")
	_ = flags.Parse(args)
	if flags.NArg() > 0 || *rounds < 1 {
		flags.Usage()
		os.Exit(2)
	}
	if *write && !fastJSON {
		return errors.New("jwx has its best configuration only with -tags jwx_goccy: " + speedCommand)
	}
	if *write {
		if err := writable(); err != nil {
			return err
		}
	}
	s, err := measureSpeed(*rounds, *length)
	if err != nil {
		return err
	}
	fmt.Println(s.table())
	return finish(*write, *report, s.figures(), func(r *results) { r.Speed = s })
}

func measureSpeed(rounds int, length time.Duration) (*speed, error) {
	f, err := newField()
	if err != nil {
		return nil, err
	}
	defer f.close()
	if f.node.LeftOut != "" {
		fmt.Fprintln(os.Stderr, f.node)
	}
	m, err := measure(f.contenders, rounds, length, func(done int) {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", done, rounds)
	})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return nil, err
	}
	s := &speed{run: newRun(speedCommand, rounds), SlotMS: int(length.Milliseconds()), TokenBytes: len(f.token), FloorNS: int(median(m.times[1][0])), Node: f.node}
	if s.Rows, err = m.rows(f.contenders); err != nil {
		return nil, err
	}
	s.Memory, err = measureMemory(context.Background(), f.pool, mint(f.pool, defaultCache))
	return s, err
}

func scaleMain(args []string) error {
	flags := flag.NewFlagSet("benchmarks scale", flag.ExitOnError)
	rounds := flags.Int("rounds", 25, "rounds")
	tokens := flags.Int("tokens", defaultTokens, "tokens to sign; what needs more of them is simulated")
	write := flags.Bool("write", false, "keep the results")
	_ = flags.Parse(args)
	if flags.NArg() > 0 || *rounds < 1 || *tokens < 1000 {
		flags.Usage()
		os.Exit(2)
	}
	if *write {
		if err := writable(); err != nil {
			return err
		}
	}
	s, err := measureScale(context.Background(), *tokens, *rounds, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	})
	if err != nil {
		return err
	}
	fmt.Println(s.block())
	return finish(*write, false, results{Scale: s}.figures(), func(r *results) { r.Scale = s })
}

// finish prints the figures, keeps the results if told to, and complains about
// figures that are missed, unless it is only to report.
func finish(write, report bool, figures []figure, add func(*results)) error {
	fmt.Println(figuresTable(figures))
	if write {
		r, err := loadResults(resultsFile)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		add(&r)
		if err := r.save(resultsFile); err != nil {
			return err
		}
		if err := r.rewrite(); err != nil {
			return err
		}
	}
	missed := 0
	for _, f := range figures {
		if !f.met() {
			missed++
		}
	}
	if missed > 0 && !report {
		return fmt.Errorf("%d of %d figures are missed", missed, len(figures))
	}
	return nil
}
