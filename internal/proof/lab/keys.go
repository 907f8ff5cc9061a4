package lab

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
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// The numbers of the key cache, as they are promised. They are written out once
// more because a test that read them from the code would follow any change.
const (
	FloorAfterSuccess = 10 * time.Second
	UpdatedHostAfter  = time.Second
	LongestWait       = 3 * time.Second
	LongestFetch      = 5 * time.Second
	MostWaiting       = 1024
	SuspectAge        = 5 * time.Minute
	HardLimit         = 24 * time.Hour
	EarliestRefresh   = 54 * time.Minute
	LatestRefresh     = 66 * time.Minute
	LargestKeySet     = 256 << 10
)

// PastEpoch takes a bubble, which begins in the year 2000, past the start of this
// process. Before that, times that are reckoned from there are negative, and one
// that should be too large overflows into something harmless.
const PastEpoch = 100 * 365 * 24 * time.Hour

// Keys is a Middleware in front of a handler that answers 200, the pool whose
// tokens it takes, and the wire between the two, to show what its key cache does. When the test ends it prints
// what the client saw.
type Keys struct {
	testing.TB
	Pool   *cognitotest.Pool
	Auth   *cognitoauth.Middleware
	door   http.Handler
	Wire   *KeyWire
	Logged *KeyLog

	mu      sync.Mutex
	forged  string // payload and signature of the strangers of a while
	expiry  time.Time
	saw     map[string]int
	Slowest time.Duration
}

// NewKeys makes Keys within the process, so that they can live in a bubble. The
// pool has one key host, unless change clears JWKSURL.
func NewKeys(t testing.TB, change ...func(*cognitoauth.Config)) *Keys {
	t.Helper()
	l := &Keys{TB: t, saw: map[string]int{}, Logged: &KeyLog{}}
	l.Pool = cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	l.Wire = &KeyWire{Next: l.Pool.Client().Transport}
	cfg := l.Pool.Config()
	cfg.HTTPClient = &http.Client{Transport: l.Wire}
	cfg.Logger = slog.New(l.Logged)
	cfg.Pools[0].JWKSURL = l.Pool.JWKSURL()
	for _, f := range change {
		f(&cfg)
	}
	l.open(cfg)
	return l
}

func (l *Keys) open(cfg cognitoauth.Config) {
	l.Helper()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		l.Fatal(err)
	}
	l.Auth = auth
	l.door = auth.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	l.Cleanup(func() {
		if len(l.saw) == 0 {
			return
		}
		var fetches, failures int
		for _, s := range auth.Status() {
			fetches, failures = fetches+s.Fetches, failures+s.Failures
		}
		l.Logf("client saw %v; fetches: %d, of which failed: %d; slowest waited %s", l.saw, fetches, failures, l.Slowest)
	})
}

// TwoHosts leaves the original and the updated host of the pool to be asked.
func TwoHosts(cfg *cognitoauth.Config) { cfg.Pools[0].JWKSURL = "" }

// A KeyAnswer is what a client saw.
type KeyAnswer struct {
	Verdict string // "200", or status and code
	Retry   time.Duration
	Waited  time.Duration
}

// Send sends one request with the token.
func (l *Keys) Send(token string) KeyAnswer { return l.SendCtx(context.Background(), token) }

// SendCtx sends one request under a context, and checks what holds for every answer: a 503 names
// a time to come back within a minute and challenges nobody, a 401 challenges
// and names no time.
func (l *Keys) SendCtx(ctx context.Context, token string) KeyAnswer {
	r := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, Header: http.Header{"Authorization": {"Bearer " + token}}}
	w := httptest.NewRecorder()
	began := time.Now()
	l.door.ServeHTTP(w, r.WithContext(ctx))
	got := KeyAnswer{Verdict: strconv.Itoa(w.Code), Waited: time.Since(began)}
	if w.Code != http.StatusOK {
		_, code, _ := strings.Cut(w.Body.String(), `"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		got.Verdict += " " + code
	}
	seconds, _ := strconv.Atoi(w.Header().Get("Retry-After"))
	got.Retry = time.Duration(seconds) * time.Second
	challenge := w.Header().Get("WWW-Authenticate")
	switch {
	case w.Code == http.StatusServiceUnavailable && (got.Retry < time.Second || got.Retry > time.Minute || challenge != ""):
		l.Errorf("503 with Retry-After %q, challenge %q; want 1 to 60 and none", w.Header().Get("Retry-After"), challenge)
	case w.Code == http.StatusUnauthorized && (got.Retry != 0 || challenge == ""):
		l.Errorf("401 with Retry-After %q, challenge %q; want none and one", w.Header().Get("Retry-After"), challenge)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saw[got.Verdict]++
	l.Slowest = max(l.Slowest, got.Waited)
	return got
}

// The verdicts of [KeyAnswer] about a token.
const (
	Okay         = "200"
	UnknownKey   = "401 key_unknown"
	BadSignature = "401 signature_invalid"
	Unavailable  = "503 keys_unavailable"
	Ended        = "503 request_ended"
)

// Want sends a token and demands a verdict, reached without waiting.
func (l *Keys) Want(when, token, verdict string) KeyAnswer {
	l.Helper()
	return l.WantAfter(0, when, token, verdict)
}

// WantAfter sends a token and demands a verdict that comes after exactly this
// time.
func (l *Keys) WantAfter(wait time.Duration, when, token, verdict string) KeyAnswer {
	l.Helper()
	got := l.Send(token)
	if got.Verdict != verdict || got.Waited != wait {
		l.Errorf("%s: %s after %s, want %s after %s", when, got.Verdict, got.Waited, verdict, wait)
	}
	return got
}

// WantSoon is [Keys.Want] where the time is real.
func (l *Keys) WantSoon(when, token, verdict string) {
	l.Helper()
	if got := l.Send(token); got.Verdict != verdict {
		l.Errorf("%s: %s, want %s", when, got.Verdict, verdict)
	}
}

// Crowd sends the token n times at once and returns how often each verdict came.
func (l *Keys) Crowd(n int, token string) map[string]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for range n {
		all.Go(func() {
			got := l.Send(token)
			mu.Lock()
			defer mu.Unlock()
			count[got.Verdict]++
		})
	}
	all.Wait()
	return count
}

// WantCrowd compares what [Keys.Crowd] returned with what is wanted.
func (l *Keys) WantCrowd(when string, got map[string]int, want map[string]int) {
	l.Helper()
	if !maps.Equal(got, want) {
		l.Errorf("%s: %v, want %v", when, got, want)
	}
}

// Status is that of the first pool.
func (l *Keys) Status() cognitoauth.PoolStatus { return l.Auth.Status()[0] }

// WantFetches demands that the key set was fetched that often, in all.
func (l *Keys) WantFetches(when string, want int) {
	l.Helper()
	if got := l.Status().Fetches; got != want {
		l.Errorf("%s: %d fetches, want %d", when, got, want)
	}
}

// Ready calls the Middleware's Ready and demands how long it takes and why it
// fails, nil for that it does not.
func (l *Keys) Ready(when string, wait time.Duration, cause error) {
	l.Helper()
	began := time.Now()
	err := l.Auth.Ready(context.Background())
	switch {
	case time.Since(began) != wait:
		l.Errorf("%s: Ready took %s, want %s", when, time.Since(began), wait)
	case cause == nil && err != nil:
		l.Errorf("%s: Ready: %v, want nil", when, err)
	case cause != nil && (!errors.Is(err, cognitoauth.ErrUnavailable) || !errors.Is(err, cause) || !strings.Contains(err.Error(), l.Pool.ID()) || !strings.Contains(err.Error(), cause.Error())):
		l.Errorf("%s: Ready: %v, want ErrUnavailable of pool %s because of %v", when, err, l.Pool.ID(), cause)
	}
}

// Token is a fresh token of a user, good for an hour.
func (l *Keys) Token() string { return l.Pool.AccessToken().String() }

// Stranger is a token that is good but for its kid and signature, and cheap.
func (l *Keys) Stranger(kid string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().After(l.expiry) {
		parts := strings.Split(l.Pool.AccessToken().ExpiresIn(23*time.Hour).String(), ".")
		l.forged, l.expiry = "."+parts[1]+"."+parts[2], time.Now().Add(23*time.Hour)
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": kid})
	if err != nil {
		l.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(header) + l.forged
}

// Warm fetches the keys and lets the floor pass.
func (l *Keys) Warm() {
	l.Helper()
	l.Want("warming up", l.Token(), Okay)
	l.WantFetches("warming up", 1)
	time.Sleep(FloorAfterSuccess)
}

// A KeyCase is a test that runs in a bubble of its own, with Keys of its own. It
// is an alias so that a table of another package may leave out the field names.
type KeyCase = struct {
	Name string
	Run  func(*Keys)
}

// InBubble runs f in virtual time. The bubble does not end well while there are
// goroutines left: five seconds after the last request there must be none.
func InBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(LongestFetch)
	})
}

// RunKeyCases runs each case, with Keys that change may configure.
func RunKeyCases(t *testing.T, cases []KeyCase, change ...func(*cognitoauth.Config)) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			InBubble(t, func(t *testing.T) { c.Run(NewKeys(t, change...)) })
		})
	}
}

// Answer is an answer of the key endpoint.
func Answer(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: -1}
}

// JWK is a public key as a JWK, with Cognito's members.
func JWK(kid string, key *rsa.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":"%s","e":"AQAB"}`, kid, base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
}

// KeySet is a JWK set of these keys.
func KeySet(jwks ...string) []byte { return []byte(`{"keys":[` + strings.Join(jwks, ",") + `]}`) }

// Padded is the key set, made longer by white space.
func Padded(p *cognitotest.Pool, size int) cognitotest.Fault {
	set := p.KeySet()
	return cognitotest.Fault{Body: append(bytes.Repeat([]byte(" "), size-len(set)), set...)}
}
