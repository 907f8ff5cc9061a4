package cognitoauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// asserted is a policy of one's own.
func asserted(ok bool) cognitoauth.Policy {
	return cognitoauth.Assert("x", func(*http.Request, *cognitoauth.Claims) bool { return ok })
}

// What a policy denies by a plain 403 asks for a login, with the level that is
// named (RFC 9470, section 3), and nothing else does.
func TestStepUp(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	user, machine := pool.AccessToken().Groups("mine").Claims(), pool.MachineToken().Claims()
	up, and, or := cognitoauth.StepUp, cognitoauth.And, cognitoauth.Or
	old := pool.AccessToken().Set("auth_time", lab.Noon.Add(-2*time.Hour)).Claims()
	const login = `error="insufficient_user_authentication"`
	for _, row := range []struct {
		name   string
		policy cognitoauth.Policy
		claims *cognitoauth.Claims
		code   string // "": met
		want   string // in the challenge, all behind the description if it begins with a comma; "": no challenge
	}{
		{"met", up("mfa", asserted(true)), user, "", ""},
		{"met by a machine", up("mfa", asserted(true)), machine, "", ""},
		{"an assertion", up("mfa", asserted(false)), user, "step_up_required", login + `, error_description="a different authentication is required", acr_values="mfa"`},
		{"a claim", up("mfa", cognitoauth.Claim("amr", "mfa")), user, "step_up_required", `acr_values="mfa"`},
		{"a group", up("mfa", cognitoauth.Group("other")), user, "step_up_required", `acr_values="mfa"`},
		{"a composition", up("mfa", and(cognitoauth.Group("mine"), or(asserted(false), cognitoauth.Claim("a", "b")))), user, "step_up_required", `acr_values="mfa"`},
		{"several levels, the preferred one first", up("urn:x:3 urn:x:2", asserted(false)), user, "step_up_required", `acr_values="urn:x:3 urn:x:2"`},
		{"a machine's token", up("mfa", asserted(false)), machine, "assertion_denied", ""},
		{"a machine's token and a group", up("mfa", cognitoauth.Group("mine")), machine, "group_missing", ""},
		{"an ID token", up("mfa", asserted(false)), pool.IDToken().Claims(), "step_up_required", `acr_values="mfa"`},
		{"a missing scope stays one", up("mfa", cognitoauth.Scope("a/b")), user, "scope_missing", `scope="a/b"`},
		{"an old login stays one", up("mfa", cognitoauth.AuthenticatedWithin(time.Hour)), pool.AccessToken().Set("auth_time", lab.Noon.Add(-2*time.Hour)).Claims(), "login_too_old", `max_age="3600"`},
		{"the inner level counts", up("outer", up("inner", asserted(false))), user, "step_up_required", `acr_values="inner"`},

		{"all levels of an Or, in its order", or(cognitoauth.ACR("urn:x:4"), cognitoauth.ACR("urn:x:3")), user, "acr_mismatch", `, acr_values="urn:x:4 urn:x:3"`},
		{"each level of an Or once", or(cognitoauth.ACR("urn:x:4"), cognitoauth.ACR("urn:x:3"), cognitoauth.ACR("urn:x:4")), user, "acr_mismatch", `, acr_values="urn:x:4 urn:x:3"`},
		{"levels of Or and StepUp", or(up("b c", asserted(false)), cognitoauth.ACR("a"), cognitoauth.ACR("c")), user, "step_up_required", `, acr_values="b c a"`},
		{"levels of an Or in an Or", or(or(cognitoauth.ACR("a"), cognitoauth.ACR("b")), cognitoauth.ACR("c")), user, "acr_mismatch", `, acr_values="a b c"`},
		{"levels behind a group", or(cognitoauth.Group("other"), cognitoauth.ACR("a"), asserted(false), cognitoauth.ACR("b")), user, "acr_mismatch", `, acr_values="a b"`},
		{"no level where a scope is missing", or(cognitoauth.ACR("a"), cognitoauth.Scope("a/b"), cognitoauth.ACR("b")), user, "scope_missing", `scope="a/b"`},
		{"no levels for a machine", or(cognitoauth.ACR("a"), cognitoauth.ACR("b")), machine, "acr_unattainable", ""},
		{"no level that also needs a recent login", or(cognitoauth.ACR("a"), and(cognitoauth.ACR("b"), cognitoauth.AuthenticatedWithin(time.Hour))), old, "acr_mismatch", `, acr_values="a"`},
		{"levels that need the same recent login", or(and(cognitoauth.ACR("a"), cognitoauth.AuthenticatedWithin(time.Hour)), and(cognitoauth.ACR("b"), cognitoauth.AuthenticatedWithin(time.Hour))), old, "acr_mismatch", `, acr_values="a b", max_age="3600"`},
		{"no level where an older login is the first way", or(cognitoauth.AuthenticatedWithin(time.Hour), cognitoauth.ACR("a")), old, "login_too_old", `, max_age="3600"`},
		{"a level and not the age of another way", or(cognitoauth.ACR("a"), cognitoauth.AuthenticatedWithin(time.Hour)), old, "acr_mismatch", `, acr_values="a"`},
		{"the levels that both of an And take", and(or(cognitoauth.ACR("a"), cognitoauth.ACR("b"), cognitoauth.ACR("c")), or(cognitoauth.ACR("c"), cognitoauth.ACR("b"))), user, "acr_mismatch", `, acr_values="b c"`},
		{"the first levels where there are none for both", and(cognitoauth.ACR("a"), up("mfa", asserted(false))), user, "acr_mismatch", `, acr_values="a"`},

		{"what nothing mends comes first", and(up("mfa", asserted(false)), cognitoauth.Group("other")), user, "group_missing", ""},
		{"a scope comes first", and(up("mfa", asserted(false)), cognitoauth.Scope("a/b")), user, "scope_missing", `scope="a/b"`},
		{"the age of a login beside it", and(up("mfa", asserted(false)), cognitoauth.AuthenticatedWithin(time.Hour)), pool.AccessToken().Set("auth_time", lab.Noon.Add(-2*time.Hour)).Claims(),
			"step_up_required", `acr_values="mfa", max_age="3600"`},
		{"the alternative that a login mends", or(cognitoauth.Group("other"), up("mfa", asserted(false))), user, "step_up_required", `acr_values="mfa"`},
		{"the alternative that is met", or(up("mfa", asserted(false)), cognitoauth.Group("mine")), user, "", ""},
	} {
		err := row.policy.Check(nil, row.claims)
		if row.code == "" {
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: met", row.name)
			continue
		}
		e := lab.AsRefusal(t, err)
		whole := !strings.HasPrefix(row.want, ", ") || strings.HasSuffix(e.Challenge(), "login is required"+`"`+row.want) || strings.HasSuffix(e.Challenge(), "authentication is required"+`"`+row.want)
		if e.Code != row.code || (row.want == "") != (e.Challenge() == "") || !strings.Contains(e.Challenge(), row.want) || !whole {
			t.Errorf("%s: %s, challenge %s; want %s, %s", row.name, e.Code, e.Challenge(), row.code, row.want)
		}
		if e.Code == "step_up_required" && (e.Status != 401 || !strings.Contains(e.Detail(), "acr_values") || !strings.Contains(e.Detail(), "denied by")) {
			t.Errorf("%s: status %d, detail %s", row.name, e.Status, e.Detail())
		}
	}
}

// The scopes of the policy inside are asked for with those beside it.
func TestStepUp_scopes(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true})
	policy := cognitoauth.And(cognitoauth.StepUp("mfa", cognitoauth.And(cognitoauth.Scope("a"), asserted(true))), cognitoauth.Scope("b"))
	if got := scopeParam(t, lab.AsRefusal(t, policy.Check(nil, pool.AccessToken().Claims())).Challenge()); got != "a b" {
		t.Errorf("scope=%q", got)
	}
	if got, want := policy.String(), `And(StepUp("mfa", And(Scope("a"), Assert("x"))), Scope("b"))`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestStepUp_panics(t *testing.T) {
	for _, acr := range []string{"", " ", "a ", " a", "a  b", `a"b`, `a\b`, "a\nb", "é", "a\tb", "a\x7f"} {
		lab.MustPanic(t, "StepUp", acr, func() { cognitoauth.StepUp(acr, asserted(true)) })
	}
	lab.MustPanic(t, "StepUp", "the zero Policy", func() { cognitoauth.StepUp("mfa", cognitoauth.Policy{}) })
	for _, acr := range []string{"a", "a b", "!#[]~"} {
		cognitoauth.StepUp(acr, asserted(true))
	}
}

// A login is recent enough up to d ago and the leeway, and may lie as far in
// the future as the leeway.
func TestPolicy_authenticatedWithin(t *testing.T) {
	const hour, leeway = time.Hour, 30 * time.Second
	rows := []struct {
		name     string
		authTime any // the claim; a Duration is counted from noon
		late     time.Duration
		code     string
	}{
		{"just now", time.Duration(0), 0, ""},
		{"as long ago as allowed", -hour - leeway, 0, ""},
		{"a moment longer", -hour - leeway, 1, "login_too_old"},
		{"a second longer", -hour - leeway - time.Second, 0, "login_too_old"},
		{"as far ahead as clocks may differ", leeway, 0, ""},
		{"a second further ahead", leeway + time.Second, 0, "login_too_old"},
		{"a moment further ahead", leeway + time.Second, time.Second - 1, "login_too_old"},
		{"missing", nil, 0, "login_too_old"},
		{"the year one", json.RawMessage("-62135596799"), 0, "login_too_old"},
		{"as long ago as can be written", json.RawMessage("-9007199254740991"), 0, "login_too_old"},
		{"as far ahead as can be written", json.RawMessage("9007199254740991"), 0, "login_too_old"},
		{"rounded up into the allowed", json.RawMessage(fmt.Sprintf("%d.5", lab.Noon.Unix()-3600-30-1)), 0, ""},
	}
	for _, row := range rows {
		pool := cognitotest.NewPool(t, cognitotest.Options{Now: func() time.Time { return lab.Noon.Add(row.late) }, InProcess: true})
		token := pool.AccessToken()
		switch at := row.authTime.(type) {
		case nil:
			token = token.Delete("auth_time")
		case time.Duration:
			token = token.Set("auth_time", lab.Noon.Add(at))
		default:
			token = token.Set("auth_time", at)
		}
		validated, err := lab.MustNew(t, pool.Config()).Validate(t.Context(), token.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, claims := range []*cognitoauth.Claims{token.Claims(), validated} {
			err, code := cognitoauth.AuthenticatedWithin(hour).Check(nil, claims), ""
			if err != nil {
				code = lab.AsRefusal(t, err).Code
			}
			if code != row.code {
				t.Errorf("%s: code %q, want %q", row.name, code, row.code)
			}
		}
		pool.Close()
	}
}

// However long ago a login may be, there has to have been one.
func TestAuthenticatedWithin_anyLogin(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	always := cognitoauth.AuthenticatedWithin(math.MaxInt64)
	if err := always.Check(nil, pool.AccessToken().Claims()); err != nil {
		t.Errorf("with auth_time: %v", err)
	}
	if err := always.Check(nil, pool.AccessToken().Delete("auth_time").Claims()); !errors.Is(err, cognitoauth.ErrStepUpRequired) {
		t.Errorf("without auth_time: %v, want ErrStepUpRequired", err)
	}
}
