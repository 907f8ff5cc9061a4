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
	token, cancel := cognitoauth.WithExpiry(context.WithoutCancel(ctx), claims)
	defer cancel()
	ctx, stop := cognitoauth.WithExpiry(ctx, claims)
	defer stop()
	s := &stream{
		ServerStream: ss,
		ctx:          ctx,
		token:        token,
		send:         direction{ss.SendMsg, make(chan result, 1)},
		recv:         direction{ss.RecvMsg, make(chan result, 1)},
	}
	err := handler(srv, s)
	if expiry := s.expired(); expiry != nil {
		return expiry
	}
	return err
}

// stream ends with its token. The one that grpc-go made does not know of it.
type stream struct {
	grpc.ServerStream

	ctx        context.Context // of the handler
	token      context.Context // ends when the token expires, also if ctx has ended before, by the caller's deadline
	send, recv direction
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error { return s.pass(&s.send, m) }

// RecvMsg refuses a message that has come after the token's end.
func (s *stream) RecvMsg(m any) error {
	err := s.pass(&s.recv, m)
	// mutant: equivalent, unless message and end come in one instant, which no test can order
	if expiry := s.expired(); expiry != nil {
		return expiry
	}
	return err
}

// expired returns the status of a stream whose token has expired, else nil. A handler
// that has seen its context end must not find the token valid a moment longer.
func (s *stream) expired() error {
	for _, ctx := range [...]context.Context{s.token, s.ctx} {
		if ctx.Err() == nil {
			continue // as for almost every message
		}
		if e, ok := errors.AsType[*cognitoauth.Error](context.Cause(ctx)); ok {
			return statusOf(e).Err()
		}
	}
	return nil
}

// direction is SendMsg or RecvMsg of grpc-go, which can wait for the client, and which
// nothing but the end of the call ends then. So it runs in a goroutine. When the token
// expires, the handler gets an error without waiting. When it returns, grpc-go ends the
// call, and with it the goroutine.
type direction struct {
	call func(any) error
	done chan result // has room for the result that nobody waits for
}

type result struct {
	err      error
	panicked any
}

// pass waits for the message m to be passed or for the token's end. After the end, m is
// not the handler's to use, and there is no second call, since grpc-go allows one at a
// time. A panic of a codec comes out here, where an interceptor can recover from it.
func (s *stream) pass(d *direction, m any) error {
	if expiry := s.expired(); expiry != nil {
		return expiry
	}
	go d.run(m)
	var r result
	select {
	case r = <-d.done:
	case <-s.token.Done():
		if expiry := s.expired(); expiry != nil {
			return expiry
		}
		r = <-d.done // the handler has returned, which ends the call
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

func (d *direction) run(m any) {
	var r result
	defer func() {
		r.panicked = recover()
		d.done <- r
	}()
	r.err = d.call(m)
}
