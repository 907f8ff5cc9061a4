package cognitoauth_test

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

func TestMarkers_panic(t *testing.T) {
	h, mux := http.NotFoundHandler(), http.NewServeMux()
	router := lab.Resolver(func(*http.Request) http.Handler { return nil })
	markers := map[string]func(http.Handler) http.Handler{"AllowAnonymous": cognitoauth.AllowAnonymous, "Optional": cognitoauth.Optional}
	for name, mark := range markers {
		for what, h := range map[string]http.Handler{
			"nil": nil, "a nil function": http.HandlerFunc(nil), "a mux": mux, "a nil mux": (*http.ServeMux)(nil), "a resolver": router,
			"AllowAnonymous": cognitoauth.AllowAnonymous(h), "Optional": cognitoauth.Optional(h), "Require": cognitoauth.Require(lab.ReadOrders, h),
			"mux.ServeHTTP": http.HandlerFunc(mux.ServeHTTP), "http.DefaultServeMux.ServeHTTP": http.HandlerFunc(http.DefaultServeMux.ServeHTTP),
			"nested Requires": cognitoauth.Require(lab.ReadOrders, cognitoauth.Require(lab.WriteOrders, h)),
		} {
			lab.MustPanic(t, name, what, func() { mark(h) })
		}
		if mark(h) == nil {
			t.Errorf("%s of a handler is nil", name)
		}
		lab.MustPanic(t, "Require", name, func() { cognitoauth.Require(lab.ReadOrders, mark(h)) })
	}
	lab.MustPanic(t, "Require", "nil", func() { cognitoauth.Require(lab.ReadOrders, nil) })
	lab.MustPanic(t, "Require", "a nil function", func() { cognitoauth.Require(lab.ReadOrders, http.HandlerFunc(nil)) })
	lab.MustPanic(t, "Require", "the zero Policy", func() { cognitoauth.Require(cognitoauth.Policy{}, h) })
	auth, _ := lab.Wrapped(t)
	lab.MustPanic(t, "Wrap", "nil", func() { auth.Wrap(nil) })
	lab.MustPanic(t, "Wrap", "a nil function", func() { auth.Wrap(http.HandlerFunc(nil)) })
	lab.MustPanic(t, "Wrap", "nil by a nil Middleware", func() { (*cognitoauth.Middleware)(nil).Wrap(nil) })
	if cognitoauth.Require(lab.ReadOrders, mux) == nil || cognitoauth.Require(cognitoauth.And(), h) == nil {
		t.Error("Require of a mux, and of a policy that is never met, is allowed")
	}
}

// A marker around StripPrefix opens all that is inside, which is right for files.
func TestMarkers_stripPrefix(t *testing.T) {
	files := fstest.MapFS{"app.css": {Data: []byte("body{}")}, "app/logo.svg": {Data: []byte("<svg/>")}}
	auth, _ := lab.Wrapped(t)
	for name, mark := range map[string]func(http.Handler) http.Handler{"AllowAnonymous": cognitoauth.AllowAnonymous, "Optional": cognitoauth.Optional} {
		mux := http.NewServeMux()
		mux.Handle("GET /static/", mark(http.StripPrefix("/static/", http.FileServerFS(files))))
		for path, want := range map[string]string{
			"/static/app.css": "200 body{}", "/static/app/logo.svg": "200 <svg/>", "/static/none": "404 404 page not found\n",
		} {
			w := lab.Ask(auth.Wrap(mux), lab.Call("GET "+path))
			if got := fmt.Sprint(w.Code, " ", w.Body); got != want {
				t.Errorf("%s, %s: %q, want %q", name, path, got, want)
			}
		}
		if w := lab.Ask(auth.Wrap(mux), lab.Call("GET /static/..%2fapp.css")); w.Code != 401 {
			t.Errorf("%s, dots: %d", name, w.Code)
		}
	}
}

// Detail names what hides the routes from Wrap, where it is a usual mistake. The
// one with chi is in examples/routers/chi.
func TestWrap_saysWhatHidesTheRoutes(t *testing.T) {
	g := lab.NewGate(t, nil)
	site := lab.NewSite(g)
	under := func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", h)
		return mux
	}
	for _, tt := range []struct {
		name    string
		wrapped http.Handler
		want    string
		never   string
	}{
		{"Wrap of StripPrefix", http.StripPrefix("/v1", site), "Wrap was given http.StripPrefix", "EndpointResolver"},
		{"Wrap of Wrap", g.Auth.Wrap(site), "Wrap was given what another Wrap returned", "EndpointResolver"},
		{"Wrap of mux.ServeHTTP", http.HandlerFunc(site.ServeHTTP), "Wrap was given mux.ServeHTTP", "EndpointResolver"},
		{"Wrap of another function", lab.Passing(site), "Wrap was given a http.HandlerFunc", "StripPrefix"},
		{"Wrap of a function of that name", StripPrefix(site), "Wrap was given a http.HandlerFunc", "http.StripPrefix"},
		{"StripPrefix in a mux", under(http.StripPrefix("/v1", site)), "it is http.StripPrefix", "not a marker"},
		{"Wrap in a mux", under(g.Auth.Wrap(site)), "it is what another Wrap returned", "not a marker"},
		{"mux.ServeHTTP in a mux", under(http.HandlerFunc(site.ServeHTTP)), "it is mux.ServeHTTP", "not a marker"},
		{"another function of net/http in a mux", under(http.NotFoundHandler()), "not a marker", "StripPrefix"},
		{"another function in a mux", under(lab.Passing(site)), "not a marker", "StripPrefix"},
	} {
		g.Forget()
		w := lab.Ask(g.Auth.Wrap(tt.wrapped), lab.Call("GET /v1/healthz"))
		detail := g.Decisions[0].Err.Detail()
		if w.Code != 401 || g.Ran() || !strings.Contains(detail, tt.want) || strings.Contains(detail, tt.never) {
			t.Errorf("%s: %d, %s; want %q and not %q", tt.name, w.Code, detail, tt.want, tt.never)
		}
	}
}

// Where the mux has no route, Detail says whether for the path or for the method.
func TestWrap_saysWhatTheMuxDoesNotHave(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := g.Auth.Wrap(lab.NewSite(g))
	for line, want := range map[string]string{"GET /nowhere": "no pattern of the mux matches the path", "POST /healthz": "none for the method"} {
		g.Forget()
		w := lab.Ask(h, lab.Call(line))
		if detail := g.Decisions[0].Err.Detail(); w.Code != 401 || !strings.Contains(detail, want) {
			t.Errorf("%s: %d, %s; want %q", line, w.Code, detail, want)
		}
	}
	if w := lab.Ask(g.Auth.Wrap((*http.ServeMux)(nil)), lab.Call("GET /")); w.Code != 401 {
		t.Errorf("a nil mux: %d, want 401", w.Code)
	}
}

// StripPrefix has the name of the one in net/http, and is from another file.
func StripPrefix(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
}

// Require adds to the fallback, wherever it stands.
func TestRequire_adds(t *testing.T) {
	staff := cognitoauth.Group("staff")
	g := lab.NewGate(t, fallback(staff))
	mux := lab.NewSite(g)
	mux.Handle("/twice-hidden", lab.Passing(cognitoauth.Require(lab.ReadOrders, lab.Passing(cognitoauth.Require(lab.WriteOrders, g.Page())))))
	mux.Handle("/items/{id}", cognitoauth.Require(cognitoauth.Assert("id is 7", func(r *http.Request, _ *cognitoauth.Claims) bool { return r.PathValue("id") == "7" }), g.Page()))
	h := g.Auth.Wrap(mux)
	plain, inStaff := g.Pool.AccessToken(), g.Pool.AccessToken().Groups("staff")
	for _, tt := range []struct {
		name  string
		path  string
		token *cognitotest.Token
		want  int
	}{
		{"fallback met", "/me", inStaff, 200},
		{"fallback not met", "/me", plain, 403},
		{"fallback does not apply to Optional", "/greet", plain, 200},
		{"fallback does not apply to AllowAnonymous", "/healthz", plain, 200},
		{"fallback applies to unknown routes", "/nowhere", plain, 403},
		{"unknown route behind the fallback", "/nowhere", inStaff, 404},
		{"both met", "/orders", inStaff.Scopes("orders/read"), 200},
		{"Require alone met", "/orders", plain.Scopes("orders/read"), 403},
		{"fallback alone met", "/orders", inStaff, 403},
		{"nested, all met", "/nested", inStaff.Scopes("orders/read", "orders/write"), 200},
		{"nested, inner not met", "/nested", inStaff.Scopes("orders/read"), 403},
		{"nested, outer not met", "/nested", inStaff.Scopes("orders/write"), 403},
		{"hidden, met", "/hidden", inStaff.Scopes("orders/read"), 200},
		{"hidden, not met", "/hidden", inStaff, 403},
		{"hidden, fallback not met", "/hidden", plain.Scopes("orders/read"), 403},
		{"hidden twice, met", "/twice-hidden", inStaff.Scopes("orders/read", "orders/write"), 200},
		{"hidden twice, inner not met", "/twice-hidden", inStaff.Scopes("orders/read"), 403},
		{"path value is there", "/items/7", inStaff, 200},
		{"path value is another", "/items/8", inStaff, 403},
		{"hidden under Optional, met", "/greet-hidden", plain.Scopes("orders/read"), 200},
		{"hidden under Optional, not met", "/greet-hidden", plain, 403},
	} {
		g.Forget()
		w := lab.Ask(h, lab.Call("GET "+tt.path, "Authorization", "Bearer "+tt.token.String()))
		if ran := tt.want == 200; w.Code != tt.want || g.Ran() != ran {
			t.Errorf("%s: status %d, handler ran: %v; want %d", tt.name, w.Code, g.Ran(), tt.want)
		}
	}
}

func TestRequire_underOptionalWithoutToken(t *testing.T) {
	g := lab.NewGate(t, nil)
	w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /greet-hidden"))
	params, err := parseChallenge(w.Header().Get("WWW-Authenticate"))
	if want := (map[string]string{"realm": "api", "scope": "orders/read"}); err != nil || w.Code != 401 || lab.CodeOf(t, w) != "token_missing" || !maps.Equal(params, want) || g.Ran() {
		t.Errorf("%d %s %v %v, want 401 with the scope", w.Code, w.Body, params, err)
	}
}

// A Require that no Wrap has prepared the request for says so, once, where an
// operator will see it.
func TestRequire_notWired(t *testing.T) {
	g := lab.NewGate(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.ReadOrders, g.Page()))))
	for name, h := range map[string]http.Handler{"without Wrap": lab.NewSite(g), "under AllowAnonymous": g.Auth.Wrap(mux)} {
		g.Forget()
		var w *httptest.ResponseRecorder
		records := defaultLog(t, func() { w = lab.Ask(h, lab.Call("GET /orders", "Authorization", g.Good())) })
		if w.Code != 500 || lab.CodeOf(t, w) != "not_wired" || len(w.Header().Values("WWW-Authenticate")) > 0 || g.Ran() {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if len(records) != 1 || !strings.Contains(records[0], `"level":"ERROR"`) || !strings.Contains(records[0], "Wrap") || !strings.Contains(records[0], "orders/read") {
			t.Errorf("%s: records %q, want one error that names the Require and Wrap", name, records)
		}
	}
	records := defaultLog(t, func() { lab.Ask(g.Auth.Wrap(lab.NewSite(g)), lab.Call("GET /orders", "Authorization", g.Good())) })
	if len(records) > 0 {
		t.Errorf("a Require that is wired wrote %q", records)
	}
}

// Anybody can make such requests, so they are logged like refusals: ten a minute,
// and a count of the others. Each Require counts by itself.
func TestRequire_notWiredIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lab.NewGate(t, nil)
		mux := http.NewServeMux()
		mux.Handle("/{name}", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.ReadOrders, g.Page()))))
		mux.Handle("/other", cognitoauth.AllowAnonymous(lab.Passing(cognitoauth.Require(lab.WriteOrders, g.Page()))))
		h := g.Auth.Wrap(mux)
		ask := func(times int, path string) []string {
			return defaultLog(t, func() {
				for i := range times {
					if w := lab.Ask(h, lab.Call(fmt.Sprint("GET ", path, i))); w.Code != 500 {
						t.Fatalf("status %d", w.Code)
					}
				}
			})
		}
		if records := ask(1000, "/orders"); len(records) != 10 || strings.Contains(fmt.Sprint(records), "suppressed") {
			t.Errorf("1,000 requests wrote %d records, want 10", len(records))
		}
		records := defaultLog(t, func() { lab.Ask(h, lab.Call("GET /other")) })
		if len(records) != 1 || !strings.Contains(records[0], "orders/write") {
			t.Errorf("another Require wrote %q, want a record of its own", records)
		}
		time.Sleep(time.Minute + 1)
		records = ask(1000, "/orders")
		if len(records) != 10 || !strings.Contains(records[0], `"suppressed":990`) || strings.Contains(records[1], "suppressed") {
			t.Errorf("a minute later: %d records, first %q; want 10, the first counting 990", len(records), records[:min(1, len(records))])
		}
	})
}

// defaultLog returns the records that f makes slog.Default() write.
func defaultLog(t *testing.T, f func()) []string {
	t.Helper()
	var out bytes.Buffer
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, nil)))
	f()
	return slices.Collect(strings.Lines(out.String()))
}

// With claims from the kit a Require works without a Middleware.
func TestRequire_inHandlerTest(t *testing.T) {
	g := lab.NewGate(t, nil)
	h := cognitoauth.Require(lab.ReadOrders, cognitoauth.Require(lab.WriteOrders, g.Page()))
	for scopes, want := range map[string]int{"orders/read orders/write": 200, "orders/read": 403, "orders/write": 403, "": 403} {
		g.Forget()
		claims := g.Pool.AccessToken().Set("scope", scopes).Claims()
		w := lab.Ask(h, cognitotest.WithClaims(lab.Call("GET /"), claims))
		if w.Code != want || g.Ran() != (want == 200) {
			t.Errorf("scopes %q: status %d, handler ran: %v; want %d", scopes, w.Code, g.Ran(), want)
		}
		if want == 403 {
			if params, err := parseChallenge(w.Header().Get("WWW-Authenticate")); err != nil || params["error"] != "insufficient_scope" || params["realm"] != "api" {
				t.Errorf("scopes %q: challenge %v, %v", scopes, params, err)
			}
		}
	}
}
