// Command soak sends good and bad tokens, mixed, through the middleware over
// real HTTP for some time, while keys rotate and the key endpoint fails every
// third fetch:
//
//	go run ./internal/proof/soak -duration 30s
//
// It fails if one good request is refused, if one bad request reaches the
// handler or is refused for another reason than its own, or if, from the mark
// to the end, goroutines or live heap have grown. All traffic pauses for the two
// measurements, so that they compare the same thing.
//
// A new key is published every 5 s, 15 s before it signs. Nothing but a token of
// an unknown kid makes the library fetch between its hourly refreshes, and such
// tokens are among the bad ones: so it fetches 10 s after each success and, in at
// most 1.25 s more, after a failure. That is before any key signs. With
// -unknown=false there are no such tokens; then the first token of a new key is
// what asks for it, and good requests are answered 503 for the second after a
// fetch that failed.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// plan is what a run does.
type plan struct {
	duration, mark time.Duration
	clients        int
	rate           float64 // requests a second by each client
	every, lead    time.Duration
	failEvery      int
	unknown        bool

	pool, other *cognitotest.Pool // whose tokens are sent, and a stranger

	// newKey makes a signing key, and wrap protects the handler. Tests replace
	// them.
	newKey func() *rsa.PrivateKey
	wrap   func(*cognitoauth.Middleware, http.Handler) http.Handler
}

func flags() plan {
	p := plan{newKey: newKey, wrap: (*cognitoauth.Middleware).Wrap}
	flag.DurationVar(&p.duration, "duration", 30*time.Second, "how long to run")
	flag.DurationVar(&p.mark, "mark", 10*time.Second, "when to take the figures that those at the end are compared with")
	flag.IntVar(&p.clients, "clients", 64, "how many clients there are, each with a connection of its own")
	flag.Float64Var(&p.rate, "rate", 10, "how many requests a second a client makes")
	flag.DurationVar(&p.every, "every", 5*time.Second, "how often a new key is published")
	flag.DurationVar(&p.lead, "lead", 15*time.Second, "how long it is published before it signs")
	flag.IntVar(&p.failEvery, "fail", 3, "every which fetch of the key set fails; 0: none")
	flag.BoolVar(&p.unknown, "unknown", true, "send tokens whose kid no key has")
	flag.Parse()
	return p
}

func (p plan) check() error {
	switch {
	case p.mark <= 0 || p.duration <= p.mark:
		return fmt.Errorf("-duration %s must be longer than -mark %s, and that than 0", p.duration, p.mark)
	case p.clients < 1 || p.rate <= 0 || p.every <= 0 || p.lead < 0 || p.failEvery < 0:
		return fmt.Errorf("-clients, -rate and -every must be positive, -lead and -fail not negative")
	}
	return nil
}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // rand.Reader never fails
	}
	return key
}

func main() {
	p := flags()
	if err := p.check(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := p.start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	fmt.Print(r)
	if faults := append(r.answers(p), r.leaks()...); len(faults) > 0 {
		fmt.Println("soak: FAILED: " + strings.Join(faults, "; "))
		os.Exit(1)
	}
	fmt.Println(r.figure())
}

// start runs the plan with two pools whose keys are made for it.
func (p plan) start(ctx context.Context) (_ *result, err error) {
	if p.pool, err = cognitotest.Start(cognitotest.Options{InProcess: true}); err != nil {
		return nil, err
	}
	defer p.pool.Close()
	if p.other, err = cognitotest.Start(cognitotest.Options{InProcess: true, ID: "eu-west-1_Stranger1"}); err != nil {
		return nil, err
	}
	defer p.other.Close()
	return p.run(ctx)
}
