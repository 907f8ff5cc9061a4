package cognitoauth

// This file holds what Claims look like where a program prints them, logs them
// or writes them as JSON.

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Format prints, for every verb, what a log may have of the claims: the pool,
// the app client, token_use, the times, and how many scopes and groups there
// are. It prints neither the user nor any other claim.
//
// Package fmt does not call it for Claims in an unexported field of a struct,
// nor for the verbs %w and %p, which do not fit Claims and which go vet reports.
func (c Claims) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "cognitoauth.Claims{pool: %s, client_id: %s, token_use: %s", quote(c.PoolID), quote(c.ClientID), quote(string(c.TokenUse)))
	for _, t := range c.dates() {
		fmt.Fprintf(f, ", %s: %s", t.name, stamp(t.at))
	}
	scopes, groups := c.count()
	fmt.Fprintf(f, ", scopes: %d, groups: %d}", scopes, groups)
}

// LogValue is a group of what Format prints, for package slog. A handler of slog
// does not call it for Claims inside another value: the JSON handler then calls
// MarshalJSON, which writes personal data. Of a nil *Claims slog says that
// LogValue panicked: ask [FromContext] first whether there are any.
func (c Claims) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("pool", inLog(c.PoolID)), slog.String("client_id", inLog(c.ClientID)), slog.String("token_use", inLog(string(c.TokenUse)))}
	for _, t := range c.dates() {
		attrs = append(attrs, slog.Time(t.name, t.at))
	}
	scopes, groups := c.count()
	return slog.GroupValue(append(attrs, slog.Int("scopes", scopes), slog.Int("groups", groups))...)
}

// dates are the times that the token has.
func (c *Claims) dates() (all []date) {
	for _, t := range []date{{"auth_time", c.AuthTime}, {"iat", c.IssuedAt}, {"nbf", c.NotBefore}, {"exp", c.Expiry}} {
		if !t.at.IsZero() {
			all = append(all, t)
		}
	}
	return all
}

// date is a claim that is a time.
type date struct {
	name string
	at   time.Time
}

// count counts scopes and groups.
func (c *Claims) count() (scopes, groups int) {
	for range c.groups().Each {
		groups++
	}
	return len(c.Scopes()), groups
}

// MarshalJSON writes personal data: every exported field under the name of its
// claim, with PoolID as pool_id, and scope, cognito:groups and, if an access
// token has it, aud. On an ID token, Username is cognito:username and ClientID
// is aud. Times are in seconds; a time that the token does not have is null.
// Custom claims are left out; Decode reads them.
//
// encoding/json cannot read the result back into Claims.
func (c Claims) MarshalJSON() ([]byte, error) {
	all := map[string]any{
		"sub": c.Subject, "token_use": c.TokenUse, "iss": c.Issuer, "pool_id": c.PoolID, "jti": c.ID, "origin_jti": c.OriginID, "event_id": c.EventID, "acr": c.ACR,
		"scope": c.scope(), "cognito:groups": append([]string{}, c.Groups()...),
	}
	for _, t := range []date{{"auth_time", c.AuthTime}, {"iat", c.IssuedAt}, {"nbf", c.NotBefore}, {"exp", c.Expiry}} {
		if all[t.name] = nil; !t.at.IsZero() {
			all[t.name] = t.at.Unix()
		}
	}
	if c.TokenUse == IDToken {
		all["cognito:username"], all["aud"] = c.Username, c.ClientID
		return json.Marshal(all)
	}
	all["username"], all["client_id"] = c.Username, c.ClientID
	if c.audience() != "" {
		all["aud"] = c.Audience()
	}
	return json.Marshal(all)
}
