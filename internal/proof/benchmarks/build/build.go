// Package build is how the comparison of builds calls a build of the library.
// The program puts a copy of this file, its import changed, into the copy that
// it makes of an older build, so that the same code calls all of them. The
// library has types of its own in each copy; what this package takes and gives
// is therefore of the standard library alone.
package build

import (
	"context"
	"net/http"
	"reflect"

	"github.com/cognitoauth/cognitoauth"
)

// New makes a middleware of one user pool, which has its keys when New returns,
// and gives two of its methods. cache is Config.TokenCache.
func New(ctx context.Context, id, clientID, jwksURL string, cache int) (validate func(context.Context, string) error, wrap func(http.Handler) http.Handler, err error) {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools:      []cognitoauth.Pool{{ID: id, ClientIDs: []string{clientID}, JWKSURL: jwksURL}},
		TokenCache: cache,
	})
	if err != nil {
		return nil, nil, err
	}
	validate = func(ctx context.Context, token string) error {
		_, err := auth.Validate(ctx, token)
		return err
	}
	return validate, auth.Wrap, auth.Ready(ctx)
}

// Code is the code of a refusal, "" if err is none by this build.
func Code(err error) string {
	if e, ok := err.(*cognitoauth.Error); ok {
		return e.Code
	}
	return ""
}

// Path is the import path of the library that is called here.
func Path() string { return reflect.TypeFor[cognitoauth.Middleware]().PkgPath() }
