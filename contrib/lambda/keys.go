package cognitolambda

// This file keeps key sets fresh in a process that does not run between invocations.

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

const (
	// freshAge is before the age at which the middleware refreshes a set in the
	// background, 54 min at the earliest unless the endpoint asks for less.
	freshAge   = 50 * time.Minute
	freshPause = time.Minute // between tries
	freshWait  = 2 * time.Second
)

// Refreshed returns a handler that refreshes the key sets of auth when they are 50
// minutes old, before it runs h, and otherwise is h. The request that finds them old
// waits for the fetch, 2 s at most; it goes on with the keys that there are if the
// fetch fails, and the next try is a minute later. Put what Wrap returned into it:
//
//	lambda.Start(cognitolambda.New(cognitolambda.Refreshed(auth, auth.Wrap(mux))))
//
// Callers cannot order more fetches with it: one an hour, one a minute in an outage. It
// does nothing for key sets that are static, or that nobody has fetched yet.
func Refreshed(auth *cognitoauth.Middleware, h http.Handler) http.Handler {
	if h == nil {
		panic("cognitolambda: Refreshed of a nil handler")
	}
	var last atomic.Int64 // the last try, in Unix nanoseconds, since the monotonic clock may stand still
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, before := time.Now().UnixNano(), last.Load()
		if due(auth) && time.Duration(now-before) >= freshPause && last.CompareAndSwap(before, now) {
			ctx, cancel := context.WithTimeout(r.Context(), freshWait)
			_ = auth.Refresh(ctx) // the keys from before stay, and the log of auth has the error
			cancel()
		}
		h.ServeHTTP(w, r)
	})
}

// due reports whether a key set of auth is due.
func due(auth *cognitoauth.Middleware) bool {
	for _, s := range auth.Status() {
		if s.Age >= freshAge {
			return true
		}
	}
	return false
}
