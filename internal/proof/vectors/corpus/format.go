// Package corpus holds the conformance vectors of this module as a program:
// what each token and key set is made of, and the verdict that an RFC or the
// Amazon Cognito guide demands of it. [Build] turns them into the files of
// testdata/vectors, byte for byte the same on every run.
//
// A case is one line of a table, in the file of its group:
//
//	tok("exp missing is refused", "C31", verifyPage, access().without("exp"), reject("expiry_missing")),
//
// It names the outcome, the row of the conformance table it belongs to (empty
// where it has none), the clause that decides it, the token as changes to a
// genuine one, and the verdict. Methods on the line say the rest: another
// configuration ([row.in], [row.under]), another key set ([row.over]), another
// clock ([row.at]), a policy ([row.policy]), claims to find ([row.want]).
//
// The package does not import the library: no verdict can come from it.
package corpus

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Verdict is what has to become of a case.
type Verdict string

// The verdicts. A ConfigError is an error of the constructor, a PolicyPanic a
// panic when a route is marked with the policy.
const (
	Accept      Verdict = "accept"
	Reject      Verdict = "reject"
	ConfigError Verdict = "config_error"
	PolicyPanic Verdict = "policy_panic"
)

// File is one file of vectors. KeySets and Configs hold what its cases name and
// nothing else.
type File struct {
	Description string            `json:"description"`
	KeySets     map[string]KeySet `json:"keysets"`
	Configs     map[string]Config `json:"configs"`
	Cases       []Case            `json:"cases"`
}

// KeySet is the document a pool publishes: a JSON object as it stands, a JSON
// string whose value is the document (for one that is no proper JSON), or an
// array of [Chunk] (for one that is huge or not UTF-8).
type KeySet json.RawMessage

// Config is the configuration of the middleware.
type Config struct {
	Pools         []Pool   `json:"pools"`
	Leeway        string   `json:"leeway,omitempty"`
	MaxTokenBytes int      `json:"max_token_bytes,omitempty"`
	Revoked       []string `json:"revoked,omitempty"` // values of origin_jti
}

// Pool is one entry of a [Config]. KeySet names a [KeySet] of the same file.
type Pool struct {
	ID                        string   `json:"id"`
	ClientIDs                 []string `json:"client_ids,omitzero"`
	TokenUse                  string   `json:"token_use,omitempty"`
	Audiences                 []string `json:"audiences,omitempty"`
	ReplicaRegions            []string `json:"replica_regions,omitempty"`
	Issuer                    string   `json:"issuer,omitempty"`
	MaxLifetime               string   `json:"max_lifetime,omitempty"`
	KeySet                    string   `json:"keyset"`
	RegisteredClients         bool     `json:"registered_clients,omitempty"`
	DangerouslyAllowAnyClient bool     `json:"dangerously_allow_any_client,omitempty"`
}

// Case is one vector. It has a token (Token, or TokenBuild where that is huge
// or not UTF-8), or Keys, or a verdict that needs neither.
type Case struct {
	Name       string   `json:"name"`
	Case       string   `json:"case,omitempty"`
	Ref        string   `json:"ref"`
	Config     string   `json:"config"`
	Now        string   `json:"now"`
	Token      *string  `json:"token,omitempty"`
	TokenBuild []Chunk  `json:"token_build,omitempty"`
	Policy     *Policy  `json:"policy,omitempty"`
	Verdict    Verdict  `json:"verdict"`
	Status     int      `json:"status,omitempty"`
	Code       string   `json:"code,omitempty"`
	Keys       []string `json:"keys,omitempty"`
	Want       *Want    `json:"want,omitempty"`
}

// Chunk is text (S) or bytes in hexadecimal (X), N times over.
type Chunk struct {
	S string `json:"s,omitempty"`
	X string `json:"x,omitempty"`
	N int    `json:"n"`
}

// Policy is a rule of a route: one member, or And or Or over others. Zero is
// the zero value of the library's policy.
type Policy struct {
	Scope               *string   `json:"scope,omitempty"`
	Group               *string   `json:"group,omitempty"`
	ClientID            *string   `json:"client_id,omitempty"`
	Claim               []string  `json:"claim,omitempty"` // name and value
	ACR                 *string   `json:"acr,omitempty"`
	AuthenticatedWithin string    `json:"authenticated_within,omitempty"`
	User                bool      `json:"user,omitempty"`
	Machine             bool      `json:"machine,omitempty"`
	Authenticated       bool      `json:"authenticated,omitempty"`
	Zero                bool      `json:"zero,omitempty"`
	And                 *[]Policy `json:"and,omitempty"`
	Or                  *[]Policy `json:"or,omitempty"`
}

// Want is what an accepted token has to say. A nil member asks nothing. Times
// are in seconds since the epoch.
type Want struct {
	Subject   *string           `json:"subject,omitempty"`
	Username  *string           `json:"username,omitempty"`
	ClientID  *string           `json:"client_id,omitempty"`
	TokenUse  *string           `json:"token_use,omitempty"`
	Issuer    *string           `json:"issuer,omitempty"`
	PoolID    *string           `json:"pool_id,omitempty"`
	ID        *string           `json:"id,omitempty"`
	OriginID  *string           `json:"origin_id,omitempty"`
	EventID   *string           `json:"event_id,omitempty"`
	ACR       *string           `json:"acr,omitempty"`
	Expiry    *int64            `json:"expiry,omitempty"`
	IssuedAt  *int64            `json:"issued_at,omitempty"`
	AuthTime  *int64            `json:"auth_time,omitempty"`
	Scopes    []string          `json:"scopes,omitzero"`
	Groups    []string          `json:"groups,omitzero"`
	Audience  []string          `json:"audience,omitzero"`
	IsMachine *bool             `json:"is_machine,omitempty"`
	Strings   map[string]string `json:"strings,omitempty"`
	Bools     map[string]bool   `json:"bools,omitempty"`
}

// TokenText is the token of c, and false if c has none.
func (c Case) TokenText() (string, bool, error) {
	switch {
	case c.Token != nil && c.TokenBuild != nil:
		return "", false, fmt.Errorf("case %q has two tokens", c.Name)
	case c.Token != nil:
		return *c.Token, true, nil
	case c.TokenBuild != nil:
		text, err := expand(c.TokenBuild)
		return text, true, err
	}
	return "", false, nil
}

// Document is the key set itself.
func (s KeySet) Document() ([]byte, error) {
	if len(s) == 0 {
		return nil, fmt.Errorf("a key set is missing")
	}
	switch s[0] {
	case '"':
		var text string
		err := json.Unmarshal(s, &text)
		return []byte(text), err
	case '[':
		var chunks []Chunk
		if err := json.Unmarshal(s, &chunks); err != nil {
			return nil, err
		}
		text, err := expand(chunks)
		return []byte(text), err
	}
	return s, nil
}

// MarshalJSON keeps the document as it stands.
func (s KeySet) MarshalJSON() ([]byte, error) { return s, nil }

// UnmarshalJSON keeps the document as it stands.
func (s *KeySet) UnmarshalJSON(text []byte) error {
	*s = append((*s)[:0], text...)
	return nil
}

func expand(chunks []Chunk) (string, error) {
	var b strings.Builder
	for _, c := range chunks {
		text := c.S
		if c.X != "" {
			raw, err := hex.DecodeString(c.X)
			if err != nil || c.S != "" {
				return "", fmt.Errorf("chunk %+v: want text or hexadecimal digits", c)
			}
			text = string(raw)
		}
		if text == "" || c.N < 1 || c.N > 1<<24/len(text) {
			return "", fmt.Errorf("chunk %+v: empty, or repeated too often", c)
		}
		b.WriteString(strings.Repeat(text, c.N))
	}
	return b.String(), nil
}
