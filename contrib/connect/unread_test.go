package cognitoconnect_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// pipes is a listener whose connections buffer nothing: what one side does not read, the
// other has not written.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// deafened is the client's end of a connection, which it stops reading at some time.
type deafened struct {
	net.Conn

	deaf, closed chan struct{}
	once         *sync.Once
}

func (d deafened) Read(b []byte) (int, error) {
	select {
	case <-d.deaf:
		<-d.closed
		return 0, net.ErrClosed
	default:
		return d.Conn.Read(b)
	}
}

func (d deafened) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Conn.Close()
}

// bubble is a stream inside a synctest bubble, with a token that lives for a minute and
// the default leeway.
type bubble struct {
	stream connect.ClientStream
	ended  chan error // what wait returned, when the handler and all around it has returned
	deaf   chan struct{}
	client *connect.Client
	dials  *atomic.Int32
}

// newUnread returns a stream whose handler sends on and on.
func newUnread(t *testing.T, spec connect.Spec, http1 bool, options ...connecthttp.Option) bubble {
	t.Helper()
	return newBubble(t, "", sendOn, spec, http1, options...)
}

func sendOn(_ context.Context, stream connect.ServerStream) (err error) {
	m := wrapperspb.Bytes(make([]byte, 64<<10))
	rand.Read(m.Value) // to compress it makes it no smaller
	for err == nil {
		err = stream.Send(m)
	}
	return err
}

// newBubble returns a stream whose handler does wait. timeout is what the caller asks for,
// in ms, and does not keep itself.
func newBubble(t *testing.T, timeout string, wait func(context.Context, connect.ServerStream) error, spec connect.Spec, http1 bool, options ...connecthttp.Option) bubble {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	cfg := pool.Config()
	cfg.ErrorHandler = cognitoconnect.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var waited error
	s := service{wait: func(ctx context.Context, stream connect.ServerStream) error {
		if _, ok := cognitoauth.FromContext(ctx); !ok {
			return answerLate(stream)
		}
		waited = wait(ctx, stream)
		return waited
	}}
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, s.server(), rules)
	u := bubble{ended: make(chan error, 2), deaf: make(chan struct{}), dials: new(atomic.Int32)}
	h := auth.Wrap(mux)
	srv := &http.Server{Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{WriteByteTimeout: time.Minute}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { u.ended <- waited }()
		if timeout != "" {
			r.Header.Set("Connect-Timeout-Ms", timeout)
			r.Header.Set("Grpc-Timeout", timeout+"m")
		}
		h.ServeHTTP(w, r)
	})}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	listener := make(pipes)
	go srv.Serve(listener)
	transport := &http.Transport{Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}, DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		u.dials.Add(1)
		listener <- there
		return deafened{here, u.deaf, make(chan struct{}), new(sync.Once)}, nil
	}}
	transport.Protocols.SetHTTP1(http1)
	transport.Protocols.SetUnencryptedHTTP2(!http1)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", bearer(pool.AccessToken().Scopes("orders/write").ExpiresIn(time.Minute)))
	u.client = connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "http://api.example", options...))
	if u.stream, err = u.client.CallClientStream(ctx, spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel() // or Close reads what is still sent
		u.stream.Close()
	})
	if err := u.stream.Send(wrapperspb.String("x")); err != nil {
		t.Fatal(err)
	}
	if spec.StreamType == connect.StreamTypeServer {
		if err := u.stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// A client that does not read holds the handler for 10 s after the token's end.
func TestStreamThatNobodyReads(t *testing.T) {
	for _, p := range protocols {
		for _, spec := range []connect.Spec{watch, chat} {
			if p.http1 && spec.StreamType == connect.StreamTypeBidi {
				continue
			}
			t.Run(p.name+", "+spec.Procedure, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUnread(t, spec, p.http1, p.options...)
					began := time.Now()
					select {
					case err := <-u.ended:
						if err == nil {
							t.Error("everything was sent")
						}
					case <-time.After(2 * time.Minute):
						t.Fatal("the handler still runs after two minutes")
					}
					if took, want := time.Since(began), 100*time.Second; took != want { // a minute, the leeway, 10 s
						t.Errorf("ended after %s, want %s", took, want)
					}
				})
			})
		}
	}
}

// A stream whose context has ended before, by the timeout that the caller has asked for,
// still ends with its token if the handler does not look at its context.
func TestStreamThatOutlivesItsContext(t *testing.T) {
	receiveOn := func(_ context.Context, stream connect.ServerStream) (err error) {
		for err == nil {
			err = stream.Receive(new(wrapperspb.StringValue))
		}
		return err
	}
	for _, p := range protocols {
		for _, c := range []struct {
			name  string
			spec  connect.Spec
			wait  func(context.Context, connect.ServerStream) error
			sends bool
		}{
			{"Send", watch, sendOn, false},
			{"Receive", upload, receiveOn, true},
			{"Receive that waits", upload, receiveOn, false},
		} {
			t.Run(p.name+", "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t, "1000", c.wait, c.spec, p.http1, p.options...)
					began := time.Now()
					tick := time.NewTicker(time.Second)
					defer tick.Stop()
					for {
						select {
						case err := <-b.ended:
							if err == nil {
								t.Error("the handler saw no error")
							}
							if took := time.Since(began); took > 100*time.Second { // a minute, the leeway, 10 s for the answer
								t.Errorf("ended after %s", took)
							}
							return
						case now := <-tick.C:
							if now.Sub(began) > 2*time.Minute {
								t.Fatal("the handler still runs after two minutes")
							}
							if c.sends {
								b.stream.Send(wrapperspb.String("x")) // fails once the stream has ended
							}
						}
					}
				})
			})
		}
	}
}

// A client that goes on reading in these 10 s gets token_expired.
func TestStreamThatIsReadLate(t *testing.T) {
	for _, p := range protocols {
		for _, spec := range []connect.Spec{watch, chat} {
			if p.http1 && spec.StreamType == connect.StreamTypeBidi {
				continue
			}
			t.Run(p.name+", "+spec.Procedure, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUnread(t, spec, p.http1, p.options...)
					time.Sleep(99 * time.Second)
					var err error
					for n := 0; err == nil && n < 100; n++ { // more than what was on its way
						err = u.stream.Receive(new(wrapperspb.BytesValue))
					}
					if err == nil {
						t.Fatal("the stream does not end")
					}
					if got := read(t, err); got.reason != "token_expired" {
						t.Errorf("ended with %+v, %v", got, err)
					}
					if err := <-u.ended; connect.CodeOf(err) != connect.CodeUnauthenticated {
						t.Errorf("Send returned %v", err)
					}
				})
			})
		}
	}
}

// answerLate is what a call of the open procedure meets: an answer after half a minute.
func answerLate(stream connect.ServerStream) error {
	if err := stream.Receive(new(wrapperspb.StringValue)); err != nil {
		return err
	}
	time.Sleep(30 * time.Second)
	return stream.Send(wrapperspb.String("late"))
}

// The deadlines of a stream are not those of its connection: a call beside the stream
// (HTTP/2), or after it (HTTP/1.1), is answered on the same connection after both.
func TestConnectionOutlivesStream(t *testing.T) {
	untilEnd := func(ctx context.Context, stream connect.ServerStream) error {
		err := stream.Receive(new(wrapperspb.StringValue))
		<-ctx.Done()
		return err
	}
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, "", untilEnd, watch, p.http1, p.options...)
				if !p.http1 {
					time.Sleep(85 * time.Second) // the token ends 5 s later
				} else if got := read(t, b.stream.Receive(new(wrapperspb.StringValue))); got.reason != "token_expired" {
					t.Fatalf("ended with %+v", got)
				} else {
					b.stream.Close()
					synctest.Wait() // until the connection is free
				}
				var answer wrapperspb.StringValue
				if err := b.client.CallUnary(t.Context(), check, wrapperspb.String("x"), &answer); err != nil || answer.Value != "late" {
					t.Errorf("the call got %q, %v", answer.Value, err)
				}
				if n := b.dials.Load(); n != 1 {
					t.Errorf("there were %d connections", n)
				}
			})
		})
	}
}

// A client that reads nothing of an HTTP/2 connection keeps the reset of its stream from
// being written. The server's WriteByteTimeout ends the connection.
func TestConnectionThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnread(t, watch, false)
		close(u.deaf)
		select {
		case <-u.ended:
		case <-time.After(time.Hour):
			t.Fatal("the handler still runs after an hour")
		}
	})
}
