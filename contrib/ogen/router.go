// Package cognitoogen protects a server that ogen has generated
// (github.com/ogen-go/ogen) as its OpenAPI description says: which operations are
// open, and which scopes the others need.
//
//	server, err := api.NewServer(handler, security{})
//	router, err := cognitoogen.New(server, api.SpecYAML(), cognitoogen.Options{
//		Schemes: cognitoogen.Schemes{"cognito": cognitoauth.Scope},
//	})
//	http.ListenAndServe(":8080", auth.Wrap(router))
//
// SpecYAML is there if ogen generates with the feature server/spec. Without it, embed
// the file.
//
// The generated server wants a SecurityHandler. It has nothing to decide any more:
//
//	func (security) HandleCognito(ctx context.Context, _ api.OperationName, _ api.Cognito) (context.Context, error) {
//		return cognitoogen.Admitted(ctx)
//	}
//
// It could not decide either: of the security [{cognito: [a]}, {cognito: [b]}], a or b,
// it gets the scopes a and b, as it does of [{cognito: [a, b]}].
//
// An operation with "security: []" is open; so is one without security if the whole
// description has none. Without security of its own an operation has that of the
// description. In a list, one object must be met; of an object, all schemes and all
// scopes. Handlers find the caller by [cognitoauth.FromContext].
//
// What the description does not have is protected and never open: unknown paths,
// methods that a path does not have, preflights.
//
// The generated server itself looks for a Bearer token in Authorization, so a
// Config.TokenSource that reads it elsewhere does not go with security of this kind.
package cognitoogen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/ogen-go/ogen"

	"github.com/cognitoauth/cognitoauth"
)

// Options say how to read the description.
type Options struct {
	_ [0]func() // keyed literals only

	// Schemes are the security schemes that stand for Cognito. Required.
	Schemes Schemes
}

// Server is a generated *Server, and R its Route.
type Server[R Route] interface {
	http.Handler
	FindPath(method string, u *url.URL) (R, bool)
}

// Route is a generated Route.
type Route interface{ PathPattern() string }

// New returns server as a handler for [cognitoauth.Middleware.Wrap], which finds the
// open operations by itself; so can it at a mux, unless something stands between, such
// as http.StripPrefix. description is the document, in YAML or JSON, that the server
// was generated from. An operation that the server has and the document does not is
// answered 403.
//
// The error lists every mistake in the document: schemes that are not among
// Options.Schemes, empty objects, scopes that the scheme does not have, a path that is
// a reference ($ref), and a document that demands no token at all.
// errors.Is reports it as [cognitoauth.ErrMisconfigured].
func New[R Route](server Server[R], description []byte, o Options) (http.Handler, error) {
	spec, err := ogen.Parse(description)
	if err != nil {
		return nil, fmt.Errorf("%w: cognitoogen: the description: %w", cognitoauth.ErrMisconfigured, err)
	}
	declared, err := o.Schemes.declared(spec.Components.SecuritySchemes) // Parse has made it not nil
	mistakes := []error{err}
	rt := &router[R]{server, map[string]http.Handler{}, cognitoauth.Require(undescribed, server)}
	protected := false
	for _, path := range slices.Sorted(maps.Keys(spec.Paths)) {
		item := spec.Paths[path]
		if item == nil {
			continue
		}
		if item.Ref != "" {
			mistakes = append(mistakes, fmt.Errorf("path %s is the reference %q, expected its operations: pass api.SpecYAML(), in which ogen has resolved it, or bundle the description", path, item.Ref))
		}
		ops := operations(item)
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			security := ops[method].Security
			if security == nil {
				security = spec.Security
			}
			mark, err := marking(o.Schemes, security, declared)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("operation %s %s: %w", method, path, err))
				continue
			}
			rt.endpoints[method+" "+path] = mark(server)
			protected = protected || len(security) > 0
		}
	}
	if !protected {
		mistakes = append(mistakes, errors.New(`no operation has security, so that all would be open: set security of the description, such as "security: [{cognito: []}]"`))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("%w: cognitoogen: %w", cognitoauth.ErrMisconfigured, err)
	}
	return rt, nil
}

// operations returns those of a path, by method.
func operations(item *ogen.PathItem) map[string]*ogen.Operation {
	all := map[string]*ogen.Operation{
		"GET": item.Get, "PUT": item.Put, "POST": item.Post, "DELETE": item.Delete, "OPTIONS": item.Options,
		"HEAD": item.Head, "PATCH": item.Patch, "TRACE": item.Trace, "QUERY": item.Query,
	}
	maps.Copy(all, item.AdditionalOperations)
	maps.DeleteFunc(all, func(_ string, op *ogen.Operation) bool { return op == nil })
	return all
}

var undescribed = cognitoauth.Assert("the description that cognitoogen.New got has this operation of the server", func(*http.Request, *cognitoauth.Claims) bool { return false })

// router is a server that tells which operation it would run, a
// [cognitoauth.EndpointResolver].
type router[R Route] struct {
	server      Server[R]
	endpoints   map[string]http.Handler // by method and path of the description
	undescribed http.Handler
}

// ResolveEndpoint names the server, marked as the operation is. For what the server
// answers with 404 or 405 it names nothing. It sets Pattern to the operation, as a
// ServeMux does, for logs and metrics of refusals.
func (rt *router[R]) ResolveEndpoint(r *http.Request) http.Handler {
	operation, h := rt.find(r)
	if h != nil {
		r.Pattern = operation
	}
	return h
}

// find returns the operation as the description has it, and the server as marked.
func (rt *router[R]) find(r *http.Request) (operation string, _ http.Handler) {
	route, ok := rt.server.FindPath(r.Method, r.URL)
	if !ok {
		return "", nil
	}
	operation = r.Method + " " + route.PathPattern()
	if h := rt.endpoints[operation]; h != nil {
		return operation, h
	}
	return operation, rt.undescribed
}

// ServeHTTP sets Pattern to the operation, as a ServeMux does, for logs and metrics.
func (rt *router[R]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, h := rt.find(r)
	if h == nil {
		rt.server.ServeHTTP(w, r)
		return
	}
	r.Pattern = operation
	h.ServeHTTP(w, r)
}

// Admitted is what the methods of a generated SecurityHandler return. It is an error
// only if the server is reached without Wrap.
func Admitted(ctx context.Context) (context.Context, error) {
	if _, ok := cognitoauth.FromContext(ctx); !ok {
		return nil, fmt.Errorf("%w: cognitoogen: there are no claims: serve auth.Wrap(router), with the router of cognitoogen.New", cognitoauth.ErrMisconfigured)
	}
	return ctx, nil
}
