package playground

// This file holds the keys: their state, and the buttons that change it.

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// Clock is the time of the machine, moved forward by what the page asks for. Its
// method Now is for cognitotest.Options.Now, which cognitotest.Pool.Config passes
// on to the API. The zero value is ready. It is safe for concurrent use.
type Clock struct{ ahead atomic.Int64 } // in nanoseconds

// Now returns the moved time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// leap is how far a button moves the clock: a key set is used for 24 h at most.
const leap = 25 * time.Hour

// keyState is a key set as the page shows it.
type keyState struct {
	Pool, URL, Kids, Age, Problem string
	Fetches, Failures             int
}

// Keys returns the state of each key set.
func (p *playground) Keys() []keyState {
	var all []keyState
	for _, s := range p.Auth.Status() {
		k := keyState{Pool: s.PoolID, URL: s.URL, Kids: strings.Join(s.KeyIDs, ", "), Fetches: s.Fetches, Failures: s.Failures, Age: "no keys yet"}
		switch {
		case s.URL == "":
			k.Age = "static"
		case !s.Fetched.IsZero():
			k.Age = s.Age.Round(time.Second).String()
		}
		if s.Err != nil {
			k.Problem = s.Err.Error()
		}
		all = append(all, k)
	}
	return all
}

// Broken reports whether the key endpoint fails because the page wants it.
func (p *playground) Broken() bool { return p.broken.Load() }

// Ahead says how far the clock was moved, "" if it was not.
func (p *playground) Ahead() string {
	if p.Clock == nil || p.Clock.ahead.Load() == 0 {
		return ""
	}
	return time.Duration(p.Clock.ahead.Load()).String()
}

// turn does what a button below the keys says.
func (p *playground) turn(r *http.Request) *result {
	what := r.PostForm.Get("do")
	if p.Pool == nil && what != "fetch" {
		return &result{Problem: "The keys of a real pool are out of reach of this page."}
	}
	switch what {
	case "fetch":
		return p.fetch(r.Context())
	case "rotate":
		p.Pool.Rotate()
		return &result{Title: "The keys were rotated", Notes: []string{
			"The pool signs with new keys, and the old ones are gone. The API does not know it yet.",
			"Call a route: the API meets an unknown key and fetches the key set. It does that once in 10 s at most, and until then answers 401, key_unknown.",
		}}
	case "break":
		p.broken.Store(true)
		// Retry-After keeps the API's pause short, so that one sees it recover.
		p.Pool.SetFault(cognitotest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}})
		return &result{Title: "The key endpoint answers 503 from now on", Notes: []string{
			"Call a route: nothing changes, because the API has its keys.",
			"Let 25 h pass: a key set that old is not used, and the API answers 503 with Retry-After.",
		}}
	case "mend":
		p.broken.Store(false)
		p.Pool.SetFault()
		return &result{Title: "The key endpoint works again", Notes: []string{"Call a route: the API fetches the keys as soon as the pause after its last fetch is over, in 10 s at most. Or let it fetch them now."}}
	case "age":
		if p.Clock == nil {
			break
		}
		p.Clock.ahead.Add(int64(leap))
		return &result{Title: "25 hours have passed", Notes: []string{
			"The keys are older than 24 h, and the API may not use them any more. Call a route: it fetches them anew, or answers 503 if the endpoint is broken.",
			"Tokens are made for each call, so they are not older.",
		}}
	}
	return &result{Problem: "There is no such button. Load the page again."}
}

// fetch lets the API fetch the keys now.
func (p *playground) fetch(ctx context.Context) *result {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := p.Auth.Refresh(ctx); err != nil {
		return &result{Title: "The keys could not be fetched", Problem: err.Error()}
	}
	return &result{Title: "The keys were fetched"}
}
