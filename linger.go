package cognitoauth

// This file sees to it that a refusal reaches a client that is still sending.

import (
	"io"
	"net/http"
	"strings"
)

// maxWrappers is how many ResponseWriters, one inside the other, we look into.
const maxWrappers = 64

// linger lets the answer to a request that is refused arrive before the
// connection breaks. Call it before the answer is written.
//
// If the request asks to close the connection, net/http closes it right after
// the answer, while the client may still be sending the body. The system then
// resets the connection, and the reset can overtake the answer: nginx, which asks
// its upstream to close by default, tells the client 502. But if the body was
// too large, net/http first ends its own stream and waits for half a second
// (RFC 9112, section 9.6), which is what we want here.
//
// http.MaxBytesReader is the public way to tell net/http that. We give it a
// reader of our own that exceeds the limit, so that nothing is read from the
// client: a read would wait for one that announces a body and sends none.
//
// A request of HTTP/2 does not close its connection. A chunked body, or one on a
// connection that need not close, net/http reads in part, and then waits by
// itself. A client that expects 100 (Continue) has not begun to send.
func linger(w http.ResponseWriter, r *http.Request) {
	if !r.Close || r.ContentLength <= 0 || r.Header["Expect"] != nil {
		return
	}
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
