package cognitoauth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// private are values of a token that only MarshalJSON may write.
var private = []string{"s-jane", "jane", "j-1", "o-1", "e-1", "urn:x", "orders", "staff", "acme", "admin"}

// printed are Claims full of values that must not be printed.
func printed(use string) *cognitoauth.Claims {
	return parseClaims(`{"sub":"s-jane","username":"jane","cognito:username":"jane","client_id":"1client","aud":"1client","token_use":"` + use + `",
		"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123","jti":"j-1","origin_jti":"o-1","event_id":"e-1","acr":"urn:x",
		"scope":"orders/read orders/write","cognito:groups":["staff","admin","ops"],"custom:tenant":"acme","auth_time":1772622000,"iat":1772625600,"exp":1772629200}`)
}

// No verb, no printing package and no handler of slog shows whose token it is,
// for Claims, a pointer to them, or Claims in an exported field.
func TestClaims_printNothingPersonal(t *testing.T) {
	type Session struct{ Claims *cognitoauth.Claims }
	type Copy struct{ Claims cognitoauth.Claims }
	for _, use := range []string{"access", "id"} {
		c := printed(use)
		texts := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%T", "%c", "%e", "%b", "%o", "%U", "%z", "%20v"} {
			texts[verb] = fmt.Sprintf(verb, c) + fmt.Sprintf(verb, *c) + fmt.Sprintf(verb, []any{c, *c}) + fmt.Sprintf(verb, Copy{*c})
		}
		texts["a pointer in a struct"] = fmt.Sprintf("%+v", Session{c})
		texts["Sprint"] = fmt.Sprint(c, *c) + fmt.Sprintln(c)
		var b bytes.Buffer
		if err := template.Must(template.New("").Parse("{{.}} {{printf `%v` .}}")).Execute(&b, *c); err != nil {
			t.Fatal(err)
		}
		for name, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&b, nil), "JSON": slog.NewJSONHandler(&b, nil)} {
			log := slog.New(handler)
			log.Info(name, "pointer", c, "value", *c)
			log.With("pointer", c, "value", *c).Info(name)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("inside", "copy", Copy{*c})
		texts["template and slog"] = b.String()
		for how, text := range texts {
			for _, word := range private {
				if strings.Contains(text, word) {
					t.Errorf("%s, %s token: %q in %s", how, use, word, text)
				}
			}
		}
	}
}

// What is printed is fit for a log, and says what the token is good for.
func TestClaims_format(t *testing.T) {
	const access = `cognitoauth.Claims{pool: "eu-west-1_AbCdEf123", client_id: "1client", token_use: "access", auth_time: 2026-03-04T11:00:00Z, iat: 2026-03-04T12:00:00Z, exp: 2026-03-04T13:00:00Z, scopes: 2, groups: 3}`
	for _, row := range []struct {
		name   string
		claims any
		want   string
	}{
		{"an access token's", printed("access"), access},
		{"by value", *printed("access"), access},
		{"an ID token's, which has no scopes", printed("id"), strings.NewReplacer(`"access"`, `"id"`, "scopes: 2", "scopes: 0").Replace(access)},
		{"no claims", cognitoauth.Claims{}, `cognitoauth.Claims{pool: "", client_id: "", token_use: "", scopes: 0, groups: 0}`},
		{"no pointer", (*cognitoauth.Claims)(nil), "<nil>"},
		{"written by hand", &cognitoauth.Claims{PoolID: "p", ClientID: "a\nb\u202e", NotBefore: lab.Noon, Username: "jane"},
			`cognitoauth.Claims{pool: "p", client_id: "a\nb\u202e", token_use: "", nbf: 2026-03-04T12:00:00Z, scopes: 0, groups: 0}`},
	} {
		if got := fmt.Sprintf("%+v", row.claims); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestClaims_logValue(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "claims", printed("access"))
	var got struct{ Claims map[string]any }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"pool": "eu-west-1_AbCdEf123", "client_id": "1client", "token_use": "access", "scopes": 2.0, "groups": 3.0,
		"auth_time": "2026-03-04T11:00:00Z", "iat": "2026-03-04T12:00:00Z", "exp": "2026-03-04T13:00:00Z"}
	if !maps.Equal(got.Claims, want) {
		t.Errorf("%v, want %v", got.Claims, want)
	}
}

// As JSON, Claims have every exported field, under the name that its claim has
// in the token, and the lists that no field holds.
func TestClaims_marshalJSON(t *testing.T) {
	common := map[string]any{"sub": "s-jane", "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123", "pool_id": "eu-west-1_AbCdEf123", "jti": "j-1",
		"origin_jti": "o-1", "event_id": "e-1", "acr": "urn:x", "auth_time": 1772622000.0, "iat": 1772625600.0, "nbf": nil, "exp": 1772629200.0,
		"cognito:groups": []any{"staff", "admin", "ops"}}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(common)
		maps.Copy(all, more)
		return all
	}
	access := with(map[string]any{"token_use": "access", "username": "jane", "client_id": "1client", "aud": []any{"1client"}, "scope": "orders/read orders/write"})
	empty := map[string]any{}
	for name := range access {
		if empty[name] = ""; slices.Contains([]string{"auth_time", "iat", "nbf", "exp"}, name) {
			empty[name] = nil
		}
	}
	empty["cognito:groups"] = []any{}
	delete(empty, "aud")
	for _, row := range []struct {
		name   string
		claims any
		want   map[string]any
	}{
		{"an access token's", printed("access"), access},
		{"by value", *printed("access"), access},
		{"an ID token's", printed("id"), with(map[string]any{"token_use": "id", "cognito:username": "jane", "aud": "1client", "scope": ""})},
		{"no claims", cognitoauth.Claims{}, empty},
	} {
		b, err := json.Marshal(row.claims)
		var got map[string]any
		if err != nil || json.Unmarshal(b, &got) != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s, %v:\n got %s\nwant %v", row.name, err, b, row.want)
		}
	}
}

// MarshalJSON loses no exported field, those of a later version included.
func TestClaims_marshalJSONIsComplete(t *testing.T) {
	for i := range reflect.TypeFor[cognitoauth.Claims]().NumField() {
		f := reflect.TypeFor[cognitoauth.Claims]().Field(i)
		if !f.IsExported() {
			continue
		}
		var c cognitoauth.Claims
		before, _ := json.Marshal(c)
		switch v := reflect.ValueOf(&c).Elem().Field(i); {
		case v.Kind() == reflect.String:
			v.SetString("x")
		case f.Type == reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(lab.Noon))
		default:
			t.Fatalf("%s is a %s", f.Name, f.Type)
		}
		if after, err := json.Marshal(c); err != nil || bytes.Equal(before, after) {
			t.Errorf("%s: %s, %v", f.Name, after, err)
		}
	}
}
