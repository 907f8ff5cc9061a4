package revocation

// This file holds the form in which an entry is stored: 34 bytes, in which the ID
// is a keyed hash and which only a holder of the key can write.
//
//	version  kind  hash of pool and ID  until  before  tag
//	1        1     16                   4      4       8
//
// The hash is SipHash-2-4 with 128 bits. HMAC-SHA-256 would serve as well, but
// costs ten times as much, on every request. Both are pseudorandom functions, so
// whoever reads the store cannot guess at IDs without the key. The tag is
// SipHash-2-4 of what stands before it, with a second key: a record of another
// namespace, a damaged one and a forged one look the same, and none of them counts.

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dchest/siphash"
)

const (
	recordVersion = 1
	recordSize    = 34
	tagged        = recordSize - 8
)

// record is a decoded record. One with kind 0 is a heartbeat.
type record struct {
	kind          Kind
	key           key
	until, before uint32 // Unix time, and seconds since epoch
}

// key is the keyed hash of a pool and an ID.
type key struct{ hi, lo uint64 }

// keys are derived from the secret and the namespace.
type keys struct{ id0, id1, tag0, tag1 uint64 }

func deriveKeys(secret []byte, namespace string) keys {
	// It fails only if more is asked for, or in FIPS mode with a shorter secret.
	b, _ := hkdf.Key(sha256.New, secret, nil, "cognitoauth revocation 1 "+namespace, 32)
	part := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return keys{part(0), part(1), part(2), part(3)}
}

// of hashes a pool and an ID. No pool ID has a NUL, so no two pairs give the same
// bytes. IDs of up to about 90 bytes take no memory, and Cognito's have 36.
func (k *keys) of(kind Kind, pool, id string) key {
	var room [128]byte
	b := append(room[:0], byte(kind))
	b = append(b, pool...)
	b = append(b, 0)
	b = append(b, id...)
	hi, lo := siphash.Hash128(k.id0, k.id1, b)
	return key{hi, lo}
}

func (k *keys) encode(r record) string {
	b := make([]byte, 0, recordSize)
	b = append(b, recordVersion, byte(r.kind))
	b = binary.BigEndian.AppendUint64(b, r.key.hi)
	b = binary.BigEndian.AppendUint64(b, r.key.lo)
	b = binary.BigEndian.AppendUint32(b, r.until)
	b = binary.BigEndian.AppendUint32(b, r.before)
	b = binary.BigEndian.AppendUint64(b, siphash.Hash(k.tag0, k.tag1, b))
	return string(b)
}

var errForeign = errors.New("revocation: the store has a record that is damaged, or that was written with another Secret or Namespace")

func (k *keys) decode(s string) (record, error) {
	if s != "" && s[0] > recordVersion && s[0] < ' ' {
		return record{}, fmt.Errorf("revocation: the store has a record of version %d, and this program reads version %d: update it", s[0], recordVersion)
	}
	if len(s) != recordSize {
		return record{}, errForeign
	}
	b := []byte(s)
	r := record{
		kind:   Kind(b[1]),
		key:    key{binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])},
		until:  binary.BigEndian.Uint32(b[18:]),
		before: binary.BigEndian.Uint32(b[22:]),
	}
	if binary.BigEndian.Uint64(b[tagged:]) != siphash.Hash(k.tag0, k.tag1, b[:tagged]) {
		return record{}, errForeign
	}
	if r.kind >= kinds || r.before > always {
		return record{}, errForeign
	}
	return r, nil
}

// record is what is stored of a checked entry.
func (l *List) record(e Entry, now time.Time) record {
	r := record{kind: e.Kind, key: l.keys.of(e.Kind, e.PoolID, e.ID), before: always}
	r.until = uint32(min(now.Add(max(e.Lifetime, l.lifetime)).Unix()+1, math.MaxUint32)) // rounded up
	if e.Kind >= User {
		if e.Before.IsZero() {
			e.Before = now
		}
		r.before = sinceEpoch(e.Before)
	}
	return r
}

// sinceEpoch is what the table compares: 0 for no time at all.
func sinceEpoch(t time.Time) uint32 {
	return uint32(min(max(t.Unix()-epoch, 0), always-1))
}
