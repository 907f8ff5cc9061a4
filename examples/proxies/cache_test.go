package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

var caches = []wiring{
	{name: "nginx, `proxy_cache`", program: front.Nginx, config: "nginx-cache.conf"},
	{name: "HAProxy, `cache`", program: front.HAProxy, config: "haproxy-cache.cfg"},
	{name: "Apache, mod_cache_disk", program: front.Apache, config: "apache-cache.conf"},
	{name: "Varnish", program: front.Varnish, config: "varnish-through.vcl"},
	{name: "Squid", program: front.Squid, config: "squid-through.conf"},
}

// Whether a second caller gets what a cache has kept of the first one's answer.
func TestCache(t *testing.T) {
	w := newWorld(t)
	auth, err := cognitoauth.New(w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []struct{ path, header string }{{"/max-age", "max-age=60"}, {"/private", "private, max-age=60"}, {"/no-store", "no-store"}, {"/silent", ""}}
	mux := http.NewServeMux()
	for _, kind := range kinds {
		mux.HandleFunc("GET "+kind.path, func(rw http.ResponseWriter, r *http.Request) {
			if kind.header != "" {
				rw.Header().Set("Cache-Control", kind.header)
			}
			claims, _ := cognitoauth.FromContext(r.Context())
			io.WriteString(rw, claims.Username)
		})
	}
	api := w.serve(t, auth.Wrap(mux))
	each(t, "cache", caches, func(t *testing.T, v wiring) (cells []string) {
		site := w.start(t, v, front.Site{API: api})
		for _, kind := range kinds {
			ask := func(user string) reply {
				return send(t, site, "GET "+kind.path+" HTTP/1.1\nHost: api.example.com\nAuthorization: Bearer "+w.pool.AccessToken().User(user).String()+"\n\n")
			}
			if first := ask("ada"); first.body != "ada" {
				t.Fatalf("the first caller gets %d %q", first.StatusCode, first.body)
			}
			switch second := ask("bob"); second.body {
			case "bob":
				cells = append(cells, "their own")
			case "ada":
				cells = append(cells, "**the first caller's**")
				if kind.path != "/max-age" {
					t.Errorf("%s: the second caller gets the answer of the first", kind.path)
				}
			default:
				t.Fatalf("the second caller gets %d %q", second.StatusCode, second.body)
			}
		}
		return cells
	})
}
