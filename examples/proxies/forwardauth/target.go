package forwardauth

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

var errAmbiguous = errors.New("forwardauth: the request target does not parse, or programs read it in different ways")

// ParseTarget parses a request target such as "/orders/7?all=1". It returns an error
// for one whose path programs read in different ways, since the program that decides
// and the one that serves must mean the same route: a path that does not begin with a
// slash or is not clean (//, ., ..), an escaped slash, backslash, dot, percent sign or
// control character, a backslash, a semicolon, a fragment, and what is not UTF-8.
//
// Paths that differ in case are different; if the program behind ignores case, its
// routes must be open or protected for all spellings.
func ParseTarget(target string) (*url.URL, error) {
	if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "#\\") || strings.ContainsFunc(target, control) {
		return nil, errAmbiguous
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return nil, errAmbiguous
	}
	raw, _, _ := strings.Cut(target, "?")
	if ambiguousEscape(raw) || strings.ContainsAny(u.Path, ";\\") || strings.ContainsFunc(u.Path, control) || !utf8.ValidString(u.Path) {
		return nil, errAmbiguous
	}
	if clean := path.Clean(u.Path); clean != u.Path && (clean == "/" || clean+"/" != u.Path) {
		return nil, errAmbiguous
	}
	return u, nil
}

// ambiguousEscape reports whether an escape in a path stands for a character that
// has a meaning there.
func ambiguousEscape(raw string) bool {
	raw = strings.ToLower(raw)
	for _, escape := range []string{"%2f", "%5c", "%2e", "%25", "%3b", "%00"} {
		if strings.Contains(raw, escape) {
			return true
		}
	}
	return false
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }
