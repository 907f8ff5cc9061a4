package main

import (
	"bytes"
	"context"
	"embed"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/cognitoauth/cognitoauth"
)

//go:embed web/index.html web/style.css web/icon.svg
var web embed.FS

// newSites returns what is served at each of the places, in their order.
func newSites(ctx context.Context, s *setup, here places, script []byte) ([]http.Handler, error) {
	s.config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	auth, err := cognitoauth.New(s.config)
	if err != nil {
		return nil, err
	}
	// Keys come with the first token too; asking now finds a mistyped pool.
	if err := auth.Ready(ctx); err != nil {
		return nil, err
	}
	// The issuer is where the key set is, as Cognito has it: the page reads the
	// discovery document beside that.
	metadata := strings.TrimSuffix(auth.Status()[0].URL, "jwks.json") + "openid-configuration"
	if s.pool != nil {
		metadata = here.login + "/.well-known/openid-configuration"
	}
	facts := map[string]any{
		"clientID": s.clientID, "metadataURL": metadata, "domain": s.domain, "scope": s.scope,
		"api": here.api, "stub": s.pool != nil, "other": here.other,
	}

	mux := http.NewServeMux()
	addAPI(mux, s.scope)
	addPage(mux, facts, script)
	if s.clock != nil {
		mux.Handle("POST /stub/later", cognitoauth.AllowAnonymous(http.NewCrossOriginProtection().Handler(later(s.clock))))
	}
	api := auth.Wrap(mux)
	behind, err := newBFF(s, here, api)
	if err != nil {
		return nil, err
	}
	// CORS is outside of Wrap: a preflight has no token, and the page must be able to
	// read a refusal too. It has no AllowCredentials, since the token is no cookie. The
	// variant with a cookie is for one origin, so it stays outside of CORS.
	shared := cors.New(cors.Options{
		AllowedOrigins: []string{here.other},
		AllowedMethods: []string{"GET", "POST", "DELETE"},
		AllowedHeaders: []string{"Authorization"},
		ExposedHeaders: []string{"WWW-Authenticate"},
	}).Handler(api)
	main := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bff/") {
			behind.ServeHTTP(w, r)
			return
		}
		shared.ServeHTTP(w, r)
	})

	other := http.NewServeMux()
	addPage(other, facts, script)
	sites := []http.Handler{main, http.NotFoundHandler(), other}
	if s.pool != nil {
		sites[1] = newLogin(s, here).Handler()
	}
	return sites, nil
}

// addPage registers the page, which everybody may load.
func addPage(mux *http.ServeMux, facts map[string]any, script []byte) {
	policy := pagePolicy(facts)
	file := func(name string, body []byte) http.Handler {
		return cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer") // the callback has the code in its URL
			h.Set("Cache-Control", "no-cache")
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
		}))
	}
	page := mustRead("index.html")
	mux.Handle("GET /{$}", file("index.html", page))
	mux.Handle("GET /cookie", file("index.html", page))
	mux.Handle("GET /static/app.js", file("app.js", script))
	for _, name := range []string{"style.css", "icon.svg"} {
		mux.Handle("GET /static/"+name, file(name, mustRead(name)))
	}
	mux.Handle("GET /config.json", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, facts)
	})))
}

// pagePolicy lets the page run its own script and style, and speak with the API, with
// managed login, and with the host of the discovery document.
func pagePolicy(facts map[string]any) string {
	reach := []string{facts["api"].(string), facts["domain"].(string)}
	if u, err := url.Parse(facts["metadataURL"].(string)); err == nil {
		reach = append(reach, u.Scheme+"://"+u.Host)
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' " + strings.Join(slices.Compact(reach), " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func mustRead(name string) []byte {
	b, err := web.ReadFile(path.Join("web", name))
	if err != nil {
		panic(err)
	}
	return b
}

// later lets time pass in the pool, in its managed login and in the API, so that
// nobody has to wait for a token to expire. The browser's clock stays as it is.
func later(c *clock) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.ahead.Add(int64(10 * time.Minute))
		answer(w, http.StatusOK, map[string]any{"now": c.Now()})
	})
}
