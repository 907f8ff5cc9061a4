package faults_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// TestBadAnswers: what a warm client sees while the endpoint answers badly. A
// good row says that the answer is good after all.
func TestBadAnswers(t *testing.T) {
	set := func(p *cognitotest.Pool) string { return string(p.KeySet()) }
	is := func(body string) func(*cognitotest.Pool) cognitotest.Fault {
		return func(*cognitotest.Pool) cognitotest.Fault { return cognitotest.Fault{Body: []byte(body)} }
	}
	around := func(before, after string) func(*cognitotest.Pool) cognitotest.Fault {
		return func(p *cognitotest.Pool) cognitotest.Fault {
			return cognitotest.Fault{Body: []byte(before + set(p) + after)}
		}
	}
	fault := func(f cognitotest.Fault) func(*cognitotest.Pool) cognitotest.Fault {
		return func(*cognitotest.Pool) cognitotest.Fault { return f }
	}
	for _, row := range []struct {
		name  string
		fault func(*cognitotest.Pool) cognitotest.Fault
		wait  time.Duration // of a request for an unknown kid
		err   string        // "": the answer is good
	}{
		{"slow is good", fault(cognitotest.Fault{Delay: 2900 * time.Millisecond}), 2900 * time.Millisecond, ""},
		{"slower than a request waits fails that request alone", fault(cognitotest.Fault{Delay: 4900 * time.Millisecond}), lab.LongestWait, ""},
		{"slower than a fetch may be fails", fault(cognitotest.Fault{Delay: 5100 * time.Millisecond}), lab.LongestWait, "GET https"},
		{"dripping fails", fault(cognitotest.Fault{Drip: 50 * time.Millisecond}), lab.LongestWait, "GET https"},
		{"hung fails", fault(cognitotest.Fault{Hang: true}), lab.LongestWait, "GET https"},
		{"broken off fails", fault(cognitotest.Fault{Abort: true}), 0, "connection broken"},

		{"empty fails", is(""), 0, "not a JWK set"},
		{"white space fails", is(" \n"), 0, "not a JWK set"},
		{"a web page fails", is("<!doctype html><title>Sorry</title>"), 0, "not a JWK set"},
		{"an empty object fails", is("{}"), 0, "not a JWK set"},
		{"an empty list fails", is(`{"keys":[]}`), 0, "none of them is usable"},
		{"keys that is no list fails", is(`{"keys":{"a":{}}}`), 0, "not a JWK set"},
		{"keys that is null fails", is(`{"keys":null}`), 0, "not a JWK set"},
		{"keys of numbers fail", is(`{"keys":[1,2]}`), 0, "the key set has 2 keys and none of them is usable"},
		{"a list fails", around("[", "]"), 0, "not a JWK set"},
		{"a document that ends early fails", is(`{"keys":[{"kty":"RSA"`), 0, "not a JWK set"},
		{"something behind the document fails", around("", "x"), 0, "not a JWK set"},
		{"two documents fail", around("", "{}"), 0, "not a JWK set"},
		{"a byte order mark fails", around("\xef\xbb\xbf", ""), 0, "not a JWK set"},
		{"white space around the document is good", around(" \r\n\t", " \r\n\t"), 0, ""},
		{"compressed without being asked fails", func(p *cognitotest.Pool) cognitotest.Fault {
			return cognitotest.Fault{Body: zipped(p.KeySet()), Header: http.Header{"Content-Encoding": {"gzip"}}}
		}, 0, "not a JWK set"},
		{"another content type is good", fault(cognitotest.Fault{ContentType: "text/plain"}), 0, ""},

		{"256 KiB are good", func(p *cognitotest.Pool) cognitotest.Fault { return lab.Padded(p, lab.LargestKeySet) }, 0, ""},
		{"a byte more fails", func(p *cognitotest.Pool) cognitotest.Fault { return lab.Padded(p, lab.LargestKeySet+1) }, 0, "larger than 262144 bytes"},

		{"a redirect fails", fault(cognitotest.Fault{Redirect: "https://elsewhere.example/"}), 0, "status 302"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) { badAnswer(lab.NewKeys(t), row.fault, row.wait, row.err) })
		})
	}
}

// TestBadStatus: whatever the body, only 200 is an answer.
func TestBadStatus(t *testing.T) {
	for _, status := range []int{201, 202, 203, 204, 206, 300, 301, 303, 304, 307, 308, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 504, 599} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			lab.InBubble(t, func(t *testing.T) {
				badAnswer(lab.NewKeys(t), func(p *cognitotest.Pool) cognitotest.Fault {
					return cognitotest.Fault{Status: status, Body: p.KeySet(), Redirect: p.JWKSURL()}
				}, 0, fmt.Sprintf("status %d, expected 200", status))
			})
		})
	}
}

func badAnswer(l *lab.Keys, fault func(*cognitotest.Pool) cognitotest.Fault, wait time.Duration, failure string) {
	l.Warm()
	l.Pool.Rotate()
	old := l.Status().KeyIDs
	l.Pool.SetFault(fault(l.Pool))
	began, verdict := time.Now(), lab.Unavailable
	if failure == "" && wait < lab.LongestWait {
		verdict = lab.Okay
	}
	l.WantAfter(wait, "the new key", l.Token(), verdict)
	time.Sleep(lab.LongestFetch - time.Since(began))
	synctest.Wait()
	s := l.Status()
	if failure == "" {
		if s.Err != nil || s.Fetches != 2 {
			l.Errorf("Status: %d fetches, last error %v; want two and none", s.Fetches, s.Err)
		}
		return
	}
	if s.Err == nil || !strings.Contains(s.Err.Error(), failure) || !strings.Contains(s.Err.Error(), l.Pool.JWKSURL()) {
		l.Errorf("Status: last error %v, want %q and the URL", s.Err, failure)
	}
	if s.Fetches != 2 || s.Failures != 1 || len(s.KeyIDs) != 2 || s.KeyIDs[0] != old[0] || s.KeyIDs[1] != old[1] {
		l.Errorf("Status: %+v, want a failed fetch and the last good set", s)
	}
	l.Pool.SetFault()
	time.Sleep(time.Minute)
	l.Want("healed, the new key", l.Token(), lab.Okay)
}

func zipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}
