package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/cognitoauth/cognitoauth"
)

// newAPI is the wiring. heard is told what is said in the chat; an event is
// sent every so often.
func newAPI(auth *cognitoauth.Middleware, heard func(who, what string), every time.Duration) http.Handler {
	t := &tickets{authorizations: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tickets", t.issue)
	mux.HandleFunc("GET /chat", func(w http.ResponseWriter, r *http.Request) { chat(w, r, heard) })
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) { events(w, r, every) })
	mux.HandleFunc("GET /ticks", func(w http.ResponseWriter, r *http.Request) { ticks(w, r, every) })
	return t.redeem(fromSubprotocol(auth.Wrap(mux)), "/chat", "/events", "/ticks")
}

// tokenExpired is a close code of this program's own, from the range that RFC
// 6455, section 7.4.2, leaves to private use. A script sees it, unlike the
// status of a handshake that was refused.
const tokenExpired websocket.StatusCode = 4001

// chat is a WebSocket that is closed when its token expires.
func chat(w http.ResponseWriter, r *http.Request, heard func(who, what string)) {
	claims, _ := cognitoauth.FromContext(r.Context())
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat.v1"}})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()

	ctx, cancel := cognitoauth.WithExpiry(r.Context(), claims)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close(tokenExpired, "token expired") })
	defer stop()
	for {
		// Not with ctx: its end would cut the connection before the close frame.
		_, message, err := conn.Read(r.Context())
		if err != nil || ctx.Err() != nil { // a message can win against the close frame
			return
		}
		heard(claims.Username, string(message))
		if err := say(r.Context(), conn, fmt.Sprintf("%s: %s", claims.Username, message)); err != nil {
			return
		}
	}
}

// events is a stream of server-sent events that ends when its token expires.
func events(w http.ResponseWriter, r *http.Request, every time.Duration) {
	claims, _ := cognitoauth.FromContext(r.Context())
	ctx, cancel := cognitoauth.WithExpiry(r.Context(), claims)
	defer cancel()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	send := func(event string) error {
		// A write that blocks does not see the end of ctx. In HTTP/2 a deadline
		// that stands would reset the stream between two events.
		if err := rc.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		defer rc.SetWriteDeadline(time.Time{})
		if _, err := io.WriteString(w, event); err != nil {
			return err
		}
		return rc.Flush()
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; send(fmt.Sprintf("data: event %d for %s\n\n", n, claims.Username)) == nil; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			var e *cognitoauth.Error
			if errors.As(context.Cause(ctx), &e) {
				send("event: expired\ndata: " + e.Code + "\n\n")
			}
			return
		}
	}
}
