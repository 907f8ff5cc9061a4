package playground

// This file holds the calls of the API, and what the operator sees of one.

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// result is what a form brought.
type result struct {
	// Title says what was done. Problem is a sentence about what could not be.
	Title, Problem string
	// Notes are sentences about what happened, and what to try next.
	Notes []string
	// Answer is what the API answered; nil: it was not called.
	Answer *answer
	// Decision is what Config.OnDecision got; nil: nothing.
	Decision *cognitoauth.Decision
	// Ladder has the checks of the token, and then the policy of the route.
	Ladder []rung
}

// answer is what the caller sees.
type answer struct {
	Status    int
	Text      string // of the status
	Good      bool
	Header    []string // the lines that have to do with authentication
	Body      string
	Truncated bool
}

const (
	callTimeout = 10 * time.Second
	maxBody     = 16 << 10 // of what is shown
)

// Policy says what a route demands.
func (p *playground) Policy(r Route) string {
	request, err := r.request(context.Background())
	if err != nil {
		return "unknown"
	}
	return cmp.Or(kit.RoutePolicy(p.API, request), "unknown: Config.API is not what Wrap returned")
}

// request is a request for the route.
func (route Route) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, route.Method, "http://localhost"+route.Path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	r.Header.Set("User-Agent", "cognitoauth playground")
	return r, nil
}

// call calls a route with a token.
func (p *playground) call(r *http.Request) *result {
	i, err := strconv.Atoi(r.PostForm.Get("route"))
	if err != nil || i < 0 || i >= len(p.Routes) {
		return &result{Problem: "There is no such route. Load the page again."}
	}
	route, name := p.Routes[i], r.PostForm.Get("token")
	got := &result{Title: route.Method + " " + route.Path + " without a token"}
	token := ""
	if name != "" {
		k := slices.IndexFunc(p.Tokens, func(t Token) bool { return t.Name == name })
		if k < 0 {
			return &result{Problem: "There is no such token. Load the page again."}
		}
		got.Title = route.Method + " " + route.Path + " with the token " + strconv.Quote(name)
		token = p.Tokens[k].Issue(p.Pool).String()
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	seen := new(sight)
	request, err := route.request(context.WithValue(ctx, sightKey{}, seen))
	if err != nil {
		return &result{Problem: err.Error()}
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	got.Answer, got.Problem = p.ask(request)
	got.Decision = seen.decision.Load()
	policy := kit.RoutePolicy(p.API, request)
	open := policy == "AllowAnonymous" || policy == "ProtectedResource"
	switch {
	case got.Decision == nil:
		got.Notes = append(got.Notes, "Set Config.OnDecision to playground.Watch to see here what the operator sees.")
	case policy == "ProtectedResource":
		got.Notes = append(got.Notes, "Wrap itself answers here, with the metadata of Config.ProtectedResources: nobody looks at the token.")
	case open:
		got.Notes = append(got.Notes, "The route is marked by AllowAnonymous: nobody looks at the token.")
	}
	if token != "" && !open {
		got.Ladder = p.ladder(r.Context(), token)
		if got.Decision != nil {
			got.Ladder = append(got.Ladder, policyRung(p.Policy(route), got))
		}
	}
	return got
}

// ask lets the API answer. A handler that panics aborts the answer, as it does in
// a server.
func (p *playground) ask(r *http.Request) (_ *answer, problem string) {
	w := &recorder{header: http.Header{}}
	defer func() {
		if v := recover(); v != nil {
			problem = fmt.Sprintf("The handler panicked (%T). A server closes the connection then.", v)
		}
	}()
	p.API.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	a := &answer{Status: w.status, Text: http.StatusText(w.status), Good: w.status < 400, Truncated: w.cut}
	for _, name := range []string{"WWW-Authenticate", "Retry-After", "Cache-Control", "Content-Type", "Location", "Vary"} {
		for _, v := range w.sent[http.CanonicalHeaderKey(name)] {
			a.Header = append(a.Header, name+": "+v)
		}
	}
	a.Body = strings.ToValidUTF8(w.body.String(), "\uFFFD")
	return a, ""
}

// recorder is a ResponseWriter that keeps the beginning of the answer. A handler
// that never stops writing fills no memory, and ends with its context.
type recorder struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
	cut          bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	room := min(maxBody-w.body.Len(), len(p))
	w.body.Write(p[:room])
	w.cut = w.cut || room < len(p)
	return len(p), nil
}

func (w *recorder) Flush() {}

// Watch lets the page show what the operator sees. Set it as
// cognitoauth.Config.OnDecision, or call it from a function of your own there. It
// keeps the decisions about calls of the page, and ignores all others.
func Watch(ctx context.Context, d cognitoauth.Decision) {
	if s, ok := ctx.Value(sightKey{}).(*sight); ok {
		s.decision.Store(&d)
	}
}

// sight is where Watch puts the decision about a call. Authorize may tell several at a
// time.
type sight struct {
	decision atomic.Pointer[cognitoauth.Decision]
}

type sightKey struct{}
