// Package denial_test sends what costs most to refuse, and holds the library to a
// bound of what it allocates.
package denial_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// A worst input is a token of a given length that nobody has to have signed,
// full of what costs most to take apart.
type worstInput func(f denial, size int) string

// denial is where worst inputs are refused: a pool, and a token of it to begin
// with.
type denial struct {
	pool   *cognitotest.Pool
	header string // encoded
	claims string // that pass all checks but that of the signature, without braces
}

func newDenial(tb testing.TB) denial {
	tb.Helper()
	pool := cognitotest.NewPool(tb, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	header, payload, _ := lab.CutThree(pool.AccessToken().String())
	doc, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		tb.Fatal(err)
	}
	return denial{pool, header, strings.Trim(string(doc), "{}")}
}

// middleware makes one that takes tokens of up to limit bytes, its keys at hand.
func (f denial) middleware(tb testing.TB, limit int) *cognitoauth.Middleware {
	tb.Helper()
	auth := lab.MustNew(tb, f.pool.Config(), func(c *cognitoauth.Config) { c.MaxTokenBytes = limit })
	if err := auth.Ready(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return auth
}

func encode(doc string) string { return base64.RawURLEncoding.EncodeToString([]byte(doc)) }

// filled repeats unit between two texts, up to size bytes in all.
func filled(before, unit, after string, size int) string {
	return before + strings.Repeat(unit, max(0, size-len(before)-len(after))/len(unit)) + after
}

// payload is a token of the pool's own header with that payload, and a
// signature of the right length.
func (f denial) payload(size int, doc func(size int) string) string {
	signature := encode(strings.Repeat("s", 256))
	room := size - len(f.header) - len(signature) - 2
	return f.header + "." + encode(doc(base64.RawURLEncoding.DecodedLen(max(room, 0)))) + "." + signature
}

// around makes an input of a payload that repeats unit.
func around(before, unit, after string) worstInput {
	return func(f denial, size int) string {
		return f.payload(size, func(n int) string { return filled(before, unit, after, n) })
	}
}

// withClaims makes an input that passes every check but that of its signature,
// with so much more in it as there is room for.
func withClaims(before, unit, after string) worstInput {
	return func(f denial, size int) string {
		return f.payload(size, func(n int) string { return filled("{"+f.claims+","+before, unit, after+"}", n) })
	}
}

// manyNames makes an input whose object before which and after which these
// texts stand has as many different names as there is room for.
func manyNames(before, member, after string) worstInput {
	return func(f denial, size int) string {
		return f.payload(size, func(n int) string {
			var b strings.Builder
			b.WriteString(before)
			for i := 0; b.Len()+len(after) < n-16; i++ {
				fmt.Fprintf(&b, member, i)
			}
			return b.String() + `"":0` + after
		})
	}
}

var worstInputs = map[string]worstInput{
	"lists":         around(`{"x":`, `[`, ``),
	"objects":       around(`{"x":`, `{"x":`, ``),
	"allowed-depth": around(`{"x":[`, strings.Repeat(`[`, 60)+strings.Repeat(`]`, 60)+`,`, `0]}`),
	"empty-objects": around(`{"x":[`, `{},`, `{}]}`),
	"small-objects": around(`{"x":[`, `{"":0},`, `{}]}`),
	"names":         manyNames(`{`, `"%x":0,`, `}`),
	"inner-names":   manyNames(`{"x":{`, `"%x":0,`, `}}`),
	"escaped-names": manyNames(`{`, `"\n%x":0,`, `}`),
	"one-name":      around(`{"`, `n`, `":0}`),
	"escaped-name":  around(`{"`, `\u0041`, `":0}`),
	"escapes":       around(`{"sub":"`, `\u0041`, `"}`),
	"digits":        around(`{"x":1`, `0`, `}`),
	"digits-of-exp": around(`{"exp":1`, `0`, `.5}`),
	"numbers":       around(`{"x":[0`, `,1e1`, `]}`),
	"issuer":        around(`{"iss":"`, `x`, `"}`),

	"groups":            around(`{"cognito:groups":["x"`, `,""`, `]}`),
	"groups-escaped":    around(`{"cognito:groups":["x"`, `,"\n"`, `]}`),
	"groups-seen-twice": around(`{"cognito:groups":["x"`, `,""`, `],"x":{}}`),
	"audiences":         around(`{"aud":["x"`, `,""`, `]}`),
	"audiences-escaped": withClaims(`"aud":["x"`, `,"\nx"`, `]`),
	"groups-of-a-user":  withClaims(`"cognito:groups":["x"`, `,"group"`, `]`),
	"long-claim":        withClaims(`"x":"`, `x`, `"`),

	"dots":    func(_ denial, size int) string { return strings.Repeat(".", size) },
	"no-dots": func(_ denial, size int) string { return strings.Repeat("A", size) },
	"long-header": func(_ denial, size int) string {
		return filled(encode(`{"alg":"RS256","kid":"k","x":"`), "eHh4", ".e30.c2ln", size)
	},
	"long-kid": func(_ denial, size int) string {
		return filled(encode(`{"alg":"RS256","kid":"`), "a2tr", ".e30.c2ln", size)
	},
	"no-signature": func(f denial, size int) string { return filled(f.header+".e30.", "c2ln", "", size) },
}

// worstSizes go beyond the largest that is ever allowed by default.
var worstSizes = []int{1 << 10, 8 << 10, 32 << 10, 128 << 10, 1 << 20}

// limitFor is the MaxTokenBytes under which a token of that size is looked into.
func limitFor(size int) int { return max(size, 32<<10) }

// BenchmarkRefuseWorst is what refusing the worst inputs costs, where
// MaxTokenBytes is raised as far as it takes to look into them.
func BenchmarkRefuseWorst(b *testing.B) {
	f := newDenial(b)
	for _, name := range slices.Sorted(maps.Keys(worstInputs)) {
		for _, size := range worstSizes {
			b.Run(fmt.Sprintf("input=%s/bytes=%d", name, size), func(b *testing.B) {
				auth, token := f.middleware(b, limitFor(size)), worstInputs[name](f, size)
				b.SetBytes(int64(len(token)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := auth.Validate(context.Background(), token); err == nil {
						b.Fatal("accepted")
					}
				}
			})
		}
	}
}

// BenchmarkRefuseTooLarge is the same under the default limit: its cost must not
// depend on the size.
func BenchmarkRefuseTooLarge(b *testing.B) {
	f := newDenial(b)
	auth := f.middleware(b, 0)
	for _, size := range []int{32<<10 + 1, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			token := strings.Repeat("A", size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := auth.Validate(context.Background(), token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// allocated is how many bytes work allocates with all pools empty, as they are
// after a garbage collection, but for what prepare puts into them: the smallest
// of some runs, since the runtime allocates now and then for itself, or the first
// that is no more than enough.
func allocated(enough uint64, prepare, work func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		if least <= enough {
			break
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC() // a sync.Pool survives one
		prepare()
		runtime.ReadMemStats(&before)
		work()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Whatever a token is full of, refusing it allocates at most four times what a
// token may be long: the first time, and when what a short one has left behind
// is used again and has to grow.
func TestDenial_allocatesInProportion(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	f := newDenial(t)
	refusals, most := 0, 0.0
	for _, size := range []int{1 << 10, 32 << 10, 1 << 20} {
		limit := limitFor(size)
		auth := f.middleware(t, limit)
		for name, input := range worstInputs {
			token, short := input(f, size), input(f, 1<<10)
			if len(token) > limit || len(token) < size-size/8 {
				t.Fatalf("%s: %d bytes instead of %d", name, len(token), size)
			}
			for when, prepare := range map[string]func(){"at first": func() {}, "after a short one": func() { lab.Decide(t, auth, short) }} {
				code := ""
				got := allocated(uint64(4*limit), prepare, func() { code = lab.Decide(t, auth, token) })
				times := float64(got) / float64(limit)
				if code == "" || got > uint64(4*limit) {
					t.Errorf("%s of %d bytes, %s: %d bytes allocated, %.1f times MaxTokenBytes, at most 4 allowed; code %q",
						name, size, when, got, times, code)
				}
				refusals, most = refusals+1, max(most, times)
			}
		}
	}
	t.Logf("%d refusals of 1 KiB to 1 MiB, the costliest allocated %.1f times MaxTokenBytes", refusals, most)
}

// swallow is a ResponseWriter that keeps nothing.
type swallow struct{ header http.Header }

func (w swallow) Header() http.Header         { return w.header }
func (w swallow) Write(b []byte) (int, error) { return len(b), nil }
func (w swallow) WriteHeader(int)             {}

// A token that the pool has signed can be as long, and be refused by a policy:
// looking through it, for each rule anew, and telling the log what is missing
// allocates no more than a forgery does.
func TestDenial_policiesAllocateInProportion(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	const limit, room = 32 << 10, 22 << 10
	f := newDenial(t)
	// Each has a log of its own, since not everything is logged that is alike.
	logging := func() *cognitoauth.Middleware {
		auth := lab.MustNew(t, f.pool.Config(), func(c *cognitoauth.Config) {
			c.MaxTokenBytes, c.Logger = limit, slog.New(slog.NewJSONHandler(io.Discard, nil))
		})
		if err := auth.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		return auth
	}
	each := func(leaf func(name string) cognitoauth.Policy) cognitoauth.Policy {
		var rules []cognitoauth.Policy
		for _, name := range strings.Fields("q w e r t y u i") {
			rules = append(rules, leaf(name))
		}
		return cognitoauth.Or(rules...)
	}
	policies := map[string]cognitoauth.Policy{
		"scopes":  each(cognitoauth.Scope),
		"groups":  each(cognitoauth.Group),
		"claims":  each(func(name string) cognitoauth.Policy { return cognitoauth.Claim(name, "x") }),
		"a claim": each(func(name string) cognitoauth.Policy { return cognitoauth.Claim("x", name) }),
		"levels":  each(cognitoauth.ACR),
		"clients": each(cognitoauth.ClientID),
	}
	for name, doc := range map[string]string{
		"scopes":          filled(`"scope":"a`, ` a`, `"`, room),
		"groups":          filled(`"cognito:groups":["x"`, `,"abc"`, `]`, room),
		"groups-escaped":  filled(`"cognito:groups":["x"`, `,"a\"b"`, `]`, room),
		"long-claim":      filled(`"x":"`, `x`, `"`, room),
		"escapes-of-text": filled(`"x":"`, `\n`, `"`, room),
		"numbers":         filled(`"x":[0`, `,1e1`, `]`, room),
	} {
		claims := strings.Replace(f.claims, `"scope":`, `"was":`, 1)
		token := f.pool.AccessToken().Payload([]byte("{" + claims + "," + doc + "}")).String()
		if len(token) > limit || len(token) < limit-limit/8 {
			t.Fatalf("%s: %d bytes", name, len(token))
		}
		r := lab.Call("GET /", "Authorization", "Bearer "+token)
		for rules, policy := range policies {
			h := logging().Wrap(cognitoauth.Require(policy, http.NotFoundHandler()))
			if w := lab.Ask(h, r); w.Code != 403 && (w.Code != 401 || rules != "levels") {
				t.Errorf("%s, %s: status %d", name, rules, w.Code)
			}
			if got := allocated(4*limit, func() {}, func() { h.ServeHTTP(swallow{http.Header{}}, r) }); got > 4*limit {
				t.Errorf("%s, refused by rules about %s: %d bytes allocated, %.1f times MaxTokenBytes, at most 4 allowed", name, rules, got, float64(got)/limit)
			}
		}
	}
}

// The worst inputs are refused for what is wrong with them; one that was refused
// early, by a fault in the making, would show nothing.
func TestDenial_inputsAreWhatTheySay(t *testing.T) {
	f := newDenial(t)
	auth := f.middleware(t, 0)
	want := map[string]string{
		"lists": "claims_malformed", "objects": "claims_malformed", "digits": "claims_malformed", "digits-of-exp": "claims_malformed",
		"dots": "token_malformed", "no-dots": "token_malformed", "long-header": "token_malformed", "long-kid": "token_malformed",
		"no-signature": "issuer_mismatch", "long-claim": "signature_invalid", "groups-of-a-user": "signature_invalid",
		"audiences-escaped": "audience_mismatch",
	}
	for name, input := range worstInputs {
		token := input(f, 32<<10)
		code := want[name]
		if code == "" { // all of it has to be read to find the fault
			code = "issuer_mismatch"
			_, payload, _ := lab.CutThree(token)
			if doc, err := base64.RawURLEncoding.DecodeString(payload); err != nil || !json.Valid(doc) {
				t.Errorf("%s is no JSON: %v", name, err)
			}
		}
		if got := lab.Decide(t, auth, token); got != code {
			t.Errorf("%s: code %q, want %q", name, got, code)
		}
	}
}

// Ten times the groups allocate ten times as much and no more; looking through
// them allocates nothing, and answering that none is the right one, one Error.
func TestDenial_manyGroups(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	f := newDenial(t)
	auth := f.middleware(t, 1<<20)
	admitted := func(n int) (claims *cognitoauth.Claims, bytes uint64) {
		groups := make([]string, n)
		for i := range groups {
			groups[i] = fmt.Sprintf("group-%05d", i)
		}
		token := f.pool.AccessToken().Groups(groups...).String()
		bytes = allocated(0, func() {}, func() {
			var err error
			if claims, err = auth.Validate(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		})
		return claims, bytes
	}
	few, little := admitted(1000)
	many, much := admitted(10_000)
	if much > 12*little {
		t.Errorf("10,000 groups allocate %d bytes, 1,000 %d", much, little)
	}
	last := cognitoauth.Group("group-09999")
	absent := cognitoauth.And(cognitoauth.Authenticated(), cognitoauth.Or(cognitoauth.Group("a"), cognitoauth.Group("b")))
	if last.Check(nil, many) != nil || !errors.Is(absent.Check(nil, many), cognitoauth.ErrForbidden) {
		t.Error("a policy does not find its group, or finds one that is not there")
	}
	for name, policy := range map[string]cognitoauth.Policy{"met": last, "denied": absent} {
		of := func(c *cognitoauth.Claims) float64 {
			return testing.AllocsPerRun(20, func() { _ = policy.Check(nil, c) })
		}
		if name == "met" && of(many) != 0 || of(many) > of(few)+2 {
			t.Errorf("%s: %v allocations among 10,000 groups, %v among 1,000", name, of(many), of(few))
		}
	}
}

// A key set that is small on the wire and grows without end when it is
// decompressed is given up at the limit, like any other.
func TestDenial_compressedKeySet(t *testing.T) {
	f := newDenial(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for _, part := range [][]byte{[]byte(`{"x":"`), bytes.Repeat([]byte("x"), 16<<20), []byte(`",`), f.pool.KeySet()[1:]} {
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	defer srv.Close()
	cfg := f.pool.Config()
	cfg.HTTPClient, cfg.Pools[0].JWKSURL = nil, srv.URL
	took := allocated(4<<20, func() {}, func() {
		err := lab.MustNew(t, cfg).Ready(t.Context())
		if !errors.Is(err, cognitoauth.ErrUnavailable) || !strings.Contains(err.Error(), "larger than 262144 bytes") {
			t.Errorf("Ready returned %v", err)
		}
	})
	if took > 4<<20 {
		t.Errorf("%d bytes allocated for a key set of 256 KiB at most", took)
	}
}
