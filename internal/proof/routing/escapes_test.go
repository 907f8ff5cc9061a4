package routing_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// escapes are paths with escapes and with bytes that no URI may hold (RFC 3986,
// section 2). ran is who answers without a token, "" if nobody may.
var escapes = []struct{ name, target, ran string }{
	{"escaped slash for the separator, bar", "/docs%2Fintro|", ""},
	{"escaped slash for the separator, caret", "/docs%2Fintro^", ""},
	{"escaped slash for the separator, brace", "/docs%2Fintro{", ""},
	{"escaped slash for the separator, quote", `/docs%2Fintro"`, ""},
	{"escaped slash for the separator, raw letter beyond ASCII", "/docs%2Fintr\u00f3", ""},
	{"escaped slash for the separator, angle bracket", "/docs%2fintro<", ""},
	{"escaped slash for the separator, backquote", "/docs%2fintro`", ""},
	{"escaped slash in a subtree, bar", "/docs/a%2Fb|", ""},
	{"escaped slash in a wildcard, bar", "/p/a%2Fb|", ""},
	{"escaped slash that climbs, bar", "/docs/x%2F..%2F..%2Fadmin|", ""},
	{"escaped dots, bar", "/docs/%2e%2e/admin|", ""},
	{"escaped dots in a name, bar", "/docs/a%2Eb|", ""},
	{"escaped percent sign, bar", "/docs/a%25b|", ""},
	{"escaped slash escaped twice, bar", "/docs/a%252fb|", ""},
	{"escaped backslash, bar", "/docs/a%5Cb|", ""},
	{"escaped NUL, bar", "/docs/a%00b|", ""},
	{"bar in front of the escape", "/docs|/a%2Fb", ""},

	{"bar", "/docs/a|b", "docs"},
	{"caret", "/docs/a^b", "docs"},
	{"braces", "/docs/{a}", "docs"},
	{"quote", `/docs/"a"`, "docs"},
	{"backquote", "/docs/`a`", "docs"},
	{"angle brackets", "/docs/<a>", "docs"},
	{"raw letter beyond ASCII", "/docs/intr\u00f3", "docs"},
	{"raw characters of four bytes", "/docs/\U0001f600", "docs"},
	{"escaped letter beyond ASCII", "/docs/intr%C3%B3", "docs"},
	{"bar beside an escaped letter", "/docs/intr%C3%B3|", "docs"},
	{"bar for a wildcard", "/p/a|b", "p"},

	{"byte that is no UTF-8", "/docs/a%FF", ""},
	{"raw byte that is no UTF-8", "/docs/a\xff", ""},
	{"letter cut short", "/docs/a%C3", ""},
	{"raw letter cut short", "/docs/a\xc3", ""},
	{"overlong slash", "/docs/..%C0%AFadmin", ""},
	{"overlong slash, raw", "/docs/..\xc0\xafadmin", ""},
	{"overlong slash of three bytes", "/docs/..%E0%80%AFadmin", ""},
	{"overlong dots", "/docs/%C0%AE%C0%AE/admin", ""},
	{"overlong NUL", "/docs/a%C0%80", ""},
	{"half a surrogate pair", "/docs/%ED%A0%80", ""},
	{"beyond the last character", "/docs/%F4%90%80%80", ""},

	{"escaped slash in a wildcard that takes one", "/packages/@types%2fnode", "packages"},
	{"in upper case", "/packages/@types%2Fnode", "packages"},
	{"two of them", "/packages/a%2fb%2fc", "packages"},
	{"before another wildcard", "/packages/@types%2fnode/1.0.0", "version"},
	{"in both wildcards", "/packages/@types%2fnode/a%2fb", "version"},
	{"in the value of a literal's sibling", "/packages/@types%2fnode/meta", "meta"},
	{"before {$}", "/packages/@types%2fnode/all/", "all"},
	{"before {rest...}", "/packages/@types%2fnode/files/a/b", "rest"},
	{"escaped letter beside it", "/packages/%40types%2f%C3%B3", "packages"},
	{"in a mux below a mux that has the wildcard too", "/nested/a%2fb", "nested"},
	{"no escaped slash there", "/packages/node", "packages"},
	{"no escaped slash in {rest...}", "/packages/node/files/a/b", "rest"},

	{"dots behind it", "/packages/..%2fadmin", ""},
	{"dots within", "/packages/a%2f..%2fb", ""},
	{"dots at its end", "/packages/a%2f..", ""},
	{"one dot", "/packages/a%2f.%2fb", ""},
	{"escaped dots", "/packages/%2e%2e%2fadmin", ""},
	{"escaped dot in a name", "/packages/a%2fb%2ejs", ""},
	{"two in a row", "/packages/a%2f%2fb", ""},
	{"at its begin", "/packages/%2fa", ""},
	{"at its end", "/packages/a%2f", ""},
	{"at its end, upper case", "/packages/a%2F", ""},
	{"at the end of the first wildcard", "/packages/a%2f/1.0.0", ""},
	{"alone", "/packages/%2f", ""},
	{"escaped twice", "/packages/a%252fb", ""},
	{"with backslash", `/packages/a%2fb\c`, ""},
	{"with escaped backslash", "/packages/a%2fb%5cc", ""},
	{"with NUL", "/packages/a%2fb%00", ""},
	{"with semicolon", "/packages/a%2fb;v=1", ""},
	{"with escaped semicolon", "/packages/a%2fb%3bv", ""},
	{"with a bar, for which the mux sees plain slashes", "/packages/a%2fb|", ""},
	{"with a raw letter beyond ASCII", "/packages/a%2f\u00f3", ""},
	{"with a byte that is no UTF-8", "/packages/a%2f%FF", ""},
	{"overlong", "/packages/a%C0%AFb", ""},
	{"for the separator before the wildcard", "/packages%2fnode", ""},
	{"for both separators", "/%2fpackages%2fnode", ""},
	{"in a literal segment", "/packages/node/fi%2fles/a", ""},
	{"in a literal that has it", "/lit%2feral/x", ""},
	{"in {rest...}", "/packages/node/files/a%2fb", ""},
	{"deeper in {rest...}", "/packages/node/files/a/b%2fc", ""},
	{"in a subtree", "/tree/a%2fb", ""},
	{"in a subtree below a wildcard", "/tree/x/in/a%2fb", ""},
	{"in a mux below a subtree", "/below/a%2fb", ""},
	{"in the outer subtree's part", "/be%2flow/a", ""},
	{"in a mux behind StripPrefix", "/stripped/a%2fb", ""},
	{"behind a router that is no ServeMux", "/resolved/a%2fb", ""},
	{"on a route that needs a slash behind it", "/slashed/a%2fb", ""},
	{"double slash in front", "//packages/a%2fb", ""},
	{"double slash within", "/packages//a%2fb", ""},
	{"dots in front", "/x/../packages/a%2fb", ""},
	{"more specific protected route", "/packages/secret%2fone", ""},
	{"unmarked route", "/secret/a%2fb", ""},
}

// escapesSite has a route of each kind for them.
func escapesSite(o *lab.Origin) *http.ServeMux {
	slash := func(name string) http.Handler { return cognitoauth.AllowEscapedSlash(o.Open(name)) }
	nested, below, stripped, resolved := http.NewServeMux(), http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	nested.Handle("GET /nested/{name}", slash("nested"))
	below.Handle("GET /below/{name}", slash("secret-below"))
	stripped.Handle("GET /{name}", slash("secret-stripped"))
	resolved.Handle("GET /resolved/{name}", slash("secret-resolved"))

	mux := http.NewServeMux()
	mux.Handle("/docs/", o.Open("docs"))
	mux.Handle("/p/{name}", o.Open("p"))
	mux.Handle("/packages/{name}", slash("packages"))
	mux.Handle("/packages/{name}/{version}", slash("version"))
	mux.Handle("/packages/{name}/meta", slash("meta"))
	mux.Handle("/packages/{name}/all/{$}", slash("all"))
	mux.Handle("/packages/{name}/files/{rest...}", slash("rest"))
	mux.Handle("/lit%2Feral/{name}", slash("secret-literal"))
	mux.Handle("/packages/secret%2Fone", o.Handler("secret-one"))
	mux.Handle("/secret/{name}", o.Handler("secret"))
	mux.Handle("/tree/", slash("secret-tree"))
	mux.Handle("/tree/{name}/in/", slash("secret-in"))
	mux.Handle("/slashed/{name}/", slash("secret-slashed"))
	mux.Handle("/nested/{any}", nested)
	mux.Handle("/below/", below)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", stripped))
	mux.Handle("/resolved/{any}", lab.Resolver(func(r *http.Request) http.Handler { h, _ := resolved.Handler(r); return h }))
	mux.Handle("/", o.Handler("secret-root"))
	return mux
}

// What a path may open is the same over HTTP/1.1 and HTTP/2.
func TestWrap_escapes(t *testing.T) {
	auth, _ := lab.Wrapped(t)
	o := new(lab.Origin)
	w := o.Serve(t, auth.Wrap(escapesSite(o)), func(s *http.Server) {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetUnencryptedHTTP2(true)
	})
	opened := map[string]bool{}
	for _, tt := range escapes {
		want := 200
		if tt.ran == "" {
			want = 401
		}
		if status, ran := w.Send(lab.RawRequest("GET " + tt.target)); status != want || ran != tt.ran {
			t.Errorf("HTTP/1.1, %s: %q answered %d by %q, want %d by %q", tt.name, tt.target, status, ran, want, tt.ran)
		}
		if status, ran := w.Send(lab.RawRequest("CONNECT " + tt.target)); status != 401 || ran != "" {
			t.Errorf("CONNECT, %s: %q answered %d by %q, want 401", tt.name, tt.target, status, ran)
		}
		if status, ran := http2Get(t, o, tt.target); status != want || ran != tt.ran {
			t.Errorf("HTTP/2, %s: %q answered %d by %q, want %d by %q", tt.name, tt.target, status, ran, want, tt.ran)
		}
		opened[tt.ran] = true
	}
	if len(opened) != 9 { // eight routes and nobody
		t.Errorf("the requests opened %d routes, expected 8: %v", len(opened)-1, opened)
	}
}

// http2Get sends a GET whose :path is the target, byte for byte.
func http2Get(t *testing.T, o *lab.Origin, target string) (status int, ran string) {
	t.Helper()
	speaks := new(http.Protocols)
	speaks.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: speaks}
	defer transport.CloseIdleConnections()
	u := &url.URL{Scheme: "http", Host: o.Addr(), Opaque: target}
	if strings.HasPrefix(target, "//") { // which URL takes for a host
		u.Opaque = "//" + o.Addr() + target
	}
	o.Since()
	resp, err := transport.RoundTrip(&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
	if err != nil {
		t.Fatalf("HTTP/2, %q: %v", target, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("HTTP/2, %q: %s, %v", target, resp.Proto, err)
	}
	return resp.StatusCode, o.Since()
}
