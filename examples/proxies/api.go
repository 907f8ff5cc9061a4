package main

import (
	"net"
	"net/http"
	"os"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
)

// routes makes the mux of the site. behind is what runs once a request is admitted:
// the API itself if Wrap stands around it, or forwardauth.Allow at an auth endpoint.
func routes(behind http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(behind))
	mux.Handle("GET /me", behind)
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), behind))
	mux.Handle("GET /admin", cognitoauth.Require(cognitoauth.Group("admins"), behind))
	return mux
}

// endpoint makes the auth endpoint of the site.
func endpoint(cfg cognitoauth.Config, o forwardauth.Options) (http.Handler, error) {
	cfg.ErrorHandler = forwardauth.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	return forwardauth.New(auth.Wrap(routes(forwardauth.Allow)), o)
}

// listenFor opens a Unix socket for the auth endpoint. Its folder decides who can
// connect before its mode is set: give it to the proxy's user alone.
func listenFor(path string, mode os.FileMode) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
