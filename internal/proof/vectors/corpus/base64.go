package corpus

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	unpadded  = "RFC 7515, 2"
	canonical = "RFC 4648, 3.5"
	foreign   = "RFC 4648, 3.3"
)

// leaving is a genuine token whose payload has that many octets left over after
// groups of three: 1 leaves four unused bits in the last letter, 2 leaves two,
// 0 none.
func leaving(octets int) recipe {
	r := access().claim("fill", `""`)
	for len(r.payload.text())%3 != octets {
		r = r.claim("fill", r.payload[len(r.payload)-1].value[:1]+"a"+r.payload[len(r.payload)-1].value[1:])
	}
	return r
}

// headLeaving is the same for the header.
func headLeaving(octets int) recipe {
	r := access().head("fill", `""`)
	for len(r.header.text())%3 != octets {
		r = r.head("fill", r.header[len(r.header)-1].value[:1]+"a"+r.header[len(r.header)-1].value[1:])
	}
	return r
}

// marked is a genuine token whose header and payload have both letters in which
// the two alphabets of RFC 4648 differ.
func marked() recipe {
	return access().claim("mark", `"???>>>??>>?>"`).before("mark2", `"???>>>??>>?>?"`).head("mark", `"???>>>??>>?>"`).headBefore("mark2", `"???>>>??>>?>?"`)
}

// standard puts a text into the alphabet of RFC 4648, 4.
func standard(t string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(t) }

func pad(t string) string { return t + strings.Repeat("=", (4-len(t)%4)%4) }

func hexadecimal(t string) string {
	return hex.EncodeToString(must(base64.RawURLEncoding.DecodeString(t)))
}

func encoding() []row {
	return []row{
		tok("line feed inside the header is malformed", "S10", unpadded, access().then(part(0, insert(20, "\n"))), reject("token_malformed")),
		tok("line feed inside the payload is malformed", "S10", unpadded, access().then(part(1, insert(20, "\n"))), reject("token_malformed")),
		tok("line feed inside the signature is malformed", "S11", unpadded, access().then(part(2, insert(20, "\n"))), reject("token_malformed")),
		tok("carriage return inside the signature is malformed", "S11", unpadded, access().then(part(2, insert(20, "\r"))), reject("token_malformed")),
		tok("CR LF every 76 letters of the signature is malformed", "S11", unpadded, access().then(part(2, insert(76, "\r\n"))), reject("token_malformed")),
		tok("CR LF inside the payload that is signed as such is malformed", "S11", unpadded, access().payloadCoded(insert(76, "\r\n")), reject("token_malformed")),
		tok("CR LF inside the header that is signed as such is malformed", "S11", unpadded, access().headCoded(insert(8, "\r\n")), reject("token_malformed")),
		tok("CR LF at the end of the signature is malformed", "S11", unpadded, access().then(part(2, suffix("\r\n"))), reject("token_malformed")),
		tok("space inside the signature is malformed", "S10", unpadded, access().then(part(2, insert(20, " "))), reject("token_malformed")),
		tok("space inside the payload is malformed", "S10", unpadded, access().then(part(1, insert(20, " "))), reject("token_malformed")),
		tok("tab inside the payload is malformed", "", unpadded, access().then(part(1, insert(20, "\t"))), reject("token_malformed")),
		tok("NUL inside the payload is malformed", "", unpadded, access().then(part(1, insert(20, "\x00"))), reject("token_malformed")),

		tok("signature with its padding is malformed", "S13", unpadded, access().then(part(2, suffix("=="))), reject("token_malformed")),
		tok("signature with one sign of padding is malformed", "S13", unpadded, access().then(part(2, suffix("="))), reject("token_malformed")),
		tok("signature with three signs of padding is malformed", "S13", unpadded, access().then(part(2, suffix("==="))), reject("token_malformed")),
		tok("signature with percent-encoded padding is malformed", "S13", unpadded, access().then(part(2, suffix("%3D%3D"))), reject("token_malformed")),
		tok("payload with padding that is signed as such is malformed", "S14", unpadded, leaving(1).payloadCoded(pad), reject("token_malformed")),
		tok("payload with one sign of padding that is signed as such is malformed", "S14", unpadded, leaving(2).payloadCoded(pad), reject("token_malformed")),
		tok("payload with padding after the fact is malformed", "S14", unpadded, leaving(2).then(part(1, pad)), reject("token_malformed")),
		tok("header with padding that is signed as such is malformed", "S14", unpadded, headLeaving(1).headCoded(pad), reject("token_malformed")),
		tok("padding in the middle of the payload is malformed", "S14", unpadded, access().then(part(1, insert(4, "="))), reject("token_malformed")),

		tok("payload without octets left over is accepted", "", unpadded, leaving(0), accept),
		tok("payload with one octet left over is accepted", "", unpadded, leaving(1), accept),
		tok("payload with two octets left over is accepted", "", unpadded, leaving(2), accept),
		tok("header with one octet left over is accepted", "", unpadded, headLeaving(1), accept),
		tok("header with two octets left over is accepted", "", unpadded, headLeaving(2), accept),
		tok("unused bits of the signature set are malformed", "S15", canonical, access().then(nextLetter), reject("token_malformed")),
		tok("highest unused bit of the signature set is malformed", "S15", canonical, access().then(func(t string) string {
			return t[:len(t)-1] + string(base64url[strings.IndexByte(base64url, t[len(t)-1])^8])
		}), reject("token_malformed")),
		tok("four unused bits of the payload set and signed are malformed", "S16", canonical, leaving(1).payloadCoded(nextLetter), reject("token_malformed")),
		tok("two unused bits of the payload set and signed are malformed", "S16", canonical, leaving(2).payloadCoded(nextLetter), reject("token_malformed")),
		tok("four unused bits of the header set and signed are malformed", "S16", canonical, headLeaving(1).headCoded(nextLetter), reject("token_malformed")),
		tok("two unused bits of the header set and signed are malformed", "S16", canonical, headLeaving(2).headCoded(nextLetter), reject("token_malformed")),
		tok("dangling letter of the payload that is signed as such is malformed", "S17", canonical, leaving(0).payloadCoded(suffix("A")), reject("token_malformed")),
		tok("dangling letter of the header that is signed as such is malformed", "S17", canonical, headLeaving(0).headCoded(suffix("A")), reject("token_malformed")),
		tok("dangling letter of the signature is malformed", "S17", canonical, access().then(suffix("AAA")), reject("token_malformed")),
		tok("signature cut to a dangling letter is malformed", "S17", canonical, access().then(cut(1)), reject("token_malformed")),

		tok("both letters of the url alphabet are accepted", "S18", unpadded, marked(), accept),
		tok("signature in the standard alphabet is malformed", "S18", unpadded, access().then(part(2, standard)), reject("token_malformed")),
		tok("payload in the standard alphabet that is signed as such is malformed", "S18", unpadded, marked().payloadCoded(standard), reject("token_malformed")),
		tok("payload in the standard alphabet after the fact is malformed", "S18", unpadded, marked().then(part(1, standard)), reject("token_malformed")),
		tok("header in the standard alphabet that is signed as such is malformed", "S18", unpadded, marked().headCoded(standard), reject("token_malformed")),
		tok("plus in place of one minus is malformed", "S18", unpadded, marked().payloadCoded(func(t string) string { return strings.Replace(t, "-", "+", 1) }), reject("token_malformed")),
		tok("alphabet of IMAP with its comma is malformed", "", unpadded, marked().payloadCoded(swap("_", ",")), reject("token_malformed")),

		tok("letter with an accent in the payload is malformed", "", foreign, access().then(part(1, insert(20, "é"))), reject("token_malformed")),
		tok("full-width letter in the signature is malformed", "", foreign, access().then(part(2, insert(20, "Ａ"))), reject("token_malformed")),
		tok("long s in the header is malformed", "", foreign, access().then(part(0, insert(20, "ſ"))), reject("token_malformed")),
		tok("octet 0xFF in the payload is malformed", "", foreign, access().then(part(1, insert(20, "\xff"))), reject("token_malformed")),
		tok("letter with its high bit set is malformed", "", foreign, access().then(part(2, insert(20, "\xc1"))), reject("token_malformed")),
		tok("exclamation mark in the header is malformed", "", foreign, access().then(part(0, insert(20, "!"))), reject("token_malformed")),
		tok("percent sign in the signature is malformed", "", foreign, access().then(part(2, insert(20, "%41"))), reject("token_malformed")),
		tok("zero width space inside the payload is malformed", "", foreign, access().then(part(1, insert(20, "\u200b"))), reject("token_malformed")),

		tok("payload encoded twice is malformed", "", "RFC 7519, 7.2", access().payloadCoded(b64), reject("claims_malformed")),
		tok("header encoded twice is malformed", "", "RFC 7519, 7.2", access().headCoded(b64), reject("token_malformed")),
		tok("signature in hexadecimal digits does not verify", "", "RFC 8017, 8.2.2", access().then(part(2, hexadecimal)), reject("signature_invalid")),
		tok("signature encoded twice does not verify", "", "RFC 8017, 8.2.2", access().then(part(2, b64)), reject("signature_invalid")),
	}
}
