package revocation_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
)

func post(h http.Handler, body string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/admin/revocations", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAdmin_revokes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, body := range []string{
			`{"kind":"token","pool":"eu-west-1_EXAMPLE01","id":"jti-1"}`,
			`{"kind":"sign-in","pool":"eu-west-1_EXAMPLE01","id":"origin-1"}`,
			`{"kind":"user","pool":"eu-west-1_EXAMPLE01","id":"sub-1"}`,
			`{"kind":"client","pool":"eu-west-1_EXAMPLE01","id":"client-1"}`,
			`{"kind":"pool","pool":"eu-west-1_EXAMPLE01"}`,
		} {
			l := newList(t, new(revocation.MemoryStore))
			run(t, l)
			settle()
			res := post(l.Admin(), body)
			if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent || len(text) != 0 {
				t.Errorf("%s: answered %d %s", body, res.StatusCode, text)
			}
			if !revoked(t, l, claims()) {
				t.Errorf("%s: the token is admitted", body)
			}
		}
	})
}

func TestAdmin_lifetime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newList(t, new(revocation.MemoryStore))
		run(t, l)
		settle()
		post(l.Admin(), `{"kind":"token","pool":"eu-west-1_EXAMPLE01","id":"jti-1","lifetime":"100h"}`)
		time.Sleep(99 * time.Hour)
		settle()
		if !revoked(t, l, claims()) {
			t.Error("it ended before its time")
		}
	})
}

func TestAdmin_refuses(t *testing.T) {
	l := newList(t, new(revocation.MemoryStore))
	const good = `{"kind":"user","pool":"eu-west-1_EXAMPLE01","id":"sub-1"}`
	for name, tt := range map[string]struct {
		body   string
		change func(*http.Request)
		want   int
	}{
		"nothing":               {"", nil, 400},
		"an array":              {"[" + good + "]", nil, 400},
		"two objects":           {good + good, nil, 400},
		"an unknown member":     {`{"kind":"user","pool":"p","id":"x","before":"now"}`, nil, 400},
		"a member twice":        {`{"kind":"user","pool":"p","id":"x","id":"y"}`, nil, 400},
		"a member in capitals":  {`{"Kind":"user","pool":"p","id":"x"}`, nil, 400},
		"a number":              {`{"kind":"user","pool":"p","id":1}`, nil, 400},
		"no kind":               {`{"pool":"p","id":"x"}`, nil, 400},
		"a heartbeat":           {`{"kind":"heartbeat","pool":"p","id":"x"}`, nil, 400},
		"no pool":               {`{"kind":"user","id":"x"}`, nil, 400},
		"no id":                 {`{"kind":"user","pool":"p"}`, nil, 400},
		"a pool with an id":     {`{"kind":"pool","pool":"p","id":"x"}`, nil, 400},
		"a lifetime in numbers": {`{"kind":"user","pool":"p","id":"x","lifetime":"48"}`, nil, 400},
		"a negative lifetime":   {`{"kind":"user","pool":"p","id":"x","lifetime":"-1h"}`, nil, 400},
		"invalid UTF-8":         {"{\"kind\":\"user\",\"pool\":\"p\",\"id\":\"\xff\"}", nil, 400},
		"over 64 KiB":           {`{"kind":"user","pool":"p","id":"` + strings.Repeat("x", 64<<10) + `"}`, nil, 413},
		"a form":                {good, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415},
		"no type":               {good, func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		"GET":                   {"", func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"a body that breaks off": {"", func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(good), breaksOff{}))
		}, 400},
	} {
		if tt.change == nil {
			tt.change = func(*http.Request) {}
		}
		res := post(l.Admin(), tt.body, tt.change)
		var problem struct {
			Status int
			Detail string
		}
		if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.StatusCode != tt.want || problem.Status != tt.want || problem.Detail == "" || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: answered %d %+v, want %d", name, res.StatusCode, problem, tt.want)
		}
	}
	if n := len(l.Status().Entries); n != 0 {
		t.Errorf("%d kinds have entries", n)
	}
}

type breaksOff struct{}

func (breaksOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAdmin_storeAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &faulty{in: new(revocation.MemoryStore)}
		l := newList(t, store, func(c *revocation.Config) { c.MaxEntries = 1 })
		run(t, l)
		settle()
		store.set(func(f *faulty) { f.down = true })
		res := post(l.Admin(), `{"kind":"user","pool":"eu-west-1_EXAMPLE01","id":"sub-1"}`)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("answered %d", res.StatusCode)
		}
		if !revoked(t, l, claims()) {
			t.Error("not in force here")
		}
		if res := post(l.Admin(), `{"kind":"user","pool":"eu-west-1_EXAMPLE01","id":"sub-2"}`); res.StatusCode != http.StatusInsufficientStorage {
			t.Errorf("the list is full: answered %d", res.StatusCode)
		}
	})
}

func TestKind_String(t *testing.T) {
	for kind, want := range map[revocation.Kind]string{
		revocation.Token: "token", revocation.SignIn: "sign-in", revocation.User: "user",
		revocation.Client: "client", revocation.Pool: "pool", 0: "Kind(0)", 6: "Kind(6)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
