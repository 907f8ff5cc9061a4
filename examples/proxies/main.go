// Command proxies runs an API behind a reverse proxy that asks an auth endpoint made of
// the library, and shows what callers get. It needs no AWS account:
//
//	go -C examples/proxies run .
//
// With nginx installed, nginx is in front, with conf/nginx.conf; without, or with
// -gateway, the proxy of package gateway is. -serve goes on, with curl commands to
// paste.
//
// What to copy is in the folders conf, forwardauth and gateway; api.go has the routes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
	"github.com/cognitoauth/cognitoauth/examples/proxies/gateway"
	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

func main() {
	log.SetFlags(0)
	own := flag.Bool("gateway", false, "put the proxy of package gateway in front, and not nginx")
	serve := flag.Bool("serve", false, "print curl commands, and go on until Ctrl-C")
	flag.Parse()
	signal.Ignore(syscall.SIGPIPE) // the proxy has to be ended, whoever reads the output
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *own, *serve, os.Stdout); err != nil {
		log.Fatal("proxies: ", err)
	}
}

func run(ctx context.Context, own, serve bool, out io.Writer) (err error) {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	api := httptest.NewServer(http.HandlerFunc(hello))
	defer api.Close()
	if _, missing := exec.LookPath(front.Nginx.Command); missing != nil && !own {
		fmt.Fprintln(out, "nginx is not installed")
		own = true
	}
	start := startNginx
	if own {
		start = startGateway
	}
	site, stop, err := start(pool.Config(), api.URL, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := demonstrate(ctx, site, pool, out); err != nil {
		return err
	}
	if serve {
		fmt.Fprintf(out, "\ntoken=%s\n", pool.AccessToken().User("ada").String())
		fmt.Fprintf(out, "curl -i -H \"Authorization: Bearer $token\" %s/me\n", site)
		fmt.Fprintf(out, "curl -i -X POST -H \"Authorization: Bearer $token\" %s/orders\n", site)
		<-ctx.Done()
	}
	return nil
}

// hello is the API. It believes the headers, because only the proxy can reach it.
func hello(w http.ResponseWriter, r *http.Request) {
	caller := r.Header.Get(forwardauth.Subject)
	if caller == "" {
		caller = "nobody"
	}
	fmt.Fprintf(w, "%s %s by %s\n", r.Method, r.URL.Path, caller)
}

// startNginx starts nginx, and the auth endpoint on a Unix socket.
func startNginx(cfg cognitoauth.Config, api string, out io.Writer) (site string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "proxies") // nobody else may open it
	if err != nil {
		return "", nil, err
	}
	clean := func() error { return os.RemoveAll(dir) }
	h, err := endpoint(cfg, forwardauth.Options{Headers: forwardauth.XOriginal})
	if err != nil {
		return "", nil, errors.Join(err, clean())
	}
	socket := filepath.Join(dir, "auth")
	l, err := listenFor(socket, 0o600)
	if err != nil {
		return "", nil, errors.Join(err, clean())
	}
	server := &http.Server{Handler: h, ReadTimeout: 10 * time.Second}
	go server.Serve(l)
	proxy, err := front.Start(front.Nginx, "nginx.conf", front.Site{API: strings.TrimPrefix(api, "http://"), Auth: socket, Dir: dir})
	if err != nil {
		return "", nil, errors.Join(err, server.Close(), clean())
	}
	fmt.Fprintf(out, "nginx at http://%s asks the auth endpoint on a Unix socket; the API is at %s\n", proxy.Addr, api)
	return "http://" + proxy.Addr, func() error { return errors.Join(proxy.Stop(), server.Close(), clean()) }, nil
}

// startGateway starts the reverse proxy in Go, behind Wrap.
func startGateway(cfg cognitoauth.Config, api string, out io.Writer) (site string, stop func() error, err error) {
	upstream, err := url.Parse(api)
	if err != nil {
		return "", nil, err
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: auth.Wrap(routes(gateway.New(upstream, gateway.Options{}))), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	fmt.Fprintf(out, "a gateway in Go at http://%s; the API is at %s\n", l.Addr(), api)
	return "http://" + l.Addr().String(), server.Close, nil
}

// demonstrate sends requests to the site and prints what comes back.
func demonstrate(ctx context.Context, site string, pool *cognitotest.Pool, out io.Writer) error {
	ada := pool.AccessToken().User("ada")
	for _, call := range []struct{ method, path, what, token string }{
		{"GET", "/healthz", "without a token", ""},
		{"GET", "/me", "without a token", ""},
		{"GET", "/me", "with a token", ada.String()},
		{"POST", "/orders", "without the scope", ada.String()},
		{"POST", "/orders", "with the scope", ada.Scopes("orders/write").String()},
		{"GET", "/me", "with an expired token", ada.ExpiresIn(-time.Hour).String()},
		{"GET", "/other", "which is no route", ada.String()},
	} {
		r, err := http.NewRequestWithContext(ctx, call.method, site+call.path, nil)
		if err != nil {
			return err
		}
		r.Header.Set(forwardauth.Subject, "mallory")
		if call.token != "" {
			r.Header.Set("Authorization", "Bearer "+call.token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s %s, %s\n  %d %s\n", call.method, call.path, call.what, resp.StatusCode, strings.TrimSpace(string(body)))
		if challenge := resp.Header.Get("WWW-Authenticate"); challenge != "" {
			fmt.Fprintf(out, "  WWW-Authenticate: %s\n", challenge)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	return nil
}
