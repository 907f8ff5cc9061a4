package cognitoalb

// This file holds what a handler gets: the Identity, and how it finds it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// Identity is whom a load balancer vouches for. Nobody changes it after it was
// verified, so several goroutines may use it.
//
// Subject, Username and what Decode reads are personal data. Printing and logging an
// Identity leave them out, but encoding it as JSON writes the exported fields.
type Identity struct {
	// Subject is the sub of the user at the provider.
	Subject string
	// Username is the claim username, which Cognito has. "" if there is none.
	Username string
	// LoadBalancer is the ARN that signed, one of Config.LoadBalancers.
	LoadBalancer string
	// Issuer is Config.Issuer.
	Issuer string
	// ClientID is the app client that the user logged in with, one of Config.ClientIDs.
	ClientID string
	// Expiry is when the header ends.
	Expiry time.Time

	payload string
}

// Decode decodes all claims of the user into v, which must be a pointer. Names must
// match exactly. Cognito writes email_verified as the string "true". The error quotes
// nothing of the claims.
func (i *Identity) Decode(v any) error {
	if i == nil || i.payload == "" {
		return errors.New("cognitoalb: Decode of an Identity that no header carried")
	}
	if json.Unmarshal([]byte(i.payload), v) != nil {
		return fmt.Errorf("cognitoalb: the claims do not fit the value given to Decode (%T)", v)
	}
	return nil
}

// Format prints, for every verb, what a log may have: the load balancer, the client
// and the expiry.
func (i Identity) Format(f fmt.State, _ rune) {
	io.WriteString(f, "cognitoalb.Identity{load_balancer: "+strconv.QuoteToASCII(i.LoadBalancer)+", client: "+strconv.QuoteToASCII(i.ClientID)+", exp: "+i.Expiry.UTC().Format(time.RFC3339)+"}")
}

// LogValue is a group of what Format prints, for package slog.
func (i Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("load_balancer", i.LoadBalancer), slog.String("client", i.ClientID), slog.Time("exp", i.Expiry))
}

type identityKey struct{}

// FromContext returns whom the load balancer vouches for in a request that came
// through [Verifier.Wrap] or [Verifier.Protect]. It reports false where a request was
// let through without a login: on a route that is anonymous behind Protect.
func FromContext(ctx context.Context) (*Identity, bool) {
	i, ok := ctx.Value(identityKey{}).(*Identity)
	return i, ok
}
