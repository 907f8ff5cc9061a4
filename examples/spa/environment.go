package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/examples/spa/login"
)

// setup says whose tokens the API takes, and where they come from.
type setup struct {
	config   cognitoauth.Config
	pool     *cognitotest.Pool // nil: a real one
	clock    *clock            // of the pool in the process
	clientID string
	domain   string // of managed login, "https://…", without a slash at the end
	scope    string // the scope that POST /api/orders needs
}

// clock is the time of the machine, moved forward by a button of the page.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

const (
	stubClient = "1example23456789"
	// accessTime is the shortest that Cognito allows.
	accessTime = 5 * time.Minute
)

// configure takes the pool that the environment names. Only if no COGNITO_ variable
// is set at all does it start one of its own: whoever sets one means a real pool, and
// must not get a stub that signs anybody in because of a typo.
func configure(here places) (*setup, error) {
	var set []string
	for _, kv := range os.Environ() {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "COGNITO_") && value != "" {
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		s, err := fromEnv()
		if err != nil {
			return nil, fmt.Errorf("the environment does not name a user pool in full.\n%w\n"+
				"Mend that, or start without a pool of yours:\n  unset %s", err, strings.Join(set, " "))
		}
		return s, nil
	}
	c := new(clock)
	pool, err := cognitotest.Start(cognitotest.Options{ClientIDs: []string{stubClient}, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return &setup{config: pool.Config(), pool: pool, clock: c, clientID: stubClient, domain: here.login, scope: "orders/write"}, nil
}

// fromEnv reads what cognitoauth.FromEnv reads, and the domain and a scope.
func fromEnv() (*setup, error) {
	cfg, err := cognitoauth.FromEnv()
	domain, bad := domainOf(os.Getenv("COGNITO_DOMAIN"))
	if err := errors.Join(err, bad); err != nil {
		return nil, err
	}
	if cfg.Pools[0].TokenUse == cognitoauth.IDToken {
		return nil, errors.New("COGNITO_TOKEN_USE is id, but the page sends access tokens")
	}
	return &setup{config: cfg, clientID: cfg.Pools[0].ClientIDs[0], domain: domain, scope: cmp.Or(os.Getenv("COGNITO_SCOPE"), "orders/write")}, nil
}

// domainOf checks the address of managed login. A browser is sent there, and so is
// the code: it must be https.
func domainOf(s string) (string, error) {
	const example = "expected the domain of the pool's managed login, such as https://example.auth.eu-west-1.amazoncognito.com"
	if s == "" {
		return "", errors.New("COGNITO_DOMAIN is missing: " + example)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("COGNITO_DOMAIN is %q: %s", s, example)
	}
	return "https://" + u.Host, nil
}

// newLogin returns managed login for the pool in the process.
func newLogin(s *setup, here places) *login.Server {
	return login.New(login.Config{Pool: s.pool, URL: here.login, AccessTokens: accessTime, Groups: groups, Clients: []login.Client{{
		ID:        s.clientID,
		Callbacks: []string{here.api + "/", here.other + "/", here.api + "/bff/callback"},
		SignOuts:  []string{here.api + "/", here.other + "/", here.api + "/cookie"},
		Scopes:    []string{"openid", "profile", s.scope},
		Origins:   []string{here.api, here.other},
	}}})
}

// groups puts ada into as many groups as Cognito allows, with names that do not
// compress: her access token is larger than three cookies.
func groups(user string) (names []string) {
	if user == "ada" {
		for i := range 100 {
			sum := sha256.Sum256([]byte{byte(i)})
			names = append(names, hex.EncodeToString(sum[:])+hex.EncodeToString(sum[:16]))
		}
	}
	return names
}
