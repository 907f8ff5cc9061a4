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
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	cognitoalb "github.com/cognitoauth/cognitoauth/contrib/alb"
)

func ExampleVerifier_Protect() {
	alb, err := cognitoalb.New(cognitoalb.Config{
		LoadBalancers: []string{"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"},
		Issuer:        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01",
		ClientIDs:     []string{"1example23456789"},
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools:       []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
		TokenSource: cognitoauth.FromHeader(cognitoalb.AccessTokenHeader),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		claims, _ := cognitoauth.FromContext(r.Context()) // of the access token: scopes, groups
		user, _ := cognitoalb.FromContext(r.Context())    // of the load balancer: name, e-mail
		var profile struct {
			Name string `json:"name"`
		}
		if err := user.Decode(&profile); err != nil {
			http.Error(w, "no profile", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "hello %s, %v\n", profile.Name, claims.Scopes())
	})
	_ = alb.Protect(auth, mux) // serve it
}

// Without an access token: who is it, and nothing else.
func ExampleVerifier_Wrap() {
	alb, err := cognitoalb.New(cognitoalb.Config{
		LoadBalancers: []string{"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"},
		Issuer:        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01",
		ClientIDs:     []string{"1example23456789"},
	})
	if err != nil {
		log.Fatal(err)
	}
	site := http.NewServeMux()
	site.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		user, _ := cognitoalb.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s\n", user.Username)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", alb.Wrap(site))
	_ = mux // serve it
}

// A test of your own handlers needs no AWS: it makes a key, serves it where KeyURL says,
// and signs the header itself, as a load balancer does.
func ExampleConfig_inTests() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		log.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}))
	defer keys.Close()

	config := cognitoalb.Config{
		LoadBalancers: []string{"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"},
		Issuer:        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01",
		ClientIDs:     []string{"1example23456789"},
		KeyURL:        keys.URL,
	}
	alb, err := cognitoalb.New(config)
	if err != nil {
		log.Fatal(err)
	}
	site := alb.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cognitoalb.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s", user.Username)
	}))

	sign := func(claims string) string {
		head, _ := json.Marshal(map[string]any{
			"typ": "JWT", "alg": "ES256", "kid": "12345678-1234-1234-1234-123456789012",
			"signer": config.LoadBalancers[0], "iss": config.Issuer, "client": config.ClientIDs[0],
			"exp": time.Now().Add(time.Minute).Unix(),
		})
		text := base64.URLEncoding.EncodeToString(head) + "." + base64.URLEncoding.EncodeToString([]byte(claims))
		digest := sha256.Sum256([]byte(text))
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			log.Fatal(err)
		}
		signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		return text + "." + base64.URLEncoding.EncodeToString(signature)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(cognitoalb.DataHeader, sign(`{"sub":"s-jane","username":"jane"}`))
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 hello jane
}
