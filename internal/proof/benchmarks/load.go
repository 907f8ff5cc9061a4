package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"time"
)

// The load generator: so many connections that are kept open, each with one
// request at a time (a closed loop), written and read by hand, so that it takes
// much less of a CPU than the server does. Every answer is looked at: it has to be
// of the expected status and without a body.

// load is what one server did under it.
type load struct {
	took      time.Duration
	latencies []time.Duration // of every request, sorted
}

func (l load) perSecond() float64 { return float64(len(l.latencies)) / l.took.Seconds() }

// percentile is the smallest latency that this part of all requests did not exceed
// (nearest rank). all is sorted.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(all))))
	return all[min(max(rank, 1), len(all))-1]
}

// warmRequests are sent on each connection before anything is measured.
const warmRequests = 20

// generate asks the server for a time. before is called when all connections are
// open and warm, and after when the last answer has come.
func generate(ctx context.Context, addr string, request []byte, status, conns int, d time.Duration, before, after func() error) (load, error) {
	var all []*client
	defer func() {
		for _, c := range all {
			_ = c.conn.Close()
		}
	}()
	for range conns {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return load{}, err
		}
		_ = conn.SetDeadline(time.Now().Add(d + answerTimeout))
		all = append(all, &client{conn: conn, request: request, want: fmt.Appendf(nil, "HTTP/1.1 %d ", status), buffer: make([]byte, 4096)})
	}
	each := func(run func(*client) error) error {
		errs := make([]error, len(all))
		var wg sync.WaitGroup
		for i, c := range all {
			wg.Go(func() { errs[i] = run(c) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	if err := each((*client).warm); err != nil {
		return load{}, err
	}
	if err := before(); err != nil {
		return load{}, err
	}
	start := time.Now()
	err := each(func(c *client) error { return c.until(ctx, start.Add(d)) })
	l := load{took: time.Since(start)}
	if err == nil {
		err = after()
	}
	for _, c := range all {
		l.latencies = append(l.latencies, c.latencies...)
	}
	slices.Sort(l.latencies)
	return l, err
}

// client is one connection.
type client struct {
	conn          net.Conn
	request, want []byte
	buffer        []byte
	latencies     []time.Duration
}

func (c *client) warm() error {
	for range warmRequests {
		if err := c.ask(); err != nil {
			return err
		}
	}
	return nil
}

// until asks until then; a request that has begun is waited for.
func (c *client) until(ctx context.Context, end time.Time) error {
	for start := time.Now(); start.Before(end) && ctx.Err() == nil; {
		if err := c.ask(); err != nil {
			return err
		}
		now := time.Now()
		c.latencies = append(c.latencies, now.Sub(start))
		start = now
	}
	return nil
}

var headEnd = []byte("\r\n\r\n")

// ask sends the request and reads the answer.
func (c *client) ask() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	n := 0
	for !bytes.Contains(c.buffer[:n], headEnd) {
		if n == len(c.buffer) {
			return fmt.Errorf("an answer with a head of more than %d bytes", n)
		}
		more, err := c.conn.Read(c.buffer[n:])
		if err != nil {
			return fmt.Errorf("after %d bytes of an answer: %w", n, err)
		}
		n += more
	}
	answer := c.buffer[:n]
	if !bytes.HasPrefix(answer, c.want) || !bytes.HasSuffix(answer, headEnd) {
		line, _, _ := bytes.Cut(answer, []byte("\r\n"))
		return fmt.Errorf("answered %q, expected %q and no body", line, c.want)
	}
	return nil
}
