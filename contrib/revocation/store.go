package revocation

// This file holds what a List asks of a store, and the store of one process.

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// Store is what all instances share: a log of records, each a short string of
// bytes that means nothing to the store. A store that has a method Close is closed
// by [List.Run] when it returns. Safe for concurrent use.
type Store interface {
	// Append writes records at the end. Nil means that every reader will get all of
	// them; with an error, none, some or all may be there.
	Append(ctx context.Context, records []string) error
	// Read returns records after a cursor, in the order in which they were written.
	// The cursor is that of the last page, or "" for the beginning. If there are
	// none, it waits for one for up to wait, and then returns a page without any.
	// The error is [ErrGap] if records after the cursor may be missing.
	Read(ctx context.Context, cursor string, wait time.Duration) (Page, error)
	// Trim drops the records before a cursor, unless the store knows by a clock of
	// its own that the cursor is not as old as age. It need not drop any.
	Trim(ctx context.Context, cursor string, age time.Duration) error
}

// Page is a part of a [Store]'s log.
type Page struct {
	Records []string
	// Cursor is where the next page begins. It is never "".
	Cursor string
	// More says that the store had more records when it was asked.
	More bool
}

// ErrGap says that records after a cursor are gone: they were trimmed, or the
// store began anew. The reader has to start from the beginning.
var ErrGap = errors.New("revocation: records after the cursor are gone")

// MemoryStore is a [Store] for the instances of one process, and for tests. What is
// in it is lost with the process: then tokens that were revoked pass again, if
// they have not expired. The zero value is ready.
type MemoryStore struct {
	mu      sync.Mutex
	records []string
	dropped int           // how many records were before the first
	wake    chan struct{} // closed by the next Append; nil if nobody waits
}

// memoryPage bounds a page.
const memoryPage = 4096

// Append implements [Store].
func (m *MemoryStore) Append(ctx context.Context, records []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, records...)
	if m.wake != nil {
		close(m.wake)
		m.wake = nil
	}
	return nil
}

// Read implements [Store].
func (m *MemoryStore) Read(ctx context.Context, cursor string, wait time.Duration) (Page, error) {
	page, wake, err := m.read(cursor)
	if err != nil || len(page.Records) > 0 {
		return page, err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-wake:
		page, _, err = m.read(cursor)
		return page, err
	case <-timer.C:
		return page, nil
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
}

func (m *MemoryStore) read(cursor string) (Page, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := m.dropped
	if cursor != "" {
		at, err := strconv.Atoi(cursor)
		if err != nil || at < m.dropped || at > m.dropped+len(m.records) {
			return Page{}, nil, ErrGap
		}
		from = at
	}
	rest := m.records[from-m.dropped:]
	n := min(len(rest), memoryPage)
	if n == 0 && m.wake == nil {
		m.wake = make(chan struct{})
	}
	return Page{rest[:n:n], strconv.Itoa(from + n), n < len(rest)}, m.wake, nil
}

// Trim implements [Store].
func (m *MemoryStore) Trim(_ context.Context, cursor string, _ time.Duration) error {
	at, err := strconv.Atoi(cursor)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := min(at-m.dropped, len(m.records)); n > 0 {
		m.records = append([]string(nil), m.records[n:]...)
		m.dropped += n
	}
	return nil
}
