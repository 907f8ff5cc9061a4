package revocation_test

// What the list does as Config.Revoked of the library: the answers, and tokens that
// the library remembers.

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

// inBubble is an API in virtual time, whose pool needs no sockets.
func inBubble(t *testing.T, f func(t *testing.T, pool *cognitotest.Pool, list *revocation.List, store *faulty, ask func(token string) (status int, code string))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)))
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		store := &faulty{in: new(revocation.MemoryStore)}
		list := newList(t, store)
		run(t, list)
		settle()
		cfg := pool.Config()
		cfg.Revoked = list.Revoked
		var code string
		cfg.ErrorHandler = func(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
			code = e.Code
			cognitoauth.WriteError(w, r, e)
		}
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		api := auth.Wrap(http.NewServeMux())
		f(t, pool, list, store, func(token string) (int, string) {
			code = ""
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			api.ServeHTTP(w, r)
			return w.Code, code
		})
	})
}

// A token that was seen a hundred times is refused when it is revoked: the cache of
// verified tokens never serves it. One that is not revoked gets 503 from a stale list.
func TestLibrary_rememberedTokens(t *testing.T) {
	inBubble(t, func(t *testing.T, pool *cognitotest.Pool, list *revocation.List, store *faulty, ask func(string) (int, string)) {
		good, bad := pool.AccessToken().User("jane").String(), pool.AccessToken().User("joe")
		want := func(token string, status int, code string) {
			t.Helper()
			if got, why := ask(token); got != status || why != code {
				t.Errorf("answered %d %s, want %d %s", got, why, status, code)
			}
		}
		for range 100 {
			want(good, 404, "") // past Wrap, to a mux without routes
			want(bad.String(), 404, "")
		}
		if _, err := list.SignOut(t.Context(), bad.Claims(), nil); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			want(bad.String(), 401, "token_revoked")
			want(good, 404, "")
		}
		store.set(func(f *faulty) { f.down = true })
		time.Sleep(32 * time.Second)
		want(bad.String(), 401, "token_revoked")
		want(good, 503, "revocation_unavailable")
	})
}

// The kinds of tokens that Cognito issues, each covered by what it has.
func TestLibrary_machines(t *testing.T) {
	inBubble(t, func(t *testing.T, pool *cognitotest.Pool, list *revocation.List, _ *faulty, ask func(string) (int, string)) {
		for i, kind := range []revocation.Kind{revocation.User, revocation.Client, revocation.Pool} {
			machine := pool.MachineToken().Set("n", fmt.Sprint(i))
			if status, code := ask(machine.String()); status != 404 {
				t.Fatalf("%d %s before it is revoked", status, code)
			}
			e := revocation.Entry{Kind: kind, PoolID: pool.ID(), ID: machine.Claims().ClientID}
			if kind == revocation.Pool {
				e.ID = ""
			}
			if err := list.Revoke(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if status, _ := ask(machine.String()); status != 401 {
				t.Errorf("%s: answered %d", kind, status)
			}
			time.Sleep(2 * time.Second) // what is issued from here on is good
		}
	})
}
