package cognitoauth

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/cognitoauth/cognitoauth/internal/base64url"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// The key cache. For each key source there is one immutable key set behind an
// atomic pointer, and at most one fetch in flight. Take a token whose kid is
// not in the set, as all tokens are for a moment after a rotation: its request
// and every other that comes meanwhile wait for the one fetch, which runs on a
// context of its own, so no client that hangs up can stop it. When it ends the
// new set is published, and all of them look again. Had the last fetch ended
// less than a floor ago there would be no fetch at all and the answer would be
// immediate; that is all an attacker with random kids can bring about.
//
// The HTTP storage of jwkset is not used. It forgets every key when the
// endpoint answers 200 {}, turns away all but one of the requests that meet at
// a rotation, lets a request wait a minute, follows redirects, and reads bodies
// of any size.
const (
	refreshAge   = time.Hour        // a set older than this, give or take 10 %, is fetched anew in the background
	hardLimit    = 24 * time.Hour   // a set older than this is not used
	fetchTimeout = 5 * time.Second  // for one fetch, all hosts included
	secondHost   = time.Second      // after which the updated host is asked as well
	maxWait      = 3 * time.Second  // that a request waits for a fetch
	fetchFloor   = 10 * time.Second // between a success and the next fetch
	firstBackoff = time.Second      // between a failure and the next fetch, doubling
	lastBackoff  = time.Minute      // up to this
	minMaxAge    = 5 * time.Minute  // a Cache-Control: max-age below this counts as this

	maxKeySetBytes = 256 << 10
	maxKeys        = 100
	maxKeyIDBytes  = 256
	minKeyBits     = 2048
	maxKeyBits     = 8192
	minExponent    = 1<<16 + 1 // FIPS 186-5, section A.1.1; Cognito's own
)

// keySource is the cache of one key set.
type keySource struct {
	pool   string
	urls   []string // none: a static set; else the second is the updated host's
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	current atomic.Pointer[keySet]
	// quietUntil is when the next fetch may begin, in nanoseconds after epoch
	// by the monotonic clock: a clock set back must not stop fetches, nor one
	// that jumps about allow more of them. It spares requests the lock.
	quietUntil atomic.Int64

	mu       sync.Mutex // guards what follows, and begins of flights
	flight   *flight
	lastErr  error // of the last attempt; nil: it succeeded
	failures int   // in a row
	fetches  int
	failed   int
}

// keySet is one published key set. It is never changed.
type keySet struct {
	keys    map[string]*key
	skipped int
	fetched time.Time     // by Config.Now, wall time only; zero on a static set
	refresh time.Duration // the age at which it is fetched anew
}

// key is one usable key. A refresh that brings the same material keeps the
// pointer, so a pointer stands for "the very key".
type key struct {
	jwk    jwkset.JWK
	public *rsa.PublicKey // what keyfunc resolves a token of its kid to
}

// flight is one fetch, and what its waiters read when done is closed.
type flight struct {
	done chan struct{}
	err  error
}

var epoch = time.Now()

// errKeyUnknown: the key set is fresh and has no key of that kid.
var errKeyUnknown = errors.New("cognitoauth: key unknown")

// unavailableError: whether there is a key of that kid cannot be said now.
type unavailableError struct {
	cause error
	retry time.Duration
}

func (e *unavailableError) Error() string { return "cognitoauth: key set unavailable" }
func (e *unavailableError) Unwrap() error { return e.cause }

var errTooOld = fmt.Errorf("the key set is older than %s", hardLimit)

var errWaited = fmt.Errorf("the fetch has taken longer than %s", maxWait)

func newKeySource(pool string, urls []string, client *http.Client, now func() time.Time, log *slog.Logger) *keySource {
	return &keySource{pool: pool, urls: urls, client: client, now: now, log: log}
}

// key returns the key of that kid, waiting for a fetch where one is due because
// of it, and whether it has waited. Its errors are errKeyUnknown and
// *unavailableError.
func (s *keySource) key(ctx context.Context, kid string, now time.Time) (_ *key, waited bool, _ error) {
	// By one reading of the clock: between two, a set can become too old.
	if k := s.usable(now).find(kid); k != nil {
		return k, false, nil
	}
	if len(s.urls) == 0 {
		return nil, false, errKeyUnknown
	}
	f, k, err := s.join(kid, now)
	if f == nil {
		return k, false, err
	}
	if err := f.wait(ctx); err != nil {
		return nil, true, err
	}
	set := s.fresh(s.now())
	switch k := set.find(kid); {
	case k != nil:
		return k, true, nil
	case f.err != nil:
		return nil, true, s.unavailable(f.err)
	case set == nil:
		return nil, true, s.unavailable(errTooOld)
	}
	return nil, true, errKeyUnknown
}

func (set *keySet) find(kid string) *key {
	if set == nil {
		return nil
	}
	return set.keys[kid]
}

// usable is the current set unless it is too old, nil if there is none. It
// starts the refresh of a set that is due, without waiting for it.
func (s *keySource) usable(now time.Time) *keySet {
	set := s.current.Load()
	if set == nil || len(s.urls) == 0 {
		return set
	}
	if age := now.Sub(set.fetched); age < 0 || age >= set.refresh {
		s.refresh()
	}
	return s.fresh(now)
}

// fresh is the current set unless it is too old, nil if there is none.
func (s *keySource) fresh(now time.Time) *keySet {
	set := s.current.Load()
	// fetched has no monotonic reading, so this is wall time: a machine that
	// was suspended must not take a day-old set for a fresh one.
	if set == nil || now.Sub(set.fetched) > hardLimit {
		return nil
	}
	return set
}

// refresh starts a fetch if none is in flight and none was just made.
func (s *keySource) refresh() {
	if s.quietFor() > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
}

// quietFor is how long no fetch may begin.
func (s *keySource) quietFor() time.Duration {
	until := s.quietUntil.Load()
	if until == 0 {
		return 0
	}
	return time.Duration(until) - time.Since(epoch)
}

// begin returns the flight in the air, starting one if there is none and one
// may start, else nil. s.mu is held.
func (s *keySource) begin() *flight {
	if s.flight == nil && s.quietFor() <= 0 {
		s.flight = &flight{done: make(chan struct{})}
		s.fetches++
		s.quietUntil.Store(math.MaxInt64)
		go s.run(s.flight)
	}
	return s.flight
}

// join returns the flight that a request for kid has to wait for; or, if there
// is nothing to wait for, the key, if it has come meanwhile, or an error.
func (s *keySource) join(kid string, now time.Time) (*flight, *key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.begin(); f != nil {
		return f, nil, nil
	}
	set := s.fresh(now)
	switch k := set.find(kid); {
	case k != nil:
		return nil, k, nil
	case s.lastErr != nil:
		return nil, nil, s.unavailable(s.lastErr)
	case set == nil:
		return nil, nil, s.unavailable(errTooOld)
	}
	return nil, nil, errKeyUnknown
}

// unavailable is the error for now, until the next fetch may begin.
func (s *keySource) unavailable(cause error) error {
	retry := s.quietFor()
	if retry > lastBackoff { // a fetch is in flight
		retry = firstBackoff
	}
	return &unavailableError{cause, max(retry, firstBackoff)}
}

func (f *flight) wait(ctx context.Context) error {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return &unavailableError{context.Cause(ctx), firstBackoff}
	case <-timer.C:
		return &unavailableError{errWaited, firstBackoff}
	}
}

// answer is what one host, or all of a source, had to say.
type answer struct {
	set   *keySet
	url   string
	err   error
	retry time.Duration // Retry-After
}

// run is one fetch from beginning to end, on the source's own time. Whatever
// happens in it, a panic of the client or the logger included, the waiters are
// released.
func (s *keySource) run(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	got := answer{err: errors.New("the fetch panicked")}
	var before *keySet
	func() {
		defer func() {
			if p := recover(); p != nil {
				got = answer{err: fmt.Errorf("the fetch panicked (%T)", p)}
			}
			before = s.land(f, got)
		}()
		got = s.fetch(ctx)
		if got.set != nil {
			got.set.fetched = s.now().Round(0)
		}
	}()
	defer func() { _ = recover() }() // a logger's panic has nobody to go to
	s.report(before, got)
}

// land publishes what a flight brought and releases its waiters. It returns the
// set that was current before.
func (s *keySource) land(f *flight, got answer) (before *keySet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.current.Load()
	pause := fetchFloor
	if s.lastErr = got.err; got.err == nil {
		s.failures = 0
		s.publish(got.set, before)
	} else {
		s.failed++
		pause = backoff(s.failures, got.retry)
		s.failures++
	}
	f.err = got.err
	s.flight = nil
	s.quietUntil.Store(int64(time.Since(epoch) + pause))
	close(f.done)
	return before
}

// publish makes set current. Keys whose material is unchanged stay the same
// pointers.
func (s *keySource) publish(set, before *keySet) {
	for kid, k := range set.keys {
		if old := before.find(kid); old != nil && old.public.Equal(k.public) {
			set.keys[kid] = old
		}
	}
	s.current.Store(set)
}

// backoff is the pause after a failure that followed the given number of
// others: what the server asked for within bounds, else 1 s doubling to 60 s,
// spread by a quarter to either side so that a fleet does not march in step.
func backoff(before int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, firstBackoff), lastBackoff)
	}
	d := min(firstBackoff<<min(before, 10), lastBackoff)
	return min(d*3/4+rand.N(d/2), lastBackoff)
}

// fetch asks the source's hosts; the first good answer wins. The second host
// is asked when the first has failed or kept silent for a while. Its failure
// counts for nothing: 403 there says that the pool keeps its original issuer.
func (s *keySource) fetch(ctx context.Context) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(s.urls))
	ask := func(url string) { go func() { answers <- s.get(ctx, url) }() }
	ask(s.urls[0])
	waiting, rest := 1, s.urls[1:]
	late := time.NewTimer(secondHost)
	defer late.Stop()
	var first answer
	for waiting > 0 {
		var got answer
		select {
		case got = <-answers:
			waiting--
		case <-late.C:
		case <-ctx.Done():
			// A transport that ignores its context must not hold up the flight.
			if first.url != s.urls[0] {
				first = answer{url: s.urls[0], err: fmt.Errorf("GET %s: no answer within %s", s.urls[0], fetchTimeout)}
			}
			return first
		}
		switch {
		case got.set != nil:
			return got
		case got.url == s.urls[0]:
			first = got
		}
		for _, url := range rest {
			ask(url)
			waiting++
		}
		rest = nil
	}
	return first
}

// get asks one host.
func (s *keySource) get(ctx context.Context, url string) (got answer) {
	defer func() {
		if p := recover(); p != nil {
			got = answer{url: url, err: fmt.Errorf("GET %s: the client panicked (%T)", url, p)}
		}
	}()
	fail := func(format string, args ...any) answer {
		return answer{url: url, retry: got.retry, err: fmt.Errorf("GET %s: %w", url, fmt.Errorf(format, args...))}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	// mutant: equivalent, New has parsed the URL
	if err != nil {
		return fail("%w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "cognitoauth")
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{url: url, err: err} // a *url.Error: it names the URL
	}
	defer resp.Body.Close()
	got.retry = retryAfter(resp.Header)
	if resp.StatusCode != http.StatusOK {
		return fail("status %d, expected 200; redirects are not followed", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySetBytes+1))
	if err != nil {
		return fail("%w", err)
	}
	set, err := parseKeySet(body)
	if err != nil {
		return fail("%w", err)
	}
	set.refresh = lifetime(resp.Header)
	return answer{set: set, url: url}
}

// retryAfter is Retry-After in seconds, 0 if there is none; a date is not worth
// the clocks it depends on.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return max(time.Duration(min(n, 3600))*time.Second, firstBackoff) // ErrRange comes with the largest
}

// lifetime is the age at which a set with this header is fetched anew.
func lifetime(h http.Header) time.Duration {
	age := refreshAge*9/10 + rand.N(refreshAge/5)
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && strings.EqualFold(name, "max-age") {
			asked := time.Duration(min(n, int(hardLimit/time.Second))) * time.Second
			age = min(age, max(asked, minMaxAge))
		}
	}
	return age
}

// report logs what a flight brought.
func (s *keySource) report(before *keySet, got answer) {
	log := s.log.With("pool", s.pool, "url", got.url)
	if got.err != nil {
		if before == nil {
			log.Error("cognitoauth: key set fetch failed, there are no keys", "err", got.err)
			return
		}
		now := s.now()
		level, text := slog.LevelWarn, "cognitoauth: key set fetch failed, the stale set stays"
		if s.fresh(now) == nil {
			level, text = slog.LevelError, "cognitoauth: key set fetch failed, the last one is too old to be used"
		}
		log.Log(context.Background(), level, text, "err", got.err, "age", now.Sub(before.fetched).Round(time.Second))
		return
	}
	log.Info("cognitoauth: key set fetched", "keys", len(got.set.keys), "skipped", got.set.skipped)
	for kid, k := range got.set.keys {
		if before.find(kid) != k {
			log.Info("cognitoauth: key added", "kid", kid)
		}
	}
	if before != nil {
		for kid, k := range before.keys {
			if got.set.keys[kid] != k {
				log.Warn("cognitoauth: key withdrawn", "kid", kid)
			}
		}
	}
}

// PoolStatus tells how one key source stands. A pool with replica regions has
// several; pools that share a key set share one.
type PoolStatus struct {
	// PoolID is the ID of the first Pool that uses the source.
	PoolID string
	// URL is where the keys come from, "" for a static key set.
	URL string
	// KeyIDs are the kids of the usable keys, sorted; none if the set is too old.
	KeyIDs []string
	// Skipped is how many keys of the set cannot be used (not RSA, for another
	// use or algorithm, too weak, ambiguous).
	Skipped int
	// Fetched is when the set was fetched by Config.Now, and Age how old it is.
	// Both are zero for a static set, and before the first success.
	Fetched time.Time
	Age     time.Duration
	// Err is why the last fetch failed; nil if it did not.
	Err error
	// Fetches and Failures count since New.
	Fetches, Failures int
}

func (s *keySource) status() PoolStatus {
	set := s.current.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PoolStatus{PoolID: s.pool, Err: s.lastErr, Fetches: s.fetches, Failures: s.failed}
	if len(s.urls) > 0 {
		st.URL = s.urls[0]
	}
	if set == nil {
		return st
	}
	st.Skipped = set.skipped
	if len(s.urls) > 0 {
		st.Fetched, st.Age = set.fetched, s.now().Sub(set.fetched)
	}
	if st.Age <= hardLimit {
		st.KeyIDs = slices.Sorted(maps.Keys(set.keys))
	}
	return st
}

// start starts the fetch of a source without a usable set, if it may start. It
// returns the flight to wait for, or why there is none; neither if there is a
// usable set.
func (s *keySource) start() (*flight, error) {
	now := s.now()
	if s.usable(now) != nil {
		return nil, nil
	}
	f, _, err := s.join("", now)
	if err == errKeyUnknown { // a set has come meanwhile
		return nil, nil
	}
	return f, s.unready(err)
}

// ready waits for a flight that start returned.
func (s *keySource) ready(ctx context.Context, f *flight) error {
	select {
	case <-f.done:
		return s.unready(f.err)
	case <-ctx.Done():
		return s.unready(context.Cause(ctx))
	}
}

func (s *keySource) unready(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: no key set of pool %s: %w", ErrUnavailable, s.pool, cause(err))
}

// cause is what stands behind an unavailableError.
func cause(err error) error {
	var u *unavailableError
	if errors.As(err, &u) {
		return u.cause
	}
	return err
}

// parseKeySet reads a JWK set (RFC 7517, section 5): the whole document, at
// most 100 keys. A key that cannot be used is skipped; a set without a usable
// key is an error.
func parseKeySet(doc []byte) (*keySet, error) {
	if len(doc) > maxKeySetBytes {
		return nil, fmt.Errorf("the key set is larger than %d bytes", maxKeySetBytes)
	}
	if tooDeep(doc) {
		return nil, errors.New("not a JWK set: it nests too deeply")
	}
	// Sloppiness within one key costs that key, not the set: so it is allowed
	// here, and looked for in each key.
	set := &keySet{keys: map[string]*key{}}
	var count, lists int
	ambiguous := map[string]bool{}
	ok := sloppyMembers(doc, func(name []byte, value jsontext.Value, _ int) bool {
		if string(name) != "keys" {
			return utf8.Valid(name) && utf8.Valid(value)
		}
		lists++
		return elements(value, func(raw jsontext.Value, _ int) bool {
			count++
			set.add(raw, ambiguous)
			// mutant: equivalent `count <= maxKeys → true`, it is counted afterwards too
			return count <= maxKeys
		}, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	})
	set.resolve()
	switch {
	case count > maxKeys:
		return nil, fmt.Errorf("the key set has more than %d keys", maxKeys)
	case !ok || lists != 1:
		return nil, errors.New(`not a JWK set: expected one JSON object with one member "keys", a list`)
	case len(set.keys) == 0:
		return nil, fmt.Errorf("the key set has %d keys and none of them is usable: expected RSA keys of %d to %d bits, for use sig and alg RS256, each with a kid",
			count, minKeyBits, maxKeyBits)
	}
	return set, nil
}

// add takes one key into the set, or counts it as skipped. Two keys of one kid
// with different material leave none: which of them verifies must not depend
// on their order.
func (set *keySet) add(raw jsontext.Value, ambiguous map[string]bool) {
	k, kid := parseKey(raw)
	if k == nil || ambiguous[kid] {
		set.skipped++
		return
	}
	if old := set.keys[kid]; old != nil {
		set.skipped++
		if !old.public.Equal(k.public) {
			set.skipped++
			ambiguous[kid] = true
			delete(set.keys, kid)
		}
		return
	}
	set.keys[kid] = k
}

// resolve has keyfunc resolve each kid once, as it would for a token: what it
// resolves to depends on the key alone, and asking it anew for every token would
// cost an allocation and a walk through the set. What it does not resolve cannot
// be used. It is always given a kid: without one it would try all keys.
func (set *keySet) resolve() {
	all := make([]jwkset.JWK, 0, len(set.keys))
	for _, k := range set.keys {
		all = append(all, k.jwk)
	}
	storage := jwkset.NewMemoryStorage()
	_ = storage.KeyReplaceAll(context.Background(), all) // in memory: cannot fail
	// New fails only without a storage.
	keys, _ := keyfunc.New(keyfunc.Options{Storage: storage, UseWhitelist: []jwkset.USE{jwkset.UseSig}})
	for kid, k := range set.keys {
		found, _ := keys.Keyfunc(&jwt.Token{Header: map[string]any{"alg": "RS256", "kid": kid}})
		var ok bool
		// mutant: equivalent, parseKey is stricter than keyfunc
		if k.public, ok = found.(*rsa.PublicKey); !ok {
			delete(set.keys, kid)
			set.skipped++
		}
	}
}

// parseKey reads one key strictly, nil if it cannot be used. The members that
// count are read here and by their exact names, then handed to jwkset, which
// would fold them; private members are not even handed on.
func parseKey(raw jsontext.Value) (*key, string) {
	m := jwkset.JWKMarshal{KTY: jwkset.KtyRSA, ALG: jwkset.AlgRS256, USE: jwkset.UseSig}
	is := func(value jsontext.Value, want string) bool {
		got, _ := text(value)
		return got == want
	}
	rsaKey := false
	ok := members(raw, func(name []byte, value jsontext.Value, _ int) (ok bool) {
		ok = true
		switch string(name) {
		case "kty":
			rsaKey = is(value, "RSA")
			ok = rsaKey
		case "use":
			ok = is(value, "sig")
		case "alg":
			ok = is(value, "RS256")
		case "key_ops":
			var ops []string
			ops, ok = texts(value)
			ok = ok && slices.Contains(ops, "verify")
		case "kid":
			m.KID, ok = text(value)
		case "n":
			m.N, ok = text(value)
		case "e":
			m.E, ok = text(value)
		}
		return ok
	})
	if !ok || !rsaKey || m.KID == "" || len(m.KID) > maxKeyIDBytes || !usableRSA(m.N, m.E) {
		return nil, ""
	}
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	public, isRSA := jwk.Key().(*rsa.PublicKey)
	// mutant: equivalent `err != nil`, usableRSA is stricter than jwkset
	// mutant: equivalent `isRSA`, kty is RSA
	if err != nil || !isRSA {
		return nil, ""
	}
	return &key{jwk, public}, m.KID
}

// usableRSA checks modulus and exponent (RFC 7518, sections 3.3 and 6.3.1):
// canonical base64url, no leading zero, 2048 to 8192 bits, both odd, and an
// exponent neither tiny nor of more than the 31 bits that crypto/rsa takes.
func usableRSA(n, e string) bool {
	// What is not canonical comes out empty, which has too few bits.
	modulus, _ := base64url.AppendDecode(nil, n)
	exponent, _ := base64url.AppendDecode(nil, e)
	if bytes.HasPrefix(modulus, []byte{0}) || bytes.HasPrefix(exponent, []byte{0}) {
		return false
	}
	N, E := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	return N.BitLen() >= minKeyBits && N.BitLen() <= maxKeyBits && N.Bit(0) == 1 &&
		// mutant: equivalent `E.BitLen() <= 31`, the jwkset that is required refuses more, another need not
		E.BitLen() <= 31 && E.Int64() >= minExponent && E.Bit(0) == 1
}
