package cognitogrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The methods of the service, one of each shape, as generated code would name them.
const (
	get    = "/test.v1.Orders/Get"
	upload = "/test.v1.Orders/Upload"
	watch  = "/test.v1.Orders/Watch"
	chat   = "/test.v1.Orders/Chat"
	list   = "/test.v1.Orders/List" // has no policy
)

var methods = []string{get, upload, watch, chat}

var rules = cognitogrpc.Rules{
	Policies: map[string]cognitoauth.Policy{
		get:    cognitoauth.Scope("orders/write"),
		upload: cognitoauth.Scope("orders/write"),
		watch:  cognitoauth.Scope("orders/write"),
		chat:   cognitoauth.Scope("orders/write"),
	},
	Open: []string{healthpb.Health_Check_FullMethodName, healthpb.Health_Watch_FullMethodName},
}

// service counts its calls, and answers each with the caller's name.
type service struct {
	calls atomic.Int32
	// wait, if set, is what a stream does before it ends.
	wait func(grpc.ServerStream) error
}

func (s *service) name(ctx context.Context) *wrapperspb.StringValue {
	s.calls.Add(1)
	if claims, ok := cognitoauth.FromContext(ctx); ok {
		return wrapperspb.String(claims.Username)
	}
	return wrapperspb.String("nobody")
}

func (s *service) unary(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	answer := func(ctx context.Context, _ any) (any, error) { return s.name(ctx), nil }
	if intercept == nil {
		return answer(ctx, in)
	}
	method, _ := grpc.Method(ctx) // both unary methods come here
	return intercept(ctx, in, &grpc.UnaryServerInfo{Server: s, FullMethod: method}, answer)
}

func (s *service) stream(_ any, ss grpc.ServerStream) error {
	name := s.name(ss.Context())
	if s.wait != nil {
		return s.wait(ss)
	}
	for {
		err := ss.RecvMsg(new(wrapperspb.StringValue))
		if errors.Is(err, io.EOF) {
			return ss.SendMsg(name)
		}
		if err != nil {
			return err
		}
	}
}

func (s *service) desc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "test.v1.Orders",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Get", Handler: s.unary},
			{MethodName: "List", Handler: s.unary},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "Upload", Handler: s.stream, ClientStreams: true},
			{StreamName: "Watch", Handler: s.stream, ServerStreams: true},
			{StreamName: "Chat", Handler: s.stream, ClientStreams: true, ServerStreams: true},
		},
	}
}

// serve starts s and the health service on loopback.
func serve(t *testing.T, s *service, cfg cognitoauth.Config, more ...grpc.ServerOption) string {
	t.Helper()
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(append(cognitogrpc.ServerOptions(auth, rules), more...)...)
	srv.RegisterService(s.desc(), s)
	healthpb.RegisterHealthServer(srv, health.NewServer())
	if err := rules.Verify(srv); err != nil {
		t.Fatal(err)
	}
	return listen(t, srv)
}

// listen serves srv on loopback until the test ends.
func listen(t *testing.T, srv *grpc.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		<-served
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// within returns a context with the authorizations; its timeout fails only what hangs.
func within(t *testing.T, authorizations ...string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	for _, a := range authorizations {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a)
	}
	return ctx
}

// both is a stream of any shape: one message goes there, and one comes back.
var both = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

// call makes one call with one message, and returns the answer and the trailer.
func call(ctx context.Context, conn *grpc.ClientConn, method string, options ...grpc.CallOption) (string, metadata.MD, error) {
	s, err := conn.NewStream(ctx, both, method, options...)
	if err != nil {
		return "", nil, err
	}
	if err := s.SendMsg(wrapperspb.String("")); err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	if err := s.CloseSend(); err != nil {
		return "", nil, err
	}
	var answer wrapperspb.StringValue
	if err := s.RecvMsg(&answer); err != nil {
		return "", s.Trailer(), err
	}
	if err := s.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
		return "", s.Trailer(), errors.Join(err, errors.New("the stream does not end"))
	}
	return answer.Value, s.Trailer(), nil
}

func bearer(t *cognitotest.Token) string { return "Bearer " + t.String() }
