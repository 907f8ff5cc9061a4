package cognitooapi

// This file is the same in the modules huma, oapicodegen and ogen, as security.go is.

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
)

// A description that no JSON can be made of, or that has other types than OpenAPI
// gives its members, is an error.
func TestSchemes_declared_unreadable(t *testing.T) {
	s := Schemes{"cognito": cognitoauth.Scope}
	for _, c := range []struct {
		name     string
		schemes  any
		mistaken string
	}{
		{"no JSON", map[string]any{"cognito": func() {}}, "func()"},
		{"other types", map[string]any{"cognito": map[string]any{"type": 1}}, "number"},
	} {
		declared, err := s.declared(c.schemes)
		if declared != nil || err == nil || !strings.Contains(err.Error(), "components.securitySchemes") || !strings.Contains(err.Error(), c.mistaken) {
			t.Errorf("%s: %v, %v", c.name, declared, err)
		}
	}
}

// A scheme needs a function, also where no operation names it.
func TestSchemes_check_nothing(t *testing.T) {
	s := Schemes{"cognito": cognitoauth.Scope, "staff": nil}
	bearer := map[string]string{"type": "http", "scheme": "bearer"}
	_, err := s.declared(map[string]any{"cognito": bearer, "staff": bearer})
	if err == nil || !strings.Contains(err.Error(), `Schemes["staff"] is nil`) {
		t.Errorf("%v", err)
	}
}

// A policy says of itself what the description demands, and no more: it stands in logs
// and metrics.
func TestPolicy_text(t *testing.T) {
	s := Schemes{"cognito": cognitoauth.Scope, "staff": cognitoauth.Group}
	type requirement = map[string][]string
	a, b := cognitoauth.Scope("a"), cognitoauth.Group("b")
	for _, c := range []struct {
		name     string
		security []requirement
		want     cognitoauth.Policy
	}{
		{"any token", []requirement{{"cognito": {}}}, cognitoauth.Authenticated()},
		{"a scope", []requirement{{"cognito": {"a"}}}, a},
		{"both", []requirement{{"cognito": {"a"}, "staff": {"b"}}}, cognitoauth.And(a, b)},
		{"one of them", []requirement{{"cognito": {"a"}}, {"staff": {"b"}}}, cognitoauth.Or(a, b)},
	} {
		got, err := policy(s, c.security, nil)
		if err != nil || got.String() != c.want.String() {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

// No security marks an operation as open, and an error leaves it protected.
func TestMarking(t *testing.T) {
	s := Schemes{"cognito": cognitoauth.Scope}
	for _, c := range []struct {
		name     string
		security []map[string][]string
		fails    bool
		ran      bool // without a token and without Wrap
	}{
		{"open", nil, false, true},
		{"protected", []map[string][]string{{"cognito": {}}}, false, false},
		{"a mistake", []map[string][]string{{}}, true, false},
	} {
		mark, err := marking(s, c.security, nil)
		if (err != nil) != c.fails {
			t.Fatalf("%s: %v", c.name, err)
		}
		ran := serves(mark)
		if ran != c.ran {
			t.Errorf("%s: the handler ran: %t", c.name, ran)
		}
	}
}

// serves reports whether a marked handler runs without a token and without Wrap. One
// that the zero Policy marks is refused when it is made.
func serves(mark func(http.Handler) http.Handler) (ran bool) {
	defer func() { _ = recover() }()
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		panic(err)
	}
	mark(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran = true })).ServeHTTP(discard{}, r)
	return ran
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
