package cognitoalb

// This file reads the header x-amzn-oidc-data. It is a JWS in the compact form, but
// its segments are base64url *with* padding, and the signature is over that text:
//
//	eyJ0eXAi…fQ==.eyJzdWIi…In0=.Kz9v…pQ==
//	 │             │             └ 64 bytes, r and s of ECDSA
//	 │             └ the claims of the user, as the provider's userinfo endpoint has them
//	 └ alg, kid and, unlike in other JWTs, signer, iss, client and exp
//
// What makes a header good for this program stands in the first segment.

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDataBytes bounds the header. A load balancer refuses logins whose claims and
	// access token have more than 11 kB, which are 15 kB in base64.
	maxDataBytes = 16 << 10
	// maxHeaderBytes bounds its first segment, decoded. AWS's has about 400 bytes.
	maxHeaderBytes = 2 << 10
	signatureBytes = 64 // RFC 7518, section 3.4
)

// data is the header taken apart. Nothing of it is verified.
type data struct {
	header
	signed    string // the text that the signature is over
	payload   []byte
	subject   string
	username  string
	signature []byte
}

// header is the first segment. A member that is absent or null is zero.
type header struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
	Signer    string `json:"signer"`
	Issuer    string `json:"iss"`
	Client    string `json:"client"`
	Expiry    *int64 `json:"exp"`

	// Whoever writes one of these wants the token read by other rules than ours.
	Critical    jsontext.Value `json:"crit"`
	Encryption  jsontext.Value `json:"enc"`
	Compression jsontext.Value `json:"zip"`
	Unencoded   jsontext.Value `json:"b64"`
	ContentType jsontext.Value `json:"cty"`
}

// keyID is the form of a kid. Nothing else becomes part of a URL.
var keyID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// read takes a header apart and checks its form.
func read(text string) (*data, *Error) {
	if text == "" {
		return nil, refuse(&dataMissing, nil)
	}
	if len(text) > maxDataBytes {
		return nil, refuse(&dataTooLarge, sayf("x-amzn-oidc-data has %d bytes, at most %d are read", len(text), maxDataBytes))
	}
	head, rest, _ := strings.Cut(text, ".")
	body, signature, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, malformed("it has fewer than three segments")
	}
	d := &data{signed: text[:len(head)+1+len(body)]}
	if err := d.readHeader(head); err != nil {
		return nil, err
	}
	if d.payload, ok = decode(body); !ok {
		return nil, malformed("its second segment is not canonical base64url with padding")
	}
	// A fourth segment would be part of the third one, and is no base64.
	if d.signature, ok = decode(signature); !ok || len(d.signature) != signatureBytes {
		return nil, malformed("its third segment is not canonical base64url, with padding, of 64 bytes")
	}
	return d, d.readPayload()
}

func (d *data) readHeader(segment string) *Error {
	raw, ok := decode(segment)
	switch {
	case !ok:
		return malformed("its first segment is not canonical base64url with padding")
	case len(raw) > maxHeaderBytes:
		return malformed("its first segment is longer than 2 KiB")
	case json.Unmarshal(raw, &d.header) != nil:
		return malformed("its first segment is not one strict JSON object whose members have the types that AWS documents")
	case d.Algorithm != "ES256":
		return refuse(&algorithmUnsupported, sayf("alg is %s, expected \"ES256\"", quote(d.Algorithm)))
	case d.Type != "" && !strings.EqualFold(d.Type, "JWT"):
		return refuse(&headerUnsupported, sayf("typ is %s, expected \"JWT\" or none", quote(d.Type)))
	case d.Critical != nil || d.Encryption != nil || d.Compression != nil || d.Unencoded != nil || d.ContentType != nil:
		return refuse(&headerUnsupported, sayf("the first segment has crit, enc, zip, b64 or cty, expected none of them"))
	case !keyID.MatchString(d.KeyID):
		return refuse(&keyIDInvalid, sayf("kid is %s, expected a UUID in lower case", quote(d.KeyID)))
	}
	return nil
}

func (d *data) readPayload() *Error {
	var claims struct {
		Subject  string `json:"sub"`
		Username string `json:"username"`
	}
	if json.Unmarshal(d.payload, &claims) != nil {
		return refuse(&claimsMalformed, sayf("the second segment is not one strict JSON object, or sub or username is not a string"))
	}
	if claims.Subject == "" {
		return refuse(&claimsMalformed, sayf("the second segment has no sub: the provider's userinfo endpoint must return it"))
	}
	d.subject, d.username = claims.Subject, claims.Username
	return nil
}

// decode decodes a segment in the one spelling that AWS writes. encoding/base64 skips
// CR and LF even where it is Strict, so it must not see them. What an empty segment
// decodes to is neither an object nor a signature.
func decode(segment string) ([]byte, bool) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, false
	}
	raw, err := base64.URLEncoding.Strict().DecodeString(segment)
	return raw, err == nil
}
