package cognitoauth

// This file sees to it that a refusal reaches a client that is still sending, and
// that one which stops sending does not hold its connection.

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// patience is how long a refused client may take for the rest of its body. In it,
// 0.4 Mbit/s brings the 256 KiB that net/http reads for the sake of the connection.
const patience = 5 * time.Second

// maxWrappers is how many ResponseWriters, one inside the other, we look into.
const maxWrappers = 64

// linger lets the answer to a request that is refused arrive before the
// connection breaks, and lets the connection end soon if the client does not send
// the rest of its body. Call it before the answer is written.
//
// If the request asks to close the connection, net/http closes it right after
// the answer, while the client may still be sending the body. The system then
// resets the connection, and the reset can overtake the answer: nginx, which asks
// its upstream to close by default, tells the client 502. So such a connection
// closes slowly.
//
// Of any other body net/http reads up to 256 KiB: before it answers, or after it,
// if the connection is to close after a body in chunks or without a 100 (Continue).
// Without http.Server.ReadTimeout it waits for that as long as the client likes.
// So the client gets a deadline. Connection: close would not do instead, because a
// client that has sent its body keeps its connection. Before net/http waits for the
// next request, it sets the deadline anew.
//
// A request of HTTP/2 holds no connection, and its stream ends with the answer.
func linger(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.ContentLength == 0 || r.ProtoMajor != 1:
	case !r.Close || r.ContentLength < 0:
		hurry(w)
	case r.Header["Expect"] == nil: // else it has not begun to send
		closeSlowly(w)
	}
}

// hurry sets the deadline. We cannot do it where a middleware hides net/http's
// ResponseWriter: then the server's timeouts have to do.
func hurry(w http.ResponseWriter) {
	for range maxWrappers {
		if conn, ok := w.(interface{ SetReadDeadline(time.Time) error }); ok {
			conn.SetReadDeadline(time.Now().Add(patience))
			return
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = inner.Unwrap()
	}
}

// closeSlowly lets net/http end its own stream and wait for half a second before
// it closes, as it does if the body was too large (RFC 9112, section 9.6).
//
// http.MaxBytesReader is the public way to tell net/http that. We give it a
// reader of our own that exceeds the limit, so that nothing is read from the
// client: a read would wait for one that announces a body and sends none.
func closeSlowly(w http.ResponseWriter) {
	// Only net/http's own ResponseWriter understands the message. A writer that
	// unwraps to itself must not hold us up.
	for range maxWrappers {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
}
