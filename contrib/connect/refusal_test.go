package cognitoconnect_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitoconnect "github.com/cognitoauth/cognitoauth/contrib/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// refusal is what a client can read out of an error.
type refusal struct {
	code      connect.Code
	reason    string // stable code
	challenge string
	retry     bool
}

// read reads the details of an error.
func read(t *testing.T, err error) (got refusal) {
	t.Helper()
	got.code = connect.CodeOf(err)
	var e *connect.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no error of connect", err)
	}
	for _, d := range e.Details() {
		m, err := connectproto.UnmarshalErrorDetail(d)
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *errdetails.ErrorInfo:
			got.reason, got.challenge = m.Metadata["code"], m.Metadata["challenge"]
			if m.Reason != strings.ToUpper(got.reason) || m.Domain != cognitoconnect.Domain {
				t.Errorf("Reason %q, Domain %q", m.Reason, m.Domain)
			}
		case *errdetails.RetryInfo:
			got.retry = m.RetryDelay.AsDuration() > 0 && m.RetryDelay.AsDuration() <= time.Minute
		}
	}
	if !strings.HasSuffix(e.Message(), "("+got.reason+")") {
		t.Errorf("message %q does not name the code", e.Message())
	}
	return got
}

func TestRefusals(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	down := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_DOWN00001"})
	down.SetFault(cognitotest.Fault{Status: http.StatusInternalServerError})
	cfg := pool.Config()
	cfg.Realm = "orders"
	cfg.Pools = append(cfg.Pools, down.Config().Pools...)
	var s service
	url := serve(t, &s, cfg)
	writer := bearer(pool.AccessToken().Scopes("orders/write"))
	for _, c := range []struct {
		name           string
		authorizations []string
		want           refusal
	}{
		{"no token", nil, refusal{connect.CodeUnauthenticated, "token_missing", `Bearer realm="orders", scope="orders/write"`, false}},
		{"no token but a signature", []string{bearer(pool.AccessToken().Scopes("orders/write").Tampered())}, refusal{connect.CodeUnauthenticated, "signature_invalid", `Bearer realm="orders", error="invalid_token", error_description="the token's signature is invalid", scope="orders/write"`, false}},
		{"two values", []string{writer, writer}, refusal{connect.CodeInvalidArgument, "credentials_repeated", `Bearer realm="orders", error="invalid_request", error_description="the credentials are given more than once"`, false}},
		{"no scope", []string{bearer(pool.AccessToken())}, refusal{connect.CodePermissionDenied, "scope_missing", `Bearer realm="orders", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`, false}},
		{"keys out of reach", []string{bearer(down.AccessToken().Scopes("orders/write"))}, refusal{connect.CodeUnavailable, "keys_unavailable", "", true}},
	} {
		for _, p := range protocols {
			for _, spec := range shapes {
				if p.http1 && spec.StreamType == connect.StreamTypeBidi {
					continue // the client refuses that itself
				}
				t.Run(fmt.Sprint(c.name, ", ", p.name, ", ", spec.Procedure), func(t *testing.T) {
					_, info, err := call(t, client(t, url, p.http1, p.options...), spec, c.authorizations...)
					if err == nil {
						t.Fatal("answered")
					}
					if got := read(t, err); got != c.want {
						t.Errorf("got  %+v\nwant %+v", got, c.want)
					}
					h := info.ResponseHeader()
					if h.Get("WWW-Authenticate") != c.want.challenge || h.Has("Retry-After") != c.want.retry {
						t.Errorf("header: www-authenticate %q, retry-after %q", h.Get("WWW-Authenticate"), h.Get("Retry-After"))
					}
					// The library waits for 60 s at most (docs/reference.md, "What is limited").
					if seconds, err := strconv.Atoi(h.Get("Retry-After")); c.want.retry && (err != nil || seconds < 1 || seconds > 60) {
						t.Errorf("Retry-After %q, want 1 to 60 seconds", h.Get("Retry-After"))
					}
				})
			}
		}
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("handlers ran %d times", n)
	}
}

func TestAdmitted(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	var s service
	url := serve(t, &s, pool.Config())
	joe := "bEARER " + pool.AccessToken().User("joe").Scopes("orders/write").String()
	for _, p := range protocols {
		c := client(t, url, p.http1, p.options...)
		for _, spec := range shapes {
			if p.http1 && spec.StreamType == connect.StreamTypeBidi {
				continue
			}
			if name, _, err := call(t, c, spec, joe); name != "joe" || err != nil {
				t.Errorf("%s, %s: got %q, %v", p.name, spec.Procedure, name, err)
			}
		}
		for _, authorization := range [][]string{nil, {"Bearer nonsense"}, {joe, joe}, {joe}} {
			if name, _, err := call(t, c, check, authorization...); name != "nobody" || err != nil {
				t.Errorf("%s, open: got %q, %v", p.name, name, err)
			}
		}
	}
}

// A procedure that nobody has registered needs a token like any other.
func TestUnknownProcedures(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	cfg.ErrorHandler = cognitoconnect.WriteError
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var s service
	server := s.server()
	server.SetUnknownHandler(s.serve)
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, server, rules)
	url := start(t, auth.Wrap(mux))
	for _, p := range protocols {
		c := client(t, url, p.http1, p.options...)
		for _, spec := range []connect.Spec{nope, other} {
			if _, _, err := call(t, c, spec); err == nil || read(t, err).reason != "token_missing" {
				t.Errorf("%s, %s without token: %v", p.name, spec.Procedure, err)
			}
		}
	}
	if n := s.calls.Load(); n != 0 {
		t.Fatalf("the handler ran %d times", n)
	}
	if name, _, err := call(t, client(t, url, false), nope, bearer(pool.AccessToken())); name != "jane" || err != nil {
		t.Errorf("with a token: %q, %v", name, err)
	}
}

// An ErrorHandler that is given nothing refuses all the same.
func TestWriteError_nil(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, get.Procedure, strings.NewReader(""))
	r.Header.Set("Content-Type", "application/proto")
	r.Header.Set("Connect-Protocol-Version", "1")
	w := httptest.NewRecorder()
	cognitoconnect.WriteError(w, r, nil)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("%d %s, want 500", w.Code, w.Body)
	}
}

// A browser and curl get the answer of the library; nothing is taken for a call that
// does not say so.
func TestWriteError_otherRequests(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	url := serve(t, new(service), pool.Config())
	for _, c := range []struct{ name, method, path, contentType, want string }{
		{"page", "GET", "/page", "", "application/problem+json"},
		{"JSON to a page", "POST", "/page", "application/json", "application/problem+json"},
		{"call by hand, no version", "POST", get.Procedure, "application/json", "application/problem+json"},
		{"GET by hand, no version", "GET", get.Procedure + "?message={}&encoding=json", "", "application/problem+json"},
		{"GET by hand", "GET", get.Procedure + "?message={}&encoding=json&connect=v1", "", "application/json"},
	} {
		r, _ := http.NewRequest(c.method, url+c.path, strings.NewReader(""))
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Origin", "https://app.example.com")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		h := res.Header
		if res.StatusCode != 401 || h.Get("Content-Type") != c.want || !strings.Contains(string(body), "token_missing") ||
			!strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer realm=") || h.Get("Cache-Control") != "no-store" ||
			!strings.Contains(h.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("%s: %d %v %s", c.name, res.StatusCode, h, body)
		}
	}
}

func TestWithoutWrap(t *testing.T) {
	var s service
	mux := http.NewServeMux()
	cognitoconnect.Mount(mux, s.server(), cognitoconnect.Rules{})
	c := client(t, start(t, mux), false)
	for _, spec := range append([]connect.Spec{nope}, shapes...) {
		if _, _, err := call(t, c, spec); err == nil {
			t.Errorf("%s is answered", spec.Procedure)
		}
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("handlers ran %d times", n)
	}
}

func TestMount_panics(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules cognitoconnect.Rules
		want  string
	}{
		{"open", cognitoconnect.Rules{Open: []string{"/test.v1.Orders/get"}}, `"/test.v1.Orders/get", which the server does not have`},
		{"a service", cognitoconnect.Rules{Open: []string{"/test.v1.Orders/"}}, "does not have"},
		{"policy", cognitoconnect.Rules{Policies: map[string]cognitoauth.Policy{"test.v1.Orders/Get": cognitoauth.Scope("x")}}, "does not have"},
		{"both", cognitoconnect.Rules{Open: []string{get.Procedure}, Policies: rules.Policies}, "is in Rules.Open and in Rules.Policies"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("%s: %v", c.name, got)
				}
			}()
			cognitoconnect.Mount(http.NewServeMux(), new(service).server(), c.rules)
		}()
	}
}

func TestDecisions(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	decisions := make(chan string, 10)
	cfg.OnDecision = decided(decisions)
	c := client(t, serve(t, new(service), cfg), false)
	call(t, c, get)
	call(t, c, watch, bearer(pool.AccessToken()))
	call(t, c, chat, bearer(pool.AccessToken().Scopes("orders/write")))
	call(t, c, check)
	for _, want := range []string{
		"token_missing " + get.Procedure, "scope_missing " + watch.Procedure,
		"authenticated " + chat.Procedure, "anonymous " + check.Procedure,
	} {
		select {
		case got := <-decisions:
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no decision %q", want)
		}
	}
}
