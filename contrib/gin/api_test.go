package cognitogin_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/gin-gonic/gin"
)

func init() { gin.SetMode(gin.ReleaseMode) }

// api is a server under test, with the names of the handlers that ran and what
// OnDecision got.
type api struct {
	pool *cognitotest.Pool
	auth *cognitoauth.Middleware
	url  string
	stop func()

	mu        sync.Mutex
	ran       []string
	decisions []cognitoauth.Decision
}

func newAPI(t *testing.T, options ...func(*cognitoauth.Config)) *api {
	t.Helper()
	a := &api{pool: cognitotest.NewPool(t, cognitotest.Options{})}
	config := a.pool.Config()
	config.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.decisions = append(a.decisions, d)
	}
	for _, option := range options {
		option(&config)
	}
	var err error
	if a.auth, err = cognitoauth.New(config); err != nil {
		t.Fatal(err)
	}
	return a
}

// serve serves h until the test ends.
func (a *api) serve(t *testing.T, h http.Handler) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	a.url, a.stop = s.URL, s.Close
}

// answer is a gin handler that says that it ran, and for whom.
func (a *api) answer(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		a.record(name)
		c.String(http.StatusOK, "%s for %s", name, caller(c.Request.Context()))
	}
}

func (a *api) record(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ran = append(a.ran, name)
}

func caller(ctx context.Context) string {
	if claims, ok := cognitoauth.FromContext(ctx); ok {
		return claims.Username
	}
	return "anybody"
}

// result is an answer, and what ran for it.
type result struct {
	status int
	header http.Header
	body   string
	ran    string
}

// String returns the status and, for a refusal, its code; for an answer of a handler,
// its body.
func (r result) String() string {
	var problem struct{ Code string }
	if json.Unmarshal([]byte(r.body), &problem) == nil {
		return http.StatusText(r.status) + " " + problem.Code
	}
	return http.StatusText(r.status) + " " + r.body
}

func (a *api) do(t *testing.T, method, path, token string) result {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return a.send(t, r)
}

func (a *api) send(t *testing.T, r *http.Request) result {
	t.Helper()
	a.mu.Lock()
	a.ran = nil
	a.mu.Unlock()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return result{res.StatusCode, res.Header, string(body), strings.Join(a.ran, " ")}
}

// row is a request, and what has to come of it.
type row struct{ name, method, path, token, want, ran string }

func (a *api) run(t *testing.T, rows []row) {
	t.Helper()
	for _, test := range rows {
		token := ""
		switch test.token {
		case "jane":
			token = a.pool.AccessToken().String()
		case "writer":
			token = a.pool.AccessToken().Scopes("orders/write").String()
		case "tampered":
			token = a.pool.AccessToken().Tampered().String()
		}
		got := a.do(t, test.method, test.path, token)
		if got.String() != test.want || got.ran != test.ran {
			t.Errorf("%s: %s %s: %q, ran %q; want %q, ran %q", test.name, test.method, test.path, got, got.ran, test.want, test.ran)
		}
	}
}

// last returns the last decision.
func (a *api) last() cognitoauth.Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.decisions[len(a.decisions)-1]
}
