package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

const (
	leeway   = time.Second
	shortly  = 3 * time.Second // that a short-lived token lives
	afterExp = shortly + leeway + time.Second
	// afterKey is how long after its withdrawal a key may still be trusted: the
	// 10 s between two fetches, the 1.25 s at most after one that fails, and some
	// for a busy machine.
	afterKey = 15 * time.Second
)

// request is one request to be made, and what has to come of it.
type request struct {
	path, token string
	place       place
	subject     string   // that the handler answers with, if it is a good one
	undecided   bool     // whether it is one, the library cannot know yet
	kind        string   // of a bad one; "": a good one
	answers     []string // that a bad one may get, "401 token_expired"
}

// place is where the token goes.
type place int

const (
	inHeader place = iota
	inTwoHeaders
	inQuery
)

// kind is one way for a request to be bad. spoil is given a token that would
// pass.
type kind struct {
	name    string
	answers []string
	path    string // "": /me
	place   place
	spoil   func(m *mint, good *cognitotest.Token) string
}

func bad(name, answer string, spoil func(m *mint, good *cognitotest.Token) string) kind {
	return kind{name: name, answers: []string{answer}, spoil: spoil}
}

// unknownKey is what a kid that no key has may be answered with: while a fetch
// is due and cannot be made nobody can tell.
var unknownKey = []string{"401 key_unknown", "503 keys_unavailable"}

var unknownKid = kind{name: "unknown kid", answers: unknownKey, spoil: func(_ *mint, good *cognitotest.Token) string {
	return good.SetHeader("kid", rand.Text()).String()
}}

var kinds = []kind{
	bad("no token", "401 token_missing", func(*mint, *cognitotest.Token) string { return "" }),
	{name: "token in the query", answers: []string{"401 token_missing"}, place: inQuery, spoil: whole},
	{name: "two headers", answers: []string{"400 credentials_repeated"}, place: inTwoHeaders, spoil: whole},
	bad("two segments", "401 token_malformed", func(_ *mint, good *cognitotest.Token) string {
		s := good.String()
		return s[:strings.LastIndexByte(s, '.')]
	}),
	bad("padding", "401 token_malformed", func(_ *mint, good *cognitotest.Token) string { return good.String() + "=" }),
	bad("too large", "401 token_too_large", func(_ *mint, good *cognitotest.Token) string {
		return good.String() + strings.Repeat("A", 32<<10)
	}),
	bad("alg none", "401 algorithm_unsupported", func(_ *mint, good *cognitotest.Token) string {
		return good.SetHeader("alg", "none").SignedWith(func([]byte) []byte { return nil }).String()
	}),
	bad("HS256 by the public key", "401 algorithm_unsupported", func(m *mint, good *cognitotest.Token) string {
		return good.SetHeader("alg", "HS256").SignedWith(m.hmac).String()
	}),
	bad("HS256 that says RS256", "401 signature_invalid", func(m *mint, good *cognitotest.Token) string {
		return good.SignedWith(m.hmac).String()
	}),
	bad("critical header", "401 header_unsupported", func(_ *mint, good *cognitotest.Token) string {
		return good.SetHeader("crit", []string{"exp"}).String()
	}),
	bad("name twice", "401 claims_malformed", func(m *mint, good *cognitotest.Token) string {
		return good.Payload([]byte(`{"sub":"a","sub":"b"}`)).String()
	}),
	bad("other pool", "401 issuer_mismatch", func(m *mint, _ *cognitotest.Token) string { return m.other.AccessToken().String() }),
	bad("other pool's key", "401 signature_invalid", func(m *mint, good *cognitotest.Token) string {
		return good.SignedBy(m.other.AccessToken().Key()).String()
	}),
	bad("ID token", "401 token_use_mismatch", func(m *mint, good *cognitotest.Token) string {
		return m.sign(m.pool.IDToken(), m.key).String()
	}),
	bad("expired", "401 token_expired", func(_ *mint, good *cognitotest.Token) string { return good.ExpiresIn(-time.Minute).String() }),
	bad("not yet valid", "401 token_not_yet_valid", func(m *mint, good *cognitotest.Token) string {
		return good.Set("nbf", m.pool.Now().Add(time.Minute)).String()
	}),
	bad("long-lived", "401 lifetime_too_long", func(m *mint, good *cognitotest.Token) string {
		return good.Set("exp", m.pool.Now().Add(72*time.Hour)).String()
	}),
	bad("other client", "401 client_mismatch", func(_ *mint, good *cognitotest.Token) string { return good.Client("2other").String() }),
	bad("other resource", "401 audience_mismatch", func(_ *mint, good *cognitotest.Token) string {
		return good.Set("aud", "https://other.example").String()
	}),
	bad("bit of the signature", "401 signature_invalid", func(_ *mint, good *cognitotest.Token) string { return good.Tampered().String() }),
	bad("other's payload", "401 signature_invalid", func(_ *mint, good *cognitotest.Token) string {
		mine, theirs := strings.Split(good.String(), "."), strings.Split(good.User("victim").String(), ".")
		return mine[0] + "." + theirs[1] + "." + mine[2]
	}),
	{name: "scope missing", answers: []string{"403 scope_missing"}, path: "/orders", spoil: func(_ *mint, good *cognitotest.Token) string {
		return good.Scopes("orders/read").String()
	}},
}

func whole(_ *mint, good *cognitotest.Token) string { return good.String() }

// hmac is the confusion of algorithms: its secret is the text of the public key.
func (m *mint) hmac(input []byte) []byte {
	der, err := x509.MarshalPKIXPublicKey(&m.key.key.PublicKey)
	if err != nil {
		panic(err) // an RSA key always has that form
	}
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write(input)
	return mac.Sum(nil)
}

// mint makes the requests of one client.
type mint struct {
	issuer      *issuer
	pool, other *cognitotest.Pool
	name        string // of the client's users
	kinds       []kind
	// keeps: it uses one token for as long as the key signs, so that the library
	// remembers it, and sends it again when the key is withdrawn.
	keeps bool

	key   *signingKey // that signs now
	users int
	turn  int // of kinds

	// A good request to be made again, as long as its key signs.
	again      request
	againKey   *signingKey
	againUntil time.Time

	// Tokens that were good, until they expire or their key is withdrawn.
	expiring, keyed []retired
}

// retired is a token that was good once.
type retired struct {
	token string
	since time.Time
	key   *signingKey
}

// maxRetired bounds what a client keeps of each kind, or the soak would find its
// own growth.
const maxRetired = 16

// good is a request that has to be admitted: three of four repeat an earlier one,
// or all of them, as long as its key signs.
func (m *mint) good(now time.Time) request {
	m.key = m.issuer.current(now)
	if m.users++; (m.users%4 != 0 || m.keeps) && m.againKey == m.key && now.Before(m.againUntil) {
		return m.again
	}
	user := fmt.Sprint(m.name, "-", m.users)
	t := m.sign(m.pool.AccessToken().User(user), m.key).Scopes("orders/write")
	r := request{path: "/orders", subject: t.Claims().Subject}
	switch {
	case m.users/4%4 == 0 && !m.keeps:
		t = t.ExpiresIn(shortly)
	case m.users/4%4 == 1:
		t = m.sign(m.pool.MachineToken(), m.key)
		r.path, r.subject = "/me", m.pool.ClientID()
	}
	r.token = t.String()
	m.again, m.againKey, m.againUntil = r, m.key, now.Add(shortly/2)
	switch {
	case m.keeps:
		m.againUntil = now.Add(time.Hour)
		m.keyed = retain(m.keyed, retired{r.token, now, m.key})
	case m.users/4%4 == 0:
		m.expiring = retain(m.expiring, retired{r.token, now, m.key})
	}
	return r
}

func retain(all []retired, r retired) []retired {
	if len(all) == maxRetired {
		return all
	}
	return append(all, r)
}

// sign gives a token of the pool one of the rotating keys.
func (m *mint) sign(t *cognitotest.Token, k *signingKey) *cognitotest.Token {
	return t.SetHeader("kid", k.id).SignedBy(k.key)
}

// bad is a request that must not be admitted, of each kind in turn.
func (m *mint) bad(now time.Time) request {
	if r, ok := m.retired(now); ok {
		return r
	}
	m.key = m.issuer.current(now)
	k := m.kinds[m.turn%len(m.kinds)]
	m.turn++
	r := request{path: "/me", place: k.place, kind: k.name, answers: k.answers}
	if k.path != "" {
		r.path = k.path
	}
	r.token = k.spoil(m, m.sign(m.pool.AccessToken(), m.key).Scopes("orders/write"))
	return r
}

// retired is a request with a token that was good once and is no longer, if the
// client has one.
func (m *mint) retired(now time.Time) (request, bool) {
	if len(m.expiring) > 0 && now.Sub(m.expiring[0].since) > afterExp {
		r := request{path: "/me", token: m.expiring[0].token, kind: "good until it expired", answers: []string{"401 token_expired"}}
		m.expiring = slices.Delete(m.expiring, 0, 1) // a slice of it would keep the token
		return r, true
	}
	if len(m.keyed) == 0 {
		return request{}, false
	}
	if m.issuer.gone(m.keyed[0].key, now) > afterKey {
		r := request{path: "/me", token: m.keyed[0].token, kind: "good until its key was withdrawn", answers: unknownKey}
		m.keyed = slices.Delete(m.keyed, 0, 1)
		return r, true
	}
	// Until then it is used, or the library would not remember it.
	if m.users%2 == 0 {
		return request{path: "/me", token: m.keyed[m.users/2%len(m.keyed)].token, undecided: true}, true
	}
	return request{}, false
}
