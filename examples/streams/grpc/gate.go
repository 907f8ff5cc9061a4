package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/cognitoauth/cognitoauth"
)

// gate admits calls that carry a valid token in the metadata "authorization".
// Its methods unary and stream are the interceptors of a server.
type gate struct {
	auth *cognitoauth.Middleware
	log  *slog.Logger
	// By full method name, "/package.Service/Method". A method that is in
	// neither demands any valid token.
	open     map[string]bool
	policies map[string]cognitoauth.Policy
}

// newGate panics on what is no full method name, and on one that is both open
// and has a policy. Take the names from the generated code: a constant that is
// renamed does not compile, a string would name nothing.
func newGate(auth *cognitoauth.Middleware, log *slog.Logger, open []string, policies map[string]cognitoauth.Policy) *gate {
	g := &gate{auth, log, map[string]bool{}, map[string]cognitoauth.Policy{}}
	for _, method := range open {
		mustBeMethod(method)
		g.open[method] = true
	}
	for method, policy := range policies {
		mustBeMethod(method)
		if g.open[method] {
			panic(fmt.Sprintf("%s is open and has a policy", method))
		}
		g.policies[method] = policy
	}
	return g
}

func mustBeMethod(name string) {
	if parts := strings.Split(name, "/"); len(parts) != 3 || parts[0] != "" || parts[1] == "" || parts[2] == "" {
		panic(fmt.Sprintf("%q is no full method name", name))
	}
}

func (g *gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	claims, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(context.WithValue(ctx, claimsKey{}, claims), req)
}

func (g *gate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	claims, err := g.admit(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if claims == nil {
		return handler(srv, ss)
	}
	ctx, cancel := cognitoauth.WithExpiry(ss.Context(), claims)
	defer cancel()
	err = handler(srv, &stream{ss, context.WithValue(ctx, claimsKey{}, claims)})
	if err != nil && ctx.Err() != nil {
		return refusal(context.Cause(ctx)) // rather than what the handler made of it
	}
	return err
}

// admit returns the claims of a call, nil if its method is open.
func (g *gate) admit(ctx context.Context, method string) (*cognitoauth.Claims, error) {
	if g.open[method] {
		return nil, nil
	}
	policy, ok := g.policies[method]
	if !ok {
		policy = cognitoauth.Authenticated()
	}
	claims, err := g.check(ctx, policy)
	if err != nil {
		g.log.InfoContext(ctx, "refused", "method", method, "err", err)
		return nil, refusal(err)
	}
	return claims, nil
}

// check validates the token, and then, since Validate does not, the policy.
// An Assert in it is given no request.
func (g *gate) check(ctx context.Context, policy cognitoauth.Policy) (claims *cognitoauth.Claims, err error) {
	credentials := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(credentials) > 1 {
		return nil, status.Error(codes.InvalidArgument, "more than one authorization")
	}
	if len(credentials) == 1 {
		scheme, token, _ := strings.Cut(credentials[0], " ")
		if strings.EqualFold(scheme, "Bearer") {
			if claims, err = g.auth.Validate(ctx, strings.TrimLeft(token, " ")); err != nil {
				return nil, err
			}
		}
	}
	return claims, policy.Check(nil, claims) // nil claims meet no policy
}

// refusal is err as the caller sees it.
func refusal(err error) error {
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		if _, ok := status.FromError(err); ok {
			return err
		}
		return status.FromContextError(err).Err()
	}
	code := codes.Internal
	switch e.Status {
	case http.StatusUnauthorized:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	case http.StatusServiceUnavailable:
		code = codes.Unavailable
	}
	return status.Errorf(code, "%s (%s)", e.Description, e.Code)
}

type claimsKey struct{}

// claimsFrom returns the claims of the call, and whether it has any.
func claimsFrom(ctx context.Context) (*cognitoauth.Claims, bool) {
	claims, _ := ctx.Value(claimsKey{}).(*cognitoauth.Claims)
	return claims, claims != nil
}

// stream ends with its context. The one that grpc made does not know of it, and
// a handler that waits for a message would never learn that the token has expired.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) SendMsg(m any) error {
	if s.ctx.Err() != nil {
		return refusal(context.Cause(s.ctx))
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg leaves a goroutine behind when the context ends; the handler returns
// then, and with it the call, which ends the goroutine.
func (s *stream) RecvMsg(m any) error {
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-received:
		return err
	case <-s.ctx.Done():
		return refusal(context.Cause(s.ctx))
	}
}
