package cognitoauth

// This file holds what a program sees of its key sets: Status, the log records,
// and the reasons of skipped keys. When keys are fetched is in jwks.go.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
)

// PoolStatus is the state of one key source. A pool with replica regions has
// several. Pools with the same key-set URLs share one.
type PoolStatus struct {
	// PoolID is the ID of the first Pool that uses the source.
	PoolID string
	// URL is where we look for the keys first, "" for a static key set. It has
	// "redacted" in place of a query.
	URL string
	// KeyIDs are the kids of the usable keys, sorted; none if the set is too old.
	KeyIDs []string
	// Skipped is how many keys of the set we cannot use (not RSA, for another
	// use or algorithm, too weak, ambiguous).
	Skipped int
	// SkippedKeys says of the first 10 of them why, in the order of the set:
	// place in the set, kid if it has one, what was found and what was expected.
	// The texts are for people and may change; they quote in ASCII.
	SkippedKeys []string
	// Fetched is when the set was fetched, by Config.Now. Age is how old it is, by
	// Config.Now or by the machine's monotonic clock, whichever says more. Both
	// are zero for a static set, and before the first success.
	Fetched time.Time
	Age     time.Duration
	// Err is why the last fetch failed, nil if it did not.
	Err error
	// Fetches and Failures count since New, or since the Reload that brought the
	// source.
	Fetches, Failures int
}

// Status reports the state of each key source, for a dashboard. It does no I/O
// and starts no fetch.
func (m *Middleware) Status() []PoolStatus {
	now := m.state()
	if now == nil {
		return nil
	}
	all := make([]PoolStatus, len(now.sources))
	for i, s := range now.sources {
		all[i] = s.status()
	}
	return all
}

func (s *keySource) status() PoolStatus {
	set := s.current.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PoolStatus{PoolID: s.by.Load().pool, Fetches: s.fetches, Failures: s.failed}
	if s.last != nil {
		st.Err = s.last.err
	}
	if len(s.urls) > 0 {
		st.URL = keyfetch.Shown(s.urls[0])
	}
	if set == nil {
		return st
	}
	st.Skipped, st.SkippedKeys = set.Skipped, skipTexts(set.Skips)
	if len(s.urls) > 0 {
		_, age := s.age(set, s.now())
		st.Fetched, st.Age = set.fetched, age
	}
	if st.Age <= hardLimit {
		st.KeyIDs = slices.Sorted(maps.Keys(set.Keys))
	}
	return st
}

// report logs how a flight ended.
func (s *keySource) report(by *upkeep, before *heldSet, got keyfetch.Answer) {
	log := by.log.With("pool", by.pool, "url", got.URL)
	if got.Err != nil {
		if before == nil {
			log.Error("cognitoauth: key set fetch failed, there are no keys", "err", got.Err)
			return
		}
		now := by.now()
		level, text := slog.LevelWarn, "cognitoauth: key set fetch failed, the stale set stays"
		if s.fresh(now) == nil {
			level, text = slog.LevelError, "cognitoauth: key set fetch failed, the last one is too old to be used"
		}
		_, age := s.age(before, now)
		log.Log(context.Background(), level, text, "err", got.Err, "age", age.Round(time.Second))
		return
	}
	attrs := []any{"keys", len(got.Set.Keys), "skipped", got.Set.Skipped}
	if why := skipTexts(got.Set.Skips); why != nil {
		attrs = append(attrs, "why", why)
	}
	log.Info("cognitoauth: key set fetched", attrs...)
	for kid, k := range got.Set.Keys {
		if before.find(kid) != k {
			log.Info("cognitoauth: key added", "kid", inLog(kid))
		}
	}
	if before != nil {
		for kid, k := range before.Keys {
			if got.Set.Keys[kid] != k {
				log.Warn("cognitoauth: key withdrawn", "kid", inLog(kid))
			}
		}
	}
}

// withReasons adds to the error of a set without a usable key why they are not.
func withReasons(err error) error {
	if none, ok := errors.AsType[*keyset.UnusableError](err); ok && len(none.Skips) > 0 {
		return fmt.Errorf("%w; skipped: %s", err, strings.Join(skipTexts(none.Skips), "; "))
	}
	return err
}

// skipTexts says why keys of a set are skipped.
func skipTexts(all []keyset.Skip) (texts []string) {
	for _, why := range all {
		name := "key " + strconv.Itoa(why.Position)
		if why.KeyID != "" {
			name += " with kid " + quote(why.KeyID)
		}
		texts = append(texts, name+": "+skipText(why))
	}
	return texts
}

// skipText says why one key is skipped.
func skipText(why keyset.Skip) string {
	switch why.Reason {
	case keyset.NotObject:
		return "it is not a JSON object"
	case keyset.InvalidUTF8:
		return "it is not valid UTF-8"
	case keyset.LoneSurrogate:
		return `it has half of a surrogate pair, such as \ud800, which is no character`
	case keyset.DuplicateMember:
		if why.Member == "" {
			return "one of its members has the same name twice in it"
		}
		return "its member " + quote(why.Member) + " stands there twice"
	case keyset.Missing:
		return "its member " + why.Member + " is missing; names are compared with their case"
	case keyset.NotText:
		return "its member " + why.Member + " is not a JSON string"
	case keyset.NotRSA:
		return "kty is " + quote(why.Found) + ", expected RSA"
	case keyset.WrongUse:
		return "use is " + quote(why.Found) + ", expected sig or no use"
	case keyset.WrongAlgorithm:
		return "alg is " + quote(why.Found) + ", expected RS256 or no alg"
	case keyset.WrongKeyOps:
		return "key_ops is not a list of strings with verify among them"
	case keyset.EmptyKeyID:
		return "its kid is empty"
	case keyset.LongKeyID:
		return fmt.Sprintf("its kid has %d bytes, expected at most %d", why.Size, keyset.MaxKeyIDBytes)
	case keyset.Repeated:
		return "the same key stands in the set before"
	case keyset.Ambiguous:
		return "another key of the set has the same kid"
	case keyset.Unresolved:
		return "the JWK library refuses it"
	case keyset.Shipped:
		return "it is a test key of package cognitotest, and anybody has its private half"
	}
	return numberText(why)
}

// numberText says what is wrong with the modulus or the exponent of a key.
func numberText(why keyset.Skip) string {
	switch why.Reason {
	case keyset.Padded:
		return why.Member + ` ends in "=": base64url in a JWK has no padding (RFC 7515, section 2)`
	case keyset.NotBase64URL:
		return why.Member + " is not canonical base64url (RFC 7515, section 2)"
	case keyset.LeadingZero:
		return why.Member + " begins with a zero byte, which the number does not need and RFC 7518, section 2, does not allow"
	case keyset.ModulusSize:
		return fmt.Sprintf("its modulus has %d bits, expected %d to %d", why.Size, keyset.MinBits, keyset.MaxBits)
	case keyset.EvenModulus:
		return "its modulus is even"
	case keyset.WeakPrimes:
		return "its modulus has the fingerprint of a broken key generator, so its private key can be found (CVE-2017-15361, ROCA): replace the key"
	case keyset.SmallExponent:
		return "its exponent is smaller than 65537"
	case keyset.EvenExponent:
		return "its exponent is even"
	case keyset.LargeExponent:
		return fmt.Sprintf("its exponent has %d bits, expected at most 31", why.Size)
	}
	return "it cannot be used"
}
