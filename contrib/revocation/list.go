package revocation

// This file holds List: its configuration, the question that each request asks, and
// how an entry gets in.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// Config is the configuration of a [List]. All instances need the same Namespace,
// Secret and store.
type Config struct {
	// Namespace keeps lists apart that share a secret. Needed, at most 128 bytes.
	Namespace string
	// Secret is the key under which IDs are hashed and records are written, at least
	// 16 random bytes. Whoever has it and can write to the store can revoke; without
	// it, he can only delete. A List with another secret understands no record, and
	// refuses every token after MaxStaleness.
	Secret []byte
	// Store is where the instances meet. One List takes one Store of its own.
	Store Store
	// MaxLifetime is the longest that a token lives: the largest Pool.MaxLifetime.
	// Zero: 24 h, the longest that Cognito allows. Leeway is Config.Leeway of the
	// library. Zero: 30 s. An entry lives MaxLifetime and three times Leeway, since
	// a token may come from the future by one Leeway, live longer than MaxLifetime
	// by one, and be used after its end by one.
	MaxLifetime, Leeway time.Duration
	// MaxStaleness is how long the List answers without having heard from the store.
	// Then Revoked returns an error, and the library answers 503. Zero: 30 s; at
	// least 1 s. Heartbeats are written about every tenth of it, one for all
	// instances together as a rule.
	MaxStaleness time.Duration
	// DangerouslyGoOnFor is how much longer than MaxStaleness the List answers. It
	// then admits tokens that were revoked on other instances meanwhile. Zero: not
	// at all. It is no use before the first snapshot is loaded.
	DangerouslyGoOnFor time.Duration
	// MaxEntries bounds the memory: one entry takes 32 to 48 bytes. Zero: 4,000,000.
	// When the list is full, Revoke fails, and a record of another instance that
	// does not fit counts as one that was missed.
	MaxEntries int
	// Logger gets a record when the store fails and when it is back, of gaps, and of
	// records that are not understood (one a minute). Nil: none. None has an ID.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now. Waiting is done by the machine's clock.
	Now func() time.Time
}

// List is what was revoked, on one instance. [List.Run] fills it. All methods are
// safe for concurrent use.
type List struct {
	keys     keys
	store    Store
	now      func() time.Time
	log      *slog.Logger
	lifetime time.Duration // of an entry
	bound    time.Duration // of staleness
	goOn     time.Duration
	limit    int

	start time.Time
	// fresh is up to when the store is known, in nanoseconds after start; 0 before
	// the first snapshot.
	fresh   atomic.Int64
	wentOn  atomic.Uint64 // answers that only DangerouslyGoOnFor allowed
	running atomic.Bool

	lists lists // read without the lock

	mu    sync.Mutex // guards writing to lists, and what follows
	state state
}

// New checks cfg and makes a List. It does no I/O. The error names every mistake.
func New(cfg Config) (*List, error) {
	var mistakes []error
	mistake := func(wrong bool, text string) {
		if wrong {
			mistakes = append(mistakes, errors.New("revocation: "+text))
		}
	}
	mistake(cfg.Namespace == "" || len(cfg.Namespace) > 128, "Namespace must have 1 to 128 bytes")
	mistake(len(cfg.Secret) < 16, "Secret must have at least 16 random bytes, the same on all instances")
	mistake(cfg.Store == nil, "Store is nil: take redisstore.New, or new(MemoryStore) for a single process")
	mistake(cfg.MaxLifetime != 0 && (cfg.MaxLifetime < time.Minute || cfg.MaxLifetime > 366*24*time.Hour), "MaxLifetime must be 1 min to 366 days, or 0 for 24 h")
	mistake(cfg.Leeway != 0 && (cfg.Leeway < time.Nanosecond || cfg.Leeway > 5*time.Minute), "Leeway must be up to 5 min, or 0 for 30 s")
	mistake(cfg.MaxStaleness != 0 && cfg.MaxStaleness < time.Second, "MaxStaleness must be at least 1 s, or 0 for 30 s")
	mistake(cfg.DangerouslyGoOnFor < 0, "DangerouslyGoOnFor is negative")
	mistake(cfg.MaxEntries < 0, "MaxEntries is negative")
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	l := &List{
		keys: deriveKeys(cfg.Secret, cfg.Namespace), store: cfg.Store, now: cfg.Now, log: cfg.Logger,
		lifetime: or(cfg.MaxLifetime, 24*time.Hour) + 3*or(cfg.Leeway, 30*time.Second),
		bound:    or(cfg.MaxStaleness, 30*time.Second),
		goOn:     cfg.DangerouslyGoOnFor,
		limit:    or(cfg.MaxEntries, 4_000_000),
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.start = l.now().Add(-1) // so that no time is 0
	return l, nil
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// What [List.Revoked] returns as its error.
var (
	// ErrNotLoaded says that the first snapshot is not there yet. [List.Run] loads it.
	ErrNotLoaded = errors.New("revocation: the list is not loaded yet")
	// ErrStale says that the store was out of reach, or not understood, for longer
	// than Config.MaxStaleness. Status has the reason.
	ErrStale = errors.New("revocation: the list is stale")
)

// Revoked is for Config.Revoked of the library. It reports whether an entry
// refuses the token, and if none does, whether the list can be trusted: the error
// is [ErrNotLoaded] or [ErrStale]. It does no I/O and takes neither lock nor memory.
func (l *List) Revoked(_ context.Context, c *cognitoauth.Claims) (bool, error) {
	if c == nil {
		return false, errors.New("revocation: there are no claims")
	}
	now := l.now()
	if l.holds(c, now.Unix()) {
		return true, nil
	}
	fresh := l.fresh.Load()
	if fresh == 0 {
		return false, ErrNotLoaded
	}
	if stale := now.Sub(l.start) - time.Duration(fresh); stale > l.bound {
		if stale > l.bound+l.goOn {
			return false, ErrStale
		}
		l.wentOn.Add(1)
	}
	return false, nil
}

func (l *List) holds(c *cognitoauth.Claims, now int64) bool {
	var iat uint32 // a token without iat counts as issued before
	if !c.IssuedAt.IsZero() {
		iat = sinceEpoch(c.IssuedAt)
	}
	return l.has(Token, c.PoolID, c.ID, now, 0) ||
		l.has(SignIn, c.PoolID, c.OriginID, now, 0) ||
		l.has(User, c.PoolID, c.Subject, now, iat) ||
		l.has(Client, c.PoolID, c.ClientID, now, iat) ||
		l.has(Pool, c.PoolID, "", now, iat)
}

// has looks an ID up. One that the token does not have is "", which no entry has.
func (l *List) has(kind Kind, pool, id string, now int64, iat uint32) bool {
	set := l.lists.kinds[kind].Load()
	return set != nil && set.holds(l.keys.of(kind, pool, id), now, iat)
}

// ErrFull says that the list has Config.MaxEntries entries.
var ErrFull = errors.New("revocation: the list has MaxEntries entries")

// Revoke adds entries. They are in force on this instance when Revoke returns,
// whatever it returns, unless an entry is malformed or the list is full: then none
// is. Nil means that the store has them, so that the other instances get them, as a
// rule within milliseconds. With another error, this instance writes them when the
// store is back, if it runs until then; call Revoke again to be sure.
func (l *List) Revoke(ctx context.Context, entries ...Entry) error {
	now := l.now()
	for _, e := range entries {
		if err := e.check(now); err != nil {
			return err
		}
	}
	stored := make([]string, len(entries))
	if err := l.hold(entries, stored, now); err != nil || len(stored) == 0 {
		return err
	}
	if err := l.store.Append(ctx, stored); err != nil {
		return fmt.Errorf("revocation: in force on this instance only, since the store did not take it: %w", err)
	}
	return nil
}

// hold puts entries into the tables, and their records into stored.
func (l *List) hold(entries []Entry, stored []string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lists.total()+len(entries) > l.limit {
		return ErrFull
	}
	for i, e := range entries {
		r := l.record(e, now)
		l.lists.put(r, false)
		stored[i] = l.keys.encode(r)
	}
	l.state.healBy(now.Add(healAfter))
	return nil
}

func (l *lists) total() (n int) {
	for _, c := range l.count {
		n += c
	}
	return n
}
