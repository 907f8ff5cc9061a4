package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
	"github.com/cognitoauth/cognitoauth/internal/proof/vectors/corpus"
)

// TestVectors holds the library to every vector, first by a middleware of its
// own, then twice by one that all cases of its configuration share: whatever
// the library remembers of one token must not change the verdict on another.
// Cases are no subtests, so that neither -run nor a call of Skip can leave one
// out, and the count is checked.
func TestVectors(t *testing.T) {
	names := map[string]bool{}
	ids := map[string]bool{}
	verdicts := map[corpus.Verdict]int{}
	ran := 0
	for name, f := range lab.Vectors(t) {
		if len(f.Cases) == 0 {
			t.Errorf("%s: no cases", name)
		}
		for _, c := range f.Cases {
			if err := checkVector(f, c, nil); err != nil {
				t.Errorf("%s: %q (%s): %v", name, c.Name, c.Ref, err)
			}
			if c.Name == "" || names[c.Name] {
				t.Errorf("%s: %q: the name is empty or not the only one", name, c.Name)
			}
			names[c.Name], ids[c.Case] = true, true
			verdicts[c.Verdict]++
			ran++
		}
		shared := map[string]*vectorSubject{}
		for _, c := range slices.Concat(f.Cases, f.Cases) {
			if err := checkVector(f, c, shared); err != nil {
				t.Errorf("%s: %q (%s), beside others: %v", name, c.Name, c.Ref, err)
			}
		}
	}
	if ran < 1500 || ran != len(names) {
		t.Errorf("ran %d cases with %d names, want at least 1500", ran, len(names))
	}
	for _, v := range []corpus.Verdict{corpus.Accept, corpus.Reject, corpus.ConfigError, corpus.PolicyPanic} {
		if verdicts[v] < 20 {
			t.Errorf("verdict %s: %d cases, want at least 20", v, verdicts[v])
		}
	}
	for _, id := range corpus.IDs() {
		if !ids[id] {
			t.Errorf("conformance row %s has no case", id)
		}
	}
	t.Logf("%d cases: %v", ran, verdicts)
}

// TestVectorsAreGenerated makes the files again, from the tables of
// internal/proof/vectors/corpus and the test keys.
func TestVectorsAreGenerated(t *testing.T) {
	want, err := corpus.Build(os.DirFS(lab.Path(t, "testdata/keys")))
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadDir(lab.Path(t, lab.VectorDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range have {
		if want[e.Name()] == nil {
			t.Errorf("%s is not generated", e.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(lab.Path(t, lab.VectorDir+"/"+name))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s differs from its tables (%v): run go run ./internal/proof/vectors", name, err)
		}
	}
}

// checkVector tells what is wrong with the case or with the library.
func checkVector(f corpus.File, c corpus.Case, shared map[string]*vectorSubject) error {
	token, hasToken, err := c.TokenText()
	if err != nil {
		return err
	}
	if err := vectorWellFormed(c, hasToken); err != nil {
		return err
	}
	if c.Verdict == corpus.PolicyPanic {
		return vectorPanics(func() { cognitoauth.Require(vectorPolicy(*c.Policy), http.NotFoundHandler()) })
	}
	s, err := newVectorSubject(f, c, shared)
	switch {
	case err != nil:
		return err
	case c.Verdict == corpus.ConfigError:
		if s.err == nil {
			return errors.New("New: no error, want one")
		}
		return nil
	case s.err != nil:
		return fmt.Errorf("New: %w", s.err)
	case !hasToken:
		return vectorKeys(s.m, c.Keys)
	}
	s.asked = false
	claims, err := s.m.Validate(context.Background(), token)
	if s.asked != (err == nil || c.Code == "token_revoked") {
		return fmt.Errorf("Revoked asked: %t, which must be so for a verified token and no other (%v)", s.asked, err)
	}
	if err != nil && claims != nil {
		return errors.New("Validate: claims beside an error")
	}
	if err == nil && c.Policy != nil {
		err = vectorPolicy(*c.Policy).Check(httptest.NewRequest("GET", "/", nil), claims)
	}
	if c.Verdict == corpus.Reject {
		return vectorRefusal(err, c)
	}
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	return vectorClaims(claims, c.Want)
}

func vectorWellFormed(c corpus.Case, hasToken bool) error {
	refusal := c.Status >= 400 && c.Code != ""
	ok := false
	switch c.Verdict {
	case corpus.Accept:
		ok = c.Status == 0 && c.Code == "" && hasToken == (c.Keys == nil) && (hasToken || c.Want == nil && c.Policy == nil)
	case corpus.Reject:
		ok = refusal && hasToken && c.Keys == nil && c.Want == nil
	case corpus.ConfigError:
		ok = c.Status == 0 && c.Code == "" && !hasToken && c.Keys == nil && c.Want == nil && c.Policy == nil
	case corpus.PolicyPanic:
		ok = c.Status == 0 && c.Code == "" && !hasToken && c.Keys == nil && c.Want == nil && c.Policy != nil
	}
	if !ok {
		return fmt.Errorf("verdict %q does not go with the rest of the case", c.Verdict)
	}
	if c.Policy != nil && !vectorRule(*c.Policy) {
		return errors.New("the policy is not one rule, or rules that each are one")
	}
	if !slices.ContainsFunc([]string{"RFC ", "Cognito ", "FIPS ", "OpenID Connect "}, func(p string) bool { return strings.HasPrefix(c.Ref, p) }) {
		return fmt.Errorf("reference %q names no specification", c.Ref)
	}
	return nil
}

// vectorRule: a rule that says nothing, or that cannot be read, would be the zero
// policy, which panics and denies for a reason of its own.
func vectorRule(p corpus.Policy) bool {
	_, err := vectorDuration(p.AuthenticatedWithin)
	said := []bool{
		p.Scope != nil, p.Group != nil, p.ClientID != nil, len(p.Claim) == 2, p.ACR != nil, p.AuthenticatedWithin != "" && err == nil,
		p.User, p.Machine, p.Authenticated, p.Zero, p.And != nil, p.Or != nil,
	}
	n := 0
	for _, s := range said {
		if s {
			n++
		}
	}
	ok := n == 1
	for _, list := range []*[]corpus.Policy{p.And, p.Or} {
		if list != nil {
			ok = ok && !slices.ContainsFunc(*list, func(p corpus.Policy) bool { return !vectorRule(p) })
		}
	}
	return ok
}

func vectorPanics(f func()) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	f()
	return errors.New("no panic")
}

// vectorOffline fails every request: a vector's keys are all in its file.
type vectorOffline struct{}

func (vectorOffline) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("a vector caused a request for " + r.URL.String())
}

// A vectorSubject is a middleware under test, or the error of its constructor.
type vectorSubject struct {
	m     *cognitoauth.Middleware
	err   error
	asked bool // whether Revoked has been called
}

// newVectorSubject makes the subject for the case, or finds it in shared if
// that is not nil.
func newVectorSubject(f corpus.File, c corpus.Case, shared map[string]*vectorSubject) (*vectorSubject, error) {
	s := shared[c.Config+c.Now]
	if s != nil {
		return s, nil
	}
	config, err := vectorConfig(f, c)
	if err != nil {
		return nil, err
	}
	s = new(vectorSubject)
	config.Revoked = func(_ context.Context, claims *cognitoauth.Claims) (bool, error) {
		s.asked = true
		return slices.Contains(f.Configs[c.Config].Revoked, claims.OriginID), nil
	}
	s.m, s.err = cognitoauth.New(config)
	if shared != nil {
		shared[c.Config+c.Now] = s
	}
	return s, nil
}

func vectorConfig(f corpus.File, c corpus.Case) (config cognitoauth.Config, err error) {
	from, ok := f.Configs[c.Config]
	now, err := time.Parse(time.RFC3339Nano, c.Now)
	if !ok || err != nil {
		return config, fmt.Errorf("configuration %q or clock %q: %w", c.Config, c.Now, err)
	}
	config.Now = func() time.Time { return now }
	config.HTTPClient = &http.Client{Transport: vectorOffline{}}
	config.MaxTokenBytes = from.MaxTokenBytes
	if config.Leeway, err = vectorDuration(from.Leeway); err != nil {
		return config, err
	}
	for _, p := range from.Pools {
		life, err := vectorDuration(p.MaxLifetime)
		if err != nil {
			return config, err
		}
		keys, err := f.KeySets[p.KeySet].Document()
		if err != nil {
			return config, fmt.Errorf("key set %q: %w", p.KeySet, err)
		}
		config.Pools = append(config.Pools, cognitoauth.Pool{
			ID: p.ID, ClientIDs: p.ClientIDs, TokenUse: cognitoauth.TokenUse(p.TokenUse), Audiences: p.Audiences, ReplicaRegions: p.ReplicaRegions,
			Issuer: p.Issuer, MaxLifetime: life, JWKS: keys, RegisteredClients: p.RegisteredClients, DangerouslyAllowAnyClient: p.DangerouslyAllowAnyClient,
		})
	}
	return config, nil
}

func vectorDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	return time.ParseDuration(s)
}

func vectorPolicy(p corpus.Policy) cognitoauth.Policy {
	switch {
	case p.Scope != nil:
		return cognitoauth.Scope(*p.Scope)
	case p.Group != nil:
		return cognitoauth.Group(*p.Group)
	case p.ClientID != nil:
		return cognitoauth.ClientID(*p.ClientID)
	case len(p.Claim) == 2:
		return cognitoauth.Claim(p.Claim[0], p.Claim[1])
	case p.ACR != nil:
		return cognitoauth.ACR(*p.ACR)
	case p.AuthenticatedWithin != "":
		d, _ := vectorDuration(p.AuthenticatedWithin) // vectorRule has read it
		return cognitoauth.AuthenticatedWithin(d)
	case p.User:
		return cognitoauth.UserToken()
	case p.Machine:
		return cognitoauth.MachineToken()
	case p.Authenticated:
		return cognitoauth.Authenticated()
	case p.And != nil:
		return cognitoauth.And(vectorPolicies(*p.And)...)
	case p.Or != nil:
		return cognitoauth.Or(vectorPolicies(*p.Or)...)
	}
	return cognitoauth.Policy{}
}

func vectorPolicies(list []corpus.Policy) []cognitoauth.Policy {
	out := make([]cognitoauth.Policy, len(list))
	for i, p := range list {
		out[i] = vectorPolicy(p)
	}
	return out
}

func vectorKeys(m *cognitoauth.Middleware, want []string) error {
	status := m.Status()
	if len(status) != 1 {
		return fmt.Errorf("Status: %d key sources, want 1", len(status))
	}
	got := slices.Sorted(slices.Values(status[0].KeyIDs))
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		return fmt.Errorf("vectorKeys keys %q, want %q", got, want)
	}
	return nil
}

func vectorRefusal(err error, c corpus.Case) error {
	var e *cognitoauth.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("error %v, want %d %s", err, c.Status, c.Code)
	}
	if e.Status != c.Status || e.Code != c.Code {
		return fmt.Errorf("refused with %d %s, want %d %s", e.Status, e.Code, c.Status, c.Code)
	}
	return nil
}

// vectorClaims compares the claims with what the case wants of them.
func vectorClaims(c *cognitoauth.Claims, w *corpus.Want) error {
	if w == nil {
		return nil
	}
	var faults []error
	text := func(name, got string, want *string) {
		if want != nil && got != *want {
			faults = append(faults, fmt.Errorf("%s %q, want %q", name, got, *want))
		}
	}
	list := func(name string, got, want []string) {
		if want != nil && !slices.Equal(got, want) {
			faults = append(faults, fmt.Errorf("%s %q, want %q", name, got, want))
		}
	}
	at := func(name string, got time.Time, want *int64) {
		if want != nil && !got.Equal(time.Unix(*want, 0)) {
			faults = append(faults, fmt.Errorf("%s %v, want %v", name, got, time.Unix(*want, 0).UTC()))
		}
	}
	text("Subject", c.Subject, w.Subject)
	text("Username", c.Username, w.Username)
	text("ClientID", c.ClientID, w.ClientID)
	text("TokenUse", string(c.TokenUse), w.TokenUse)
	text("Issuer", c.Issuer, w.Issuer)
	text("PoolID", c.PoolID, w.PoolID)
	text("ID", c.ID, w.ID)
	text("OriginID", c.OriginID, w.OriginID)
	text("EventID", c.EventID, w.EventID)
	text("ACR", c.ACR, w.ACR)
	at("Expiry", c.Expiry, w.Expiry)
	at("IssuedAt", c.IssuedAt, w.IssuedAt)
	at("AuthTime", c.AuthTime, w.AuthTime)
	list("Scopes", c.Scopes(), w.Scopes)
	list("Groups", c.Groups(), w.Groups)
	list("Audience", c.Audience(), w.Audience)
	if w.IsMachine != nil && c.IsMachine() != *w.IsMachine {
		faults = append(faults, fmt.Errorf("IsMachine %t", c.IsMachine()))
	}
	for _, name := range slices.Sorted(maps.Keys(w.Strings)) {
		text(name, c.String(name), new(w.Strings[name]))
	}
	for name, want := range w.Bools {
		if c.Bool(name) != want {
			faults = append(faults, fmt.Errorf("Bool(%q) %t", name, !want))
		}
	}
	return errors.Join(faults...)
}
