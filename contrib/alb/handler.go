package cognitoalb

// This file holds the two doors for HTTP: Wrap alone, and Protect beside the
// middleware of package cognitoauth.

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cognitoauth/cognitoauth"
)

// The headers that a load balancer adds to the request of a user who is logged in. If
// a listener's rule logs nobody in, they reach the program as the client sent them.
const (
	// DataHeader has the signed claims of the user. This package verifies it.
	DataHeader = "X-Amzn-Oidc-Data"
	// IdentityHeader has the subject, unsigned. It must be that of DataHeader.
	IdentityHeader = "X-Amzn-Oidc-Identity"
	// AccessTokenHeader has the access token. [cognitoauth.Middleware.Wrap] verifies
	// it if Config.TokenSource is cognitoauth.FromHeader(AccessTokenHeader).
	AccessTokenHeader = "X-Amzn-Oidc-Accesstoken"
)

// Wrap returns a handler that runs next for requests with a valid DataHeader alone,
// with the [Identity] in the context. Every request needs one: put health checks of
// the target group outside.
//
// The login is a cookie of the load balancer, which browsers add to requests that
// other sites make. So an unsafe request, or the handshake of a WebSocket, from
// another origin is refused with 403; Config.CrossOrigin can trust origins.
//
// Cache-Control is no-store unless it is set already or next sets it: caches do not
// know that this cookie stands for a login.
//
// Wrap looks at no access token. Use [Verifier.Protect] if routes need policies.
func (v *Verifier) Wrap(next http.Handler) http.Handler {
	if next == nil {
		panic("cognitoalb: Wrap of a nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := v.identify(r)
		if err == nil && v.foreign(r) {
			err = refuse(&crossOrigin, sayf("another origin sent the request: Config.CrossOrigin can trust it"))
		}
		if w.Header().Get("Cache-Control") == "" {
			w.Header().Set("Cache-Control", "no-store")
		}
		v.pass(w, r, next, id, err)
	})
}

// Protect returns h behind auth, and behind the load balancer. It is
// [cognitoauth.Middleware.WrapWith]: markers, policies and challenges are as in Wrap,
// and auth takes the access token from where its Config.TokenSource says, normally
// cognitoauth.FromHeader(AccessTokenHeader).
//
// A request that auth has admitted with a token needs a valid DataHeader besides, of
// the same subject and client; without it h does not run. A request that auth lets
// through without a token (a health check on an anonymous route) needs none. Handlers
// find the claims of the token by cognitoauth.FromContext, and those of the user by
// [FromContext].
func (v *Verifier) Protect(auth *cognitoauth.Middleware, h http.Handler) http.Handler {
	return auth.WrapWith(h, v.confirm)
}

// confirm returns a handler that runs next for requests whose access token and
// DataHeader are of one user and one client. A request without claims is one that
// the middleware has let through without a token.
func (v *Verifier) confirm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := cognitoauth.FromContext(r.Context())
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		id, err := v.identify(r)
		switch {
		case err != nil:
		case claims.Subject != id.Subject:
			err = refuse(&subjectMismatch, sayf("the access token and %s are of two users", DataHeader))
		case claims.ClientID != id.ClientID:
			err = refuse(&subjectMismatch, sayf("the access token is of client %s, %s of client %s", quote(claims.ClientID), DataHeader, quote(id.ClientID)))
		}
		v.pass(w, r, next, id, err)
	})
}

// identify verifies the headers of a request.
func (v *Verifier) identify(r *http.Request) (*Identity, *Error) {
	for _, name := range []string{DataHeader, IdentityHeader} {
		if n := len(r.Header[name]); n > 1 {
			return nil, refuse(&dataRepeated, sayf("the request has %d headers %s, expected one", n, name))
		}
	}
	id, err := v.verify(r.Context(), r.Header.Get(DataHeader))
	if err != nil {
		return nil, err
	}
	if named := r.Header[IdentityHeader]; named != nil && named[0] != id.Subject {
		return nil, refuse(&subjectMismatch, sayf("%s is not the sub of %s", IdentityHeader, DataHeader))
	}
	return id, nil
}

// foreign reports whether another origin sent r and it is unsafe. CORS does not apply
// to the handshake of a WebSocket, which is a GET, so it is checked like a POST.
func (v *Verifier) foreign(r *http.Request) bool {
	for _, protocol := range r.Header["Upgrade"] {
		if strings.Contains(strings.ToLower(protocol), "websocket") {
			post := *r
			post.Method = http.MethodPost
			r = &post
		}
	}
	return v.crossOrigin.Check(r) != nil
}

// pass runs next, or refuses.
func (v *Verifier) pass(w http.ResponseWriter, r *http.Request, next http.Handler, id *Identity, err *Error) {
	if err == nil {
		inner := r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
		next.ServeHTTP(w, inner)
		r.Pattern = inner.Pattern // for access logs outside
		return
	}
	answer := WriteError
	if v != nil && v.answer != nil {
		answer = v.answer
		if v.sampled.take(err.Code) {
			v.log.LogAttrs(r.Context(), slog.LevelInfo, "cognitoalb: refused", err.LogValue().Group()...)
		}
	}
	answer(w, r, err)
}
