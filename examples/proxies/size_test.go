package main

import (
	"bufio"
	"fmt"
	"io"
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
// of package conf has it.
var raised = map[*front.Program]string{
	front.Nginx:    "`large_client_header_buffers 4 64k`",
	front.HAProxy:  "`tune.bufsize 65536`",
	front.Apache:   "`LimitRequestFieldSize 65536`",
	front.Lighttpd: "`server.max-request-field-size`",
	front.Varnish:  "`-p http_req_hdr_len=65536` and others",
	front.Squid:    "`request_header_max_size 128 KB`",
}

// How long a bearer token may be in a request with no other header but Host, and what
// a longer one is answered.
func TestSize(t *testing.T) {
	w := newWorld(t)
	each(t, "size", wirings, func(t *testing.T, v wiring) []string {
		site := w.start(t, v, front.Site{})
		longest := told(t, v)
		if *update {
			longest = sort.Search(most, func(n int) bool { return probe(t, site, n+1) != 200 })
		} else if longest > 0 && probe(t, site, longest) != 200 {
			t.Errorf("a token of %d bytes is answered %d", longest, probe(t, site, longest))
		}
		large := front.Site{Large: true}
		if got := probe(t, w.start(t, v, large), 32<<10); !v.bare && got != 200 {
			t.Errorf("a token of 32 KiB is answered %d in spite of %s", got, raised[v.program])
		}
		setting := raised[v.program]
		if setting == "" {
			setting = "none is needed"
		}
		if longest >= most {
			return []string{"over " + grouped(most), "–", setting}
		}
		return []string{grouped(longest), fmt.Sprint(probe(t, site, longest+1)), setting}
	})
}

// told is the size that the README tells for a wiring.
func told(t *testing.T, v wiring) int {
	for _, row := range lines(t, "size") {
		if rest, ok := strings.CutPrefix(row, "| "+v.name+" | "); ok {
			cell := strings.Split(rest, " | ")[1]
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
	go io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer "+strings.Repeat("a", n)+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}
