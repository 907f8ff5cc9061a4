package cognitochi_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/time/rate"

	"github.com/cognitoauth/cognitoauth"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
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
	routes := func(w *witness) *cognitochi.Router {
		mux := chi.NewRouter()
		mux.Handle("GET /open", cognitoauth.AllowAnonymous(w.named("open")))
		mux.Handle("GET /me", w.named("me"))
		mux.Handle("GET /write", cognitoauth.Require(cognitoauth.Scope("orders/write"), w.named("write")))
		return cognitochi.New(mux)
	}
	call := func(h http.Handler, w *witness, path, token string, status int, want string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		w.ran = nil
		h.ServeHTTP(rec, r)
		if rec.Code != status || w.name() != want {
			t.Errorf("%s: answered %d, ran %q; want %d and %q", path, rec.Code, w.name(), status, want)
		}
		return rec
	}

	t.Run("limit by subject", func(t *testing.T) {
		var w witness
		h := auth.WrapWith(routes(&w), limited)
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
	t.Run("chi's StripSlashes", func(t *testing.T) {
		var w witness
		h := auth.WrapWith(routes(&w), middleware.StripSlashes)
		call(h, &w, "/open", "", 200, "open")
		call(h, &w, "/open/", "", 401, "") // Wrap has asked for this path
		call(h, &w, "/me/", "", 401, "")
		call(h, &w, "/me/", jane.String(), 200, "me")
	})
	t.Run("a path that changes", func(t *testing.T) {
		var w witness
		h := auth.WrapWith(routes(&w), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = "/me"
				next.ServeHTTP(w, r)
			})
		})
		call(h, &w, "/open", "", 401, "")
		call(h, &w, "/open", jane.String(), 200, "me")
	})
}
