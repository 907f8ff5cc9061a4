package cognitogrpc

// This file holds what ends a stream when its token expires.

import (
	"context"
	"errors"

	"github.com/cognitoauth/cognitoauth"
	"google.golang.org/grpc"
)

// serveUntilExpiry runs the handler of a stream with a context that ends with the
// token. If the token has expired when the handler returns, the client gets
// token_expired, whatever the handler returns: after a nil the client would take the
// stream for complete.
func serveUntilExpiry(ctx context.Context, srv any, ss grpc.ServerStream, handler grpc.StreamHandler) error {
	claims, _ := cognitoauth.FromContext(ctx)
	ctx, cancel := cognitoauth.WithExpiry(ctx, claims)
	defer cancel()
	err := handler(srv, &stream{ss, ctx})
	if expiry := expired(ctx); expiry != nil {
		return expiry
	}
	return err
}

// expired returns the status of a stream whose token has ended ctx, else nil.
func expired(ctx context.Context) error {
	var e *cognitoauth.Error
	if errors.As(context.Cause(ctx), &e) {
		return statusOf(e).Err()
	}
	return nil
}

// stream ends with its context. The one that grpc-go made does not know of it.
type stream struct {
	grpc.ServerStream

	ctx context.Context
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error {
	if err := expired(s.ctx); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg waits for a message in a goroutine, because nothing but the end of the call
// ends the RecvMsg of grpc-go. When the token expires, RecvMsg returns; the handler
// must leave m alone then, and return, which ends the goroutine. A panic of a codec
// comes out here, where an interceptor can recover from it.
func (s *stream) RecvMsg(m any) error {
	if err := expired(s.ctx); err != nil {
		return err // one RecvMsg may still be waiting, and grpc-go allows no second one
	}
	type result struct {
		err      error
		panicked any
	}
	received := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			r.panicked = recover()
			received <- r
		}()
		r.err = s.ServerStream.RecvMsg(m)
	}()
	var r result
	select {
	case r = <-received:
	case <-s.ctx.Done():
		if err := expired(s.ctx); err != nil {
			return err
		}
		r = <-received // the call has ended
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	if err := expired(s.ctx); err != nil {
		return err
	}
	return r.err
}
