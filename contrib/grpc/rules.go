package cognitogrpc

// This file holds the Rules about methods, and the interceptors that apply them.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Rules says which methods ask for more, or for less, than Config.Fallback. The zero
// value says it of none. Methods are named as the constants of the generated code
// name them: "/package.Service/Method".
type Rules struct {
	// Policies has what a method needs besides Config.Fallback. The zero
	// [cognitoauth.Policy] denies everybody.
	Policies map[string]cognitoauth.Policy
	// Open has the methods that need no token. Theirs is not looked at, their calls
	// have no claims, and Config.OnDecision does not hear of them.
	Open []string
}

// ServerOptions returns the options of a server whose calls need a valid token:
//
//	server := grpc.NewServer(cognitogrpc.ServerOptions(auth, rules)...)
//
// They are the interceptors of [Interceptors], outside of those of later options, and
// an UnknownServiceHandler that answers Unimplemented, so that unknown methods need a
// token too. Where a server has an UnknownServiceHandler of its own, its option has to
// come later, and the interceptors protect it. It panics where Interceptors does.
func ServerOptions(auth *cognitoauth.Middleware, rules Rules) []grpc.ServerOption {
	unary, stream := Interceptors(auth, rules)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(unary),
		grpc.ChainStreamInterceptor(stream),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(codes.Unimplemented, "unknown method")
		}),
	}
}

// Interceptors returns the two interceptors of [ServerOptions], for a chain that puts
// others outside of them, such as tracing. A server needs both: without one of them,
// all its calls of that kind are open. Unknown methods do not come to interceptors,
// unless the server has an UnknownServiceHandler. Where an interceptor outside of these
// wraps a stream, its SendMsg and RecvMsg run in goroutines of their own, and after the
// token's end one of each can still run when the handler has returned.
//
// It panics if auth is nil, if rules have what is no full name of a method, or a
// method that is open and has a policy.
func Interceptors(auth *cognitoauth.Middleware, rules Rules) (grpc.UnaryServerInterceptor, grpc.StreamServerInterceptor) {
	faults := rules.faults()
	if auth == nil {
		faults = append(faults, "the Middleware is nil; make one with cognitoauth.New")
	}
	if len(faults) > 0 {
		panic("cognitogrpc: " + strings.Join(faults, "; "))
	}
	g := &gate{auth, Rules{maps.Clone(rules.Policies), slices.Clone(rules.Open)}}
	return g.unary, g.stream
}

// faults lists every mistake in the rules that shows without a server.
func (r Rules) faults() (faults []string) {
	for _, name := range r.names() {
		if parts := strings.Split(name, "/"); len(parts) != 3 || parts[0] != "" || parts[1] == "" || parts[2] == "" {
			faults = append(faults, fmt.Sprintf("Rules name %q, which is no /package.Service/Method; take the name from the generated code", name))
		}
	}
	for _, name := range r.Open {
		if _, ok := r.Policies[name]; ok {
			faults = append(faults, fmt.Sprintf("%q is in Rules.Open and in Rules.Policies; leave it in one of them", name))
		}
	}
	return faults
}

func (r Rules) names() []string {
	return slices.Concat(r.Open, slices.Sorted(maps.Keys(r.Policies)))
}

// Verify returns an error that lists the methods in the rules that s does not have. A
// misspelt name would leave its method with Config.Fallback alone. Call it once all
// services are registered; the methods behind an UnknownServiceHandler are not.
func (r Rules) Verify(s *grpc.Server) error {
	known := make(map[string]bool)
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			known["/"+service+"/"+method.Name] = true
		}
	}
	var faults []error
	for _, name := range r.names() {
		if !known[name] {
			faults = append(faults, fmt.Errorf("cognitogrpc: Rules name %q, which the server does not have; take the name from the generated code", name))
		}
	}
	return errors.Join(faults...)
}

// gate has the interceptors.
type gate struct {
	auth  *cognitoauth.Middleware
	rules Rules
}

// unary is told the method's name in the generated code. The server can have registered
// the service under another name, which is that of the call, and the one that Verify
// knows: it decides, and a policy of the code's name counts besides.
func (g *gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	method, _ := grpc.Method(ctx)
	if method == "" {
		method = info.FullMethod // there is no server
	}
	if _, ok := g.rules.Policies[info.FullMethod]; !ok && g.open(method) {
		return handler(ctx, req)
	}
	policy := g.policy(method)
	if method != info.FullMethod {
		policy = cognitoauth.And(policy, g.policy(info.FullMethod))
	}
	ctx, err := g.admit(ctx, method, policy)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if g.open(info.FullMethod) {
		return handler(srv, ss)
	}
	route := info.FullMethod
	if _, ok := g.rules.Policies[route]; !ok && srv == nil {
		route = "" // the caller has made up the method
	}
	ctx, err := g.admit(ss.Context(), route, g.policy(info.FullMethod))
	if err != nil {
		return err
	}
	return serveUntilExpiry(ctx, srv, ss, handler)
}

func (g *gate) open(method string) bool { return slices.Contains(g.rules.Open, method) }

func (g *gate) policy(method string) cognitoauth.Policy {
	if policy, ok := g.rules.Policies[method]; ok {
		return policy
	}
	return cognitoauth.Authenticated()
}

// admit returns the context of a call with its claims, or the status of its refusal.
// The call's credentials and metadata may have added up to several values.
func (g *gate) admit(ctx context.Context, route string, policy cognitoauth.Policy) (context.Context, error) {
	header := http.Header{}
	for _, name := range []string{"Authorization", "X-Request-Id", "X-Amzn-Trace-Id"} {
		header[name] = metadata.ValueFromIncomingContext(ctx, strings.ToLower(name))
	}
	admitted, err := g.auth.Admit(ctx, header, route, policy)
	if err != nil {
		setTrailer(ctx, err)
		return ctx, statusOf(err).Err()
	}
	return admitted, nil
}
