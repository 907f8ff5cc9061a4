package keyset_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/jws"
	"github.com/cognitoauth/cognitoauth/internal/keyset"
	"github.com/cognitoauth/cognitoauth/internal/rs256"
)

// TestWycheproof runs the vectors of Project Wycheproof for JWK and JWS through the
// two steps that they are about: which key of a set is used, and whether the
// signature is good. Of the valid ones exactly those with RS256 have to be
// accepted, since Cognito signs with nothing else.
func TestWycheproof(t *testing.T) {
	files, _ := filepath.Glob("testdata/wycheproof/*.json")
	var all, accepted, weak int
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			TestGroups []struct {
				Comment string
				Key     json.RawMessage
				Tests   []struct {
					TcID            int
					Comment, Result string
					JWS             json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		for _, group := range doc.TestGroups {
			set := []byte(group.Key)
			if !strings.HasPrefix(string(set), `{"keys"`) {
				set = []byte(`{"keys":[` + string(set) + `]}`)
			}
			for _, v := range group.Tests {
				var compact string
				if json.Unmarshal(v.JWS, &compact) != nil {
					continue // the JSON form, which is no bearer token
				}
				all++
				want := v.Result == "valid" && algorithm(compact) == "RS256"
				got := verifies(set, compact)
				if got != want {
					t.Errorf("%s, %s, %d %s: accepted: %t, want %t", filepath.Base(name), group.Comment, v.TcID, v.Comment, got, want)
				}
				if got {
					accepted++
				}
				if strings.Contains(v.Comment, "Roca") {
					weak++
				}
			}
		}
	}
	t.Logf("%d vectors, %d accepted", all, accepted)
	if all != 475 || accepted < 10 || weak != 2 {
		t.Errorf("%d vectors, %d accepted, %d with a weak key; want 475, some, and 2", all, accepted, weak)
	}
}

// algorithm is the alg in the header of a JWS, "" if it has none.
func algorithm(compact string) string {
	head, _, _ := strings.Cut(compact, ".")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	var h struct{ Alg string }
	_ = json.Unmarshal(text, &h)
	return h.Alg
}

// verifies takes the steps of the middleware from the header to the signature.
func verifies(doc []byte, compact string) bool {
	set, err := keyset.Parse(doc)
	if err != nil {
		return false
	}
	var token jws.Token
	if token.Split(compact, new(jws.Headers)) != jws.None {
		return false
	}
	k := set.Find(token.Header.KeyID)
	return k != nil && rs256.SigningMethod{}.Verify(token.Signed, token.Signature, k.Verifier) == nil
}
