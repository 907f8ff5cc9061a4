//go:build unix

package redisstore_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// front stands before a server. It can stop forwarding, with its connections open,
// and turn to another server.
type front struct {
	l net.Listener

	mu      sync.Mutex
	to      string
	stalled chan struct{} // nil: forwarding; else closed when it goes on
	conns   map[net.Conn]bool
	wg      sync.WaitGroup
}

func listen(t *testing.T, to string) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f := &front{l: l, to: to, conns: map[net.Conn]bool{}}
	f.wg.Go(f.accept)
	t.Cleanup(func() {
		_ = l.Close()
		f.stall(false)
		f.hangUp()
		f.wg.Wait()
	})
	return f
}

func (f *front) addr() string { return f.l.Addr().String() }

func (f *front) accept() {
	for {
		c, err := f.l.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() { f.serve(c) })
	}
}

func (f *front) serve(c net.Conn) {
	defer c.Close()
	f.gate()
	f.mu.Lock()
	to := f.to
	f.mu.Unlock()
	s, err := net.DialTimeout("tcp", to, time.Second)
	if err != nil {
		return
	}
	defer s.Close()
	f.note(c, s, true)
	defer f.note(c, s, false)
	var both sync.WaitGroup
	both.Go(func() { f.copy(s, c) })
	both.Go(func() { f.copy(c, s) })
	both.Wait()
}

// copy forwards; what was read while the front stalls comes later.
func (f *front) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		f.gate()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// gate waits while the front stalls.
func (f *front) gate() {
	f.mu.Lock()
	stalled := f.stalled
	f.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

func (f *front) note(a, b net.Conn, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range []net.Conn{a, b} {
		if open {
			f.conns[c] = true
		} else {
			delete(f.conns, c)
		}
	}
}

func (f *front) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

func (f *front) stall(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case on && f.stalled == nil:
		f.stalled = make(chan struct{})
	case !on && f.stalled != nil:
		close(f.stalled)
		f.stalled = nil
	}
}

// forward turns to another server and ends the connections to the first.
func (f *front) forward(to string) {
	f.mu.Lock()
	f.to = to
	f.mu.Unlock()
	f.hangUp()
}
