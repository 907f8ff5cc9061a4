// Package cognitotest is a user pool for tests: it lives in the process, signs
// tokens in Cognito's exact shape and publishes the keys that verify them.
//
// A test of a whole handler takes the configuration of the pool and sends a
// token through [cognitoauth.Middleware.Wrap], exactly as in production:
//
//	pool := cognitotest.NewPool(t, cognitotest.Options{})
//	auth, err := cognitoauth.New(pool.Config())
//	...
//	token := pool.AccessToken().Scopes("orders/write").String()
//	r.Header.Set("Authorization", "Bearer "+token)
//	auth.Wrap(mux).ServeHTTP(w, r)
//
// A test of one handler alone needs neither token nor middleware:
//
//	claims := pool.AccessToken().User("jane").Claims()
//	create(w, cognitotest.WithClaims(r, claims))
//
// The tokens begin as Cognito would issue them, and each method of [Token]
// breaks or changes one part. [Pool.SetFault] makes the key endpoint fail, and
// [Pool.Rotate] and its steps change the keys. The key set is served on a
// loopback port and, for [testing/synctest] and for code that must not open
// sockets, in the process by [Pool.Client].
//
// # Never trust these tokens
//
// The private keys of [NewPool] come with the source of this package, since
// making fresh ones would slow every test down: anybody can sign a token that
// such a pool vouches for. So the library skips these keys wherever it reads a
// key set, from a file or an endpoint, unless the Pool is one of [Pool.Config] or
// the HTTPClient is [Pool.Client] or [Client]; change what Config returns, and do
// not write a Pool of your own. [Start], which a demonstration may leave running
// and another process may read, makes fresh keys, which every Pool can trust.
//
// Issuers look real because that is what programs compare, but nothing here
// talks to AWS, and a service that fetches the keys of a real pool trusts none
// of these tokens.
package cognitotest

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// Options says how a [Pool] looks. The zero value is a good pool for most
// tests.
type Options struct {
	// ID is the pool id. Zero: "eu-west-1_AbCdEf123". A program with two pools needs
	// one for each, and the Config().Pools of both in one Config.
	ID string

	// ClientIDs are the app clients; the first one is named in tokens, all of
	// them in [Pool.Config]. Zero: "1example23456789".
	ClientIDs []string

	// Issuer is the iss of the tokens. Zero: the original form of Cognito's
	// issuer for ID, "https://cognito-idp.eu-west-1.amazonaws.com/" and the id.
	Issuer string

	// Now is the clock of the tokens, and of [Pool.Config]. It must be safe for
	// concurrent use. Zero: [time.Now].
	Now func() time.Time

	// ImpliedScopes is that field of [Pool.Config], and what [Token.Claims] go by. A
	// mistake in it is one of [Start]. Zero: no scope implies another.
	ImpliedScopes map[string][]string

	// InProcess makes a pool without a listener: it opens no socket, starts no
	// goroutine, and its keys are reached through [Pool.Client] alone. Set it
	// inside a synctest bubble.
	InProcess bool

	// EscapedSlashes makes the pool write every slash in the JSON of a token as \/,
	// as Cognito did until 2025: iss, kid, scopes. It means the same (RFC 8259,
	// section 7). What [Token.Payload] and [Token.Header] fix stays as it is. Zero:
	// slashes stand as they are, as Cognito has written them since.
	EscapedSlashes bool
}

// TB is the part of [testing.TB] that [NewPool] needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Pool is a user pool in the process. Its methods may be called by several
// goroutines at once.
type Pool struct {
	id, issuer string
	clientIDs  []string
	clock      func() time.Time // nil: none was given
	freshKeys  bool
	escaped    bool // slashes
	imply      map[string][]string
	implied    any    // the same, as the library reads it
	origin     string // "http://127.0.0.1:port"; empty: in process
	stop       func() // ends the listener; nil: there is none

	mu       sync.Mutex
	borrowed []*rsa.PrivateKey // to put back
	retired  []keyPair         // published, signs no more
	current  keyPair           // published, signs
	next     *keyPair          // published, does not sign yet; nil: none
	faults   []Fault
	requests []string
	fetches  int
	closed   bool
}

// Start starts a pool with freshly made keys, which takes a few tenths of a
// second; end it with [Pool.Close]. It fails on an ID that is no pool id, on an
// empty client id, and when there is no loopback port. Tests use [NewPool].
func Start(o Options) (*Pool, error) { return start(o, true) }

// NewPool starts a pool that is closed when the test ends, and stops the test
// where [Start] would return an error. Its keys are public knowledge, as the
// package comment says; no two open pools of a process share one.
func NewPool(tb TB, o Options) *Pool {
	tb.Helper()
	p, err := start(o, false)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(p.Close)
	return p
}

// idForm is Cognito's own rule for pool ids.
var idForm = regexp.MustCompile(`^[\w-]+_[0-9A-Za-z]+$`)

func start(o Options, freshKeys bool) (*Pool, error) {
	p := &Pool{
		id:        cmp.Or(o.ID, "eu-west-1_AbCdEf123"),
		clientIDs: slices.Clone(o.ClientIDs),
		clock:     o.Now,
		freshKeys: freshKeys,
		escaped:   o.EscapedSlashes,
		imply:     cloned(o.ImpliedScopes),
	}
	if !idForm.MatchString(p.id) {
		return nil, fmt.Errorf("cognitotest: %q is no pool id (eu-west-1_AbCdEf123)", p.id)
	}
	p.issuer = cmp.Or(o.Issuer, p.issuers()[0])
	if len(p.clientIDs) == 0 {
		p.clientIDs = []string{"1example23456789"}
	}
	if slices.Contains(p.clientIDs, "") {
		return nil, errors.New("cognitotest: empty client id")
	}
	var err error
	if p.implied, err = kit.ImpliedScopes(p.imply); err != nil {
		return nil, fmt.Errorf("cognitotest: %w", err)
	}
	if !o.InProcess {
		if err := p.listen(); err != nil {
			return nil, fmt.Errorf("cognitotest: %w", err)
		}
	}
	p.current = p.newPair()
	return p, nil
}

// issuers returns the original and the updated form of the issuer that Cognito
// gives to a pool of this id.
func (p *Pool) issuers() [2]string {
	region, _, _ := strings.Cut(p.id, "_")
	suffix := "amazonaws.com"
	switch {
	case strings.HasPrefix(region, "cn-"):
		suffix = "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		suffix = "amazonaws.eu"
	}
	host := "cognito-idp." + region + "." + suffix + "/" + p.id
	return [2]string{"https://" + host, "https://issuer-" + host}
}

// Close ends the listener, breaks its connections and waits for their
// goroutines; from then on [Pool.Client] fails as well. Tokens can still be
// made. Further calls do nothing.
func (p *Pool) Close() {
	p.mu.Lock()
	closed, borrowed := p.closed, p.borrowed
	p.closed, p.borrowed = true, nil
	p.mu.Unlock()
	if closed {
		return
	}
	if p.stop != nil {
		p.stop()
	}
	returnKeys(borrowed)
}

// ID returns the pool id.
func (p *Pool) ID() string { return p.id }

// Issuer returns what the tokens of the pool carry as iss.
func (p *Pool) Issuer() string { return p.issuer }

// ClientID returns the first of the client ids, the one named in tokens.
func (p *Pool) ClientID() string { return p.clientIDs[0] }

// Now returns the time of the clock of the pool.
func (p *Pool) Now() time.Time {
	if p.clock == nil {
		return time.Now()
	}
	return p.clock()
}

// cloned returns a copy that shares no list.
func cloned(scopes map[string][]string) map[string][]string {
	c := maps.Clone(scopes)
	for name, list := range c {
		c[name] = slices.Clone(list)
	}
	return c
}

// Config returns a configuration that admits the access tokens of the pool,
// ready for [cognitoauth.New]. With it the key set is fetched over loopback,
// or, if the pool is InProcess, through [Pool.Client]. Each call returns a
// value of its own, to change as the test needs.
func (p *Pool) Config() cognitoauth.Config {
	pool := cognitoauth.Pool{ID: p.id, ClientIDs: slices.Clone(p.clientIDs)}
	if forms := p.issuers(); !slices.Contains(forms[:], p.issuer) || !followsFromID(p.id) {
		pool.Issuer = p.issuer
	}
	c := cognitoauth.Config{Now: p.clock, ImpliedScopes: cloned(p.imply)}
	if p.origin == "" {
		c.HTTPClient = p.Client()
	} else {
		pool.JWKSURL = p.JWKSURL()
	}
	if !p.freshKeys {
		kit.TrustShipped(&pool)
	}
	c.Pools = []cognitoauth.Pool{pool}
	return c
}

// followsFromID reports whether the library derives the issuer of a pool with
// this ID. It does so in the partitions that it knows, and an emulator's ID is in
// none of them.
func followsFromID(id string) bool {
	_, err := cognitoauth.New(cognitoauth.Config{TokenCache: -1, Pools: []cognitoauth.Pool{{ID: id, ClientIDs: []string{"1"}}}})
	return err == nil
}

// Rotate replaces both keys at once, as seen by a service that was not looking:
// the new ones are published and sign, and all others are gone from the key
// set. Tokens made before keep the key they were made with.
func (p *Pool) Rotate() {
	p.Activate()
	p.Retire()
}

// PublishNext publishes the next two keys beside the current ones, which go on
// signing. It does nothing while two are published already.
func (p *Pool) PublishNext() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishNext()
}

func (p *Pool) publishNext() {
	if p.next == nil {
		pair := p.newPair()
		p.next = &pair
	}
}

// Activate signs new tokens with the next keys from now on, publishing them
// first if [Pool.PublishNext] was not called. The old keys stay published.
func (p *Pool) Activate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishNext()
	p.retired = append(p.retired, p.current)
	p.current, p.next = *p.next, nil
}

// Retire withdraws from the key set the keys that no longer sign.
func (p *Pool) Retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = nil
}

// KeySet returns the key set document that the pool publishes now.
func (p *Pool) KeySet() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	pairs := append([]keyPair{p.current}, p.retired...)
	if p.next != nil {
		pairs = append(pairs, *p.next)
	}
	return keySet(pairs)
}

func (p *Pool) newPair() keyPair {
	return keyPair{
		idToken:     signingKey{newKeyID(), p.newKey()},
		accessToken: signingKey{newKeyID(), p.newKey()},
	}
}

func (p *Pool) newKey() *rsa.PrivateKey {
	if p.freshKeys {
		return generateKey()
	}
	key := borrowKey()
	p.borrowed = append(p.borrowed, key)
	return key
}

// WithClaims returns a copy of r with the context that a handler sees behind
// [cognitoauth.Middleware.Wrap] when a token with these claims was admitted.
// They may be written by hand, and then have the exported fields alone; scopes,
// groups and custom claims take [Token.Claims]. Hand-made claims that name a
// Subject, a Username or a ClientID are those of an access token if they have no
// TokenUse, those of a machine if they have no Username, and good for an hour if
// they have no Expiry.
func WithClaims(r *http.Request, claims *cognitoauth.Claims) *http.Request {
	return r.WithContext(kit.WithClaims(r.Context(), claims))
}
