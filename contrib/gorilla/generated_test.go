package cognitogorilla_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/cognitoauth/cognitoauth"
	cognitogorilla "github.com/cognitoauth/cognitoauth/contrib/gorilla"
)

// maker registers routes at random. It draws from bytes, so that a fuzzer can
// search for routers, too.
type maker struct {
	draw    []byte
	w       *witness
	handler int
	use     func(http.Handler) http.Handler // of some subrouters
	marks   bool                            // some endpoints are open
	guarded bool                            // the routers of the rest are given use
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

var segments = []string{"/a", "/b", "/{x}", "/{y:[ab]}", "/a{z}", "/{v}-{w}"}

func (m *maker) pattern() (p string) {
	for range m.below(3) {
		p += segments[m.below(len(segments))]
	}
	if m.below(4) == 0 || p == "" {
		p += "/"
	}
	return p
}

func (m *maker) handle() http.Handler {
	m.handler++
	kind := "protected"
	if m.use != nil && !m.guarded {
		kind = "outside"
	}
	if m.marks && m.below(2) == 0 {
		return cognitoauth.AllowAnonymous(m.w.named(fmt.Sprint("open ", m.handler)))
	}
	return m.w.named(fmt.Sprint(kind, " ", m.handler))
}

// limit gives a route more matchers, of all kinds.
func (m *maker) limit(r *mux.Route) {
	for range m.below(3) {
		switch m.below(6) {
		case 0:
			r.Methods("GET")
		case 1:
			r.Methods("POST", "OPTIONS")
		case 2:
			r.Host("{h}.example")
		case 3:
			r.Queries("q", "{q}")
		case 4:
			r.Headers("X-Kind", "a")
		case 5:
			r.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return strings.HasSuffix(r.URL.Path, "a") })
		}
	}
}

func (m *maker) register(r *mux.Router, depth int) {
	for range m.below(6) {
		m.one(r, depth)
	}
	was := m.guarded
	m.guarded = false // no middleware stands around these
	switch m.below(8) {
	case 0:
		r.NotFoundHandler = m.handle()
	case 1:
		r.MethodNotAllowedHandler = m.handle()
	}
	m.guarded = was
}

func (m *maker) one(r *mux.Router, depth int) {
	kind := m.below(8)
	if depth == 0 {
		kind %= 5
	}
	route := r.NewRoute()
	switch kind {
	case 0:
		route.PathPrefix(m.pattern()).Handler(m.handle())
	case 5, 6, 7:
		if m.below(2) == 0 {
			m.limit(route)
		}
		sub := route.PathPrefix(strings.TrimSuffix(m.pattern(), "/")).Subrouter()
		if m.below(3) == 0 {
			sub.StrictSlash(true)
		}
		was := m.guarded
		if m.use != nil && kind != 7 {
			sub.Use(m.use)
			m.guarded = true
		}
		m.register(sub, depth-1)
		m.guarded = was
		if m.use == nil && m.below(8) == 0 { // after the subrouter has matched
			m.limit(route)
		}
	default:
		route.Path(m.pattern()).Handler(m.handle())
		if m.below(2) == 0 {
			m.limit(route)
		}
	}
}

func newMaker(draw []byte, w *witness) (*maker, *mux.Router) {
	m := &maker{draw: draw, w: w}
	routes := mux.NewRouter()
	switch m.below(6) {
	case 0:
		routes.UseEncodedPath()
	case 1:
		routes.SkipClean(true)
	case 2:
		routes.StrictSlash(true)
	}
	return m, routes
}

// requests are of all kinds that the matchers know.
func requests(yield func(*http.Request) bool) {
	for i, path := range allPaths {
		r := request([]string{"GET", "POST", "PUT"}[i%3], path)
		if i%2 == 0 {
			r.Host = "a.example"
		}
		if i%5 < 2 {
			r.Header.Set("X-Kind", "a")
		}
		if i%7 < 3 {
			r.URL.RawQuery = "q=1"
		}
		if !yield(r) {
			return
		}
	}
}

var allPaths = func() []string {
	paths := []string{"/", "//", "*", ""}
	for _, a := range []string{"/a", "/b", "/c", "/ab", "/a-b"} {
		paths = append(paths, a, a+"/", a+"//a", a+"/%61", a+"%2Fa", a+"/../a")
		for _, b := range []string{"/a", "/b", "/c", "/ab", "/a-b"} {
			paths = append(paths, a+b, a+b+"/", a+b+"/a", a+b+"/b/", a+b+"/c/a", a+b)
		}
	}
	return paths
}()

func run(w *witness, h http.Handler, r *http.Request) string {
	w.ran = nil
	h.ServeHTTP(httptest.NewRecorder(), r)
	return w.name()
}

// check holds a router made of draw against gorilla itself, and against the
// promise: what runs without a token is marked, and is what gorilla alone would run.
func check(t *testing.T, auth *cognitoauth.Middleware, draw []byte) (named, open int) {
	var w witness
	m, routes := newMaker(draw, &w)
	m.marks = true
	m.register(routes, 2)
	rt := cognitogorilla.New(routes)
	wrapped := auth.Wrap(rt)
	for r := range requests {
		want := run(&w, routes, r)
		if got := run(&w, rt, admitted(r)); got != want {
			t.Errorf("draw %x: %s %s runs %q, in gorilla alone %q", draw, r.Method, r.URL, got, want)
		}
		if h := rt.ResolveEndpoint(r); h != nil {
			named++
			if got := run(&w, h, r); got != want {
				t.Errorf("draw %x: %s %s: named is %q, in gorilla alone runs %q", draw, r.Method, r.URL, got, want)
			}
		}
		switch got := run(&w, wrapped, r); {
		case got == "":
		case got != want || !strings.HasPrefix(got, "open"):
			t.Errorf("draw %x: %s %s without a token runs %q, in gorilla alone %q", draw, r.Method, r.URL, got, want)
		default:
			open++
		}
	}
	return named, open
}

const routers = 200

func TestGeneratedRouters(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	auth := newAuth(t)
	var named, open int
	for range routers {
		draw := make([]byte, 200)
		random.Read(draw)
		n, o := check(t, auth, draw)
		named, open = named+n, open+o
	}
	t.Logf("%d requests of %d had a route that is named, %d ran without a token", named, routers*len(allPaths), open)
	if named < 5_000 || open < 2_000 {
		t.Error("that is too little to say anything")
	}
}

// What stands in a subrouter that is given Use(auth.Wrap) does not run without a
// token, except for its NotFoundHandler and MethodNotAllowedHandler. Matchers that
// a route gets after Subrouter() are left out: with them, gorilla can forget the
// middleware.
func TestGeneratedGroups(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	auth := newAuth(t)
	protected := 0
	for range routers {
		draw := make([]byte, 200)
		random.Read(draw)
		var w witness
		m, routes := newMaker(draw, &w)
		m.register(routes, 2)
		var guardedW witness
		g, guarded := newMaker(draw, &guardedW)
		g.use = auth.Wrap
		g.register(guarded, 2)
		for r := range requests {
			if run(&w, routes, r) != "" {
				protected++
			}
			if got := run(&guardedW, guarded, r); strings.HasPrefix(got, "protected") {
				t.Errorf("draw %x: %s %s without a token runs %q", draw, r.Method, r.URL, got)
			}
		}
	}
	if protected < 5_000 {
		t.Error("that is too little to say anything")
	}
}

func FuzzRouter(f *testing.F) {
	auth := newAuth(f)
	f.Add([]byte{5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, draw []byte) { check(t, auth, draw) })
}
