package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/cognitoauth/cognitoauth"
)

// ticks is a WebSocket that the handler leaves to a goroutine, as a hub does. The
// handler returns at once, and with it all that stands around it.
func ticks(w http.ResponseWriter, r *http.Request, every time.Duration) {
	claims, _ := cognitoauth.FromContext(r.Context())
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	// The context of the request ends when this function returns.
	stream := context.WithoutCancel(r.Context())
	expires, cancel := cognitoauth.WithExpiry(stream, claims)
	gone := conn.CloseRead(stream) // ends when the client has gone, or says anything
	go func() {
		defer cancel()
		defer conn.CloseNow()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 1; say(expires, conn, fmt.Sprintf("tick %d for %s", n, claims.Username)) == nil; n++ {
			select {
			case <-tick.C:
			case <-gone.Done():
				return
			case <-expires.Done():
				conn.Close(tokenExpired, "token expired")
				return
			}
		}
	}()
}

// say sends a message. A client that reads none holds it for 10 s at most.
func say(ctx context.Context, conn *websocket.Conn, message string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, []byte(message))
}
