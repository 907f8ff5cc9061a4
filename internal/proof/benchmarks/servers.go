package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Whole servers: each is a process with an HTTP server of 100 routes on loopback,
// and one load generator asks one after another, in rounds. A server in Go gets one
// CPU (GOMAXPROCS=1), which is what one process of Node.js has, and the generator
// has another.

// The modules of the peers that are measured both ways.
var (
	golangJWTModules = []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}
	auth0Modules     = []string{"github.com/auth0/go-jwt-middleware/v2"}
)

const serversCommand = "go run . servers -write"

// servers is what they did.
type servers struct {
	run
	SlotMS  int         `json:"slot_ms"`
	Conns   int         `json:"connections"`
	CPUs    int         `json:"cpus"` // of a server in Go
	Node    *nodeInfo   `json:"node,omitempty"`
	LeftOut string      `json:"old_left_out,omitempty"` // why there is no old build
	Rows    []serverRow `json:"rows"`
}

// serverRow is one server: medians over the rounds.
type serverRow struct {
	Key       string  `json:"key"`
	Name      string  `json:"name"`
	Version   string  `json:"version,omitempty"`
	As        string  `json:"as"`
	PerSecond float64 `json:"requests_per_second"`
	OverMux   float64 `json:"requests_over_mux"` // of the same round
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	CPU       float64 `json:"cpu_us_per_request"` // of the server's process
	Busy      float64 `json:"cpu_busy"`           // of one CPU, while asked
}

// server is one that runs.
type server struct {
	contender // its verdicts, by HTTP
	process   *child
	addr      string
}

func serversMain(args []string) error {
	flags := flag.NewFlagSet("benchmarks servers", flag.ExitOnError)
	old := flags.String("old", oldRevision, "git `revision` of the build to compare with, none if empty")
	without := flags.String("without-old", "", "`why` there is no old build (the program sets it)")
	rounds := flags.Int("rounds", 20, "rounds")
	length := flags.Duration("slot", time.Second, "time of each server in a round")
	conns := flags.Int("conns", 16, "connections")
	cpus := flags.Int("cpus", 1, "CPUs of a server in Go (GOMAXPROCS)")
	write := flags.Bool("write", false, "keep the results")
	report := flags.Bool("report", false, "a figure that is missed is no failure")
	_ = flags.Parse(args)
	if flags.NArg() > 0 || *rounds < 1 || *conns < 1 || *cpus < 1 || *length <= 0 {
		flags.Usage()
		os.Exit(2)
	}
	if *write {
		if err := writable(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *old != "" && *without == "" && len(libraries) == 1 {
		why, err := serversWith(ctx, *old, args)
		if why == "" {
			return err
		}
		*without = why
	} else if *old == "" {
		*without = "-old names none"
	}
	s, err := measureServers(ctx, *rounds, *conns, *cpus, *length, *without)
	if err != nil {
		return err
	}
	fmt.Println(s.block())
	return finish(*write, *report, s.figures(), func(r *results) { r.Servers = s })
}

// serversWith runs this command in a program that has the old build as well. If
// there is no such revision here, it says so in why and nothing was run.
func serversWith(ctx context.Context, revision string, args []string) (why string, err error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return "", err
	}
	files, commit, err := readRevision(ctx, root, revision)
	if err != nil {
		return err.Error(), nil
	}
	return "", runWith(ctx, files, true, append(append([]string{"servers"}, args...), "-old", commit))
}

// startServers starts all of them; all that were started are in f.children.
func (f *field) startServers(ctx context.Context, cpus int) (all []*server, err error) {
	type description struct {
		contender
		node bool
	}
	const ours = "cognitoauth"
	descriptions := []description{
		{contender: contender{key: "server-mux", name: "no authentication", as: "the 100 routes alone", anyClient: true, anyIssuer: true, anyExpiry: true, anySignature: true}},
		{contender: contender{key: "server-hit", name: ours, as: "`Wrap`, token seen before"}},
		{contender: contender{key: "server-full", name: ours, as: "`Wrap` in full, no cache"}},
	}
	if len(libraries) > 1 {
		descriptions = append(descriptions,
			description{contender: contender{key: "server-old-hit", name: ours + ", old build", as: "`Wrap`, token seen before"}},
			description{contender: contender{key: "server-old-full", name: ours + ", old build", as: "`Wrap` in full, no cache"}})
	}
	descriptions = append(descriptions,
		description{contender: contender{key: "server-golang-jwt", name: "golang-jwt, keyfunc", modules: golangJWTModules, as: "one `Parser` with options, a claims type with `Validate`"}},
		description{contender: contender{key: "server-auth0", name: "auth0/go-jwt-middleware", modules: auth0Modules, as: "`CheckJWT`"}},
		description{contender: contender{key: "server-express", name: "Express, aws-jwt-verify", as: "`verify` in a middleware"}, node: true})
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, d := range descriptions {
		cmd := exec.CommandContext(ctx, self, "serve", d.key)
		cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cpus))
		if d.node {
			program, err := node(ctx)
			if why, ok := errors.AsType[missing](err); ok {
				f.node = &nodeInfo{LeftOut: why.Error()}
				continue
			}
			if err != nil {
				return nil, err
			}
			cmd = exec.CommandContext(ctx, program, "server.mjs")
			cmd.Dir, cmd.Env = nodeFolder, append(os.Environ(), "NODE_ENV=production")
		}
		s, err := f.startServer(ctx, d.contender, cmd)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (f *field) startServer(ctx context.Context, c contender, cmd *exec.Cmd) (*server, error) {
	process, word, rest, err := startChild(ctx, c.key, cmd, placeOf(f.pool))
	if err != nil {
		return nil, err
	}
	f.children = append(f.children, process)
	addr, rest, of := strings.Cut(rest, " ")
	if word != "listening" {
		return nil, fmt.Errorf("%s: answered %.200q, expected where it listens", c.key, word)
	}
	if of { // only Node.js says more
		who, err := aboutOf(word, rest, "listening", 2)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.key, err)
		}
		f.node = &nodeInfo{Version: who.Node, OpenSSL: who.OpenSSL}
		c.version = "v" + strings.Join(who.Versions, ", v")
	}
	c.token, c.worker = f.token, asked(ctx, "http://"+addr+"/me")
	s := &server{contender: c, process: process, addr: addr}
	return s, s.tried(f)
}

// tried fails if the server does not give its verdicts: what it does in a second
// would say nothing.
func (s *server) tried(f *field) error {
	for _, fault := range faults(f.pool, f.stranger, s.contender) {
		return fmt.Errorf("%s: %s", s.key, fault)
	}
	return nil
}

// asked gives the verdict of a server: 204 or 401. Anything else is another's fault.
func asked(ctx context.Context, url string) func(token string) func() error {
	return func(token string) func() error {
		return func() error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			r.Header.Set("Authorization", "Bearer "+token)
			w, err := http.DefaultClient.Do(r)
			if err != nil {
				return broken{err}
			}
			_ = w.Body.Close()
			switch w.StatusCode {
			case http.StatusNoContent:
				return nil
			case http.StatusUnauthorized:
				return errors.New("refused with 401")
			}
			return broken{fmt.Errorf("status %d", w.StatusCode)}
		}
	}
}

// request is what the generator sends.
func (s *server) request() []byte {
	return fmt.Appendf(nil, "GET /me HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", s.addr, s.token)
}

// slotOf is one server under load for a time.
type slotOf struct {
	load
	cpu time.Duration
}

func (s *server) slot(ctx context.Context, conns int, d time.Duration) (slotOf, error) {
	var begin, end time.Duration
	ask := func(into *time.Duration) func() error {
		return func() (err error) {
			*into, err = s.process.nanoseconds(ctx, "cpu", "cpu")
			return err
		}
	}
	runtime.GC() // of the generator
	l, err := generate(ctx, s.addr, s.request(), http.StatusNoContent, conns, d, ask(&begin), ask(&end))
	if err != nil {
		return slotOf{}, fmt.Errorf("%s: %w", s.key, err)
	}
	if len(l.latencies) == 0 {
		return slotOf{}, fmt.Errorf("%s: answered nothing", s.key)
	}
	return slotOf{l, end - begin}, nil
}

func measureServers(ctx context.Context, rounds, conns, cpus int, d time.Duration, leftOut string) (*servers, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f, err := newPool()
	if err != nil {
		return nil, err
	}
	defer f.close()
	all, err := f.startServers(ctx, cpus)
	if err != nil {
		return nil, err
	}
	slots := make([][]slotOf, len(all))
	for round := range rounds + 1 {
		for i := range all {
			i = (i + round) % len(all)
			one, err := all[i].slot(ctx, conns, d)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first is to warm up: Node.js compiles while it runs
				slots[i] = append(slots[i], one)
			}
		}
		fmt.Fprintf(os.Stderr, "\rround %d of %d", round, rounds)
	}
	fmt.Fprintln(os.Stderr)
	s := &servers{run: newRun(serversCommand, rounds), SlotMS: int(d.Milliseconds()), Conns: conns, CPUs: cpus, Node: f.node, LeftOut: leftOut}
	for i := range all {
		s.Rows = append(s.Rows, all[i].row(slots[i], slots[0]))
	}
	return s, nil
}

// row is what the server did in its slots, beside the bare mux's in the same rounds.
func (s *server) row(slots, mux []slotOf) serverRow {
	over := func(figure func(i int) float64) float64 {
		all := make([]float64, len(slots))
		for i := range all {
			all[i] = figure(i)
		}
		return round4(median(all))
	}
	micro := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return serverRow{Key: s.key, Name: s.name, Version: s.versions(), As: s.as,
		PerSecond: over(func(i int) float64 { return slots[i].perSecond() }),
		OverMux:   over(func(i int) float64 { return slots[i].perSecond() / mux[i].perSecond() }),
		P50:       over(func(i int) float64 { return micro(percentile(slots[i].latencies, 0.50)) }),
		P99:       over(func(i int) float64 { return micro(percentile(slots[i].latencies, 0.99)) }),
		CPU:       over(func(i int) float64 { return micro(slots[i].cpu) / float64(len(slots[i].latencies)) }),
		Busy:      over(func(i int) float64 { return slots[i].cpu.Seconds() / slots[i].took.Seconds() }),
	}
}

// row is the one of that server, nil if there is none.
func (s *servers) row(key string) *serverRow {
	i := slices.IndexFunc(s.Rows, func(r serverRow) bool { return r.Key == key })
	if i < 0 {
		return nil
	}
	return &s.Rows[i]
}
