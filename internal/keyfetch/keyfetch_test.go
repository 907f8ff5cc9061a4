package keyfetch_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
)

const (
	first  = "https://first.example/jwks.json"
	second = "https://second.example/jwks.json"

	// keys is a key set with the key of RFC 7517, appendix A.1.
	keys = `{"keys":[{"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"` +
		"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W" +
		"-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdk" +
		`t-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]}`
)

var errNetwork = errors.New("no route to host")

// host is how one host answers. The zero value answers at once with keys.
type host struct {
	after  time.Duration // how long it takes, until the request is given up
	status int           // 200 by default
	header http.Header
	body   string // keys by default
	err    error  // instead of an answer
	panics any    // instead of an answer
	deaf   bool   // it answers when the test ends, and ignores the context
}

func (h host) answer(r *http.Request, end <-chan struct{}) (*http.Response, error) {
	if h.deaf {
		<-end
	}
	select {
	case <-time.After(h.after):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if h.panics != nil {
		panic(h.panics)
	}
	if h.err != nil {
		return nil, h.err
	}
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if h.body == "" {
		h.body = keys
	}
	if h.header == nil {
		h.header = http.Header{}
	}
	return &http.Response{StatusCode: h.status, Header: h.header, Body: io.NopCloser(strings.NewReader(h.body)), Request: r}, nil
}

// network answers for the hosts by their URLs, and notes when each was asked.
type network struct {
	hosts map[string]host
	begin time.Time
	asked chan ask
	end   chan struct{} // closed when the test ends
	busy  atomic.Int32  // how many hosts have not answered yet
}

type ask struct {
	url   string
	after time.Duration
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.asked <- ask{r.URL.String(), time.Since(n.begin)}
	n.busy.Add(1)
	defer n.busy.Add(-1)
	return n.hosts[r.URL.String()].answer(r, n.end)
}

// outcome is what a fetch came to, in virtual time.
type outcome struct {
	keyfetch.Answer
	took  time.Duration
	asked map[string]time.Duration // when each host was asked
}

// fetch asks the first host, and the second if there is one.
func fetch(t *testing.T, hosts ...host) (o outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{hosts: map[string]host{}, begin: time.Now(), asked: make(chan ask, 10), end: make(chan struct{})}
		urls := []string{first, second}[:len(hosts)]
		for i, h := range hosts {
			n.hosts[urls[i]] = h
		}
		o.Answer = keyfetch.Fetch(keyfetch.Client(&http.Client{Transport: n}, keyfetch.DefaultTimeout), urls, keyfetch.DefaultTimeout)
		o.took = time.Since(n.begin)
		synctest.Wait()
		if busy := n.busy.Load(); busy > 0 && !slices.ContainsFunc(hosts, func(h host) bool { return h.deaf }) {
			t.Errorf("Fetch has returned and left %d requests running", busy)
		}
		close(n.end) // every goroutine has to leave the bubble
		// After a panic, net/http leaves a goroutine until the timeout.
		time.Sleep(keyfetch.DefaultTimeout)
		synctest.Wait()
		close(n.asked)
		o.asked = map[string]time.Duration{}
		for a := range n.asked {
			if _, twice := o.asked[a.url]; twice {
				t.Errorf("%s was asked twice", a.url)
			}
			o.asked[a.url] = a.after
		}
	})
	if (o.Set == nil) != (o.Err != nil) {
		t.Errorf("a set: %v, an error: %v; expected one of them", o.Set != nil, o.Err)
	}
	if o.Set != nil && o.Set.Find("2011-04-29") == nil {
		t.Error("another set than the one that was sent")
	}
	return o
}

// won checks that url gave the set, after that time.
func (o outcome) won(t *testing.T, url string, took time.Duration) {
	t.Helper()
	if o.Err != nil || o.URL != url || o.took != took {
		t.Errorf("%s after %s, %v; expected %s after %s", o.URL, o.took, o.Err, url, took)
	}
}

// failed checks that all failed after that time, with the failure of the first
// host, and that its text has the text in it.
func (o outcome) failed(t *testing.T, took time.Duration, text string) {
	t.Helper()
	if o.Err == nil || o.URL != first || o.took != took || !strings.Contains(o.Err.Error(), text) || !strings.Contains(o.Err.Error(), first) {
		t.Errorf("%s after %s, %v; expected %s and %q after %s", o.URL, o.took, o.Err, first, text, took)
	}
}

// askedSecond checks when the second host was asked, negative: never.
func (o outcome) askedSecond(t *testing.T, want time.Duration) {
	t.Helper()
	got, ok := o.asked[second]
	if ok != (want >= 0) || ok && got != want {
		t.Errorf("the second host was asked: %v, after %s; expected after %s", ok, got, want)
	}
}

func TestFetch_oneHost(t *testing.T) {
	fetch(t, host{}).won(t, first, 0)
	fetch(t, host{after: 4 * time.Second}).won(t, first, 4*time.Second)
	fetch(t, host{err: errNetwork}).failed(t, 0, errNetwork.Error())
	fetch(t, host{after: time.Minute}).failed(t, 5*time.Second, "")
}

func TestFetch_twoHosts(t *testing.T) {
	// The second host is not asked while the first is still in time.
	o := fetch(t, host{after: 999 * time.Millisecond}, host{})
	o.won(t, first, 999*time.Millisecond)
	o.askedSecond(t, -1)

	o = fetch(t, host{after: 3 * time.Second}, host{after: 200 * time.Millisecond})
	o.won(t, second, 1200*time.Millisecond)
	o.askedSecond(t, time.Second)

	o = fetch(t, host{after: 3 * time.Second}, host{after: 3 * time.Second})
	o.won(t, first, 3*time.Second)
	o.askedSecond(t, time.Second)

	// A failure of the first is not waited out.
	o = fetch(t, host{after: 100 * time.Millisecond, status: 500}, host{after: 50 * time.Millisecond})
	o.won(t, second, 150*time.Millisecond)
	o.askedSecond(t, 100*time.Millisecond)

	// A failure of the second host is neither the end nor the answer: 403 says
	// that the pool keeps its original issuer.
	o = fetch(t, host{after: 3 * time.Second}, host{status: 403})
	o.won(t, first, 3*time.Second)
	fetch(t, host{after: 3 * time.Second, status: 503}, host{status: 403}).failed(t, 3*time.Second, "503")
	fetch(t, host{status: 503}, host{after: 2 * time.Second, status: 403}).failed(t, 2*time.Second, "503")

	// One timeout for both.
	fetch(t, host{after: time.Minute}, host{after: time.Minute}).failed(t, 5*time.Second, "")
	fetch(t, host{after: time.Minute}, host{after: 3 * time.Second}).won(t, second, 4*time.Second)
	fetch(t, host{status: 500}, host{after: time.Minute}).failed(t, 5*time.Second, "500")
}

func TestFetch_badAnswers(t *testing.T) {
	const maxBytes = 256 << 10
	pad := func(n int) string { return keys + strings.Repeat(" ", n-len(keys)) }
	for name, h := range map[string]host{
		"no content":            {status: 204},
		"another success":       {status: 203},
		"partial content":       {status: 206},
		"a redirect":            {status: 302, header: http.Header{"Location": {second}}},
		"not found":             {status: 404},
		"a server error":        {status: 500},
		"no JSON":               {body: "<html>"},
		"no usable key":         {body: `{"keys":[]}`},
		"cut off":               {body: keys[:len(keys)-1]},
		"256 KiB and a byte":    {body: pad(maxBytes + 1)},
		"1 MiB":                 {body: pad(1 << 20)},
		"a panic":               {panics: "token"},
		"a panic with an error": {panics: errNetwork},
	} {
		if o := fetch(t, h); o.Err == nil || o.URL != first || o.RefreshAge != 0 {
			t.Errorf("%s: %v, %s, %s", name, o.Err, o.URL, o.RefreshAge)
		}
		fetch(t, h, host{after: time.Second}).won(t, second, time.Second)
	}
	fetch(t, host{body: pad(maxBytes)}).won(t, first, 0)
	// What the client panics with may be a secret.
	if o := fetch(t, host{panics: "token"}); strings.Contains(o.Err.Error(), "token") {
		t.Errorf("%v", o.Err)
	}
}

// A transport that ignores its context does not hold up the caller.
func TestFetch_deafTransport(t *testing.T) {
	fetch(t, host{deaf: true}).failed(t, 5*time.Second, "5s")
	fetch(t, host{deaf: true}, host{deaf: true}).failed(t, 5*time.Second, "5s")
	fetch(t, host{deaf: true}, host{}).won(t, second, time.Second)
	fetch(t, host{status: 500}, host{deaf: true}).failed(t, 5*time.Second, "500")
}

// The caller says how long a fetch may take, all hosts together.
func TestFetch_timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{hosts: map[string]host{first: {after: time.Minute}, second: {after: time.Minute}}, begin: time.Now(), asked: make(chan ask, 10)}
		got := keyfetch.Fetch(keyfetch.Client(&http.Client{Transport: n}, time.Minute), []string{first, second}, 1500*time.Millisecond)
		if took := time.Since(n.begin); got.Err == nil || got.Set != nil || took != 1500*time.Millisecond {
			t.Errorf("%v after %s", got.Err, took)
		}
	})
}

// RFC 9110, section 10.2.3: Retry-After in seconds. We ignore a date.
func TestFetch_retryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "x": 0, "-1": 0, "1.5": 0, "+5": 0, " ": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
		"0": time.Second, "1": time.Second, "120": 2 * time.Minute, "3600": time.Hour, "3601": time.Hour, "9223372036854775807": time.Hour, "99999999999999999999999": time.Hour,
	} {
		header := http.Header{"Retry-After": {value}}
		if o := fetch(t, host{status: 503, header: header}); o.RetryAfter != want {
			t.Errorf("Retry-After %q: %s, expected %s", value, o.RetryAfter, want)
		}
		// It counts for every answer without a set, and for none with one.
		if o := fetch(t, host{body: "{}", header: header}); o.RetryAfter != want {
			t.Errorf("Retry-After %q with a bad set: %s, expected %s", value, o.RetryAfter, want)
		}
		if o := fetch(t, host{header: header}); o.Set == nil || o.RetryAfter != 0 {
			t.Errorf("Retry-After %q with a set: %s, %v", value, o.RetryAfter, o.Err)
		}
		// What the second host asks for does not count either.
		if o := fetch(t, host{status: 500}, host{status: 503, header: header}); o.RetryAfter != 0 {
			t.Errorf("Retry-After %q of the second host: %s", value, o.RetryAfter)
		}
	}
}

// RFC 9111, section 5.2: an hour, give or take 10 %, unless max-age is smaller. That
// is cut by up to 10 %.
func TestFetch_refreshAge(t *testing.T) {
	const least, most = 54 * time.Minute, 66 * time.Minute
	for value, want := range map[string]time.Duration{
		"max-age=1800": 30 * time.Minute, "public, max-age=600, must-revalidate": 10 * time.Minute, "Max-Age=1800": 30 * time.Minute, "max-age=1800,max-age=600": 10 * time.Minute,
		"max-age=0": 5 * time.Minute, "max-age=299": 5 * time.Minute, "max-age=301": 301 * time.Second,
		// 0: an hour, give or take 10 %.
		"": 0, "no-store": 0, "max-age": 0, "max-age=": 0, "max-age=x": 0, "max-age=-1": 0, "s-maxage=600": 0, "x-max-age=600": 0, "max-age=86400": 0, "max-age=99999999999": 0, "max-age=9223372036854775807": 0, "max-age=99999999999999999999": 0,
	} {
		o := fetch(t, host{header: http.Header{"Cache-Control": {value}}})
		if want != 0 && (o.RefreshAge <= want*9/10 || o.RefreshAge > want) || want == 0 && (o.RefreshAge < least || o.RefreshAge > most) {
			t.Errorf("Cache-Control %q: %s, expected %s", value, o.RefreshAge, want)
		}
	}
	// Neither a fleet nor many pools march in step.
	for _, value := range []string{"", "max-age=600"} {
		ages := map[time.Duration]bool{}
		for range 20 {
			ages[fetch(t, host{header: http.Header{"Cache-Control": {value}}}).RefreshAge] = true
		}
		if len(ages) < 2 {
			t.Errorf("20 fetches with Cache-Control %q have the same refresh age", value)
		}
	}
}

func TestClient(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	given := &http.Client{Timeout: time.Hour, Jar: jar, Transport: http.DefaultTransport}
	c := keyfetch.Client(given, keyfetch.DefaultTimeout)
	if c.Timeout != 5*time.Second || c.Jar != nil || c.Transport != given.Transport || c.CheckRedirect == nil {
		t.Errorf("%+v", c)
	}
	if given.Timeout != time.Hour || given.Jar == nil || given.CheckRedirect != nil {
		t.Errorf("the client that was given was changed: %+v", given)
	}
	if c := keyfetch.Client(nil, keyfetch.DefaultTimeout); c.Timeout != 5*time.Second || c.Transport == nil || c.Transport == http.DefaultTransport {
		t.Errorf("without a client: %+v", c)
	}
}

// A real server, and a client with cookies that would follow redirects.
func TestFetch_server(t *testing.T) {
	var followed atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Accept") != "application/json" || r.Header.Get("User-Agent") != "cognitoauth" || len(r.Cookies()) > 0 {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "set", Value: "1"})
		_, _ = io.WriteString(w, keys)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/target", http.StatusFound) })
	mux.HandleFunc("/target", func(w http.ResponseWriter, _ *http.Request) {
		followed.Store(true)
		_, _ = io.WriteString(w, keys)
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, keys)
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	address, _ := url.Parse(server.URL)
	jar.SetCookies(address, []*http.Cookie{{Name: "session", Value: "secret"}})
	given := server.Client()
	given.Jar = jar

	for range 2 { // the second time, a cookie was set
		if got := keyfetch.Fetch(keyfetch.Client(given, keyfetch.DefaultTimeout), []string{server.URL + "/keys"}, keyfetch.DefaultTimeout); got.Err != nil {
			t.Error(got.Err)
		}
	}
	if got := jar.Cookies(address); len(got) != 1 {
		t.Errorf("the jar has %v", got)
	}
	got := keyfetch.Fetch(keyfetch.Client(given, keyfetch.DefaultTimeout), []string{server.URL + "/moved"}, keyfetch.DefaultTimeout)
	if got.Err == nil || !strings.Contains(got.Err.Error(), "302") || followed.Load() {
		t.Errorf("a redirect: %v, followed: %v", got.Err, followed.Load())
	}
	if got := keyfetch.Fetch(keyfetch.Client(given, keyfetch.DefaultTimeout), []string{server.URL + "/short"}, keyfetch.DefaultTimeout); got.Err == nil {
		t.Error("a body that ends too early is accepted")
	}
	// Without a client of the caller's, the certificate has to be good.
	if got := keyfetch.Fetch(keyfetch.Client(nil, keyfetch.DefaultTimeout), []string{server.URL + "/keys"}, keyfetch.DefaultTimeout); got.Err == nil {
		t.Error("a certificate that nobody has signed is accepted")
	}
}
