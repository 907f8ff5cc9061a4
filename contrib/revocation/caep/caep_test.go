package caep_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/caep"
)

const (
	pool   = "eu-west-1_EXAMPLE01"
	cognac = "https://cognito-idp.eu-west-1.amazonaws.com/" + pool
	issuer = "https://idp.example.com/"
	here   = "https://api.example.com/events"
)

var (
	now       = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	rsaKey    = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	otherKey  = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	ecKey     = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k })
	errKeys   = errors.New("keys are out of reach")
	userEntry = revocation.Entry{Kind: revocation.User, PoolID: pool, ID: "sub-1"}
)

// event is a SET as the example of CAEP 1.0 for session-revoked has it, before it is
// signed.
type event struct {
	header map[string]any
	claims map[string]any
	key    crypto.Signer
	method jwt.SigningMethod
}

func revoked() event {
	return event{
		header: map[string]any{"typ": "secevent+jwt", "alg": "RS256", "kid": "k1"},
		claims: map[string]any{
			"iss": issuer, "aud": here, "jti": "24c63fb56e5a2d77a6b512616ca9fa24", "iat": now.Unix(),
			"sub_id": map[string]any{"format": "iss_sub", "iss": cognac, "sub": "sub-1"},
			"events": map[string]any{caep.SessionRevoked: map[string]any{"event_timestamp": now.Unix()}},
		},
		key: rsaKey(), method: jwt.SigningMethodRS256,
	}
}

func (e event) String() string {
	h, _ := json.Marshal(e.header)
	c, _ := json.Marshal(e.claims)
	return e.sign(h, c)
}

func (e event) sign(header, claims []byte) string {
	enc := base64.RawURLEncoding.EncodeToString
	text := enc(header) + "." + enc(claims)
	signature, err := e.method.Sign(text, e.key)
	if err != nil {
		panic(err)
	}
	return text + "." + enc(signature)
}

// with changes a copy of an event.
func with(change func(*event)) string {
	e := revoked()
	change(&e)
	return e.String()
}

type bench struct {
	*caep.Receiver
	entries []revocation.Entry
	fail    error
	clock   time.Time
	log     bytes.Buffer
}

func receiver(t *testing.T, change ...func(*caep.Config)) *bench {
	t.Helper()
	b := &bench{clock: now}
	cfg := caep.Config{
		Issuer: issuer, Audience: here, Pools: map[string]string{cognac: pool},
		Keys: func(_ context.Context, id string) (any, error) {
			switch id {
			case "k1":
				return rsaKey().Public(), nil
			case "ec":
				return ecKey().Public(), nil
			case "away":
				return nil, errKeys
			}
			return nil, nil
		},
		Revoke: func(_ context.Context, entries ...revocation.Entry) error {
			b.entries = append(b.entries, entries...)
			return b.fail
		},
		Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
		Now:    func() time.Time { return b.clock },
	}
	for _, c := range change {
		c(&cfg)
	}
	r, err := caep.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Receiver = r
	return b
}

func (b *bench) push(body string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/secevent+jwt")
	r.Header.Set("Accept", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Result()
}

func TestReceiver_takes(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*event)
		want   []revocation.Entry
	}{
		"a user":            {func(*event) {}, []revocation.Entry{userEntry}},
		"several audiences": {func(e *event) { e.claims["aud"] = []string{"other", here} }, []revocation.Entry{userEntry}},
		"the long type":     {func(e *event) { e.header["typ"] = "application/secevent+jwt" }, []revocation.Entry{userEntry}},
		"a subject with members of its own": {func(e *event) {
			e.claims["sub_id"].(map[string]any)["extra"] = 1
		}, []revocation.Entry{userEntry}},
		"a complex subject": {func(e *event) {
			e.claims["sub_id"] = map[string]any{"format": "complex",
				"user":    map[string]any{"format": "iss_sub", "iss": cognac, "sub": "sub-1"},
				"session": map[string]any{"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"}}
		}, []revocation.Entry{userEntry}},
		"the subject in the event, as in drafts": {func(e *event) {
			subject := e.claims["sub_id"]
			delete(e.claims, "sub_id")
			e.claims["events"] = map[string]any{caep.SessionRevoked: map[string]any{"subject": subject}}
		}, []revocation.Entry{userEntry}},
		"an exp that is over": {func(e *event) { e.claims["exp"] = now.Add(-time.Hour).Unix() }, []revocation.Entry{userEntry}},
		"59 minutes old":      {func(e *event) { e.claims["iat"] = now.Add(-59 * time.Minute).Unix() }, []revocation.Entry{userEntry}},
		"a clock ahead":       {func(e *event) { e.claims["iat"] = now.Add(59 * time.Second).Unix() }, []revocation.Entry{userEntry}},

		// Verified, and nothing of ours.
		"a verification": {func(e *event) { e.claims["events"] = map[string]any{caep.Verification: map[string]any{"state": "x"}} }, nil},
		"another pool":   {func(e *event) { e.claims["sub_id"].(map[string]any)["iss"] = cognac + "2" }, nil},
		"an e-mail":      {func(e *event) { e.claims["sub_id"] = map[string]any{"format": "email", "email": "a@example.com"} }, nil},
		"a user without sub": {func(e *event) {
			e.claims["sub_id"] = map[string]any{"format": "iss_sub", "iss": cognac}
		}, nil},
		"a complex subject without user": {func(e *event) { e.claims["sub_id"] = map[string]any{"format": "complex"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := receiver(t)
			token := with(tt.change)
			for range 2 {
				res := b.push(token)
				body, _ := io.ReadAll(res.Body)
				if res.StatusCode != http.StatusAccepted || len(body) != 0 {
					t.Fatalf("answered %d %s, want 202 and nothing", res.StatusCode, body)
				}
			}
			if fmt.Sprint(b.entries) != fmt.Sprint(tt.want) {
				t.Errorf("revoked %v, want %v", b.entries, tt.want)
			}
			s := b.Status()
			if s.Revoked != uint64(len(tt.want)) || s.Ignored != uint64(1-len(tt.want)) || s.Repeated != 1 {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// The answers of RFC 8935, sections 2.3 and 2.4.
func TestReceiver_refuses(t *testing.T) {
	parts := func(f func(p []string) string) string { return f(strings.Split(revoked().String(), ".")) }
	raw := func(header, claims string) string { return revoked().sign([]byte(header), []byte(claims)) }
	claims, _ := json.Marshal(revoked().claims)
	const header = `{"typ":"secevent+jwt","alg":"RS256","kid":"k1"}`
	for name, tt := range map[string]struct{ body, code string }{
		"nothing":               {"", "invalid_request"},
		"text":                  {"hello", "invalid_request"},
		"JSON":                  {`{"events":{}}`, "invalid_request"},
		"two parts":             {"a.b", "invalid_request"},
		"padding":               {parts(func(p []string) string { return p[0] + "=." + p[1] + "." + p[2] }), "invalid_request"},
		"a header that is none": {raw(`[]`, string(claims)), "invalid_request"},
		"iss twice":             {raw(header, `{"iss":"x",`+string(claims[1:])), "invalid_request"},
		"alg twice":             {raw(`{"alg":"none",`+header[1:], string(claims)), "invalid_request"},
		"iat as a text":         {with(func(e *event) { e.claims["iat"] = "1" }), "invalid_request"},
		"a subject of another type": {with(func(e *event) {
			delete(e.claims, "sub_id")
			e.claims["events"] = map[string]any{caep.SessionRevoked: map[string]any{"subject": map[string]any{"format": "iss_sub", "iss": cognac, "sub": 1}}}
		}), "invalid_request"},
		"a signature that is no base64": {parts(func(p []string) string { return p[0] + "." + p[1] + ".*" }), "invalid_request"},
		"an audience in two types":      {with(func(e *event) { e.claims["aud"] = []any{here, 1} }), "invalid_request"},
		"no typ":                        {with(func(e *event) { delete(e.header, "typ") }), "invalid_request"},
		"an ID token":                   {with(func(e *event) { e.header["typ"] = "JWT" }), "invalid_request"},
		"crit":                          {with(func(e *event) { e.header["crit"] = []string{"x"} }), "invalid_request"},
		"no jti":                        {with(func(e *event) { delete(e.claims, "jti") }), "invalid_request"},
		"a long jti":                    {with(func(e *event) { e.claims["jti"] = strings.Repeat("x", 1025) }), "invalid_request"},
		"no iat":                        {with(func(e *event) { delete(e.claims, "iat") }), "invalid_request"},
		"over an hour old":              {with(func(e *event) { e.claims["iat"] = now.Add(-61 * time.Minute).Unix() }), "invalid_request"},
		"from the future":               {with(func(e *event) { e.claims["iat"] = now.Add(61 * time.Second).Unix() }), "invalid_request"},
		"no event":                      {with(func(e *event) { delete(e.claims, "events") }), "invalid_request"},
		"no subject":                    {with(func(e *event) { delete(e.claims, "sub_id") }), "invalid_request"},
		"an unknown transmitter":        {with(func(e *event) { e.claims["iss"] = "https://other.example.com/" }), "invalid_issuer"},
		"no iss":                        {with(func(e *event) { delete(e.claims, "iss") }), "invalid_issuer"},
		"another audience":              {with(func(e *event) { e.claims["aud"] = "https://other.example.com" }), "invalid_audience"},
		"no audience":                   {with(func(e *event) { delete(e.claims, "aud") }), "invalid_audience"},
		"an unknown key":                {with(func(e *event) { e.header["kid"] = "k2" }), "invalid_key"},
		"no kid":                        {with(func(e *event) { delete(e.header, "kid") }), "invalid_key"},
		"a long kid":                    {with(func(e *event) { e.header["kid"] = strings.Repeat("k", 1025) }), "invalid_key"},
		"the algorithm none":            {with(func(e *event) { e.header["alg"] = "none" }), "invalid_key"},
		"HS256 with a public key":       {with(func(e *event) { e.header["alg"] = "HS256" }), "invalid_key"},
		"an algorithm not agreed on": {with(func(e *event) {
			e.header["alg"], e.header["kid"], e.key, e.method = "ES256", "ec", ecKey(), jwt.SigningMethodES256
		}), "invalid_key"},
		"a key of another kind":  {with(func(e *event) { e.header["kid"] = "ec" }), "invalid_key"},
		"a signature of another": {with(func(e *event) { e.key = otherKey() }), "authentication_failed"},
		"no signature":           {parts(func(p []string) string { return p[0] + "." + p[1] + "." }), "authentication_failed"},
		"claims of another SET": {parts(func(p []string) string {
			return p[0] + "." + strings.Split(with(func(e *event) { e.claims["jti"] = "2" }), ".")[1] + "." + p[2]
		}), "authentication_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := receiver(t)
			res := b.push(tt.body)
			var got struct{ Err, Description string }
			if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != http.StatusBadRequest || got.Err != tt.code || got.Description == "" {
				t.Errorf("answered %d %+v, want 400 %s", res.StatusCode, got, tt.code)
			}
			if res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Content-Language") != "en" {
				t.Errorf("header %v", res.Header)
			}
			if len(b.entries) != 0 || b.Status().Refused[tt.code] != 1 || b.Status().Revoked != 0 {
				t.Errorf("entries %v, status %+v", b.entries, b.Status())
			}
			if text := b.log.String(); strings.Contains(text, "sub-1") || !strings.Contains(text, tt.code) {
				t.Errorf("logged %s", text)
			}
		})
	}
}

// What is wrong with HTTP has the status of HTTP.
func TestReceiver_http(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		change func(*http.Request)
		want   int
	}{
		"GET":                   {"", func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
		"no type":               {revoked().String(), func(r *http.Request) { r.Header.Del("Content-Type") }, http.StatusUnsupportedMediaType},
		"application/jwt":       {revoked().String(), func(r *http.Request) { r.Header.Set("Content-Type", "application/jwt") }, http.StatusUnsupportedMediaType},
		"a body over 64 KiB":    {strings.Repeat("x", 64<<10+1), func(*http.Request) {}, http.StatusRequestEntityTooLarge},
		"a type with a charset": {revoked().String(), func(r *http.Request) { r.Header.Set("Content-Type", "application/secevent+jwt; charset=utf-8") }, http.StatusAccepted},
		"a body that breaks off": {"", func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(revoked().String()), breaksOff{}))
		}, http.StatusBadRequest},
	} {
		b := receiver(t)
		if got := b.push(tt.body, tt.change).StatusCode; got != tt.want {
			t.Errorf("%s: answered %d, want %d", name, got, tt.want)
		}
		if tt.want != http.StatusAccepted && len(b.entries) != 0 {
			t.Errorf("%s: revoked", name)
		}
	}
}

type breaksOff struct{}

func (breaksOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReceiver_authorization(t *testing.T) {
	b := receiver(t, func(c *caep.Config) { c.Authorization = "Bearer agreed" })
	for value, want := range map[string]int{"": 400, "Bearer other": 400, "Bearer agreed": 202} {
		res := b.push(revoked().String(), func(r *http.Request) {
			if value != "" {
				r.Header.Set("Authorization", value)
			}
		})
		if res.StatusCode != want {
			t.Errorf("%q: answered %d, want %d", value, res.StatusCode, want)
		}
	}
	res := b.push(revoked().String(), func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer agreed", "x"} })
	if res.StatusCode != 400 || b.Status().Refused["authentication_failed"] != 3 {
		t.Errorf("twice: answered %d, status %+v", res.StatusCode, b.Status())
	}
}

// What could not be done is asked for again, and counts when it comes again.
func TestReceiver_sentAgain(t *testing.T) {
	down := errors.New("down")
	var stop error
	b := receiver(t, func(c *caep.Config) {
		c.StopRefresh = func(_ context.Context, entries []revocation.Entry) error {
			if len(entries) != 1 || entries[0] != userEntry {
				t.Errorf("stops %v", entries)
			}
			return stop
		}
	})
	ask := func(what string, token string, want int) {
		t.Helper()
		res := b.push(token)
		if res.StatusCode != want || (want == 503) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("%s: answered %d, want %d", what, res.StatusCode, want)
		}
	}
	b.fail = down
	ask("the store is down", revoked().String(), 503)
	b.fail, stop = nil, down
	ask("Cognito is down", revoked().String(), 503)
	if len(b.entries) != 2 {
		t.Errorf("%d entries, want them revoked although Cognito is down", len(b.entries))
	}
	stop = nil
	ask("all are back", revoked().String(), 202)
	ask("the keys are away", with(func(e *event) { e.header["kid"] = "away"; e.claims["jti"] = "2" }), 503)
	if s := b.Status(); s.Failed != 3 || s.Revoked != 1 {
		t.Errorf("status %+v", s)
	}
	mapless := receiver(t, func(c *caep.Config) {
		c.Map = func(context.Context, caep.Subject) ([]revocation.Entry, error) { return nil, down }
	})
	if res := mapless.push(revoked().String()); res.StatusCode != 503 {
		t.Errorf("the subject cannot be mapped: answered %d", res.StatusCode)
	}
}

// A session of which the origin_jti is known becomes an entry for the sign-in.
func TestReceiver_ownMap(t *testing.T) {
	b := receiver(t, func(c *caep.Config) {
		c.Pools = nil
		c.Map = func(_ context.Context, s caep.Subject) ([]revocation.Entry, error) {
			if s.Format != "complex" || s.Session == nil {
				t.Errorf("subject %+v", s)
			}
			return []revocation.Entry{{Kind: revocation.SignIn, PoolID: pool, ID: s.Session.ID}}, nil
		}
	})
	b.push(with(func(e *event) {
		e.claims["sub_id"] = map[string]any{"format": "complex", "session": map[string]any{"format": "opaque", "id": "origin-1"}}
	}))
	if len(b.entries) != 1 || b.entries[0].ID != "origin-1" {
		t.Errorf("revoked %v", b.entries)
	}
}

// A jti is remembered for as long as its SET could pass, and no longer.
func TestReceiver_memory(t *testing.T) {
	b := receiver(t, func(c *caep.Config) { c.MaxRemembered = 3 })
	send := func(jti string) int {
		return b.push(with(func(e *event) { e.claims["jti"] = jti; e.claims["iat"] = b.clock.Add(30 * time.Second).Unix() })).StatusCode
	}
	for i, want := range []int{202, 202, 202, 503} {
		if got := send(fmt.Sprint(i)); got != want {
			t.Errorf("SET %d of 3: answered %d, want %d", i, got, want)
		}
	}
	first := with(func(e *event) { e.claims["jti"] = "0"; e.claims["iat"] = now.Add(30 * time.Second).Unix() })
	for _, after := range []time.Duration{0, time.Hour, time.Hour + 20*time.Second} {
		b.clock = now.Add(after)
		if got := b.push(first).StatusCode; got != 202 {
			t.Errorf("sent again after %s: answered %d", after, got)
		}
	}
	if len(b.entries) != 3 {
		t.Errorf("%d revocations of three SETs", len(b.entries))
	}
	b.clock = now.Add(time.Hour + 2*time.Minute)
	if got := b.push(first).StatusCode; got != 400 {
		t.Errorf("when it is forgotten, it is answered %d, want 400 for its age", got)
	}
	if got := send("new"); got != 202 {
		t.Errorf("there is no room when the others are forgotten: %d", got)
	}
}

func TestReceiver_algorithms(t *testing.T) {
	b := receiver(t, func(c *caep.Config) { c.Algorithms = []string{"ES256", "PS256"} })
	es := func(e *event) {
		e.header["alg"], e.header["kid"], e.key, e.method = "ES256", "ec", ecKey(), jwt.SigningMethodES256
	}
	ps := func(e *event) { e.header["alg"], e.claims["jti"], e.method = "PS256", "ps", jwt.SigningMethodPS256 }
	for name, token := range map[string]string{"ES256": with(es), "PS256": with(ps)} {
		if got := b.push(token).StatusCode; got != 202 {
			t.Errorf("%s: answered %d", name, got)
		}
	}
	if got := b.push(revoked().String()).StatusCode; got != 400 {
		t.Errorf("RS256, which is not in the list: answered %d", got)
	}
}

// Nobody can make us look for a key of any length, or for one before the rest is right.
func TestReceiver_keyIsLookedUpLast(t *testing.T) {
	b := receiver(t, func(c *caep.Config) {
		c.Keys = func(_ context.Context, id string) (any, error) {
			t.Errorf("a key of %d bytes was looked up", len(id))
			return nil, nil
		}
	})
	b.push(with(func(e *event) { e.header["kid"] = strings.Repeat("k", 1025) }))
	b.push(with(func(e *event) { e.claims["iss"] = "other" }))
	b.push(with(func(e *event) { e.header["typ"] = "JWT" }))
}

func TestReceiver_defaultClock(t *testing.T) {
	b := receiver(t, func(c *caep.Config) { c.Now = nil })
	if got := b.push(with(func(e *event) { e.claims["iat"] = time.Now().Unix() })).StatusCode; got != 202 {
		t.Errorf("answered %d", got)
	}
}

func TestNew_mistakes(t *testing.T) {
	_, err := caep.New(caep.Config{Window: 1, MaxRemembered: -1, Algorithms: []string{"HS256", "none"}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, text := range []string{"Issuer", "Keys", "Revoke", "Pools", "Window", "MaxRemembered", `"HS256"`, `"none"`} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s is not named in %v", text, err)
		}
	}
}

func TestStaticKeys(t *testing.T) {
	key := func(kid string) string {
		n := base64.RawURLEncoding.EncodeToString(rsaKey().N.Bytes())
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"}`, kid, n)
	}
	keys, err := caep.StaticKeys([]byte(`{"keys":[` + key("k1") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	b := receiver(t, func(c *caep.Config) { c.Keys = keys })
	if got := b.push(revoked().String()).StatusCode; got != 202 {
		t.Errorf("answered %d", got)
	}
	for _, id := range []string{"k2", ""} {
		if k, err := keys(t.Context(), id); k != nil || err != nil {
			t.Errorf("key %q: %v, %v", id, k, err)
		}
	}
	for name, set := range map[string]string{
		"nothing":        "",
		"no keys":        `{"keys":[]}`,
		"keys twice":     `{"keys":[` + key("a") + `],"keys":5}`,
		"no kid":         `{"keys":[` + key("") + `]}`,
		"one kid twice":  `{"keys":[` + key("a") + "," + key("a") + `]}`,
		"a secret":       `{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0cw"}]}`,
		"an unknown kty": `{"keys":[{"kty":"unheard-of","kid":"s"}]}`,
	} {
		if _, err := caep.StaticKeys([]byte(set)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
