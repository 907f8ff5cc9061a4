package cognitogrpc

// This file holds how a refusal looks to a client.

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the Domain of the ErrorInfo in a refusal.
const Domain = "github.com/cognitoauth/cognitoauth"

// statusOf returns what a client gets for a refusal: fixed texts, codes and times.
func statusOf(err error) *status.Status {
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		return status.New(codes.Internal, "refused")
	}
	info := &errdetails.ErrorInfo{
		Reason:   strings.ToUpper(e.Code),
		Domain:   Domain,
		Metadata: map[string]string{"code": e.Code},
	}
	if challenge := e.Challenge(); challenge != "" {
		info.Metadata["challenge"] = challenge
	}
	details := []protoadapt.MessageV1{info}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	st, err := status.New(codeOf(e), e.Description+" ("+e.Code+")").WithDetails(details...)
	if err != nil { // not for these messages
		return status.New(codes.Internal, "refused")
	}
	return st
}

// codeOf maps the status as google.rpc.Code does, and grpc-gateway and Connect map it
// back. Malformed or repeated credentials are an InvalidArgument, which is "problematic
// regardless of the state of the system": unlike after Unauthenticated, another token
// would not help.
func codeOf(e *cognitoauth.Error) codes.Code {
	switch e.Status {
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	}
	return codes.Internal
}

// setTrailer gives the answer what a proxy in front knows from HTTP. Nothing has been
// sent, so that grpc-go sends the trailer in the header of the answer, as HTTP demands
// for these two (RFC 9110, section 6.5.1).
func setTrailer(ctx context.Context, err error) {
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		return
	}
	md := metadata.MD{}
	if challenge := e.Challenge(); challenge != "" {
		md.Set("www-authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		md.Set("retry-after", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	grpc.SetTrailer(ctx, md) // fails only outside of a server
}
