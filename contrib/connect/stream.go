package cognitoconnect

// This file holds what ends a stream when its token expires.

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/cognitoauth/cognitoauth"
)

type controllerKey struct{}

// deadlines lets h find the controller of its connection in the context.
func deadlines(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), controllerKey{}, http.NewResponseController(w))
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// ending returns a server with the procedures of inner, whose streams end with their
// tokens. It stands in front of inner, so the interceptors of inner cannot come first.
func ending(inner *connect.Server) *connect.Server {
	pass := func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		info, _ := connect.CallInfoForServerContext(ctx)
		return inner.Call(ctx, spec.Procedure, info, stream)
	}
	outer := connect.NewServer(endWithToken)
	for spec := range inner.Specs() {
		outer.Register(connect.Method{Spec: spec, Handler: pass})
	}
	outer.SetUnknownHandler(pass)
	return outer
}

// lastWrite is how long the answer of a stream may still be written when its token has
// expired. A client that reads slowly gets token_expired, and one that does not read
// gets a broken stream.
const lastWrite = 10 * time.Second

// endWithToken is the interceptor that ends a stream. The handler's context ends, and
// by the deadlines of the connection so do a Receive and a Send that wait for the client.
// Whatever the handler then returns, the client gets token_expired: after a nil it
// would take the stream for complete. A handler that does not look at its context can
// go on after the timeout that the caller has set, but not after the token's end.
func endWithToken(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		claims, ok := cognitoauth.FromContext(ctx)
		if !ok || spec.StreamType == connect.StreamTypeUnary {
			return next(ctx, spec, stream)
		}
		token, cancel := cognitoauth.WithExpiry(context.WithoutCancel(ctx), claims)
		defer cancel()
		ctx, stop := cognitoauth.WithExpiry(ctx, claims)
		defer stop()
		s := &expiring{stream, ctx, token}
		if controller, ok := ctx.Value(controllerKey{}).(*http.ResponseController); ok {
			end := sync.OnceFunc(func() {
				// If it cannot, Receive and Send end when the client goes on.
				controller.SetReadDeadline(time.Unix(1, 0))
				controller.SetWriteDeadline(time.Now().Add(lastWrite))
			})
			unplan := context.AfterFunc(token, end)
			defer func() {
				if !unplan() || s.expired() != nil {
					end() // or wait for it, since nobody may use a ResponseWriter whose handler has returned
				}
			}()
		}
		err := next(ctx, spec, s)
		if expiry := s.expired(); expiry != nil {
			return expiry // with its challenge, for which a trailer is no place (RFC 9110, section 6.5.1)
		}
		return err
	}
}

// expiring is a stream that neither takes nor sends a message after its token's end.
type expiring struct {
	connect.ServerStream

	ctx   context.Context // of the handler
	token context.Context // ends when the token expires, also if ctx has ended before
}

func (s *expiring) Receive(m any) error {
	err := s.ServerStream.Receive(m)
	if expiry := s.expired(); expiry != nil {
		return expiry
	}
	return err
}

func (s *expiring) Send(m any) error {
	if expiry := s.expired(); expiry != nil {
		return expiry
	}
	return s.ServerStream.Send(m)
}

// expired returns what the client gets if the token has expired, else nil. A handler
// that has seen its context end must not find the token valid a moment longer.
func (s *expiring) expired() error {
	for _, ctx := range [...]context.Context{s.token, s.ctx} {
		if e, ok := errors.AsType[*cognitoauth.Error](context.Cause(ctx)); ok {
			return connectError(e)
		}
	}
	return nil
}
