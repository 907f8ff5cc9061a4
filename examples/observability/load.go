package main

// This file is the callers of the API: apps that do well, one that never does, and
// what happens in a bad hour, played in two minutes.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// The app clients of the pool. legacy lacks the scope that it needs.
const (
	web    = "1web"
	legacy = "2legacy"
	batch  = "3batch"
)

var clients = []string{web, legacy, batch}

// load sends requests to the API.
type load struct {
	pool   *cognitotest.Pool
	url    string
	client *http.Client
	users  []string // their tokens
	turn   int      // the user who logs in again next
	stale  string   // a token that has expired
}

func newLoad(pool *cognitotest.Pool, url string) *load {
	l := &load{pool: pool, url: url, client: &http.Client{Timeout: 10 * time.Second}, users: make([]string, 6)}
	for i := range l.users {
		l.users[i] = l.login(i)
	}
	l.stale = pool.AccessToken().ExpiresIn(-time.Hour).String()
	return l
}

func (l *load) login(user int) string {
	return l.pool.AccessToken().Client(web).User(fmt.Sprintf("user%d", user)).Scopes("orders/write").String()
}

// round sends requests of most kinds, and six rounds some of each. Each user asks with
// the token of before, and logs in again if it is refused; one does so in any case.
func (l *load) round(ctx context.Context) error {
	var errs []error
	for i, token := range l.users {
		status, err := l.send(ctx, "GET", "/orders", token)
		errs = append(errs, err)
		if status == http.StatusUnauthorized || i == l.turn {
			l.users[i] = l.login(i)
		}
	}
	for _, c := range []struct {
		every               int // rounds
		method, path, token string
	}{
		{1, "GET", "/healthz", ""},
		{1, "GET", "/orders", ""}, // a browser without a login
		{1, "POST", "/orders", l.users[0]},
		{1, "GET", "/reports", l.pool.MachineToken().Client(batch).String()},
		{1, "POST", "/orders", l.pool.AccessToken().Client(legacy).User("eve").String()},
		{2, "POST", "/orders", l.pool.AccessToken().Client(legacy).User("adam").String()},
		{2, "DELETE", "/orders/7", l.users[1]},
		{3, "GET", "/orders", l.stale},
	} {
		if l.turn%c.every == 0 {
			_, err := l.send(ctx, c.method, c.path, c.token)
			errs = append(errs, err)
		}
	}
	l.turn = (l.turn + 1) % len(l.users)
	return errors.Join(errs...)
}

// expired is an app that goes on with a token of an hour ago.
func (l *load) expired(ctx context.Context) error {
	var errs []error
	for range 12 {
		_, err := l.send(ctx, "GET", "/orders", l.stale)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (l *load) send(ctx context.Context, method, path, token string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, l.url+path, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := l.client.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

// scene is what happens from a time of the play on.
type scene struct {
	at    time.Duration
	title string
	begin func(*load)
	extra bool // requests of an app that does not refresh
}

// scenes are the play. It begins anew after its length.
var scenes = []scene{
	{0, "all is well", func(*load) {}, false},
	{25 * time.Second, "an app goes on with tokens that have expired", func(*load) {}, true},
	{40 * time.Second, "it has stopped", func(*load) {}, false},
	{55 * time.Second, "the pool has new keys, and all users have to log in again", func(l *load) { l.pool.Rotate() }, false},
	{80 * time.Second, "new keys again, and the endpoint of the keys is down", func(l *load) {
		l.pool.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
		l.pool.Rotate()
	}, false},
	{105 * time.Second, "the endpoint is back", func(l *load) { l.pool.SetFault() }, false},
}

const length = 2 * time.Minute

// perform plays until ctx ends.
func perform(ctx context.Context, s *stack, out io.Writer) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	began, now := time.Now(), -1
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.prometheus.ended:
			if ctx.Err() != nil { // ctx has ended it
				return nil
			}
			return err
		case <-tick.C:
		}
		if next := sceneAt(time.Since(began)); next != now {
			now = next
			fmt.Fprintf(out, "%5s  %s\n", time.Since(began).Round(time.Second), scenes[now].title)
			scenes[now].begin(s.load)
		}
		err := s.load.round(ctx)
		if scenes[now].extra {
			err = errors.Join(err, s.load.expired(ctx))
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// sceneAt returns the number of the scene at a time since the beginning.
func sceneAt(t time.Duration) (scene int) {
	for i := range scenes {
		if scenes[i].at <= t%length {
			scene = i
		}
	}
	return scene
}
