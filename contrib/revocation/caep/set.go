package caep

// This file reads a security event token (RFC 8417), strictly: a member that stands
// there twice is refused, since two programs could read two different subjects.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/MicahParks/jwkset"
)

type set struct {
	header struct {
		Type      string         `json:"typ"`
		Algorithm string         `json:"alg"`
		KeyID     string         `json:"kid"`
		Critical  jsontext.Value `json:"crit"`
	}
	claims struct {
		Issuer    string                    `json:"iss"`
		Audience  audience                  `json:"aud"`
		ID        string                    `json:"jti"`
		IssuedAt  int64                     `json:"iat"`
		SubjectID *Subject                  `json:"sub_id"`
		Events    map[string]jsontext.Value `json:"events"`
	}
	signed    string
	signature []byte
}

// Subject is a subject identifier (RFC 9493), with the members of a complex subject
// of the Shared Signals Framework. A format that has other members leaves these out.
type Subject struct {
	// Format is account, email, iss_sub, opaque, phone_number, did, uri or complex.
	Format string `json:"format"`
	// Issuer and Subject belong to iss_sub; ID is that of opaque.
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	ID      string `json:"id"`
	Email   string `json:"email"`
	Phone   string `json:"phone_number"`
	URI     string `json:"uri"`
	// The members of complex.
	User        *Subject `json:"user"`
	Session     *Subject `json:"session"`
	Device      *Subject `json:"device"`
	Application *Subject `json:"application"`
	Tenant      *Subject `json:"tenant"`
}

// audience is one text or several (RFC 7519, section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		*a = audience{""}
		return jsonv2.UnmarshalDecode(d, &(*a)[0])
	}
	return jsonv2.UnmarshalDecode(d, (*[]string)(a))
}

func parse(token string) (*set, error) {
	malformed := &refusal{invalidRequest, "the body is no signed security event token"}
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		return nil, malformed
	}
	var decoded [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil {
			return nil, malformed
		}
		decoded[i] = b
	}
	s := &set{signed: parts[0] + "." + parts[1], signature: decoded[2]}
	if jsonv2.Unmarshal(decoded[0], &s.header) != nil || jsonv2.Unmarshal(decoded[1], &s.claims) != nil {
		return nil, malformed
	}
	return s, nil
}

// subject is whose session was revoked. ours is false if the SET has another event.
func (s *set) subject() (subject Subject, ours bool, err error) {
	event, ours := s.claims.Events[SessionRevoked]
	if !ours {
		return subject, false, nil
	}
	if s.claims.SubjectID != nil {
		return *s.claims.SubjectID, true, nil
	}
	// Drafts of CAEP had the subject in the event.
	var e struct {
		Subject *Subject `json:"subject"`
	}
	if jsonv2.Unmarshal(event, &e) != nil || e.Subject == nil {
		return subject, true, &refusal{invalidRequest, "there is no sub_id"}
	}
	return *e.Subject, true, nil
}

// StaticKeys returns a Config.Keys for a JSON Web Key Set that does not change. It
// takes public keys with a kid. For one that is fetched, look the key up in a
// jwkset.Storage that keeps it fresh.
func StaticKeys(keySet []byte) (func(ctx context.Context, keyID string) (any, error), error) {
	var doc jwkset.JWKSMarshal
	if err := json.Unmarshal(keySet, &doc); err != nil {
		return nil, fmt.Errorf("caep: key set: %w", err)
	}
	keys := map[string]any{}
	for _, m := range doc.Keys {
		// It refuses secret keys, since it is not told to take private ones.
		k, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			return nil, fmt.Errorf("caep: key set: %w", err)
		}
		if m.KID == "" || keys[m.KID] != nil {
			return nil, errors.New("caep: key set: a key has no kid of its own")
		}
		keys[m.KID] = k.Key()
	}
	if len(keys) == 0 {
		return nil, errors.New("caep: key set: it has no keys")
	}
	return func(_ context.Context, keyID string) (any, error) { return keys[keyID], nil }, nil
}
