package main

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// signingKey is one key of the pool in its whole life: published, signing,
// published still, withdrawn.
type signingKey struct {
	id    string
	key   *rsa.PrivateKey
	signs time.Time // from when on
	early bool      // published before the run, and so fetched in the first place

	// Guarded by the issuer's lock.
	served    time.Time // when a fetch first brought it to the library
	withdrawn time.Time
}

// issuer is the key side of a user pool: it rotates keys and answers fetches.
type issuer struct {
	plan plan

	mu     sync.Mutex
	keys   []*signingKey // published, in the order in which they sign
	made   int
	asked  int // fetches
	failed int
	// margin is the shortest time between a key's first fetch and its first
	// signature.
	margin time.Duration
}

// newIssuer has the keys that rotation would have published by now.
func newIssuer(p plan, now time.Time) *issuer {
	is := &issuer{plan: p, margin: p.lead}
	for at := time.Duration(0); at <= p.lead; at += p.every {
		is.publish(&signingKey{key: p.newKey(), signs: now.Add(at), early: true})
	}
	return is
}

func (is *issuer) publish(k *signingKey) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.made++
	k.id = "soak-key-" + strconv.Itoa(is.made)
	is.keys = append(is.keys, k)
}

// rotate publishes a key at each interval and withdraws the one that has not
// signed for the last one.
func (is *issuer) rotate(ctx context.Context) {
	tick := time.NewTicker(is.plan.every)
	defer tick.Stop()
	for {
		next := is.plan.newKey() // takes its time: before it is due
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		is.publish(&signingKey{key: next, signs: now.Add(is.plan.lead)})
		is.withdraw(now)
	}
}

func (is *issuer) withdraw(now time.Time) {
	is.mu.Lock()
	defer is.mu.Unlock()
	for len(is.keys) > 1 && !now.Before(is.keys[1].signs.Add(is.plan.every)) {
		is.keys[0].withdrawn = now
		is.keys = is.keys[1:]
	}
}

// current is the key that signs now.
func (is *issuer) current(now time.Time) *signingKey {
	is.mu.Lock()
	defer is.mu.Unlock()
	found := is.keys[0]
	for _, k := range is.keys {
		if !k.signs.After(now) {
			found = k
		}
	}
	return found
}

// gone is how long ago a key was withdrawn; negative if it was not.
func (is *issuer) gone(k *signingKey, now time.Time) time.Duration {
	is.mu.Lock()
	defer is.mu.Unlock()
	if k.withdrawn.IsZero() {
		return -1
	}
	return now.Sub(k.withdrawn)
}

// ServeHTTP is the key endpoint. It fails at once and in turns: an endpoint that
// kept silent for the 5 s of a fetch would leave no time for the next one before
// a key signs.
func (is *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.asked++
	if n := is.plan.failEvery; n > 0 && is.asked%n == 0 {
		is.failed++
		fail(w, is.failed)
		return
	}
	var keys []map[string]string
	for _, k := range is.keys {
		if k.served.IsZero() {
			k.served = time.Now()
			if !k.early {
				is.margin = min(is.margin, k.signs.Sub(k.served))
			}
		}
		keys = append(keys, map[string]string{
			"kid": k.id, "kty": "RSA", "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(k.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.key.E)).Bytes()),
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys}) // a client that has gone
}

func fail(w http.ResponseWriter, n int) {
	switch n % 4 {
	case 1:
		http.Error(w, "broken", http.StatusInternalServerError)
	case 2:
		panic(http.ErrAbortHandler)
	case 3:
		_, _ = w.Write([]byte(`{"keys":[{"kty"`))
	default:
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}
}
