package cognitolambda_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitolambda "github.com/cognitoauth/cognitoauth/contrib/lambda"
)

// sandbox is an API whose handler tells how often the key set was fetched before it ran.
type sandbox struct {
	t       *testing.T
	pool    *cognitotest.Pool
	auth    *cognitoauth.Middleware
	handler http.Handler
	at      int // fetches when the handler ran
}

func newSandbox(t *testing.T, refreshed bool) *sandbox {
	s := &sandbox{t: t, pool: cognitotest.NewPool(t, cognitotest.Options{InProcess: true})}
	auth, err := cognitoauth.New(s.pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.auth = auth
	s.handler = auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.at = s.pool.Fetches() }))
	if refreshed {
		s.handler = cognitolambda.Refreshed(auth, s.handler)
	}
	if err := auth.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// invoke is one invocation with a good token. It returns the status and how long it took.
func (s *sandbox) invoke() (int, time.Duration) {
	s.t.Helper()
	start := time.Now()
	g := invoke(s.t, s.handler, event(rest, sent{path: "/", header: http.Header{"Authorization": {"Bearer " + s.pool.AccessToken().String()}}}))
	return g.StatusCode, time.Since(start)
}

// Refreshed fetches keys within an invocation, before they are due, and so none is
// fetched in the background of a frozen process.
func TestRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSandbox(t, true)
		for range 49 {
			time.Sleep(time.Minute)
			if status, _ := s.invoke(); status != 200 || s.pool.Fetches() != 1 {
				t.Fatalf("%d after %d fetches", status, s.pool.Fetches())
			}
		}
		time.Sleep(time.Minute)
		if status, _ := s.invoke(); status != 200 || s.at != 2 {
			t.Errorf("50 min old: %d, the handler ran after %d fetches", status, s.at)
		}
		time.Sleep(7 * time.Hour) // frozen
		if status, _ := s.invoke(); status != 200 || s.at != 3 {
			t.Errorf("thawed: %d, the handler ran after %d fetches", status, s.at)
		}
		s.pool.Rotate()
		time.Sleep(time.Hour)
		if status, _ := s.invoke(); status != 200 || s.at != 4 {
			t.Errorf("new keys: %d, the handler ran after %d fetches", status, s.at)
		}
	})
}

// In an outage, one invocation a minute tries, for 2 s, and goes on with the old keys.
func TestRefreshed_outage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSandbox(t, true)
		time.Sleep(50 * time.Minute)
		s.pool.SetFault(cognitotest.Fault{Hang: true})
		if status, took := s.invoke(); status != 200 || took != 2*time.Second {
			t.Errorf("%d after %s", status, took)
		}
		for range 5 {
			time.Sleep(10 * time.Second)
			if status, took := s.invoke(); status != 200 || took != 0 {
				t.Errorf("within the minute: %d after %s", status, took)
			}
		}
		time.Sleep(10 * time.Second)
		if status, took := s.invoke(); status != 200 || took != 2*time.Second {
			t.Errorf("a minute later: %d after %s", status, took)
		}
		s.pool.SetFault()
		time.Sleep(time.Minute)
		if status, took := s.invoke(); status != 200 || took != 0 {
			t.Errorf("afterwards: %d after %s", status, took)
		}
		if age := s.auth.Status()[0].Age; age != 0 {
			t.Errorf("the keys are %s old", age)
		}
	})
}

// A Middleware without network, and a zero one, which refuses by itself.
func TestRefreshed_nothingToDo(t *testing.T) {
	for _, auth := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
		var s seen
		if g := invoke(t, cognitolambda.Refreshed(auth, auth.Wrap(&s)), event(rest, sent{path: "/"})); g.StatusCode != 500 || s.calls != 0 {
			t.Errorf("%d, the handler ran %d times", g.StatusCode, s.calls)
		}
	}
}

// What Refreshed is for. Without it, each refresh in the background is frozen when its
// invocation ends, and its deadline has passed when the next one thaws it: it fails. The
// requests are admitted nevertheless, by the keys that there are, for 24 h; then one
// waits for new keys, within its invocation, and is admitted too.
func TestFrozen_backgroundRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSandbox(t, false)
		start := time.Now()
		s.pool.SetFault(cognitotest.Fault{Hang: true}) // until its deadline
		for time.Since(start) < 24*time.Hour {
			time.Sleep(20 * time.Minute)
			if status, took := s.invoke(); status != 200 || took != 0 {
				t.Fatalf("%d after %s, %s after the start", status, took, time.Since(start))
			}
		}
		if st := s.auth.Status()[0]; st.Failures < 60 || st.Age != 24*time.Hour {
			t.Errorf("%d failures, keys %s old: the test does not freeze", st.Failures, st.Age)
		}
		time.Sleep(20 * time.Minute)
		s.pool.SetFault() // this fetch runs while its invocation waits
		if status, _ := s.invoke(); status != 200 || s.auth.Status()[0].Age != 0 {
			t.Errorf("after 24 h: %d", status)
		}
	})
}

// What a frozen fetch does to a token whose key is new. If the clock of the sandbox
// stood still, the fetch is still waiting for its first host, and the second one answers
// a second later. If its deadline has passed meanwhile, it fails as the sandbox thaws,
// and the pause after a failure begins: one 503 with Retry-After.
func TestFrozen_rotation(t *testing.T) {
	for name, tt := range map[string]struct {
		frozen time.Duration // by the clock of the sandbox
		status int
		took   time.Duration
	}{
		"the clock stood still":   {0, 200, time.Second},
		"the deadline has passed": {5 * time.Second, 503, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSandbox(t, false)
			time.Sleep(70 * time.Minute)
			s.pool.SetFault(cognitotest.Fault{Hang: true})
			s.invoke() // starts the refresh
			synctest.Wait()
			time.Sleep(tt.frozen)
			synctest.Wait()
			s.pool.Rotate()
			s.pool.SetFault()
			if status, took := s.invoke(); status != tt.status || took != tt.took {
				t.Errorf("%s: %d after %s", name, status, took)
			}
			time.Sleep(2 * time.Second)
			if status, took := s.invoke(); status != 200 || took != 0 {
				t.Errorf("%s, the next one: %d after %s", name, status, took)
			}
		})
	}
}
