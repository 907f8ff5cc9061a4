package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestPage_isOpenAndTheAPIIsNot(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{
		"/": 200, "/cookie": 200, "/static/app.js": 200, "/static/style.css": 200, "/static/icon.svg": 200, "/config.json": 200,
		"/api/me": 401, "/api/orders": 401, "/static/": 401, "/nothing": 401,
	} {
		res, _ := w.do("GET", w.here.api+path, nil)
		if res.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, res.Status, status)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if path == "/" && (!strings.Contains(policy, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("policy %q", policy)
		}
	}
	if res, _ := w.do("GET", w.here.other+"/", nil); res.StatusCode != 200 {
		t.Errorf("the page on the other origin: %s", res.Status)
	}
}

func TestCORS(t *testing.T) {
	w := newWorld(t)
	ask := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	res, _ := w.do("OPTIONS", w.here.api+"/api/orders", nil, append(ask, "Origin", w.here.other)...)
	if h := res.Header; h.Get("Access-Control-Allow-Origin") != w.here.other || h.Get("Access-Control-Allow-Headers") != "authorization" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %s, %v", res.Status, h)
	}
	res, _ = w.do("POST", w.here.api+"/api/orders", nil, "Origin", w.here.other)
	if h := res.Header; res.StatusCode != 401 || h.Get("Access-Control-Allow-Origin") != w.here.other || !strings.EqualFold(h.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
		t.Errorf("refusal: %s, %v", res.Status, h)
	}
	for _, path := range []string{"/api/orders", "/bff/api/orders"} {
		from := "https://evil.example"
		if strings.HasPrefix(path, "/bff") {
			from = w.here.other // CORS is for the API, not for the cookie
		}
		res, _ = w.do("OPTIONS", w.here.api+path, nil, append(ask, "Origin", from)...)
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s allows %s", path, got)
		}
	}
}

func TestLater_isForThePageAlone(t *testing.T) {
	w := newWorld(t)
	if res, _ := w.do("POST", w.here.api+"/stub/later", nil, "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusForbidden || w.clock.ahead.Load() != 0 {
		t.Errorf("another site moved the clock: %s", res.Status)
	}
	w.page("POST", "/stub/later")
	if w.clock.ahead.Load() == 0 {
		t.Error("the clock stands still")
	}
}

func TestListen_portInUse(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = listen(port)
	if err == nil || !strings.Contains(err.Error(), "localhost:"+strconv.Itoa(port)+" is in use by another program") {
		t.Errorf("%v", err)
	}
}
