package cognitomcp

// This file holds the second door, which stands inside the server: it sees the call
// as the server has decoded it. It also gives each call the claims of its own
// request.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/cognitoauth/cognitoauth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// codeForbidden is the error of a call that the second door refuses, one of those
// that JSON-RPC 2.0, section 5.1, leaves to the server.
const codeForbidden = -32000

// extraKey is where TokenInfo.Extra has the caller.
const extraKey = "cognitoauth"

// caller is the HTTP request that a message came in, with the claims in its context.
type caller struct{ request *http.Request }

// receive is the receiving middleware of the server. It checks the policy of a tool
// again, on the name that the server has read. So if the gate has read a body
// differently, or the message came over another transport, the tool does not run.
func (r rules) receive(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		from := callerOf(req)
		if from.request != nil {
			ctx = &callContext{ctx, from.request.Context()}
		}
		if method == methodCall {
			if err := r.check(ctx, from.request, req); err != nil {
				return nil, err
			}
		}
		return next(ctx, method, req)
	}
}

// check returns nil if the caller may call the tool.
func (r rules) check(ctx context.Context, from *http.Request, req sdk.Request) error {
	params, _ := req.GetParams().(*sdk.CallToolParamsRaw)
	claims, _ := cognitoauth.FromContext(ctx)
	if params == nil || from == nil {
		return &jsonrpc.Error{Code: codeForbidden, Message: "this tool is called over HTTP only"}
	}
	err := r.of(params.Name).Check(from, claims)
	if err == nil {
		return nil
	}
	text := "not permitted"
	var refusal *cognitoauth.Error
	if errors.As(err, &refusal) {
		text = refusal.Description
	}
	return &jsonrpc.Error{Code: codeForbidden, Message: text}
}

// callerOf returns who sent a message. It has no request if the message did not
// come through the gate.
func callerOf(req sdk.Request) caller {
	extra := req.GetExtra()
	if extra == nil || extra.TokenInfo == nil {
		return caller{}
	}
	from, _ := extra.TokenInfo.Extra[extraKey].(caller)
	return from
}

// callContext is the context of one call. The SDK derives the contexts of all calls
// of a session from the request that opened it, whose token may have had other
// scopes and may have expired since. Here the claims are those of the call's own
// request. All else, cancellation included, is the SDK's.
type callContext struct {
	context.Context

	request context.Context
}

var ours = reflect.TypeFor[cognitoauth.Policy]().PkgPath()

// Value asks the request for what cognitoauth keeps in a context. Its key is of an
// unexported type, which is why we go by the package.
func (c *callContext) Value(key any) any {
	if t := reflect.TypeOf(key); t != nil && t.PkgPath() == ours {
		return c.request.Value(key)
	}
	return c.Context.Value(key)
}

// String and Format are for logs that print a context: package fmt would follow its
// fields to the claims.
func (*callContext) String() string { return "cognitomcp.New" }

func (*callContext) Format(f fmt.State, _ rune) { io.WriteString(f, "cognitomcp.New") }
