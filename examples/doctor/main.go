// Command doctor tells why a token is refused: every check that the library
// makes, passed or failed, what was found, what was expected, and the line of
// configuration that mends it.
//
//	go run ./examples/doctor -pool eu-west-1_EXAMPLE01 -client 1example23456789 < token.txt
//
// The token comes on standard input, never as an argument, where other users of
// the machine could read it, and no part of it is ever printed. The checks rest
// on cognitoauth.Middleware.Explain, in examine.go; surroundings.go looks at the
// key set, the discovery document and the clocks.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// The exit codes: what is to blame. Of several faults that of the first check
// counts, in the order in which the middleware makes them; the surroundings come
// last.
const (
	exitGood        = iota
	exitBroken      // the doctor itself: its output cannot be written
	exitUsage       // flags, configuration, or no token to look at
	exitForm        // this is no token, or no token of a user pool
	exitMeant       // a good token, for somebody else
	exitTime        // expired, not valid yet, or a clock is off
	exitKey         // the key is unknown, or the signature another's
	exitUnreachable // key set or discovery document
	exitDisagree    // discovery document and configuration
)

var causes = []string{"none", "doctor", "usage", "form", "meant for somebody else", "time", "key or signature", "unreachable", "disagreement"}

const usage = `usage: doctor -pool ID -client ID [flags] < token

Without -pool the configuration is that of the environment, as
cognitoauth.FromEnv reads it (COGNITO_USER_POOL_ID, COGNITO_CLIENT_IDS, ...).

`

const usageExit = `
exit codes:
  0  everything passes
  1  the doctor could not write its output
  2  flags, configuration, or no token on standard input
  3  not a token of a user pool: form, header, payload
  4  meant for somebody else: issuer, kind, client, audience
  5  time: expired, not valid yet, too long; or this machine's clock
  6  key unknown, or signature invalid
  7  key set or discovery document cannot be reached
  8  discovery document and configuration disagree
The first fault counts, in the order of the checks, those of the token first. The
library needs no discovery document: if only that is missing or disagrees, the
token is admitted all the same.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := doctor{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now, asks: terminal(os.Stdin),
		colour: coloured(terminal(os.Stdout), os.Getenv)}
	os.Exit(d.run(ctx, os.Args[1:]))
}

// terminal reports whether somebody sits at f: it is a character device, and
// not the one where things are thrown away.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// coloured reports whether the output gets colour (https://no-color.org).
func coloured(terminal bool, getenv func(string) string) bool {
	return terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// doctor is the program and what it touches.
type doctor struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	asks     bool // a person types what in reads
	colour   bool
}

// run is the program without its process; it returns the exit code.
func (d *doctor) run(ctx context.Context, args []string) int {
	// What the flag package and New complain about they quote.
	if slices.ContainsFunc(args, tokenLike) {
		fmt.Fprintln(d.err, "doctor: an argument looks like a token. Arguments can be read by other users of this machine: give it on standard input.")
		return exitUsage
	}
	cfg, asJSON, err := d.configure(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitGood
	case err != nil:
		fmt.Fprintln(d.err, "doctor:", err)
		return exitUsage
	}
	if d.asks {
		fmt.Fprintln(d.err, "Paste the token, then Enter and Ctrl-D.")
	}
	token, input, err := readToken(d.in)
	if err != nil {
		fmt.Fprintln(d.err, "doctor:", err)
		return exitUsage
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r := &report{Checks: []check{input}}
	if auth, err := cognitoauth.New(cfg); err != nil {
		r.add(check{Name: "configuration", Status: failed, Why: err.Error(), exit: exitUsage})
	} else {
		r.add(check{Name: "configuration", Status: passed, Found: "pool " + cfg.Pools[0].ID + ", clients " + strings.Join(cfg.Pools[0].ClientIDs, ", ")})
		e := &examination{pool: cfg.Pools[0], auth: auth, claims: peek(token), now: d.now, leeway: cmp.Or(cfg.Leeway, 30*time.Second)}
		e.keys = auth.Ready(ctx) // before Explain, which needs them for a good token alone
		r.add(e.token(ctx, token)...)
		r.add(e.surroundings(ctx, r)...)
	}
	r.conclude(token)
	if asJSON {
		err = r.writeJSON(d.out)
	} else {
		err = r.writeText(d.out, d.colour)
	}
	if err != nil {
		return exitBroken
	}
	return r.Exit
}

// configure makes a Config of the flags, and of the environment where they do
// not name a pool.
func (d *doctor) configure(args []string) (cfg cognitoauth.Config, asJSON bool, err error) {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(d.err)
	flags.Usage = func() {
		fmt.Fprint(d.err, usage)
		flags.PrintDefaults()
		fmt.Fprint(d.err, usageExit)
	}
	pool := flags.String("pool", "", "user pool `ID` (Pool.ID)")
	clients := flags.String("client", "", "app client `IDs`, separated by commas (Pool.ClientIDs)")
	use := flags.String("use", "", "kind of token: access, the default, or id (Pool.TokenUse)")
	audiences := flags.String("audience", "", "resource `identifiers`, separated by commas (Pool.Audiences)")
	replicas := flags.String("replicas", "", "further `regions` of a multi-Region pool, separated by commas (Pool.ReplicaRegions)")
	lifetime := flags.Duration("max-lifetime", 0, "longest life of a token, 24h by default (Pool.MaxLifetime)")
	bytes := flags.Int("max-bytes", 0, "longest token in `bytes`, 32 KiB by default (Config.MaxTokenBytes)")
	anyClient := flags.Bool("any-client", false, "accept every app client of the pool (Pool.DangerouslyAllowAnyClient)")
	registered := flags.Bool("registered", false, "accept users' tokens for one of the audiences from clients that are not listed (Pool.RegisteredClients)")
	issuer := flags.String("issuer", "", "`URL` of an emulator's issuer (Pool.Issuer)")
	keys := flags.String("jwks", "", "`URL` of the key set, if elsewhere (Pool.JWKSURL)")
	insecure := flags.Bool("allow-http", false, "allow http for the key set on any host (Pool.DangerouslyAllowHTTP)")
	leeway := flags.Duration("leeway", 0, "clock skew that is forgiven, 30s by default (Config.Leeway)")
	flags.BoolVar(&asJSON, "json", false, "write JSON")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return cfg, asJSON, err
		}
		return cfg, asJSON, errors.New("see doctor -h")
	}
	if flags.NArg() > 0 {
		return cfg, asJSON, errors.New("an argument that is no flag: the token is read from standard input")
	}
	if *pool == "" {
		if cfg, err = cognitoauth.FromEnv(); err != nil {
			return cfg, asJSON, fmt.Errorf("no -pool, and no configuration in the environment:\n%w", err)
		}
	} else {
		cfg.Pools = []cognitoauth.Pool{{ID: *pool}}
	}
	p := &cfg.Pools[0]
	cfg.Now, cfg.Leeway, cfg.MaxTokenBytes = d.now, cmp.Or(*leeway, cfg.Leeway), *bytes
	p.TokenUse, p.Issuer, p.JWKSURL = cmp.Or(cognitoauth.TokenUse(*use), p.TokenUse), cmp.Or(*issuer, p.Issuer), cmp.Or(*keys, p.JWKSURL)
	p.MaxLifetime, p.DangerouslyAllowHTTP, p.DangerouslyAllowAnyClient, p.RegisteredClients = *lifetime, *insecure, *anyClient, *registered
	for field, list := range map[*[]string]string{&p.ClientIDs: *clients, &p.Audiences: *audiences, &p.ReplicaRegions: *replicas} {
		if list != "" {
			*field = strings.Split(list, ",")
		}
	}
	return cfg, asJSON, nil
}
