package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// A Gate is a Middleware over a pool in the process, with all that it tells its
// operator.
type Gate struct {
	t    testing.TB
	Pool *cognitotest.Pool
	Auth *cognitoauth.Middleware

	Level slog.LevelVar // of the log

	mu        sync.Mutex
	log       bytes.Buffer // JSON, a record a line
	Decisions []cognitoauth.Decision
	events    []string
}

// NewGate makes one whose keys are there already, if they can be had; change
// may be nil.
func NewGate(t testing.TB, change func(*cognitoauth.Config)) *Gate {
	t.Helper()
	g := &Gate{t: t, Pool: cognitotest.NewPool(t, cognitotest.Options{InProcess: true})}
	cfg := g.Pool.Config()
	cfg.Logger = slog.New(slog.NewJSONHandler(g, &slog.HandlerOptions{Level: &g.Level}))
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.Decisions = append(g.Decisions, d)
		g.events = append(g.events, "decision")
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if g.Auth, err = cognitoauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := g.Auth.Ready(t.Context()); err != nil && !errors.Is(err, cognitoauth.ErrUnavailable) {
		t.Fatal(err)
	}
	g.Forget()
	return g
}

// Write takes what the logger writes.
func (g *Gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.Write(b)
}

// Forget empties the log and forgets decisions and events.
func (g *Gate) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Reset()
	g.Decisions, g.events = nil, nil
}

// Written is the whole log.
func (g *Gate) Written() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

// Records are the records of the log but those about key sets, which come when
// they like.
func (g *Gate) Records() (all []map[string]any) {
	g.t.Helper()
	for line := range strings.Lines(g.Written()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			g.t.Fatal(err)
		}
		if record["url"] == nil {
			all = append(all, record)
		}
	}
	return all
}

// Page is a handler that says that it ran, and for whom.
func (g *Gate) Page() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.events = append(g.events, "handler")
		g.mu.Unlock()
		who := "nobody"
		if c, ok := cognitoauth.FromContext(r.Context()); ok {
			who = c.Username
		}
		io.WriteString(w, who)
	})
}

// Ran reports whether a Page ran since Forget was called last.
func (g *Gate) Ran() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.events, "handler")
}

// Good is an Authorization header with a good token of a user.
func (g *Gate) Good() string { return "Bearer " + g.Pool.AccessToken().String() }

// The policies that the routes of [NewSite] require.
var (
	ReadOrders  = cognitoauth.Scope("orders/read")
	WriteOrders = cognitoauth.Scope("orders/write")
)

// NewSite is a mux with a route of each kind.
func NewSite(g *Gate) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(g.Page()))
	mux.Handle("/greet", cognitoauth.Optional(g.Page()))
	mux.Handle("/me", g.Page())
	mux.Handle("/orders", cognitoauth.Require(ReadOrders, g.Page()))
	mux.Handle("/nested", cognitoauth.Require(ReadOrders, cognitoauth.Require(WriteOrders, g.Page())))
	mux.Handle("/hidden", Passing(cognitoauth.Require(ReadOrders, g.Page())))
	mux.Handle("/greet-hidden", cognitoauth.Optional(Passing(cognitoauth.Require(ReadOrders, g.Page()))))
	return mux
}
