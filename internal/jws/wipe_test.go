package jws_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/jws"
)

// The first token of a workspace makes its memory grow while it is decoded. No
// part of it may stay behind in memory that was too small.
func TestReset_wipesTheFirstToken(t *testing.T) {
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	var tok jws.Token
	compact := segment(`{"alg":"RS256","kid":"k"}`) + "." + segment(`{"sub":"`+strings.Repeat("s", 700)+`"}`) + "." + segment("signature")
	if fault := tok.Split(compact, new(jws.Headers)); fault != jws.None {
		t.Fatalf("fault %d", fault)
	}
	payload, signature := tok.Payload, tok.Signature
	if string(signature) != "signature" {
		t.Fatalf("the signature is %q", signature)
	}
	if !tok.Reset() {
		t.Fatal("Reset does not keep the memory of a short token")
	}
	if len(bytes.Trim(payload, "\x00")) != 0 || len(bytes.Trim(signature, "\x00")) != 0 {
		t.Errorf("after Reset the memory has %q and %q", payload, signature)
	}
}
