package main

import (
	"os"
	"strings"
	"testing"
)

func TestConfigure(t *testing.T) {
	for name, row := range map[string]struct {
		env  map[string]string
		want string // of the error; "" if there is none
	}{
		"a real pool": {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789", "COGNITO_DOMAIN": "https://example.auth.eu-west-1.amazoncognito.com/"}, ""},

		"no domain":          {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789"}, "COGNITO_DOMAIN is missing"},
		"no pool":            {map[string]string{"COGNITO_DOMAIN": "https://example.auth.eu-west-1.amazoncognito.com"}, "COGNITO_USER_POOL_ID"},
		"a misspelt name":    {map[string]string{"COGNITO_POOL": "eu-west-1_EXAMPLE01"}, "COGNITO_USER_POOL_ID"},
		"ID tokens":          {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789", "COGNITO_DOMAIN": "https://x.example", "COGNITO_TOKEN_USE": "id"}, "sends access tokens"},
		"a domain by http":   {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789", "COGNITO_DOMAIN": "http://x.example"}, "COGNITO_DOMAIN is"},
		"a domain with path": {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789", "COGNITO_DOMAIN": "https://x.example/login"}, "COGNITO_DOMAIN is"},
		"a domain by name":   {map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_EXAMPLE01", "COGNITO_CLIENT_IDS": "1example23456789", "COGNITO_DOMAIN": "x.example"}, "COGNITO_DOMAIN is"},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for k, v := range row.env {
				t.Setenv(k, v)
			}
			s, err := configure(places{})
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("%v, want %s", err, row.want)
				}
				return
			}
			if err != nil || s.pool != nil || s.domain != "https://example.auth.eu-west-1.amazoncognito.com" || s.clientID != "1example23456789" || s.scope != "orders/write" {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		clearEnv(t)
		s, err := configure(places{login: "http://localhost:8091"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.pool.Close()
		if s.domain != "http://localhost:8091" || s.clientID != stubClient {
			t.Errorf("%+v", s)
		}
	})
}

func clearEnv(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "COGNITO_") {
			t.Setenv(name, "")
		}
	}
}
