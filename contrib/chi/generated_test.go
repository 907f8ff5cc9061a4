package cognitochi_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/cognitoauth/cognitoauth"
	cognitochi "github.com/cognitoauth/cognitoauth/contrib/chi"
)

// maker registers routes at random. It draws from bytes, so that a fuzzer can
// search for routers, too.
type maker struct {
	draw    []byte
	w       *witness
	handler int
	mounted map[string]bool
}

// below returns a number from 0 to n-1, and 0 when the bytes are used up.
func (m *maker) below(n int) int {
	if len(m.draw) == 0 {
		return 0
	}
	b := m.draw[0]
	m.draw = m.draw[1:]
	return int(b) % n
}

var (
	segments = []string{"/a", "/b", "/{x}", "/{y}", "/{z:[ab]}", "/a{x}", "/{x}.b", "/{x}-{y}"}
	endings  = []string{"", "", "", "/", "/*"}
	methods  = []string{"", "", "GET ", "POST "}
)

func (m *maker) pattern() (p string) {
	for range m.below(3) {
		p += segments[m.below(len(segments))]
	}
	if p += endings[m.below(len(endings))]; p == "" {
		p = "/"
	}
	return p
}

// prefix is a pattern to mount something on. It has no wildcard, with which Mount
// panics when half of it is done. And it differs from all others: chi does not
// always notice that something is mounted on the same pattern already, and then
// runs the second, while Routes and Find have the first.
func (m *maker) prefix() string {
	p := strings.TrimSuffix(m.pattern(), "*")
	same := names.ReplaceAllString(strings.TrimSuffix(p, "/"), "{}")
	if m.mounted[same] {
		panic("mounted already")
	}
	m.mounted[same] = true
	return p
}

var names = regexp.MustCompile(`\{[^}]*\}`)

// handle makes an endpoint that is open or protected.
func (m *maker) handle() http.Handler {
	m.handler++
	if m.below(2) == 0 {
		return m.w.named(fmt.Sprint("protected ", m.handler))
	}
	return cognitoauth.AllowAnonymous(m.w.named(fmt.Sprint("open ", m.handler)))
}

// middleware hands the request on as it is, or as another one.
func (m *maker) middleware() func(http.Handler) http.Handler {
	change := m.below(3)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch change {
			case 1:
				chi.RouteContext(r.Context()).RouteMethod = "POST"
			case 2:
				chi.RouteContext(r.Context()).RoutePath = "/a"
			}
			next.ServeHTTP(w, r)
		})
	}
}

// register adds some routes to r. Chi panics on what it does not take, before it
// changes anything that counts.
func (m *maker) register(r chi.Router, depth int) {
	for range 1 + m.below(6) {
		func() {
			defer func() { recover() }()
			m.one(r, depth)
		}()
	}
}

func (m *maker) one(r chi.Router, depth int) {
	kind := m.below(12)
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 5, 6:
		r.Route(m.prefix(), func(r chi.Router) { m.register(r, depth-1) })
	case 7:
		r.Group(func(r chi.Router) { m.register(r, depth-1) })
	case 8:
		r.Group(func(r chi.Router) {
			r.Use(m.middleware())
			m.register(r, depth-1)
		})
	case 9:
		r.Route(m.prefix(), func(r chi.Router) {
			r.Use(m.middleware())
			m.register(r, depth-1)
		})
	case 10:
		r.Mount(m.prefix(), m.handle())
	case 11:
		inner := http.NewServeMux()
		inner.Handle("/a/", m.handle())
		inner.Handle("GET /b", m.handle())
		r.With(m.middleware()).Handle(m.pattern(), inner)
	default:
		r.Handle(methods[m.below(len(methods))]+m.pattern(), m.handle())
	}
}

// allPaths are the paths of at most three segments, and their like.
var allPaths = func() (paths []string) {
	level := []string{""}
	for range 3 {
		var next []string
		for _, p := range level {
			for _, s := range []string{"/a", "/b", "/c", "/ab", "/a.b", "/a-b"} {
				if len(level) < 36 || s < "/ab" {
					next = append(next, p+s)
				}
			}
		}
		paths = append(paths, next...)
		level = next
	}
	for _, p := range paths[:60] {
		paths = append(paths, p+"/", p+"//a", p+"/%61", p+"%2Fa")
	}
	return append(paths, "/", "//", "/*")
}()

// check holds a router made of draw against chi itself, and against the promise:
// what runs without a token is marked, and it is what chi alone would run.
func check(t *testing.T, auth *cognitoauth.Middleware, draw []byte) (named, open int) {
	var w witness
	m := &maker{draw: draw, w: &w, mounted: map[string]bool{}}
	mux := chi.NewRouter()
	m.register(mux, 2)
	rt := cognitochi.New(mux)
	wrapped := auth.Wrap(rt)
	run := func(h http.Handler, r *http.Request) string {
		w.ran = nil
		h.ServeHTTP(httptest.NewRecorder(), r)
		return w.name()
	}
	for i, path := range allPaths {
		method := []string{"GET", "POST"}[i%2]
		want := run(mux, request(method, path))
		if got := run(rt, request(method, path)); got != want {
			t.Errorf("draw %x: %s %s runs %q, in chi alone %q", draw, method, path, got, want)
		}
		if h := rt.ResolveEndpoint(request(method, path)); h != nil {
			if _, isMux := h.(*http.ServeMux); !isMux {
				named++
				if got := run(h, request(method, path).WithContext(context.WithValue(t.Context(), chi.RouteCtxKey, chi.NewRouteContext()))); got != want {
					t.Errorf("draw %x: %s %s: named is %q, in chi alone runs %q", draw, method, path, got, want)
				}
			}
		}
		switch got := run(wrapped, request(method, path)); {
		case got == "":
		case got != want || got[:4] != "open":
			t.Errorf("draw %x: %s %s without a token runs %q, in chi alone %q", draw, method, path, got, want)
		default:
			open++
		}
	}
	return named, open
}

func TestGeneratedRouters(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	auth := newAuth(t)
	const routers = 50
	var named, open int
	for range routers {
		draw := make([]byte, 200)
		random.Read(draw)
		n, o := check(t, auth, draw)
		named, open = named+n, open+o
	}
	t.Logf("%d requests of %d had a route that is named, %d ran without a token", named, routers*len(allPaths), open)
	if named < 3_000 || open < 800 {
		t.Error("that is too little to say anything")
	}
}

func FuzzRouter(f *testing.F) {
	auth := newAuth(f)
	f.Add([]byte{5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, draw []byte) { check(t, auth, draw) })
}
