package revocation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

func TestSignOut(t *testing.T) {
	errCognito := errors.New("cognito is away")
	stopped := func(context.Context) error { return nil }
	for name, tt := range map[string]struct {
		claims *cognitoauth.Claims
		hook   func(context.Context) error
		kind   revocation.Kind
		stops  bool
		err    error
	}{
		"with the refresh token stopped": {claims(), stopped, revocation.SignIn, true, nil},
		"the refresh token goes on":      {claims(), nil, revocation.SignIn, false, nil},
		"Cognito is away":                {claims(), func(context.Context) error { return errCognito }, revocation.SignIn, false, errCognito},
		"a token without origin_jti":     {claims(func(c *cognitoauth.Claims) { c.OriginID = "" }), stopped, revocation.Token, true, nil},
		"a token without IDs":            {claims(func(c *cognitoauth.Claims) { c.OriginID, c.ID = "", "" }), stopped, 0, false, revocation.ErrNotRevocable},
		"no token":                       {nil, stopped, 0, false, revocation.ErrNotRevocable},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := newList(t, new(revocation.MemoryStore))
				run(t, l)
				settle()
				// A client that hung up does not stop it.
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				out, err := l.SignOut(ctx, tt.claims, tt.hook)
				if !errors.Is(err, tt.err) || tt.err == errCognito && !strings.Contains(err.Error(), "the refresh token was not stopped") {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if out.Entry.Kind != tt.kind || out.RefreshStopped != tt.stops {
					t.Errorf("got %+v", out)
				}
				if tt.kind != 0 && !revoked(t, l, tt.claims) {
					t.Error("the token is admitted")
				}
			})
		})
	}
}

// Cognito comes first: a token that it gives out meanwhile is refused as well.
func TestSignOut_order(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newList(t, new(revocation.MemoryStore))
		run(t, l)
		settle()
		_, err := l.SignOut(t.Context(), claims(), func(ctx context.Context) error {
			if ctx.Err() != nil {
				t.Error("the hook's context has ended")
			}
			if revoked(t, l, claims()) {
				t.Error("revoked before Cognito was called")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// The hook and the store fail: both are said, and the entry is in force here.
func TestSignOut_bothFail(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore)}
		l := newList(t, store)
		run(t, l)
		settle()
		store.set(func(f *faulty) { f.down = true })
		_, err := l.SignOut(t.Context(), claims(), func(context.Context) error { return errors.New("cognito is away") })
		if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "cognito is away") {
			t.Errorf("error %v", err)
		}
		if !revoked(t, l, claims()) {
			t.Error("the token is admitted")
		}
	})
}
