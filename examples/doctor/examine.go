package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth"
)

// examination is one token in front of one Pool.
type examination struct {
	pool   cognitoauth.Pool
	auth   *cognitoauth.Middleware
	claims claims
	now    func() time.Time
	leeway time.Duration
	keys   error // why there are no keys; nil: there are
}

// exits are the exit codes of the library's reasons.
var exits = map[string]int{
	"issuer_mismatch": exitMeant, "token_use_mismatch": exitMeant, "client_mismatch": exitMeant, "audience_mismatch": exitMeant, "subject_missing": exitMeant, "token_bound": exitMeant,
	"expiry_missing": exitTime, "token_expired": exitTime, "token_not_yet_valid": exitTime, "token_issued_in_future": exitTime, "lifetime_too_long": exitTime,
	"key_unknown": exitKey, "signature_invalid": exitKey, "keys_unavailable": exitUnreachable, "request_ended": exitUnreachable,
}

// token makes the library's checks. There is no Config.Revoked here, so that
// one is left out.
func (e *examination) token(ctx context.Context, token string) (all []check) {
	for _, c := range e.auth.Explain(ctx, token) {
		if c.Name == "revocation" {
			continue
		}
		is := check{Name: c.Name, Status: passed, Found: c.Found, Expected: c.Expected}
		switch {
		case c.Err != nil:
			is.Status, is.Code, is.Why, is.exit = failed, c.Err.Code, c.Err.Detail(), exits[c.Err.Code]
			if is.exit == 0 {
				is.exit = exitForm
			}
			is.Mend = e.mend(c.Err.Code, len(token))
		case c.Skipped:
			is.Status, is.Why = skipped, "an earlier check left nothing to look at"
		}
		all = append(all, is)
	}
	return all
}

// mend is the line of configuration that makes a refusal go away, empty where
// none does: then it is for the client to send something else.
func (e *examination) mend(code string, size int) string {
	p, c := e.pool, e.claims
	switch code {
	case "token_too_large":
		return fmt.Sprintf("MaxTokenBytes: %d,", (size/1024+1)*1024)
	case "issuer_mismatch":
		return e.mendIssuer()
	case "token_use_mismatch":
		switch cognitoauth.TokenUse(c.Use) {
		case cognitoauth.IDToken:
			return "TokenUse: cognitoauth.IDToken, // or send the access token"
		case cognitoauth.AccessToken:
			return "TokenUse: cognitoauth.AccessToken, // or send the ID token"
		}
	case "token_not_yet_valid", "token_issued_in_future":
		if ahead := time.Unix(max(c.Issued, c.Begins), 0).Sub(e.now()); ahead > 0 && ahead < 5*time.Minute {
			return fmt.Sprintf("Leeway: %d * time.Second, // of Config; better set the clock", int(ahead/time.Second)+1)
		}
	case "lifetime_too_long":
		if hours := (c.Expiry-c.Issued)/3600 + 1; c.Issued > 0 && hours < 24*366 {
			return fmt.Sprintf("MaxLifetime: %d * time.Hour,", hours)
		}
	case "client_mismatch":
		if p.TokenUse == cognitoauth.IDToken {
			return lines("ClientIDs", p.ClientIDs, c.audience())
		}
		return lines("ClientIDs", p.ClientIDs, c.ClientID)
	case "audience_mismatch":
		if c.Audience == nil {
			return "Audiences: nil, // or have the client send resource= when it logs the user in"
		}
		return lines("Audiences", p.Audiences, c.audience())
	case "key_unknown", "keys_unavailable":
		return e.mendKeys()
	}
	return ""
}

// audience is aud if it is one string.
func (c claims) audience() string {
	s, _ := c.Audience.(string)
	return s
}

// awsIssuer has the two forms of an issuer on AWS: whether it is the updated
// one, its region, and the pool's ID.
var awsIssuer = regexp.MustCompile(`^https://(issuer-)?cognito-idp\.([a-z0-9-]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu)/([a-z0-9-]+_[0-9A-Za-z]{1,55})$`)

// issuerForm tells which form of a pool's issuer iss is.
func issuerForm(iss string) string {
	m := awsIssuer.FindStringSubmatch(iss)
	switch {
	case m == nil:
		return "other"
	case m[1] != "":
		return "updated"
	}
	return "original"
}

func (e *examination) mendIssuer() string {
	p, iss := e.pool, e.claims.Issuer
	m := awsIssuer.FindStringSubmatch(iss)
	switch {
	case m != nil && m[3] != p.ID:
		return line("ID", m[3], "if that is the pool you mean")
	case m != nil && p.Issuer != "":
		return `Issuer: "", // the pool's own issuers are accepted then`
	case m != nil && m[1] == "" && !strings.HasPrefix(p.ID, m[2]+"_"):
		return lines("ReplicaRegions", p.ReplicaRegions, m[2]) + " // if the pool has a replica there"
	case m == nil && strings.HasSuffix(strings.TrimSuffix(iss, "/"), "/"+p.ID):
		return line("Issuer", iss, "if that is your emulator")
	}
	return ""
}

func (e *examination) mendKeys() string {
	switch p := e.pool; {
	case p.JWKSURL != "" && p.Issuer == "":
		return `JWKSURL: "", // the key set follows from ID`
	case p.JWKSURL != "":
		return line("JWKSURL", p.Issuer+wellKnownKeys, "if its keys are below the issuer")
	case p.Issuer != "":
		return `JWKSURL: "…", // where the keys of that issuer are`
	}
	return "JWKS: keys, // if this machine cannot reach the key set: a copy of it"
}
