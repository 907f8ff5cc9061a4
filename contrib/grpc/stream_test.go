package cognitogrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// waits are what a stream waits for that does not come, and what it then likes to return.
var waits = []struct {
	name    string
	methods []string
	wait    func(grpc.ServerStream) error
}{
	{"waits for a message", methods[1:], func(ss grpc.ServerStream) error {
		for {
			if err := ss.RecvMsg(new(wrapperspb.StringValue)); err != nil {
				return err
			}
		}
	}},
	{"waits for its context", methods[1:], func(ss grpc.ServerStream) error {
		<-ss.Context().Done()
		return ss.Context().Err()
	}},
	{"ends as if it were complete", methods[1:], func(ss grpc.ServerStream) error {
		ss.SendMsg(wrapperspb.String("begun"))
		<-ss.Context().Done()
		return nil
	}},
	{"sends too late", methods[1:], func(ss grpc.ServerStream) error {
		<-ss.Context().Done()
		if ss.SendMsg(wrapperspb.String("too late")) == nil {
			return errors.New("it was sent")
		}
		return nil
	}},
	{"sends on and on", []string{watch, chat}, func(ss grpc.ServerStream) error {
		for {
			if err := ss.SendMsg(wrapperspb.String("more")); err != nil {
				return err
			}
		}
	}},
}

// The clock of the library stands still just before the end of the token: whenever a
// stream begins, it has 20 ms to live.
func TestStreamEndsWithItsToken(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken().Scopes("orders/write")
	cfg := pool.Config()
	cfg.Leeway = time.Second
	now := token.Claims().Expiry.Add(cfg.Leeway - 20*time.Millisecond)
	cfg.Now = func() time.Time { return now }
	for _, c := range waits {
		s := service{wait: c.wait}
		conn := dial(t, serve(t, &s, cfg))
		for _, method := range c.methods {
			ended := t.Run(c.name+", "+method, func(t *testing.T) {
				want := refusal{codes.Unauthenticated, "token_expired", `Bearer realm="api", error="invalid_token", error_description="the token has expired"`, false}
				if got := read(t, end(t, conn, method, token)); got != want {
					t.Errorf("ended with %+v", got)
				}
			})
			if !ended {
				return // others would be waited for as long
			}
		}
		if n := s.calls.Load(); n != int32(len(c.methods)) {
			t.Errorf("%s: %d handlers ran", c.name, n)
		}
	}
}

// end opens a stream, leaves it open, and returns the error that it ends with.
func end(t *testing.T, conn *grpc.ClientConn, method string, token *cognitotest.Token) error {
	t.Helper()
	s, err := conn.NewStream(within(t, bearer(token)), both, method)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(wrapperspb.String("")); err != nil && !errors.Is(err, io.EOF) { // it may have ended
		t.Fatal(err)
	}
	var m wrapperspb.StringValue
	for {
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		if m.Value == "too late" {
			t.Error("a message came after the token's end")
		}
	}
}

// watched is a stream that tells when a SendMsg of grpc-go has returned an error.
type watched struct {
	grpc.ServerStream

	failed chan error
}

func (w watched) SendMsg(m any) error {
	err := w.ServerStream.SendMsg(m)
	if err != nil {
		w.failed <- err
	}
	return err
}

// A client that does not read holds neither the handler nor the SendMsg below it, and
// gets token_expired once it reads.
func TestStreamThatNobodyReads(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken().Scopes("orders/write")
	cfg := pool.Config()
	now := token.Claims().Expiry
	cfg.Now, cfg.Leeway = func() time.Time { return now }, 20*time.Millisecond
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	refused, failed := make(chan error, 1), make(chan error, 1)
	s := service{wait: func(ss grpc.ServerStream) error {
		for {
			if err := ss.SendMsg(wrapperspb.String(strings.Repeat("x", 16<<10))); err != nil {
				refused <- err
				return err
			}
		}
	}}
	_, stream := cognitogrpc.Interceptors(auth, rules)
	srv := grpc.NewServer(grpc.ChainStreamInterceptor(func(v any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		return next(v, watched{ss, failed})
	}, stream))
	srv.RegisterService(s.desc(), &s)
	conn := dial(t, listen(t, srv), grpc.WithStaticStreamWindowSize(64<<10))
	ctx := within(t, bearer(token))
	client, err := conn.NewStream(ctx, both, watch)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SendMsg(wrapperspb.String("")); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		errs chan error
		want codes.Code
	}{
		{"the handler's SendMsg", refused, codes.Unauthenticated},
		{"the SendMsg of grpc-go", failed, codes.Canceled},
	} {
		select {
		case err := <-c.errs:
			if status.Code(err) != c.want {
				t.Errorf("%s returned %v", c.name, err)
			}
		case <-ctx.Done():
			t.Fatalf("%s waits", c.name)
		}
	}
	for err = nil; err == nil; {
		err = client.RecvMsg(new(wrapperspb.StringValue))
	}
	if got := read(t, err); got.reason != "token_expired" {
		t.Errorf("ended with %+v", got)
	}
}

// A caller that leaves ends the stream as without us.
func TestStreamEndsWithItsCaller(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	begun, ended := make(chan struct{}), make(chan error, 1)
	s := service{wait: func(ss grpc.ServerStream) error {
		close(begun)
		err := ss.RecvMsg(new(wrapperspb.StringValue))
		ended <- err
		return err
	}}
	conn := dial(t, serve(t, &s, pool.Config()))
	ctx, cancel := context.WithCancel(within(t, bearer(pool.AccessToken().Scopes("orders/write"))))
	if _, err := conn.NewStream(ctx, both, chat); err != nil {
		t.Fatal(err)
	}
	<-begun
	cancel()
	select {
	case err := <-ended:
		if got := fmt.Sprint(err); got != "rpc error: code = Canceled desc = context canceled" {
			t.Errorf("RecvMsg returned %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("RecvMsg does not return")
	}
}

// codec is a stream whose codec panics.
type codec struct {
	grpc.ServerStream

	ctx context.Context
}

func (c codec) Context() context.Context { return c.ctx }
func (codec) SendMsg(any) error          { panic("codec") }
func (codec) RecvMsg(any) error          { panic("codec") }

// An interceptor outside can recover from a panic in SendMsg or RecvMsg, as without us.
func TestPanicInCodec(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	_, intercept := cognitogrpc.Interceptors(auth, cognitogrpc.Rules{})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", bearer(pool.AccessToken())))
	for name, pass := range map[string]func(grpc.ServerStream) error{
		"SendMsg": func(ss grpc.ServerStream) error { return ss.SendMsg(nil) },
		"RecvMsg": func(ss grpc.ServerStream) error { return ss.RecvMsg(nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != "codec" {
					t.Errorf("%s: recovered %v", name, got)
				}
			}()
			intercept(nil, codec{nil, ctx}, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
				return pass(ss)
			})
			t.Errorf("%s: no panic", name)
		}()
	}
}

// silent is a stream whose client sends nothing until the call ends. Like that of
// grpc-go, it allows one RecvMsg at a time.
type silent struct {
	grpc.ServerStream

	ctx   context.Context
	calls *atomic.Int32
	ended chan struct{}
}

func (s silent) Context() context.Context { return s.ctx }

func (s silent) RecvMsg(any) error {
	s.calls.Add(1)
	<-s.ended
	return io.EOF
}

// A handler that calls RecvMsg again after the token's end does not wait for the client a
// second time, beside the first one.
func TestRecvMsgAfterExpiry(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken()
	cfg := pool.Config()
	now := token.Claims().Expiry
	cfg.Now, cfg.Leeway = func() time.Time { return now }, 20*time.Millisecond
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, intercept := cognitogrpc.Interceptors(auth, cognitogrpc.Rules{})
	ss := silent{nil, metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", bearer(token))), new(atomic.Int32), make(chan struct{})}
	defer close(ss.ended)
	err = intercept(nil, ss, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
		<-ss.Context().Done()
		for range 100 {
			if err := ss.RecvMsg(nil); status.Code(err) != codes.Unauthenticated {
				t.Fatalf("RecvMsg returned %v", err)
			}
		}
		return nil
	})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("the stream ended with %v", err)
	}
	if n := ss.calls.Load(); n > 0 {
		t.Errorf("%d calls of RecvMsg wait for the client", n)
	}
}

// passing is a stream that takes and has messages without waiting.
type passing struct {
	grpc.ServerStream

	ctx context.Context
}

func (p passing) Context() context.Context { return p.ctx }
func (passing) SendMsg(any) error          { return nil }
func (passing) RecvMsg(any) error          { return nil }

// What ends a stream costs each of its messages one allocation, that of the goroutine.
func TestAllocationsOfMessage(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	_, intercept := cognitogrpc.Interceptors(auth, cognitogrpc.Rules{})
	ss := passing{nil, metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", bearer(pool.AccessToken())))}
	err = intercept(nil, ss, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
		m := new(wrapperspb.StringValue)
		for name, pass := range map[string]func(any) error{"SendMsg": ss.SendMsg, "RecvMsg": ss.RecvMsg} {
			if n := testing.AllocsPerRun(100, func() { err = errors.Join(pass(m)) }); n > 1 || err != nil {
				t.Errorf("%s: %v allocations, %v", name, n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A stream whose context has ended before, by the deadline that the caller has set, still
// ends with its token if the handler does not look at its context.
func TestStreamThatOutlivesItsContext(t *testing.T) {
	for name, pass := range map[string]func(grpc.ServerStream) error{
		"SendMsg":            func(ss grpc.ServerStream) error { return ss.SendMsg(nil) },
		"RecvMsg":            func(ss grpc.ServerStream) error { return ss.RecvMsg(nil) },
		"RecvMsg that waits": func(ss grpc.ServerStream) error { return ss.RecvMsg("wait") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
				auth, err := cognitoauth.New(pool.Config())
				if err != nil {
					t.Fatal(err)
				}
				_, intercept := cognitogrpc.Interceptors(auth, cognitogrpc.Rules{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				token := pool.AccessToken().ExpiresIn(time.Minute)
				ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", bearer(token)))
				began, ended := time.Now(), make(chan struct{})
				err = intercept(nil, slow{passing{nil, ctx}, ended}, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
					defer close(ended)
					for time.Since(began) < time.Hour && pass(ss) == nil {
					}
					return nil
				})
				if status.Code(err) != codes.Unauthenticated {
					t.Errorf("ended with %v", err)
				}
				if took, want := time.Since(began), 90*time.Second; took != want { // a minute, the leeway
					t.Errorf("ended after %s, want %s", took, want)
				}
			})
		})
	}
}

// slow is a stream that passes a message each second, except for a RecvMsg that waits.
type slow struct {
	passing

	ended chan struct{}
}

func (s slow) SendMsg(any) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-s.ended:
		return io.EOF
	}
}

func (s slow) RecvMsg(m any) error {
	if m == nil {
		return s.SendMsg(nil)
	}
	select {
	case <-time.After(time.Hour):
	case <-s.ended:
	}
	return io.EOF
}
