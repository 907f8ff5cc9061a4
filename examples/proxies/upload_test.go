package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// uploads are the wirings to copy, and what nginx and Apache do if nothing is set.
func uploads() (list []wiring) {
	for _, v := range wirings {
		if !v.bare {
			list = append(list, v)
		}
	}
	return append(list,
		wiring{name: "nginx, nothing but `proxy_pass`", program: front.Nginx, config: "nginx-plain.conf"},
		wiring{name: "Apache, nothing but `ProxyPass`", program: front.Apache, config: "apache-plain.conf"},
	)
}

const broken = "the connection breaks"

// What a client gets that is refused while it sends its body. What is admitted reaches
// the API whole.
func TestUpload(t *testing.T) {
	w := newWorld(t)
	token := w.pool.AccessToken()
	each(t, "upload", uploads(), func(t *testing.T, v wiring) []string {
		site := w.start(t, v, front.Site{})
		var seen [2][]string
		for i, size := range []int{1_000_000, 20_000_000} {
			for range 3 {
				seen[i] = append(seen[i], upload(t, site, token.ExpiresIn(-time.Hour).String(), size))
			}
		}
		first := expect(t, site, token.ExpiresIn(-time.Hour).String(), 20_000_000)
		if n := len(w.arrived()); n != 0 {
			t.Errorf("%d requests reached the API", n)
		}
		got := upload(t, site, token.Scopes("orders/write").String(), 1_000_000)
		if seen := w.arrived(); got != "200" || len(seen) != 1 || seen[0].size != 1_000_000 {
			t.Errorf("admitted: %s, %d requests reached the API", got, len(seen))
		}
		return []string{one(t, seen[0], false), one(t, seen[1], v.program == front.Squid), first}
	})
}

// one tells what all of the requests got. Squid does not do the same each time.
func one(t *testing.T, seen []string, mixed bool) string {
	t.Helper()
	kinds := slices.Compact(slices.Sorted(slices.Values(seen)))
	if mixed && !slices.ContainsFunc(kinds, func(kind string) bool { return kind != "401" && kind != broken }) {
		return "401, or " + broken
	}
	if len(kinds) != 1 {
		t.Errorf("not always the same: %v", seen)
	}
	return strings.Join(kinds, " or ")
}

func announce(t *testing.T, site, token, more string, size int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n%s\r\n", size, token, more)
	return conn
}

// upload sends a body and reads the answer at the same time, and returns the status.
func upload(t *testing.T, site, token string, size int) string {
	t.Helper()
	conn := announce(t, site, token, "", size)
	defer conn.Close()
	go io.Copy(conn, io.LimitReader(endless{}, int64(size)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatalf("no answer: %v", err)
	}
	if err != nil {
		return broken
	}
	return fmt.Sprint(resp.StatusCode)
}

// expect announces a body, and sends it only if it is told to. It returns what it is
// told first.
func expect(t *testing.T, site, token string, size int) string {
	t.Helper()
	conn := announce(t, site, token, "Expect: 100-continue\r\n", size)
	defer conn.Close()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode)
}

// endless is a body.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}
