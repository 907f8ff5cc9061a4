package forwardauth

import (
	"fmt"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
)

// Codes of what the endpoint refuses by itself. The other codes are those of the
// library.
const (
	ambiguous = "target_ambiguous"
	notTold   = "original_request_missing"
	noRoute   = "no_such_route"
	unfit     = "identity_unfit"
)

// codeHeader has the code of a refusal, for a proxy that drops the body.
const codeHeader = "X-Auth-Code"

// WriteError is for Config.ErrorHandler. It answers as [cognitoauth.WriteError] does,
// and tells the code in the header X-Auth-Code as well, since nginx drops the body of
// an auth_request. The code is one of a fixed set.
func WriteError(w http.ResponseWriter, r *http.Request, e *cognitoauth.Error) {
	w.Header().Set(codeHeader, e.Code)
	cognitoauth.WriteError(w, r, e)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set(codeHeader, code)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"title":%q,"status":%d,"code":%q}`+"\n", http.StatusText(status), status, code)
}

// answer lets only the answers through that a proxy can act on.
type answer struct {
	http.ResponseWriter
	badAs401 bool
	written  bool
	replaced bool // by our own refusal: the body that follows is not wanted
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.written {
		return
	}
	a.written = true
	switch status {
	case http.StatusBadRequest:
		if a.badAs401 {
			status = http.StatusUnauthorized
		}
	case http.StatusNoContent, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable:
	default: // the mux has no such route, or would redirect
		clear(a.Header())
		a.Header().Set("Cache-Control", "no-store")
		a.replaced = true
		refuse(a.ResponseWriter, http.StatusForbidden, noRoute)
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.replaced {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}
