package cognitoalb

// This file holds what a program configures (Config, New) and what the library knows
// of load balancers: the form of their ARNs, and where each partition keeps the keys.

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// Config says which load balancers a program is behind, and whom they log users in
// for. LoadBalancers, Issuer and ClientIDs are required.
type Config struct {
	_ [0]func() // keyed literals only

	// LoadBalancers are the ARNs of the Application Load Balancers in front of this
	// program, each like
	// "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188".
	// They are compared byte for byte. All load balancers of a region, of every
	// account, sign with the same keys, so nothing but this list keeps out those of
	// others. The region says where the keys are.
	LoadBalancers []string
	// Issuer is the iss that the load balancer writes: of a Cognito user pool
	// "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01", of another
	// provider what the listener rule calls its issuer. It is compared byte for byte.
	Issuer string
	// ClientIDs are the app clients that the rules of the listeners log users in with.
	ClientIDs []string

	// KeyURL is where the keys are, for a region whose place AWS does not document
	// (China, the European Sovereign Cloud) or for a mirror. A slash and the kid are
	// added. It is https, or http on loopback, without a query. Zero: the endpoint of
	// the region. With KeyURL, all LoadBalancers are in one region.
	KeyURL string
	// HTTPClient fetches the keys. A copy of it is used, which follows no redirect,
	// sends no cookie and gives up after 5 s. Zero: a client of our own, which goes by
	// the proxy variables of the environment.
	HTTPClient *http.Client

	// Leeway is the clock skew that exp allows. Zero: 30 s. At most 5 min.
	Leeway time.Duration
	// CrossOrigin decides, in [Verifier.Wrap], whether an unsafe request comes from
	// another origin. Zero: nobody else is trusted.
	CrossOrigin *http.CrossOriginProtection
	// ErrorHandler writes the answer to a refused request. Zero: [WriteError].
	ErrorHandler func(http.ResponseWriter, *http.Request, *Error)
	// Logger gets refusals (10 a minute of each code) and failed fetches. Zero: none.
	Logger *slog.Logger
	// Now is the clock that exp and the age of keys go by. Zero: [time.Now].
	Now func() time.Time
}

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 5 * time.Minute
)

// Verifier verifies what the load balancers of one [Config] have signed. Its methods
// may be called by several goroutines at once. A zero Verifier refuses everything.
type Verifier struct {
	endpoints   map[string]string // ARN of each load balancer to the URL below which its keys are
	issuer      string
	clients     []string
	leeway      time.Duration
	crossOrigin *http.CrossOriginProtection
	answer      func(http.ResponseWriter, *http.Request, *Error)
	log         *slog.Logger
	sampled     sampler
	now         func() time.Time
	keys        map[string]*keyring // by the URL below which the keys are
}

// New returns a Verifier. It does no I/O: a key is fetched when a header needs it.
// The error lists every mistake; errors.Is reports it as
// [cognitoauth.ErrMisconfigured].
func New(c Config) (*Verifier, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	v := &Verifier{
		endpoints:   map[string]string{},
		keys:        map[string]*keyring{},
		issuer:      c.Issuer,
		clients:     slices.Clone(c.ClientIDs),
		leeway:      c.Leeway,
		crossOrigin: c.CrossOrigin,
		answer:      c.ErrorHandler,
		log:         c.Logger,
		now:         c.Now,
	}
	for _, arn := range c.LoadBalancers {
		v.endpoints[arn] = strings.TrimSuffix(c.KeyURL, "/")
		if c.KeyURL == "" {
			v.endpoints[arn], _ = endpoint(arn)
		}
	}
	if v.leeway == 0 {
		v.leeway = defaultLeeway
	}
	if v.crossOrigin == nil {
		v.crossOrigin = http.NewCrossOriginProtection()
	}
	if v.answer == nil {
		v.answer = WriteError
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	if v.now == nil {
		v.now = time.Now
	}
	for _, base := range v.endpoints {
		v.keys[base] = newKeyring(c.HTTPClient, v.now, v.log)
	}
	return v, nil
}

func (c Config) check() error {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("cognitoalb: "+format, args...))
	}
	if len(c.LoadBalancers) == 0 {
		mistake("LoadBalancers is empty: name the ARN of each load balancer, since those of every account in a region sign with the same keys")
	}
	regions := map[string]bool{}
	for i, arn := range c.LoadBalancers {
		where, err := endpoint(arn)
		region, _, _ := strings.Cut(strings.TrimPrefix(arn, "arn:"), ":loadbalancer/")
		regions[region] = true
		switch {
		case err != nil:
			mistake("LoadBalancers[%d] is %q: %w", i, arn, err)
		case where == "" && c.KeyURL == "":
			mistake("LoadBalancers[%d] is %q: AWS does not document where the keys of its region are: set KeyURL", i, arn)
		}
	}
	if c.KeyURL != "" {
		if err := checkKeyURL(c.KeyURL); err != nil {
			mistake("KeyURL is %q: %w", c.KeyURL, err)
		}
		if len(regions) > 1 {
			mistake("KeyURL is set, and LoadBalancers are of several regions, whose keys differ: make a Verifier for each region")
		}
	}
	if u, err := url.Parse(c.Issuer); err != nil || u.Scheme != "https" || u.Host == "" {
		mistake("Issuer is %q, expected the https URL that the load balancer writes as iss", c.Issuer)
	}
	if len(c.ClientIDs) == 0 || slices.Contains(c.ClientIDs, "") {
		mistake("ClientIDs is empty or has an empty ID: name the app client of the listener's rule")
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		mistake("Leeway is %s, expected 0 (for %s) to %s", c.Leeway, defaultLeeway, maxLeeway)
	}
	if mistakes == nil {
		return nil
	}
	return fmt.Errorf("%w:\n%w", cognitoauth.ErrMisconfigured, errors.Join(mistakes...))
}

// checkKeyURL says what is wrong with a KeyURL.
func checkKeyURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "": // as it is of an opaque URL
		return errors.New("expected a URL like https://keys.example.com/alb")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("expected a URL without user, query and fragment, since the kid is added behind it")
	case u.Scheme == "https":
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback()) {
		return nil
	}
	return errors.New("expected https, or http on loopback")
}

// balancer is the form of an ARN: partition, region, account, name, ID.
var balancer = regexp.MustCompile(`^arn:(aws[a-z-]*):elasticloadbalancing:([a-z0-9-]+):[0-9]{12}:loadbalancer/app/[0-9A-Za-z-]{1,32}/[0-9a-z]{1,64}$`)

// partitions are the partitions of AWS: which regions each has, and where the load
// balancers of a region publish their keys, "" if AWS does not document that.
var partitions = map[string]struct {
	region *regexp.Regexp
	keys   string // %[1]s is the region
}{
	"aws":        {regexp.MustCompile(`^(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+$`), "https://public-keys.auth.elb.%[1]s.amazonaws.com"},
	"aws-us-gov": {regexp.MustCompile(`^us-gov-[a-z]+-[0-9]+$`), "https://s3-%[1]s.amazonaws.com/aws-elb-public-keys-prod-%[1]s"},
	"aws-cn":     {regexp.MustCompile(`^cn-[a-z]+-[0-9]+$`), ""},
	"aws-eusc":   {regexp.MustCompile(`^eusc-[a-z]+-[a-z]+-[0-9]+$`), ""},
}

// endpoint returns the URL below which the keys of a load balancer are, "" if AWS
// does not document it.
func endpoint(arn string) (string, error) {
	m := balancer.FindStringSubmatch(arn)
	if m == nil {
		return "", errors.New("expected the ARN of an Application Load Balancer, arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{id}, not that of a listener or a target group")
	}
	p, ok := partitions[m[1]]
	if !ok || !p.region.MatchString(m[2]) {
		return "", fmt.Errorf("there is no region %q in partition %q", m[2], m[1])
	}
	if p.keys == "" {
		return "", nil
	}
	return fmt.Sprintf(p.keys, m[2]), nil
}
