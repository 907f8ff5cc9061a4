// Package cognitooapi protects a net/http server that oapi-codegen has generated
// (github.com/oapi-codegen/oapi-codegen/v2, std-http-server and embedded-spec) as its
// OpenAPI description says: which operations are open, and which scopes the others
// need.
//
//	description, err := api.GetSpec()
//	router, err := cognitooapi.New(mux, description, cognitooapi.Options{
//		Schemes: cognitooapi.Schemes{"cognito": cognitoauth.Scope},
//	})
//	api.HandlerFromMux(server, router)
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// An operation with "security: []" is open; so is one without security if the whole
// description has none. Without security of its own an operation has that of the
// description. In a list, one object must be met; of an object, all schemes and all
// scopes. Handlers find the caller by [cognitoauth.FromContext], strict ones too.
//
// Everything else at the mux is as for any program: protected, unless
// [cognitoauth.AllowAnonymous] or [cognitoauth.Optional] marks it.
//
// # Validation of requests
//
// The generated server takes middleware that runs behind the checks of the token,
// which is where validation belongs:
//
//	api.HandlerWithOptions(server, api.StdHTTPServerOptions{
//		BaseRouter: router,
//		Middlewares: []api.MiddlewareFunc{nethttpmiddleware.OapiRequestValidatorWithOptions(description, &nethttpmiddleware.Options{
//			Options: openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
//		})},
//	})
//
// Without an AuthenticationFunc the validator answers 401 to every request for an
// operation with security. Around the mux, auth.Wrap(validator(mux)), it hides the
// routes, and all of them are protected.
package cognitooapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cognitoauth/cognitoauth"
)

// Options say how to read the description.
type Options struct {
	_ [0]func() // keyed literals only

	// Schemes are the security schemes that stand for Cognito. Required.
	Schemes Schemes
	// BaseURL is that of the generated StdHTTPServerOptions. Empty: none.
	BaseURL string
}

// Router is the BaseRouter of a generated server. It registers each operation at
// the mux, marked as the description says.
type Router struct {
	mux     *http.ServeMux
	base    string
	marking map[string]func(http.Handler) http.Handler // by method and path with nameless parameters
}

// New reads the description. The error lists every mistake in it: schemes that are
// not among Options.Schemes, empty objects, scopes that the scheme does not have, and
// a description that demands no token at all. errors.Is reports it as
// [cognitoauth.ErrMisconfigured]. Later changes of the description do not count.
func New(mux *http.ServeMux, description *openapi3.T, o Options) (*Router, error) {
	rt := &Router{mux, o.BaseURL, map[string]func(http.Handler) http.Handler{}}
	var schemes any
	if description.Components != nil {
		schemes = description.Components.SecuritySchemes
	}
	declared, err := o.Schemes.declared(schemes)
	mistakes := []error{err}
	protected := false
	for _, path := range description.Paths.Keys() {
		ops := description.Paths.Value(path).Operations()
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			security := description.Security
			if op := ops[method]; op.Security != nil {
				security = *op.Security
			}
			mark, err := marking(o.Schemes, security, declared)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("operation %s %s: %w", method, path, err))
			}
			rt.marking[nameless(method+" "+path)] = mark
			protected = protected || len(security) > 0
		}
	}
	if !protected {
		mistakes = append(mistakes, errors.New(`no operation has security, so that all would be open: set security of the description, such as "security: [{cognito: []}]"`))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("%w: cognitooapi: %w", cognitoauth.ErrMisconfigured, err)
	}
	return rt, nil
}

// HandleFunc registers an operation; the generated code calls it. It panics on a
// pattern that is no operation of the description.
func (rt *Router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	below, ok := strings.CutPrefix(path, rt.base)
	mark := rt.marking[nameless(method+" "+below)]
	if !ok || mark == nil {
		panic(fmt.Sprintf("cognitooapi: pattern %q with BaseURL %q, expected an operation of the description, which are %q: generate the server from this description, and give Options the BaseURL of StdHTTPServerOptions", pattern, rt.base, slices.Sorted(maps.Keys(rt.marking))))
	}
	rt.mux.Handle(pattern, mark(http.HandlerFunc(h)))
}

// ServeHTTP passes the request to the mux.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.mux.ServeHTTP(w, r) }

// ResolveEndpoint names the mux, so that auth.Wrap(router) is auth.Wrap(mux).
func (rt *Router) ResolveEndpoint(*http.Request) http.Handler { return rt.mux }

// nameless takes the names out of the parameters, which oapi-codegen changes to
// identifiers, and the {$} that it adds to a path with a slash at the end.
func nameless(operation string) string {
	return parameter.ReplaceAllString(strings.TrimSuffix(operation, "{$}"), "{}")
}

var parameter = regexp.MustCompile(`\{[^{}]*\}`)
