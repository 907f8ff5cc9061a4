package cognitoconnect

// This file holds what ends a stream when its token expires.

import (
	"context"
	"errors"
	"net/http"
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
// would take the stream for complete.
func endWithToken(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		claims, ok := cognitoauth.FromContext(ctx)
		if !ok || spec.StreamType == connect.StreamTypeUnary {
			return next(ctx, spec, stream)
		}
		ctx, cancel := cognitoauth.WithExpiry(ctx, claims)
		defer cancel()
		if controller, ok := ctx.Value(controllerKey{}).(*http.ResponseController); ok {
			ended := make(chan struct{})
			stop := context.AfterFunc(ctx, func() {
				defer close(ended)
				if expired(ctx) != nil {
					// If it cannot, Receive and Send end when the client goes on.
					controller.SetReadDeadline(time.Unix(1, 0))
					controller.SetWriteDeadline(time.Now().Add(lastWrite))
				}
			})
			defer func() {
				if !stop() {
					<-ended // nobody may use a ResponseWriter whose handler has returned
				}
			}()
		}
		err := next(ctx, spec, &expiring{stream, ctx})
		if e := expired(ctx); e != nil {
			return connectError(e) // with its challenge, for which a trailer is no place (RFC 9110, section 6.5.1)
		}
		return err
	}
}

// expired returns the refusal that has ended ctx, nil if it was not the token's expiry.
func expired(ctx context.Context) *cognitoauth.Error {
	var e *cognitoauth.Error
	errors.As(context.Cause(ctx), &e)
	return e
}

// expiring is a stream that neither takes nor sends a message after its token's end.
type expiring struct {
	connect.ServerStream

	ctx context.Context
}

func (s *expiring) Receive(m any) error {
	err := s.ServerStream.Receive(m)
	if e := expired(s.ctx); e != nil {
		return connectError(e)
	}
	return err
}

func (s *expiring) Send(m any) error {
	if e := expired(s.ctx); e != nil {
		return connectError(e)
	}
	return s.ServerStream.Send(m)
}
