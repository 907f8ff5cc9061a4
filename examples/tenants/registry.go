package main

// This file is the part to copy: the tenants come from a file, and the file is read
// again on SIGHUP and for an operator, while the API goes on serving.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/cognitoauth/cognitoauth"
)

// tenant is one entry of the file.
type tenant struct {
	Pool    string   `json:"pool"`
	Clients []string `json:"clients"`
}

// registry has the tenants of an API.
type registry struct {
	auth *cognitoauth.Middleware
	base cognitoauth.Config // with the operators' pool and all that is not in the file
	path string

	mu sync.Mutex // held from reading the file to using it: the last to read must win
}

// newRegistry reads the file at path. base has the pool of the operators: it is not in
// the file, so that no mistake there can lock them out.
func newRegistry(base cognitoauth.Config, path string) (*registry, error) {
	r := &registry{base: base, path: path}
	cfg, _, err := r.config()
	if err != nil {
		return nil, err
	}
	r.auth, err = cognitoauth.New(cfg)
	return r, err
}

// reload reads the file and replaces the tenants. It returns how many there are. If the
// file has a mistake, nothing changes, and the error has all of them.
func (r *registry) reload() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg, tenants, err := r.config()
	if err != nil {
		return 0, err
	}
	return tenants, r.auth.Reload(cfg)
}

// config is the whole configuration. The pools of the file come first, so that
// Config.Pools[7] in an error is the entry with that index in the file.
func (r *registry) config() (cfg cognitoauth.Config, tenants int, _ error) {
	all, err := load(r.path)
	if err != nil {
		return cfg, 0, err
	}
	cfg = r.base
	cfg.Pools = nil
	for _, t := range all {
		cfg.Pools = append(cfg.Pools, cognitoauth.Pool{ID: t.Pool, ClientIDs: t.Clients})
	}
	cfg.Pools = append(cfg.Pools, r.base.Pools...)
	return cfg, len(all), nil
}

// load reads the tenants. To keep them in a table of a database, replace this function
// by its query.
func load(path string) ([]tenant, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := json.NewDecoder(f)
	in.DisallowUnknownFields() // a misspelt setting must not be left out
	var file struct {
		Tenants []tenant `json:"tenants"`
	}
	if err := in.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something stands behind the end of the JSON", path)
	}
	return file.Tenants, nil
}

// follow reloads for each signal until ctx ends, and tells done how it went.
func (r *registry) follow(ctx context.Context, hup <-chan os.Signal, done func(tenants int, err error)) {
	for {
		select {
		case <-hup:
			done(r.reload())
		case <-ctx.Done():
			return
		}
	}
}

// api is an API for all tenants.
func (r *registry) api() http.Handler {
	operators := r.base.Pools[0].ID
	mux := http.NewServeMux()
	mux.HandleFunc("GET /whoami", func(w http.ResponseWriter, req *http.Request) {
		c, _ := cognitoauth.FromContext(req.Context())
		fmt.Fprintf(w, "%s of %s\n", c.Username, c.PoolID) // PoolID is the tenant
	})
	// Each tenant decides what stands in the tokens of its pool. So a scope or a group
	// alone makes nobody an operator: the pool must be that of the operators, too.
	operator := cognitoauth.And(
		cognitoauth.Assert("is of the operators' pool", func(_ *http.Request, c *cognitoauth.Claims) bool { return c.PoolID == operators }),
		cognitoauth.Scope("tenants/reload"))
	mux.Handle("POST /admin/reload", cognitoauth.Require(operator, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		tenants, err := r.reload()
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		fmt.Fprintf(w, "%d tenants\n", tenants)
	})))
	// The API cannot do without the operators' keys, but well without those of a tenant
	// whose key endpoint is down.
	mux.Handle("GET /readyz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.auth.ReadyPools(req.Context(), operators); err != nil {
			log.Print(err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n")
	})))
	return r.auth.Wrap(mux)
}
