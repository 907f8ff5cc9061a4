package cognitoauth

// This file keeps the keys that package cognitotest ships out of every key set,
// unless the test kit asks for them. Their private halves are public: a service
// that trusted one, copied from a test or fetched from a forgotten demonstration,
// would let anybody in.

import (
	"fmt"
	"net/http"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/kit"
)

func init() {
	kit.TrustShipped = func(pool any) { pool.(*Pool).testKeys = true }
}

// trustsShipped reports whether the test kit has made the Pool or the client. The
// door opens for that Pool or that client, not for the process: a program may run
// a pool of the kit beside a real one.
func trustsShipped(p *Pool, client *http.Client) bool {
	if p.testKeys {
		return true
	}
	opener, ok := client.Transport.(kit.Opener)
	return ok && opener.BringsShipped(kit.Door{})
}

// parseStatic reads Pool.JWKS.
func (b *builder) parseStatic(p *Pool) (*keyset.Set, error) {
	set, err := keyset.Parse(p.JWKS)
	if err == nil && !trustsShipped(p, b.client) {
		err = set.Reject(keyset.Shipped, kit.Shipped)
	}
	return set, err
}

// screen skips the shipped keys in a set that was fetched.
func (s *keySource) screen(got keyfetch.Answer) keyfetch.Answer {
	if got.Set == nil || s.same.testKeys {
		return got
	}
	if err := got.Set.Reject(keyset.Shipped, kit.Shipped); err != nil {
		return keyfetch.Answer{URL: got.URL, Err: fmt.Errorf("GET %s: %w", keyfetch.Shown(got.URL), err)}
	}
	return got
}
