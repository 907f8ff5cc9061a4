// Package playground is a web page for an API behind cognitoauth: it calls the
// API's routes with tokens of a test pool, shows the answers beside what the
// operator sees, and tells of any pasted token which check refuses it. A team
// mounts it on its own API in development:
//
//	pool, err := cognitotest.Start(cognitotest.Options{})
//	...
//	cfg := pool.Config()
//	cfg.OnDecision = playground.Watch
//	auth, err := cognitoauth.New(cfg)
//	...
//	api := auth.Wrap(mux)
//	page, err := playground.New(playground.Config{Auth: auth, API: api, Routes: routes, Pool: pool, Tokens: tokens})
//	...
//	front := http.NewServeMux() // outside of Wrap: the page needs no token
//	front.Handle("/playground/", page)
//	front.Handle("/", api)
//
// The page answers nobody but this machine: the local address, the remote address
// and the Host must be loopback, and a forwarding header (Forwarded, X-Forwarded-*,
// X-Real-IP, Via), HTTP/1.0 or another Origin gives a proxy away. Everybody else
// gets 403. A proxy on the same machine that speaks HTTP/1.1 and leaves no trace
// cannot be told from a program there, so do not mount the page in production.
//
// A pasted token stays in the process: it is neither logged nor stored. What
// changes a state is a POST that another site cannot send (see
// [http.CrossOriginProtection]).
package playground

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync/atomic"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/local"
)

// Config says what the page shows. Only Auth is required.
type Config struct {
	_ [0]func() // keyed literals only

	// Auth is the Middleware of the API. It explains pasted tokens, and its Status
	// is what the page shows of the keys.
	Auth *cognitoauth.Middleware
	// API is what Auth.Wrap returned. The page calls its routes in the process, with
	// the headers Authorization and User-Agent only, for at most 10 s each. Nil: the
	// routes cannot be called.
	API http.Handler
	// Routes are the rows of the table.
	Routes []Route
	// Pool is the pool whose keys the page may rotate, withhold and let grow old. Make
	// Auth from its Config, which you may change and to which you may add pools. Nil:
	// the pool is a real one. Then the page has no tokens, and cannot change the keys.
	Pool *cognitotest.Pool
	// Tokens are what a route can be called with, besides no token. They need a Pool.
	Tokens []Token
	// Clock is the clock of Pool and Auth (see [Clock]). Nil: the page cannot move
	// the time.
	Clock *Clock
}

// Route is a route of the API. The page asks API which policy it has.
type Route struct {
	// Method and Path are those of the request that the page makes: "GET",
	// "/orders/7". The path has no wildcards.
	Method, Path string
	// About says in a few words what the route does.
	About string
}

// Token is a kind of token that the page sends.
type Token struct {
	// Name is what its button says: "jane".
	Name string
	// About says in a few words what the token is.
	About string
	// Issue makes a token, afresh for each call. Its argument is Config.Pool; a token
	// of another test pool that Auth trusts will do as well.
	Issue func(*cognitotest.Pool) *cognitotest.Token
}

//go:embed page.html style.css script.js icon.svg
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// New makes the page. Mount it at a path that ends with a slash. The error lists
// every mistake in c.
func New(c Config) (http.Handler, error) {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("playground: Config."+format, args...))
	}
	if c.Auth == nil {
		mistake("Auth is nil: set it to the Middleware that cognitoauth.New returned")
	}
	if c.API == nil && len(c.Routes) > 0 {
		mistake("API is nil, but there are Routes: set it to what Auth.Wrap returned")
	}
	for i, r := range c.Routes {
		if r.Method == "" || !strings.HasPrefix(r.Path, "/") {
			mistake("Routes[%d] is %q %q: expected a method and a path that begins with a slash", i, r.Method, r.Path)
		} else if _, err := http.NewRequest(r.Method, r.Path, nil); err != nil {
			mistake("Routes[%d]: %w", i, err)
		}
	}
	if c.Pool == nil && len(c.Tokens) > 0 {
		mistake("Tokens has %d kinds, but there is no Pool that could sign them: set Pool, or leave Tokens empty for a real pool", len(c.Tokens))
	}
	if c.Pool == nil && c.Clock != nil {
		mistake("Clock is set without a Pool: the time of a real pool cannot be moved")
	}
	names := map[string]bool{}
	for i, t := range c.Tokens {
		if t.Name == "" || t.Issue == nil || names[t.Name] {
			mistake("Tokens[%d] is %q: expected a Name of its own, and Issue", i, t.Name)
		}
		names[t.Name] = true
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	guarded := http.NewCrossOriginProtection().Handler(&playground{Config: c})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := outsider(r); why != "" {
			http.Error(w, "The playground answers programs on its own machine only, but "+why+".", http.StatusForbidden)
			return
		}
		guarded.ServeHTTP(w, r)
	}), nil
}

// playground is the page without its guards.
type playground struct {
	Config

	broken atomic.Bool // the key endpoint fails, as the page has asked
}

// outsider says why the page does not answer r, "" if it does. A proxy that
// replaces Host leaves Origin, where the browser says the host that it knows.
func outsider(r *http.Request) string {
	if why := local.Outsider(r); why != "" {
		return why
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "null" {
		if _, host, _ := strings.Cut(origin, "://"); !local.Host(host) {
			return "a page of another host asked, as Origin says"
		}
	}
	return ""
}

// ServeHTTP looks at the last segment of the path only, so the page can be mounted
// anywhere.
func (p *playground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	_, name := path.Split(r.URL.Path)
	if r.Method == http.MethodPost {
		p.post(w, r, name)
		return
	}
	switch name {
	case "":
		p.render(w, r, "page", nil)
	case "state":
		p.render(w, r, "state", nil)
	case "style.css", "script.js", "icon.svg":
		http.ServeFileFS(w, r, files, name)
	case "call", "explain", "keys": // a reload of an answer to a form
		http.Redirect(w, r, "./", http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

// post answers a form: the whole page with the result in it.
func (p *playground) post(w http.ResponseWriter, r *http.Request, name string) {
	act, ok := map[string]func(*http.Request) *result{"call": p.call, "explain": p.explain, "keys": p.turn}[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	got := &result{}
	if err := r.ParseForm(); err == nil {
		got = act(r)
	} else if _, long := errors.AsType[*http.MaxBytesError](err); long {
		got.Problem = "That is more than 1 MiB, and was not read. A token has a few kilobytes: paste the token alone."
	} else {
		got.Problem = "The form could not be read. Send it from this page again."
	}
	p.render(w, r, "page", got)
}

// maxForm is how long a form may be, in bytes.
const maxForm = 1 << 20

// view is what the templates show.
type view struct {
	*playground

	Result *result
}

// render writes a template. It goes through a buffer, so that a fault of the
// template cannot leave half a page.
func (p *playground) render(w http.ResponseWriter, r *http.Request, name string, got *result) {
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, name, view{p, got}); err != nil {
		http.Error(w, "The page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.Method != http.MethodHead {
		_, _ = b.WriteTo(w)
	}
}
