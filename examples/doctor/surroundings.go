package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	wellKnownKeys      = "/.well-known/jwks.json"
	wellKnownDiscovery = "/.well-known/openid-configuration"
)

// discovery is what the doctor reads of a discovery document.
type discovery struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

// surroundings looks at what a pool publishes, and at the clocks.
func (e *examination) surroundings(ctx context.Context, r *report) []check {
	status := e.auth.Status()[0]
	base := strings.TrimSuffix(status.URL, wellKnownKeys)
	if base == status.URL { // the key set is elsewhere, the document at the issuer
		base = cmp.Or(e.pool.Issuer, base)
	}
	sent := e.now()
	body, date, err := e.get(ctx, base+wellKnownDiscovery)
	clock := e.clock(sent.Add(e.now().Sub(sent)/2), date)

	all := []check{e.keySet(status.URL, status.KeyIDs)}
	found := check{Name: "discovery document", Status: passed, Found: base + wellKnownDiscovery}
	var doc discovery
	if err == nil {
		if json.Unmarshal(body, &doc) != nil || doc.Issuer == "" {
			err = errors.New("it is no JSON object with an issuer")
		}
	}
	if err != nil {
		found.Status, found.exit = failed, exitUnreachable
		found.Expected = "a JSON object with issuer and jwks_uri"
		found.Why = err.Error() + "; the library does without this document, but a pool on AWS has one"
		return append(all, found, check{Name: "issuer form", Status: skipped, Why: "it is in the discovery document"},
			check{Name: "agreement", Status: skipped, Why: "there is no discovery document"}, clock)
	}
	r.IssuerForm = issuerForm(doc.Issuer)
	return append(all, found, e.form(doc), e.agreement(ctx, doc, status.URL, status.KeyIDs), clock)
}

func (e *examination) keySet(url string, kids []string) check {
	c := check{Name: "key set", Status: passed, Found: fmt.Sprintf("%s, %d usable keys", url, len(kids)), Expected: "at least one RSA key for RS256"}
	if e.keys != nil {
		c.Status, c.Found, c.Code, c.exit = failed, url, "keys_unavailable", exitUnreachable
		c.Why, c.Mend = strings.TrimPrefix(e.keys.Error(), "cognitoauth: "), e.mendKeys()
	}
	return c
}

// form tells which issuer the pool uses, and whether tokens with it pass.
func (e *examination) form(doc discovery) check {
	c := check{Name: "issuer form", Status: passed, Found: fmt.Sprintf("%s: %+.256q", issuerForm(doc.Issuer), doc.Issuer)}
	m := awsIssuer.FindStringSubmatch(doc.Issuer)
	same := m != nil && m[3] == e.pool.ID
	good := same && (strings.HasPrefix(e.pool.ID, m[2]+"_") || m[1] == "" && slices.Contains(e.pool.ReplicaRegions, m[2]))
	c.Expected = "the original or the updated form of pool " + e.pool.ID
	if e.pool.Issuer != "" {
		good, c.Expected = doc.Issuer == e.pool.Issuer, fmt.Sprintf("%q, as Issuer says", e.pool.Issuer)
	}
	if good {
		return c
	}
	c.Status, c.exit = failed, exitDisagree
	c.Why = "the pool says that its tokens have this issuer, and the configuration does not accept it"
	switch {
	case same && e.pool.Issuer != "":
		c.Mend = `Issuer: "", // both forms are accepted then`
	case same && m[1] == "":
		c.Mend = lines("ReplicaRegions", e.pool.ReplicaRegions, m[2])
	case same: // the updated form names the pool's own region, whatever answers
	case m != nil:
		c.Mend = line("ID", m[3], "if that is the pool you mean")
	default:
		c.Mend = line("Issuer", doc.Issuer, "if that is your emulator")
	}
	return c
}

// agreement tells whether the discovery document points to the keys that the
// configuration uses.
func (e *examination) agreement(ctx context.Context, doc discovery, used string, kids []string) check {
	c := check{Name: "agreement", Status: passed, Found: fmt.Sprintf("jwks_uri %+.256q", doc.JWKSURI), Expected: "the keys at " + used}
	switch {
	case doc.JWKSURI == used:
		return c
	case e.keys != nil:
		c.Status, c.Why = skipped, "there is no key set to compare with"
		return c
	}
	body, _, err := e.get(ctx, doc.JWKSURI)
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err == nil && json.Unmarshal(body, &set) != nil {
		err = errors.New("it is no key set")
	}
	theirs := map[string]bool{}
	for _, k := range set.Keys {
		theirs[k.ID] = true
	}
	if err == nil && !slices.ContainsFunc(kids, func(kid string) bool { return !theirs[kid] }) {
		c.Found += ", with the same keys"
		return c
	}
	c.Status, c.exit = failed, exitDisagree
	c.Why = "there are other keys"
	if err != nil {
		c.Why = err.Error()
	}
	c.Why = "the document names another key set, and " + c.Why
	if e.pool.JWKSURL != "" {
		c.Mend = line("JWKSURL", doc.JWKSURI, "if you trust that one")
	}
	return c
}

// clock compares this machine's clock with that of the server, whose Date is
// good to a second, and tells where the token stands between them.
func (e *examination) clock(now, server time.Time) check {
	c := check{Name: "clock", Status: passed, Expected: "within " + e.leeway.String() + " of each other (Config.Leeway)"}
	c.Found = "this machine " + stamp(now)
	token := ""
	if e.claims.Issued > 0 {
		token += ", the token issued " + stamp(time.Unix(e.claims.Issued, 0))
	}
	if e.claims.Expiry > 0 && e.claims.Expiry < 1e11 {
		token += ", it expires " + stamp(time.Unix(e.claims.Expiry, 0))
	}
	if server.IsZero() {
		c.Status, c.Why = skipped, "no server answered with a Date"
		c.Found += token
		return c
	}
	off := now.Sub(server).Truncate(time.Second)
	c.Found += ", server " + stamp(server) + token
	if off.Abs() > e.leeway+time.Second {
		c.Status, c.exit = failed, exitTime
		direction := "ahead"
		if off < 0 {
			direction = "behind"
		}
		c.Why = fmt.Sprintf("this machine is %s %s: set its clock, by NTP", off.Abs(), direction)
		if off.Abs() < 5*time.Minute {
			c.Mend = fmt.Sprintf("Leeway: %d * time.Second, // of Config; better set the clock", int(off.Abs()/time.Second)+1)
		}
	}
	return c
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// client follows no redirects, as the library does not.
var client = &http.Client{
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get fetches a document, over https, or http on loopback; date is that of the
// answer, whatever its status.
func (e *examination) get(ctx context.Context, address string) (body []byte, date time.Time, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && (e.pool.DangerouslyAllowHTTP || loopback(u.Hostname()))) {
		return nil, date, fmt.Errorf("%+.256q is not an https URL", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, date, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, date, err
	}
	defer resp.Body.Close()
	date, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.StatusCode != http.StatusOK {
		return nil, date, fmt.Errorf("GET %s: status %d, expected 200", address, resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, 256<<10))
	return body, date, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
