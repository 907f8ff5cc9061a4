// Package keyfetch fetches one key set over HTTPS, from one host or from the
// faster of two. It keeps no state and no connection. When to fetch is for the
// caller to decide.
//
// The limits: one timeout for all hosts, status 200 and nothing else, no
// redirects, no cookies, and a body of at most keyset.MaxBytes. The query of a URL
// may be a secret, as in a presigned URL: no answer and no error has it.
package keyfetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyset"
)

const (
	// DefaultTimeout bounds one fetch, all hosts included, if nobody says otherwise.
	DefaultTimeout = 5 * time.Second
	// SecondHost is how long the first host may be silent before we ask the second.
	SecondHost = time.Second
	// RefreshAge is the age at which a set is fetched anew, give or take 10 %, so
	// that neither a fleet nor the sets of many pools march in step. A smaller
	// max-age of the answer counts instead, but none below minMaxAge; for the same
	// reason it is cut by up to 10 %.
	RefreshAge = time.Hour

	minMaxAge     = 5 * time.Minute
	maxMaxAge     = 24 * time.Hour
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// Answer is what one host, or all hosts together, had to say.
type Answer struct {
	Set        *keyset.Set   // nil: there is an Err
	RefreshAge time.Duration // the age at which Set is to be fetched anew
	URL        string        // where the answer comes from, as Shown
	Err        error
	RetryAfter time.Duration // what a host asked for that did not give a set; 0: nothing
}

// StatusError is the status of a host that answered with another one than 200.
type StatusError int

func (e StatusError) Error() string {
	return fmt.Sprintf("status %d, expected 200; redirects are not followed", int(e))
}

// Client returns the client that fetches, made of the one given, which may be
// nil. A copy of it follows no redirect and sends no cookie. It gives up after
// timeout, or after its own Timeout if that is shorter.
func Client(given *http.Client, timeout time.Duration) *http.Client {
	c := http.Client{Transport: transport}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	if c.Timeout <= 0 || c.Timeout > timeout {
		c.Timeout = timeout
	}
	return &c
}

// transport keeps no connection, and so no goroutine, between fetches: they are an
// hour apart.
var transport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DisableKeepAlives:      true,
	TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	MaxResponseHeaderBytes: 64 << 10,
}

// Fetch asks the hosts, one or two, for timeout at most. The first good answer
// wins. We ask the second host when the first has failed or was silent for
// SecondHost. A failure of the second host does not count: 403 there says that the
// pool keeps its original issuer. A panic of the client is an Err.
func Fetch(client *http.Client, urls []string, timeout time.Duration) (best Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	defer func() { best.URL = Shown(best.URL) }()
	answers := make(chan Answer, len(urls))
	ask := func(url string) { go func() { answers <- get(ctx, client, url) }() }
	ask(urls[0])
	waiting, rest := 1, urls[1:]
	late := time.NewTimer(SecondHost)
	defer late.Stop()
	var first Answer
	for waiting > 0 {
		var got Answer
		select {
		case got = <-answers:
			waiting--
		case <-late.C:
		case <-ctx.Done():
			// A transport that ignores its context must not hold up the caller.
			if first.URL != urls[0] {
				first = Answer{URL: urls[0], Err: fmt.Errorf("GET %s: no answer within %s", Shown(urls[0]), timeout)}
			}
			return first
		}
		switch {
		case got.Set != nil:
			return got
		case got.URL == urls[0]:
			first = got
		}
		for _, url := range rest {
			ask(url)
			waiting++
		}
		rest = nil
	}
	return first
}

// get asks one host.
func get(ctx context.Context, client *http.Client, url string) (got Answer) {
	defer func() {
		if p := recover(); p != nil {
			got = Answer{URL: url, Err: fmt.Errorf("GET %s: the client panicked (%T)", Shown(url), p)}
		}
	}()
	fail := func(format string, args ...any) Answer {
		return Answer{URL: url, RetryAfter: got.RetryAfter, Err: hideQuery(url, fmt.Errorf("GET %s: %w", Shown(url), fmt.Errorf(format, args...)))}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	// mutant: equivalent, New has parsed the URL
	if err != nil {
		return fail("%w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "cognitoauth")
	resp, err := client.Do(req)
	if err != nil {
		return Answer{URL: url, Err: hideQuery(url, err)} // a *url.Error, which names the URL
	}
	defer resp.Body.Close()
	got.RetryAfter = retryAfter(resp.Header)
	if resp.StatusCode != http.StatusOK {
		return fail("%w", StatusError(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, keyset.MaxBytes+1))
	if err != nil {
		return fail("%w", err)
	}
	set, err := keyset.Parse(body)
	if err != nil {
		return fail("%w", err)
	}
	return Answer{Set: set, RefreshAge: refreshAge(resp.Header), URL: url}
}

// retryAfter is Retry-After in seconds, 0 if there is none. We ignore a date: it
// depends on two clocks.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	// With ErrRange n is the largest number there is.
	return max(time.Duration(min(n, uint64(maxRetryAfter/time.Second)))*time.Second, minRetryAfter)
}

// refreshAge is the age at which a set with this header is fetched anew.
func refreshAge(h http.Header) time.Duration {
	age := RefreshAge*9/10 + rand.N(RefreshAge/5)
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && strings.EqualFold(name, "max-age") {
			asked := time.Duration(min(n, int(maxMaxAge/time.Second))) * time.Second
			asked = max(asked, minMaxAge)
			age = min(age, asked-rand.N(asked/10))
		}
	}
	return age
}
