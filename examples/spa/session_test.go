package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSealer(t *testing.T) {
	s, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	value, err := s.seal(sessionCookie, session{User: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, as, value string
		sealer          *sealer
		opens           bool
	}{
		{"as it is", sessionCookie, value, s, true},
		{"under another name", loginCookie, value, s, false},
		{"with another key", sessionCookie, value, other, false},
		{"one byte changed", sessionCookie, value[:10] + flip(value[10]) + value[11:], s, false},
		{"cut off", sessionCookie, value[:len(value)-4], s, false},
		{"empty", sessionCookie, "", s, false},
		{"no base64", sessionCookie, "*", s, false},
	} {
		var in session
		err := row.sealer.open(row.as, row.value, &in)
		if (err == nil) != row.opens || (in.User == "jane") != row.opens {
			t.Errorf("%s: %v, %+v", row.name, err, in)
		}
	}
	if _, err := s.seal(sessionCookie, session{User: strings.Repeat("a", maxPlain)}); err != nil {
		t.Fatal(err)
	}
	large, _ := s.seal(sessionCookie, session{User: strings.Repeat("a", 2*maxPlain)})
	if s.open(sessionCookie, large, new(session)) == nil {
		t.Error("a session that unfolds into more than the limit was opened")
	}
}

func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestSession_thatDoesNotFit(t *testing.T) {
	s, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for range 1000 { // does not compress
		v, err := s.seal("x", b.Len())
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(v)
	}
	w := httptest.NewRecorder()
	if err := s.save(w, httptest.NewRequest("GET", "/", nil), &session{Access: b.String()}); err == nil || len(w.Header()) > 0 {
		t.Errorf("%v, header %v", err, w.Header())
	}
}

func TestSession_isMissingAChunk(t *testing.T) {
	s, err := newSealer()
	if err != nil {
		t.Fatal(err)
	}
	value, err := s.seal(sessionCookie, session{User: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	n := len(value) / 2
	for name, cookies := range map[string][]string{
		"jane":    {chunkName(0) + "=" + value[:n], chunkName(1) + "=" + value[n:]},
		"missing": {chunkName(0) + "=" + value[:n]},
		"gap":     {chunkName(0) + "=" + value[:n], chunkName(2) + "=" + value[n:]},
		"twice":   {chunkName(0) + "=" + value[:n], chunkName(1) + "=" + value[n:], chunkName(1) + "=" + value[n:]},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
		if in := s.load(r); (in != nil) != (name == "jane") {
			t.Errorf("%s: %+v", name, in)
		}
	}
}
