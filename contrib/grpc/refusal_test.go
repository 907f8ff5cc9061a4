package cognitogrpc_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// refusal is what a client can read out of an error.
type refusal struct {
	code      codes.Code
	reason    string // stable code
	challenge string
	retry     bool
}

// read reads the details of an error.
func read(t *testing.T, err error) (got refusal) {
	t.Helper()
	st := status.Convert(err)
	got.code = st.Code()
	for _, d := range st.Details() {
		switch m := d.(type) {
		case *errdetails.ErrorInfo:
			got.reason, got.challenge = m.Metadata["code"], m.Metadata["challenge"]
			if m.Reason != strings.ToUpper(got.reason) || m.Domain != cognitogrpc.Domain {
				t.Errorf("Reason %q, Domain %q", m.Reason, m.Domain)
			}
		case *errdetails.RetryInfo:
			got.retry = m.RetryDelay.AsDuration() > 0
		}
	}
	if !strings.HasSuffix(st.Message(), "("+got.reason+")") {
		t.Errorf("message %q does not name the code", st.Message())
	}
	return got
}

func TestRefusals(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	down := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_DOWN00001"})
	down.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
	cfg := pool.Config()
	cfg.Pools = append(cfg.Pools, down.Config().Pools...)
	var s service
	conn := dial(t, serve(t, &s, cfg))
	token := pool.AccessToken().Scopes("orders/write")
	writer := bearer(token)
	const missing = `Bearer realm="api", scope="orders/write"`
	invalid := func(text string) string {
		return `Bearer realm="api", error="invalid_token", error_description="` + text + `", scope="orders/write"`
	}
	request := func(text string) string {
		return `Bearer realm="api", error="invalid_request", error_description="` + text + `"`
	}
	for _, c := range []struct {
		name           string
		authorizations []string
		want           refusal
	}{
		{"no token", nil, refusal{codes.Unauthenticated, "token_missing", missing, false}},
		{"another scheme", []string{"Basic amFuZTpqYW5l"}, refusal{codes.Unauthenticated, "token_missing", missing, false}},
		{"the token alone", []string{token.String()}, refusal{codes.Unauthenticated, "token_missing", missing, false}},
		{"nonsense", []string{"Bearer nonsense"}, refusal{codes.Unauthenticated, "token_malformed", invalid("the token is malformed"), false}},
		{"another signature", []string{bearer(token.Tampered())}, refusal{codes.Unauthenticated, "signature_invalid", invalid("the token's signature is invalid"), false}},

		{"the scheme alone", []string{"Bearer"}, refusal{codes.InvalidArgument, "credentials_malformed", request("the credentials are malformed"), false}},
		{"no token68", []string{writer + ","}, refusal{codes.InvalidArgument, "credentials_malformed", request("the credentials are malformed"), false}},
		{"two values", []string{writer, writer}, refusal{codes.InvalidArgument, "credentials_repeated", request("the credentials are given more than once"), false}},
		{"two schemes", []string{writer, "Basic amFuZTpqYW5l"}, refusal{codes.InvalidArgument, "credentials_repeated", request("the credentials are given more than once"), false}},

		{"no scope", []string{bearer(pool.AccessToken())}, refusal{codes.PermissionDenied, "scope_missing", `Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`, false}},
		{"keys out of reach", []string{bearer(down.AccessToken().Scopes("orders/write"))}, refusal{codes.Unavailable, "keys_unavailable", "", true}},
	} {
		for _, method := range methods {
			t.Run(c.name+", "+method, func(t *testing.T) {
				_, trailer, err := call(within(t, c.authorizations...), conn, method)
				if err == nil {
					t.Fatal("answered")
				}
				if got := read(t, err); got != c.want {
					t.Errorf("got  %+v\nwant %+v", got, c.want)
				}
				if h := strings.Join(trailer.Get("www-authenticate"), "|"); h != c.want.challenge || (trailer.Get("retry-after") != nil) != c.want.retry {
					t.Errorf("trailer %v", trailer)
				}
			})
		}
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("handlers ran %d times", n)
	}
}

func TestAdmitted(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	var s service
	conn := dial(t, serve(t, &s, pool.Config()))
	joe := pool.AccessToken().User("joe")
	for _, method := range methods {
		name, _, err := call(within(t, "bEARER  "+joe.Scopes("orders/write").String()), conn, method)
		if name != "joe" || err != nil {
			t.Errorf("%s: got %q, %v", method, name, err)
		}
	}
	if name, _, err := call(within(t, bearer(joe)), conn, list); name != "joe" || err != nil {
		t.Errorf("%s: got %q, %v", list, name, err)
	}
	if _, _, err := call(within(t), conn, list); err == nil || read(t, err).reason != "token_missing" {
		t.Errorf("%s without token: %v", list, err)
	}
}

// Later changes of the Rules open nothing.
func TestRulesAreCopied(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	mine := cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{get: cognitoauth.Scope("orders/write")}, Open: []string{list}}
	unary, _ := cognitogrpc.Interceptors(auth, mine)
	mine.Open[0] = watch
	delete(mine.Policies, get)
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", bearer(pool.AccessToken())))
	answer := func(context.Context, any) (any, error) { return nil, nil }
	for method, want := range map[string]codes.Code{get: codes.PermissionDenied, list: codes.OK, watch: codes.Unauthenticated} {
		ctx := ctx
		if method != get { // list is open without a token, in a test without a server too
			ctx = t.Context()
		}
		if _, err := unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, answer); status.Code(err) != want {
			t.Errorf("%s: %v, want %v", method, err, want)
		}
	}
}

// An open method is that very name, and its token is not looked at.
func TestOpen(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	conn := dial(t, serve(t, new(service), pool.Config()))
	client := healthpb.NewHealthClient(conn)
	for _, authorizations := range [][]string{nil, {"Bearer nonsense"}, {"a", "b"}} {
		ctx, cancel := context.WithCancel(within(t, authorizations...))
		if _, err := client.Check(ctx, nil); err != nil {
			t.Errorf("Check with %q: %v", authorizations, err)
		}
		watch, err := client.Watch(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Errorf("Watch with %q: %v", authorizations, err)
		}
		cancel()
	}
	for _, method := range []string{healthpb.Health_List_FullMethodName, "/grpc.health.v1.Health/check", "/grpc.health.v1.Health/Check/", "/grpc.health.v1.Health//Check"} {
		if _, _, err := call(within(t), conn, method); err == nil || read(t, err).reason != "token_missing" {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// Nobody reaches an UnknownServiceHandler without a token, and its policies count. What
// a caller makes up as a name is not told to Config.OnDecision.
func TestUnknownMethods(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	patterns := make(chan string, 1) // a call ends after its decision
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { patterns <- d.Pattern }
	var s service
	proxy := grpc.UnknownServiceHandler(s.stream)
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	jane := bearer(pool.AccessToken())
	for _, c := range []struct {
		name, method  string
		authorization []string
		proxy         []grpc.ServerOption
		code          codes.Code
		pattern       string
	}{
		{"no handler, no token", "/test.v1.Nope/Nope", nil, nil, codes.Unauthenticated, ""},
		{"no handler, method, no token", "/test.v1.Orders/Nope", nil, nil, codes.Unauthenticated, ""},
		{"no handler, token", "/test.v1.Nope/Nope", []string{jane}, nil, codes.Unimplemented, ""},

		{"no token", "/test.v1.Nope/Nope", nil, []grpc.ServerOption{proxy}, codes.Unauthenticated, ""},
		{"method, no token", "/test.v1.Orders/Nope", nil, []grpc.ServerOption{proxy}, codes.Unauthenticated, ""},
		{"token", "/test.v1.Nope/Nope", []string{jane}, []grpc.ServerOption{proxy}, codes.OK, ""},
		{"policy", "/test.v1.Other/Admin", []string{jane}, []grpc.ServerOption{proxy}, codes.PermissionDenied, "/test.v1.Other/Admin"},
	} {
		before := s.calls.Load()
		rules := cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{"/test.v1.Other/Admin": cognitoauth.Group("admins")}}
		conn := dial(t, listen(t, grpc.NewServer(append(cognitogrpc.ServerOptions(auth, rules), c.proxy...)...)))
		_, _, err := call(within(t, c.authorization...), conn, c.method)
		if status.Code(err) != c.code || (s.calls.Load() > before) != (c.code == codes.OK) {
			t.Errorf("%s: %v, %d calls", c.name, err, s.calls.Load()-before)
		}
		if got := <-patterns; got != c.pattern {
			t.Errorf("%s: told %q", c.name, got)
		}
	}
}

// A service can be registered under a name that its generated code does not know, where
// the interceptor of a unary call hears of the name in the code. Rules of either count.
func TestServiceUnderAnotherName(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	patterns := make(chan string, 4)
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { patterns <- d.Pattern }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const check, list, watch = "/old.v1.Health/Check", "/old.v1.Health/List", "/old.v1.Health/Watch"
	admins := cognitoauth.Group("admins")
	jane := []string{bearer(pool.AccessToken())}
	for _, c := range []struct {
		name          string
		rules         cognitogrpc.Rules
		method        string
		authorization []string
		code          codes.Code
	}{
		{"no rule", cognitogrpc.Rules{}, list, jane, codes.OK},
		{"policy", cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{list: admins}}, list, jane, codes.PermissionDenied},
		{"policy of a stream", cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{watch: admins}}, watch, jane, codes.PermissionDenied},
		{"policy of the code's name", cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{healthpb.Health_List_FullMethodName: admins}}, list, jane, codes.PermissionDenied},
		{"open", cognitogrpc.Rules{Open: []string{check}}, check, nil, codes.OK},
		{"the code's name is open", cognitogrpc.Rules{Open: []string{healthpb.Health_Check_FullMethodName}}, check, nil, codes.Unauthenticated},
		{"open, policy of the code's name", cognitogrpc.Rules{Open: []string{list}, Policies: map[string]cognitoauth.Policy{healthpb.Health_List_FullMethodName: admins}}, list, jane, codes.PermissionDenied},
	} {
		srv := grpc.NewServer(cognitogrpc.ServerOptions(auth, c.rules)...)
		desc := healthpb.Health_ServiceDesc
		desc.ServiceName = "old.v1.Health"
		srv.RegisterService(&desc, health.NewServer())
		healthpb.RegisterHealthServer(srv, health.NewServer())
		if err := c.rules.Verify(srv); err != nil {
			t.Fatal(err)
		}
		_, _, err := call(within(t, c.authorization...), dial(t, listen(t, srv)), c.method)
		if status.Code(err) != c.code {
			t.Errorf("%s: %v, want %v", c.name, err, c.code)
		}
		if c.name == "open" {
			continue
		}
		if got := <-patterns; got != c.method {
			t.Errorf("%s: told %q", c.name, got)
		}
	}
}

func TestDecisions(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	decisions := make(chan string, 6)
	cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) {
		decisions <- d.Code + " " + strings.TrimRight(d.Pattern+" "+d.RequestID, " ")
	}
	conn := dial(t, serve(t, new(service), cfg))
	call(within(t), conn, get)
	call(within(t, bearer(pool.AccessToken())), conn, watch)
	call(within(t, bearer(pool.AccessToken().Scopes("orders/write"))), conn, chat)
	call(within(t, "Bearer"), conn, get)
	call(metadata.AppendToOutgoingContext(within(t), "x-request-id", "r-1"), conn, get)
	call(metadata.AppendToOutgoingContext(within(t), "x-amzn-trace-id", "Root=1-2-3"), conn, get)
	for _, want := range []string{"token_missing " + get, "scope_missing " + watch, "authenticated " + chat, "credentials_malformed " + get, "token_missing " + get + " r-1", "token_missing " + get + " Root=1-2-3"} {
		if got := <-decisions; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// fixed are credentials as grpc-go's own, without its demand for TLS.
type fixed string

func (f fixed) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(f)}, nil
}

func (fixed) RequireTransportSecurity() bool { return false }

// Credentials of the connection, of the call and in the context add up.
func TestCredentialsAddUp(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	address := serve(t, new(service), pool.Config())
	writer := fixed(bearer(pool.AccessToken().Scopes("orders/write")))
	perDial, perCall := []grpc.DialOption{grpc.WithPerRPCCredentials(writer)}, []grpc.CallOption{grpc.PerRPCCredentials(writer)}
	for _, c := range []struct {
		name    string
		dial    []grpc.DialOption
		call    []grpc.CallOption
		context []string
		code    codes.Code
	}{
		{"dial", perDial, nil, nil, codes.OK},
		{"call", nil, perCall, nil, codes.OK},
		{"context", nil, nil, []string{string(writer)}, codes.OK},
		{"dial, call", perDial, perCall, nil, codes.InvalidArgument},
		{"dial, context", perDial, nil, []string{string(writer)}, codes.InvalidArgument},
		{"call, context", nil, perCall, []string{string(writer)}, codes.InvalidArgument},
	} {
		conn := dial(t, address, c.dial...)
		if err := conn.Invoke(within(t, c.context...), get, wrapperspb.String(""), new(wrapperspb.StringValue), c.call...); status.Code(err) != c.code {
			t.Errorf("%s: %v, want %v", c.name, err, c.code)
		}
	}
}

func TestZeroMiddleware(t *testing.T) {
	unary, _ := cognitogrpc.Interceptors(new(cognitoauth.Middleware), cognitogrpc.Rules{})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer x"))
	_, err := unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: get}, func(context.Context, any) (any, error) {
		t.Error("the handler ran")
		return nil, nil
	})
	if got := read(t, err); got != (refusal{codes.Internal, "not_wired", "", false}) {
		t.Errorf("got %+v", got)
	}
}

func TestInterceptors_panics(t *testing.T) {
	auth := new(cognitoauth.Middleware)
	for _, c := range []struct {
		name  string
		auth  *cognitoauth.Middleware
		rules cognitogrpc.Rules
		want  string
	}{
		{"nil", nil, cognitogrpc.Rules{}, "the Middleware is nil"},
		{"no slash", auth, cognitogrpc.Rules{Open: []string{"a.B/C"}}, `"a.B/C", which is no /package.Service/Method`},
		{"a service", auth, cognitogrpc.Rules{Open: []string{"/a.B/"}}, "which is no"},
		{"everything", auth, cognitogrpc.Rules{Open: []string{"/"}}, "which is no"},
		{"nothing", auth, cognitogrpc.Rules{Policies: map[string]cognitoauth.Policy{"": {}}}, "which is no"},
		{"both", auth, cognitogrpc.Rules{Open: []string{"/a.B/C"}, Policies: map[string]cognitoauth.Policy{"/a.B/C": {}}}, "in Rules.Open and in Rules.Policies"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("%s: %v", c.name, got)
				}
			}()
			cognitogrpc.ServerOptions(c.auth, c.rules)
		}()
	}
}

func TestRules_Verify(t *testing.T) {
	srv := grpc.NewServer()
	srv.RegisterService(new(service).desc(), nil)
	err := cognitogrpc.Rules{
		Open:     []string{watch, "/test.v1.Orders/watch"},
		Policies: map[string]cognitoauth.Policy{get: {}, "/test.v1.Order/Get": {}},
	}.Verify(srv)
	if got := fmt.Sprint(err); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"/test.v1.Orders/watch"`) || !strings.Contains(got, `"/test.v1.Order/Get"`) {
		t.Errorf("got %v", err)
	}
}
