package cognitoalb_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

const (
	arn    = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
	issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	client = "1example23456789"
	kid    = "12345678-1234-1234-1234-123456789012"
	site   = "https://public-keys.auth.elb.eu-west-1.amazonaws.com/"
	claims = `{"sub":"s-jane","email_verified":"true","name":"Jane","email":"jane@example.com","username":"jane"}`
)

// signing is the key of the region, other one that the region does not have.
var signing, other = newKey(elliptic.P256()), newKey(elliptic.P256())

func newKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// publicPEM is a key as the endpoint has it.
func publicPEM(public any) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// data is a header in the making, as a load balancer of AWS writes it. A test breaks
// one part of it.
type data struct {
	header  map[string]any
	raw     string // of the header; replaces it
	payload string
	key     *ecdsa.PrivateKey
	encode  func([]byte) string
}

func good(now time.Time) data {
	return data{
		header:  map[string]any{"typ": "JWT", "kid": kid, "alg": "ES256", "iss": issuer, "client": client, "signer": arn, "exp": now.Add(2 * time.Minute).Unix()},
		payload: claims,
		key:     signing,
		encode:  base64.URLEncoding.EncodeToString,
	}
}

// with changes a member of the header; nil removes it.
func (d data) with(name string, v any) data {
	d.header = maps.Clone(d.header)
	d.header[name] = v
	if v == nil {
		delete(d.header, name)
	}
	return d
}

func (d data) claims(payload string) data { d.payload = payload; return d }

func (d data) by(key *ecdsa.PrivateKey) data { d.key = key; return d }

func (d data) signed() string {
	head := d.raw
	if head == "" {
		b, err := json.Marshal(d.header)
		if err != nil {
			panic(err)
		}
		head = string(b)
	}
	return d.encode([]byte(head)) + "." + d.encode([]byte(d.payload))
}

// String signs by RFC 7518, section 3.4: r and s, 32 bytes each.
func (d data) String() string {
	signed := d.signed()
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, digest[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + d.encode(signature)
}

// endpoint is the key endpoint of a region, in the process.
type endpoint struct {
	mu     sync.Mutex
	asked  []string // URLs, in order
	at     []time.Time
	answer func(url string) (status int, body string)
	wait   func(*http.Request) error // before the answer
}

// newEndpoint has the key of the region under kid.
func newEndpoint() *endpoint {
	return &endpoint{answer: func(url string) (int, string) {
		if url == site+kid {
			return http.StatusOK, publicPEM(&signing.PublicKey)
		}
		return http.StatusNotFound, "no such key"
	}}
}

// becomes replaces the answers.
func (e *endpoint) becomes(answer func(string) (int, string)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

func (e *endpoint) fetches() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.asked, e.at = append(e.asked, r.URL.String()), append(e.at, time.Now())
	answer, wait := e.answer, e.wait
	e.mu.Unlock()
	if wait != nil {
		if err := wait(r); err != nil {
			return nil, err
		}
	}
	status, body := answer(r.URL.String())
	h := http.Header{}
	if status/100 == 3 {
		h.Set("Location", site+kid)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (e *endpoint) config() cognitoalb.Config {
	return cognitoalb.Config{
		LoadBalancers: []string{arn},
		Issuer:        issuer,
		ClientIDs:     []string{client},
		HTTPClient:    &http.Client{Transport: e},
	}
}

func verifier(t *testing.T, c cognitoalb.Config) *cognitoalb.Verifier {
	t.Helper()
	v, err := cognitoalb.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// code is the code of a refusal, "" of none.
func code(err error) string {
	if err == nil {
		return ""
	}
	e, ok := err.(*cognitoalb.Error)
	if !ok {
		return fmt.Sprintf("%T", err)
	}
	return e.Code
}

// uuid is the n-th of many kids.
func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }
