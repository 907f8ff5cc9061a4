package base64url_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/base64url"
)

// decode is what AppendDecode has to do, by encoding/base64: what encodes to s
// again, which CR, LF, padding and spare bits do not.
func decode(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return b, err == nil && base64.RawURLEncoding.EncodeToString(b) == s
}

func check(t *testing.T, s string) {
	t.Helper()
	want, wantOK := decode(s)
	prefix := []byte("prefix")
	got, ok, spaced := base64url.AppendDecode(prefix, s)
	switch rest, found := bytes.CutPrefix(got, []byte("prefix")); {
	case ok != wantOK || !found:
		t.Errorf("%q: %q, %v; expected %q, %v", s, got, ok, want, wantOK)
	case ok && !bytes.Equal(rest, want):
		t.Errorf("%q: %q, expected %q", s, rest, want)
	case !ok && len(rest) > 0:
		t.Errorf("%q: %q beside a refusal", s, rest)
	case spaced != strings.ContainsAny(s, " \t\r\n"):
		t.Errorf("%q has white space in it: %v", s, spaced)
	}
}

// RFC 4648, section 10, without the padding.
func TestAppendDecode_vectors(t *testing.T) {
	for s, want := range map[string]string{"": "", "Zg": "f", "Zm8": "fo", "Zm9v": "foo", "Zm9vYg": "foob", "Zm9vYmE": "fooba", "Zm9vYmFy": "foobar"} {
		if got, ok, _ := base64url.AppendDecode(nil, s); !ok || string(got) != want {
			t.Errorf("%q: %q, %v; expected %q", s, got, ok, want)
		}
	}
}

// Every byte in every place of strings of every length that the loops and their
// ends tell apart.
func TestAppendDecode_everyByte(t *testing.T) {
	for length := range 26 {
		for place := range length {
			for c := range 256 {
				s := []byte(strings.Repeat("AQIDBA", 5)[:length])
				s[place] = byte(c)
				check(t, string(s))
			}
		}
	}
}

// Every end of a segment, spare bits included.
func TestAppendDecode_everyEnd(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			end := string([]byte{byte(a), byte(b)})
			check(t, end)
			check(t, "A"+end)
		}
	}
}

func TestAppendDecode_inPlace(t *testing.T) {
	buf := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(10, func() { buf, _, _ = base64url.AppendDecode(buf[:0], "Zm9vYmFyZm9vYmFy") }); n != 0 {
		t.Errorf("%v allocations where there is room", n)
	}
	if string(buf) != "foobarfoobar" {
		t.Errorf("%q", buf)
	}
}

// What is refused leaves nothing behind in a buffer that is used again.
func TestAppendDecode_leavesNothing(t *testing.T) {
	buf := make([]byte, 0, 100)
	for _, s := range []string{"Zm9vYmFyZm9vYmF!", "Zm9vYmFyZm9vYmFyZh", "Zm9vYmFyZm9vYmFyZm9", "Zm9vYmFyZm9vYmFyZm9vZ"} {
		got, ok, _ := base64url.AppendDecode(buf, s)
		if left := strings.Trim(string(got[:cap(got)]), "\x00"); ok || left != "" || cap(got) != cap(buf) {
			t.Errorf("%q: %v, %q is left", s, ok, left)
		}
	}
}

func FuzzAppendDecode(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AA==", "A\r\nA", "AAAAAAAA\n", "+/+/", "-_-_-_-_-_-", "eyJhbGciOiJSUzI1NiJ9"} {
		f.Add(s)
	}
	f.Fuzz(check)
}
