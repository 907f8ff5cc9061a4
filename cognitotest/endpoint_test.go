package cognitotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// bothWays runs a test over the socket and in the process. url is that of the
// key set.
func bothWays(t *testing.T, f func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string)) {
	t.Helper()
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Run("socket", func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{})
		tr := new(http.Transport)
		defer tr.CloseIdleConnections()
		f(t, pool, &http.Client{Transport: tr, CheckRedirect: noRedirect}, pool.JWKSURL())
	})
	t.Run("process", func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		c := pool.Client()
		c.CheckRedirect = noRedirect
		f(t, pool, c, pool.JWKSURL())
	})
}

func TestFaultChangesAnswer(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 1<<20)
	rows := []struct {
		name   string
		fault  cognitotest.Fault
		status int
		body   []byte // nil: the key set
		header map[string]string
	}{
		{"healthy", cognitotest.Fault{}, 200, nil, map[string]string{"Content-Type": "application/json", "Cache-Control": ""}},
		{"status", cognitotest.Fault{Status: 503}, 503, []byte("Service Unavailable"), nil},
		{"status without a body", cognitotest.Fault{Status: 304, Body: []byte("x")}, 304, []byte{}, nil},
		{"status and header", cognitotest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 429, []byte("Too Many Requests"), map[string]string{"Retry-After": "7"}},
		{"header of a healthy answer", cognitotest.Fault{Header: http.Header{"Cache-Control": {"max-age=600"}}}, 200, nil, map[string]string{"Cache-Control": "max-age=600"}},
		{"content type", cognitotest.Fault{ContentType: "text/html"}, 200, nil, map[string]string{"Content-Type": "text/html"}},
		{"body", cognitotest.Fault{Body: []byte("{}")}, 200, []byte("{}"), nil},
		{"empty body", cognitotest.Fault{Body: []byte{}}, 200, []byte{}, nil},
		{"large body", cognitotest.Fault{Body: big}, 200, big, nil},
		{"status and body", cognitotest.Fault{Status: 404, Body: []byte("gone")}, 404, []byte("gone"), nil},
		{"redirect", cognitotest.Fault{Redirect: "https://a.example/"}, 302, []byte("Found"), map[string]string{"Location": "https://a.example/"}},
		{"permanent redirect", cognitotest.Fault{Redirect: "/x", Status: 308}, 308, []byte("Permanent Redirect"), map[string]string{"Location": "/x"}},
	}
	bothWays(t, func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string) {
		for _, row := range rows {
			pool.SetFault(row.fault)
			res, err := c.Get(url)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
				continue
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			want := row.body
			if want == nil {
				want = pool.KeySet()
			}
			if err != nil || res.StatusCode != row.status || !bytes.Equal(body, want) {
				t.Errorf("%s: %v %s %.80q, want %d %.80q", row.name, err, res.Status, body, row.status, want)
			}
			for name, want := range row.header {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %s %q, want %q", row.name, name, got, want)
				}
			}
		}
		if got := pool.Fetches(); got != len(rows) {
			t.Errorf("%d fetches counted, want %d", got, len(rows))
		}
		pool.SetFault()
		if got := get(t, c, url); !bytes.Equal(got, pool.KeySet()) {
			t.Errorf("healed: %s", got)
		}
	})
}

func TestFaultBreaksConnection(t *testing.T) {
	bothWays(t, func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string) {
		pool.SetFault(cognitotest.Fault{Abort: true})
		if res, err := c.Get(url); err == nil {
			t.Errorf("abort: answer %s", res.Status)
		}

		for name, f := range map[string]cognitotest.Fault{
			"hang":             {Hang: true},
			"delay":            {Delay: time.Hour},
			"drip":             {Drip: time.Hour},
			"drip of an error": {Drip: time.Hour, Status: 500},
		} {
			pool.SetFault(f)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			err := getContext(ctx, c, url)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want %v", name, err, context.DeadlineExceeded)
			}
		}
	})
}

func TestSlowAnswerIsWhole(t *testing.T) {
	const pace = 2 * time.Millisecond
	bothWays(t, func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string) {
		for name, row := range map[string]struct {
			fault cognitotest.Fault
			want  string
			least time.Duration
		}{
			"delay": {cognitotest.Fault{Delay: pace, Body: []byte("whole")}, "whole", pace},
			"drip":  {cognitotest.Fault{Drip: pace, Body: []byte("whole")}, "whole", 5 * pace},
			"both":  {cognitotest.Fault{Delay: pace, Drip: pace, Body: []byte("whole")}, "whole", 6 * pace},
		} {
			pool.SetFault(row.fault)
			start := time.Now()
			if got := get(t, c, url); string(got) != row.want {
				t.Errorf("%s: %q, want %q", name, got, row.want)
			}
			if took := time.Since(start); took < row.least {
				t.Errorf("%s: took %v, want %v at least", name, took, row.least)
			}
		}
	})
}

func TestDripArrivesByteByByte(t *testing.T) {
	bothWays(t, func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string) {
		for _, row := range []struct {
			name  string
			drip  time.Duration
			bytes int
		}{
			{"header before the first byte", time.Hour, 0},
			{"first byte before the last", 20 * time.Millisecond, 1},
		} {
			pool.SetFault(cognitotest.Fault{Drip: row.drip, Body: bytes.Repeat([]byte("x"), 1000)})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if _, err := io.ReadFull(res.Body, make([]byte, row.bytes)); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			cancel()
			res.Body.Close()
		}
	})
}

func TestInBubble(t *testing.T) {
	outside := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	synctest.Test(t, func(t *testing.T) {
		inside := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		// The clock of a bubble begins here.
		if want := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); !inside.Now().Equal(want) {
			t.Errorf("the pool says %v, want %v", inside.Now(), want)
		}
		n := time.Duration(len(inside.KeySet()))
		for _, row := range []struct {
			name  string
			fault cognitotest.Fault
			limit time.Duration
			took  time.Duration
			ok    bool
		}{
			{"healthy", cognitotest.Fault{}, time.Hour, 0, true},
			{"delay", cognitotest.Fault{Delay: 3 * time.Second}, time.Hour, 3 * time.Second, true},
			{"drip", cognitotest.Fault{Drip: time.Second}, time.Hour, n * time.Second, true},
			{"delay and drip", cognitotest.Fault{Delay: time.Minute, Drip: time.Second}, time.Hour, time.Minute + n*time.Second, true},
			{"delay past the limit", cognitotest.Fault{Delay: time.Hour}, time.Minute, time.Minute, false},
			{"drip past the limit", cognitotest.Fault{Drip: time.Hour}, time.Minute, time.Minute, false},
			{"hang", cognitotest.Fault{Hang: true}, time.Minute, time.Minute, false},
			{"broken after a delay", cognitotest.Fault{Abort: true, Delay: time.Second}, time.Minute, time.Second, false},
		} {
			for _, pool := range []*cognitotest.Pool{inside, outside} {
				pool.SetFault(row.fault)
				c := pool.Client()
				c.Timeout = row.limit
				start := time.Now()
				err := getContext(t.Context(), c, pool.JWKSURL())
				if took := time.Since(start); took != row.took || (err == nil) != row.ok {
					t.Errorf("%s: %v after %v, want %v after %v", row.name, err, took, row.ok, row.took)
				}
			}
		}
	})
}

func TestFaultOfOneHost(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	pool.SetFault(
		cognitotest.Fault{Host: "a.example", Status: 500},
		cognitotest.Fault{Host: "b.example:444", Status: 403},
		cognitotest.Fault{Host: "a.example", Status: 400},
	)
	urls := []string{
		"https://a.example/eu-west-1_AbCdEf123/.well-known/jwks.json",
		"https://b.example:444/eu-west-1_AbCdEf123/.well-known/jwks.json",
		"https://b.example/eu-west-1_AbCdEf123/.well-known/jwks.json",
	}
	for i, want := range []int{500, 403, 200} {
		res, err := pool.Client().Get(urls[i])
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: %v, %v, want %d", urls[i], res, err, want)
		}
	}
	if got := pool.Requests(); !reflect.DeepEqual(got, urls) {
		t.Errorf("requests %q, want %q", got, urls)
	}
}

func TestPathsThatAnswer(t *testing.T) {
	bothWays(t, func(t *testing.T, pool *cognitotest.Pool, c *http.Client, url string) {
		base := strings.TrimSuffix(url, "/eu-west-1_AbCdEf123/.well-known/jwks.json")
		if base == url {
			t.Fatalf("key set at %s", url)
		}
		for path, want := range map[string]int{
			"/eu-west-1_AbCdEf123/.well-known/jwks.json":            200,
			"/eu-west-1_AbCdEf123/.well-known/jwks.json?a=b":        200,
			"/eu-west-1_AbCdEf123/.well-known/openid-configuration": 200,
			"/eu-west-1_Other/.well-known/jwks.json":                404,
			"/.well-known/jwks.json":                                404,
			"/eu-west-1_AbCdEf123/":                                 404,
		} {
			res, err := c.Get(base + path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s: %s, want %d", path, res.Status, want)
			}
		}
		if got := pool.Fetches(); got != 4 {
			t.Errorf("%d fetches of a key set counted, want 4", got)
		}

		var doc map[string]any
		if err := json.Unmarshal(get(t, c, strings.Replace(url, "jwks.json", "openid-configuration", 1)), &doc); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"issuer": pool.Issuer(), "jwks_uri": url, "id_token_signing_alg_values_supported": []any{"RS256"}}
		for name, v := range want {
			if !reflect.DeepEqual(doc[name], v) {
				t.Errorf("discovery: %s %v, want %v", name, doc[name], v)
			}
		}
	})
}

func TestClientOfSeveralPools(t *testing.T) {
	a := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_A", InProcess: true})
	b := cognitotest.NewPool(t, cognitotest.Options{ID: "us-east-1_B", InProcess: true})
	c := cognitotest.Client(a, b)
	for _, pool := range []*cognitotest.Pool{a, b} {
		if got := get(t, c, pool.JWKSURL()); !bytes.Equal(got, pool.KeySet()) {
			t.Errorf("key set of %s: %s", pool.ID(), got)
		}
	}
	res, err := c.Get("https://a.example/us-east-1_C/.well-known/jwks.json")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a pool that is none of them: %v, %v", res, err)
	}
	if a.Fetches() != 2 || b.Fetches() != 1 {
		t.Errorf("%d and %d fetches, want 2 and 1", a.Fetches(), b.Fetches())
	}
}

// get returns the body of a 200.
func get(t *testing.T, c *http.Client, url string) []byte {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return body
}

// getContext reads the whole answer.
func getContext(ctx context.Context, c *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	return err
}
