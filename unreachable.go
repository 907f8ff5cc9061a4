package cognitoauth

// This file guesses what keeps this machine from a key set of Cognito. What it
// says becomes part of the error of the fetch, which the log, Error.Detail,
// Middleware.Ready and Middleware.Status show.

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
)

const (
	// hintQuota is for 429. AWS lists a quota for this document since 2025-10-13.
	hintQuota = "Cognito has a quota for fetches of a key set since October 2025, see Service Quotas: " +
		"let the instances share one copy, in Pool.JWKS or on a mirror that Pool.JWKSURL names, instead of fetching it each"

	// hintPrivateLink is for an answer that Cognito's own host does not give about a
	// key set, and for a private address in place of that host. Guide page "Access
	// Amazon Cognito using an interface endpoint".
	hintPrivateLink = "if this machine is in a VPC with an interface endpoint for cognito-idp (AWS PrivateLink), its private DNS captures that host, " +
		"and it does not serve a pool that has a domain: put a copy of the key set into Pool.JWKS, " +
		"let Pool.JWKSURL name a proxy or mirror that can reach Cognito, " +
		"or switch the endpoint's private DNS off and give this machine egress to the internet, as by a NAT gateway"

	// hintRegion is for a host of Cognito of which a lookup found no address. There is no
	// list of the regions in the library, since AWS adds some every year. A machine
	// without a network can get that answer, too, and so does a dialer of "tcp6" about a
	// host that has only addresses of IPv4.
	hintRegion = "this machine finds no address of Cognito in region %q: if Cognito is not there, correct what names the region, " +
		"Pool.ID, ReplicaRegions or Pool.JWKSURL; else this machine is offline, its DNS does not know the hosts of AWS, " +
		"or Config.HTTPClient asks for IPv6 alone"
)

// withHint adds to the error, if there is one, of a fetch from Cognito's own host what most likely
// stands in the way. Any other host is yours, and none of this holds there.
func (s *keySource) withHint(err error) error {
	if !onCognito(s.urls[0], s.by.Load().pool) {
		return err
	}
	status, _ := errors.AsType[keyfetch.StatusError](err)
	region := unknownRegion(err, s.by.Load().pool)
	switch {
	case region != "":
		return fmt.Errorf("%w; "+hintRegion, err, region)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%w; %s", err, hintQuota)
	case status == http.StatusBadRequest, status == http.StatusForbidden, dialedPrivately(err):
		return fmt.Errorf("%w; %s", err, hintPrivateLink)
	}
	return err
}

// unknownRegion returns the region in a host of Cognito without an address, "" if err is
// not about such a host, but about that of a proxy, say.
func unknownRegion(err error, pool string) string {
	lookup, ok := errors.AsType[*net.DNSError](err)
	if !ok || !lookup.IsNotFound {
		return ""
	}
	region, _ := userPool("https://" + lookup.Name + "/" + pool)
	return region
}

// dialedPrivately reports whether err is from a connection to a private address.
// If a proxy was dialed, net/http says so in the Op.
func dialedPrivately(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" || op.Addr == nil {
		return false
	}
	to, _ := netip.ParseAddrPort(op.Addr.String()) // zero, which is not private, if it is no TCP address
	return to.Addr().Unmap().IsPrivate()
}
