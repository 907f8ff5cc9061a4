package jws_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/jws"
)

// header splits a token with that header and returns what was read of it.
func header(t *testing.T, known *jws.Headers, doc string) (*jws.Token, *jws.Header) {
	t.Helper()
	tok := new(jws.Token)
	if fault := tok.Split(token(doc), known); fault != jws.None {
		t.Fatalf("%s: fault %d", doc, fault)
	}
	return tok, tok.Header
}

// A header that is remembered is the same pointer for each token that has it.
func TestHeaders_Remember(t *testing.T) {
	var known jws.Headers
	tok, own := header(t, &known, good)
	if _, next := header(t, &known, good); next == own {
		t.Fatal("a header is remembered before anybody has verified its token")
	}
	known.Remember(tok)
	tok.Reset() // which must not touch what is remembered
	again, first := header(t, &known, good)
	if first.KeyID != "k" || first.Algorithm != "RS256" {
		t.Errorf("remembered: %+v", first)
	}
	known.Remember(again) // it is known already
	if _, second := header(t, &known, good); second != first {
		t.Error("a known header was kept again")
	}
	// The same header in other bytes is another one.
	if _, other := header(t, &known, " "+good); other == first {
		t.Error("a header is found by other bytes than its own")
	}
	if _, other := header(t, &known, `{"kid":"j","alg":"RS256"}`); other.KeyID != "j" {
		t.Errorf("another header: %+v", other)
	}
	if fault := new(jws.Token).Split(token(`{"alg":"RS256"}`), &known); fault != jws.KeyIDMissing {
		t.Errorf("a header that is not known: fault %d", fault)
	}
	// A known header does not spare the other segments their check.
	if fault := new(jws.Token).Split(encode(good)+".!.e30", &known); fault != jws.Encoding {
		t.Errorf("a known header and a bad payload: fault %d", fault)
	}
}

// Whatever number of headers one key signs, never more than 256 are remembered,
// and the newest is.
func TestHeaders_bounded(t *testing.T) {
	var known jws.Headers
	docs := make([]string, 600)
	for i := range docs {
		docs[i] = fmt.Sprintf(`{"kid":"k","alg":"RS256","n":%d}`, i)
		tok, _ := header(t, &known, docs[i])
		known.Remember(tok)
		if !isKnown(t, &known, docs[i]) {
			t.Fatalf("header %d was not remembered", i)
		}
	}
	count := 0
	for _, doc := range docs {
		if isKnown(t, &known, doc) {
			count++
		}
	}
	if count == 0 || count > 256 {
		t.Errorf("%d headers are remembered, expected at most 256", count)
	}
}

// isKnown reports whether two tokens with that header share it.
func isKnown(t *testing.T, known *jws.Headers, doc string) bool {
	t.Helper()
	_, a := header(t, known, doc)
	_, b := header(t, known, doc)
	return a == b
}

// Under the race detector this shows that Headers need no lock around them. None
// of the headers gets lost.
func TestHeaders_concurrent(t *testing.T) {
	var known jws.Headers
	var wg sync.WaitGroup
	doc := func(n int) string { return fmt.Sprintf(`{"kid":"%d","alg":"RS256"}`, n) }
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				n := 50*g + i
				var tok jws.Token
				if fault := tok.Split(token(doc(n)), &known); fault != jws.None || tok.Header.KeyID != fmt.Sprint(n) {
					t.Errorf("kid %d: fault %d, %+v", n, fault, tok.Header)
					return
				}
				known.Remember(&tok)
			}
		})
		wg.Go(func() { // one that only looks
			for range 200 {
				if fault := new(jws.Token).Split(token(doc(50*g)), &known); fault != jws.None {
					t.Errorf("kid %d: fault %d", 50*g, fault)
					return
				}
			}
		})
	}
	wg.Wait()
	for n := range 200 {
		if !isKnown(t, &known, doc(n)) {
			t.Fatalf("the header with kid %d was lost", n)
		}
	}
}
