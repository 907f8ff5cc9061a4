package cognitoauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// refresh calls Refresh and demands how long it takes and why it fails, nil for
// that it does not.
func refresh(l *lab.Keys, when string, wait time.Duration, cause error) {
	l.Helper()
	began := time.Now()
	err := l.Auth.Refresh(context.Background())
	switch {
	case time.Since(began) != wait:
		l.Errorf("%s: Refresh took %s, want %s", when, time.Since(began), wait)
	case cause == nil && err != nil:
		l.Errorf("%s: Refresh: %v, want nil", when, err)
	case cause != nil && (!errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, cause) || !strings.Contains(err.Error(), l.Pool.ID())):
		l.Errorf("%s: Refresh: %v, want ErrUnavailable of pool %s because of %v", when, err, l.Pool.ID(), cause)
	}
}

// TestRefresh: an operator gets a set that was fetched after the call, and no
// endpoint is asked more than once a second.
func TestRefresh(t *testing.T) { lab.RunKeyCases(t, refreshes) }

var refreshes = []lab.KeyCase{
	{"a withdrawn key is refused afterwards, also for a remembered token", func(l *lab.Keys) {
		old := l.Token()
		l.Warm()
		l.Want("remembered", old, lab.Okay)
		l.Want("remembered", old, lab.Okay)
		l.Pool.Rotate()
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.Want("before", old, lab.Okay)
		refresh(l, "warm", time.Second, nil)
		l.Want("after", old, lab.UnknownKey)
		l.Want("the new key", l.Token(), lab.Okay)
		l.WantFetches("all", 2)
	}},
	{"inside the floor after a fetch it fetches all the same, a second later", func(l *lab.Keys) {
		l.Want("cold", l.Token(), lab.Okay)
		refresh(l, "at once", time.Second, nil)
		time.Sleep(400 * time.Millisecond)
		refresh(l, "soon", 600*time.Millisecond, nil)
		time.Sleep(time.Second)
		refresh(l, "later", 0, nil)
		l.WantFetches("all", 4)
	}},
	{"a fetch in flight does not count, it may have read the old set", func(l *lab.Keys) {
		old := l.Token()
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second, Body: l.Pool.KeySet()})
		go l.Send(l.Stranger("a"))
		synctest.Wait()
		l.Pool.Rotate()
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		refresh(l, "beside a fetch", 3*time.Second, nil) // its end, a pause, and one of its own
		l.Want("after", old, lab.UnknownKey)
		l.WantFetches("all", 3)
	}},
	{"a thousand callers share one fetch, or the next one", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Delay: time.Second})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				began := time.Now()
				if err := l.Auth.Refresh(context.Background()); err != nil || time.Since(began) > 3*time.Second {
					l.Errorf("Refresh after %s: %v, want nil after two fetches and a pause at most", time.Since(began), err)
				}
			})
		}
		all.Wait()
		if n := l.Status().Fetches - 1; n > 2 { // who came after the first had begun needs another
			l.Errorf("%d fetches, want 2 at most", n)
		}
	}},
	{"callers that come all the time fetch once a second", func(l *lab.Keys) {
		l.Warm()
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				if err := l.Auth.Refresh(context.Background()); err != nil {
					l.Errorf("Refresh: %v", err)
				}
			})
		}
		all.Wait()
		if n := l.Status().Fetches - 1; n < 10 || n > 12 {
			l.Errorf("%d fetches in ten seconds, want one a second", n)
		}
	}},
	{"a failure is its error, the last good set stays, and the next call tries again", func(l *lab.Keys) {
		l.Warm()
		fault := errors.New("no route")
		l.Wire.Answer(func(*http.Request) (*http.Response, error) { return nil, fault })
		refresh(l, "down", 0, fault)
		l.Want("the last good set", l.Token(), lab.Okay)
		refresh(l, "down", time.Second, fault)
		l.Wire.Answer(nil)
		refresh(l, "healed", time.Second, nil)
		l.WantFetches("all", 4)
	}},
	{"a pause that the endpoint asks for does not hold it up", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Status: 503, Header: retryAfterOf(60)})
		l.Want("down", l.Stranger("a"), lab.Unavailable)
		l.Pool.SetFault()
		refresh(l, "healed", time.Second, nil)
		l.Want("unknown", l.Stranger("a"), lab.UnknownKey)
	}},
	{"it ends with its context, at each stage", func(l *lab.Keys) {
		for _, stage := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
			l.Pool.SetFault(cognitotest.Fault{})
			l.Send(l.Stranger("a"))
			l.Pool.SetFault(cognitotest.Fault{Delay: 3 * time.Second})
			began := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), stage)
			defer cancel()
			err := l.Auth.Refresh(ctx)
			if !errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != stage {
				l.Errorf("Refresh after %s: %v, want ErrUnavailable because of the deadline at %s", time.Since(began), err, stage)
			}
			time.Sleep(time.Minute)
		}
	}},
	{"it gives up with the fetch", func(l *lab.Keys) {
		l.Warm()
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		refresh(l, "hanging", lab.LongestFetch, cognitoauth.ErrUnavailable)
	}},
	{"cold, it is the first fetch", func(l *lab.Keys) {
		refresh(l, "cold", 0, nil)
		l.Want("afterwards", l.Token(), lab.Okay)
		l.WantFetches("both", 1)
	}},
}

// TestRefresh_pools: every pool is asked, and the error names those that failed.
func TestRefresh_pools(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		b := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "us-east-1_Second"})
		c := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "us-east-1_Static"})
		l := lab.NewKeys(t, func(cfg *cognitoauth.Config) {
			static := c.Config().Pools[0]
			static.JWKSURL, static.JWKS = "", c.KeySet()
			cfg.Pools = append(cfg.Pools, b.Config().Pools[0], static)
		})
		l.Wire.Next = cognitotest.Client(l.Pool, b, c).Transport
		b.SetFault(cognitotest.Fault{Status: 500})
		err := l.Auth.Refresh(t.Context())
		if err == nil || !strings.Contains(err.Error(), b.ID()) || strings.Contains(err.Error(), l.Pool.ID()) {
			t.Errorf("Refresh: %v, want an error that names %s alone", err, b.ID())
		}
		for i, want := range []int{1, 1, 0} {
			if s := l.Auth.Status()[i]; s.Fetches != want {
				t.Errorf("pool %s was fetched %d times, want %d", s.PoolID, s.Fetches, want)
			}
		}
	})
}

// TestRefresh_zero: without New there is nothing to refresh.
func TestRefresh_zero(t *testing.T) {
	for _, m := range []*cognitoauth.Middleware{nil, new(cognitoauth.Middleware)} {
		if err := m.Refresh(t.Context()); !errors.Is(err, cognitoauth.ErrMisconfigured) {
			t.Errorf("Refresh: %v, want ErrMisconfigured", err)
		}
	}
}

// TestKeyTimeout: an endpoint that takes longer than a request waits serves those
// that come later, if it is given the time.
func TestKeyTimeout(t *testing.T) {
	const delay = 6 * time.Second
	later := func(l *lab.Keys) (first, second lab.KeyAnswer) {
		l.Pool.SetFault(cognitotest.Fault{Delay: delay})
		first = l.Send(l.Token())
		time.Sleep(delay - first.Waited)
		return first, l.Send(l.Token())
	}
	for _, row := range []struct {
		name   string
		change func(*cognitoauth.Config)
		want   string // of the second request, when the endpoint has answered
	}{
		{"5 s by default: never", func(*cognitoauth.Config) {}, lab.Unavailable},
		{"10 s: the second request finds the keys", func(c *cognitoauth.Config) { c.KeyTimeout = 10 * time.Second }, lab.Okay},
		{"a minute: the second request finds the keys", func(c *cognitoauth.Config) { c.KeyTimeout = time.Minute }, lab.Okay},
		{"10 s, and the client's own limit of 5 s: never", func(c *cognitoauth.Config) {
			c.KeyTimeout, c.HTTPClient.Timeout = 10*time.Second, 5*time.Second
		}, lab.Unavailable},
		{"10 s, and the client's own limit of an hour", func(c *cognitoauth.Config) {
			c.KeyTimeout, c.HTTPClient.Timeout = 10*time.Second, time.Hour
		}, lab.Okay},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t, row.change)
				first, second := later(l)
				if first.Verdict != lab.Unavailable || first.Waited != lab.LongestWait {
					t.Errorf("first: %v, want %s after %s", first, lab.Unavailable, lab.LongestWait)
				}
				if second.Verdict != row.want {
					t.Errorf("second: %v, want %s", second, row.want)
				}
				time.Sleep(time.Minute) // for a fetch that it began
			})
		})
	}
	lab.InBubble(t, func(t *testing.T) { // the time is what Ready waits, and Refresh
		l := lab.NewKeys(t, func(c *cognitoauth.Config) { c.KeyTimeout = 20 * time.Second })
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		l.Ready("hanging", 20*time.Second, cognitoauth.ErrUnavailable)
		if err := l.Status().Err; err == nil {
			t.Error("the fetch has not ended")
		}
	})
	lab.InBubble(t, func(t *testing.T) { // the client's own limit counts for each host
		l := lab.NewKeys(t, lab.TwoHosts, func(c *cognitoauth.Config) { c.HTTPClient.Timeout = 2500 * time.Millisecond })
		l.Pool.SetFault(cognitotest.Fault{Hang: true})
		began := time.Now()
		err := l.Auth.Ready(t.Context())
		if err == nil || time.Since(began) != 3500*time.Millisecond {
			t.Errorf("Ready after %s: %v; want that both hosts have had 2.5 s, the second 1 s later", time.Since(began), err)
		}
	})
}

// TestSkippedKeys: a reason for each key that is not used, in Status, in the log,
// and in the errors of a set of which nothing is left.
func TestSkippedKeys(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	good := pool.IDToken()
	whole := lab.JWK("the kid", pool.AccessToken().Key())
	with := func(from, to string) string {
		t.Helper()
		s := strings.Replace(whole, from, to, 1)
		if s == whole {
			t.Fatalf("there is no %s", from)
		}
		return s
	}
	long := strings.Repeat("k", 300)
	const named = `key 2 with kid "the kid": `
	for _, row := range []struct{ key, want string }{
		{with(`"alg":"RS256"`, `"alg":"RS512"`), named + `alg is "RS512", expected RS256`},
		{with(`"alg":"RS256"`, `"alg":"`+strings.Repeat("x", 1000)+`"`), named + `alg is "` + strings.Repeat("x", 64) + `"..., expected RS256`},
		{with(`"use":"sig"`, `"use":"enc"`), named + `use is "enc", expected sig`},
		{with(`"use":"sig"`, `"use":null`), named + `its member use is not a JSON string`},
		{with(`"kty":"RSA"`, `"kty":"EC"`), named + `kty is "EC", expected RSA`},
		{with(`"kty"`, `"KTY"`), named + `its member kty is missing`},
		{with(`"n":"`, `"n":"AA`), named + `n begins with a zero byte`},
		{with(`","e":"AQAB"`, `==","e":"AQAB"`), named + `n ends in "="`},
		{with(`"AQAB"`, `"AQAB="`), named + `e ends in "="`},
		{with(`"AQAB"`, `"AQ+B"`), named + `e is not canonical base64url`},
		{with(`"AQAB"`, `"Aw"`), named + `its exponent is smaller than 65537`},
		{with(`"AQAB"`, `"AQAC"`), named + `its exponent is even`},
		{with(`"AQAB"`, `"AQABAAE"`), named + `its exponent has 33 bits, expected at most 31`},
		{with(`"the kid"`, `7`), `key 2: its member kid is not a JSON string`},
		{with(`"kid"`, `"KID"`), `key 2: its member kid is missing`},
		{with(`"the kid"`, `""`), `key 2: its kid is empty`},
		{with(`"the kid"`, `"`+long+`"`), `key 2 with kid "` + long[:64] + `"...: its kid has 300 bytes, expected at most 256`},
		{with(`the kid`, `\u202ekid`), ``}, // used
		{with(`"AQAB"`, `"AQAB","x":1,"x":2`), named + `its member "x" stands there twice`},
		{with(`"AQAB"`, `"AQAB","x":{"y":1,"y":2}`), named + `one of its members has the same name twice`},
		{with(`"AQAB"`, `"AQAB","x":"\ud800"`), named + `it has half of a surrogate pair`},
		{with(`"AQAB"`, "\"AQAB\",\"x\":\"\xff\""), named + `it is not valid UTF-8`},
		{with(`the kid","n"`, "\u202e\","+`"use":"enc","n"`), `key 2 with kid "\u202e": its member "use" stands there twice`},
		{`"a key"`, `key 2: it is not a JSON object`},
		{with(`"use":"sig"`, `"key_ops":["sign"]`), named + `key_ops is not a list of strings with verify`},
		{lab.JWK(good.KeyID(), pool.AccessToken().Key()), `key 1 with kid "` + good.KeyID() + `": another key of the set has the same kid`},
		{lab.JWK(good.KeyID(), good.Key()), `key 2 with kid "` + good.KeyID() + `": the same key stands in the set before`},
	} {
		lab.InBubble(t, func(t *testing.T) {
			beside := lab.JWK("beside", good.Key())
			set := lab.KeySet(lab.JWK(good.KeyID(), good.Key()), row.key, beside)
			l := lab.NewKeys(t)
			l.Pool.SetFault(cognitotest.Fault{Body: set})
			l.Ready("cold", 0, nil)
			synctest.Wait()
			s, logged := l.Status(), l.Logged.Taken()
			switch {
			case row.want == "":
				if s.SkippedKeys != nil || s.Skipped != 0 || strings.Contains(logged[0], "why") {
					t.Errorf("%q are skipped, want none", s.SkippedKeys)
				}
				return
			case len(s.SkippedKeys) != s.Skipped || s.Skipped == 0 || !strings.HasPrefix(s.SkippedKeys[0], row.want):
				t.Errorf("Status has %d reasons %q, want\n%s", s.Skipped, s.SkippedKeys, row.want)
			case !strings.Contains(logged[0], row.want) || !strings.Contains(logged[0], "why="):
				t.Errorf("logged is %q, want in it\n%s", logged[0], row.want)
			}
			for _, s := range slices.Concat(s.SkippedKeys, logged) {
				if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) || len(s) > 1000 {
					t.Errorf("%q is not printable ASCII, or long", s)
				}
			}
		})
		if !strings.HasPrefix(row.want, "key 2") || strings.Contains(row.want, "stands in the set before") {
			continue
		}
		want := strings.Replace(row.want, "key 2", "skipped: key 1", 1)
		_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: pool.ID(), ClientIDs: []string{"a"}, JWKS: lab.KeySet(row.key)}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New with that key alone: %v, want in it\n%s", err, want)
		}
		lab.InBubble(t, func(t *testing.T) {
			l := lab.NewKeys(t)
			l.Pool.SetFault(cognitotest.Fault{Body: lab.KeySet(row.key)})
			l.Send(l.Token())
			synctest.Wait()
			if err := l.Status().Err; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a set with that key alone: %v, want in it\n%s", err, want)
			}
			if all := l.Logged.Taken(); !strings.Contains(all[0], want) {
				t.Errorf("a set with that key alone: logged is %q, want in it\n%s", all, want)
			}
		})
	}
}

// TestSkippedKeys_none: a set without keys has no reasons to give.
func TestSkippedKeys_none(t *testing.T) {
	_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"a"}, JWKS: []byte(`{"keys":[]}`)}}})
	if err == nil || !strings.Contains(err.Error(), "0 keys") || strings.Contains(err.Error(), "skipped") {
		t.Errorf("New: %v, want that there are 0 keys, and no reasons", err)
	}
}

// TestSkippedKeys_areBounded: an endpoint cannot fill the log with reasons.
func TestSkippedKeys_areBounded(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		keys := []string{lab.JWK("good", l.Pool.IDToken().Key())}
		for i := range 99 {
			keys = append(keys, fmt.Sprintf(`{"kty":"RSA","kid":"%d%s","use":"%s"}`, i, strings.Repeat("\\u202e", 80), strings.Repeat("e", 1000)))
		}
		l.Pool.SetFault(cognitotest.Fault{Body: lab.KeySet(keys...)})
		l.Ready("cold", 0, nil)
		if s := l.Status(); s.Skipped != 99 || len(s.SkippedKeys) != 10 || len(strings.Join(s.SkippedKeys, "")) > 10*700 {
			t.Errorf("%d skipped, %d reasons of %d bytes; want 99, 10, and no more than two quotes each", s.Skipped, len(s.SkippedKeys), len(strings.Join(s.SkippedKeys, "")))
		}
	})
}

// TestKeyLog_quotesKid: the log has the kid of a key set as it is where it looks
// like Cognito's, and else quoted in ASCII and cut.
func TestKeyLog_quotesKid(t *testing.T) {
	lab.InBubble(t, func(t *testing.T) {
		l := lab.NewKeys(t)
		odd := "\u202e" + strings.Repeat("k", 100)
		l.Pool.SetFault(cognitotest.Fault{Body: lab.KeySet(lab.JWK("a+b/c=", l.Pool.AccessToken().Key()), lab.JWK(odd, l.Pool.IDToken().Key()))})
		l.Ready("cold", 0, nil)
		synctest.Wait()
		time.Sleep(lab.FloorAfterSuccess)
		l.Pool.SetFault()
		refresh(l, "others", 0, nil)
		synctest.Wait()
		all := strings.Join(l.Logged.Taken(), "\n")
		if strings.Count(all, "kid=a+b/c=") != 2 || strings.Count(all, `kid="\u202e`+strings.Repeat("k", 61)+`"...`) != 2 || strings.Contains(all, "\u202e") {
			t.Errorf("logged is\n%s\nwant both kids added and withdrawn, one of them quoted", all)
		}
	})
}

// TestPresignedURL: the query of a key-set URL may be a signature. Nothing that
// people read has it: log, Status, Detail, and the errors of Ready, Refresh and
// New.
func TestPresignedURL(t *testing.T) {
	const secret = "Xk7wQ9mZ2pL4"
	const query = "X-Amz-Signature=" + secret + "&X-Amz-Date=20260101"
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"status":   func(*http.Request) (*http.Response, error) { return lab.Answer(500, strings.NewReader("")), nil },
		"rubbish":  func(*http.Request) (*http.Response, error) { return lab.Answer(200, strings.NewReader("{}")), nil },
		"no route": func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") },
		"quoted":   func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("cannot get %q", r.URL) },
		"query":    func(r *http.Request) (*http.Response, error) { return nil, errors.New("bad query " + r.URL.RawQuery) },
		"its error": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("x")}
		},
		"panic": func(r *http.Request) (*http.Response, error) { panic(r.URL.String()) },
		"hang":  func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"deaf":  func(r *http.Request) (*http.Response, error) { time.Sleep(time.Minute); return nil, errors.New("late") },
		"good":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				l := lab.NewKeys(t, func(c *cognitoauth.Config) { c.Pools[0].JWKSURL += "?" + query })
				l.Wire.Answer(answer)
				ready := l.Auth.Ready(t.Context())
				_, refused := l.Auth.Validate(t.Context(), l.Stranger("nobody's"))
				renewed := l.Auth.Refresh(t.Context())
				s := l.Status()
				for _, err := range []error{ready, renewed, s.Err} {
					if (err == nil) != (name == "good") {
						t.Errorf("the fetch ended with %v", err)
					}
				}
				if of, ok := errors.AsType[*url.Error](s.Err); ok && strings.Contains(of.URL, secret) {
					t.Errorf("the query is in the *url.Error of %s", of.URL)
				}
				said := []string{fmt.Sprint(ready), fmt.Sprint(renewed), fmt.Sprint(s.Err), lab.AsRefusal(t, refused).Detail(), s.URL, fmt.Sprintf("%+v", s)}
				time.Sleep(2 * time.Minute)
				logged := l.Logged.Taken()
				if len(logged) < 2 || !strings.Contains(logged[0], "/jwks.json?redacted") {
					t.Errorf("logged is %q, want records of two fetches with the URL", logged)
				}
				for _, text := range append(said, logged...) {
					if strings.Contains(text, secret) {
						t.Errorf("the query is in %s", text)
					}
				}
				if !strings.HasSuffix(s.URL, "/jwks.json?redacted") {
					t.Errorf("Status.URL is %q, want it with the query redacted", s.URL)
				}
			})
		})
	}
	for _, address := range []string{"http://keys.example/a?", "https://myapp.auth.eu-west-1.amazoncognito.com/a?", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0001/keys?",
		"keys.example/a?", "https://user@keys.example/a?", "https://keys.example/.well-known/openid-configuration?", "https://keys.example/%zz?", "https:///a?"} {
		_, err := cognitoauth.New(cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: "eu-west-1_AbCdEf123", ClientIDs: []string{"a"}, JWKSURL: address + query}}})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("New with %s: %v, want an error without the query", address, err)
		}
	}
}
