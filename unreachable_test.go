package cognitoauth_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// failing answers every request like that.
type failing struct {
	status int
	err    error
}

func (f failing) RoundTrip(*http.Request) (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	return lab.Answer(f.status, strings.NewReader("SECRET")), nil
}

// dialing is the error of a connection to that address.
func dialing(op, address string) error {
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: to, Err: errors.New("connection refused")}
}

// What keeps a machine from Cognito's own host is named where one reading is
// likely: in Detail, in the error of Ready, in Status and in the log.
func TestKeysUnreachable(t *testing.T) {
	const mirror, replica = "https://mirror.example/keys", "https://cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json"
	link := []string{"PrivateLink", "interface endpoint", "has a domain", "Pool.JWKS,", "Pool.JWKSURL", "egress"}
	quota := []string{"quota", "October 2025", "Pool.JWKS", "Pool.JWKSURL"}
	region := []string{`region "eu-west-1"`, "Pool.ID", "ReplicaRegions", "Pool.JWKSURL", "DNS", "offline", "IPv6"}
	lookup := func(host string, unknown bool) failing {
		return failing{err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: unknown}}}
	}
	for _, row := range []struct {
		name string
		url  string // of the keys; "": Cognito's own
		wire failing
		says []string // nil: none of them
	}{
		{"400", "", failing{status: 400}, link},
		{"403", "", failing{status: 403}, link},
		{"403 for a replica", replica, failing{status: 403}, link},
		{"a private address", "", failing{err: dialing("dial", "10.0.3.7:443")}, link},
		{"a private address of IPv6", "", failing{err: dialing("dial", "[fd00::7]:443")}, link},
		{"a private address in the other form", "", failing{err: dialing("dial", "[::ffff:172.16.0.9]:443")}, link},
		{"429", "", failing{status: 429}, quota},
		{"no such region", "", lookup("cognito-idp.eu-west-1.amazonaws.com", true), region},
		{"no such region in the other form", "", lookup("issuer-cognito-idp.eu-west-1.amazonaws.com", true), region},
		{"no such region of a replica", replica, lookup("cognito-idp.us-west-2.amazonaws.com", true), []string{`region "us-west-2"`}},

		{"404", "", failing{status: 404}, nil},
		{"500", "", failing{status: 500}, nil},
		{"a public address", "", failing{err: dialing("dial", "52.94.5.1:443")}, nil},
		{"a private address that was reached", "", failing{err: dialing("read", "10.0.3.7:443")}, nil},
		{"a proxy at a private address", "", failing{err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dialing("dial", "10.0.3.7:3128")}}, nil},
		{"no address", "", failing{err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("lookup failed")}}, nil},
		{"DNS does not answer", "", lookup("cognito-idp.eu-west-1.amazonaws.com", false), nil},
		{"no such proxy", "", lookup("proxy.example", true), nil},
		{"no such mirror", mirror, lookup("mirror.example", true), nil},
		{"no network at all", "", failing{err: errors.New("unplugged")}, nil},
		{"403 of a mirror", mirror, failing{status: 403}, nil},
		{"429 of a mirror", mirror, failing{status: 429}, nil},
		{"a mirror at a private address", mirror, failing{err: dialing("dial", "10.0.3.7:443")}, nil},
	} {
		lab.InBubble(t, func(t *testing.T) {
			var log lab.KeyLog
			pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
			auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
				c.HTTPClient, c.Logger = &http.Client{Transport: row.wire}, slog.New(&log)
				c.Pools[0].JWKSURL = row.url
			})
			_, err := auth.Validate(t.Context(), pool.AccessToken().String())
			refusal, down, status := lab.AsRefusal(t, err), auth.Ready(t.Context()), auth.Status()[0].Err
			synctest.Wait() // the log is written when the request has its answer
			for where, text := range map[string]string{"Detail": refusal.Detail(), "Ready": down.Error(), "Status": status.Error(), "the log": strings.Join(log.Taken(), "\n")} {
				checkUnreachable(t, row.name+": "+where, text, row.says)
			}
			if refusal.Code != "keys_unavailable" || !errors.Is(down, cognitoauth.ErrUnavailable) {
				t.Errorf("%s: %s, %v", row.name, refusal.Code, down)
			}
			if row.wire.err != nil && !errors.Is(status, row.wire.err) {
				t.Errorf("%s: the error is lost: %v", row.name, status)
			}
		})
	}
}

// checkUnreachable looks for what a text has to say, and for what it must not.
func checkUnreachable(t *testing.T, name, text string, says []string) {
	t.Helper()
	for _, part := range says {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q: %s", name, part, text)
		}
	}
	hints := 0
	for _, word := range []string{"PrivateLink", "quota", "finds no address"} {
		if strings.Contains(text, word) {
			hints++
		}
	}
	if hints > 1 || hints > 0 && says == nil || strings.Contains(text, "SECRET") {
		t.Errorf("%s leads astray, or quotes the answer: %s", name, text)
	}
}
