package revocation

// This file holds the feed of an API itself: its sign-out route.

import (
	"context"
	"errors"
	"fmt"

	"github.com/cognitoauth/cognitoauth"
)

// SignedOut is what [List.SignOut] did.
type SignedOut struct {
	// Entry is what was revoked.
	Entry Entry
	// RefreshStopped says that the hook has stopped the refresh token. If it is false,
	// whoever has the refresh token can get new tokens of the same sign-in. The
	// entry refuses these as well while it lives, but not those that come later.
	RefreshStopped bool
}

// SignOut ends the caller's own sign-in: all tokens with the origin_jti of claims,
// or if there is none, the one token with its jti. The error is [ErrNotRevocable]
// if it has neither. To sign the user out everywhere, call [List.Revoke] with the
// kind User and AdminUserGlobalSignOut of Cognito.
//
// stopRefresh calls Cognito, which alone can stop the refresh token: RevokeToken
// with the refresh token, or GlobalSignOut with the access token. SignOut calls it
// first, so that no new token comes after the entry; if it fails, the tokens are
// revoked all the same and its error is returned. Nil: the refresh token outlives
// the entry, for up to ten years, as SignedOut.RefreshStopped says.
//
// A client that hangs up does not stop SignOut: give stopRefresh and the store time
// limits of their own.
func (l *List) SignOut(ctx context.Context, claims *cognitoauth.Claims, stopRefresh func(context.Context) error) (SignedOut, error) {
	e, err := ForSignIn(claims)
	if err != nil {
		if e, err = ForToken(claims); err != nil {
			return SignedOut{}, ErrNotRevocable
		}
	}
	ctx = context.WithoutCancel(ctx)
	out := SignedOut{Entry: e}
	var stopped error
	if stopRefresh != nil {
		if stopped = stopRefresh(ctx); stopped != nil {
			stopped = fmt.Errorf("revocation: the refresh token was not stopped: %w", stopped)
		}
		out.RefreshStopped = stopped == nil
	}
	return out, errors.Join(stopped, l.Revoke(ctx, e))
}

// ErrNotRevocable says that a token has neither origin_jti nor jti. It can be
// revoked by its user, its client or its pool alone, which is more than signing out.
var ErrNotRevocable = errors.New("revocation: the token has neither origin_jti nor jti: switch token revocation on for its app client, or revoke its user or client")
