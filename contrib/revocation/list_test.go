package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

const pool = "eu-west-1_EXAMPLE01"

var secret = []byte("0123456789abcdef")

func newList(t *testing.T, store revocation.Store, change ...func(*revocation.Config)) *revocation.List {
	t.Helper()
	cfg := revocation.Config{Namespace: "test", Secret: secret, Store: store}
	for _, c := range change {
		c(&cfg)
	}
	l, err := revocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs a list until the test ends, or stop is called.
func run(t *testing.T, l *revocation.List) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func claims(change ...func(*cognitoauth.Claims)) *cognitoauth.Claims {
	c := &cognitoauth.Claims{
		PoolID: pool, ID: "jti-1", OriginID: "origin-1", Subject: "sub-1", ClientID: "client-1",
		TokenUse: cognitoauth.AccessToken, Username: "jane", IssuedAt: time.Now().Add(-time.Minute),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func revoked(t *testing.T, l *revocation.List, c *cognitoauth.Claims) bool {
	t.Helper()
	got, err := l.Revoked(context.Background(), c)
	if err != nil {
		t.Fatalf("Revoked: %v", err)
	}
	return got
}

// bubble runs f in virtual time, in 2026: a bubble's own time begins in 2000, before
// there was Cognito.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)))
		f(t)
	})
}

// settle lets everything happen that takes no time.
func settle() { synctest.Wait() }

func TestRevoked_byKind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := new(revocation.MemoryStore)
		here, there := newList(t, store), newList(t, store)
		run(t, here)
		run(t, there)
		settle()
		for i, tt := range []struct {
			kind   revocation.Kind
			id     string
			spares func(*cognitoauth.Claims)
		}{
			{revocation.Token, "jti-1", func(c *cognitoauth.Claims) { c.ID = "jti-2" }},
			{revocation.SignIn, "origin-1", func(c *cognitoauth.Claims) { c.OriginID = "" }},
			{revocation.User, "sub-1", func(c *cognitoauth.Claims) { c.Subject = "sub-2" }},
			{revocation.Client, "client-1", func(c *cognitoauth.Claims) { c.ClientID = "client-2" }},
			{revocation.Pool, "", func(c *cognitoauth.Claims) {}},
		} {
			p := fmt.Sprintf("eu-west-1_POOL%d", i)
			own := claims(func(c *cognitoauth.Claims) { c.PoolID = p })
			if revoked(t, there, own) {
				t.Errorf("%s: refused before it was revoked", tt.kind)
			}
			if err := here.Revoke(t.Context(), revocation.Entry{Kind: tt.kind, PoolID: p, ID: tt.id}); err != nil {
				t.Fatal(err)
			}
			if !revoked(t, here, own) {
				t.Errorf("%s: admitted where it was revoked, when Revoke had returned", tt.kind)
			}
			settle()
			if !revoked(t, there, own) {
				t.Errorf("%s: admitted by another instance", tt.kind)
			}
			if tt.kind != revocation.Pool && revoked(t, there, claims(func(c *cognitoauth.Claims) { c.PoolID = p; tt.spares(c) })) {
				t.Errorf("%s: another one was refused as well", tt.kind)
			}
			if revoked(t, there, claims()) {
				t.Errorf("%s: the same ID of another pool was refused as well", tt.kind)
			}
		}
	})
}

// Refused is all that was issued before now, in whole seconds; no iat
// counts as before.
func TestRevoked_iat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newList(t, new(revocation.MemoryStore))
		run(t, l)
		time.Sleep(300 * time.Millisecond)
		now := time.Now().Truncate(time.Second)
		for _, kind := range []revocation.Kind{revocation.User, revocation.Client, revocation.Pool} {
			id := map[revocation.Kind]string{revocation.User: "sub-1", revocation.Client: "client-1"}[kind]
			p := "eu-west-1_" + strings.ReplaceAll(kind.String(), "-", "")
			if err := l.Revoke(t.Context(), revocation.Entry{Kind: kind, PoolID: p, ID: id}); err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct {
				name string
				iat  time.Time
				want bool
			}{
				{"a day before", now.Add(-24 * time.Hour), true},
				{"in the second of the revocation", now, true},
				{"without iat", time.Time{}, true},
				{"before 2020", time.Unix(0, 0), true},
				{"a second after", now.Add(time.Second), false},
				{"in 2090", time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), false},
			} {
				if got := revoked(t, l, claims(func(c *cognitoauth.Claims) { c.PoolID = p; c.IssuedAt = tt.iat })); got != tt.want {
					t.Errorf("%s, a token %s: revoked is %t", kind, tt.name, got)
				}
			}
		}
		// A token or a sign-in is refused whatever its iat is.
		if err := l.Revoke(t.Context(), revocation.Entry{Kind: revocation.SignIn, PoolID: pool, ID: "origin-1"}); err != nil {
			t.Fatal(err)
		}
		if !revoked(t, l, claims(func(c *cognitoauth.Claims) { c.IssuedAt = now.Add(time.Hour) })) {
			t.Error("a token of the sign-in, issued later, is admitted")
		}
	})
}

func TestRevoke_before(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newList(t, new(revocation.MemoryStore))
		run(t, l)
		settle()
		at := time.Now().Add(-time.Hour)
		user := revocation.Entry{Kind: revocation.User, PoolID: pool, ID: "sub-1", Before: at}
		for _, before := range []time.Time{at, at.Add(-time.Hour)} { // the earlier one takes nothing back
			user.Before = before
			if err := l.Revoke(t.Context(), user); err != nil {
				t.Fatal(err)
			}
			if !revoked(t, l, claims(func(c *cognitoauth.Claims) { c.IssuedAt = at })) {
				t.Errorf("Before %s: a token of %s is admitted", before, at)
			}
			if revoked(t, l, claims(func(c *cognitoauth.Claims) { c.IssuedAt = at.Add(time.Second) })) {
				t.Error("a token issued later is refused")
			}
		}
	})
}

// A refresh token lives for years and its tokens keep the origin_jti, so a list
// whose entries end cannot stop it. The list says so; Cognito has to.
func TestRevoked_refreshedAfterTheEntry(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := new(revocation.MemoryStore)
		l := newList(t, store)
		run(t, l)
		settle()
		signIn, err := revocation.ForSignIn(claims())
		if err != nil {
			t.Fatal(err)
		}
		long := signIn
		long.ID, long.Lifetime = "origin-long", 10*365*24*time.Hour
		if err := l.Revoke(t.Context(), signIn, long); err != nil {
			t.Fatal(err)
		}
		refreshed := func(origin string) *cognitoauth.Claims {
			return claims(func(c *cognitoauth.Claims) { c.ID, c.OriginID, c.IssuedAt = "jti-new", origin, time.Now() })
		}
		// A token may be issued 30 s in the future, live 24 h and 30 s, and be used 30 s after.
		time.Sleep(24*time.Hour + 90*time.Second)
		settle()
		if !revoked(t, l, refreshed("origin-1")) {
			t.Error("the entry ended while a token issued before it may still be valid")
		}
		time.Sleep(3 * time.Second)
		settle()
		if revoked(t, l, refreshed("origin-1")) {
			t.Error("the entry has not ended")
		}
		if !revoked(t, l, refreshed("origin-long")) {
			t.Error("an entry ended that was to live for ten years")
		}
		time.Sleep(2 * time.Minute)
		settle()
		if got := l.Status().Entries; len(got) != 1 || got[revocation.SignIn] != 1 {
			t.Errorf("the list holds %v, want the one that lives long", got)
		}
	})
}

// Everything that the store had is gone from list and store when it has ended.
func TestRun_emptiesItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &counting{Store: new(revocation.MemoryStore)}
		l := newList(t, store)
		run(t, l)
		settle()
		for i := range 1000 {
			if err := l.Revoke(t.Context(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(26 * time.Hour)
		settle()
		if got := l.Status().Entries; len(got) != 0 {
			t.Errorf("after a day the list holds %v", got)
		}
		page, err := store.Read(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		// Heartbeats of the last 24 h: one in about 3 to 6 s.
		if n := len(page.Records); !page.More && n < 1000 {
			t.Errorf("the store holds %d records, fewer than the heartbeats of a day", n)
		}
		var ends int
		for cursor := ""; ; {
			page, err := store.Read(t.Context(), cursor, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				if r[1] != 0 {
					ends++
				}
			}
			if cursor = page.Cursor; !page.More {
				break
			}
		}
		if ends != 0 {
			t.Errorf("the store still holds %d entries that have ended", ends)
		}
		t.Logf("%d reads and %d appends in 26 h", store.reads.Load(), store.appends.Load())
	})
}

// A machine's token, and a token without jti and origin_jti, are covered by sub or
// client, and otherwise refused by name.
func TestFor_tokensWithoutIDs(t *testing.T) {
	p := cognitotest.NewPool(t, cognitotest.Options{})
	machine := p.MachineToken().Claims()
	bare := claims(func(c *cognitoauth.Claims) { c.ID, c.OriginID = "", "" })
	if _, err := revocation.ForSignIn(machine); !errors.Is(err, revocation.ErrNoOriginID) {
		t.Errorf("a machine's sign-in: %v", err)
	}
	if _, err := revocation.ForToken(bare); !errors.Is(err, revocation.ErrNoTokenID) {
		t.Errorf("a token without jti: %v", err)
	}
	if _, err := revocation.ForSignIn(nil); !errors.Is(err, revocation.ErrNoOriginID) {
		t.Errorf("no claims: %v", err)
	}
	bubble(t, func(t *testing.T) {
		l := newList(t, new(revocation.MemoryStore))
		run(t, l)
		settle()
		if _, err := l.SignOut(t.Context(), bare, nil); !errors.Is(err, revocation.ErrNotRevocable) {
			t.Errorf("signing out a token without IDs: %v", err)
		}
		for _, c := range []*cognitoauth.Claims{machine, bare} {
			if revoked(t, l, c) {
				t.Error("an ID that a token does not have is in the list")
			}
			e := revocation.Entry{Kind: revocation.User, PoolID: c.PoolID, ID: c.Subject}
			if err := l.Revoke(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			c.IssuedAt = time.Now().Add(-time.Minute) // by the bubble's clock
			if !revoked(t, l, c) {
				t.Errorf("%q is not covered by its sub", c.Subject)
			}
		}
	})
}

func TestRevoke_malformed(t *testing.T) {
	l := newList(t, new(revocation.MemoryStore))
	good := revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: "x"}
	for name, change := range map[string]func(*revocation.Entry){
		"no kind":             func(e *revocation.Entry) { e.Kind = 0 },
		"an unknown kind":     func(e *revocation.Entry) { e.Kind = 6 },
		"no pool":             func(e *revocation.Entry) { e.PoolID = "" },
		"a long pool":         func(e *revocation.Entry) { e.PoolID = strings.Repeat("p", 129) },
		"a NUL in the pool":   func(e *revocation.Entry) { e.PoolID = "a\x00b" },
		"no ID":               func(e *revocation.Entry) { e.ID = "" },
		"a pool with an ID":   func(e *revocation.Entry) { e.Kind = revocation.Pool },
		"a long ID":           func(e *revocation.Entry) { e.ID = strings.Repeat("x", 1025) },
		"a negative lifetime": func(e *revocation.Entry) { e.Lifetime = -1 },
		"a lifetime too long": func(e *revocation.Entry) { e.Lifetime = 100 * 365 * 24 * time.Hour },
		"a time in 1990":      func(e *revocation.Entry) { e.Before = time.Unix(631152000, 0) },
		"a time to come":      func(e *revocation.Entry) { e.Before = time.Now().Add(2 * time.Hour) },
	} {
		bad := good
		change(&bad)
		if err := l.Revoke(t.Context(), good, bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if n := len(l.Status().Entries); n != 0 {
		t.Errorf("%d kinds have entries, though each call had a malformed one", n)
	}
}

// Nothing to revoke is no call of the store, and no claims are no good token.
func TestList_nothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore)}
		l := newList(t, store)
		run(t, l)
		settle()
		if got, err := l.Revoked(t.Context(), nil); got || err == nil {
			t.Errorf("no claims: %t, %v", got, err)
		}
		store.set(func(f *faulty) { f.down = true })
		if err := l.Revoke(t.Context()); err != nil {
			t.Errorf("no entries: %v", err)
		}
	})
}

func TestNew_mistakes(t *testing.T) {
	_, err := revocation.New(revocation.Config{MaxStaleness: 1, MaxLifetime: 1, Leeway: -1, DangerouslyGoOnFor: -1, MaxEntries: -1})
	if err == nil {
		t.Fatal("taken")
	}
	for _, field := range []string{"Namespace", "Secret", "Store", "MaxStaleness", "MaxLifetime", "Leeway", "DangerouslyGoOnFor", "MaxEntries"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
}

// The cost of a request: no memory, whatever the list holds.
func TestRevoked_allocations(t *testing.T) {
	l, stop := filled(t, 10_000)
	defer stop()
	hit := claims(func(c *cognitoauth.Claims) {
		// As long as Cognito's.
		c.ID, c.OriginID, c.Subject = strings.Repeat("j", 36), strings.Repeat("o", 36), strings.Repeat("s", 36)
		c.ClientID = strings.Repeat("c", 26)
	})
	if n := testing.AllocsPerRun(1000, func() {
		if got, err := l.Revoked(context.Background(), hit); got || err != nil {
			t.Fatal(got, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
}

// filled is a running list with n entries of all kinds but pools.
func filled(tb testing.TB, n int) (*revocation.List, func()) {
	tb.Helper()
	l, err := revocation.New(revocation.Config{Namespace: "test", Secret: secret, Store: new(revocation.MemoryStore), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	entries := make([]revocation.Entry, 0, n)
	for i := range n {
		entries = append(entries, revocation.Entry{Kind: revocation.Token + revocation.Kind(i%4), PoolID: pool, ID: fmt.Sprintf("%036d", i)})
	}
	entries = append(entries, revocation.Entry{Kind: revocation.Pool, PoolID: "eu-west-1_OTHER"})
	if err := l.Revoke(ctx, entries...); err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	for deadline := time.Now().Add(30 * time.Second); l.Status().Loaded.IsZero(); {
		if time.Now().After(deadline) {
			tb.Fatal("the list is not loaded")
		}
		time.Sleep(time.Millisecond)
	}
	return l, func() {
		cancel()
		<-done
	}
}

// What a token costs that no entry refuses, with 100,000 entries of all kinds.
func BenchmarkRevoked(b *testing.B) {
	for _, n := range []int{0, 100_000} {
		b.Run(fmt.Sprint("entries=", n), func(b *testing.B) {
			l, stop := filled(b, n)
			defer stop()
			c := claims(func(c *cognitoauth.Claims) {
				c.ID, c.OriginID, c.Subject = strings.Repeat("j", 36), strings.Repeat("o", 36), strings.Repeat("s", 36)
				c.ClientID = strings.Repeat("c", 26)
			})
			b.ReportAllocs()
			for b.Loop() {
				if got, err := l.Revoked(context.Background(), c); got || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}
