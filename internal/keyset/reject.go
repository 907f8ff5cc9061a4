package keyset

import (
	"crypto/rsa"
	"fmt"
	"maps"
	"slices"
)

// Rejected is a key that the caller does not want, and why.
type Rejected struct{ KeyID, Why string }

// Reject skips the usable keys for which why has a reason; "" stands for none. It
// is called before the set is used. A set without a usable key left is an error.
func (set *Set) Reject(why func(*rsa.PublicKey) string) error {
	for _, kid := range slices.Sorted(maps.Keys(set.Keys)) {
		reason := why(set.Keys[kid].Public)
		if reason == "" {
			continue
		}
		delete(set.Keys, kid)
		set.Skipped++
		set.Rejected = append(set.Rejected, Rejected{kid, reason})
	}
	if len(set.Keys) == 0 {
		first := set.Rejected[0]
		return fmt.Errorf("no key of the set is usable: key %+.64q is skipped, %s", first.KeyID, first.Why)
	}
	return nil
}
