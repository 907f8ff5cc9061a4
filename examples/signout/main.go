// Command signout signs a user out on one instance of an API and shows that another
// instance refuses the token, and when:
//
//	go -C examples/signout run .
//
// With redis-server installed, it starts one and two instances, each a process of
// its own. Without, or with -embedded, both run in this process, and a store in
// memory takes the place of Redis. -redis names a server that runs already. With
// -serve it prints curl commands and goes on until Ctrl-C.
//
// api.go has what an API needs; instance.go and redis.go start the instances.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

func main() {
	if text := os.Getenv(variable); text != "" {
		if err := serveChild(text); err != nil {
			fmt.Fprintln(os.Stderr, "signout, instance:", err)
			os.Exit(1)
		}
		return
	}
	var o choice
	flag.StringVar(&o.redis, "redis", "", "`address` of a Redis or Valkey that runs already")
	flag.BoolVar(&o.embedded, "embedded", false, "one process and a store in memory, without Redis")
	stay := flag.Bool("serve", false, "print curl commands, and go on until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *stay, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "signout:", err)
		os.Exit(1)
	}
}

// choice is what stands between the instances.
type choice struct {
	redis    string
	embedded bool
}

func run(ctx context.Context, o choice, stay bool, out io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	s := settings{Pool: pool.ID(), Client: pool.ClientID(), JWKS: pool.JWKSURL(), Redis: o.redis, Secret: make([]byte, 32)}
	_, _ = rand.Read(s.Secret) // it never fails
	urls, stop, err := start(ctx, o, s, out)
	defer stop()
	if err != nil {
		return err
	}
	if err := demonstrate(ctx, urls, pool.AccessToken().User("jane").String(), out); err != nil {
		return err
	}
	if stay {
		fmt.Fprintf(out, "\ntoken=%s\n", pool.AccessToken().User("jane").String())
		fmt.Fprintf(out, "curl -i -H \"Authorization: Bearer $token\" %s/me\n", urls[1])
		fmt.Fprintf(out, "curl -i -X POST -H \"Authorization: Bearer $token\" %s/signout\n", urls[0])
		<-ctx.Done()
	}
	return nil
}

// start starts two instances and what is between them.
func start(ctx context.Context, o choice, s settings, out io.Writer) (urls [2]string, stop func(), err error) {
	var stops []func()
	stop = func() {
		for i := len(stops) - 1; i >= 0; i-- {
			stops[i]()
		}
	}
	if _, missing := exec.LookPath("redis-server"); missing != nil && s.Redis == "" {
		o.embedded = true
	}
	if !o.embedded && s.Redis == "" {
		addr, end, err := startRedis(ctx)
		if err != nil {
			return urls, stop, err
		}
		s.Redis = addr
		stops = append(stops, end)
	}
	memory := new(revocation.MemoryStore)
	for i := range urls {
		var end func()
		if o.embedded {
			urls[i], end, err = startHere(ctx, s, memory)
		} else {
			urls[i], end, err = startChild(ctx, s)
		}
		if err != nil {
			return urls, stop, err
		}
		stops = append(stops, end)
	}
	if o.embedded {
		fmt.Fprintln(out, "two instances in one process, and a store in memory between them")
	} else {
		fmt.Fprintln(out, "two instances, each a process, and Redis between them")
	}
	return urls, stop, nil
}

// demonstrate signs out on the first instance and waits for the second.
func demonstrate(ctx context.Context, urls [2]string, token string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, url := range urls {
		// An instance answers 503 until it has loaded the list.
		if err := until(ctx, http.StatusOK, url, token); err != nil {
			return err
		}
		fmt.Fprintf(out, "GET  %s/me       200\n", url)
	}
	status, err := call(ctx, http.MethodPost, urls[0]+"/signout", token)
	if err != nil || status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("signing out: %d", status))
	}
	began := time.Now()
	fmt.Fprintf(out, "POST %s/signout  200\n", urls[0])
	for _, url := range urls {
		if err := until(ctx, http.StatusUnauthorized, url, token); err != nil {
			return err
		}
		fmt.Fprintf(out, "GET  %s/me       401, %s after the answer to POST /signout\n", url, time.Since(began).Round(100*time.Microsecond))
	}
	return nil
}

func until(ctx context.Context, want int, url, token string) error {
	for {
		switch got, err := call(ctx, http.MethodGet, url+"/me", token); {
		case err != nil:
			return err
		case got == want:
			return nil
		}
	}
}

func call(ctx context.Context, method, url, token string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}
