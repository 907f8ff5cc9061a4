package cognitogorilla_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gorilla/mux"
	"golang.org/x/time/rate"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
)

// limited lets each user make two requests. Claims are verified, so only users of
// the pool take up memory.
func limited(next http.Handler) http.Handler {
	var mu sync.Mutex
	limits := map[string]*rate.Limiter{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if claims, ok := cognitoauth.FromContext(r.Context()); ok {
			user := claims.PoolID + " " + claims.Subject
			mu.Lock()
			if limits[user] == nil {
				limits[user] = rate.NewLimiter(0, 2) // 2 at once, and no more after that
			}
			allowed := limits[user].Allow()
			mu.Unlock()
			if !allowed {
				http.Error(w, "too many requests", http.StatusTooManyRequests)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func TestBetweenWrapAndRouter(t *testing.T) {
	pool := newPool(t)
	auth := authOf(t, pool)
	jane, joe := pool.AccessToken().User("jane"), pool.AccessToken().User("joe")
	routerOf := func(w *witness) *cognitogorilla.Router {
		routes := mux.NewRouter()
		routes.Handle("/open", cognitoauth.AllowAnonymous(w.named("open")))
		routes.Handle("/me", w.named("me"))
		routes.Handle("/write", cognitoauth.Require(cognitoauth.Scope("orders/write"), w.named("write")))
		return cognitogorilla.New(routes)
	}
	call := func(h http.Handler, w *witness, path, token string, status int, want string) *httptest.ResponseRecorder {
		t.Helper()
		rec := call(h, w, path, token)
		if rec.Code != status || w.name() != want {
			t.Errorf("%s: answered %d, ran %q; want %d and %q", path, rec.Code, w.name(), status, want)
		}
		return rec
	}

	t.Run("limit by subject", func(t *testing.T) {
		var w witness
		h := auth.WrapWith(routerOf(&w), limited)
		for range 3 {
			call(h, &w, "/open", "", 200, "open")
			call(h, &w, "/me", "", 401, "") // refused before the limit
		}
		call(h, &w, "/me", jane.String(), 200, "me")
		call(h, &w, "/me", jane.String(), 200, "me")
		call(h, &w, "/me", jane.String(), 429, "")
		call(h, &w, "/me", joe.String(), 200, "me")
		rec := call(h, &w, "/write", "", 401, "")
		if got, want := rec.Header().Get("WWW-Authenticate"), `Bearer realm="api", scope="orders/write"`; got != want {
			t.Errorf("the challenge is %s, want %s", got, want)
		}
	})
	t.Run("a path that changes", func(t *testing.T) {
		var w witness
		h := auth.WrapWith(routerOf(&w), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = "/me"
				next.ServeHTTP(w, r)
			})
		})
		call(h, &w, "/open", "", 401, "")
		call(h, &w, "/open", jane.String(), 200, "me")
	})
}
