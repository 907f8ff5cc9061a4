package cognitoauth

// This file holds the checks that New makes of a Pool's app clients, who is
// listed and who is not, and the call of Pool.AllowClient. The check of a token's
// client is in check.go.

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// swapped returns the index of the client that is the pool's ID, while ID is
// what a client may be called; -1 if they are not swapped.
func (p *Pool) swapped() int {
	if p.Issuer != "" || !clientID.MatchString(p.ID) { // a pool's ID has an underscore
		return -1
	}
	return slices.IndexFunc(p.ClientIDs, knownPool)
}

// clientID is the form that Cognito gives the ID of an app client.
var clientID = regexp.MustCompile(`^[0-9A-Za-z+]{1,128}$`)

// checkClients returns the accepted app clients; nil accepts every client.
func (p *Pool) checkClients(fault func(string, ...any)) map[string]bool {
	if p.DangerouslyAllowAnyClient {
		if len(p.ClientIDs) > 0 {
			fault("DangerouslyAllowAnyClient and ClientIDs exclude each other: drop one")
		}
		if p.AllowClient != nil {
			fault("DangerouslyAllowAnyClient and AllowClient exclude each other: drop one")
		}
		return nil
	}
	if len(p.ClientIDs) == 0 && p.AllowClient == nil && !p.RegisteredClients {
		fault("ClientIDs is empty: name the app clients that may call this API, or set RegisteredClients if they register themselves, or AllowClient if your program looks them up (DangerouslyAllowAnyClient admits all clients of the pool)")
	}
	clients := map[string]bool{}
	for i, id := range p.ClientIDs {
		bare := strings.Trim(strings.TrimSpace(id), "\"'`")
		switch {
		case i == p.swapped(): // pool reports it
		case id == "":
			fault("ClientIDs[%d] is empty: drop it", i)
		case strings.Contains(id, ","):
			fault("ClientIDs[%d] %q has a comma: put one ID into each string", i, id)
		case strings.TrimSpace(id) != id:
			fault("ClientIDs[%d] %q has white space around it: expected one ID, %q", i, id, bare)
		case bare != id:
			fault("ClientIDs[%d] %q has quotes in it: expected one ID without them, %q", i, id, bare)
		case knownPool(id) || id == p.ID:
			fault("ClientIDs[%d] %q is a user pool's ID: expected the ID of an app client of the pool", i, id)
		case strings.Contains(id, "://") || strings.HasPrefix(id, "arn:"):
			fault("ClientIDs[%d] %q is a URL or ARN: expected the ID of an app client", i, id)
		case strings.ContainsAny(id, "<>${}"):
			fault("ClientIDs[%d] %q is a placeholder: put the ID of an app client there", i, id)
		case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) || len(id) > 128:
			fault("ClientIDs[%d] %q is not an app client's ID: expected one ID of at most 128 letters and digits", i, id)
		case clients[id]:
			fault("ClientIDs[%d] %q is listed twice: drop one", i, id)
		}
		clients[id] = true
	}
	return clients
}

// checkRegistered finds what contradicts RegisteredClients. Without Audiences it
// would admit every client of the pool, and on an ID token aud is the client.
func (p *Pool) checkRegistered(e *entry, fault func(string, ...any)) {
	if !p.RegisteredClients {
		return
	}
	switch {
	case e.use == IDToken:
		fault("RegisteredClients and TokenUse IDToken exclude each other: the aud of an ID token is its app client and names no resource; accept access tokens, or list the clients in ClientIDs")
	case len(p.Audiences) == 0:
		fault("RegisteredClients needs Audiences: put the resource identifier of this API there, such as %q, which clients send as resource= (RFC 8707) and which then becomes aud", "https://api.example.com")
	}
	if p.DangerouslyAllowAnyClient {
		fault("RegisteredClients and DangerouslyAllowAnyClient exclude each other: drop DangerouslyAllowAnyClient, which also admits the machine tokens of every client")
	}
}

// isListed reports whether a client is one of Pool.ClientIDs.
func (e *entry) isListed(client string) bool { return e.clients[client] }

// listed reports whether the client of verified claims is in Pool.ClientIDs of
// the entry that accepted them. It looks the entry up by the claims, so the answer
// is the same for a token that was remembered.
func (v *validator) listed(c *Claims) bool {
	t, err := v.choose([]byte(c.Issuer), []byte(c.TokenUse))
	return err == nil && t.isListed(c.ClientID)
}

// asks reports whether Pool.AllowClient has to decide about the client of a token.
func (e *entry) asks(c *Claims) bool { return e.allow != nil && !e.isListed(c.ClientID) }

// checkAllowed asks Pool.AllowClient about a verified token whose client is not
// listed. An error of AllowClient refuses the token.
func (t *trust) checkAllowed(ctx context.Context, c *Claims) *Error {
	if !t.asks(c) {
		return nil
	}
	switch allowed, err := t.allow(ctx, c.ClientID, c.IsMachine()); {
	case err != nil:
		e := refuse(&clientUnchecked, evidence{cause: err, client: c.ClientID, verified: true})
		e.RetryAfter = firstBackoff
		return e
	case !allowed:
		return refuse(&clientMismatch, evidence{claim: t.clientClaim(), found: c.ClientID, client: c.ClientID, verified: true, note: ", and Pool.AllowClient does not allow it"})
	}
	return nil
}

func detailClient(e *Error) string {
	if e.found == "" {
		s := "the token has no " + e.claim
		if e.claim == "aud" {
			s += " that is one string"
		}
		return s + e.mark() + ": it is not a Cognito " + string(e.trust.use) + " token, or an emulator left the claim out. Pool.ClientIDs is compared with that claim alone, " +
			"and DangerouslyAllowAnyClient needs it too: mend what issues the token"
	}
	s := e.value(e.claim) + " is not among ClientIDs of pool " + e.trust.id + e.note
	if e.claim == "client_id" {
		s += "; Cognito access tokens name the app client in client_id and as a rule have no aud"
	}
	s += "; add the client to Pool.ClientIDs if it may call this API"
	if e.note == noteRegistered {
		s += ", or set Pool.RegisteredClients if clients register themselves at the pool (RFC 7591), which " + inPlans + " allow"
	}
	return s
}

// These notes say what a token of a client that is not listed has to do with
// Pool.RegisteredClients.
const (
	noteMachine    = ", where a machine's token needs it: Pool.RegisteredClients admits users' tokens only"
	noteRegistered = ", though its aud names one of Audiences"
)

func detailClientUnchecked(e *Error) string {
	return fmt.Sprintf("Pool.AllowClient failed for client %s of pool %s (%T)", quote(e.client), e.trust.id, e.cause)
}
