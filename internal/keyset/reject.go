package keyset

import (
	"cmp"
	"crypto/rsa"
	"maps"
	"slices"
)

// Reject skips the usable keys that the caller does not want, for that reason. It
// must be called before the set is used. A set without a usable key left is an
// *UnusableError.
func (set *Set) Reject(reason Reason, unwanted func(*rsa.PublicKey) bool) error {
	count := len(set.Keys) + set.Skipped
	for _, kid := range slices.Sorted(maps.Keys(set.Keys)) {
		k := set.Keys[kid]
		if unwanted(k.Public) {
			delete(set.Keys, kid)
			set.skip(k.position, Skip{KeyID: kid, Reason: reason})
		}
	}
	slices.SortStableFunc(set.Skips, func(a, b Skip) int { return cmp.Compare(a.Position, b.Position) })
	if len(set.Keys) == 0 {
		return &UnusableError{count, set.Skips}
	}
	return nil
}
