package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/cognitoauth/cognitoauth/examples/proxies/forwardauth"
)

// traefik does what Traefik's documentation says of ForwardAuth with
// authResponseHeaders and trustForwardHeader off: it asks the endpoint by GET without
// a body, tells the original request in X-Forwarded headers, sends any answer but 2xx
// to the client, and else replaces the listed headers. Traefik is not in Debian.
// https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/forwardauth/
func traefik(socket, api string) http.Handler {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	upstream := &url.URL{Scheme: "http", Host: api}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := http.NewRequestWithContext(r.Context(), "GET", "http://auth/", nil)
		if err != nil {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		ask.Header = r.Header.Clone()
		for name, value := range map[string]string{"Method": r.Method, "Proto": "http", "Host": r.Host, "Uri": r.URL.RequestURI(), "For": "192.0.2.1"} {
			ask.Header.Set("X-Forwarded-"+name, value)
		}
		resp, err := client.Do(ask)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			for name, values := range resp.Header {
				w.Header()[name] = values
			}
			w.WriteHeader(resp.StatusCode)
			io.Copy(w, resp.Body)
			return
		}
		for _, name := range forwardauth.Names() {
			r.Header.Del(name)
			if values := resp.Header[name]; values != nil {
				r.Header[name] = values
			}
		}
		proxy.ServeHTTP(w, r)
	})
}

func TestTraefikStyle(t *testing.T) {
	w := newWorld(t)
	v := wiring{name: "Traefik", headers: forwardauth.XForwarded}
	site := w.serve(t, traefik(w.sockets[v.headers], w.plain))
	for _, c := range w.calls() {
		direct, got := send(t, w.wrapped, c.raw()), send(t, site, c.raw())
		if told := tell(got, direct); told != "same" || len(w.arrived()) != 0 {
			t.Errorf("%s: %s", c.what, told)
		}
	}
	w.admits(t, v, site)
	token := "Authorization: Bearer " + w.pool.AccessToken().String() + "\n"
	if got := send(t, site, "GET /me HTTP/1.1\nHost: a\n"+forged+"\n"); got.StatusCode != 401 || len(w.arrived()) != 0 {
		t.Errorf("forged target: %d", got.StatusCode)
	}
	send(t, site, "GET /me HTTP/1.1\nHost: a\n"+token+forged+"\n")
	if seen := w.arrived(); len(seen) != 1 || len(seen[0].Header[forwardauth.Subject]) != 1 || seen[0].Header.Get(forwardauth.Subject) != w.pool.AccessToken().Claims().Subject {
		t.Errorf("forged identity: %v", seen)
	}
	down := w.serve(t, traefik(t.TempDir()+"/nobody", w.plain))
	if got := send(t, down, "GET /me HTTP/1.1\nHost: a\n"+token+"\n"); got.StatusCode != 500 || len(w.arrived()) != 0 {
		t.Errorf("nobody decides: %d", got.StatusCode)
	}
}
