package cognitoauth_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
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
)

// The numbers of the key cache, as they are promised. They are written out once
// more because a test that read them from the code would follow any change.
const (
	floorAfterSuccess = 10 * time.Second
	updatedHostAfter  = time.Second
	longestWait       = 3 * time.Second
	longestFetch      = 5 * time.Second
	hardLimit         = 24 * time.Hour
	earliestRefresh   = 54 * time.Minute
	latestRefresh     = 66 * time.Minute
	largestKeySet     = 256 << 10
)

// pastEpoch takes a bubble, which begins in the year 2000, past the start of this
// process. Before that, times that are reckoned from there are negative, and one
// that should be too large overflows into something harmless.
const pastEpoch = 100 * 365 * 24 * time.Hour

// keyLab is a middleware in front of a handler that answers 200, the pool whose
// tokens it takes, and the wire between the two. When the test ends it prints
// what the client saw.
type keyLab struct {
	*testing.T
	pool *cognitotest.Pool
	auth *cognitoauth.Middleware
	door http.Handler
	wire *keyWire
	log  *keyLog

	mu      sync.Mutex
	forged  string // payload and signature of the strangers of a while
	expiry  time.Time
	saw     map[string]int
	slowest time.Duration
}

// newKeyLab makes a lab within the process, so that it can live in a bubble. Its
// pool has one key host, unless change clears JWKSURL.
func newKeyLab(t *testing.T, change ...func(*cognitoauth.Config)) *keyLab {
	t.Helper()
	l := &keyLab{T: t, saw: map[string]int{}, log: &keyLog{}}
	l.pool = cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	l.wire = &keyWire{next: l.pool.Client().Transport}
	cfg := l.pool.Config()
	cfg.HTTPClient = &http.Client{Transport: l.wire}
	cfg.Logger = slog.New(l.log)
	cfg.Pools[0].JWKSURL = l.pool.JWKSURL()
	for _, f := range change {
		f(&cfg)
	}
	l.open(cfg)
	return l
}

func (l *keyLab) open(cfg cognitoauth.Config) {
	l.Helper()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		l.Fatal(err)
	}
	l.auth = auth
	l.door = auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	l.Cleanup(func() {
		if len(l.saw) == 0 {
			return
		}
		var fetches, failures int
		for _, s := range auth.Status() {
			fetches, failures = fetches+s.Fetches, failures+s.Failures
		}
		l.Logf("client saw %v; fetches: %d, of which failed: %d; slowest waited %s", l.saw, fetches, failures, l.slowest)
	})
}

// twoHosts leaves the original and the updated host of the pool to be asked.
func twoHosts(cfg *cognitoauth.Config) { cfg.Pools[0].JWKSURL = "" }

// keyAnswer is what a client saw.
type keyAnswer struct {
	verdict string // "200", or status and code
	retry   time.Duration
	waited  time.Duration
}

func (l *keyLab) send(token string) keyAnswer { return l.sendCtx(context.Background(), token) }

// sendCtx sends one request and checks what holds for every answer: a 503 names
// a time to come back within a minute and challenges nobody, a 401 challenges
// and names no time.
func (l *keyLab) sendCtx(ctx context.Context, token string) keyAnswer {
	r := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, Header: http.Header{"Authorization": {"Bearer " + token}}}
	w := httptest.NewRecorder()
	began := time.Now()
	l.door.ServeHTTP(w, r.WithContext(ctx))
	got := keyAnswer{verdict: strconv.Itoa(w.Code), waited: time.Since(began)}
	if w.Code != http.StatusOK {
		_, code, _ := strings.Cut(w.Body.String(), `"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		got.verdict += " " + code
	}
	seconds, _ := strconv.Atoi(w.Header().Get("Retry-After"))
	got.retry = time.Duration(seconds) * time.Second
	challenge := w.Header().Get("WWW-Authenticate")
	switch {
	case w.Code == http.StatusServiceUnavailable && (got.retry < time.Second || got.retry > time.Minute || challenge != ""):
		l.Errorf("503 with Retry-After %q, challenge %q; want 1 to 60 and none", w.Header().Get("Retry-After"), challenge)
	case w.Code == http.StatusUnauthorized && (got.retry != 0 || challenge == ""):
		l.Errorf("401 with Retry-After %q, challenge %q; want none and one", w.Header().Get("Retry-After"), challenge)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saw[got.verdict]++
	l.slowest = max(l.slowest, got.waited)
	return got
}

const (
	okay        = "200"
	unknownKey  = "401 key_unknown"
	badSig      = "401 signature_invalid"
	unavailable = "503 keys_unavailable"
)

// want sends a token and demands a verdict, reached without waiting.
func (l *keyLab) want(when, token, verdict string) keyAnswer {
	l.Helper()
	return l.wantAfter(0, when, token, verdict)
}

// wantAfter sends a token and demands a verdict that comes after exactly this
// time.
func (l *keyLab) wantAfter(wait time.Duration, when, token, verdict string) keyAnswer {
	l.Helper()
	got := l.send(token)
	if got.verdict != verdict || got.waited != wait {
		l.Errorf("%s: %s after %s, want %s after %s", when, got.verdict, got.waited, verdict, wait)
	}
	return got
}

// crowd sends the token n times at once and returns how often each verdict came.
func (l *keyLab) crowd(n int, token string) map[string]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for range n {
		all.Go(func() {
			got := l.send(token)
			mu.Lock()
			defer mu.Unlock()
			count[got.verdict]++
		})
	}
	all.Wait()
	return count
}

func (l *keyLab) wantCrowd(when string, got map[string]int, want map[string]int) {
	l.Helper()
	if !maps.Equal(got, want) {
		l.Errorf("%s: %v, want %v", when, got, want)
	}
}

func (l *keyLab) status() cognitoauth.PoolStatus { return l.auth.Status()[0] }

func (l *keyLab) wantFetches(when string, want int) {
	l.Helper()
	if got := l.status().Fetches; got != want {
		l.Errorf("%s: %d fetches, want %d", when, got, want)
	}
}

// token is a fresh token of a user, good for an hour.
func (l *keyLab) token() string { return l.pool.AccessToken().String() }

// stranger is a token that is good but for its kid and signature, and cheap.
func (l *keyLab) stranger(kid string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().After(l.expiry) {
		parts := strings.Split(l.pool.AccessToken().ExpiresIn(23*time.Hour).String(), ".")
		l.forged, l.expiry = "."+parts[1]+"."+parts[2], time.Now().Add(23*time.Hour)
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": kid})
	if err != nil {
		l.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(header) + l.forged
}

// warm fetches the keys and lets the floor pass.
func (l *keyLab) warm() {
	l.Helper()
	l.want("warming up", l.token(), okay)
	l.wantFetches("warming up", 1)
	time.Sleep(floorAfterSuccess)
}

// keyWire is the way to the key endpoint. It keeps the time and host of each
// request; do, if set, answers in place of the pool.
type keyWire struct {
	next http.RoundTripper

	mu    sync.Mutex
	do    func(*http.Request) (*http.Response, error)
	times []time.Time
	hosts []string
}

func (w *keyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.times = append(w.times, time.Now())
	w.hosts = append(w.hosts, r.URL.Host)
	do := w.do
	w.mu.Unlock()
	if do == nil {
		do = w.next.RoundTrip
	}
	return do(r)
}

func (w *keyWire) answer(do func(*http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.do = do
}

// asked returns when which hosts were asked, and forgets it.
func (w *keyWire) asked() (times []time.Time, hosts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	times, hosts = w.times, w.hosts
	w.times, w.hosts = nil, nil
	return times, hosts
}

// keyLog keeps the log records about key sets, as lines of level, message and
// attributes.
type keyLog struct {
	attrs []slog.Attr
	lines *keyLines
	once  sync.Once
}

type keyLines struct {
	sync.Mutex
	all []string
}

func (h *keyLog) shared() *keyLines {
	h.once.Do(func() {
		if h.lines == nil {
			h.lines = &keyLines{}
		}
	})
	return h.lines
}

func (h *keyLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *keyLog) WithGroup(string) slog.Handler            { return h }
func (h *keyLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keyLog{attrs: slices.Concat(h.attrs, attrs), lines: h.shared()}
}

func (h *keyLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "cognitoauth: refused" {
		return nil
	}
	line := r.Level.String() + " " + r.Message
	for _, a := range h.attrs {
		line += " " + a.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	lines := h.shared()
	lines.Lock()
	defer lines.Unlock()
	lines.all = append(lines.all, line)
	return nil
}

// taken returns the records so far and forgets them.
func (h *keyLog) taken() []string {
	lines := h.shared()
	lines.Lock()
	defer lines.Unlock()
	all := lines.all
	lines.all = nil
	return all
}

// keyCase is a test that runs in a bubble of its own, with a lab of its own.
type keyCase struct {
	name string
	run  func(*keyLab)
}

// inBubble runs f in virtual time. The bubble does not end well while there are
// goroutines left: five seconds after the last request there must be none.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(longestFetch)
	})
}

func runKeyCases(t *testing.T, cases []keyCase, change ...func(*cognitoauth.Config)) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) { c.run(newKeyLab(t, change...)) })
		})
	}
}

func retryAfterOf(n int) http.Header { return http.Header{"Retry-After": {strconv.Itoa(n)}} }

func answerOf(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: -1}
}

// jwkOf is a public key as a JWK, with Cognito's members.
func jwkOf(kid string, key *rsa.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":"%s","e":"AQAB"}`, kid, base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
}

func keysOf(jwks ...string) []byte { return []byte(`{"keys":[` + strings.Join(jwks, ",") + `]}`) }

// TestKeyCacheConformance are the cases that any cache in front of a Cognito key
// set has to get right.
func TestKeyCacheConformance(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"J1 a thousand cold requests share one fetch", (*keyLab).coldCrowd},
		{"J2 a known kid fetches nothing", (*keyLab).knownKid},
		{"J3 a new kid fetches once and is accepted", (*keyLab).newKid},
		{"J4 ten thousand random kids fetch once per floor", (*keyLab).randomKids},
		{"J5 a random kid just before a rotation locks out for the floor at most", (*keyLab).lockOut},
		{"J6 an endpoint that is down from the start is left alone for ever longer", (*keyLab).downFromStart},
		{"J7 an endpoint that is down does not touch known keys", (*keyLab).downWarm},
		{"J8 beyond the hard limit everything is 503", (*keyLab).downForever},
		{"J9 a withdrawn key is refused after the refresh", (*keyLab).withdrawn},
		{"J10 new material under an old kid replaces the old", (*keyLab).newMaterial},
		{"J11 Retry-After of whatever status is honoured", (*keyLab).retryAfter},
		{"J12 a redirect is not followed", (*keyLab).redirected},
		{"J13 a body of 64 MiB is cut off at the cap", (*keyLab).hugeBody},
		{"J14 a document without keys does not replace the set", (*keyLab).emptySets},
		{"J15 a caller's deadline ends its wait and not the fetch", (*keyLab).callerDeadline},
		{"J16 a caller that cancels takes nobody with it", (*keyLab).callerCancels},
		{"J20 a clock that jumps changes the same things every time", (*keyLab).jumpingClock},
		{"J21 a static key set needs no network", (*keyLab).staticSet},
		{"J22 refreshes beside requests are no race", (*keyLab).refreshBesideRequests},
	})
	runKeyCases(t, []keyCase{{"J17 the second issuer form is no second budget", (*keyLab).secondIssuer}}, twoHosts)
	t.Run("J18 of two pools one is down", func(t *testing.T) { inBubble(t, testTwoPools) })
	t.Run("J19 max-age counts within bounds", testMaxAge)
}

func (l *keyLab) coldCrowd() {
	l.pool.SetFault(cognitotest.Fault{Delay: 200 * time.Millisecond})
	l.wantCrowd("cold", l.crowd(1000, l.token()), map[string]int{okay: 1000})
	l.wantFetches("cold", 1)
	if l.slowest != 200*time.Millisecond {
		l.Errorf("the slowest waited %s, want the 200 ms of the fetch", l.slowest)
	}
}

func (l *keyLab) knownKid() {
	l.warm()
	for range 10 {
		l.want("warm", l.token(), okay)
		l.want("warm, the other key", l.pool.MachineToken().String(), okay)
		time.Sleep(5 * time.Minute)
	}
	l.wantFetches("within the refresh age", 1)
}

func (l *keyLab) newKid() {
	l.warm()
	l.pool.Rotate()
	l.pool.SetFault(cognitotest.Fault{Delay: 300 * time.Millisecond})
	l.wantAfter(300*time.Millisecond, "rotated", l.token(), okay)
	l.want("again", l.token(), okay)
	l.wantFetches("rotated", 2)
}

func (l *keyLab) randomKids() {
	l.warm()
	known, began := l.token(), time.Now()
	for i := range 10_000 {
		if got := l.send(l.stranger(strconv.Itoa(i))); got.verdict != unknownKey || got.waited != 0 {
			l.Fatalf("random kid %d: %v", i, got)
		}
		if i%100 == 0 {
			l.want("known kid in between", known, okay)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if most := 2 + int(time.Since(began)/floorAfterSuccess); l.status().Fetches > most {
		l.Errorf("%d fetches in %s, want at most %d", l.status().Fetches, time.Since(began), most)
	}
	if ids := l.status().KeyIDs; len(ids) != 2 {
		l.Errorf("%d keys are kept, want the pool's 2", len(ids))
	}
}

func (l *keyLab) lockOut() {
	l.warm()
	l.want("random kid", l.stranger("random"), unknownKey)
	l.pool.Rotate()
	l.want("new key inside the floor", l.token(), unknownKey)
	time.Sleep(floorAfterSuccess - time.Nanosecond)
	l.want("new key at the end of the floor", l.token(), unknownKey)
	l.wantFetches("inside the floor", 2)
	time.Sleep(time.Nanosecond)
	l.want("new key after the floor", l.token(), okay)
	l.wantFetches("after the floor", 3)
}

// downFromStart asks every 100 ms for ten minutes.
func (l *keyLab) downFromStart() {
	l.pool.SetFault(cognitotest.Fault{Abort: true})
	token := l.token()
	for range 10 * 60 * 10 {
		if got := l.send(token); got.verdict != unavailable || got.waited != 0 {
			l.Fatalf("endpoint down: %v, want an immediate %s", got, unavailable)
		}
		time.Sleep(100 * time.Millisecond)
	}
	times, _ := l.wire.asked()
	wantBackoff(l.T, times)
	if len(times) < 12 {
		l.Errorf("%d fetches in ten minutes, want one a minute at least", len(times))
	}
	l.pool.SetFault()
	time.Sleep(time.Minute)
	l.want("healed", token, okay)
}

// wantBackoff holds the gaps between failed fetches against 1 s doubling to
// 60 s, a quarter to either side. They are seen through requests every 100 ms.
func wantBackoff(t *testing.T, times []time.Time) {
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

func (l *keyLab) downWarm() {
	l.warm()
	l.pool.SetFault(cognitotest.Fault{Status: 500})
	for time.Sleep(time.Hour); l.status().Age < hardLimit-time.Hour; time.Sleep(time.Hour) {
		l.want("down, known kid", l.token(), okay)
	}
	time.Sleep(hardLimit - l.status().Age)
	l.want("down, at the hard limit", l.token(), okay)
	synctest.Wait()
	if s := l.status(); s.Fetches < 20 || s.Failures != s.Fetches-1 || s.Err == nil {
		l.Errorf("%d fetches, %d failed, last error %v; want one an hour, all but the first failed", s.Fetches, s.Failures, s.Err)
	}
}

func (l *keyLab) downForever() {
	l.warm()
	l.pool.SetFault(cognitotest.Fault{Status: 500})
	time.Sleep(hardLimit - l.status().Age + time.Nanosecond)
	l.want("first request past the hard limit", l.token(), unavailable)
	l.want("the next one, while no fetch may begin", l.token(), unavailable)
	l.want("a random kid", l.stranger("random"), unavailable)
	l.wantFetches("past the hard limit", 2)
	if s := l.status(); len(s.KeyIDs) != 0 || s.Fetched.IsZero() {
		l.Errorf("status past the hard limit: kids %q, fetched %v; want no kid, and when the set was fetched", s.KeyIDs, s.Fetched)
	}
	if err := l.auth.Ready(context.Background()); !errors.Is(err, cognitoauth.ErrUnavailable) {
		l.Errorf("Ready past the hard limit: %v, want ErrUnavailable", err)
	}
	l.pool.SetFault()
	time.Sleep(2 * time.Second)
	l.want("healed", l.token(), okay)
}

func (l *keyLab) withdrawn() {
	old := l.pool.AccessToken().ExpiresIn(20 * time.Hour).String()
	l.warm()
	l.pool.Rotate()
	time.Sleep(latestRefresh)
	l.pool.SetFault(cognitotest.Fault{Delay: time.Second}) // or it may end before the request does
	l.want("the request that starts the refresh", old, okay)
	time.Sleep(time.Second)
	synctest.Wait()
	l.want("after the refresh", old, unknownKey)
	l.want("the new key", l.token(), okay)
	l.wantFetches("after the refresh", 2)
}

func (l *keyLab) newMaterial() {
	token := l.pool.AccessToken().ExpiresIn(20 * time.Hour)
	other := cognitotest.NewPool(l.T, cognitotest.Options{InProcess: true}).AccessToken().Key()
	l.want("first", token.String(), okay)
	l.want("other material before it is published", token.SignedBy(other).String(), badSig)
	l.pool.SetFault(cognitotest.Fault{Body: keysOf(jwkOf(token.KeyID(), other)), Delay: time.Second}) // or it may end before the request does
	time.Sleep(latestRefresh)
	l.want("the request that starts the refresh", token.String(), okay)
	time.Sleep(time.Second)
	synctest.Wait()
	l.want("old material after the refresh", token.String(), badSig)
	l.want("new material after the refresh", token.SignedBy(other).String(), okay)
}

func (l *keyLab) retryAfter() {
	for _, status := range []int{403, 404, 429, 500, 503, 200, 302} {
		l.pool.SetFault(cognitotest.Fault{Status: status, Body: []byte("{}"), Header: retryAfterOf(30)})
		before := l.status().Fetches
		if got := l.want("faulty", l.token(), unavailable); got.retry != 30*time.Second {
			l.Errorf("status %d: the client is told to come back in %s, want the endpoint's 30 s", status, got.retry)
		}
		time.Sleep(20 * time.Second)
		if got := l.want("20 s later", l.token(), unavailable); got.retry != 10*time.Second {
			l.Errorf("status %d: 20 s later the client is told to come back in %s, want 10 s", status, got.retry)
		}
		time.Sleep(10*time.Second - time.Nanosecond)
		l.want("just before", l.token(), unavailable)
		l.wantFetches(strconv.Itoa(status), before+1)
		time.Sleep(time.Nanosecond)
	}
	l.pool.SetFault()
	l.want("healed", l.token(), okay)
}

func (l *keyLab) redirected() {
	l.pool.SetFault(cognitotest.Fault{Host: "cognito-idp.eu-west-1.amazonaws.com", Redirect: "https://elsewhere.example/" + l.pool.ID() + "/.well-known/jwks.json"})
	l.want("redirected", l.token(), unavailable)
	if _, hosts := l.wire.asked(); !slices.Equal(hosts, []string{"cognito-idp.eu-west-1.amazonaws.com"}) {
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

func (l *keyLab) hugeBody() {
	body := &countingReader{left: 64 << 20}
	l.wire.answer(func(*http.Request) (*http.Response, error) {
		return answerOf(200, io.MultiReader(body, bytes.NewReader(l.pool.KeySet()))), nil
	})
	l.want("64 MiB", l.token(), unavailable)
	if body.read > 2*largestKeySet {
		l.Errorf("%d bytes were read, want no more than the limit of %d", body.read, largestKeySet)
	}
}

func (l *keyLab) emptySets() {
	l.warm()
	for _, body := range []string{"<html>", "{}", `{"keys":[]}`, `{"keys":null}`, `{"keys":{}}`, "[]", "null", `""`, "", " "} {
		l.pool.SetFault(cognitotest.Fault{Body: []byte(body)})
		before := l.status()
		l.want(body, l.stranger("random"), unavailable)
		l.want(body+": known kid", l.token(), okay)
		if s := l.status(); s.Failures != before.Failures+1 || s.Fetched != before.Fetched || len(s.KeyIDs) != 2 {
			l.Errorf("body %q: %d failures, %d keys of %s; want one more failure and the last good set", body, s.Failures, len(s.KeyIDs), s.Fetched)
		}
		time.Sleep(time.Minute)
	}
}

func (l *keyLab) callerDeadline() {
	l.pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if got := l.sendCtx(ctx, l.token()); got.verdict != unavailable || got.waited != 500*time.Millisecond {
		l.Errorf("caller with a deadline: %v, want %s at its deadline", got, unavailable)
	}
	time.Sleep(500 * time.Millisecond)
	l.wantAfter(time.Second, "a caller that comes while the fetch goes on", l.token(), okay)
	l.wantFetches("both callers", 1)
}

func (l *keyLab) callerCancels() {
	l.pool.SetFault(cognitotest.Fault{Delay: 2 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	var first sync.WaitGroup
	first.Go(func() {
		if got := l.sendCtx(ctx, l.token()); got.verdict != unavailable || got.waited != time.Second {
			l.Errorf("the caller that cancels: %v, want %s at once", got, unavailable)
		}
	})
	synctest.Wait()
	var count map[string]int
	first.Go(func() { count = l.crowd(50, l.token()) })
	time.Sleep(time.Second)
	cancel()
	first.Wait()
	l.wantCrowd("the others", count, map[string]int{okay: 50})
	l.wantFetches("all callers", 1)
	if l.slowest != 2*time.Second {
		l.Errorf("the slowest waited %s, want the 2 s of the fetch", l.slowest)
	}
}

func testTwoPools(t *testing.T) {
	b := cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ID: "us-east-1_Second"})
	l := newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.Pools = append(cfg.Pools, b.Config().Pools...) })
	a := l.pool
	l.wire.next = cognitotest.Client(a, b).Transport
	b.SetFault(cognitotest.Fault{Hang: true})
	l.want("A, the pool that is up", a.AccessToken().String(), okay)
	var others sync.WaitGroup
	others.Go(func() { l.wantAfter(longestWait, "B, the pool that hangs", b.AccessToken().String(), unavailable) })
	for range 20 {
		l.want("A while B hangs", a.AccessToken().String(), okay)
		time.Sleep(100 * time.Millisecond)
	}
	err := l.auth.Ready(context.Background())
	if !errors.Is(err, cognitoauth.ErrUnavailable) || !strings.Contains(err.Error(), b.ID()) || strings.Contains(err.Error(), a.ID()) {
		l.Errorf("Ready: %v, want ErrUnavailable that names %s alone", err, b.ID())
	}
	others.Wait()
	if s := l.auth.Status(); len(s) != 2 || s[0].Err != nil || s[1].Err == nil || s[0].PoolID != a.ID() || s[1].PoolID != b.ID() {
		l.Errorf("Status: %+v, want A without and B with an error", s)
	}
	l.want("B's token in A's name", b.AccessToken().Set("iss", a.Issuer()).String(), unknownKey)
}

func (l *keyLab) secondIssuer() {
	forged := func(kid string) string {
		return l.pool.AccessToken().Set("iss", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/"+l.pool.ID()).SetHeader("kid", kid).Tampered().String()
	}
	l.want("cold, the updated issuer", forged("first"), unknownKey)
	for i := range 100 {
		l.want("the updated issuer", forged(strconv.Itoa(i)), unknownKey)
		l.want("the original issuer", l.stranger(strconv.Itoa(i)), unknownKey)
	}
	if n := len(l.auth.Status()); n != 1 {
		l.Errorf("%d key sources, want one for both forms", n)
	}
	l.wantFetches("200 forged tokens", 1)
	if _, hosts := l.wire.asked(); !slices.Equal(hosts, []string{"cognito-idp.eu-west-1.amazonaws.com"}) {
		l.Errorf("asked %q, want the original host once", hosts)
	}
}

// keyClock is the bubble's clock, off by what the test says.
type keyClock struct{ off atomic.Int64 }

func (c *keyClock) now() time.Time              { return time.Now().Add(time.Duration(c.off.Load())) }
func (c *keyClock) jump(d time.Duration)        { c.off.Add(int64(d)) }
func (c *keyClock) set(cfg *cognitoauth.Config) { cfg.Now = c.now }

func (l *keyLab) jumpingClock() {
	run := func() (story string) {
		clock := &keyClock{}
		l := newKeyLab(l.T, clock.set)
		say := func(kid string) {
			token := l.pool.AccessToken()
			token = token.Set("iat", clock.now()).Set("exp", clock.now().Add(time.Hour))
			if kid != "" {
				token = token.SetHeader("kid", kid)
			}
			got := l.send(token.String())
			synctest.Wait()
			story += fmt.Sprintf("%s after %s, %d fetches; ", got.verdict, got.waited, l.status().Fetches)
		}
		say("")
		for _, jump := range []time.Duration{2 * time.Hour, -4 * time.Hour, 30 * 24 * time.Hour, -60 * 24 * time.Hour, 25 * time.Hour} {
			clock.jump(jump)
			say("")
			say("random")
			time.Sleep(floorAfterSuccess)
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

func (l *keyLab) staticSet() {
	set := l.pool.KeySet()
	newKeyLab(l.T, func(cfg *cognitoauth.Config) {
		cfg.Pools[0].JWKSURL, cfg.Pools[0].JWKS = "", set
	}).staticSetOf(l.pool)
}

func (l *keyLab) staticSetOf(p *cognitotest.Pool) {
	if err := l.auth.Ready(context.Background()); err != nil {
		l.Errorf("Ready: %v", err)
	}
	for range 3 {
		l.want("static", p.AccessToken().String(), okay)
		l.want("static, unknown kid", l.stranger("random"), unknownKey)
		time.Sleep(30 * 24 * time.Hour)
	}
	if times, _ := l.wire.asked(); len(times) != 0 {
		l.Errorf("%d requests on the wire, want none", len(times))
	}
	s := l.status()
	if s.URL != "" || s.Fetches != 0 || s.Err != nil || !s.Fetched.IsZero() || s.Age != 0 || len(s.KeyIDs) != 2 {
		l.Errorf("Status: %+v, want two keys and nothing about fetches", s)
	}
}

// refreshBesideRequests is for the race detector: verdicts, refreshes, Status
// and Ready at the same time, through an hour of rotations.
func (l *keyLab) refreshBesideRequests() {
	l.pool.SetFault(cognitotest.Fault{Delay: 10 * time.Millisecond, Header: http.Header{"Cache-Control": {"max-age=300"}}})
	end := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for time.Now().Before(end) {
				if got := l.send(l.token()); got.verdict != okay {
					l.Errorf("in the middle of a rotation: %v", got)
				}
				time.Sleep(time.Minute)
			}
		})
		all.Go(func() {
			for time.Now().Before(end) {
				l.auth.Status()
				if err := l.auth.Ready(context.Background()); err != nil {
					l.Errorf("Ready: %v", err)
				}
				time.Sleep(time.Minute)
			}
		})
	}
	for time.Now().Before(end) {
		time.Sleep(5*time.Minute + time.Second)
		l.pool.PublishNext()
		time.Sleep(5*time.Minute + time.Second)
		l.pool.Activate()
		l.pool.Retire()
	}
	all.Wait()
}

func testMaxAge(t *testing.T) {
	for _, row := range []struct {
		name         string
		cacheControl string
		fresh, due   time.Duration // ages at which no refresh, and a refresh, begins
	}{
		{"none is an hour, give or take a tenth", "", earliestRefresh, latestRefresh},
		{"0 is five minutes", "max-age=0", 5 * time.Minute, 5 * time.Minute},
		{"299 is five minutes", "max-age=299", 5 * time.Minute, 5 * time.Minute},
		{"ten minutes are ten minutes", "public, max-age=600", 10 * time.Minute, 10 * time.Minute},
		{"its case does not count", "Max-Age=600", 10 * time.Minute, 10 * time.Minute},
		{"ten years are an hour", "max-age=315360000", earliestRefresh, latestRefresh},
		{"more than fits is an hour", "max-age=99999999999999999999", earliestRefresh, latestRefresh},
		{"a negative one is none", "max-age=-1", earliestRefresh, latestRefresh},
		{"one that is no number is none", "max-age=soon", earliestRefresh, latestRefresh},
		{"s-maxage is another directive", "s-maxage=600", earliestRefresh, latestRefresh},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t)
				l.pool.SetFault(cognitotest.Fault{Header: http.Header{"Cache-Control": {row.cacheControl}}})
				token := l.pool.AccessToken().ExpiresIn(2 * time.Hour).String()
				l.want("cold", token, okay)
				time.Sleep(row.fresh - time.Nanosecond)
				l.want("fresh", token, okay)
				synctest.Wait()
				l.wantFetches("fresh", 1)
				time.Sleep(row.due - l.status().Age)
				l.want("due", token, okay)
				synctest.Wait()
				l.wantFetches("due", 2)
			})
		})
	}
}

// TestRefreshAgesDiffer: a fleet that was started at one moment must not fetch
// at one moment.
func TestRefreshAgesDiffer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
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
		{"the original host answers", nil, okay, 0, -1, ""},
		{"the original host answers just in time", faults{{Host: originalHost, Delay: updatedHostAfter - 1}}, okay, updatedHostAfter - 1, -1, ""},

		{"the original host is forbidden", faults{{Host: originalHost, Status: 403}}, okay, 0, 0, ""},
		{"the original host breaks off", faults{{Host: originalHost, Abort: true}}, okay, 0, 0, ""},
		{"the original host has no keys", faults{{Host: originalHost, Body: []byte("{}")}}, okay, 0, 0, ""},
		{"the original host fails after a while", faults{{Host: originalHost, Delay: 400 * time.Millisecond, Status: 500}}, okay, 400 * time.Millisecond, 400 * time.Millisecond, ""},
		{"the original host hangs", faults{hang}, okay, updatedHostAfter, updatedHostAfter, ""},

		{"the original host is slow and the updated one forbidden", faults{{Host: originalHost, Delay: later}, {Status: 403}}, okay, later, updatedHostAfter, ""},
		{"the original host is slow and the updated one faster", faults{{Host: originalHost, Delay: later}, {Delay: 500 * time.Millisecond}}, okay, updatedHostAfter + 500*time.Millisecond, updatedHostAfter, ""},
		{"the original host is slow and the updated one hangs", faults{{Host: originalHost, Delay: later}, {Hang: true}}, okay, later, updatedHostAfter, ""},

		{"both fail, the original one tells why", faults{{Host: originalHost, Status: 500}, {Status: 403}}, unavailable, 0, 0, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
		{"both fail, the updated one first", faults{{Host: originalHost, Delay: later, Status: 500}, {Status: 403}}, unavailable, later, updatedHostAfter, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
		{"the original host hangs and the updated one is forbidden", faults{hang, {Status: 403}}, unavailable, longestWait, updatedHostAfter, "https://" + originalHost},
		{"the original host fails and the updated one hangs", faults{{Host: originalHost, Status: 500}, {Hang: true}}, unavailable, longestWait, 0, "https://" + originalHost + "/eu-west-1_AbCdEf123/.well-known/jwks.json: status 500"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t, twoHosts)
				l.pool.SetFault(row.faults...)
				began := time.Now()
				l.wantAfter(row.after, "cold", l.token(), row.verdict)
				time.Sleep(longestFetch)
				times, hosts := l.wire.asked()
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
				s := l.status()
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
		{"the updated host hangs", cognitotest.Fault{Hang: true}, longestFetch},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t, twoHosts)
				l.pool.SetFault(original, row.updated)
				began := time.Now()
				l.send(l.token())
				time.Sleep(row.after + 39*time.Second - time.Since(began))
				l.want("39 s after the fetch", l.token(), unavailable)
				l.wantFetches("39 s after the fetch", 1)
				time.Sleep(time.Second)
				l.pool.SetFault()
				l.want("40 s after the fetch", l.token(), okay)
				l.wantFetches("40 s after the fetch", 2)
			})
		})
	}
}

// TestReplicaRegion: a replica region has keys of its own, under a floor of its
// own, and vouches for nobody else's tokens.
func TestReplicaRegion(t *testing.T) {
	const replica = "cognito-idp.us-east-1.amazonaws.com"
	inBubble(t, func(t *testing.T) {
		l := newKeyLab(t, twoHosts, func(cfg *cognitoauth.Config) { cfg.Pools[0].ReplicaRegions = []string{"us-east-1"} })
		other := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		l.pool.SetFault(cognitotest.Fault{Host: replica, Body: other.KeySet()})
		iss := "https://" + replica + "/" + l.pool.ID()

		l.want("the primary region", l.token(), okay)
		if _, hosts := l.wire.asked(); !slices.Equal(hosts, []string{originalHost}) {
			t.Errorf("asked %q, want the primary region alone", hosts)
		}
		l.want("the replica", other.AccessToken().Set("iss", iss).String(), okay)
		if _, hosts := l.wire.asked(); !slices.Equal(hosts, []string{replica}) {
			t.Errorf("asked %q, want the replica alone, and at once", hosts)
		}
		l.want("the primary's key in the replica's name", l.pool.AccessToken().Set("iss", iss).String(), unknownKey)
		l.want("the replica's key in the primary's name", other.AccessToken().String(), unknownKey)

		time.Sleep(floorAfterSuccess)
		l.pool.SetFault(cognitotest.Fault{Host: replica, Status: 500})
		l.want("the replica fails", other.AccessToken().Set("iss", iss).SetHeader("kid", "new").String(), unavailable)
		l.want("which is not the primary's trouble", l.stranger("new"), unknownKey)
		if _, hosts := l.wire.asked(); !slices.Equal(hosts, []string{replica, originalHost}) {
			t.Errorf("asked %q, want each region once", hosts)
		}
		s := l.auth.Status()
		if len(s) != 2 || s[0].URL != "https://"+originalHost+"/"+l.pool.ID()+"/.well-known/jwks.json" || s[1].URL != iss+"/.well-known/jwks.json" || s[1].PoolID != l.pool.ID() {
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
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t, func(cfg *cognitoauth.Config) { cfg.Pools[0].Issuer, cfg.Pools[0].JWKSURL = row.issuer, row.keys })
				l.pool.SetFault(cognitotest.Fault{Hang: true})
				token := l.pool.AccessToken()
				if row.issuer != "" {
					token = token.Set("iss", row.issuer)
				}
				l.wantAfter(longestWait, "the host hangs", token.String(), unavailable)
				time.Sleep(time.Minute)
				l.pool.SetFault(cognitotest.Fault{Status: 500})
				l.want("the host fails", token.String(), unavailable)
				if got := l.pool.Requests(); !slices.Equal(got, []string{row.want, row.want}) {
					t.Errorf("asked %q, want %q twice", got, row.want)
				}
				if got := l.status().URL; got != row.want {
					t.Errorf("Status.URL is %q, want %q", got, row.want)
				}
			})
		})
	}
}

// TestSharedSource: two entries for one pool have one key set between them.
func TestSharedSource(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := newKeyLab(t, twoHosts, func(cfg *cognitoauth.Config) {
			id := cfg.Pools[0]
			id.TokenUse = cognitoauth.IDToken
			cfg.Pools = append(cfg.Pools, id)
		})
		l.want("access token", l.token(), okay)
		l.want("ID token", l.pool.IDToken().String(), okay)
		if s := l.auth.Status(); len(s) != 1 || s[0].Fetches != 1 {
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
			inBubble(t, func(t *testing.T) {
				l := newKeyLab(t)
				l.pool.SetFault(cognitotest.Fault{Status: 503})
				l.want("first failure", l.token(), unavailable)
				time.Sleep(1250 * time.Millisecond)
				l.pool.SetFault(cognitotest.Fault{Status: 503, Header: http.Header{"Retry-After": {row.retryAfter}}})
				got := l.want("second failure", l.token(), unavailable)
				l.wantFetches("second failure", 2)
				if least := row.low.Truncate(time.Second); got.retry < least || got.retry > row.high+time.Second {
					t.Errorf("the client is told to come back in %s, want %s to %s", got.retry, row.low, row.high)
				}
				l.pool.SetFault()
				time.Sleep(row.low - time.Nanosecond)
				l.want("before the pause is over", l.token(), unavailable)
				time.Sleep(row.high - row.low + time.Nanosecond)
				l.want("when it is over", l.token(), okay)
			})
		})
	}
}

// TestKeyVerdicts: whether a kid is unknown or nobody can say.
func TestKeyVerdicts(t *testing.T) { runKeyCases(t, keyVerdicts) }

var keyVerdicts = []keyCase{
	{"the set was fetched for the request: 401", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.wantAfter(time.Second, "cold", l.stranger("a"), unknownKey)
	}},
	{"the set is younger than the floor: 401 at once", func(l *keyLab) {
		l.want("cold", l.token(), okay)
		time.Sleep(floorAfterSuccess - time.Nanosecond)
		l.want("unknown", l.stranger("a"), unknownKey)
		l.wantFetches("inside the floor", 1)
		time.Sleep(time.Nanosecond)
		l.want("unknown", l.stranger("a"), unknownKey)
		l.wantFetches("after the floor", 2)
	}},
	{"the last attempt failed: 503, although other keys are usable", func(l *keyLab) {
		l.warm()
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		l.want("the request that fetches", l.stranger("a"), unavailable)
		l.want("the next one", l.stranger("a"), unavailable)
		l.want("a known key", l.token(), okay)
		l.wantFetches("both", 2)
	}},
	{"a success after failures starts over", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		for range 8 {
			l.want("failing", l.token(), unavailable)
			time.Sleep(time.Minute)
		}
		l.pool.SetFault()
		l.want("healed", l.token(), okay)
		l.want("healed, unknown", l.stranger("a"), unknownKey)
		time.Sleep(floorAfterSuccess)
		l.pool.SetFault(cognitotest.Fault{Status: 500})
		l.want("failing again", l.stranger("a"), unavailable)
		l.pool.SetFault()
		time.Sleep(1250 * time.Millisecond)
		l.want("after the first pause", l.stranger("a"), unknownKey)
	}},
	{"the fetch takes longer than a request waits: 503", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Delay: 4 * time.Second})
		if got := l.wantAfter(longestWait, "cold", l.token(), unavailable); got.retry != time.Second {
			l.Errorf("Retry-After is %s, want 1 s: the fetch goes on", got.retry)
		}
		l.wantAfter(time.Second, "while it goes on", l.token(), okay)
		l.wantFetches("both", 1)
	}},
	{"the caller had gone before it asked: 503, and the fetch goes on", func(l *keyLab) {
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := l.sendCtx(ctx, l.token()); got.verdict != unavailable || got.waited != 0 {
			l.Errorf("caller that had gone: %v, want %s at once", got, unavailable)
		}
		l.wantAfter(time.Second, "the next caller", l.token(), okay)
		l.wantFetches("both", 1)
	}},
	{"a caller that has gone needs no wait for a known key", func(l *keyLab) {
		l.warm()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := l.sendCtx(ctx, l.token()); got.verdict != okay {
			l.Errorf("caller that had gone, known key: %v, want %s", got, okay)
		}
	}},
	{"a set that was not used for a day is fetched before it is trusted", func(l *keyLab) {
		l.warm()
		l.pool.Rotate()
		time.Sleep(hardLimit)
		l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
		l.wantAfter(time.Second, "the new key", l.token(), okay)
		l.wantFetches("a day later", 2)
	}},
}

// TestBackgroundRefresh: a set that is due is served while it is fetched.
func TestBackgroundRefresh(t *testing.T) {
	runKeyCases(t, []keyCase{
		{"nobody waits for it", func(l *keyLab) {
			l.warm()
			token := l.pool.AccessToken().ExpiresIn(3 * time.Hour).String()
			time.Sleep(latestRefresh)
			l.pool.SetFault(cognitotest.Fault{Hang: true})
			for range 100 {
				l.want("while it hangs", token, okay)
				time.Sleep(longestFetch / 100)
			}
			l.wantFetches("while it hangs", 2)
			if err := l.auth.Ready(context.Background()); err != nil {
				l.Errorf("Ready: %v", err)
			}
		}},
		{"it happens although no kid is unknown", func(l *keyLab) {
			l.warm()
			token := l.pool.AccessToken().ExpiresIn(23 * time.Hour).String()
			for range 20 {
				time.Sleep(latestRefresh)
				l.want("due", token, okay)
				synctest.Wait()
			}
			l.wantFetches("after twenty refresh ages", 21)
		}},
		{"an unknown kid joins it", func(l *keyLab) {
			l.warm()
			time.Sleep(latestRefresh)
			l.pool.SetFault(cognitotest.Fault{Delay: time.Second})
			l.want("due", l.token(), okay)
			l.wantAfter(time.Second, "unknown", l.stranger("a"), unknownKey)
			l.wantFetches("both", 2)
		}},
	})
}
