package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// run is the whole soak.
func (p plan) run(ctx context.Context) (*result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	is := newIssuer(p, time.Now())
	keys, closeKeys, err := serve(is)
	if err != nil {
		return nil, err
	}
	defer closeKeys()
	cfg := p.pool.Config()
	cfg.HTTPClient, cfg.Pools[0].JWKSURL = nil, keys+"/jwks.json"
	cfg.Leeway, cfg.TokenCache = leeway, p.cache()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := auth.Ready(ctx); err != nil {
		return nil, err
	}
	res := newResult()
	api, closeAPI, err := serve(p.wrap(auth, site(res)))
	if err != nil {
		return nil, err
	}
	defer closeAPI()

	s := &soak{plan: p, api: api, result: res}
	var running sync.WaitGroup
	running.Go(func() { is.rotate(ctx) })
	s.connected.Add(p.clients)
	for i := range p.clients {
		running.Go(func() { s.client(ctx, p.mint(is, i)) })
	}
	err = s.watch(ctx)
	cancel()
	running.Wait()
	is.mu.Lock()
	defer is.mu.Unlock()
	res.keys, res.fetches, res.failed, res.margin = is.made, is.asked, is.failed, is.margin
	return res, err
}

// keepers is of how many clients one keeps tokens of keys that will be withdrawn.
// With more of them the soak itself would grow well beyond the mark.
const keepers = 16

// cache is a Config.TokenCache that is full before the mark.
func (p plan) cache() int { return 9 * p.clients }

func (p plan) mint(is *issuer, i int) *mint {
	m := &mint{issuer: is, pool: p.pool, other: p.other, name: fmt.Sprint("user-", i), kinds: slices.Clip(kinds)}
	if p.unknown {
		m.keeps = i%keepers == 0
		m.kinds = append(m.kinds, unknownKid)
	}
	m.turn = i * len(m.kinds) / p.clients // or all would begin with the same kind
	return m
}

// serve serves h on a loopback port.
func serve(h http.Handler) (url string, closeServer func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	// What a server has to say here is of connections broken on purpose.
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	return "http://" + l.Addr().String(), func() { _ = srv.Close(); <-done }, nil
}

// site is the API that is protected. It answers with the caller's subject, and
// tells of every bad request that has come this far, whatever is answered then.
func site(res *result) http.Handler {
	mux := http.NewServeMux()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind := r.Header.Get(kindHeader); kind != "" {
			res.admit(kind)
		}
		if claims, ok := cognitoauth.FromContext(r.Context()); ok {
			_, _ = io.WriteString(w, claims.Subject)
		}
	})
	mux.Handle("GET /me", page)
	mux.Handle("GET /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), page))
	return mux
}

// kindHeader tells the handler that a request is bad.
const kindHeader = "X-Soak-Kind"

// soak is the traffic of one run.
type soak struct {
	plan   plan
	api    string
	result *result
	// connected is done when every client has had its first answers. On a busy
	// machine that can be later than the mark, and would look like growth.
	connected sync.WaitGroup
	// pause is held by each request, and all of it by a measurement.
	pause sync.RWMutex
}

// client makes bad and good requests in turn, on one connection. The last one
// before a measurement is a good one, since an idle connection still holds on to
// what it has carried, and a bad token may be large.
func (s *soak) client(ctx context.Context, m *mint) {
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	tick := time.NewTicker(time.Duration(2 * float64(time.Second) / s.plan.rate))
	defer tick.Stop()
	connected := sync.OnceFunc(s.connected.Done)
	defer connected()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.pause.RLock()
		s.send(c, m.bad(time.Now()))
		s.send(c, m.good(time.Now()))
		s.pause.RUnlock()
		connected()
	}
}

// send makes a request, which the end of the run does not interrupt, and judges
// the answer.
func (s *soak) send(c *http.Client, r request) {
	req, err := http.NewRequest(http.MethodGet, s.api+r.path, nil)
	if err != nil {
		panic(err) // the URL is ours
	}
	req.Header.Set(kindHeader, r.kind)
	switch {
	case r.place == inQuery:
		req.URL.RawQuery = "access_token=" + r.token
	case r.token != "":
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.place == inTwoHeaders {
		req.Header.Add("Authorization", "Bearer "+r.token)
	}
	resp, err := c.Do(req)
	if err != nil {
		s.result.judge(r, "no answer: "+err.Error(), "")
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.result.judge(r, "half an answer: "+err.Error(), "")
		return
	}
	answer := fmt.Sprint(resp.StatusCode)
	var problem struct{ Code string }
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(body, &problem) == nil {
		answer += " " + problem.Code
	}
	s.result.judge(r, answer, string(body))
}

// watch takes the figures at the mark and at the end.
func (s *soak) watch(ctx context.Context) error {
	begin := time.Now()
	if err := wait(ctx, s.plan.mark); err != nil {
		return err
	}
	s.connected.Wait()
	s.result.atMark = s.measure()
	if err := wait(ctx, s.plan.duration-time.Since(begin)); err != nil {
		return err
	}
	s.result.atEnd = s.measure()
	s.result.lasted = time.Since(begin)
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	case <-time.After(d):
		return nil
	}
}

// figures are what must not grow.
type figures struct {
	goroutines int
	heap       uint64 // live, in bytes
}

// measure lets all requests end, keeps new ones waiting, and collects garbage
// until the number of goroutines stands still, or does not in 5 s: a fetch of
// keys, or the server's end of a connection, may have some way to go.
func (s *soak) measure() (f figures) {
	s.pause.Lock()
	defer s.pause.Unlock()
	begin := time.Now()
	for still := 0; still < 5 && time.Since(begin) < 5*time.Second; {
		time.Sleep(20 * time.Millisecond)
		runtime.GC()
		n := runtime.NumGoroutine()
		if still++; n != f.goroutines {
			still = 0
		}
		f.goroutines = n
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	f.heap = live[0].Value.Uint64()
	return f
}
