package revocation

// This file holds the feed of administrators: an HTTP handler that takes one entry.

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// Admin handles POST requests that revoke one thing. It checks no permission: put
// it behind a policy, as in
//
//	mux.Handle("POST /admin/revocations", cognitoauth.Require(cognitoauth.Group("operators"), list.Admin()))
//
// The body is JSON of at most 64 KiB without other members, and without repeated
// ones:
//
//	{"kind": "user", "pool": "eu-west-1_EXAMPLE01", "id": "the sub", "lifetime": "48h"}
//
// kind is "token", "sign-in", "user", "client" or "pool". id is the jti, origin_jti,
// sub or app client, and stays away for a pool. lifetime may stay away, and means
// Entry.Lifetime. The answer is 204, or problem details (RFC 9457): 400 for a body
// that is not as above, 413 and 415, 503 if the store did not take the entry, which
// is then in force on this instance only, and 507 if the list is full.
func (l *List) Admin() http.Handler { return http.HandlerFunc(l.admin) }

type adminBody struct {
	Kind     string `json:"kind"`
	Pool     string `json:"pool"`
	ID       string `json:"id"`
	Lifetime string `json:"lifetime"`
}

func (l *List) admin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem(w, http.StatusMethodNotAllowed, "the method is POST")
		return
	}
	if !hasMediaType(r, "application/json") {
		problem(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		problem(w, http.StatusRequestEntityTooLarge, "the body is longer than 64 KiB")
		return
	} else if err != nil {
		problem(w, http.StatusBadRequest, "the body ended early")
		return
	}
	e, mistake := parseAdmin(body)
	if mistake != "" {
		problem(w, http.StatusBadRequest, mistake)
		return
	}
	if err := e.check(l.now()); err != nil {
		problem(w, http.StatusBadRequest, err.Error()) // it names a field and no value but a kind
		return
	}
	switch err := l.Revoke(r.Context(), e); {
	case errors.Is(err, ErrFull):
		problem(w, http.StatusInsufficientStorage, "the list is full")
	case err != nil:
		l.log.Warn("revocation: an administrator's entry did not reach the store", "err", err)
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "in force on one instance only: try again")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func parseAdmin(body []byte) (e Entry, mistake string) {
	var b adminBody
	if err := jsonv2.Unmarshal(body, &b, jsonv2.RejectUnknownMembers(true)); err != nil {
		return e, `the body must be one JSON object with the strings "kind", "pool", "id" and "lifetime"`
	}
	e = Entry{Kind: kindOf(b.Kind), PoolID: b.Pool, ID: b.ID}
	if e.Kind == 0 {
		return e, `kind must be "token", "sign-in", "user", "client" or "pool"`
	}
	if b.Lifetime != "" {
		d, err := time.ParseDuration(b.Lifetime)
		if err != nil {
			return e, `lifetime must be a duration such as "48h"`
		}
		e.Lifetime = d
	}
	return e, ""
}

// problem writes problem details (RFC 9457).
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

func hasMediaType(r *http.Request, want string) bool {
	got, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return got == want
}
