package revocation_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// counting counts calls.
type counting struct {
	revocation.Store
	reads, appends atomic.Int64
}

func (c *counting) Append(ctx context.Context, records []string) error {
	c.appends.Add(1)
	return c.Store.Append(ctx, records)
}

func (c *counting) Read(ctx context.Context, cursor string, wait time.Duration) (revocation.Page, error) {
	c.reads.Add(1)
	return c.Store.Read(ctx, cursor, wait)
}

// faulty is a store that fails on demand.
type faulty struct {
	mu   sync.Mutex
	in   revocation.Store
	down bool // every call fails
	full bool // writes fail, as with noeviction
	deaf bool // what is written is lost, and nothing new is read
}

var errDown = errors.New("the store is down")

func (f *faulty) set(change func(*faulty)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faulty) state() (in revocation.Store, down, deaf bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.in, f.down, f.deaf
}

func (f *faulty) Append(ctx context.Context, records []string) error {
	in, down, deaf := f.state()
	f.mu.Lock()
	full := f.full
	f.mu.Unlock()
	switch {
	case down || full:
		return errDown
	case deaf:
		return nil
	}
	return in.Append(ctx, records)
}

func (f *faulty) Read(ctx context.Context, cursor string, wait time.Duration) (revocation.Page, error) {
	in, down, deaf := f.state()
	switch {
	case down:
		return revocation.Page{}, errDown
	case deaf:
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		return revocation.Page{Cursor: cursor}, ctx.Err()
	}
	page, err := in.Read(ctx, cursor, wait)
	if _, down, _ := f.state(); down { // it went down while we waited
		return revocation.Page{}, errDown
	}
	return page, err
}

func (f *faulty) Trim(ctx context.Context, cursor string, age time.Duration) error {
	in, down, _ := f.state()
	if down {
		return errDown
	}
	return in.Trim(ctx, cursor, age)
}
