package corpus

import (
	"encoding/base64"
	"strings"
)

const compact = "RFC 7515, 7.1"

// sized is a genuine token of exactly that many octets: a claim and a header
// member that nobody reads fill it.
func sized(n int) recipe {
	for pad := range 4 {
		r := access().head("fill", quote(strings.Repeat("a", pad))).claim("fill", `""`)
		rest := n - len(b64(r.header.text())) - 2 - base64.RawURLEncoding.EncodedLen(256)
		octets := base64.RawURLEncoding.DecodedLen(rest)
		if base64.RawURLEncoding.EncodedLen(octets) == rest {
			return r.claim("fill", quote(strings.Repeat("a", octets-len(r.payload.text()))))
		}
	}
	panic("no token of that size")
}

func structure() []row {
	return []row{
		tok("genuine access token is accepted", "S1", accessPage, access(), accept).want(Want{
			Subject: new(subject), Username: new(userName), ClientID: new(clientID), TokenUse: new("access"), Issuer: new(issuer),
			PoolID: new(poolID), ID: new("5b1c9000-aaaa-4bbb-8ccc-000000000003"), OriginID: new("5b1c9000-aaaa-4bbb-8ccc-000000000001"),
			EventID: new("5b1c9000-aaaa-4bbb-8ccc-000000000002"), Expiry: new(int64(clock + 3299)), IssuedAt: new(int64(clock - 300)),
			AuthTime: new(int64(clock - 300)), Scopes: []string{"aws.cognito.signin.user.admin", "api/read"}, Groups: []string{},
			Audience: []string{}, IsMachine: new(false)}),
		tok("genuine ID token is accepted where ID tokens are asked for", "S1", idPage, identity(), accept).in("id").want(Want{
			Subject: new(subject), Username: new(userName), ClientID: new(clientID), TokenUse: new("id"), Issuer: new(issuer), PoolID: new(poolID),
			IsMachine: new(false), Strings: map[string]string{"email": "jane@example.com"}, Bools: map[string]bool{"email_verified": true}}),

		tok("empty string is malformed", "S2", "RFC 7519, 7.2", text(""), reject("token_malformed")),
		tok("one part is malformed", "S3", compact, access().then(func(t string) string { return strings.Split(t, ".")[0] }), reject("token_malformed")),
		tok("two parts are malformed", "S3", compact, access().then(func(t string) string { return t[:strings.LastIndex(t, ".")] }), reject("token_malformed")),
		tok("four parts are malformed", "S4", compact, access().then(suffix(".AAAA")), reject("token_malformed")),
		tok("four parts with an empty last one are malformed", "S4", compact, access().then(suffix(".")), reject("token_malformed")),
		tok("five parts in the shape of a refresh token are malformed", "S5", tokensPage, access().head("alg", `"RSA-OAEP"`).head("enc", `"A256GCM"`).then(suffix(".AAAA.AAAA")), reject("token_malformed")),
		tok("empty payload of a detached signature is malformed", "S6", "RFC 7515, Appendix F", access().then(part(1, become(""))), reject("claims_malformed")),
		tok("empty payload that is signed as such is malformed", "S6", "RFC 7519, 7.2", access().payloadIs(""), reject("claims_malformed")),
		tok("empty header is malformed", "", "RFC 7515, 5.2", access().headIs(""), reject("token_malformed")),
		tok("empty signature under RS256 does not verify", "S7", "RFC 8017, 8.2.2", access().then(part(2, become(""))), reject("signature_invalid")),
		tok("nothing but two dots is malformed", "", compact, text(".."), reject("token_malformed")),
		tok("one dot is malformed", "", compact, text("."), reject("token_malformed")),
		tok("32 thousand dots are malformed", "S8", compact, text(strings.Repeat(".", 32000)), reject("token_malformed")),
		tok("one million dots are too large", "S8", "RFC 8259, 9", text(strings.Repeat(".", 1000000)), reject("token_too_large")),
		tok("one megabyte without a dot is too large", "S8", "RFC 8259, 9", text(strings.Repeat("A", 1000000)), reject("token_too_large")),
		tok("32 thousand letters without a dot are malformed", "S8", compact, text(strings.Repeat("A", 32000)), reject("token_malformed")),
		tok("32 thousand dots after a genuine token are malformed", "S8", compact, access().then(suffix(strings.Repeat(".", 31000))), reject("token_malformed")),

		tok("token of one megabyte is too large", "S9", "RFC 8259, 9", sized(1000000), reject("token_too_large")),
		tok("token of exactly 32 KiB is accepted", "S9", tokensPage, sized(32768), accept),
		tok("token one octet over 32 KiB is too large", "S9", "RFC 8259, 9", sized(32769), reject("token_too_large")),
		tok("token of 64 KiB is accepted under a limit of 128 KiB", "S9", tokensPage, sized(65536), accept).in("big tokens"),
		tok("token of exactly the configured limit is accepted", "S9", tokensPage, sized(131072), accept).in("big tokens"),
		tok("token just over the configured limit is too large", "S9", "RFC 8259, 9", sized(131073), reject("token_too_large")).in("big tokens"),

		tok("leading space is malformed", "S10", compact, access().then(prefix(" ")), reject("token_malformed")),
		tok("trailing space is malformed", "S10", compact, access().then(suffix(" ")), reject("token_malformed")),
		tok("trailing line feed is malformed", "S10", compact, access().then(suffix("\n")), reject("token_malformed")),
		tok("trailing CR LF is malformed", "S10", compact, access().then(suffix("\r\n")), reject("token_malformed")),
		tok("trailing tab is malformed", "S10", compact, access().then(suffix("\t")), reject("token_malformed")),
		tok("trailing NUL is malformed", "S10", compact, access().then(suffix("\x00")), reject("token_malformed")),
		tok("line feed before a dot is malformed", "S10", compact, access().then(part(0, suffix("\n"))), reject("token_malformed")),
		tok("space after a dot is malformed", "S10", compact, access().then(part(1, prefix(" "))), reject("token_malformed")),
		tok("byte order mark before the token is malformed", "", compact, access().then(prefix("\uFEFF")), reject("token_malformed")),
		tok("zero width space after the token is malformed", "", compact, access().then(suffix("\u200B")), reject("token_malformed")),

		tok("scheme left in front is malformed", "S12", "RFC 6750, 2.1", access().then(prefix("Bearer ")), reject("token_malformed")),
		tok("quotes around the token are malformed", "", compact, access().then(prefix(`"`)).then(suffix(`"`)), reject("token_malformed")),
		tok("comma and a second token are malformed", "", compact, access().then(func(t string) string { return t + "," + t }), reject("token_malformed")),
		tok("two tokens joined by a dot are malformed", "", compact, access().then(func(t string) string { return t + "." + t }), reject("token_malformed")),
		tok("leading dot is malformed", "", compact, access().then(prefix(".")), reject("token_malformed")),
		tok("double dot is malformed", "", compact, access().then(part(0, suffix("."))), reject("token_malformed")),
		tok("full-width dots are malformed", "", compact, access().then(swap(".", "\uFF0E")), reject("token_malformed")),
		tok("percent-encoded dots are malformed", "", compact, access().then(swap(".", "%2E")), reject("token_malformed")),
		tok("SD-JWT with its tilde is malformed", "", compact, access().then(suffix("~")), reject("token_malformed")),
		tok("flattened JSON serialization is malformed", "", "RFC 7519, 3", access().then(jsonSerialization), reject("token_malformed")),
		tok("general JSON serialization is malformed", "", "RFC 7519, 3", access().then(generalSerialization), reject("token_malformed")),
		tok("JSON text of the claims alone is malformed", "", "RFC 7519, 7.2", text(access().payload.text()), reject("token_malformed")),
	}
}

func jsonSerialization(t string) string {
	p := strings.Split(t, ".")
	return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
}

func generalSerialization(t string) string {
	p := strings.Split(t, ".")
	return `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`
}
