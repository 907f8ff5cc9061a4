package cognitoauth

// This file holds Reload: what a new configuration takes over from the one before,
// what it may not change, and how a remembered token finds the Pool entry that
// admitted it.
//
// A configuration becomes a state that is never changed (middleware.go), and Reload
// replaces the pointer to it. Three things outlive a state, because it costs time or
// network to get them again: the key sources, the cache of tokens, and the place of
// each Pool entry in it. A request with an old state and one with a new state may use
// them at the same moment. So what they share must say nothing about what is
// admitted. A remembered token refers to a tenure and not to a Pool entry; each
// state knows which of its entries, if any, has that tenure.

import (
	"cmp"
	"crypto/sha256"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// Reload replaces the configuration under all handlers that Wrap has made, at one
// moment: a request that has begun ends with the configuration that it began with,
// its Requires included, and each later one has the new one. cfg is the whole
// configuration, as for [New]; what is zero in it gets its default, whatever it was
// before. Reload does no I/O, so it needs no key endpoint.
//
// A pool that cfg no longer has is refused from then on, also where its tokens are
// remembered. The keys of a new one are fetched when its first token comes, or in
// [Middleware.Ready]. A key source whose URLs are the same, or whose static set is,
// keeps its keys, its pauses and its status. A token stays remembered where its Pool
// entry and Leeway are the same, which other functions do not change; any other is
// checked anew. HTTPClient, KeyTimeout and Logger count for the fetches that begin
// later. Keys from the old HTTPClient stay: [Middleware.Refresh] replaces them.
//
// The error lists every mistake in cfg, as that of New does. Then nothing has
// changed. It is a mistake, too, to change what cannot change in a running program:
//
//   - TokenCache and TokenCacheBytes: the cache lives on with the size that it was
//     made with. Another one would forget all tokens at once, and verify them all.
//   - Now from nil to a function or back: the times at which the keys were fetched
//     are by it. A function in place of another must tell the same time.
//
// Reload is safe for concurrent use; the last call wins. It takes about as long as
// New. A request that lasts, such as a stream, keeps the configuration that it began
// with in memory, 0.4 kB for each Pool. Reload is for operators: whoever can call it
// decides who is let in.
func (m *Middleware) Reload(cfg Config) error {
	if m.state() == nil {
		return refuse(&notWired, evidence{})
	}
	m.reloads.Lock()
	defer m.reloads.Unlock()
	s, err := build(cfg, m.current.Load())
	if err != nil {
		return err
	}
	s.reloaded = true
	m.install(s)
	m.sample.retain(s.poolIDs())
	return nil
}

// install makes s the state of now.
func (m *Middleware) install(s *state) {
	s.sample = &m.sample
	for i, source := range s.sources {
		source.by.Store(s.upkeeps[i])
	}
	m.current.Store(s)
}

// kept is what a state hands on to the one that follows it, besides its sources.
type kept struct {
	gate        gate
	machine     bool // Config.Now is nil
	size, bytes int  // of the cache of tokens; 0: there is none
	upkeeps     []*upkeep
}

// upkeep is what the configuration of now says about a source that can outlive it.
// It is never changed. A fetch reads it when it begins.
type upkeep struct {
	pool string // the ID of the first Pool that uses the source
	*fetching
}

// fetching is what the fetches of all sources have in common.
type fetching struct {
	client  *http.Client
	timeout time.Duration // of one fetch
	now     func() time.Time
	log     *slog.Logger
}

// keep takes over from the state before, nil if there is none, and finds what may
// not change.
func (b *builder) keep(cfg Config, before *state) {
	if b.size = max(0, cmp.Or(cfg.TokenCache, defaultTokenCache)); b.size > 0 {
		b.bytes = tokenCacheBytes(b.size, cfg.TokenCacheBytes)
	}
	b.fetching = &fetching{b.client, b.keyTimeout, b.now, b.log}
	if before == nil {
		b.gate = make(gate, fetchesAtOnce)
		return
	}
	b.before, b.gate, b.tokens = before, before.gate, before.tokens
	b.places = make([]*trust, len(before.places))
	b.living = make(map[sharing]*keySource, len(before.sources))
	for _, s := range before.sources {
		b.living[s.same] = s
	}
	const stays = "Reload keeps the cache of verified tokens with the size that it was made with; leave it as it was, or start the program anew"
	if b.size != before.size {
		b.mistake("TokenCache was %d and is %d: "+stays, before.size, b.size)
	}
	if b.bytes != before.bytes {
		b.mistake("TokenCacheBytes was %d and is %d, by itself or by TokenCache: "+stays, before.bytes, b.bytes)
	}
	if b.machine != before.machine {
		b.mistake("Now was %s and is %s: Reload keeps the key sets, and the times at which they were fetched are by it; leave it as it was, or start the program anew", function(before.machine), function(b.machine))
	}
}

func function(none bool) string {
	if none {
		return "nil"
	}
	return "a function"
}

// finish gives each new trust a place, and makes the cache if there is none to keep.
func (b *builder) finish() {
	free := 0
	for _, t := range b.added {
		for free < len(b.places) && b.places[free] != nil {
			free++
		}
		t.tenure = &tenure{place: free}
		if free == len(b.places) {
			b.places = append(b.places, nil)
		}
		b.places[free] = t
	}
	if b.before == nil && b.size > 0 {
		b.tokens = tokencache.New[*remembered](b.size, b.bytes)
	}
	b.lent = &terms{b.clock, b.implied}
	b.headers.Most = headersPerSource * len(b.sources)
}

// sharing is what makes two key sources the same: of two Pool entries, which then
// share it, and of two configurations.
type sharing struct {
	urls     string // a line each
	static   string // marks a static set and its Pool entry; "" if keys are fetched
	testKeys bool
}

// staticMark marks the static set of a Pool entry. Each entry has a source of its own;
// no two entries have the same ID, Issuer and TokenUse.
func (p *Pool) staticMark() string {
	sum := sha256.Sum256(p.JWKS)
	return strings.Join([]string{string(sum[:]), string(cmp.Or(p.TokenUse, AccessToken)), p.ID, p.Issuer}, "\n")
}

// source returns the key source for these URLs, or for Pool.JWKS if there are none.
// All Pool entries with the same URLs share one source.
func (b *builder) source(p *Pool, urls ...string) *keySource {
	same := sharing{urls: strings.Join(urls, "\n"), testKeys: trustsShipped(p, b.client)}
	if len(urls) == 0 {
		same.static = p.staticMark()
	}
	if s := b.shared[same]; s != nil {
		return s
	}
	s := b.living[same]
	if s == nil {
		if len(urls) > 0 {
			urls = strings.Split(same.urls, "\n") // which share its memory
		}
		s = &keySource{same: same, urls: urls, machine: b.machine, gate: b.gate}
	}
	b.shared[same] = s
	b.sources = append(b.sources, s)
	b.upkeeps = append(b.upkeeps, &upkeep{p.ID, b.fetching})
	return s
}

// tenure is what a trust and those that follow it have in common as long as each
// would admit a token that another has admitted. Remembered tokens refer to it.
type tenure struct {
	place  int                        // in validator.places
	latest atomic.Pointer[remembered] // of the key that verified a token last
}

// holder returns the trust that has this tenure in the configuration, nil if none
// has. A place that has become free goes to another tenure.
func (v *validator) holder(x *tenure) *trust {
	if x.place < len(v.places) {
		if t := v.places[x.place]; t != nil && t.tenure == x {
			return t
		}
	}
	return nil
}

// succeed returns t, or the trust of the state before in its place. Leeway belongs to
// it because a remembered token is not asked for its lifetime by iat again.
func (b *builder) succeed(iss string, t *trust) *trust {
	var old *trust
	if b.before != nil && b.before.leeway == b.leeway {
		old = b.before.issuers[iss].of(t.use)
	}
	if old == nil || old.source != t.source || !old.entry.admitsAs(t.entry) {
		b.added = append(b.added, t)
		return t
	}
	// With AllowClient, the new entry has the new function. Without it the old trust stays,
	// so that a state takes less memory while requests still have the one before.
	// mutant: equivalent `t.allow == nil → false`, it spares memory
	if t.allow == nil {
		t = old // which others read: it is never changed
	} else {
		t.tenure = old.tenure
	}
	b.places[t.place] = t
	return t
}

// of returns the Pool entry for this kind of token, nil if there is none.
func (i *issuer) of(use TokenUse) *trust {
	switch {
	case i == nil:
		return nil
	case use == IDToken:
		return i.id
	}
	return i.access
}

// admitsAs reports whether e admits the same tokens as other, which is for the same
// kind, as long as nobody asks AllowClient. Functions cannot be compared; each use of a
// token asks that of now.
func (e *entry) admitsAs(other *entry) bool {
	return e.id == other.id && e.registered == other.registered && e.maxLifetime == other.maxLifetime &&
		(e.allow == nil) == (other.allow == nil) &&
		// mutant: equivalent `(e.clients == nil) == (other.clients == nil) → true`, no list is empty without one of the settings that any client excludes
		(e.clients == nil) == (other.clients == nil) && maps.Equal(e.clients, other.clients) &&
		slices.Equal(slices.Sorted(slices.Values(e.audiences)), slices.Sorted(slices.Values(other.audiences)))
}

// poolIDs are the IDs of all Pool entries.
func (s *state) poolIDs() map[string]bool {
	ids := map[string]bool{}
	for _, t := range s.places {
		if t != nil {
			ids[t.id] = true
		}
	}
	return ids
}

// retain forgets the counts of refusals by pools other than these: where tenants come
// and go, their kinds would become more and more.
func (s *sampler) retain(pools map[string]bool) {
	s.kinds.Range(func(kind, _ any) bool {
		if k := kind.(refusalKind); k.pool != "" && !pools[k.pool] {
			s.kinds.Delete(kind)
		}
		return true
	})
}
