package cognitolambda

// This file collects an answer and writes it in the terms of an event.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"
)

// answer is the ResponseWriter of one request. Like that of net/http, it fixes status
// and headers with the first write.
type answer struct {
	method string
	header http.Header
	status int         // 0: not fixed yet
	sent   http.Header // as it was then
	body   bytes.Buffer
}

func newAnswer(method string) *answer { return &answer{method: method, header: http.Header{}} }

// Header returns the headers to change.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader fixes status and headers. An informational answer cannot be sent.
func (w *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("cognitolambda: invalid WriteHeader code %d", status)) // as net/http
	}
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.sent = w.header.Clone()
	maps.DeleteFunc(w.sent, func(name string, _ []string) bool { return !isName(name) })
	for _, values := range w.sent {
		for i, v := range values {
			values[i] = strings.Trim(oneLine.Replace(v), " \t")
		}
	}
}

// oneLine is what net/http does to values. The source writes our answer to the wire, and
// what it makes of a line break is not documented.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// isName reports whether a header can have the name (RFC 9110, section 5.6.2). A
// trailer has a colon in it.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// Write adds to the body. A status that allows no body has none.
func (w *answer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if w.method == http.MethodHead {
		return len(p), nil
	}
	return w.body.Write(p)
}

// end fixes what the handler has not, and guesses the Content-Type as net/http does.
func (w *answer) end() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if _, set := w.sent["Content-Type"]; !set && w.body.Len() > 0 && w.sent.Get("Content-Encoding") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
}

// text returns the body as the JSON of an event has it.
func (w *answer) text() (body string, binary bool) {
	if utf8.Valid(w.body.Bytes()) && w.sent.Get("Content-Encoding") == "" {
		return w.body.String(), false
	}
	return base64.StdEncoding.EncodeToString(w.body.Bytes()), true
}

// cookies takes the cookies out of the headers.
func (w *answer) cookies() []string {
	all := w.sent["Set-Cookie"]
	delete(w.sent, "Set-Cookie")
	return all
}

// joined returns the headers with their values joined as RFC 9110, section 5.3, allows.
func (w *answer) joined() map[string]string {
	h := make(map[string]string, len(w.sent))
	for name, values := range w.sent {
		if len(values) > 0 {
			h[name] = strings.Join(values, ", ")
		}
	}
	return h
}
