package main

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// broken is an error of a contender in another process that is no verdict: a
// process that has ended refuses nothing.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

// faults are the tokens on which a contender does not give the verdict that it
// is said to give. A figure of one that looked at nothing would be worth
// nothing.
func faults(pool *cognitotest.Pool, other *rsa.PrivateKey, c contender) (all []string) {
	good := tokenOf(pool)
	for _, row := range []struct {
		name     string
		token    *cognitotest.Token
		accepted bool
	}{
		{"good", good, true},
		{"one bit of the signature is wrong", good.Tampered(), c.anySignature},
		{"signed by another key", good.SignedBy(other), c.anySignature},
		{"a scope added after signing", good.Scopes("admin").SignedWith(func([]byte) []byte { return signatureOf(good) }), c.anySignature},
		{"expired", good.ExpiresIn(-time.Hour), c.anyExpiry},
		{"of another client", withClient(good, "another1client"), c.anyClient},
		{"of another issuer", good.Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other0001"), c.anyIssuer},
		{"good, again", good, true},
	} {
		err := c.worker(row.token.String())()
		if _, is := errors.AsType[broken](err); is || (err == nil) != row.accepted {
			all = append(all, fmt.Sprintf("%s: %v, expected accepted: %t", row.name, err, row.accepted))
		}
	}
	return all
}

func signatureOf(t *cognitotest.Token) []byte {
	token := t.String()
	signature, err := base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:])
	if err != nil {
		panic(err)
	}
	return signature
}
