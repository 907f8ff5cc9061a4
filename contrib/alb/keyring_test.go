package cognitoalb_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A key that is fetched anew takes its own place, and pushes out no other.
func TestKeys_renewedInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(everyKey)
		v := verifier(t, e.config())
		g := good(time.Now().Add(3 * time.Hour)).by(other)
		ask := func(n int) {
			if _, err := v.Verify(t.Context(), g.with("kid", uuid(n)).String()); err != nil {
				t.Fatalf("key %d: %q", n, code(err))
			}
			time.Sleep(time.Second) // the pace; what is in the background ends
		}
		for n := range 16 {
			ask(n)
		}
		time.Sleep(time.Hour)
		for n := range 16 {
			ask(n)
		}
		if known, _ := v.Remembered(); known != 16 || e.fetches() != 32 {
			t.Errorf("%d keys are remembered after %d fetches, want 16 after 32", known, e.fetches())
		}
	})
}

// A key that is too old to be used is fetched as soon as failures let us ask again, 10 s
// later at most, and not only at the next minute.
func TestKeys_afterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		v := verifier(t, e.config())
		header := good(time.Now().Add(48 * time.Hour)).String()
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Fatal(code(err))
		}
		e.becomes(down)
		time.Sleep(24*time.Hour + time.Second)
		if _, err := v.Verify(t.Context(), header); code(err) != "keys_unavailable" {
			t.Errorf("after 24 h: %q", code(err))
		}
		e.becomes(newEndpoint().answer)
		time.Sleep(10 * time.Second)
		if _, err := v.Verify(t.Context(), header); err != nil {
			t.Errorf("10 s after the endpoint is back: %q", code(err))
		}
	})
}

// Of two unknown kids neither makes the library forget the other.
func TestFetch_unknownKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		e.becomes(func(string) (int, string) { return http.StatusNotFound, "" })
		v := verifier(t, e.config())
		g := good(time.Now().Add(time.Hour))
		for n := range 6 {
			if _, err := v.Verify(t.Context(), g.with("kid", uuid(n%2)).String()); code(err) != "key_unknown" {
				t.Fatal(code(err))
			}
		}
		if n := e.fetches(); n != 2 {
			t.Errorf("%d fetches for two kids, want 2", n)
		}
	})
}
