package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/local"
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
	{"machine", "an access token that the app client got for itself, without a user", func(p *cognitotest.Pool) *cognitotest.Token {
		return p.MachineToken()
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

// outsider tells why r does not come straight from a program on this machine, or
// from a page of this one, "" if it does. A page of another site can name loopback,
// and then the browser says so (Fetch Metadata, W3C).
func outsider(r *http.Request) string {
	if why := local.Outsider(r); why != "" {
		return why
	}
	// Programs other than browsers send none; "none" is what a person typed.
	if slices.ContainsFunc(r.Header["Sec-Fetch-Site"], func(v string) bool { return v != "none" && v != "same-origin" }) {
		return "a page of another site asked, as Sec-Fetch-Site says"
	}
	return ""
}
