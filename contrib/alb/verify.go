package cognitoalb

// This file holds the order of the checks.

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Verify verifies the value of one header x-amzn-oidc-data. "" counts as no header.
// Wrap and Protect verify through it; call it where requests do not come as
// [net/http] requests.
//
// Form, signer, iss, client and exp are checked first, so a header of somebody else's
// load balancer, or one that has expired, costs neither a signature nor a fetch. If
// its key is not there, Verify waits for the fetch until ctx ends, for 3 s at most.
// The error is an [*Error].
func (v *Verifier) Verify(ctx context.Context, header string) (*Identity, error) {
	id, err := v.verify(ctx, header)
	if err != nil {
		return nil, err
	}
	return id, nil
}

func (v *Verifier) verify(ctx context.Context, header string) (*Identity, *Error) {
	if v == nil || v.keys == nil {
		return nil, refuse(&notWired, nil)
	}
	d, err := read(header)
	if err != nil {
		return nil, err
	}
	if err := v.admits(d); err != nil {
		return nil, err
	}
	base := v.endpoints[d.Signer]
	k, keyErr := v.keys[base].find(ctx, base+"/"+d.KeyID)
	if keyErr != nil {
		return nil, keyRefusal(keyErr, d.KeyID)
	}
	if jwt.SigningMethodES256.Verify(d.signed, d.signature, k.public) != nil {
		return nil, refuse(&signatureInvalid, sayf("the key %s has not made the signature: the header was changed on its way, or somebody forged it", quote(d.KeyID)))
	}
	k.vouched(v.now())
	return &Identity{
		Subject:      d.subject,
		Username:     d.username,
		LoadBalancer: d.Signer,
		Issuer:       d.Issuer,
		ClientID:     d.Client,
		Expiry:       time.Unix(*d.Expiry, 0),
		payload:      string(d.payload),
	}, nil
}

// admits checks what the first segment says of itself, before any signature: so it
// can refuse, but not admit.
func (v *Verifier) admits(d *data) *Error {
	if _, ok := v.endpoints[d.Signer]; !ok {
		return refuse(&signerMismatch, func() string {
			return "signer is " + quote(d.Signer) + " (unverified), expected one of Config.LoadBalancers, " + quoteAll(v.balancers())
		})
	}
	if d.Issuer != v.issuer {
		return refuse(&issuerMismatch, sayf("iss is %s (unverified), expected Config.Issuer, %s", quote(d.Issuer), quote(v.issuer)))
	}
	if !slices.Contains(v.clients, d.Client) {
		return refuse(&clientMismatch, func() string {
			return "client is " + quote(d.Client) + " (unverified), expected one of Config.ClientIDs, " + quoteAll(v.clients)
		})
	}
	if d.Expiry == nil {
		return refuse(&expiryMissing, sayf("the first segment has no exp"))
	}
	// Comparing seconds cannot overflow, whatever exp is.
	now := v.now()
	if late := now.Add(-v.leeway); *d.Expiry < late.Unix() || *d.Expiry == late.Unix() {
		return refuse(&dataExpired, sayf("exp is %d (unverified), now is %d, Config.Leeway is %s", *d.Expiry, now.Unix(), v.leeway))
	}
	return nil
}

// keyRefusal turns an error of the keyring into a refusal.
func keyRefusal(err error, kid string) *Error {
	if errors.Is(err, errAbsent) {
		return refuse(&keyUnknown, sayf("the key endpoint has no key %s (403 or 404; a proxy on the way out can answer 403 as well)", quote(kid)))
	}
	e := refuse(&keysUnavailable, sayf("no key %s now: %v", quote(kid), err))
	e.RetryAfter = time.Second
	var later *laterError
	if errors.As(err, &later) {
		e.RetryAfter = max(later.after, time.Second)
	}
	return e
}
