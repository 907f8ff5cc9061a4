package jws_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/jws"
)

// The example of RFC 7515, appendix A.2, and the modulus of the key that signed it.
const (
	rfcHeader    = "eyJhbGciOiJSUzI1NiJ9"
	rfcPayload   = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfcSignature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" +
		"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4" +
		"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K" +
		"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv" +
		"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" +
		"p0igcN_IoypGlUPQGe77Rw"
	rfcModulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp" +
		"-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW" +
		"vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs" +
		"LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k" +
		"G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2" +
		"PAcDTW9gb54h4FRWyuXpoQ"
)

const good = `{"kid":"k","alg":"RS256"}`

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// token is a token with that header and any payload and signature.
func token(header string) string {
	return encode(header) + "." + encode("{}") + "." + encode("signature")
}

func split(compact string) jws.Fault { return new(jws.Token).Split(compact, &jws.Headers{}) }

func TestToken_rfc7515(t *testing.T) {
	var tok jws.Token
	payload, signature, fault := tok.Cut(rfcHeader + "." + rfcPayload + "." + rfcSignature)
	if fault != jws.None || tok.Signed != rfcHeader+"."+rfcPayload {
		t.Fatalf("Cut: %v, signed %q", fault, tok.Signed)
	}
	// Its header has no kid, which makes it no token of Cognito's.
	if fault = tok.ReadHeader(); fault != jws.KeyIDMissing || tok.Header != nil || tok.Rejected().Algorithm != "RS256" || tok.Rejected().KeyID != "" {
		t.Errorf("ReadHeader: %v, %+v", fault, tok.Rejected())
	}
	if fault = tok.ReadBody(payload, signature); fault != jws.None {
		t.Fatalf("ReadBody: %v", fault)
	}
	if want := "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"; string(tok.Payload) != want {
		t.Errorf("payload %q, expected %q", tok.Payload, want)
	}
	n, err := base64.RawURLEncoding.DecodeString(rfcModulus)
	if err != nil {
		t.Fatal(err)
	}
	public, digest := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, sha256.Sum256([]byte(tok.Signed))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], tok.Signature); err != nil {
		t.Errorf("the parts are not those that were signed: %v", err)
	}
}

func TestToken_Split(t *testing.T) {
	const header = `{"kid":"a\u002fb","alg":"RS256","typ":"JWT"}`
	compact := encode(header) + "." + encode(`{"sub":"x"}`) + "." + encode("\x00\xff")
	var tok jws.Token
	if fault := tok.Split(compact, &jws.Headers{}); fault != jws.None {
		t.Fatal(fault)
	}
	if h := tok.Header; h.Algorithm != "RS256" || h.KeyID != "a/b" || h.Type != "JWT" || h.Forbidden != "" {
		t.Errorf("%+v", h)
	}
	if string(tok.Payload) != `{"sub":"x"}` || string(tok.Signature) != "\x00\xff" || tok.Signed != encode(header)+"."+encode(`{"sub":"x"}`) {
		t.Errorf("payload %q, signature %q, signed %q", tok.Payload, tok.Signature, tok.Signed)
	}
	// No claim is looked at here, and an empty segment encodes no bytes.
	if fault := split(encode(good) + ".."); fault != jws.None {
		t.Errorf("empty segments: %v", fault)
	}
}

// long is a header of n bytes.
func long(n int) string {
	const open, end = `{"kid":"k","alg":"RS256","x":"`, `"}`
	return open + strings.Repeat("x", n-len(open)-len(end)) + end
}

func TestToken_faults(t *testing.T) {
	kid := func(n int) string { return fmt.Sprintf(`{"alg":"RS256","kid":"%s"}`, strings.Repeat("k", n)) }
	for _, tt := range []struct {
		want    jws.Fault
		compact string
	}{
		{jws.Parts, ""},
		{jws.Parts, "."},
		{jws.Parts, encode(good)},
		{jws.Parts, encode(good) + ".e30"},
		{jws.Parts, token(good) + "."},
		{jws.Parts, token(good) + ".e30.e30"}, // a JWE has five (RFC 7516, section 3.1)

		{jws.None, token(long(1024))},
		{jws.LongHeader, token(long(1025))},
		{jws.LongHeader, strings.Repeat("!", 5000) + ".."},

		{jws.Encoding, encode(good) + "=.e30.e30"},
		{jws.Encoding, encode(good)[:8] + "\n" + encode(good)[8:] + ".e30.e30"},
		{jws.Encoding, "e30A!A.e30.e30"},
		{jws.Encoding, encode(good) + ".e30=.e30"},
		{jws.Encoding, encode(good) + ".e31.e30"}, // spare bits
		{jws.Encoding, encode(good) + ".e30.e3+"},
		{jws.Encoding, encode(good) + ".e30.A"},
		{jws.Encoding, encode(good) + ". e30.e30"},

		{jws.HeaderJSON, "..e30"},
		{jws.HeaderJSON, token(``)},
		{jws.HeaderJSON, token(`[]`)},
		{jws.HeaderJSON, token(`"RS256"`)},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k"`)},
		{jws.HeaderJSON, token(good + good)},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k","alg":"RS256"}`)},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k","\u006bid":"k"}`)},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k","x":{"y":1,"y":1}}`)},
		{jws.HeaderJSON, token("{\"alg\":\"RS256\",\"kid\":\"\xff\"}")},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k","x":1e400}`)},
		{jws.HeaderJSON, token(`{"alg":"RS256","kid":"k","x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`)},

		{jws.None, token(`{"\u0061lg":"RS25\u0036","kid":"k"}`)},
		{jws.Algorithm, token(`{}`)},
		{jws.Algorithm, token(`{"kid":"k"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"none"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"HS256"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"RS512"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"PS256"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"rs256"}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":"RS256 "}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":["RS256"]}`)},
		{jws.Algorithm, token(`{"kid":"k","alg":null}`)},
		{jws.Algorithm, token(`{"kid":"k","ALG":"RS256"}`)},

		{jws.KeyIDMissing, token(`{"alg":"RS256"}`)},
		{jws.KeyIDMissing, token(`{"alg":"RS256","Kid":"k","\u212aid":"k"}`)},
		{jws.KeyIDNotString, token(`{"alg":"RS256","kid":1}`)},
		{jws.KeyIDNotString, token(`{"alg":"RS256","kid":null}`)},
		{jws.KeyIDNotString, token(`{"alg":"RS256","kid":["k"]}`)},
		{jws.KeyIDEmpty, token(`{"alg":"RS256","kid":""}`)},
		{jws.None, token(kid(256))},
		{jws.KeyIDTooLong, token(kid(257))},

		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","crit":["exp"]}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","crit":null}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","b64":true}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","enc":"A256GCM"}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","zip":"DEF"}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","cty":"JWT"}`)},
		{jws.ForbiddenMember, token(`{"alg":"RS256","kid":"k","\u0063rit":[]}`)},

		// RFC 7515, section 4: what is not understood is ignored. We never fetch a key.
		{jws.None, token(`{"alg":"RS256","kid":"k","jku":"https://example.com","jwk":{},"x5u":"","x5c":[],"Crit":["x"],"x":1}`)},
	} {
		if got := split(tt.compact); got != tt.want {
			t.Errorf("%.80q: fault %d, expected %d", tt.compact, got, tt.want)
		}
	}
}

// RFC 8725, section 3.11; RFC 7515, section 4.1.9 has the rule about the prefix.
func TestToken_type(t *testing.T) {
	for typ, want := range map[string]jws.Fault{
		`"JWT"`: jws.None, `"jwt"`: jws.None, `"at+jwt"`: jws.None, `"AT+JWT"`: jws.None, `"application/at+jwt"`: jws.None, `"Application/JWT"`: jws.None, `"\u004aWT"`: jws.None,

		`""`: jws.Type, `null`: jws.Type, `1`: jws.Type, `["JWT"]`: jws.Type, `"JWS"`: jws.Type, `"JOSE"`: jws.Type, `"JOSE+JSON"`: jws.Type, `"dpop+jwt"`: jws.Type, `"logout+jwt"`: jws.Type,
		`"secevent+jwt"`: jws.Type, `"JWT "`: jws.Type, `"application/"`: jws.Type, `"application/application/jwt"`: jws.Type, `"text/jwt"`: jws.Type, `"x/at+jwt"`: jws.Type, `"message/http/jwt"`: jws.Type, `"applicationsjwt"`: jws.Type,
		`"at+\u212awt"`: jws.Type, `"\u212aWT"`: jws.Type, `"J\u212aT"`: jws.Type, `"\u212a"`: jws.Type, `"at+jwt\u0000"`: jws.Type, `"application/jwt;v=1"`: jws.Type, `"appli\u212aation/jwt"`: jws.Type,
		`"application\u002fjwt"`: jws.None,
	} {
		if got := split(token(`{"alg":"RS256","kid":"k","typ":` + typ + `}`)); got != want {
			t.Errorf("typ %s: fault %d, expected %d", typ, got, want)
		}
	}
}

// A token with several faults has the first of them. Each row takes one fault
// away from the row before.
func TestToken_order(t *testing.T) {
	broken := func(header string) string { return encode(header) + ".!.!" }
	for _, tt := range []struct {
		want    jws.Fault
		compact string
	}{
		{jws.Parts, strings.Repeat("!", 2000) + ".!"},
		{jws.LongHeader, strings.Repeat("!", 2000) + ".!.!"},
		{jws.Encoding, "!.!.!"},
		{jws.HeaderJSON, broken(`{"alg":"none","kid":"","crit":1,"typ":1`)},
		{jws.Algorithm, broken(`{"alg":"none","crit":1,"typ":1}`)},
		{jws.KeyIDMissing, broken(`{"alg":"RS256","crit":1,"typ":1}`)},
		{jws.KeyIDNotString, broken(`{"alg":"RS256","kid":0,"crit":1,"typ":1}`)},
		{jws.KeyIDEmpty, broken(`{"alg":"RS256","kid":"","crit":1,"typ":1}`)},
		{jws.KeyIDTooLong, broken(`{"alg":"RS256","kid":"` + strings.Repeat("k", 257) + `","crit":1,"typ":1}`)},
		{jws.ForbiddenMember, broken(`{"alg":"RS256","kid":"k","crit":1,"typ":1}`)},
		{jws.Type, broken(`{"alg":"RS256","kid":"k","typ":1}`)},
		{jws.Encoding, broken(`{"alg":"RS256","kid":"k"}`)},
		{jws.None, token(`{"alg":"RS256","kid":"k"}`)},
	} {
		if got := split(tt.compact); got != tt.want {
			t.Errorf("%.80q: fault %d, expected %d", tt.compact, got, tt.want)
		}
	}
}

// What is told of a header that was refused is what it said.
func TestToken_Rejected(t *testing.T) {
	var tok jws.Token
	fault := tok.Split(token(`{"alg":"RS256","kid":"k\u0031","typ":"dpop+jwt","zip":"DEF"}`), &jws.Headers{})
	if h := tok.Rejected(); fault != jws.ForbiddenMember || tok.Header != nil || h.Algorithm != "RS256" || h.KeyID != "k1" || h.Type != "dpop+jwt" || h.Forbidden != "zip" {
		t.Errorf("fault %d, %+v", fault, h)
	}
}

// White space is looked for in the segment that is not base64url, and in no other.
func TestToken_Spaced(t *testing.T) {
	head, body, signature := encode(good), encode("payload"), encode("signature")
	for compact, want := range map[string]bool{
		"a\nb." + body + "." + signature:                             true,
		head + "." + body[:3] + " " + body[3:] + "." + signature:     true,
		head + "." + body + "." + signature + "\r":                   true,
		head + "." + body + "." + signature[:5] + "\t" + signature:   true,
		"a!b." + body + " ." + signature:                             false,
		head + "." + body + "!." + signature:                         false,
		head + "." + body + " ." + signature + "!":                   false, // the signature is decoded first
		head + "." + body + "." + signature[:len(signature)-1] + "!": false,
	} {
		var tok jws.Token
		if fault := tok.Split(compact, &jws.Headers{}); fault != jws.Encoding || tok.Spaced() != want {
			t.Errorf("%q: fault %d, white space: %v; expected %d, %v", compact, fault, tok.Spaced(), jws.Encoding, want)
		}
		if tok.Reset(); tok.Spaced() {
			t.Errorf("%q: the next token has its white space", compact)
		}
	}
}

func TestToken_Reset(t *testing.T) {
	var tok jws.Token
	secret := strings.Repeat("payload", 100)
	compact := encode(good) + "." + encode(secret) + "." + encode("signature")
	for range 2 { // the first time makes the room, piece by piece
		tok.Reset()
		if fault := tok.Split(compact, &jws.Headers{}); fault != jws.None {
			t.Fatal(fault)
		}
	}
	payload, signature := tok.Payload, tok.Signature
	if !tok.Reset() {
		t.Error("a small token is worth its memory")
	}
	if left := strings.Trim(string(slices.Concat(payload, signature)), "\x00"); left != "" {
		t.Errorf("%q is left in memory", left)
	}
	if tok.Header != nil || tok.Payload != nil || tok.Signature != nil || tok.Signed != "" || *tok.Rejected() != (jws.Header{}) {
		t.Errorf("%+v is left", tok)
	}
	// The next token sees nothing of the one before: this one has no kid.
	if fault := tok.Split(rfcHeader+".e30.e30", &jws.Headers{}); fault != jws.KeyIDMissing {
		t.Errorf("the next token: fault %d", fault)
	}
	large := new(jws.Token)
	if fault := large.Split(encode(good)+"."+encode(strings.Repeat("x", 20<<10))+".e30", &jws.Headers{}); fault != jws.None || large.Reset() {
		t.Errorf("fault %d, or memory of 20 KiB is kept", fault)
	}
}

func TestToken_usesItsMemoryAgain(t *testing.T) {
	var tok jws.Token
	var known jws.Headers
	compact := token(good)
	if fault := tok.Split(compact, &known); fault != jws.None {
		t.Fatal(fault)
	}
	known.Remember(&tok)
	fault := jws.None
	if n := testing.AllocsPerRun(20, func() { tok.Reset(); fault = max(fault, tok.Split(compact, &known)) }); n != 0 || fault != jws.None {
		t.Errorf("%v allocations, fault %d", n, fault)
	}
}
