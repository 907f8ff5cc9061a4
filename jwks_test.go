package cognitoauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

func retryAfterOf(n int) http.Header { return http.Header{"Retry-After": {strconv.Itoa(n)}} }

// TestKeyCacheConformance are the cases that any cache in front of a Cognito key
// set has to get right.
func TestKeyCacheConformance(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"J1 a thousand cold requests share one fetch", coldCrowd},
		{"J2 a known kid fetches nothing", knownKid},
		{"J3 a new kid fetches once and is accepted", newKid},
		{"J4 ten thousand random kids fetch once per floor", randomKids},
		{"J5 a random kid just before a rotation locks out for the floor at most", lockOut},
		{"J6 an endpoint that is down from the start is left alone for ever longer", downFromStart},
		{"J7 an endpoint that is down does not touch known keys", downWarm},
		{"J8 beyond the hard limit everything is 503", downForever},
		{"J9 a withdrawn key is refused after the refresh", withdrawn},
		{"J10 new material under an old kid replaces the old", newMaterial},
		{"J11 Retry-After of whatever status is honoured", retryAfter},
		{"J12 a redirect is not followed", redirected},
		{"J13 a body of 64 MiB is cut off at the cap", hugeBody},
		{"J14 a document without keys does not replace the set", emptySets},
		{"J15 a caller's deadline ends its wait and not the fetch", callerDeadline},
		{"J16 a caller that cancels takes nobody with it", callerCancels},
		{"J20 a clock that jumps changes the same things every time", jumpingClock},
		{"J21 a static key set needs no network", staticSet},
		{"J22 refreshes beside requests are no race", refreshBesideRequests},
	})
	lab.RunKeyCases(t, []lab.KeyCase{{"J17 the second issuer form is no second budget", secondIssuer}}, lab.TwoHosts)
	t.Run("J18 of two pools one is down", func(t *testing.T) { lab.InBubble(t, testTwoPools) })
	t.Run("J19 max-age counts within bounds", testMaxAge)
}

func coldCrowd(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Delay: 200 * time.Millisecond})
	l.WantCrowd("cold", l.Crowd(1000, l.Token()), map[string]int{lab.Okay: 1000})
	l.WantFetches("cold", 1)
	if l.Slowest != 200*time.Millisecond {
		l.Errorf("the slowest waited %s, want the 200 ms of the fetch", l.Slowest)
	}
}

func knownKid(l *lab.Keys) {
	l.Warm()
	for range 10 {
		l.Want("warm", l.Token(), lab.Okay)
		l.Want("warm, the other key", l.Pool.MachineToken().String(), lab.Okay)
		time.Sleep(5 * time.Minute)
	}
	l.WantFetches("within the refresh age", 1)
}

func newKid(l *lab.Keys) {
	l.Warm()
	l.Pool.Rotate()
	l.Pool.SetFault(cognitotest.Fault{Delay: 300 * time.Millisecond})
	l.WantAfter(300*time.Millisecond, "rotated", l.Token(), lab.Okay)
	l.Want("again", l.Token(), lab.Okay)
	l.WantFetches("rotated", 2)
}

func randomKids(l *lab.Keys) {
	l.Warm()
	known, began := l.Token(), time.Now()
	for i := range 10_000 {
		if got := l.Send(l.Stranger(strconv.Itoa(i))); got.Verdict != lab.UnknownKey || got.Waited != 0 {
			l.Fatalf("random kid %d: %v", i, got)
		}
		if i%100 == 0 {
			l.Want("known kid in between", known, lab.Okay)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if most := 2 + int(time.Since(began)/lab.FloorAfterSuccess); l.Status().Fetches > most {
		l.Errorf("%d fetches in %s, want at most %d", l.Status().Fetches, time.Since(began), most)
	}
	if ids := l.Status().KeyIDs; len(ids) != 2 {
		l.Errorf("%d keys are kept, want the pool's 2", len(ids))
	}
}

func lockOut(l *lab.Keys) {
	l.Warm()
	l.Want("random kid", l.Stranger("random"), lab.UnknownKey)
	l.Pool.Rotate()
	l.Want("new key inside the floor", l.Token(), lab.UnknownKey)
	time.Sleep(lab.FloorAfterSuccess - time.Nanosecond)
	l.Want("new key at the end of the floor", l.Token(), lab.UnknownKey)
	l.WantFetches("inside the floor", 2)
	time.Sleep(time.Nanosecond)
	l.Want("new key after the floor", l.Token(), lab.Okay)
	l.WantFetches("after the floor", 3)
}

// downFromStart asks every 100 ms for ten minutes.
func downFromStart(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Abort: true})
	token := l.Token()
	for range 10 * 60 * 10 {
		if got := l.Send(token); got.Verdict != lab.Unavailable || got.Waited != 0 {
			l.Fatalf("endpoint down: %v, want an immediate %s", got, lab.Unavailable)
		}
		time.Sleep(100 * time.Millisecond)
	}
	times, _ := l.Wire.Asked()
	wantBackoff(l.TB, times)
	if len(times) < 12 {
		l.Errorf("%d fetches in ten minutes, want one a minute at least", len(times))
	}
	l.Pool.SetFault()
	time.Sleep(time.Minute)
	l.Want("healed", token, lab.Okay)
}

// wantBackoff holds the gaps between failed fetches against 1 s doubling to
// 60 s, a quarter to either side. They are seen through requests every 100 ms.
func wantBackoff(t testing.TB, times []time.Time) {
	t.Helper()
	pause := time.Second
	spread := map[time.Duration]bool{}
	for i := 1; i < len(times); i++ {
		gap := times[i].Sub(times[i-1])
		low, high := pause*3/4, min(pause*5/4, time.Minute)+100*time.Millisecond
		if gap < low || gap > high {
			t.Errorf("pause %d is %s, want %s to %s", i, gap, low, high)
		}
		spread[gap-pause] = true
		pause = min(2*pause, time.Minute)
	}
	if len(times) > 5 && len(spread) < 3 {
		t.Errorf("the pauses have no jitter: %v", spread)
	}
}

func downWarm(l *lab.Keys) {
	l.Warm()
	l.Pool.SetFault(cognitotest.Fault{Status: 500})
	for time.Sleep(time.Hour); l.Status().Age < lab.HardLimit-time.Hour; time.Sleep(time.Hour) {
		l.Want("down, known kid", l.Token(), lab.Okay)
	}
	time.Sleep(lab.HardLimit - l.Status().Age)
	l.Want("down, at the hard limit", l.Token(), lab.Okay)
	synctest.Wait()
	if s := l.Status(); s.Fetches < 20 || s.Failures != s.Fetches-1 || s.Err == nil {
		l.Errorf("%d fetches, %d failed, last error %v; want one an hour, all but the first failed", s.Fetches, s.Failures, s.Err)
	}
}

func downForever(l *lab.Keys) {
	l.Warm()
	l.Pool.SetFault(cognitotest.Fault{Status: 500})
	time.Sleep(lab.HardLimit - l.Status().Age + time.Nanosecond)
	l.Want("first request past the hard limit", l.Token(), lab.Unavailable)
	l.Want("the next one, while no fetch may begin", l.Token(), lab.Unavailable)
	l.Want("a random kid", l.Stranger("random"), lab.Unavailable)
	l.WantFetches("past the hard limit", 2)
	if s := l.Status(); len(s.KeyIDs) != 0 || s.Fetched.IsZero() {
		l.Errorf("status past the hard limit: kids %q, fetched %v; want no kid, and when the set was fetched", s.KeyIDs, s.Fetched)
	}
	if err := l.Auth.Ready(context.Background()); !errors.Is(err, cognitoauth.ErrUnavailable) {
		l.Errorf("Ready past the hard limit: %v, want ErrUnavailable", err)
	}
	l.Pool.SetFault()
	time.Sleep(2 * time.Second)
	l.Want("healed", l.Token(), lab.Okay)
}

func withdrawn(l *lab.Keys) {
	old := l.Pool.AccessToken().ExpiresIn(20 * time.Hour).String()
	l.Warm()
	l.Pool.Rotate()
	time.Sleep(lab.LatestRefresh)
	l.Pool.SetFault(cognitotest.Fault{Delay: time.Second}) // or it may end before the request does
	l.Want("the request that starts the refresh", old, lab.Okay)
	time.Sleep(time.Second)
	synctest.Wait()
	l.Want("after the refresh", old, lab.UnknownKey)
	l.Want("the new key", l.Token(), lab.Okay)
	l.WantFetches("after the refresh", 2)
}

func newMaterial(l *lab.Keys) {
	token := l.Pool.AccessToken().ExpiresIn(20 * time.Hour)
	other := cognitotest.NewPool(l.TB, cognitotest.Options{InProcess: true}).AccessToken().Key()
	l.Want("first", token.String(), lab.Okay)
	l.Want("other material before it is published", token.SignedBy(other).String(), lab.BadSignature)
	l.Pool.SetFault(cognitotest.Fault{Body: lab.KeySet(lab.JWK(token.KeyID(), other)), Delay: time.Second}) // or it may end before the request does
	time.Sleep(lab.LatestRefresh)
	l.Want("the request that starts the refresh", token.String(), lab.Okay)
	time.Sleep(time.Second)
	synctest.Wait()
	l.Want("old material after the refresh", token.String(), lab.BadSignature)
	l.Want("new material after the refresh", token.SignedBy(other).String(), lab.Okay)
}

func retryAfter(l *lab.Keys) {
	for _, status := range []int{403, 404, 429, 500, 503, 200, 302} {
		l.Pool.SetFault(cognitotest.Fault{Status: status, Body: []byte("{}"), Header: retryAfterOf(30)})
		before := l.Status().Fetches
		if got := l.Want("faulty", l.Token(), lab.Unavailable); got.Retry != 30*time.Second {
			l.Errorf("status %d: the client is told to come back in %s, want the endpoint's 30 s", status, got.Retry)
		}
		time.Sleep(20 * time.Second)
		if got := l.Want("20 s later", l.Token(), lab.Unavailable); got.Retry != 10*time.Second {
			l.Errorf("status %d: 20 s later the client is told to come back in %s, want 10 s", status, got.Retry)
		}
		time.Sleep(10*time.Second - time.Nanosecond)
		l.Want("just before", l.Token(), lab.Unavailable)
		l.WantFetches(strconv.Itoa(status), before+1)
		time.Sleep(time.Nanosecond)
	}
	l.Pool.SetFault()
	l.Want("healed", l.Token(), lab.Okay)
}

func redirected(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Host: "cognito-idp.eu-west-1.amazonaws.com", Redirect: "https://elsewhere.example/" + l.Pool.ID() + "/.well-known/jwks.json"})
	l.Want("redirected", l.Token(), lab.Unavailable)
	if _, hosts := l.Wire.Asked(); !slices.Equal(hosts, []string{"cognito-idp.eu-west-1.amazonaws.com"}) {
		l.Errorf("asked %q, want the first host alone", hosts)
	}
}

// countingReader is a key set behind endless white space.
type countingReader struct{ left, read int }

func (c *countingReader) Read(b []byte) (int, error) {
	n := min(len(b), c.left)
	for i := range b[:n] {
		b[i] = ' '
	}
	c.left -= n
	c.read += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func hugeBody(l *lab.Keys) {
	body := &countingReader{left: 64 << 20}
	l.Wire.Answer(func(*http.Request) (*http.Response, error) {
		return lab.Answer(200, io.MultiReader(body, bytes.NewReader(l.Pool.KeySet()))), nil
	})
	l.Want("64 MiB", l.Token(), lab.Unavailable)
	if body.read > 2*lab.LargestKeySet {
		l.Errorf("%d bytes were read, want no more than the limit of %d", body.read, lab.LargestKeySet)
	}
}

func emptySets(l *lab.Keys) {
	l.Warm()
	for _, body := range []string{"<html>", "{}", `{"keys":[]}`, `{"keys":null}`, `{"keys":{}}`, "[]", "null", `""`, "", " "} {
		l.Pool.SetFault(cognitotest.Fault{Body: []byte(body)})
		before := l.Status()
		l.Want(body, l.Stranger("random"), lab.Unavailable)
		l.Want(body+": known kid", l.Token(), lab.Okay)
		if s := l.Status(); s.Failures != before.Failures+1 || s.Fetched != before.Fetched || len(s.KeyIDs) != 2 {
			l.Errorf("body %q: %d failures, %d keys of %s; want one more failure and the last good set", body, s.Failures, len(s.KeyIDs), s.Fetched)
		}
		time.Sleep(time.Minute)
	}
}

func callerDeadline(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if got := l.SendCtx(ctx, l.Token()); got.Verdict != lab.Ended || got.Waited != 500*time.Millisecond {
		l.Errorf("caller with a deadline: %v, want %s at its deadline", got, lab.Ended)
	}
	time.Sleep(500 * time.Millisecond)
	l.WantAfter(time.Second, "a caller that comes while the fetch goes on", l.Token(), lab.Okay)
	l.WantFetches("both callers", 1)
}

func callerCancels(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	var first sync.WaitGroup
	first.Go(func() {
		if got := l.SendCtx(ctx, l.Token()); got.Verdict != lab.Ended || got.Waited != time.Second {
			l.Errorf("the caller that cancels: %v, want %s at once", got, lab.Ended)
		}
	})
	synctest.Wait()
	var count map[string]int
	first.Go(func() { count = l.Crowd(50, l.Token()) })
	time.Sleep(time.Second)
	cancel()
	first.Wait()
	l.WantCrowd("the others", count, map[string]int{lab.Okay: 50})
	l.WantFetches("all callers", 1)
	if l.Slowest != 2*time.Second {
		l.Errorf("the slowest waited %s, want the 2 s of the fetch", l.Slowest)
	}
}

func testTwoPools(t *testing.T) {
	b := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "us-east-1_Second"})
	l := lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.Pools = append(cfg.Pools, b.Config().Pools...) })
	a := l.Pool
	l.Wire.Next = cognitotest.Client(a, b).Transport
	b.SetFault(cognitotest.Fault{Hang: true})
	l.Want("A, the pool that is up", a.AccessToken().String(), lab.Okay)
	var others sync.WaitGroup
	others.Go(func() {
		l.WantAfter(lab.LongestWait, "B, the pool that hangs", b.AccessToken().String(), lab.Unavailable)
	})
	for range 20 {
		l.Want("A while B hangs", a.AccessToken().String(), lab.Okay)
		time.Sleep(100 * time.Millisecond)
	}
	err := l.Auth.Ready(context.Background())
	if !errors.Is(err, cognitoauth.ErrUnavailable) || !strings.Contains(err.Error(), b.ID()) || strings.Contains(err.Error(), a.ID()) {
		l.Errorf("Ready: %v, want ErrUnavailable that names %s alone", err, b.ID())
	}
	others.Wait()
	if s := l.Auth.Status(); len(s) != 2 || s[0].Err != nil || s[1].Err == nil || s[0].PoolID != a.ID() || s[1].PoolID != b.ID() {
		l.Errorf("Status: %+v, want A without and B with an error", s)
	}
	l.Want("B's token in A's name", b.AccessToken().Set("iss", a.Issuer()).String(), lab.UnknownKey)
}

func secondIssuer(l *lab.Keys) {
	forged := func(kid string) string {
		return l.Pool.AccessToken().Set("iss", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/"+l.Pool.ID()).SetHeader("kid", kid).Tampered().String()
	}
	l.Want("cold, the updated issuer", forged("first"), lab.UnknownKey)
	for i := range 100 {
		l.Want("the updated issuer", forged(strconv.Itoa(i)), lab.UnknownKey)
		l.Want("the original issuer", l.Stranger(strconv.Itoa(i)), lab.UnknownKey)
	}
	if n := len(l.Auth.Status()); n != 1 {
		l.Errorf("%d key sources, want one for both forms", n)
	}
	l.WantFetches("200 forged tokens", 1)
	if _, hosts := l.Wire.Asked(); !slices.Equal(hosts, []string{"cognito-idp.eu-west-1.amazonaws.com"}) {
		l.Errorf("asked %q, want the original host once", hosts)
	}
}

func jumpingClock(l *lab.Keys) {
	run := func() (story string) {
		clock := &lab.KeyClock{}
		l := lab.NewKeys(l.TB, clock.Set)
		say := func(kid string) {
			token := l.Pool.AccessToken()
			token = token.Set("iat", clock.Now()).Set("exp", clock.Now().Add(time.Hour))
			if kid != "" {
				token = token.SetHeader("kid", kid)
			}
			got := l.Send(token.String())
			synctest.Wait()
			story += fmt.Sprintf("%s after %s, %d fetches; ", got.Verdict, got.Waited, l.Status().Fetches)
		}
		say("")
		for _, jump := range []time.Duration{2 * time.Hour, -4 * time.Hour, 30 * 24 * time.Hour, -60 * 24 * time.Hour, 25 * time.Hour} {
			clock.Jump(jump)
			say("")
			say("random")
			time.Sleep(lab.FloorAfterSuccess)
			say("")
			say("random")
		}
		return story
	}
	first, second := run(), run()
	if first != second {
		l.Errorf("two runs differ:\n%s\n%s", first, second)
	}
	l.Log(first)
}

func staticSet(l *lab.Keys) {
	set := l.Pool.KeySet()
	staticSetOf(lab.NewKeys(l.TB, func(cfg *cognitoauth.Config) {
		cfg.Pools[0].JWKSURL, cfg.Pools[0].JWKS = "", set
	}), l.Pool)
}

func staticSetOf(l *lab.Keys, p *cognitotest.Pool) {
	if err := l.Auth.Ready(context.Background()); err != nil {
		l.Errorf("Ready: %v", err)
	}
	for range 3 {
		l.Want("static", p.AccessToken().String(), lab.Okay)
		l.Want("static, unknown kid", l.Stranger("random"), lab.UnknownKey)
		l.Want("static, bad signature", p.AccessToken().Tampered().String(), lab.BadSignature)
		time.Sleep(30 * 24 * time.Hour)
	}
	if times, _ := l.Wire.Asked(); len(times) != 0 {
		l.Errorf("%d requests on the wire, want none", len(times))
	}
	s := l.Status()
	if s.URL != "" || s.Fetches != 0 || s.Err != nil || !s.Fetched.IsZero() || s.Age != 0 || len(s.KeyIDs) != 2 {
		l.Errorf("Status: %+v, want two keys and nothing about fetches", s)
	}
}

// refreshBesideRequests is for the race detector: verdicts, refreshes, Status
// and Ready at the same time, through an hour of rotations.
func refreshBesideRequests(l *lab.Keys) {
	l.Pool.SetFault(cognitotest.Fault{Delay: 10 * time.Millisecond, Header: http.Header{"Cache-Control": {"max-age=300"}}})
	end := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for time.Now().Before(end) {
				if got := l.Send(l.Token()); got.Verdict != lab.Okay {
					l.Errorf("in the middle of a rotation: %v", got)
				}
				time.Sleep(time.Minute)
			}
		})
		all.Go(func() {
			for time.Now().Before(end) {
				l.Auth.Status()
				if err := l.Auth.Ready(context.Background()); err != nil {
					l.Errorf("Ready: %v", err)
				}
				time.Sleep(time.Minute)
			}
		})
	}
	for time.Now().Before(end) {
		time.Sleep(5*time.Minute + time.Second)
		l.Pool.PublishNext()
		time.Sleep(5*time.Minute + time.Second)
		l.Pool.Activate()
		l.Pool.Retire()
	}
	all.Wait()
}

func testMaxAge(t *testing.T) {
	for _, row := range []struct {
		name         string
		cacheControl string
		fresh, due   time.Duration // ages at which no refresh, and a refresh, begins
	}{
		{"none is an hour, give or take a tenth", "", lab.EarliestRefresh, lab.LatestRefresh},
		{"0 is five minutes, less up to a tenth", "max-age=0", 270 * time.Second, 5 * time.Minute},
		{"299 is five minutes", "max-age=299", 270 * time.Second, 5 * time.Minute},
		{"ten minutes are ten minutes, less up to a tenth", "public, max-age=600", 9 * time.Minute, 10 * time.Minute},
		{"its case does not count", "Max-Age=600", 9 * time.Minute, 10 * time.Minute},
		{"ten years are an hour", "max-age=315360000", lab.EarliestRefresh, lab.LatestRefresh},
		{"more than fits is an hour", "max-age=99999999999999999999", lab.EarliestRefresh, lab.LatestRefresh},
		{"a negative one is none", "max-age=-1", lab.EarliestRefresh, lab.LatestRefresh},
		{"one that is no number is none", "max-age=soon", lab.EarliestRefresh, lab.LatestRefresh},
		{"s-maxage is another directive", "s-maxage=600", lab.EarliestRefresh, lab.LatestRefresh},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t)
				l.Pool.SetFault(cognitotest.Fault{Header: http.Header{"Cache-Control": {row.cacheControl}}})
				token := l.Pool.AccessToken().ExpiresIn(2 * time.Hour).String()
				l.Want("cold", token, lab.Okay)
				time.Sleep(row.fresh - time.Nanosecond)
				l.Want("fresh", token, lab.Okay)
				synctest.Wait()
				l.WantFetches("fresh", 1)
				time.Sleep(row.due - l.Status().Age)
				l.Want("due", token, lab.Okay)
				synctest.Wait()
				l.WantFetches("due", 2)
			})
		})
	}
}

// TestRefreshAgesDiffer: a fleet that was started at one moment must not fetch
// at one moment.
func TestRefreshAgesDiffer(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		token := pool.AccessToken().ExpiresIn(2 * time.Hour).String()
		var fleet []*cognitoauth.Middleware
		for range 40 {
			auth, err := cognitoauth.New(pool.Config())
			if err != nil {
				t.Fatal(err)
			}
			fleet = append(fleet, auth)
			auth.Validate(t.Context(), token)
		}
		time.Sleep(time.Hour)
		due := 0
		for _, auth := range fleet {
			auth.Validate(t.Context(), token)
			synctest.Wait()
			due += auth.Status()[0].Fetches - 1
		}
		if due == 0 || due == len(fleet) {
			t.Errorf("%d of %d have refreshed after an hour, want some and not all", due, len(fleet))
		}
	})
}

const (
	originalHost = "cognito-idp.eu-west-1.amazonaws.com"
	updatedHost  = "issuer-cognito-idp.eu-west-1.amazonaws.com"
)

// TestHosts: the updated host is asked once the original one has failed or has
// kept silent for a second, and whichever answers well first counts.
func TestHosts(t *testing.T) {
	type faults = []cognitotest.Fault
	hang, later := cognitotest.Fault{Host: originalHost, Hang: true}, 2*time.Second
	for _, row := range []struct {
		name    string
		faults  faults
		verdict string
		after   time.Duration
		second  time.Duration // when the updated host is asked; negative: never
		err     string        // in Status once all is over; "": none
	}{
		{"the original host answers", nil, lab.Okay, 0, -1, ""},
		{"the original host answers just in time", faults{{Host: originalHost, Delay: lab.UpdatedHostAfter - 1}}, lab.Okay, lab.UpdatedHostAfter - 1, -1, ""},

		{"the original host is forbidden", faults{{Host: originalHost, Status: 403}}, lab.Okay, 0, 0, ""},
		{"the original host breaks off", faults{{Host: originalHost, Abort: true}}, lab.Okay, 0, 0, ""},
		{"the original host has no keys", faults{{Host: originalHost, Body: []byte("{}")}}, lab.Okay, 0, 0, ""},
		{"the original host fails after a while", faults{{Host: originalHost, Delay: 400 * time.Millisecond, Status: 500}}, lab.Okay, 400 * time.Millisecond, 400 * time.Millisecond, ""},
		{"the original host hangs", faults{hang}, lab.Okay, lab.UpdatedHostAfter, lab.UpdatedHostAfter, ""},

		{"the original host is slow and the updated one forbidden", faults{{Host: originalHost, Delay: later}, {Status: 403}}, lab.Okay, later, lab.UpdatedHostAfter, ""},
		{"the original host is slow and the updated one faster", faults{{Host: originalHost, Delay: later}, {Delay: 500 * time.Millisecond}}, lab.Okay, lab.UpdatedHostAfter + 500*time.Millisecond, lab.UpdatedHostAfter, ""},
		{"the original host is slow and the updated one hangs", faults{{Host: originalHost, Delay: later}, {Hang: true}}, lab.Okay, later, lab.UpdatedHostAfter, ""},

		{"both fail, the original one tells why", faults{{Host: originalHost, Status: 500}, {Status: 403}}, lab.Unavailable, 0, 0, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
		{"both fail, the updated one first", faults{{Host: originalHost, Delay: later, Status: 500}, {Status: 403}}, lab.Unavailable, later, lab.UpdatedHostAfter, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
		{"the original host hangs and the updated one is forbidden", faults{hang, {Status: 403}}, lab.Unavailable, lab.LongestWait, lab.UpdatedHostAfter, "https://" + originalHost},
		{"the original host fails and the updated one hangs", faults{{Host: originalHost, Status: 500}, {Hang: true}}, lab.Unavailable, lab.LongestWait, 0, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t, lab.TwoHosts)
				l.Pool.SetFault(row.faults...)
				began := time.Now()
				l.WantAfter(row.after, "cold", l.Token(), row.verdict)
				time.Sleep(lab.LongestFetch)
				times, hosts := l.Wire.Asked()
				switch {
				case row.second < 0:
					if !slices.Equal(hosts, []string{originalHost}) {
						t.Errorf("asked %q, want the original host alone", hosts)
					}
				case !slices.Equal(hosts, []string{originalHost, updatedHost}):
					t.Errorf("asked %q, want the original and then the updated host", hosts)
				case times[1].Sub(began) != row.second:
					t.Errorf("the updated host was asked after %s, want %s", times[1].Sub(began), row.second)
				}
				s := l.Status()
				if s.Fetches != 1 || (s.Err == nil) != (row.err == "") || s.Err != nil && !strings.Contains(s.Err.Error(), row.err) {
					t.Errorf("%d fetches, last error %v; want one, and %q", s.Fetches, s.Err, row.err)
				}
			})
		})
	}
}

// TestHostsRetryAfter: what the original host asks for counts, whatever the
// updated one does.
func TestHostsRetryAfter(t *testing.T) {
	original := cognitotest.Fault{Host: originalHost, Status: 503, Header: retryAfterOf(40)}
	for _, row := range []struct {
		name    string
		updated cognitotest.Fault
		after   time.Duration // of the fetch's end
	}{
		{"the updated host is forbidden", cognitotest.Fault{Status: 403}, 0},
		{"the updated host asks for less", cognitotest.Fault{Status: 503, Header: retryAfterOf(5)}, 0},
		{"the updated host hangs", cognitotest.Fault{Hang: true}, lab.LongestFetch},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t, lab.TwoHosts)
				l.Pool.SetFault(original, row.updated)
				began := time.Now()
				l.Send(l.Token())
				time.Sleep(row.after + 39*time.Second - time.Since(began))
				l.Want("39 s after the fetch", l.Token(), lab.Unavailable)
				l.WantFetches("39 s after the fetch", 1)
				time.Sleep(time.Second)
				l.Pool.SetFault()
				l.Want("40 s after the fetch", l.Token(), lab.Okay)
				l.WantFetches("40 s after the fetch", 2)
			})
		})
	}
}

// TestReplicaRegion: a replica region has keys of its own, under a floor of its
// own, and vouches for nobody else's tokens.
func TestReplicaRegion(t *testing.T) {
	const replica = "cognito-idp.us-east-1.amazonaws.com"
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t, lab.TwoHosts, func(cfg *cognitoauth.Config) { cfg.Pools[0].ReplicaRegions = []string{"us-east-1"} })
		other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		l.Pool.SetFault(cognitotest.Fault{Host: replica, Body: other.KeySet()})
		iss := "https://" + replica + "/" + l.Pool.ID()

		l.Want("the primary region", l.Token(), lab.Okay)
		if _, hosts := l.Wire.Asked(); !slices.Equal(hosts, []string{originalHost}) {
			t.Errorf("asked %q, want the primary region alone", hosts)
		}
		l.Want("the replica", other.AccessToken().Set("iss", iss).String(), lab.Okay)
		if _, hosts := l.Wire.Asked(); !slices.Equal(hosts, []string{replica}) {
			t.Errorf("asked %q, want the replica alone, and at once", hosts)
		}
		l.Want("the primary's key in the replica's name", l.Pool.AccessToken().Set("iss", iss).String(), lab.UnknownKey)
		l.Want("the replica's key in the primary's name", other.AccessToken().String(), lab.UnknownKey)

		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault(cognitotest.Fault{Host: replica, Status: 500})
		l.Want("the replica fails", other.AccessToken().Set("iss", iss).SetHeader("kid", "new").String(), lab.Unavailable)
		l.Want("which is not the primary's trouble", l.Stranger("new"), lab.UnknownKey)
		if _, hosts := l.Wire.Asked(); !slices.Equal(hosts, []string{replica, originalHost}) {
			t.Errorf("asked %q, want each region once", hosts)
		}
		s := l.Auth.Status()
		if len(s) != 2 || s[0].URL != "https://"+originalHost+"/"+l.Pool.ID()+"/.well-known/jwks.json" || s[1].URL != iss+"/.well-known/jwks.json" || s[1].PoolID != l.Pool.ID() {
			t.Errorf("Status: %+v, want the sources of both regions", s)
		}
	})
}

// TestNoOtherHost: whoever says where the keys are is taken at their word.
func TestNoOtherHost(t *testing.T) {
	for _, row := range []struct {
		name       string
		issuer     string
		keys, want string
	}{
		{"JWKSURL names a host", "", "https://keys.example/a", "https://keys.example/a"},
		{"Issuer names a host", "https://issuer.example/eu-west-1_AbCdEf123", "", "https://issuer.example/eu-west-1_AbCdEf123/.well-known/jwks.json"},
		{"JWKSURL goes before Issuer", "https://issuer.example/eu-west-1_AbCdEf123", "https://keys.example/a?b=c", "https://keys.example/a?b=c"},
		{"the updated issuer is pinned", "https://" + updatedHost + "/eu-west-1_AbCdEf123", "", "https://" + updatedHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t, func(cfg *cognitoauth.Config) { cfg.Pools[0].Issuer, cfg.Pools[0].JWKSURL = row.issuer, row.keys })
				l.Pool.SetFault(cognitotest.Fault{Hang: true})
				token := l.Pool.AccessToken()
				if row.issuer != "" {
					token = token.Set("iss", row.issuer)
				}
				l.WantAfter(lab.LongestWait, "the host hangs", token.String(), lab.Unavailable)
				time.Sleep(time.Minute)
				l.Pool.SetFault(cognitotest.Fault{Status: 500})
				l.Want("the host fails", token.String(), lab.Unavailable)
				if got := l.Pool.Requests(); !slices.Equal(got, []string{row.want, row.want}) {
					t.Errorf("asked %q, want %q twice", got, row.want)
				}
				if got, want := l.Status().URL, strings.Replace(row.want, "?b=c", "?redacted", 1); got != want {
					t.Errorf("Status.URL is %q, want %q", got, want)
				}
			})
		})
	}
}

// TestSharedSource: two entries for one pool have one key set between them.
func TestSharedSource(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t, lab.TwoHosts, func(cfg *cognitoauth.Config) {
			id := cfg.Pools[0]
			id.TokenUse = cognitoauth.IDToken
			cfg.Pools = append(cfg.Pools, id)
		})
		l.Want("access token", l.Token(), lab.Okay)
		l.Want("ID token", l.Pool.IDToken().String(), lab.Okay)
		if s := l.Auth.Status(); len(s) != 1 || s[0].Fetches != 1 {
			t.Errorf("Status: %+v, want one source with one fetch", s)
		}
	})
}

// TestRetryAfter holds the pause after a second failure, 2 s, against what the
// endpoint asks for.
func TestRetryAfter(t *testing.T) {
	for _, row := range []struct {
		name       string
		retryAfter string
		low, high  time.Duration
	}{
		{"none doubles the pause", "", 1500 * time.Millisecond, 2500 * time.Millisecond},
		{"0 is the least, a second", "0", time.Second, time.Second},
		{"1 is a second", "1", time.Second, time.Second},
		{"5 is five seconds", "5", 5 * time.Second, 5 * time.Second},
		{"60 is a minute", "60", time.Minute, time.Minute},
		{"61 is a minute", "61", time.Minute, time.Minute},
		{"a day is a minute", "86400", time.Minute, time.Minute},
		{"more nanoseconds than there are is a minute", "9223372037", time.Minute, time.Minute},
		{"more than an integer holds is a minute", "99999999999999999999", time.Minute, time.Minute},

		{"a negative one is none", "-60", 1500 * time.Millisecond, 2500 * time.Millisecond},
		{"a fraction is none", "60.5", 1500 * time.Millisecond, 2500 * time.Millisecond},
		{"a word is none", "soon", 1500 * time.Millisecond, 2500 * time.Millisecond},
		{"a date, which two clocks would have to agree on, is none", "Fri, 31 Dec 2038 23:59:59 GMT", 1500 * time.Millisecond, 2500 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t)
				l.Pool.SetFault(cognitotest.Fault{Status: 503})
				l.Want("first failure", l.Token(), lab.Unavailable)
				time.Sleep(1250 * time.Millisecond)
				l.Pool.SetFault(cognitotest.Fault{Status: 503, Header: http.Header{"Retry-After": {row.retryAfter}}})
				got := l.Want("second failure", l.Token(), lab.Unavailable)
				l.WantFetches("second failure", 2)
				if least := row.low.Truncate(time.Second); got.Retry < least || got.Retry > row.high+time.Second {
					t.Errorf("the client is told to come back in %s, want %s to %s", got.Retry, row.low, row.high)
				}
				l.Pool.SetFault()
				time.Sleep(row.low - time.Nanosecond)
				l.Want("before the pause is over", l.Token(), lab.Unavailable)
				time.Sleep(row.high - row.low + time.Nanosecond)
				l.Want("when it is over", l.Token(), lab.Okay)
			})
		})
	}
}

// TestKeyVerdicts: whether a kid is unknown or nobody can say.
func TestKeyVerdicts(t *testing.T) { lab.RunKeyCases(t, keyVerdicts) }

var keyVerdicts = []lab.KeyCase{
	{"the set was fetched for the request: 401", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.WantAfter(time.Second, "cold", l.Stranger("a"), lab.UnknownKey)
	}},
	{"the set is younger than the floor: 401 at once", func(l *lab.Keys) {
		l.Want("cold", l.Token(), lab.Okay)
		time.Sleep(lab.FloorAfterSuccess - time.Nanosecond)
		l.Want("unknown", l.Stranger("a"), lab.UnknownKey)
		l.WantFetches("inside the floor", 1)
		time.Sleep(time.Nanosecond)
		l.Want("unknown", l.Stranger("a"), lab.UnknownKey)
		l.WantFetches("after the floor", 2)
	}},
	{"the last attempt failed: 503, although other keys are usable", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("the request that fetches", l.Stranger("a"), lab.Unavailable)
		l.Want("the next one", l.Stranger("a"), lab.Unavailable)
		l.Want("a known key", l.Token(), lab.Okay)
		l.WantFetches("both", 2)
	}},
	{"a success after failures starts over", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		for range 8 {
			l.Want("failing", l.Token(), lab.Unavailable)
			time.Sleep(time.Minute)
		}
		l.Pool.SetFault()
		l.Want("healed", l.Token(), lab.Okay)
		l.Want("healed, unknown", l.Stranger("a"), lab.UnknownKey)
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("failing again", l.Stranger("a"), lab.Unavailable)
		l.Pool.SetFault()
		time.Sleep(1250 * time.Millisecond)
		l.Want("after the first pause", l.Stranger("a"), lab.UnknownKey)
	}},
	{"the fetch takes longer than a request waits: 503", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Delay: 4 * time.Second})
		if got := l.WantAfter(lab.LongestWait, "cold", l.Token(), lab.Unavailable); got.Retry != time.Second {
			l.Errorf("Retry-After is %s, want 1 s: the fetch goes on", got.Retry)
		}
		l.WantAfter(time.Second, "while it goes on", l.Token(), lab.Okay)
		l.WantFetches("both", 1)
	}},
	{"the caller had gone before it asked: 503, and the fetch goes on", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := l.SendCtx(ctx, l.Token()); got.Verdict != lab.Ended || got.Waited != 0 {
			l.Errorf("caller that had gone: %v, want %s at once", got, lab.Ended)
		}
		l.WantAfter(time.Second, "the next caller", l.Token(), lab.Okay)
		l.WantFetches("both", 1)
	}},
	{"a caller that has gone needs no wait for a known key", func(l *lab.Keys) {
		l.Warm()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := l.SendCtx(ctx, l.Token()); got.Verdict != lab.Okay {
			l.Errorf("caller that had gone, known key: %v, want %s", got, lab.Okay)
		}
	}},
	{"so many requests wait for one fetch, and no more: 503 at once", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		var all sync.WaitGroup
		for range lab.MostWaiting {
			all.Go(func() { l.WantAfter(lab.LongestWait, "while there is room", l.Stranger("a"), lab.Unavailable) })
		}
		synctest.Wait()
		l.Want("then", l.Stranger("a"), lab.Unavailable)
		all.Wait()
		l.WantAfter(lab.LongestFetch-lab.LongestWait, "when they have gone", l.Stranger("a"), lab.Unavailable)
	}},
	{"a set that was not used for a day is fetched before it is trusted", func(l *lab.Keys) {
		l.Warm()
		l.Pool.Rotate()
		time.Sleep(lab.HardLimit)
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.WantAfter(time.Second, "the new key", l.Token(), lab.Okay)
		l.WantFetches("a day later", 2)
	}},
}

// TestBackgroundRefresh: a set that is due is served while it is fetched.
func TestBackgroundRefresh(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"nobody waits for it", func(l *lab.Keys) {
			l.Warm()
			token := l.Pool.AccessToken().ExpiresIn(3 * time.Hour).String()
			time.Sleep(lab.LatestRefresh)
			l.Pool.SetFault(cognitotest.Fault{Hang: true})
			for range 100 {
				l.Want("while it hangs", token, lab.Okay)
				time.Sleep(lab.LongestFetch / 100)
			}
			l.WantFetches("while it hangs", 2)
			if err := l.Auth.Ready(context.Background()); err != nil {
				l.Errorf("Ready: %v", err)
			}
		}},
		{"it happens although no kid is unknown", func(l *lab.Keys) {
			l.Warm()
			token := l.Pool.AccessToken().ExpiresIn(23 * time.Hour).String()
			for range 20 {
				time.Sleep(lab.LatestRefresh)
				l.Want("due", token, lab.Okay)
				synctest.Wait()
			}
			l.WantFetches("after twenty refresh ages", 21)
		}},
		{"an unknown kid joins it", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(lab.LatestRefresh)
			l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
			l.Want("due", l.Token(), lab.Okay)
			l.WantAfter(time.Second, "unknown", l.Stranger("a"), lab.UnknownKey)
			l.WantFetches("both", 2)
		}},
	})
}

// TestStatus: Status before, between and after fetches.
func TestStatus(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"before the first fetch", func(l *lab.Keys) {
			want := cognitoauth.PoolStatus{PoolID: l.Pool.ID(), URL: l.Pool.JWKSURL()}
			if s := l.Status(); !reflect.DeepEqual(s, want) {
				l.Errorf("Status: %+v, want %+v", s, want)
			}
			synctest.Wait()
			l.WantFetches("Status itself", 0)
		}},
		{"after a success", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
			access, id := l.Pool.AccessToken(), l.Pool.IDToken()
			l.WantAfter(time.Second, "cold", access.String(), lab.Okay)
			fetched := time.Now()
			time.Sleep(time.Minute)
			kids := []string{access.KeyID(), id.KeyID()}
			slices.Sort(kids)
			s := l.Status()
			if !slices.Equal(s.KeyIDs, kids) || !s.Fetched.Equal(fetched) || s.Age != time.Minute || s.Fetches != 1 || s.Failures != 0 || s.Err != nil || s.Skipped != 0 {
				l.Errorf("Status: %+v, want kids %q, fetched %s", s, kids, fetched)
			}
		}},
		{"after a failure", func(l *lab.Keys) {
			fault := errors.New("no route")
			l.Wire.Answer(func(*http.Request) (*http.Response, error) { return nil, fault })
			l.Want("cold", l.Token(), lab.Unavailable)
			s := l.Status()
			if !errors.Is(s.Err, fault) || s.Fetches != 1 || s.Failures != 1 || !s.Fetched.IsZero() || s.Age != 0 || s.KeyIDs != nil {
				l.Errorf("Status: %+v, want the transport's error and nothing fetched", s)
			}
			l.Wire.Answer(nil)
			time.Sleep(2 * time.Second)
			l.Want("healed", l.Token(), lab.Okay)
			if s := l.Status(); s.Err != nil || s.Fetches != 2 || s.Failures != 1 {
				l.Errorf("Status: %+v, want no error after a success", s)
			}
		}},
		{"its set is the caller's own", func(l *lab.Keys) {
			l.Warm()
			clear(l.Status().KeyIDs)
			if slices.Contains(l.Status().KeyIDs, "") {
				l.Error("changing a PoolStatus has changed the next one")
			}
		}},
		{"a set that is due is not fetched by it", func(l *lab.Keys) {
			l.Warm()
			time.Sleep(2 * lab.HardLimit)
			if s := l.Status(); len(s.KeyIDs) != 0 || s.Age <= 2*lab.HardLimit {
				l.Errorf("Status: %+v, want no keys and the age", s)
			}
			synctest.Wait()
			l.WantFetches("Status itself", 1)
		}},
	})
}

// TestReady: Ready tells whether there are usable keys, and sees to it that
// there will be.
func TestReady(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{
		{"cold, it waits for the fetch, longer than a request does", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Delay: 4 * time.Second})
			l.Ready("cold", 4*time.Second, nil)
			l.Want("afterwards", l.Token(), lab.Okay)
			l.WantFetches("both", 1)
		}},
		{"it shares the fetch with requests", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
			var all sync.WaitGroup
			all.Go(func() { l.WantAfter(time.Second, "request", l.Token(), lab.Okay) })
			for range 5 {
				all.Go(func() { l.Ready("beside it", time.Second, nil) })
			}
			all.Wait()
			l.WantFetches("all", 1)
		}},
		{"warm, it asks nobody", func(l *lab.Keys) {
			l.Warm()
			l.Pool.SetFault(cognitotest.Fault{Hang: true})
			l.Ready("warm", 0, nil)
			l.WantFetches("warm", 1)
			time.Sleep(lab.LatestRefresh)
			l.Ready("due", 0, nil)
		}},
		{"a failure is its error at once, and not repeated", func(l *lab.Keys) {
			fault := errors.New("no route")
			l.Wire.Answer(func(*http.Request) (*http.Response, error) { return nil, fault })
			l.Ready("cold", 0, fault)
			l.Ready("while no fetch may begin", 0, fault)
			l.WantFetches("both", 1)
		}},
		{"it ends with its context", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			err := l.Auth.Ready(ctx)
			if !errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				l.Errorf("Ready: %v, want ErrUnavailable because of the deadline", err)
			}
			l.Ready("the fetch went on", time.Second, nil)
			l.WantFetches("both", 1)
		}},
		{"it gives up with the fetch", func(l *lab.Keys) {
			l.Pool.SetFault(cognitotest.Fault{Hang: true})
			l.Ready("hanging", lab.LongestFetch, cognitoauth.ErrUnavailable)
		}},
	})
}

// TestReadyBesideFetch: a set that comes just after Ready has found the old one
// too old is good enough. The clock is where the test can step in between.
func TestReadyBesideFetch(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var armed atomic.Bool
		var l *lab.Keys
		l = lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if armed.CompareAndSwap(true, false) {
					l.Want("in between", l.Token(), lab.Okay)
				}
				return time.Now()
			}
		})
		l.Warm()
		time.Sleep(2 * lab.HardLimit)
		armed.Store(true)
		l.Ready("old set, new set", 0, nil)
		l.WantFetches("old set, new set", 2)
	})
}

// TestRetryAfterBesideFetch: a request whose fetch failed answers late, when the
// next fetch is in flight; it still names a time that somebody can wait for,
// which sendCtx checks.
func TestRetryAfterBesideFetch(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var slow atomic.Int64 // at this time the clock takes two seconds
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if time.Now().UnixNano() == slow.Load() {
					time.Sleep(2 * time.Second)
				}
				return time.Now()
			}
		})
		time.Sleep(lab.PastEpoch)
		l.Warm()
		slow.Store(time.Now().Add(time.Second).UnixNano())
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second, Status: 500})
		var all sync.WaitGroup
		all.Go(func() { l.WantAfter(3*time.Second, "the slow one", l.Stranger("a"), lab.Unavailable) })
		time.Sleep(2500 * time.Millisecond)
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		all.Go(func() { l.WantAfter(lab.LongestWait, "the next one", l.Stranger("a"), lab.Unavailable) })
		all.Wait()
		l.WantFetches("both", 3)
	})
}

// TestKeyLog: each thing that happens to a key set is one record.
func TestKeyLog(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{{"a life", func(l *lab.Keys) {
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("down", l.Token(), lab.Unavailable)
		wantLog(l, "cold and down", "ERROR cognitoauth: key set fetch failed, there are no keys pool=eu-west-1_AbCdEf123 url="+l.Pool.JWKSURL(), "status 500")
		l.Pool.SetFault()
		time.Sleep(2 * time.Second)
		access, id := l.Pool.AccessToken(), l.Pool.IDToken()
		l.Want("up", access.String(), lab.Okay)
		wantLog(l, "first set", "INFO cognitoauth: key set fetched pool=eu-west-1_AbCdEf123 url="+l.Pool.JWKSURL(), "keys=2", "skipped=0",
			"INFO cognitoauth: key added", "kid="+access.KeyID(), "INFO cognitoauth: key added", "kid="+id.KeyID())
		time.Sleep(lab.FloorAfterSuccess)
		l.Want("same set", l.Stranger("a"), lab.UnknownKey)
		synctest.Wait()
		if lines := l.Logged.Taken(); len(lines) != 1 || !strings.HasPrefix(lines[0], "INFO cognitoauth: key set fetched") {
			l.Errorf("same set: logged %q, want that it was fetched", lines)
		}
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.Rotate()
		l.Want("rotated", l.Token(), lab.Okay)
		wantLog(l, "rotated", "INFO cognitoauth: key set fetched", "kid="+l.Pool.AccessToken().KeyID(), "kid="+l.Pool.IDToken().KeyID(),
			"WARN cognitoauth: key withdrawn", "kid="+access.KeyID(), "kid="+id.KeyID())
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault(cognitotest.Fault{Body: []byte("{}")})
		l.Want("bad document", l.Stranger("a"), lab.Unavailable)
		wantLog(l, "bad document", "WARN cognitoauth: key set fetch failed, the stale set stays", "not a JWK set", "age=10s")
		time.Sleep(lab.HardLimit)
		l.Want("a day later", l.Token(), lab.Unavailable)
		wantLog(l, "a day later", "ERROR cognitoauth: key set fetch failed, the last one is too old to be used", "not a JWK set", "age=24h0m10s")
	}}})
}

// TestKeyLog_quotes: a kid of a key set stands in a record like one of a token.
func TestKeyLog_quotes(t *testing.T) {
	lab.RunKeyCases(t, []lab.KeyCase{{"a kid with a direction mark, and a long one", func(l *lab.Keys) {
		token := l.Pool.AccessToken()
		set := strings.Replace(string(l.Pool.KeySet()), token.KeyID(), "\u202egnp.exe", 1)
		set = strings.Replace(set, l.Pool.IDToken().KeyID(), strings.Repeat("k", 200), 1)
		l.Pool.SetFault(cognitotest.Fault{Body: []byte(set)})
		l.Want("fetched", token.SetHeader("kid", "\u202egnp.exe").String(), lab.Okay)
		wantLog(l, "fetched", "INFO cognitoauth: key added", `kid="\u202egnp.exe"`, `kid="`+strings.Repeat("k", 64)+`"...`)
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault()
		l.Want("withdrawn", token.String(), lab.Okay)
		wantLog(l, "withdrawn", "WARN cognitoauth: key withdrawn", `kid="\u202egnp.exe"`, `kid="`+strings.Repeat("k", 64)+`"...`)
	}}})
}

// wantLog demands that the records about key sets contain each of the parts.
func wantLog(l *lab.Keys, when string, parts ...string) {
	l.Helper()
	synctest.Wait()
	all := strings.Join(l.Logged.Taken(), "\n")
	for _, part := range parts {
		if !strings.Contains(all, part) {
			l.Errorf("%s: nothing is logged of %q in\n%s", when, part, all)
		}
	}
}

// TestReadyPanicOfNow: a panic of the caller's clock is the caller's, as on a
// request; on a goroutine of ours nobody could recover it.
func TestReadyPanicOfNow(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		var armed atomic.Bool
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			cfg.Now = func() time.Time {
				if armed.CompareAndSwap(true, false) {
					panic("clock")
				}
				return time.Now()
			}
		})
		l.Warm()
		armed.Store(true)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Ready has swallowed the clock's panic")
				}
			}()
			l.Auth.Ready(context.Background())
		}()
		l.Ready("afterwards", 0, nil)
	})
}

// restart gives the pool another key under the kid that its tokens have, as an
// emulator does that starts with a fixed kid and a fresh key. It returns a token
// of the old key and one of the new.
func restart(l *lab.Keys, fault cognitotest.Fault) (old, fresh string) {
	token := l.Pool.AccessToken().ExpiresIn(20 * time.Hour)
	other := cognitotest.NewPool(l.TB, cognitotest.Options{InProcess: true}).AccessToken().Key()
	fault.Body = lab.KeySet(lab.JWK(token.KeyID(), other))
	l.Pool.SetFault(fault)
	return token.String(), token.SignedBy(other).String()
}

// TestKeysBesideClock: what the clock of the program does while a fetch lands, or
// just after, makes keys unavailable, and not unknown.
func TestKeysBesideClock(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		clock := &lab.KeyClock{}
		l := lab.NewKeys(t, clock.Set)
		fresh := func(kid string) string {
			token := l.Pool.AccessToken().Set("iat", clock.Now()).Set("exp", clock.Now().Add(time.Hour))
			if kid != "" {
				token = token.SetHeader("kid", kid)
			}
			return token.String()
		}
		l.Want("cold", fresh(""), lab.Okay)
		clock.Jump(lab.HardLimit + time.Second)
		l.Want("the set is too old, in the pause", fresh(""), lab.Unavailable)
		l.Want("an unknown kid", fresh("stranger"), lab.Unavailable)
		l.WantFetches("in the pause", 1)
	})
	for name, now := range map[string]func() time.Time{
		"it jumps":  func() time.Time { return time.Now().Add(2 * lab.HardLimit) },
		"it panics": func() time.Time { panic("clock") },
	} {
		lab.InBubble(t, func(t *testing.T) {
			var left atomic.Int64 // looks at the clock until it goes wrong, 0: never
			l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
				cfg.Now = func() time.Time {
					if left.Load() > 0 && left.Add(-1) == 0 {
						return now()
					}
					return time.Now()
				}
			})
			looks := map[string]int64{"it jumps": 2, "it panics": 1}[name] // the first one stamps the set
			l.Wire.Answer(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				left.Store(looks)
				return l.Wire.Next.RoundTrip(r)
			})
			l.WantAfter(time.Second, name+" as the set arrives", l.Token(), lab.Unavailable)
			if s := l.Status(); (s.Failures == 1 && s.Err != nil) != (name == "it panics") {
				t.Errorf("%s: Status: %+v, want a failed fetch if it panics", name, s)
			}
			l.Wire.Answer(nil)
			time.Sleep(lab.FloorAfterSuccess)
			l.Want("afterwards", l.Token(), lab.Okay)
		})
	}
}

// TestRestart: the same kid, another key. A token of the new key is accepted by one
// fetch once the set is not quite new, and by Refresh at once.
func TestRestart(t *testing.T) {
	lab.RunKeyCases(t, restarts, func(cfg *cognitoauth.Config) { cfg.Leeway = 1 })
}

var restarts = []lab.KeyCase{
	{"the set is old enough: accepted by one fetch, for which the request waits", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		old, fresh := restart(l, cognitotest.Fault{Delay: time.Second})
		l.Want("the old key, which is still held", old, lab.Okay)
		l.WantAfter(time.Second, "the new key", fresh, lab.Okay)
		l.Want("the new key, again", fresh, lab.Okay)
		l.Want("the old key, remembered or not", old, lab.BadSignature)
		l.WantFetches("all", 2)
	}},
	{"a thousand requests share the fetch", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		_, fresh := restart(l, cognitotest.Fault{Delay: time.Second})
		l.WantCrowd("the new key", l.Crowd(1000, fresh), map[string]int{lab.Okay: 1000})
		l.WantFetches("all", 2)
	}},
	{"the set is new: refused at once, until it is old enough", func(l *lab.Keys) {
		l.Want("cold", l.Token(), lab.Okay)
		_, fresh := restart(l, cognitotest.Fault{})
		time.Sleep(lab.SuspectAge - time.Nanosecond)
		l.Want("before", fresh, lab.BadSignature)
		synctest.Wait()
		l.WantFetches("before", 1)
		time.Sleep(time.Nanosecond)
		l.Want("then", fresh, lab.Okay)
	}},
	{"the set is new: Refresh has it accepted at once", func(l *lab.Keys) {
		l.Want("cold", l.Token(), lab.Okay)
		_, fresh := restart(l, cognitotest.Fault{})
		l.Want("before", fresh, lab.BadSignature)
		if err := l.Auth.Refresh(context.Background()); err != nil {
			l.Errorf("Refresh: %v", err)
		}
		l.Want("then", fresh, lab.Okay)
	}},
	{"the set brings the same key: refused after one fetch, and then at once", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		forged := l.Pool.AccessToken().Tampered().String()
		l.WantAfter(time.Second, "first", forged, lab.BadSignature)
		l.Want("then", forged, lab.BadSignature)
		l.Want("a good one", l.Token(), lab.Okay)
		l.WantFetches("all", 2)
	}},
	{"the set brings another key, and the signature is not good with that either", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		forged := l.Pool.AccessToken().Tampered().String()
		_, fresh := restart(l, cognitotest.Fault{})
		l.Want("forged", forged, lab.BadSignature)
		l.Want("the new key", fresh, lab.Okay)
		l.WantFetches("all", 2)
	}},
	{"the kid is withdrawn: the signature is bad all the same", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		forged := l.Pool.AccessToken().Tampered().String()
		l.Pool.Rotate()
		l.Want("first", forged, lab.BadSignature)
		l.Want("then", forged, lab.UnknownKey)
	}},
	{"the endpoint is down or hangs: refused, and a good token of the old key is not held up", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		known, forged := l.Token(), l.Pool.AccessToken().Tampered().String()
		l.Pool.SetFault(cognitotest.Fault{Status: 500})
		l.Want("down", forged, lab.BadSignature)
		l.Want("down, in the pause", forged, lab.BadSignature)
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		var beside sync.WaitGroup
		beside.Go(func() { l.WantAfter(lab.LongestWait, "hangs", forged, lab.BadSignature) })
		synctest.Wait()
		l.Want("a good one", known, lab.Okay)
		beside.Wait()
	}},
	{"the token has expired meanwhile", func(l *lab.Keys) {
		l.Warm()
		time.Sleep(lab.SuspectAge)
		token := l.Pool.AccessToken().ExpiresIn(time.Second)
		_, _ = restart(l, cognitotest.Fault{})
		other := cognitotest.NewPool(l.TB, cognitotest.Options{InProcess: true}).AccessToken().Key()
		l.Pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second, Body: lab.KeySet(lab.JWK(token.KeyID(), other))})
		l.WantAfter(2*time.Second, "expired", token.SignedBy(other).String(), "401 token_expired")
	}},
}

// TestRestart_detail: Detail names what mends it, and only where that can happen.
func TestRestart_detail(t *testing.T) {
	detail := func(change func(*cognitoauth.Config)) string {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		cfg := pool.Config()
		change(&cfg)
		auth, err := cognitoauth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = auth.Validate(t.Context(), pool.AccessToken().Tampered().String())
		return lab.AsRefusal(t, err).Detail()
	}
	if s := detail(func(c *cognitoauth.Config) {
		c.Pools[0].JWKSURL = "http://localhost:9229/" + c.Pools[0].ID + "/.well-known/jwks.json"
	}); !strings.Contains(s, "Middleware.Refresh") || !strings.Contains(s, "5m0s old") {
		t.Errorf("an emulator: %q, want Refresh and when the library asks", s)
	}
	if s := detail(func(c *cognitoauth.Config) { c.Pools[0].JWKSURL = "" }); strings.Contains(s, "Refresh") {
		t.Errorf("Cognito, which gives no kid to another key: %q", s)
	}
}
