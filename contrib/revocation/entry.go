package revocation

// This file says what can be revoked.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// Kind is what an [Entry] names.
type Kind uint8

// The numbers stand in stored records, so they never change.
const (
	// Token is one token, by its jti.
	Token Kind = 1 + iota
	// SignIn is every token of one login, by its origin_jti.
	SignIn
	// User is every token of a user that was issued before Entry.Before, by sub. On
	// a machine's token without sub, that is the app client.
	User
	// Client is every token of an app client that was issued before Entry.Before.
	Client
	// Pool is every token of a user pool that was issued before Entry.Before.
	Pool

	kinds // how many there are, with the heartbeat as number 0
)

var kindNames = [kinds]string{"heartbeat", "token", "sign-in", "user", "client", "pool"}

// String returns the name of the kind, as the handler of [List.Admin] takes it.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// kindOf is the kind of a name, or 0.
func kindOf(name string) Kind {
	for k := Token; k < kinds; k++ {
		if kindNames[k] == name {
			return k
		}
	}
	return 0
}

// Entry is one revocation. It cannot be taken back.
type Entry struct {
	// Kind is what the entry names, and PoolID is the user pool, as in
	// Claims.PoolID. Both are needed.
	Kind   Kind
	PoolID string
	// ID is the jti, origin_jti, sub or app client; "" for the kind Pool. At most
	// 1 KiB.
	ID string
	// Before bounds the kinds User, Client and Pool: tokens whose iat is not after
	// it are refused, and tokens without iat. It counts in whole seconds, so a token
	// from the second of the revocation is refused as well. Zero: now. A token's iat
	// comes from Cognito's clock and Before from ours. The other kinds ignore it.
	Before time.Time
	// Lifetime is how long the entry lives if that is longer than usual, which is
	// Config.MaxLifetime with three times Config.Leeway. It must end before 2088. The
	// store keeps all that was written after it for as long.
	Lifetime time.Duration
}

// What [ForToken] and [ForSignIn] cannot name.
var (
	// ErrNoTokenID says that a token has no jti, which is so if token revocation is
	// switched off for its app client. Revoke its user or its client.
	ErrNoTokenID = errors.New("revocation: the token has no jti: switch token revocation on for its app client, or revoke its user or client")
	// ErrNoOriginID says that a token has no origin_jti: it is a machine's, or token
	// revocation is switched off for its app client. Revoke the token, its user or
	// its client.
	ErrNoOriginID = errors.New("revocation: the token has no origin_jti: revoke the token, its user or its client")
)

// ForToken is the entry for one token. The error is [ErrNoTokenID].
func ForToken(c *cognitoauth.Claims) (Entry, error) {
	if c == nil || c.ID == "" {
		return Entry{}, ErrNoTokenID
	}
	return Entry{Kind: Token, PoolID: c.PoolID, ID: c.ID}, nil
}

// ForSignIn is the entry for all tokens of the login that brought this one. The
// error is [ErrNoOriginID].
func ForSignIn(c *cognitoauth.Claims) (Entry, error) {
	if c == nil || c.OriginID == "" {
		return Entry{}, ErrNoOriginID
	}
	return Entry{Kind: SignIn, PoolID: c.PoolID, ID: c.OriginID}, nil
}

// The store keeps times as seconds in 32 bits, and a table has 31 for Before.
const (
	epoch  = 1577836800 // 2020-01-01: before Cognito wrote origin_jti
	always = 1<<31 - 1  // as Before: whatever the iat is
)

// check returns what is wrong with an entry.
func (e Entry) check(now time.Time) error {
	switch {
	case e.Kind == 0 || e.Kind >= kinds:
		return fmt.Errorf("revocation: %s is no kind that can be revoked", e.Kind)
	case e.PoolID == "" || len(e.PoolID) > 128 || strings.ContainsRune(e.PoolID, 0):
		return errors.New("revocation: PoolID must be the ID of a user pool")
	case (e.Kind == Pool) != (e.ID == ""):
		return errors.New("revocation: ID must be empty for a pool, and for nothing else")
	case len(e.ID) > 1<<10:
		return errors.New("revocation: ID is longer than 1 KiB")
	case e.Lifetime < 0 || now.Add(e.Lifetime).Unix() >= epoch+always:
		return errors.New("revocation: Lifetime is negative, or ends after 2087")
	case !e.Before.IsZero() && (e.Before.Unix() < epoch || e.Before.After(now.Add(time.Hour))):
		return errors.New("revocation: Before is in the future, or before 2020")
	}
	return nil
}
