package cognitoalb_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

// Each mistake is reported, with the setting that mends it, and all at once.
func TestNew_mistakes(t *testing.T) {
	in := func(region, partition string) string {
		return "arn:" + partition + ":elasticloadbalancing:" + region + ":123456789012:loadbalancer/app/web/50dc6c495c0c9188"
	}
	tests := []struct {
		name   string
		change func(*cognitoalb.Config)
		text   string // "" if it is no mistake
	}{
		{"nothing", func(*cognitoalb.Config) {}, ""},
		{"no load balancer", func(c *cognitoalb.Config) { c.LoadBalancers = nil }, "LoadBalancers is empty"},
		{"a listener", func(c *cognitoalb.Config) {
			c.LoadBalancers = []string{strings.Replace(arn, "loadbalancer", "listener", 1) + "/f2f7dc8efc522ab2"}
		}, "not that of a listener"},
		{"a network load balancer", func(c *cognitoalb.Config) { c.LoadBalancers = []string{strings.Replace(arn, "/app/", "/net/", 1)} }, "LoadBalancers[0]"},
		{"the second one", func(c *cognitoalb.Config) { c.LoadBalancers = []string{arn, arn + "\n"} }, "LoadBalancers[1]"},
		{"a wildcard", func(c *cognitoalb.Config) { c.LoadBalancers = []string{strings.Replace(arn, "web", "*", 1)} }, "LoadBalancers[0]"},
		{"a region of another partition", func(c *cognitoalb.Config) { c.LoadBalancers = []string{in("cn-north-1", "aws")} }, `no region "cn-north-1" in partition "aws"`},
		{"an unknown partition", func(c *cognitoalb.Config) { c.LoadBalancers = []string{in("eu-west-1", "aws-x")} }, "partition"},
		{"a region that could be a host", func(c *cognitoalb.Config) { c.LoadBalancers = []string{in("eu-west-1.evil.example/", "aws")} }, "LoadBalancers[0]"},
		{"China", func(c *cognitoalb.Config) { c.LoadBalancers = []string{in("cn-north-1", "aws-cn")} }, "set KeyURL"},
		{"China with KeyURL", func(c *cognitoalb.Config) {
			c.LoadBalancers, c.KeyURL = []string{in("cn-north-1", "aws-cn")}, "https://keys.example.com"
		}, ""},
		{"Europe", func(c *cognitoalb.Config) { c.LoadBalancers = []string{in("eusc-de-east-1", "aws-eusc")} }, "set KeyURL"},
		{"KeyURL for two regions", func(c *cognitoalb.Config) {
			c.LoadBalancers, c.KeyURL = []string{arn, in("eu-west-2", "aws")}, "https://keys.example.com"
		}, "several regions"},
		{"two regions", func(c *cognitoalb.Config) { c.LoadBalancers = []string{arn, in("eu-west-2", "aws")} }, ""},
		{"KeyURL http", func(c *cognitoalb.Config) { c.KeyURL = "http://keys.example.com" }, "expected https"},
		{"KeyURL http on loopback", func(c *cognitoalb.Config) { c.KeyURL = "http://127.0.0.1:8080/alb/" }, ""},
		{"KeyURL http on localhost", func(c *cognitoalb.Config) { c.KeyURL = "http://localhost:8080" }, ""},
		{"KeyURL http on the loopback of IPv6", func(c *cognitoalb.Config) { c.KeyURL = "http://[::1]:8080" }, ""},
		{"KeyURL http on an address of the network", func(c *cognitoalb.Config) { c.KeyURL = "http://192.0.2.1" }, "expected https"},
		{"KeyURL of another scheme on loopback", func(c *cognitoalb.Config) { c.KeyURL = "ftp://127.0.0.1/alb" }, "expected https"},
		{"KeyURL that is no URL", func(c *cognitoalb.Config) { c.KeyURL = "https://keys.example.com/%zz" }, "expected a URL like"},
		{"KeyURL without a host", func(c *cognitoalb.Config) { c.KeyURL = "https:///alb" }, "expected a URL like"},
		{"KeyURL without slashes", func(c *cognitoalb.Config) { c.KeyURL = "https:keys.example.com/alb" }, "expected a URL like"},
		{"KeyURL with a user", func(c *cognitoalb.Config) { c.KeyURL = "https://jane@keys.example.com" }, "without user, query"},
		{"KeyURL with an empty query", func(c *cognitoalb.Config) { c.KeyURL = "https://keys.example.com/?" }, "without user, query"},
		{"KeyURL with a fragment", func(c *cognitoalb.Config) { c.KeyURL = "https://keys.example.com/#kid" }, "without user, query"},
		{"KeyURL with a query", func(c *cognitoalb.Config) { c.KeyURL = "https://keys.example.com/?kid=" }, "without user, query"},
		{"no issuer", func(c *cognitoalb.Config) { c.Issuer = "" }, `Issuer is ""`},
		{"an issuer that is no URL", func(c *cognitoalb.Config) { c.Issuer = "https://%zz" }, "Issuer is"},
		{"an issuer of http", func(c *cognitoalb.Config) { c.Issuer = "http://idp.example.com" }, "Issuer is"},
		{"an issuer without a host", func(c *cognitoalb.Config) { c.Issuer = "https:///pool" }, "Issuer is"},
		{"a pool ID as issuer", func(c *cognitoalb.Config) { c.Issuer = "eu-west-1_AbCdEf123" }, "Issuer is"},
		{"no client", func(c *cognitoalb.Config) { c.ClientIDs = nil }, "ClientIDs is empty"},
		{"an empty client", func(c *cognitoalb.Config) { c.ClientIDs = []string{client, ""} }, "ClientIDs is empty"},
		{"a negative leeway", func(c *cognitoalb.Config) { c.Leeway = -time.Second }, "Leeway is -1s"},
		{"a long leeway", func(c *cognitoalb.Config) { c.Leeway = time.Hour }, "Leeway is 1h"},
	}
	for _, tt := range tests {
		c := newEndpoint().config()
		tt.change(&c)
		v, err := cognitoalb.New(c)
		switch {
		case tt.text == "" && (err != nil || v == nil):
			t.Errorf("%s: %v", tt.name, err)
		case tt.text != "" && (v != nil || !errors.Is(err, cognitoauth.ErrMisconfigured) || !strings.Contains(err.Error(), tt.text)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.text)
		}
	}
	_, err := cognitoalb.New(cognitoalb.Config{Leeway: -1})
	for _, setting := range []string{"LoadBalancers", "Issuer", "ClientIDs", "Leeway"} {
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s is missing in: %v", setting, err)
		}
	}
}

// Where the keys of a region are, by the guide of Elastic Load Balancing.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html#user-claims-encoding
func TestKeyEndpoints(t *testing.T) {
	tests := []struct{ partition, region, keyURL, want string }{
		{"aws", "eu-west-1", "", "https://public-keys.auth.elb.eu-west-1.amazonaws.com/" + kid},
		{"aws", "us-east-1", "", "https://public-keys.auth.elb.us-east-1.amazonaws.com/" + kid},
		{"aws-us-gov", "us-gov-west-1", "", "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1/" + kid},
		{"aws-us-gov", "us-gov-east-1", "", "https://s3-us-gov-east-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-east-1/" + kid},
		{"aws-cn", "cn-north-1", "https://keys.example.com/alb/", "https://keys.example.com/alb/" + kid},
	}
	for _, tt := range tests {
		e := newEndpoint()
		e.becomes(func(string) (int, string) { return http.StatusOK, publicPEM(&signing.PublicKey) })
		c := e.config()
		own := "arn:" + tt.partition + ":elasticloadbalancing:" + tt.region + ":123456789012:loadbalancer/app/web/50dc6c495c0c9188"
		c.LoadBalancers, c.KeyURL = []string{own}, tt.keyURL
		if _, err := verifier(t, c).Verify(t.Context(), good(time.Now()).with("signer", own).String()); err != nil {
			t.Errorf("%s: %q", tt.region, code(err))
		}
		if len(e.asked) != 1 || e.asked[0] != tt.want {
			t.Errorf("%s: fetched %q, want %q", tt.region, e.asked, tt.want)
		}
	}
}
