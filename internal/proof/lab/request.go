package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Ask sends a request through h.
func Ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Call is a request with header fields in pairs of name and value.
func Call(line string, fields ...string) *http.Request {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for pair := range slices.Chunk(fields, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	return r
}

// BearerCall is a request with that token.
func BearerCall(token fmt.Stringer) *http.Request {
	return Call("GET /", "Authorization", "Bearer "+token.String())
}

// Problem is the body of a refusal (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

// ProblemOf reads the body of a refusal, strictly.
func ProblemOf(t testing.TB, w *httptest.ResponseRecorder) (p Problem) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		t.Fatalf("body of %d: %v: %q", w.Code, err, w.Body)
	}
	return p
}

// CodeOf is the code of a refusal, "" of a request that was let in.
func CodeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code < 400 {
		return ""
	}
	return ProblemOf(t, w).Code
}
