package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/examples/proxies/internal/front"
)

// most is the largest token that is tried, in bytes.
const most = 120_000

// raised has the setting by which a proxy takes longer headers, as its configuration
// of package conf has it; Varnish has it on its command line.
var raised = map[*front.Program]string{
	front.Nginx:    "`large_client_header_buffers 4 64k`",
	front.HAProxy:  "`tune.bufsize 65536`",
	front.Apache:   "`LimitRequestFieldSize 65536`",
	front.Lighttpd: "`server.max-request-field-size = 65536`",
	front.Varnish:  "`-p http_req_hdr_len=65536` and three more",
	front.Squid:    "`request_header_max_size 128 KB`",
}

// letters has a token's characters, in an order of no meaning that is the same in each
// run: HTTP/2 sends some of them in fewer bits than others (RFC 7541, appendix B).
var letters = func() string {
	source, text := rand.NewChaCha8([32]byte{}), make([]byte, most+1)
	for i := range text {
		text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[source.Uint64()%64]
	}
	return string(text)
}()

// enough is as far as the longest token over HTTP/2 is looked for, if not to the end.
// What HAProxy and Varnish do beyond is not the same each time.
var enough = map[*front.Program]int{front.HAProxy: 15_100, front.Varnish: 64 << 10}

// How long a bearer token may be in a request with no other header but Host, over
// HTTP/1.1 and HTTP/2, and what a longer one is answered.
func TestSize(t *testing.T) {
	w := newWorld(t)
	each(t, "size", wirings, func(t *testing.T, v wiring) []string {
		cells := w.longest(t, v, 1)
		if v.program == front.Squid {
			cells = append(cells, "no HTTP/2", "–")
		} else {
			cells = append(cells, w.longest(t, v, 2)...)
		}
		if setting := raised[v.program]; setting != "" {
			return append(cells, setting)
		}
		return append(cells, "none is needed")
	})
}

// longest tells the longest token that passes over a version of HTTP, and what a longer
// one is answered: of a byte more over HTTP/1.1, of 32 KiB over HTTP/2. With the limits
// raised, 32 KiB have to pass.
func (w *world) longest(t *testing.T, v wiring, version int) []string {
	probe, limit := probe, most
	if version == 2 {
		probe = probe2
		if n := enough[v.program]; n > 0 {
			limit = n
		}
	}
	s := front.Site{HTTP2: version == 2}
	site := w.start(t, v, s)
	s.Large = true
	if got := probe(t, w.start(t, v, s), 32<<10); !v.bare && got != 200 {
		t.Errorf("HTTP/%d: a token of 32 KiB is answered %d in spite of %s", version, got, raised[v.program])
	}
	n := 0
	if *update {
		n = sort.Search(limit, func(n int) bool { return probe(t, site, n+1) != 200 })
	} else if n = told(t, v, version); n > 0 && probe(t, site, n) != 200 {
		t.Errorf("HTTP/%d: a token of %d bytes does not pass", version, n)
	}
	size, longer := grouped(n), n+1
	if n >= most {
		size = "over " + size
	} else if n >= limit {
		size = "at least " + size
	}
	if version == 2 {
		if n < limit && probe(t, site, n+1) == 200 {
			t.Errorf("HTTP/2: a token of %d bytes passes, too", n+1)
		}
		longer = 32 << 10
	} else if n >= most {
		return []string{size, "–"}
	}
	switch status := probe(t, site, longer); status {
	case 200:
		return []string{size, "passes"}
	case 0:
		return []string{size, "no answer"}
	default:
		return []string{size, fmt.Sprint(status)}
	}
}

// told is the size that the README tells for a wiring and a version of HTTP.
func told(t *testing.T, v wiring, version int) int {
	for _, row := range lines(t, "size") {
		if rest, ok := strings.CutPrefix(row, "| "+v.name+" | "); ok {
			cell := strings.Split(rest, " | ")[2*version-1]
			n, err := strconv.Atoi(regexp.MustCompile(`\D`).ReplaceAllString(cell, ""))
			if err != nil {
				t.Fatalf("%s tells no size", row)
			}
			return n
		}
	}
	return 0
}

func grouped(n int) string {
	s := strconv.Itoa(n)
	if n < 1000 {
		return s
	}
	return s[:len(s)-3] + "," + s[len(s)-3:]
}

// probe returns the status for a token of n bytes on an open route, 0 if the
// connection breaks.
func probe(t *testing.T, site string, n int) int {
	t.Helper()
	conn, err := net.Dial("tcp", site)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	go io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer "+letters[:n]+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// probe2 does the same over HTTP/2, 0 if the proxy ends the stream or the connection.
func probe2(t *testing.T, site string, n int) int {
	t.Helper()
	resp, err := send2(t, site, "GET /healthz", http.Header{"Host": {"api.example.com"}, "Authorization": {"Bearer " + letters[:n]}})
	if err != nil {
		return 0
	}
	return resp.StatusCode
}
