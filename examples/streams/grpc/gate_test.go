package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// echo has methods with a stream in both directions, which the health service
// has not. Both answer a message with the name of the caller: Echo each of them,
// Late one, and then says more, once its context has ended.
var echo = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{
		{StreamName: "Echo", ClientStreams: true, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			for {
				if err := answer(s); err != nil {
					return err
				}
			}
		}},
		{StreamName: "Late", ClientStreams: true, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			if err := answer(s); err != nil {
				return err
			}
			<-s.Context().Done()
			return s.SendMsg(&healthpb.HealthCheckRequest{Service: "too late"})
		}},
	},
}

func answer(s grpc.ServerStream) error {
	claims, ok := claimsFrom(s.Context())
	if !ok {
		return errors.New("no claims")
	}
	if err := s.RecvMsg(new(healthpb.HealthCheckRequest)); err != nil {
		return err
	}
	return s.SendMsg(&healthpb.HealthCheckRequest{Service: claims.Username})
}

// dial starts the server of the example, with echo beside it.
func dial(t *testing.T, pool *cognitotest.Pool) *grpc.ClientConn {
	t.Helper()
	cfg := pool.Config()
	cfg.Leeway = time.Millisecond
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(auth, slog.New(slog.DiscardHandler))
	srv.RegisterService(&echo, nil)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		srv.Stop()
		<-served
	})
	return conn
}

// within ends a test that waits for something that does not come.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestCalls(t *testing.T) {
	t.Parallel()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	conn := dial(t, pool)
	const check, list, watch, echoes = healthpb.Health_Check_FullMethodName, healthpb.Health_List_FullMethodName, healthpb.Health_Watch_FullMethodName, "/test.Echo/Echo"
	jane := "Bearer " + pool.AccessToken().String()
	reader := "Bearer " + pool.AccessToken().Scopes("ops/read").String()
	for _, c := range []struct {
		name, method   string
		authorizations []string
		code           codes.Code
		reason         string
	}{
		{"open without token", check, nil, codes.OK, ""},
		{"open, token not looked at", check, []string{"Bearer nonsense"}, codes.OK, ""},

		{"unary without token", list, nil, codes.Unauthenticated, "token_missing"},
		{"unary, another scheme", list, []string{"Basic amFuZTpqYW5l"}, codes.Unauthenticated, "token_missing"},
		{"unary, token alone", list, []string{strings.TrimPrefix(reader, "Bearer ")}, codes.Unauthenticated, "token_missing"},
		{"unary, scheme alone", list, []string{"Bearer"}, codes.Unauthenticated, ""},
		{"unary, nonsense", list, []string{"Bearer nonsense"}, codes.Unauthenticated, "token_malformed"},
		{"unary, two tokens", list, []string{reader, reader}, codes.InvalidArgument, ""},
		{"unary, signature broken", list, []string{"Bearer " + pool.AccessToken().Scopes("ops/read").Tampered().String()}, codes.Unauthenticated, "signature_invalid"},
		{"unary, ID token", list, []string{"Bearer " + pool.IDToken().String()}, codes.Unauthenticated, "token_use_mismatch"},
		{"unary, scope missing", list, []string{jane}, codes.PermissionDenied, "scope_missing"},
		{"unary, scope there", list, []string{reader}, codes.OK, ""},
		{"unary, scheme in small letters", list, []string{"bearer  " + strings.TrimPrefix(reader, "Bearer ")}, codes.OK, ""},

		{"stream without token", watch, nil, codes.Unauthenticated, "token_missing"},
		{"stream, expired", watch, []string{"Bearer " + pool.AccessToken().ExpiresIn(-time.Hour).String()}, codes.Unauthenticated, "token_expired"},
		{"stream", watch, []string{jane}, codes.OK, ""},
		{"stream in both directions without token", echoes, nil, codes.Unauthenticated, "token_missing"},
		{"stream in both directions", echoes, []string{jane}, codes.OK, ""},

		{"unknown service without token", "/nope.Nope/Nope", nil, codes.Unauthenticated, "token_missing"},
		{"unknown method without token", "/grpc.health.v1.Health/Nope", nil, codes.Unauthenticated, "token_missing"},
		{"open method, another case", "/grpc.health.v1.Health/check", nil, codes.Unauthenticated, "token_missing"},
		{"unknown method", "/grpc.health.v1.Health/Nope", []string{jane}, codes.Unimplemented, ""},
	} {
		ctx, cancel := context.WithCancel(within(t))
		for _, a := range c.authorizations {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a)
		}
		got := status.Convert(call(ctx, conn, c.method))
		if got.Code() != c.code || !strings.Contains(got.Message(), c.reason) {
			t.Errorf("%s: got %v %q, want %v %q", c.name, got.Code(), got.Message(), c.code, c.reason)
		}
		cancel()
	}
}

// call sends one message and waits for one: every method answers at least that.
func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		return err
	}
	if err := s.SendMsg(new(healthpb.HealthCheckRequest)); err != nil && err != io.EOF {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	return s.RecvMsg(new(healthpb.HealthCheckResponse))
}

func TestKeysUnavailable(t *testing.T) {
	t.Parallel()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	pool.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
	_, err := healthpb.NewHealthClient(dial(t, pool)).List(with(within(t), pool.AccessToken()), &healthpb.HealthListRequest{})
	if got := status.Convert(err); got.Code() != codes.Unavailable || !strings.Contains(got.Message(), "keys_unavailable") {
		t.Errorf("got %v, want Unavailable, keys_unavailable", err)
	}
}

// Watch waits on the server for the end of its context, Echo for a message that
// does not come, and Late sends one when it is too late.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	conn := dial(t, pool)
	for _, c := range []struct {
		method string
		desc   *grpc.StreamDesc
	}{
		{healthpb.Health_Watch_FullMethodName, &healthpb.Health_ServiceDesc.Streams[0]},
		{"/test.Echo/Echo", &echo.Streams[0]},
		{"/test.Echo/Late", &echo.Streams[1]},
	} {
		t.Run(c.desc.StreamName, func(t *testing.T) {
			t.Parallel()
			token := pool.AccessToken().ExpiresIn(2 * time.Second)
			s, err := conn.NewStream(with(within(t), token), c.desc, c.method)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SendMsg(new(healthpb.HealthCheckRequest)); err != nil {
				t.Fatal(err)
			}
			if !c.desc.ClientStreams {
				s.CloseSend()
			}
			if err := s.RecvMsg(new(healthpb.HealthCheckResponse)); err != nil {
				t.Fatalf("before the token expired: %v", err)
			}
			err = s.RecvMsg(new(healthpb.HealthCheckResponse))
			if got := status.Convert(err); got.Code() != codes.Unauthenticated || !strings.Contains(got.Message(), "token_expired") {
				t.Errorf("ended with %v, want Unauthenticated, token_expired", err)
			}
			if early := time.Until(token.Claims().Expiry); early > 0 {
				t.Errorf("ended %v before the token", early)
			}
		})
	}
}

func TestHandlerSeesTheCaller(t *testing.T) {
	t.Parallel()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	s, err := dial(t, pool).NewStream(with(within(t), pool.AccessToken().User("joe")), &echo.Streams[0], "/test.Echo/Echo")
	if err != nil {
		t.Fatal(err)
	}
	var answer healthpb.HealthCheckRequest
	if err := errors.Join(s.SendMsg(new(healthpb.HealthCheckRequest)), s.RecvMsg(&answer)); err != nil {
		t.Fatal(err)
	}
	if answer.Service != "joe" {
		t.Errorf("called by %q, want joe", answer.Service)
	}
}

func TestUnaryHandlerSeesTheCaller(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+pool.AccessToken().String()))
	name, err := newGate(auth, slog.New(slog.DiscardHandler), nil, nil).unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"},
		func(ctx context.Context, _ any) (any, error) {
			claims, _ := claimsFrom(ctx)
			return claims.Username, nil
		})
	if name != "jane" || err != nil {
		t.Errorf("called by %v (%v), want jane", name, err)
	}
}

func TestNewGatePanics(t *testing.T) {
	zero := map[string]cognitoauth.Policy{"/a.B/C": {}}
	for _, c := range []struct {
		name     string
		open     []string
		policies map[string]cognitoauth.Policy
	}{
		{"no slash before", []string{"a.B/C"}, nil},
		{"a service", []string{"/a.B/"}, nil},
		{"everything", []string{"/"}, nil},
		{"empty", []string{""}, nil},
		{"policy of no method", nil, map[string]cognitoauth.Policy{"C": cognitoauth.Authenticated()}},
		{"open and with a policy", []string{"/a.B/C"}, zero},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", c.name)
				}
			}()
			newGate(nil, nil, c.open, c.policies)
		}()
	}
}

// The README shows what the program prints.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(within(t), &out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("```text\n"), out.Bytes()...)) {
		t.Errorf("the README does not show this:\n%s", &out)
	}
}
