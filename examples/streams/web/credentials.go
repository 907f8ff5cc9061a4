package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A browser sets no Authorization header on a WebSocket or an EventSource. Both
// ways around that end in the same place: a handler outside of Wrap turns what
// the browser can send into the header, and everything else is as usual. A
// request that brings credentials twice has two headers then, and is refused.

// tokenProtocol begins the subprotocol in which a script sends its token:
//
//	new WebSocket(url, ["chat.v1", "bearer." + token])
//
// A token is made of characters that a subprotocol may have.
const tokenProtocol = "bearer."

// fromSubprotocol takes the token out of the list, so that the server does not
// choose and thereby answer it.
func fromSubprotocol(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const header = "Sec-WebSocket-Protocol"
		var tokens, others []string
		for p := range strings.SplitSeq(strings.Join(r.Header.Values(header), ","), ",") {
			p = strings.TrimSpace(p)
			if token, ok := strings.CutPrefix(p, tokenProtocol); ok {
				tokens = append(tokens, token)
			} else if p != "" {
				others = append(others, p)
			}
		}
		if tokens != nil {
			r = r.Clone(r.Context())
			r.Header.Set(header, strings.Join(others, ", "))
			for _, token := range tokens {
				r.Header.Add("Authorization", "Bearer "+token)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tickets stand in for an Authorization header, each once and not for long. A
// URL ends in logs, in the history and in referrers; a token in it is good for
// whoever reads them, for an hour, while a ticket was spent before it was
// written down.
//
// They are kept in this process: with several, keep them where all can take
// them, in one step that also deletes.
type tickets struct {
	mu             sync.Mutex
	authorizations map[string]string // by ticket
}

const ticketLife = 10 * time.Second

// issue is for a route behind Wrap, which has validated the header. It will do
// so again when the ticket is used, so a ticket is worth no more than its token.
func (t *tickets) issue(w http.ResponseWriter, r *http.Request) {
	ticket := rand.Text()
	t.mu.Lock()
	t.authorizations[ticket] = r.Header.Get("Authorization")
	t.mu.Unlock()
	time.AfterFunc(ticketLife, func() { t.take(ticket) })

	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"ticket": ticket})
}

// take returns what the ticket stands for, "" if it is unknown or was taken.
func (t *tickets) take(ticket string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	authorization := t.authorizations[ticket]
	delete(t.authorizations, ticket)
	return authorization
}

// redeem puts the header in the place of the ticket, on these paths alone: no
// other route can be called by a link.
func (t *tickets) redeem(next http.Handler, paths ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Has("ticket") && r.Method == http.MethodGet && slices.Contains(paths, r.URL.Path) {
			r = r.Clone(r.Context())
			if authorization := t.take(query.Get("ticket")); authorization != "" {
				r.Header.Add("Authorization", authorization)
			}
			query.Del("ticket")
			r.URL.RawQuery = query.Encode()
		}
		next.ServeHTTP(w, r)
	})
}
