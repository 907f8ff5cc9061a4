package cognitoconnect_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The procedures of the service, one of each shape, as generated code would name them.
// All send the caller's name, unless they have none to send.
var (
	get    = connect.Spec{Procedure: "/test.v1.Orders/Get", StreamType: connect.StreamTypeUnary, IdempotencyLevel: connect.IdempotencyNoSideEffects}
	create = connect.Spec{Procedure: "/test.v1.Orders/Create", StreamType: connect.StreamTypeUnary}
	upload = connect.Spec{Procedure: "/test.v1.Orders/Upload", StreamType: connect.StreamTypeClient}
	watch  = connect.Spec{Procedure: "/test.v1.Orders/Watch", StreamType: connect.StreamTypeServer}
	chat   = connect.Spec{Procedure: "/test.v1.Orders/Chat", StreamType: connect.StreamTypeBidi}
	check  = connect.Spec{Procedure: "/test.v1.Orders/Check", StreamType: connect.StreamTypeUnary}
	nope   = connect.Spec{Procedure: "/test.v1.Orders/Nope", StreamType: connect.StreamTypeUnary}
	other  = connect.Spec{Procedure: "/test.v1.Other/Nope", StreamType: connect.StreamTypeUnary}
)

var shapes = []connect.Spec{get, create, upload, watch, chat}

var rules = cognitoconnect.Rules{
	Policies: map[string]cognitoauth.Policy{
		create.Procedure: cognitoauth.Scope("orders/write"),
		upload.Procedure: cognitoauth.Scope("orders/write"),
		watch.Procedure:  cognitoauth.Scope("orders/write"),
		chat.Procedure:   cognitoauth.Scope("orders/write"),
		get.Procedure:    cognitoauth.Scope("orders/write"),
	},
	Open: []string{check.Procedure},
}

// service counts its calls.
type service struct {
	calls atomic.Int32
	// wait, if set, is what a stream does before it ends.
	wait func(context.Context, connect.ServerStream) error
}

func (s *service) serve(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	s.calls.Add(1)
	name := "nobody"
	if claims, ok := cognitoauth.FromContext(ctx); ok {
		name = claims.Username
	}
	if s.wait != nil {
		return s.wait(ctx, stream)
	}
	for {
		err := stream.Receive(new(wrapperspb.StringValue))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if spec.StreamType&connect.StreamTypeClient == 0 {
			break
		}
	}
	return stream.Send(wrapperspb.String(name))
}

func (s *service) server() *connect.Server {
	server := connect.NewServer()
	for _, spec := range append([]connect.Spec{check}, shapes...) {
		server.Register(connect.Method{Spec: spec, Handler: s.serve})
	}
	return server
}

// start serves h with HTTP/1.1 and HTTP/2 on loopback, and returns its URL.
func start(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return "http://" + l.Addr().String()
}

// serve starts s behind Wrap.
func serve(t *testing.T, s *service, cfg cognitoauth.Config) string {
	t.Helper()
	cfg.ErrorHandler = cognitoconnect.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, s.server(), rules)
	mux.HandleFunc("/page", func(http.ResponseWriter, *http.Request) { s.calls.Add(1) })
	return start(t, auth.Wrap(mux))
}

// protocols are the ways in which a client can call. A GET is one for unary calls
// without side effects only; others become a POST.
var protocols = []struct {
	name    string
	http1   bool
	options []connecthttp.Option
}{
	{"connect", false, nil},
	{"connect, JSON", false, []connecthttp.Option{connecthttp.WithProtoJSON()}},
	{"connect, GET", false, []connecthttp.Option{connecthttp.WithHTTPGet()}},
	{"connect, HTTP 1.1", true, nil},
	{"grpc", false, []connecthttp.Option{connecthttp.WithGRPC()}},
	{"grpcweb", false, []connecthttp.Option{connecthttp.WithGRPCWeb()}},
	{"grpcweb, HTTP 1.1", true, []connecthttp.Option{connecthttp.WithGRPCWeb()}},
}

func client(t *testing.T, url string, http1 bool, options ...connecthttp.Option) *connect.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(http1)
	transport.Protocols.SetUnencryptedHTTP2(!http1)
	t.Cleanup(transport.CloseIdleConnections)
	return connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, url, options...))
}

// call makes one call with one message, and returns the answer.
func call(t *testing.T, c *connect.Client, spec connect.Spec, authorization ...string) (string, *connect.CallInfo, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // fails only what hangs
	defer cancel()
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().SetValues("Authorization", authorization)
	var answer wrapperspb.StringValue
	if spec.StreamType == connect.StreamTypeUnary {
		err := c.CallUnary(ctx, spec, wrapperspb.String("x"), &answer)
		return answer.Value, info, err
	}
	stream, err := c.CallClientStream(ctx, spec)
	if err != nil {
		return "", info, err
	}
	defer stream.Close()
	if err := stream.Send(wrapperspb.String("x")); err != nil && !errors.Is(err, io.EOF) {
		return "", info, err
	}
	if err := stream.CloseSend(); err != nil {
		return "", info, err
	}
	if err := stream.Receive(&answer); err != nil {
		return "", info, err
	}
	if err := stream.Receive(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
		return "", info, errors.Join(err, errors.New("the stream does not end"))
	}
	return answer.Value, info, nil
}

func bearer(t *cognitotest.Token) string { return "Bearer " + t.String() }
