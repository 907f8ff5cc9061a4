package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
)

// What is set but not read must not end in a pool that signs for anybody.
func TestConfigure_strays(t *testing.T) {
	const pool, clients = "COGNITO_USER_POOL_ID=eu-west-1_AbCdEf123", "COGNITO_CLIENT_IDS=1example23456789"
	for _, tt := range []struct {
		name string
		set  []string
		want []string // parts of the error; none: configured
	}{
		{"one client", []string{"COGNITO_CLIENT_ID=x"}, []string{"COGNITO_CLIENT_ID is set, but is not read: did you mean COGNITO_CLIENT_IDS?", "unset COGNITO_CLIENT_ID"}},
		{"pool", []string{"COGNITO_POOL_ID=x"}, []string{"COGNITO_POOL_ID is set, but is not read: did you mean COGNITO_USER_POOL_ID?"}},
		{"both", []string{"COGNITO_USERPOOL_ID=x", "COGNITO_APP_CLIENT_ID=y"}, []string{"did you mean COGNITO_USER_POOL_ID?", "did you mean COGNITO_CLIENT_IDS?", "unset COGNITO_APP_CLIENT_ID COGNITO_USERPOOL_ID"}},
		{"two letters", []string{"COGNITO_CLEINT_IDS=x"}, []string{"did you mean COGNITO_CLIENT_IDS?"}},
		{"JWKS", []string{"COGNITO_JWKS_URI=x"}, []string{"did you mean COGNITO_JWKS_URL?"}},
		{"region", []string{"COGNITO_AWS_REGION=x"}, []string{"did you mean COGNITO_REGION?"}},
		{"like none", []string{"COGNITO_DOMAIN=secret"}, []string{"COGNITO_DOMAIN is set, but is not read: a pool is named by COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS"}},
		{"read, but not by the embedded pool", []string{"COGNITO_TOKEN_USE=id"}, []string{"COGNITO_USER_POOL_ID is not set", "unset COGNITO_TOKEN_USE"}},
		{"half of a pool", []string{pool, "COGNITO_CLIENT_ID=x"}, []string{"did you mean COGNITO_CLIENT_IDS?"}},

		{"real pool with a typo", []string{pool, clients, "COGNITO_AUDIENCE=x"}, []string{"did you mean COGNITO_AUDIENCES?"}},
		{"real pool", []string{pool, clients}, nil},
		{"real pool with settings of others", []string{pool, clients, "COGNITO_DOMAIN=x", "COGNITO_CLIENT_SECRET=x"}, nil},
		{"real pool under two names", []string{pool, clients, "COGNITO_CLIENT_ID=1example23456789"}, nil},
		{"another client in the singular", []string{pool, clients, "COGNITO_CLIENT_ID=secret"}, []string{"COGNITO_CLIENT_ID is set, but only the list in COGNITO_CLIENT_IDS counts"}},
		{"real pool with an empty typo", []string{pool, clients, "COGNITO_AUDIENCE="}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clearEnv(t)
			for _, kv := range tt.set {
				name, value, _ := strings.Cut(kv, "=")
				t.Setenv(name, value)
			}
			cfg, embedded, err := configure(new(playground.Clock))
			if embedded != nil {
				embedded.Close()
				t.Fatal("started a pool of its own")
			}
			if tt.want == nil {
				if err != nil || len(cfg.Pools) != 1 || cfg.Pools[0].ID != "eu-west-1_AbCdEf123" {
					t.Errorf("%+v, %v", cfg, err)
				}
				return
			}
			if err == nil || cfg.Pools != nil {
				t.Fatalf("%+v, %v", cfg, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error\n%v\ndoes not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("shows a value: %v", err)
			}
		})
	}
}

func TestConfigure_embedded(t *testing.T) {
	clearEnv(t)
	t.Setenv("COGNITOAUTH", "not ours")
	_, pool, err := configure(new(playground.Clock))
	if err != nil || pool == nil {
		t.Fatalf("%v, %v", pool, err)
	}
	pool.Close()
}

// The list of variables is the one that FromEnv reads.
func TestVariables(t *testing.T) {
	source, err := os.ReadFile("../../config.go")
	if err != nil {
		t.Fatal(err)
	}
	_, fromEnv, _ := strings.Cut(string(source), "\nfunc FromEnv(")
	fromEnv, _, _ = strings.Cut(fromEnv, "\n}\n")
	var read []string
	for _, m := range regexp.MustCompile(`Getenv\("(\w+)"\)`).FindAllStringSubmatch(fromEnv, -1) {
		read = append(read, m[1])
	}
	slices.Sort(read)
	known := slices.Sorted(slices.Values(variables))
	if !slices.Equal(read, known) {
		t.Errorf("FromEnv reads\n%q\nthe quickstart knows\n%q", read, known)
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"same", "same", 0},
		{"kitten", "sitting", 3}, {"saturday", "sunday", 3}, {"flaw", "lawn", 2},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("from %q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
