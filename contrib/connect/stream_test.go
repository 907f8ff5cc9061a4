package cognitoconnect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func decided(to chan<- string) func(context.Context, cognitoauth.Decision) {
	return func(_ context.Context, d cognitoauth.Decision) { to <- d.Code + " " + d.Pattern }
}

// waits are what a stream waits for that does not come, and what it then likes to return.
var waits = []struct {
	name string
	wait func(context.Context, connect.ServerStream) error
}{
	{"waits for a message", func(_ context.Context, s connect.ServerStream) error {
		for {
			if err := s.Receive(new(wrapperspb.StringValue)); err != nil {
				return err
			}
		}
	}},
	{"waits for its context", func(ctx context.Context, _ connect.ServerStream) error {
		<-ctx.Done()
		return ctx.Err()
	}},
	{"ends as if it were complete", func(ctx context.Context, s connect.ServerStream) error {
		s.Send(wrapperspb.String("begun"))
		<-ctx.Done()
		return nil
	}},
	{"sends too late", func(ctx context.Context, s connect.ServerStream) error {
		<-ctx.Done()
		if s.Send(wrapperspb.String("too late")) == nil {
			return errors.New("it was sent")
		}
		return nil
	}},
	{"sends on and on", func(_ context.Context, s connect.ServerStream) error {
		for {
			if err := s.Send(wrapperspb.String("more")); err != nil {
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
		url := serve(t, &s, cfg)
		for _, p := range protocols {
			for _, spec := range []connect.Spec{upload, watch, chat} {
				if p.http1 && spec.StreamType == connect.StreamTypeBidi {
					continue
				}
				if c.name == "waits for a message" && spec.StreamType == connect.StreamTypeServer ||
					c.name == "sends on and on" && spec.StreamType == connect.StreamTypeClient {
					continue // one message is all
				}
				ended := t.Run(fmt.Sprint(c.name, ", ", p.name, ", ", spec.Procedure), func(t *testing.T) {
					err := open(t, client(t, url, p.http1, p.options...), spec, token)
					want := refusal{connect.CodeUnauthenticated, "token_expired", `Bearer realm="api", error="invalid_token", error_description="the token has expired"`, false}
					if got := read(t, err); got != want {
						t.Errorf("ended with %+v (%v)", got, err)
					}
				})
				if !ended {
					return // others would be waited for as long
				}
			}
		}
		if s.calls.Load() == 0 {
			t.Errorf("%s: no handler ran", c.name)
		}
	}
}

// open opens a stream, leaves it open, and returns the error that it ends with.
func open(t *testing.T, c *connect.Client, spec connect.Spec, token *cognitotest.Token) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // fails only what hangs
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", bearer(token))
	stream, err := c.CallClientStream(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := stream.Send(wrapperspb.String("x")); err != nil && !errors.Is(err, io.EOF) { // it may have ended
		t.Fatal(err)
	}
	if spec.StreamType == connect.StreamTypeServer {
		if err := stream.CloseSend(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	var m wrapperspb.StringValue
	for {
		if err := stream.Receive(&m); err != nil {
			return err
		}
		if m.Value == "too late" {
			t.Error("a message came after the token's end")
		}
	}
}

// bare is a ResponseWriter that hides the server's own, except that connect refuses a
// stream without Flush.
type bare struct{ http.ResponseWriter }

func (w bare) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// Where nothing can end a Receive that waits, it ends with the next message.
func TestStreamBehindBareResponseWriter(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken().Scopes("orders/write")
	cfg := pool.Config()
	now := token.Claims().Expiry
	cfg.Now, cfg.Leeway, cfg.ErrorHandler = func() time.Time { return now }, 20*time.Millisecond, cognitoconnect.WriteError
	expired := make(chan struct{})
	s := service{wait: func(ctx context.Context, s connect.ServerStream) error {
		context.AfterFunc(ctx, func() { close(expired) })
		var m wrapperspb.StringValue
		err := s.Receive(&m)
		if err == nil {
			t.Errorf("the handler got %q", m.Value)
		}
		return err
	}}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, s.server(), rules)
	h := auth.Wrap(mux)
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(bare{w}, r) }))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // fails only what hangs
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", bearer(token))
	stream, err := client(t, url, false).CallClientStream(ctx, chat)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := stream.SendHeaders(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-expired:
	case <-ctx.Done():
		t.Fatal("the context of the stream does not end")
	}
	if err := stream.Send(wrapperspb.String("late")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, stream.Receive(new(wrapperspb.StringValue))); got.reason != "token_expired" {
		t.Errorf("got %+v", got)
	}
}

// A unary call ends when its handler does, like any request.
func TestUnaryOutlivesItsToken(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken().Scopes("orders/write")
	cfg := pool.Config()
	now := token.Claims().Expiry
	cfg.Now, cfg.Leeway = func() time.Time { return now }, time.Nanosecond
	s := service{wait: func(ctx context.Context, s connect.ServerStream) error {
		claims, _ := cognitoauth.FromContext(ctx)
		ended, cancel := cognitoauth.WithExpiry(ctx, claims)
		defer cancel()
		<-ended.Done()
		if err := s.Receive(new(wrapperspb.StringValue)); err != nil {
			return err
		}
		return s.Send(wrapperspb.String("done"))
	}}
	if answer, _, err := call(t, client(t, serve(t, &s, cfg), false), create, bearer(token)); answer != "done" || err != nil {
		t.Errorf("got %q, %v", answer, err)
	}
}

// A stream that needs no token has none that could end it.
func TestStreamWithoutToken(t *testing.T) {
	cfg := cognitotest.NewPool(t, cognitotest.Options{}).Config()
	cfg.ErrorHandler = cognitoconnect.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var s service
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, s.server(), cognitoconnect.Rules{Open: []string{watch.Procedure}})
	url := start(t, auth.Wrap(mux))
	for _, p := range protocols {
		if name, _, err := call(t, client(t, url, p.http1, p.options...), watch); name != "nobody" || err != nil {
			t.Errorf("%s: %q, %v", p.name, name, err)
		}
	}
}
