// Package redisstore keeps a revocation list in Redis 6.2 or newer, or Valkey: one
// stream, written by XADD, followed by XREAD BLOCK and trimmed by XTRIM MINID.
//
// Requests never touch the server. Client-side caching is switched off, since its
// tracking table would grow with every absent key that is asked for.
//
// The stream is the only copy beside those in the instances. With appendfsync
// always, what Append has reported is on the disk; with everysec, a crash loses up
// to a second or two, which the instances that live write again. Use the
// maxmemory-policy noeviction or one of volatile-*: the others may evict the stream,
// which then is written anew by the instances, but is missing to one that starts
// meanwhile. A primary that is cut off takes writes that nobody sees, unless
// min-replicas-to-write forbids it; Options.Replicas makes Append wait for replicas.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// Options configure a [Store].
type Options struct {
	// Client says where the server is, with its password and TLS. The store sets
	// DisableCache, and DisableRetry since [revocation.List] tries again itself; it
	// sets what is zero of Dialer.Timeout and ConnWriteTimeout to Timeout, and of the
	// buffers of a connection to 32 KiB. It must read from the primary: leave
	// SendToReplicas nil.
	Client rueidis.ClientOption
	// Key is the key of the stream. Empty: "cognitoauth:revocation". Each namespace
	// needs a key of its own.
	Key string
	// Timeout bounds each call, beside the time that a read waits. Zero: 2 s.
	Timeout time.Duration
	// Replicas is how many replicas have to confirm what Append writes (WAIT). Zero:
	// none; then a failover can lose it, until an instance that has it writes it again.
	Replicas int
}

// Store implements [revocation.Store]. Its connections are opened on first use.
type Store struct {
	o Options

	mu     sync.Mutex
	client rueidis.Client // nil before the first use
	closed bool
}

// New makes a Store. It does no I/O.
func New(o Options) (*Store, error) {
	if len(o.Client.InitAddress) == 0 {
		return nil, errors.New("redisstore: Client.InitAddress names no server")
	}
	if o.Client.SendToReplicas != nil || o.Client.ReplicaOnly {
		return nil, errors.New("redisstore: a replica may lag behind without anybody knowing: leave SendToReplicas and ReplicaOnly out")
	}
	if o.Timeout < 0 || o.Replicas < 0 {
		return nil, errors.New("redisstore: Timeout or Replicas is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Key == "" {
		o.Key = "cognitoauth:revocation"
	}
	c := &o.Client
	c.DisableCache, c.DisableRetry = true, true
	if c.Dialer.Timeout == 0 {
		c.Dialer.Timeout = o.Timeout
	}
	if c.ConnWriteTimeout == 0 {
		c.ConnWriteTimeout = o.Timeout
	}
	if c.ReadBufferEachConn == 0 {
		c.ReadBufferEachConn = 32 << 10
	}
	if c.WriteBufferEachConn == 0 {
		c.WriteBufferEachConn = 32 << 10
	}
	if c.PipelineMultiplex == 0 {
		c.PipelineMultiplex = -1 // one connection for writes
	}
	if c.BlockingPoolSize == 0 {
		c.BlockingPoolSize = 4
	}
	return &Store{o: o}, nil
}

// ErrClosed says that Close was called.
var ErrClosed = errors.New("redisstore: the store is closed")

// Close closes the connections. [revocation.List.Run] calls it.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
	return nil
}

// connect returns the client. rueidis dials at once and gives up on a server that
// is away, so this is done when it is needed, and again if it failed.
func (s *Store) connect() (rueidis.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.client == nil {
		c, err := rueidis.NewClient(s.o.Client)
		if err != nil {
			return nil, fmt.Errorf("redisstore: %w", err)
		}
		s.client = c
	}
	return s.client, nil
}

const (
	field     = "r"
	addChunk  = 32   // records of one entry of the stream
	readCount = 1000 // entries of one page
)

// Append implements [revocation.Store].
func (s *Store) Append(ctx context.Context, records []string) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	for len(records) > 0 {
		n := min(len(records), addChunk)
		fields := c.B().Xadd().Key(s.o.Key).Id("*").FieldValue()
		for _, r := range records[:n] {
			fields = fields.FieldValue(field, r)
		}
		if err := s.add(ctx, c, fields.Build()); err != nil {
			return fmt.Errorf("redisstore: XADD: %w", err)
		}
		records = records[n:]
	}
	return nil
}

func (s *Store) add(ctx context.Context, c rueidis.Client, xadd rueidis.Completed) error {
	if s.o.Replicas == 0 { // mutant: equivalent, WAIT for none answers at once, and costs a connection
		return c.Do(ctx, xadd).Error()
	}
	// WAIT is about the writes of its own connection.
	return c.Dedicated(func(d rueidis.DedicatedClient) error {
		wait := d.B().Wait().Numreplicas(int64(s.o.Replicas)).Timeout((s.o.Timeout / 2).Milliseconds()).Build()
		answers := d.DoMulti(ctx, xadd, wait)
		if err := answers[0].Error(); err != nil {
			return err
		}
		n, err := answers[1].AsInt64()
		// mutant: equivalent `err == nil → true`, n is 0 then, which is an error too
		if err == nil && n < int64(s.o.Replicas) {
			err = fmt.Errorf("%d of %d replicas confirmed it", n, s.o.Replicas)
		}
		return err
	})
}

// A cursor is the ID of an entry and what the entry holds. IDs are times of the
// server, so after a restart without persistence the same ID may be another entry.
// Before the first entry it is the ID alone.
const beginning = "0-0"

// Read implements [revocation.Store]. If the entry of the cursor is still there
// after the read, none that came after it was trimmed: XTRIM MINID takes from the
// beginning. Both commands go out in one piece.
func (s *Store) Read(ctx context.Context, cursor string, wait time.Duration) (revocation.Page, error) {
	c, err := s.connect()
	if err != nil {
		return revocation.Page{}, err
	}
	if cursor == "" {
		cursor = beginning
	}
	id, holds, _ := strings.Cut(cursor, " ")
	ctx, cancel := context.WithTimeout(ctx, wait+s.o.Timeout)
	defer cancel()
	count := c.B().Xread().Count(readCount)
	var xread rueidis.Completed
	if wait > 0 {
		xread = count.Block(max(wait.Milliseconds(), 1)).Streams().Key(s.o.Key).Id(id).Build()
	} else {
		xread = count.Streams().Key(s.o.Key).Id(id).Build()
	}
	answers := c.DoMulti(ctx, xread, c.B().Xrange().Key(s.o.Key).Start(id).End(id).Build())
	streams, err := answers[0].AsXReadSlices()
	if err != nil && !rueidis.IsRedisNil(err) {
		return revocation.Page{}, fmt.Errorf("redisstore: XREAD: %w", err)
	}
	at, err := answers[1].AsXRangeSlices()
	if err != nil {
		return revocation.Page{}, fmt.Errorf("redisstore: XRANGE: %w", err)
	}
	if id != beginning && (len(at) != 1 || fingerprint(at[0]) != holds) {
		return revocation.Page{}, revocation.ErrGap
	}
	return page(streams[s.o.Key], cursor), nil
}

func page(entries []rueidis.XRangeSlice, cursor string) revocation.Page {
	p := revocation.Page{Cursor: cursor, More: len(entries) == readCount}
	for _, e := range entries {
		for _, f := range e.FieldValues {
			p.Records = append(p.Records, f.Value)
		}
	}
	if n := len(entries); n > 0 {
		p.Cursor = entries[n-1].ID + " " + fingerprint(entries[n-1])
	}
	return p
}

// fingerprint tells entries with the same ID apart. Records differ, since each
// heartbeat is random.
func fingerprint(e rueidis.XRangeSlice) string {
	if len(e.FieldValues) == 0 {
		return ""
	}
	return e.FieldValues[0].Value
}

// Trim implements [revocation.Store]. The server's own clock has to agree: it may
// have jumped, or that of the caller.
func (s *Store) Trim(ctx context.Context, cursor string, age time.Duration) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	id, _, _ := strings.Cut(cursor, " ")
	written, err := strconv.ParseInt(id[:max(strings.IndexByte(id, '-'), 0)], 10, 64)
	if err != nil {
		return fmt.Errorf("redisstore: %q is no cursor", id)
	}
	now, err := c.Do(ctx, c.B().Time().Build()).AsIntSlice()
	if len(now) != 2 { // none after an error
		return fmt.Errorf("redisstore: TIME: %w", err)
	}
	if now[0]*1000-written < age.Milliseconds() {
		return nil
	}
	if err := c.Do(ctx, c.B().Xtrim().Key(s.o.Key).Minid().Threshold(id).Build()).Error(); err != nil {
		return fmt.Errorf("redisstore: XTRIM: %w", err)
	}
	return nil
}
