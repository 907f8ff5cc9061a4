package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// issued are the tokens that can be asked for by name, each made afresh for
// whoever asks, so that none has expired since the program started.
var issued = []struct {
	name, about string
	issue       func(*cognitotest.Pool) *cognitotest.Token
}{
	{"jane", "an access token of jane, who has signed in", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.AccessToken()
	}},
	{"omar", "an access token of omar, with the scope orders/write", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.AccessToken().User("omar").Scopes("orders/write")
	}},
	{"ada", "an access token of ada, who is in the group admins", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.AccessToken().User("ada").Groups("admins")
	}},
	{"jane-expired", "an access token of jane that has expired", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.AccessToken().ExpiresIn(-time.Hour)
	}},
	{"jane-id", "an ID token of jane, where an access token belongs", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.IDToken()
	}},
	{"jane-other-client", "an access token that jane got through another app client", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.AccessToken().Client("7otherclient98765")
	}},
}

// about says what token has that name.
func about(name string) string {
	for _, t := range issued {
		if t.name == name {
			return t.about
		}
	}
	return ""
}

// withTokens puts the token endpoint in front of the API: GET /token/jane. It
// stays outside of Wrap, since nobody has a token yet who asks for one. A mux
// with the API at "/" would redirect unclean paths before Wrap sees them, so
// this one is asked about its own paths only, and the API gets every other
// request as it came. Without a pool that can sign there is no such endpoint.
func withTokens(pool *cognitotest.Pool, api http.Handler) http.Handler {
	if pool == nil {
		return api
	}
	front := http.NewServeMux()
	front.Handle("/token/{name}", tokens{pool})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := front.Handler(r); pattern != "" {
			front.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// tokens hands out the tokens of an embedded pool, to this machine alone.
type tokens struct{ pool *cognitotest.Pool }

func (h tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// No CORS header is ever set: no page of another site may read a token, nor
	// run one as a script.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if why := outsider(r); why != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "Tokens are only for commands on the machine of the quickstart, but %s.\n", why)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		fmt.Fprintln(w, "A token is asked for with GET.")
		return
	}
	for _, t := range issued {
		if t.name == r.PathValue("name") {
			fmt.Fprintln(w, t.issue(h.pool))
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	listNames(w)
}

func listNames(w io.Writer) {
	fmt.Fprint(w, "There is no token of that name. There are:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, known := range issued {
		fmt.Fprintf(t, "  /token/%s\t%s\n", known.name, known.about)
	}
	t.Flush()
}

// outsider tells why r does not come straight from a program on this machine,
// or "" if it does. Each check stops what the others cannot see: a proxy on
// this machine connects from loopback itself; a page whose host name was
// rebound to 127.0.0.1 (DNS rebinding) is same-origin to the browser, but its
// requests still name that host; a page of another site can name loopback, and
// then the browser says so (Fetch Metadata, W3C).
func outsider(r *http.Request) string {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil || !loopback(local.String()) {
		return "the request reached it by an address that is not loopback"
	}
	if !loopback(r.RemoteAddr) {
		return "the request came from an address that is not loopback"
	}
	if !loopbackHost(r.Host) {
		return "the Host of the request is none of localhost, 127.0.0.1 and [::1]"
	}
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return "a proxy passed the request on: it has a forwarding header, such as Via"
		}
	}
	// Programs other than browsers send none; "none" is what a person typed.
	if slices.ContainsFunc(r.Header["Sec-Fetch-Site"], func(v string) bool { return v != "none" && v != "same-origin" }) {
		return "a page of another site asked, as Sec-Fetch-Site says"
	}
	return ""
}

// loopback reports whether an "address:port" is of this machine alone.
func loopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// loopbackHost reports whether a Host names this machine, whatever DNS says.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.IsLoopback()
}
