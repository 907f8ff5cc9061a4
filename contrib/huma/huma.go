// Package cognitohuma protects the operations of a huma API
// (github.com/danielgtaylor/huma/v2) as its OpenAPI description says: which are open,
// and which scopes the others need.
//
//	config := huma.DefaultConfig("Orders", "1.0.0")
//	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
//		"cognito": {Type: "openIdConnect", OpenIDConnectURL: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01/.well-known/openid-configuration"},
//	}
//	config.Security = []map[string][]string{{"cognito": {}}} // unless an operation says otherwise
//	api := cognitohuma.New(auth, mux, config, cognitohuma.Options{Schemes: cognitohuma.Schemes{"cognito": cognitoauth.Scope}})
//	huma.Register(api, huma.Operation{Method: "GET", Path: "/healthz", Security: []map[string][]string{}}, health)
//	huma.Register(api, huma.Operation{Method: "GET", Path: "/orders", Security: []map[string][]string{{"cognito": {"orders/read"}}}}, list)
//	http.ListenAndServe(":8080", auth.Wrap(mux))
//
// An operation whose Security is an empty list, not nil, is open. An operation
// without Security has that of the API. In a list, one object must be met; of an
// object, all schemes and all scopes. Handlers find the caller by
// [cognitoauth.FromContext].
//
// Everything else at the mux is as for any program: protected, unless
// [cognitoauth.AllowAnonymous] or [cognitoauth.Optional] marks it. That goes for the
// pages that huma adds (/docs, /openapi.json and so on, /schemas/{schema}), see
// Options.OpenDocs, and for Hidden operations, which are not in the description and
// never open.
package cognitohuma

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cognitoauth/cognitoauth"
)

// Options say how to read the description.
type Options struct {
	_ [0]func() // keyed literals only

	// Schemes are the security schemes that stand for Cognito. Required.
	Schemes Schemes
	// Prefix comes before the path of every operation and page, as that of
	// [humago.NewWithPrefix] does. Empty: none.
	Prefix string
	// OpenDocs lets anybody read the description, the schemas and the page that
	// shows them. False: they need a token.
	OpenDocs bool
}

// New returns an API whose operations are registered at mux, marked as their
// Security says, like [humago.New]. Serve auth.Wrap(mux), or api.Adapter(), which is
// the same.
//
// It panics if config does not declare the Schemes, or has no Security for the
// operations that have none, since these would be open. [huma.Register] panics on a
// Security that the library cannot check. Security is read when an operation is
// registered, and later changes of api.OpenAPI() do not count.
func New(auth *cognitoauth.Middleware, mux *http.ServeMux, config huma.Config, o Options) huma.API {
	a := &adapter{mux: mux, Handler: auth.Wrap(mux), o: o}
	if o.Prefix != "" && len(config.Servers) == 0 {
		config.Servers = []*huma.Server{{URL: o.Prefix}}
	}
	api := huma.NewAPI(config, a)
	a.description = api.OpenAPI()
	var err error
	a.declared, err = o.Schemes.declared(a.description.Components.SecuritySchemes)
	if err == nil && a.description.Security == nil {
		name := slices.Sorted(maps.Keys(o.Schemes))[0]
		err = fmt.Errorf("config.Security is nil, so that an operation without Security would be open: set it to []map[string][]string{{%q: {}}}, and Security to []map[string][]string{} where an operation is open", name)
	}
	if err != nil {
		panic(fmt.Sprintf("cognitohuma: %v", err))
	}
	return api
}

// adapter registers the operations. Its ServeHTTP is Wrap's: autopatch calls it with
// requests of its own, which have the header of the caller's and not its context.
type adapter struct {
	http.Handler
	mux         *http.ServeMux
	o           Options
	description *huma.OpenAPI // nil while huma registers its pages
	declared    map[string]declared
}

// Handle is called by huma for each operation and page.
func (a *adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	pattern := strings.ToUpper(op.Method) + " " + a.o.Prefix + op.Path
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}" // in OpenAPI the path "/" stands for itself, for ServeMux for everything
	}
	a.mux.Handle(pattern, a.marked(op, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(humago.NewContext(op, r, w))
	})))
}

func (a *adapter) marked(op *huma.Operation, h http.Handler) http.Handler {
	switch {
	case a.description == nil && a.o.OpenDocs:
		return cognitoauth.AllowAnonymous(h)
	case a.description == nil:
		return h
	}
	security := op.Security
	if security == nil {
		security = a.description.Security
	}
	if security == nil || len(security) == 0 && op.Hidden {
		return cognitoauth.Require(cognitoauth.Authenticated(), h)
	}
	mark, err := marking(a.o.Schemes, security, a.declared)
	if err != nil {
		panic(fmt.Sprintf("cognitohuma: operation %s %s: %v", op.Method, op.Path, err))
	}
	return mark(h)
}
