package cognitoalb_test

import (
	"fmt"
	"log"
	"net/http"

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
