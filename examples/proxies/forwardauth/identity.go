package forwardauth

import (
	"net/http"
	"strings"

	"github.com/cognitoauth/cognitoauth"
)

// The headers that tell the program behind who called. They are in every 204, empty
// if nobody is known, so that a proxy which copies them always replaces what the
// client sent under these names. Subject is personal data, and so may Client and
// Scopes be: keep them out of access logs.
const (
	Subject = "X-Auth-Subject" // the user's sub, or the client of a machine; unique within a pool
	Client  = "X-Auth-Client"  // the app client
	Pool    = "X-Auth-Pool"    // the pool's ID
	Scopes  = "X-Auth-Scopes"  // separated by spaces; they have none inside (RFC 6749, section 3.3)
)

// Names lists the headers of the identity.
func Names() []string { return []string{Subject, Client, Pool, Scopes} }

// Allow is the handler of every route behind the endpoint: it answers 204 with the
// identity. Groups and other claims are not passed on: the names of groups may have
// commas and any letter of Unicode, so a header cannot carry them as they are. Let
// policies of the endpoint decide by them.
var Allow http.Handler = http.HandlerFunc(allow)

func allow(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if !Set(h, r) {
		refuse(w, http.StatusForbidden, unfit)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Set sets the headers of the identity in h to that of the request, each to exactly
// one value. It reports false, and sets none, if a value is nothing that a header can
// carry as it is.
func Set(h http.Header, r *http.Request) bool {
	values := [...]string{"", "", "", ""}
	if c, ok := cognitoauth.FromContext(r.Context()); ok {
		values = [...]string{c.Subject, c.ClientID, c.PoolID, strings.Join(c.Scopes(), " ")}
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			return false
		}
	}
	for i, name := range Names() {
		h[name] = []string{values[i]}
	}
	return true
}
