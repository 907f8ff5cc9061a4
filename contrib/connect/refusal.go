package cognitoconnect

// This file holds how a refusal looks to a client.

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/cognitoauth/cognitoauth"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the Domain of the ErrorInfo in a refusal.
const Domain = "github.com/cognitoauth/cognitoauth"

// writer demands the protocol version that every client of Connect sends, so that it
// takes neither a GET of a browser nor a POST of JSON to another route for a call.
var writer = connecthttp.NewErrorWriter(connecthttp.WithRequireConnectProtocolHeader())

// WriteError is a Config.ErrorHandler that answers a call of Connect, gRPC or
// gRPC-Web in its own protocol, as the package documentation says. It answers any
// other request by [cognitoauth.WriteError]. That goes for a call too that names
// no version of the Connect protocol, such as one written by hand for curl.
func WriteError(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
	if e == nil || !writer.IsSupported(r) {
		cognitoauth.WriteError(w, r, e)
		return
	}
	h := w.Header()
	if challenge := e.Challenge(); challenge != "" {
		h.Add("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if r.Header.Get("Origin") != "" {
		h.Add("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
	}
	writer.Write(w, r, connectError(e)) // fails only if the client is gone
}

// connectError returns the error that a client of any protocol gets.
func connectError(e *cognitoauth.Error) *connect.Error {
	info := &errdetails.ErrorInfo{
		Reason:   strings.ToUpper(e.Code),
		Domain:   Domain,
		Metadata: map[string]string{"code": e.Code},
	}
	if challenge := e.Challenge(); challenge != "" {
		info.Metadata["challenge"] = challenge
	}
	err := connect.Errorf(codeOf(e), "%s (%s)", e.Description, e.Code).WithDetail(detail(info))
	if e.RetryAfter > 0 {
		err = err.WithDetail(detail(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}))
	}
	return err
}

// codeOf maps the status as google.rpc.Code does. The protocol of Connect answers with
// the same status again, except for 500 and for streams.
func codeOf(e *cognitoauth.Error) connect.Code {
	switch e.Status {
	case http.StatusBadRequest:
		return connect.CodeInvalidArgument
	case http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case http.StatusForbidden:
		return connect.CodePermissionDenied
	case http.StatusServiceUnavailable:
		return connect.CodeUnavailable
	}
	return connect.CodeInternal
}

// detail packs a message of ours, which cannot fail; nil would be left out.
func detail(m proto.Message) *connect.ErrorDetail {
	d, _ := connectproto.NewErrorDetail(m)
	return d
}
