package cognitoauth

// This file decides which paths may use an open route, and holds
// AllowEscapedSlash, the exception for escaped slashes.

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"unicode/utf8"
)

// AllowEscapedSlash lets a route that [AllowAnonymous] or [Optional] marks take
// an escaped slash where its pattern has a wildcard for one segment:
//
//	mux.Handle("GET /packages/{name}", cognitoauth.AllowEscapedSlash(cognitoauth.AllowAnonymous(show)))
//
// Then GET /packages/@types%2fnode is open, and PathValue("name") is
// "@types/node". That is safe because [http.ServeMux] splits the path at its
// plain slashes before it decodes each segment. Anywhere else an escaped slash
// closes the route as before: in a literal segment, in {path...}, at the end of
// a segment, where a dot segment or an empty one would follow from it, beside
// another forbidden escape, and behind a router that is not a *http.ServeMux.
// If muxes are nested, the pattern of each must have the wildcard there.
//
// Whatever stands before the server must read the path in the same way: a proxy
// that decodes %2F for its own rules sees another path. It panics on anything
// but what AllowAnonymous or Optional returned. Under GODEBUG=httpmuxgo121=1,
// whose mux knows no wildcards, it changes nothing.
func AllowEscapedSlash(marked http.Handler) http.Handler {
	m, ok := marked.(*marker)
	must(ok && !m.slash, "AllowEscapedSlash", "it takes what AllowAnonymous(...) or Optional(...) returned")
	return &marker{next: m.next, optional: m.optional, slash: muxHasWildcards()}
}

// muxHasWildcards reports whether http.ServeMux is the one of Go 1.22 and later.
// The one of Go 1.21 matches the decoded path.
var muxHasWildcards = sync.OnceValue(func() bool {
	mux := http.NewServeMux()
	mux.Handle("/{name}", http.NotFoundHandler())
	_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/x"}})
	return pattern != ""
})

// closed says why a request may not use the open route, "" if it may.
func (g *guard) closed(open *marker, r *http.Request) string {
	why := uncanonical(r)
	switch {
	case why != escapedSlash:
		return why
	case !open.slash:
		return why + " (AllowEscapedSlash(...) around the marker admits one in a {wildcard})"
	case !open.takesSlash(g.next, r):
		return why + " that does not lie within one {wildcard} of a ServeMux's pattern, where AllowEscapedSlash admits it"
	}
	return ""
}

// The reasons that uncanonical gives for what a path escapes. It gives the first
// only if nothing else is wrong.
const (
	escapedSlash = "the path has an escaped slash"
	escapedOther = "the path has an escaped dot, percent sign, backslash or NUL"
)

// uncanonical says why a request may not use an open route, "" if it may.
// Proxies, routers and handlers differ in how they read encoded slashes, dots
// and percent signs, overlong UTF-8, and paths that cleaning would change, so no
// such request is exempt. We do not demand an empty RawPath, because Go sets
// RawPath even for a literal "(".
func uncanonical(r *http.Request) string {
	p := r.URL.Path
	switch {
	case r.Method == http.MethodConnect:
		return "the method is CONNECT"
	case strings.ContainsAny(p, "\\;\x00"):
		return "the path has a backslash, a semicolon or NUL"
	case !utf8.ValidString(p):
		return "the path is not valid UTF-8"
	}
	clean := path.Clean(p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	if p != clean {
		return "the path has a dot segment or a slash too many"
	}
	// Where RawPath has a byte that no URI may hold, EscapedPath escapes Path
	// anew, and what the caller had escaped is lost. The mux goes by EscapedPath,
	// a proxy goes by what came, so we look at both.
	slash, other := escapes(r.URL.EscapedPath())
	rawSlash, rawOther := escapes(r.URL.RawPath)
	switch {
	case other || rawOther:
		return escapedOther
	// mutant: equivalent `slash → false`, what EscapedPath escapes anew is no slash
	case slash || rawSlash:
		return escapedSlash
	}
	return ""
}

// escapes reports whether s has an escaped slash, and whether it has another
// escape that programs read differently, or one that is cut short.
func escapes(s string) (slash, other bool) {
	for {
		_, rest, found := strings.Cut(s, "%")
		if !found {
			return slash, other
		}
		if len(rest) < 2 {
			return slash, true
		}
		switch strings.ToUpper(rest[:2]) {
		case "2F":
			slash = true
		case "2E", "25", "5C", "00":
			other = true
		}
		s = rest
	}
}

// takesSlash reports whether every escaped slash of r lies in a segment that a
// single wildcard takes, in the pattern of each mux from h down to m. The caller
// has made sure that the decoded path is clean, so no wildcard's value has a dot
// segment or an empty one in it or before it.
func (m *marker) takesSlash(h http.Handler, r *http.Request) bool {
	if r.URL.RawPath != r.URL.EscapedPath() {
		return false // the mux does not see what came
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.RawPath, "/"), "/")
	for range maxRouters {
		mux, ok := h.(*http.ServeMux)
		if !ok {
			return false
		}
		var pattern string
		if h, pattern = mux.Handler(r); !wildcards(pattern, segments) {
			return false
		}
		if h == m {
			return true
		}
	}
	return false
}

// wildcards reports whether the pattern has a wildcard for one segment wherever
// a segment has an escaped slash, and whether none of these segments ends with
// it: that would be an empty segment in the wildcard's value.
func wildcards(pattern string, segments []string) bool {
	_, p, _ := strings.Cut(pattern, "/") // a method and a host have no slash
	names := strings.Split(p, "/")
	for i, segment := range segments {
		if slash, _ := escapes(segment); !slash {
			continue
		}
		// The last name stands for all that follows if it is "" or ends in
		// "...}", and {$} for nothing at all.
		if i >= len(names) || !strings.HasPrefix(names[i], "{") || strings.HasSuffix(names[i], "...}") ||
			strings.HasSuffix(strings.ToUpper(segment), "%2F") {
			return false
		}
	}
	return true
}
